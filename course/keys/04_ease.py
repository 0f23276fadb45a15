"""Ключ задания 04: что проверено в каждой задаче и сколько это стоит."""

import numpy as np
import scipy.sparse as sp

from course.assignment import Assignment, Call, Code, Property, Task, Variant
from course.judges import boolean, equals, holds, numbers, part

# canary: 2e95d1470bb6ac83


def variant(rng: np.random.Generator) -> Variant:
    """Игрушечная таблица, штраф и столбец для счёта на бумаге, закон весов пользователей."""
    while True:
        table = (rng.random((9, 3)) < 0.55).astype(int)
        common = table.T @ table
        target = int(rng.integers(3))
        others = [item for item in range(3) if item != target]
        # Все три фильма кто-то смотрел, и у цели с обоими прочими есть общие зрители.
        if common.diagonal().min() >= 2 and common[target, others].min() >= 1:
            break
    return {
        "toy": table.tolist(),
        "toy_l2": int(rng.integers(1, 10)),
        "toy_target": target,
        "activity": str(rng.choice(["inverse", "root", "log"])),
    }


def column(G: np.ndarray, j: int, l2: float, forbidden: np.ndarray) -> np.ndarray:
    """Столбец весов из системы без запрещённых строк: регрессия, по определению."""
    free = np.flatnonzero(~forbidden)
    b = np.zeros(len(G))
    if len(free):
        b[free] = np.linalg.solve(G[np.ix_(free, free)] + l2 * np.eye(len(free)), G[free, j])
    return b


def weights_of(G: np.ndarray, l2: float, groups: np.ndarray | None = None) -> np.ndarray:
    groups = np.arange(len(G)) if groups is None else groups
    columns = [column(G, j, l2, groups == groups[j]) for j in range(len(G))]
    return np.array(columns).T


def by_hand(values: Variant, rng: np.random.Generator) -> list[Property]:
    X = np.array(values["toy"], dtype=float)
    G, j, l2 = X.T @ X, values["toy_target"], values["toy_l2"]
    b = column(G, j, l2, np.arange(3) == j)
    right = np.append(b, G[j, j] - G[j] @ b)

    def weights(answer: object) -> str:
        hint = "решите систему двух уравнений: штраф стоит на диагонали"
        return equals(right[:3], hint, rtol=1e-3, atol=1e-6)(numbers(answer, (4,))[:3])

    multiplier = part(3, equals(right[3], "множитель — невязка столбца на месте j", 1e-3), (4,))
    return [
        Property("три веса", 1.5, (Call("by_hand", (), holds(weights)),)),
        Property("множитель", 0.5, (Call("by_hand", (), multiplier),)),
    ]


def histories(rng: np.random.Generator, n_users: int, n_items: int, share: float) -> np.ndarray:
    X = (rng.random((n_users, n_items)) < share * rng.uniform(0.4, 1.6, n_items)).astype(float)
    X[np.arange(n_users), rng.integers(n_items, size=n_users)] = 1
    return X


def user_weighting(values: Variant, rng: np.random.Generator) -> list[Property]:
    laws = {
        "inverse": lambda n: 1 / n,
        "root": lambda n: n**-0.5,
        "log": lambda n: 1 / np.log2(1 + n),
    }

    def activity(X: sp.csr_array, hint: str) -> Call:
        size = np.count_nonzero(X.toarray(), axis=1)
        right = np.where(size > 0, laws[values["activity"]](np.maximum(size, 1.0)), 0)
        return Call("user_weights", (X,), equals(right, hint))

    def call(X: np.ndarray, c: np.ndarray, l2: float, hint: str) -> Call:
        right = weights_of(X.T @ (c[:, None] * X), l2)
        return Call("weighted_ease", (sp.csr_array(X), c, l2), equals(right, hint))

    X, Y, Z = (histories(rng, 30, n_items, 0.35) for n_items in (9, 11, 8))
    idle = histories(rng, 12, 9, 0.4)
    idle[[3, 7]] = 0
    counted = histories(rng, 12, 9, 0.4) * rng.integers(1, 5, (12, 9))
    written = sp.csr_array(histories(rng, 12, 9, 0.4))
    written.data[rng.choice(written.nnz, 12, replace=False)] = 0
    edge = histories(rng, 25, 10, 0.35) * rng.integers(1, 4, (25, 10))
    edge[:, 4] = 0
    c = rng.uniform(0, 2, 25)
    c[rng.choice(25, 6, replace=False)] = 0
    whole = Call(
        "weighted_ease",
        (sp.csr_array(edge.astype(np.int64)), c, 3.0),
        equals(
            weights_of(edge.T @ (c[:, None] * edge), 3.0),
            "матрица целых, не одних единиц; фильм без зрителей",
        ),
    )
    return [
        Property(
            "веса пользователей",
            1,
            (
                activity(sp.csr_array(idle), "у пустой истории вес 0; закон — своего варианта"),
                activity(sp.csr_array(counted), "длина истории — число ненулевых ячеек"),
                activity(written, "ноль, записанный в X явно, — не взаимодействие"),
            ),
        ),
        Property(
            "все веса единицы — это EASE",
            1,
            (
                call(X, np.ones(30), 4.0, "делят столбец на H_jj; на диагонали нули"),
                call(Z, np.ones(30), 0.5, "делят столбец на H_jj; на диагонали нули"),
            ),
        ),
        Property(
            "разные веса",
            1,
            (
                call(
                    Y,
                    rng.uniform(0.1, 3, 30),
                    4.0,
                    "ошибка человека входит в сумму с множителем c_u — как он войдёт в G?",
                ),
            ),
        ),
        Property("целые числа, нулевые веса, фильм без зрителей", 1, (whole,)),
    ]


def twins(values: Variant, rng: np.random.Generator) -> list[Property]:
    def call(n_items: int, groups: np.ndarray, l2: float, hint: str) -> Call:
        X = histories(rng, 40, n_items, 0.35)
        G = X.T @ X
        return Call("without_twins", (G, l2, groups), equals(weights_of(G, l2, groups), hint))

    several = np.array([7, -2, -2, 7, 0, -2, 9, 7, -2, 11, 0, 30])
    mixed = "номера групп любые, объекты группы стоят не подряд, в группе бывает и один"
    return [
        Property(
            "каждый сам по себе — это EASE",
            1,
            (call(9, rng.permutation(9), 3.0, "если близнецов нет, ответ — обычный EASE"),),
        ),
        Property(
            "пары",
            1.5,
            (
                call(
                    10, np.repeat(np.arange(5), 2), 3.0, "обнулить готовые веса мало: решите заново"
                ),
            ),
        ),
        Property(
            "группы любого размера",
            1.5,
            (
                call(12, rng.permutation(several), 2.0, mixed),
                call(6, np.array([1, 1, 1, 1, 1, 1]), 2.0, "все в одной группе: все веса нули"),
            ),
        ),
    ]


def implementations() -> dict[str, str]:
    """EASE: верные и сломанные реализации."""
    frame = """
import numpy as np

def ease(X, l2):
    X = np.asarray(X, dtype=float)
    G = X.T @ X
    H = np.linalg.inv(G + {penalty} * np.eye(len(G)))
    B = {formula}
    {diagonal}
    return B
"""
    right = {"penalty": "l2", "formula": "-H / np.diag(H)", "diagonal": "np.fill_diagonal(B, 0)"}
    changed = {
        "right": {},
        "unconstrained": {"formula": "H @ G"},
        "by_rows": {"formula": "-H / np.diag(H)[:, None]"},
        "clipped": {"formula": "np.maximum(-H / np.diag(H), 0)"},
        "scaled": {"penalty": "l2 * len(X)"},
        "diagonal": {"diagonal": "pass"},
        "ridge": {"formula": "H @ G", "diagonal": "pass"},
    }
    sources = {name: frame.format(**{**right, **change}) for name, change in changed.items()}
    sources["right_too"] = """
import numpy as np

def ease(X, l2):
    X = np.asarray(X, dtype=float)
    B = np.zeros((X.shape[1], X.shape[1]))
    for j in range(X.shape[1]):
        rest = [i for i in range(X.shape[1]) if i != j]
        tall = np.vstack([X[:, rest], np.sqrt(l2) * np.eye(len(rest))])
        goal = np.append(X[:, j], np.zeros(len(rest)))
        B[rest, j] = np.linalg.lstsq(tall, goal, rcond=None)[0]
    return B
"""
    return sources


def write_a_check(values: Variant, rng: np.random.Generator) -> list[Property]:
    sources = implementations()

    def calls(*broken: str) -> tuple[Call, ...]:
        right = "верная реализация отвергнута: сравнивайте невязку с допуском"
        wrong = "сломанная реализация принята: её веса не минимум задачи"
        return (
            Call("right_ease", (Code("ease", sources["right"]),), boolean(True, right)),
            Call("right_ease", (Code("ease", sources["right_too"]),), boolean(True, right)),
            *(
                Call("right_ease", (Code("ease", sources[one]),), boolean(False, wrong))
                for one in broken
            ),
        )

    return [
        Property("ловит решение без ограничения", 1, calls("unconstrained")),
        Property("ловит деление строк", 1, calls("by_rows")),
        Property("ловит обрезанные отрицательные веса", 1, calls("clipped")),
        Property("ловит чужой масштаб штрафа", 0.5, calls("scaled")),
        Property("ловит ненулевую диагональ", 0.5, calls("diagonal", "ridge")),
    ]


def planted(rng: np.random.Generator, n_users: int, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """Две группы вкусов: обучающая и валидационная части, у каждого есть обе; длины разные."""
    train, validation = np.zeros((2, n_users, n_items))
    taste = np.arange(n_items) % 2
    for user in range(n_users):
        chance = np.where(taste == user % 2, 0.55, 0.12) * rng.uniform(0.5, 1.5, n_items)
        own = rng.permutation(np.flatnonzero(rng.random(n_items) < chance))
        own = own if len(own) >= 4 else rng.permutation(n_items)[:5]
        n_hidden = rng.integers(1, 4)
        validation[user, own[:n_hidden]] = 1
        train[user, own[n_hidden:]] = 1
    return train, validation


def recalls(
    train: np.ndarray,
    validation: np.ndarray,
    seen: np.ndarray,
    grid: list[float],
    k: int,
    known: float = -np.inf,
) -> np.ndarray:
    """Полнота каждого, у кого есть валидационная часть: строка на штраф.

    :param known: балл просмотренного
    """
    found = []
    for l2 in grid:
        scores = np.where(seen > 0, known, train @ weights_of(train.T @ train, l2))
        best = np.argsort(-scores.round(10), axis=1, kind="stable")[:, :k]
        hits = np.take_along_axis(validation, best, axis=1).sum(axis=1)
        n = validation.sum(axis=1)
        found.append(hits[n > 0] / n[n > 0])
    return np.array(found)


def tuning(values: Variant, rng: np.random.Generator) -> list[Property]:
    grid = [3.0, 300.0, 0.3, 30.0]

    def call(
        train: np.ndarray, validation: np.ndarray, seen: np.ndarray, k: int, hint: str
    ) -> Call:
        right = recalls(train, validation, seen, grid, k).mean(axis=1)
        matrices = (sp.csr_array(train), sp.csr_array(validation), sp.csr_array(seen))
        return Call("choose_l2", (*matrices, grid, k), part(1, equals(right, hint)))

    # Просмотренному мало дать балл 0: неудачные непросмотренные фильмы окажутся ниже.
    while True:
        train, validation = planted(rng, 40, 16)
        parts = train, validation, train, grid, 8
        if (recalls(*parts).mean(axis=1) != recalls(*parts, known=0).mean(axis=1)).any():
            break
    while True:
        other, later = planted(rng, 40, 16)
        later[::3] = 0
        other[1::6] = 0
        seen = np.maximum(other, (rng.random(other.shape) < 0.3) * (1 - later))
        parts = other, later, seen, grid, 4
        if (recalls(*parts).mean(axis=1) != recalls(*parts, known=0).mean(axis=1)).any():
            break
    # Большие штрафы дают каждому один и тот же список, и полнота больше, чем при малом.
    large = [1e4, 1e-3, 1e5, 1e3]
    while True:
        same, after = planted(rng, 40, 16)
        each = recalls(same, after, same, large, 4)
        if (each[[0, 2]] == each[3]).all() and each[3].mean() > each[1].mean():
            break
    largest = equals(1e5, "при равной полноте берут наибольший штраф")
    matrices = (sp.csr_array(same), sp.csr_array(after), sp.csr_array(same))
    ties = Call("choose_l2", (*matrices, large, 4), part(0, largest))
    return [
        Property(
            "полнота для каждого штрафа",
            1.5,
            (
                call(train, validation, train, 4, "уберите просмотренное; учите на обучающей"),
                call(train, validation, train, 8, "балл бывает и меньше нуля"),
                call(train, validation, train, 1, "полнота — h/n, и при n больше k тоже"),
            ),
        ),
        Property(
            "низкие оценки и люди без валидационной части",
            1,
            (
                call(
                    other,
                    later,
                    seen,
                    4,
                    "seen шире train; без валидационной части человек не в среднем, а с пустой "
                    "историей — в нём: все баллы равны, раньше меньший номер",
                ),
            ),
        ),
        Property("при равной полноте — больший штраф", 0.5, (ties,)),
    ]


ASSIGNMENT = Assignment(
    name="04_ease",
    title="Веса, которые запрещены",
    minutes=120,
    variant=variant,
    tasks=(
        Task("1", "Один столбец на бумаге", 2, ("by_hand",), by_hand),
        Task("2", "Зрители с разным весом", 4, ("user_weights", "weighted_ease"), user_weighting),
        Task("3", "Близнецы", 4, ("without_twins",), twins),
        Task("4", "Проверка минимума", 4, ("right_ease",), write_a_check),
        Task("5", "Штраф по валидационной части", 3, ("choose_l2",), tuning),
        Task("6", "Кого взвешивать", 3),
    ),
)
