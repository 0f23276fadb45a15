"""TIFU-KNN из урока: ручной счёт, формула буквально, scikit-learn, свойства, плохой ввод."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from recsys_lessons.models.tifu_knn import (
    UPCF,
    FrequencyMix,
    GPTopFreq,
    basket_weights,
    nearest_users,
    neighbour_mean,
    stack_baskets,
    user_vectors,
)
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import NearestNeighbors

from recsys_lessons.evaluation import compare, evaluate
from recsys_lessons.models import TIFUKNN
from recsys_lessons.splits import next_basket, to_matrix
from recsys_lessons.synthetic import make_baskets

A, B, C = 0, 1, 2
HALF = {"within_decay": 0.5, "group_decay": 0.5}
HAND = [  # корзины, число групп, вектор статьи, вектор кода авторов
    (
        [[A], [A, B], [B], [C]],
        2,
        [Fraction(3, 16), Fraction(1, 4), Fraction(1, 4)],
        [Fraction(3, 64), Fraction(5, 32), Fraction(1, 4)],
    ),
    (
        [[A], [B]],
        3,
        [Fraction(1, 4), Fraction(1, 2), Fraction(0)],
        [Fraction(1, 16), Fraction(1, 4), Fraction(0)],
    ),
    (
        [[A], [B], [C]],
        2,
        [Fraction(1, 4), Fraction(1, 8), Fraction(1, 4)],
        [Fraction(1, 16), Fraction(1, 8), Fraction(1, 4)],
    ),
]
TOY = {0: [[0], [0, 1], [1], [2]], 1: [[1], [2], [3]], 2: [[0], [0, 3]]}
SETTINGS = {"n_groups": 4, "within_decay": 0.85, "group_decay": 0.6}


def literal_groups(n, m):
    """Номера корзин по группам: меньше ``m`` корзин — каждая группа, лишние — поздним."""
    if n < m:
        return [[i] for i in range(n)]
    groups, start = [], 0
    for j in range(m):
        size = n // m + (1 if j >= m - n % m else 0)
        groups.append(list(range(start, start + size)))
        start += size
    return groups


def literal_vector(history, n_items, n_groups, within_decay, group_decay, variant):
    """Вектор по определению, плотный: корзина → группа → история."""
    n, groups = len(history), literal_groups(len(history), n_groups)
    vector = np.zeros(n_items)
    for j, group in enumerate(groups):
        of_group = np.zeros(n_items)
        for i in group:
            basket = np.zeros(n_items)
            basket[list(history[i])] = 1
            power = group[-1] - i if variant == "paper" else n - 1 - i
            of_group += within_decay**power * basket
        power = (len(groups) if variant == "paper" else n_groups) - 1 - j
        vector += group_decay**power * of_group / len(group)
    return vector / max(1, len(groups))


def literal_score(vectors, u, k, alpha):
    """Балл пользователя ``u`` по плотным векторам: соседи без себя, равные — по номеру."""
    squares = ((vectors - vectors[u]) ** 2).sum(axis=1) - (vectors[u] ** 2).sum()
    others = [w for w in range(len(vectors)) if w != u]
    near = sorted(others, key=lambda w: (round(squares[w], 12), w))[:k]
    return alpha * vectors[u] + (1 - alpha) * np.mean([vectors[w] for w in near], axis=0)


def random_baskets(n_users, n_items, longest, seed):
    """Случайные истории; каждая пятая — копия другой (равные расстояния), корзины разной длины."""
    rng = np.random.default_rng(seed)
    histories = {}
    for user in rng.permutation(3 * n_users)[:n_users].tolist():
        n = int(rng.integers(1, longest + 1))
        sizes = rng.integers(1, 6, size=n)
        histories[user] = [rng.choice(n_items, size, replace=False) for size in sizes]
        if len(histories) % 5 == 0:
            histories[user] = histories[next(iter(histories))]
    return histories


@pytest.fixture(scope="module")
def baskets():
    return random_baskets(60, 25, 30, seed=1)


@pytest.mark.parametrize(("history", "n_groups", "paper", "code"), HAND)
def test_hand_vectors(history, n_groups, paper, code):
    for variant, expected in (("paper", paper), ("code", code)):
        vector = user_vectors(*stack_baskets({0: history}, 3), n_groups, **HALF, variant=variant)
        np.testing.assert_array_equal(vector.toarray()[0], np.array(expected, dtype=float))


def test_hand_scores():
    model = TIFUKNN(n_neighbors=1, alpha=0.5, n_groups=2, **HALF).fit(TOY, n_items=4)
    np.testing.assert_array_equal(model.score([0]), [[3 / 32, 1 / 4, 3 / 16, 1 / 8]])
    np.testing.assert_array_equal(model.score_history({7: TOY[0]}), [[3 / 16, 1 / 4, 1 / 4, 0]])


@pytest.mark.parametrize("variant", ["paper", "code"])
@pytest.mark.parametrize("n_groups", [1, 2, 3, 7, 40])
def test_vectors_equal_the_literal_formula(variant, n_groups):
    for seed in range(4):
        histories = random_baskets(40, 25, 30, seed)
        for decays in ((0.9, 0.7), (0.6, 1), (1, 0.8), (0, 0.5)):
            V = user_vectors(*stack_baskets(histories, 25), n_groups, *decays, variant).toarray()
            for row, history in enumerate(histories.values()):
                expected = literal_vector(history, 25, n_groups, *decays, variant)
                np.testing.assert_allclose(V[row], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("variant", ["paper", "code"])
@pytest.mark.parametrize("k", [1, 7, 59])
def test_scores_equal_the_literal_formula(baskets, variant, k):
    model = TIFUKNN(n_neighbors=k, alpha=0.3, variant=variant, **SETTINGS).fit(baskets, 25)
    vectors = np.array([literal_vector(h, 25, 4, 0.85, 0.6, variant) for h in baskets.values()])
    expected = [literal_score(vectors, u, k, 0.3) for u in range(60)]
    np.testing.assert_allclose(model.score(list(baskets)), expected, rtol=0, atol=1e-12)


def test_neighbours_agree_with_sklearn(baskets):
    V = user_vectors(*stack_baskets(baskets, 25), **SETTINGS)
    search = NearestNeighbors(n_neighbors=9, algorithm="brute").fit(V.toarray())
    theirs, _ = search.kneighbors(V.toarray())
    ours = nearest_users(V, V, 9)
    distances = np.linalg.norm(V.toarray()[ours] - V.toarray()[:, None], axis=2)
    np.testing.assert_allclose(distances, theirs, atol=1e-7)


def test_neighbours_are_ordered_and_ties_go_to_the_smaller_row():
    V = sp.csr_array([[0.0, 0], [0, 3], [0, 1], [1, 0], [0, 1]])
    np.testing.assert_array_equal(nearest_users(V[[0]], V, 4), [[0, 2, 3, 4]])
    np.testing.assert_array_equal(nearest_users(V[[4]], V, 3, own=np.array([4])), [[2, 0, 3]])


def test_a_user_is_never_their_own_neighbour(baskets):
    V = user_vectors(*stack_baskets(baskets, 25), **SETTINGS)
    near = nearest_users(V, V, 59, own=np.arange(60))
    assert not (near == np.arange(60)[:, None]).any()
    assert [sorted(row) for row in near[:2].tolist()] == [
        [*range(1, 60)],
        [0, *range(2, 60)],
    ]


@pytest.mark.parametrize("block", [1, 7, 60, 1000])
def test_blocks_do_not_change_neighbours(baskets, block):
    V = user_vectors(*stack_baskets(baskets, 25), **SETTINGS)
    whole, own = nearest_users(V, V, 10, own=np.arange(60)), np.arange(60)
    np.testing.assert_array_equal(nearest_users(V, V, 10, own=own, block=block), whole)


def test_more_neighbours_than_users_means_all_of_them(baskets):
    many = TIFUKNN(n_neighbors=10_000, **SETTINGS).fit(baskets, 25)
    all_others = TIFUKNN(n_neighbors=59, **SETTINGS).fit(baskets, 25)
    users = list(baskets)[:5]
    np.testing.assert_array_equal(many.score(users), all_others.score(users))
    mean = many.vectors_.mean(axis=0)
    new = many.score_history({0: [[3]]})
    vector = user_vectors(*stack_baskets({0: [[3]]}, 25), **SETTINGS).toarray()
    np.testing.assert_allclose(new, 0.7 * vector + 0.3 * mean, atol=1e-14)


def test_new_users_are_answered_in_the_order_of_the_mapping(baskets):
    model = TIFUKNN(n_neighbors=5, **SETTINGS).fit(baskets, 25)
    histories = random_baskets(6, 25, 9, seed=5)
    together = model.score_history(histories)
    for row, user in enumerate(histories):
        alone = model.score_history({user: histories[user]})
        np.testing.assert_allclose(together[[row]], alone, atol=1e-14)


def test_users_are_asked_in_any_order_and_may_repeat(baskets):
    model = TIFUKNN(n_neighbors=5, **SETTINGS).fit(baskets, 25)
    users = list(baskets)
    whole = model.score(users)
    np.testing.assert_array_equal(model.score([users[9], users[2], users[9]]), whole[[9, 2, 9]])
    assert model.score([]).shape == (0, 25)


def test_alpha_one_is_own_history_and_alpha_zero_is_neighbours(baskets):
    users = list(baskets)
    own = TIFUKNN(alpha=1, n_neighbors=4, **SETTINGS).fit(baskets, 25)
    np.testing.assert_array_equal(own.score(users), own.vectors_.toarray())
    others = TIFUKNN(alpha=0, n_neighbors=4, **SETTINGS).fit(baskets, 25)
    near = nearest_users(own.vectors_, own.vectors_, 4, own=np.arange(60))
    mean = neighbour_mean(near, own.vectors_).toarray()
    np.testing.assert_array_equal(others.score(users), mean)


def test_no_decay_one_group_and_all_neighbours_is_a_mix_of_frequencies(baskets):
    plain = {"within_decay": 1, "group_decay": 1, "n_groups": 1}
    model = TIFUKNN(n_neighbors=59, alpha=0.8, **plain).fit(baskets, 25)
    share = np.zeros((60, 25))
    for row, history in enumerate(baskets.values()):
        for basket in history:
            share[row, basket] += 1 / len(history)
    expected = 0.8 * share + 0.2 * (share.sum(axis=0) - share) / 59
    np.testing.assert_allclose(model.score(list(baskets)), expected, atol=1e-13)


def test_variants_agree_without_decay_and_differ_with_it(baskets):
    stacked, lengths = stack_baskets(baskets, 25)
    for n_groups in (1, 7, 40):
        plain = [user_vectors(stacked, lengths, n_groups, 1, 1, v) for v in ("paper", "code")]
        assert abs(plain[0] - plain[1]).max() < 1e-15
    decayed = [user_vectors(stacked, lengths, 7, 0.9, 0.7, v) for v in ("paper", "code")]
    assert abs(decayed[0] - decayed[1]).max() > 0.1


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_later_baskets_of_a_group_and_later_groups_weigh_more(variant):
    weights = basket_weights(20, 4, 0.9, 0.7, variant)
    assert weights.shape == (20,)
    groups = weights.reshape(4, 5)
    assert (np.diff(groups, axis=1) > 0).all()
    assert (np.diff(groups[:, -1]) > 0).all()
    assert basket_weights(20, 4, 1, 1, variant).sum() == pytest.approx(1)
    assert basket_weights(0, 4, 0.9, 0.7, variant).size == 0


def test_permuting_items_permutes_scores(baskets):
    order = np.random.default_rng(0).permutation(25)
    renamed = {u: [order[np.asarray(b)] for b in history] for u, history in baskets.items()}
    users = list(baskets)
    before = TIFUKNN(n_neighbors=59, **SETTINGS).fit(baskets, 25).score(users)
    after = TIFUKNN(n_neighbors=59, **SETTINGS).fit(renamed, 25).score(users)
    np.testing.assert_allclose(after[:, order], before, atol=1e-13)


def test_repeats_inside_a_basket_and_its_order_do_not_count():
    messy = {0: [[3, 1, 3, 3], [2, 2]], 1: [[0]]}
    clean = {0: [[1, 3], [2]], 1: [[0]]}
    models = [TIFUKNN(**SETTINGS).fit(b, 4) for b in (messy, clean)]
    np.testing.assert_array_equal(models[0].score([0, 1]), models[1].score([0, 1]))


def test_empty_basket_takes_its_place_in_the_history():
    with_gap = {0: [[1], [], [2]], 1: [[0]]}
    vector = TIFUKNN(n_groups=3, within_decay=1, group_decay=0.5).fit(with_gap, 3).vectors_
    np.testing.assert_array_equal(vector.toarray()[0], [0, 1 / 12, 1 / 3])


def test_new_user_without_purchases_gets_the_mean_of_all(baskets):
    model = TIFUKNN(n_neighbors=3, alpha=0.7, **SETTINGS).fit(baskets, 25)
    mean = 0.3 * model.vectors_.mean(axis=0)
    scores = model.score_history({0: [], 1: [[4]], 2: [[]]})
    np.testing.assert_allclose(scores[[0, 2]], [mean, mean], atol=1e-15)
    assert np.isfinite(scores).all()
    assert scores[1, 4] > mean[4]
    assert model.score_history({}).shape == (0, 25)


def test_item_nobody_bought_scores_zero(baskets):
    scores = TIFUKNN(n_neighbors=5, **SETTINGS).fit(baskets, 27).score(list(baskets))
    assert scores.shape == (60, 27)
    assert not scores[:, 25:].any()


def test_vectors_stay_sparse_and_input_is_not_changed(baskets):
    before = {user: [basket.copy() for basket in history] for user, history in baskets.items()}
    model = TIFUKNN(**SETTINGS).fit(baskets, 50_000)
    assert sp.issparse(model.vectors_)
    assert model.vectors_.nnz < 60 * 26
    for user, history in before.items():
        for old, now in zip(history, baskets[user], strict=True):
            np.testing.assert_array_equal(old, now)


def test_planted_drift_and_tastes_are_found():
    """Вкусы сменились, у групп они общие: помогают и затухание, и соседи."""
    frame, _ = make_baskets(n_users=1000, n_baskets=12, seed=3)
    history, target = next_basket(frame, pd.Timestamp("2024-03-10"))
    pairs = [(user, item) for user, items in target.items() for item in items]
    hidden = to_matrix(pd.DataFrame(pairs, columns=["user", "item"]), (1000, 100))
    full = {"n_neighbors": 20, "within_decay": 0.9, "group_decay": 0.5, "alpha": 0.5}
    changes = ({}, {"within_decay": 1, "group_decay": 1}, {"alpha": 1})
    results = [
        evaluate(TIFUKNN(**{**full, **change}).fit(history, 100).score, hidden, None, ["Recall@10"])
        for change in changes
    ]
    for weaker in results[1:]:
        difference = compare(results[0], weaker, "Recall@10")
        assert difference.mean > 3 * difference.se


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ([[[0]], [[1]]], TypeError, "словарь"),
        ({}, ValueError, "хотя бы два пользователя"),
        ({1: [[0]]}, ValueError, "хотя бы два пользователя"),
        ({1: [[0]], 2: []}, ValueError, "У пользователя 2 нет покупок"),
        ({1: [[]], 2: [[1]]}, ValueError, "У пользователя 1 нет покупок"),
        ({1: [0, 1], 2: [[1]]}, ValueError, "список корзин"),
        ({1: 5, 2: [[1]]}, ValueError, "список корзин"),
        ({1: [[[0], [1, 2]]], 2: [[1]]}, ValueError, "список корзин"),
        ({1: [{0}], 2: [[1]]}, ValueError, "список корзин"),
        ({1: [[0.5]], 2: [[1]]}, ValueError, "целых номеров"),
        ({1: [[np.nan]], 2: [[1]]}, ValueError, "целых номеров"),
        ({1: [["a"]], 2: [[1]]}, ValueError, "целых номеров"),
        ({1: [[True, False]], 2: [[1]]}, ValueError, "целых номеров"),
        ({1: [[4]], 2: [[1]]}, ValueError, "Объекта 4 нет"),
        ({1: [[-1]], 2: [[1]]}, ValueError, "Объекта -1 нет"),
        ({"a": [[1]], "b": [[1]]}, ValueError, "целых номеров"),
        ({-1: [[1]], 2: [[1]]}, ValueError, "Пользователя -1 нет"),
    ],
)
def test_bad_baskets_get_a_russian_error(bad, error, message):
    with pytest.raises(error, match=message):
        TIFUKNN().fit(bad, n_items=4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_neighbors", 0),
        ("n_neighbors", 2.5),
        ("n_neighbors", True),
        ("n_groups", 0),
        ("n_groups", 7.0),
        ("n_groups", None),
        ("within_decay", -0.1),
        ("within_decay", 1.1),
        ("group_decay", np.nan),
        ("group_decay", "0.7"),
        ("alpha", 2),
        ("variant", "article"),
    ],
)
def test_bad_settings_get_a_russian_error(name, value):
    with pytest.raises(ValueError, match=f"{name} — "):
        TIFUKNN(**{name: value}).fit(TOY, n_items=4)


def test_bad_catalogue_size_gets_a_russian_error():
    for n_items in (0, -1, 2.5, None):
        with pytest.raises(ValueError, match="n_items — "):
            TIFUKNN().fit(TOY, n_items)


def test_a_basket_whose_weight_is_zero_is_still_a_purchase():
    model = TIFUKNN(variant="code", group_decay=0)
    fitted = model.fit({0: [[0]], 5: [[1, 2], [1]]}, 3)
    assert np.isfinite(fitted.score([0, 5])).all()
    with pytest.raises(ValueError, match="У пользователя 5 нет покупок"):
        model.fit({0: [[0]], 5: [[], []]}, 3)


def test_bad_scoring_input_gets_a_russian_error():
    with pytest.raises(NotFittedError, match="не обучена"):
        TIFUKNN().score([0])
    with pytest.raises(NotFittedError, match="не обучена"):
        TIFUKNN().score_history(TOY)
    model = TIFUKNN().fit(TOY, n_items=4)
    with pytest.raises(ValueError, match="Пользователя 3 в обучении не было"):
        model.score([0, 3])
    with pytest.raises(ValueError, match="Пользователя -1 нет"):
        model.score([-1])
    with pytest.raises(ValueError, match="целых номеров"):
        model.score(["a"])
    with pytest.raises(TypeError, match="словарь"):
        model.score_history([[[0]]])
    with pytest.raises(ValueError, match="Объекта 4 нет"):
        model.score_history({0: [[4]]})


# --- Точная арифметика ----------------------------------------------------------------------------


def exact_scores(baskets, n_items, k, r_b, r_g, alpha, m, variant):
    """Баллы в обыкновенных дробях: определение, прочитанное буквально."""
    r_b, r_g, alpha, vectors = Fraction(r_b), Fraction(r_g), Fraction(alpha), []
    for history in baskets.values():
        n, groups = len(history), max(1, min(m, len(history)))
        size, extra = divmod(n, groups)
        sizes = [size] * (groups - extra) + [size + 1] * extra
        v, place = [Fraction(0)] * n_items, 0
        for group, tau in enumerate(sizes):
            for i in range(tau):
                within, between = tau - 1 - i, groups - 1 - group
                if variant == "code":
                    within, between = n - 1 - place, m - 1 - group
                for item in set(history[place]):
                    v[item] += r_b**within * r_g**between / (groups * tau)
                place += 1
        vectors.append(v)
    scores = []
    for u, v in enumerate(vectors):
        near = sorted(
            (sum((a - b) ** 2 for a, b in zip(v, w, strict=True)), row)
            for row, w in enumerate(vectors)
            if row != u
        )[:k]
        mean = [sum(vectors[row][j] for _, row in near) / len(near) for j in range(n_items)]
        scores.append([float(alpha * a + (1 - alpha) * b) for a, b in zip(v, mean, strict=True)])
    return np.array(scores)


@pytest.mark.parametrize("variant", ["paper", "code"])
@pytest.mark.parametrize(
    ("r_b", "r_g", "m"), [("0.9", "0.7", 7), ("0.9", "0.1", 10), ("0.5", "0.2", 15), ("1", "1", 3)]
)
def test_exact_fractions(variant, r_b, r_g, m):
    """Веса бывают в миллиарды раз меньше единицы: округлять расстояния надо относительно."""
    rng = np.random.default_rng(0)
    baskets = {
        user: [rng.integers(0, 15, rng.integers(1, 5)).tolist() for _ in range(rng.integers(1, 9))]
        for user in range(25)
    }
    settings = {"within_decay": float(r_b), "group_decay": float(r_g), "n_groups": m}
    model = TIFUKNN(n_neighbors=3, alpha=0.7, variant=variant, **settings).fit(baskets, 15)
    exact = exact_scores(baskets, 15, 3, r_b, r_g, "0.7", m, variant)
    assert (abs(model.score(range(25)) - exact) <= 1e-9 * exact.max(axis=1, keepdims=True)).all()


def test_ties_survive_cancellation():
    """Все точки на одном расстоянии от запроса: |w|² − 2w·q равно нулю, а в числах — шуму."""
    q = np.array([0.64, 0.27, 0.04, 0.02])
    corners = np.array([[int(bit) for bit in f"{i:04b}"] for i in range(1, 16)])
    near = nearest_users(sp.csr_array(q[None]), sp.csr_array(2 * q * corners), 15)
    np.testing.assert_array_equal(near[0], np.arange(15))


# --- Договор, общий для всех моделей --------------------------------------------------------------


def test_it_is_a_scikit_learn_estimator():
    model = TIFUKNN(n_neighbors=5, variant="code")
    assert clone(model).get_params() == model.get_params()
    assert repr(model) == "TIFUKNN(n_neighbors=5, variant='code')"


def test_numpy_numbers_are_numbers():
    settings = {"n_neighbors": np.int64(1), "n_groups": np.int32(2), "alpha": np.float32(0.5)}
    model = TIFUKNN(**settings).fit(TOY, n_items=np.int64(4))
    plain = TIFUKNN(n_neighbors=1, n_groups=2, alpha=0.5).fit(TOY, n_items=4)
    np.testing.assert_array_equal(model.score([0]), plain.score([0]))


@pytest.mark.parametrize("bad", [{}, {0: [[0]], 1: [[9]]}, {0: [[0]], 1: []}, None])
def test_failed_refit_leaves_the_old_model_whole(bad):
    model = TIFUKNN().fit(TOY, n_items=4)
    old = model.score(list(TOY))
    with pytest.raises((ValueError, TypeError)):
        model.fit(bad, n_items=4)
    np.testing.assert_array_equal(model.score(list(TOY)), old)


def test_pickled_model_scores_the_same_and_input_is_untouched():
    before = copy.deepcopy(TOY)
    model = TIFUKNN().fit(TOY, n_items=4)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.score(list(TOY)), model.score(list(TOY)))
    assert before == TOY


def test_fourteen_thousand_text_ids_get_a_short_error():
    with pytest.raises(ValueError, match="целых номеров") as caught:
        TIFUKNN().fit({f"user-{i:08d}": [[1]] for i in range(14_000)}, 3)
    assert len(str(caught.value)) < 500


def test_what_does_not_fit_in_memory_says_so():
    with pytest.raises(MemoryError, match=r"ГБ, свободно .* Перенумеруйте"):
        TIFUKNN().fit(TOY, n_items=2**31 - 1)
    model = TIFUKNN().fit(TOY, n_items=10**7)
    with pytest.raises(MemoryError, match=r"ГБ, свободно .* Спросите о части"):
        model.score([next(iter(TOY))] * 1000)


# --- Соперники: смесь без соседей, GP-TopFreq, UP-CF ----------------------------------------------


def frequencies(baskets, n_items, last=None):
    """Доли корзин с товаром, по определению; ``last`` — сколько последних корзин считать."""
    share = np.zeros((len(baskets), n_items))
    for row, history in enumerate(baskets.values()):
        recent = history if last is None else history[-last:]
        for basket in recent:
            share[row, list(set(map(int, basket)))] += 1 / len(recent)
    return share


def test_mix_by_hand():
    model = FrequencyMix(alpha=0.5, n_groups=2, **HALF).fit(TOY, n_items=4)
    expected = [[1 / 4, 5 / 24, 3 / 16, 1 / 8]]
    np.testing.assert_allclose(model.score([0]), expected, rtol=0, atol=1e-15)
    np.testing.assert_allclose(model.score_history({7: TOY[0]}), expected, rtol=0, atol=1e-15)
    nothing = model.score_history({7: []})
    np.testing.assert_allclose(nothing, [[5 / 32, 1 / 12, 1 / 16, 1 / 8]], rtol=0, atol=1e-15)


def test_mix_is_own_vector_and_the_mean_of_all(baskets):
    vectors = np.array([literal_vector(h, 25, 4, 0.85, 0.6, "paper") for h in baskets.values()])
    model = FrequencyMix(alpha=0.7, **SETTINGS).fit(baskets, 25)
    expected = 0.7 * vectors + 0.3 * vectors.mean(axis=0)
    np.testing.assert_allclose(model.score(list(baskets)), expected, rtol=0, atol=1e-12)
    plain = FrequencyMix(alpha=0.7).fit(baskets, 25)  # по умолчанию затухания нет
    share = frequencies(baskets, 25)
    expected = 0.7 * share + 0.3 * share.mean(axis=0)
    np.testing.assert_allclose(plain.score(list(baskets)), expected, rtol=0, atol=1e-12)


def test_mix_is_a_scikit_learn_estimator_of_its_own():
    model = FrequencyMix(alpha=0.6, n_groups=5)
    assert clone(model).get_params() == {
        "alpha": 0.6, "within_decay": 1.0, "group_decay": 1.0, "n_groups": 5,
    }  # fmt: skip
    for name, value in (("alpha", 2), ("within_decay", -1), ("group_decay", None), ("n_groups", 0)):
        with pytest.raises(ValueError, match=f"{name} — "):
            FrequencyMix(**{name: value}).fit(TOY, n_items=4)


def test_gp_topfreq_orders_by_own_then_by_all(baskets):
    share = frequencies(baskets, 25).round(12)
    scores = GPTopFreq().fit(baskets, 25).score(list(baskets))
    overall = share.mean(axis=0)
    for row, user_scores in enumerate(scores):
        order = sorted(range(25), key=lambda i, row=row: (-share[row, i], -overall[i], i))
        ranked = np.argsort(-user_scores, kind="stable")
        np.testing.assert_array_equal(share[row, ranked], share[row, order])
        np.testing.assert_allclose(overall[ranked], overall[order], atol=1e-9)
    assert clone(GPTopFreq()).get_params() == {}


def test_gp_topfreq_puts_a_rare_own_before_what_everybody_buys():
    """Хлеб у Оли в двух корзинах из двадцати, молоко в одной, а у прочих молоко во всех."""
    baskets = {0: [[0], [0], [1], *[[2]] * 17]} | {user: [[1]] * 5 for user in range(1, 6)}
    scores = GPTopFreq().fit(baskets, 4).score([0])[0]
    assert np.argsort(-scores, kind="stable").tolist() == [2, 0, 1, 3]


def test_upcf_by_hand():
    """Оля брала хлеб, молоко, яблоки; Боря — молоко, яблоки, сыр; Вера — хлеб и сыр."""
    model = UPCF(recency=2, asymmetry=0.5, locality=2).fit(TOY, 4)
    # Сходства Оли: с собой 1, с Борей 2/√(3·3), с Верой 1/√(3·2); в квадрате 1, 4/9, 1/6.
    # Последние две корзины: у Оли молоко и яблоки, у Бори яблоки и сыр, у Веры хлеб дважды и сыр.
    expected = [1 / 6, 1 / 2, 1 / 2 + 4 / 9 / 2, 4 / 9 / 2 + 1 / 6 / 2]
    np.testing.assert_allclose(model.score([0]), [expected], rtol=0, atol=1e-14)


@pytest.mark.parametrize("asymmetry", [0, 0.3, 1])
@pytest.mark.parametrize(("recency", "locality"), [(1, 1), (3, 2.5), (1000, 0)])
def test_upcf_equals_the_literal_formula(baskets, asymmetry, recency, locality):
    users = list(baskets)
    bought = [{int(i) for basket in baskets[u] for i in basket} for u in users]
    recent = frequencies(baskets, 25, recency)
    expected = np.zeros((len(users), 25))
    for u, mine in enumerate(bought):
        for v, theirs in enumerate(bought):
            sim = len(mine & theirs) / len(mine) ** asymmetry / len(theirs) ** (1 - asymmetry)
            expected[u] += sim**locality * recent[v]
    model = UPCF(recency, asymmetry, locality).fit(baskets, 25)
    np.testing.assert_allclose(model.score(users), expected, rtol=1e-10)
    np.testing.assert_allclose(model.score(users[3:1:-1]), expected[3:1:-1], rtol=1e-10)
    new = model.score_history({999: baskets[users[4]]})
    np.testing.assert_allclose(new, [expected[4] + recent[4]], rtol=1e-10)


def test_upcf_answers_a_user_without_purchases_and_refuses_bad_input():
    model = UPCF().fit(TOY, 4)
    assert not model.score_history({5: []}).any()
    assert repr(clone(UPCF(recency=3))) == "UPCF(recency=3)"
    for name, value in (("recency", 0), ("recency", 2.5), ("asymmetry", 1.1), ("locality", -1)):
        with pytest.raises(ValueError, match=f"{name} — "):
            UPCF(**{name: value}).fit(TOY, 4)
    with pytest.raises(TypeError, match="словарь"):
        UPCF().fit([[[0]]], 4)
    with pytest.raises(ValueError, match="ни одного пользователя"):
        UPCF().fit({}, 4)
    with pytest.raises(ValueError, match="Объекта 4 нет"):
        UPCF().fit({0: [[4]]}, 4)
    with pytest.raises(ValueError, match="Пользователя 3 в обучении не было"):
        model.score([3])
    for call in (lambda m: m.score([0]), lambda m: m.score_history(TOY)):
        with pytest.raises(NotFittedError, match="не обучена"):
            call(UPCF())
