"""Правило разбиения, от которого зависят числа сверки с TOIS 2021."""

import numpy as np
import scipy.sparse as sp

from benchmarks.five_star import split


def test_split_keeps_the_rule_of_the_paper_code():
    """В обучение — 0,8·n до ближайшего целого; при n > 1 в тестовой хотя бы один объект."""
    lengths = [1, 2, 3, 4, 5, 7, 8, 10]
    X = sp.csr_array((np.arange(12) < np.array(lengths)[:, None]).astype(float))
    train, test = split(X, seed=0)
    assert np.diff(test.indptr).tolist() == [0, 1, 1, 1, 1, 1, 2, 2]
    assert (train + test != X).nnz == 0
    assert train.multiply(test).nnz == 0


def test_split_is_random_and_repeatable():
    X = sp.csr_array(np.ones((5, 40)))
    first, again, other = (split(X, seed)[1] for seed in (1, 1, 2))
    assert (first != again).nnz == 0
    assert (first != other).nnz > 0
