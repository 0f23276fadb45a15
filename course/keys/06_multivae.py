"""Ключ задания 06: что проверено в каждой задаче и сколько это стоит."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize

from course.assignment import Assignment, Call, Code, Judge, Property, Task, Variant
from course.judges import Refusal, at_least, boolean, equals, holds, numbers, part

# canary: d41f08b7a6c35e29


def variant(rng: np.random.Generator) -> Variant:
    """Типы зрителей для счёта на бумаге, закон веса фильма."""

    def tenths(size: int) -> list[int]:
        """Положительные десятые доли с суммой 10."""
        return (1 + rng.multinomial(10 - size, np.full(size, 1 / size))).tolist()

    while True:
        prior, q, shares = tenths(3), tenths(3), [tenths(4) for _ in range(3)]
        history = [0, 0, 0, 0]
        for film in rng.choice(4, 2, replace=False):
            history[int(film)] = 1
        values = {
            "toy_prior": prior,
            "toy_shares": shares,
            "toy_q": q,
            "toy_history": history,
            "rarity": str(rng.choice(["root", "log", "half"])),
        }
        to_prior, to_posterior = on_paper(values)[2:]
        # Числа различимы: перепутанные слагаемые и стороны расхождения дают другой ответ.
        if min(to_prior, to_posterior, abs(to_prior - to_posterior)) > 0.05:
            return values


def on_paper(values: Variant) -> np.ndarray:
    prior, q = np.array(values["toy_prior"]) / 10, np.array(values["toy_q"]) / 10
    chosen = np.array(values["toy_history"]) == 1
    likelihood = (np.array(values["toy_shares"]) / 10)[:, chosen].prod(axis=1)
    evidence = prior @ likelihood
    posterior = prior * likelihood / evidence
    to_prior, to_posterior = (float(q @ np.log(q / other)) for other in (prior, posterior))
    return np.array([np.log(evidence), q @ np.log(likelihood), to_prior, to_posterior])


def by_hand(values: Variant, rng: np.random.Generator) -> list[Property]:
    right = on_paper(values)

    def only(place: slice | int, hint: str) -> Call:
        return Call("by_hand", (), part(place, equals(right[place], hint, rtol=1e-3), (4,)))

    return [
        Property(
            "логарифм правдоподобия",
            0.5,
            (only(0, "сначала сложите по типам, потом берите логарифм"),),
        ),
        Property(
            "объяснённая часть и расхождение",
            1,
            (only(slice(1, 3), "усредняют по q, и второе расхождение сравнивает q с p(z)"),),
        ),
        Property(
            "расхождение с вероятностями после истории",
            0.5,
            (only(3, "вероятности после истории: умножьте p(z) на p(x|z) и поделите на сумму"),),
        ),
    ]


def rarity_of(values: Variant, n: np.ndarray) -> np.ndarray:
    most = n.max()
    laws = {
        "root": lambda m: (most / m) ** 0.5,
        "log": lambda m: 1 + np.log(most / m),
        "half": lambda m: 2 * most / (m + most),
    }
    return np.array([laws[values["rarity"]](m) if m else 0.0 for m in n])


def weighted(
    logits: np.ndarray, x: np.ndarray, c: np.ndarray, available: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Потеря и градиент по определению, зритель за зрителем."""
    loss, gradient = np.zeros(len(x)), np.zeros(x.shape)
    for user in range(len(x)):
        own = np.flatnonzero(available[user])
        f, w = logits[user, own], (c * x[user])[own]
        log_share = f - np.logaddexp.reduce(f)
        loss[user] = -sum(w * log_share)
        gradient[user, own] = sum(w) * np.exp(log_share) - w
    return loss, gradient


def weighting(values: Variant, rng: np.random.Generator) -> list[Property]:
    def batch(n_users: int, n_items: int) -> list[np.ndarray]:
        x = (rng.random((n_users, n_items)) < 0.35).astype(float)
        x[np.arange(n_users), rng.integers(n_items, size=n_users)] = 1
        c = rng.uniform(0.3, 4, n_items)
        return [rng.normal(0, 1.5, x.shape), x, c, np.ones(x.shape, dtype=bool)]

    plain, other = batch(6, 9), batch(5, 12)
    hidden = batch(6, 11)
    hidden[3] = (hidden[1] > 0) | (rng.random(hidden[1].shape) < 0.4)
    hidden[3][:, 0] = hidden[1][:, 0] > 0
    hidden[0][~hidden[3]] += 6  # недоступные фильмы сеть любит: ошибка не спрячется
    # Недоступный вдали от доступных, но экспоненты обоих — ещё числа: переполнение не спрашивают.
    far = [hidden[0] - 150 + 800 * ~hidden[3], *hidden[1:]]
    edge = batch(6, 8)
    edge[0] = rng.normal(0, 900, edge[1].shape)
    edge[1][[1, 4]] = 0
    # Здесь недоступное ничтожно и без того: судят замену выхода постоянной.
    sunk = [hidden[0] - 5000 - 20_000 * ~hidden[3], *hidden[1:]]

    def loss_and_zeros(arguments: list[np.ndarray]) -> Judge:
        loss, _ = weighted(*arguments)

        def judge(answer: Any) -> str:
            reason = part(0, equals(loss, "бюджет делят только доступные фильмы"))(answer)
            if reason:
                return reason
            gradient = numbers(answer[1], hidden[1].shape)
            outside = np.abs(gradient[~hidden[3]])
            return "" if (outside < 1e-9).all() else "у недоступного фильма производная не ноль"

        return holds(judge)

    def quiet(answer: Any) -> str:
        """Потеря верна, в градиенте нет nan, а у пустой истории он ноль."""
        reason = part(0, equals(weighted(*edge)[0], "вычтите наибольший выход; у пустой истории 0"))
        if said := reason(answer):
            return said
        gradient = numbers(answer[1], edge[1].shape)
        if not np.isfinite(gradient).all():
            return "в градиенте не только конечные числа"
        return "" if np.abs(gradient[[1, 4]]).max() < 1e-9 else "у пустой истории градиент не ноль"

    counts = rng.integers(1, 60, 14)
    counts[[3, 9]] = 0
    loss_hint = "вес фильма умножает логарифм его доли"
    slope_hint = "сколько раз доля π входит в производную: N или другое число?"
    return [
        Property(
            "веса фильмов",
            0.5,
            (
                Call(
                    "film_weights",
                    (counts,),
                    equals(rarity_of(values, counts), "закон — своего варианта; без зрителей — 0"),
                ),
            ),
        ),
        Property(
            "потеря",
            1,
            tuple(
                Call(
                    "loss_and_gradient",
                    tuple(one),
                    part(0, equals(weighted(*one)[0], loss_hint)),
                )
                for one in (plain, other)
            ),
        ),
        Property(
            "градиент",
            1.5,
            tuple(
                Call(
                    "loss_and_gradient",
                    tuple(one),
                    part(1, equals(weighted(*one)[1], slope_hint)),
                )
                for one in (plain, other)
            ),
        ),
        Property(
            "недоступные фильмы",
            0.5,
            tuple(
                Call("loss_and_gradient", tuple(one), loss_and_zeros(one)) for one in (hidden, far)
            ),
        ),
        Property(
            "огромные выходы и пустая история",
            0.5,
            (
                Call("loss_and_gradient", tuple(edge), holds(quiet)),
                Call(
                    "loss_and_gradient",
                    tuple(sunk),
                    part(
                        0, equals(weighted(*sunk)[0], "выходы — тысячи: чем заменён недоступный?")
                    ),
                ),
            ),
        ),
    ]


def network(rng: np.random.Generator, n_items: int, **changed: float) -> dict[str, np.ndarray]:
    """Случайная сеть; ``changed`` — во сколько раз изменить слой."""
    hidden, latent = 5, 3
    shapes = {
        "W1": (n_items, hidden),
        "b1": (hidden,),
        "W2": (hidden, 2 * latent),
        "b2": (2 * latent,),
        "W3": (latent, hidden),
        "b3": (hidden,),
        "W4": (hidden, n_items),
        "b4": (n_items,),
    }
    return {
        name: rng.normal(0, 0.7, shape) * changed.get(name, 1) for name, shape in shapes.items()
    }


def passed(
    x: np.ndarray, net: dict[str, np.ndarray], kept: np.ndarray, dropout: float, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Прямой проход по определению, зритель за зрителем."""
    nll, kl = np.zeros((2, len(x)))
    for user, history in enumerate(x):
        length = max(sum(history) ** 0.5, 1e-12)
        first = np.tanh((kept[user] * (history / length) / (1 - dropout)) @ net["W1"] + net["b1"])
        second = first @ net["W2"] + net["b2"]
        mu, log_var = second[: noise.shape[1]], second[noise.shape[1] :]
        taste = mu + np.sqrt(np.exp(log_var)) * noise[user]
        f = np.tanh(taste @ net["W3"] + net["b3"]) @ net["W4"] + net["b4"]
        nll[user] = sum(history) * np.logaddexp.reduce(f) - history @ f
        kl[user] = sum(mu**2 + np.exp(log_var) - log_var - 1) / 2
    return nll, kl


def repair(values: Variant, rng: np.random.Generator) -> list[Property]:
    def histories(n_items: int) -> np.ndarray:
        x = (rng.random((6, n_items)) < 0.4).astype(float)
        x[:, 1] = 1
        return x

    def call(
        net: dict[str, np.ndarray], x: np.ndarray, share: float, noisy: bool, place: int, hint: str
    ) -> Call:
        kept = (rng.random(x.shape) >= share).astype(float)
        if share:
            kept[:, 1], kept[:, 2] = 0, 1
        noise = rng.normal(size=(len(x), 3)) * noisy
        arguments = (x, net, kept, share, noise)
        judge = equals(passed(*arguments)[place], hint, rtol=1e-5, atol=1e-4)
        return Call("forward", arguments, part(place, judge))

    empty = histories(9)
    empty[2] = 0
    order = "сначала нормировка, потом прореживание: стёртое не должно менять длину истории"
    # У глухой сети вход ничего не значит: видна только цель потери.
    deaf = network(rng, 10, W1=0)
    sure = network(rng, 9)
    sure["b4"] = rng.permutation(np.linspace(-2000, 2000, 9))
    return [
        Property(
            "порядок нормировки и прореживания",
            1,
            (
                call(network(rng, 9), histories(9), 0.5, False, 1, order),
                call(network(rng, 9), empty, 0.7, False, 1, order),
            ),
        ),
        Property(
            "шум умножен на σ",
            1,
            (
                call(
                    network(rng, 8),
                    histories(8),
                    0.0,
                    True,
                    0,
                    "сеть выдаёт логарифм дисперсии: что тогда σ?",
                ),
            ),
        ),
        Property(
            "угадывают всю историю",
            1,
            (call(deaf, histories(10), 0.5, False, 0, "цель — история целиком, не прореженная"),),
        ),
        Property(
            "маленькая доля не теряется",
            1,
            (
                call(
                    sure,
                    histories(9),
                    0.0,
                    False,
                    0,
                    "логарифм доли считают из выходов: доля округлится до нуля",
                ),
            ),
        ),
    ]


def losses() -> dict[str, str]:
    """Потери: верные и сломанные."""
    frame = """
import numpy as np

def loss(logits, x):
    f, x = np.asarray(logits, dtype=float), np.asarray(x, dtype=float)
    with np.errstate(all="ignore"):
        {body}
"""
    steady = "f = f - f.max(axis={axis}, keepdims=True); log_shares = f - np.log(np.exp(f).sum(axis={axis}, keepdims=True)); "  # noqa: E501
    by_row = steady.format(axis=1)
    bodies = {
        "right": by_row + "return -(x * log_shares).sum(axis=1)",
        "positives": "return (x * np.logaddexp(0, -f)).sum(axis=1)",
        "batch": steady.format(axis=0) + "return -(x * log_shares).sum(axis=1)",
        "length": by_row + "return -(x * log_shares).sum(axis=1) / np.maximum(x.sum(axis=1), 1)",
        "logistic": "return (np.logaddexp(0, f) - x * f).sum(axis=1)",
        "overflow": "e = np.exp(f); return -(x * np.log(e / e.sum(axis=1, keepdims=True))).sum(axis=1)",  # noqa: E501
    }
    sources = {name: frame.format(body=body) for name, body in bodies.items()}
    sources["right_too"] = """
import math
import numpy as np

def loss(logits, x):
    answer = []
    for f, row in zip(np.asarray(logits, dtype=float), np.asarray(x, dtype=float)):
        top = max(f)
        total = top + math.log(sum(math.exp(value - top) for value in f))
        orders = math.lgamma(sum(row) + 1) - sum(math.lgamma(count + 1) for count in row)
        answer.append(sum(count * (total - value) for count, value in zip(row, f)) - orders)
    return np.array(answer)
"""
    return sources


def write_a_check(values: Variant, rng: np.random.Generator) -> list[Property]:
    sources = losses()

    def calls(broken: str) -> tuple[Call, ...]:
        right = "верная потеря отвергнута: сравнивайте то, что не зависит от постоянной, с допуском"
        wrong = "сломанная потеря принята: на ваших данных ошибка не видна"
        return (
            Call("right_loss", (Code("loss", sources["right"]),), boolean(True, right)),
            Call("right_loss", (Code("loss", sources["right_too"]),), boolean(True, right)),
            Call("right_loss", (Code("loss", sources[broken]),), boolean(False, wrong)),
        )

    return [
        Property("ловит потерю только по единицам", 1, calls("positives")),
        Property("ловит softmax по пакету", 1, calls("batch")),
        Property("ловит деление на длину истории", 1, calls("length")),
        Property("ловит логистическую потерю", 0.5, calls("logistic")),
        Property("ловит переполнение", 0.5, calls("overflow")),
    ]


def log_shares(Z: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    f = Z @ W.T + b
    return f - np.logaddexp.reduce(f, axis=1, keepdims=True)


def slopes(X: np.ndarray, Z: np.ndarray, W: np.ndarray, b: np.ndarray, beta: float) -> np.ndarray:
    """Производные потери по вкусам."""
    return (X.sum(axis=1, keepdims=True) * np.exp(log_shares(Z, W, b)) - X) @ W + beta * Z


def found_tastes(X: np.ndarray, W: np.ndarray, b: np.ndarray, beta: float) -> np.ndarray:
    """Вкусы методом Ньютона с дроблением шага, все зрители разом."""
    n = X.sum(axis=1)
    Z = np.zeros((len(X), W.shape[1]))

    def value(Z: np.ndarray) -> np.ndarray:
        return -(X * log_shares(Z, W, b)).sum(axis=1) + beta / 2 * (Z**2).sum(axis=1)

    for _ in range(100):
        slope = slopes(X, Z, W, b, beta)
        if np.abs(slope).max() < 1e-9:
            break
        shares = np.exp(log_shares(Z, W, b))
        mean = shares @ W
        second = np.einsum("ui,ik,il->ukl", shares, W, W) - mean[:, :, None] * mean[:, None]
        curvature = n[:, None, None] * second + beta * np.eye(W.shape[1])
        step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
        size, before = np.ones(len(X)), value(Z)
        for _ in range(30):
            bad = value(Z - size[:, None] * step) > before + 1e-12 * np.abs(before)
            size[bad] /= 2
            if not bad.any():
                break
        Z = Z - size[:, None] * step
    return Z


def learned(X: np.ndarray, latent: int, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Декодировщик, обученный вместе со вкусами; на веса — штраф."""
    n_users, n_items = X.shape
    cut = [n_users * latent, (n_users + n_items) * latent]
    n = X.sum(axis=1, keepdims=True)

    def pieces(v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        Z, W, b = np.split(v, cut)
        return Z.reshape(n_users, latent), W.reshape(n_items, latent), b

    def objective(v: np.ndarray) -> tuple[float, np.ndarray]:
        Z, W, b = pieces(v)
        shares = log_shares(Z, W, b)
        rest = n * np.exp(shares) - X
        total = -(X * shares).sum() + (Z**2).sum() / 2 + penalty * (W**2).sum() / 2
        return total, np.concatenate(
            [(rest @ W + Z).ravel(), (rest.T @ Z + penalty * W).ravel(), rest.sum(axis=0)]
        )

    small = 0.1 * np.random.default_rng(0).normal(size=cut[1])
    start = np.concatenate([small, np.log(X.sum(axis=0) + 1)])
    v = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 100}).x
    return pieces(v)[1:]


def planted(rng: np.random.Generator, latent: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Истории из линейного декодировщика: обучающие, открытые и скрытые новых зрителей."""
    n_train, n_new, n_items = 200, 100, 48
    f = rng.normal(size=(n_train + n_new, latent)) @ rng.normal(0, 1.3, (latent, n_items))
    f += rng.normal(0, 0.9, n_items)
    order = np.argsort(-(f + rng.gumbel(size=f.shape)), axis=1)
    lengths = rng.integers(6, 14, len(f))
    X = np.zeros(f.shape)
    np.put_along_axis(X, order, (np.arange(n_items) < lengths[:, None]).astype(float), axis=1)
    shown = np.zeros((n_new, n_items))
    for row, history in zip(shown, X[n_train:], strict=True):
        own = rng.permutation(np.flatnonzero(history))
        row[own[: len(own) // 2]] = 1
    return X[:n_train], shown, X[n_train:] - shown


def decoder(values: Variant, rng: np.random.Generator) -> list[Property]:
    def taste(X: np.ndarray, W: np.ndarray, b: np.ndarray, beta: float) -> Call:
        def flat(answer: Any) -> str:
            Z = numbers(answer, (len(X), W.shape[1]))
            slope = np.abs(slopes(X, Z, W, b, beta)).max(axis=1)
            bad = int((~(slope < 1e-3)).sum())
            return f"у {bad} из {len(X)} производная не равна нулю с точностью 0,001" if bad else ""

        return Call("tastes", (sp.csr_array(X), W, b, beta), holds(flat))

    def histories(n_users: int, n_items: int, share: float) -> np.ndarray:
        return (rng.random((n_users, n_items)) < share).astype(float)

    usual = histories(200, 30, 0.25), rng.normal(size=(30, 4)), rng.normal(size=30), 1.0
    timid = histories(12, 25, 0.2), rng.normal(size=(25, 3)), rng.normal(size=25), 0.2
    long = histories(10, 400, 0.5), rng.normal(0, 3, (400, 3)), rng.normal(size=400), 0.5
    long[0][[2, 7]] = 0
    spread = histories(30, 60, 0.3), rng.normal(0, 3, (60, 3)), rng.normal(0, 5, 60), 0.5

    what = "прибавка к логарифму доли популярного"

    def gain(
        train: np.ndarray, shown: np.ndarray, hidden: np.ndarray, latent: int
    ) -> Callable[[Any], float]:
        popular = np.log((train.sum(axis=0) + 1) / (train.sum(axis=0) + 1).sum())

        def measure(answer: Any) -> float:
            if answer is None:
                raise Refusal("функция вернула None: ответа пока нет")
            if not isinstance(answer, tuple | list) or len(answer) != 2:
                raise Refusal("ожидалась пара: веса и сдвиги декодировщика")
            W = numbers(answer[0], (train.shape[1], latent))
            b = numbers(answer[1], (train.shape[1],))
            if not (np.abs(W).max() < 1e4 and np.abs(b).max() < 1e4):
                raise Refusal("веса или сдвиги — не числа или больше 10 000")
            shares = log_shares(found_tastes(shown, W, b, 1.0), W, b)
            return float((((shares - popular) * hidden).sum(axis=1) / hidden.sum(axis=1)).mean())

        return measure

    some: list[Call] = []
    enough: list[Call] = []
    while len(some) < 2:
        latent = 3
        data = planted(rng, latent)
        measure = gain(*data, latent)
        free, weak, ours = (measure(learned(data[0], latent, one)) for one in (0.0, 0.6, 8.0))
        if ours < 0.15 or free > 0.1 * ours or not 0.36 < weak / ours < 0.66:
            continue  # здесь вкус почти не виден или штраф ничего не решает
        arguments = (sp.csr_array(data[0]), latent, 1)
        for found, share in ((some, 0.3), (enough, 0.75)):
            found.append(Call("fit_decoder", arguments, at_least(measure, share * ours, what)))
    return [
        Property("вкус — точка минимума", 1, (taste(*usual), taste(*timid))),
        Property("пустые и длинные истории, большие веса", 1, (taste(*long), taste(*spread))),
        Property("прибавка не меньше 0,3 нашей", 1, tuple(some)),
        Property("прибавка не меньше 0,75 нашей", 1, tuple(enough)),
    ]


ASSIGNMENT = Assignment(
    name="06_multivae",
    title="Бюджет долей",
    minutes=120,
    variant=variant,
    tasks=(
        Task("1", "Нижняя оценка без интеграла", 2, ("by_hand",), by_hand),
        Task(
            "2",
            "Редкое дороже, недоступное не в счёт",
            4,
            ("film_weights", "loss_and_gradient"),
            weighting,
        ),
        Task("3", "Почините прямой проход", 4, ("forward",), repair),
        Task("4", "Проверка правдоподобия", 4, ("right_loss",), write_a_check),
        Task("5", "Сеть без кодировщика", 4, ("tastes", "fit_decoder"), decoder, seconds=60),
        Task("6", "Чужое расписание", 2),
    ),
)
