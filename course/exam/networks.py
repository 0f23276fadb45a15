"""Вопросы об обучаемых сетях: уроки 06–08."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from course.exam.base import Drawn, eq, num, pick, question, series, table, tex, whole

LETTERS = "ABCDEF"


# ---------------------------------------------------------------------------------------- 06


@question("06")
def multinomial_gradient(rng: np.random.Generator) -> Drawn:
    """Доли, правдоподобие и градиент."""
    while True:
        powers = [int(v) for v in rng.choice([1, 1, 2, 3, 4, 6], 4)]
        x = [int(v) for v in rng.integers(0, 2, 4)]
        if 1 < sum(x) < 4 and len(set(powers)) > 2:
            break
    total, count = sum(powers), sum(x)
    share = [Fraction(p, total) for p in powers]
    gradient = [count * s - v for s, v in zip(share, x, strict=True)]
    loss = -sum(v * math.log(s) for v, s in zip(x, share, strict=True))
    outputs = ", ".join(rf"$\ln {p}$" if p > 1 else "0" for p in powers)
    return Drawn(
        f"Декодировщик MultiVAE выдал для четырёх фильмов {outputs}; история зрителя $x=("
        + ",\\,".join(map(str, x))
        + ")$. Найдите доли $\\pi$, мультиномиальную потерю (без постоянной) и её градиент по "
        "выходам. Чему равна сумма градиента и почему? Почему отрицательные примеры выбирать не "
        "нужно?",
        "Доли: "
        + ", ".join(f"${tex(s)}$" for s in share)
        + f"; потеря $-\\sum_ix_i\\ln\\pi_i$ {eq(loss)}. Градиент $N_u\\pi-x_u$: "
        + ", ".join(f"${tex(g)}$" for g in gradient)
        + ". Сумма равна нулю: сумма долей 1, и от общего сдвига выходов потеря не зависит. У "
        "фильмов вне истории градиент положителен: подняв историю, сеть опускает все прочие.",
        (
            "доли и потеря",
            "градиент; его сумма — ноль, с объяснением",
            "softmax сам опускает всё, чего нет в истории",
        ),
        {"powers": powers, "x": x},
        {"share": share, "loss": loss, "gradient": gradient},
    )


@question("06")
def sigmoid_collapse(rng: np.random.Generator) -> Drawn:
    """Сигмоида без отрицательных примеров."""
    items, count = pick(rng, [1000, 1500, 2000]), pick(rng, [5, 10, 20])
    uniform, best = count * math.log(items), count * math.log(count)
    return Drawn(
        f"В каталоге {items} фильмов, у зрителя {count} просмотров. Найдите мультиномиальную "
        f"потерю (без постоянной) при равных долях и наименьшую возможную. Студент заменил softmax "
        "сигмоидой и оставил потерю $-\\sum_ix_{ui}\\ln\\sigma(f_i)$ только по просмотренному. "
        "Чему равна её нижняя граница и при каких выходах она достигается? Какие рекомендации "
        "получатся? Как исправить, не возвращаясь к softmax?",
        f"Равные доли: $N_u\\ln I$ {eq(uniform, 2)}. Наименьшая — поровну между просмотренными: "
        f"$N_u\\ln N_u$ {eq(best, 2)}, нуля она не достигает. У сигмоиды граница 0, к ней ведёт "
        "«единица всем фильмам»: ничто не удерживает выходы вне истории, и баллы непросмотренного "
        "почти не различаются. Исправление — добавить вторую половину логистической потери, "
        "$-(1-x_{ui})\\ln(1-\\sigma(f_i))$.",
        (
            "обе мультиномиальные потери",
            "граница 0 и выходы «единица всем»",
            "нужно слагаемое по нулям",
        ),
        {"items": items, "count": count},
        {"uniform": uniform, "best": best},
    )


@question("06")
def divergence(rng: np.random.Generator) -> Drawn:
    """KL по координатам."""
    mu = [pick(rng, [0.5, 1.0, 1.5, -1.0]), pick(rng, [0.0, 0.2]), 0.0]
    sigma = [pick(rng, [0.5, 0.6, 0.8]), pick(rng, [0.9, 0.95]), 1.0]
    parts = [(m * m + s * s - 1) / 2 - math.log(s) for m, s in zip(mu, sigma, strict=True)]
    total = sum(parts)
    rows = [[f"**{n}**", num(m), num(s)] for n, (m, s) in enumerate(zip(mu, sigma, strict=True), 1)]
    return Drawn(
        "Кодировщик выдал для зрителя:\n\n"
        + table(["координата", "$\\mu$", "$\\sigma$"], rows)
        + "\n\nНайдите вклад каждой координаты в "
        "$KL=\\frac{1}{2}\\sum_k(\\mu_k^2+\\sigma_k^2-1-\\ln\\sigma_k^2)$. Что сообщает о зрителе "
        "третья координата? Что значит, если KL всех зрителей упал до нуля, и что тогда увидят "
        "люди? При $\\beta<1$ остаётся ли цель нижней оценкой правдоподобия?",
        f"Вклады {series([*parts[:2], 0], 4)}, всего {num(total, 4)}. Третья совпала с "
        "$\\mathcal{N}(0,1)$ и не сообщает ничего. KL, равный нулю у всех: кодировщик молчит, доли "
        "у всех одни, список один на всех; обычно $\\beta$ велик или вырос слишком быстро. При "
        "$\\beta<1$ цель уже не нижняя оценка $\\ln p(x)$, модели с разными $\\beta$ сравнивают "
        "метрикой на валидации.",
        (
            "вклады координат",
            "нулевой вклад — координата молчит; KL = 0 — список один",
            "при $\\beta<1$ это не нижняя оценка",
        ),
        {"mu": mu, "sigma": sigma},
        {"first": parts[0], "second": parts[1], "total": total},
    )


@question("06")
def annealing(rng: np.random.Generator) -> Drawn:
    """Когда вес KL дойдёт до потолка."""
    users, batch = pick(rng, [943, 6000, 20_000]), pick(rng, [50, 100, 250])
    per_epoch = math.ceil(users / batch)
    cap, epoch = pick(rng, [0.2, 0.4]), pick(rng, [5, 10])
    steps = round(per_epoch * epoch * pick(rng, [1.5, 2.5, 4]) / cap / 1000 + 0.5) * 1000
    beta = min(cap, epoch * per_epoch / steps)
    update = round(cap * steps)
    reached = math.ceil(update / per_epoch)
    return Drawn(
        f"MultiVAE: {num(users)} зрителей, пакет {batch}. Вес расхождения после $t$ обновлений "
        f"$\\beta_t=\\min(\\beta_{{max}},\\ t/T)$, $\\beta_{{max}}={tex(cap)}$, $T={steps}$. "
        f"Чему равен $\\beta$ после {epoch} эпох? В какой эпохе он дойдёт до потолка? Что "
        f"случится, если вдвое уменьшить пакет, не меняя $T$? Зачем вообще начинать с нуля?",
        f"В эпохе {num(users)} / {batch}, с округлением вверх {per_epoch} обновлений. После "
        f"{epoch} эпох $\\beta$ {eq(beta, 4)}. Потолок — на обновлении {num(update)}, это эпоха "
        f"{num(reached)}. С вдвое меньшим пакетом обновлений вдвое больше, и потолок наступит "
        f"примерно вдвое раньше по эпохам: $T$ считает обновления. Вначале декодировщик ничего не "
        f"умеет, и дешевле всего не слушать $z$: при большом $\\beta$ KL станет нулём, и все "
        f"получат один список.",
        (
            "обновлений в эпохе и $\\beta$",
            "эпоха потолка",
            "счёт идёт по обновлениям; зачем наращивать",
        ),
        {"users": users, "batch": batch, "cap": cap, "steps": steps, "epoch": epoch},
        {"per_epoch": per_epoch, "beta": beta, "update": update, "reached": reached},
    )


@question("06")
def noisy_input(rng: np.random.Generator) -> Drawn:
    """Нормировка и прореживание входа."""
    count = pick(rng, [4, 9, 16, 25])
    p = pick(rng, [Fraction(1, 2), Fraction(1, 4), Fraction(1, 5)])
    value, kept = 1 / math.sqrt(count), count * (1 - p)
    scaled = value / float(1 - p)
    norm = 1 / float(1 - p)
    return Drawn(
        f"История из {count} фильмов. Вход MultiVAE делят на его норму, потом каждую единицу "
        f"стирают с вероятностью $p={tex(p)}$, оставшиеся делят на $1-p$. Чему равны ненулевые "
        f"числа входа до и после прореживания, сколько их остаётся в среднем и чему в среднем "
        f"равен квадрат нормы? Изменится ли среднее значение координаты? Что из этого делают при "
        f"ответе и почему ответ не случаен? С чем сравнивают выход при обучении — с полной "
        f"историей или прореженной?",
        f"До: $1/\\sqrt{{N_u}}$ {eq(value, 4)}; после {eq(scaled, 4)}, остаётся в среднем "
        f"{num(float(kept))}. Квадрат нормы в среднем $1/(1-p)$ {eq(norm)}, среднее координаты "
        f"прежнее: деление на $1-p$ его сохраняет. При ответе не стирают ничего и берут $z=\\mu$, "
        f"поэтому одинаковая история даёт одинаковый список. Цель при обучении — полная история: "
        f"восстановить стёртое и есть задача.",
        (
            "числа входа до и после, среднее число оставшихся",
            "среднее сохраняется, квадрат нормы растёт",
            "ответ без шума; цель — полная история",
        ),
        {"count": count, "p": str(p)},
        {"value": value, "scaled": scaled, "kept": float(kept), "norm": norm},
    )


# ---------------------------------------------------------------------------------------- 07


@question("07")
def one_layer(rng: np.random.Generator) -> Drawn:
    """Один слой распространения и среднее слоёв."""
    while True:
        x = rng.integers(0, 2, (2, 3))
        if x.sum(0).all() and x.sum(1).all() and x.sum() in (4, 5):
            break
    z = [whole(rng, 1, 6) for _ in range(5)]
    full = np.block([[np.zeros((2, 2)), x], [x.T, np.zeros((3, 3))]])
    degree = full.sum(1)
    step = full / np.sqrt(np.outer(degree, degree)) @ z
    ready = (np.array(z) + step) / 2
    score = float(ready[0] * ready[2])
    rows = [[f"**{u}**", *map(str, row)] for u, row in zip("ПР", x.tolist(), strict=True)]
    return Drawn(
        "Взаимодействия двух зрителей и трёх фильмов:\n\n"
        + table(["$X$", *LETTERS[:3]], rows)
        + f"\n\nВекторы слоя 0 — числа ($d=1$): П {z[0]}, Р {z[1]}; A {z[2]}, B {z[3]}, C {z[4]}. "
        "Найдите вектор зрителя П и фильма A на слое 1 LightGCN и готовые (среднее слоёв 0 и 1), а "
        "также балл. Сколько у модели обучаемых чисел и изменится ли оно при трёх слоях? Что "
        "потеряется, если рёбра идут только от зрителей к фильмам?",
        f"Вес ребра $1/\\sqrt{{|I_u||U_i|}}$. Слой 1: П {num(step[0])}, A {num(step[2])}. Готовые: "
        f"П {num(ready[0])}, A {num(ready[2])}, балл {num(score)}. Обучается только слой 0: 5 "
        f"чисел при любом числе слоёв. С рёбрами в одну сторону зрителю никто не пишет: его вектор "
        f"— слой 0, делённый на число слоёв с нулевым, и связи через общие фильмы исчезают.",
        (
            "слой 1: веса рёбер с обеими степенями",
            "готовые векторы и балл",
            "параметры — только слой 0; роль обратных рёбер",
        ),
        {"x": x.tolist(), "z": z},
        {
            "user": float(step[0]), "item": float(step[2]),
            "user_ready": float(ready[0]), "item_ready": float(ready[2]), "score": score,
        },
    )  # fmt: skip


@question("07")
def pairwise_loss(rng: np.random.Generator) -> Drawn:
    """Попарная функция потерь и её производная."""
    a, b = pick(rng, [2, 3, 4]), pick(rng, [2, 3, 5])
    losses = [math.log(1 + 1 / a), math.log(1 + b), math.log(2)]
    pulls = [Fraction(1, 1 + a), Fraction(b, 1 + b), Fraction(1, 2)]
    mean = sum(losses) / 3
    return Drawn(
        f"У трёх троек «зритель, его фильм, чужой фильм» отрыв $m$ равен $\\ln{a}$, $-\\ln{b}$ и "
        f"0. Найдите попарную потерю BPR, $\\ln(1+e^{{-m}})$, каждой тройки и среднюю, а также с "
        f"какой силой каждая тянет отрыв вверх, $|\\ell^\\prime(m)|$. На чём учится модель, когда "
        f"почти все тройки в верном порядке? Потеря стоит на 0,693: что это значит и назовите две "
        f"возможные причины.",
        f"Потери {series(losses)}, средняя {num(mean)}. Силы "
        f"$\\sigma(-m)$: ${tex(pulls[0])}$, ${tex(pulls[1])}$ и ${tex(pulls[2])}$: неверно "
        "упорядоченная тянет сильнее. Под конец учат немногие трудные тройки. $0{,}693=\\ln2$: "
        "отрыв у всех около нуля. Причины: темп слишком мал; слишком сильный штраф; нулевые "
        "начальные векторы; отрицательный пример совпадает с положительным; градиент не доходит до "
        "слоя 0.",
        (
            "три потери и средняя",
            "силы и вывод о трудных тройках",
            "$\\ln2$ — нулевой отрыв; две причины",
        ),
        {"a": a, "b": b},
        {"losses": losses, "mean": mean, "pulls": pulls},
    )


@question("07")
def negative_by_number(rng: np.random.Generator) -> Drawn:
    """Чужой фильм без повторных попыток."""
    items, count = whole(rng, 9, 12), pick(rng, [3, 4])
    liked = sorted(int(i) for i in rng.choice(items, count, replace=False))
    r = whole(rng, 1, items - count - 2)
    shifted = [i - t for t, i in enumerate(liked)]
    c = sum(s <= r for s in shifted)
    chance = count / items
    return Drawn(
        f"В каталоге фильмы с номерами от 0 до {items - 1}, зрителю нравятся "
        f"{', '.join(map(str, liked))}. Генератор выбрал среди чужих фильмов номер $r={r}$ (счёт "
        f"от нуля). Найдите сам фильм по правилу: перед любимым $i_t$ стоят $i_t-t$ чужих. Если "
        f"вместо этого брать фильм из всего каталога, как часто отрицательный пример окажется "
        f"любимым? Кому из зрителей такая ошибка вредит сильнее и к чему она ведёт?",
        f"Числа $i_t-t$: {', '.join(map(str, shifted))}; не больше {r} из них {c}, значит фильм "
        f"$j=r+c={r + c}$. Из всего каталога любимый выпадет с вероятностью {count}/{items} "
        f"{eq(chance)}. Сильнее всего страдают активные: у них любимых больше всего. Модель учат "
        "опускать любимое: тройки $(u,i,j)$ и $(u,j,i)$ тянут в противоположные стороны.",
        (
            "фильм найден по правилу",
            "доля ложных отрицательных",
            "страдают активные зрители; модель учат опускать любимое",
        ),
        {"items": items, "liked": liked, "r": r},
        {"film": r + c, "chance": chance},
    )


@question("07")
def batch_cost(rng: np.random.Generator) -> Drawn:
    """Почему большие пакеты дешевле."""
    users, items = pick(rng, [6000, 20_000, 30_000]), pick(rng, [4000, 10_000, 40_000])
    ones, d, layers = pick(rng, [500_000, 1_000_000]), 64, pick(rng, [2, 3])
    batch = pick(rng, [2048, 4096])
    parameters = (users + items) * d
    multiplications = 2 * layers * 2 * ones * d
    batches = math.ceil(ones / batch)
    epoch = batches * multiplications
    return Drawn(
        f"LightGCN: {num(users)} зрителей, {num(items)} фильмов, {num(ones)} взаимодействий, "
        f"$d={d}$, слоёв $L={layers}$, пакет {batch} пар. Сколько обучаемых чисел? Сколько "
        f"умножений распространения на пакет (вперёд и назад, $2L\\,nnz(\\tilde{{A}})\\,d$) и на "
        f"эпоху? Во сколько раз изменится работа распространения за эпоху, если пакет удвоить, и "
        f"чем за это платят? Сколько чисел у матричного разложения той же размерности?",
        f"Чисел $(U+I)d$ = {num(parameters)}, у разложения столько же. В $\\tilde{{A}}$ вдвое "
        f"больше ненулевых, чем в $X$: {num(2 * ones)}, на пакет {num(multiplications)} умножений, "
        f"пакетов {batches}, на эпоху {num(epoch)}. Удвоить пакет — вдвое меньше работы: каждый "
        f"пакет ведёт через граф всю таблицу. Плата — вдвое меньше шагов оптимизатора за эпоху; "
        f"эпох может понадобиться больше.",
        (
            "число параметров, одинаковое с разложением",
            "умножения: $nnz(\\tilde{A})=2\\,nnz(X)$",
            "удвоение пакета: работа вдвое меньше, шагов тоже",
        ),
        {
            "users": users, "items": items, "ones": ones, "d": d,
            "layers": layers, "batch": batch,
        },
        {
            "parameters": parameters, "multiplications": multiplications,
            "batches": batches, "epoch": epoch,
        },
    )  # fmt: skip


@question("07")
def smoothing(rng: np.random.Generator) -> Drawn:
    """Куда дойдёт сигнал за несколько шагов."""
    while True:
        x = rng.integers(0, 2, (4, 4))
        a = sp.bmat([[None, sp.csr_array(x)], [sp.csr_array(x.T), None]]).toarray()
        reach = [np.linalg.matrix_power(a, n)[0] > 0 for n in (1, 2, 3)]
        one = {LETTERS[i] for i in range(4) if reach[0][4 + i]}
        three = {LETTERS[i] for i in range(4) if reach[2][4 + i]}
        if x.sum(0).all() and x.sum(1).all() and 1 <= len(one) < len(three) <= 4 and x.sum() <= 8:
            break
    people = [u for n, u in enumerate("абвг") if n and reach[1][n]]
    fresh, far = sorted(three - one), sorted(set(LETTERS[:4]) - three)
    rows = [[f"**{u}**", *map(str, row)] for u, row in zip("абвг", x.tolist(), strict=True)]
    return Drawn(
        "Граф взаимодействий:\n\n"
        + table(["$X$", *LETTERS[:4]], rows)
        + "\n\nОт зрителя «а» пускают сигнал по рёбрам. До каких людей он доходит за два шага и до "
        "каких новых фильмов — за три? До каких не доходит? Что отсюда следует для числа слоёв "
        "LightGCN? Почему готовый вектор — среднее слоёв, а не последний слой, и чем опасно очень "
        "большое число слоёв?",
        f"За два шага: {', '.join(people)}; часть сигнала вернётся к «а». За три — новые фильмы "
        f"{', '.join(fresh)}; не доходит до: {', '.join(far) if far else 'таких нет'}. Чтобы "
        f"вектор зрителя вобрал фильмы людей со схожим вкусом, нужно три слоя, один слой видит "
        f"лишь собственную историю. Среднее хранит и ближние связи, и собственный вектор. При "
        f"многих слоях векторы связной части графа становятся почти одинаковы по направлению: "
        f"чрезмерное сглаживание.",
        (
            "люди за два шага, фильмы за три",
            "связь с числом слоёв",
            "среднее слоёв и чрезмерное сглаживание",
        ),
        {"x": x.tolist()},
        {"people": people, "fresh": fresh},
    )


# ---------------------------------------------------------------------------------------- 08


@question("08")
def attention(rng: np.random.Generator) -> Drawn:
    """Самовнимание на бумаге."""
    powers = [pick(rng, [1, 2, 3]), pick(rng, [1, 2, 4]), pick(rng, [1, 3])]
    values = [(whole(rng, 0, 4), whole(rng, 0, 4)) for _ in range(2)] + [(0, 0)]
    total = sum(powers)
    weights = [Fraction(p, total) for p in powers]
    mixed = [sum(w * v[f] for w, v in zip(weights, values, strict=True)) for f in range(2)]
    padded = [Fraction(p, powers[1] + powers[2]) for p in powers[1:]]
    products = ", ".join(rf"$\ln {p}$" if p > 1 else "0" for p in powers)
    return Drawn(
        "История — «Матрица», «Начало», [MASK]. Произведения запроса места [MASK] на ключи трёх "
        f"мест, уже делённые на $\\sqrt{{d}}$: {products}. Значения мест: $({values[0][0]},\\,"
        f"{values[0][1]})$, $({values[1][0]},\\,{values[1][1]})$, $(0,\\,0)$. Найдите веса "
        f"внимания и смесь, которую получит [MASK]. Каковы веса, если первое место — дополнение? "
        f"Зачем делить на $\\sqrt{{d}}$? Что получит [MASK], если два первых фильма поменять "
        f"местами, а представлений мест нет?",
        "Веса "
        + ", ".join(f"${tex(w)}$" for w in weights)
        + f", смесь $({tex(mixed[0])},\\ {tex(mixed[1])})$. Дополнению ставят $-\\infty$, его вес "
        f"0, остальные "
        + " и ".join(f"${tex(w)}$" for w in padded)
        + ". Без деления произведения растут как $\\sqrt{d}$, softmax отдаёт почти всё одному "
        "месту, и градиент исчезает. При перестановке смесь та же: внимание не знает порядка, его "
        "приносят представления мест.",
        (
            "веса и смесь",
            "дополнение: нулевой вес, прочие пересчитаны",
            "деление на $\\sqrt{d}$; порядок приносят места",
        ),
        {"powers": powers, "values": values},
        {"weights": weights, "mixed": mixed, "padded": padded},
    )


@question("08")
def masks(rng: np.random.Generator) -> Drawn:
    """Сколько мест закрыть."""
    n, rho = pick(rng, [6, 8, 10, 12]), pick(rng, [0.15, 0.2, 0.25, 0.3])
    histories = pick(rng, [100, 200, 500])
    count = max(1, math.floor(rho * n + 0.5 + 1e-12))
    empty = (1 - rho) ** n
    expected = histories * empty
    return Drawn(
        f"В окне {n} мест, доля закрытых $\\rho={tex(rho)}$. Сколько мест закрывает правило "
        "$\\max(1,\\lfloor\\rho n+\\frac{1}{2}\\rfloor)$? Если вместо этого бросать монету о "
        f"каждом месте, с какой вероятностью не закроется ничего и сколько таких окон среди "
        f"{histories}? Чем грозит пакет, в котором не закрыто ничего? Почему места выбирают заново "
        f"каждую эпоху?",
        f"Правило закрывает {count}. Монета: $(1-\\rho)^n$ {eq(empty, 4)}, в среднем "
        f"{num(expected, 1)} окна из {histories} ничему не учат. Средняя потеря пустого пакета — "
        f"ноль, делённый на ноль. При постоянных местах сеть заучивает ответы: потеря при обучении "
        f"падает, а на валидации качество ухудшается.",
        (
            "число закрытых мест по правилу",
            "вероятность и среднее число пустых окон",
            "nan у пустого пакета; новые вопросы каждую эпоху",
        ),
        {"n": n, "rho": rho, "histories": histories},
        {"count": count, "empty": empty, "expected": round(expected, 1)},
    )


@question("08")
def first_loss(rng: np.random.Generator) -> Drawn:
    """Какой должна быть потеря до обучения."""
    items, users, batch = pick(rng, [1349, 1500, 3400]), pick(rng, [640, 960]), 64
    start = math.log(items)
    batches = users // batch
    printed = start * batches / users
    return Drawn(
        f"BERT4Rec, каталог {items} фильмов, {users} историй, пакет {batch}. Какой потери ждать до "
        "обучения и почему? Программа студента печатает сумму средних потерь пакетов, делённую на "
        f"число историй. Что она напечатает до обучения? После обучения напечатано "
        f"{num(printed * 0.9, 3)}: хорошо ли это? О чём говорит потеря до обучения, которая "
        f"намного больше ожидаемой?",
        f"Необученная сеть даёт всем почти равные баллы: $\\ln I$ {eq(start, 2)}. Пакетов "
        f"{batches}, напечатано будет {num(printed, 3)}. Число после обучения на деле — потеря "
        f"{num(0.9 * start, 2)}: всего на десятую долю меньше угадывания наугад. Слишком большая "
        "начальная потеря значит, что начальные веса велики и сеть уверенно ошибается; со "
        "связанными весами так бывает при отклонении 1.",
        (
            "$\\ln I$ с объяснением",
            "напечатанное до обучения и истинная потеря после",
            "причина большой начальной потери",
        ),
        {"items": items, "users": users, "batch": batch},
        {"start": start, "batches": batches, "printed": printed, "after": 0.9 * start},
    )


@question("08")
def window_cost(rng: np.random.Generator) -> Drawn:
    """Чего стоит длинное окно."""
    t, d = pick(rng, [50, 100, 200]), pick(rng, [64, 128, 256])
    share = t / (t + 6 * d)
    growth = (2 * (2 * t) ** 2 * d + 12 * 2 * t * d**2) / (2 * t**2 * d + 12 * t * d**2)
    equal = 6 * d
    return Drawn(
        "Слой BERT4Rec на окне из $T$ мест: внимание $2T^2d$ умножений, запросы, ключи, значения и "
        f"выход $4Td^2$, внутренняя сеть $8Td^2$. При $T={t}$, $d={d}$ найдите долю внимания. Во "
        "сколько раз вырастет работа слоя, если окно удвоить? При каком $T$ внимание сравняется с "
        "остальным? Почему баллы каталога считают только для закрытых мест?",
        f"Доля $T/(T+6d)$ {eq(share)}: «квадрат длины» здесь не главное. Удвоение окна: в "
        f"{num(growth, 2)} раза. Внимание сравняется при $T=6d={equal}$. Баллы стоят $dI$ "
        f"умножений на место, а потеря спрашивает лишь о закрытых: доля $\\rho$ мест, остальные "
        f"баллы не нужны.",
        (
            "доля внимания",
            "рост работы и точка равенства",
            "баллы нужны только там, где есть вопрос",
        ),
        {"t": t, "d": d},
        {"share": share, "growth": growth, "equal": equal},
    )


@question("08")
def markov_chain(rng: np.random.Generator) -> Drawn:
    """Базовая модель, которая знает порядок."""
    while True:
        stories = [[int(i) for i in rng.permutation(5)[:4]] for _ in range(5)]
        counts = np.zeros((5, 5), int)
        for story in stories:
            for a, b in pairwise(story):
                counts[a, b] += 1
        popular = np.bincount(np.concatenate(stories), minlength=5)
        last, seen = 0, {0, 1}
        rest = [i for i in range(5) if i not in seen]
        score = [counts[last, i] + 0.5 * popular[i] / popular.max() for i in rest]
        if len({round(s, 9) for s in score}) == 3 and counts[last, rest].sum() >= 2:
            break
    order = [LETTERS[rest[i]] for i in np.argsort(-np.array(score), kind="stable")]
    written = "; ".join("".join(LETTERS[i] for i in story) for story in stories)
    return Drawn(
        f"Истории пяти зрителей, старое слева: {written}. Марковская цепь ставит фильму балл: "
        f"сколько раз он шёл сразу за последним фильмом, плюс $\\frac{{1}}{{2}}n_i/\\max n$, где "
        f"$n_i$ — число историй с фильмом. Новый зритель посмотрел B, потом A. Найдите баллы "
        f"остальных и список. Почему добавка популярности не меняет порядка там, где числа "
        f"переходов разные? Как изменится цепь и как — EASE, если порядок внутри историй "
        f"перемешать? Зачем этот опыт?",
        "Баллы: "
        + ", ".join(f"{LETTERS[i]} {num(s)}" for i, s in zip(rest, score, strict=True))
        + f"; список {', '.join(order)}. Добавка не больше $\\frac{{1}}{{2}}$, а числа переходов "
        "целые: она решает только при равенстве. EASE не изменится вовсе, она видит лишь набор; "
        "цепь потеряет то, что знала. Опыт показывает, пользуется ли модель порядком: если ответ "
        "не изменился, она не последовательная, как бы ни называлась.",
        (
            "баллы и список",
            "добавка решает только равенство",
            "опыт с перемешиванием и его смысл",
        ),
        {"stories": stories},
        {"score": [float(s) for s in score], "order": order},
    )
