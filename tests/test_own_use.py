"""Свои данные: протокол, сравнение в пределах времени, что записано."""

import ast
import io
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

from recsys_lessons import models
from recsys_lessons.evaluation import Evaluation
from recsys_lessons.own_data import (
    OwnData,
    __main__,
    protocol,
    read_own,
    reading,
    running,
    writing,
)
from recsys_lessons.own_data.candidates import CANDIDATES, POPULAR, mean_popularity
from recsys_lessons.own_data.protocol import examine
from recsys_lessons.own_data.reading import Note
from recsys_lessons.own_data.running import Outcome, advise, differences, run, seconds
from recsys_lessons.own_data.writing import (
    refit,
    without_histories,
    write_model,
    write_recommendations,
    write_report,
)

N_USERS, N_ITEMS = 211, 40


def own(table, **more):
    """Прочитанный файл из таблицы номеров; идентификаторы — текст с нулями впереди."""
    users = pd.Index([f"клиент{number:04d}" for number in range(table["user"].max() + 1)])
    items = pd.Index([f"{number:05d}" for number in range(table["item"].max() + 1)])
    kind = "grade" if "value" in table else None
    given = {"titles": None, "value_kind": kind, "rows_read": len(table), "notes": ()} | more
    return OwnData(table=table, users=users, items=items, **given)


def events(seed=0, structure=True, per_user=14):
    """Два вкуса: у каждого пользователя своя половина каталога; без строения — случайно."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(N_USERS):
        weight = np.ones(N_ITEMS)
        if structure:
            weight[np.arange(N_ITEMS) % 2 != user % 2] = 0.05
        items = rng.choice(N_ITEMS, per_user, replace=False, p=weight / weight.sum())
        rows += [(user, item, 1000 * place + user) for place, item in enumerate(items)]
    rows += [(0, item, 10**6 + item) for item in range(N_ITEMS)]  # каталог виден целиком
    table = pd.DataFrame(rows, columns=["user", "item", "timestamp"])
    return table.drop_duplicates(["user", "item"]).reset_index(drop=True)


def shopping(seed=0):
    """Корзины: у каждого свои пять товаров, покупаются снова и снова."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(60):
        usual = rng.choice(N_ITEMS, 5, replace=False)
        for visit in range(8):
            for item in rng.choice(usual, 3, replace=False):
                rows.append((user, item, 86_400 * (10 * visit + user % 7), 100 * user + visit))
    rows += [(0, item, 0, 10**6) for item in range(N_ITEMS)]
    return pd.DataFrame(rows, columns=["user", "item", "timestamp", "basket"])


class Inline:
    """Вместо отдельного процесса — этот же: ответы те же, а ждать нечего."""

    def __init__(self, n_workers=1):
        self.calls = 0

    def submit(self, work, *given):
        self.value = work(*given)
        return self

    def result(self, timeout=None):
        return self.value

    def shutdown(self, **how):
        pass


@pytest.fixture
def inline(monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    monkeypatch.setattr(running, "ProcessPoolExecutor", Inline)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECSYS_LESSONS_BUILD", "1")
        patch.setattr(running, "ProcessPoolExecutor", Inline)
        plan = examine(own(events()))
        return run(plan, tmp_path_factory.mktemp("own"), tries=3, names=["Item-KNN", "EASE"])


# ------------------------------------------------------------------------------- протокол


def options(table, **more):
    return {one.name: one for one in examine(own(table, **more)).options}


def test_without_times_the_share_is_random_and_says_so():
    plan = examine(own(events().drop(columns="timestamp")))
    found = {one.name: one for one in plan.options}
    assert plan.protocol == "random" and not found["A"].possible and not found["C"].possible
    assert "что выберет потом" in found["random"].text
    same = examine(own(events().assign(timestamp=5)))
    assert same.protocol == "random" and "одно и то же" in same.why


def test_equal_times_at_the_cut_are_counted():
    table = events()
    tied = table.assign(timestamp=np.where(table["user"] < 50, 7, table["timestamp"]))
    found = options(tied)["A"]
    assert found.possible and "У 50 из них" in found.text
    assert not options(table.assign(timestamp=table["timestamp"] // 10**5))["A"].possible


def test_options_promise_what_the_split_gives():
    table = events()
    table = table[(table["user"] >= 20) | (table.groupby("user").cumcount() < 4)]
    plan = examine(own(table))
    assert {one.name: one for one in plan.options}["A"].n_judged == plan.test.n_judged
    held = examine(own(table), "held_out")
    assert {one.name: one for one in held.options}["held_out"].n_judged == held.test.n_judged


def test_last_share_is_the_latest_and_a_repeat_is_not_a_discovery():
    table = events()
    again = pd.concat([table, table.assign(timestamp=10**9)], ignore_index=True)
    first, second = examine(own(table), "A"), examine(own(again), "A")
    assert (first.test.test != second.test.test).nnz == 0
    late = table["timestamp"].groupby(table["user"]).rank(ascending=False) <= 2
    row = first.test.test[[5]].indices
    assert sorted(row) == sorted(table["item"][late & (table["user"] == 5)])


def test_baskets_need_repeats():
    bought = shopping()
    assert examine(own(bought)).protocol == "C"
    once = events().assign(basket=events()["timestamp"] // 2000)
    assert "нет повторов — нет и C" in options(once)["C"].text
    with pytest.raises(ValueError, match=r"C .* невозможен"):
        examine(own(once), "C")
    by_day = examine(own(bought.drop(columns="basket")), "C")
    assert "за один день" in {one.name: one for one in by_day.options}["C"].text
    with pytest.raises(ValueError, match="protocol — одно из"):
        examine(own(bought), "D")


def test_too_few_users_is_an_answer():
    table = events()
    with pytest.raises(ValueError, match="Проверять модели на этих данных нечем") as error:
        examine(own(table[table["user"] < 20]))
    assert len(str(error.value)) < 1000


def test_grades_below_the_threshold_are_seen_but_not_liked():
    table = events()
    plan = examine(own(table.assign(value=np.where(table["item"] % 3, 5.0, 1.0))))
    assert plan.test.seen.nnz > plan.test.train.nnz
    assert set(plan.test.train.indices % 3) == {1, 2}


def test_visible_difference_is_known_before_any_model():
    plan = examine(own(events()))
    found = plan.resolution
    popular = plan.test.judge(plan.test.fit(models.Popularity()))
    assert found.se == pytest.approx(popular.stats("NDCG@10")["se"], rel=0.35)
    assert found.visible == pytest.approx(1.96 * np.sqrt(2) * found.se)
    assert found.bound == pytest.approx(1.96 * np.sqrt(2) * 0.5 / np.sqrt(N_USERS))
    assert f"{found.visible:.3f}" in str(plan)


def test_model_that_does_not_fit_is_refused_with_its_bytes(inline, tmp_path):
    plan = examine(own(events()))
    ease = next(need for need in plan.needs if need.model == "EASE")
    knn = next(need for need in plan.needs if need.model == "Item-KNN")
    assert ease.n_bytes - knn.n_bytes == pytest.approx((2.5 - 5) * N_ITEMS**2 * 8)
    found = run(plan, tmp_path, tries=1, names=["EASE", "iALS"], memory=ease.n_bytes - 1)
    assert "EASE" not in found.evaluations
    assert f"{ease.n_bytes:,.0f}".replace(",", " ") in found.left_out["EASE"]


def test_bytes_grow_with_the_square_of_the_catalogue():
    need = CANDIDATES["EASE"].n_bytes
    one, two = ((need((10, n, 0, 4)) - need((10, n, 0, 0))) / 4 for n in (1000, 2000))
    assert one == 2.5 * 1000**2 and two == 4 * one


# ------------------------------------------------------------------------------- сравнение


def test_every_model_makes_the_same_number_of_tries(outcome):
    assert {len(found.points) for found in outcome.searches.values()} == {3}
    assert list(outcome.evaluations) == [POPULAR, "Item-KNN", "EASE"]
    assert outcome.verdict.startswith("Лучше популярного: ")
    assert "Попыток у каждой модели — 3." in outcome.notes
    assert "проба, а не подбор" in " ".join(outcome.notes)


class Clock:
    """Часы, которые идут только во время работы, и у каждой модели она длится по-своему."""

    def __init__(self, cost):
        self.now, self.cost, self.calls = 0.0, cost, []

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    def start(cost, later=1.0):
        watch = Clock(cost)

        class Pool(Inline):
            def submit(self, work, *given):
                name, self.value = "", None
                if work is running._attempt:
                    name = given[0].args[0]
                    self.value = {"mean": 0.1, "se": 0.01}
                elif work is running._final:
                    name = given[0]
                    self.value = work(*given)
                factor = later if watch.calls.count(name) else 1.0
                self.took = cost.get(name, 0.0) * factor
                watch.calls.append(name)
                return self

            def result(self, timeout=None):
                if timeout is not None and self.took > timeout:
                    watch.now += timeout
                    raise running.FutureTimeout
                watch.now += self.took
                return self.value

        monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
        monkeypatch.setattr(running, "ProcessPoolExecutor", Pool)
        monkeypatch.setattr(running, "time", watch)
        return watch

    return start


def test_time_is_kept_and_the_slow_model_is_left_out(clock, tmp_path):
    watch = clock({"EASE": 1.0, "Item-KNN": 2.0, "SLIM": 30.0, "iALS": 4.0})
    found = run(examine(own(events())), tmp_path, 100, names=["EASE", "Item-KNN", "SLIM", "iALS"])
    assert watch.now <= 100
    assert "SLIM" in found.left_out and "не уложилась" in found.left_out["SLIM"]
    assert {len(one.points) for one in found.searches.values()} == {found.tries}
    assert 6 <= found.tries <= 30 and len(found.searches) == 3
    assert watch.calls.count("EASE") == watch.calls.count("iALS") == found.tries + 1


def test_tries_stay_equal_when_time_ends_early(clock, tmp_path):
    watch = clock({"EASE": 1.0, "Item-KNN": 2.0}, later=4.0)
    found = run(examine(own(events())), tmp_path, 60, names=["EASE", "Item-KNN"])
    assert watch.now <= 1.5 * 60
    assert {len(one.points) for one in found.searches.values()} == {found.tries}
    assert any("Время вышло раньше" in note for note in found.notes)


def test_given_tries_do_not_look_at_the_clock(clock, tmp_path):
    """На занятой машине поздняя попытка длится во много раз дольше первой: модель остаётся."""
    clock({"EASE": 1.0, "Item-KNN": 2.0}, later=1000.0)
    found = run(examine(own(events())), tmp_path, tries=3, names=["EASE", "Item-KNN"])
    assert found.left_out == {}
    assert {len(one.points) for one in found.searches.values()} == {3}


def test_nothing_in_time_is_popular_with_a_reason(clock, tmp_path):
    clock({"EASE": 50.0, "Item-KNN": 50.0})
    found = run(examine(own(events())), tmp_path, 10, names=["EASE", "Item-KNN"])
    assert found.recommended == POPULAR and len(found.left_out) == 2
    assert "Сравнить её не с чем" in found.reason


def test_long_work_is_ended(tmp_path):
    race = running._Race(examine(own(events())), tmp_path, 5.0, ["EASE"], None)
    try:
        assert race.aside(60, abs, -1)[0] == 1
        start = time.perf_counter()
        with pytest.raises(TimeoutError):
            race.aside(0.3, time.sleep, 60)
        assert time.perf_counter() - start < 20
    finally:
        race.close()


def test_small_file_ends_within_its_time(tmp_path, monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    monkeypatch.setattr(running, "MOST", 6)
    start = time.perf_counter()
    found = run(examine(own(events())), tmp_path, "20s", names=["Item-KNN", "EASE"])
    assert time.perf_counter() - start < 1.5 * 20
    assert {len(one.points) for one in found.searches.values()} <= {found.tries}
    assert POPULAR in found.evaluations  # на занятой машине остальные вправе не успеть


def test_noise_is_answered_with_popular(inline, tmp_path):
    plan = examine(own(events(structure=False)))
    found = run(plan, tmp_path, tries=4, names=["Item-KNN", "EASE", "iALS"])
    assert found.recommended == POPULAR
    assert "ничего нет" in found.verdict and "Значимо лучше" in found.reason


def evaluation(values):
    return Evaluation(pd.DataFrame({"m": values}), np.zeros((len(values), 1), int), 0)


def test_advice_is_the_simplest_of_the_best():
    rng = np.random.default_rng(0)
    base = rng.random(400)
    found = {
        POPULAR: evaluation(base),
        "Item-KNN": evaluation(base + 0.1 + 0.05 * rng.normal(size=400)),
        "SLIM": evaluation(base + 0.101 + 0.05 * rng.normal(size=400)),
    }
    assert advise(found, "m")[0] == "Item-KNN"
    found["EASE"] = evaluation(base + 0.3)
    assert advise(found, "m")[0] == "EASE"
    pairs = differences(found, "m")
    assert len(pairs) == 6 and pairs.iloc[-1]["вторая"] == POPULAR
    assert advise({POPULAR: found[POPULAR]}, "m")[0] == POPULAR


def test_time_in_words():
    assert seconds("10m") == 600 and seconds("1h") == 3600 and seconds(90) == seconds("90s") == 90
    for wrong in ("", "скоро", -1, 0, None, "10m5"):
        with pytest.raises(ValueError, match="1m, 10m, 1h"):
            seconds(wrong)


def test_interrupted_run_loses_nothing(monkeypatch, tmp_path, outcome):
    calls = []

    class Counting(Inline):
        def submit(self, work, *given):
            if work is not running._ready:
                calls.append(work)
                if len(calls) == stop:
                    raise KeyboardInterrupt
            return super().submit(work, *given)

    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    monkeypatch.setattr(running, "ProcessPoolExecutor", Counting)
    plan, stop = outcome.plan, 5
    how = {"tries": 3, "names": ["Item-KNN", "EASE"]}
    with pytest.raises(KeyboardInterrupt):
        run(plan, tmp_path, **how)
    calls.clear()
    stop = 100
    again = run(plan, tmp_path, **how)
    assert len(calls) == 8 - 4  # шесть попыток и две проверки, четыре попытки уже сделаны
    assert again.table().equals(outcome.table())
    calls.clear()
    assert str(run(plan, tmp_path, **how)) == str(again) and not calls


def test_large_data_are_tuned_on_a_stated_sample(inline, monkeypatch, tmp_path):
    monkeypatch.setattr(running, "SAMPLE", 50)
    plan = examine(own(events()))
    found = run(plan, tmp_path, tries=1, names=["EASE"])
    text = " ".join(found.notes)
    assert "на случайных 50 пользователях" in text and "Судили по случайным 50" in text
    assert len(found.evaluations["EASE"].values) == 50
    assert refit(found).model.X_.shape[0] == N_USERS


def test_penalty_of_a_sample_fits_everyone():
    X = examine(own(events())).test.train
    twice = sp.csr_array(sp.vstack([X, X]))
    small, large = (CANDIDATES["EASE"].build({"l2": 2.0}, part, float) for part in (X, twice))
    assert large.l2 == 2 * small.l2 == 4 * mean_popularity(X)
    assert abs(small.fit(X).B_ - large.fit(twice).B_).max() < 1e-10


@pytest.mark.parametrize("name", [name for name in CANDIDATES if name != "MultiVAE"])
def test_every_candidate_trains(name):
    one = CANDIDATES[name]
    plan = examine(own(shopping()), "C") if one.baskets else examine(own(events()))
    more = {"epochs": 2} if name == "LightGCN" else {}
    model = plan.validation.fit(one.build({**one.first, **more}, plan.validation.train, float))
    assert plan.validation.judge(model).summary()["mean"].between(0, 1).all()
    assert set(one.first) == set(one.space) or not one.space
    assert one.for_new == (hasattr(model, "score_history") or name == POPULAR)


def test_baskets_are_compared_by_their_own_models(inline, tmp_path):
    plan = examine(own(shopping()))
    found = run(plan, tmp_path, tries=2)
    assert set(found.evaluations) == {POPULAR, "Личная частота", "TIFU-KNN"}
    assert found.metric == "Recall@10" and found.recommended == "Личная частота"
    fitted = refit(found)
    written = write_recommendations(fitted, plan.data, tmp_path, k=5)
    lists = pd.read_parquet(written.files["parquet"])
    mine = set(shopping().query("user == 7")["item"].map("{:05d}".format))
    assert set(lists[lists["user"] == "клиент0007"]["item"]) == mine  # купленное советуют снова
    write_model(fitted, plan.data, tmp_path)
    copied = joblib.load(tmp_path / "model.joblib")
    basket = {0: [np.array([3, 4])]}
    same = copied.score_history(basket) - fitted.model.score_history(basket)
    assert abs(same).max() < 1e-15 and copied.vectors_.shape[0] == 1


def test_new_users_are_judged_by_their_history(inline, tmp_path):
    plan = examine(own(events(per_user=16)), "held_out")
    found = run(plan, tmp_path, tries=1, names=["EASE"])
    assert found.evaluations["EASE"]["NDCG@10"] > found.evaluations[POPULAR]["NDCG@10"]
    assert "LightGCN" not in {need.model for need in plan.needs}
    assert len(found.evaluations["EASE"].values) == plan.test.known.shape[0]


# ------------------------------------------------------------------------------- запись


@pytest.fixture(scope="module")
def fitted(outcome):
    return refit(outcome)


def test_lists_have_original_ids_and_nothing_seen(outcome, fitted, tmp_path, monkeypatch):
    data = outcome.plan.data
    titles = pd.Series([f"Товар {n}; «=1»" for n in range(N_ITEMS)])
    data = own(data.table, titles=titles)
    written = write_recommendations(fitted, data, tmp_path, k=4)
    raw = written.files["csv"].read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    text = pd.read_csv(io.BytesIO(raw), sep=";", dtype=str, encoding="utf-8-sig")
    table = pd.read_parquet(written.files["parquet"])
    assert text.equals(table.astype(str)) and list(table) == ["user", "place", "item", "title"]
    seen = set(zip(data.users[data.table["user"]], data.items[data.table["item"]], strict=True))
    assert seen.isdisjoint(zip(table["user"], table["item"], strict=True))
    assert (table["title"] == "Товар " + table["item"].astype(int).astype(str) + "; «=1»").all()
    expected = fitted.model.score([3])[0]
    expected[data.table["item"][data.table["user"] == 3]] = -np.inf
    best = data.items[np.argsort(-expected, kind="stable")[:4]]
    assert list(table[table["user"] == "клиент0003"]["item"]) == list(best)
    assert "клиент0000" not in set(table["user"]) and written.n_short == 1  # он видел всё
    monkeypatch.setattr(writing, "USERS", 7)
    again = write_recommendations(fitted, data, tmp_path / "again", k=4)
    assert again.files["csv"].read_bytes() == raw


def test_only_allowed_items_are_recommended(outcome, fitted, tmp_path):
    data = outcome.plan.data
    (tmp_path / "allowed.txt").write_text("00003\n00004\n00005\n99999\n\n", encoding="utf-8-sig")
    written = write_recommendations(fitted, data, tmp_path, allowed=tmp_path / "allowed.txt")
    table = pd.read_parquet(written.files["parquet"])
    cold = pd.read_csv(written.files["cold"], sep=";", dtype=str, encoding="utf-8-sig")
    assert set(table["item"]) == set(cold["item"]) == {"00003", "00004", "00005"}
    assert "нет в данных, — 1" in str(written) and "99999" in str(written)
    with pytest.raises(ValueError, match="Ни одного из 2 разрешённых"):
        write_recommendations(fitted, data, tmp_path, allowed=["3", "4"])
    with pytest.raises(FileNotFoundError, match="нет"):
        write_recommendations(fitted, data, tmp_path, allowed=tmp_path / "no.txt")


def test_customer_without_history_gets_popular(inline, tmp_path):
    table = events().assign(value=5.0)
    cold = pd.DataFrame({"user": N_USERS, "item": [0, 1], "timestamp": 5, "value": 1.0})
    data = own(pd.concat([table, cold], ignore_index=True))
    found = run(examine(data), tmp_path, tries=1, names=["EASE"])
    written = write_recommendations(refit(found, "EASE"), data, tmp_path, k=6)
    counts = table["item"].value_counts().reindex(range(N_ITEMS), fill_value=0)
    popular = [f"{n:05d}" for n in np.argsort(-counts.to_numpy(), kind="stable")]
    lists = pd.read_parquet(written.files["parquet"])
    mine = list(lists[lists["user"] == f"клиент{N_USERS:04d}"]["item"])
    assert mine == [item for item in popular if item not in ("00000", "00001")][:6]
    outside = pd.read_csv(written.files["cold"], sep=";", dtype=str, encoding="utf-8-sig")
    assert list(outside["item"]) == popular[:6]
    assert written.n_cold == 1 and "популярное среди разрешённого" in str(written)


def test_interrupted_writing_leaves_no_half(outcome, fitted, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "USERS", 20)
    broken = writing.Everything(
        fitted.name, models.Popularity().fit(fitted.part.train[:50]), fitted.part, fitted.popularity
    )
    with pytest.raises(ValueError):
        write_recommendations(broken, outcome.plan.data, tmp_path)
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------- без историй


def trained():
    X = examine(own(events())).test.train
    small = {"hidden": 8, "latent": 4, "epochs": 2}
    return X, [
        models.ItemKNN(k=9), models.EASE(), models.SLIM(), models.IALS(n_factors=6, n_sweeps=2),
        models.MultiVAE(**small), models.RP3beta(), models.GFCF(n_factors=5), models.EDLAE(),
    ]  # fmt: skip


def arrays(value, path=""):
    """Все массивы внутри, с путями."""
    if isinstance(value, torch.nn.Module):
        value = value.state_dict()
    if sp.issparse(value):
        yield path, value.shape, value.data
    elif isinstance(value, np.ndarray | torch.Tensor):
        yield path, tuple(value.shape), np.asarray(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from arrays(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        yield path, (len(value),), np.empty(0)
    elif hasattr(value, "__dict__"):
        yield from arrays(vars(value), path)


def test_no_history_is_left_in_the_model(tmp_path):
    X, kinds = trained()
    history = sp.csr_array(X[3:9])
    for model in kinds:
        model.fit(X)
        joblib.dump(without_histories(model), tmp_path / "model.joblib")
        copied = joblib.load(tmp_path / "model.joblib")
        for path, shape, _ in arrays(copied):
            assert N_USERS not in shape, (type(model).__name__, path)
        assert np.array_equal(copied.score_history(history), model.score_history(history))
        with pytest.raises(ValueError, match="нет историй пользователей"):
            copied.score([0])
        assert model.score([0]).shape == (1, N_ITEMS)  # сама модель прежняя


def test_users_in_another_order_give_the_same_bytes():
    X, _ = trained()
    order = np.random.default_rng(0).permutation(N_USERS)
    for kind in (models.ItemKNN, models.EASE, models.SLIM, models.Popularity):
        dumps = []
        for part in (X, sp.csr_array(X[order])):
            dumps.append(io.BytesIO())
            joblib.dump(without_histories(kind().fit(part)), dumps[-1])
        assert dumps[0].getvalue() == dumps[1].getvalue(), kind


def test_models_made_of_customers_are_refused():
    X, _ = trained()
    with pytest.raises(ValueError, match=r"score_history.*Возьмите EASE"):
        without_histories(models.LightGCN(epochs=1, n_factors=4).fit(X))
    for kind in (models.TIFUKNN(), models.UPCF()):
        kind.fit({0: [[1, 2]], 1: [[3]]}, 5)
        with pytest.raises(ValueError, match="соседей среди пользователей"):
            without_histories(kind)


def test_fresh_process_scores_a_new_history(outcome, fitted, tmp_path):
    write_model(fitted, outcome.plan.data, tmp_path, allowed=[f"{n:05d}" for n in range(30)])
    script = tmp_path / "score_new.py"
    assert "выполняет код" in script.read_text(encoding="utf-8")
    assert len(script.read_text(encoding="utf-8").split('"""')[2].strip().splitlines()) <= 28
    done = subprocess.run(
        [sys.executable, script, "00002", "00004", "нет такого"],
        capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    history = np.zeros((1, N_ITEMS))
    history[0, [2, 4]] = 1
    scores = fitted.model.score_history(sp.csr_array(history))[0]
    scores[[2, 4, *range(30, N_ITEMS)]] = -np.inf
    best = [f"{n:05d}" for n in np.argsort(-scores, kind="stable")[:10]]
    assert done.stdout.split()[-10:] == best and "нет такого" in done.stdout

    def answer(*words):
        command = [sys.executable, script, *words]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8")

    for words in (["--k", "3", "00002", "00004"], ["00002", "--k=3", "00004"]):
        assert answer(*words).stdout.split()[-4:] == ["item", *best[:3]]
    assert len(answer("--k", "1000", "00002").stdout.split()) - 5 < N_ITEMS
    for wrong in (["--k", "0"], ["--k", "много"], ["--k=-1"], ["--k"], ["-x"], ["--k", "2.5"]):
        done = answer("00002", *wrong)
        assert done.returncode == 1 and done.stdout == "" and "Traceback" not in done.stderr
        assert "целое число больше нуля" in done.stderr and "--k 5" in done.stderr


# ------------------------------------------------------------------------------- отчёт и команда


def test_report_names_no_user_and_needs_no_network(outcome, fitted, tmp_path):
    text = "Слишком активных пользователей 2 (клиент0005, клиент0006): оставлены."
    note = Note("bots", 2, text)
    plan = protocol.replace(outcome.plan, data=own(events(), notes=(note,)))
    found = Outcome(**{**vars(outcome), "plan": plan})
    written = write_recommendations(fitted, plan.data, tmp_path)
    page = write_report(found, tmp_path, written, "покупки.csv").read_text(encoding="utf-8")
    for user in plan.data.users:
        assert user not in page
    assert "Слишком активных пользователей 2: оставлены." in page
    assert found.recommended in page and "data:image/svg+xml;base64," in page
    assert "http" not in page and "<script" not in page and "<link" not in page
    same = write_report(found, tmp_path, written, "покупки.csv").read_text(encoding="utf-8")
    assert page == same


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "покупки.csv"
    table = events()
    frame = pd.DataFrame(
        {
            "клиент": "к" + table["user"].astype(str).str.zfill(4),
            "товар": table["item"].astype(str).str.zfill(5),
            "дата": table["timestamp"] + 1_600_000_000,
        }
    )
    frame.to_csv(path, index=False)
    return path


def test_one_command_and_next_week(inline, file, tmp_path, capsys):
    columns = ["--user", "клиент", "--item", "товар", "--time", "дата"]
    out = tmp_path / "out"
    options = ["--tries", "1", "--models", "EASE", "--out", str(out)]
    assert __main__.main([str(file), *columns, *options]) == 0
    said = capsys.readouterr().out
    for part in ("Протокол A", "Совет: EASE", "Отчёт:", "--settings"):
        assert part in said, part
    names = {path.name for path in out.iterdir()}
    assert {"recommendations.csv", "recommendations.parquet", "model.joblib", "report.html"} < names
    assert json.loads((out / "settings.json").read_text(encoding="utf-8"))["user"] == "клиент"
    before = (out / "recommendations.csv").read_bytes()
    (out / "recommendations.csv").unlink()
    assert __main__.main([str(file), "--settings", str(out / "settings.json")]) == 0
    assert (out / "recommendations.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ([], 2, "не назван файл"),
        (["x.csv"], 2, "--user, --item"),
        (["x.csv", "--user"], 2, "--help"),
        (["x.csv", "--user", "a", "--item", "b", "--нет"], 2, "--help"),
        (["x.csv", "--settings", "нет.json"], 2, "не прочесть"),
        (["нет.csv", "--user", "a", "--item", "b"], 1, "Не получилось"),
        (["x.csv", "--user", "a", "--item", "b", "--min-grade", "4"], 2, "вместе с --grade"),
        (["x.csv", "--user", "a", "--item", "b", "--memory", "мало"], 2, "--memory — число"),
        (["x.csv", "--user", "a", "--item", "b", "--budget", "5x"], 2, "--budget"),
        (["x.csv", "--user", "a", "--item", "b", "--models", "Ease"], 2, "Есть: "),
        (["x.csv", "--user", "a", "--item", "b", "--out", "pyproject"], 2, "нужна папка"),
    ],
)
def test_mistakes_have_codes_and_russian_words(options, code, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pyproject").write_text("")
    assert __main__.main(options) == code
    error = capsys.readouterr().err
    assert said in error and len(error) < 1000 and "Traceback" not in error


def test_the_command_names_its_own_options(tmp_path, capsys, inline, file):
    path = tmp_path / "без заголовка.csv"
    path.write_text("1,2\n2,3\n")
    roles = ["--user", "a", "--item", "b"]
    assert __main__.main([str(path), *roles]) == 1
    error = capsys.readouterr().err
    assert "укажите --no-header" in error and "header=" not in error
    assert __main__.main([str(file), "--user", "клиент", "--item", "товар", "--k", "0"]) == 1
    assert "--k — целое число" in capsys.readouterr().err
    rows = [f"u{n % 40},i{n % 30},{n}" for n in range(1200)]
    rows += [f"касса,i{n % 30},{n}" for n in range(40_000)]
    path.write_text("user,item,time\n" + "\n".join(rows))
    options = ["--user", "user", "--item", "item", "--time", "time", "--protocol", "C"]
    __main__.main([str(path), *options, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().out
    assert "оставить — --keep-bots." in said and "keep_bots" not in said


def test_every_hint_of_the_steps_has_its_option():
    found = set()
    for path in Path(reading.__file__).parent.glob("*.py"):
        if path.name == "__main__.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if not isinstance(text, str) or not re.search("[а-я]{3}", text):
                continue
            if "\n\n" in text or "<" in text:  # описание функции, страница
                continue
            hints = re.findall(r"\b[a-z_]+=(?:True|False|None)?", text)
            found |= set(hints)
            said = __main__.as_options(text)
            assert not [hint for hint in hints if hint in said], text
    assert found == {"header=False", "keep_bots=True", "min_grade="}
    assert __main__.as_options("k=5 и l2=True") == "k=5 и l2=True"


def test_zero_and_no_are_settings_too(tmp_path):
    stored = tmp_path / "settings.json"
    stored.write_text(json.dumps({"user": "a", "item": "b", "seed": 5, "k": 5}), "utf-8")
    _, _, options = __main__.settings_of(["x.csv", "--settings", str(stored), "--seed", "0"])
    assert options["seed"] == 0 and options["k"] == 5


@pytest.mark.parametrize(
    "name", ["999999", "Касса (Петрова)", "7f3c1a9e-aaaa-bbbb-cccc-000000000000"]
)
def test_a_set_aside_user_is_not_named_in_the_report(name):
    rows = [f"u{n % 40},i{n % 30},{n}" for n in range(1200)]
    rows += [f"{name},i{n % 30},{n}" for n in range(40_000)]
    columns = {"user": "user", "item": "item", "time": "time"}
    own = read_own(("user,item,time\n" + "\n".join(rows)).encode(), columns)
    note = next(note for note in own.notes if note.kind == "bots")
    assert name[:20] in note.text
    text = writing._anonymous(note)
    assert name[:8] not in text and "активных сверх меры" in text and "отложено строк" in text


def test_allowed_items_in_cp1251_and_a_folder_instead(tmp_path):
    data = own(events())
    path = tmp_path / "список.txt"
    path.write_bytes(f"{data.items[0]}\nчай\n".encode("cp1251"))
    mask, note = writing.allowed_items(data, path)
    assert mask.sum() == 1 and "чай" in note
    with pytest.raises(FileNotFoundError, match="Списка разрешённых"):
        writing.allowed_items(data, tmp_path)


def test_a_threshold_without_grades_is_refused():
    with pytest.raises(ValueError, match="оценок в данных нет"):
        examine(own(events()), "A", min_grade=4)
