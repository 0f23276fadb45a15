"""Уроки и их модельные ячейки.

Урок — файл ``NN_имя.py`` в формате percent. Ячейки с меткой ``model`` составляют готовый алгоритм;
:mod:`recsys_lessons.models` делает из них настоящий модуль.
"""

import ast
import re
from functools import lru_cache
from pathlib import Path

from recsys_lessons.percent import Cell, cells

__all__ = [
    "Cell",
    "cells",
    "class_lessons",
    "lesson_path",
    "lesson_paths",
    "lessons_dir",
    "model_source",
]

_PACKAGE = Path(__file__).parent


def lessons_dir() -> Path:
    """Папка с уроками: рядом с пакетом (клон) или внутри него (установленный пакет).

    :raises FileNotFoundError: уроков нет ни там, ни там
    """
    for folder in (_PACKAGE.parent / "notebooks", _PACKAGE / "notebooks"):
        if any(folder.glob("[0-9]*_*.py")):
            return folder
    raise FileNotFoundError(
        "Уроки не найдены: рядом с пакетом нет папки notebooks. "
        "Установите пакет из клона: pip install -e ."
    )


def lesson_paths() -> dict[str, Path]:
    """Имя модуля → файл урока: ``{"ease": …/04_ease.py}``. Без справочника.

    Файл, чьё имя не годится для модуля, — не урок: ``04_ease-Copy1.py``.

    :raises ValueError: у двух файлов одно имя урока
    """
    result: dict[str, Path] = {}
    for path in sorted(lessons_dir().glob("[0-9]*_*.py")):
        name = path.stem.split("_", 1)[1]
        if name in result:
            raise ValueError(
                f"Два файла с одним именем урока {name!r}: {result[name].name} и {path.name}. "
                f"Переименуйте или уберите один из них."
            )
        if name.isidentifier():
            result[name] = path
    return result


def lesson_path(name: str) -> Path:
    """Файл урока по имени: ``"ease"``.

    :raises KeyError: такого урока нет
    """
    paths = lesson_paths()
    if name not in paths:
        raise KeyError(f"Урока {name!r} нет. Есть: {', '.join(paths)}.")
    return paths[name]


def model_source(name: str) -> str:
    """Модельные ячейки урока; остальные строки пусты, поэтому номера строк те же, что в файле.

    :raises KeyError: такого урока нет
    :raises ValueError: в уроке нет модельных ячеек
    """
    source = _model_source(*_stamp(lesson_path(name)))
    if not source:
        raise ValueError(f"В уроке {name!r} нет ячеек с меткой model.")
    return source


def class_lessons() -> dict[str, list[str]]:
    """Имя открытого класса → имена уроков, чьи модельные ячейки его определяют.

    Урок с ошибкой в синтаксисе остальным не мешает: его классы узнаются по началу строки.
    """
    found: dict[str, list[str]] = {}
    for lesson, path in lesson_paths().items():
        for name in _classes(*_stamp(path)):
            found.setdefault(name, []).append(lesson)
    return found


def _stamp(path: Path) -> tuple[Path, int, int]:
    """Файл и то, по чему видно, что он изменился: время и размер."""
    status = path.stat()
    return path, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=256)
def _model_source(path: Path, time: int, size: int) -> str:
    """Модельные ячейки файла; пусто, если их нет."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise SyntaxError(
            f"Урок {path.name}, строка {line}: файл не в кодировке UTF-8. Сохраните его в UTF-8.",
            (str(path), line, None, None),
        ) from None
    lines = text.splitlines()
    result = [""] * len(lines)
    for cell in cells(text):
        if cell.kind == "code" and "model" in cell.tags:
            place = slice(cell.first - 1, cell.first - 1 + len(cell.source.splitlines()))
            result[place] = lines[place]
    return "\n".join(result) + "\n" if any(result) else ""


@lru_cache(maxsize=256)
def _classes(path: Path, time: int, size: int) -> tuple[str, ...]:
    """Открытые классы модельных ячеек файла."""
    try:
        source = _model_source(path, time, size)
    except SyntaxError:
        source = path.read_text(encoding="utf-8", errors="replace")
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return tuple(re.findall(r"^class ([^\W_]\w*)", source, flags=re.MULTILINE))
    return tuple(
        node.name
        for node in body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
