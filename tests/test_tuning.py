"""Подбор: точки, продолжение с прерванного места, оговорки; честность сравнения."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator

from recsys_lessons.checks import CheckError
from recsys_lessons.evaluation import Difference, Evaluation
from recsys_lessons.results import KEPT
from recsys_lessons.tuning import Search, check_all_fair, check_fair, edge_answers, past_edge, tune


class Peak(BaseEstimator):
    """Модель, у которой метрика каждого пользователя известна: вершина в ``top``."""

    def __init__(self, x=1.0, top=1.0):
        self.x, self.top = x, top

    def fit(self, data):
        return self


class Runner(BaseEstimator):
    """Модель с эпохами: метрика растёт до эпохи ``top``, потом падает."""

    def __init__(self, x=1.0, top=4, epochs=20, patience=3):
        self.x, self.top, self.epochs, self.patience = x, top, epochs, patience

    def fit(self, data, validation=None):
        self.losses_, self.best_epoch_, best = [], 0, -np.inf
        for epoch in range(1, self.epochs + 1):
            self.losses_.append(0.0)
            self.epoch_ = epoch
            value = validation(self)
            if value > best:
                best, self.best_epoch_ = value, epoch
            elif epoch - self.best_epoch_ >= self.patience:
                break
        self.epoch_ = self.best_epoch_
        return self


def evaluation(value):
    values = pd.DataFrame({"NDCG@10": value + np.array([-0.1, 0.1])})
    return Evaluation(values, np.zeros((2, 10), int), 0)


def judge(model, data):
    if isinstance(model, Runner):
        rise = min(model.epoch_, model.top) - max(0, model.epoch_ - model.top)
        late = 5.0 if data == "late" and model.epoch_ > 9 else 0.0
        return evaluation(rise / 100 + late)
    return evaluation(-((np.log(model.x) - np.log(model.top)) ** 2))


def fit(model, data, validation):
    if validation is None:
        model.fit(data)
    else:
        model.fit(data, validation)


def search(make, space, budget=16, **options):
    data = options.pop("data", "")
    return tune(
        "М", make, space, data, "NDCG@10", budget, fit=fit, judge=judge, n_jobs=1, **options
    )


def test_a_small_space_is_exhausted_and_says_so():
    found = search(Peak, {"x": [0.5, 1.0, 2.0]})
    assert [p["params"]["x"] for p in found.points] == [0.5, 1.0, 2.0]
    assert found.exhausted and found.params == {"x": 1.0} and not found.flags
    assert "это всё пространство" in str(found)
    nothing = search(Peak, {})
    assert nothing.exhausted and nothing.params == {} and "подбирать нечего" in str(nothing)


def test_a_large_space_gets_exactly_the_budget_and_repeats_by_seed():
    space = {"x": loguniform(0.01, 100), "top": [1.0, 1.5]}
    first, again, other = (search(Peak, space, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert len(first.points) == 16 and not first.exhausted
    assert all(p["params"]["x"] == float(f"{p['params']['x']:.3g}") for p in first.points)
    assert first.best["mean"] == max(p["mean"] for p in first.points)
    assert Search(**json.loads(json.dumps(first.record()))) == first
    assert list(first.table()["mean"]) == sorted((p["mean"] for p in first.points), reverse=True)


def test_points_are_judged_by_their_own_metric_and_error():
    found = search(Peak, {"x": [1.0, np.e]})
    assert [p["mean"] for p in found.points] == [0.0, -1.0]
    assert found.points[0]["se"] == 0.1
    assert found.n_near == 1 and search(Peak, {"x": [1.0, 1.1]}).n_near == 2


@pytest.mark.parametrize(
    ("top", "space", "flag"),
    [
        (100.0, loguniform(0.01, 100), "край x"),
        (0.01, loguniform(0.01, 100), "край x"),
        (1.0, loguniform(0.01, 100), None),
        (30.0, uniform(1, 99), None),  # 30 % отрезка, хотя по логарифму это край
        (4.0, [1.0, 2.0, 4.0], "край x"),
        (2.0, [4.0, 2.0, 1.0], None),
    ],
)
def test_edge(top, space, flag):
    found = search(lambda x: Peak(x, top), {"x": space}, budget=60)
    assert list(found.flags) == ([flag] if flag else [])


def test_a_natural_limit_is_no_edge_but_the_other_end_is():
    space = {"x": [0.5, 1.0, 2.0]}
    assert not search(lambda x: Peak(x, 0.5), space, natural={"x": [0.5]}).flags
    assert search(lambda x: Peak(x, 2.0), space, natural={"x": [0.5]}).flags
    assert not search(lambda x: Peak(), {"x": ["да", "нет"]}).flags


def test_training_by_epochs_stops_by_patience_and_keeps_the_best_epoch():
    found = search(Runner, {"x": [1.0]})
    assert found.params == {"x": 1.0, "epochs": 4} and found.best["cut"] is False
    assert not found.flags and found.longer == {"mean": 0.04, "epoch": 4}


def test_training_ended_by_the_cap_is_cut_off():
    found = search(lambda x: Runner(x, top=30), {"x": [1.0, 2.0]})
    assert found.best["cut"] and "пределом эпох" in found.flags["обрыв"]
    at_the_end = search(lambda x: Runner(x, top=17), {"x": [1.0, 2.0]})  # предел и терпение вместе
    assert not at_the_end.best["cut"]


def test_doubled_patience_that_helps_is_a_cut_off():
    found = search(Runner, {"x": [1.0, 2.0]}, data="late")
    assert not found.best["cut"] and found.longer["mean"] > 4.9
    assert "удвоенным терпением" in found.flags["обрыв"]


def test_an_interrupted_search_goes_on(tmp_path):
    made, token = [], KEPT.set(tmp_path / "kept.part")

    def make(x):
        made.append(x)
        if len(made) == 3:
            raise KeyboardInterrupt
        return Peak(x)

    space = {"x": [0.5, 1.0, 2.0, 4.0]}
    try:
        with pytest.raises(KeyboardInterrupt):
            search(make, space)
        with (tmp_path / "kept.part").open("a") as file:
            file.write('["М", "обор')
        found = search(make, space)
        other = tune("Другая", Peak, space, "", "NDCG@10", 16, fit=fit, judge=judge, n_jobs=1)
    finally:
        KEPT.reset(token)
    assert made == [0.5, 1.0, 2.0, 2.0, 4.0]
    assert found.points == other.points == search(Peak, space).points


def test_two_processes_find_the_same():
    space = {"x": loguniform(0.01, 100)}
    alone = tune("М", Peak, space, "", "NDCG@10", 12, fit=fit, judge=judge, n_jobs=1)
    assert tune("М", Peak, space, "", "NDCG@10", 12, fit=fit, judge=judge, n_jobs=2) == alone


@pytest.mark.parametrize(
    ("space", "budget", "message"),
    [
        ([1], 12, "Пространство — словарь"),
        ({"x": 3}, 12, "x — непустой список"),
        ({"x": []}, 12, "x — непустой список"),
        ({"x": [1.0]}, 0, "budget — целое"),
    ],
)
def test_bad_space(space, budget, message):
    with pytest.raises(ValueError, match=message):
        search(Peak, space, budget)


# ---------------------------------------------------------------------------------- честность

GAP = Difference("NDCG@10", 0.01, 0.002, 0.006, 0.014, 100)


def searches(**changed):
    space = {"x": loguniform(0.01, 100)}
    found = {"А": search(Peak, space, 16), "Б": search(lambda x: Peak(x, 2.0), space, 16)}
    return {n: Search(**{**s.record(), "model": n, **changed.get(n, {})}) for n, s in found.items()}


def test_fair(capsys):
    check_fair("А", "Б", searches(), GAP)
    text = capsys.readouterr().out
    assert "Бюджет поровну: А — 16, Б — 16" in text and "А − Б: разность NDCG@10: +0.0100" in text
    check_fair("Б", "А", searches(), (-0.01, 0.002))
    assert "Б − А: -0.0100 ± 0.0020" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Б": {"budget": 20}}, "бюджеты разные, 16 и 20"),
        ({"А": {"budget": 8}, "Б": {"budget": 8}}, "8 попыток мало"),
        ({"Б": {"metric": "HR@10"}}, "по разным метрикам: NDCG@10 и HR@10"),
    ],
)
def test_unfair(changed, message):
    with pytest.raises(CheckError, match=message):
        check_fair("А", "Б", searches(**changed), GAP)
    with pytest.raises(CheckError, match="Подбора модели 'В' нет"):
        check_fair("А", "В", searches(), GAP)


def test_a_flag_needs_an_answer_that_is_printed(capsys):
    edge = {"А": {"ranges": {"x": {"low": 0.9, "high": 100.0, "log": True}}}}
    with pytest.raises(CheckError, match=re.escape("«А, край x»: лучшее x")):
        check_fair("А", "Б", searches(**edge), GAP)
    check_fair("А", "Б", searches(**edge), GAP, {"А, край x": "меньше не бывает"})
    assert "Ответ: меньше не бывает" in capsys.readouterr().out
    with pytest.raises(CheckError, match="которой нет"):
        check_fair("А", "Б", searches(), GAP, {"А, край x": "меньше не бывает"})


def test_all_pairs_at_once(capsys):
    check_all_fair(searches() | {"В": searches()["Б"]})
    assert capsys.readouterr().out == "Бюджет поровну у всех, попыток 16: А, Б, В\n"
    edge = {"Б": {"ranges": {"x": {"low": 0.01, "high": 2.1, "log": True}}}}
    for changed in ({"Б": {"budget": 20}}, {"Б": {"metric": "HR@10"}}, edge):
        with pytest.raises(CheckError):
            check_all_fair(searches(**changed))
    (flag,) = (f"Б, {name}" for name in searches(**edge)["Б"].flags)
    check_all_fair(searches(**edge), {flag: "больше не бывает"})
    assert "Ответ: больше не бывает" in capsys.readouterr().out
    with pytest.raises(CheckError, match="подборов 1"):
        check_all_fair({"А": searches()["А"]})


@pytest.mark.parametrize(
    ("given", "value", "moved"),
    [
        ({"low": 10.0, "high": 1000.0, "log": True}, 15.0, 7.5),
        ({"low": 10.0, "high": 1000.0, "log": True}, 12.0, 6.0),
        ({"low": 1e-7, "high": 1e-3, "log": True}, 5e-4, 1.1e-3),  # вдвое — ещё внутри
        ({"low": 0.5, "high": 5.0, "log": False}, 4.9, 9.8),
        ({"low": 0.0, "high": 0.9, "log": False}, 0.86, 0.93),
        ({"low": 0.0, "high": 0.95, "log": False}, 0.86, 0.975),  # полпути от 0,86 — ещё внутри
        ({"values": [16, 32, 64]}, 64, 128),
        ({"values": [16, 32, 64]}, 16, 8),
    ],
)
def test_a_point_past_the_edge_lies_past_it(given, value, moved):
    point = {"params": {"x": value, "y": 1}, "mean": 0.1, "se": 0.01}
    found = Search("М", "NDCG@10", 20, None, {"x": given}, {}, [point])
    limits = {"x": 1.0} if given.get("high", 9) < 1 and not given["log"] else {}
    past = past_edge(found, "край x", limits)
    assert past == {"x": pytest.approx(moved), "y": 1} and type(past["x"]) is type(value)
    with pytest.raises(ValueError, match="нет оговорки"):
        past_edge(found, "край y")


def test_an_edge_is_answered_only_if_it_is_not_better_beyond():
    point = {"params": {"x": 64}, "mean": 0.1, "se": 0.01}
    found = {"М": Search("М", "NDCG@10", 20, None, {"x": {"values": [16, 64]}}, {}, [point])}
    answers = edge_answers(found, {"М, край x": 0.1099})
    assert answers == {"М, край x": "за краем 0.1099, прибавка +0.0099"}
    check_fair("М", "М", found, (0.0, 0.1), answers)
    with pytest.raises(CheckError, match="меньше ошибки"):
        edge_answers(found, {"М, край x": 0.1101})
    with pytest.raises(CheckError, match="Подбора модели 'Н' нет"):
        edge_answers(found, {"Н, край x": 0.1})
