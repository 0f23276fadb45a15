# Неверные решения задания 02, какие написал бы студент. В заголовке ячейки — что сделано не так и
# какие свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2. Прочие задачи — из решения.

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


# %% добавлено только далёкое будущее tags=["task-4"] loses=["4.1", "4.2"]
def no_leak(model):
    u, i, d = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]), np.array([1, 5, 7, 3])
    a = model(u, i, d, 10, 3, 3)
    b = model(np.append(u, [0, 1, 2]), np.append(i, [0, 1, 2]), np.append(d, [40, 45, 50]), 10, 3, 3)
    return bool(np.allclose(a, b))


# %% сравнивается порядок товаров, а не баллы tags=["task-4"] loses=["4.3"]
def no_leak(model):
    rng = np.random.default_rng(1)
    u, i, d = rng.integers(0, 4, 50), rng.integers(0, 6, 50), rng.integers(0, 30, 50)
    U, I, D = (np.append(a, rng.integers(0, n, 40)) for a, n in ((u, 4), (i, 6), (d, 1)))
    D[50:] = np.tile([30, 31, 33, 60], 10)
    a, b = model(u, i, d, 30, 4, 6), model(U, I, D, 30, 4, 6)
    return bool((np.argsort(-a, axis=1) == np.argsort(-b, axis=1)).all())


# %% в будущем только новый человек с новым товаром tags=["task-4"] loses=["4.4"]
def no_leak(model):
    u, i, d = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]), np.array([1, 5, 7, 3])
    a = model(u, i, d, 10, 4, 4)
    b = model(np.append(u, [3, 3, 3]), np.append(i, [3, 3, 3]), np.append(d, [10, 12, 40]), 10, 4, 4)
    return bool(np.allclose(a, b))


# %% точное равенство отвергает и честную модель tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4"]
def no_leak(model):
    rng = np.random.default_rng(1)
    u, i, d = rng.integers(0, 4, 50), rng.integers(0, 6, 50), rng.integers(0, 30, 50)
    U, I = np.append(u, [0, 1, 2, 3]), np.append(i, [0, 1, 2, 3])
    D = np.append(d, [30, 31, 35, 47])
    return bool((model(u, i, d, 30, 4, 6) == model(U, I, D, 30, 4, 6)).all())


# %% будущего в данных нет tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4"]
def no_leak(model):
    u, i, d = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]), np.array([1, 5, 7, 3])
    return bool(np.allclose(model(u, i, d, 10, 3, 3), model(u[::-1], i[::-1], d[::-1], 10, 3, 3)))


# %% будущее начинается завтра tags=["task-4"] loses=["4.2"]
def no_leak(model):
    rng = np.random.default_rng(1)
    u, i, d = rng.integers(0, 4, 50), rng.integers(0, 6, 50), rng.integers(0, 30, 50)
    U, I = np.append(u, [0, 1, 2, 3]), np.append(i, [0, 1, 2, 3])
    D = np.append(d, [31, 32, 35, 47])
    return bool(np.allclose(model(u, i, d, 30, 4, 6), model(U, I, D, 30, 4, 6)))


# %% доверчивая: всегда True tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4"]
def no_leak(model):
    return True


# %% частота за всё время tags=["task-5"] loses=["5.1"]
def next_scores(user, item, day, today, n_users, n_items):
    P = np.zeros((n_users, n_items))
    np.add.at(P, (user, item), 1)
    n = np.zeros(n_users)
    for u, d in set(zip(user.tolist(), day.tolist())):
        n[u] += 1
    P = P / np.maximum(n, 1)[:, None]
    return P + 0.05 * P.mean(axis=0)


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


# %% купленное убрано tags=["task-5"] loses=["5.1", "5.2"]
def next_scores(user, item, day, today, n_users, n_items):
    P = np.tile(np.bincount(item, minlength=n_items) * 1.0, (n_users, 1))
    P[user, item] = 0
    return P
