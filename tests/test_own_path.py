"""Весь путь на десяти файлах: от файла с изъянами до записанных рекомендаций с теми же номерами."""

import pandas as pd
import pytest

from recsys_lessons.own_data import read_own
from recsys_lessons.own_data.protocol import examine
from recsys_lessons.own_data.running import run
from recsys_lessons.own_data.writing import refit, write_model, write_recommendations, write_report
from tests.own_files import FILES, NOW

# По чему проверяют: без времён — только случайная доля, с чеками — следующая корзина, если
# покупки повторяются; здесь не повторяются.
PROTOCOLS = {"music_counts": "random", "two_ids": "random"}


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_from_file_to_recommendations(make, tmp_path):
    file = make()
    own = read_own(file.data, file.columns, name=file.name, now=NOW)
    # Оценки в этом файле случайны: положительными считаем все настоящие, иначе историй не хватит.
    plan = examine(own, min_grade=1 if own.value_kind == "grade" else None)
    assert plan.protocol == PROTOCOLS.get(make.__name__, "A")
    outcome = run(plan, tmp_path, tries=1, names=["Item-KNN", "EASE"])
    assert set(outcome.evaluations) == {"Популярное", "Item-KNN", "EASE"}

    fitted = refit(outcome, "EASE")
    written = write_recommendations(fitted, own, tmp_path, k=5)
    lists = pd.read_parquet(written.files["parquet"])
    assert set(lists["user"]) == set(own.users) and set(lists["item"]) <= set(own.items)
    assert lists["user"].dtype.kind == own.users.dtype.kind
    text = pd.read_csv(written.files["csv"], sep=";", dtype=str)
    assert text["user"].tolist() == lists["user"].astype(str).tolist()
    known = set(zip(own.users[own.table["user"]], own.items[own.table["item"]], strict=True))
    assert not known & set(zip(lists["user"], lists["item"], strict=True))

    assert write_model(fitted, own, tmp_path)["script"].exists()
    page = write_report(outcome, tmp_path, written).read_text(encoding="utf-8")
    assert f"{own.rows_read}" in page.replace("\u00a0", "").replace(" ", "")
