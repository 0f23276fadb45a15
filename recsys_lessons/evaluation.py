"""Оценка моделей: баллы → списки → метрики с неопределённостью.

Модель передаётся функцией баллов: ``score(users)`` возвращает плотную таблицу
``(len(users), n_items)``. Ранжируется весь каталог. Пользователи обрабатываются блоками, поэтому
память ограничена блоком, а не произведением числа пользователей на размер каталога.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons import metrics as m
from recsys_lessons.inputs import (
    check_choice,
    check_count,
    check_interactions,
    check_users,
    shown,
)

Score = Callable[[np.ndarray], np.ndarray]

BLOCK_CELLS = 4_000_000
Z95 = 1.96

_METRICS: dict[str, Callable[[np.ndarray, sp.csr_array, int], np.ndarray]] = {
    "HR": m.hit_rate,
    "Precision": m.precision,
    "Recall": m.recall,
    "Recall_min": m.recall_min,
    "MAP": m.average_precision,
    "MRR": m.reciprocal_rank,
    "NDCG": m.ndcg,
}


@dataclass(frozen=True)
class Evaluation:
    """Результат оценки: значения метрик каждого пользователя с тестовой частью.

    :param values: таблица «пользователи × метрики», индекс — номера пользователей
    :param recommended: списки этих пользователей, форма ``(n_users, k)``, ``-1`` — пусто
    :param n_skipped: сколько строк тестовой части пусто; это и те, у кого нет обучающей части
    :param seed_means: средние метрик при каждом зерне, если это среднее по зёрнам
    """

    values: pd.DataFrame
    recommended: np.ndarray
    n_skipped: int
    seed_means: pd.DataFrame | None = field(default=None)

    @property
    def seed_sd(self) -> pd.Series | None:
        """Разброс среднего по зёрнам генератора; ``None`` — зерно было одно."""
        return None if self.seed_means is None else self.seed_means.std(ddof=1)

    @property
    def users(self) -> np.ndarray:
        """Номера пользователей, по которым взято среднее."""
        return self.values.index.to_numpy()

    def summary(self) -> pd.DataFrame:
        """Строка на метрику: среднее ``mean``, его ошибка ``se``, границы 95 % ``low, high``."""
        return pd.DataFrame({name: _interval(self.values[name]) for name in self.values}).T

    def stats(self, metric: str) -> dict[str, float]:
        """Строка :meth:`summary` одной метрики: ``mean, se, low, high``.

        :raises ValueError: такой метрики здесь нет
        """
        return _interval(_column(self, metric))

    def __getitem__(self, metric: str) -> float:
        """Среднее метрики по пользователям: ``evaluation["NDCG@10"]``."""
        return self.stats(metric)["mean"]

    def __str__(self) -> str:
        rows = [
            f"{name:<12} {row['mean']:.4f} ± {row['se']:.4f}"
            for name, row in self.summary().iterrows()
        ]
        return "\n".join([*rows, f"пользователей: {len(self.values)}, пропущено: {self.n_skipped}"])


@dataclass(frozen=True)
class Difference:
    """Парная разность двух моделей на одних и тех же пользователях."""

    metric: str
    mean: float
    se: float
    low: float
    high: float
    n_users: int

    def __str__(self) -> str:
        return (
            f"разность {self.metric}: {self.mean:+.4f} ± {self.se:.4f}, "
            f"95 %: [{self.low:+.4f}, {self.high:+.4f}], пользователей: {self.n_users}"
        )


def recommend(
    score: Score, users: Sequence[int] | np.ndarray, seen: sp.csr_array | None = None, k: int = 10
) -> np.ndarray:
    """Списки из ``k`` объектов для пользователей ``users``, весь каталог.

    :param score: функция баллов модели
    :param seen: что убрать из списков, CSR ``(все пользователи, n_items)``; ``None`` — ничего
    :return: номера объектов, форма ``(len(users), k)``, ``-1`` — пустое место
    :raises ValueError: неизвестный пользователь, не та форма баллов, ``nan``, ``k < 1``
    :raises MemoryError: списки такой глубины не помещаются в память
    """
    k = check_count("k", k)
    seen = None if seen is None else check_interactions(seen)
    return _lists(score, check_users(users, None if seen is None else seen.shape[0]), seen, k)


def _lists(score: Score, users: np.ndarray, seen: sp.csr_array | None, k: int) -> np.ndarray:
    """То же без проверок."""
    if not callable(score):
        raise ValueError(f"score — функция баллов: model.score, а получено {shown(score)}.")
    m.check_depth(len(users), k)
    if not users.size:
        return np.empty((0, k), dtype=np.int64)
    n_items = seen.shape[1] if seen is not None else _scores(score, users[:1], None).shape[1]
    size = max(1, BLOCK_CELLS // n_items)
    lists = []
    for start in range(0, len(users), size):
        block = users[start : start + size]
        hidden = sp.csr_array((len(block), n_items)) if seen is None else seen[block]
        lists.append(m.ranked(_scores(score, block, n_items), k, hidden))
    return np.concatenate(lists)


def evaluate(
    score: Score,
    test: sp.csr_array,
    seen: sp.csr_array | None = None,
    metrics: Sequence[str] = ("NDCG@10", "Recall@20"),
) -> Evaluation:
    """Метрики модели на тестовой части: ранжирование всего каталога без просмотренного.

    :param score: функция баллов, ``(users,) → (len(users), n_items)``
    :param test: тестовая часть, CSR ``(n_users, n_items)``
    :param seen: просмотренное до среза, той же формы
    :param metrics: имена вида ``"NDCG@10"``: HR, Precision, Recall, Recall_min, MAP, MRR, NDCG
    :raises ValueError: неизвестная метрика, формы не совпадают, тестовая часть пуста
    """
    if not isinstance(metrics, list | tuple) or not metrics:
        raise ValueError(f'Метрики — непустой список: metrics=("NDCG@10",), а не {shown(metrics)}.')
    names = [_parse(name) for name in metrics]
    test = check_interactions(test)
    seen = sp.csr_array(test.shape) if seen is None else check_interactions(seen)
    if seen.shape != test.shape:
        raise ValueError(
            f"Формы не совпадают: тестовая часть {test.shape}, просмотренное {seen.shape}."
        )
    users = np.flatnonzero(np.diff(test.indptr) > 0)
    if not users.size:
        raise ValueError("В тестовой части нет ни одного взаимодействия.")
    if seen.multiply(test).nnz:
        raise ValueError(
            "Часть тестовых объектов помечена просмотренной: модель не сможет их рекомендовать. "
            "В seen входит только то, что было до среза."
        )
    lists = _lists(score, users, seen, max(k for _, k in names))
    wanted = sp.csr_array(test[users])
    values = {f"{name}@{k}": _METRICS[name](lists, wanted, k) for name, k in names}
    return Evaluation(
        pd.DataFrame(values, index=users), lists, n_skipped=test.shape[0] - len(users)
    )


def compare(a: Evaluation, b: Evaluation, metric: str) -> Difference:
    """Парное сравнение: среднее ``a − b`` по пользователям и его ошибка.

    :raises ValueError: модели оценены на разных пользователях или без этой метрики
    """
    values = _column(a, metric), _column(b, metric)
    if not np.array_equal(a.users, b.users):
        raise ValueError(
            "Модели оценены на разных пользователях: парная разность не определена. "
            "Оцените обе на одной тестовой части."
        )
    stats = _interval(values[0] - values[1])
    return Difference(metric, **stats, n_users=len(a.values))


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """Поправка Холма на число сравнений: исправленные p в том же порядке.

    Наименьшее p умножают на число сравнений, следующее — на единицу меньше, и так далее; порядок
    при этом не меняется. Если отвергать равенства с исправленным p меньше 0,05, то вероятность хотя
    бы одной ошибки — не больше 0,05 (Holm, Scandinavian Journal of Statistics, 1979).

    :param p: вероятности, форма ``(n,)``
    :raises ValueError: это не вероятности
    """
    given = np.asarray(p, dtype=float)
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"p — вероятности от 0 до 1, одномерный массив, а получено {shown(p)}.")
    order = np.argsort(given, kind="stable")
    corrected = np.empty(len(given))
    factors = np.arange(len(given), 0, -1)
    corrected[order] = np.maximum.accumulate(given[order] * factors)
    return np.minimum(corrected, 1)


def average_seeds(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Среднее по зёрнам: сначала у каждого пользователя, средние зёрен — в ``seed_means``.

    Списки берутся от первого зерна.

    :raises ValueError: зёрен меньше двух, пользователи или метрики не совпадают
    """
    if not isinstance(evaluations, list | tuple) or len(evaluations) < 2:
        raise ValueError("Нужно не меньше двух запусков с разными зёрнами, списком.")
    for evaluation in evaluations:
        _check_evaluation(evaluation)
    first = evaluations[0]
    for other in evaluations[1:]:
        if not other.values.index.equals(first.values.index) or list(other.values) != list(
            first.values
        ):
            raise ValueError("У запусков разные пользователи или метрики: усреднять нельзя.")
    stacked = np.stack([e.values.to_numpy() for e in evaluations])
    values = pd.DataFrame(stacked.mean(axis=0), first.values.index, first.values.columns)
    means = pd.DataFrame([e.values.mean() for e in evaluations])
    return Evaluation(values, first.recommended, first.n_skipped, means)


def over_seeds(
    contest: Callable[[int], Mapping[str, Evaluation]], n_seeds: int
) -> dict[str, Evaluation]:
    """Состязание моделей на зёрнах 0 … n_seeds − 1; у каждой модели — среднее по зёрнам.

    Усредняется сначала у каждого пользователя, см. :func:`average_seeds`.

    :param contest: функция зерна: название модели → её оценка; названия при всех зёрнах одни
    :return: название модели → среднее; средние зёрен — в ``seed_means``
    :raises ValueError: зёрен меньше двух, названия, пользователи или метрики не совпадают
    """
    if not callable(contest):
        raise TypeError(f"contest — функция зерна, а получено {shown(contest)}.")
    runs = [contest(seed) for seed in range(check_count("n_seeds", n_seeds, 2))]
    for seed, run in enumerate(runs):
        if not isinstance(run, Mapping) or not run:
            raise ValueError(f"contest({seed}) — словарь «модель → Evaluation», а не {shown(run)}.")
        if list(run) != list(runs[0]):
            raise ValueError(
                f"При зерне {seed} модели {shown(list(run))}, а при зерне 0 {shown(list(runs[0]))}."
            )
    return {name: average_seeds([run[name] for run in runs]) for name in runs[0]}


def seeds_table(
    pooled: Mapping[str, Evaluation],
    metric: str = "NDCG@10",
    versus: str | None = None,
    digits: int = 4,
) -> dict[str, dict[str, float]]:
    """Строка на модель: среднее ``mean``, его ошибка ``se``, разброс по зёрнам ``sd``.

    :param pooled: что вернула :func:`over_seeds`
    :param versus: модель, которую сравнивают парно со всеми: добавляет разность «``versus`` минус
        строка» ``diff`` и её ошибку ``diff_se``
    :param digits: сколько цифр после запятой оставить
    :raises ValueError: нет модели ``versus`` или метрики; оценка не усреднена по зёрнам
    """
    _check_named(pooled)
    digits = check_count("digits", digits, 0, 15)
    if versus is not None:
        check_choice("versus", versus, pooled)
    table = {}
    for name, evaluation in pooled.items():
        if evaluation.seed_sd is None:
            raise ValueError(f"Оценка {shown(name)} — при одном зерне: сначала over_seeds.")
        stats = evaluation.stats(metric)
        row = {"mean": stats["mean"], "se": stats["se"], "sd": evaluation.seed_sd[metric]}
        if versus is not None:
            gain = compare(pooled[versus], evaluation, metric)
            row |= {"diff": gain.mean, "diff_se": gain.se}
        table[name] = {column: round(float(value), digits) for column, value in row.items()}
    return table


def summary_table(evaluations: Mapping[str, Evaluation], digits: int = 3) -> pd.DataFrame:
    """Таблица «модели × метрики» строк вида «0.205 ± 0.007» (среднее ± стандартная ошибка)."""
    _check_named(evaluations)
    digits = check_count("digits", digits, 0, 15)
    rows = {}
    for model, evaluation in evaluations.items():
        summary = evaluation.summary()
        rows[model] = {
            name: f"{row['mean']:.{digits}f} ± {row['se']:.{digits}f}"
            for name, row in summary.iterrows()
        }
    return pd.DataFrame(rows).T.fillna("—")


def _scores(score: Score, users: np.ndarray, n_items: int | None) -> np.ndarray:
    """Баллы блока, как их дала модель; ``n_items=None`` — сколько объектов, скажет она."""
    scores = m.as_scores(score(users))
    if n_items is None:
        n_items = scores.shape[-1] if scores.ndim else 0
    if scores.shape != (len(users), n_items) or not n_items:
        raise ValueError(
            f"Функция баллов вернула форму {shown(scores.shape)}, "
            f"а нужна ({len(users)}, {n_items or 'n_items'})."
        )
    return scores


def _parse(name: str) -> tuple[str, int]:
    """``"NDCG@10"`` → ``("NDCG", 10)``."""
    metric, _, depth = name.partition("@") if isinstance(name, str) else ("", "", "")
    if metric not in _METRICS or not depth.isdecimal() or len(depth) > 10 or not int(depth):
        raise ValueError(
            f"Неизвестная метрика {shown(name)}. Пример: NDCG@10; есть {', '.join(_METRICS)}."
        )
    return metric, check_count("глубина метрики", int(depth))


def _column(evaluation: Evaluation, metric: str) -> pd.Series:
    _check_evaluation(evaluation)
    if not isinstance(metric, str) or metric not in evaluation.values:
        raise ValueError(
            f"Метрики {shown(metric)} здесь нет: посчитаны {', '.join(evaluation.values)}."
        )
    return evaluation.values[metric]


def _check_evaluation(value: Evaluation) -> None:
    if not isinstance(value, Evaluation):
        raise TypeError(f"Нужна оценка модели (Evaluation), а получено {shown(value)}.")


def _check_named(evaluations: Mapping[str, Evaluation]) -> None:
    if not isinstance(evaluations, Mapping):
        raise TypeError(f"Нужен словарь «модель → Evaluation», а получено {shown(evaluations)}.")
    for evaluation in evaluations.values():
        _check_evaluation(evaluation)


def _interval(values: pd.Series) -> dict[str, float]:
    mean = float(values.mean())
    se = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
    return {"mean": mean, "se": se, "low": mean - Z95 * se, "high": mean + Z95 * se}
