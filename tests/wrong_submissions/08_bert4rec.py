# Решения задания 08, какие написал бы студент. В заголовке ячейки — что сделано не так и какие
# свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2, loses=[] — решение верное.
# blind=true — придумал тот, кто видел только условие. Чего в ячейке нет, то из решения.


# %% о расстоянии забыли tags=["task-1"] loses=["1.1", "1.2", "1.3"]
def by_hand():
    a = np.array(toy_gain[1:])
    h = a @ np.array(toy_value[1:]) / a.sum()
    z = np.array(toy_items) @ h
    p = np.exp(z) / np.exp(z).sum()
    return [*h, -np.log(p[toy_answer]), p @ np.array(toy_items)[:, 0] - toy_items[toy_answer][0]]


# %% производная по баллу вместо производной по смеси tags=["task-1"] loses=["1.3"]
def by_hand():
    a = np.array(toy_gain[1:]) * toy_fade ** np.array([2, 1, 0])
    h = a @ np.array(toy_value[1:]) / a.sum()
    z = np.array(toy_items) @ h
    p = np.exp(z) / np.exp(z).sum()
    return [*h, -np.log(p[toy_answer]), p[toy_answer] - 1]


# %% двоичный логарифм tags=["task-1"] loses=["1.2"]
def by_hand():
    a = np.array(toy_gain[1:]) * toy_fade ** np.array([2, 1, 0])
    h = a @ np.array(toy_value[1:]) / a.sum()
    z = np.array(toy_items) @ h
    p = np.exp(z) / np.exp(z).sum()
    return [*h, -np.log2(p[toy_answer]), p @ np.array(toy_items)[:, 0] - toy_items[toy_answer][0]]


# %% циклы, расстояние от [MASK] с единицы (сокращается), кортеж tags=["task-1"] loses=[] blind=true
import math


def by_hand():
    top, bottom = [0.0, 0.0], 0.0
    for place in (1, 2, 3):
        w = toy_gain[place] * toy_fade ** (4 - place)
        bottom += w
        top[0] += w * toy_value[place][0]
        top[1] += w * toy_value[place][1]
    h0, h1 = top[0] / bottom, top[1] / bottom
    e = [math.exp(h0 * a + h1 * b) for a, b in toy_items]
    p = [x / sum(e) for x in e]
    slope = sum((p[i] - (i == toy_answer)) * toy_items[i][0] for i in range(3))
    return h0, h1, -math.log(p[toy_answer]), slope


# %% расстояние считал от начала окна tags=["task-1"] loses=["1.1", "1.2", "1.3"] blind=true
def by_hand():
    a, v = np.array(toy_gain[1:]), np.array(toy_value[1:])
    w = a * toy_fade ** np.arange(3)
    h = w @ v / w.sum()
    E = np.array(toy_items)
    p = np.exp(E @ h)
    p = p / p.sum()
    return [h[0], h[1], -np.log(p[toy_answer]), (p - np.eye(3)[toy_answer]) @ E[:, 0]]


# %% дополнение тоже в смеси tags=["task-1"] loses=["1.1", "1.2", "1.3"] blind=true
def by_hand():
    a, v = np.array(toy_gain), np.array(toy_value)
    w = a * toy_fade ** np.arange(4)[::-1]
    h = w @ v / w.sum()
    E = np.array(toy_items)
    p = np.exp(E @ h)
    p = p / p.sum()
    return [h[0], h[1], -np.log(p[toy_answer]), (p - np.eye(3)[toy_answer]) @ E[:, 0]]


# %% a_t принято за показатель: ещё раз exp tags=["task-1"] loses=["1.1", "1.2", "1.3"] blind=true
def by_hand():
    a, v = np.exp(np.array(toy_gain[1:], dtype=float)), np.array(toy_value[1:])
    w = a * toy_fade ** np.array([2, 1, 0])
    h = w @ v / w.sum()
    E = np.array(toy_items)
    p = np.exp(E @ h)
    p = p / p.sum()
    return [h[0], h[1], -np.log(p[toy_answer]), (p - np.eye(3)[toy_answer]) @ E[:, 0]]


# %% окно всегда из конца истории tags=["task-2"] loses=["2.2"]
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    window = sequence[-max_len:]
    T = len(window)
    w = np.arange(1, T + 1) ** {"root": 0.5, "line": 1, "square": 2}[place_law]
    X, Y = np.tile(window, (n, 1)), np.full((n, T), -1)
    for x, y in zip(X, Y):
        c = rng.choice(T, max(1, int(share * T + 0.5)), replace=False, p=w / w.sum())
        y[c] = x[c]
        x[c] = mask
    return X, Y


# %% монета о каждом месте tags=["task-2"] loses=["2.1", "2.3", "2.4", "2.5"]
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    T = min(max_len, len(sequence))
    starts = rng.integers(len(sequence) - T + 1, size=n)
    X = sequence[starts[:, None] + np.arange(T)]
    closed = rng.random((n, T)) < share
    return np.where(closed, mask, X), np.where(closed, X, -1)


# %% все места равноправны tags=["task-2"] loses=["2.3"]
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    T = min(max_len, len(sequence))
    starts = rng.integers(len(sequence) - T + 1, size=n)
    X = sequence[starts[:, None] + np.arange(T)]
    m = max(1, int(share * T + 0.5))
    closed = rng.random((n, T)).argsort(1).argsort(1) < m
    return np.where(closed, mask, X), np.where(closed, X, -1)


# %% окно — срез без копии: история портится tags=["task-2"] loses=["2.1", "2.2", "2.4", "2.5"]
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    T = min(max_len, len(sequence))
    w = np.arange(1, T + 1) ** {"root": 0.5, "line": 1.0, "square": 2.0}[place_law]
    X, Y = [], []
    for _ in range(n):
        s = rng.integers(len(sequence) - T + 1)
        x, y = sequence[s : s + T], np.full(T, -1)
        c = rng.choice(T, max(1, int(share * T + 0.5)), replace=False, p=w / w.sum())
        y[c] = x[c]
        x[c] = mask
        X.append(x.copy())
        Y.append(y)
    return np.array(X), np.array(Y)


# %% по закону выбрано только первое место, прочие поровну tags=["task-2"] loses=["2.3"]
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    T = min(max_len, len(sequence))
    w = np.arange(1, T + 1) ** {"root": 0.5, "line": 1.0, "square": 2.0}[place_law]
    X, Y = np.zeros((n, T), int), np.full((n, T), -1)
    for x, y in zip(X, Y):
        s = rng.integers(len(sequence) - T + 1)
        x[:] = sequence[s : s + T]
        first = rng.choice(T, p=w / w.sum())
        rest = rng.permutation(np.delete(np.arange(T), first))
        c = np.append(first, rest)[: max(1, int(share * T + 0.5))]
        y[c], x[c] = x[c], mask
    return X, Y


# %% экспоненциальные часы вместо choice, без циклов tags=["task-2"] loses=[] blind=true
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    sequence = np.array(sequence, dtype=np.int32)
    T = min(max_len, sequence.size)
    closed_n = max(1, int(share * T + 0.5))
    power = {"root": 0.5, "line": 1, "square": 2}[place_law]
    windows = np.lib.stride_tricks.sliding_window_view(sequence, T)
    window = windows[rng.integers(len(windows), size=n)]
    clock = rng.exponential(size=(n, T)) / np.arange(1, T + 1.0) ** power
    closed = clock.argsort(axis=1).argsort(axis=1) < closed_n
    return np.where(closed, mask, window), np.where(closed, window, -1)


# %% выбор по очереди вручную, списки tags=["task-2"] loses=[] blind=true
import math


def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    T = min(max_len, len(sequence))
    law = {"root": math.sqrt, "line": float, "square": lambda t: t * t}[place_law]
    inputs, answers = [], []
    for _ in range(n):
        start = int(rng.integers(len(sequence) - T + 1))
        row = [int(s) for s in sequence[start : start + T]]
        answer = [-1] * T
        left = list(range(T))
        for _ in range(max(1, math.floor(share * T + 0.5))):
            w = np.array([law(t + 1) for t in left], dtype=float)
            place = left.pop(int(np.searchsorted(np.cumsum(w), rng.random() * w.sum())))
            answer[place], row[place] = row[place], mask
        inputs.append(row)
        answers.append(answer)
    return inputs, answers


# %% round вместо половины вверх tags=["task-2"] loses=["2.5"] blind=true
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    T = min(max_len, len(sequence))
    k = max(1, round(share * T))
    w = np.arange(1, T + 1) ** {"root": 0.5, "line": 1.0, "square": 2.0}[place_law]
    inputs = np.empty((n, T), dtype=int)
    answers = np.full((n, T), -1)
    for row in range(n):
        start = rng.integers(len(sequence) - T + 1)
        inputs[row] = sequence[start : start + T]
        places = rng.choice(T, k, replace=False, p=w / w.sum())
        answers[row, places] = inputs[row, places]
        inputs[row, places] = mask
    return inputs, answers


# %% забыто «не меньше одного» tags=["task-2"] loses=["2.4"] blind=true
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    T = min(max_len, len(sequence))
    k = int(share * T + 0.5)
    w = np.arange(1, T + 1) ** {"root": 0.5, "line": 1.0, "square": 2.0}[place_law]
    starts = rng.integers(len(sequence) - T + 1, size=n)
    inputs = np.asarray(sequence)[starts[:, None] + np.arange(T)]
    answers = np.full((n, T), -1)
    for row in range(n):
        places = rng.choice(T, k, replace=False, p=w / w.sum())
        answers[row, places] = inputs[row, places]
        inputs[row, places] = mask
    return inputs, answers


# %% ключ: случайное число, умноженное на вес tags=["task-2"] loses=["2.3"] blind=true
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    sequence = np.asarray(sequence)
    T = min(max_len, len(sequence))
    k = max(1, int(share * T + 0.5))
    w = np.arange(1, T + 1) ** {"root": 0.5, "line": 1.0, "square": 2.0}[place_law]
    starts = rng.integers(len(sequence) - T + 1, size=n)
    inputs = sequence[starts[:, None] + np.arange(T)]
    answers = np.full((n, T), -1)
    places = np.argsort(-rng.random((n, T)) * w, axis=1)[:, :k]
    rows = np.arange(n)[:, None]
    answers[rows, places] = inputs[rows, places]
    inputs[rows, places] = mask
    return inputs, answers


# %% закрыты все повторы выбранного объекта tags=["task-2"] loses=["2.1", "2.4"] blind=true
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    T = min(max_len, len(sequence))
    k = max(1, int(share * T + 0.5))
    w = np.arange(1, T + 1) ** {"root": 0.5, "line": 1.0, "square": 2.0}[place_law]
    inputs, answers = np.zeros((n, T), dtype=int), np.full((n, T), -1)
    for row in range(n):
        start = rng.integers(len(sequence) - T + 1)
        window = np.array(sequence[start : start + T])
        chosen = window[rng.choice(T, k, replace=False, p=w / w.sum())]
        closed = np.isin(window, chosen)
        answers[row, closed] = window[closed]
        window[closed] = mask
        inputs[row] = window
    return inputs, answers


# %% вес места — по номеру в истории, а не в окне tags=["task-2"] loses=["2.3"] blind=true
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    T = min(max_len, len(sequence))
    k = max(1, int(share * T + 0.5))
    law = np.arange(1, len(sequence) + 1) ** {"root": 0.5, "line": 1.0, "square": 2.0}[place_law]
    inputs, answers = np.zeros((n, T), dtype=int), np.full((n, T), -1)
    for row in range(n):
        start = rng.integers(len(sequence) - T + 1)
        inputs[row] = sequence[start : start + T]
        w = law[start : start + T]
        places = rng.choice(T, k, replace=False, p=w / w.sum())
        answers[row, places] = inputs[row, places]
        inputs[row, places] = mask
    return inputs, answers


# %% последнее начало окна пропущено tags=["task-2"] loses=["2.2"] blind=true
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    sequence = np.asarray(sequence)
    T = min(max_len, len(sequence))
    k = max(1, int(share * T + 0.5))
    w = np.arange(1, T + 1) ** {"root": 0.5, "line": 1.0, "square": 2.0}[place_law]
    starts = rng.integers(max(len(sequence) - T, 1), size=n)
    inputs = sequence[starts[:, None] + np.arange(T)]
    answers = np.full((n, T), -1)
    for row in range(n):
        places = rng.choice(T, k, replace=False, p=w / w.sum())
        answers[row, places] = inputs[row, places]
        inputs[row, places] = mask
    return inputs, answers


# %% начало — случайное место, лишнее обрезано: крайние окна чаще tags=["task-2"] loses=["2.2"] blind=true
def questions(sequence, n, max_len, share, mask, seed):
    rng = np.random.default_rng(seed)
    sequence = np.asarray(sequence)
    T = min(max_len, len(sequence))
    k = max(1, int(share * T + 0.5))
    w = np.arange(1, T + 1) ** {"root": 0.5, "line": 1.0, "square": 2.0}[place_law]
    starts = np.minimum(rng.integers(len(sequence), size=n), len(sequence) - T)
    inputs = sequence[starts[:, None] + np.arange(T)]
    answers = np.full((n, T), -1)
    for row in range(n):
        places = rng.choice(T, k, replace=False, p=w / w.sum())
        answers[row, places] = inputs[row, places]
        inputs[row, places] = mask
    return inputs, answers


# %% исправлен только конец истории tags=["task-3"] loses=["3.2", "3.3", "3.4"]
def next_scores(histories, net, max_len, n_heads):
    n_items = len(net["E"]) - 2
    rows = [np.append(one[-(max_len - 1) :], n_items + 1).astype(int) for one in histories]
    T = max(map(len, rows))
    tokens = np.full((len(rows), T), n_items)
    for line, row in zip(tokens, rows):
        line[T - len(row) :] = row
    h = net["E"][tokens] + net["P"][:T]
    heads = []
    Q, K, V = (np.split(h @ net[name], n_heads, axis=2) for name in ("Wq", "Wk", "Wv"))
    for q, k, v in zip(Q, K, V):
        weights = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(h.shape[2]))
        heads.append(weights / weights.sum(axis=2, keepdims=True) @ v)
    h = h + np.concatenate(heads, axis=2) @ net["Wo"]
    return h[:, -1] @ net["E"][:n_items].T


# %% закрыты запросы дополнения, а не ключи tags=["task-3"] loses=["3.2"]
def next_scores(histories, net, max_len, n_heads):
    n_items = len(net["E"]) - 2
    rows = [np.append(one[-(max_len - 1) :], n_items + 1).astype(int) for one in histories]
    T = max(map(len, rows))
    tokens = np.full((len(rows), T), n_items)
    for line, row in zip(tokens, rows):
        line[T - len(row) :] = row
    h = net["E"][tokens] + net["P"][-T:]
    heads = []
    Q, K, V = (np.split(h @ net[name], n_heads, axis=2) for name in ("Wq", "Wk", "Wv"))
    for q, k, v in zip(Q, K, V):
        products = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])
        weights = np.exp(np.where((tokens == n_items)[:, :, None], -1e9, products))
        heads.append(weights / np.maximum(weights.sum(axis=2, keepdims=True), 1e-9) @ v)
    h = h + np.concatenate(heads, axis=2) @ net["Wo"]
    return h[:, -1] @ net["E"][:n_items].T


# %% в окне max_len объектов и ещё [MASK]; делитель — ширина головы без корня tags=["task-3"] loses=["3.1", "3.4"]
def next_scores(histories, net, max_len, n_heads):
    n_items = len(net["E"]) - 2
    rows = [np.append(one[-max_len:], n_items + 1).astype(int) for one in histories]
    T = max(map(len, rows))
    tokens = np.full((len(rows), T), n_items)
    for line, row in zip(tokens, rows):
        line[T - len(row) :] = row
    h = net["E"][tokens] + net["P"][-T:]
    heads = []
    Q, K, V = (np.split(h @ net[name], n_heads, axis=2) for name in ("Wq", "Wk", "Wv"))
    for q, k, v in zip(Q, K, V):
        products = q @ k.transpose(0, 2, 1) / q.shape[2]
        weights = np.exp(np.where((tokens == n_items)[:, None, :], -np.inf, products))
        heads.append(weights / weights.sum(axis=2, keepdims=True) @ v)
    h = h + np.concatenate(heads, axis=2) @ net["Wo"]
    return h[:, -1] @ net["E"][:n_items].T


# %% исправлено всё, кроме мест tags=["task-3"] loses=["3.3"]
def next_scores(histories, net, max_len, n_heads):
    n_items = len(net["E"]) - 2
    rows = [np.append(one[-(max_len - 1) :], n_items + 1).astype(int) for one in histories]
    T = max(map(len, rows))
    tokens = np.full((len(rows), T), n_items)
    for line, row in zip(tokens, rows):
        line[T - len(row) :] = row
    h = net["E"][tokens] + net["P"][:T]
    heads = []
    Q, K, V = (np.split(h @ net[name], n_heads, axis=2) for name in ("Wq", "Wk", "Wv"))
    for q, k, v in zip(Q, K, V):
        products = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])
        weights = np.exp(np.where((tokens == n_items)[:, None, :], -np.inf, products))
        heads.append(weights / weights.sum(axis=2, keepdims=True) @ v)
    h = h + np.concatenate(heads, axis=2) @ net["Wo"]
    return h[:, -1] @ net["E"][:n_items].T


# %% по одной истории, без дополнения, только запрос [MASK] tags=["task-3"] loses=[] blind=true
from scipy.special import softmax


def next_scores(histories, net, max_len, n_heads):
    E, P = net["E"], net["P"]
    d = E.shape[1] // n_heads
    answer = []
    for history in histories:
        tokens = [int(i) for i in history][-max_len + 1 :] + [len(E) - 1]
        h = E[tokens] + P[-len(tokens) :]
        mixed = []
        for head in range(n_heads):
            part = slice(head * d, head * d + d)
            q = h[-1] @ net["Wq"][:, part]
            k, v = h @ net["Wk"][:, part], h @ net["Wv"][:, part]
            mixed.append(softmax(k @ q / d**0.5) @ v)
        answer.append(E[:-2] @ (h[-1] + np.concatenate(mixed) @ net["Wo"]))
    return answer


# %% дополнение закрыто умножением после экспоненты, до деления на сумму tags=["task-3"] loses=[] blind=true
def next_scores(histories, net, max_len, n_heads):
    n_items = len(net["E"]) - 2
    pad, mask = n_items, n_items + 1
    rows = [np.append(history[-(max_len - 1) :], mask).astype(int) for history in histories]
    T = max(map(len, rows))
    tokens = np.full((len(rows), T), pad)
    for line, row in zip(tokens, rows, strict=True):
        line[T - len(row) :] = row
    h = net["E"][tokens] + net["P"][-T:]
    heads = []
    Q, K, V = (np.split(h @ net[name], n_heads, axis=2) for name in ("Wq", "Wk", "Wv"))
    for q, k, v in zip(Q, K, V, strict=True):
        products = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])
        weights = np.exp(products - products.max(axis=2, keepdims=True))
        weights = weights * (tokens != pad)[:, None]
        heads.append(weights / weights.sum(axis=2, keepdims=True) @ v)
    h = h + np.concatenate(heads, axis=2) @ net["Wo"]
    return h[:, -1] @ net["E"][:n_items].T


# %% деление на корень убрано совсем tags=["task-3"] loses=["3.4"] blind=true
def next_scores(histories, net, max_len, n_heads):
    n_items = len(net["E"]) - 2
    pad, mask = n_items, n_items + 1
    rows = [np.append(history[-(max_len - 1) :], mask).astype(int) for history in histories]
    T = max(map(len, rows))
    tokens = np.full((len(rows), T), pad)
    for line, row in zip(tokens, rows, strict=True):
        line[T - len(row) :] = row
    h = net["E"][tokens] + net["P"][-T:]
    heads = []
    Q, K, V = (np.split(h @ net[name], n_heads, axis=2) for name in ("Wq", "Wk", "Wv"))
    for q, k, v in zip(Q, K, V, strict=True):
        products = q @ k.transpose(0, 2, 1)
        products = np.where((tokens == pad)[:, None], -1e9, products)
        weights = np.exp(products - products.max(axis=2, keepdims=True))
        heads.append(weights / weights.sum(axis=2, keepdims=True) @ v)
    h = h + np.concatenate(heads, axis=2) @ net["Wo"]
    return h[:, -1] @ net["E"][:n_items].T


# %% дополнение закрыто вычитанием десятки tags=["task-3"] loses=["3.2"] blind=true
def next_scores(histories, net, max_len, n_heads):
    n_items = len(net["E"]) - 2
    pad, mask = n_items, n_items + 1
    rows = [np.append(history[-(max_len - 1) :], mask).astype(int) for history in histories]
    T = max(map(len, rows))
    tokens = np.full((len(rows), T), pad)
    for line, row in zip(tokens, rows, strict=True):
        line[T - len(row) :] = row
    h = net["E"][tokens] + net["P"][-T:]
    heads = []
    Q, K, V = (np.split(h @ net[name], n_heads, axis=2) for name in ("Wq", "Wk", "Wv"))
    for q, k, v in zip(Q, K, V, strict=True):
        products = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])
        products = products - 10.0 * (tokens == pad)[:, None]
        weights = np.exp(products - products.max(axis=2, keepdims=True))
        heads.append(weights / weights.sum(axis=2, keepdims=True) @ v)
    h = h + np.concatenate(heads, axis=2) @ net["Wo"]
    return h[:, -1] @ net["E"][:n_items].T


# %% дополнение закрыто всем поровну, по самой короткой истории tags=["task-3"] loses=["3.2"] blind=true
def next_scores(histories, net, max_len, n_heads):
    n_items = len(net["E"]) - 2
    pad, mask = n_items, n_items + 1
    rows = [np.append(history[1 - max_len :], mask).astype(int) for history in histories]
    T = max(map(len, rows))
    tokens = np.full((len(rows), T), pad)
    for line, row in zip(tokens, rows, strict=True):
        line[T - len(row) :] = row
    h = net["E"][tokens] + net["P"][max_len - T :]
    heads = []
    Q, K, V = (np.split(h @ net[name], n_heads, axis=2) for name in ("Wq", "Wk", "Wv"))
    for q, k, v in zip(Q, K, V, strict=True):
        products = q @ k.transpose(0, 2, 1) / np.sqrt(h.shape[2] / n_heads)
        products[:, :, : T - min(map(len, rows))] = -np.inf
        weights = np.exp(products - products.max(axis=2, keepdims=True))
        heads.append(weights / weights.sum(axis=2, keepdims=True) @ v)
    h = h + np.concatenate(heads, axis=2) @ net["Wo"]
    return h[:, -1] @ net["E"][:n_items].T


# %% закрыты и дополнение, и сам [MASK] tags=["task-3"] loses=["3.1", "3.2", "3.3", "3.4"] blind=true
def next_scores(histories, net, max_len, n_heads):
    n_items = len(net["E"]) - 2
    pad, mask = n_items, n_items + 1
    rows = [np.append(history[-(max_len - 1) :], mask).astype(int) for history in histories]
    T = max(map(len, rows))
    tokens = np.full((len(rows), T), pad)
    for line, row in zip(tokens, rows, strict=True):
        line[T - len(row) :] = row
    h = net["E"][tokens] + net["P"][-T:]
    heads = []
    Q, K, V = (np.split(h @ net[name], n_heads, axis=2) for name in ("Wq", "Wk", "Wv"))
    for q, k, v in zip(Q, K, V, strict=True):
        products = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])
        weights = np.exp(products - products.max(axis=2, keepdims=True))
        weights = weights * (tokens < pad)[:, None]
        heads.append(weights / weights.sum(axis=2, keepdims=True) @ v)
    h = h + np.concatenate(heads, axis=2) @ net["Wo"]
    return h[:, -1] @ net["E"][:n_items].T


# %% порядок не проверен tags=["task-4"] loses=["4.2", "4.5", "4.6"]
def right_encoder(encode):
    rng = np.random.default_rng(3)
    t = rng.integers(1, n_items, (4, 6))
    h = encode(t)
    others = np.vstack([t[:1], t[1:, ::-1]])
    longer = np.hstack([np.full((4, 2), n_items), t])
    return bool(np.allclose(encode(others)[0], h[0]) and np.allclose(encode(longer)[:, 2:], h))


# %% дополнение не проверено; объект 0 заменён другим tags=["task-4"] loses=["4.3", "4.4", "4.5"]
def right_encoder(encode):
    rng = np.random.default_rng(3)
    t = rng.integers(1, n_items, (4, 6))
    t[:, 2], t[:, -1] = 0, n_items + 1
    h = encode(t)
    others = np.vstack([t[:1], t[1:, ::-1]])
    turned = np.hstack([t[:, 4::-1], t[:, 5:]])
    zero, right = t.copy(), t.copy()
    zero[:, 2] = 1
    right[:, 4] = t[:, 4] % (n_items - 1) + 1
    moved = [np.abs(encode(turned) - h)[:, -1], np.abs(encode(zero) - h)[:, -1]]
    moved.append(np.abs(encode(right) - h)[:, 0])
    return bool(np.allclose(encode(others)[0], h[0]) and min(m.max() for m in moved) > 1e-6)


# %% отвергает всё tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4", "4.5", "4.6"]
def right_encoder(encode):
    return False


# %% верная проверка, по строке за раз tags=["task-4"] loses=[] blind=true
def right_encoder(encode):
    pad, mask = n_items, n_items + 1

    def run(*rows):
        return np.asarray(encode(np.array(rows)), dtype=float)

    def same(a, b):
        return bool(np.abs(a - b).max() < 1e-8)

    a, b, other = [3, 0, 5, 7, mask], [0, 5, 3, 7, mask], [9, 9, 2, 1, mask]
    first = run(a, other)
    if first.shape[:2] != (2, 5) or not np.isfinite(first).all():
        return False
    # чужая история и число строк ничего не меняют
    if not same(first[0], run(a, [4, 4, 4, 4, 4])[0]) or not same(first[0], run(a)[0]):
        return False
    # порядок важен
    if same(run(a)[0, -1], run(b)[0, -1]):
        return False
    # число дополнений не важно
    short = [5, 7, mask]
    base = run(short)[0]
    for k in range(1, max_len - 2):
        if not same(run([pad] * k + short)[0, k:], base):
            return False
    # каждый объект виден, и слева, и справа
    for item in (0, 1, n_items - 1):
        longer = run([item, *short])[0]
        if same(longer[-1], base[-1]):
            return False
        if same(run([8, item, mask])[0, 0], run([pad, 8, mask])[0, 1]):
            return False
    x, y = run([3, 5, 7, 2])[0], run([3, 5, 7, 4])[0]
    return not (same(x[0], y[0]) or same(x[1], y[1]))


# %% циклы по всем парам мест, списки tags=["task-4"] loses=[] blind=true
def right_encoder(encode):
    def changed(p, q, place):
        u, v = (np.array(encode(np.array([r])))[0] for r in (p, q))
        return max(abs(s - t) for s, t in zip(u[place], v[place])) > 1e-7

    row = [4, 2, 0, 6, n_items + 1]
    for asks in range(5):
        for place in range(4):
            new = list(row)
            new[place] = 11
            if not changed(row, new, asks):
                return False
    if not changed([4, 2, 6, n_items + 1], [2, 4, 6, n_items + 1], 3):
        return False
    pair = np.array(encode(np.array([row, [1, 1, 1, 1, 1]])))[0]
    pair2 = np.array(encode(np.array([row, [7, 8, 9, 10, 0]])))[0]
    if np.abs(pair - pair2).max() > 1e-7:
        return False
    alone = np.array(encode(np.array([[6, 3]])))[0]
    padded = np.array(encode(np.array([[n_items, n_items, 6, 3]])))[0, 2:]
    if np.abs(alone - padded).max() > 1e-7:
        return False
    zero = np.array(encode(np.array([[0, 0, 6, 3]])))[0, 2:]
    return bool(np.abs(zero - padded).max() > 1e-7)


# %% объект 0 проверен заменой на другой tags=["task-4"] loses=["4.5"] blind=true
def right_encoder(encode):
    pad, mask = n_items, n_items + 1

    def f(row):
        return np.asarray(encode(np.array([row])))[0]

    def same(p, q):
        return np.allclose(p, q, atol=1e-8, rtol=0)

    if not same(encode(np.array([[1, 2, mask], [3, 4, mask]]))[0], f([1, 2, mask])):
        return False
    if same(f([1, 2, mask])[-1], f([2, 1, mask])[-1]):
        return False
    if not same(f([pad, pad, 1, 2, mask])[2:], f([1, 2, mask])):
        return False
    if same(f([0, 2, mask])[-1], f([5, 2, mask])[-1]):
        return False
    return not same(f([1, 2, 3])[0], f([1, 2, 4])[0])


# %% при разном числе дополнений сравнивается и место дополнения tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4", "4.5", "4.6"] blind=true
def right_encoder(encode):
    pad, mask = n_items, n_items + 1

    def f(*rows):
        return np.asarray(encode(np.array(rows)))

    row = [1, 2, 3, mask]
    one, two = f([pad, *row])[0], f([pad, pad, *row])[0]
    if not np.allclose(one, two[1:], atol=1e-8):
        return False
    if not np.allclose(f(row)[0], one[1:], atol=1e-8):
        return False
    if not np.allclose(f(row, [9, 8, 7, mask])[0], f(row)[0], atol=1e-8):
        return False
    if np.allclose(f([2, 1, 3, mask])[0, -1], one[-1]):
        return False
    if np.allclose(f([0, *row])[0, 1:], one[1:]):
        return False
    return not np.allclose(f([1, 2, 3, 4])[0, 0], f([1, 2, 3, 5])[0, 0])


# %% смотрим только на последнее место tags=["task-4"] loses=["4.6"] blind=true
def right_encoder(encode):
    pad, mask = n_items, n_items + 1

    def last(row, *others):
        return np.asarray(encode(np.array([row, *others])))[0, -1]

    base = last([3, 5, mask])
    good = np.allclose(last([3, 5, mask], [1, 2, mask]), base, rtol=0, atol=1e-8)
    good &= np.allclose(last([pad, pad, 3, 5, mask]), base, rtol=0, atol=1e-8)
    good &= not np.allclose(last([5, 3, mask]), base)
    good &= not np.allclose(last([0, 3, 5, mask]), base)
    return bool(good)


# %% порядок проверен переворотом всей истории на самих местах tags=["task-4"] loses=["4.2"] blind=true
def right_encoder(encode):
    pad, mask = n_items, n_items + 1
    row = np.array([[2, 3, 4, 5]])
    out = np.asarray(encode(row))
    if np.allclose(out, np.asarray(encode(row[:, ::-1]))):
        return False
    padded = np.asarray(encode(np.array([[pad, pad, 2, 3, 4, 5]])))[:, 2:]
    if not np.allclose(out, padded, atol=1e-8):
        return False
    two = np.asarray(encode(np.array([[2, 3, 4, 5], [9, 8, 7, 6]])))
    if not np.allclose(two[0], out[0], atol=1e-8):
        return False
    if np.allclose(np.asarray(encode(np.array([[0, 2, 3, 4, 5]])))[0, 1:], out[0]):
        return False
    return not np.allclose(np.asarray(encode(np.array([[2, 3, 4, 6]])))[0, 0], out[0, 0])


# %% пакет проверен двумя одинаковыми строками tags=["task-4"] loses=["4.1"] blind=true
def right_encoder(encode):
    pad, mask = n_items, n_items + 1

    def f(row):
        return np.asarray(encode(np.array([row])))[0]

    row = [1, 2, 3, mask]
    both = np.asarray(encode(np.array([row, row])))
    if not np.allclose(both[0], both[1], atol=1e-8) or not np.allclose(both[0], f(row), atol=1e-8):
        return False
    if np.allclose(f([2, 1, 3, mask])[-1], f(row)[-1]):
        return False
    if not np.allclose(f([pad, *row])[1:], f(row), atol=1e-8):
        return False
    if np.allclose(f([0, *row])[1:], f(row)):
        return False
    return not np.allclose(f([1, 2, 3, 4])[0], f([1, 2, 3, 5])[0])


# %% марковская цепь по последнему объекту tags=["task-5"] loses=["5.1", "5.2"]
def rule_scores(sequences, histories, n_items):
    counts = np.zeros((n_items, n_items))
    for row in sequences:
        np.add.at(counts, (row[:-1], row[1:]), 1)
    p = np.bincount(np.concatenate(list(sequences)), minlength=n_items)
    p = p / p.sum() * 30  # осторожная поправка на популярность
    return np.array([counts[row[-1]] + p if len(row) > 2 else p for row in histories])


# %% сумма переходов с четырёх мест tags=["task-5"] loses=["5.1", "5.2", "5.3", "5.4"]
def rule_scores(sequences, histories, n_items):
    counts = np.zeros((4, n_items, n_items))
    p = np.bincount(np.concatenate(list(sequences)), minlength=n_items) + 1e-9
    for row in sequences:
        for r in range(1, 5):
            np.add.at(counts[r - 1], (row[:-r], row[r:]), 1)
    P = (counts + 3 * p / p.sum()) / (counts + 3 * p / p.sum()).sum(axis=2, keepdims=True)
    out = np.tile(np.log(p / p.sum()), (len(histories), 1))
    for line, row in zip(out, histories):
        for r in range(1, min(4, len(row)) + 1):
            line += np.log(P[r - 1, row[-r]]) - np.log(p / p.sum())
    return out


# %% баллы одни у всех: популярное tags=["task-5"] loses=["5.1", "5.2"]
def rule_scores(sequences, histories, n_items):
    p = np.bincount(np.concatenate(list(sequences)), minlength=n_items)
    return np.tile(p, (len(histories), 1))


# %% пара последних, без выбора tags=["task-5"] loses=["5.1", "5.2", "5.3", "5.4"]
def rule_scores(sequences, histories, n_items):
    counts = {}
    for row in sequences:
        for a, b, c in zip(row, row[1:], row[2:]):
            counts.setdefault((int(a), int(b)), np.zeros(n_items))[c] += 1
    p = np.bincount(np.concatenate(list(sequences)), minlength=n_items) / 1e6
    return np.array(
        [p + (counts.get((int(r[-2]), int(r[-1])), 0) if len(r) > 1 else 0) for r in histories]
    )


# %% ключ пары одним числом, выбор на отложенной четверти tags=["task-5"] loses=[] blind=true
def rule_scores(sequences, histories, n_items):
    from itertools import combinations

    seqs = [np.asarray(s, dtype=int) for s in sequences]
    rules = [(r,) for r in range(1, 5)] + list(combinations(range(1, 5), 2))

    def keys_of(s, rule):
        """Ключи и ответы всех мест, у которых есть всё нужное."""
        t = np.arange(max(rule), len(s))
        key = np.zeros(len(t), dtype=np.int64)
        for r in rule:
            key = key * n_items + s[t - r]
        return key, s[t]

    def learn(part, rule):
        pairs = [keys_of(s, rule) for s in part]
        key = np.concatenate([k for k, _ in pairs] or [np.zeros(0, dtype=np.int64)])
        nxt = np.concatenate([n for _, n in pairs] or [np.zeros(0, dtype=np.int64)])
        both, count = np.unique(key * n_items + nxt, return_counts=True)
        return both // n_items, both % n_items, count

    def popularity(part):
        return np.bincount(np.concatenate([*part, np.zeros(0, dtype=int)]), minlength=n_items)

    half = np.random.default_rng(0).permutation(len(seqs))
    fit = [seqs[i] for i in half[len(seqs) // 4 :]]
    check = [seqs[i] for i in half[: len(seqs) // 4]]
    pop = popularity(fit) if fit else np.zeros(n_items)
    best, best_gain = None, 0.0
    for rule in rules:
        keys, items, count = learn(fit, rule)
        order = np.lexsort((pop[items] if len(items) else items, count, keys))
        top = dict(zip(keys[order].tolist(), items[order].tolist(), strict=True))
        common = int(pop.argmax())
        gains = []
        for s in check:
            key, nxt = keys_of(s, rule)
            guess = np.array([top.get(k, common) for k in key.tolist()], dtype=int)
            gains.append(((guess == nxt) * 1.0 - (common == nxt)).astype(float))
        gains = np.concatenate(gains) if gains else np.zeros(0)
        if len(gains) < 2:
            continue
        mean, se = gains.mean(), gains.std() / len(gains) ** 0.5
        better = mean > best_gain + (1e-12 if best is None else 0.01)
        if mean > 3 * se and better:
            best, best_gain = rule, mean
    popular = popularity(seqs) if seqs else np.zeros(n_items)
    share = popular / max(popular.sum(), 1)
    scores = np.tile(share, (len(histories), 1))
    if best is None:
        return scores
    keys, items, count = learn(seqs, best)
    for row, history in enumerate(histories):
        history = np.asarray(history, dtype=int)
        if len(history) < max(best):
            continue
        key = 0
        for r in best:
            key = key * n_items + int(history[-r])
        a, b = np.searchsorted(keys, [key, key + 1])
        scores[row, items[a:b]] += count[a:b]
    return scores


# %% Counter и списки, выбор по двум половинам, без векторного счёта tags=["task-5"] loses=[] blind=true
from collections import Counter, defaultdict


def _table(seqs, rule):
    table = defaultdict(Counter)
    for s in seqs:
        for t in range(max(rule), len(s)):
            table[tuple(s[t - r] for r in rule)][s[t]] += 1
    return table


def rule_scores(sequences, histories, n_items):
    seqs = [[int(i) for i in s] for s in sequences]
    crowd = Counter(i for s in seqs for i in s)
    common = crowd.most_common(1)[0][0] if crowd else 0
    rules = [(r,) for r in (1, 2, 3, 4)]
    rules += [(r, q) for r in (1, 2, 3) for q in range(r + 1, 5)]
    results = {}
    for rule in rules:
        hits = base = total = 0
        for side in (0, 1):
            tops = {k: c.most_common(1)[0][0] for k, c in _table(seqs[side::2], rule).items()}
            for s in seqs[1 - side :: 2]:
                for t in range(max(rule), len(s)):
                    guess = tops.get(tuple(s[t - r] for r in rule), common)
                    hits += guess == s[t]
                    base += common == s[t]
                    total += 1
        if total:
            noise = 4 * (max(base, 1) * 2) ** 0.5 / total
            results[rule] = (hits - base) / total - noise
    rule = max(results, key=lambda k: results[k] - 0.01 * len(k)) if results else None
    if rule and results[rule] <= 0:
        rule = None
    table = _table(seqs, rule) if rule else {}
    size = max(sum(crowd.values()), 1)
    out = []
    for h in histories:
        row = [crowd[i] / size for i in range(n_items)]
        if rule and len(h) >= max(rule):
            for i, c in table.get(tuple(int(h[-r]) for r in rule), {}).items():
                row[i] += c
        out.append(row)
    return np.array(out)


# %% правило выбрано на тех же историях, по которым составлены таблицы tags=["task-5"] loses=["5.3"]
def rule_scores(sequences, histories, n_items):
    from itertools import combinations

    seqs = [[int(i) for i in row] for row in sequences]
    p = np.bincount(np.concatenate(list(sequences)), minlength=n_items) / 1e6

    def table(lags):
        counts = {}
        for row in seqs:
            for t in range(max(lags), len(row)):
                key = tuple(row[t - r] for r in lags)
                counts.setdefault(key, np.zeros(n_items))[row[t]] += 1
        return counts

    rules = [(r,) for r in range(1, 5)] + list(combinations(range(1, 5), 2))
    tables = [table(lags) for lags in rules]
    hits = [sum(c.max() for c in t.values()) / sum(c.sum() for c in t.values()) for t in tables]
    lags, counts = rules[int(np.argmax(hits))], tables[int(np.argmax(hits))]
    out = np.tile(p, (len(histories), 1))
    for line, row in zip(out, histories):
        if len(row) >= max(lags):
            line += counts.get(tuple(int(row[-r]) for r in lags), 0)
    return out


# %% «правила нет» не рассмотрено: лучшее из десяти tags=["task-5"] loses=["5.3"] blind=true
def best_rule(rules, sequences, n_items):
    right, _ = shares(rules, sequences, n_items)
    return rules[int(np.argmax(right))]


# %% пары только соседние tags=["task-5"] loses=["5.2"] blind=true
def rule_scores(sequences, histories, n_items):
    rules = [(1,), (2,), (3,), (4,), (1, 2), (2, 3), (3, 4)]
    best = best_rule(rules, sequences, n_items)
    return scores_by(best, sequences, histories, n_items)


# %% до трёх мест назад: range(1, 4) tags=["task-5"] loses=["5.2"] blind=true
def rule_scores(sequences, histories, n_items):
    rules = [(1,), (2,), (3,), (1, 2), (1, 3), (2, 3)]
    best = best_rule(rules, sequences, n_items)
    return scores_by(best, sequences, histories, n_items)


# %% короткая история: вместо недостающего — самый старый объект tags=["task-5"] loses=["5.4"] blind=true
def scores_by(lags, sequences, histories, n_items):
    popular = np.bincount(np.concatenate([*sequences]).astype(int), minlength=n_items)
    scores = np.tile(popular / (popular.max() + 1), (len(histories), 1))
    counts = transitions(sequences, lags) if lags else {}
    for line, row in zip(scores, histories):
        if lags and len(row):
            key = tuple(int(row[-min(lag, len(row))]) for lag in lags)
            for item, count in counts.get(key, {}).items():
                line[item] += count
    return scores


# %% ключ пары a·10 + b tags=["task-5"] loses=["5.2"] blind=true
def transitions(sequences, lags):
    """Числа переходов под всеми ключами, у которых a·10 + b одно и то же."""
    sums, keys = {}, set()
    for row in sequences:
        row = [int(one) for one in row]
        for place in range(max(lags), len(row)):
            key = tuple(row[place - lag] for lag in lags)
            keys.add(key)
            own = sums.setdefault(number(key), {})
            own[row[place]] = own.get(row[place], 0) + 1
    return {key: sums[number(key)] for key in keys}


def number(key):
    return key[0] * 10 + key[1] if len(key) == 2 else key[0]


# %% переход взят один на историю — последний tags=["task-5"] loses=["5.2"] blind=true
def transitions(sequences, lags):
    counts = {}
    for row in sequences:
        if len(row) > max(lags):
            own = counts.setdefault(tuple(int(row[-1 - lag]) for lag in lags), {})
            own[int(row[-1])] = own.get(int(row[-1]), 0) + 1
    return counts


# %% таблица пар I×I×I плотная tags=["task-5"] loses=["5.3"] blind=true
def rule_scores(sequences, histories, n_items):
    import itertools

    seqs = [np.asarray(s, dtype=int) for s in sequences]
    rules = [(r, r) for r in range(1, 5)] + list(itertools.combinations(range(1, 5), 2))

    def table(part, rule):
        T = np.zeros((n_items, n_items, n_items))
        for s in part:
            for t in range(max(rule), len(s)):
                T[s[t - rule[0]], s[t - rule[1]], s[t]] += 1
        return T

    pop = np.bincount(np.concatenate(seqs), minlength=n_items) / 1e6
    cut = len(seqs) * 3 // 4
    best, most = None, -1.0
    for rule in rules:
        T, hits = table(seqs[:cut], rule), []
        for s in seqs[cut:]:
            for t in range(max(rule), len(s)):
                row = T[s[t - rule[0]], s[t - rule[1]]] + pop
                hits.append((row.argmax() == s[t]) - 1.0 * (pop.argmax() == s[t]))
        gain = np.mean(hits) - 3 * np.std(hits) / len(hits) ** 0.5
        if gain > max(most, 0) + 0.01:
            best, most = rule, gain
    T = table(seqs, best) if best else None
    out = []
    for h in histories:
        ok = best and len(h) >= max(best)
        out.append(pop + T[h[-best[0]], h[-best[1]]] if ok else pop)
    return np.array(out)
