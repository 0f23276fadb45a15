"""EASE рядом с irspack: время обучения и память на данных размера MovieLens-1M.

Запуск: python -m benchmarks.ease [--large]. Оба измеряются в одном процессе, вперемежку; у времени
на общей машине смысл имеет только отношение. --large добавляет каталог из 10 000 объектов.
"""

import argparse
import statistics
import threading
import time
from collections.abc import Callable

import numpy as np
import psutil
import scipy.sparse as sp
from irspack import DenseSLIMRecommender
from threadpoolctl import threadpool_limits

from recsys_lessons.models import EASE

THREADS = 2
REPEATS = 5
L2 = 200.0


def generate(n_users: int, n_items: int, n_interactions: int, seed: int = 0) -> sp.csr_array:
    """Взаимодействия с убывающей популярностью объектов и разной активностью пользователей."""
    rng = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, n_items + 1) ** 0.8
    activity = rng.lognormal(0, 1, n_users)
    pairs = np.array([], dtype=np.int64)
    while len(pairs) < n_interactions:
        user = rng.choice(n_users, n_interactions, p=activity / activity.sum())
        item = rng.choice(n_items, n_interactions, p=popularity / popularity.sum())
        pairs = np.unique(np.concatenate([pairs, user * n_items + item]))
    pairs = rng.choice(pairs, n_interactions, replace=False)
    rows, columns = np.divmod(pairs, n_items)
    return sp.csr_array((np.ones(n_interactions), (rows, columns)), shape=(n_users, n_items))


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare_times(X: sp.csr_array) -> None:
    """Медианы времени обучения и их отношения."""
    as_matrix = sp.csr_matrix(X)
    actions: dict[str, Callable[[], object]] = {
        "irspack float32": lambda: DenseSLIMRecommender(as_matrix, reg=L2).learn(),
        "EASE float32": lambda: EASE(l2=L2, dtype=np.float32).fit(X),
        "EASE float64": lambda: EASE(l2=L2).fit(X),
    }
    times: dict[str, list[float]] = {name: [] for name in actions}
    with threadpool_limits(THREADS):
        for action in actions.values():
            action()
        for _ in range(REPEATS):
            for name, action in actions.items():
                times[name].append(seconds(action))
    base = statistics.median(times["irspack float32"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<16} медиана {median:.2f} с, отношение к irspack {median / base:.2f}")
    difference = abs(
        EASE(l2=L2, dtype=np.float32).fit(X).B_ - DenseSLIMRecommender(as_matrix, reg=L2).learn().W
    ).max()
    print(f"наибольшее расхождение весов: {difference:.1e}")


def fit_with_peak(X: sp.csr_array, dtype: str) -> tuple[float, int]:
    """Время обучения и наибольший прирост памяти процесса, байт (опрос раз в 5 мс)."""
    process = psutil.Process()
    before = process.memory_info().rss
    peak = before
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.005):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with threadpool_limits(THREADS):
        took = seconds(lambda: EASE(l2=L2, dtype=np.dtype(dtype)).fit(X))
    done.set()
    watcher.join()
    return took, peak - before


def report_memory(X: sp.csr_array, dtype: str) -> None:
    took, peak = fit_with_peak(X, dtype)
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
    print(f"{X.shape[0]} пользователей, {X.shape[1]} объектов, {X.nnz} взаимодействий")
    compare_times(X)
    for dtype in ("float32", "float64"):
        report_memory(X, dtype)
    if options.large:
        report_memory(generate(20_000, 10_000, 2_000_000), "float64")


if __name__ == "__main__":
    main()
