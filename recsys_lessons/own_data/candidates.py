"""Какие модели пробуют на своих данных: первая точка, пространство подбора, сколько нужно памяти.

Штрафы EASE и SLIM и сжатие Item-KNN измеряются в единицах данных, поэтому здесь они даны в долях
средней популярности объекта. Так точка, найденная на выборке пользователей, годится и всем: на
вдвое больших данных тот же множитель даёт вдвое больший штраф.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.stats import loguniform, uniform

from recsys_lessons import models

LARGE, WIDE = 1_000_000, 10_000  # взаимодействий, объектов: начиная с этого считают в float32
POPULAR = "Популярное"

Sizes = tuple[int, int, int, int]  # пользователи, объекты, взаимодействия, байт на число


@dataclass(frozen=True)
class Candidate:
    """Модель, которую пробуют.

    :param name: название в таблице; порядок в :data:`CANDIDATES` — от простой к сложной
    :param build: точка подбора, обучающая матрица, тип чисел → новая модель
    :param n_bytes: сколько памяти займёт обучение с наибольшими значениями пространства
    :param first: первая попытка: значения, с которых стоит начать
    :param space: откуда берутся остальные попытки, см. :func:`recsys_lessons.tuning.tune`
    :param natural: края пространства, дальше которых идти некуда
    :param baskets: учится на корзинах (протокол C), а не на матрице
    :param for_new: умеет ли отвечать новому пользователю: есть ли ``score_history``
    """

    name: str
    build: Callable[[Mapping[str, Any], sp.csr_array, Any], Any]
    n_bytes: Callable[[Sizes], float]
    first: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Any] = field(default_factory=dict)
    natural: Mapping[str, list[Any]] = field(default_factory=dict)
    baskets: bool = False
    for_new: bool = True


def mean_popularity(X: sp.csr_array) -> float:
    """Сколько взаимодействий приходится на объект, у которого они есть."""
    return X.nnz / max(1, len(np.unique(X.indices)))


# ------------------------------------------------------------------------------- как создать


def _popular(point: Mapping[str, Any], X: sp.csr_array, dtype: Any) -> Any:
    return models.Popularity()


def _item_knn(point: Mapping[str, Any], X: sp.csr_array, dtype: Any) -> Any:
    shrinkage = point["shrinkage"] * mean_popularity(X)
    return models.ItemKNN(**{**point, "shrinkage": shrinkage}, dtype=dtype)


def _ease(point: Mapping[str, Any], X: sp.csr_array, dtype: Any) -> Any:
    return models.EASE(point["l2"] * mean_popularity(X), dtype)


def _slim(point: Mapping[str, Any], X: sp.csr_array, dtype: Any) -> Any:
    unit = mean_popularity(X)
    return models.SLIM(point["l1"] * unit, point["l2"] * unit, max_iter=30, tol=1e-3, dtype=dtype)


def _ials(point: Mapping[str, Any], X: sp.csr_array, dtype: Any) -> Any:
    """``penalty`` — штраф пользователя со средней историей, как в уроке 03."""
    d, penalty, alpha0, nu = (point[n] for n in ("n_factors", "penalty", "alpha0", "nu"))
    weight = X.sum() / X.shape[0] + alpha0 * X.shape[1]
    settings = (d, float(penalty / weight**nu), alpha0, nu, point["n_sweeps"], 0, dtype)
    quick = np.dtype(dtype) == np.float32 and find_spec("numba") is not None
    return models.IALSCG(*settings) if quick else models.IALS(*settings)


def _multivae(point: Mapping[str, Any], X: sp.csr_array, dtype: Any) -> Any:
    """``anneal`` — за сколько эпох вес расхождения дошёл бы до единицы."""
    batch = int(np.clip(X.shape[0] // 20, 20, 500))
    whole = {name: round(point[name]) for name in ("hidden", "latent")}
    return models.MultiVAE(
        **whole, dropout=point["dropout"], beta_cap=point["beta_cap"], lr=point["lr"],
        anneal_steps=round(point["anneal"] * X.shape[0] / batch), batch_size=batch,
        epochs=point.get("epochs", 100), dtype=dtype,
    )  # fmt: skip


def _lightgcn(point: Mapping[str, Any], X: sp.csr_array, dtype: Any) -> Any:
    return models.LightGCN(**{"epochs": 200, **point}, batch_size=max(4096, X.nnz // 100),
                           patience=20, dtype=dtype)  # fmt: skip


def _frequency(point: Mapping[str, Any], X: sp.csr_array, dtype: Any) -> Any:
    return models.GPTopFreq()


def _tifu_knn(point: Mapping[str, Any], X: sp.csr_array, dtype: Any) -> Any:
    return models.TIFUKNN(**point)


# ------------------------------------------------------------------------------- сколько памяти

EVALUATION = 4e6 * 8 * 6  # блок баллов при оценке и его рабочие копии


def _matrix_bytes(sizes: Sizes) -> float:
    """Матрица, её копии внутри модели и блок оценки: нужны каждой модели."""
    n_users, n_items, nnz, _ = sizes
    return 64.0 * nnz + 100.0 * (n_users + n_items) + EVALUATION


def _squares(copies: float, widest: int = 0) -> Callable[[Sizes], float]:
    """Матрицы «объекты × объекты»; ``widest`` — сколько соседей хранят в трёх таблицах."""

    def n_bytes(sizes: Sizes) -> float:
        _, n_items, _, itemsize = sizes
        kept = 3 * min(1.0, widest / n_items)
        return (copies + kept) * n_items**2 * itemsize + _matrix_bytes(sizes)

    return n_bytes


def _ials_bytes(sizes: Sizes) -> float:
    return 8.0 * 4 * 128 * (sizes[0] + sizes[1] + 128) + _matrix_bytes(sizes)


def _multivae_bytes(sizes: Sizes) -> float:
    _, n_items, _, itemsize = sizes
    numbers = 2 * 600 * n_items + 3 * 600 * 200 + 500 * n_items
    return 2 * 6.0 * itemsize * numbers + _matrix_bytes(sizes)


def _lightgcn_bytes(sizes: Sizes) -> float:
    n_users, n_items, nnz, itemsize = sizes
    return itemsize * (8 + 2 * 4) * 128.0 * (n_users + n_items) + 160.0 * nnz + _matrix_bytes(sizes)


def _tifu_bytes(sizes: Sizes) -> float:
    n_users, n_items, _, _ = sizes
    return 500 * 8 * 6.0 * (n_users + n_items) + 2 * _matrix_bytes(sizes)


# ------------------------------------------------------------------------------- список

CANDIDATES = {
    one.name: one
    for one in (
        Candidate(POPULAR, _popular, _matrix_bytes, for_new=True),
        Candidate("Личная частота", _frequency, _tifu_bytes, baskets=True),
        Candidate(
            "Item-KNN", _item_knn, _squares(2, 400),
            {"k": 100, "shrinkage": 0.3, "weighting": "cosine", "truncation": "target"},
            {
                "k": [20, 50, 100, 200, 400],
                "shrinkage": [0, 0.3, 1, 3, 10],
                "weighting": ["cosine", "tfidf", "bm25"],
                "truncation": ["source", "target"],
            },
            {"shrinkage": [0]},
        ),
        Candidate("EASE", _ease, _squares(2.5), {"l2": 5.0}, {"l2": loguniform(0.3, 100)}),
        Candidate(
            "iALS", _ials, _ials_bytes,
            {"n_factors": 64, "penalty": 5.0, "alpha0": 0.3, "nu": 1.0, "n_sweeps": 10},
            {
                "n_factors": [16, 32, 64, 96, 128],
                "penalty": loguniform(0.5, 50),
                "alpha0": loguniform(0.03, 3),
                "nu": uniform(0, 1),
                "n_sweeps": [5, 10, 15, 20],
            },
            {"nu": [0, 1]},
        ),
        Candidate(
            "SLIM", _slim, _squares(7), {"l1": 0.06, "l2": 3.0},
            {"l1": loguniform(3e-4, 1), "l2": loguniform(0.3, 30)},
        ),
        Candidate(
            "MultiVAE", _multivae, _multivae_bytes,
            {"hidden": 300, "latent": 100, "dropout": 0.5, "beta_cap": 0.2, "anneal": 50.0,
             "lr": 1e-3},
            {
                "hidden": loguniform(50, 600),
                "latent": loguniform(10, 200),
                "dropout": uniform(0, 0.9),
                "beta_cap": uniform(0, 1),
                "anneal": loguniform(2, 200),
                "lr": loguniform(3e-4, 1e-2),
            },
            {"dropout": [0], "beta_cap": [0], "anneal": [2, 200]},
        ),
        Candidate(
            "LightGCN", _lightgcn, _lightgcn_bytes,
            {"n_factors": 64, "n_layers": 3, "l2": 1e-3, "lr": 0.02},
            {
                "n_factors": [16, 32, 64, 128],
                "n_layers": [1, 2, 3, 4],
                "l2": loguniform(1e-4, 0.1),
                "lr": loguniform(1e-3, 0.1),
            },
            {"n_layers": [1]},
            for_new=False,
        ),
        Candidate(
            "TIFU-KNN", _tifu_knn, _tifu_bytes,
            {"n_neighbors": 300, "within_decay": 0.9, "group_decay": 0.7, "alpha": 0.7,
             "n_groups": 7},
            {
                "n_neighbors": [10, 30, 100, 300, 600],
                "within_decay": [0.8, 0.9, 0.95, 1.0],
                "group_decay": uniform(0.5, 0.5),
                "alpha": uniform(0.2, 0.8),
                "n_groups": [1, 3, 7, 15],
            },
            {"within_decay": [1.0], "group_decay": [1.0], "alpha": [1.0], "n_groups": [1]},
            baskets=True,
        ),
    )
}  # fmt: skip
