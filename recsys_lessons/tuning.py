"""Подбор гиперпараметров с равным числом попыток и проверка, что сравнение честное.

Сравнение двух моделей — утверждение, и стоит оно столько, сколько одинаковы их возможности. Поэтому
каждая модель, простая тоже, получает одно и то же число попыток (бюджет) на валидационной части, а
:func:`tune` вместе с лучшей точкой сообщает, что в этом подборе может быть не так:

- **край**: лучшее значение лежит в крайней десятой части диапазона, и лучше могло быть за ним;
- **обрыв**: обучение кончилось пределом эпох, а не терпением, или с удвоенным терпением лучшая
  точка прибавила больше одной своей стандартной ошибки.

:func:`check_fair` не пропускает сравнение с неравным бюджетом или с оговоркой без ответа.
"""

import inspect
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, ParameterSampler
from tqdm.auto import tqdm

from recsys_lessons import building
from recsys_lessons.checks import CheckError, check_true
from recsys_lessons.evaluation import Difference, Evaluation, evaluate
from recsys_lessons.inputs import check_count, check_seed, shown
from recsys_lessons.results import KEPT

LEAST = 12  # меньше попыток — не подбор, а проба: сравнивать по нему нельзя
EDGE = 0.1
CUT, EDGE_OF = "обрыв", "край"

# Пространства соперников, с которыми сравнивают в нескольких уроках.
EASE_SPACE: dict[str, Any] = {"l2": loguniform(10, 3000)}
ITEM_KNN_SPACE: dict[str, Any] = {
    "k": [20, 50, 100, 200, 400, 800],
    "shrinkage": [0, 10, 30, 100, 300, 1000],
    "weighting": ["cosine", "tfidf", "bm25"],
    "truncation": ["source", "target"],
}
ITEM_KNN_NATURAL: dict[str, list[Any]] = {"shrinkage": [0]}

Fit = Callable[[Any, Any, Callable[[Any], float] | None], Any]
Judge = Callable[[Any, Any], Evaluation]


@dataclass(frozen=True)
class Search:
    """Итог подбора: все точки, лучшая и оговорки.

    :param model: название модели
    :param metric: метрика валидационной части, по которой выбрана точка
    :param budget: сколько попыток разрешено
    :param size: сколько точек в пространстве; ``None`` — бесконечно много
    :param ranges: имя → ``{"low", "high", "log"}`` или ``{"values"}``
    :param natural: имя → значения, дальше которых идти некуда: ``{"n_layers": [0]}``
    :param points: ``{"params", "mean", "se"}`` по порядку попыток; у обучаемых эпохами ещё
        ``epoch`` — лучшая эпоха, ``cut`` — кончилось ли обучение пределом эпох
    :param longer: лучшая точка с удвоенным терпением: ``{"mean", "epoch"}``; ``None`` — терпения
        у модели нет
    """

    model: str
    metric: str
    budget: int
    size: int | None
    ranges: dict[str, dict[str, Any]]
    natural: dict[str, list[Any]]
    points: list[dict[str, Any]]
    longer: dict[str, Any] | None = None

    @property
    def best(self) -> dict[str, Any]:
        """Точка с наибольшей метрикой; при равенстве — более ранняя."""
        return max(self.points, key=lambda point: point["mean"])

    @property
    def params(self) -> dict[str, Any]:
        """Гиперпараметры лучшей точки; у обучаемых эпохами — и число эпох ``epochs``."""
        epochs = {"epochs": self.best["epoch"]} if "epoch" in self.best else {}
        return {**self.best["params"], **epochs}

    @property
    def exhausted(self) -> bool:
        """Перебраны все точки пространства."""
        return self.size is not None and len(self.points) == self.size

    @property
    def n_near(self) -> int:
        """Сколько точек не хуже лучшей больше чем на одну её стандартную ошибку."""
        level = self.best["mean"] - self.best["se"]
        return sum(point["mean"] >= level for point in self.points)

    @property
    def flags(self) -> dict[str, str]:
        """Оговорки: название → что не так."""
        found = {}
        for name, given in self.ranges.items():
            value = self.best["params"][name]
            end = _edge(value, given)
            if end is not None and end not in self.natural.get(name, []):
                found[f"{EDGE_OF} {name}"] = f"лучшее {name} = {value:g} у края {end:g}"
        if self.best.get("cut"):
            found[CUT] = f"обучение кончилось пределом эпох, лучшая — {self.best['epoch']}"
        elif self.longer and self.longer["mean"] - self.best["mean"] > self.best["se"]:
            gain = self.longer["mean"] - self.best["mean"]
            found[CUT] = f"с удвоенным терпением метрика выросла на {gain:.4f}, больше ошибки"
        return found

    def record(self) -> dict[str, Any]:
        """Словарь для :func:`recsys_lessons.results.stored_result`; обратно — ``Search(**…)``."""
        return asdict(self)

    def table(self) -> pd.DataFrame:
        """Все попытки, лучшие сверху: гиперпараметры, метрика, её ошибка, эпоха."""
        rows = [
            {**point["params"], **{k: v for k, v in point.items() if k != "params"}}
            for point in self.points
        ]
        return pd.DataFrame(rows).sort_values("mean", ascending=False, kind="stable")

    def __str__(self) -> str:
        all_points = f", это всё пространство (бюджет {self.budget})" if self.exhausted else ""
        params = ", ".join(f"{name} = {_short(value)}" for name, value in self.params.items())
        return (
            f"{self.model}: попыток {len(self.points)}{all_points}; {self.metric} на валидации "
            f"{self.best['mean']:.4f} ± {self.best['se']:.4f}, в пределах одной ошибки точек: "
            f"{self.n_near}\n   {params or 'подбирать нечего'}"
        )


def fit_on_split(model: Any, split: Any, validation: Callable[[Any], float] | None) -> None:
    """Обучить на ``split.train``; с ранней остановкой, если модель её умеет."""
    if validation is None:
        model.fit(split.train)
    else:
        model.fit(split.train, validation)


def judge_on_split(model: Any, split: Any) -> Evaluation:
    """Оценить на ``split.test`` без просмотренного."""
    return evaluate(model.score, split.test, split.seen, ("NDCG@10", "Recall@20", "HR@10"))


def tune(
    name: str,
    make_model: Callable[..., Any],
    space: Mapping[str, Any],
    data: Any,
    metric: str,
    budget: int,
    seed: int = 0,
    *,
    natural: Mapping[str, list[Any]] = {},
    fit: Fit = fit_on_split,
    judge: Judge = judge_on_split,
    n_jobs: int = 2,
) -> Search:
    """Попробовать ``budget`` точек пространства и вернуть все, с лучшей и с оговорками.

    Точки берёт scikit-learn: конечное пространство не больше бюджета перебирается целиком
    (``ParameterGrid``), из прочих выбирают случайно (``ParameterSampler``). Две точки считаются
    сразу, каждая в своём процессе на одном потоке. Внутри ``stored_result`` каждая посчитанная
    точка сразу остаётся на диске: прерванный подбор продолжится с неё.

    :param name: название модели
    :param make_model: функция гиперпараметров: новая, ещё не обученная модель
    :param space: имя → список значений или распределение ``scipy.stats``; ``{}`` — подбирать нечего
    :param data: валидационное разбиение; что с ним делать, знают ``fit`` и ``judge``
    :param metric: метрика, которую считает ``judge``: чем больше, тем лучше
    :param budget: сколько попыток
    :param seed: зерно выбора точек
    :param natural: имя → значения, дальше которых идти некуда: у такого края оговорки нет
    :param fit: как обучить модель: ``fit(model, data, validation)``; у модели без эпох
        ``validation`` — ``None``
    :param judge: как оценить обученную: ``judge(model, data)`` → :class:`Evaluation`
    :param n_jobs: сколько процессов
    :raises ValueError: пространство, бюджет или зерно не годятся
    """
    budget, seed = check_count("budget", budget), check_seed(seed)
    points, size = _sample(space, budget, seed)
    kept = _Kept(name)
    todo = [point for point in points if point not in kept]
    work = (delayed(_attempt)(make_model, p, data, metric, fit, judge) for p in todo)
    jobs = Parallel(n_jobs=check_count("n_jobs", n_jobs), return_as="generator_unordered")
    for params, found in tqdm(jobs(work), f"подбор {name}", total=len(todo), disable=building()):
        kept.add(params, found)
    search = Search(
        name, metric, budget, size,
        {key: _range(values) for key, values in space.items() if len(points) > 1},
        {key: list(ends) for key, ends in natural.items()},
        [{"params": point, **kept[point]} for point in points],
    )  # fmt: skip
    if "epoch" not in search.best:
        return search
    best = search.best["params"]
    again = {**best, "patience": 2 * int(make_model(**best).patience)}
    if again not in kept:
        kept.add(*_attempt(make_model, again, data, metric, fit, judge))
    longer = {key: kept[again][key] for key in ("mean", "epoch")}
    return Search(**{**search.record(), "longer": longer})


def check_fair(
    first: str,
    second: str,
    searches: Mapping[str, Search],
    difference: Difference | tuple[float, float],
    answers: Mapping[str, str] = {},
) -> None:
    """Сравнение двух моделей честное: бюджеты равны, на каждую оговорку есть ответ.

    Печатает оба подбора, оговорки с ответами и парную разность «первая минус вторая».

    :param first: название первой модели
    :param second: название второй
    :param searches: название модели → её подбор
    :param difference: парная разность на тестовой части или пара «среднее, ошибка»
    :param answers: оговорка → ответ, например ``{"EASE, край l2": "дальше хуже: …"}``
    :raises CheckError: подбора нет, бюджеты разные или малы, оговорка без ответа, лишний ответ
    """
    pair = [_found(searches, name) for name in (first, second)]
    flags = _answered(pair, answers)
    print(f"Бюджет поровну: {first} — {len(pair[0].points)}, {second} — {len(pair[1].points)}")
    for search in pair:
        print(search)
    for flag, text in flags.items():
        print(f"   {flag}: {text}. Ответ: {answers[flag]}")
    print(f"{first} − {second}: {_text(difference)}")


def check_all_fair(searches: Mapping[str, Search], answers: Mapping[str, str] = {}) -> None:
    """Сравнивать можно любую пару: то же, что :func:`check_fair`, сразу для всех моделей.

    Печатает названия моделей и оговорки с ответами. Разности показывает таблица пар.

    :raises CheckError: моделей меньше двух, бюджеты разные или малы, оговорка без ответа, лишний
        ответ
    """
    every = [_found(searches, name) for name in searches]
    if len(every) < 2:
        raise CheckError(f"Сравнивать нечего: подборов {len(every)}.")
    flags = _answered(every, answers)
    print(f"Бюджет поровну у всех, попыток {every[0].budget}: {', '.join(searches)}")
    for flag, text in flags.items():
        print(f"   {flag}: {text}. Ответ: {answers[flag]}")


def _answered(compared: list[Search], answers: Mapping[str, str]) -> dict[str, str]:
    """Оговорки всех подборов; ошибка, если бюджеты или метрики разные, или нет ответа."""
    first = compared[0]
    for search in compared:
        pair = f"{first.model} и {search.model}"
        if search.budget != first.budget:
            raise CheckError(
                f"{pair}: бюджеты разные, {first.budget} и {search.budget} попыток. "
                "Подберите обе модели с одним бюджетом."
            )
        if search.metric != first.metric:
            raise CheckError(
                f"{pair} подобраны по разным метрикам: {first.metric} и {search.metric}."
            )
    title = " и ".join(search.model for search in compared)[:200]
    if first.budget < LEAST:
        raise CheckError(f"{title}: {first.budget} попыток мало, нужно хотя бы {LEAST}.")
    flags = {f"{s.model}, {flag}": text for s in compared for flag, text in s.flags.items()}
    unanswered = [f"«{flag}»: {text}" for flag, text in flags.items() if not answers.get(flag)]
    if unanswered:
        raise CheckError(
            f"{title}: оговорки без ответа — {'; '.join(unanswered)}. Расширьте "
            "диапазон, поднимите предел эпох или объясните в answers, почему это не мешает."
        )
    extra = [flag for flag in answers if flag not in flags]
    if extra:
        raise CheckError(f"{title}: ответ на оговорку, которой нет: {shown(extra)}.")
    return flags


def past_edge(search: Search, flag: str, limits: Mapping[str, float] = {}) -> dict[str, Any]:
    """Лучшая точка, вынесенная за край, который назван в оговорке: чтобы узнать, что там.

    Значение удваивают или делят пополам, а если этого мало, выносят за край на десятую его часть. К
    пределу, дальше которого значений нет, идут на половину пути.

    :param search: подбор с оговоркой
    :param flag: оговорка «край имя»
    :param limits: имя → наибольшее возможное значение, например ``{"dropout": 1}``
    :raises ValueError: такой оговорки у подбора нет
    """
    name = flag.removeprefix(f"{EDGE_OF} ")
    if flag not in search.flags or name not in search.ranges:
        raise ValueError(f"У подбора {search.model} нет оговорки «край» с записью {shown(flag)}.")
    best, given = search.best["params"], search.ranges[name]
    value, ends = best[name], given.get("values") or [given["low"], given["high"]]
    low, high = min(ends), max(ends)
    upper = value**2 > low * high if given.get("log") else 2 * value > low + high
    if not upper:
        moved = min(value / 2, 0.9 * low)
    elif name in limits:
        halfway = (limits[name] + value) / 2
        moved = halfway if halfway > high else (limits[name] + high) / 2
    else:
        moved = max(2 * value, 1.1 * high)
    return {**best, name: type(value)(moved)}


def edge_answers(searches: Mapping[str, Search], beyond: Mapping[str, float]) -> dict[str, str]:
    """Ответы на оговорки «край» для :func:`check_fair`: что вышло за краем.

    :param searches: название модели → её подбор
    :param beyond: «модель, край имя» → метрика в точке :func:`past_edge`
    :raises CheckError: подбора нет, или за краем лучше больше чем на ошибку
    """
    answers = {}
    for title, mean in beyond.items():
        best = _found(searches, title.partition(",")[0]).best
        gain = mean - best["mean"]
        check_true(f"{title}: прибавка за краем меньше ошибки", gain < best["se"])
        answers[title] = f"за краем {mean:.4f}, прибавка {gain:+.4f}"
    return answers


# ------------------------------------------------------------------------------- одна попытка


def _attempt(
    make_model: Callable[..., Any],
    params: dict[str, Any],
    data: Any,
    metric: str,
    fit: Fit,
    judge: Judge,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Обучить одну точку и оценить: ``params`` и найденное."""
    os.environ["RECSYS_LESSONS_BUILD"] = "1"  # в чужом процессе полоса эпох никому не видна
    patience = params.get("patience")
    model = make_model(**{key: value for key, value in params.items() if key != "patience"})
    if patience is not None:
        model = clone(model).set_params(patience=patience)
    by_epochs = (
        hasattr(model, "patience") and "validation" in inspect.signature(model.fit).parameters
    )
    fit(model, data, (lambda m: judge(m, data)[metric]) if by_epochs else None)
    stats = judge(model, data).stats(metric)
    found = {key: round(float(stats[key]), 6) for key in ("mean", "se")}
    if by_epochs:
        found["epoch"] = int(model.best_epoch_)
        left = len(model.losses_) - model.best_epoch_
        found["cut"] = bool(len(model.losses_) == model.epochs and left < model.patience)
    return params, found


class _Kept:
    """Посчитанные точки: в памяти и, внутри ``stored_result``, в файле."""

    def __init__(self, name: str) -> None:
        self.name, self.path, self.found = name, KEPT.get(), {}
        if self.path is not None and self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    search, key, found = json.loads(line)
                except ValueError:  # последняя строка оборвана
                    continue
                if search == name:
                    self.found[key] = found

    def add(self, params: dict[str, Any], found: dict[str, Any]) -> None:
        key = json.dumps(params, sort_keys=True)
        self.found[key] = found
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([self.name, key, found], ensure_ascii=False) + "\n")

    def __contains__(self, params: dict[str, Any]) -> bool:
        return json.dumps(params, sort_keys=True) in self.found

    def __getitem__(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.found[json.dumps(params, sort_keys=True)]


# ------------------------------------------------------------------------------- пространство


def _sample(
    space: Mapping[str, Any], budget: int, seed: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Точки и размер пространства; ``None`` — оно бесконечно."""
    if not isinstance(space, Mapping) or not all(isinstance(name, str) for name in space):
        raise ValueError(f"Пространство — словарь «имя → значения», а получено {shown(space)}.")
    for name, values in space.items():
        if not hasattr(values, "rvs") and (not isinstance(values, list | tuple) or not values):
            raise ValueError(
                f"{name} — непустой список значений или распределение scipy.stats, "
                f"а получено {shown(values)}."
            )
    finite = not any(hasattr(values, "rvs") for values in space.values())
    size = int(np.prod([len(values) for values in space.values()])) if finite else None
    if size is not None and size <= budget:
        points = ParameterGrid({name: list(values) for name, values in space.items()})
    else:
        points = ParameterSampler(dict(space), budget, random_state=seed)
    sampled = {name for name, values in space.items() if hasattr(values, "rvs")}
    return [
        {name: _plain(value, name in sampled) for name, value in point.items()} for point in points
    ], size


def _plain(value: Any, sampled: bool) -> Any:
    """Число Python; случайное дробное — до трёх значащих цифр: столько же печатает урок."""
    if isinstance(value, np.generic):
        value = value.item()
    return float(f"{value:.3g}") if sampled and isinstance(value, float) else value


def _range(values: Any) -> dict[str, Any]:
    if not hasattr(values, "rvs"):
        return {"values": list(values)}
    low, high = map(float, values.support())
    return {"low": low, "high": high, "log": values.dist.name in ("loguniform", "reciprocal")}


def _edge(value: Any, given: Mapping[str, Any]) -> Any:
    """Край, в крайней десятой доле диапазона до которого лежит значение; ``None`` — не у края."""
    if "values" in given:
        values = given["values"]
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        if not numeric or len(set(values)) < 2:
            return None  # у названий нет края
        return value if value in (min(values), max(values)) else None
    low, high, place = given["low"], given["high"], value
    if given["log"]:
        low, high, place = np.log([low, high, place])
    share = (place - low) / (high - low)
    return given["low"] if share < EDGE else given["high"] if share > 1 - EDGE else None


# ------------------------------------------------------------------------------- показ


def _found(searches: Mapping[str, Search], name: str) -> Search:
    if not isinstance(searches, Mapping) or not isinstance(searches.get(name), Search):
        raise CheckError(f"Подбора модели {shown(name)} нет: сравнивать её не с чем.")
    return searches[name]


def _text(difference: Difference | tuple[float, float]) -> str:
    if isinstance(difference, Difference):
        return str(difference)
    mean, se = difference
    return f"{mean:+.4f} ± {se:.4f}"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
