"""Item-KNN рядом с implicit: время обучения и память на данных размера MovieLens-1M.

Запуск: python -m benchmarks.item_knn. Оба измеряются в одном процессе, вперемежку; у времени на
общей машине смысл имеет только отношение. implicit отсекает по источнику и считает сам объект
соседом; в float64 наши соседи выбраны по точному правилу равных.
"""

import warnings
from functools import partial

import numpy as np
import scipy.sparse as sp
from implicit.nearest_neighbours import CosineRecommender

from benchmarks.common import THREADS, compare_times, generate, peak_memory
from recsys_lessons.models import ItemKNN

K = 100


def fit_implicit(X: sp.csr_matrix) -> CosineRecommender:
    """Косинус implicit; предупреждение о формате, которое он выдаёт самому себе, скрыто."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = CosineRecommender(K=K, num_threads=THREADS)
        model.fit(X, show_progress=False)
    return model


def main() -> None:
    X = generate(6_000, 3_000, 800_000)
    as_matrix = sp.csr_matrix(X)
    print(f"{X.shape[0]} пользователей, {X.shape[1]} объектов, {X.nnz} взаимодействий, K = {K}")
    actions = {"implicit": lambda: fit_implicit(as_matrix)}
    for dtype in ("float32", "float64"):
        for truncation in ("source", "target"):
            model = ItemKNN(k=K, truncation=truncation, dtype=np.dtype(dtype))
            actions[f"ItemKNN {dtype} {truncation}"] = partial(model.fit, X)
    compare_times(actions, base="implicit")

    theirs = fit_implicit(as_matrix).similarity.toarray()
    np.fill_diagonal(theirs, 0)
    ours = ItemKNN(k=K - 1, truncation="source").fit(X).S_.toarray()
    worst = abs(np.sort(theirs, axis=1) - np.sort(ours, axis=1)).max()
    print(f"наибольшее расхождение отсортированных сходств: {worst:.1e}")
    for dtype in ("float32", "float64"):
        took, peak = peak_memory(partial(ItemKNN(k=K, dtype=np.dtype(dtype)).fit, X))
        print(f"ItemKNN {dtype}: {took:.1f} с, память обучения {peak / 1e9:.2f} ГБ")


if __name__ == "__main__":
    main()
