"""Проверки «совпадает ли». Проверка печатает границу, а нарушенная — останавливает урок.

Точное расхождение зависит от процессора, поэтому его видно только при работе в JupyterLab, а в
сохранённом уроке — лишь граница.
"""

import copy
import inspect
import linecache
import numbers
import os
import re
import sys
import traceback
from collections.abc import Callable, ItemsView, Iterator, KeysView, Sequence, ValuesView
from decimal import Decimal
from itertools import islice
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
LAZY = (Iterator, KeysView, ValuesView, ItemsView)

# Относительная граница и та же граница для нулей, в долях наибольшего из верных чисел.
BOUNDS: dict[Any, tuple[float, float]] = {
    np.float16: (4e-3, 1e-3),
    np.float32: (1e-5, 1e-7),
    np.float64: (1e-10, 0),
}
KINDS = {
    (str,): "строка",
    (list, tuple, np.ndarray, pd.Series): "список",
    (set, frozenset): "множество",
    (dict,): "словарь",
}


def check_task(name: str, function: Callable[..., Any], cases: Sequence[Case]) -> None:
    """Проверить решение задания. Ничего не прерывает: печатает, что не так, и подсказку.

    Заготовка получает в ответ только «ответа пока нет»: подсказка — после первой попытки.

    :param function: решение
    :param cases: примеры ``(аргументы, верный ответ, подсказка)``
    :raises TypeError: верный ответ примера такой, что сравнить с ним нельзя
    """
    right = f"верно, пройдены все проверки ({len(cases)})"
    print(f"{_cut(name, 60)}: {task_problem(function, cases) or right}")


def task_problem(function: Callable[..., Any], cases: Sequence[Case]) -> str:
    """Что не так с решением на первом неудачном примере; пустая строка — решено."""
    rights = [_right(expected) for _, expected, _ in cases]
    for number, (arguments, _, hint) in enumerate(cases):
        problem = _problem(function, arguments, rights[number], first=not number)
        if problem == UNSOLVED:
            return problem
        if problem:
            return (
                f"{problem}\nНа входе: {_call(function, arguments)}\nПодсказка: {_cut(hint, 200)}"
            )
    return ""


def _right(expected: Any) -> Any:
    """Верный ответ примера: массив чисел или то, что сверяют точно."""
    array = _as_numbers(expected)
    if array is not None:
        return array
    exact = expected.tolist() if isinstance(expected, np.ndarray | pd.Series) else expected
    if isinstance(exact, int) or not _is_exact(exact):
        raise TypeError(
            f"верный ответ примера — {_show(expected)}, с таким сравнить нельзя. Нужны число, "
            "массив чисел или строка; строки и целые бывают и в списке, множестве, словаре."
        )
    return exact


def _is_exact(value: Any) -> bool:
    """Строка, целое или составлено только из них."""
    if isinstance(value, dict):
        return all(map(_is_exact, value.items()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_exact, value))
    return isinstance(value, str | int | np.integer) and not isinstance(value, bool)


def _problem(function: Any, arguments: tuple[Any, ...], right: Any, first: bool) -> str:
    """Что не так с ответом на одном примере; пустая строка — всё верно.

    :param first: это первый пример: если и на нём ответа нет, решать ещё не начинали
    """
    if function is None or function is Ellipsis:
        return UNSOLVED
    if not callable(function):
        return f"вместо функции дано {shown(function)}."
    try:
        answer = function(*copy.deepcopy(arguments))
        if isinstance(answer, LAZY):  # генератор бывает и бесконечным
            need = len(np.atleast_1d(right) if isinstance(right, np.ndarray) else right)
            answer = list(islice(answer, need + 1))
            if len(answer) > need:
                return f"значений больше, чем нужно ({need}). Первые: {_show(answer)}."
    except (Exception, SystemExit) as error:  # в решении может случиться что угодно
        if first and isinstance(error, NotImplementedError):
            return UNSOLVED
        return f"функция остановилась с ошибкой {_error_text(function, error)}"
    if answer is None or answer is Ellipsis:
        return UNSOLVED if first else "на этом примере функция ничего не вернула."
    if isinstance(right, np.ndarray):
        return _number_problem(answer, right)
    try:
        if _equal(answer, right):
            return ""
    except Exception:  # чужой объект, список внутри самого себя
        pass
    kinds, wanted = next(pair for pair in KINDS.items() if isinstance(right, pair[0]))
    wanted = "другой ответ" if isinstance(answer, kinds) else wanted
    return f"получено {_show(answer)}, а ожидалось: {wanted}."


def _equal(mine: Any, right: Any) -> bool:
    """Точное равенство; список равен и кортежу, и массиву."""
    if isinstance(right, str):
        return isinstance(mine, str) and str.__eq__(right, mine) is True
    if isinstance(right, int | np.integer):
        return isinstance(mine, numbers.Real) and not isinstance(mine, bool) and bool(mine == right)
    if isinstance(right, dict):
        return isinstance(mine, dict) and _same_members(list(mine.items()), list(right.items()))
    if isinstance(right, set | frozenset):
        return isinstance(mine, set | frozenset) and _same_members(list(mine), list(right))
    mine = _plain(mine)
    mine = mine.tolist() if isinstance(mine, np.ndarray | pd.Series) else mine
    return (
        isinstance(mine, list | tuple) and len(mine) == len(right) and all(map(_equal, mine, right))
    )


def _same_members(mine: list[Any], right: list[Any]) -> bool:
    return len(mine) == len(right) and all(any(_equal(m, r) for m in mine) for r in right)


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
        unordered = isinstance(answer, set | frozenset)
        advice = " У множества нет порядка: верните список." if unordered else ""
        return f"ожидалось: {wanted}, а функция вернула {kind}: {_show(answer)}.{advice}"
    if mine.dtype == bool and right.dtype != bool:
        return f"ожидалось: {wanted}, а получено «да» или «нет» (bool): {_show(answer)}."
    if mine.shape != right.shape:
        return f"форма ответа {mine.shape}, а нужна {right.shape}. Получено: {_show(answer)}."
    wrong = ~_same(mine, right)
    if not wrong.any():
        return ""
    single = _long_singles(mine) and _same(mine.astype(np.float32), right).all()
    advice = " Похоже, считали в float32: посчитайте в float64." if single else ""
    if not mine.ndim:
        return f"получено {_show(answer)}, а ожидалось другое число.{advice}"
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    first = f"{place if mine.ndim > 1 else place[0]}: {mine[place]:.6g}"
    return (
        f"неверных чисел {int(wrong.sum())} из {wrong.size}, первое на месте {first}. "
        f"Получено: {_show(answer)}.{advice}"
    )


def _same(mine: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Где числа ответа верны.

    Граница — по более грубому из двух типов: ``float64`` сверяется до десяти цифр (или 1e-8),
    ``float32`` — до пяти, ``float16`` — до двух. Целые, которые тип различает, должны совпасть.
    """
    kind = next(k for k in BOUNDS if k in (_kind(mine), right.dtype.type, np.float64))
    relative, part = BOUNDS[kind]
    mine, right = mine.astype(np.float64), right.astype(np.float64)
    with np.errstate(all="ignore"):
        largest = np.abs(right, where=np.isfinite(right), out=np.zeros_like(right)).max(initial=0)
        absolute = max(1e-8, part * float(largest))
        close = np.isclose(mine, right, rtol=relative, atol=absolute, equal_nan=True)
        whole = (mine == np.round(mine)) & (right == np.round(right))
        whole &= np.abs(right) * np.finfo(kind).eps < 0.25
        return np.where(whole, mine == right, close)


def _kind(array: np.ndarray) -> Any:
    """В каком типе посчитано. У списка это видно, если чисел из ``float32`` не меньше трёх."""
    if array.dtype.type in (np.float16, np.float32):
        return array.dtype.type
    return np.float32 if _long_singles(array) >= 3 else np.float64


def _long_singles(array: np.ndarray) -> int:
    """Сколько чисел ``float64`` явно из ``float32``: двоичных цифр больше 12, но не больше 24.

    Если хоть одно число в ``float32`` не помещается — ни одного.
    """
    if array.dtype != np.float64:
        return 0
    with np.errstate(all="ignore"):
        finite = array[np.isfinite(array)]
        if (finite.astype(np.float32) != finite).any():
            return 0
        digits = np.frexp(finite)[0] * 2**12
        return int((digits != np.round(digits)).sum())


def _shape(answer: Any) -> tuple[int, ...] | None:
    """Форма ответа, если она видна без перевода в плотный массив."""
    if isinstance(answer, np.ndarray | pd.Series | pd.DataFrame) or sp.issparse(answer):
        return tuple(answer.shape)
    if isinstance(answer, list | tuple | range) and len(answer) > LONGEST:
        return (len(answer),)
    return None


def _as_numbers(answer: Any) -> np.ndarray | None:
    """Действительные числа в их собственном типе; ``None`` — это не числа."""
    try:
        array = np.asarray(_plain(answer))
        if array.dtype == object:
            if array.size and all(isinstance(x, bool | np.bool_) for x in array.flat):
                array = array.astype(bool)
            elif all(isinstance(x, numbers.Real | Decimal) for x in array.flat):
                array = array.astype(np.float64)
    except Exception:  # строки разной длины, чужой объект
        return None
    return array if array.dtype.kind in "fiub" else None


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
    try:
        array = np.asarray(_plain(value))
    except ValueError:  # список массивов разной длины
        return None
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
    """Ошибка решения и строка, на которой она случилась, если это строка самого решения.

    У ячеек тетради общая папка: если решение вызвано через функцию другой ячейки, строка — решения.
    """
    try:
        text = _cut(" ".join(str(error).split()), 200)
    except Exception:  # текст чужой ошибки может быть каким угодно
        text = ""
    code = getattr(function, "__code__", None)
    folder = os.path.dirname(code.co_filename) if code else None
    steps = [(_file(frame), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [step for step in steps if os.path.dirname(step[0]) == folder]
    place = ""
    if own:
        source = _cut(linecache.getline(*own[-1]).strip(), 80)
        place = f" в строке {own[-1][1]}" + (f" ({source})" if source else "")
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
