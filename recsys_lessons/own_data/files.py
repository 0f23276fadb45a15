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
from openpyxl.utils.cell import get_column_letter, range_boundaries
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
    b"\xfd7zXZ": ("сжатый файл (xz)", "Распакуйте его и подайте содержимое."),
    b"\x28\xb5\x2f\xfd": ("сжатый файл (zstd)", "Распакуйте его и подайте содержимое."),
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
    :param said: остальные замечания: вид, сколько строк, текст
    """

    columns: dict[str, pa.ChunkedArray]
    rows: int
    broken: int
    how: str
    above: int = 0
    inside: int = 0
    unread: Mapping[str, int] = field(default_factory=dict)
    said: tuple[tuple[str, int, str], ...] = ()


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
    if not start.strip(b"\0 \r\n\t\xef\xbb\xbf\xff\xfe"):
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


def _no_columns(
    missing: Sequence[str], present: Iterable[str], name: str, seen: str = ""
) -> NoReturn:
    """Ошибка: столбцов нет; что в файле есть и на что похоже названное.

    :param seen: что ещё замечено в файле
    """
    there = [column for column in present if column]
    near = [match for want in missing for match in difflib.get_close_matches(want, there, 1)]
    close = list(dict.fromkeys(near))
    listed = ", ".join(column[:30] for column in there[:20])
    more = f" и ещё {len(there) - 20}" if len(there) > 20 else ""
    hint = f" Не {', '.join(close)[:60]} ли?" if close else ""
    if len(there) == 1 and all(want.strip() in there[0] for want in missing):
        hint = (
            " Весь заголовок — одна ячейка: строка целиком в кавычках или столбцы разделены не "
            "запятой, не «;», не табуляцией и не «|». Сохраните файл как CSV ещё раз."
        )
    raise ValueError(
        f"В файле {name} нет столбцов: {', '.join(missing)[:200]}. Есть: {listed}{more}.{hint}"
        f"{seen} Если заголовка в файле нет, укажите header=False и номера столбцов: «1», «2», …"
    )


def _not_found(
    rows: Sequence[Sequence[str]], columns: Mapping[str, str], name: str, header: bool
) -> NoReturn:
    """Ошибка: ни в одной строке нет всех названных столбцов; которая похожа на заголовок."""
    rows = [[cell.strip() for cell in row] for row in rows[:_LOOK]]
    wanted = [column.strip() for column in columns.values()]
    if not header:
        present = [str(place + 1) for place in range(max(map(len, rows), default=0))]
        _no_columns([w for w in wanted if w not in present] or wanted, present, name)

    def like(number: int) -> tuple[int, int]:
        return len(set(wanted) & set(rows[number])), sum(map(bool, rows[number]))

    best = max(range(len(rows)), key=like, default=0)
    present = list(rows[best]) if rows else []
    where = {
        want: next((n + 1 for n, row in enumerate(rows) if want in row), None) for want in wanted
    }
    seen = f" На заголовок похожа строка {best + 1}." if best else ""
    if None not in where.values() and len(set(where.values())) > 1:
        places = ", ".join(f"«{want[:30]}» — в строке {line}" for want, line in where.items())
        seen = (
            f" Названные столбцы стоят в разных строках ({places}): заголовок из нескольких строк. "
            "Разъедините ячейки и оставьте одну строку заголовка со всеми именами."
        )
    _no_columns([w for w in wanted if w not in present] or wanted, present, name, seen)


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
    numbered = all(column.strip().isdecimal() for column in columns.values())
    for number, row in enumerate(rows[:_LOOK]):
        names = [cell.strip() or _nameless(place) for place, cell in enumerate(row)]
        if numbered and any(row) and not _in_a_row(names):
            return None  # строка данных «7;12» — не заголовок: в заголовке номера идут подряд
        if _find(names, columns):
            return number, names
    return None


def _nameless(place: int) -> str:
    return f"столбец {place + 1}"


def _in_a_row(names: Sequence[str]) -> bool:
    """Имена столбцов — номера подряд с нуля или с единицы."""
    return list(names) in ([str(n + first) for n in range(len(names))] for first in (0, 1))


def _doubts(
    rows: Sequence[Sequence[str]],
    number: int,
    names: Sequence[str],
    places: Sequence[int],
    name: str,
) -> list[tuple[str, int, str]]:
    """Замечания о заголовке, в котором можно ошибиться.

    :param rows: первые строки файла, считая от начала
    :raises ValueError: под заголовком вторая его строка, и имя может значить разные столбцы
    """
    if number < 0:
        return []
    if _in_a_row(names):
        listed = "; ".join(names[:5])
        text = (
            f"Заголовком взята строка «{listed}»: в ней номера подряд. Если это данные, укажите "
            "header=False."
        )
        return [("numeric_header", 1, text)]
    body = [[*row, *[""] * (len(names) - len(row))] for row in rows[number + 1 :] if any(row)]
    if len(body) < 3:
        return []
    first, rest = body[0], body[1:]
    blank = [
        place
        for place in range(len(names))
        if names[place] == _nameless(place) and place not in places and first[place].strip()
    ]

    def word(place: int) -> bool:
        """В первой строке слово, а ниже всюду цифры."""
        digits = all(re.search(r"\d", row[place]) for row in rest if row[place].strip())
        return bool(first[place].strip()) and not re.search(r"\d", first[place]) and digits

    if not all(not re.search(r"\d", first[place]) for place in (*places, *blank)):
        return []
    second = ", ".join(cell.strip()[:20] for cell in first[:8])
    if any(map(word, (*places, *blank))) and any(place - 1 in places for place in blank):
        unclear = [names[place - 1] for place in blank if place - 1 in places]
        raise ValueError(
            f"В файле {name} заголовок, похоже, из двух строк: под строкой {number + 1} стоит "
            f"«{second}», а справа от «{unclear[0][:30]}» столбец без имени. Какой из двух "
            "столбцов нужен, не понять. Разъедините ячейки и оставьте одну строку заголовка."
        )
    if all(word(place) for place in places[:2]):
        text = (
            f"Первая строка данных («{second}») похожа на вторую строку заголовка: в ней слова, а "
            "ниже цифры. Она оставлена; если это не данные, уберите её из файла."
        )
        return [("second_header", 1, text)]
    return []


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
        lines_too = ", lines=True" if start.startswith(b"{") else ""
        _other_kind(name, "JSON", f"Переведите: pandas.read_json(...{lines_too}).to_csv(...).")
    lines = head.splitlines(keepends=True)
    if len(head) < buffer.size and len(lines) > 1:
        lines.pop()  # последняя строка куска не целая
    separator, number, names, first = _layout(lines, columns, name, header)
    offset = sum(map(len, lines[: number + 1]))
    places = _find(names, columns)
    assert places is not None
    _twice(places, names, name)
    said = _doubts(first, number, names, places, name)
    least = _least_width(first[number + 1 :], names, places, header)
    table, broken, inside, evened = _parse(
        buffer.slice(offset), separator, len(names), least, places, name
    )
    if evened:
        where = "строк" if least == len(names) else "заголовка"
        text = (
            f"Лишний разделитель в конце {where}: столбец без имени отброшен, поправлено строк: "
            f"{evened}."
        )
        said.append(("trailing", evened, text))
    above = sum(bool(line.strip()) for line in lines[: max(number, 0)])
    return RawTable(
        columns=dict(zip(columns, (table[f"c{place}"] for place in places), strict=True)),
        rows=table.num_rows + broken,
        broken=broken,
        how=f"текст, кодировка {_ENCODING_NAMES.get(encoding, encoding)}, разделитель — "
        f"{SEPARATORS[separator]}",
        above=above,
        inside=inside,
        said=tuple(said),
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
) -> tuple[str, int, list[str], list[list[str]]]:
    """Разделитель, номер строки заголовка, имена столбцов и первые строки по столбцам."""
    text = [line.decode("utf-8", errors="replace") for line in lines]
    split = {separator: _rows(text, separator) for separator in SEPARATORS}
    order = sorted(SEPARATORS, key=lambda separator: -_evenness(split[separator]))
    for separator in order:
        found = _header(split[separator], columns, header)
        if found:
            return separator, *found, split[separator]
    _not_found(split[order[0]], columns, name, header)


def _rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    """Каждая строка отдельно: перевод строки внутри кавычек здесь не важен."""
    return [next(csv.reader([line], delimiter=separator), []) for line in lines[: 2 * _LOOK]]


def _least_width(
    rows: Sequence[Sequence[str]], names: Sequence[str], places: Sequence[int], header: bool
) -> int:
    """Сколько столбцов в строке хватает: последние без имени (без заголовка — пустые) не нужны."""
    least = len(names)
    while least - 1 > max(places) and (
        names[least - 1] == _nameless(least - 1)
        if header
        else not any(row[least - 1].strip() for row in rows if len(row) >= least)
    ):
        least -= 1
    return least


def _evenness(rows: Sequence[Sequence[str]]) -> float:
    """Насколько похоже на таблицу: столбцов много и во всех строках поровну."""
    widths = [len(row) for row in rows if row]
    common = max(set(widths), key=widths.count, default=1)
    return 0 if common < 2 else widths.count(common) / len(widths) + common / 1000


def _parse(
    body: pa.Buffer,
    separator: str,
    width: int,
    least: int,
    places: Sequence[int],
    name: str,
    evened: int = 0,
) -> tuple[pa.Table, int, int, int]:
    """Нужные столбцы текстом; сколько строк не разобрать, переводов в кавычках и строк поправлено.

    :param least: в строке хватает стольких столбцов, остальные до ``width`` пусты и не нужны
    :param evened: сколько строк поправлено прежде
    """
    if not body.size or not bytes(body[: min(body.size, _HEAD)]).strip():
        raise ValueError(f"В файле {name} только заголовок: ни одной строки данных.")
    parses = []
    lines = _quoted_lines(body)
    # Кавычка бывает и просто знаком дюйма: тогда без неё испорченных строк меньше.
    for quoted in (True, False) if lines else (False,):
        parse = _parse_once(body, separator, width, least, places, quoted)
        parses += [parse] if parse else []
        if parse and not parse[1] and parse[0].num_rows >= lines:
            break
    if not evened and any(parse[3] for parse in parses):
        even, evened = _evened(body, separator, width, least)
        if evened:
            return _parse(even, separator, width, least, places, name, evened)
    if len(parses) == 2 and not parses[1][1]:
        right = not parses[0][1] and _well_quoted(body, separator)
        parses.pop(int(right))  # незакрытая кавычка проглотила бы строки молча
    if not parses:
        raise ValueError(
            f"Файл {name} не разобрать: похоже, не закрыта кавычка или строка длиннее "
            f"{_PIECE >> 20} МБ. Откройте его и сохраните как CSV ещё раз."
        )
    # Строки, проглоченные кавычкой, потеряны так же, как испорченные.
    table, broken, found, _ = min(
        parses, key=lambda parse: parse[1] + max(0, lines - parse[1] - parse[0].num_rows)
    )
    if broken > table.num_rows:
        raise ValueError(
            f"Файл {name} не разобрать: в заголовке столбцов {width}, а в строках, например, "
            f"{found}. Проверьте разделитель, десятичные запятые и кавычки."
        )
    return table, broken, max(0, lines - broken - table.num_rows), evened


def _well_quoted(body: pa.Buffer, separator: str) -> bool:
    """Все кавычки стоят по правилам CSV: открыта в начале ячейки, закрыта в конце."""
    text = io.TextIOWrapper(pa.BufferReader(body), errors="replace", newline="")
    try:
        return all(True for _ in csv.reader(text, delimiter=separator, strict=True))
    except csv.Error:
        return False


def _evened(body: pa.Buffer, separator: str, width: int, least: int) -> tuple[pa.Buffer, int]:
    """Текст, в строках которого ровно ``width`` столбцов, и сколько строк поправлено.

    Снимаются только пустые столбцы в конце, добавляются только ненужные. Если в лишних столбцах
    что-то стоит больше чем в сотой части поправленных, не правится ничего: сдвинуты, может быть,
    все столбцы.
    """
    mark = separator.encode()
    even: list[bytes] = []
    evened = filled = 0
    for row in _whole_rows(bytes(body).split(b"\n")):
        cells = row.count(mark) + 1
        if b'"' in row:
            text = io.StringIO(row.decode(errors="replace"), newline="")
            cells = len(next(csv.reader(text, delimiter=separator)))
        extra = cells - width
        if extra > 0 and row.rstrip(b"\r").endswith(mark * extra):
            even.append(row.rstrip(b"\r")[:-extra])
        elif least <= cells < width and row.strip():
            even.append(row.rstrip(b"\r") + mark * -extra)
        else:
            even.append(row)
            filled += extra > 0
            continue
        evened += 1
    if 100 * filled > evened:
        return body, 0
    return pa.py_buffer(b"\n".join(even)), evened


def _whole_rows(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Строки таблицы: перевод строки внутри кавычек строку не кончает, если кавычка закрыта."""
    pending: list[bytes] = []
    for line in lines:
        if not pending and not line.count(b'"') % 2:
            yield line
            continue
        pending.append(line)
        if len(pending) > 1 and line.count(b'"') % 2:
            yield b"\n".join(pending)
            pending = []
    yield from pending


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
    body: pa.Buffer, separator: str, width: int, least: int, places: Sequence[int], quoted: bool
) -> tuple[pa.Table, int, int, bool] | None:
    """Столбцы; сколько строк испорчено, сколько столбцов в первой из них, поправимы ли они.

    ``None`` — не вышло.
    """
    broken: list[int] = []
    mended = False

    def skip(row: Any) -> str:
        nonlocal mended
        broken.append(row.actual_columns)
        extra = row.actual_columns - width
        mended |= row.text.endswith(separator * extra) if extra > 0 else width + extra >= least
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
    return table, len(broken), broken[0] if broken else width, mended


# ------------------------------------------------------------------------------------------- XLSX


_ARCHIVES = {
    "xl/workbook.bin": ("двоичная книга Excel (.xlsb)", "Сохраните её как .xlsx или CSV."),
    "content.xml": ("таблица OpenDocument (.ods)", "Сохраните её как .xlsx или CSV."),
}


@dataclass(frozen=True)
class _Sheet:
    """Лист книги.

    :param rows: ячейки текстом; значение ячейки, объединённой по вертикали, повторено вниз
    :param merged: объединённые ячейки: столбец и строка начала, столбец и строка конца, с нуля
    """

    rows: list[list[str]]
    merged: list[tuple[int, int, int, int]]


def _xlsx(buffer: pa.Buffer, columns: Mapping[str, str], name: str, header: bool) -> RawTable:
    try:
        archive = zipfile.ZipFile(pa.BufferReader(buffer))
    except zipfile.BadZipFile:
        _other_kind(name, "испорченный архив", "Скачайте или сохраните его ещё раз.")
    members = archive.namelist()
    if "xl/workbook.xml" not in members:
        archives = [kind for member, kind in _ARCHIVES.items() if member in members]
        _other_kind(name, *(archives or [("архив zip", "Распакуйте его и подайте содержимое.")])[0])
    try:
        book = openpyxl.load_workbook(io.BytesIO(buffer), read_only=True, data_only=True)
        sheets = {sheet.title: _sheet(sheet, archive) for sheet in book.worksheets}
        shift = 1462 if book.epoch == CALENDAR_MAC_1904 else 0
    except Exception as error:  # openpyxl не обещает, что именно он бросит
        raise ValueError(f"Книга {name} испорчена: откройте её в Excel и сохраните ещё раз.") from (
            error
        )
    for title, sheet in sheets.items():
        found = _header(sheet.rows, columns, header)
        if found is None:
            continue
        number, names = found
        places = _find(names, columns)
        assert places is not None
        _twice(places, names, name)
        _one_column_each(sheet, number, names, places, name)
        last = _header_end(sheet, number, places)
        body = [row for row in sheet.rows[last + 1 :] if any(row)]
        if not body:
            raise ValueError(f"В книге {name} только заголовок: ни одной строки данных.")
        said = _doubts(sheet.rows[: last + 2 * _LOOK], last, names, places, name)
        repeated = sum(
            end - top for left, top, _, end in sheet.merged if left in places and top > last
        )
        if repeated:
            text = (
                f"Ячейки, объединённые по вертикали: значение повторено в строках под первой, их "
                f"{repeated}. Если оно относится только к первой, разъедините ячейки."
            )
            said.append(("merged_cells", repeated, text))
        values = {
            role: pa.chunked_array([[row[place] if place < len(row) else "" for row in body]])
            for role, place in zip(columns, places, strict=True)
        }
        if shift and "time" in values:  # дни от 1904 года, а не от 1900-го
            days = [_later(day, shift) for day in values["time"].to_pylist()]
            values["time"] = pa.chunked_array([days])
        others = f" (листов в книге {len(sheets)})" if len(sheets) > 1 else ""
        return RawTable(
            values,
            len(body),
            0,
            how=f"книга XLSX, лист «{title}»{others}",
            above=sum(any(row) for row in sheet.rows[: max(number, 0)]),
            unread=_unread(sheets, title, columns),
            said=tuple(said),
        )
    _not_found(
        next((sheet.rows for sheet in sheets.values() if sheet.rows), []), columns, name, header
    )


def _header_end(sheet: _Sheet, number: int, places: Sequence[int]) -> int:
    """Последняя строка заголовка: ячейка названного столбца бывает объединена с нижней."""
    ends = [end for left, top, _, end in sheet.merged if left in places and top <= number <= end]
    return max([number, *ends])


def _one_column_each(
    sheet: _Sheet, number: int, names: Sequence[str], places: Sequence[int], name: str
) -> None:
    """Отказ, если под названной ячейкой заголовка несколько столбцов и заполнен не один."""
    for left, top, right, end in sheet.merged:
        if left not in places or not top <= number <= end:
            continue
        below = sheet.rows[end + 1 :]
        filled = [
            place
            for place in range(left, right + 1)
            if any(place < len(row) and row[place] for row in below)
        ]
        if filled in ([], [left]):
            continue
        letters = ", ".join(get_column_letter(place + 1) for place in filled)
        under = ", ".join(cell[:20] for cell in sheet.rows[end + 1][:8]) if below else ""
        raise ValueError(
            f"В книге {name} ячейка заголовка «{names[left][:30]}» (строка {number + 1}) "
            f"объединена, под нею столбцы {letters}: который нужен, не понять. Следующая строка — "
            f"«{under}». Если это вторая строка заголовка и имена в ней не повторяются, назовите "
            "столбцы по ней. Иначе разъедините ячейки и оставьте одну строку заголовка."
        )


def _later(day: str, shift: int) -> str:
    """Число дней Excel, увеличенное на ``shift``; прочее — как есть."""
    return repr(float(day) + shift) if re.fullmatch(r"\d{4,5}(\.\d+)?", day) else day


def _unread(sheets: Mapping[str, _Sheet], taken: str, columns: Mapping[str, str]) -> dict[str, int]:
    """Другие листы, на которых стоят те же столбцы: название → строк данных."""
    found = {}
    for title, sheet in sheets.items():
        place = None if title == taken else _header(sheet.rows, columns, True)
        if place is not None:
            found[title] = sum(any(row) for row in sheet.rows[place[0] + 1 :])
    return {title: rows for title, rows in found.items() if rows}


def _sheet(sheet: Any, archive: zipfile.ZipFile) -> _Sheet:
    sheet.reset_dimensions()
    rows = [[_cell(cell) for cell in row] for row in sheet.iter_rows()]
    # Чтение потоком об объединённых ячейках молчит: они записаны в конце листа.
    xml = archive.read(sheet._worksheet_path)
    merged = []
    for found in re.findall(rb'<(?:\w+:)?mergeCell [^>]*?ref="([^"]+)"', xml):
        left, top, right, end = (edge - 1 for edge in range_boundaries(found.decode()))
        merged.append((left, top, right, end))
        for row in rows[top + 1 : end + 1]:
            row += [""] * (left + 1 - len(row))
            row[left] = rows[top][left] if left < len(rows[top]) else ""
    return _Sheet(rows, merged)


def _cell(cell: Any) -> str:
    """Ячейка текстом: целое без «.0» и с нулями впереди, если их показывает Excel; момент — ISO."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        zeros = re.fullmatch("0{2,}", cell.number_format)
        return str(value).zfill(len(zeros[0])) if zeros else str(value)
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
