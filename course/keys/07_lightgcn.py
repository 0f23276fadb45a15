"""Ключ задания 07: что проверено в каждой задаче и сколько это стоит."""

import functools

import numpy as np
import scipy.sparse as sp

from course.assignment import Assignment, Call, Code, Property, Task, Variant
from course.judges import at_least, boolean, equals, holds, numbers, part, recall, recall_of
from recsys_lessons.synthetic import make_clusters

# canary: e40a95b7d81c2f63

SIZES = (600, 200, 8, 15, 0.6)  # зрители, фильмы, группы, длина истории, верность группе
N_HIDDEN = 6
LAYER_WEIGHTS = (1, 0.5, 0.25)


def variant(rng: np.random.Generator) -> Variant:
    """Показатели узлов ребра; таблица и числа для счёта на бумаге."""
    exponents = ((1.0, 0.0), (0.0, 1.0), (0.75, 0.25), (0.25, 0.75))
    a, b = exponents[int(rng.integers(4))]
    while True:
        table = (rng.random((3, 3)) < 0.6).astype(int)
        user = int(rng.integers(3))
        z = rng.choice(np.arange(1, 13), 6, replace=False)
        k_users, k_items = table.sum(axis=1), table.sum(axis=0)
        # У каждого есть рёбра, у зрителя их два, и соседи у узлов в разном числе.
        if min(k_users.min(), k_items.min()) < 1 or k_users[user] != 2:
            continue
        if len({int(k) for k in k_items[table[user] > 0]}) == 2 and len(set(k_users)) > 1:
            break
    return {
        "receiver": a,
        "sender": b,
        "toy": table.tolist(),
        "toy_z": z.tolist(),
        "toy_user": user,
    }


def layer_of(X: np.ndarray, a: float, b: float) -> np.ndarray:
    """Плотная матрица слоя по определению; узлы без рёбер — нули."""
    n_users, n_items = X.shape
    A = np.zeros((n_users + n_items, n_users + n_items))
    A[:n_users, n_users:] = X != 0
    A[n_users:, :n_users] = (X != 0).T
    k = np.maximum(A.sum(axis=1), 1)
    return A * (k**-a)[:, None] * (k**-b)[None, :]


def mixture(layer: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Матрица M: готовые представления равны M на слой 0."""
    powers = [np.linalg.matrix_power(layer, length) for length in range(len(weights))]
    return np.tensordot(weights, powers, axes=1)


def by_hand(values: Variant, rng: np.random.Generator) -> list[Property]:
    layer = layer_of(np.array(values["toy"]), values["receiver"], values["sender"])
    z, user = np.array(values["toy_z"], dtype=float), values["toy_user"]
    first, second = layer @ z, layer @ (layer @ z)
    ready = mixture(layer, np.array(LAYER_WEIGHTS)) @ z

    def call(place: int, right: np.ndarray, hint: str) -> tuple[Call, ...]:
        return (Call("by_hand", (), part(place, equals(right[user], hint, rtol=1e-3), (3,))),)

    return [
        Property("слой 1", 0.5, call(0, first, "число соседей отправителя — зрители фильма")),
        Property("слой 2", 1, call(1, second, "фильмы собирают слой 1 от всех своих зрителей")),
        Property("готовое число", 0.5, call(2, ready, "слои 0, 1, 2 со своими весами")),
    ]


def graph(rng: np.random.Generator, n_users: int, n_items: int) -> np.ndarray:
    """Таблица единиц, в каждой строке и в каждом столбце хоть одна."""
    X = (rng.random((n_users, n_items)) < 0.3).astype(float)
    X[np.arange(n_users), rng.integers(n_items, size=n_users)] = 1
    X[rng.integers(n_users, size=n_items), np.arange(n_items)] = 1
    return X


def there_and_back(values: Variant, rng: np.random.Generator) -> list[Property]:
    a, b = values["receiver"], values["sender"]

    def call(
        function: str, X: np.ndarray, n_layers: int, hint: str, table: sp.csr_array | None = None
    ) -> Call:
        """Вызов на таблице ``X`` или на её записи ``table``."""
        Z, weights = rng.normal(size=(sum(X.shape), 3)), rng.uniform(0.1, 1, n_layers + 1)
        M = mixture(layer_of(X, a, b), weights)
        right = M @ Z if function == "propagate" else M.T @ Z
        table = sp.csr_array(X) if table is None else table
        return Call(function, (table, Z, weights), equals(right, hint))

    def written(X: np.ndarray) -> sp.csr_array:
        """CSR, в которой часть нулей записана."""
        places = (X != 0) | (rng.random(X.shape) < 0.3)
        places[:, 0] = True
        rows, columns = places.nonzero()
        return sp.csr_array((X[rows, columns], (rows, columns)), shape=X.shape)

    gaps = graph(rng, 9, 7) * rng.integers(1, 6, (9, 7))
    gaps[[2, 5]] = 0
    gaps[:, 3] = 0
    signed = graph(rng, 8, 6) * rng.choice([-2.5, -1, 1, 0.5], (8, 6))
    signed[[1, 4]] = 0
    there = "слой l входит с весом weights[l]; строка матрицы — получатель"
    back = "градиент идёт по рёбрам назад: отправитель и получатель меняются местами"
    edge = "считают соседей, а не числа в ячейках; без рёбер остаётся слой 0"
    return [
        Property(
            "вперёд",
            1.5,
            (
                call("propagate", graph(rng, 9, 7), 1, there),
                call("propagate", graph(rng, 8, 11), 3, there),
            ),
        ),
        Property(
            "назад",
            1.5,
            (
                call("backward", graph(rng, 9, 7), 1, back),
                call("backward", graph(rng, 8, 11), 3, back),
            ),
        ),
        Property(
            "узлы без рёбер, числа в ячейках, один слой",
            0.5,
            (
                call("propagate", gaps.astype(np.int64), 2, edge),
                call("propagate", signed, 2, "ребро — любая ячейка не ноль, и отрицательная"),
                call("propagate", gaps, 2, "записанный ноль — не ребро", written(gaps)),
                call("propagate", graph(rng, 6, 5), 0, "weights из одного числа — без слоёв"),
            ),
        ),
        Property("большой граф", 0.5, (large(rng, a, b),)),
    ]


def large(rng: np.random.Generator, a: float, b: float) -> Call:
    """Граф, плотная матрица которого заняла бы 720 ГБ."""
    n_users, n_items = 200_000, 100_000
    users = np.repeat(np.arange(n_users), 2)
    items = np.ravel(np.column_stack([np.arange(n_users) % n_items, rng.permutation(n_users) // 2]))
    X = sp.csr_array((np.ones(len(users)), (users, items)), shape=(n_users, n_items))
    X.data[:] = 1
    rows, columns = X.nonzero()
    columns = columns + n_users
    k = np.bincount(np.concatenate([rows, columns]), minlength=n_users + n_items)
    Z = rng.normal(size=(n_users + n_items, 2))
    sent = Z * (k**-b)[:, None]
    got = np.zeros_like(Z)
    np.add.at(got, rows, sent[columns])
    np.add.at(got, columns, sent[rows])
    right = 0.5 * Z + 2 * got * (k**-a)[:, None]
    hint = "матрица слоя разреженная; плотная не поместится"
    return Call("propagate", (X, Z, np.array([0.5, 2])), equals(right, hint))


def objective(
    X: np.ndarray, Z: np.ndarray, Z0: np.ndarray, triples: np.ndarray, l2: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """Потеря пакета и её градиенты: тройка за тройкой, по определению."""
    kept = [one for one in triples.tolist() if not X[one[0], one[2]]]
    loss, gradient, penalty = 0.0, np.zeros_like(Z), np.zeros_like(Z0)
    for user, liked, other in kept:
        u, i, j = user, len(X) + liked, len(X) + other
        margin = float(Z[u] @ (Z[i] - Z[j]))
        loss += float(np.logaddexp(0, -margin))
        pull = -float(np.exp(-np.logaddexp(0, margin)))
        gradient[u] += pull * (Z[i] - Z[j])
        gradient[i] += pull * Z[u]
        gradient[j] -= pull * Z[u]
        for node in (u, i, j):
            loss += l2 / 2 * float(Z0[node] @ Z0[node])
            penalty[node] += l2 * Z0[node]
    return loss / len(kept), gradient / len(kept), penalty / len(kept)


def repair(values: Variant, rng: np.random.Generator) -> list[Property]:
    X = (rng.random((12, 16)) < 0.3).astype(float)
    # У каждого есть и свой фильм, и чужой.
    X[:, 0], X[:, 15] = 1, 0
    few = rng.permutation(12)[:4]
    pairs = 1 + rng.permutation(14)[:8].reshape(4, 2)
    distinct = np.column_stack([few, pairs])  # ни один узел не повторяется
    honest, cheated = X.copy(), X.copy()
    for table, false in ((honest, 0), (cheated, [0, 1, 0, 1])):
        table[few, pairs[:, 0]] = 1
        table[few, pairs[:, 1]] = false

    def repeated() -> np.ndarray:
        """Тройки без ложных, где каждый пользователь встречается трижды."""
        found = []
        for user in rng.permutation(np.repeat(few, 3)):
            liked, other = (rng.choice(np.flatnonzero(X[user] == own)) for own in (1, 0))
            found.append([int(user), int(liked), int(other)])
        return np.array(found)

    def calls(
        table: np.ndarray,
        triples: np.ndarray,
        l2: float,
        places: tuple[int, ...],
        hint: str,
        Z: np.ndarray | None = None,
    ) -> tuple[Call, ...]:
        Z = rng.normal(0, 0.7, (28, 3)) if Z is None else Z
        Z0 = rng.normal(0, 0.7, (28, 3))
        right = objective(table, Z, Z0, triples, l2)
        arguments = (sp.csr_array(table), Z, Z0, triples, l2)
        names = ("потеря", "градиент потери", "градиент штрафа")
        return tuple(
            Call("batch", arguments, part(place, equals(right[place], f"{names[place]}: {hint}")))
            for place in places
        )

    # Отрывы ±1500 и больше: переполнение бывает с одной стороны, поэтому нужны обе.
    far = rng.normal(0, 30, (28, 3))
    u, i, j = distinct.T + np.array([[0], [12], [12]])
    wanted = np.array([-1, 1, -1, 1]) * rng.uniform(1500, 3000, 4)
    margin = (far[u] * (far[i] - far[j])).sum(axis=1)
    far[i] += far[u] * ((wanted - margin) / (far[u] ** 2).sum(axis=1))[:, None]

    often = "строка входит столько раз, сколько троек её содержат"
    return [
        Property(
            "повторы узлов", 1, calls(X, repeated(), 0.3, (1,), "узел бывает в нескольких тройках")
        ),
        Property(
            "любой отрыв", 1, calls(honest, distinct, 0.0, (0, 1), "отрыв бывает и −1000", far)
        ),
        Property("штраф", 1, calls(X, repeated(), 0.8, (0, 2), often)),
        Property(
            "ложные тройки",
            1,
            calls(cheated, distinct, 0.4, (0, 1, 2), "j из истории — тройку выбрасывают"),
        ),
    ]


def samplers() -> dict[str, str]:
    """Выбор отрицательных примеров: верные и сломанные реализации."""
    retry = """
import numpy as np

def sample(X, users, rng):
    own = X.toarray() > 0
    users = np.asarray(users)
    n_items = X.shape[1]
    drawn = rng.integers(n_items, size=len(users))
    bad = own[users, drawn]
    {repeat}
    return drawn
"""
    repeats = {
        "right": """while bad.any():
        drawn[bad] = rng.integers(n_items, size=bad.sum())
        bad = own[users, drawn]""",
        "catalogue": "pass",
        "once": "drawn[bad] = rng.integers(n_items, size=bad.sum())",
        "shifted": """while bad.any():
        drawn[bad] = (drawn[bad] + 1) % n_items
        bad = own[users, drawn]""",
    }
    choose = """
import numpy as np

def sample(X, users, rng):
    users = np.asarray(users)
    drawn = np.zeros(len(users), dtype=int)
    for user in np.unique(users):
        others = np.setdiff1d(np.arange(X.shape[1]), X[[user]].indices)
        places = np.flatnonzero(users == user)
        drawn[places] = others[{place}]
    return drawn
"""
    places = {
        "right_too": "rng.integers(len(others), size=len(places))",
        "last": "rng.integers(max(len(others) - 1, 1), size=len(places))",
        "shared": "rng.integers(len(others))",
    }
    sources = {name: retry.format(repeat=repeat) for name, repeat in repeats.items()}
    return sources | {name: choose.format(place=place) for name, place in places.items()}


def write_a_check(values: Variant, rng: np.random.Generator) -> list[Property]:
    sources = samplers()

    def calls(broken: str) -> tuple[Call, ...]:
        right = "верная реализация отвергнута: у случайных частот есть разброс"
        wrong = "сломанная реализация принята: на вашей таблице ошибка не видна"
        return (
            Call("right_sampler", (Code("sample", sources["right"]),), boolean(True, right)),
            Call("right_sampler", (Code("sample", sources["right_too"]),), boolean(True, right)),
            Call("right_sampler", (Code("sample", sources[broken]),), boolean(False, wrong)),
        )

    return [
        Property("ловит выбор из всего каталога", 0.5, calls("catalogue")),
        Property("ловит единственную повторную попытку", 1, calls("once")),
        Property("ловит сдвиг к следующему номеру", 1, calls("shifted")),
        Property("ловит потерянный последний объект", 0.5, calls("last")),
        Property("ловит общий объект у повторов", 1, calls("shared")),
    ]


def untrained(values: Variant, rng: np.random.Generator) -> list[Property]:
    better, close = [], []
    for _ in range(2):
        X, group, film_group = make_clusters(*SIZES, seed=int(rng.integers(2**31)))
        whole = X.toarray()
        # У каждого спрятаны те из его фильмов, чьи случайные числа наибольшие.
        order = np.argsort(-whole * rng.random(whole.shape), axis=1)[:, :N_HIDDEN]
        hidden = np.zeros_like(whole)
        np.put_along_axis(hidden, order, 1, axis=1)
        known = whole - hidden
        crowd = known.sum(axis=0)
        popular = recall(np.tile(crowd, (len(known), 1)), known, hidden)
        best = recall(crowd * np.where(group[:, None] == film_group, 20, 1), known, hidden)
        measure, what = functools.partial(recall_of, known, hidden), "полнота первых десяти мест"
        arguments = (sp.csr_array(known),)
        better.append(Call("graph_scores", arguments, at_least(measure, 1.1 * popular, what)))
        border = popular + 0.7 * (best - popular)
        close.append(Call("graph_scores", arguments, at_least(measure, border, what)))

    gaps = graph(rng, 14, 12)
    gaps[[3, 9]] = 0
    gaps[:, [2, 7]] = 0

    def empty(answer: object) -> str:
        scores = numbers(answer, gaps.shape)
        if not np.isfinite(scores).all():
            return "среди баллов есть nan или бесконечность"
        if np.abs(scores[[3, 9]]).max() > 1e-9:
            return "у зрителя без истории баллы не нули"
        if np.abs(scores[:, [2, 7]]).max() > 1e-9:
            return "у фильма без зрителей баллы не нули"
        return "" if np.abs(scores).max() > 1e-9 else "все баллы нулевые"

    return [
        Property(
            "узлы без рёбер", 0.5, (Call("graph_scores", (sp.csr_array(gaps),), holds(empty)),)
        ),
        Property("лучше популярного", 0.5, tuple(better)),
        Property("близко к группам вкусов", 2, tuple(close)),
    ]


ASSIGNMENT = Assignment(
    name="07_lightgcn",
    title="Граф, который не симметричен",
    minutes=120,
    variant=variant,
    tasks=(
        Task("1", "Два шага на бумаге", 2, ("by_hand",), by_hand),
        Task("2", "Вперёд и назад", 4, ("propagate", "backward"), there_and_back),
        Task("3", "Почините счёт пакета", 4, ("batch",), repair),
        Task("4", "Проверка генератора", 4, ("right_sampler",), write_a_check, seconds=60),
        Task("5", "Списки без обучения", 3, ("graph_scores",), untrained, seconds=40),
        Task("6", "Кого поднимает нормировка", 3),
    ),
)
