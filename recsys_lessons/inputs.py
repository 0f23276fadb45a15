"""Проверка того, что подают моделям: понятная ошибка вместо неверного ответа."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp


def check_interactions(X: Any, dtype: Any = np.float64, n_items: int | None = None) -> sp.csr_array:
    """Матрица взаимодействий в формате CSR: повторы сложены, явных нулей нет.

    :param X: разреженная матрица ``(n_users, n_items)`` любого формата
    :param dtype: тип чисел результата
    :param n_items: сколько должно быть столбцов; ``None`` — сколько угодно
    :raises TypeError: матрица не разреженная
    :raises ValueError: матрица пуста, в ней есть ``nan``, бесконечность или отрицательные числа,
        столбцов не ``n_items``, ``dtype`` не ``float32`` и не ``float64``
    """
    check_dtype(dtype)
    if not sp.issparse(X):
        raise TypeError(
            f"Нужна разреженная матрица, а получено {type(X).__name__}. "
            "Из плотной таблицы: scipy.sparse.csr_array(X)."
        )
    if X.dtype.kind not in "biuf":
        raise ValueError(f"В матрице взаимодействий — не действительные числа: {X.dtype}.")
    with np.errstate(over="ignore"):  # большое для float32 число станет бесконечностью
        matrix = sp.csr_array(X, dtype=dtype, copy=True)
    if not np.isfinite(matrix.data).all():
        raise ValueError("В матрице взаимодействий есть nan или бесконечность.")
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"Матрица взаимодействий пуста: форма {matrix.shape}.")
    if n_items is not None and matrix.shape[1] != n_items:
        raise ValueError(
            f"В матрице {matrix.shape[1]} объектов, а модель обучена на {n_items}. "
            "Строки — пользователи, столбцы — объекты; не транспонирована ли она?"
        )
    if (matrix.data < 0).any():
        raise ValueError(
            "В матрице взаимодействий есть отрицательные числа: "
            "взаимодействие либо есть (больше нуля), либо его нет."
        )
    return matrix


def check_training(X: Any, dtype: Any = np.float64) -> sp.csr_array:
    """То же для обучения: хотя бы одно взаимодействие должно быть.

    :raises TypeError: матрица не разреженная
    :raises ValueError: матрица плоха (см. :func:`check_interactions`) или взаимодействий в ней нет
    """
    matrix = check_interactions(X, dtype)
    if not matrix.nnz:
        raise ValueError("В матрице нет ни одного взаимодействия: учиться не на чем.")
    return matrix


def check_users(users: Sequence[int] | np.ndarray, n_users: int | None) -> np.ndarray:
    """Номера пользователей: целые, от 0 до ``n_users - 1``; ``None`` — верхней границы нет.

    :raises ValueError: не одномерный массив целых или неизвестный пользователь
    """
    try:
        array = np.asarray(users)
    except ValueError:  # строки разной длины
        array = np.empty(0, dtype=object)
    empty = array.shape == (0,) and array.dtype.kind == "f"
    if array.ndim != 1 or not (empty or np.issubdtype(array.dtype, np.integer)):
        raise ValueError(f"users — одномерный массив целых номеров, а получено {users!r}.")
    if array.size and (array.min() < 0 or (n_users is not None and array.max() >= n_users)):
        bad = array.min() if array.min() < 0 else array.max()
        known = "от 0." if n_users is None else f"от 0 до {n_users - 1}."
        raise ValueError(
            f"Пользователя {bad} нет: номера {known} "
            "Новому пользователю баллы даёт score_history, если она есть у модели."
        )
    return array.astype(np.int64)


def check_fitted(model: Any, attribute: str) -> None:
    """Модель обучена: у неё есть ``attribute``.

    :raises RuntimeError: модель ещё не обучена
    """
    if not hasattr(model, attribute):
        raise RuntimeError(
            f"Модель {type(model).__name__} не обучена: сначала model.fit(X), потом баллы."
        )


def check_number(
    name: str, value: Any, low: float, high: float = np.inf, *, above: bool = False
) -> None:
    """Гиперпараметр ``name`` — число от ``low`` до ``high``; ``above`` — строго больше ``low``.

    :raises ValueError: не число, ``nan`` или вне границ
    """
    numeric = isinstance(value, int | float | np.integer | np.floating)
    number = numeric and not isinstance(value, bool)
    if not number or not low <= value <= high or np.isinf(value) or (above and value == low):
        bound = f"больше {low:g}" if above else f"не меньше {low:g}"
        upper = "" if high == np.inf else f" и не больше {high:g}"
        raise ValueError(f"{name} — число {bound}{upper}, а получено {value!r}.")


def check_count(name: str, value: Any, low: int = 1) -> None:
    """Гиперпараметр или глубина списка ``name`` — целое число не меньше ``low``.

    :raises ValueError: не целое или меньше
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < low:
        raise ValueError(f"{name} — целое число не меньше {low}, а получено {value!r}.")


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Гиперпараметр ``name`` — одно из названий ``choices``.

    :raises ValueError: другое значение
    """
    names = list(choices)
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{name} — одно из {', '.join(names)}, а получено {value!r}.")


def check_dtype(dtype: Any) -> None:
    """Тип чисел — ``float32`` или ``float64``.

    :raises ValueError: другой тип
    """
    try:
        known = np.dtype(dtype) in (np.float32, np.float64)
    except TypeError:
        known = False
    if not known:
        raise ValueError(f"dtype — float32 или float64, а получено {dtype!r}.")


def check_validation(value: Any) -> float:
    """Число, которое вернула функция ``validation``.

    :raises ValueError: не число, ``nan`` или бесконечность
    """
    if not isinstance(value, int | float | np.number) or not np.isfinite(value):
        raise ValueError(f"validation вернула {value!r}, а нужно конечное число.")
    return float(value)
