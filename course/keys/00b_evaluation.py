"""Ключ задания 00b: что проверено в каждой задаче и сколько это стоит."""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from course.assignment import Assignment, Call, Code, Property, Task, Variant
from course.judges import Refusal, at_least, boolean, equals, holds, numbers, part

# canary: 6b0d9c52e1f74a08
DEPTH = 5


def variant(rng: np.random.Generator) -> Variant:
    """Закон весов мест, игрушечные списки и доля тестовой части."""
    hits, relevant = [], []
    for n_hits, n_relevant in ((2, rng.integers(3, 5)), (1, rng.integers(2, 5)), (3, 0), (0, 0)):
        places = [0] * DEPTH
        for place in rng.choice(DEPTH, n_hits, replace=False):
            places[int(place)] = 1
        hits.append(places)
        relevant.append(int(n_relevant))
    relevant[2] = int(rng.integers(DEPTH + 1, DEPTH + 5))
    return {
        "discount": str(rng.choice(["log", "root", "geometric"])),
        "patience": round(0.6 + 0.05 * int(rng.integers(6)), 2),
        "toy_hits": hits,
        "toy_relevant": relevant,
        "part": int(rng.integers(4, 8)),
    }


def place_weights(values: Variant, depth: int) -> np.ndarray:
    place = np.arange(1, depth + 1)
    laws = {
        "log": lambda: 1 / np.log2(place + 1),
        "root": lambda: place**-0.5,
        "geometric": lambda: values["patience"] ** (place - 1.0),
    }
    return laws[values["discount"]]()


def one_gain(values: Variant, hits: list[int], n_relevant: int) -> float:
    """Метрика одного списка, по определению."""
    if n_relevant == 0:
        return float("nan")
    weight = place_weights(values, len(hits))
    best = sum(weight[place] for place in range(len(hits)) if place < n_relevant)
    return float(sum(weight[place] for place, hit in enumerate(hits) if hit) / best)


def by_hand(values: Variant, rng: np.random.Generator) -> list[Property]:
    right = np.array(
        [
            one_gain(values, *row)
            for row in zip(values["toy_hits"], values["toy_relevant"], strict=True)
        ]
    )

    def only(place: slice | int, hint: str) -> Call:
        judge = equals(right[place], hint, rtol=1e-3)
        return Call("by_hand", (), holds(lambda answer: judge(numbers(answer, (4,))[place])))

    return [
        Property(
            "тестовых объектов не больше, чем мест",
            1,
            (only(slice(2), "проверьте закон весов своего варианта и сколько весов в идеале"),),
        ),
        Property(
            "тестовых объектов больше, чем мест",
            0.5,
            (only(2, "идеальный список не длиннее пяти мест"),),
        ),
        Property(
            "без тестовых объектов", 0.5, (only(3, "метрика этого человека не определена: nan"),)
        ),
    ]


def lists_and_test(
    rng: np.random.Generator, n_users: int, n_items: int, depth: int, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Списки без повторов и тестовая часть: у каждого от 1 до ``most`` объектов."""
    lists = np.array([rng.permutation(n_items)[:depth] for _ in range(n_users)])
    test = np.zeros((n_users, n_items))
    for user in range(n_users):
        test[user, rng.choice(n_items, rng.integers(1, most + 1), replace=False)] = 1
        test[user, lists[user, rng.integers(depth)]] = 1
    return lists, test


def gain_of(values: Variant, lists: np.ndarray, test: np.ndarray, k: int) -> np.ndarray:
    rows = []
    for row, relevant in zip(lists, test, strict=True):
        hits = [int(item >= 0 and relevant[item] != 0) for item in row[:k]]
        rows.append(one_gain(values, hits, int(np.count_nonzero(relevant))))
    return np.array(rows)


def gain(values: Variant, rng: np.random.Generator) -> list[Property]:
    def call(lists: np.ndarray, test: np.ndarray, k: int, hint: str) -> Call:
        right = gain_of(values, lists, test, k)
        return Call("gain", (lists, sp.csr_array(test), k), equals(right, hint))

    def written_out(lists: np.ndarray, test: np.ndarray, k: int, hint: str) -> Call:
        """То же, но нули матрицы записаны в ``data`` наравне с прочими числами."""
        table = sp.csr_array(np.where(test == 0, 1, test))
        table.data[test.ravel() == 0] = 0
        return Call("gain", (lists, table, k), equals(gain_of(values, lists, test, k), hint))

    few = lists_and_test(rng, 9, 12, 6, most=2)
    many = lists_and_test(rng, 9, 12, 4, most=10)
    many[1][:, : 12 - 3] = 1
    empty = lists_and_test(rng, 7, 10, 6, most=3)
    empty[1][:, -1] = 1
    empty[0][:, 4:] = -1
    empty[0][2] = -1
    for user in (0, 3, 5):  # пустое место и выше попадания
        empty[1][user, empty[0][user, 1]] = 1
        empty[0][user, 0] = -1
    nobody = lists_and_test(rng, 6, 10, 5, most=3)
    nobody[1][[1, 4]] = 0
    counts = lists_and_test(rng, 6, 10, 5, most=3)
    counts[1][:] *= rng.integers(2, 6, counts[1].shape) * rng.choice([-1, 1], counts[1].shape)
    return [
        Property(
            "тестовых объектов не больше, чем мест",
            1.5,
            (
                call(*few, 6, "проверьте вес места и идеал из min(k, n) попаданий"),
                call(*few, 4, "в счёт идут только первые k мест списка"),
            ),
        ),
        Property(
            "тестовых объектов больше, чем мест",
            1,
            (call(*many, 4, "в идеальном списке не больше k попаданий"),),
        ),
        Property(
            "пустые места — промахи",
            0.5,
            (call(*empty, 6, "−1 — промах на своём месте, а не последний объект и не пропуск"),),
        ),
        Property(
            "человек без тестовых объектов",
            0.5,
            (call(*nobody, 5, "его значение nan, и он остаётся на своём месте массива"),),
        ),
        Property(
            "в ячейках не только единицы",
            0.5,
            (
                call(*counts, 5, "попадание — любая ненулевая ячейка, и весит она одинаково"),
                written_out(*counts, 5, "записанный ноль — не тестовый объект"),
            ),
        ),
    ]


def ranked(scores: np.ndarray, seen: np.ndarray, k: int) -> np.ndarray:
    """Списки по определению: сначала убрать просмотренное, потом взять k лучших."""
    lists = np.full((len(scores), k), -1)
    for user, row in enumerate(scores):
        candidates = [(-row[item], item) for item in range(len(row)) if not seen[user, item]]
        best = [item for _, item in sorted(candidates)[:k]]
        lists[user, : len(best)] = best
    return lists


def repair(values: Variant, rng: np.random.Generator) -> list[Property]:
    def call(scores: np.ndarray, train: np.ndarray, seen: np.ndarray, k: int, hint: str) -> Call:
        judge = equals(ranked(scores, seen, k), hint)
        return Call("top_lists", (scores, sp.csr_array(train), sp.csr_array(seen), k), judge)

    # Фильтр: у каждого лучшие места заняты низко оценённым; судим без оглядки на длину списка.
    # Объект 0 никем не оценён: нулями сломанная функция заполняет пустые места.
    low = np.full((6, 12), 5.5)
    low[:, 1:] = rng.permuted(np.tile(np.arange(11.0), (6, 1)), axis=1)
    train = np.zeros((6, 12))
    seen = np.zeros((6, 12))
    for user in range(6):
        order = np.argsort(-low[user])
        train[user, order[-1]] = seen[user, order[-1]] = 1
        seen[user, order[[0, 2]]] = (-1, 0.5)
    first = ranked(low, seen, 1)[:, 0]

    def nothing_seen(answer: object) -> str:
        lists = numbers(answer, (6, 5)).astype(int)
        if (lists < -1).any() or (lists >= 12).any():
            return "в списках есть номера вне каталога"
        busy = np.take_along_axis(seen, lists, axis=1)[lists >= 0] != 0
        if busy.any():
            return "в списках есть то, что человек уже оценил, пусть и низко"
        return "" if (lists[:, 0] == first).all() else "первое место занято не лучшим объектом"

    # Просмотрено всё лучшее, у кого пять объектов, у кого пятьдесят: запас мест не поможет.
    scores = rng.permuted(np.tile(np.arange(60.0), (7, 1)), axis=1)
    watched = (scores >= rng.permutation(np.arange(10, 59, 8))[:, None]).astype(float)
    equal = rng.integers(0, 3, (6, 50)).astype(float)
    nothing = np.zeros(equal.shape)
    almost = np.ones((5, 8))
    for user in range(5):
        almost[user, rng.choice(8, 1 + user % 3, replace=False)] = 0
    short = rng.permuted(np.tile(np.arange(-4.0, 4), (5, 1)), axis=1)
    filtered = Call(
        "top_lists", (low, sp.csr_array(train), sp.csr_array(seen), 5), holds(nothing_seen)
    )
    return [
        Property("в списках нет низко оценённого", 1, (filtered,)),
        Property(
            "список полон",
            1,
            (call(scores, watched, watched, 4, "сначала уберите просмотренное, потом отрезайте"),),
        ),
        Property(
            "равные баллы",
            1,
            (call(equal, nothing, nothing, 6, "при равных баллах меньший номер раньше"),),
        ),
        Property(
            "рекомендовать больше нечего",
            1,
            (call(short, almost, almost, 8, "на пустых местах стоит −1, а не номер объекта"),),
        ),
    ]


def paired(values: Variant, rng: np.random.Generator) -> list[Property]:
    def compared(a: np.ndarray, b: np.ndarray) -> list[float]:
        defined = ~np.isnan(a + b).any(axis=0)
        difference = (a - b)[:, defined].mean(axis=0)
        n = len(difference)
        se = (((difference - difference.mean()) ** 2).sum() / (n - 1) / n) ** 0.5
        return [difference.mean(), se]

    def call(a: np.ndarray, b: np.ndarray, hint: str) -> Call:
        return Call("paired", (a, b), equals(compared(a, b), hint))

    def models(n_seeds: int, n_users: int) -> tuple[np.ndarray, np.ndarray]:
        person = rng.random(n_users)
        noise = 0.2 * rng.random((2, n_seeds, n_users))
        return person + noise[0], person + noise[1] - 0.05

    gaps = models(1, 14)
    gaps[0][0, [2, 5]] = np.nan
    gaps[1][0, [5, 9]] = np.nan
    some = models(3, 14)
    some[0][0, 1] = some[0][1, 4] = some[0][:, 6] = some[1][2, 8] = np.nan
    partly = "человек без значения хотя бы при одном зерне не участвует"
    return [
        Property(
            "одно зерно: разность и её парная ошибка",
            1,
            (
                call(*models(1, 12), "разность берут у каждого человека; в дисперсии делят на U−1"),
                call(*models(1, 2), "двух человек достаточно, чтобы ошибка была определена"),
            ),
        ),
        Property(
            "несколько зёрен",
            1,
            (
                call(
                    *models(4, 11),
                    "зёрна — не новые люди: сначала среднее по зёрнам у каждого человека",
                ),
            ),
        ),
        Property(
            "люди без значения",
            1,
            (
                call(*gaps, "nan хотя бы у одной модели — человек не участвует, и в U его нет"),
                # Ошибка при нескольких зёрнах — предмет другого свойства.
                Call("paired", some, part(0, equals(compared(*some)[0], partly))),
            ),
        ),
    ]


def splitters(part: int) -> dict[str, str]:
    """Разбиения: верные и сломанные. Все принимают массивы и возвращают маску теста."""
    frame = """
import numpy as np

def split(user, time):
    user, time = np.asarray(user), np.asarray(time)
    test = np.zeros(len(user), dtype=bool)
    for one in np.unique(user):
        rows = np.flatnonzero(user == one)
        {body}
    return test
"""
    by_time = "rows = rows[np.argsort(time[rows], kind='stable')]; "
    cut = f"test[rows[len(rows) - len(rows) // {part}:]] = True"
    bodies = {
        "right": by_time + cut,
        "row_order": cut,
        "rounded_up": by_time + f"test[rows[len(rows) - (len(rows) + {part} - 1) // {part}:]] = 1",
        "earliest": by_time + f"test[rows[:len(rows) // {part}]] = True",
    }
    sources = {name: frame.format(body=body) for name, body in bodies.items()}
    sources["right_too"] = f"""
import numpy as np

def split(user, time):
    events = sorted(range(len(user)), key=lambda row: (user[row], time[row], row))
    people = [user[row] for row in events]
    test = [False] * len(events)
    for place, row in enumerate(events):
        size = people.count(user[row])
        last = people.index(user[row]) + size
        test[row] = place >= last - size // {part}
    return np.array(test, dtype=bool)
"""
    sources["one_date"] = f"""
import numpy as np

def split(user, time):
    user, time = np.asarray(user), np.asarray(time)
    order = np.argsort(time, kind="stable")
    test = np.zeros(len(user), dtype=bool)
    test[order[len(order) - len(order) // {part}:]] = True
    return test
"""
    return sources


def write_a_check(values: Variant, rng: np.random.Generator) -> list[Property]:
    sources = splitters(values["part"])

    def calls(broken: str) -> tuple[Call, ...]:
        right = "верное разбиение отвергнуто: проверьте доли, округление и порядок строк"
        wrong = "сломанное разбиение принято: на ваших событиях ошибка не видна"
        return (
            Call("right_split", (Code("split", sources["right"]),), boolean(True, right)),
            Call("right_split", (Code("split", sources["right_too"]),), boolean(True, right)),
            Call("right_split", (Code("split", sources[broken]),), boolean(False, wrong)),
        )

    return [
        Property("ловит разбиение по порядку строк", 1, calls("row_order")),
        Property("ловит округление вверх", 1, calls("rounded_up")),
        Property("ловит общую дату", 0.5, calls("one_date")),
        Property("ловит первые события вместо последних", 0.5, calls("earliest")),
    ]


def drift(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """События, где известность объектов приходит и уходит; и сколько их возьмут после дня 80."""
    n_items, n_events = 80, 6000
    centre, width = rng.uniform(-20, 120, n_items), rng.uniform(8, 25, n_items)
    base = rng.pareto(1.5, n_items) + 0.3
    time = rng.uniform(0, 90, n_events)
    chance = base * np.exp(-(((time[:, None] - centre) / width) ** 2)) + 0.002
    upto = np.cumsum(chance / chance.sum(axis=1, keepdims=True), axis=1)
    item = np.minimum((upto < rng.random(n_events)[:, None]).sum(axis=1), n_items - 1)
    past = time <= 80
    return item[past], time[past], np.bincount(item[~past], minlength=n_items)


def recent(values: Variant, rng: np.random.Generator) -> list[Property]:
    def caught(scores: np.ndarray, later: np.ndarray) -> float:
        best = np.argsort(-scores, kind="stable")[:10]
        return float(later[best].sum() / np.sort(later)[::-1][:10].sum())

    def measure(later: np.ndarray) -> Callable[[object], float]:
        def of(answer: object) -> float:
            scores = numbers(answer, later.shape)
            if np.isnan(scores).any():
                raise Refusal("среди баллов есть nan")
            return caught(scores, later)

        return of

    what = "доля взятого объектами первых десяти мест от наибольшей возможной"
    better: list[Call] = []
    close: list[Call] = []
    while len(better) < 3:
        item, time, later = drift(rng)
        always = caught(np.bincount(item, minlength=80), later)
        fading = caught(np.bincount(item, 0.5 ** ((80 - time) / 10), minlength=80), later)
        if fading < 1.2 * always:
            continue  # здесь мода за всё время и недавняя совпали: забывание не проверить
        arguments = (item, time, 80.0, 80)
        enough, bound = at_least(measure(later), 1.03 * always, what), 0.9 * fading
        better.append(Call("recent_scores", arguments, enough))
        close.append(Call("recent_scores", arguments, at_least(measure(later), bound, what)))
    item, time, later = drift(rng)
    future = int(np.argmin(np.bincount(item, minlength=80) + later))
    item, time = item[item != future], time[item != future]
    leaked = np.concatenate([item, np.full(900, future)])
    when = np.concatenate([time, rng.uniform(80.5, 90, 900)])
    order = rng.permutation(len(leaked))

    def unaware(answer: object) -> str:
        scores = numbers(answer, (80,))
        if np.isnan(scores).any():
            return "среди баллов есть nan"
        if np.ptp(scores) == 0:
            return "баллы всех объектов равны"
        top = np.argsort(-scores, kind="stable")[:10]
        return "в первой десятке объект, известный только из будущего" if future in top else ""

    arguments = (leaked[order], when[order], 80.0, 80)
    return [
        Property("лучше популярного за всё время", 0.5, tuple(better)),
        Property("известность недавнего взвешена", 1, tuple(close)),
        Property(
            "события после now не участвуют",
            0.5,
            (Call("recent_scores", arguments, holds(unaware)),),
        ),
    ]


ASSIGNMENT = Assignment(
    name="00b_evaluation",
    title="Метрика, которой можно верить",
    minutes=110,
    variant=variant,
    tasks=(
        Task("1", "Метрика на бумаге", 2, ("by_hand",), by_hand),
        Task("2", "Метрика кодом", 4, ("gain",), gain),
        Task("3", "Почините составление списков", 4, ("top_lists",), repair),
        Task("4", "Парное сравнение с зёрнами", 3, ("paired",), paired),
        Task("5", "Проверка, которая ловит чужую ошибку", 3, ("right_split",), write_a_check),
        Task("6", "Популярное недавно", 2, ("recent_scores",), recent),
        Task("7", "Чего не видно в таблице", 2),
    ),
)
