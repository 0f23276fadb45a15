"""Проверки «совпадает ли». Проверка печатает границу, а нарушенная — останавливает урок.

Точное расхождение зависит от процессора, поэтому его видно только при работе в JupyterLab, а в
сохранённом уроке — лишь граница.
"""

import copy
import inspect
import linecache
import numbers
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons import building
from recsys_lessons.evaluation import Evaluation, compare
from recsys_lessons.inputs import shown


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
        raise CheckError(f"{name}: это не «да» и не «нет», а {shown(condition)}.")
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

UNSOLVED = "ответа пока нет."
LONGEST = 10_000  # столько чисел списка ещё переводят в массив, чтобы показать


def check_task(name: str, function: Callable[..., Any], cases: Sequence[Case]) -> None:
    """Проверить решение задания. Ничего не прерывает: печатает, что не так, и подсказку.

    Заготовка получает в ответ только «ответа пока нет»: подсказка — после первой попытки.

    :param function: решение
    :param cases: примеры ``(аргументы, верный ответ, подсказка)``
    """
    right = f"верно, пройдены все проверки ({len(cases)})"
    print(f"{_cut(name, 60)}: {task_problem(function, cases) or right}")


def task_problem(function: Callable[..., Any], cases: Sequence[Case]) -> str:
    """Что не так с решением на первом неудачном примере; пустая строка — решено."""
    for number, (arguments, expected, hint) in enumerate(cases):
        problem = _problem(function, arguments, expected, first=not number)
        if problem == UNSOLVED:
            return problem
        if problem:
            return (
                f"{problem}\nНа входе: {_call(function, arguments)}\nПодсказка: {_cut(hint, 200)}"
            )
    return ""


def _problem(function: Any, arguments: tuple[Any, ...], expected: Any, first: bool) -> str:
    """Что не так с ответом на одном примере; пустая строка — всё верно.

    :param first: это первый пример: если и на нём ответа нет, решать ещё не начинали
    """
    if function is None or function is Ellipsis:
        return UNSOLVED
    if not callable(function):
        return f"вместо функции дано {shown(function)}."
    try:
        answer = function(*copy.deepcopy(arguments))
    except (Exception, SystemExit) as error:  # в решении может случиться что угодно
        if first and isinstance(error, NotImplementedError):
            return UNSOLVED
        return f"функция остановилась с ошибкой {_error_text(function, error)}"
    if answer is None or answer is Ellipsis:
        return UNSOLVED if first else "на этом примере функция ничего не вернула."
    if isinstance(expected, str):
        if isinstance(answer, str) and str.__eq__(expected, answer) is True:
            return ""
        wanted = "другой ответ" if isinstance(answer, str) else "строка"
        return f"получено {_show(answer, 200)}, а ожидалось: {wanted}."
    return _number_problem(answer, np.asarray(_plain(expected), dtype=float))


def _number_problem(answer: Any, right: np.ndarray) -> str:
    """Чем числа ответа отличаются от верных."""
    wanted = f"массив чисел формы {right.shape}" if right.ndim else "одно число"
    shape = _shape(answer)
    if shape is not None and shape != right.shape:
        flat = " У np.matrix всегда две оси: np.asarray(...).ravel() даст одну."
        advice = flat if isinstance(answer, np.matrix) else ""
        return f"форма ответа {_cut(str(shape), 60)}, а нужна {right.shape}.{advice}"
    mine = _as_numbers(answer)
    if mine is None:
        kind = _cut(type(answer).__name__, 60)
        return f"ожидалось: {wanted}, а функция вернула {kind}: {_show(answer)}."
    if mine.shape != right.shape:
        return f"форма ответа {mine.shape}, а нужна {right.shape}. Получено: {_show(answer)}."
    wrong = ~_same(mine, right)
    if not wrong.any():
        return ""
    if not mine.ndim:
        return f"получено {_show(answer)}, а ожидалось другое число."
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"неверных чисел {int(wrong.sum())} из {wrong.size}, первое на месте "
        f"{place if mine.ndim > 1 else place[0]}: {mine[place]:.6g}. Получено: {_show(answer)}."
    )


def _same(mine: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Где числа ответа верны.

    Ответ в ``float64`` сверяется до 1e-8. Ответ, посчитанный в ``float32``, — до пяти цифр, даже
    если потом он стал списком: все его числа помещаются в ``float32`` без остатка. Целым числам
    поблажки нет.
    """
    with np.errstate(all="ignore"):
        short = mine.astype(np.float32).astype(np.float64) == mine
        single = bool((short | np.isnan(mine)).all()) and not bool((mine == np.round(mine)).all())
        largest = np.abs(right, where=np.isfinite(right), out=np.zeros_like(right)).max(initial=0)
        relative, absolute = (1e-5, max(1e-8, 1e-6 * float(largest))) if single else (0, 1e-8)
        return np.isclose(mine, right, rtol=relative, atol=absolute, equal_nan=True)


def _shape(answer: Any) -> tuple[int, ...] | None:
    """Форма ответа, если она видна без перевода в плотный массив."""
    if isinstance(answer, np.ndarray | pd.Series | pd.DataFrame) or sp.issparse(answer):
        return tuple(answer.shape)
    if isinstance(answer, list | tuple | range) and len(answer) > LONGEST:
        return (len(answer),)
    return None


def _as_numbers(answer: Any) -> np.ndarray | None:
    """Действительные числа ответа, ``float64``; ``None`` — это не числа."""
    try:
        array = np.asarray(_plain(answer))
        if array.dtype == object and all(isinstance(x, numbers.Real) for x in array.flat):
            array = array.astype(np.float64)
    except Exception:  # строки разной длины, чужой объект
        return None
    return array.astype(np.float64) if array.dtype.kind in "fiub" else None


def _plain(values: Any) -> Any:
    """То, что поймёт ``np.asarray``: без разреженности, градиентов и видеокарты."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(values, torch.Tensor):
        dense = values.detach().to_dense().cpu()
        return (dense.float() if dense.dtype == torch.bfloat16 else dense).numpy()
    if sp.issparse(values):
        return values.toarray()
    if isinstance(values, list | tuple) and len(values) <= LONGEST:
        return [_plain(value) for value in values]
    return values


def _show(value: Any, limit: int = 200) -> str:
    """Значение одной короткой строкой; не срывается ни на каком объекте."""
    try:
        if isinstance(value, pd.DataFrame):
            columns = ", ".join(map(str, value.columns[:10]))
            return _cut(f"таблица {value.shape[0]} × {value.shape[1]} ({columns})", limit)
        if sp.issparse(value) and np.prod(value.shape, dtype=float) > 100:
            return f"разреженная матрица формы {value.shape}, ненулевых чисел {value.nnz}"
        array = None if isinstance(value, dict | set | str | bytes) else _as_numbers_to_show(value)
        if array is None:
            no_address = re.sub(r"( at)?[ .]*(0x)?[0-9a-f]+>", ">", shown(value))
            return _cut(no_address, limit)
        edge = 2 if array.ndim < 2 else 1
        text = np.array2string(
            array, precision=4, threshold=40, edgeitems=edge, separator=", ", max_line_width=10_000
        )
        shape = f", форма {array.shape}" if array.size > 40 else ""
        return _cut(" ".join(text.split()), limit - len(shape)) + shape
    except Exception:  # показ не должен мешать проверке
        return f"объект {type(value).__name__[:60]}"


def _as_numbers_to_show(value: Any) -> np.ndarray | None:
    """Числа в их собственном типе: целые остаются целыми."""
    if isinstance(value, range | list | tuple) and len(value) > LONGEST:
        return None
    array = np.asarray(_plain(value))
    return array if array.dtype.kind in "fiubc" else None


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> str:
    """Аргументы примера: ``j = 1, l2 = 1.0``."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    limit = max(40, 300 // max(1, len(arguments)))
    named = len(names) == len(arguments)
    parts = [
        f"{names[i]} = {_show(value, limit)}" if named else _show(value, limit)
        for i, value in enumerate(arguments)
    ]
    return _cut(", ".join(parts) or "без аргументов", 350)


def _error_text(function: Callable[..., Any], error: BaseException) -> str:
    """Ошибка решения и строка, на которой она случилась, если это строка самого решения."""
    try:
        text = _cut(" ".join(str(error).split()), 200)
    except Exception:  # текст чужой ошибки может быть каким угодно
        text = ""
    file = str(getattr(getattr(function, "__code__", None), "co_filename", ""))
    lines = [n for frame, n in traceback.walk_tb(error.__traceback__) if _file(frame) == file]
    place = ""
    if lines:
        source = _cut(linecache.getline(file, lines[-1]).strip(), 80)
        place = f" в строке {lines[-1]}" + (f" ({source})" if source else "")
    return f"{_cut(type(error).__name__, 60)}{place}: {text}"


def _file(frame: Any) -> str:
    return str(frame.f_code.co_filename)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _bound_text(bound: float) -> str:
    if not bound:
        return "расхождения нет"
    if bound >= 1e-3:
        return f"расхождение не больше {bound:g}"
    return f"расхождение не больше {np.format_float_scientific(bound, trim='-', exp_digits=1)}"


def _dense(values: Any) -> np.ndarray:
    return values.toarray() if sp.issparse(values) else np.asarray(values)
