"""Вопросы об измерении: уроки 00a, 00b, 09 и 10."""

import calendar
import math
from fractions import Fraction

import numpy as np
from scipy import stats

from course.exam.base import (
    Drawn,
    eq,
    num,
    pick,
    plural,
    question,
    series,
    table,
    tex,
    times,
    whole,
)

LETTERS = "ABCDEF"


# --------------------------------------------------------------------------------------- 00a


@question("00a")
def random_recall(rng: np.random.Generator) -> Drawn:
    """Сколько набирает случайный список."""
    n_items, seen = whole(rng, 800, 2400, 200), whole(rng, 50, 300, 50)
    hidden, k = whole(rng, 8, 24, 4), pick(rng, [10, 20])
    recall = k / (n_items - seen)
    hits = hidden * recall
    return Drawn(
        f"В каталоге {n_items} фильмов. Зритель видел {seen} из них, они убраны из списка. Ещё "
        f"{plural(hidden, 'фильм', 'фильма', 'фильмов')}, которые он полюбит, спрятаны в тестовую "
        "часть. Модель ничего не знает о людях: непросмотренное она выстраивает в случайном "
        f"порядке. Найдите ожидаемые Recall@{k} и число попаданий. Что станет с ожидаемой "
        "полнотой, если спрятано вдвое больше? Зачем это число нужно при сравнении моделей?",
        f"Осталось {n_items} − {seen} = {n_items - seen} фильмов, и каждый стоит среди первых {k} "
        f"с вероятностью {k}/{n_items - seen}. Ожидаемое Recall@{k} {eq(recall, 4)}, попаданий "
        f"{eq(hits, 3)}. От числа спрятанных полнота не зависит: попадания и знаменатель растут "
        "одинаково. Это ноль шкалы: модель, которая набирает столько же, не знает о людях ничего.",
        (
            "верная вероятность: в знаменателе только непросмотренное",
            "полнота не зависит от числа спрятанных, и сказано почему",
            "смысл числа: уровень модели, которая ничего не знает",
        ),
        {"n_items": n_items, "seen": seen, "hidden": hidden, "k": k},
        {"recall": recall, "hits": hits},
    )


@question("00a")
def shrunk_mean(rng: np.random.Generator) -> Drawn:
    """Средняя оценка и сжатие к общему среднему."""
    count = whole(rng, 20, 80, 10)
    mean, overall = pick(rng, [4.2, 4.3, 4.4, 4.5]), pick(rng, [3.4, 3.5, 3.6])
    m = whole(rng, 5, 20, 5)
    lone = (5 + m * overall) / (1 + m)
    known = (count * mean + m * overall) / (count + m)
    border = count * (5 - mean) / (count * (mean - overall) - (5 - overall))
    return Drawn(
        f"Фильм A оценил один человек, на 5. Фильм B оценили {count} человек, в среднем на "
        f"{num(mean)}. Общее среднее всех оценок $\\mu={tex(overall)}$. Балл фильма — среднее, "
        "сжатое к общему: $(s+m\\mu)/(c+m)$, где $s$ — сумма оценок фильма, $c$ — их число. Кто "
        f"выше при $m=0$ и при $m={m}$? При каком $m$ баллы равны? Почему сжатое среднее всё же "
        "уступает в NDCG простому числу зрителей?",
        f"При $m=0$ выше A: 5 против {num(mean)}. При $m={m}$ балл A {eq(lone)}, балл B "
        f"{eq(known)}: выше {'B' if known > lone else 'A'}. Приравняв баллы, получим "
        "$m=c_B(5-\\bar r_B)/(c_B(\\bar r_B-\\mu)-(5-\\mu))$ "
        f"{eq(border)}. Среднее отвечает на вопрос «понравится ли тому, кто посмотрит», а метрика "
        "спрашивает, что человек посмотрит и полюбит; редкий фильм мало кто встретит.",
        (
            "порядок при обоих $m$ и оба балла",
            "граничное $m$ найдено из равенства баллов",
            "среднее и число зрителей отвечают на разные вопросы",
        ),
        {"count": count, "mean": mean, "overall": overall, "m": m},
        {"lone": lone, "known": known, "border": border},
    )


@question("00a")
def seen_matrix(rng: np.random.Generator) -> Drawn:
    """Две матрицы: положительное и просмотренное."""
    while True:
        ratings = rng.integers(1, 6, (5, 6)) * (rng.random((5, 6)) < 0.55)
        positive = ratings >= 4
        popular = positive.sum(0)
        order = [int(i) for i in np.argsort(-popular, kind="stable")]
        right = [i for i in order if ratings[0, i] == 0][:2]
        naive = [i for i in order if not positive[0, i]][:2]
        if len(right) == 2 and right != naive and popular[right[1]] and positive[0].any():
            break
    rows = [
        [f"**{user}**", *("·" if r == 0 else str(r) for r in row)]
        for user, row in zip("абвгд", ratings.tolist(), strict=True)
    ]
    names = [LETTERS[i] for i in right]
    wrong = [LETTERS[i] for i in naive]
    return Drawn(
        "Оценки пяти человек шести фильмам, точка — оценки нет:\n\n"
        + table(["", *LETTERS], rows)
        + "\n\nПоложительной считается оценка не ниже 4. Посчитайте баллы популярного и список из "
        "двух фильмов для зрителя «а»; при равных баллах раньше идёт левый. Что получится, если "
        "убирать из списка только то, что стоит единицей в матрице взаимодействий $X$?",
        "Баллы — число положительных оценок столбца: "
        + ", ".join(f"{c} — {n}" for c, n in zip(LETTERS, popular.tolist(), strict=True))
        + f". Убираем всё, что «а» оценил, с любой оценкой; остаются {', '.join(names)} в этом "
        f"порядке. Если убирать только единицы $X$, выйдет {', '.join(wrong)}: в список попадает "
        "уже просмотренное и оценённое низко. Поэтому просмотренное — отдельная матрица.",
        (
            "баллы столбцов посчитаны по порогу 4",
            "список верен, равные упорядочены по номеру",
            "названо, что низкая оценка — тоже просмотр",
        ),
        {"ratings": ratings.tolist()},
        {"popular": popular.tolist(), "list": names, "naive": wrong},
    )


@question("00a")
def feedback_loop(rng: np.random.Generator) -> Drawn:
    """Журнал, который измеряет саму систему."""
    n_items, k = pick(rng, [50, 80, 100, 200]), pick(rng, [5, 10])
    chance = pick(rng, [0.2, 0.25, 0.3, 0.4])
    clicks, share = k * chance, k / n_items
    return Drawn(
        f"В каталоге {n_items} одинаково хороших фильмов: любой показанный нравится с вероятностью "
        f"{num(chance)}. Система П всем показывает одни и те же {k} фильмов, система С каждому — "
        f"{k} случайных. Сколько понравившихся показов на посетителя у каждой? По журналу каждой "
        "системы измерили, какую долю кликов следующих посетителей покроют "
        f"{k} самых популярных фильмов. Чего ждать в двух журналах и о чём говорит разница?",
        f"У обеих поровну: {k} · {num(chance)} {eq(clicks)} на посетителя. В журнале П все клики "
        f"приходятся на те же {k} фильмов, и доля равна 1; в журнале С популярность случайна, и "
        f"доля около {k}/{n_items} {eq(share)}. Фильмы одинаковы, поэтому разница говорит не о "
        "вкусах и не о качестве популярного, а о том, что показывала система.",
        (
            "число понравившихся показов одно и то же",
            "обе доли: 1 и примерно $k/I$",
            "вывод: журнал измеряет и саму систему",
        ),
        {"n_items": n_items, "k": k, "chance": chance},
        {"clicks": clicks, "share": share},
    )


@question("00a")
def noise_world(rng: np.random.Generator) -> Drawn:
    """Победитель на случайных данных."""
    worlds = pick(rng, [10, 14, 20, 30])
    expected, error = pick(rng, [0.008, 0.012, 0.016]), pick(rng, [0.001, 0.0015, 0.002])
    z = pick(rng, [2.1, 2.2, 2.4])
    found = expected + z * error
    false, at_least = 0.05 * worlds, 1 - 0.95**worlds
    return Drawn(
        f"В данных фильмы заменены случайными. Любой модели положено Recall@20 = "
        f"{num(expected, 4)}. Студент независимо испытал {worlds} таких миров и показал лучший: "
        f"Recall@20 = {num(found, 5)} при стандартной ошибке {num(error, 4)}. «Больше двух ошибок, "
        f"модель что-то нашла». На сколько ошибок отошло число? Сколько из этих миров в среднем "
        f"выйдут за 1,96 ошибки в ту или другую сторону и с какой вероятностью выйдет хотя бы "
        f"один? Что ответить студенту?",
        f"Отклонение — {num(z)} ошибки. За 1,96 ошибки мир выходит с вероятностью 0,05: в среднем "
        f"{worlds} · 0,05 {eq(false)} мира, хотя бы один — с вероятностью "
        f"$1-0{{,}}95^{{{worlds}}}$ {eq(at_least)}. Показан лучший из многих, поэтому порог одного "
        f"опыта не подходит. В этих данных учиться нечему по построению; открытие должно "
        f"повториться на новом мире.",
        (
            "отклонение в ошибках и ожидаемое число выходов",
            "вероятность хотя бы одного выхода",
            "причина: выбран лучший из многих",
        ),
        {"worlds": worlds, "expected": expected, "error": error, "found": found},
        {"z": z, "false": false, "at_least": at_least},
    )


# --------------------------------------------------------------------------------------- 00b


@question("00b")
def two_ndcg(rng: np.random.Generator) -> Drawn:
    """Один список, два NDCG."""
    k = pick(rng, [5, 6])
    hits = sorted(int(i) + 1 for i in rng.choice(k, 3, replace=False))
    relevant = k + whole(rng, 2, 5)
    gain = sum(1 / math.log2(r + 1) for r in hits)

    def ideal(n: int) -> float:
        return sum(1 / math.log2(r + 1) for r in range(1, n + 1))

    ours, other = gain / ideal(k), gain / ideal(relevant)
    return Drawn(
        f"В списке из {k} мест попадания стоят на местах {', '.join(map(str, hits))}. У "
        f"пользователя {relevant} тестовых объектов. Посчитайте NDCG@{k} с идеалом из $\\min(k,n)$ "
        "попаданий и с идеалом из всех $n$. Какого наибольшего значения может достичь каждый "
        "вариант у этого пользователя? Чем опасно ставить числа двух статей в один столбец?",
        "DCG — сумма $1/\\log_2(r+1)$ по местам попаданий: "
        f"{num(gain, 4)}. Идеал из {k} попаданий {eq(ideal(k), 4)}, NDCG {eq(ours, 4)}. Идеал из "
        f"{relevant} {eq(ideal(relevant), 4)}, NDCG {eq(other, 4)}. Наибольшее значение первого — "
        f"1, второго — {num(ideal(k) / ideal(relevant), 4)}: мест меньше, чем объектов. Модель "
        "одна, а числа разные: прежде чем сравнивать, узнают, какая формула взята.",
        (
            "DCG посчитан верно",
            "оба NDCG и верхняя граница каждого",
            "назван риск: сравнили бы формулы, а не модели",
        ),
        {"k": k, "hits": hits, "relevant": relevant},
        {
            "gain": gain,
            "ours": ours,
            "other": other,
            "bound": ideal(k) / ideal(relevant),
        },
    )


@question("00b")
def paired_error(rng: np.random.Generator) -> Drawn:
    """Парная и непарная ошибка разности."""
    while True:
        b = rng.integers(0, 2, 10)
        a = b.copy()
        flips = rng.choice(10, pick(rng, [2, 3]), replace=False)
        a[flips] = 1 - a[flips]
        if a.sum() > b.sum() and 3 <= b.sum() <= 6:
            break
    difference = (a - b).mean()
    paired = (a - b).std(ddof=1) / math.sqrt(10)
    apart = math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 10)
    low, high = difference - 2.26 * paired, difference + 2.26 * paired
    rows = [["**первая**", *map(str, a.tolist())], ["**вторая**", *map(str, b.tolist())]]
    zero = "содержит ноль: десяти человек мало" if low <= 0 else "не содержит нуля"
    return Drawn(
        "Две модели проверены на одних и тех же десяти людях; 1 — модель угадала:\n\n"
        + table(["", *map(str, range(1, 11))], rows)
        + "\n\nНайдите среднюю разность, её парную ошибку и ошибку, которая вышла бы, будь люди "
        "разными. Какой ошибке верить и почему они отличаются? Содержит ли ноль 95-процентный "
        "интервал (множитель Стьюдента для десяти человек 2,26)?",
        f"Средняя разность {eq(difference)}. Парная ошибка {eq(paired, 4)} — отклонение разностей "
        f"(делим на 9), поделённое на корень из 10. Непарная {eq(apart, 4)}. Верить парной: люди "
        "общие, и то, что в человеке предсказуемо для обеих моделей, в разности исчезает. Интервал "
        f"от {num(low)} до {num(high)} {zero}.",
        (
            "разность и парная ошибка",
            "непарная ошибка и причина различия",
            "вывод по интервалу",
        ),
        {"a": a.tolist(), "b": b.tolist()},
        {"difference": difference, "paired": paired, "apart": apart, "low": low, "high": high},
    )


@question("00b")
def sampled_metric(rng: np.random.Generator) -> Drawn:
    """Метрика на подвыборке переставляет модели."""
    n_items, m, k = pick(rng, [8000, 10_000, 20_000]), 100, 10
    near, far = whole(rng, 60, 140, 20), n_items // 3
    share = pick(rng, [0.3, 0.4, 0.5])

    def chance(rank: int) -> float:
        return float(stats.hypergeom.cdf(k - 1, n_items - 1, rank - 1, m))

    a, b = chance(near), share + (1 - share) * chance(far)
    depth = k * n_items / (m + 1)
    return Drawn(
        f"В каталоге {num(n_items)} объектов. Модель A всегда ставит тестовый объект на место "
        f"{near}. Модель B у {num(100 * share)} % людей ставит его на первое место, у остальных — "
        f"на {num(far)}-е. Найдите HR@10 каждой при ранжировании всего каталога. Чего ждать от "
        f"HR@10 среди {m} случайных объектов и тестового? Какой глубине каталога примерно отвечает "
        "десятое место среди этих 101? Какую модель вы взяли бы?",
        f"Весь каталог: у A 0, у B {num(share)}. Глубина 10 среди 101 примерно отвечает "
        f"10 · {num(n_items)} / 101 {eq(depth, 0)} месту каталога. Место {near} намного выше, "
        f"место {num(far)} — ниже, поэтому на подвыборке у A почти 1 (по гипергеометрическому "
        f"распределению {num(a, 4)}), а у B {eq(b, 4)}. Порядок перевернулся. Взять B: до места "
        f"{near} никто не долистает, подвыборка отвечает на другой вопрос.",
        (
            "HR@10 по всему каталогу у обеих",
            "примерная глубина и значения на подвыборке",
            "выбор B с объяснением, почему порядок перевернулся",
        ),
        {"n_items": n_items, "m": m, "k": k, "near": near, "far": far, "share": share},
        {"full_b": share, "a": a, "b": b, "depth": depth},
    )


@question("00b")
def how_many_people(rng: np.random.Generator) -> Drawn:
    """Сколько нужно людей, чтобы увидеть разность."""
    users = pick(rng, [400, 600, 938])
    error = pick(rng, [0.004, 0.005, 0.006])
    difference = pick(rng, [0.002, 0.003, 0.004])
    factor = (2 * error / difference) ** 2
    needed = math.ceil(round(users * factor, 6))
    return Drawn(
        f"На {users} людях парная разность двух моделей {num(difference, 4)} при ошибке "
        f"{num(error, 4)}. Можно ли назвать её установленной? Сколько нужно таких же людей, чтобы "
        "разность той же величины равнялась двум своим ошибкам? Помогут ли вместо людей новые "
        "зёрна генератора, перемешивающие совпадения времён?",
        f"Нет: разность меньше двух ошибок, то есть {num(2 * error, 4)}. Ошибка убывает как корень "
        f"из числа людей, её нужно уменьшить в {times(2 * error / difference)}, значит людей "
        f"нужно в {times(factor)} больше: {num(needed)}. Зёрна не помогут: они усредняют "
        "другой разброс, а люди останутся те же.",
        (
            "правило двух парных ошибок применено",
            "число людей: квадрат отношения",
            "зёрна и люди — два разных источника разброса",
        ),
        {"users": users, "error": error, "difference": difference},
        {"factor": factor, "needed": needed},
    )


@question("00b")
def recall_ceiling(rng: np.random.Generator) -> Drawn:
    """Наибольшая возможная полнота."""
    k = 10
    sizes = [whole(rng, 4, 9), whole(rng, 12, 20, 2), whole(rng, 25, 40, 5), 0]
    reached = [Fraction(min(k, n), n) for n in sizes if n]
    ceiling = float(sum(reached) / len(reached))
    return Drawn(
        f"У четырёх пользователей {', '.join(map(str, sizes[:3]))} и 0 тестовых объектов. Какой "
        f"наибольшей средней Recall@{k} может достичь модель? А Recall_min@{k} (делят на "
        "$\\min(k,n)$)? Что делать с четвёртым? В двух статьях на одних данных Recall@20 одной "
        "модели 0,395 и 0,354: какое объяснение проверить первым?",
        f"Наибольшие полноты: {series([float(r) for r in reached], 4)}; среднее {eq(ceiling, 4)}. "
        "Recall_min у каждого может быть 1, и среднее 1. У четвёртого метрика не определена: его "
        "пропускают и сообщают, сколько таких. Первым делом проверить знаменатель: $n$ или "
        "$\\min(k,n)$; без этого сравнили бы определения.",
        (
            "границы для каждого и среднее по трём",
            "пользователя без тестовых объектов пропускают с подсчётом",
            "первое подозрение — разные знаменатели",
        ),
        {"k": k, "sizes": sizes},
        {"ceiling": ceiling},
    )


# ---------------------------------------------------------------------------------------- 09


def holm(values: list[float]) -> list[float]:
    """Вероятности с поправкой Холма, в том же порядке."""
    order = np.argsort(values)
    adjusted, highest = [0.0] * len(values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - place) * values[int(index)]))
        adjusted[int(index)] = highest
    return adjusted


@question("09")
def holm_by_hand(rng: np.random.Generator) -> Drawn:
    """Поправка Холма на четырёх числах."""
    values = [
        whole(rng, 2, 12) / 1000, whole(rng, 14, 24) / 1000,
        whole(rng, 26, 49) / 1000, whole(rng, 60, 300, 20) / 1000,
    ]  # fmt: skip
    values = [values[int(i)] for i in rng.permutation(4)]
    adjusted = holm(values)
    before, after = sum(v < 0.05 for v in values), sum(v < 0.05 for v in adjusted)
    return Drawn(
        f"Четыре модели сравнили с базовой, p-значения {series(values)}. Примените поправку Холма. "
        "Сколько разностей прошли порог 0,05 до поправки и после? Что именно обещает поправка? "
        "Можно ли вместо неё заранее выбрать одно сравнение?",
        f"С поправкой, в том же порядке: {series(adjusted)}. Наименьшее умножают на 4, следующее "
        "на 3 и так далее, не давая числам убывать. "
        f"До поправки прошли {before}, после — {after}. Поправка обещает: вероятность объявить "
        "настоящей хоть одну мнимую разность не больше 0,05. Одно сравнение, выбранное до "
        "просмотра данных, поправки не требует.",
        (
            "множители идут по возрастанию, монотонность соблюдена",
            "число прошедших до и после",
            "смысл: вероятность хотя бы одной ошибки во всём семействе",
        ),
        {"values": values},
        {"adjusted": adjusted, "before": before, "after": after},
    )


@question("09")
def number_of_pairs(rng: np.random.Generator) -> Drawn:
    """Сколько мнимых побед среди равных моделей."""
    models = whole(rng, 8, 16)
    pairs = models * (models - 1) // 2
    false, strict = 0.05 * pairs, 0.05 / pairs
    return Drawn(
        f"{models} моделей на самом деле равны. Сравнили каждую с каждой, порог 0,05. Сколько пар "
        f"в среднем назовут различающимися? Какое p-значение нужно наименьшей паре, чтобы пройти "
        "поправку Холма? A не отличается от B, B не отличается от C: следует ли, что A не "
        "отличается от C?",
        f"Пар {models} · {models - 1} / 2 = {pairs}, в среднем мнимо различаются {num(false, 2)}. "
        f"Наименьшее p-значение умножат на {pairs}, значит нужно $p<{tex(strict, 6)}$. Нет, не "
        "следует: «не видно разницы» — нехватка данных, а не равенство, и оно не переносится по "
        "цепочке. Поэтому группы в таблице перекрываются.",
        (
            "число пар и ожидаемое число мнимых различий",
            "порог для наименьшего p-значения",
            "неразличимость не переносится по цепочке",
        ),
        {"models": models},
        {"pairs": pairs, "false": false, "strict": strict},
    )


@question("09")
def difference_to_p(rng: np.random.Generator) -> Drawn:
    """От парной разности к выводу."""
    error = pick(rng, [0.002, 0.0025, 0.003])
    z = pick(rng, [2.1, 2.2, 2.3, 2.5])
    m = pick(rng, [5, 10, 20])
    difference = z * error
    p = 2 * (1 - float(stats.norm.cdf(z)))
    adjusted = min(1.0, m * p)
    return Drawn(
        f"Парная разность NDCG@10 двух моделей {num(difference, 5)}, её ошибка {num(error, 4)}. "
        f"Найдите $z$ и вероятность $p$ (нормальное распределение). Эта разность — наибольшая из "
        f"{m} вариантов модели, которые сравнили с базовой. Что осталось от вывода? Как следовало "
        "поступить, если вариантов много?",
        f"$z$ {eq(z)}, $p=2(1-\\Phi(|z|))$ {eq(p, 4)}. Наименьшую из {m} вероятностей умножают на "
        f"{m}: {num(adjusted, 3)}, и порога 0,05 она "
        f"{'не проходит' if adjusted >= 0.05 else 'не теряет'}. Лучше выбрать вариант на "
        "валидационной части, закрепить его и один раз проверить на тестовой: тогда сравнение "
        "одно.",
        (
            "$z$ и $p$",
            "поправка на число вариантов и вывод",
            "выбор на валидации, одна проверка на тесте",
        ),
        {"difference": difference, "error": error, "m": m},
        {"z": z, "p": p, "adjusted": adjusted},
    )


@question("09")
def not_dominated(rng: np.random.Generator) -> Drawn:
    """Кого нельзя заменить даром."""
    while True:
        quality = rng.choice(np.arange(90, 210, 5), 5, replace=False) / 1000
        novelty = rng.choice(np.arange(15, 45), 5, replace=False) / 10
        kept = [
            i for i in range(5)
            if not any(quality[j] > quality[i] and novelty[j] > novelty[i] for j in range(5))
        ]  # fmt: skip
        if 2 <= len(kept) <= 3:
            break
    names = [LETTERS[i] for i in kept]
    rows = [[f"**{LETTERS[i]}**", num(quality[i]), num(novelty[i])] for i in range(5)]
    return Drawn(
        "Пять моделей:\n\n"
        + table(["", "NDCG@10", "новизна"], rows)
        + "\n\nКакие модели не вытеснены, то есть ни одна другая не лучше их по обоим числам "
        "сразу? Ошибка парной разности NDCG@10 для любой пары равна 0,004: каких различий в этой "
        "таблице нет? Какая модель лучше?",
        f"Не вытеснены {', '.join(names)}. Любую другую можно заменить, выиграв и в точности, и в "
        "новизне. Разности точности меньше 0,008 (двух ошибок) не установлены: такие пары по "
        "точности неразличимы"
        + _close_pairs(quality)
        + ". Какая лучше, таблица не скажет: она не знает, чего стоит новое; решают цель и "
        "A/B-тест.",
        (
            "список невытесненных",
            "неразличимые пары названы по правилу двух ошибок",
            "выбор зависит от цели, а не от таблицы",
        ),
        {"quality": quality.tolist(), "novelty": novelty.tolist()},
        {"kept": names},
    )


def _close_pairs(quality: np.ndarray) -> str:
    pairs = [
        f"{LETTERS[i]} и {LETTERS[j]}"
        for i in range(len(quality))
        for j in range(i)
        if abs(quality[i] - quality[j]) < 0.008 - 1e-9
    ]
    return f" ({'; '.join(pairs)})" if pairs else " (в этой таблице таких нет)"


@question("09")
def unequal_budget(rng: np.random.Generator) -> Drawn:
    """Чего стоит подбор только своей модели."""
    tries, spread = pick(rng, [10, 20, 40]), pick(rng, [0.004, 0.005, 0.006])
    grid = np.linspace(-8, 8, 16_001)
    density = tries * stats.norm.cdf(grid) ** (tries - 1) * stats.norm.pdf(grid)
    largest = float(np.trapezoid(grid * density, grid))
    gain = spread * largest
    return Drawn(
        "У двух моделей валидационная метрика случайной настройки распределена одинаково и "
        f"нормально, отклонение {num(spread)}. Первую подбирали {tries} попыток, вторую взяли с "
        f"одной случайной настройкой. Среднее наибольшего из {tries} стандартных нормальных чисел "
        f"— {num(largest, 2)}. Какой перевес на валидации выйдет в среднем? Весь ли он дойдёт до "
        "теста? Как сравнивать честно?",
        f"Перевес {num(spread)} · {num(largest, 2)} {eq(gain, 4)} при равных моделях. До теста "
        f"дойдёт только та часть, что отражает настоящую разницу настроек; часть, которая возникла "
        f"из шума валидации, пропадёт. Честно: обеим одно и то же число попыток на одной "
        f"валидационной части, выбранное закрепить и один раз проверить на тестовой.",
        (
            "величина перевеса",
            "часть перевеса — шум валидации и на тесте пропадает",
            "равный бюджет обеим, и базовой тоже",
        ),
        {"tries": tries, "spread": spread},
        {"largest": round(largest, 2), "gain": gain},
    )


# ---------------------------------------------------------------------------------------- 10


@question("10")
def detectable(rng: np.random.Generator) -> Drawn:
    """Различимая разность до первой модели."""
    users, spread = pick(rng, [150, 300, 500, 800]), pick(rng, [0.15, 0.2, 0.25])
    goal = pick(rng, [0.005, 0.01])
    border = 1.96 * math.sqrt(2) * spread / math.sqrt(users)
    needed = math.ceil(round(2 * (1.96 * spread / goal) ** 2, 6))
    return Drawn(
        f"В вашем файле {users} проверяемых покупателей, NDCG@10 популярного различается между "
        f"ними с отклонением {num(spread)}. Какую разность двух моделей эти данные покажут с "
        f"запасом: $\\Delta=1{{,}}96\\sqrt{{2}}\\,s/\\sqrt{{n}}$? Сколько покупателей нужно для "
        f"разности {num(goal)}? Почему настоящий порог может оказаться ниже?",
        f"$\\Delta$ {eq(border, 4)}. Из той же формулы $n=2(1{{,}}96\\,s/\\delta)^2$, с "
        f"округлением вверх {num(needed)}. Порог взят с запасом: $\\sqrt{{2}}$ предполагает "
        f"независимые ошибки двух моделей, а люди общие; у похожих моделей парная разность точнее. "
        f"Считать надо до обучения: иначе порог подгонят под ответ.",
        (
            "порог по формуле",
            "нужное число людей, округлено вверх",
            "парность: у похожих моделей ошибки общие",
        ),
        {"users": users, "spread": spread, "goal": goal},
        {"border": border, "needed": needed},
    )


@question("10")
def returns(rng: np.random.Generator) -> Drawn:
    """Возврат — не покупка."""
    while True:
        rows = [
            (f"П{int(u) + 1}", LETTERS[int(i)], int(c))
            for u, i, c in zip(
                rng.integers(0, 2, 8), rng.integers(0, 3, 8),
                rng.choice([1, 1, 2, 3, -1, -2], 8), strict=True,
            )
        ]  # fmt: skip
        sums: dict[tuple[str, str], int] = {}
        for user, item, count in rows:
            sums[user, item] = sums.get((user, item), 0) + count
        bought = sorted(pair for pair, total in sums.items() if total > 0)
        if 1 < len(bought) <= len(sums) - 2:
            break
    lines = [[str(n), u, i, num(c)] for n, (u, i, c) in enumerate(rows, start=1)]
    return Drawn(
        "Выгрузка кассы; отрицательное количество — возврат:\n\n"
        + table(["строка", "покупатель", "товар", "количество"], lines)
        + "\n\nКакие пары «покупатель, товар» станут единицами в $X$? Сколько единиц вышло бы, "
        "если считать событием каждую строку? Почему эту ошибку не видно по метрике?",
        "Складываем количества пары и берём положительные суммы: "
        + ", ".join(f"{u}–{i}" for u, i in bought)
        + f" — {len(bought)}. По строкам вышло бы {len(sums)}. Метрика может и не упасть: "
        f"возвращённое попадёт и в обучение, и в тестовую часть, и модель станет угадывать то, от "
        f"чего человек отказался. Ошибку ловит осмотр файла: сколько строк отложено и почему.",
        (
            "пары с положительной суммой",
            "число единиц без учёта возвратов",
            "ошибка входит и в ответ, поэтому метрика её не выдаёт",
        ),
        {"rows": [list(row) for row in rows]},
        {"bought": len(bought), "naive": len(sums)},
    )


@question("10")
def day_and_month(rng: np.random.Generator) -> Drawn:
    """День и месяц поменялись местами."""
    year, first = pick(rng, [2023, 2024, 2025]), whole(rng, 1, 7)
    months = range(first, first + 6)
    days = sum(calendar.monthrange(year, month)[1] for month in months)
    swapped = sum(1 for month in months for day in range(1, 13) if day != month)
    return Drawn(
        f"Даты записаны как ДД.ММ.ГГГГ, файл охватывает каждый день с {first}-го по "
        f"{first + 5}-й месяц {year} года. Программа читает первым месяц, а если такого месяца "
        f"нет, молча меняет число и месяц местами. Сколько из этих дней прочтены неверно, а "
        f"сколько — верно? Что станет с разбиением по времени и какая проверка это найдёт?",
        "Неверно прочтены дни с числом от 1 до 12, кроме тех, где число равно месяцу: 6 месяцев по "
        f"11 дней, {swapped} из {days}; верно — {days - swapped}. Часть будущего окажется в "
        f"прошлом: срез по дате перемешает обучающую и тестовую части, и модель увидит ответы. "
        f"Находит проверка границ: появляются месяцы, которых в файле быть не может. Лечит явный "
        f"формат даты.",
        (
            "число дней: по 11 на месяц",
            "последствие — утечка будущего через срез",
            "проверка охвата дат или явный формат",
        ),
        {"year": year, "first": first},
        {"swapped": swapped, "right": days - swapped},
    )


@question("10")
def below_threshold(rng: np.random.Generator) -> Drawn:
    """Разность меньше порога, но больше двух ошибок."""
    border = pick(rng, [0.016, 0.02, 0.024])
    error = pick(rng, [0.003, 0.004])
    z = pick(rng, [1.2, 1.5, 2.5, 3.0])
    difference = z * error
    popular = pick(rng, [0.11, 0.12, 0.13])
    seen = z > 2
    return Drawn(
        f"До обучения посчитали различимую разность: {num(border)}. На тесте у популярного NDCG@10 "
        f"{num(popular)}, у EASE {num(popular + difference, 4)}, ошибка парной разности "
        f"{num(error)}. Студент пишет: «разность меньше различимой, модели равны». Прав ли он? "
        "Сколько ошибок в разности? Что написать в отчёте?",
        f"Не прав: порог взят с запасом и о равенстве не говорит. Разность {num(difference, 4)} "
        f"больше своей парной ошибки в {times(z)}: "
        + (
            "порог двух ошибок пройден: разность установлена, EASE лучше популярного. Оценка до "
            "опыта была осторожной, потому что ошибки моделей общие. "
            if seen
            else "двух ошибок нет, разница не видна. Это значит «данных мало», а не «модели "
            "равны». "
        )
        + "В отчёте — разность с её ошибкой и число людей.",
        (
            "отношение разности к парной ошибке",
            "вывод по правилу двух ошибок",
            "порог с запасом; «не видно» не значит «равны»",
        ),
        {"border": border, "error": error, "difference": difference, "popular": popular},
        {"difference": difference, "z": z},
    )


@question("10")
def simplest_of_equal(rng: np.random.Generator) -> Drawn:
    """Самая простая из тех, кто не отличается от первой."""
    names = ["популярное", "Item-KNN", "EASE", "iALS", "MultiVAE"]
    while True:
        z = np.array([rng.integers(40, 90), rng.integers(5, 45), rng.integers(3, 35), 0, 0]) / 10
        z[4] = rng.integers(2, 18) / 10
        place = int(rng.integers(2))
        if place:  # первой стоит сеть
            z[3], z[4] = z[4], 0.0
        errors = np.array([4.0, *rng.choice([2.0, 2.5, 3.0], 4)]) / 1000
        gaps = np.round(z * errors, 4)
        ratio = gaps / errors
        best, chosen = int(np.argmin(gaps)), next(i for i in range(5) if ratio[i] < 2)
        if np.all(np.abs(ratio - 2) > 0.15) and chosen < best:
            break
    rows = [
        [name, "—", "—"] if i == best else [name, num(gaps[i], 4), num(errors[i], 4)]
        for i, name in enumerate(names)
    ]
    close = [n for n, r in zip(names, ratio, strict=True) if 0 < r < 1]
    equal = [name for name, r in zip(names, ratio, strict=True) if r < 2]
    return Drawn(
        f"Первой в таблице стоит {names[best]}. На сколько отстают остальные (строки — от простой "
        "модели к сложной):\n\n"
        + table(["модель", "отставание", "его ошибка"], rows)
        + "\n\nКакие модели от первой не отличаются? Какую взять и почему не первую? Что "
        "изменилось бы, будь покупателей вчетверо больше, а отставания те же?",
        f"Не отличаются (меньше двух ошибок): {', '.join(equal)}. Взять самую простую из них: "
        f"{names[chosen]}. Её дешевле учить, объяснять и чинить, а место первой — случай. При "
        "вчетверо большем числе людей ошибки стали бы вдвое меньше; не отличались бы от первой: "
        + (", ".join(close) if close else "никто")
        + ".",
        (
            "группа неразличимых с первой",
            "выбрана самая простая из группы",
            "ошибка убывает как корень из числа людей",
        ),
        {"gaps": gaps.tolist(), "errors": errors.tolist()},
        {"chosen": names[chosen]},
    )
