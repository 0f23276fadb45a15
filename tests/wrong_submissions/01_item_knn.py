# Неверные решения задания 01, какие написал бы студент. В заголовке ячейки — что сделано не так и
# какие свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2. Прочие задачи — из решения.

# %% степень у источника tags=["task-1"] loses=["1.1", "1.2", "1.3"]
def by_hand():
    X = np.array(toy)
    G, n = X.T @ X, X.sum(axis=0)
    i, j = toy_pair
    s = lambda a, b: G[a, b] / (n[a] ** power * n[b])
    return [s(i, j), s(j, i), sum(s(l, j) for l in np.flatnonzero(X[toy_user]))]


# %% сходство сочтено симметричным tags=["task-1"] loses=["1.2"]
def by_hand():
    X = np.array(toy)
    G, n = X.T @ X, X.sum(axis=0)
    i, j = toy_pair
    s = lambda a, b: G[a, b] / (n[a] * n[b] ** power)
    return [s(i, j), s(i, j), sum(s(l, j) for l in np.flatnonzero(X[toy_user]))]


# %% балл — голос одного фильма, а если он единственный, то двойной tags=["task-1"] loses=["1.3"]
def by_hand():
    X = np.array(toy)
    G, n = X.T @ X, X.sum(axis=0)
    i, j = toy_pair
    s = lambda a, b: G[a, b] / (n[a] * n[b] ** power)
    votes = [s(l, j) for l in np.flatnonzero(X[toy_user])]
    return [s(i, j), s(j, i), 2 * s(i, j) if np.count_nonzero(votes) == 1 else s(i, j)]


# %% строка и столбец перепутаны tags=["task-2"] loses=["2.1", "2.2", "2.4"]
def similarity(X, shrink):
    B = (X != 0).astype(float)
    G = (B.T @ B).toarray()
    n = np.maximum(np.diag(G), 1)
    D = np.outer(n, n**power)
    if shrink_kind == "denominator":
        S = G / (D + shrink)
    elif shrink_kind == "significance":
        S = G / D * G / np.maximum(G + shrink, 1)
    else:
        S = G / D * (G >= shrink)
    S -= np.diag(np.diag(S))
    return S.T


# %% в знаменателе h + 1, вид сжатия не свой tags=["task-2"] loses=["2.2"]
def similarity(X, shrink):
    B = (X != 0).astype(float)
    G = (B.T @ B).toarray()
    n = np.maximum(np.diag(G), 1)
    S = G / (np.outer(n, n**power) + (shrink + 1 if shrink else 0))
    S -= np.diag(np.diag(S))
    return S


# %% nan у фильмов без зрителей tags=["task-2"] loses=["2.3"]
def similarity(X, shrink):
    B = (X != 0).astype(float)
    G = (B.T @ B).toarray()
    n = np.diag(G)
    with np.errstate(all="ignore"):
        D = np.outer(n, n**power)
        if shrink_kind == "denominator":
            S = G / (D + shrink)
        elif shrink_kind == "significance":
            S = G / D * np.nan_to_num(G / (G + shrink))
        else:
            S = G / D * (G >= shrink)
    S[np.diag_indices(len(S))] = 0
    return S


# %% диагональ осталась tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"]
def similarity(X, shrink):
    B = (X != 0).astype(float)
    G = (B.T @ B).toarray()
    n = np.maximum(np.diag(G), 1)
    return G / (np.outer(n, n**power) + shrink)


# %% числа просмотров вместо людей tags=["task-2"] loses=["2.4"]
def similarity(X, shrink):
    G = (X.T @ X).toarray()
    n = np.maximum(X.sum(axis=0), 1)
    D = np.outer(n, n**power)
    if shrink_kind == "denominator":
        S = G / (D + shrink)
    elif shrink_kind == "significance":
        S = G / D * G / np.maximum(G + shrink, 1)
    else:
        S = G / D * (G >= shrink)
    np.fill_diagonal(S, 0)
    return S


# %% исправлено только отсечение tags=["task-3"] loses=["3.2", "3.3", "3.4"]
def recommend(S, X, seen, n_neighbours, n):
    kept = np.zeros_like(S)
    for item in range(len(S)):
        best = np.argsort(-S[:, item], kind="stable")[:n_neighbours]
        kept[best, item] = S[best, item]
    scores = X @ kept
    lists = np.full((X.shape[0], n), -1)
    for user in range(X.shape[0]):
        best = np.argsort(-scores[user], kind="stable")[:n]
        best = [item for item in best if item not in seen[[user]].indices]
        lists[user, : len(best)] = best
    return lists


# %% отсечение осталось в строках tags=["task-3"] loses=["3.1"]
def recommend(S, X, seen, n_neighbours, n):
    kept = np.zeros_like(S)
    for item in range(len(S)):
        best = np.argsort(-S[item], kind="stable")[:n_neighbours]
        kept[item, best] = S[item, best]
    scores = (X.toarray() > 0) @ kept
    lists = np.full((X.shape[0], n), -1)
    for user in range(X.shape[0]):
        best = np.argsort(-scores[user], kind="stable")
        own = seen[[user]].indices
        best = [i for i in best if i not in own and scores[user, i] > 0][:n]
        lists[user, : len(best)] = best
    return lists


# %% просмотренное получило −inf, советует и без голосов tags=["task-3"] loses=["3.4"]
def recommend(S, X, seen, n_neighbours, n):
    weak = np.argsort(-S, axis=0, kind="stable")[n_neighbours:]
    kept = S.copy()
    np.put_along_axis(kept, weak, 0, axis=0)
    scores = (X != 0).astype(float) @ kept
    scores[seen.toarray() > 0] = -np.inf
    lists = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    return np.where(np.take_along_axis(scores, lists, 1) == -np.inf, -1, lists)


# %% убирает историю вместо просмотренного tags=["task-3"] loses=["3.3"]
def recommend(S, X, seen, n_neighbours, n):
    weak = np.argsort(-S, axis=0, kind="stable")[n_neighbours:]
    kept = S.copy()
    np.put_along_axis(kept, weak, 0, axis=0)
    own = X.toarray() > 0
    scores = np.where(own, 0, own @ kept)
    lists = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    return np.where(np.take_along_axis(scores, lists, 1) > 0, lists, -1)


# %% таблица только из единиц tags=["task-4"] loses=["4.4"]
def right_cosine(cosine):
    X = np.array([[1.0, 1, 0, 1], [1, 0, 0, 1], [1, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 1]])
    return agrees(cosine, X, 0) and agrees(cosine, X, 2)


def agrees(cosine, X, h):
    S = cosine(X, h)
    for i in range(X.shape[1]):
        for j in range(X.shape[1]):
            top = X[:, i] @ X[:, j]
            low = np.linalg.norm(X[:, i]) * np.linalg.norm(X[:, j]) + h
            if not np.isclose(S[i, j], top / low if i != j and top else 0):
                return False
    return True


# %% пустого столбца в таблице нет tags=["task-4"] loses=["4.2"]
def right_cosine(cosine):
    X = np.array([[1.0, 3, 1], [2, 0, 1], [1, 1, 0], [0, 2, 0]])
    for h in (0, 2):
        S = cosine(X, h)
        for i in range(3):
            for j in range(3):
                low = np.linalg.norm(X[:, i]) * np.linalg.norm(X[:, j]) + h
                if not np.isclose(S[i, j], X[:, i] @ X[:, j] / low * (i != j)):
                    return False
    return True


# %% сжатие не проверено tags=["task-4"] loses=["4.6"]
def right_cosine(cosine):
    X = np.array([[1.0, 3, 0], [2, 0, 0], [1, 1, 0], [0, 2, 0]])
    s = 4 / np.sqrt(6 * 14)
    return bool(np.allclose(cosine(X, 0), [[0, s, 0], [s, 0, 0], [0, 0, 0]]))


# %% только общие свойства: симметрия, диагональ, от 0 до 1 tags=["task-4"] loses=["4.3", "4.4", "4.6"]
def right_cosine(cosine):
    X = np.array([[1.0, 3, 0, 1], [2, 0, 0, 1], [1, 1, 0, 0], [0, 2, 0, 4]])
    S = cosine(X, 1)
    T = cosine(X, 0)
    return bool(
        np.allclose(S, S.T) and not np.diag(S).any() and (S >= 0).all() and (T >= 0).all()
        and (S <= 1).all() and (S <= T + 1e-9).all()
    )


# %% точное равенство отвергает и верное tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4", "4.5", "4.6"]
def right_cosine(cosine):
    rng = np.random.default_rng(0)
    X = rng.random((40, 6))
    n = np.linalg.norm(X, axis=0)
    S = X.T @ X / (n[:, None] * n + 0.3)
    np.fill_diagonal(S, 0)
    return bool((cosine(X, 0.3) == S).all())


# %% ловит всё, кроме диагонали tags=["task-4"] loses=["4.1"]
def right_cosine(cosine):
    X = np.array([[1.0, 3, 0], [2, 0, 0], [1, 1, 0], [0, 2, 0]])
    low = np.sqrt(6 * 14)
    S, T = cosine(X, 0), cosine(X, 3)
    return bool(
        np.isclose(S[0, 1], 4 / low) and np.isclose(T[0, 1], 4 / (low + 3)) and (S[2] == 0).all()
    )


# %% проверяет только неотрицательность и диагональ, большими числами tags=["task-4"] loses=["4.2", "4.3", "4.4", "4.6"]
def right_cosine(cosine):
    X = np.array([[1.0, 3, 2], [2, 0, 1], [1, 1, 0], [0, 2, 5]])
    S = cosine(X, 1)
    return bool((S >= 0).all() and not np.diag(S).any())


# %% косинус не заметил вычтенного среднего: столбцы с нулевым средним tags=["task-4"] loses=["4.5"]
def right_cosine(cosine):
    X = np.array([[1.0, 2, 0], [-1, -3, 0], [2, 0, 0], [-2, 1, 0]])
    for h in (0, 2):
        want = np.zeros((3, 3))
        want[0, 1] = want[1, 0] = 3 / (np.sqrt(10 * 14) + h)
        if not np.allclose(cosine(X, h), want):
            return False
    return True


# %% простой косинус tags=["task-5"] loses=["5.2"]
def neighbours(X, budget):
    G = (X.T @ X).toarray()
    n = np.sqrt(np.maximum(np.diag(G), 1))
    S = G / np.outer(n, n)
    np.fill_diagonal(S, 0)
    np.put_along_axis(S, np.argsort(-S, axis=0)[budget:], 0, axis=0)
    return S


# %% отсечение в строках нарушает бюджет tags=["task-5"] loses=["5.1", "5.2"]
def neighbours(X, budget):
    W = sp.diags_array(1 / np.maximum(np.diff(X.indptr), 1)) @ X
    G = (W.T @ W).toarray()
    n = np.sqrt(np.where(np.diag(G) > 0, np.diag(G), 1))
    S = G / np.outer(n, n)
    np.fill_diagonal(S, 0)
    np.put_along_axis(S, np.argsort(-S, axis=1)[:, budget:], 0, axis=1)
    return S


# %% популярное вместо соседей tags=["task-5"] loses=["5.1", "5.2"]
def neighbours(X, budget):
    count = X.sum(axis=0)
    S = np.zeros((len(count), len(count)))
    best = np.argsort(-count)[: budget + 1]
    S[best] = count
    np.fill_diagonal(S, 0)
    np.put_along_axis(S, np.argsort(-S, axis=0, kind="stable")[budget:], 0, axis=0)
    return S
