"""Страница преподавателя: часы сходятся с уроками и ключами, команды есть на самом деле."""

import re
from pathlib import Path

from course import slides
from course.assignment import KEYS, load_assignment, names_of
from recsys_lessons.lessons import lessons_dir
from tools import tasks

PAGE = (Path(slides.__file__).parent / "TEACHER.md").read_text(encoding="utf-8")
# Неделя, урок, часы дома, задание.
PROGRAMME = re.findall(
    r"^\| \d+ \| (\d\d[ab]?)\. [^|]*\| (?:(\d) ч)? ?(?:(\d+) мин)? ?\| ?([^|]*?) ?\|$", PAGE, re.M
)
# К одному из уроков «по выбору» делают и задание.
OPTIONAL = ("06", "02", "08")


def minutes(number: str) -> int:
    """Сколько минут нужно на задание к уроку, по ключу."""
    (name,) = (one for one in names_of(KEYS) if one.startswith(f"{number}_"))
    return load_assignment(KEYS, name).minutes


def test_the_hours_of_the_programme_are_those_of_the_lessons():
    assert len(PROGRAMME) == 12
    total = 0
    for number, hour, minute, _ in PROGRAMME:
        source = next(lessons_dir().glob(f"{number}_*.py")).read_text(encoding="utf-8")
        stated = re.search(r"\*\*Время\.?\*\*[ |]*(\d+) минут", source)
        assert stated and int(stated[1]) == 60 * int(hour or 0) + int(minute or 0), number
        total += int(stated[1])
    assert f"около {round(total / 60)} часов чтения" in PAGE


def test_every_assignment_stands_in_the_week_of_its_lesson():
    placed = {number: work for number, _, _, work in PROGRAMME if work not in ("", "конкурс")}
    assert all(number == work for number, work in placed.items())
    assert sorted(placed) == [name.partition("_")[0] for name in names_of(KEYS)]


def test_the_hours_of_assignments_are_those_of_the_keys():
    every = {number: minutes(number) for number in (n.partition("_")[0] for n in names_of(KEYS))}
    assert f"около {round(sum(every.values()) / 60)} часов заданий" in PAGE
    low, high = min(every.values()), max(every.values())
    assert set(every.values()) == {low, high} and f"{low} или {high} минут" in PAGE


def test_the_hours_of_the_short_course():
    (named,) = re.findall(r"Задания — ([0-9b, ]+) и к выбранному уроку", PAGE)
    (lessons,) = re.findall(r"\*\*Курс на 7 недель:\*\* ([^.]+)\.", PAGE)
    always, choice = lessons.split("один урок по выбору")
    assert set(named.split(", ")) == set(re.findall(r"\d\db?", always)) - {"00"}
    assert tuple(re.findall(r"\d\d", choice.partition(")")[0])) == OPTIONAL
    common = sum(map(minutes, named.split(", ")))
    hours = {round((common + minutes(number)) / 60) for number in OPTIONAL}
    assert len(hours) == 1 and f"вместе около {hours.pop()} часов" in PAGE


def test_make_commands_exist():
    commands = re.findall(r"`make (\w+)([^`]*)`", PAGE)
    assert {task for task, _ in commands} >= {"course", "grade", "contest", "exam", "slides"}
    for task, words in commands:
        assert task in tasks.TASKS, task
        given = set(re.findall(r"(\w+)=", words))
        assert given <= set(tasks.TASKS[task].options), (task, words)
        # Многоточие — «остальное, как выше»; без настроек названа сама задача.
        scored = task == "contest" and "SUBMISSIONS" in given
        needed = tasks.REQUIRED.get("contest score" if scored else task, ())
        assert not given or "…" in words or given >= set(needed), (task, words)
