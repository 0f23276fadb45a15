"""Разбиения на обучающую и тестовую части.

Таблица взаимодействий — столбцы ``user, item, rating, timestamp``; ``user`` и ``item`` — номера
строки и столбца матрицы $X$, от нуля. Положительным считается взаимодействие с оценкой не ниже
``min_rating`` (на MovieLens — 4), при ``min_rating=None`` — любое: так разбивают журнал событий
без оценок. «Просмотренное» — всё, что пользователь оценил до среза, с любой оценкой: именно его
убирают из списков.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons.inputs import (
    check_column,
    check_count,
    check_interactions,
    check_memory,
    check_number,
    check_ratings,
    check_seed,
    check_table,
    check_users,
    shown,
)

Rule = Callable[[np.ndarray], np.ndarray]  # сколько положительных → сколько из них в тест


@dataclass(frozen=True)
class Split:
    """Одно разбиение. Матрицы — CSR ``(n_users, n_items)`` из единиц.

    :param train: положительные взаимодействия до среза
    :param test: положительные взаимодействия после среза (у каждого пользователя срез свой)
    :param seen: всё, что оценено до среза, с любой оценкой
    :param history: строки исходной таблицы до среза — их можно разбить ещё раз
    """

    train: sp.csr_array
    test: sp.csr_array
    seen: sp.csr_array
    history: pd.DataFrame

    @property
    def n_skipped(self) -> int:
        """Сколько пользователей с обучающей частью остались без тестовой."""
        return int(((np.diff(self.train.indptr) > 0) & (np.diff(self.test.indptr) == 0)).sum())

    def liked(self, user: int) -> tuple[np.ndarray, np.ndarray]:
        """Что понравилось пользователю до среза и после него: два массива номеров объектов.

        :raises ValueError: такого пользователя нет
        """
        row = check_users([user], self.train.shape[0])
        return self.train[row].indices, self.test[row].indices


@dataclass(frozen=True)
class HeldOut:
    """Обобщение на новых пользователей: три матрицы CSR с общим каталогом.

    :param train: пользователи, на которых модель обучают, ``(n_train, n_items)``
    :param fold_in: известная часть истории новых пользователей, ``(n_users, n_items)``
    :param target: скрытая часть их истории, той же формы
    :param users: номера новых пользователей в исходной матрице, ``(n_users,)``
    """

    train: sp.csr_array
    fold_in: sp.csr_array
    target: sp.csr_array
    users: np.ndarray


def chronological(ratings: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Таблица по пользователям и времени; совпадения времён перемешаны с зерном ``seed``.

    :raises ValueError: нет нужных столбцов, таблица пуста, есть пропуски или повторы пар
    """
    ratings, seed = check_ratings(ratings), check_seed(seed)
    shuffled = np.random.default_rng(seed).permutation(len(ratings))
    order = _order(ratings["user"].to_numpy(), ratings["timestamp"].to_numpy(), shuffled)
    return ratings.iloc[order].reset_index(drop=True)


def to_matrix(
    events: pd.DataFrame, shape: tuple[int, int], min_rating: float | None = None
) -> sp.csr_array:
    """Матрица CSR из единиц: что с чем взаимодействовало.

    :param events: столбцы ``user, item``, с ``min_rating`` ещё и ``rating``
    :param shape: ``(n_users, n_items)``
    :param min_rating: брать только оценки не ниже этой; ``None`` — все
    :raises ValueError: таблица плоха, номер пользователя или объекта не помещается в ``shape``,
        подходящих оценок нет
    """
    shape, threshold = _check_shape(shape), _threshold(min_rating)
    columns = ("user", "item") if threshold is None else ("user", "item", "rating")
    events = check_table(events, columns)
    if threshold is not None:
        check_column(events["rating"], "rating")
    matrix = _matrix(events, _positive(events, threshold), shape)
    if not matrix.nnz:
        raise ValueError(f"Матрица пуста: {_why_empty(events, threshold)}")
    return matrix


def last_share(
    events: pd.DataFrame,
    share: float = 0.2,
    min_rating: float | None = 4,
    shape: tuple[int, int] | None = None,
) -> Split:
    """Тест — последние ``⌊share · n⌋`` из ``n`` положительных взаимодействий пользователя.

    :param events: таблица в порядке :func:`chronological`
    :param min_rating: положительны оценки не ниже этой; ``None`` — все
    :param shape: ``(n_users, n_items)``; по умолчанию — по наибольшим номерам
    :raises ValueError: ``share`` не между 0 и 1, таблица не упорядочена, одна из частей пуста
    """
    rule = _last_share(check_number("share", share, 0, 1, above=True, below=True))
    return _last(check_ratings(events), rule, min_rating, shape)


def leave_last_out(
    events: pd.DataFrame, min_rating: float | None = 4, shape: tuple[int, int] | None = None
) -> Split:
    """Отложить последнее: тестовая часть — последнее положительное взаимодействие пользователя.

    Пользователь с единственным положительным взаимодействием остаётся без тестовой части.

    :param events: таблица в порядке :func:`chronological`
    :param min_rating: положительны оценки не ниже этой; ``None`` — все
    :raises ValueError: таблица не упорядочена, одна из частей пуста
    """
    return _last(check_ratings(events), _last_one, min_rating, shape)


def global_date(
    events: pd.DataFrame,
    date: float | pd.Timestamp,
    min_rating: float | None = 4,
    shape: tuple[int, int] | None = None,
) -> Split:
    """Разбиение по общей дате: для всех пользователей до ``date`` — обучение, с неё — тест.

    :param date: секунды, как в столбце ``timestamp``, или :class:`pandas.Timestamp`; момент без
        часового пояса — по Гринвичу
    :param min_rating: положительны оценки не ниже этой; ``None`` — все
    :raises ValueError: дата не число и не момент, одна из частей пуста
    """
    events, threshold = check_ratings(events), _threshold(min_rating)
    if isinstance(date, pd.Timestamp):
        cut = date.timestamp()
    else:
        cut = check_number("date (секунды или pandas.Timestamp)", date)
    before = (events["timestamp"] < cut).to_numpy()
    if before.all() or not before.any():
        raise ValueError(f"По одну сторону от даты {shown(date)} нет ни одного взаимодействия.")
    return _split(events, before, shape, threshold)


def board_a(
    ratings: pd.DataFrame, seed: int = 0, min_rating: float | None = 4
) -> tuple[Split, Split]:
    """Протокол A уроков: последние 20 % — тест, из остатка ещё раз последние 20 % — валидация.

    :param seed: зерно, которым перемешаны совпадения времён
    :param min_rating: положительны оценки не ниже этой; ``None`` — все
    :return: ``(validation, test)``; ``test.train`` — обучающая часть вместе с валидационной
    :raises ValueError: таблица плоха, одна из частей пуста
    """
    return _twice(ratings, seed, _last_share(0.2), min_rating)


def board_b(
    ratings: pd.DataFrame, seed: int = 0, min_rating: float | None = 4
) -> tuple[Split, Split]:
    """Протокол B уроков: последнее положительное — тест, предпоследнее — валидация.

    :param seed: зерно, которым перемешаны совпадения времён
    :param min_rating: положительны оценки не ниже этой; ``None`` — все
    :return: ``(validation, test)``
    :raises ValueError: таблица плоха, одна из частей пуста
    """
    return _twice(ratings, seed, _last_one, min_rating)


def held_out_users(
    X: sp.csr_array, n_users: int, fold_in_share: float = 0.8, seed: int = 0
) -> HeldOut:
    """Отложить ``n_users`` случайных пользователей; у каждого часть истории известна, часть скрыта.

    Как у Liang и др. (WWW 2018), но объекты без обучающих взаимодействий остаются в каталоге.
    Пользователи с историей короче двух объектов не откладываются.

    :raises ValueError: пользователей с достаточной историей меньше, чем ``n_users``
    """
    fold_in_share = check_number("fold_in_share", fold_in_share, 0, 1, above=True, below=True)
    X, n_users, seed = check_interactions(X), check_count("n_users", n_users), check_seed(seed)
    rng = np.random.default_rng(seed)
    eligible = np.flatnonzero(np.diff(X.indptr) >= 2)
    limit = min(len(eligible), X.shape[0] - 1)
    if n_users > limit:
        raise ValueError(
            f"Отложить можно не больше {limit} пользователей, а запрошено {n_users}: у отложенного "
            "не меньше двух взаимодействий, и хотя бы один остаётся для обучения."
        )
    chosen = np.sort(rng.choice(eligible, n_users, replace=False))
    history = sp.csr_array(X[chosen])
    hidden = np.zeros(history.nnz, dtype=bool)
    for start, end in zip(history.indptr[:-1], history.indptr[1:], strict=True):
        n_hidden = int((1 - fold_in_share) * (end - start) + 1e-9)
        n_hidden = min(max(1, n_hidden), end - start - 1)
        hidden[start + rng.choice(end - start, n_hidden, replace=False)] = True
    parts = []
    for mask in (~hidden, hidden):
        part = history.copy()
        part.data = part.data * mask
        part.eliminate_zeros()
        parts.append(part)
    others = np.setdiff1d(np.arange(X.shape[0]), chosen)
    return HeldOut(sp.csr_array(X[others]), parts[0], parts[1], chosen)


def next_basket(
    baskets: pd.DataFrame, date: pd.Timestamp
) -> tuple[dict[int, list[np.ndarray]], dict[int, np.ndarray]]:
    """Срез по общей дате для корзин: история до неё и первая корзина после.

    :param baskets: столбцы ``user, basket, time, item``; строка — объект в корзине
    :return: ``history`` — пользователь → список корзин, старые первыми; ``target`` — пользователь →
        первая корзина не раньше ``date``; только у тех, у кого есть история
    :raises ValueError: нет нужных столбцов, по одну сторону от даты пусто
    """
    rows = check_table(baskets, ("user", "basket", "time", "item"))
    if not pd.api.types.is_datetime64_any_dtype(rows["time"]):
        raise ValueError(
            "Столбец time — моменты времени: frame['time'] = pd.to_datetime(frame['time'])."
        )
    if not isinstance(date, pd.Timestamp):
        raise ValueError(f"Дата среза — pandas.Timestamp, а получено {shown(date)}.")
    if (date.tz is None) != (rows["time"].dt.tz is None):
        raise ValueError("Часовой пояс указан только у даты среза или только у времён корзин.")
    order = ["user", "time", "basket", "item"]
    try:
        moments = rows.groupby(["user", "basket"])["time"].nunique()
        rows = rows[order].drop_duplicates().sort_values(order)
    except TypeError as error:
        raise ValueError(
            "Столбец basket — номера корзин или строки одного вида. Перенумеруйте: "
            "frame['basket'] = pd.factorize(frame['basket'])[0]."
        ) from error
    if (moments > 1).any():
        raise ValueError("У одной корзины пользователя два разных времени: проверьте её номер.")
    first = ~rows.duplicated(["user", "basket"]).to_numpy()
    contents = np.split(rows["item"].to_numpy(), np.flatnonzero(first)[1:])
    history: dict[int, list[np.ndarray]] = {}
    target: dict[int, np.ndarray] = {}
    for user, time, items in zip(rows["user"][first], rows["time"][first], contents, strict=True):
        if time < date:
            history.setdefault(int(user), []).append(items)
        elif user in history:
            target.setdefault(int(user), items)
    if not history or not target:
        raise ValueError(f"По одну сторону от даты {shown(date)} корзин нет: сдвиньте дату среза.")
    return history, target


def _order(user: np.ndarray, time: np.ndarray, shuffled: np.ndarray) -> np.ndarray:
    """``np.lexsort((shuffled, time, user))``: номера строк по порядку."""
    first, last = (int(time.min()), int(time.max())) if time.dtype.kind in "iu" else (0, 2**63)
    span = last - first + 1
    if last >= 2**63 or (int(user.max()) + 1) * span >= 2**63:
        return np.lexsort((shuffled, time, user))
    # Одно число на строку сортируется в несколько раз быстрее, чем три; совпадения редки.
    key = user * span + (time.astype(np.int64) - first)
    order = np.argsort(key)
    key = key[order]
    same = np.concatenate([[False], key[1:] == key[:-1], [False]])
    tied = np.flatnonzero(same[1:] | same[:-1])
    rows = order[tied]
    order[tied] = rows[np.lexsort((shuffled[rows], key[tied]))]
    return order


def _twice(
    ratings: pd.DataFrame, seed: int, rule: Rule, min_rating: float | None
) -> tuple[Split, Split]:
    test = _last(chronological(ratings, seed), rule, min_rating, None)
    return _last(test.history, rule, min_rating, test.train.shape), test


def _last_share(share: float) -> Rule:
    return lambda n: np.floor(share * n + 1e-9).astype(int)


def _last_one(n: np.ndarray) -> np.ndarray:
    return (n > 1).astype(int)


def _last(
    events: pd.DataFrame,
    n_test: Rule,
    min_rating: float | None,
    shape: tuple[int, int] | None,
) -> Split:
    """Срез каждого пользователя — перед последними ``n_test(n)`` положительными.

    Таблица уже проверена.
    """
    threshold = _threshold(min_rating)
    user, time = events["user"].to_numpy(), events["timestamp"].to_numpy()
    earlier = (user[1:] == user[:-1]) & (time[1:] < time[:-1])
    if (user[1:] < user[:-1]).any() or earlier.any():
        raise ValueError(
            "Таблица не упорядочена по времени. Сначала: frame = chronological(frame, seed=0)."
        )
    place = np.concatenate([[0], np.cumsum(user[1:] != user[:-1])])  # какой по счёту пользователь
    positive = _positive(events, threshold)
    total = np.bincount(place, positive).astype(int)
    upto = np.cumsum(positive) - (np.cumsum(total) - total)[place]
    # Низкие оценки между последним обучающим и первым тестовым положительным раньше среза:
    # у них upto равно числу обучающих, и они остаются в истории.
    before = upto <= (total - n_test(total))[place]
    return _split(events, before, shape, threshold)


def _split(
    events: pd.DataFrame,
    before: np.ndarray,
    shape: tuple[int, int] | None,
    threshold: float | None,
) -> Split:
    if shape is None:
        shape = int(events["user"].max()) + 1, int(events["item"].max()) + 1
    shape = _check_shape(shape)
    positive = _positive(events, threshold)
    parts = {"Обучающая": before & positive, "Тестовая": ~before & positive}
    matrices = {name: _matrix(events, rows, shape) for name, rows in parts.items()}
    for name, matrix in matrices.items():
        if not matrix.nnz:
            raise ValueError(f"{name} часть пуста: {_why_empty(events, threshold)}")
    return Split(
        train=matrices["Обучающая"],
        test=matrices["Тестовая"],
        seen=_matrix(events, before, shape),
        history=events[before].reset_index(drop=True),
    )


def _positive(events: pd.DataFrame, threshold: float | None) -> np.ndarray:
    if threshold is None:
        return np.ones(len(events), dtype=bool)
    return (events["rating"] >= threshold).to_numpy(bool)


def _matrix(events: pd.DataFrame, rows: np.ndarray, shape: tuple[int, int]) -> sp.csr_array:
    """Матрица единиц из строк, которые отметила маска ``rows``; таблица уже проверена."""
    user, item = (events[name].to_numpy()[rows] for name in ("user", "item"))
    for name, ids, size in (("Пользователь", user, shape[0]), ("Объект", item, shape[1])):
        if ids.size and ids.max() >= size:
            raise ValueError(f"{name} с номером {ids.max()} вне матрицы {shape[0]} × {shape[1]}.")
    check_memory(
        16 * shape[0],
        f"Матрица {shape[0]} × {shape[1]}",
        "Перенумеруйте подряд: frame['user'] = pd.factorize(frame['user'])[0].",
    )
    matrix = sp.csr_array((np.ones(len(user)), (user, item)), shape=shape)
    matrix.data[:] = 1
    return matrix


def _why_empty(events: pd.DataFrame, threshold: float | None) -> str:
    """Почему часть пуста: сколько положительных взаимодействий, какая оценка наибольшая."""
    n_positive = int(_positive(events, threshold).sum())
    if threshold is None:
        return f"взаимодействий всего {n_positive}, истории слишком короткие."
    return (
        f"положительных взаимодействий (оценка не ниже min_rating={threshold:g}) всего "
        f"{n_positive}, наибольшая оценка {events['rating'].max():g}. Если это не оценки, "
        "а единицы или счётчики, укажите min_rating=None."
    )


def _threshold(min_rating: float | None) -> float | None:
    return None if min_rating is None else check_number("min_rating (или None — все)", min_rating)


def _check_shape(shape: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise ValueError(f"shape — пара чисел (n_users, n_items), а получено {shown(shape)}.")
    return check_count("n_users в shape", shape[0]), check_count("n_items в shape", shape[1])
