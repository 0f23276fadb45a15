"""Ключ задания 08: что проверено в каждой задаче и сколько это стоит."""

import itertools
from typing import Any

import numpy as np

from course.assignment import Assignment, Call, Code, Property, Task, Variant
from course.judges import Refusal, at_least, boolean, equals, holds, numbers, part

# canary: 93ce07f5d2b84a61


def variant(rng: np.random.Generator) -> Variant:
    """Окно для счёта на бумаге, закон мест, размеры кодировщика."""
    while True:
        values = {
            "toy_gain": [int(rng.integers(6, 10)), *rng.integers(1, 7, 3).tolist()],
            "toy_value": rng.integers(0, 5, (4, 2)).tolist(),
            "toy_fade": round(0.4 + 0.1 * int(rng.integers(5)), 1),
            "toy_items": rng.integers(-1, 3, (3, 2)).tolist(),
            "toy_answer": int(rng.integers(3)),
            "place_law": str(rng.choice(["root", "line", "square"])),
            "n_items": int(rng.integers(25, 41)),
            "max_len": int(rng.integers(8, 13)),
        }
        right = on_paper(values, values["toy_fade"], 1)
        rivals = [on_paper(values, 1, 1), on_paper(values, values["toy_fade"], 0)]
        # Каждое число заметно меняется, если забыть о расстоянии или о дополнении.
        distinct = min(np.abs(right - rival).min() for rival in rivals) > 0.03
        if distinct and 0.1 < right[2] < 4 and abs(right[3]) > 0.05:
            return values


def on_paper(values: Variant, fade: float, first: int) -> np.ndarray:
    """Смесь мест от ``first`` до [MASK], потеря и её производная по первому числу смеси."""
    gain, value = np.array(values["toy_gain"])[first:], np.array(values["toy_value"])[first:]
    weight = gain * float(fade) ** np.arange(len(gain))[::-1]
    mix = weight @ value / weight.sum()
    E = np.array(values["toy_items"], dtype=float)
    share = np.exp(E @ mix) / np.exp(E @ mix).sum()
    answer = values["toy_answer"]
    return np.array([*mix, -np.log(share[answer]), share @ E[:, 0] - E[answer, 0]])


def by_hand(values: Variant, rng: np.random.Generator) -> list[Property]:
    right = on_paper(values, values["toy_fade"], 1)

    def only(place: slice | int, hint: str) -> Call:
        judge = equals(right[place], hint, rtol=1e-3, atol=1e-4)
        return Call("by_hand", (), part(place, judge, (4,)))

    return [
        Property(
            "смесь значений",
            1,
            (only(slice(2), "дополнение не участвует; у [MASK] расстояние 0, у соседа 1"),),
        ),
        Property("потеря", 0.5, (only(2, "баллы — произведения смеси и E, затем softmax"),)),
        Property(
            "производная потери",
            0.5,
            (only(3, "по баллам производная — вероятности минус ответ, дальше — через E"),),
        ),
    ]


def place_weights(values: Variant, T: int) -> np.ndarray:
    laws = {"root": 0.5, "line": 1.0, "square": 2.0}
    return np.arange(1, T + 1) ** laws[values["place_law"]]


def asking(values: Variant, rng: np.random.Generator) -> list[Property]:
    mask = 977

    def tables(answer: Any, n: int, T: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Вход, ответы и восстановленные окна."""
        if answer is None:
            raise Refusal("функция вернула None: ответа пока нет")
        if not isinstance(answer, tuple | list | np.ndarray) or len(answer) != 2:
            raise Refusal("ожидалась пара таблиц: входы и ответы")
        inputs, answers = (numbers(one, (n, T)) for one in answer)
        return inputs, answers, np.where(answers >= 0, answers, inputs)

    def whole(sequence: np.ndarray, n: int, max_len: int, share: float, count: int) -> Call:
        T = min(len(sequence), max_len)
        windows = {tuple(sequence[s : s + T]) for s in range(len(sequence) - T + 1)}

        def judge(answer: Any) -> str:
            inputs, answers, restored = tables(answer, n, T)
            if ((answers >= 0).sum(axis=1) != count).any():
                return "где-то закрыто не столько мест, сколько велит формула"
            if ((inputs == mask) != (answers >= 0)).any() or (answers[answers < 0] != -1).any():
                return "mask и ответы стоят на разных местах"
            if not {tuple(row) for row in restored} <= windows:
                return "если вернуть ответы на места, выходит не окно истории"
            return ""

        seed = int(rng.integers(10**6))
        return Call("questions", (sequence, n, max_len, share, mask, seed), holds(judge))

    def often(seen: np.ndarray, expected: np.ndarray, n: int, what: str) -> str:
        error = np.sqrt(expected * (1 - expected) / n)
        return what if (np.abs(seen - expected) > 5 * error).any() else ""

    def starts(length: int, max_len: int, n: int) -> Call:
        sequence = rng.permutation(length) + 3
        n_starts = length - max_len + 1

        def judge(answer: Any) -> str:
            restored = tables(answer, n, max_len)[2]
            found = np.array([(restored[:, 0] == sequence[s]).mean() for s in range(n_starts)])
            uniform = np.full(n_starts, 1 / n_starts)
            return often(found, uniform, n, "не все начала окна равновероятны")

        return Call("questions", (sequence, n, max_len, 0.2, mask, 5), holds(judge))

    def law(T: int, n: int, length: int, share: float, count: int) -> Call:
        sequence = rng.permutation(length) + 3
        weights = place_weights(values, T)
        expected = np.zeros(T)
        for order in itertools.permutations(range(T), count):
            left = weights.sum() - np.append(0, np.cumsum(weights[list(order)])[:-1])
            expected[list(order)] += (weights[list(order)] / left).prod()

        def judge(answer: Any) -> str:
            seen = (tables(answer, n, T)[1] >= 0).mean(axis=0)
            return often(seen, expected, n, "частоты закрытых мест не по закону варианта")

        return Call("questions", (sequence, n, T, share, mask, 11), holds(judge))

    repeated = rng.integers(0, 5, 15)
    return [
        Property(
            "закрытые места и ответы",
            1,
            (whole(repeated, 60, 8, 0.4, 3), whole(rng.permutation(30), 60, 12, 0.3, 4)),
        ),
        Property("окно из случайного места", 1, (starts(9, 5, 4000),)),
        Property("закон мест", 1, (law(5, 4000, 5, 0.1, 1), law(7, 8000, 30, 0.4, 3))),
        Property(
            "короткие истории",
            0.5,
            (
                whole(np.array([4]), 5, 6, 0.2, 1),
                whole(np.array([0, 2, 0]), 40, 10, 0.1, 1),
                whole(rng.permutation(4), 40, 9, 1.0, 4),
            ),
        ),
        Property(
            "половина округляется вверх",
            0.5,
            (whole(rng.permutation(12), 40, 5, 0.5, 3), whole(rng.permutation(9), 40, 9, 0.5, 5)),
        ),
    ]


Net = dict[str, np.ndarray]


def network(rng: np.random.Generator, n_items: int, max_len: int, d: int, **scale: float) -> Net:
    shapes = {"E": (n_items + 2, d), "P": (max_len, d)}
    shapes |= {name: (d, d) for name in ("Wq", "Wk", "Wv", "Wo")}
    return {name: rng.normal(0, scale.get(name, 0.7), shape) for name, shape in shapes.items()}


def answered(histories: list[np.ndarray], net: Net, max_len: int, n_heads: int) -> np.ndarray:
    """Баллы по определению: каждая история отдельно, без дополнения."""
    E, P = net["E"], net["P"]
    n_items, width = len(E) - 2, E.shape[1] // n_heads
    rows = []
    for history in histories:
        row = [*list(history)[max(0, len(history) - max_len + 1) :], n_items + 1]
        h = np.array([E[int(one)] + P[max_len - len(row) + t] for t, one in enumerate(row)])
        mixed = []
        for head in range(n_heads):
            own = slice(head * width, (head + 1) * width)
            query = h[-1] @ net["Wq"][:, own]
            weight = np.exp([query @ (one @ net["Wk"][:, own]) / width**0.5 for one in h])
            mixed.extend(weight / weight.sum() @ (h @ net["Wv"][:, own]))
        rows.append(E[:n_items] @ (h[-1] + np.array(mixed) @ net["Wo"]))
    return np.array(rows)


def repair(values: Variant, rng: np.random.Generator) -> list[Property]:
    def call(lengths: list[int], max_len: int, n_heads: int, heard: float, hint: str) -> Call:
        histories = [rng.integers(0, 11, length) for length in lengths]
        # Без запросов внимание делит поровну: ошибка в делителе не мешает увидеть остальные.
        net = network(rng, 11, max_len, 8, Wq=heard)
        expected = answered(histories, net, max_len, n_heads)
        arguments = (histories, net, max_len, n_heads)
        return Call("next_scores", arguments, equals(expected, hint, rtol=1e-6))

    return [
        Property(
            "видны последние объекты истории",
            1,
            (call([9, 14, 7], 6, 2, 0, "в окно берут конец истории, а не начало"),),
        ),
        Property(
            "на дополнение не смотрят",
            1,
            (
                call([5, 2, 0, 4], 6, 2, 0, "вес дополнения — ноль: его ключи надо закрыть"),
                call([3, 0], 4, 1, 0, "вес дополнения — ноль, и у пустой истории тоже"),
            ),
        ),
        Property(
            "места считают от конца",
            1,
            (call([3, 3], 9, 2, 0, "у [MASK] всегда последняя строка P"),),
        ),
        Property(
            "делитель произведений",
            1,
            (call([5, 5, 5], 6, 4, 0.7, "произведения — внутри головы, и делитель — её"),),
        ),
    ]


def encoders(values: Variant) -> dict[str, str]:
    """Кодировщики: верные и сломанные."""
    frame = """
import numpy as np

n_items, max_len, d = {n_items}, {max_len}, 6
rng = np.random.default_rng(17)
E, P = rng.normal(0, 0.8, (n_items + 2, d)), rng.normal(0, 0.8, (max_len, d))
W = rng.normal(0, 0.4, (3, d, d))

def encode(tokens):
    tokens = np.asarray(tokens)
    T = tokens.shape[1]
    h = E[tokens] + {places}
    real = {real}
    {before}
    Q, K, V = (h @ one for one in W)
    products = 1.5 * np.tanh(Q @ K.transpose(0, 2, 1) / np.sqrt(d))  # ни один вес не исчезнет
    products = np.where({visible}, products, -1e9)
    weights = np.exp(products - products.max(axis=2, keepdims=True))
    h = h + weights / weights.sum(axis=2, keepdims=True) @ V
    {after}
    return h
"""
    right = {
        "places": "P[max_len - T :]",
        "real": "tokens != n_items",
        "before": "pass",
        "visible": "real[:, None, :]",
        "after": "pass",
    }
    changed = {
        "right": {},
        "batch": {
            "before": "h, real = h.transpose(1, 0, 2), real.T",
            "after": "h = h.transpose(1, 0, 2)",
        },
        "whole_batch": {
            "before": "h, real = h.reshape(1, -1, d), real.reshape(1, -1)",
            "after": "h = h.reshape(len(tokens), T, d)",
        },
        "orderless": {"places": "0"},
        "padding": {"real": "tokens >= 0"},
        "beginning": {"places": "P[:T]"},
        "zero": {"real": "(tokens != n_items) & (tokens != 0)"},
        "causal": {"visible": "real[:, None, :] & np.tri(T, dtype=bool)"},
    }
    sizes = {"n_items": values["n_items"], "max_len": values["max_len"]}
    sources = {
        name: frame.format(**{**right, **change, **sizes}) for name, change in changed.items()
    }
    sources["right_too"] = """
import numpy as np

n_items, max_len = {n_items}, {max_len}
rng = np.random.default_rng(23)
E, P = rng.normal(size=(n_items + 2, 8)), rng.normal(size=(max_len, 8))
layers = rng.normal(0, 0.4, (2, 2, 3, 8, 4))

def encode(tokens):
    answer = np.zeros((*np.shape(tokens), 8))
    for line, row in zip(answer, np.asarray(tokens)):
        own = row[row != n_items]
        line[:] = len(row)  # на местах дополнения — что угодно
        if not len(own):
            continue
        h = E[own] + P[max_len - len(own) :]
        for heads in layers:
            parts = []
            for Wq, Wk, Wv in heads:
                weights = np.exp((h @ Wq) @ (h @ Wk).T / 2)
                parts.append(weights @ (h @ Wv) / weights.sum(axis=1, keepdims=True))
            h = h + np.hstack(parts)
            h = (h - h.mean(axis=1, keepdims=True)) / h.std(axis=1, keepdims=True)
        line[len(row) - len(own) :] = h
    return answer
""".format(**sizes)
    return sources


def write_a_check(values: Variant, rng: np.random.Generator) -> list[Property]:
    sources = encoders(values)

    def calls(*broken: str) -> tuple[Call, ...]:
        right = "верный кодировщик отвергнут: сравнивайте настоящие места и с допуском"
        wrong = "сломанный кодировщик принят: на ваших данных ошибка не видна"
        asked = [("right", boolean(True, right)), ("right_too", boolean(True, right))]
        asked += [(name, boolean(False, wrong)) for name in broken]
        return tuple(
            Call("right_encoder", (Code("encode", sources[name]),), judge) for name, judge in asked
        )

    return [
        Property("ловит внимание поперёк пакета", 1, calls("batch", "whole_batch")),
        Property("ловит кодировщик без порядка", 1, calls("orderless")),
        Property("ловит видимое дополнение", 0.5, calls("padding")),
        Property("ловит места от начала", 0.5, calls("beginning")),
        Property("ловит объект 0 вместо дополнения", 0.5, calls("zero")),
        Property("ловит взгляд только влево", 0.5, calls("causal")),
    ]


class Chain:
    """Истории, где в четырёх случаях из пяти следующий объект задан прежними.

    :param lags: за сколько мест стоят те, кто задаёт; пусто — никто
    """

    def __init__(self, rng: np.random.Generator, lags: tuple[int, ...], n_items: int = 20) -> None:
        self.rng, self.lags, self.n_items = rng, lags, n_items
        fame = np.arange(1, self.n_items + 1) ** -0.8
        if not lags:  # популярен один, прочие редки: о них таблица переходов знает одни случайности
            fame[:] = fame.mean()
            fame[0] *= n_items / 6
        # Объект 0 — наименее популярный: ответ из одних нулей не угадает.
        self.fame = np.append(fame[-1], rng.permutation(fame[:-1])) / fame.sum()
        if len(lags) == 1:
            self.rule = rng.permutation(self.n_items)
        else:
            self.rule = rng.integers(0, self.n_items, (self.n_items,) * len(lags))

    def histories(self, n: int, length: int) -> np.ndarray:
        table = np.zeros((n, length), dtype=int)
        for place in range(length):
            usual = self.rng.choice(self.n_items, n, p=self.fame)
            ruled = self.rng.random(n) < 0.8
            table[:, place] = np.where(ruled, self.best(table[:, :place], usual), usual)
        return table

    def best(self, known: np.ndarray, otherwise: np.ndarray | int) -> np.ndarray:
        """Что велит правило; без правила или при короткой истории — ``otherwise``."""
        if not self.lags or known.shape[1] < max(self.lags):
            return np.broadcast_to(otherwise, len(known))
        return self.rule[tuple(known[:, -lag] for lag in self.lags)]


def ruled(values: Variant, rng: np.random.Generator) -> list[Property]:
    what = "доля угаданных следующих"

    def call(
        lags: tuple[int, ...],
        n_known: int,
        length: int,
        asked: int,
        share: float,
        n_items: int = 20,
        n_new: int = 500,
    ) -> Call:
        chain = Chain(rng, lags, n_items)
        known, new = chain.histories(n_known, length), chain.histories(n_new, asked + 1)
        history, target = new[:, :asked], new[:, asked]
        best = float((chain.best(history, int(chain.fame.argmax())) == target).mean())

        def measure(answer: Any) -> float:
            scores = numbers(answer, (n_new, chain.n_items))
            if not np.isfinite(scores).all():
                raise Refusal("среди баллов не только конечные числа")
            return float((scores.argmax(axis=1) == target).mean())

        arguments = (known, history, chain.n_items)
        return Call("rule_scores", arguments, at_least(measure, share * best, what))

    def short(lag: int, asked: int) -> Call:
        """Историй не хватает и на правило: остаётся популярное — в начале историй или везде."""
        popular = {0}
        while 0 in popular:
            chain = Chain(rng, (lag,))
            known = chain.histories(500, 11)
            popular = {
                int(item)
                for part_of in (known, known[:, :lag], known[:, :1])
                for item in np.argsort(-np.bincount(part_of.ravel(), minlength=20))[:2]
            }

        def judge(answer: Any) -> str:
            scores = numbers(answer, (40, chain.n_items))
            if not np.isfinite(scores).all():
                return "среди баллов не только конечные числа"
            if not set(scores.argmax(axis=1).tolist()) <= popular:
                return "по короткой истории правила не применить, а на первом месте не популярное"
            return ""

        return Call("rule_scores", (known, chain.histories(40, asked), chain.n_items), holds(judge))

    pairs = [(1, 3), (2, 4), (2, 3), (1, 4)]
    first, second = (pairs[int(place)] for place in rng.choice(4, 2, replace=False))
    return [
        Property(
            "правило одного объекта",
            1,
            (call((1,), 600, 11, 10, 0.9), call((int(rng.integers(3, 5)),), 600, 11, 10, 0.9)),
        ),
        Property(
            "правило пары",
            1.5,
            (call(first, 900, 12, 11, 0.9), call(second, 900, 12, 9, 0.9)),
        ),
        Property(
            "правила нет",
            1,
            (
                call((), 200, 8, 11, 0.85, 70, 2000),
                call((), 240, 8, 11, 0.85, 80, 2000),
                call((), 300, 12, 11, 0.85, 3000),
            ),
        ),
        Property("короткие и пустые истории", 0.5, (short(3, 0), short(4, 2))),
    ]


ASSIGNMENT = Assignment(
    name="08_bert4rec",
    title="Вопрос к истории",
    minutes=120,
    variant=variant,
    tasks=(
        Task("1", "Внимание, которое забывает", 2, ("by_hand",), by_hand),
        Task("2", "Спрашивать чаще о конце", 4, ("questions",), asking),
        Task("3", "Почините предсказание", 4, ("next_scores",), repair),
        Task("4", "Проверка кодировщика", 4, ("right_encoder",), write_a_check),
        Task(
            "5",
            "Правило, которого не видно с последнего места",
            4,
            ("rule_scores",),
            ruled,
            seconds=60,
        ),
        Task("6", "Что значит порядок", 2),
    ),
)
