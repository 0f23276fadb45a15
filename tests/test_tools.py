"""Инструменты тетрадей ловят то, для чего написаны: каждый пример здесь — намеренная поломка."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools import build, lint, notebooks, portability
from tools.nbval_plugin import TolerantText

HEADER = (
    "# ---\n# jupyter:\n#   kernelspec:\n#     display_name: Python 3\n"
    "#     language: python\n#     name: python3\n# ---\n\n"
)
LESSON = HEADER + (
    "# %% [markdown]\n# # Урок\n#\n# Число 0,25 ниже.\n\n"
    "# %%\nprint(1 / 4)\n\n"
    '# %% tags=["answer"]\nprint("ответ")\n'
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "FOLDER", tmp_path)
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "04_lesson") -> Path:
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def built(folder):
    source = write(folder, LESSON)
    build.build(source)
    return source


def edit(source: Path, change) -> nbformat.NotebookNode:
    """Испортить тетрадь и записать её обратно."""
    target = source.with_suffix(".ipynb")
    notebook = nbformat.read(target, as_version=4)
    change(notebook)
    nbformat.write(notebook, target)
    return notebook


# --- сборка ---------------------------------------------------------------------------------------


def test_build_twice_gives_the_same_bytes(built):
    target = built.with_suffix(".ipynb")
    first = target.read_bytes()
    build.build(built)
    assert target.read_bytes() == first
    notebook = json.loads(first)
    assert [c["execution_count"] for c in notebook["cells"] if c["cell_type"] == "code"] == [1, 2]
    assert "execution" not in notebook["cells"][1]["metadata"]
    assert notebook["cells"][2]["metadata"]["jupyter"] == {"source_hidden": True}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; sys.stderr.write('warning')", "stderr"),
        ("import warnings; warnings.warn('x')", "stderr"),
        ("object()", "адрес объекта"),
        ("print('за 3.2 с и 5 секунд')", "длительность"),
        ("print(2.6e-16)", "ошибки округления"),
        ("print('/' + 'home/user/x')", "путь"),
        ("import ipywidgets; ipywidgets.IntSlider()", "виджет"),
    ],
)
def test_bad_lesson_is_not_written(built, line, message):
    target = built.with_suffix(".ipynb")
    before = target.read_bytes()
    write(built.parent, LESSON + f"\n# %%\n{line}\n")
    with pytest.raises(build.BuildError, match=message):
        build.build(built)
    assert target.read_bytes() == before
    assert not list(built.parent.glob("*.part"))


def test_unknown_lesson_is_named():
    assert build.main(["no_such_lesson"]) == 2


def test_cell_ids_follow_content_not_position(folder):
    first = notebooks.read_source(write(folder, LESSON))
    shifted = notebooks.read_source(
        write(folder, LESSON.replace("# %%\n", "# %%\nx = 1\n\n# %%\n"))
    )
    assert first.cells[1].id == shifted.cells[2].id


# --- пары и исполнение ----------------------------------------------------------------------------


def test_pair_in_step_has_no_problems(built):
    assert notebooks.pair_problems(built) == []


def test_stale_pair_names_the_command(built):
    write(built.parent, LESSON.replace("1 / 4", "1 / 5"))
    (problem,) = notebooks.pair_problems(built)
    assert "make lessons NB=04_lesson" in problem


def test_changed_tag_and_removed_cell_are_noticed(built):
    write(built.parent, LESSON.replace('tags=["answer"]', 'tags=["task"]'))
    assert notebooks.pair_problems(built)
    write(built.parent, LESSON.split('# %% tags=["answer"]')[0])
    assert notebooks.pair_problems(built)


def test_hand_edited_notebook_is_noticed(built):
    edit(built, lambda nb: nb.cells[1].update(source="print(1 / 8)"))
    assert notebooks.pair_problems(built)


def test_missing_notebook_is_noticed(built):
    built.with_suffix(".ipynb").unlink()
    assert "тетради нет" in notebooks.pair_problems(built)[0]


def test_cell_that_was_never_executed_is_noticed(built):
    notebook = edit(built, lambda nb: nb.cells[1].update(execution_count=None, outputs=[]))
    assert notebooks.execution_problems(notebook)


def test_order_of_execution_is_noticed(built):
    def swap(nb):
        nb.cells[1].execution_count, nb.cells[2].execution_count = 2, 1

    assert notebooks.execution_problems(edit(built, swap))


# --- сравнение вывода -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "now", "same"),
    [
        ("NDCG 0.1234", "NDCG 0.1235", True),
        ("NDCG 0.1234", "NDCG 0.1236", False),
        ("0.999", "1.000", True),
        ("[3, 17, 5]", "[3, 17, 6]", False),
        ("938 пользователей", "939 пользователей", False),
        ("0.12", "0.120", False),
        ("+0.001", "-0.000", True),
        ("балл 0.5", "балл 0.5 ", False),
        ("1.0e-10", "1.0e-9", False),
        ("a 0.1 b", "a 0.1 c", False),
        ("0.1", "x", False),
    ],
)
def test_tolerance_is_one_unit_of_the_last_digit(stored, now, same):
    assert (TolerantText(stored) == TolerantText(now)) is same
    assert (TolerantText(stored) != TolerantText(now)) is not same


def nbval(target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.nbval_plugin", "--nbval"]
    command += ["--nbval-current-env", "-p", "no:cacheprovider", str(target)]
    env = notebooks.child_env()
    return subprocess.run(
        command, cwd=notebooks.ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_nbval_accepts_the_notebook_and_refuses_a_changed_number(built):
    target = built.with_suffix(".ipynb")
    assert nbval(target).returncode == 0
    edit(built, lambda nb: nb.cells[1].outputs[0].update(text="0.27\n"))
    assert nbval(target).returncode == 1
    edit(built, lambda nb: nb.cells[1].outputs[0].update(text="0.26\n"))
    assert nbval(target).returncode == 0


# --- числа, слова, обозначения --------------------------------------------------------------------


def prose(built: Path, sentence: str) -> list[str]:
    write(built.parent, LESSON.replace("Число 0,25 ниже.", sentence))
    notebook = notebooks.read_source(built)
    stored = nbformat.read(built.with_suffix(".ipynb"), as_version=4)
    for new, old in zip(notebook.cells, stored.cells, strict=True):
        if new.cell_type == "code":
            new.outputs = old.outputs
    nbformat.write(notebook, built.with_suffix(".ipynb"))
    return lint.prose_problems(built)


@pytest.mark.parametrize(
    ("sentence", "n_problems"),
    [
        ("Число 0,25 ниже.", 0),
        ("Число 0.25 ниже, 25 % и 4 зрителя.", 0),
        ("Число 0,26 ниже.", 1),
        ("Формула $x=0{,}37$.", 1),
        ("В статье 0,395 (Liang и др., WWW 2018).", 0),
        ("В статье 0,395 (WWW 2018). А у нас 0,396.", 1),
        ("| модель | 0,11 |\n# |---|---|\n# | EASE | 0,12 |", 2),
        ("Код `x = 0.77` не считается.", 0),
    ],
)
def test_numbers_in_prose(built, sentence, n_problems):
    assert len(prose(built, sentence)) == n_problems


@pytest.mark.parametrize(
    ("text", "n_problems"),
    [
        ("Объекты каталога и баллы модели.", 0),
        ("Айтемы каталога.", 1),
        ("Скор модели и скоры моделей.", 2),
        ("Скоро мы увидим, как скорость растёт скорее.", 0),
        ("Рейтингом фильма.", 1),
        ("Элемент матрицы и элементы диагонали.", 0),
        ("Элементы каталога.", 1),
        ("Решение в закрытой форме.", 1),
        ("Ранг матрицы.", 0),
    ],
)
def test_words_outside_the_glossary(folder, monkeypatch, text, n_problems):
    monkeypatch.setattr(lint, "ROOT", folder)
    terms = {
        "объект": ["айтем", "элемент"],
        "балл": ["скор"],
        "оценка": ["рейтинг"],
        "решение в явном виде": ["закрытая форма"],
    }
    assert len(lint.word_problems(write(folder, text), terms)) == n_problems


@pytest.mark.parametrize(
    ("name", "formula", "n_problems"),
    [
        ("04_ease", r"$\lambda_2$", 0),
        ("04_ease", r"$\lambda$", 1),
        ("04_ease", r"$\alpha x$", 1),
        ("02_tifu_knn", r"$\alpha x$", 0),
        ("03_ials", r"$\alpha_0$", 0),
        ("06_multivae", r"$$\beta$$", 0),
        ("08_bert4rec", r"$\beta$", 1),
    ],
)
def test_one_symbol_for_one_thing(folder, name, formula, n_problems):
    source = write(folder, f"# %% [markdown]\n# {formula}\n", name)
    assert len(lint.symbol_problems(source)) == n_problems


# --- строение -------------------------------------------------------------------------------------

REAL = notebooks.ROOT / "notebooks" / "04_ease.py"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# ## Сверка", "# ## Проверка", "разделы"),
        ("# **Статья.**", "# Статья.", "карточке нет: Статья"),
        ('# %% tags=["model"]\nimport warnings', "# %%\nimport warnings",
         "нет модельной ячейки с классом"),
        ("def reasons(", "def objective(", "уже определено"),
        ('# %% tags=["task"]\ndef repair(', "# %%\ndef repair(", "заданий"),
        ('# %% tags=["answer"]\ndef repair_answer', "# %%\ndef repair_answer", "answer"),
        ("# ### Углубление. Ошибка 3", "# ### Ошибка 3", "Углубление"),
        ("def ease_weights(G, l2):", "limit = 3\n\n\ndef ease_weights(G, l2):",
         "не только определения"),
        ("ax.legend()\nplt.show()", "ax.legend()", "plt.show"),
        ("n_films = len(films)", "n_films = len(films)\n" + "x = 1\n" * 30, "строк кода, можно"),
        ("# ## Цена", "# " + "слово " * 3500 + "\n# ## Цена", "слов, можно"),
    ],
)  # fmt: skip
def test_broken_anatomy_is_noticed(tmp_path, old, new, message):
    text = REAL.read_text(encoding="utf-8")
    assert old in text
    assert lint.anatomy_problems(REAL) == []
    problems = lint.anatomy_problems(write(tmp_path, text.replace(old, new), "04_ease"))
    assert any(message in problem for problem in problems), problems


def test_unexplained_output_is_noticed(folder):
    source = write(folder, HEADER + "# %%\nx = 1\n\n# %%\nprint(x)\n\n# %%\ny = 2\n")
    build.build(source)
    assert "не объяснён" in lint.output_problems(source)[0]


def test_portability_skips_kernels_the_cpu_lacks(monkeypatch, capsys):
    calls = []

    def verify(names, at_once, env):
        calls.append((at_once, env))
        return 0

    monkeypatch.setattr(portability, "cpu_flags", lambda: {"avx2", "sse4_2"})
    monkeypatch.setattr(portability, "verify", verify)
    assert portability.main([]) == 0
    assert "SkylakeX: пропущено" in capsys.readouterr().out
    assert (2, {"OPENBLAS_CORETYPE": "Haswell"}) in calls
    assert len(calls) == len(portability.SETTINGS) - 1
    assert [at_once for at_once, env in calls if "OMP_NUM_THREADS" in env] == [1]
