"""Проверка ввода моделей: что принято, что отвергнуто и какими словами."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError

from recsys_lessons.inputs import (
    check_choice,
    check_column,
    check_count,
    check_dtype,
    check_fitted,
    check_interactions,
    check_memory,
    check_number,
    check_ratings,
    check_seed,
    check_sequences,
    check_table,
    check_training,
    check_users,
    check_validation,
    encode_ids,
)
from recsys_lessons.metrics import as_scores

FORMATS = [sp.csr_array, sp.csc_array, sp.coo_array, sp.lil_array, sp.csr_matrix]


@pytest.mark.parametrize("make", FORMATS)
@pytest.mark.parametrize("kind", ["bool", "int64", "float32", "float64"])
def test_any_sparse_format_becomes_csr(make, kind):
    dense = np.array([[1, 0, 1], [0, 0, 1]]).astype(kind)
    matrix = check_interactions(make(dense))
    assert isinstance(matrix, sp.csr_array) and matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix.toarray(), dense.astype(float))
    assert check_interactions(make(dense), dtype=np.float32).dtype == np.float32


def test_repeats_are_summed_and_explicit_zeros_removed():
    given = sp.coo_array((np.array([1.0, 2, 0]), ([0, 0, 1], [1, 1, 0])), (2, 2))
    matrix = check_interactions(given)
    assert matrix.nnz == 1 and matrix[0, 1] == 3
    assert given.nnz == 3
    rows = sp.csr_array((np.array([1.0, 2]), np.array([1, 1]), np.array([0, 2])), (1, 2))
    assert rows.nnz == 2 and check_interactions(rows).data.tolist() == [3]


def test_the_argument_is_not_changed():
    given = sp.csr_array((np.array([2.0, 0, 1]), np.array([2, 1, 0]), np.array([0, 3])), (1, 3))
    matrix = check_interactions(given)
    matrix.data[:] = 7
    assert given.data.tolist() == [2, 0, 1] and given.indices.tolist() == [2, 1, 0]


def test_empty_rows_pass_but_are_no_training_data():
    nothing = sp.csr_array((2, 3))
    assert check_interactions(nothing).nnz == 0
    with pytest.raises(ValueError, match="учиться не на чем"):
        check_training(nothing)
    with pytest.raises(ValueError, match="учиться не на чем"):
        check_training(sp.csr_array((np.array([0.0]), ([0], [1])), (2, 3)))
    trained = check_training(sp.csr_array([[0, 2.0]]), dtype=np.float32)
    assert trained.toarray().tolist() == [[0, 2]] and trained.dtype == np.float32


@pytest.mark.parametrize("check", [check_interactions, check_training])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (sp.csr_array((0, 3)), r"пуста: форма \(0, 3\)"),
        (sp.csr_array((3, 0)), r"пуста: форма \(3, 0\)"),
        (sp.coo_array(np.ones(3)), r"форма \(3,\)"),
        (sp.csr_array([[1, np.nan]]), "nan"),
        (sp.csr_array([[1, np.inf]]), "бесконечность"),
        (sp.csr_array([[1, -1]]), "отрицательные"),
    ],
)
def test_bad_matrices(check, X, message):
    with pytest.raises(ValueError, match=message):
        check(X)


def broken(kind, places):
    """Матрица 2 × 3 формата ``kind`` с номерами ``places`` в обход конструктора."""
    X = sp.coo_array(np.ones((2, 3))).asformat(kind)
    if kind == "coo":
        X.coords = places
    elif kind == "csr":
        X.indices = places
    elif kind == "lil":
        X.rows[0] = places
    else:
        X._dict = places
    return X


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("coo", (np.full(6, 0.7), np.full(6, 1.9))),
        ("csr", np.array([0.2, 1.9, 2, 0, 1, 2])),
        ("lil", [0, 1, 7]),
        ("lil", [0, 1]),
        ("dok", {(0, 7): 1.0}),
        ("dok", {(0.5, 1): 1.0}),
    ],
)
def test_places_of_a_matrix_are_whole_and_inside(kind, places):
    with pytest.raises(ValueError, match="испорчена: номера"):
        check_interactions(broken(kind, places))


def test_masks_are_not_lost():
    hidden = np.ma.masked_array([1, 5], mask=[False, True])
    X = sp.csr_array(np.ones((1, 2)))
    X.data = hidden
    with pytest.raises(ValueError, match="маска"):
        check_interactions(X)
    with pytest.raises(ValueError, match="одномерный массив целых"):
        check_users(hidden, 9)
    with pytest.raises(ValueError, match="с маской"):
        as_scores(hidden)
    with pytest.raises(ValueError, match="один столбец"):
        encode_ids(hidden)
    with pytest.raises(ValueError, match="список целых номеров"):
        check_sequences([hidden], 9)


def test_whole_scores_that_floats_cannot_tell_apart_are_refused():
    assert as_scores(np.array([2**53, 1])).tolist() == [2**53, 1]
    for scores in ([2**53 + 2, 2**53 + 3], [-(2**62), 0], np.array([2**64 - 1], np.uint64)):
        with pytest.raises(ValueError, match="неразличимы"):
            as_scores(np.array(scores))


@pytest.mark.parametrize("X", [np.eye(2), [[1, 0]], None, pd.DataFrame({"a": [1]})])
def test_dense_matrices_are_refused(X):
    for check in (check_interactions, check_training):
        with pytest.raises(TypeError, match=rf"разреженная.*{type(X).__name__}"):
            check(X)


def test_number_of_items():
    X = sp.csr_array(np.ones((2, 3)))
    assert check_interactions(X, n_items=3).shape == (2, 3)
    with pytest.raises(ValueError, match="3 объектов, а модель обучена на 2"):
        check_interactions(X, n_items=2)


@pytest.mark.parametrize(
    "users", [[0, 4, 4], np.array([0, 4, 4], np.uint8), pd.Series([0, 4, 4]), (0, 4, 4)]
)
def test_users_become_an_array_of_int64(users):
    array = check_users(users, 5)
    assert array.dtype == np.int64 and array.tolist() == [0, 4, 4]


def test_no_users_at_all_is_fine():
    assert check_users([], 5).dtype == np.int64 and check_users([], 5).shape == (0,)


@pytest.mark.parametrize(
    ("users", "message"),
    [
        ([5], "Пользователя 5 нет: номера от 0 до 4"),
        ([0, -1], "Пользователя -1 нет"),
        ([-2, 9], "Пользователя -2 нет"),
        ([0.0], "одномерный массив целых"),
        ([True], "одномерный массив целых"),
        (["0"], "одномерный массив целых"),
        ([None], "одномерный массив целых"),
        ([[0, 1]], "одномерный массив целых"),
        ([[0], [1, 2]], "одномерный массив целых"),
        (3, "одномерный массив целых"),
        ({1, 2}, "одномерный массив целых"),
        (np.array([2**63 + 1], np.uint64), "Пользователя 9223372036854775809 нет"),
    ],
)
def test_bad_users(users, message):
    with pytest.raises(ValueError, match=message):
        check_users(users, 5)


def test_fitted():
    class Model:
        pass

    model = Model()
    with pytest.raises(NotFittedError, match=r"Model не обучена.*fit"):
        check_fitted(model, "B_")
    model.B_ = None
    check_fitted(model, "B_")


@pytest.mark.parametrize("value", [0, 0.5, 1, np.float32(0.5), np.int64(1)])
def test_good_numbers(value):
    check_number("alpha", value, 0, 1)


@pytest.mark.parametrize(
    "value", [-0.001, 1.001, np.nan, np.inf, -np.inf, None, "0.5", True, [0.5], 0.5j, np.array(0.5)]
)
def test_bad_numbers(value):
    with pytest.raises(ValueError, match=r"^alpha — число не меньше 0 и не больше 1, а получено"):
        check_number("alpha", value, 0, 1)


def test_strict_and_open_bounds():
    check_number("l2", 1e-300, 0, above=True)
    check_number("l2", 1e300, 0)
    with pytest.raises(ValueError, match=r"^l2 — число больше 0, а получено 0\.$"):
        check_number("l2", 0, 0, above=True)
    with pytest.raises(ValueError, match=r"^l2 — число не меньше 0, а получено -1\.$"):
        check_number("l2", -1, 0)
    with pytest.raises(ValueError, match=r"^l2 — число больше 0 и не больше 2, а получено 3\.$"):
        check_number("l2", 3, 0, 2, above=True)


def test_infinity_is_no_value_even_without_an_upper_bound():
    with pytest.raises(ValueError, match="получено inf"):
        check_number("l2", np.inf, 0)


@pytest.mark.parametrize("value", [0, 2.0, np.nan, None, "3", True, np.array([3])], ids=str)
def test_bad_counts(value):
    with pytest.raises(ValueError, match=r"^k — целое число не меньше 1, а получено"):
        check_count("k", value)


def test_good_counts():
    check_count("k", 1)
    check_count("k", np.int32(7), 7)
    check_count("k", 0, 0)


@pytest.mark.parametrize("value", ["exact", None, 1, ["cd"]], ids=str)
def test_bad_choices(value):
    with pytest.raises(ValueError, match=r"^solver — одно из cd, admm, а получено"):
        check_choice("solver", value, {"cd": 1, "admm": 2})


def test_good_choice():
    check_choice("solver", "cd", ("cd", "admm"))


@pytest.mark.parametrize("dtype", [float, np.float32, "float64", np.dtype("f4")], ids=str)
def test_good_dtypes(dtype):
    check_dtype(dtype)


@pytest.mark.parametrize("value", [0, -1.5, np.float32(2), np.int64(3)], ids=repr)
def test_good_validation(value):
    assert type(check_validation(value)) is float


def test_number_too_large_for_float32_is_noticed():
    with pytest.raises(ValueError, match="большие для float32"):
        check_interactions(sp.csr_array([[1e39]]), np.float32)


def test_repeats_weigh_the_same_in_every_type():
    """256 событий в uint8 — 256, а не 0; миллисекунды в int32 не переполняются."""
    for dtype in (bool, np.uint8, np.int8, np.float16, ">i4", np.float64):
        rows, columns = np.zeros(256, int), np.zeros(256, int)
        X = sp.coo_array((np.ones(256), (rows, columns)), shape=(1, 2))
        X.data = X.data.astype(dtype)  # float16 и чужой порядок байтов SciPy берёт только так
        assert check_interactions(X).toarray().tolist() == [[256, 0]]
    big = sp.coo_array((np.full(3, 2**31 - 1, np.int32), ([0] * 3, [0] * 3)), shape=(1, 1))
    assert check_interactions(big)[0, 0] == 3 * (2**31 - 1)


@pytest.mark.parametrize("indices", [[1, 2], [-1, 0]])
def test_numbers_outside_the_shape_are_refused(indices):
    X = sp.csr_array((np.ones(2), np.array([0, 1]), np.array([0, 2])), shape=(1, 2))
    X.indices = np.array(indices, dtype=np.int32)
    with pytest.raises(ValueError, match=r"испорчена.*вычтите единицу"):
        check_interactions(X)


def test_advice_about_ids_works_to_the_letter():
    frame = pd.DataFrame({"user": ["b", "a", "b"], "item": [10**17, 5, 7]})
    for _ in range(2):
        with pytest.raises(ValueError, match="номера от нуля") as caught:
            check_table(frame, ("user", "item"))
        advice = str(caught.value).split("Перенумеруйте: ")[1].split(". ")[0]
        exec(advice, {"frame": frame, "pd": pd})
    checked = check_table(frame, ("user", "item"))
    assert checked["user"].tolist() == [0, 1, 0] and checked["item"].tolist() == [0, 1, 2]


def test_small_integer_ids_become_int64():
    frame = pd.DataFrame({"user": np.array([127], np.int8), "item": pd.array([3], "Int64")})
    checked = check_table(frame, ("user", "item"))
    assert (checked.dtypes == np.int64).all() and checked["user"].max() + 1 == 128
    assert frame["user"].dtype == np.int8


EVENTS = pd.DataFrame({"user": [0, 0], "item": [0, 1], "rating": [5, 4], "timestamp": [1, 2]})


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda f: (f, f), TypeError, "пару таблиц"),
        (lambda f: pd.concat([f, f[["user"]]], axis=1), ValueError, "user в таблице не один"),
        (lambda f: f.drop(columns="rating"), ValueError, "assign.*min_rating=None"),
        (lambda f: f.drop(columns=["rating", "user"]), ValueError, "нет столбцов: user, rating"),
        (lambda f: f.assign(rating=[5, np.nan]), ValueError, "rating есть пропуски"),
        (lambda f: f.assign(rating=np.inf), ValueError, "бесконечность"),
        (lambda f: f.assign(rating=1j), ValueError, "rating — числа"),
        (lambda f: f.assign(item=0), ValueError, "дважды"),
    ],
)
def test_bad_tables(spoil, error, message):
    with pytest.raises(error, match=message):
        check_ratings(spoil(EVENTS))


def test_advice_about_columns_works_to_the_letter():
    spoiled = {
        "rating": EVENTS.assign(rating=["5", "4"]),
        "timestamp": EVENTS.assign(timestamp=pd.to_datetime([1, 2], unit="s")),
    }
    for name, frame in spoiled.items():
        with pytest.raises(ValueError, match="числа") as caught:
            check_column(frame[name], name)
        exec(re.search(r"frame\[.*\)", str(caught.value))[0], {"frame": frame, "pd": pd})
        np.testing.assert_array_equal(check_ratings(frame)[name], EVENTS[name])


def test_any_ids_become_numbers_and_back():
    for ids in (
        ["b", "a", "b"],
        [10**17, 3, 10**17],
        pd.Categorical(["x", "y", "x"]),
        [0.5, 1, 0.5],
    ):
        codes, labels = encode_ids(pd.Series(ids))
        assert codes.tolist() == [0, 1, 0] and labels[codes].tolist() == list(ids)
    for same in ([2**53, 2**53 + 1, 2**53], (True, False, True), [np.int64(5), 2, 5]):
        codes, labels = encode_ids(same)
        assert codes.tolist() == [0, 1, 0] and labels[codes].tolist() == list(same)
    for bad, message in (
        ([1, np.nan], "пропусков"),
        (["a", None], "пропусков"),
        ([[1], [2, 3]], "не список"),
        ([1, "1"], r"разных типов: \['int', 'str'\]"),
        (pd.Series([1, True, 1.0], dtype=object), "разных типов"),
        ([1.5, 2**53 + 1], "разных типов"),
    ):
        with pytest.raises(ValueError, match=message):
            encode_ids(bad)


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64, 10**400, True, 1.0, None, np.timedelta64(1)])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match=r"^seed — целое") as caught:
        check_seed(seed)
    assert len(str(caught.value)) < 300


def test_memory_is_refused_before_it_is_taken():
    with pytest.raises(
        MemoryError, match=r"Таблица: нужно 1e\+09 ГБ, свободно .* ГБ\. Возьмите меньше"
    ):
        check_memory(1e18, "Таблица", "Возьмите меньше.")
    check_memory(1, "Таблица", "")
