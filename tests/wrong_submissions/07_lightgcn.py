# Неверные решения задания 07, какие написал бы студент. В заголовке ячейки — что сделано не так и
# какие свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2. Прочие задачи — из решения.

# %% нормировка урока вместо своей tags=["task-1"] loses=["1.1", "1.2", "1.3"]
def by_hand():
    X = np.array(toy, float)
    A = np.block([[np.zeros((3, 3)), X], [X.T, np.zeros((3, 3))]])
    k = A.sum(axis=1)
    A = A / np.sqrt(np.outer(k, k))
    z = np.array(toy_z, float)
    a, b = A @ z, A @ A @ z
    return [a[toy_user], b[toy_user], (z + a / 2 + b / 4)[toy_user]]


# %% простое среднее слоёв tags=["task-1"] loses=["1.3"]
def by_hand():
    X = np.array(toy, float)
    A = np.block([[np.zeros((3, 3)), X], [X.T, np.zeros((3, 3))]])
    k = A.sum(axis=1)
    A = A / np.outer(k**receiver, k**sender)
    z = np.array(toy_z, float)
    a, b = A @ z, A @ A @ z
    return [a[toy_user], b[toy_user], (z + a + b)[toy_user] / 3]


# %% слой 2 собран из слоя 0 фильмов tags=["task-1"] loses=["1.2", "1.3"]
def by_hand():
    X = np.array(toy, float)
    A = np.block([[np.zeros((3, 3)), X], [X.T, np.zeros((3, 3))]])
    k = A.sum(axis=1)
    A = A / np.outer(k**receiver, k**sender)
    z = np.array(toy_z, float)
    a = A @ z
    b = A @ np.concatenate([a[:3], z[3:]])
    return [a[toy_user], b[toy_user], (z + a / 2 + b / 4)[toy_user]]


# %% получатель и отправитель перепутаны tags=["task-1"] loses=["1.1", "1.2", "1.3"]
def by_hand():
    X = np.array(toy, float)
    A = np.block([[np.zeros((3, 3)), X], [X.T, np.zeros((3, 3))]])
    k = A.sum(axis=1)
    A = A / np.outer(k**sender, k**receiver)
    z = np.array(toy_z, float)
    a, b = A @ z, A @ A @ z
    return [a[toy_user], b[toy_user], (z + a / 2 + b / 4)[toy_user]]


# %% обратный проход той же матрицей, как в уроке tags=["task-2"] loses=["2.2"]
def matrix(X):
    E = sp.csr_array((X != 0).astype(float))
    A = sp.csr_array(sp.block_array([[None, E], [E.T, None]]))
    k = np.maximum(A.sum(axis=1), 1)
    return sp.csr_array(sp.diags_array(k**-receiver) @ A @ sp.diags_array(k**-sender))


def mixed(A, Z, weights):
    total = weights[0] * Z
    for w in weights[1:]:
        Z = A @ Z
        total = total + w * Z
    return total


def propagate(X, Z0, weights):
    return mixed(matrix(X), Z0, weights)


def backward(X, gradient, weights):
    A = matrix(X)
    return mixed(A, gradient, weights)


# %% нормировка урока tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"]
def matrix(X):
    E = sp.csr_array((X != 0).astype(float))
    A = sp.csr_array(sp.block_array([[None, E], [E.T, None]]))
    k = np.maximum(A.sum(axis=1), 1)
    return sp.csr_array(sp.diags_array(k**-0.5) @ A @ sp.diags_array(k**-0.5))


def mixed(A, Z, weights):
    total = weights[0] * Z
    for w in weights[1:]:
        Z = A @ Z
        total = total + w * Z
    return total


def propagate(X, Z0, weights):
    return mixed(matrix(X), Z0, weights)


def backward(X, gradient, weights):
    A = matrix(X)
    return mixed(A.T, gradient, weights)


# %% получатель и отправитель перепутаны tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"]
def matrix(X):
    E = sp.csr_array((X != 0).astype(float))
    A = sp.csr_array(sp.block_array([[None, E], [E.T, None]]))
    k = np.maximum(A.sum(axis=1), 1)
    return sp.csr_array(sp.diags_array(k**-sender) @ A @ sp.diags_array(k**-receiver))


def mixed(A, Z, weights):
    total = weights[0] * Z
    for w in weights[1:]:
        Z = A @ Z
        total = total + w * Z
    return total


def propagate(X, Z0, weights):
    return mixed(matrix(X), Z0, weights)


def backward(X, gradient, weights):
    A = matrix(X)
    return mixed(A.T, gradient, weights)


# %% веса слоёв не взяты, простое среднее tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"]
def matrix(X):
    E = sp.csr_array((X != 0).astype(float))
    A = sp.csr_array(sp.block_array([[None, E], [E.T, None]]))
    k = np.maximum(A.sum(axis=1), 1)
    return sp.csr_array(sp.diags_array(k**-receiver) @ A @ sp.diags_array(k**-sender))


def mixed(A, Z, weights):
    total, n = Z, len(weights)
    for _ in range(n - 1):
        Z = A @ Z
        total = total + Z
    return total / n


def propagate(X, Z0, weights):
    return mixed(matrix(X), Z0, weights)


def backward(X, gradient, weights):
    A = matrix(X)
    return mixed(A.T, gradient, weights)


# %% слой 0 забыт tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"]
def matrix(X):
    E = sp.csr_array((X != 0).astype(float))
    A = sp.csr_array(sp.block_array([[None, E], [E.T, None]]))
    k = np.maximum(A.sum(axis=1), 1)
    return sp.csr_array(sp.diags_array(k**-receiver) @ A @ sp.diags_array(k**-sender))


def mixed(A, Z, weights):
    total = 0 * Z
    for w in weights:
        Z = A @ Z
        total = total + w * Z
    return total


def propagate(X, Z0, weights):
    return mixed(matrix(X), Z0, weights)


def backward(X, gradient, weights):
    A = matrix(X)
    return mixed(A.T, gradient, weights)


# %% число соседей — сумма чисел в ячейках tags=["task-2"] loses=["2.3"]
def matrix(X):
    E = sp.csr_array(X.astype(float))
    A = sp.csr_array(sp.block_array([[None, E], [E.T, None]]))
    k = np.maximum(A.sum(axis=1), 1)
    return sp.csr_array(sp.diags_array(k**-receiver) @ A @ sp.diags_array(k**-sender))


def mixed(A, Z, weights):
    total = weights[0] * Z
    for w in weights[1:]:
        Z = A @ Z
        total = total + w * Z
    return total


def propagate(X, Z0, weights):
    return mixed(matrix(X), Z0, weights)


def backward(X, gradient, weights):
    A = matrix(X)
    return mixed(A.T, gradient, weights)


# %% рёбра только от зрителей к фильмам tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"]
def matrix(X):
    E = sp.csr_array((X != 0).astype(float))
    A = sp.csr_array(sp.block_array([[None, 0 * E], [E.T, None]]))
    k = np.maximum(A.sum(axis=1), 1)
    return sp.csr_array(sp.diags_array(k**-receiver) @ A @ sp.diags_array(k**-sender))


def mixed(A, Z, weights):
    total = weights[0] * Z
    for w in weights[1:]:
        Z = A @ Z
        total = total + w * Z
    return total


def propagate(X, Z0, weights):
    return mixed(matrix(X), Z0, weights)


def backward(X, gradient, weights):
    A = matrix(X)
    return mixed(A.T, gradient, weights)


# %% плотная матрица узлов tags=["task-2"] loses=["2.4"]
def matrix(X):
    n, m = X.shape
    A = np.zeros((n + m, n + m))
    A[:n, n:] = X.toarray() != 0
    A[n:, :n] = A[:n, n:].T
    k = np.maximum(A.sum(axis=1), 1)
    return A / np.outer(k**receiver, k**sender)


def propagate(X, Z0, weights):
    A = matrix(X)
    return sum(w * np.linalg.matrix_power(A, l) @ Z0 for l, w in enumerate(weights))


def backward(X, gradient, weights):
    A = matrix(X).T
    return sum(w * np.linalg.matrix_power(A, l) @ gradient for l, w in enumerate(weights))


# %% повторы узлов потеряны tags=["task-3"] loses=["3.1"]
def batch(X, Z, Z0, triples, l2):
    own = X.toarray()[triples[:, 0], triples[:, 2]] > 0
    triples = triples[~own]
    m = len(triples)
    u, i, j = triples[:, 0], X.shape[0] + triples[:, 1], X.shape[0] + triples[:, 2]
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    pull = -np.exp(-np.logaddexp(0, margin))[:, None] / m
    g = np.zeros_like(Z)
    g[u] += pull * (Z[i] - Z[j])
    g[i] += pull * Z[u]
    g[j] -= pull * Z[u]
    times = np.bincount(np.concatenate([u, i, j]), minlength=len(Z0))
    penalty = l2 / m * times[:, None] * Z0
    return np.logaddexp(0, -margin).mean() + (penalty * Z0).sum() / 2, g, penalty


# %% сигмоида в лоб tags=["task-3"] loses=["3.2"]
def batch(X, Z, Z0, triples, l2):
    own = X.toarray()[triples[:, 0], triples[:, 2]] > 0
    triples = triples[~own]
    m = len(triples)
    u, i, j = triples[:, 0], X.shape[0] + triples[:, 1], X.shape[0] + triples[:, 2]
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    pull = -np.exp(-np.logaddexp(0, margin))[:, None] / m
    g = np.zeros_like(Z)
    np.add.at(g, u, pull * (Z[i] - Z[j]))
    np.add.at(g, i, pull * Z[u])
    np.add.at(g, j, -pull * Z[u])
    times = np.bincount(np.concatenate([u, i, j]), minlength=len(Z0))
    penalty = l2 / m * times[:, None] * Z0
    return -np.log(1 / (1 + np.exp(-margin))).mean() + (penalty * Z0).sum() / 2, g, penalty


# %% отрыв обрезан до тридцати tags=["task-3"] loses=["3.2"]
def batch(X, Z, Z0, triples, l2):
    own = X.toarray()[triples[:, 0], triples[:, 2]] > 0
    triples = triples[~own]
    m = len(triples)
    u, i, j = triples[:, 0], X.shape[0] + triples[:, 1], X.shape[0] + triples[:, 2]
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    pull = -np.exp(-np.logaddexp(0, margin))[:, None] / m
    g = np.zeros_like(Z)
    np.add.at(g, u, pull * (Z[i] - Z[j]))
    np.add.at(g, i, pull * Z[u])
    np.add.at(g, j, -pull * Z[u])
    times = np.bincount(np.concatenate([u, i, j]), minlength=len(Z0))
    penalty = l2 / m * times[:, None] * Z0
    return np.log1p(np.exp(np.clip(-margin, -30, 30))).mean() + (penalty * Z0).sum() / 2, g, penalty


# %% каждый узел штрафуют один раз tags=["task-3"] loses=["3.3"]
def batch(X, Z, Z0, triples, l2):
    own = X.toarray()[triples[:, 0], triples[:, 2]] > 0
    triples = triples[~own]
    m = len(triples)
    u, i, j = triples[:, 0], X.shape[0] + triples[:, 1], X.shape[0] + triples[:, 2]
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    pull = -np.exp(-np.logaddexp(0, margin))[:, None] / m
    g = np.zeros_like(Z)
    np.add.at(g, u, pull * (Z[i] - Z[j]))
    np.add.at(g, i, pull * Z[u])
    np.add.at(g, j, -pull * Z[u])
    times = (np.bincount(np.concatenate([u, i, j]), minlength=len(Z0)) > 0)
    penalty = l2 / m * times[:, None] * Z0
    return np.logaddexp(0, -margin).mean() + (penalty * Z0).sum() / 2, g, penalty


# %% ложные тройки остались tags=["task-3"] loses=["3.4"]
def batch(X, Z, Z0, triples, l2):
    m = len(triples)
    u, i, j = triples[:, 0], X.shape[0] + triples[:, 1], X.shape[0] + triples[:, 2]
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    pull = -np.exp(-np.logaddexp(0, margin))[:, None] / m
    g = np.zeros_like(Z)
    np.add.at(g, u, pull * (Z[i] - Z[j]))
    np.add.at(g, i, pull * Z[u])
    np.add.at(g, j, -pull * Z[u])
    times = np.bincount(np.concatenate([u, i, j]), minlength=len(Z0))
    penalty = l2 / m * times[:, None] * Z0
    return np.logaddexp(0, -margin).mean() + (penalty * Z0).sum() / 2, g, penalty


# %% ложные тройки убраны, но делят на всех tags=["task-3"] loses=["3.4"]
def batch(X, Z, Z0, triples, l2):
    n = len(triples)
    own = X.toarray()[triples[:, 0], triples[:, 2]] > 0
    triples = triples[~own]
    m = len(triples)
    u, i, j = triples[:, 0], X.shape[0] + triples[:, 1], X.shape[0] + triples[:, 2]
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    pull = -np.exp(-np.logaddexp(0, margin))[:, None] / n
    g = np.zeros_like(Z)
    np.add.at(g, u, pull * (Z[i] - Z[j]))
    np.add.at(g, i, pull * Z[u])
    np.add.at(g, j, -pull * Z[u])
    times = np.bincount(np.concatenate([u, i, j]), minlength=len(Z0))
    penalty = l2 / m * times[:, None] * Z0
    return np.logaddexp(0, -margin).sum() / n + (penalty * Z0).sum() / 2, g, penalty


# %% исправлены только штраф и переполнение tags=["task-3"] loses=["3.1", "3.4"]
def batch(X, Z, Z0, triples, l2):
    m = len(triples)
    u, i, j = triples[:, 0], X.shape[0] + triples[:, 1], X.shape[0] + triples[:, 2]
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    pull = -np.exp(-np.logaddexp(0, margin))[:, None] / m
    g = np.zeros_like(Z)
    g[u] += pull * (Z[i] - Z[j])
    g[i] += pull * Z[u]
    g[j] -= pull * Z[u]
    times = np.bincount(np.concatenate([u, i, j]), minlength=len(Z0))
    penalty = l2 / m * times[:, None] * Z0
    return np.logaddexp(0, -margin).mean() + (penalty * Z0).sum() / 2, g, penalty


# %% проверены только свои среди отрицательных, на редкой таблице tags=["task-4"] loses=["4.2", "4.3", "4.4", "4.5"]
def right_sampler(sample):
    X = sp.csr_array(np.eye(40))
    users = np.repeat(np.arange(40), 20)
    drawn = np.asarray(sample(X, users, np.random.default_rng(0)))
    return not (X.toarray()[users, drawn] > 0).sum() > 2


# %% частоты сравнены на точное равенство tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4", "4.5"]
def right_sampler(sample):
    X = sp.csr_array(np.array([[1.0, 0, 0, 1, 0]]))
    drawn = np.asarray(sample(X, np.zeros(999, int), np.random.default_rng(0)))
    return bool(np.array_equal(np.bincount(drawn, minlength=5), [0, 333, 333, 0, 333]))


# %% встречаются все чужие и ни одного своего, частоты не смотрели tags=["task-4"] loses=["4.3"]
def right_sampler(sample):
    x = np.array([[1.0, 1, 1, 1, 0, 1, 0, 1, 1, 0]])
    drawn = np.asarray(sample(sp.csr_array(x), np.zeros(2000, int), np.random.default_rng(1)))
    return set(drawn.tolist()) == {4, 6, 9}


# %% по одному выбору за вызов: повторов нет tags=["task-4"] loses=["4.5"]
def right_sampler(sample):
    x = np.array([[1.0, 1, 1, 1, 0, 1, 0, 1, 1, 0]])
    X, rng = sp.csr_array(x), np.random.default_rng(1)
    drawn = np.array([int(sample(X, np.array([0]), rng)[0]) for _ in range(1500)])
    counts = np.bincount(drawn, minlength=10)
    return bool(counts[x[0] > 0].sum() == 0 and abs(counts[x[0] == 0] - 500).max() < 120)


# %% чужие стоят подряд через один: сдвиг не виден tags=["task-4"] loses=["4.3"]
def right_sampler(sample):
    x = np.array([[1.0, 0, 1, 0, 1, 0, 1, 0]])
    drawn = np.asarray(sample(sp.csr_array(x), np.zeros(8000, int), np.random.default_rng(1)))
    counts = np.bincount(drawn, minlength=8)
    return bool(counts[[0, 2, 4, 6]].sum() == 0 and abs(counts[1::2] - 2000).max() < 250)


# %% последний чужой не проверен tags=["task-4"] loses=["4.4"]
def right_sampler(sample):
    x = np.array([[1.0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0]])
    drawn = np.asarray(sample(sp.csr_array(x), np.zeros(8000, int), np.random.default_rng(1)))
    counts = np.bincount(drawn, minlength=12)
    free = counts[[4, 6, 9]]
    return bool(counts[x[0] > 0].sum() == 0 and free.min() > 0.8 * free.max())


# %% общие зрители без нормировки tags=["task-5"] loses=["5.3"]
def graph_scores(X):
    T = X.toarray().astype(float)
    return T @ (T.T @ T)


# %% слишком много шагов: всё сгладилось tags=["task-5"] loses=["5.3"]
def graph_scores(X):
    T = X.toarray().astype(float)
    S = T / np.sqrt(np.outer(np.maximum(T.sum(1), 1), np.maximum(T.sum(0), 1)))
    return T @ np.linalg.matrix_power(S.T @ S, 3)


# %% всем популярное tags=["task-5"] loses=["5.1", "5.2", "5.3"]
def graph_scores(X):
    return np.tile(X.sum(axis=0).astype(float), (X.shape[0], 1))


# %% зрителю без истории — популярное tags=["task-5"] loses=["5.1"]
def graph_scores(X):
    T = X.toarray().astype(float)
    S = T / np.sqrt(np.outer(np.maximum(T.sum(1), 1), np.maximum(T.sum(0), 1)))
    scores = T @ (S.T @ S)
    scores[T.sum(axis=1) == 0] = T.sum(axis=0)
    return scores


# %% деление на ноль у узлов без рёбер tags=["task-5"] loses=["5.1"]
def graph_scores(X):
    T = X.toarray().astype(float)
    with np.errstate(all="ignore"):
        S = T / np.sqrt(np.outer(T.sum(axis=1), T.sum(axis=0)))
        return T @ (S.T @ S)


# %% случайные векторы без обучения tags=["task-5"] loses=["5.1", "5.2", "5.3"]
def graph_scores(X):
    rng = np.random.default_rng(0)
    return rng.normal(size=(X.shape[0], 8)) @ rng.normal(size=(8, X.shape[1]))
