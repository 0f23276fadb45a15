# Решения задания 02, какие написал бы студент. В заголовке ячейки — что сделано и какие свойства
# теряют баллы: loses=["2.3"] — третье свойство задачи 2, loses=[] — решение верное. Прочие задачи —
# из решения. blind=true — написано по одному условию, без ключа.

# %% простая частота tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    out = []
    for bs in (toy, toy + [toy_next]):
        out += [sum(i in b for b in bs) / len(bs) for i in range(3)]
    return out


# %% новая корзина — новая группа, прежние не сдвинуты tags=["task-1"] loses=["1.2"]
def by_hand():
    def v(sizes, bs):
        w, s = [0, 0, 0], 0
        for j, n in enumerate(sizes):
            for i in range(n):
                for x in bs[s + i]:
                    w[x] += r_b ** (n - 1 - i) * r_g ** (len(sizes) - 1 - j) / n / len(sizes)
            s += n
        return w

    n = len(toy)
    sizes = [n // m] * (m - n % m) + [n // m + 1] * (n % m)
    return v(sizes, toy) + v(sizes + [1], toy + [toy_next])


# %% показатель затухания — до конца всей истории, как в коде авторов tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    out = []
    for bs in (toy, toy + [toy_next]):
        n, k = len(bs), min(m, len(bs))
        sizes = [n // k] * (k - n % k) + [n // k + 1] * (n % k)
        w, s = [0, 0, 0], 0
        for j, t in enumerate(sizes):
            for i in range(s, s + t):
                for x in bs[i]:
                    w[x] += r_b ** (n - 1 - i) * r_g ** (k - 1 - j) / t / k
            s += t
        out += w
    return out


# %% старое весит больше tags=["task-1"] loses=["1.1", "1.2"]
def by_hand():
    out = []
    for bs in (toy, toy + [toy_next]):
        n, k = len(bs), min(m, len(bs))
        sizes = [n // k] * (k - n % k) + [n // k + 1] * (n % k)
        w, s = [0, 0, 0], 0
        for j, t in enumerate(sizes):
            for i in range(t):
                for x in bs[s + i]:
                    w[x] += r_b**i * r_g**j / t / k
            s += t
        out += w
    return out


# %% группы отрезает array_split с конца, ответ — массив tags=["task-1"] loses=[] blind=true
def by_hand():
    def vector(baskets):
        v = np.zeros(3)
        groups = np.array_split(np.arange(len(baskets))[::-1], min(m, len(baskets)))
        for back, group in enumerate(groups):
            for ago, place in enumerate(group):
                v[baskets[place]] += r_g**back * r_b**ago / len(group)
        return v / len(groups)

    return np.concatenate([vector(toy), vector(toy + [toy_next])])


# %% после визита добавлена только новая корзина tags=["task-1"] loses=["1.2"] blind=true
def by_hand():
    v, groups = np.zeros(3), np.array_split(np.arange(len(toy))[::-1], min(m, len(toy)))
    for back, group in enumerate(groups):
        for ago, place in enumerate(group):
            v[toy[place]] += r_g**back * r_b**ago / len(group) / len(groups)
    after = v.copy()
    after[toy_next] += 1 / len(groups[0]) / len(groups)
    return [*v, *after]


# %% визиты считаются по порядку, а не по дням tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"]
def habits(user, item, day, today, n_users, n_items):
    f = {"half": lambda a: 0.5**a, "hyperbola": lambda a: 1 / (1 + a),
         "root": lambda a: (1 + a) ** -0.5}[law]
    V = np.zeros((n_users, n_items))
    for u in range(n_users):
        days = sorted(set(day[(user == u) & (day < today)]))
        w = [f((len(days) - 1 - k) / memory) for k in range(len(days))]
        for d, x in zip(days, w):
            for i in set(item[(user == u) & (day == d)]):
                V[u, i] += x / sum(w)
    return V


# %% деление на число визитов, а не на сумму весов tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"]
def habits(user, item, day, today, n_users, n_items):
    f = {"half": lambda a: 0.5**a, "hyperbola": lambda a: 1 / (1 + a),
         "root": lambda a: (1 + a) ** -0.5}[law]
    V = np.zeros((n_users, n_items))
    for u in range(n_users):
        days = set(day[(user == u) & (day < today)])
        for d in days:
            for i in set(item[(user == u) & (day == d)]):
                V[u, i] += f((today - d) / memory) / len(days)
    return V


# %% каждая строка чека — отдельный визит tags=["task-2"] loses=["2.2", "2.3", "2.4"]
def habits(user, item, day, today, n_users, n_items):
    f = {"half": lambda a: 0.5**a, "hyperbola": lambda a: 1 / (1 + a),
         "root": lambda a: (1 + a) ** -0.5}[law]
    p = day < today
    w = f((today - day[p]) / memory)
    V, n = np.zeros((n_users, n_items)), np.zeros(n_users)
    np.add.at(V, (user[p], item[p]), w)
    np.add.at(n, user[p], w)
    return V / np.maximum(n, 1e-300)[:, None]


# %% повтор строки считается дважды tags=["task-2"] loses=["2.2"]
def habits(user, item, day, today, n_users, n_items):
    f = {"half": lambda a: 0.5**a, "hyperbola": lambda a: 1 / (1 + a),
         "root": lambda a: (1 + a) ** -0.5}[law]
    V = np.zeros((n_users, n_items))
    for u in range(n_users):
        own = (user == u) & (day < today)
        n = sum(f((today - d) / memory) for d in set(day[own]))
        for i, d in zip(item[own], day[own]):
            V[u, i] += f((today - d) / memory) / n
    return V


# %% корзина дня today участвует tags=["task-2"] loses=["2.3"]
def habits(user, item, day, today, n_users, n_items):
    f = {"half": lambda a: 0.5**a, "hyperbola": lambda a: 1 / (1 + a),
         "root": lambda a: (1 + a) ** -0.5}[law]
    V = np.zeros((n_users, n_items))
    for u in range(n_users):
        own = (user == u) & (day <= today)
        n = sum(f((today - d) / memory) for d in set(day[own]))
        for i, d in set(zip(item[own], day[own])):
            V[u, i] += f((today - d) / memory) / n
    return V


# %% человек без визитов: ноль делится на ноль tags=["task-2"] loses=["2.4"]
def habits(user, item, day, today, n_users, n_items):
    f = {"half": lambda a: 0.5**a, "hyperbola": lambda a: 1 / (1 + a),
         "root": lambda a: (1 + a) ** -0.5}[law]
    p = day < today
    rows = np.array(sorted(set(zip(user[p], item[p], day[p]))))
    seen = np.array(sorted(set(zip(user[p], day[p]))))
    V, n = np.zeros((n_users, n_items)), np.zeros((n_users, 1))
    np.add.at(V, (rows[:, 0], rows[:, 1]), f((today - rows[:, 2]) / memory))
    np.add.at(n, (seen[:, 0], 0), f((today - seen[:, 1]) / memory))
    return V / n


# %% форма по таблице tags=["task-2"] loses=["2.4"]
def habits(user, item, day, today, n_users, n_items):
    f = {"half": lambda a: 0.5**a, "hyperbola": lambda a: 1 / (1 + a),
         "root": lambda a: (1 + a) ** -0.5}[law]
    V = np.zeros((user.max() + 1, item.max() + 1))
    for u in set(user):
        own = (user == u) & (day < today)
        n = sum(f((today - d) / memory) for d in set(day[own]))
        for i, d in set(zip(item[own], day[own])):
            V[u, i] += f((today - d) / memory) / n
    return V


# %% словари множеств: человек, день, товары tags=["task-2"] loses=[] blind=true
def habits(user, item, day, today, n_users, n_items):
    visits = {}
    for u, i, t in zip(user, item, day):
        if t < today:
            visits.setdefault(int(u), {}).setdefault(int(t), set()).add(int(i))
    V = [[0.0] * n_items for _ in range(n_users)]
    for u, days in visits.items():
        whole = sum(f((today - t) / memory) for t in days)
        for t, goods in days.items():
            for i in goods:
                V[u][i] += f((today - t) / memory) / whole
    return np.array(V).reshape(n_users, n_items)


def f(x):
    return {"half": 0.5**x, "hyperbola": 1 / (1 + x), "root": (1 + x) ** -0.5}[law]


# %% плотная таблица визит на товар и float32 tags=["task-2"] loses=[] blind=true
def habits(user, item, day, today, n_users, n_items):
    old = np.flatnonzero(np.asarray(day) < today)
    V = np.zeros((n_users, n_items), dtype=np.float32)
    for u in set(np.asarray(user)[old].tolist()):
        own = old[user[old] == u]
        days, number = np.unique(day[own], return_inverse=True)
        M = np.zeros((len(days), n_items), dtype=np.float32)
        M[number, item[own]] = 1
        w = f((today - days) / memory).astype(np.float32)
        V[u] = w @ M / w.sum()
    return V


def f(x):
    return {"half": 0.5**x, "hyperbola": 1 / (1 + x), "root": (1 + x) ** -0.5}[law]


# %% закон не свой tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"] blind=true
def habits(user, item, day, today, n_users, n_items):
    past = day < today
    rows = np.unique(np.stack([user, item, day])[:, past], axis=1)
    u, i, t = rows
    seen = np.unique(rows[[0, 2]], axis=1)
    V, total = np.zeros((n_users, n_items)), np.zeros(n_users)
    np.add.at(V, (u, i), other((today - t) / memory))
    np.add.at(total, seen[0], other((today - seen[1]) / memory))
    total[total == 0] = 1
    return V / total[:, None]


def other(x):
    return 1 / (1 + x) if law == "half" else 0.5**x


# %% повторы ищут только в соседних строках tags=["task-2"] loses=["2.2"] blind=true
def habits(user, item, day, today, n_users, n_items):
    past = day < today
    user, item, day = user[past], item[past], day[past]
    key = (user * n_items + item) * (today + 1) + day
    first = np.append(True, np.diff(key) != 0)[: len(key)]
    user, item, day = user[first], item[first], day[first]
    w = f((today - day) / memory)
    V, total = np.zeros((n_users, n_items)), np.zeros(n_users)
    np.add.at(V, (user, item), w)
    visit = np.unique(user * (today + 1) + day)
    np.add.at(total, visit // (today + 1), f((today - visit % (today + 1)) / memory))
    return V / np.where(total > 0, total, 1)[:, None]


def f(x):
    return {"half": 0.5**x, "hyperbola": 1 / (1 + x), "root": (1 + x) ** -0.5}[law]


# %% ключ визита: человек * 365 + день tags=["task-2"] loses=["2.2"] blind=true
def habits(user, item, day, today, n_users, n_items):
    past = day < today
    rows = np.unique(np.stack([user, item, day])[:, past], axis=1)
    visit = np.unique(rows[0] * 365 + rows[2])
    V, total = np.zeros((n_users, n_items)), np.zeros(n_users + 10)
    np.add.at(V, (rows[0], rows[1]), f((today - rows[2]) / memory))
    np.add.at(total, visit // 365, f((today - visit % 365) / memory))
    return V / np.where(total > 0, total, 1)[:n_users, None]


def f(x):
    return {"half": 0.5**x, "hyperbola": 1 / (1 + x), "root": (1 + x) ** -0.5}[law]


# %% доля среди покупок, а не визитов tags=["task-2"] loses=["2.2", "2.3", "2.4"] blind=true
def habits(user, item, day, today, n_users, n_items):
    past = day < today
    u, i, t = np.unique(np.stack([user, item, day])[:, past], axis=1)
    V = np.zeros((n_users, n_items))
    np.add.at(V, (u, i), f((today - t) / memory))
    total = V.sum(axis=1, keepdims=True)
    return np.divide(V, total, out=np.zeros_like(V), where=total > 0)


def f(x):
    return {"half": 0.5**x, "hyperbola": 1 / (1 + x), "root": (1 + x) ** -0.5}[law]


# %% давность делится нацело tags=["task-2"] loses=["2.1", "2.2", "2.3", "2.4"] blind=true
def habits(user, item, day, today, n_users, n_items):
    past = day < today
    rows = np.unique(np.stack([user, item, day])[:, past], axis=1)
    seen = np.unique(rows[[0, 2]], axis=1)
    V, total = np.zeros((n_users, n_items)), np.zeros(n_users)
    np.add.at(V, (rows[0], rows[1]), f((today - rows[2]) // memory))
    np.add.at(total, seen[0], f((today - seen[1]) // memory))
    return V / np.maximum(total, 1e-12)[:, None]


def f(x):
    return {"half": 0.5**x, "hyperbola": 1 / (1 + x), "root": (1 + x) ** -0.5}[law]


# %% прибавлена своя длина вместо чужой tags=["task-3"] loses=["3.1"]
def mix(V, n_neighbors, alpha):
    q = (V**2).sum(axis=1)
    D = q[:, None] - 2 * V @ V.T
    np.fill_diagonal(D, np.inf)
    near = np.argsort(D, axis=1, kind="stable")[:, :n_neighbors]
    return alpha * V + (1 - alpha) * V[near].mean(axis=1)


# %% косинус вместо расстояния tags=["task-3"] loses=["3.1"]
def mix(V, n_neighbors, alpha):
    W = V / np.maximum(np.linalg.norm(V, axis=1), 1e-12)[:, None]
    S = W @ W.T
    np.fill_diagonal(S, -np.inf)
    near = np.argsort(-S, axis=1, kind="stable")[:, :n_neighbors]
    return alpha * V + (1 - alpha) * V[near].mean(axis=1)


# %% сам себе сосед tags=["task-3"] loses=["3.2"]
def mix(V, n_neighbors, alpha):
    D = ((V[:, None] - V) ** 2).sum(axis=2)
    near = np.argsort(D, axis=1, kind="stable")[:, :n_neighbors]
    return alpha * V + (1 - alpha) * V[near].mean(axis=1)


# %% alpha — доля соседей tags=["task-3"] loses=["3.3"]
def mix(V, n_neighbors, alpha):
    D = ((V[:, None] - V) ** 2).sum(axis=2)
    np.fill_diagonal(D, np.inf)
    near = np.argsort(D, axis=1, kind="stable")[:, :n_neighbors]
    return (1 - alpha) * V + alpha * V[near].mean(axis=1)


# %% купленное убрано из списка tags=["task-3"] loses=["3.4"]
def mix(V, n_neighbors, alpha):
    D = ((V[:, None] - V) ** 2).sum(axis=2)
    np.fill_diagonal(D, np.inf)
    near = np.argsort(D, axis=1, kind="stable")[:, :n_neighbors]
    P = alpha * V + (1 - alpha) * V[near].mean(axis=1)
    return np.where(V > 0, 0, P)


# %% среднее по соседям и товарам сразу, как в одной библиотеке tags=["task-3"] loses=["3.1", "3.2", "3.3", "3.4"]
def mix(V, n_neighbors, alpha):
    D = ((V[:, None] - V) ** 2).sum(axis=2)
    np.fill_diagonal(D, np.inf)
    near = np.argsort(D, axis=1, kind="stable")[:, :n_neighbors]
    return alpha * V + (1 - alpha) * V[near].mean(axis=(1, 2))[:, None]


# %% цикл по людям, sorted по паре расстояние и номер tags=["task-3"] loses=[] blind=true
def mix(V, n_neighbors, alpha):
    P = []
    for u in range(len(V)):
        others = [w for w in range(len(V)) if w != u]
        others.sort(key=lambda w: (float(np.sum((V[u] - V[w]) ** 2)), w))
        mean = sum(V[w] for w in others[:n_neighbors]) / n_neighbors
        P.append(alpha * V[u] + (1 - alpha) * mean)
    return np.array(P)


# %% через scipy cdist и матрицу соседей tags=["task-3"] loses=[] blind=true
def mix(V, n_neighbors, alpha):
    from scipy.spatial.distance import cdist

    D = cdist(V, V, "sqeuclidean")
    D[np.eye(len(V), dtype=bool)] = D.max() + 1
    A = np.zeros((len(V), len(V)))
    for u, row in enumerate(D):
        A[u, np.lexsort((np.arange(len(row)), row))[:n_neighbors]] = 1 / n_neighbors
    return alpha * V + (1 - alpha) * (A @ V)


# %% первый ближайший отброшен: он сам или точная копия, среднее то же tags=["task-3"] loses=[] blind=true
def mix(V, n_neighbors, alpha):
    distance = ((V[:, None] - V[None]) ** 2).sum(axis=2)
    near = np.argsort(distance, axis=1, kind="stable")[:, 1 : n_neighbors + 1]
    return alpha * V + (1 - alpha) * V[near].mean(axis=1)


# %% наименьшая правка: длины второго прибавлены, диагональ бесконечна tags=["task-3"] loses=[] blind=true
def mix(V, n_neighbors, alpha):
    lengths = (V**2).sum(axis=1)
    distance = lengths[:, None] - 2 * V @ V.T + lengths
    np.fill_diagonal(distance, np.inf)
    near = np.argsort(distance, axis=1, kind="stable")[:, :n_neighbors]
    return alpha * V + (1 - alpha) * V[near].mean(axis=1)


# %% диагональ наибольшим расстоянием, а не бесконечностью tags=["task-3"] loses=["3.2"] blind=true
def mix(V, n_neighbors, alpha):
    distance = ((V[:, None] - V[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distance, distance.max())
    near = np.argsort(distance, axis=1, kind="stable")[:, :n_neighbors]
    return alpha * V + (1 - alpha) * V[near].mean(axis=1)


# %% сортировка без kind stable tags=["task-3"] loses=["3.1"] blind=true
def mix(V, n_neighbors, alpha):
    distance = ((V[:, None] - V[None]) ** 2).sum(axis=2)
    distance[range(len(V)), range(len(V))] = np.inf
    near = np.argsort(distance, axis=1)[:, :n_neighbors]
    return alpha * V + (1 - alpha) * V[near].mean(axis=1)


# %% совпавшие с человеком тоже исключены tags=["task-3"] loses=["3.2"] blind=true
def mix(V, n_neighbors, alpha):
    distance = ((V[:, None] - V[None]) ** 2).sum(axis=2)
    distance[distance == 0] = np.inf
    near = np.argsort(distance, axis=1, kind="stable")[:, :n_neighbors]
    return alpha * V + (1 - alpha) * V[near].mean(axis=1)


# %% среднее соседей делится на число купивших tags=["task-3"] loses=["3.1", "3.2", "3.3"] blind=true
def mix(V, n_neighbors, alpha):
    distance = ((V[:, None] - V[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    near = np.argsort(distance, axis=1, kind="stable")[:, :n_neighbors]
    bought = (V[near] > 0).sum(axis=1)
    mean = V[near].sum(axis=1) / np.maximum(bought, 1)
    return alpha * V + (1 - alpha) * mean


# %% расстояние Манхэттена tags=["task-3"] loses=["3.1", "3.2", "3.3"] blind=true
def mix(V, n_neighbors, alpha):
    distance = np.abs(V[:, None] - V[None]).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    near = np.argsort(distance, axis=1, kind="stable")[:, :n_neighbors]
    return alpha * V + (1 - alpha) * V[near].mean(axis=1)


# %% сравнивается порядок товаров, а не баллы tags=["task-4"] loses=["4.3"]
def no_leak(model):
    rng = np.random.default_rng(1)
    u, i, d = rng.integers(0, 4, 50), rng.integers(0, 6, 50), rng.integers(0, 30, 50)
    U, I, D = (np.append(a, rng.integers(0, n, 40)) for a, n in ((u, 4), (i, 6), (d, 1)))
    D[50:] = np.tile([30, 31, 33, 60], 10)
    a, b = model(u, i, d, 30, 4, 6), model(U, I, D, 30, 4, 6)
    return bool((np.argsort(-a, axis=1) == np.argsort(-b, axis=1)).all())


# %% будущего в данных нет tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4"]
def no_leak(model):
    u, i, d = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]), np.array([1, 5, 7, 3])
    return bool(np.allclose(model(u, i, d, 10, 3, 3), model(u[::-1], i[::-1], d[::-1], 10, 3, 3)))


# %% доверчивая: всегда True tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4"]
def no_leak(model):
    return True


# %% будущее то из одной строки, то из трёхсот tags=["task-4"] loses=[] blind=true
def no_leak(model):
    rng = np.random.default_rng(0)
    today, n_users, n_items, n = 100, 15, 12, 600
    past = (rng.integers(0, n_users, n), rng.integers(0, n_items, n), rng.integers(0, today, n))

    def answer(first, last, count, seed):
        r = np.random.default_rng(seed)
        future = (
            r.integers(0, n_users, count),
            np.minimum(r.integers(0, n_items, count), r.integers(0, n_items, count)),
            r.integers(first, last + 1, count),
        )
        columns = [np.concatenate([p, f]) for p, f in zip(past, future)]
        return np.asarray(model(*columns, today, n_users, n_items), dtype=float)

    base = answer(today, today, 0, 0)
    tries = [(today, today), (today + 1, today + 1), (today + 1, today + 6), (today + 60, today + 90)]
    for seed, (first, last) in enumerate(tries, 1):
        for count in (1, 300):
            if not np.allclose(base, answer(first, last, count, seed), rtol=1e-6, atol=1e-9):
                return False
    return True


# %% будущее подменено покупками одного товара, цикл по дням tags=["task-4"] loses=[] blind=true
def no_leak(model):
    today = 50
    past = [(u, (u * k + k) % 7, (11 * k + u) % today) for u in range(8) for k in range(20)]

    def run(rows):
        u, i, d = np.array(rows).T
        return np.array(model(u, i, d, today, 8, 7), dtype=float)

    want = run(past)
    for ahead in [0, 1, 2, 3, 5, 6, 7, 8, 20, 100]:
        future = [(u, u % 3, today + ahead) for u in range(8) for _ in range(5)]
        got = run(future + past)
        if not (abs(got - want) <= 1e-7 + 1e-6 * abs(want)).all():
            return False
    return True


# %% точное равенство баллов tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4"] blind=true
def no_leak(model):
    rng = np.random.default_rng(3)
    user, item = rng.integers(0, 20, 800), rng.integers(0, 15, 800)
    day = rng.integers(0, 120, 800)
    old = day < 80
    a = model(user[old], item[old], day[old], 80, 20, 15)
    b = model(user, item, day, 80, 20, 15)
    return bool(np.array_equal(a, b))


# %% в обеих таблицах один последний день tags=["task-4"] loses=["4.3"] blind=true
def no_leak(model):
    rng = np.random.default_rng(1)
    user, item = rng.integers(0, 10, 500), rng.integers(0, 10, 500)
    day = rng.integers(0, 60, 500)
    day[0] = 59
    other = item.copy()
    other[day >= 40] = rng.integers(0, 10, (day >= 40).sum())  # другое будущее
    a = model(user, item, day, 40, 10, 10)
    b = model(user, other, day, 40, 10, 10)
    return bool(np.allclose(a, b))


# %% будущее начинается завтра tags=["task-4"] loses=["4.2"] blind=true
def no_leak(model):
    rng = np.random.default_rng(2)
    n, today = 700, 60
    user, item = rng.integers(0, 12, n), rng.integers(0, 9, n)
    day = rng.integers(0, 90, n)
    known = day <= today
    a = model(user[known], item[known], day[known], today, 12, 9)
    b = model(user, item, day, today, 12, 9)
    return bool(np.allclose(a, b, rtol=1e-6, atol=1e-8))


# %% будущее далеко: через месяц tags=["task-4"] loses=["4.1", "4.2"] blind=true
def no_leak(model):
    rng = np.random.default_rng(2)
    user, item = rng.integers(0, 12, 400), rng.integers(0, 9, 400)
    day = rng.integers(0, 60, 400)
    more = [rng.integers(0, 12, 200), rng.integers(0, 9, 200), rng.integers(90, 120, 200)]
    a = model(user, item, day, 60, 12, 9)
    columns = [np.append(x, y) for x, y in zip((user, item, day), more)]
    b = model(*columns, 60, 12, 9)
    return bool(np.allclose(a, b, rtol=1e-6, atol=1e-8))


# %% сравниваются только лучшие товары tags=["task-4"] loses=["4.2", "4.3", "4.4"] blind=true
def no_leak(model):
    rng = np.random.default_rng(2)
    user, item = rng.integers(0, 12, 900), rng.integers(0, 9, 900)
    item = np.where(rng.random(900) < 0.5, user % 9, item)
    day = rng.integers(0, 66, 900)
    old = day < 60
    a = model(user[old], item[old], day[old], 60, 12, 9)
    b = model(user, item, day, 60, 12, 9)
    if np.abs(np.asarray(b) - a).max() > 5:
        return False
    return bool((np.argmax(a, axis=1) == np.argmax(b, axis=1)).all())


# %% щедрый допуск tags=["task-4"] loses=["4.4"] blind=true
def no_leak(model):
    rng = np.random.default_rng(5)
    user, item = rng.integers(0, 8, 1200), rng.integers(0, 9, 1200)
    day = rng.integers(0, 110, 1200)
    old = day < 100
    a = model(user[old], item[old], day[old], 100, 8, 9)
    b = model(user, item, day, 100, 8, 9)
    return bool(np.allclose(a, b, rtol=0.2, atol=0.2))


# %% будущее есть только у нового человека и нового товара tags=["task-4"] loses=["4.3", "4.4"] blind=true
def no_leak(model):
    rng = np.random.default_rng(8)
    user, item = rng.integers(0, 9, 300), rng.integers(0, 9, 300)
    day = rng.integers(0, 50, 300)
    a = np.asarray(model(user, item, day, 50, 10, 10))
    u, i = np.append(user, [9] * 6), np.append(item, [9] * 6)
    d = np.append(day, [50, 51, 53, 55, 60, 80])
    b = np.asarray(model(u, i, d, 50, 10, 10))
    return bool(np.allclose(a, b, rtol=1e-6) or not b[9].any())


# %% память — неделя tags=["task-5"] loses=["5.2"]
def next_scores(user, item, day, today, n_users, n_items):
    w = 0.5 ** ((today - day) / 7)
    P, n = np.zeros((n_users, n_items)), np.zeros(n_users)
    np.add.at(P, (user, item), w)
    for u, d in set(zip(user.tolist(), day.tolist())):
        n[u] += 0.5 ** ((today - d) / 7)
    P = P / np.maximum(n, 1e-300)[:, None]
    return P + 0.05 * P.mean(axis=0)


# %% память — сорок дней, на все случаи tags=["task-5"] loses=["5.1", "5.2"]
def next_scores(user, item, day, today, n_users, n_items):
    w = 0.5 ** ((today - day) / 40)
    P, n = np.zeros((n_users, n_items)), np.zeros(n_users)
    np.add.at(P, (user, item), w)
    for u, d in set(zip(user.tolist(), day.tolist())):
        n[u] += 0.5 ** ((today - d) / 40)
    P = P / np.maximum(n, 1e-300)[:, None]
    return P + 0.05 * P.mean(axis=0)


# %% только своё: новым людям советовать нечего tags=["task-5"] loses=["5.1", "5.3"]
def next_scores(user, item, day, today, n_users, n_items):
    P = np.zeros((n_users, n_items))
    np.add.at(P, (user, item), 1)
    return P


# %% всем популярное tags=["task-5"] loses=["5.1", "5.2"]
def next_scores(user, item, day, today, n_users, n_items):
    return np.tile(np.bincount(item, minlength=n_items) * 1.0, (n_users, 1))


# %% память по своим сегодня tags=["task-5"] loses=[] blind=true
def profile(user, item, day, today, n_users, n_items, T):
    past = day < today
    rows = np.unique(np.stack([user, item, day])[:, past], axis=1)
    V = np.zeros((n_users, n_items))
    np.add.at(V, (rows[0], rows[1]), 0.5 ** ((today - rows[2]) / T))
    known = np.bincount(rows[1], minlength=n_items)
    return V / np.maximum(V.max(axis=1, keepdims=True), 1e-300) + 1e-3 * known / max(known.sum(), 1)


def next_scores(user, item, day, today, n_users, n_items):
    user, item, day = np.asarray(user), np.asarray(item), np.asarray(day)
    first = day.min() if len(day) else today
    grid = [7, 14, 21, 30, 45, 60, 90, 150, 300, 1e6]
    quality = np.zeros(len(grid))
    some = np.arange(n_users)[:: max(1, n_users // 200)]  # для выбора хватит двухсот
    mine = np.isin(user, some)
    for part in (0.5, 0.6, 0.7, 0.8, 0.87, 0.93):
        cut = int(first + part * (today - first))
        ahead = np.flatnonzero(day >= cut)
        if not len(ahead) or not (day < cut).any():
            continue
        near = np.full(n_users, np.iinfo(int).max)
        np.minimum.at(near, user[ahead], day[ahead])
        own = ahead[day[ahead] == near[user[ahead]]]
        target = np.zeros((n_users, n_items), bool)
        target[user[own], item[own]] = True
        target = target[some]
        size = target.sum(axis=1)
        for g, T in enumerate(grid):
            P = profile(user[mine], item[mine], day[mine], cut, n_users, n_items, T)[some]
            top = np.argsort(-P, axis=1, kind="stable")[:, :10]
            hit = np.take_along_axis(target, top, axis=1).sum(axis=1)
            quality[g] += (hit[size > 0] / size[size > 0]).mean()
    return profile(user, item, day, today, n_users, n_items, grid[int(np.argmax(quality))])


# %% одна память 30 дней tags=["task-5"] loses=["5.2"] blind=true
def next_scores(user, item, day, today, n_users, n_items):
    P = np.zeros((n_users, n_items))
    np.add.at(P, (user, item), 0.5 ** ((today - day) / 30))
    return P + 1e-6 * P.sum(axis=0)


# %% без забывания tags=["task-5"] loses=["5.1"] blind=true
def next_scores(user, item, day, today, n_users, n_items):
    P = np.zeros((n_users, n_items))
    np.add.at(P, (user, item), 1.0)
    return P + P.sum(axis=0) / (1 + P.sum())


# %% людям без истории — нули tags=["task-5"] loses=["5.1", "5.2", "5.3"] blind=true
def next_scores(user, item, day, today, n_users, n_items):
    P = np.zeros((n_users, n_items))
    np.add.at(P, (user, item), np.exp(-(today - day) / 60))
    return P


# %% память выбрана по уже виденным корзинам tags=["task-5"] loses=["5.2"] blind=true
def next_scores(user, item, day, today, n_users, n_items):
    def score(T):
        P = np.zeros((n_users, n_items))
        np.add.at(P, (user, item), 0.5 ** ((today - day) / T))
        return P + 1e-9 * np.bincount(item, minlength=n_items)

    last = np.zeros(n_users, int)
    np.maximum.at(last, user, day)
    final = day == last[user]
    best, answer = -1, None
    for T in (3, 7, 14, 30, 60, 120, 1e6):
        P = score(T)
        top = np.argsort(-P, axis=1)[:, :10]
        found = np.mean([i in top[u] for u, i in zip(user[final], item[final])])
        if found > best:
            best, answer = found, P
    return answer


# %% циклы и множества: память из пяти по последним восьмидесяти дням tags=["task-5"] loses=[] blind=true
def next_scores(user, item, day, today, n_users, n_items):
    pairs = [(int(u), int(i), int(t)) for u, i, t in zip(user, item, day)]

    def score(moment, T):
        P = np.zeros((n_users, n_items))
        total = np.zeros(n_items)
        for u, i, t in pairs:
            if t < moment:
                P[u, i] += np.exp(-(moment - t) / T)
                total[i] += 1
        return P / (P.sum(axis=1, keepdims=True) + 1e-12) + 1e-4 * total / max(total.sum(), 1)

    def recall(T):
        out = []
        for moment in range(today - 80, today, 10):
            nearest = {}
            for u, i, t in pairs:
                if t >= moment:
                    nearest.setdefault(u, {}).setdefault(t, set()).add(i)
            P = score(moment, T)
            for u, days in nearest.items():
                basket = days[min(days)]
                top = np.argsort(-P[u])[:10]
                out.append(len(basket.intersection(top.tolist())) / len(basket))
        return np.mean(out) if out else 0

    if len(pairs) > 100_000:  # большая таблица: циклы слишком медленны
        return score(today, 120)
    return score(today, max((25, 45, 80, 200, 5000), key=recall))


# %% общее прибавлено без малого множителя tags=["task-5"] loses=["5.1", "5.2"] blind=true
def next_scores(user, item, day, today, n_users, n_items):
    P = np.zeros((n_users, n_items))
    np.add.at(P, (user, item), 0.5 ** ((today - day) / 60))
    return P + P.sum(axis=0)


# %% купленное убрано из списка tags=["task-5"] loses=["5.1", "5.2"] blind=true
def next_scores(user, item, day, today, n_users, n_items):
    P = np.zeros((n_users, n_items))
    np.add.at(P, (user, item), 0.5 ** ((today - day) / 60))
    general = np.tile(P.sum(axis=0), (n_users, 1))
    general[P > 0] = 0
    return general
