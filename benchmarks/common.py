"""Общее для измерений: данные, время и память."""

import os
import statistics
import threading
import time
from collections.abc import Callable, Mapping

import numpy as np
import psutil
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

THREADS = int(os.environ.get("BENCHMARKS_THREADS", "2"))
REPEATS = 5

Action = Callable[[], object]


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


def seconds(action: Action) -> float:
    """Время одного вызова."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def clock() -> float:
    """Секунды: в один поток — процессора, их чужая работа не портит; иначе по часам."""
    return time.process_time() if THREADS == 1 else time.perf_counter()


def compare_times(actions: Mapping[str, Action], base: str) -> dict[str, float]:
    """Медианы времени вызовов вперемежку: печатает с отношением к ``base`` и возвращает."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    with threadpool_limits(THREADS):
        for action in actions.values():
            action()
        for _ in range(REPEATS):
            for name, action in actions.items():
                times[name].append(seconds(action))
    medians = {name: statistics.median(values) for name, values in times.items()}
    width = max(map(len, actions))
    for name, median in medians.items():
        print(f"{name:<{width}}  медиана {median:6.2f} с, отношение {median / medians[base]:.2f}")
    return medians


def peak_memory(action: Action) -> tuple[float, int]:
    """Время вызова и наибольший прирост памяти процесса, байт (опрос раз в 5 мс)."""
    process = psutil.Process()
    before = peak = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.005):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with threadpool_limits(THREADS):
            took = seconds(action)
    finally:
        done.set()
        watcher.join()
    return took, peak - before
