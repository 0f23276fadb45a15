# Решения задания 07, какие написал бы студент. В заголовке ячейки — что сделано не так и какие
# свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2, loses=[] — решение верное.
# blind=true — писал тот, кто видел только условие. Чего в ячейке нет, то из решения.


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


# %% получатель и отправитель перепутаны tags=["task-1"] loses=["1.1", "1.2", "1.3"]
def by_hand():
    X = np.array(toy, float)
    A = np.block([[np.zeros((3, 3)), X], [X.T, np.zeros((3, 3))]])
    k = A.sum(axis=1)
    A = A / np.outer(k**sender, k**receiver)
    z = np.array(toy_z, float)
    a, b = A @ z, A @ A @ z
    return [a[toy_user], b[toy_user], (z + a / 2 + b / 4)[toy_user]]


# %% по узлам, со списками соседей, без матриц tags=["task-1"] loses=[] blind=true
def by_hand():
    users = len(toy)
    near = {n: [] for n in range(users + len(toy[0]))}
    for u, row in enumerate(toy):
        for i, cell in enumerate(row):
            if cell:
                near[u].append(users + i)
                near[users + i].append(u)

    def step(z):
        return {
            n: sum(z[m] / (len(near[n]) ** receiver * len(near[m]) ** sender) for m in near[n])
            for n in near
        }

    first = step(dict(enumerate(toy_z)))
    second = step(first)
    a, b = first[toy_user], second[toy_user]
    return a, b, toy_z[toy_user] + 0.5 * a + 0.25 * b


# %% на обратном пути та же матрица, транспонированная tags=["task-1"] loses=["1.2", "1.3"] blind=true
def by_hand():
    A = np.array(toy, dtype=float)
    R = A / A.sum(axis=1, keepdims=True) ** receiver / A.sum(axis=0) ** sender
    zu, zi = np.array(toy_z[:3]), np.array(toy_z[3:])
    u1 = R @ zi
    i1 = R.T @ zu
    u2 = R @ i1
    return [u1[toy_user], u2[toy_user], zu[toy_user] + u1[toy_user] / 2 + u2[toy_user] / 4]


# %% слой 2 зрителя — из исходных чисел фильмов tags=["task-1"] loses=["1.2", "1.3"] blind=true
def by_hand():
    A = np.array(toy, dtype=float)
    R = A / A.sum(axis=1, keepdims=True) ** receiver / A.sum(axis=0) ** sender
    z = np.array(toy_z[3:], dtype=float)
    first = (R @ z)[toy_user]
    second = (R @ A.T @ (R @ z))[toy_user] / A[toy_user].sum()
    return [first, second, toy_z[toy_user] + first / 2 + second / 4]


# %% готовое число округлено до одной десятой tags=["task-1"] loses=["1.3"] blind=true
def by_hand():
    A = np.array(toy, dtype=float)
    du, di = A.sum(axis=1), A.sum(axis=0)
    zu, zi = np.array(toy_z[:3]), np.array(toy_z[3:])
    u1 = A @ (zi / di**sender) / du**receiver
    i1 = A.T @ (zu / du**sender) / di**receiver
    u2 = A @ (i1 / di**sender) / du**receiver
    a, b = u1[toy_user], u2[toy_user]
    return [a, b, round(zu[toy_user] + a / 2 + b / 4, 1)]


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


# %% веса слоёв не взяты, простое среднее tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"]
def mixed(A, Z, weights):
    total, n = Z, len(weights)
    for _ in range(n - 1):
        Z = A @ Z
        total = total + Z
    return total / n


def propagate(X, Z0, weights):
    return mixed(layer_matrix(X), Z0, weights)


def backward(X, gradient, weights):
    A = layer_matrix(X)
    return mixed(A.T, gradient, weights)


# %% слой 0 забыт tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"]
def mixed(A, Z, weights):
    total = 0 * Z
    for w in weights:
        Z = A @ Z
        total = total + w * Z
    return total


def propagate(X, Z0, weights):
    return mixed(layer_matrix(X), Z0, weights)


def backward(X, gradient, weights):
    A = layer_matrix(X)
    return mixed(A.T, gradient, weights)


# %% число соседей — сумма чисел в ячейках tags=["task-2"] loses=["2.3"]
def matrix(X):
    E = sp.csr_array(X.astype(float))
    A = sp.csr_array(sp.block_array([[None, E], [E.T, None]]))
    k = np.maximum(A.sum(axis=1), 1)
    return sp.csr_array(sp.diags_array(k**-receiver) @ A @ sp.diags_array(k**-sender))


def propagate(X, Z0, weights):
    return through_layers(matrix(X), Z0, weights)


def backward(X, gradient, weights):
    A = matrix(X)
    return through_layers(A.T, gradient, weights)


# %% рёбра только от зрителей к фильмам tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"]
def matrix(X):
    E = sp.csr_array((X != 0).astype(float))
    A = sp.csr_array(sp.block_array([[None, 0 * E], [E.T, None]]))
    k = np.maximum(A.sum(axis=1), 1)
    return sp.csr_array(sp.diags_array(k**-receiver) @ A @ sp.diags_array(k**-sender))


def propagate(X, Z0, weights):
    return through_layers(matrix(X), Z0, weights)


def backward(X, gradient, weights):
    A = matrix(X)
    return through_layers(A.T, gradient, weights)


# %% без матрицы узлов: np.add.at по рёбрам, схема Горнера tags=["task-2"] loses=[] blind=true
def _edges(X):
    users, items = X.nonzero()  # хранимые нули nonzero пропускает
    a = np.concatenate([users, items + X.shape[0]]).astype(int)
    b = np.concatenate([items + X.shape[0], users]).astype(int)
    n = np.bincount(a, minlength=sum(X.shape)).astype(float)
    return a, b, 1 / (n[a] ** receiver * n[b] ** sender)


def _horner(to, frm, w, Z, weights):
    Z = np.array(Z, dtype=float)
    total = float(weights[-1]) * Z
    for c in list(weights)[-2::-1]:
        moved = np.zeros_like(Z)
        np.add.at(moved, to, w[:, None] * total[frm])
        total = moved + c * Z
    return total


def propagate(X, Z0, weights):
    a, b, w = _edges(X)
    return _horner(a, b, w, Z0, weights)


def backward(X, gradient, weights):
    a, b, w = _edges(X)
    return _horner(b, a, w, gradient, weights)


# %% диагональные матрицы с обеих сторон tags=["task-2"] loses=[] blind=true
def _graph(X):
    A = sp.csr_array(X != 0).astype(float)
    full = sp.csr_array(sp.block_array([[None, A], [A.T, None]], format="csr"))
    n = np.asarray(full.sum(axis=1)).ravel()
    inv = lambda power: np.where(n > 0, np.maximum(n, 1) ** -power, 0)
    return sp.diags_array(inv(receiver)) @ full @ sp.diags_array(inv(sender))


def _spread(M, Z, weights):
    Z = np.asarray(Z, dtype=float)
    total = weights[0] * Z
    for w in weights[1:]:
        Z = M @ Z
        total = total + w * Z
    return total


def propagate(X, Z0, weights):
    return _spread(_graph(X), Z0, weights)


def backward(X, gradient, weights):
    return _spread(_graph(X).T, gradient, weights)


# %% соседи — по числу хранимых ячеек (indptr) tags=["task-2"] loses=["2.3"] blind=true
def _matrix(X, a, b):
    A = sp.csr_array((np.ones(X.nnz), X.indices, X.indptr), shape=X.shape)
    n = np.concatenate([A.sum(axis=1), A.sum(axis=0)])
    full = sp.block_array([[None, A], [A.T, None]]).tocsr()
    safe = np.where(n > 0, n, 1)
    return sp.diags_array(safe**-a) @ full @ sp.diags_array(safe**-b)


def _run(M, Z, weights):
    out = weights[0] * Z
    for c in weights[1:]:
        Z = M @ Z
        out = out + c * Z
    return out


def propagate(X, Z0, weights):
    return _run(_matrix(X, receiver, sender), Z0, weights)


def backward(X, gradient, weights):
    return _run(_matrix(X, sender, receiver), gradient, weights)


# %% ребро там, где X > 0 tags=["task-2"] loses=["2.3"] blind=true
def _norm(X):
    A = (X > 0).astype(float)
    full = sp.block_array([[None, A], [A.T, None]]).tocsr()
    n = np.maximum(full.sum(axis=1), 1)
    return sp.diags_array(n**-receiver) @ full @ sp.diags_array(n**-sender)


def propagate(X, Z0, weights):
    M, layer = _norm(X), Z0
    out = weights[0] * Z0
    for c in weights[1:]:
        layer = M @ layer
        out = out + c * layer
    return out


def backward(X, gradient, weights):
    M, layer = _norm(X).T, gradient
    out = weights[0] * gradient
    for c in weights[1:]:
        layer = M @ layer
        out = out + c * layer
    return out


# %% плотная матрица узлов tags=["task-2"] loses=["2.4"] blind=true
def _dense(X):
    A = (X.toarray() != 0).astype(float)
    U, I = A.shape
    full = np.zeros((U + I, U + I))
    full[:U, U:] = A
    full[U:, :U] = A.T
    n = np.maximum(full.sum(axis=1), 1)
    return full / n[:, None] ** receiver / n[None, :] ** sender


def propagate(X, Z0, weights):
    M = _dense(X)
    return sum(c * np.linalg.matrix_power(M, l) @ Z0 for l, c in enumerate(weights))


def backward(X, gradient, weights):
    M = _dense(X).T
    return sum(c * np.linalg.matrix_power(M, l) @ gradient for l, c in enumerate(weights))


# %% обратный проход на ровно два слоя tags=["task-2"] loses=["2.2"] blind=true
def _M(X):
    A = (X != 0).astype(float)
    full = sp.block_array([[None, A], [A.T, None]]).tocsr()
    n = np.maximum(full.sum(axis=1), 1)
    return sp.diags_array(n**-receiver) @ full @ sp.diags_array(n**-sender)


def backward(X, gradient, weights):
    Mt = _M(X).T
    one = Mt @ gradient
    two = Mt @ one
    return weights[0] * gradient + weights[1] * one + weights[2] * two


# %% обратный проход той же матрицей, как в уроке tags=["task-2"] loses=["2.2"] blind=true
def backward(X, gradient, weights):
    return propagate(X, gradient, weights)


# %% веса слоёв в backward в обратном порядке tags=["task-2"] loses=["2.2"] blind=true
def _P(X, a, b):
    A = (X != 0).astype(float)
    full = sp.block_array([[None, A], [A.T, None]]).tocsr()
    n = np.maximum(full.sum(axis=1), 1)
    return sp.diags_array(n**-a) @ full @ sp.diags_array(n**-b)


def backward(X, gradient, weights):
    M = _P(X, sender, receiver)
    weights = weights[::-1]
    out, layer = weights[0] * gradient, gradient
    for c in weights[1:]:
        layer = M @ layer
        out = out + c * layer
    return out


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


# %% цикл по тройкам и множества историй, expit из scipy tags=["task-3"] loses=[] blind=true
from scipy.special import expit


def batch(X, Z, Z0, triples, l2):
    seen = [set(X.indices[X.indptr[k] : X.indptr[k + 1]].tolist()) for k in range(X.shape[0])]
    kept = [(a, b, c) for a, b, c in np.asarray(triples).tolist() if c not in seen[a]]
    loss, g, p = 0.0, np.zeros(Z.shape), np.zeros(Z0.shape)
    m = len(kept)
    for a, b, c in kept:
        b, c = b + X.shape[0], c + X.shape[0]
        gap = float(Z[a] @ Z[c] - Z[a] @ Z[b])
        loss += max(gap, 0) + np.log1p(np.exp(-abs(gap)))
        s = expit(gap)
        g[a] += s * (Z[c] - Z[b]) / m
        g[b] -= s * Z[a] / m
        g[c] += s * Z[a] / m
        for node in (a, b, c):
            loss += l2 / 2 * float(Z0[node] @ Z0[node])
            p[node] += l2 * Z0[node] / m
    return loss / m, g, p


# %% штраф делится на все тройки, а не на оставшиеся tags=["task-3"] loses=["3.4"] blind=true
def batch(X, Z, Z0, triples, l2):
    n = len(triples)
    keep = np.asarray(X[triples[:, 0]][np.arange(n), triples[:, 2]]).ravel() == 0
    u, i, j = (triples[keep] + [0, X.shape[0], X.shape[0]]).T
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    with np.errstate(over="ignore"):
        above = 1 / (1 + np.exp(-margin))
    loss = np.logaddexp(0, -margin).mean()
    pull = (above - 1)[:, None] / keep.sum()
    gradient = np.zeros_like(Z)
    np.add.at(gradient, u, pull * (Z[i] - Z[j]))
    np.add.at(gradient, i, pull * Z[u])
    np.add.at(gradient, j, -pull * Z[u])
    nodes = np.concatenate([u, i, j])
    loss += l2 / (2 * n) * (Z0[nodes] ** 2).sum()
    penalty = np.zeros_like(Z0)
    np.add.at(penalty, nodes, l2 / n * Z0[nodes])
    return loss, gradient, penalty


# %% ложной считается тройка, чей j смотрел хоть кто-нибудь tags=["task-3"] loses=["3.1", "3.2", "3.3", "3.4"] blind=true
def batch(X, Z, Z0, triples, l2):
    triples = triples[~np.isin(triples[:, 2], X.indices)]
    n = len(triples)
    u, i, j = triples.T + np.array([[0], [X.shape[0]], [X.shape[0]]])
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    loss = np.logaddexp(0, -margin).mean()
    with np.errstate(over="ignore"):
        pull = -(1 / (1 + np.exp(margin)))[:, None] / n
    gradient, penalty = np.zeros_like(Z), np.zeros_like(Z0)
    np.add.at(gradient, u, pull * (Z[i] - Z[j]))
    np.add.at(gradient, i, pull * Z[u])
    np.add.at(gradient, j, -pull * Z[u])
    for part in (u, i, j):
        loss += l2 / (2 * n) * (Z0[part] ** 2).sum()
        np.add.at(penalty, part, l2 / n * Z0[part])
    return loss, gradient, penalty


# %% штраф исправлен в градиенте, а в потере остался по разным узлам tags=["task-3"] loses=["3.3"] blind=true
def batch(X, Z, Z0, triples, l2):
    own = np.array([X[[u], [j]].sum() > 0 for u, _, j in triples])
    triples = triples[~own]
    n = len(triples)
    u, i, j = triples.T + np.array([[0], [X.shape[0]], [X.shape[0]]])
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    loss = np.logaddexp(0, -margin).mean()
    with np.errstate(over="ignore"):
        pull = -(1 / (1 + np.exp(margin)))[:, None] / n
    gradient, penalty = np.zeros_like(Z), np.zeros_like(Z0)
    np.add.at(gradient, u, pull * (Z[i] - Z[j]))
    np.add.at(gradient, i, pull * Z[u])
    np.add.at(gradient, j, -pull * Z[u])
    nodes = np.concatenate([u, i, j])
    loss += l2 / (2 * n) * (Z0[np.unique(nodes)] ** 2).sum()
    np.add.at(penalty, nodes, l2 / n * Z0[nodes])
    return loss, gradient, penalty


# %% отрыв обрезан до ±1000, чтобы не переполнялось tags=["task-3"] loses=["3.2"] blind=true
def batch(X, Z, Z0, triples, l2):
    dense = X.toarray()
    triples = triples[dense[triples[:, 0], triples[:, 2]] == 0]
    n = len(triples)
    u, i, j = triples.T + np.array([[0], [X.shape[0]], [X.shape[0]]])
    margin = np.clip((Z[u] * (Z[i] - Z[j])).sum(axis=1), -1000, 1000)
    loss = np.logaddexp(0, -margin).mean()
    with np.errstate(over="ignore"):
        pull = -(1 / (1 + np.exp(margin)))[:, None] / n
    gradient, penalty = np.zeros_like(Z), np.zeros_like(Z0)
    np.add.at(gradient, u, pull * (Z[i] - Z[j]))
    np.add.at(gradient, i, pull * Z[u])
    np.add.at(gradient, j, -pull * Z[u])
    for part in (u, i, j):
        loss += l2 / (2 * n) * (Z0[part] ** 2).sum()
        np.add.at(penalty, part, l2 / n * Z0[part])
    return loss, gradient, penalty


# %% накопление через bincount только по первой координате tags=["task-3"] loses=["3.1", "3.2", "3.4"] blind=true
def batch(X, Z, Z0, triples, l2):
    dense = X.toarray()
    triples = triples[dense[triples[:, 0], triples[:, 2]] == 0]
    n, N = len(triples), len(Z)
    u, i, j = triples.T + np.array([[0], [X.shape[0]], [X.shape[0]]])
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    loss = np.logaddexp(0, -margin).mean()
    with np.errstate(over="ignore"):
        pull = -1 / (1 + np.exp(margin)) / n
    total = (
        np.bincount(u, pull * (Z[i] - Z[j])[:, 0], N)
        + np.bincount(i, pull * Z[u][:, 0], N)
        - np.bincount(j, pull * Z[u][:, 0], N)
    )
    gradient = np.zeros_like(Z) + total[:, None]
    times = np.bincount(np.concatenate([u, i, j]), minlength=N)
    loss += l2 / (2 * n) * (times[:, None] * Z0**2).sum()
    return loss, gradient, l2 / n * times[:, None] * Z0


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


# %% последний чужой не проверен tags=["task-4"] loses=["4.4"]
def right_sampler(sample):
    x = np.array([[1.0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0]])
    drawn = np.asarray(sample(sp.csr_array(x), np.zeros(8000, int), np.random.default_rng(1)))
    counts = np.bincount(drawn, minlength=12)
    free = counts[[4, 6, 9]]
    return bool(counts[x[0] > 0].sum() == 0 and free.min() > 0.8 * free.max())


# %% хи-квадрат по чужим и по парам соседних выборов tags=["task-4"] loses=[] blind=true
from scipy.stats import chi2


def right_sampler(sample):
    n_items = 12
    own = [[2, 3, 4, 5, 8, 9], [0, 1, 2, 3, 4, 5, 6, 7], [11, 10]]
    X = np.zeros((3, n_items))
    for u, films in enumerate(own):
        X[u, films] = 1
    users = np.tile([0, 1, 2, 0], 3000)
    got = np.asarray(sample(sp.csr_array(X), users, np.random.default_rng(0)))
    if got.shape != users.shape or got.min() < 0 or got.max() >= n_items:
        return False
    if X[users, got].any():
        return False
    for u in range(3):
        mine = got[users == u]
        free = np.flatnonzero(X[u] == 0)
        k = len(free)
        counts = np.bincount(mine, minlength=n_items)[free]
        stat = ((counts - len(mine) / k) ** 2 / (len(mine) / k)).sum()
        if stat > chi2.ppf(1 - 1e-7, k - 1):
            return False
        place = np.searchsorted(free, mine)
        pairs = np.bincount(place[::2] * k + place[1::2], minlength=k * k)
        e = len(mine) / 2 / k**2
        if ((pairs - e) ** 2 / e).sum() > chi2.ppf(1 - 1e-7, k * k - 1):
            return False
    return True


# %% порог среднее плюс 8 сигм вместо хи-квадрата tags=["task-4"] loses=[] blind=true
def right_sampler(sample):
    table = sp.csr_array(np.array([[1, 1, 1, 1, 0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1, 1, 0, 0, 0]]))
    users = [0] * 8000 + [1] * 8000
    got = list(sample(table, np.array(users), np.random.default_rng(7)))
    for user, free in ((0, [4, 5, 8, 9]), (1, [0, 7, 8, 9])):
        mine = [int(f) for f, v in zip(got, users) if v == user]
        if set(mine) - set(free):
            return False
        for f in free:
            if abs(mine.count(f) - 2000) > 8 * (8000 * 0.25 * 0.75) ** 0.5:
                return False
        same = sum(a == b for a, b in zip(mine, mine[1:]))
        if abs(same - 2000) > 8 * (8000 * 0.25 * 0.75) ** 0.5:
            return False
    return True


# %% свои и чужие через один tags=["task-4"] loses=["4.3"] blind=true
from scipy.stats import chisquare


def right_sampler(sample):
    X = np.zeros((1, 12))
    X[0, ::2] = 1
    users = np.zeros(6000, dtype=int)
    got = sample(sp.csr_array(X), users, np.random.default_rng(0))
    if X[0, got].any():
        return False
    counts = np.bincount(got, minlength=12)[1::2]
    return bool(chisquare(counts).pvalue > 1e-6)


# %% хи-квадрат только по встретившимся объектам tags=["task-4"] loses=["4.4"] blind=true
from scipy.stats import chisquare


def right_sampler(sample):
    X = np.zeros((1, 15))
    X[0, [2, 3, 4, 5, 6, 10, 11, 12]] = 1
    users = np.zeros(8000, dtype=int)
    got = sample(sp.csr_array(X), users, np.random.default_rng(0))
    if X[0, got].any():
        return False
    seen, counts = np.unique(got, return_counts=True)
    if len(seen) < 2:
        return False
    return bool(chisquare(counts).pvalue > 1e-6)


# %% разреженная случайная таблица tags=["task-4"] loses=["4.2", "4.3", "4.4"] blind=true
from scipy.stats import chisquare


def right_sampler(sample):
    X = sp.random_array((40, 1000), density=0.003, rng=np.random.default_rng(1), format="csr")
    X.data[:] = 1
    users = np.repeat(np.arange(40), 100)
    got = sample(X, users, np.random.default_rng(0))
    if X.toarray()[users, got].any():
        return False
    counts = np.bincount(got // 100, minlength=10)
    return bool(chisquare(counts).pvalue > 1e-6)


# %% порог p < 0,05 по каждому из сорока пользователей tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4", "4.5"] blind=true
from scipy.stats import chisquare


def right_sampler(sample):
    rng = np.random.default_rng(0)
    X = (rng.random((40, 10)) < 0.5).astype(float)
    X[:, 0] = 0
    users = np.repeat(np.arange(40), 500)
    got = sample(sp.csr_array(X), users, rng)
    if X[users, got].any():
        return False
    for u in range(40):
        counts = np.bincount(got[users == u], minlength=10)[X[u] == 0]
        if len(counts) > 1 and chisquare(counts).pvalue < 0.05:
            return False
    return True


# %% каждый пользователь в вызове один раз tags=["task-4"] loses=["4.5"] blind=true
from scipy.stats import chisquare


def right_sampler(sample):
    row = np.array([1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0])
    X = sp.csr_array(np.tile(row, (1500, 1)))
    got = sample(X, np.arange(1500), np.random.default_rng(0))
    if row[got].any():
        return False
    counts = np.bincount(got, minlength=13)[row == 0]
    return bool(chisquare(counts).pvalue > 1e-6)


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


# %% случайные векторы без обучения tags=["task-5"] loses=["5.1", "5.2", "5.3"]
def graph_scores(X):
    rng = np.random.default_rng(0)
    return rng.normal(size=(X.shape[0], 8)) @ rng.normal(size=(8, X.shape[1]))


# %% десять собственных векторов, балл умножен на корень числа зрителей tags=["task-5"] loses=[] blind=true
def graph_scores(X):
    A = np.asarray(X.toarray(), dtype=float)
    du, di = A.sum(axis=1), A.sum(axis=0)
    S = A / np.sqrt(np.maximum(du, 1))[:, None] / np.sqrt(np.maximum(di, 1))
    values, V = np.linalg.eigh(S.T @ S)
    k = min(10, (values > 1e-9).sum())
    V, values = V[:, ::-1][:, :k], values[::-1][:k]
    scores = S @ (V * (1 + values / 5)) @ V.T * np.sqrt(di)  # ещё шаг туда и обратно: X Xt X с весом 1/5, без хвоста
    scores[du == 0] = 0
    scores[:, di == 0] = 0
    return scores


# %% степенной метод в float32 вместо eigh, ответ float32 tags=["task-5"] loses=[] blind=true
def graph_scores(X):
    X = sp.csr_array(X, dtype=np.float32)
    du = np.asarray(X.sum(axis=1)).ravel()
    di = np.asarray(X.sum(axis=0)).ravel()
    a = np.divide(1, np.sqrt(du), out=np.zeros_like(du), where=du > 0)
    b = np.divide(1, np.sqrt(di), out=np.zeros_like(di), where=di > 0)
    S = sp.csr_array(sp.diags_array(a) @ X @ sp.diags_array(b))
    k = min(9, min(X.shape))
    V = np.random.default_rng(0).normal(size=(X.shape[1], k)).astype(np.float32)
    V[di == 0] = 0
    for _ in range(60):
        V, _ = np.linalg.qr(S.T @ (S @ V))
    V[di == 0] = 0  # пустые фильмы в базис попасть не должны
    SV = S @ V
    return np.asarray((SV + SV @ (SV.T @ SV) / 5) @ V.T * np.sqrt(di), dtype=np.float32)


# %% простой счёт общих зрителей X·Xᵀ·X tags=["task-5"] loses=["5.3"] blind=true
def graph_scores(X):
    return (X @ X.T @ X).toarray()


# %% двадцать шагов симметричной нормировки tags=["task-5"] loses=["5.2", "5.3"] blind=true
def graph_scores(X):
    A = X.toarray().astype(float)
    du, di = np.maximum(A.sum(axis=1), 1), np.maximum(A.sum(axis=0), 1)
    S = A / np.sqrt(du)[:, None] / np.sqrt(di)
    C = S.T @ S
    out = A.copy()
    for _ in range(20):
        out = out @ C
    return out * np.sqrt(di)


# %% четыре собственных вектора: «вкусов немного» tags=["task-5"] loses=["5.3"] blind=true
def graph_scores(X):
    A = X.toarray().astype(float)
    du, di = np.maximum(A.sum(axis=1), 1), np.maximum(A.sum(axis=0), 1)
    S = A / np.sqrt(du)[:, None] / np.sqrt(di)
    U, s, Vt = np.linalg.svd(S, full_matrices=False)
    k = 4
    return (U[:, :k] * s[:k] ** 3) @ Vt[:k] * np.sqrt(di)


# %% нормировка без защиты, потом nan_to_num в конце tags=["task-5"] loses=["5.1"] blind=true
def graph_scores(X):
    A = X.toarray().astype(float)
    with np.errstate(all="ignore"):
        S = A / np.sqrt(A.sum(axis=1))[:, None] / np.sqrt(A.sum(axis=0))
    return np.nan_to_num(S @ S.T @ S)


# %% сглаживание: популярность добавлена всем, чтобы список был не пуст tags=["task-5"] loses=["5.1"] blind=true
def graph_scores(X):
    A = X.toarray().astype(float)
    du, di = np.maximum(A.sum(axis=1), 1), np.maximum(A.sum(axis=0), 1)
    S = A / np.sqrt(du)[:, None] / np.sqrt(di)
    return A @ (S.T @ S) + 1e-6 * A.sum(axis=0)
