"""Когда одной машины мало: iALS и матрица Грама EASE на Spark, сверенные с уроками.

Запуск: python -m benchmarks.spark [--input ФАЙЛ] [--budget 20]. Нужны дополнение spark
(pip install .[spark]) и Java 17 или новее. Spark работает на этой же машине, в двух потоках; код на
кластере был бы тем же. Хранимый вывод — notebooks/results/spark.txt.

Без --input данные — MovieLens-100K, протокол A. ФАЙЛ — Parquet со столбцами user и item, номера с
нуля; такой пишет урок «Свои данные». Времени в нём нет, поэтому части случайные: пятая часть
истории каждого пользователя. --budget 0 пропускает подбор и сравнение: на больших данных он долог.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from recsys_lessons.models.ease import ease_weights
from recsys_lessons.models.ials import half_sweep
from recsys_lessons.models.item_knn import gram
from scipy.stats import loguniform, uniform

from benchmarks.five_star import split as random_split
from recsys_lessons.checks import check_close, check_true
from recsys_lessons.datasets import load_movielens
from recsys_lessons.evaluation import compare, evaluate
from recsys_lessons.models import EASE, IALS, Popularity
from recsys_lessons.splits import Split, board_a
from recsys_lessons.tuning import judge_on_split, past_edge, tune

BLOCKS = 2
METRIC = "NDCG@10"
# Модель для сверок: размерность, штраф Spark, alpha, проходы.
RANK, PENALTY, ALPHA, SWEEPS = 64, 0.2, 4.0, 10
LINEAGE = 40  # проходов без контрольных точек, которые Spark уже не выдерживает
FLOAT, PAIR = 4, 16  # байт на координату вектора; на пару «i, j, счёт» в обмене
SPACE: dict[str, Any] = {
    "n_factors": [16, 32, 64, 96, 128, 192],
    "penalty": loguniform(0.5, 50),
    "alpha0": loguniform(0.03, 3),
    "n_sweeps": [5, 10, 15, 20, 30, 40],
}
SELF_JOIN = """
SELECT a.item AS i, b.item AS j, COUNT(*) AS n
FROM interactions a JOIN interactions b ON a.user = b.user AND a.item <= b.item
GROUP BY a.item, b.item
"""


def missing() -> str:
    """Чего не хватает для Spark; пустая строка — всё есть."""
    if find_spec("pyspark") is None:
        return "Нет библиотеки pyspark. Поставить её (345 МБ): pip install .[spark]"
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").exists()):
        return (
            "Нет Java. Spark 4 нужна Java 17 или новее. В Debian и Ubuntu: "
            "apt install default-jre-headless; на других системах — любая сборка OpenJDK, "
            "переменная JAVA_HOME указывает на её папку."
        )
    return ""


@contextmanager
def session(folder: Path) -> Iterator[Any]:
    """Spark на этой машине; временные файлы и контрольные точки — в ``folder``."""
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from pyspark.sql import SparkSession

    settings = {
        "spark.driver.host": "localhost",
        "spark.driver.memory": "2g",
        "spark.local.dir": str(folder),
        "spark.sql.shuffle.partitions": str(2 * BLOCKS),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master(f"local[{BLOCKS}]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.setCheckpointDir(str(folder / "checkpoints"))
    try:
        yield spark
    finally:
        spark.stop()


def to_spark(spark: Any, X: sp.csr_array, folder: Path) -> Any:
    """Матрица таблицей Spark со столбцами user, item, rating, через файл Parquet."""
    cells = X.tocoo()
    users, items = (numbers.astype(np.int32) for numbers in cells.coords)
    frame = pd.DataFrame({"user": users, "item": items, "rating": cells.data.astype(np.float32)})
    handle, name = tempfile.mkstemp(suffix=".parquet", dir=folder)
    os.close(handle)
    frame.to_parquet(name, index=False)
    return spark.read.parquet(name).repartition(BLOCKS, "user").cache()


class SparkALS:
    """``pyspark.ml.recommendation.ALS`` с привычками моделей уроков.

    :param regularization: ``regParam``; в системе пользователя он умножен на ``n_u``
    :param checkpoint: через сколько проходов рвать родословную; -1 — никогда
    """

    def __init__(
        self,
        spark: Any,
        folder: Path,
        n_factors: int = RANK,
        regularization: float = PENALTY,
        alpha: float = ALPHA,
        n_sweeps: int = SWEEPS,
        checkpoint: int = 5,
    ) -> None:
        self.spark, self.folder = spark, folder
        self.n_factors, self.n_sweeps = n_factors, n_sweeps
        self.regularization, self.alpha, self.checkpoint = regularization, alpha, checkpoint

    def fit(self, X: sp.csr_array) -> "SparkALS":
        from pyspark.ml.recommendation import ALS

        table = to_spark(self.spark, X, self.folder)
        als = ALS(
            rank=self.n_factors,
            maxIter=self.n_sweeps,
            regParam=self.regularization,
            alpha=self.alpha,
            implicitPrefs=True,
            seed=0,
            numUserBlocks=BLOCKS,
            numItemBlocks=BLOCKS,
            checkpointInterval=self.checkpoint,
        )
        model = als.fit(table)
        self.P_ = self._vectors(model.userFactors, X.shape[0])
        self.Q_ = self._vectors(model.itemFactors, X.shape[1])
        table.unpersist()
        return self

    def score(self, users: np.ndarray) -> np.ndarray:
        return self.P_[users] @ self.Q_.T

    def _vectors(self, factors: Any, n_rows: int) -> np.ndarray:
        """Векторы строк; строке без взаимодействий — нули."""
        vectors = np.zeros((n_rows, self.n_factors))
        for row in factors.collect():
            vectors[row["id"]] = row["features"]
        return vectors


# ------------------------------------------------------------------------------------ сверки


def hu_rows(X: sp.csr_array, Q: np.ndarray, alpha: float, regularization: float) -> np.ndarray:
    """Полупроход по формуле Hu и др. (ICDM 2008) со штрафом Spark, ``regularization * n_u``."""
    shared, P = Q.T @ Q, np.zeros((X.shape[0], Q.shape[1]))
    for u in range(X.shape[0]):
        V = Q[X.indices[X.indptr[u] : X.indptr[u + 1]]]
        A = shared + alpha * V.T @ V + regularization * len(V) * np.eye(Q.shape[1])
        if len(V):
            P[u] = np.linalg.solve(A, (1 + alpha) * V.sum(axis=0))
    return P


def lesson_rows(X: sp.csr_array, Q: np.ndarray, alpha: float, regularization: float) -> np.ndarray:
    """То же функцией урока 03: у каждой длины истории — свой штраф ``l2``, ``nu = 0``.

    Система Spark, делённая на ``alpha``: вес пустых ячеек ``alpha0 = 1 / alpha``, штраф
    ``regularization * n_u / alpha``, правая часть в ``1 + alpha0`` раз больше нашей.
    """
    alpha0, length = 1 / alpha, np.diff(X.indptr)
    P = np.zeros((X.shape[0], Q.shape[1]))
    for n in np.unique(length[length > 0]):
        rows = np.flatnonzero(length == n)
        l2 = regularization * n * alpha0
        P[rows] = (1 + alpha0) * half_sweep(sp.csr_array(X[rows]), Q, l2, alpha0, 0)
    return P


def relative(mine: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Длина разности строк в долях длины строки."""
    length = np.linalg.norm(reference, axis=1)
    return np.linalg.norm(mine - reference, axis=1) / np.where(length > 0, length, 1)


def check_als(model: SparkALS, X: sp.csr_array) -> None:
    """Последний полупроход Spark по его же векторам объектов — и почему штраф не переводится."""
    alpha0, length = 1 / model.alpha, np.diff(X.indptr)
    print(
        f"\niALS: d = {model.n_factors}, alpha = {model.alpha:g}, то есть α₀ = {alpha0:g}; ", end=""
    )
    print(f"regParam = {model.regularization:g}, проходов {model.n_sweeps}")
    by_hu = hu_rows(X, model.Q_, model.alpha, model.regularization)
    by_lesson = lesson_rows(X, model.Q_, model.alpha, model.regularization)
    for name, rows in {"формула Hu": by_hu, "функция урока 03": by_lesson}.items():
        error = relative(model.P_, rows)
        check_close(f"последний полупроход Spark, {name}", error, np.zeros_like(error), 1e-6)
    print("Spark хранит векторы в float32: точнее 1e-7 совпасть нечему.")

    print("\nШтраф пользователя, делённый на alpha: у Spark λ·α₀·n_u, в уроке λ₂·(n_u + α₀I)^ν.")
    n = length[length > 0]
    print(f"Историй {len(n)}, длина от {n.min()} до {n.max()}; α₀I = {alpha0 * X.shape[1]:.0f}.")
    print("λ₂, при котором штрафы равны, у самой короткой и самой длинной истории:")
    for nu in (0.0, 0.5, 1.0):
        needed = model.regularization * alpha0 * n / (n + alpha0 * X.shape[1]) ** nu
        print(
            f"  ν = {nu:.1f}: от {needed.min():.3g} до {needed.max():.3g}, "
            f"в {needed.max() / needed.min():.0f} раз"
        )
    print("n/(n + α₀I)^ν растёт вместе с n при любом ν от 0 до 1: одного λ₂ на всех нет, и точного")
    print("перевода не существует. Короткие истории Spark сдерживает слабее.")


def check_gram(spark: Any, X: sp.csr_array, folder: Path) -> tuple[int, int]:
    """Матрица Грама соединением таблицы с собой; вернуть число пар и байт обмена."""
    table = to_spark(spark, X, folder)
    table.createOrReplaceTempView("interactions")
    table.count()
    before, start = shuffled(spark), time.perf_counter()
    target = folder / "gram"
    spark.sql(SELF_JOIN).write.parquet(str(target))
    took, sent = time.perf_counter() - start, shuffled(spark) - before
    pairs = pd.concat([pd.read_parquet(path) for path in sorted(target.glob("*.parquet"))])
    i, j, counts = (pairs[name].to_numpy() for name in ("i", "j", "n"))
    G = np.zeros((X.shape[1], X.shape[1]))
    G[i, j] = counts
    G[j, i] = counts
    start = time.perf_counter()
    ours = gram(X)
    print(f"\nМатрица Грама соединением по пользователю (Spark SQL): {took:.1f} с; ", end="")
    print(f"функция урока 01: {time.perf_counter() - start:.2f} с")
    check_close("матрица Грама, до последнего целого", G, ours, 0)
    l2 = 300.0
    check_close(f"веса EASE по ней, l2 = {l2:g}", ease_weights(G, l2), EASE(l2).fit(X).B_, 0)
    table.unpersist()
    return len(pairs), sent


def shuffled(spark: Any) -> int:
    """Сколько байт записано в обмен между задачами с начала работы."""
    store = spark.sparkContext._jsc.sc().statusStore()
    return int(store.executorSummary("driver").totalShuffleWrite())


# ---------------------------------------------------------------------------------- сравнение


def contest(spark: Any, validation: Split, test: Split, budget: int, folder: Path) -> None:
    """Подобрать обе записи одним бюджетом и сравнить на тестовой части."""
    X = validation.train
    mean_length = X.nnz / np.count_nonzero(np.diff(X.indptr))

    def ours(n_factors: int, penalty: float, alpha0: float, n_sweeps: int, nu: float) -> IALS:
        weight = (X.nnz / X.shape[0] + alpha0 * X.shape[1]) ** nu
        return IALS(n_factors, float(f"{penalty / weight:.3g}"), alpha0, nu, n_sweeps)

    def theirs(n_factors: int, penalty: float, alpha0: float, n_sweeps: int) -> SparkALS:
        regularization = float(f"{penalty / (alpha0 * mean_length):.3g}")
        return SparkALS(spark, folder, n_factors, regularization, 1 / alpha0, n_sweeps)

    print(f"\nПодбор: по {budget} попыток на валидации; penalty — штраф средней истории")
    results = {}
    for name, make, space, natural in (
        ("IALS урока 03", ours, {**SPACE, "nu": uniform(0, 1)}, {"nu": [0, 1]}),
        ("ALS Spark", theirs, SPACE, {}),
    ):
        start = time.perf_counter()
        found = tune(name, make, space, validation, METRIC, budget, natural=natural, n_jobs=1)
        print(f"{found}\n   подбор занял {time.perf_counter() - start:.0f} с")
        for flag, text in found.flags.items():
            beyond = make(**past_edge(found, flag))
            value = judge_on_split(beyond.fit(X), validation)[METRIC]
            print(f"   {text}; за краем {value:.4f}")
        model = make(**found.params).fit(test.train)
        results[name] = judge_on_split(model, test)
        stats = results[name].stats(METRIC)
        print(f"   на тестовой части {METRIC} {stats['mean']:.4f} ± {stats['se']:.4f}", flush=True)
    popular = evaluate(Popularity().fit(test.train).score, test.test, test.seen, [METRIC])
    print(f"Популярное: {popular[METRIC]:.4f}")
    print("ALS Spark − IALS:", compare(results["ALS Spark"], results["IALS урока 03"], METRIC))


# ------------------------------------------------------------------------------------ кластер


def sent_vectors(X: sp.csr_array, blocks: int) -> int:
    """Сколько векторов объектов уходит за полупроход: объект — в каждый блок его пользователей."""
    cells = X.tocoo()
    users, items = cells.coords
    return len(np.unique(items.astype(np.int64) * blocks + users % blocks))


def cluster(X: sp.csr_array, n_factors: int, pairs: int, sent: int) -> None:
    """Что изменилось бы на кластере, в числах этих данных."""
    length = np.diff(X.indptr).astype(float)
    vectors = sum(X.shape) * n_factors * FLOAT
    joined = (length * (length + 1) / 2).sum()
    print("\nНа кластере")
    print(f"Векторы: (U + I)·d·{FLOAT} = {vectors / 1e6:.2f} МБ, они поделены между машинами.")
    print("Блоки. За полупроход объект едет в каждый блок, где есть его пользователь:")
    for blocks in (BLOCKS, 10, 100):
        n_sent = sent_vectors(X, blocks)
        print(
            f"  блоков {blocks:>3}: {n_sent / X.shape[1]:5.1f} копии вектора, "
            f"{n_sent * n_factors * FLOAT / 1e6:.2f} МБ обмена"
        )
    print(f"Система строки: d² чисел float64, {8 * n_factors**2 / 1e3:.0f} КБ на задачу; ", end="")
    print("матрица YᵀY того же размера рассылается всем.")
    print(f"Грам: соединение порождает Σ n(n+1)/2 = {joined:.3g} пар, различных {pairs:.3g}.")
    print(
        f"  Без сложения до обмена ехало бы {joined * PAIR / 1e6:.1f} МБ; "
        f"Spark сначала складывает у себя и сжимает: {sent / 1e6:.1f} МБ."
    )
    heavy = length.max() * (length.max() + 1) / 2 / joined
    print(f"  Самый активный пользователь даёт {heavy:.1%} всех пар: они в одной задаче.")
    print("То же для миллиона пользователей, ста тысяч объектов, сотни взаимодействий у каждого:")
    users, items, own = 10**6, 10**5, 100
    print(
        f"  векторы {(users + items) * n_factors * FLOAT / 1e9:.1f} ГБ, "
        f"пар до сложения {users * own * (own + 1) / 2:.1g}, это "
        f"{users * own * (own + 1) / 2 * PAIR / 1e9:.0f} ГБ; "
        f"плотная матрица Грама {items**2 * 8 / 1e9:.0f} ГБ, обращать её надо на одной машине"
    )


def checkpoints(spark: Any, X: sp.csr_array, folder: Path) -> None:
    """Цена родословной: то же обучение с контрольными точками и без них."""
    print("Контрольные точки. Без них Spark помнит, как получен каждый прежний проход:")
    for n_sweeps in (10, 20):
        seconds = []
        for checkpoint in (5, -1):
            model = SparkALS(spark, folder, 16, n_sweeps=n_sweeps, checkpoint=checkpoint)
            start = time.perf_counter()
            model.fit(X)
            seconds.append(time.perf_counter() - start)
        print(f"  проходов {n_sweeps}: каждые пять {seconds[0]:.1f} с, без них {seconds[1]:.1f} с")
    command = [sys.executable, "-m", "benchmarks.spark", "--lineage", str(LINEAGE)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode == 0:
        found = "дошло до конца"
    elif "StackOverflowError" in done.stderr:
        found = "StackOverflowError, процесс Java остановлен"
    else:
        found = f"код завершения {done.returncode}"
    print(f"  проходов {LINEAGE} без них, в отдельном процессе: {found}", flush=True)


# --------------------------------------------------------------------------------------- вход


def read(path: Path) -> tuple[Split, Split]:
    """Части по файлу без времён: пятая часть истории — тестовая, из остатка — валидационная."""
    frame = pd.read_parquet(path)
    if not {"user", "item"} <= set(frame.columns) or frame.empty:
        raise ValueError("нужна непустая таблица Parquet со столбцами user и item.")
    user, item = (frame[name].to_numpy() for name in ("user", "item"))
    if any(ids.dtype.kind not in "iu" or ids.min() < 0 for ids in (user, item)):
        raise ValueError("user и item — целые номера с нуля.")
    X = sp.csr_array((np.ones(len(frame)), (user, item)))
    X.data[:] = 1
    train, hidden = random_split(X, 0)
    inner, inner_hidden = random_split(train, 1)
    nothing = frame.iloc[:0]
    return Split(inner, inner_hidden, inner, nothing), Split(train, hidden, train, nothing)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, help="взаимодействия, Parquet: user, item")
    parser.add_argument("--budget", type=int, default=20, help="попыток подбора; 0 — без него")
    parser.add_argument("--lineage", type=int, help="только обучение без контрольных точек")
    options = parser.parse_args(arguments)
    problem = missing()
    if problem:
        print(problem, file=sys.stderr)
        return 2
    try:
        validation, test = read(options.input) if options.input else board_a(load_movielens()[0])
    except (OSError, ValueError) as error:
        print(f"Файл не прочитан: {error}", file=sys.stderr)
        return 2
    import pyspark

    os.environ["RECSYS_LESSONS_BUILD"] = "1"  # без полос хода
    X, began = test.train, time.perf_counter()
    print(f"Spark {pyspark.__version__}, Python {platform.python_version()}, ", end="")
    print(f"numpy {np.__version__}, потоков {BLOCKS}")
    print(f"{X.shape[0]} пользователей, {X.shape[1]} объектов, {X.nnz} взаимодействий")
    with tempfile.TemporaryDirectory() as name, session(Path(name)) as spark:
        folder = Path(name)
        if options.lineage:
            SparkALS(spark, folder, 16, n_sweeps=options.lineage, checkpoint=-1).fit(X)
            return 0
        print(f"запуск Spark: {time.perf_counter() - began:.1f} с")
        start = time.perf_counter()
        model = SparkALS(spark, folder).fit(X)
        took, start = time.perf_counter() - start, time.perf_counter()
        IALS(RANK, n_sweeps=SWEEPS).fit(X)
        print(
            f"обучение: {took:.1f} с; IALS урока 03, столько же проходов и та же размерность: ",
            end="",
        )
        print(f"{time.perf_counter() - start:.1f} с")
        check_als(model, X)
        again = SparkALS(spark, folder).fit(X)
        check_true("второе обучение с тем же зерном: те же биты", model.Q_ == again.Q_)
        pairs, sent = check_gram(spark, X, folder)
        cluster(X, RANK, pairs, sent)
        checkpoints(spark, X, folder)
        if options.budget:
            contest(spark, validation, test, options.budget, folder)
    print(f"\nвсего {time.perf_counter() - began:.0f} с")
    return 0


if __name__ == "__main__":
    sys.exit(main())
