"""Файл → столбцы: что это за файл, в какой кодировке, чем разделён, где заголовок."""

import codecs
import csv
import difflib
import io
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import openpyxl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from recsys_lessons.inputs import check_memory, shown

SEPARATORS = {",": "«,»", ";": "«;»", "\t": "табуляция", "|": "«|»"}
_HEAD = 1 << 16  # столько первых байт хватает, чтобы узнать устройство текста
_LOOK = 30  # среди стольких первых строк ищется заголовок
_PIECE = 1 << 24
_OTHER_KINDS = {
    b"\xd0\xcf\x11\xe0": ("старая книга Excel (.xls)", "Сохраните её как .xlsx или CSV."),
    b"%PDF": ("PDF", "Нужна выгрузка в CSV, XLSX или Parquet."),
    b"\x1f\x8b": ("сжатый файл (gzip)", "Распакуйте его и подайте содержимое."),
    b"BZh": ("сжатый файл (bzip2)", "Распакуйте его и подайте содержимое."),
    b"7z\xbc\xaf": ("архив 7z", "Распакуйте его и подайте содержимое."),
    b"Rar!": ("архив RAR", "Распакуйте его и подайте содержимое."),
    b"SQLite format 3": ("база SQLite", "Выгрузите таблицу в CSV или Parquet."),
}


@dataclass(frozen=True)
class RawTable:
    """Столбцы файла, ещё не разобранные.

    :param columns: роль → значения: текст, а в Parquet — и числа, и моменты времени
    :param rows: сколько строк данных в файле, вместе с неразобранными
    :param broken: сколько строк не разобрать: в них другое число столбцов
    :param how: что за файл: «CSV, кодировка UTF-8, разделитель «;»»
    :param above: сколько непустых строк стоит над заголовком
    :param inside: сколько строк текста оказалось внутри кавычек
    :param unread: листы книги с теми же столбцами, которые не прочитаны: название → строк
    """

    columns: dict[str, pa.ChunkedArray]
    rows: int
    broken: int
    how: str
    above: int = 0
    inside: int = 0
    unread: Mapping[str, int] = field(default_factory=dict)


def read_file(
    source: Any, columns: Mapping[str, str], name: str = "", header: bool = True
) -> RawTable:
    """Прочитать из файла столбцы ``columns``: роль → имя столбца.

    :param source: путь или содержимое
    :param name: имя файла, если подано содержимое: для текстов ошибок
    :param header: есть ли в таблице заголовок; без него столбцы зовут «1», «2», …
    :raises FileNotFoundError: такого файла нет
    :raises ValueError: файл пуст, другого вида, испорчен или в нём нет названных столбцов
    """
    buffer, name = _contents(source, name)
    start = bytes(buffer[: min(_HEAD, buffer.size)])
    if not start.strip(b"\0 \r\n\t"):
        raise ValueError(f"Файл {name} пуст: проверьте, что выгрузка дошла до конца.")
    if start.startswith(b"PAR1"):
        return _parquet(buffer, columns, name)
    if start.startswith(b"PK\x03\x04"):
        return _xlsx(buffer, columns, name, header)
    for magic, (kind, advice) in _OTHER_KINDS.items():
        if start.startswith(magic):
            _other_kind(name, kind, advice)
    return _text(buffer, columns, name, header)


def _contents(source: Any, name: str) -> tuple[pa.Buffer, str]:
    """Содержимое, не переписанное в память без нужды, и имя для текстов ошибок."""
    if isinstance(source, bytes | bytearray | memoryview):
        return pa.py_buffer(source), name or "(без имени)"
    if not isinstance(source, str | Path):
        raise TypeError(f"Нужен путь к файлу или его содержимое (bytes), а не {shown(source)}.")
    path = Path(source)
    if not path.is_file():
        what = "это папка" if path.is_dir() else "такого файла нет"
        raise FileNotFoundError(f"{shown(str(source))}: {what}. Проверьте путь: {Path.cwd()}.")
    if not path.stat().st_size:
        return pa.py_buffer(b""), path.name
    return pa.memory_map(str(path)).read_buffer(), path.name


def _other_kind(name: str, kind: str, advice: str) -> NoReturn:
    raise ValueError(f"Файл {name} — это {kind}, а не таблица, какую можно прочесть. {advice}")


def _no_columns(missing: Sequence[str], present: Iterable[str], name: str) -> NoReturn:
    """Ошибка: столбцов нет; что в файле есть и на что похоже названное."""
    there = [column for column in present if column]
    close = [match for want in missing for match in difflib.get_close_matches(want, there, 1)]
    listed = ", ".join(column[:30] for column in there[:20])
    more = f" и ещё {len(there) - 20}" if len(there) > 20 else ""
    hint = f" Не {', '.join(close)[:60]} ли?" if close else ""
    raise ValueError(
        f"В файле {name} нет столбцов: {', '.join(missing)[:200]}. Есть: {listed}{more}.{hint} "
        "Если заголовка в файле нет, укажите header=False и номера столбцов: «1», «2», …"
    )


def _find(names: Sequence[str], columns: Mapping[str, str]) -> list[int] | None:
    """Места названных столбцов в заголовке или ``None``; пробелы по краям не важны."""
    stripped = [name.strip() for name in names]
    wanted = [column.strip() for column in columns.values()]
    return [stripped.index(w) for w in wanted] if set(wanted) <= set(stripped) else None


def _header(
    rows: Sequence[Sequence[str]], columns: Mapping[str, str], header: bool
) -> tuple[int, list[str]] | None:
    """Номер строки заголовка (−1 — его нет) и имена; безымянный столбец — «столбец 3»."""
    if not header:
        width = max(map(len, rows), default=0)
        names = [str(place + 1) for place in range(width)]
        return (-1, names) if _find(names, columns) else None
    for number, row in enumerate(rows[:_LOOK]):
        names = [cell.strip() or f"столбец {place + 1}" for place, cell in enumerate(row)]
        if _find(names, columns):
            return number, names
    return None


def _twice(places: Sequence[int], names: Sequence[str], name: str) -> None:
    doubled = [names[place] for place in places if list(names).count(names[place]) > 1]
    if doubled:
        raise ValueError(
            f"В файле {name} столбец {shown(doubled[0])} не один: переименуйте лишний в заголовке."
        )


# ------------------------------------------------------------------------------------------ текст


def _text(buffer: pa.Buffer, columns: Mapping[str, str], name: str, header: bool) -> RawTable:
    encoding, skip = _encoding(buffer, name)
    if encoding.startswith("utf-8") and not encoding.endswith("?"):
        buffer = buffer.slice(skip)
    else:
        check_memory(6 * buffer.size, f"Файл {name}", "Перекодируйте его в UTF-8.")
        text = bytes(buffer[skip:]).decode(encoding.rstrip("?"), errors="replace")
        buffer = pa.py_buffer(text.encode())
    # Столбцы текста, их словари и коды: измерено до шести с половиной объёмов файла.
    check_memory(7 * buffer.size, f"Файл {name}", "Возьмите часть строк или сохраните в Parquet.")
    head = bytes(buffer[: min(_HEAD, buffer.size)])
    if b"\0" in head:
        _other_kind(name, "двоичный файл", "Нужны CSV, TSV, XLSX или Parquet.")
    start = head.lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<table", b"<meta")):
        _other_kind(name, "страница HTML или XML", "Откройте её в Excel и сохраните как .xlsx.")
    if start.startswith((b"{", b"[")):
        _other_kind(name, "JSON", "Переведите: pandas.read_json(...).to_csv(...).")
    lines = head.splitlines(keepends=True)
    if len(head) < buffer.size and len(lines) > 1:
        lines.pop()  # последняя строка куска не целая
    separator, number, names = _layout(lines, columns, name, header)
    offset = sum(map(len, lines[: number + 1]))
    places = _find(names, columns)
    assert places is not None
    _twice(places, names, name)
    table, broken, inside = _parse(buffer.slice(offset), separator, len(names), places, name)
    above = sum(bool(line.strip()) for line in lines[: max(number, 0)])
    return RawTable(
        columns=dict(zip(columns, (table[f"c{place}"] for place in places), strict=True)),
        rows=table.num_rows + broken,
        broken=broken,
        how=f"текст, кодировка {_ENCODING_NAMES.get(encoding, encoding)}, разделитель — "
        f"{SEPARATORS[separator]}",
        above=above,
        inside=inside,
    )


_ENCODING_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 с меткой BOM",
    "utf-16": "UTF-16",
    "utf-8?": "UTF-8 с испорченными знаками",
}


def _encoding(buffer: pa.Buffer, name: str) -> tuple[str, int]:
    """Кодировка текста и сколько байт занимает её метка."""
    head = bytes(buffer[: min(_HEAD, buffer.size)])
    if head.startswith(codecs.BOM_UTF8):
        return ("utf-8-sig" if _is_utf8(buffer) else "utf-8?"), 3
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", 0
    for shift, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(head) >= 4 and head[shift::2].count(0) > 0.3 * len(head) / 2:
            return encoding, 0
    if b"\0" in head or _is_utf8(buffer):
        return "utf-8", 0
    return _guessed(buffer), 0


def _is_utf8(buffer: pa.Buffer) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, buffer.size, _PIECE):
            piece = buffer.slice(start, min(_PIECE, buffer.size - start))
            decoder.decode(bytes(piece))
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _guessed(buffer: pa.Buffer) -> str:
    """Кодировка не чистого UTF-8: та, в которой больше всего похожего на русский текст."""
    pieces = (buffer.slice(s, min(_PIECE, buffer.size - s)) for s in range(0, buffer.size, _PIECE))
    rows = (line for piece in pieces for line in bytes(piece).split(b"\n"))
    sample = b"\n".join(line for line, _ in zip(_not_ascii(rows), range(2000), strict=False))
    scores = {}
    for encoding in ("cp1251", "cp866", "koi8-r", "utf-8?"):
        text = sample.decode(encoding.rstrip("?"), errors="replace")
        if re.search("[А-яЁё]{3}", text):
            scores[encoding] = _russian(text)
    return max(scores, key=lambda encoding: scores[encoding]) if scores else "latin-1"


# Буквы по убыванию частоты в русском тексте.
_FREQUENT = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"


def _russian(text: str) -> float:
    """Насколько знаки вне ASCII похожи на русские слова: логарифм правдоподобия на знак.

    Частота буквы взята обратной её месту. Строчная перед заглавной — знак чужой кодировки: в
    koi8-r и cp1251 регистры стоят наоборот.
    """
    strange = [letter for letter in text if not letter.isascii()]
    likely = sum(
        -math.log(place + 1) if place >= 0 else -2 * math.log(len(_FREQUENT))
        for place in (_FREQUENT.find(letter.lower()) for letter in strange)
    )
    return (likely - 5 * len(re.findall("[а-яё][А-ЯЁ]", text))) / max(1, len(strange))


def _not_ascii(lines: Iterable[bytes]) -> Iterator[bytes]:
    return (line for line in lines if not line.isascii())


def _layout(
    lines: Sequence[bytes], columns: Mapping[str, str], name: str, header: bool
) -> tuple[str, int, list[str]]:
    """Разделитель, номер строки заголовка и имена столбцов."""
    text = [line.decode("utf-8", errors="replace") for line in lines]
    split = {separator: _rows(text, separator) for separator in SEPARATORS}
    order = sorted(SEPARATORS, key=lambda separator: -_evenness(split[separator]))
    for separator in order:
        found = _header(split[separator], columns, header)
        if found:
            return separator, *found
    rows = split[order[0]]
    first = next((row for row in rows if any(cell.strip() for cell in row)), [])
    present = (
        [cell.strip() for cell in first] if header else list(map(str, range(1, len(first) + 1)))
    )
    missing = [column for column in columns.values() if column.strip() not in present]
    _no_columns(missing or list(columns.values()), present, name)


def _rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    """Каждая строка отдельно: перевод строки внутри кавычек здесь не важен."""
    return [next(csv.reader([line], delimiter=separator), []) for line in lines[: 2 * _LOOK]]


def _evenness(rows: Sequence[Sequence[str]]) -> float:
    """Насколько похоже на таблицу: столбцов много и во всех строках поровну."""
    widths = [len(row) for row in rows if row]
    common = max(set(widths), key=widths.count, default=1)
    return 0 if common < 2 else widths.count(common) / len(widths) + common / 1000


def _parse(
    body: pa.Buffer, separator: str, width: int, places: Sequence[int], name: str
) -> tuple[pa.Table, int, int]:
    """Нужные столбцы текстом, сколько строк не разобрать, сколько переводов строки в кавычках."""
    if not body.size or not bytes(body[: min(body.size, _HEAD)]).strip():
        raise ValueError(f"В файле {name} только заголовок: ни одной строки данных.")
    parses = []
    lines = _quoted_lines(body)
    # Кавычка бывает и просто знаком дюйма: тогда без неё испорченных строк меньше.
    for quoted in (True, False) if lines else (False,):
        parse = _parse_once(body, separator, width, places, quoted)
        parses += [parse] if parse else []
        if parse and not parse[1] and parse[0].num_rows >= lines:
            break
    if len(parses) == 2 and not parses[1][1]:
        parses.pop(0)  # незакрытая кавычка проглотила бы строки молча
    if not parses:
        raise ValueError(
            f"Файл {name} не разобрать: похоже, не закрыта кавычка или строка длиннее "
            f"{_PIECE >> 20} МБ. Откройте его и сохраните как CSV ещё раз."
        )
    # Строки, проглоченные кавычкой, потеряны так же, как испорченные.
    table, broken, found = min(
        parses, key=lambda parse: parse[1] + max(0, lines - parse[1] - parse[0].num_rows)
    )
    if broken > table.num_rows:
        raise ValueError(
            f"Файл {name} не разобрать: в заголовке столбцов {width}, а в строках, например, "
            f"{found}. Проверьте разделитель, десятичные запятые и кавычки."
        )
    return table, broken, max(0, lines - broken - table.num_rows)


def _quoted_lines(body: pa.Buffer) -> int:
    """Сколько непустых строк в тексте; 0, если кавычек нет и считать незачем."""
    lines, quotes = 0, 0
    for start in range(0, body.size, _PIECE):
        piece = bytes(body.slice(start, min(_PIECE, body.size - start)))
        quotes += b'"' in piece
        lines += piece.count(b"\n") - piece.count(b"\n\n") - piece.count(b"\n\r\n")
    ends = bytes(body.slice(max(0, body.size - 1)))
    return (lines + (ends != b"\n")) if quotes else 0


def _parse_once(
    body: pa.Buffer, separator: str, width: int, places: Sequence[int], quoted: bool
) -> tuple[pa.Table, int, int] | None:
    """Столбцы, сколько строк испорчено и сколько столбцов в первой из них; ``None`` — не вышло."""
    broken: list[int] = []

    def skip(row: Any) -> str:
        broken.append(row.actual_columns)
        return "skip"

    wanted = [f"c{place}" for place in dict.fromkeys(places)]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(body),
            pa_csv.ReadOptions(column_names=[f"c{n}" for n in range(width)], block_size=_PIECE),
            pa_csv.ParseOptions(
                delimiter=separator,
                quote_char='"' if quoted else False,
                newlines_in_values=quoted,
                invalid_row_handler=skip,
            ),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table, len(broken), broken[0] if broken else width


# ------------------------------------------------------------------------------------------- XLSX


def _xlsx(buffer: pa.Buffer, columns: Mapping[str, str], name: str, header: bool) -> RawTable:
    try:
        members = zipfile.ZipFile(pa.BufferReader(buffer)).namelist()
    except zipfile.BadZipFile:
        _other_kind(name, "испорченный архив", "Скачайте или сохраните его ещё раз.")
    if "xl/workbook.xml" not in members:
        _other_kind(name, "архив zip", "Распакуйте его и подайте содержимое.")
    try:
        book = openpyxl.load_workbook(io.BytesIO(buffer), read_only=True, data_only=True)
        sheets = {sheet.title: _sheet_rows(sheet) for sheet in book.worksheets}
        shift = 1462 if book.epoch == CALENDAR_MAC_1904 else 0
    except Exception as error:  # openpyxl не обещает, что именно он бросит
        raise ValueError(f"Книга {name} испорчена: откройте её в Excel и сохраните ещё раз.") from (
            error
        )
    first: list[list[str]] = []
    for title, rows in sheets.items():
        found = _header(rows, columns, header)
        first = first or rows[:1]
        if found is None:
            continue
        number, names = found
        places = _find(names, columns)
        assert places is not None
        _twice(places, names, name)
        body = [row for row in rows[number + 1 :] if any(row)]
        if not body:
            raise ValueError(f"В книге {name} только заголовок: ни одной строки данных.")
        values = {
            role: pa.chunked_array([[row[place] if place < len(row) else "" for row in body]])
            for role, place in zip(columns, places, strict=True)
        }
        if shift and "time" in values:  # дни от 1904 года, а не от 1900-го
            days = [_later(day, shift) for day in values["time"].to_pylist()]
            values["time"] = pa.chunked_array([days])
        others = f" (листов в книге {len(sheets)})" if len(sheets) > 1 else ""
        above = sum(any(row) for row in rows[: max(number, 0)])
        how = f"книга XLSX, лист «{title}»{others}"
        return RawTable(values, len(body), 0, how, above, unread=_unread(sheets, title, columns))
    present = first[0] if first else []
    missing = [column for column in columns.values() if column.strip() not in present]
    _no_columns(missing or list(columns.values()), present, name)


def _later(day: str, shift: int) -> str:
    """Число дней Excel, увеличенное на ``shift``; прочее — как есть."""
    return repr(float(day) + shift) if re.fullmatch(r"\d{4,5}(\.\d+)?", day) else day


def _unread(
    sheets: Mapping[str, list[list[str]]], taken: str, columns: Mapping[str, str]
) -> dict[str, int]:
    """Другие листы, на которых стоят те же столбцы: название → строк данных."""
    found = {}
    for title, rows in sheets.items():
        place = None if title == taken else _header(rows, columns, True)
        if place is not None:
            found[title] = sum(any(row) for row in rows[place[0] + 1 :])
    return {title: rows for title, rows in found.items() if rows}


def _sheet_rows(sheet: Any) -> list[list[str]]:
    sheet.reset_dimensions()
    return [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]


def _cell(value: Any) -> str:
    """Ячейка текстом: целое без «.0», момент — по ISO."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    return value.isoformat(" ") if hasattr(value, "hour") and hasattr(value, "year") else str(value)


# ---------------------------------------------------------------------------------------- Parquet


def _parquet(buffer: pa.Buffer, columns: Mapping[str, str], name: str) -> RawTable:
    try:
        file = pq.ParquetFile(pa.BufferReader(buffer))
        names = file.schema_arrow.names
        places = _find(names, columns)
        if places is None:
            stripped = [column.strip() for column in names]
            missing = [column for column in columns.values() if column.strip() not in stripped]
            _no_columns(missing, names, name)
        _twice(places, names, name)
        rows = file.metadata.num_rows  # на строку измерено до 120 байт
        check_memory(150 * rows, f"Файл {name}", "Возьмите часть строк.")
        table = file.read(columns=[names[place] for place in places])
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"Файл Parquet {name} испорчен или обрезан: запишите его заново.") from (
            error
        )
    if not table.num_rows:
        raise ValueError(f"В файле {name} только заголовок: ни одной строки данных.")
    values = {}
    for role, place in zip(columns, places, strict=True):
        column = table[names[place]]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            raise ValueError(
                f"В столбце {shown(names[place])} файла {name} не числа и не текст, а "
                f"{str(column.type)[:60]}. Нужен простой столбец: одна строка — одно событие."
            )
        if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
            column = column.cast(pa.string())
        values[role] = column
    return RawTable(values, table.num_rows, 0, "Parquet")
