# Неверные решения задания 03, какие написал бы студент. В заголовке ячейки — что сделано не так и
# какие свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2. Прочие задачи — из решения.

# %% пустые ячейки просмотренных фильмов не учтены tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    Q, w = np.array(toy_films, float), np.array(toy_weights, float)
    V, s = Q[toy_history], np.array(toy_empty)
    s[toy_history] = 0
    p = np.linalg.solve((V.T * w) @ V + (Q.T * s) @ Q + toy_l2 * np.eye(2), w @ V)
    return [*p, p @ Q[toy_target]]


# %% веса только справа tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    Q, w = np.array(toy_films, float), np.array(toy_weights, float)
    V = Q[toy_history]
    p = np.linalg.solve(V.T @ V + (Q.T * toy_empty) @ Q + toy_l2 * np.eye(2), w @ V)
    return [*p, p @ Q[toy_target]]


# %% балл умножен на вес пустой ячейки и прибавлена единица tags=["task-1"] loses=["1.2"]
def by_hand():
    Q, w = np.array(toy_films, float), np.array(toy_weights, float)
    V = Q[toy_history]
    p = np.linalg.solve((V.T * w) @ V + (Q.T * toy_empty) @ Q + toy_l2 * np.eye(2), w @ V)
    return [*p, 1 + toy_empty[toy_target] * (p @ Q[toy_target])]


# %% фильмы как зрители: общий вес вместо своего tags=["task-2"] loses=["2.3", "2.4"]
def items_step(X, P, s, l2):
    return solved(sp.csr_array(X.T), P, lambda item: s.mean() * (P.T @ P), l2)


def empty_weights(X, alpha0):
    """Вес пустой ячейки каждого фильма."""
    n = np.asarray((X != 0).sum(axis=0), dtype=float).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def solved(X, Q, shared, l2):
    """Системы строк X; shared(row) — общая часть строки."""
    X = sp.csr_array(X)
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own].astype(float), Q[X.indices[own]]
        A = (V.T * weights) @ V + shared(row) + l2 * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def users_step(X, Q, s, l2):
    """Векторы зрителей: точный минимум при неизменной Q."""
    common = (Q.T * s) @ Q
    return solved(X, Q, lambda user: common, l2)


def loss(X, P, Q, s, l2):
    """Целевая функция без таблицы баллов."""
    users, items = X.nonzero()
    fit = (P[users] * Q[items]).sum(axis=1)
    weights = sp.coo_array(X).data
    total = (weights * (fit - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% вес пустой ячейки у зрителей усреднён tags=["task-2"] loses=["2.2", "2.4"]
def users_step(X, Q, s, l2):
    common = s.mean() * (Q.T @ Q)
    return solved(X, Q, lambda user: common, l2)


def empty_weights(X, alpha0):
    """Вес пустой ячейки каждого фильма."""
    n = np.asarray((X != 0).sum(axis=0), dtype=float).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def solved(X, Q, shared, l2):
    """Системы строк X; shared(row) — общая часть строки."""
    X = sp.csr_array(X)
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own].astype(float), Q[X.indices[own]]
        A = (V.T * weights) @ V + shared(row) + l2 * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def items_step(X, P, s, l2):
    """Векторы фильмов: точный минимум при неизменной P."""
    common = P.T @ P
    return solved(sp.csr_array(X.T), P, lambda item: s[item] * common, l2)


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


def empty_weights(X, alpha0):
    """Вес пустой ячейки каждого фильма."""
    n = np.asarray((X != 0).sum(axis=0), dtype=float).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def users_step(X, Q, s, l2):
    """Векторы зрителей: точный минимум при неизменной Q."""
    common = (Q.T * s) @ Q
    return solved(X, Q, lambda user: common, l2)


def items_step(X, P, s, l2):
    """Векторы фильмов: точный минимум при неизменной P."""
    common = P.T @ P
    return solved(sp.csr_array(X.T), P, lambda item: s[item] * common, l2)


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


def empty_weights(X, alpha0):
    """Вес пустой ячейки каждого фильма."""
    n = np.asarray((X != 0).sum(axis=0), dtype=float).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def solved(X, Q, shared, l2):
    """Системы строк X; shared(row) — общая часть строки."""
    X = sp.csr_array(X)
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own].astype(float), Q[X.indices[own]]
        A = (V.T * weights) @ V + shared(row) + l2 * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def items_step(X, P, s, l2):
    """Векторы фильмов: точный минимум при неизменной P."""
    common = P.T @ P
    return solved(sp.csr_array(X.T), P, lambda item: s[item] * common, l2)


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


def solved(X, Q, shared, l2):
    """Системы строк X; shared(row) — общая часть строки."""
    X = sp.csr_array(X)
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own].astype(float), Q[X.indices[own]]
        A = (V.T * weights) @ V + shared(row) + l2 * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def users_step(X, Q, s, l2):
    """Векторы зрителей: точный минимум при неизменной Q."""
    common = (Q.T * s) @ Q
    return solved(X, Q, lambda user: common, l2)


def items_step(X, P, s, l2):
    """Векторы фильмов: точный минимум при неизменной P."""
    common = P.T @ P
    return solved(sp.csr_array(X.T), P, lambda item: s[item] * common, l2)


def loss(X, P, Q, s, l2):
    """Целевая функция без таблицы баллов."""
    users, items = X.nonzero()
    fit = (P[users] * Q[items]).sum(axis=1)
    weights = sp.coo_array(X).data
    total = (weights * (fit - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% доли вместо среднего tags=["task-2"] loses=["2.1"]
def empty_weights(X, alpha0):
    n = np.asarray((X != 0).sum(axis=0), float).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.sum()


def solved(X, Q, shared, l2):
    """Системы строк X; shared(row) — общая часть строки."""
    X = sp.csr_array(X)
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own].astype(float), Q[X.indices[own]]
        A = (V.T * weights) @ V + shared(row) + l2 * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def users_step(X, Q, s, l2):
    """Векторы зрителей: точный минимум при неизменной Q."""
    common = (Q.T * s) @ Q
    return solved(X, Q, lambda user: common, l2)


def items_step(X, P, s, l2):
    """Векторы фильмов: точный минимум при неизменной P."""
    common = P.T @ P
    return solved(sp.csr_array(X.T), P, lambda item: s[item] * common, l2)


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


def empty_weights(X, alpha0):
    """Вес пустой ячейки каждого фильма."""
    n = np.asarray((X != 0).sum(axis=0), dtype=float).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def solved(X, Q, shared, l2):
    """Системы строк X; shared(row) — общая часть строки."""
    X = sp.csr_array(X)
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own].astype(float), Q[X.indices[own]]
        A = (V.T * weights) @ V + shared(row) + l2 * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def items_step(X, P, s, l2):
    """Векторы фильмов: точный минимум при неизменной P."""
    common = P.T @ P
    return solved(sp.csr_array(X.T), P, lambda item: s[item] * common, l2)


def loss(X, P, Q, s, l2):
    """Целевая функция без таблицы баллов."""
    users, items = X.nonzero()
    fit = (P[users] * Q[items]).sum(axis=1)
    weights = sp.coo_array(X).data
    total = (weights * (fit - 1) ** 2).sum() + ((P.T @ P) * ((Q.T * s) @ Q)).sum()
    return total + l2 * ((P**2).sum() + (Q**2).sum())


# %% потери по таблице баллов tags=["task-2"] loses=["2.6"]
def loss(X, P, Q, s, l2):
    Y = P @ Q.T
    return (X.toarray() * (Y - 1) ** 2).sum() + (s * Y**2).sum() + l2 * ((P**2).sum() + (Q**2).sum())


def empty_weights(X, alpha0):
    """Вес пустой ячейки каждого фильма."""
    n = np.asarray((X != 0).sum(axis=0), dtype=float).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def solved(X, Q, shared, l2):
    """Системы строк X; shared(row) — общая часть строки."""
    X = sp.csr_array(X)
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own].astype(float), Q[X.indices[own]]
        A = (V.T * weights) @ V + shared(row) + l2 * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def users_step(X, Q, s, l2):
    """Векторы зрителей: точный минимум при неизменной Q."""
    common = (Q.T * s) @ Q
    return solved(X, Q, lambda user: common, l2)


def items_step(X, P, s, l2):
    """Векторы фильмов: точный минимум при неизменной P."""
    common = P.T @ P
    return solved(sp.csr_array(X.T), P, lambda item: s[item] * common, l2)


# %% пустые ячейки считаны без заполненных tags=["task-2"] loses=["2.5", "2.6"]
def loss(X, P, Q, s, l2):
    u, i = X.nonzero()
    y = (P[u] * Q[i]).sum(axis=1)
    all_cells = ((P.T @ P) * ((Q.T * s) @ Q)).sum() - (s[i] * y**2).sum()
    return (X.data * (y - 1) ** 2).sum() + all_cells + l2 * ((P**2).sum() + (Q**2).sum())


def empty_weights(X, alpha0):
    """Вес пустой ячейки каждого фильма."""
    n = np.asarray((X != 0).sum(axis=0), dtype=float).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def solved(X, Q, shared, l2):
    """Системы строк X; shared(row) — общая часть строки."""
    X = sp.csr_array(X)
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own].astype(float), Q[X.indices[own]]
        A = (V.T * weights) @ V + shared(row) + l2 * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def users_step(X, Q, s, l2):
    """Векторы зрителей: точный минимум при неизменной Q."""
    common = (Q.T * s) @ Q
    return solved(X, Q, lambda user: common, l2)


def items_step(X, P, s, l2):
    """Векторы фильмов: точный минимум при неизменной P."""
    common = P.T @ P
    return solved(sp.csr_array(X.T), P, lambda item: s[item] * common, l2)


# %% вес пустой ячейки в потерях потерян tags=["task-2"] loses=["2.5", "2.6"]
def loss(X, P, Q, s, l2):
    u, i = X.nonzero()
    y = (P[u] * Q[i]).sum(axis=1)
    all_cells = s.mean() * ((P.T @ P) * (Q.T @ Q)).sum()
    return (X.data * (y - 1) ** 2).sum() + all_cells + l2 * ((P**2).sum() + (Q**2).sum())


def empty_weights(X, alpha0):
    """Вес пустой ячейки каждого фильма."""
    n = np.asarray((X != 0).sum(axis=0), dtype=float).ravel()
    f = {"root": np.sqrt(n), "log": np.log2(1 + n), "linear": n}[law]
    return alpha0 * f / f.mean()


def solved(X, Q, shared, l2):
    """Системы строк X; shared(row) — общая часть строки."""
    X = sp.csr_array(X)
    rows = np.zeros((X.shape[0], Q.shape[1]))
    for row in range(X.shape[0]):
        own = slice(X.indptr[row], X.indptr[row + 1])
        weights, V = X.data[own].astype(float), Q[X.indices[own]]
        A = (V.T * weights) @ V + shared(row) + l2 * np.eye(Q.shape[1])
        rows[row] = np.linalg.solve(A, weights @ V)
    return rows


def users_step(X, Q, s, l2):
    """Векторы зрителей: точный минимум при неизменной Q."""
    common = (Q.T * s) @ Q
    return solved(X, Q, lambda user: common, l2)


def items_step(X, P, s, l2):
    """Векторы фильмов: точный минимум при неизменной P."""
    common = P.T @ P
    return solved(sp.csr_array(X.T), P, lambda item: s[item] * common, l2)


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


# %% последствие принято за вклад tags=["task-4"] loses=["4.2"]
def contributions(Q, history, weights, s, l2, target):
    V = Q[history]
    A = (V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    return weights * (V @ np.linalg.solve(A, Q[target]))


def consequences(Q, history, weights, s, l2, target):
    return contributions(Q, history, weights, s, l2, target)


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


# %% пустая история не продумана tags=["task-4"] loses=["4.3"]
def contributions(Q, history, weights, s, l2, target):
    V = np.stack([Q[film] for film in history])
    A = (V.T * weights) @ V + (Q.T * s) @ Q + l2 * np.eye(Q.shape[1])
    return weights * (V @ np.linalg.solve(A, Q[target]))


def consequences(Q, history, weights, s, l2, target):
    whole, found = contributions(Q, history, weights, s, l2, target).sum(), []
    for n in range(len(history)):
        rest, w = np.delete(history, n), np.delete(weights, n)
        found.append(whole - contributions(Q, rest, w, s, l2, target).sum())
    return np.array(found)


# %% настройки наугад: 64 фактора и слабый штраф tags=["task-5"] loses=["5.1", "5.2"]
def score_new(X, X_new):
    Q, s = np.random.default_rng(0).normal(0, 0.01, (X.shape[1], 64)), np.ones(X.shape[1])
    for _ in range(10):
        P = users_step(X, Q, s, 0.01)
        Q = items_step(X, P, s, 0.01)
    return users_step(X_new, Q, s, 0.01) @ Q.T


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
