# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Задание 08. Вопрос к истории
#
# В [уроке 08](../08_bert4rec.ipynb) главным был вопрос: что закрыть, что показать и откуда прочесть
# ответ. Здесь вы зададите его иначе. Внимание станет забывать далёкое, закрытые места — чаще стоять в
# конце. Вы почините чужое предсказание, напишете проверку кодировщика и найдёте правило, которого
# марковская цепь не видит.
#
# | | |
# |---|---|
# | **Задачи** | пять задач на 18 баллов и открытый вопрос на 2 балла |
# | **Время** | около 120 минут |
# | **Что нужно знать** | урок 08: самовнимание, закрытые места, три теста кодировщика, марковская цепь |
#
# **Как это устроено.** Под каждой задачей — ячейка с заготовкой и ячейка с открытой проверкой.
# Заготовка возвращает `None`, и проверка отвечает «ответа пока нет» (в задаче 3 вместо заготовки —
# сломанная функция). Дальше она говорит, что не так, и подсказывает причину. Преподаватель проверит те
# же свойства на других данных, в том числе на крайних случаях из условия. Баллы даются за каждое
# свойство отдельно: недоделанную задачу сдавать стоит.
#
# **Правила.** Имена функций и порядок аргументов не меняйте. При оценке исполняются ваши ячейки и
# ячейки с данными варианта; внутри доступны только numpy и scipy, torch там нет, а данные функция
# получает через аргументы. Свои ячейки добавлять можно: код между двумя задачами относится к верхней.
#
# **Что сдать.** Эту тетрадь. Папку задания держите рядом с уроками, в `my/`: так открывается ссылка
# на урок. Файл `test_08_bert4rec.py` — те же открытые проверки для командной строки. На скрытые
# проверки одной задачи отведено 20 секунд, на задачу 5 — 60.

# %% tags=["check-0"]
from recsys_lessons.checks import check_task


def say(name, problem):
    """Вывод открытой проверки: что не так или «верно»."""
    print(f"{name}: {problem or 'верно'}")


# %% [markdown]
# ## Ваш вариант
#
# Числа ниже у каждого свои: `toy_…` — для задачи 1, `n_items` и `max_len` — размеры кодировщика в задаче
# 4. Закон `place_law` — для задачи 2: во сколько раз чаще спрашивают о месте $t$ окна, если места
# занумерованы с начала, $t=1,2,\dots,T$.
#
# | `place_law` | вес места $w_t$ |
# |---|---|
# | `"root"` | $\sqrt t$ |
# | `"line"` | $t$ |
# | `"square"` | $t^2$ |

# %% tags=["variant"]
toy_gain = [7, 3, 1, 2]
toy_value = [[3, 2], [4, 1], [0, 1], [0, 3]]
toy_fade = 0.8
toy_items = [[2, 0], [1, -1], [0, 2]]
toy_answer = 2
place_law = "square"
n_items = 35
max_len = 11

# %% tags=["given"]
import numpy as np

# %% [markdown]
# ## Задача 1. Внимание, которое забывает (2 балла)
#
# Представления мест — не единственный способ рассказать сети о порядке. Можно ослабить внимание к
# далёкому прямо: умножить экспоненту места на $f^{\,r}$, где $r$ — расстояние до того, кто спрашивает,
# а $0<f<1$ (Press, Smith, Lewis, ICLR 2022):
#
# $$
# h=\frac{\sum_t a_t\,f^{\,r_t}\,v_t}{\sum_t a_t\,f^{\,r_t}},\qquad a_t=e^{\,q\cdot k_t/\sqrt d} .
# $$
#
# В окне четыре места: первое — дополнение, последнее — [MASK], он и спрашивает. Даны экспоненты $a_t$
# (`toy_gain`), значения $v_t$ из двух чисел (`toy_value`) и $f$ (`toy_fade`). В каталоге три объекта с
# представлениями $E_i$ (`toy_items`), баллы — произведения $z_i=h\cdot E_i$, верный ответ — объект
# `toy_answer`. Потеря — минус натуральный логарифм его вероятности после softmax.
#
# Посчитайте на бумаге (с калькулятором) и верните список из четырёх чисел: $h_0$, $h_1$, потерю и
# производную потери по $h_0$. Для последнего числа вспомните, чему равна производная потери по баллам,
# и пройдите через $E$. Нужно не меньше четырёх верных цифр в каждом.
#
# *Баллы: смесь — 1, потеря — 0,5, производная — 0,5. Открытая проверка смотрит границы смеси и считает
# потерю и производную из ваших $h_0$ и $h_1$.*


# %% tags=["task-1"]
def by_hand():
    """Два числа смеси, потеря и её производная по первому числу смеси."""
    return None  # ваш код


# %% tags=["check-1"]
def by_hand_problem():
    """Чем список четырёх чисел заведомо плох."""
    answer = by_hand()
    if answer is None:
        return "ответа пока нет."
    values = np.asarray(answer, dtype=float)
    if values.shape != (4,):
        return f"нужен список из четырёх чисел, а форма ответа {values.shape}."
    seen, E = np.array(toy_value[1:], dtype=float), np.array(toy_items, dtype=float)
    if (values[:2] < seen.min(axis=0)).any() or (values[:2] > seen.max(axis=0)).any():
        return "смесь вышла за пределы значений настоящих мест: веса не складываются в единицу?"

    def loss(first):
        scores = E @ [first, values[1]]
        return np.logaddexp.reduce(scores) - scores[toy_answer]

    if abs(loss(values[0]) - values[2]) > 2e-3:
        return f"при такой смеси потеря {loss(values[0]):.3f}, а у вас {values[2]:.3f}."
    slope = (loss(values[0] + 1e-4) - loss(values[0] - 1e-4)) / 2e-4
    if abs(slope - values[3]) > 2e-3:
        return f"потеря по h₀ растёт со скоростью {slope:.3f}, а у вас {values[3]:.3f}."
    return ""


say("Задача 1, границы и связь", by_hand_problem())

# %% [markdown]
# ## Задача 2. Спрашивать чаще о конце (4 балла)
#
# При предсказании закрыто последнее место, а при обучении — любое. Урок сближал их так: в доле
# `last_prob` окон закрыто только последнее. Сделаем плавно: места закрывают **без возвращения**, и
# каждое следующее выбирают из оставшихся с вероятностью, пропорциональной весу $w_t$ по закону вашего
# варианта. Напишите `questions(sequence, n, max_len, share, mask, seed)`: `n` вопросов к одной истории.
#
# - `sequence` — номера объектов, старые первыми, хотя бы один; номера могут повторяться;
# - окно — $T=\min(\texttt{max\_len},\text{длина истории})$ подряд идущих объектов из **случайного** места
#   истории, все начала равновероятны;
# - в каждом окне закрыто ровно $\max(1,\lfloor \rho T+\tfrac12\rfloor)$ мест, где $\rho$ — `share`;
# - верните пару таблиц целых чисел формы `(n, T)`: вход, где на закрытых местах стоит `mask`, и ответы,
#   где на открытых местах стоит `-1`.
#
# Случайные числа берите из `np.random.default_rng(seed)`. Частоты проверят на тысячах вопросов.
#
# *Баллы: сколько закрыто и какие ответы — 1, окна — 1, закон мест — 1, короткие истории — 0,5, половина
# вверх — 0,5. Открыто — строение ответа и грубая проверка частот.*


# %% tags=["task-2"]
def questions(sequence, n, max_len, share, mask, seed):
    """Входы и ответы n вопросов к одной истории, обе таблицы (n, T)."""
    return None  # ваш код


# %% tags=["check-2"]
def questions_problem():
    """Строение вопросов и грубые частоты."""
    sequence = np.arange(20, 30)
    answer = questions(sequence, 2000, 6, 0.3, 99, 0)
    if answer is None:
        return "ответа пока нет."
    inputs, answers = (np.asarray(table) for table in answer)
    if inputs.shape != (2000, 6) or answers.shape != (2000, 6):
        return f"формы {inputs.shape} и {answers.shape}, а нужны (2000, 6)."
    if (sequence != np.arange(20, 30)).any():
        return "функция испортила историю: срез массива — не копия."
    closed = answers >= 0
    if ((inputs == 99) != closed).any():
        return "номер mask и ответы стоят на разных местах."
    if (closed.sum(axis=1) != 2).any():
        return "закрыть надо ровно два места из шести: 0,3 · 6 = 1,8."
    if (np.diff(np.where(closed, answers, inputs), axis=1) != 1).any():
        return "если вернуть ответы на места, должно получиться окно истории подряд."
    starts = np.unique(np.where(closed, answers, inputs)[:, 0])
    if len(starts) != 5:
        return f"начал окна у истории из десяти — пять, а встретилось {len(starts)}."
    often = closed.mean(axis=0)
    if often[-1] < 1.2 * often[0]:
        return f"последнее место закрыто в {often[-1]:.0%} окон, первое — в {often[0]:.0%}: закон?"
    return ""


say("Задача 2, строение и грубые частоты", questions_problem())

# %% [markdown]
# ## Задача 3. Почините предсказание (4 балла)
#
# Функция `next_scores` ниже — кодировщик из одного слоя внимания на numpy. Она досталась вам от коллеги:
# баллы она выдаёт, список похож на правду, но в ней четыре независимые ошибки, все — из урока 08.
# Найдите их и исправьте, не меняя заголовка функции.
#
# - `histories` — список массивов номеров, старые первыми; бывает пустой;
# - `net` — словарь: `"E"` — представления объектов, за ними дополнения и [MASK], форма
#   `(n_items + 2, d)`; `"P"` — представления мест, форма `(max_len, d)`, последняя строка — у последнего
#   места; `"Wq"`, `"Wk"`, `"Wv"`, `"Wo"` — матрицы `(d, d)`;
# - сеть видит не больше `max_len` мест, считая [MASK]; `max_len` не меньше двух; голов `n_heads`;
# - верните баллы объектов для места [MASK], форма `(len(histories), n_items)`.
#
# Нормировок, внутренней сети и сдвигов здесь нет, и это не ошибка.
#
# *Баллы: по одному за каждую исправленную ошибку. Открытая проверка показывает по примеру на
# каждую.*


# %% tags=["task-3"]
def next_scores(histories, net, max_len, n_heads):
    """Баллы следующего объекта, форма (len(histories), n_items)."""
    n_items = len(net["E"]) - 2
    pad, mask = n_items, n_items + 1
    rows = [np.append(history[: max_len - 1], mask).astype(int) for history in histories]
    T = max(map(len, rows))
    tokens = np.full((len(rows), T), pad)
    for line, row in zip(tokens, rows, strict=True):
        line[T - len(row) :] = row
    h = net["E"][tokens] + net["P"][:T]
    heads = []
    Q, K, V = (np.split(h @ net[name], n_heads, axis=2) for name in ("Wq", "Wk", "Wv"))
    for q, k, v in zip(Q, K, V, strict=True):
        products = q @ k.transpose(0, 2, 1) / np.sqrt(h.shape[2])
        weights = np.exp(products - products.max(axis=2, keepdims=True))
        heads.append(weights / weights.sum(axis=2, keepdims=True) @ v)
    h = h + np.concatenate(heads, axis=2) @ net["Wo"]
    return h[:, -1] @ net["E"][:n_items].T


# %% tags=["check-3"]
def toy_net(places, asking, mask):
    """Три объекта, ширина два: значения — сами представления, запросы и ключи — их доля asking."""
    E = np.array([[1, 0], [0, 1], [1, 1], [5, 5], mask], dtype=float)
    same = np.eye(2)
    P = np.array(places, dtype=float)
    return {"E": E, "P": P, "Wq": asking * same, "Wk": same, "Wv": same, "Wo": same}


def scores_of(histories, places, asking, mask, max_len, n_heads):
    """Баллы игрушечной сети: P — places, представление [MASK] — mask, на диагонали Wq — asking."""
    return next_scores(histories, toy_net(places, asking, mask), max_len, n_heads)


nowhere = [[0, 0]] * 3
share_of_second = 1 / (1 + np.exp(-1))
repair_cases = [
    (
        ([np.array([0, 1, 2])], nowhere, 0.0, [0, 0], 3, 1),
        [[1 / 3, 2 / 3, 1]],
        "мест всего три, одно занимает [MASK]: какие два объекта истории сеть видит?",
    ),
    (
        ([np.array([0]), np.array([1, 2])], nowhere, 0.0, [0, 0], 3, 1),
        [[1 / 2, 0, 1 / 2], [1 / 3, 2 / 3, 1]],
        "первая история короче, слева у неё дополнение: смотреть на него нельзя",
    ),
    (
        ([np.array([0])], [[9, 9], [0, 0], [0, 3]], 0.0, [0, 0], 3, 1),
        [[1 / 2, 9 / 2, 5]],
        "места считают от конца: у [MASK] всегда последняя строка P",
    ),
    (
        ([np.array([0])], nowhere[:2], 1.0, [1, 1], 2, 2),
        [[2, 1 + share_of_second, 3 + share_of_second]],
        "две головы шириной один: на какой корень делить произведения?",
    ),
]
check_task("Задача 3", scores_of, repair_cases)

# %% [markdown]
# ## Задача 4. Проверка кодировщика (4 балла)
#
# Урок проверял кодировщик тремя тестами. Напишите такую проверку сами. Функция `encode(tokens)` получает
# целые номера формы `(B, T)` и возвращает представления мест формы `(B, T, d)`. Номера: от 0 до
# `n_items - 1` — объекты, `n_items` — дополнение (оно стоит только слева), `n_items + 1` — [MASK]; $T$ не
# больше `max_len`. Размеры `n_items` и `max_len` — из вашего варианта. Проверка `right_encoder(encode)`
# вызывает `encode` на данных, которые вы выберете, и возвращает `True`, если кодировщик верен, и `False`,
# если нет. Что стоит на местах самого дополнения, не важно: у верного там может быть что угодно. Числа
# порядка единицы, изменения от округления меньше $10^{-9}$.
#
# Её испытают на двух верных кодировщиках и на шести сломанных: внимание идёт поперёк пакета; о местах
# ничего не известно; дополнение видно; места считаются от начала; объект 0 принят за дополнение; место
# смотрит только влево. Баллы за сломанный даются, только если приняты оба верных.
#
# Каждая ошибка видна, если изменить **одно**: чужую историю, порядок, один объект, число дополнений.
# Подумайте, что от этого обязано измениться, а что — остаться. Труднее всего поймать объект 0: заменить
# его другим мало, ведь другой-то виден.
#
# *Баллы: пакет и порядок — по 1; дополнение, места, объект 0, только влево — по 0,5.*


# %% tags=["task-4"]
def right_encoder(encode):
    """True, если encode — верный двунаправленный кодировщик истории."""
    return None  # ваш код


# %% tags=["check-4"]
def honest_encoder(tokens):
    """Верный кодировщик без внимания: места, взвешенные по расстоянию, и их общая сумма."""
    tokens = np.asarray(tokens)
    vectors = np.random.default_rng(5).normal(size=(n_items + 2, 4))
    h = np.where((tokens == n_items)[:, :, None], 0, vectors[tokens])
    place = np.arange(tokens.shape[1])
    closeness = 0.5 ** abs(place[:, None] - place)
    return np.tanh(closeness @ h) + np.tanh(h.sum(axis=1, keepdims=True))


def sum_encoder(tokens):
    """ОШИБКА: у всех мест одно и то же — сумма всей истории, и дополнение тоже в ней."""
    h = np.random.default_rng(5).normal(size=(n_items + 2, 4))[np.asarray(tokens)]
    return np.broadcast_to(h.sum(axis=1, keepdims=True), h.shape)


def right_encoder_problem():
    """Что не так с проверкой на двух кодировщиках."""
    answers = right_encoder(honest_encoder), right_encoder(sum_encoder)
    if answers == (None, None):
        return "ответа пока нет."
    if not all(isinstance(answer, bool | np.bool_) for answer in answers):
        return f"нужны True или False, а получено {answers}."
    if not answers[0]:
        return "верный кодировщик отвергнут: на местах дополнения ответ не важен, и нужен допуск."
    return "сумма всей истории принята за кодировщик." if answers[1] else ""


say("Задача 4, верный кодировщик и сумма", right_encoder_problem())

# %% [markdown]
# ## Задача 5. Правило, которого не видно с последнего места (4 балла)
#
# Внимание может посмотреть на любое место истории, марковская цепь — только на последнее. Но считать
# переходы можно и с других мест, без сети. Данные устроены так: в четырёх случаях из пяти следующий
# объект задаёт правило, в остальных он случаен, и популярные выпадают чаще. Какое правило, не сказано:
#
# - его задаёт **один** объект — тот, что стоит за $r$ мест до следующего, $1\le r\le4$ (при $r=1$ это
#   последний);
# - или **пара** объектов, за $r$ и за $s$ мест, $1\le r<s\le4$;
# - или правила нет вовсе, и все объекты случайны.
#
# Пока история короче нужного, объекты тоже случайны. Напишите
# `rule_scores(sequences, histories, n_items)`:
#
# - `sequences` — истории, по которым вы ищете правило: список массивов или таблица, строка — история;
# - `histories` — такие же истории, которые надо продолжить; бывают короткие и пустые;
# - верните баллы следующего объекта, форма `(len(histories), n_items)`.
#
# Правило выбирайте по данным. Таблица пар помнит каждую случайность и на тех историях, по которым её
# составили, выиграет всегда, даже если правила нет: вспомните, на чём выбирают. Помните и о памяти:
# объектов бывает и две тысячи, массив $I\times I\times I$ не поместится. Баллы проверят долей историй, у
# которых наибольший балл — у настоящего продолжения. При верном правиле она около 0,8; нужно 0,9 от
# наилучшей возможной, а без правила 0,85. По слишком короткой истории на первом месте ждут популярное.
#
# *Баллы: один объект — 1, пара — 1,5, правила нет — 1, короткие и пустые истории — 0,5. Открыто — цепь
# без случайностей и MovieLens-100K.*


# %% tags=["task-5"]
def rule_scores(sequences, histories, n_items):
    """Баллы следующего объекта, форма (len(histories), n_items)."""
    return None  # ваш код


# %% tags=["check-5"]
from recsys_lessons.datasets import load_movielens
from recsys_lessons.evaluation import compare, evaluate
from recsys_lessons.models import Popularity
from recsys_lessons.splits import board_b


def rule_problem():
    """Найдено ли правило на цепи без случайностей."""
    rng = np.random.default_rng(0)
    table = rng.integers(0, 6, (300, 9))
    table[:, 4] = 5  # пятёрка популярна, а правило о ней ничего не говорит
    for place in (5, 6, 7, 8):
        table[:, place] = (table[:, place - 3] + 1) % 6
    answer = rule_scores(table[:200], table[200:, :8], 6)
    if answer is None:
        return "ответа пока нет."
    scores = np.asarray(answer, dtype=float)
    if scores.shape != (100, 6):
        return f"форма ответа {scores.shape}, а нужна (100, 6)."
    right = (scores.argmax(axis=1) == table[200:, 8]).mean()
    if right < 1:
        return f"следующий — третий с конца плюс один, всегда, а угадано {right:.0%}."
    empty = np.asarray(rule_scores(table[:200], [np.array([], dtype=int)], 6), dtype=float)
    if empty.shape != (1, 6) or not np.isfinite(empty).all():
        return "у пустой истории баллы обязаны быть конечными числами, форма (1, 6)."
    if empty[0].argmax() != np.bincount(table[:200].ravel()).argmax():
        return "о пустой истории известно одно: какие объекты популярны."
    return ""


def liked_in_order(split):
    """Понравившееся каждому зрителю до среза, старое первым."""
    liked = split.history[split.history["rating"] >= 4]
    by_user = {user: group.to_numpy() for user, group in liked.groupby("user")["item"]}
    return [by_user.get(user, np.array([], dtype=int)) for user in range(split.train.shape[0])]


def movielens_problem():
    """Лучше ли популярного на MovieLens."""
    split, _ = board_b(load_movielens()[0], seed=0)
    known, n_films = liked_in_order(split), split.train.shape[1]
    scores = rule_scores(known, known, n_films)
    if scores is None:
        return "ответа пока нет."
    scores = np.asarray(scores, dtype=float)
    mine = evaluate(lambda users: scores[users], split.test, split.seen, ["HR@10"])
    popular = Popularity().fit(split.train)
    base = evaluate(popular.score, split.test, split.seen, ["HR@10"])
    difference = compare(mine, base, "HR@10")
    print(f"HR@10 {mine['HR@10']:.3f}, популярное {base['HR@10']:.3f}; {difference}")
    if difference.mean > 2 * difference.se:
        return ""
    return "не лучше популярного: что ваша функция отвечает, когда такой пары в данных не было?"


say("Задача 5, цепь без случайностей", rule_problem())
say("Задача 5, MovieLens-100K", movielens_problem())

# %% [markdown]
# ## Задача 6. Что значит порядок (2 балла, проверяет преподаватель)
#
# В уроке BERT4Rec, обученный на перемешанных окнах, проиграл обычному 0,0278 при ошибке 0,0057. Коллега
# пишет: «Доказано, что сеть понимает, как меняется вкус зрителя». Какое другое объяснение совместимо с
# этим числом? Приведите из урока то, что делает его правдоподобным, с числом. Предложите опыт на
# MovieLens или на других данных, который различит два объяснения: что перемешать или сохранить, с чем
# сравнить и какой исход говорит за коллегу, а какой — против. Пяти–восьми предложений достаточно.
#
# *Баллы: другое объяснение с числом — 1; опыт, оба исхода которого названы, — 1.*

# %% [markdown] tags=["open-6"]
# Ваш ответ.
