"""LightGCN из урока: ручной счёт, плотная матрица, PyTorch Geometric, обучение, плохой ввод."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from recsys_lessons.models.lightgcn import (
    bpr_loss,
    normalized_adjacency,
    propagate,
    sample_negatives,
    to_torch,
)
from scipy.stats import chisquare
from sklearn.exceptions import NotFittedError
from torch_geometric.nn.models import LightGCN as PyGLightGCN

from recsys_lessons.inputs import check_training
from recsys_lessons.models import GFCF, LightGCN
from recsys_lessons.models import lightgcn as lesson

X_HAND = sp.csr_array([[1.0, 1], [0, 1]])
Z_HAND = torch.tensor([[1.0], [2], [3], [4]], dtype=torch.float64)
SMALL = {"n_factors": 8, "epochs": 3, "batch_size": 64}


@pytest.fixture(autouse=True)
def no_progress_bar(monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")


@pytest.fixture(scope="module")
def X():
    """Случайные взаимодействия; есть объект и пользователь без взаимодействий."""
    rng = np.random.default_rng(1)
    dense = rng.random((70, 40)) < np.linspace(0.4, 0.03, 40)
    dense[:, 17] = False
    dense[5] = False
    return sp.csr_array(dense.astype(float))


def embeddings(X, seed=0, d=6):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.standard_normal((sum(X.shape), d)))


def dense_adjacency(X):
    """Та же матрица по определению, циклом."""
    dense = X.toarray()
    n_users, n_items = dense.shape
    A = np.zeros((n_users + n_items, n_users + n_items))
    for u, i in zip(*dense.nonzero(), strict=True):
        weight = 1 / np.sqrt(np.count_nonzero(dense[u]) * np.count_nonzero(dense[:, i]))
        A[u, n_users + i] = A[n_users + i, u] = weight
    return A


def test_hand_vector():
    Z = propagate(to_torch(normalized_adjacency(X_HAND)), Z_HAND, 1)
    expected = [2.560660, 2.414214, 1.853553, 2.957107]
    np.testing.assert_allclose(Z.numpy().ravel(), expected, atol=1e-6)


def test_adjacency_is_the_definition(X):
    A = normalized_adjacency(X)
    np.testing.assert_allclose(A.toarray(), dense_adjacency(X), atol=1e-15)
    assert (abs(A - A.T) > 0).nnz == 0
    assert abs(np.linalg.eigvalsh(A.toarray())).max() < 1 + 1e-12


@pytest.mark.parametrize("n_layers", [0, 1, 3, 6])
def test_dense_powers(X, n_layers):
    Z0 = embeddings(X)
    powers = [np.linalg.matrix_power(dense_adjacency(X), n) for n in range(n_layers + 1)]
    expected = np.mean(powers, axis=0) @ Z0.numpy()
    ours = propagate(to_torch(normalized_adjacency(X)), Z0, n_layers)
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("n_layers", [0, 1, 3])
def test_agreement_with_pyg(X, n_layers):
    A, Z0 = normalized_adjacency(X), embeddings(X)
    library = PyGLightGCN(A.shape[0], Z0.shape[1], n_layers)
    edges = torch.from_numpy(np.stack(A.tocoo().coords)).long()
    with torch.no_grad():
        library.embedding.weight.copy_(Z0)
        theirs = library.get_embedding(edges).numpy()
    assert abs(propagate(to_torch(A), Z0, n_layers).numpy() - theirs).max() < 1e-6


def test_loss_and_penalty_are_those_of_pyg(X):
    """Один шаг обучения меняет слой 0 так же, как функция потерь PyG со штрафом λ/2."""
    model = LightGCN(n_factors=6, n_layers=2, l2=0.3, lr=0.1, epochs=1, batch_size=10**6)
    model.optimizer = lambda Z0: torch.optim.SGD([Z0], lr=0.1)
    model.fit(X)
    model.X_ = X
    before = model._initial_embeddings().detach()
    users, liked = lesson.training_pairs(X)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(users))
    others = sample_negatives(X, users[order], rng)
    nodes = [users[order], X.shape[0] + liked[order], X.shape[0] + others]
    u, i, j = (torch.from_numpy(n).long() for n in nodes)

    library = PyGLightGCN(sum(X.shape), 6, 2).double()
    with torch.no_grad():
        library.embedding.weight.copy_(before)
    edges = torch.from_numpy(np.stack(normalized_adjacency(X).tocoo().coords)).long()
    Z = library.get_embedding(edges)
    ranks = (Z[u] * Z[i]).sum(1), (Z[u] * Z[j]).sum(1)
    library.recommendation_loss(*ranks, node_id=torch.cat([u, i, j]), lambda_reg=0.15).backward()
    expected = before - 0.1 * library.embedding.weight.grad
    np.testing.assert_allclose(model.Z0_, expected.detach().numpy(), atol=1e-7)


def test_bpr_by_hand():
    Z = torch.tensor([[1.0, 2.0], [0.5, 1.0], [2.0, -1.0]], dtype=torch.float64)
    loss = bpr_loss(Z, *torch.tensor([[0], [1], [2]]))
    assert loss.item() == pytest.approx(np.log1p(np.exp(-2.5)), abs=1e-12)
    equal = bpr_loss(Z, *torch.tensor([[0], [1], [1]]))
    assert equal.item() == pytest.approx(np.log(2), abs=1e-12)
    far = bpr_loss(100 * Z, *torch.tensor([[0], [2], [1]]))
    assert torch.isfinite(far)


def test_gradient_through_the_graph(X):
    """Своя функция производной против плотной матрицы."""
    A = normalized_adjacency(X)
    fast = embeddings(X).requires_grad_()
    slow = fast.detach().clone().requires_grad_()
    dense = torch.from_numpy(A.toarray())
    target = embeddings(X, seed=2)
    (propagate(to_torch(A), fast, 3) * target).sum().backward()
    (
        (slow + dense @ slow + dense @ dense @ slow + dense @ dense @ dense @ slow) / 4 * target
    ).sum().backward()
    np.testing.assert_allclose(fast.grad.numpy(), slow.grad.numpy(), atol=1e-12)


def test_permuting_nodes_permutes_embeddings(X):
    rng = np.random.default_rng(3)
    order_u, order_i = rng.permutation(X.shape[0]), rng.permutation(X.shape[1])
    order = np.concatenate([order_u, X.shape[0] + order_i])
    Z0 = embeddings(X)
    A, A_moved = (normalized_adjacency(m) for m in (X, X[order_u][:, order_i]))
    moved = propagate(to_torch(A_moved), Z0[torch.from_numpy(order)], 3)
    np.testing.assert_allclose(moved, propagate(to_torch(A), Z0, 3)[order], atol=1e-12)


def test_negatives_are_negative_and_uniform(X):
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(70), 4000)
    drawn = sample_negatives(X, users, rng)
    assert drawn.min() >= 0
    assert drawn.max() < 40
    assert not X[users, drawn].any()
    for user in (0, 5, 33, 69):
        counts = np.bincount(drawn[users == user], minlength=40)
        possible = X[[user]].toarray().ravel() == 0
        assert chisquare(counts[possible]).pvalue > 1e-4


def test_negatives_of_a_user_with_one_item_left():
    X = sp.csr_array([[1.0, 1, 0, 1], [0, 1, 1, 1]])
    drawn = sample_negatives(X, np.array([0, 1, 0, 1]), np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, [2, 0, 2, 0])


def test_zero_layers_is_matrix_factorization(X):
    model = LightGCN(n_layers=0, **SMALL).fit(X)
    np.testing.assert_array_equal(np.concatenate([model.P_, model.Q_]), model.Z0_)
    np.testing.assert_allclose(model.score([3]), model.P_[[3]] @ model.Q_.T, atol=1e-15)


def test_final_embeddings_are_propagated_layer_zero(X):
    model = LightGCN(n_layers=2, **SMALL).fit(X)
    Z = propagate(to_torch(normalized_adjacency(X)), torch.from_numpy(model.Z0_), 2)
    np.testing.assert_allclose(np.concatenate([model.P_, model.Q_]), Z.numpy(), atol=1e-13)


def test_training_is_repeatable_and_leaves_global_generators_alone(X):
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = LightGCN(seed=4, **SMALL).fit(X).score(range(70))
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
    np.testing.assert_array_equal(LightGCN(seed=4, **SMALL).fit(X).score(range(70)), first)
    assert abs(LightGCN(seed=5, **SMALL).fit(X).score(range(70)) - first).max() > 1e-3


def test_every_pair_is_used_once_an_epoch(X):
    seen = []

    class Watched(LightGCN):
        def negatives(self, users, rng):
            seen.append(np.bincount(users, minlength=70))
            return super().negatives(users, rng)

    Watched(**SMALL).fit(X)
    assert len(seen) == 3
    np.testing.assert_array_equal(seen[0], np.diff(X.indptr))


def test_validation_chooses_the_best_epoch_and_stops(X):
    values = iter([0.1, 0.5, 0.3, 0.2, 0.1, 0.9])
    kept = []

    def validation(model):
        kept.append(model.Z0_.copy())
        return next(values)

    model = LightGCN(n_factors=4, epochs=60, validate_every=2, patience=6).fit(X, validation)
    assert model.best_epoch_ == 4
    assert model.curve_ == [(2, 0.1), (4, 0.5), (6, 0.3), (8, 0.2), (10, 0.1)]
    np.testing.assert_array_equal(model.Z0_, kept[1])


def test_interrupted_training_keeps_the_best_and_goes_on(X):
    kept = []

    def validation(model):
        kept.append(model.Z0_.copy())
        if len(kept) == 3:
            raise KeyboardInterrupt
        return [0.7, 0.2][len(kept) - 1]

    model = LightGCN(n_factors=4, epochs=60, validate_every=1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, validation)
    assert model.best_epoch_ == 1
    np.testing.assert_array_equal(model.Z0_, kept[0])
    whole = propagate(to_torch(normalized_adjacency(X)), torch.from_numpy(kept[0]), model.n_layers)
    np.testing.assert_allclose(np.concatenate([model.P_, model.Q_]), whole.numpy(), atol=1e-13)


@pytest.mark.parametrize("settings", [{"lr": 1e300, "epochs": 20}, {"n_factors": 10**9}])
def test_failed_refit_leaves_the_old_model_whole(X, settings):
    model = LightGCN(**SMALL).fit(X)
    old, learned = model.score(range(70)), dict(vars(model))
    with pytest.raises((FloatingPointError, MemoryError)):
        model.set_params(**settings).fit(X[:40])
    np.testing.assert_array_equal(model.score(range(70)), old)
    assert all(vars(model)[name] is learned[name] for name in learned if name.endswith("_"))


def test_initial_embeddings_have_the_stated_deviation(X):
    model = LightGCN(n_factors=500)
    model.X_ = X
    Z0 = model._initial_embeddings().detach().numpy()
    connected = Z0[np.abs(Z0).sum(axis=1) > 0]
    degree = np.concatenate([X.sum(axis=1), X.sum(axis=0)])
    assert len(connected) == np.count_nonzero(degree)
    assert connected.std() == pytest.approx(0.1, rel=0.02)
    assert abs(connected.mean()) < 0.002


def test_users_times_items_beyond_32_bits():
    """Размер Amazon-Book: ключ «пользователь · объекты + объект» не помещается в int32."""
    n_users, n_items = 52_643, 91_599
    rng = np.random.default_rng(0)
    rows = np.repeat(np.arange(n_users), 3)
    columns = rng.integers(n_items, size=len(rows))
    X = check_training(sp.csr_matrix((np.ones(len(rows)), (rows, columns)), (n_users, n_items)))
    users, _ = lesson.training_pairs(X)
    assert users.dtype == np.int32
    drawn = sample_negatives(X, users, np.random.default_rng(1))
    assert drawn.min() >= 0
    assert drawn.max() < n_items
    assert not X[users, drawn].any()


def test_numpy_integers_are_integers(X):
    whole = {name: np.int64(value) for name, value in SMALL.items()}
    again = LightGCN(**whole, seed=np.int32(3)).fit(X)
    expected = LightGCN(**SMALL, seed=3).fit(X)
    np.testing.assert_array_equal(again.score([0]), expected.score([0]))


def test_the_last_epoch_is_always_validated(X):
    script = iter([0.1, 0.3])
    model = LightGCN(n_factors=4, epochs=7, validate_every=5).fit(X, lambda _: next(script))
    assert model.curve_ == [(5, 0.1), (7, 0.3)]
    assert model.best_epoch_ == 7


def test_cold_user_and_cold_item_are_finite(X):
    model = LightGCN(**SMALL).fit(X)
    scores = model.score(range(70))
    assert np.isfinite(scores).all()
    assert not scores[5].any()


def test_user_who_has_everything_trains_and_scores():
    X = sp.csr_array([[1.0, 1, 1], [1, 0, 0], [0, 1, 0]])
    assert np.isfinite(LightGCN(**SMALL).fit(X).score([0, 1, 2])).all()


def test_weights_do_not_count_and_formats_do_not_matter(X):
    expected = LightGCN(**SMALL).fit(X).score(range(70))
    for same in (2.5 * X, X.tocoo(), X.tocsc()):
        np.testing.assert_array_equal(LightGCN(**SMALL).fit(same).score(range(70)), expected)


def test_float32_is_close(X):
    single = LightGCN(dtype=np.float32, **SMALL).fit(X)
    assert single.P_.dtype == np.float32
    assert abs(single.score([1]) - LightGCN(**SMALL).fit(X).score([1])).max() < 1e-3


def test_one_film_has_no_negatives_and_says_so():
    with pytest.raises(ValueError, match="Отрицательных примеров нет"):
        LightGCN(**SMALL).fit(sp.csr_array([[1.0], [1.0]]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_layers": -1}, "n_layers"),
        ({"n_factors": 0}, "n_factors"),
        ({"n_factors": 2.5}, "целое"),
        ({"l2": -1}, "l2"),
        ({"lr": 0}, "lr"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": None}, "batch_size"),
        ({"dtype": np.int64}, "dtype"),
    ],
)
def test_bad_setting_gets_a_russian_error(options, message):
    with pytest.raises(ValueError, match=message):
        LightGCN(**options).fit(X_HAND)


@pytest.mark.parametrize("device", ["nothing", "gpu", "cuda:99", 3.5, None])
def test_missing_device_gets_a_russian_error(device):
    with pytest.raises(ValueError, match="На устройстве"):
        LightGCN(device=device).fit(X_HAND)


@pytest.mark.parametrize("value", [np.nan, None, "0.5"])
def test_bad_validation_gets_a_russian_error(X, value):
    with pytest.raises(ValueError, match="validation"):
        LightGCN(validate_every=1, **SMALL).fit(X, lambda model: value)


def test_diverged_training_gets_a_russian_error(X):
    with pytest.raises(FloatingPointError, match="lr"):
        LightGCN(lr=1e300, epochs=20, n_factors=4).fit(X)


def test_bad_users_get_a_russian_error(X):
    with pytest.raises(NotFittedError, match="не обучена"):
        LightGCN().score([0])
    model = LightGCN(**SMALL).fit(X)
    with pytest.raises(ValueError, match="Пользователя 70 нет"):
        model.score([70])


# ------------------------------------------------------------------------------ GF-CF


def test_gfcf_by_hand():
    """Старший вектор связного графа — корни степеней, поэтому низкие частоты — популярность."""
    B = GFCF(n_factors=1, low_pass=3.0).fit(X_HAND).B_
    similar = [[1 / 2, 8**-0.5], [8**-0.5, 3 / 4]]
    np.testing.assert_allclose(B, similar + np.array([1.0, 2]), atol=1e-12)


@pytest.mark.parametrize("d", [1, 7, 30])
def test_gfcf_is_the_formula(X, d):
    """Плотные матрицы и полное разложение вместо разреженных и частичного."""
    dense = X.toarray()
    users, items = (np.maximum(dense.sum(axis=axis), 1) for axis in (1, 0))
    R = dense / np.sqrt(np.outer(users, items))
    V = np.linalg.svd(R)[2][:d].T
    low = np.diag(items**-0.5) @ V @ V.T @ np.diag(items**0.5)
    model = GFCF(n_factors=d, low_pass=0.7).fit(X)
    np.testing.assert_allclose(model.B_, R.T @ R + 0.7 * low, atol=1e-10)
    np.testing.assert_allclose(model.score([3, 0]), dense[[3, 0]] @ model.B_, atol=1e-12)


def test_gfcf_without_low_frequencies_is_two_steps_of_the_graph(X):
    two_steps = normalized_adjacency(X) @ normalized_adjacency(X)
    B = GFCF(n_factors=3, low_pass=0).fit(X).B_
    np.testing.assert_allclose(B, two_steps[70:, 70:].toarray(), atol=1e-12)


def test_gfcf_of_all_frequencies_adds_the_history_itself(X):
    full = GFCF(n_factors=1000, low_pass=2.0).fit(X).B_ - GFCF(low_pass=0).fit(X).B_
    np.testing.assert_allclose(full, 2 * np.diag(X.sum(axis=0) > 0), atol=1e-10)


def test_gfcf_knows_new_users_and_ignores_weights(X):
    model = GFCF(n_factors=5).fit(X)
    np.testing.assert_allclose(model.score_history(X), model.score(range(70)), atol=1e-12)
    np.testing.assert_array_equal(model.score_history(3 * X[:4]), model.score_history(X[:4]))
    np.testing.assert_array_equal(GFCF(n_factors=5).fit(2.5 * X).B_, model.B_)
    assert not model.score([5]).any()
    assert not model.score(range(70))[:, 17].any()


def test_gfcf_leaves_the_matrix_of_the_reader_alone(X):
    twice = 2 * X
    GFCF(n_factors=5).fit(twice).score_history(twice)
    np.testing.assert_array_equal(twice.toarray(), 2 * X.toarray())


@pytest.mark.parametrize(
    "options", [{"n_factors": 0}, {"n_factors": 2.5}, {"low_pass": -1}, {"low_pass": None}]
)
def test_gfcf_refuses_bad_settings_in_russian(X, options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} — "):
        GFCF(**options).fit(X)


def test_gfcf_refuses_bad_users_in_russian(X):
    with pytest.raises(NotFittedError, match="не обучена"):
        GFCF().score([0])
    with pytest.raises(NotFittedError, match="не обучена"):
        GFCF().score_history(X)
    model = GFCF(n_factors=5).fit(X)
    with pytest.raises(ValueError, match="Пользователя 70 нет"):
        model.score([70])
    with pytest.raises(ValueError, match="30"):
        model.score_history(X[:, :30])
