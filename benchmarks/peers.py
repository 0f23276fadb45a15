"""Одинаковые задачи для уроков и чужих библиотек: кто, чем и с какими гиперпараметрами учится.

Каждый участник — функция обучающей матрицы, которая возвращает баллы или, у эпохи сети, ничего. В
одной задаче у всех одни данные, гиперпараметры и правило остановки; чем они всё же отличаются,
сказано у участника. Перевод гиперпараметров — в уроках.
"""

import contextlib
import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any
from unittest.mock import patch

import numpy as np
import recsys_lessons.models.bert4rec as bert4rec
import scipy.sparse as sp
import torch
from recsys_lessons.models.lightgcn import normalized_adjacency
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn import functional as F

from benchmarks.common import THREADS
from recsys_lessons.evaluation import Score
from recsys_lessons.models import EASE, IALS, IALSCG, SLIM, BERT4Rec, ItemKNN, LightGCN, MultiVAE

OURS = "урок"
K = 100
L1, L2, TOL = 2.0, 200.0, 1e-4
FACTORS, SWEEPS = 64, 15
ALPHA0, PENALTY = 0.25, 2.0  # в записи урока 03 с nu = 0
HIDDEN, LATENT, BATCH = 600, 200, 500
LAYERS, TRIPLES = 3, 8192
MAX_LEN, WINDOWS = 50, 256

Fit = Callable[[sp.csr_array], Score | None]


@dataclass(frozen=True)
class Entry:
    """Участник.

    :param library: ``OURS`` или имя библиотеки, какой её импортируют
    :param precision: в каких числах считает
    :param note: чем задача отличается
    :param blas: потоков BLAS; где потоки делят строки, у BLAS один
    """

    library: str
    precision: str
    fit: Fit
    note: str = ""
    blas: int = THREADS

    @property
    def title(self) -> str:
        return f"{self.library}, {self.precision}" + (f", {self.note}" if self.note else "")

    @property
    def installed(self) -> bool:
        return self.library == OURS or find_spec(self.library) is not None

    def run(self, X: sp.csr_array) -> Score | None:
        """Обучить без чужих предупреждений и полос хода."""
        with (
            threadpool_limits(THREADS),
            threadpool_limits(self.blas, "blas"),
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            return self.fit(X)


def by_weights(X: sp.csr_array, W: Any) -> Score:
    """Баллы ``X @ W``."""

    def score(users: np.ndarray) -> np.ndarray:
        scores = X[users] @ W
        return scores.toarray() if sp.issparse(scores) else np.asarray(scores)

    return score


def by_vectors(P: np.ndarray, Q: np.ndarray) -> Score:
    """Скалярные произведения."""
    return lambda users: P[users] @ Q.T


def ours(make: Callable[..., Any], **settings: Any) -> dict[str, Fit]:
    """Модель урока в двух точностях."""

    def fit(X: sp.csr_array, dtype: type) -> Score:
        return make(**settings, dtype=dtype).fit(X).score

    return {dtype.__name__: partial(fit, dtype=dtype) for dtype in (np.float32, np.float64)}


def lessons(fits: dict[str, Fit], note: str = "", blas: int = THREADS) -> list[Entry]:
    return [Entry(OURS, precision, fit, note, blas) for precision, fit in fits.items()]


# ----------------------------------------------------------------------- веса «объект — объект»


def skrecsys(make: Callable[[Any], Any], X: sp.csr_array) -> Score:
    """Модель skrecsys учится на парах «пользователь, объект» и сама нумерует их."""
    from skrecsys import recommendation

    cells = X.tocoo()
    model = make(recommendation).fit(np.stack(cells.coords, axis=1))
    W = model.similarity_
    if getattr(model, "_neighbors_by_row", False):
        W = W.T
    known = sp.csr_array(X[:, model.item_ids_])

    def score(rows: np.ndarray) -> np.ndarray:
        scores = np.full((len(rows), X.shape[1]), -1e9)
        found = known[rows] @ W
        scores[:, model.item_ids_] = found.toarray() if sp.issparse(found) else found
        return scores

    return score


def implicit_cosine(X: sp.csr_array) -> Score:
    from implicit.nearest_neighbours import CosineRecommender

    model = CosineRecommender(K=K + 1, num_threads=THREADS)  # сам объект — тоже сосед
    model.fit(sp.csr_matrix(X), show_progress=False)

    def score(users: np.ndarray) -> np.ndarray:
        S = sp.csr_array(model.similarity)
        S.setdiag(0)
        return (X[users] @ S).toarray()

    return score


def irspack(make: Callable[[Any, sp.csr_matrix], Any], X: sp.csr_array) -> Score:
    import irspack as library

    return by_weights(X, make(library, sp.csr_matrix(X)).learn().W)


def fastslim(X: sp.csr_array) -> Score:
    from fastslim import fit

    return by_weights(X, fit(X, lambd=L1, beta=L2, tol=TOL, n_threads=THREADS))


ITEM_KNN = [
    *lessons(ours(ItemKNN, k=K, truncation="source"), "по источнику"),
    Entry("implicit", "float64", implicit_cosine, "по источнику"),
    *lessons(ours(ItemKNN, k=K), "по цели"),
    Entry(
        "irspack",
        "float64",
        partial(
            irspack,
            lambda m, X: m.CosineKNNRecommender(X, normalize=True, top_k=K, n_threads=THREADS),
        ),
        "по источнику",
    ),
    Entry(
        "skrecsys",
        "float64",
        partial(skrecsys, lambda m: m.ItemKNNRecommender(n_neighbors=K, n_jobs=THREADS)),
        "по цели",
    ),
]
EASE_ENTRIES = [
    *lessons(ours(EASE, l2=L2)),
    Entry("irspack", "float32", partial(irspack, lambda m, X: m.DenseSLIMRecommender(X, reg=L2))),
    Entry("skrecsys", "float64", partial(skrecsys, lambda m: m.EASE(l2_reg=L2, n_jobs=THREADS))),
]


def elastic_net(X: sp.csr_array) -> dict[str, float]:
    """Штрафы в записи scikit-learn: ``alpha`` — на пользователя."""
    return {"alpha": (L1 + L2) / X.shape[0], "l1_ratio": L1 / (L1 + L2), "tol": TOL}


SLIM_ENTRIES = [
    *lessons(ours(SLIM, l1=L1, l2=L2, tol=TOL)),
    Entry(
        "irspack",
        "float32",
        partial(irspack, lambda m, X: m.SLIMRecommender(X, **elastic_net(X), n_threads=THREADS)),
    ),
    Entry("fastslim", "float64", fastslim),
    Entry(
        "skrecsys",
        "float64",
        lambda X: skrecsys(
            lambda m: m.SLIMElasticNet(**elastic_net(X), n_neighbors=X.shape[1], n_jobs=THREADS), X
        ),
        "остановка по зазору двойственности",
    ),
]

# ------------------------------------------------------------------------------------- векторы


def implicit_als(X: sp.csr_array, use_cg: bool, dtype: type) -> Score:
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(
        FACTORS,
        PENALTY * (1 + ALPHA0) / ALPHA0,
        1 + 1 / ALPHA0,
        iterations=SWEEPS,
        use_cg=use_cg,
        dtype=dtype,
        num_threads=THREADS,
        random_state=0,
    )
    model.fit(sp.csr_matrix(X), show_progress=False)
    return by_vectors(model.user_factors, model.item_factors)


def irspack_ials(X: sp.csr_array, solver: Any) -> Score:
    from irspack import IALSRecommender

    model = IALSRecommender(
        sp.csr_matrix(X),
        n_components=FACTORS,
        alpha0=ALPHA0,
        reg=PENALTY,
        nu=0.0,
        solver_type=solver,
        train_epochs=SWEEPS,
        n_threads=THREADS,
    ).learn()
    return by_vectors(model.get_user_embedding(), model.get_item_embedding())


IALS_SETTINGS: dict[str, Any] = {
    "n_factors": FACTORS,
    "regularization": PENALTY,
    "alpha0": ALPHA0,
    "nu": 0,
    "n_sweeps": SWEEPS,
}
EXACT = [
    *lessons(ours(IALS, **IALS_SETTINGS), "один поток" if THREADS > 1 else "", blas=1),
    Entry("implicit", "float32", partial(implicit_als, use_cg=False, dtype=np.float32), blas=1),
    Entry("implicit", "float64", partial(implicit_als, use_cg=False, dtype=np.float64), blas=1),
    Entry("irspack", "float32", partial(irspack_ials, solver="CHOLESKY"), blas=1),
]
GRADIENTS = [
    *lessons(ours(IALSCG, **IALS_SETTINGS, n_threads=THREADS), blas=1),
    Entry("implicit", "float32", partial(implicit_als, use_cg=True, dtype=np.float32), blas=1),
    Entry("implicit", "float64", partial(implicit_als, use_cg=True, dtype=np.float64), blas=1),
    Entry("irspack", "float32", partial(irspack_ials, solver="CG"), blas=1),
]

# ------------------------------------------------------------------------------------ сети, эпоха


def one_epoch(make: Callable[[type], Any]) -> dict[str, Fit]:
    """Эпоха сети урока в двух точностях."""

    def fit(X: sp.csr_array, dtype: type) -> None:
        make(dtype).fit(X)

    return {dtype.__name__: partial(fit, dtype=dtype) for dtype in (np.float32, np.float64)}


def dense_epoch(X: sp.csr_array, dtype: torch.dtype) -> None:
    """Эпоха MultiVAE так, как её пишут обычно: вся матрица тензором, nn.Linear, Adam."""
    torch.manual_seed(0)
    full = torch.from_numpy(X.toarray()).to(dtype)
    n_items = full.shape[1]
    encoder = nn.Sequential(nn.Linear(n_items, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 2 * LATENT))
    decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, n_items))
    net = nn.ModuleList([encoder, decoder]).to(dtype)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for update, batch in enumerate(torch.randperm(len(full)).split(BATCH)):
        x = full[batch]
        mu, log_var = encoder(F.dropout(F.normalize(x), 0.5)).chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * (log_var / 2).exp()
        nll = -(F.log_softmax(decoder(z), dim=1) * x).sum(dim=1).mean()
        kl = 0.5 * (mu**2 + log_var.exp() - log_var - 1).sum(dim=1).mean()
        optimizer.zero_grad()
        (nll + min(0.2, update / 2000) * kl).backward()
        optimizer.step()


class ByPyG(LightGCN):
    """LightGCN урока, в которой представления считает PyTorch Geometric; остальное то же."""

    def fit(self, X: sp.csr_array, *arguments: Any) -> Any:
        from torch_geometric.nn.models import LightGCN as Library

        A = normalized_adjacency(X)
        self.edges = torch.from_numpy(np.stack(A.tocoo().coords)).long()
        self.library = Library(A.shape[0], self.n_factors, self.n_layers)
        if self.dtype is np.float64:
            self.library.double()
        del self.library.embedding.weight  # чужой параметр: вместо него — обучаемый слой 0
        return super().fit(X, *arguments)

    def embed(self, A: torch.Tensor, Z0: torch.Tensor) -> torch.Tensor:
        self.library.embedding.weight = Z0
        return self.library.get_embedding(self.edges)


def lightgcn(make: type[LightGCN], dtype: type) -> LightGCN:
    return make(n_factors=64, n_layers=LAYERS, epochs=1, batch_size=TRIPLES, dtype=dtype)


def windows_epoch(X: sp.csr_array, dtype: type, everywhere: bool) -> None:
    """Эпоха BERT4Rec на ``WINDOWS`` окнах; ``everywhere`` — баллы посчитаны на всех местах."""
    rng = np.random.default_rng(0)
    histories = [rng.integers(0, X.shape[1], MAX_LEN) for _ in range(WINDOWS)]
    model = BERT4Rec(max_len=MAX_LEN, epochs=1, dtype=dtype)
    loss = loss_everywhere if everywhere else bert4rec.cloze_loss
    with patch.object(bert4rec, "cloze_loss", loss):
        model.fit(histories, X.shape[1])


def loss_everywhere(
    net: bert4rec.SequenceEncoder, inputs: torch.Tensor, answers: torch.Tensor
) -> torch.Tensor:
    """Та же потеря, но баллы посчитаны на всех местах, а лишние отброшены после."""
    logits = net.logits(net(inputs)).flatten(0, 1)
    return F.cross_entropy(logits, answers.flatten(), ignore_index=-1)


PYG = "torch_geometric"
DTYPES: tuple[type, ...] = (np.float32, np.float64)
NETWORKS = {
    "MultiVAE, эпоха": [
        *lessons(
            one_epoch(
                lambda dtype: MultiVAE(HIDDEN, LATENT, epochs=1, batch_size=BATCH, dtype=dtype)
            )
        ),
        *(
            Entry("torch", name, partial(dense_epoch, dtype=getattr(torch, name)), "плотный цикл")
            for name in ("float32", "float64")
        ),
    ],
    "LightGCN, эпоха": [
        *lessons(one_epoch(partial(lightgcn, LightGCN))),
        *(
            Entry(PYG, dtype.__name__, one_epoch(partial(lightgcn, ByPyG))[dtype.__name__])
            for dtype in DTYPES
        ),
    ],
    "BERT4Rec, эпоха": [
        *(
            Entry(
                library, dtype.__name__, partial(windows_epoch, dtype=dtype, everywhere=all_), note
            )
            for library, all_, note in ((OURS, False, ""), ("torch", True, "баллы всех мест"))
            for dtype in DTYPES
        ),
    ],
}
CONTESTS: dict[str, list[Entry]] = {
    "Item-KNN": ITEM_KNN,
    "EASE": EASE_ENTRIES,
    "SLIM": SLIM_ENTRIES,
    "iALS, точно": EXACT,
    "iALS, сопряжённые градиенты": GRADIENTS,
    **NETWORKS,
}
os.environ["RECSYS_LESSONS_BUILD"] = "1"  # без полос хода
