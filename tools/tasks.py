"""Готовит окружение и выполняет задачи проекта; запускает его tools/run.py.

Файлу хватает стандартной библиотеки: его исполняет Python, в котором ещё ничего не установлено.
Окружение живёт в .venv и собирается заново, когда меняются точные версии или Python. Читателю
достаточно уровня «reader», проверкам нужен «full»; второй доустанавливается к первому.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from tools import pages

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = str(BIN / ("python.exe" if os.name == "nt" else "python"))
STAMP = VENV / "installed.txt"
# Журнал лежит снаружи: перед новой попыткой папка .venv очищается.
LOG = ROOT / "install.log"
NOTEBOOKS = ROOT / "notebooks"
MY = ROOT / "my"
SITE = ROOT / "site"
TABS = VENV / "workspaces"
CSS = ROOT / "tools" / "jupyterlab.css"
LAB_SETTINGS = {
    "@jupyterlab/translation-extension:plugin": {"locale": "ru_RU"},
    "@jupyterlab/docmanager-extension:plugin": {
        "defaultViewers": {"python": "Jupytext Notebook", "markdown": "Markdown Preview"}
    },
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
# Один поток на вычисление и постоянный порядок множеств: выводы уроков не зависят от машины.
# На занятой машине потоки OpenBLAS к тому же ждут друг друга, и ячейки считаются в разы дольше.
REPEATABLE = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
FETCH = """
import sys
from recsys_lessons.datasets import DataError, load_movielens
try:
    load_movielens()
except DataError as error:
    sys.exit(str(error))
"""
# Как часто писать о ходе установки, если вывод направлен в файл.
QUIET_S = 15


@dataclass(frozen=True)
class Level:
    """Уровень окружения; числа измерены на Linux со сборкой torch для процессора."""

    extras: str
    packages: int
    download_gb: float
    disk_gb: float


LEVELS = {
    "reader": Level("lab", 127, 0.45, 1.9),
    "full": Level("lab,test,site", 214, 0.6, 2.5),
}
# Причины, которые видны по журналу pip.
CAUSES = {
    r"No space left|Errno 28": "на диске кончилось место",
    r"Max retries|NewConnectionError|ConnectTimeout|ReadTimeout|Temporary failure|getaddrinfo": (
        "нет связи с хранилищем пакетов, проверьте сеть"
    ),
    r"No matching distribution|ResolutionImpossible": (
        "для этой системы или этого Python нет готовых сборок, см. «Где это работает» в README"
    ),
}


class UserError(Exception):
    """Ошибка, о которой достаточно сообщить одной фразой."""


def say(text: str) -> None:
    print(f"— {text}", flush=True)


def decimal(value: float) -> str:
    return f"{value:.2g}".replace(".", ",")


def short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def check_lessons(names: list[str], suffix: str = "py") -> None:
    known = sorted(path.stem for path in NOTEBOOKS.glob(f"*.{suffix}"))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"Нет урока «{short(unknown[0])}». Есть: {', '.join(known)}.")


def parse(arguments: list[str]) -> tuple[str, dict[str, str]]:
    """Имя задачи и её настройки; пустое значение — то же, что ненаписанное."""
    task, *rest = arguments or ["help"]
    if task not in TASKS:
        raise UserError(f"Нет задачи «{short(task)}». Задачи: {', '.join(TASKS)}.")
    options, known = {}, TASKS[task].options
    for argument in rest:
        name, equals, value = argument.partition("=")
        if not equals or name not in known:
            listed = ", ".join(f"{name}=…" for name in known) or "настроек нет"
            raise UserError(f"Непонятная настройка «{short(argument)}». У задачи {task}: {listed}.")
        if value.strip():
            options[name] = value.strip()
    port = options.get("PORT", "1")
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:9]) < 2**16):
        raise UserError(
            f"PORT — номер порта от 1 до 65535, например PORT=8890, а не «{short(port)}»."
        )
    if options.get("FULL", "0") not in ("0", "1", "stale"):
        raise UserError(f"FULL — 1 (всё) или stale (устаревшее), а не «{short(options['FULL'])}».")
    if not re.fullmatch(r"\d{1,6}([.,]\d{1,6})?", options.get("MINUTES", "1"), re.ASCII):
        raise UserError(
            f"MINUTES — число минут, например MINUTES=10, а не «{short(options['MINUTES'])}»."
        )
    if options.get("FILMS", "0") not in ("0", "1"):
        raise UserError(f"FILMS — 1 или 0, а не «{short(options['FILMS'])}».")
    check_lessons(options.get("NB", "").split())
    if "FRESH" in options:
        check_lessons([options["FRESH"]], "ipynb")
    return task, options


def fingerprint(level: str) -> list[str]:
    """Из чего сделано окружение: Python, папка и точные версии; описание пакета; уровень."""

    def digest(name: str) -> str:
        return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()

    base = f"{platform.python_version()} {ROOT} {digest('constraints.txt')}"
    return [base, digest("pyproject.toml"), level]


def installed() -> list[str]:
    """Отметка последней удачной установки; пустой список, если её нет."""
    return STAMP.read_text(encoding="utf-8").splitlines() if STAMP.exists() else []


def prepare(level: str) -> None:
    """Создаёт .venv или доводит его до уровня ``level``; больший уровень не понижает."""
    if up_to_date(level):
        return
    with installing() as log:
        # Пока ждали чужую установку, она могла сделать всё нужное.
        if not up_to_date(level):
            install(level, log)


def up_to_date(level: str) -> bool:
    return installed() in (fingerprint(level), fingerprint("full"))


@contextmanager
def installing() -> Iterator[TextIO]:
    """Открытый журнал. Двух установок в одну папку сразу не бывает.

    Журнал заперт, пока его держит открытым хоть кто-то: и эта команда, и её pip. Поэтому повторный
    запуск дождётся и брошенного pip, чья команда убита.
    """
    with LOG.open("a", encoding="utf-8") as log:
        if fcntl:
            try:
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("В эту папку уже идёт установка, жду её окончания")
                fcntl.flock(log, fcntl.LOCK_EX)
        log.truncate(0)
        yield log


def install(level: str, log: TextIO) -> None:
    started, found = time.monotonic(), installed()
    same = len(found) == 3 and found[0] == fingerprint(level)[0]
    if same and found[2] == "full":
        level = "full"
    wanted, present = LEVELS[level], LEVELS[found[2]] if same else Level("", 0, 0, 0)
    check_python()
    check_disk(wanted.disk_gb - present.disk_gb)
    packages = max(wanted.packages - present.packages, 0)
    if packages:
        what = "окружение для уроков" if level == "reader" else "всё нужное для проверок"
        load = wanted.download_gb - present.download_gb
        say(
            f"Ставлю {what} в папку .venv: около {packages} пакетов, загрузить {decimal(load)} ГБ, "
            f"на диске {decimal(wanted.disk_gb - present.disk_gb)} ГБ. На быстрой сети это "
            f"одна-три минуты, при 20 Мбит/с — около {2 + load * 400 / 60:.0f}."
        )
        if not same and sys.platform == "linux":
            say("С CUDA это ещё около 5 ГБ; как обойтись без неё, сказано в README.")
    # Отметка появляется только после удачной установки: прерванная начнётся сначала.
    STAMP.unlink(missing_ok=True)
    if not same and logged([sys.executable, "-m", "venv", "--clear", str(VENV)], packages, log):
        raise UserError(
            f"Окружение не создано, причина в журнале {LOG}. "
            "Если занят файл в папке .venv, закройте JupyterLab."
        )
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    pip += ["--progress-bar", "off", "-c", "constraints.txt", "-e", f".[{wanted.extras}]"]
    if logged(pip, packages, log):
        text = LOG.read_text(encoding="utf-8", errors="replace")
        causes = [cause for pattern, cause in CAUSES.items() if re.search(pattern, text)]
        raise UserError(
            f"Зависимости не установлены: {causes[0] if causes else 'причина в журнале'}. "
            f"Журнал pip: {LOG}. Повторите команду, она начнёт с чистого окружения."
        )
    STAMP.write_text("\n".join(fingerprint(level)), encoding="utf-8")
    say(f"Окружение готово за {time.monotonic() - started:.0f} с")


def check_python() -> None:
    """Debian и Ubuntu кладут venv и ensurepip в отдельный пакет."""
    try:
        __import__("venv")
        __import__("ensurepip")
    except ImportError:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise UserError(
            f"В этом Python нет модуля venv. В Debian и Ubuntu его ставит команда "
            f"sudo apt install python{version}-venv."
        ) from None


def check_disk(needed_gb: float) -> None:
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < needed_gb:
        raise UserError(
            f"На диске свободно {decimal(free_gb)} ГБ, а окружению нужно {decimal(needed_gb)} ГБ. "
            "Освободите место и повторите команду."
        )


def status(log: str, done: int, expected: int) -> str:
    """Чем занят pip, по его журналу.

    :param done: сколько пакетов уже лежит в окружении
    :param expected: сколько их будет примерно
    """
    order = re.search(r"^Installing collected packages: (.+)$", log, re.MULTILINE)
    if order:
        total = order[1].count(",") + 1
        return f"раскладываю пакеты: {min(done, total)} из {total}"
    names = set(re.findall(r"^(?:Collecting|Processing) ([\w.-]+|/\S+)", log, re.MULTILINE))
    if not names:
        return "готовлю установку"
    wheel = r"^ +Downloading ([^-\s]+)-\S+\.whl \(([\d.]+) ([kMG])B\)"
    loads = re.findall(wheel, log, re.MULTILINE)
    now = ""
    if loads:
        name, size, unit = loads[-1]
        now = f", сейчас {name} ({size.replace('.', ',')} {dict(k='КБ', M='МБ', G='ГБ')[unit]})"
    return f"загружаю пакеты: {len(names)} из {max(expected, len(names))}{now}"


def packages_present() -> int:
    """Сколько пакетов лежит в окружении."""
    folder = "Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"
    return sum(1 for _ in VENV.glob(f"{folder}/*.dist-info"))


def logged(command: list[str], expected: int, log: TextIO) -> int:
    """Выполняет команду, её вывод пишет в журнал, а на экране двигает одну строку."""
    started, before, shown_at, width = time.monotonic(), packages_present(), 0.0, 0
    live = sys.stdout.isatty()
    columns = shutil.get_terminal_size().columns - 1
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        while process.poll() is None:
            time.sleep(0.2)
            now = time.monotonic() - started
            if now - shown_at < (0.2 if live else QUIET_S):
                continue
            text = Path(log.name).read_text(encoding="utf-8", errors="replace")
            done = max(packages_present() - before, 0)
            line = f"— {now:.0f} с, {status(text, done, expected)}"[:columns]
            print(*(["\r", line.ljust(width)] if live else [line, "\n"]), sep="", end="")
            sys.stdout.flush()
            shown_at, width = now, len(line)
    finally:
        # Прервали нас — не должен остаться и pip.
        if process.poll() is None:
            process.terminate()
            process.wait()
        if width and live:
            print("\r" + " " * width + "\r", end="", flush=True)
    return process.returncode


def environment(**extra: str) -> dict[str, str]:
    """Переменные дочернего процесса: программы из .venv впереди, файлы в UTF-8."""
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    variables = {**os.environ, "PATH": path, "PYTHONUTF8": "1", **extra}
    variables.pop("RECSYS_LESSONS_BUILD", None)
    return variables


def run(command: list[str], **extra: str) -> int:
    """Выполняет команду в корне проекта и возвращает её код завершения."""
    return subprocess.call(command, cwd=ROOT, env=environment(**extra))


def lay_copies() -> None:
    """Кладёт в my/ тетради, которых там нет, и свежую начальную страницу; копии не трогает."""
    MY.mkdir(exist_ok=True)
    for source in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not (MY / source.name).exists():
            shutil.copyfile(source, MY / source.name)
    (MY / pages.START).write_text(pages.start_page(NOTEBOOKS), encoding="utf-8")


def lay_fresh(name: str) -> str:
    """Кладёт рядом новую копию урока (04_ease_2, 04_ease_3, ...) и возвращает имя файла."""
    number = 2
    while (MY / f"{name}_{number}.ipynb").exists():
        number += 1
    target = MY / f"{name}_{number}.ipynb"
    shutil.copyfile(NOTEBOOKS / f"{name}.ipynb", target)
    return target.name


def check_port(port: int) -> None:
    """Занятый порт называет одна фраза, а не сообщения JupyterLab на английском."""
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost", port))
        except OSError:
            raise UserError(
                f"Порт {port} занят или закрыт. Укажите другой, например PORT=8899. "
                "Без PORT JupyterLab найдёт свободный сам."
            ) from None


def write_lab_settings() -> None:
    settings = VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(LAB_SETTINGS, indent=2), encoding="utf-8")
    # Свой custom.css читателя, ~/.jupyter/custom, JupyterLab возьмёт прежде этого.
    for static in VENV.glob("[Ll]ib/**/site-packages/jupyter_server/static"):
        (static / "custom").mkdir(exist_ok=True)
        shutil.copyfile(CSS, static / "custom" / "custom.css")


def jupyter(folder: Path, first: str, options: dict[str, str], *extra: str) -> int:
    write_lab_settings()
    command = [PYTHON, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    # У каждой задачи свой список открытых вкладок, иначе edit откроет вкладки, оставшиеся от lab.
    command.append(f"--LabApp.workspaces_dir={TABS / folder.name}")
    command.append("--custom-css")
    command.append(f"--LabApp.default_url=/lab/tree/{urllib.parse.quote(first)}")
    if "PORT" in options:
        check_port(int(options["PORT"]))
        command += [f"--ServerApp.port={options['PORT']}", "--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    command += [*extra, *shlex.split(options.get("LAB_ARGS", ""))]
    say("Запускаю JupyterLab. Он откроется в браузере, адрес с портом — в строках ниже.")
    say("Остановить: Ctrl+C в этом окне.")
    process = subprocess.Popen(command, cwd=ROOT, env=environment(**REPEATABLE))
    try:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # Ctrl+C получил и JupyterLab; он переспрашивает, поэтому ждём, чем он закончит.
                continue
    finally:
        process.terminate()


def lab(options: dict[str, str]) -> int:
    lay_copies()
    first = pages.START
    if "FRESH" in options:
        first = lay_fresh(options["FRESH"])
        say(f"Новая копия урока: my/{first}")
    say("Проверяю данные MovieLens")
    if run([PYTHON, "-c", FETCH]):
        say("Данных пока нет, JupyterLab откроется без них. Уроки попробуют загрузить их снова.")
    say("Ваши копии уроков лежат в my/, повторный запуск их не меняет.")
    return jupyter(MY, first, options)


def edit(options: dict[str, str]) -> int:
    # Собранные .ipynb спрятаны из списка файлов: правят .py, тетради собирает make lessons.
    hidden = [f"--ContentsManager.hide_globs={glob}" for glob in ("*.ipynb", "__pycache__")]
    return jupyter(NOTEBOOKS, "00a_start.py", options, *hidden)


def tool(name: str, options: dict[str, str], *extra: str) -> int:
    """Запускает ``tools.name`` для уроков из ``NB``; без ``NB`` — для всех."""
    command = [PYTHON, "-m", f"tools.{name}", *options.get("NB", "").split(), *extra]
    return run(command, **REPEATABLE)


def test(options: dict[str, str]) -> int:
    return tool("check", options)


def lessons(options: dict[str, str]) -> int:
    failed = tool("build", options, "--full", options.get("FULL", "0"))
    # Таблицы README и карта берут названия и числа из уроков.
    drawn = run([PYTHON, "-m", "tools.pages"]) or run([PYTHON, "-m", "web.map"])
    return drawn or failed


def results(options: dict[str, str]) -> int:
    minutes = ["--minutes", options["MINUTES"].replace(",", ".")] if "MINUTES" in options else []
    return tool("results", options, *minutes)


def portability(options: dict[str, str]) -> int:
    return tool("portability", options)


# Задача преподавателя: модуль пакета course с командой, настройка перед ключами и ключ для каждой.
TEACHER: dict[str, tuple[str, str, dict[str, str]]] = {
    "course": (
        "course.course",
        "",
        {"NB": "--assignment", "PRIVATE": "--private", "ROSTER": "--roster", "OUT": "--out"},
    ),
    "grade": (
        "course.grading",
        "SUBMISSIONS",
        {
            "NB": "--assignment",
            "ROSTER": "--roster",
            "RELEASE": "--release",
            "PRIVATE": "--keys",
            "OUT": "--out",
            "ONLY": "--only",
            "MANUAL": "--manual",
            "DEADLINE": "--deadline",
            "PENALTY": "--penalty",
            "ALIKE": "--alike",
        },
    ),
    "contest": ("course.contest make", "", {"PRIVATE": "--keys", "OUT": "--out"}),
    "contest score": (
        "course.contest score",
        "SUBMISSIONS",
        {"ROSTER": "--roster", "PRIVATE": "--keys", "OUT": "--out"},
    ),
    "slides": ("course.slides", "NB", {"OUT": "--out"}),
    "exam": ("course.exam", "", {"SEED": "--seed", "COUNT": "--count", "OUT": "--out"}),
}
REQUIRED = {
    "grade": ("SUBMISSIONS", "NB", "ROSTER", "OUT"),
    "contest": ("OUT",),
    "contest score": ("SUBMISSIONS", "ROSTER", "OUT"),
    "slides": ("NB", "OUT"),
    "exam": ("SEED", "OUT"),
}


def teach(task: str, options: dict[str, str]) -> int:
    """Запускает задачу преподавателя: настройки становятся ключами её команды."""
    module, first, keys = TEACHER[task]
    missing = [name for name in REQUIRED.get(task, ()) if name not in options]
    if missing:
        target, listed = task.partition(" ")[0], ", ".join(f"{name}=…" for name in missing)
        raise UserError(f"Задаче {target} нужны ещё: {listed}.")
    command = [PYTHON, "-m", *module.split(), *([options[first]] if first else [])]
    for name, key in keys.items():
        if name in options:
            command += [key] if key == "--alike" else [key, options[name]]
    return run(command)


def contest(options: dict[str, str]) -> int:
    """Конкурс: без ``SUBMISSIONS`` — выдать, с нею — проверить присланное и сложить таблицу."""
    return teach("contest score" if "SUBMISSIONS" in options else "contest", options)


def site(options: dict[str, str]) -> int:
    """Собирает сайт в папку site/."""
    films = ["--films"] if options.get("FILMS") == "1" else []
    return run([PYTHON, "-m", "web.build", "--out", str(SITE), *films])


def site_serve(options: dict[str, str]) -> int:
    """Собирает сайт и показывает его на своём порту, пока не остановят."""
    port = options.get("PORT", "8000")
    check_port(int(port))
    failed = site(options)
    if failed:
        return failed
    say(f"Сайт: http://localhost:{port}/. Остановить: Ctrl+C в этом окне.")
    server = [PYTHON, "-m", "http.server", port, "--bind", "127.0.0.1", "--directory", str(SITE)]
    return run(server)


def pdf(options: dict[str, str]) -> int:
    """Собирает сайт и печатает страницы уроков в PDF."""
    if "NB" not in options:
        raise UserError("Задаче pdf нужно ещё: NB=…, например NB=04_ease.")
    return site(options) or run([PYTHON, "-m", "web.pdf", *options["NB"].split()])


def tidy(_options: dict[str, str]) -> int:
    ruff = [PYTHON, "-m", "ruff"]
    fixed = run([*ruff, "check", "--fix"])
    return run([*ruff, "format"]) or fixed


def show_help(_options: dict[str, str]) -> int:
    print(HELP, end="")
    return 0


HELP = """\
Читателю
  make lab                    открыть уроки в JupyterLab
       FRESH=04_ease          положить рядом с вашей копией урока новую
       PORT=8890              порт; без него JupyterLab найдёт свободный
       LAB_ARGS=--no-browser  дополнительные параметры JupyterLab
  make test                   проверить всё
       NB=04_ease             только этот урок; несколько — NB="04_ease 05_slim"

Преподавателю (всё по порядку — в course/TEACHER.md)
  make course                 выдать задания: архив каждому студенту
       PRIVATE=папка          частная папка ключей; без неё — открытые ключи
       ROSTER=roster.csv      список группы; без него — один вариант для всех
       NB=04_ease OUT=папка   какое задание и куда
  make grade SUBMISSIONS=папка NB=04_ease ROSTER=roster.csv OUT=папка
       RELEASE=папка          что выдала make course; PRIVATE — как там
       ONLY=логин             одного студента заново; MANUAL=файл — оценки вручную
       DEADLINE="2026-11-30 23:59" PENALTY=0.1
       ALIKE=1                пары похожих работ
  make contest OUT=папка      выдать конкурс (PRIVATE — как выше)
       SUBMISSIONS=папка ROSTER=roster.csv   проверить работы, таблица — в OUT
  make slides NB=04_ease OUT=папка
  make exam SEED=… OUT=билеты.html
       COUNT=25               сколько билетов

Автору
  make edit                   править уроки: .py открываются как тетради (PORT, LAB_ARGS)
  make lessons                собрать тетради (NB)
       FULL=1                 пересчитать и долгие результаты; FULL=stale — только устаревшие
  make results                посчитать долгие результаты заново и сравнить с сохранёнными (NB)
       MINUTES=10             взять те, что успеют, начиная с давно не проверенных
  make site                   собрать сайт уроков в папку site/
       FILMS=1                показать и то, что выведено из MovieLens
  make site-serve             собрать и показать в браузере; PORT=8890 — порт, без него 8000
  make pdf NB=04_ease         напечатать урок: site/pdf/04_ease.pdf (нужен Chromium)
  make portability            сверить выводы при других настройках процессора (NB)
  make format                 исправить стиль
  make help                   этот список

Другой Python: make lab PYTHON=python3.12. На Windows без make: py tools/run.py lab FRESH=04_ease
"""


@dataclass(frozen=True)
class Task:
    """Что выполнить, какие настройки принять и какое окружение сначала приготовить."""

    function: Callable[[dict[str, str]], int]
    level: str | None
    options: tuple[str, ...] = ()


TASKS = {
    "help": Task(show_help, None),
    "lab": Task(lab, "reader", ("FRESH", "PORT", "LAB_ARGS")),
    "edit": Task(edit, "full", ("PORT", "LAB_ARGS")),
    "test": Task(test, "full", ("NB",)),
    "lessons": Task(lessons, "full", ("NB", "FULL")),
    "results": Task(results, "full", ("NB", "MINUTES")),
    "portability": Task(portability, "full", ("NB",)),
    "site": Task(site, "full", ("FILMS",)),
    "site-serve": Task(site_serve, "full", ("PORT", "FILMS")),
    "pdf": Task(pdf, "full", ("NB", "FILMS")),
    "format": Task(tidy, "full"),
    "course": Task(partial(teach, "course"), "reader", tuple(TEACHER["course"][2])),
    "grade": Task(partial(teach, "grade"), "reader", ("SUBMISSIONS", *TEACHER["grade"][2])),
    "contest": Task(contest, "reader", ("SUBMISSIONS", *TEACHER["contest score"][2])),
    "slides": Task(partial(teach, "slides"), "reader", ("NB", "OUT")),
    "exam": Task(partial(teach, "exam"), "reader", tuple(TEACHER["exam"][2])),
}


def main(arguments: list[str]) -> int:
    # Вывод бывает направлен в файл, а кодировка Windows не знает кириллицы.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    # Закрытое окно и kill останавливают и дочерние процессы: finally выше срабатывают.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _frame: sys.exit(128 + number))
    try:
        task, options = parse(arguments)
        level = TASKS[task].level
        if level:
            prepare(level)
        return TASKS[task].function(options)
    except UserError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Прервано. Повторите команду, когда захотите: начатое не помешает.")
        return 130
