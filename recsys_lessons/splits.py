"""Разбиения на обучающую и тестовую части.

Таблица взаимодействий — столбцы ``user, item, rating, timestamp``; ``user`` и ``item`` — номера
строки и столбца матрицы $X$, от нуля. Положительным считается взаимодействие с оценкой не ниже
``min_rating`` (на MovieLens — 4). «Просмотренное» — всё, что пользователь оценил до среза, с любой
оценкой: именно его убирают из списков.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons.inputs import check_interactions

COLUMNS = ("user", "item", "rating", "timestamp")


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
    _check_frame(ratings)
    shuffled = np.random.default_rng(seed).permutation(len(ratings))
    order = np.lexsort((shuffled, ratings["timestamp"], ratings["user"]))
    return ratings.iloc[order].reset_index(drop=True)


def to_matrix(
    events: pd.DataFrame, shape: tuple[int, int], min_rating: float | None = None
) -> sp.csr_array:
    """Матрица CSR из единиц: что с чем взаимодействовало.

    :param min_rating: брать только оценки не ниже этой; ``None`` — все
    :raises ValueError: номер пользователя или объекта не помещается в ``shape``
    """
    if min_rating is not None:
        events = events[events["rating"] >= min_rating]
    user, item = events["user"].to_numpy(), events["item"].to_numpy()
    for name, ids, size in (("Пользователь", user, shape[0]), ("Объект", item, shape[1])):
        if ids.size and (ids.min() < 0 or ids.max() >= size):
            bad = ids.max() if ids.max() >= size else ids.min()
            raise ValueError(f"{name} с номером {bad} вне матрицы {shape[0]} × {shape[1]}.")
    matrix = sp.csr_array((np.ones(len(user)), (user, item)), shape=shape)
    matrix.data[:] = 1
    return matrix


def last_share(
    events: pd.DataFrame,
    share: float = 0.2,
    min_rating: float = 4,
    shape: tuple[int, int] | None = None,
) -> Split:
    """Тест — последние ``⌊share · n⌋`` из ``n`` положительных взаимодействий пользователя.

    :param events: таблица в порядке :func:`chronological`
    :param shape: ``(n_users, n_items)``; по умолчанию — по наибольшим номерам
    :raises ValueError: ``share`` не между 0 и 1, таблица не упорядочена
    """
    _check_share("share", share)
    return _last(events, lambda n: np.floor(share * n + 1e-9).astype(int), min_rating, shape)


def leave_last_out(
    events: pd.DataFrame, min_rating: float = 4, shape: tuple[int, int] | None = None
) -> Split:
    """Отложить последнее: тестовая часть — последнее положительное взаимодействие пользователя.

    Пользователь с единственным положительным взаимодействием остаётся без тестовой части.

    :param events: таблица в порядке :func:`chronological`
    """
    return _last(events, lambda n: (n > 1).astype(int), min_rating, shape)


def global_date(
    events: pd.DataFrame,
    date: float | pd.Timestamp,
    min_rating: float = 4,
    shape: tuple[int, int] | None = None,
) -> Split:
    """Разбиение по общей дате: для всех пользователей до ``date`` — обучение, с неё — тест.

    :param date: секунды, как в столбце ``timestamp``, или :class:`pandas.Timestamp`
    :raises ValueError: дата не число и не момент, по одну её сторону нет взаимодействий
    """
    _check_frame(events)
    if not isinstance(date, int | float | np.number | pd.Timestamp):
        raise ValueError(f"Дата среза — секунды или pandas.Timestamp, а получено {date!r}.")
    cut = date.timestamp() if isinstance(date, pd.Timestamp) else date
    before = (events["timestamp"] < cut).to_numpy()
    if before.all() or not before.any():
        raise ValueError(f"По одну сторону от даты {date} нет ни одного взаимодействия.")
    return _split(events, before, shape or _shape(events), min_rating)


def board_a(ratings: pd.DataFrame, seed: int = 0) -> tuple[Split, Split]:
    """Протокол A уроков: последние 20 % — тест, из остатка ещё раз последние 20 % — валидация.

    :param seed: зерно, которым перемешаны совпадения времён
    :return: ``(validation, test)``; ``test.train`` — обучающая часть вместе с валидационной
    """
    return _twice(ratings, seed, last_share)


def board_b(ratings: pd.DataFrame, seed: int = 0) -> tuple[Split, Split]:
    """Протокол B уроков: последнее положительное — тест, предпоследнее — валидация.

    :return: ``(validation, test)``
    """
    return _twice(ratings, seed, leave_last_out)


def held_out_users(
    X: sp.csr_array, n_users: int, fold_in_share: float = 0.8, seed: int = 0
) -> HeldOut:
    """Отложить ``n_users`` случайных пользователей; у каждого часть истории известна, часть скрыта.

    Как у Liang и др. (WWW 2018), но объекты без обучающих взаимодействий остаются в каталоге.
    Пользователи с историей короче двух объектов не откладываются.

    :raises ValueError: пользователей с достаточной историей меньше, чем ``n_users``
    """
    _check_share("fold_in_share", fold_in_share)
    X = check_interactions(X)
    rng = np.random.default_rng(seed)
    eligible = np.flatnonzero(np.diff(X.indptr) >= 2)
    limit = min(len(eligible), X.shape[0] - 1)
    if not isinstance(n_users, int | np.integer) or not 0 < n_users <= limit:
        raise ValueError(
            f"Отложить можно от 1 до {limit} пользователей, а запрошено {n_users!r}: у отложенного "
            "не меньше двух взаимодействий, и хотя бы один остаётся для обучения."
        )
    chosen = np.sort(rng.choice(eligible, n_users, replace=False))
    history = sp.csr_array(X[chosen])
    hidden = np.zeros(history.nnz, dtype=bool)
    for start, end in zip(history.indptr[:-1], history.indptr[1:], strict=True):
        n_hidden = max(1, int((1 - fold_in_share) * (end - start) + 1e-9))
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
    _check_table(baskets, ("user", "basket", "time", "item"))
    if not pd.api.types.is_datetime64_any_dtype(baskets["time"]):
        raise ValueError("Столбец time — моменты времени: pandas.to_datetime(frame['time']).")
    if not isinstance(date, pd.Timestamp) or date is pd.NaT:
        raise ValueError(f"Дата среза — pandas.Timestamp, а получено {date!r}.")
    if (date.tz is None) != (baskets["time"].dt.tz is None):
        raise ValueError("Часовой пояс указан только у даты среза или только у времён корзин.")
    if (baskets.groupby(["user", "basket"])["time"].nunique() > 1).any():
        raise ValueError("У одной корзины пользователя два разных времени: проверьте её номер.")
    rows = baskets[["user", "time", "basket", "item"]].drop_duplicates()
    rows = rows.sort_values(["user", "time", "basket", "item"])
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
        raise ValueError(f"По одну сторону от даты {date} корзин нет: сдвиньте дату среза.")
    return history, target


def _twice(ratings: pd.DataFrame, seed: int, rule: Callable[..., Split]) -> tuple[Split, Split]:
    test = rule(chronological(ratings, seed))
    return rule(test.history, shape=test.train.shape), test


def _last(
    events: pd.DataFrame,
    n_test: Callable[[np.ndarray], np.ndarray],
    min_rating: float,
    shape: tuple[int, int] | None,
) -> Split:
    """Срез каждого пользователя — перед последними ``n_test(n)`` положительными."""
    _check_frame(events)
    user, time = events["user"].to_numpy(), events["timestamp"].to_numpy()
    earlier = (user[1:] == user[:-1]) & (time[1:] < time[:-1])
    if (user[1:] < user[:-1]).any() or earlier.any():
        raise ValueError(
            "Таблица не упорядочена по времени. Сначала: events = chronological(ratings, seed=0)."
        )
    positive = (events["rating"] >= min_rating).to_numpy()
    total = np.bincount(user, positive, minlength=user.max() + 1).astype(int)
    upto = np.cumsum(positive) - (np.cumsum(total) - total)[user]
    # Низкие оценки между последним обучающим и первым тестовым положительным раньше среза:
    # у них upto равно числу обучающих, и они остаются в истории.
    before = upto <= (total - n_test(total))[user]
    return _split(events, before, shape or _shape(events), min_rating)


def _split(
    events: pd.DataFrame, before: np.ndarray, shape: tuple[int, int], min_rating: float
) -> Split:
    history = events[before]
    return Split(
        train=to_matrix(history, shape, min_rating),
        test=to_matrix(events[~before], shape, min_rating),
        seen=to_matrix(history, shape),
        history=history.reset_index(drop=True),
    )


def _shape(events: pd.DataFrame) -> tuple[int, int]:
    return int(events["user"].max()) + 1, int(events["item"].max()) + 1


def _check_share(name: str, share: float) -> None:
    if not isinstance(share, int | float | np.number) or not 0 < share < 1:
        raise ValueError(f"{name} — число между 0 и 1, а получено {share!r}.")


def _check_frame(events: pd.DataFrame) -> None:
    """Таблица оценок: столбцы, числа, ни одной пары дважды."""
    _check_table(events, COLUMNS)
    for name in ("rating", "timestamp"):
        if not pd.api.types.is_numeric_dtype(events[name]):
            raise ValueError(f"Столбец {name} — числа, а здесь {events[name].dtype}.")
    if events.duplicated(["user", "item"]).any():
        raise ValueError(
            "Пользователь оценил один объект дважды. Оставьте одну запись на пару: "
            "ratings.drop_duplicates(['user', 'item'], keep='last')."
        )


def _check_table(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Столбцы на месте, строки есть, пропусков нет, ``user`` и ``item`` — номера."""
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ValueError(
            f"В таблице нет столбцов: {', '.join(missing)}. Нужны {', '.join(columns)}."
        )
    if table.empty:
        raise ValueError("Таблица пуста: разбивать нечего.")
    if table[list(columns)].isna().any(axis=None):
        raise ValueError("В таблице есть пропуски (NaN): удалите эти строки.")
    for name in ("user", "item"):
        if not pd.api.types.is_integer_dtype(table[name]) or (table[name] < 0).any():
            raise ValueError(
                f"Столбец {name} — номера от нуля. Перекодируйте: pd.factorize(frame[{name!r}])."
            )
