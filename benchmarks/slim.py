"""SLIM рядом с irspack: время, память и качество на данных размера MovieLens-1M.

Запуск: python -m benchmarks.slim [--all]. Всё измеряется в одном процессе, вперемежку, в два
потока; у времени на общей машине смысл имеет только отношение. --all добавляет float64 и ADMM.

Чтобы сравнение было честным, обе стороны решают одну задачу одними штрафами до одного и того же
``tol`` (наибольшее изменение веса за проход: у irspack правило то же, оно стоит в ней по умолчанию)
и получают одну матрицу. Время — на общих для всех измерений данных ``generate``. В них вкусов нет,
предсказывать нечего, поэтому качество меряется на данных того же размера и с той же популярностью,
но с группами вкусов: пятая часть взаимодействий скрыта до обучения, NDCG@20 — по ней. Время на них
тоже печатается: сходимость зависит от данных.
"""

import argparse
from functools import partial
from typing import Literal

import numpy as np
import scipy.sparse as sp
from irspack import SLIMRecommender
from threadpoolctl import threadpool_limits

from benchmarks.common import THREADS, compare_times, generate, peak_memory
from recsys_lessons.evaluation import compare, evaluate
from recsys_lessons.models import SLIM, Popularity

L1, L2, TOL = 2.0, 200.0, 1e-4
METRIC = "NDCG@20"


def planted(
    n_users: int, n_items: int, n_interactions: int, n_groups: int = 20, seed: int = 0
) -> tuple[sp.csr_array, sp.csr_array]:
    """Как ``generate``, но половина выборов — внутри своей группы вкусов: ``(train, test)``.

    В обучающей части ``n_interactions`` взаимодействий, в тестовой — вчетверо меньше.
    """
    rng = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, n_items + 1) ** 0.8
    activity = rng.lognormal(0, 1, n_users)
    user_group, item_group = (
        rng.integers(n_groups, size=n_users),
        rng.integers(n_groups, size=n_items),
    )
    total = n_interactions * 5 // 4
    pairs = np.array([], dtype=np.int64)
    while len(pairs) < total:
        user = rng.choice(n_users, total, p=activity / activity.sum())
        item = rng.choice(n_items, total, p=popularity / popularity.sum())
        loyal = rng.random(total) < 0.5
        for group in range(n_groups):
            own = np.flatnonzero(item_group == group)
            chosen = np.flatnonzero(loyal & (user_group[user] == group))
            weights = popularity[own] / popularity[own].sum()
            item[chosen] = rng.choice(own, len(chosen), p=weights)
        pairs = np.unique(np.concatenate([pairs, user * n_items + item]))
    pairs = rng.choice(pairs, total, replace=False)
    parts = []
    for part in (pairs[:n_interactions], pairs[n_interactions:]):
        cells = np.divmod(part, n_items)
        parts.append(sp.csr_array((np.ones(len(part)), cells), shape=(n_users, n_items)))
    return parts[0], parts[1]


def by_irspack(X: sp.csr_matrix) -> sp.csr_array:
    """Веса irspack; её ``alpha`` — на пользователя, как в scikit-learn."""
    model = SLIMRecommender(
        X, alpha=(L1 + L2) / X.shape[0], l1_ratio=L1 / (L1 + L2), tol=TOL, n_threads=THREADS
    )
    return sp.csr_array(model.learn().W)


def ours(solver: Literal["cd", "admm"] = "cd", dtype: str = "float32") -> SLIM:
    return SLIM(l1=L1, l2=L2, solver=solver, tol=TOL, dtype=np.dtype(dtype))


def objective(X: sp.csr_array, B: sp.csr_array) -> float:
    """Целевая функция в двойной точности."""
    B = B.astype(np.float64)
    error = (X @ B - X).toarray()
    return float((error**2).sum() / 2 + L2 * (B.data**2).sum() / 2 + L1 * B.data.sum())


def scores(X: sp.csr_array, B: sp.csr_array, users: np.ndarray) -> np.ndarray:
    return (X[users] @ B).toarray()


def times(X: sp.csr_array, everything: bool) -> None:
    as_matrix = sp.csr_matrix(X)
    actions = {
        "irspack": lambda: by_irspack(as_matrix),
        "SLIM float32": lambda: ours().fit(X),
    }
    if everything:
        actions["SLIM float64"] = lambda: ours(dtype="float64").fit(X)
        actions["SLIM ADMM float32"] = lambda: ours(solver="admm").fit(X)
    print(f"{X.shape[0]} пользователей, {X.shape[1]} объектов, {X.nnz} взаимодействий")
    compare_times(actions, base="irspack")


def quality(train: sp.csr_array, test: sp.csr_array, everything: bool) -> None:
    """NDCG@20 на скрытой части, целевая функция и доля ненулевых весов."""
    with threadpool_limits(THREADS):
        weights = {"irspack": by_irspack(sp.csr_matrix(train)), "SLIM": ours().fit(train).B_}
        if everything:
            weights["SLIM ADMM"] = ours("admm").fit(train).B_
    results = {
        name: evaluate(partial(scores, train, B), test, train, [METRIC])
        for name, B in weights.items()
    }
    lowest = min(objective(train, B) for B in weights.values())
    popular = evaluate(Popularity().fit(train).score, test, train, [METRIC])
    print(f"популярное: {METRIC} {popular[METRIC]:.4f}")
    for name, result in results.items():
        excess = objective(train, weights[name]) / lowest - 1
        print(
            f"{name}: {METRIC} {result[METRIC]:.4f}, к irspack "
            f"{result[METRIC] / results['irspack'][METRIC]:.4f}, целевая функция выше лучшей на "
            f"{excess:.0e}, ненулевых {weights[name].nnz / train.shape[1] ** 2:.3f}"
        )
    print("SLIM − irspack:", compare(results["SLIM"], results["irspack"], METRIC))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="ещё float64 и ADMM (дольше)")
    options = parser.parse_args()
    size = (6_000, 3_000, 800_000)
    X, (train, test) = generate(*size), planted(*size)
    times(X, options.all)
    print("С группами вкусов:")
    times(train, options.all)
    quality(train, test, options.all)
    for dtype in ("float32", "float64"):
        took, peak = peak_memory(partial(ours(dtype=dtype).fit, X))
        print(f"{dtype}: {took:.1f} с, память обучения {peak / 1e9:.2f} ГБ")


if __name__ == "__main__":
    main()
