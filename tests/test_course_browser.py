"""Студент в JupyterLab: открыл выданное задание, ошибся, прочёл сообщение, исправил."""

import shutil

import nbformat
import pytest

from course import course
from recsys_lessons.checks import UNSOLVED
from tests import test_course_assignments as assignments
from tests.browser import RUN_ALL, running_lab

LOGIN = "студент"

# Встать на ячейку с данным номером (id); заодно она прокручена на экран.
GO = """async id => {
    const {content} = window.jupyterapp.shell.currentWidget;
    content.activeCellIndex = content.widgets.findIndex(cell => cell.model.id === id);
    await content.scrollToItem(content.activeCellIndex);
}"""
DELETE = "() => window.jupyterapp.commands.execute('notebook:delete-cell')"
SAVE = "() => window.jupyterapp.shell.currentWidget.context.save()"

# Задание, задача, неверное решение из tests/wrong_submissions и слова, которые должны помочь.
MISTAKES = [
    ("02_tifu_knn", "2", "корзина дня today участвует", "дня today и позже ещё не случились"),
    ("04_ease", "2", "строки X умножены на сам вес: в G он попал квадратом", "G квадратом?"),
    ("08_bert4rec", "3", "закрыты запросы дополнения, а не ключи", "смотреть на него нельзя"),
]


@pytest.fixture(scope="module")
def classroom(tmp_path_factory):
    """JupyterLab студента, рядом с уроками распакованы его задания: адрес и папка."""
    folder = tmp_path_factory.mktemp("classroom")
    roster = folder / "roster.csv"
    roster.write_text(f"number,login,name\n1,{LOGIN},Студентова Ася\n", encoding="utf-8")
    assert course.main(["--roster", str(roster), "--out", str(folder)]) == 0
    with running_lab(folder) as (address, my):
        for archive in (folder / "students" / LOGIN).glob("*.zip"):
            shutil.unpack_archive(archive, my)
        yield address, my


@pytest.fixture
def open_assignment(classroom, page):
    """Открыть тетрадь задания и исполнить все ячейки; путь к ней."""
    address, my = classroom

    def opened(name):
        page.goto(f"{address}/lab/workspaces/{name}/tree/{name}/{name}.ipynb")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.evaluate(RUN_ALL)
        return my / name / f"{name}.ipynb"

    return opened


@pytest.fixture
def shoot(page, tmp_path):
    """Снимок экрана: картинки лежат в tmp_path по порядку."""
    return lambda name: page.screenshot(path=tmp_path / f"{name}.png")


def cell_at(page, id):
    """Ячейка, на которую встал студент."""
    page.evaluate(GO, id)
    return page.locator(".jp-Notebook .jp-Cell.jp-mod-active")


def write(page, id, source):
    """Заменить текст ячейки с клавиатуры."""
    cell_at(page, id).locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)


def run(page, id):
    """Исполнить ячейку (Ctrl+Enter); её вывод, каким он виден на странице."""
    cell = cell_at(page, id)
    before = cell.locator(".jp-InputPrompt").inner_text()
    page.keyboard.press("Control+Enter")
    number = page.locator(".jp-mod-active .jp-InputPrompt").filter(has_not_text="*")
    number.filter(has_not_text=before).wait_for()
    return cell.locator(".jp-Cell-outputArea").inner_text()


def code_cells(path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def mistake(name, task, title):
    """Неверное решение задачи по заголовку."""
    (source,) = (
        one.values[1].source
        for one in assignments.wrong(name)
        if one.values[1].metadata["title"] == title and one.values[1].tags == (f"task-{task}",)
    )
    return source


@pytest.mark.browser
@pytest.mark.parametrize(("name", "task", "title", "words"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_student_fails_reads_mends_and_passes(
    open_assignment, page, shoot, name, task, title, words
):
    path = open_assignment(name)
    for cell in code_cells(path):
        assert cell.execution_count, cell.source
        assert all(output.output_type == "stream" for output in cell.outputs), cell.outputs
        assert all(output.name == "stdout" for output in cell.outputs), cell.outputs
    said = run(page, f"check-{task}")
    shoot("1-выдано")
    assert UNSOLVED in said or "Подсказка:" in said  # вместо заготовки бывает сломанная функция
    assert ": верно" not in said

    write(page, f"task-{task}", mistake(name, task, title))
    run(page, f"task-{task}")
    said = run(page, f"check-{task}")
    shoot("2-ошибка")
    assert words in said

    write(page, f"task-{task}", assignments.solution(name)[f"task-{task}"].strip())
    run(page, f"task-{task}")
    said = run(page, f"check-{task}")
    shoot("3-верно")
    lines = [line for line in said.splitlines() if line]
    assert lines
    assert all(": верно" in line for line in lines if line.startswith("Задача"))

    page.evaluate(SAVE)
    by_id = {cell.id: cell.source for cell in code_cells(path)}
    assert by_id[f"task-{task}"] == assignments.solution(name)[f"task-{task}"].strip()


@pytest.mark.browser
def test_given_cells_cannot_be_changed_or_deleted(open_assignment, page):
    path = open_assignment("03_ials")
    before = [(cell.id, cell.source) for cell in nbformat.read(path, 4).cells]
    for id in ("variant", "given", "text-1", "check-1", "task-1"):
        cell_at(page, id)
        page.evaluate(DELETE)
        if id in ("variant", "given"):
            write(page, id, "1 / 0")
            page.keyboard.press("Escape")
    page.evaluate(SAVE)
    assert [(cell.id, cell.source) for cell in nbformat.read(path, 4).cells] == before
