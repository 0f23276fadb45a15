"""Генераторы, чьё устройство можно найти в их выдаче."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys_lessons.datasets import load_baskets
from recsys_lessons.synthetic import make_baskets, make_chain, make_clusters


@pytest.mark.parametrize("loyalty", [0.0, 0.6, 0.9])
def test_clusters_loyalty(loyalty):
    X, user_cluster, item_cluster = make_clusters(2_000, 90, 3, 10, loyalty=loyalty, seed=1)
    assert isinstance(X, sp.csr_array) and X.shape == (2_000, 90)
    assert (X.data == 1).all() and (X.sum(axis=1) == 10).all()
    assert np.bincount(item_cluster).tolist() == [30, 30, 30]
    assert np.ptp(np.bincount(user_cluster)) <= 1
    users, items = X.nonzero()
    share = (user_cluster[users] == item_cluster[items]).mean()
    se = np.sqrt(loyalty * (1 - loyalty) / X.nnz)
    assert abs(share - loyalty) <= 3 * se


def test_clusters_popularity_and_recovery():
    X, user_cluster, item_cluster = make_clusters(2_000, 90, 3, 10, seed=2)
    for cluster in range(3):
        counts = np.sort(X.toarray()[:, item_cluster == cluster].sum(axis=0))[::-1]
        assert counts[0] > 3 * counts[-1]
    # Два главных направления без среднего делят пользователей на группы почти без ошибок.
    centred = X.toarray() - X.toarray().mean(axis=0)
    factors = np.linalg.svd(centred, full_matrices=False)[0][:, :2]
    centres = np.stack([factors[user_cluster == c].mean(axis=0) for c in range(3)])
    nearest = ((factors[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == user_cluster).mean() > 0.9


def test_one_cluster():
    X, user_cluster, item_cluster = make_clusters(20, 10, 1, 10)
    assert (X.toarray() == 1).all() and not user_cluster.any() and not item_cluster.any()


@pytest.fixture(scope="module")
def shopping():
    return make_baskets(n_users=400, n_baskets=41, seed=3)


def dense(baskets: pd.DataFrame, n_users: int, n_baskets: int, n_items: int) -> np.ndarray:
    bought = np.zeros((n_users * n_baskets, n_items), dtype=bool)
    bought[baskets["basket"], baskets["item"]] = True
    return bought.reshape(n_users, n_baskets, n_items)


def test_basket_frame(shopping):
    baskets, truth = shopping
    real = load_baskets()[0]
    assert baskets.dtypes.astype(str).tolist() == real.dtypes.astype(str).tolist()
    assert baskets.columns.equals(real.columns)
    order = ["user", "time", "basket", "item"]
    assert baskets.equals(baskets.sort_values(order, ignore_index=True))
    assert baskets["basket"].nunique() == 400 * 41
    assert not baskets.duplicated(["basket", "item"]).any()
    times = baskets.drop_duplicates("basket").groupby("user")["time"]
    assert (times.diff().dropna() >= pd.Timedelta(days=5)).all()
    assert truth.drift == 20 and truth.probability.shape == (400, 100)


def test_staples_and_periods(shopping):
    baskets, truth = shopping
    bought = dense(baskets, 400, 41, 100)
    users = np.arange(400)[:, None]
    assert bought[users, :, truth.staples].all()
    for user, item in [(u, i) for u in range(400) for i in truth.periodic[u]]:
        trips = np.flatnonzero(bought[user, :, item])
        assert set(np.diff(trips)) == {truth.period[item]} and trips[0] < truth.period[item]
    assert set(truth.period[truth.period > 0]) == {2, 3, 4, 5, 6}


def test_taste_drift(shopping):
    baskets, truth = shopping
    trip = baskets["basket"] % 41
    cluster = truth.item_cluster[baskets["item"]]
    expected = truth.user_cluster[baskets["user"], (trip >= truth.drift).astype(int)]
    assert (cluster[cluster >= 0] == expected[cluster >= 0]).all()
    assert (truth.user_cluster[:, 0] != truth.user_cluster[:, 1]).all()


def test_recent_baskets_predict_better(shopping):
    baskets, _ = shopping
    bought = dense(baskets, 400, 41, 100)
    history, target = bought[:, :40], bought[:, 40]
    noise = np.random.default_rng(0).random((400, 100)) / 100

    def recall(score: np.ndarray) -> np.ndarray:
        top = np.argsort(-score - noise, axis=1)[:, :10]
        return np.take_along_axis(target, top, axis=1).sum(axis=1) / target.sum(axis=1)

    gain = recall(history[:, 25:].mean(axis=1)) - recall(history.mean(axis=1))
    assert gain.mean() > 5 * gain.std() / np.sqrt(400)


def test_next_basket_probability(shopping):
    """Та же история на корзину короче: ``probability`` описывает недостающую корзину."""
    baskets, _ = shopping
    shorter, truth = make_baskets(n_users=400, n_baskets=40, seed=3)
    bought = dense(baskets, 400, 41, 100)
    assert (dense(shorter, 400, 40, 100) == bought[:, :40]).all()
    p, target = truth.probability, bought[:, 40]
    assert target[p == 1].all() and not target[p == 0].any()
    for value in np.unique(p[(p > 0) & (p < 1)]):
        drawn = target[p == value]
        assert abs(drawn.mean() - value) < 4 * np.sqrt(value * (1 - value) / drawn.size)


def test_chain_follows_its_matrix():
    sequences, transition, _ = make_chain(n_users=2_000, n_items=15, length=40, seed=4)
    assert len(sequences) == 2_000 and all(s.shape == (40,) for s in sequences)
    np.testing.assert_allclose(transition.sum(axis=1), 1)
    assert ((transition > 0).sum(axis=1) == 3).all() and not transition.diagonal().any()
    states = np.stack(sequences)
    counts = np.zeros((15, 15))
    np.add.at(counts, (states[:, :-1], states[:, 1:]), 1)
    assert not counts[transition == 0].any()
    visits = counts.sum(axis=1, keepdims=True)
    se = np.sqrt(transition * (1 - transition) / visits)
    inside = transition > 0
    assert (abs(counts / visits - transition)[inside] < 4.5 * se[inside]).all()


@pytest.mark.parametrize(("branching", "n_items"), [(1, 5), (2, 3), (3, 20), (10, 50)])
def test_chain_accuracy(branching, n_items):
    sequences, transition, accuracy = make_chain(
        n_users=20_000, n_items=n_items, length=2, branching=branching, seed=5
    )
    lazy = (transition + np.eye(n_items)) / 2  # то же стационарное распределение, без периода
    stationary = np.linalg.matrix_power(lazy, 20_000)[0]
    assert accuracy == pytest.approx(stationary @ transition.max(axis=1), abs=1e-9)
    states = np.stack(sequences)
    hits = transition.argmax(axis=1)[states[:, 0]] == states[:, 1]
    assert abs(hits.mean() - accuracy) <= 3 * np.sqrt(accuracy * (1 - accuracy) / len(hits))
    shares = np.bincount(states[:, 1], minlength=n_items) / len(hits)
    assert (abs(shares - stationary) < 4.5 * np.sqrt(stationary / len(hits))).all()


@pytest.mark.parametrize("make", [make_clusters, make_baskets, make_chain])
def test_seed_decides_everything(make):
    def content(seed: int) -> np.ndarray:
        first = make(seed=seed)[0]
        if isinstance(first, pd.DataFrame):
            return first["item"].to_numpy()
        return first.toarray() if sp.issparse(first) else np.stack(first)

    assert np.array_equal(content(1), content(1))
    assert not np.array_equal(content(1), content(2))


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (make_clusters, {"n_users": -1}, "n_users — целое число не меньше 1, а получено -1"),
        (make_clusters, {"n_items": 2.5}, "n_items — целое число"),
        (make_clusters, {"n_items": 3}, "групп больше, чем пользователей или объектов"),
        (make_clusters, {"per_user": 26}, "в группе только 25 объектов"),
        (make_clusters, {"loyalty": 1.2}, "loyalty — число не меньше 0 и не больше 1"),
        (make_clusters, {"loyalty": float("nan")}, "loyalty — число не меньше 0 и не больше 1"),
        (make_baskets, {"n_baskets": 0}, "n_baskets — целое число не меньше 1"),
        (make_baskets, {"n_clusters": 1}, "две группы и две корзины"),
        (make_baskets, {"n_items": 8}, "n_items=8 мало"),
        (make_baskets, {"n_clusters": 51}, "n_items=100 мало"),
        (make_baskets, {"taste_rate": -0.1}, "taste_rate — число не меньше 0 и не больше 1"),
        (make_chain, {"length": True}, "length — целое число"),
        (make_chain, {"n_items": 3}, "branching=3: других объектов только 2"),
    ],
)
def test_bad_arguments(make, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make(**arguments)
