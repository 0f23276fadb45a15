"""Ключ задания 05: что проверено в каждой задаче и сколько это стоит."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from course.assignment import Assignment, Call, Code, Property, Task, Variant
from course.judges import Refusal, at_least, equals, holds, numbers

# canary: 71c0e8a95d3b42f6
LAWS = ("expected", "cosine", "smaller", "source")


def column(G: np.ndarray, j: int, prices: np.ndarray, l2: float) -> np.ndarray:
    """Столбец весов перебором: какие веса положительны, проверяют по условиям минимума."""
    others = [k for k in range(len(G)) if k != j]
    for size in range(len(others) + 1):
        for chosen in itertools.combinations(others, size):
            own = list(chosen)
            b = np.zeros(len(G))
            if own:
                left = G[np.ix_(own, own)] + l2 * np.eye(size)
                b[own] = np.linalg.solve(left, G[own, j] - prices[own])
            slope = G @ b + l2 * b + prices - G[:, j]
            slope[[*own, j]] = 0
            if b.min() >= 0 and slope.min() >= -1e-12:
                return b
    raise ArithmeticError("у выпуклой задачи есть минимум")


def variant(rng: np.random.Generator) -> Variant:
    """Таблица и штрафы для счёта на бумаге, закон цены."""
    while True:
        table = (rng.random((10, 3)) < rng.uniform(0.3, 0.9, 3)).astype(int)
        common = table.T @ table
        l1, l2 = float(rng.choice([0.5, 1.0, 1.5])), int(rng.integers(1, 6))
        j = int(rng.integers(3))
        two = [k for k in range(3) if k != j]
        # Запрет должен сработать не потому, что общих зрителей мало; штрафы не перепутать.
        if common.diagonal().max() == 10 or common[two, j].min() <= l1 or l1 == l2:
            continue
        free = np.linalg.solve(common[np.ix_(two, two)] + l2 * np.eye(2), common[two, j] - l1)
        if free.min() < -0.03 and free.max() > 0.1:
            break
    return {
        "toy": table.tolist(),
        "toy_l1": l1,
        "toy_l2": l2,
        "toy_target": j,
        "price": str(rng.choice(LAWS)),
    }


def by_hand(values: Variant, rng: np.random.Generator) -> list[Property]:
    X = np.array(values["toy"], dtype=float)
    G, j, l1 = X.T @ X, values["toy_target"], values["toy_l1"]
    b = column(G, j, np.full(3, l1), values["toy_l2"])
    stopped = next(k for k in range(3) if k != j and b[k] == 0)
    slope = G[stopped] @ b + l1 - G[stopped, j]

    def weights(answer: object) -> str:
        hint = "отрицательный вес стал нулём — второй вес после этого тоже другой"
        return equals(b, hint, rtol=1e-3, atol=1e-6)(numbers(answer, (4,))[:3])

    def derivative(answer: object) -> str:
        hint = "производная целевой функции по весу, который упёрся в ноль; цена в неё входит"
        return equals(slope, hint, rtol=1e-3)(numbers(answer, (4,))[3])

    return [
        Property("три веса", 1.5, (Call("by_hand", (), holds(weights)),)),
        Property("производная у нулевого веса", 0.5, (Call("by_hand", (), holds(derivative)),)),
    ]


def minimum(G: np.ndarray, P: np.ndarray, l2: float, hint: str) -> Callable[[Any], str]:
    """Судья: веса отвечают условиям минимума, значит, верны; с чужим ответом не сравнивают."""
    G = np.asarray(G, dtype=float)
    diagonal = np.eye(len(G), dtype=bool)

    def condition(answer: object) -> str:
        B = numbers(answer, G.shape)
        if not np.isfinite(B).all():
            return "среди весов есть nan или бесконечность"
        if np.abs(B[diagonal]).max() > 1e-9:
            return "на диагонали не нули: объект предсказывает сам себя"
        if B.min() < -1e-9:
            return "есть отрицательный вес"
        if (B[np.isinf(P)] > 1e-9).any():
            return "вес, цена которого бесконечна, не ноль"
        priced = ~diagonal & np.isfinite(P)
        slope = np.where(priced, G @ B + l2 * B - G + np.where(priced, P, 0), 0)
        worst = np.abs(slope[B > 1e-9]).max(initial=0)
        if max(worst, -slope.min()) <= 2e-5:
            return ""
        if worst > -slope.min():
            return f"у положительного веса производная {worst:.2g}, а в минимуме она ноль; {hint}"
        return f"у нулевого веса производная {slope.min():.2g}: его стоит увеличить; {hint}"

    return holds(condition)


def on_paper(G: np.ndarray, P: np.ndarray, l2: float) -> np.ndarray:
    """Как в задаче 1: решить без запрета, отбросить отрицательные веса, решить снова."""
    B = np.zeros_like(G)
    for j in range(len(G)):
        own = np.array([k for k in range(len(G)) if k != j and np.isfinite(P[k, j])], dtype=int)
        while len(own):
            left = G[np.ix_(own, own)] + l2 * np.eye(len(own))
            b = np.linalg.solve(left, G[own, j] - P[own, j])
            if b.min() >= 0:
                B[own, j] = b
                break
            own = own[b > 0]
    return B


def histories(rng: np.random.Generator, n_users: int, n_items: int, share: float) -> np.ndarray:
    X = (rng.random((n_users, n_items)) < share * rng.uniform(0.4, 1.6, n_items)).astype(float)
    X[rng.integers(n_users, size=n_items), np.arange(n_items)] = 1
    return X


def priced(values: Variant, rng: np.random.Generator) -> list[Property]:
    def law(G: np.ndarray, n_users: int, l1: float) -> np.ndarray:
        own = np.diag(G)
        pairs = {
            "expected": np.outer(own, own) / n_users,
            "cosine": np.sqrt(np.outer(own, own)),
            "smaller": np.minimum.outer(own, own),
            "source": np.repeat(own, len(own)).reshape(G.shape),
        }
        return l1 * pairs[values["price"]]

    def price(n_users: int, n_items: int, l1: float) -> Call:
        X = histories(rng, n_users, n_items, 0.4)
        G = X.T @ X
        right = equals(law(G, n_users, l1), "закон — своего варианта; k — строка, j — столбец")
        return Call("prices", (G, n_users, l1), right)

    def call(G: np.ndarray, P: np.ndarray, l2: float, hint: str) -> Call:
        return Call("priced_slim", (G, P, l2), minimum(G, P, l2, hint))

    def common(n_users: int, n_items: int, share: float = 0.35) -> np.ndarray:
        X = histories(rng, n_users, n_items, share)
        return X.T @ X

    def alone(G: np.ndarray) -> np.ndarray:
        """Первый и последний столбцы без соседей: их веса верны сразу, остальные — ещё нет."""
        G, own = G.copy(), G.diagonal().copy()
        G[[0, -1]] = G[:, [0, -1]] = 0
        np.fill_diagonal(G, own)
        return G

    def tangled(n_items: int, l2: float, forbidden: float, hint: str) -> Call:
        """Вес, отброшенный однажды, здесь ещё понадобится."""
        while True:
            G = alone(common(50, n_items))
            P = np.stack([rng.permutation(np.linspace(0, 9, n_items)) for _ in range(n_items)])
            P[rng.random(P.shape) < forbidden] = np.inf
            if minimum(G, P, l2, "")(on_paper(G, P, l2)):
                return call(G, P, l2, hint)

    base = rng.random(120) < 0.5
    alike = np.array([base ^ (rng.random(120) < 0.02) for _ in range(8)], dtype=float).T
    whole = common(40, 8).astype(np.int64)
    return [
        Property("цены", 1, (price(25, 7, 0.3), price(60, 9, 1.2))),
        Property(
            "одна цена для всех — это SLIM урока",
            1,
            (
                call(common(40, 9), np.full((9, 9), 2.0), 15.0, "вычтите цену до деления"),
                call(
                    alone(common(40, 10)),
                    np.zeros((10, 10)),
                    15.0,
                    "запрет действует и при цене 0; ждать надо всех столбцов",
                ),
            ),
        ),
        Property(
            "цены разные",
            1,
            (tangled(12, 2.0, 0, "у веса из k в j цена стоит в P[k, j]"),),
        ),
        Property(
            "похожие столбцы: спуск идёт долго",
            1,
            (
                call(
                    alone(alike.T @ alike),
                    np.full((8, 8), 0.5),
                    0.5,
                    "остановитесь по изменению всех весов, а не после заданного числа проходов",
                ),
            ),
        ),
        Property(
            "целые числа и бесконечные цены",
            1,
            (
                call(whole, rng.uniform(0, 3, (8, 8)), 8.0, "G из целых, а веса дробные"),
                tangled(11, 1.0, 0.3, "бесконечная цена запрещает вес"),
            ),
        ),
    ]


MISTAKES = ("late threshold", "late ban", "scaled penalty", "own column")


def sweeps(
    X: np.ndarray, j: int, l1: float, l2: float, n_sweeps: int, mistakes: frozenset[str]
) -> np.ndarray:
    """Проходы спуска по матрице Грама, с любым набором ошибок заготовки."""
    G, n_items = X.T @ X, X.shape[1]
    b = np.zeros(n_items)
    for _ in range(n_sweeps):
        for k in range(n_items):
            if k == j and "own column" not in mistakes:
                continue
            size = G[k, k] + l2 * (len(X) if "scaled penalty" in mistakes else 1)
            left = G[k, j] - G[k] @ b + G[k, k] * b[k]
            if "late threshold" in mistakes:
                shorter = abs(left) / size - l1
            else:
                shorter = (abs(left) - l1) / size
            sign = -1 if left < 0 else 1
            if sign < 0 and "late ban" not in mistakes:
                shorter = 0
            b[k] = sign * max(shorter, 0)
    b[j] = 0
    return np.maximum(b, 0)


def telling(mistake: str, rng: np.random.Generator) -> tuple[tuple[Any, ...], np.ndarray]:
    """Пример, где видна ровно одна ошибка, какие бы из прочих ни остались."""
    others = [one for one in MISTAKES if one != mistake]
    rest = [frozenset(some) for size in range(4) for some in itertools.combinations(others, size)]
    while True:
        X = histories(rng, 14, 6, 0.4)
        j = 0 if mistake == "own column" else 5
        l1 = 1.0 if mistake == "late threshold" else 0.0
        l2 = 2.0 if mistake == "scaled penalty" else 0.0
        right = sweeps(X, j, l1, l2, 1, frozenset())
        with_it = [sweeps(X, j, l1, l2, 1, some | {mistake}) for some in rest]
        without = [sweeps(X, j, l1, l2, 1, some) for some in rest]
        if all(np.abs(b - right).max() > 0.02 for b in with_it) and np.allclose(without, right):
            return (X, j, l1, l2, 1), right


def quiet(n_users: int, l2: float, rng: np.random.Generator) -> tuple[tuple[Any, ...], np.ndarray]:
    """Пример на четыре прохода, где не видна ни одна ошибка заготовки, сколько бы их ни осталось.

    Знаменатель шага равен единице: порог можно вычесть и до деления, и после. Столбец ``j`` — смесь
    остальных, и его невязка порога не достигает. При ``l2`` больше нуля зритель один, иначе был бы
    виден масштаб штрафа.
    """
    some = [frozenset(s) for size in range(5) for s in itertools.combinations(MISTAKES, size)]
    while True:
        X = rng.random((n_users, 5)) * (rng.random((n_users, 5)) < 0.7) + 1e-3
        X[:, 4] = X[:, :4] @ rng.random(4)
        lengths = np.append(np.full(4, np.sqrt(1 - l2)), rng.uniform(0.3, 0.9))
        case = (X * lengths / np.linalg.norm(X, axis=0), 4, rng.uniform(0.05, 0.6), l2)
        once, right = (sweeps(*case, n_sweeps, frozenset()) for n_sweeps in (1, 4))
        # Вес меняется от прохода к проходу, а при многих зрителях бывший нулём вырастает.
        grown = np.abs(once - right) if n_users == 1 else np.where(once == 0, right, 0)
        if grown.max() > 0.02 and all(np.allclose(sweeps(*case, 4, one), right) for one in some):
            return (*case, 4), right


def repair(values: Variant, rng: np.random.Generator) -> list[Property]:
    def calls(mistake: str, hint: str) -> tuple[Call, ...]:
        examples = [telling(mistake, rng) for _ in range(3)]
        return tuple(Call("slim_column", case, equals(b, hint)) for case, b in examples)

    def later(n_users: int, l2: float, hint: str) -> Call:
        case, b = quiet(n_users, l2, rng)
        return Call("slim_column", case, equals(b, f"несколько проходов, числа любые: {hint}"))

    return [
        Property("порог", 1, calls("late threshold", "порог вычитают из зрителей, а не из веса")),
        Property(
            "запрет отрицательных весов",
            1,
            (
                *calls("late ban", "запрет действует на каждом шаге: от веса зависят следующие"),
                later(6, 0.0, "невязка отвечает нынешним весам, а бывший нулём вес может вырасти"),
            ),
        ),
        Property(
            "масштаб штрафа L2",
            1,
            (
                *calls("scaled penalty", "в задаче урока штраф не умножают на число зрителей"),
                later(1, 0.5, "штраф стоит только в знаменателе, рядом с суммой квадратов столбца"),
            ),
        ),
        Property(
            "объект не предсказывает сам себя",
            1,
            calls("own column", "стереть вес в конце мало: остальные уже уступили ему место"),
        ),
    ]


def library(l1: str, l2: str) -> Code:
    """Чужая реализация SLIM: штрафы — выражения от p, q и числа строк."""
    source = f"""
import numpy as np

def fit(X, p, q):
    X = np.asarray(X, dtype=float)
    U, I = X.shape
    l1, l2 = {l1}, {l2}
    G, B = X.T @ X, np.zeros((I, I))
    for _ in range(100_000):
        old = B.copy()
        for k in range(I):
            B[k] = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k] - l1, 0) / (G[k, k] + l2)
            B[k, k] = 0
        if np.all(np.abs(B - old) <= 1e-13 * B):
            return B
    return B
"""
    return Code("fit", source)


def conventions(values: Variant, rng: np.random.Generator) -> list[Property]:
    def calls(l1: str, l2: str, p: tuple[float, float], q: tuple[float, float]) -> tuple[Call, ...]:
        found = []
        # Две строки: вес легко выходит нулём. Много строк: крупные числа съедают цифры штрафа.
        for n_users in (int(rng.integers(20, 60)), 2, 20_000):
            given = {"U": n_users, "p": rng.uniform(*p), "q": rng.uniform(*q)}
            right = [eval(text, {}, given) for text in (l1, l2)]
            hint = "сколько строк было в ваших данных и не вышли ли все веса нулями?"
            judge = equals(right, hint, rtol=1e-4)
            found.append(Call("penalties", (library(l1, l2), *given.values()), judge))
        return tuple(found)

    invented = f"p * U ** {rng.uniform(0.3, 0.7):.2f} + q"
    return [
        Property("штрафы урока", 1, calls("p", "q", (130, 300), (1, 9))),
        Property(
            "ошибка делится на число зрителей", 1, calls("U * p", "U * q", (0.5, 3), (0.1, 2))
        ),
        Property(
            "сила и доля, как у эластичной сети",
            1,
            calls("U * p * q", "U * p * (1 - q)", (1.2, 3), (0.5, 0.8)),
        ),
        Property(
            "целевая функция без половин; договорённость, которой нигде нет",
            1,
            (
                *calls("p / 2", "q", (2, 9), (1, 9)),
                *calls(invented, "q + p / 10", (2, 9), (1, 9)),
            ),
        ),
    ]


def tastes(rng: np.random.Generator, n_users: int, n_items: int) -> np.ndarray:
    """Матрица Грама: четыре вкуса, известность с тяжёлым хвостом."""
    taste, fame = rng.integers(0, 4, n_items), rng.pareto(1.5, n_items) + 0.4
    X = np.zeros((n_users, n_items))
    for user in range(n_users):
        chance = fame * (rng.dirichlet(np.full(4, 0.4))[taste] + 0.05)
        chance *= rng.integers(4, n_items // 3) / chance.sum()
        X[user] = rng.random(n_items) < np.minimum(chance, 0.95)
    X[rng.integers(n_users, size=n_items), np.arange(n_items)] = 1
    return X.T @ X


def descent(G: np.ndarray, l2: float) -> np.ndarray:
    """Неотрицательные веса без порога: минимум без ограничения на число весов."""
    B, size = np.zeros_like(G), np.diag(G) + l2
    for _ in range(2000):
        before = B.copy()
        for k in range(len(G)):
            B[k] = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k], 0) / size[k]
            B[k, k] = 0
        if np.abs(B - before).max() < 1e-10:
            break
    return B


def lowered(G: np.ndarray, B: np.ndarray, l2: float) -> float:
    """На сколько целевая функция без порога ниже, чем у нулевых весов."""
    return float(np.sum(B * (G - (G @ B + l2 * B) / 2)))


def greedy(G: np.ndarray, s: int, l2: float) -> np.ndarray:
    """По одному фильму в столбец, каждый раз самый полезный, с пересчётом всех весов столбца."""
    B = np.zeros_like(G)
    for j in range(len(G)):
        own: list[int] = []
        for _ in range(s):
            slope = np.maximum(G[:, j] - G @ B[:, j] - l2 * B[:, j], 0)
            slope[[*own, j]] = 0
            if not slope.any():
                break
            own.append(int(np.argmax(slope**2 / (np.diag(G) + l2))))
            small = descent(G[np.ix_([j, *own], [j, *own])], l2)
            B[own, j] = small[1:, 0]
    return B


def cut(B: np.ndarray, s: int) -> np.ndarray:
    """Оставить s наибольших весов столбца, остальное стереть."""
    rows = np.argsort(-B, axis=0)[:s]
    kept = np.zeros_like(B)
    np.put_along_axis(kept, rows, np.take_along_axis(B, rows, axis=0), axis=0)
    return kept


def short(values: Variant, rng: np.random.Generator) -> list[Property]:
    what = "снижение целевой функции в долях от снижения без ограничения на число весов:"

    def share(G: np.ndarray, s: int, l2: float, best: float) -> Callable[[Any], float]:
        def measure(answer: object) -> float:
            B = numbers(answer, G.shape)
            if not np.isfinite(B).all() or B.min() < 0 or np.diag(B).any():
                raise Refusal("веса обязаны быть неотрицательными, на диагонали — нули")
            if np.count_nonzero(B, axis=0).max() > s:
                raise Refusal("в каком-то столбце весов больше, чем разрешено")
            return lowered(G, B, l2) / best

        return measure

    better: list[Call] = []
    near: list[Call] = []
    while len(better) < 2:
        s, l2 = (4, 5.0) if better else (3, 3.0)
        G = tastes(rng, 250, 24)
        full = descent(G, l2)
        best = lowered(G, full, l2)
        simple, careful = lowered(G, cut(full, s), l2), lowered(G, greedy(G, s, l2), l2)
        if careful < 1.12 * simple:
            continue  # здесь и отрезать веса можно без потерь
        measure = share(G, s, l2, best)
        above, close = (at_least(measure, x / best, what) for x in (1.03 * simple, 0.99 * careful))
        better.append(Call("short_weights", (G, s, l2), above))
        near.append(Call("short_weights", (G, s, l2), close))
    G = tastes(rng, 60, 18)
    G[4] = G[:, 4] = 0
    best = lowered(G, descent(G, 2.0), 2.0)
    enough = at_least(share(G, 20, 2.0, best), 0.9999, what)
    # Единственное место, отданное фильму без зрителей, — потеря всего; половины жадному хватает.
    single = at_least(share(G, 1, 2.0, best), 0.5 * lowered(G, greedy(G, 1, 2.0), 2.0) / best, what)
    return [
        Property("лучше, чем отрезать готовые веса", 1, tuple(better)),
        Property("не хуже жадного выбора", 1.5, tuple(near)),
        Property(
            "весов разрешено больше, чем нужно; фильм без зрителей",
            0.5,
            (
                Call("short_weights", (G, 20, 2.0), enough),
                Call("short_weights", (G, 1, 2.0), single),
            ),
        ),
    ]


ASSIGNMENT = Assignment(
    name="05_slim",
    title="Цена веса",
    minutes=110,
    variant=variant,
    tasks=(
        Task("1", "Вес, который упёрся в ноль", 2, ("by_hand",), by_hand),
        Task("2", "У каждой пары своя цена", 5, ("prices", "priced_slim"), priced, seconds=60),
        Task("3", "Почините спуск", 4, ("slim_column",), repair),
        Task("4", "Чьи это штрафы", 4, ("penalties",), conventions),
        Task("5", "Короткие объяснения", 3, ("short_weights",), short),
        Task("6", "Кому выгодна ваша цена", 2),
    ),
)
