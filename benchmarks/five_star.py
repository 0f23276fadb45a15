"""Сверка с таблицей 33 статьи TOIS: только пятизвёздочные оценки MovieLens-1M.

Запуск: python -m benchmarks.five_star ФАЙЛ [--seeds 20] [--models EASE ...]. ФАЙЛ — CSV со
столбцами user и item, по строке на пятизвёздочную оценку; проект его не распространяет. Разбиение:
случайные 80/20 у каждого пользователя; ранжируется весь каталог без обучающей части; Recall@20 =
h/n, MAP@20 делится на min(k, n).

Статья: M. Ferrari Dacrema и др., «A Troubling Analysis of Reproducibility and Progress in
Recommender Systems Research», TOIS 2021. Гиперпараметры — из её приложения, правило разбиения — из
её кода: обучающая часть — 0,8·n, округлённые до ближайшего целого, но при n > 1 в тестовой
остаётся хотя бы один объект.

В статье разбиение одно, а разброс Recall@20 между разбиениями — около 0,004. Поэтому среднее здесь
берётся по двадцати, и рядом печатается, сколько таких разбросов отделяет его от числа статьи.
"""

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons.evaluation import evaluate
from recsys_lessons.inputs import encode_ids
from recsys_lessons.models import EASE, IALS, SLIM, ItemKNN, Popularity

TOLERANCE = 0.0035
SLIM_ALPHA, SLIM_SHARE = 0.049, 1.89e-5  # запись scikit-learn
# Модель → как её создать и Recall@20, MAP@20 в таблице 33 (None — в ней нет).
MODELS: dict[str, tuple[Callable[[], Any], float, float | None]] = {
    "Popularity": (Popularity, 0.1892, None),
    "ItemKNN": (
        lambda: ItemKNN(k=197, weighting="tfidf", truncation="target"),
        0.2929,
        0.1154,
    ),
    # d = 24, степень уверенности 1 + 50·ln 1,1, штраф 1,2e-4 — в обозначениях урока 03.
    "IALS": (
        lambda: IALS(
            n_factors=24,
            regularization=2.0813e-5,
            alpha0=1 / (50 * math.log(1.1)),
            nu=0,
            n_sweeps=20,
        ),
        0.3033,
        0.1183,
    ),
    "EASE": (lambda: EASE(l2=750), 0.3085, 0.1249),
    # 6 014 пользователей; перевод штрафов — в уроке 05.
    "SLIM": (
        lambda: SLIM(
            l1=6014 * SLIM_ALPHA * SLIM_SHARE,
            l2=6014 * SLIM_ALPHA * (1 - SLIM_SHARE),
            tol=1e-5,
            dtype=np.float32,
        ),
        0.3069,
        0.1265,
    ),
}


def read(path: Path) -> sp.csr_array:
    """Матрица единиц; номера пользователей и объектов уплотнены."""
    frame = pd.read_csv(path)
    if not {"user", "item"} <= set(frame.columns) or frame.empty:
        raise ValueError(f"{path}: нужен непустой CSV со столбцами user и item.")
    user, item = encode_ids(frame["user"])[0], encode_ids(frame["item"])[0]
    X = sp.csr_array((np.ones(len(user)), (user, item)))
    X.data[:] = 1
    return X


def split(X: sp.csr_array, seed: int, share: float = 0.8) -> tuple[sp.csr_array, sp.csr_array]:
    """Случайные 80/20 у каждого пользователя: ``(train, test)``."""
    length = np.diff(X.indptr)
    kept = np.rint(share * length)
    kept -= (kept == length) & (length > 1)
    order = np.random.default_rng(seed).random(X.nnz)
    user = np.repeat(np.arange(X.shape[0]), length)
    shuffled = np.lexsort((order, user))
    place = np.empty(X.nnz, dtype=np.int64)
    place[shuffled] = np.arange(X.nnz) - X.indptr[user]
    hidden = place < (length - kept)[user]
    parts = []
    for mask in (~hidden, hidden):
        part = X.copy()
        part.data = X.data * mask
        part.eliminate_zeros()
        parts.append(part)
    return parts[0], parts[1]


def measure(X: sp.csr_array, name: str, n_splits: int) -> np.ndarray:
    """Строка на разбиение: Recall@20, MAP@20 и ошибка Recall@20 по пользователям."""
    rows = []
    for seed in range(n_splits):
        train, test = split(X, seed)
        result = evaluate(MODELS[name][0]().fit(train).score, test, train, ["Recall@20", "MAP@20"])
        rows.append([result["Recall@20"], result["MAP@20"], result.stats("Recall@20")["se"]])
    return np.array(rows)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, default=20, help="число разбиений, от 2")
    parser.add_argument("--models", nargs="*", choices=MODELS, default=list(MODELS))
    options = parser.parse_args(arguments)
    if options.seeds < 2:
        parser.error("--seeds: для разброса нужно хотя бы два разбиения.")
    try:
        X = read(options.file)
    except (OSError, ValueError) as error:
        print(f"Файл не прочитан: {error}", file=sys.stderr)
        return 2
    print(f"{X.shape[0]} пользователей, {X.shape[1]} объектов, {X.nnz} взаимодействий")
    failed, all_recalls = [], {}
    for name in options.models:
        _, paper, paper_map = MODELS[name]
        recalls, maps, errors = measure(X, name, options.seeds).T
        all_recalls[name] = recalls
        mean, spread = recalls.mean(), recalls.std(ddof=1)
        near = abs(mean - paper) <= TOLERANCE
        print(
            f"{name:<11} Recall@20 {mean:.4f} (разброс по разбиениям {spread:.4f}, ошибка "
            f"{errors.mean():.4f}), в статье {paper:.4f}, до неё {(paper - mean):+.4f}, "
            f"или {(paper - mean) / spread:+.1f} разброса: "
            f"{'сходится' if near else 'НЕ сходится'}; MAP@20 {maps.mean():.4f}, "
            f"в статье {'нет' if paper_map is None else f'{paper_map:.4f}'}",
            flush=True,
        )
        if not near:
            failed.append(name)
    for name, values in all_recalls.items():
        if name != "EASE" and "EASE" in all_recalls:
            gap = values - all_recalls["EASE"]
            print(
                f"{name} − EASE на тех же разбиениях: {gap.mean():+.4f}, от {gap.min():+.4f} "
                f"до {gap.max():+.4f}; в статье {MODELS[name][1] - MODELS['EASE'][1]:+.4f}"
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
