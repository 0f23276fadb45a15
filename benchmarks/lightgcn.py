"""Эпоха LightGCN рядом с PyTorch Geometric и с произведениями torch COO и CSR.

Запуск: python -m benchmarks.lightgcn. Данные размера LastFM (1 892 × 4 489, 42 135 взаимодействий),
64 фактора, три слоя, пакет 2048, одинарная точность. Во всех вариантах одни и те же тройки, функция
потерь и Adam; различается только распространение по графу. Всё измеряется в одном процессе,
вперемежку; у времени на общей машине смысл имеет только отношение.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from recsys_lessons.models.lightgcn import normalized_adjacency, propagate, to_torch
from torch_geometric.nn.models import LightGCN as PyGLightGCN

from benchmarks.common import THREADS, compare_times, generate
from recsys_lessons.models import LightGCN

SETTINGS: dict[str, Any] = {
    "n_factors": 64,
    "n_layers": 3,
    "epochs": 1,
    "batch_size": 2048,
    "dtype": np.float32,
}
Embed = Callable[[torch.Tensor], torch.Tensor]


class WithEmbed(LightGCN):
    """LightGCN, в которой распространение заменено на ``embed_with``."""

    def __init__(self, embed_with: Embed, **options: Any) -> None:
        super().__init__(**options)
        self.embed_with = embed_with

    def embed(self, A: torch.Tensor, Z0: torch.Tensor) -> torch.Tensor:
        return self.embed_with(Z0)


def by_autograd(A: torch.Tensor) -> Embed:
    """Среднее слоёв, градиент разреженного произведения считает сам torch."""

    def embed(Z0: torch.Tensor) -> torch.Tensor:
        layers = [Z0]
        for _ in range(3):
            layers.append(torch.sparse.mm(A, layers[-1]))
        return torch.stack(layers).mean(dim=0)

    return embed


def by_pyg(edges: torch.Tensor, n_nodes: int) -> Embed:
    """``get_embedding(edge_index)`` библиотеки с нашим слоем 0."""
    library = PyGLightGCN(n_nodes, 64, 3)
    del library.embedding.weight  # чужой параметр: вместо него — обучаемый слой 0

    def embed(Z0: torch.Tensor) -> torch.Tensor:
        library.embedding.weight = Z0
        return library.get_embedding(edges)

    return embed


def main() -> None:
    torch.set_num_threads(THREADS)
    X = generate(1_892, 4_489, 42_135)
    A = normalized_adjacency(X)
    coo = A.tocoo()
    edges = torch.from_numpy(np.stack(coo.coords)).long()
    values = torch.from_numpy(coo.data.astype(np.float32))
    by_coo = torch.sparse_coo_tensor(edges, values, A.shape, check_invariants=False).coalesce()
    ways = {
        "PyG get_embedding": by_pyg(edges, A.shape[0]),
        "torch COO": by_autograd(by_coo),
        "torch CSR": by_autograd(to_torch(A, np.float32)),
    }
    print(f"{X.shape[0]} пользователей, {X.shape[1]} объектов, {X.nnz} взаимодействий")

    Z0 = torch.randn(A.shape[0], 64, generator=torch.Generator().manual_seed(0))
    ours = propagate(to_torch(A, np.float32), Z0, 3)
    for name, embed in ways.items():
        worst = abs(embed(Z0).detach() - ours).max().item()
        print(f"{name}: наибольшее расхождение представлений {worst:.1e}")

    actions = {name: WithEmbed(embed, **SETTINGS) for name, embed in ways.items()}
    actions["LightGCN урока"] = LightGCN(**SETTINGS)
    compare_times(
        {name: partial(model.fit, X) for name, model in actions.items()},
        base="LightGCN урока",
    )


if __name__ == "__main__":
    main()
