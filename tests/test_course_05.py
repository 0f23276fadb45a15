"""Ключ задания 05 рядом с независимыми: ElasticNet, модель урока, полный перебор."""

import itertools
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from recsys_lessons.models.slim import coordinate_descent
from sklearn.linear_model import ElasticNet

from course.assignment import KEYS, load_assignment
from recsys_lessons.models import SLIM

key = sys.modules[load_assignment(KEYS, "05_slim").variant.__module__]


@pytest.fixture(scope="module")
def X():
    return key.histories(np.random.default_rng(5), 60, 8, 0.4)


def test_column_and_judge_agree_with_elastic_net(X):
    """Своя цена у каждого веса — та же эластичная сеть, что и при общей, но с другим столбцом."""
    G, l2 = X.T @ X, 5.0
    B = np.stack([key.column(G, j, np.full(8, 2.0), l2) for j in range(8)], axis=1)
    settings = {"alpha": 7 / 60, "l1_ratio": 2 / 7, "tol": 1e-12, "max_iter": 100_000}
    net = ElasticNet(positive=True, fit_intercept=False, **settings)
    for j in range(8):
        rest = np.delete(np.arange(8), j)
        np.testing.assert_allclose(B[rest, j], net.fit(X[:, rest], X[:, j]).coef_, atol=1e-7)
    judge = key.minimum(G, np.full((8, 8), 2.0), l2, "")
    assert judge(B) == ""
    assert judge(np.where(B > 0, B + 1e-4, 0)) and judge(0 * B) and judge(B.T) and judge(-B)
    assert "диагонали" in judge(B + np.eye(8)) and "nan" in judge(np.nan * B)


@pytest.mark.parametrize("mistake", key.MISTAKES)
def test_planted_mistakes_show_one_at_a_time(mistake):
    arguments, right = key.telling(mistake, np.random.default_rng(1))
    X, j, l1, l2, n_sweeps = arguments
    for size in range(len(key.MISTAKES) + 1):
        for some in itertools.combinations(key.MISTAKES, size):
            answer = key.sweeps(X, j, l1, l2, n_sweeps, frozenset(some))
            assert np.allclose(answer, right) == (mistake not in some)


def test_libraries_are_the_lesson_with_other_penalties(X):
    for l1, l2, scale in (("p", "q", 1), ("U * p", "U * q", 60)):
        made: dict = {}
        exec(key.library(l1, l2).source, made)
        lesson = SLIM(l1=0.05 * scale, l2=0.2 * scale, tol=1e-12, max_iter=10_000).fit(
            sp.csr_array(X)
        )
        np.testing.assert_allclose(made["fit"](X, 0.05, 0.2), lesson.B_.toarray(), atol=1e-9)


def test_greedy_is_close_to_the_best_of_all_choices(X):
    G, l2 = X.T @ X, 3.0
    best = 0.0
    for j in range(8):
        found = [0.0]
        for own in itertools.combinations(np.delete(np.arange(8), j), 2):
            free = [j, *own]
            B = coordinate_descent(G[np.ix_(free, free)], 0, l2, 1000, 1e-12)[0]
            b = B[1:, 0]
            found.append(b @ G[list(own), j] / 2)
        best += max(found)
    reached = key.lowered(G, key.greedy(G, 2, l2), l2)
    assert 0.97 * best < reached <= best + 1e-9
