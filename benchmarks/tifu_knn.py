"""TIFU-KNN: время и память на Complete Journey; на Ta-Feng — сверка со статьёй.

Запуск: python -m benchmarks.tifu_knn [ФАЙЛ] [--folds 5]. ФАЙЛ — Ta-Feng в виде JSON (можно .gz):
пользователь → список корзин, старые первыми, последняя — целевая; так его готовят Li и др. (TOIS
2023). Проект этот файл не распространяет.

На Ta-Feng пользователей делят на части: соседи каждой части — пользователи остальных. Статья: Hu и
др., SIGIR 2020; гиперпараметры опубликованы авторами. Возвращает 1, если полнота не сошлась.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from benchmarks.common import peak_memory
from recsys_lessons.datasets import load_baskets
from recsys_lessons.evaluation import Evaluation, compare, evaluate
from recsys_lessons.metrics import ndcg
from recsys_lessons.models import TIFUKNN
from recsys_lessons.splits import next_basket

Baskets = Mapping[int, list[np.ndarray]]

METRICS = ("Recall@10", "NDCG@10", "HR@10", "Recall@20")
TOLERANCE = 0.004
NO_DECAY = {"within_decay": 1.0, "group_decay": 1.0}
# Название → гиперпараметры и ожидаемое Recall@10 (None — не с чем сверять).
SETTINGS: dict[str, tuple[dict[str, Any], float | None]] = {
    "код авторов": ({"variant": "code"}, 0.125),
    "статья": ({"variant": "paper"}, 0.130),
    "без затухания": (NO_DECAY, None),
    "без затухания, alpha 0.3": ({**NO_DECAY, "alpha": 0.3}, None),
    "статья, alpha 0.3": ({"alpha": 0.3}, None),
    "статья, только своё": ({"alpha": 1.0}, None),
    "статья, только соседи": ({"alpha": 0.0}, None),
}
PAIRS = [
    ("без затухания", "код авторов"),
    ("без затухания", "статья"),
    ("статья", "код авторов"),
    ("без затухания, alpha 0.3", "без затухания"),
    ("статья, alpha 0.3", "статья"),
    ("статья", "статья, только своё"),
]


def read(path: Path) -> tuple[dict[int, list[np.ndarray]], sp.csr_array]:
    """История каждого пользователя и матрица целевых корзин."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        users = list(json.load(file).values())
    if not users or min(map(len, users)) < 2:
        raise ValueError(f"{path}: у каждого пользователя нужны история и целевая корзина.")
    n_items = 1 + max(item for history in users for basket in history for item in basket)
    history = {u: [np.array(basket) for basket in baskets[:-1]] for u, baskets in enumerate(users)}
    sizes = [len(baskets[-1]) for baskets in users]
    items = np.concatenate([baskets[-1] for baskets in users])
    rows = np.repeat(np.arange(len(users)), sizes)
    return history, sp.csr_array((np.ones(len(items)), (rows, items)), (len(users), n_items))


def in_folds(
    history: Baskets, target: sp.csr_array, folds: np.ndarray, settings: Mapping[str, Any]
) -> Evaluation:
    """Каждая часть пользователей оценена соседями из остальных частей."""
    parts, lists = [], []
    for fold in np.unique(folds):
        inside = np.flatnonzero(folds == fold)
        others = {u: history[u] for u in np.flatnonzero(folds != fold).tolist()}
        model = TIFUKNN(**settings).fit(others, target.shape[1])

        def score(rows: np.ndarray, inside: np.ndarray = inside, model: Any = model) -> np.ndarray:
            return model.score_history({u: history[u] for u in inside[rows].tolist()})

        found = evaluate(score, target[inside], metrics=METRICS)
        parts.append(found.values.set_axis(inside))
        lists.append(found.recommended)
    values = pd.concat(parts)
    shown = np.concatenate(lists)
    values["NDCG@10, идеал из всех n"] = ndcg(
        shown, sp.csr_array(target[values.index.to_numpy()]), 10, ideal="relevant"
    )
    order = np.argsort(values.index.to_numpy())
    return Evaluation(values.iloc[order], shown[order], n_skipped=0)


def reproduce(path: Path, n_folds: int) -> bool:
    """Таблица Ta-Feng и парные разности; ``True`` — полнота сошлась."""
    history, target = read(path)
    print(f"\nTa-Feng: {target.shape[0]} пользователей, {target.shape[1]} товаров")
    folds = np.random.default_rng(0).permutation(len(history)) % n_folds
    took, peak = peak_memory(lambda: one_fold(history, target, folds))
    print(f"одна часть, векторы и баллы: {took:.1f} с, прирост памяти {peak / 1e9:.2f} ГБ")
    results, good = {}, True
    for name, (settings, expected) in SETTINGS.items():
        results[name] = found = in_folds(history, target, folds, settings)
        text = ", ".join(
            f"{metric} {row['mean']:.4f} ± {row['se']:.4f}"
            for metric, row in found.summary().iterrows()
        )
        if expected is not None:
            near = abs(found["Recall@10"] - expected) <= TOLERANCE
            good &= near
            text += f"; ждём {expected:.3f}: {'сходится' if near else 'НЕ сходится'}"
        print(f"{name}: {text}", flush=True)
    print("в статье (SIGIR 2020): Recall@10 0.1301, NDCG@10 0.1011, Recall@20 0.1810")
    for better, worse in PAIRS:
        print(f"{better} − {worse}: {compare(results[better], results[worse], 'Recall@10')}")
    return good


def one_fold(history: Baskets, target: sp.csr_array, folds: np.ndarray) -> None:
    """Обучить на всех частях, кроме нулевой, и оценить нулевую."""
    inside = np.flatnonzero(folds == 0)
    others = {u: history[u] for u in np.flatnonzero(folds != 0).tolist()}
    model = TIFUKNN().fit(others, target.shape[1])
    for start in range(0, len(inside), 300):
        model.score_history({u: history[u] for u in inside[start : start + 300].tolist()})


def journey() -> None:
    """Время и память на Complete Journey: все семьи."""
    baskets, products = load_baskets()
    history, _ = next_basket(baskets, pd.Timestamp("2017-11-01"))
    users = list(history)

    def run() -> None:
        TIFUKNN().fit(history, len(products)).score(users)

    run()
    took, peak = peak_memory(run)
    print(f"Complete Journey: {len(users)} семей, {sum(map(len, history.values()))} корзин")
    print(f"векторы и баллы всех семей: {took:.1f} с, прирост памяти {peak / 1e9:.2f} ГБ")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="Ta-Feng, JSON")
    parser.add_argument("--folds", type=int, default=5, help="на сколько частей, от 2")
    options = parser.parse_args(arguments)
    journey()
    if options.file is None:
        return 0
    try:
        return 0 if reproduce(options.file, options.folds) else 1
    except (OSError, ValueError) as error:
        print(f"Файл не прочитан: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
