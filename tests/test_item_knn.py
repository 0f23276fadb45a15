"""Item-KNN из урока: ручной счёт, независимые библиотеки, свойства, отсечение, плохой ввод."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from implicit.nearest_neighbours import (
    BM25Recommender,
    CosineRecommender,
    TFIDFRecommender,
    bm25_weight,
    tfidf_weight,
)
from irspack import RP3betaRecommender
from recsys_lessons.models.item_knn import cosine_similarity, gram, lower_gram, nearest, weigh
from sklearn.metrics import pairwise

from recsys_lessons.datasets import toy_ratings
from recsys_lessons.models import ItemKNN, RP3beta
from recsys_lessons.synthetic import make_clusters

WEIGHTINGS = ("cosine", "tfidf", "bm25")
# Avatar, Gladiator, Inception, Interstellar, The Matrix, Titanic
X_TOY = sp.csr_array(
    toy_ratings().pivot(index="user", columns="title", values="rating").notna().to_numpy(float)
)


@pytest.fixture(scope="module")
def weighted(X):
    """То же с неодинаковыми числами: сходства разные, равных нет."""
    values = X.copy()
    values.data = np.random.default_rng(2).uniform(0.5, 3, X.nnz)
    return values


def off_diagonal(S):
    dense = S.toarray() if sp.issparse(S) else np.array(S)
    np.fill_diagonal(dense, 0)
    return dense


def implicit_similarity(recommender, X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recommender.fit(sp.csr_matrix(X), show_progress=False)
    return recommender.similarity


def test_hand_vectors_without_truncation():
    model = ItemKNN(k=6).fit(X_TOY)
    scores = np.where(X_TOY.toarray() > 0, -1, model.score(range(5)))
    expected = np.array(
        [
            [-1, 2.4880, -1, -1, -1, -1],
            [1.2440, -1, -1, 1.9047, -1, 1.2440],
            [-1, -1, 1.9107, -1, 2.4821, -1],
            [-1, 1.8214, 2.1100, -1, -1, -1],
            [2.1100, -1, -1, -1, -1, 2.1100],
        ]
    )
    np.testing.assert_allclose(scores, expected, atol=6e-4)
    assert model.S_[2, 4] == pytest.approx(np.sqrt(3) / 2, abs=1e-14)
    assert model.S_[0, 5] == pytest.approx(1, abs=1e-14)


def test_hand_vectors_truncated_per_target():
    scores = ItemKNN(k=2, truncation="target").fit(X_TOY).score(range(5))
    assert scores[0, 1] == pytest.approx(1.244, abs=6e-4)
    np.testing.assert_allclose(sorted(scores[2, [2, 4]]), [0.667, 0.75], atol=6e-4)
    np.testing.assert_allclose(sorted(scores[3, [1, 2]]), [0.577, 0.866], atol=6e-4)
    np.testing.assert_allclose(scores[4, [0, 5]], [0.866, 0.866], atol=6e-4)


def test_source_and_target_truncation_differ_on_the_toy_table():
    source = ItemKNN(k=1, truncation="source").fit(X_TOY).S_
    target = ItemKNN(k=1, truncation="target").fit(X_TOY).S_
    np.testing.assert_array_equal(np.diff(source.indptr), 1)
    np.testing.assert_array_equal(np.diff(target.tocsc().indptr), 1)
    assert (source != target).nnz


def test_shrinkage_in_fractions():
    X = sp.csr_array([[1.0, 1], [1, 1], [1, 1]])
    model = ItemKNN(shrinkage=10).fit(X)
    assert model.S_[0, 1] == pytest.approx(float(Fraction(3, 13)), abs=1e-15)


def test_score_of_known_users_is_score_of_their_history(X):
    model = ItemKNN(k=7).fit(X)
    users = np.array([5, 0, 5, 149])
    np.testing.assert_array_equal(model.score(users), model.score_history(X[users]))
    expected = X[users].toarray() @ model.S_.toarray()
    np.testing.assert_allclose(model.score(users), expected, atol=1e-13)
    assert isinstance(model.score(users), np.ndarray)


def test_scores_use_raw_values_not_weighted_ones(weighted):
    model = ItemKNN(k=7, weighting="bm25").fit(weighted)
    expected = weighted.toarray() @ model.S_.toarray()
    np.testing.assert_allclose(model.score(range(150)), expected, atol=1e-12)


@pytest.mark.parametrize("data", ["X", "weighted"])
def test_agreement_with_scikit_learn(data, request):
    X = request.getfixturevalue(data)
    S = ItemKNN(k=60, truncation="source").fit(X).S_.toarray()
    theirs = off_diagonal(pairwise.cosine_similarity(X.T))
    np.testing.assert_allclose(S, theirs, atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("weighting", "reference"), [("cosine", CosineRecommender), ("tfidf", TFIDFRecommender)]
)
@pytest.mark.parametrize("k", [5, 60])
def test_agreement_with_implicit_whose_k_counts_the_item_itself(weighted, weighting, reference, k):
    theirs = implicit_similarity(reference(K=k + 1, num_threads=1), weighted)
    ours = ItemKNN(k=k, weighting=weighting, truncation="source").fit(weighted).S_
    np.testing.assert_allclose(ours.toarray(), off_diagonal(theirs), atol=1e-12, rtol=0)


def test_agreement_with_implicit_bm25_products(weighted):
    theirs = implicit_similarity(BM25Recommender(K=9, num_threads=1), weighted)
    ours = nearest(gram(weigh(weighted, "bm25")), 9)
    np.testing.assert_allclose(ours.toarray(), theirs.toarray(), atol=1e-10, rtol=0)


def test_recommendations_agree_with_implicit(weighted):
    reference = CosineRecommender(K=11, num_threads=1)
    implicit_similarity(reference, weighted)
    row = sp.csr_matrix(weighted[[3]])
    ids, values = reference.recommend(0, row, N=10, filter_already_liked_items=True)
    ours = ItemKNN(k=10, truncation="source").fit(weighted).score([3])[0]
    np.testing.assert_allclose(ours[ids], values, atol=1e-12)


def test_weights_agree_with_implicit(weighted):
    tfidf = tfidf_weight(sp.csr_matrix(weighted).T).T.toarray()
    bm25 = bm25_weight(sp.csr_matrix(weighted).T, K1=1.2, B=0.75).T.toarray()
    np.testing.assert_allclose(weigh(weighted, "tfidf").toarray(), tfidf, atol=1e-12)
    np.testing.assert_allclose(weigh(weighted, "bm25").toarray(), bm25, atol=1e-12)


def test_bm25_equals_tfidf_on_ones_without_shrinkage(X):
    tfidf, bm25 = (ItemKNN(k=60, weighting=w).fit(X).S_.toarray() for w in ("tfidf", "bm25"))
    np.testing.assert_allclose(tfidf, bm25, atol=1e-12)
    shrunk = ItemKNN(k=60, weighting="bm25", shrinkage=20).fit(X).S_.toarray()
    other = ItemKNN(k=60, weighting="tfidf", shrinkage=20).fit(X).S_.toarray()
    assert abs(shrunk - other).max() > 1e-3


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("shrinkage", [0, 0.5, 100])
def test_similarity_is_symmetric_bounded_and_without_diagonal(weighted, weighting, shrinkage):
    S = cosine_similarity(gram(weigh(weighted, weighting)), shrinkage)
    np.testing.assert_array_equal(S, S.T)
    assert S.min() >= 0
    assert S.max() <= 1 + 1e-12
    assert not np.diag(S).any()


def test_scaling_an_item_does_not_change_cosine(weighted):
    scale = sp.diags_array(np.random.default_rng(4).uniform(0.1, 9, 60))
    expected = ItemKNN(k=8).fit(weighted).S_.toarray()
    np.testing.assert_allclose(
        ItemKNN(k=8).fit(weighted @ scale).S_.toarray(), expected, atol=1e-12
    )


@pytest.mark.parametrize("truncation", ["source", "target"])
def test_permuting_items_permutes_similarity(weighted, truncation):
    order = np.random.default_rng(3).permutation(60)
    S = ItemKNN(k=9, truncation=truncation).fit(weighted).S_.toarray()
    shuffled = ItemKNN(k=9, truncation=truncation).fit(weighted[:, order]).S_.toarray()
    np.testing.assert_allclose(shuffled, S[np.ix_(order, order)], atol=1e-12)


def test_target_truncation_is_transposed_source_truncation(X):
    source = ItemKNN(k=6, truncation="source", shrinkage=3).fit(X).S_.toarray()
    target = ItemKNN(k=6, truncation="target", shrinkage=3).fit(X).S_.toarray()
    np.testing.assert_array_equal(source, target.T)
    assert (np.count_nonzero(source, axis=1) <= 6).all()
    assert (np.count_nonzero(target, axis=0) <= 6).all()
    assert np.count_nonzero(source, axis=0).max() > 6


@pytest.mark.parametrize("block", [1, 7, 59, 60, 500])
def test_gram_and_neighbours_do_not_depend_on_block(weighted, block):
    G = gram(weighted, block=block)
    np.testing.assert_allclose(G, (weighted.T @ weighted).toarray(), atol=1e-12)
    np.testing.assert_array_equal(G, G.T)
    np.testing.assert_array_equal(np.tril(lower_gram(weighted, block=block)), np.tril(G))
    S = cosine_similarity(gram(weighted))
    assert (nearest(S, 5, block=block) != nearest(S, 5)).nnz == 0


def test_equal_similarities_go_to_smaller_ids():
    S = np.array([[0, 0.5, 0.5, 0.5, 0.7]] + [[0.0] * 5] * 4)
    np.testing.assert_array_equal(nearest(S, 3).toarray()[0], [0, 0.5, 0.5, 0, 0.7])


def test_similarities_equal_up_to_rounding_error_are_equal():
    """1/3 тремя способами: разница в последнем знаке не выбирает соседа."""
    third = 1 / 3
    S = np.array(
        [[0, third, np.nextafter(third, 1), np.nextafter(third, 0), 0.9]] + [[0.0] * 5] * 4
    )
    for k, expected in ((1, [4]), (2, [1, 4]), (3, [1, 2, 4])):
        np.testing.assert_array_equal(nearest(S, k)[[0]].indices, expected)
    assert nearest(S, 4)[0, 2] == S[0, 2]


def test_close_similarities_are_not_rounded_together():
    """Разница в четвёртом знаке и дальше различает соседей, каким бы ни было сжатие."""
    S = np.array([[0, 0.64510, 0.64543, 0.645432]] + [[0.0] * 4] * 3)
    np.testing.assert_array_equal(nearest(S, 1)[[0]].indices, [3])
    np.testing.assert_array_equal(nearest(S * 1e-14, 1)[[0]].indices, [3])


def test_huge_shrinkage_ranks_by_common_users(X):
    S = ItemKNN(k=5, shrinkage=1e13, truncation="source").fit(X).S_
    G = off_diagonal(gram(X))
    for item in range(60):
        chosen = G[item, S[[item]].indices]
        np.testing.assert_array_equal(np.sort(chosen), np.sort(G[item])[-5:][-len(chosen) or 60 :])


def test_item_is_not_its_own_neighbour_even_with_a_twin():
    X = sp.csr_array([[1.0, 1, 0], [1, 1, 1], [0, 0, 1]])
    S = ItemKNN(k=1, truncation="source").fit(X).S_
    assert not S.diagonal().any()
    assert S[0, 1] == pytest.approx(1)
    assert S[1, 0] == pytest.approx(1)


def test_more_neighbours_than_items_is_all_of_them(X):
    everything = ItemKNN(k=60, shrinkage=1).fit(X).S_.toarray()
    np.testing.assert_array_equal(ItemKNN(k=10**6, shrinkage=1).fit(X).S_.toarray(), everything)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_float32_stays_float32_and_close(weighted, weighting):
    single = ItemKNN(k=60, weighting=weighting, dtype=np.float32).fit(weighted)
    assert single.S_.dtype == np.float32
    assert single.score([0]).dtype == np.float32
    double = ItemKNN(k=60, weighting=weighting).fit(weighted).S_
    assert double.dtype == np.float64
    assert abs(single.S_ - double).max() < 1e-5


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_fit_does_not_change_its_input(weighted, weighting):
    before = weighted.copy()
    ItemKNN(weighting=weighting).fit(weighted)
    assert (before != weighted).nnz == 0


@pytest.mark.parametrize("truncation", ["source", "target"])
def test_planted_clusters_are_found(truncation):
    """Вкусовые группы: соседи — из своей."""
    X, _, cluster = make_clusters(n_users=300, n_items=120, n_clusters=4, per_user=12, seed=5)
    rows, columns = ItemKNN(k=10, truncation=truncation, shrinkage=2).fit(X).S_.nonzero()
    assert np.mean(cluster[rows] == cluster[columns]) > 0.7


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("truncation", ["source", "target"])
def test_cold_item_and_cold_user_give_zeros_not_nan(X, weighting, truncation):
    model = ItemKNN(weighting=weighting, truncation=truncation)
    model.fit(sp.vstack([X, sp.csr_array((1, 60))]))
    assert np.isfinite(model.S_.data).all()
    assert not model.S_[[17]].nnz
    assert not model.S_[:, [17]].nnz
    assert not model.score([150]).any()
    assert np.isfinite(model.score(range(151))).all()


@pytest.mark.parametrize("weighting", ["tfidf", "bm25"])
def test_user_who_took_all_but_one_weighs_nothing_and_gives_no_nan(weighting):
    X = sp.csr_array([[1.0, 1, 1, 0], [0, 0, 0, 1]])
    model = ItemKNN(weighting=weighting).fit(X)
    assert not model.S_.nnz
    assert not model.score([0, 1]).any()


@pytest.mark.parametrize(
    ("name", "value"),
    [("k", v) for v in (0, -1, 2.5, np.nan, np.inf, "5", None, True)]
    + [("shrinkage", v) for v in (-1, np.nan, np.inf, "5", None)]
    + [("weighting", v) for v in ("TF-IDF", None, "")]
    + [("truncation", v) for v in ("row", None, "")],
)
def test_bad_hyper_parameter_gets_a_russian_error(name, value):
    with pytest.raises(ValueError, match=rf"{name} — .* получено"):
        ItemKNN(**{name: value}).fit(X_TOY)


def test_gram_of_ones_is_the_exact_count(X):
    np.testing.assert_array_equal(gram(X), (X.T @ X).toarray())


# ------------------------------------------------------------------------------- RP3β


def irspack_weights(X, beta, alpha=1.0):
    """Веса irspack без диагонали: там её не обнуляют."""
    model = RP3betaRecommender(sp.csr_matrix(X), alpha=alpha, beta=beta, n_threads=1)
    model.learn()
    return off_diagonal(sp.csr_array(model._W))


def walk_by_hand(X, alpha, beta):
    """Формула буквально: тройной цикл по плотной матрице."""
    dense = X.toarray()
    n_items = dense.shape[1]
    W = np.zeros((n_items, n_items))
    for i in range(n_items):
        for j in range(n_items):
            for row in dense:
                if i != j and row[i] and row[j]:
                    there, back = row[j] / row.sum(), row[i] / dense[:, i].sum()
                    W[i, j] += (there * back) ** alpha / dense[:, j].sum() ** beta
    return W


def test_rp3beta_in_fractions():
    """Столбцы по алфавиту; Inception → The Matrix через зрителей A, B, E с историями 5, 3, 4."""
    W = RP3beta(k=6, alpha=1, beta=0).fit(X_TOY).W_
    step = (Fraction(1, 5) + Fraction(1, 3) + Fraction(1, 4)) / 3
    assert W[2, 4] == pytest.approx(float(step), abs=1e-15)
    assert W[4, 2] == pytest.approx(float(step * 3 / 4), abs=1e-15)
    penalised = RP3beta(k=6, alpha=1, beta=0.5).fit(X_TOY).W_
    assert penalised[2, 4] == pytest.approx(float(step) / 2, abs=1e-15)


def test_rp3beta_steps_are_probabilities(X):
    """При alpha = 1 и beta = 0 уйти с фильма и вернуться на него же — единственный другой исход."""
    W = RP3beta(k=60, alpha=1, beta=0).fit(X).W_.toarray()
    lengths, viewers = X.sum(axis=1), X.sum(axis=0)
    back = (X.toarray() / np.maximum(lengths, 1)[:, None]).sum(axis=0) / np.maximum(viewers, 1)
    np.testing.assert_allclose((W.sum(axis=1) + back)[viewers > 0], 1, atol=1e-12)
    assert not np.diag(W).any()


@pytest.mark.parametrize(("alpha", "beta"), [(1, 0.6), (0.4, 0.7), (0, 0.3), (1.5, 0)])
@pytest.mark.parametrize("data", ["X", "weighted"])
def test_rp3beta_is_its_formula(data, alpha, beta, request):
    X = request.getfixturevalue(data)[:40]
    W = RP3beta(k=60, alpha=alpha, beta=beta).fit(X).W_.toarray()
    np.testing.assert_allclose(W, walk_by_hand(X, alpha, beta), atol=1e-13)


@pytest.mark.parametrize("beta", [0, 0.6])
@pytest.mark.parametrize("data", ["X", "weighted"])
def test_rp3beta_agrees_with_irspack_where_the_definitions_agree(data, beta, request):
    X = request.getfixturevalue(data)
    ours = RP3beta(k=60, alpha=1, beta=beta).fit(X).W_.toarray()
    np.testing.assert_allclose(ours, irspack_weights(X, beta), atol=1e-14)


def test_irspack_takes_the_power_before_the_sums(X):
    """Поэтому на единицах степень irspack ничего не меняет, а наша меняет."""
    np.testing.assert_allclose(irspack_weights(X, 0.6, 0.5), irspack_weights(X, 0.6), atol=1e-15)
    ours, half = (RP3beta(k=60, alpha=a).fit(X).W_ for a in (1, 0.5))
    assert abs(ours - half).max() > 0.01


def test_rp3beta_truncates_by_source(X):
    W = RP3beta(k=5).fit(X).W_
    everything = RP3beta(k=60).fit(X).W_.toarray()
    assert (np.diff(W.indptr) <= 5).all()
    for item in range(60):
        kept = np.sort(W[[item]].data)
        np.testing.assert_array_equal(kept, np.sort(everything[item])[60 - len(kept) :])


def test_rp3beta_scores_are_the_history_times_the_weights(weighted):
    model = RP3beta(k=7).fit(weighted)
    users = np.array([5, 0, 5, 149])
    expected = weighted[users].toarray() @ model.W_.toarray()
    np.testing.assert_allclose(model.score(users), expected, atol=1e-13)
    np.testing.assert_array_equal(model.score(users), model.score_history(weighted[users]))


def test_greater_penalty_gives_less_popular_lists(X):
    viewers = X.sum(axis=0)
    known = [
        viewers[
            np.argsort(-RP3beta(k=60, alpha=1, beta=beta).fit(X).score(range(150)))[:, :5]
        ].mean()
        for beta in (0, 0.5, 1)
    ]
    assert known[0] > known[1] > known[2]


def test_rp3beta_cold_item_and_cold_user_give_zeros_not_nan(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = RP3beta().fit(sp.vstack([X, sp.csr_array((1, 60))]))
    assert np.isfinite(model.W_.data).all()
    assert not model.W_[[17]].nnz
    assert not model.W_[:, [17]].nnz
    assert not model.score([150]).any()


@pytest.mark.parametrize(
    ("name", "value"),
    [("k", v) for v in (0, -1, 2.5, np.nan, "5", None, True)]
    + [(name, v) for name in ("alpha", "beta") for v in (-1, np.nan, np.inf, "5", None)],
)
def test_bad_parameter_of_rp3beta_gets_a_russian_error(name, value):
    with pytest.raises(ValueError, match=rf"{name} — .* получено"):
        RP3beta(**{name: value}).fit(X_TOY)
