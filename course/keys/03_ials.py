"""Ключ задания 03: что проверено в каждой задаче и сколько это стоит."""

import functools
from collections.abc import Callable

import numpy as np
import scipy.optimize
import scipy.sparse as sp

from course.assignment import Assignment, Call, Property, Task, Variant
from course.judges import at_least, equals, holds, numbers, part, recall, recall_of
from recsys_lessons.splits import held_out_users
from recsys_lessons.synthetic import make_clusters

# canary: 7c1f0b62d4e98a35

SIZES = (500, 120, 6, 15, 0.65)  # зрители, фильмы, группы, длина истории, верность группе
N_NEW = 100
LAWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "root": lambda n: n**0.5,
    "log": lambda n: np.log2(1 + n),
    "linear": lambda n: n,
}


def variant(rng: np.random.Generator) -> Variant:
    """Фильмы, история и веса для счёта на бумаге; закон веса пустой ячейки."""
    while True:
        films = rng.integers(0, 3, (4, 2))
        order = rng.permutation(4)
        history = np.sort(order[:2])
        weights = rng.permutation([1, 2, 3])[:2]
        empty = rng.permutation([0.25, 0.5, 1.0, 1.5])
        # Векторы разные и ненулевые, у фильмов истории разные направления, цель не нуль.
        if empty[order[2]] == 1:
            continue  # балл неотличим от балла, умноженного на этот вес
        if len({tuple(film) for film in films.tolist()}) < 4 or not films.any(axis=1).all():
            continue
        if abs(np.linalg.det(films[history])) < 0.5:
            continue
        l2 = float(rng.choice([0.25, 0.5, 1.0, 2.0]))
        p = row(films.astype(float), history, weights, empty, l2)
        # Неверное отличимо от верного: обе координаты и балл — не ноль.
        if np.abs(p).min() > 0.02 and abs(p @ films[order[2]]) > 0.02:
            break
    return {
        "toy_films": films.tolist(),
        "toy_empty": empty.tolist(),
        "toy_history": history.tolist(),
        "toy_weights": weights.tolist(),
        "toy_l2": l2,
        "toy_target": int(order[2]),
        "law": str(rng.choice(["root", "log", "linear"])),
    }


def row(
    Q: np.ndarray, history: np.ndarray, weights: np.ndarray, s: np.ndarray, l2: float
) -> np.ndarray:
    """Вектор зрителя как обычные наименьшие квадраты: строка на каждое слагаемое цели."""
    tall = [
        np.sqrt(weights)[:, None] * Q[history],
        np.sqrt(s)[:, None] * Q,
        np.sqrt(l2) * np.eye(Q.shape[1]),
    ]
    goal = np.append(np.sqrt(weights), np.zeros(len(Q) + Q.shape[1]))
    return np.linalg.lstsq(np.vstack(tall), goal, rcond=None)[0]


def rows(X: np.ndarray, Q: np.ndarray, s: np.ndarray, l2: np.ndarray) -> np.ndarray:
    """Векторы всех строк: ``s`` — веса пустых ячеек ``(n_rows, n_columns)``."""
    found = []
    for weights, empty, penalty in zip(X, s, l2, strict=True):
        own = np.flatnonzero(weights)
        found.append(row(Q, own, weights[own].astype(float), empty, float(penalty)))
    return np.array(found)


def by_hand(values: Variant, rng: np.random.Generator) -> list[Property]:
    Q = np.array(values["toy_films"], dtype=float)
    weights, s = np.array(values["toy_weights"], dtype=float), np.array(values["toy_empty"])
    p = row(Q, np.array(values["toy_history"]), weights, s, values["toy_l2"])
    score = p @ Q[values["toy_target"]]

    def vector(answer: object) -> str:
        hint = "слева — веса истории, веса всех пустых ячеек и штраф; справа — только история"
        return equals(p, hint, rtol=1e-3, atol=1e-6)(numbers(answer, (3,))[:2])

    target = part(2, equals(score, "балл — скалярное произведение", rtol=1e-3), (3,))
    return [
        Property("вектор зрителя", 1.5, (Call("by_hand", (), holds(vector)),)),
        Property("балл", 0.5, (Call("by_hand", (), target),)),
    ]


def histories(
    rng: np.random.Generator, n_users: int, n_items: int, share: float = 0.3
) -> np.ndarray:
    """Единицы, в каждой строке и в каждом столбце хоть одна."""
    X = (rng.random((n_users, n_items)) < share).astype(float)
    X[np.arange(n_users), rng.integers(n_items, size=n_users)] = 1
    X[rng.integers(n_users, size=n_items), np.arange(n_items)] = 1
    return X


def weighted(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    return X * rng.integers(1, 5, X.shape)


def without(X: np.ndarray, users: list[int], items: list[int]) -> np.ndarray:
    """Строки и столбцы без взаимодействий."""
    X = X.copy()
    X[users] = 0
    X[:, items] = 0
    return X


def objective(X: np.ndarray, P: np.ndarray, Q: np.ndarray, s: np.ndarray, l2: float) -> float:
    """Цель по определению, с таблицей баллов."""
    table = P @ Q.T
    total = (X * (table - 1) ** 2).sum() + (s * table**2).sum()
    return float(total + l2 * ((P**2).sum() + (Q**2).sum()))


def two_steps(values: Variant, rng: np.random.Generator) -> list[Property]:
    law = LAWS[values["law"]]

    def empty_call(X: sp.csr_array, alpha0: float, hint: str) -> Call:
        f = law(np.count_nonzero(X.toarray(), axis=0).astype(float))
        return Call("empty_weights", (X, alpha0), equals(alpha0 * f / f.mean(), hint))

    def users_call(X: np.ndarray, d: int, l2: float, hint: str) -> Call:
        Q, s = rng.normal(0, 0.6, (X.shape[1], d)), rng.uniform(0.05, 1.5, X.shape[1])
        right = rows(X, Q, np.tile(s, (len(X), 1)), np.full(len(X), l2))
        return Call("users_step", (sp.csr_array(X), Q, s, l2), equals(right, hint))

    def items_call(X: np.ndarray, d: int, l2: float, hint: str) -> Call:
        P = rng.normal(0, 0.6, (X.shape[0], d))
        s: np.ndarray = rng.uniform(0.05, 1.5, (X.shape[1],))
        empty = np.tile(s[:, None], (1, len(X)))
        right = rows(X.T, P, empty, np.full(X.shape[1], l2))
        return Call("items_step", (sp.csr_array(X), P, s, l2), equals(right, hint))

    def loss_call(X: np.ndarray) -> Call:
        P, Q = rng.normal(size=(14, 3)), rng.normal(size=(9, 3))
        s, l2 = rng.uniform(0.05, 1.5, 9), 0.7
        hint = "три слагаемых; второе — по всем ячейкам, заполненным тоже"
        right = equals(objective(X, P, Q, s, l2), hint)
        return Call("loss", (sp.csr_array(X), P, Q, s, l2), right)

    counted = weighted(rng, histories(rng, 12, 8))
    lonely = without(histories(rng, 12, 8), [], [3])
    written = sp.csr_array(weighted(rng, histories(rng, 12, 8)))
    written.data[rng.choice(written.nnz, 9, replace=False)] = 0
    gaps = without(weighted(rng, histories(rng, 11, 9)), [2, 7], [4]).astype(np.int64)
    full, holes = (weighted(rng, histories(rng, 14, 9)) for _ in range(2))
    ones, many = histories(rng, 15, 10), weighted(rng, histories(rng, 15, 10))
    general = "общая часть — сумма s_i q_i q_iᵀ по всем фильмам, вес x_ui слева и справа"
    own = "у каждого фильма свой вес пустой ячейки: он умножает PᵀP"
    edge = "строке и столбцу без взаимодействий — нули; матрица целых чисел"
    return [
        Property(
            "веса пустых ячеек",
            0.75,
            (
                empty_call(sp.csr_array(counted), 0.4, "n_i — число зрителей, а не сумма весов"),
                empty_call(
                    sp.csr_array(lonely),
                    1.2,
                    "среднее — по всему каталогу; фильм без зрителей в нём есть",
                ),
                empty_call(written, 0.7, "ноль, записанный в X явно, — не зритель"),
            ),
        ),
        Property(
            "полупроход зрителей",
            1,
            (users_call(ones, 3, 0.5, general), users_call(many, 4, 2.0, general)),
        ),
        Property(
            "полупроход фильмов",
            1.5,
            (items_call(ones, 3, 0.5, own), items_call(many, 4, 2.0, own)),
        ),
        Property(
            "пустые строки и столбцы, целые числа",
            0.5,
            (users_call(gaps, 3, 0.8, edge), items_call(gaps, 3, 0.8, edge)),
        ),
        Property("потери", 0.75, (loss_call(full), loss_call(without(holes, [3, 8], [6])))),
        Property("потери без таблицы баллов", 0.5, (large(rng),)),
    ]


def large(rng: np.random.Generator) -> Call:
    """Потери, для которых таблица баллов заняла бы 320 ГБ."""
    n = 200_000
    users, items = np.arange(n), rng.permutation(n)
    weights = rng.integers(1, 4, n).astype(float)
    X = sp.csr_array((weights, (users, items)), shape=(n, n))
    P, Q = rng.normal(size=(n, 2)), rng.normal(size=(n, 2))
    s = rng.uniform(0.1, 1, n)
    fit = (P * Q[items]).sum(axis=1)
    # Σ_u Σ_i s_i (p_u·q_i)² = Σ_i s_i q_iᵀ(PᵀP)q_i.
    whole = (s * ((Q @ (P.T @ P)) * Q).sum(axis=1)).sum()
    right = (weights * (fit - 1) ** 2).sum() + whole + 0.3 * ((P**2).sum() + (Q**2).sum())
    hint = "раскройте квадрат: хватит двух матриц d × d"
    return Call("loss", (X, P, Q, s, 0.3), equals(right, hint))


def repair(values: Variant, rng: np.random.Generator) -> list[Property]:
    l2, alpha0 = 0.6, 0.4

    def penalties(X: np.ndarray, nu: float) -> np.ndarray:
        return l2 * (X.sum(axis=1) + alpha0 * X.shape[1]) ** nu

    def sweep(X: np.ndarray, Q: np.ndarray, nu: float) -> tuple[np.ndarray, np.ndarray]:
        P = rows(X, Q, np.full(X.shape, alpha0), penalties(X, nu))
        return P, rows(X.T, P, np.full(X.T.shape, alpha0), penalties(X.T, nu))

    def call(
        X: np.ndarray, start: np.ndarray, nu: float, n_sweeps: int, hint: str
    ) -> tuple[Call, Call]:
        Q = start
        for _ in range(n_sweeps):
            P, Q = sweep(X, Q, nu)
        arguments = (sp.csr_array(X), start, l2, alpha0, nu, n_sweeps)
        return (
            Call("train", arguments, part(0, equals(P, f"векторы зрителей: {hint}", rtol=1e-6))),
            Call("train", arguments, part(1, equals(Q, f"векторы фильмов: {hint}", rtol=1e-6))),
        )

    def start(n_items: int) -> np.ndarray:
        return rng.normal(0, 0.5, (n_items, 3))

    gaps = without(histories(rng, 12, 8), [1, 5], [6])
    # При этой длине начала QᵀQ до прохода и после него одинаковы: общая часть, которую не
    # пересчитали, не видна, а фильм без зрителей, не ставший нулём сразу, виден.
    line = rng.uniform(0.5, 1.5, (8, 1))
    length = scipy.optimize.brentq(
        lambda scale: (sweep(gaps, scale * line, 0)[1] ** 2).sum() / scale**2 - (line**2).sum(),
        1e-3,
        1e3,
        xtol=1e-15,
    )
    return [
        Property(
            "веса взаимодействий",
            1,
            call(
                weighted(rng, histories(rng, 12, 8)),
                start(8),
                0,
                1,
                "вес стоит и в матрице системы",
            ),
        ),
        Property(
            "пустые строки и столбцы",
            1,
            (
                *call(gaps, start(8), 0, 1, "без взаимодействий — нули"),
                *call(gaps, length * line, 0, 2, "без взаимодействий — нули в первом же проходе"),
            ),
        ),
        Property(
            "штраф с частотой",
            1,
            (
                *call(histories(rng, 13, 7), start(7), 0.5, 1, "в весе столбца — число зрителей"),
                # Векторы столь малы, что от матрицы системы остаётся один штраф.
                *call(
                    weighted(rng, histories(rng, 12, 8)),
                    1e-4 * start(8),
                    0.5,
                    1,
                    "w — сумма весов взаимодействий, а не число ячеек",
                ),
            ),
        ),
        Property(
            "несколько проходов",
            1,
            call(histories(rng, 12, 8), start(8), 0, 3, "общая часть — от нынешних векторов"),
        ),
    ]


def explanations(values: Variant, rng: np.random.Generator) -> list[Property]:
    def calls(n_history: int, hint: str, inside: bool = False) -> tuple[Call, Call]:
        Q, s = rng.normal(0, 0.7, (12, 3)), rng.uniform(0.05, 0.6, 12)
        order = rng.permutation(12)
        history, target = order[:n_history], int(order[0 if inside else -1])
        weights, l2 = rng.integers(1, 4, n_history).astype(float), 0.8
        arguments = (Q, history, weights, s, l2, target)

        def score(kept: np.ndarray) -> float:
            return float(row(Q, history[kept], weights[kept], s, l2) @ Q[target])

        everything = np.ones(n_history, dtype=bool)
        lost = [
            score(everything) - score(np.arange(n_history) != place) for place in range(n_history)
        ]
        # Вклад: правая часть системы — только от одного фильма истории.
        tall = np.vstack([np.sqrt(weights)[:, None] * Q[history], np.sqrt(s)[:, None] * Q])
        A = tall.T @ tall + l2 * np.eye(3)
        share = [
            float(Q[target] @ np.linalg.solve(A, weight * Q[film]))
            for film, weight in zip(history, weights, strict=True)
        ]
        return (
            Call("contributions", arguments, equals(np.array(share), hint, rtol=1e-6)),
            Call("consequences", arguments, equals(np.array(lost), hint, rtol=1e-6)),
        )

    share = "вес фильма — множитель вклада; A у всех вкладов одна, с пустыми ячейками и штрафом"
    lost = "без фильма другая и матрица A: найдите вектор заново; штраф и пустые ячейки те же"
    first, second = calls(5, share), calls(6, share, inside=True)
    third, fourth = calls(5, lost), calls(6, lost, inside=True)
    one, none = (
        calls(1, "без единственного фильма балл 0"),
        calls(0, "пустая история: пустой массив"),
    )
    return [
        Property("вклады", 1, (first[0], second[0])),
        Property("последствия", 1.5, (third[1], fourth[1])),
        Property("история из одного фильма и пустая", 0.5, (*one, *none)),
    ]


def new_viewers(values: Variant, rng: np.random.Generator) -> list[Property]:
    calls = []
    for _ in range(2):
        seed = int(rng.integers(2**31))
        X, group, film_group = make_clusters(*SIZES, seed=seed)
        split = held_out_users(X, N_NEW, 0.6, seed=seed)
        known, hidden = split.fold_in.toarray(), split.target.toarray()
        crowd = np.asarray(split.train.sum(axis=0)).ravel()
        own = group[split.users][:, None] == film_group
        popular = recall(np.tile(crowd, (N_NEW, 1)), known, hidden)
        best = recall(crowd * np.where(own, 20, 1), known, hidden)
        worth = at_least(
            functools.partial(recall_of, known, hidden),
            popular + 0.6 * (best - popular),
            "полнота первых десяти мест",
        )
        calls.append(Call("score_new", (split.train, split.fold_in), worth))
    X = sp.csr_array(without(X.toarray(), [], [7, X.shape[1] - 1]))
    n = np.asarray(X.sum(axis=0)).ravel()

    few = np.zeros((3, len(n)))
    few[0, rng.choice(len(n), 4, replace=False)] = 1
    few[2, rng.choice(len(n), 6, replace=False)] = 1
    more = np.vstack([few, known])
    kept: list[np.ndarray] = []

    def cold(answer: object) -> str:
        kept[:] = [numbers(answer, few.shape)]
        scores = kept[0][1]
        if not np.isfinite(scores).all():
            return "среди баллов зрителя без истории есть nan или бесконечность"
        fewer = n[:, None] < n
        if (scores[:, None] >= scores)[fewer].any():
            return "у зрителя без истории порядок баллов не по числу зрителей в X"
        return ""

    def same(answer: object) -> str:
        scores = numbers(answer, more.shape)[: len(few)]
        # Сошедшееся обучение от другого начала отличается в шестой цифре; float32 даёт их семь.
        short = (scores == scores.astype(np.float32)).all(axis=1)
        bound = np.where(short, 1e-5, 1e-9) * np.abs(scores).max(axis=1)
        if kept and (np.abs(scores - kept[0]) <= bound[:, None]).all():
            return ""
        return "во втором вызове прежние зрители с другими баллами: нет зерна или учили и на новых"

    return [
        Property(
            "новый зритель без истории; баллы повторимы и от прочих новых не зависят",
            1,
            (
                Call("score_new", (X, sp.csr_array(few)), holds(cold)),
                Call("score_new", (X, sp.csr_array(more)), holds(same)),
            ),
        ),
        Property("полнота на новых зрителях", 2, tuple(calls)),
    ]


ASSIGNMENT = Assignment(
    name="03_ials",
    title="Пустые ячейки не равны",
    minutes=120,
    variant=variant,
    tasks=(
        Task("1", "Вектор зрителя на бумаге", 2, ("by_hand",), by_hand),
        Task(
            "2",
            "Два полупрохода и потери",
            5,
            ("empty_weights", "users_step", "items_step", "loss"),
            two_steps,
        ),
        Task("3", "Почините обучение", 4, ("train",), repair),
        Task("4", "Вклад и последствие", 3, ("contributions", "consequences"), explanations),
        Task(
            "5",
            "Зрители, которых модель не видела",
            3,
            ("score_new",),
            new_viewers,
            needs=("2",),
            seconds=60,
        ),
        Task("6", "Какой ответ честнее", 3),
    ),
)
