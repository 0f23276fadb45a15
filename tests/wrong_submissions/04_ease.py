# Неверные решения задания 04, какие написал бы студент. В заголовке ячейки — что сделано не так и
# какие свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2. Прочие задачи — из решения.

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


# %% множитель из статьи: вместе со штрафом tags=["task-1"] loses=["1.2"]
def by_hand():
    X = np.array(toy, float)
    H = np.linalg.inv(X.T @ X + toy_l2 * np.eye(3))
    b = -H[:, toy_target] / H[toy_target, toy_target]
    b[toy_target] = 0
    return [*b, 1 / H[toy_target, toy_target]]


# %% строки X умножены на сам вес: в G он попал квадратом tags=["task-2"] loses=["2.3", "2.4"]
def user_weights(X):
    n = np.diff(X.indptr)
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


# %% готовые веса EASE обнулены внутри групп tags=["task-3"] loses=["3.2", "3.3"]
def without_twins(G, l2, groups):
    B = ease_weights(G, l2)
    B[groups[:, None] == groups] = 0
    return B


# %% близнецы — только соседи по номеру tags=["task-3"] loses=["3.3"]
def without_twins(G, l2, groups):
    B = np.zeros(G.shape)
    for j in range(len(G)):
        near = [i for i in (j - 1, j, j + 1) if 0 <= i < len(G) and groups[i] == groups[j]]
        o = np.setdiff1d(np.arange(len(G)), near)
        B[o, j] = np.linalg.solve(G[np.ix_(o, o)] + l2 * np.eye(len(o)), G[o, j])
    return B


# %% вместо обратной матрицы группы — деление на диагональ tags=["task-3"] loses=["3.2", "3.3"]
def without_twins(G, l2, groups):
    H = np.linalg.inv(G + l2 * np.eye(len(G)))
    B = np.zeros(G.shape)
    for g in np.unique(groups):
        own = np.flatnonzero(groups == g)
        B[:, own] = -H[:, own] / np.diag(H)[own]
        B[np.ix_(own, own)] = 0
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


# %% пример урока: отрицательных весов в нём нет tags=["task-4"] loses=["4.3"]
def right_ease(ease):
    X = np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]])
    B = ease(X, 1.0)
    return bool(np.allclose(B, [[0, 4 / 11, 0], [1 / 2, 0, 1 / 2], [0, 6 / 11, 0]]))


# %% один зритель: масштаб штрафа не виден tags=["task-4"] loses=["4.4"]
def right_ease(ease):
    X = np.array([[1.0, -2, 3, 1, 0.5]])
    B, G = ease(X, 1.0), X.T @ X
    R = G - G @ B - B
    np.fill_diagonal(R, 0)
    return bool(np.allclose(R, 0) and np.allclose(np.diag(B), 0))


# %% диагональ не проверена tags=["task-4"] loses=["4.5"]
def right_ease(ease):
    X = (np.random.default_rng(1).random((30, 7)) < 0.4).astype(float)
    B = ease(X, 2.0)
    B = B - np.diag(np.diag(B))
    R = X.T @ (X - X @ B) - 2 * B
    return bool(np.allclose(R - np.diag(np.diag(R)), 0))


# %% невязка вместе с диагональю отвергает и верное tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4", "4.5"]
def right_ease(ease):
    X = (np.random.default_rng(1).random((30, 7)) < 0.4).astype(float)
    B = ease(X, 2.0)
    return bool(np.allclose(X.T @ (X - X @ B), 2 * B))


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


# %% знаменатель min(k, n) tags=["task-5"] loses=["5.1"]
def choose_l2(train, validation, seen, grid, k):
    V, G = validation.toarray(), (train.T @ train).toarray()
    n = V.sum(axis=1)
    out = []
    for l2 in grid:
        s = np.where(seen.toarray() > 0, -np.inf, train @ ease_weights(G, l2))
        top = np.argsort(-s, axis=1, kind="stable")[:, :k]
        out.append((np.take_along_axis(V, top, 1).sum(1)[n > 0] / np.minimum(n, k)[n > 0]).mean())
    best = max(out)
    return max(l for l, v in zip(grid, out) if v == best), np.array(out)

