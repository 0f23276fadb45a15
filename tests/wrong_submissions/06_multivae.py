# Решения задания 06, какие написал бы студент. В заголовке ячейки — что сделано не так и какие
# свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2, loses=[] — решение верное.
# blind=true — писал тот, кто видел только условие. Чего в ячейке нет, то из решения.


# %% логарифм усреднён по p(z), а не взят от среднего tags=["task-1"] loses=["1.1"]
def by_hand():
    p, q, pi = np.array(toy_prior) / 10, np.array(toy_q) / 10, np.array(toy_shares) / 10
    L = np.log(pi) @ toy_history
    after = p * np.exp(L) / sum(p * np.exp(L))
    return [p @ L, q @ L, q @ np.log(q / p), q @ np.log(q / after)]


# %% расхождения в обратную сторону tags=["task-1"] loses=["1.2", "1.3"]
def by_hand():
    p, q, pi = np.array(toy_prior) / 10, np.array(toy_q) / 10, np.array(toy_shares) / 10
    L = np.log(pi) @ toy_history
    after = p * np.exp(L) / sum(p * np.exp(L))
    return [np.log(p @ np.exp(L)), q @ L, p @ np.log(p / q), after @ np.log(after / q)]


# %% соседские числа: вариант 0 tags=["task-1"] loses=["1.1", "1.2", "1.3"]
def by_hand():
    return [-3.3524, -3.526, 0.1168, 0.2904]


# %% циклы и math вместо массивов, ответ кортежем tags=["task-1"] loses=[] blind=true
import math


def by_hand():
    joint, explained, kl = [], 0.0, 0.0
    for p, row, q in zip(toy_prior, toy_shares, toy_q):
        like = 1.0
        for share, seen in zip(row, toy_history):
            if seen:
                like *= share / 10
        joint.append(p / 10 * like)
        explained += q / 10 * math.log(like)
        kl += q / 10 * (math.log(q) - math.log(p))
    evidence = math.log(math.fsum(joint))
    # четвёртое — через связь: log p(x) = ELBO + KL(q || p(z|x))
    return [evidence, explained, kl, evidence - explained + kl]


# %% вероятность истории по Бернулли: непросмотренные дают 1 - π tags=["task-1"] loses=["1.1", "1.2", "1.3"] blind=true
def by_hand():
    p, pi, q = (np.array(t) / 10 for t in (toy_prior, toy_shares, toy_q))
    x = np.array(toy_history)
    px = np.where(x == 1, pi, 1 - pi).prod(axis=1)
    total = (p * px).sum()
    post = p * px / total
    return [
        np.log(total),
        q @ np.log(px),
        q @ np.log(q / p),
        q @ np.log(q / post),
    ]


# %% логарифмы по основанию 2 tags=["task-1"] loses=["1.1", "1.2", "1.3"] blind=true
def by_hand():
    p, pi, q = (np.array(t) / 10 for t in (toy_prior, toy_shares, toy_q))
    px = pi[:, np.flatnonzero(toy_history)].prod(axis=1)
    total = p @ px
    post = p * px / total
    return [
        np.log2(total),
        q @ np.log2(px),
        q @ np.log2(q / p),
        q @ np.log2(q / post),
    ]


# %% мультиномиальный коэффициент N! в вероятности истории tags=["task-1"] loses=["1.1", "1.2"] blind=true
from math import factorial


def by_hand():
    p, pi, q = (np.array(t) / 10 for t in (toy_prior, toy_shares, toy_q))
    x = np.array(toy_history)
    px = factorial(x.sum()) * (pi**x).prod(axis=1)
    total = p @ px
    post = p * px / total
    return [np.log(total), q @ np.log(px), q @ np.log(q / p), q @ np.log(q / post)]


# %% вес поставлен в показатель: π в степени c внутри softmax tags=["task-2"] loses=["2.2", "2.3", "2.4", "2.5"]
def loss_and_gradient(logits, x, c, available):
    f = np.where(available, c * logits, -1e12)
    L = f - np.logaddexp.reduce(f, axis=1)[:, None]
    return -(x * L).sum(1), c * (x.sum(1)[:, None] * np.exp(L) - x)


# %% недоступные убраны из ответа, но не из бюджета tags=["task-2"] loses=["2.4"]
def loss_and_gradient(logits, x, c, available):
    L = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    w = c * x
    return -(w * L * available).sum(1), (w.sum(1)[:, None] * np.exp(L) - w) * available


# %% выход недоступного заменён нулём, а не минус бесконечностью tags=["task-2"] loses=["2.4", "2.5"]
def loss_and_gradient(logits, x, c, available):
    f = logits * available
    L = f - np.logaddexp.reduce(f, axis=1)[:, None]
    w = c * x
    return -(w * L).sum(1), (w.sum(1)[:, None] * np.exp(L) - w) * available


# %% экспонента без вычитания наибольшего tags=["task-2"] loses=["2.5"]
def loss_and_gradient(logits, x, c, available):
    e = np.exp(logits) * available
    pi = e / e.sum(1, keepdims=True)
    w = c * x
    return -(w * np.log(np.where(available, pi, 1))).sum(1), w.sum(1)[:, None] * pi - w


# %% средняя потеря пакета вместо потерь зрителей tags=["task-2"] loses=["2.2", "2.4", "2.5"]
def loss_and_gradient(logits, x, c, available):
    f = np.where(available, logits, -1e12)
    L = f - np.logaddexp.reduce(f, axis=1)[:, None]
    w = c * x
    return -(w * L).sum(1).mean(), w.sum(1)[:, None] * np.exp(L) - w


# %% законы по очереди, выход недоступного — минус бесконечность tags=["task-2"] loses=[] blind=true
def film_weights(n):
    n = np.asarray(n, dtype=float)
    c = np.zeros(len(n))
    some = n > 0
    if not some.any():
        return c
    top = n.max()
    if rarity == "root":
        c[some] = np.sqrt(top / n[some])
    elif rarity == "log":
        c[some] = 1 + np.log(top / n[some])
    else:
        c[some] = 2 * top / (n[some] + top)
    return c


def loss_and_gradient(logits, x, c, available):
    f = np.where(available, logits, -np.inf)
    f = f - f.max(axis=1, keepdims=True)
    e = np.exp(f)
    s = e.sum(axis=1, keepdims=True)
    log_pi = np.where(available, f - np.log(s), 0)
    cx = x * c
    loss = -(cx * log_pi).sum(axis=1)
    gradient = cx.sum(axis=1, keepdims=True) * e / s - cx
    return loss, gradient


# %% цикл по зрителям и logsumexp из scipy tags=["task-2"] loses=[] blind=true
from scipy.special import logsumexp


def film_weights(n):
    top = max(n)
    laws = {
        "root": lambda k: (top / k) ** 0.5,
        "log": lambda k: 1 + np.log(top / k),
        "half": lambda k: 2 * top / (k + top),
    }
    return [laws[rarity](k) if k > 0 else 0 for k in n]


def loss_and_gradient(logits, x, c, available):
    losses, grads = [], np.zeros(np.shape(logits))
    for u in range(len(logits)):
        ok = np.flatnonzero(available[u])
        f = logits[u][ok].astype(float)
        logp = f - logsumexp(f)
        w = c[ok] * x[u][ok]
        losses.append(-np.dot(w, logp))
        grads[u, ok] = w.sum() * np.exp(logp) - w
    return np.array(losses), grads


# %% веса в массиве целых: zeros_like(n) tags=["task-2"] loses=["2.1"] blind=true
def film_weights(n):
    c = np.zeros_like(n)
    i = n > 0
    if rarity == "root":
        c[i] = np.sqrt(n.max() / n[i])
    if rarity == "log":
        c[i] = 1 + np.log(n.max() / n[i])
    if rarity == "half":
        c[i] = 2 * n.max() / (n[i] + n.max())
    return c


# %% обратное отношение без закона варианта: n_max / n_i tags=["task-2"] loses=["2.1"] blind=true
def film_weights(n):
    n = np.asarray(n, dtype=float)
    c = np.zeros(n.shape)
    c[n > 0] = n.max() / n[n > 0]
    return c


# %% максимум вычтен по всем фильмам, и по недоступным tags=["task-2"] loses=["2.4"] blind=true
def loss_and_gradient(logits, x, c, available):
    e = np.exp(logits - logits.max(axis=1, keepdims=True)) * available
    s = e.sum(axis=1, keepdims=True)
    log_pi = logits - logits.max(axis=1, keepdims=True) - np.log(s)
    w = c * x
    loss = -(w * log_pi).sum(axis=1)
    return loss, w.sum(axis=1, keepdims=True) * e / s - w


# %% недоступным поставлено −100 вместо минус бесконечности tags=["task-2"] loses=["2.4", "2.5"] blind=true
def loss_and_gradient(logits, x, c, available):
    f = np.where(available, logits, -100.0)
    log_pi = f - np.logaddexp.reduce(f, axis=1)[:, None]
    w = c * x
    loss = -(w * log_pi).sum(axis=1)
    return loss, w.sum(axis=1)[:, None] * np.exp(log_pi) - w


# %% логарифм softmax с добавкой 1e-12 tags=["task-2"] loses=["2.5"] blind=true
def loss_and_gradient(logits, x, c, available):
    f = np.where(available, logits, -np.inf)
    e = np.exp(f - f.max(axis=1, keepdims=True))
    pi = e / e.sum(axis=1, keepdims=True)
    w = c * x
    loss = -(w * np.log(pi + 1e-12)).sum(axis=1)
    return loss, w.sum(axis=1, keepdims=True) * pi - w


# %% градиент урока, умноженный на вес фильма tags=["task-2"] loses=["2.3"] blind=true
def loss_and_gradient(logits, x, c, available):
    f = np.where(available, logits, -np.inf)
    log_pi = f - np.logaddexp.reduce(f, axis=1, keepdims=True)
    loss = -(c * x * np.where(available, log_pi, 0)).sum(axis=1)
    return loss, c * (x.sum(axis=1, keepdims=True) * np.exp(log_pi) - x)


# %% исправлены только порядок и логарифм tags=["task-3"] loses=["3.2", "3.3"]
def forward(x, net, kept, dropout, noise):
    x = x / np.maximum(np.sqrt((x**2).sum(axis=1, keepdims=True)), 1e-12)
    x = x * kept / (1 - dropout)
    hidden = np.tanh(x @ net["W1"] + net["b1"])
    mu, log_var = np.split(hidden @ net["W2"] + net["b2"], 2, axis=1)
    z = mu + noise * np.exp(log_var)
    f = np.tanh(z @ net["W3"] + net["b3"]) @ net["W4"] + net["b4"]
    nll = -((x > 0) * (f - np.logaddexp.reduce(f, axis=1)[:, None])).sum(axis=1)
    kl = 0.5 * (mu**2 + np.exp(log_var) - log_var - 1).sum(axis=1)
    return nll, kl


# %% цель — нормированная история: угадывают дроби tags=["task-3"] loses=["3.2", "3.3", "3.4"]
def forward(x, net, kept, dropout, noise):
    x = x / np.maximum(np.sqrt((x**2).sum(axis=1, keepdims=True)), 1e-12)
    seen = x * kept / (1 - dropout)
    hidden = np.tanh(seen @ net["W1"] + net["b1"])
    mu, log_var = np.split(hidden @ net["W2"] + net["b2"], 2, axis=1)
    z = mu + noise * np.exp(log_var / 2)
    f = np.tanh(z @ net["W3"] + net["b3"]) @ net["W4"] + net["b4"]
    nll = -(x * (f - np.logaddexp.reduce(f, axis=1)[:, None])).sum(axis=1)
    kl = 0.5 * (mu**2 + np.exp(log_var) - log_var - 1).sum(axis=1)
    return nll, kl


# %% исправлено всё, кроме порядка tags=["task-3"] loses=["3.1"]
def forward(x, net, kept, dropout, noise):
    seen = x * kept / (1 - dropout)
    seen = seen / np.maximum(np.sqrt((seen**2).sum(axis=1, keepdims=True)), 1e-12)
    hidden = np.tanh(seen @ net["W1"] + net["b1"])
    mu, log_var = np.split(hidden @ net["W2"] + net["b2"], 2, axis=1)
    z = mu + noise * np.exp(log_var / 2)
    f = np.tanh(z @ net["W3"] + net["b3"]) @ net["W4"] + net["b4"]
    nll = -(x * (f - np.logaddexp.reduce(f, axis=1)[:, None])).sum(axis=1)
    kl = 0.5 * (mu**2 + np.exp(log_var) - log_var - 1).sum(axis=1)
    return nll, kl


# %% добавка под логарифмом уменьшена, но осталась tags=["task-3"] loses=["3.4"]
def forward(x, net, kept, dropout, noise):
    length = np.sqrt((x**2).sum(axis=1, keepdims=True))
    seen = x / np.maximum(length, 1e-12) * kept / (1 - dropout)
    hidden = np.tanh(seen @ net["W1"] + net["b1"])
    mu, log_var = np.split(hidden @ net["W2"] + net["b2"], 2, axis=1)
    z = mu + noise * np.exp(log_var / 2)
    f = np.tanh(z @ net["W3"] + net["b3"]) @ net["W4"] + net["b4"]
    e = np.exp(f - f.max(axis=1, keepdims=True))
    nll = -(x * np.log(e / e.sum(axis=1, keepdims=True) + 1e-300)).sum(axis=1)
    kl = 0.5 * (mu**2 + np.exp(log_var) - log_var - 1).sum(axis=1)
    return nll, kl


# %% по зрителю за раз, списки на выходе, потеря через N·logsumexp tags=["task-3"] loses=[] blind=true
def forward(x, net, kept, dropout, noise):
    nll, kl = [], []
    for row, keep, eps in zip(x, kept, noise):
        norm = row.sum() ** 0.5 or 1.0  # у нулей и единиц квадрат — то же число
        a = np.tanh((row / norm * keep / (1 - dropout)) @ net["W1"] + net["b1"])
        out = a @ net["W2"] + net["b2"]
        k = len(out) // 2
        m, s = out[:k], np.exp(0.5 * out[k:])
        f = np.tanh((m + s * eps) @ net["W3"] + net["b3"]) @ net["W4"] + net["b4"]
        nll.append(row.sum() * np.logaddexp.reduce(f) - row @ f)
        kl.append(0.5 * np.sum(m * m + s * s - 2 * np.log(s) - 1))
    return nll, kl


# %% добавку 1e-8 убрал, но softmax остался через exp tags=["task-3"] loses=["3.4"] blind=true
def forward(x, net, kept, dropout, noise):
    length = np.sqrt((x**2).sum(axis=1, keepdims=True))
    h = x / np.maximum(length, 1e-12) * kept / (1 - dropout)
    hidden = np.tanh(h @ net["W1"] + net["b1"])
    mu, log_var = np.split(hidden @ net["W2"] + net["b2"], 2, axis=1)
    z = mu + noise * np.exp(log_var / 2)
    hidden = np.tanh(z @ net["W3"] + net["b3"])
    exponents = np.exp(hidden @ net["W4"] + net["b4"])
    shares = exponents / exponents.sum(axis=1, keepdims=True)
    nll = -(x * np.log(shares)).sum(axis=1)
    kl = 0.5 * (mu**2 + np.exp(log_var) - log_var - 1).sum(axis=1)
    return nll, kl


# %% длина истории без защиты от нуля tags=["task-3"] loses=["3.1"] blind=true
def forward(x, net, kept, dropout, noise):
    normed = x / np.linalg.norm(x, axis=1, keepdims=True)
    normed = normed * kept / (1 - dropout)
    hidden = np.tanh(normed @ net["W1"] + net["b1"])
    mu, log_var = np.split(hidden @ net["W2"] + net["b2"], 2, axis=1)
    z = mu + noise * np.exp(0.5 * log_var)
    hidden = np.tanh(z @ net["W3"] + net["b3"])
    logits = hidden @ net["W4"] + net["b4"]
    log_shares = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    nll = -(x * log_shares).sum(axis=1)
    kl = 0.5 * (mu**2 + np.exp(log_var) - log_var - 1).sum(axis=1)
    return nll, kl


# %% сигму исправил и в KL: exp(log_var / 2) tags=["task-3"] loses=["3.1"] blind=true
def forward(x, net, kept, dropout, noise):
    target = x
    length = np.sqrt((x**2).sum(axis=1, keepdims=True))
    x = x / np.maximum(length, 1e-12) * kept / (1 - dropout)
    hidden = np.tanh(x @ net["W1"] + net["b1"])
    mu, log_var = np.split(hidden @ net["W2"] + net["b2"], 2, axis=1)
    sigma = np.exp(log_var / 2)
    z = mu + noise * sigma
    hidden = np.tanh(z @ net["W3"] + net["b3"])
    logits = hidden @ net["W4"] + net["b4"]
    log_shares = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    nll = -(target * log_shares).sum(axis=1)
    kl = 0.5 * (mu**2 + sigma - np.log(sigma) - 1).sum(axis=1)
    return nll, kl


# %% норма взята от всей таблицы: np.linalg.norm(x) tags=["task-3"] loses=["3.1", "3.2", "3.4"] blind=true
def forward(x, net, kept, dropout, noise):
    h = x / max(np.linalg.norm(x), 1e-12) * kept / (1 - dropout)
    hidden = np.tanh(h @ net["W1"] + net["b1"])
    mu, log_var = np.split(hidden @ net["W2"] + net["b2"], 2, axis=1)
    z = mu + noise * np.exp(log_var / 2)
    hidden = np.tanh(z @ net["W3"] + net["b3"])
    logits = hidden @ net["W4"] + net["b4"]
    log_shares = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    nll = -(x * log_shares).sum(axis=1)
    kl = 0.5 * (mu**2 + np.exp(log_var) - log_var - 1).sum(axis=1)
    return nll, kl


# %% «всем всё» не лучше равных долей: проверен один знак tags=["task-4"] loses=["4.2", "4.3", "4.5"]
def right_loss(loss):
    x = np.array([[1.0, 1, 0, 0], [0, 1, 1, 0]])
    same = loss(np.zeros((2, 4)), x)
    return bool(np.allclose(loss(np.full((2, 4), 20.0), x), same))


# %% градиент верен, но при обычных выходах tags=["task-4"] loses=["4.5"]
def right_loss(loss):
    rng = np.random.default_rng(0)
    f, x = rng.normal(size=(4, 6)), (rng.random((4, 6)) < 0.5).astype(float)
    e = np.exp(f)
    want = x.sum(1)[:, None] * e / e.sum(1)[:, None] - x
    got = np.zeros_like(f)
    for u, i in np.ndindex(f.shape):
        d = np.zeros_like(f)
        d[u, i] = 1e-5
        got[u, i] = (loss(f + d, x) - loss(f - d, x))[u] / 2e-5
    return bool(np.abs(got - want).max() < 1e-5)


# %% отвергает всё tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4", "4.5"]
def right_loss(loss):
    return False


# %% разность с честной потерей одна и та же при трёх размахах tags=["task-4"] loses=[] blind=true
def right_loss(loss):
    rng = np.random.default_rng(0)
    x = (rng.random((6, 9)) < 0.4).astype(float)
    x[0] = 0
    x[0, :2] = 1
    x[1] = 0
    x[1, :5] = 1

    def honest(f):
        return x.sum(axis=1) * np.logaddexp.reduce(f, axis=1) - (x * f).sum(axis=1)

    with np.errstate(all="ignore"):
        base = rng.normal(size=x.shape)
        start = np.asarray(loss(base, x), dtype=float) - honest(base)
        for scale in (1, 3, 3000):
            f = rng.normal(size=x.shape) * scale
            off = np.asarray(loss(f, x), dtype=float) - honest(f) - start
            if not np.all(np.abs(off) < 1e-6 * (1 + scale)):
                return False
    return True


# %% производная через конечные разности против N·π − x, плюс сдвиг на 5000 tags=["task-4"] loses=[] blind=true
def right_loss(loss):
    rng = np.random.default_rng(3)
    f = rng.normal(size=(3, 5))
    x = np.array([[1.0, 0, 0, 0, 0], [1, 1, 0, 1, 0], [0, 1, 1, 0, 0]])
    pi = np.exp(f) / np.exp(f).sum(axis=1, keepdims=True)
    want = x.sum(axis=1, keepdims=True) * pi - x
    with np.errstate(all="ignore"):
        for u in range(3):
            for i in range(5):
                h = np.zeros_like(f)
                h[u, i] = 1e-4
                d = (np.asarray(loss(f + h, x)) - np.asarray(loss(f - h, x))) / 2e-4
                for v in range(3):
                    if not abs(d[v] - (want[u, i] if v == u else 0)) < 1e-5:
                        return False
        shifted = np.asarray(loss(f + 5000, x)) - np.asarray(loss(f, x))
        sunk = np.asarray(loss(f - 5000, x)) - np.asarray(loss(f, x))
    return bool((abs(shifted) < 1e-6).all() and (abs(sunk) < 1e-6).all())


# %% сверка с честной потерей число в число tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4", "4.5"] blind=true
def right_loss(loss):
    rng = np.random.default_rng(0)
    for scale in (1, 10, 5000):
        f = rng.normal(size=(4, 6)) * scale
        x = (rng.random((4, 6)) < 0.5).astype(float)
        good = x.sum(axis=1) * np.logaddexp.reduce(f, axis=1) - (x * f).sum(axis=1)
        if not np.allclose(loss(f, x), good):
            return False
    return True


# %% только неизменность при сдвиге всех выходов tags=["task-4"] loses=["4.2", "4.3"] blind=true
def right_loss(loss):
    rng = np.random.default_rng(0)
    f = rng.normal(size=(5, 8))
    x = (rng.random((5, 8)) < 0.4).astype(float)
    with np.errstate(all="ignore"):
        a = loss(f, x)
        for shift in (1, 10, 5000):
            if not np.allclose(loss(f + shift, x), a):
                return False
    return True


# %% истории из одного фильма tags=["task-4"] loses=["4.3"] blind=true
def right_loss(loss):
    rng = np.random.default_rng(1)
    x = np.eye(5)

    def good(f):
        return np.logaddexp.reduce(f, axis=1) - np.diag(f)

    with np.errstate(all="ignore"):
        for scale in (1, 3000):
            f, g = rng.normal(size=(2, 5, 5)) * scale
            change = loss(f, x) - loss(g, x)
            if not np.allclose(change, good(f) - good(g)):
                return False
    return True


# %% nan проходит: сравнение «ошибка больше порога» tags=["task-4"] loses=["4.5"] blind=true
def right_loss(loss):
    rng = np.random.default_rng(0)
    x = (rng.random((6, 10)) < 0.4).astype(float)

    def good(f):
        return x.sum(axis=1) * np.logaddexp.reduce(f, axis=1) - (x * f).sum(axis=1)

    with np.errstate(all="ignore"):
        for scale in (1, 4000):
            f, g = rng.normal(size=(2, 6, 10)) * scale
            off = abs((loss(f, x) - loss(g, x)) - (good(f) - good(g)))
            if (off > 1e-6 * scale).any():
                return False
    return True


# %% штраф на веса слишком слаб tags=["task-5"] loses=["5.4"]
def fit_decoder(X, latent, seed):
    from scipy.optimize import minimize

    X = X.toarray()
    U, I = X.shape
    n = X.sum(1, keepdims=True)

    def loss(v):
        Z, W, b = np.split(v, [U * latent, (U + I) * latent])
        Z, W = Z.reshape(U, -1), W.reshape(I, -1)
        f = Z @ W.T + b
        L = f - np.logaddexp.reduce(f, axis=1)[:, None]
        R = n * np.exp(L) - X
        g = np.concatenate([(R @ W + Z).ravel(), (R.T @ Z + 0.6 * W).ravel(), R.sum(0)])
        return -(X * L).sum() + (Z**2).sum() / 2 + 0.6 * (W**2).sum() / 2, g

    v0 = np.append(
        0.1 * np.random.default_rng(0).normal(size=(U + I) * latent), np.log(X.sum(0) + 1)
    )
    v = minimize(loss, v0, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return v[U * latent : (U + I) * latent].reshape(I, latent), v[(U + I) * latent :]


# %% декодировщик — одни сдвиги tags=["task-5"] loses=["5.3", "5.4"]
def fit_decoder(X, latent, seed):
    return np.zeros((X.shape[1], latent)), np.log(X.sum(axis=0) + 1)


# %% Ньютон по одному зрителю, сила штрафа выбрана на отложенных tags=["task-5"] loses=[] blind=true
def tastes(X, W, b, beta):
    W, b = np.asarray(W, dtype=float), np.asarray(b, dtype=float)
    X = sp.csr_array(X).astype(float)
    d = W.shape[1]
    N = np.asarray(X.sum(axis=1)).ravel()
    XW, Xb = X @ W, X @ b
    Z = np.zeros((X.shape[0], d))
    for u in np.flatnonzero(N):

        def value(z):
            return N[u] * np.logaddexp.reduce(W @ z + b) - XW[u] @ z - Xb[u] + beta / 2 * z @ z

        z = Z[u]
        for _ in range(200):
            f = W @ z + b
            pi = np.exp(f - f.max())
            pi /= pi.sum()
            mean = pi @ W
            g = N[u] * mean - XW[u] + beta * z
            if abs(g).max() < 1e-6:
                break
            H = N[u] * ((W * pi[:, None]).T @ W - np.outer(mean, mean)) + beta * np.eye(d)
            step = np.linalg.solve(H, g)
            t, now = 1.0, value(z)
            while t > 1e-10 and value(z - t * step) > now - 1e-4 * t * (g @ step):
                t /= 2
            if t <= 1e-10:  # упёрлись в округление
                t = 1.0
                if abs(g).max() < 1e-4:
                    break
            z = z - t * step
        Z[u] = z
    return Z


def _train(X, latent, seed, penalty, iterations):
    from scipy.optimize import minimize

    U, I = X.shape
    rng = np.random.default_rng(seed)
    N = np.asarray(X.sum(axis=1)).ravel()
    counts = np.asarray(X.sum(axis=0)).ravel()
    b0 = np.log(counts + 1) - np.log((counts + 1).sum())
    start = np.concatenate(
        [rng.normal(size=U * latent) * 0.3, rng.normal(size=I * latent) * 0.3, b0]
    )
    XT = sp.csr_array(X.T)

    def fun(p):
        Z = p[: U * latent].reshape(U, latent)
        W = p[U * latent : (U + I) * latent].reshape(I, latent)
        b = p[(U + I) * latent :]
        f = Z @ W.T + b
        top = f.max(axis=1, keepdims=True)
        e = np.exp(f - top)
        s = e.sum(axis=1, keepdims=True)
        lse = (top + np.log(s)).ravel()
        XW = X @ W
        value = N @ lse - (XW * Z).sum() - counts @ b
        value += (Z**2).sum() / 2 + penalty / 2 * (W**2).sum() + 0.5 * ((b - b0) ** 2).sum()
        R = e * (N[:, None] / s)
        gZ = R @ W - XW + Z
        gW = R.T @ Z - XT @ Z + penalty * W
        gb = R.sum(axis=0) - counts + (b - b0)
        return value, np.concatenate([gZ.ravel(), gW.ravel(), gb])

    p = minimize(fun, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations}).x
    return p[U * latent : (U + I) * latent].reshape(I, latent), p[(U + I) * latent :]


def fit_decoder(X, latent, seed):
    X = sp.csr_array(X).astype(float)
    rng = np.random.default_rng(seed)
    order = rng.permutation(X.shape[0])
    held, rest = order[: X.shape[0] // 5], order[X.shape[0] // 5 :]
    H = X[held].toarray()
    half = (rng.random(H.shape) < 0.5) * H
    hidden = H - half
    best, choice = -np.inf, None
    for penalty in (3, 10, 30, 100):
        W, b = _train(X[rest], latent, seed, penalty, 100)
        f = tastes(sp.csr_array(half), W, b, 1.0) @ W.T + b
        score = (hidden * (f - np.logaddexp.reduce(f, axis=1)[:, None])).sum()
        if score > best:
            best, choice = score, penalty
    return _train(X, latent, seed, choice, 200)


# %% вкусы — scipy trust-exact по одному, плотная X, декодировщик из чередований tags=["task-5"] loses=[] blind=true
from scipy.optimize import minimize


def tastes(X, W, b, beta):
    dense = X.toarray()
    out = []
    for x in dense:
        n = x.sum()

        def pi_of(z):
            f = W @ z + b
            return np.exp(f - np.logaddexp.reduce(f))

        def fun(z):
            f = W @ z + b
            return n * np.logaddexp.reduce(f) - x @ f + beta / 2 * (z @ z)

        def jac(z):
            return W.T @ (n * pi_of(z) - x) + beta * z

        def hess(z):
            p = pi_of(z)
            m = p @ W
            return n * (W.T @ (p[:, None] * W) - np.outer(m, m)) + beta * np.eye(len(z))

        z = np.zeros(W.shape[1])
        if n > 0:
            z = minimize(fun, z, jac=jac, hess=hess, method="trust-exact",
                         options={"gtol": 1e-5}).x
            for _ in range(3):  # дошлифовать ньютоном
                z = z - np.linalg.solve(hess(z), jac(z))
        out.append(z.tolist())
    return out


def fit_decoder(X, latent, seed):
    """Чередуем: вкусы при данных W, потом W и b при данных вкусах; сила штрафа постоянная."""
    rng = np.random.default_rng(seed)
    x = X.toarray()
    n = x.sum(axis=1, keepdims=True)
    items = x.shape[1]
    counts = x.sum(axis=0) + 1
    W = rng.normal(size=(items, latent)) * 0.5
    b = np.log(counts / counts.sum())
    lam = 8.0
    for _ in range(4):
        Z = np.array(tastes(X, W, b, 1.0))

        def fun(p):
            w, c = p[:-items].reshape(items, latent), p[-items:]
            f = Z @ w.T + c
            lse = np.logaddexp.reduce(f, axis=1)[:, None]
            r = n * np.exp(f - lse) - x
            v = (n * lse).sum() - (x * f).sum() + lam / 2 * (w**2).sum()
            return v, np.concatenate([(r.T @ Z + lam * w).ravel(), r.sum(axis=0)])

        p = minimize(fun, np.concatenate([W.ravel(), b]), jac=True, method="L-BFGS-B",
                     options={"maxiter": 25}).x
        W, b = p[:-items].reshape(items, latent), p[-items:]
    return W, b


# %% постоянный шаг спуска 0,01 tags=["task-5"] loses=["5.2"] blind=true
def tastes(X, W, b, beta):
    X = X.toarray()
    n = X.sum(axis=1)[:, None]
    Z = np.zeros((len(X), W.shape[1]))
    for _ in range(3000):
        f = Z @ W.T + b
        pi = np.exp(f - np.logaddexp.reduce(f, axis=1)[:, None])
        Z -= 0.01 * ((n * pi - X) @ W + beta * Z)
    return Z


# %% beta забыт в производной и гессиане tags=["task-5"] loses=["5.1", "5.2"] blind=true
def tastes(X, W, b, beta):
    W, b = np.asarray(W, dtype=float), np.asarray(b, dtype=float)
    X = sp.csr_array(X).astype(float)
    d = W.shape[1]
    N = np.asarray(X.sum(axis=1)).ravel()
    XW, Xb = X @ W, X @ b
    Z = np.zeros((X.shape[0], d))
    for u in np.flatnonzero(N):

        def value(z):
            return N[u] * np.logaddexp.reduce(W @ z + b) - XW[u] @ z - Xb[u] + z @ z / 2

        z = Z[u]
        for _ in range(200):
            f = W @ z + b
            pi = np.exp(f - f.max())
            pi /= pi.sum()
            mean = pi @ W
            g = N[u] * mean - XW[u] + z
            if abs(g).max() < 1e-6:
                break
            H = N[u] * ((W * pi[:, None]).T @ W - np.outer(mean, mean)) + np.eye(d)
            step = np.linalg.solve(H, g)
            t, now = 1.0, value(z)
            while t > 1e-10 and value(z - t * step) > now - 1e-4 * t * (g @ step):
                t /= 2
            if t <= 1e-10:  # упёрлись в округление
                t = 1.0
                if abs(g).max() < 1e-4:
                    break
            z = z - t * step
        Z[u] = z
    return Z


# %% все зрители одной L-BFGS-B с допусками по умолчанию tags=["task-5"] loses=["5.1", "5.2"] blind=true
from scipy.optimize import minimize


def tastes(X, W, b, beta):
    X = X.toarray()
    n = X.sum(axis=1)[:, None]
    shape = (len(X), W.shape[1])

    def fun(p):
        Z = p.reshape(shape)
        f = Z @ W.T + b
        lse = np.logaddexp.reduce(f, axis=1)[:, None]
        value = (n * lse).sum() - (X * f).sum() + beta / 2 * (Z**2).sum()
        return value, ((n * np.exp(f - lse) - X) @ W + beta * Z).ravel()

    return minimize(fun, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B").x.reshape(shape)


# %% Ньютон без уменьшения шага, 30 итераций tags=["task-5"] loses=["5.2"] blind=true
def tastes(X, W, b, beta):
    X = X.toarray()
    Z = np.zeros((len(X), W.shape[1]))
    for u, x in enumerate(X):
        z = Z[u]
        for _ in range(30):
            f = W @ z + b
            pi = np.exp(f - np.logaddexp.reduce(f))
            g = (x.sum() * pi - x) @ W + beta * z
            m = pi @ W
            H = x.sum() * (W.T @ (W * pi[:, None]) - np.outer(m, m)) + beta * np.eye(len(z))
            z = z - np.linalg.solve(H, g)
        Z[u] = z
    return Z


# %% W ничем не сдержан: штраф только на вкусы tags=["task-5"] loses=["5.3", "5.4"] blind=true
def _train(X, latent, seed, penalty, iterations):
    from scipy.optimize import minimize

    U, I = X.shape
    rng = np.random.default_rng(seed)
    N = np.asarray(X.sum(axis=1)).ravel()
    counts = np.asarray(X.sum(axis=0)).ravel()
    b0 = np.log(counts + 1) - np.log((counts + 1).sum())
    start = np.concatenate(
        [rng.normal(size=U * latent) * 0.3, rng.normal(size=I * latent) * 0.3, b0]
    )
    XT = sp.csr_array(X.T)

    def fun(p):
        Z = p[: U * latent].reshape(U, latent)
        W = p[U * latent : (U + I) * latent].reshape(I, latent)
        b = p[(U + I) * latent :]
        f = Z @ W.T + b
        top = f.max(axis=1, keepdims=True)
        e = np.exp(f - top)
        s = e.sum(axis=1, keepdims=True)
        lse = (top + np.log(s)).ravel()
        XW = X @ W
        value = N @ lse - (XW * Z).sum() - counts @ b
        value += (Z**2).sum() / 2 + 0.5 * ((b - b0) ** 2).sum()
        R = e * (N[:, None] / s)
        gZ = R @ W - XW + Z
        gW = R.T @ Z - XT @ Z
        gb = R.sum(axis=0) - counts + (b - b0)
        return value, np.concatenate([gZ.ravel(), gW.ravel(), gb])

    p = minimize(fun, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations, "ftol": 1e-14, "gtol": 1e-7}).x
    return p[U * latent : (U + I) * latent].reshape(I, latent), p[(U + I) * latent :]


def fit_decoder(X, latent, seed):
    return _train(sp.csr_array(X).astype(float), latent, seed, 0, 600)


# %% декодировщик из SVD: W — правые векторы, умноженные на числа tags=["task-5"] loses=["5.3", "5.4"] blind=true
from scipy.sparse.linalg import svds


def fit_decoder(X, latent, seed):
    n = np.asarray(X.sum(axis=0)).ravel()
    _, s, Vt = svds(X.astype(float), k=latent, random_state=seed)
    return Vt.T * s / np.sqrt(X.shape[0]), np.log((n + 1) / (n + 1).sum())
