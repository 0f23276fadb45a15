"""Эпоха трёх сетей на процессоре и на видеокарте.

Запуск: python -m benchmarks.gpu [--threads 2]. Код моделей один и тот же, меняется только
``device``. Данные — размера MovieLens-1M, созданные; истории BERT4Rec — строки той же матрицы.
Время эпохи — разность двух обучений, на ``LONG`` эпох и на одну, делённая на лишние эпохи:
подготовка и первый вызов видеокарты в неё не входят. Отношение годится, если процессор свободен.
"""

import argparse
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from benchmarks.common import generate, seconds
from recsys_lessons.models import BERT4Rec, LightGCN, MultiVAE

LONG = 6


def epoch_seconds(fit: Callable[[int, str], Any], device: str) -> float:
    """Секунд на эпоху; ``fit`` получает число эпох и устройство."""
    fit(1, device)
    short, long = (seconds(partial(fit, n, device)) for n in (1, LONG))
    return (long - short) / (LONG - 1)


def fits(X: sp.csr_array, dtype: type[np.floating]) -> dict[str, Callable[[int, str], Any]]:
    """Название → обучение на ``n`` эпох на устройстве."""
    histories = np.split(X.indices, X.indptr[1:-1])

    def multivae(n: int, device: str) -> Any:
        return MultiVAE(epochs=n, batch_size=500, device=device, dtype=dtype).fit(X)

    def lightgcn(n: int, device: str) -> Any:
        return LightGCN(epochs=n, batch_size=8192, device=device, dtype=dtype).fit(X)

    def bert4rec(n: int, device: str) -> Any:
        model = BERT4Rec(epochs=n, batch_size=256, device=device, dtype=dtype)
        return model.fit(histories, X.shape[1])

    return {"MultiVAE": multivae, "LightGCN": lightgcn, "BERT4Rec": bert4rec}


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
    for dtype in (np.float32, np.float64):
        for name, fit in fits(X, dtype).items():
            times = [epoch_seconds(fit, device) for device in devices]
            ratio = f", быстрее в {times[0] / times[1]:.1f} раза" if len(times) > 1 else ""
            row = ", ".join(f"{d} {t:.2f}" for d, t in zip(devices, times, strict=True))
            print(f"{name}, {dtype.__name__}: {row}{ratio}", flush=True)


if __name__ == "__main__":
    main()
