# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Задание 07. Граф, который не симметричен
#
# В [уроке 07](../07_lightgcn.ipynb) вес ребра делился между концами поровну, матрица $\tilde A$ была
# симметричной, и обратный проход вышел бесплатно: то же умножение на ту же матрицу. Здесь отправитель и
# получатель делят вес неодинаково. Вы проведёте сигнал по такому графу, посчитаете градиент без
# PyTorch, почините чужой счёт пакета, напишете статистическую проверку генератора отрицательных
# примеров и составите списки по графу, в котором ничего не обучали.
#
# | | |
# |---|---|
# | **Задачи** | пять задач на 17 баллов и открытый вопрос на 3 балла |
# | **Время** | около 120 минут |
# | **Что нужно знать** | урок 07: распространение по графу, попарная функция потерь, отрицательные примеры, чрезмерное сглаживание |
#
# **Как это устроено.** Под каждой задачей — ячейка с заготовкой и ячейка с открытой проверкой.
# Заготовка возвращает `None`, и проверка отвечает «ответа пока нет» (в задаче 3 вместо заготовки —
# сломанная функция). Дальше она говорит, что не так, и подсказывает причину. Преподаватель проверит те
# же свойства на других данных, в том числе на крайних случаях из условия. Баллы даются за каждое
# свойство отдельно: недоделанную задачу сдавать стоит.
#
# **Правила.** Имена функций и порядок аргументов не меняйте. При оценке исполняются ваши ячейки и
# ячейки с данными варианта; внутри доступны только numpy и scipy (PyTorch там нет), а данные функция
# получает через аргументы. Свои ячейки добавлять можно: код между двумя задачами относится к верхней.

# %% tags=["check-0"]
from recsys_lessons.checks import check_task


def say(name, problem):
    """Вывод открытой проверки: что не так или «верно»."""
    print(f"{name}: {problem or 'верно'}")


# %% [markdown]
# ## Ваш вариант
#
# Узлы графа — сначала зрители, потом фильмы: фильм $i$ — узел $U+i$, как в уроке. Ребро есть, если
# ячейка `X` не ноль. Пусть $N(n)$ — соседи узла $n$, $|N(n)|$ — их число. Слой считается так:
#
# $$
# z_n^{(l+1)}=\sum_{m\in N(n)}\frac{z_m^{(l)}}{|N(n)|^{a}\,|N(m)|^{b}} .
# $$
#
# Показатель получателя $a$ — число `receiver`, показатель отправителя $b$ — число `sender`; в уроке оба
# равны $\tfrac12$. При $a=1$, $b=0$ узел получает среднее соседей; при $a=0$, $b=1$ отправитель делит
# свой сигнал поровну между соседями. Готовые представления — сумма слоёв с весами $c_l$, а не
# простое среднее:
#
# $$
# Z=\sum_{l=0}^{L}c_l\,Z^{(l)} .
# $$
#
# Всё, что начинается с `toy`, — для задачи 1.

# %% tags=["variant"]
receiver = 1.0
sender = 0.0
toy = [[1, 0, 1], [1, 1, 0], [1, 1, 1]]
toy_z = [5, 10, 8, 11, 1, 9]
toy_user = 1

# %% tags=["given"]
import numpy as np
import scipy.sparse as sp

# %% [markdown]
# ## Задача 1. Два шага на бумаге (2 балла)
#
# Таблица `toy`: три зрителя, три фильма. В каждом узле одно число, `toy_z`: сначала зрители, потом
# фильмы. Посчитайте на бумаге для зрителя `toy_user`:
#
# 1. число слоя 1;
# 2. число слоя 2;
# 3. готовое число при весах слоёв $c=(1,\ \tfrac12,\ \tfrac14)$.
#
# Для слоя 2 понадобятся числа слоя 1 у фильмов зрителя. Показатели `receiver` и `sender` — ваши. Верните
# список из трёх чисел, не меньше четырёх верных цифр в каждом.
#
# *Баллы: 0,5, 1 и 0,5. Открытая проверка смотрит, возможны ли такие числа; сами числа у каждого свои.*


# %% tags=["task-1"]
def by_hand():
    """Слой 1, слой 2 и готовое число зрителя toy_user."""
    return None  # ваш код


# %% tags=["check-1"]
def by_hand_problem():
    """Чем три числа заведомо плохи."""
    answer = by_hand()
    if answer is None:
        return "ответа пока нет."
    values = np.asarray(answer, dtype=float)
    if values.shape != (3,):
        return f"нужен список из трёх чисел, а форма ответа {values.shape}."
    first, second, ready = values
    watched = np.array(toy)[toy_user] > 0
    parts = np.array(toy_z[3:])[watched] / np.array(toy).sum(axis=0)[watched] ** sender
    share = watched.sum() ** (1 - receiver)
    if not share * parts.min() - 1e-3 <= first <= share * parts.max() + 1e-3:
        return (
            "слой 1 вне возможного: отправитель — фильм, его число делят на число его зрителей в "
            "степени sender, а сумму — на число фильмов зрителя в степени receiver."
        )
    if abs(ready - (toy_z[toy_user] + first / 2 + second / 4)) > 1e-2:
        return "готовое число — слои 0, 1 и 2 с весами 1, 1/2 и 1/4."
    return ""


say("Задача 1, возможные числа", by_hand_problem())

# %% [markdown]
# ## Задача 2. Вперёд и назад (4 балла)
#
# Напишите две функции. `X` — CSR `(n_users, n_items)`: числа в ячейках роли не играют, бывают и целыми;
# $d$ — любая размерность; `weights` — массив весов слоёв $c_0,\dots,c_L$, бывает и из одного числа.
#
# - `propagate(X, Z0, weights)` — готовые представления; `Z0` и ответ — `(n_users + n_items, d)`. Узел без
#   рёбер ничего не получает и не отправляет: от него остаётся $c_0z_n^{(0)}$.
# - `backward(X, gradient, weights)` — обратный проход: если `gradient` — градиент некоторой потери по $Z$,
#   верните её градиент по $Z^{(0)}$, той же формы.
#
# Запишите $Z=MZ^{(0)}$. Какая матрица стоит в обратном проходе и почему в уроке её не было видно?
# Плотную матрицу узлов не стройте: в одном из скрытых вызовов триста тысяч узлов.
#
# *Баллы: `propagate` — 1,5; `backward` — 1,5; узлы без рёбер и числа в ячейках — 0,5; большой граф —
# 0,5. Открыто — граф из одного ребра, звезда и главное свойство обратного прохода: его градиент
# совпадает с численным.*


# %% tags=["task-2"]
def propagate(X, Z0, weights):
    """Готовые представления всех узлов."""
    return None  # ваш код


def backward(X, gradient, weights):
    """Градиент по слою 0 из градиента по готовым представлениям."""
    return None  # ваш код


# %% tags=["check-2"]
edge, alone = sp.csr_array([[1.0]]), sp.csr_array([[5, 1], [0, 0]])
check_task(
    "Задача 2, propagate",
    propagate,
    [
        (
            (edge, np.array([[1.0, 10], [2, 20]]), np.array([1, 0.5, 0.25])),
            [[1 + 1 + 0.25, 10 + 10 + 2.5], [2 + 0.5 + 0.5, 20 + 5 + 5]],
            "одно ребро: слой 1 меняет узлы местами при любых показателях, слой 2 возвращает",
        ),
        (
            (
                sp.csr_array([[1.0, 1, 1, 1]]),
                np.array([[0.0], [1], [1], [1], [1]]),
                np.array([0, 1.0]),
            ),
            [[4 ** (1 - receiver)], [0], [0], [0], [0]],
            "звезда: центр получает от четырёх и делит на 4 в степени receiver",
        ),
        (
            (alone, np.array([[0.0], [7], [1], [0]]), np.array([1, 1.0])),
            [[2**-receiver], [7], [1], [0]],
            "число в ячейке не важно, считают соседей; у узла без рёбер остаётся слой 0, а не nan",
        ),
    ],
)


# %% tags=["check-2"]
def backward_problem():
    """Совпадает ли обратный проход с численной производной."""
    rng = np.random.default_rng(0)
    X = sp.csr_array((rng.random((5, 4)) < 0.5).astype(float))
    Z0, gradient, weights = (
        rng.normal(size=(9, 2)),
        rng.normal(size=(9, 2)),
        np.array([0.5, 1, 0.3]),
    )
    mine = backward(X, gradient, weights)
    if mine is None or propagate(X, Z0, weights) is None:
        return "ответа пока нет."
    if np.shape(mine) != (9, 2):
        return f"форма ответа {np.shape(mine)}, а нужна (9, 2)."
    shift = rng.normal(size=(9, 2))
    up, down = (propagate(X, Z0 + side * shift, weights) for side in (0.5, -0.5))
    slope = (gradient * (np.asarray(up) - np.asarray(down))).sum()
    if abs(slope - (np.asarray(mine) * shift).sum()) < 1e-8:
        return ""
    return (
        "градиент не совпал с численной производной вашего же propagate. Матрица больше не "
        "симметрична: кто отправлял вперёд, тот получает назад."
    )


say("Задача 2, backward", backward_problem())

# %% [markdown]
# ## Задача 3. Почините счёт пакета (4 балла)
#
# Функция `batch(X, Z, Z0, triples, l2)` — сердце обучения: потеря пакета троек и её градиенты. Коллега
# переписал её с PyTorch на NumPy, и обучение «почти работает». Ошибок четыре, все независимы. Найдите и
# исправьте их, не меняя заголовка функции.
#
# - `X` — CSR из единиц; `Z` — готовые представления, `Z0` — слой 0, обе `(n_users + n_items, d)`;
# - `triples` — целые `(n, 3)`: номер зрителя $u$, номера фильмов $i$ и $j$ (номера, а не узлы);
# - если $j$ есть в истории $u$, тройка ложная: её выбрасывают. Пусть осталось $m$ троек $\mathcal B$;
#   хотя бы одна остаётся всегда;
# - потеря
#
# $$
# \frac1m\sum_{(u,i,j)\in\mathcal B}\operatorname{softplus}\bigl(z_u^\top z_j-z_u^\top z_i\bigr)
# +\frac{\lambda_2}{2m}\sum_{(u,i,j)\in\mathcal B}
# \bigl(\lVert z_u^{(0)}\rVert^2+\lVert z_i^{(0)}\rVert^2+\lVert z_j^{(0)}\rVert^2\bigr);
# $$
#
# - верните тройку: потеря (число), градиент первого слагаемого по `Z`, градиент второго по `Z0`;
# - узел встречается в пакете сколько угодно раз, отрыв бывает любым, и $\pm1000$ тоже.
#
# *Баллы: по одному за каждую исправленную ошибку; каждая проверена на данных, где остальные три не
# видны. Открыто — по примеру на каждую.*


# %% tags=["task-3"]
def batch(X, Z, Z0, triples, l2):
    """Потеря пакета, её градиент по Z и градиент штрафа по Z0."""
    n = len(triples)
    u, i, j = triples.T + np.array([[0], [X.shape[0]], [X.shape[0]]])
    margin = (Z[u] * (Z[i] - Z[j])).sum(axis=1)
    with np.errstate(over="ignore", divide="ignore"):  # чтобы не мешали предупреждения
        above = 1 / (1 + np.exp(-margin))
        loss = -np.log(above).mean()
    pull = (above - 1)[:, None] / n
    gradient = np.zeros_like(Z)
    gradient[u] += pull * (Z[i] - Z[j])
    gradient[i] += pull * Z[u]
    gradient[j] -= pull * Z[u]
    nodes = np.unique(np.concatenate([u, i, j]))
    loss += l2 / (2 * n) * (Z0[nodes] ** 2).sum()
    penalty = np.zeros_like(Z0)
    penalty[nodes] = l2 / n * Z0[nodes]
    return loss, gradient, penalty


# %% tags=["check-3"]
def batch_numbers(X, Z, Z0, triples, l2):
    """Потеря и оба градиента одним списком: размерность один."""
    column = [np.array(one, dtype=float)[:, None] for one in (Z, Z0)]
    loss, gradient, penalty = batch(sp.csr_array(X), *column, np.array(triples), l2)
    return [float(loss), *np.ravel(gradient), *np.ravel(penalty)]


no_positives, zeros = np.array([[1.0, 0, 0]]), [0.0, 0, 0, 0]
batch_cases = [
    (
        (no_positives, [1.0, 2, 2, 2], zeros, [[0, 0, 1], [0, 0, 2]], 0.0),
        [np.log(2), 0, -0.5, 0.25, 0.25, *zeros],
        "узел 1 встретился дважды, и оба его градиента обязаны сложиться",
    ),
    (
        (no_positives, [1.0, -500, 500, 0], zeros, [[0, 0, 1]], 0.0),
        [1000, 1000, -1, 1, 0, *zeros],
        "отрыв −1000: потеря 1000, а не бесконечность",
    ),
    (
        (no_positives, zeros, [1.0, 1, 1, 1], [[0, 0, 1], [0, 0, 2]], 2.0),
        [np.log(2) + 3, *zeros, 2, 2, 1, 1],
        "строка слоя 0 входит в штраф столько раз, сколько троек её содержат",
    ),
    (
        (np.array([[1.0, 1, 0]]), [1.0, 2, 2, 2], zeros, [[0, 0, 1], [0, 0, 2]], 0.0),
        [np.log(2), 0, -0.5, 0, 0.5, *zeros],
        "фильм 1 зритель смотрел: первой тройки в пакете нет, и делят на одну",
    ),
]
check_task("Задача 3", batch_numbers, batch_cases)

# %% [markdown]
# ## Задача 4. Проверка генератора (4 балла)
#
# Ошибка в выборе отрицательных примеров не роняет обучение и почти не видна в потере. Напишите
# проверку `right_sampler(sample)`. Функция `sample(X, users, rng)` получает CSR из единиц, номера
# пользователей (с повторами) и генератор NumPy и возвращает номера объектов, по одному на каждого, форма
# `(len(users),)`. У верной реализации объект выбран из тех, с кем пользователь **не**
# взаимодействовал, все такие равновероятны, а все выборы независимы, и у одного пользователя тоже.
#
# Верните `True`, если реализация верна, `False`, если нет. `X`, `users` и зерно выбираете вы: у каждого
# вашего пользователя должен быть хоть один чужой объект. Проверку испытают на двух верных реализациях и
# на пяти сломанных:
#
# - объект берут из всего каталога;
# - если попался свой, тянут ещё раз, но только раз;
# - если попался свой, берут следующий по номеру, пока не встретится чужой;
# - последний из чужих не выпадает никогда;
# - у повторов одного пользователя в вызове объект общий.
#
# Баллы за сломанную даются, только если приняты обе верные. Решает таблица: на разреженных историях
# вторую ошибку почти не увидеть, третьей нужны соседние номера. Частоты никогда не равны точно, а порог
# «на глаз» отвергает верное. Возьмите критерий хи-квадрат с запасом: при тысячах выборов сломанное
# отличается от верного на десятки ошибок. Много вызовов не нужно: хватит одного длинного `users`.
#
# *Баллы: весь каталог — 0,5; одна попытка — 1; сдвиг — 1; последний — 0,5; общий объект — 1.*


# %% tags=["task-4"]
def right_sampler(sample):
    """True, если sample(X, users, rng) выбирает из чужих поровну и независимо."""
    return None  # ваш код


# %% tags=["check-4"]
def honest_sampler(X, users, rng):
    """Верный выбор: наименьшее из случайных чисел среди чужих."""
    keys = rng.random((len(users), X.shape[1]))
    keys[X[users].toarray() > 0] = 2
    return keys.argmin(axis=1)


def smallest_sampler(X, users, rng):
    """ОШИБКА: всегда чужой с наименьшим номером."""
    return np.asarray(X[users].toarray() > 0).argmin(axis=1)


def right_sampler_problem():
    """Что не так с проверкой на двух реализациях."""
    answers = right_sampler(honest_sampler), right_sampler(smallest_sampler)
    if answers == (None, None):
        return "ответа пока нет."
    if not all(isinstance(answer, bool | np.bool_) for answer in answers):
        return f"нужны True или False, а получено {answers}."
    if not answers[0]:
        return "верный выбор отвергнут: у случайных частот есть разброс, нужен порог с запасом."
    return "принято то, что всегда берёт наименьший номер." if answers[1] else ""


say("Задача 4, верный выбор и наименьший номер", right_sampler_problem())

# %% [markdown]
# ## Задача 5. Списки без обучения (3 балла)
#
# Сколько в LightGCN от обучения, а сколько от самого графа? Составьте списки, ничего не обучая: история
# зрителя — сигнал на фильмах, граф разносит его дальше. Напишите `graph_scores(X)`:
#
# - `X` — CSR `(n_users, n_items)` из единиц;
# - верните баллы, форма `(n_users, n_items)`; у зрителя без истории и у фильма без зрителей нули.
#
# Показатели, число шагов, веса слоёв — ваше дело, и вариант вас здесь не связывает. Разрешено и то, что
# остаётся от графа после многих шагов, — собственные векторы. Градиентного спуска и подбора векторов под
# ответы быть не должно. Помните о чрезмерном сглаживании: далеко ушедший сигнал у всех одинаков.
#
# Преподаватель возьмёт `make_clusters(600, 200, 8, 15, 0.6)` с зерном, которого вы не знаете, спрячет у
# каждого зрителя шесть фильмов из пятнадцати и посчитает полноту первых десяти мест. Граница: полнота
# популярного плюс 0,7 того, чем отличается от него список, составленный по настоящим группам вкусов.
# Простой счёт общих зрителей до неё не доходит.
#
# *Баллы: нули — 0,5; полнота в 1,1 раза больше, чем у популярного, — 0,5; граница — 2. Открыто — то же
# на другом зерне и MovieLens-100K.*


# %% tags=["task-5"]
def graph_scores(X):
    """Баллы всех фильмов у всех зрителей по графу, без обучения."""
    return None  # ваш код


# %% tags=["check-5"]
from recsys_lessons.datasets import load_movielens
from recsys_lessons.evaluation import compare, evaluate
from recsys_lessons.models import Popularity
from recsys_lessons.splits import board_a
from recsys_lessons.synthetic import make_clusters


def empty_problem():
    """Нули ли у зрителя без истории и у фильма без зрителей."""
    X = sp.csr_array([[1.0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
    scores = graph_scores(X)
    if scores is None:
        return "ответа пока нет."
    scores = np.asarray(scores, dtype=float)
    if scores.shape != (3, 4):
        return f"форма ответа {scores.shape}, а нужна (3, 4)."
    if not np.isfinite(scores).all():
        return "среди баллов есть nan: деление на нулевое число соседей?"
    if np.abs(scores[2]).max() > 1e-9 or np.abs(scores[:, 3]).max() > 1e-9:
        return "у узла без рёбер баллы обязаны быть нулями."
    return (
        ""
        if scores[0, 2] > 0
        else "первого зрителя и фильм 2 связывает второй зритель: балл больше 0."
    )


def clusters_problem(seed):
    """Дошли ли списки до границы на своих данных."""
    whole, taste, film_taste = make_clusters(600, 200, 8, 15, 0.6, seed=seed)
    rng = np.random.default_rng(seed)
    known, hidden = whole.tolil(), sp.lil_array(whole.shape)
    for user in range(600):
        away = rng.choice(whole[[user]].indices, 6, replace=False)
        known[user, away], hidden[user, away] = 0, 1
    known, hidden = sp.csr_array(known), sp.csr_array(hidden)
    if graph_scores(known) is None:
        return "ответа пока нет."
    crowd = np.asarray(known.sum(axis=0)).ravel()
    tables = {
        "ваша": np.asarray(graph_scores(known)),
        "популярное": np.tile(crowd, (600, 1)),
        "по группам вкусов": crowd * np.where(taste[:, None] == film_taste, 20, 1),
    }
    found = {}
    for name, table in tables.items():
        result = evaluate(lambda users, table=table: table[users], hidden, known, ["Recall@10"])
        found[name] = result["Recall@10"]
    print("полнота:", ", ".join(f"{name} {value:.3f}" for name, value in found.items()))
    mine, popular, best = found.values()
    border = popular + 0.7 * (best - popular)
    return "" if mine >= border else f"граница {border:.3f}. Нормировка? Не слишком ли много шагов?"


def movielens_problem():
    """Лучше ли популярного на MovieLens."""
    if graph_scores(sp.csr_array([[1.0, 0], [0, 1]])) is None:
        return "ответа пока нет."
    _, split = board_a(load_movielens()[0])
    scores = np.asarray(graph_scores(split.train))
    mine = evaluate(lambda users: scores[users], split.test, split.seen)
    popular = evaluate(Popularity().fit(split.train).score, split.test, split.seen)
    difference = compare(mine, popular, "NDCG@10")
    print(f"MovieLens: NDCG@10 {mine['NDCG@10']:.3f}, минус популярное: {difference}")
    return "" if difference.mean > 2 * difference.se else "списки не лучше популярного."


say("Задача 5, узлы без рёбер", empty_problem())
say("Задача 5, группы вкусов", clusters_problem(seed=1))
say("Задача 5, MovieLens-100K", movielens_problem())

# %% [markdown]
# ## Задача 6. Кого поднимает нормировка (3 балла, проверяет преподаватель)
#
# Пусть балл — сигнал, дошедший за три шага: от зрителя к фильмам истории, от них к другим зрителям, от
# тех к советуемому фильму. Показатели — любые. Какой из двух и в какую сторону надо изменить, чтобы в
# списках стало больше популярного? Сначала выведите ответ из формулы: в какой степени в вес пути входит
# число зрителей советуемого фильма и сколько к нему путей? Потом проверьте на MovieLens-100K: возьмите
# два набора показателей и сравните их по средней популярности списков
# (`recsys_lessons.metrics.mean_popularity`) и по NDCG@10, с ошибкой парной разности. Напишите вывод.
# Пяти–восьми предложений достаточно.
#
# *Баллы: ожидание, выведенное из формулы, — 1; измерение на валидационной части, с ошибкой разности — 1;
# вывод не шире измеренного — 1.*

# %% [markdown] tags=["open-6"]
# Ваш ответ.
