"""EASE из урока: ручной счёт, условия оптимальности, независимые библиотеки, плохой ввод."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from irspack import DenseSLIMRecommender, EDLAERecommender
from recsys_lessons.models.ease import ease_weights
from sklearn.linear_model import Ridge

from recsys_lessons.datasets import load_movielens
from recsys_lessons.models import EASE, EDLAE
from recsys_lessons.splits import board_a

X_HAND = sp.csr_array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]])
B_HAND = [
    [Fraction(0), Fraction(4, 11), Fraction(0)],
    [Fraction(1, 2), Fraction(0), Fraction(1, 2)],
    [Fraction(0), Fraction(6, 11), Fraction(0)],
]


def test_hand_vector_in_fractions():
    model = EASE(l2=1).fit(X_HAND)
    np.testing.assert_allclose(model.B_, np.array(B_HAND, dtype=float), atol=1e-14)
    expected = [[1 / 2, 4 / 11, 1 / 2], [1 / 2, 10 / 11, 1 / 2], [1 / 2, 6 / 11, 1 / 2]]
    np.testing.assert_allclose(model.score([0, 1, 2]), expected, atol=1e-14)
    np.testing.assert_allclose(model.score_history(X_HAND[[3]]), [[0, 4 / 11, 0]], atol=1e-14)


def test_score_of_known_users_is_score_of_their_history(X):
    model = EASE(l2=20).fit(X)
    users = np.array([5, 0, 5, 149])
    np.testing.assert_array_equal(model.score(users), model.score_history(X[users]))
    np.testing.assert_allclose(model.score(users), X[users].toarray() @ model.B_, atol=1e-13)


@pytest.mark.parametrize("l2", [0.5, 30.0, 2000.0])
def test_optimality_conditions(X, l2):
    B = EASE(l2=l2).fit(X).B_
    assert not np.diag(B).any()
    residual = X.T @ (X.toarray() - X @ B) - l2 * B
    off_diagonal = residual - np.diag(np.diag(residual))
    assert abs(off_diagonal).max() < 1e-9
    H = np.linalg.inv((X.T @ X).toarray() + l2 * np.eye(60))
    np.testing.assert_allclose(np.diag(residual), 1 / np.diag(H) - l2, atol=1e-9)


def test_every_column_is_a_ridge_regression(X):
    B = EASE(l2=7).fit(X).B_
    for j in range(60):
        others = np.delete(np.arange(60), j)
        ridge = Ridge(alpha=7, fit_intercept=False, solver="cholesky")
        ridge.fit(X[:, others].toarray(), X[:, [j]].toarray().ravel())
        np.testing.assert_allclose(B[others, j], ridge.coef_, atol=1e-10)


def test_agreement_with_irspack(X):
    theirs = DenseSLIMRecommender(sp.csr_matrix(X), reg=15.0).learn().W
    assert abs(EASE(l2=15).fit(X).B_ - theirs).max() < 1e-5


def test_agreement_with_irspack_on_the_whole_catalogue():
    train = board_a(load_movielens()[0], seed=0)[1].train
    theirs = DenseSLIMRecommender(sp.csr_matrix(train), reg=150.0).learn().W
    assert abs(EASE(l2=150).fit(train).B_ - theirs).max() < 1e-5


def test_permuting_items_permutes_weights(X):
    order = np.random.default_rng(3).permutation(60)
    B = EASE(l2=11).fit(X).B_
    np.testing.assert_allclose(EASE(l2=11).fit(X[:, order]).B_, B[np.ix_(order, order)], atol=1e-12)


def test_duplicated_users_and_doubled_penalty_change_nothing(X):
    twice = EASE(l2=22).fit(sp.vstack([X, X])).B_
    np.testing.assert_allclose(twice, EASE(l2=11).fit(X).B_, atol=1e-12)


def test_large_penalty_turns_weights_into_counts(X):
    G = (X.T @ X).toarray()
    np.fill_diagonal(G, 0)
    np.testing.assert_allclose(1e9 * EASE(l2=1e9).fit(X).B_, G, atol=1e-4)


def test_values_are_used_not_only_the_pattern():
    weighted = X_HAND.copy()
    weighted.data = np.array([2.0, 1, 1, 3, 1, 1, 1, 1])
    G = (weighted.T @ weighted).toarray()
    np.testing.assert_allclose(EASE(l2=2).fit(weighted).B_, ease_weights(G, 2), atol=1e-14)


def test_only_the_lower_triangle_of_gram_is_read(X):
    G = np.tril((X.T @ X).toarray()) + np.triu(np.full((60, 60), 7.0), 1)
    np.testing.assert_array_equal(ease_weights(G, 11), EASE(l2=11).fit(X).B_)


def test_float32_stays_float32_and_close(X):
    single = EASE(l2=15, dtype=np.float32).fit(X)
    assert single.B_.dtype == np.float32
    assert single.score([0]).dtype == np.float32
    assert abs(single.B_ - EASE(l2=15).fit(X).B_).max() < 1e-6


def test_cold_item_and_cold_user_give_zeros_not_nan(X):
    model = EASE(l2=15).fit(sp.vstack([X, sp.csr_array((1, 60))]))
    assert np.isfinite(model.B_).all()
    assert not model.B_[17].any()
    assert not model.B_[:, 17].any()
    assert not model.score([150]).any()


@pytest.mark.parametrize("l2", [0, -1, np.nan, "200", None, True])
def test_bad_penalty_gets_a_russian_error(l2):
    with pytest.raises(ValueError, match="l2"):
        EASE(l2=l2).fit(X_HAND)


def test_singular_gram_gets_a_russian_error():
    twins = sp.csr_array([[1.0, 1], [1, 1], [1, 1]])
    with pytest.raises(ValueError, match="l2=1e-16 мал"):
        EASE(l2=1e-16).fit(twins)


def watch_time(n_users):
    """Время просмотра в миллисекундах вместо единиц."""
    rng = np.random.default_rng(0)
    shape = (n_users, 60)
    return sp.csr_array((rng.random(shape) < 0.3) * np.round(rng.lognormal(0, 1, shape) * 1e7))


@pytest.mark.parametrize("l2", [150, 20])
def test_ill_conditioned_system_is_a_russian_warning(l2):
    """Пользователей меньше, чем объектов: обратная матрица держится на одном штрафе."""
    with pytest.warns(RuntimeWarning, match="плохо обусловлена.*l2=.*увеличьте") as caught:
        EASE(l2=l2).fit(watch_time(40))
    assert len(caught) == 1


@pytest.mark.filterwarnings("error")
def test_well_conditioned_systems_are_not_warned_about(X):
    EASE(l2=150).fit(watch_time(2000))  # штраф мал, но и без него матрица обратима
    EASE(l2=150).fit(watch_time(40) / 1e7)
    for l2 in (0.5, 150, 1e6):
        EASE(l2=l2).fit(X)
        EASE(l2=l2, dtype=np.float32).fit(X)


# ------------------------------------------------------------------------------ EDLAE


@pytest.mark.parametrize("dropout", [0.0, 0.3, 0.75])
def test_edlae_is_the_least_squares_of_all_masks(dropout):
    """Веса столбца — минимум ошибки, усреднённой по всем маскам входа с их вероятностями."""
    X = X_HAND.toarray()
    ones = np.argwhere(X)
    B = EDLAE(l2=2.0, dropout=dropout).fit(X_HAND).B_
    left, right = 2.0 * np.eye(3), np.zeros((3, 3))
    for kept in itertools.product([0, 1], repeat=len(ones)):
        noisy = X.copy()
        noisy[tuple(ones.T)] = np.array(kept) / (1 - dropout)
        probability = np.prod(np.where(kept, 1 - dropout, dropout))
        left += probability * noisy.T @ noisy
        right += probability * noisy.T @ X
    for j in range(3):
        others = np.delete(np.arange(3), j)
        column = np.linalg.solve(left[np.ix_(others, others)], right[others, j])
        np.testing.assert_allclose(B[others, j], column, atol=1e-12)
    assert not np.diag(B).any()


def test_edlae_agrees_with_irspack(X):
    theirs = EDLAERecommender(sp.csr_matrix(X), reg=15.0, dropout_p=0.4).learn().W
    assert abs(EDLAE(l2=15, dropout=0.4).fit(X).B_ - theirs).max() < 1e-5


def test_edlae_without_dropout_is_ease(X):
    np.testing.assert_array_equal(EDLAE(l2=9, dropout=0).fit(X).B_, EASE(l2=9).fit(X).B_)


@pytest.mark.parametrize("dropout", [-0.1, 1.0, np.nan, True, None])
def test_edlae_refuses_bad_dropout(X, dropout):
    with pytest.raises(ValueError, match="dropout — число"):
        EDLAE(dropout=dropout).fit(X)
