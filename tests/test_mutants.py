"""Каждая ошибка из mutants.toml поймана тестом, который для неё назван."""

import subprocess
import sys

import pytest

from recsys_lessons import lessons, metrics
from tests import mutants
from tests.mutants import ROOT, mutated_source, read_mutants

MUTANTS = read_mutants()
LEAST = {"metrics": 8, "splits": 8, "evaluation": 6, "own_data.reading": 10}


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_caught(name):
    command = [sys.executable, "-m", "tests.mutants", name]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert result.returncode == 0, result.stdout or f"Процесс прерван.\n{result.stderr[-3000:]}"


def test_every_model_has_at_least_five_mutants():
    models = {owner for owners in lessons.class_lessons().values() for owner in owners}
    for name in models | set(LEAST):
        assert len(MUTANTS.get(name, ())) >= LEAST.get(name, 5), name
    for name in set(MUTANTS) - models:
        assert ROOT.joinpath("recsys_lessons", *name.split(".")).with_suffix(".py").exists(), name


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("no such line", "", "'no such line' .* 0 раз"),
        ("return", "", r"\d\d раз"),
        ("return 1 / np.log2", "return (", "не код Python"),
    ],
)
def test_runner_refuses_a_line_it_cannot_replace(old, new, message):
    mutant = {"module": "metrics", "old": old, "new": new, "test": ""}
    with pytest.raises(ValueError, match=message):
        mutated_source(mutant)
    assert mutants.survival(mutant)


TEST = """\
import time
import pytest
from recsys_lessons import metrics


@pytest.fixture
def discounts():
    assert metrics._discounts(1)[0] == 1


def test_catches():
    assert metrics._discounts(1)[0] == 1


def test_does_not_look():
    assert metrics.EMPTY == -1


def test_fails_before_the_call(discounts):
    pass


def test_hangs():
    while metrics._discounts(1)[0] != 1:
        time.sleep(0.1)
"""
FAULT = {
    "module": "metrics",
    "old": "return 1 / np.log2(np.arange(2, k + 2))",
    "new": "return 1 / np.log2(np.arange(3, k + 3))",
}


@pytest.fixture
def planted(tmp_path):
    """Ошибка в metrics и тест из TEST для неё; имя файла своё, чтобы модуль не взялся готовым."""

    def mutant(name):
        file = tmp_path / f"test_planted_{name}.py"
        file.write_text(TEST, encoding="utf-8")
        return FAULT | {"test": f"{file}::{name}"}

    return mutant


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("test_catches", ""),
        ("test_does_not_look", "этого не заметил"),
        ("test_fails_before_the_call", "не исполнен"),
        ("test_is_absent", "не исполнен"),
    ],
)
def test_only_a_failed_call_counts(planted, name, problem):
    said = mutants.survival(planted(name))
    assert bool(said) == bool(problem)
    assert problem in said
    assert sys.modules["recsys_lessons.metrics"] is metrics
    assert metrics._discounts(1)[0] == 1


def test_a_hanging_test_is_cut_and_named(planted):
    code = (
        "from tests import mutants\n"
        "mutants.TIMEOUT = 3\n"
        f"mutants.read_mutants = lambda: {{'metrics': [{planted('test_hangs')!r}]}}\n"
        "mutants.main(['metrics'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode
    assert f"metrics, ошибка 0: «{FAULT['new']}»" in result.stderr
    assert "Timeout" in result.stderr
