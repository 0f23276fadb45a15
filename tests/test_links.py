"""Постоянные номера ячеек и ссылки на них."""

import re

import jupytext
import nbformat
import pytest
from jupytext.config import load_jupytext_config

from recsys_lessons import lessons
from tools.notebooks import FOLDER, SourceError, link_problems, read_source

HEADER = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

"""
LESSON = (
    HEADER
    + """# %% [markdown] id="cholesky"
# ## Разложение Холецкого

# %% tags=["model"] id="class-2"
x = 1

# %%
y = 2
"""
)


@pytest.fixture
def made(tmp_path):
    """Записать урок и вернуть его путь."""

    def write(text, name="A_handbook"):
        path = tmp_path / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_cell_keeps_the_id_of_its_header(made):
    notebook = read_source(made(LESSON))
    named, code, plain = notebook.cells
    assert (named.id, code.id) == ("cholesky", "class-2")
    assert named.metadata == {} and code.metadata == {"tags": ["model"]}
    assert len(plain.id) == 10
    nbformat.validate(notebook)


def test_the_rest_of_the_package_reads_such_headers():
    first, second, _ = lessons.cells(LESSON)
    assert (first.kind, first.source) == ("markdown", "## Разложение Холецкого")
    assert (second.kind, second.tags, second.source) == ("code", ("model",), "x = 1")


def test_jupyterlab_keeps_the_id_when_it_saves():
    """Тетрадь, открытая из .py, сохраняется с теми же заголовками ячеек."""
    config = load_jupytext_config(str(FOLDER / "04_ease.py"))
    notebook = jupytext.reads(LESSON, fmt="py:percent")
    saved = jupytext.writes(notebook, fmt="py:percent", config=config)
    assert '# %% [markdown] id="cholesky"' in saved
    assert 'id="class-2"' in saved and 'tags=["model"]' in saved


@pytest.mark.parametrize(
    "bad", ['"Холецкий"', '"a b"', '"a_b"', '""', '"1a"', f'"{"a" * 65}"', "5"]
)
def test_bad_ids_are_refused(made, bad):
    with pytest.raises(
        ValueError, match=r"A_handbook\.py: id=.* не годится: .*например id="
    ) as error:
        read_source(made(LESSON.replace('"cholesky"', bad)))
    assert len(str(error.value)) < 1000


def test_an_id_names_one_cell(made):
    with pytest.raises(SourceError, match=r"A_handbook\.py: id cholesky у двух ячеек"):
        read_source(made(LESSON.replace("class-2", "cholesky")))


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("A_handbook.ipynb", None),
        ("A_handbook.ipynb#cell-id=cholesky", None),
        ("A_handbook.ipynb#cell-id=class-2", None),
        ("#Свой-заголовок", None),
        ("https://example.org/a.ipynb#x", None),
        ("A_handbook.ipynb#cell-id=kholetsky", "ячейки с таким id в A_handbook.py нет"),
        ("B_handbook.ipynb#cell-id=cholesky", "такой тетради нет"),
        ("B_handbook.ipynb", "такой тетради нет"),
        ("A_handbook.ipynb#Разложение-Холецкого", "не дойдёт.*A_handbook.ipynb#cell-id=имя"),
        ("#Чужой-заголовок", "такого заголовка нет"),
        ("#cell-id=own", "ссылка — на заголовок"),
    ],
)
def test_links(made, link, problem):
    made(LESSON)
    own = HEADER + f'# %% [markdown] id="own"\n# ## Свой заголовок\n#\n# Смотрите [туда]({link}).\n'
    found = link_problems(made(own, "04_ease"))
    if problem is None:
        assert found == []
    else:
        (text,) = found
        assert text.startswith(f"04_ease.py: {link}: ")
        assert re.search(problem, text)
