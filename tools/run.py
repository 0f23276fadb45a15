"""Готовит окружение и запускает задачу проекта: python3 tools/run.py ЗАДАЧА [ИМЯ=значение ...].

Файлу хватает стандартной библиотеки: его запускает Python, в котором ещё ничего не установлено.
Окружение живёт в .venv и собирается заново, когда меняются точные версии или Python.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = str(BIN / ("python.exe" if os.name == "nt" else "python"))
STAMP = VENV / "installed.txt"
NOTEBOOKS = ROOT / "notebooks"
MY = ROOT / "my"
MINIMUM = (3, 11)
LAB_SETTINGS = {
    "@jupyterlab/translation-extension:plugin": {"locale": "ru_RU"},
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"python": "Jupytext Notebook"}},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
# Один поток на вычисление и постоянный порядок множеств: выводы уроков не зависят от машины.
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


class UserError(Exception):
    """Ошибка, о которой достаточно сообщить одной фразой."""


def say(text: str) -> None:
    print(f"— {text}", flush=True)


def python_problem(version: tuple[int, ...]) -> str | None:
    """Сообщение о слишком старом Python или None."""
    if version >= MINIMUM:
        return None
    found, needed = (".".join(map(str, numbers)) for numbers in (version[:2], MINIMUM))
    return (
        f"Нужен Python {needed} или новее, а это Python {found}. Установите новый "
        f"(https://www.python.org/downloads/) и укажите его: make lab PYTHON=python{needed}, "
        f"на Windows py -{needed} tools/run.py lab."
    )


def parse(arguments: list[str]) -> tuple[str, dict[str, str]]:
    """Имя задачи и её настройки; пустое значение — то же, что ненаписанное."""
    usage = f"Задачи: {', '.join(TASKS)}. Пример: python3 tools/run.py lab FRESH=04_ease"
    if not arguments:
        raise UserError(f"Не указана задача. {usage}")
    task, *rest = arguments
    if task not in TASKS:
        raise UserError(f"Нет задачи «{task}». {usage}")
    options, known = {}, OPTIONS.get(task, ())
    for argument in rest:
        name, equals, value = argument.partition("=")
        if not equals or name not in known:
            listed = ", ".join(f"{name}=…" for name in known) or "настроек нет"
            raise UserError(f"Непонятная настройка «{argument}». У задачи {task}: {listed}.")
        if value.strip():
            options[name] = value.strip()
    if not options.get("PORT", "0").isdecimal():
        raise UserError(f"PORT — номер порта, например PORT=8890, а не «{options['PORT']}».")
    if options.get("FULL", "0") not in ("0", "1", "stale"):
        raise UserError(f"FULL — 1 (всё) или stale (устаревшее), а не «{options['FULL']}».")
    return task, options


def fingerprint() -> list[str]:
    """Из чего сделано окружение: Python, папка и точные версии; отдельно — описание пакета."""

    def digest(name: str) -> str:
        return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()

    base = f"{platform.python_version()} {ROOT} {digest('constraints.txt')}"
    return [base, digest("pyproject.toml")]


def installed() -> list[str]:
    """Отметка последней удачной установки; пустой список, если её нет."""
    return STAMP.read_text(encoding="utf-8").splitlines() if STAMP.exists() else []


def prepare() -> None:
    """Создаёт .venv или обновляет его, если он устарел."""
    wanted, found = fingerprint(), installed()
    if found == wanted:
        return
    # Отметка появляется только после удачной установки: прерванная начнётся сначала.
    STAMP.unlink(missing_ok=True)
    started = time.monotonic()
    if found[:1] != wanted[:1]:
        say("Создаю окружение в папке .venv")
        if run([sys.executable, "-m", "venv", "--clear", str(VENV)]):
            raise UserError(
                "Окружение не создано, причина выше. В Debian и Ubuntu чаще всего не хватает "
                "пакета: apt install python3-venv. Если занят файл в .venv, закройте JupyterLab."
            )
    say("Устанавливаю зависимости: в первый раз это несколько минут и несколько гигабайт")
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install"]
    if run([*pip, "-c", "constraints.txt", "-e", ".[lab,test]"]):
        raise UserError(
            "Зависимости не установлены, причина выше. Проверьте сеть и место на диске "
            "и повторите команду: она продолжит с чистого окружения."
        )
    STAMP.write_text("\n".join(wanted), encoding="utf-8")
    say(f"Окружение готово за {time.monotonic() - started:.0f} с")


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
    """Кладёт в my/ тетради, которых там нет; существующие не трогает."""
    MY.mkdir(exist_ok=True)
    for source in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not (MY / source.name).exists():
            shutil.copyfile(source, MY / source.name)


def lay_fresh(name: str) -> str:
    """Кладёт рядом новую копию урока (04_ease_2, 04_ease_3, ...) и возвращает имя файла."""
    source = NOTEBOOKS / f"{name}.ipynb"
    names = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    if name not in names:
        raise UserError(f"Нет урока «{name}». Есть: {', '.join(names)}.")
    number = 2
    while (MY / f"{name}_{number}.ipynb").exists():
        number += 1
    target = MY / f"{name}_{number}.ipynb"
    shutil.copyfile(source, target)
    return target.name


def write_lab_settings() -> None:
    settings = VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(LAB_SETTINGS, indent=2), encoding="utf-8")


def jupyter(folder: Path, first: str, options: dict[str, str], *extra: str) -> int:
    write_lab_settings()
    command = [PYTHON, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    # У каждой задачи свой список открытых вкладок, иначе edit откроет вкладки, оставшиеся от lab.
    command.append(f"--LabApp.workspaces_dir={VENV / 'workspaces' / folder.name}")
    command.append(f"--LabApp.default_url=/lab/tree/{first}")
    if "PORT" in options:
        command += [f"--ServerApp.port={options['PORT']}", "--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    command += [*extra, *shlex.split(options.get("LAB_ARGS", ""))]
    say("Запускаю JupyterLab. Он откроется в браузере, адрес с портом — в строках ниже.")
    say("Остановить: Ctrl+C в этом окне.")
    process = subprocess.Popen(command, cwd=ROOT, env=environment())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # Ctrl+C получил и JupyterLab; он переспрашивает, поэтому ждём, чем он закончит.
            continue


def lab(options: dict[str, str]) -> int:
    lay_copies()
    first = "00a_start.ipynb"
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


def test(_options: dict[str, str]) -> int:
    """Все проверки подряд: упавшая не отменяет следующих."""
    ruff, pytest = [PYTHON, "-m", "ruff"], [PYTHON, "-m", "pytest"]
    steps = {
        "ruff check": [*ruff, "check"],
        "ruff format": [*ruff, "format", "--check"],
        "mypy": [PYTHON, "-m", "mypy"],
        "pytest": [*pytest, "-n", "2", "--dist", "worksteal"],
        "уроки": [PYTHON, "-m", "tools.verify"],
    }
    seconds, failed = {}, []
    for name, command in steps.items():
        say(f"Проверка: {name}")
        started = time.monotonic()
        if run(command, **REPEATABLE):
            failed.append(name)
        seconds[name] = time.monotonic() - started
    say("Время: " + ", ".join(f"{name} {value:.0f} с" for name, value in seconds.items()))
    say(f"Не прошли проверки: {', '.join(failed)}" if failed else "Все проверки прошли")
    return 1 if failed else 0


def lessons(options: dict[str, str]) -> int:
    full = ["--full", options.get("FULL", "0")]
    return run([PYTHON, "-m", "tools.build", *options.get("NB", "").split(), *full], **REPEATABLE)


def portability(options: dict[str, str]) -> int:
    command = [PYTHON, "-m", "tools.portability", *options.get("NB", "").split()]
    return run(command, **REPEATABLE)


def tidy(_options: dict[str, str]) -> int:
    ruff = [PYTHON, "-m", "ruff"]
    fixed = run([*ruff, "check", "--fix"])
    return run([*ruff, "format"]) or fixed


TASKS = {
    "lab": lab,
    "edit": edit,
    "test": test,
    "lessons": lessons,
    "portability": portability,
    "format": tidy,
}
OPTIONS = {
    "lab": ("FRESH", "PORT", "LAB_ARGS"),
    "edit": ("PORT", "LAB_ARGS"),
    "lessons": ("NB", "FULL"),
    "portability": ("NB",),
}


def main(arguments: list[str]) -> int:
    try:
        problem = python_problem(sys.version_info[:3])
        if problem:
            raise UserError(problem)
        task, options = parse(arguments)
        prepare()
        return TASKS[task](options)
    except UserError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Прервано")
        return 130


if __name__ == "__main__":
    # Вывод бывает направлен в файл, а кодировка Windows не знает кириллицы.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")
    sys.exit(main(sys.argv[1:]))
