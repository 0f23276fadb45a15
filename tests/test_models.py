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
import numpy as np
import pytest
import scipy.sparse as sp

import recsys_lessons.models as models
from recsys_lessons import lessons
from recsys_lessons.models import EASE, Popularity

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


def test_installed_wheel_carries_the_lessons(tmp_path):
    """Колесо ставится в отдельную папку и работает без клона."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "recsys_lessons/notebooks/04_ease.py" in names
    assert "recsys_lessons/titles_ru.csv" in names
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
        assert "ease_weights" in inspect.getsource(EASE.fit)
        assert list(results.results_dir().glob("*.json"))
        print(round(pickle.loads(pickle.dumps(model)).score([3])[0, 1] * 11))
        """,
        cwd=tmp_path,
    )
    assert out.strip() == "4"
