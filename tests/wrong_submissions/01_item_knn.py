# Решения задания 01, какие написал бы студент. В заголовке ячейки — что сделано и какие свойства
# теряют баллы: loses=["2.3"] — третье свойство задачи 2, loses=[] — решение верное. Прочие задачи —
# из решения. blind=true — написано по одному условию, без ключа.

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


# %% числа с калькулятора, четыре цифры tags=["task-1"] loses=[] blind=true
def by_hand():
    X = np.array(toy)
    G, n = X.T @ X, X.sum(axis=0)
    i, j = toy_pair
    s = lambda a, b: G[a, b] / (n[a] * n[b] ** power)
    return tuple(float(f"{x:.4g}") for x in (s(i, j), s(j, i), sum(s(l, j) for l in np.flatnonzero(X[toy_user]))))


# %% голоса взяты из строки цели tags=["task-1"] loses=["1.3"] blind=true
def by_hand():
    X = np.array(toy)
    G, n = X.T @ X, X.sum(axis=0)
    i, j = toy_pair
    s = lambda a, b: G[a, b] / (n[a] * n[b] ** power)
    return [s(i, j), s(j, i), sum(s(j, l) for l in np.flatnonzero(X[toy_user]))]


# %% общих зрителей сосчитано на одного больше tags=["task-1"] loses=["1.1", "1.2", "1.3"] blind=true
def by_hand():
    X = np.array(toy)
    G, n = X.T @ X, X.sum(axis=0)
    i, j = toy_pair
    s = lambda a, b: (G[a, b] + 1) / (n[a] * n[b] ** power)
    return [s(i, j), s(j, i), sum(s(l, j) for l in np.flatnonzero(X[toy_user]))]


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


# %% двойной цикл по множествам зрителей tags=["task-2"] loses=[] blind=true
def similarity(X, shrink):
    D = X.toarray()
    who = [set(np.nonzero(D[:, i])[0]) for i in range(D.shape[1])]
    S = np.zeros((len(who), len(who)))
    for i, a in enumerate(who):
        for j, b in enumerate(who):
            both = len(a & b)
            if i == j or both == 0:
                continue
            if shrink_kind == "denominator":
                S[i, j] = both / (len(a) * len(b) ** power + shrink)
                continue
            S[i, j] = both / len(a) / len(b) ** power
            if shrink_kind == "significance":
                S[i, j] *= both / (both + shrink)
            elif both < shrink:
                S[i, j] = 0
    return S


# %% разреженный Грам, float32, деление с where tags=["task-2"] loses=[] blind=true
def similarity(X, shrink):
    B = sp.csr_array(X.copy()).astype(np.float32)
    B.eliminate_zeros()
    B.data[:] = 1
    G = (B.T @ B).toarray()
    n = B.sum(axis=0)
    below = n[:, None] * n[None, :] ** np.float32(power)
    if shrink_kind == "denominator":
        below = np.where(G > 0, below + np.float32(shrink), 0)
    S = np.zeros_like(G)
    np.divide(G, below, out=S, where=below > 0)
    if shrink_kind == "significance":
        S *= np.divide(G, G + np.float32(shrink), out=np.zeros_like(G), where=G > 0)
    if shrink_kind == "support":
        S[G < shrink] = 0
    S[np.arange(len(S)), np.arange(len(S))] = 0
    return S


# %% вид сжатия не свой, а соседа tags=["task-2"] loses=["2.2"] blind=true
def similarity(X, shrink):
    B = (X.toarray() != 0) * 1.0
    G = B.T @ B
    n = np.diag(G).copy()
    n[n == 0] = 1
    S = G / np.outer(n, n**power)
    S = S * (G >= shrink) if shrink_kind == "denominator" else G / (np.outer(n, n**power) + shrink)
    np.fill_diagonal(S, 0)
    return S


# %% забыта степень популярности цели tags=["task-2"] loses=["2.1", "2.2", "2.4"] blind=true
def similarity(X, shrink):
    B = (X.toarray() != 0).astype(float)
    G = B.T @ B
    n = np.maximum(G.diagonal(), 1)
    S = shrunk(G, np.outer(n, np.ones(len(n))), shrink)
    np.fill_diagonal(S, 0)
    return S


def shrunk(G, D, h):
    if shrink_kind == "denominator":
        return G / (D + h)
    if shrink_kind == "significance":
        return G / D * G / np.maximum(G + h, 1)
    return G / D * (G >= h)


# %% сжимает число зрителей цели, а не общих tags=["task-2"] loses=["2.2"] blind=true
def similarity(X, shrink):
    B = (X.toarray() != 0).astype(float)
    G = B.T @ B
    n = np.diag(G)
    m = np.maximum(n, 1)
    S = G / m[:, None] / m**power
    if shrink_kind == "denominator":
        S = G / m[:, None] / (m**power + shrink)
    elif shrink_kind == "significance":
        S = S * n / np.maximum(n + shrink, 1)
    else:
        S = S * (n >= shrink)
    np.fill_diagonal(S, 0)
    return S


# %% единицы в int8 для экономии памяти tags=["task-2"] loses=["2.1"] blind=true
def similarity(X, shrink):
    B = (X.toarray() != 0).astype(np.int8)
    G = B.T @ B
    n = np.diag(G)
    m = np.where(n == 0, 1, n).astype(float)
    S = shrunk(G, np.outer(m, m**power), shrink)
    np.fill_diagonal(S, 0)
    return S


def shrunk(G, D, h):
    if shrink_kind == "denominator":
        return G / (D + h)
    if shrink_kind == "significance":
        return G / D * G / np.maximum(G + h, 1)
    return G / D * (G >= h)


# %% хранимые нули стали единицами tags=["task-2"] loses=["2.4"] blind=true
def similarity(X, shrink):
    B = sp.csr_array((np.ones(len(X.data)), X.indices, X.indptr), shape=X.shape)
    G = (B.T @ B).toarray()
    n = np.maximum(np.diag(G), 1)
    S = shrunk(G, np.outer(n, n**power), shrink)
    np.fill_diagonal(S, 0)
    return S


def shrunk(G, D, h):
    if shrink_kind == "denominator":
        return G / (D + h)
    if shrink_kind == "significance":
        return G / D * G / np.maximum(G + h, 1)
    return G / D * (G >= h)


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


# %% всё через sorted и словари, без матричных операций tags=["task-3"] loses=[] blind=true
def recommend(S, X, seen, n_neighbours, n):
    m = len(S)
    voters = [set(sorted(range(m), key=lambda i: (-S[i, j], i))[:n_neighbours]) for j in range(m)]
    answer = []
    for u in range(X.shape[0]):
        past = np.flatnonzero(X[[u]].toarray()[0])
        hide = set(seen[[u]].indices.tolist())
        votes = {}
        for j in range(m):
            if j not in hide:
                votes[j] = sum(float(S[i, j]) for i in past if i in voters[j])
        row = sorted((j for j in votes if votes[j] > 0), key=lambda j: (-votes[j], j))[:n]
        answer.append(row + [-1] * (n - len(row)))
    return np.array(answer)


# %% отсечение по столбцам без kind stable tags=["task-3"] loses=["3.1"] blind=true
def recommend(S, X, seen, n_neighbours, n):
    order = np.argsort(-S, axis=0)[:n_neighbours]
    kept = np.zeros_like(S)
    np.put_along_axis(kept, order, np.take_along_axis(S, order, axis=0), axis=0)
    scores = (X.toarray() > 0) @ kept
    scores[seen.toarray() != 0] = 0
    lists = np.full((X.shape[0], n), -1)
    for user in range(X.shape[0]):
        best = np.argsort(-scores[user], kind="stable")
        best = best[scores[user][best] > 0][:n]
        lists[user, : len(best)] = best
    return lists


# %% оставлены все не слабее n-го соседа tags=["task-3"] loses=["3.1"] blind=true
def recommend(S, X, seen, n_neighbours, n):
    bound = -np.sort(-S, axis=0)[min(n_neighbours, len(S)) - 1]
    kept = np.where(S >= bound, S, 0)
    scores = (X.toarray() != 0).astype(float) @ kept
    lists = np.full((X.shape[0], n), -1)
    for user in range(X.shape[0]):
        own = set(seen[[user]].indices)
        best = np.argsort(-scores[user], kind="stable")
        best = [i for i in best if i not in own and scores[user, i] > 0][:n]
        lists[user, : len(best)] = best
    return lists


# %% просмотры сглажены логарифмом tags=["task-3"] loses=["3.2"] blind=true
def recommend(S, X, seen, n_neighbours, n):
    kept = np.zeros_like(S)
    for item in range(len(S)):
        best = np.argsort(-S[:, item], kind="stable")[:n_neighbours]
        kept[best, item] = S[best, item]
    scores = np.log2(1 + X.toarray()) @ kept  # пять просмотров — не пять голосов
    lists = np.full((X.shape[0], n), -1)
    for user in range(X.shape[0]):
        own = seen[[user]].indices
        best = [i for i in np.argsort(-scores[user], kind="stable") if i not in own]
        best = [i for i in best if scores[user, i] > 0][:n]
        lists[user, : len(best)] = best
    return lists


# %% без голосов не советует только тем, у кого голосов нет вовсе tags=["task-3"] loses=["3.4"] blind=true
def recommend(S, X, seen, n_neighbours, n):
    kept = np.zeros_like(S)
    for item in range(len(S)):
        best = np.argsort(-S[:, item], kind="stable")[:n_neighbours]
        kept[best, item] = S[best, item]
    scores = (X.toarray() != 0) * 1.0 @ kept
    lists = np.full((X.shape[0], n), -1)
    for user in range(X.shape[0]):
        if not scores[user].any():
            continue
        own = seen[[user]].indices
        best = [i for i in np.argsort(-scores[user], kind="stable") if i not in own][:n]
        lists[user, : len(best)] = best
    return lists


# %% отсечение среди фильмов истории, а не всех источников tags=["task-3"] loses=["3.1"] blind=true
def recommend(S, X, seen, n_neighbours, n):
    lists = np.full((X.shape[0], n), -1)
    for user in range(X.shape[0]):
        history = np.flatnonzero(X[[user]].toarray()[0])
        votes = -np.sort(-S[history], axis=0)[:n_neighbours]
        score = votes.sum(axis=0)
        own = set(seen[[user]].indices)
        best = [i for i in np.argsort(-score, kind="stable") if i not in own and score[i] > 0]
        lists[user, : len(best[:n])] = best[:n]
    return lists


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


# %% случайная таблица и три сжатия tags=["task-4"] loses=[] blind=true
def right_cosine(cosine):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 6, (12, 7)) * (rng.random((12, 7)) < 0.6) * 1.0
    X[:, 3] = 0
    G = X.T @ X
    norm = np.sqrt(np.diag(G))
    for h in (0.0, 2.5, 40.0):
        below = np.outer(norm, norm) + h
        want = np.divide(G, below, out=np.zeros_like(G), where=G > 0)
        np.fill_diagonal(want, 0)
        with np.errstate(all="ignore"):
            got = np.asarray(cosine(X.copy(), h))
        if got.shape != want.shape or not np.allclose(got, want, atol=1e-6):
            return False
    return True


# %% маленькая таблица и ответы по парам, math вместо numpy tags=["task-4"] loses=[] blind=true
def right_cosine(cosine):
    import math

    X = np.array([[1.0, 2, 0, 0.5], [3, 0, 0, 1], [0, 4, 0, 2], [1, 1, 0, 0]])
    for h in [0, 3]:
        S = cosine(np.array(X), h)
        for i in range(4):
            for j in range(4):
                dot = sum(X[u, i] * X[u, j] for u in range(4))
                a, b = math.hypot(*X[:, i]), math.hypot(*X[:, j])
                want = 0 if i == j or dot == 0 else dot / (a * b + h)
                if not abs(float(S[i][j]) - want) <= 1e-7:  # nan сюда тоже попадёт
                    return False
    return True


# %% расхождение больше допуска — False, и nan проходит tags=["task-4"] loses=["4.2"] blind=true
def right_cosine(cosine):
    rng = np.random.default_rng(1)
    X = rng.integers(0, 5, (10, 6)).astype(float)
    X[:, 2] = 0
    norm = np.sqrt((X**2).sum(axis=0))
    for h in (0, 5):
        with np.errstate(all="ignore"):
            want = np.nan_to_num(X.T @ X / (np.outer(norm, norm) + h))
            np.fill_diagonal(want, 0)
            difference = np.abs(cosine(X.copy(), h) - want)
        if (difference > 1e-8).any():
            return False
    return True


# %% пустой столбец только при положительном сжатии tags=["task-4"] loses=["4.2"] blind=true
def right_cosine(cosine):
    rng = np.random.default_rng(2)
    X = rng.integers(0, 4, (15, 5)).astype(float)
    X[:, 0] = 0
    h = 2.0
    norm = np.linalg.norm(X, axis=0)
    want = X.T @ X / (np.outer(norm, norm) + h)
    want -= np.diag(np.diag(want))
    return bool(np.allclose(cosine(X, h), want))


# %% только без сжатия tags=["task-4"] loses=["4.6"] blind=true
def right_cosine(cosine):
    rng = np.random.default_rng(2)
    X = rng.integers(0, 4, (15, 5)).astype(float)
    X[:, 4] = 0
    norm = np.linalg.norm(X, axis=0)
    norm[norm == 0] = 1
    want = (X / norm).T @ (X / norm)
    np.fill_diagonal(want, 0)
    with np.errstate(all="ignore"):
        return bool(np.allclose(cosine(X, 0.0), want))


# %% таблица из нулей и единиц tags=["task-4"] loses=["4.4"] blind=true
def right_cosine(cosine):
    rng = np.random.default_rng(4)
    X = (rng.random((20, 8)) < 0.4).astype(float)
    X[:, 5] = 0
    for h in (0.0, 3.0):
        n = X.sum(axis=0)
        want = X.T @ X / np.where(np.outer(n, n) > 0, np.sqrt(np.outer(n, n)) + h, 1)
        np.fill_diagonal(want, 0)
        with np.errstate(all="ignore"):
            if not np.allclose(cosine(X.copy(), h), want):
                return False
    return True


# %% проверены только пары выше диагонали tags=["task-4"] loses=["4.1"] blind=true
def right_cosine(cosine):
    rng = np.random.default_rng(6)
    X = rng.integers(0, 6, (9, 6)).astype(float)
    X[:, 1] = 0
    for h in (0, 4):
        with np.errstate(all="ignore"):
            S = cosine(X.copy(), h)
        for i in range(6):
            for j in range(i + 1, 6):
                top = (X[:, i] * X[:, j]).sum()
                low = (X[:, i] ** 2).sum() ** 0.5 * (X[:, j] ** 2).sum() ** 0.5 + h
                want = top / low if top else 0
                if not np.isclose(S[i, j], want):
                    return False
    return True


# %% свойства косинуса вместо чисел tags=["task-4"] loses=["4.4", "4.5", "4.6"] blind=true
def right_cosine(cosine):
    X = np.array([[1.0, 2, 0, 1], [2, 4, 0, 0], [3, 6, 0, 1]])
    with np.errstate(all="ignore"):
        S, H = cosine(X.copy(), 0), cosine(X.copy(), 10)
    if np.isnan(S).any() or np.isnan(H).any():
        return False
    if np.diag(S).any() or not np.allclose(S, S.T):
        return False
    if not np.isclose(S[0, 1], 1) or S[2].any():  # столбцы параллельны
        return False
    return bool((H <= S + 1e-9).all() and H[0, 1] < S[0, 1])


# %% популярное вместо соседей tags=["task-5"] loses=["5.1", "5.2"]
def neighbours(X, budget):
    count = X.sum(axis=0)
    S = np.zeros((len(count), len(count)))
    best = np.argsort(-count)[: budget + 1]
    S[best] = count
    np.fill_diagonal(S, 0)
    np.put_along_axis(S, np.argsort(-S, axis=0, kind="stable")[budget:], 0, axis=0)
    return S


# %% зритель весит тем меньше, чем длиннее история, и сжатие tags=["task-5"] loses=[] blind=true
def neighbours(X, budget):
    B = X.toarray().astype(float)
    w = 1 / np.maximum(B.sum(axis=1), 1) ** 2
    G = B.T @ (B * w[:, None])
    d = np.sqrt(np.diag(G))
    product = np.outer(d, d)
    S = G / (product + 5 * product.mean())
    np.fill_diagonal(S, 0)
    out = np.zeros_like(S)
    best = np.argsort(-S, axis=0, kind="stable")[:budget]
    np.put_along_axis(out, best, np.take_along_axis(S, best, axis=0), axis=0)
    return out


# %% слишком длинные истории выброшены, столбцы обходит цикл, float32 tags=["task-5"] loses=[] blind=true
def neighbours(X, budget):
    B = X.toarray().astype(np.float32)
    length = B.sum(axis=1)
    B = B[length <= 3 * np.median(length)]
    G = B.T @ B
    n = np.sqrt(G.diagonal())
    S = G / (n[:, None] * n + 10)
    for j in range(S.shape[1]):
        S[j, j] = 0
        S[np.argsort(S[:, j])[:-budget], j] = 0
    return S


# %% простой косинус урока tags=["task-5"] loses=["5.2"] blind=true
def neighbours(X, budget):
    D = X.toarray()
    n = np.sqrt(D.sum(axis=0))
    n[n == 0] = 1
    S = D.T @ D / np.outer(n, n)
    np.fill_diagonal(S, 0)
    out = np.zeros_like(S)
    best = np.argsort(-S, axis=0, kind="stable")[:budget]
    np.put_along_axis(out, best, np.take_along_axis(S, best, axis=0), axis=0)
    return out


# %% отсечение порогом: равные веса превышают бюджет tags=["task-5"] loses=["5.1"] blind=true
def neighbours(X, budget):
    B = X.toarray().astype(float)
    w = 1 / np.maximum(B.sum(axis=1), 1) ** 1.5
    G = B.T @ (B * w[:, None])
    d = np.sqrt(np.diag(G))
    d[d == 0] = 1
    S = G / np.outer(d, d)
    np.fill_diagonal(S, 0)
    bound = np.sort(S, axis=0)[-budget]
    return np.where(S >= bound, S, 0)


# %% отсечение в строках tags=["task-5"] loses=["5.1", "5.2"] blind=true
def neighbours(X, budget):
    B = X.toarray().astype(float)
    w = 1 / np.maximum(B.sum(axis=1), 1) ** 1.5
    G = B.T @ (B * w[:, None])
    d = np.sqrt(np.diag(G))
    d[d == 0] = 1
    S = G / np.outer(d, d)
    np.fill_diagonal(S, 0)
    for i in range(len(S)):
        S[i, np.argsort(-S[i])[budget:]] = 0
    return S


# %% последние 60 строк выброшены как накрутка tags=["task-5"] loses=["5.2"] blind=true
def neighbours(X, budget):
    B = X.toarray()[:-60].astype(float)
    n = np.sqrt(B.sum(axis=0))
    n[n == 0] = 1
    S = B.T @ B / np.outer(n, n)
    np.fill_diagonal(S, 0)
    out = np.zeros_like(S)
    best = np.argsort(-S, axis=0, kind="stable")[:budget]
    np.put_along_axis(out, best, np.take_along_axis(S, best, axis=0), axis=0)
    return out
