"""Решения заданий «Попробуйте сами». Имя функции — как в заготовке урока."""

import numpy as np


# 00a_start
def best_unseen(scores, seen, k):
    seen = set(seen)
    order = sorted(range(len(scores)), key=lambda item: (-scores[item], item))
    return [item for item in order if item not in seen][:k]


def shrunk_mean(sums, counts, m):
    overall = np.sum(sums) / np.sum(counts)
    return (sums + m * overall) / (counts + m)


# 00b_evaluation
def ndcg_one(hits, n):
    """NDCG списка попаданий ``hits`` при ``n`` тестовых объектах."""
    if n == 0:
        return float("nan")
    k = len(hits)
    weights = [1 / np.log2(place + 1) for place in range(1, k + 1)]
    dcg = sum(weight for weight, hit in zip(weights, hits, strict=True) if hit)
    return dcg / sum(weights[: min(k, n)])


def honest_list(events, date, user, k):
    """Популярное на дату ``date`` без просмотренного: ``k`` номеров, равные по возрастанию."""
    past = events[events["timestamp"] < date]
    seen = set(past.loc[past["user"] == user, "item"])
    counts = past[past["rating"] >= 4].groupby("item").size()
    ordered = sorted((-count, item) for item, count in counts.items() if item not in seen)
    return np.array([item for _, item in ordered[:k]])


# 04_ease
def column_weights(G, j, l2):
    inverse = np.linalg.inv(G + l2 * np.eye(len(G)))
    column = -inverse[:, j] / inverse[j, j]
    column[j] = 0
    return column


def repair(B_mistaken, G, l2):
    column = np.linalg.solve(G + l2 * np.eye(len(G)), np.eye(len(G)))
    return B_mistaken / (l2 * column.diagonal())


# 01_item_knn
def jaccard(G):
    n = G.diagonal()
    S = np.zeros_like(G)
    for i in range(len(G)):
        for j in range(len(G)):
            either = n[i] + n[j] - G[i, j]
            if i != j and either > 0:
                S[i, j] = G[i, j] / either
    return S


def nearest_in_history(S, history, K):
    """Сумма ``K`` наибольших сходств с объектами истории, для каждого объекта."""
    votes = [sorted((S[i, j] for i in history), reverse=True)[:K] for j in range(len(S))]
    return [sum(best) for best in votes]


# 03_ials
def user_vector(Q, history, penalty, alpha0):
    weights = np.full(len(Q), alpha0)
    weights[history] += 1
    left = Q.T @ (weights[:, None] * Q) + np.diag(np.full(Q.shape[1], penalty))
    return np.linalg.inv(left) @ Q[history].sum(axis=0)


def from_implicit(alpha, regularization):
    return 1 / (alpha - 1), regularization / alpha


# 07_lightgcn
def one_step(X, Q):
    n_users, n_items = X.shape
    P = np.zeros((n_users, Q.shape[1]))
    for u in range(n_users):
        for i in range(n_items):
            if X[u, i]:
                P[u] += Q[i] / np.sqrt(X[u].sum() * X[:, i].sum())
    return P


def negative_at(liked, r):
    others = [item for item in range(len(liked) + max(r) + 1) if item not in set(liked)]
    return np.array(others)[r]


# 06_multivae
def nll_gradient(logits, x):
    """Градиент мультиномиальной потери: N · softmax(f) − x, без переполнения."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    pi = shifted / shifted.sum(axis=1, keepdims=True)
    return x.sum(axis=1, keepdims=True) * pi - x


def cap_epoch(n_users, batch_size, anneal_steps, beta_cap, epochs):
    """Номер обновления, на котором вес дорос до потолка, и эпоха, в которую оно попало."""
    n_batches = int(np.ceil(n_users / batch_size))
    for epoch in range(1, epochs + 1):
        last_update = epoch * n_batches - 1
        if last_update >= beta_cap * anneal_steps - 1e-9:
            return epoch
    return 0


# 02_tifu_knn
def day_weights(days, half_life):
    """Веса корзин по дням: вдвое меньше за каждые ``half_life`` дней, в сумме 1."""
    days = np.array(days, dtype=float)
    weights = np.exp2((days - days.max()) / half_life)
    return weights / weights.sum()


def two_recalls(recommended, wanted, bought):
    """Полнота повторных и новых покупок; ``nan``, где нужных нет."""
    recommended, wanted, bought = set(recommended), set(wanted), set(bought)
    parts = (wanted & bought, wanted - bought)
    return [len(part & recommended) / len(part) if part else float("nan") for part in parts]


# 05_slim
def to_sklearn(l1, l2, n_users):
    alpha = l1 / n_users + l2 / n_users
    return alpha, l1 / n_users / alpha


def fading_l1(G, j):
    column = np.array(G[j], dtype=float)
    column[j] = -np.inf
    return column.max()


# 08_bert4rec
def question_row(history, max_len, pad, mask):
    row = np.full(max_len, pad)
    row[-1] = mask
    known = np.asarray(history, dtype=int)[-(max_len - 1) :]
    if len(known):
        row[max_len - 1 - len(known) : -1] = known
    return row


def attend_one(q, K, V, real):
    real = np.asarray(real)
    products = K[real] @ np.asarray(q) / np.sqrt(K.shape[1])
    weights = np.exp(products - products.max())
    return weights @ V[real] / weights.sum()


# 10_own_data
def kept_pairs(table):
    """Пары, у которых сумма количеств больше нуля."""
    total = {}
    for user, item, count in table[["user", "item", "count"]].to_numpy().tolist():
        total[user, item] = total.get((user, item), 0) + count
    return {pair for pair, count in total.items() if count > 0}


def people_needed(sd, delta):
    people = 1
    while people * delta**2 < 2 * (1.96 * sd) ** 2 * (1 - 1e-9):
        people += 1
    return people


# 09_compare
def paired(first, second):
    gains = [a - b for a, b in zip(first, second, strict=True) if a == a]
    n = len(gains)
    mean = sum(gains) / n
    return mean, (sum((gain - mean) ** 2 for gain in gains) / (n - 1) / n) ** 0.5


def front(rivals):
    kept = []
    for name, (accuracy, novelty) in rivals.items():
        better = [
            other
            for other, (a, b) in rivals.items()
            if a >= accuracy and b >= novelty and (a, b) != (accuracy, novelty)
        ]
        if not better:
            kept.append(name)
    return kept
