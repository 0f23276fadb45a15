"""iALS рядом с implicit: время обучения и память на данных размера MovieLens-1M.

Запуск: python -m benchmarks.ials. Все измеряются в одном процессе, вперемежку, по два потока; у
времени на общей машине смысл имеет только отношение. Своих потоков BLAS у implicit один: два она
заводит сама и о третьем уровне предупреждает.
"""

import numpy as np
import psutil
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from benchmarks.common import THREADS, compare_times, generate, peak_memory
from recsys_lessons.models import IALS

FACTORS, SWEEPS = 64, 15
# Одна и та же задача в двух записях; перевод — в уроке 03.
ALPHA0, L2 = 0.25, 2.0
ALPHA, REGULARIZATION = 1 + 1 / ALPHA0, L2 * (1 + ALPHA0) / ALPHA0


def fit_ials(X: sp.csr_array, dtype: str) -> IALS:
    """Наша модель, точные решения."""
    model = IALS(FACTORS, L2, ALPHA0, nu=0, n_sweeps=SWEEPS, dtype=np.dtype(dtype))
    return model.fit(X)


def fit_implicit(X: sp.csr_matrix, use_cg: bool, dtype: str) -> AlternatingLeastSquares:
    """Модель implicit с теми же начальными векторами объектов."""
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            FACTORS,
            REGULARIZATION,
            ALPHA,
            iterations=SWEEPS,
            use_cg=use_cg,
            dtype=np.dtype(dtype),
            num_threads=THREADS,
        )
        start = np.random.default_rng(0).normal(
            0, 0.1 / np.sqrt(FACTORS), (X.shape[1], FACTORS)
        ) * np.sqrt(1 + ALPHA0)
        model.user_factors = np.zeros((X.shape[0], FACTORS), dtype)
        model.item_factors = start.astype(dtype)
        model.fit(X, show_progress=False)
    return model


def distance(X: sp.csr_array, use_cg: bool, dtype: str) -> float:
    """Наибольшее расхождение баллов с implicit в её единицах."""
    ours, theirs = fit_ials(X, dtype), fit_implicit(sp.csr_matrix(X), use_cg, dtype)
    scores = ours.score(np.arange(X.shape[0])) * (1 + ALPHA0)
    return float(abs(scores - theirs.user_factors @ theirs.item_factors.T).max())


def report(X: sp.csr_array, dtype: str) -> None:
    """Память обучения и согласие с implicit."""
    took, peak = peak_memory(lambda: fit_ials(X, dtype))
    whole = psutil.Process().memory_info().rss
    print(f"{dtype}: {took:.1f} с, прирост памяти {peak / 1e6:.0f} МБ, ", end="")
    print(f"весь процесс {whole / 1e9:.2f} ГБ")
    print(f"   расхождение баллов с точной implicit: {distance(X, False, dtype):.1e}")


def main() -> None:
    X = generate(6_000, 3_000, 800_000)
    as_matrix = sp.csr_matrix(X)
    print(f"{X.shape[0]} пользователей, {X.shape[1]} объектов, {X.nnz} взаимодействий")
    print(f"{FACTORS} факторов, {SWEEPS} проходов")
    # Память — первой: после повторов процесс держит освобождённую, и прирост не виден.
    for dtype in ("float32", "float64"):
        report(X, dtype)
    compare_times(
        {
            "implicit float32, точно": lambda: fit_implicit(as_matrix, False, "float32"),
            "implicit float32, CG": lambda: fit_implicit(as_matrix, True, "float32"),
            "IALS float32": lambda: fit_ials(X, "float32"),
            "IALS float64": lambda: fit_ials(X, "float64"),
        },
        base="implicit float32, точно",
    )
    print(f"float64, расхождение баллов с CG: {distance(X, True, 'float64'):.1e}")


if __name__ == "__main__":
    main()
