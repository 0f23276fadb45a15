"""Столбец файла → идентификаторы, моменты времени, числа. Различные значения разбираются раз."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

MISSING = [
    *("", "nan", "NaN", "NAN", "None", "none", "NULL", "Null", "null", "NA", "N/A", "n/a", "<NA>"),
    *("NaT", "\\N", "<null>", "<NULL>", "(null)", "undefined", "н/д", "Н/Д"),
    # Ошибки формул и пустые ячейки сводных таблиц в Excel.
    *("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"),
    *("#Н/Д", "#ССЫЛКА!", "#ЗНАЧ!", "#ИМЯ?", "#ДЕЛ/0!", "#ПУСТО!", "#ЧИСЛО!", "(пусто)", "(blank)"),
]
_DAY = 86_400
_EXCEL_EPOCH = 25_569  # 1970-01-01 в днях Excel
_EXCEL = (20_000, 80_000)  # с 1954 по 2119 год
_GOOD_TIME = 10**8  # секунд: март 1973 года
# Невидимые знаки нулевой ширины тоже стоят по краям: их приносят страницы и таблицы в сети.
_EDGES = " \t\n\r\v\f\x85\xa0\u2007\u202f\u200b\u200c\u200d\u2060\ufeff"


_SCIENTIFIC = r"^\d([.,]\d+)?[eE]\+\d+$"


@dataclass(frozen=True)
class Ids:
    """Идентификаторы столбца.

    :param codes: номер идентификатора в каждой строке, −1 — пропуск
    :param labels: номер → идентификатор
    :param padded: сколько идентификаторов записано с пробелами по краям
    :param joined: сколько написаний оказалось написаниями уже известных идентификаторов
    :param whole: сколько идентификаторов записано как «12.0»
    :param scientific: сколько идентификаторов записано как «1,2E+12»: цифры потеряны
    :param formulas: сколько идентификаторов записано формулой «="007"»
    """

    codes: np.ndarray
    labels: pd.Index
    padded: int = 0
    joined: int = 0
    whole: int = 0
    scientific: int = 0
    formulas: int = 0


def _encoded(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    """Коды строк (−1 — пропуск) и различные значения в порядке появления."""
    encoded = column.dictionary_encode().unify_dictionaries()
    if not encoded.num_chunks:
        return np.empty(0, np.int64), pa.array([], column.type)
    codes = [chunk.indices.fill_null(-1).to_numpy() for chunk in encoded.chunks]
    return np.concatenate(codes), encoded.chunk(0).dictionary


def ids(column: pa.ChunkedArray) -> Ids:
    """Идентификаторы: текст без пробелов по краям; целые числа Parquet остаются числами."""
    codes, values = _encoded(column)
    if pa.types.is_integer(values.type):
        return Ids(codes, pd.Index(values.to_numpy()))
    if pa.types.is_floating(values.type):
        numbers = values.to_numpy()
        missing = np.isnan(numbers)
        if (np.floor(numbers) == numbers)[~missing].all() and (
            abs(numbers[~missing]) < 2**53
        ).all():
            known = np.append(np.where(missing, -1, np.cumsum(~missing) - 1), -1)
            labels = pd.Index(numbers[~missing].astype(np.int64))
            return Ids(known[codes], labels, whole=len(labels))
    text = pc.fill_null(values.cast(pa.string()), "")
    trimmed = pc.utf8_trim(pc.utf8_trim_whitespace(text), characters=_EDGES)
    padded = pc.sum(pc.not_equal(text, trimmed)).as_py() or 0
    formulas = pc.sum(pc.match_substring_regex(trimmed, '^="[^"]*"$')).as_py() or 0
    trimmed = pc.replace_substring_regex(trimmed, '^="([^"]*)"$', r"\1")
    missing = pc.is_in(trimmed, pa.array(MISSING)).to_numpy(zero_copy_only=False)
    dashes = pc.match_substring_regex(trimmed, "^:?[-–—]+:?$")  # черта под заголовком таблицы
    missing |= dashes.to_numpy(zero_copy_only=False)
    number = pc.match_substring_regex(trimmed, r"^-?\d+(\.0+)?$").to_numpy(zero_copy_only=False)
    whole = 0
    if (number | missing).all():  # «12.0» — целое, побывавшее дробным; в «v1.0» точка своя
        whole = pc.sum(pc.match_substring(trimmed, ".")).as_py() or 0
        trimmed = pc.replace_substring_regex(trimmed, r"\.0+$", "")
    scientific = pc.sum(pc.match_substring_regex(trimmed, _SCIENTIFIC)).as_py() or 0
    place, labels = pd.factorize(trimmed.to_pandas())
    place = np.where(missing, -1, place)
    # Пропуски выпали: номера подряд заново.
    used = np.zeros(len(labels), dtype=bool)
    used[place[place >= 0]] = True
    renumbered = np.append(np.cumsum(used) - 1, -1)
    known = np.append(renumbered[place], -1)
    joined = int((~missing).sum() - used.sum())
    labels = pd.Index(labels)[used]
    return Ids(known[codes], labels, padded, joined, whole, scientific, formulas)


# ------------------------------------------------------------------------------------------ числа


def thousands(column: pa.ChunkedArray) -> bool:
    """Все дроби столбца из трёх цифр («1,000», «12.500»): возможно, это разделитель тысяч."""
    if not _is_text(column.type):
        return False
    text = _encoded(column)[1].to_pandas().dropna().astype(str).str.strip()
    fractions = text[text.str.fullmatch(r"[+-]?\d+[.,]\d+")]
    return bool(len(fractions) and fractions.str.fullmatch(r"[+-]?\d{1,3}[.,]\d{3}").all())


def numbers(column: pa.ChunkedArray) -> tuple[np.ndarray, int]:
    """Числа ``float64``, нечисло — ``nan``; и в скольких строках была десятичная запятая."""
    if not _is_text(column.type):
        return column.cast(pa.float64(), safe=False).to_numpy().astype(float), 0
    try:
        return column.cast(pa.float64()).to_numpy(), 0
    except pa.ArrowInvalid:
        codes, values = _encoded(column)
    text = pd.Series(values.to_pandas(), dtype=object).str.replace(r"[\s'₽$€]", "", regex=True)
    # Минус бухгалтера: «(5)», «5-», «−5».
    text = text.str.replace(r"^\((.+)\)$|^([\d.,]+)[-−–]$|^[−–](.+)$", r"-\1\2\3", regex=True)
    for sign in ",.":  # знаков больше одного — разделяют тысячи
        many = (
            text.str.fullmatch(rf"[+-]?\d{{1,3}}(\{sign}\d{{3}}){{2,}}").fillna(False).astype(bool)
        )
        text = text.where(~many, text.str.replace(sign, "", regex=False))
    comma = text.str.contains(",", regex=False).to_numpy(bool)
    # «1.234,5» и «1,234.5»: десятичный знак — последний.
    dot_last = text.str.rfind(".") > text.str.rfind(",")
    text = text.where(~dot_last, text.str.replace(",", "", regex=False))
    text = text.where(dot_last | ~comma, text.str.replace(".", "", regex=False))
    found = pd.to_numeric(text.str.replace(",", ".", regex=False), errors="coerce")
    known = np.append(found.to_numpy(float), np.nan)
    with_comma = np.append(comma & ~dot_last.to_numpy(bool) & found.notna().to_numpy(), False)
    return known[codes], int(with_comma[codes].sum())


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_null(kind))


# ------------------------------------------------------------------------------------------ время


@dataclass(frozen=True)
class Times:
    """Моменты времени столбца.

    :param seconds: секунды от 1970 года по Гринвичу, ``int64``; у непрочитанных — 0
    :param known: у каких строк время прочитано
    :param formats: запись времени → сколько строк
    :param relative: числа — порядок событий, а не даты
    :param zones: сколько строк с часовым поясом
    :param naive: сколько строк с датой без пояса
    :param ambiguous: сколько строк, где не понять, день или месяц впереди
    :param short_year: сколько строк, где год из двух цифр и знак между числами не точка
    :param halves: сколько строк с AM или PM
    :param scientific: сколько строк вида «1,7E+09»: последние цифры потеряны
    """

    seconds: np.ndarray
    known: np.ndarray
    formats: dict[str, int] = field(default_factory=dict)
    relative: bool = False
    zones: int = 0
    naive: int = 0
    ambiguous: int = 0
    short_year: int = 0
    halves: int = 0
    scientific: int = 0


_BY_NUMBER = {  # наименьшее число → запись и делитель
    10**8: ("секунды", 1),
    10**11: ("миллисекунды", 10**3),
    10**14: ("микросекунды", 10**6),
    10**17: ("наносекунды", 10**9),
}


def times(column: pa.ChunkedArray) -> Times:
    """Секунды, милли-, микросекунды, дни Excel, ГГГГММДД, ISO, ДД.ММ.ГГГГ — и всё вперемешку."""
    kind = column.type
    if pa.types.is_temporal(kind) and not pa.types.is_time(kind) and not pa.types.is_duration(kind):
        zone = getattr(kind, "tz", None)
        moments = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
        known = moments.is_valid().to_numpy()
        seconds = moments.fill_null(0).to_numpy() // 10**6
        return Times(seconds, known, {"моменты": int(known.sum())}, zones=len(known) * bool(zone))
    if pa.types.is_time(kind) or pa.types.is_duration(kind):  # час без дня — не момент
        return Times(np.zeros(len(column), np.int64), np.zeros(len(column), bool))
    if not _is_text(kind):
        return _from_numbers(column)
    try:
        return _from_numbers(column.cast(pa.int64()))
    except pa.ArrowInvalid:
        return _from_text(column)


def _from_numbers(column: pa.ChunkedArray) -> Times:
    if pa.types.is_integer(column.type):
        values = column.fill_null(0).to_numpy()
        known = column.is_valid().to_numpy() & (values <= np.iinfo(np.int64).max)
        values = values.astype(np.int64)
    else:
        real = column.cast(pa.float64(), safe=False).to_numpy()
        known = np.isfinite(real) & (abs(real) < 2**62)
        values = np.where(known, real, 0)
    seconds, known, codes, relative = _by_size(values, known)
    counts = _counts(codes, known)
    return Times(seconds, known, counts, relative, ambiguous=counts.get(_FORMATS[-1], 0))


_FORMATS = [
    *(name for name, _ in _BY_NUMBER.values()),
    "дни Excel",
    "ГГГГММДД",
    "номера по порядку",
    "ГГГГММДДЧЧММ",
    "ГГГГММДДЧЧММСС",
    "ММДДГГГГ",
    "ДДММГГГГ",
    "ДДММГГГГ или ММДДГГГГ",
]
_DIGITS = [  # первое и последнее число, сколько цифр, запись и номер в _FORMATS
    (19_000_101, 21_001_231, 8, "%Y%m%d", 5),
    (190_001_010_000, 210_012_312_359, 12, "%Y%m%d%H%M", 7),
    (19_000_101_000_000, 21_001_231_235_959, 14, "%Y%m%d%H%M%S", 8),
    (1_011_900, 31_122_100, 8, "%d%m%Y", 10),
    (1_011_900, 12_312_100, 8, "%m%d%Y", 9),
]


def _counts(codes: np.ndarray, known: np.ndarray) -> dict[str, int]:
    counts = np.bincount(codes[known], minlength=len(_FORMATS))
    return {name: int(n) for name, n in zip(_FORMATS, counts, strict=True) if n}


def _by_size(
    values: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Числа → секунды: что за число, видно по величине."""
    present = values[known]
    values = np.where(known, values, 0)
    if present.size and (present >= _EXCEL[0]).all() and (present <= _EXCEL[1]).all():
        return *_excel(values, known), np.full(len(values), 4), False
    for first, last, size, shape, code in _DIGITS:
        if not present.size or (present < first).any() or (present > last).any():
            continue
        moments = _by_digits(values, size, shape)
        if moments.notna().to_numpy()[known].all():
            if code == 10 and _by_digits(present, size, "%m%d%Y").notna().all():
                code = 11
            seconds = moments.to_numpy().astype("datetime64[s]").astype(np.int64)
            return np.where(known, seconds, 0), known, np.full(len(values), code), False
    big = values >= _GOOD_TIME
    if present.size and big.sum() <= present.size / 2:  # номера шагов, дней, сеансов
        return values.astype(np.int64), known, np.full(len(values), 6), True
    codes = np.searchsorted(list(_BY_NUMBER), values, side="right") - 1
    divisors = np.array([divisor for _, divisor in _BY_NUMBER.values()])[codes]
    seconds = np.floor_divide(values, divisors).astype(np.int64)
    small = known & ~big
    codes[~big] = 0
    seconds[small] = values[small].astype(np.int64)
    excel = small & (values >= _EXCEL[0]) & (values <= _EXCEL[1])
    if excel.any():
        seconds[excel] = _excel(values[excel], excel[excel])[0]
        codes[excel] = 4
    return np.where(known, seconds, 0), known, codes, False


def _by_digits(values: np.ndarray, size: int, shape: str) -> pd.Series:
    """Даты, записанные ``size`` цифрами подряд; год — от 1900 до 2100."""
    text = pd.Series(values).astype(np.int64).astype(str).str.zfill(size)
    moments = pd.to_datetime(text, format=shape, errors="coerce")
    return moments.where(moments.dt.year.between(1900, 2100))


def _excel(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seconds = np.round((values - _EXCEL_EPOCH) * float(_DAY)).astype(np.int64)
    return np.where(known, seconds, 0), known


_NUMBER = r"^[+-]?\d+([.,]\d+)?([eE]\+?\d+)?$"
_DAY_FIRST = r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})([ T,].*)?$"
_ZONE = r":\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$"


def _matches(text: pa.ChunkedArray, pattern: str) -> np.ndarray:
    return pc.match_substring_regex(text, pattern).to_numpy()


def _from_text(column: pa.ChunkedArray) -> Times:
    """Три вида строк: числа, даты с дня, даты с года; каждый разбирается сразу весь."""
    text = pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))
    seconds = np.zeros(len(text), np.int64)
    known = np.zeros(len(text), bool)
    formats: dict[str, int] = {}
    zones = dates = ambiguous = short_year = scientific = 0
    relative = False
    text, half, afternoon = _half_days(text)
    number = _matches(text, _NUMBER)
    if number.any():
        scientific = int(_matches(text, _SCIENTIFIC).sum())
        points = pc.replace_substring(text.filter(pa.array(number)), ",", ".")
        real = pc.cast(points, pa.float64()).to_numpy()
        seconds[number], good, codes, relative = _by_size(real, abs(real) < 2**62)
        if relative and not number.all():  # рядом с датами номера шагов — не время
            relative, good = False, real == 0
        known[number] = good
        formats |= _counts(codes, good)
        ambiguous = formats.get(_FORMATS[-1], 0)
    day_first = ~number & _matches(text, _DAY_FIRST)
    if day_first.any():
        days = text.filter(pa.array(day_first))
        slashed = _matches(days, r"^\d+[/-]")
        short_year = int(_matches(days, r"^\d+[/-]\d+[/-]\d\d([ T,].*)?$").sum())
        month_first = bool(
            _matches(days, r"^\d+[./-](1[3-9]|2\d|3\d)[./-]").any()
            and not _matches(days, r"^(1[3-9]|2\d|3\d)[./-]").any()
        )
        if slashed.any() and not month_first and not _matches(days, r"^(1[3-9]|[23]\d)[/-]").any():
            ambiguous += int(slashed.sum())
        order = r"\3-\1-\2\4" if month_first else r"\3-\2-\1\4"
        iso = pc.replace_substring_regex(days, _DAY_FIRST, order)
        seconds[day_first], good, zoned = _iso(iso)
        known[day_first], zones, dates = good, zones + zoned, dates + int(good.sum())
        formats["ММ/ДД/ГГГГ" if month_first else "ДД.ММ.ГГГГ"] = int(good.sum())
    rest = ~number & ~day_first & _matches(text, r"^\d{4}\D")
    if rest.any():
        years = text.filter(pa.array(rest))
        day_second = bool(
            _matches(years, r"^\d{4}[./-](1[3-9]|2\d|3\d)[./-]").any()
            and not _matches(years, r"^\d{4}[./-]\d+[./-](1[3-9]|2\d|3\d)").any()
        )
        if day_second:
            shape = r"^(\d{4})[./-](\d{1,2})[./-](\d{1,2})"
            years = pc.replace_substring_regex(years, shape, r"\1-\3-\2")
        seconds[rest], good, zoned = _iso(years)
        known[rest], zones, dates = good, zones + zoned, dates + int(good.sum())
        formats["ГГГГ-ДД-ММ" if day_second else "ISO"] = int(good.sum())
    formats = {name: rows for name, rows in formats.items() if rows}
    hour = seconds // 3600 % 24
    seconds += 43_200 * (half & afternoon & (hour < 12)) - 43_200 * (
        half & ~afternoon & (hour == 12)
    )
    known &= ~(half & np.where(afternoon, hour == 0, hour > 12))  # «0:30 PM», «13:00 AM»
    seconds[~known] = 0
    return Times(
        seconds,
        known,
        formats,
        relative,
        zones,
        dates - zones,
        ambiguous,
        short_year,
        int((half & known).sum()),
        scientific,
    )


_HALF = r"[\s\x{a0}\x{202f}]*([AaPp])\.?[Mm]\.?$"


def _half_days(text: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray, np.ndarray]:
    """Текст без AM и PM, где они стояли и где стояло PM; «11 PM» становится «11:00»."""
    ends = pc.or_(pc.ends_with(text, "m", ignore_case=True), pc.ends_with(text, "."))
    if not pc.any(ends).as_py():
        return text, *np.zeros((2, len(text)), bool)
    half = _matches(text, r"\d" + _HALF)
    afternoon = _matches(text, r"[Pp]\.?[Mm]\.?$")
    text = pc.replace_substring_regex(text, r"([T,\s]\d{1,2})" + _HALF, r"\1:00")
    return pc.replace_substring_regex(text, r"(\d)" + _HALF, r"\1"), half, afternoon


def _iso(text: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray, int]:
    """Даты с года → секунды, какие прочитаны, сколько с поясом."""
    for shape in (None, _tidied):
        tidy = text if shape is None else shape(text)
        for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
            try:
                moments = tidy.cast(kind).cast(pa.int64()).to_numpy() // 10**6
            except pa.ArrowInvalid:
                continue
            return moments, np.ones(len(moments), bool), len(moments) * bool(kind.tz)
    found = pd.to_datetime(tidy.to_pandas(), format="ISO8601", utc=True, errors="coerce")
    good = found.notna().to_numpy()
    seconds = found.dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    return np.where(good, seconds, 0), good, int((_matches(tidy, _ZONE) & good).sum())


def _tidied(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """По ISO: год из двух цифр, день и час из одной, точки в дате, запятая перед часом и долями."""
    text = pc.replace_substring_regex(text, r"^(\d{4})[./](\d{1,2})[./](\d{1,2})", r"\1-\2-\3")
    text = pc.replace_substring_regex(text, r"^([7-9]\d)-", r"19\1-")
    text = pc.replace_substring_regex(text, r"^(\d{2})-", r"20\1-")
    text = pc.replace_substring_regex(text, r"-(\d)-", r"-0\1-")
    text = pc.replace_substring_regex(text, r"^(\d{4}-\d{2})-(\d)(\D|$)", r"\1-0\2\3")
    text = pc.replace_substring_regex(text, r"^([\d-]+)[T, ]+(\d{1,2}:)", r"\1 \2")
    text = pc.replace_substring_regex(text, r" (\d):", r" 0\1:")
    text = pc.replace_substring_regex(text, r"(:\d{2}),(\d+)", r"\1.\2")
    return pc.replace_substring_regex(text, r" ?(UTC|GMT|z)$", "Z")
