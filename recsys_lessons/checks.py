"""Проверки «совпадает ли». Проверка печатает границу, а нарушенная — останавливает урок.

Точное расхождение зависит от процессора, поэтому его видно только при работе в JupyterLab, а в
сохранённом уроке — лишь граница.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from recsys_lessons import building
from recsys_lessons.evaluation import Evaluation, compare


class CheckError(AssertionError):
    """Проверка не прошла: утверждение урока неверно."""


def check_close(name: str, mine: Any, reference: Any, bound: float = 1e-10) -> None:
    """Наибольшее расхождение двух массивов (плотных или разреженных) не больше ``bound``.

    :raises CheckError: расхождение больше, формы разные или есть ``nan``
    """
    mine, reference = _dense(mine), _dense(reference)
    if mine.shape != reference.shape:
        raise CheckError(f"{name}: формы разные, {mine.shape} и {reference.shape}.")
    if not mine.size:
        raise CheckError(f"{name}: сравнивать нечего, массивы пусты.")
    if mine.dtype.kind not in "fiub" or reference.dtype.kind not in "fiub":
        raise CheckError(
            f"{name}: сравнивают только числа, а здесь {mine.dtype}, {reference.dtype}."
        )
    mine, reference = mine.astype(np.float64), reference.astype(np.float64)
    with np.errstate(invalid="ignore"):
        difference = np.where(mine == reference, 0, np.abs(mine - reference))
    worst = float(difference.max())
    if not worst <= bound:
        place = tuple(int(i) for i in np.unravel_index(np.argmax(difference), difference.shape))
        raise CheckError(
            f"{name}: расхождение {worst:.3g}, а нужно {_bound_text(bound)}; на месте {place}: "
            f"{mine[place]:.6g} и {reference[place]:.6g}."
        )
    exact = "" if building() or not bound else f" (точно: {worst:.2g})"
    print(f"{name}: совпадает, {_bound_text(bound)}{exact}")


def check_true(name: str, condition: Any) -> None:
    """Утверждение верно (для массива — верно в каждой ячейке).

    :raises CheckError: утверждение неверно
    """
    answer = _dense(condition)
    if answer.dtype != bool or not answer.size:
        raise CheckError(f"{name}: это не «да» и не «нет», а {condition!r}.")
    if not answer.all():
        raise CheckError(f"{name}: неверно.")
    print(f"{name}: верно")


def check_better(name: str, a: Evaluation, b: Evaluation, metric: str) -> None:
    """Модель ``a`` лучше ``b``: парная разность больше двух своих стандартных ошибок.

    :raises CheckError: разность в пределах шума или другого знака
    """
    difference = compare(a, b, metric)
    if not difference.mean > 2 * difference.se:
        raise CheckError(f"{name}: не подтверждается, {difference}.")
    print(f"{name}: {difference}")


Case = tuple[tuple[Any, ...], Any, str]


def check_task(name: str, function: Callable[..., Any], cases: Sequence[Case]) -> None:
    """Проверить решение задания. Ничего не прерывает: печатает, что не так, и подсказку.

    :param function: решение
    :param cases: примеры ``(аргументы, верный ответ, подсказка)``
    """
    right = f"верно, пройдены все проверки ({len(cases)})"
    print(f"{name}: {task_problem(function, cases) or right}")


def task_problem(function: Callable[..., Any], cases: Sequence[Case]) -> str:
    """Что не так с решением на первом неудачном примере; пустая строка — решено."""
    for arguments, expected, hint in cases:
        problem = _problem(function, arguments, expected)
        if problem:
            return f"{problem}\nПодсказка: {hint}"
    return ""


def _problem(function: Callable[..., Any], arguments: tuple[Any, ...], expected: Any) -> str:
    """Что не так с ответом на одном примере; пустая строка — всё верно."""
    try:
        answer = function(*copy.deepcopy(arguments))
    except Exception as error:  # в решении может случиться что угодно
        return f"функция остановилась с ошибкой {type(error).__name__}: {error}"
    if answer is None or answer is Ellipsis:
        return "ответа пока нет: функция ничего не вернула."
    if isinstance(expected, str):
        same = isinstance(answer, str) and answer == expected
        return "" if same else f"получено {answer!r}, а ожидался другой ответ."
    try:
        mine, right = _dense(answer), _dense(expected).astype(float)
    except (TypeError, ValueError, RuntimeError):  # разная длина строк, тензор с градиентом
        mine = np.empty(0, dtype=object)
    if mine.dtype.kind not in "fiub":
        return f"ожидались числа, а функция вернула {type(answer).__name__}."
    if mine.shape != right.shape:
        return f"форма ответа {mine.shape}, а нужна {right.shape}."
    wrong = ~np.isclose(mine, right, rtol=0, atol=1e-8, equal_nan=True)
    if not wrong.any():
        return ""
    if not mine.ndim:
        return f"получено {mine:.6g}, а ожидалось другое число."
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"неверных чисел {int(wrong.sum())} из {wrong.size}, первое на месте {place}."


def _bound_text(bound: float) -> str:
    if not bound:
        return "расхождения нет"
    if bound >= 1e-3:
        return f"расхождение не больше {bound:g}"
    return f"расхождение не больше {np.format_float_scientific(bound, trim='-', exp_digits=1)}"


def _dense(values: Any) -> np.ndarray:
    return values.toarray() if sp.issparse(values) else np.asarray(values)
