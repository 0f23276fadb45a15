"""«Свои данные» на больших файлах: секунды и память каждого шага, как они растут.

Запуск: python -m benchmarks.own_data [--rows 1e6 1e7] [--models iALS]. На каждый размер — свежий
процесс; пользователей в сто раз меньше, чем строк, объектов 20 000. Память — наибольшая у процесса
вместе с тем, в котором учат модели.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.csv

from recsys_lessons.own_data.protocol import examine
from recsys_lessons.own_data.reading import read_own
from recsys_lessons.own_data.running import run
from recsys_lessons.own_data.writing import (
    refit,
    write_model,
    write_recommendations,
    write_report,
)

N_ITEMS = 20_000


def write_events(path: Path, n_rows: int, seed: int = 0) -> None:
    """CSV: пользователь, объект, время, оценка; популярность и активность убывают."""
    rng = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, N_ITEMS + 1) ** 0.8
    activity = rng.lognormal(0, 1, n_rows // 100)
    user = rng.choice(len(activity), int(n_rows * 1.25), p=activity / activity.sum())
    item = rng.choice(N_ITEMS, int(n_rows * 1.25), p=popularity / popularity.sum())
    pairs = rng.permutation(np.unique(user * N_ITEMS + item))[:n_rows]
    frame = pd.DataFrame({"user": pairs // N_ITEMS, "item": pairs % N_ITEMS})
    frame["time"] = rng.integers(10**9, 2 * 10**9 - 4 * 10**8, len(frame))
    frame["grade"] = rng.integers(1, 6, len(frame))
    pa.csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), path)


def watched(action: Callable[[], Any]) -> tuple[Any, float, float]:
    """Ответ, секунды и наибольшая память (байт) процесса с дочерними; опрос раз в 20 мс."""
    process, peak, done = psutil.Process(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while True:
            try:
                family = [process, *process.children(recursive=True)]
                peak = max(peak, float(sum(one.memory_info().rss for one in family)))
            except psutil.Error:  # дочерний процесс только что кончился
                pass
            if done.wait(0.02):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        answer = action()
    finally:
        took = time.perf_counter() - start
        done.set()
        watcher.join()
    return answer, took, peak


def steps(n_rows: int, names: list[str], tries: int) -> dict[str, tuple[float, float]]:
    """Все шаги на файле из ``n_rows`` строк: название → секунды и память."""
    found: dict[str, tuple[float, float]] = {}

    def step(name: str, action: Callable[[], Any]) -> Any:
        answer, took, peak = watched(action)
        found[name] = round(took, 2), peak
        print(f"{n_rows:>9} {name:<28} {took:8.1f} с {peak / 1e9:6.2f} ГБ", file=sys.stderr)
        return answer

    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "events.csv", Path(folder) / "out"
        write_events(path, n_rows)
        columns = {"user": "user", "item": "item", "time": "time", "grade": "grade"}
        data = step("чтение и осмотр", lambda: read_own(path, columns))
        plan = step("протокол и разбиение", lambda: examine(data, "A"))
        outcome = step("популярное", lambda: run(plan, out, tries=1, names=[]))
        chosen = step(f"модели: {', '.join(names)}",
                      lambda: run(plan, out, tries=tries, names=names))  # fmt: skip
        name = max(names, key=lambda one: chosen.evaluations[one][chosen.metric])
        fitted = step(f"{name} на всём", lambda: refit(chosen, name))
        written = step("рекомендации", lambda: write_recommendations(fitted, data, out))
        step("модель без историй", lambda: write_model(fitted, data, out))
        step("отчёт", lambda: write_report(outcome, out, written))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, nargs="+", default=[1e6, 1e7])
    parser.add_argument("--models", nargs="+", default=["iALS"])
    parser.add_argument("--tries", type=int, default=1)
    parser.add_argument("--one", action="store_true", help="один размер, ответ в JSON")
    options = parser.parse_args()
    if options.one:
        found = steps(int(options.rows[0]), options.models, options.tries)
        print(json.dumps(found, ensure_ascii=False))
        return
    table = {}
    for rows in options.rows:
        command = [
            sys.executable, "-m", "benchmarks.own_data", "--one", "--rows", str(rows),
            "--tries", str(options.tries), "--models", *options.models,
        ]  # fmt: skip
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        table[rows] = json.loads(done.stdout.splitlines()[-1])
    first, last = min(table), max(table)
    header = "".join(f" {rows:>9.0e}, с   ГБ" for rows in table)
    print(f"{'шаг':<28}{header}   отношение")
    for name in table[last]:
        cells = "".join(
            f" {found[name][0]:10.1f} {found[name][1] / 1e9:6.2f}" for found in table.values()
        )
        ratio = table[last][name][0] / max(0.01, table[first][name][0])
        print(f"{name:<28}{cells} {ratio:10.1f}")


if __name__ == "__main__":
    main()
