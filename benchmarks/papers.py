"""Опубликованные числа рядом с нашими: что удаётся повторить на данных, которые может взять каждый.

Запуск: python -m benchmarks.papers [--five-star ФАЙЛ] [--tafeng ФАЙЛ] [--splits 20] [--causes 5]
[--write]. Первый файл описан в benchmarks.five_star, второй — в benchmarks.tifu_knn. --write
кладёт таблицу в notebooks/results/papers.json, откуда её берёт урок 09.

Числа в статьях напечатаны без ошибки, а одно случайное разбиение сдвигает метрику. Поэтому рядом с
нашим средним стоит разброс, и число статьи считается одним таким разбиением: расстояние измерено в
разбросах разности одного разбиения и нашего среднего, «в пределах разброса» — не больше двух. На
Ta-Feng вместо разбиений — части пользователей, их пять на перестановку. Код завершения от
согласия не зависит: 2 — файл не прочитан.

--causes повторяет SLIM на первых разбиениях, меняя то, чем наш расчёт отличается от кода статьи: в
нём у столбца оставлены 642 наибольших веса, а решатель — scikit-learn с пределом в сто проходов.
Причиной расхождения можно назвать только то, что здесь его меняет.
"""

import argparse
import json
import platform
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import scipy.sparse as sp
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet

from benchmarks import five_star, tifu_knn
from recsys_lessons.evaluation import evaluate
from recsys_lessons.results import results_dir

TOIS, SIGIR = "Ferrari Dacrema и др., TOIS 2021, табл. 33", "Hu и др., SIGIR 2020"
FAR = 2.0
PATH = results_dir() / "papers.json"
TOP_K = 642  # сколько весов столбца SLIM оставляет код статьи
N_FOLDS = 5
# TIFU-KNN на Ta-Feng. NDCG в коде авторов делится на идеал из всех n товаров корзины.
TAFENG = {"Recall@10": 0.1301, "NDCG@10, идеал из всех n": 0.1011, "Recall@20": 0.1810}


@dataclass(frozen=True)
class Figure:
    """Число из статьи и наши значения той же метрики, по одному на разбиение."""

    source: str
    model: str
    metric: str
    published: float
    ours: np.ndarray

    @property
    def distance(self) -> float:
        """На сколько разбросов число статьи выше нашего среднего."""
        n = len(self.ours)
        spread = float(np.std(self.ours, ddof=1)) * np.sqrt(1 + 1 / n)
        return float((self.published - self.ours.mean()) / spread)

    @property
    def agrees(self) -> bool:
        """Число статьи могло бы быть одним из наших разбиений."""
        return abs(self.distance) <= FAR

    def record(self) -> dict[str, Any]:
        """Словарь для JSON: значение на каждом разбиении и суд."""
        return {
            "source": self.source,
            "model": self.model,
            "metric": self.metric,
            "published": self.published,
            "mean": round(float(self.ours.mean()), 6),
            "spread": round(float(np.std(self.ours, ddof=1)), 6),
            "distance": round(self.distance, 3),
            "agrees": self.agrees,
            "ours": [round(float(value), 6) for value in self.ours],
        }

    def __str__(self) -> str:
        mean, spread = self.ours.mean(), np.std(self.ours, ddof=1)
        return (
            f"{self.model:<22} {self.metric:<26} в статье {self.published:.4f}, у нас {mean:.4f}, "
            f"разброс {spread:.4f} по {len(self.ours)}, до статьи {self.distance:+.1f} разброса: "
            f"{'в пределах' if self.agrees else 'ВНЕ'} разброса"
        )


def tois(X: sp.csr_array, n_splits: int) -> Iterator[Figure]:
    """Таблица 33: пятизвёздочные оценки MovieLens-1M, гиперпараметры статьи."""
    for name, (_, *published) in five_star.MODELS.items():
        recalls, maps, _ = five_star.measure(X, name, n_splits).T
        found = {"Recall@20": recalls, "MAP@20": maps}
        for (metric, ours), number in zip(found.items(), published, strict=True):
            if number is not None:
                yield Figure(TOIS, name, metric, number, ours)


def tafeng(data: tuple[tifu_knn.Baskets, sp.csr_array], n_splits: int) -> Iterator[Figure]:
    """TIFU-KNN, гиперпараметры авторов; разбиение — пятая часть пользователей, соседи из прочих."""
    history, target = data
    for name in ("код авторов", "статья"):
        found = []
        for seed in range(-(-n_splits // N_FOLDS)):
            folds = np.random.default_rng(seed).permutation(len(history)) % N_FOLDS
            values = tifu_knn.in_folds(history, target, folds, tifu_knn.SETTINGS[name][0]).values
            found.append(values.groupby(folds[values.index.to_numpy()])[list(TAFENG)].mean())
        ours = np.concatenate(found)
        for column, (metric, number) in enumerate(TAFENG.items()):
            yield Figure(SIGIR, f"TIFU-KNN, {name}", metric, number, ours[:, column])


def largest(B: sp.csr_array, k: int) -> sp.csr_array:
    """Оставить в каждом столбце ``k`` наибольших весов."""
    columns = sp.csc_array(B)
    kept = columns.data > 0
    for start, end in zip(columns.indptr[:-1], columns.indptr[1:], strict=True):
        if end - start > k:
            kept[start + np.argsort(-columns.data[start:end], kind="stable")[k:]] = False
    columns.data = columns.data * kept
    columns.eliminate_zeros()
    return sp.csr_array(columns)


def by_sklearn(X: sp.csr_array, alpha: float, share: float) -> tuple[sp.csr_array, int]:
    """Веса SLIM тем же вызовом scikit-learn, что в коде статьи, и число столбцов без сходимости."""
    columns, n_items, failed = sp.csc_array(X), X.shape[1], 0
    columns.indices = columns.indices.astype(np.int32)
    columns.indptr = columns.indptr.astype(np.int32)
    solver = ElasticNet(
        alpha=alpha,
        l1_ratio=share,
        positive=True,
        fit_intercept=False,
        copy_X=False,
        selection="random",
        max_iter=100,
        tol=1e-4,
        random_state=0,
    )
    found = []
    for item in range(n_items):
        own = slice(columns.indptr[item], columns.indptr[item + 1])
        target, kept = columns[:, [item]].toarray().ravel(), columns.data[own].copy()
        columns.data[own] = 0
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            found.append(sp.csc_array(solver.fit(columns, target).coef_[:, None]))
        failed += bool(caught)
        columns.data[own] = kept
    return sp.csr_array(sp.hstack(found)), failed


def slim_causes(X: sp.csr_array, n_splits: int) -> Iterator[dict[str, Any]]:
    """SLIM с заменами по одной: Recall@20 на каждом разбиении, на тех же — EASE."""
    alpha, share = five_star.SLIM_ALPHA, five_star.SLIM_SHARE
    found: dict[str, list[float]] = {}
    unfinished = 0
    for seed in range(n_splits):
        train, test = five_star.split(X, seed)
        weights = {"урок 05, tol = 1e-5": five_star.MODELS["SLIM"][0]().fit(train).B_}
        weights[f"урок 05, {TOP_K} веса на столбец"] = largest(next(iter(weights.values())), TOP_K)
        solved, failed = by_sklearn(train, alpha, share)
        unfinished += failed
        weights["scikit-learn, до ста проходов"] = solved
        weights[f"scikit-learn, {TOP_K} веса"] = largest(solved, TOP_K)
        scores = {
            name: lambda users, B=B, train=train: (train[users] @ B).toarray()
            for name, B in weights.items()
        }
        scores["EASE"] = five_star.MODELS["EASE"][0]().fit(train).score
        for name, score in scores.items():
            recall = evaluate(score, test, train, ["Recall@20"])["Recall@20"]
            found.setdefault(name, []).append(round(recall, 6))
    print(f"  scikit-learn: столбцов, не сошедшихся за сто проходов: {unfinished}")
    for name, values in found.items():
        mean, gap = np.mean(values), np.subtract(values, found["EASE"])
        print(f"  {name:<34} Recall@20 {mean:.4f}, минус EASE {gap.mean():+.4f}", flush=True)
        yield {"model": name, "metric": "Recall@20", "ours": values}


def versions() -> dict[str, str]:
    """Чем посчитано."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--five-star", type=Path, help="пятизвёздочные оценки MovieLens-1M, CSV")
    parser.add_argument("--tafeng", type=Path, help="Ta-Feng, JSON")
    parser.add_argument(
        "--splits",
        type=int,
        default=20,
        help="число разбиений, от 2; на Ta-Feng — до целых пятёрок",
    )
    parser.add_argument("--causes", type=int, default=0, help="разбиений на причины у SLIM")
    parser.add_argument("--write", action="store_true", help=f"записать {PATH.name}")
    options = parser.parse_args(arguments)
    if options.splits < 2:
        parser.error("--splits: для разброса нужно хотя бы два разбиения.")
    figures: list[Iterator[Figure]] = []
    stars = None
    try:
        if options.five_star:
            stars = five_star.read(options.five_star)
            figures.append(tois(stars, options.splits))
        if options.tafeng:
            figures.append(tafeng(tifu_knn.read(options.tafeng), options.splits))
    except (OSError, ValueError) as error:
        print(f"Файл не прочитан: {error}", file=sys.stderr)
        return 2
    if not figures:
        parser.error("Назовите хотя бы один файл: --five-star или --tafeng.")
    shown, table = "", []
    for figure in chain(*figures):
        table.append(figure.record())
        if figure.source != shown:
            shown = figure.source
            print(shown)
        print(f"  {figure}", flush=True)
    causes: list[dict[str, Any]] = []
    if stars is not None and options.causes:
        print(f"SLIM: что меняет число, разбиений {options.causes}")
        causes = list(slim_causes(stars, options.causes))
    if options.write:
        content = {"versions": versions(), "figures": table, "slim_causes": causes}
        text = json.dumps(content, ensure_ascii=False, indent=1)
        PATH.write_text(text + "\n", encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
