"""Раздать курс: задания для студентов, по варианту на человека.

Запуск: ``python -m course.course [--private ПАПКА] [--roster roster.csv] [--out ПАПКА]
[--assignment NN]`` пишет

- ``ПАПКА/release/NN_имя/<login>.ipynb`` — тетрадь студента; по ней же проверяют присланное;
- ``ПАПКА/students/<login>/NN_имя.zip`` — то, что студент получает: тетрадь, открытые проверки под
  pytest и действие для GitHub Classroom.

``python -m course.course secret ПАПКА`` создаёт частную папку ключей со свежим секретом: та же
раскладка, другие варианты и скрытые данные.
"""

import ast
import io
import json
import re
import secrets
import shutil
import sys
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import Any

import nbformat
from nbformat import NotebookNode

from course.assignment import KEYS, Assignment, Task, Variant, load_assignment, names_of, variant_of
from course.options import Parser
from course.submission import Student, read_roster
from recsys_lessons.percent import Cell, cells

ROOT = Path(__file__).resolve().parent.parent
STUDENT = ROOT / "notebooks" / "assignments"
TEMPLATES = Path(__file__).parent / "templates"
FRAGMENT = 20  # столько слов и знаков подряд из ключа в раздаче уже не совпадение
TABLE = 60  # знаков: таблицу длиннее пишут в несколько строк
LABEL = re.compile(r"variant|given|(?:task|check|open)-\w+")
CANARY = re.compile(r"canary: (\w+)")


class CourseError(ValueError):
    """Раздать нельзя: что не так и что сделать."""


NOBODY = Student(0, "student", "Студент")


def label(cell: Cell) -> str:
    """Метка ячейки по договору: ``variant``, ``given``, ``task-1``, ``check-1``, ``open-7``."""
    return next((tag for tag in cell.tags if LABEL.fullmatch(tag)), "")


def student_cells(name: str, folder: Path = STUDENT) -> list[Cell]:
    """Ячейки задания, какими их видит студент.

    :raises CourseError: файла нет или у ячейки с кодом нет метки
    """
    path = folder / f"{name}.py"
    if not path.is_file():
        raise CourseError(f"Нет задания {path.name} в {folder.name}/.")
    found = cells(path.read_text(encoding="utf-8"))
    for cell in found:
        if cell.kind == "code" and not label(cell):
            raise CourseError(
                f"{path.name}, строка {cell.first}: у ячейки с кодом нет метки variant, given, "
                "task-… или check-…."
            )
    return found


def variant_source(values: Variant) -> str:
    """Ячейка варианта: ``имя = значение``; длинная таблица — по строке на строку.

    :raises CourseError: значение — не число, строка или список
    """
    lines = [f"{name} = {_written(value)}" for name, value in values.items()]
    for line, value in zip(lines, values.values(), strict=True):
        try:
            same = ast.literal_eval(line.partition(" = ")[2]) == value
        except (ValueError, SyntaxError):
            same = False
        if not same:
            raise CourseError(f"Вариант: {line[:80]} — не простое значение Python.")
    return "\n".join(lines)


def _written(value: Any) -> str:
    """Значение так, чтобы таблицу можно было читать: считать по ней будут на бумаге."""
    text = repr(value)
    if len(text) <= TABLE or not isinstance(value, list) or not isinstance(value[0], list):
        return text
    return "\n".join(["[", *(f"    {row!r}," for row in value), "]"])


def build(
    assignment: Assignment, values: Variant, folder: Path = STUDENT, number: int = 0
) -> NotebookNode:
    """Тетрадь студента: условия, заготовки, открытые проверки и его вариант."""
    tasks = {task.id: task for task in assignment.tasks}
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "recsys": {"assignment": assignment.name, "variant": number},
        }
    )
    used: dict[str, int] = {}
    for cell in student_cells(assignment.name, folder):
        kind = label(cell) or "text"
        used[kind] = used.get(kind, 0) + 1
        ident = kind if used[kind] == 1 and kind != "text" else f"{kind}-{used[kind]}"
        source = variant_source(values) if kind == "variant" else cell.source
        make = nbformat.v4.new_code_cell if cell.kind == "code" else nbformat.v4.new_markdown_cell
        new = make(source)
        new["id"] = ident
        new.metadata.update(_metadata(kind, ident, tasks))
        notebook.cells.append(new)
    return notebook


def _metadata(kind: str, ident: str, tasks: dict[str, Task]) -> dict[str, Any]:
    """Метки ячейки: свои, nbgrader (схема 3) и что студенту можно с нею делать."""
    family, _, task = kind.partition("-")
    answer = family in ("task", "open")
    grading: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": ident,
        "grade": answer,
        "solution": answer,
        "locked": not answer,
        "task": False,
    }
    if answer:
        grading["points"] = tasks[task].points
    return {
        "recsys": {"cell": kind},
        "nbgrader": grading,
        "deletable": False,
        "editable": family not in ("variant", "given", "text"),
    }


def nbgrader_problems(notebook: NotebookNode) -> list[str]:
    """Чем метки не угодили бы nbgrader: правила его схемы 3."""
    problems, seen = [], set()
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader")
        if meta is None:
            continue
        name = meta.get("grade_id", "")
        if not re.fullmatch(r"[\w-]+", name) or name in seen:
            problems.append(f"grade_id {name!r} пуст, негоден или повторяется")
        seen.add(name)
        if meta.get("schema_version") != 3:
            problems.append(f"{name}: schema_version не 3")
        flags = [meta.get(flag) for flag in ("grade", "solution", "locked", "task")]
        if not all(isinstance(flag, bool) for flag in flags):
            problems.append(f"{name}: флаги grade, solution, locked, task — не bool")
        points = meta.get("points")
        if meta.get("grade") and not (isinstance(points, int | float) and points >= 0):
            problems.append(f"{name}: у оцениваемой ячейки нет баллов")
        if cell.cell_type == "markdown" and meta.get("grade") != meta.get("solution"):
            problems.append(f"{name}: текст оценивают, только если он же и ответ")
    return problems


def pytest_source(assignment: Assignment) -> str:
    """Открытые проверки под pytest: читают тетрадь, которая лежит рядом."""
    needs = {task.id: [*task.needs, task.id] for task in assignment.tasks if task.functions}
    text = (TEMPLATES / "test_open.py").read_text(encoding="utf-8")
    text = text.replace('"NN_name"', json.dumps(assignment.name))
    return text.replace('{"1": ["1"]}', json.dumps(needs))


def workflow_source(assignment: Assignment) -> str:
    """Действие GitHub Classroom: по проверке на задачу, с её баллами."""
    step = Template(
        "      - name: Задача $id\n"
        "        id: task-$id\n"
        "        uses: classroom-resources/autograding-command-grader@v1\n"
        "        with:\n"
        '          test-name: "Задача $id"\n'
        "          command: python -m pytest -q -k task_$id test_$name.py\n"
        "          timeout: 10\n"
        "          max-score: $points\n"
    )
    tasks = [task for task in assignment.tasks if task.functions]
    steps = "".join(
        step.substitute(id=task.id, name=assignment.name, points=f"{task.points:g}")
        for task in tasks
    )
    results = "\n".join(
        f'          TASK-{task.id}_RESULTS: "${{{{steps.task-{task.id}.outputs.result}}}}"'
        for task in tasks
    )
    runners = ",".join(f"task-{task.id}" for task in tasks)
    text = (TEMPLATES / "classroom.yml").read_text(encoding="utf-8")
    for mark, value in (("# steps\n", steps), ("# results", results), ("# runners", runners)):
        text = text.replace(mark, value)
    return text


def archive(assignment: Assignment, notebook: str) -> bytes:
    """Zip студента: тетрадь, открытые проверки, действие GitHub Classroom; всегда те же байты."""
    name = assignment.name
    files = {
        f"{name}/{name}.ipynb": notebook,
        f"{name}/test_{name}.py": pytest_source(assignment),
        f"{name}/.github/workflows/classroom.yml": workflow_source(assignment),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, text in files.items():
            packed.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text, 8)
    return buffer.getvalue()


def fragments(text: str) -> set[tuple[str, ...]]:
    """Все отрывки текста из двадцати слов и знаков подряд, в которых есть хоть одно слово.

    Отрывки из одних чисел и знаков не в счёт: таблица варианта может случайно совпасть с чужой.
    """
    words = re.findall(r"\w+|[^\w\s]", text)
    pieces = (tuple(words[i : i + FRAGMENT]) for i in range(len(words) - FRAGMENT + 1))
    return {piece for piece in pieces if any(word.isidentifier() for word in piece)}


def leaks(keys: Path, name: str, released: Iterable[str], folder: Path = STUDENT) -> list[str]:
    """Что из ключа попало в раздачу: метка-канарейка, секрет или отрывок решения.

    Отрывки, которые есть в заготовках и данных ячейках, — не утечка: решение начинается с них.

    :param released: тексты ячеек и файлов раздачи
    """
    released = list(released)
    private = {
        path.name: path.read_text(encoding="utf-8")
        for path in (keys / f"{name}.py", keys / f"{name}_solution.py")
        if path.is_file()
    }
    shared: set[tuple[str, ...]] = set()
    for cell in student_cells(name, folder):
        if label(cell).partition("-")[0] in ("given", "task"):
            shared |= fragments(cell.source)
    given = set().union(*map(fragments, released)) - shared
    problems = []
    for file, text in private.items():
        found = fragments(text) & given
        if found:
            problems.append(f"{file}: в раздаче отрывок «{' '.join(min(found))}»")
    marks = {mark for text in private.values() for mark in CANARY.findall(text)}
    marks.add((keys / "secret.txt").read_text(encoding="utf-8").strip())
    everything = "\n".join(released)
    # Секрет открытых ключей — обычное слово: его ищут, только если он похож на секрет.
    hidden = [mark for mark in marks if len(mark) >= 16 and mark in everything]
    return problems + [f"{name}: в раздаче метка из папки ключей" for _ in hidden]


def texts(data: bytes) -> list[str]:
    """Тексты ячеек и файлов из архива студента."""
    found = []
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        for path in packed.namelist():
            text = packed.read(path).decode("utf-8")
            if path.endswith(".ipynb"):
                found += [cell["source"] for cell in nbformat.reads(text, 4).cells]
                text = json.dumps(json.loads(text)["metadata"])
            found.append(text)
    return found


def release(
    keys: Path, students: Sequence[Student], out: Path, names: Sequence[str] | None = None
) -> list[Path]:
    """Записать раздачу; возвращает записанные файлы.

    :raises CourseError: заданий нет, метки негодны или в раздачу попал отрывок ключа
    """
    written = []
    for name in names or names_of(keys):
        assignment = load_assignment(keys, name)
        for student in students:
            values = variant_of(keys, assignment, student.number)
            notebook = build(assignment, values, number=student.number)
            text = nbformat.writes(notebook) + "\n"
            data = archive(assignment, text)
            problems = nbgrader_problems(notebook) + leaks(keys, name, texts(data))
            if problems:
                raise CourseError(f"{name} не раздано. " + "; ".join(problems))
            for path, content in (
                (out / "release" / name / f"{student.login}.ipynb", text.encode()),
                (out / "students" / student.login / f"{name}.zip", data),
            ):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                written.append(path)
    if not written:
        raise CourseError(f"В папке ключей {keys} нет ни одного задания.")
    return written


def new_keys(folder: Path) -> None:
    """Частная папка ключей: ключи и решения отсюда, секрет и метки свежие.

    :raises CourseError: папка уже есть и не пуста
    """
    if folder.exists() and any(folder.iterdir()):
        raise CourseError(
            f"Папка {folder} не пуста. Новый секрет сменил бы варианты уже розданного курса."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(KEYS.glob("*.py")):
        target = folder / path.name
        shutil.copyfile(path, target)
        text = target.read_text(encoding="utf-8")
        target.write_text(
            CANARY.sub(lambda _: f"canary: {secrets.token_hex(8)}", text), encoding="utf-8"
        )
    secret = folder / "secret.txt"
    secret.touch(mode=0o600)
    secret.write_text(secrets.token_hex(32) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = Parser(
        prog="python -m course.course",
        description="Раздать задания: тетрадь и архив на каждого студента. "
        "Частную папку ключей создаёт python -m course.course secret ПАПКА.",
    )
    try:
        if given[:1] == ["secret"]:
            parser.add_argument("folder", type=Path, help="новая папка ключей, вне репозитория")
            folder = parser.parse_args(given[1:]).folder
            new_keys(folder)
            print(
                f"Ключи и свежий секрет — в {folder}. Храните папку вне репозитория и сделайте "
                "копию: без secret.txt прежние варианты не восстановить."
            )
            return 0
        parser.add_argument("--private", type=Path, default=KEYS, help="частная папка ключей")
        parser.add_argument("--roster", type=Path, help="список группы: number, login, name")
        parser.add_argument("--out", type=Path, default=Path("course_out"), help="куда писать")
        parser.add_argument("--assignment", help="только это задание: 04 или 04_ease")
        options = parser.parse_args(given)
        students = read_roster(options.roster) if options.roster else [NOBODY]
        names = chosen(options.private, options.assignment)
        written = release(options.private, students, options.out, names)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Заданий {len(names)}, студентов {len(students)}, файлов {len(written)}: {options.out}")
    return 0


def chosen(keys: Path, wanted: str | None) -> list[str]:
    """Имена заданий по номеру или имени.

    :raises CourseError: такого задания нет
    """
    names = names_of(keys)
    if wanted is None:
        return names
    found = [name for name in names if wanted in (name, name.partition("_")[0])]
    if not found:
        raise CourseError(f"Нет задания {wanted}. Есть: {', '.join(names) or 'ни одного'}.")
    return found


if __name__ == "__main__":
    sys.exit(main())
