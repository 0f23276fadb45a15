"""Проверка присланных работ: баллы с причинами, отзывы, перепроверка.

Запуск: ``python -m course.grading РАБОТЫ --roster roster.csv --assignment 04 --out ПАПКА``.
Состояние каждого студента хранится в ``ПАПКА/state``, поэтому прерванная проверка продолжается с
того места, где остановилась, а повторная берёт готовое, пока не изменились работа, ключ или сам
проверяющий код.
"""

import argparse
import csv
import hashlib
import json
import math
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from course import feedback, moodle
from course.alike import MIN_TOKENS, alike
from course.assignment import (
    KEYS,
    Assignment,
    Property,
    Task,
    Variant,
    load_assignment,
    names_of,
    properties_of,
    variant_of,
)
from course.options import Parser
from course.sandbox import Result, Sandbox, SandboxError, clean, open_sandbox, run_calls
from course.submission import (
    Cell,
    Found,
    Refused,
    Student,
    Work,
    find_submissions,
    parse_notebook,
    plain,
    read_roster,
    read_submission,
    read_table,
    split_tasks,
)
from recsys_lessons import percent

RIGHT = "верно"
PART = "частично"
WRONG = "неверно"
UNDONE = "не решена"
ABSENT = "нет ячейки"
NAMELESS = "нет функции"
ERROR = "ошибка"
TIME = "время"
MEMORY = "память"
EXIT = "процесс прерван"
REFUSED = "не принято"
NOTHING = "не сдано"
WAITING = "ждёт оценки"
MANUAL = "вручную"
MANUAL_FILE = "manual.csv"
BROKEN = "сбой проверки"

_STATUS = {
    "missing": NAMELESS,
    "unfit": WRONG,
    "error": ERROR,
    "time": TIME,
    "memory": MEMORY,
    "exit": EXIT,
}
# Что сказать о задаче, в которой не удалось разное: первое из списка.
_WORST = [EXIT, MEMORY, TIME, ERROR, NAMELESS]
Record = dict[str, Any]


# --- Выдача ----------------------------------------------------------------------------------


def load_release(folder: Path, name: str) -> list[Cell]:
    """Ячейки задания, как их выдали: ``имя.py``, ``имя.ipynb`` или ``имя/ЛОГИН.ipynb`` в папке.

    :raises ValueError: задания в папке нет
    """
    sources = [folder / f"{name}.py", folder / f"{name}.ipynb"]
    # Тетради студентов различаются только ячейкой варианта, а её составляют по номеру.
    sources += sorted((folder / name).glob("*.ipynb")) + sorted(folder.rglob(f"{name}.ipynb"))
    sources += sorted(folder.rglob(f"{name}*.zip"))
    path = next((one for one in sources if one.is_file()), None)
    if path is None:
        raise ValueError(
            f"В папке выдачи {folder} нет задания {name}: нужен "
            f"{name}.ipynb, {name}.py или {name}.zip."
        )
    if path.suffix == ".py":
        found = percent.cells(path.read_text(encoding="utf-8"))
        return [Cell(one.kind, _mark(one.tags), one.source) for one in found if one.kind != "raw"]
    try:
        return parse_notebook(read_submission(path, name)[0])
    except Refused as error:
        raise ValueError(f"Выдача {path} не читается: {error}") from None


def _mark(tags: Sequence[str]) -> str:
    pattern = re.compile(r"^(variant|given|(task|check|open)-.+)$")
    return next((one for one in tags if pattern.match(one)), "")


def variant_source(variant: Variant) -> str:
    """Ячейка варианта: по строке ``имя = значение``."""
    return "\n".join(f"{name} = {value!r}" for name, value in variant.items())


def given_cells(release: Sequence[Cell], variant: Variant) -> list[tuple[str, str]]:
    """Ячейки, данные студенту с этим вариантом."""
    cells = [one for one in release if one.kind == "code" and one.mark in ("variant", "given")]
    return [
        ("вариант", variant_source(variant))
        if one.mark == "variant"
        else (f"данная ячейка {number}", one.source)
        for number, one in enumerate(cells, start=1)
    ]


# --- Одна задача и одна работа ---------------------------------------------------------------


@dataclass
class Grader:
    """Проверяет работы по одному заданию."""

    keys: Path
    assignment: Assignment
    release: Sequence[Cell]
    sandbox: Sandbox
    troubles: list[str] = field(default_factory=list)

    def grade(self, student: Student, work: Work) -> dict[str, Record]:
        """Баллы за каждую задачу.

        :raises SandboxError: сломалась не работа, а проверка
        """
        return {task.id: self.task(student, work, task) for task in self.assignment.tasks}

    def task(self, student: Student, work: Work, task: Task) -> Record:
        """Баллы за одну задачу, с причиной каждого."""
        if task.properties is None:
            text = work.open.get(task.id, "").strip()
            stub = "\n\n".join(o.source for o in self.release if o.mark == f"open-{task.id}")
            if not text or plain(text) == plain(stub):
                return mark(UNDONE, ["Ответа на открытый вопрос нет."])
            return mark(WAITING, ["Открытый вопрос оценивает преподаватель."])
        if task.id not in work.code:
            return mark(ABSENT, [f"Ячейка с меткой task-{task.id} удалена или потеряла метку."])
        stubs = [plain(o.source) for o in self.release if o.mark == f"task-{task.id}"]
        if {plain(one) for one in work.code[task.id]} <= {*stubs, ""}:
            return mark(UNDONE, ["В ячейке задачи осталась заготовка."])
        properties = properties_of(self.keys, self.assignment, task, student.number)
        variant = variant_of(self.keys, self.assignment, student.number)
        cells = [
            (f"задача {one}, ячейка {number}", source)
            for one in (*task.needs, task.id)
            for number, source in enumerate(work.code.get(one, []), start=1)
        ]
        calls = [call for one in properties for call in one.calls]
        results, notes = run_calls(
            self.sandbox,
            given_cells(self.release, variant),
            cells,
            calls,
            task.seconds,
            task.megabytes,
        )
        judged = iter(zip(calls, results, strict=True))
        rows = [
            self.property(task, one, [next(judged) for _ in one.calls], notes) for one in properties
        ]
        return summary(task, rows, notes)

    def property(
        self, task: Task, one: Property, judged: Sequence[tuple[Any, Result]], notes: list[str]
    ) -> Record:
        """Баллы за свойство: все вызовы верны или названа первая причина."""
        for call, result in judged:
            status, reason = self.judge(call, result)
            if status != RIGHT:
                if status == NAMELESS and notes:
                    status, reason = ERROR, f"{reason} Ячейка не исполнилась: {notes[-1]}"
                return {
                    "title": one.title,
                    "points": 0.0,
                    "max": one.points,
                    "status": status,
                    "reason": reason,
                }
        return {
            "title": one.title,
            "points": one.points,
            "max": one.points,
            "status": RIGHT,
            "reason": "",
        }

    def judge(self, call: Any, result: Result) -> tuple[str, str]:
        """Верен ли ответ на один вызов."""
        if result.status == "missing":
            return NAMELESS, f"Функция {call.function} не определена."
        if result.status != "answer":
            if "NotImplementedError" in result.reason:
                return UNDONE, f"Функция {call.function} не написана."
            return _STATUS[result.status], result.reason[:1].upper() + result.reason[1:] + "."
        if result.value is None:
            return UNDONE, f"Функция {call.function} вернула None."
        try:
            with np.errstate(all="ignore"):
                reason = call.judge(result.value)
        except Exception as error:
            # Судья рассчитан на ответ своего вида; чужой вид — ошибка студента, но пусть
            # преподаватель о ней узнает: так же выглядит и ошибка самого судьи.
            with_error = f"{type(error).__name__}: {clean(error, 120)}"
            self.troubles.append(f"судья функции {call.function}: {with_error}")
            return WRONG, "Ответ не того вида, какой просили в условии."
        return (WRONG, str(reason)) if reason else (RIGHT, "")


def mark(status: str, reasons: Sequence[str] = (), **more: Any) -> Record:
    """Итог задачи без проверенных свойств."""
    empty: Record = {"points": 0.0, "status": status, "reasons": list(reasons)}
    return empty | {"properties": [], "notes": []} | more


def summary(task: Task, rows: list[Record], notes: list[str]) -> Record:
    """Итог задачи: сумма баллов и одно слово о том, чем она кончилась."""
    points = sum(one["points"] for one in rows)
    failed = [one["status"] for one in rows if one["status"] != RIGHT]
    if not failed:
        status, points = RIGHT, task.points
    else:
        crash = next((one for one in _WORST if one in failed), None)
        if crash:
            status = crash
        elif points > 0:
            status = PART
        else:
            status = UNDONE if set(failed) == {UNDONE} else WRONG
    return {
        "points": points,
        "status": status,
        "reasons": [],
        "properties": rows,
        "notes": notes if failed else [],
    }


# --- Состояние -------------------------------------------------------------------------------


def keys_hash(keys: Path, assignment: str, release: Sequence[Cell]) -> str:
    """Отпечаток ключа, секрета, выдачи и проверяющего кода: от них, кроме работы, зависит балл."""
    here = Path(__file__).parent
    files = [keys / "secret.txt", keys / f"{assignment}.py"]
    files += [one for one in sorted(keys.glob("*.py")) if not one.stem[:1].isdigit()]
    names = ("assignment", "judges", "grading", "sandbox", "submission", "worker")
    files += [here / f"{one}.py" for one in names]
    digest = hashlib.sha256(repr(list(release)).encode("utf-8", "replace"))
    for path in files:
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def work_hash(student: Student, work: Work | None, refused: str) -> str:
    """Отпечаток работы: то, что в ней исполняется и читается, без выводов и лишних ячеек."""
    content = [student.number, refused, work and [work.code, work.open]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Записать файл так, чтобы обрыв не оставил половины."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    temporary.write_text(text, encoding="utf-8", newline="")
    os.replace(temporary, path)


def read_state(path: Path) -> Record | None:
    """Сохранённый итог студента; испорченный файл — как если бы его не было."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return record if {"work", "keys", "tasks"} <= set(record) else None
    except (OSError, ValueError, TypeError):
        return None


def with_changes(old: Record | None, new: Record) -> Record:
    """Дописать, какими были баллы до последней правки проверок."""
    if old is None or old["work"] != new["work"]:
        return new | {"before": None}
    was = {name: one["points"] for name, one in old["tasks"].items()}
    now = {name: one["points"] for name, one in new["tasks"].items()}
    if old["keys"] == new["keys"] and was == now:
        return new | {"before": old.get("before")}
    return new | {"before": was}


# --- Оценки вручную, срок --------------------------------------------------------------------


def read_manual(
    path: Path, assignment: Assignment, students: Sequence[Student]
) -> dict[tuple[str, str], tuple[float, str]]:
    """Оценки, поставленные вручную: (логин, задача) → баллы и причина.

    :raises ValueError: логина или задачи нет, баллы не число, вне пределов, без причины, дважды
    """
    if not path.is_file():
        raise ValueError(f"Нет файла с оценками вручную: {path}.")
    tasks = {one.id: one for one in assignment.tasks}
    logins = {one.login for one in students}
    found: dict[tuple[str, str], tuple[float, str]] = {}
    for line, row in enumerate(read_table(path), start=2):
        login, task = row.get("login", ""), row.get("task", "")
        login = login if login in logins else login.removeprefix("'")  # так обезвреживают формулы
        if not row.get("points") and not row.get("reason"):
            continue  # строка заготовки, ещё не заполненная
        where = f"{path}, строка {line}"
        if login not in logins:
            raise ValueError(f"{where}: в списке группы нет логина {login!r}.")
        if task not in tasks:
            raise ValueError(f"{where}: в задании нет задачи {task!r}.")
        try:
            points = float(row.get("points", "").replace(",", "."))
        except ValueError:
            raise ValueError(f"{where}: баллы {row.get('points')!r} — не число.") from None
        if not 0 <= points <= tasks[task].points:
            raise ValueError(f"{where}: баллы должны быть от 0 до {tasks[task].points:g}.")
        if not row.get("reason"):
            raise ValueError(f"{where}: у оценки вручную нет причины (столбец reason).")
        if (login, task) in found:
            raise ValueError(f"{where}: оценка {login} за задачу {task} уже названа выше.")
        found[login, task] = points, row["reason"]
    return found


def read_times(path: Path) -> dict[str, float]:
    """Когда сдана работа: столбцы ``login, time``; время — ``2026-11-30 23:59``.

    :raises ValueError: время не читается
    """
    times: dict[str, float] = {}
    for line, row in enumerate(read_table(path), start=2):
        try:
            times[row.get("login", "")] = datetime.fromisoformat(row.get("time", "")).timestamp()
        except ValueError:
            raise ValueError(
                f"{path}, строка {line}: время {row.get('time')!r} не читается; нужно "
                "2026-11-30 23:59."
            ) from None
    return times


@dataclass(frozen=True)
class Deadline:
    """Срок и вычет: доля баллов за каждые начатые сутки опоздания."""

    moment: float
    penalty: float

    def days(self, submitted: float) -> int:
        """Сколько суток опоздания начато."""
        return max(0, math.ceil((submitted - self.moment) / 86400))

    def share(self, submitted: float) -> float:
        """Какая доля баллов вычитается."""
        return min(1.0, self.penalty * self.days(submitted))


@dataclass(frozen=True)
class Total:
    """Итог студента: баллы, вычет, окончательный балл."""

    points: float
    max: float
    days: int
    penalty: float
    final: float


# --- Проверка группы -------------------------------------------------------------------------


@dataclass
class Options:
    """Что и как проверять; поля — ключи командной строки."""

    submissions: Path
    release: Path
    keys: Path
    roster: Path
    assignment: str
    out: Path
    only: str = ""
    manual: Path | None = None
    times: Path | None = None
    deadline: Deadline | None = None
    worksheet: Path | None = None
    alike: bool = False
    unprotected: bool = False
    workers: int = 2


class Course:
    """Одна проверка: группа, задание, папка итогов."""

    def __init__(self, options: Options, sandbox: Sandbox | None = None) -> None:
        self.options = options
        self.students = read_roster(options.roster)
        self.name = full_name(options.keys, options.assignment)
        self.assignment = load_assignment(options.keys, self.name)
        self.release = load_release(options.release, self.name)
        self.manual: dict[tuple[str, str], tuple[float, str]] = {}
        kept = options.out / MANUAL_FILE
        for path in [*([kept] if kept.is_file() else []), *filter(None, [options.manual])]:
            self.manual |= read_manual(path, self.assignment, self.students)
        self.times = read_times(options.times) if options.times else {}
        self.sheet = moodle.read_worksheet(options.worksheet) if options.worksheet else None
        participants = moodle.participants(self.sheet, self.students) if self.sheet else {}
        self.found, self.unknown = find_submissions(
            options.submissions, self.students, participants
        )
        self.numbers = {login: number for number, login in participants.items()}
        self.numbers |= {x: one.moodle for x, one in self.found.items() if one.moodle}
        if options.only and options.only not in {one.login for one in self.students}:
            raise ValueError(f"В списке группы нет логина {options.only!r}.")
        self.sandbox = sandbox or open_sandbox(options.unprotected)
        self.grader = Grader(options.keys, self.assignment, self.release, self.sandbox)
        self.keys_hash = keys_hash(options.keys, self.name, self.release)
        self.works: dict[str, Work] = {}

    def state_path(self, student: Student) -> Path:
        """Где лежит сохранённый итог студента."""
        return self.options.out / "state" / self.name / f"{student.login}.json"

    def grade(self, student: Student) -> tuple[Record, bool]:
        """Итог студента и проверяли ли работу заново."""
        path = self.state_path(student)
        old = read_state(path)
        only = self.options.only
        if only and student.login != only:
            return (old or self.nothing(student, "Ещё не проверялось."), False)
        found = self.found.get(student.login)
        if found is None:
            return self.nothing(student, "Работы нет."), False
        work, refused, submitted, file = self.read(found)
        if work is not None:
            self.works[student.login] = work
        new: Record = {
            "login": student.login,
            "work": work_hash(student, work, refused),
            "keys": self.keys_hash,
            "file": clean(file, 120),
            "time": submitted,
            "refused": refused,
            "open": work.open if work else {},
        }
        if old and not only and (old["work"], old["keys"]) == (new["work"], new["keys"]):
            return old | {"time": submitted, "file": new["file"]}, False
        if work is None:
            tasks = {one.id: mark(REFUSED, [refused]) for one in self.assignment.tasks}
        else:
            tasks = self.grader.grade(student, work)
        record = with_changes(old, new | {"tasks": tasks})
        write_whole(path, json.dumps(record, ensure_ascii=False, indent=1))
        return record, True

    def nothing(self, student: Student, reason: str, status: str = NOTHING) -> Record:
        """Итог студента, чьей работы нет."""
        tasks = {one.id: mark(status, [reason]) for one in self.assignment.tasks}
        empty: Record = {"login": student.login, "work": "", "keys": "", "file": "", "time": None}
        return empty | {"refused": "", "open": {}, "before": None, "tasks": tasks}

    def read(self, found: Found) -> tuple[Work | None, str, float, str]:
        """Разобрать работу: она или причина, почему её не приняли."""
        submitted, file = found.path.lstat().st_mtime, found.path.name
        try:
            data, submitted, file = read_submission(found.path, self.name)
            return split_tasks(parse_notebook(data), self.release), "", submitted, file
        except Refused as error:
            return None, str(error), submitted, file
        except OSError as error:
            return None, f"Файл не читается ({type(error).__name__}).", submitted, file

    def total(self, record: Record) -> Total:
        """Баллы с оценками вручную и вычетом за опоздание."""
        points = sum(self.points(record, task)[0] for task in self.assignment.tasks)
        submitted = self.times.get(record["login"], record["time"])
        deadline = self.options.deadline
        days, share = 0, 0.0
        if deadline and submitted is not None:
            days, share = deadline.days(submitted), deadline.share(submitted)
        penalty = points * share
        return Total(points, self.assignment.points, days, penalty, round(points - penalty, 2))

    def points(self, record: Record, task: Task) -> tuple[float, str, str]:
        """Баллы за задачу, её состояние и причина оценки вручную, если она есть."""
        by_hand = self.manual.get((record["login"], task.id))
        one = record["tasks"].get(task.id) or mark(BROKEN)
        if by_hand:
            return by_hand[0], MANUAL, by_hand[1]
        return one["points"], one["status"], ""

    def run(self) -> dict[str, Record]:
        """Проверить всех, показывая ход; Ctrl+C останавливает, сохранив проверенное."""
        records: dict[str, Record] = {}
        started = time.monotonic()
        with warnings.catch_warnings(), ThreadPoolExecutor(self.options.workers) as pool:
            warnings.simplefilter("ignore")  # судьи считают с чем угодно
            waiting: dict[Future[tuple[Record, bool]], Student] = {
                pool.submit(self.timed, one): one for one in self.students
            }
            pending = set(waiting)
            try:
                while pending:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for future in sorted(done, key=lambda one: waiting[one].number):
                        student = waiting[future]
                        record, fresh = self.outcome(student, future)
                        records[student.login] = record
                        self.report(student, record, fresh, len(records), started)
            except KeyboardInterrupt:
                for future in pending:
                    future.cancel()
                self.sandbox.stop()
                raise
        return {one.login: records[one.login] for one in self.students}

    def timed(self, student: Student) -> tuple[Record, bool]:
        """Проверить студента."""
        return self.grade(student)

    def outcome(self, student: Student, future: Future[tuple[Record, bool]]) -> tuple[Record, bool]:
        """Итог студента; сбой проверки — не его ошибка и не сохраняется."""
        try:
            return future.result()
        except Exception as error:
            self.grader.troubles.append(f"{student.login}: {type(error).__name__}: {error}")
            reason = "Проверка сломалась не по вине студента; работу проверят ещё раз."
            return self.nothing(student, reason, BROKEN), True

    def report(
        self, student: Student, record: Record, fresh: bool, count: int, started: float
    ) -> None:
        """Строка хода проверки."""
        total = self.total(record)
        statuses = ", ".join(
            f"{task.id}: {self.points(record, task)[1]}" for task in self.assignment.tasks
        )
        left = (time.monotonic() - started) / count * (len(self.students) - count)
        print(
            f"[{count}/{len(self.students)}] {student.login}: {total.final:g} из {total.max:g} "
            f"({statuses}){'' if fresh else ' — готово раньше'}; осталось ≈ {left:.0f} с",
            file=sys.stderr,
            flush=True,
        )


# --- Итоги -----------------------------------------------------------------------------------


def full_name(keys: Path, wanted: str) -> str:
    """Имя задания по номеру или имени.

    :raises ValueError: такого задания нет или их несколько
    """
    names = names_of(keys)
    found = [one for one in names if one == wanted] or [
        one for one in names if one.startswith(f"{wanted}_")
    ]
    if len(found) != 1:
        raise ValueError(
            f"Задание {wanted!r} в папке ключей {keys} не найдено. Есть: "
            f"{', '.join(names) or 'ничего'}."
        )
    return found[0]


def write_results(course: Course, records: Mapping[str, Record]) -> None:
    """Все файлы итогов."""
    out, tasks = course.options.out, course.assignment.tasks
    marks, totals, changes, answers, blanks = [], [], [], [], []
    pages: dict[str, str] = {}
    finals: dict[str, float] = {}
    for student in course.students:
        record = records[student.login]
        who = [student.number, student.login, student.name]
        total = course.total(record)
        rows = []
        for task in tasks:
            points, status, by_hand = course.points(record, task)
            one = record["tasks"].get(task.id) or mark(BROKEN)
            reasons = [by_hand] if by_hand else reasons_of(one)
            shown = [task.id, task.title, number(points), number(task.points)]
            marks.append([*who, *shown, status, " | ".join(reasons)])
            answer = record["open"].get(task.id, "")
            rows.append(
                {"id": task.id, "title": task.title, "points": points, "max": task.points}
                | {"status": status, "manual": by_hand, "reasons": one["reasons"]}
                | {"properties": one["properties"], "notes": one["notes"], "answer": answer}
            )
            if task.properties is None and status in (WAITING, MANUAL):
                answers.append(
                    {"login": student.login, "name": student.name, "task": task.id, "text": answer}
                    | {"status": status}
                )
                if status == WAITING:
                    blanks.append([student.login, task.id, "", ""])
            before = (record.get("before") or {}).get(task.id)
            if before is not None and abs(before - one["points"]) > 1e-9:
                shown = [task.id, number(before), number(one["points"])]
                changes.append([*who, *shown, " | ".join(reasons_of(one))])
        statuses = {one["status"] for one in rows}
        state = next((x for x in (NOTHING, REFUSED) if statuses == {x}), "проверено")
        state = BROKEN if BROKEN in statuses else state
        totals.append(
            [
                *(*who, state, number(total.points), number(total.max), total.days),
                *(number(total.penalty), number(total.final), int(WAITING in statuses)),
            ]
        )
        path = out / "feedback" / f"{student.login}.html"
        if state in (NOTHING, BROKEN):
            path.unlink(missing_ok=True)
            continue
        finals[student.login] = total.final
        pages[student.login] = feedback.page(
            course.assignment.title,
            student=student,
            file=record["file"],
            total=total,
            waiting=WAITING in statuses,
            refused=record["refused"],
            tasks=[] if record["refused"] else rows,
        )
        write_whole(path, pages[student.login])
    who_header = ["number", "login", "name"]
    task_header = ["task", "title", "points", "max", "status", "reason"]
    table(out / "marks.csv", [*who_header, *task_header], marks)
    total_header = ["status", "points", "max", "days_late", "penalty", "final", "waiting"]
    table(out / "totals.csv", [*who_header, *total_header], totals)
    table(out / "changes.csv", [*who_header, "task", "was", "became", "reason"], changes)
    by_hand_header = ["login", "task", "points", "reason"]
    table(out / "manual_template.csv", by_hand_header, blanks)
    kept = [[*key, number(points), why] for key, (points, why) in sorted(course.manual.items())]
    if kept:
        table(out / MANUAL_FILE, by_hand_header, kept)
    write_whole(
        out / "open.html", feedback.open_page(f"{course.assignment.title}: ответы", answers)
    )
    write_moodle(course, finals, pages)
    if changes:
        print(f"После правки проверок изменилось баллов: {len(changes)} — changes.csv.")


def number(value: float) -> str:
    """Число для CSV: ``3``, ``1.5``."""
    return f"{round(value, 4):.10g}"


def reasons_of(one: Record) -> list[str]:
    """Причины, по которым задача стоит столько: общие и по свойствам."""
    lost = [
        f"{row['title']}: {row['reason'] or row['status']}"
        for row in one["properties"]
        if row["status"] != RIGHT
    ]
    return [*one["reasons"], *lost]


def table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """CSV, который откроется в табличном редакторе с кириллицей и без формул."""
    write_whole(path, "\ufeff" + moodle.to_csv(header, rows))


def write_moodle(course: Course, finals: Mapping[str, float], pages: Mapping[str, str]) -> None:
    """Ведомость и архив отзывов для Moodle."""
    out, maximum = course.options.out, course.assignment.points
    title = course.assignment.title
    write_whole(out / "moodle_gradebook.csv", moodle.gradebook(course.students, finals, title))
    if not course.sheet and not course.numbers:
        return
    if course.sheet:
        text, unknown = moodle.fill_worksheet(course.sheet, course.students, finals, maximum)
        for one in unknown:
            print(f"В ведомости Moodle не узнана строка: {one}")
    else:
        text = moodle.blank_worksheet(course.students, course.numbers, finals, maximum)
    write_whole(out / "moodle.csv", text)
    missing = moodle.feedback_archive(
        out / "moodle_feedback.zip", course.students, course.numbers, pages, course.name
    )
    if missing:
        some = ", ".join(missing[:5]) + (f" и ещё {len(missing) - 5}" if missing[5:] else "")
        print(f"Номер участника Moodle неизвестен, отзыва в архиве нет: {some}.")


def write_alike(course: Course) -> None:
    """Пары похожих работ — ``alike.csv``."""
    works = {login: work.code for login, work in course.works.items()}
    if course.options.only:
        for student in course.students:
            found = course.found.get(student.login)
            work = course.read(found)[0] if found else None
            if work:
                works[student.login] = work.code
    pairs = alike(works, [one.source for one in course.release if one.kind == "code"])
    table(course.options.out / "alike.csv", ["login", "login_2", "task", "tokens"], pairs)
    print(
        f"Пар с одинаковым кодом задачи: {len(pairs)} — alike.csv. Сравнивается код без имён, "
        f"пробелов, комментариев и того, что было в выдаче; короче {MIN_TOKENS} знаков не "
        f"сравнивается. Это повод для разговора, а не доказательство: переставленных строк "
        f"проверка не видит, а короткие верные решения совпадают сами."
    )


# --- Командная строка ------------------------------------------------------------------------


def arguments() -> argparse.ArgumentParser:
    """Ключи командной строки."""
    parser = Parser(
        prog="python -m course.grading",
        description="Проверить присланные работы: баллы в CSV и страница отзыва каждому студенту.",
        epilog="Прерванную проверку продолжает та же команда. Номер варианта берётся из списка "
        "группы. Файлы итогов: marks.csv (по задачам), totals.csv (по студентам), changes.csv (что "
        "изменилось после правки проверок), feedback/ЛОГИН.html, open.html и manual_template.csv "
        "(открытые вопросы), moodle.csv и moodle_feedback.zip.",
    )
    add = parser.add_argument_group("что проверить и куда записать").add_argument
    add(
        "submissions", type=Path, help="папка с работами: ЛОГИН/, ЛОГИН.zip или скачанное из Moodle"
    )
    add(
        "--roster", type=Path, required=True, help="список группы: number,login,name[,email,moodle]"
    )
    add("--assignment", required=True, help="задание: 04 или 04_ease")
    add("--out", type=Path, required=True, help="папка итогов и состояния")
    add("--release", type=Path, default=Path("notebooks/assignments"), help="папка выдачи")
    add("--keys", type=Path, default=KEYS, help="папка ключей")
    add("--only", default="", metavar="ЛОГИН", help="проверить заново одного студента")
    add(
        "--manual",
        type=Path,
        help=f"оценки вручную: login,task,points,reason; хранятся в {MANUAL_FILE} папки итогов",
    )
    add("--deadline", help="срок: 2026-11-30 23:59 (время этой машины)")
    add("--penalty", type=float, default=0.0, help="доля баллов за каждые начатые сутки опоздания")
    add("--times", type=Path, help="когда сданы работы: login,time; без него — время файла")
    add("--worksheet", type=Path, help="ведомость, скачанная из Moodle")
    add("--alike", action="store_true", help="найти пары похожих работ")
    add("--workers", type=int, default=2, help="сколько работ проверять сразу")
    add(
        "--unprotected",
        action="store_true",
        help="проверять и без песочницы: код студентов увидит файлы и сеть этой машины",
    )
    return parser


def options_of(given: argparse.Namespace) -> Options:
    """Настройки из ключей командной строки.

    :raises ValueError: срок или вычет не читаются
    """
    deadline = None
    if given.deadline:
        try:
            moment = datetime.fromisoformat(given.deadline).timestamp()
        except ValueError:
            raise ValueError(
                f"Срок {given.deadline!r} не читается; нужно 2026-11-30 23:59."
            ) from None
        deadline = Deadline(moment, given.penalty)
    if not 0 <= given.penalty <= 1:
        raise ValueError("Вычет за сутки — доля от 0 до 1.")
    if given.penalty and not deadline:
        raise ValueError("Вычет назван, а срока нет: добавьте --deadline.")
    if not 1 <= given.workers <= 32:
        raise ValueError("Работ сразу — от 1 до 32.")
    return Options(
        given.submissions,
        given.release,
        given.keys,
        given.roster,
        given.assignment,
        given.out,
        given.only,
        given.manual,
        given.times,
        deadline,
        given.worksheet,
        given.alike,
        given.unprotected,
        given.workers,
    )


def main(words: Sequence[str] | None = None) -> int:
    """Проверить работы; 0 — всё проверено, 1 — кого-то проверить не удалось, 2 — не начали."""
    given = arguments().parse_args(words)
    csv.field_size_limit(10**7)
    started = time.monotonic()
    try:
        course = Course(options_of(given))
    except (ValueError, FileNotFoundError, SandboxError) as error:
        print(error, file=sys.stderr)
        return 2
    print(course.sandbox.describe(), file=sys.stderr)
    for one in course.unknown:
        print(f"Не узнано, чья это работа: {clean(one, 200)}", file=sys.stderr)
    try:
        records = course.run()
    except KeyboardInterrupt:
        print("Прервано. Проверенное сохранено: та же команда продолжит.", file=sys.stderr)
        return 130
    write_results(course, records)
    if course.options.alike:
        write_alike(course)
    for trouble in sorted(set(course.grader.troubles)):
        print(f"Обратите внимание: {trouble}", file=sys.stderr)
    broken = [
        login
        for login, record in records.items()
        if any(one["status"] == BROKEN for one in record["tasks"].values())
    ]
    if broken:
        print(f"Не удалось проверить: {', '.join(broken)}. Повторите команду.", file=sys.stderr)
    print(f"Готово за {time.monotonic() - started:.0f} с: {course.options.out}.", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
