"""Десять файлов, какие приносят с работы: у каждого свои изъяны и ответ, что о них сказать.

Вкус заложен: у каждого пользователя любимая часть каталога, поэтому модели есть чему учиться.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import openpyxl
import pandas as pd

START = 1_700_000_000  # 14 ноября 2023 года
NOW = START + 300 * 86_400  # время, которое для чтения «сейчас»


@dataclass(frozen=True)
class OwnFile:
    """Файл, роли его столбцов и ответ.

    :param said: вид замечания → скольких строк (пользователей, объектов) оно касается; других
        замечаний, кроме ``format`` и ``once_*``, быть не должно
    :param kept: сколько строк остаётся
    """

    name: str
    data: bytes
    columns: dict[str, str]
    said: dict[str, int]
    kept: int


def events(seed: int, n_users: int = 60, n_items: int = 30, each: int = 12) -> pd.DataFrame:
    """Журнал без изъянов: ``user, item, time`` (секунды), пары не повторяются, времена разные."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        liked = np.arange(n_items) % 3 == user % 3
        weights = np.where(liked, 8.0, 1.0) / (1 + np.arange(n_items) // 3)
        chosen = rng.choice(n_items, each, replace=False, p=weights / weights.sum())
        rows += [(user, item) for item in chosen]
    frame = pd.DataFrame(rows, columns=["user", "item"]).sample(frac=1, random_state=seed)
    frame["time"] = START + np.sort(rng.choice(200 * 86_400, len(frame), replace=False))
    return frame.reset_index(drop=True)


def _csv(frame: pd.DataFrame, encoding: str = "utf-8", **how: object) -> bytes:
    return frame.to_csv(index=False, **how).encode(encoding)


def _joined(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def shop_log() -> OwnFile:
    """Журнал магазина: UTF-8 с меткой, ISO с поясом; повторная отправка, гости, сбой часов."""
    log = events(1)
    n = len(log)
    log["user"] = log["user"].map("u-{:03d}".format)
    log["item"] = log["item"].map("SKU{:04d}".format)
    twice, guests = log.iloc[10:25], log.iloc[30:37].assign(user="")
    ahead = log.iloc[50:54].assign(time=NOW + 90 * 86_400)
    lost = log.iloc[60:65].assign(time=0)
    log = _joined(log, twice, guests, ahead, lost)
    moments = pd.to_datetime(log["time"], unit="s", utc=True).dt.tz_convert("Europe/Moscow")
    log["time"] = moments.map(lambda moment: moment.isoformat())
    data = _csv(log.rename(columns={"user": "client_id", "item": "sku", "time": "event_time"}))
    return OwnFile(
        "events.csv",
        b"\xef\xbb\xbf" + data,
        {"user": "client_id", "item": "sku", "time": "event_time"},
        {"repeats": 15, "no_user": 7, "future": 4, "epoch": 5},
        n,
    )


def music_counts() -> OwnFile:
    """Прослушивания: TSV без времени, количества, нули, пробелы вокруг имён, Ария и ария."""
    log = events(2)
    n = len(log)
    rng = np.random.default_rng(2)
    log["plays"] = rng.geometric(0.1, n)
    log["user"] = log["user"].map("слушатель{}".format)
    log["item"] = log["item"].map("группа {}".format)
    log.loc[:5, "item"] += " "
    rest = log.loc[10:, "item"]
    heard = rest.iloc[0]
    log.loc[rest.index[rest.eq(heard)][:1], "item"] = heard.upper()
    zero = log.iloc[100:108].assign(plays=0)
    log = _joined(log, zero).drop(columns="time")
    return OwnFile(
        "plays.tsv",
        _csv(log, sep="\t"),
        {"user": "user", "item": "item", "count": "plays"},
        {
            "zero_count": 8,
            "padded_item": int(log["item"][log["item"].str.endswith(" ")].nunique()),
            "case_item": 2,
        },
        n,
    )


def book_grades() -> OwnFile:
    """Оценки книг 0–10: ноль — «без оценки», переоценки, опечатка 88, кавычки в названиях."""
    log = events(3)
    n = len(log)
    rng = np.random.default_rng(3)
    log["grade"] = rng.choice(np.arange(1, 11), n)
    log.loc[rng.choice(n, 300, replace=False), "grade"] = 0
    log["title"] = log["item"].map('Роман "{}"; том 1'.format)
    ungraded = int((log["grade"] == 0).sum())
    again = log.iloc[:9].assign(time=lambda f: f["time"] + 10**6, grade=7)
    typo = log.iloc[20:23].assign(grade=88, time=lambda f: f["time"] + 1)
    ungraded -= int((log.iloc[:9]["grade"] == 0).sum())  # эти переоценены
    log = _joined(log, again, typo)
    log["item"] = log["item"].map("9785{:09d}".format)
    return OwnFile(
        "books.csv",
        _csv(log, sep=";"),
        {"user": "user", "item": "item", "time": "time", "grade": "grade", "title": "title"},
        {"ungraded": ungraded, "regraded": 9, "off_scale": 3},
        n,
    )


def receipts() -> OwnFile:
    """Чеки: полный возврат отменяет покупку, частичный — нет; один номер чека у двух касс."""
    log = events(4)
    n = len(log)
    log["qty"] = 2
    log["check"] = log["user"] * 1000 + (log["time"] - START) // 86_400
    log["time"] = START + (log["check"] % 1000) * 86_400 + 3600 * (1 + log["user"] % 20)
    full = log.iloc[:6].assign(qty=-2, time=log["time"].max() + 60, check=990_001)
    partial = log.iloc[6:10].assign(qty=-1, time=log["time"].max() + 60, check=990_002)
    shared = {log["check"].iloc[20], log["check"].iloc[21]}
    assert log["user"].iloc[20] != log["user"].iloc[21] and len(shared) == 2
    log.loc[log["check"].isin(shared), "check"] = 555
    kept = log.drop(index=range(6))
    log = _joined(log, full, partial)
    return OwnFile(
        "receipts.csv",
        _csv(log),
        {"user": "user", "item": "item", "time": "time", "count": "qty", "basket": "check"},
        {"returns": 6 + 4 + 6, "shared_baskets": int((kept["check"] == 555).sum())},
        n - 6,
    )


def forum_log() -> OwnFile:
    """Форум: один робот, миллисекунды, лишний разделитель в трёх строках."""
    log = events(5)
    n = len(log)
    bot = pd.DataFrame({"user": 777, "item": np.arange(1500) % 30, "time": START + np.arange(1500)})
    log = _joined(log, bot)
    log["time"] = log["time"] * 1000 + 123
    data = _csv(log, sep="|") + b"1|2|3|4\n5|6\n7|8|9|10|11\n"
    return OwnFile(
        "forum.txt",
        data,
        {"user": "user", "item": "item", "time": "time"},
        {"bots": 1500, "broken_rows": 3},
        n,
    )


def three_times() -> OwnFile:
    """Время в трёх записях сразу — секунды, ISO, ДД.ММ.ГГГГ ЧЧ:ММ — и две строки без него."""
    log = events(6)
    n = len(log)
    moments = pd.to_datetime(log["time"], unit="s")
    kinds = np.arange(n) % 3
    text = log["time"].astype(str).to_numpy(object)
    text[kinds == 1] = moments[kinds == 1].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    text[kinds == 2] = moments[kinds == 2].dt.strftime("%d.%m.%Y %H:%M:%S")
    log = _joined(log.assign(time=text), log.iloc[:2].assign(time=["вчера", ""]))
    return OwnFile(
        "three.csv",
        _csv(log),
        {"user": "user", "item": "item", "time": "time"},
        {"mixed_times": n, "mixed_zones": n // 3, "no_time": 2},
        n,
    )


def accounting() -> OwnFile:
    """Выгрузка из бухгалтерии: cp1251, «;», десятичная запятая, ДД.ММ.ГГГГ, шапка и «Итого»."""
    log = events(7)
    n = len(log)
    days = pd.to_datetime(log["time"], unit="s").dt.strftime("%d.%m.%Y")
    sales = pd.DataFrame(
        {
            "Контрагент": log["user"].map("{:09d}".format),
            "Номенклатура": log["item"].map("Товар «{}»".format),
            "Дата": days,
            "Кол-во": np.where(np.arange(n) % 2, "1,500", "1 200,25"),
        }
    )
    head = "Отчёт о продажах;;;\nООО «Ромашка»;;;\n\n"
    total = f"Итого;;;{n * 1000},00\n"
    text = head + sales.to_csv(index=False, sep=";", lineterminator="\r\n") + total
    return OwnFile(
        "продажи.csv",
        text.encode("cp1251"),
        {"user": "Контрагент", "item": "Номенклатура", "time": "Дата", "count": "Кол-во"},
        {"above": 2, "no_item": 1, "decimal_comma": n + 1},
        n,
    )


def workbook() -> OwnFile:
    """Книга Excel: даты Excel, идентификаторы «12.0», два листа, пустые строки в конце."""
    log = events(8)
    n = len(log)
    book = openpyxl.Workbook()
    book.active.title = "О файле"
    book.active.append(["Выгрузка за год"])
    sheet = book.create_sheet("Данные")
    sheet.append(["клиент", "товар", "когда"])
    moments = pd.to_datetime(log["time"], unit="s").dt.to_pydatetime()
    for user, item, moment in zip(log["user"], log["item"], moments, strict=True):
        sheet.append([f"{user}.0", item + 100, moment])
    sheet.append([None, None, None])
    sheet.append([None, 101, moments[0]])
    data = io.BytesIO()
    book.save(data)
    return OwnFile(
        "book.xlsx",
        data.getvalue(),
        {"user": "клиент", "item": "товар", "time": "когда"},
        {"float_user": 60, "no_user": 1},
        n,
    )


BIG = 2**62 + 1  # через float64 такой номер не пронести


def parquet() -> OwnFile:
    """Parquet: 64-битные номера, моменты в миллисекундах с поясом, пропуски."""
    log = events(9)
    n = len(log)
    log["user"] += BIG
    moments = pd.to_datetime(log["time"], unit="s", utc=True).dt.as_unit("ms")
    log["time"] = moments.dt.tz_convert("Asia/Tokyo")
    gaps = log.iloc[:3].copy()
    frame = _joined(log, gaps).astype({"user": "Int64"})
    frame.loc[n:, "user"] = pd.NA
    data = io.BytesIO()
    frame.to_parquet(data)
    return OwnFile(
        "log.parquet",
        data.getvalue(),
        {"user": "user", "item": "item", "time": "time"},
        {"no_user": 3},
        n,
    )


def two_ids() -> OwnFile:
    """UTF-16; один товар под двумя номерами, все времена равны, строки повторяются."""
    log = events(10)
    n = len(log)
    log["time"] = "01.06.2024 00:00"
    log["title"] = log["item"].map("Чайник {}".format)
    log.loc[log["item"] == 29, "title"] = "чайник  0"
    log = _joined(log, log.iloc[:11])
    return OwnFile(
        "two.csv",
        log.to_csv(index=False).encode("utf-16"),
        {"user": "user", "item": "item", "time": "time", "title": "title"},
        {"equal_times": n + 11, "repeats_kept": 11, "same_title": 2},
        n + 11,
    )


FILES: list[Callable[[], OwnFile]] = [
    shop_log,
    music_counts,
    book_grades,
    receipts,
    forum_log,
    three_times,
    accounting,
    workbook,
    parquet,
    two_ids,
]
