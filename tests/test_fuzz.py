"""Что угодно на входе всех открытых функций и моделей: верный ответ или понятная ошибка.

Каждый вызов кончается одним из двух. Либо ответ верен: совпадает с посчитанным иначе или хотя бы
той формы, какая обещана, и конечен. Либо это ошибка по-русски короче тысячи знаков. Поданное не
меняется. Больше вызовов и таблица исходов: ``python -m tests.test_fuzz 500``.
"""

import inspect
import os
import re
import subprocess
import sys
import warnings
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import recsys_lessons.models as models
from recsys_lessons import datasets, evaluation, inputs, metrics, splits, synthetic

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
COUNTS: Counter[tuple[str, str]] = Counter()
ERRORS = (ValueError, TypeError, MemoryError, FloatingPointError)  # NotFittedError — ValueError


def examples(default: int):
    return settings(
        max_examples=EXAMPLES or default,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # уменьшать пример дольше, чем его прочесть
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    if EXAMPLES:
        kinds = sorted({kind for _, kind in COUNTS})
        table = pd.DataFrame(
            {kind: Counter({n: c for (n, k), c in COUNTS.items() if k == kind}) for kind in kinds}
        )
        table = table.fillna(0).astype(int)
        print("\n" + table.to_string())
        print(f"вызовов {table.to_numpy().sum()}: {table.sum().to_dict()}")


def fingerprint(value):
    """Содержимое поданного, каким бы оно ни было."""
    if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray):
        content = [repr(x) for x in value.ravel()] if value.dtype == object else value.tobytes()
        return value.shape, str(value.dtype), content
    if sp.issparse(value):
        if value.format == "dok":
            return value.shape, sorted(value.items())
        parts = ("data", "indices", "indptr", "coords", "rows", "offsets")
        return value.shape, [fingerprint(getattr(value, p)) for p in parts if hasattr(value, p)]
    if isinstance(value, pd.DataFrame):
        return list(map(repr, value.columns)), [
            repr(value.iloc[:, i].tolist()) for i in range(value.shape[1])
        ]
    if isinstance(value, list | tuple):
        return [fingerprint(x) for x in value]
    if isinstance(value, dict):
        return [(key, fingerprint(x)) for key, x in value.items()]
    return id(value)


def run(name, function, *args, right=lambda value: None, **kwargs):
    """Позвать и проверить исход; возвращает ответ или ``None``."""
    before = fingerprint([args, kwargs])
    value = None
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            Evil.armed = True
            value = function(*args, **kwargs)
    except ERRORS as error:
        assert re.search("[а-яё]", str(error), re.IGNORECASE), f"{type(error).__name__}: {error}"
        assert len(str(error)) < 1000
        COUNTS[name, type(error).__name__] += 1
    else:
        Evil.armed = False
        right(value)
        COUNTS[name, "ответ"] += 1
    finally:
        Evil.armed = False
    assert fingerprint([args, kwargs]) == before, "поданное изменилось"
    return value


# ----------------------------------------------------------------------------- что подаём


class Evil:
    """Срывается на всём, о чём его спросит проверяемый код; hypothesis может его напечатать."""

    armed = False

    def _fail(self, *_):
        raise RuntimeError("evil")

    __len__ = __iter__ = __getitem__ = __array__ = __float__ = __int__ = __index__ = __lt__ = _fail

    def __repr__(self):
        return self._fail() if Evil.armed else "Evil()"

    def __bool__(self):
        return self._fail() if Evil.armed else True

    def __eq__(self, other):
        return self._fail() if Evil.armed else self is other

    def __hash__(self):
        return self._fail() if Evil.armed else id(self)


BIG = 2**31 - 1
EVIL_VALUES = [
    None, True, False, -1, 0, 2, 0.5, -0.0, np.nan, np.inf, -np.inf, 2**31, 2**63, 2**64, 10**400,
    -(10**400), 1e308, "3", "x" * 10_000, b"1", 1j, Decimal("0.5"), Fraction(1, 3), pd.NA, pd.NaT,
    np.float16(2), np.int8(-1), np.uint64(2**64 - 1), np.bool_(True), np.timedelta64(3, "D"),
    np.datetime64("2020-01-01"), pd.Timestamp("2020-01-01"), np.array(3), np.array([1, 2]),
    np.array(["a"]), np.empty(0), np.zeros((2, 3)), np.ma.masked, [], [1, [2, 3]], (), {}, {"a": 1},
    {1, 2}, range(3), iter([1]), object(), Evil(), [Evil()], int, len, slice(2),
    torch.ones(2, requires_grad=True), sp.csr_array((2, 2)), sp.coo_array(np.ones(3)),
    pd.Series([1, 2]), pd.DataFrame({"user": [0]}), "a\n" * 3000, [10**400] * 500,
]  # fmt: skip
evil = st.integers(0, len(EVIL_VALUES) - 1).map(EVIL_VALUES.__getitem__)


def mostly(good, n=10):
    """Годное, а один раз из ``n`` — что угодно."""
    return st.integers(1, n).flatmap(lambda which: evil if which == n else good)


def whole(low, high):
    kinds = st.sampled_from([int, np.int64, np.int32, np.uint8, np.int8])
    return mostly(st.builds(lambda kind, value: kind(value), kinds, st.integers(low, high)))


def real(low, high):
    kinds = st.sampled_from([float, np.float32, np.float64, np.float16])
    return mostly(st.builds(lambda kind, value: kind(value), kinds, st.floats(low, high)))


seeds = mostly(st.sampled_from([0, 1, np.int64(7), np.uint8(200), 2**63 - 1]))
DTYPES = ["bool", "int8", "uint8", "int32", "uint64", "float16", "f4", "f8", ">f8", ">i4", "f16"]
FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia", "csr_matrix", "frozen"]


@st.composite
def matrices(draw, shape=None):
    """Разреженная матрица любого формата и типа, иногда с плохими числами или испорченная."""
    n_users, n_items = shape or (draw(st.integers(1, 6)), draw(st.integers(1, 6)))
    cells = draw(
        st.lists(st.tuples(st.integers(0, n_users - 1), st.integers(0, n_items - 1)), max_size=20)
    )
    values = draw(
        st.lists(st.sampled_from([1, 1, 1, 2, 3, 0, 100]), min_size=len(cells), max_size=len(cells))
    )
    if values and draw(st.integers(0, 11)) == 0:
        values[0] = draw(st.sampled_from([-1, np.nan, np.inf, -np.inf, 1e308, 1e39]))
    dtype = draw(st.sampled_from([*DTYPES, *DTYPES, "c8", "O"]))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            data = np.array(values, dtype=dtype)
            rows, columns = np.array(cells, dtype=np.int64).reshape(-1, 2).T
            form = draw(st.sampled_from(FORMATS))
            foreign = dtype in ("float16", ">f8", ">i4", "O")  # SciPy берёт их только в обход
            given = data.astype(np.float64) if foreign else data
            matrix = sp.coo_array((given, (rows, columns)), shape=(n_users, n_items))
            if foreign:
                form = "coo"
                matrix.data = data
            if form == "csr_matrix":
                matrix = sp.csr_matrix(matrix)
            elif form == "frozen":
                matrix = sp.csr_array(matrix)
                for part in (matrix.data, matrix.indices, matrix.indptr):
                    part.flags.writeable = False
            else:
                matrix = matrix.asformat(form)
    except (TypeError, ValueError, NotImplementedError, OverflowError):
        assume(False)  # самой SciPy такая матрица не по силам
    if matrix.format == "csr" and form == "csr" and draw(st.integers(0, 5)) == 0:
        spoil = draw(st.sampled_from(["index", "negative", "pointer", "short", "order"]))
        if spoil == "index":
            matrix.indices = matrix.indices + 1
        elif spoil == "negative":
            matrix.indices = matrix.indices - 1
        elif spoil == "pointer":
            matrix.indptr = matrix.indptr[::-1].copy()
        elif spoil == "short":
            matrix.data = matrix.data[:-1]
        else:
            matrix.indices = matrix.indices[::-1].copy()
            matrix.has_canonical_format = matrix.has_sorted_indices = True
    return matrix


def dense(matrix):
    """То же независимо от проверяемого: в float64 и сложением по ячейкам."""
    table = np.zeros(matrix.shape)
    if matrix.format in ("csr", "coo", "csc"):
        if matrix.format == "coo":
            rows, columns = matrix.coords
        else:
            outer = np.repeat(np.arange(len(matrix.indptr) - 1), np.diff(matrix.indptr))
            rows, columns = (outer, matrix.indices)[:: 1 if matrix.format == "csr" else -1]
        np.add.at(table, (rows, columns), matrix.data.astype(np.float64))
        return table
    return np.asarray(matrix.toarray(), dtype=np.float64)


bad_matrix = st.one_of(
    evil,
    st.sampled_from([sp.csr_array((0, 3)), sp.csr_array((3, 0)), np.eye(2)]),
)
any_matrix = mostly(matrices(), 8).flatmap(lambda m: st.one_of(st.just(m), st.just(m)))


def users_of(n_users):
    good = st.lists(st.integers(0, n_users - 1), max_size=5)
    kinds = st.sampled_from([list, tuple, np.array, lambda x: np.array(x, np.uint8), pd.Series])
    return mostly(st.builds(lambda kind, value: kind(value), kinds, good))


# ------------------------------------------------------------------------------- вход


@examples(150)
@given(any_matrix, mostly(st.sampled_from([np.float32, np.float64, "float64"])), whole(1, 6))
def test_matrices(X, dtype, n_items):
    def right(value):
        assert value.format == "csr" and value.has_canonical_format
        value.check_format(full_check=True)
        expected = dense(X).astype(value.dtype)
        np.testing.assert_allclose(value.toarray(), expected, rtol=1e-6)
        assert value.nnz == np.count_nonzero(expected)

    run("check_interactions", inputs.check_interactions, X, right=right)
    run("check_interactions", inputs.check_interactions, X, dtype, n_items, right=right)
    run("check_training", inputs.check_training, X, dtype, right=right)


def is_a(kind):
    def right(value):
        assert type(value) is kind

    return right


@examples(300)
@given(evil, evil, whole(0, 5), st.text(max_size=5))
def test_small_checks(value, other, number, name):
    run("shown", inputs.shown, value, right=lambda text: len(text) <= 120 or pytest.fail(text))
    run("check_number", inputs.check_number, name, value, 0, 10, right=is_a(float))
    run("check_number", inputs.check_number, name, value, right=is_a(float))
    run("check_number", inputs.check_number, name, number, 0, 5, below=True, right=is_a(float))
    run("check_count", inputs.check_count, name, value, right=is_a(int))
    run("check_count", inputs.check_count, name, number, 0, 5, right=is_a(int))
    run("check_seed", inputs.check_seed, value, right=is_a(int))
    run("check_validation", inputs.check_validation, value, right=is_a(float))
    run("check_choice", inputs.check_choice, name, value, ["a", "b"])
    run("check_dtype", inputs.check_dtype, value)
    run("check_device", inputs.check_device, value, np.float64)
    run("check_device", inputs.check_device, "cpu", other)
    run("check_fitted", inputs.check_fitted, value, "nothing_")
    run("check_table", inputs.check_table, value, ("user", "item"))
    run("check_ratings", inputs.check_ratings, value)
    run("check_users", inputs.check_users, value, 3)
    run("check_users", inputs.check_users, value, None)
    run("check_baskets", inputs.check_baskets, value, 3)
    run("check_baskets", inputs.check_baskets, {0: value}, 3)
    run("check_baskets", inputs.check_baskets, {0: [value]}, 3)
    run("check_sequences", inputs.check_sequences, value, 3)
    run("check_sequences", inputs.check_sequences, [value], 3)


@examples(100)
@given(st.lists(evil, max_size=5), st.sampled_from([list, pd.Series, np.array, tuple]))
def test_encoding(values, kind):
    try:
        column = kind(values)
    except Exception:
        assume(False)

    def right(value):
        codes, labels = value
        assert codes.dtype == np.int64 and len(codes) == len(values)
        assert not codes.size or (codes.min() == 0 and codes.max() == len(labels) - 1)

    run("encode_ids", inputs.encode_ids, column, right=right)


@examples(100)
@given(st.integers(1, 5).flatmap(lambda n: st.tuples(st.just(n), users_of(n))))
def test_users(case):
    n_users, users = case

    def right(value):
        assert value.dtype == np.int64 and value.tolist() == [int(u) for u in users]

    run("check_users", inputs.check_users, users, n_users, right=right)


# ----------------------------------------------------------------------------- метрики


def score_arrays(n_users, n_items):
    number = st.sampled_from([0, 1, 2, 0.5, -1, 1e300, np.inf, -np.inf])
    rows = st.lists(
        st.lists(number, min_size=n_items, max_size=n_items), min_size=n_users, max_size=n_users
    )
    kinds = st.sampled_from(["f8", "f4", "f2", ">f8", "f16", "list", "O", "c16", "nan", "tensor"])

    def build(values, kind):
        with np.errstate(all="ignore"):
            array = np.array(values, dtype=np.float64)
            if kind == "nan":
                array[0, 0] = np.nan
                return array
            if kind == "list":
                return values
            return torch.tensor(array) if kind == "tensor" else array.astype(kind)

    return mostly(st.builds(build, rows, kinds))


def best(scores, k):
    """Устойчивая сортировка: больше балл — раньше, при равенстве — меньший номер."""
    table = np.asarray(scores, dtype=np.longdouble)
    lists = np.full((len(table), k), -1)
    for row, line in zip(table, lists, strict=True):
        order = [i for i in np.argsort(-row, kind="stable") if row[i] > -np.inf][:k]
        line[: len(order)] = order
    return lists


@examples(150)
@given(
    st.tuples(st.integers(1, 4), st.integers(1, 5)).flatmap(lambda s: score_arrays(*s)),
    mostly(st.sampled_from([1, 2, 3, 7, np.int64(2), np.uint8(3), BIG])),
)
def test_top_k(scores, k):
    def right(value):
        np.testing.assert_array_equal(value, best(scores, int(k)))

    run("top_k", metrics.top_k, scores, k, right=right)


PER_USER = [
    metrics.hit_count, metrics.hit_rate, metrics.precision, metrics.recall, metrics.recall_min,
    metrics.average_precision, metrics.reciprocal_rank, metrics.dcg, metrics.ndcg,
]  # fmt: skip


@st.composite
def lists_and_relevant(draw):
    n_users, n_items = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    rows = [
        draw(st.permutations([*range(n_items), -1, -1]))[: draw(st.just(min(n_items, 3)))]
        for _ in range(n_users)
    ]
    kind = draw(st.sampled_from([np.int64, np.int32, np.int8, list, "O", "f8"]))
    lists = rows if kind is list else np.array(rows).astype(kind)
    return draw(mostly(st.just(lists))), draw(mostly(matrices((n_users, n_items)), 20))


@pytest.mark.parametrize("metric", PER_USER, ids=lambda f: f.__name__)
@examples(30)
@given(lists_and_relevant(), mostly(st.sampled_from([1, 2, np.int32(1), BIG])))
def test_metrics(metric, case, k):
    lists, relevant = case

    def right(values):
        wanted = dense(relevant) > 0
        assert values.shape == (len(wanted),)
        empty = ~wanted.any(axis=1)
        np.testing.assert_array_equal(np.isnan(values), empty)
        assert (values[~empty] >= 0).all()
        if metric is metrics.hit_count:
            hits = [
                sum(i >= 0 and w[i] for i in row[: int(k)])
                for row, w in zip(lists, wanted, strict=True)
            ]
            np.testing.assert_array_equal(values[~empty], np.array(hits)[~empty])
        elif metric is not metrics.dcg:
            assert (values[~empty] <= 1 + 1e-12).all()

    run(metric.__name__, metric, lists, relevant, k, right=right)
    if metric is metrics.ndcg:
        run("ndcg", metric, lists, relevant, k, k)
        run("average_precision", metrics.average_precision, lists, relevant, k, k)


@examples(100)
@given(
    lists_and_relevant(), whole(1, 3), whole(1, 6), mostly(st.just(np.array([3, 2, 1, 1, 1, 1])))
)
def test_metrics_of_lists(case, k, number, popularity):
    lists, relevant = case

    def finite(value):
        assert type(value) is float and np.isfinite(value) and value >= 0

    run("coverage", metrics.coverage, lists, number, k, right=finite)
    run("novelty", metrics.novelty, lists, popularity, number, k, right=finite)
    run("mean_popularity", metrics.mean_popularity, lists, popularity, k, right=finite)
    run("micro_precision", metrics.micro_precision, lists, relevant, k, right=finite)


# ------------------------------------------------------------------------------ оценка


@st.composite
def contests(draw):
    n_users, n_items = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    test = draw(mostly(matrices((n_users, n_items)), 20))
    seen = draw(st.one_of(st.none(), matrices((n_users, n_items)), bad_matrix))
    table = draw(score_arrays(n_users, n_items))
    wrong = draw(st.sampled_from([None] * 6 + ["short", "none", "sparse", "flat", "gradient"]))

    def score(users):
        if wrong == "none":
            return None
        if not isinstance(table, np.ndarray):
            return table
        rows = table[users]
        if wrong == "sparse":
            return sp.csr_array(np.ones(rows.shape))
        if wrong == "gradient":
            return torch.ones(rows.shape, requires_grad=True)
        return {"short": rows[:, :-1], "flat": rows.ravel()}.get(wrong, rows)

    return draw(mostly(st.just(score), 20)), test, seen, draw(users_of(n_users))


@examples(150)
@given(
    contests(),
    mostly(
        st.sampled_from(
            [("Recall@2",), ["NDCG@1", "HR@3"], ("MAP@2147483647",), ("NDCG@" + "9" * 9999,)]
        )
    ),
    mostly(st.sampled_from([1, 3, np.int8(2), BIG])),
)
def test_evaluation(case, names, k):
    score, test, seen, users = case

    def right(result):
        wanted = dense(test) > 0
        assert result.users.tolist() == np.flatnonzero(wanted.any(axis=1)).tolist()
        values = result.values.to_numpy()
        assert ((values >= 0) & (values <= 1)).all()
        hidden = np.zeros(wanted.shape, bool) if seen is None else dense(seen) > 0
        for user, items in zip(result.users, result.recommended, strict=True):
            assert not hidden[user, items[items >= 0]].any()

    run("evaluate", evaluation.evaluate, score, test, seen, names, right=right)

    def lists(value):
        assert value.shape == (len(users), k) and value.dtype == np.int64

    run("recommend", evaluation.recommend, score, users, seen, k, right=lists)


def result(values, index=None):
    frame = pd.DataFrame({"NDCG@10": values}, index=index)
    return evaluation.Evaluation(frame, np.zeros((len(frame), 1), int), 0)


results = mostly(st.sampled_from([result([0.1, 0.2]), result([1.0, 0.0]), result([1.0], [5])]), 5)


@examples(150)
@given(results, results, mostly(st.just("NDCG@10"), 4), evil, whole(0, 4))
def test_comparing(a, b, metric, other, digits):
    named = {"a": a, "b": b}
    run("compare", evaluation.compare, a, b, metric)
    run("average_seeds", evaluation.average_seeds, [a, b])
    run("average_seeds", evaluation.average_seeds, other)
    run("summary_table", evaluation.summary_table, named, digits)
    run("summary_table", evaluation.summary_table, other)
    run("over_seeds", evaluation.over_seeds, lambda seed: named, 2)
    run("over_seeds", evaluation.over_seeds, lambda seed: other, digits)
    run("over_seeds", evaluation.over_seeds, other, 2)
    pooled = {"a": evaluation.average_seeds([result([0.1, 0.2]), result([0.3, 0.1])])}
    run("seeds_table", evaluation.seeds_table, pooled, metric, "a", digits)
    run("seeds_table", evaluation.seeds_table, pooled, "NDCG@10", other)
    run("seeds_table", evaluation.seeds_table, other)
    if isinstance(a, evaluation.Evaluation):
        run("Evaluation.stats", a.stats, metric)
        run("Evaluation.stats", a.stats, other)


# ----------------------------------------------------------------------------- разбиения

IDS = [
    lambda n: n, lambda n: n.astype(np.int8), lambda n: n.astype(np.uint64),
    lambda n: n.astype(str), lambda n: n / 2, lambda n: n - 1, lambda n: n + 76561198000000001,
    lambda n: pd.array(n, "Int64"),
    lambda n: pd.Categorical(n), lambda n: n.astype(object), lambda n: np.where(n == 0, np.nan, n),
    lambda n: n == 0, lambda n: [[1]] * len(n), lambda n: n * 100,
]  # fmt: skip
RATINGS = [
    lambda n: n, lambda n: np.ones(len(n)), lambda n: n.astype(np.int8), lambda n: n.astype(str),
    lambda n: n * np.nan, lambda n: n * np.inf, lambda n: n + 1j, lambda n: n > 3,
    lambda n: pd.array(n, "Float64"), lambda n: n.astype("f2"),
    lambda n: [Decimal(int(x)) for x in n],
]  # fmt: skip
TIMES = [
    lambda n: n, lambda n: n.astype(np.uint8), lambda n: pd.to_datetime(n, unit="s"),
    lambda n: n.astype("timedelta64[s]"), lambda n: n * 1e300, lambda n: pd.array(n, "Int64"),
    lambda n: pd.to_datetime(n, unit="s", utc=True), lambda n: n.astype(str), lambda n: n * np.nan,
]  # fmt: skip
FRAMES = [
    lambda f: f.set_index("user", drop=False), lambda f: f.drop(columns="rating"), lambda f: f[:0],
    lambda f: pd.concat([f, f[["user"]]], axis=1), lambda f: (f, f), lambda f: f.to_numpy(),
    lambda f: f.rename(columns={"item": pd.NA}), lambda f: f.assign(**{"7": 1}),
    lambda f: f["user"],
    lambda f: f.T, lambda f: f.set_axis(pd.MultiIndex.from_product([["user"], f.columns]), axis=1),
    lambda f: pd.concat([f, f]), lambda f: f.set_index(np.zeros(len(f))),
    lambda f: f.to_dict("list"),
]  # fmt: skip


@st.composite
def tables(draw, baskets=False):
    n = draw(st.integers(1, 25))
    column = st.lists(st.integers(0, 5), min_size=n, max_size=n).map(np.array)
    frame = pd.DataFrame({"user": draw(column), "item": draw(column)})
    if not baskets:
        frame = frame.drop_duplicates(ignore_index=True)
    n = len(frame)

    def one_of(choices, usual=8):
        return choices[
            draw(st.integers(-usual * len(choices), len(choices) - 1).map(lambda i: max(i, 0)))
        ]

    numbers = st.lists(st.integers(1, 5), min_size=n, max_size=n).map(np.array)
    frame["user"] = one_of(IDS)(frame["user"].to_numpy())
    frame["item"] = one_of(IDS)(frame["item"].to_numpy())
    if baskets:
        number = frame.index.to_numpy() // 2
        frame["basket"] = one_of(
            [lambda x: x, lambda x: x.astype(str), lambda x: [[1]] * n, lambda x: [1, "a"] * n]
        )(number)[:n]
        moments = pd.Timestamp("2020-01-01") + pd.to_timedelta(number * 20, unit="D")
        frame["time"] = one_of(
            [
                lambda x: x,
                lambda x: x.tz_localize("UTC"),
                lambda x: x.astype(str),
                lambda x: [pd.NaT] * n,
            ]
        )(moments)
    else:
        frame["rating"] = one_of(RATINGS)(draw(numbers))
        frame["timestamp"] = one_of(TIMES)(draw(numbers))
    change = one_of([lambda f: f, *FRAMES], 4)
    try:
        return draw(mostly(st.just(change(frame)), 20))
    except KeyError:
        return frame


ratings = tables()
thresholds = mostly(st.sampled_from([None, None, 1, 3, 4, 3.5, np.int8(2)]))


def cells(matrix):
    assert (matrix.data == 1).all()
    return set(zip(*(part.tolist() for part in matrix.nonzero()), strict=True))


def right_split(frame, min_rating):
    def right(split):
        assert split.train.nnz and split.test.nnz
        train, test, seen = (cells(m) for m in (split.train, split.test, split.seen))
        users, items = (frame[name].to_numpy(np.int64).tolist() for name in ("user", "item"))
        pairs = set(zip(users, items, strict=True))
        liked = pairs
        if min_rating is not None:
            chosen = (frame["rating"] >= min_rating).tolist()
            liked = {p for p, c in zip(zip(users, items, strict=True), chosen, strict=True) if c}
        assert train | test == liked and not train & test
        assert train <= seen <= pairs and not seen & test

    return right


@examples(80)
@given(
    ratings,
    seeds,
    thresholds,
    real(0.1, 0.9),
    mostly(st.sampled_from([(6, 6), (600, 600), (1, 1), [7, 7]])),
)
def test_splits(frame, seed, min_rating, share, shape):
    def both(pair):
        assert (pair[0].train + pair[0].test != pair[1].train).nnz == 0
        right_split(frame, min_rating)(pair[1])

    run("board_a", splits.board_a, frame, seed, min_rating, right=both)
    run("board_b", splits.board_b, frame, seed, min_rating, right=both)
    right = right_split(frame, min_rating)
    run("last_share", splits.last_share, frame, share, min_rating, right=right)
    run("leave_last_out", splits.leave_last_out, frame, min_rating, shape, right=right)
    date = {0: 3, 1: pd.Timestamp(3, unit="s"), 2: pd.Timestamp(3, unit="s", tz="UTC")}.get(
        hash(str(share)) % 4, share
    )
    run("global_date", splits.global_date, frame, date, min_rating, shape, right=right)
    ordered = run("chronological", splits.chronological, frame, seed)
    if ordered is not None:
        run("last_share", splits.last_share, ordered, share, min_rating, shape, right=right)
        run("leave_last_out", splits.leave_last_out, ordered, min_rating, right=right)
    run("to_matrix", splits.to_matrix, frame, shape, right=cells)
    run("to_matrix", splits.to_matrix, frame, (600, 600), min_rating, right=cells)


@examples(100)
@given(any_matrix, whole(1, 4), real(0.1, 0.9), seeds)
def test_held_out_users(X, n_users, share, seed):
    def right(parts):
        whole = dense(X)
        np.testing.assert_array_equal((parts.fold_in + parts.target).toarray(), whole[parts.users])
        assert len(parts.users) == n_users and np.diff(parts.fold_in.indptr).min() > 0
        assert parts.train.shape[0] + n_users == len(whole)

    run("held_out_users", splits.held_out_users, X, n_users, share, seed, right=right)


@examples(150)
@given(
    tables(baskets=True),
    mostly(
        st.sampled_from(
            [
                pd.Timestamp("2020-01-30"),
                pd.Timestamp("2020-02-20", tz="Asia/Tokyo"),
                pd.Timestamp("2020-01-10"),
            ]
        )
    ),
)
def test_next_basket(frame, date):
    def right(value):
        history, target = value
        assert history and target and set(target) <= set(history)
        early = frame.loc[(frame["time"] < date).to_numpy(), ["user", "basket", "item"]]
        n_items = sum(len(b) for baskets in history.values() for b in baskets)
        assert n_items == len(early.reset_index(drop=True).drop_duplicates())

    run("next_basket", splits.next_basket, frame, date, right=right)


# ---------------------------------------------------------------------- данные и генераторы

sizes = mostly(st.sampled_from([1, 2, 5, 20, np.int64(30), BIG]), 12)
shares = real(0, 1)


@examples(150)
@given(
    st.lists(sizes, min_size=5, max_size=5),
    st.lists(mostly(st.sampled_from([1, 2, 3]), 30), min_size=3, max_size=3),
    shares,
    seeds,
)
def test_generators(n, few, share, seed):
    def clusters(value):
        X, users, items = value
        assert X.shape == (len(users), len(items)) == (n[0], n[1]) and (X.data == 1).all()
        assert (np.diff(X.indptr) == few[1]).all()

    args = (n[0], n[1], few[0], few[1], share, seed)
    run("make_clusters", synthetic.make_clusters, *args, right=clusters)

    def baskets(value):
        frame, truth = value
        assert not frame.isna().any(axis=None) and truth.probability.shape == (n[0], n[1])

    args = (n[0], n[1], n[2], *few, share, seed)
    run("make_baskets", synthetic.make_baskets, *args, right=baskets)

    def chain(value):
        sequences, transition, accuracy = value
        assert len(sequences) == n[0] and all(len(s) == length for s in sequences)
        np.testing.assert_allclose(transition.sum(axis=1), 1)
        assert 0 < accuracy <= 1

    length = 20 if n[2] is BIG else n[2]  # такая длина в память помещается, но считается час
    run("make_chain", synthetic.make_chain, n[0], n[1], length, few[0], seed, right=chain)


@examples(60)
@given(evil)
def test_datasets(size):
    run("load_movielens", datasets.load_movielens, size)
    run(
        "toy_ratings",
        datasets.toy_ratings,
        right=lambda frame: frame.shape == (20, 4) or pytest.fail(),
    )


# ------------------------------------------------------------------------------- модели

MODELS = [getattr(models, name) for name in dir(models) if hasattr(getattr(models, name), "fit")]
SMALL = {
    "k": [1, 3], "n_factors": [2, 4], "hidden": [4, 8], "latent": [2], "epochs": [1, 2],
    "batch_size": [2, 100], "n_heads": [1, 2], "n_layers": [1, 2], "max_len": [2, 5],
    "n_sweeps": [1, 3], "max_iter": [1, 50], "n_neighbors": [1, 2], "n_groups": [1, 3],
    "anneal_steps": [1, 10], "validate_every": [1, 2], "patience": [1, 5],
    "weighting": ["cosine", "jaccard", "count"], "truncation": ["source", "target"],
    "variant": ["paper", "code"], "solver": ["cd", "admm"], "windows": ["random", "last"],
    "dtype": [np.float32, np.float64], "device": ["cpu"], "seed": [0, np.int64(3)],
}  # fmt: skip
# Без границы сверху такие числа — не ошибка, но и не дело на минуту.
ENDLESS = {"epochs", "n_sweeps", "max_iter", "n_layers", "anneal_steps", "n_groups"}


@st.composite
def built(draw, cls):
    options = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        usual = SMALL.get(name, [parameter.default, 0.5, 1, np.float32(0.25), 1e-3])
        value = draw(st.integers(0, len(usual) - 1).map(usual.__getitem__))
        options[name] = draw(evil) if draw(st.integers(0, 60)) == 0 else value
        if name in ENDLESS and isinstance(options[name], int | float) and abs(options[name]) > 9:
            options[name] = value
    return options


rows = st.lists(st.lists(st.integers(0, 3), max_size=5), min_size=1, max_size=5)
item_lists = mostly(
    st.builds(
        lambda kind, lists: [kind(x) for x in lists],
        st.sampled_from(
            [list, np.array, tuple, lambda x: np.array(x, np.int8), lambda x: np.array(x) + 3]
        ),
        rows,
    )
)
histories = {
    "X": any_matrix,
    "sequences": item_lists,
    "baskets": mostly(
        st.dictionaries(
            st.integers(0, 9),
            item_lists.map(lambda x: [x] if not isinstance(x, list) else x),
            max_size=4,
        )
    ),
}


@pytest.mark.parametrize("cls", MODELS, ids=lambda cls: cls.__name__)
def test_models(cls):
    argument, *others = list(inspect.signature(cls.fit).parameters)[1:]
    name = cls.__name__

    @examples(25)
    @given(built(cls), histories[argument], whole(4, 6), mostly(st.none(), 12), evil, st.data())
    def check(options, history, n_items, validation, other, data):
        model = run(name, cls, **options)
        if model is None:
            return
        run(f"{name}.score", model.score, [0])
        extra = {"n_items": n_items} if "n_items" in others else {}
        if "validation" in others:
            extra["validation"] = validation
        fitted = run(f"{name}.fit", model.fit, history, **extra)
        if fitted is None:
            return
        n_users = history.shape[0] if argument == "X" else len(history)
        columns = history.shape[1] if argument == "X" else n_items
        users = data.draw(users_of(n_users)) if n_users else []

        def table(value):
            assert value.shape[1] == columns and np.isfinite(value).all()

        scores = run(f"{name}.score", model.score, users, right=table)
        if scores is not None:
            assert len(scores) == len(users)
        if argument == "X":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                plain = cls(**options).fit(sp.csr_array(dense(history)))
            everyone = range(n_users)
            np.testing.assert_allclose(
                model.score(everyone), plain.score(everyone), rtol=1e-3, atol=1e-4
            )
        if hasattr(model, "score_history"):
            run(f"{name}.score_history", model.score_history, history, right=table)
            run(f"{name}.score_history", model.score_history, other)

    check()


CRASH = """
import numpy as np, scipy.sparse as sp
import recsys_lessons.models as models
from recsys_lessons.evaluation import recommend
from recsys_lessons.metrics import recall
X = sp.csr_array((np.ones(6), np.array([1, 2, 3, 2, 3, 1]), np.array([0, 2, 4, 6])), shape=(3, 3))
lists = np.zeros((3, 1), int)
calls = [lambda: recall(lists, X, 1), lambda: recommend(lambda u: np.ones((len(u), 3)), [0], X)]
import inspect
classes = [cls for cls in (getattr(models, name) for name in dir(models)) if hasattr(cls, "fit")]
classes = [cls for cls in classes if list(inspect.signature(cls.fit).parameters)[1] == "X"]
for call in calls + [lambda cls=cls: cls().fit(X) for cls in classes]:
    try:
        call()
    except ValueError as error:
        assert "испорчена" in str(error), error
    else:
        raise SystemExit("no error")
print("вызовов", len(calls) + len(classes))
"""


def test_ids_from_one_do_not_kill_the_process():
    """Номера с единицы в CSR, собранной руками: раньше ядро погибало."""
    done = subprocess.run(
        [sys.executable, "-c", CRASH], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    assert int(done.stdout.split()[-1]) >= 9


if __name__ == "__main__":
    os.environ["FUZZ_EXAMPLES"] = sys.argv[1] if len(sys.argv) > 1 else "500"
    sys.exit(pytest.main([__file__, "-q", "-s", "-p", "no:cacheprovider"]))
