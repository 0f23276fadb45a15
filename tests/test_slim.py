"""SLIM из урока: ручной счёт, условия ККТ, независимые библиотеки, два решателя, плохой ввод."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from irspack import SLIMRecommender
from recsys_lessons.models.slim import admm, coordinate_descent, sweep
from sklearn.linear_model import ElasticNet

from recsys_lessons.datasets import load_movielens
from recsys_lessons.models import EASE, SLIM, SignedSLIM
from recsys_lessons.splits import board_a
from recsys_lessons.synthetic import make_clusters

X_HAND = sp.csr_array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]])
B_HAND = [
    [Fraction(0), Fraction(3, 11), Fraction(0)],
    [Fraction(3, 8), Fraction(0), Fraction(3, 8)],
    [Fraction(0), Fraction(9, 22), Fraction(0)],
]
SOLVERS = pytest.mark.parametrize("solver", ["cd", "admm"])


def tight(l1, l2, solver="cd", tol=1e-11, **more):
    return SLIM(l1=l1, l2=l2, solver=solver, tol=tol, max_iter=20_000, **more)


def violation(X, B, l1, l2):
    """Наибольшее нарушение условий ККТ: градиент считается по X, без матрицы Грама."""
    B = B.toarray()
    gradient = X.T @ (X @ B - X.toarray()) + l2 * B + l1
    np.fill_diagonal(gradient, 0)
    return np.where(B > 0, abs(gradient), np.maximum(-gradient, 0)).max()


@SOLVERS
def test_hand_vector_in_fractions(solver):
    model = tight(0.5, 1, solver).fit(X_HAND)
    np.testing.assert_allclose(model.B_.toarray(), np.array(B_HAND, dtype=float), atol=1e-9)
    expected = [[3 / 8, 3 / 11, 3 / 8], [3 / 8, 15 / 22, 3 / 8], [3 / 8, 9 / 22, 3 / 8]]
    np.testing.assert_allclose(model.score([0, 1, 2]), expected, atol=1e-9)
    np.testing.assert_allclose(model.score_history(X_HAND[[3]]), [[0, 3 / 11, 0]], atol=1e-9)


def test_score_of_known_users_is_score_of_their_history(X):
    model = SLIM(l1=1, l2=20).fit(X)
    users = np.array([5, 0, 5, 149])
    np.testing.assert_array_equal(model.score(users), model.score_history(X[users]))
    expected = X[users].toarray() @ model.B_.toarray()
    np.testing.assert_allclose(model.score(users), expected, atol=1e-13)


@SOLVERS
@pytest.mark.parametrize(("l1", "l2"), [(0, 0.5), (0.3, 1.0), (2, 20), (6, 300)])
def test_kkt_on_every_column(X, solver, l1, l2):
    B = tight(l1, l2, solver).fit(X).B_
    assert violation(X, B, l1, l2) < 1e-6
    assert B.data.min() > 0
    assert not B.diagonal().any()


@pytest.mark.parametrize(("l1", "l2"), [(0.5, 1.0), (2.0, 20.0)])
def test_every_column_is_an_elastic_net(X, l1, l2):
    B = tight(l1, l2).fit(X).B_.toarray()
    n_users = X.shape[0]
    net = ElasticNet(
        alpha=(l1 + l2) / n_users, l1_ratio=l1 / (l1 + l2), positive=True, fit_intercept=False,
        tol=1e-12, max_iter=100_000,
    )  # fmt: skip
    for j in range(60):
        others = np.delete(np.arange(60), j)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # у столбца без взаимодействий нулевой допуск
            net.fit(X[:, others].toarray(), X[:, [j]].toarray().ravel())
        np.testing.assert_allclose(B[others, j], net.coef_, atol=1e-6)


def test_agreement_with_irspack(X):
    l1, l2 = 2.0, 20.0
    theirs = SLIMRecommender(
        sp.csr_matrix(X),
        alpha=(l1 + l2) / X.shape[0],
        l1_ratio=l1 / (l1 + l2),
        n_iter=2000,
        tol=1e-8,
    ).learn()
    assert abs(tight(l1, l2).fit(X).B_ - theirs.W).max() < 2e-4


def test_agreement_with_irspack_on_the_whole_catalogue():
    train = board_a(load_movielens()[0], seed=0)[1].train
    l1, l2 = 2.0, 100.0
    theirs = SLIMRecommender(
        sp.csr_matrix(train),
        alpha=(l1 + l2) / train.shape[0],
        l1_ratio=l1 / (l1 + l2),
        n_iter=200,
        tol=1e-6,
    ).learn()
    assert abs(tight(l1, l2, tol=1e-6).fit(train).B_ - theirs.W).max() < 2e-4


@pytest.mark.parametrize("block", [1, 7, 59, 60, 500])
def test_block_size_does_not_change_a_sweep(X, block):
    G = (X.T @ X).toarray()
    order = np.random.default_rng(0).permutation(60)
    slow, fast = np.zeros((60, 60)), np.zeros((60, 60))
    for _ in range(2):
        slow_change = sweep(G, slow, np.arange(60), order, 1.0, 5.0, block=1)
        fast_change = sweep(G, fast, np.arange(60), order, 1.0, 5.0, block=block)
    np.testing.assert_allclose(fast, slow, atol=1e-13)
    np.testing.assert_allclose(fast_change, slow_change, atol=1e-13)


def test_a_sweep_over_some_columns_leaves_the_same_columns(X):
    G = (X.T @ X).toarray()
    columns = np.array([3, 40, 11])
    whole, part = np.zeros((60, 60)), np.zeros((60, 3))
    sweep(G, whole, np.arange(60), np.arange(60), 1.0, 5.0)
    sweep(G, part, columns, np.arange(60), 1.0, 5.0)
    np.testing.assert_allclose(part, whole[:, columns], atol=1e-13)


def test_every_step_lowers_the_objective(X):
    G = (X.T @ X).toarray()
    B, values = np.zeros((60, 60)), []
    for _ in range(6):
        sweep(G, B, np.arange(60), np.arange(60), 1.0, 5.0)
        error = X.toarray() - X @ B
        values.append((error**2).sum() / 2 + 5 * (B**2).sum() / 2 + B.sum())
    assert (np.diff(values) <= 1e-9).all()


def test_screening_drops_only_certain_zeros(X):
    """Столбец гаснет ровно при l1, равном наибольшему числу общих пользователей."""
    G = (X.T @ X).toarray()
    largest = (G - np.diag(np.diag(G))).max(axis=0)
    for j in (0, 10, 30):
        assert not coordinate_descent(G, largest[j], 1.0)[0][:, j].any()
        assert coordinate_descent(G, largest[j] - 1e-3, 1.0, tol=1e-12)[0][:, j].any()


@SOLVERS
def test_huge_l1_gives_empty_model(X, solver):
    with pytest.warns(
        RuntimeWarning, match="Все веса SLIM — нули: .* не больше l1=1e.06"
    ) as caught:
        model = SLIM(l1=1e6, solver=solver).fit(X)
    assert len(caught) == 1
    assert model.B_.nnz == 0
    assert not model.score([0]).any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SLIM(l1=2, l2=20, solver=solver, max_iter=1000).fit(X)


def test_without_l1_and_negative_answers_slim_is_ease():
    """Если у EASE все веса положительны, ограничение ничего не меняет."""
    common = sp.csr_array([[1.0, 1, 0], [1, 0, 1], [0, 1, 1]])
    reference = EASE(l2=5).fit(common).B_
    assert (reference[~np.eye(3, dtype=bool)] > 0).all()
    np.testing.assert_allclose(tight(0, 5).fit(common).B_.toarray(), reference, atol=1e-9)


def test_duplicated_users_and_doubled_penalties_change_nothing(X):
    twice = tight(4, 40).fit(sp.vstack([X, X])).B_
    assert abs(twice - tight(2, 20).fit(X).B_).max() < 1e-9


def test_permuting_items_permutes_weights(X):
    order = np.random.default_rng(3).permutation(60)
    B = tight(1, 11).fit(X).B_.toarray()
    permuted = tight(1, 11).fit(X[:, order]).B_.toarray()
    np.testing.assert_allclose(permuted, B[np.ix_(order, order)], atol=1e-8)


def test_solvers_agree(X):
    B = tight(1, 11).fit(X).B_
    assert abs(tight(1, 11, "admm").fit(X).B_ - B).max() < 1e-8


@SOLVERS
def test_tolerance_bounds_the_distance_and_is_reported(X, solver):
    exact = tight(1, 11).fit(X).B_
    loose = SLIM(l1=1, l2=11, solver=solver, tol=1e-2).fit(X)
    close = SLIM(l1=1, l2=11, solver=solver, tol=1e-6, max_iter=1000).fit(X)
    assert loose.n_iter_ < close.n_iter_
    assert abs(close.B_ - exact).max() < 1e-4 < abs(loose.B_ - exact).max()


@SOLVERS
def test_stopping_early_is_a_russian_warning(X, solver):
    with pytest.warns(RuntimeWarning, match="не сошлась за max_iter=1"):
        SLIM(l1=1, l2=11, solver=solver, max_iter=1).fit(X)


def test_random_order_converges_where_a_fixed_one_crawls():
    """Популярные объекты связаны все со всеми: худший случай постоянного порядка."""
    dense = np.random.default_rng(0).random((300, 40)) < 0.7
    G = dense.T.astype(float) @ dense
    exact = coordinate_descent(G, 0.0, 10.0, 10_000, 1e-13)[0]
    assert abs(coordinate_descent(G, 0.0, 10.0, 60, 1e-13)[0] - exact).max() < 1e-5
    B = np.zeros((40, 40))
    for _ in range(60):
        sweep(G, B, np.arange(40), np.arange(40), 0.0, 10.0)
    assert abs(B - exact).max() > 1e-3


def test_fit_is_repeatable(X):
    first, second = SLIM(l1=1, l2=11).fit(X).B_, SLIM(l1=1, l2=11).fit(X).B_
    assert (first != second).nnz == 0


def test_values_are_used_not_only_the_pattern():
    weighted = X_HAND.copy()
    weighted.data = np.array([2.0, 1, 1, 3, 1, 1, 1, 1])
    assert violation(weighted, tight(0.5, 2).fit(weighted).B_, 0.5, 2) < 1e-8


@SOLVERS
def test_float32_stays_float32_and_close(X, solver):
    single = SLIM(l1=1, l2=15, solver=solver, tol=1e-5, dtype=np.float32).fit(X)
    assert single.B_.dtype == np.float32
    assert single.score([0]).dtype == np.float32
    assert abs(single.B_ - tight(1, 15).fit(X).B_).max() < 1e-3


def test_numpy_numbers_keep_float32():
    G = np.ones((3, 3), dtype=np.float32) + np.eye(3, dtype=np.float32)
    for solve in (coordinate_descent, admm):
        assert solve(G, 0.5, 1.0)[0].dtype == np.float32
    model = SLIM(l1=np.float64(0.5), l2=np.float64(1), dtype=np.float32).fit(X_HAND)
    assert model.B_.dtype == np.float32


def test_weights_are_sparse(X):
    model = SLIM(l1=4, l2=20).fit(X)
    assert sp.issparse(model.B_)
    assert 0 < model.B_.nnz < 0.5 * 60**2
    assert (model.B_.data > 0).all()


def test_planted_clusters_are_found():
    """Вкусовые группы: SLIM связывает объекты своей группы."""
    X, _, group = make_clusters(n_users=300, n_items=120, n_clusters=4, per_user=12, seed=5)
    model = SLIM(l1=1, l2=50).fit(X)
    source, target = model.B_.nonzero()
    assert model.B_.data[group[source] == group[target]].sum() > 0.8 * model.B_.sum()


@SOLVERS
@pytest.mark.parametrize(("l1", "l2"), [(0, 0), (0, 15), (2, 15)])
def test_cold_item_and_cold_user_give_zeros_not_nan(X, solver, l1, l2):
    cold = sp.vstack([X, sp.csr_array((1, 60))])
    model = SLIM(l1=l1, l2=l2, solver=solver, tol=1e-2, max_iter=5000).fit(cold)
    B = model.B_.toarray()
    assert np.isfinite(B).all()
    assert not B[17].any()
    assert not B[:, 17].any()
    assert not model.score([150]).any()


@SOLVERS
def test_catalogue_of_one_item(solver):
    with pytest.warns(RuntimeWarning, match="Все веса SLIM — нули"):
        model = SLIM(l1=1, l2=1, solver=solver).fit(sp.csr_array([[1.0], [1.0]]))
    np.testing.assert_array_equal(model.score([0, 1]), [[0], [0]])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in ("l1", "l2") for value in (-1, np.nan, "2", None, True)],
        *[("tol", value) for value in (0, -1e-4, np.nan, None)],
        *[("max_iter", value) for value in (0, -5, np.inf, "10", None)],
        *[("solver", value) for value in ("exact", None)],
    ],
)
def test_bad_parameter_gets_a_russian_error(name, value):
    with pytest.raises(ValueError, match=f"{name} — "):
        SLIM(**{name: value}).fit(X_HAND)


# ------------------------------------------------------------------- без запрета на знак


def signed(l1, l2, solver="cd"):
    return SignedSLIM(l1=l1, l2=l2, solver=solver, tol=1e-11, max_iter=20_000)


def signed_violation(X, B, l1, l2):
    """Наибольшее нарушение условий оптимальности эластичной сети с весами обоих знаков."""
    B = B.toarray()
    gradient = X.T @ (X @ B - X.toarray()) + l2 * B
    np.fill_diagonal(gradient, 0)
    return np.where(
        B == 0, np.maximum(abs(gradient) - l1, 0), abs(gradient + l1 * np.sign(B))
    ).max()


@pytest.mark.parametrize("l1", [0.5, 3.0])
def test_signed_column_is_an_elastic_net_of_both_signs(X, l1):
    B = signed(l1, 5.0).fit(X).B_.toarray()
    assert (B < 0).any() and (B > 0).any()
    dense, n_users = X.toarray(), X.shape[0]
    for j in range(0, 60, 7):
        others = np.delete(np.arange(60), j)
        net = ElasticNet(
            (l1 + 5) / n_users, l1_ratio=l1 / (l1 + 5), fit_intercept=False, tol=1e-12,
            max_iter=100_000,
        )  # fmt: skip
        net.fit(dense[:, others], dense[:, j])
        np.testing.assert_allclose(B[others, j], net.coef_, atol=1e-7)


@pytest.mark.parametrize("solver", ["cd", "admm"])
def test_signed_without_l1_is_ease(X, solver):
    B = signed(0, 9.0, solver).fit(X).B_.toarray()
    np.testing.assert_allclose(B, EASE(l2=9).fit(X).B_, atol=1e-7)


def test_signed_weights_are_not_screened():
    """У последнего объекта ни с кем нет больше l1 общих, но веса с двумя знаками у него есть."""
    rows = [[0, 1, 0, 2], [2, 0, 0, 0], [2, 3, 5, 0], [0, 1, 1, 0], [5, 0, 0, 0]]
    X = sp.csr_array(np.array(rows, dtype=float))
    assert (X.T @ X).toarray()[3, :3].max() <= 2
    B = signed(2.0, 0.01).fit(X).B_
    assert signed_violation(X, B, 2.0, 0.01) < 1e-6
    assert B.toarray()[3].any() or B.toarray()[:, 3].any()
