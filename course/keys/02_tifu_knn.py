"""Ключ задания 02: что проверено в каждой задаче и сколько это стоит."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from course.assignment import Assignment, Call, Code, Property, Task, Variant
from course.judges import Refusal, at_least, boolean, equals, holds, numbers

# canary: c49be2017f5d86a3
LAWS: dict[str, Callable[[Any], Any]] = {
    "half": lambda ages: 2.0**-ages,
    "hyperbola": lambda ages: 1 / (1 + ages),
    "root": lambda ages: (1 + ages) ** -0.5,
}
Events = tuple[np.ndarray, np.ndarray, np.ndarray]


def variant(rng: np.random.Generator) -> Variant:
    """История и затухания для счёта на бумаге, закон забывания."""
    while True:
        baskets = [[int(i) for i in np.flatnonzero(rng.random(3) < 0.5)] for _ in range(6)]
        baskets = baskets[: int(rng.integers(5, 7))]
        settings = (
            int(rng.integers(2, 4)),
            float(rng.choice([0.5, 0.6, 0.8, 0.9])),
            float(rng.choice([0.5, 0.6, 0.7, 0.8])),
        )
        if not all(baskets) or not all(any(i in b for b in baskets[:-1]) for i in range(3)):
            continue
        # Порядок корзин на ответ влияет: иначе направление затухания не проверить.
        both = [(b, b[::-1]) for b in (baskets, baskets[:-1])]
        if all(
            np.abs(vector(one, *settings) - vector(other, *settings)).max() > 0.02
            for one, other in both
        ):
            break
    return {
        "toy": baskets[:-1],
        "toy_next": baskets[-1],
        **dict(zip(("m", "r_b", "r_g"), settings, strict=True)),
        "law": str(rng.choice(list(LAWS))),
        "memory": int(rng.choice([10, 20, 30, 45, 60])),
    }


def vector(baskets: list[list[int]], m: int, r_b: float, r_g: float) -> np.ndarray:
    """Вектор привычек по формуле статьи: группа за группой, с конца."""
    m = min(m, len(baskets))
    left, found = list(baskets), np.zeros(3)
    for back in range(m):
        # Поздним группам достаются лишние корзины: остаток делят на оставшиеся группы вверх.
        size = -(-len(left) // (m - back))
        group, left = left[-size:], left[:-size]
        for ago, basket in enumerate(reversed(group)):
            found[basket] += r_g**back * r_b**ago / size
    return found / m


def by_hand(values: Variant, rng: np.random.Generator) -> list[Property]:
    settings = (values["m"], values["r_b"], values["r_g"])
    before = vector(values["toy"], *settings)
    after = vector([*values["toy"], values["toy_next"]], *settings)

    def part(place: slice, right: np.ndarray, hint: str) -> Call:
        judge = equals(right, hint, rtol=2e-3, atol=1e-6)
        return Call("by_hand", (), holds(lambda answer: judge(numbers(answer, (6,))[place])))

    return [
        Property(
            "вектор до визита",
            1,
            (part(slice(3), before, "проверьте размеры групп и делители: число групп и корзин"),),
        ),
        Property(
            "вектор после визита",
            1,
            (part(slice(3, 6), after, "с новой корзиной границы групп другие"),),
        ),
    ]


def share_of_visits(
    events: Events, today: int, n_users: int, n_items: int, weight: Callable[[int], float]
) -> np.ndarray:
    """Доля визитов с товаром, по определению: множества визитов и покупок."""
    rows = list(zip(*(column.tolist() for column in events), strict=True))
    found, total = np.zeros((n_users, n_items)), np.zeros((n_users, 1))
    for user, day in {(user, day) for user, _, day in rows if day < today}:
        total[user] += weight(today - day)
    for user, item, day in sorted(set(rows)):
        if day < today:
            found[user, item] += weight(today - day)
    return found / np.where(total > 0, total, 1)


def visits(
    rng: np.random.Generator, n_users: int, n_items: int, days: np.ndarray, size: int
) -> Events:
    """Покупки по порядку дней: у человека за визит до ``size`` разных товаров."""
    rows = []
    for user in range(n_users):
        for day in np.sort(rng.choice(days, 7, replace=False)):
            basket = rng.choice(n_items, rng.integers(1, size + 1), replace=False)
            rows += [(user, int(item), int(day)) for item in basket]
    user, item, day = np.array(rows).T
    return user, item, day


def habits(values: Variant, rng: np.random.Generator) -> list[Property]:
    def call(events: Events, n_users: int, n_items: int, hint: str, today: int = 200) -> Call:
        law = LAWS[values["law"]]
        right = share_of_visits(
            events, today, n_users, n_items, lambda age: float(law(age / values["memory"]))
        )
        return Call("habits", (*events, today, n_users, n_items), equals(right, hint))

    def mixed(events: Events) -> Events:
        order = rng.permutation(len(events[0]))
        user, item, day = (column[order] for column in events)
        return user, item, day

    past, late = np.arange(60, 200), np.arange(150, 230)
    plain, small = visits(rng, 5, 6, past, 1), visits(rng, 3, 4, past, 1)
    plain[1][:6], small[1][:4] = rng.permutation(6), rng.permutation(4)  # встретился каждый товар
    baskets = visits(rng, 5, 8, past, 4)
    again = rng.integers(0, len(baskets[0]), 20)
    user, item, day = (np.append(column, column[again]) for column in baskets)
    years = visits(rng, 5, 8, np.arange(300, 900), 3)
    sparse = visits(rng, 4, 6, past, 3)
    sparse = (2 * sparse[0] + 1, sparse[1], sparse[2])
    border = visits(rng, 5, 6, late, 3)
    border[2][rng.choice(len(border[2]), 4, replace=False)] = 200
    return [
        Property(
            "вес визита",
            1.5,
            (
                call(plain, 5, 6, "закон — своего варианта, давность — в днях до today"),
                call(small, 3, 4, "делят на сумму весов визитов"),
            ),
        ),
        Property(
            "визит — это день: строки в любом порядке, повторы, несколько товаров",
            1.5,
            (
                call(mixed(baskets), 5, 8, "в знаменателе визит один, сколько бы в нём ни было"),
                call(mixed((user, item, day)), 5, 8, "один товар за день считают один раз"),
                call(
                    mixed(years), 5, 8, "визит — это человек и день; дней бывает больше года", 900
                ),
            ),
        ),
        Property(
            "день today и будущее не участвуют",
            1,
            (call(mixed(border), 5, 6, "корзина дня today — та, которую предсказывают"),),
        ),
        Property(
            "люди без визитов и товары без покупок",
            1,
            (call(mixed(sparse), 10, 9, "им нули, а форма задана числами n_users и n_items"),),
        ),
    ]


MISTAKES = ("length", "own", "swapped", "masked")


def blend(V: np.ndarray, k: int, alpha: float, mistakes: frozenset[str]) -> np.ndarray:
    """Смесь своего и соседского с любым набором ошибок заготовки."""
    rows = []
    for user, own in enumerate(V):
        gap = -2 * V @ own if "length" in mistakes else np.sum((V - own) ** 2, axis=1)
        order = [w for w in np.argsort(gap, kind="stable") if w != user or "own" in mistakes]
        share = 1 - alpha if "swapped" in mistakes else alpha
        row = share * own + (1 - share) * np.mean([V[w] for w in order[:k]], axis=0)
        rows.append(np.where(own > 0, 0, row) if "masked" in mistakes else row)
    return np.array(rows)


CROWDS = ("разные", "равные расстояния", "двойники", "все соседи")


def people(rng: np.random.Generator, crowd: str) -> np.ndarray:
    """Векторы привычек; в особых толпах видны и тонкости основной ошибки."""
    n_users = {"равные расстояния": 60, "все соседи": 5}.get(crowd, 14)
    V = rng.uniform(0.1, 1, (n_users, 8)) * (rng.random((n_users, 8)) < 0.5)
    if crowd == "равные расстояния":  # числа кратны 0,5: расстояния точны, каким путём ни считай
        V = rng.permutation(np.unique(np.ceil(2 * V) / 2, axis=0))
    if crowd == "двойники":
        V[7:] = V[:7]
    return V


def telling(
    mistake: str, rng: np.random.Generator, crowd: str = "разные"
) -> tuple[tuple[np.ndarray, int, float], np.ndarray, np.ndarray]:
    """Пример и ячейки, где видна ровно эта ошибка, какие бы из прочих ни остались."""
    others = [one for one in MISTAKES if one != mistake]
    rest = [frozenset(some) for n in range(4) for some in itertools.combinations(others, n)]
    alpha = 0.8 if mistake == "swapped" else 0.5
    while True:
        V = people(rng, crowd)
        k = len(V) - 1 if crowd == "все соседи" else 3
        if mistake == "masked":
            V[:, 2] = 0.4
        elif mistake != "length":  # при равных длинах ошибка в длине не видна
            V[:, 0] += 0.1
            V /= np.linalg.norm(V, axis=1, keepdims=True)
        right = blend(V, k, alpha, frozenset())
        same = [np.isclose(blend(V, k, alpha, some), right) for some in rest]
        far = [np.abs(blend(V, k, alpha, some | {mistake}) - right) > 0.01 for some in rest]
        cells = np.all([*same, *far], axis=0)
        if cells.sum() >= 6:
            return (V, k, alpha), right, cells


def repair(values: Variant, rng: np.random.Generator) -> list[Property]:
    def call(mistake: str, hint: str, crowd: str = CROWDS[0]) -> Call:
        arguments, right, cells = telling(mistake, rng, crowd)
        judge = equals(right[cells], hint)
        return Call(
            "mix", arguments, holds(lambda answer: judge(numbers(answer, right.shape)[cells]))
        )

    def calls(mistake: str, hint: str) -> tuple[Call, Call]:
        return call(mistake, hint), call(mistake, hint)

    length, own = calls("length", "какое слагаемое квадрата расстояния у всех разное?"), "own"
    ties = call("length", "из равно далёких ближе меньший номер", "равные расстояния")
    return [
        Property("расстояние", 1, (*length, ties)),
        Property(
            "сам себе не сосед",
            1,
            (
                *calls(own, "расстояние до себя — ноль"),
                call(own, "человек с таким же вектором — сосед", "двойники"),
                call(own, "соседи — все остальные, и среди них нет его самого", "все соседи"),
            ),
        ),
        Property("доля своего", 1, calls("swapped", "alpha — доля своего вектора")),
        Property("повторы остаются", 1, calls("masked", "купленное из списка не убирают")),
    ]


def models() -> dict[str, str]:
    """Модели с затуханием по дням: честные и заглядывающие в будущее."""
    frame = """
import numpy as np

def model(user, item, day, today, n_users, n_items):
    user, item, day = np.asarray(user), np.asarray(item), np.asarray(day)
    past = day < {end}
    P = np.zeros((n_users, n_items))
    np.add.at(P, (user[past], item[past]), 0.97 ** ({last} - day[past]))
    return P{after}
"""
    right = {"end": "today", "last": "today", "after": ""}
    changed: dict[str, dict[str, str]] = {
        "right": {},
        "week": {"end": "today + 7"},
        "same_day": {"end": "today + 1"},
        "last_day": {"last": "day.max()"},
        "fame": {"after": " / (1 + np.bincount(item, minlength=n_items))"},
    }
    sources = {name: frame.format(**{**right, **change}) for name, change in changed.items()}
    # Тоже честная: последний день таблицы входит и сокращается, но округление он меняет.
    sources["right_too"] = """
import numpy as np

def model(user, item, day, today, n_users, n_items):
    last = max(day)
    P = np.zeros((n_users, n_items))
    for u, i, d in zip(user, item, day):
        if d < today:
            P[u, i] += 0.95 ** (last - d)
    P /= 0.95 ** (last - today)
    return P + 0.1 * P.mean(axis=0)
"""
    return sources


def write_a_check(values: Variant, rng: np.random.Generator) -> list[Property]:
    sources = models()

    def calls(broken: str) -> tuple[Call, ...]:
        right = "честная модель отвергнута: округление — не утечка, сравнивайте с допуском"
        wrong = "утечка не замечена: какое будущее вы поменяли и что сравнили?"
        return (
            Call("no_leak", (Code("model", sources["right"]),), boolean(True, right)),
            Call("no_leak", (Code("model", sources["right_too"]),), boolean(True, right)),
            Call("no_leak", (Code("model", sources[broken]),), boolean(False, wrong)),
        )

    return [
        Property("ловит следующую неделю", 1, calls("week")),
        Property("ловит сам день today", 1, calls("same_day")),
        Property("ловит давность от последнего дня таблицы", 1, calls("last_day")),
        Property("ловит известность по всей таблице", 1, calls("fame")),
    ]


TODAY, N_USERS, N_ITEMS, N_NEW = 240, 110, 60, 25
Baskets = list[tuple[int, np.ndarray]]


def shop(rng: np.random.Generator, life: float | None) -> tuple[Events, Baskets]:
    """Покупки до дня TODAY и первые корзины после него; первые N_NEW человек — новые.

    :param life: сколько дней живёт привычка; ``None`` — всегда
    """
    fame, taste = rng.pareto(2, N_ITEMS) + 0.3, rng.integers(0, 4, N_ITEMS)
    rows: list[tuple[int, int, int]] = []
    later: Baskets = []
    n_own = 24
    for user in range(N_USERS):
        chance = fame * np.where(taste == rng.integers(4), 1, 0.15)
        own = rng.choice(N_ITEMS, n_own, replace=False, p=chance / chance.sum())
        start, stop = np.full(n_own, -1.0), np.full(n_own, np.inf)
        rate = rng.uniform(0.02, 0.35, n_own)
        if life is not None:
            start = rng.uniform(-life, TODAY + 10, n_own)
            stop = start + life * rng.uniform(0.6, 1.6, n_own)
            rate = rng.uniform(0.1, 0.7, n_own)
        day = rng.uniform(0, 12) + (TODAY if user < N_NEW else 0)
        while not later or later[-1][0] != user:
            bought = own[(start <= day) & (day < stop) & (rng.random(n_own) < rate)]
            if rng.random() < 0.6:
                bought = np.append(bought, rng.choice(N_ITEMS, p=fame / fame.sum()))
            if len(bought) and day >= TODAY:
                later.append((user, np.unique(bought)))
            rows += [(user, int(one), int(day)) for one in np.unique(bought) if day < TODAY]
            day += 1 + rng.exponential(6)
    user, item, when = rng.permutation(np.array(rows)).T
    return (user, item, when), later


def recall(scores: np.ndarray, later: Baskets) -> float:
    """Recall@10 по первым корзинам после TODAY у тех, кто приходил и раньше."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    return float(np.mean([np.isin(basket, best[u]).mean() for u, basket in later if u >= N_NEW]))


def popular(scores: np.ndarray, events: Events) -> float:
    """Сколько покупок приходится на списки новых людей, в долях от наибольшего возможного."""
    counts = np.bincount(events[1], minlength=N_ITEMS)
    best = np.argsort(-scores[:N_NEW], axis=1, kind="stable")[:, :10]
    return float(counts[best].sum(axis=1).mean() / np.sort(counts)[-10:].sum())


def remembered(events: Events, half_life: float) -> np.ndarray:
    """Своя доля визитов с забыванием и капля общей: с чем сравнивают решение."""
    user, item, day = events
    came = np.zeros((N_USERS, TODAY))
    came[user, day] = 0.5 ** ((TODAY - day) / half_life)
    own = np.zeros((N_USERS, N_ITEMS))
    np.add.at(own, (user, item), came[user, day])
    own /= np.maximum(came.sum(axis=1, keepdims=True), 1e-300)
    return own + 0.05 * own.mean(axis=0)


def memory(values: Variant, rng: np.random.Generator) -> list[Property]:
    def measure(of: Callable[..., float], what: Any) -> Callable[[Any], float]:
        def value(answer: object) -> float:
            scores = numbers(answer, (N_USERS, N_ITEMS))
            if np.isnan(scores).any():
                raise Refusal("среди баллов есть nan")
            return of(scores, what)

        return value

    def telling_shop(
        life: float | None, good: tuple[float, ...], bad: tuple[float, ...]
    ) -> tuple[Events, Baskets, float]:
        """Магазин, где годится любая память из ``good`` и ни одна из ``bad``."""
        while True:
            events, later = shop(rng, life)
            best, *others = (recall(remembered(events, half_life), later) for half_life in good)
            middle = max(recall(remembered(events, half_life), later) for half_life in bad)
            by_number = popular(np.zeros((N_USERS, N_ITEMS)), events)
            if min(others) > 0.94 * best and middle < 0.91 * best and by_number < 0.6:
                return events, later, best

    def call(events: Events, judge: Callable[[Any], str]) -> Call:
        return Call("next_scores", (*events, TODAY, N_USERS, N_ITEMS), judge)

    def guessed(events: Events, later: Baskets, best: float) -> tuple[Call, ...]:
        return (call(events, at_least(measure(recall, later), 0.92 * best, "Recall@10")),)

    # От сорока дней память длинна для первого магазина, до сорока — коротка для второго.
    short = telling_shop(50, (7, 5, 10, 14), (40, 50, 60))
    always = telling_shop(None, (1e6, 320, 160, 100), (40, 30))
    what = "доля известного в списках людей без истории"
    newcomers = tuple(
        call(events, at_least(measure(popular, events), 0.7, what))
        for events in (short[0], always[0])
    )
    return [
        Property("привычки живут недолго", 1, guessed(*short)),
        Property("привычки живут всегда", 1, guessed(*always)),
        Property("людям без истории — общее", 1, newcomers),
    ]


ASSIGNMENT = Assignment(
    name="02_tifu_knn",
    title="Сколько живёт привычка",
    minutes=110,
    variant=variant,
    tasks=(
        Task("1", "Ещё один визит", 2, ("by_hand",), by_hand),
        Task("2", "Давность в днях", 5, ("habits",), habits),
        Task("3", "Почините соседей", 4, ("mix",), repair),
        Task("4", "Проверка на утечку", 4, ("no_leak",), write_a_check),
        Task("5", "Память по истории", 3, ("next_scores",), memory, seconds=60),
        Task("6", "Список без повторов", 2),
    ),
)
