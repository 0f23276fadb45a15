# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %%
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import loguniform, uniform

from recsys_lessons import models
from recsys_lessons.datasets import load_baskets, load_movielens
from recsys_lessons.evaluation import average_seeds, compare, evaluate
from recsys_lessons.metrics import coverage, mean_popularity, novelty
from recsys_lessons.results import stored_result, stored_value
from recsys_lessons.splits import board_a
from recsys_lessons.tuning import Search, past_edge, tune

# %%
ratings, items = load_movielens()
validation, test = board_a(ratings, seed=0)


# %%
class Random:
    """Случайные баллы: у каждого пользователя свои, но при одном зерне одни и те же."""

    def __init__(self, seed=0):
        self.seed = seed

    def fit(self, X):
        self.n_items_ = X.shape[1]
        return self

    def score(self, users):
        generators = [np.random.default_rng([self.seed, user]) for user in users]
        return np.stack([generator.random(self.n_items_) for generator in generators])


def ials_with_penalty(X, n_factors, penalty, alpha0, nu, n_sweeps, **options):
    """iALS, у которой штраф зрителя с историей средней длины равен ``penalty`` (урок 03)."""
    weight = X.sum() / X.shape[0] + alpha0 * X.shape[1]
    regularization = float(f"{penalty / weight**nu:.3g}")
    return models.IALS(n_factors, regularization, alpha0, nu, n_sweeps, **options)


def make(name, X, options, **point):
    """Необученная модель с точкой подбора; целые гиперпараметры сетей округлены, как в уроке 06."""
    kinds = {
        "Случайное": Random,
        "Популярное": models.Popularity,
        "Item-KNN": models.ItemKNN,
        "RP3β": models.RP3beta,
        "iALS": partial(ials_with_penalty, X),
        "EASE": models.EASE,
        "EDLAE": models.EDLAE,
        "SLIM": models.SLIM,
        "SignedSLIM": models.SignedSLIM,
        "MultiVAE": models.MultiVAE,
        "Mult-DAE": models.MultDAE,
        "МР с BPR": partial(models.LightGCN, n_layers=0),
        "LightGCN": models.LightGCN,
        "GF-CF": models.GFCF,
    }
    whole = ("hidden", "latent", "batch_size", "anneal_steps")
    point = {key: round(v) if key in whole else v for key, v in point.items()}
    return kinds[name](**point, **options)


SEEDED = ("Случайное", "iALS", "MultiVAE", "Mult-DAE", "МР с BPR", "LightGCN")

# %%
SOURCES = {
    "Популярное": "04_ease.search",
    "Item-KNN": "01_item_knn.search",
    "RP3β": "01_item_knn.search",
    "iALS": "03_ials.search",
    "EASE": "04_ease.search",
    "EDLAE": "04_ease.search",
    "SLIM": "05_slim.search",
    "SignedSLIM": "05_slim.search",
    "MultiVAE": "06_multivae.search",
    "Mult-DAE": "06_multivae.search",
    "МР с BPR": "07_lightgcn.search",
    "LightGCN": "07_lightgcn.search",
    "GF-CF": "07_lightgcn.search",
}


def read_search(name):
    """Подбор модели, сохранённый её уроком."""
    stored = stored_value(SOURCES[name])
    return Search(**stored.get("searches", stored)[name])


searches = {name: read_search(name) for name in SOURCES}


def final_point(name, found, X):
    """Выбранная точка; у iALS штраф переведён в λ₂ по той матрице, на которой его подбирали."""
    if name != "iALS":
        return found.params
    best = ials_with_penalty(X, **found.params).get_params()
    return {key: best[key] for key in ("n_factors", "regularization", "alpha0", "nu", "n_sweeps")}


chosen = {name: final_point(name, s, validation.train) for name, s in searches.items()}
chosen = {"Случайное": {}} | chosen


# %%
def finish(name, point, train, seed):
    """Модель с закреплённой точкой, обученная на ``train``."""
    options = {"seed": seed} if name in SEEDED else {}
    if name == "iALS":
        return models.IALS(**point, **options).fit(train)
    return make(name, train, options, **point).fit(train)


def thirds_of(count):
    """Треть каждого объекта: 0 — редкие, 2 — популярные; взаимодействий в третях поровну."""
    order = np.argsort(count, kind="stable")
    third = np.empty(len(count), dtype=int)
    third[order] = np.minimum(3 * np.cumsum(count[order]) / count.sum(), 2.999).astype(int)
    return third


def list_properties(result, split):
    """Что в списках: охват, новизна, популярность, доли третей среди советов и находок."""
    count = split.train.sum(axis=0)
    third, top = thirds_of(count), result.recommended[:, :10]
    hits = np.zeros(3)
    for liked, row in zip(split.test[result.users], result.recommended, strict=True):
        hits += np.bincount(third[np.intersect1d(liked.indices, row)], minlength=3)
    # Объект, которого никто не видел, для новизны считаем виденным однажды.
    return {
        "coverage": coverage(top, len(count), 10),
        "novelty": novelty(top, np.maximum(count, 1), split.train.shape[0], 10),
        "popularity": mean_popularity(top, count, 10),
        "shown": np.bincount(third[top[top >= 0]], minlength=3) / (top >= 0).sum(),
        "found": hits / np.bincount(third[split.test.indices], minlength=3),
    }


def contest(events, chosen, min_rating, seed):
    """Одно зерно: оценки моделей, свойства их списков и длины историй."""
    split = board_a(events, seed, min_rating=min_rating)[1]
    results, properties = {}, {}
    for name, point in chosen.items():
        model = finish(name, point, split.train, seed)
        results[name] = evaluate(model.score, split.test, split.seen, ("NDCG@10", "Recall@20"))
        properties[name] = list_properties(results[name], split)
    return results, properties, np.diff(split.train.indptr)


def same_share(first, second):
    """Доля общих объектов в десятках двух моделей, среднее по пользователям."""
    lists = zip(first.recommended[:, :10], second.recommended[:, :10], strict=True)
    return np.mean([len(np.intersect1d(a, b)) / 10 for a, b in lists])


def table_row(result, properties):
    """Средние, их ошибки и разброс по зёрнам; свойства списков, усреднённые по зёрнам."""
    row = {}
    for metric in ("NDCG@10", "Recall@20"):
        stats = result.stats(metric)
        row[metric] = [stats["mean"], stats["se"], result.seed_sd[metric]]
    row |= {key: np.mean([one[key] for one in properties], axis=0) for key in properties[0]}
    return {key: np.round(value, 4).tolist() for key, value in row.items()}


def by_activity(result, history):
    """NDCG@10 и его ошибка в четвертях пользователей по длине истории."""
    quarter = pd.qcut(history[result.users], 4, labels=False)
    groups = result.values["NDCG@10"].groupby(quarter)
    return [[round(float(g.mean()), 4), round(float(g.sem()), 4)] for _, g in groups]


def duel(events, chosen, n_seeds, min_rating):
    """Все модели на тестовой части: строка на модель и строка на пару, среднее по зёрнам."""
    seeds = range(n_seeds)
    runs = Parallel(n_jobs=2)(delayed(contest)(events, chosen, min_rating, s) for s in seeds)
    pooled = {name: average_seeds([results[name] for results, *_ in runs]) for name in chosen}
    history, pairs = runs[0][2], []
    for first, second in combinations(chosen, 2):
        gains = [compare(pooled[first], pooled[second], m) for m in ("NDCG@10", "Recall@20")]
        same = np.mean([same_share(results[first], results[second]) for results, *_ in runs])
        numbers = [x for gain in gains for x in (gain.mean, gain.se)]
        pairs.append([first, second, *(round(float(x), 5) for x in (*numbers, same))])
    edges = np.quantile(history[pooled["Популярное"].users], [0, 0.25, 0.5, 0.75, 1])
    return {
        "table": {n: table_row(r, [p[n] for _, p, _ in runs]) for n, r in pooled.items()},
        "activity": {name: by_activity(result, history) for name, result in pooled.items()},
        "edges": edges.tolist(),
        "pairs": pairs,
    }


movies = stored_result(
    "09_compare.movies",
    duel,
    data={"events": ratings},
    params={"chosen": chosen, "n_seeds": 5, "min_rating": 4},
    tolerance=0.005,
)

# %%
baskets, products = load_baskets()


def first_purchases(baskets, n_families, seed):
    """Таблица «семья, товар, время первой покупки» случайных ``n_families`` семей."""
    firsts = baskets.sort_values(["user", "time", "basket", "item"])
    firsts = firsts.drop_duplicates(["user", "item"])
    everyone = np.random.default_rng(seed).permutation(baskets["user"].max() + 1)
    family = pd.Series(np.arange(n_families), index=np.sort(everyone[:n_families]))
    firsts = firsts[firsts["user"].isin(family.index)]
    return pd.DataFrame(
        {
            "user": family[firsts["user"]].to_numpy(),
            "item": firsts["item"].to_numpy(),
            "rating": 1,
            "timestamp": (firsts["time"] - pd.Timestamp("2017-01-01"))
            .dt.total_seconds()
            .to_numpy(),
        }
    )


purchases = first_purchases(baskets, 1000, 0)
purchases["timestamp"] = purchases["timestamp"].astype(int)
goods_validation = board_a(purchases, 0, min_rating=None)[0]


# %%
def same_space(found):
    """Пространство подбора по его записи: те же диапазоны."""
    space = {}
    for name, given in found.ranges.items():
        if "values" in given:
            space[name] = given["values"]
        elif given["log"]:
            space[name] = loguniform(given["low"], given["high"])
        else:
            space[name] = uniform(given["low"], given["high"] - given["low"])
    return space


def search_goods(part, records, budget, seed):
    """Подбор всех моделей на других данных: пространства и бюджет прежние."""
    found, outside = {}, {}
    for name, record in records.items():
        old = Search(**record)
        options = {}
        if name in ("MultiVAE", "Mult-DAE"):
            options = {"epochs": 500, "patience": 15, "dtype": np.float32, "seed": seed}
        elif name in ("МР с BPR", "LightGCN"):
            options = {"epochs": 600, "patience": 30, "dtype": np.float32, "seed": seed}
        build = partial(make, name, part.train, options)
        one = tune(name, build, same_space(old), part, "NDCG@10", budget, seed, natural=old.natural)
        for flag in one.flags:
            if flag.startswith("край"):
                title = f"{name}, {flag}"
                limits = {"dropout": 1, "nu": 1}
                point = {key: [v] for key, v in past_edge(one, flag, limits).items()}
                again = tune(title, build, point, part, "NDCG@10", 1)
                outside[title] = again.best["mean"]
        found[name] = one.record()
    return {"searches": found, "outside": outside}


goods_stored = stored_result(
    "09_compare.search_goods",
    search_goods,
    data={"part": goods_validation},
    params={"records": {n: s.record() for n, s in searches.items()}, "budget": 20, "seed": 0},
    tolerance=0.01,
)
goods_searches = {n: Search(**record) for n, record in goods_stored["searches"].items()}
goods_chosen = {n: final_point(n, s, goods_validation.train) for n, s in goods_searches.items()}
goods_chosen = {"Случайное": {}} | goods_chosen
goods = stored_result(
    "09_compare.goods",
    duel,
    data={"events": purchases},
    params={"chosen": goods_chosen, "n_seeds": 5, "min_rating": None},
    tolerance=0.005,
)
