"""Метрики качества списков рекомендаций.

Соглашения, общие для всех функций:

- ``recommended`` — целые числа, форма ``(n_users, K)``: номера объектов, лучший первым;
  ``-1`` — пустое место (рекомендовать больше нечего);
- ``relevant`` — разреженная матрица ``(n_users, n_items)``: ненулевые ячейки — то, что
  пользователь выбрал в тестовой части; поданное не меняется;
- ``k`` — глубина списка, от 1 до ``K``;
- метрика пользователя — массив ``float64`` формы ``(n_users,)``; у пользователя без тестовых
  объектов стоит ``nan``: он не участвует в среднем;
- плохой ввод — ``ValueError``, плотная матрица вместо разреженной — ``TypeError``.

Обозначения: ``h`` — число попаданий в первых ``k`` местах, ``n`` — число тестовых объектов.
Варианты знаменателей, принятые в разных библиотеках, сведены в статье: Тамм, Дамдинов, Васильев,
«Quality Metrics in Recommender Systems: Do We Calculate Metrics Consistently?», RecSys 2021.
"""

import numpy as np
import scipy.sparse as sp

from recsys_lessons.inputs import (
    as_array,
    check_choice,
    check_count,
    check_interactions,
    check_memory,
    shown,
)

EMPTY = -1
PIECE_CELLS = 2**18  # кусок таблицы баллов, который остаётся в кэше процессора: 2 МБ в float64


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """Номера ``k`` объектов с наибольшими баллами.

    Равные баллы упорядочены по номеру объекта: меньший раньше. Балл ``-inf`` означает «не
    рекомендовать»: на его месте стоит ``-1``. Если ``k`` больше числа объектов, лишние места пусты.

    :param scores: баллы, форма ``(n_users, n_items)``
    :param k: глубина списка, не меньше 1
    :return: целые числа, форма ``(n_users, k)``
    :raises ValueError: не та форма, ``k < 1``, среди баллов есть ``nan``
    :raises MemoryError: списки такой глубины не помещаются в память
    """
    k = check_count("k", k)
    scores = as_scores(scores)
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise ValueError(
            f"Нужна таблица баллов (пользователи × объекты), а получена форма {scores.shape}."
        )
    check_depth(len(scores), k)
    return ranked(scores, k, sp.csr_array(scores.shape))


def ranked(scores: np.ndarray, k: int, hidden: sp.csr_array) -> np.ndarray:
    """То же, что :func:`top_k`, без проверок; объекты ``hidden`` в списки не попадают.

    :param hidden: чего не рекомендовать, CSR той же формы, что и баллы
    """
    n_users, n_items = scores.shape
    depth = min(k, n_items)
    step = max(1, PIECE_CELLS // n_items)
    hidden_row = np.repeat(np.arange(n_users), np.diff(hidden.indptr))
    cells, values = [], []
    for start in range(0, n_users, step):
        piece = scores[start : start + step].copy()  # сами баллы принадлежат модели
        part = slice(hidden.indptr[start], hidden.indptr[start + len(piece)])
        piece[hidden_row[part] - start, hidden.indices[part]] = -np.inf
        best = _candidates(piece, depth)
        cells.append(best + start * n_items)
        values.append(piece.ravel()[best])
    result = np.full((n_users, k), EMPTY, dtype=np.int64)
    if n_users:
        best_first = _ordered(np.concatenate(cells), np.concatenate(values), scores.shape)
        result[:, :depth] = best_first[:, :depth]
    return result


def _candidates(scores: np.ndarray, depth: int) -> np.ndarray:
    """Клетки, среди которых все ``depth`` лучших каждой строки: номера подряд, по возрастанию."""
    n_users, n_items = scores.shape
    # Объекты строки делятся на группы. Лучших баллов групп не ниже bound — depth штук, поэтому и
    # всех баллов не ниже bound не меньше depth. Искать порог среди лучших в группах дешевле, чем
    # среди всех, а лишних остаётся мало: двое из лучших редко попадают в одну группу.
    size = max(1, n_items // (16 * depth))
    n_groups = n_items // size
    heads = scores[:, : size * n_groups].reshape(n_users, size, n_groups).max(axis=1)
    heads.partition(n_groups - depth, axis=1)
    chosen = scores >= heads[:, n_groups - depth, None]
    cells = np.flatnonzero(chosen)
    crowded = np.flatnonzero(np.bincount(cells // n_items) > 2 * depth)
    if not crowded.size:
        return cells
    # Много равных: точный порог, а из равных ему — первые по номеру.
    rows = scores[crowded]
    threshold = np.partition(rows, n_items - depth, axis=1)[:, n_items - depth, None]
    above, tied = rows > threshold, rows == threshold
    missing = depth - above.sum(axis=1, keepdims=True)
    chosen[crowded] = above | (tied & (np.cumsum(tied, axis=1) <= missing))
    return np.flatnonzero(chosen)


def _ordered(cells: np.ndarray, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Объекты каждой строки, лучший первым; равные — по номеру, после них пустые места."""
    row, item = np.divmod(cells, shape[1])
    count = np.bincount(row, minlength=shape[0])
    place = np.arange(len(row)) - (np.cumsum(count) - count)[row]
    items = np.full((shape[0], count.max()), EMPTY, dtype=np.int64)
    ranking = np.full(items.shape, -np.inf, dtype=values.dtype)
    items[row, place] = np.where(np.isneginf(values), EMPTY, item)
    ranking[row, place] = values
    return np.take_along_axis(items, np.argsort(-ranking, axis=1, kind="stable"), axis=1)


def check_depth(n_users: int, k: int) -> None:
    """Списки такой глубины поместятся в память.

    :raises MemoryError: не поместятся
    """
    what = f"Списки {n_users} × {k}"
    check_memory(64.0 * n_users * k, what, "Глубина больше каталога бесполезна: уменьшите k.")


def as_scores(scores: np.ndarray) -> np.ndarray:
    """Баллы действительными числами.

    :raises ValueError: это не числа, или среди них есть ``nan``
    """
    given, scores = scores, as_array(scores)
    if scores.dtype.kind not in "fiub":
        raise ValueError(
            f"Баллы — не числа, а {type(given).__name__} ({scores.dtype}). Нужен массив numpy; "
            "из разреженной матрицы — .toarray(), из тензора — .detach().cpu().numpy(), "
            "из массива с маской — .filled(-np.inf)."
        )
    if scores.dtype.kind != "f":
        whole, scores = scores, scores.astype(np.float64)
        if whole.dtype.itemsize == 8 and (np.abs(scores) > 2.0**53).any():
            raise ValueError(
                "Целые баллы больше 2⁵³: соседние числа в float64 неразличимы, и порядок "
                "потерялся бы. Уменьшите баллы, например вычтите наименьший."
            )
    if np.isnan(scores.max(initial=-np.inf)):  # с nan наибольшее — nan, и таблица bool не нужна
        raise ValueError(
            "Среди баллов есть nan: порядок не определён. Найдите деление на ноль в модели; "
            "объект, который нельзя рекомендовать, отмечают баллом -inf."
        )
    return scores


def hit_count(recommended: np.ndarray, relevant: sp.csr_array, k: int) -> np.ndarray:
    """Число попаданий ``h`` в первых ``k`` местах."""
    hits, n = _hits(recommended, relevant, k)
    return _defined(hits.sum(axis=1).astype(float), n)


def hit_rate(recommended: np.ndarray, relevant: sp.csr_array, k: int) -> np.ndarray:
    """HR@k: 1, если есть хотя бы одно попадание, иначе 0. Среднее — доля попаданий."""
    return np.minimum(hit_count(recommended, relevant, k), 1)


def precision(recommended: np.ndarray, relevant: sp.csr_array, k: int) -> np.ndarray:
    """Precision@k, точность: ``h / k``. Пустые места считаются промахами."""
    return hit_count(recommended, relevant, k) / k


def recall(recommended: np.ndarray, relevant: sp.csr_array, k: int) -> np.ndarray:
    """Recall@k, полнота: ``h / n``."""
    hits, n = _hits(recommended, relevant, k)
    return _ratio(hits.sum(axis=1), n, n)


def recall_min(recommended: np.ndarray, relevant: sp.csr_array, k: int) -> np.ndarray:
    """Recall_min@k: ``h / min(k, n)``. Так полноту считают Liang и др. (WWW 2018)."""
    hits, n = _hits(recommended, relevant, k)
    return _ratio(hits.sum(axis=1), np.minimum(k, n), n)


def average_precision(
    recommended: np.ndarray, relevant: sp.csr_array, k: int, denominator: str = "min"
) -> np.ndarray:
    """Средняя точность; её среднее по пользователям — MAP@k.

    Сумма точностей на местах попаданий делится на ``min(k, n)`` (``"min"``), на ``n``
    (``"relevant"``), на ``k`` (``"k"``) или на ``h`` (``"hits"``).

    :raises ValueError: неизвестный ``denominator``
    """
    check_choice("denominator", denominator, ("min", "relevant", "k", "hits"))
    hits, n = _hits(recommended, relevant, k)
    h = hits.sum(axis=1)
    precision_at = np.cumsum(hits, axis=1) / np.arange(1, k + 1)
    divisors = {"min": np.minimum(k, n), "relevant": n, "k": np.full_like(n, k), "hits": h}
    return _ratio((precision_at * hits).sum(axis=1), divisors[denominator], n)


def reciprocal_rank(recommended: np.ndarray, relevant: sp.csr_array, k: int) -> np.ndarray:
    """Обратное место первого попадания, 0 без попаданий; среднее — MRR@k."""
    hits, n = _hits(recommended, relevant, k)
    first = np.argmax(hits, axis=1) + 1
    return _defined(hits.any(axis=1) / first, n)


def dcg(recommended: np.ndarray, relevant: sp.csr_array, k: int) -> np.ndarray:
    """DCG@k: сумма ``1 / log2(место + 1)`` по попаданиям (Järvelin, Kekäläinen, 2002)."""
    hits, n = _hits(recommended, relevant, k)
    return _defined((hits * _discounts(k)).sum(axis=1), n)


def ndcg(recommended: np.ndarray, relevant: sp.csr_array, k: int, ideal: str = "min") -> np.ndarray:
    """NDCG@k: DCG, делённый на DCG идеального списка (Järvelin, Kekäläinen, 2002).

    В идеальном списке ``min(k, n)`` попаданий (``"min"``), все ``n`` без ограничения глубины
    (``"relevant"``), ``k`` (``"k"``) или столько, сколько нашла модель (``"hits"``).

    :raises ValueError: неизвестный ``ideal``
    """
    check_choice("ideal", ideal, ("min", "relevant", "k", "hits"))
    hits, n = _hits(recommended, relevant, k)
    h = hits.sum(axis=1)
    ideal_dcg = np.concatenate([[0], np.cumsum(_discounts(max(k, int(n.max(initial=0)))))])
    lengths = {"min": np.minimum(k, n), "relevant": n, "k": np.full_like(n, k), "hits": h}
    return _ratio((hits * _discounts(k)).sum(axis=1), ideal_dcg[lengths[ideal]], n)


def coverage(recommended: np.ndarray, n_items: int, k: int) -> float:
    """Охват каталога: доля объектов, которые попали хотя бы в один список."""
    n_items = check_count("n_items", n_items)
    return len(np.unique(_recommended_items(recommended, n_items, k))) / n_items


def novelty(recommended: np.ndarray, popularity: np.ndarray, n_users: int, k: int) -> float:
    """Новизна: среднее ``-log2`` доли пользователей, уже знакомых с объектом.

    :param popularity: число взаимодействий каждого объекта в обучающей части, форма ``(n_items,)``
    :param n_users: число пользователей обучающей части
    :raises ValueError: рекомендован объект без взаимодействий: его новизна бесконечна
    """
    n_users = check_count("n_users", n_users)
    known = _popularity_of(recommended, popularity, k)
    if (known <= 0).any():
        raise ValueError(
            "Рекомендован объект без единого взаимодействия: логарифм нуля не определён. "
            "Исключите такие объекты или сгладьте популярность."
        )
    if (known > n_users).any():
        raise ValueError(
            f"Взаимодействий у объекта {known.max():g}, а пользователей {n_users}: "
            "доля знакомых с ним больше единицы."
        )
    return float(np.mean(-np.log2(known / n_users)))


def mean_popularity(recommended: np.ndarray, popularity: np.ndarray, k: int) -> float:
    """Среднее число взаимодействий рекомендованных объектов.

    :param popularity: число взаимодействий каждого объекта, форма ``(n_items,)``
    """
    return float(np.mean(_popularity_of(recommended, popularity, k)))


def micro_precision(recommended: np.ndarray, relevant: sp.csr_array, k: int) -> float:
    """Сумма попаданий, делённая на сумму ``min(k, n)``: «точность» библиотеки implicit."""
    hits, n = _hits(recommended, relevant, k)
    if not n.any():
        raise ValueError("В тестовой части нет ни одного взаимодействия.")
    return float(hits.sum() / np.minimum(k, n).sum())


def _first(recommended: np.ndarray, n_items: int, k: int) -> np.ndarray:
    """Первые ``k`` мест, проверенные."""
    k = check_count("k", k)
    lists = as_array(recommended)
    if lists.ndim != 2 or lists.dtype.kind not in "iu":
        raise ValueError(
            "Списки рекомендаций — целые номера объектов, форма (пользователи, места), "
            f"а получено {lists.dtype} формы {lists.shape}."
        )
    if k > lists.shape[1]:
        raise ValueError(f"В списках {lists.shape[1]} мест, метрика просит первые {k}.")
    lists = lists[:, :k]
    if lists.size and (lists.max() >= n_items or lists.min() < EMPTY):
        raise ValueError(f"В списках есть номера вне каталога: объектов {n_items}.")
    return lists.astype(np.int64)


def _hits(recommended: np.ndarray, relevant: sp.csr_array, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Попадания ``(n_users, k)`` и число тестовых объектов ``(n_users,)``."""
    table = check_interactions(relevant)
    lists = _first(recommended, table.shape[1], k)
    if len(lists) != table.shape[0]:
        raise ValueError(
            f"Списков {len(lists)}, а пользователей в тестовой части {table.shape[0]}."
        )
    ordered = np.sort(lists, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != EMPTY)).any():
        raise ValueError("Объект стоит в списке дважды: попадание засчиталось бы два раза.")
    n = np.diff(table.indptr)
    user = np.repeat(np.arange(len(lists)), lists.shape[1]).reshape(lists.shape)
    cells = user * np.int64(table.shape[1]) + lists
    # Номера клеток table возрастают, поэтому каждую клетку списка ищут делением пополам.
    wanted = np.repeat(np.arange(len(n)), n) * np.int64(table.shape[1]) + table.indices
    found = np.append(wanted, EMPTY)[np.searchsorted(wanted, cells)]
    return (found == cells) & (lists != EMPTY), n


def _popularity_of(recommended: np.ndarray, popularity: np.ndarray, k: int) -> np.ndarray:
    """Популярность всех рекомендованных объектов подряд."""
    counts = as_array(popularity)
    if counts.ndim != 1 or counts.dtype.kind not in "biuf" or not (counts >= 0).all():
        raise ValueError(
            "popularity — число взаимодействий каждого объекта: одномерный массив чисел не меньше "
            f"0, а получено {shown(popularity)}. Из матрицы X: X.sum(axis=0)."
        )
    counts = counts.astype(np.float64)
    if not np.isfinite(counts).all():
        raise ValueError("В popularity есть бесконечность.")
    return counts[_recommended_items(recommended, len(counts), k)]


def _recommended_items(recommended: np.ndarray, n_items: int, k: int) -> np.ndarray:
    """Все показанные объекты подряд, без пустых мест."""
    lists = _first(recommended, n_items, k)
    items = lists[lists != EMPTY]
    if not items.size:
        raise ValueError("Все списки пусты: считать нечего.")
    return items


def _discounts(k: int) -> np.ndarray:
    return 1 / np.log2(np.arange(2, k + 2))


def _defined(values: np.ndarray, n: np.ndarray) -> np.ndarray:
    """``nan`` там, где у пользователя нет тестовых объектов."""
    return np.where(n > 0, values, np.nan)


def _ratio(numerator: np.ndarray, denominator: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Частное; 0, если знаменатель 0 (попаданий нет), ``nan`` без тестовых объектов."""
    return _defined(numerator / np.where(denominator > 0, denominator, 1), n)
