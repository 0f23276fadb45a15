"""Проверки уроков: нарушенная останавливает, верная печатает границу; проверка заданий."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

from recsys_lessons.checks import (
    CheckError,
    building,
    check_better,
    check_close,
    check_task,
    check_true,
    task_problem,
)
from recsys_lessons.evaluation import Evaluation


@pytest.fixture
def in_build(monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")


@pytest.fixture
def in_session(monkeypatch):
    monkeypatch.delenv("RECSYS_LESSONS_BUILD", raising=False)


def test_building_is_read_from_the_environment(monkeypatch):
    for value, expected in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv("RECSYS_LESSONS_BUILD", value)
        assert building() is expected
    monkeypatch.delenv("RECSYS_LESSONS_BUILD")
    assert building() is False


def test_a_broken_check_is_an_assertion_error():
    assert issubclass(CheckError, AssertionError)


# ------------------------------------------------------------------------ совпадает ли


@pytest.mark.parametrize("bound", [1e-10, 1e-6, 0.5])
@pytest.mark.parametrize("sign", [1, -1])
def test_close_has_a_sharp_bound(bound, sign):
    reference = np.zeros((3, 2))
    mine = reference.copy()
    mine[2, 1] = sign * bound
    check_close("веса", mine, reference, bound)
    check_close("веса", reference, mine, bound)
    mine[2, 1] = sign * bound * 1.001
    with pytest.raises(CheckError, match=r"веса: расхождение .*на месте \(2, 1\)"):
        check_close("веса", mine, reference, bound)
    with pytest.raises(CheckError):
        check_close("веса", reference, mine, bound)


def test_default_bound():
    check_close("x", [0.0], [0.9e-10])
    with pytest.raises(CheckError):
        check_close("x", [0.0], [1.1e-10])


def test_the_worst_place_is_named():
    with pytest.raises(CheckError, match=r"расхождение 3, .*\(0, 2\): 6 и 9\.") as caught:
        check_close("B", [[1, 2, 6]], [[2, 2, 9]], 0.5)
    assert "не больше 0.5" in str(caught.value)


def test_zero_bound_asks_for_equality(in_session, capsys):
    check_close("x", [1, 2], [1, 2], 0)
    assert capsys.readouterr().out == "x: совпадает, расхождения нет\n"
    with pytest.raises(CheckError, match="нужно расхождения нет"):
        check_close("x", [1.0], [1.0 + 1e-15], 0)


@pytest.mark.parametrize(
    ("mine", "reference", "message"),
    [
        ([np.nan], [0.0], "расхождение nan"),
        ([np.nan], [np.nan], "расхождение nan"),
        ([0.0, 1.0], [0.0, np.nan], "расхождение nan"),
        ([np.inf], [0.0], "расхождение inf"),
        ([np.inf], [-np.inf], "расхождение inf"),
        ([1.0], 1.0, r"формы разные, \(1,\) и \(\)"),
        ([1.0, 1.0], [[1.0, 1.0]], "формы разные"),
        ([], [], "пусты"),
        (np.zeros((0, 2)), sp.csr_array((0, 2)), "пусты"),
        (1.0, 2.0, "расхождение 1"),
        ([True], [False], "расхождение 1"),
        (np.array([0], np.uint8), np.array([255], np.uint8), "расхождение 255"),
        ("да", "нет", "только числа"),
        (None, None, "только числа"),
    ],
)
def test_close_raises(mine, reference, message):
    with pytest.raises(CheckError, match=message):
        check_close("x", mine, reference, 0.5)


def test_equal_infinities_coincide():
    """Балл -inf у просмотренного: совпадает с -inf."""
    check_close("баллы", [-np.inf, 1.0], [-np.inf, 1.0])


def test_sparse_and_dense_may_be_compared():
    dense = np.array([[0, 1.5], [2, 0]])
    for form in (sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix):
        check_close("X", form(dense), dense)
        check_close("X", dense, form(dense))
        check_close("X", form(dense), form(dense))
        with pytest.raises(CheckError, match=r"\(1, 0\): 3 и 2"):
            check_close("X", form(np.array([[0, 1.5], [3, 0]])), dense)


def test_frames_and_scalars_may_be_compared():
    check_close("x", pd.DataFrame({"a": [1.0, 2]}), [[1.0], [2]])
    check_close("x", pd.Series([1, 2]), np.array([1.0, 2]))
    check_close("x", torch.ones(2), [1, 1])
    check_close("x", 0.1 + 0.2, 0.3)


@pytest.mark.parametrize(
    ("bound", "text"),
    [(1e-10, "1e-10"), (2.5e-7, "2.5e-7"), (1e-3, "0.001"), (0.25, "0.25"), (2, "2")],
)
def test_the_exact_difference_is_only_for_the_session(monkeypatch, capsys, bound, text):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    check_close("веса", [1.0], [1.0 + bound / 4], bound)
    line = f"веса: совпадает, расхождение не больше {text}"
    assert capsys.readouterr().out == f"{line}\n"
    monkeypatch.delenv("RECSYS_LESSONS_BUILD")
    check_close("веса", [1.0], [1.0 + bound / 4], bound)
    out = capsys.readouterr().out
    assert re.fullmatch(rf"{line} \(точно: (2\.5|6\.[23]|0\.062|0\.00025|0\.5)(e-\d+)?\)\n", out)


# ------------------------------------------------------------------------ утверждения


@pytest.mark.parametrize(
    "condition",
    [True, np.bool_(True), [True, True], np.ones((2, 2), bool), sp.csr_array([[True]])],
)
def test_true(condition, capsys):
    check_true("порядок", condition)
    assert capsys.readouterr().out == "порядок: верно\n"


@pytest.mark.parametrize(
    "condition",
    [
        False,
        np.bool_(False),
        [True, False],
        np.eye(2, dtype=bool),
        pd.DataFrame({"a": [True, False]}),
        sp.csr_array(np.eye(2, dtype=bool)),
    ],
)
def test_not_true(condition):
    with pytest.raises(CheckError, match="порядок: неверно"):
        check_true("порядок", condition)


@pytest.mark.parametrize(
    "condition", [None, [], "верно", np.nan, 0.3, (x for x in [False]), np.array([], bool)]
)
def test_what_is_not_yes_or_no_proves_nothing(condition):
    with pytest.raises(CheckError, match="порядок"):
        check_true("порядок", condition)


# ------------------------------------------------------------------------ лучше ли


def made(values) -> Evaluation:
    return Evaluation(pd.DataFrame({"NDCG@10": values}), np.zeros((len(values), 1), int), 0)


def noisy(mean: float) -> tuple[Evaluation, Evaluation]:
    """Две модели: средняя разность ``mean``, её ошибка ровно 1."""
    base = np.array([1.0, -1.0] * 8)
    base *= 4 / base.std(ddof=1)
    return made(base + mean), made(np.zeros(16))


def test_better_needs_two_standard_errors(capsys):
    check_better("EASE лучше", *noisy(2.001), "NDCG@10")
    out = capsys.readouterr().out
    assert out.startswith("EASE лучше: разность NDCG@10: +2.0010 ± 1.0000") and out.count("\n") == 1


@pytest.mark.parametrize("mean", [1.999, 0.0, -1.0, -2.001, -50.0, np.nan])
def test_better_raises_on_noise_and_on_the_wrong_sign(mean):
    with pytest.raises(CheckError, match="не подтверждается, разность NDCG@10"):
        check_better("EASE лучше", *noisy(mean), "NDCG@10")


def test_one_user_proves_nothing():
    with pytest.raises(CheckError):
        check_better("EASE лучше", made([1.0]), made([0.0]), "NDCG@10")


def test_a_model_is_not_better_than_itself():
    model = made([0.5, 0.5, 0.5])
    with pytest.raises(CheckError):
        check_better("она же", model, model, "NDCG@10")


# ------------------------------------------------------------------------ задания

HINT = "сложите по строкам"
CASES = [((np.array([[1.0, 2], [3, 4]]),), np.array([3.0, 7]), HINT)]


def right(matrix):
    return matrix.sum(axis=1)


def raises(matrix):
    raise KeyError("нет")


@pytest.mark.parametrize(
    ("solution", "message"),
    [
        (lambda m: None, "ответа пока нет"),
        (lambda m: ..., "ответа пока нет"),
        (raises, "остановилась с ошибкой KeyError: 'нет'"),
        (lambda: 1, "остановилась с ошибкой TypeError"),
        (None, "остановилась с ошибкой TypeError"),
        (lambda m: m.sum(axis=0), "неверных чисел 2 из 2, первое на месте \\(0,\\)"),
        (
            lambda m: m.sum(axis=1) + np.array([0, 1e-6]),
            "неверных чисел 1 из 2, первое на месте \\(1,\\)",
        ),
        (lambda m: m.sum(axis=1) * [1, np.nan], "неверных чисел 1 из 2"),
        (lambda m: m.sum(axis=1, keepdims=True), r"форма ответа \(2, 1\), а нужна \(2,\)"),
        (lambda m: m.sum(), r"форма ответа \(\), а нужна \(2,\)"),
        (lambda m: [], r"форма ответа \(0,\)"),
        (lambda m: "3 7", "ожидались числа, а функция вернула str"),
        (lambda m: ["3", "7"], "ожидались числа, а функция вернула list"),
        (lambda m: [[3], [7, 1]], "ожидались числа, а функция вернула list"),
        (lambda m: {3, 7}, "ожидались числа, а функция вернула set"),
        (lambda m: (x for x in [3, 7]), "ожидались числа, а функция вернула generator"),
        (lambda m: print, "ожидались числа"),
        (lambda m: np.array([3j, 7]), "ожидались числа"),
        (lambda m: torch.tensor([3.0, 7.0], requires_grad=True), "ожидались числа"),
    ],
)
def test_wrong_solutions_are_told_why(solution, message, capsys):
    check_task("Задание 1", solution, CASES)
    out = capsys.readouterr().out
    assert re.match(f"Задание 1: .*{message}", out), out
    assert out.endswith(f"\nПодсказка: {HINT}\n")
    assert task_problem(solution, CASES) == out.removeprefix("Задание 1: ").removesuffix("\n")


@pytest.mark.parametrize(
    "solution",
    [
        right,
        lambda m: list(m.sum(axis=1)),
        lambda m: (3, 7),
        lambda m: pd.Series(m.sum(axis=1)),
        lambda m: m.sum(axis=1) + 5e-9,
        lambda m: m.sum(axis=1).astype(np.float32),
        lambda m: torch.tensor([3, 7]),
    ],
)
def test_right_solutions_pass(solution, capsys):
    assert task_problem(solution, CASES) == ""
    check_task("Задание 1", solution, CASES)
    assert capsys.readouterr().out == "Задание 1: верно, пройдены все проверки (1)\n"


def test_sparse_answers():
    cases = [((), sp.csr_array([[0, 1.0]]), "разреженная")]
    assert task_problem(lambda: sp.csr_array([[0, 1.0]]), cases) == ""
    assert task_problem(lambda: np.array([[0, 1.0]]), cases) == ""
    assert "неверных чисел 1 из 2" in task_problem(lambda: sp.csr_array([[1.0, 1.0]]), cases)


def test_numbers_true_or_false_and_nan():
    assert task_problem(lambda x: x > 1, [((2,), True, "")]) == ""
    assert "получено 0, а ожидалось другое" in task_problem(lambda x: x > 2, [((2,), True, "")])
    assert task_problem(lambda: [np.nan, 1], [((), [np.nan, 1], "")]) == ""
    assert "неверных чисел 1" in task_problem(lambda: [0, 1], [((), [np.nan, 1], "")])
    assert "получено 0.3, а ожидалось" in task_problem(lambda: 0.3, [((), 0.5, "")])


def test_answers_in_words():
    cases = [(("x",), "EASE", "подумайте ещё")]
    assert task_problem(lambda x: "EASE", cases) == ""
    assert task_problem(lambda x: "SLIM", cases) == (
        "получено 'SLIM', а ожидался другой ответ.\nПодсказка: подумайте ещё"
    )
    for answer in (5, ["EASE"], np.array(["EASE", "SLIM"]), pd.Series(["EASE", "EASE"])):
        assert "ожидался другой ответ" in task_problem(lambda x, answer=answer: answer, cases)
    assert "ответа пока нет" in task_problem(lambda x: None, cases)


def test_the_first_failed_case_gives_the_hint():
    cases = [((1,), 1, "первая"), ((2,), 4, "вторая"), ((3,), 9, "третья")]
    assert task_problem(lambda x: x, cases).endswith("Подсказка: вторая")
    assert task_problem(lambda x: x**2, cases) == ""


def test_a_solution_cannot_spoil_the_cases():
    """Решение меняет свой аргумент на месте, в том числе список внутри списка."""
    array, sparse, nested = np.ones(3), sp.csr_array(np.eye(3)), {0: [np.ones(3)]}

    def spoiler(a, s, n):
        answer = a.sum() + s.sum() + n[0][0].sum()
        a[:] = s.data[:] = n[0][0][:] = 0
        n.clear()
        return answer

    cases = [((array, sparse, nested), 9.0, "первая"), ((array, sparse, nested), 9.0, "вторая")]
    for _ in range(2):
        assert task_problem(spoiler, cases) == ""
    assert array.sum() == sparse.sum() == nested[0][0].sum() == 3
