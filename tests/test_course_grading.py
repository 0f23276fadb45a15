"""Проверка присланных работ: баллы, отзывы, перепроверка, Moodle.

Работы студентов исполняются в песочнице; без bubblewrap эти тесты пропускаются с причиной, а при
``RECSYS_LESSONS_SANDBOX=required`` — проваливаются.
"""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest

from course import grading, moodle
from course.alike import alike
from course.assignment import load_assignment, variant_of
from course.submission import (
    Refused,
    Student,
    find_submissions,
    parse_notebook,
    read_roster,
    split_tasks,
)
from tests import course_submissions as toy


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def marks(out):
    return {(row["login"], row["task"]): row for row in rows(out / "marks.csv")}


def totals(out):
    return {row["login"]: row for row in rows(out / "totals.csv")}


def command(folder, *more):
    return [
        str(folder / "work"), "--roster", str(folder / "roster.csv"), "--assignment", "01",
        "--out", str(folder / "out"), "--release", str(folder / "release"),
        "--keys", str(folder / "keys"), *more,
    ]  # fmt: skip


# --- Больше сорока работ ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def group(tmp_path_factory, sandbox):
    folder = tmp_path_factory.mktemp("group")
    with socket.create_server(("127.0.0.1", 0)) as server:
        works = toy.submissions(folder / "out", server.getsockname()[1], 1)
        names = [(one.login, one.name or f"Студент {one.login}") for one in works]
        keys, _, _ = toy.write_course(folder, names)
        assignment = load_assignment(keys, toy.NAME)
        neighbour = variant_of(keys, assignment, 2)["FACTOR"]
        works = toy.submissions(folder / "out", server.getsockname()[1], neighbour)
        (folder / "work").mkdir()
        for one in works:
            one.write(folder / "work", one.login)
        started = time.monotonic()
        code = grading.main(command(folder))
        seconds = time.monotonic() - started
    print(f"\n{len(works)} работ проверено за {seconds:.1f} с")
    assert code == 0
    return folder, works


WORKS = toy.submissions(Path("out"), 1, 1)


def test_there_are_at_least_forty_works():
    assert len(WORKS) >= 40
    assert len({one.login for one in WORKS}) == len(WORKS)


@pytest.mark.parametrize("login", [one.login for one in WORKS])
def test_each_work_gets_exactly_its_marks(group, sandbox, login):
    folder, works = group
    found = marks(folder / "out")
    work = next(one for one in works if one.login == login)
    got = {
        task: (float(found[login, task]["points"]), found[login, task]["status"])
        for task in work.expected
    }
    if login == "fork_bomb" and sandbox.groups is None:
        # Без cgroup бомбу видит наблюдатель: по числу процессов, по памяти или по часам.
        assert got["1"][1] in ("время", "память", "процесс прерван")
        got["1"] = (got["1"][0], "время")
    assert got == work.expected, [found[login, task]["reason"] for task in work.expected]
    assert work.reason.casefold() in found[login, "1"]["reason"].casefold()


def test_nothing_outlives_the_grading(group):
    left = [
        one.pid
        for one in psutil.process_iter(["cmdline"])
        if "OUTLIVES" in (one.info["cmdline"] or [])
    ]
    assert left == []


def test_no_group_of_processes_is_left(group, sandbox):
    for parent in sandbox.groups.parents if sandbox.groups else ():
        assert list(parent.glob(f"recsys-{os.getpid()}-*")) == []


def test_a_hostile_work_wrote_nothing_outside(group):
    folder, _ = group
    known = {"work", "out", "keys", "release", "roster.csv"}
    assert {one.name for one in folder.iterdir()} == known
    assert "сто баллов" not in (folder / "out" / "marks.csv").read_text()


def test_feedback_is_escaped_self_contained_and_shows_no_answers(group):
    folder, works = group
    pages = {one.stem: one.read_text() for one in (folder / "out" / "feedback").iterdir()}
    assert set(pages) == {one.login for one in works} - {"absent"}
    for page in pages.values():
        assert not re.search(r"<script|<link|<img|src=|href=|url\(|@import", page)
        assert "КАНАРЕЙКА" not in page and "\u202e" not in page
    assert "&lt;script&gt;" in pages["script"] and "&lt;script&gt;" in pages["formula"]
    assert "&lt;b&gt;потому что" in pages["right"]
    assert "Сломанная реализация" not in pages["right"]


def test_a_formula_in_a_name_is_neutralised(group):
    folder, _ = group
    found = marks(folder / "out")["formula", "1"]["name"]
    assert found.startswith("'=HYPERLINK")
    for name in ("totals.csv", "moodle_gradebook.csv", "moodle.csv"):
        for line in csv.reader((folder / "out" / name).read_text("utf-8-sig").splitlines()):
            assert not any(one.startswith(("=", "+", "@")) for one in line)


def test_repeated_grading_takes_what_is_stored_and_gives_the_same_files(group, capsys):
    folder, works = group
    out = folder / "out"
    before = {one: one.read_bytes() for one in out.rglob("*") if one.is_file()}
    started = time.monotonic()
    assert grading.main(command(folder)) == 0
    assert time.monotonic() - started < 10
    after = {one: one.read_bytes() for one in out.rglob("*") if one.is_file()}
    assert capsys.readouterr().err.count("готово раньше") == len(works)
    differing = {one.name for one in before if before[one] != after.get(one)}
    assert differing <= {"moodle_feedback.zip"} and set(before) == set(after)


# --- Что преподаватель делает каждую неделю --------------------------------------------------


@pytest.fixture
def small(tmp_path, sandbox):
    """Трое: всё верно, частично, ничего."""
    toy.write_course(tmp_path, [("anna", "Анна Ильина"), ("boris", "Борис Ким"), ("vera", "Вера")])
    (tmp_path / "work").mkdir()
    put(tmp_path, "anna", toy.cells(finds=toy.FINDS, answer="Потому."))
    put(tmp_path, "boris", toy.cells("def scale(x):\n    return np.ones(5)"))
    return tmp_path


def put(folder, login, cells):
    (folder / "work" / login).mkdir(exist_ok=True)
    (folder / "work" / login / f"{toy.NAME}.ipynb").write_bytes(toy.notebook(cells))


def mend(folder, old, new):
    key = folder / "keys" / f"{toy.NAME}.py"
    text = key.read_text()
    assert old in text
    key.write_text(text.replace(old, new))


def test_graded_twice_from_nothing_gives_the_same_marks(small):
    assert grading.main(command(small)) == 0
    first = {n: (small / "out" / n).read_bytes() for n in ("marks.csv", "feedback/boris.html")}
    (small / "out").rename(small / "old")
    assert grading.main(command(small)) == 0
    assert first == {n: (small / "out" / n).read_bytes() for n in first}


def test_an_interrupted_grading_goes_on(small, monkeypatch, capsys):
    grade = grading.Grader.grade

    def interrupted(self, student, work):
        if student.login == "boris":
            raise KeyboardInterrupt
        return grade(self, student, work)

    monkeypatch.setattr(grading.Grader, "grade", interrupted)
    assert grading.main(command(small, "--workers", "1")) == 130
    assert "та же команда продолжит" in capsys.readouterr().err
    monkeypatch.setattr(grading.Grader, "grade", grade)
    assert grading.main(command(small)) == 0
    said = capsys.readouterr().err
    assert re.search(r"anna: .*готово раньше", said) and not re.search(r"boris: .*раньше", said)
    assert totals(small / "out")["boris"]["final"] == "2"


def test_ctrl_c_saves_no_false_marks_and_the_same_command_goes_on(small):
    slow = "import time\ndef scale(x):\n    time.sleep(0.7)\n    return np.asarray(x) * FACTOR"
    put(small, "boris", toy.cells(slow))
    words = [sys.executable, "-m", "course.grading", *command(small, "--workers", "1")]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "anna:" in line:
                break
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130 and "та же команда продолжит" in rest
    assert [one.stem for one in (small / "out").rglob("*.json")] == ["anna"]
    assert grading.main(command(small)) == 0
    assert totals(small / "out")["boris"]["final"] == "5"


def test_one_student_is_graded_again(small, capsys):
    grading.main(command(small))
    put(small, "anna", toy.cells("def scale(x):\n    return np.ones(5)"))
    put(small, "boris", toy.cells())
    assert grading.main(command(small, "--only", "boris")) == 0
    found = totals(small / "out")
    assert (found["boris"]["points"], found["anna"]["points"]) == ("5", "7")


def test_changed_marks_are_listed_after_a_check_is_mended(small):
    grading.main(command(small))
    assert rows(small / "out" / "changes.csv") == []
    mend(small, "np.array_equal(answer, expected)", "answer.size or expected.size == 0")
    grading.main(command(small))
    changes = rows(small / "out" / "changes.csv")
    assert [(r["login"], r["task"], r["was"], r["became"]) for r in changes] == [
        ("boris", "1", "0", "2")
    ]
    grading.main(command(small))  # список не пропадает, пока проверки те же
    assert rows(small / "out" / "changes.csv") == changes


def test_a_manual_mark_survives_regrading(small):
    manual = small / "manual.csv"
    manual.write_text(
        "login,task,points,reason\nanna,4,\"1,5\",Не сказано про \"хвост\"\nboris,1,1,Идея верна\n"
        "vera,4,,\n"
    )  # fmt: skip
    for _ in range(2):
        assert grading.main(command(small, "--manual", str(manual))) == 0
        found = marks(small / "out")
        assert (found["anna", "4"]["points"], found["anna", "4"]["status"]) == ("1.5", "вручную")
        assert found["boris", "1"]["points"] == "1"
        assert totals(small / "out")["anna"]["final"] == "8.5"
        assert "Не сказано про" in (small / "out" / "feedback" / "anna.html").read_text()
        mend(small, "Числа не те.", "Числа другие.")
        (small / "keys" / f"{toy.NAME}.py").write_text(toy.KEY + f"\n# {time.time()}\n")
    # Называть файл снова не нужно; новая оценка заменяет прежнюю, удалённая строка снимает её.
    manual.write_text("login,task,points,reason\nanna,4,2,Сказано\n")
    assert grading.main(command(small, "--only", "boris")) == 0
    assert marks(small / "out")["anna", "4"]["points"] == "1.5"
    assert grading.main(command(small, "--manual", str(manual))) == 0
    found = marks(small / "out")
    assert (found["anna", "4"]["points"], found["boris", "1"]["points"]) == ("2", "1")
    kept = small / "out" / "manual.csv"
    lines = kept.read_text(encoding="utf-8").splitlines(keepends=True)
    kept.write_text("".join(one for one in lines if not one.startswith("boris")), encoding="utf-8")
    assert grading.main(command(small)) == 0
    assert marks(small / "out")["boris", "1"]["status"] != "вручную"


@pytest.mark.parametrize(
    "line, said",
    [
        ("nobody,4,1,так", "нет логина"),
        ("anna,9,1,так", "нет задачи"),
        ("anna,4,5,так", "от 0 до 2"),
        ("anna,4,много,так", "не число"),
        ("anna,4,1,", "нет причины"),
        ("anna,4,1,так\nanna,4,2,так", "уже названа"),
    ],
)
def test_a_wrong_manual_mark_is_named(small, capsys, line, said):
    (small / "manual.csv").write_text(f"login,task,points,reason\n{line}\n")
    assert grading.main(command(small, "--manual", str(small / "manual.csv"))) == 2
    assert said in capsys.readouterr().err


def test_open_answers_wait_and_are_collected_for_the_teacher(small):
    grading.main(command(small))
    assert [r["login"] for r in rows(small / "out" / "manual_template.csv")] == ["anna"]
    assert totals(small / "out")["anna"]["waiting"] == "1"
    page = (small / "out" / "open.html").read_text()
    assert "Потому." in page and "boris" not in page


def test_lateness_costs_the_stated_share(small):
    (small / "times.csv").write_text("login,time\nanna,2026-12-01 00:00\nboris,2026-12-03 00:01\n")
    late = ["--deadline", "2026-12-01 00:00", "--penalty", "0.1"]
    assert grading.main(command(small, "--times", str(small / "times.csv"), *late)) == 0
    found = totals(small / "out")
    assert (found["anna"]["days_late"], found["anna"]["final"]) == ("0", "7")
    boris = found["boris"]
    assert (boris["days_late"], boris["penalty"], boris["final"]) == ("3", "0.6", "1.4")
    assert "3\nдня" in (small / "out" / "feedback" / "boris.html").read_text()


def test_without_a_table_of_times_the_file_says_when(small):
    moment = time.time() + 86400 * 1.5
    os.utime(small / "work" / "boris" / f"{toy.NAME}.ipynb", (moment, moment))
    line = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() + 3600))
    grading.main(command(small, "--deadline", line, "--penalty", "0.25"))
    found = totals(small / "out")
    assert (found["anna"]["days_late"], found["boris"]["days_late"]) == ("0", "2")
    assert found["boris"]["final"] == "1"


def test_a_failed_grading_is_nobodys_zero(small, capsys):
    mend(small, "def top(variant, rng):", "def top(variant, rng):\n    raise OSError('диск')")
    assert grading.main(command(small)) == 1
    found = totals(small / "out")
    assert found["anna"]["status"] == "сбой проверки" and found["vera"]["status"] == "не сдано"
    assert "диск" in capsys.readouterr().err
    assert not (small / "out" / "feedback" / "anna.html").exists()


def test_an_odd_answer_that_upsets_the_judge_is_wrong_and_reported(small, capsys):
    mend(small, "def yes(answer):", "def yes(answer):\n    return '' if answer['ключ'] else 'нет'")
    assert grading.main(command(small)) == 0
    found = marks(small / "out")["anna", "3"]
    assert (found["points"], found["status"]) == ("1", "частично")
    assert "не того вида" in found["reason"] and "судья функции" in capsys.readouterr().err


def test_a_broken_given_cell_is_nobodys_zero(small, capsys):
    release = small / "release" / f"{toy.NAME}.py"
    release.write_text(release.read_text().replace("import numpy as np", "import nump as np"))
    assert grading.main(command(small)) == 1
    assert "No module named 'nump'" in capsys.readouterr().err
    assert totals(small / "out")["boris"]["status"] == "сбой проверки"


def test_similar_works_are_paired(small):
    long = (
        "def scale(values):\n    # как у соседа\n    result = np.asarray(values, float)\n"
        "    result = result * FACTOR\n    if result.size == 0:\n        return result\n"
        "    return result.astype(int)\n"
    )
    renamed = (
        "def scale(v):\n  'умножить'\n  r = np.asarray(v, float)\n  r = r*FACTOR\n"
        "  if r.size == 0:\n    return r\n  return r.astype(int)\n"
    )
    put(small, "anna", toy.cells(long))
    put(small, "boris", toy.cells(renamed))
    put(small, "vera", toy.cells(long.replace("== 0", "< 1")))
    assert grading.main(command(small, "--alike")) == 0
    pairs = rows(small / "out" / "alike.csv")
    assert [(r["login"], r["login_2"], r["task"]) for r in pairs] == [("anna", "boris", "1")]


def test_what_was_released_is_not_similarity():
    given = "\n".join(f"x{i} = load({i}, 'a', 'b')" for i in range(20))
    works = {"anna": {"1": [given]}, "boris": {"1": [given]}}
    assert alike(works, []) and not alike(works, [given])


# --- Moodle ----------------------------------------------------------------------------------

WORKSHEET = (
    "Идентификатор,Полное имя,Адрес электронной почты,Статус,Оценка,Максимальная оценка,"
    "Оценка может быть изменена,Последнее изменение (ответ),Последнее изменение (оценка)\n"
    "Участник901,Анна Ильина,anna@example.org,Сдано,,\"100,00\",Да,\"1 января 2026, 10:00\",-\n"
    "Участник902,Ким Борис,other@example.org,Сдано,,\"100,00\",Да,-,-\n"
    "Участник903,Вера,vera@example.org,Не сдано,,\"100,00\",Да,-,-\n"
    "Участник904,Чужой Человек,x@example.org,Не сдано,,\"100,00\",Да,-,-\n"
)  # fmt: skip


def test_the_worksheet_of_moodle_is_filled(small, capsys):
    (small / "sheet.csv").write_text("\ufeff" + WORKSHEET)
    assert grading.main(command(small, "--worksheet", str(small / "sheet.csv"))) == 0
    filled = list(csv.reader((small / "out" / "moodle.csv").read_text().splitlines()))
    original = list(csv.reader(WORKSHEET.splitlines()))
    assert filled[0] == original[0]
    assert [row[4] for row in filled[1:]] == ["77.78", "22.22", "", ""]
    blank = [[*row[:4], *row[5:]] for row in filled]
    assert blank == [[*row[:4], *row[5:]] for row in original]
    assert "Чужой Человек" in capsys.readouterr().out
    with zipfile.ZipFile(small / "out" / "moodle_feedback.zip") as archive:
        names = archive.namelist()
        assert "Анна Ильина" in archive.read(names[0]).decode()
    assert names == [
        "Анна Ильина_901_assignsubmission_file_/01_toy_отзыв.html",
        "Борис Ким_902_assignsubmission_file_/01_toy_отзыв.html",
    ]


def test_moodle_reads_the_participant_from_the_folder(group):
    folder, _ = group
    lines = (folder / "out" / "moodle.csv").read_text().splitlines()
    assert lines[0].startswith("Идентификатор,") and "Последнее изменение (оценка)" in lines[0]
    assert lines[1].startswith("Участник4711,Петрова Ольга Ивановна,") and len(lines) == 2


def test_a_name_never_breaks_the_folder_that_moodle_reads(tmp_path):
    students = [
        Student(1, "a", "../Имя_с/под_чёрк.\\ем"),
        Student(2, "b", ""),
        Student(3, "c", "В"),
    ]
    path = tmp_path / "feedback.zip"
    pages = dict.fromkeys("abc", "<p>")
    assert moodle.feedback_archive(path, students, {"a": "7", "b": "8"}, pages, "01") == ["c"]
    with zipfile.ZipFile(path) as archive:
        folders = [one.split("/") for one in archive.namelist()]
    assert [len(one) for one in folders] == [2, 2]
    # Moodle делит имя папки по подчёркиваниям: второй кусок — номер участника.
    assert [one[0].split("_")[1:] for one in folders] == [
        [number, "assignsubmission", "file", ""] for number in ("7", "8")
    ]


def test_a_worksheet_in_another_language_is_refused(small, capsys):
    (small / "sheet.csv").write_text("ID,Bewertung\nTeilnehmer/in1,\n")
    assert grading.main(command(small, "--worksheet", str(small / "sheet.csv"))) == 2
    assert "«Идентификатор»" in capsys.readouterr().err


def test_namesakes_are_told_apart_by_mail_or_not_guessed(tmp_path):
    students = [
        Student(1, "a", "Иван Петров", "a@x.org"),
        Student(2, "b", "Иван Петров", "b@x.org"),
    ]
    (tmp_path / "Иван Петров_5_assignsubmission_file_").mkdir()
    found, unknown = find_submissions(tmp_path, students)
    assert found == {} and len(unknown) == 1
    header = "Идентификатор,Полное имя,Адрес электронной почты,Оценка,Последнее изменение (оценка)"
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(f"{header}\nУчастник5,Иван Петров,b@x.org,,-\n")
    people = moodle.participants(moodle.read_worksheet(sheet), students)
    sheet.unlink()
    found, unknown = find_submissions(tmp_path, students, people)
    assert list(found) == ["b"] and unknown == []


# --- Мелочи ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, said",
    [
        ("number,login,name\nx,a,А\n", "целый от 1"),
        ('number,login,name\n1,a,"А\n', "кавычка"),
        ("number,login,name\n1,,А\n", "логин"),
        ("number,login,name\n1,../a,А\n", "имя файла"),
        ("number,login,name\n1,a,А\n2,A,Б\n", "логин повторяется"),
        ("number,login,name\n1,a,А\n1,b,Б\n", "номер повторяется"),
        ("number,login,name\n", "пуст"),
    ],
)
def test_a_wrong_roster_is_named(tmp_path, text, said):
    (tmp_path / "roster.csv").write_text(text)
    with pytest.raises(ValueError, match=said):
        read_roster(tmp_path / "roster.csv")


def test_a_roster_from_a_spreadsheet_is_read(tmp_path):
    text = "Номер;Логин;Имя\r\n7;ivan;Иван Ёлкин\r\n"
    for encoding in ("utf-8-sig", "cp1251"):
        (tmp_path / "roster.csv").write_bytes(text.encode(encoding))
        assert read_roster(tmp_path / "roster.csv") == [Student(7, "ivan", "Иван Ёлкин")]


def test_a_login_is_not_the_beginning_of_another(tmp_path):
    students = [Student(1, "ivan", ""), Student(2, "ivan_p", "")]
    (tmp_path / "ivan_p_work.ipynb").write_text("")
    assert list(find_submissions(tmp_path, students)[0]) == ["ivan_p"]


def test_a_memory_bomb_of_brackets_is_refused():
    with pytest.raises(Refused, match="память"):
        parse_notebook(b'{"cells": [' + b"[]," * (30 * 2**20) + b"[]]}")


def test_odd_notebooks_never_stop_the_grading():
    rng = np.random.default_rng(0)
    values = ["null", "5", "[]", "{}", '"x"', "[null]", '{"a": []}', "true", "1e999", '"\\ud800"']
    read = 0
    for _ in range(300):
        book = json.loads(toy.notebook(toy.cells()))
        for _ in range(3):
            spoil(book, rng, values)
        text = json.dumps(book)
        for number, value in enumerate(values):
            text = text.replace(f'"VALUE {number}"', value)
        try:
            cells = parse_notebook(text.encode())
        except Refused:
            continue
        work = split_tasks(cells, cells)
        grading.work_hash(Student(1, "a", ""), work, "")
        read += 1
    assert read > 100


def spoil(tree, rng, values):
    """Заменить случайное место тетради на неожиданное значение."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else range(len(tree))
        key = keys[rng.integers(len(keys))]
        if isinstance(tree[key], dict | list) and tree[key] and rng.random() < 0.8:
            tree = tree[key]
        else:
            tree[key] = f"VALUE {rng.integers(len(values))}"
            return


def test_the_command_speaks_russian(capsys):
    with pytest.raises(SystemExit) as stop:
        grading.main(["--help"])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert "проверить заново одного студента" in said and "show this help" not in said
