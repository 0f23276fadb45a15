"""Судьи: ответ функции студента → пустая строка, если он верен, иначе причина по-русски.

Судья работает снаружи песочницы. Причину читает студент, поэтому верного ответа в ней нет: сказано,
чем плох присланный ответ и где искать. Ответ приходит проверенным по размеру, но может быть чем
угодно, поэтому ни один судья не останавливается с ошибкой.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from course.assignment import Judge

PARTS = (tuple, list)
# Граница для ответа в float32: относительная и для малых чисел, в долях наибольшего из верных.
SHORT_RTOL, SHORT_ATOL = 1e-4, 1e-6
NO_ANSWER = "функция вернула None: ответа пока нет"


class Refusal(ValueError):
    """Ответ непригоден; текст — причина для студента."""


def numbers(answer: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Ответ числами ``float64`` нужной формы.

    :raises Refusal: это не числа или форма не та
    """
    if answer is None:
        raise Refusal(NO_ANSWER)
    try:
        array = np.asarray(answer)
    except (ValueError, TypeError) as error:
        raise Refusal("ответ — не числа") from error
    if array.dtype.kind not in "fiu":
        kind = "«да» или «нет»" if array.dtype.kind == "b" else "не числа"
        raise Refusal(f"ожидались числа, а ответ — {kind}")
    if array.shape != shape:
        raise Refusal(f"форма ответа {array.shape}, а нужна {shape}")
    return array.astype(np.float64)


def recall(scores: np.ndarray, known: np.ndarray, hidden: np.ndarray) -> float:
    """Полнота первых десяти мест; скрытая часть есть у каждого."""
    best = np.argsort(np.where(known > 0, np.inf, -scores), axis=1, kind="stable")[:, :10]
    return float((np.take_along_axis(hidden, best, axis=1).sum(axis=1) / hidden.sum(axis=1)).mean())


def recall_of(known: np.ndarray, hidden: np.ndarray, answer: Any) -> float:
    """Полнота первых десяти мест у присланных баллов.

    :raises Refusal: баллы — не числа нужной формы или среди них не все конечны
    """
    scores = numbers(answer, known.shape)
    if not np.isfinite(scores).all():
        raise Refusal("среди баллов есть nan или бесконечность")
    return recall(scores, known, hidden)


def equals(expected: Any, hint: str = "", rtol: float = 1e-7, atol: float = 1e-9) -> Judge:
    """Числа равны ``expected`` с точностью ``rtol`` и ``atol``; ``nan`` — на тех же местах.

    Ответу в ``float32`` хватает его точности.
    """
    right = np.asarray(expected, dtype=np.float64)
    largest = np.max(np.abs(right), initial=0, where=np.isfinite(right))

    def judge(answer: Any) -> str:
        try:
            mine = numbers(answer, right.shape)
        except Refusal as refusal:
            return str(refusal)
        bounds = rtol, atol
        if np.asarray(answer).dtype == np.float32:
            bounds = max(rtol, SHORT_RTOL), max(atol, SHORT_ATOL * largest)
        wrong = ~np.isclose(mine, right, rtol=bounds[0], atol=bounds[1], equal_nan=True)
        if not wrong.any():
            return ""
        return _because(f"неверных чисел {int(wrong.sum())} из {wrong.size}", hint)

    return judge


def boolean(expected: bool, hint: str = "") -> Judge:
    """Ответ — «да» или «нет», и он равен ``expected``."""

    def judge(answer: Any) -> str:
        if answer is None:
            return NO_ANSWER
        if not isinstance(answer, bool | np.bool_ | np.ndarray):
            return f"ожидалось True или False, а ответ — {type(answer).__name__}"
        array = np.asarray(answer)
        if array.dtype != bool or array.shape != ():
            return "ожидалось одно значение True или False"
        return "" if bool(array) == expected else _because("ответ неверен", hint)

    return judge


def part(place: Any, judge: Judge, shape: tuple[int, ...] | None = None) -> Judge:
    """Судить только часть ответа: значение из кортежа или, если дана форма всего, часть массива.

    :param place: номер в кортеже; индекс массива формы ``shape``
    """

    def judge_part(answer: Any) -> str:
        if answer is None:
            return NO_ANSWER
        if shape is not None:
            try:
                return judge(numbers(answer, shape)[place])
            except Refusal as refusal:
                return str(refusal)
        # Список из равных частей выходит из песочницы массивом: [P, Q] — то же, что (P, Q).
        parts = np.ndim(answer) > 0 if isinstance(answer, np.ndarray) else isinstance(answer, PARTS)
        if not parts or len(answer) <= place:
            return f"ожидался кортеж, и в нём больше {place} значений"
        return judge(answer[place])

    return judge_part


def at_least(measure: Callable[[Any], float], bound: float, what: str) -> Judge:
    """Измеренное по ответу не меньше границы; граница не секрет и названа в причине.

    :param measure: ответ → число; непригодный ответ отвергает :class:`Refusal`
    :param what: что измерено: «доля попаданий»
    """

    def judge(answer: Any) -> str:
        try:
            value = measure(answer)
        except Refusal as refusal:
            return str(refusal)
        if value >= bound:
            return ""
        return f"{what} {value:.3f}, а нужно не меньше {bound:.3f}"

    return judge


def holds(condition: Callable[[Any], str]) -> Judge:
    """Свойство ответа: ``condition`` возвращает причину или отвергает его :class:`Refusal`."""

    def judge(answer: Any) -> str:
        try:
            return condition(answer)
        except Refusal as refusal:
            return str(refusal)

    return judge


def _because(problem: str, hint: str) -> str:
    return f"{problem}; {hint}" if hint else problem
