"""Вопросы о соседях и линейных моделях: уроки 01–05."""

import math
from fractions import Fraction

import numpy as np

from course.exam.base import (
    Drawn,
    eq,
    num,
    pick,
    plural,
    question,
    series,
    square,
    table,
    tex,
    times,
    whole,
)

LETTERS = "ABCDEF"


def _solve(matrix: list[list[Fraction]], right: list[Fraction]) -> tuple[Fraction, Fraction]:
    """Система двух уравнений по правилу Крамера, в точных дробях."""
    (a, b), (c, d) = matrix
    det = a * d - b * c
    return (right[0] * d - b * right[1]) / det, (a * right[1] - right[0] * c) / det


def _gram(rng: np.random.Generator, users: int) -> list[list[int]]:
    """Матрица Грама трёх фильмов без пустых и одинаковых столбцов."""
    while True:
        x = rng.integers(0, 2, (users, 3))
        gram = x.T @ x
        pairs = [gram[0, 1], gram[0, 2], gram[1, 2]]
        if min(pairs) >= 1 and len(set(np.diag(gram))) > 1 and len({tuple(c) for c in x.T}) == 3:
            return [[int(v) for v in row] for row in gram]


# ---------------------------------------------------------------------------------------- 01


@question("01")
def shrinkage(rng: np.random.Generator) -> Drawn:
    """Сколько сжатия нужно, чтобы случайная пара уступила надёжной."""
    rare = pick(rng, [1, 2])
    common = whole(rng, 30, 60, 5)
    n_i, n_j = common + whole(rng, 5, 30, 5), common + whole(rng, 20, 60, 10)
    norm = math.sqrt(n_i * n_j)
    cosine, h = common / norm, pick(rng, [5, 10, 20])
    border = rare * (norm - common) / (common - rare)
    rare_h, common_h = rare / (rare + h), common / (norm + h)
    return Drawn(
        f"Пару фильмов P смотрели одни и те же {plural(rare, 'человек', 'человека', 'человек')} и "
        f"больше никто. У пары Q {n_i} и {n_j} зрителей, общих {common}. Найдите косинусы обеих "
        f"пар и сходства со сжатием $h={h}$ в знаменателе, $s=n_{{ij}}/(\\sqrt{{n_in_j}}+h)$. При "
        "каком $h$ сходства равны? Почему не взять косинус как есть?",
        f"Косинус P 1, косинус Q {eq(cosine)}. При $h={h}$: P {eq(rare_h)}, Q {eq(common_h)}. "
        f"Равенство при $h={rare}(\\sqrt{{n_in_j}}-{common})/({common}-{rare})$ {eq(border)}; при "
        "большем $h$ выше Q. Косинус 1 у P получен из "
        f"{'одного наблюдения' if rare == 1 else 'двух наблюдений'}: такое совпадение легко "
        "случается наугад, а сходство Q держится на десятках зрителей.",
        (
            "косинусы и сжатые сходства",
            "граничное $h$",
            "причина: малое число наблюдений за сходством",
        ),
        {"rare": rare, "common": common, "n_i": n_i, "n_j": n_j, "h": h},
        {"cosine": cosine, "rare_h": rare_h, "common_h": common_h, "border": border},
    )


@question("01")
def two_truncations(rng: np.random.Generator) -> Drawn:
    """Отсечение по источнику и по цели."""
    while True:
        values = rng.choice(np.arange(5, 95, 5), 6, replace=False) / 100
        s = np.zeros((4, 4))
        s[np.triu_indices(4, 1)] = values
        s += s.T
        best = s.max(1, keepdims=True)
        source, target = np.where(s == best, s, 0), np.where(s == best.T, s, 0)
        history, rest = [0, 1], [2, 3]
        by_source, by_target = source[history].sum(0)[rest], target[history].sum(0)[rest]
        if (by_source + by_target).all() and not np.array_equal(by_source, by_target):
            break
    return Drawn(
        "Сходства четырёх фильмов:\n\n"
        + square(s.tolist(), LETTERS[:4], "$S$", 2)
        + "\n\nЗритель видел A и B. Посчитайте баллы C и D при отсечении с $K=1$ по источнику "
        "(фильм истории голосует только за ближайшего соседа) и по цели (за советуемый фильм "
        "голосует только его ближайший сосед). При каком $K$ два вида совпадут? У какого вида "
        "непопулярный фильм может остаться без единого голоса?",
        f"По источнику: C {eq(by_source[0], 2)}, D {eq(by_source[1], 2)}. По цели: C "
        f"{eq(by_target[0], 2)}, D {eq(by_target[1], 2)}. В матрице отсечение по источнику "
        "оставляет $K$ чисел в строке, по цели — в столбце; при $K=I$ (на деле $K=I-1$) отсекать "
        "нечего, и обе равны симметричной $S$. Без голосов фильм может остаться при отсечении по "
        "источнику: он ни у кого не ближайший; по цели за каждый голосуют его $K$ соседей.",
        (
            "баллы по источнику: наибольшее в строке",
            "баллы по цели: наибольшее в столбце",
            "совпадение при полном $K$; кто теряет все голоса",
        ),
        {"s": s.tolist()},
        {
            "source_c": float(by_source[0]), "source_d": float(by_source[1]),
            "target_c": float(by_target[0]), "target_d": float(by_target[1]),
        },
    )  # fmt: skip


@question("01")
def user_weight(rng: np.random.Generator) -> Drawn:
    """Вес зрителя в TF-IDF."""
    n_items = pick(rng, [500, 1000, 1500])
    few, many = pick(rng, [9, 19]), pick(rng, [199, 299, 399])
    w_few, w_many = math.log(n_items / (1 + few)), math.log(n_items / (1 + many))
    ratio = (w_few / w_many) ** 2
    return Drawn(
        f"В каталоге {n_items} фильмов. Один зритель посмотрел {few}, другой — {many}. Найдите их "
        "веса $w_u=\\ln\\frac{I}{1+|I_u|}$. Во сколько раз общий зритель первого рода добавляет к "
        "$G_{ij}$ больше, чем второго, если взаимодействия взвешены? Что даст эта формула зрителю, "
        "который посмотрел все фильмы, кроме одного? Изменится ли список зрителя, если его историю "
        "умножить на его вес?",
        f"Веса {num(w_few)} и {num(w_many)}. В произведение столбцов вес входит дважды, поэтому "
        f"вклады отличаются в $(w_1/w_2)^2$ раз, {eq(ratio, 2)}. У зрителя с $|I_u|=I-1$ вес "
        "$\\ln1=0$: он не учитывается вовсе. Список не изменится: все баллы умножатся на одно "
        "положительное число. Вес важен при подсчёте сходств.",
        (
            "оба веса",
            "отношение вкладов — квадрат отношения весов",
            "вес 0 у почти полного зрителя; список не меняется",
        ),
        {"n_items": n_items, "few": few, "many": many},
        {"w_few": w_few, "w_many": w_many, "ratio": ratio},
    )


@question("01")
def voters(rng: np.random.Generator) -> Drawn:
    """Кому достаются голоса."""
    n_items, k = pick(rng, [1000, 1200, 1600]), pick(rng, [50, 100])
    top, share = pick(rng, [100, 150]), pick(rng, [0.3, 0.4, 0.5])
    total = n_items * k
    popular, others = share * total / top, (1 - share) * total / (n_items - top)
    return Drawn(
        f"В каталоге {n_items} фильмов, после отсечения у каждого источника $K={k}$ соседей. "
        f"{top} самых популярных фильмов собрали {num(100 * share)} % всех голосов. Сколько "
        f"голосов в среднем у популярного и у остальных? Сколько было бы у каждого при отсечении "
        f"по цели? Как это сказывается на том, что советует модель?",
        f"Всего голосов $IK={n_items}\\cdot{k}$ = {num(total)}. У популярного "
        f"{num(share * total, 0)} / {top} {eq(popular, 1)}, у остальных в среднем "
        f"{num(others, 1)}. По цели у каждого ровно {k}. При отсечении по источнику популярные "
        f"стоят в соседях у многих и набирают баллы у всех зрителей: советы смещаются к "
        f"популярному, редкому фильму голосовать некому.",
        (
            "общее число голосов и два средних",
            "по цели — ровно $K$ у каждого",
            "связь со смещением к популярному",
        ),
        {"n_items": n_items, "k": k, "top": top, "share": share},
        {"total": total, "popular": popular, "others": others},
    )


@question("01")
def active_users(rng: np.random.Generator) -> Drawn:
    """Чего стоят очень активные зрители."""
    small, big = pick(rng, [20, 30, 40]), pick(rng, [600, 800, 1000])
    n_small, n_big = pick(rng, [900, 1900, 2900]), pick(rng, [50, 100])
    ones = n_small * small + n_big * big
    pairs = (n_small * small**2 + n_big * big**2) / 2
    share_ones, share_pairs = n_big * big / ones, n_big * big**2 / 2 / pairs
    after = (n_small * small**2 + n_big * 100**2) / 2
    return Drawn(
        f"{num(n_small)} зрителей оценили по {small} фильмов, ещё {n_big} — по {num(big)}. Матрицу "
        "Грама считают по историям: каждая пара фильмов одной истории — одно сложение, с учётом "
        "симметрии $\\frac{1}{2}\\sum_u|I_u|^2$. Сколько сложений нужно? Какую долю взаимодействий "
        "и какую долю работы приносят активные? Что даст и кому повредит, если взять у каждого "
        "активного только сто случайных фильмов?",
        f"Сложений {num(pairs, 0)}. Активные дают {num(100 * share_ones, 1)} % взаимодействий и "
        f"{num(100 * share_pairs, 1)} % работы: под суммой квадрат. Если оставить им по сотне, "
        f"сложений станет {num(after, 0)}, в {times(pairs / after, 1)} меньше. Пострадают редкие "
        "фильмы: их зрители — чаще всего активные, и без них общих зрителей не останется.",
        (
            "число сложений",
            "обе доли и причина различия: квадрат",
            "последствие для редких фильмов",
        ),
        {"small": small, "big": big, "n_small": n_small, "n_big": n_big},
        {
            "pairs": pairs,
            "share_ones": 100 * share_ones,
            "share_pairs": 100 * share_pairs,
            "after": after,
        },
    )


# ---------------------------------------------------------------------------------------- 02


@question("02")
def basket_weights(rng: np.random.Generator) -> Drawn:
    """Вес корзины в векторе привычек."""
    m = pick(rng, [2, 3])
    n = m * pick(rng, [1, 2]) + whole(rng, 1, m - 1)
    r_b, r_g = (
        pick(rng, [Fraction(1, 2), Fraction(2, 3)]),
        pick(rng, [Fraction(1, 2), Fraction(1, 3)]),
    )
    base, extra = divmod(n, m)
    sizes = [base] * (m - extra) + [base + 1] * extra
    weights = [
        r_b ** (size - i) * r_g ** (m - j) / (m * size)
        for j, size in enumerate(sizes, start=1)
        for i in range(1, size + 1)
    ]
    return Drawn(
        f"У покупателя {plural(n, 'корзина', 'корзины', 'корзин')}. TIFU-KNN (вариант статьи) "
        f"делит их на $m={m}$ {'группы' if m < 5 else 'групп'}; затухание внутри группы "
        f"$r_b={tex(r_b)}$, между группами $r_g={tex(r_g)}$. Сколько корзин в каждой группе, если "
        f"лишние достаются поздним? Найдите веса всех корзин, от старой к новой. Какой вектор "
        f"получится при $r_b=r_g=1$, если корзин в группах поровну?",
        f"Группы: {', '.join(map(str, sizes))}. Вес $i$-й корзины группы $j$ равен "
        "$r_b^{\\tau_j-i}\\,r_g^{m-j}/(m\\tau_j)$: "
        + ", ".join(f"${tex(w)}$" for w in weights)
        + ". Без затухания и с равными группами у всех вес $1/n$: это доля корзин, в которых был "
        "товар, то есть личная частота.",
        (
            "размеры групп",
            "веса: оба затухания и оба усреднения",
            "без затухания — личная частота",
        ),
        {"n": n, "m": m, "r_b": str(r_b), "r_g": str(r_g)},
        {"weights": weights},
    )


@question("02")
def nearest_and_mix(rng: np.random.Generator) -> Drawn:
    """Ближайший покупатель и смесь."""
    goods = ["хлеб", "молоко", "яблоки", "сыр"]
    while True:
        own, first, second = (
            [Fraction(int(v), 8) for v in rng.integers(0, 6, 4)] for _ in range(3)
        )
        own[3] = Fraction(0)
        far = [
            sum((a - b) ** 2 for a, b in zip(own, other, strict=True)) for other in (first, second)
        ]
        near = first if far[0] < far[1] else second
        alpha = pick(rng, [Fraction(1, 2), Fraction(3, 4)])
        mixed = [alpha * a + (1 - alpha) * b for a, b in zip(own, near, strict=True)]
        if far[0] != far[1] and near[3] > 0 and len(set(mixed)) == 4 and any(own[:3]):
            break
    order = sorted(range(4), key=lambda i: -mixed[i])
    name = "Боря" if near is first else "Вера"
    people = {"Оля": own, "Боря": first, "Вера": second}
    rows = [[f"**{who}**", *(f"${tex(v)}$" for v in vector)] for who, vector in people.items()]
    return Drawn(
        "Векторы привычек:\n\n"
        + table(["", *goods], rows)
        + f"\n\nКто ближе к Оле по евклидову расстоянию? Составьте для неё список при $K=1$ и "
        f"$\\alpha={tex(alpha)}$. Почему купленное из списка не убирают? Почему расстояние здесь "
        "евклидово, а не косинусное?",
        f"Квадраты расстояний до Бори и до Веры: ${tex(far[0])}$ и ${tex(far[1])}$; ближе {name}. "
        "Смесь $\\alpha v_u+(1-\\alpha)\\bar v_u$: "
        + ", ".join(f"{g} ${tex(v)}$" for g, v in zip(goods, mixed, strict=True))
        + f". Список: {', '.join(goods[i] for i in order)}. Большая часть следующей корзины — "
        "повторные покупки, убрать их значит запретить верные ответы. Косинус забыл бы, как часто "
        "человек покупает: важны и размах частот, и пропорции.",
        (
            "расстояния и выбор соседа",
            "смесь и порядок товаров",
            "повторы — ответ; длина вектора несёт частоту",
        ),
        {"vectors": [[str(v) for v in vector] for vector in people.values()], "alpha": str(alpha)},
        {"far": far, "mixed": mixed},
    )


@question("02")
def short_history(rng: np.random.Generator) -> Drawn:
    """Статья и код авторов на короткой истории."""
    n, m = pick(rng, [2, 3]), pick(rng, [5, 6, 7])
    r_b, r_g = Fraction(1, 2), pick(rng, [Fraction(1, 2), Fraction(2, 3)])
    paper = [r_g ** (n - i) / n for i in range(1, n + 1)]
    code = [r_b ** (n - i) * r_g ** (m - i) / n for i in range(1, n + 1)]
    factor = r_g ** (m - n)
    return Drawn(
        f"У покупателя {n} корзины, задано $m={m}$ групп, $r_b={tex(r_b)}$, $r_g={tex(r_g)}$. "
        f"Корзин меньше, чем групп, и каждая становится отдельной группой. В статье показатель "
        f"$r_g$ считают от настоящего числа групп, $r_b$ действует только внутри группы. В коде "
        f"авторов показатель $r_g$ отсчитан от $m$, а $r_b$ — от последней корзины всей истории. "
        f"Найдите веса корзин в обоих вариантах. Чем вариант кода меняет соседей этого покупателя?",
        "Статья: "
        + ", ".join(f"${tex(w)}$" for w in paper)
        + "; код: "
        + ", ".join(f"${tex(w)}$" for w in code)
        + f". Даже последняя корзина в коде весит в $r_g^{{m-n}}={tex(factor)}$ от веса статьи, "
        f"весь вектор короче. Евклидово расстояние смотрит на длину, поэтому в соседи попадут "
        f"такие же короткие истории, что бы в них ни лежало; в смеси мала и собственная часть.",
        (
            "веса варианта статьи",
            "веса варианта кода",
            "короткий вектор меняет соседей и смесь",
        ),
        {"n": n, "m": m, "r_b": str(r_b), "r_g": str(r_g)},
        {"paper": paper, "code": code, "factor": factor},
    )


@question("02")
def two_recalls(rng: np.random.Generator) -> Drawn:
    """Полнота повторных и новых покупок."""
    size = pick(rng, [12, 15, 20])
    old = whole(rng, size // 2 + 1, size - 3)
    hit_old, hit_new = whole(rng, 3, 6), whole(rng, 1, 2)
    new = size - old
    recall, old_recall, new_recall = (hit_old + hit_new) / size, hit_old / old, hit_new / new
    ceiling, only_new = 10 / size, min(10, new) / size
    return Drawn(
        f"В следующей корзине {size} товаров, {old} из них семья покупала раньше. В списке из "
        f"десяти угаданы "
        f"{plural(hit_old, 'повторная покупка', 'повторные покупки', 'повторных покупок')} и "
        f"{plural(hit_new, 'новая', 'новые', 'новых')}. Найдите Recall@10, полноту повторных и "
        f"полноту новых, каждую к своему числу. Какой наибольшей Recall@10 можно достичь? А если "
        f"купленное раньше убрать из списка? О чём говорит такое падение?",
        f"Recall@10 {eq(recall)}; повторных {eq(old_recall)}, новых {eq(new_recall)}. Наибольшее "
        f"значение 10/{size} {eq(ceiling)}. Без купленного останутся {new} верных ответов, и "
        f"больше {num(only_new)} не набрать. Падение говорит не о модели: ей запретили отвечать на "
        "большую часть вопроса. Новые покупки — отдельная задача с отдельной метрикой.",
        (
            "три полноты со своими знаменателями",
            "обе верхние границы",
            "падение вызвано вопросом, а не моделью",
        ),
        {"size": size, "old": old, "hit_old": hit_old, "hit_new": hit_new},
        {
            "recall": recall, "old_recall": old_recall, "new_recall": new_recall,
            "ceiling": ceiling, "only_new": only_new,
        },
    )  # fmt: skip


@question("02")
def mean_or_sum(rng: np.random.Generator) -> Drawn:
    """Средняя частота вместо суммы."""
    weeks, once = whole(rng, 6, 12), pick(rng, [3, 4, 5])
    milk = [int(v) for v in rng.choice([1, 1, 1, 2], weeks)]
    total, mean = sum(milk), sum(milk) / weeks
    return Drawn(
        "Покупки сложили по неделям, а потом собрали в таблицу «семья — товар» через `pivot_table` "
        "без `aggfunc`. Молоко семья брала "
        f"{plural(weeks, 'неделю', 'недели', 'недель')} подряд: {', '.join(map(str, milk))} "
        f"пакетов. Гирлянду — один раз, {plural(once, 'штуку', 'штуки', 'штук')}. Какие числа "
        f"окажутся в таблице? Какие нужны? Какой товар модель сочтёт привычным и почему ошибку не "
        f"видно по форме таблицы?",
        f"По умолчанию берётся среднее: молоко {eq(mean, 2)}, гирлянда = {once}. Нужна сумма: "
        f"{total} и {once}. Со средним привычной окажется гирлянда: среднее по неделям, в "
        "которые товар брали, забыло, сколько было таких недель. Форма таблицы и имена те же, "
        "ошибки нет; находит её сверка суммы всей таблицы с числом покупок.",
        (
            "средние и суммы",
            "частота потеряна: одна покупка обошла многие",
            "проверка: сумма таблицы равна числу покупок",
        ),
        {"milk": milk, "once": once},
        {"mean": mean, "total": total},
    )


# ---------------------------------------------------------------------------------------- 03


@question("03")
def fold_in(rng: np.random.Generator) -> Drawn:
    """Вектор нового зрителя: зачем слагаемое по всем ячейкам."""
    while True:
        q = [[int(v) for v in row] for row in rng.integers(0, 3, (3, 2))]
        if all(any(row) for row in q) and len({tuple(r) for r in q}) == 3:
            half = Fraction(1, 2)
            all_items = [[sum(r[f] * r[g] for r in q) for g in range(2)] for f in range(2)]
            own = [[q[0][f] * q[0][g] for g in range(2)] for f in range(2)]
            system = [
                [own[f][g] + half * all_items[f][g] + (half if f == g else 0) for g in range(2)]
                for f in range(2)
            ]
            wrong = [
                [own[f][g] + (half if f == g else Fraction(0)) for g in range(2)] for f in range(2)
            ]
            right = [Fraction(v) for v in q[0]]
            p, p_wrong = _solve(system, right), _solve(wrong, right)
            scores = [p[0] * r[0] + p[1] * r[1] for r in q]
            scores_wrong = [p_wrong[0] * r[0] + p_wrong[1] * r[1] for r in q]
            if all(scores_wrong) and len(set(scores)) == 3:
                break
    vectors = "; ".join(f"{c} $({r[0]},\\,{r[1]})$" for c, r in zip("ABC", q, strict=True))
    return Drawn(
        f"Векторы трёх фильмов: {vectors}. Зритель видел только A. Найдите его вектор $p$ и баллы "
        "всех фильмов одним полупроходом iALS: $\\alpha_0=\\frac{1}{2}$, "
        "$\\lambda_u=\\frac{1}{2}$. Какими станут баллы, если забыть слагаемое "
        "$\\alpha_0Q^\\top Q$? Что это слагаемое говорит о пустых ячейках?",
        "Система $(q_Aq_A^\\top+\\frac{1}{2}Q^\\top Q+\\frac{1}{2}E)\\,p=q_A$ даёт "
        f"$p=({tex(p[0])},\\ {tex(p[1])})$, баллы "
        + ", ".join(f"${tex(s)}$" for s in scores)
        + ". Без слагаемого по всем ячейкам баллы "
        + ", ".join(f"${tex(s)}$" for s in scores_wrong)
        + ". Оно просит баллы всех фильмов быть близкими к нулю, но с малым весом: пустая ячейка — "
        "слабое свидетельство «против», а не отсутствие сведений. Без него большой балл ничего не "
        "стоит, и модель обещает его многим.",
        (
            "система и вектор зрителя",
            "баллы с забытым слагаемым",
            "смысл: пустое учтено с малым весом",
        ),
        {"q": q},
        {"p": list(p), "scores": scores, "scores_wrong": scores_wrong},
    )


@question("03")
def two_notations(rng: np.random.Generator) -> Drawn:
    """Вес ненаблюдавшегося и степень уверенности."""
    alpha0 = pick(rng, [Fraction(1, 4), Fraction(1, 5), Fraction(1, 10), Fraction(1, 2)])
    l2 = pick(rng, [2, 4, 6])
    alpha, regularization = 1 + 1 / alpha0, l2 * (1 + alpha0) / alpha0
    best = 1 / (1 + alpha0)
    return Drawn(
        f"В записи урока iALS обучена с $\\alpha_0={tex(alpha0)}$, $\\lambda_2={l2}$, $\\nu=0$, "
        "взаимодействия — единицы. Заполненная ячейка платит $(y-1)^2+\\alpha_0y^2$. При каком "
        "балле $y$ эта плата наименьшая? Во сколько раз заполненная ячейка весит больше пустой? "
        "Какие `alpha` и `regularization` задать в implicit, чтобы получить ту же задачу? Совпадут "
        "ли сами баллы и списки?",
        f"Наименьшая при $y=1/(1+\\alpha_0)={tex(best)}$. Выделив полный квадрат, получим вес "
        f"$1+\\alpha_0$ против $\\alpha_0$ у пустой: в $1+1/\\alpha_0={tex(alpha)}$ раз больше. "
        f"Это и есть `alpha`; `regularization` "
        f"$=\\lambda_2(1+\\alpha_0)/\\alpha_0={tex(regularization)}$. Если начальные векторы "
        f"согласованы, баллы отличаются множителем $1+\\alpha_0$; порядок тот же, и списки "
        f"совпадут.",
        (
            "балл с наименьшей платой и отношение весов",
            "оба параметра перевода",
            "баллы пропорциональны, списки те же",
        ),
        {"alpha0": str(alpha0), "l2": l2},
        {"best": best, "alpha": alpha, "regularization": regularization},
    )


@question("03")
def frequency_scaling(rng: np.random.Generator) -> Drawn:
    """Штраф, растущий с активностью."""
    n_items, alpha0 = pick(rng, [1000, 1500, 2000]), pick(rng, [0.1, 0.2])
    few, many = pick(rng, [10, 20]), pick(rng, [300, 500])
    w_few, w_many = few + alpha0 * n_items, many + alpha0 * n_items
    ratio, root = w_many / w_few, math.sqrt(w_many / w_few)
    return Drawn(
        f"В iALS штраф зрителя $\\lambda_u=\\lambda_2w_u^\\nu$, где $w_u=|I_u|+\\alpha_0I$. В "
        f"каталоге {n_items} фильмов, $\\alpha_0={tex(alpha0)}$; у двух зрителей {few} и {many} "
        "взаимодействий. Во сколько раз штраф второго больше при $\\nu=0$, $\\frac{1}{2}$ и 1? "
        "Зачем штрафу расти с активностью? Можно ли перенести $\\lambda_2$, подобранный при "
        "$\\nu=1$, на $\\nu=0$?",
        f"$w_u$: {num(w_few)} и {num(w_many)}. Отношения штрафов: {series([1, root, ratio])}. "
        "Сумма квадратов активного зрителя растёт с числом взаимодействий, и постоянный штраф стал "
        "бы для него незаметен; при $\\nu=1$ каждая ячейка приносит свою долю штрафа. Переносить "
        "нельзя: при том же $\\lambda_2$ штраф с $\\nu=1$ больше в $w_u$ раз, а это сотни.",
        (
            "веса и три отношения",
            "штраф соразмерен сумме, которую сдерживает",
            "$\\lambda_2$ при разных $\\nu$ — разные величины",
        ),
        {"n_items": n_items, "alpha0": alpha0, "few": few, "many": many},
        {"w_few": w_few, "w_many": w_many, "root": root, "ratio": ratio},
    )


@question("03")
def gram_trick(rng: np.random.Generator) -> Drawn:
    """Сумма по всем ячейкам через две матрицы Грама."""
    p, q = ([[int(v) for v in row] for row in rng.integers(1, 4, (3, 2))] for _ in range(2))
    pp, qq = ([[sum(r[f] * r[g] for r in m) for g in range(2)] for f in range(2)] for m in (p, q))
    total = sum(pp[f][g] * qq[f][g] for f in range(2) for g in range(2))
    users, items, d = pick(rng, [50_000, 100_000]), pick(rng, [10_000, 20_000]), pick(rng, [32, 64])
    direct, short = users * items * d, (users + items) * d**2
    ratio = direct / short

    def show(matrix: list[list[int]]) -> str:
        return "; ".join(f"$({a},\\,{b})$" for a, b in matrix)

    return Drawn(
        f"Векторы зрителей: {show(p)}. Векторы фильмов: {show(q)}. Найдите сумму "
        "$\\sum_{u,i}(p_u^\\top q_i)^2$ по всем девяти ячейкам, не вычисляя таблицы баллов, через "
        f"$P^\\top P$ и $Q^\\top Q$. Во сколько раз меньше умножений при {num(users)} зрителей, "
        f"{num(items)} фильмов и $d={d}$? Почему без этого приёма iALS не могла бы учитывать "
        f"пустые ячейки?",
        f"$P^\\top P$: {show(pp)}; $Q^\\top Q$: {show(qq)}. Сумма произведений соответственных "
        f"ячеек = {total}. Напрямую $UId$ умножений, через матрицы Грама $(U+I)d^2$: в "
        f"{times(ratio, 0)} меньше. Пустых ячеек почти $UI$; приём сводит их все к матрице "
        f"$d\\times d$, которая в системе каждого зрителя одна и та же.",
        (
            "обе матрицы Грама и сумма",
            "отношение числа умножений",
            "пустые ячейки сведены к одной матрице $d\\times d$",
        ),
        {"p": p, "q": q, "users": users, "items": items, "d": d},
        {"total": total, "ratio": round(ratio)},
    )


@question("03")
def monotone_loss(rng: np.random.Generator) -> Drawn:
    """Полупроход не может поднять потери."""
    a, b = whole(rng, 2, 5), whole(rng, 1, 4)
    start = whole(rng, 6, 9)
    best, now = Fraction(b, a), Fraction(start)
    low, loss = -Fraction(b * b, a), a * now * now - 2 * b * now
    return Drawn(
        "Потери iALS как функция вектора одного зрителя ($d=1$, всё остальное закреплено): "
        f"$f(p)={a}p^2-{2 * b}p$. Сейчас $p={start}$. Найдите $p$ после полупрохода и уменьшение "
        f"потерь. Почему потери не растут ни на одном полупроходе, хотя по $P$ и $Q$ вместе "
        f"функция не выпукла? О чём говорит кривая потерь, которая однажды поднялась? Значит ли "
        f"невозрастание, что найден лучший минимум?",
        f"Точный минимум параболы $p={tex(best)}$, потери уменьшатся с {num(loss)} до "
        f"${tex(low)}$, то есть на ${tex(loss - low)}$. При закреплённой второй половине задача "
        f"каждой строки — выпуклая парабола, её минимум найден точно, и значение не может стать "
        f"больше прежнего. Подъём кривой — признак ошибки: решают не ту систему или считают не те "
        f"потери. Лучшего минимума невозрастание не обещает: ответ зависит от начальных векторов.",
        (
            "минимум параболы и уменьшение потерь",
            "точный минимум по половине при закреплённой второй",
            "подъём — ошибка; минимум может быть не лучшим",
        ),
        {"a": a, "b": b, "start": start},
        {"best": best, "drop": loss - low},
    )


# ---------------------------------------------------------------------------------------- 04


def _ease(gram: list[list[int]], l2: int) -> list[list[Fraction]]:
    """Веса EASE трёх фильмов: столбец за столбцом, в точных дробях."""
    b = [[Fraction(0)] * 3 for _ in range(3)]
    for j in range(3):
        k, m = (i for i in range(3) if i != j)
        system = [
            [Fraction(gram[k][k] + l2), Fraction(gram[k][m])],
            [Fraction(gram[m][k]), Fraction(gram[m][m] + l2)],
        ]
        b[k][j], b[m][j] = _solve(system, [Fraction(gram[k][j]), Fraction(gram[m][j])])
    return b


@question("04")
def ease_column(rng: np.random.Generator) -> Drawn:
    """Столбец EASE на бумаге."""
    while True:
        gram, l2 = _gram(rng, 6), pick(rng, [1, 2])
        b = _ease(gram, l2)
        if b[1][0] != b[0][1] and all(b[i][j] for i in range(3) for j in range(3) if i != j):
            break
    return Drawn(
        "Матрица Грама трёх фильмов:\n\n"
        + square(gram, "ABC", "$G$")
        + f"\n\nНайдите веса EASE, которыми A предсказывается по B и C, при $\\lambda_2={l2}$. "
        "Проверьте ответ условием оптимальности. Чему равен вес A для предсказания B и почему он "
        "не обязан совпасть с весом B для предсказания A? Что было бы с моделью без запрета на "
        "диагонали при $\\lambda_2\\to0$?",
        f"Система $({gram[1][1]}+{l2})b_B+{gram[1][2]}b_C={gram[1][0]}$, "
        f"${gram[1][2]}b_B+({gram[2][2]}+{l2})b_C={gram[2][0]}$ даёт $b_B={tex(b[1][0])}$, "
        f"$b_C={tex(b[2][0])}$; подстановка обращает невязку в ноль. Из A в B вес "
        f"${tex(b[0][1])}$: у каждого столбца своя регрессия, со своим составом признаков. Без "
        "запрета при слабом штрафе $B\\to E$: столбец предсказывает сам себя, балл повторяет "
        "историю, и среди непросмотренного порядка нет.",
        (
            "система двух уравнений и веса",
            "проверка невязкой; несимметричность объяснена",
            "без запрета $B\\to E$",
        ),
        {"gram": gram, "l2": l2},
        {"b_B": b[1][0], "b_C": b[2][0], "back": b[0][1]},
    )


@question("04")
def hidden_penalty(rng: np.random.Generator) -> Drawn:
    """Ошибка, которую не видит метрика."""
    l2, rare, popular = pick(rng, [50, 100, 150]), whole(rng, 5, 20, 5), pick(rng, [200, 300, 400])
    weight = pick(rng, [0.05, 0.08, 0.12])
    f_rare, f_popular = l2 / (rare + l2), l2 / (popular + l2)
    return Drawn(
        "Студент обратил $G+\\lambda_2E$, умножил на $G$ и стёр диагональ. Вне диагонали его веса "
        f"равны $\\lambda_2H_{{jj}}B_{{ij}}$, где $B$ — верные веса EASE, $\\lambda_2={l2}$. Число "
        "$H_{jj}$ не меньше $1/(n_j+\\lambda_2)$, где $n_j$ — число зрителей фильма; возьмите для "
        f"оценки эту границу. Найдите множители для фильмов с {rare} и {popular} зрителями и "
        f"ошибочные веса там, где верный {num(weight)}. В чём смысл ошибки? Почему NDCG её не "
        f"выдаёт и что выдаёт?",
        f"Множители {num(f_rare)} и {num(f_popular)}, веса {num(weight * f_rare, 4)} и "
        f"{num(weight * f_popular, 4)}. В модель попал скрытый штраф за популярность. Около "
        "подобранного $\\lambda_2$ он на точности почти не сказывается, поэтому метрика молчит; "
        "выдают условия оптимальности (невязка вне диагонали не ноль), симметрия ошибочной матрицы "
        "и обвал при малых $\\lambda_2$.",
        (
            "оба множителя и веса",
            "смысл: скрытый штраф за популярность",
            "проверка математикой: невязка или симметрия",
        ),
        {"l2": l2, "rare": rare, "popular": popular, "weight": weight},
        {
            "f_rare": f_rare, "f_popular": f_popular,
            "w_rare": weight * f_rare, "w_popular": weight * f_popular,
        },
    )  # fmt: skip


@question("04")
def repeated_users(rng: np.random.Generator) -> Drawn:
    """Данных стало больше."""
    times, l2 = pick(rng, [2, 3, 4, 5]), pick(rng, [120, 180, 240])
    same, as_if = times * l2, l2 / times
    return Drawn(
        f"EASE подобрана с $\\lambda_2={l2}$. Каждого пользователя повторили {times} раза. Какой "
        "$\\lambda_2$ даст в точности те же веса? Какому штрафу на прежних данных отвечает "
        f"$\\lambda_2={l2}$ на новых? Почему для настоящего роста данных (пришли другие "
        "пользователи) это правило не годится?".replace("5 раза", "5 раз"),
        f"$G$ умножилась на {times}, и при $\\lambda_2={same}$ вся целевая функция умножится на "
        f"{times}, минимум тот же. Прежний штраф на новых данных — это {num(as_if)} на старых: "
        "модель сжата слабее. Новые пользователи не повторяют старых, доля случайных "
        "совпадений становится меньше, и насколько вырастет лучший штраф, заранее не "
        "известно: подбирают заново на валидационной части.",
        (
            "штраф растёт во столько же раз, и показано почему",
            "обратный пересчёт",
            "новые люди — не копии: подбор заново",
        ),
        {"times": times, "l2": l2},
        {"same": same, "as_if": as_if},
    )


@question("04")
def catalogue_limit(rng: np.random.Generator) -> Drawn:
    """Где кончается EASE."""
    n_items, grow = pick(rng, [8000, 12_000, 20_000]), pick(rng, [3, 4, 5])
    memory = pick(rng, [8, 16, 32])
    one = 8 * n_items**2 / 1e9
    largest = math.floor(math.sqrt(memory * 1e9 / (2 * 4)))
    return Drawn(
        f"В каталоге {num(n_items)} объектов. Сколько гигабайт (по $10^9$) занимает матрица "
        f"$I\\times I$ в float64? Каталог вырос в {grow} раза, пользователей стало вдвое больше: "
        f"во сколько раз вырастут память под $G$ и время обращения? Обучению нужны две такие "
        f"матрицы; какой наибольший каталог поместится в {memory} ГБ при float32? Что делать с "
        "большим?".replace("5 раза", "5 раз"),
        f"$8I^2$ {eq(one)} ГБ. Память вырастет в {grow**2} раз, время обращения — в {grow**3}; "
        f"число пользователей на обращение не влияет. Из $2\\cdot4\\cdot "
        f"I^2\\le{memory}\\cdot10^9$ следует $I\\le$ {num(largest)}. Дальше — оставить в каталоге "
        f"частые объекты, взять разреженное приближение или iALS, у которой память растёт с числом "
        f"объектов, а не с его квадратом.",
        (
            "память одной матрицы",
            "рост: квадрат и куб, пользователи ни при чём",
            "предел каталога и выход",
        ),
        {"n_items": n_items, "grow": grow, "memory": memory},
        {"one": one, "square": grow**2, "cube": grow**3, "largest": largest},
    )


@question("04")
def optimality(rng: np.random.Generator) -> Drawn:
    """Проверка чужих весов условием оптимальности."""
    while True:
        gram, l2 = _gram(rng, 6), pick(rng, [1, 2])
        right = _ease(gram, l2)
        rows = [[right[j][i] for j in range(3)] for i in range(3)]
        shown = rows if rng.integers(2) else right
        residual = [
            gram[i][0] - sum(gram[i][m] * shown[m][0] for m in range(3)) - l2 * shown[i][0]
            for i in (1, 2)
        ]
        if rows != right and (shown is right or all(residual)):
            break
    verdict = (
        "Оба условия выполнены: столбец A верен."
        if shown is right
        else "Условия нарушены: это не минимум. Так выглядит деление строк вместо столбцов, то "
        "есть транспонированная матрица EASE."
    )
    return Drawn(
        "Коллега прислал веса EASE ($B_{ij}$ — вес из строки в столбец):\n\n"
        + square(gram, "ABC", "$G$")
        + "\n\n"
        + square(shown, "ABC", "$B$")
        + f"\n\nПри $\\lambda_2={l2}$ проверьте столбец A условием оптимальности: при $i\\ne j$ "
        f"ячейка $(G-GB-\\lambda_2B)_{{ij}}$ равна нулю. Верны ли веса? Если нет, какая это "
        f"ошибка? Почему условие на диагонали другое и почему проверки условием достаточно, чтобы "
        f"признать решение?",
        f"Невязки в строках B и C столбца A: ${tex(residual[0])}$ и ${tex(residual[1])}$. "
        f"{verdict} На диагонали стоит множитель Лагранжа ограничения $B_{{jj}}=0$, он нулю не "
        f"равен. Задача выпуклая, поэтому условие не только необходимо, но и достаточно.",
        (
            "обе невязки",
            "верный вывод о весах",
            "множитель на диагонали; выпуклость",
        ),
        {"gram": gram, "l2": l2, "shown": [[str(v) for v in row] for row in shown]},
        {"residual": residual},
    )


# ---------------------------------------------------------------------------------------- 05


@question("05")
def coordinate_step(rng: np.random.Generator) -> Drawn:
    """Шаг по одной координате."""
    n_k, n_kj = whole(rng, 30, 60, 5), whole(rng, 18, 28, 2)
    others = [whole(rng, 5, 15, 5), whole(rng, 4, 16, 4)]
    weights = [pick(rng, [Fraction(1, 5), Fraction(2, 5)]), Fraction(1, 4)]
    l1, l2 = pick(rng, [2, 3]), pick(rng, [10, 15, 20])
    rest = n_kj - sum(g * w for g, w in zip(others, weights, strict=True))
    new = max(rest - l1, Fraction(0)) / (n_k + l2)
    plain = rest / (n_k + l2)
    return Drawn(
        f"SLIM предсказывает фильм J по фильмам K, L и M. Зрителей у K {n_k}, общих с J {n_kj}, с "
        f"L {others[0]}, с M {others[1]}. Сейчас $b_L={tex(weights[0])}$, $b_M={tex(weights[1])}$; "
        f"$\\lambda_1={l1}$, $\\lambda_2={l2}$. Найдите новый вес $b_K$ на шаге покоординатного "
        "спуска. Каким он был бы без $\\lambda_1$? Что значит число $r_K$ словами? При каком "
        "$\\lambda_1$ вес обратился бы в ноль?",
        f"$r_K$ — общие зрители K и J, не объяснённые другими весами: {n_kj} − "
        f"{num(others[0])} · ${tex(weights[0])}$ − {num(others[1])} · ${tex(weights[1])}$ = "
        f"${tex(rest)}$. Вес $\\max(r_K-\\lambda_1,0)/(G_{{KK}}+\\lambda_2)={tex(new)}$ "
        f"{eq(new, 4)}; без порога ${tex(plain)}$. Ноль при $\\lambda_1\\ge{tex(rest)}$: порог "
        "измеряется в зрителях.",
        (
            "остаток $r_K$ и его смысл",
            "новый вес и вес без порога",
            "порог, гасящий вес",
        ),
        {
            "n_k": n_k, "n_kj": n_kj, "others": others,
            "weights": [str(w) for w in weights], "l1": l1, "l2": l2,
        },
        {"rest": rest, "new": new, "plain": plain},
    )  # fmt: skip


@question("05")
def active_set(rng: np.random.Generator) -> Drawn:
    """Обрезать решение или решать с запретом."""
    while True:
        a, d, c = whole(rng, 3, 8), whole(rng, 2, 6), whole(rng, 2, 5)
        g1, g2 = whole(rng, 3, 6), whole(rng, 1, 3)
        if c > min(a, d) or g1 > a or g2 > d:
            continue
        l1, l2 = Fraction(1, 2), 1
        system = [[Fraction(a + l2), Fraction(c)], [Fraction(c), Fraction(d + l2)]]
        right = [g1 - l1, g2 - l1]
        free = _solve(system, right)
        best = right[0] / (a + l2)
        if free[0] > 0 > free[1] and g2 > l1:
            break

    def value(x: Fraction) -> Fraction:
        return Fraction(a + l2) * x * x / 2 - right[0] * x

    return Drawn(
        f"SLIM предсказывает J по K и L: зрителей у K {a}, у L {d}, общих у K и L {c}, с J у K "
        f"{g1}, у L {g2}; $\\lambda_1=\\frac{{1}}{{2}}$, $\\lambda_2={l2}$. Без запрета "
        f"отрицательных весов (с тем же порогом) вышло $b_K={tex(free[0])}$, $b_L={tex(free[1])}$. "
        f"Найдите решение с запретом. Чем оно отличается от «обрезанного», где отрицательный вес "
        f"просто заменён нулём? Проверьте условие для $b_L=0$.",
        f"$b_L=0$, тогда $({a}+{l2})b_K={g1}-\\frac{{1}}{{2}}$ и $b_K={tex(best)}$, а не "
        f"${tex(free[0])}$: когда один вес упёрся в ноль, другой тоже меняется. Целевая функция "
        f"(без постоянной) ${tex(value(best))}$ против ${tex(value(free[0]))}$ у обрезанного. "
        f"Условие: $r_L-\\lambda_1={g2}-{c}\\cdot{tex(best)}-\\frac{{1}}{{2}}="
        f"{tex(right[1] - c * best)}\\le0$, увеличивать $b_L$ невыгодно.",
        (
            "решение на границе",
            "обрезанное не минимум: второй вес не пересчитан",
            "условие Каруша — Куна — Таккера для нулевого веса",
        ),
        {"a": a, "d": d, "c": c, "g1": g1, "g2": g2},
        {"best": best, "value": value(best), "slack": right[1] - c * best},
    )


@question("05")
def elastic_net(rng: np.random.Generator) -> Drawn:
    """Перевод штрафов в scikit-learn."""
    users, l1, l2 = pick(rng, [500, 1000, 2000]), pick(rng, [1, 2, 3]), pick(rng, [7, 18, 27])
    times = pick(rng, [2, 3, 10])
    alpha, ratio = (l1 + l2) / users, l1 / (l1 + l2)
    new_l1, new_l2 = times * l1, times * l2
    return Drawn(
        f"SLIM обучена с $\\lambda_1={l1}$, $\\lambda_2={l2}$ на {users} пользователях. Какие "
        f"`alpha` и `l1_ratio` задать в `ElasticNet`, который делит квадрат ошибки на удвоенное "
        f"число строк? Каждого пользователя повторили {times} раз, параметры `ElasticNet` те же: "
        f"каким $\\lambda_1$ и $\\lambda_2$ они теперь отвечают и изменятся ли веса? А если те же "
        f"$\\lambda_1$, "
        "$\\lambda_2$ оставить в нашем классе?".replace("2 раз,", "2 раза,").replace(
            "3 раз,", "3 раза,"
        ),
        f"`alpha` $=(\\lambda_1+\\lambda_2)/U$ {eq(alpha, 4)}, `l1_ratio` "
        f"$=\\lambda_1/(\\lambda_1+\\lambda_2)$ {eq(ratio, 4)}. После повторения $U$ выросло, и те "
        f"же параметры отвечают $\\lambda_1={new_l1}$, $\\lambda_2={new_l2}$; $G$ выросла во "
        "столько же, веса прежние. С прежними $\\lambda$ в нашем классе порог и штраф станут "
        "слабее рядом с $G$: веса изменятся, ненулевых обычно больше.",
        (
            "перевод в обе стороны",
            "повторение пользователей: веса ElasticNet те же",
            "с закреплёнными $\\lambda$ веса изменятся",
        ),
        {"users": users, "l1": l1, "l2": l2, "times": times},
        {"alpha": alpha, "ratio": ratio, "new_l1": new_l1, "new_l2": new_l2},
    )


@question("05")
def dead_column(rng: np.random.Generator) -> Drawn:
    """Какие веса могут быть ненулевыми."""
    common = sorted((int(v) for v in rng.choice(np.arange(1, 30), 6, replace=False)), reverse=True)
    l1 = common[3]
    common = [common[int(i)] for i in rng.permutation(6)]
    alive, largest = sum(v > l1 for v in common), max(common)
    return Drawn(
        f"Число общих зрителей фильма J с шестью другими: {', '.join(map(str, common))}. Сколько "
        f"весов в столбце J SLIM может быть не нулём при $\\lambda_1={l1}$, каким бы ни был "
        "$\\lambda_2$? При каком наименьшем $\\lambda_1$ гаснет весь столбец? Почему отсев верен "
        "заранее, до обучения, и почему он неверен, если разрешить отрицательные веса?",
        f"Нужно $G_{{kj}}>\\lambda_1$: таких {alive}. Весь столбец гаснет при $\\lambda_1$, равном "
        f"наибольшему $G_{{kj}}$, то есть {largest}. Начало спуска — нули, там $r_k=G_{{kj}}$, а "
        "неотрицательные веса других фильмов могут $r_k$ только уменьшить, ведь в $G$ всё "
        "неотрицательно. Отрицательный вес соседа мог бы $r_k$ и увеличить.",
        (
            "число весов: строгое неравенство",
            "наименьшее гасящее $\\lambda_1$",
            "почему $r_k$ не растёт и где нужна неотрицательность",
        ),
        {"common": common, "l1": l1},
        {"alive": alive, "largest": largest},
    )


@question("05")
def model_size(rng: np.random.Generator) -> Drawn:
    """Что даёт разреженность и чего не даёт."""
    n_items, percent = pick(rng, [2000, 5000, 10_000]), pick(rng, [1, 2, 3])
    dense = 8 * n_items**2 / 1e6
    kept = n_items**2 * percent // 100
    sparse = (12 * kept + 4 * (n_items + 1)) / 1e6
    ratio = dense / sparse
    return Drawn(
        f"В каталоге {num(n_items)} фильмов, у SLIM ненулевых весов {percent} %. Сколько мегабайт "
        "(по $10^6$) занимает плотная матрица EASE в float64 и сколько — веса SLIM в CSR: на "
        "ненулевое 8 байт числа и 4 байта номера столбца, ещё 4 байта на начало каждой строки? "
        "Поможет ли SLIM, если EASE не обучить из-за памяти? Что, кроме памяти, даёт "
        "разреженность?",
        f"EASE {eq(dense, 1)} МБ; у SLIM {num(kept)} весов, {num(sparse, 1)} МБ, в "
        f"{times(ratio, 1)} меньше. Обучить не поможет: SLIM учится на той же плотной $G$ и ещё "
        f"нескольких матрицах $I\\times I$. Готовая модель быстрее отвечает и проще объясняется: у "
        f"балла несколько неотрицательных слагаемых вместо всей истории со знаками.",
        (
            "оба размера",
            "обучение требует плотной $G$",
            "объяснение и скорость ответа",
        ),
        {"n_items": n_items, "percent": percent},
        {"dense": dense, "kept": kept, "sparse": round(sparse, 1), "ratio": round(ratio, 1)},
    )
