"""Что эти данные могут сказать: протоколы, величина различимой разности, память моделей.

Всё это известно до обучения первой модели. Протокол отвечает на один вопрос, и вопросы разные:

- **A** — что пользователь выберет дальше: у каждого последняя доля истории идёт на проверку;
- **random** — что ещё он выбрал: доля случайная, потому что времён нет. О будущем это не говорит;
- **C** — что будет в следующей корзине, повторные покупки тоже; нужны времена и повторы;
- **held_out** — что подойдёт новому пользователю: часть пользователей модель не видит вовсе.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons import models
from recsys_lessons.evaluation import Z95, Evaluation, evaluate
from recsys_lessons.inputs import check_choice, check_count, check_number, check_seed, free_memory
from recsys_lessons.own_data.candidates import CANDIDATES, LARGE, POPULAR, WIDE
from recsys_lessons.own_data.reading import OwnData
from recsys_lessons.splits import HeldOut, board_a, held_out_users, next_basket

LEAST_JUDGED = 30  # меньше пользователей — не проверка
LEAST_REPEATS = 0.02  # меньшая доля повторов — протокол C не о чем спрашивать
SHARE = 0.2
DAY = 86_400

TITLES = {
    "A": "последняя доля истории каждого",
    "random": "случайная доля истории каждого",
    "C": "следующая корзина",
    "held_out": "новые пользователи",
}


@dataclass(frozen=True)
class Part:
    """Одна проверка: на чём учат, что угадывают, чего не рекомендуют.

    :param train: обучающие взаимодействия, CSR ``(n_train, n_items)``
    :param test: что угадывают, CSR ``(n_users, n_items)``
    :param seen: чего не рекомендуют, той же формы; ``None`` — ничего не исключается
    :param known: истории новых пользователей: тогда строки ``test`` — они, а не строки ``train``
    :param baskets: корзины протокола C: пользователь → список корзин, старые первыми
    """

    train: sp.csr_array
    test: sp.csr_array
    seen: sp.csr_array | None = None
    known: sp.csr_array | None = None
    baskets: dict[int, list[np.ndarray]] | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Метрики; первая — главная."""
        return ("Recall@10", "NDCG@10", "Recall@20") if self.baskets else ("NDCG@10", "Recall@20")

    @property
    def n_judged(self) -> int:
        """Сколько пользователей с непустой тестовой частью."""
        return int((np.diff(self.test.indptr) > 0).sum())

    def fit(self, model: Any, validation: Any = None) -> Any:
        """Обучить модель на этой части."""
        if hasattr(model, "within_decay"):
            return model.fit(self.baskets, self.train.shape[1])
        return model.fit(self.train) if validation is None else model.fit(self.train, validation)

    def judge(self, model: Any) -> Evaluation:
        """Оценить обученную модель."""
        score = model.score
        if self.known is not None and hasattr(model, "score_history"):
            known = self.known

            def score(users: np.ndarray) -> np.ndarray:
                return model.score_history(known[users])

        elif self.known is not None:  # популярное: список у всех один

            def score(users: np.ndarray) -> np.ndarray:
                return np.tile(model.score([0]), (len(users), 1))

        return evaluate(score, self.test, self.seen, self.metrics)

    def sample(self, n_users: int, seed: int = 0) -> "Part":
        """Та же проверка на случайных ``n_users`` пользователях: и учат, и судят только по ним."""
        rng = np.random.default_rng(check_seed(seed))
        check_count("n_users", n_users)
        rows = _some(rng, np.flatnonzero(np.diff(self.train.indptr)), n_users)
        train = sp.csr_array(self.train[rows])
        if self.known is not None:
            return replace(self, train=train).judged(n_users, seed)
        return Part(
            train,
            sp.csr_array(self.test[rows]),
            None if self.seen is None else sp.csr_array(self.seen[rows]),
            None,
            None if self.baskets is None else {i: self.baskets[int(u)] for i, u in enumerate(rows)},
        )

    def judged(self, n_users: int, seed: int = 0) -> "Part":
        """Та же обучающая часть, но судят по случайным ``n_users`` пользователям."""
        users = np.flatnonzero(np.diff(self.test.indptr))
        if len(users) <= n_users:
            return self
        kept = np.zeros(self.test.shape[0])
        kept[_some(np.random.default_rng(check_seed(seed)), users, n_users)] = 1
        test = sp.csr_array(sp.diags_array(kept) @ self.test)
        test.eliminate_zeros()
        return replace(self, test=test)


@dataclass(frozen=True)
class Option:
    """Может ли протокол стоять на этих данных, сколько пользователей он рассудит и почему."""

    name: str
    possible: bool
    n_judged: int
    text: str


@dataclass(frozen=True)
class Resolution:
    """Какую разность двух моделей эти данные вообще могут показать.

    :param sd: разброс главной метрики популярного между пользователями
    :param se: ошибка среднего: ``sd / √n``
    :param visible: разность, видная у независимых моделей: ``1.96 · √2 · se``
    :param bound: то же с наибольшим возможным разбросом чисел от 0 до 1, ``0.5``
    """

    metric: str
    n_judged: int
    sd: float
    se: float
    visible: float
    bound: float

    def __str__(self) -> str:
        return (
            f"На проверке {_users(self.n_judged)}. {self.metric} популярного различается между "
            f"ними с отклонением {self.sd:.3f} (для этого хватило подсчёта на валидационной "
            f"части), поэтому ошибка среднего — около {self.se:.4f}. Если две модели ошибаются "
            f"независимо, видна разность от {self.visible:.3f}; у похожих моделей она в два-три "
            f"раза меньше. Больше {self.bound:.3f} порог не бывает ни у каких независимых "
            "моделей. Разность меньше порога — не «модели равны», а «данных мало»."
        )


@dataclass(frozen=True)
class Need:
    """Память, которую займёт модель, и хватит ли её."""

    model: str
    n_bytes: float
    fits: bool

    def __str__(self) -> str:
        verdict = "" if self.fits else " — не помещается, модель пропущена"
        return f"{self.model}: {self.n_bytes:,.0f} байт".replace(",", " ") + verdict


@dataclass(frozen=True)
class Plan:
    """Что решено до обучения первой модели.

    :param options: все протоколы с причинами
    :param protocol: выбранный
    :param why: почему он
    :param validation: проверка, по которой выбирают гиперпараметры
    :param test: проверка, которую делают один раз; ``test.train`` включает валидационную часть
    :param needs: память каждой модели
    """

    data: OwnData
    options: tuple[Option, ...]
    protocol: str
    why: str
    validation: Part
    test: Part
    resolution: Resolution
    needs: tuple[Need, ...]
    dtype: Any
    seed: int
    min_grade: float | None

    def __str__(self) -> str:
        lines = ["Что могут эти данные:"]
        for option in self.options:
            mark = "да " if option.possible else "нет"
            lines.append(f"  {mark} {_label(option.name)}. {option.text}")
        lines += [
            f"Выбран протокол {_label(self.protocol)}: {self.why}",
            "После среза: обучающая часть {} × {}, взаимодействий {}; числа {}.".format(
                *self.test.train.shape, self.test.train.nnz, np.dtype(self.dtype).name
            ),
            str(self.resolution),
            "Память на обучение:",
            *(f"  {need}" for need in self.needs),
        ]
        return "\n".join(lines)


def examine(
    data: OwnData,
    protocol: str | None = None,
    min_grade: float | None = None,
    seed: int = 0,
    memory: float | None = None,
) -> Plan:
    """Какие протоколы возможны, какой выбран, какую разность он покажет и кто поместится в память.

    :param protocol: ``"A"``, ``"random"``, ``"C"``, ``"held_out"``; ``None`` — выбрать самим: C,
        если названы корзины и он возможен, иначе A, без времён — random
    :param min_grade: какая оценка уже положительна, см. :meth:`OwnData.positives`
    :param memory: сколько байт можно занять; ``None`` — сколько свободно
    :raises ValueError: выбранный протокол невозможен, или невозможен никакой
    """
    data.positives(min_grade)  # порог годится
    pairs = pair_table(data, min_grade)
    options = _options(data, pairs, min_grade)
    chosen, why = _choose(data, options, protocol)
    validation, test = _parts(data, pairs, chosen, min_grade, seed)
    large = test.train.nnz >= LARGE or test.train.shape[1] >= WIDE
    dtype = np.float32 if large else np.float64
    return Plan(
        data, options, chosen, why, validation, test, _resolution(validation, test, seed),
        memory_needs(test, dtype, memory), dtype, seed, min_grade,
    )  # fmt: skip


def memory_needs(part: Part, dtype: Any, memory: float | None = None) -> tuple[Need, ...]:
    """Память каждой модели, которую можно пробовать по этому протоколу, от простой к сложной.

    :param memory: сколько байт можно занять; ``None`` — сколько свободно
    """
    free = free_memory() if memory is None else check_number("memory", memory, 0)
    sizes = (*part.train.shape, part.train.nnz, np.dtype(dtype).itemsize)
    names = [
        one.name
        for one in CANDIDATES.values()
        if one.name == POPULAR or one.baskets == (part.baskets is not None)
        if one.for_new or part.known is None
    ]
    needs = ((name, CANDIDATES[name].n_bytes(sizes)) for name in names)
    return tuple(Need(name, n_bytes, n_bytes <= free) for name, n_bytes in needs)


def pair_table(data: OwnData, min_grade: float | None = None) -> pd.DataFrame:
    """Одна строка на пару «пользователь, объект»: первое взаимодействие, ``rating`` 1 или 0.

    1 — положительное хотя бы раз. Первое, а не последнее: то, что пользователь уже брал, новой
    находкой не считается и в тестовую часть не попадает. Без времён ``timestamp`` у всех 0.
    """
    table = data.table
    positive = np.ones(len(table), dtype=bool)
    if data.value_kind == "grade":
        least = data.min_grade() if min_grade is None else min_grade
        positive = (table["value"] >= least).to_numpy()
    key = table["user"].to_numpy(np.int64) * len(data.items) + table["item"].to_numpy(np.int64)
    time = np.zeros(len(table), np.int64)
    if "timestamp" in table:
        time = table["timestamp"].to_numpy(np.int64)
    order = np.lexsort((time, key))
    key, time = key[order], time[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    rating = np.maximum.reduceat(positive[order].astype(np.int8), starts)
    user, item = np.divmod(key[starts], len(data.items))
    return pd.DataFrame({"user": user, "item": item, "rating": rating, "timestamp": time[starts]})


def basket_table(data: OwnData, min_grade: float | None = None) -> pd.DataFrame:
    """Корзины для :func:`recsys_lessons.splits.next_basket`: ``user, basket, time, item``.

    Без столбца корзин корзина — всё, что пользователь взял за один день по Гринвичу. Время
    корзины — самая ранняя её строка.
    """
    rows = data.positives(min_grade)
    seconds = rows["timestamp"]
    basket = rows["basket"] if "basket" in rows else seconds // DAY
    rows = rows[["user", "item"]].assign(basket=basket, time=seconds)
    first = rows.groupby(["user", "basket"], sort=False)["time"].transform("min")
    return rows.assign(time=pd.to_datetime(first, unit="s"))


# ------------------------------------------------------------------------------- выбор


def _options(data: OwnData, pairs: pd.DataFrame, min_grade: float | None) -> tuple[Option, ...]:
    positive = pairs[pairs["rating"] > 0]
    history = np.bincount(positive["user"], minlength=len(data.users))
    left = history - np.floor(SHARE * history + 1e-9).astype(int)
    n_judged = int((history >= 5).sum())
    tunable = int((left >= 5).sum())  # и после теста останется на валидационную часть
    found = []
    short = (
        f"Пользователей, у которых хотя бы 5 положительных взаимодействий, — {n_judged} "
        f"(с шестью, на две проверки, — {tunable}), а нужно хотя бы {LEAST_JUDGED}."
    )
    enough = min(n_judged, tunable) >= LEAST_JUDGED
    found.append(_option_a(data, positive, n_judged, enough, short))
    text = (
        f"На проверке {_users(n_judged)}; доля истории скрыта случайно, поэтому ответ — «что ещё "
        "он выбрал», а не «что выберет потом»: модель видит и будущее."
    )
    found.append(Option("random", enough, n_judged, text if enough else short))
    found.append(_option_c(data, len(pairs), min_grade))
    n_held = _n_held(history)
    possible = n_held >= LEAST_JUDGED
    text = (
        f"Отложенных — {_users(n_held)}: модель их не увидит и ответит по части истории."
        if possible
        else f"Отложенных было бы {n_held}, а нужно хотя бы {LEAST_JUDGED}."
    )
    found.append(Option("held_out", possible, n_held, text))
    return tuple(found)


def _option_a(
    data: OwnData, positive: pd.DataFrame, n_judged: int, enough: bool, short: str
) -> Option:
    if "timestamp" not in data.table:
        return Option("A", False, 0, "Времён нет: неизвестно, что было последним.")
    if data.table["timestamp"].nunique() == 1:
        return Option("A", False, 0, "Время у всех строк одно и то же: это то же, что без времён.")
    if not enough:
        return Option("A", False, n_judged, short)
    order = np.lexsort((positive["timestamp"], positive["user"]))
    user, time = (positive[name].to_numpy()[order] for name in ("user", "timestamp"))
    history = np.bincount(user, minlength=len(data.users))
    n_test = np.floor(SHARE * history + 1e-9).astype(int)
    cut = (np.cumsum(history) - n_test)[n_test > 0]  # первая тестовая строка пользователя
    tied = int((time[cut] == time[cut - 1]).sum())
    text = f"На проверке {_users(n_judged)}, каждый — последними 20 % своей истории."
    if tied:
        share = tied / len(cut)
        text += (
            f" У {tied} из них ({share:.0%}) срез проходит внутри одинаковых времён: там, что "
            "раньше, решает жребий."
        )
        if share > 0.5:
            return Option("A", False, n_judged, text + " Это больше половины: порядка здесь нет.")
    return Option("A", True, n_judged, text)


def _option_c(data: OwnData, n_pairs: int, min_grade: float | None) -> Option:
    if "timestamp" not in data.table:
        return Option("C", False, 0, "Времён нет: какая корзина следующая, неизвестно.")
    nothing = Option("C", False, 0, "Повторных покупок нет: нет повторов — нет и C.")
    if len(data.table) == n_pairs:
        return nothing
    rows = basket_table(data, min_grade)
    lines = rows[["user", "basket", "item"]].drop_duplicates()
    share = 1 - len(lines[["user", "item"]].drop_duplicates()) / max(1, len(lines))
    if share == 0:
        return nothing
    if share < LEAST_REPEATS:
        return replace(nothing, text=f"Повторных покупок {share:.1%}: для C этого мало.")
    visits = rows.drop_duplicates(["user", "basket"])
    date = _date(visits["time"])
    n_judged = min(_n_returning(visits, date), _n_returning(visits[visits["time"] < date]))
    what = "" if "basket" in data.table else " Корзина — всё, что взято за один день по Гринвичу."
    if n_judged < LEAST_JUDGED:
        text = f"Корзины и до среза, и после него — у {n_judged} пользователей, а нужно хотя бы "
        return Option("C", False, n_judged, f"{text}{LEAST_JUDGED}.{what}")
    text = f"Повторных покупок {share:.0%}; на проверке не меньше чем {_users(n_judged)}."
    return Option("C", True, n_judged, text + what)


def _date(times: pd.Series) -> pd.Timestamp:
    """Дата среза: до неё четыре пятых корзин."""
    return pd.Timestamp(np.sort(times.to_numpy())[int((1 - SHARE) * len(times))])


def _n_returning(visits: pd.DataFrame, date: pd.Timestamp | None = None) -> int:
    """У скольких пользователей есть корзина и до среза, и не раньше него."""
    if visits.empty:
        return 0
    before = visits["time"] < (_date(visits["time"]) if date is None else date)
    return len(np.intersect1d(visits["user"][before], visits["user"][~before]))


def _n_held(history: np.ndarray) -> int:
    """Сколько пользователей отложить: пятую часть тех, у кого есть что скрыть, не больше 10 000."""
    return min(10_000, int(SHARE * (history >= 5).sum()))


def _choose(data: OwnData, options: Sequence[Option], protocol: str | None) -> tuple[str, str]:
    by_name = {option.name: option for option in options}
    if protocol is not None:
        check_choice("protocol", protocol, by_name)
        if not by_name[protocol].possible:
            raise ValueError(f"Протокол {_label(protocol)} невозможен. {by_name[protocol].text}")
        return protocol, "так указано."
    if by_name["C"].possible and "basket" in data.table:
        return "C", "в файле названы корзины, и покупки повторяются."
    if by_name["A"].possible:
        return "A", "есть времена, и историй хватает."
    if by_name["random"].possible:
        return "random", by_name["A"].text
    if by_name["C"].possible:
        return "C", "других проверок эти данные не выдерживают."
    reasons = " ".join(f"{_label(option.name)}: {option.text}" for option in options[:3])
    raise ValueError(
        f"Проверять модели на этих данных нечем. {reasons} Нужно больше пользователей с длинной "
        "историей; списки популярного можно составить и без проверки."
    )


# ------------------------------------------------------------------------------- разбиение


def _parts(
    data: OwnData, pairs: pd.DataFrame, protocol: str, min_grade: float | None, seed: int
) -> tuple[Part, Part]:
    shape = len(data.users), len(data.items)
    if protocol == "C":
        rows = basket_table(data, min_grade)
        date = _date(rows.drop_duplicates(["user", "basket"])["time"])
        before = rows[rows["time"] < date]
        earlier = _date(before.drop_duplicates(["user", "basket"])["time"])
        return _basket_part(before, earlier, shape), _basket_part(rows, date, shape)
    if protocol == "held_out":
        positive = pairs[pairs["rating"] > 0]
        cells = positive["user"].to_numpy(), positive["item"].to_numpy()
        X = sp.csr_array((np.ones(len(positive)), cells), shape=shape)
        n_held = _n_held(np.bincount(positive["user"], minlength=shape[0]))
        last = held_out_users(X, n_held, seed=seed)
        return _held_part(held_out_users(last.train, n_held, seed=seed)), _held_part(last)
    if protocol == "random":
        pairs = pairs.assign(timestamp=0)
    validation, test = board_a(pairs, seed, min_rating=1)
    return (
        Part(validation.train, validation.test, validation.seen),
        Part(test.train, test.test, test.seen),
    )


def _held_part(held: HeldOut) -> Part:
    return Part(held.train, held.target, held.fold_in, held.fold_in)


def _basket_part(rows: pd.DataFrame, date: pd.Timestamp, shape: tuple[int, int]) -> Part:
    history, target = next_basket(rows, date)
    return Part(
        _stack({user: np.concatenate(baskets) for user, baskets in history.items()}, shape),
        _stack(target, shape),
        baskets=history,
    )


def _stack(items: Mapping[int, np.ndarray], shape: tuple[int, int]) -> sp.csr_array:
    """Матрица из единиц: у какого пользователя какие объекты."""
    users = np.repeat(list(items), [len(row) for row in items.values()])
    columns = np.concatenate(list(items.values()))
    X = sp.csr_array((np.ones(len(users)), (users, columns)), shape=shape)
    X.sum_duplicates()
    X.data[:] = 1
    return X


def _resolution(part: Part, test: Part, seed: int) -> Resolution:
    """Разброс популярного — на валидационной части, не больше чем у 5000 пользователей."""
    metric = part.metrics[0]
    popular = part.fit(models.Popularity())
    sd = float(part.judged(5000, seed).judge(popular).values[metric].std(ddof=1))
    pair = Z95 * np.sqrt(2 / test.n_judged)
    return Resolution(
        metric, test.n_judged, sd, sd / float(np.sqrt(test.n_judged)), float(sd * pair),
        float(0.5 * pair),
    )  # fmt: skip


# ------------------------------------------------------------------------------- слова


def _label(protocol: str) -> str:
    return f"{protocol} ({TITLES[protocol]})"


def _users(n: int) -> str:
    """Именительный: «1 пользователь», «3 пользователя», «5 пользователей»."""
    last, ten = n % 10, n % 100 // 10
    if last == 1 and ten != 1:
        return f"{n} пользователь"
    return f"{n} пользователя" if last in (2, 3, 4) and ten != 1 else f"{n} пользователей"


def _some(rng: np.random.Generator, values: np.ndarray, n: int) -> np.ndarray:
    """``n`` случайных, по возрастанию; если их меньше — все."""
    return values if len(values) <= n else np.sort(rng.choice(values, n, replace=False))
