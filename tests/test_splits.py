"""Разбиения: маленькие таблицы вручную, буквальный цикл на случайных таблицах, плохой ввод."""

from fractions import Fraction
from math import floor

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lessons.datasets import DataError, load_movielens
from recsys_lessons.splits import (
    Split,
    board_a,
    board_b,
    chronological,
    global_date,
    held_out_users,
    last_share,
    leave_last_out,
    next_basket,
    to_matrix,
)


def table(*rows: tuple[int, int, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user", "item", "rating", "timestamp"])


def cells(matrix: sp.csr_array) -> set[tuple[int, int]]:
    """Занятые ячейки; заодно — что это CSR из единиц."""
    assert isinstance(matrix, sp.csr_array) and (matrix.data == 1).all()
    rows, columns = matrix.nonzero()
    return set(zip(rows.tolist(), columns.tolist(), strict=True))


# Пользователь 0 — пять положительных и низкие оценки между ними; пользователь 1 — четыре
# положительных и низкая в конце; у пользователя 2 только низкие.
SMALL = table(
    (0, 0, 5, 10),
    (0, 1, 2, 20),
    (0, 2, 4, 30),
    (0, 3, 5, 40),
    (0, 4, 4, 50),
    (0, 5, 3, 60),
    (0, 6, 5, 70),
    (0, 7, 1, 80),
    (1, 0, 4, 10),
    (1, 2, 4, 20),
    (1, 4, 4, 25),
    (1, 5, 5, 30),
    (1, 7, 1, 90),
    (2, 1, 3, 10),
    (2, 3, 1, 20),
)


# ------------------------------------------------------------------------ доля последних


def test_last_share_by_hand():
    split = last_share(SMALL)
    assert cells(split.test) == {(0, 6)}
    assert cells(split.train) == {(0, 0), (0, 2), (0, 3), (0, 4), (1, 0), (1, 2), (1, 4), (1, 5)}
    low_before = {(0, 1), (0, 5), (1, 7), (2, 1), (2, 3)}
    assert cells(split.seen) == cells(split.train) | low_before
    assert split.n_skipped == 1
    assert split.train.shape == split.test.shape == split.seen.shape == (3, 8)
    expected = SMALL.drop(index=[6, 7]).reset_index(drop=True)
    pd.testing.assert_frame_equal(split.history, expected)


def test_history_splits_again():
    test = last_share(SMALL, share=0.4)
    assert cells(test.test) == {(0, 4), (0, 6), (1, 5)}
    validation = last_share(test.history, share=0.4, shape=test.train.shape)
    assert cells(validation.test) == {(0, 3), (1, 4)}
    assert cells(validation.train) == {(0, 0), (0, 2), (1, 0), (1, 2)}
    assert cells(validation.seen) == {(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 1), (2, 3)}
    assert validation.train.shape == (3, 8)


def test_share_is_floored_without_float_surprises():
    """В двоичной записи 0.29 · 100 < 29, но ⌊0,29 · 100⌋ = 29: округляется настоящая доля."""
    sizes = np.arange(1, 101)
    user = np.repeat(np.arange(100), sizes)
    item = np.concatenate([np.arange(n) for n in sizes])
    events = pd.DataFrame({"user": user, "item": item, "rating": 5, "timestamp": item})
    for percent in range(1, 100):
        split = last_share(events, share=percent / 100)
        expected = [floor(Fraction(percent, 100) * int(n)) for n in sizes]
        assert np.diff(split.test.indptr).tolist() == expected, percent
        assert split.n_skipped == expected.count(0)
        n_train = np.diff(split.train.indptr)
        for u in (0, 49, 99):
            assert split.train[[u]].indices.tolist() == list(range(n_train[u]))


def literal(events: pd.DataFrame, n_test, min_rating: int) -> dict[str, set[tuple[int, int]]]:
    """Срез буквально: с конца истории отсчитать ``n_test(n)`` положительных."""
    parts: dict[str, set[tuple[int, int]]] = {"train": set(), "test": set(), "seen": set()}
    for user, rows in events.groupby("user"):
        rows = rows[["item", "rating"]].to_numpy().tolist()
        positives = [place for place, (_, rating) in enumerate(rows) if rating >= min_rating]
        wanted = n_test(len(positives))
        cut = positives[len(positives) - wanted] if wanted else len(rows)
        for place, (item, rating) in enumerate(rows):
            if place < cut:
                parts["seen"].add((user, item))
            if rating >= min_rating:
                parts["train" if place < cut else "test"].add((user, item))
    return parts


def random_table(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n_users, n_items = rng.integers(1, 7), rng.integers(1, 15)
    chosen = np.argwhere(rng.random((n_users, n_items)) < rng.random())
    if not len(chosen):
        chosen = np.array([[0, 0]])
    frame = pd.DataFrame(chosen, columns=["user", "item"])
    frame["rating"] = rng.integers(1, 6, len(frame))
    frame["timestamp"] = rng.integers(0, 8, len(frame))
    return frame.sample(frac=1, random_state=seed)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 3, 4, 5]), st.sampled_from([10, 20, 50, 90]))
def test_splits_equal_a_literal_loop(seed, min_rating, percent):
    events = chronological(random_table(seed), seed)
    positive = events[events["rating"] >= min_rating]
    share = Fraction(percent, 100)
    cases = [
        (lambda: last_share(events, percent / 100, min_rating), lambda n: floor(share * n)),
        (lambda: leave_last_out(events, min_rating), lambda n: int(n > 1)),
    ]
    for make, n_test in cases:
        expected = literal(events, n_test, min_rating)
        if not (expected["train"] and expected["test"]):
            with pytest.raises(ValueError, match=r"часть пуста.*наибольшая оценка"):
                make()
            continue
        split = make()
        assert {part: cells(getattr(split, part)) for part in expected} == expected
        assert not cells(split.seen) & cells(split.test)
        assert cells(split.train) <= cells(split.seen)
        assert cells(split.train) | cells(split.test) == cells(to_matrix(positive, (7, 15)))
        skipped = {u for u, _ in expected["train"]} - {u for u, _ in expected["test"]}
        assert split.n_skipped == len(skipped)


def test_leave_last_out_by_hand():
    events = table((0, 0, 5, 1), (0, 1, 3, 2), (0, 2, 4, 3), (0, 3, 1, 4), (1, 2, 5, 1))
    split = leave_last_out(events)
    assert cells(split.test) == {(0, 2)}
    assert cells(split.train) == {(0, 0), (1, 2)}
    assert cells(split.seen) == {(0, 0), (0, 1), (1, 2)}
    assert split.n_skipped == 1


# ------------------------------------------------------------------------ порядок и совпадения


def test_chronological_sorts_and_keeps_the_columns():
    mixed = SMALL.sample(frac=1, random_state=3).assign(note=lambda f: f["item"] * 10)
    before = mixed.copy()
    ordered = chronological(mixed)
    pd.testing.assert_frame_equal(ordered[SMALL.columns], SMALL)
    assert (ordered["note"] == ordered["item"] * 10).all()
    pd.testing.assert_frame_equal(mixed, before)


def test_ties_are_shuffled_by_the_seed_and_only_ties():
    rows = [(u, i, 5, (0 if i < 2 else 7 if i < 8 else 9 + i)) for u in (1, 0) for i in range(10)]
    events = table(*rows)
    orders = [chronological(events, seed) for seed in (0, 1, 0)]
    pd.testing.assert_frame_equal(orders[0], orders[2])
    assert orders[0]["item"].tolist() != orders[1]["item"].tolist()
    for ordered in orders:
        assert ordered["user"].tolist() == [0] * 10 + [1] * 10
        for start in (0, 10):
            items = ordered["item"].tolist()[start : start + 10]
            assert set(items[:2]) == {0, 1} and set(items[2:8]) == set(range(2, 8))
            assert items[8:] == [8, 9]


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("int64", 0, 30),
        ("int64", 0, 10**9),
        ("int64", -(2**63), 2**63 - 1),
        ("int64", 0, 2**40),
        ("int8", -128, 127),
        ("uint64", 2**63 - 9, 2**63 + 9),
        ("float64", 0, 3),
    ],
)
@pytest.mark.parametrize("last_user", [5, 2**31 - 2])
def test_order_equals_a_lexsort(dtype, low, high, last_user):
    """Порядок один, помещаются ли пользователь и время в одно число или нет."""
    rng = np.random.default_rng(0)
    user = np.append(rng.integers(0, 6, 399), last_user)
    if dtype == "float64":
        time = rng.integers(low * 10, high * 10, 400) / 10
    else:
        time = rng.integers(low, high, 400, dtype=dtype, endpoint=True)
    events = pd.DataFrame({"user": user, "item": np.arange(400), "rating": 5, "timestamp": time})
    shuffled = np.random.default_rng(3).permutation(400)
    expected = np.lexsort((shuffled, time, user))
    ordered = chronological(events, seed=3)
    assert ordered["item"].tolist() == expected.tolist()
    assert ordered["timestamp"].tolist() == time[expected].tolist()


def test_every_tied_item_is_last_equally_often():
    """Порядок внутри совпадения не зависит ни от номера объекта, ни от порядка в файле."""
    events = table(*[(0, i, 5, 1) for i in (2, 0, 1)])
    last = [chronological(events, seed)["item"].iloc[-1] for seed in range(300)]
    assert np.bincount(last).min() > 70


def test_order_inside_ties_depends_on_the_order_of_the_file():
    """Перемешиваются строки файла: другой порядок строк — другой порядок внутри совпадений."""
    events = table(*[(0, i, 5, i // 8) for i in range(16)])
    here, there = chronological(events), chronological(events[::-1])
    assert here["timestamp"].tolist() == there["timestamp"].tolist()
    assert set(here["item"][:8]) == set(there["item"][:8])
    assert here["item"].tolist() != there["item"].tolist()


# ------------------------------------------------------------------------ общая дата

DATED = table(
    (0, 0, 5, 100),
    (0, 1, 2, 150),
    (0, 2, 4, 200),
    (0, 3, 1, 250),
    (1, 0, 4, 100),
    (2, 4, 5, 300),
)


@pytest.mark.parametrize(
    "date",
    [
        200,
        200.0,
        np.int64(200),
        pd.Timestamp(200, unit="s"),
        pd.Timestamp(200, unit="s", tz="UTC").tz_convert("Asia/Vladivostok"),
    ],
)
def test_global_date_by_hand(date):
    split = global_date(DATED.sample(frac=1, random_state=0), date)
    assert cells(split.train) == {(0, 0), (1, 0)}
    assert cells(split.seen) == {(0, 0), (0, 1), (1, 0)}
    assert cells(split.test) == {(0, 2), (2, 4)}
    assert split.train.shape == (3, 5)
    assert split.n_skipped == 1
    assert sorted(split.history["item"]) == [0, 0, 1]


def test_global_date_with_a_threshold_and_a_shape():
    split = global_date(DATED, 200, min_rating=5, shape=(4, 9))
    assert cells(split.train) == {(0, 0)} and cells(split.test) == {(2, 4)}
    assert split.train.shape == split.test.shape == split.seen.shape == (4, 9)


# ------------------------------------------------------------------------ протоколы уроков


@pytest.fixture(scope="module")
def ratings():
    try:
        return load_movielens()[0]
    except DataError as error:
        pytest.skip(f"нет данных: {error}")


def _with_test(split: Split) -> int:
    return int((np.diff(split.test.indptr) > 0).sum())


def test_board_a_on_movielens(ratings):
    validation, test = board_a(ratings)
    assert test.train.shape == validation.test.shape == (943, 1682)
    assert _with_test(test) == 938 and test.n_skipped == 4
    assert _with_test(validation) == 934 and validation.n_skipped == 8
    assert test.train.nnz + test.test.nnz == 55_375
    assert (validation.train + validation.test != test.train).nnz == 0
    for split in (validation, test):
        assert split.seen.multiply(split.test).nnz == 0
        assert (split.seen - split.train).min() == 0
    n = np.diff(test.train.indptr) + np.diff(test.test.indptr)
    assert np.diff(test.test.indptr).tolist() == (n // 5).tolist()
    again, other = board_a(ratings, seed=0)[1], board_a(ratings, seed=1)[1]
    assert (again.test != test.test).nnz == 0 < (other.test != test.test).nnz


def test_board_b_on_movielens(ratings):
    validation, test = board_b(ratings, seed=2)
    assert test.train.shape == validation.train.shape == (943, 1682)
    assert _with_test(test) == test.test.nnz == 942
    assert (validation.train + validation.test != test.train).nnz == 0
    assert validation.test.nnz == _with_test(validation)
    ordered = chronological(ratings, seed=2)
    liked = ordered[(ordered["user"] == 5) & (ordered["rating"] >= 4)]["item"].tolist()
    assert test.test[[5]].indices.tolist() == liked[-1:]
    assert validation.test[[5]].indices.tolist() == liked[-2:-1]


# ------------------------------------------------------------------------ новые пользователи


def marked(seed: int, n_users: int = 20, n_items: int = 12) -> sp.csr_array:
    """Случайная матрица, в строке пользователя ``u`` стоит ``u + 1``: строку видно и без номера."""
    rng = np.random.default_rng(seed)
    dense = (rng.random((n_users, n_items)) < 0.4) * np.arange(1.0, n_users + 1)[:, None]
    dense[0] = 0
    dense[1] = np.eye(n_items)[3] * 2
    return sp.csr_array(dense)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from([20, 50, 80, 99]))
def test_held_out_users_partition(seed, n_users, percent):
    X = marked(seed)
    before = X.toarray()
    parts = held_out_users(X, n_users, percent / 100, seed)
    whole = (parts.fold_in + parts.target).toarray()
    chosen = parts.users
    assert (whole.max(axis=1) - 1 == chosen).all()
    assert (np.diff(chosen) > 0).all() and len(chosen) == n_users
    np.testing.assert_array_equal(whole, before[chosen])
    assert parts.fold_in.multiply(parts.target).nnz == 0
    others = np.setdiff1d(np.arange(20), chosen)
    np.testing.assert_array_equal(parts.train.toarray(), before[others])
    assert {0, 1} <= set(others.tolist())
    n = (whole > 0).sum(axis=1)
    hidden = [max(1, floor(Fraction(100 - percent, 100) * int(size))) for size in n]
    assert np.diff(parts.target.indptr).tolist() == hidden
    assert np.diff(parts.fold_in.indptr).min() >= 1
    np.testing.assert_array_equal(X.toarray(), before)


@pytest.mark.parametrize("percent", [20, 50, 80, 90])
def test_hidden_share_is_floored_without_float_surprises(percent):
    """(1 − 0.8) · 10 в двоичной записи меньше 2, но скрыто два объекта из десяти."""
    for n in range(2, 60):
        parts = held_out_users(sp.csr_array(np.ones((2, n))), 1, percent / 100)
        assert parts.target.nnz == max(1, floor(Fraction(100 - percent, 100) * n)), n


def test_held_out_users_depends_on_the_seed_only():
    X = marked(0, n_items=40)
    a, b, c = (held_out_users(X, 5, seed=seed) for seed in (0, 0, 1))
    for part in ("train", "fold_in", "target"):
        assert (getattr(a, part) != getattr(b, part)).nnz == 0
    assert (a.train != c.train).nnz > 0
    same = sp.csr_array(np.ones((5, 40)))
    hidden = held_out_users(same, 4).target.toarray()
    assert len({tuple(row) for row in hidden}) == 4
    assert len(set(hidden.argmax(axis=1))) > 1


def test_held_out_users_ignores_explicit_zeros():
    """Явный ноль — не взаимодействие: у пользователя 0 оно одно, и отложить его нельзя."""
    X = sp.csr_array((np.array([1.0, 0, 1, 1, 1]), ([0, 0, 1, 1, 2], [0, 1, 0, 1, 0])), (3, 3))
    for seed in range(5):
        parts = held_out_users(X, 1, seed=seed)
        assert cells(parts.train) == {(0, 0), (1, 0)}
        assert parts.fold_in.nnz == parts.target.nnz == 1


# ------------------------------------------------------------------------ корзины


def baskets(*rows: tuple[int, int, str, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["user", "basket", "time", "item"])
    return frame.assign(time=pd.to_datetime(frame["time"]))


GOODS = baskets(
    (0, 11, "2020-01-03 10:00", 5),
    (0, 11, "2020-01-03 10:00", 2),
    (0, 11, "2020-01-03 10:00", 5),
    (0, 10, "2020-01-01 09:00", 7),
    (0, 13, "2020-02-05 00:00", 1),
    (0, 12, "2020-02-01 00:00", 9),
    (0, 12, "2020-02-01 00:00", 4),
    (1, 20, "2020-01-31 23:59", 3),
    (2, 30, "2020-02-02 00:00", 3),
    (2, 31, "2020-02-03 00:00", 4),
)
DATE = pd.Timestamp("2020-02-01")


def test_next_basket_by_hand():
    history, target = next_basket(GOODS.sample(frac=1, random_state=1), DATE)
    assert {u: [b.tolist() for b in bs] for u, bs in history.items()} == {
        0: [[7], [2, 5]],
        1: [[3]],
    }
    assert {u: b.tolist() for u, b in target.items()} == {0: [4, 9]}
    assert all(type(user) is int for user in (*history, *target))


def test_next_basket_keeps_two_baskets_of_one_moment_apart():
    same = baskets((0, 2, "2020-01-01", 1), (0, 1, "2020-01-01", 2), (0, 3, "2020-02-01", 3))
    history, target = next_basket(same, DATE)
    assert [b.tolist() for b in history[0]] == [[2], [1]] and target[0].tolist() == [3]


def test_next_basket_numbers_of_baskets_may_repeat_between_users():
    shared = baskets((0, 1, "2020-01-01", 1), (1, 1, "2020-01-01", 2), (1, 2, "2020-03-01", 3))
    history, target = next_basket(shared, DATE)
    assert history[0][0].tolist() == [1] and history[1][0].tolist() == [2]
    assert target[1].tolist() == [3]


# ------------------------------------------------------------------------ матрица


def test_to_matrix():
    frame = table((0, 1, 5, 0), (1, 0, 3, 0), (0, 1, 4, 1))
    assert cells(to_matrix(frame, (2, 3))) == {(0, 1), (1, 0)}
    assert cells(to_matrix(frame, (2, 3), min_rating=4)) == {(0, 1)}
    assert to_matrix(frame, (2, 3)).dtype == np.float64


# ------------------------------------------------------------------------ плохой ввод

TWICE = table((0, 0, 5, 1), (0, 1, 5, 2), (0, 0, 5, 3), (0, 2, 5, 4))
RULES = [chronological, last_share, leave_last_out, lambda frame: global_date(frame, 50)]


@pytest.mark.parametrize("rule", RULES, ids=["chronological", "share", "last", "date"])
@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (SMALL.drop(columns=["rating", "user"]), "нет столбцов: user, rating"),
        (SMALL[:0], "пуста"),
        (SMALL.assign(rating=SMALL["rating"].where(SMALL["item"] > 2)), "пропуски"),
        (SMALL.assign(timestamp=np.nan), "пропуски"),
        (SMALL.assign(user=SMALL["user"].astype(str)), "user — номера от нуля"),
        (SMALL.assign(item=SMALL["item"] / 2), "item — номера от нуля"),
        (SMALL.assign(item=SMALL["item"] - 1), "item — номера от нуля"),
        (SMALL.assign(rating="хорошо"), "rating — числа"),
        (SMALL.assign(timestamp=pd.to_datetime(SMALL["timestamp"])), "timestamp — числа"),
        (TWICE, "дважды"),
    ],
)
def test_bad_tables_get_a_russian_error(rule, frame, message):
    with pytest.raises(ValueError, match=message):
        rule(frame)


@pytest.mark.parametrize("rule", [last_share, leave_last_out])
@pytest.mark.parametrize("kind", ["int64", "uint32"])
@pytest.mark.parametrize("column", ["user", "timestamp"])
def test_tables_out_of_order_are_refused(rule, kind, column):
    """В том числе с беззнаковыми числами: их разность отрицательной не бывает."""
    rows = table((1, 0, 5, 1), (1, 1, 5, 2), (0, 0, 5, 1), (0, 1, 5, 2))
    if column == "timestamp":
        rows = table((0, 0, 5, 1), (0, 1, 5, 3), (0, 2, 5, 2))
    with pytest.raises(ValueError, match=r"не упорядочена.*chronological"):
        rule(rows.astype({column: kind}))


def test_equal_times_and_any_order_between_users_are_in_order():
    events = table((0, 0, 5, 9), (0, 1, 5, 9), (1, 0, 5, 1), (1, 1, 5, 1))
    assert cells(leave_last_out(events).test) == {(0, 1), (1, 1)}


@pytest.mark.parametrize("share", [0, 1, 2, -0.1, 1.0, np.nan, None, "0.2"])
def test_bad_shares(share):
    with pytest.raises(ValueError, match="число больше 0 и меньше 1, а получено"):
        last_share(SMALL, share=share)
    with pytest.raises(ValueError, match="число больше 0 и меньше 1, а получено"):
        held_out_users(marked(0), 3, fold_in_share=share)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: last_share(SMALL, shape=(2, 8)), "Пользователь с номером 2 вне матрицы 2 × 8"),
        (lambda: last_share(SMALL, shape=(3, 7)), "Объект с номером 7 вне матрицы 3 × 7"),
        (lambda: global_date(DATED, 200, shape=(3, 4)), "Объект с номером 4"),
        (lambda: to_matrix(table((-1, 0, 5, 0)), (1, 1)), "user — номера от нуля.*-1"),
        (lambda: to_matrix(table((0, 1, 5, 0)), (1, 1)), "Объект с номером 1 вне"),
        (lambda: global_date(DATED, 100), "По одну сторону"),
        (lambda: global_date(DATED, 301), "По одну сторону"),
        (lambda: global_date(DATED, pd.Timestamp("2020-01-01")), "По одну сторону"),
        (lambda: global_date(DATED, "1970-01-01"), "pandas.Timestamp"),
        (lambda: global_date(DATED, pd.NaT), "pandas.Timestamp"),
        (lambda: board_a(SMALL[:0]), "пуста"),
        (lambda: held_out_users(marked(0), 0), "n_users — целое число"),
        (lambda: held_out_users(marked(0), 20), "не больше 17"),
        (lambda: held_out_users(marked(0), -1), "n_users — целое число"),
        (lambda: held_out_users(marked(0), 2.0), "n_users — целое число"),
        (lambda: held_out_users(sp.csr_array(np.ones((3, 3))), 3), "не больше 2"),
        (lambda: held_out_users(sp.csr_array(np.full((3, 3), np.nan)), 1), "nan"),
        (lambda: next_basket(GOODS.drop(columns=["item", "time"]), DATE), "столбцов: .*item"),
        (lambda: next_basket(GOODS[:0], DATE), "пуста"),
        (lambda: next_basket(GOODS, pd.Timestamp("2019-01-01")), "По одну сторону"),
        (lambda: next_basket(GOODS, pd.Timestamp("2021-01-01")), "По одну сторону"),
        (lambda: next_basket(GOODS[GOODS["user"] > 0], DATE), "По одну сторону"),
        (lambda: next_basket(GOODS, "2020-02-01"), "pandas.Timestamp"),
        (lambda: next_basket(GOODS, 5), "pandas.Timestamp"),
        (lambda: next_basket(GOODS, pd.NaT), "pandas.Timestamp"),
        (lambda: next_basket(GOODS.assign(time=pd.NaT), DATE), "пропуски"),
        (lambda: next_basket(GOODS.assign(user=GOODS["user"] / 2), DATE), "user — номера"),
        (lambda: next_basket(GOODS.assign(item="хлеб"), DATE), "item — номера"),
        (lambda: next_basket(GOODS.assign(time=5), DATE), "time — моменты"),
    ],
)
def test_bad_input_gets_a_russian_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_basket_with_two_times_is_refused():
    """Иначе её вторая половина пристанет к чужой корзине."""
    torn = baskets(
        (0, 1, "2020-01-01", 1),
        (0, 2, "2020-01-02", 2),
        (0, 1, "2020-01-03", 3),
        (0, 3, "2020-02-01", 4),
    )
    with pytest.raises(ValueError, match="корзин"):
        next_basket(torn, DATE)


def test_liked_before_and_after_the_cut():
    split = Split(
        *(sp.csr_array(x) for x in ([[1, 0, 1], [0, 0, 0]], [[0, 1, 0], [0, 0, 1]])), None, None
    )
    assert [items.tolist() for items in split.liked(0)] == [[0, 2], [1]]
    assert [items.tolist() for items in split.liked(np.int64(1))] == [[], [2]]
    for user in (2, -1, 1.0, "Аня"):
        with pytest.raises(ValueError, match=r"Пользователя|users"):
            split.liked(user)
