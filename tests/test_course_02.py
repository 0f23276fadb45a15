"""Ключ задания 02 рядом с независимыми: веса и модель урока, счёт на бумаге."""

import itertools
import sys

import numpy as np
import pytest
from recsys_lessons.models.tifu_knn import basket_weights

from course.assignment import KEYS, Code, load_assignment
from recsys_lessons.models import TIFUKNN

key = sys.modules[load_assignment(KEYS, "02_tifu_knn").variant.__module__]


@pytest.mark.parametrize(("n", "m"), list(itertools.product(range(1, 8), range(1, 5))))
def test_vector_on_paper_is_the_formula_of_the_lesson(n, m):
    baskets = [[0], [0, 1], [2], [1, 2], [0], [1], [0, 2]][:n]
    held = np.array([[item in basket for item in range(3)] for basket in baskets], dtype=float)
    weights = basket_weights(n, m, within_decay=0.6, group_decay=0.8)
    np.testing.assert_allclose(key.vector(baskets, m, 0.6, 0.8), weights @ held, atol=1e-14)


def test_blend_is_the_model_of_the_lesson():
    rng = np.random.default_rng(2)
    history = {u: [rng.choice(9, 3, replace=False) for _ in range(4)] for u in range(12)}
    model = TIFUKNN(n_neighbors=3, alpha=0.7, n_groups=2).fit(history, n_items=9)
    mine = key.blend(model.vectors_.toarray(), 3, 0.7, frozenset())
    np.testing.assert_allclose(mine, model.score(range(12)), atol=1e-12)


@pytest.mark.parametrize(
    ("mistake", "crowd"),
    [
        *((mistake, key.CROWDS[0]) for mistake in key.MISTAKES),
        ("length", "равные расстояния"),
        ("own", "двойники"),
        ("own", "все соседи"),
    ],
)
def test_planted_mistakes_show_one_at_a_time(mistake, crowd):
    (V, k, alpha), right, cells = key.telling(mistake, np.random.default_rng(1), crowd)
    assert cells.sum() >= 6
    for size in range(len(key.MISTAKES) + 1):
        for some in itertools.combinations(key.MISTAKES, size):
            close = np.isclose(key.blend(V, k, alpha, frozenset(some)), right)[cells]
            assert not close.any() if mistake in some else close.all()


def test_share_of_visits_by_hand():
    """Два чека за день — один визит; день 10 — уже будущее."""
    user, item, day = np.array([(0, 1, 8), (0, 1, 8), (0, 2, 6), (0, 0, 10), (2, 0, 1)]).T
    found = key.share_of_visits((user, item, day), 10, 3, 3, lambda age: 1 / age)
    np.testing.assert_allclose(found, [[0, 2 / 3, 1 / 3], [0, 0, 0], [1, 0, 0]])


def test_leaks_show_and_honest_models_are_honest():
    rng = np.random.default_rng(0)
    user, item, day = rng.integers(4, size=80), rng.integers(5, size=80), rng.integers(40, size=80)
    before = day < 30
    for name, source in key.models().items():
        made: dict = {}
        exec(Code("model", source).source, made)
        whole = made["model"](user, item, day, 30, 4, 5)
        past = made["model"](user[before], item[before], day[before], 30, 4, 5)
        assert np.allclose(whole, past, rtol=1e-9, atol=0) == name.startswith("right")
    assert not np.array_equal(whole, past), "округление второй честной модели видно"


def test_no_single_memory_fits_both_shops():
    """Средняя память не годится ни там ни там, длинная и короткая — каждая в одном магазине."""
    task = next(t for t in load_assignment(KEYS, "02_tifu_knn").tasks if t.id == "5")
    short, always, new = task.properties({}, np.random.default_rng(8))
    for half_life, fits in ((10, (True, False)), (40, (False, False)), (1e6, (False, True))):
        for one, right in zip((short, always), fits, strict=True):
            scores = key.remembered(one.calls[0].arguments[:3], half_life)
            assert (one.calls[0].judge(scores) == "") == right
    for call in new.calls:
        scores = key.remembered(call.arguments[:3], 1e6)
        assert call.judge(scores) == "" and call.judge(0 * scores)
        assert "nan" in call.judge(np.nan * scores)
