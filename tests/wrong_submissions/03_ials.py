# Решения задания 03, какие написал бы студент, верные и неверные. В заголовке ячейки — что сделано и
# какие свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2, loses=[] — решение верно.
# blind=true — написано по условию теми, кто не видел ключа. Прочие задачи — из решения.

# %% веса только справа tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    Q, w = np.array(toy_films, float), np.array(toy_weights, float)
    V = Q[toy_history]
    p = np.linalg.solve(V.T @ V + (Q.T * toy_empty) @ Q + toy_l2 * np.eye(2), w @ V)
    return [*p, p @ Q[toy_target]]


# %% на бумаге по формуле Крамера tags=["task-1"] blind=true loses=[]
def by_hand():
    w = [0.0] * 4
    for i, x in zip(toy_history, toy_weights):
        w[i] = x
    # aa·a + ab·b = ra,  ab·a + bb·b = rb
    aa = toy_l2 + sum((w[i] + toy_empty[i]) * q[0] ** 2 for i, q in enumerate(toy_films))
    ab = sum((w[i] + toy_empty[i]) * q[0] * q[1] for i, q in enumerate(toy_films))
    bb = toy_l2 + sum((w[i] + toy_empty[i]) * q[1] ** 2 for i, q in enumerate(toy_films))
    ra, rb = (sum(w[i] * q[k] for i, q in enumerate(toy_films)) for k in (0, 1))
    det = aa * bb - ab * ab
    a, b = (ra * bb - rb * ab) / det, (aa * rb - ab * ra) / det
    return [a, b, a * toy_films[toy_target][0] + b * toy_films[toy_target][1]]


# %% минимум найден численно, ответ кортежем tags=["task-1"] blind=true loses=[]
def by_hand():
    from scipy.optimize import lsq_linear

    Q = np.array(toy_films, dtype=float)
    w = np.array(toy_weights, dtype=float)
    rows = np.vstack([
        np.sqrt(w)[:, None] * Q[toy_history],
        np.sqrt(toy_empty)[:, None] * Q,
        np.sqrt(toy_l2) * np.eye(2),
    ])
    right = np.concatenate([np.sqrt(w), np.zeros(6)])
    p = lsq_linear(rows, right).x
    return p[0], p[1], p @ Q[toy_target]


# %% вес пустой ячейки только у непросмотренных tags=["task-1"] blind=true loses=["1.1", "1.2"]
def by_hand():
    A = np.eye(2) * toy_l2
    r = np.zeros(2)
    for i, q in enumerate(np.array(toy_films, dtype=float)):
        if i in toy_history:
            x = toy_weights[toy_history.index(i)]
            A += x * np.outer(q, q)
            r += x * q
        else:
            A += toy_empty[i] * np.outer(q, q)
    p = np.linalg.solve(A, r)
    return [p[0], p[1], p @ toy_films[toy_target]]


# %% номер фильма считан с единицы tags=["task-1"] blind=true loses=["1.2"]
def by_hand():
    Q, w = np.array(toy_films, dtype=float), np.array(toy_weights, dtype=float)
    V = Q[toy_history]
    A = (V.T * w) @ V + (Q.T * toy_empty) @ Q + toy_l2 * np.eye(2)
    p = np.linalg.solve(A, w @ V)
    return [*p, p @ Q[toy_target - 1]]


# %% балл посчитан с весом пустой ячейки tags=["task-1"] blind=true loses=["1.2"]
def by_hand():
    Q, w = np.array(toy_films, dtype=float), np.array(toy_weights, dtype=float)
    V = Q[toy_history]
    A = (V.T * w) @ V + (Q.T * toy_empty) @ Q + toy_l2 * np.eye(2)
    p = np.linalg.solve(A, w @ V)
    return [*p, toy_empty[toy_target] * (p @ Q[toy_target])]


# %% вес пустой ячейки у зрителей усреднён tags=["task-2"] loses=["2.2", "2.4"]
def users_step(X, Q, s, l2):
    common = s.mean() * (Q.T @ Q)
    return solved(X, Q, lambda user: common, l2)


def loss(X, P, Q, s, l2):
    """Целевая функция без таблицы баллов."""
    users, items = X.nonzero()
    fit = (P[users] * Q[items]).sum(axis=1)
    weights = sp.coo_array(X).data
    total = (weights * (fit - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% вес взаимодействия забыт слева tags=["task-2"] loses=["2.2", "2.3", "2.4"]
def solved(X, Q, shared, l2):
    X = sp.csr_array(X)
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        V = Q[X.indices[own]]
        A = V.T @ V + shared(row) + l2 * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, X.data[own] @ V)
    return rows


def loss(X, P, Q, s, l2):
    """Целевая функция без таблицы баллов."""
    users, items = X.nonzero()
    fit = (P[users] * Q[items]).sum(axis=1)
    weights = sp.coo_array(X).data
    total = (weights * (fit - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% степень уверенности вместо веса: из веса вычтена пустая ячейка tags=["task-2"] loses=["2.2", "2.4"]
def users_step(X, Q, s, l2):
    rows = []
    for x in X.toarray():
        c = np.where(x > 0, x, s)
        rows.append(np.linalg.solve((Q.T * c) @ Q + l2 * np.eye(Q.shape[1]), Q.T @ x))
    return np.array(rows)


def loss(X, P, Q, s, l2):
    """Целевая функция без таблицы баллов."""
    users, items = X.nonzero()
    fit = (P[users] * Q[items]).sum(axis=1)
    weights = sp.coo_array(X).data
    total = (weights * (fit - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% зрители сосчитаны с весами tags=["task-2"] loses=["2.1"]
def empty_weights(X, alpha0):
    n = np.asarray(X.sum(axis=0), float).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def loss(X, P, Q, s, l2):
    """Целевая функция без таблицы баллов."""
    users, items = X.nonzero()
    fit = (P[users] * Q[items]).sum(axis=1)
    weights = sp.coo_array(X).data
    total = (weights * (fit - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% строки без взаимодействий оставлены единицами tags=["task-2"] loses=["2.4"]
def users_step(X, Q, s, l2):
    common = (Q.T * s) @ Q
    P = solved(X, Q, lambda user: common, l2)
    P[np.diff(X.indptr) == 0] = 1
    return P


def loss(X, P, Q, s, l2):
    """Целевая функция без таблицы баллов."""
    users, items = X.nonzero()
    fit = (P[users] * Q[items]).sum(axis=1)
    weights = sp.coo_array(X).data
    total = (weights * (fit - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% пустые ячейки считаны без заполненных tags=["task-2"] loses=["2.5", "2.6"]
def loss(X, P, Q, s, l2):
    u, i = X.nonzero()
    y = (P[u] * Q[i]).sum(axis=1)
    all_cells = ((P.T @ P) * ((Q.T * s) @ Q)).sum() - (s[i] * y**2).sum()
    return (X.data * (y - 1) ** 2).sum() + all_cells + l2 * ((P**2).sum() + (Q**2).sum())


# %% вес пустой ячейки в потерях потерян tags=["task-2"] loses=["2.5", "2.6"]
def loss(X, P, Q, s, l2):
    u, i = X.nonzero()
    y = (P[u] * Q[i]).sum(axis=1)
    all_cells = s.mean() * ((P.T @ P) * (Q.T @ Q)).sum()
    return (X.data * (y - 1) ** 2).sum() + all_cells + l2 * ((P**2).sum() + (Q**2).sum())


# %% lstsq по плотной строке и потери циклом по зрителям tags=["task-2"] blind=true loses=[]
def empty_weights(X, alpha0):
    viewers = [0] * X.shape[1]
    for i, x in zip(X.indices, X.data):
        if x != 0:
            viewers[i] += 1
    rule = {"root": lambda n: n**0.5, "log": lambda n: np.log2(1 + n), "linear": float}[law]
    f = [rule(n) for n in viewers]
    mean = sum(f) / len(f)
    return [alpha0 * one / mean for one in f]


def _rows(dense, V, empty, l2):
    d = V.shape[1]
    answer = []
    for u, x in enumerate(dense):
        e = np.broadcast_to(empty[u], x.shape)
        M = np.concatenate([np.sqrt(x)[:, None] * V, np.sqrt(e)[:, None] * V, l2**0.5 * np.eye(d)])
        r = np.concatenate([np.sqrt(x), np.zeros(len(V) + d)])
        answer.append(np.linalg.lstsq(M, r, rcond=None)[0])
    return np.array(answer)


def users_step(X, Q, s, l2):
    dense = X.toarray().astype(float)
    return _rows(dense, np.asarray(Q), [np.asarray(s)] * len(dense), l2)


def items_step(X, P, s, l2):
    return _rows(X.toarray().astype(float).T, np.asarray(P), s, l2)


def loss(X, P, Q, s, l2):
    total = 0.0
    for u in range(X.shape[0]):
        a, b = X.indptr[u], X.indptr[u + 1]
        if a < b:
            total += X.data[a:b] @ (Q[X.indices[a:b]] @ P[u] - 1) ** 2
    d = P.shape[1]
    for k in range(d):
        for m in range(d):
            total += (P[:, k] @ P[:, m]) * np.sum(s * Q[:, k] * Q[:, m])
    return total + l2 * np.linalg.norm(P) ** 2 + l2 * np.linalg.norm(Q) ** 2


# %% пакетный solve и einsum, потери по nonzero tags=["task-2"] blind=true loses=[]
def empty_weights(X, alpha0):
    n = np.bincount(X.nonzero()[1], minlength=X.shape[1]).astype(float)
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f * f.size / f.sum()


def users_step(X, Q, s, l2):
    d = Q.shape[1]
    pairs = np.einsum("ia,ib->iab", Q, Q).reshape(len(Q), d * d)
    A = (X.astype(float) @ pairs).reshape(-1, d, d) + np.einsum("i,ia,ib->ab", s, Q, Q)
    A = A + l2 * np.eye(d)
    return np.linalg.solve(A, (X @ Q)[:, :, None])[:, :, 0]


def items_step(X, P, s, l2):
    d = P.shape[1]
    pairs = np.einsum("ia,ib->iab", P, P).reshape(len(P), d * d)
    A = (X.T.astype(float) @ pairs).reshape(-1, d, d) + s[:, None, None] * (P.T @ P)
    return np.linalg.solve(A + l2 * np.eye(d), (X.T @ P)[:, :, None])[:, :, 0]


def loss(X, P, Q, s, l2):
    X = X.astype(float)
    u = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    r = np.einsum("nd,nd->n", P[u], Q[X.indices])
    half = np.linalg.qr(P, mode="r") @ (Q * np.sqrt(s)[:, None]).T
    return np.sum(X.data * (r - 1) ** 2) + np.sum(half**2) + l2 * (np.sum(P * P) + np.sum(Q * Q))


# %% среднее f только по фильмам со зрителями tags=["task-2"] blind=true loses=["2.1"]
def empty_weights(X, alpha0):
    n = np.asarray((X != 0).sum(axis=0)).ravel().astype(float)
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f[n > 0].mean()


def users_step(X, Q, s, l2):
    A0 = (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    P = np.zeros((X.shape[0], Q.shape[1]))
    for u in range(X.shape[0]):
        own = slice(X.indptr[u], X.indptr[u + 1])
        V, x = Q[X.indices[own]], X.data[own]
        P[u] = np.linalg.solve(A0 + (V.T * x) @ V, x @ V)
    return P


def items_step(X, P, s, l2):
    C = sp.csc_array(X)
    Q = np.zeros((X.shape[1], P.shape[1]))
    for i in range(X.shape[1]):
        own = slice(C.indptr[i], C.indptr[i + 1])
        V, x = P[C.indices[own]], C.data[own]
        A = s[i] * P.T @ P + l2 * np.eye(P.shape[1]) + (V.T * x) @ V
        Q[i] = np.linalg.solve(A, x @ V)
    return Q


def loss(X, P, Q, s, l2):
    C = sp.coo_array(X)
    scores = (P[C.row] * Q[C.col]).sum(axis=1)
    total = (C.data * (scores - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% веса делены на наибольшее f, а не на среднее tags=["task-2"] blind=true loses=["2.1"]
def empty_weights(X, alpha0):
    n = (X > 0).sum(axis=0)
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.max()


def users_step(X, Q, s, l2):
    A0 = (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    P = np.zeros((X.shape[0], Q.shape[1]))
    for u in range(X.shape[0]):
        own = slice(X.indptr[u], X.indptr[u + 1])
        V, x = Q[X.indices[own]], X.data[own]
        P[u] = np.linalg.solve(A0 + (V.T * x) @ V, x @ V)
    return P


def items_step(X, P, s, l2):
    C = sp.csc_array(X)
    Q = np.zeros((X.shape[1], P.shape[1]))
    for i in range(X.shape[1]):
        own = slice(C.indptr[i], C.indptr[i + 1])
        V, x = P[C.indices[own]], C.data[own]
        A = s[i] * P.T @ P + l2 * np.eye(P.shape[1]) + (V.T * x) @ V
        Q[i] = np.linalg.solve(A, x @ V)
    return Q


def loss(X, P, Q, s, l2):
    C = sp.coo_array(X)
    scores = (P[C.row] * Q[C.col]).sum(axis=1)
    total = (C.data * (scores - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% массив ответа того же типа, что X tags=["task-2"] blind=true loses=["2.4"]
def empty_weights(X, alpha0):
    n = np.asarray((X != 0).sum(axis=0)).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def users_step(X, Q, s, l2):
    A0 = (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    P = np.zeros((X.shape[0], Q.shape[1]), dtype=X.dtype)
    for u in range(X.shape[0]):
        own = slice(X.indptr[u], X.indptr[u + 1])
        V, x = Q[X.indices[own]], X.data[own]
        P[u] = np.linalg.solve(A0 + (V.T * x) @ V, x @ V)
    return P


def items_step(X, P, s, l2):
    C = sp.csc_array(X)
    Q = np.zeros((X.shape[1], P.shape[1]), dtype=X.dtype)
    for i in range(X.shape[1]):
        own = slice(C.indptr[i], C.indptr[i + 1])
        V, x = P[C.indices[own]], C.data[own]
        A = s[i] * P.T @ P + l2 * np.eye(P.shape[1]) + (V.T * x) @ V
        Q[i] = np.linalg.solve(A, x @ V)
    return Q


def loss(X, P, Q, s, l2):
    C = sp.coo_array(X)
    scores = (P[C.row] * Q[C.col]).sum(axis=1)
    total = (C.data * (scores - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% фильму без зрителей — средний вектор вместо нулевого tags=["task-2"] blind=true loses=["2.4"]
def empty_weights(X, alpha0):
    n = np.asarray((X != 0).sum(axis=0)).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def users_step(X, Q, s, l2):
    A0 = (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    P = np.zeros((X.shape[0], Q.shape[1]))
    for u in range(X.shape[0]):
        own = slice(X.indptr[u], X.indptr[u + 1])
        V, x = Q[X.indices[own]], X.data[own]
        P[u] = np.linalg.solve(A0 + (V.T * x) @ V, x @ V)
    return P


def items_step(X, P, s, l2):
    C = sp.csc_array(X)
    Q = np.zeros((X.shape[1], P.shape[1]))
    empty = np.diff(C.indptr) == 0
    for i in np.flatnonzero(~empty):
        own = slice(C.indptr[i], C.indptr[i + 1])
        V, x = P[C.indices[own]], C.data[own]
        A = s[i] * P.T @ P + l2 * np.eye(P.shape[1]) + (V.T * x) @ V
        Q[i] = np.linalg.solve(A, x @ V)
    Q[empty] = Q[~empty].mean(axis=0)
    return Q


def loss(X, P, Q, s, l2):
    C = sp.coo_array(X)
    scores = (P[C.row] * Q[C.col]).sum(axis=1)
    total = (C.data * (scores - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% потери через плотную таблицу баллов tags=["task-2"] blind=true loses=["2.6"]
def empty_weights(X, alpha0):
    n = np.asarray((X != 0).sum(axis=0)).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def users_step(X, Q, s, l2):
    A0 = (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    P = np.zeros((X.shape[0], Q.shape[1]))
    for u in range(X.shape[0]):
        own = slice(X.indptr[u], X.indptr[u + 1])
        V, x = Q[X.indices[own]], X.data[own]
        P[u] = np.linalg.solve(A0 + (V.T * x) @ V, x @ V)
    return P


def items_step(X, P, s, l2):
    C = sp.csc_array(X)
    Q = np.zeros((X.shape[1], P.shape[1]))
    for i in range(X.shape[1]):
        own = slice(C.indptr[i], C.indptr[i + 1])
        V, x = P[C.indices[own]], C.data[own]
        A = s[i] * P.T @ P + l2 * np.eye(P.shape[1]) + (V.T * x) @ V
        Q[i] = np.linalg.solve(A, x @ V)
    return Q


def loss(X, P, Q, s, l2):
    R = P @ Q.T
    seen = X.multiply((R - 1) ** 2).sum()
    return seen + (s * R**2).sum() + l2 * ((P**2).sum() + (Q**2).sum())


# %% штраф в потерях только у тех, у кого есть взаимодействия tags=["task-2"] blind=true loses=["2.5"]
def empty_weights(X, alpha0):
    n = np.asarray((X != 0).sum(axis=0)).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def users_step(X, Q, s, l2):
    A0 = (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    P = np.zeros((X.shape[0], Q.shape[1]))
    for u in range(X.shape[0]):
        own = slice(X.indptr[u], X.indptr[u + 1])
        V, x = Q[X.indices[own]], X.data[own]
        P[u] = np.linalg.solve(A0 + (V.T * x) @ V, x @ V)
    return P


def items_step(X, P, s, l2):
    C = sp.csc_array(X)
    Q = np.zeros((X.shape[1], P.shape[1]))
    for i in range(X.shape[1]):
        own = slice(C.indptr[i], C.indptr[i + 1])
        V, x = P[C.indices[own]], C.data[own]
        A = s[i] * P.T @ P + l2 * np.eye(P.shape[1]) + (V.T * x) @ V
        Q[i] = np.linalg.solve(A, x @ V)
    return Q


def loss(X, P, Q, s, l2):
    C = sp.coo_array(X)
    scores = (P[C.row] * Q[C.col]).sum(axis=1)
    total = (C.data * (scores - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    users, items = np.unique(C.row), np.unique(C.col)
    return total + l2 * ((P[users] ** 2).sum() + (Q[items] ** 2).sum())


# %% у фильма в общей части — средний вес пустой ячейки tags=["task-2"] blind=true loses=["2.3", "2.4"]
def empty_weights(X, alpha0):
    n = np.asarray((X != 0).sum(axis=0)).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def users_step(X, Q, s, l2):
    A0 = (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    P = np.zeros((X.shape[0], Q.shape[1]))
    for u in range(X.shape[0]):
        own = slice(X.indptr[u], X.indptr[u + 1])
        V, x = Q[X.indices[own]], X.data[own]
        P[u] = np.linalg.solve(A0 + (V.T * x) @ V, x @ V)
    return P


def items_step(X, P, s, l2):
    C = sp.csc_array(X)
    shared = s.mean() * P.T @ P + l2 * np.eye(P.shape[1])
    Q = np.zeros((X.shape[1], P.shape[1]))
    for i in range(X.shape[1]):
        own = slice(C.indptr[i], C.indptr[i + 1])
        V, x = P[C.indices[own]], C.data[own]
        Q[i] = np.linalg.solve(shared + (V.T * x) @ V, x @ V)
    return Q


def loss(X, P, Q, s, l2):
    C = sp.coo_array(X)
    scores = (P[C.row] * Q[C.col]).sum(axis=1)
    total = (C.data * (scores - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% зрители считаны по всем сохранённым ячейкам, нули тоже tags=["task-2"] blind=true loses=["2.1"]
def empty_weights(X, alpha0):
    n = np.bincount(X.indices, minlength=X.shape[1])
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def users_step(X, Q, s, l2):
    A0 = (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    P = np.zeros((X.shape[0], Q.shape[1]))
    for u in range(X.shape[0]):
        own = slice(X.indptr[u], X.indptr[u + 1])
        V, x = Q[X.indices[own]], X.data[own]
        P[u] = np.linalg.solve(A0 + (V.T * x) @ V, x @ V)
    return P


def items_step(X, P, s, l2):
    C = sp.csc_array(X)
    Q = np.zeros((X.shape[1], P.shape[1]))
    for i in range(X.shape[1]):
        own = slice(C.indptr[i], C.indptr[i + 1])
        V, x = P[C.indices[own]], C.data[own]
        A = s[i] * P.T @ P + l2 * np.eye(P.shape[1]) + (V.T * x) @ V
        Q[i] = np.linalg.solve(A, x @ V)
    return Q


def loss(X, P, Q, s, l2):
    C = sp.coo_array(X)
    scores = (P[C.row] * Q[C.col]).sum(axis=1)
    total = (C.data * (scores - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% вес взаимодействия не исправлен tags=["task-3"] loses=["3.1"]
def half(X, Q, shared, penalty):
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for r in range(X.shape[0]):
        own = slice(X.indptr[r], X.indptr[r + 1])
        w, V = X.data[own], Q[X.indices[own]]
        if len(w):
            A = V.T @ V + shared + penalty[r] * np.eye(Q.shape[1])
            rows[r] = np.linalg.solve(A, w @ V)
    return rows


def train(X, Q, l2, alpha0, nu, n_sweeps):
    XT = sp.csr_array(X.T)
    one = l2 * (X.sum(axis=1) + alpha0 * X.shape[1]) ** nu
    two = l2 * (X.sum(axis=0) + alpha0 * X.shape[0]) ** nu
    for _ in range(n_sweeps):
        P = half(X, Q, alpha0 * Q.T @ Q, one)
        Q = half(XT, P, alpha0 * P.T @ P, two)
    return P, Q


# %% пустые строки не исправлены tags=["task-3"] loses=["3.2"]
def half(X, Q, shared, penalty):
    rows = np.ones((X.shape[0], Q.shape[1]))
    for r in range(X.shape[0]):
        own = slice(X.indptr[r], X.indptr[r + 1])
        w, V = X.data[own], Q[X.indices[own]]
        if len(w):
            A = (V.T * w) @ V + shared + penalty[r] * np.eye(Q.shape[1])
            rows[r] = np.linalg.solve(A, w @ V)
    return rows


def train(X, Q, l2, alpha0, nu, n_sweeps):
    XT = sp.csr_array(X.T)
    one = l2 * (X.sum(axis=1) + alpha0 * X.shape[1]) ** nu
    two = l2 * (X.sum(axis=0) + alpha0 * X.shape[0]) ** nu
    for _ in range(n_sweeps):
        P = half(X, Q, alpha0 * Q.T @ Q, one)
        Q = half(XT, P, alpha0 * P.T @ P, two)
    return P, Q


# %% штраф фильма не исправлен tags=["task-3"] loses=["3.3"]
def half(X, Q, shared, penalty):
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for r in range(X.shape[0]):
        own = slice(X.indptr[r], X.indptr[r + 1])
        w, V = X.data[own], Q[X.indices[own]]
        if len(w):
            A = (V.T * w) @ V + shared + penalty[r] * np.eye(Q.shape[1])
            rows[r] = np.linalg.solve(A, w @ V)
    return rows


def train(X, Q, l2, alpha0, nu, n_sweeps):
    XT = sp.csr_array(X.T)
    one = l2 * (X.sum(axis=1) + alpha0 * X.shape[1]) ** nu
    two = l2 * (X.sum(axis=0) + alpha0 * X.shape[1]) ** nu
    for _ in range(n_sweeps):
        P = half(X, Q, alpha0 * Q.T @ Q, one)
        Q = half(XT, P, alpha0 * P.T @ P, two)
    return P, Q


# %% общая часть зрителей посчитана один раз tags=["task-3"] loses=["3.4"]
def half(X, Q, shared, penalty):
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for r in range(X.shape[0]):
        own = slice(X.indptr[r], X.indptr[r + 1])
        w, V = X.data[own], Q[X.indices[own]]
        if len(w):
            A = (V.T * w) @ V + shared + penalty[r] * np.eye(Q.shape[1])
            rows[r] = np.linalg.solve(A, w @ V)
    return rows


def train(X, Q, l2, alpha0, nu, n_sweeps):
    XT = sp.csr_array(X.T)
    one = l2 * (X.sum(axis=1) + alpha0 * X.shape[1]) ** nu
    two = l2 * (X.sum(axis=0) + alpha0 * X.shape[0]) ** nu
    shared = alpha0 * Q.T @ Q
    for _ in range(n_sweeps):
        P = half(X, Q, shared, one)
        Q = half(XT, P, alpha0 * P.T @ P, two)
    return P, Q


# %% исправлен только штраф tags=["task-3"] loses=["3.1", "3.2", "3.4"]
def half(X, Q, shared, penalty):
    rows = np.ones((X.shape[0], Q.shape[1]))
    for r in range(X.shape[0]):
        own = slice(X.indptr[r], X.indptr[r + 1])
        w, V = X.data[own], Q[X.indices[own]]
        if len(w):
            A = V.T @ V + shared + penalty[r] * np.eye(Q.shape[1])
            rows[r] = np.linalg.solve(A, w @ V)
    return rows


def train(X, Q, l2, alpha0, nu, n_sweeps):
    XT = sp.csr_array(X.T)
    one = l2 * (X.sum(axis=1) + alpha0 * X.shape[1]) ** nu
    two = l2 * (X.sum(axis=0) + alpha0 * X.shape[0]) ** nu
    shared = alpha0 * Q.T @ Q
    for _ in range(n_sweeps):
        P = half(X, Q, shared, one)
        Q = half(XT, P, alpha0 * P.T @ P, two)
    return P, Q


# %% переписано плотно, одной функцией tags=["task-3"] blind=true loses=[]
def train(X, Q, l2, alpha0, nu, n_sweeps):
    D = X.toarray().astype(float)
    wu, wi = D.sum(axis=1) + alpha0 * D.shape[1], D.sum(axis=0) + alpha0 * D.shape[0]
    eye = np.eye(Q.shape[1])
    for _ in range(n_sweeps):
        P = np.array([
            np.linalg.inv(Q.T @ np.diag(x + alpha0) @ Q + l2 * w**nu * eye) @ Q.T @ x
            for x, w in zip(D, wu)
        ])
        Q = np.array([
            np.linalg.inv(P.T @ np.diag(x + alpha0) @ P + l2 * w**nu * eye) @ P.T @ x
            for x, w in zip(D.T, wi)
        ])
    return [P, Q]


# %% нулевое начало дано только зрителям tags=["task-3"] blind=true loses=["3.2"]
def half(X, Q, shared, penalty, start):
    rows = start.copy()
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own], Q[X.indices[own]]
        if len(weights) == 0:
            continue
        A = (V.T * weights) @ V + shared + penalty[row] * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def train(X, Q, l2, alpha0, nu, n_sweeps):
    columns = sp.csr_array(X.T)
    P = np.zeros((X.shape[0], Q.shape[1]))
    user_penalty = l2 * (X.sum(axis=1) + alpha0 * X.shape[1]) ** nu
    item_penalty = l2 * (X.sum(axis=0) + alpha0 * X.shape[0]) ** nu
    for _ in range(n_sweeps):
        P = half(X, Q, alpha0 * Q.T @ Q, user_penalty, P)
        Q = half(columns, P, alpha0 * P.T @ P, item_penalty, Q)
    return P, Q


# %% нули пустым фильмам поставлены в самом конце tags=["task-3"] blind=true loses=["3.2"]
def half(X, Q, shared, penalty, start):
    rows = start.copy()
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own], Q[X.indices[own]]
        if len(weights) == 0:
            continue
        A = V.T @ (weights[:, None] * V) + shared + penalty[row] * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def train(X, Q, l2, alpha0, nu, n_sweeps):
    columns = sp.csr_array(X.T)
    P = np.random.default_rng(0).normal(0, 0.1, (X.shape[0], Q.shape[1]))
    user_penalty = l2 * (X.sum(axis=1) + alpha0 * X.shape[1]) ** nu
    item_penalty = l2 * (X.sum(axis=0) + alpha0 * X.shape[0]) ** nu
    for _ in range(n_sweeps):
        shared = alpha0 * Q.T @ Q
        P = half(X, Q, shared, user_penalty, P)
        P[np.diff(X.indptr) == 0] = 0
        Q = half(columns, P, alpha0 * P.T @ P, item_penalty, Q)
    Q[np.diff(columns.indptr) == 0] = 0
    return P, Q


# %% матрица Грама обновлена с опозданием на проход tags=["task-3"] blind=true loses=["3.4"]
def half(X, Q, shared, penalty):
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own], Q[X.indices[own]]
        A = (V.T * weights) @ V + shared + penalty[row] * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def train(X, Q, l2, alpha0, nu, n_sweeps):
    columns = sp.csr_array(X.T)
    user_penalty = l2 * (X.sum(axis=1) + alpha0 * X.shape[1]) ** nu
    item_penalty = l2 * (X.sum(axis=0) + alpha0 * X.shape[0]) ** nu
    shared = alpha0 * Q.T @ Q
    for _ in range(n_sweeps):
        P = half(X, Q, shared, user_penalty)
        shared = alpha0 * Q.T @ Q
        Q = half(columns, P, alpha0 * P.T @ P, item_penalty)
    return P, Q


# %% штраф умножен на число взаимодействий, а не на сумму весов tags=["task-3"] blind=true loses=["3.3"]
def half(X, Q, shared, penalty):
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own], Q[X.indices[own]]
        A = (V.T * weights) @ V + shared + penalty[row] * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def train(X, Q, l2, alpha0, nu, n_sweeps):
    columns = sp.csr_array(X.T)
    user_penalty = l2 * (np.diff(X.indptr) + alpha0 * X.shape[1]) ** nu
    item_penalty = l2 * (np.diff(columns.indptr) + alpha0 * X.shape[0]) ** nu
    for _ in range(n_sweeps):
        P = half(X, Q, alpha0 * Q.T @ Q, user_penalty)
        Q = half(columns, P, alpha0 * P.T @ P, item_penalty)
    return P, Q


# %% вклад без веса tags=["task-4"] loses=["4.1", "4.3"]
def contributions(Q, history, weights, s, l2, target):
    V = Q[history]
    A = (V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    return V @ np.linalg.solve(A, Q[target])


def consequences(Q, history, weights, s, l2, target):
    def score(kept):
        V, w = Q[history[kept]], weights[kept]
        A = (V.T * w) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
        return np.linalg.solve(A, w @ V) @ Q[target]

    n = np.arange(len(history))
    return np.array([score(n) - score(n != m) for m in n])


# %% без фильма ушли и его пустые ячейки tags=["task-4"] loses=["4.2"]
def contributions(Q, history, weights, s, l2, target):
    V = Q[history]
    A = (V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    return weights * (V @ np.linalg.solve(A, Q[target]))


def consequences(Q, history, weights, s, l2, target):
    whole, found = contributions(Q, history, weights, s, l2, target).sum(), []
    for n, film in enumerate(history):
        rest = s.copy()
        rest[film] = 0
        V, w = np.delete(Q[history], n, axis=0), np.delete(weights, n)
        A = (V.T * w) @ V + (Q.T * rest) @ Q + l2 * np.eye(Q.shape[1])
        found.append(whole - np.linalg.solve(A, w @ V) @ Q[target])
    return np.array(found)


# %% последствие с обратным знаком tags=["task-4"] loses=["4.2", "4.3"]
def contributions(Q, history, weights, s, l2, target):
    V = Q[history]
    A = (V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    return weights * (V @ np.linalg.solve(A, Q[target]))


def consequences(Q, history, weights, s, l2, target):
    whole, found = contributions(Q, history, weights, s, l2, target).sum(), []
    for n in range(len(history)):
        rest, w = np.delete(history, n), np.delete(weights, n)
        found.append(contributions(Q, rest, w, s, l2, target).sum() - whole)
    return np.array(found)


# %% последствия по формуле Шермана — Моррисона tags=["task-4"] blind=true loses=[]
def contributions(Q, history, weights, s, l2, target):
    A = np.eye(Q.shape[1]) * l2
    for i in range(len(Q)):
        A = A + s[i] * np.outer(Q[i], Q[i])
    for j, x in zip(history, weights):
        A = A + x * np.outer(Q[j], Q[j])
    inverse = np.linalg.inv(A)
    return np.array([x * (Q[target] @ inverse @ Q[j]) for j, x in zip(history, weights)])


def consequences(Q, history, weights, s, l2, target):
    A = l2 * np.eye(Q.shape[1]) + np.einsum("i,ia,ib->ab", s, Q, Q)
    right = np.zeros(Q.shape[1])
    for j, x in zip(history, weights):
        A += x * np.outer(Q[j], Q[j])
        right += x * Q[j]
    inverse = np.linalg.inv(A)
    p = inverse @ right
    answer = []
    for j, x in zip(history, weights):
        h = inverse @ Q[j]
        answer.append(x * (Q[target] @ h) * (1 - Q[j] @ p) / (1 - x * (Q[j] @ h)))
    return np.array(answer)


# %% последствие — тот же вклад tags=["task-4"] blind=true loses=["4.2"]
def contributions(Q, history, weights, s, l2, target):
    V = Q[history]
    A = (V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    return weights * (V @ np.linalg.solve(A, Q[target]))


def consequences(Q, history, weights, s, l2, target):
    V = Q[history]
    A = (V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    full = Q[target] @ np.linalg.solve(A, weights @ V)
    drops = []
    for j in range(len(history)):
        rest = weights.copy()
        rest[j] = 0
        drops.append(full - Q[target] @ np.linalg.solve(A, rest @ V))
    return np.array(drops)


# %% остаток истории через setdiff1d, веса не переставлены tags=["task-4"] blind=true loses=["4.2"]
def contributions(Q, history, weights, s, l2, target):
    V = Q[history]
    A = (V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    return weights * (V @ np.linalg.solve(A, Q[target]))


def consequences(Q, history, weights, s, l2, target):
    def score(own, x):
        V = Q[own]
        A = (V.T * x) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
        return Q[target] @ np.linalg.solve(A, x @ V)

    full = score(history, weights)
    return np.array([
        full - score(np.setdiff1d(history, [j]), np.delete(weights, place))
        for place, j in enumerate(history)
    ])


# %% сам target из истории выброшен tags=["task-4"] blind=true loses=["4.1", "4.2"]
def _solve(Q, own, x, s, l2):
    V = Q[own]
    return np.linalg.inv((V.T * x) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1]))


def contributions(Q, history, weights, s, l2, target):
    inverse = _solve(Q, history, weights, s, l2)
    answer = weights * (Q[history] @ inverse @ Q[target])
    answer[history == target] = 0  # сам себя фильм объяснять не должен
    return answer


def consequences(Q, history, weights, s, l2, target):
    full = Q[target] @ _solve(Q, history, weights, s, l2) @ (weights @ Q[history])
    answer = np.zeros(len(history))
    for j in range(len(history)):
        if history[j] == target:
            continue
        own, x = np.delete(history, j), np.delete(weights, j)
        answer[j] = full - Q[target] @ _solve(Q, own, x, s, l2) @ (x @ Q[own])
    return answer


# %% у истории из одного фильма последствие не считают tags=["task-4"] blind=true loses=["4.3"]
def contributions(Q, history, weights, s, l2, target):
    V = Q[history]
    A = (V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    return weights * (V @ np.linalg.solve(A, Q[target]))


def consequences(Q, history, weights, s, l2, target):
    n = len(history)
    if n < 2:
        return np.zeros(n)  # убирать нечего
    full = contributions(Q, history, weights, s, l2, target).sum()
    answer = np.zeros(n)
    for j in range(n):
        own, x = np.delete(history, j), np.delete(weights, j)
        answer[j] = full - contributions(Q, own, x, s, l2, target).sum()
    return answer


# %% пустая история: stack пустого списка tags=["task-4"] blind=true loses=["4.3"]
def contributions(Q, history, weights, s, l2, target):
    V = np.stack([Q[j] for j in history])
    A = (V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    return np.asarray(weights) * (V @ np.linalg.solve(A, Q[target]))


def consequences(Q, history, weights, s, l2, target):
    full = contributions(Q, history, weights, s, l2, target).sum()
    answer = []
    for j in range(len(history)):
        own = [i for k, i in enumerate(history) if k != j]
        x = [w for k, w in enumerate(weights) if k != j]
        rest = contributions(Q, own, x, s, l2, target).sum() if own else 0
        answer.append(full - rest)
    return np.array(answer)


# %% формула вычеркивания без множителя невязки tags=["task-4"] blind=true loses=["4.2", "4.3"]
def contributions(Q, history, weights, s, l2, target):
    V = Q[history]
    A = (V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    return weights * (V @ np.linalg.solve(A, Q[target]))


def consequences(Q, history, weights, s, l2, target):
    V = Q[history]
    inverse = np.linalg.inv((V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1]))
    h = np.einsum("ja,ab,jb->j", V, inverse, V)
    return weights * (V @ inverse @ Q[target]) / (1 - weights * h)


# %% всем популярное tags=["task-5"] loses=["5.2"]
def score_new(X, X_new):
    return np.tile(X.sum(axis=0), (X_new.shape[0], 1)).astype(float)


# %% зрителю без истории нули tags=["task-5"] loses=["5.1"]
def score_new(X, X_new):
    Q, s = np.random.default_rng(0).normal(0, 0.03, (X.shape[1], 16)), empty_weights(X, 0.1)
    for _ in range(10):
        P = users_step(X, Q, s, 5.0)
        Q = items_step(X, P, s, 5.0)
    return users_step(X_new, Q, s, 5.0) @ Q.T


# %% начало с нулей: векторы навсегда нулевые tags=["task-5"] loses=["5.2"]
def score_new(X, X_new):
    Q, s = np.zeros((X.shape[1], 16)), empty_weights(X, 0.1)
    for _ in range(3):
        P = users_step(X, Q, s, 5.0)
        Q = items_step(X, P, s, 5.0)
    scores = users_step(X_new, Q, s, 5.0) @ Q.T
    scores[np.diff(X_new.indptr) == 0] = X.sum(axis=0)
    return scores


# %% без функций задачи 2, плотно и в float32 tags=["task-5"] blind=true loses=[]
def score_new(X, X_new):
    D, N = X.toarray().astype(np.float32), X_new.toarray().astype(np.float32)
    d, l2, alpha = min(6, min(D.shape)), np.float32(4), np.float32(0.2)
    left, values, right = np.linalg.svd(D, full_matrices=False)
    Q = (right[:d].T * np.sqrt(values[:d])).astype(np.float32) * np.float32(0.3)
    eye = np.eye(d, dtype=np.float32)

    def step(R, V):
        common = alpha * V.T @ V + l2 * eye
        return np.stack([np.linalg.solve(common + (V.T * x) @ V, V.T @ x) for x in R])

    for _ in range(15):
        P = step(D, Q)
        Q = step(D.T, P)
    scores = step(N, Q) @ Q.T
    for u, x in enumerate(N):
        if not x.any():
            scores[u] = D.sum(axis=0) / len(D)
    return scores.tolist()


# %% начало без зерна tags=["task-5"] blind=true loses=["5.1"]
def score_new(X, X_new):
    Q = np.random.normal(0, 0.1, (X.shape[1], 6))
    s = empty_weights(X, 0.2)
    for _ in range(15):
        P = users_step(X, Q, s, 5.0)
        Q = items_step(X, P, s, 5.0)
    scores = users_step(X_new, Q, s, 5.0) @ Q.T
    scores[np.diff(X_new.indptr) == 0] = np.asarray(X.sum(axis=0)).ravel()
    return scores


# %% популярность через bincount без minlength tags=["task-5"] blind=true loses=["5.1"]
def score_new(X, X_new):
    Q = np.random.default_rng(0).normal(0, 0.1, (X.shape[1], 6))
    s = empty_weights(X, 0.2)
    for _ in range(15):
        P = users_step(X, Q, s, 5.0)
        Q = items_step(X, P, s, 5.0)
    scores = users_step(X_new, Q, s, 5.0) @ Q.T
    scores[np.diff(X_new.indptr) == 0] = np.bincount(X.indices)
    return scores


# %% модель учат вместе с новыми зрителями tags=["task-5"] blind=true loses=["5.1"]
def score_new(X, X_new):
    both = sp.csr_array(sp.vstack([X, X_new]))
    Q = np.random.default_rng(0).normal(0, 0.1, (X.shape[1], 6))
    s = empty_weights(both, 0.2)
    for _ in range(15):
        P = users_step(both, Q, s, 5.0)
        Q = items_step(both, P, s, 5.0)
    scores = P[X.shape[0]:] @ Q.T
    scores[np.diff(X_new.indptr) == 0] = np.asarray(X.sum(axis=0)).ravel()
    return scores


# %% 64 фактора и слабый штраф, как для большого каталога tags=["task-5"] blind=true loses=["5.2"]
def score_new(X, X_new):
    Q = np.random.default_rng(0).normal(0, 0.1, (X.shape[1], 64))
    s = empty_weights(X, 0.2)
    for _ in range(15):
        P = users_step(X, Q, s, 0.1)
        Q = items_step(X, P, s, 0.1)
    scores = users_step(X_new, Q, s, 0.1) @ Q.T
    scores[np.diff(X_new.indptr) == 0] = np.asarray(X.sum(axis=0)).ravel()
    return scores


# %% популярное дают, только если пусты все новые tags=["task-5"] blind=true loses=["5.1"]
def score_new(X, X_new):
    Q = np.random.default_rng(0).normal(0, 0.1, (X.shape[1], 6))
    s = empty_weights(X, 0.2)
    for _ in range(15):
        P = users_step(X, Q, s, 5.0)
        Q = items_step(X, P, s, 5.0)
    scores = users_step(X_new, Q, s, 5.0) @ Q.T
    if X_new.nnz == 0:
        scores[:] = np.asarray(X.sum(axis=0)).ravel()
    return scores


# %% популярное — сумма баллов всех обученных зрителей tags=["task-5"] blind=true loses=["5.1"]
def score_new(X, X_new):
    Q = np.random.default_rng(0).normal(0, 0.1, (X.shape[1], 6))
    s = empty_weights(X, 0.2)
    for _ in range(15):
        P = users_step(X, Q, s, 5.0)
        Q = items_step(X, P, s, 5.0)
    new = users_step(X_new, Q, s, 5.0)
    new[np.diff(X_new.indptr) == 0] = P.mean(axis=0)
    return new @ Q.T
