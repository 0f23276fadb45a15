"""Уроки и их модельные ячейки.

Урок — файл ``NN_имя.py`` в формате percent. Ячейки с меткой ``model`` составляют готовый алгоритм;
:mod:`recsys_lessons.models` делает из них настоящий модуль.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).parent
_MARKER = re.compile(r"^# %%(?P<rest>.*)$")
_TAGS = re.compile(r"tags=\[(?P<tags>[^\]]*)\]")


@dataclass(frozen=True)
class Cell:
    """Ячейка урока.

    :param kind: ``"code"`` или ``"markdown"``
    :param tags: метки
    :param first: номер первой строки содержимого в файле, от единицы
    :param source: содержимое; у текста знаки комментария сняты
    """

    kind: str
    tags: tuple[str, ...]
    first: int
    source: str


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
    """Имя модуля → файл урока: ``{"ease": …/04_ease.py}``. Без справочника."""
    return {path.stem.split("_", 1)[1]: path for path in sorted(lessons_dir().glob("[0-9]*_*.py"))}


def lesson_path(name: str) -> Path:
    """Файл урока по имени: ``"ease"``.

    :raises KeyError: такого урока нет
    """
    paths = lesson_paths()
    if name not in paths:
        raise KeyError(f"Урока {name!r} нет. Есть: {', '.join(paths)}.")
    return paths[name]


def cells(text: str) -> list[Cell]:
    """Ячейки файла в формате percent, по порядку. Заголовок файла не входит."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if _MARKER.match(line)]
    result = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        marker = _MARKER.match(lines[start])
        rest = marker["rest"] if marker else ""
        tags = _TAGS.search(rest)
        kind = "markdown" if "[markdown]" in rest else "code"
        body = lines[start + 1 : end]
        if kind == "markdown":
            body = [re.sub(r"^# ?", "", line) for line in body]
        result.append(
            Cell(
                kind,
                tuple(re.findall(r'"([^"]+)"', tags["tags"])) if tags else (),
                start + 2,
                "\n".join(body).rstrip(),
            )
        )
    return result


def model_source(name: str) -> str:
    """Модельные ячейки урока; остальные строки пусты, поэтому номера строк те же, что в файле.

    :raises KeyError: такого урока нет
    :raises ValueError: в уроке нет модельных ячеек
    """
    text = lesson_path(name).read_text(encoding="utf-8")
    result = [""] * len(text.splitlines())
    for cell in cells(text):
        if cell.kind == "code" and "model" in cell.tags:
            body = cell.source.splitlines()
            result[cell.first - 1 : cell.first - 1 + len(body)] = body
    if not any(result):
        raise ValueError(f"В уроке {name!r} нет ячеек с меткой model.")
    return "\n".join(result) + "\n"
