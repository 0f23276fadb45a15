"""Что возвращают чужие библиотеки на маленьких примерах: ``python theirs.py ИМЯ`` печатает JSON.

Файл не импортирует пакет: его исполняет любой Python, в котором стоит нужная библиотека, пусть и со
старым numpy. Сравнивает с уроками :mod:`benchmarks.differences`.
"""

import json
import sys
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import numpy as np

# Четыре зрителя, три фильма: пример урока 04.
X = [[1, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]]
# Списки по пять объектов из десяти и что понравилось на самом деле; объекты с нуля.
LISTS = [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [1, 3, 5, 7, 9], [0, 1, 2, 3, 4]]
LIKED = [[0, 2, 8], [9], [0, 1, 2, 3, 4, 5, 7], [6, 7]]
# История из трёх объектов, места до пяти: объект 7 самый старый.
HISTORY = [7, 8, 9, 0, 0]


def _interactions(rows: list[list[int]], n_items: int) -> Any:
    import scipy.sparse as sp

    table = np.zeros((len(rows), n_items))
    for user, items in enumerate(rows):
        table[user, items] = 1
    return sp.csr_matrix(table)


def implicit_precision() -> float:
    from implicit.evaluation import ranking_metrics_at_k

    lists = np.array(LISTS, dtype=np.int32)
    model = SimpleNamespace(
        recommend=lambda users, *_, N, **__: (lists[users][:, :N], 0.0 * lists[users])
    )
    liked = _interactions(LIKED, 10)
    found = ranking_metrics_at_k(model, 0 * liked, liked, K=5, show_progress=False)
    return float(found["precision"])


def implicit_own_neighbours() -> list[int]:
    from implicit.nearest_neighbours import CosineRecommender

    model = CosineRecommender(K=2)
    model.fit(_interactions([[0, 1], [0, 1, 2], [1, 2], [0]], 3), show_progress=False)
    others = model.similarity.toarray()
    np.fill_diagonal(others, 0)
    return (others != 0).sum(axis=1).tolist()


def implicit_filtered_score() -> float:
    from implicit.cpu.als import AlternatingLeastSquares

    seen = _interactions([[0, 1], [0, 1, 2], [1, 2], [0]], 3)
    model = AlternatingLeastSquares(factors=2, iterations=1, random_state=0)
    model.fit(seen, show_progress=False)
    _, scores = model.recommend(1, seen[1], N=3)
    return float(np.min(scores, initial=0))


def implicit_split_repeats() -> bool:
    from implicit.evaluation import leave_k_out_split

    table = _interactions([list(range(20))] * 30, 20).tocoo()
    first, second = (leave_k_out_split(table, K=2, random_state=1)[1] for _ in range(2))
    return bool((first != second).nnz == 0)


def cornac_least_weight() -> float:
    import cornac

    held = np.argwhere(np.random.default_rng(0).random((40, 12)) < 0.3)
    model = cornac.models.EASE(lamb=1, verbose=False)
    model.fit(cornac.data.Dataset.from_uir([(str(u), str(i), 1.0) for u, i in held]))
    return float(model.B.min())


def cornac_neighbours_matter() -> bool:
    """Меняется ли порядок товаров, когда меняется вес соседей."""
    from cornac.models import TIFUKNN

    model = TIFUKNN.__new__(TIFUKNN)
    rng = np.random.default_rng(0)
    model.n_neighbors = 2
    model.user_vectors = rng.random((5, 6))
    model._compute_user_vector = lambda history: model.user_vectors[0]
    model.tree = SimpleNamespace(query=lambda rows, k: (None, np.array([[1, 2]])))
    orders = []
    for model.alpha in (0.9, 0.1):
        orders.append(np.argsort(-model.score(0, [[0]]), kind="stable").tolist())
    return orders[0] != orders[1]


def cornac_mrr() -> float:
    from cornac.metrics import MRR

    total = 0.0
    for ranked, liked in zip(LISTS, LIKED, strict=True):
        rest = [item for item in range(10) if item not in ranked]
        total += float(MRR().compute(gt_pos=np.array(liked), pd_rank=np.array(ranked + rest)))
    return total / len(LISTS)


def recbole_noise() -> float:
    import torch
    from recbole.model.general_recommender.multivae import MultiVAE

    torch.manual_seed(0)
    zeros = torch.zeros(1000, 50)
    return float(MultiVAE.reparameterize(SimpleNamespace(training=True), zeros, zeros).std())


def recbole_latent() -> int:
    import inspect
    import re

    from recbole.model.general_recommender.multivae import MultiVAE

    source = inspect.getsource(MultiVAE.__init__)
    share = re.search(r"decode_layer_dims = \[int\(self\.lat_dim / (\d)\)\]", source)
    return 128 // int(share[1]) if share else 128


def recbole_penalty() -> float:
    import torch
    from recbole.model.loss import EmbLoss

    return float(EmbLoss()(torch.tensor([[3.0, 4.0]])))


def recbole_history() -> list[int]:
    import torch
    from recbole.model.sequential_recommender.bert4rec import BERT4Rec

    model = SimpleNamespace(mask_token=99)
    sequence = torch.tensor([HISTORY])
    return BERT4Rec.reconstruct_test_data(model, sequence, torch.tensor([3]))[0].tolist()


def recbole_similarity() -> float:
    import scipy.sparse as sp
    from recbole.model.general_recommender.itemknn import ComputeSimilarity

    seen = sp.csr_matrix(np.array(X, dtype=np.float64))
    weights = ComputeSimilarity(seen, topk=3, shrink=0).compute_similarity()[-1]
    return float(weights.toarray()[0, 1])


def _rectools_frames() -> tuple[Any, Any]:
    import pandas as pd
    from rectools import Columns

    lists = [(u, i, r) for u, row in enumerate(LISTS) for r, i in enumerate(row, start=1)]
    liked = [(u, i) for u, row in enumerate(LIKED) for i in row]
    return (
        pd.DataFrame(lists, columns=[Columns.User, Columns.Item, Columns.Rank]),
        pd.DataFrame(liked, columns=[Columns.User, Columns.Item]),
    )


def rectools_ndcg() -> float:
    from rectools.metrics import NDCG

    return float(NDCG(k=5).calc(*_rectools_frames()))


def rectools_map() -> float:
    from rectools.metrics import MAP

    return float(MAP(k=5).calc(*_rectools_frames()))


if __name__ == "__main__":
    name = sys.argv[1]
    print(json.dumps({"value": globals()[name](), "version": version(name.partition("_")[0])}))
