"""Ключ задания 01: что проверено в каждой задаче и сколько это стоит."""

import functools

import numpy as np
import scipy.sparse as sp

from course.assignment import Assignment, Call, Code, Property, Task, Variant
from course.judges import Refusal, at_least, boolean, equals, holds, numbers, part

# canary: f41e07aa93c85d26


def variant(rng: np.random.Generator) -> Variant:
    """Степень популярности, вид сжатия, бюджет соседей и игрушечная таблица."""
    while True:
        table = (rng.random((6, 4)) < 0.55).astype(int)
        viewers = table.sum(axis=0)
        i, j = (int(item) for item in rng.choice(4, 2, replace=False))
        # Зритель, который смотрел i и ещё что-то, но не j: ему советуют j.
        candidates = np.flatnonzero((table[:, i] == 1) & (table[:, j] == 0) & (table.sum(1) >= 2))
        common = int(table[:, i] @ table[:, j])
        if len(candidates) and common and viewers[i] != viewers[j] and viewers.min() >= 1:
            break
    return {
        "power": round(0.3 + 0.1 * int(rng.integers(5)), 1),
        "shrink_kind": str(rng.choice(["denominator", "significance", "support"])),
        "budget": int(rng.integers(8, 13)),
        "toy": table.tolist(),
        "toy_pair": [i, j],
        "toy_user": int(rng.choice(candidates)),
    }


def pair(values: Variant, common: float, source: float, target: float, shrink: float) -> float:
    """Сходство одной пары, по определению."""
    if common == 0:
        return 0.0
    below = source * target ** values["power"]
    if values["shrink_kind"] == "denominator":
        return common / (below + shrink)
    if values["shrink_kind"] == "significance":
        return common / below * common / (common + shrink)
    return common / below if common >= shrink else 0.0


def table_of(values: Variant, X: np.ndarray, shrink: float) -> np.ndarray:
    """Сходства всех пар: строка — источник, столбец — цель."""
    people = [set(np.flatnonzero(column)) for column in X.T]
    S = np.zeros((len(people), len(people)))
    for i, mine in enumerate(people):
        for j, other in enumerate(people):
            if i != j:
                S[i, j] = pair(values, len(mine & other), len(mine), len(other), shrink)
    return S


def by_hand(values: Variant, rng: np.random.Generator) -> list[Property]:
    X = np.array(values["toy"])
    i, j = values["toy_pair"]
    S = table_of(values, X, 0)
    right = [S[i, j], S[j, i], X[values["toy_user"]] @ S[:, j]]

    def only(place: int, hint: str) -> tuple[Call, ...]:
        return (Call("by_hand", (), part(place, equals(right[place], hint, rtol=1e-3), (3,))),)

    return [
        Property("сходство из i в j", 0.5, only(0, "в степени стоит число зрителей цели")),
        Property("сходство из j в i", 0.5, only(1, "источник и цель поменялись местами")),
        Property("балл", 1, only(2, "сложите голоса всей истории зрителя, а не одного фильма")),
    ]


def interactions(rng: np.random.Generator, n_users: int, n_items: int, share: float) -> np.ndarray:
    """Матрица единиц, где у каждого объекта не меньше двух зрителей."""
    X = (rng.random((n_users, n_items)) < share * rng.uniform(0.4, 1.6, n_items)).astype(float)
    for item in range(n_items):
        X[rng.choice(n_users, 2, replace=False), item] = 1
    return X


def similarity(values: Variant, rng: np.random.Generator) -> list[Property]:
    def call(X: np.ndarray, shrink: float, hint: str) -> Call:
        right = equals(table_of(values, X, shrink), hint)
        return Call("similarity", (sp.csr_array(X), shrink), right)

    cold = interactions(rng, 20, 9, 0.3)
    cold[:, [2, 8]] = 0
    warm = table_of(values, cold, 0) > 0

    def zeros(answer: object) -> str:
        S = numbers(answer, warm.shape)
        if not np.isfinite(S).all():
            return "среди сходств есть nan или бесконечность"
        if np.diag(S).any():
            return "на диагонали не нули"
        if S[[2, 8]].any() or S[:, [2, 8]].any():
            return "у объекта без зрителей есть сходства"
        return (
            "" if (S[warm] > 0).all() else "у пар с общими зрителями сходство должно быть больше 0"
        )

    counts = interactions(rng, 22, 8, 0.35)
    counts *= rng.integers(1, 5, counts.shape) * rng.choice([-1, 1], counts.shape)
    written_out = sp.csr_array(np.where(counts == 0, 1, counts))
    written_out.data[counts.ravel() == 0] = 0
    people = table_of(values, counts, 0)
    hint = "строка — источник, столбец — цель; степень — у числа зрителей цели"
    kind = "проверьте вид сжатия своего варианта"
    return [
        Property(
            "без сжатия",
            1.5,
            (
                call(interactions(rng, 25, 10, 0.3), 0, hint),
                call(interactions(rng, 9, 14, 0.4), 0, hint),
                call(interactions(rng, 700, 6, 0.7), 0, f"{hint}; общих зрителей бывают сотни"),
            ),
        ),
        Property(
            "сжатие",
            1,
            (
                call(interactions(rng, 25, 10, 0.3), 3, kind),
                call(interactions(rng, 30, 9, 0.4), 4, f"{kind}; граница входит"),
            ),
        ),
        Property(
            "диагональ и объекты без зрителей",
            1,
            (Call("similarity", (sp.csr_array(cold), 0), holds(zeros)),),
        ),
        Property(
            "считаются люди",
            0.5,
            (
                call(counts, 0, "число в ячейке не важно: общих зрителей считают по людям"),
                Call(
                    "similarity", (written_out, 0), equals(people, "записанный ноль — не просмотр")
                ),
            ),
        ),
    ]


def lists_of(
    S: np.ndarray, history: np.ndarray, seen: np.ndarray, n_neighbours: int, n: int
) -> np.ndarray:
    """Списки по определению, объект за объектом."""
    lists = np.full((len(history), n), -1)
    kept = np.zeros(S.shape)
    for target in range(len(S)):
        best = sorted(range(len(S)), key=lambda source: (-S[source, target], source))
        for source in best[:n_neighbours]:
            kept[source, target] = S[source, target]
    for user, row in enumerate(history):
        score = [sum(kept[i, j] for i in np.flatnonzero(row)) for j in range(len(S))]
        able = [j for j in range(len(S)) if score[j] > 0 and not seen[user, j]]
        best = sorted(able, key=lambda j: (-round(score[j], 10), j))[:n]
        lists[user, : len(best)] = best
    return lists


def repair(values: Variant, rng: np.random.Generator) -> list[Property]:
    size = 14

    def similarities(share: float = 1.0) -> np.ndarray:
        S = rng.random((size, size)) * (rng.random((size, size)) < share)
        np.fill_diagonal(S, 0)
        return S

    def call(
        S: np.ndarray, X: np.ndarray, seen: np.ndarray, k: int, n: int, whole: bool, hint: str
    ) -> Call:
        right = lists_of(S, X, seen, k, n)
        arguments = (S, sp.csr_array(X), sp.csr_array(seen), k, n)
        if whole:
            return Call("recommend", arguments, equals(right, hint))
        filled = right >= 0

        # Что стоит после объектов с голосами, — дело другого свойства.
        def beginning(answer: object) -> str:
            return equals(right[filled], hint)(numbers(answer, right.shape)[filled])

        return Call("recommend", arguments, holds(beginning))

    def histories(n_users: int, share: float, n_items: int = size) -> np.ndarray:
        X = (rng.random((n_users, n_items)) < share).astype(float)
        X[:, 0] = 1
        return X

    X = histories(8, 0.3)
    truncated = call(
        similarities(), X, X, 3, size, False, "соседей отсекают у каждой цели, то есть в столбце"
    )
    # Сходства кратны четверти: сумма точна при любом порядке, и равные равны.
    S = rng.integers(1, 5, (60, 60)) / 4
    np.fill_diagonal(S, 0)
    X = histories(8, 0.3, 60)
    tied = call(S, X, X, 3, 60, False, "из равных источников остаётся меньший номер")
    X = histories(8, 0.35)
    counts = X * rng.integers(1, 9, X.shape)
    voted = call(
        similarities(), counts, X, size, size, False, "у каждого фильма истории один голос"
    )
    X = histories(8, 0.25)
    seen = np.maximum(X, histories(8, 0.3))
    full = call(similarities(), X, seen, size, 4, True, "сначала уберите просмотренное")
    S = np.zeros((size, size))
    half = size // 2
    S[:half, :half], S[half:, half:] = similarities()[:half, :half], similarities()[half:, half:]
    X = histories(6, 0.5)
    X[:, half:] = 0
    silent = call(S, X, X, size, size, True, "фильм, за который никто не голосовал, не советуют")
    return [
        Property("отсечение по цели", 1, (truncated, tied)),
        Property("один фильм — один голос", 1, (voted,)),
        Property("список полон", 1, (full,)),
        Property("без голосов не советуют", 1, (silent,)),
    ]


def cosines() -> dict[str, str]:
    """Косинус со сжатием: верные и сломанные реализации."""
    frame = """
import numpy as np

def cosine(X, shrinkage):
    X = np.asarray(X, dtype=float)
    {prepare}
    G = X.T @ X
    n = {norm}
    n[n == 0] = {empty}
    with np.errstate(all="ignore"):
        S = {formula}
    {diagonal}
    return S
"""
    right = {
        "prepare": "pass",
        "norm": "np.sqrt(np.diag(G))",
        "empty": "1",
        "formula": "G / (np.outer(n, n) + shrinkage)",
        "diagonal": "np.fill_diagonal(S, 0)",
    }
    changed = {
        "right": {},
        "diagonal": {"diagonal": "pass"},
        "nan": {"empty": "0"},
        "no_root": {"norm": "np.diag(G).copy()"},
        "binary": {"prepare": "X = (X > 0) * 1.0"},
        "centred": {"prepare": "X = X - X.mean(axis=0)"},
        "significance": {"formula": "G / np.outer(n, n) * G / np.maximum(G + shrinkage, 1e-12)"},
    }
    sources = {name: frame.format(**{**right, **change}) for name, change in changed.items()}
    sources["right_too"] = """
import numpy as np

def cosine(X, shrinkage):
    columns = [list(map(float, column)) for column in np.asarray(X).T]
    S = np.zeros((len(columns), len(columns)))
    for i, a in enumerate(columns):
        for j, b in enumerate(columns):
            top = sum(x * y for x, y in zip(a, b))
            length = (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5
            if i != j and top != 0:
                S[i, j] = top / (length + shrinkage)
    return S
"""
    return sources


def write_a_check(values: Variant, rng: np.random.Generator) -> list[Property]:
    sources = cosines()

    def calls(broken: str) -> tuple[Call, ...]:
        right = (
            "верная реализация отвергнута: сравнивайте числа с допуском, а не на точное равенство"
        )
        wrong = "сломанная реализация принята: на ваших таблицах ошибка не видна"
        return (
            Call("right_cosine", (Code("cosine", sources["right"]),), boolean(True, right)),
            Call("right_cosine", (Code("cosine", sources["right_too"]),), boolean(True, right)),
            Call("right_cosine", (Code("cosine", sources[broken]),), boolean(False, wrong)),
        )

    return [
        Property("ловит ненулевую диагональ", 0.5, calls("diagonal")),
        Property("ловит nan у объекта без зрителей", 1, calls("nan")),
        Property("ловит норму без корня", 0.5, calls("no_root")),
        Property("ловит потерянные числа в ячейках", 0.5, calls("binary")),
        Property("ловит вычтенное среднее", 0.5, calls("centred")),
        Property("ловит сжатие другого вида", 1, calls("significance")),
    ]


def farm(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Зрители с группами вкусов и накрутка: учётные записи с одними и теми же длинными списками."""
    n_items, n_groups, own = 120, 6, 20
    items = rng.permutation(n_items).reshape(n_groups, own)
    popular = 1 / np.arange(1, own + 1) ** 0.7
    X, test = np.zeros((300, n_items)), np.zeros((300, n_items))
    for user in range(240):
        chosen = rng.choice(items[user % n_groups], 10, replace=False, p=popular / popular.sum())
        test[user, chosen[:3]] = 1
        X[user, chosen[3:]] = 1
        X[user, rng.choice(n_items, 2, replace=False)] = 1
        test[user, X[user] > 0] = 0
    promoted = [rng.choice(n_items, 60, replace=False) for _ in range(3)]
    for user in range(240, 300):
        X[user, promoted[user % 3]] = rng.random(60) < 0.9
    order = rng.permutation(300)
    return X[order], test[order]


def found(S: np.ndarray, X: np.ndarray, test: np.ndarray) -> float:
    """Полнота первых десяти мест у тех, у кого есть тестовые объекты."""
    scores = np.where(X > 0, -np.inf, X @ S)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    n = test.sum(axis=1)
    return float((np.take_along_axis(test, best, axis=1).sum(axis=1)[n > 0] / n[n > 0]).mean())


def reference(X: np.ndarray, budget: int, weigh: bool) -> np.ndarray:
    """Косинус с отсечением по цели; ``weigh`` — голос зрителя тем слабее, чем длиннее история."""
    size = X.sum(axis=1)
    W = X * np.log(X.shape[1] / np.maximum(size, 1))[:, None] if weigh else X
    lengths = np.linalg.norm(W, axis=0)
    S = W.T @ W / np.maximum(np.outer(lengths, lengths), 1e-12)
    np.fill_diagonal(S, 0)
    for target in range(len(S)):
        S[np.argsort(-S[:, target], kind="stable")[budget:], target] = 0
    return S


def within_budget(values: Variant, n_items: int, answer: object) -> np.ndarray:
    """Присланные веса; веса вне правил отвергаются."""
    S = numbers(answer, (n_items, n_items))
    if not np.isfinite(S).all():
        raise Refusal("среди весов есть nan или бесконечность")
    if np.diag(S).any():
        raise Refusal("на диагонали не нули")
    most = int(np.count_nonzero(S, axis=0).max())
    if most > values["budget"]:
        raise Refusal(f"в столбце {most} ненулевых чисел, а бюджет {values['budget']}")
    return S


def worth_of(values: Variant, X: np.ndarray, test: np.ndarray, answer: object) -> float:
    """Полнота с присланными весами."""
    return found(within_budget(values, X.shape[1], answer), X, test)


def bound(values: Variant, rng: np.random.Generator) -> list[Property]:
    what = "полнота первых десяти мест"
    better, close = [], []
    for _ in range(2):
        X, test = farm(rng)
        plain = found(reference(X, values["budget"], False), X, test)
        weighed = found(reference(X, values["budget"], True), X, test)
        popular = found(np.tile(X.sum(axis=0), (X.shape[1], 1)), X, test)
        measure = functools.partial(worth_of, values, X, test)
        arguments = (sp.csr_array(X), values["budget"])
        better.append(Call("neighbours", arguments, at_least(measure, 1.2 * popular, what)))
        worth = max(0.85 * weighed, (plain + weighed) / 2)
        close.append(Call("neighbours", arguments, at_least(measure, worth, what)))
    # У двадцати фильмов одни и те же зрители: веса равны, а бюджет тот же.
    twins = farm(rng)[0]
    twins[:, :20] = twins[:, [0]]

    def kept(answer: object) -> str:
        within_budget(values, twins.shape[1], answer)
        return ""

    better.append(Call("neighbours", (sp.csr_array(twins), values["budget"]), holds(kept)))
    return [
        Property("бюджет соблюдён, и это лучше популярного", 1, tuple(better)),
        Property("накрутка обезврежена", 2, tuple(close)),
    ]


ASSIGNMENT = Assignment(
    name="01_item_knn",
    title="Соседи, которых не купишь",
    minutes=110,
    variant=variant,
    tasks=(
        Task("1", "Сходство с направлением на бумаге", 2, ("by_hand",), by_hand),
        Task("2", "Сходства всех пар", 4, ("similarity",), similarity),
        Task("3", "Почините рекомендации", 4, ("recommend",), repair),
        Task("4", "Проверка косинуса", 4, ("right_cosine",), write_a_check),
        Task("5", "Накрутка и бюджет соседей", 3, ("neighbours",), bound),
        Task("6", "Кому поможет направление", 3),
    ),
)
