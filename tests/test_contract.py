"""Договорённости, общие для всех моделей, которые учатся на матрице взаимодействий.

Новый урок попадает сюда сам: модель узнают по первому аргументу ``fit(X)``.
"""

import copy
import inspect
import pickle
import sys

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

import recsys_lessons.models as models
from recsys_lessons.evaluation import compare, evaluate
from recsys_lessons.models import Popularity
from recsys_lessons.synthetic import make_clusters

# Пять пользователей, четыре объекта: спутанные оси видны.
X = sp.csr_array([[1.0, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1], [0, 0, 1, 1]])
# Настройки, с которыми модель учится на трёхстах пользователях за секунды.
FOR_CLUSTERS = {
    "ItemKNN": {"k": 10, "shrinkage": 2},
    "IALS": {"n_factors": 8, "regularization": 0.02, "alpha0": 0.2},
    "EASE": {"l2": 50},
    "SLIM": {"l1": 1, "l2": 50},
    "MultiVAE": {
        "hidden": 40, "latent": 10, "epochs": 20, "batch_size": 30, "lr": 5e-3,
        "anneal_steps": 1000,
    },
    "LightGCN": {"n_factors": 16, "epochs": 20, "batch_size": 1024},
    "GFCF": {"n_factors": 8},
}  # fmt: skip
MATRIX_MODELS = [
    cls
    for cls in (getattr(models, name) for name in dir(models))
    if hasattr(cls, "fit") and list(inspect.signature(cls.fit).parameters)[1] == "X"
]
every_model = pytest.mark.parametrize("model", MATRIX_MODELS, ids=lambda cls: cls.__name__)
# Им нужна плотная матрица «объекты × объекты».
SQUARE_MODELS = [models.ItemKNN, models.EASE, models.SLIM]
every_square_model = pytest.mark.parametrize("model", SQUARE_MODELS, ids=lambda cls: cls.__name__)


def make(cls, **settings):
    """Модель с настройками по умолчанию; сеть — на одну эпоху, SLIM — с порогом по малым данным."""
    parameters = inspect.signature(cls).parameters
    small = {"epochs": 1, "l1": 0.5}
    return cls(**{name: small[name] for name in small if name in parameters} | settings)


def test_the_matrix_models_are_found():
    names = {cls.__name__ for cls in MATRIX_MODELS}
    assert {"Popularity", "ItemKNN", "IALS", "EASE", "SLIM", "MultiVAE", "LightGCN"} <= names
    assert not {"TIFUKNN", "BERT4Rec"} & names


@every_model
@pytest.mark.parametrize(
    ("X_bad", "error", "message"),
    [
        (X.toarray(), TypeError, "разреженная"),
        (sp.csr_array((0, 5)), ValueError, "пуста"),
        (sp.csr_array((4, 0)), ValueError, "пуста"),
        (sp.csr_array((4, 5)), ValueError, "ни одного взаимодействия"),
        (sp.csr_array([[1.0, np.nan]]), ValueError, "nan"),
        (sp.csr_array([[1.0, -1.0]]), ValueError, "отрицательные"),
    ],
    ids=["dense", "no users", "no items", "no interactions", "nan", "negative"],
)
def test_bad_matrix_gets_a_russian_error(model, X_bad, error, message):
    with pytest.raises(error, match=message):
        make(model).fit(X_bad)


@every_model
def test_scores_are_a_finite_table_for_the_users_asked(model):
    fitted = make(model)
    assert fitted.fit(X) is fitted
    scores = fitted.score(np.array([4, 0, 4]))
    assert scores.shape == (3, 4)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores[0], scores[2], rtol=1e-12)  # порядок сложений решает BLAS


@every_model
def test_every_sparse_format_gives_the_same_scores(model):
    weighted = 2 * X
    expected = make(model).fit(weighted).score(range(5))
    for form in (weighted.tocoo(), weighted.tocsc(), weighted.tolil(), sp.csr_matrix(weighted)):
        np.testing.assert_array_equal(make(model).fit(form).score(range(5)), expected)


def unsorted(matrix):
    """Та же матрица, строки задом наперёд, первое взаимодействие записано двумя половинами."""
    rows = [matrix[[u]] for u in range(matrix.shape[0])]
    columns = [row.indices[::-1] for row in rows]
    values = [row.data[::-1] for row in rows]
    columns[0], values[0] = np.append(columns[0], columns[0][-1:]), np.append(values[0], 0)
    values[0][-2:] = values[0][-2] / 2
    lengths = np.concatenate([[0], np.cumsum([len(row) for row in columns])])
    return sp.csr_array((np.concatenate(values), np.concatenate(columns), lengths), matrix.shape)


@every_model
def test_every_number_type_and_order_gives_the_same_scores(model):
    expected = make(model).fit(2 * X).score(range(5))
    for dtype in (np.float16, np.float32, np.int8, np.uint8, np.int64, ">f8", ">i4"):
        given = 2 * X
        given.data = given.data.astype(dtype)
        np.testing.assert_array_equal(make(model).fit(given).score(range(5)), expected, str(dtype))
    given = unsorted(2 * X)
    assert not given.has_canonical_format
    np.testing.assert_array_equal(make(model).fit(given).score(range(5)), expected)
    ones = make(model).fit(X).score(range(5))
    np.testing.assert_array_equal(make(model).fit(X != 0).score(range(5)), ones)


@every_model
def test_fit_does_not_change_its_input(model):
    weighted = 3 * X
    for array in (weighted.data, weighted.indices, weighted.indptr):
        array.flags.writeable = False
    fitted = make(model).fit(weighted)
    if hasattr(fitted, "score_history"):
        fitted.score_history(weighted)
    assert (weighted != 3 * X).nnz == 0


@every_model
def test_models_are_scikit_learn_estimators(model):
    original = make(model)
    assert isinstance(original, BaseEstimator)
    settings = original.get_params()
    assert list(settings) == sorted(inspect.signature(model).parameters)
    twin = clone(original.fit(X))
    assert twin.get_params() == settings
    assert repr(twin).startswith(f"{model.__name__}(")
    with pytest.raises(NotFittedError):
        twin.score([0])
    np.testing.assert_array_equal(twin.fit(X).score(range(5)), original.score(range(5)))


@every_model
def test_numpy_numbers_are_as_good_as_python_ones(model):
    original = make(model)
    expected = original.fit(X).score(range(5))
    for whole, real in ((np.int64, np.float64), (np.int32, np.float32)):
        settings = {
            name: whole(value)
            if type(value) is int
            else real(value)
            if type(value) is float and float(real(value)) == value
            else value
            for name, value in original.get_params().items()
        }
        np.testing.assert_array_equal(model(**settings).fit(X).score(range(5)), expected)


@every_model
def test_a_model_survives_pickle(model):
    fitted = make(model).fit(X)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.score(range(5)), fitted.score(range(5)))


def fail_at_call(number, action):
    """Выполнить ``action`` и уронить её на вызове функции Python номер ``number``; вернуть счёт."""
    count = 0

    def watch(frame, event, argument):
        nonlocal count
        if event == "call":
            count += 1
            if count == number:
                raise MemoryError("не хватило памяти")

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "model",
    [cls for cls in MATRIX_MODELS if "epochs" not in inspect.signature(cls).parameters],
    ids=lambda cls: cls.__name__,
)
def test_failed_refit_keeps_the_old_model(model):
    """Память кончилась на любом шаге повторного обучения: модель прежняя, без примесей."""
    other = sp.csr_array(X.toarray()[::-1, ::-1])
    trained = make(model).fit(X)
    before, after = trained.score(range(5)), make(model).fit(other).score(range(5))
    assert (before != after).any()
    n_calls = fail_at_call(-1, lambda: copy.copy(trained).fit(other))
    n_failed = 0
    for number in np.unique(np.linspace(2, n_calls, 60).astype(int)):
        fitted = copy.copy(trained)
        try:
            fail_at_call(number, lambda model=fitted: model.fit(other))
        except MemoryError:
            n_failed += 1
            np.testing.assert_array_equal(fitted.score(range(5)), before)
        else:  # упавший вызов никому не помешал
            np.testing.assert_array_equal(fitted.score(range(5)), after)
    assert n_failed > 5


@every_model
def test_refit_on_bad_data_keeps_the_old_model(model):
    fitted = make(model).fit(X)
    before = fitted.score(range(5))
    for bad in (sp.csr_array((5, 4)), X * np.nan, X.toarray()):
        with pytest.raises((ValueError, TypeError)):
            fitted.fit(bad)
        np.testing.assert_array_equal(fitted.score(range(5)), before)


@every_square_model
@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e20), (np.float64, 1e160)])
def test_squares_that_overflow_get_a_russian_error(model, dtype, size):
    with pytest.raises(ValueError, match="слишком велики"):
        make(model, dtype=dtype).fit(X * size)


@every_square_model
def test_a_catalogue_that_does_not_fit_is_refused_before_allocation(model):
    many = sp.csr_array((np.ones(10), (range(10), range(0, 300_000, 30_000))), (10, 300_000))
    with pytest.raises(MemoryError, match=r"300000 × 300000: нужно .* ГБ, свободно .* IALS"):
        make(model).fit(many)


@pytest.mark.parametrize(
    "model",
    [cls for cls in MATRIX_MODELS if cls.__name__ != "Popularity"],
    ids=lambda cls: cls.__name__,
)
def test_planted_clusters_are_found(model):
    """Зрители вкусовых групп: модель обязана обойти популярное."""
    whole, _, _ = make_clusters(n_users=300, n_items=120, n_clusters=4, per_user=16, seed=5)
    hidden = np.random.default_rng(0).random(whole.nnz) < 0.25
    train, test = whole.copy(), whole.copy()
    train.data, test.data = whole.data * ~hidden, whole.data * hidden
    train.eliminate_zeros()
    test.eliminate_zeros()
    rivals = (model(**FOR_CLUSTERS.get(model.__name__, {})), Popularity())
    scores = [evaluate(rival.fit(train).score, test, train) for rival in rivals]
    difference = compare(*scores, "NDCG@10")
    assert difference.mean > 5 * difference.se


@every_model
@pytest.mark.parametrize("users", [[0, 5], [-1], [0.0]], ids=str)
def test_unknown_users_get_a_russian_error(model, users):
    with pytest.raises(ValueError, match=r"Пользователя .* нет|массив целых номеров"):
        make(model).fit(X).score(users)


@every_model
def test_scoring_before_fit_gets_a_russian_error(model):
    with pytest.raises(NotFittedError, match="не обучена"):
        make(model).score([0])
    if hasattr(model, "score_history"):
        with pytest.raises(NotFittedError, match="не обучена"):
            make(model).score_history(X)


def having(parameter):
    """Модели с таким гиперпараметром."""
    found = [cls for cls in MATRIX_MODELS if parameter in inspect.signature(cls).parameters]
    assert found
    return pytest.mark.parametrize("model", found, ids=lambda cls: cls.__name__)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="нет видеокарты")
@having("device")
def test_the_device_changes_only_the_rounding(model):
    # Случайные числа у обоих одни и те же, порядок сложений разный; за две эпохи он не вырастает.
    X_clusters = make_clusters(n_users=100, seed=0)[0]
    cpu, gpu = (model(epochs=2, device=name).fit(X_clusters) for name in ("cpu", "cuda"))
    np.testing.assert_allclose(gpu.score(range(100)), cpu.score(range(100)), atol=1e-8)
    np.testing.assert_allclose(gpu.losses_, cpu.losses_, rtol=1e-10)


@having("dtype")
@pytest.mark.parametrize("dtype", [int, complex, np.float16, "abc", 3], ids=str)
def test_bad_dtype_gets_a_russian_error(model, dtype):
    with pytest.raises(ValueError, match="dtype — float32 или float64, а получено"):
        model(dtype=dtype).fit(X)


@having("seed")
@pytest.mark.parametrize("seed", [-1, 1.5, None, True], ids=str)
def test_bad_seed_gets_a_russian_error(model, seed):
    with pytest.raises(ValueError, match="seed — целое число не меньше 0"):
        model(seed=seed).fit(X)


@having("lr")
def test_a_last_step_to_infinity_is_noticed(model):
    with pytest.raises(FloatingPointError, match="уменьшите"):
        model(epochs=1, lr=1e308).fit(X)


@having("epochs")
def test_validation_that_is_no_number_gets_a_russian_error(model):
    for value in (None, "0.2", np.nan, np.inf):
        with pytest.raises(ValueError, match=r"validation вернула .*, а нужно конечное число"):
            model(epochs=5).fit(X, validation=lambda _, value=value: value)


@pytest.mark.parametrize(
    "model",
    [cls for cls in MATRIX_MODELS if hasattr(cls, "score_history")],
    ids=lambda c: c.__name__,
)
def test_history_of_another_catalogue_gets_a_russian_error(model):
    fitted = make(model).fit(X)
    for other in (X[:, :3], X.T.tocsr()):
        with pytest.raises(ValueError, match="обучена на 4"):
            fitted.score_history(other)
    with pytest.raises(TypeError, match="разреженная"):
        fitted.score_history(X.toarray())
    with pytest.raises(ValueError, match=r"X\[\[u\]\]"):
        fitted.score_history(X[0])
