# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04. EASE: вся модель — одна обратная матрица
#
# Идея одним предложением: каждый фильм предсказывают взвешенной суммой остальных фильмов истории,
# а все веса находят сразу, одним обращением матрицы.
#
# Начнём с результата. Ниже — история одного зрителя MovieLens и список, который для него
# составляет модель этого урока. Звёздочкой отмечены фильмы, которые зритель потом посмотрел и
# высоко оценил; модель этого не знала.

# %%
from fractions import Fraction
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.stats import uniform
from sklearn.linear_model import Ridge

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
from recsys_lessons.models import Popularity
from recsys_lessons.results import stored_result
from recsys_lessons.splits import board_a
from recsys_lessons.tuning import EASE_SPACE, Search, check_fair, tune

plots.use_style()

# %%
ratings, items = load_movielens()
validation, test = board_a(ratings, seed=0)
films = items["label"].to_numpy()
viewer = 602
liked, later = test.liked(viewer)

finished = models.EASE(l2=121).fit(test.train)
suggested = recommend(finished.score, [viewer], test.seen, k=10)[0]

print("Понравилось:", *films[liked[:12]], f"… всего {len(liked)}", sep="\n    ")
print("EASE советует:")
for item in suggested:
    print(f"  {'*' if item in later else ' '} {films[item]}")

# %% [markdown]
# В истории больше всего фантастики и приключений. Список похож на неё, и часть его зритель
# действительно посмотрел. К концу урока вы напишете эту модель сами и сможете сказать про каждую
# строку списка, какие фильмы истории её подняли, а какие опустили.
#
# <div class="alert alert-block alert-info">
#
# **Что сделаем.** Выведем EASE на бумаге: от задачи с ограничением до ответа в явном виде. Напишем
# класс, сверим его с ручным счётом и scikit-learn, подберём $\lambda_2$ и испытаем на
# MovieLens-100K.
#
# **Чему научимся.** Решать задачу наименьших квадратов с ограничением; проверять решение условиями
# оптимальности, а не только метрикой; объяснять рекомендации весами модели.
#
# **Что нужно знать.** Производная квадрата нормы, множители Лагранжа, условия Каруша — Куна —
# Таккера, разложение Холецкого: всё это есть в [справочнике](A_handbook.ipynb). Матрица Грама — в
# [уроке 01](01_item_knn.ipynb), метрики и протокол — в [уроке 00b](00b_evaluation.ipynb).
#
# **Время.** 65 минут чтения, меньше минуты исполнения.
#
# **Статья.** H. Steck, «Embarrassingly Shallow Autoencoders for Sparse Data», WWW 2019.
#
# </div>

# %% [markdown]
# ## Идея на пальцах
#
# Четыре зрителя, три фильма. Единица — фильм понравился. Гена видел только «Матрицу». Что ему
# посоветовать?

# %%
names = ["Матрица", "Начало", "Аватар"]
viewers = ["Аня", "Боря", "Вера", "Гена"]
X_toy = sp.csr_array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]])

fig, ax = plt.subplots(figsize=(3.6, 2.6))
plots.matrix(ax, X_toy.toarray(), viewers, names, digits=0, title="Матрица взаимодействий $X$")
plt.show()

# %% [markdown]
# На рисунке строки — зрители, столбцы — фильмы, закрашены единицы.
#
# Выберем фильм, например «Начало», и предскажем его столбец суммой двух других столбцов с весами
# $b_1$ («Матрица») и $b_3$ («Аватар»). Веса выбираем так, чтобы сумма квадратов ошибок была мала. К
# ней добавляем штраф $\lambda_2(b_1^2+b_3^2)$, чтобы веса не росли без нужды; пусть $\lambda_2=1$.
# Сам фильм себя предсказывать не может: иначе при слабом штрафе столбец почти точно повторит сам
# себя с весом около 1, и модель ничего не узнает.
#
# Приравняем производные к нулю. В уравнения входят только числа совместных просмотров: у «Матрицы»
# 3 зрителя, у «Аватара» 2, общий у них один, а с «Началом» у каждого по 2 общих:
#
# $$
# \begin{aligned}(3+1)\,b_1+1\cdot b_3&=2\\ 1\cdot b_1+(2+1)\,b_3&=2\end{aligned}
# \qquad\Longrightarrow\qquad b_1=\tfrac{4}{11},\quad b_3=\tfrac{6}{11}.
# $$
#
# Решим ту же систему точными дробями по правилу Крамера.

# %%
determinant = Fraction(4 * 3 - 1 * 1)
b1 = (2 * 3 - 1 * 2) / determinant
b3 = (4 * 2 - 1 * 2) / determinant
print(f"b1 = {b1}, b3 = {b3}")

# %% [markdown]
# Так же решаются остальные два столбца. Соберём веса в матрицу $B$: в столбце — предсказываемый
# фильм, в строке — тот, по которому предсказывают. По диагонали нули.

# %%
B_hand = np.array([[0, 4 / 11, 0], [1 / 2, 0, 1 / 2], [0, 6 / 11, 0]])
scores_by_hand = X_toy @ B_hand
print("Баллы Гены:", dict(zip(names, scores_by_hand[3].round(3).tolist(), strict=True)))

fig, axes = plt.subplots(1, 3, figsize=(9, 2.4), width_ratios=[1, 0.9, 1])
plots.matrix(axes[0], X_toy.toarray(), viewers, names, digits=0, title="истории $X$")
plots.matrix(axes[1], B_hand, names, names, title="× веса $B$")
plots.matrix(axes[2], scores_by_hand, viewers, names, title="= баллы $XB$")
plt.show()

# %% [markdown]
# На рисунке весь EASE: истории умножили на матрицу весов с нулями на диагонали и получили баллы.
# Веса подобраны так, чтобы баллы были как можно ближе к самим историям. Самый высокий балл среди
# непросмотренного — совет.
#
# Гене советуют «Начало»: балл $4/11\approx 0{,}364$. А «Аватар» получил ноль, хотя у него с
# «Матрицей» есть общий зритель, Боря. Сходство двух столбцов не нулевое, вес — нулевой: этот общий
# просмотр уже объяснён «Началом», которое Боря тоже видел. В этом отличие EASE от подсчёта
# сходств: веса отвечают на вопрос «что фильм добавляет к остальным».

# %% [markdown]
# ## От идеи к формуле
#
# ### Целевая функция
#
# **Интуиция.** Все столбцы предсказываем сразу. Ошибка и штраф складываются по столбцам.
#
# **Формула.** Матрица $X$ — пользователи × объекты, $B$ — объекты × объекты (Steck, 2019, ф. 3):
#
# $$
# \min_B\;\lVert X-XB\rVert_F^2+\lambda_2\lVert B\rVert_F^2
# \qquad\text{при условии}\qquad \operatorname{diag}(B)=0 .
# $$
#
# Здесь $\lVert\cdot\rVert_F^2$ — сумма квадратов всех ячеек. **Код** повторяет формулу.


# %%
def objective(X, B, l2):
    """Значение целевой функции EASE."""
    error = X - X @ B
    return (error**2).sum() + l2 * (B**2).sum()


print(f"ручное решение: {objective(X_toy.toarray(), B_hand, 1):.4f}")
print(f"нулевые веса:   {objective(X_toy.toarray(), 0 * B_hand, 1):.4f}")

# %% [markdown]
# Ручное решение лучше нулевых весов. **Проверка**, что лучше него ничего нет, — чуть дальше.
#
# **Цена.** Столбцы $B$ не связаны друг с другом: каждый — своя гребневая регрессия (ridge
# regression) столбца $x_{\cdot j}$ на все прочие. Решать их по очереди можно, но это $I$ систем
# размера $I-1$. Посчитаем операции для каталога MovieLens-100K: решение одной системы разложением
# Холецкого стоит около $I^3/3$ действий.

# %%
n_films = len(films)
print(f"по столбцу за раз: {n_films * n_films**3 / 3:.1e} действий")
print(f"одно обращение:    {n_films**3:.1e} действий")


# %% [markdown]
# Разница в сотни раз. Одно обращение вместо тысячи с лишним систем и составляет суть EASE.
#
# ### Ответ в явном виде
#
# **Интуиция.** Без ограничения $b_j=0$ все столбцы решались бы одной и той же матрицей
# $H=(G+\lambda_2E)^{-1}$, где $G=X^\top X$ — матрица Грама (Gram matrix): в ячейке $G_{ij}$ число
# пользователей, которым понравились оба объекта, $E$ — единичная матрица. Ограничение — всего одно
# число на столбец. Его учтёт [множитель Лагранжа](A_handbook.ipynb#cell-id=lagrange).
#
# **Вывод.** Для столбца $j$ запишем функцию Лагранжа с множителем $\gamma_j$ (половины — для
# удобства):
#
# $$
# \mathcal L(b,\gamma_j)=\tfrac12\lVert x_{\cdot j}-Xb\rVert^2+\tfrac12\lambda_2\lVert b\rVert^2
# +\gamma_j b_j .
# $$
#
# Градиент по $b$ равен нулю:
#
# $$
# -X^\top(x_{\cdot j}-Xb)+\lambda_2b+\gamma_je_j=0
# \quad\Longrightarrow\quad (G+\lambda_2E)\,b=Ge_j-\gamma_je_j ,
# $$
#
# где $e_j$ — столбец единичной матрицы. Заметим, что $Ge_j=(G+\lambda_2E)e_j-\lambda_2e_j$, и
# умножим обе части на $H$:
#
# $$
# b=e_j-(\lambda_2+\gamma_j)\,He_j .
# $$
#
# Осталось условие $b_j=0$. Оно читается так: $1-(\lambda_2+\gamma_j)H_{jj}=0$. Значит,
# $\lambda_2+\gamma_j=1/H_{jj}$, и
#
# $$
# B_{ij}=\begin{cases}0,&i=j,\\[2pt]-\dfrac{H_{ij}}{H_{jj}},&i\ne j,\end{cases}
# \qquad\qquad \gamma_j=\frac1{H_{jj}}-\lambda_2 .
# $$
#
# Делим **столбец** на диагональный элемент матрицы $H$ и меняем знак. В статье (Steck, 2019, ф. 8)
# матрица $H$ обозначена буквой P.
#
# **Код.** Матрица $G+\lambda_2E$ симметрична и положительно определена, поэтому обращаем её через
# [разложение Холецкого](A_handbook.ipynb#cell-id=cholesky): `assume_a="pos"`. Параметр `lower=True`
# говорит, что достаточно нижнего треугольника; зачем это нужно, скажет следующий раздел. След
# $G+\lambda_2E$ не меньше её наибольшего собственного числа, а $H_{jj}$ не больше обратного к
# наименьшему. Произведение следа и самого большого $H_{jj}$ — грубая оценка числа обусловленности:
# оно говорит, во сколько раз может вырасти ошибка округления. Если оценка слишком велика, модель
# предупредит.

# %% tags=["model"]
import numpy as np
from scipy import linalg

from recsys_lessons import inputs


def ease_weights(G, l2):
    """Веса EASE по матрице Грама: ``B = E - H / diag(H)`` (Steck, 2019, ф. 8).

    :param G: матрица Грама, форма ``(n_items, n_items)``; читается нижний треугольник;
        содержимое не сохраняется
    :param l2: штраф L2, больше нуля: число или массив ``(n_items,)``
    :return: ``B``, той же формы, с нулями на диагонали
    """
    G[np.diag_indices_from(G)] += l2
    trace = np.trace(G)
    H = linalg.inv(G, assume_a="pos", lower=True, overwrite_a=True, check_finite=False)
    cause = (
        f"Штраф l2={np.min(l2):g} теряется рядом с числами матрицы: поделите её или увеличьте l2."
    )
    inputs.warn_ill_conditioned(trace * np.diag(H).max(), H.dtype, cause)
    H /= -np.diag(H)
    np.fill_diagonal(H, 0)
    return H


# %% [markdown]
# **Проверка.** Сначала — ручной ответ. Потом —
# [условия Каруша — Куна — Таккера](A_handbook.ipynb#cell-id=kkt), то есть условия оптимальности: в
# матрице
# $X^\top(X-XB)-\lambda_2B$ вне диагонали стоят нули, а на диагонали — множители $\gamma_j$.
# Задача выпуклая, поэтому эти условия не только необходимы, но и достаточны: лучшего решения нет.

# %%
G_toy = (X_toy.T @ X_toy).toarray()
B_toy = ease_weights(G_toy.copy(), l2=1)
residual = X_toy.T @ (X_toy.toarray() - X_toy @ B_toy) - 1 * B_toy

check_close("веса: код и ручной счёт", B_toy, B_hand, 1e-12)
check_close("условия оптимальности вне диагонали", residual - np.diag(np.diag(residual)), 0 * B_toy)
check_close("множители на диагонали", np.diag(residual), [2, 13 / 11, 1], 1e-12)

# %% [markdown]
# Три строки вывода — три независимых подтверждения одной формулы. Посмотрим на саму матрицу.

# %%
fig, axes = plt.subplots(1, 2, figsize=(7.5, 2.6))
plots.matrix(axes[0], G_toy, names, names, digits=0, title="Матрица Грама $G$")
plots.matrix(axes[1], B_toy, names, names, title="Веса $B$: из строки в столбец")
plt.show()

# %% [markdown]
# Слева $G$ симметрична: общие зрители — отношение взаимное. Справа $B$ не симметрична: от «Матрицы»
# к «Началу» вес 4/11, обратно — 1/2, хотя зрителей у обоих по трое. «Началу» помогает ещё и
# «Аватар», а «Матрице» он ничего не добавляет: у каждого столбца своя регрессия.
#
# **Цена.** $I^3$ действий и одна плотная матрица $I\times I$.

# %% [markdown]
# ### Матрица Грама по половинам
#
# **Интуиция.** Матрица $G$ симметрична: достаточно нижнего треугольника, то есть половины работы.
# Так её уже считал [урок 01](01_item_knn.ipynb): узкими полосами столбцов, для каждой — только
# строки от диагонали вниз. Там верхний треугольник потом переписывали с нижнего; разложению
# Холецкого он не нужен.
#
# **Код** берём оттуда же.

# %% tags=["model"]
from recsys_lessons.models.item_knn import lower_gram

# %%
X = test.train
full = (X.T @ X).toarray()
check_close("нижний треугольник", np.tril(lower_gram(X)), np.tril(full), 0)

print(f"сложений полосами: {X.nnz * n_films / 2:.1e}")
print(f"через плотную X:   {X.shape[0] * float(n_films) ** 2:.1e}")

# %% [markdown]
# Вторая строка — то, во что обошлось бы `X.toarray()`. Наша **цена** — первая: каждое
# взаимодействие встречается с каждым столбцом, но благодаря симметрии лишь по одному разу.
# Разреженность и симметрия вместе сберегают почти два порядка.

# %% [markdown]
# ## Алгоритм целиком
#
# Всё готово. Класс складывает написанное: матрица Грама, веса, баллы. Хватит ли памяти на две
# матрицы $I\times I$, он проверяет заранее: если нет, `fit` сразу остановится и скажет, сколько
# нужно. Балл пользователя — произведение его истории на $B$. Поэтому новому пользователю обучение
# не нужно: `score_history` принимает любую историю.

# %% tags=["model"]
import warnings

from sklearn.base import BaseEstimator


class EASE(BaseEstimator):
    """Линейная модель «объект — объект» с решением в явном виде (Steck, WWW 2019).

    :param l2: штраф L2 ($\\lambda_2$), больше нуля. Чем больше взаимодействий, тем больше нужен
    :param dtype: тип чисел; ``float32`` вдвое экономит память
    """

    def __init__(self, l2=150.0, dtype=np.float64):
        self.l2 = l2
        self.dtype = dtype

    def fit(self, X):
        """Найти веса ``B_`` по матрице взаимодействий CSR ``(n_users, n_items)``.

        :raises TypeError: матрица не разреженная
        :raises ValueError: матрица пуста или испорчена, числа в ней слишком велики, ``l2`` не
            больше нуля или слишком мал
        :raises MemoryError: квадрат каталога не помещается в память
        """
        l2 = inputs.check_number("l2", self.l2, 0, above=True)
        X = inputs.check_training(X, self.dtype)
        instead = "Оставьте частые объекты, возьмите dtype=np.float32 или модель IALS."
        inputs.check_square(X.shape[1], X.dtype, 2, instead)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", linalg.LinAlgWarning)  # о том же — по-русски
                B = self.weights(lower_gram(X), l2)
        except linalg.LinAlgError as error:
            raise ValueError(f"l2={l2:g} мал: матрица Грама вырождена.") from error
        if not np.isfinite(B.sum()):
            raise ValueError("Веса не посчитать: числа в матрице слишком велики.")
        self.X_, self.B_ = X, B
        return self

    def weights(self, G, l2):
        """Веса по матрице Грама."""
        return ease_weights(G, l2)

    def score(self, users):
        """Баллы известных пользователей, форма ``(len(users), n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: неизвестный пользователь
        """
        inputs.check_fitted(self, "B_")
        return self.X_[inputs.check_users(users, self.X_.shape[0])] @ self.B_

    def score_history(self, X_new):
        """Баллы новых пользователей по их истории, форма ``(n_new, n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: матрица испорчена, в ней не тот каталог
        """
        inputs.check_fitted(self, "B_")
        return inputs.check_interactions(X_new, self.B_.dtype, n_items=len(self.B_)) @ self.B_


# %% [markdown]
# ## Сверка
#
# Ручной счёт и наш код уже совпали. Теперь — чужой код.
#
# **scikit-learn.** Столбец $B$ — гребневая регрессия без свободного члена на все прочие фильмы
# каталога. Сверяем тридцать столбцов: от самого популярного фильма до редких.

# %%
top = np.argsort(-np.diff(X.tocsc().indptr), kind="stable")
B_full, columns = EASE(l2=150).fit(X).B_, top[:1200:40]

by_ridge = np.zeros((n_films, len(columns)))
for place, j in enumerate(columns):
    others = np.delete(np.arange(n_films), j)
    ridge = Ridge(alpha=150, fit_intercept=False, solver="cholesky")
    ridge.fit(X[:, others].toarray(), X[:, [j]].toarray().ravel())
    by_ridge[others, place] = ridge.coef_

check_close("EASE и 30 регрессий Ridge", B_full[:, columns], by_ridge, 1e-10)

# %% [markdown]
# **Условия оптимальности** — на всех столбцах всего каталога. Это строже любой чужой библиотеки:
# проверяется не совпадение с кем-то, а сам минимум.

# %%
residual = full - full @ B_full - 150 * B_full
check_close("условия, весь каталог", residual - np.diag(np.diag(residual)), 0 * full)

# %% [markdown]
# Сверка с чужим кодом ловит описку, но не общее заблуждение. Поэтому добавим свойства, которые
# следуют из самой задачи. Если каждого пользователя взять дважды и удвоить $\lambda_2$, целевая
# функция просто удвоится, и веса не изменятся. Если переставить фильмы, переставятся и веса.
# Проверим на 200 самых популярных.

# %%
X_top = X[:, top[:200]]
ours = EASE(l2=150).fit(X_top).B_
twice = EASE(l2=300).fit(sp.vstack([X_top, X_top])).B_
check_close("пользователи дважды, штраф вдвое", twice, ours)

order = np.random.default_rng(0).permutation(200)
shuffled = EASE(l2=150).fit(X_top[:, order]).B_
check_close("перестановка фильмов", shuffled, ours[np.ix_(order, order)])

# %% [markdown]
# ## Настоящие данные
#
# Протокол A: у каждого зрителя последние 20 % понравившихся фильмов — тестовая часть, из остатка
# ещё раз последние 20 % — валидационная. Из списков убираем всё, что зритель уже оценил. Основная
# метрика — NDCG@10.
#
# ### Подбор штрафа λ₂
#
# Единственный гиперпараметр перебираем по логарифмической сетке, смотрим только на валидационную
# часть.

# %%
grid = [5, 10, 20, 50, 100, 150, 200, 300, 500, 1000, 2000, 5000]
tuning = [
    evaluate(EASE(l2=l2).fit(validation.train).score, validation.test, validation.seen)
    for l2 in grid
]
curve = pd.DataFrame([e.summary().loc["NDCG@10", ["mean", "se"]] for e in tuning], index=grid)
grid_l2 = curve["mean"].idxmax()
print(curve.T.round(4).to_string())
print("лучшее значение сетки:", grid_l2)

# %%
fig, ax = plt.subplots()
plots.curve(ax, grid, curve["mean"], curve["se"])
ax.axvline(grid_l2, color="0.4", linestyle=":")
ax.set(xscale="log", xlabel=r"$\lambda_2$", ylabel="NDCG@10, валидация", title="Подбор штрафа")
plt.show()

# %% [markdown]
# Полоса — одна стандартная ошибка. Кривая пологая: от 50 до 500 качество почти одно. Пик кривой
# точно определить нельзя, и это не страшно. При малых $\lambda_2$ модель запоминает случайные
# совпадения, при больших веса сжаты так, что остаётся популярность.
#
# Сетка показывает форму кривой, но с другими моделями EASE сравнивают по общему правилу курса:
# каждой — одно и то же число попыток на валидационной части. Это **бюджет**, здесь двадцать. Точки
# выбирает случайно `tune`, и он же делает **оговорки**: например, что лучшая точка лежит у края
# диапазона. У популярного подбирать нечего. Третью модель, EDLAE, разберём в последнем углублении.


# %%
def search(part, budget, seed):
    """Подбор каждой модели урока с одним бюджетом на валидационной части."""
    edlae_space = {**EASE_SPACE, "dropout": uniform(0, 0.9)}
    found = [
        tune("EASE", models.EASE, EASE_SPACE, part, "NDCG@10", budget, seed),
        tune("EDLAE", models.EDLAE, edlae_space, part, "NDCG@10", budget, seed),
        tune("Популярное", Popularity, {}, part, "NDCG@10", budget, seed),
    ]
    return {one.model: one.record() for one in found}


stored = stored_result(
    "04_ease.search", search, data={"part": validation}, params={"budget": 20, "seed": 0}
)
searches = {name: Search(**record) for name, record in stored.items()}
print(searches["EASE"].table().head(5).to_string(index=False))
best_l2 = searches["EASE"].params["l2"]
print("выбранный штраф:", best_l2)

# %% [markdown]
# Пять лучших попыток отличаются меньше чем на стандартную ошибку, как и обещала пологая кривая.
# Дальше в уроке $\lambda_2$ — тот, что выбран здесь.
#
# ### Тест
#
# Фиксируем $\lambda_2$, обучаем на обучающей и валидационной частях вместе, тестируем один раз.

# %%
ease = EASE(l2=best_l2).fit(test.train)
popular = Popularity().fit(test.train)
result = {
    "Популярное": evaluate(popular.score, test.test, test.seen),
    "EASE": evaluate(ease.score, test.test, test.seen),
}
print(summary_table(result).to_string())

# %%
fig, ax = plt.subplots(figsize=(7, 1.9))
plots.models(ax, result, "NDCG@10")
ax.set_title("Тестовая часть MovieLens-100K")
plt.show()

# %% [markdown]
# В таблице — среднее ± стандартная ошибка по 938 зрителям, на рисунке — 95 % интервалы.
#
# Три четверти оценок MovieLens поставлены в ту же секунду, что и другая оценка того же зрителя.
# Порядок внутри совпадений времени мы выбираем зерном генератора. Повторим опыт с пятью зёрнами.
# Чтобы не ждать, значение хранится рядом с уроком.


# %%
def over_tie_seeds(ratings, chosen, n_seeds):
    """Среднее, ошибка по зрителям и разброс по зёрнам у каждой модели, разность EASE с нею."""

    def contest(seed):
        split = board_a(ratings, seed)[1]
        rivals = {
            "Популярное": Popularity(),
            "EASE": models.EASE(**chosen["EASE"]),
            "EDLAE": models.EDLAE(**chosen["EDLAE"]),
        }
        trained = {name: model.fit(split.train) for name, model in rivals.items()}
        return {name: evaluate(m.score, split.test, split.seen) for name, m in trained.items()}

    return seeds_table(over_seeds(contest, n_seeds), "NDCG@10", versus="EASE")


chosen = {name: found.params for name, found in searches.items()}
tie_seeds = stored_result(
    "04_ease.tie_seeds",
    over_tie_seeds,
    data={"ratings": ratings},
    params={"chosen": chosen, "n_seeds": 5},
)
print(pd.DataFrame(tie_seeds).T.drop(index="EDLAE").to_string())

# %% [markdown]
# Столбец `sd` — разброс среднего по зёрнам. Он в несколько раз меньше стандартной ошибки по
# зрителям `se`: порядок внутри совпадений на вывод не влияет. Столбцы `diff` и `diff_se` — парная
# разность «EASE минус модель строки» и её ошибка.
#
# Можно ли сказать, кто лучше? В этом курсе такую фразу пишут только после проверки: бюджеты равны,
# на каждую оговорку подбора есть ответ, разность известна вместе с ошибкой.


# %%
def difference(name):
    """Сохранённая парная разность «EASE минус модель» и её ошибка."""
    return tie_seeds[name]["diff"], tie_seeds[name]["diff_se"]


check_fair("EASE", "Популярное", searches, difference("Популярное"))
mean, se = difference("Популярное")
check_true("разность больше двух своих ошибок", mean > 2 * se)

# %% [markdown]
# EASE вдвое лучше популярного: парная разность больше десяти своих ошибок.
#
# ### Почему именно эти фильмы
#
# Балл фильма $i$ — сумма весов $B_{ji}$ по фильмам $j$ из истории. Каждое слагаемое видно отдельно:
# положительное тянет фильм вверх, отрицательное — вниз.


# %%
def reasons(B, liked, item, n=3):
    """Вклады фильмов истории в балл ``item``: самые большие и самые малые."""
    parts = pd.Series(B[liked, item], index=films[liked]).sort_values(kind="stable")
    return parts.iloc[::-1].head(n), parts[parts < 0].head(n)


for item in recommend(ease.score, [viewer], test.seen, k=3)[0]:
    pulled, pushed = reasons(ease.B_, liked, item)
    print(f"\n{films[item]}, балл {ease.B_[liked, item].sum():.3f}")
    for film, weight in pd.concat([pulled, pushed]).items():
        print(f"   {weight:+.3f}  {film}")

# %% [markdown]
# Со знаком «+» — фильмы, которые подняли совет, со знаком «−» — те, что его опустили. Объяснение
# точное: это не догадка поверх модели, а сама модель, разложенная на слагаемые.

# %% [markdown]
# ## Рычаги
#
# Рычаг один — $\lambda_2$. Посмотрим, что он меняет, кроме метрики: насколько популярны советуемые
# фильмы.

# %%
counts = np.diff(validation.train.tocsc().indptr)
of_lists = [mean_popularity(e.recommended, counts, 10) for e in tuning]
top_lists = recommend(Popularity().fit(validation.train).score, tuning[0].users, validation.seen)

fig, ax = plt.subplots()
plots.curve(ax, grid, of_lists)
ax.axhline(mean_popularity(top_lists, counts, 10), color="0.4", linestyle=":")
ax.set(xscale="log", xlabel=r"$\lambda_2$", ylabel="зрителей у фильма")
ax.set_title("Популярность советов")
plt.show()

# %% [markdown]
# Чем больше $\lambda_2$, тем популярнее советы; пунктир вверху — тот же показатель у списков самого
# популярного. Предел можно вывести: при $\lambda_2\to\infty$ обратная матрица близка к
# $E/\lambda_2-G/\lambda_2^2$, и $\lambda_2B$ стремится к $G$ с нулевой диагональю. Балл становится
# числом совместных просмотров, а оно больше у популярных.

# %%
huge = 1e9
off_diagonal = full - np.diag(np.diag(full))
check_close("предел больших штрафов", huge * EASE(l2=huge).fit(X).B_, off_diagonal, 0.01)


def show_list(power=2.2):
    """Список нашего зрителя при ``l2 = 10 ** power``."""
    model = EASE(l2=10**power).fit(test.train)
    print(*films[recommend(model.score, [viewer], test.seen, k=5)[0]], sep="\n")


plots.live(show_list, {"power": "lg λ₂"}, power=(0.0, 4.5, 0.5))

# %% [markdown]
# В JupyterLab под ячейкой есть ползунок: показатель степени десяти для $\lambda_2$. **Предскажите,
# затем подвиньте**: какие фильмы останутся, когда ползунок у правого края? Ответ — в выводе предела
# выше: балл подходит к числу совместных просмотров, и наверх выходит самое популярное.

# %% [markdown]
# ## Типичные ошибки
#
# ### Ошибка 1. Обнулить диагональ у решения без ограничения
#
# Частая запись: обратить матрицу, умножить на $G$, стереть диагональ. Ограничение как будто
# соблюдено. Но это решение другой задачи.


# %%
def unconstrained_weights(G, l2):
    """ОШИБКА: гребневая регрессия без ограничения, диагональ стёрта после."""
    B = linalg.inv(G + l2 * np.eye(len(G)), assume_a="pos") @ G
    np.fill_diagonal(B, 0)
    return B


B_wrong = unconstrained_weights(G_toy, l2=1)
print(f"целевая функция: верно {objective(X_toy.toarray(), B_toy, 1):.4f},", end=" ")
print(f"с ошибкой {objective(X_toy.toarray(), B_wrong, 1):.4f}")
residual_wrong = X_toy.T @ (X_toy.toarray() - X_toy @ B_wrong) - B_wrong
worst = abs(residual_wrong - np.diag(np.diag(residual_wrong))).max()
print(f"наибольшая невязка вне диагонали: {worst:.2f}")

# %% [markdown]
# Целевая функция хуже, условия оптимальности нарушены. Что же получилось? Поскольку
# $HG=E-\lambda_2H$, вне диагонали стоит
#
# $$
# B^{\text{ошибка}}_{ij}=-\lambda_2H_{ij}=\lambda_2H_{jj}\,B_{ij} .
# $$
#
# Это EASE, у которой столбец каждого фильма умножен на $\lambda_2H_{jj}$ — число больше 0 и не
# больше 1. Как правило, чем фильм популярнее, тем оно меньше: в модель попал скрытый штраф за
# популярность.

# %%
H = linalg.inv(full + best_l2 * np.eye(len(full)), assume_a="pos")
factor = best_l2 * np.diag(H)
check_close("ошибка = EASE × штраф", unconstrained_weights(full, best_l2), ease.B_ * factor)
check_true("ошибочная матрица симметрична", np.allclose(B_wrong, B_wrong.T))
print(f"множитель самого популярного фильма {factor[top[0]]:.3f}, самый большой {factor.max():.3f}")

# %% [markdown]
# Симметрия — быстрый признак: у ошибочной матрицы она есть, у EASE её нет.
#
# **Предскажите, затем запустите**: насколько упадёт NDCG@10?

# %%
G_fit = (validation.train.T @ validation.train).toarray()
wrong_grid = [1, *grid]


def evaluate_weights(B):
    """Оценка весов на валидационной части."""
    return evaluate(lambda users: validation.train[users] @ B, validation.test, validation.seen)


right_curve = [evaluate_weights(EASE(l2=l2).fit(validation.train).B_) for l2 in wrong_grid]
wrong_curve = [evaluate_weights(unconstrained_weights(G_fit, l2)) for l2 in wrong_grid]
table = pd.DataFrame(
    {
        "EASE": [e["NDCG@10"] for e in right_curve],
        "с ошибкой": [e["NDCG@10"] for e in wrong_curve],
    },
    index=wrong_grid,
)
print(table.round(3).T.to_string())

# %%
fig, ax = plt.subplots()
plots.curve(ax, wrong_grid, table["EASE"], label="EASE")
plots.curve(ax, wrong_grid, table["с ошибкой"], label="с ошибкой", line=1)
ax.set(xscale="log", xlabel=r"$\lambda_2$", ylabel="NDCG@10, валидация", title="Когда ошибка видна")
ax.set_ylim(0, None)
ax.legend()
plt.show()

# %% [markdown]
# При малых $\lambda_2$ ошибка рушит модель: слева штриховая линия уходит вниз, при $\lambda_2=1$ у
# ошибочной модели 0,029 против 0,126. А там, где $\lambda_2$ подобран, линии сходятся, и ошибочная
# даже чуть выше. Настроим каждую по валидации и сравним на тестовой части, на одних и тех же
# зрителях.

# %%
wrong_l2 = table["с ошибкой"].idxmax()
wrong_final = unconstrained_weights(full, wrong_l2)
mistaken = evaluate(lambda users: test.train[users] @ wrong_final, test.test, test.seen)
print(f"с ошибкой, штраф {wrong_l2}: NDCG@10 {mistaken['NDCG@10']:.4f}")
print(compare(mistaken, result["EASE"], "NDCG@10"))

# %% [markdown]
# Метрика ошибку не выдаёт: 95 % интервал разности включает ноль. Скрытый штраф за популярность на
# этих данных не вредит. Но это уже не та модель, о которой написано в статье: её $\lambda_2$
# означает другое, а при малых штрафах она разваливается. Если штраф за популярность полезен, его
# вводят явно и настраивают отдельно.
#
# **Вывод:** проверяйте математику — невязку, ограничение, тождество, — а не только метрику.

# %% [markdown]
# ### Ошибка 2. Убрать отрицательные веса
#
# «Сходство не бывает отрицательным» — и веса меньше нуля заменяют нулями. Но $B$ — не сходство, а
# коэффициенты регрессии: отрицательный вес означает «при прочих равных этот фильм говорит против».

# %%
clipped = np.maximum(ease.B_, 0)
no_negative = evaluate(lambda users: test.train[users] @ clipped, test.test, test.seen)
watched = np.flatnonzero(np.diff(test.train.tocsc().indptr))
weights = ease.B_[np.ix_(watched, watched)][~np.eye(len(watched), dtype=bool)]
print(f"фильмов со зрителями: {len(watched)} из {n_films}")
print(f"доля отрицательных весов между ними: {(weights < 0).mean():.2f}")
check_better("с отрицательными лучше", result["EASE"], no_negative, "NDCG@10")

# %% [markdown]
# Считаем веса только между фильмами, у которых есть зрители: у прочих все веса — точные нули.
# Отрицательны больше половины, и без них NDCG@10 падает значимо. Если неотрицательность нужна
# ради объяснений, её вносят в задачу как ограничение, а не обрезают готовый ответ: так устроен
# SLIM (урок 05). В библиотеке cornac 3.0.1 обрезание включено по умолчанию: `posB=True`.

# %% [markdown] tags=["deep"]
# ### Углубление. Ошибка 3: делить строки, а не столбцы
#
# $-H_{ij}/H_{ii}$ вместо $-H_{ij}/H_{jj}$: в numpy это одно `[:, None]`. Матрица получается
# транспонированной $B$. Ограничение соблюдено, отрицательные веса на месте, но условия
# оптимальности нарушены.

# %% tags=["deep"]
by_rows = ease.B_.T
row_residual = off_diagonal - (full @ by_rows - np.diag(np.diag(full @ by_rows)))
row_residual -= best_l2 * by_rows
print(f"наибольшая невязка вне диагонали: {abs(row_residual).max():.1f}")
transposed = evaluate(lambda users: test.train[users] @ by_rows, test.test, test.seen)
print(compare(result["EASE"], transposed, "NDCG@10"))

# %% [markdown] tags=["deep"]
# Невязка огромна, а разность метрики в пределах шума: эту ошибку метрика не видит вовсе.

# %% [markdown]
# ## Цена
#
# | что | операций | память |
# |---|---|---|
# | матрица Грама | $\tfrac12I\sum_u\lvert I_u\rvert$ | $I^2$ чисел |
# | обращение | $I^3$ | ещё одна матрица $I\times I$ |
# | баллы пользователя | $\lvert I_u\rvert\cdot I$ | $I$ чисел |
#
# От числа пользователей обращение не зависит: миллион зрителей при тысяче фильмов — лёгкий случай.
# Предел ставит каталог.

# %%
for n in (n_films, 10_000, 100_000):
    print(f"{n:>7} объектов: матрица float64 {8 * n**2 / 1e9:6.2f} ГБ, действий {n**3:.0e}")

# %% [markdown]
# Десять тысяч объектов — посильно обычному компьютеру, сто тысяч — уже нет: нужны две таких
# матрицы. `dtype=np.float32` берёт вдвое меньше памяти (погрешность весов не больше 1e-6 на наших
# данных — это проверяют тесты). Когда мало и этого, оставляют в каталоге частые объекты или берут
# [iALS](03_ials.ipynb): там память растёт с числом объектов, а не с его квадратом. SLIM (урок 05)
# не поможет: готовая модель у неё мала, но учится она на той же плотной $G$. Разреженное
# приближение самой EASE для больших каталогов — SANSA (Spišák и др., RecSys 2023). Время рядом с
# библиотеками измеряет `python -m benchmarks`.

# %% [markdown] tags=["deep"]
# ### Углубление. Что было потом
#
# Через год автор EASE заметил: запрета на диагонали мало (H. Steck, «Autoencoders that don't
# Overfit towards the Identity», NeurIPS 2020). Фильмы, похожие на $j$ почти во всём, предсказывают
# его так же легко, как он сам себя. Лекарство взято у нейронных сетей — **прореживание** (dropout):
# на входе каждую единицу истории с вероятностью $p$ стирают, оставшиеся делят на $1-p$, а
# предсказывать надо полную историю. Модель назвали EDLAE.
#
# Стирать ничего не нужно: среднее по всем маскам считается на бумаге. Вход ячейки — случайная
# величина со средним $x_{ui}$ и дисперсией $\tfrac{p}{1-p}x_{ui}^2$, поэтому к ошибке столбца
# добавляется дисперсия суммы:
#
# $$
# \mathbb E\,\lVert x_{\cdot j}-\tilde Xb\rVert^2
# =\lVert x_{\cdot j}-Xb\rVert^2+\tfrac{p}{1-p}\sum_iG_{ii}b_i^2 .
# $$
#
# Это штраф L2, свой у каждого фильма: чем больше зрителей, тем он сильнее. Значит, решение то же,
# что у EASE, только к диагонали матрицы Грама прибавлено ещё и $\tfrac{p}{1-p}G_{ii}$.


# %% tags=["model", "deep"]
class EDLAE(EASE):
    """EASE с прореживанием входа, усреднённым по всем маскам (Steck, NeurIPS 2020).

    :param l2: штраф L2 ($\\lambda_2$), больше нуля
    :param dropout: доля стираемого $p$, от 0 до 0,99; при 0 это EASE
    :param dtype: тип чисел
    """

    def __init__(self, l2=100.0, dropout=0.5, dtype=np.float64):
        super().__init__(l2, dtype)
        self.dropout = dropout

    def weights(self, G, l2):
        """Веса по матрице Грама: штраф у каждого объекта свой."""
        share = inputs.check_number("dropout", self.dropout, 0, 0.99)
        return ease_weights(G, l2 + share / (1 - share) * np.diag(G))


# %% [markdown] tags=["deep"]
# **Проверка.** В игрушечном примере восемь единиц, то есть $2^8$ масок: среднюю ошибку можно
# посчитать честно, по всем маскам с их вероятностями. Сверим её с формулой, а веса — с условиями
# оптимальности, где вместо $\lambda_2$ стоит свой штраф каждого фильма. При $p=0$ должен получиться
# EASE.


# %% tags=["deep"]
def masked_error(X, B, p):
    """Средняя ошибка ``X − X̃B`` по всем маскам единиц ``X``."""
    ones, total = np.argwhere(X), 0.0
    for kept in product([0, 1], repeat=len(ones)):
        noisy = X.copy()
        noisy[tuple(ones.T)] = np.array(kept) / (1 - p)
        probability = np.prod(np.where(kept, 1 - p, p))
        total += probability * ((X - noisy @ B) ** 2).sum()
    return total


p, dense = 0.3, X_toy.toarray()
by_formula = ((dense - dense @ B_toy) ** 2).sum() + p / (1 - p) * np.diag(G_toy) @ (B_toy**2).sum(1)
check_close("ошибка по всем 256 маскам", masked_error(dense, B_toy, p), by_formula, 1e-12)

edlae = models.EDLAE(**chosen["EDLAE"]).fit(test.train)
own = edlae.l2 + edlae.dropout / (1 - edlae.dropout) * np.diag(full)
left = full - full @ edlae.B_ - own[:, None] * edlae.B_
check_close("условия оптимальности EDLAE", left - np.diag(np.diag(left)), 0 * full, 1e-9)
check_close("без прореживания это EASE", models.EDLAE(best_l2, 0.0).fit(X).B_, ease.B_)

# %% tags=["deep"]
print(pd.DataFrame(tie_seeds).T.loc[["EASE", "EDLAE"]].to_string())
check_fair("EASE", "EDLAE", searches, difference("EDLAE"))

# %% [markdown] tags=["deep"]
# EASE и EDLAE на этих данных неразличимы: разность 0,0007 при ошибке 0,0013, бюджет у обеих
# двадцать попыток. На валидации прореживание около половины оказалось лучшим из опробованного. Цена
# прежняя: одно обращение, одним гиперпараметром больше.

# %% [markdown]
# ## Проверьте себя
#
# **1.** Почему без условия $\operatorname{diag}(B)=0$ и со штрафом, близким к нулю, модель
# бесполезна?
#
# <details><summary>Ответ</summary>
#
# Столбец лучше всего предсказывает он сам: $XB\to X$. Балл повторяет историю, и среди
# непросмотренного порядка нет.
#
# </details>
#
# **2.** Два фильма часто смотрят вместе, а вес между ними близок к нулю. Ошибка ли это?
#
# <details><summary>Ответ</summary>
#
# Нет. Вес показывает, что фильм добавляет к остальным. Общие просмотры могли объясниться третьим
# фильмом, как «Началом» в примере с Геной.
#
# </details>
#
# **3.** Данных стало вчетверо больше, состав тот же. Что делать с $\lambda_2$?
#
# <details><summary>Ответ</summary>
#
# Подобрать заново. Если каждый пользователь просто повторён четырежды, то же решение даёт вчетверо
# больший штраф: это свойство мы проверяли в «Сверке». Но новые пользователи не повторяют старых,
# случайных совпадений становится меньше, и насколько вырастет лучший штраф, заранее не известно.
# Поэтому значения из статей нельзя переносить между наборами данных.
#
# </details>
#
# **4.** Балл EASE оказался больше единицы. Можно ли читать баллы как вероятности просмотра?
#
# <details><summary>Ответ</summary>
#
# Нет: балл бывает и отрицательным, и больше единицы. Смысл имеет только порядок баллов.
#
# </details>
#
# ### Попробуйте сами 1. Один столбец как регрессия
#
# Верните столбец $j$ матрицы $B$, решив систему без строки и столбца $j$, как мы решали для
# «Начала». Вход: $G$, номер $j$, $\lambda_2$. Выход: вектор длины $I$ с нулём на месте $j$.

# %%
column_cases = [
    (
        (G_toy, 1, 1.0),
        [4 / 11, 0, 6 / 11],
        "уберите строку и столбец j из G и прибавьте l2 к диагонали остатка; справа — столбец j",
    ),
    ((G_toy, 0, 1.0), [0, 1 / 2, 0], "на месте j — ноль, остальные веса — на своих местах"),
    ((full[:50, :50], 7, 150.0), EASE(150.0).fit(X[:, :50]).B_[:, 7], "не забыт ли штраф l2?"),
]


# %% tags=["task"]
def column_weights(G, j, l2):
    """Столбец j весов EASE."""
    return None  # ваш код


check_task("Задание 1", column_weights, column_cases)


# %% tags=["answer"]
def column_weights_answer(G, j, l2):
    others = np.delete(np.arange(len(G)), j)
    left = G[np.ix_(others, others)] + l2 * np.eye(len(others))
    column = np.zeros(len(G))
    column[others] = np.linalg.solve(left, G[others, j])
    return column


check_task("Ответ к заданию 1", column_weights_answer, column_cases)

# %% [markdown]
# После первой попытки вывод ячейки скажет, что не так. Верный ответ свёрнут в следующей ячейке.
#
# ### Попробуйте сами 2. Исправьте чужую матрицу
#
# Коллега обучил модель с ошибкой 1 и прислал матрицу $B^{\text{ошибка}}$, матрицу Грама $G$ и
# $\lambda_2$. Верните из них верные веса EASE.

# %%
repair_cases = [
    ((B_wrong, G_toy, 1.0), B_hand, "вспомните тождество: столбец j умножен на l2 * H[j, j]"),
    (
        (unconstrained_weights(full[:60, :60], 80.0), full[:60, :60], 80.0),
        EASE(80.0).fit(X[:, :60]).B_,
        "делите столбцы, а не строки; H — обратная к G + l2 * E",
    ),
]


# %% tags=["task"]
def repair(B_mistaken, G, l2):
    """Верные веса EASE из ошибочных."""
    return None  # ваш код


check_task("Задание 2", repair, repair_cases)


# %% tags=["answer"]
def repair_answer(B_mistaken, G, l2):
    inverse = np.linalg.inv(G + l2 * np.eye(len(G)))
    return B_mistaken / (l2 * np.diag(inverse))


check_task("Ответ к заданию 2", repair_answer, repair_cases)

# %% [markdown]
# ## Итоги
#
# - EASE — гребневая регрессия каждого объекта на все прочие; ограничение на диагональ даёт решение
#   в явном виде: $B=E-H\operatorname{diag}(1/H_{jj})$.
# - Решение проверяют условиями оптимальности. Метрика пропускает грубые ошибки.
# - На MovieLens-100K EASE вдвое лучше популярного и объясняет каждую рекомендацию слагаемыми.
# - Предел — размер каталога: $I^3$ операций и $I^2$ памяти.
#
# **Что в статьях.** На пятизвёздочных оценках MovieLens-1M опубликовано Recall@20 = 0,3085 (Ferrari
# Dacrema и др., TOIS 2021, табл. 33), а класс этого урока там же в среднем по двадцати разбиениям
# даёт 0,3107 с разбросом 0,0035: команда — `benchmarks/five_star.py`. На MovieLens-20M с новыми
# пользователями — NDCG@100 = 0,420 (Steck, WWW 2019). Это другие данные и протоколы: с нашей
# таблицей их сравнивать нельзя.
#
# **Где метод проигрывает.** На больших разреженных каталогах графовые модели бывают лучше: на
# Gowalla в открытом сравнении BARS у EASE Recall@20 = 0,1765, у LightGCN — 0,1820
# ([BARS](https://openbenchmark.github.io/BARS/)). Порядок событий EASE не видит вовсе.
#
# **Дальше.** [05_slim](05_slim.ipynb) — та же задача с неотрицательными разреженными весами;
# [03_ials](03_ials.ipynb) — вместо матрицы весов скрытые факторы.
#
# **Источники.** H. Steck. Embarrassingly Shallow Autoencoders for Sparse Data. WWW 2019. H. Steck.
# Autoencoders that don't Overfit towards the Identity. NeurIPS 2020. M. Spišák, R. Bartyzal, A.
# Hoskovec, L. Peška, M. Tůma. Scalable Approximate NonSymmetric Autoencoder for Collaborative
# Filtering. RecSys 2023. M. Ferrari Dacrema, S. Boglio, P. Cremonesi, D. Jannach. A Troubling
# Analysis of Reproducibility and Progress in Recommender Systems Research. TOIS 2021.
