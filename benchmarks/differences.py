"""Что другие библиотеки считают иначе: каждое отличие проверено запуском обеих сторон.

Библиотеки нужны не все сразу и в разных окружениях (RecBole и RecTools просят старый numpy):

    python -m benchmarks.differences implicit
    python -m benchmarks.differences recbole --python путь/к/python

Результат с версией и днём ложится в web/passport/records/libraries.json; его показывает паспорт.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks import theirs
from course.options import Parser
from recsys_lessons import metrics
from recsys_lessons.datasets import load_movielens
from recsys_lessons.models import EASE, TIFUKNN, ItemKNN
from recsys_lessons.splits import board_a
from web.passport.records import rows

RECORDS = Path(__file__).parent.parent / "web" / "passport" / "records" / "libraries.json"


@dataclass(frozen=True)
class Difference:
    """Отличие библиотеки от урока.

    :param lesson: урок, к которому оно относится
    :param name: функция из :mod:`benchmarks.theirs`; начинается с имени библиотеки
    :param claim: в чём отличие
    :param ours: значение у нас на том же примере
    :param differs: верно ли, что значения отличаются именно так: ``(наше, её)``
    """

    lesson: str
    name: str
    claim: str
    ours: Callable[[], Any]
    differs: Callable[[Any, Any], bool]

    @property
    def library(self) -> str:
        return self.name.partition("_")[0]


def _liked() -> sp.csr_array:
    pairs = [(u, i) for u, row in enumerate(theirs.LIKED) for i in row]
    rows, columns = np.array(pairs).T
    return sp.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(theirs.LIKED), 10))


def _mean(metric: Callable[..., np.ndarray]) -> float:
    return float(metric(np.array(theirs.LISTS), _liked(), 5).mean())


def _toy() -> sp.csr_array:
    return sp.csr_array(np.array(theirs.X, dtype=float))


def _own_neighbours() -> list[int]:
    rows = [[1, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]]
    model = ItemKNN(k=2, truncation="source").fit(sp.csr_array(np.array(rows, dtype=float)))
    weights = model.S_.toarray() if sp.issparse(model.S_) else np.array(model.S_)
    return [int(n) for n in (weights != 0).sum(axis=1)]


def _least_weight() -> float:
    rng = np.random.default_rng(0)
    X = sp.csr_array((rng.random((40, 12)) < 0.3).astype(float))
    return float(EASE(l2=1).fit(X).B_.min())


def _neighbours_matter() -> bool:
    rng = np.random.default_rng(0)
    history = {u: [rng.choice(6, 2, replace=False) for _ in range(3)] for u in range(5)}
    orders = [
        np.argsort(
            -TIFUKNN(n_neighbors=2, alpha=alpha).fit(history, n_items=6).score([0])[0],
            kind="stable",
        ).tolist()
        for alpha in (0.9, 0.1)
    ]
    return orders[0] != orders[1]


def _split_repeats() -> bool:
    ratings, _ = load_movielens()
    first, second = (board_a(ratings, seed=1)[1].test for _ in range(2))
    return bool((first != second).nnz == 0)


def _cosine() -> float:
    X = _toy().toarray()
    return float(X[:, 0] @ X[:, 1] / np.sqrt(X[:, 0].sum() * X[:, 1].sum()))


def _near(value: float) -> Callable[[Any, Any], bool]:
    return lambda _, found: bool(abs(found - value) < 1e-6)


DIFFERENCES = (
    Difference(
        "00b_evaluation", "implicit_precision",
        "Точность — отношение сумм: попадания всех людей делят на сумму min(k, n), а не усредняют "
        "по людям h/k",
        lambda: _mean(metrics.precision), _near(7 / 11),
    ),
    Difference(
        "00b_evaluation", "implicit_split_repeats",
        "leave_k_out_split с одним random_state делит данные каждый раз по-разному",
        _split_repeats, lambda ours, found: ours and not found,
    ),
    Difference(
        "00b_evaluation", "cornac_mrr",
        "MRR смотрит весь порядок, а не первые k мест",
        lambda: _mean(metrics.reciprocal_rank), lambda ours, found: found > ours + 0.01,
    ),
    Difference(
        "00b_evaluation", "rectools_ndcg",
        "NDCG делят на сумму по всем k местам, даже если понравилось меньше",
        lambda: _mean(metrics.ndcg), _near(0.377185),
    ),
    Difference(
        "00b_evaluation", "rectools_map",
        "MAP делят на n, сколько всего понравилось, а не на min(k, n)",
        lambda: _mean(metrics.average_precision), _near(0.331746),
    ),
    Difference(
        "01_item_knn", "implicit_own_neighbours",
        "Объект остаётся соседом самому себе и занимает место: при K = 2 чужих соседей один",
        _own_neighbours, lambda ours, found: max(found) == 1 and max(ours) == 2,
    ),
    Difference(
        "01_item_knn", "recbole_similarity",
        "К знаменателю косинуса прибавлено 1e-6",
        _cosine, lambda ours, found: 1e-9 < ours - found < 1e-5,
    ),
    Difference(
        "02_tifu_knn", "cornac_neighbours_matter",
        "Соседи усреднены в одно число на всех: порядок товаров от их веса не зависит",
        _neighbours_matter, lambda ours, found: ours and not found,
    ),
    Difference(
        "03_ials", "implicit_filtered_score",
        "Вычеркнутое остаётся в списке с баллом −3,4e38, если непросмотренного меньше N; наши "
        "списки в этом месте пусты (−1)",
        lambda: int(metrics.ranked(np.zeros((1, 3)), 3, sp.csr_array(np.ones((1, 3)))).min()),
        lambda ours, found: ours == -1 and found < -1e38,
    ),
    Difference(
        "04_ease", "cornac_least_weight",
        "По умолчанию отрицательные веса заменены нулями (posB=True): наименьший вес — ноль",
        _least_weight, lambda ours, found: ours < -0.01 and found == 0,
    ),
    Difference(
        "06_multivae", "recbole_noise",
        "Случайная добавка имеет отклонение 0,01, а не 1",
        lambda: 1.0, lambda ours, found: abs(found - 0.01) < 1e-3,
    ),
    Difference(
        "06_multivae", "recbole_latent",
        "latent_dimension = 128 делится пополам между средним и разбросом: в точке 64 числа",
        lambda: 128, lambda ours, found: found == 64,
    ),
    Difference(
        "07_lightgcn", "recbole_penalty",
        "Штраф — длина вектора, а не её квадрат пополам: у вектора (3, 4)",
        lambda: (3**2 + 4**2) / 2, lambda ours, found: abs(found - 5) < 1e-6,
    ),
    Difference(
        "08_bert4rec", "recbole_history",
        "Перед предсказанием самый старый объект всегда отброшен, хотя место для него есть",
        lambda: [7, 8, 9, 99, 0], lambda ours, found: found[:3] == [8, 9, 99],
    ),
)  # fmt: skip


def check(difference: Difference, python: str) -> dict[str, Any]:
    """Запустить обе стороны.

    :raises RuntimeError: чужая сторона не исполнилась
    """
    result = subprocess.run(
        [python, theirs.__file__, difference.name],
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["нет вывода"])[-1]
        raise RuntimeError(f"{difference.name} не исполняется: {reason}")
    found = json.loads(result.stdout.strip().splitlines()[-1])
    ours = difference.ours()
    return {
        "lesson": difference.lesson,
        "name": difference.name,
        "library": difference.library,
        "version": found["version"],
        "date": datetime.now(UTC).date().isoformat(),
        "claim": difference.claim,
        "ours": shown(ours),
        "theirs": shown(found["value"]),
        "holds": bool(difference.differs(ours, found["value"])),
    }


def shown(value: Any) -> str:
    """Значение для таблицы."""
    if isinstance(value, bool):
        return "да" if value else "нет"
    if isinstance(value, float):
        return f"{value:.6g}".replace(".", ",")
    return str(value)


def main(arguments: list[str] | None = None) -> int:
    """Проверить отличия одной библиотеки; код 1 — какое-то больше не верно."""
    parser = Parser(description="Что другие библиотеки считают иначе: проверить и записать.")
    libraries = sorted({one.library for one in DIFFERENCES})
    parser.add_argument("library", choices=libraries, help="библиотека")
    parser.add_argument("--python", default=sys.executable, help="Python, в котором она стоит")
    options = parser.parse_args(arguments)
    kept, problem = rows(RECORDS, ("library", "name"))
    if problem:
        print(
            f"{problem}. Исправьте {RECORDS} или удалите: записи сделают заново.", file=sys.stderr
        )
        return 2
    chosen = [one for one in DIFFERENCES if one.library == options.library]
    found = []
    for difference in chosen:
        try:
            found.append(check(difference, options.python))
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 2
        one = found[-1]
        print(f"{one['name']}: у нас {one['ours']}, у неё {one['theirs']}; верно: {one['holds']}")
    order = [difference.name for difference in DIFFERENCES]
    kept = [one for one in kept if one["library"] != options.library and one["name"] in order]
    kept = sorted(kept + found, key=lambda one: order.index(one["name"]))
    RECORDS.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0 if all(one["holds"] for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
