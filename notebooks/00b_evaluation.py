# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00b. Качество: как измеряют рекомендации
#
# Число в таблице результатов — это модель **и** способ измерения. Ниже одна и та же модель EASE
# ([урок 04](04_ease.ipynb), пока — чёрный ящик) на одном и том же наборе MovieLens-100K. Меняется
# только способ: что спрятали от модели, что убрали из списков, в каком порядке записали события
# одной секунды. Метрика одна, NDCG@10 из урока 00a: попадание на месте $r$ приносит
# $1/\log_2(r+1)$, сумма делится на наибольшую возможную.

# %%
import numpy as np
import pandas as pd

from recsys_lessons.datasets import load_movielens
from recsys_lessons.evaluation import average_seeds, compare, evaluate, recommend
from recsys_lessons.models import EASE, Popularity
from recsys_lessons.splits import board_a, board_b, chronological, last_share

ratings, items = load_movielens()
shape = (ratings["user"].max() + 1, ratings["item"].max() + 1)

# %%
validation, split = board_a(ratings, seed=0)
ease = EASE(l2=200).fit(split.train)
leaky_ease = EASE(l2=200).fit(split.train + split.test)
random_time = ratings.assign(timestamp=np.random.default_rng(0).permutation(len(ratings)))
random_split = last_share(chronological(random_time), shape=shape)
number_split = last_share(ratings.sort_values(["user", "timestamp", "item"]), shape=shape)


def run(model, split, metrics=("NDCG@10",)):
    """Обучить модель и измерить её по правилам курса."""
    return evaluate(model.fit(split.train).score, split.test, split.seen, metrics)


# %%
honest = evaluate(ease.score, split.test, split.seen)
variants = {
    "правила курса": honest,
    "тестовые фильмы были в обучающей части": evaluate(leaky_ease.score, split.test, split.seen),
    "случайное разбиение вместо времени": run(EASE(l2=200), random_split),
    "внутри секунды — по номеру фильма": run(EASE(l2=200), number_split),
    "из списков убраны только оценки 4 и 5": evaluate(ease.score, split.test, split.train),
    "из списков ничего не убрано": evaluate(ease.score, split.test),
}
for name, result in variants.items():
    row = result.summary().loc["NDCG@10"]
    print(f"{name:<40} NDCG@10 = {row['mean']:.4f} ± {row['se']:.4f}")

# %% [markdown]
# От 0,0440 до 0,5021: в одиннадцать раз, и модель ни при чём. Случайностью это не объяснить:
# стандартная ошибка, число после «±», не больше 0,0101. Кто сравнивает свою модель с числом из
# чужой таблицы и не знает, как его получили, сравнивает способы измерения. К концу урока каждая
# строка станет понятной.
#
# | | |
# |---|---|
# | **Что сделаем** | разобьём данные и посчитаем, что каждое разбиение выдаёт модели; вычислим каждую метрику вручную; добавим к числам ошибку; нарочно попадёмся в ловушки |
# | **Чему научимся** | читать чужие таблицы, выбирать разбиение, отличать разницу моделей от шума, находить строку кода, которая портит измерение |
# | **Что нужно знать** | [урок 00a](00a_start.ipynb): матрица взаимодействий, балл, список; из статистики — среднее и стандартное отклонение |
# | **Время** | 70 минут чтения, меньше минуты исполнения |
# | **Статья** | A. Tamm, R. Damdinov, A. Vasilev, «Quality Metrics in Recommender Systems: Do We Calculate Metrics Consistently?», RecSys 2021 |

# %% [markdown]
# ## Три задачи, три протокола
#
# Модель даёт каждому объекту **балл**. Из баллов получается список: лучшие $k$ объектов, которых
# пользователь ещё не видел. Список сравнивают с тем, что пользователь выбрал потом. «Потом» бывает
# разным, и числа из разных задач не сравнивают.
#
# | протокол | вопрос | данные | тестовая часть | что убирают из списков |
# |---|---|---|---|---|
# | **A, горизонт** | что понравится в будущем? | MovieLens | последняя пятая часть положительных, $\lfloor n/5\rfloor$ из $n$ | всё, что пользователь уже оценил |
# | **B, следующий объект** | что понравится прямо сейчас? | MovieLens | одно последнее положительное | то же |
# | **C, следующая корзина** | что купят в следующий раз? | Complete Journey | первая корзина после общей даты | ничего: повторные покупки и есть ответ |
#
# Положительное взаимодействие — оценка 4 или 5. Протокол A работает в уроках 01 и 03–07, B — в
# уроке 08, C — в [уроке 02](02_tifu_knn.ipynb). Здесь выполним A и B.

# %%
pd.set_option("display.float_format", "{:.4f}".format)
next_validation, next_split = board_b(ratings, seed=0)
parts = {"A, валидация": validation, "A, тест": split}
parts |= {"B, валидация": next_validation, "B, тест": next_split}

# %%
for name, part in parts.items():
    n_people = np.count_nonzero(part.test.sum(axis=1))
    print(f"{name:<13} обучающих {part.train.nnz}, тестовых {part.test.nnz:>5}, ", end="")
    print(f"людей в тесте {n_people}, без теста {part.n_skipped}")

# %% [markdown]
# История отрезана дважды. Гиперпараметры выбирают на валидационной части, затем всё фиксируют,
# обучают модель заново на обучающей вместе с валидационной и один раз измеряют на тестовой. Выбор
# по тестовой части — тоже утечка: лучшая из сотни случайных настроек окажется на ней выше среднего
# просто по везению.
#
# Пользователя без тестовых объектов пропускают, но считают: в протоколе A таких четыре, и ещё у
# одного из 943 нет ни одной оценки 4 или 5. В среднем участвуют 938 человек. Пропуски обязаны быть
# в отчёте: если другая модель пропустит других людей, средние окажутся о разных людях.

# %% [markdown]
# ## Разбиения: что модель узнаёт о будущем
#
# Четыре пользователя, у каждого десять событий, время идёт слева направо. Тёмный круг — событие
# обучающей части, пустой квадрат — тестовой. Треугольник — известная часть истории нового
# пользователя: модель на ней не обучалась, но читает её, когда считает баллы. По ней находят вектор
# нового пользователя (fold-in).

# %%
from recsys_lessons.splits import global_date, leave_last_out

times = np.concatenate([range(1, 11), range(2, 22, 2), range(9, 19), range(15, 25)])
toy = pd.DataFrame(
    {"user": np.repeat(range(4), 10), "item": range(40), "rating": 5, "timestamp": times}
)
toy_random = toy.assign(timestamp=np.random.default_rng(3).permutation(40))
test_parts = {
    "случайная доля": last_share(chronological(toy_random), shape=(4, 40)).test,
    "последняя доля (A)": last_share(toy).test,
    "отложить последнее (B)": leave_last_out(toy).test,
    "по общей дате (C)": global_date(toy, 15.5).test,
    "новые пользователи": last_share(toy).test[[2, 3]],
}

# %%
import matplotlib.pyplot as plt

from recsys_lessons.plots import use_style

use_style()
fig, axes = plt.subplots(1, 5, figsize=(12, 2.5), sharey=True)
for ax, (title, test) in zip(axes, test_parts.items(), strict=True):
    hidden = test.sum(axis=0) > 0
    known = (toy["user"] >= 2) & ~hidden & (title == "новые пользователи")
    ax.plot(times[~hidden & ~known], toy["user"][~hidden & ~known], "o", color="k", ms=4)
    ax.plot(times[hidden], toy["user"][hidden], "s", color="#c4561a", mfc="w", ms=5)
    ax.plot(times[known], toy["user"][known], "^", color="#555555", mfc="w", ms=5)
    ax.set(xlabel="время", ylim=(3.5, -0.5))
    ax.set_title(title, fontsize=10)
axes[3].axvline(15.5, color="k", linestyle="--")
axes[0].set_yticks(range(4), ["u1", "u2", "u3", "u4"])
plt.show()

# %% [markdown]
# Проведите на каждом рисунке вертикаль через любой квадрат и посмотрите, есть ли правее неё тёмные
# круги. Если есть, модель обучалась на событиях, которые в момент рекомендации ещё не произошли.
# Это **утечка данных** (data leakage).
#
# - **Случайная доля.** Утекает и чужое будущее, и своё: модель видела, что пользователь выбрал
#   завтра, и угадывает сегодняшнее.
# - **Последняя доля** и **отложить последнее** (leave-last-out). Своё будущее закрыто, чужое —
#   нет: к моменту 10, где u1 уже закончил, u4 ещё не начал, а восемь или девять его событий в
#   обучающей части.
# - **Разбиение по общей дате** (global temporal split). Тёмных кругов правее черты нет. Цена: u1
#   в тест не попал вовсе, а у u4 до черты одно событие. У кого нет ни одного, для того модель
#   ничего не знает: это **холодный старт**.
# - **Обобщение на новых пользователей** (strong generalisation). Люди в обучающей и тестовой частях
#   разные (Liang и др., WWW 2018). Годится для моделей, которые умеют читать незнакомую историю;
#   в пакете это `splits.held_out_users`. Чужое будущее утекает: u2 обучает модель событиями
#   позже квадратов u3.
#
# Те же вопросы — к настоящим данным. Измерим утечку долей обучающих взаимодействий, которые
# случились позже, чем половина тестовых.

# %%
when = np.zeros(shape)
when[ratings["user"], ratings["item"]] = ratings["timestamp"]


def future_share(split):
    """Доля обучающих взаимодействий, которые позже медианы тестовых."""
    return np.mean(when[split.train.nonzero()] > np.median(when[split.test.nonzero()]))


ordered = chronological(ratings, seed=0)
date = ordered.loc[ordered["rating"] >= 4, "timestamp"].quantile(0.8)
date_split = global_date(ordered, date, shape=shape)

# %%
kinds = {"случайная доля": random_split, "последняя доля (A)": split}
kinds |= {"отложить последнее (B)": next_split, "по общей дате": date_split}
for name, part in kinds.items():
    tested, known = part.test.sum(axis=1) > 0, part.train.sum(axis=1) > 0
    print(f"{name:<23} людей в тесте {tested.sum()}, с историей {(tested & known).sum()}, ", end="")
    print(f"обучающих из будущего {future_share(part):.0%}")

# %% [markdown]
# В протоколе A «из будущего» 38 % обучающих взаимодействий. Общая дата закрывает утечку, но на
# MovieLens-100K обходится дорого: в тесте остаются 280 человек, и лишь у 91 из них есть история.
# Почему так мало?

# %%
visits = ratings.groupby("user")["timestamp"].agg(lambda t: (t.max() - t.min()) / 60)
print(f"от первой до последней оценки: у половины людей не больше {visits.median():.0f} минут")

# %% [markdown]
# Половина людей оценила всё, что хотела, меньше чем за час и не вернулась: общая дата почти никого
# не делит пополам. Поэтому на MovieLens курс делит историю каждого отдельно и **помнит об утечке**,
# а корзины урока 02 режет по общей дате: там почти у всех история длинная.
#
# С другим разбиением меняется не только число, но и порядок моделей (Meng и др., RecSys 2020; Ji и
# др., TOIS 2023). В первом выводе случайная доля дала EASE 0,3715 вместо 0,2085. Причин по меньшей
# мере две. Модель видела соседние по времени фильмы того же человека. И спрятанные фильмы
# известнее: последними люди оценивают редкие (числа — в «Углублении»). Задача стала проще, модель
# не изменилась. Сравнивать такие числа нельзя, даже если обе статьи назвали метрику NDCG@10, а
# данные — MovieLens-100K.

# %% [markdown]
# ### Ловушка: совпадения времён
#
# «Последнее» взаимодействие определено, только если времена различны. Проверим.

# %%
repeated = (ordered["user"].diff() == 0) & (ordered["timestamp"].diff() == 0)
counts = np.bincount(ratings["item"], minlength=shape[1])
print(f"оценок в ту же секунду, что предыдущая: {repeated.mean():.1%}")
low, high = counts[:500].mean(), counts[500:].mean()
print(f"среднее число оценок: у номеров до 500 — {low:.0f}, у остальных — {high:.0f}")

# %% [markdown]
# Половина оценок поставлена в ту же секунду, что и предыдущая: похоже, сайт записывал страницу
# целиком. Порядка внутри страницы в данных нет, его придумывает программа. А номера фильмов в
# MovieLens не случайны: малые номера намного популярнее.
#
# **Предскажите, затем запустите.** Отложим последнее положительное. Внутри секунды расставим фильмы
# по возрастанию номера, по убыванию, случайно. Изменится ли доля попаданий у модели, которая
# времени вообще не знает?

# %%
SEEDS = range(5)
up = ["user", "timestamp", "item"]
orders = {
    "номер растёт": [ratings.sort_values(up)],
    "номер убывает": [ratings.sort_values(up, ascending=[True, True, False])],
    "случайно": [chronological(ratings, seed) for seed in SEEDS],
}


def tie_hits(model, frames):
    """Доля попаданий при каждом порядке событий."""
    splits = [leave_last_out(frame, shape=shape) for frame in frames]
    return [run(model, part, ["HR@10"])["HR@10"] for part in splits]


# %%
for order, frames in orders.items():
    for name, model in {"EASE": EASE(l2=200), "популярное": Popularity()}.items():
        values = tie_hits(model, frames)
        spread = f", разброс по зёрнам {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
        print(f"{order:<14} {name:<11} HR@10 = {np.mean(values):.4f}{spread}")

# %% [markdown]
# Те же данные, те же модели — и доля попаданий EASE от 0,1423 до 0,2187. Если номер растёт, в
# тестовую часть систематически попадает фильм с наибольшим номером на последней странице, а он чаще
# малоизвестен; если убывает — с наименьшим, чаще известный. Модель, которая учится на порядке
# событий, может выучить и порядок номеров.
#
# Правило курса: совпадения времён перемешивает генератор с указанным зерном (`chronological`), а
# результат, который зависит от порядка, показывают на пяти зёрнах с разбросом. Проверка в одну
# строку — посчитать долю совпадений, прежде чем писать слово «последнее».

# %% [markdown]
# ## Метрики: сначала вручную
#
# Четыре пользователя, десять объектов, списки глубины $k=5$. Тёмная клетка — **попадание**:
# объект есть в тестовой части пользователя. Обозначим число попаданий $h$, число тестовых
# объектов $n$.

# %%
import scipy.sparse as sp

lists = np.array([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [2, 4, 6, 8, 10], [1, 2, 3, 4, 5]]) - 1
chosen = [[1, 3, 9], [10], [1, 2, 3, 4, 5, 6, 8], [7, 8]]
table = np.zeros((4, 10))
for user, numbers in enumerate(chosen):
    table[user, np.array(numbers) - 1] = 1
relevant = sp.csr_array(table)

# %%
hits = np.take_along_axis(table, lists, axis=1)
fig, ax = plt.subplots(figsize=(7.5, 2.2))
ax.imshow(hits, cmap="Greys", vmin=0, vmax=1.4, aspect="auto")
for (u, place), item in np.ndenumerate(lists):
    ax.text(place, u, item + 1, ha="center", va="center", color="w" if hits[u, place] else "k")
ax.set_yticks(range(4), [f"u{u + 1}, тест: {', '.join(map(str, c))}" for u, c in enumerate(chosen)])
ax.set_xticks(range(5), range(1, 6))
ax.set(xlabel="место в списке", title="Списки из пяти объектов; тёмное — попадание")
ax.grid(False)
plt.show()

# %% [markdown]
# Начнём с одной метрики, главной в курсе. **Нормированный дисконтированный выигрыш** NDCG
# (Järvelin, Kekäläinen, TOIS 2002) даёт попаданию на месте $r$ вес $1/\log_2(r+1)$: единицу за
# первое место, половину за третье. Сумму весов делят на такую же сумму идеального списка, где все
# $\min(k,n)$ попаданий стоят вначале:
#
# $$\mathrm{DCG}=\sum_{r\,:\,\text{попадание}}\frac{1}{\log_2(r+1)},\qquad
# \mathrm{NDCG}=\frac{\mathrm{DCG}}{\mathrm{IDCG}},\qquad
# \mathrm{IDCG}=\sum_{r=1}^{\min(k,n)}\frac{1}{\log_2(r+1)}.$$
#
# У u1 попадания на местах 1 и 3: выигрыш $1+\tfrac12=\tfrac32$, идеал для трёх тестовых объектов —
# $1+\tfrac1{\log_2 3}+\tfrac12$. Посчитайте строку u3 до того, как запускать: попадания на местах
# 1, 2, 3, 4, а тестовых объектов семь — больше, чем мест в списке.

# %%
from recsys_lessons import metrics as m
from recsys_lessons.checks import check_better, check_close, check_task, check_true

weight = 1 / np.log2(np.arange(2, 7))  # веса мест 1–5
dcg = [weight[0] + weight[2], weight[4], weight[:4].sum(), 0]
idcg = [weight[:3].sum(), weight[0], weight.sum(), weight[:2].sum()]
print("NDCG@5:", np.divide(dcg, idcg).round(4), "среднее:", np.divide(dcg, idcg).mean().round(4))
check_close("ndcg, вручную и кодом", m.ndcg(lists, relevant, 5), np.divide(dcg, idcg))

# %% [markdown]
# Четыре числа, вручную и кодом, совпали. Их среднее и есть NDCG@5 модели. Остальные метрики
# устроены так же — число у каждого пользователя, потом среднее — и отличаются тем, что считают
# удачей.
#
# | метрика | формула | u1 | u2 | u3 | u4 | среднее |
# |---|---|---|---|---|---|---|
# | $h$ и $n$ | | 2 и 3 | 1 и 1 | 4 и 7 | 0 и 2 | |
# | HR, доля попаданий (hit rate) | 1, если $h>0$ | 1 | 1 | 1 | 0 | 3/4 |
# | Precision, точность | $h/k$ | 2/5 | 1/5 | 4/5 | 0 | 7/20 |
# | Recall, полнота | $h/n$ | 2/3 | 1 | 4/7 | 0 | 47/84 |
# | Recall_min | $h/\min(k,n)$ | 2/3 | 1 | 4/5 | 0 | 37/60 |
# | MAP, средняя точность | ниже | 5/9 | 1/5 | 4/5 | 0 | 7/18 |
# | MRR, обратное место | 1 / место первого попадания | 1 | 1/5 | 1 | 0 | 11/20 |
#
# Первые четыре не смотрят на порядок внутри списка. Полнота пользователя u3 не может стать
# единицей: семь объектов в пять мест не поместятся. Recall_min это исправляет, но часто и её
# называют просто Recall — о путанице речь ниже.
#
# **Средняя точность** (average precision) берёт точность на каждом месте с попаданием, складывает и
# делит на наибольшее возможное число попаданий $\min(k,n)$. У u1 попадания на местах 1 и 3:
#
# $$\mathrm{AP}(u_1)=\frac{1}{3}\left(\frac{1}{1}+\frac{2}{3}\right)=\frac{5}{9}.$$
#
# **Обратное место** (reciprocal rank) знает только о первом попадании. Оно уместно, когда нужен
# один ответ.

# %%
by_hand = {
    m.hit_rate: [1, 1, 1, 0],
    m.precision: [2 / 5, 1 / 5, 4 / 5, 0],
    m.recall: [2 / 3, 1, 4 / 7, 0],
    m.recall_min: [2 / 3, 1, 4 / 5, 0],
    m.average_precision: [5 / 9, 1 / 5, 4 / 5, 0],
    m.reciprocal_rank: [1, 1 / 5, 1, 0],
}
for metric, values in by_hand.items():
    check_close(f"{metric.__name__}, вручную и кодом", metric(lists, relevant, 5), values)

# %% [markdown]
# Ручной счёт и код согласны. Третий свидетель — независимая библиотека. В scikit-learn есть
# `ndcg_score`; ей нужны баллы, а не списки, поэтому в примере дадим местам 1–5 баллы 5, 4, 3, 2, 1.

# %%
from sklearn.metrics import ndcg_score

scores = np.zeros((4, 10))
np.put_along_axis(scores, lists, np.arange(5, 0, -1)[None, :], axis=1)
reference = ndcg_score(table, scores, k=5)
check_close("NDCG@5, пример, scikit-learn", m.ndcg(lists, relevant, 5).mean(), reference)

# %%
users = honest.users
unseen_first = ease.score(users) - 1e6 * split.seen[users].toarray()
reference = ndcg_score(split.test[users].toarray(), unseen_first, k=10, ignore_ties=True)
check_close("NDCG@10, EASE, 938 человек, scikit-learn", honest["NDCG@10"], reference)

# %% [markdown]
# Три способа дают одно и то же: на примере и на настоящих данных. Просмотренным во второй сверке
# назначен балл на миллион меньше, чтобы они ушли в конец. Сверка с библиотекой имеет смысл, когда
# определения совпадают. Обычно они не совпадают.
#
# ### Одно имя, разные числа
#
# Соберём варианты формул, которые встречаются под одним именем. Первый столбец — наши четыре
# списка, второй — EASE на MovieLens с $k=10$. Первая строка каждого имени — вариант курса.


# %%
def namesakes(recommended, relevant, k):
    """Значения метрик-тёзок, среднее по пользователям."""
    data = recommended, relevant, k
    kinds = {"min(k, n)": "min", "n": "relevant", "k": "k", "h": "hits"}
    values = {f"NDCG: идеал из {name}": m.ndcg(*data, kind) for name, kind in kinds.items()}
    for name, kind in kinds.items():
        values[f"MAP: делитель {name}"] = m.average_precision(*data, kind)
    values |= {"Recall: h / n": m.recall(*data), "Recall: h / min(k, n)": m.recall_min(*data)}
    values["Hit: есть ли попадание"] = m.hit_rate(*data)
    values["Hit: число попаданий"] = m.hit_count(*data)
    values["Precision: h / k"] = m.precision(*data)
    values["Precision: сумма h / сумма min(k, n)"] = m.micro_precision(*data)
    return {name: np.mean(value) for name, value in values.items()}


# %%
real = honest.recommended, sp.csr_array(split.test[users]), 10
pd.DataFrame({"пример": namesakes(lists, relevant, 5), "EASE": namesakes(*real)})

# %% [markdown]
# Четыре NDCG одного и того же списка — от 0,3772 до 0,5766. Кто чем пользуется (проверено запуском
# на этих же списках или чтением кода):
#
# | библиотека или код | NDCG | MAP | Recall | Precision |
# |---|---|---|---|---|
# | курс | 0,4899 | 0,3889 | 0,5595 | 0,3500 |
# | `implicit 0.7.3` | 0,4899 | 0,3889 | — | **0,6364** |
# | `RecBole 1.2.1` | 0,4899 | 0,3889 | 0,5595 | 0,3500 |
# | `ranx 0.3.21`, `irspack 0.5.2`, `rs_metrics 0.6.0` | 0,4899 | **0,3317** | 0,5595 | 0,3500 |
# | `RecTools 0.19` | **0,3772** | **0,3317** | 0,5595 | 0,3500 |
# | код авторов Mult-VAE | 0,4899 | — | **0,6167** | — |
# | код авторов TIFU-KNN | **0,4487** | — | 0,5595 | 0,3500 |
# | `aprec`, воспроизведение BERT4Rec | **0,5766** | — | 0,5595 | — |
#
# «Точность» implicit складывает попадания всех людей и делит на сумму $\min(k,n)$: это вообще не
# среднее по пользователям. Hit в `RecPack 0.3.6` — число попаданий, и оно бывает больше единицы.
# Взяты настройки по умолчанию; у RecTools и irspack есть параметры, которые их меняют. По тексту
# статьи вариант обычно не понять: одинаково все понимают только Precision@k (Tamm, Damdinov,
# Vasilev, RecSys 2021).
#
# Насколько это важно, видно на Mult-VAE. Авторы сообщают на MovieLens-20M Recall@20 = 0,395 (Liang
# и др., WWW 2018), а проверявшие их — 0,354 (Ferrari Dacrema и др., TOIS 2021). Знаменатели
# у них разные: у первых $\min(k,n)$, у вторых $n$. Тот, кто поставит эти числа в один столбец,
# сравнит знаменатели.
#
# Решение курса: NDCG и MAP с $\min(k,n)$, Recall равен $h/n$, второй вариант назван Recall_min.

# %% [markdown]
# ### Не только попадания
#
# Модель, которая всем показывает одно и то же, может набрать неплохие попадания. **Охват каталога**
# (coverage) — доля объектов, попавших хотя бы в один список. **Средняя популярность** —
# сколько обучающих взаимодействий у рекомендованных объектов; по ней видно **смещение к
# популярному** (popularity bias).

# %%
popular = Popularity().fit(split.train)
popular_result = evaluate(popular.score, split.test, split.seen)
popularity = split.train.sum(axis=0)
for name, result in {"EASE": honest, "популярное": popular_result}.items():
    shown = result.recommended
    print(f"{name:<11} охват {m.coverage(shown, shape[1], 10):.3f}, ", end="")
    print(f"средняя популярность {m.mean_popularity(shown, popularity, 10):.0f}")

# %% [markdown]
# У популярного все списки сложены из одних и тех же четырёх процентов каталога: разнятся они только
# тем, что убрано как просмотренное. EASE показывает в четыре с половиной раза больше разных
# фильмов, но и ей хватает пятой части каталога. Эти числа не говорят «хорошо» или «плохо»: они
# описывают, чем заполнен список, и стоят рядом с главной метрикой, а не вместо неё.

# %% [markdown]
# ## Насколько точно число
#
# 938 пользователей — выборка. Спроси мы других людей, среднее вышло бы чуть иным. Для среднего
# $\bar x$ по $U$ пользователям, у которых метрика имеет стандартное отклонение $s$, **стандартная
# ошибка** (standard error) и доверительный интервал на 95 % равны
#
# $$\mathrm{SE}=\frac{s}{\sqrt{U}},\qquad \bar x\pm 1{,}96\,\mathrm{SE}.$$
#
# Чтобы ошибка стала вдвое меньше, людей нужно вчетверо больше. Откуда берутся эти формулы, что
# такое p-значение и когда 1,96 не годится, сказано в
# [справочнике](A_handbook.ipynb#cell-id=statistics).
#
# Пример на бумаге: десять пользователей, попал (1) или нет (0), две модели. Для десяти человек
# верный множитель — 2,26, из распределения Стьюдента; для сотен он почти равен 1,96.

# %%
a = np.array([1, 0, 1, 1, 0, 1, 0, 1, 1, 0])
b = np.array([1, 0, 0, 1, 0, 1, 0, 0, 1, 0])
TEN, HUNDREDS = 2.26, 1.96  # множители для десяти наблюдений и для сотен


def mean_se(values):
    """Среднее и его стандартная ошибка."""
    return np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))


# %%
for name, values in (("a", a), ("b", b), ("a − b", a - b)):
    mean, se = mean_se(values)
    print(f"{name:<6} среднее {mean:.1f}, ошибка {se:.4f}, ", end="")
    print(f"95 %: [{mean - TEN * se:.4f}, {mean + TEN * se:.4f}]")
print(f"множитель: для десяти человек {TEN}, для сотен {HUNDREDS}")
print(f"ошибка разности, если забыть о парах: {np.hypot(mean_se(a)[1], mean_se(b)[1]):.4f}")

# %% [markdown]
# Две ошибки разности: 0,2309, если считать, что модели проверены на разных людях, и 0,1333 при
# **парном сравнении** (paired comparison), когда разность берут у каждого человека и лишь потом
# усредняют. Предсказуемый человек предсказуем для обеих моделей; в разности эта общая часть
# исчезает.
#
# Проверим руками: $a-b$ — две единицы и восемь нулей, среднее 1/5, сумма квадратов отклонений
# $2\cdot\tfrac{16}{25}+8\cdot\tfrac1{25}=\tfrac85$, дисперсия $\tfrac85:9=\tfrac{8}{45}$, ошибка
# $\sqrt{\tfrac{8}{45}:10}=\tfrac{2}{15}$. Интервал разности содержит ноль: десяти человек мало. То
# же видно без формул. Модели разошлись на двух людях, оба раза в пользу $a$; у равных моделей два
# расхождения смотрят в одну сторону с вероятностью 1/2.
#
# Теперь настоящие модели. Вычтем из EASE с $\lambda_2=200$ три другие модели и сравним обе ошибки.

# %%
others = {
    "популярное": popular_result,
    "EASE, 500": run(EASE(l2=500), split),
    "EASE, 220": run(EASE(l2=220), split),
}
pairs = [compare(honest, other, "NDCG@10") for other in others.values()]
own = [r.summary().loc["NDCG@10", "se"] for r in others.values()]

# %%
pd.DataFrame(
    {
        "NDCG@10": [other["NDCG@10"] for other in others.values()],
        "разность": [pair.mean for pair in pairs],
        "непарная ошибка": np.hypot(honest.summary().loc["NDCG@10", "se"], own),
        "парная ошибка": [pair.se for pair in pairs],
        "видна разность от": [2 * pair.se for pair in pairs],
    },
    index=list(others),
)

# %% [markdown]
# Последний столбец — две парные ошибки: меньшую разность с этой моделью не отличить от нуля.

# %%
check_better("EASE лучше популярного", honest, popular_result, "NDCG@10")
check_better("EASE с 200 лучше, чем с 500", honest, others["EASE, 500"], "NDCG@10")

# %% [markdown]
# Первая строка видна и без пар. Вторая — урок о парах: 0,0063 меньше непарной ошибки 0,0100, но
# больше трёх парных. Чем больше похожи модели, тем сильнее связаны их значения и тем меньше парная
# ошибка. Курс считает разность установленной, если она больше двух парных ошибок, и проверяет
# это функцией `check_better`. При 938 пользователях у непохожих моделей видна разность от 0,0130, у
# похожих — на порядок меньшая.

# %% [markdown]
# ### Ловушка: разница внутри шума
#
# Третья строка таблицы: $\lambda_2=200$ против 220. Напечатать «0,2085 против 0,2076» и объявить
# победителя легко, но разность меньше двух своих ошибок. Повторим на пяти зёрнах совпадений времён.

# %%
tie_splits = [board_a(ratings, seed)[1] for seed in SEEDS]
rivals = {"EASE, 200": EASE(l2=200), "EASE, 220": EASE(l2=220), "популярное": Popularity()}
runs = {name: [run(model, part) for part in tie_splits] for name, model in rivals.items()}
for seed in SEEDS:
    pair = compare(runs["EASE, 200"][seed], runs["EASE, 220"][seed], "NDCG@10")
    print(f"зерно {seed}: разность {pair.mean:+.4f} ± {pair.se:.4f}")

# %% [markdown]
# Знак разности меняется от зерна к зерну. Вывод не «200 лучше», а «эти данные их не различают»:
# берут любую. Так выглядит большинство «побед» в третьем знаке.
#
# ### Два источника разброса
#
# Зерно генератора — второй источник случайности, и ошибка среднего по людям его не содержит.
# Порядок действий курса: у каждого человека усреднить метрику по зёрнам (`average_seeds`), затем
# сравнить модели парно, а разброс по зёрнам показать отдельно.

# %%
averaged = {name: average_seeds(results) for name, results in runs.items()}
for name, result in averaged.items():
    row = result.summary().loc["NDCG@10"]
    print(f"{name:<11} {row['mean']:.4f}, ошибка по людям {row['se']:.4f}, ", end="")
    print(f"разброс по зёрнам {result.seed_sd['NDCG@10']:.4f}")

# %% [markdown]
# Усреднённые по зёрнам, две EASE неотличимы и подавно:

# %%
noise = compare(averaged["EASE, 200"], averaged["EASE, 220"], "NDCG@10")
print(noise)
check_true("разность в пределах двух ошибок", abs(noise.mean) < 2 * noise.se)

# %% [markdown]
# У этих моделей случайны только совпадения времён, и разброс мал. У нейронных сетей уроков 06–08
# добавятся начальные веса, и пяти зёрен будет в обрез.
#
# Третий источник ложных побед — число сравнений. Если двадцать моделей, равных базовой, сравнить с
# ней при пороге 5 %, в среднем одна значимо «отличится» — в ту или другую сторону. Поэтому главная
# метрика выбирается одна и заранее. Если сравнений $m$, помогает поправка Холма (Holm, 1979):
# упорядочить p-значения по возрастанию и требовать $p_{(1)}\le\tfrac{5\,\%}{m}$,
# $p_{(2)}\le\tfrac{5\,\%}{m-1}$ и так далее до первого отказа.
#
# И помните, чего интервал не содержит: другого сайта, другого года, другого разбиения.

# %% [markdown]
# ## Ловушки фильтра
#
# Из списка убирают **просмотренное**: всё, что пользователь оценил до **среза**, то есть до границы
# разбиения, с любой оценкой. Звучит просто, но две последние строки первого вывода — об этом.
#
# **Предскажите, затем запустите.** EASE и популярное без фильтра: у кого NDCG@10 больше?

# %%
low_rated = split.seen - split.train  # оценки 1–3 до среза


def filter_row(model, seen):
    """NDCG@10 и доля мест в первых десяти, занятых уже оценённым."""
    cells = np.repeat(users, 10), recommend(model.score, users, seen, 10).ravel()
    result = evaluate(model.score, split.test, seen)
    busy = {"оценил 4–5": split.train[cells].mean(), "оценил 1–3": low_rated[cells].mean()}
    return {"NDCG@10": result["NDCG@10"]} | {name: f"{share:.0%}" for name, share in busy.items()}


# %%
filters = {"просмотренное": split.seen, "ничего": None, "только 4–5": split.train}
fitted = {"EASE": ease, "популярное": popular}
rows = {
    (f"убрано: {title}", name): filter_row(model, seen)
    for title, seen in filters.items()
    for name, model in fitted.items()
}
pd.DataFrame(rows).T

# %% [markdown]
# В двух последних столбцах — доля мест в списках, занятых тем, что человек уже оценил. Без фильтра
# EASE уступает популярному; проверим, больше ли разность шума.

# %%
no_filter = evaluate(ease.score, split.test), evaluate(popular.score, split.test)
print("без фильтра, EASE − популярное:", compare(*no_filter, "NDCG@10"))

# %% [markdown]
# **Просмотренное осталось в списках.** Без фильтра 72 % мест EASE заняты фильмами, на которых она
# обучена: своя история похожа на саму себя больше всего. Каждое такое место — верный промах: фильм
# оценивают один раз, и в тестовой части его быть не может. Популярное теряет меньше, и модели стали
# неразличимы: разность −0,0063 при ошибке 0,0041. Чем точнее модель помнит пользователя, тем дороже
# ей обходится забытый фильтр.
#
# **Низкие оценки забыты в фильтре.** Ошибка потоньше. В матрице $X$ только положительные, и фильтр
# строят из неё же: «уберём то, что есть в $X$». Тогда в списках остаётся то, что человек видел и
# оценил на 1–3: у EASE таких мест 28 %. Это фильмы из круга его интересов, которые разочаровали.
# Тестовая часть их содержать не может, и NDCG@10 падает с 0,2085 до 0,1577. Посмотрим, кому и что
# рекомендуют.

# %%
forgotten = recommend(ease.score, users, split.train, 10)
is_low = low_rated[np.repeat(users, 10), forgotten.ravel()].reshape(forgotten.shape) > 0
print(f"такой фильм есть в первой десятке у {is_low.any(axis=1).mean():.0%} людей")
victim = np.argmax(is_low.sum(axis=1))
marks = ratings[ratings["user"] == users[victim]].set_index("item")["rating"]
for item in forgotten[victim, :5]:
    print(f"  {items['label'][item]}: уже оценил на {marks[item]}")

# %% [markdown]
# Поэтому в курсе `seen` — отдельная матрица, а не $X$. Обе ошибки ловит одна проверка: ни один
# рекомендованный объект не лежит в `seen`. В задаче C, наоборот, ошибкой был бы сам фильтр: там
# повторные покупки — большая часть ответа.

# %%
cells = np.repeat(users, 10), honest.recommended[:, :10].ravel()
check_true("в списках нет просмотренного", split.seen[cells] == 0)
forgetful = evaluate(ease.score, split.test, split.train)
check_better("полный фильтр лучше фильтра из X", honest, forgetful, "NDCG@10")

# %% [markdown]
# ## Ловушка подвыборки
#
# Ранжировать весь каталог казалось дорого, и поступали так: к тестовому объекту добавляли около
# сотни случайных непросмотренных и смотрели, вошёл ли он среди них в первые десять (NCF: He и др.,
# WWW 2017; BERT4Rec: Sun и др., CIKM 2019). Это **метрика на подвыборке** (sampled metric). Её
# значения не просто больше: она переставляет модели (Krichene, Rendle, KDD 2020).
#
# Чтобы это увидеть, достаточно арифметики. Пусть при **ранжировании всего каталога** (full ranking)
# тестовый объект стоит на месте $r$ из $N$. Из остальных $N-1$ объектов выше него $r-1$. Вытянем
# без возвращения $m$ объектов: число тех, что окажутся выше, распределено гипергеометрически
# ([справочник](A_handbook.ipynb#cell-id=statistics)). Попадание будет, если их не больше $k-1$:
#
# $$\mathbb{P}(\text{попадание})=\mathbb{P}\bigl(\mathrm{Hyp}(N-1,\;r-1,\;m)\le k-1\bigr).$$

# %%
from scipy.stats import hypergeom

places = np.array([1, 11, 100, 500, 1000, 2000, 3000])
chance = hypergeom.cdf(9, 10_000, places - 1, 100)  # N = 10 001, m = 100, k = 10
pd.DataFrame({"место r": places, "весь каталог": places <= 10, "подвыборка": chance})

# %% [markdown]
# Каталог из десяти тысяч, а 500-е место подвыборка засчитывает с вероятностью 0,9728. Первое место
# от сотого она не отличает. Теперь две модели: A всегда ставит тестовый объект на 100-е место, B
# сорока людям из ста — на первое, остальным на 3000-е.

# %%
at = dict(zip(places, chance, strict=True))
print(f"A: весь каталог 0.0000, подвыборка {at[100]:.4f}")
print(f"B: весь каталог 0.4000, подвыборка {0.4 * at[1] + 0.6 * at[3000]:.4f}")

# %% [markdown]
# Модель A бесполезна: до сотого места никто не листает. Весь каталог предпочитает B, подвыборка —
# A. Так бывает и с настоящими моделями: в «Углублении» подвыборка переставляет цепь Маркова и
# популярное, и обе разности больше двух своих ошибок. Правило курса: ранжировать весь каталог.

# %% [markdown] tags=["deep"]
# ## Углубление
#
# ### Подвыборка переставляет настоящие модели
#
# Возьмём протокол B, популярное и **цепь Маркова**: балл объекта $j$ — сколько раз в обучающей
# части $j$ шёл сразу за последним объектом пользователя.


# %% tags=["deep"]
def last_item_chain(split):
    """Функция баллов: что в обучающей части следовало за последним объектом пользователя."""
    likes = split.history[split.history["rating"] >= 4]
    user, item = likes["user"].to_numpy(), likes["item"].to_numpy()
    inside = user[1:] == user[:-1]  # пары соседей внутри одной истории
    follows = np.zeros((shape[1], shape[1]))
    np.add.at(follows, (item[:-1][inside], item[1:][inside]), 1)
    last = np.zeros(shape[0], dtype=int)
    last[user] = item  # при повторе пользователя остаётся последнее значение
    return lambda users: follows[last[users]]


# %% [markdown] tags=["deep"]
# Цепь знает мало: переход, которого не было, получает ноль, и нулей большинство. Поэтому равные
# баллы считаем честно, как случайный порядок. Если выше тестового объекта $v$ других и ещё $e$ с
# ним наравне, его место равновероятно от $v+1$ до $v+e+1$, и вероятность войти в первые $k$ равна
# $(k-v)/(e+1)$, но не меньше 0 и не больше 1.


# %% tags=["deep"]
def above_and_equal(score, split, candidates):
    """Сколько кандидатов выше тестового объекта и сколько наравне с ним, по пользователям."""
    users = np.flatnonzero(split.test.sum(axis=1))
    scores = np.where(candidates[users], score(users), -np.inf)
    target = scores[np.arange(len(users)), split.test[users].indices][:, None]
    return (scores > target).sum(axis=1), (scores == target).sum(axis=1) - 1


def draw_candidates(split, n_negatives, seed):
    """Тестовый объект и ``n_negatives`` случайных непросмотренных, логическая матрица."""
    free = (split.seen + split.test).toarray() == 0
    lottery = np.where(free, np.random.default_rng(seed).random(free.shape), 2)
    candidates = split.test.toarray() > 0
    np.put_along_axis(candidates, np.argsort(lottery, axis=1)[:, :n_negatives], True, axis=1)
    return candidates


# %% tags=["deep"]
from recsys_lessons.evaluation import Evaluation


def next_item_result(score, split, candidates, k=10):
    """HR@10 протокола B среди кандидатов; равные баллы — в случайном порядке."""
    above, equal = above_and_equal(score, split, candidates)
    hit = np.clip((k - above) / (equal + 1), 0, 1)
    values = pd.DataFrame({"HR@10": hit}, index=np.flatnonzero(split.test.sum(axis=1)))
    return Evaluation(values, np.empty((len(values), 0), dtype=int), split.n_skipped)


# %% [markdown] tags=["deep"]
# **Предскажите, затем запустите.** Модели, данные и метрика одни и те же. Меняется только набор
# кандидатов: весь каталог или 101 объект. Пять зёрен, каждое задаёт и порядок внутри секунды, и
# подвыборку.

# %% tags=["deep"]
trials = {}
for seed in SEEDS:
    part = board_b(ratings, seed)[1]
    full, sample = part.seen.toarray() == 0, draw_candidates(part, 100, seed)
    scorers = {"цепь": last_item_chain(part), "популярное": Popularity().fit(part.train).score}
    for name, score in scorers.items():
        trials.setdefault(("каталог", name), []).append(next_item_result(score, part, full))
        trials.setdefault(("подвыборка", name), []).append(next_item_result(score, part, sample))
mean_trials = {key: average_seeds(results) for key, results in trials.items()}
rows = {
    key: {"HR@10": r["HR@10"], "разброс по зёрнам": r.seed_sd["HR@10"]}
    for key, r in mean_trials.items()
}
pd.DataFrame(rows).T

# %% tags=["deep"]
chain, popular_next = mean_trials["каталог", "цепь"], mean_trials["каталог", "популярное"]
check_better("весь каталог, цепь лучше", chain, popular_next, "HR@10")
chain, popular_next = mean_trials["подвыборка", "цепь"], mean_trials["подвыборка", "популярное"]
check_better("подвыборка, популярное лучше", popular_next, chain, "HR@10")

# %% [markdown] tags=["deep"]
# Порядок перевернулся, и обе разности больше двух своих ошибок. Почему, видно по местам тестового
# объекта во всём каталоге.

# %% tags=["deep"]
scorers = {
    "цепь": last_item_chain(next_split),
    "популярное": Popularity().fit(next_split.train).score,
}
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), sharex=True)
luck = np.random.default_rng(0).random(942)
for (name, score), line in zip(scorers.items(), ("k-", "k--"), strict=True):
    above, equal = above_and_equal(score, next_split, next_split.seen.toarray() == 0)
    place = np.sort(above + 1 + np.floor(luck * (equal + 1)))
    left.step(place, np.arange(1, 943) / 942, line, label=name)
left.axvline(10, color="#c4561a", linestyle=":", label="место 10")
left.set(xscale="log", xlabel="место тестового объекта", ylabel="доля людей", ylim=(0, 1))
left.set_title("У скольких объект не дальше этого места")
grid = np.arange(1, 1601)
right.step(grid, grid <= 10, "k-", label="весь каталог")
right.plot(
    grid, hypergeom.cdf(9, 1599, grid - 1, 100), color="#c4561a", ls="--", label="подвыборка"
)
right.set(xlabel="место тестового объекта", ylabel="вероятность попадания")
right.set_title("Что засчитывает HR@10, каталог 1600")
left.legend()
right.legend()
plt.show()

# %% [markdown] tags=["deep"]
# Слева кривые пересекаются, не доходя до сотого места. В начале выше кривая цепи: если переход был,
# она ставит объект на первые места. Дальше выше популярное: если перехода не было, цепь не знает
# ничего. Справа видно, что засчитывает каждая метрика: весь каталог — ступень на месте 10,
# подвыборка — плавный спуск около места 150. HR@10 на подвыборке отвечает на вопрос «кто чаще
# ставит объект в первые полторы сотни», а называется так же. При каталоге в $N$ объектов глубина
# $k$ среди $m+1$ примерно соответствует глубине $kN/(m+1)$ в каталоге.

# %% [markdown] tags=["deep"]
# ### Равные баллы
#
# В этом опыте равные баллы шли в случайном порядке. Частая запись другая: тестовый объект кладут в
# кандидаты первым и берут его место из `argsort`. Проверим её на модели, которая всем даёт ноль.

# %% tags=["deep"]
nothing = np.zeros(101)  # тестовый объект первый, за ним сто случайных
place = np.argsort(np.argsort(-nothing, kind="stable"), kind="stable")[0] + 1
print(f"место тестового объекта: {place}")

part_score = last_item_chain(next_split)
above, equal = above_and_equal(part_score, next_split, draw_candidates(next_split, 100, 0))
print(f"цепь, тестовый объект первый среди равных: {np.mean(above < 10):.4f}")
print(f"случайный порядок: {np.mean(np.clip((10 - above) / (equal + 1), 0, 1)):.4f}")
print(f"последний среди равных: {np.mean(above + equal < 10):.4f}")

# %% [markdown] tags=["deep"]
# Модель, которая не знает ничего, получила первое место, то есть HR@1 = 1. Цепь, у которой в баллах
# почти одни нули, — 0,9735 вместо 0,3394. Ранжирование всего каталога тоже не спасает, если порядок
# равных связан с ответом. Поэтому у курса одно правило для всех моделей (меньший номер раньше,
# `metrics.top_k`), а модели с большим числом равных баллов проверяют случайным порядком.

# %% [markdown] tags=["deep"]
# ### Случайная доля и общая дата в числах
#
# Сначала случайная доля на пяти зёрнах рядом с протоколом A и популярность тестовых фильмов.


# %% tags=["deep"]
def random_part(seed):
    """Разбиение со случайными временами: тестовая часть — случайная доля."""
    order = np.random.default_rng(seed).permutation(len(ratings))
    return last_share(chronological(ratings.assign(timestamp=order)), shape=shape)


random_parts = [random_part(seed) for seed in SEEDS]
for name in ("EASE, 200", "популярное"):
    values = [run(rivals[name], part)["NDCG@10"] for part in random_parts]
    print(f"{name:<11} протокол A {averaged[name]['NDCG@10']:.4f}, случайная доля ", end="")
    print(f"{np.mean(values):.4f} (разброс по зёрнам {np.std(values, ddof=1):.4f})")

# %% tags=["deep"]
likes_count = split.train.sum(axis=0) + split.test.sum(axis=0)
for name, part in {"протокол A": split, "случайная доля": random_split}.items():
    print(
        f"{name:<15} тестовый фильм любят в среднем {likes_count[part.test.indices].mean():.0f} человек"
    )

# %% [markdown] tags=["deep"]
# На три четверти выросла и базовая модель, а тестовые фильмы стали популярнее: дело в задаче.
# Теперь общая дата. Оставим только тех, у кого есть история.

# %% tags=["deep"]
has_history = date_split.train.sum(axis=1) > 0
warm_test = sp.csr_array(sp.diags_array(has_history.astype(float)) @ date_split.test)
warm_test.eliminate_zeros()
dated = {}
for name in ("EASE, 200", "популярное"):
    model = rivals[name].fit(date_split.train)
    dated[name] = evaluate(model.score, warm_test, date_split.seen)
    print(f"{name:<11} NDCG@10 = {dated[name]['NDCG@10']:.4f}, людей {len(dated[name].users)}")
print(compare(dated["EASE, 200"], dated["популярное"], "NDCG@10"))

# %% [markdown] tags=["deep"]
# Разность в пределах шума: на 91 человеке её ошибка втрое больше, чем на 938. Честное разбиение,
# на котором ничего не видно, тоже не ответ. Данные должны быть достаточно длинными для своего
# разбиения.

# %% [markdown]
# ## Проверьте себя
#
# **1.** В статье NDCG@10 = 0,3715 на случайной доле, у вас 0,2085 на последней доле, данные одни.
# Чья модель лучше?
#
# <details><summary>Ответ</summary>
#
# Сказать нельзя: задачи разные. На случайной доле и у базовой модели число больше на три четверти.
# Нужно измерить обе модели на одном разбиении и сравнить их парно.
#
# </details>
#
# **2.** У пользователя 30 тестовых объектов. Какова наибольшая полнота Recall@10? А Recall_min@10?
#
# <details><summary>Ответ</summary>
#
# В десять мест войдёт не больше десяти попаданий: $10/30=1/3$. Recall_min делит на
# $\min(10;\,30)=10$, наибольшее значение 1.
#
# </details>
#
# **3.** Средние двух моделей отличаются меньше, чем на одну стандартную ошибку каждой. Значит ли
# это, что модели неразличимы?
#
# <details><summary>Ответ</summary>
#
# Нет. Эти ошибки отвечают на вопрос, насколько изменятся средние на других людях, а люди у моделей
# общие. Нужна ошибка парной разности; в уроке EASE с $\lambda_2=200$ и 500 отличались меньше чем на
# одну непарную ошибку и больше чем на три парные.
#
# </details>
#
# **4.** Перед разбиением из всего набора удалили фильмы, у которых меньше пяти оценок. Есть ли
# утечка?
#
# <details><summary>Ответ</summary>
#
# Есть, слабая. Фильм мог пройти порог благодаря будущим оценкам, и до среза об этом не узнать.
# Правильно считать порог по обучающей части или хотя бы написать, что отбор сделан заранее.
#
# </details>
#
# **5.** На 100 случайных кандидатах и каталоге в 20 000 объектов модель получила HR@10 = 1. На
# каком месте во всём каталоге может стоять тестовый объект?
#
# <details><summary>Ответ</summary>
#
# Глубина 10 среди 101 примерно соответствует глубине $10\cdot20\,000/101\approx 2000$ в каталоге.
# Место до тысячи подвыборка засчитывает почти наверняка, двухтысячное — примерно в половине
# случаев.
#
# </details>

# %% [markdown]
# ### Попробуйте сами 1. NDCG одного пользователя
#
# Дан список попаданий по местам (1 — попал, 0 — нет; длина списка — это $k$) и число тестовых
# объектов $n$. Верните NDCG с идеалом из $\min(k,n)$ попаданий. Если $n=0$, верните `float("nan")`.

# %%
NDCG_CASES = [
    (([1, 0, 1], 2), 1.5 / weight[:2].sum(), "вес места r: 1/log2(r+1); в идеале два попадания"),
    (([0, 1, 0], 3), weight[1] / weight[:3].sum(), "в идеале — сколько возможно, а не найдено"),
    (([1, 1, 1, 1, 0], 7), weight[:4].sum() / weight.sum(), "мест пять: в идеале min(k, n)"),
    (([0, 0], 2), 0, "попаданий нет, но тестовые объекты есть: ответ 0"),
    (([0, 0], 0), float("nan"), "без тестовых объектов метрика не определена: nan"),
]


# %% tags=["task"]
def ndcg_one(hits, n):
    """NDCG списка попаданий hits при n тестовых объектах."""
    return None  # ваш код


check_task("NDCG одного пользователя", ndcg_one, NDCG_CASES)


# %% tags=["answer"]
def ndcg_one_answer(hits, n):
    """NDCG списка попаданий hits при n тестовых объектах."""
    if n == 0:
        return float("nan")
    weights = 1 / np.log2(np.arange(len(hits)) + 2)
    return (weights * hits).sum() / weights[: min(len(hits), n)].sum()


check_task("NDCG одного пользователя", ndcg_one_answer, NDCG_CASES)

# %% [markdown]
# ### Попробуйте сами 2. Найдите утечки
#
# Функция ниже составляет список популярного для пользователя на дату `date`. В ней четыре ошибки:
# две смотрят в будущее, одна забывает часть просмотренного, одна оставляет порядок равных на волю
# случая. Напишите `honest_list` без них: $k$ самых популярных по положительным оценкам до даты
# (равные — по возрастанию номера), кроме того, что пользователь до даты оценил с любой оценкой.


# %%
def leaky_list(events, date, user, k):
    """Популярное, которого пользователь ещё не видел. Здесь четыре ошибки."""
    likes = events[events["rating"] >= 4]
    counts = likes["item"].value_counts()
    seen = likes.loc[likes["user"] == user, "item"]
    return counts.drop(seen, errors="ignore").index[:k].to_numpy()


# %%
log = pd.DataFrame(
    {
        "user": [1, 2, 6, 0, 0, 2, 3, 3, 1, 2, 4, 3, 6, 7, 8, 9, 7, 8],
        "item": [1, 1, 1, 4, 1, 3, 3, 2, 3, 2, 2, 4, 2, 4, 4, 4, 2, 2],
        "rating": [5, 4, 5, 5, 2, 4, 5, 4, 5, 5, 5, 5, 4, 3, 2, 1, 5, 5],
        "timestamp": [1, 2, 2, 2, 3, 4, 5, 6, 12, 11, 12, 13, 13, 5, 6, 7, 10, 10],
    }
)
equal = pd.DataFrame({"user": range(40), "item": range(40)}).assign(rating=5, timestamp=1)
LIST_CASES = [
    ((log, 10, 5, 2), [1, 3], "популярность посчитана и по событиям после даты"),
    ((log, 10, 0, 1), [3], "пользователь 0 оценил фильм 1 на 2: это тоже просмотренное"),
    ((log, 10, 1, 1), [3], "фильм 3 пользователь 1 посмотрит после даты: убирать его нельзя"),
    ((log, 10, 5, 4), [1, 3, 2, 4], "у фильмов 2 и 4 поровну: меньший номер раньше"),
    ((log, 11, 5, 2), [1, 2], "событие в момент date ещё не случилось, а до date — уже"),
    ((log, 11, 7, 2), [1, 3], "то, что оценено до даты, убирают и тогда, когда это было вчера"),
    (
        (equal[::-1], 2, 3, 4),
        [0, 1, 2, 4],
        "равных бывает много: сортировка обязана быть устойчивой",
    ),
]


# %% tags=["task"]
def honest_list(events, date, user, k):
    """Номера k популярных объектов на дату date, которых пользователь до неё не оценивал."""
    return None  # ваш код


check_task("список без утечек", honest_list, LIST_CASES)


# %% tags=["answer"]
def honest_list_answer(events, date, user, k):
    """Номера k популярных объектов на дату date, которых пользователь до неё не оценивал."""
    past = events[events["timestamp"] < date]
    counts = past.loc[past["rating"] >= 4, "item"].value_counts().sort_index()
    seen = past.loc[past["user"] == user, "item"]
    left = counts.drop(seen, errors="ignore")
    return left.sort_values(ascending=False, kind="stable").index[:k].to_numpy()


check_task("список без утечек", honest_list_answer, LIST_CASES)

# %% [markdown]
# ## Итоги
#
# Прежде чем верить числу, спросите:
#
# 1. Какая задача: горизонт, следующий объект, следующая корзина?
# 2. Как разбито, что утекает, как упорядочены совпадения времён?
# 3. Что убрано из списков, и всё ли просмотренное?
# 4. Какая формула стоит за именем метрики? Весь ли каталог ранжируется?
# 5. Сколько пользователей, какова ошибка парной разности, сколько зёрен?
# 6. Что показывает рядом базовая модель?
#
# Ответы курса: протоколы A, B, C; просмотренное — всё, что оценено до среза; NDCG@10 с $\min(k,n)$
# и Recall@20 $=h/n$; весь каталог; парная разность больше двух ошибок; пять зёрен; популярное в
# каждой таблице. Дальше — [урок 01, Item-KNN](01_item_knn.ipynb), или [урок 04,
# EASE](04_ease.ipynb), если хочется сначала самой короткой формулы.
#
# **Источники**
#
# - A. Tamm, R. Damdinov, A. Vasilev. Quality Metrics in Recommender Systems: Do We Calculate
#   Metrics Consistently? RecSys 2021.
# - W. Krichene, S. Rendle. On Sampled Metrics for Item Recommendation. KDD 2020.
# - K. Järvelin, J. Kekäläinen. Cumulated Gain-Based Evaluation of IR Techniques. ACM TOIS, 2002.
# - Z. Meng, R. McCreadie, C. Macdonald, I. Ounis. Exploring Data Splitting Strategies for the
#   Evaluation of Recommendation Models. RecSys 2020.
# - Y. Ji, A. Sun, J. Zhang, C. Li. A Critical Study on Data Leakage in Recommender System Offline
#   Evaluation. ACM TOIS, 2023.
# - D. Liang, R. Krishnan, M. Hoffman, T. Jebara. Variational Autoencoders for Collaborative
#   Filtering. WWW 2018.
# - M. Ferrari Dacrema, S. Boglio, P. Cremonesi, D. Jannach. A Troubling Analysis of Reproducibility
#   and Progress in Recommender Systems Research. ACM TOIS, 2021.
# - X. He, L. Liao, H. Zhang, L. Nie, X. Hu, T.-S. Chua. Neural Collaborative Filtering. WWW 2017.
# - F. Sun, J. Liu, J. Wu, C. Pei, X. Lin, W. Ou, P. Jiang. BERT4Rec: Sequential Recommendation with
#   Bidirectional Encoder Representations from Transformer. CIKM 2019.
# - S. Holm. A Simple Sequentially Rejective Multiple Test Procedure. Scandinavian Journal of
#   Statistics, 1979.
# - F. M. Harper, J. A. Konstan. The MovieLens Datasets: History and Context. ACM TiiS, 2015.
