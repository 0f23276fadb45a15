# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03. iALS: по вектору на зрителя и на фильм
#
# Идея одним предложением: зритель и фильм получают по короткому вектору, балл — их скалярное
# произведение, а пустые ячейки матрицы тоже участвуют в обучении, но с малым весом.
#
# Начнём с результата. Ниже — часть истории одного зрителя MovieLens и список, который для него
# составляет модель этого урока. Звёздочкой отмечены фильмы, которые зритель потом посмотрел и
# высоко оценил; модель этого не знала.

# %%
from functools import partial
from importlib.util import find_spec
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.stats import loguniform, uniform
from threadpoolctl import threadpool_limits

from recsys_lessons import models, plots
from recsys_lessons.checks import check_better, check_close, check_task, check_true
from recsys_lessons.datasets import load_movielens
from recsys_lessons.evaluation import (
    compare,
    evaluate,
    over_seeds,
    recommend,
    seeds_table,
    summary_table,
)
from recsys_lessons.metrics import mean_popularity
from recsys_lessons.models import EASE, Popularity
from recsys_lessons.results import stored_result
from recsys_lessons.splits import board_a
from recsys_lessons.tuning import EASE_SPACE, Search, check_fair, tune

plots.use_style()

# %%
ratings, items = load_movielens()
validation, test = board_a(ratings, seed=0)
X = validation.train
films = items["label"].to_numpy()
viewer = 366
liked, later = test.liked(viewer)

# %%
finished = models.IALS(128, regularization=0.00714, alpha0=0.606, nu=0.995, n_sweeps=20)
finished.fit(test.train)
print("Понравилось:", *films[liked[:12]], f"… всего {len(liked)}", sep="\n    ")
print("iALS советует:")
for item in recommend(finished.score, [viewer], test.seen, k=10)[0]:
    print(f"  {'*' if item in later else ' '} {films[item]}")

# %% [markdown]
# Зритель любит ужасы и мрачную фантастику, и список об этом знает. Жанров модель не видела: только
# то, кому что понравилось. К концу урока вы напишете её сами и объясните каждую строку списка.
#
# <div class="alert alert-block alert-info">
#
# **Что сделаем.** Запишем целевую функцию iALS, выведем точный шаг, ускорим его, сверим с
# библиотекой implicit до восьмого знака, подберём гиперпараметры и увидим, чего стоит их не
# подбирать.
#
# **Чему научимся.** Не принимать «не видел» за «не понравилось»; минимизировать по частям;
# проверять градиент численно, а обучение — по кривой потерь; переводить гиперпараметры одной
# библиотеки в гиперпараметры другой.
#
# **Что нужно знать.** [Производная квадрата нормы](A_handbook.ipynb#cell-id=squared-norm),
# [сингулярное разложение](A_handbook.ipynb#cell-id=svd),
# [разложение Холецкого](A_handbook.ipynb#cell-id=cholesky). Метрики и протокол — в
# [00b_evaluation](00b_evaluation.ipynb).
#
# **Время.** 100 минут чтения, из них 25 — «Углубления», которые можно пропустить; около минуты исполнения.
#
# **Статья.** Y. Hu, Y. Koren, C. Volinsky, «Collaborative Filtering for Implicit Feedback
# Datasets», ICDM 2008; запись и подбор — S. Rendle и др., RecSys 2022.
#
# </div>

# %% [markdown]
# ## Идея на пальцах
#
# Пусть векторы трёх фильмов уже известны. Первая координата — сколько в фильме фантастики, вторая —
# сколько мелодрамы: «Матрица» $(1;\,0)$, «Аватар» $(1;\,1)$, «Титаник» $(0;\,1)$. Гена видел только
# «Матрицу», и она ему понравилась. Ищем вектор Гены $p=(a;\,b)$. Баллы фильмов — скалярные
# произведения: $a$, $a+b$, $b$.
#
# Пожеланий три.
#
# 1. Балл «Матрицы» близок к единице.
# 2. Баллы всех фильмов близки к нулю, но это пожелание слабее: его вес $\tfrac12$. Гена мог просто
#    не встретить «Аватар», а мог и не захотеть: мы не знаем.
# 3. Вектор короткий; вес этого пожелания тоже $\tfrac12$.
#
# Складываем квадраты отклонений:
#
# $$
# (a-1)^2+\tfrac12\bigl(a^2+(a+b)^2+b^2\bigr)+\tfrac12\bigl(a^2+b^2\bigr)\;\to\;\min .
# $$
#
# Приравняем к нулю производные по $a$ и по $b$:
#
# $$
# \begin{aligned}5a+b&=2\\ a+3b&=0\end{aligned}
# \qquad\Longrightarrow\qquad a=\tfrac37,\quad b=-\tfrac17 .
# $$
#
# Без второго пожелания вышло бы $a=\tfrac23$, $b=0$. Сравним баллы.

# %%
names = ["Матрица", "Аватар", "Титаник"]
Q_toy = np.array([[1.0, 0], [1, 1], [0, 1]])
p_hand = np.array([3 / 7, -1 / 7])

# %%
p_careless = np.array([2 / 3, 0])
for kind, p in {"с пустыми ячейками": p_hand, "без них": p_careless}.items():
    scores = (Q_toy @ p).round(3).tolist()
    print(f"{kind:<18}", dict(zip(names, scores, strict=True)))

fig, ax = plt.subplots(figsize=(4.6, 3.2))
arrows = {name: (q, "#1b4f8a", "-") for name, q in zip(names, Q_toy, strict=True)}
arrows |= {"Гена": (p_hand, "#c4561a", "-"), "Гена без пустых": (p_careless, "0.45", "--")}
for name, (vector, color, line) in arrows.items():
    width = 2.8 if name.startswith("Гена") else 1.2
    style = {"arrowstyle": "->", "color": color, "linestyle": line, "linewidth": width}
    ax.annotate("", xy=vector, xytext=(0, 0), arrowprops=style)
    shift = (-0.1, -0.14) if name.startswith("Гена") else (0.03, 0.03)
    ax.text(*(vector + shift), name, color=color)
ax.set(xlim=(-0.25, 1.4), ylim=(-0.4, 1.25), xlabel="фантастика", ylabel="мелодрама")
ax.set_title("Векторы фильмов и Гены")
plt.show()

# %% [markdown]
# На рисунке тонкие стрелки — фильмы, толстая — Гена, толстая пунктирная — Гена, найденный без пустых
# ячеек. Без них «Матрица» и «Аватар» получают поровну, а про «Титаник» ничего не сказано. Пустые
# ячейки слабо тянут вниз: сплошная стрелка Гены короче и отвёрнута от мелодрамы, и баллы различают все три
# фильма. Совет один — «Аватар».
#
# Откуда взять векторы фильмов? Точно так же: зафиксировать зрителей и решить для каждого фильма.
# Потом снова зрители, снова фильмы. Поэтому метод и называется чередующимися наименьшими квадратами
# (alternating least squares, ALS), а буква i — от implicit: обратная связь неявная. Весь алгоритм —
# на схеме.

# %%
fig, ax = plt.subplots(figsize=(8.5, 3.4))
start_box = "случайные\nвекторы фильмов"
films_box = "векторы фильмов $Q$\nстрока — фильм"
users_box = "векторы зрителей $P$\nстрока — зритель"
data_box = "таблица $X$: понравилось — 1, вес большой;\nпусто — 0, вес маленький"
scores_box = "баллы: скалярные\nпроизведения $PQ^\\top$"
places = {data_box: (1.75, 2.0), start_box: (-1.3, 1.0), films_box: (0.4, 1.0)}
places |= {users_box: (3.1, 1.0), scores_box: (1.75, 0.0), "список": (3.7, 0.0)}
flows = [(start_box, films_box), (data_box, films_box), (data_box, users_box)]
flows += [(films_box, scores_box), (users_box, scores_box), (scores_box, "список")]
plots.diagram(ax, places, flows, marked=[films_box, users_box])
for height, arrow, text in (
    (1.12, "->", "как у Гены: каждый\nзритель отдельно"),
    (0.88, "<-", "так же: каждый\nфильм отдельно"),
):
    ax.annotate(
        "", (2.32, height), (1.18, height), arrowprops={"arrowstyle": arrow, "color": "#c4561a"}
    )
    ax.text(1.75, height + 0.34 * np.sign(height - 1), text, ha="center", va="center", fontsize=8)
ax.set_title("iALS: два шага по очереди, пока векторы не перестанут меняться")
plt.show()

# %% [markdown]
# Рыжие стрелки — два шага, которые повторяются. Неизвестны и $P$, и $Q$, но когда одна из них
# зафиксирована, другая находится точно. Осталось записать это для тысячи зрителей и ускорить.

# %% [markdown]
# ## От идеи к формуле
#
# ### Два предшественника
#
# **Матричное разложение** (matrix factorisation) ищет $P$ — векторы зрителей, по строке на каждого,
# и $Q$ — векторы фильмов, для которых $PQ^\top$ похоже на $X$. Координаты векторов называют
# скрытыми факторами (latent factors), их число — размерность $d$.
#
# **SVD** минимизирует сумму квадратов по **всем** ячейкам с равными весами. Пустая ячейка для него —
# такой же надёжный факт, как единица. Решение известно в явном виде:
# [сингулярное разложение](A_handbook.ipynb#cell-id=svd). Посмотрим на валидационную
# часть.


# %%
class SVD:
    """Наименьшие квадраты с равными весами всех ячеек: ``n_factors`` главных слагаемых."""

    def __init__(self, n_factors):
        self.n_factors = n_factors

    def fit(self, X):
        left, singular, right = np.linalg.svd(X.toarray(), full_matrices=False)
        d = self.n_factors
        self.P, self.Q = left[:, :d] * singular[:d], right[:d].T
        return self

    def score(self, users):
        return self.P[users] @ self.Q.T


# %%
def on_validation(P, Q):
    """Оценка векторов на валидационной части."""
    return evaluate(lambda users: P[users] @ Q.T, validation.test, validation.seen)


popular = evaluate(Popularity().fit(X).score, validation.test, validation.seen)
svd = {d: SVD(d).fit(X) for d in (8, 16, 32, 64, 100)}
svd = {d: on_validation(model.P, model.Q) for d, model in svd.items()}
print(f"популярное:    NDCG@10 {popular['NDCG@10']:.3f}")
for d, result in svd.items():
    print(f"SVD, d = {d:>3}:  NDCG@10 {result['NDCG@10']:.3f}")

# %% [markdown]
# SVD с небольшой размерностью — хорошая модель. Но чем больше $d$, тем точнее она воспроизводит
# нули, то есть и те фильмы, до которых зритель ещё не добрался: при ста факторах качество падает.
#
# **Обычный ALS**, придуманный для оценок, делает наоборот: складывает ошибки только по
# **заполненным** ячейкам. У нас они все равны единице, и ничто не мешает высоким баллам у всего
# подряд; чуть ниже мы это увидим. Нужное — между крайностями: пустые ячейки учитывать, но доверять
# им меньше.

# %% [markdown]
# ### Целевая функция
#
# **Интуиция.** Сложить три пожелания Гены по всем зрителям и фильмам.
#
# **Формула** (Rendle и др., RecSys 2022). Пусть $\Omega$ — заполненные ячейки, $x_{ui}$ — вес
# взаимодействия, у нас всегда единица:
#
# $$
# L(P,Q)=\sum_{(u,i)\in\Omega}x_{ui}\,(p_u^\top q_i-1)^2+\alpha_0\sum_{u=1}^{U}\sum_{i=1}^{I}
# (p_u^\top q_i)^2+\sum_u\lambda_u\lVert p_u\rVert^2+\sum_i\lambda_2w_i^\nu\lVert q_i\rVert^2 .
# $$
#
# Второе слагаемое — по **всем** ячейкам: $\alpha_0$ и есть вес ненаблюдавшегося. Штраф умножен на
# вес строки или столбца в степени $\nu$:
#
# $$
# \lambda_u=\lambda_2w_u^\nu,\qquad w_u=\sum_ix_{ui}+\alpha_0I,\qquad w_i=\sum_ux_{ui}+\alpha_0U .
# $$
#
# При $\nu=0$ штраф у всех одинаков. При $\nu=1$ у активного зрителя он растёт вместе с суммой,
# которую сдерживает: каждая ячейка приносит свою долю штрафа. **Код** штрафа — первая часть модели.


# %% tags=["model"]
def penalties(X, l2, alpha0, nu):
    """Штрафы строк ``l2 * w ** nu``, где ``w`` — сумма весов строки (Rendle и др., RecSys 2022).

    :param X: взаимодействия, CSR ``(n_rows, n_columns)``
    :return: форма ``(n_rows,)``
    """
    return l2 * (X.sum(axis=1) + alpha0 * X.shape[1]) ** nu


# %% [markdown]
# **Код** функции потерь. Пустых ячеек полтора миллиона, но перебирать их не нужно. Раскроем квадрат
# скалярного произведения:
#
# $$
# \sum_{u,i}(p_u^\top q_i)^2=\sum_{u}p_u^\top\Bigl(\sum_iq_iq_i^\top\Bigr)p_u
# =\sum_{f,g}(P^\top P)_{fg}\,(Q^\top Q)_{fg} .
# $$
#
# Здесь $f$ и $g$ — номера факторов. Две матрицы Грама размера $d\times d$ заменяют всю таблицу баллов.


# %%
def loss(X, P, Q, l2, alpha0, nu):
    """Целевая функция iALS без таблицы баллов."""
    rows, columns = X.nonzero()
    fit = (P[rows] * Q[columns]).sum(axis=1)
    total = (X.data * (fit - 1) ** 2).sum() + alpha0 * ((P.T @ P) * (Q.T @ Q)).sum()
    total += penalties(X, l2, alpha0, nu) @ (P**2).sum(axis=1)
    return total + penalties(X.T, l2, alpha0, nu) @ (Q**2).sum(axis=1)


# %%
rng = np.random.default_rng(0)
P_any, Q_any = rng.normal(0, 0.3, (X.shape[0], 5)), rng.normal(0, 0.3, (X.shape[1], 5))
table = P_any @ Q_any.T
slow = ((table - 1)[X.nonzero()] ** 2).sum() + 0.25 * (table**2).sum()
fast = loss(X, P_any, Q_any, l2=0, alpha0=0.25, nu=0)
check_close("потери без штрафа: быстрый счёт к полному", fast / slow, 1)

# %% [markdown]
# **Цена** потерь: $|\Omega|\,d+(U+I)\,d^2$ умножений вместо $U\,I\,d$.
#
# ### Полупроход
#
# **Интуиция.** По $P$ и $Q$ вместе функция не выпукла. Но при неизменной $Q$ она распадается на
# отдельные задачи зрителей, и каждая — обычные наименьшие квадраты, как у Гены.
#
# **Формула.** Слагаемые с $p_u$ и половина их градиента:
#
# $$
# \tfrac12\nabla_{p_u}L=\sum_{i\in I_u}x_{ui}\,q_i\,(q_i^\top p_u-1)+\alpha_0\sum_{i=1}^{I}
# q_i\,q_i^\top p_u+\lambda_up_u=0 .
# $$
#
# Соберём всё, что умножается на $p_u$:
#
# $$
# \underbrace{\Bigl(\sum_{i\in I_u}x_{ui}\,q_iq_i^\top+\alpha_0\,Q^\top Q+\lambda_uE\Bigr)}_{A_u}
# \,p_u=\sum_{i\in I_u}x_{ui}\,q_i .
# $$
#
# Матрица $A_u$ симметрична и положительно определена, поэтому ответ один и найден точно. Для
# фильмов формула та же с $X^\top$ вместо $X$. Обновление всех строк назовём полупроходом
# (half-sweep), зрителей и фильмов вместе — проходом (sweep).
#
# ### Трюк с матрицей Грама
#
# **Интуиция.** В записи Hu и др. сумма по всем фильмам стоит внутри системы каждого зрителя. Так её
# и напишем: веса всех ячеек строки, где пустым досталось $\alpha_0$.


# %%
def slow_half_sweep(X, Q, l2, alpha0, nu):
    """Полупроход по определению: у каждой строки — сумма по всем столбцам."""
    P = np.zeros((X.shape[0], Q.shape[1]))
    for u, penalty in enumerate(penalties(X, l2, alpha0, nu)):
        weights = X[[u]].toarray().ravel() + alpha0
        A = (Q.T * weights) @ Q + penalty * np.eye(Q.shape[1])
        P[u] = np.linalg.solve(A, Q.T @ (weights - alpha0))
    return P


# %%
X_gena = sp.csr_array([[1.0, 0, 0]])
check_close("Гена вручную", slow_half_sweep(X_gena, Q_toy, 0.5, 0.5, 0)[0], p_hand, 1e-12)

n_users, n_films = X.shape
print(f"слагаемых: по всем фильмам {n_users * n_films}, по истории {X.nnz}")

# %% [markdown]
# Слагаемое — матрица $d\times d$, и почти все они складываются зря: $\alpha_0Q^\top Q$ у всех
# зрителей одна. Посчитаем её один раз за полупроход, а для зрителя добавим только его историю.
# Слагаемых станет в сорок с лишним раз меньше.
#
# **Код.** Строка `V.T @ V` складывает $q_iq_i^\top$ по истории; корень из веса делит вес поровну
# между множителями. Функция LAPACK `posv` решает систему
# [разложением Холецкого](A_handbook.ipynb#cell-id=cholesky); `A.T` — та же симметричная матрица,
# но в порядке, который LAPACK читает без копирования.

# %% tags=["model"]
import numpy as np
from scipy import linalg


def half_sweep(X, Q, l2, alpha0, nu):
    """Точный минимум по векторам строк при неизменных векторах столбцов (Hu и др., ICDM 2008).

    :param X: взаимодействия, CSR ``(n_rows, n_columns)`` без явных нулей
    :param Q: векторы столбцов, ``(n_columns, d)``, тип чисел как у ``X``
    :return: векторы строк ``(n_rows, d)``; строке без взаимодействий — нули
    :raises ValueError: система вырождена в пределах округления, штраф бесконечен
    """
    shared = alpha0 * (Q.T @ Q)
    right = X @ Q
    penalty = penalties(X, l2, alpha0, nu)
    if not np.isfinite(penalty).all():
        raise ValueError("Штраф бесконечен: уменьшите regularization или nu.")
    roots = np.sqrt(X.data)[:, None]
    (posv,) = linalg.get_lapack_funcs(("posv",), (shared,))
    P = np.empty_like(right)
    for u in range(X.shape[0]):
        own = slice(X.indptr[u], X.indptr[u + 1])
        V = Q[X.indices[own]] * roots[own]
        A = V.T @ V
        A += shared
        A.reshape(-1)[:: len(A) + 1] += penalty[u]
        _, P[u], failed = posv(A.T, right[u], lower=True, overwrite_a=True)
        if failed:
            raise ValueError(f"Система строки {u} вырождена: увеличьте regularization.")
    return P


# %% [markdown]
# **Проверка.** Медленная и быстрая запись дают одно и то же. А в найденной точке все производные по
# $P$ равны нулю. Проверим численно: возьмём случайную матрицу $D$ того же размера, сдвинем $P$ на
# $\pm10^{-4}D$ и разделим разность потерь на $2\cdot10^{-4}$. Это производная по направлению $D$;
# формулы градиента проверка не знает.

# %%
settings = {"l2": 2.0, "alpha0": 0.25, "nu": 0.5}
P_best = half_sweep(X, Q_any, **settings)
check_close("быстрая и медленная", P_best, slow_half_sweep(X, Q_any, **settings))

# %%
shift = 1e-4 * rng.normal(size=P_best.shape)
up, down = (loss(X, P_best + side * shift, Q_any, **settings) for side in (1, -1))
check_close("производная по случайному направлению", (up - down) / 2e-4, 0, 1e-4)

# %% [markdown]
# **Цена** полупрохода: $|\Omega|\,d^2/2$ умножений на суммы и $U\,d^3/6$ на разложения. Пустые ячейки
# обошлись в одну матрицу $d\times d$.
#
# ### Потери не растут
#
# Каждый полупроход находит точный минимум по своей половине, а вторая не меняется. Значит, $L$ не
# может вырасти, что бы ни случилось. Это самая дешёвая проверка обучения. Посадим рядом ошибку: тот
# же цикл, но полупроход забыл слагаемое $\alpha_0Q^\top Q$, то есть считает $\alpha_0$ нулём. Это и
# есть обычный ALS по заполненным ячейкам. **Предскажите, затем запустите**: как поведёт себя вторая
# кривая?

# %%
start = rng.normal(0, 0.1 / np.sqrt(16), (X.shape[1], 16))


def train(believed, l2=2.0, n_sweeps=5):
    """Векторы и потери по полупроходам; ``believed`` — вес пустых ячеек в полупроходе."""
    Q, losses = start, []
    for _ in range(n_sweeps):
        P = half_sweep(X, Q, l2, believed, 0)
        losses.append(loss(X, P, Q, l2, 0.25, 0))
        Q = half_sweep(X.T.tocsr(), P, l2, believed, 0)
        losses.append(loss(X, P, Q, l2, 0.25, 0))
    return P, Q, np.array(losses)


# %%
right_losses = train(0.25)[2]
P_wrong, Q_wrong, wrong_losses = train(0.0)

fig, ax = plt.subplots()
plots.curve(ax, range(1, 11), right_losses, label="верный полупроход")
plots.curve(ax, range(1, 11), wrong_losses, label="забыты пустые ячейки", line=1)
ax.set(xlabel="полупроход", ylabel="потери $L$", yscale="log", title="Потери обучения")
ax.legend()
plt.show()

# %% [markdown]
# Сплошная линия только опускается и выходит на полку за несколько проходов. Штриховая на третьем
# полупроходе подскакивает: он минимизирует не ту функцию. Метрика для такой находки не нужна. Но
# посмотрим и на неё.

# %%
check_true("верный полупроход: потери не растут", np.diff(right_losses) <= 0)
check_true("с ошибкой: потери хотя бы раз выросли", (np.diff(wrong_losses) > 0).any())
print(f"с ошибкой: NDCG@10 {on_validation(P_wrong, Q_wrong)['NDCG@10']:.3f}", end=", ")
print(f"медиана всех баллов {np.median(P_wrong @ Q_wrong.T):.2f}")

# %% [markdown]
# У популярного NDCG@10 было 0,087. Медиана баллов 0,43: столько или больше обещано половине всех пар
# «зритель — фильм», хотя понравившихся ячеек всего две из ста.
#
# ### Две записи одной цели
#
# В статье 2008 года и в библиотеке implicit цель записана иначе — через **степень уверенности**
# (confidence) $c_{ui}$: она больше единицы у заполненных ячеек и равна единице у пустых.
#
# $$
# \sum_{u,i}c_{ui}\,(z_{ui}-[x_{ui}>0])^2+\mu\Bigl(\sum_u\lVert p'_u\rVert^2+\sum_i
# \lVert q'_i\rVert^2\Bigr),\qquad z_{ui}={p'_u}^\top q'_i .
# $$
#
# Для единиц в $X$ и $\nu=0$ это та же задача. У заполненной ячейки сложим два слагаемых нашей
# записи и выделим полный квадрат, $y=p_u^\top q_i$:
#
# $$
# (y-1)^2+\alpha_0y^2=(1+\alpha_0)\Bigl(y-\frac1{1+\alpha_0}\Bigr)^2+\text{число} .
# $$
#
# Обозначим $z=(1+\alpha_0)\,y$ и умножим всю цель на $(1+\alpha_0)^2/\alpha_0$. Пустая ячейка даст
# $z^2$, заполненная — $(1+1/\alpha_0)(z-1)^2$. Множитель $1+\alpha_0$ поделим между векторами
# поровну: $p'_u=\sqrt{1+\alpha_0}\,p_u$, $q'_i=\sqrt{1+\alpha_0}\,q_i$. Тогда $\lVert
# p_u\rVert^2=\lVert p'_u\rVert^2/(1+\alpha_0)$, и после умножения цели штраф при $\lVert
# p'_u\rVert^2$ равен $\lambda_2(1+\alpha_0)/\alpha_0$. Отсюда точный перевод:
#
# | здесь | в implicit |
# |---|---|
# | $\alpha_0$ | `alpha` $=1+1/\alpha_0$, умноженное на число в матрице: это вся $c_{ui}$ |
# | $\lambda_2$ при $\nu=0$ | $\mu$, она же `regularization` $=\lambda_2\,(1+\alpha_0)/\alpha_0$ |
# | $P$, $Q$ | $\sqrt{1+\alpha_0}\,P$, $\sqrt{1+\alpha_0}\,Q$ |
# | балл | в $1+\alpha_0$ раз больше: порядок тот же |
#
# В статье Hu и др. степень уверенности — единица плюс число из матрицы, умноженное на коэффициент;
# в implicit единицы нет. Об эту разницу мы ещё споткнёмся.

# %% [markdown]
# ## Алгоритм целиком
#
# Класс складывает написанное: случайное начало, чередование полупроходов, баллы. Начинать с нулей
# нельзя: из нулевой $Q$ полупроход даёт нулевую $P$, и так навсегда. Поэтому начальные векторы
# случайны и малы: стандартное отклонение $0{,}1/\sqrt d$, как в коде Rendle и др. Достаточно начальной
# $Q$: первый же полупроход находит $P$.
#
# Новому пользователю обучение не нужно: вектор нового пользователя (fold-in) даёт один полупроход по
# его истории. В классе это `score_history`.

# %% tags=["model"]
import scipy.sparse as sp
from sklearn.base import BaseEstimator

from recsys_lessons import inputs


class IALS(BaseEstimator):
    """Матричное разложение для неявной обратной связи (Hu и др., ICDM 2008; Rendle и др., 2022).

    :param n_factors: размерность векторов $d$
    :param regularization: штраф L2 ($\\lambda_2$), больше нуля
    :param alpha0: вес ненаблюдавшегося ($\\alpha_0$), больше нуля
    :param nu: степень частоты в штрафе ($\\nu$): 0 — штраф общий, 1 — растёт с суммой весов
    :param n_sweeps: число проходов
    :param seed: зерно начальных векторов
    :param dtype: тип чисел; ``float32`` быстрее и вдвое экономит память
    """

    def __init__(
        self, n_factors=96, regularization=0.01, alpha0=0.3, nu=1, n_sweeps=15, seed=0, dtype=float
    ):
        self.n_factors = n_factors
        self.regularization = regularization
        self.alpha0 = alpha0
        self.nu = nu
        self.n_sweeps = n_sweeps
        self.seed = seed
        self.dtype = dtype

    def fit(self, X):
        """Найти векторы ``P_`` ``(n_users, d)`` и ``Q_`` ``(n_items, d)``.

        :param X: взаимодействия, разреженная матрица ``(n_users, n_items)``; число — вес
        :raises TypeError: матрица не разреженная
        :raises ValueError: матрица пуста или испорчена, гиперпараметр вне границ, система вырождена
        :raises MemoryError: векторы не поместятся в память
        """
        inputs.check_number("regularization", self.regularization, 0, above=True)
        inputs.check_number("alpha0", self.alpha0, 0, above=True)
        inputs.check_number("nu", self.nu, 0)
        d = inputs.check_count("n_factors", self.n_factors)
        inputs.check_count("n_sweeps", self.n_sweeps)
        seed = inputs.check_seed(self.seed)
        X = inputs.check_training(X, self.dtype)
        inputs.check_memory(
            8 * 2 * d * (sum(X.shape) + d), f"Векторы по {d} чисел", "Уменьшите n_factors."
        )
        columns = sp.csr_array(X.T)
        scale = 0.1 / np.sqrt(d)
        Q = np.random.default_rng(seed).normal(0, scale, (X.shape[1], d)).astype(self.dtype)
        P = np.zeros((X.shape[0], d), self.dtype)
        for _ in range(self.n_sweeps):
            P = self._half_sweep(X, Q, P)
            Q = self._half_sweep(columns, P, Q)
        self.P_, self.Q_ = P, Q
        return self

    def score(self, users):
        """Баллы известных пользователей, форма ``(len(users), n_items)``."""
        inputs.check_fitted(self, "Q_")
        return self.P_[inputs.check_users(users, len(self.P_))] @ self.Q_.T

    def score_history(self, X_new):
        """Баллы новых пользователей по их истории, форма ``(n_new, n_items)``."""
        inputs.check_fitted(self, "Q_")
        X_new = inputs.check_interactions(X_new, self.dtype, n_items=len(self.Q_))
        return self._half_sweep(X_new, self.Q_) @ self.Q_.T

    def _half_sweep(self, X, Q, start=None):
        """Полупроход; прежние векторы строк ``start`` точному решению не нужны."""
        return half_sweep(X, Q, float(self.regularization), float(self.alpha0), float(self.nu))


# %% [markdown]
# ## Сверка
#
# Ручной счёт и численный градиент уже согласны с кодом. Теперь чужой код — implicit. Чтобы совпали
# и числа, надо совместить всё: тот же старт, точные решения (`use_cg=False`, почему — в
# «Углублении» об ошибке 5), `float64`, гиперпараметры по таблице перевода. Веса implicit хранит в
# `float32`, поэтому $\alpha_0=\tfrac14$: тогда `alpha` равно 5 без округления.


# %%
HAS_IMPLICIT = find_spec("implicit") is not None
if not HAS_IMPLICIT:
    print(
        "Библиотеки implicit нет: сверка и строки с нею пропущены. Поставить: pip install implicit"
    )


def fit_implicit(X, n_factors, n_sweeps=15, Q=None, **settings):
    """Векторы ``P`` и ``Q`` из implicit; ``Q`` — начальные векторы объектов."""
    from implicit.cpu.als import AlternatingLeastSquares

    settings = {"use_cg": False, "dtype": np.float64, "num_threads": 1} | settings
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(n_factors, iterations=n_sweeps, **settings)
        if Q is not None:
            model.user_factors, model.item_factors = np.zeros((X.shape[0], n_factors)), Q.copy()
        model.fit(sp.csr_matrix(X), show_progress=False)
    return model.user_factors, model.item_factors


# %%
ours = {"n_factors": 32, "regularization": 2.0, "alpha0": 0.25, "nu": 0}
root = np.sqrt(1 + 0.25)
theirs = {"alpha": 1 + 1 / 0.25, "regularization": 2.0 * (1 + 0.25) / 0.25}
theirs["Q"] = root * np.random.default_rng(0).normal(0, 0.1 / np.sqrt(32), (n_films, 32))

# %%
for n_sweeps, bound in ((1, 1e-10), (15, 1e-8)) if HAS_IMPLICIT else ():
    model = IALS(**ours, n_sweeps=n_sweeps).fit(X)
    their_P, their_Q = fit_implicit(X, 32, n_sweeps, **theirs)
    our_scores, their_scores = model.P_ @ model.Q_.T * root**2, their_P @ their_Q.T
    check_close(f"векторы зрителей, проходов: {n_sweeps}", model.P_ * root, their_P, bound)
    check_close(f"баллы, проходов: {n_sweeps}", our_scores, their_scores, bound)

# %% [markdown]
# За пятнадцать проходов ошибки округления накапливаются, поэтому граница там мягче. Баллы сошлись;
# сойдутся ли и списки?

# %%
if HAS_IMPLICIT:
    our_lists = recommend(model.score, range(n_users), validation.seen)
    their_lists = recommend(lambda users: their_scores[users], range(n_users), validation.seen)
    check_true("списки одни и те же", our_lists == their_lists)

# %% [markdown]
# Совпадают и отдельные векторы, и баллы, и все списки. Порядок полупроходов тоже общий: сначала
# пользователи, потом объекты.

# %% [markdown]
# ## Настоящие данные
#
# Протокол A: у каждого зрителя последние 20 % понравившихся фильмов — тестовая часть, из остатка
# ещё раз последние 20 % — валидационная. Из списков убираем всё, что зритель уже оценил. Основная
# метрика — NDCG@10.
#
# ### Подбор с равным бюджетом
#
# Сравнивать модели честно, когда попыток у них поровну. Здесь у каждой **двадцать попыток** на одной и
# той же валидационной части. Функция `tune` выбирает точки случайно или, если их не больше двадцати,
# перебирает все. Счёт долгий, поэтому значения хранятся рядом с уроком.
#
# У iALS гиперпараметров пять, и они связаны. При одном и том же $\lambda_2$ штраф с $\nu=0$ меньше, чем с
# $\nu=1$, в $w_u$ раз, а это сотни и тысячи. Общий диапазон для $\lambda_2$ занял бы пять порядков, и
# почти все попытки пришлись бы на негодный штраф. Поэтому подбираем сам штраф $\lambda_u$ — у зрителя с историей
# средней длины $\bar n$, — а $\lambda_2$ находим из него:
#
# $$
# \lambda_2=\frac{\lambda_u}{(\bar n+\alpha_0I)^{\nu}} .
# $$


# %%
def ials_with_penalty(X, n_factors, penalty, alpha0, nu, n_sweeps):
    """iALS, у которой штраф зрителя с историей средней длины равен ``penalty``."""
    weight = X.sum() / X.shape[0] + alpha0 * X.shape[1]
    return IALS(n_factors, float(f"{penalty / weight**nu:.3g}"), alpha0, nu, n_sweeps)


def search(validation, budget, seed):
    """Подбор каждой модели на валидационной части, бюджет один."""
    ials_space = {
        "n_factors": [16, 32, 64, 96, 128, 192],
        "penalty": loguniform(0.5, 50),
        "alpha0": loguniform(0.03, 3),
        "nu": uniform(0, 1),
        "n_sweeps": [5, 10, 15, 20, 30, 40],
    }
    svd_space = {"n_factors": [4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 160]}
    spaces = {
        "Популярное": (Popularity, {}, {}),
        "SVD": (SVD, svd_space, {}),
        "EASE": (EASE, EASE_SPACE, {}),
        "iALS": (partial(ials_with_penalty, validation.train), ials_space, {"nu": [0, 1]}),
    }
    return {
        name: tune(name, make, space, validation, "NDCG@10", budget, seed, natural=natural).record()
        for name, (make, space, natural) in spaces.items()
    }


# %%
stored = stored_result(
    "03_ials.search",
    search,
    data={"validation": validation},
    params={"budget": 20, "seed": 0},
    tolerance=0.002,
)
searches = {name: Search(**record) for name, record in stored.items()}
print(searches["iALS"].table().head(6).round(4).to_string(index=False))

# %% [markdown]
# Шесть лучших попыток iALS; `penalty` — штраф $\lambda_u$. Размерность, $\nu$ и $\alpha_0$ у них разные,
# а штраф близкий: из диапазона от 0,5 до 50 наверх попали значения от 2,62 до 8,10. Первые три отстоят
# друг от друга меньше чем на одну стандартную ошибку, поэтому верим области, а не точке. У лучшей $\nu$
# почти единица. Дальше единицы не ищем: штраф рос бы быстрее суммы весов, которую он сдерживает.
#
# Переведём штраф лучшей точки в $\lambda_2$ и закрепим всё.

# %%
best = ials_with_penalty(X, **searches["iALS"].params).get_params()
best = {name: best[name] for name in ("n_factors", "regularization", "alpha0", "nu", "n_sweeps")}
chosen = {name: found.params for name, found in searches.items()} | {"iALS": best}
print(chosen["iALS"])

# %% [markdown] tags=["deep"]
# ### Углубление. Сетка: как связаны гиперпараметры
#
# Оставим 15 проходов и $\nu=1$, как у Rendle и др., и переберём остальные три гиперпараметра сеткой на
# той же валидационной части: 150 моделей. В сравнение они не войдут: максимум из 150 чисел завышен
# отбором, и соперникам столько попыток не дали.

# %% tags=["deep"]
GRID = {
    "n_factors": [8, 16, 32, 64, 96, 128],
    "regularization": [0.003, 0.005, 0.01, 0.014, 0.02],
    "alpha0": [0.1, 0.2, 0.3, 0.5, 1.0],
}


def try_grid(split, **grid):
    """NDCG@10 на тестовой части разбиения ``split`` для каждого сочетания значений."""
    found = []
    for values in product(*grid.values()):
        model = IALS(**dict(zip(grid, values, strict=True))).fit(split.train)
        found.append(round(evaluate(model.score, split.test, split.seen)["NDCG@10"], 4))
    return found


# %% tags=["deep"]
values = stored_result("03_ials.tuning", try_grid, data={"split": validation}, params=GRID)
tuning = np.reshape(values, [len(grid) for grid in GRID.values()])
top = dict(zip(GRID, list(product(*GRID.values()))[int(np.argmax(values))], strict=True))
print(f"лучшее сочетание: {top}, NDCG@10 {max(values):.3f}")

# %% [markdown] tags=["deep"]
# Одна лучшая строка мало что говорит: посмотрим на всю сетку.

# %% tags=["deep"]
fig, (left_ax, right_ax) = plt.subplots(1, 2, figsize=(9, 3.6), width_ratios=(1.25, 1))
rows = [f"{weight:g}" for weight in GRID["alpha0"]]
columns = [f"{l2:g}" for l2 in GRID["regularization"]]
best_table = tuning[GRID["n_factors"].index(top["n_factors"])].T
plots.matrix(left_ax, best_table, rows, columns, digits=3)
left_ax.set(xlabel=r"$\lambda_2$", ylabel=r"$\alpha_0$")
left_ax.set_title(f"NDCG@10, валидация, $d={top['n_factors']}$")
tuned_line, weak_line = tuning.max(axis=(1, 2)), tuning[:, 0].max(axis=1)
plots.curve(right_ax, GRID["n_factors"], tuned_line, label=r"$\lambda_2$ подобран")
plots.curve(right_ax, GRID["n_factors"], weak_line, label=r"$\lambda_2=0{,}003$", line=1)
right_ax.set(xscale="log", xlabel="размерность $d$", ylabel="NDCG@10, валидация")
right_ax.set_xticks([8, 16, 32, 64, 128], [8, 16, 32, 64, 128])
right_ax.set_title("Больше факторов")
right_ax.minorticks_off()
right_ax.legend()
plt.show()

# %% [markdown] tags=["deep"]
# Слева — таблица для лучшей размерности: строки — $\alpha_0$, столбцы — $\lambda_2$, чем темнее, тем
# лучше. Хорошие сочетания лежат на диагонали: если увеличить одно, надо уменьшить другое. Кто меняет
# их по одному, тот до диагонали может и не дойти.
#
# Справа — лучшее по $\alpha_0$ для каждой размерности. При подобранном штрафе качество растёт и
# выходит на полку. При слабом после 64 факторов оно падает: вывод «больше 64 факторов не нужно»
# был бы выводом о штрафе, а не о модели.
#
# Откуда диагональ? Штраф зрителя — $\lambda_2w_u$, а $w_u=n_u+\alpha_0I$, где $n_u$ — длина истории.
# Посмотрим, какую часть $w_u$ составляет $\alpha_0I$.

# %% tags=["deep"]
lengths = np.diff(X.indptr)
for weight in (0.1, 0.3):
    shares = weight * n_films / (lengths + weight * n_films)
    print(f"α₀ = {weight}: у медианного зрителя {np.median(shares):.0%}, ", end="")
    print(f"у самого активного {shares.min():.0%}")

# %% [markdown] tags=["deep"]
# У медианного зрителя $w_u$ почти целиком из $\alpha_0I$, и штраф близок к $\lambda_2\alpha_0I$: он
# зависит от произведения. У самого активного это не так: при $\alpha_0=0{,}1$ больше половины веса
# даёт его собственная история, и правило «произведение постоянно» для него лишь приблизительно.

# %% [markdown]
# ### Тест
#
# Теперь обучим все модели на обучающей и валидационной частях вместе и один раз проверим на тестовой.
# Рядом — ещё две iALS, которых никто не подбирал. Первая — implicit со значениями по умолчанию: 100
# факторов, `alpha=1`, `regularization=0.01`, 15 проходов (решения точные). У второй `alpha=40` — значение
# из статьи Hu и др., всё прочее по умолчанию; там оно подобрано для телепередач. **Предскажите, затем
# запустите**: насколько разойдутся три строки одного алгоритма?


# %%
UNTUNED = (("iALS по умолчанию", 1.0), ("iALS, alpha=40", 40.0))


def contest(split, chosen, untuned, seed=0):
    """Модели, обученные и испытанные на одном разбиении; ``untuned`` — имена и ``alpha`` implicit."""
    scores = {"Популярное": Popularity().fit(split.train).score}
    defaults = {"n_factors": 100, "regularization": 0.01, "random_state": seed}
    for name, alpha in untuned:
        P, Q = fit_implicit(split.train, alpha=alpha, **defaults)
        scores[name] = lambda users, P=P, Q=Q: P[users] @ Q.T
    scores["SVD"] = SVD(**chosen["SVD"]).fit(split.train).score
    scores["EASE"] = EASE(**chosen["EASE"]).fit(split.train).score
    scores["iALS"] = IALS(**chosen["iALS"], seed=seed).fit(split.train).score
    return {name: evaluate(score, split.test, split.seen) for name, score in scores.items()}


# %%
result = contest(test, chosen, UNTUNED if HAS_IMPLICIT else ())
print(summary_table(result).to_string())

# %% [markdown]
# В таблице — среднее ± стандартная ошибка по 938 зрителям. Это различия или шум? Сравним на одних и
# тех же зрителях. Функция `check_fair` печатает оба подбора и парную разность; она остановила бы урок,
# если бы бюджеты были разными или у подбора осталась оговорка без ответа.

# %%
for rival in ("Популярное", "SVD", "EASE"):
    check_fair("iALS", rival, searches, compare(result["iALS"], result[rival], "NDCG@10"))
    print()
print("iALS − EASE:", compare(result["iALS"], result["EASE"], "Recall@20"))
if HAS_IMPLICIT:
    check_better("подбор помог", result["iALS"], result["iALS по умолчанию"], "NDCG@10")

# %% [markdown]
# На рисунке — те же средние с доверительными интервалами.

# %%
fig, ax = plt.subplots(figsize=(7, 2.8))
plots.models(ax, result, "NDCG@10")
ax.set_title("Тестовая часть MovieLens-100K")
plt.show()

# %% [markdown]
# Три строки таблицы — один и тот же алгоритм, и между ними пропасть: подобранная модель набирает
# почти в полтора раза больше модели с настройками по умолчанию. У подобранной iALS NDCG@10 выше, чем у
# популярного и чем у SVD, разности много больше двух своих ошибок. С EASE она неразличима: интервал
# разности включает ноль по обеим метрикам. Бюджет у всех один, двадцать попыток, но потратить его можно
# по-разному: у EASE и SVD гиперпараметр один, и двадцать точек покрывают его целиком, а у iALS их пять.
#
# Кто сравнил бы свою новую модель с iALS по умолчанию, объявил бы победу; кто с подобранной —
# промолчал бы. Так и было: в статьях десятилетия iALS служила слабой базовой моделью, пока её не
# настроили заново (Rendle и др., RecSys 2022). **Базовую модель подбирают так же старательно, как
# свою.**
#
# Значение `alpha=40` не помогло. В статье оно подобрано для телепередач, а степень уверенности,
# размерность и штраф действуют вместе: чужое число без остальных двух ничего не значит.
#
# ### Почему именно эти фильмы
#
# Вектор зрителя — решение системы, поэтому балл раскладывается по истории точно:
#
# $$
# p_u^\top q_i=\sum_{j\in I_u}q_i^\top A_u^{-1}q_j .
# $$
#
# Слагаемое — сходство фильмов $i$ и $j$ «глазами зрителя» (Hu и др., 2008): матрица $A_u^{-1}$ у
# каждого своя.


# %%
def contributions(model, history):
    """Вклады: строки — фильмы истории, столбцы — все фильмы."""
    V = model.Q_[history.indices]
    penalty = penalties(history, model.regularization, model.alpha0, model.nu)
    A = V.T @ V + model.alpha0 * model.Q_.T @ model.Q_ + penalty * np.eye(V.shape[1])
    return pd.DataFrame(V @ np.linalg.solve(A, model.Q_.T), index=films[history.indices])


# %%
final = IALS(**best).fit(test.train)
parts = contributions(final, test.train[[viewer]])
check_close("сумма вкладов", parts.sum(), final.score_history(test.train[[viewer]])[0])
for item in recommend(final.score, [viewer], test.seen, k=3)[0]:
    ordered = parts[item].sort_values(ascending=False, kind="stable")
    print(f"\n{films[item]}, балл {ordered.sum():.3f}")
    print(ordered.iloc[[0, 1, 2, -1]].map("{:+.3f}".format).to_string())

# %% [markdown]
# Для каждого совета — три фильма истории, которые подняли его сильнее всех, и один, который мешал.
# «Челюсти» попали в список прежде всего благодаря «Психо» и «Сиянию»: модель сама нашла, что они
# рядом. Проверка подтверждает, что сумма вкладов равна баллу.
#
# Объяснение точное, но относится к вектору, заново найденному по истории: он на полпрохода новее
# того, что хранится в модели. Велика ли разница? Найдём так векторы всех зрителей.

# %%
folded = evaluate(lambda users: final.score_history(test.train[users]), test.test, test.seen)
print("вектор по истории − хранимый:", compare(folded, result["iALS"], "NDCG@10"))

# %% [markdown]
# Интервал включает ноль: заметной разницы нет. Новому зрителю обучение тоже не нужно, хватит одного
# полупрохода. Но качество на новых зрителях эта проверка не измеряет: истории этих зрителей
# участвовали в обучении $Q$.

# %% [markdown] tags=["deep"]
# ### Углубление. Насколько это устойчиво
#
# Случайны две вещи: порядок внутри совпадений времени и начальные векторы. Повторим опыт пять раз,
# меняя оба зерна сразу. Усредняем сначала по зёрнам у каждого зрителя. Счёт долгий, поэтому значение
# хранится рядом с уроком.


# %% tags=["deep"]
def contest_over_seeds(ratings, chosen, untuned, n_seeds):
    """Среднее, его ошибка и разброс по зёрнам для каждой модели; разность iALS с нею."""
    pooled = over_seeds(
        lambda seed: contest(board_a(ratings, seed)[1], chosen, untuned, seed), n_seeds
    )
    return seeds_table(pooled, versus="iALS")


# %% tags=["deep"]
seeds = stored_result(
    "03_ials.seeds",
    contest_over_seeds,
    data={"ratings": ratings},
    params={"chosen": chosen, "untuned": UNTUNED, "n_seeds": 5},
)
print(pd.DataFrame(seeds).T.to_string())

# %% [markdown] tags=["deep"]
# Столбец `sd` — разброс среднего по зёрнам, `se` — стандартная ошибка по зрителям, `diff` и `diff_se`
# — парная разность «подобранная iALS минус строка» и её ошибка. Зёрна сдвигают результат меньше, чем
# состав зрителей, и вывод не меняют: разность с EASE — около одной своей ошибки, а с остальными — больше
# пяти.

# %% [markdown]
# ## Рычаги
#
# Про размерность и штраф сказал подбор. Осталось увидеть, что делает $\alpha_0$ с самими списками.

# %%
counts = np.diff(X.tocsc().indptr)
weights = [0.03, 0.1, 0.3, 1.0, 3.0]
lists = [
    evaluate(IALS(32, 0.01, weight).fit(X).score, validation.test, validation.seen)
    for weight in weights
]
same_penalty = [
    evaluate(IALS(32, 0.003 / weight, weight).fit(X).score, validation.test, validation.seen)
    for weight in weights
]
fig, (left_ax, right_ax) = plt.subplots(1, 2)
kinds = {r"$\lambda_2=0{,}01$": lists, r"$\lambda_2\alpha_0=0{,}003$": same_penalty}
for line, (label, found) in enumerate(kinds.items()):
    plots.curve(left_ax, weights, [e["NDCG@10"] for e in found], label=label, line=line)
    crowds = [mean_popularity(e.recommended, counts, 10) for e in found]
    plots.curve(right_ax, weights, crowds, line=line)
left_ax.set(xscale="log", xlabel=r"$\alpha_0$", title="NDCG@10, валидация")
left_ax.legend()
right_ax.axhline(mean_popularity(popular.recommended, counts, 10), color="0.4", linestyle=":")
right_ax.set(xscale="log", xlabel=r"$\alpha_0$", title="Зрителей у советуемого фильма")
plt.show()

# %% [markdown]
# Обе панели — для 32 факторов. Сплошная линия — $\lambda_2$ неизменно: качество растёт, проходит через
# вершину и падает, а списки справа приближаются к популярному (пунктир). Но вместе с $\alpha_0$ здесь
# растёт и штраф $\lambda_2w_u$. Штриховая линия разделяет причины: произведение $\lambda_2\alpha_0$
# неизменно, и правее $\alpha_0=0{,}1$ она почти ровная на обеих панелях. Значит, вредил не вес пустых
# ячеек, а штраф. На левом краю у штриховой $\lambda_2=0{,}1$, и штраф активным зрителям даёт уже их
# собственная история.


# %%
def show_list(alpha0=0.3, power=-2.0):
    """Список нашего зрителя при данных ``alpha0`` и ``regularization = 10 ** power``."""
    model = IALS(32, 10**power, alpha0).fit(test.train)
    print(*films[recommend(model.score, [viewer], test.seen, k=5)[0]], sep="\n")


labels = {"alpha0": "α₀", "power": "lg λ₂"}
plots.live(show_list, labels, alpha0=(0.05, 2.0, 0.05), power=(-4.0, -1.0, 0.25))

# %% [markdown]
# В JupyterLab под ячейкой два ползунка: $\alpha_0$ и показатель степени десяти для $\lambda_2$.
# **Предскажите, затем подвиньте**: что останется в списке, если увести оба вправо? Подсказка — на
# правом рисунке: растут оба множителя штрафа $\lambda_2w_u$.

# %% [markdown]
# ## Типичные ошибки
#
# ### Ошибка 1. Транспонированная матрица
#
# Двадцать пять покупателей, десять товаров. Старые примеры с implicit подают матрицу «товары ×
# пользователи»: так требовали версии до 0.5. Нынешние, как и наш класс, ждут «пользователи ×
# объекты».

# %%
X_shop = sp.csr_array((rng.random((25, 10)) < 0.3).astype(float))
sideways = IALS(n_factors=3, regularization=0.05).fit(X_shop.T)
print("товару 0 соответствуют:", recommend(sideways.score, [0], k=3)[0].tolist())
try:
    sideways.score_history(X_shop[[0]])
except ValueError as error:
    print(error)

# %% [markdown]
# Обучение прошло без единого замечания, и список выдан. Но товаров десять, с номерами от 0 до 9, а
# в списке есть номера больше: модель советует **покупателей для товара**. Ловит ошибку проверка
# формы: наш класс делает её, когда получает историю, — это вторая строка вывода. Если бы
# покупателей было столько же, сколько товаров, не помогли бы ни номера, ни форма: что стоит в
# строках, надо знать самому.

# %% [markdown]
# ### Ошибка 2. Оставить `alpha=1`
#
# В implicit число из матрицы, умноженное на `alpha`, — это вся степень уверенности. При единицах и
# `alpha=1` у понравившегося она равна единице, то есть **ровно как у пустой ячейки**. Что за модель
# получилась? При равных весах и почти нулевом штрафе — тот самый SVD, с которого мы начали.

# %%
equal = {}
for d in (16, 100) if HAS_IMPLICIT else ():
    factors = fit_implicit(X, d, alpha=1.0, regularization=0.01, random_state=0)
    equal[d] = on_validation(*factors)
    print(f"d = {d:>3}: alpha=1 {equal[d]['NDCG@10']:.3f}, SVD {svd[d]['NDCG@10']:.3f}")
if equal:
    check_better("16 факторов лучше 100", equal[16], equal[100], "NDCG@10")

# %% [markdown]
# Числа почти те же, что у SVD. Вот и разгадка строки «по умолчанию»: сто факторов, равное
# доверие всем ячейкам и почти никакого штрафа. В наборе с оценками от 1 до 5 в ту же ловушку
# попадает оценка 1: «не понравилось» весит столько же, сколько «не видел», и просит балл, равный
# единице.

# %% [markdown]
# ### Всем советует одно и то же: что проверить
#
# Такое бывает и без ошибки в коде. Испортим модель четырьмя способами и посчитаем, сколько разных
# фильмов во всех списках вместе, сколько из десяти в среднем общих со списком популярного для того же
# зрителя и каков наибольший балл.


# %%
def sameness(name, score):
    """Насколько списки зрителей одинаковы."""
    found = evaluate(score, validation.test, validation.seen).recommended[:, :10]
    pairs = zip(found.tolist(), popular.recommended[:, :10].tolist(), strict=True)
    common = np.mean([len(set(mine) & set(theirs)) for mine, theirs in pairs])
    print(f"{name:<22} разных фильмов {len(np.unique(found)):>3}, ", end="")
    print(f"общих с популярным {common:.1f}, наибольший балл {score(range(n_users)).max():.2f}")


healthy = IALS(32, 0.01, 0.3).fit(X)
nothing = sp.csr_array(X.shape)
sameness("как надо", healthy.score)
sameness("штраф в 10 раз больше", IALS(32, 0.1, 0.3).fit(X).score)
sameness("штраф в 50 раз больше", IALS(32, 0.5, 0.3).fit(X).score)
sameness("один фактор", IALS(1, 0.01, 0.3).fit(X).score)
sameness("истории потеряны", lambda users: healthy.score_history(nothing[users]))

# %% [markdown]
# Полного совпадения нет, потому что у каждого зрителя вычеркнуто своё просмотренное. Но вместо 351
# разного фильма остаётся несколько десятков. Если ваша модель советует всем одно и то же, посмотрите
# на списки и баллы, в таком порядке.
#
# 1. **В списках первые номера каталога, баллы равны нулю.** Истории пусты: модели дали не ту матрицу
#    или не те номера пользователей. Проверьте `np.diff(X.indptr)`.
# 2. **Баллы малы или равны нулю, а списки похожи на популярное.** Велик штраф, векторы сжались.
#    Уменьшайте $\lambda_2$ и помните, что при $\nu>0$ штраф растёт и вместе с $\alpha_0$.
# 3. **Баллы обычные, а списки похожи на популярное.** Мало факторов. Фактор один — и порядок фильмов
#    один у всех, чьи координаты одного знака.
# 4. **Потери растут.** В полупроходе ошибка, например забыты пустые ячейки.

# %% [markdown] tags=["deep"]
# ### Углубление. Ошибка 3: забыть пустые ячейки
#
# Полупроход без $\alpha_0Q^\top Q$ мы видели на кривой потерь. Может быть, дело в штрафе? Переберём
# пять значений.

# %% tags=["deep"]
careless = {l2: on_validation(*train(0.0, l2)[:2]) for l2 in (0.3, 1.0, 3.0, 10.0, 30.0)}
for l2, result_without in careless.items():
    print(f"штраф {l2:>4}: NDCG@10 {result_without['NDCG@10']:.3f}")
print("последняя − популярное:", compare(careless[30.0], popular, "NDCG@10"))
full_model = on_validation(*train(0.25)[:2])
check_better("с пустыми ячейками лучше", full_model, careless[30.0], "NDCG@10")

# %% [markdown] tags=["deep"]
# При малом штрафе NDCG@10 намного ниже 0,087 — того, что даёт популярное. Большой сжимает векторы,
# зрители становятся похожи друг на друга, и модель приходит к популярному: последняя разность
# неотличима от нуля. Выше популярного не поднялось ни одно из пяти значений: без пустых ячеек
# хорошее отличать не от чего.

# %% [markdown] tags=["deep"]
# ### Углубление. Ошибка 4: усреднить повторы
#
# Журнал покупок: пятеро покупателей, по строке на покупку. Одна и та же пара «покупатель — товар»
# встречается много раз, и её сворачивают в одну ячейку средним. У неявной обратной связи каждая
# строка равна единице, и среднее единиц — единица.

# %% tags=["deep"]
log = pd.DataFrame({"user": np.repeat([0, 1, 2, 3, 4], [7, 2, 6, 2, 6])})
log["item"] = [int(product_number) for product_number in "00000010300000213111113"]
log["value"] = 1.0


def merged(how):
    """Матрица, где повторы свёрнуты функцией ``how``."""
    weights = log.groupby(["user", "item"])["value"].agg(how)
    return sp.csr_array((weights, tuple(weights.index.codes)))


for how in ("mean", "sum"):
    baskets = merged(how)
    shop = IALS(n_factors=2, regularization=0.02, n_sweeps=30).fit(baskets)
    print(how, "| веса:", baskets[[0]].data.tolist(), "| баллы:", shop.score([0])[0].round(2))

# %% [markdown] tags=["deep"]
# Покупатель 0 взял товар 0 шесть раз, товар 1 — однажды. Среднее (`mean`) сделало эти ячейки
# одинаковыми, и весь сигнал о силе привычки пропал. Сумма (`sum`) его сохранила: балл товара 0 ближе
# к единице. На больших данных сумму сжимают логарифмом, чтобы один покупатель с тысячей повторов не
# определял всё (Hu и др., ICDM 2008).

# %% [markdown] tags=["deep"]
# ### Углубление. Ошибка 5: сверяться с сопряжёнными градиентами
#
# По умолчанию в implicit стоит `use_cg=True`: система решается не точно, а тремя шагами метода
# сопряжённых градиентов (Takács, Pilászy, Tikk, RecSys 2011). Это быстрее, но потери и векторы
# другие. Если сверять свой код с такой моделью, верный код покажется ошибочным.

# %% tags=["deep"]
if HAS_IMPLICIT:
    cg_P, cg_Q = fit_implicit(X, 32, use_cg=True, **theirs)
    print(f"наибольшее расхождение баллов: {abs(our_scores - cg_P @ cg_Q.T).max():.2f}")
    by_exact = on_validation(model.P_, model.Q_)
    print(compare(by_exact, on_validation(cg_P, cg_Q), "NDCG@10"))

# %% [markdown] tags=["deep"]
# Точные решения совпали до восьмого знака, а здесь расхождение видно уже в первых. Метрика его не
# замечает: интервал разности включает ноль. Значит, сопряжённые градиенты годятся для работы, но не
# для сверки. Сверять надо с точным решением, а приближённое — по метрике и по потерям.

# %% [markdown]
# ## Цена
#
# | что | умножений за проход | память |
# |---|---|---|
# | суммы по историям | $\lvert\Omega\rvert\,d^2$ | $d^2$ |
# | разложения | $(U+I)\,d^3/6$ | $d^2$ |
# | векторы | — | $(U+I)\,d$ |
# | баллы пользователя | $I\,d$ на список | $I$ |
#
# Суммы считаются дважды за проход, для зрителей и для фильмов, и симметрия сберегает половину. От
# каталога в квадрате, в отличие от EASE, не зависит ничего.

# %%
n_people, n_movies, n_ones = 136_677, 20_108, 9_990_682  # MovieLens-20M, оценки 4 и 5
for d in (64, 256, 2048):
    sums, factorings = n_ones * d**2, (n_people + n_movies) * d**3 / 6
    print(f"d = {d:>4}: суммы {sums:.0e}, разложения {factorings:.0e} умножений")

# %% [markdown]
# Числа — для MovieLens-20M, за один проход. Пока $d$ меньше нескольких сотен, дороги суммы. Дальше
# побеждает $d^3$, и с тысячами факторов, которые нужны на больших данных, точный шаг по всему вектору
# становится непрактичным. Тогда обновляют вектор блоками координат (iALS++, Rendle и др., 2021) или
# решают систему неточно, как в «Углублении» ниже. Время рядом с implicit измеряет команда
# `python -m benchmarks.ials`.

# %% [markdown] tags=["deep"]
# ### Углубление. Что было потом
#
# Библиотеки учат iALS в несколько раз быстрее нашего класса. Причин две, и обе можно взять себе.
#
# **Первая — решать неточно.** Матрица $A_u$ нужна только затем, чтобы умножить её на вектор $v$, а это
# можно сделать, не собирая её:
#
# $$
# A_uv=\sum_{i\in I_u}x_{ui}\,q_i\,(q_i^\top v)+\alpha_0\,Q^\top Q\,v+\lambda_uv .
# $$
#
# Умножений $2\lvert I_u\rvert d+d^2$, а точное решение стоит $\lvert I_u\rvert d^2/2+d^3/6$. Метод **сопряжённых
# градиентов** (conjugate gradients; Takács и др., RecSys 2011) такими произведениями и обходится. Он
# хранит невязку $r=\sum_ix_{ui}q_i-A_up_u$ — это минус половина градиента — и направление $v$, сначала
# равное $r$. Шаг:
#
# $$
# s=\frac{r^\top r}{v^\top A_uv},\qquad p_u\leftarrow p_u+s\,v,\qquad
# r'=r-s\,A_uv,\qquad v\leftarrow r'+\frac{r'^\top r'}{r^\top r}\,v .
# $$
#
# За $d$ шагов получилось бы точное решение, но хватает трёх (и четырёх произведений: ещё одно — на
# первую невязку). Начинают не с нуля, а с прежнего вектора, и следующий проход доделает остальное.
#
# **Вторая — не ждать интерпретатора.** Строк тысячи, работы в каждой мало, и цикл Python тратит время на
# самого себя. Библиотека numba переводит функцию в машинный код, когда её вызывают в первый раз. Такая
# функция работает без интерпретатора, поэтому потоки не ждут друг друга.


# %% tags=["model", "deep"]
from concurrent.futures import ThreadPoolExecutor
from functools import cache


@cache
def compiled_rows():
    """Машинный код: шаги сопряжённых градиентов для строк от ``first`` до ``last``.

    :raises ImportError: библиотеки numba нет
    """
    try:
        from numba import njit
    except ImportError:
        raise ImportError("Нужна библиотека numba. Поставить: pip install numba") from None
    quick = njit(nogil=True, fastmath=True)

    @quick
    def residual(target, v, own, weights, Q, shared, penalty, r):
        for f in range(len(v)):
            r[f] = -penalty * v[f]
        for g in range(len(v)):
            for f in range(len(v)):
                r[f] -= shared[g, f] * v[g]
        for n in range(len(own)):
            score, q = Q.dtype.type(0), Q[own[n]]
            for f in range(len(v)):
                score += q[f] * v[f]
            error = weights[n] * (target - score)
            for f in range(len(v)):
                r[f] += error * q[f]

    @quick
    def rows(first, last, indptr, indices, data, Q, shared, penalty, P, n_steps):
        r, minus_Av = np.empty_like(Q[0]), np.empty_like(Q[0])
        one, zero = Q.dtype.type(1), Q.dtype.type(0)
        for u in range(first, last):
            own, weights = indices[indptr[u] : indptr[u + 1]], data[indptr[u] : indptr[u + 1]]
            if len(own) == 0:
                P[u] = 0
                continue
            residual(one, P[u], own, weights, Q, shared, penalty[u], r)
            v, square = r.copy(), np.dot(r, r)
            for _ in range(n_steps):
                residual(zero, v, own, weights, Q, shared, penalty[u], minus_Av)
                curvature = -np.dot(v, minus_Av)
                if not curvature > 0:
                    break
                step = square / curvature
                P[u] += step * v
                r += step * minus_Av
                before, square = square, np.dot(r, r)
                v = r + square / before * v

    return rows


# %% [markdown] tags=["deep"]
# Внутренняя функция `residual` считает $\sum_ix_{ui}q_i(t-q_i^\top v)-\alpha_0Q^\top Qv-\lambda_uv$. При
# $t=1$ это невязка, при $t=0$ — произведение $A_uv$ со знаком минус. Остаётся раздать строки потокам и
# подставить новый полупроход в класс.


# %% tags=["model", "deep"]
def half_sweep_cg(X, Q, start, l2, alpha0, nu, n_steps=3, n_threads=1):
    """Полупроход сопряжёнными градиентами от векторов ``start`` (Takács и др., RecSys 2011).

    :return: векторы строк ``(n_rows, d)``; строке без взаимодействий — нули
    :raises ImportError: библиотеки numba нет
    :raises ValueError: числа переполнились
    """
    shared, penalty = alpha0 * (Q.T @ Q), penalties(X, l2, alpha0, nu).astype(Q.dtype)
    P, rows = start.copy(), compiled_rows()

    def block(first):
        last = min(first + 100, len(P))
        rows(first, last, X.indptr, X.indices, X.data, Q, shared, penalty, P, n_steps)

    blocks = range(0, len(P), 100)
    if n_threads == 1:
        list(map(block, blocks))
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(block, blocks))
    if not np.isfinite(P).all():
        raise ValueError("Числа переполнились: увеличьте regularization или возьмите float64.")
    return P


class IALSCG(IALS):
    """iALS, где системы решаются неточно, сопряжёнными градиентами; нужна библиотека numba.

    Вектор нового пользователя ищется точно. Гиперпараметры — как у :class:`IALS` и ещё два.

    :param n_steps: сколько шагов на строку
    :param n_threads: во сколько потоков
    """

    def __init__(
        self, n_factors=96, regularization=0.01, alpha0=0.3, nu=1, n_sweeps=15, seed=0, dtype=float,
        n_steps=3, n_threads=1,
    ):  # fmt: skip
        super().__init__(n_factors, regularization, alpha0, nu, n_sweeps, seed, dtype)
        self.n_steps = n_steps
        self.n_threads = n_threads

    def fit(self, X):
        """То же, что у :class:`IALS`; векторы ``P_`` и ``Q_`` приближённые."""
        inputs.check_count("n_steps", self.n_steps)
        inputs.check_count("n_threads", self.n_threads, high=1024)
        return super().fit(X)

    def _half_sweep(self, X, Q, start=None):
        if start is None:
            return super()._half_sweep(X, Q)
        weights = float(self.regularization), float(self.alpha0), float(self.nu)
        return half_sweep_cg(X, Q, start, *weights, int(self.n_steps), int(self.n_threads))


# %% [markdown] tags=["deep"]
# **Проверка.** Если шагов столько, сколько факторов, один полупроход обязан совпасть с точным. А три шага
# вместо точного решения не должны быть заметны по качеству. Тот же алгоритм, те же гиперпараметры,
# подбирать заново нечего.

# %% tags=["deep"]
HAS_NUMBA = find_spec("numba") is not None
if HAS_NUMBA:
    P_steps = half_sweep_cg(X, Q_any, np.zeros_like(P_any), **settings, n_steps=5)
    check_close("пять факторов, пять шагов: как точное решение", P_steps, P_best, 1e-8)
    by_steps = IALSCG(**best).fit(test.train)
    by_steps = evaluate(by_steps.score, test.test, test.seen)
    print("три шага − точно:", compare(by_steps, result["iALS"], "NDCG@10"))
else:
    print("Библиотеки numba нет, раздел пропущен. Поставить: pip install numba")

# %% [markdown] tags=["deep"]
# Три шага вместо точного решения метрика не замечает: интервал включает ноль. А время? Команда
# `python -m benchmarks.ials` учит обе модели и implicit на данных размера MovieLens-1M, вперемежку, в один
# поток и в два. Там, где готовился урок, машинному коду на одном потоке хватило около двух третей времени
# implicit с теми же тремя шагами. Если `IALSCG` окажется медленнее implicit, команда завершится с ошибкой.
# Если дать ей файл с пятизвёздочными оценками MovieLens-1M, она сравнит и качество: NDCG@20 не должна
# отличаться от точного решения больше чем на 0,002. Рядом печатается популярное.
#
# Урок работает и без numba: раздел тогда пропускается. Поставить её: `pip install numba`.

# %% [markdown]
# ## Проверьте себя
#
# **1.** Зачем вообще учитывать пустые ячейки, если среди них есть фильмы, которые зрителю
# понравятся?
#
# <details><summary>Ответ</summary>
#
# Без них ничто не мешает дать высокий балл всему подряд: единицы воспроизведены, а за остальное не
# наказывают. Пустых ячеек много, почти все они действительно «не нужно», и малый вес $\alpha_0$
# позволяет немногим исключениям получить высокий балл.
#
# </details>
#
# **2.** Потери выросли на шестом полупроходе. Может ли это быть из-за неудачного зерна?
#
# <details><summary>Ответ</summary>
#
# Нет. Полупроход — точный минимум по своей половине, и при любом старте потери не растут. Рост
# больше ошибки округления значит, что полупроход и функция потерь написаны о разном.
#
# </details>
#
# **3.** В чужой статье $\lambda_2=0{,}01$, у вас $\nu=0$, а у авторов $\nu=1$. Можно ли взять их
# число?
#
# <details><summary>Ответ</summary>
#
# Нет. При $\nu=1$ штраф умножается на вес строки — сотни единиц. При $\nu=0$ то же сжатие требует
# $\lambda_2$ в сотни раз больше.
#
# </details>
#
# **4.** Новый зритель назвал один фильм. Что нужно, чтобы выдать ему список?
#
# <details><summary>Ответ</summary>
#
# Решить одну систему $d\times d$ при готовой $Q$: `score_history`. Обучать заново не нужно. А вот
# новый фильм без зрителей получит нулевой вектор и в список не попадёт: это холодный старт.
#
# </details>
#
# ### Попробуйте сами 1. Вектор нового зрителя
#
# Верните вектор зрителя по номерам понравившихся фильмов: одна система, как у Гены. Вход: $Q$,
# номера, штраф $\lambda_u$ готовым числом, $\alpha_0$. Веса взаимодействий — единицы.

# %%
expected = half_sweep(X[[0]], Q_any, 5.0, 0.3, 0)[0]
vector_cases = [
    ((Q_toy, np.array([0]), 0.5, 0.5), p_hand, "слева три слагаемых: история, alpha0 и штраф"),
    ((Q_any, X[[0]].indices, 5.0, 0.3), expected, "справа — сумма векторов истории, не среднее"),
    ((Q_toy, np.array([], dtype=int), 0.5, 0.5), [0, 0], "без истории правая часть — нули"),
]


# %% tags=["task"]
def user_vector(Q, history, penalty, alpha0):
    """Вектор зрителя с историей ``history`` (номера строк ``Q``)."""
    return None  # ваш код


check_task("Задание 1", user_vector, vector_cases)


# %% tags=["answer"]
def user_vector_answer(Q, history, penalty, alpha0):
    V = Q[history]
    A = V.T @ V + alpha0 * Q.T @ Q + penalty * np.eye(Q.shape[1])
    return np.linalg.solve(A, V.sum(axis=0))


check_task("Ответ к заданию 1", user_vector_answer, vector_cases)

# %% [markdown]
# После первой попытки вывод ячейки скажет, что не так. Верный ответ свёрнут в следующей ячейке.
#
# ### Попробуйте сами 2. Перевод с чужого языка
#
# Коллега прислал `alpha` (больше единицы) и `regularization` своей модели implicit, обученной на
# единицах. Верните пару $(\alpha_0,\lambda_2)$, при которой наша модель с $\nu=0$ даст те же
# списки.

# %%
translation_cases = [
    ((5.0, 10.0), (0.25, 2.0), "обратите обе строки таблицы; единица входит в alpha"),
    ((2.0, 3.0), (1.0, 1.5), "штраф умножается на alpha0 / (1 + alpha0)"),
    ((41.0, 0.41), (0.025, 0.01), "сначала alpha0, потом штраф: он зависит от alpha0"),
]


# %% tags=["task"]
def from_implicit(alpha, regularization):
    """Пара ``(alpha0, l2)`` нашей записи."""
    return None  # ваш код


check_task("Задание 2", from_implicit, translation_cases)


# %% tags=["answer"]
def from_implicit_answer(alpha, regularization):
    alpha0 = 1 / (alpha - 1)
    return alpha0, regularization * alpha0 / (1 + alpha0)


check_task("Ответ к заданию 2", from_implicit_answer, translation_cases)

# %% [markdown]
# ## Итоги
#
# - iALS — матричное разложение, где пустые ячейки участвуют с малым весом $\alpha_0$. SVD верит им
#   полностью, обычный ALS не замечает; обе крайности хуже.
# - Полупроход точен: одна система $d\times d$ на строку, общая часть $\alpha_0Q^\top Q$ — одна на
#   всех. Потери не растут; рост — признак ошибки.
# - Гиперпараметры разных записей переводятся точно; сравнивать их числа без перевода нельзя.
# - Один алгоритм без подбора и с подбором — две разные строки таблицы. При двадцати попытках у каждой
#   модели iALS на MovieLens-100K неотличима от EASE и выше SVD.
# - Гиперпараметры связаны: подбирать надо штраф $\lambda_u$, а не одно $\lambda_2$.
#
# **Что в статьях.** На пятизвёздочных оценках MovieLens-1M опубликовано Recall@20 = 0,3033 (Ferrari
# Dacrema и др., TOIS 2021, приложение, табл. 33), и класс этого урока с гиперпараметрами статьи,
# переведёнными по нашей таблице, в среднем по двадцати разбиениям даёт там же 0,3057 с разбросом
# 0,0038: команда — `benchmarks/five_star.py`. На MovieLens-20M с новыми пользователями iALS со
# старыми настройками имела NDCG@100 = 0,352 (TOIS 2021, табл. 62), а с 2048 факторами и подобранным
# штрафом — 0,425 (Rendle и др., RecSys 2022): выше опубликованного для EASE (Steck, WWW 2019:
# 0,420). Алгоритм не изменился. Это другие данные и протоколы: с нашей таблицей их сравнивать
# нельзя.
#
# **Где метод проигрывает.** Подбирать надо минимум три гиперпараметра, EASE обходится одним. Балл
# зависит от зерна. Порядка событий iALS не видит, а новый фильм до первого зрителя для неё не
# существует.
#
# **Дальше.** [04_ease](04_ease.ipynb) — веса «объект — объект» вместо векторов;
# [06_multivae](06_multivae.ipynb) — вектор зрителя вычисляет нейронная сеть.
#
# **Источники.** Y. Hu, Y. Koren, C. Volinsky. Collaborative Filtering for Implicit Feedback
# Datasets. ICDM 2008. G. Takács, I. Pilászy, D. Tikk. Applications of the Conjugate Gradient Method
# for Implicit Feedback Collaborative Filtering. RecSys 2011. S. Rendle, W. Krichene, L. Zhang,
# Y. Koren. Revisiting the Performance of iALS on Item Recommendation Benchmarks. RecSys 2022.
# S. Rendle, W. Krichene, L. Zhang, Y. Koren. iALS++: Speeding up Matrix Factorization with Subspace
# Optimization. arXiv 2110.14044, 2021. M. Ferrari Dacrema, S. Boglio, P. Cremonesi, D. Jannach.
# A Troubling Analysis of Reproducibility and Progress in Recommender Systems Research. TOIS 2021.
