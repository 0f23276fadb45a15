"""Генераторы с известным устройством: группы вкусов, корзины с привычками, марковская цепь.

Что заложено, то и должна найти модель: у генератора есть ответ, у настоящих данных его нет.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons.inputs import check_count, check_memory, check_number, check_seed

_SMALLER = "Возьмите меньше пользователей или объектов."


def make_clusters(
    n_users: int = 200,
    n_items: int = 100,
    n_clusters: int = 4,
    per_user: int = 12,
    loyalty: float = 0.8,
    seed: int = 0,
) -> tuple[sp.csr_array, np.ndarray, np.ndarray]:
    """Взаимодействия с группами вкусов: пользователь берёт в основном объекты своей группы.

    У каждого по ``per_user`` разных объектов; каждый выбирается из своей группы с вероятностью
    ``loyalty``, иначе — из чужих. Внутри группы r-й по счёту объект популярен как 1/r.

    :return: X — матрица единиц, пользователи × объекты; группы пользователей и группы объектов,
        массивы номеров 0…n_clusters-1
    :raises ValueError: числа не положительны, групп больше, чем пользователей или объектов,
        ``per_user`` больше группы
    """
    n_users, n_items = check_count("n_users", n_users), check_count("n_items", n_items)
    n_clusters, per_user = check_count("n_clusters", n_clusters), check_count("per_user", per_user)
    loyalty, seed = check_number("loyalty", loyalty, 0, 1), check_seed(seed)
    if n_clusters > min(n_users, n_items):
        raise ValueError(f"n_clusters={n_clusters}: групп больше, чем пользователей или объектов.")
    if per_user > n_items // n_clusters:
        raise ValueError(
            f"per_user={per_user}: в группе только {n_items // n_clusters} объектов, "
            "а они не повторяются."
        )
    check_memory(50.0 * n_users * n_items, f"Генератор {n_users} × {n_items}", _SMALLER)
    rng = np.random.default_rng(seed)
    user_cluster = rng.permutation(np.arange(n_users) % n_clusters)
    place = rng.permutation(n_items)
    item_cluster, popularity = place % n_clusters, 1 / (1 + place // n_clusters)
    own = user_cluster[:, None] == item_cluster
    n_own = rng.binomial(per_user, 1.0 if n_clusters == 1 else loyalty, size=n_users)
    # Наибольшие log p + шум Гумбеля — это выборка без возвращения с вероятностями p.
    keys = np.log(popularity) + rng.gumbel(size=(n_users, n_items))
    chosen = np.zeros((n_users, n_items))
    for part, n_part in ((own, n_own), (~own, per_user - n_own)):
        order = np.argsort(np.where(part, -keys, np.inf), axis=1)
        users, ranks = np.nonzero(np.arange(n_items) < n_part[:, None])
        chosen[users, order[users, ranks]] = 1
    return sp.csr_array(chosen), user_cluster, item_cluster


@dataclass(frozen=True)
class BasketTruth:
    """Как устроены корзины :func:`make_baskets`."""

    staples: np.ndarray  # (n_users, n_staples): товары, которые есть в каждой корзине пользователя
    periodic: np.ndarray  # (n_users, n_periodic): товары, которые он берёт раз в period[i] корзин
    period: np.ndarray  # (n_items,): 0 — товар не периодический
    item_cluster: np.ndarray  # (n_items,): группа вкусов товара, -1 — не из них
    user_cluster: np.ndarray  # (n_users, 2): группа вкусов пользователя до и после перемены
    drift: int  # с какой по счёту корзины (с нуля) вкусы другие
    probability: np.ndarray  # (n_users, n_items): вероятность товара в следующей корзине


def make_baskets(
    n_users: int = 200,
    n_items: int = 100,
    n_baskets: int = 40,
    n_clusters: int = 4,
    n_staples: int = 3,
    n_periodic: int = 4,
    taste_rate: float = 0.5,
    seed: int = 0,
) -> tuple[pd.DataFrame, BasketTruth]:
    """Корзины, в которых есть что найти: постоянные покупки, периоды и перемена вкусов.

    Четверть товаров постоянные: ``n_staples`` своих есть в каждой корзине пользователя. Четверть —
    периодические: у товара свой период от 2 до 6 корзин, у пользователя ``n_periodic`` таких.
    Остальные делятся на группы вкусов: r-й товар группы попадает в корзину с вероятностью
    ``taste_rate``/√r. С середины истории пользователь переходит в следующую группу: недавние
    корзины предсказывают лучше старых, а подсказать могут соседи по группе.

    :return: корзины в виде :func:`load_baskets` и их устройство, :class:`BasketTruth`
    :raises ValueError: числа не положительны, товаров не хватает, групп или корзин меньше двух
    """
    n_users, n_items = check_count("n_users", n_users), check_count("n_items", n_items)
    n_baskets = check_count("n_baskets", n_baskets, 1, 9_000)  # дальше 2262 года pandas не считает
    n_clusters, n_staples = (
        check_count("n_clusters", n_clusters),
        check_count("n_staples", n_staples),
    )
    n_periodic = check_count("n_periodic", n_periodic)
    taste_rate, seed = check_number("taste_rate", taste_rate, 0, 1), check_seed(seed)
    quarter = n_items // 4
    if min(n_clusters, n_baskets) < 2:
        raise ValueError("Чтобы вкусы менялись, нужны хотя бы две группы и две корзины.")
    if max(n_staples, n_periodic) > quarter or n_clusters > n_items - 2 * quarter:
        raise ValueError(
            f"n_items={n_items} мало: постоянных и периодических товаров по {quarter}, "
            f"на группы вкусов остаётся {n_items - 2 * quarter}."
        )
    group = (n_items - 2 * quarter) / n_clusters  # сумма 1/√r по группе меньше 2√group
    per_basket = n_staples + n_periodic + 2 * taste_rate * group**0.5
    needed = n_users * (n_baskets * (2 * n_items + 60 * per_basket) + 50 * n_items)
    check_memory(needed, f"Генератор {n_users} × {n_baskets} корзин из {n_items}", _SMALLER)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(n_items)
    staple_pool, periodic_pool, taste_pool = np.split(shuffled, [quarter, 2 * quarter])

    def own(pool: np.ndarray, n: int) -> np.ndarray:
        return pool[np.argsort(rng.random((n_users, len(pool))), axis=1)[:, :n]]

    staples, periodic = own(staple_pool, n_staples), own(periodic_pool, n_periodic)
    period = np.zeros(n_items, dtype=int)
    period[periodic_pool] = rng.integers(2, 7, size=quarter)
    phase = rng.integers(0, period[periodic])
    item_cluster = np.full(n_items, -1)
    place = np.arange(len(taste_pool))
    item_cluster[taste_pool] = place % n_clusters
    taste = np.zeros((n_clusters, n_items))
    taste[item_cluster[taste_pool], taste_pool] = taste_rate / np.sqrt(1 + place // n_clusters)
    before = rng.integers(0, n_clusters, size=n_users)
    user_cluster = np.column_stack([before, (before + 1) % n_clusters])
    drift = n_baskets // 2

    def probability(trip: int) -> np.ndarray:
        p = taste[user_cluster[:, int(trip >= drift)]]
        np.put_along_axis(p, staples, 1.0, axis=1)
        np.put_along_axis(p, periodic, (trip + phase) % period[periodic] == 0, axis=1)
        return p

    bought = [rng.random((n_users, n_items)) < probability(trip) for trip in range(n_baskets)]
    user, trip, item = np.nonzero(np.stack(bought, axis=1))
    days = rng.integers(5, 10, size=(n_users, n_baskets)).cumsum(axis=1)
    time = np.datetime64("2024-01-01", "ns") + days.astype("timedelta64[D]")
    frame = {
        "user": user,
        "basket": user * n_baskets + trip,
        "time": time[user, trip],
        "item": item,
    }
    truth = BasketTruth(
        staples, periodic, period, item_cluster, user_cluster, drift, probability(n_baskets)
    )
    return pd.DataFrame(frame), truth


def make_chain(
    n_users: int = 300,
    n_items: int = 20,
    length: int = 30,
    branching: int = 3,
    seed: int = 0,
) -> tuple[list[np.ndarray], np.ndarray, float]:
    """Последовательности из марковской цепи: следующий объект зависит только от последнего.

    За каждым объектом идут ``branching`` других со случайными вероятностями; из любого объекта
    можно дойти до любого. Первый объект взят из стационарного распределения π, поэтому лучшее
    возможное предсказание следующего — самый вероятный переход — попадает с вероятностью
    Σ_i π_i · max_j P_ij на любом месте последовательности.

    :return: список из ``n_users`` массивов длины ``length``, старые объекты первыми; матрица
        переходов P (n_items × n_items); эта вероятность — HR@1, лучше которого не бывает
    :raises ValueError: числа не положительны, объектов меньше двух, ``branching`` больше
        n_items - 1
    """
    n_users, n_items = check_count("n_users", n_users), check_count("n_items", n_items)
    length, branching = check_count("length", length), check_count("branching", branching)
    seed = check_seed(seed)
    if branching > n_items - 1:
        raise ValueError(f"branching={branching}: других объектов только {n_items - 1}.")
    needed = 80.0 * n_items**2 + 8.0 * n_users * (length + 3 * n_items)
    check_memory(needed, f"Генератор {n_users} × {length} из {n_items} объектов", _SMALLER)
    rng = np.random.default_rng(seed)
    cycle = rng.permutation(n_items)
    keys = rng.random((n_items, n_items))
    keys[cycle, np.roll(cycle, -1)] = -1.0  # общий круг: всякий объект достижим
    np.fill_diagonal(keys, np.inf)
    following = np.argsort(keys, axis=1)[:, :branching]
    transition = np.zeros((n_items, n_items))
    weights = rng.dirichlet(np.ones(branching), size=n_items)
    np.put_along_axis(transition, following, weights, axis=1)

    equations = np.vstack([transition.T - np.eye(n_items), np.ones(n_items)])
    ones_last = np.append(np.zeros(n_items), 1.0)
    stationary = np.clip(np.linalg.lstsq(equations, ones_last, rcond=None)[0], 0, None)
    stationary /= stationary.sum()
    accuracy = min(float(stationary @ transition.max(axis=1)), 1.0)  # не 1 + 2e-16

    states = np.empty((n_users, length), dtype=int)
    states[:, 0] = rng.choice(n_items, size=n_users, p=stationary)
    cumulative = transition.cumsum(axis=1)
    for step in range(1, length):
        reached = cumulative[states[:, step - 1]]
        level = (1 - rng.random((n_users, 1))) * reached[:, -1:]  # из (0, 1]
        states[:, step] = (reached < level).sum(axis=1)
    return list(states), transition, accuracy
