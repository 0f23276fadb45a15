"""Оценка: буквальный цикл, блоки, память, неопределённость, плохой ввод."""

import subprocess
import sys
from math import log2

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_lessons import evaluation, metrics
from recsys_lessons.evaluation import (
    Evaluation,
    average_seeds,
    compare,
    evaluate,
    holm,
    over_seeds,
    recommend,
    seeds_table,
    summary_table,
)

# Пример парного сравнения: десять пользователей, две модели.
A = [1, 0, 1, 1, 0, 1, 0, 1, 1, 0]
B = [1, 0, 0, 1, 0, 1, 0, 0, 1, 0]
ONE_MEAN = [1, 0, 0, 1, 1, 0, 1, 0, 0, 0]


def made(values: dict[str, list[float]], users=None) -> Evaluation:
    frame = pd.DataFrame(values, index=users, dtype=float)
    return Evaluation(frame, np.zeros((len(frame), 1), dtype=int), n_skipped=3)


def fixed(scores: np.ndarray):
    return lambda users: scores[users]


# ------------------------------------------------------------------------ буквальный цикл

NAMES = ["HR", "Precision", "Recall", "Recall_min", "MAP", "MRR", "NDCG"]


def literal(items: list[int], wanted: set[int], k: int) -> dict[str, float]:
    """Все метрики одного пользователя по определению; ``items`` — его полный список."""
    ranks = [rank for rank, item in enumerate(items[:k], start=1) if item in wanted]
    h, n = len(ranks), len(wanted)
    ideal = sum(1 / log2(rank + 1) for rank in range(1, min(k, n) + 1))
    return {
        "HR": float(h > 0),
        "Precision": h / k,
        "Recall": h / n,
        "Recall_min": h / min(k, n),
        "MAP": sum((i + 1) / rank for i, rank in enumerate(ranks)) / min(k, n),
        "MRR": 1 / ranks[0] if ranks else 0.0,
        "NDCG": sum(1 / log2(rank + 1) for rank in ranks) / ideal,
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([np.int64, np.float32, np.float64]))
def test_evaluate_equals_a_literal_loop(seed, filtered, dtype):
    rng = np.random.default_rng(seed)
    n_users, n_items = 9, 14
    scores = rng.integers(0, 5, (n_users, n_items)).astype(dtype)
    if dtype != np.int64:
        scores[rng.random(scores.shape) < 0.1] = -np.inf
    role = rng.choice(3, (n_users, n_items), p=[0.5, 0.3, 0.2])
    test, seen = (sp.csr_array((role == r).astype(float)) for r in (1, 2))
    if not test.nnz:
        return
    depths = (1, 3, 10, 20)
    names = [f"{name}@{k}" for name in NAMES for k in depths]
    result = evaluate(fixed(scores), test, seen if filtered else None, names)

    users = [u for u in range(n_users) if (role[u] == 1).any()]
    assert result.users.tolist() == users and result.n_skipped == n_users - len(users)
    assert result.values.columns.tolist() == names
    for place, user in enumerate(users):
        allowed = [
            i
            for i in range(n_items)
            if scores[user, i] > -np.inf and not (filtered and role[user, i] == 2)
        ]
        items = sorted(allowed, key=lambda i, row=scores[user]: (-row[i], i))
        assert result.recommended[place].tolist() == items + [-1] * (20 - len(items))
        wanted = set(np.flatnonzero(role[user] == 1).tolist())
        for k in depths:
            for name, value in literal(items, wanted, k).items():
                assert result.values[f"{name}@{k}"][user] == pytest.approx(value, abs=1e-12)


# ------------------------------------------------------------------------ блоки и память


@pytest.mark.parametrize("cells", [1, 11, 50, 51, 100])
def test_blocks_do_not_change_the_result(monkeypatch, cells):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (23, 10)).astype(float)
    test = sp.csr_array((rng.random((23, 10)) < 0.15).astype(float))
    seen = sp.csr_array(((rng.random((23, 10)) < 0.3) & ~test.toarray().astype(bool)).astype(float))
    whole = evaluate(fixed(scores), test, seen)
    open_lists = recommend(fixed(scores), range(23), k=4)
    sizes = []

    def score(users):
        sizes.append(len(users))
        return scores[users]

    monkeypatch.setattr(evaluation, "BLOCK_CELLS", cells)
    parts = evaluate(score, test, seen)
    assert max(sizes) == max(1, cells // 10) and sum(sizes) == len(whole.users)
    pd.testing.assert_frame_equal(parts.values, whole.values)
    np.testing.assert_array_equal(parts.recommended, whole.recommended)
    np.testing.assert_array_equal(recommend(score, range(23), k=4), open_lists)


@pytest.mark.parametrize("cells", [1, 11, 50, 51, 100])
def test_pieces_do_not_change_the_result(monkeypatch, cells):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (23, 10)).astype(float)
    seen = sp.csr_array((rng.random((23, 10)) < 0.3).astype(float))
    users = rng.permutation(23)
    whole = recommend(fixed(scores), users, seen, k=4)
    monkeypatch.setattr(metrics, "PIECE_CELLS", cells)
    np.testing.assert_array_equal(recommend(fixed(scores), users, seen, k=4), whole)


LARGE = """
import cProfile, pstats, sys, time
import numpy as np, psutil, scipy.sparse as sp
from recsys_lessons.evaluation import evaluate

def peak():
    if sys.platform == "linux":
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

n_users, n_items = 10_000, 20_000
rng = np.random.default_rng(0)

def matrix(per_user, low, high):
    columns = rng.integers(low, high, n_users * per_user)
    rows = np.repeat(np.arange(n_users), per_user)
    return sp.csr_array((np.ones(len(rows)), (rows, columns)), (n_users, n_items))

test, seen = matrix(5, 0, 10_000), matrix(50, 10_000, n_items)
U, V = rng.normal(size=(n_users, 4)), rng.normal(size=(4, n_items))
before = peak()
profile = cProfile.Profile()
start = time.perf_counter()
result = profile.runcall(evaluate, lambda users: U[users] @ V, test, seen, ("NDCG@20", "Recall@20"))
seconds = time.perf_counter() - start
assert len(result.values) == n_users and result.recommended.shape == (n_users, 20)
print(peak() - before, pstats.Stats(profile).total_calls, round(seconds, 1))
"""


def test_large_catalogue_within_a_gigabyte():
    """10 000 × 20 000 баллов — 1,6 ГБ, но в памяти лишь блок; цикла по пользователям нет."""
    run = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    memory, calls, seconds = run.stdout.split()
    print(f"{int(memory) / 2**20:.0f} МБ, вызовов Python: {calls}, секунд: {seconds}")
    assert int(memory) < 2**30
    assert int(calls) < 5 * 10_000


def test_scores_of_the_model_are_not_changed():
    scores = np.array([[0.3, 0.2, 0.1]])
    test, seen = sp.csr_array([[0, 1.0, 0]]), sp.csr_array([[1.0, 0, 0]])
    assert evaluate(lambda users: scores, test, seen, ("HR@1",))["HR@1"] == 1
    assert scores.tolist() == [[0.3, 0.2, 0.1]]


# ------------------------------------------------------------------------ списки


def test_recommend_by_hand():
    scores = np.array([[0.1, 0.9, 0.5], [0.7, 0.7, 0.2], [0.0, -1.0, 2.0]])
    seen = sp.csr_array([[0, 1.0, 0], [0, 0, 0], [0, 0, 0]])
    assert recommend(fixed(scores), [2, 0, 0, 1], seen, k=2).tolist() == [
        [2, 0],
        [2, 0],
        [2, 0],
        [0, 1],
    ]
    assert recommend(fixed(scores), [0], k=2).tolist() == [[1, 2]]
    assert recommend(fixed(scores), (1,), seen).tolist() == [[0, 1, 2] + [-1] * 7]


def test_user_with_nothing_left_gets_an_empty_list():
    scores = np.array([[1.0, 2.0], [1.0, 2.0]])
    seen = sp.csr_array([[1.0, 1.0], [0, 1.0]])
    assert recommend(fixed(scores), [0, 1], seen, k=3).tolist() == [[-1, -1, -1], [0, -1, -1]]


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64", "float16", "float32", "float64"])
def test_any_kind_of_numbers_will_do(kind):
    scores = np.array([[3, 200, 0, 7]]).astype(kind)
    seen = sp.csr_array([[0, 0, 0, 1.0]])
    assert recommend(fixed(scores), [0], k=4).tolist() == [[1, 3, 0, 2]]
    assert recommend(fixed(scores), [0], seen, k=4).tolist() == [[1, 0, 2, -1]]


def test_close_scores_are_not_ties():
    scores = np.array([[1.0, 1.0 + 1e-15, 1.0 - 1e-15]])
    for seen in (None, sp.csr_array((1, 3))):
        assert recommend(fixed(scores), [0], seen, k=3).tolist() == [[1, 0, 2]]


def test_yes_or_no_is_a_score_too():
    scores = np.array([[False, True, False]])
    assert recommend(fixed(scores), [0], k=2).tolist() == [[1, 0]]
    assert recommend(fixed(scores), [0], sp.csr_array([[0, 1.0, 0]]), k=2).tolist() == [[0, 2]]


def test_no_users_no_lists():
    seen = sp.csr_array((2, 3))
    for lists in (recommend(fixed(np.eye(3)), [], k=4), recommend(fixed(np.eye(3)), [], seen, 4)):
        assert lists.shape == (0, 4) and lists.dtype == np.int64


def test_values_of_the_matrices_do_not_matter():
    """Оценка 5 в тестовой части — то же, что 1; явный ноль — ничего."""
    scores = np.array([[3.0, 2.0, 1.0]])
    test = sp.csr_array((np.array([5.0, 0.0]), ([0, 0], [1, 2])), (1, 3))
    seen = sp.csr_array((np.array([5.0, 0.0]), ([0, 0], [0, 1])), (1, 3))
    result = evaluate(fixed(scores), test, seen, ("HR@1", "Recall@2"))
    assert result.values.to_numpy().tolist() == [[1, 1]]


# ------------------------------------------------------------------------ неопределённость


def test_interval_of_one_mean():
    row = made({"HR@10": ONE_MEAN}).summary().loc["HR@10"]
    assert row.index.tolist() == ["mean", "se", "low", "high"]
    expected = [0.4, 0.163299, 0.079933, 0.720067]
    assert row.tolist() == pytest.approx(expected, abs=1e-6)


def test_paired_difference():
    a, b = made({"HR@10": A, "MRR@10": B}), made({"HR@10": B, "MRR@10": B})
    difference = compare(a, b, "HR@10")
    assert (difference.metric, difference.n_users) == ("HR@10", 10)
    assert difference.mean == pytest.approx(0.2)
    assert difference.se == pytest.approx(0.133333, abs=1e-6)
    assert (difference.low, difference.high) == pytest.approx(
        (0.2 - 1.96 * 0.4 / 3, 0.2 + 1.96 * 0.4 / 3)
    )
    assert compare(b, a, "HR@10").mean == -difference.mean
    assert compare(a, b, "MRR@10").mean == compare(a, b, "MRR@10").se == 0
    assert str(difference) == (
        "разность HR@10: +0.2000 ± 0.1333, 95 %: [-0.0613, +0.4613], пользователей: 10"
    )


def test_evaluation_shows_itself():
    result = made({"HR@10": ONE_MEAN})
    assert result["HR@10"] == pytest.approx(0.4)
    assert str(result) == "HR@10        0.4000 ± 0.1633\nпользователей: 10, пропущено: 3"
    single = made({"HR@10": [1]}).summary().loc["HR@10"]
    assert single["mean"] == 1 and np.isnan([single["se"], single["low"], single["high"]]).all()


def test_average_over_seeds():
    runs = [made({"HR@10": values}, [2, 5]) for values in ([0, 1], [1, 1], [1, 0.4])]
    runs[0].recommended[:] = 4
    mean = average_seeds(runs)
    assert mean.users.tolist() == [2, 5] and mean.n_skipped == 3
    assert mean.values["HR@10"].tolist() == pytest.approx([2 / 3, 0.8])
    assert mean.seed_sd.tolist() == pytest.approx([np.std([0.5, 1, 0.7], ddof=1)])
    assert (mean.recommended == 4).all()
    assert runs[0].values["HR@10"].tolist() == [0, 1] and runs[0].seed_sd is None
    assert compare(mean, runs[1], "HR@10").mean == pytest.approx((2 / 3 + 0.8) / 2 - 1)


def test_summary_table():
    ease = made({"HR@10": A, "MRR@10": ONE_MEAN})
    table = summary_table({"EASE": ease, "случайная": made({"HR@10": B, "MRR@10": B})})
    assert table.index.tolist() == ["EASE", "случайная"]
    assert table.columns.tolist() == ["HR@10", "MRR@10"]
    assert table.loc["EASE"].tolist() == ["0.600 ± 0.163", "0.400 ± 0.163"]
    assert summary_table({"EASE": ease}, digits=1).loc["EASE", "HR@10"] == "0.6 ± 0.2"


# ------------------------------------------------------------------------ плохой ввод

TEST = sp.csr_array([[0, 1.0, 0], [0, 0, 1.0]])
SEEN = sp.csr_array([[1.0, 0, 0], [0, 0, 0]])


def ones(users, n_items=3):
    return np.ones((len(users), n_items))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate(ones, TEST, metrics=("NDCG",)), "Неизвестная метрика 'NDCG'"),
        (lambda: evaluate(ones, TEST, metrics=("NDCG@0",)), "Неизвестная метрика 'NDCG@0'"),
        (lambda: evaluate(ones, TEST, metrics=("NDCG@-1",)), "Неизвестная метрика"),
        (lambda: evaluate(ones, TEST, metrics=("NDCG@²",)), "Неизвестная метрика"),
        (lambda: evaluate(ones, TEST, metrics=("NDCG@1.5",)), "Неизвестная метрика"),
        (lambda: evaluate(ones, TEST, metrics=("ndcg@10",)), "есть HR, Precision"),
        (lambda: evaluate(ones, TEST, metrics=(10,)), "Неизвестная метрика 10"),
        (lambda: evaluate(ones, TEST, metrics="NDCG@10"), "metrics="),
        (lambda: evaluate(ones, TEST, metrics=()), "metrics="),
        (lambda: evaluate(ones, TEST, SEEN[:1]), r"Формы не совпадают.*\(2, 3\).*\(1, 3\)"),
        (lambda: evaluate(ones, TEST, SEEN + TEST), "помечена просмотренной"),
        (lambda: evaluate(ones, TEST * 0), "ни одного взаимодействия"),
        (lambda: evaluate(ones, sp.csr_array((0, 3))), "пуста"),
        (lambda: evaluate(ones, TEST * np.nan), "nan"),
        (lambda: evaluate(ones, TEST, -SEEN), "отрицательные"),
        (lambda: evaluate(lambda u: ones(u, 2), TEST, SEEN), r"форму \(2, 2\).*нужна \(2, 3\)"),
        (lambda: evaluate(lambda u: ones(u, 2), TEST), r"форму \(2, 2\).*нужна \(2, 3\)"),
        (lambda: evaluate(lambda u: ones(u, 4), TEST), r"форму \(2, 4\).*нужна \(2, 3\)"),
        (lambda: evaluate(lambda u: ones([0]), TEST), r"форму \(1, 3\)"),
        (lambda: evaluate(lambda u: np.ones(3), TEST), r"форму \(3,\)"),
        (lambda: evaluate(lambda u: None, TEST), "не числа, а NoneType"),
        (
            lambda: evaluate(lambda u: sp.csr_array(ones(u)), TEST),
            r"не числа, а csr_array.*\.toarray\(\)",
        ),
        (lambda: evaluate(lambda u: ones(u).astype(str), TEST), "не числа"),
        (lambda: evaluate(lambda u: ones(u) * 1j, TEST), "не числа"),
        (lambda: evaluate(lambda u: ones(u) * np.nan, TEST, SEEN), "nan"),
        (lambda: recommend(lambda u: ones(u, 0), [0]), r"форму \(1, 0\)"),
        (lambda: recommend(lambda u: ones(u) * np.nan, [0]), "nan"),
        (lambda: recommend(ones, [2], SEEN), "Пользователя 2 нет: номера от 0 до 1"),
        (lambda: recommend(ones, [-1], SEEN), "Пользователя -1 нет"),
        (lambda: recommend(ones, [-1]), r"Пользователя -1 нет: номера от 0\."),
        (lambda: recommend(ones, [0.5], SEEN), "одномерный массив целых"),
        (lambda: recommend(ones, [0], SEEN, k=0), "k — целое число не меньше 1"),
        (lambda: recommend(ones, [0], SEEN, k=1.5), "k — целое число не меньше 1"),
        (lambda: recommend(ones, [], SEEN, k=-1), "k — целое число не меньше 1"),
        (lambda: compare(made({"HR@1": A}), made({"HR@1": A}), "HR@2"), "Метрики 'HR@2'.*HR@1"),
        (lambda: compare(made({"HR@1": A}), made({"MRR@1": A}), "HR@1"), "посчитаны MRR@1"),
        (lambda: compare(made({"HR@1": A}), made({"HR@1": A[:9]}), "HR@1"), "разных польз"),
        (lambda: made({"HR@1": A})["MRR@1"], "Метрики 'MRR@1' здесь нет"),
        (lambda: average_seeds([]), "не меньше двух"),
        (lambda: average_seeds([made({"HR@1": A})]), "не меньше двух"),
        (lambda: average_seeds([made({"HR@1": A}), made({"MRR@1": A})]), "усреднять нельзя"),
        (
            lambda: average_seeds([made({"HR@1": A}), made({"HR@1": A}, range(1, 11))]),
            "усреднять нельзя",
        ),
    ],
)
def test_bad_input_gets_a_russian_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("bad", [np.eye(3), None, [[1, 0]]])
def test_dense_matrices_are_refused(bad):
    with pytest.raises(TypeError, match="разреженная"):
        evaluate(ones, bad)
    if bad is not None:
        with pytest.raises(TypeError, match="разреженная"):
            evaluate(ones, TEST, bad)


def test_same_number_of_other_users_is_refused():
    a, b = made({"HR@1": A}), made({"HR@1": A}, range(1, 11))
    with pytest.raises(ValueError, match="на разных пользователях"):
        compare(a, b, "HR@1")


def test_the_seen_matrix_is_part_of_the_protocol():
    """Просмотренное убирается у всех, в том числе у пользователей вне первого блока."""
    scores = np.tile(np.arange(4.0), (3, 1))
    seen = sp.csr_array([[0, 0, 0, 1.0], [0, 0, 1.0, 1.0], [0, 0, 0, 0]])
    test = sp.csr_array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [1.0, 0, 0, 0]])
    result = evaluate(fixed(scores), test, seen, ("HR@1", "MRR@4"))
    assert result.values.to_numpy().tolist() == [[1, 1], [1, 1], [0, 0.25]]


# ------------------------------------------------------------------------ зёрна


def one_user(value: float) -> Evaluation:
    return made({"NDCG@10": [value, value + 0.2]}, [0, 3])


def contest(seed: int) -> dict[str, Evaluation]:
    return {"EASE": one_user(0.5 + 0.1 * seed), "случайная": one_user(0.2)}


def test_over_seeds_averages_every_user():
    pooled = over_seeds(contest, 3)
    assert list(pooled) == ["EASE", "случайная"]
    assert pooled["EASE"].values["NDCG@10"].tolist() == pytest.approx([0.6, 0.8])
    assert pooled["EASE"].seed_means["NDCG@10"].tolist() == pytest.approx([0.6, 0.7, 0.8])
    assert pooled["EASE"].seed_sd["NDCG@10"] == pytest.approx(0.1)
    assert pooled["случайная"].seed_sd["NDCG@10"] == 0


def test_seeds_table_by_hand():
    def rivals(seed: int) -> dict[str, Evaluation]:
        return {
            "a": made({"NDCG@10": [0.1 + 0.1 * seed, 0.5]}),
            "b": made({"NDCG@10": [0.1, 0.1]}),
        }

    pooled = over_seeds(rivals, 2)
    assert seeds_table(pooled) == {
        "a": {"mean": 0.325, "se": 0.175, "sd": 0.0354},
        "b": {"mean": 0.1, "se": 0.0, "sd": 0.0},
    }
    table = seeds_table(pooled, versus="b", digits=3)
    assert table["a"] == {"mean": 0.325, "se": 0.175, "sd": 0.035, "diff": -0.225, "diff_se": 0.175}
    assert (table["b"]["diff"], table["b"]["diff_se"]) == (0, 0)
    assert all(type(value) is float for row in table.values() for value in row.values())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: over_seeds(contest, 1), "n_seeds — целое число не меньше 2"),
        (lambda: over_seeds(lambda seed: None, 2), r"contest\(0\).*словарь"),
        (lambda: over_seeds(lambda seed: {}, 2), r"contest\(0\).*словарь"),
        (lambda: over_seeds(lambda seed: {str(seed): one_user(1)}, 2), "При зерне 1 модели"),
        (lambda: seeds_table(contest(0)), "'EASE' — при одном зерне"),
        (lambda: seeds_table(over_seeds(contest, 2), "HR@10"), "Метрики 'HR@10' здесь нет"),
        (lambda: seeds_table(over_seeds(contest, 2), versus="SLIM"), "versus — одно из EASE, случ"),
        (lambda: seeds_table(over_seeds(contest, 2), digits=-1), "digits — целое число"),
    ],
)
def test_bad_contests(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ------------------------------------------------------------------------------ поправка Холма


def test_holm_by_hand():
    # 0,01·4; 0,03·2 (после 0,02·3 = 0,06); 0,04·1 — не меньше предыдущего
    assert holm([0.02, 0.01, 0.04, 0.03]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0] and holm([]).size == 0


def test_holm_rejects_what_the_step_down_procedure_rejects():
    rng = np.random.default_rng(0)
    for _ in range(200):
        p = rng.random(rng.integers(1, 12)) ** 4
        rejected = np.zeros(len(p), dtype=bool)
        for place, which in enumerate(np.argsort(p)):
            if p[which] >= 0.05 / (len(p) - place):
                break
            rejected[which] = True
        assert ((holm(p) < 0.05) == rejected).all()


@pytest.mark.parametrize("bad", [[-0.1], [1.1], [[0.1]], [float("nan")]])
def test_holm_wants_probabilities(bad):
    with pytest.raises(ValueError, match="вероятности от 0 до 1"):
        holm(bad)
