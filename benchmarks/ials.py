"""iALS рядом с implicit: время обучения, память и качество приближённых решений.

Запуск: python -m benchmarks.ials [ФАЙЛ]. Время — на данных размера MovieLens-1M: все измеряются в
одном процессе, вперемежку; у времени на общей машине смысл имеет только отношение. Своих потоков
BLAS у implicit один: два она заводит сама и о третьем уровне предупреждает.

ФАЙЛ — пятизвёздочные оценки MovieLens-1M, как у benchmarks.five_star: на порождённых данных
популярное не превзойти, и о качестве они ничего не говорят. На нём сравниваются точные решения и
сопряжённые градиенты. Код завершения 1: время или качество хуже обещанного в уроке 03.
"""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from benchmarks import five_star
from benchmarks.common import THREADS, compare_times, generate, peak_memory
from recsys_lessons.evaluation import compare, evaluate
from recsys_lessons.models import IALS, IALSCG, Popularity

FACTORS, SWEEPS = 64, 15
# Одна и та же задача в двух записях; перевод — в уроке 03.
ALPHA0, L2 = 0.25, 2.0
ALPHA, REGULARIZATION = 1 + 1 / ALPHA0, L2 * (1 + ALPHA0) / ALPHA0
SLOWEST = 1.0  # время IALSCG в долях времени implicit с сопряжёнными градиентами
FARTHEST = 0.002  # NDCG@20: на сколько приближённые решения могут отстать от точных
SPLITS = 5


def fit_ials(X: sp.csr_array, dtype: str) -> IALS:
    """Наша модель, точные решения."""
    model = IALS(FACTORS, L2, ALPHA0, nu=0, n_sweeps=SWEEPS, dtype=np.dtype(dtype))
    return model.fit(X)


def fit_cg(X: sp.csr_array, dtype: str, threads: int) -> IALSCG:
    """Наша модель, сопряжённые градиенты."""
    settings: dict[str, Any] = {"nu": 0, "n_sweeps": SWEEPS, "dtype": np.dtype(dtype)}
    with threadpool_limits(1, "blas"):  # как у implicit: потоки делят строки
        return IALSCG(FACTORS, L2, ALPHA0, **settings, n_threads=threads).fit(X)


def fit_implicit(
    X: sp.csr_matrix, use_cg: bool, dtype: str, threads: int = THREADS
) -> AlternatingLeastSquares:
    """Модель implicit с теми же начальными векторами объектов."""
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            FACTORS,
            REGULARIZATION,
            ALPHA,
            iterations=SWEEPS,
            use_cg=use_cg,
            dtype=np.dtype(dtype),
            num_threads=threads,
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


def report_times(X: sp.csr_array) -> bool:
    """Время обучения; не медленнее ли обещанного сопряжённые градиенты."""
    as_matrix = sp.csr_matrix(X)
    compare_times(
        {
            "implicit float32, точно": lambda: fit_implicit(as_matrix, False, "float32"),
            "implicit float32, CG": lambda: fit_implicit(as_matrix, True, "float32"),
            "IALS float32": lambda: fit_ials(X, "float32"),
            "IALS float64": lambda: fit_ials(X, "float64"),
        },
        base="implicit float32, точно",
    )
    quick = True
    for threads in (1, THREADS):
        theirs, ours = f"implicit, CG, потоков {threads}", f"IALSCG, потоков {threads}"
        actions = {
            theirs: partial(fit_implicit, as_matrix, True, "float32", threads),
            ours: partial(fit_cg, X, "float32", threads),
        }
        medians = compare_times(actions, base=theirs)
        quick &= medians[ours] <= SLOWEST * medians[theirs]
    return quick


def report_quality(path: Path) -> bool:
    """NDCG@20 точных и приближённых решений; не больше ли обещанной разность."""
    X, near = five_star.read(path), True
    settings = {"TOIS 2021, d = 24": five_star.MODELS["IALS"][0]().get_params()}
    settings["d = 96, по умолчанию"] = IALS().get_params()
    for title, params in settings.items():
        params |= {"dtype": np.float32}
        rows = []
        for seed in range(SPLITS):
            train, test = five_star.split(X, seed)
            models = (Popularity(), IALS(**params), IALSCG(**params))
            found = [evaluate(m.fit(train).score, test, train, ["NDCG@20"]) for m in models]
            rows.append([evaluation["NDCG@20"] for evaluation in found])
            if seed == 0:
                difference = compare(found[2], found[1], "NDCG@20")
        popular, exact, approximate = np.mean(rows, axis=0)
        print(f"{title}: NDCG@20 на {SPLITS} разбиениях: популярное {popular:.4f}, ", end="")
        print(f"точно {exact:.4f}, CG {approximate:.4f}, до точного {approximate - exact:+.4f}")
        print(f"   на первом разбиении CG − точно: {difference}", flush=True)
        near &= bool(abs(approximate - exact) <= FARTHEST)
    return near


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, nargs="?")
    path = parser.parse_args(arguments).file
    X = generate(6_000, 3_000, 800_000)
    print(f"{X.shape[0]} пользователей, {X.shape[1]} объектов, {X.nnz} взаимодействий")
    print(f"{FACTORS} факторов, {SWEEPS} проходов")
    # Память — первой: после повторов процесс держит освобождённую, и прирост не виден.
    for dtype in ("float32", "float64"):
        report(X, dtype)
    quick = report_times(X)
    print(f"float64, расхождение баллов с CG: {distance(X, True, 'float64'):.1e}")
    near = path is None or report_quality(path)
    if not quick:
        print(f"IALSCG медленнее, чем {SLOWEST:g} времени implicit с CG")
    if not near:
        print(f"NDCG@20 сопряжённых градиентов дальше от точного, чем {FARTHEST:g}")
    return 0 if quick and near else 1


if __name__ == "__main__":
    sys.exit(main())
