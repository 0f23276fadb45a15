"""Чужие файлы: список группы, папка с работами, архивы и тетради.

Всё, что пришло от студента, считается враждебным. Архив не распаковывается на диск, ссылки не
открываются, у всего есть предел. Большую тетрадь разбирает отдельный процесс с пределом памяти: из
ста мегабайт скобок JSON получилось бы два гигабайта объектов. Выводы ячеек отбрасываются. Здесь
ничего не исполняется и не компилируется: то и другое делает только песочница.
"""

import csv
import io
import json
import os
import re
import stat
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MB = 2**20
MAX_NOTEBOOK = 100 * MB  # тетрадь вместе с выводами
MAX_UNPACKED = 150 * MB  # всё содержимое архива
MAX_ENTRIES = 300  # файлов в архиве
MAX_SOURCE = 1 * MB  # весь код и текст тетради без выводов
MAX_CELLS = 1000
SMALL = 4 * MB  # до этого размера тетрадь разбирается без отдельного процесса
SLIM_MEMORY = 1500 * MB
SLIM_SECONDS = 60


class Refused(Exception):
    """Работу не приняли; в тексте — почему и что сделать."""


# --- Список группы ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Student:
    """Строка списка группы. От номера зависит вариант; имена могут повторяться, логины — нет."""

    number: int
    login: str
    name: str
    email: str = ""
    moodle: str = ""


_COLUMNS = {
    "number": ("number", "номер"),
    "login": ("login", "логин"),
    "name": ("name", "имя"),
    "email": ("email", "почта"),
    "moodle": ("moodle", "moodle id", "moodle_id"),
}


def read_table(path: Path) -> list[dict[str, str]]:
    """Строки CSV: разделитель — запятая или точка с запятой, имена столбцов — строчными буквами.

    :raises ValueError: кавычка не закрыта
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="cp1251")
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        raise ValueError(f"{path} не читается как CSV: в нём незакрытая кавычка.") from None
    return [
        {
            str(key).strip().lower(): (value or "").strip()
            for key, value in row.items()
            if key is not None and not isinstance(value, list)
        }
        for row in rows
    ]


def read_roster(path: Path) -> list[Student]:
    """Список группы: столбцы ``number, login, name`` и, если есть, ``email, moodle``.

    :raises ValueError: столбца нет, номер не целый, логин пустой, повторяется или не годится в имя
        файла
    """
    if not path.is_file():
        raise ValueError(f"Нет файла со списком группы: {path}.")
    students: list[Student] = []
    for line, row in enumerate(read_table(path), start=2):
        found: dict[str, str] = {}
        for field_name, names in _COLUMNS.items():
            found[field_name] = next((row[name] for name in names if row.get(name)), "")
        login = unicodedata.normalize("NFC", found["login"])
        if not re.fullmatch(r"0*[1-9][0-9]{0,5}", found["number"]) or not login:
            raise ValueError(
                f"{path}, строка {line}: нужны номер, целый от 1, и логин (столбцы number, login, "
                "name)."
            )
        if re.search(r"[/\\:*?\"<>|\x00-\x1f]", login) or login.startswith(".") or len(login) > 80:
            raise ValueError(f"{path}, строка {line}: логин {login!r} не годится в имя файла.")
        students.append(
            Student(int(found["number"]), login, found["name"], found["email"], found["moodle"])
        )
    if not students:
        raise ValueError(f"Список группы {path} пуст: нужны столбцы number, login, name.")
    for label, values in (
        ("логин", [one.login.casefold() for one in students]),
        ("номер", [str(one.number) for one in students]),
    ):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise ValueError(f"{path}: {label} повторяется: {', '.join(twice[:5])}.")
    return students


# --- Папка с работами ------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """Файл или папка с работой одного студента.

    :param moodle: номер участника из имени, которое дал Moodle; у каждого задания он свой
    """

    path: Path
    moodle: str = ""


_MOODLE = re.compile(r"^(?P<name>[^_]+)_(?P<number>\d+)_assignsubmission_file(?:_(?P<rest>.*))?$")


def _words(name: str) -> frozenset[str]:
    text = unicodedata.normalize("NFKC", name).casefold().replace("ё", "е")
    return frozenset(re.findall(r"\w+", text))


def same_name(one: str, other: str) -> bool:
    """Те же слова в любом порядке; отчества может не быть с одной из сторон."""
    first, second = _words(one), _words(other)
    return len(first & second) >= min(2, len(first), len(second)) > 0 and (
        first <= second or second <= first
    )


def find_submissions(
    folder: Path, students: Sequence[Student], participants: Mapping[str, str] | None = None
) -> tuple[dict[str, Found], list[str]]:
    """Чья работа где лежит: логин → файл или папка, и список того, что не узнано.

    Узнаются папка ``ЛОГИН``, файлы ``ЛОГИН.zip``, ``ЛОГИН.ipynb``, ``ЛОГИН_….ipynb`` и то, что
    скачано из Moodle: «Имя Фамилия_НОМЕР_assignsubmission_file». По имени студент узнаётся, если в
    группе такое имя одно.

    :param participants: номер участника Moodle → логин, если известна ведомость
    :raises ValueError: папки нет
    """
    if not folder.is_dir():
        raise ValueError(f"Нет папки с работами: {folder}.")
    logins = {one.login.casefold(): one.login for one in students}
    found: dict[str, Found] = {}
    unknown: list[str] = []
    for path in sorted(folder.iterdir(), key=lambda one: one.name):
        name = unicodedata.normalize("NFC", path.name)
        if name.startswith((".", "__MACOSX")):
            continue
        stem = name if path.is_dir() else re.sub(r"\.(ipynb|zip)$", "", name, flags=re.IGNORECASE)
        login, number = logins.get(stem.casefold()), ""
        match = _MOODLE.match(stem)
        if login is None and match:
            number = match["number"]
            login = _moodle_login(match["name"], number, students, participants or {})
        elif login is None:
            owners = [key for key in logins if stem.casefold().startswith(key + "_")]
            login = logins[max(owners, key=len)] if owners else None
        if login is None:
            unknown.append(path.name)
        elif login in found:
            unknown.append(f"{path.name} (вторая работа {login}; взята {found[login].path.name})")
        else:
            found[login] = Found(path, number)
    return found, unknown


def _moodle_login(
    name: str, number: str, students: Sequence[Student], participants: Mapping[str, str]
) -> str | None:
    if number in participants:
        return participants[number]
    namesakes = [one for one in students if same_name(one.name, name)]
    if len(namesakes) > 1:
        namesakes = [one for one in namesakes if one.moodle == number]
    return namesakes[0].login if len(namesakes) == 1 else None


def read_submission(path: Path, name: str) -> tuple[bytes, float, str]:
    """Тетрадь работы: содержимое, время файла и имя.

    :param name: имя задания; в папке и архиве ищется прежде всего ``имя.ipynb``
    :raises Refused: ссылка, не файл, больше предела, опасный архив, тетради нет
    """
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise Refused("Вместо файла прислана ссылка. Пришлите сам файл.")
    if stat.S_ISDIR(mode):
        inside = [one for one in _walk(path) if one.suffix.lower() in (".ipynb", ".zip")]
        notebooks = [one for one in inside if one.suffix.lower() == ".ipynb"]
        archives = [one for one in inside if one.suffix.lower() == ".zip"]
        if not notebooks and archives:
            return read_submission(max(archives, key=_time), name)
        return read_submission(_choose(notebooks, name), name)
    if not stat.S_ISREG(mode):
        raise Refused("Прислан не обычный файл. Пришлите тетрадь .ipynb или архив .zip.")
    if path.suffix.lower() == ".zip":
        data, inner = _from_archive(path, name)
        return data, path.stat().st_mtime, inner
    if path.suffix.lower() != ".ipynb":
        raise Refused(f"Файл {path.name} — не тетрадь .ipynb и не архив .zip.")
    if path.stat().st_size > MAX_NOTEBOOK:
        raise Refused(_too_big())
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MAX_NOTEBOOK + 1)
    if len(data) > MAX_NOTEBOOK:
        raise Refused(_too_big())
    return data, path.stat().st_mtime, path.name


def _too_big() -> str:
    return (
        f"Тетрадь больше {MAX_NOTEBOOK // MB} МБ. Очистите выводы ячеек, сохраните и пришлите "
        f"ещё раз."
    )


def _time(path: Path) -> float:
    return path.lstat().st_mtime


def _walk(folder: Path) -> list[Path]:
    """Файлы папки, не глубже трёх уровней; ссылки на папки не открываются."""
    found: list[Path] = []
    for root, folders, files in os.walk(folder, followlinks=False):
        here = Path(root)
        folders[:] = sorted(one for one in folders if not one.startswith((".", "__MACOSX")))
        if len(here.relative_to(folder).parts) >= 3:
            folders.clear()
        found += [here / one for one in sorted(files) if not one.startswith(".")]
        if len(found) > MAX_ENTRIES:
            raise Refused(f"В папке больше {MAX_ENTRIES} файлов. Пришлите одну тетрадь.")
    return found


def _choose(paths: Sequence[Path], name: str) -> Path:
    """Тетрадь задания: с его именем, иначе с его номером, иначе единственная."""
    number = name.partition("_")[0]
    for wanted in (
        [one for one in paths if one.stem.casefold() == name.casefold()],
        [one for one in paths if name.casefold() in one.stem.casefold()],
        [one for one in paths if re.match(rf"{number}(?!\w)|{number}_", one.stem)],
        list(paths),
    ):
        if len(wanted) == 1:
            return wanted[0]
        if wanted:
            listed = ", ".join(sorted(one.name for one in wanted)[:5])
            raise Refused(f"Тетрадей несколько: {listed}. Пришлите одну: {name}.ipynb.")
    raise Refused(f"Тетради .ipynb в работе нет. Пришлите {name}.ipynb.")


def _from_archive(path: Path, name: str) -> tuple[bytes, str]:
    if path.stat().st_size > MAX_NOTEBOOK:
        raise Refused(f"Архив больше {MAX_NOTEBOOK // MB} МБ.")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise Refused(f"В архиве больше {MAX_ENTRIES} файлов. Пришлите одну тетрадь.")
            for one in entries:
                _check_entry(one)
            if sum(one.file_size for one in entries) > MAX_UNPACKED:
                raise Refused(f"Содержимое архива больше {MAX_UNPACKED // MB} МБ.")
            inside = {
                Path(one.filename): one
                for one in entries
                if one.filename.lower().endswith(".ipynb")
                and not any(part.startswith((".", "__MACOSX")) for part in Path(one.filename).parts)
            }
            chosen = _choose(list(inside), name)
            with archive.open(inside[chosen]) as file:
                data = file.read(MAX_NOTEBOOK + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Refused(f"Архив не читается ({type(error).__name__}). Соберите его заново.") from None
    except (ValueError, OverflowError, UnicodeError, zipfile.zlib.error):  # type: ignore[attr-defined]
        raise Refused("Архив испорчен. Соберите его заново.") from None
    if len(data) > MAX_NOTEBOOK:
        raise Refused(_too_big())
    return data, chosen.name


def _check_entry(entry: zipfile.ZipInfo) -> None:
    parts = re.split(r"[/\\]", entry.filename)
    if ".." in parts or parts[0] == "" or re.match(r"[A-Za-z]:", entry.filename):
        raise Refused("Архив пытается записать файл вне своей папки: он не принят.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Refused("В архиве есть ссылка вместо файла: он не принят.")
    if entry.flag_bits & 1:
        raise Refused("Архив закрыт паролем: пришлите его без пароля.")


# --- Тетрадь ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """Ячейка тетради без выводов.

    :param mark: метка курса: ``variant``, ``given``, ``task-1``, ``check-1``, ``open-1`` или пусто
    """

    kind: str
    mark: str
    source: str


_MARK = re.compile(r"^(variant|given|(task|check|open)-[\w.-]+)$")
_HEADING = re.compile(r"^\s*#{1,6}\s*Задача\s+(?P<id>[\w-]+)", re.MULTILINE)


def parse_notebook(data: bytes) -> list[Cell]:
    """Ячейки тетради версий 2–4.

    :raises Refused: не JSON, не тетрадь, больше пределов
    """
    slim = _slim_outside(data) if len(data) > SMALL else slim_notebook(data)
    return [Cell(kind, mark, source) for kind, mark, source in slim]


def slim_notebook(data: bytes) -> list[tuple[str, str, str]]:
    """Вид, метка и текст каждой ячейки.

    :raises Refused: не JSON, не тетрадь, больше пределов
    """
    try:
        book = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Refused("Файл не читается как тетрадь: это не JSON. Сохраните её заново.") from None
    if not isinstance(book, dict):
        raise Refused("Файл не читается как тетрадь: нет списка ячеек.")
    version = book.get("nbformat", 4)
    raw: Any
    if version in (2, 3) and isinstance(book.get("worksheets"), list):
        sheets = [one for one in book["worksheets"] if isinstance(one, dict)]
        raw = [
            cell for one in sheets if isinstance(one.get("cells"), list) for cell in one["cells"]
        ]
    else:
        raw = book.get("cells")
    if not isinstance(raw, list):
        raise Refused("Файл не читается как тетрадь: нет списка ячеек.")
    if isinstance(version, int) and version > 4:
        raise Refused(
            f"Тетрадь версии {version}, а понятны версии до 4. Сохраните её в JupyterLab."
        )
    if len(raw) > MAX_CELLS:
        raise Refused(f"В тетради больше {MAX_CELLS} ячеек.")
    cells = [_cell(one) for one in raw if isinstance(one, dict)]
    if sum(len(source) for _, _, source in cells) > MAX_SOURCE:
        raise Refused(f"Кода и текста в тетради больше {MAX_SOURCE // MB} МБ.")
    return cells


def _cell(raw: Mapping[str, Any]) -> tuple[str, str, str]:
    kind = "code" if raw.get("cell_type") == "code" else "markdown"
    source = raw.get("source", raw.get("input", ""))
    if isinstance(source, list):
        source = "".join(one for one in source if isinstance(one, str))
    if not isinstance(source, str):
        source = ""
    # Одиночные суррогаты нельзя записать в UTF-8, нулевые байты — скомпилировать.
    source = source.encode("utf-8", "replace").decode("utf-8").replace("\x00", " ")
    source = source.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if raw.get("cell_type") == "heading":
        source = "## " + source
    return kind, _mark(raw.get("metadata")), source


def _mark(metadata: Any) -> str:
    if not isinstance(metadata, dict):
        return ""
    ours = metadata.get("recsys")
    tags = metadata.get("tags")
    candidates = [ours.get("cell")] if isinstance(ours, dict) else []
    candidates += tags if isinstance(tags, list) else []
    return next((one for one in candidates if isinstance(one, str) and _MARK.match(one)), "")


def _slim_outside(data: bytes) -> list[tuple[str, str, str]]:
    """Разобрать тетрадь в процессе с пределом памяти."""
    command = [sys.executable, "-I", "-B", "-X", "utf8", str(Path(__file__).resolve())]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SLIM_SECONDS)
    except subprocess.TimeoutExpired:
        raise Refused("Тетрадь слишком долго читается. Очистите выводы ячеек.") from None
    if done.returncode:
        raise Refused("Тетрадь не помещается в память. Очистите выводы ячеек.")
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise Refused(answer["refused"])
    return [(kind, mark, source) for kind, mark, source in answer["cells"]]


def _main() -> None:
    try:
        import resource
    except ImportError:  # Windows: предела памяти нет
        pass
    else:
        resource.setrlimit(resource.RLIMIT_AS, (SLIM_MEMORY, SLIM_MEMORY))
    data = sys.stdin.buffer.read()
    try:
        answer: dict[str, Any] = {"cells": slim_notebook(data)}
    except Refused as refused:
        answer = {"refused": str(refused)}
    sys.stdout.write(json.dumps(answer))


# --- Ячейки по задачам -----------------------------------------------------------------------


@dataclass
class Work:
    """Что студент написал: код по задачам и тексты открытых вопросов."""

    code: dict[str, list[str]] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)
    present: set[str] = field(default_factory=set)


def plain(source: str) -> str:
    """Текст ячейки, в котором пробелы на концах строк не различают ячеек."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def split_tasks(cells: Iterable[Cell], release: Iterable[Cell]) -> Work:
    """Разложить ячейки работы по задачам.

    Ячейка без метки принадлежит задаче над ней — по последней метке или заголовку «Задача k», —
    если она не повторяет ячейку, данную всем. Ячейки ``variant``, ``given`` и ``check-k`` работы не
    исполняются: они берутся из выдачи или не нужны.
    """
    shared = {
        plain(one.source)
        for one in release
        if one.kind == "code" and not one.mark.startswith("task-")
    }
    work = Work()
    current = ""
    for cell in cells:
        kind, _, task = cell.mark.partition("-")
        if cell.kind != "code":
            heading = _HEADING.search(cell.source)
            if kind == "open":
                current = task
                work.open[task] = "\n\n".join(filter(None, [work.open.get(task), cell.source]))
            elif heading:
                current = heading["id"]
        elif kind == "task":
            current = task
            work.present.add(task)
            work.code.setdefault(task, []).append(cell.source)
        elif kind == "check":
            current = task
        elif not kind and current and plain(cell.source) and plain(cell.source) not in shared:
            work.code.setdefault(current, []).append(cell.source)
    return work


if __name__ == "__main__":
    _main()
