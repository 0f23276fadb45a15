"""Общая для тестов матрица; модулю со своей ``X`` она не мешает."""

import numpy as np
import pytest
import scipy.sparse as sp


@pytest.fixture(scope="module")
def X():
    """Случайные взаимодействия: редкие и частые объекты, один объект без взаимодействий."""
    rng = np.random.default_rng(1)
    dense = rng.random((150, 60)) < np.linspace(0.4, 0.02, 60)
    dense[:, 17] = False
    return sp.csr_array(dense.astype(float))
