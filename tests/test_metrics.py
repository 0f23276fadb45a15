"""Метрики: таблица вручную, независимые библиотеки, плохой ввод."""

import numpy as np
import pytest
import ranx
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from recsys_lessons import metrics as m

# Пример четырёх пользователей; номера объектов с единицы, как в таблице, сдвигаются на 1.
LISTS = np.array([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [2, 4, 6, 8, 10], [1, 2, 3, 4, 5]]) - 1
WANTED = [[1, 3, 9], [10], [1, 2, 3, 4, 5, 6, 8], [7, 8]]
POPULARITY = np.array([8, 4, 4, 2, 2, 2, 1, 1, 1, 1])


def relevant(rows: list[list[int]], n_items: int = 10) -> sp.csr_array:
    dense = np.zeros((len(rows), n_items))
    for user, items in enumerate(rows):
        dense[user, np.array(items, dtype=int) - 1] = 1
    return sp.csr_array(dense)


RELEVANT = relevant(WANTED)

# Столбцы: значения u1..u4 при k = 5, средние при k = 5, 3, 1.
PER_USER = [
    (m.hit_rate, {}, [1, 1, 1, 0], [0.75, 0.5, 0.5]),
    (m.hit_count, {}, [2, 1, 4, 0], [1.75, 1.25, 0.5]),
    (m.precision, {}, [0.4, 0.2, 0.8, 0], [0.35, 0.416667, 0.5]),
    (m.recall, {}, [0.666667, 1, 0.571429, 0], [0.559524, 0.273810, 0.119048]),
    (m.recall_min, {}, [0.666667, 1, 0.8, 0], [0.616667, 0.416667, 0.5]),
    (m.average_precision, {}, [0.555556, 0.2, 0.8, 0], [0.388889, 0.388889, 0.5]),
    (
        m.average_precision,
        {"denominator": "relevant"},
        [0.555556, 0.2, 0.571429, 0],
        [0.331746, 0.246032, 0.119048],
    ),
    (
        m.average_precision,
        {"denominator": "k"},
        [0.333333, 0.04, 0.8, 0],
        [0.293333, 0.388889, 0.5],
    ),
    (
        m.average_precision,
        {"denominator": "hits"},
        [0.833333, 0.2, 1, 0],
        [0.508333, 0.458333, 0.5],
    ),
    (m.reciprocal_rank, {}, [1, 0.2, 1, 0], [0.55, 0.5, 0.5]),
    (m.dcg, {}, [1.5, 0.386853, 2.561606, 0], [1.112115, 0.907732, 0.5]),
    (m.ndcg, {}, [0.703918, 0.386853, 0.868795, 0], [0.489891, 0.425980, 0.5]),
    (
        m.ndcg,
        {"ideal": "relevant"},
        [0.703918, 0.386853, 0.704125, 0],
        [0.448724, 0.322415, 0.186039],
    ),
    (m.ndcg, {"ideal": "k"}, [0.508740, 0.131205, 0.868795, 0], [0.377185, 0.425980, 0.5]),
    (m.ndcg, {"ideal": "hits"}, [0.919721, 0.386853, 1, 0], [0.576643, 0.479930, 0.5]),
]


@pytest.mark.parametrize(("metric", "options", "users", "means"), PER_USER)
def test_per_user_table(metric, options, users, means):
    np.testing.assert_allclose(metric(LISTS, RELEVANT, 5, **options), users, atol=1e-6)
    for k, mean in zip((5, 3, 1), means, strict=True):
        assert metric(LISTS, RELEVANT, k, **options).mean() == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (lambda k: m.coverage(LISTS, 10, k), [1.0, 0.7, 0.3]),
        (lambda k: m.novelty(LISTS, POPULARITY, 8, k), [1.85, 1.416667, 0.75]),
        (lambda k: m.mean_popularity(LISTS, POPULARITY, k), [2.8, 3.666667, 5.5]),
        (lambda k: m.micro_precision(LISTS, RELEVANT, k), [0.636364, 0.555556, 0.5]),
    ],
)
def test_aggregate_table(metric, expected):
    assert [metric(k) for k in (5, 3, 1)] == pytest.approx(expected, abs=1e-6)


def test_user_without_relevant_items_is_nan_everywhere():
    wanted = relevant([[1], []])
    for metric, options, _, _ in PER_USER:
        values = metric(LISTS[:2], wanted, 5, **options)
        assert not np.isnan(values[0])
        assert np.isnan(values[1])


def test_explicit_zeros_are_not_relevant():
    wanted = sp.csr_array((np.array([1.0, 0.0]), (np.array([0, 0]), np.array([0, 1]))), (1, 10))
    assert m.recall(LISTS[:1], wanted, 5)[0] == 1
    assert m.precision(LISTS[:1], wanted, 5)[0] == 0.2


def test_top_k_orders_ties_by_item_id():
    scores = np.array([[0.5, 1.0, 0.5, 1.0, 0.5], [0.0, 0.0, 0.0, 0.0, 0.0]])
    assert m.top_k(scores, 4).tolist() == [[1, 3, 0, 2], [0, 1, 2, 3]]


def test_top_k_never_recommends_minus_infinity_and_pads():
    scores = np.array([[-np.inf, 2.0, -np.inf], [-np.inf, -np.inf, -np.inf]])
    assert m.top_k(scores, 2).tolist() == [[1, -1], [-1, -1]]
    assert m.top_k(scores, 5).tolist() == [[1, -1, -1, -1, -1], [-1] * 5]
    assert m.precision(m.top_k(scores, 2), relevant([[2], [1]], 3), 2).tolist() == [0.5, 0.0]


def test_empty_place_is_not_the_last_item_of_the_user_above():
    lists = np.array([[0, 1], [0, -1]])
    assert m.hit_count(lists, relevant([[3], [2]], 3), 2).tolist() == [0, 0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 25), st.booleans())
def test_top_k_equals_a_stable_sort(seed, k, with_ties):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (7, 20)).astype(float) if with_ties else rng.normal(size=(7, 20))
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    expected = np.full((7, k), -1)
    for user, row in enumerate(scores):
        order = [i for i in sorted(range(20), key=lambda i: (-row[i], i)) if row[i] > -np.inf]
        expected[user, : min(k, len(order))] = order[:k]
    np.testing.assert_array_equal(m.top_k(scores, k), expected)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(1, 9), st.integers(150, 500), st.sampled_from([2, 50, 0])
)
def test_top_k_of_a_long_row_equals_a_stable_sort(seed, k, n_items, n_values):
    """Строка во много раз длиннее списка; равных много, мало или нет; объектов хватает не всем."""
    rng = np.random.default_rng(seed)
    shape = (6, n_items)
    scores = rng.integers(0, n_values, shape) * 1.0 if n_values else rng.normal(size=shape)
    scores[rng.random(shape) < np.array([[0], [0], [0.2], [0.2], [0.99], [1]])] = -np.inf
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    expected = np.where(np.take_along_axis(scores, best, axis=1) > -np.inf, best, -1)
    np.testing.assert_array_equal(m.top_k(scores, k), expected)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_agreement_with_ranx_and_scikit_learn(seed, k):
    rng = np.random.default_rng(seed)
    n_users, n_items = 12, 15
    scores = rng.permuted(np.tile(np.arange(n_items, dtype=float), (n_users, 1)), axis=1)
    wanted = sp.csr_array((rng.random((n_users, n_items)) < 0.25).astype(float))
    wanted = wanted[np.diff(wanted.indptr) > 0]
    scores = scores[: wanted.shape[0]]
    lists = m.top_k(scores, k)

    qrels = ranx.Qrels(
        {
            f"q{u}": {f"d{i}": 1 for i in wanted.indices[wanted.indptr[u] : wanted.indptr[u + 1]]}
            for u in range(wanted.shape[0])
        }
    )
    run = ranx.Run(
        {
            f"q{u}": {f"d{i}": float(scores[u, i]) for i in range(n_items)}
            for u in range(wanted.shape[0])
        }
    )
    pairs = {
        f"hit_rate@{k}": m.hit_rate(lists, wanted, k),
        f"precision@{k}": m.precision(lists, wanted, k),
        f"recall@{k}": m.recall(lists, wanted, k),
        f"mrr@{k}": m.reciprocal_rank(lists, wanted, k),
        f"ndcg@{k}": m.ndcg(lists, wanted, k),
        f"map@{k}": m.average_precision(lists, wanted, k, denominator="relevant"),
    }
    theirs = ranx.evaluate(qrels, run, list(pairs))
    theirs = theirs if isinstance(theirs, dict) else {next(iter(pairs)): theirs}
    for name, ours in pairs.items():
        assert ours.mean() == pytest.approx(theirs[name], abs=1e-9), name
    assert m.ndcg(lists, wanted, k).mean() == pytest.approx(
        ndcg_score(wanted.toarray(), scores, k=k), abs=1e-12
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: m.top_k(np.zeros((2, 3)), -1), "k — целое число не меньше 1"),
        (lambda: m.top_k(np.zeros((2, 3)), 2.0), "k — целое число не меньше 1"),
        (lambda: m.top_k(np.zeros(3), 1), "форма"),
        (lambda: m.top_k(np.zeros((2, 0)), 1), "форма"),
        (lambda: m.top_k(np.array([[1.0, np.nan]]), 1), "nan"),
        (lambda: m.recall(LISTS, RELEVANT, 0), "k — целое число не меньше 1"),
        (lambda: m.recall(LISTS, RELEVANT, 6), "5 мест"),
        (lambda: m.recall(LISTS[:2], RELEVANT, 5), "Списков 2"),
        (lambda: m.recall(LISTS + 5, RELEVANT, 5), "вне каталога"),
        (lambda: m.recall(LISTS / 1, RELEVANT, 5), "целые номера"),
        (lambda: m.recall(LISTS * 0, RELEVANT, 5), "дважды"),
        (
            lambda: m.ndcg(LISTS, RELEVANT, 5, ideal="best"),
            "ideal — одно из min, relevant, k, hits",
        ),
        (
            lambda: m.average_precision(LISTS, RELEVANT, 5, denominator="n"),
            "denominator — одно из min",
        ),
        (lambda: m.novelty(LISTS, np.zeros(10), 8, 5), "логарифм нуля"),
        (lambda: m.coverage(LISTS * 0 - 1, 10, 5), "пусты"),
    ],
)
def test_bad_input_gets_a_russian_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("kind", [np.uint8, np.int8, ">i4", np.float32, bool])
def test_relevant_matrices_of_any_type_are_left_alone(kind):
    """Повторы сложены, порядок номеров не важен, массивы только для чтения."""
    data, indices = np.ones(4, dtype=kind), np.array([2, 0, 0, 1])
    given = sp.csr_array((data, indices, np.array([0, 3, 4])), shape=(2, 3))
    before = [part.copy() for part in (given.data, given.indices, given.indptr)]
    for part in (given.data, given.indices, given.indptr):
        part.flags.writeable = False
    lists = np.array([[0, 1], [1, 2]])
    assert m.recall(lists, given, 2).tolist() == [0.5, 1]
    assert m.ndcg(lists, given, 2).round(4).tolist() == [0.6131, 1]
    for part, copy in zip((given.data, given.indices, given.indptr), before, strict=True):
        np.testing.assert_array_equal(part, copy)


def test_a_depth_that_does_not_fit_is_refused_beforehand():
    with pytest.raises(MemoryError, match=r"Списки 2 × 2147483647.*уменьшите k"):
        m.top_k(np.zeros((2, 3)), 2**31 - 1)
    with pytest.raises(TypeError, match="разреженная"):
        m.recall(LISTS, RELEVANT.toarray(), 5)


@pytest.mark.parametrize(
    "popularity", [np.ones((2, 10)), ["a"] * 10, -np.ones(10), np.full(10, np.nan), None, 1j]
)
def test_bad_popularity(popularity):
    for call in (
        lambda: m.mean_popularity(LISTS, popularity, 5),
        lambda: m.novelty(LISTS, popularity, 8, 5),
    ):
        with pytest.raises(ValueError, match="popularity — число взаимодействий"):
            call()
