"""Единственный вход для всего, что подают функциям и моделям: верно или понятная ошибка.

Матрицы, числа, таблицы взаимодействий, корзины, последовательности и устройства проходят здесь один
раз. Поданное никогда не меняется. Тексты ошибок короткие, сколько бы ни весил вход.
"""

import operator
import reprlib
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError

LARGEST = 2**31 - 1  # наибольшее число, которое годится и NumPy, и SciPy, и torch

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def shown(value: Any) -> str:
    """Короткая запись значения для текста ошибки; не срывается ни на каком объекте."""
    if isinstance(value, np.generic) and value.dtype.kind in "biufc":
        value = value.item()  # 0.5, а не np.float64(0.5)
    try:
        text = " ".join(_SHORT.repr(value).split())
    except Exception:  # repr чужого объекта может быть каким угодно
        text = f"объект {type(value).__name__}"
    return text if len(text) <= 120 else f"{text[:117]}..."


# ------------------------------------------------------------------------------------- матрицы


def check_interactions(X: Any, dtype: Any = np.float64, n_items: int | None = None) -> sp.csr_array:
    """Матрица взаимодействий в формате CSR: повторы сложены, явных нулей нет, номера по порядку.

    Числа сначала переводятся в ``float64`` и лишь потом складываются: 256 событий в ``uint8`` — это
    256, а не 0. Повтор весит одинаково в любом формате и типе, в ``bool`` тоже.

    :param X: разреженная матрица ``(n_users, n_items)`` любого формата
    :param dtype: тип чисел результата
    :param n_items: сколько должно быть столбцов; ``None`` — сколько угодно
    :raises TypeError: матрица не разреженная
    :raises ValueError: матрица пуста или испорчена, в ней есть ``nan``, бесконечность или
        отрицательные числа, столбцов не ``n_items``, ``dtype`` не ``float32`` и не ``float64``
    """
    dtype = check_dtype(dtype)
    if not sp.issparse(X):
        raise TypeError(
            f"Нужна разреженная матрица, а получено {type(X).__name__}. "
            "Из плотной таблицы: scipy.sparse.csr_array(X)."
        )
    if len(X.shape) != 2:
        raise ValueError(
            f"Нужна таблица «пользователи × объекты», а получена форма {X.shape}. "
            "Строка одного пользователя u остаётся таблицей, если взять её списком: X[[u]]."
        )
    if 0 in X.shape:
        raise ValueError(f"Матрица взаимодействий пуста: форма {X.shape}.")
    if X.dtype.kind not in "biuf":
        raise ValueError(f"В матрице взаимодействий — не действительные числа: {X.dtype}.")
    if n_items is not None and X.shape[1] != check_count("n_items", n_items):
        raise ValueError(
            f"В матрице {X.shape[1]} объектов, а модель обучена на {n_items}. "
            "Строки — пользователи, столбцы — объекты; не транспонирована ли она?"
        )
    _check_size(*X.shape)
    matrix = _summed(X)
    with np.errstate(over="ignore"):  # большое для float32 число станет бесконечностью
        matrix = matrix.astype(dtype, copy=False)
    if not np.isfinite(matrix.data).all():
        raise ValueError(f"В матрице взаимодействий слишком большие для {dtype.name} числа.")
    matrix.eliminate_zeros()
    return matrix


def _check_size(n_rows: int, n_items: int) -> None:
    """Хватит памяти на рабочие массивы длиной в число строк и в каталог."""
    advice = "Номера не подряд? Перенумеруйте: encode_ids."
    check_memory(40 * n_rows + 32 * n_items, f"Разреженная матрица {n_rows} × {n_items}", advice)


def _summed(X: Any) -> sp.csr_array:
    """Копия в CSR ``float64``: строение проверено, знаки проверены, повторы сложены."""
    broken = ValueError(
        f"Матрица {X.shape} испорчена: номера строк или столбцов не целые или не помещаются в её "
        "форму. Номера идут с нуля; если ваши с единицы, вычтите единицу."
    )
    try:
        places: list[Any] = []
        if X.format == "lil" and list(map(len, X.rows)) != list(map(len, X.data)):
            raise broken
        if X.format == "dok" and X.nnz:
            places.append(list(X.keys()))
        if X.format not in ("csr", "csc", "bsr", "coo"):
            X = X.tocoo()
        places += X.coords if X.format == "coo" else (X.indices, X.indptr)
        if any(np.asarray(numbers).dtype.kind not in "iu" for numbers in places):
            raise broken
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        raise broken from error
    if np.ma.isMaskedArray(X.data):
        raise ValueError("У чисел матрицы есть маска. Уберите скрытые ею взаимодействия.")
    with np.errstate(over="ignore"):
        data = np.array(X.data, dtype=np.float64)
    if np.isnan(data).any() or np.isinf(data).any():
        raise ValueError("В матрице взаимодействий есть nan или бесконечность.")
    if (data < 0).any():
        raise ValueError(
            "В матрице взаимодействий есть отрицательные числа: "
            "взаимодействие либо есть (больше нуля), либо его нет."
        )
    try:
        if X.format == "coo":
            # Конструктор сверяет номера с формой.
            matrix = sp.coo_array((data, X.coords), shape=X.shape)
        else:
            kind = {"csr": sp.csr_array, "csc": sp.csc_array, "bsr": sp.bsr_array}[X.format]
            matrix = kind((data, X.indices.copy(), X.indptr.copy()), shape=X.shape)
            matrix.check_format(full_check=True)
    except (ValueError, TypeError, IndexError) as error:
        raise broken from error
    with np.errstate(over="ignore"):
        matrix = sp.csr_array(matrix)
        matrix.sum_duplicates()
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

    :return: массив ``int64`` формы ``(len(users),)``
    :raises ValueError: не одномерный массив целых или неизвестный пользователь
    """
    array = as_array(users)
    empty = array.shape == (0,) and array.dtype.kind == "f"
    if array.ndim != 1 or not (empty or array.dtype.kind in "iu"):
        raise ValueError(
            f"users — одномерный массив целых номеров, а получено {shown(users)}. "
            "Истории новых пользователей подают в score_history."
        )
    last = np.iinfo(np.int64).max if n_users is None else n_users - 1
    outside = array[(array < 0) | (array > last)]
    if outside.size:
        raise ValueError(
            f"Пользователя {outside[0]} нет: номера "
            f"{'от 0.' if n_users is None else f'от 0 до {n_users - 1}.'} "
            "Новому пользователю баллы даёт score_history, если она есть у модели."
        )
    return array.astype(np.int64)


def as_array(values: Any) -> np.ndarray:
    """``np.asarray``, а у того, что массивом не станет, — пустой двумерный массив объектов.

    Массив с маской тоже не станет: без маски скрытые ею числа выглядели бы настоящими.
    """
    nothing = np.empty((0, 0), dtype=object)
    if np.ma.isMaskedArray(values):
        return nothing
    try:
        return np.asarray(values)
    except Exception:  # строки разной длины, тензор с градиентом, чужой объект
        return nothing


# --------------------------------------------------------------------------------------- модели


def check_fitted(model: Any, attribute: str) -> None:
    """Модель обучена: у неё есть ``attribute``.

    :raises sklearn.exceptions.NotFittedError: модель ещё не обучена
    """
    if not hasattr(model, attribute):
        raise NotFittedError(
            f"Модель {type(model).__name__} не обучена: сначала model.fit(...), потом баллы."
        )


def check_number(
    name: str,
    value: Any,
    low: float = -np.inf,
    high: float = np.inf,
    *,
    above: bool = False,
    below: bool = False,
) -> float:
    """Гиперпараметр ``name`` — конечное число от ``low`` до ``high``.

    :param above: больше ``low``, а не равно ему
    :param below: меньше ``high``, а не равно ему
    :return: то же число, ``float``
    :raises ValueError: не число, ``nan`` или вне границ
    """
    number = np.nan
    numeric = isinstance(value, int | float | np.integer | np.floating)
    if numeric and not isinstance(value, bool | np.timedelta64):
        try:
            number = float(value)
        except OverflowError:  # целое больше 1.8e308
            number = np.nan
    edges = [low] * above + [high] * below
    inside = low <= number <= high and number not in edges
    if not inside or np.isinf(number):
        bounds = []
        if low > -np.inf:
            bounds.append(f" {'больше' if above else 'не меньше'} {low:g}")
        if high < np.inf:
            bounds.append(f" {'меньше' if below else 'не больше'} {high:g}")
        raise ValueError(
            f"{name} — {'' if bounds else 'конечное '}число{' и'.join(bounds)}, "
            f"а получено {shown(value)}."
        )
    return number


def check_count(name: str, value: Any, low: int = 1, high: int = LARGEST) -> int:
    """Гиперпараметр, размер или глубина списка ``name`` — целое число от ``low`` до ``high``.

    :return: то же число, ``int``
    :raises ValueError: не целое или вне границ
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64)
    if not whole or not low <= value <= high:
        raise ValueError(
            f"{name} — целое число не меньше {low}"
            f"{'' if not whole or value < low else f' и не больше {high}'}, "
            f"а получено {shown(value)}."
        )
    return operator.index(value)


def check_seed(seed: Any, name: str = "seed") -> int:
    """Зерно генератора — целое от 0 до 2⁶³ − 1: годится и NumPy, и torch.

    :return: то же число, ``int``
    :raises ValueError: не целое или вне границ
    """
    return check_count(name, seed, 0, 2**63 - 1)


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Гиперпараметр ``name`` — одно из названий ``choices``.

    :raises ValueError: другое значение
    """
    names = list(choices)
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{name} — одно из {', '.join(names)}, а получено {shown(value)}.")


def check_dtype(dtype: Any) -> np.dtype:
    """Тип чисел — ``float32`` или ``float64``.

    :raises ValueError: другой тип
    """
    try:
        found = None if dtype is None else np.dtype(dtype)
    except Exception:  # np.dtype спрашивает чужой объект о чём угодно
        found = None
    if found is None or found not in (np.float32, np.float64):
        raise ValueError(f"dtype — float32 или float64, а получено {shown(dtype)}.")
    return found


def check_device(device: Any, dtype: Any = np.float64) -> Any:
    """Устройство torch, на котором можно считать числами ``dtype``.

    :param device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"`` или ``torch.device``
    :return: ``torch.device``
    :raises ValueError: такого устройства нет или чисел ``dtype`` оно не знает
    """
    import torch

    kind = getattr(torch, check_dtype(dtype).name)
    try:
        if not isinstance(device, str | torch.device):
            raise TypeError
        found = torch.device(device)
        if found.type not in ("cpu", "cuda", "mps"):
            raise TypeError
        torch.zeros(1, device=found, dtype=kind)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(
            f"На устройстве {shown(device)} считать числами {check_dtype(dtype).name} нельзя. "
            "Обычный выбор — device='cpu'; видеокарта NVIDIA — 'cuda'; у 'mps' нет float64."
        ) from error
    return found


def check_validation(value: Any) -> float:
    """Число, которое вернула функция ``validation``.

    :raises ValueError: не число, ``nan`` или бесконечность
    """
    try:
        return check_number("validation", value)
    except ValueError as error:
        raise ValueError(f"validation вернула {shown(value)}, а нужно конечное число.") from error


# --------------------------------------------------------------------------------------- память


def check_memory(n_bytes: float, what: str, instead: str) -> None:
    """Памяти хватит на ``n_bytes``; спрашивают до того, как её занять.

    :param what: на что нужна память: «Матрица весов 300000 × 300000»
    :param instead: что делать, если её нет
    :raises MemoryError: не хватит
    """
    free = free_memory()
    if n_bytes > free:
        raise MemoryError(
            f"{what}: нужно {_gigabytes(n_bytes)}, свободно {_gigabytes(free)}. {instead}"
        )


def check_square(n_items: int, dtype: Any, copies: float, instead: str) -> None:
    """Хватит памяти на ``copies`` плотных матриц «объекты × объекты».

    :raises MemoryError: не хватит; сказано, сколько нужно, сколько есть и что взять вместо
    """
    n_bytes = copies * n_items**2 * np.dtype(dtype).itemsize
    check_memory(n_bytes, f"Матрицы {n_items} × {n_items}", instead)


def free_memory() -> float:
    """Сколько байт можно занять: меньшее из свободного на машине и в контейнере."""
    free = float(psutil.virtual_memory().available)
    try:
        group = Path("/sys/fs/cgroup")
        limit, used = ((group / f"memory.{name}").read_text() for name in ("max", "current"))
        free = min(free, float(limit) - float(used))
    except (OSError, ValueError):  # не Linux, или предела нет («max»)
        pass
    return free


def _gigabytes(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.3g} ГБ" if n_bytes < 1e15 else f"{n_bytes / 1e9:.0e} ГБ"


def warn_ill_conditioned(condition: float, dtype: Any, cause: str) -> None:
    """Предупредить, что система плохо обусловлена: последние цифры ответа неверны.

    :param condition: число обусловленности (в любой норме)
    :param cause: причина и что делать
    """
    limit = {4: 1e-2, 8: 1e-6}[np.dtype(dtype).itemsize]
    if not condition * np.finfo(dtype).eps <= limit:
        warnings.warn(
            f"Система плохо обусловлена (число обусловленности {condition:.0e}). {cause}",
            RuntimeWarning,
            stacklevel=3,
        )


# ---------------------------------------------------------------------------------------- таблицы


def check_table(table: Any, columns: Sequence[str]) -> pd.DataFrame:
    """Таблица взаимодействий: столбцы на месте, пропусков нет, ``user`` и ``item`` — номера.

    :return: новая таблица с теми же столбцами, индексом 0, 1, … и номерами ``int64``
    :raises TypeError: не :class:`pandas.DataFrame`
    :raises ValueError: нет столбца или их два, таблица пуста, есть пропуски, номера — не номера
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"Нужна таблица pandas.DataFrame, а получено {type(table).__name__}. "
            "Загрузчик возвращает пару таблиц: ratings, items = load_movielens()."
        )
    names = [name for name in table.columns if isinstance(name, str)]
    missing = [name for name in columns if name not in names]
    if missing:
        raise ValueError(
            f"В таблице нет столбцов: {', '.join(missing)}. "
            f"Нужны {', '.join(columns)}, а есть {shown(list(table.columns))}."
        )
    for column in columns:
        if names.count(column) > 1:
            raise ValueError(
                f"Столбец {column} в таблице не один. Оставьте первый: "
                "frame = frame.loc[:, ~frame.columns.duplicated()]."
            )
    if table.empty:
        raise ValueError("Таблица пуста: ни одной строки.")
    gaps = table[list(columns)].isna().any()
    if gaps.any():
        raise ValueError(
            f"В столбцах {', '.join(gaps.index[gaps])} есть пропуски (NaN). Уберите эти строки: "
            f"frame = frame.dropna(subset={list(columns)})."
        )
    ids = {name: check_ids(table[name], name) for name in ("user", "item") if name in columns}
    return table.reset_index(drop=True).assign(**ids)


def check_ids(ids: pd.Series, name: str = "user") -> np.ndarray:
    """Номера строк или столбцов матрицы: целые от нуля, не больше 2³¹ − 2.

    :return: массив ``int64``
    :raises ValueError: не целые, отрицательные или похожие на исходные идентификаторы
    """
    numbers = pd.api.types.is_integer_dtype(ids) and not ids.isna().any()
    outside = (ids < 0) | (ids >= LARGEST) if numbers else np.ones(len(ids), dtype=bool)
    if outside.any() or not (numbers or ids.empty):
        raise ValueError(
            f"Столбец {name} — номера от нуля, а в нём {ids.dtype}, например "
            f"{shown(ids[np.asarray(outside)].iloc[0])}. "
            f"Перенумеруйте: frame[{name!r}] = pd.factorize(frame[{name!r}])[0]. "
            "Вместе с номерами исходные идентификаторы даёт encode_ids."
        )
    return ids.to_numpy(np.int64)


def check_ratings(frame: Any) -> pd.DataFrame:
    """Таблица оценок: ``user, item, rating, timestamp``, числа конечны, ни одной пары дважды.

    :return: новая таблица, см. :func:`check_table`
    :raises TypeError: не :class:`pandas.DataFrame`
    :raises ValueError: таблица плоха, оценки или времена — не числа, пара повторяется
    """
    columns = ("user", "item", "rating", "timestamp")
    if isinstance(frame, pd.DataFrame) and set(columns) - set(frame.columns) == {"rating"}:
        raise ValueError(
            "В таблице нет столбцов: rating. Если оценок нет, а есть только события: "
            "frame = frame.assign(rating=1), а разбиению укажите min_rating=None."
        )
    table = check_table(frame, columns)
    for name in ("rating", "timestamp"):
        check_column(table[name], name)
    user, item = table["user"].to_numpy(), table["item"].to_numpy()
    pairs = np.sort(user * (item.max() + 1) + item)  # меньше 2⁶²; вдесятеро быстрее duplicated
    if (pairs[1:] == pairs[:-1]).any():
        raise ValueError(
            "Пользователь оценил один объект дважды. Оставьте одну запись на пару: "
            "frame = frame.drop_duplicates(['user', 'item'], keep='last')."
        )
    return table


def check_column(column: pd.Series, name: str) -> None:
    """Столбец таблицы — конечные действительные числа.

    :raises ValueError: моменты времени, текст, комплексные числа, бесконечность
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        raise ValueError(
            f"Столбец {name} — числа, а здесь моменты времени. Переведите их в секунды: "
            f"frame[{name!r}] = frame[{name!r}].map(pd.Timestamp.timestamp)."
        )
    complex_numbers = pd.api.types.is_complex_dtype(column)
    if complex_numbers or not pd.api.types.is_numeric_dtype(column):
        raise ValueError(
            f"Столбец {name} — числа, а здесь {column.dtype}, например "
            f"{shown(column.iloc[0])}. Если это числа, записанные текстом: "
            f"frame[{name!r}] = pd.to_numeric(frame[{name!r}])."
        )
    if not np.isfinite(column.to_numpy(np.float64)).all():
        raise ValueError(f"В столбце {name} есть бесконечность: уберите эти строки.")


def encode_ids(ids: Any) -> tuple[np.ndarray, pd.Index]:
    """Любые идентификаторы → номера от нуля, и обратно: ``labels[codes]`` — исходные.

    Номера идут в порядке первого появления. Обёртка :func:`pandas.factorize`, которая не пропускает
    пропусков.

    :param ids: столбец таблицы или одномерный массив: строки, числа, метки
    :return: ``codes`` — ``int64``, формы ``(n,)``; ``labels`` — идентификаторы по номерам
    :raises ValueError: не одномерный столбец, есть пропуски, идентификаторы разных типов
    """
    column = ids
    if not isinstance(ids, pd.Series | pd.Index | np.ndarray):
        column = pd.Series(ids, dtype=object) if isinstance(ids, list | tuple) else as_array(ids)
    if column.ndim != 1 or np.ma.isMaskedArray(column):
        raise ValueError(f"Нужен один столбец идентификаторов, а получено {shown(ids)}.")
    _check_one_kind(column)
    try:
        codes, labels = pd.factorize(column)
        labels = pd.Index(labels).infer_objects()
    except Exception as error:  # не хешируется, float16, чужой объект
        raise ValueError("Идентификатор — строка или число, а не список и не словарь.") from error
    if (codes < 0).any():
        raise ValueError(
            f"Идентификаторов-пропусков (NaN): {int((codes < 0).sum())}. Уберите эти строки: "
            "frame = frame.dropna(subset=[...])."
        )
    return codes.astype(np.int64), labels


def _check_one_kind(column: Any) -> None:
    """Идентификаторы одного типа: 1, 1.0 и True для словаря одно и то же, а 1 и «1» — нет."""
    if column.dtype != object:
        return
    kinds = {
        int if isinstance(item, np.integer) else float if isinstance(item, np.floating) else kind
        for item in column
        if (kind := type(item)) is not type(None) and item is not pd.NA and item is not pd.NaT
        if not (isinstance(item, float) and np.isnan(item))
    }
    if len(kinds) > 1:
        raise ValueError(
            f"Идентификаторы разных типов: {shown(sorted(k.__name__ for k in kinds))}. "
            "Приведите их к одному, например: frame['user'] = frame['user'].astype(str)."
        )


# --------------------------------------------------------------------- корзины и последовательности


def check_baskets(baskets: Any, n_items: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Все корзины подряд и длины историй.

    :param baskets: словарь: пользователь → список корзин, старые первыми; корзина — номера
        объектов. Пустая корзина занимает в истории место
    :return: список массивов ``int64``; сколько корзин у каждого пользователя, ``(n_users,)``
    :raises TypeError: не словарь
    :raises ValueError: история — не список корзин, номер объекта не целый или вне каталога
    """
    if not isinstance(baskets, dict):
        raise TypeError(
            f"Нужен словарь «пользователь → список корзин», а не {type(baskets).__name__}."
        )
    try:
        rows = [as_array(basket) for history in baskets.values() for basket in history]
        lengths = np.array([len(history) for history in baskets.values()], dtype=np.int64)
    except Exception:  # история — не список
        rows, lengths = [np.empty((0, 0))], np.empty(0, dtype=np.int64)
    _check_size(len(rows), n_items)
    return _item_rows(rows, n_items, "{0: [[3, 7], [7]]}"), lengths


def check_sequences(sequences: Any, n_items: int) -> list[np.ndarray]:
    """Истории массивами ``int64``, в том же порядке.

    :param sequences: список массивов номеров объектов, старые первыми; история может быть пуста
    :raises TypeError: не список
    :raises ValueError: в истории не целые номера от 0 до ``n_items - 1``
    """
    if not isinstance(sequences, list | tuple):
        raise TypeError(
            f"Нужен список историй, а получено {type(sequences).__name__}. Пример: [[3, 7], [5]]."
        )
    return _item_rows([as_array(row) for row in sequences], n_items, "[[3, 7], [5]]")


def _item_rows(rows: list[np.ndarray], n_items: int, example: str) -> list[np.ndarray]:
    """Номера объектов: целые, от 0 до ``n_items - 1``; массивы ``int64``."""
    for row in rows:
        if row.ndim != 1 or (row.size and row.dtype.kind not in "iu"):
            raise ValueError(
                "История — список целых номеров объектов или список корзин из целых номеров, "
                f"здесь {example}; а получено {shown(row)}."
            )
    items = np.concatenate([np.empty(0, dtype=np.int64), *(row for row in rows if row.size)])
    outside = items[(items < 0) | (items >= n_items)]
    if outside.size:
        raise ValueError(f"Объекта {outside[0]:.0f} нет: номера в каталоге от 0 до {n_items - 1}.")
    return [row.astype(np.int64, copy=False) for row in rows]
