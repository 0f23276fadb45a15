"""Открытые проверки задания под pytest: python -m pytest имя_этого_файла.

Читает тетрадь, которая лежит рядом. Каждая задача исполняется отдельно: ошибка в одной не мешает
другим.
"""

import json
from pathlib import Path

import pytest

from recsys_lessons.checks import task_problem

ASSIGNMENT = "NN_name"
TASKS = {"1": ["1"]}


def student_cells():
    """Пары (метка, код). Своя ячейка студента относится к задаче над ней."""
    path = Path(__file__).with_name(f"{ASSIGNMENT}.ipynb")
    above = ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        label = cell["metadata"].get("recsys", {}).get("cell", "")
        family, _, task = label.partition("-")
        if family in ("task", "check"):
            above = task
        if cell["cell_type"] == "code":
            lines = "".join(cell["source"]).splitlines()
            code = "\n".join(line for line in lines if line.lstrip()[:1] not in ("%", "!"))
            yield label or f"task-{above}", code


@pytest.mark.parametrize("task", TASKS, ids=[f"task_{task}" for task in TASKS])
def test_open(task):
    namespace: dict = {"__name__": "__main__"}
    problems = []

    def check_task(name, function, cases):
        problems.append((name, task_problem(function, cases)))

    def say(name, problem):
        problems.append((name, problem))

    wanted = {"variant", "given", "check-0", f"check-{task}"}
    wanted |= {f"task-{need}" for need in TASKS[task]}
    for label, code in student_cells():
        if label in wanted:
            exec(compile(code, label, "exec"), namespace)
        if label == "check-0":
            namespace.update(check_task=check_task, say=say)
    assert problems, "открытой проверки нет: ячейка удалена?"
    assert not any(problem for _, problem in problems), "\n".join(
        f"{name}: {problem}" for name, problem in problems if problem
    )
