"""Сравнение моделей в пределах времени: популярное первым, попыток поровну, тест один раз.

Порядок всегда один. Популярное сразу оценивают на тестовой части: с ним сравнят всех. Потом каждая
модель получает равную долю времени и делает первую попытку. По её длительности известно, сколько
попыток успеет каждая; число попыток берётся общее, модель, которой оно не по силам, выбывает, и её
доля переходит остальным. Попытки идут кругами — по одной у каждой
модели, — поэтому, когда бы время ни кончилось, попыток у всех поровну. Лучшие точки учат на
обучающей и валидационной части вместе и один раз проверяют на тестовой.

Каждая попытка и каждая проверенная модель сразу остаются в папке: прерванное продолжится с них.
"""

import importlib
import math
import os
import re
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import scipy.sparse as sp
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from scipy.stats import norm
from tqdm.auto import tqdm

from recsys_lessons import __version__, building, metrics, tuning
from recsys_lessons.evaluation import Evaluation, compare, holm
from recsys_lessons.inputs import check_choice, check_count, shown
from recsys_lessons.own_data.candidates import CANDIDATES, POPULAR
from recsys_lessons.own_data.protocol import TITLES, Part, Plan, memory_needs
from recsys_lessons.results import KEPT
from recsys_lessons.tuning import LEAST, Search

SAMPLE = 20_000  # подбирают и судят не больше чем на стольких пользователях
FEWEST, MOST = 4, 30  # попыток при заданном времени
LEVEL = 0.05
SAFETY = 0.9  # доля времени, которую раздают: секунды попыток — не секунды на часах
PATIENCE = 5.0  # во сколько раз попытка может быть длиннее первой попытки той же модели
OVERTIME = 0.3  # доля времени, на которую можно задержаться, чтобы закончить последнюю проверку
K = 10
ATTEMPT = ("mean", "se", "epoch", "cut")

UNITS = {"s": 1, "с": 1, "m": 60, "м": 60, "h": 3600, "ч": 3600}


@dataclass(frozen=True)
class Outcome:
    """Итог сравнения.

    :param tries: сколько попыток сделала каждая модель
    :param searches: модель → её подбор; у популярного подбора нет
    :param evaluations: модель → оценка на тестовой части
    :param cost: модель → секунды обучения и оценки
    :param left_out: модель → почему её нет в таблице
    :param notes: что ещё нужно знать: выборка, край диапазона
    :param recommended: какую модель взять
    :param reason: почему
    """

    plan: Plan
    tries: int
    searches: dict[str, Search]
    evaluations: dict[str, Evaluation]
    cost: dict[str, tuple[float, float]]
    left_out: dict[str, str]
    notes: tuple[str, ...]
    recommended: str
    reason: str

    @property
    def metric(self) -> str:
        """Главная метрика."""
        return self.plan.test.metrics[0]

    def params(self, name: str) -> dict[str, Any]:
        """Лучшая точка модели: то, из чего её создают; у популярного пусто."""
        check_choice("модель", name, self.evaluations)
        return self.searches[name].params if name in self.searches else {}

    def table(self) -> pd.DataFrame:
        """Строка на модель, лучшие сверху: метрики с ошибками, охват, популярность, секунды.

        При сборке урока столбцов с секундами нет: на каждой машине они свои.
        """
        train = self.plan.test.train
        counts = np.bincount(train.indices, minlength=train.shape[1])
        rows = {}
        for name, found in self.evaluations.items():
            row: dict[str, Any] = {}
            for metric in self.plan.test.metrics:
                row[metric] = found[metric]
                row[f"± {metric}"] = found.stats(metric)["se"]
            row["охват@10"] = metrics.coverage(found.recommended, train.shape[1], K)
            row["популярность"] = metrics.mean_popularity(found.recommended, counts, K)
            if not building():
                row["обучение, с"], row["оценка, с"] = self.cost[name]
            rows[name] = row
        table = pd.DataFrame(rows).T
        return table.sort_values(self.metric, ascending=False, kind="stable")

    def differences(self) -> pd.DataFrame:
        """Все пары: разность главной метрики, её ошибка, p после поправки Холма, значима ли."""
        return differences(self.evaluations, self.metric)

    def __str__(self) -> str:
        pairs = self.differences()
        real = pairs[pairs["значимая"]]
        lines = [
            f"Протокол {self.plan.protocol} ({TITLES[self.plan.protocol]}), "
            f"на проверке {len(self.evaluations[POPULAR].values)} пользователей.",
            self.table().round(4).to_string(),
            self.verdict,
            f"Значимых разностей (поправка Холма, уровень {LEVEL:g}) — {len(real)} "
            f"из {len(pairs)}" + (":" if len(real) else "."),
            *(
                f"  {row['первая']} − {row['вторая']}: {row['разность']:+.4f} ± {row['ошибка']:.4f}"
                for _, row in real.iterrows()
            ),
            *(f"Не вошла {name}: {why}" for name, why in self.left_out.items()),
            *self.notes,
            f"Совет: {self.recommended}. {self.reason}",
        ]
        return "\n".join(lines)

    @property
    def verdict(self) -> str:
        """Есть ли здесь что-нибудь лучше популярного."""
        pairs = self.differences()
        better = list(pairs["первая"][pairs["значимая"] & (pairs["вторая"] == POPULAR)])
        if better:
            return f"Лучше популярного: {', '.join(better)}."
        if len(self.evaluations) == 1:
            return "С популярным сравнить нечего: ни одна модель не вошла."
        return "Лучше популярного здесь ничего нет: ни одна разность с ним не значима."


def run(
    plan: Plan,
    out: str | Path,
    budget: float | str | None = "10m",
    *,
    tries: int | None = None,
    names: Sequence[str] | None = None,
    memory: float | None = None,
) -> Outcome:
    """Популярное, потом модели, которые помещаются в память и во время.

    :param out: папка для попыток и проверенных моделей; прерванный запуск продолжится с них
    :param budget: сколько времени на всё сравнение, с оценкой: секунды или ``"1m"``, ``"10m"``,
        ``"1h"``
    :param tries: вместо времени — сколько попыток каждой модели: тогда ответ не зависит от машины
    :param names: какие модели пробовать; ``None`` — все, что подходят протоколу
    :param memory: сколько байт можно занять; ``None`` — сколько свободно
    :raises ValueError: время, число попыток или название модели не годятся
    """
    race = _Race(plan, Path(out), None if tries is not None else seconds(budget), names, memory)
    try:
        race.popular()
        if tries is not None:
            race.rounds(check_count("tries", tries))
        else:
            race.rounds(1)
            race.rounds(race.affordable())
        race.finals()
    finally:
        race.close()
    return race.outcome()


def seconds(budget: float | str | None) -> float:
    """Время словами или числом → секунды: ``"90"``, ``"90s"``, ``"10m"``, ``"1h"``.

    :raises ValueError: не время или меньше секунды
    """
    found = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*([smhсмч]?)\s*", str(budget).lower())
    value = float(found[1].replace(",", ".")) * UNITS[found[2] or "s"] if found else 0.0
    if not 1 <= value <= 1e7:
        raise ValueError(
            f"Время — секунды или запись вида 1m, 10m, 1h, а получено {shown(budget)}."
        )
    return value


def differences(evaluations: Mapping[str, Evaluation], metric: str) -> pd.DataFrame:
    """Парные разности всех моделей: ``первая, вторая, разность, ошибка, p, значимая``.

    ``p`` — двустороннее, после поправки Холма на число пар; первая — та, что выше.
    """
    order = sorted(evaluations, key=lambda name: -evaluations[name][metric])
    rows = []
    for first, second in combinations(order, 2):
        gap = compare(evaluations[first], evaluations[second], metric)
        same = gap.mean == 0 or not gap.se > 0
        p = 1.0 if same else float(2 * norm.sf(abs(gap.mean) / gap.se))
        rows.append((first, second, gap.mean, gap.se, p))
    table = pd.DataFrame(rows, columns=["первая", "вторая", "разность", "ошибка", "p"])
    table["p"] = holm(table["p"].to_numpy())
    return table.assign(значимая=table["p"] < LEVEL)


# ------------------------------------------------------------------------------- ход состязания


class _Race:
    """Одно сравнение: кто ещё участвует, сколько попыток сделано, сколько времени осталось."""

    def __init__(
        self,
        plan: Plan,
        out: Path,
        budget: float | None,
        names: Sequence[str] | None,
        memory: float | None,
    ) -> None:
        self.plan, self.budget, self.start = plan, budget, time.perf_counter()
        self.part = plan.validation
        self.test = plan.test.judged(SAMPLE, plan.seed)
        self.notes: list[str] = []
        if np.count_nonzero(np.diff(self.part.train.indptr)) > SAMPLE:
            self.part = self.part.sample(SAMPLE, plan.seed)
            self.notes.append(
                f"Гиперпараметры подобраны на случайных {SAMPLE} пользователях, окончательно "
                "модель училась на всех."
            )
        if self.test is not plan.test:
            self.notes.append(
                f"Судили по случайным {SAMPLE} пользователям, одним и тем же у всех моделей: с "
                "остальными ошибка была бы меньше, но время — больше."
            )
        self.left_out: dict[str, str] = {}
        needs = memory_needs(plan.test, plan.dtype, memory)
        for name in names or ():
            check_choice("модель", name, [need.model for need in needs])
        self.active = []
        for need in needs:
            if need.model == POPULAR or (names is not None and need.model not in names):
                continue
            if need.fits:
                self.active.append(need.model)
            else:
                size = f"{need.n_bytes:,.0f}".replace(",", " ")
                self.left_out[need.model] = f"нужно {size} байт памяти, столько не свободно."
        if self.part.known is not None:
            self.left_out |= {
                one.name: "новому пользователю она не отвечает: нет score_history."
                for one in CANDIDATES.values()
                if not one.for_new and names is None
            }
        self.tries = 0
        self.pool: Any = None  # процесс, в котором учат модели
        self.warming = 0.0  # сколько секунд его готовят
        self.points: dict[str, list[dict[str, Any]]] = {}
        self.searches: dict[str, Search] = {}
        self.evaluations: dict[str, Evaluation] = {}
        self.cost: dict[str, tuple[float, float]] = {}
        key = joblib.hash(
            [plan.protocol, plan.seed, np.dtype(plan.dtype).name, __version__]
            + [getattr(p, n) for p in (self.part, self.test) for n in ("train", "test", "seen")]
        )
        self.folder = out / "attempts" / key[:12]
        self.folder.mkdir(parents=True, exist_ok=True)
        token = KEPT.set(self.folder / "attempts.jsonl")
        self.kept = {name: tuning._Kept(name) for name in self.active}
        KEPT.reset(token)

    @property
    def left(self) -> float:
        """Сколько секунд осталось; без предела времени — бесконечность."""
        spent = time.perf_counter() - self.start
        return math.inf if self.budget is None else self.budget - spent

    def popular(self) -> None:
        """Популярное на тестовой части: гиперпараметров нет, выбирать нечего."""
        start = time.perf_counter()
        model = self.test.fit(_make(POPULAR, self.test.train, float))
        fitted = time.perf_counter()
        self.evaluations[POPULAR] = self.test.judge(model)
        self.cost[POPULAR] = fitted - start, time.perf_counter() - fitted

    def rounds(self, upto: int) -> None:
        """Круги попыток, пока у каждой модели их не станет ``upto`` или не кончится время."""
        self.points = {name: _points(name, upto, self.plan.seed) for name in self.active}
        total = len(self.active) * (upto - self.tries)
        with tqdm(total=total, desc="попытки", disable=building()) as bar:
            while self.tries < upto and self.active:
                if not self.round(bar):
                    self.notes.append(
                        f"Время вышло раньше: вместо {upto} попыток учтены {self.tries}, у всех "
                        "поровну."
                    )
                    break
                self.tries += 1

    def round(self, bar: Any) -> bool:
        """По попытке у каждой модели; ``False`` — на целый круг времени не хватило."""
        for place, name in enumerate(list(self.active)):
            if self.tries < len(self.points[name]):
                reserve = sum(map(self.final_cost, self.active)) if self.tries else 0.0
                left = self.left - reserve
                if self.budget is None:
                    own = math.inf  # число попыток задано: часы машины ответа не меняют
                elif self.tries:
                    own = max(1.0, PATIENCE * self.first_cost(name))
                else:  # дольше — и на наименьшее число попыток с проверкой доли не хватит
                    own = max(left / (len(self.active) - place) / (FEWEST + 1), self.warming)
                if left <= 0 and not self.tries:
                    self.left_out[name] = "время кончилось раньше первой её попытки."
                elif left <= 0 or not self.attempt(
                    name, min(own, left), not self.tries or own < left
                ):
                    return False
            bar.update()
            if self.budget is not None:
                bar.set_postfix_str(f"осталось {max(0.0, self.left):.0f} с")
        self.active = [name for name in self.active if name not in self.left_out]
        return True

    def attempt(self, name: str, limit: float, own: bool) -> bool:
        """Одна попытка не дольше ``limit`` секунд.

        :param own: предел — доля самой модели: не уложилась — выбывает она одна
        :return: ``False`` — кончилось общее время
        """
        point = self.points[name][self.tries]
        if point in self.kept[name]:
            return True
        make = partial(_make, name, self.part.train, self.plan.dtype)
        work = make, point, self.part, self.part.metrics[0]
        try:
            found, spent = self.aside(limit, _attempt, *work)
        except TimeoutError:
            if own:
                what = "первая попытка" if not self.tries else f"попытка {self.tries + 1}"
                self.left_out[name] = f"{what} не уложилась в {limit:.0f} с."
            return own
        except MemoryError as error:
            self.left_out[name] = str(error)
        else:
            self.kept[name].add(point, {**found, "seconds": round(spent, 4)})
        return True

    def aside(self, limit: float, work: Any, *given: Any) -> tuple[Any, float]:
        """Выполнить в отдельном процессе: ответ и секунды.

        Процесс один: память занята одной моделью. Подготовка процесса в предел не входит.

        :raises TimeoutError: дольше ``limit`` секунд; процесс прекращён
        """
        if self.pool is None:
            start = time.perf_counter()
            self.pool = ProcessPoolExecutor(1)
            self.pool.submit(_ready).result()
            self.warming = max(self.warming, time.perf_counter() - start)
        start = time.perf_counter()
        try:
            found = self.pool.submit(work, *given).result(None if math.isinf(limit) else limit)
        except FutureTimeout as error:
            self.close()
            raise TimeoutError from error
        except TerminatedWorkerError as error:
            self.close()
            raise MemoryError("процесс прекращён системой: скорее всего, не хватило памяти.") from (
                error
            )
        return found, time.perf_counter() - start

    def close(self) -> None:
        """Прекратить процесс, если он есть."""
        if self.pool is not None:
            self.pool.shutdown(wait=True, kill_workers=True)
        self.pool = None

    def affordable(self) -> int:
        """Сколько попыток по силам всем вместе; кто не успел бы и ``FEWEST`` — выбывает.

        Выбывает модель, у которой в равную долю времени не входят ``FEWEST`` попыток и последнее
        обучение на всех данных. Остальным попыток поровну, сколько войдёт в общее время.
        """
        while self.active:
            left = SAFETY * self.left
            share = left / len(self.active)
            slowest = max(self.active, key=self.first_cost)
            if (FEWEST - 1) * self.first_cost(slowest) + self.final_cost(slowest) <= share:
                once, last = (
                    sum(map(cost, self.active)) for cost in (self.first_cost, self.final_cost)
                )
                return min(MOST, 1 + int((left - last) / once))
            self.left_out[slowest] = (
                f"попытка длится {self.first_cost(slowest):.1f} с: в её долю времени не вошли бы "
                f"и {FEWEST} попытки с обучением на всех данных. Дайте больше времени."
            )
            self.active.remove(slowest)
        return 1

    def first_cost(self, name: str) -> float:
        """Секунды первой попытки."""
        return max(1e-3, self.kept[name][self.points[name][0]]["seconds"])

    def final_cost(self, name: str) -> float:
        """Сколько секунд займут последнее обучение и проверка, по первой попытке."""
        growth = self.plan.test.train.nnz / self.part.train.nnz
        by_items = name in ("EASE", "SLIM")  # их цена — квадрат каталога, а не взаимодействия
        return self.first_cost(name) * (1.2 if by_items else growth) + sum(self.cost[POPULAR])

    def finals(self) -> None:
        """Лучшие точки — на обучающей и валидационной части вместе, один раз на тестовой."""
        self.searches = {name: self.search(name) for name in self.active}
        for name in tqdm(list(self.active), desc="проверка", disable=building()):
            params = self.searches[name].params
            path = self.folder / f"{joblib.hash([name, params])[:12]}.joblib"
            if not path.exists():
                limit = self.left + (0.0 if self.budget is None else OVERTIME * self.budget)
                work = name, params, self.test, self.plan.dtype
                try:
                    found, _ = self.aside(max(1.0, limit), _final, *work)
                except TimeoutError:
                    self.left_out[name] = "обучиться на всех данных не успела."
                    continue
                except (MemoryError, ValueError, ArithmeticError) as error:
                    self.left_out[name] = str(error)
                    continue
                partly = path.with_suffix(".part")
                joblib.dump(found, partly)
                os.replace(partly, path)
            self.evaluations[name], self.cost[name], said = joblib.load(path)
            self.notes += [f"{name}: {text}" for text in said]

    def search(self, name: str) -> Search:
        """Подбор модели: первые ``tries`` её точек."""
        space, points = CANDIDATES[name].space, self.points[name]
        done = []
        for point in points[: self.tries]:
            found = {k: v for k, v in self.kept[name][point].items() if k in ATTEMPT}
            done.append({"params": point, **found})
        return Search(
            name, self.part.metrics[0], self.tries, None if space else 1,
            {key: tuning._range(values) for key, values in space.items()},
            {key: list(ends) for key, ends in CANDIDATES[name].natural.items()},
            done,
        )  # fmt: skip

    def outcome(self) -> Outcome:
        """Итог: совет и всё, что нужно знать."""
        searches = {name: self.searches[name] for name in self.evaluations if name != POPULAR}
        recommended, reason = advise(self.evaluations, self.test.metrics[0])
        notes = list(self.notes)
        if searches:
            notes.insert(0, f"Попыток у каждой модели — {self.tries}.")
        if searches and self.tries < LEAST:
            notes.append(
                f"Меньше {LEAST} попыток — проба, а не подбор: порядок моделей может измениться."
            )
        if recommended in searches:
            notes += [f"{recommended}: {text}." for text in searches[recommended].flags.values()]
        return Outcome(
            self.plan, self.tries, searches, self.evaluations, self.cost, self.left_out,
            tuple(notes), recommended, reason,
        )  # fmt: skip


def advise(evaluations: Mapping[str, Evaluation], metric: str) -> tuple[str, str]:
    """Самая простая из моделей, которые не хуже лучшей значимо, и почему.

    Простота — порядок :data:`~recsys_lessons.own_data.candidates.CANDIDATES`, популярное первое.
    """
    pairs = differences(evaluations, metric)
    best = max(evaluations, key=lambda name: evaluations[name][metric])
    worse = set(pairs["вторая"][pairs["значимая"] & (pairs["первая"] == best)])
    chosen = next(name for name in CANDIDATES if name in evaluations and name not in worse)
    if len(evaluations) == 1:
        return chosen, "Сравнить её не с чем: ни одна модель не вошла."
    if chosen == best:
        equal = [name for name in evaluations if name not in worse and name != best]
        text = "Она наверху таблицы"
        if equal:
            return chosen, f"{text} и проще тех, кто от неё не отличается: {', '.join(equal)}."
        return chosen, f"{text}, и остальные значимо хуже."
    gap = compare(evaluations[best], evaluations[chosen], metric)
    how = f"{best} выше на {gap.mean:.4f} ± {gap.se:.4f}, и эта разность не значима"
    if chosen == POPULAR:
        return chosen, f"Значимо лучше популярного ничего нет: {how}."
    return chosen, f"Она проще остальных, а {how}."


# ------------------------------------------------------------------------------- в стороне


def _ready() -> None:
    """Новому процессу — всё, что он импортирует долго."""
    tqdm.set_lock(threading.RLock())  # замок между процессами остался бы после прекращённого
    for lesson in ("item_knn", "ease", "ials", "slim", "multivae", "lightgcn", "tifu_knn"):
        importlib.import_module(f"recsys_lessons.models.{lesson}")


def _attempt(make: Any, point: dict[str, Any], part: Part, metric: str) -> dict[str, Any]:
    """Одна попытка; точка, которую нельзя посчитать, — попытка с нулём."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            _, found = tuning._attempt(make, point, part, metric, _fit, _judge)
        except (ValueError, ArithmeticError):
            found = {"mean": 0.0, "se": 0.0}
    return found


def _final(
    name: str, params: dict[str, Any], part: Part, dtype: Any
) -> tuple[Evaluation, tuple[float, float], list[str]]:
    """Обучить на ``part.train`` и проверить: оценка, секунды, предупреждения."""
    os.environ["RECSYS_LESSONS_BUILD"] = "1"
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", RuntimeWarning)
        model = part.fit(_make(name, part.train, dtype, **params))
    fitted = time.perf_counter()
    found = part.judge(model)
    texts = [str(one.message) for one in said if issubclass(one.category, RuntimeWarning)]
    return found, (fitted - start, time.perf_counter() - fitted), list(dict.fromkeys(texts))


def _make(name: str, X: sp.csr_array, dtype: Any, **point: Any) -> Any:
    return CANDIDATES[name].build(point, X, dtype)


def _fit(model: Any, part: Part, validation: Any) -> None:
    part.fit(model, validation)


def _judge(model: Any, part: Part) -> Evaluation:
    return part.judge(model)


def _points(name: str, upto: int, seed: int) -> list[dict[str, Any]]:
    """Точки модели по порядку попыток: сначала обычная, потом случайные."""
    one = CANDIDATES[name]
    first = dict(one.first)
    if not one.space:
        return [first]
    sampled, _ = tuning._sample(one.space, max(MOST, upto), seed)
    return [first, *(point for point in sampled if point != first)]
