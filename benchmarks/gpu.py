"""Эпоха трёх сетей на процессоре и на видеокарте.

Запуск: python -m benchmarks.gpu [--threads 2]. Код моделей один и тот же, меняется только
``device``. Данные — размера MovieLens-1M, созданные; истории BERT4Rec — строки той же матрицы.
Время эпохи — разность двух обучений, на ``LONG`` эпох и на одну, делённая на лишние эпохи:
подготовка и первый вызов видеокарты в неё не входят.

Измерено раз, torch 2.11, NVIDIA H200 против двух потоков Intel Xeon, занятого и другим обучением:
float32 — MultiVAE в 4 раза быстрее, LightGCN в 16, BERT4Rec в 5; float64 — в 7, 46 и 6.
"""

import argparse
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.common import generate, seconds
from recsys_lessons.models import BERT4Rec, LightGCN, MultiVAE

LONG = 2


def epoch_seconds(fit: Callable[[int], Any]) -> float:
    """Секунд на эпоху; ``fit`` получает число эпох."""
    fit(1)
    short, long = (seconds(lambda n=n: fit(n)) for n in (1, LONG))
    return (long - short) / (LONG - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2, help="потоков процессора")
    options = parser.parse_args()
    os.environ["RECSYS_LESSONS_BUILD"] = "1"  # без полос хода
    torch.set_num_threads(options.threads)
    devices = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
    named = torch.cuda.get_device_name() if len(devices) > 1 else "видеокарты нет"
    print(f"torch {torch.__version__}, потоков {options.threads}, {named}; секунд на эпоху")
    X = generate(6_000, 3_000, 800_000)
    histories = np.split(X.indices, X.indptr[1:-1])
    for dtype in (np.float32, np.float64):
        runs: dict[str, Callable[[int, str], Any]] = {
            "MultiVAE, пакет 500": lambda n, device, dtype=dtype: MultiVAE(
                epochs=n, batch_size=500, device=device, dtype=dtype
            ).fit(X),
            "LightGCN, пакет 8192": lambda n, device, dtype=dtype: LightGCN(
                epochs=n, batch_size=8192, device=device, dtype=dtype
            ).fit(X),
            "BERT4Rec, пакет 256": lambda n, device, dtype=dtype: BERT4Rec(
                epochs=n, batch_size=256, device=device, dtype=dtype
            ).fit(histories, X.shape[1]),
        }
        for name, run in runs.items():
            times = [epoch_seconds(lambda n, d=d, run=run: run(n, d)) for d in devices]
            ratio = f", быстрее в {times[0] / times[1]:.1f} раза" if len(times) > 1 else ""
            row = ", ".join(f"{d} {t:.2f}" for d, t in zip(devices, times, strict=True))
            print(f"{name}, {dtype.__name__}: {row}{ratio}", flush=True)


if __name__ == "__main__":
    main()
