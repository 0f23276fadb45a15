"""Задания курса: решение, заготовка и неверные решения получают ровно свои баллы; раздача чиста."""

import ast
import copy
import csv
import functools
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest

from course import course, judges
from course.assignment import (
    KEYS,
    Code,
    Task,
    load_assignment,
    names_of,
    properties_of,
    variant_of,
)
from recsys_lessons.percent import cells
from tools import lint
from tools.notebooks import child_env

NAMES = names_of(KEYS)
WRONG = Path(__file__).parent / "wrong_submissions"
VARIANTS = (1, 2, 3)
every_assignment = pytest.mark.parametrize("name", NAMES)

Cells = dict[str, str]


def by_label(path: Path) -> Cells:
    """Код ячеек файла по их меткам; ячейки с одной меткой — подряд."""
    found: Cells = {}
    for cell in cells(path.read_text(encoding="utf-8")):
        if cell.kind == "code" and course.label(cell):
            found[course.label(cell)] = f"{found.get(course.label(cell), '')}\n{cell.source}"
    return found


def starter(name: str) -> Cells:
    return by_label(course.STUDENT / f"{name}.py")


def solution(name: str) -> Cells:
    return by_label(KEYS / f"{name}_solution.py")


@functools.cache
def properties(name: str, task_id: str, number: int):
    assignment = load_assignment(KEYS, name)
    task = next(task for task in assignment.tasks if task.id == task_id)
    return properties_of(KEYS, assignment, task, number)


def answer_of(value: object) -> object:
    """Ответ, каким он вышел бы из песочницы: массивы, числа, строки, кортежи, списки массивов."""
    if isinstance(value, tuple):
        return tuple(map(answer_of, value))
    if isinstance(value, list):
        try:
            return np.asarray(value)
        except ValueError:  # части разной формы
            return [answer_of(one) for one in value]
    return value if value is None or isinstance(value, bool | str) else np.asarray(value)


def outcome(call, namespace: dict) -> str:
    """Почему вызов не засчитан; пустая строка — засчитан."""
    arguments = []
    for value in call.arguments:
        if isinstance(value, Code):
            made: dict = {}
            exec(value.source, made)
            arguments.append(made[value.name])
        else:
            arguments.append(copy.deepcopy(value))
    try:
        answer = answer_of(namespace[call.function](*arguments))
    except Exception as error:
        return f"ошибка {type(error).__name__}: {error}"
    return call.judge(answer)


def lost(name: str, task: Task, number: int, given: Cells, own: Cells) -> dict[str, str]:
    """Свойства, за которые баллов нет: «2.3» → причина."""
    values = variant_of(KEYS, load_assignment(KEYS, name), number)
    namespace: dict = {"__name__": "__main__"}
    exec(course.variant_source(values), namespace)
    for label in ("given", *(f"task-{need}" for need in task.needs), f"task-{task.id}"):
        source = given.get(label, "") if label == "given" else own.get(label, "")
        with np.errstate(all="ignore"):
            exec(compile(source, label, "exec"), namespace)
    reasons = {}
    for place, one in enumerate(properties(name, task.id, number), start=1):
        found = [outcome(call, namespace) for call in one.calls]
        if any(found):
            reasons[f"{task.id}.{place}"] = next(filter(None, found))
    return reasons


def test_list_is_as_good_as_a_tuple():
    second = judges.part(1, judges.equals([3.0, 4.0]))
    for answer in ([[1, 2], [3, 4]], ([1, 2], [3, 4]), [np.zeros(3), np.array([3, 4])]):
        assert second(answer_of(answer)) == ""
    for answer in ([1.0], 5.0, [[1, 2]], "ab"):
        assert "кортеж" in second(answer_of(answer))


def test_float32_answer_is_judged_by_its_precision():
    right = np.random.default_rng(0).normal(size=(20, 5))
    judge = judges.equals(right)
    close = right * (1 + 1e-6)
    assert judge(close.astype(np.float32)) == ""
    assert judge(close) != ""
    assert judge((right * (1 + 1e-3)).astype(np.float32)) != ""


def code_tasks(name: str) -> list[Task]:
    return [task for task in load_assignment(KEYS, name).tasks if task.properties is not None]


@every_assignment
@pytest.mark.parametrize("number", VARIANTS)
def test_solution_gets_full_marks(name, number):
    for task in code_tasks(name):
        assert lost(name, task, number, starter(name), solution(name)) == {}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@every_assignment
@pytest.mark.parametrize("number", VARIANTS)
def test_release_as_handed_out_gets_zero(name, number):
    for task in code_tasks(name):
        reasons = lost(name, task, number, starter(name), starter(name))
        assert len(reasons) == len(properties(name, task.id, number)), reasons


def wrong(name: str) -> list:
    found = []
    for cell in cells((WRONG / f"{name}.py").read_text(encoding="utf-8")):
        if cell.tags:
            title = cell.metadata["title"]
            found.append(pytest.param(name, cell, id=f"{name}: {title}"))
    return found


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "cell"), [one for name in NAMES for one in wrong(name)])
def test_wrong_solution_loses_exactly_its_points(name, cell):
    (label,) = cell.tags
    task = next(task for task in code_tasks(name) if f"task-{task.id}" == label)
    solved = solution(name)
    own = {**solved, label: f"{solved[label]}\n\n{cell.source}"}
    for number in VARIANTS:
        assert sorted(lost(name, task, number, starter(name), own)) == cell.metadata["loses"]


@every_assignment
def test_there_are_enough_wrong_solutions(name):
    found = [one.values[1].metadata for one in wrong(name) if one.values[1].metadata["loses"]]
    blind = sum(bool(one.get("blind")) for one in found)
    assert len(found) >= 10
    assert 2 * blind >= len(found), "половину придумал тот, кто видел только условие"
    hurt = {place for one in found for place in one["loses"]}
    places = {
        f"{task.id}.{place}"
        for task in code_tasks(name)
        for place in range(1, len(properties(name, task.id, 1)) + 1)
    }
    assert hurt == places, "у каждого свойства есть решение, которое его нарушает"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@every_assignment
def test_reasons_do_not_contain_the_answer(name):
    """Причина — слова о присланном ответе: верных чисел задачи на бумаге в ней нет."""
    for task in code_tasks(name):
        for reason in lost(name, task, 1, starter(name), starter(name)).values():
            assert reason and len(reason) < 200


def answer_on_paper(name: str, number: int) -> list[float]:
    """Числа задачи 1 у студента с этим номером."""
    namespace: dict = {}
    exec(course.variant_source(variant_of(KEYS, load_assignment(KEYS, name), number)), namespace)
    exec(starter(name)["given"], namespace)
    exec(solution(name)["task-1"], namespace)
    return np.array(namespace["by_hand"]()).tolist()


@every_assignment
def test_answers_of_a_neighbour_do_not_fit(name):
    task = code_tasks(name)[0]
    for mine in VARIANTS:
        answer = str(answer_on_paper(name, mine)).replace("nan", "float('nan')")
        copied = {"task-1": f"def by_hand():\n    return {answer}"}
        assert lost(name, task, mine, starter(name), copied) == {}
        assert lost(name, task, mine + 1, starter(name), copied) != {}


@every_assignment
def test_answers_of_a_whole_group_differ(name):
    answers = {str(np.round(answer_on_paper(name, number), 4)) for number in range(1, 31)}
    assert len(answers) >= 29


@every_assignment
def test_points(name):
    assignment = load_assignment(KEYS, name)
    assert assignment.points == 20
    assert 60 <= assignment.minutes <= 120
    assert assignment.tasks[-1].properties is None
    text = "\n".join(c.source for c in course.student_cells(name) if c.kind == "markdown")
    for task in assignment.tasks:
        word = "балла" if task.points in (2, 3, 4) else "баллов"
        assert f"## Задача {task.id}. {task.title} ({task.points:g} {word}" in text
    assert f"Задание {name.partition('_')[0]}. {assignment.title}" in text
    assert f"около {assignment.minutes} минут" in text


@every_assignment
def test_student_is_told_what_to_hand_in_and_the_time_limits(name):
    (about,) = (c.source for c in course.student_cells(name) if "**Что сдать.**" in c.source)
    about = about.replace("\n", " ")
    assert f"`test_{name}.py`" in about
    usual, *more = re.findall(r"(?:одной задачи отведено|на задачу (\w+) —) (\d+)", about)
    limits = {task.id: f"{task.seconds:g}" for task in code_tasks(name)}
    assert {id: usual[1] for id in limits} | dict(more) == limits


@every_assignment
def test_repository_holds_variant_zero(name):
    written = ast.parse(starter(name)["variant"]).body
    found = {line.targets[0].id: ast.literal_eval(line.value) for line in written}
    assert found == variant_of(KEYS, load_assignment(KEYS, name), 0)


@every_assignment
def test_words_and_links(name):
    source = course.STUDENT / f"{name}.py"
    assert lint.word_problems(source, lint.glossary()) == []
    assert lint.symbol_problems(source) == []
    for linked in re.findall(r"\]\(\.\./(\w+)\.ipynb\)", source.read_text(encoding="utf-8")):
        assert (course.STUDENT.parent / f"{linked}.ipynb").is_file()


@every_assignment
def test_labels(name):
    assignment = load_assignment(KEYS, name)
    own, solved = starter(name), solution(name)
    coded = {f"task-{task.id}" for task in code_tasks(name)}
    assert {label for label in own if label.startswith("task-")} == coded == set(solved)
    assert {f"check-{task.id}" for task in code_tasks(name)} <= set(own)
    tags = {tag for cell in course.student_cells(name) for tag in cell.tags}
    assert {f"open-{task.id}" for task in assignment.tasks if not task.functions} <= tags
    for task in code_tasks(name):
        for place in (own, solved):
            defined = {
                getattr(node, "name", "") for node in ast.parse(place[f"task-{task.id}"]).body
            }
            assert set(task.functions) <= defined


@every_assignment
def test_given_cells_need_only_numpy_and_scipy(name):
    for node in ast.walk(ast.parse(starter(name)["given"])):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module] if isinstance(node, ast.ImportFrom) else node.names
            roots = {str(getattr(module, "name", module)).partition(".")[0] for module in modules}
            assert roots <= {"numpy", "scipy"}


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """Раздача на троих студентов, один — с кириллицей в имени файла."""
    folder = tmp_path_factory.mktemp("course")
    roster = folder / "roster.csv"
    with roster.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["number", "login", "name", "email"])
        for number, login in zip(VARIANTS, ("anna", "борис", "v.v"), strict=True):
            table.writerow([number, login, "Иванов Иван", ""])
    assert course.main(["--roster", str(roster), "--out", str(folder / "out")]) == 0
    return folder / "out"


@every_assignment
def test_release_holds_the_student_files_only(released, name):
    for login in ("anna", "борис", "v.v"):
        notebook = released / "release" / name / f"{login}.ipynb"
        with zipfile.ZipFile(released / "students" / login / f"{name}.zip") as packed:
            assert sorted(packed.namelist()) == [
                f"{name}/.github/workflows/classroom.yml",
                f"{name}/{name}.ipynb",
                f"{name}/test_{name}.py",
            ]
            assert packed.read(f"{name}/{name}.ipynb") == notebook.read_bytes()


@every_assignment
def test_release_cells(released, name):
    notebook = nbformat.read(released / "release" / name / "борис.ipynb", 4)
    nbformat.validate(notebook)
    assert course.nbgrader_problems(notebook) == []
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    points = sum(cell.metadata.nbgrader.get("points", 0) for cell in notebook.cells)
    assert points == load_assignment(KEYS, name).points
    by_cell = {cell.metadata.recsys.cell: cell for cell in notebook.cells}
    namespace: dict = {}
    exec(by_cell["variant"].source, namespace)
    namespace.pop("__builtins__")
    assert namespace == variant_of(KEYS, load_assignment(KEYS, name), 2)
    for task in load_assignment(KEYS, name).tasks:
        assert ("task-" if task.functions else "open-") + task.id in by_cell
    # Номера ячеек не зависят от варианта.
    other = nbformat.read(released / "release" / name / "anna.ipynb", 4)
    assert [cell.id for cell in other.cells] == [cell.id for cell in notebook.cells]


@every_assignment
def test_labels_satisfy_nbgrader(released, name):
    validator = pytest.importorskip("nbgrader.nbgraderformat.v3").MetadataValidatorV3
    notebook = nbformat.read(released / "release" / name / "anna.ipynb", 4)
    validator().validate_nb(notebook)


def test_own_check_of_nbgrader_labels_can_fail():
    assignment = load_assignment(KEYS, NAMES[0])
    notebook = course.build(assignment, variant_of(KEYS, assignment, 0))
    notebook.cells[0].metadata.nbgrader.grade_id = notebook.cells[1].metadata.nbgrader.grade_id
    open_cell = next(cell for cell in notebook.cells if cell.id.startswith("open-"))
    open_cell.metadata.nbgrader.solution = False
    del open_cell.metadata.nbgrader["points"]
    assert len(course.nbgrader_problems(notebook)) == 3


@every_assignment
def test_release_has_nothing_of_the_key(released, name):
    texts = course.texts((released / "students" / "anna" / f"{name}.zip").read_bytes())
    assert course.leaks(KEYS, name, texts) == []
    (canary,) = set(course.CANARY.findall((KEYS / f"{name}.py").read_text(encoding="utf-8")))
    assert canary in (KEYS / f"{name}_solution.py").read_text(encoding="utf-8")
    for file in released.rglob("*.ipynb"):
        assert canary not in file.read_text(encoding="utf-8")
    code = "\n".join(texts)
    assert not re.search(r"\b(?:from|import) (?:course|tools|tests)\b", code)


@every_assignment
def test_planted_leaks_are_found(name):
    source = solution(name)["task-2"]
    assert course.leaks(KEYS, name, [f"пример: {source}"])
    canary = course.CANARY.findall((KEYS / f"{name}.py").read_text(encoding="utf-8"))[0]
    assert course.leaks(KEYS, name, [f"# {canary}"]) == [f"{name}: в раздаче метка из папки ключей"]
    assert course.leaks(KEYS, name, ["ничего чужого"]) == []


def test_numbers_of_a_variant_are_not_a_leak():
    assert course.fragments("[[0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1]]") == set()
    assert course.fragments(f"return {'[0, 1], ' * 20}")


def test_release_stops_at_a_leak(tmp_path, monkeypatch, capsys):
    name = NAMES[0]
    text = (course.STUDENT / f"{name}.py").read_text(encoding="utf-8")
    leaked = f'{text}\n\n# %% tags=["check-1"]\n{solution(name)["task-3"]}\n'
    (tmp_path / f"{name}.py").write_text(leaked, encoding="utf-8")
    monkeypatch.setattr(course.student_cells, "__defaults__", (tmp_path,))
    monkeypatch.setattr(course.build, "__defaults__", (tmp_path, 0))
    assert course.main(["--out", str(tmp_path / "out"), "--assignment", name]) == 1
    assert "отрывок" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_release_is_repeatable(tmp_path):
    for folder in ("a", "b"):
        assert course.main(["--out", str(tmp_path / folder), "--assignment", "04"]) == 0
    first, second = (sorted((tmp_path / f).rglob("*.*")) for f in ("a", "b"))
    assert [p.read_bytes() for p in first if p.is_file()] == [
        p.read_bytes() for p in second if p.is_file()
    ]


@every_assignment
def test_no_cell_of_the_release_fails(name, tmp_path):
    """Каждая ячейка раздачи исполняется до конца, и ни одна открытая проверка не пройдена."""
    assert course.main(["--out", str(tmp_path), "--assignment", name]) == 0
    notebook = nbformat.read(tmp_path / "release" / name / "student.ipynb", 4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    script = tmp_path / "all.py"
    script.write_text("\n\n".join(cell.source for cell in code), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script], env=child_env(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answered = [line for line in done.stdout.splitlines() if line.startswith("Задача")]
    checks = sum(cell.source.count("check_task(") + cell.source.count("say(") for cell in code)
    assert len(answered) == checks - 1  # say ещё и определена
    assert not any(line.endswith("верно") or "пройдены" in line for line in answered)


@every_assignment
def test_open_checks_accept_the_solution(name, tmp_path):
    """Решение проходит открытые проверки под pytest, заготовка — нет; окружение — только пакет."""
    assert course.main(["--out", str(tmp_path), "--assignment", name]) == 0
    with zipfile.ZipFile(tmp_path / "students" / "student" / f"{name}.zip") as packed:
        packed.extractall(tmp_path)
    path = tmp_path / name / f"{name}.ipynb"
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        cell.source = solution(name).get(cell.metadata.recsys.cell, cell.source)
    broken = next(cell for cell in notebook.cells if cell.id == "task-1")
    broken.source = starter(name)["task-1"]
    nbformat.write(notebook, path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"test_{name}.py"]
    done = subprocess.run(
        command, cwd=path.parent, env=child_env(), capture_output=True, text=True, check=False
    )
    assert f"1 failed, {len(code_tasks(name)) - 1} passed" in done.stdout, done.stdout
    assert "test_open[task_1]" in done.stdout


def test_private_keys(tmp_path, capsys):
    folder = tmp_path / "keys"
    assert course.main(["secret", str(folder)]) == 0
    assert names_of(folder) == NAMES
    assert len((folder / "secret.txt").read_text().strip()) == 64
    for name in NAMES:
        assignment = load_assignment(folder, name)
        assert variant_of(folder, assignment, 1) != variant_of(KEYS, assignment, 1)
        old, new = (
            course.CANARY.findall((keys / f"{name}.py").read_text(encoding="utf-8"))
            for keys in (KEYS, folder)
        )
        assert len(new) == 1 and new != old
    assert course.main(["--private", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert course.main(["secret", str(folder)]) == 1
    assert "не пуста" in capsys.readouterr().err


@every_assignment
def test_private_solution_gets_full_marks(name, tmp_path):
    """Решение не зависит от секрета: на частных данных баллы те же."""
    folder = tmp_path / "keys"
    course.new_keys(folder)
    assignment = load_assignment(folder, name)
    values = variant_of(folder, assignment, 5)
    for task in code_tasks(name):
        namespace: dict = {}
        exec(course.variant_source(values), namespace)
        for source in (starter(name)["given"], *(solution(name)[f"task-{n}"] for n in task.needs)):
            exec(source, namespace)
        exec(solution(name)[f"task-{task.id}"], namespace)
        for one in properties_of(folder, assignment, task, 5):
            assert [outcome(call, namespace) for call in one.calls] == [""] * len(one.calls)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("number,name\n1,А", "логин"),
        ("number,login,name\n0,a,А", "номер"),
        ("number,login,name\n1,../a,А", "имя файла"),
        ("number,login,name\n1,a,А\n2,A,Б", "повторяется"),
        ("number,login,name\n1,a,А\n1,b,Б", "повторяется"),
        ("number,login,name\n", "пуст"),
    ],
)
def test_bad_roster(rows, message, tmp_path, capsys):
    roster = tmp_path / "roster.csv"
    roster.write_text(rows, encoding="utf-8")
    assert course.main(["--roster", str(roster), "--out", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_variant_holds_plain_values_only():
    assert course.variant_source({"a": 1, "b": [[0.5], "x"]}) == "a = 1\nb = [[0.5], 'x']"
    with pytest.raises(course.CourseError, match="простое значение"):
        course.variant_source({"a": np.float64(1)})


def test_long_table_of_a_variant_is_written_row_by_row():
    text = course.variant_source({"a": [[1, 0, 1]] * 9, "b": 2})
    assert text.splitlines() == ["a = [", *["    [1, 0, 1],"] * 9, "]", "b = 2"]


def test_unknown_assignment(tmp_path, capsys):
    assert course.main(["--assignment", "77", "--out", str(tmp_path)]) == 1
    assert "Нет задания 77" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "ответа пока нет"),
        ([1, 2], "форма"),
        ("раз", "числа"),
        ([[1], [2, 3]], "числа"),
        ([True, False, True], "«да»"),
        ([1j, 0, 0], "числа"),
        ([1, 2, 3.1], "неверных чисел 1 из 3"),
        ([1, 2, float("nan")], "неверных чисел 1 из 3"),
        ([1, 2, 3], ""),
    ],
)
def test_judge_of_numbers(answer, reason):
    said = judges.equals([1, 2, 3])(answer)
    assert (reason in said) if reason else said == ""


def test_other_judges():
    assert judges.boolean(True)(np.bool_(True)) == ""
    assert judges.boolean(True)(np.array(True)) == ""
    assert judges.boolean(True)(False) and judges.boolean(True)(1) and judges.boolean(True)("да")
    assert judges.boolean(True)(np.array([True])) and judges.boolean(False)(None)
    assert judges.part(1, judges.equals(2))((1, 2)) == ""
    assert judges.part(1, judges.equals(2))((1,)) and judges.part(0, judges.equals(2))(7)
    assert judges.part(2, judges.equals(5), (3,))([0, 0, 5]) == ""
    assert "форма" in judges.part(2, judges.equals(5), (3,))([5])
    assert judges.at_least(lambda x: judges.numbers(x, ()), 2, "доля")(2) == ""
    assert "нужно не меньше" in judges.at_least(lambda x: judges.numbers(x, ()), 2, "доля")(1)
