"""Плагин pytest: исполнить модели уроков с одной внесённой ошибкой из tests/mutants.toml."""

import tomllib
from pathlib import Path

import pytest

from recsys_lessons import lessons


def read_mutants() -> list[dict[str, str]]:
    """Все ошибки, по порядку."""
    text = Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["mutant"]


def mutated_source(mutant: dict[str, str]) -> str:
    """Модельные ячейки с ошибкой.

    :raises ValueError: строки ``old`` в них нет, или она не одна
    """
    source = lessons.model_source(mutant["model"])
    if source.count(mutant["old"]) != 1:
        raise ValueError(
            f"Строка {mutant['old']!r} встречается в уроке {mutant['model']!r} "
            f"{source.count(mutant['old'])} раз, а нужна ровно одна."
        )
    return source.replace(mutant["old"], mutant["new"])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutant", type=int, help="номер ошибки в tests/mutants.toml, от нуля")


def pytest_configure(config: pytest.Config) -> None:
    mutant = read_mutants()[config.getoption("--mutant")]
    broken, true_source = mutated_source(mutant), lessons.model_source
    lessons.model_source = lambda name: broken if name == mutant["model"] else true_source(name)
