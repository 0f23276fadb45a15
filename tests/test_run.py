"""Запуск задач: старый Python, копии читателя, настройки, установка и её прерывание."""

import ast
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import pages, run, tasks

ROOT = Path(run.__file__).resolve().parent.parent
CELLS = '"cells": [{"cell_type": "markdown", "source": "# %s: идея\\n\\n**Время.** час."}]'


def lesson(title):
    """Тетрадь из одной ячейки."""
    return "{" + CELLS % title + "}"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Пустой проект с двумя уроками вместо настоящего."""
    for name, path in {
        "ROOT": "",
        "NOTEBOOKS": "notebooks",
        "MY": "my",
        "VENV": ".venv",
        "STAMP": ".venv/installed.txt",
        "LOG": "install.log",
    }.items():
        monkeypatch.setattr(tasks, name, tmp_path / path)
    (tmp_path / "notebooks").mkdir()
    for name in ("00a_start", "04_ease"):
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(lesson(name))
        (tmp_path / "notebooks" / f"{name}.py").write_text("source")
    (tmp_path / "pyproject.toml").write_text("[project]")
    (tmp_path / "constraints.txt").write_text("torch==1")
    return tmp_path


@pytest.fixture
def commands(project, monkeypatch):
    """Записывает команды вместо выполнения; список codes задаёт их коды завершения."""

    class Recorder(list):
        codes = ()

    recorded = Recorder()

    def pretend(command, *_rest, **_extra):
        recorded.append([str(word) for word in command])
        if "venv" in command:
            (project / ".venv").mkdir(exist_ok=True)
        code, *recorded.codes = recorded.codes or [0]
        (project / "install.log").write_text("ERROR: [Errno 28] No space left on device")
        return code

    monkeypatch.setattr(tasks, "run", pretend)
    monkeypatch.setattr(tasks, "logged", pretend)
    return recorded


def test_copies_are_laid_once_and_never_overwritten(project):
    tasks.lay_copies()
    mine = project / "my" / "04_ease.ipynb"
    assert mine.read_text() == lesson("04_ease")
    mine.write_text("my work")
    (project / "my" / pages.START).write_text("устарело")
    (project / "notebooks" / "04_ease.ipynb").write_text(lesson("new edition"))
    (project / "notebooks" / "05_slim.ipynb").write_text(lesson("05_slim"))
    tasks.lay_copies()
    assert mine.read_text() == "my work"
    assert sorted(path.name for path in (project / "my").iterdir()) == [
        "00a_start.ipynb",
        "04_ease.ipynb",
        "05_slim.ipynb",
        pages.START,
    ]
    # Начальная страница наша: она обновляется и знает о новом уроке.
    assert "(05_slim.ipynb) | час |" in (project / "my" / pages.START).read_text(encoding="utf-8")


def test_fresh_copy_takes_the_next_number(project):
    tasks.lay_copies()
    assert tasks.lay_fresh("04_ease") == "04_ease_2.ipynb"
    (project / "my" / "04_ease_2.ipynb").write_text("second try")
    assert tasks.lay_fresh("04_ease") == "04_ease_3.ipynb"
    assert (project / "my" / "04_ease_2.ipynb").read_text() == "second try"
    assert (project / "my" / "04_ease_3.ipynb").read_text() == lesson("04_ease")


def test_options(project):
    assert tasks.parse([]) == ("help", {})
    assert tasks.parse(["test", "NB="]) == ("test", {})
    assert tasks.parse(["lab", "FRESH=", "PORT=9999", "LAB_ARGS=--a=b --c"]) == (
        "lab",
        {"PORT": "9999", "LAB_ARGS": "--a=b --c"},
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lba"], "Нет задачи «lba». Задачи: help, lab, edit, test"),
        (["lab", "NB=04_ease"], "У задачи lab: FRESH=…, PORT=…, LAB_ARGS=…"),
        (["lab", "--no-browser"], "Непонятная настройка «--no-browser»"),
        (["format", "NB=04_ease"], "У задачи format: настроек нет"),
        (["lab", "PORT=many"], "номер порта"),
        (["lab", "PORT=65536"], "номер порта"),
        (["lab", "PORT=" + "9" * 5000], "номер порта"),
        (["lab", "FRESH=ease"], "Нет урока «ease». Есть: 00a_start, 04_ease."),
        (["lab", "FRESH=../04_ease"], "Нет урока"),
        (["test", "NB=04_ease slim"], "Нет урока «slim»"),
        (["results", "MINUTES=soon"], "MINUTES — число минут"),
        (["site", "FILMS=да"], "FILMS — 1 или 0, а не «да»"),
        (["lessons", "FULL=yes"], "FULL — 1 (всё) или stale (устаревшее), а не «yes»"),
    ],
)
def test_bad_options_are_explained(project, arguments, message):
    with pytest.raises(tasks.UserError) as error:
        tasks.parse(arguments)
    assert message in str(error.value)
    assert len(str(error.value)) < 1000


def test_options_reach_the_tools(commands):
    ease = {"NB": "04_ease 00a_start"}
    tasks.lessons({**ease, "FULL": "1"})
    tasks.lessons({})
    tasks.test(ease)
    tasks.results({**ease, "MINUTES": "2,5"})
    tasks.portability({})
    names = ["04_ease", "00a_start"]
    assert [command[2:] for command in commands] == [
        ["tools.build", *names, "--full", "1"],
        ["tools.pages"],
        ["web.map"],
        ["tools.build", "--full", "0"],
        ["tools.pages"],
        ["web.map"],
        ["tools.check", *names],
        ["tools.results", *names, "--minutes", "2.5"],
        ["tools.portability"],
    ]


def test_failed_build_is_not_hidden_by_the_pages(commands):
    commands.codes = [1, 0, 0]
    assert tasks.lessons({}) == 1


def test_help_starts_nothing_and_names_every_target(commands, project, capsys):
    assert tasks.main([]) == 0
    assert tasks.main(["help"]) == 0
    assert commands == []
    assert not (project / ".venv").exists()
    shown = capsys.readouterr().out
    for name, task in tasks.TASKS.items():
        assert f"make {name}" in shown
        assert all(option in shown for option in task.options)


def test_settings_of_the_teacher_become_flags(commands):
    with pytest.raises(tasks.UserError, match="нужны ещё: ROSTER=…, OUT=…"):
        tasks.teach("grade", {"SUBMISSIONS": "works", "NB": "04_ease"})
    given = {"SUBMISSIONS": "works", "NB": "04_ease", "ROSTER": "r.csv", "OUT": "o", "ALIKE": "1"}
    tasks.teach("grade", given)
    words = "works --assignment 04_ease --roster r.csv --out o --alike"
    assert commands[0][1:] == ["-m", "course.grading", *words.split()]


def test_the_contest_is_handed_out_or_scored(commands):
    tasks.contest({"PRIVATE": "k", "OUT": "o"})
    with pytest.raises(tasks.UserError, match="Задаче contest нужны ещё: ROSTER=…"):
        tasks.contest({"SUBMISSIONS": "works", "OUT": "o"})
    tasks.contest({"SUBMISSIONS": "works", "ROSTER": "r.csv", "PRIVATE": "k", "OUT": "o"})
    assert [" ".join(command[1:]) for command in commands] == [
        "-m course.contest make --keys k --out o",
        "-m course.contest score works --roster r.csv --keys k --out o",
    ]


def test_the_site_is_built_before_it_is_shown_or_printed(commands, monkeypatch):
    monkeypatch.setattr(tasks, "SITE", tasks.Path("site"))
    tasks.site({"FILMS": "1"})
    tasks.site_serve({"PORT": "8890"})
    tasks.pdf({"NB": "04_ease 05_slim"})
    assert [" ".join(command[2:]) for command in commands] == [
        "web.build --out site --films",
        "web.build --out site",
        "http.server 8890 --bind 127.0.0.1 --directory site",
        "web.build --out site",
        "web.pdf 04_ease 05_slim",
    ]
    with pytest.raises(tasks.UserError, match="NB=04_ease"):
        tasks.pdf({})
    commands.codes = [1]
    assert tasks.site_serve({}) == 1
    assert len(commands) == 6


def test_makefile_passes_every_option():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert ".DEFAULT_GOAL := help" in text
    for name, task in tasks.TASKS.items():
        rule = re.search(rf"^{name}:\n\t@\$\(RUN\) {name}(.*)$", text, re.MULTILINE)
        assert rule, f"в Makefile нет цели {name}"
        assert re.findall(r'(\w+)="\$\(\1\)"', rule[1]) == list(task.options)
        assert re.search(rf"^\.PHONY:.*\b{name}\b", text, re.MULTILINE)


def test_old_python_is_named():
    assert run.python_problem((3, 11, 0)) is None
    assert run.python_problem((3, 14, 1)) is None
    message = run.python_problem((3, 9, 18))
    assert "Нужен Python 3.11 или новее, а это Python 3.9" in message
    assert "make lab PYTHON=python3.11" in message


def test_any_python_can_read_the_first_file():
    """Вторая версия языка не знает f-строк, аннотаций, ``:=`` и параметров только по имени."""
    text = (ROOT / "tools" / "run.py").read_text(encoding="utf-8")
    assert text.startswith("# -*- coding: utf-8 -*-\n")
    assert "from __future__ import unicode_literals" in text
    compile(text, "run.py", "exec", dont_inherit=True)
    for node in ast.walk(ast.parse(text)):
        assert not isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr | ast.Nonlocal)
        if isinstance(node, ast.FunctionDef):
            arguments = node.args
            assert not (arguments.kwonlyargs or arguments.posonlyargs or node.returns)
            assert all(one.annotation is None for one in arguments.args)


def old_pythons():
    """Старые Python этой машины; обычно их нет."""
    for name in ("python2.7", "python3.6", "python3.8", "python3.10"):
        done = subprocess.run(["sh", "-c", f"{name} -c 1"], capture_output=True)
        if done.returncode == 0:
            yield name


@pytest.mark.skipif(os.name == "nt", reason="нужна оболочка sh")
def test_old_python_stops_before_anything_is_made(tmp_path):
    """Настоящий старый Python, где он есть; иначе этот же, которому подменили версию."""
    code = (
        "import sys; sys.version_info = (2, 7, 18); sys.argv = ['run.py', 'test'];"
        "import runpy; runpy.run_path('tools/run.py', run_name='__main__')"
    )
    attempts = [[name, "tools/run.py", "lab"] for name in old_pythons()]
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "run.py").write_bytes((ROOT / "tools" / "run.py").read_bytes())
    for command in [*attempts, [sys.executable, "-c", code]]:
        env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True)
        shown = done.stdout.decode("utf-8")
        assert shown.startswith("— Нужен Python 3.11 или новее, а это Python "), done.stderr
        assert shown.count("\n") == 1
        assert (done.returncode, done.stderr) == (1, b"")
    assert [path.name for path in tmp_path.iterdir()] == ["tools"]


def made_venv(commands):
    return any("venv" in command for command in commands)


def test_environment_is_made_once(commands, project):
    tasks.prepare("reader")
    assert made_venv(commands)
    assert commands[-1][-4:] == ["-c", "constraints.txt", "-e", ".[lab]"]
    commands.clear()
    tasks.prepare("reader")
    assert commands == []


def test_checks_are_added_to_the_readers_environment_and_stay(commands, project, capsys):
    tasks.prepare("reader")
    commands.clear()
    capsys.readouterr()
    tasks.prepare("full")
    assert len(commands) == 1
    assert commands[-1][-1] == ".[lab,test,site]"
    assert "всё нужное для проверок" in capsys.readouterr().out
    commands.clear()
    tasks.prepare("reader")
    tasks.prepare("full")
    assert commands == []
    # Изменилось описание — полное окружение остаётся полным и у читательской команды.
    (project / "pyproject.toml").write_text("[project] # changed")
    tasks.prepare("reader")
    assert commands[-1][-1] == ".[lab,test,site]"
    assert tasks.installed()[2] == "full"


def test_changed_description_is_installed_over(commands, project):
    tasks.prepare("reader")
    commands.clear()
    (project / "pyproject.toml").write_text("[project] # changed")
    tasks.prepare("reader")
    assert len(commands) == 1
    assert not made_venv(commands)


def test_changed_versions_python_or_folder_start_afresh(commands, project, monkeypatch):
    tasks.prepare("reader")
    for change in (
        lambda: (project / "constraints.txt").write_text("torch==2"),
        lambda: monkeypatch.setattr(tasks.platform, "python_version", lambda: "3.99.0"),
        lambda: tasks.STAMP.write_text(tasks.STAMP.read_text().replace(str(project), "elsewhere")),
        # Отметка прежнего образца: без уровня.
        lambda: tasks.STAMP.write_text("\n".join(tasks.installed()[:2])),
    ):
        change()
        commands.clear()
        tasks.prepare("reader")
        assert made_venv(commands)


def test_failed_install_leaves_no_stamp_and_names_cause_and_log(commands, project):
    tasks.prepare("reader")
    (project / "pyproject.toml").write_text("[project] # changed")
    commands.codes = [1]
    with pytest.raises(tasks.UserError, match="на диске кончилось место") as error:
        tasks.prepare("reader")
    assert str(project / "install.log") in str(error.value)
    assert tasks.installed() == []
    commands.clear()
    tasks.prepare("reader")
    assert made_venv(commands)


def test_failed_venv_names_the_log(commands, project):
    commands.codes = [1]
    with pytest.raises(tasks.UserError, match="Окружение не создано") as error:
        tasks.prepare("reader")
    assert str(project / "install.log") in str(error.value)
    assert tasks.installed() == []


def test_missing_venv_names_the_package(commands, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(tasks.UserError, match=r"sudo apt install python3\.\d+-venv"):
        tasks.prepare("reader")
    assert commands == []


def test_full_disk_stops_before_the_download(commands, monkeypatch):
    usage = tasks.shutil.disk_usage(tasks.ROOT)._replace(free=10**9)
    monkeypatch.setattr(tasks.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(tasks.UserError, match=r"свободно 1 ГБ, а окружению нужно 1,9 ГБ"):
        tasks.prepare("reader")
    assert commands == []


def test_size_is_said_before_the_installation(commands, capsys):
    tasks.prepare("reader")
    reader = tasks.LEVELS["reader"]
    shown = capsys.readouterr().out
    assert f"около {reader.packages} пакетов, загрузить 0,45 ГБ, на диске 1,9 ГБ" in shown


PIP_LOG = """Obtaining file:///project
  Installing build dependencies: started
Collecting numpy>=2.0 (from recsys_lessons==0.1.0)
  Downloading numpy-2.4.6-cp311-manylinux_2_28_x86_64.whl.metadata (62 kB)
Collecting torch>=2.5 (from recsys_lessons==0.1.0)
  Downloading torch-2.13.0-cp311-manylinux_2_28_x86_64.whl (191.8 MB)
"""


def test_status_follows_the_log():
    assert tasks.status("", 0, 127) == "готовлю установку"
    assert tasks.status(PIP_LOG, 0, 127) == "загружаю пакеты: 2 из 127, сейчас torch (191,8 МБ)"
    # Пакетов оказалось больше обещанного: счёт не бывает «2 из 1».
    assert "2 из 2" in tasks.status(PIP_LOG, 0, 1)
    unpacking = PIP_LOG + "Installing collected packages: torch, numpy, recsys_lessons\n"
    assert tasks.status(unpacking, 1, 127) == "раскладываю пакеты: 1 из 3"
    assert tasks.status(unpacking, 9, 127) == "раскладываю пакеты: 3 из 3"


FAKE_PIP = """
import pathlib, sys, time
print("Collecting numpy>=2.0", flush=True)
print("Installing collected packages: a, b, c", flush=True)
folder = pathlib.Path(sys.argv[1]) / "lib" / "python3.11" / "site-packages"
for name in "abc":
    time.sleep(float(sys.argv[2]))
    (folder / f"{name}-1.dist-info").mkdir(parents=True)
print("done", flush=True)
sys.exit(int(sys.argv[3]))
"""


@pytest.mark.skipif(os.name == "nt", reason="в Windows у окружения другие папки")
def test_one_line_moves_and_the_stream_goes_to_the_log(project, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    fake = [sys.executable, "-c", FAKE_PIP, str(project / ".venv"), "0.5"]
    with tasks.installing() as log:
        assert tasks.logged([*fake, "0"], 3, log) == 0
    shown = capsys.readouterr().out
    assert "раскладываю пакеты: 1 из 3" in shown
    assert "раскладываю пакеты: 2 из 3" in shown
    # Одна строка: она переписывается и в конце стирается, поток pip виден только в журнале.
    assert "\n" not in shown
    assert shown.endswith("\r")
    assert "done" not in shown
    assert "done" in tasks.LOG.read_text()


@pytest.mark.skipif(os.name == "nt", reason="в Windows у окружения другие папки")
def test_plain_lines_now_and_then_when_nobody_watches(project, monkeypatch, capsys):
    monkeypatch.setattr(tasks, "QUIET_S", 0.6)
    fake = [sys.executable, "-c", FAKE_PIP, str(project / ".venv"), "0.5"]
    with tasks.installing() as log:
        assert tasks.logged([*fake, "7"], 3, log) == 7
    lines = capsys.readouterr().out.splitlines()
    assert 1 <= len(lines) <= 3
    assert all(re.match(r"— \d+ с, раскладываю пакеты: \d из 3$", line) for line in lines)


INTERRUPTED = """
import sys
from pathlib import Path
from tools import tasks
tasks.LOG, tasks.VENV = Path(sys.argv[1]) / "install.log", Path(sys.argv[1]) / ".venv"
def install(_options):
    with tasks.installing() as log:
        return tasks.logged([sys.executable, "-c", sys.argv[2]], 3, log)
tasks.TASKS["help"] = tasks.Task(install, None)
sys.exit(tasks.main(["help"]))
"""
SLEEPER = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(60)"


def hear_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start_install(folder):
    """Команда, чей «pip» спит, и номер процесса этого pip."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(folder), SLEEPER],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Запущенное в фоне оболочкой наследует «Ctrl+C не слушать», и тесты вместе с ним.
        preexec_fn=hear_interrupts,
    )
    log, deadline = folder / "install.log", time.monotonic() + 60
    while not (log.exists() and log.read_text().startswith("pid")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process, int(log.read_text().split()[1])


@pytest.mark.skipif(os.name == "nt", reason="сигналы POSIX")
@pytest.mark.parametrize(("sent", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_interrupted_installation_takes_pip_with_it(tmp_path, sent, code):
    process, pip = start_install(tmp_path)
    process.send_signal(getattr(signal, sent))
    shown, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (code, "")
    assert ("Прервано" in shown) == (sent == "SIGINT")
    with pytest.raises(ProcessLookupError):
        os.kill(pip, 0)


@pytest.mark.skipif(os.name == "nt", reason="сигналы POSIX")
def test_the_next_command_waits_for_an_abandoned_pip(tmp_path, monkeypatch, capsys):
    process, pip = start_install(tmp_path)
    process.kill()
    process.communicate(timeout=120)
    monkeypatch.setattr(tasks, "LOG", tmp_path / "install.log")
    started = time.monotonic()
    killer = subprocess.Popen(["sh", "-c", f"sleep 1; kill {pip}"])
    with tasks.installing():
        assert time.monotonic() - started > 0.9
    killer.wait()
    assert "уже идёт установка, жду" in capsys.readouterr().out


def test_environment_made_while_waiting_is_not_made_again(commands, monkeypatch):
    tasks.prepare("reader")
    answers = iter([False, True])
    monkeypatch.setattr(tasks, "up_to_date", lambda _level: next(answers))
    commands.clear()
    tasks.prepare("reader")
    assert commands == []


def test_taken_port_is_one_sentence(project, monkeypatch):
    monkeypatch.setattr(tasks.subprocess, "Popen", lambda *_a, **_k: pytest.fail("запущен"))
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(tasks.UserError, match=f"Порт {port} занят"):
            tasks.jupyter(tasks.MY, pages.START, {"PORT": port})


def test_lab_opens_the_start_page_without_data(commands, project, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(tasks, "jupyter", lambda *arguments: started.append(arguments) or 0)
    commands.codes = [1, 1]
    assert tasks.lab({}) == 0
    assert tasks.lab({"FRESH": "04_ease"}) == 0
    assert started == [
        (project / "my", pages.START, {}),
        (project / "my", "04_ease_2.ipynb", {"FRESH": "04_ease"}),
    ]
    assert "Данных пока нет" in capsys.readouterr().out


def test_jupyterlab_speaks_russian_and_shows_pages_rendered(project):
    static = project / ".venv/lib/python3.11/site-packages/jupyter_server/static"
    static.mkdir(parents=True)
    tasks.write_lab_settings()
    assert "content-visibility: visible" in (static / "custom" / "custom.css").read_text("utf-8")
    overrides = project / ".venv" / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert '"locale": "ru_RU"' in overrides.read_text()
    assert '"markdown": "Markdown Preview"' in overrides.read_text()


def test_jupyterlab_computes_in_one_thread(project, monkeypatch):
    def start(command, **keywords):
        given.update(keywords["env"])
        return real([sys.executable, "-c", ""], **keywords)

    given, real = {}, tasks.subprocess.Popen
    for name in tasks.REPEATABLE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tasks.subprocess, "Popen", start)
    assert tasks.jupyter(tasks.MY, pages.START, {}) == 0
    assert given["OPENBLAS_NUM_THREADS"] == given["OMP_NUM_THREADS"] == "1"


def test_children_do_not_think_they_are_built(monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    variables = tasks.environment(**tasks.REPEATABLE)
    assert "RECSYS_LESSONS_BUILD" not in variables
    assert variables["OMP_NUM_THREADS"] == "1"
    assert variables["PATH"].startswith(str(tasks.BIN))


@pytest.mark.parametrize(
    ("given", "shown"), [([], False), (["FILMS=0"], False), (["FILMS=1"], True)]
)
def test_films_are_shown_only_when_asked_for(monkeypatch, given, shown):
    ran = []
    monkeypatch.setattr(tasks, "run", lambda command: ran.append(command) or 0)
    task, options = tasks.parse(["site", *given])
    tasks.TASKS[task].function(options)
    assert ("--films" in ran[0]) == shown
