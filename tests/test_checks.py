"""Проверки уроков: нарушенная останавливает, верная печатает границу; проверка заданий."""

import itertools
import re
from decimal import Decimal
from fractions import Fraction
from unittest.mock import MagicMock

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
UNSOLVED = "ответа пока нет."


def right(matrix):
    return matrix.sum(axis=1)


def raises(matrix):
    total = matrix.sum()
    raise KeyError(total)


def not_yet(matrix):
    raise NotImplementedError("ваш код")


class SilentRepr:
    def __repr__(self):
        raise RuntimeError("repr")


class EqualToAll:
    """Равен чему угодно, как угодно записанному."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return 0


class EqualText(str):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


@pytest.mark.parametrize(
    "stub", [lambda m: None, lambda m: ..., not_yet, None, ...], ids=["None", "...", "raise", 1, 2]
)
def test_an_unsolved_task_gets_no_hint(stub, capsys):
    check_task("Задание 1", stub, CASES)
    assert capsys.readouterr().out == f"Задание 1: {UNSOLVED}\n"


def test_nothing_returned_for_a_later_case_is_an_attempt():
    cases = [((1,), 1, "первая"), ((-2,), 2, "вторая")]

    def half(x):
        if x < 0:
            raise NotImplementedError
        return x

    assert "ошибкой NotImplementedError в строке" in task_problem(half, cases)
    assert task_problem(lambda x: x if x > 0 else None, cases) == (
        "на этом примере функция ничего не вернула.\nНа входе: x = -2\nПодсказка: вторая"
    )


@pytest.mark.parametrize(
    ("solution", "message"),
    [
        (raises, r"остановилась с ошибкой KeyError в строке \d+ \(raise KeyError\(total\)\): .*10"),
        (lambda: 1, "остановилась с ошибкой TypeError"),
        (7, "вместо функции дано 7"),
        (
            lambda m: m.sum(axis=0),
            r"неверных чисел 2 из 2, первое на месте 0: 4\. .*: \[4\., 6\.\]",
        ),
        (
            lambda m: m.sum(axis=1) + np.array([0, 1e-6]),
            "неверных чисел 1 из 2, первое на месте 1",
        ),
        (lambda m: m.sum(axis=1) * [1, np.nan], "неверных чисел 1 из 2"),
        (lambda m: m.sum(axis=1, keepdims=True), r"форма ответа \(2, 1\), а нужна \(2,\)"),
        (lambda m: np.asmatrix(m).sum(axis=1), r"форма ответа \(2, 1\), .* У np\.matrix .*ravel"),
        (lambda m: m.sum(), r"форма ответа \(\), а нужна \(2,\)"),
        (lambda m: [], r"форма ответа \(0,\)"),
        (lambda m: "3 7", r"ожидалось: массив чисел формы \(2,\), а функция вернула str: '3 7'"),
        (lambda m: ["3", "7"], "ожидалось: массив чисел .* вернула list"),
        (lambda m: [[3], [7, 1]], "вернула list"),
        (lambda m: {3, 7}, "вернула set: {3, 7}\\. У множества нет порядка: верните список"),
        (lambda m: frozenset([3, 7]), "вернула frozenset: .* У множества нет порядка"),
        (lambda m: {0: 3, 1: 7}, "вернула dict"),
        (lambda m: (x for x in [3, 8]), r"неверных чисел 1 из 2, .* \[3, 8\]"),
        (lambda m: iter([3]), r"форма ответа \(1,\)"),
        (lambda m: itertools.count(3), r"значений больше, чем нужно \(2\)\. Первые: \[3, 4, 5\]"),
        (lambda m: (1 / (x - 3) for x in [3, 7]), r"ошибкой ZeroDivisionError в строке \d+"),
        (lambda m: iter("ab"), "вернула list"),
        (lambda m: [Decimal("sNaN"), 7], "вернула list"),
        (lambda m: [Decimal(3), Fraction(22, 3)], "неверных чисел 1 из 2"),
        (lambda m: print, "вернула builtin"),
        (lambda m: np.array([3j, 7]), "вернула ndarray"),
        (lambda m: EqualToAll(), "вернула EqualToAll"),
        (lambda m: [EqualToAll()] * 2, "вернула list"),
        (lambda m: np.array([EqualToAll()] * 2, dtype=object), "вернула ndarray"),
    ],
)
def test_wrong_solutions_are_told_why(solution, message, capsys):
    check_task("Задание 1", solution, CASES)
    out = capsys.readouterr().out
    assert re.match(f"Задание 1: .*{message}", out), out
    assert re.search(r"\nНа входе: (m = |matrix = )?\[\[1\., 2\.\], \[3\., 4\.\]\]\n", out), out
    assert out.endswith(f"\nПодсказка: {HINT}\n")
    assert task_problem(solution, CASES) == out.removeprefix("Задание 1: ").removesuffix("\n")


def test_the_line_of_an_error_is_the_line_of_the_solution():
    problem = task_problem(raises, CASES)
    assert f"в строке {raises.__code__.co_firstlineno + 2} (raise KeyError(total))" in problem

    def deep(matrix):
        return np.linalg.inv(np.zeros((2, 2)))

    assert f"в строке {deep.__code__.co_firstlineno + 1} (" in task_problem(deep, CASES)


@pytest.mark.parametrize(
    "solution",
    [
        right,
        lambda m: list(m.sum(axis=1)),
        lambda m: (3, 7),
        lambda m: pd.Series(m.sum(axis=1)),
        lambda m: pd.Series([3, 7]).convert_dtypes(),
        lambda m: m.sum(axis=1) + 5e-9,
        lambda m: m.sum(axis=1).astype(np.float32),
        lambda m: (x for x in m.sum(axis=1)),
        lambda m: map(sum, m),
        lambda m: {0: 3.0, 1: 7.0}.values(),
        lambda m: {3.0: 0, 7.0: 1}.keys(),
        lambda m: [Decimal(3), Decimal(7)],
        lambda m: (Fraction(3), Decimal(7)),
        lambda m: m.sum(axis=1).astype(np.float16),
        lambda m: torch.tensor([3, 7]),
        lambda m: torch.tensor([3.0, 7.0], requires_grad=True),
        lambda m: [torch.tensor(3.0, requires_grad=True), np.float32(7)],
        lambda m: torch.tensor([3.0, 7.0], dtype=torch.bfloat16),
        lambda m: torch.tensor([3.0, 7.0]).to_sparse(),
    ],
)
def test_right_solutions_pass(solution, capsys):
    assert task_problem(solution, CASES) == ""
    check_task("Задание 1", solution, CASES)
    assert capsys.readouterr().out == "Задание 1: верно, пройдены все проверки (1)\n"


SOFTMAX = np.exp([1.0, 2, 3]) / np.exp([1.0, 2, 3]).sum()


@pytest.mark.parametrize(
    "answer",
    [
        lambda: torch.softmax(torch.tensor([1.0, 2, 3]), 0),
        lambda: torch.softmax(torch.tensor([1.0, 2, 3]), 0).tolist(),
        lambda: SOFTMAX.astype(np.float32) * np.float32(1 + 4e-7),
        lambda: [np.float32(x) for x in SOFTMAX],
    ],
)
def test_single_precision_passes(answer):
    assert np.abs(np.asarray(answer(), dtype=float) - SOFTMAX).max() > 1e-8
    assert task_problem(answer, [((), SOFTMAX, HINT)]) == ""


@pytest.mark.parametrize(
    ("mine", "expected"),
    [
        (SOFTMAX + 2e-8, SOFTMAX),  # float64 сверяется строго
        ((SOFTMAX * 1.0001).astype(np.float32), SOFTMAX),
        (np.float32([1e6, 5, 0.5]), [1e6, 9, 0.5]),
        (np.float32([1e6, 12_346]), [1e6, 12_345]),  # целым поблажки нет
        (np.float16([0.336]), [1 / 3]),
        (np.float32([1000.1, 3e-4]), [1000.1, 0]),
    ],
)
def test_single_precision_forgives_rounding_only(mine, expected):
    assert "неверных чисел" in task_problem(lambda: mine, [((), expected, HINT)])


def test_single_precision_loses_what_is_small_beside_the_largest():
    answer = np.float32([1000.1, 5e-5])
    assert task_problem(lambda: answer, [((), [1000.1, 0], HINT)]) == ""
    assert task_problem(lambda: answer[1:], [((), [0], HINT)]) != ""


@pytest.mark.parametrize(
    ("mine", "expected"),
    [
        ([0.5, 0.25], [0.500003, 0.25]),
        (np.array([0.5, 0.25, 0.75, 0.125]), [0.500003, 0.25, 0.75, 0.125]),
        (np.float32([1 / 3, 2 / 3]).tolist(), [1 / 3, 2 / 3]),  # двух чисел мало
        (np.array([4093, 2049, 1001]) / 4096, np.array([4093.01, 2049, 1001]) / 4096),
        (0.5, 0.500003),
        (np.float64(0.5), 0.500003),
        ([*np.float32(SOFTMAX).tolist(), 0.1], [*SOFTMAX, 0.1]),
    ],
)
def test_a_coincidence_is_no_single_precision(mine, expected):
    assert task_problem(lambda: mine, [((), expected, HINT)])


def test_who_lost_the_precision_is_told():
    advice = "считали в float32: посчитайте в float64"
    assert advice in task_problem(lambda: float(np.float32(2 / 3)), [((), 2 / 3, HINT)])
    pair = np.float32([1 / 3, 2 / 3]).tolist()
    assert advice in task_problem(lambda: pair, [((), [1 / 3, 2 / 3], HINT)])
    assert advice not in task_problem(lambda: pair, [((), [1 / 3, 0.7], HINT)])
    assert advice not in task_problem(lambda: [0.5, 0.25], [((), [0.500003, 0.25], HINT)])


@pytest.mark.parametrize(
    ("mine", "expected"),
    [
        (1e9 * (0.1 + 0.2), 3e8),
        (sum([0.1] * 10**5), 10_000),
        (np.float32(1 / 3), 1 / 3),
        (torch.tensor(1 / 3), 1 / 3),
        (np.float32([1, 0]), [1 - 1e-7, 1e-8]),  # целые, но посчитаны в float32
        (np.float32([33_333_332]), [1e8 / 3]),
        (np.float32([33_333_332]), [33_333_333]),  # такого целого в float32 нет
        (np.float32(SOFTMAX * (1 + 8e-6)), SOFTMAX),
        (np.float32([0.99999994, 2]), [1, 2]),
        (np.float16(SOFTMAX), SOFTMAX),
        (np.float16(1 / 3), 1 / 3),
        (SOFTMAX, np.float32(SOFTMAX)),  # float32 у верного ответа
        ([Fraction(1, 3), Decimal(1) / 3], [1 / 3, 1 / 3]),
        (Fraction(1, 3), 1 / 3),
        (Decimal("0.1"), 0.1),
        (pd.Series([], dtype=object), []),
    ],
)
def test_rounding_is_no_mistake(mine, expected):
    assert task_problem(lambda: mine, [((), expected, HINT)]) == ""


@pytest.mark.parametrize(
    ("mine", "expected"),
    [
        (1e9 + 1, 1e9),
        (3e8 + 0.1, 3e8),
        (1.6e12 + 1, 1.6e12),  # в относительную границу входит, но целые различны
        (np.float32([1_000_001]), [1e6]),
        (np.float32([1_000_001]), np.float32([1e6])),
        (np.float16([101]), [100]),
    ],
)
def test_large_numbers_differ(mine, expected):
    assert task_problem(lambda: mine, [((), expected, HINT)])


def test_yes_and_no_are_no_numbers():
    yes = "ожидалось: одно число, а получено «да» или «нет» (bool): True."
    assert yes in task_problem(lambda: True, [((), 1, "")])
    assert yes in task_problem(lambda: np.True_, [((), 1.0, "")])
    array = "ожидалось: массив чисел формы (2,), а получено «да» или «нет» (bool): "
    for answer in (
        np.array([True, False]),
        [True, False],
        torch.tensor([True, False]),
        pd.Series([True, False]).convert_dtypes(),
        np.array([True, False], dtype=object),
    ):
        assert array in task_problem(lambda answer=answer: answer, [((), [1, 0], "")])
        assert task_problem(lambda answer=answer: answer, [((), [True, False], "")]) == ""
        assert "первое на месте 0: 1" in task_problem(
            lambda answer=answer: answer, [((), [False, False], "")]
        )
    assert task_problem(lambda: [1, 0], [((), [True, False], "")]) == ""


def test_sparse_and_matrix_answers():
    cases = [((), sp.csr_array([[0, 1.0]]), "разреженная")]
    for form in (sp.csr_array, sp.coo_matrix, np.array, np.asmatrix):
        assert task_problem(lambda form=form: form([[0, 1.0]]), cases) == ""
    problem = task_problem(lambda: sp.csr_array([[1.0, 1.0]]), cases)
    assert "неверных чисел 1 из 2" in problem and "[[1., 1.]]" in problem
    assert "форма ответа (1000000, 1000000)" in task_problem(
        lambda: sp.csr_array((10**6, 10**6)), cases
    )


def test_numbers_true_or_false_and_nan():
    assert task_problem(lambda x: x > 1, [((2,), True, "")]) == ""
    assert "получено False, а ожидалось другое" in task_problem(lambda x: x > 2, [((2,), True, "")])
    assert task_problem(lambda: [np.nan, 1], [((), [np.nan, 1], "")]) == ""
    assert "неверных чисел 1" in task_problem(lambda: [0, 1], [((), [np.nan, 1], "")])
    assert "неверных чисел 1" in task_problem(lambda: [0.5, np.nan], [((), [0.5, 1], "")])
    assert "получено 0.3, а ожидалось" in task_problem(lambda: 0.3, [((), 0.5, "")])
    assert "ожидалось: одно число, а функция вернула str" in task_problem(
        lambda: "0.5", [((), 0.5, "")]
    )


def test_answers_in_words():
    cases = [(("x",), "EASE", "подумайте ещё")]
    assert task_problem(lambda x: "EASE", cases) == task_problem(lambda x: np.str_("EASE"), cases)
    assert task_problem(lambda x: "EASE", cases) == ""
    assert task_problem(lambda x: "SLIM", cases) == (
        "получено 'SLIM', а ожидалось: другой ответ.\nНа входе: x = 'x'\nПодсказка: подумайте ещё"
    )
    assert "ожидалось: другой ответ" in task_problem(lambda x: EqualText("SLIM"), cases)
    for answer in (5, ["EASE"], np.array(["EASE", "SLIM"]), EqualToAll()):
        assert "ожидалось: строка" in task_problem(lambda x, answer=answer: answer, cases)
    assert task_problem(lambda x: None, cases) == UNSOLVED


@pytest.mark.parametrize(
    ("expected", "right_ones", "wrong_ones", "wanted"),
    [
        (
            ["EASE", "SLIM"],
            [
                ["EASE", "SLIM"],
                ("EASE", "SLIM"),
                pd.Series(["EASE", "SLIM"]),
                {"EASE": 1, "SLIM": 2},
            ],
            [["SLIM", "EASE"], ["EASE"], ["EASE", EqualText("x")], [EqualToAll()] * 2, ["EASE", 1]],
            "другой ответ",
        ),
        (
            np.array(["EASE"]),
            [["EASE"]],
            ["EASE", {"EASE"}, 5, {"EASE": 1}, EqualToAll()],
            "список",
        ),
        (
            [("EASE", 1)],
            [[("EASE", 1)], [["EASE", np.int64(1)]]],
            [[("EASE", True)]],
            "другой ответ",
        ),
        (
            {1, 2},
            [{2, 1}, frozenset([1, 2]), {1.0, np.int64(2)}],
            [{1}, {1, 3}, {1, "2"}, {1, 2, 3}],
            "другой",
        ),
        ({"a", "b"}, [{"b", "a"}], [["a", "b"], "ab", {"a": "b"}], "множество"),
        (
            {"a": 1, "b": [2, 3]},
            [{"b": [2, 3], "a": 1}, {"a": np.int64(1), "b": np.array([2, 3])}],
            [
                {"c": 1, "a": 1, "b": [2, 3]},
                {"a": 1, "b": [3, 2]},
                {"a": 1, "c": [2, 3]},
                {"a": True, "b": [2, 3]},
            ],
            "другой ответ",
        ),
        (
            {"a": 1},
            [{"a": 1.0}],
            [["a"], [("a", 1)], {"a"}, 1, EqualToAll(), MagicMock()],
            "словарь",
        ),
    ],
    ids=range(7),
)
def test_exact_answers(expected, right_ones, wrong_ones, wanted):
    cases = [((), expected, HINT)]
    for answer in right_ones:
        got = answer.keys() if isinstance(expected, list) and isinstance(answer, dict) else answer
        assert task_problem(lambda got=got: got, cases) == "", answer
    for answer in wrong_ones:
        problem = task_problem(lambda answer=answer: answer, cases)
        assert re.match(f"получено .*, а ожидалось: {wanted}", problem), (answer, problem)
    assert task_problem(lambda: None, cases) == UNSOLVED


@pytest.mark.parametrize(
    "expected",
    [
        *(None, ..., {"a": 0.5}, [1, None], {"a": True}, 1j, [["а"], [0.5]], print, 10**400),
        *(pd.DataFrame({"a": ["b"]}), b"EASE", [None] * 10**5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_author_is_told_at_once_what_cannot_be_compared(expected):
    """Ещё до решения и даже если негоден лишь последний пример."""
    with pytest.raises(TypeError, match=r"верный ответ примера — .*, с таким сравнить нельзя") as e:
        check_task("Задание 1", lambda: None, [((), 1, HINT), ((), expected, HINT)])
    assert len(str(e.value)) < 1000


def test_a_lazy_stub_is_unsolved():
    def stub(matrix):
        raise NotImplementedError
        yield

    assert task_problem(stub, CASES) == UNSOLVED


def test_the_first_failed_case_gives_the_hint():
    cases = [((1,), 1, "первая"), ((2,), 4, "вторая"), ((3,), 9, "третья")]
    problem = task_problem(lambda x: x, cases)
    assert "На входе: x = 2\n" in problem and problem.endswith("Подсказка: вторая")
    assert task_problem(lambda x: x**2, cases) == ""


def test_inputs_are_shown_shortly():
    frame = pd.DataFrame({"user": range(13), "item": 2})
    large, small = sp.csr_array(np.eye(50)), sp.csr_array(np.eye(2))
    arguments = (frame, large, small, np.arange(500), [1, 0], torch.zeros(2), 0.5)
    problem = task_problem(lambda a, b, c, d, e, f, g: 1, [(arguments, 2, "")])
    shown = problem.split("\n")[1]
    assert "a = таблица 13 × 2 (user, item)" in shown
    assert "b = разреженная матрица формы (50, 50), ненулевых чисел 50" in shown
    assert "c = [[1., 0.], [0., 1.]]" in shown
    assert "d = [ 0, 1, ..., 498, 499], форма (500,)" in shown
    assert "e = [1, 0], f = [0., 0.], g = 0.5" in shown


HUGE = [
    "ы" * 10**6,
    np.zeros((300, 300)),
    np.full(2, 1e300),
    np.zeros((1,) * 60),
    range(10**15),
    [SilentRepr()] * 5000,
    [[SilentRepr()] * 5000] * 2,
    SilentRepr(),
    {i: "ы" * 100 for i in range(1000)},
    10**5000,
    [10**5000, 1],
    pd.DataFrame({"ы" * 500: [1], "я": [2]}),
    sp.csr_array((10**6, 10**6)),
    type("Ы" * 3000, (), {})(),
    torch.zeros(200, 200),
    MagicMock(),
    itertools.repeat(np.zeros((300, 300))),
    itertools.repeat("ы" * 10**6),
    {i: 0 for i in range(10**5)}.keys(),
    [np.nan, Decimal("NaN")],
]
NESTED = []
NESTED.append(NESTED)
HUGE.append(NESTED)


@pytest.mark.parametrize("value", HUGE, ids=range(len(HUGE)))
@pytest.mark.parametrize("expected", [[3.0, 7], 1.0, "слово", ["а"], {"а": 1}, {1}])
def test_messages_are_short_whatever_comes_back(value, expected, capsys):
    check_task("Задание", lambda: value, [((), expected, "ы" * 5000)])
    as_answer = capsys.readouterr().out
    check_task("Задание" * 500, lambda x: -5, [((np.zeros((300, 300)),), expected, HINT)])
    as_input = capsys.readouterr().out
    for out in (as_answer, as_input):
        assert "Подсказка" in out and len(out) < 1000


def test_errors_with_a_broken_or_huge_text():
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError("str")

    def broken(m):
        raise Broken

    def huge(m):
        raise ValueError("ы" * 10**6)

    def leave(m):
        raise SystemExit

    assert "ошибкой Broken" in task_problem(broken, CASES)
    assert "ошибкой SystemExit" in task_problem(leave, CASES)
    assert len(task_problem(huge, CASES)) < 1000


def test_an_interrupt_passes_through():
    def interrupted(m):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_task("Задание 1", interrupted, CASES)


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


def test_the_input_is_shown_as_it_was_given():
    def spoiler(a):
        a[:] = 7
        return a

    assert "На входе: a = [1., 1.]\n" in task_problem(spoiler, [((np.ones(2),), [0, 0], HINT)])


def test_ragged_list_in_the_input_is_shown():
    problem = task_problem(lambda histories: 0, [(([np.array([0]), np.array([1, 2])],), 1, HINT)])
    assert "На входе: histories = [array([0]), array([1, 2])]\n" in problem


def test_error_behind_a_wrapper_is_placed_in_the_solution():
    """Как в тетради: решение в одной ячейке, а вызывает его функция из другой."""
    names: dict = {}
    exec(compile("def solve(x):\n    y = x\n    return y / 0\n", "/cells/1.py", "exec"), names)
    exec(compile("def wrapper(x):\n    return solve(x)\n", "/cells/2.py", "exec"), names)
    assert "ZeroDivisionError в строке 3:" in task_problem(names["wrapper"], [((1,), 1, HINT)])
