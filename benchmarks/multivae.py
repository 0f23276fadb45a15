"""MultiVAE рядом с обычным плотным циклом PyTorch: время эпохи и память.

Запуск: python -m benchmarks.multivae [--large]. Оба измеряются в одном процессе, вперемежку; у
времени на общей машине смысл имеет только отношение. Плотный цикл держит всю матрицу взаимодействий
тензором, первый слой — nn.Linear, Adam — по умолчанию. --large добавляет каталог из 20 000 объектов
(память, одна эпоха).
"""

import argparse

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.common import THREADS, compare_times, generate, peak_memory
from recsys_lessons.models import MultiVAE

HIDDEN, LATENT, BATCH = 600, 200, 500


def dense_epoch(X: sp.csr_array, dtype: torch.dtype) -> None:
    """Одна эпоха так, как её пишут обычно."""
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


def our_epoch(X: sp.csr_array, dtype: type[np.floating]) -> None:
    """Одна эпоха модели урока."""
    MultiVAE(HIDDEN, LATENT, epochs=1, batch_size=BATCH, dtype=dtype).fit(X)


def report_memory(X: sp.csr_array) -> None:
    """Прирост памяти за одну эпоху, float32."""
    whole = X.shape[0] * X.shape[1] * 4
    print(f"{X.shape[0]} × {X.shape[1]}: плотная матрица float32 заняла бы {whole / 1e9:.2f} ГБ")
    took, peak = peak_memory(lambda: our_epoch(X, np.float32))
    print(f"  MultiVAE: {took:.1f} с, прирост памяти {peak / 1e9:.2f} ГБ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="ещё 20 000 объектов (минута)")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    X = generate(6_000, 3_000, 800_000)
    print(f"{X.shape[0]} пользователей, {X.shape[1]} объектов, {X.nnz} взаимодействий, одна эпоха")
    compare_times(
        {
            "плотный цикл float32": lambda: dense_epoch(X, torch.float32),
            "MultiVAE float32": lambda: our_epoch(X, np.float32),
            "плотный цикл float64": lambda: dense_epoch(X, torch.float64),
            "MultiVAE float64": lambda: our_epoch(X, np.float64),
        },
        base="плотный цикл float32",
    )
    report_memory(X)
    if options.large:
        report_memory(generate(20_000, 20_000, 2_000_000))


if __name__ == "__main__":
    main()
