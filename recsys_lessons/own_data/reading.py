"""Чтение своего файла и его осмотр: что не так, что с этим сделано, сколько строк отложено.

Ни одна строка не пропадает молча: ``rows_read`` — это оставленные строки и
сумма ``dropped`` по замечаниям.
"""

import re
import time as clock
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from recsys_lessons.inputs import check_choice, check_number, shown
from recsys_lessons.own_data import cells
from recsys_lessons.own_data.files import read_file

ROLES = ("user", "item", "time", "grade", "count", "basket", "title")
BOT_TIMES = 10  # во столько раз активнее 99 % пользователей
BOT_ROWS = 1000  # и не меньше стольких событий
HUGE = 1000  # во столько раз больше обычного — не штуки
_DAY = 86_400


@dataclass(frozen=True)
class Note:
    """Что найдено в файле и что с этим сделано.

    :param kind: короткое имя: «returns», «bots»
    :param rows: скольких строк (пользователей, объектов) это касается
    :param text: простыми словами: что не так и что сделано
    :param dropped: сколько строк из-за этого отложено
    """

    kind: str
    rows: int
    text: str
    dropped: int = 0


@dataclass(frozen=True)
class OwnData:
    """Прочитанный файл.

    :param table: столбцы ``user, item`` — номера с нуля подряд; если есть — ``timestamp``
        (секунды), ``value`` (оценка или количество), ``basket`` (номера). Строка — событие,
        порядок файла
    :param users: номер → идентификатор, как в файле
    :param items: номер → идентификатор, как в файле
    :param titles: название объекта по номеру
    :param value_kind: что такое ``value``: ``"grade"``, ``"count"`` или ``None`` — столбца нет
    :param rows_read: сколько строк было в файле
    :param notes: что найдено
    """

    table: pd.DataFrame
    users: pd.Index
    items: pd.Index
    titles: pd.Series | None
    value_kind: str | None
    rows_read: int
    notes: tuple[Note, ...]

    @property
    def dropped(self) -> int:
        """Сколько строк отложено."""
        return sum(note.dropped for note in self.notes)

    def note(self, kind: str) -> Note | None:
        """Замечание этого вида, если оно есть."""
        return next((note for note in self.notes if note.kind == kind), None)

    def min_grade(self) -> float | None:
        """С какой оценки считать положительной: наименьшая из верхней четверти шкалы.

        На шкале 1–5 это 4, на шкале 1–10 — 8; нули и −1, которыми записывают «без оценки», в шкалу
        не входят. Если в файле не оценки — ``None``.
        """
        if self.value_kind != "grade":
            return None
        grades = np.unique(self.table["value"])
        scale = grades[_ungraded(grades) :]
        edge = scale[0] + 0.75 * (scale[-1] - scale[0])
        return float(scale[scale >= edge - 1e-9][0])

    def positives(self, min_grade: float | None = None) -> pd.DataFrame:
        """События, которые считаются положительными, с индексом 0, 1, …

        Если в файле оценки — не ниже ``min_grade`` (по умолчанию :meth:`min_grade`), иначе все.

        :raises ValueError: ``min_grade`` не число, оценок нет вовсе или нет таких
        """
        if self.value_kind != "grade":
            if min_grade is not None:
                raise ValueError("min_grade — порог оценки, а оценок в данных нет: уберите его.")
            return self.table.reset_index(drop=True)
        least = self.min_grade() if min_grade is None else check_number("min_grade", min_grade)
        rows = self.table[self.table["value"] >= least].reset_index(drop=True)
        if rows.empty:
            raise ValueError(
                f"Оценок не ниже min_grade={least:g} нет: наибольшая — "
                f"{self.table['value'].max():g}."
            )
        return rows

    def report(self) -> str:
        """Осмотр текстом: размеры, время, оценки и все замечания."""
        table = self.table
        pairs = len(table.drop_duplicates(["user", "item"]))
        lines = [
            f"Строк прочитано {_n(self.rows_read)}, оставлено {_n(len(table))}, "
            f"отложено {_n(self.dropped)}.",
            f"Пользователей {_n(len(self.users))}, объектов {_n(len(self.items))}, "
            f"разных пар {_n(pairs)}: заполнено "
            f"{_decimal(100 * pairs / len(self.users) / len(self.items))} % таблицы.",
        ]
        if "timestamp" in table and not self.note("relative_time"):
            ends = pd.to_datetime(table["timestamp"].agg(["min", "max"]), unit="s")
            lines.append(f"Время: с {ends['min']:%d.%m.%Y} по {ends['max']:%d.%m.%Y}.")
        if self.value_kind == "grade":
            least = self.min_grade()
            share = 100 * (table["value"] >= least).mean()
            lines.append(
                f"Оценки от {table['value'].min():g} до {table['value'].max():g}; положительной "
                f"считается {least:g} и выше, таких {_decimal(share)} % строк."
            )
        if self.value_kind == "count":
            lines.append(
                f"Количество: в сумме {_decimal(table['value'].sum())}, "
                f"самое большое {_decimal(table['value'].max())}."
            )
        if "basket" in table:
            lines.append(f"Корзин {_n(int(table['basket'].max()) + 1)}.")
        lines += [f"• {note.text}" for note in self.notes]
        return "\n".join(lines)


def _n(number: int) -> str:
    """12345 → «12 345»."""
    return f"{number:,}".replace(",", " ")


def _decimal(number: float) -> str:
    if number >= 1000:
        return _n(round(number))
    return f"{number:.3g}".replace(".", ",")


def _names(values: pd.Index | pd.Series, limit: int = 3) -> str:
    """Примеры через запятую, каждый не длиннее тридцати знаков."""
    listed = [str(value)[:30] for value in list(values[:limit])]
    return ", ".join(listed) + (" …" if len(values) > limit else "")


def _ungraded(grades: np.ndarray) -> int:
    """Сколько наименьших значений шкалы означают «без оценки»: 0 или −1 перед настоящей шкалой."""
    bad = int(np.isin(grades[:2], [-1, 0]).sum()) if len(grades) else 0
    rest = grades[bad:]
    return bad if len(rest) >= 3 and rest[0] > 0 else 0


# --------------------------------------------------------------------------------------- чтение


def read_own(
    source: str | Path | bytes,
    columns: Mapping[str, str],
    *,
    name: str = "",
    header: bool = True,
    keep_bots: bool = False,
    now: float | None = None,
) -> OwnData:
    """Прочитать файл взаимодействий и осмотреть его.

    :param source: путь к CSV, TSV, XLSX или Parquet либо содержимое файла
    :param columns: роль → имя столбца. Роли: ``user`` и ``item`` обязательны; ``time``, ``grade``
        (оценка) или ``count`` (количество), ``basket``, ``title`` — если есть
    :param name: имя файла, если подано содержимое
    :param header: есть ли заголовок; без него столбцы зовут «1», «2», …
    :param keep_bots: оставить пользователей, активных сверх меры: у них не меньше тысячи событий
        и в десять раз больше, чем у 99 % остальных
    :param now: который час, секунды; по умолчанию — сейчас
    :raises FileNotFoundError: файла нет
    :raises ValueError: файл не прочесть, столбцов нет, после осмотра ничего не осталось
    """
    roles = _check_columns(columns)
    raw = read_file(source, roles, name, header)
    look = _Look(raw.rows)
    look.say("format", raw.rows, f"Файл: {raw.how}.")
    if raw.above:
        look.say(
            "above", raw.above, f"Над заголовком строк: {_n(raw.above)}. Это не данные, пропущены."
        )
    for seen in raw.said:
        look.say(*seen)
    look.dropped(
        "broken_rows",
        raw.broken,
        "Столбцов не столько, сколько в заголовке (лишний разделитель или кавычка): "
        "отложено строк: {rows}. Исправьте их в файле, если они нужны.",
    )
    look.say(
        "inside_quotes",
        raw.inside,
        f"Переводов строки внутри кавычек {_n(raw.inside)}: каждый считается частью ячейки. Если "
        "их быть не должно, ищите незакрытую кавычку.",
    )
    listed = ", ".join(f"«{title}» ({_n(rows)} строк)" for title, rows in raw.unread.items())
    look.say(
        "other_sheets",
        sum(raw.unread.values()),
        f"На других листах те же столбцы, но прочитан только первый; не прочитаны {listed}. "
        "Нужны все — сложите их на один лист.",
    )
    look.start(raw.rows - raw.broken)
    labels = {role: _read_ids(look, raw.columns.pop(role), role) for role in ("user", "item")}
    _not_data(look, labels, roles if header else {})
    if "basket" in roles:
        labels["basket"] = _read_ids(look, raw.columns.pop("basket"), "basket")
    title_codes, titles = None, None
    if "title" in roles:
        found = cells.ids(raw.columns.pop("title"))
        title_codes, titles = found.codes, found.labels
    if "time" in roles:
        moment = float(clock.time()) if now is None else check_number("now", now)
        _read_times(look, raw.columns.pop("time"), moment)
    kind = next((role for role in ("grade", "count") if role in roles), None)
    if kind:
        _read_values(look, raw.columns.pop(kind), kind)
    look.cut()
    if not look.columns["user"].size:
        raise ValueError(look.nothing_left())
    _repeats(look, kind)  # раньше возвратов: дважды выгруженное сложилось бы дважды
    if kind == "count":
        _returns(look)
    if kind == "grade":
        _grades(look)
    if "basket" in roles:
        _baskets(look)
    _bots(look, labels["user"], keep_bots)
    if not look.columns["user"].size:
        raise ValueError(look.nothing_left())
    return _finish(look, labels, kind, title_codes, titles)


def _check_columns(columns: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(columns, Mapping):
        raise TypeError(
            f"columns — словарь «роль → имя столбца», а получено {shown(columns)}. "
            "Пример: {'user': 'клиент', 'item': 'товар', 'time': 'дата'}."
        )
    for role in columns:
        check_choice("Роль столбца", role, ROLES)
    roles = {role: str(columns[role]) for role in ROLES if columns.get(role) not in (None, "")}
    missing = [role for role in ("user", "item") if role not in roles]
    if missing:
        raise ValueError(f"В columns нет обязательных ролей: {', '.join(missing)}.")
    if "grade" in roles and "count" in roles:
        raise ValueError(
            "Назовите одно: оценку (grade) или количество (count). Оценка говорит, понравилось ли, "
            "количество — сколько раз."
        )
    doubled = [name for name in roles.values() if list(roles.values()).count(name) > 1]
    if doubled:
        raise ValueError(f"Столбец {shown(doubled[0])} назван в двух ролях: оставьте одну.")
    return roles


class _Look:
    """Столбцы таблицы, отметки «оставить» и замечания."""

    def __init__(self, rows_read: int):
        self.rows_read = rows_read
        self.notes: list[Note] = []
        self.columns: dict[str, np.ndarray] = {}
        self.keep = np.ones(0, dtype=bool)
        self.places: np.ndarray | None = None  # номера оставленных строк в файле; None — все

    def start(self, rows: int) -> None:
        self.keep = np.ones(rows, dtype=bool)

    def say(self, kind: str, rows: int, text: str) -> None:
        """Замечание, которое строк не откладывает."""
        if rows:
            self.notes.append(Note(kind, int(rows), text))

    def dropped(self, kind: str, rows: int, text: str) -> None:
        """Замечание об отложенных строках; ``{rows}`` в тексте — сколько их."""
        if rows:
            said = text.replace("{rows}", _n(int(rows)))
            self.notes.append(Note(kind, int(rows), said, int(rows)))

    def drop(self, kind: str, bad: np.ndarray, text: str) -> None:
        """Отложить строки ``bad``, которые ещё не отложены."""
        self.dropped(kind, int((bad & self.keep).sum()), text)
        self.keep &= ~bad

    def cut(self) -> None:
        """Убрать отложенные строки из столбцов."""
        if self.keep.all():
            return
        kept = np.flatnonzero(self.keep)
        self.columns = {name: values[kept] for name, values in self.columns.items()}
        self.places = kept if self.places is None else self.places[kept]
        self.keep = np.ones(len(kept), dtype=bool)

    def nothing_left(self) -> str:
        """Почему не осталось ни одной строки."""
        reasons = "; ".join(
            f"{note.kind}: {_n(note.dropped)}" for note in self.notes if note.dropped
        )
        worst = max(self.notes, key=lambda note: note.dropped)
        return (
            f"Из {_n(self.rows_read)} строк не осталось ни одной ({reasons}). {worst.text[:400]} "
            "Верно ли названы столбцы?"
        )


_OF = {
    "user": ("пользователя", "пользователей"),
    "item": ("объекта", "объектов"),
    "basket": ("корзины", "корзин"),
}


# В сводной таблице Excel — ещё «Иванов Итог».
_TOTALS = {
    "user": r"(итого|подытог)\b.*|.+ итог|(всего|итог|(grand |sub)?total)\W*",
    "item": r"(итого|подытог)\b.*|(всего|общий итог|(grand |sub)?total)\W*",
}


def _not_data(look: _Look, labels: Mapping[str, pd.Index], roles: Mapping[str, str]) -> None:
    """Отложить строки, которые не данные: повторённый заголовок и итоги.

    :param roles: как названы столбцы; пусто, если заголовка в файле нет
    """
    plain = {role: labels[role].astype(str).str.lower() for role in ("user", "item")}

    def rows(role: str, pattern: str) -> np.ndarray:
        return np.isin(look.columns[role], np.flatnonzero(plain[role].str.fullmatch(pattern)))

    if roles:
        user, item = (rows(role, re.escape(roles[role].lower())) for role in ("user", "item"))
        again = user & item
        look.drop("header_again", again, "Заголовок повторён внутри файла: отложено строк: {rows}.")
    total = rows("user", _TOTALS["user"]) | rows("item", _TOTALS["item"])
    look.drop(
        "totals",
        total,
        "Вместо пользователя или объекта «Итого» или «Всего»: отложено строк: {rows}.",
    )


def _read_ids(look: _Look, column: pa.ChunkedArray, role: str) -> pd.Index:
    one, many = _OF[role]
    found = cells.ids(column)
    look.columns[role] = found.codes
    look.drop(
        f"no_{role}",
        found.codes < 0,
        f"Нет идентификатора {one} (пусто, NULL, nan): отложено строк: {{rows}}.",
    )
    if found.whole:
        look.say(
            f"float_{role}",
            found.whole,
            f"Идентификаторы {many} записаны дробными числами («12.0»), так их портит Excel: "
            f"дробная часть снята у {_n(found.whole)}.",
        )
    quoted = int(found.labels.astype(str).str.fullmatch('".*"').sum())
    look.say(
        f"quoted_{role}",
        quoted,
        f"Идентификаторы {many} стоят в кавычках, их {_n(quoted)}: в файле есть кавычка без пары, "
        "и все кавычки остались частью текста. Исправьте её.",
    )
    if found.scientific:
        look.say(
            f"scientific_{role}",
            found.scientific,
            f"Идентификаторы {many} вида «1,23E+12», их {_n(found.scientific)}: Excel "
            "потерял цифры, разные могли слиться. Выгрузите столбец как "
            "текст; здесь они оставлены как есть.",
        )
    look.say(
        f"formula_{role}",
        found.formulas,
        f'Идентификаторы {many} записаны формулой Excel (="007"), их {_n(found.formulas)}: взято '
        "то, что в кавычках.",
    )
    if found.padded:
        joined = f", {_n(found.joined)} совпали с другими" if found.joined else ""
        look.say(
            f"padded_{role}",
            found.padded,
            f"Пробелы и невидимые знаки по краям идентификаторов {many} ({_n(found.padded)}): "
            f"сняты{joined}.",
        )
    if not found.whole and not found.padded and found.joined:
        look.say(f"joined_{role}", found.joined, f"Разные написания {many}: {_n(found.joined)}.")
    if found.labels.dtype.kind not in "iu":
        _case_twins(look, found.labels, role)
    return found.labels


# Кириллические буквы, которых на вид не отличить от латинских, после перевода в строчные.
_LOOKALIKE = str.maketrans("авекмнорстухі", "abekmhopctyxi")


def _case_twins(look: _Look, labels: pd.Index, role: str) -> None:
    """Идентификаторы, которые на вид почти одно: похожи на один в двух записях."""
    folded = labels.str.normalize("NFKC").str.lower().str.translate(_LOOKALIKE)
    folded = folded.str.replace(r"(?<=\d)\s(?=\d{3})", "", regex=True)
    twins = folded.duplicated(keep=False)
    look.say(
        f"case_{role}",
        int(twins.sum()),
        f"Идентификаторы {_OF[role][1]}, которые различаются только регистром букв, пробелом между "
        "цифрами или похожими буквами двух алфавитов "
        f"({_names(labels[twins][folded[twins].argsort()], 2)}): {_n(int(twins.sum()))}. Похоже на "
        "один в двух записях; оставлены разными, исправьте файл, если это один.",
    )


# ---------------------------------------------------------------------------------------- время


def _read_times(look: _Look, column: pa.ChunkedArray, now: float) -> None:
    found = cells.times(column)
    seconds, known = found.seconds, found.known & look.keep
    rows = int(look.keep.sum())
    if not rows:
        return
    if found.relative:
        look.say(
            "relative_time",
            rows,
            "Во времени не даты, а небольшие числа: взяты как порядок событий.",
        )
        early = late = np.zeros(len(seconds), dtype=bool)
    else:
        early = known & (seconds < 86_400 * 365)
        late = known & (seconds > now + _DAY)
    if late.sum() > rows / 2:
        look.say(
            "all_future",
            int(late.sum()),
            f"Больше половины времён в будущем, строк {_n(int(late.sum()))}: даты, видимо, "
            "условные. Порядок событий от этого не меняется, времена оставлены.",
        )
        late = np.zeros(len(seconds), dtype=bool)
    good = known & ~early & ~late
    if good.sum() <= rows / 2:
        look.say(
            "time_unusable",
            rows - int(good.sum()),
            f"Время не прочесть больше чем в половине строк ({_n(rows - int(good.sum()))} из "
            f"{_n(rows)}): столбец не взят, строки оставлены. Понятны секунды, миллисекунды, ISO, "
            "ДД.ММ.ГГГГ ЧЧ:ММ, то же с AM и PM и даты Excel; час без даты — не момент.",
        )
        return
    if np.ptp(seconds[good]) == 0:
        look.say(
            "equal_times",
            rows,
            "Все времена равны: о порядке событий они ничего не говорят, столбец не взят.",
        )
        return
    if len(found.formats) > 1:
        listed = ", ".join(f"{name} — {_n(count)}" for name, count in found.formats.items())
        look.say(
            "mixed_times",
            sum(found.formats.values()),
            f"Время записано по-разному ({listed} строк): всё переведено в секунды по Гринвичу.",
        )
    swapped = [name for name in found.formats if name in ("ММ/ДД/ГГГГ", "ГГГГ-ДД-ММ", "ММДДГГГГ")]
    if swapped:
        look.say(
            "month_order",
            found.formats[swapped[0]],
            f"Даты прочитаны как {swapped[0]}: на месте месяца бывают числа больше 12.",
        )
    look.say(
        "short_year",
        found.short_year,
        f"Год из двух цифр (строк {_n(found.short_year)}): он прочитан последним. Если в файле год "
        "впереди, выгрузите его четырьмя цифрами.",
    )
    if found.zones and found.naive:
        look.say(
            "mixed_zones",
            found.naive,
            f"Часового пояса нет только у части времён (строк {_n(found.naive)}): они "
            "прочитаны как время по Гринвичу и могут быть сдвинуты на несколько часов.",
        )
    if found.ambiguous:
        look.say(
            "day_or_month",
            found.ambiguous,
            f"В датах с косой чертой, с дефисом или без знаков не понять, день или месяц впереди "
            f"(строк {_n(found.ambiguous)}): прочитано как ДД/ММ/ГГГГ.",
        )
    dated = sum(found.formats.values())
    if found.halves < dated:
        look.say(
            "mixed_halves",
            found.halves,
            f"AM или PM стоит только у части времён (строк {_n(found.halves)} из {_n(dated)}): "
            "остальные прочитаны по часам до 24.",
        )
    look.say(
        "scientific_time",
        found.scientific,
        f"Время вида «1,7E+09», строк {_n(found.scientific)}: Excel потерял последние цифры, "
        "порядок событий неточен. Выгрузите столбец как текст.",
    )
    look.drop("no_time", ~known, "Времени нет или его не прочесть: отложено строк: {rows}.")
    look.drop(
        "epoch",
        early,
        "Время — 1970 год или раньше, то есть ноль или минус вместо времени: отложено строк: "
        "{rows}.",
    )
    look.drop("future", late, "Время ещё не наступило: отложено строк: {rows}; видимо, сбой часов.")
    look.columns["timestamp"] = seconds


# ------------------------------------------------------------------------- оценки и количества


def _read_values(look: _Look, column: pa.ChunkedArray, kind: str) -> None:
    doubtful = cells.thousands(column)
    values, commas = cells.numbers(column)
    what = "Оценки" if kind == "grade" else "Количества"
    look.say(
        "decimal_comma",
        commas,
        f"Десятичная запятая, строк {_n(commas)}: прочитана как десятичная точка.",
    )
    look.say(
        "thousands",
        len(values) * doubtful,
        "Все дроби из трёх цифр, как «1,000»: возможно, это разделитель тысяч, а прочитан он как "
        "десятичный знак. Если так, выгрузите числа без него.",
    )
    look.drop(
        f"no_{kind}",
        ~np.isfinite(values),
        f"{what} нет или это не число: отложено строк: {{rows}}.",
    )
    look.columns["value"] = values


def _returns(look: _Look) -> None:
    """Нули — не покупки; возврат отменяет покупку."""
    columns = look.columns
    look.drop(
        "zero_count", columns["value"] == 0, "Количество 0: отложено строк: {rows}, это не покупки."
    )
    look.cut()
    if not look.keep.size:
        raise ValueError(look.nothing_left())
    columns = look.columns
    usual = np.median(abs(columns["value"]))
    huge = columns["value"] > HUGE * usual
    look.say(
        "huge_count",
        int((huge & look.keep).sum()),
        f"Количество в {_n(HUGE)} раз больше обычного ({_decimal(usual)}), строк "
        f"{_n(int(huge.sum()))}, самое большое {_decimal(columns['value'].max())}: похоже на "
        "граммы, литры или опечатку. Строки оставлены: одна строка — одно событие.",
    )
    back = columns["value"] < 0
    if not back.any():
        look.cut()
        return
    if back.all():
        raise ValueError("Все количества отрицательны. Если так записан расход, смените знак.")
    pair = _pairs(columns["user"], columns["item"])
    before = np.ones(len(back), dtype=bool)
    if "timestamp" in columns:  # возврат отменяет только то, что куплено раньше него
        last = np.full(pair.max() + 1, np.iinfo(np.int64).min)
        np.maximum.at(last, pair[back], columns["timestamp"][back])
        before = columns["timestamp"] <= last[pair]
    total = np.bincount(pair, columns["value"] * before)
    cancelled = ~back & before & (total <= 1e-9)[pair] & (np.bincount(pair, back) > 0)[pair]
    n_back, n_cancelled = int((back & look.keep).sum()), int((cancelled & look.keep).sum())
    look.dropped(
        "returns",
        n_back + n_cancelled,
        f"Отрицательное количество — возврат, таких строк {_n(n_back)}. Возврат — не покупка; если "
        f"пользователь вернул всё, что взял, убраны и сами покупки ({_n(n_cancelled)}). Всего "
        "отложено строк: {rows}.",
    )
    look.keep &= ~(back | cancelled)
    look.cut()


def _pairs(*columns: np.ndarray) -> np.ndarray:
    """Номер сочетания значений в каждой строке, подряд с нуля."""
    return pd.factorize(_key(columns))[0]


def _key(columns: Iterable[np.ndarray]) -> np.ndarray:
    """Одно целое число на сочетание значений: у равных строк равное."""
    key, size = np.zeros(0, np.int64), 1
    for column in columns:
        codes = column
        if column.dtype.kind == "f" or column.min() < 0 or int(column.max()) >= 2**40:
            codes = pd.factorize(column)[0]
        width = int(codes.max()) + 1
        if size * width >= 2**62:
            key = pd.factorize(key)[0]
            size = int(key.max()) + 1
        key = codes.astype(np.int64) if size == 1 else key * width + codes
        size *= width
    return key


def _repeats(look: _Look, kind: str | None) -> None:
    """Строки, одинаковые во всех столбцах: дважды выгруженное событие или второе такое же?"""
    look.cut()
    again = pd.Series(_key(look.columns.values())).duplicated().to_numpy()
    if not again.any():
        return
    times = look.columns.get("timestamp")
    # По дню две одинаковые покупки не отличить от повтора, по секунде — можно.
    exact = times is not None and (times % _DAY != 0).any()
    if exact or "basket" in look.columns or kind == "grade":
        look.drop(
            "repeats",
            again,
            "Во всём равны другой строке, выгружены дважды: отложено строк: {rows}.",
        )
        look.cut()
        return
    look.say(
        "repeats_kept",
        int(again.sum()),
        f"Строк, одинаковых во всём с другой строкой: {_n(int(again.sum()))}. Точного времени нет, "
        "поэтому повтор это или второе такое же событие, не узнать; оставлены.",
    )


def _grades(look: _Look) -> None:
    """Нули вместо оценок, числа далеко за шкалой, две оценки одной пары."""
    values = look.columns["value"]
    low, high = np.quantile(values, [0.005, 0.995])
    span = high - low
    if span > 0:
        outside = (values < low - span) | (values > high + span)
        whole = next((top for top in (5, 10, 100) if high <= top), high)
        outside &= (values < 0) | (values > whole)  # редкая двойка из пяти — тоже оценка
        look.drop(
            "off_scale",
            outside,
            f"Оценка далеко за шкалой, на которой почти все от {low:g} до {high:g} "
            f"(например, {values[outside][0] if outside.any() else 0:g}). "
            "Отложено строк: {rows}.",
        )
        look.cut()
    order = np.arange(len(look.keep))
    if "timestamp" in look.columns:
        order = np.lexsort((order, look.columns["timestamp"]))
    pair = _pairs(look.columns["user"], look.columns["item"])
    again = np.zeros(len(order), dtype=bool)
    again[order] = pd.Series(pair[order]).duplicated(keep="last").to_numpy()
    look.drop(
        "regraded",
        again,
        "Объект позже оценён тем же пользователем ещё раз: отложено строк: {rows}.",
    )
    look.cut()
    values = look.columns["value"]
    grades, counts = np.unique(values, return_counts=True)
    ungraded = _ungraded(grades)
    if ungraded:
        codes = " и ".join(f"{grade:g}" for grade in grades[:ungraded])
        look.say(
            "ungraded",
            int(counts[:ungraded].sum()),
            f"Оценка {codes} при шкале от {grades[ungraded]:g} до {grades[-1]:g}, строк "
            f"{_n(int(counts[:ungraded].sum()))}: прочитана как «без оценки». Положительными "
            "эти строки не считаются, но и не советуют того, что пользователь уже знает.",
        )


def _baskets(look: _Look) -> None:
    """Номер корзины принадлежит одному пользователю и одному моменту."""
    columns = look.columns
    pair = _pairs(columns["user"], columns["basket"])
    owners = pd.Series(columns["basket"]).groupby(pair).first().duplicated(keep=False)
    if owners.any():
        look.say(
            "shared_baskets",
            int(owners.to_numpy()[pair].sum()),
            "Один номер корзины у разных пользователей: корзиной считается пара «пользователь, "
            "номер».",
        )
    columns["basket"] = pair
    if "timestamp" in columns:
        times = pd.Series(columns["timestamp"]).groupby(pair)
        first, last = times.min().to_numpy(), times.max().to_numpy()
        torn = first != last
        look.say(
            "torn_baskets",
            int(torn.sum()),
            f"Корзин, в которых времена строк разные: {_n(int(torn.sum()))}. Взято первое.",
        )
        columns["timestamp"] = first[pair]


def _bots(look: _Look, users: pd.Index, keep_bots: bool) -> None:
    activity = np.bincount(look.columns["user"], minlength=len(users))
    usual = np.quantile(activity[activity > 0], 0.99, method="lower")
    bots = np.flatnonzero(activity >= max(BOT_ROWS, BOT_TIMES * usual))
    if not bots.size:
        return
    who = (
        f"Пользователей, активных сверх меры, {_n(bots.size)} ({_names(users[bots])}): у каждого "
        f"не меньше {_n(int(activity[bots].min()))} событий, у 99 % — не больше {_n(int(usual))}. "
        "Это робот, касса или общий номер «без входа»"
    )
    rows = np.isin(look.columns["user"], bots)
    if keep_bots:
        look.say("bots", int(rows.sum()), f"{who}; оставлены по вашему указанию.")
        return
    look.drop("bots", rows, f"{who}: отложено строк: {{rows}}; оставить — keep_bots=True.")
    look.cut()


# ------------------------------------------------------------------------------------- итог


def _finish(
    look: _Look,
    labels: dict[str, pd.Index],
    kind: str | None,
    title_codes: np.ndarray | None,
    titles: pd.Index | None,
) -> OwnData:
    kept_labels = {}
    for role in ("user", "item"):
        codes = look.columns[role]
        used = np.bincount(codes, minlength=len(labels[role])) > 0
        look.columns[role] = (np.cumsum(used) - 1)[codes].astype(np.int64)
        kept_labels[role] = labels[role][used]
    if "basket" in look.columns:
        look.columns["basket"] = pd.factorize(look.columns["basket"])[0].astype(np.int64)
    order = [
        name for name in ("user", "item", "timestamp", "value", "basket") if name in look.columns
    ]
    table = pd.DataFrame({name: look.columns[name] for name in order})
    for role, (one, many) in list(_OF.items())[:2]:
        if len(kept_labels[role]) == 1:
            raise ValueError(
                f"В файле всего один идентификатор {one} ({shown(kept_labels[role][0])}): "
                "советовать не из чего. Верно ли названы столбцы?"
            )
        once = int((np.bincount(table[role]) == 1).sum())
        look.say(
            f"once_{role}",
            once,
            f"Всего с одним событием {many}: {_n(once)} из {_n(len(kept_labels[role]))}; "
            "оставлены, "
            + (
                "но проверить на них модель нельзя."
                if role == "user"
                else "но узнать о них нечего."
            ),
        )
    return OwnData(
        table=table,
        users=kept_labels["user"],
        items=kept_labels["item"],
        titles=_titles(look, table["item"].to_numpy(), kept_labels["item"], title_codes, titles),
        value_kind=kind,
        rows_read=look.rows_read,
        notes=tuple(look.notes),
    )


def _titles(
    look: _Look,
    item: np.ndarray,
    items: pd.Index,
    title_codes: np.ndarray | None,
    titles: pd.Index | None,
) -> pd.Series | None:
    """Название каждого объекта: самое частое из его названий."""
    if title_codes is None or titles is None:
        return None
    title = title_codes if look.places is None else title_codes[look.places]
    known = title >= 0
    counts = (
        pd.DataFrame({"item": item[known], "title": title[known]}).value_counts().reset_index()
    ).sort_values(["item", "count", "title"], ascending=[True, False, True])
    several = int(counts["item"].duplicated().groupby(counts["item"]).any().sum())
    look.say(
        "many_titles",
        several,
        f"Объектов с несколькими названиями {_n(several)}: взято самое частое.",
    )
    main = counts.drop_duplicates("item").set_index("item")["title"]
    names = pd.Series(titles.astype(str)[main.to_numpy()].to_numpy(), index=main.index)
    named = names.reindex(range(len(items)))
    look.say(
        "no_title",
        int(named.isna().sum()),
        f"Объектов без названия {_n(int(named.isna().sum()))}: вместо него идентификатор.",
    )
    named = named.fillna(pd.Series(items.astype(str)))
    folded = names.str.lower().str.split().str.join(" ")
    twins = folded.duplicated(keep=False)
    look.say(
        "same_title",
        int(twins.sum()),
        f"Объектов с одинаковыми названиями {_n(int(twins.sum()))} "
        f"(например, «{_first(names[twins])}»): один объект под двумя идентификаторами учится и "
        "советуется порознь. Оставлены разными; объедините их в файле, если это одно и то же.",
    )
    return named.astype(object).rename("title")


def _first(values: pd.Series) -> str:
    return str(values.iloc[0])[:40] if len(values) else ""
