"""EASE рядом с irspack: время обучения и память на данных размера MovieLens-1M.

Запуск: python -m benchmarks.ease [--large]. Оба измеряются в одном процессе, вперемежку; у времени
на общей машине смысл имеет только отношение. --large добавляет каталог из 10 000 объектов.
"""

import argparse

import numpy as np
import scipy.sparse as sp
from irspack import DenseSLIMRecommender

from benchmarks.common import compare_times, generate, peak_memory
from recsys_lessons.models import EASE

L2 = 200.0


def report_memory(X: sp.csr_array, dtype: str) -> None:
    """Память обучения в гигабайтах и в массивах «объекты × объекты»."""
    took, peak = peak_memory(lambda: EASE(l2=L2, dtype=np.dtype(dtype)).fit(X))
    arrays = peak / (X.shape[1] ** 2 * np.dtype(dtype).itemsize)
    print(
        f"{X.shape[1]} объектов, {dtype}: {took:.1f} с, память обучения {peak / 1e9:.2f} ГБ, "
        f"это {arrays:.1f} массива I × I"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="ещё 10 000 объектов (минута)")
    options = parser.parse_args()
    X = generate(6_000, 3_000, 800_000)
    as_matrix = sp.csr_matrix(X)
    print(f"{X.shape[0]} пользователей, {X.shape[1]} объектов, {X.nnz} взаимодействий")
    compare_times(
        {
            "irspack float32": lambda: DenseSLIMRecommender(as_matrix, reg=L2).learn(),
            "EASE float32": lambda: EASE(l2=L2, dtype=np.float32).fit(X),
            "EASE float64": lambda: EASE(l2=L2).fit(X),
        },
        base="irspack float32",
    )
    theirs = DenseSLIMRecommender(as_matrix, reg=L2).learn().W
    worst = abs(EASE(l2=L2, dtype=np.float32).fit(X).B_ - theirs).max()
    print(f"наибольшее расхождение весов: {worst:.1e}")
    for dtype in ("float32", "float64"):
        report_memory(X, dtype)
    if options.large:
        report_memory(generate(20_000, 10_000, 2_000_000), "float64")


if __name__ == "__main__":
    main()
