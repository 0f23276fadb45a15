# Решения задания 04, какие написал бы студент, верные и неверные. В заголовке ячейки — что сделано и
# какие свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2, loses=[] — решение верно.
# blind=true — написано по условию теми, кто не видел ключа. Прочие задачи — из решения.

# %% забыт штраф на диагонали tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    X = np.array(toy, float)
    G = X.T @ X
    o = [i for i in range(3) if i != toy_target]
    b = np.zeros(3)
    b[o] = np.linalg.lstsq(G[np.ix_(o, o)], G[o, toy_target], rcond=None)[0]
    return [*b, G[toy_target, toy_target] - G[toy_target] @ b]


# %% деление по строке tags=["task-1"] loses=["1.1"]
def by_hand():
    X = np.array(toy, float)
    H = np.linalg.inv(X.T @ X + toy_l2 * np.eye(3))
    b = -H[:, toy_target] / np.diag(H)
    b[toy_target] = 0
    return [*b, 1 / H[toy_target, toy_target] - toy_l2]


# %% правило Крамера в коде, ответ массивом float32 tags=["task-1"] blind=true loses=[]
def by_hand():
    X = np.array(toy)
    G = X.T @ X
    m, n = [k for k in range(3) if k != toy_target]
    a, b, c = G[m, m] + toy_l2, G[m, n], G[n, n] + toy_l2
    r, t = G[m, toy_target], G[n, toy_target]
    answer = np.zeros(4, dtype=np.float32)
    answer[m] = (r * c - b * t) / (a * c - b * b)
    answer[n] = (a * t - b * r) / (a * c - b * b)
    answer[3] = G[toy_target, toy_target] - G[toy_target] @ answer[:3]
    return answer


# %% множитель взят со штрафом: G_jj + λ2 tags=["task-1"] blind=true loses=["1.2"]
def by_hand():
    G = np.array(toy).T @ np.array(toy)
    A = G + toy_l2 * np.eye(3)
    i, k = [item for item in range(3) if item != toy_target]
    b = np.zeros(3)
    b[[i, k]] = np.linalg.solve(A[np.ix_([i, k], [i, k])], G[[i, k], toy_target])
    return [*b, A[toy_target, toy_target] - A[toy_target] @ b]


# %% веса EASE через обратную матрицу, множитель 1/H_jj tags=["task-1"] blind=true loses=["1.2"]
def by_hand():
    X = np.array(toy, dtype=float)
    H = np.linalg.inv(X.T @ X + toy_l2 * np.eye(3))
    b = -H[:, toy_target] / H[toy_target, toy_target]
    b[toy_target] = 0
    return [*b, 1 / H[toy_target, toy_target]]


# %% строки X умножены на сам вес: в G он попал квадратом tags=["task-2"] loses=["2.3", "2.4"]
def user_weights(X):
    n = (X != 0).sum(axis=1)
    w = {"inverse": 1 / np.maximum(n, 1), "root": np.maximum(n, 1) ** -0.5}
    w["log"] = 1 / np.log2(1 + np.maximum(n, 1))
    return w[activity] * (n > 0)


def weighted_ease(X, c, l2):
    W = X.toarray() * c[:, None]
    return ease_weights(W.T @ W, l2)


# %% пустая история получает бесконечный вес tags=["task-2"] loses=["2.1"]
def user_weights(X):
    with np.errstate(all="ignore"):
        n = np.diff(X.indptr)
        return {"inverse": 1 / n, "root": n**-0.5, "log": 1 / np.log2(1 + n)}[activity]


def weighted_ease(X, c, l2):
    X = X.toarray().astype(float)
    return ease_weights(X.T @ (c[:, None] * X), l2)


# %% длина истории — сумма строки tags=["task-2"] loses=["2.1"]
def user_weights(X):
    n = np.asarray(X.sum(axis=1)).ravel()
    m = np.maximum(n, 1)
    w = {"inverse": 1 / m, "root": 1 / np.sqrt(m), "log": 1 / np.log2(1 + m)}[activity]
    return w * (n > 0)


def weighted_ease(X, c, l2):
    X = X.toarray().astype(float)
    return ease_weights(X.T @ (c[:, None] * X), l2)


# %% решение без ограничения, диагональ стёрта tags=["task-2"] loses=["2.2", "2.3", "2.4"]
def user_weights(X):
    n = np.maximum((X != 0).sum(axis=1), 1)
    w = {"inverse": 1 / n, "root": n**-0.5, "log": 1 / np.log2(1 + n)}[activity]
    return w * ((X != 0).sum(axis=1) > 0)


def weighted_ease(X, c, l2):
    X = X.toarray()
    G = X.T @ (c[:, None] * X)
    B = np.linalg.solve(G + l2 * np.eye(len(G)), G)
    np.fill_diagonal(B, 0)
    return B


# %% целая матрица испорчена делением на месте tags=["task-2"] loses=["2.4"]
def user_weights(X):
    n = np.maximum((X != 0).sum(axis=1), 1)
    w = {"inverse": 1 / n, "root": n**-0.5, "log": 1 / np.log2(1 + n)}[activity]
    return w * ((X != 0).sum(axis=1) > 0)


def weighted_ease(X, c, l2):
    X = X.toarray()
    X *= np.sqrt(c)[:, None]
    return ease_weights(X.T @ X, l2)


# %% столбец за столбцом: регрессия lstsq на строки с корнем веса tags=["task-2"] blind=true loses=[]
def user_weights(X):
    answer = []
    for row in X.toarray():
        n = sum(1 for x in row if x)
        law = {"inverse": lambda n: 1 / n, "root": lambda n: n**-0.5, "log": lambda n: 1 / np.log2(1 + n)}
        answer.append(law[activity](n) if n else 0)
    return answer


def weighted_ease(X, c, l2):
    D = X.toarray() * np.sqrt(np.asarray(c, dtype=float))[:, None]
    n = D.shape[1]
    B = np.zeros((n, n))
    for j in range(n):
        rest = [k for k in range(n) if k != j]
        M = np.vstack([D[:, rest], np.sqrt(l2) * np.eye(n - 1)])
        B[rest, j] = np.linalg.lstsq(M, np.r_[D[:, j], np.zeros(n - 1)], rcond=None)[0]
    return B


# %% разреженно, с диагональной матрицей весов tags=["task-2"] blind=true loses=[]
def user_weights(X):
    with np.errstate(divide="ignore"):
        n = np.bincount(X.nonzero()[0], minlength=X.shape[0])
        c = 1.0 / {"inverse": n, "root": np.sqrt(n), "log": np.log2(1 + n)}[activity]
    c[np.isinf(c)] = 0
    return c


def weighted_ease(X, c, l2):
    X = X.astype(np.float64)
    G = X.T @ sp.diags_array(np.asarray(c, dtype=float)) @ X
    H = np.linalg.solve(G.toarray() + l2 * np.eye(X.shape[1]), np.eye(X.shape[1]))
    return (1 - np.eye(X.shape[1])) * (-H / np.diag(H)[None, :])


# %% веса приведены к среднему 1 tags=["task-2"] blind=true loses=["2.3", "2.4"]
def user_weights(X):
    n = np.asarray((X != 0).sum(axis=1)).ravel()
    m = np.maximum(n, 1)
    c = {"inverse": 1 / m, "root": 1 / np.sqrt(m), "log": 1 / np.log2(1 + m)}[activity]
    return np.where(n > 0, c, 0)


def weighted_ease(X, c, l2):
    X = X.toarray().astype(float)
    c = c / c.mean()
    return ease_weights(X.T @ (X * c[:, None]), l2)


# %% данные умножены на корень веса прямо в X.data tags=["task-2"] blind=true loses=["2.4"]
def user_weights(X):
    n = np.asarray((X != 0).sum(axis=1)).ravel()
    m = np.maximum(n, 1)
    c = {"inverse": 1 / m, "root": 1 / np.sqrt(m), "log": 1 / np.log2(1 + m)}[activity]
    return np.where(n > 0, c, 0)


def weighted_ease(X, c, l2):
    Y = X.copy()
    Y.data *= np.repeat(np.sqrt(c), np.diff(Y.indptr))
    return ease_weights((Y.T @ Y).toarray(), l2)


# %% в G складывают пары фильмов, а не произведения ячеек tags=["task-2"] blind=true loses=["2.4"]
def user_weights(X):
    n = np.asarray((X != 0).sum(axis=1)).ravel()
    m = np.maximum(n, 1)
    c = {"inverse": 1 / m, "root": 1 / np.sqrt(m), "log": 1 / np.log2(1 + m)}[activity]
    return np.where(n > 0, c, 0)


def weighted_ease(X, c, l2):
    G = np.zeros((X.shape[1], X.shape[1]))
    for u in range(X.shape[0]):
        films = X.indices[X.indptr[u]:X.indptr[u + 1]]
        G[np.ix_(films, films)] += c[u]
    return ease_weights(G, l2)


# %% длина истории — по числу сохранённых ячеек tags=["task-2"] blind=true loses=["2.1"]
def user_weights(X):
    n = np.diff(X.indptr)
    m = np.maximum(n, 1)
    c = {"inverse": 1 / m, "root": 1 / np.sqrt(m), "log": 1 / np.log2(1 + m)}[activity]
    return np.where(n > 0, c, 0)


def weighted_ease(X, c, l2):
    D = X.toarray().astype(float)
    return ease_weights(D.T @ (c[:, None] * D), l2)


# %% закон чужого варианта tags=["task-2"] blind=true loses=["2.1"]
def user_weights(X):
    n = np.asarray((X != 0).sum(axis=1)).ravel()
    m = np.maximum(n, 1)
    return np.where(n > 0, 1 / m if activity == "root" else 1 / np.sqrt(m), 0)


def weighted_ease(X, c, l2):
    D = X.toarray().astype(float)
    return ease_weights(D.T @ (c[:, None] * D), l2)


# %% взвешена только правая часть системы tags=["task-2"] blind=true loses=["2.3", "2.4"]
def user_weights(X):
    n = np.asarray((X != 0).sum(axis=1)).ravel()
    m = np.maximum(n, 1)
    c = {"inverse": 1 / m, "root": 1 / np.sqrt(m), "log": 1 / np.log2(1 + m)}[activity]
    return np.where(n > 0, c, 0)


def weighted_ease(X, c, l2):
    D = X.toarray().astype(float)
    plain, weighted = D.T @ D, D.T @ (c[:, None] * D)
    n = len(plain)
    B = np.zeros((n, n))
    for j in range(n):
        rest = np.delete(np.arange(n), j)
        A = plain[np.ix_(rest, rest)] + l2 * np.eye(n - 1)
        B[rest, j] = np.linalg.solve(A, weighted[rest, j])
    return B


# %% вес зрителя — сколько раз повторить его строку tags=["task-2"] blind=true loses=["2.3", "2.4"]
def user_weights(X):
    n = np.asarray((X != 0).sum(axis=1)).ravel()
    m = np.maximum(n, 1)
    c = {"inverse": 1 / m, "root": 1 / np.sqrt(m), "log": 1 / np.log2(1 + m)}[activity]
    return np.where(n > 0, c, 0)


def weighted_ease(X, c, l2):
    D = np.repeat(X.toarray().astype(float), np.asarray(c).astype(int), axis=0)
    return ease_weights(D.T @ D, l2)


# %% близнецы — только соседи по номеру tags=["task-3"] loses=["3.3"]
def without_twins(G, l2, groups):
    B = np.zeros(G.shape)
    for j in range(len(G)):
        near = [i for i in (j - 1, j, j + 1) if 0 <= i < len(G) and groups[i] == groups[j]]
        o = np.setdiff1d(np.arange(len(G)), near)
        B[o, j] = np.linalg.solve(G[np.ix_(o, o)] + l2 * np.eye(len(o)), G[o, j])
    return B


# %% номера групп приняты за номера подряд tags=["task-3"] loses=["3.3"]
def without_twins(G, l2, groups):
    H = np.linalg.inv(G + l2 * np.eye(len(G)))
    B = np.zeros(G.shape)
    for g in range(len(G) // 2 if len(np.unique(groups)) < len(G) else len(G)):
        own = np.flatnonzero(groups == g)
        B[:, own] = -H[:, own] @ np.linalg.inv(H[np.ix_(own, own)])
        B[np.ix_(own, own)] = 0
    return B


# %% ничего не запрещено tags=["task-3"] loses=["3.1", "3.2", "3.3"]
def without_twins(G, l2, groups):
    return np.linalg.solve(G + l2 * np.eye(len(G)), G)


# %% столбец за столбцом с вычеркнутыми строками, списками tags=["task-3"] blind=true loses=[]
def without_twins(G, l2, groups):
    n = len(G)
    columns = []
    for j in range(n):
        rest = [i for i in range(n) if groups[i] != groups[j]]
        column = [0.0] * n
        if rest:
            A = np.array([[G[i][k] + l2 * (i == k) for k in rest] for i in rest], dtype=float)
            for i, b in zip(rest, np.linalg.solve(A, np.array([G[i][j] for i in rest], dtype=float))):
                column[i] = b
        columns.append(column)
    return np.array(columns).T


# %% множители Лагранжа одной большой системой tags=["task-3"] blind=true loses=[]
def without_twins(G, l2, groups):
    n = len(G)
    same = np.equal.outer(np.asarray(groups), np.asarray(groups))
    A = G + l2 * np.eye(n)
    B = np.empty((n, n))
    for j in range(n):
        E = np.eye(n)[:, same[:, j]]
        m = E.shape[1]
        K = np.block([[A, E], [E.T, np.zeros((m, m))]])
        B[:, j] = np.linalg.solve(K, np.concatenate([G[:, j], np.zeros(m)]))[:n]
    B[same] = 0
    return B


# %% веса готового EASE обнулены внутри групп tags=["task-3"] blind=true loses=["3.2", "3.3"]
def without_twins(G, l2, groups):
    B = ease_weights(G, l2)
    groups = np.asarray(groups)
    B[groups[:, None] == groups[None, :]] = 0
    return B


# %% группы перебраны до max, как номера с нуля tags=["task-3"] blind=true loses=["3.3"]
def without_twins(G, l2, groups):
    H = np.linalg.inv(G + l2 * np.eye(len(G)))
    B = np.zeros_like(H)
    for g in range(groups.max() + 1):
        own = np.where(groups == g)[0]
        if len(own) == 0:
            continue
        B[:, own] = -H[:, own] @ np.linalg.inv(H[np.ix_(own, own)])
        B[np.ix_(own, own)] = 0
    return B


# %% группы считаны подряд стоящими tags=["task-3"] blind=true loses=["3.3"]
def without_twins(G, l2, groups):
    H = np.linalg.inv(G + l2 * np.eye(len(G)))
    B = np.zeros_like(H)
    edges = np.flatnonzero(np.diff(groups)) + 1
    for own in np.split(np.arange(len(G)), edges):
        B[:, own] = -H[:, own] @ np.linalg.inv(H[np.ix_(own, own)])
        B[np.ix_(own, own)] = 0
    return B


# %% у объекта не больше одного близнеца tags=["task-3"] blind=true loses=["3.3"]
def without_twins(G, l2, groups):
    A = G + l2 * np.eye(len(G))
    B = np.zeros(G.shape)
    for j in range(len(G)):
        twins = [i for i in range(len(G)) if groups[i] == groups[j] and i != j]
        banned = [j] + twins[:1]
        rest = np.delete(np.arange(len(G)), banned)
        B[rest, j] = np.linalg.solve(A[np.ix_(rest, rest)], G[rest, j])
    return B


# %% поделено на диагональ блока, а не на весь блок tags=["task-3"] blind=true loses=["3.2", "3.3"]
def without_twins(G, l2, groups):
    H = np.linalg.inv(G + l2 * np.eye(len(G)))
    B = np.zeros_like(H)
    for g in np.unique(groups):
        own = np.where(groups == g)[0]
        B[:, own] = -H[:, own] / np.diag(H)[own]
        B[np.ix_(own, own)] = 0
    return B


# %% вся группа: решать нечего, и взят обычный EASE tags=["task-3"] blind=true loses=["3.3"]
def without_twins(G, l2, groups):
    groups = np.asarray(groups)
    if len(np.unique(groups)) in (1, len(groups)):
        return ease_weights(G, l2)  # групп нет
    H = np.linalg.inv(G + l2 * np.eye(len(G)))
    B = np.zeros_like(H)
    for g in np.unique(groups):
        own = groups == g
        B[:, own] = -np.linalg.solve(H[own][:, own], H[own]).T
        B[np.ix_(own, own)] = 0
    return B


# %% близнецы слиты в один объект, веса розданы обратно tags=["task-3"] blind=true loses=["3.2", "3.3"]
def without_twins(G, l2, groups):
    names, place = np.unique(groups, return_inverse=True)
    M = np.eye(len(names))[place]
    size = M.sum(axis=0)
    H = np.linalg.inv(M.T @ G @ M + l2 * np.diag(size))
    b = -H / np.diag(H)
    np.fill_diagonal(b, 0)
    return (b / size)[np.ix_(place, place)]


# %% проверяет только ограничение tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4"]
def right_ease(ease):
    X = np.random.default_rng(0).integers(0, 2, (20, 5)).astype(float)
    return not np.diag(ease(X, 1.0)).any()


# %% симметричная таблица tags=["task-4"] loses=["4.2"]
def right_ease(ease):
    X = np.array([[1.0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]])
    B, G = ease(X, 1.0), X.T @ X
    R = G - G @ B - B
    return bool(np.allclose(R - np.diag(np.diag(R)), 0) and np.allclose(np.diag(B), 0))


# %% один зритель: масштаб штрафа не виден tags=["task-4"] loses=["4.4"]
def right_ease(ease):
    X = np.array([[1.0, -2, 3, 1, 0.5]])
    B, G = ease(X, 1.0), X.T @ X
    R = G - G @ B - B
    np.fill_diagonal(R, 0)
    return bool(np.allclose(R, 0) and np.allclose(np.diag(B), 0))


# %% сравнивает с ответом без ограничения tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4", "4.5"]
def right_ease(ease):
    X = (np.random.default_rng(1).random((30, 7)) < 0.4).astype(float)
    G = X.T @ X
    B = np.linalg.solve(G + 2 * np.eye(7), G)
    np.fill_diagonal(B, 0)
    return bool(np.allclose(ease(X, 2.0), B))


# %% ловит только несимметричность tags=["task-4"] loses=["4.2", "4.3", "4.4", "4.5"]
def right_ease(ease):
    X = (np.random.default_rng(1).random((30, 7)) < 0.4).astype(float)
    B = ease(X, 2.0)
    return not np.allclose(B, B.T)


# %% сравнение с регрессией на каждый столбец tags=["task-4"] blind=true loses=[]
def right_ease(ease):
    X = np.random.default_rng(5).poisson([0.3, 0.5, 1, 1.5, 2, 3], (50, 6)).astype(float)
    l2 = 4.0
    expected = np.zeros((6, 6))
    for j in range(6):
        rest = [k for k in range(6) if k != j]
        Y = X[:, rest]
        expected[rest, j] = np.linalg.solve(Y.T @ Y + l2 * np.eye(5), Y.T @ X[:, j])
    return bool(np.allclose(ease(X, l2), expected, atol=1e-5))


# %% сдвиги каждого веса не уменьшают сумму tags=["task-4"] blind=true loses=[]
def right_ease(ease):
    X = (np.random.default_rng(1).random((30, 5)) < [0.2, 0.4, 0.5, 0.7, 0.9]).astype(float)
    X[:, 1] *= 1 - X[:, 0]
    B = np.array(ease(X, 2.0), dtype=float)

    def total(B):
        return ((X - X @ B) ** 2).sum() + 2.0 * (B**2).sum()

    if any(abs(B[j, j]) > 1e-8 for j in range(5)):
        return False
    start = total(B)
    for i in range(5):
        for j in range(5):
            for step in (1e-3, -1e-3):
                C = B.copy()
                C[i, j] += step
                if i != j and total(C) < start:
                    return False
    return True


# %% таблица из урока: все веса неотрицательны tags=["task-4"] blind=true loses=["4.3"]
def right_ease(ease):
    X = np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]])
    B = ease(X, 1.0)
    left = X.T @ X - X.T @ X @ B - B
    np.fill_diagonal(left, 0)
    return bool(np.abs(left).max() < 1e-8 and np.abs(np.diag(B)).max() < 1e-8)


# %% диагональ не проверена tags=["task-4"] blind=true loses=["4.5"]
def right_ease(ease):
    X = (np.random.default_rng(0).random((40, 6)) < [0.2, 0.3, 0.4, 0.5, 0.6, 0.8]).astype(float)
    B = ease(X, 3.0)
    left = X.T @ (X - X @ B) - 3.0 * B
    np.fill_diagonal(left, 0)
    return bool(np.abs(left).max() < 1e-8)


# %% невязка проверена вместе с диагональю tags=["task-4"] blind=true loses=["4.1", "4.2", "4.3", "4.4", "4.5"]
def right_ease(ease):
    X = (np.random.default_rng(0).random((40, 6)) < 0.4).astype(float)
    B = ease(X, 3.0)
    left = X.T @ (X - X @ B) - 3.0 * B
    return bool(np.abs(left).max() < 1e-8)


# %% симметричная таблица: строки и столбцы одинаковы tags=["task-4"] blind=true loses=["4.2", "4.3"]
def right_ease(ease):
    row = np.array([1.0, 1, 0, 1, 0, 0, 0])
    X = np.array([np.roll(row, k) for k in range(7)])
    X = np.vstack([X, np.eye(7)])
    B = ease(X, 1.0)
    left = X.T @ (X - X @ B) - B
    np.fill_diagonal(left, 0)
    return bool(np.abs(left).max() < 1e-8 and np.abs(np.diag(B)).max() < 1e-8)


# %% сравнивают ошибку восстановления, без штрафа tags=["task-4"] blind=true loses=["4.1", "4.2", "4.3", "4.4", "4.5"]
def right_ease(ease):
    rng = np.random.default_rng(0)
    X = (rng.random((40, 5)) < 0.5).astype(float)
    B = ease(X, 2.0)
    start = ((X - X @ B) ** 2).sum()
    for _ in range(50):
        D = rng.normal(0, 0.01, (5, 5))
        np.fill_diagonal(D, 0)
        if ((X - X @ (B + D)) ** 2).sum() < start:
            return False
    return bool(np.abs(np.diag(B)).max() < 1e-8)


# %% большие случайные сдвиги: плохие веса проходят tags=["task-4"] blind=true loses=["4.2", "4.3"]
def right_ease(ease):
    rng = np.random.default_rng(0)
    X = (rng.random((60, 6)) < [0.2, 0.3, 0.4, 0.5, 0.6, 0.8]).astype(float)
    B = ease(X, 2.0)
    if np.abs(np.diag(B)).max() > 1e-8:
        return False

    def total(B):
        return ((X - X @ B) ** 2).sum() + 2.0 * (B**2).sum()

    for _ in range(100):
        D = rng.normal(0, 0.1, (6, 6))
        np.fill_diagonal(D, 0)
        if total(B + D) < total(B):
            return False
    return True


# %% невязка делена на число зрителей, допуск 0,1 tags=["task-4"] blind=true loses=["4.3"]
def right_ease(ease):
    X = (np.random.default_rng(3).random((12, 4)) < [0.2, 0.4, 0.6, 0.8]).astype(float)
    l2 = 5.0
    B = ease(X, l2)
    left = (X.T @ (X - X @ B) - l2 * B) / len(X)
    np.fill_diagonal(left, 0)
    return bool(np.abs(left).max() < 0.1 and np.allclose(np.diag(B), 0))


# %% просмотренное не убрано tags=["task-5"] loses=["5.1", "5.2"]
def choose_l2(train, validation, seen, grid, k):
    V, G = validation.toarray(), (train.T @ train).toarray()
    n = V.sum(axis=1)
    out = []
    for l2 in grid:
        s = train @ ease_weights(G, l2)
        top = np.argsort(-s, axis=1, kind="stable")[:, :k]
        out.append((np.take_along_axis(V, top, 1).sum(1)[n > 0] / n[n > 0]).mean())
    best = max(out)
    return max(l for l, v in zip(grid, out) if v == best), np.array(out)


# %% фильтр из обучающей части tags=["task-5"] loses=["5.2"]
def choose_l2(train, validation, seen, grid, k):
    V, G = validation.toarray(), (train.T @ train).toarray()
    n = V.sum(axis=1)
    out = []
    for l2 in grid:
        s = train @ ease_weights(G, l2)
        s[train.toarray() > 0] = -np.inf
        top = np.argsort(-s, axis=1, kind="stable")[:, :k]
        out.append((np.take_along_axis(V, top, 1).sum(1)[n > 0] / n[n > 0]).mean())
    best = max(out)
    return max(l for l, v in zip(grid, out) if v == best), np.array(out)


# %% у кого нет ответа, у того ноль tags=["task-5"] loses=["5.2"]
def choose_l2(train, validation, seen, grid, k):
    V, G = validation.toarray(), (train.T @ train).toarray()
    out = []
    for l2 in grid:
        s = np.where(seen.toarray() > 0, -np.inf, train @ ease_weights(G, l2))
        top = np.argsort(-s, axis=1, kind="stable")[:, :k]
        out.append((np.take_along_axis(V, top, 1).sum(1) / np.maximum(V.sum(1), 1)).mean())
    best = max(out)
    return max(l for l, v in zip(grid, out) if v == best), np.array(out)


# %% первый из равных tags=["task-5"] loses=["5.3"]
def choose_l2(train, validation, seen, grid, k):
    V, G = validation.toarray(), (train.T @ train).toarray()
    n = V.sum(axis=1)
    out = []
    for l2 in grid:
        s = np.where(seen.toarray() > 0, -np.inf, train @ ease_weights(G, l2))
        top = np.argsort(-s, axis=1, kind="stable")[:, :k]
        out.append((np.take_along_axis(V, top, 1).sum(1)[n > 0] / n[n > 0]).mean())
    return grid[int(np.argmax(out))], np.array(out)


# %% циклами и сортировкой пар (балл, номер) tags=["task-5"] blind=true loses=[]
def choose_l2(train, validation, seen, grid, k):
    n_users, n_items = train.shape
    G = (train.T @ train).toarray()
    values = []
    for l2 in grid:
        B = ease_weights(G, l2)
        total, people = 0.0, 0
        for u in range(n_users):
            want = {int(i) for i in validation.indices[validation.indptr[u]:validation.indptr[u + 1]]}
            if not want:
                continue
            own = train.indices[train.indptr[u]:train.indptr[u + 1]]
            x = train.data[train.indptr[u]:train.indptr[u + 1]]
            score = x @ B[own]
            known = set(seen.indices[seen.indptr[u]:seen.indptr[u + 1]].tolist())
            order = sorted((-score[i], i) for i in range(n_items) if i not in known)
            total += len(want & {i for _, i in order[:k]}) / len(want)
            people += 1
        values.append(total / people)
    top = max(values)
    best = sorted([l2 for l2, v in zip(grid, values) if v == top])[-1]
    return [best, values]


# %% lexsort и маска из нулей и бесконечностей tags=["task-5"] blind=true loses=[]
def choose_l2(train, validation, seen, grid, k):
    people = np.flatnonzero(np.diff(validation.indptr))
    D, S, V = train.toarray()[people], seen.toarray()[people], validation.toarray()[people]
    wall = np.where(S != 0, np.inf, 0)
    recalls = np.zeros(len(grid))
    for place, l2 in enumerate(grid):
        minus = wall - D @ ease_weights((train.T @ train).toarray(), l2)
        number = np.broadcast_to(np.arange(D.shape[1]), minus.shape)
        top = np.lexsort((number, minus), axis=-1)[:, :k]
        recalls[place] = np.mean([np.count_nonzero(v[t]) / np.count_nonzero(v) for v, t in zip(V, top)])
    order = np.lexsort((np.asarray(grid), recalls))
    return grid[order[-1]], recalls


# %% полнота делена на min(n, k) tags=["task-5"] blind=true loses=["5.1"]
def choose_l2(train, validation, seen, grid, k):
    G = (train.T @ train).toarray()
    hidden, truth = seen.toarray() != 0, validation.toarray() != 0
    n = truth.sum(axis=1)
    recalls = []
    for l2 in grid:
        scores = train @ ease_weights(G, l2)
        scores[hidden] = -np.inf
        top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        hits = np.take_along_axis(truth, top, axis=1).sum(axis=1)
        recalls.append((hits[n > 0] / np.minimum(n, k)[n > 0]).mean())
    recalls = np.array(recalls)
    return max(np.array(grid)[recalls == recalls.max()]), recalls


# %% просмотренному поставлен балл 0 tags=["task-5"] blind=true loses=["5.1", "5.2"]
def choose_l2(train, validation, seen, grid, k):
    G = (train.T @ train).toarray()
    known, truth = seen.toarray() != 0, validation.toarray() != 0
    n = truth.sum(axis=1)
    recalls = []
    for l2 in grid:
        scores = (train @ ease_weights(G, l2)) * ~known
        top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        hits = np.take_along_axis(truth, top, axis=1).sum(axis=1)
        recalls.append((hits[n > 0] / n[n > 0]).mean())
    recalls = np.array(recalls)
    return max(np.array(grid)[recalls == recalls.max()]), recalls


# %% список — перевёрнутый argsort tags=["task-5"] blind=true loses=["5.2"]
def choose_l2(train, validation, seen, grid, k):
    G = (train.T @ train).toarray()
    known, truth = seen.toarray() != 0, validation.toarray() != 0
    n = truth.sum(axis=1)
    recalls = []
    for l2 in grid:
        scores = train @ ease_weights(G, l2)
        scores[known] = -np.inf
        top = np.argsort(scores, axis=1, kind="stable")[:, ::-1][:, :k]
        hits = np.take_along_axis(truth, top, axis=1).sum(axis=1)
        recalls.append((hits[n > 0] / n[n > 0]).mean())
    recalls = np.array(recalls)
    return max(np.array(grid)[recalls == recalls.max()]), recalls


# %% зрители без обучающей истории выброшены из среднего tags=["task-5"] blind=true loses=["5.2"]
def choose_l2(train, validation, seen, grid, k):
    G = (train.T @ train).toarray()
    known, truth = seen.toarray() != 0, validation.toarray() != 0
    n = truth.sum(axis=1)
    use = (n > 0) & (np.diff(train.indptr) > 0)
    recalls = []
    for l2 in grid:
        scores = train @ ease_weights(G, l2)
        scores[known] = -np.inf
        top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        hits = np.take_along_axis(truth, top, axis=1).sum(axis=1)
        recalls.append((hits[use] / n[use]).mean())
    recalls = np.array(recalls)
    return max(np.array(grid)[recalls == recalls.max()]), recalls


# %% веса учат на seen tags=["task-5"] blind=true loses=["5.2"]
def choose_l2(train, validation, seen, grid, k):
    G = (seen.T @ seen).toarray()
    known, truth = seen.toarray() != 0, validation.toarray() != 0
    n = truth.sum(axis=1)
    recalls = []
    for l2 in grid:
        scores = train @ ease_weights(G, l2)
        scores[known] = -np.inf
        top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        hits = np.take_along_axis(truth, top, axis=1).sum(axis=1)
        recalls.append((hits[n > 0] / n[n > 0]).mean())
    recalls = np.array(recalls)
    return max(np.array(grid)[recalls == recalls.max()]), recalls


# %% вся полнота сложена: попадания на общее число скрытых tags=["task-5"] blind=true loses=["5.1", "5.2"]
def choose_l2(train, validation, seen, grid, k):
    G = (train.T @ train).toarray()
    known, truth = seen.toarray() != 0, validation.toarray() != 0
    recalls = []
    for l2 in grid:
        scores = train @ ease_weights(G, l2)
        scores[known] = -np.inf
        top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        hits = np.take_along_axis(truth, top, axis=1).sum()
        recalls.append(hits / truth.sum())
    recalls = np.array(recalls)
    return max(np.array(grid)[recalls == recalls.max()]), recalls


# %% при равной полноте — последний штраф сетки tags=["task-5"] blind=true loses=["5.3"]
def choose_l2(train, validation, seen, grid, k):
    G = (train.T @ train).toarray()
    known, truth = seen.toarray() != 0, validation.toarray() != 0
    n = truth.sum(axis=1)
    best, best_recall, recalls = None, -1, []
    for l2 in grid:
        scores = train @ ease_weights(G, l2)
        scores[known] = -np.inf
        top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        hits = np.take_along_axis(truth, top, axis=1).sum(axis=1)
        recalls.append((hits[n > 0] / n[n > 0]).mean())
        if recalls[-1] >= best_recall:
            best, best_recall = l2, recalls[-1]
    return best, np.array(recalls)


# %% сетку отсортировали, полноту вернули в том же порядке tags=["task-5"] blind=true loses=["5.1", "5.2"]
def choose_l2(train, validation, seen, grid, k):
    G = (train.T @ train).toarray()
    known, truth = seen.toarray() != 0, validation.toarray() != 0
    n = truth.sum(axis=1)
    grid = sorted(grid, reverse=True)
    recalls = []
    for l2 in grid:
        scores = train @ ease_weights(G, l2)
        scores[known] = -np.inf
        top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        hits = np.take_along_axis(truth, top, axis=1).sum(axis=1)
        recalls.append((hits[n > 0] / n[n > 0]).mean())
    return grid[int(np.argmax(recalls))], np.array(recalls)
