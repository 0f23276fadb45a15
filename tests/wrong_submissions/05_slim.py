# Неверные решения задания 05, какие написал бы студент. В заголовке ячейки — что сделано не так и
# какие свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2. Прочие задачи — из решения.

# %% отрицательный вес обрезан, второй не пересчитан tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    X = np.array(toy, float)
    G = X.T @ X
    o = [i for i in range(3) if i != toy_target]
    b = np.zeros(3)
    b[o] = np.linalg.solve(G[np.ix_(o, o)] + toy_l2 * np.eye(2), G[o, toy_target] - toy_l1)
    z = int(np.argmin(b))
    b = np.maximum(b, 0)
    return [*b, G[z] @ b + toy_l1 - G[z, toy_target]]


# %% запрета нет tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    X = np.array(toy, float)
    G = X.T @ X
    o = [i for i in range(3) if i != toy_target]
    b = np.zeros(3)
    b[o] = np.linalg.solve(G[np.ix_(o, o)] + toy_l2 * np.eye(2), G[o, toy_target] - toy_l1)
    return [*b, 0]


# %% в производной забыта цена tags=["task-1"] loses=["1.2"]
def by_hand():
    X = np.array(toy, float)
    G = X.T @ X
    o = [i for i in range(3) if i != toy_target]
    free = np.linalg.solve(G[np.ix_(o, o)] + toy_l2 * np.eye(2), G[o, toy_target] - toy_l1)
    z, k = o[int(np.argmin(free))], o[int(np.argmax(free))]
    b = np.zeros(3)
    b[k] = (G[k, toy_target] - toy_l1) / (G[k, k] + toy_l2)
    return [*b, G[z, k] * b[k] - G[z, toy_target]]


# %% штраф L2 вычтен вместо порога tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    X = np.array(toy, float)
    G = X.T @ X
    o = [i for i in range(3) if i != toy_target]
    free = np.linalg.solve(G[np.ix_(o, o)] + toy_l2 * np.eye(2), G[o, toy_target] - toy_l1)
    z, k = o[int(np.argmin(free))], o[int(np.argmax(free))]
    b = np.zeros(3)
    b[k] = max(G[k, toy_target] - toy_l2, 0) / (G[k, k] + toy_l1)
    return [*b, G[z, k] * b[k] + toy_l1 - G[z, toy_target]]


# %% сила штрафа забыта в ценах tags=["task-2"] loses=["2.1"]
def prices(G, n_users, l1):
    n = np.diag(G)
    return {"expected": np.outer(n, n) / n_users, "cosine": np.sqrt(np.outer(n, n)),
            "smaller": np.minimum.outer(n, n), "source": np.outer(n, np.ones(len(n)))}[price]


def priced_slim(G, P, l2):
    G = np.array(G, float)
    B = np.zeros(G.shape)
    for sweep in range(20000):
        old = B.copy()
        for k in range(len(G)):
            B[k] = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k] - P[k], 0) / (G[k, k] + l2)
            B[k, k] = 0
        if abs(B - old).max() < 1e-11:
            return B


# %% цена по столбцу: P транспонирована tags=["task-2"] loses=["2.3", "2.5"]
def prices(G, n_users, l1):
    n = np.diag(G)
    return l1 * {"expected": np.outer(n, n) / n_users, "cosine": np.sqrt(np.outer(n, n)),
                 "smaller": np.minimum.outer(n, n), "source": np.outer(n, np.ones(len(n)))}[price]


def priced_slim(G, P, l2):
    G = np.array(G, float)
    B = np.zeros(G.shape)
    for sweep in range(20000):
        old = B.copy()
        for k in range(len(G)):
            B[k] = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k] - P[:, k], 0) / (G[k, k] + l2)
            B[k, k] = 0
        if abs(B - old).max() < 1e-11:
            return B


# %% двадцать пять проходов tags=["task-2"] loses=["2.4"]
def prices(G, n_users, l1):
    n = np.diag(G)
    return l1 * {"expected": np.outer(n, n) / n_users, "cosine": np.sqrt(np.outer(n, n)),
                 "smaller": np.minimum.outer(n, n), "source": np.outer(n, np.ones(len(n)))}[price]


def priced_slim(G, P, l2):
    G = np.array(G, float)
    B = np.zeros(G.shape)
    for sweep in range(25):
        for k in range(len(G)):
            B[k] = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k] - P[k], 0) / (G[k, k] + l2)
            B[k, k] = 0
    return B


# %% веса хранятся в типе матрицы G tags=["task-2"] loses=["2.5"]
def prices(G, n_users, l1):
    n = np.diag(G)
    return l1 * {"expected": np.outer(n, n) / n_users, "cosine": np.sqrt(np.outer(n, n)),
                 "smaller": np.minimum.outer(n, n), "source": np.outer(n, np.ones(len(n)))}[price]


def priced_slim(G, P, l2):
    B = np.zeros_like(G)
    for sweep in range(20000):
        old = B.copy()
        for k in range(len(G)):
            B[k] = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k] - P[k], 0) / (G[k, k] + l2)
            B[k, k] = 0
        if abs(B - old).max() < 1e-11:
            return B


# %% шаг по градиенту: бесконечная цена даёт nan tags=["task-2"] loses=["2.5"]
def prices(G, n_users, l1):
    n = np.diag(G)
    return l1 * {"expected": np.outer(n, n) / n_users, "cosine": np.sqrt(np.outer(n, n)),
                 "smaller": np.minimum.outer(n, n), "source": np.outer(n, np.ones(len(n)))}[price]


def priced_slim(G, P, l2):
    top = np.linalg.eigvalsh(G)[-1] + l2
    P = np.where(np.isinf(P), 1.0, P)
    B = np.zeros(G.shape)
    for step in range(30000):
        B = np.maximum(B - (G @ B + l2 * B + P - G) / top, 0)
        np.fill_diagonal(B, 0)
    return B


# %% решено без запретов и обрезано tags=["task-2"] loses=["2.2", "2.3", "2.4", "2.5"]
def prices(G, n_users, l1):
    n = np.diag(G)
    return l1 * {"expected": np.outer(n, n) / n_users, "cosine": np.sqrt(np.outer(n, n)),
                 "smaller": np.minimum.outer(n, n), "source": np.outer(n, np.ones(len(n)))}[price]


def priced_slim(G, P, l2):
    B = np.maximum(np.linalg.solve(G + l2 * np.eye(len(G)), G - P), 0)
    np.fill_diagonal(B, 0)
    return B


# %% порог вычтен из веса tags=["task-3"] loses=["3.1"]
def slim_column(X, j, l1, l2, n_sweeps):
    b = np.zeros(X.shape[1])
    rest = X[:, j].astype(float)
    for _ in range(n_sweeps):
        for k in range(X.shape[1]):
            if k != j:
                x = X[:, k]
                r = x @ rest + (x @ x) * b[k]
                new = max(r / (x @ x + l2) - l1, 0)
                rest -= x * (new - b[k])
                b[k] = new
    return b


# %% запрет только в конце tags=["task-3"] loses=["3.2"]
def slim_column(X, j, l1, l2, n_sweeps):
    b = np.zeros(X.shape[1])
    rest = X[:, j].astype(float)
    for _ in range(n_sweeps):
        for k in range(X.shape[1]):
            if k == j:
                continue
            x = X[:, k]
            r = x @ rest + (x @ x) * b[k]
            new = np.sign(r) * max(abs(r) - l1, 0) / (x @ x + l2)
            rest -= x * (new - b[k])
            b[k] = new
    return np.maximum(b, 0)


# %% штраф умножен на число зрителей tags=["task-3"] loses=["3.3"]
def slim_column(X, j, l1, l2, n_sweeps):
    b = np.zeros(X.shape[1])
    rest = X[:, j].astype(float)
    for _ in range(n_sweeps):
        for k in range(X.shape[1]):
            if k == j:
                continue
            x = X[:, k]
            r = x @ rest + (x @ x) * b[k]
            new = max(r - l1, 0) / (x @ x + l2 * len(x))
            rest -= x * (new - b[k])
            b[k] = new
    return b


# %% свой столбец стёрт в конце tags=["task-3"] loses=["3.4"]
def slim_column(X, j, l1, l2, n_sweeps):
    b = np.zeros(X.shape[1])
    rest = X[:, j].astype(float)
    for _ in range(n_sweeps):
        for k in range(X.shape[1]):
            x = X[:, k]
            r = x @ rest + (x @ x) * b[k]
            new = max(r - l1, 0) / (x @ x + l2)
            rest -= x * (new - b[k])
            b[k] = new
    b[j] = 0
    return b


# %% свой столбец стирается после каждого прохода, запрет запоздал tags=["task-3"] loses=["3.2", "3.4"]
def slim_column(X, j, l1, l2, n_sweeps):
    b = np.zeros(X.shape[1])
    rest = X[:, j].astype(float)
    for _ in range(n_sweeps):
        for k in range(X.shape[1]):
            x = X[:, k]
            r = x @ rest + (x @ x) * b[k]
            new = np.sign(r) * max(abs(r) - l1, 0) / (x @ x + l2)
            rest -= x * (new - b[k])
            b[k] = new
        b[j] = 0
    return np.maximum(b, 0)


# %% штрафы приняты за штрафы урока tags=["task-4"] loses=["4.2", "4.3", "4.4"]
def penalties(fit, n_users, p, q):
    return p, q


# %% в своих данных две строки, а не n_users tags=["task-4"] loses=["4.2", "4.3"]
def penalties(fit, n_users, p, q):
    def w(t):
        return fit(np.array([[1.0, t], [0, 0]]), p, q)[0, 1]

    t = 1e4
    a = (w(2 * t) - w(t)) / t
    return t - w(t) / a, 1 / a - 1


# %% порог мал: единицы на n_users строках tags=["task-4"] loses=["4.1", "4.2", "4.3"]
def penalties(fit, n_users, p, q):
    def w(n):
        X = np.zeros((n_users, 2))
        X[:n] = 1
        return fit(X, p, q)[0, 1]

    n1, n2 = n_users // 2, n_users
    A = np.array([[1, w(n1)], [1, w(n2)]])
    l1, l2 = np.linalg.solve(A, [n1 * (1 - w(n1)), n2 * (1 - w(n2))])
    return l1, l2


# %% узнаёт по опыту только две договорённости tags=["task-4"] loses=["4.3", "4.4"]
def penalties(fit, n_users, p, q):
    X = np.zeros((n_users, 2))
    X[0] = 1, 1e4
    w = fit(X, p, q)[0, 1]
    if abs(w - (1e4 - p) / (1 + q)) < 1e-6 * w:
        return p, q
    return n_users * p, n_users * q


# %% порог измерен, второй штраф принят на веру tags=["task-4"] loses=["4.2", "4.3"]
def penalties(fit, n_users, p, q):
    X = np.zeros((n_users, 2))
    X[0] = 1, 1e4
    w = fit(X, p, q)[0, 1]
    return 1e4 - w * (1 + q), q


# %% удвоенные строки различают только деление на U tags=["task-4"] loses=["4.3", "4.4"]
def penalties(fit, n_users, p, q):
    X = np.zeros((n_users, 2))
    X[0] = 100.0, 100
    same = np.allclose(fit(X, p, q), fit(np.vstack([X, X]), p, q))
    return (n_users * p, n_users * q) if same else (p, q)


# %% малые веса просто стёрты tags=["task-5"] loses=["5.1", "5.2"]
def short_weights(G, s, l2):
    B = np.zeros(G.shape)
    for sweep in range(3000):
        for k in range(len(G)):
            B[k] = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k], 0) / (G[k, k] + l2)
            B[k, k] = 0
    for j in range(len(G)):
        B[np.argsort(-B[:, j])[s:], j] = 0
    return B


# %% самые близкие по числу общих зрителей tags=["task-5"] loses=["5.2"]
def short_weights(G, s, l2):
    from scipy.optimize import nnls
    B = np.zeros(G.shape)
    for j in range(len(G)):
        g = G[:, j].copy()
        g[j] = -1
        own = np.argsort(-g)[: min(s, len(G) - 1)]
        L = np.linalg.cholesky(G[np.ix_(own, own)] + l2 * np.eye(len(own)))
        B[own, j] = nnls(L.T, np.linalg.solve(L, G[own, j]))[0]
    return B


# %% жадно, но прежние веса не пересчитаны tags=["task-5"] loses=["5.2", "5.3"]
def short_weights(G, s, l2):
    B = np.zeros(G.shape)
    for j in range(len(G)):
        used = [j]
        for _ in range(min(s, len(G) - 1)):
            r = G[:, j] - G @ B[:, j]
            r[used] = 0
            k = int(np.argmax(np.maximum(r, 0) / np.sqrt(np.diag(G) + l2)))
            used.append(k)
            B[k, j] = max(r[k], 0) / (G[k, k] + l2)
        B[j, j] = 0
    return B


# %% s строк вместо столбцов tags=["task-5"] loses=["5.1", "5.2"]
def short_weights(G, s, l2):
    B = np.zeros(G.shape)
    for sweep in range(3000):
        for k in range(len(G)):
            B[k] = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k], 0) / (G[k, k] + l2)
            B[k, k] = 0
    for k in range(len(G)):
        B[k, np.argsort(-B[k])[s:]] = 0
    return B


# %% весов ровно s, иначе ошибка tags=["task-5"] loses=["5.3"]
def short_weights(G, s, l2):
    from scipy.optimize import nnls
    if s >= len(G):
        raise ValueError("s велико")
    B = np.zeros(G.shape)
    for j in range(len(G)):
        own = []
        for _ in range(s):
            r = np.maximum(G[:, j] - G @ B[:, j] - l2 * B[:, j], 0) / np.sqrt(np.diag(G) + l2)
            r[[j] + own] = 0
            own.append(int(np.argmax(r)))
            L = np.linalg.cholesky(G[np.ix_(own, own)] + l2 * np.eye(len(own)))
            B[own, j] = nnls(L.T, np.linalg.solve(L, G[own, j]))[0]
        B[j, j] = 0
    return B
