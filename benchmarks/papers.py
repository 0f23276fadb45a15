"""Опубликованные числа рядом с нашими: что удаётся повторить на данных, которые может взять каждый.

Запуск: python -m benchmarks.papers [--five-star ФАЙЛ] [--tafeng ФАЙЛ] [--splits 20]. Первый файл
описан в benchmarks.five_star, второй — в benchmarks.tifu_knn.

Числа в статьях напечатаны без ошибки, а одно случайное разбиение сдвигает метрику. Поэтому рядом с
нашим средним стоит разброс, и число статьи считается одним таким разбиением: расстояние измерено в
разбросах разности одного разбиения и нашего среднего, «в пределах разброса» — не больше двух. На
Ta-Feng вместо разбиений — части пользователей, их пять на перестановку. Код завершения от
согласия не зависит: 2 — файл не прочитан.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from benchmarks import five_star, tifu_knn

TOIS, SIGIR = "Ferrari Dacrema и др., TOIS 2021, табл. 33", "Hu и др., SIGIR 2020"
FAR = 2.0
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
    options = parser.parse_args(arguments)
    if options.splits < 2:
        parser.error("--splits: для разброса нужно хотя бы два разбиения.")
    figures: list[Iterator[Figure]] = []
    try:
        if options.five_star:
            figures.append(tois(five_star.read(options.five_star), options.splits))
        if options.tafeng:
            figures.append(tafeng(tifu_knn.read(options.tafeng), options.splits))
    except (OSError, ValueError) as error:
        print(f"Файл не прочитан: {error}", file=sys.stderr)
        return 2
    if not figures:
        parser.error("Назовите хотя бы один файл: --five-star или --tafeng.")
    shown = ""
    for figure in chain(*figures):
        if figure.source != shown:
            shown = figure.source
            print(shown)
        print(f"  {figure}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
