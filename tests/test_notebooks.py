"""Уроки как они лежат: пары, исполнение, строение, числа и слова."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import matplotlib
import nbformat
import numpy as np
import pytest

import recsys_lessons.models as models
from recsys_lessons import lessons, results
from recsys_lessons.checks import task_problem
from tests import solutions
from tools import cells, comparisons, lint
from tools.notebooks import (
    ROOT,
    execution_problems,
    link_problems,
    pair_problems,
    source_paths,
    storage_problems,
)

SOURCES = source_paths()
TEXTS = [
    *SOURCES,
    *sorted((ROOT / "recsys_lessons").rglob("*.py")),
    ROOT / "README.md",
]
every_lesson = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def no(problems: list[str]) -> None:
    """Замечаний нет; иначе тест падает и называет каждое полностью, по одному в строке."""
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def read(source: Path) -> nbformat.NotebookNode:
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


@every_lesson
def test_pair_is_in_step(source):
    no(pair_problems(source))


@every_lesson
def test_every_cell_was_executed_in_order(source):
    no(execution_problems(read(source)))


@every_lesson
def test_nothing_unstable_is_stored(source):
    no(storage_problems(read(source)))


@every_lesson
def test_anatomy(source):
    no(lint.anatomy_problems(source))


@every_lesson
def test_headings(source):
    no(lint.heading_problems(source))


@every_lesson
def test_core_stands_without_what_may_be_skipped(source):
    no(lint.skipped_name_problems(source))


@every_lesson
def test_every_output_is_explained(source):
    no(lint.output_problems(source))


@every_lesson
def test_numbers_in_the_text_are_in_the_output(source):
    no(lint.prose_problems(source))


@pytest.mark.parametrize("source", comparisons.compared(), ids=lambda path: path.stem)
def test_comparisons_stand_after_their_checks(source):
    no(comparisons.problems(source.with_suffix(".ipynb"), comparisons.exceptions()))


@pytest.mark.parametrize("source", comparisons.compared(), ids=lambda path: path.stem)
def test_reading_time_follows_the_rule(source):
    no(lint.time_problems(source))


@every_lesson
def test_symbols(source):
    no(lint.symbol_problems(source))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_words(path):
    no(lint.word_problems(path, lint.glossary()))


@every_lesson
def test_links_lead_somewhere(source):
    assert link_problems(source) == []


def test_stored_results_are_all_used():
    text = "\n".join(source.read_text(encoding="utf-8") for source in SOURCES)
    files = results.results_dir().glob("*.json")
    unused = [f for f in files if f'"{f.stem}"' not in text and f'"{f.name}"' not in text]
    no([f"{f.name}: урока с этим результатом нет" for f in unused])


def test_public_classes_have_russian_docstrings():
    for name in dir(models):
        cls = getattr(models, name)
        for thing in [cls, *(f for n, f in vars(cls).items() if inspect.isfunction(f))]:
            if not thing.__name__.startswith("_"):
                assert re.search("[а-яё]", inspect.getdoc(thing) or ""), thing


N_WRONG = 8


def tasks(source: Path) -> tuple[list[str], dict[str, object]]:
    """Ячейки заданий и пространство имён: исполнено только то, от чего зависят проверки."""
    found = [c.source for c in lessons.cells(source.read_text("utf-8")) if "task" in c.tags]
    needed = {name for cell in found for name in cells.reads(ast.parse(cell))}
    namespace: dict[str, object] = {}
    cells.execute(cells.needed(cells.statements(source), needed), source, namespace)
    return found, namespace


@pytest.mark.parametrize(
    "source",
    [path for path in SOURCES if not lint.is_handbook(path)],
    ids=lambda path: path.stem,
)
def test_task_checks_fail_on_the_stub_and_pass_on_the_solution(source, monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    with matplotlib.rc_context():  # урок включает свой стиль рисунков
        found, namespace = tasks(source)
    assert len(found) == lint.N_TASKS
    for cell in found:
        name = re.search(r"def (\w+)\(", cell)[1]
        cases = namespace[re.search(r"check_task\([^,]+, \w+, (\w+)\)", cell)[1]]
        exec(cell, namespace)
        solution = getattr(solutions, name)
        assert task_problem(namespace[name], cases), "проверка приняла заготовку"
        assert task_problem(solution, cases) == ""
        assert task_problem(lambda *args, f=solution: single(f(*args)), cases) == ""
        module = importlib.import_module(f"tests.wrong_answers.l{source.stem}")
        wrong = {n: f for n, f in vars(module).items() if n.startswith(f"{name}__")}
        assert len(wrong) >= N_WRONG, name
        no([f"{n}: проверка приняла" for n, f in wrong.items() if not task_problem(f, cases)])


def single(answer: object) -> object:
    """Тот же ответ, посчитанный в float32."""
    array = np.asarray(answer) if isinstance(answer, float | list | tuple | np.ndarray) else None
    return array.astype(np.float32) if array is not None and array.dtype.kind == "f" else answer
