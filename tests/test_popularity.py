"""Popularity из вводного урока: ручной счёт, независимый счёт, что считается, плохой ввод."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError

from recsys_lessons.models import Popularity

# Три пользователя, пять объектов; последний объект холодный.
X_HAND = sp.csr_array([[1.0, 1, 0, 1, 0], [1, 0, 0, 1, 0], [1, 0, 1, 0, 0]])
COUNTS_HAND = [3, 1, 1, 2, 0]


def has_russian(error):
    return any("а" <= letter <= "я" for letter in str(error.value).lower())


def test_counts_by_hand():
    model = Popularity().fit(X_HAND)
    assert model.counts_.tolist() == COUNTS_HAND
    assert model.score([1]).tolist() == [COUNTS_HAND]


def test_fit_returns_the_model():
    model = Popularity()
    assert model.fit(X_HAND) is model


def test_equals_value_counts():
    """Независимый счёт: число разных пользователей объекта через pandas."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"user": rng.integers(200, size=3000), "item": rng.integers(80, size=3000)})
    X = sp.coo_array((np.ones(3000), (rows["user"], rows["item"])), shape=(200, 90))
    expected = rows.drop_duplicates()["item"].value_counts().reindex(range(90), fill_value=0)
    np.testing.assert_array_equal(Popularity().fit(X).counts_, expected)


def test_weights_do_not_count():
    weighted = X_HAND.copy()
    weighted.data = np.array([0.5, 7, 2, 1, 3, 10, 4])
    assert Popularity().fit(weighted).counts_.tolist() == COUNTS_HAND


def test_repeated_pairs_count_once():
    user, item = [0, 0, 0, 1], [2, 2, 2, 0]
    X = sp.coo_array((np.ones(4), (user, item)), shape=(2, 3))
    assert Popularity().fit(X).counts_.tolist() == [1, 0, 1]


def test_explicit_zero_is_no_interaction():
    X = sp.csr_array((np.array([1.0, 0.0]), ([0, 0], [0, 1])), shape=(1, 2))
    assert X.nnz == 2
    assert Popularity().fit(X).counts_.tolist() == [1, 0]


def test_cold_items_score_zero():
    """Холодный объект в конце каталога остаётся в каталоге, с нулевым баллом."""
    scores = Popularity().fit(X_HAND).score([0, 2])
    assert scores.shape == (2, 5)
    assert (scores[:, 4] == 0).all()


def test_same_scores_for_everybody():
    scores = Popularity().fit(X_HAND).score(np.arange(3))
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores, np.tile(COUNTS_HAND, (3, 1)))


def test_users_in_any_order_and_number():
    model = Popularity().fit(X_HAND)
    assert model.score([2, 0, 2, 1]).shape == (4, 5)
    assert model.score([]).shape == (0, 5)


def test_scores_are_a_fresh_array():
    """Кто испортит баллы, не испортит модель."""
    model = Popularity().fit(X_HAND)
    model.score([0, 1])[:] = -1
    assert model.counts_.tolist() == COUNTS_HAND


def test_input_is_not_changed():
    X = sp.csr_array((np.array([2.0, 0.0, 5.0]), ([0, 0, 1], [0, 1, 2])), shape=(2, 3))
    before = X.copy()
    Popularity().fit(X)
    np.testing.assert_array_equal(X.data, before.data)
    np.testing.assert_array_equal(X.indices, before.indices)


def test_nothing_is_random():
    first = Popularity().fit(X_HAND).score([0, 1, 2])
    np.random.default_rng(7).random(10)
    np.testing.assert_array_equal(Popularity().fit(X_HAND).score([0, 1, 2]), first)


def test_second_fit_forgets_the_first():
    model = Popularity().fit(X_HAND)
    model.fit(sp.csr_array([[0.0, 1.0]]))
    assert model.counts_.tolist() == [0, 1]
    with pytest.raises(ValueError, match="Пользователя 1 нет"):
        model.score([1])


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix])
def test_any_sparse_format(kind):
    assert Popularity().fit(kind(X_HAND)).counts_.tolist() == COUNTS_HAND


def test_dense_matrix_is_refused():
    with pytest.raises(TypeError, match="Нужна разреженная матрица") as error:
        Popularity().fit(X_HAND.toarray())
    assert has_russian(error)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (sp.csr_array((0, 3)), "пуста"),
        (sp.csr_array((3, 0)), "пуста"),
        (sp.csr_array((3, 3)), "ни одного взаимодействия"),
        (sp.csr_array([[1.0, np.nan]]), "nan"),
        (sp.csr_array([[1.0, np.inf]]), "бесконечность"),
        (sp.csr_array([[1.0, -1.0]]), "отрицательные"),
    ],
)
def test_bad_matrices_are_refused(X, message):
    with pytest.raises(ValueError, match=message) as error:
        Popularity().fit(X)
    assert has_russian(error)


@pytest.mark.parametrize("users", [[3], [0, -1], [0.5], [[0, 1]], 1])
def test_unknown_users_are_refused(users):
    """Пользователей трое, объектов пять: номер 3 годится объекту, но не пользователю."""
    with pytest.raises(ValueError) as error:
        Popularity().fit(X_HAND).score(users)
    assert has_russian(error)


def test_not_fitted():
    with pytest.raises(NotFittedError, match="не обучена") as error:
        Popularity().score([0])
    assert has_russian(error)
