"""benchmarks.spark: то, что проверяется без Spark и Java."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from benchmarks import spark


@pytest.fixture
def X():
    return sp.csr_array((np.random.default_rng(0).random((40, 25)) < 0.2).astype(float))


def test_hu_with_the_penalty_of_spark_is_the_lesson_with_one_penalty_per_length(X):
    """alpha = 1 / alpha0, штраф делится на alpha, векторы в 1 + alpha0 раз больше."""
    Q = np.random.default_rng(1).normal(size=(25, 6))
    by_hu = spark.hu_rows(X, Q, alpha=4.0, regularization=0.3)
    assert np.abs(by_hu - spark.lesson_rows(X, Q, 4.0, 0.3)).max() < 1e-12
    u = int(np.diff(X.indptr).argmax())
    weights = 1 + 4.0 * X[[u]].toarray().ravel()
    penalty = 0.3 * X[[u]].sum() * np.eye(6)
    exact = np.linalg.solve((Q.T * weights) @ Q + penalty, Q.T @ (weights * (weights > 1)))
    assert np.abs(by_hu[u] - exact).max() < 1e-12


def test_an_item_goes_to_every_block_that_has_its_user():
    X = sp.csr_array(np.array([[1.0, 1], [1, 0], [1, 0]]))
    assert [spark.sent_vectors(X, blocks) for blocks in (1, 2, 3)] == [2, 3, 4]


@pytest.mark.parametrize("without", ["pyspark", "java"])
def test_what_is_missing_is_named(monkeypatch, capsys, without):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(spark, "find_spec", lambda name: None if without == "pyspark" else name)
    monkeypatch.setattr(spark.shutil, "which", lambda name: None if without == "java" else name)
    assert spark.main([]) == 2
    said = capsys.readouterr().err
    assert {"pyspark": "pip install", "java": "apt install"}[without] in said


def test_a_file_without_times_is_split_twice(tmp_path):
    users, items = np.nonzero(np.ones((12, 20)))
    path = tmp_path / "interactions.parquet"
    pd.DataFrame({"user": users, "item": items}).to_parquet(path)
    validation, test = spark.read(path)
    assert (validation.train + validation.test != test.train).nnz == 0
    assert (test.train + test.test).nnz == len(users)
    pd.DataFrame({"user": ["a"], "item": ["b"]}).to_parquet(path)
    with pytest.raises(ValueError, match="целые номера"):
        spark.read(path)
