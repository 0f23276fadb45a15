# Решения задания 05, какие написал бы студент, верные и неверные. В заголовке ячейки — что сделано и
# какие свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2, loses=[] — решение верно.
# blind=true — написано по условию теми, кто не видел ключа. Прочие задачи — из решения.

# %% запрета нет tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    X = np.array(toy, float)
    G = X.T @ X
    o = [i for i in range(3) if i != toy_target]
    b = np.zeros(3)
    b[o] = np.linalg.solve(G[np.ix_(o, o)] + toy_l2 * np.eye(2), G[o, toy_target] - toy_l1)
    return [*b, 0]


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


# %% минимум через nnls, ответ массивом tags=["task-1"] blind=true loses=[]
def by_hand():
    from scipy.optimize import nnls

    X = np.array(toy, dtype=float)
    G = X.T @ X
    A = G + toy_l2 * np.eye(3)
    rest = [k for k in range(3) if k != toy_target]
    L = np.linalg.cholesky(A[np.ix_(rest, rest)])
    b = np.zeros(3)
    b[rest] = nnls(L.T, np.linalg.solve(L, G[rest, toy_target] - toy_l1))[0]
    slope = A @ b - G[:, toy_target] + toy_l1
    zero = [k for k in rest if b[k] == 0][0]
    return np.append(b, slope[zero])


# %% отрицательный вес стёрт, второй не найден заново tags=["task-1"] blind=true loses=["1.1", "1.2"]
def by_hand():
    X = np.array(toy, dtype=float)
    G = X.T @ X
    two = [k for k in range(3) if k != toy_target]
    b = np.linalg.solve(G[np.ix_(two, two)] + toy_l2 * np.eye(2), G[two, toy_target] - toy_l1)
    low, k = two[b.argmin()], two[b.argmax()]
    answer = np.zeros(4)
    answer[k] = (G[k, toy_target] - toy_l1) / (G[k, k] + toy_l2)
    answer[k] = b.max()
    answer[3] = G[low, k] * answer[k] - G[low, toy_target] + toy_l1
    return answer


# %% производная со знаком минус tags=["task-1"] blind=true loses=["1.2"]
def by_hand():
    X = np.array(toy, dtype=float)
    G = X.T @ X
    two = [k for k in range(3) if k != toy_target]
    b = np.linalg.solve(G[np.ix_(two, two)] + toy_l2 * np.eye(2), G[two, toy_target] - toy_l1)
    low, k = two[b.argmin()], two[b.argmax()]
    answer = np.zeros(4)
    answer[k] = (G[k, toy_target] - toy_l1) / (G[k, k] + toy_l2)
    answer[3] = G[low, toy_target] - G[low, k] * answer[k] - toy_l1
    return answer


# %% в производной нет порога tags=["task-1"] blind=true loses=["1.2"]
def by_hand():
    X = np.array(toy, dtype=float)
    G = X.T @ X
    two = [k for k in range(3) if k != toy_target]
    b = np.linalg.solve(G[np.ix_(two, two)] + toy_l2 * np.eye(2), G[two, toy_target] - toy_l1)
    low, k = two[b.argmin()], two[b.argmax()]
    answer = np.zeros(4)
    answer[k] = (G[k, toy_target] - toy_l1) / (G[k, k] + toy_l2)
    answer[3] = G[low, k] * answer[k] - G[low, toy_target]
    return answer


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


# %% nnls по разложению Холецкого tags=["task-2"] blind=true loses=[]
def prices(G, n_users, l1):
    def law(a, b):
        return {"expected": a * b / n_users, "cosine": (a * b) ** 0.5, "smaller": min(a, b), "source": a}[price]

    return [[l1 * law(G[k][k], G[j][j]) for j in range(len(G))] for k in range(len(G))]


def priced_slim(G, P, l2):
    from scipy.optimize import nnls

    G, P = np.array(G, dtype=float), np.asarray(P, dtype=float)
    B = np.zeros(G.shape)
    for j in range(len(G)):
        free = [k for k in range(len(G)) if k != j and P[k, j] < np.inf]
        if free:
            L = np.linalg.cholesky(G[np.ix_(free, free)] + l2 * np.eye(len(free)))
            B[free, j] = nnls(L.T, np.linalg.solve(L, G[free, j] - P[free, j]))[0]
    return B


# %% активный набор: фильмы входят и выходят по одному tags=["task-2"] blind=true loses=[]
def prices(G, n_users, l1):
    k, j = np.meshgrid(G.diagonal(), G.diagonal(), indexing="ij")
    if price == "expected":
        return l1 / n_users * k * j
    return l1 * (np.sqrt(k * j) if price == "cosine" else np.minimum(k, j) if price == "smaller" else k)


def priced_slim(G, P, l2):
    n = len(G)
    A = G + l2 * np.eye(n)
    B = np.zeros((n, n))
    for j in range(n):
        right = G[:, j] - P[:, j]
        on = np.zeros(n, dtype=bool)
        b = np.zeros(n)
        while True:
            gain = np.where(on, -np.inf, right - A @ b)
            gain[j] = -np.inf
            k = int(gain.argmax())
            if not gain[k] > 1e-9:
                break
            on[k] = True
            while True:
                own = np.flatnonzero(on)
                z = np.zeros(n)
                z[own] = np.linalg.solve(A[np.ix_(own, own)], right[own])
                if z[own].min() > 0:
                    b = z
                    break
                bad = own[z[own] <= 0]
                step = (b[bad] / (b[bad] - z[bad])).min()
                b = b + step * (z - b)
                on &= b > 1e-14
                b[~on] = 0
        B[:, j] = b
    return B


# %% сто проходов для всех tags=["task-2"] blind=true loses=["2.4"]
def prices(G, n_users, l1):
    d = np.diag(G)
    laws = {"expected": np.outer(d, d) / n_users, "cosine": np.sqrt(np.outer(d, d))}
    laws |= {"smaller": np.minimum.outer(d, d), "source": np.outer(d, np.ones(len(d)))}
    return l1 * laws[price]


def priced_slim(G, P, l2):
    n = len(G)
    B = np.zeros((n, n))
    for _ in range(100):
        for k in range(n):
            new = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k] - P[k], 0) / (G[k, k] + l2)
            new[k] = 0
            B[k] = new
    return B


# %% остановка, когда веса меняются меньше чем на 1e-4 tags=["task-2"] blind=true loses=["2.2", "2.3", "2.4", "2.5"]
def prices(G, n_users, l1):
    d = np.diag(G)
    laws = {"expected": np.outer(d, d) / n_users, "cosine": np.sqrt(np.outer(d, d))}
    laws |= {"smaller": np.minimum.outer(d, d), "source": np.outer(d, np.ones(len(d)))}
    return l1 * laws[price]


def priced_slim(G, P, l2):
    n = len(G)
    B = np.zeros((n, n))
    while True:
        old = B.copy()
        for k in range(n):
            new = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k] - P[k], 0) / (G[k, k] + l2)
            new[k] = 0
            B[k] = new
        if np.abs(B - old).max() < 1e-4:
            return B


# %% веса заведены как zeros_like(G) tags=["task-2"] blind=true loses=["2.5"]
def prices(G, n_users, l1):
    d = np.diag(G)
    laws = {"expected": np.outer(d, d) / n_users, "cosine": np.sqrt(np.outer(d, d))}
    laws |= {"smaller": np.minimum.outer(d, d), "source": np.outer(d, np.ones(len(d)))}
    return l1 * laws[price]


def priced_slim(G, P, l2):
    B = np.zeros_like(G)
    for j in range(len(G)):
        for _ in range(1000):
            for k in range(len(G)):
                if k != j:
                    left = G[k, j] - G[k] @ B[:, j] + G[k, k] * B[k, j]
                    B[k, j] = max(left - P[k, j], 0) / (G[k, k] + l2)
    return B


# %% как на бумаге: решить, отбросить отрицательные, решить ещё раз tags=["task-2"] blind=true loses=["2.3", "2.5"]
def prices(G, n_users, l1):
    d = np.diag(G)
    laws = {"expected": np.outer(d, d) / n_users, "cosine": np.sqrt(np.outer(d, d))}
    laws |= {"smaller": np.minimum.outer(d, d), "source": np.outer(d, np.ones(len(d)))}
    return l1 * laws[price]


def priced_slim(G, P, l2):
    A = G + l2 * np.eye(len(G))
    B = np.zeros(A.shape)
    for j in range(len(G)):
        own = np.array([k for k in range(len(G)) if k != j and P[k, j] < np.inf], dtype=int)
        while len(own):
            b = np.linalg.solve(A[np.ix_(own, own)], G[own, j] - P[own, j])
            if (b >= 0).all():
                B[own, j] = b
                break
            own = own[b > 0]
    return B


# %% цена взята транспонированной tags=["task-2"] blind=true loses=["2.3", "2.5"]
def prices(G, n_users, l1):
    d = np.diag(G)
    laws = {"expected": np.outer(d, d) / n_users, "cosine": np.sqrt(np.outer(d, d))}
    laws |= {"smaller": np.minimum.outer(d, d), "source": np.outer(d, np.ones(len(d)))}
    return l1 * laws[price]


def priced_slim(G, P, l2):
    n = len(G)
    B = np.zeros((n, n))
    for j in range(n):
        for _ in range(1000):
            for k in range(n):
                if k != j:
                    left = G[k, j] - G[k] @ B[:, j] + G[k, k] * B[k, j]
                    B[k, j] = max(left - P[j, k], 0) / (G[k, k] + l2)
    return B


# %% закон чужого варианта tags=["task-2"] blind=true loses=["2.1"]
def prices(G, n_users, l1):
    d = np.diag(G)
    return l1 * (np.maximum.outer(d, d) if price == "cosine" else np.sqrt(np.outer(d, d)))


def priced_slim(G, P, l2):
    n = len(G)
    B = np.zeros((n, n))
    for j in range(n):
        for _ in range(1000):
            for k in range(n):
                if k != j:
                    left = G[k, j] - G[k] @ B[:, j] + G[k, k] * B[k, j]
                    B[k, j] = max(left - P[k, j], 0) / (G[k, k] + l2)
    return B


# %% столбцы остановлены, как только сошёлся первый tags=["task-2"] blind=true loses=["2.2", "2.3", "2.4", "2.5"]
def prices(G, n_users, l1):
    d = np.diag(G)
    laws = {"expected": np.outer(d, d) / n_users, "cosine": np.sqrt(np.outer(d, d))}
    laws |= {"smaller": np.minimum.outer(d, d), "source": np.outer(d, np.ones(len(d)))}
    return l1 * laws[price]


def priced_slim(G, P, l2):
    n = len(G)
    B = np.zeros((n, n))
    for _ in range(100_000):
        old = B.copy()
        for k in range(n):
            new = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k] - P[k], 0) / (G[k, k] + l2)
            new[k] = 0
            B[k] = new
        if np.allclose(B[:, 0], old[:, 0], rtol=0, atol=1e-9):
            break
    return B


# %% запрещённый вес — из-за inf закрыта вся строка цен tags=["task-2"] blind=true loses=["2.5"]
def prices(G, n_users, l1):
    d = np.diag(G)
    laws = {"expected": np.outer(d, d) / n_users, "cosine": np.sqrt(np.outer(d, d))}
    laws |= {"smaller": np.minimum.outer(d, d), "source": np.outer(d, np.ones(len(d)))}
    return l1 * laws[price]


def priced_slim(G, P, l2):
    n = len(G)
    usable = np.isfinite(P).all(axis=1)
    B = np.zeros((n, n))
    for j in range(n):
        for _ in range(1000):
            for k in np.flatnonzero(usable):
                if k != j:
                    left = G[k, j] - G[k] @ B[:, j] + G[k, k] * B[k, j]
                    B[k, j] = max(left - P[k, j], 0) / (G[k, k] + l2)
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


# %% тот же спуск по матрице Грама, списком tags=["task-3"] blind=true loses=[]
def slim_column(X, j, l1, l2, n_sweeps):
    G = np.asarray(X, dtype=float).T @ np.asarray(X, dtype=float)
    n = len(G)
    b = [0.0] * n
    for _ in range(n_sweeps):
        for k in [*range(j), *range(j + 1, n)]:
            other = sum(G[k, m] * b[m] for m in range(n) if m != k)
            b[k] = max(0.0, (G[k, j] - other - l1) / (G[k, k] + l2))
    return b


# %% невязка пересчитана раз за проход tags=["task-3"] blind=true loses=["3.1", "3.2", "3.3", "3.4"]
def slim_column(X, j, l1, l2, n_sweeps):
    b = np.zeros(X.shape[1])
    for _ in range(n_sweeps):
        rest = X[:, j] - X @ b
        new = b.copy()
        for k in range(X.shape[1]):
            if k != j:
                x = X[:, k]
                new[k] = max(x @ rest + (x @ x) * b[k] - l1, 0) / (x @ x + l2)
        b = new
    return b


# %% невязка начата заново в каждом проходе tags=["task-3"] blind=true loses=["3.2", "3.3"]
def slim_column(X, j, l1, l2, n_sweeps):
    b = np.zeros(X.shape[1])
    for _ in range(n_sweeps):
        rest = X[:, j].astype(float)
        for k in range(X.shape[1]):
            if k == j:
                continue
            x = X[:, k]
            new = max(x @ rest + (x @ x) * b[k] - l1, 0) / (x @ x + l2)
            rest -= x * (new - b[k])
            b[k] = new
    return b


# %% штраф добавлен и к возвращаемой части веса tags=["task-3"] blind=true loses=["3.3"]
def slim_column(X, j, l1, l2, n_sweeps):
    b = np.zeros(X.shape[1])
    rest = X[:, j].astype(float)
    for _ in range(n_sweeps):
        for k in range(X.shape[1]):
            if k == j:
                continue
            x = X[:, k]
            size = x @ x + l2
            unexplained = x @ rest + size * b[k]
            new = max(unexplained - l1, 0) / size
            rest -= x * (new - b[k])
            b[k] = new
    return b


# %% отрицательный вес обнулён, а невязка посчитана с ним tags=["task-3"] blind=true loses=["3.1", "3.2"]
def slim_column(X, j, l1, l2, n_sweeps):
    b = np.zeros(X.shape[1])
    rest = X[:, j].astype(float)
    for _ in range(n_sweeps):
        for k in range(X.shape[1]):
            if k == j:
                continue
            x = X[:, k]
            new = (x @ rest + (x @ x) * b[k] - l1) / (x @ x + l2)
            rest -= x * (new - b[k])
            b[k] = max(new, 0)
    return b


# %% обнулившийся вес больше не трогают tags=["task-3"] blind=true loses=["3.2"]
def slim_column(X, j, l1, l2, n_sweeps):
    b = np.zeros(X.shape[1])
    rest = X[:, j].astype(float)
    for sweep in range(n_sweeps):
        for k in range(X.shape[1]):
            if k == j or (sweep > 0 and b[k] == 0):
                continue
            x = X[:, k]
            new = max(x @ rest + (x @ x) * b[k] - l1, 0) / (x @ x + l2)
            rest -= x * (new - b[k])
            b[k] = new
    return b


# %% размер — число зрителей, а не сумма квадратов tags=["task-3"] blind=true loses=["3.2", "3.3"]
def slim_column(X, j, l1, l2, n_sweeps):
    b = np.zeros(X.shape[1])
    rest = X[:, j].astype(float)
    for _ in range(n_sweeps):
        for k in range(X.shape[1]):
            if k == j:
                continue
            x = X[:, k]
            n = np.count_nonzero(x)
            new = max(x @ rest + n * b[k] - l1, 0) / (n + l2)
            rest -= x * (new - b[k])
            b[k] = new
    return b


# %% штрафы приняты за штрафы урока tags=["task-4"] loses=["4.2", "4.3", "4.4"]
def penalties(fit, n_users, p, q):
    return p, q


# %% в своих данных две строки, а не n_users tags=["task-4"] loses=["4.2", "4.3", "4.4"]
def penalties(fit, n_users, p, q):
    def w(t):
        return fit(np.array([[1.0, t], [0, 0]]), p, q)[0, 1]

    t = 1e4
    a = (w(2 * t) - w(t)) / t
    return t - w(t) / a, 1 / a - 1


# %% порог мал: единицы на n_users строках tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4"]
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


# %% порог измерен, второй штраф принят на веру tags=["task-4"] loses=["4.2", "4.3", "4.4"]
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


# %% один опыт с двумя разными весами и растущим масштабом tags=["task-4"] blind=true loses=[]
def penalties(fit, n_users, p, q):
    X = np.zeros((n_users, 2))
    X[0] = [1, 2]
    X[1] = [1, 0]
    for power in range(40):
        Y = X * 2.0**power
        B = np.asarray(fit(Y, p, q))
        if min(B[0, 1], B[1, 0]) > 0.01:
            break
    G = Y.T @ Y
    # b01 (g00 + l2) = b10 (g11 + l2) = g01 - l1
    l2 = (B[1, 0] * G[1, 1] - B[0, 1] * G[0, 0]) / (B[0, 1] - B[1, 0])
    return [G[0, 1] - B[0, 1] * (G[0, 0] + l2), l2]


# %% система двух уравнений через lstsq по шести опытам tags=["task-4"] blind=true loses=[]
def penalties(fit, n_users, p, q):
    rows, right = [], []
    size = 1.0
    while len(rows) < 6:
        X = np.zeros((n_users, 2))
        X[0] = size, 1.5 * size
        X[-1, 0] = size / 2
        b = fit(X, p, q)[0, 1]
        size *= 1.3
        if b > 1e-3:
            rows.append([1.0, b])
            right.append(X[:, 0] @ X[:, 1] - b * (X[:, 0] @ X[:, 0]))
    l1, l2 = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    return float(l1), float(l2)


# %% в данных всегда сто строк tags=["task-4"] blind=true loses=["4.2", "4.3", "4.4"]
def penalties(fit, n_users, p, q):
    x = np.ones(100)

    def weight(t):
        return fit(np.stack([x, t * x], axis=1), p, q)[0, 1]

    a, b = weight(50.0), weight(100.0)
    size = 100 * 50 / (b - a)
    return 5000 - a * size, size - 100


# %% масштаб данных выбран раз и навсегда tags=["task-4"] blind=true loses=["4.1"]
def penalties(fit, n_users, p, q):
    x = np.ones(n_users)

    def weight(t):
        return fit(np.stack([x, t * x], axis=1), p, q)[0, 1]

    a, b = weight(10.0), weight(20.0)
    if a == b:
        return 0.0, 0.0
    size = 10 * n_users / (b - a)
    return 10 * n_users - a * size, size - n_users


# %% перебраны четыре известные договорённости tags=["task-4"] blind=true loses=["4.4"]
def penalties(fit, n_users, p, q):
    X = np.zeros((n_users, 2))
    X[:, 0], X[:, 1] = 30, 45
    X[0, 1] = 0
    B = np.asarray(fit(X, p, q))
    G = X.T @ X
    n = n_users
    best = None
    for l1, l2 in ((p, q), (n * p, n * q), (n * p * q, n * p * (1 - q)), (p / 2, q), (p / 2, q / 2)):
        error = abs(max(G[0, 1] - l1, 0) / (G[0, 0] + l2) - B[0, 1])
        error += abs(max(G[0, 1] - l1, 0) / (G[1, 1] + l2) - B[1, 0])
        if best is None or error < best[0]:
            best = error, l1, l2
    return best[1], best[2]


# %% второй штраф измерен при нулевом p tags=["task-4"] blind=true loses=["4.3", "4.4"]
def penalties(fit, n_users, p, q):
    X = np.zeros((n_users, 2))
    X[:, 0], X[:, 1] = 20, 60
    g = X.T @ X
    free = fit(X, 1e-12, q)[0, 1]
    l2 = g[0, 1] / free - g[0, 0]
    l1 = g[0, 1] - fit(X, p, q)[0, 1] * (g[0, 0] + l2)
    return l1, l2


# %% два одинаковых фильма, большой масштаб tags=["task-4"] blind=true loses=["4.1", "4.4"]
def penalties(fit, n_users, p, q):
    rows, right = [], []
    for size in (200.0, 400.0):
        X = np.full((n_users, 2), size)
        g = n_users * size**2
        b = fit(X, p, q)[0, 1]
        rows.append([1.0, b])
        right.append(g - b * g)
    l1, l2 = np.linalg.solve(np.array(rows), np.array(right))
    return l1, l2


# %% зависимость от числа строк считается пропорциональной tags=["task-4"] blind=true loses=["4.4"]
def penalties(fit, n_users, p, q):
    def measure(n):
        x = np.ones(n) / np.sqrt(n)
        T = 1e4
        a, b = (fit(np.stack([x, t * x], axis=1), p, q)[0, 1] for t in (T, 2 * T))
        size = T / (b - a)
        return np.array([T - a * size, size - 1])

    two, four = measure(2), measure(4)
    slope = (four - two) / 2
    return tuple(two + slope * (n_users - 2))


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


# %% жадный набор, веса каждый раз заново tags=["task-5"] blind=true loses=[]
def _refit(A, g, own):
    own = list(own)
    while own:
        b = np.linalg.solve(A[np.ix_(own, own)], g[own])
        if b.min() > 0:
            return own, b, g[own] @ b / 2
        own.pop(int(b.argmin()))
    return [], np.zeros(0), 0.0


def short_weights(G, s, l2):
    n = len(G)
    A = G + l2 * np.eye(n)
    B = np.zeros((n, n))
    for j in range(n):
        own, b, gain = [], np.zeros(0), 0.0
        for _ in range(min(s, n - 1)):
            slope = G[:, j] - A[:, own] @ b
            slope[[j, *own]] = 0
            order = np.argsort(-slope / np.sqrt(np.diag(A)))[:8]
            trials = [_refit(A, G[:, j], [*own, k]) for k in order if slope[k] > 1e-9]
            if not trials:
                break
            best = max(trials, key=lambda t: t[2])
            if best[2] <= gain + 1e-12:
                break
            own, b, gain = best
        B[own, j] = b
    return B


# %% полный жадный перебор кандидатов с nnls tags=["task-5"] blind=true loses=[]
def short_weights(G, s, l2):
    from scipy.optimize import nnls

    n = len(G)
    L = np.linalg.cholesky(G + l2 * np.eye(n)).T  # L^T L = A
    R = np.linalg.solve(L.T, G)
    few = n > 60  # большой каталог: кандидаты только с наибольшим наклоном
    B = np.zeros((n, n))
    for j in range(n):
        own, fitted, error = [], np.zeros(0), np.linalg.norm(R[:, j])
        while len(own) < s:
            slope = L.T @ (R[:, j] - L[:, own] @ fitted)
            trials = []
            free = [k for k in np.argsort(-slope) if k != j and k not in own and slope[k] > 1e-9]
            for k in free[:1] if few else free:
                w, e = nnls(L[:, [*own, k]], R[:, j])
                trials.append((e, k, w))
            if not trials or min(trials)[0] >= error - 1e-12:
                break
            error, k, fitted = min(trials, key=lambda t: t[0])
            own.append(k)
        B[own, j] = fitted
    return B


# %% готовые веса со стёртыми малыми tags=["task-5"] blind=true loses=["5.1", "5.2"]
def short_weights(G, s, l2):
    n = len(G)
    B = np.zeros((n, n))
    for _ in range(200):
        for k in range(n):
            new = np.maximum(G[k] - G[k] @ B + G[k, k] * B[k], 0) / (G[k, k] + l2)
            new[k] = 0
            B[k] = new
    for j in range(n):
        B[np.argsort(-B[:, j])[s:], j] = 0
    return B


# %% самые похожие по общим зрителям, веса найдены заново tags=["task-5"] blind=true loses=["5.2"]
def short_weights(G, s, l2):
    n = len(G)
    B = np.zeros((n, n))
    for j in range(n):
        order = [k for k in np.argsort(-G[:, j]) if k != j][:s]
        while order:
            b = np.linalg.solve(G[np.ix_(order, order)] + l2 * np.eye(len(order)), G[order, j])
            if b.min() >= 0:
                B[order, j] = b
                break
            order.pop(int(b.argmin()))
    return B


# %% жадный выбор, прежние веса не пересматриваются tags=["task-5"] blind=true loses=["5.2", "5.3"]
def short_weights(G, s, l2):
    n = len(G)
    size = np.diag(G) + l2
    B = np.zeros((n, n))
    for j in range(n):
        rest = G[:, j].copy()
        for _ in range(min(s, n - 1)):
            score = np.maximum(rest, 0) ** 2 / size
            score[j] = 0
            score[B[:, j] > 0] = 0
            k = score.argmax()
            if score[k] == 0:
                break
            B[k, j] = rest[k] / size[k]
            rest = rest - G[:, k] * B[k, j]
    return B


# %% ограничены строки, а не столбцы tags=["task-5"] blind=true loses=["5.1", "5.2", "5.3"]
def short_weights(G, s, l2):
    n = len(G)
    B = np.zeros((n, n))
    for j in range(n):
        own = []
        for _ in range(min(s, n - 1)):
            b = np.linalg.solve(G[np.ix_(own, own)] + l2 * np.eye(len(own)), G[own, j]) if own else np.zeros(0)
            slope = G[:, j] - G[:, own] @ b
            slope[[j, *own]] = 0
            if slope.max() <= 0:
                break
            own.append(int(slope.argmax()))
        b = np.linalg.solve(G[np.ix_(own, own)] + l2 * np.eye(len(own)), G[own, j])
        B[j, own] = np.maximum(b, 0)
    return B


# %% отбор через argpartition: s больше числа фильмов tags=["task-5"] blind=true loses=["5.3"]
def short_weights(G, s, l2):
    from scipy.optimize import nnls

    n = len(G)
    L = np.linalg.cholesky(G + l2 * np.eye(n)).T
    R = np.linalg.solve(L.T, G)
    B = np.zeros((n, n))
    for j in range(n):
        own = []
        b = np.zeros(0)
        while len(own) < s:
            slope = (G[:, j] - (G + l2 * np.eye(n))[:, own] @ b) / np.sqrt(np.diag(G) + l2)
            slope[[j, *own]] = -np.inf
            own.append(int(np.argpartition(-slope, len(own) + 1)[: len(own) + 1][0]))
            b = nnls(L[:, own], R[:, j])[0]
        B[own, j] = b
    return B


# %% косинусы без защиты от нуля tags=["task-5"] blind=true loses=["5.3"]
def short_weights(G, s, l2):
    n = len(G)
    A = G + l2 * np.eye(n)
    B = np.zeros((n, n))
    norm = np.sqrt(np.diag(G))
    for j in range(n):
        own, b = [], np.zeros(0)
        for _ in range(min(s, n - 1)):
            slope = (G[:, j] - A[:, own] @ b) / norm
            slope[[j, *own]] = 0
            k = int(slope.argmax())
            if slope[k] <= 0:
                break
            own.append(k)
            b = np.linalg.solve(A[np.ix_(own, own)], G[own, j])
            while b.min() < 0:
                own.pop(int(b.argmin()))
                b = np.linalg.solve(A[np.ix_(own, own)], G[own, j])
        B[own, j] = b
    return B


# %% s весов кладут всегда, сколько разрешено tags=["task-5"] blind=true loses=["5.1", "5.2", "5.3"]
def short_weights(G, s, l2):
    n = len(G)
    A = G + l2 * np.eye(n)
    B = np.zeros((n, n))
    for j in range(n):
        own, b = [], np.zeros(0)
        for _ in range(min(s, n - 1)):
            slope = (G[:, j] - A[:, own] @ b) ** 2 / np.diag(A)
            slope[[j, *own]] = -1
            own.append(int(slope.argmax()))
            b = np.linalg.solve(A[np.ix_(own, own)], G[own, j])
        B[own, j] = b
    return B


# %% отрицательные веса после пересчёта просто обнулены tags=["task-5"] blind=true loses=["5.3"]
def short_weights(G, s, l2):
    n = len(G)
    A = G + l2 * np.eye(n)
    B = np.zeros((n, n))
    for j in range(n):
        own, b = [], np.zeros(0)
        for _ in range(min(s, n - 1)):
            slope = (G[:, j] - A[:, own] @ b) ** 2 / np.diag(A)
            slope[[j, *own]] = -1
            own.append(int(slope.argmax()))
            b = np.linalg.solve(A[np.ix_(own, own)], G[own, j])
        B[own, j] = np.maximum(b, 0)
    return B
