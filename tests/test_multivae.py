"""MultiVAE из урока: ручной счёт, torch.distributions, NumPy, плотный цикл, плохой ввод."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from recsys_lessons.models.multivae import (
    SparseLinear,
    VAENet,
    kl_to_standard,
    kl_weight,
    multinomial_nll,
)
from sklearn.base import clone
from torch import nn
from torch.distributions import Multinomial, Normal, kl_divergence

from recsys_lessons.models import MultDAE, MultiVAE

TINY = {"hidden": 12, "latent": 4, "epochs": 3, "batch_size": 16, "anneal_steps": 20}


@pytest.fixture(scope="module")
def X():
    """Случайные взаимодействия; объект 7 и пользователи 3 и 50 — без взаимодействий."""
    dense = np.random.default_rng(1).random((60, 40)) < np.linspace(0.4, 0.05, 40)
    dense[:, 7] = False
    dense[[3, 50]] = False
    return sp.csr_array(dense.astype(float))


@pytest.fixture(scope="module")
def model(X):
    return MultiVAE(**TINY).fit(X)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weights(model):
    return np.concatenate([p.detach().numpy().ravel() for p in model.net_.parameters()])


# --- Функция потерь -------------------------------------------------------------------------------


def test_likelihood_by_hand():
    """Равные доли, два выбора из четырёх: (1/4)²; доли 2/5, 2/5, 1/10, 1/10: 4/25."""
    x = torch.tensor([[1.0, 1, 0, 0]], dtype=torch.float64)
    even = multinomial_nll(torch.zeros(1, 4, dtype=torch.float64), x)
    taste = multinomial_nll(torch.tensor([[0.4, 0.4, 0.1, 0.1]], dtype=torch.float64).log(), x)
    np.testing.assert_allclose(even, [np.log(16)], atol=1e-14)
    np.testing.assert_allclose(taste, [np.log(25 / 4)], atol=1e-14)


def test_gradient_is_n_pi_minus_x():
    logits = (3 * random(5, 9)).requires_grad_()
    x = (random(5, 9, seed=1) > 0).double() * 2
    multinomial_nll(logits, x).sum().backward()
    expected = x.sum(dim=1, keepdim=True) * logits.detach().softmax(dim=1) - x
    np.testing.assert_allclose(logits.grad, expected, atol=1e-12)


def test_likelihood_agrees_with_torch_multinomial():
    logits, x = random(6, 8), torch.arange(48, dtype=torch.float64).reshape(6, 8) % 3
    constant = torch.lgamma(x.sum(1) + 1) - torch.lgamma(x + 1).sum(1)
    theirs = torch.stack(
        [
            Multinomial(int(n), logits=f).log_prob(row)
            for n, f, row in zip(x.sum(1), logits, x, strict=True)
        ]
    )
    np.testing.assert_allclose(constant - multinomial_nll(logits, x), theirs, atol=1e-10)


def test_likelihood_survives_huge_logits():
    logits = torch.tensor([[2000.0, 0.0]], dtype=torch.float64)
    np.testing.assert_allclose(multinomial_nll(logits, torch.tensor([[0.0, 1.0]])), [2000.0])


def test_all_ones_is_not_the_optimum():
    x = torch.tensor([[1.0, 1, 0, 0]], dtype=torch.float64)
    everything = multinomial_nll(torch.full((1, 4), 50.0, dtype=torch.float64), x)
    only_history = multinomial_nll(10 * x, x)
    np.testing.assert_allclose(everything, [2 * np.log(4)], atol=1e-10)
    assert only_history < everything


def test_kl_agrees_with_torch_distributions():
    mu, log_var = random(6, 5), random(6, 5, seed=1)
    theirs = kl_divergence(Normal(mu, (log_var / 2).exp()), Normal(0.0, 1.0)).sum(1)
    np.testing.assert_allclose(kl_to_standard(mu, log_var), theirs, atol=1e-12)


def test_kl_is_zero_only_at_the_standard_normal():
    zero = torch.zeros(1, 3, dtype=torch.float64)
    assert kl_to_standard(zero, zero).item() == 0
    for mu, log_var in ((zero + 0.1, zero), (zero, zero + 0.1), (zero, zero - 0.1)):
        assert kl_to_standard(mu, log_var).item() > 0


def test_weight_of_kl_is_counted_in_updates():
    assert [kl_weight(t, 0.2, 10) for t in (0, 1, 2, 3, 100)] == [0, 0.1, 0.2, 0.2, 0.2]
    assert kl_weight(0, 0.3, 0) == 0.3
    first = next(t for t in range(50_000) if kl_weight(t, 0.2, 200_000) == 0.2)
    assert first // 234 + 1 == 171  # опыт статьи: 234 пакета в эпохе


# --- Сеть -----------------------------------------------------------------------------------------


def test_sparse_layer_equals_dense_layer():
    layer = SparseLinear(20, 6).double()
    nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(0))
    nn.init.normal_(layer.bias, generator=torch.Generator().manual_seed(1))
    x = random(7, 20) * (random(7, 20, seed=2) > 1)
    x[4] = 0
    weight, bias = (p.detach().clone().requires_grad_() for p in (layer.weight, layer.bias))
    ours, theirs = layer(x), x @ weight + bias
    np.testing.assert_allclose(ours.detach(), theirs.detach(), atol=1e-13)
    ours.tanh().sum().backward()
    theirs.tanh().sum().backward()
    np.testing.assert_allclose(layer.weight.grad, weight.grad, atol=1e-13)
    np.testing.assert_allclose(layer.bias.grad, bias.grad, atol=1e-13)


def numpy_scores(net, x):
    p = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    h = np.tanh(x / np.where(norm > 0, norm, 1) @ p["first.weight"] + p["first.bias"])
    mu = h @ p["to_latent.weight"].T + p["to_latent.bias"]
    mu = mu[:, : mu.shape[1] // 2]
    h = np.tanh(mu @ p["from_latent.weight"].T + p["from_latent.bias"])
    return h @ p["output.weight"].T + p["output.bias"]


def test_scores_agree_with_numpy(X, model):
    np.testing.assert_allclose(
        model.score(np.arange(60)), numpy_scores(model.net_, X.toarray()), atol=1e-12
    )


def test_scores_are_logits_at_the_mean_and_never_random(X, model):
    torch.manual_seed(1)
    first = model.score([0, 5])
    torch.manual_seed(2)
    np.testing.assert_array_equal(model.score([0, 5]), first)
    mu, _ = model.net_.encode(torch.from_numpy(X[[0, 5]].toarray()))
    np.testing.assert_allclose(first, model.net_.decode(mu).detach(), atol=1e-14)


def test_score_does_not_depend_on_neighbours_in_the_batch(X, model):
    together = model.score(np.arange(60))
    alone = np.vstack([model.score([user]) for user in range(60)])
    np.testing.assert_allclose(alone, together, atol=1e-12)
    np.testing.assert_allclose(model.score_history(X), together, atol=1e-14)
    assert model.score([]).shape == (0, 40)


def test_length_of_the_input_does_not_matter(X, model):
    np.testing.assert_allclose(model.score_history(5 * X), model.score_history(X), atol=1e-12)


def test_dropout_follows_normalisation_and_keeps_the_mean():
    """Кодировщик получает нормированную историю, часть которой стёрта, остаток увеличен вдвое."""
    net = VAENet(30, 4, 2, 0.5, torch.Generator().manual_seed(0))
    received = []
    net.first.register_forward_hook(lambda _, inputs, __: received.append(inputs[0]))
    x = torch.ones(200, 30, dtype=torch.float64)
    net.encode(x, torch.Generator().manual_seed(3))
    net.encode(x)
    values = received[0].unique().numpy()
    np.testing.assert_allclose(values, [0, 2 / np.sqrt(30)], atol=1e-14)
    assert abs((received[0] > 0).double().mean().item() - 0.5) < 0.02
    np.testing.assert_allclose(received[1], x / np.sqrt(30), atol=1e-14)


def test_training_point_is_mean_plus_scaled_noise(monkeypatch):
    net = VAENet(30, 4, 2, 0.0, torch.Generator().manual_seed(0))
    x = (random(9, 30) > 0).double()
    received = []
    monkeypatch.setattr(net, "decode", lambda z: received.append(z) or z)
    _, mu, log_var = net(x, torch.Generator().manual_seed(5))
    again = torch.Generator().manual_seed(5)
    torch.rand(x.shape, generator=again, dtype=torch.float64)
    noise = torch.randn(mu.shape, generator=again, dtype=torch.float64)
    expected = mu + noise * (log_var / 2).exp()
    np.testing.assert_allclose(received[0].detach(), expected.detach(), atol=1e-14)


# --- Обучение -------------------------------------------------------------------------------------


def dense_reference(X, hidden, latent, dropout, cap, anneal_steps, epochs, batch_size, lr, seed):
    """Тот же опыт обычным циклом: плотная матрица, плотные слои, формулы выписаны заново."""
    generator = torch.Generator().manual_seed(seed)
    net = VAENet(X.shape[1], hidden, latent, dropout, generator)
    p = [t.detach().clone().requires_grad_() for t in net.parameters()]
    optimizer = torch.optim.Adam(p, lr=lr)
    full, update = torch.from_numpy(X.toarray()), 0
    users = torch.from_numpy(np.flatnonzero(X.sum(axis=1)))
    for _ in range(epochs):
        order = users[torch.randperm(len(users), generator=generator)]
        for batch in order.split(batch_size):
            x = full[batch]
            mask = torch.rand(x.shape, generator=generator, dtype=torch.float64) >= dropout
            h = x / x.norm(dim=1, keepdim=True) * mask / (1 - dropout)
            h = torch.tanh(h @ p[0] + p[1]) @ p[2].T + p[3]
            mu, log_var = h[:, :latent], h[:, latent:]
            noise = torch.randn(mu.shape, generator=generator, dtype=torch.float64)
            z = mu + noise * torch.exp(0.5 * log_var)
            logits = torch.tanh(z @ p[4].T + p[5]) @ p[6].T + p[7]
            nll = (x.sum(1) * torch.logsumexp(logits, 1) - (x * logits).sum(1)).mean()
            kl = -0.5 * (1 + log_var - mu.pow(2) - log_var.exp()).sum(1).mean()
            optimizer.zero_grad()
            (nll + min(cap, update / anneal_steps) * kl).backward()
            optimizer.step()
            update += 1
    return np.concatenate([t.detach().numpy().ravel() for t in p])


def test_training_equals_a_plain_dense_loop(X):
    model = MultiVAE(**TINY, beta_cap=0.3, dropout=0.4, lr=0.01, seed=4).fit(X)
    reference = dense_reference(X, 12, 4, 0.4, 0.3, 20, 3, 16, 0.01, seed=4)
    np.testing.assert_allclose(weights(model), reference, atol=1e-10)
    assert model.n_updates_ == 3 * 4


def test_training_repeats_exactly_and_seeds_differ(X, model):
    before = torch.get_rng_state()
    again = MultiVAE(**TINY).fit(X)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(weights(again), weights(model))
    assert abs(weights(MultiVAE(**TINY, seed=1).fit(X)) - weights(model)).max() > 1e-3


def test_users_without_interactions_do_not_take_part(X, model):
    active = X[np.flatnonzero(X.sum(axis=1))]
    np.testing.assert_array_equal(weights(MultiVAE(**TINY).fit(active)), weights(model))


def scripted(values):
    """Валидация с заранее записанными значениями."""
    queue = list(values)
    return lambda model: queue.pop(0)


def test_best_epoch_is_restored(X):
    settings = {**TINY, "epochs": 5}
    stopped = MultiVAE(**settings).fit(X, scripted([0.1, 0.3, 0.2, 0.3, 0.1]))
    assert stopped.best_epoch_ == 2
    assert stopped.curve_ == [(1, 0.1), (2, 0.3), (3, 0.2), (4, 0.3), (5, 0.1)]
    two = MultiVAE(**{**TINY, "epochs": 2}).fit(X)
    np.testing.assert_array_equal(weights(stopped), weights(two))


def test_patience_stops_early(X):
    model = MultiVAE(**{**TINY, "epochs": 50}, patience=2).fit(X, scripted([1, 3, 2, 2.5, 9]))
    assert model.curve_ == [(1, 1), (2, 3), (3, 2), (4, 2.5)]
    assert model.best_epoch_ == 2


def test_refit_forgets_the_previous_validation(X):
    model = MultiVAE(**TINY)
    model.fit(X, scripted([1, 2, 3])).fit(X)
    assert model.best_epoch_ == TINY["epochs"]
    assert model.curve_ == []
    assert len(model.losses_) == TINY["epochs"]


def test_interrupt_keeps_the_best_epoch_and_goes_on(X):
    def validation(model):
        if len(model.curve_) == 2:
            raise KeyboardInterrupt
        return -len(model.curve_)

    model = MultiVAE(**{**TINY, "epochs": 9})
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, validation)
    assert model.best_epoch_ == 1
    one = MultiVAE(**{**TINY, "epochs": 1}).fit(X)
    np.testing.assert_array_equal(weights(model), weights(one))


class Interrupted(MultiVAE):
    """Прервана на шестом пакете, во второй эпохе."""

    def reconstruction(self, logits, x):
        if self.n_updates_ == 5:
            raise KeyboardInterrupt
        return super().reconstruction(logits, x)


def test_interrupt_in_the_middle_of_an_epoch_keeps_the_last_whole_one(X):
    model = Interrupted(**TINY)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert model.best_epoch_ == 1
    one = MultiVAE(**{**TINY, "epochs": 1}).fit(X)
    np.testing.assert_array_equal(weights(model), weights(one))


@pytest.mark.parametrize("settings", [{"lr": 1e200}, {"epochs": 0}, {"hidden": 10**9}])
def test_failed_refit_leaves_the_old_model_whole(X, settings):
    model = MultiVAE(**TINY).fit(X)
    old = model.score(range(60))
    with pytest.raises((FloatingPointError, ValueError, MemoryError)):
        model.set_params(**settings).fit(X[:30])
    np.testing.assert_array_equal(model.score(range(60)), old)


def test_network_that_does_not_fit_in_memory_says_how_much_it_needs(X):
    with pytest.raises(MemoryError, match=r"ГБ, свободно .* Уменьшите hidden"):
        MultiVAE(hidden=10**9, latent=2).fit(X)


def test_numpy_integers_are_integers(X):
    whole = {name: np.int64(value) for name, value in TINY.items() if isinstance(value, int)}
    again = MultiVAE(**{**TINY, **whole}, seed=np.int32(3)).fit(X)
    np.testing.assert_array_equal(weights(again), weights(MultiVAE(**TINY, seed=3).fit(X)))


def test_float32_stays_close(X):
    single = MultiVAE(**TINY, dtype=np.float32).fit(X)
    assert single.score([0]).dtype == np.float32
    assert abs(single.score(range(60)) - MultiVAE(**TINY).fit(X).score(range(60))).max() < 1e-3


# --- Плохой ввод ----------------------------------------------------------------------------------


def test_cold_item_and_cold_user_never_nan(model):
    scores = model.score([3, 50])
    assert np.isfinite(model.score(range(60))).all()
    np.testing.assert_array_equal(scores[0], scores[1])


def test_one_item_one_user():
    X = sp.csr_array([[1.0]])
    model = MultiVAE(**TINY).fit(X)
    assert model.score([0]).shape == (1, 1)
    assert np.isfinite(model.score([0])).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden", 0), ("latent", 2.5), ("epochs", 0), ("batch_size", "50"), ("patience", 0),
        ("anneal_steps", -1), ("seed", 1.0), ("seed", None), ("dropout", 1), ("dropout", -0.1),
        ("beta_cap", -1), ("beta_cap", np.nan), ("lr", 0), ("lr", True),
    ],
)  # fmt: skip
def test_bad_setting_gets_a_russian_error(X, name, value):
    with pytest.raises(ValueError, match=f"{name} — .*получено"):
        MultiVAE(**{**TINY, name: value}).fit(X)


@pytest.mark.parametrize("device", ["nothing", "cuda:99", 3.5])
def test_missing_device_gets_a_russian_error(X, device):
    with pytest.raises(ValueError, match="На устройстве"):
        MultiVAE(**TINY, device=device).fit(X)


def test_divergence_gets_a_russian_error(X):
    with pytest.raises(FloatingPointError, match="уменьшите темп обучения"):
        MultiVAE(**TINY, lr=1e200).fit(X)


# --- Mult-DAE -------------------------------------------------------------------------------------

PLAIN = {"hidden": 12, "latent": 4, "epochs": 3, "batch_size": 16}


def test_dae_loss_by_formula(X):
    """Правдоподобие в точке ``mu`` и λ₂ на сумму квадратов весов; сдвиги не штрафуются."""
    model = MultDAE(**PLAIN, dropout=0.0, l2=0.3).fit(X)
    with torch.no_grad():
        for parameter in model.net_.parameters():
            if parameter.ndim == 1:
                parameter += 5.0
    x, p = X[:20].toarray(), {n: t.numpy() for n, t in model.net_.state_dict().items()}
    outputs = numpy_scores(model.net_, x)
    log_pi = outputs - np.log(np.exp(outputs).sum(axis=1, keepdims=True))
    squares = sum((p[f"{name}.weight"] ** 2).sum() for name in
                  ("first", "to_latent", "from_latent", "output"))  # fmt: skip
    expected = -(x * log_pi).sum(axis=1).mean() + 0.3 * squares
    loss = model.batch_loss(torch.from_numpy(x), torch.Generator())
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-12)


def test_dae_has_no_noise_but_dropout(X):
    x = torch.from_numpy(X[:20].toarray())
    for dropout, same in ((0.0, True), (0.5, False)):
        model = MultDAE(**PLAIN, dropout=dropout).fit(X)
        first, second = (
            model.batch_loss(x, torch.Generator().manual_seed(seed)).item() for seed in (1, 2)
        )
        assert (first == second) is same


def test_dae_training_equals_a_plain_dense_loop(X):
    model = MultDAE(**PLAIN, dropout=0.4, l2=0.05, lr=0.01, seed=4).fit(X)
    generator = torch.Generator().manual_seed(4)
    net = VAENet(40, 12, 4, 0.4, generator)
    p = [t.detach().clone().requires_grad_() for t in net.parameters()]
    optimizer = torch.optim.Adam(p, lr=0.01)
    full, users = torch.from_numpy(X.toarray()), torch.from_numpy(np.flatnonzero(X.sum(axis=1)))
    for _ in range(3):
        for batch in users[torch.randperm(len(users), generator=generator)].split(16):
            x = full[batch]
            mask = torch.rand(x.shape, generator=generator, dtype=torch.float64) >= 0.4
            h = x / x.norm(dim=1, keepdim=True) * mask / 0.6
            mu = (torch.tanh(h @ p[0] + p[1]) @ p[2].T + p[3])[:, :4]
            logits = torch.tanh(mu @ p[4].T + p[5]) @ p[6].T + p[7]
            nll = (x.sum(1) * torch.logsumexp(logits, 1) - (x * logits).sum(1)).mean()
            optimizer.zero_grad()
            (nll + 0.05 * sum((w**2).sum() for w in p[::2])).backward()
            optimizer.step()
    reference = np.concatenate([t.detach().numpy().ravel() for t in p])
    np.testing.assert_allclose(weights(model), reference, atol=1e-10)


def test_dae_keeps_its_settings_and_refuses_bad_ones(X):
    model = clone(MultDAE(hidden=5, l2=0.1, patience=3))
    assert (model.hidden, model.l2, model.patience) == (5, 0.1, 3)
    assert "beta_cap" not in model.get_params()
    with pytest.raises(ValueError, match=r"l2 — .*получено"):
        MultDAE(**PLAIN, l2=-1.0).fit(X)
