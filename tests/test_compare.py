"""Урок 09: его числа — те же, что печатает урок каждой модели."""

import json
import re

import nbformat
import pytest

from tools.notebooks import FOLDER, output_text

SEEDS = ("03_ials.seeds", "04_ease.tie_seeds", "05_slim.tie_seeds", "06_multivae.seeds",
         "07_lightgcn.seeds")  # fmt: skip


def stored(name):
    return json.loads((FOLDER / "results" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SEEDS)
def test_means_errors_and_points_are_those_of_the_lesson(name):
    lesson, here = stored(name), stored("09_compare.movies")
    shared = set(lesson["value"]) & set(here["value"]["table"])
    assert len(shared) >= 3
    for model in shared:
        row = lesson["value"][model]
        theirs = [row.get("mean", row.get("NDCG@10")), row["se"], row["sd"]]
        assert here["value"]["table"][model]["NDCG@10"] == pytest.approx(theirs, abs=1e-9), model
        if "Recall@20" in row:
            assert here["value"]["table"][model]["Recall@20"][0] == pytest.approx(row["Recall@20"])
        assert here["params"]["chosen"][model] == lesson["params"]["chosen"][model], model


def test_pairs_are_those_of_the_lessons():
    here = {frozenset(row[:2]): row for row in stored("09_compare.movies")["value"]["pairs"]}
    versus = {"03_ials.seeds": "iALS", "04_ease.tie_seeds": "EASE", "05_slim.tie_seeds": "SLIM",
              "06_multivae.seeds": "MultiVAE"}  # fmt: skip
    compared = 0
    for name, first in versus.items():
        for second, row in stored(name)["value"].items():
            pair = here.get(frozenset((first, second)))
            if pair is None or first == second:
                continue
            sign = 1 if pair[0] == first else -1
            assert [sign * pair[2], pair[3]] == pytest.approx(
                [row["diff"], row["diff_se"]], abs=6e-5
            )
            compared += 1
    assert compared >= 10


def test_lesson_01_prints_the_same_numbers():
    """В уроке 01 тест исполняется, а не хранится: сверяем с его выводом."""
    notebook = nbformat.read(FOLDER / "01_item_knn.ipynb", as_version=4)
    text = "\n".join(output_text(out) for cell in notebook.cells for out in cell.get("outputs", []))
    found = stored("09_compare.movies")["value"]
    number, error = r"([+-]?\d\.\d+)", r" ± (\d\.\d+)"
    for model in ("Популярное", "Item-KNN", "EASE"):
        row = rf"^{re.escape(model)} +{number}{error} +{number}{error}"
        printed = [float(x) for x in re.search(row, text, re.M).groups()]
        means = [
            x for metric in ("NDCG@10", "Recall@20") for x in found["table"][model][metric][:2]
        ]
        assert printed == pytest.approx(means, abs=6e-4), model
    pairs = {tuple(row[:2]): row[2:4] for row in found["pairs"]}
    for first, second in (("RP3β", "EASE"), ("RP3β", "Популярное"), ("EASE", "Item-KNN")):
        row = rf"^{re.escape(f'{first} − {second}')}: разность NDCG@10: {number}{error}"
        gain, se = (float(x) for x in re.search(row, text, re.M).groups())
        sign = 1 if (first, second) in pairs else -1
        mean, their_se = pairs.get((first, second)) or pairs[second, first]
        assert [gain, se] == pytest.approx([sign * mean, their_se], abs=6e-5), (first, second)


def test_every_model_of_the_lessons_takes_part():
    chosen = stored("09_compare.movies")["params"]["chosen"]
    assert set(chosen) >= {"Популярное", "Item-KNN", "iALS", "EASE", "SLIM", "MultiVAE", "LightGCN"}
    assert set(chosen) == set(stored("09_compare.goods")["params"]["chosen"])
    assert stored("09_compare.search_goods")["params"]["budget"] == 20
