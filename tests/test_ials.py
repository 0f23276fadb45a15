"""iALS из урока: ручной счёт, плотный эталон, implicit и irspack, свойства цели, плохой ввод."""

import sys

import numpy as np
import pytest
import scipy.sparse as sp
from implicit.cpu._als import calculate_loss
from implicit.cpu.als import AlternatingLeastSquares
from irspack import IALSRecommender
from recsys_lessons.models.ials import compiled_rows, half_sweep, half_sweep_cg, penalties
from threadpoolctl import threadpool_limits

from recsys_lessons.models import IALS, IALSCG
from recsys_lessons.synthetic import make_clusters

Q_HAND = np.array([[1.0, 0], [1, 1], [0, 1]])
X_HAND = sp.csr_array([[1.0, 0, 0], [0, 0, 0], [2, 0, 1]])
SMALL = {"n_factors": 6, "regularization": 0.02, "alpha0": 0.25}


@pytest.fixture(scope="module")
def X():
    """Случайные взаимодействия; один пользователь и один объект без взаимодействий."""
    rng = np.random.default_rng(1)
    dense = rng.random((80, 40)) < np.linspace(0.5, 0.05, 40)
    dense[:, 17] = dense[11] = False
    return sp.csr_array(dense.astype(float))


@pytest.fixture(scope="module")
def weighted(X):
    """Та же матрица с весами от 1 до 4."""
    result = X.copy()
    result.data = np.random.default_rng(2).uniform(1, 4, X.nnz)
    return result


def dense_loss(X, P, Q, l2, alpha0, nu):
    """Целевая функция по определению, через полную таблицу баллов."""
    x, scores = X.toarray(), P @ Q.T
    of_users = (x.sum(axis=1) + alpha0 * x.shape[1]) ** nu @ (P**2).sum(axis=1)
    of_items = (x.sum(axis=0) + alpha0 * x.shape[0]) ** nu @ (Q**2).sum(axis=1)
    return (x * (scores - 1) ** 2 + alpha0 * scores**2).sum() + l2 * (of_users + of_items)


def dense_half_sweep(X, Q, l2, alpha0, nu):
    """Полупроход по определению: у каждой строки — все столбцы."""
    rows = []
    for x in X.toarray():
        penalty = l2 * (x.sum() + alpha0 * len(x)) ** nu
        A = Q.T @ np.diag(x + alpha0) @ Q + penalty * np.eye(Q.shape[1])
        rows.append(np.linalg.solve(A, Q.T @ x))
    return np.array(rows)


def reference_implicit(X, Q, n_sweeps, **settings):
    """Модель implicit: точные решения, если не сказано иное, float64, начальные векторы ``Q``."""
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=Q.shape[1],
            iterations=n_sweeps,
            dtype=np.float64,
            num_threads=1,
            **{"use_cg": False} | settings,
        )
        model.user_factors = np.zeros((X.shape[0], Q.shape[1]))
        model.item_factors = Q.copy()
        model.fit(sp.csr_matrix(X), show_progress=False)
    return model


def start(n_items, n_factors, seed=0):
    """Начальные векторы объектов, какие берёт IALS."""
    return np.random.default_rng(seed).normal(0, 0.1 / np.sqrt(n_factors), (n_items, n_factors))


def test_hand_vector_in_fractions():
    # Строка 0: (1 + 1 + ½) a + ½ b = 1 и ½ a + (1 + ½) b = 0.
    found = half_sweep(X_HAND, Q_HAND, l2=0.5, alpha0=0.5, nu=0)
    np.testing.assert_allclose(found[0], [3 / 7, -1 / 7], atol=1e-14)
    np.testing.assert_array_equal(found[1], [0, 0])
    # Строка 2, веса 2 и 1: 3½ a + ½ b = 2 и ½ a + 2½ b = 1.
    np.testing.assert_allclose(found[2], [9 / 17, 5 / 17], atol=1e-14)


def test_penalty_by_hand():
    two_rows = X_HAND[[0, 2]]
    np.testing.assert_allclose(penalties(two_rows, 2.0, 0.5, 1.0), [5, 9])
    np.testing.assert_allclose(penalties(two_rows, 2.0, 0.5, 0.0), [2, 2])
    np.testing.assert_allclose(penalties(two_rows, 2.0, 0.5, 0.5), 2 * np.sqrt([2.5, 4.5]))
    np.testing.assert_allclose(penalties(two_rows.T, 2.0, 0.5, 1.0), [8, 2, 4])


@pytest.mark.parametrize("nu", [0.0, 0.5, 1.0])
def test_half_sweep_equals_the_definition(weighted, nu):
    Q = np.random.default_rng(3).normal(0, 1, (40, 6))
    settings = {"l2": 0.7, "alpha0": 0.3, "nu": nu}
    found = half_sweep(weighted, Q, **settings)
    np.testing.assert_allclose(found, dense_half_sweep(weighted, Q, **settings), atol=1e-12)


@pytest.mark.parametrize("nu", [0.0, 1.0])
def test_numerical_gradient_is_zero_after_a_half_sweep(weighted, nu):
    Q = np.random.default_rng(3).normal(0, 0.5, (40, 4))
    settings = {"l2": 0.2, "alpha0": 0.3, "nu": nu}
    P, step = half_sweep(weighted, Q, **settings), 1e-4
    for u, f in [(0, 0), (5, 3), (79, 2)]:
        shift = np.zeros_like(P)
        shift[u, f] = step
        up, down = (dense_loss(weighted, P + s, Q, **settings) for s in (shift, -shift))
        assert abs(up - down) / (2 * step) < 1e-6


@pytest.mark.parametrize("nu", [0.0, 1.0])
def test_loss_never_rises(weighted, nu):
    settings = {"l2": 0.05, "alpha0": 0.25, "nu": nu}
    P, Q, columns = np.zeros((80, 6)), start(40, 6), sp.csr_array(weighted.T)
    losses = [dense_loss(weighted, P, Q, **settings)]
    for _ in range(15):
        P = half_sweep(weighted, Q, **settings)
        losses.append(dense_loss(weighted, P, Q, **settings))
        Q = half_sweep(columns, P, **settings)
        losses.append(dense_loss(weighted, P, Q, **settings))
    assert (np.diff(losses) <= 1e-9 * losses[0]).all()
    assert losses[-1] < 0.8 * losses[0]
    model = IALS(6, 0.05, 0.25, nu=nu).fit(weighted)
    np.testing.assert_allclose(model.P_, P, atol=1e-12)
    np.testing.assert_allclose(model.Q_, Q, atol=1e-12)


@pytest.mark.parametrize(("n_sweeps", "bound"), [(1, 1e-10), (15, 1e-8)])
@pytest.mark.parametrize(("alpha0", "l2"), [(0.25, 0.5), (0.5, 3.0), (1.0, 0.1)])
def test_agreement_with_implicit(X, n_sweeps, bound, alpha0, l2):
    model = IALS(6, l2, alpha0, nu=0, n_sweeps=n_sweeps).fit(X)
    root = np.sqrt(1 + alpha0)
    reference = reference_implicit(
        X,
        start(40, 6) * root,
        n_sweeps,
        alpha=1 + 1 / alpha0,
        regularization=l2 * (1 + alpha0) / alpha0,
    )
    if n_sweeps == 1:
        assert abs(model.P_ * root - reference.user_factors).max() < bound
        assert abs(model.Q_ * root - reference.item_factors).max() < bound
    scores = reference.user_factors @ reference.item_factors.T
    assert abs(model.score(np.arange(80)) * root**2 - scores).max() < bound


def test_loss_agrees_with_implicit(X):
    alpha0, l2 = 0.25, 0.5
    model = IALS(6, l2, alpha0, nu=0).fit(X)
    root = np.sqrt(1 + alpha0)
    C = sp.csr_matrix(X, dtype=np.float32) * (1 + 1 / alpha0)
    theirs = calculate_loss(
        C, model.P_ * root, model.Q_ * root, l2 * (1 + alpha0) / alpha0, num_threads=1
    )
    theirs *= C.sum() + 80 * 40 - C.nnz  # implicit делит на сумму степеней уверенности
    # Наша цель, умноженная на (1 + α0)² / α0; выделение квадрата оставляет число α0 / (1 + α0).
    ours = dense_loss(X, model.P_, model.Q_, l2, alpha0, 0) - X.nnz * alpha0 / (1 + alpha0)
    np.testing.assert_allclose(ours * (1 + alpha0) ** 2 / alpha0, theirs, rtol=1e-6)


def test_converged_scores_agree_with_irspack():
    """У irspack свой старт, поэтому сравниваем баллы моделей, обученных до сходимости."""
    X, _, _ = make_clusters(n_users=200, n_items=60, n_clusters=3, per_user=12, seed=2)
    theirs = IALSRecommender(
        sp.csr_matrix(X),
        n_components=3,
        alpha0=0.2,
        reg=0.02,
        nu=1.0,
        loss_type="IALSPP",
        solver_type="CHOLESKY",
        train_epochs=100,
        n_threads=1,
    ).learn()
    ours = IALS(3, 0.02, 0.2, n_sweeps=100).fit(X).score(np.arange(200))
    assert abs(ours - theirs.get_score(np.arange(200))).max() < 1e-3


def test_scaled_weights_change_nothing(weighted):
    small = IALS(**SMALL).fit(weighted)
    large = IALS(6, 0.02, 0.75).fit(3 * weighted)
    np.testing.assert_allclose(large.score([0, 5]), small.score([0, 5]), atol=1e-11)


def test_duplicated_users_change_nothing(X):
    """Пользователи дважды: у объектов вдвое больше слагаемых и вдвое больше штраф."""
    Q = start(40, 6)
    once = half_sweep(sp.csr_array(X.T), half_sweep(X, Q, 0.02, 0.25, 1), 0.02, 0.25, 1)
    XX = sp.vstack([X, X], format="csr")
    twice = half_sweep(sp.csr_array(XX.T), half_sweep(XX, Q, 0.02, 0.25, 1), 0.02, 0.25, 1)
    np.testing.assert_allclose(twice, once, atol=1e-12)


def test_permuting_users_permutes_their_vectors(X):
    order = np.random.default_rng(3).permutation(80)
    model = IALS(**SMALL).fit(X)
    np.testing.assert_allclose(IALS(**SMALL).fit(X[order]).P_, model.P_[order], atol=1e-11)


def test_explanation_adds_up_to_the_score(X):
    model = IALS(**SMALL).fit(X)
    history = X[[3]].indices
    penalty = penalties(X[[3]], 0.02, 0.25, 1.0)[0]
    A = model.Q_[history].T @ model.Q_[history] + 0.25 * model.Q_.T @ model.Q_
    A += penalty * np.eye(6)
    parts = model.Q_[history] @ np.linalg.solve(A, model.Q_.T)
    np.testing.assert_allclose(parts.sum(axis=0), model.score_history(X[[3]])[0], atol=1e-12)


def test_history_is_scored_by_one_projection(weighted):
    model = IALS(**SMALL).fit(weighted)
    new = weighted[[4, 9, 11]]
    expected = dense_half_sweep(new, model.Q_, 0.02, 0.25, 1.0) @ model.Q_.T
    np.testing.assert_allclose(model.score_history(new), expected, atol=1e-11)


def test_known_users_in_any_order(X):
    model = IALS(**SMALL).fit(X)
    users = np.array([5, 0, 5, 79])
    np.testing.assert_allclose(model.score(users), model.P_[users] @ model.Q_.T, atol=1e-14)


def test_converged_model_scores_users_like_their_histories(X):
    model = IALS(6, 0.05, 0.25, n_sweeps=300).fit(X)
    np.testing.assert_allclose(model.score(range(80)), model.score_history(X), atol=1e-6)


def test_seed_repeats_and_matters(X):
    scores = [IALS(**SMALL, seed=seed).fit(X).score([0]) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert abs(scores[0] - scores[2]).max() > 1e-6


def test_start_has_the_scale_of_the_paper(X):
    """Первый полупроход берёт векторы объектов с отклонением 0.1 / sqrt(d)."""
    wide = sp.csr_array(np.random.default_rng(0).random((3, 5000)) < 0.5, dtype=float)
    Q = start(5000, 16, seed=4)
    model = IALS(16, 0.02, 0.25, n_sweeps=1, seed=4).fit(wide)
    np.testing.assert_allclose(model.P_, half_sweep(wide, Q, 0.02, 0.25, 1.0), atol=1e-12)
    assert abs(Q.std() * 4 - 0.1) < 2e-3


def test_values_are_weights_not_only_the_pattern(X, weighted):
    assert abs(IALS(**SMALL).fit(weighted).P_ - IALS(**SMALL).fit(X).P_).max() > 0.01


def test_float32_stays_float32_and_close(X):
    settings = {**SMALL, "regularization": np.float64(0.02), "alpha0": np.float64(0.25)}
    single = IALS(**settings, dtype=np.float32).fit(X)
    assert single.P_.dtype == single.Q_.dtype == np.float32
    assert single.score([0]).dtype == single.score_history(X[[0]]).dtype == np.float32
    assert abs(single.score([0, 50]) - IALS(**SMALL).fit(X).score([0, 50])).max() < 1e-3


def test_singular_system_gets_a_russian_error():
    """Два одинаковых объекта, штраф меньше ошибки округления float32."""
    Q = np.ones((40, 6), dtype=np.float32) * 1e3
    ones = sp.csr_array(np.ones((2, 40), dtype=np.float32))
    with pytest.raises(ValueError, match="увеличьте regularization"):
        half_sweep(ones, Q, 1e-12, 0.25, 0)


def test_cold_item_and_cold_user_give_zeros_not_nan(X):
    model = IALS(**SMALL).fit(X)
    assert np.isfinite(model.P_).all()
    assert np.isfinite(model.Q_).all()
    assert not model.P_[11].any()
    assert not model.Q_[17].any()
    assert not model.score([11]).any()
    assert not model.score_history(sp.csr_array((1, 40))).any()


def test_more_factors_than_items_is_fine():
    model = IALS(n_factors=10, regularization=0.1).fit(X_HAND)
    assert np.isfinite(model.score([0, 1, 2])).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("regularization", 0),
        ("regularization", np.nan),
        ("alpha0", 0.0),
        ("alpha0", "0.1"),
        ("nu", -1),
        ("n_factors", 0),
        ("n_factors", 2.5),
        ("n_factors", None),
        ("n_sweeps", 0),
        ("n_sweeps", 3.0),
        ("n_sweeps", True),
    ],
)
def test_bad_parameter_gets_a_russian_error(name, value):
    with pytest.raises(ValueError, match=f"{name} — "):
        IALS(**{name: value}).fit(X_HAND)


def test_infinite_penalty_gets_a_russian_error():
    with pytest.raises(ValueError, match="Штраф бесконечен"), np.errstate(over="ignore"):
        IALS(nu=500).fit(sp.csr_array(np.full((3, 40), 9.0)))


def test_coo_csc_and_unsorted_give_the_same_model(weighted):
    expected = IALS(**SMALL).fit(weighted).P_
    np.testing.assert_array_equal(IALS(**SMALL).fit(weighted.tocoo()).P_, expected)
    np.testing.assert_array_equal(IALS(**SMALL).fit(weighted.tocsc()).P_, expected)


def test_explicit_zero_is_no_interaction(X):
    with_zero = X.tocoo()
    with_zero = sp.coo_array(
        (
            np.append(with_zero.data, 0.0),
            (np.append(with_zero.row, 11), np.append(with_zero.col, 17)),
        ),
        shape=X.shape,
    )
    np.testing.assert_array_equal(IALS(**SMALL).fit(with_zero).P_, IALS(**SMALL).fit(X).P_)


# ------------------------------------------------------------------ сопряжённые градиенты


def numpy_cg(X, Q, start, l2, alpha0, nu, n_steps):
    """Сопряжённые градиенты по учебнику: у каждой строки своя плотная система."""
    rows = []
    for x, p in zip(X.toarray(), start.copy(), strict=True):
        penalty = l2 * (x.sum() + alpha0 * len(x)) ** nu
        A = Q.T @ np.diag(x + alpha0) @ Q + penalty * np.eye(Q.shape[1])
        r = Q.T @ x - A @ p
        v = r.copy()
        for _ in range(n_steps):
            step = r @ r / (v @ A @ v)
            p += step * v
            after = r - step * A @ v
            v = after + (after @ after) / (r @ r) * v
            r = after
        rows.append(p if x.any() else 0 * p)
    return np.array(rows)


CG = {"l2": 0.7, "alpha0": 0.3}


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(5)
    return rng.normal(0, 1, (40, 6)), rng.normal(0, 1, (80, 6))


@pytest.mark.parametrize("nu", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_cg_takes_the_steps_of_the_textbook(weighted, vectors, nu, n_steps):
    found = half_sweep_cg(weighted, *vectors, **CG, nu=nu, n_steps=n_steps)
    expected = numpy_cg(weighted, *vectors, **CG, nu=nu, n_steps=n_steps)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_one_cg_step_by_hand():
    """Строка 0 из нуля: r = (1, 0), A r = (2½, ½), шаг 1 / 2½."""
    found = half_sweep_cg(X_HAND, Q_HAND, np.zeros((3, 2)), 0.5, 0.5, 0, n_steps=1)
    np.testing.assert_allclose(found[0], [0.4, 0], atol=1e-14)
    np.testing.assert_array_equal(found[1], [0, 0])


def test_as_many_cg_steps_as_factors_are_exact(weighted, vectors):
    found = half_sweep_cg(weighted, *vectors, **CG, nu=0.5, n_steps=6)
    exact = half_sweep(weighted, vectors[0], **CG, nu=0.5)
    np.testing.assert_allclose(found, exact, atol=1e-6)


def test_cg_at_the_solution_stays_there(weighted, vectors):
    """Невязка — ноль или шум округления: ни nan, ни ухода от решения."""
    exact = half_sweep(weighted, vectors[0], **CG, nu=1)
    for n_steps in (3, 50):
        found = half_sweep_cg(weighted, vectors[0], exact, **CG, nu=1, n_steps=n_steps)
        np.testing.assert_allclose(found, exact, atol=1e-9)
    zero = half_sweep_cg(weighted, np.zeros((40, 6)), np.zeros((80, 6)), **CG, nu=1)
    assert not zero.any()


def test_cg_does_not_touch_its_start(weighted, vectors):
    start = vectors[1].copy()
    half_sweep_cg(weighted, vectors[0], start, **CG, nu=1)
    np.testing.assert_array_equal(start, vectors[1])


def test_every_row_is_solved_in_one_thread_and_in_two():
    """Строки раздаются потокам блоками; ни одна не пропущена."""
    rng = np.random.default_rng(6)
    X = sp.csr_array((rng.random((450, 40)) < 0.3).astype(float))
    Q, before = rng.normal(0, 1, (40, 6)), rng.normal(0, 1, (450, 6))
    one, two = (half_sweep_cg(X, Q, before, **CG, nu=1, n_threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    expected = numpy_cg(X, Q, before, **CG, nu=1, n_steps=3)
    np.testing.assert_allclose(one, expected, atol=1e-10)


def test_cg_model_agrees_with_exact_model_and_with_implicit_cg(X):
    many = IALSCG(**SMALL, n_steps=12).fit(X).score(np.arange(80))
    np.testing.assert_allclose(many, IALS(**SMALL).fit(X).score(np.arange(80)), atol=1e-8)
    alpha0, l2, root = 0.25, 0.5, np.sqrt(1.25)
    model = IALSCG(6, l2, alpha0, nu=0, n_sweeps=15).fit(X)
    settings = {"alpha": 1 + 1 / alpha0, "regularization": l2 * (1 + alpha0) / alpha0}
    theirs = reference_implicit(X, start(40, 6) * root, 15, use_cg=True, **settings)
    assert abs(model.P_ * root - theirs.user_factors).max() < 1e-8
    assert abs(model.Q_ * root - theirs.item_factors).max() < 1e-8


def test_cg_model_solves_a_new_user_exactly(X):
    model = IALSCG(**SMALL).fit(X)
    expected = dense_half_sweep(X[[4, 9]], model.Q_, 0.02, 0.25, 1.0) @ model.Q_.T
    np.testing.assert_allclose(model.score_history(X[[4, 9]]), expected, atol=1e-11)


@pytest.mark.parametrize(
    ("name", "value"), [("n_steps", 0), ("n_threads", 0), ("n_threads", 2000), ("n_steps", 1.5)]
)
def test_bad_cg_parameter_gets_a_russian_error(name, value):
    with pytest.raises(ValueError, match=f"{name} — "):
        IALSCG(**{name: value}).fit(X_HAND)


def test_cg_overflow_gets_a_russian_error():
    large = sp.csr_array(np.full((3, 40), 1e30, dtype=np.float32))
    with pytest.raises(ValueError, match="переполнились"), np.errstate(all="ignore"):
        IALSCG(dtype=np.float32).fit(large)


def test_without_numba_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    compiled_rows.cache_clear()
    with pytest.raises(ImportError, match="pip install numba"):
        IALSCG(**SMALL).fit(X_HAND)
