"""Ключи команд преподавателя: ошибки одной русской строкой."""

import pytest

from course import contest, course, grading, slides
from course.exam import __main__ as exam

MAINS = {"contest": contest, "course": course, "grading": grading, "slides": slides, "exam": exam}


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("grading", [], "не указано: submissions, --roster"),
        ("grading", ["папка", "--roster"], "--roster: нет значения"),
        ("grading", ["папка", "--workers", "два"], "--workers: значение 'два' не того вида"),
        ("slides", ["04_ease"], "не указано: --out"),
        ("exam", ["--seed", "x", "--out", "б.html"], "--seed: значение 'x' не того вида"),
        ("exam", ["--seed", "1", "--out", "б.doc"], "нужен файл .html или .md"),
        ("course", ["--нет"], "непонятно: --нет"),
        ("contest", ["считать"], "нет 'считать'; есть 'make', 'score'"),
    ],
)
def test_a_wrong_option_is_one_russian_line(name, words, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        MAINS[name].main(words)
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert said in error and error.count("\n") == 1 and error.rstrip().endswith("--help")
