"""Классы из уроков. Файл написан командой python -m tools.stubs; руками его не правят."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import DTypeLike
from sklearn.base import BaseEstimator
from torch import nn

__all__ = [
    "EASE",
    "EDLAE",
    "GFCF",
    "IALS",
    "IALSCG",
    "SLIM",
    "TIFUKNN",
    "UPCF",
    "AttentionBlock",
    "BERT4Rec",
    "CausalEncoder",
    "FrequencyMix",
    "GPTopFreq",
    "ItemKNN",
    "LightGCN",
    "MultDAE",
    "MultiVAE",
    "Popularity",
    "RP3beta",
    "SASRec",
    "SeededDropout",
    "SequenceEncoder",
    "SignedSLIM",
    "SparseLinear",
    "VAENet",
]

_Int: TypeAlias = int | np.integer[Any]
_Float: TypeAlias = float | np.floating[Any] | np.integer[Any]
_Items: TypeAlias = Sequence[int] | np.ndarray
_Interactions: TypeAlias = sp.sparray | sp.spmatrix

class Popularity(BaseEstimator):
    """Популярное: балл объекта — число пользователей, которые с ним взаимодействовали.

    Баллы у всех пользователей одинаковы, гиперпараметров нет. Каждый пользователь считается один
    раз: вес взаимодействия и повторы роли не играют. Базовая модель TopPop (Cremonesi, Koren,
    Turrin, RecSys 2010).
    """

    n_users_: Any
    counts_: Any
    def fit(self, X: _Interactions) -> Self:
        """Посчитать пользователей каждого объекта; они лежат в ``counts_``, форма ``(n_items,)``.

        :param X: взаимодействия, разреженная матрица ``(n_users, n_items)``
        :raises TypeError: матрица не разреженная
        :raises ValueError: матрица пуста или испорчена, в ней есть ``nan``, бесконечность или
            отрицательные числа
        """
    def score(self, users: _Items) -> np.ndarray:
        """Баллы, форма ``(len(users), n_items)``: одна и та же строка для каждого из ``users``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: неизвестный пользователь
        """

class ItemKNN(BaseEstimator):
    """Соседи объектов (Deshpande, Karypis, TOIS 2004): косинус со сжатием и отсечением.

    :param k: сколько соседей оставить
    :param shrinkage: сжатие к нулю: слагаемое знаменателя косинуса, не меньше нуля
    :param weighting: веса взаимодействий: ``"cosine"`` — без весов, ``"tfidf"``, ``"bm25"``
    :param truncation: отсечение по источнику, ``"source"``, или по цели, ``"target"``
    :param dtype: тип чисел; в ``float32`` сходства, различные меньше чем на 1e-6, считаются равными
    """

    k: _Int
    shrinkage: _Float
    weighting: Literal["cosine", "tfidf", "bm25"]
    truncation: Literal["source", "target"]
    dtype: DTypeLike
    X_: sp.csr_array
    S_: Any
    def __init__(
        self,
        k: _Int = 100,
        shrinkage: _Float = 0,
        weighting: Literal["cosine", "tfidf", "bm25"] = "cosine",
        truncation: Literal["source", "target"] = "target",
        dtype: DTypeLike = float,
    ) -> None: ...
    def fit(self, X: _Interactions) -> Self:
        """Найти сходства ``S_`` (CSR, строка — источник) по CSR ``(n_users, n_items)``.

        :raises TypeError: матрица не разреженная
        :raises ValueError: матрица пуста или испорчена, числа в ней слишком велики, гиперпараметр
            неверен
        :raises MemoryError: квадрат каталога не помещается в память
        """
    def score(self, users: _Items) -> np.ndarray:
        """Баллы известных пользователей, форма ``(len(users), n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: неизвестный пользователь
        """
    def score_history(self, X_new: _Interactions) -> np.ndarray:
        """Баллы новых пользователей по их истории, форма ``(n_new, n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: матрица испорчена, в ней не тот каталог
        """

class RP3beta(BaseEstimator):
    """Блуждание из трёх шагов со штрафом за популярность (Paudel и др., TiiS 7(1), 2016).

    У взвешенных взаимодействий место числа зрителей занимает сумма столбца, а длины истории — сумма
    строки.

    :param k: сколько весов оставить у каждого источника
    :param alpha: степень вероятностей перехода, не меньше нуля
    :param beta: степень популярности цели, на которую делят вес, не меньше нуля
    """

    k: _Int
    alpha: _Float
    beta: _Float
    X_: sp.csr_array
    W_: Any
    def __init__(self, k: _Int = 400, alpha: _Float = 0.4, beta: _Float = 0.6) -> None: ...
    def fit(self, X: _Interactions) -> Self:
        """Найти веса ``W_`` (CSR, строка — источник) по CSR ``(n_users, n_items)``.

        :raises TypeError: матрица не разреженная
        :raises ValueError: матрица пуста или испорчена, числа в ней слишком велики, гиперпараметр
            неверен
        :raises MemoryError: квадрат каталога не помещается в память
        """
    def score(self, users: _Items) -> np.ndarray:
        """Баллы известных пользователей, форма ``(len(users), n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: неизвестный пользователь
        """
    def score_history(self, X_new: _Interactions) -> np.ndarray:
        """Баллы новых пользователей по их истории, форма ``(n_new, n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: матрица испорчена, в ней не тот каталог
        """

class TIFUKNN(BaseEstimator):
    r"""Следующая корзина: частота с затуханием и соседи (Hu и др., SIGIR 2020).

    Значения по умолчанию — опубликованные авторами для набора Ta-Feng.

    :param n_neighbors: число соседей $K$; если пользователей меньше, берутся все
    :param within_decay: затухание внутри группы $r_b$, от 0 до 1
    :param group_decay: затухание между группами $r_g$, от 0 до 1
    :param alpha: доля своей истории $\alpha$, от 0 до 1
    :param n_groups: число групп $m$
    :param variant: ``"paper"`` — формула статьи, ``"code"`` — как в коде авторов
    """

    n_neighbors: _Int
    within_decay: _Float
    group_decay: _Float
    alpha: _Float
    n_groups: _Int
    variant: Literal["paper", "code"]
    vectors_: Any
    row_: Any
    def __init__(
        self,
        n_neighbors: _Int = 300,
        within_decay: _Float = 0.9,
        group_decay: _Float = 0.7,
        alpha: _Float = 0.7,
        n_groups: _Int = 7,
        variant: Literal["paper", "code"] = "paper",
    ) -> None: ...
    def fit(self, baskets: Mapping[int, Sequence[_Items]], n_items: _Int) -> Self:
        """Посчитать векторы ``vectors_`` пользователей.

        :param baskets: словарь: пользователь → список корзин, старые первыми; корзина — номера
            объектов, повтор номера в корзине не считается
        :param n_items: сколько объектов в каталоге
        :raises TypeError: ``baskets`` не словарь
        :raises ValueError: плохие корзины или гиперпараметры, меньше двух пользователей,
            пользователь без покупок
        """
    def score(self, users: _Items) -> np.ndarray:
        """Баллы обученных пользователей, форма ``(len(users), n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: такого пользователя в обучении не было
        :raises MemoryError: таблица баллов не поместится в память
        """
    def score_history(self, baskets_new: Mapping[int, Sequence[_Items]]) -> np.ndarray:
        """Баллы новых пользователей в порядке словаря, форма ``(n_new, n_items)``."""

class FrequencyMix(TIFUKNN):
    r"""Смесь своего вектора привычек со средним по всем: TIFU-KNN без соседей.

    :param alpha: доля своей истории $\alpha$, от 0 до 1; при 1 — только своё
    :param within_decay: затухание внутри группы; значения по умолчанию — затухания нет
    :param group_decay: затухание между группами
    :param n_groups: число групп
    """
    def __init__(
        self,
        alpha: _Float = 0.9,
        within_decay: _Float = 1.0,
        group_decay: _Float = 1.0,
        n_groups: _Int = 1,
    ) -> None: ...

class GPTopFreq(FrequencyMix):
    """Сначала своё по частоте, равные и свободные места — по общей (Li и др., TOIS 2023)."""
    def __init__(self) -> None: ...

class UPCF(BaseEstimator):
    """Свои и чужие частоты последних корзин, похожие весят больше (Faggioli и др., UMAP 2020).

    :param recency: сколько последних корзин считать ($r$)
    :param asymmetry: показатель $a$, от 0 до 1: чья длина сильнее делит сходство, своя или чужая
    :param locality: степень сходства $q$: чем больше, тем меньше слышно непохожих
    """

    recency: _Int
    asymmetry: _Float
    locality: _Float
    row_: Any
    sets_: Any
    vectors_: Any
    def __init__(
        self, recency: _Int = 25, asymmetry: _Float = 0.5, locality: _Float = 10.0
    ) -> None: ...
    def fit(self, baskets: Mapping[int, Sequence[_Items]], n_items: _Int) -> Self:
        """Запомнить множества купленного ``sets_`` и частоты ``vectors_``.

        :raises TypeError: ``baskets`` не словарь
        :raises ValueError: плохие корзины или гиперпараметры, нет ни одного пользователя
        """
    def score(self, users: _Items) -> np.ndarray:
        """Баллы обученных пользователей, форма ``(len(users), n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: такого пользователя в обучении не было
        :raises MemoryError: таблица сходств не поместится в память
        """
    def score_history(self, baskets_new: Mapping[int, Sequence[_Items]]) -> np.ndarray:
        """Баллы новых пользователей в порядке словаря: сами себе они не соседи."""

class IALS(BaseEstimator):
    r"""Матричное разложение для неявной обратной связи (Hu и др., ICDM 2008; Rendle и др., 2022).

    :param n_factors: размерность векторов $d$
    :param regularization: штраф L2 ($\lambda_2$), больше нуля
    :param alpha0: вес ненаблюдавшегося ($\alpha_0$), больше нуля
    :param nu: степень частоты в штрафе ($\nu$): 0 — штраф общий, 1 — растёт с суммой весов
    :param n_sweeps: число проходов
    :param seed: зерно начальных векторов
    :param dtype: тип чисел; ``float32`` быстрее и вдвое экономит память
    """

    n_factors: _Int
    regularization: _Float
    alpha0: _Float
    nu: _Float
    n_sweeps: _Int
    seed: _Int
    dtype: DTypeLike
    P_: Any
    Q_: Any
    def __init__(
        self,
        n_factors: _Int = 96,
        regularization: _Float = 0.01,
        alpha0: _Float = 0.3,
        nu: _Float = 1,
        n_sweeps: _Int = 15,
        seed: _Int = 0,
        dtype: DTypeLike = float,
    ) -> None: ...
    def fit(self, X: _Interactions) -> Self:
        """Найти векторы ``P_`` ``(n_users, d)`` и ``Q_`` ``(n_items, d)``.

        :param X: взаимодействия, разреженная матрица ``(n_users, n_items)``; число — вес
        :raises TypeError: матрица не разреженная
        :raises ValueError: матрица пуста или испорчена, гиперпараметр вне границ, система вырождена
        :raises MemoryError: векторы не поместятся в память
        """
    def score(self, users: _Items) -> np.ndarray:
        """Баллы известных пользователей, форма ``(len(users), n_items)``."""
    def score_history(self, X_new: _Interactions) -> np.ndarray:
        """Баллы новых пользователей по их истории, форма ``(n_new, n_items)``."""

class IALSCG(IALS):
    """iALS, где системы решаются неточно, сопряжёнными градиентами; нужна библиотека numba.

    Вектор нового пользователя ищется точно. Гиперпараметры — как у :class:`IALS` и ещё два.

    :param n_steps: сколько шагов на строку
    :param n_threads: во сколько потоков
    """

    n_steps: _Int
    n_threads: _Int
    def __init__(
        self,
        n_factors: _Int = 96,
        regularization: _Float = 0.01,
        alpha0: _Float = 0.3,
        nu: _Float = 1,
        n_sweeps: _Int = 15,
        seed: _Int = 0,
        dtype: DTypeLike = float,
        n_steps: _Int = 3,
        n_threads: _Int = 1,
    ) -> None: ...
    def fit(self, X: _Interactions) -> Self:
        """То же, что у :class:`IALS`; векторы ``P_`` и ``Q_`` приближённые."""

class EASE(BaseEstimator):
    r"""Линейная модель «объект — объект» с решением в явном виде (Steck, WWW 2019).

    :param l2: штраф L2 ($\lambda_2$), больше нуля. Чем больше взаимодействий, тем больше нужен
    :param dtype: тип чисел; ``float32`` вдвое экономит память
    """

    l2: _Float
    dtype: DTypeLike
    X_: sp.csr_array
    B_: Any
    def __init__(self, l2: _Float = 150.0, dtype: DTypeLike = np.float64) -> None: ...
    def fit(self, X: _Interactions) -> Self:
        """Найти веса ``B_`` по матрице взаимодействий CSR ``(n_users, n_items)``.

        :raises TypeError: матрица не разреженная
        :raises ValueError: матрица пуста или испорчена, числа в ней слишком велики, ``l2`` не
            больше нуля или слишком мал
        :raises MemoryError: квадрат каталога не помещается в память
        """
    def weights(self, G: Any, l2: Any) -> Any:
        """Веса по матрице Грама."""
    def score(self, users: _Items) -> np.ndarray:
        """Баллы известных пользователей, форма ``(len(users), n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: неизвестный пользователь
        """
    def score_history(self, X_new: _Interactions) -> np.ndarray:
        """Баллы новых пользователей по их истории, форма ``(n_new, n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: матрица испорчена, в ней не тот каталог
        """

class EDLAE(EASE):
    r"""EASE с прореживанием входа, усреднённым по всем маскам (Steck, NeurIPS 2020).

    :param l2: штраф L2 ($\lambda_2$), больше нуля
    :param dropout: доля стираемого $p$, от 0 до 0,99; при 0 это EASE
    :param dtype: тип чисел
    """

    dropout: _Float
    def __init__(
        self, l2: _Float = 100.0, dropout: _Float = 0.5, dtype: DTypeLike = np.float64
    ) -> None: ...
    def weights(self, G: Any, l2: Any) -> Any:
        """Веса по матрице Грама: штраф у каждого объекта свой."""

class SLIM(BaseEstimator):
    r"""Разреженная неотрицательная линейная модель (Ning, Karypis, ICDM 2011).

    :param l1: штраф L1 ($\lambda_1$), не меньше нуля; в общих пользователях. Больше — меньше весов
    :param l2: штраф L2 ($\lambda_2$), не меньше нуля; тот же, что у EASE
    :param solver: ``"cd"`` — покоординатный спуск, ``"admm"`` — ADMM (Steck и др., WSDM 2020)
    :param max_iter: наибольшее число проходов
    :param tol: наибольшее изменение веса за проход, при котором столбец готов
    :param dtype: тип чисел; ``float32`` вдвое экономит память
    """

    l1: _Float
    l2: _Float
    solver: Literal["cd", "admm"]
    max_iter: _Int
    tol: _Float
    dtype: DTypeLike
    X_: sp.csr_array
    B_: Any
    n_iter_: Any
    def __init__(
        self,
        l1: _Float = 2.0,
        l2: _Float = 100.0,
        solver: Literal["cd", "admm"] = "cd",
        max_iter: _Int = 100,
        tol: _Float = 0.0001,
        dtype: DTypeLike = np.float64,
    ) -> None: ...
    def fit(self, X: _Interactions) -> Self:
        """Найти веса ``B_`` (CSR) по матрице взаимодействий CSR ``(n_users, n_items)``.

        :raises TypeError: матрица не разреженная
        :raises ValueError: матрица пуста или испорчена, числа в ней слишком велики, гиперпараметр
            вне границ
        :raises MemoryError: квадрат каталога не помещается в память
        """
    def solve(self, *problem: Any, threshold: Any = ...) -> Any:
        """Веса выбранным решателем."""
    def score(self, users: _Items) -> np.ndarray:
        """Баллы известных пользователей, форма ``(len(users), n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: неизвестный пользователь
        """
    def score_history(self, X_new: _Interactions) -> np.ndarray:
        """Баллы новых пользователей по их истории, форма ``(n_new, n_items)``.

        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: матрица испорчена, в ней не тот каталог
        """

class SignedSLIM(SLIM):
    """SLIM без запрета отрицательных весов: разреженная EASE.

    Задача столбца — эластичная сеть (Zou, Hastie, 2005). Гиперпараметры те же, что у ``SLIM``.
    """
    def solve(self, *problem: Any, threshold: Any = ...) -> Any:
        """Веса выбранным решателем, порог двусторонний."""

class SparseLinear(nn.Module):
    """Слой ``x @ weight + bias``: складывает строки ``weight`` там, где ``x`` не ноль.

    :param n_in: ширина входа
    :param n_out: ширина выхода
    """
    def __init__(self, n_in: Any, n_out: Any) -> None: ...
    def forward(self, x: Any) -> Any:
        """Выход слоя: ``(batch, n_in)`` → ``(batch, n_out)``."""

class VAENet(nn.Module):
    """Кодировщик «объекты → hidden → 2 · latent» и декодировщик «latent → hidden → объекты».

    :param n_items: число объектов
    :param hidden: ширина скрытых слоёв
    :param latent: размерность $z$
    :param dropout: какая доля истории стирается при обучении
    :param generator: источник начальных весов, ``torch.Generator``
    """

    dropout: _Float
    def __init__(
        self, n_items: _Int, hidden: _Int, latent: _Int, dropout: _Float, generator: Any
    ) -> None: ...
    def encode(self, x: Any, generator: Any = None) -> Any:
        """Средние и логарифмы дисперсий, обе формы ``(batch, latent)``."""
    def decode(self, z: Any) -> Any:
        """Выходы до softmax: ``(batch, latent)`` → ``(batch, n_items)``."""
    def forward(self, x: Any, generator: Any = None) -> Any:
        """``(logits, mu, log_var)``; без ``generator`` случайности нет: ``z = mu``."""

class MultiVAE(BaseEstimator):
    r"""Вариационный автокодировщик с мультиномиальным правдоподобием (Liang и др., WWW 2018).

    После обучения ``losses_`` — средние потери эпох, ``curve_`` — пары «эпоха, число
    ``validation``», ``best_epoch_`` — эпоха, чьи веса остались.

    :param hidden: ширина скрытых слоёв
    :param latent: размерность скрытого вектора $z$
    :param dropout: доля истории, стираемая на входе при обучении
    :param beta_cap: потолок веса $\beta$ расхождения Кульбака — Лейблера
    :param anneal_steps: за сколько обновлений $\beta$ дошёл бы до 1; 0 — потолок с начала
    :param epochs: число эпох, с ранней остановкой — наибольшее
    :param batch_size: пользователей в пакете
    :param lr: темп обучения Adam
    :param seed: зерно генератора
    :param device: где считать: ``"cpu"``, ``"cuda"``
    :param validate_every: раз во сколько эпох звать ``validation``
    :param patience: сколько эпох без улучшения ждёт ранняя остановка
    :param dtype: тип чисел; с ``float32`` быстрее, но последние цифры зависят от процессора
    """

    hidden: _Int
    latent: _Int
    dropout: _Float
    beta_cap: _Float
    anneal_steps: _Int
    epochs: _Int
    batch_size: _Int
    lr: _Float
    seed: _Int
    device: str | torch.device
    validate_every: _Int
    patience: _Int
    dtype: DTypeLike
    n_updates_: Any
    X_: sp.csr_array
    net_: Any
    losses_: list[float]
    curve_: list[tuple[int, float]]
    best_epoch_: int
    def __init__(
        self,
        hidden: _Int = 600,
        latent: _Int = 200,
        dropout: _Float = 0.5,
        beta_cap: _Float = 0.2,
        anneal_steps: _Int = 2000,
        epochs: _Int = 25,
        batch_size: _Int = 50,
        lr: _Float = 0.001,
        seed: _Int = 0,
        device: str | torch.device = "cpu",
        validate_every: _Int = 1,
        patience: _Int = 10,
        dtype: DTypeLike = np.float64,
    ) -> None: ...
    def reconstruction(self, logits: Any, x: Any) -> Any:
        """Первое слагаемое функции потерь, форма ``(batch,)``."""
    def batch_loss(self, x: Any, generator: Any) -> Any:
        """Функция потерь пакета историй ``x`` формы ``(batch, n_items)``: число."""
    def train_epoch(self, optimizer: Any, generator: Any) -> Any:
        """Каждый пользователь с историей один раз, в случайном порядке; средняя потеря."""
    def fit(self, X: _Interactions, validation: Callable[[Self], float] | None = None) -> Self:
        """Обучить по матрице взаимодействий CSR ``(n_users, n_items)``.

        :param validation: функция от модели; чем больше её число, тем лучше. С нею обучение
            останавливается рано, веса берутся из лучшей эпохи
        :raises TypeError: матрица не разреженная
        :raises ValueError: матрица или гиперпараметр не годятся, ``validation`` вернула не число
        :raises MemoryError: сеть не поместится в память
        :raises FloatingPointError: функция потерь перестала быть числом
        """
    def score(self, users: _Items) -> np.ndarray:
        """Баллы известных пользователей, форма ``(len(users), n_items)``."""
    def score_history(self, X_new: _Interactions) -> np.ndarray:
        """Баллы новых пользователей по их истории, форма ``(n_new, n_items)``."""

class MultDAE(MultiVAE):
    r"""Шумоподавляющий автокодировщик: нет ни случайной точки, ни KL (Liang и др., WWW 2018).

    :param hidden: ширина скрытых слоёв
    :param latent: размерность скрытого вектора $z$
    :param dropout: доля истории, стираемая на входе при обучении
    :param l2: штраф $\lambda_2$ на сумму квадратов весов, без сдвигов
    :param epochs: число эпох, с ранней остановкой — наибольшее

    Остальное — как у :class:`MultiVAE`.
    """

    l2: _Float
    def __init__(
        self,
        hidden: _Int = 600,
        latent: _Int = 200,
        dropout: _Float = 0.5,
        l2: _Float = 2e-05,
        epochs: _Int = 25,
        batch_size: _Int = 50,
        lr: _Float = 0.001,
        seed: _Int = 0,
        device: str | torch.device = "cpu",
        validate_every: _Int = 1,
        patience: _Int = 10,
        dtype: DTypeLike = np.float64,
    ) -> None: ...
    def batch_loss(self, x: Any, generator: Any) -> Any:
        """Функция потерь пакета историй ``x`` формы ``(batch, n_items)``: число."""

class LightGCN(BaseEstimator):
    r"""Матричное разложение, сглаженное по графу взаимодействий (He и др., SIGIR 2020).

    Вес взаимодействия роли не играет. У пользователя без взаимодействий все баллы равны нулю.
    Эпоха — один проход по всем взаимодействиям, обучает Adam. В подклассе можно заменить
    ``graph``, ``embed``, ``optimizer``, ``negatives``.

    :param n_factors: размерность представлений $d$
    :param n_layers: число слоёв $L$; 0 — матричное разложение с попарной функцией потерь
    :param l2: штраф L2 ($\lambda_2$) на строки слоя 0, попавшие в пакет
    :param lr: темп обучения
    :param epochs: наибольшее число эпох
    :param batch_size: троек в пакете
    :param seed: зерно начальных представлений, порядка троек и отрицательных примеров
    :param device: ``"cpu"`` или ``"cuda"``
    :param dtype: ``np.float64`` или ``np.float32``
    :param validate_every: раз во сколько эпох звать ``validation``
    :param patience: сколько эпох ждать улучшения
    """

    n_factors: _Int
    n_layers: _Int
    l2: _Float
    lr: _Float
    epochs: _Int
    batch_size: _Int
    seed: _Int
    device: str | torch.device
    dtype: DTypeLike
    validate_every: _Int
    patience: _Int
    X_: sp.csr_array
    A_: Any
    losses_: list[float]
    curve_: list[tuple[int, float]]
    best_epoch_: int
    Z0_: Any
    P_: Any
    Q_: Any
    def __init__(
        self,
        n_factors: _Int = 64,
        n_layers: _Int = 3,
        l2: _Float = 0.001,
        lr: _Float = 0.02,
        epochs: _Int = 70,
        batch_size: _Int = 4096,
        seed: _Int = 0,
        device: str | torch.device = "cpu",
        dtype: DTypeLike = np.float64,
        validate_every: _Int = 5,
        patience: _Int = 30,
    ) -> None: ...
    def graph(self, X: _Interactions) -> Any:
        """Матрица, на которую умножает слой."""
    def embed(self, A: Any, Z0: Any) -> Any:
        """Готовые представления из слоя 0."""
    def optimizer(self, Z0: Any) -> Any:
        """Способ обучения слоя 0."""
    def negatives(self, users: _Items, rng: Any) -> Any:
        """Отрицательные примеры для пользователей, форма ``(len(users),)``."""
    def batch_loss(self, A: Any, Z0: Any, batch: Any) -> Any:
        """Целевая функция пакета троек узлов ``batch`` формы ``(3, n)``: число."""
    def train_epoch(self, A: Any, Z0: Any, optimizer: Any, pairs: Any, rng: Any) -> Any:
        """Каждая пара один раз, к каждой — новый отрицательный пример; средняя потеря."""
    def fit(self, X: _Interactions, validation: Callable[[Self], float] | None = None) -> Self:
        """Обучить представления по матрице взаимодействий CSR ``(n_users, n_items)``.

        После обучения ``P_`` ``(n_users, d)`` и ``Q_`` ``(n_items, d)`` — готовые представления,
        ``Z0_`` — слой 0 всех узлов, ``A_`` — граф, ``losses_`` — средние потери эпох, ``curve_`` —
        пары «эпоха, число ``validation``», ``best_epoch_`` — эпоха, чьи представления остались.

        :param validation: функция от модели; чем больше её число, тем лучше. С нею обучение
            останавливается рано, представления берутся из лучшей эпохи
        :raises TypeError: матрица не разреженная
        :raises ValueError: матрица или гиперпараметр не годятся, отрицательных примеров нет,
            ``validation`` вернула не число
        :raises MemoryError: представления не поместятся в память
        :raises FloatingPointError: потеря или представления перестали быть числами
        """
    def score(self, users: _Items) -> np.ndarray:
        """Баллы известных пользователей, форма ``(len(users), n_items)``."""

class GFCF(BaseEstimator):
    r"""Фильтр нижних частот на графе фильмов, без обучения (Shen и др., CIKM 2021).

    Вес взаимодействия роли не играет.

    :param n_factors: сколько старших сингулярных векторов составляют низкие частоты ($d$); больше,
        чем объектов, их не бывает
    :param low_pass: вес низких частот ($\gamma$); при 0 остаётся одно сходство через зрителей
    """

    n_factors: _Int
    low_pass: _Float
    X_: sp.csr_array
    B_: Any
    def __init__(self, n_factors: _Int = 128, low_pass: _Float = 0.3) -> None: ...
    def fit(self, X: _Interactions) -> Self:
        """Найти веса ``B_`` по матрице взаимодействий CSR ``(n_users, n_items)``.

        :raises TypeError: матрица не разреженная
        :raises ValueError: матрица или гиперпараметр не годятся
        :raises MemoryError: квадрат каталога не помещается в память
        """
    def score(self, users: _Items) -> np.ndarray:
        """Баллы известных пользователей, форма ``(len(users), n_items)``."""
    def score_history(self, X_new: _Interactions) -> np.ndarray:
        """Баллы новых пользователей по их истории, форма ``(n_new, n_items)``."""

class SeededDropout(nn.Module):
    """Прореживание, которое берёт случайные числа из своего генератора.

    :param share: доля чисел, которая обнуляется при обучении
    :param generator: ``torch.Generator`` на процессоре; при любом типе чисел и на любом устройстве
        он выберет одни и те же места
    """

    share: Any
    generator: Any
    def __init__(self, share: Any, generator: Any) -> None: ...
    def forward(self, h: Any) -> Any:
        """Числа той же формы; вне обучения — те же самые."""

class AttentionBlock(nn.Module):
    """Слой кодировщика: самовнимание и полносвязная сеть, у обоих остаточная связь и нормировка.

    :param hidden: ширина представлений d
    :param n_heads: число голов внимания, делит ``hidden``
    :param dropout: модуль прореживания
    """

    n_heads: _Int
    dropout: _Float
    def __init__(self, hidden: _Int, n_heads: _Int, dropout: _Float) -> None: ...
    def attend(self, h: Any, real: Any) -> Any:
        """Внимание всех голов: ``(B, T, d)`` и веса ``(B, n_heads, T, T)``."""
    def forward(self, h: Any, real: Any) -> Any:
        """Следующий слой представлений: ``(B, T, d)`` → ``(B, T, d)``."""

class SequenceEncoder(nn.Module):
    """Двунаправленный кодировщик истории со связанными весами выхода (Sun и др., CIKM 2019).

    Номера: ``0…n_items-1`` — объекты, ``n_items`` — дополнение, ``n_items + 1`` — [MASK]. Начальные
    веса и прореживание берут случайные числа из ``generator``, ``torch.Generator`` на процессоре.
    """

    dropout: _Float
    def __init__(
        self,
        n_items: _Int,
        max_len: _Int,
        hidden: _Int,
        n_layers: _Int,
        n_heads: _Int,
        dropout: _Float,
        generator: Any,
    ) -> None: ...
    def visible(self, tokens: Any) -> Any:
        """На какие места можно смотреть: на все настоящие, ``(B, T)``."""
    def forward(self, tokens: Any) -> Any:
        """Представления мест: номера ``(B, T)`` → ``(B, T, d)``. Места считаются от конца."""
    def logits(self, h: Any) -> Any:
        """Баллы всех объектов для представлений ``(..., d)`` → ``(..., n_items)``."""

class BERT4Rec(BaseEstimator):
    r"""Следующий объект по истории: двунаправленный кодировщик и [MASK] (Sun и др., CIKM 2019).

    :param max_len: сколько мест видит сеть, считая [MASK]
    :param hidden: ширина представлений d
    :param n_layers: число слоёв
    :param n_heads: число голов внимания
    :param dropout: доля прореживания
    :param mask_prob: доля закрытых мест ($\rho$)
    :param epochs: число эпох; за эпоху из каждой истории берётся одно окно
    :param batch_size: окон в пакете
    :param lr: темп обучения AdamW
    :param seed: зерно: начальные веса, окна, закрытые места, прореживание
    :param device: где считать: ``"cpu"``, ``"cuda"``
    :param last_prob: доля окон, где закрыт только последний объект
    :param windows: ``"random"`` — окна из всей истории, ``"last"`` — только из её конца
    :param validate_every: раз во сколько эпох звать ``validation``
    :param patience: сколько эпох без улучшения ждёт ранняя остановка
    :param dtype: тип чисел; ``float32`` примерно вдвое быстрее
    """

    max_len: _Int
    hidden: _Int
    n_layers: _Int
    n_heads: _Int
    dropout: _Float
    mask_prob: _Float
    epochs: _Int
    batch_size: _Int
    lr: _Float
    seed: _Int
    device: str | torch.device
    last_prob: _Float
    windows: Literal["random", "last"]
    validate_every: _Int
    patience: _Int
    dtype: DTypeLike
    sequences_: Any
    net_: Any
    losses_: list[float]
    curve_: list[tuple[int, float]]
    best_epoch_: int
    def __init__(
        self,
        max_len: _Int = 50,
        hidden: _Int = 64,
        n_layers: _Int = 2,
        n_heads: _Int = 2,
        dropout: _Float = 0.1,
        mask_prob: _Float = 0.2,
        epochs: _Int = 100,
        batch_size: _Int = 64,
        lr: _Float = 0.001,
        seed: _Int = 0,
        device: str | torch.device = "cpu",
        last_prob: _Float = 0.1,
        windows: Literal["random", "last"] = "random",
        validate_every: _Int = 5,
        patience: _Int = 30,
        dtype: DTypeLike = np.float64,
    ) -> None: ...
    def fit(
        self,
        sequences: Sequence[_Items],
        n_items: _Int,
        validation: Callable[[Self], float] | None = None,
    ) -> Self:
        """Обучить сеть ``net_``; истории остаются в ``sequences_``.

        :param sequences: список массивов номеров объектов, старые первыми; пустые пропускаются
        :param n_items: размер каталога
        :param validation: функция модели; чем больше её число, тем лучше
        :raises TypeError: ``sequences`` — не список
        :raises ValueError: гиперпараметр или история плохи, все истории пусты
        :raises MemoryError: для сети не хватит памяти
        :raises FloatingPointError: потеря или веса перестали быть числами
        """
    def train_epoch(self, histories: Any, optimizer: Any, rng: Any) -> Any:
        """Эпоха: из каждой истории одно окно. Возвращает среднюю потерю по пакетам."""
    def batch_loss(self, histories: Any, rng: Any) -> Any:
        """Потеря на новых вопросах к этим историям."""
    def score(self, users: _Items) -> np.ndarray:
        """Баллы следующего объекта для пользователей, на чьих историях модель училась.

        :param users: номера историй в списке, поданном в ``fit``
        :return: массив формы ``(len(users), n_items)``
        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: такого пользователя нет
        """
    def score_history(self, sequences: Sequence[_Items]) -> np.ndarray:
        """Баллы следующего объекта для любых историй; история может быть пуста.

        :return: массив формы ``(len(sequences), n_items)``
        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises TypeError: ``sequences`` — не список
        :raises ValueError: в истории не целые номера из каталога
        """

class CausalEncoder(SequenceEncoder):
    """Кодировщик, где место видит себя и то, что левее (Kang, McAuley, ICDM 2018)."""
    def visible(self, tokens: Any) -> Any:
        """На какие места можно смотреть каждому, форма ``(B, T, T)``; дополнение видит себя."""

class SASRec(BERT4Rec):
    """Следующий объект по истории: кодировщик с причинной маской, softmax по каталогу.

    Kang, McAuley, ICDM 2018; полная потеря — Klenitskiy, Vasilev, RecSys 2023. Гиперпараметры те
    же, что у ``BERT4Rec``, кроме закрытых мест: их здесь нет.
    """
    def __init__(
        self,
        max_len: _Int = 50,
        hidden: _Int = 64,
        n_layers: _Int = 2,
        n_heads: _Int = 2,
        dropout: _Float = 0.1,
        epochs: _Int = 100,
        batch_size: _Int = 64,
        lr: _Float = 0.001,
        seed: _Int = 0,
        device: str | torch.device = "cpu",
        windows: Literal["random", "last"] = "random",
        validate_every: _Int = 5,
        patience: _Int = 30,
        dtype: DTypeLike = np.float64,
    ) -> None: ...
