"""Каждая ошибка из mutants.toml поймана тестом, который для неё назван."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import recsys_lessons.models as models
from recsys_lessons import lessons
from tests.mutant_plugin import mutated_source, read_mutants

ROOT = Path(__file__).resolve().parent.parent
MUTANTS = read_mutants()
TESTS_FAILED = 1  # код завершения pytest: тесты исполнены и упали


@pytest.mark.parametrize(
    "number", range(len(MUTANTS)), ids=[f"{m['model']}-{i}" for i, m in enumerate(MUTANTS)]
)
def test_mutant_is_caught(number):
    mutant = MUTANTS[number]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.mutant_plugin"]
    command += ["-p", "no:cacheprovider", f"--mutant={number}", mutant["test"]]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == TESTS_FAILED, (
        f"ошибка «{mutant['new']}» вместо «{mutant['old']}» не поймана тестом {mutant['test']} "
        f"(код {result.returncode}):\n{result.stdout[-2000:]}{result.stderr[-1000:]}"
    )


def test_every_model_has_at_least_five_mutants():
    with_model = {name for name in lessons.lesson_paths() if _has_model(name)}
    counts = Counter(mutant["model"] for mutant in MUTANTS)
    assert {name: counts[name] for name in with_model if counts[name] < 5} == {}
    assert set(counts) <= with_model
    assert dir(models)


def test_runner_refuses_a_line_that_is_not_there():
    with pytest.raises(ValueError, match="0 раз"):
        mutated_source({"model": "ease", "old": "no such line", "new": "", "test": ""})


def _has_model(name: str) -> bool:
    try:
        return bool(lessons.model_source(name))
    except ValueError:
        return False
