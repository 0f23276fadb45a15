"""Билеты: числа ответов пересчитаны другим путём, каждый вопрос печатается."""

import datetime
import itertools
import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from scipy import stats
from scipy.optimize import minimize, nnls
from sklearn.metrics import ndcg_score

from course.exam.__main__ import main
from course.exam.base import BANK, Question, num, times
from course.exam.tickets import answers_path, draw, formula, lessons, pages, to_html
from recsys_lessons import models
from recsys_lessons.models import EASE, ItemKNN, Popularity, ease, multivae

SEEDS = range(12)
QUESTIONS = [(lesson, q) for lesson, bank in sorted(BANK.items()) for q in bank]


def made(question: Question, seed: int) -> Any:
    return question(np.random.default_rng(seed))


@pytest.fixture(params=QUESTIONS, ids=[f"{lesson}-{q.__name__}" for lesson, q in QUESTIONS])
def asked(request):
    return request.param[1]


def test_five_questions_a_lesson():
    assert lessons() == ["00a", "00b", *(f"{n:02}" for n in range(1, 11))]
    assert {len(bank) for bank in BANK.values()} == {5}
    assert len({q.__name__ for _, q in QUESTIONS}) == 60


# ------------------------------------------------------------------- ответы другим путём


def F(value: str) -> Fraction:
    return Fraction(value)


def random_recall(g):
    """Опыт вместо формулы: среднее по всем положениям спрятанного равно доле мест."""
    unseen = g["n_items"] - g["seen"]
    recall = float(stats.hypergeom.mean(unseen, g["hidden"], g["k"])) / g["hidden"]
    return {"recall": recall, "hits": recall * g["hidden"]}


def shrunk_mean(g):
    def gap(m: float) -> float:
        b = (g["count"] * g["mean"] + m * g["overall"]) / (g["count"] + m)
        return b - (5 + m * g["overall"]) / (1 + m)

    low, high = 0.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if gap(middle) < 0 else (low, middle)
    lone = np.mean([5] + [g["overall"]] * g["m"])
    known = np.mean([g["mean"]] * g["count"] + [g["overall"]] * g["m"])
    return {"lone": lone, "known": known, "border": low}


def seen_matrix(g):
    ratings = np.array(g["ratings"])
    positive = (ratings >= 4).astype(float)
    score = Popularity().fit(_csr(positive)).score([0])[0]

    def best(hidden):
        allowed = [i for i in range(6) if not hidden[i]]
        return ["ABCDEF"[i] for i in sorted(allowed, key=lambda i: (-score[i], i))[:2]]

    return {
        "popular": score.tolist(),
        "list": best(ratings[0] > 0),
        "naive": best(positive[0] > 0),
    }


def feedback_loop(g):
    return {"clicks": stats.binom.mean(g["k"], g["chance"]), "share": g["k"] / g["n_items"]}


def noise_world(g):
    n = g["worlds"]
    return {
        "z": (g["found"] - g["expected"]) / g["error"],
        "false": stats.binom.mean(n, 0.05),
        "at_least": stats.binom.sf(0, n, 0.05),
    }


def two_ndcg(g):
    relevance = [float(place in g["hits"]) for place in range(1, g["k"] + 1)]
    tail = [1.0] * (g["relevant"] - len(g["hits"]))
    truth = np.array([relevance + tail + [0.0] * 3])
    scores = -np.arange(truth.size, dtype=float)[None]
    ours = ndcg_score(truth, scores, k=g["k"])
    discount = 1 / np.log2(np.arange(2, g["relevant"] + 2))
    gain = ours * discount[: g["k"]].sum()
    return {
        "gain": gain,
        "ours": ours,
        "other": gain / discount.sum(),
        "bound": discount[: g["k"]].sum() / discount.sum(),
    }


def paired_error(g):
    a, b = g["a"], g["b"]
    test = stats.ttest_rel(a, b)
    paired = test.statistic and (np.mean(a) - np.mean(b)) / test.statistic
    apart = (np.mean(a) - np.mean(b)) / stats.ttest_ind(a, b, equal_var=False).statistic
    mean = np.mean(a) - np.mean(b)
    return {
        "difference": mean,
        "paired": paired,
        "apart": apart,
        "low": mean - 2.26 * paired,
        "high": mean + 2.26 * paired,
    }


def sampled_metric(g):
    def chance(rank):
        worse, better = g["n_items"] - rank, rank - 1
        total = math.comb(g["n_items"] - 1, g["m"])
        ways = sum(math.comb(better, h) * math.comb(worse, g["m"] - h) for h in range(g["k"]))
        return ways / total

    return {
        "full_b": g["share"],
        "a": chance(g["near"]),
        "b": g["share"] + (1 - g["share"]) * chance(g["far"]),
        "depth": g["k"] * g["n_items"] / (g["m"] + 1),
    }


def how_many_people(g):
    needed = g["users"]
    while g["difference"] < 2 * g["error"] * math.sqrt(g["users"] / needed) - 1e-12:
        needed += 1
    return {"factor": (2 * g["error"] / g["difference"]) ** 2, "needed": needed}


def recall_ceiling(g):
    return {"ceiling": np.mean([min(1, g["k"] / n) for n in g["sizes"] if n])}


def holm_by_hand(g):
    values = g["values"]
    adjusted = [
        min(1, max((len(values) - sum(w < v for w in values)) * v for v in values if v <= own))
        for own in values
    ]
    return {
        "adjusted": adjusted,
        "before": sum(v < 0.05 for v in values),
        "after": sum(v < 0.05 for v in adjusted),
    }


def number_of_pairs(g):
    pairs = len(list(itertools.combinations(range(g["models"]), 2)))
    return {"pairs": pairs, "false": 0.05 * pairs, "strict": 0.05 / pairs}


def difference_to_p(g):
    z = g["difference"] / g["error"]
    p = math.erfc(z / math.sqrt(2))
    return {"z": z, "p": p, "adjusted": min(1, g["m"] * p)}


def not_dominated(g):
    points = list(zip(g["quality"], g["novelty"], strict=True))
    order = sorted(range(5), key=lambda i: -points[i][0])
    kept, best = [], -math.inf
    for i in order:
        if points[i][1] > best:
            kept.append(i)
            best = points[i][1]
    return {"kept": ["ABCDE"[i] for i in sorted(kept)]}


def unequal_budget(g):
    tries = g["tries"]
    draws = np.random.default_rng(1).standard_normal((200_000, tries)).max(1).mean()
    return {
        "largest": pytest.approx(draws, abs=0.02),
        "gain": pytest.approx(g["spread"] * draws, abs=2e-4),
    }


def detectable(g):
    n = 1
    while 1.96 * math.sqrt(2) * g["spread"] / math.sqrt(n) > g["goal"] + 1e-12:
        n += 1
    return {"border": math.sqrt(2 * (1.96 * g["spread"]) ** 2 / g["users"]), "needed": n}


def returns(g):
    pairs = {(u, i) for u, i, _ in g["rows"]}
    total = {p: sum(c for u, i, c in g["rows"] if (u, i) == p) for p in pairs}
    return {"bought": sum(v > 0 for v in total.values()), "naive": len(pairs)}


def day_and_month(g):
    day, wrong, right = datetime.date(g["year"], g["first"], 1), 0, 0
    while day.year == g["year"] and day.month < g["first"] + 6:
        text = day.strftime("%d.%m.%Y")
        try:
            read = datetime.datetime.strptime(text, "%m.%d.%Y").date()
        except ValueError:
            read = day
        wrong, right = wrong + (read != day), right + (read == day)
        day += datetime.timedelta(days=1)
    return {"swapped": wrong, "right": right}


def below_threshold(g):
    return {"difference": g["difference"], "z": g["difference"] / g["error"]}


def simplest_of_equal(g):
    names = ["популярное", "Item-KNN", "EASE", "iALS", "MultiVAE"]
    for name, gap, error in zip(names, g["gaps"], g["errors"], strict=True):
        if gap < 2 * error:
            return {"chosen": name}


def _csr(array):
    return sp.csr_array(np.asarray(array, float))


def shrinkage(g):
    rare = np.ones(g["rare"])
    pair = _csr(np.column_stack([rare, rare]))
    norm = math.sqrt(g["n_i"]) * math.sqrt(g["n_j"])
    model = ItemKNN(k=1, shrinkage=float(g["h"]), weighting="cosine").fit(pair)
    border = np.roots([g["common"] - g["rare"], g["common"] * g["rare"] - g["rare"] * norm])[0]
    return {
        "cosine": g["common"] / norm,
        "rare_h": float(model.S_.toarray()[0, 1]),
        "common_h": g["common"] / (norm + g["h"]),
        "border": border,
    }


def two_truncations(g):
    s = np.array(g["s"])
    scores = {}
    for name, axis in (("source", 1), ("target", 0)):
        kept = s * (s == s.max(axis=axis, keepdims=True))
        c, d = (np.array([1, 1, 0, 0]) @ kept)[2:]
        scores |= {f"{name}_c": c, f"{name}_d": d}
    return scores


def user_weight(g):
    weights = [math.log(g["n_items"]) - math.log(1 + n) for n in (g["few"], g["many"])]
    ratio = (weights[0] * weights[0]) / (weights[1] * weights[1])
    return {"w_few": weights[0], "w_many": weights[1], "ratio": ratio}


def voters(g):
    total = sum(g["k"] for _ in range(g["n_items"]))
    popular = g["share"] * total / g["top"]
    others = (total - popular * g["top"]) / (g["n_items"] - g["top"])
    return {"total": total, "popular": popular, "others": others}


def active_users(g):
    lengths = np.array([g["small"]] * g["n_small"] + [g["big"]] * g["n_big"], float)
    big = lengths == g["big"]
    squares = lengths**2
    return {
        "pairs": squares.sum() / 2,
        "share_ones": 100 * lengths[big].sum() / lengths.sum(),
        "share_pairs": 100 * squares[big].sum() / squares.sum(),
        "after": (np.minimum(lengths, 100) ** 2).sum() / 2,
    }


def _tifu(baskets, variant, m, r_b, r_g):
    """Вектор привычек классом урока; у каждой корзины свой товар."""
    model = models.TIFUKNN(
        n_neighbors=1, within_decay=float(r_b), group_decay=float(r_g), alpha=1.0,
        n_groups=m, variant=variant,
    )  # fmt: skip
    history = {0: [np.array([i]) for i in range(baskets)], 1: [np.array([0])]}
    return model.fit(history, n_items=baskets).score([0])[0].tolist()


def basket_weights(g):
    return {"weights": _tifu(g["n"], "paper", g["m"], F(g["r_b"]), F(g["r_g"]))}


def nearest_and_mix(g):
    own, first, second = (np.array([float(F(v)) for v in row]) for row in g["vectors"])
    far = [((own - other) ** 2).sum() for other in (first, second)]
    near, alpha = (first, second)[int(np.argmin(far))], float(F(g["alpha"]))
    return {"far": far, "mixed": (alpha * own + (1 - alpha) * near).tolist()}


def short_history(g):
    n, m, r_b, r_g = g["n"], g["m"], F(g["r_b"]), F(g["r_g"])
    paper, code = (_tifu(n, variant, m, r_b, r_g) for variant in ("paper", "code"))
    return {"paper": paper, "code": code, "factor": code[-1] / paper[-1]}


def two_recalls(g):
    target = ["old"] * g["old"] + ["new"] * (g["size"] - g["old"])
    found = ["old"] * g["hit_old"] + ["new"] * g["hit_new"]
    share = {kind: found.count(kind) / target.count(kind) for kind in ("old", "new")}
    return {
        "recall": len(found) / len(target), "old_recall": share["old"], "new_recall": share["new"],
        "ceiling": len(target[:10]) / len(target),
        "only_new": len([t for t in target if t == "new"][:10]) / len(target),
    }  # fmt: skip


def mean_or_sum(g):
    rows = [("молоко", week, c) for week, c in enumerate(g["milk"])] + [("гирлянда", 0, g["once"])]
    frame = pd.DataFrame(rows, columns=["item", "week", "count"]).assign(family=1)
    tables = {
        how: frame.pivot_table(index="family", columns="item", values="count", **extra)
        for how, extra in (("mean", {}), ("sum", {"aggfunc": "sum"}))
    }
    return {"mean": tables["mean"]["молоко"][1], "total": tables["sum"]["молоко"][1]}


def fold_in(g):
    q = np.array(g["q"], float)

    def answer(alpha0):
        def loss(p):
            return (q[0] @ p - 1) ** 2 + alpha0 * ((q @ p) ** 2).sum() + 0.5 * p @ p

        return minimize(loss, np.zeros(2), tol=1e-14).x

    p, wrong = answer(0.5), answer(0.0)
    near = {"abs": 1e-6}
    return {
        "p": pytest.approx(p.tolist(), **near),
        "scores": pytest.approx((q @ p).tolist(), **near),
        "scores_wrong": pytest.approx((q @ wrong).tolist(), **near),
    }


def two_notations(g):
    a0 = float(F(g["alpha0"]))
    grid = np.linspace(0, 1, 1_000_001)
    best = grid[np.argmin((grid - 1) ** 2 + a0 * grid**2)]
    return {
        "best": pytest.approx(best, abs=2e-6),
        "alpha": (1 + a0) / a0,
        "regularization": g["l2"] * (1 + a0) / a0,
    }


def frequency_scaling(g):
    w = np.array([g["few"], g["many"]]) + g["alpha0"] * g["n_items"]
    return {"w_few": w[0], "w_many": w[1], "root": (w[1] / w[0]) ** 0.5, "ratio": w[1] / w[0]}


def gram_trick(g):
    p, q = np.array(g["p"]), np.array(g["q"])
    short = (g["users"] + g["items"]) * g["d"] ** 2
    return {
        "total": ((p @ q.T) ** 2).sum(),
        "ratio": pytest.approx(g["users"] * g["items"] * g["d"] / short, abs=0.5),
    }


def monotone_loss(g):
    parabola = np.polynomial.Polynomial([0, -2 * g["b"], g["a"]])
    best = parabola.deriv().roots()[0]
    return {"best": best, "drop": parabola(g["start"]) - parabola(best)}


def _weights(gram, l2):
    return ease.ease_weights(np.array(gram, float), float(l2))


def ease_column(g):
    b = _weights(g["gram"], g["l2"])
    return {"b_B": b[1, 0], "b_C": b[2, 0], "back": b[0, 1]}


def hidden_penalty(g):
    """Два фильма без общих зрителей: граница достигается точно."""
    gram = np.diag([g["rare"], g["popular"]]).astype(float)
    factor = g["l2"] * np.diag(np.linalg.inv(gram + g["l2"] * np.eye(2)))
    return {
        "f_rare": factor[0], "f_popular": factor[1],
        "w_rare": g["weight"] * factor[0], "w_popular": g["weight"] * factor[1],
    }  # fmt: skip


def repeated_users(g):
    x = (np.random.default_rng(0).random((40, 6)) < 0.4).astype(float)
    once, many = _csr(x), _csr(np.vstack([x] * g["times"]))
    same, as_if = g["times"] * g["l2"], g["l2"] / g["times"]
    np.testing.assert_allclose(
        EASE(l2=same).fit(many).B_, EASE(l2=g["l2"]).fit(once).B_, atol=1e-12
    )
    np.testing.assert_allclose(
        EASE(l2=g["l2"]).fit(many).B_, EASE(l2=as_if).fit(once).B_, atol=1e-12
    )
    return {"same": same, "as_if": as_if}


def catalogue_limit(g):
    largest = int((g["memory"] * 10**9 // 8) ** 0.5) + 2
    while 2 * 4 * largest**2 > g["memory"] * 10**9:
        largest -= 1
    one = np.dtype(float).itemsize * g["n_items"] ** 2 / 1e9
    return {"one": one, "square": g["grow"] ** 2, "cube": g["grow"] ** 3, "largest": largest}


def optimality(g):
    gram = np.array(g["gram"], float)
    b = np.array([[float(F(v)) for v in row] for row in g["shown"]])
    right = _weights(gram, g["l2"])
    assert np.allclose(b, right) or np.allclose(b, right.T)
    return {"residual": (gram - gram @ b - g["l2"] * b)[1:, 0].tolist()}


def coordinate_step(g):
    other = [float(F(w)) for w in g["weights"]]
    linear = g["n_kj"] - np.dot(g["others"], other)
    grid = np.linspace(0, 1, 2_000_001)
    value = 0.5 * (g["n_k"] + g["l2"]) * grid**2 - linear * grid
    return {
        "rest": linear,
        "new": pytest.approx(grid[np.argmin(value + g["l1"] * grid)], abs=1e-6),
        "plain": pytest.approx(grid[np.argmin(value)], abs=1e-6),
    }


def active_set(g):
    gram = np.array([[g["a"] + 1, g["c"]], [g["c"], g["d"] + 1]], float)
    right = np.array([g["g1"], g["g2"]]) - 0.5
    root = np.linalg.cholesky(gram)
    best = nnls(root.T, np.linalg.solve(root, right))[0]
    assert best[1] == 0
    return {
        "best": best[0],
        "value": best @ gram @ best / 2 - right @ best,
        "slack": (right - gram @ best)[1],
    }


def elastic_net(g):
    alpha, ratio = (g["l1"] + g["l2"]) / g["users"], g["l1"] / (g["l1"] + g["l2"])
    users = g["users"] * g["times"]
    return {
        "alpha": alpha, "ratio": ratio,
        "new_l1": users * alpha * ratio, "new_l2": users * alpha * (1 - ratio),
    }  # fmt: skip


def dead_column(g):
    return {
        "alive": len([v for v in g["common"] if max(v - g["l1"], 0)]),
        "largest": sorted(g["common"])[-1],
    }


def model_size(g):
    n = 500
    kept = n * n * g["percent"] // 100
    cells = np.random.default_rng(0).choice(n * n, kept, replace=False).astype(np.int32)
    small = sp.csr_array((np.ones(kept), np.divmod(cells, n)), shape=(n, n))
    bytes_a_cell = (small.data.nbytes + small.indices.nbytes) / kept
    cells = g["n_items"] ** 2 * g["percent"] // 100
    sparse = (bytes_a_cell * cells + 4 * (g["n_items"] + 1)) / 1e6
    dense = g["n_items"] ** 2 * 8 / 1e6
    near = {"abs": 0.051}
    return {
        "dense": dense, "kept": cells,
        "sparse": pytest.approx(sparse, **near), "ratio": pytest.approx(dense / sparse, **near),
    }  # fmt: skip


def multinomial_gradient(g):
    logits = torch.tensor(np.log(g["powers"]), requires_grad=True)
    x = torch.tensor(g["x"], dtype=torch.float64)
    loss = -(torch.log_softmax(logits, 0) * x).sum()
    loss.backward()
    return {
        "share": torch.softmax(logits, 0).tolist(),
        "loss": loss.item(),
        "gradient": logits.grad.tolist(),
    }


def sigmoid_collapse(g):
    n = g["count"]
    return {
        "uniform": -n * math.log(1 / g["items"]),
        "best": n * stats.entropy(np.full(n, 1 / n)),
    }


def divergence(g):
    normal = torch.distributions.Normal(torch.tensor(g["mu"]), torch.tensor(g["sigma"]))
    parts = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0))
    near = {"abs": 1e-6}
    return {
        "first": pytest.approx(parts[0].item(), **near),
        "second": pytest.approx(parts[1].item(), **near),
        "total": pytest.approx(parts.sum().item(), **near),
    }


def annealing(g):
    weight = multivae.kl_weight
    per_epoch = len(range(0, g["users"], g["batch"]))
    update = next(
        t for t in itertools.count(1) if weight(t, g["cap"], g["steps"]) >= g["cap"] - 1e-12
    )
    epochs = itertools.count(1)
    return {
        "per_epoch": per_epoch,
        "beta": weight(g["epoch"] * per_epoch, g["cap"], g["steps"]),
        "update": update,
        "reached": next(e for e in epochs if e * per_epoch >= update),
    }


def noisy_input(g):
    p, n = float(F(g["p"])), g["count"]
    probability = stats.binom(n, 1 - p)
    value = 1 / n**0.5
    scaled = value / (1 - p)
    return {
        "value": value, "scaled": scaled, "kept": probability.mean(),
        "norm": probability.expect(lambda kept: kept * scaled**2),
    }  # fmt: skip


def one_layer(g):
    """Сообщениями по рёбрам, без матрицы."""
    x, z = g["x"], g["z"]
    edges = [(u, i) for u in range(2) for i in range(3) if x[u][i]]
    users, items = [sum(row) for row in x], [sum(column) for column in zip(*x, strict=True)]
    user = sum(z[2 + i] / math.sqrt(users[0] * items[i]) for u, i in edges if u == 0)
    item = sum(z[u] / math.sqrt(users[u] * items[0]) for u, i in edges if i == 0)
    ready = (z[0] + user) / 2, (z[2] + item) / 2
    return {
        "user": user, "item": item, "user_ready": ready[0], "item_ready": ready[1],
        "score": ready[0] * ready[1],
    }  # fmt: skip


def pairwise_loss(g):
    margin = torch.tensor([math.log(g["a"]), -math.log(g["b"]), 0.0], requires_grad=True)
    losses = torch.nn.functional.softplus(-margin)
    losses.sum().backward()
    near = {"abs": 1e-6}
    return {
        "losses": pytest.approx(losses.tolist(), **near),
        "mean": pytest.approx(losses.mean().item(), **near),
        "pulls": pytest.approx((-margin.grad).tolist(), **near),
    }


def negative_by_number(g):
    others = [i for i in range(g["items"]) if i not in g["liked"]]
    return {"film": others[g["r"]], "chance": len(g["liked"]) / g["items"]}


def batch_cost(g):
    edges = 2 * g["ones"]  # каждое взаимодействие — ребро туда и обратно
    one = sum(edges * g["d"] for _ in range(2 * g["layers"]))
    batches = len(range(0, g["ones"], g["batch"]))
    return {
        "parameters": g["users"] * g["d"] + g["items"] * g["d"],
        "multiplications": one,
        "batches": batches,
        "epoch": one * batches,
    }


def smoothing(g):
    x = np.array(g["x"])
    own = {i for i in range(4) if x[0, i]}
    people = {u for u in range(1, 4) if own & {i for i in range(4) if x[u, i]}}
    fresh = {i for u in people for i in range(4) if x[u, i]} - own
    return {
        "people": ["абвг"[u] for u in sorted(people)],
        "fresh": ["ABCD"[i] for i in sorted(fresh)],
    }


def attention(g):
    keys = torch.tensor(np.log(g["powers"]))
    values = torch.tensor(g["values"], dtype=torch.float64)
    weights = torch.softmax(keys, 0)
    hidden = keys.clone()
    hidden[0] = -torch.inf
    return {
        "weights": weights.tolist(),
        "mixed": (weights @ values).tolist(),
        "padded": torch.softmax(hidden, 0)[1:].tolist(),
    }


def masks(g):
    n, rho = g["n"], Fraction(str(g["rho"]))
    empty = stats.binom.pmf(0, n, g["rho"])
    return {
        "count": max(1, math.floor(rho * n + Fraction(1, 2))),
        "empty": empty,
        "expected": pytest.approx(empty * g["histories"], abs=0.051),
    }


def first_loss(g):
    even = torch.nn.functional.cross_entropy(
        torch.zeros(1, g["items"], dtype=torch.float64), torch.tensor([0])
    ).item()
    batches = g["users"] / g["batch"]
    assert batches == int(batches)
    return {
        "start": even, "batches": batches, "printed": even * batches / g["users"],
        "after": 0.9 * even,
    }  # fmt: skip


def window_cost(g):
    def work(t):
        return 2 * t * t * g["d"], 4 * t * g["d"] ** 2 + 8 * t * g["d"] ** 2

    now, twice = work(g["t"]), work(2 * g["t"])
    equal = next(t for t in itertools.count(1) if work(t)[0] >= work(t)[1])
    return {"share": now[0] / sum(now), "growth": sum(twice) / sum(now), "equal": equal}


def markov_chain(g):
    text = ["".join("ABCDE"[i] for i in story) for story in g["stories"]]
    often = {c: sum(c in story for story in text) for c in "ABCDE"}
    score = {
        c: sum(f"A{c}" in story for story in text) + often[c] / max(often.values()) / 2
        for c in "CDE"
    }
    return {
        "score": [score[c] for c in "CDE"],
        "order": sorted(score, key=lambda c: -score[c]),
    }


def _same(found: Any, expected: Any) -> bool:
    if isinstance(found, str) or (isinstance(found, list) and isinstance(found[0], str)):
        return found == expected
    if isinstance(found, list):
        found = [float(v) for v in found]
        return found == (expected if not isinstance(expected, list) else pytest.approx(expected))
    if isinstance(expected, (int, float, np.number)):
        expected = pytest.approx(float(expected), rel=1e-9, abs=1e-12)
    return float(found) == expected


def test_answers_agree_with_another_way(asked):
    other: Callable[[dict[str, Any]], dict[str, Any]] = globals()[asked.__name__]
    for seed in SEEDS:
        drawn = made(asked, seed)
        expected = other(drawn.given)
        assert set(expected) == set(drawn.result)
        for name, value in drawn.result.items():
            assert _same(value, expected[name]), (seed, name, value, expected[name])


# ------------------------------------------------------------------------------- напечатано


def _numbers(text: str) -> list[tuple[float, float]]:
    """Числа текста и половина единицы последнего знака каждого."""
    text = text.replace("{,}", ",").replace("\u00a0", "").replace("−", "-")
    found = [
        (float(Fraction(int(a + b), int(c))), 1e-12)
        for a, b, c in re.findall(r"(-?)\\frac\{(\d+)\}\{(\d+)\}", text)
    ]
    for token in re.findall(r"-?\d+(?:,\d+)?", text):
        digits = len(token.partition(",")[2])
        found.append((float(token.replace(",", ".")), 0.5 * 10**-digits * (1 + 1e-9)))
    return found


def test_every_number_of_the_answer_is_printed(asked):
    for seed in SEEDS:
        drawn = made(asked, seed)
        shown = _numbers(drawn.answer)
        for name, value in drawn.result.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str):
                    assert one in drawn.answer
                else:
                    near = [v for v, half in shown if abs(abs(v) - abs(float(one))) <= half + 1e-9]
                    assert near, (seed, name, float(one), drawn.answer)


def test_every_question_renders(asked):
    for seed in range(4):
        drawn = made(asked, seed)
        for text in (drawn.text, drawn.answer, *drawn.criterion):
            page = to_html(text)
            assert "$" not in page and "\ue000" not in page
            assert page.count("<svg") == len(re.findall(r"\$[^$]+\$", text))
        assert len(drawn.criterion) == 3
        assert drawn.text.rstrip().endswith(("?", "."))


def test_numbers_change_with_the_seed(asked):
    assert len({made(asked, seed).text for seed in range(8)}) > 2


# ------------------------------------------------------------------------------------ билет


def test_a_ticket_is_three_questions_of_three_lessons():
    chosen = set()
    for number in range(1, 200):
        names = [lesson for lesson, _ in draw(5, number).questions]
        assert len(set(names)) == 3 and names == sorted(names)
        chosen |= set(names)
    assert chosen == set(lessons())


def test_the_same_seed_gives_the_same_ticket():
    assert pages([draw(5, 2)]) == pages([draw(5, 2)])
    assert pages([draw(5, 2)]) != pages([draw(6, 2)])
    assert pages([draw(5, 2)]) != pages([draw(5, 3)])


def test_lessons_can_be_named():
    names = {lesson for n in range(30) for lesson, _ in draw(1, n, ["04", "05", "01"]).questions}
    assert names == {"01", "04", "05"}
    with pytest.raises(ValueError, match="Нет вопросов по уроку 77"):
        draw(1, 1, ["01", "02", "77"])
    with pytest.raises(ValueError, match="3 разных уроков"):
        draw(1, 1, ["01", "02", "02"])


def test_the_student_page_holds_no_answer_and_no_request(tmp_path):
    assert main(["--seed", "3", "--count", "20", "--out", str(tmp_path / "билеты.html")]) == 0
    tasks = (tmp_path / "билеты.html").read_text(encoding="utf-8")
    answers = answers_path(tmp_path / "билеты.html").read_text(encoding="utf-8")
    assert tasks.count("<h1>") == answers.count("<h1>") == 20
    for number in range(1, 21):
        for _, drawn in draw(3, number).questions:
            assert to_html(drawn.text) in tasks
            assert to_html(drawn.answer) not in tasks and to_html(drawn.answer) in answers
    for page in (tasks, answers):
        assert not re.search(r"https?:|<script|<link|@import|url\(|src=", page)


def test_markdown_keeps_the_formulas(tmp_path):
    main(["--seed", "3", "--out", str(tmp_path / "a.md")])
    text = (tmp_path / "a.md").read_text(encoding="utf-8")
    assert text.startswith("# Билет 1") and text.count("## Вопрос") == 3
    assert "**Ответ.**" in (tmp_path / "a_ответы.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("wrong", [["--out", "a.pdf"], ["--out", "a.md", "--count", "0"]])
def test_wrong_arguments_are_explained(wrong, capsys):
    with pytest.raises(SystemExit):
        main(["--seed", "1", *wrong])
    assert re.search("нужен", capsys.readouterr().err)


def test_a_formula_is_a_picture_with_its_source():
    picture = formula(r"\frac{4}{11}")
    assert 'aria-label="\\frac{4}{11}"' in picture and "<path" in picture
    with pytest.raises(ValueError):
        formula(r"\nosuchcommand{1}")


def test_numbers_are_written_the_russian_way():
    assert [num(v) for v in (0.25, -1.5, 1234, 80_000, 0.12345, 2.0)] == [
        "0,25", "−1,5", "1234", "80\u00a0000", "0,123", "2",
    ]  # fmt: skip
    assert [times(v) for v in (4, 16, 2.5, 21, 22)] == [
        "4 раза", "16 раз", "2,5 раза", "21 раз", "22 раза",
    ]  # fmt: skip
