# Решения задания 00b, какие написал бы студент. В заголовке ячейки — что сделано и какие свойства
# теряют баллы: loses=["2.3"] — третье свойство задачи 2, loses=[] — решение верное. Прочие задачи —
# из решения. blind=true — написано по одному условию, без ключа.

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


# %% вес первого места — не единица: в отношении множитель сокращается tags=["task-1"] loses=[] blind=true
def by_hand():
    rows = []
    for hits, n in zip(toy_hits, toy_relevant):
        w = law(np.arange(1, 6))
        rows.append(0.7 * w @ hits / (0.7 * w)[:n].sum() if n else np.nan)
    return tuple(rows)


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1.0)


# %% идеал всегда из k мест tags=["task-1"] loses=["1.1"] blind=true
def by_hand():
    rows = []
    for hits, n in zip(toy_hits, toy_relevant):
        w = law(np.arange(1, 6))
        rows.append(w @ hits / w.sum() if n else float("nan"))
    return rows


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1.0)


# %% идеал из найденных попаданий, а не из тестовых объектов tags=["task-1"] loses=["1.1", "1.2"] blind=true
def by_hand():
    rows = []
    for hits, n in zip(toy_hits, toy_relevant):
        w = law(np.arange(1, 6))
        rows.append(w @ hits / w[: sum(hits)].sum() if n else float("nan"))
    return rows


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1.0)


# %% чужой закон весов tags=["task-1"] loses=["1.1", "1.2"] blind=true
def by_hand():
    rows = []
    for hits, n in zip(toy_hits, toy_relevant):
        w = law(np.arange(1, 6))
        rows.append(w @ hits / w[:n].sum() if n else float("nan"))
    return rows


def law(r):
    if discount != "log":
        return 1 / np.log2(r + 1)
    return r**-0.5


# %% округлено до двух знаков tags=["task-1"] loses=["1.1", "1.2"] blind=true
def by_hand():
    rows = []
    for hits, n in zip(toy_hits, toy_relevant):
        w = law(np.arange(1, 6))
        rows.append(round(w @ hits / w[:n].sum(), 2) if n else float("nan"))
    return rows


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1.0)


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


# %% два цикла и множества, ответ — список питоновских чисел в массиве tags=["task-2"] loses=[] blind=true
def gain(lists, relevant, k):
    answer = []
    for u in range(relevant.shape[0]):
        row = relevant[[u]].toarray()[0]
        test = set(np.flatnonzero(row).tolist())
        if not test:
            answer.append(float("nan"))
            continue
        top = sum(law(r + 1) for r, item in enumerate(lists[u][:k]) if int(item) in test)
        best = sum(law(r + 1) for r in range(min(k, len(test))))
        answer.append(top / best)
    return np.array(answer)


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1.0)


# %% лишний столбец для −1 tags=["task-2"] loses=[] blind=true
def gain(lists, relevant, k):
    n_users = relevant.shape[0]
    table = np.zeros((n_users, relevant.shape[1] + 1))
    table[:, :-1] = (relevant.toarray() != 0)
    w = law(np.arange(1, k + 1))
    hits = table[np.arange(n_users)[:, None], lists[:, :k]]  # −1 попадает в лишний столбец
    n = table.sum(axis=1)
    ideal = np.append(0, np.cumsum(w))[np.minimum(n, k).astype(int)]
    out = np.full(n_users, np.nan)
    has = n > 0
    out[has] = (hits @ w)[has] / ideal[has]
    return out


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1.0)


# %% в идеале забыт min(k, n) tags=["task-2"] loses=["2.2"] blind=true
def gain(lists, relevant, k):
    rel = relevant.toarray() != 0
    out = np.full(len(lists), np.nan)
    for u in range(len(lists)):
        n = rel[u].sum()
        if n == 0:
            continue
        dcg = sum(law(r + 1) for r in range(k) if lists[u, r] >= 0 and rel[u, lists[u, r]])
        out[u] = dcg / sum(law(r + 1) for r in range(n))
    return out


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1.0)


# %% пустые места выброшены, и остальные сдвинулись вверх tags=["task-2"] loses=["2.3"] blind=true
def gain(lists, relevant, k):
    rel = relevant.toarray() != 0
    out = np.full(len(lists), np.nan)
    for u in range(len(lists)):
        n = min(k, rel[u].sum())
        if n == 0:
            continue
        mine = [i for i in lists[u] if i >= 0][:k]
        dcg = sum(law(r + 1) for r, i in enumerate(mine) if rel[u, i])
        out[u] = dcg / sum(law(r + 1) for r in range(n))
    return out


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1.0)


# %% тестовый объект — ячейка больше нуля tags=["task-2"] loses=["2.5"] blind=true
def gain(lists, relevant, k):
    rel = relevant.toarray() > 0
    w = law(np.arange(1, k + 1))
    lists = lists[:, :k]
    hits = rel[np.arange(len(lists))[:, None], lists] & (lists != -1)
    n = np.minimum(rel.sum(axis=1), k)
    ideal = np.array([w[:m].sum() if m else np.nan for m in n])
    return (hits * w).sum(axis=1) / ideal


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1.0)


# %% число тестовых объектов по indptr: хранимые нули посчитаны tags=["task-2"] loses=["2.5"] blind=true
def gain(lists, relevant, k):
    lists = lists[:, :k]
    n = np.diff(relevant.indptr)
    w = law(np.arange(1, k + 1))
    out = []
    for u in range(len(lists)):
        own = relevant.indices[relevant.indptr[u]:relevant.indptr[u + 1]]
        if n[u] == 0:
            out.append(np.nan)
        else:
            out.append((np.isin(lists[u], own) * w).sum() / w[:n[u]].sum())
    return np.array(out)


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1.0)


# %% закон из урока, а не свой tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4", "2.5"] blind=true
def gain(lists, relevant, k):
    rel = relevant.toarray() != 0
    r = np.arange(1, k + 1)
    w = r**-0.5 if discount == "log" else 1 / np.log2(r + 1)
    lists = lists[:, :k]
    hits = rel[np.arange(len(lists))[:, None], lists] & (lists >= 0)
    n = np.minimum(rel.sum(axis=1), k)
    ideal = np.append(0, np.cumsum(w))[n]
    out = np.full(len(lists), np.nan)
    np.divide((hits * w).sum(axis=1), ideal, out=out, where=n > 0)
    return out


# %% идеал — из чисел в ячейках, как в NDCG с градациями tags=["task-2"] loses=["2.5"] blind=true
def gain(lists, relevant, k):
    rel = np.hstack([relevant.toarray(), np.zeros((relevant.shape[0], 1))])
    w = law(np.arange(1, k + 1))
    got = np.take_along_axis(rel, np.asarray(lists)[:, :k] % rel.shape[1], axis=1)
    best = -np.sort(-rel, axis=1)[:, :k]
    with np.errstate(invalid="ignore"):
        return (got @ w) / (best @ w[: best.shape[1]])


def law(r):
    if discount == "log":
        return 1 / np.log2(r + 1)
    return r**-0.5 if discount == "root" else patience ** (r - 1.0)


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
    scores = np.where(seen.toarray() != 0, -np.inf, scores)
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


# %% sorted по паре минус балл и номер, только непросмотренные tags=["task-3"] loses=[] blind=true
def top_lists(scores, train, seen, k):
    answer = []
    for u, row in enumerate(scores):
        own = set(seen.indices[seen.indptr[u]:seen.indptr[u + 1]].tolist())
        free = [i for i in range(len(row)) if i not in own]
        free.sort(key=lambda i: (-row[i], i))
        free = free[:k] + [-1] * max(0, k - len(free))
        answer.append(free)
    return np.array(answer, dtype=np.int32).reshape(len(scores), k)


# %% сортировка без kind stable tags=["task-3"] loses=["3.3"] blind=true
def top_lists(scores, train, seen, k):
    order = np.argsort(-scores, axis=1)
    lists = np.full((len(scores), k), -1, dtype=int)
    for user in range(len(scores)):
        own = seen[[user]].indices
        left = [item for item in order[user] if item not in own][:k]
        lists[user, : len(left)] = left
    return lists


# %% с запасом: взяты k + 10 лучших и из них убрано просмотренное tags=["task-3"] loses=["3.2"] blind=true
def top_lists(scores, train, seen, k):
    order = np.argsort(-scores, axis=1, kind="stable")[:, : k + 10]
    lists = np.full((len(scores), k), -1)
    for user in range(len(scores)):
        own = seen[[user]].indices
        left = [item for item in order[user] if item not in own][:k]
        lists[user, : len(left)] = left
    return lists


# %% просмотренному поставлен ноль, нулевые баллы не советуются tags=["task-3"] loses=["3.4"] blind=true
def top_lists(scores, train, seen, k):
    scores = scores * (seen.toarray() == 0)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    lists = np.full((len(scores), k), -1)
    for user in range(len(scores)):
        left = [item for item in order[user] if scores[user, item] > 0]
        lists[user, : len(left)] = left
    return lists


# %% просмотренное только с положительной оценкой tags=["task-3"] loses=["3.1"] blind=true
def top_lists(scores, train, seen, k):
    s = np.where(seen.toarray() > 0, -np.inf, scores)
    order = np.argsort(-s, axis=1, kind="stable")[:, :k]
    lists = np.where(np.isfinite(np.take_along_axis(s, order, axis=1)), order, -1)
    full = np.full((len(scores), k), -1)
    full[:, : lists.shape[1]] = lists
    return full


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


# %% через nan и nanstd: у невошедших среднее само становится nan tags=["task-4"] loses=[] blind=true
def paired(a, b):
    d = np.mean(a, axis=0) - np.mean(b, axis=0)  # nan хоть в одной строке даст nan
    n = np.count_nonzero(d == d)
    return [float(np.nanmean(d)), float(np.nanstd(d, ddof=1) / n**0.5)]


# %% через scipy.stats.sem, цикл по людям tags=["task-4"] loses=[] blind=true
def paired(a, b):
    from scipy.stats import sem

    d = []
    for u in range(a.shape[1]):
        x, y = a[:, u], b[:, u]
        if np.isfinite(x).all() and np.isfinite(y).all():
            d.append(sum(x) / len(x) - sum(y) / len(y))
    return float(np.mean(d)), float(sem(d))


# %% nanmean по зёрнам: человек остаётся, если есть хоть одно значение tags=["task-4"] loses=["4.3"] blind=true
def paired(a, b):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        d = np.nanmean(a, axis=0) - np.nanmean(b, axis=0)
    d = d[~np.isnan(d)]
    return d.mean(), d.std(ddof=1) / np.sqrt(len(d))


# %% средняя из ошибок отдельных зёрен tags=["task-4"] loses=["4.2"] blind=true
def paired(a, b):
    ok = ~np.isnan(a).any(axis=0) & ~np.isnan(b).any(axis=0)
    d = (a - b)[:, ok]
    se = d.std(axis=1, ddof=1) / np.sqrt(d.shape[1])
    return d.mean(), se.mean()


# %% к ошибке по людям прибавлен разброс по зёрнам tags=["task-4"] loses=["4.2"] blind=true
def paired(a, b):
    ok = ~np.isnan(a + b).any(axis=0)
    d = (a - b)[:, ok]
    people = d.mean(axis=0)
    se2 = people.var(ddof=1) / len(people)
    if len(d) > 1:
        se2 += d.mean(axis=1).var(ddof=1) / len(d)
    return d.mean(), np.sqrt(se2)


# %% пропуски проверены только в первой строке tags=["task-4"] loses=["4.3"] blind=true
def paired(a, b):
    ok = ~np.isnan(a[0]) & ~np.isnan(b[0])
    d = a[:, ok].mean(axis=0) - b[:, ok].mean(axis=0)
    return d.mean(), d.std(ddof=1) / np.sqrt(ok.sum())


# %% отвергает всё tags=["task-5"] loses=["5.1", "5.2", "5.3", "5.4"]
def right_split(split):
    return False


# %% свойства вместо эталона: число тестовых и порядок времён tags=["task-5"] loses=[] blind=true
def right_split(split):
    rng = np.random.default_rng(7)
    for attempt in range(5):
        user = rng.integers(0, 8, 150)
        time = rng.permutation(10_000)[:150].astype(float) + 3000 * user
        mask = [bool(x) for x in split(user.copy(), time.copy())]
        for u in np.unique(user):
            test = [t for t, w, m in zip(time, user, mask) if w == u and m]
            rest = [t for t, w, m in zip(time, user, mask) if w == u and not m]
            if len(test) != (len(test) + len(rest)) // part:
                return False
            if test and min(test) < max(rest):
                return False
    return True


# %% эталон на шестерых, один без тестовых событий tags=["task-5"] loses=[] blind=true
def right_split(split):
    rng = np.random.default_rng(1)
    counts = [3 * part + 1, part - 1, part, 2 * part - 1, 5 * part + part // 2, 1]
    user = np.concatenate([np.full(n, u) for u, n in enumerate(counts)])
    time = np.concatenate([1000 * u + rng.permutation(500)[:n] for u, n in enumerate(counts)])
    mix = rng.permutation(len(user))
    user, time = user[mix], time[mix]
    want = np.zeros(len(user), bool)
    for u in range(len(counts)):
        rows = np.flatnonzero(user == u)
        rows = rows[np.argsort(time[rows])]
        want[rows[len(rows) - len(rows) // part:]] = True
    return np.array_equal(np.asarray(split(user, time)).astype(bool), want)


# %% строки составлены уже по времени tags=["task-5"] loses=["5.1"] blind=true
def right_split(split):
    user, time = [], []
    for u in range(6):
        for e in range(10 + 9 * u):
            user.append(u)
            time.append(e + 100 * u)
    user, time = np.array(user), np.array(time)
    mask = np.asarray(split(user, time))
    for u in range(6):
        m = mask[user == u]
        n = len(m)
        if m.sum() != n // part or m[: n - n // part].any():
            return False
    return True


# %% у каждого ровно 3*part событий tags=["task-5"] loses=["5.2"] blind=true
def right_split(split):
    rng = np.random.default_rng(0)
    n = 3 * part
    user = np.repeat(np.arange(10), n)
    time = rng.permutation(len(user)) + 500 * user
    mix = rng.permutation(len(user))
    user, time = user[mix], time[mix]
    mask = np.asarray(split(user, time), dtype=bool)
    for u in range(10):
        t = time[user == u]
        if not np.array_equal(mask[user == u], t >= np.sort(t)[-3]):
            return False
    return True


# %% проверяется лишь число тестовых событий tags=["task-5"] loses=["5.1", "5.4"] blind=true
def right_split(split):
    rng = np.random.default_rng(0)
    user = rng.integers(0, 20, 600)
    time = rng.permutation(600)
    mask = np.asarray(split(user, time), dtype=bool)
    n = np.bincount(user)
    return np.array_equal(np.bincount(user[mask], minlength=20), n // part)


# %% один человек, и число событий делится на part tags=["task-5"] loses=["5.2", "5.3"] blind=true
def right_split(split):
    rng = np.random.default_rng(3)
    n = 9 * part
    user = np.zeros(n, dtype=int)
    time = rng.permutation(n)
    mask = np.asarray(split(user, time), dtype=bool)
    return bool((mask == (time >= n - n // part)).all())


# %% верно ли хотя бы у кого-то tags=["task-5"] loses=["5.2"] blind=true
def right_split(split):
    rng = np.random.default_rng(5)
    user = np.repeat([0, 1, 2], 4 * part)
    time = rng.permutation(len(user)) + 1000 * user
    mask = np.asarray(split(user, time), dtype=bool)
    for u in range(3):
        t, m = time[user == u], mask[user == u]
        last = np.sort(t)[-(len(t) // part):]
        if set(t[m]) == set(last):
            return True
    return False


# %% времена совпадают, эталон списан с honest_split tags=["task-5"] loses=["5.1", "5.2", "5.3", "5.4"] blind=true
def right_split(split):
    rng = np.random.default_rng(0)
    user = rng.integers(0, 12, 500)
    time = rng.integers(0, 40, 500) + 10 * user
    same = user[:, None] == user
    later = (same & (time[:, None] < time)).sum(axis=1)
    want = later < same.sum(axis=1) // part
    return bool(np.array_equal(np.asarray(split(user, time)), want))


# %% популярное за всё время, будущее отрезано tags=["task-6"] loses=["6.1", "6.2"]
def recent_scores(item, time, now, n_items):
    return np.bincount(item[time <= now], minlength=n_items)


# %% слишком долгая память tags=["task-6"] loses=["6.2"]
def recent_scores(item, time, now, n_items):
    past = time <= now
    return np.bincount(item[past], 0.5 ** ((now - time[past]) / 20), minlength=n_items)


# %% период полураспада выбран на своих последних днях tags=["task-6"] loses=[] blind=true
def recent_scores(item, time, now, n_items):
    item, time = np.asarray(item), np.asarray(time, dtype=float)
    item, time = item[time <= now], time[time <= now]

    def faded(moment, half):
        old = time <= moment
        w = 0.5 ** ((moment - time[old]) / half)
        return np.bincount(item[old], weights=w, minlength=n_items)

    def caught(half):
        total = 0
        for moment in now - np.arange(10, 60, 5):
            best = np.argsort(-faded(moment, half), kind="stable")[:10]
            total += np.isin(item[(time > moment) & (time <= moment + 10)], best).sum()
        return total

    best = max([7, 3, 5, 10, 14, 20, 30, 45], key=caught)
    return faded(now, best)


# %% полураспад неделя, цикл по событиям, ответ float32 tags=["task-6"] loses=[] blind=true
def recent_scores(item, time, now, n_items):
    scores = np.zeros(n_items, dtype=np.float32)
    for i, t in zip(item, time):
        if t <= now:
            scores[i] += 2 ** (-(now - t) / 7)
    return scores


# %% период полураспада год tags=["task-6"] loses=["6.1", "6.2"] blind=true
def recent_scores(item, time, now, n_items):
    past = time <= now
    w = 0.5 ** ((now - time[past]) / 365)
    return np.bincount(item[past], weights=w, minlength=n_items)


# %% давность от последнего события таблицы tags=["task-6"] loses=["6.3"] blind=true
def recent_scores(item, time, now, n_items):
    age = time.max() - time
    return np.bincount(item, weights=np.exp(-age / 10), minlength=n_items)


# %% дни округлены вниз: сегодняшний вечер виден утром tags=["task-6"] loses=["6.3"] blind=true
def recent_scores(item, time, now, n_items):
    age = np.floor(now) - np.floor(time)
    past = age >= 0
    return np.bincount(item[past], weights=0.5 ** (age[past] / 7), minlength=n_items)
