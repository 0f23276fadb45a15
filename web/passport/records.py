"""Записи о прогонах, которые для страницы не повторяют: порча кода, тесты, другие процессоры.

Запись хранит дату, версии и ключ — отпечаток всего, о чём она говорит. Ключ другой — запись
устарела, и паспорт так и скажет. Записать заново: ``python -m web.passport``.
"""

import json
import os
import platform
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from filelock import FileLock

from recsys_lessons import lessons
from recsys_lessons.reach import digest
from tests.mutants import read_mutants, survival
from tools import notebooks, portability

FOLDER = Path(__file__).with_name("records")
ROOT = notebooks.ROOT
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "implicit", "irspack", "torch-geometric")

# Что должно быть в записи каждого рода и какого вида.
FIELDS: dict[str, dict[str, type]] = {
    "mutants": {"mutants": list},
    "tests": {"passed": int, "failed": int, "skipped": int},
    "portability": {"settings": dict, "machine": str},
}
SPOILED = "файл записей испорчен"

Record = dict[str, Any]


class RecordsError(RuntimeError):
    """Записать нельзя; текст говорит, что делать."""


def model_of(lesson: str) -> str:
    """Имя моделей урока: ``04_ease`` → ``ease``; у вводных уроков — пусто."""
    owners = {owner for owners in lessons.class_lessons().values() for owner in owners}
    name = lesson.partition("_")[2]
    return name if name in owners else ""


def tests_of(lesson: str) -> Path:
    """Файл тестов урока."""
    return ROOT / "tests" / f"test_{lesson.partition('_')[2]}.py"


# ------------------------------------------------------------------------------------ ключи


def mutants_key(lesson: str) -> str:
    """Отпечаток моделей урока, вносимых ошибок и тестов, которые их ловят."""
    mutants = read_mutants().get(model_of(lesson), [])
    files = sorted({mutant["test"].partition("::")[0] for mutant in mutants})
    texts = [(ROOT / file).read_text(encoding="utf-8") for file in files]
    mutants_text = json.dumps(mutants, ensure_ascii=False)
    return digest(lessons.model_source(model_of(lesson)), mutants_text, *texts)


def tests_key(lesson: str) -> str:
    """Отпечаток моделей урока и файла тестов."""
    source = lessons.model_source(model_of(lesson)) if model_of(lesson) else ""
    return digest(source, tests_of(lesson).read_text(encoding="utf-8"))


def portability_key(lesson: str) -> str:
    """Отпечаток собранной тетради вместе с выводом."""
    return digest((notebooks.FOLDER / f"{lesson}.ipynb").read_bytes())


# ----------------------------------------------------------------------------------- прогоны


def run_mutants(lesson: str) -> Record:
    """Внести каждую ошибку и посмотреть, заметил ли её тест."""
    found = []
    for mutant in read_mutants()[model_of(lesson)]:
        problem = survival(mutant)
        found.append({**mutant, "problem": problem.partition("\n")[0]})
    return {"mutants": found}


def run_tests(lesson: str) -> Record:
    """Выполнить файл тестов урока."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}"]
        subprocess.run(
            [*command, str(tests_of(lesson))], cwd=ROOT, env=notebooks.child_env(), check=False
        )
        if not report.exists():
            raise RuntimeError(f"Тесты урока {lesson} не запустились: причина выше.")
        suite = next(ET.parse(report).iter("testsuite"))
    number = {kind: int(suite.get(kind, 0)) for kind in ("tests", "failures", "errors", "skipped")}
    failed = number["failures"] + number["errors"]
    passed = number["tests"] - failed - number["skipped"]
    return {"passed": passed, "failed": failed, "skipped": number["skipped"]}


def run_portability(lesson: str) -> Record:
    """Сравнить вывод тетради с сохранённым при других настройках процессора."""
    flags, found = portability.cpu_flags() or set(), {}
    for title, env in portability.SETTINGS.items():
        kind = env.get("OPENBLAS_CORETYPE", "")
        if kind and portability.NEEDS[kind] not in flags:
            found[title] = "процессор этого не умеет"
        else:
            found[title] = portability.rerun([lesson], 1, env)
    return {"settings": found, "machine": f"{platform.system()} {platform.machine()}"}


def has_mutants(lesson: str) -> bool:
    return model_of(lesson) in read_mutants()


KINDS: dict[str, tuple[Callable[[str], bool], Callable[[str], str], Callable[[str], Record]]] = {
    "mutants": (has_mutants, mutants_key, run_mutants),
    "tests": (lambda lesson: tests_of(lesson).exists(), tests_key, run_tests),
    "portability": (lambda lesson: True, portability_key, run_portability),
}


# ------------------------------------------------------------------------------------ записи


def read(kind: str, lesson: str) -> tuple[Record | None, str]:
    """Запись о прогоне и чем она негодна; второе пусто — годна.

    :return: ``None``, если записи нет или такого прогона у урока не бывает
    """
    applies, key, _ = KINDS[kind]
    if not applies(lesson):
        return None, ""
    try:
        record = json.loads((FOLDER / f"{kind}.json").read_text(encoding="utf-8"))[lesson]
    except (FileNotFoundError, KeyError):
        return None, "записи нет"
    except (ValueError, TypeError):
        return None, SPOILED
    wanted: dict[str, type] = {"key": str, "date": str, "versions": dict, **FIELDS[kind]}
    inside = {"old", "new", "test", "problem"}
    if not (
        isinstance(record, dict)
        and all(isinstance(record.get(name), form) for name, form in wanted.items())
        and all(isinstance(m, dict) and inside <= m.keys() for m in record.get("mutants", []))
    ):
        return None, SPOILED
    return record, "" if record["key"] == key(lesson) else "устарела: с тех пор код изменился"


def rows(path: Path, fields: tuple[str, ...], inside: str = "") -> tuple[list[Record], str]:
    """Строки файла и чем он негоден; файла нет — строк нет."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        found = found[inside] if inside else found
        complete = isinstance(found, list) and all(f in one for one in found for f in fields)
    except FileNotFoundError:
        return [], ""
    except (ValueError, TypeError, KeyError):
        complete = False
    return (found, "") if complete else ([], f"{path.name} испорчен")


def write(kind: str, lesson: str) -> Record:
    """Прогнать и записать: что получилось, ключ, дата, версии."""
    _, key, run = KINDS[kind]
    _kept(FOLDER / f"{kind}.json")  # испорчен — узнаем до прогона
    found = {
        "key": key(lesson),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": dict(_versions()),
        **run(lesson),
    }
    path = FOLDER / f"{kind}.json"
    # Два прогона сразу: второй дождётся и допишет к записанному первым.
    with FileLock(Path(gettempdir()) / f"recsys_lessons-{digest(str(path))}.lock"):
        kept = _kept(path)
        kept[lesson] = found
        text = json.dumps(dict(sorted(kept.items())), ensure_ascii=False, indent=1) + "\n"
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    return found


def _kept(path: Path) -> Record:
    """Записи файла.

    :raises RecordsError: файл испорчен
    """
    try:
        kept: Record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as error:
        raise RecordsError(f"Файл {path} испорчен. Верните его из git или удалите.") from error
    return kept


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
