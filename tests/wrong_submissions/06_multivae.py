# Неверные решения задания 06, какие написал бы студент. В заголовке ячейки — что сделано не так и
# какие свойства теряют баллы: loses=["2.3"] — третье свойство задачи 2. Прочие задачи — из решения.

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


# %% нули истории тоже объяснены tags=["task-1"] loses=["1.1", "1.2", "1.3"]
def by_hand():
    p, q, pi = np.array(toy_prior) / 10, np.array(toy_q) / 10, np.array(toy_shares) / 10
    x = np.array(toy_history)
    L = np.log(pi) @ x + np.log(1 - pi) @ (1 - x)
    after = p * np.exp(L) / sum(p * np.exp(L))
    return [np.log(p @ np.exp(L)), q @ L, q @ np.log(q / p), q @ np.log(q / after)]


# %% соседские числа: вариант 0 tags=["task-1"] loses=["1.1", "1.2", "1.3"]
def by_hand():
    return [-3.3524, -3.526, 0.1168, 0.2904]


# %% самый известный фильм у всех законов весит 1, но закон чужой tags=["task-2"] loses=["2.1"]
def film_weights(n):
    return np.where(n > 0, n.max() / np.maximum(n, 1), 0)


def loss_and_gradient(logits, x, c, available):
    f = np.where(available, logits, -1e12)
    L = f - np.logaddexp.reduce(f, axis=1)[:, None]
    w = c * x
    return -(w * L).sum(1), (w.sum(1)[:, None] * np.exp(L) - w) * available


# %% старый градиент умножен на вес фильма tags=["task-2"] loses=["2.3"]
def film_weights(n):
    m = n.max() / np.maximum(n, 1)
    return np.where(
        n > 0, {"root": m**0.5, "log": 1 + np.log(m), "half": 2 * m / (m + 1)}[rarity], 0
    )


def loss_and_gradient(logits, x, c, available):
    f = np.where(available, logits, -1e12)
    L = f - np.logaddexp.reduce(f, axis=1)[:, None]
    return -(c * x * L).sum(1), c * (x.sum(1)[:, None] * np.exp(L) - x)


# %% вес поставлен в показатель: π в степени c внутри softmax tags=["task-2"] loses=["2.2", "2.3", "2.4", "2.5"]
def film_weights(n):
    m = n.max() / np.maximum(n, 1)
    return np.where(
        n > 0, {"root": m**0.5, "log": 1 + np.log(m), "half": 2 * m / (m + 1)}[rarity], 0
    )


def loss_and_gradient(logits, x, c, available):
    f = np.where(available, c * logits, -1e12)
    L = f - np.logaddexp.reduce(f, axis=1)[:, None]
    return -(x * L).sum(1), c * (x.sum(1)[:, None] * np.exp(L) - x)


# %% недоступные убраны из ответа, но не из бюджета tags=["task-2"] loses=["2.4"]
def film_weights(n):
    m = n.max() / np.maximum(n, 1)
    return np.where(
        n > 0, {"root": m**0.5, "log": 1 + np.log(m), "half": 2 * m / (m + 1)}[rarity], 0
    )


def loss_and_gradient(logits, x, c, available):
    L = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    w = c * x
    return -(w * L * available).sum(1), (w.sum(1)[:, None] * np.exp(L) - w) * available


# %% выход недоступного заменён нулём, а не минус бесконечностью tags=["task-2"] loses=["2.4"]
def film_weights(n):
    m = n.max() / np.maximum(n, 1)
    return np.where(
        n > 0, {"root": m**0.5, "log": 1 + np.log(m), "half": 2 * m / (m + 1)}[rarity], 0
    )


def loss_and_gradient(logits, x, c, available):
    f = logits * available
    L = f - np.logaddexp.reduce(f, axis=1)[:, None]
    w = c * x
    return -(w * L).sum(1), (w.sum(1)[:, None] * np.exp(L) - w) * available


# %% экспонента без вычитания наибольшего tags=["task-2"] loses=["2.5"]
def film_weights(n):
    m = n.max() / np.maximum(n, 1)
    return np.where(
        n > 0, {"root": m**0.5, "log": 1 + np.log(m), "half": 2 * m / (m + 1)}[rarity], 0
    )


def loss_and_gradient(logits, x, c, available):
    e = np.exp(logits) * available
    pi = e / e.sum(1, keepdims=True)
    w = c * x
    return -(w * np.log(np.where(available, pi, 1))).sum(1), w.sum(1)[:, None] * pi - w


# %% средняя потеря пакета вместо потерь зрителей tags=["task-2"] loses=["2.2", "2.4", "2.5"]
def film_weights(n):
    m = n.max() / np.maximum(n, 1)
    return np.where(
        n > 0, {"root": m**0.5, "log": 1 + np.log(m), "half": 2 * m / (m + 1)}[rarity], 0
    )


def loss_and_gradient(logits, x, c, available):
    f = np.where(available, logits, -1e12)
    L = f - np.logaddexp.reduce(f, axis=1)[:, None]
    w = c * x
    return -(w * L).sum(1).mean(), w.sum(1)[:, None] * np.exp(L) - w


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


# %% потерю сравнили с формулой без постоянной tags=["task-4"] loses=["4.1", "4.2", "4.3", "4.4", "4.5"]
def right_loss(loss):
    rng = np.random.default_rng(0)
    f, x = rng.normal(size=(4, 6)), (rng.random((4, 6)) < 0.5).astype(float)
    want = x.sum(1) * np.logaddexp.reduce(f, axis=1) - (x * f).sum(1)
    return bool(np.allclose(loss(f, x), want))


# %% проверен только сдвиг всех выходов зрителя tags=["task-4"] loses=["4.3", "4.5"]
def right_loss(loss):
    rng = np.random.default_rng(0)
    f, x = rng.normal(size=(4, 6)), (rng.random((4, 6)) < 0.5).astype(float)
    shift = np.array([[1.0], [-2], [0.5], [3]])
    return bool(np.allclose(loss(f, x), loss(f + shift, x)))


# %% один зритель с одним фильмом tags=["task-4"] loses=["4.3", "4.5"]
def right_loss(loss):
    x = np.array([[0.0, 1, 0, 0], [1, 0, 0, 0]])
    f = np.array([[0.3, -1, 2, 0.5], [1, 0, 0, 2]])
    change = loss(f, x) - loss(0 * f, x)
    want = np.logaddexp.reduce(f, axis=1) - (x * f).sum(1) - np.log(4)
    return bool(np.allclose(change, want))


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


# %% постоянный шаг спуска tags=["task-5"] loses=["5.2"]
def tastes(X, W, b, beta):
    X = X.toarray()
    Z = np.zeros((len(X), W.shape[1]))
    n = X.sum(1, keepdims=True)
    for _ in range(20000):
        f = Z @ W.T + b
        pi = np.exp(f - np.logaddexp.reduce(f, axis=1)[:, None])
        Z = Z - 0.02 * ((n * pi - X) @ W + beta * Z)
    return Z


def fit_decoder(X, latent, seed):
    return ours(X, latent, 10.0)


def ours(X, latent, penalty):
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
        g = np.concatenate([(R @ W + Z).ravel(), (R.T @ Z + penalty * W).ravel(), R.sum(0)])
        return -(X * L).sum() + (Z**2).sum() / 2 + penalty * (W**2).sum() / 2, g

    v0 = np.append(
        0.1 * np.random.default_rng(0).normal(size=(U + I) * latent), np.log(X.sum(0) + 1)
    )
    v = minimize(loss, v0, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return v[U * latent : (U + I) * latent].reshape(I, latent), v[(U + I) * latent :]


# %% штраф на веса слишком слаб tags=["task-5"] loses=["5.4"]
def tastes(X, W, b, beta):
    from scipy.optimize import minimize

    rows = []
    for x in X.toarray():

        def loss(z):
            f = W @ z + b
            L = f - np.logaddexp.reduce(f)
            return -x @ L + beta / 2 * z @ z, W.T @ (x.sum() * np.exp(L) - x) + beta * z

        rows.append(minimize(loss, np.zeros(W.shape[1]), jac=True, options={"gtol": 1e-6}).x)
    return np.array(rows)


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


# %% β забыта в градиенте, декодировщик — одни сдвиги tags=["task-5"] loses=["5.1", "5.2", "5.3", "5.4"]
def tastes(X, W, b, beta):
    from scipy.optimize import minimize

    rows = []
    for x in X.toarray():

        def loss(z):
            f = W @ z + b
            return -x @ (f - np.logaddexp.reduce(f)) + z @ z / 2

        rows.append(minimize(loss, np.zeros(W.shape[1])).x)
    return np.array(rows)


def fit_decoder(X, latent, seed):
    return np.zeros((X.shape[1], latent)), np.log(X.sum(axis=0) + 1)


# %% вместо обучения — SVD матрицы X tags=["task-5"] loses=["5.3", "5.4"]
def tastes(X, W, b, beta):
    from scipy.optimize import minimize

    rows = []
    for x in X.toarray():

        def loss(z):
            f = W @ z + b
            L = f - np.logaddexp.reduce(f)
            return -x @ L + beta / 2 * z @ z, W.T @ (x.sum() * np.exp(L) - x) + beta * z

        rows.append(minimize(loss, np.zeros(W.shape[1]), jac=True, options={"gtol": 1e-6}).x)
    return np.array(rows)


def fit_decoder(X, latent, seed):
    _, s, V = np.linalg.svd(X.toarray() - X.toarray().mean(0), full_matrices=False)
    return V[:latent].T * 0.1, np.log(X.sum(axis=0) + 1)


# %% веса без ограничения: штраф на вкусы ничего не сдерживает tags=["task-5"] loses=["5.3", "5.4"]
def tastes(X, W, b, beta):
    from scipy.optimize import minimize

    rows = []
    for x in X.toarray():

        def loss(z):
            f = W @ z + b
            L = f - np.logaddexp.reduce(f)
            return -x @ L + beta / 2 * z @ z, W.T @ (x.sum() * np.exp(L) - x) + beta * z

        rows.append(minimize(loss, np.zeros(W.shape[1]), jac=True, options={"gtol": 1e-6}).x)
    return np.array(rows)


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
        g = np.concatenate([(R @ W + Z).ravel(), (R.T @ Z).ravel(), R.sum(0)])
        return -(X * L).sum() + (Z**2).sum() / 2, g

    v0 = np.append(
        0.1 * np.random.default_rng(0).normal(size=(U + I) * latent), np.log(X.sum(0) + 1)
    )
    v = minimize(loss, v0, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return v[U * latent : (U + I) * latent].reshape(I, latent), v[(U + I) * latent :]
