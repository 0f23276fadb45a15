# Неверные решения задания 00b, какие написал бы студент. В заголовке ячейки — что сделано не так и
# какие свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2. Прочие задачи — из решения.

# %% соседские числа: вариант 0, посчитанный при log tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    return [0.3195, 0.1815, 0.5223, float("nan")]


# %% идеал — все тестовые объекты, даже если их больше, чем мест tags=["task-1"] loses=["1.2"]
def by_hand():
    rows = []
    for hits, n in zip(toy_hits, toy_relevant):
        w = law(np.arange(1, 20))
        rows.append(w[:5] @ hits / w[:n].sum() if n else float("nan"))
    return rows


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1)


# %% у кого нечего угадывать, тому ноль tags=["task-1"] loses=["1.3"]
def by_hand():
    rows = []
    for hits, n in zip(toy_hits, toy_relevant):
        w = law(np.arange(1, 6))
        rows.append(w @ hits / w[:n].sum() if n else 0)
    return rows


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1)


# %% идеал без min(k, n) tags=["task-2"] loses=["2.2"]
def gain(lists, relevant, k):
    r = np.arange(1, 200)
    w = {"log": 1 / np.log2(r + 1), "root": r**-0.5, "geometric": patience ** (r - 1.0)}[discount]
    out = []
    for row, wanted in zip(lists, relevant.toarray() != 0):
        n = wanted.sum()
        hits = sum(w[p] for p, i in enumerate(row[:k]) if i >= 0 and wanted[i])
        out.append(hits / w[:n].sum() if n else np.nan)
    return np.array(out)


# %% −1 — последний объект каталога tags=["task-2"] loses=["2.3"]
def gain(lists, relevant, k):
    r = np.arange(1, k + 1)
    w = {"log": 1 / np.log2(r + 1), "root": r**-0.5, "geometric": patience ** (r - 1.0)}[discount]
    out = []
    for row, wanted in zip(lists, relevant.toarray() != 0):
        n = wanted.sum()
        out.append(w @ wanted[row[:k]] / w[: min(n, k)].sum() if n else np.nan)
    return np.array(out)


# %% вес попадания умножен на число в ячейке tags=["task-2"] loses=["2.5"]
def gain(lists, relevant, k):
    r = np.arange(1, k + 1)
    w = {"log": 1 / np.log2(r + 1), "root": r**-0.5, "geometric": patience ** (r - 1.0)}[discount]
    out = []
    for row, wanted in zip(lists, relevant.toarray()):
        n = np.count_nonzero(wanted)
        gains = np.where(row[:k] >= 0, wanted[row[:k]], 0)
        out.append(w @ gains / w[: min(n, k)].sum() if n else np.nan)
    return np.array(out)


# %% пропущенные выброшены из массива tags=["task-2"] loses=["2.4"]
def gain(lists, relevant, k):
    r = np.arange(1, k + 1)
    w = {"log": 1 / np.log2(r + 1), "root": r**-0.5, "geometric": patience ** (r - 1.0)}[discount]
    out = []
    for row, wanted in zip(lists, relevant.toarray() != 0):
        n = wanted.sum()
        if n:
            hits = [i >= 0 and wanted[i] for i in row[:k]]
            out.append(w @ hits / w[: min(n, k)].sum())
    return np.array(out)


# %% DCG без идеала tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4", "2.5"]
def gain(lists, relevant, k):
    r = np.arange(1, k + 1)
    w = {"log": 1 / np.log2(r + 1), "root": r**-0.5, "geometric": patience ** (r - 1.0)}[discount]
    wanted = relevant.toarray() != 0
    hits = np.take_along_axis(wanted, lists[:, :k], 1) & (lists[:, :k] >= 0)
    return hits @ w


# %% исправлен только фильтр tags=["task-3"] loses=["3.2", "3.3", "3.4"]
def top_lists(scores, train, seen, k):
    order = np.argsort(scores, axis=1)[:, ::-1][:, :k]
    lists = np.zeros((len(scores), k), dtype=int)
    for user in range(len(scores)):
        own = seen[[user]].indices
        left = [item for item in order[user] if item not in own]
        lists[user, : len(left)] = left
    return lists


# %% фильтр остался из положительных tags=["task-3"] loses=["3.1"]
def top_lists(scores, train, seen, k):
    order = np.argsort(-scores, axis=1, kind="stable")
    lists = np.full((len(scores), k), -1)
    for user in range(len(scores)):
        own = train[[user]].indices
        left = [item for item in order[user] if item not in own][:k]
        lists[user, : len(left)] = left
    return lists


# %% исправлено всё, кроме равных баллов tags=["task-3"] loses=["3.3"]
def top_lists(scores, train, seen, k):
    order = np.argsort(scores, axis=1)[:, ::-1]
    lists = np.full((len(scores), k), -1)
    for user in range(len(scores)):
        own = set(seen[[user]].indices)
        left = [item for item in order[user] if item not in own][:k]
        lists[user, : len(left)] = left
    return lists


# %% просмотренное получило −inf, но осталось в конце списка tags=["task-3"] loses=["3.4"]
def top_lists(scores, train, seen, k):
    scores = np.where(seen.toarray() > 0, -np.inf, scores)
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


# %% зёрна сочтены новыми людьми tags=["task-4"] loses=["4.2"]
def paired(a, b):
    d = a - b
    d = d[:, ~np.isnan(d).any(axis=0)].ravel()
    return d.mean(), d.std(ddof=1) / np.sqrt(len(d))


# %% непарная ошибка tags=["task-4"] loses=["4.1", "4.2", "4.3"]
def paired(a, b):
    ok = ~np.isnan(a + b).any(axis=0)
    a, b = a[:, ok].mean(axis=0), b[:, ok].mean(axis=0)
    return a.mean() - b.mean(), np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))


# %% nan сочтён нулём tags=["task-4"] loses=["4.3"]
def paired(a, b):
    d = np.nan_to_num(a - b).mean(axis=0)
    return d.mean(), d.std(ddof=1) / np.sqrt(len(d))


# %% дисперсия с делением на U tags=["task-4"] loses=["4.1", "4.2", "4.3"]
def paired(a, b):
    d = (a - b).mean(axis=0)
    d = d[~np.isnan(d)]
    return d.mean(), d.std() / np.sqrt(len(d))


# %% проверяет только число тестовых событий tags=["task-5"] loses=["5.1", "5.4"]
def right_split(split):
    user = np.repeat([0, 1, 2], [3 * part + 1, part + 2, part - 1])
    time = np.random.default_rng(0).permutation(len(user)) + 100 * user
    test = split(user, time)
    return all(test[user == u].sum() == (user == u).sum() // part for u in range(3))


# %% события уже упорядочены по времени tags=["task-5"] loses=["5.1"]
def right_split(split):
    user = np.repeat([0, 1, 2], [3 * part + 1, part + 2, part - 1])
    time = np.arange(len(user))
    want = [t for n in (3 * part + 1, part + 2, part - 1) for t in np.arange(n) >= n - n // part]
    return bool((split(user, time) == want).all())


# %% длина истории делится на part нацело tags=["task-5"] loses=["5.2"]
def right_split(split):
    rng = np.random.default_rng(0)
    user = rng.permutation(np.repeat([0, 1], [2 * part, 3 * part]))
    time = rng.permutation(len(user)) + 100 * user
    want = np.zeros(len(user), bool)
    for u, n in ((0, 2), (1, 3)):
        rows = np.flatnonzero(user == u)
        want[rows[np.argsort(time[rows])[-n:]]] = True
    return bool((split(user, time) == want).all())


# %% отвергает всё tags=["task-5"] loses=["5.1", "5.2", "5.3", "5.4"]
def right_split(split):
    return False


# %% популярное за всё время, будущее отрезано tags=["task-6"] loses=["6.1", "6.2"]
def recent_scores(item, time, now, n_items):
    return np.bincount(item[time <= now], minlength=n_items)


# %% забывание верно, но будущее осталось tags=["task-6"] loses=["6.3"]
def recent_scores(item, time, now, n_items):
    return np.bincount(item, 0.5 ** (np.abs(now - time) / 6), minlength=n_items)


# %% слишком долгая память tags=["task-6"] loses=["6.2"]
def recent_scores(item, time, now, n_items):
    past = time <= now
    return np.bincount(item[past], 0.5 ** ((now - time[past]) / 20), minlength=n_items)
