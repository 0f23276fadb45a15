"""Проверить всё или только названные уроки; в конце — что не прошло, где и что запустить.

Запуск: python -m tools.check — всё, python -m tools.check 04_ease — этот урок: пара, строение, его
тесты и мутанты, его вывод.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from recsys_lessons.lessons import cells
from tools.notebooks import ROOT, child_env, source_paths
from tools.verify import failed_cases, verify

TESTS = ROOT / "tests"
# Тесты, параметр которых — урок или его модель.
SHARED = ("test_notebooks*.py", "test_contract*.py", "test_mutants*.py")
PYTHON = r".venv\Scripts\python" if os.name == "nt" else ".venv/bin/python"
AT_ONCE = 2  # процессов
MAX_LINES, MAX_WIDTH = 3, 300  # сколько показать от сообщения об упавшем сравнении


@dataclass(frozen=True)
class Failure:
    """Что не прошло (по одному замечанию в строке) и какой командой это чинят или смотрят."""

    what: str
    command: str

    def __str__(self) -> str:
        return self.what.replace("\n", "\n    ") + f"\n    → {self.command}"


@dataclass(frozen=True)
class Lesson:
    """Урок и всё, что его проверяет."""

    source: Path

    @property
    def name(self) -> str:
        return self.source.stem

    @property
    def keys(self) -> set[str]:
        """Как урок и его модели называются в номерах тестов: ``04_ease``, ``ease``, ``EASE``."""
        model = "\n\n".join(
            cell.source
            for cell in cells(self.source.read_text(encoding="utf-8", errors="replace"))
            if cell.kind == "code" and "model" in cell.tags
        )
        classes = re.findall(r"^class ([A-Za-z]\w*)", model, flags=re.MULTILINE)
        return {self.name, self.name.partition("_")[2], *classes}

    @property
    def test_files(self) -> list[Path]:
        """Файлы, которые проверяют только этот урок."""
        wanted = {f"test_{key.lower()}.py" for key in self.keys}
        return sorted(path for path in TESTS.glob("test_*.py") if path.name in wanted)


def environment() -> dict[str, str]:
    """Как при сборке: один поток, постоянный порядок множеств; но это не сборка."""
    env = child_env()
    del env["RECSYS_LESSONS_BUILD"]
    return env


def tool(module: str, *arguments: str, command: str) -> list[Failure]:
    """Программа, которая печатает по замечанию в строке."""
    result = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    print(result.stdout + result.stderr, end="", flush=True)
    if result.returncode == 0:
        return []
    return [Failure((result.stdout + result.stderr).strip(), command)]


def tests(lessons: list[Lesson]) -> list[Failure]:
    """Все тесты или тесты названных уроков."""
    chosen: list[str] = []
    if lessons:
        keys = set[str]().union(*(lesson.keys for lesson in lessons))
        files = {path for lesson in lessons for path in lesson.test_files}
        files |= {path for pattern in SHARED for path in TESTS.glob(pattern)}
        own = ",".join(path.name for lesson in lessons for path in lesson.test_files)
        chosen = ["-p", "tools.select_plugin", f"--lesson-keys={','.join(sorted(keys))}"]
        chosen += [f"--lesson-files={own}", *map(str, sorted(files))]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "tests.xml"
        command = [sys.executable, "-m", "pytest", "-n", str(AT_ONCE), "--dist", "worksteal"]
        command += ["-o", "junit_family=xunit1", f"--junitxml={report}", *chosen]
        code = subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
        failed = test_failures(report)
    if code and not failed:
        failed.append(Failure(f"pytest кончился с кодом {code}, причина выше", "make test"))
    return failed


def outputs(lessons: list[Lesson]) -> list[Failure]:
    """Вывод тетрадей при новом исполнении."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "outputs.xml"
        code = verify([lesson.name for lesson in lessons], at_once=AT_ONCE, report=report)
        failed = output_failures(report)
    if code and not failed:
        failed.append(Failure(f"сверка кончилась с кодом {code}, причина выше", "make test"))
    return failed


def lesson_of(file: str, test: str) -> str:
    """Урок, который проверяет тест, с двоеточием; пустая строка, если он общий."""
    tokens = set(re.split(r"[\[\]-]", test))
    for lesson in map(Lesson, source_paths()):
        if not tokens.isdisjoint(lesson.keys) or file in {path.name for path in lesson.test_files}:
            return f"{lesson.name}: "
    return ""


def test_failures(report: Path) -> list[Failure]:
    """Упавшие тесты. Список замечаний виден целиком, от остального — начало сообщения."""
    failed = []
    for file, name, message, text in failed_cases(report):
        test = f"{file}::{name}" if name else file
        # pytest.fail без стека: полный текст начинается самим сообщением (длинное в нём обрезано).
        if message.startswith("Failed: ") and text.startswith(message[8:108]):
            shown = text.strip().splitlines()
        elif message == "collection failure":  # файл тестов не импортируется: причина в конце
            test, shown = file, text.strip().splitlines()[-MAX_LINES:]
        else:
            shown = [line[:MAX_WIDTH] for line in message.splitlines()[:MAX_LINES]]
        rebuild = re.search(r"make lessons NB=\S+(?: FULL=\S+)?", text if shown else "")
        command = rebuild[0] if rebuild else f'{PYTHON} -m pytest "{test}"'
        lesson = lesson_of(Path(file).name, name)
        failed.append(Failure("\n".join([f"{lesson}{test}", *shown]), command))
    return failed


def output_failures(report: Path) -> list[Failure]:
    """Тетради, вывод которых стал другим: номера ячеек — как в квадратных скобках тетради."""
    failed = []
    broken = [(Path(file).stem, name, text) for file, name, _, text in failed_cases(report)]
    for lesson, group in groupby(sorted(broken, key=lambda row: row[0]), key=lambda row: row[0]):
        differ: list[str] = []
        stopped: list[str] = []
        for _, name, text in group:
            number = re.fullmatch(r"Cell (\d+)", name)
            cell = f"[{int(number[1]) + 1}]" if number else name
            (differ if "Cell outputs differ" in text else stopped).append(cell)
        parts = []
        if differ:
            parts.append(f"{'ячейка' if len(differ) == 1 else 'ячейки'} {', '.join(differ)} "
                         f"{'выводит' if len(differ) == 1 else 'выводят'} другое")  # fmt: skip
        if stopped:
            parts.append(f"исполнение остановилось: ячейка {stopped[0]}")
        failed.append(Failure(f"{lesson}: {'; '.join(parts)}", f"make lessons NB={lesson}"))
    return failed


def steps(lessons: list[Lesson]) -> dict[str, Callable[[], list[Failure]]]:
    """Проверки по порядку."""
    files = [str(path) for lesson in lessons for path in (lesson.source, *lesson.test_files)]
    style = {
        "ruff check": lambda: tool(
            "ruff", "check", "--quiet", "--output-format=concise", *files, command="make format"
        ),
        "ruff format": lambda: tool("ruff", "format", "--check", *files, command="make format"),
    }
    types = {"mypy": lambda: tool("mypy", command=f"{PYTHON} -m mypy")}
    running = {"pytest": lambda: tests(lessons), "вывод тетрадей": lambda: outputs(lessons)}
    return style | ({} if lessons else types) | running


def main(names: list[str]) -> int:
    try:
        lessons = [Lesson(source) for source in source_paths(names)] if names else []
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    seconds: dict[str, float] = {}
    failed: dict[str, list[Failure]] = {}
    for name, step in steps(lessons).items():
        print(f"— Проверка: {name}", flush=True)
        start = time.monotonic()
        found = step()
        seconds[name] = time.monotonic() - start
        if found:
            failed[name] = found
    print("— Время: " + ", ".join(f"{name} {value:.0f} с" for name, value in seconds.items()))
    if not failed:
        print("— Все проверки прошли")
        return 0
    print(f"— Не прошли: {', '.join(failed)}")
    for name, found in failed.items():
        print(f"{name}:")
        for failure in found:
            print(f"  {failure}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
