"""Модели из уроков — настоящие классы: pickle, joblib, getsource, клон и установленный пакет."""

import inspect
import os
import pickle
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import joblib
import jupytext
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import recsys_lessons.models as models
from recsys_lessons import lessons
from recsys_lessons.models import EASE, Popularity
from tools import stubs

ROOT = Path(__file__).resolve().parent.parent
X = sp.csr_array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]])

LESSON = '''\
# ---
# jupyter: {}
# ---

# %% [markdown]
# # Урок

# %%
unrelated = undefined_name_outside_model_cells

# %% tags=["model"]
from dataclasses import dataclass

import torch
from torch import nn


# %%
print("не модель")


# %% tags=["model"]
@dataclass
class Settings:
    """Настройки."""

    width: int = 3


class Net(nn.Module):
    """Сеть."""

    def __init__(self, settings):
        super().__init__()
        self.layer = nn.Linear(settings.width, 1, dtype=torch.float64)

    def forward(self, x):
        return self.layer(x)
'''


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Урок с датаклассом и модулем torch среди определений."""
    (tmp_path / "99_planted.py").write_text(LESSON, encoding="utf-8")
    monkeypatch.setattr(lessons, "lessons_dir", lambda: tmp_path)
    yield tmp_path / "99_planted.py"
    sys.modules.pop("recsys_lessons.models.planted", None)


def run_python(code: str, cwd: Path = ROOT, python: str = sys.executable) -> str:
    env = {**os.environ, "PYTHONUTF8": "1"}
    env.pop("PYTHONPATH", None)
    result = subprocess.run(
        [python, "-c", textwrap.dedent(code)],
        cwd=cwd, env=env, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_pickle_is_read_back_in_a_fresh_process(tmp_path):
    model = EASE(l2=1).fit(X)
    file = tmp_path / "model.pickle"
    file.write_bytes(pickle.dumps(model))
    out = run_python(f"""
        import pickle
        model = pickle.loads(open({str(file)!r}, "rb").read())
        print(type(model).__module__, type(model).__name__, model.score([3])[0, 1])
    """)
    assert out.split() == ["recsys_lessons.models.ease", "EASE", str(model.score([3])[0, 1])]


def fit_and_score(l2):
    return EASE(l2=l2).fit(X).score([3])


def test_joblib_workers_return_models_and_scores():
    jobs = (joblib.delayed(EASE(l2=l2).fit)(X) for l2 in (1, 2))
    fitted = joblib.Parallel(n_jobs=2, backend="loky")(jobs)
    for model, l2 in zip(fitted, (1, 2), strict=True):
        assert isinstance(model, EASE)
        np.testing.assert_array_equal(model.score([3]), fit_and_score(l2))


def test_getsource_gives_the_lesson_text():
    path = lessons.lesson_path("ease")
    text = path.read_text(encoding="utf-8")
    for thing in (EASE, EASE.fit, EASE.score_history, Popularity.score):
        source, first = inspect.getsourcelines(thing)
        owner = Path(inspect.getsourcefile(thing))
        lines = owner.read_text(encoding="utf-8").splitlines(keepends=True)
        assert lines[first - 1 : first - 1 + len(source)] == source
        assert thing.__name__ in source[0]
    assert inspect.getsource(EASE) in text


def test_traceback_points_into_the_lesson():
    with pytest.raises(ValueError) as caught:
        EASE(l2=-1).fit(X)
    frames = [frame for frame in caught.traceback if Path(frame.path).name == "04_ease.py"]
    assert "check_number" in str(frames[0].statement)


def test_dataclass_and_torch_module_among_the_definitions(planted):
    from recsys_lessons.models import Net, Settings

    net = Net(Settings(width=2))
    again = pickle.loads(pickle.dumps(net))
    x = np.ones((1, 2))
    torch = sys.modules["torch"]
    assert torch.equal(net(torch.from_numpy(x)), again(torch.from_numpy(x)))
    assert Settings() == Settings(width=3)
    assert inspect.getsource(Net.forward).strip().startswith("def forward")
    assert "@dataclass" in inspect.getsource(Settings)


def test_only_model_cells_are_executed_and_line_numbers_are_kept(planted):
    source = lessons.model_source("planted")
    original = planted.read_text(encoding="utf-8").splitlines()
    assert "undefined_name" not in source
    assert "print" not in source
    for number, line in enumerate(source.splitlines()):
        assert line in ("", original[number])


def test_unknown_names_are_ordinary_errors():
    with pytest.raises(AttributeError, match="нет 'Nothing'"):
        _ = models.Nothing
    with pytest.raises(ModuleNotFoundError):
        import recsys_lessons.models.nothing  # noqa: F401
    with pytest.raises(KeyError, match=r"Есть: .*ease"):
        lessons.lesson_path("nothing")


def test_lesson_without_model_cells_says_so(planted):
    planted.write_text("# %%\nx = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="нет ячеек с меткой model"):
        lessons.model_source("planted")


def test_package_lists_its_models():
    assert {"EASE", "Popularity"} <= set(dir(models))


def test_star_brings_the_classes_and_a_bare_import_brings_nothing_heavy():
    out = run_python("""
        import sys
        import recsys_lessons.models
        assert not {"torch", "numpy", "scipy", "jupytext"} & set(sys.modules)
        from recsys_lessons.models import *
        print(*sorted(name for name in globals() if name[0].isupper()))
    """)
    assert out.split() == sorted(dir(models))
    assert {"BERT4Rec", "EASE", "IALS", "TIFUKNN"} <= set(out.split())


# ------------------------------------------------------------------------- соседи


def lesson(*names):
    """Урок, где определены эти классы."""
    cells = [f'# %% tags=["model"]\nclass {name}:\n    pass\n\n' for name in names]
    return "# %% [markdown]\n# # Урок\n\n" + "".join(cells)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Папка с двумя уроками; третий добавляет тест."""
    (tmp_path / "01_first.py").write_text(lesson("First"), encoding="utf-8")
    (tmp_path / "02_second.py").write_text(lesson("Second", "_Private"), encoding="utf-8")
    monkeypatch.setattr(lessons, "lessons_dir", lambda: tmp_path)
    yield tmp_path
    for name in ("first", "second", "third"):
        sys.modules.pop(f"recsys_lessons.models.{name}", None)


@pytest.mark.parametrize(
    ("content", "line", "told"),
    [
        (lesson("Third").replace("pass", "pass)").encode(), 6, "не код Python"),
        (b"x = 1\n" + lesson("Third").encode("cp1251"), 3, "UTF-8"),
    ],
)
def test_broken_lesson_breaks_only_itself(folder, content, line, told):
    (folder / "03_third.py").write_bytes(content)
    assert models.First.__module__ == "recsys_lessons.models.first"
    assert models.Second
    assert dir(models) == ["First", "Second", "Third"]
    for attempt in (
        "from recsys_lessons.models import Third",
        "import recsys_lessons.models.third",
    ):
        with pytest.raises(
            SyntaxError, match=rf"Урок 03_third\.py, строка {line}: .*{told}"
        ) as caught:
            exec(attempt)
        assert caught.value.filename == str(folder / "03_third.py")
        assert caught.value.lineno == line


def test_class_defined_by_two_lessons(folder):
    (folder / "03_third.py").write_text(lesson("Third", "First"), encoding="utf-8")
    with pytest.raises(ImportError, match=r"Класс First .* 01_first\.py и 03_third\.py: переимен"):
        exec("from recsys_lessons.models import First")
    assert models.Second and models.Third


def test_two_files_with_one_name(folder):
    (folder / "03_first.py").write_text(lesson("Third"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"'first': 01_first\.py и 03_first\.py\. Переименуйте"):
        exec("from recsys_lessons.models import Second")


def test_copy_made_by_jupyterlab_is_no_lesson(folder):
    (folder / "01_first-Copy1.py").write_text(lesson("First"), encoding="utf-8")
    assert models.First.__module__ == "recsys_lessons.models.first"


def test_lessons_are_parsed_once_until_they_change(folder, monkeypatch):
    read = []
    true_read = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda self, **how: read.append(self) or true_read(self, **how)
    )
    for _ in range(3):
        assert models.First and models.Second
    assert sorted(path.name for path in read) == ["01_first.py", "02_second.py"]
    (folder / "02_second.py").write_text(lesson("Second", "Another"), encoding="utf-8")
    assert dir(models) == ["Another", "First", "Second"]
    assert len(read) == 3


# ------------------------------------------------------------------------- формат percent

MARKERS = [
    "# %%", "#%%", "  # %%", "# %%\t", "# %%%% x", "# %%no", "#%%time", "# In[3]:", "# <codecell>",
    '# %% tags=["model"]', '# %% {"tags": ["model"]}', '# %% название tags=["model", "deep"]',
    '# %% id="cholesky" tags=["a=b", "c d"]', "# %% a=1 b='x'", '# %% {"a": 1, "tags": []}',
    "# %% x=[", "# %% {bad", "# %% .attr", "# %% [markdown]", "# %% [md]", "# %% [raw]",
    '# %% title [markdown] tags=["deep"]', '# %% [markdown] {"slideshow": {"type": "slide"}}',
    '# %% active="py"', '# %% tags=["active-ipynb"]',
]  # fmt: skip
LINES = [
    "", "", "x = 1", "   ", '"""', "'''", 'r"""', "R'''", '"""one"""', 'x = """a', 'b"""',
    'y = """\\"""',
    'x = "# %%"', "x = '\\\\'", "it's", "# it's", "# text", "#no space", "#", "# ---", "text",
    "# ```", "# ```python", "# ~~~", "```", "%time", "# %time x", "# %time \\", "x \\", "# !ls",
    "!pip",
    "# ls", "# files = !ls", "# help?", "# + a", "# # + b", "# +", "def f():", '    """doc',
    "    # %% inner", '    """', "# coding: utf-8", "#!/usr/bin/env python",
]  # fmt: skip
KERNEL = ["# jupyter:", "#   kernelspec:", "#     name: python3", "#     language: python",
          "#     display_name: x"]  # fmt: skip
HEADERS = [
    [], ["# ---", *KERNEL, "# ---", ""], ["# ---", "# title: a", *KERNEL, "# ---"],
    ["# ---", "# title: a", "# ---", "", ""], ["#!/usr/bin/env python", "# coding: utf-8"],
]  # fmt: skip
OWN = {"lines_to_next_cell", "cell_marker", "region_name", "cell_depth", "active"}
OWN |= {"incorrectly_encoded_metadata"}
texts = st.builds(
    lambda header, lead, cells, end: "\n".join(
        [*header, *lead, *(line for marker, body in cells for line in (marker, *body))]
    ) + end,
    st.sampled_from(HEADERS),
    st.lists(st.sampled_from(LINES), max_size=3),
    st.lists(
        st.tuples(st.sampled_from(MARKERS), st.lists(st.sampled_from(LINES), max_size=6)),
        max_size=5,
    ),
    st.sampled_from(["", "\n"]),
)  # fmt: skip


def assert_same_as_jupytext(text):
    notebook = jupytext.reads(text, fmt="py:percent")
    ours = lessons.cells(text)
    assert [(c.kind, c.source, c.tags) for c in ours] == [
        (c.cell_type, c.source, tuple(c.metadata.get("tags", ()))) for c in notebook.cells
    ]
    for mine, theirs in zip(ours, notebook.cells, strict=True):
        expected = {key: value for key, value in theirs.metadata.items() if key not in OWN}
        assert {key: value for key, value in mine.metadata.items() if key not in OWN} == expected


@settings(max_examples=400, deadline=None)
@given(texts)
def test_cells_agree_with_jupytext(text):
    assert_same_as_jupytext(text)


@settings(max_examples=200, deadline=None)
@given(texts)
def test_first_is_the_line_where_the_source_begins(text):
    lines = text.splitlines()
    for cell in lessons.cells(text):
        source = cell.source.splitlines()
        source = source[:1] if cell.kind == "raw" else source  # в заголовке файла строки пропущены
        for number, line in enumerate(source, start=cell.first):
            assert line.strip() in lines[number - 1]


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda p: p.stem)
def test_cells_of_the_lessons_agree_with_jupytext(path):
    assert_same_as_jupytext(path.read_text(encoding="utf-8"))


def test_cell_carries_its_metadata():
    text = '# %% [markdown] id="cholesky" tags=["deep"]\n# ## Разложение\n'
    (cell,) = lessons.cells(text)
    assert cell.metadata == {"id": "cholesky", "tags": ["deep"]}
    assert (cell.kind, cell.first, cell.source) == ("markdown", 2, "## Разложение")


# ------------------------------------------------------------------------- заглушка


def test_stub_is_in_step_with_the_lessons():
    assert stubs.TARGET.read_text(encoding="utf-8") == stubs.stub(), f"Обновите: {stubs.COMMAND}"


def test_stub_notices_a_changed_lesson(monkeypatch, tmp_path, capsys):
    source = lessons.model_source("ease")
    changed = source.replace("l2=150.0", "l2=150.0, strength=1")
    assert changed != source
    true = lessons.model_source
    monkeypatch.setattr(
        lessons, "model_source", lambda name: changed if name == "ease" else true(name)
    )
    assert stubs.main(["--check"]) == 1
    assert "python -m tools.stubs" in capsys.readouterr().out
    monkeypatch.setattr(stubs, "TARGET", tmp_path / "__init__.pyi")
    assert stubs.main([]) == 0
    assert "strength: _Int = 1" in stubs.TARGET.read_text(encoding="utf-8")


def test_mypy_sees_the_models(tmp_path):
    (tmp_path / "use.py").write_text(
        textwrap.dedent("""
            import numpy as np
            from recsys_lessons.models import BERT4Rec, EASE
            model = EASE(l2=np.int64(3))
            reveal_type(model.fit(np.eye(3)).score([0]))
            EASE(l3=1)
            BERT4Rec(windows="rand")
        """),
        encoding="utf-8",
    )
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(tmp_path / "use.py")],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    told = [line.partition("use.py:")[2] for line in result.stdout.splitlines()]
    assert any(line.startswith("5: note") and "ndarray" in line for line in told), result.stdout
    errors = {line.partition(":")[0] for line in told if ": error:" in line}
    assert errors == {"6", "7"}, result.stdout


def test_installed_wheel_carries_the_lessons(tmp_path):
    """Колесо ставится в отдельную папку и работает без клона."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "recsys_lessons/notebooks/04_ease.py" in names
    assert "recsys_lessons/titles_ru.csv" in names
    assert {"recsys_lessons/py.typed", "recsys_lessons/models/__init__.pyi"} <= set(names)
    assert not [name for name in names if name.endswith(".ipynb") or name.startswith("tests/")]

    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    out = run_python(
        f"""
        import sys
        sys.path.insert(0, {str(site)!r})
        import inspect, pickle, scipy.sparse as sp
        import recsys_lessons
        assert recsys_lessons.__file__.startswith({str(site)!r}), recsys_lessons.__file__
        from recsys_lessons import results
        from recsys_lessons.models import EASE
        model = EASE(l2=1).fit(sp.csr_array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]]))
        assert inspect.getsourcefile(EASE).startswith({str(site)!r})
        assert "ease_weights" in inspect.getsource(EASE.weights)
        assert list(results.results_dir().glob("*.json"))
        print(round(pickle.loads(pickle.dumps(model)).score([3])[0, 1] * 11))
        """,
        cwd=tmp_path,
    )
    assert out.strip() == "4"
