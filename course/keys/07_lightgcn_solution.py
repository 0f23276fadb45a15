# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# canary: e40a95b7d81c2f63


# %% tags=["task-1"]
def by_hand():
    """Слой 1, слой 2 и готовое число зрителя toy_user."""
    edges = np.array(toy, dtype=float)
    A = np.block([[np.zeros((3, 3)), edges], [edges.T, np.zeros((3, 3))]])
    k = A.sum(axis=1)
    layer = A / np.outer(k**receiver, k**sender)
    z = np.array(toy_z, dtype=float)
    first, second = layer @ z, layer @ layer @ z
    ready = z + first / 2 + second / 4
    return [first[toy_user], second[toy_user], ready[toy_user]]


# %% tags=["task-2"]
def layer_matrix(X):
    """Матрица слоя: строка — получатель, столбец — отправитель."""
    edges = sp.csr_array(X != 0).astype(float)
    A = sp.csr_array(sp.block_array([[None, edges], [edges.T, None]]))
    k = np.maximum(A.sum(axis=1), 1)
    return sp.diags_array(k**-receiver) @ A @ sp.diags_array(k**-sender)


def through_layers(A, Z, weights):
    """Сумма слоёв с весами weights, слой — умножение на A."""
    total = weights[0] * Z
    for one in weights[1:]:
        Z = A @ Z
        total = total + one * Z
    return total


def propagate(X, Z0, weights):
    """Готовые представления всех узлов."""
    return through_layers(layer_matrix(X), Z0, weights)


def backward(X, gradient, weights):
    """Градиент по слою 0 из градиента по готовым представлениям."""
    return through_layers(sp.csr_array(layer_matrix(X).T), gradient, weights)


# %% tags=["task-3"]
def batch(X, Z, Z0, triples, l2):
    """Потеря пакета, её градиент по Z и градиент штрафа по Z0."""
    own = X.toarray()[triples[:, 0], triples[:, 2]] > 0
    triples = triples[~own]
    m = len(triples)
    u, i, j = triples.T + np.array([[0], [X.shape[0]], [X.shape[0]]])
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    small = np.exp(-np.abs(margin))
    loss = (np.maximum(-margin, 0) + np.log1p(small)).mean()
    pull = (-np.where(margin > 0, small, 1) / (1 + small))[:, None] / m
    gradient = np.zeros_like(Z)
    np.add.at(gradient, u, pull * (Z[i] - Z[j]))
    np.add.at(gradient, i, pull * Z[u])
    np.add.at(gradient, j, -pull * Z[u])
    times = np.bincount(np.concatenate([u, i, j]), minlength=len(Z0))[:, None]
    penalty = l2 / m * times * Z0
    return loss + (penalty * Z0).sum() / 2, gradient, penalty


# %% tags=["task-4"]
def right_sampler(sample):
    """True, если sample(X, users, rng) выбирает из чужих поровну и независимо."""
    histories = np.array([[0, 1, 1, 1, 1, 0, 1, 0], [1, 1, 0, 1, 0, 1, 1, 1]], dtype=float)
    users = np.tile([0, 1], 6000)
    drawn = np.asarray(sample(sp.csr_array(histories), users, np.random.default_rng(0)))
    if drawn.shape != users.shape or histories[users, drawn].any():
        return False
    for user in (0, 1):
        own = drawn[users == user]
        others = np.flatnonzero(histories[user] == 0)
        counts = np.bincount(own, minlength=8)[others]
        if ((counts - counts.mean()) ** 2 / counts.mean()).sum() > 40:
            return False
        same = (own[1:] == own[:-1]).mean()
        if abs(same - 1 / len(others)) > 0.1:
            return False
    return True


# %% tags=["task-5"]
def graph_scores(X):
    """Баллы всех фильмов у всех зрителей по графу, без обучения."""
    T = X.toarray().astype(float)
    k_users, k_items = np.maximum(T.sum(axis=1), 1), np.maximum(T.sum(axis=0), 1)
    S = T / np.sqrt(np.outer(k_users, k_items))
    common = S.T @ S
    smooth = np.linalg.eigh(common)[1][:, -8:]
    alive = T.sum(axis=0) > 0
    return T @ (common + 0.3 * smooth @ smooth.T) * alive


# %% [markdown] tags=["open-6"]
# Что ждём. (1) Из формулы: путь «фильм истории h — зритель v — фильм i» весит |N(h)|^(−sender) ·
# |N(v)|^(−receiver − sender) · |N(i)|^(−receiver), а путей к фильму i примерно |N(i)|. Вместе
# |N(i)|^(1 − receiver): популярное поднимает малый показатель получателя. Показатель отправителя
# действует на фильмы истории: чем он меньше, тем громче популярные из них. (2) Опыт: два набора
# показателей, прочее одно и то же, валидационная часть, просмотренное убрано, средняя
# популярность списков и парная разность NDCG@10 с ошибкой. (3) Вывод не шире опыта: одни данные,
# одно число шагов; что популярнее, то не обязательно лучше.
