# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 08. BERT4Rec: угадать закрытый фильм по остальной истории
#
# Идея одним предложением: в истории закрывают случайные фильмы, сеть учится угадывать их по
# открытым, а потом ей показывают историю с закрытым местом в конце.
#
# Начнём с результата. Обучим готовую модель этого урока с настройками по умолчанию: тридцать эпох,
# около минуты. Ниже — последние фильмы одного зрителя и список, который продолжает его историю.
# Звёздочкой отмечен фильм, который зритель и правда посмотрел следующим; модель его не видела.

# %%
from itertools import permutations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import loguniform, uniform

from recsys_lessons import models, plots
from recsys_lessons.checks import check_better, check_close, check_task, check_true
from recsys_lessons.datasets import load_movielens
from recsys_lessons.evaluation import compare, evaluate, over_seeds, recommend
from recsys_lessons.models import EASE, Popularity
from recsys_lessons.results import stored_result
from recsys_lessons.splits import board_b
from recsys_lessons.synthetic import make_chain
from recsys_lessons.tuning import (
    EASE_SPACE,
    Search,
    check_fair,
    edge_answers,
    past_edge,
    tune,
)

plots.use_style()
ratings, items = load_movielens()
validation, test = board_b(ratings, seed=0)
films = items["label"].to_numpy()


# %%
def liked_in_order(split):
    """Понравившееся каждому зрителю до среза, старое первым: список массивов номеров."""
    liked = split.history[split.history["rating"] >= 4]
    by_user = {user: group.to_numpy() for user, group in liked.groupby("user")["item"]}
    return [by_user.get(user, np.empty(0, dtype=int)) for user in range(split.train.shape[0])]


history = liked_in_order(validation)
finished = models.BERT4Rec(epochs=30).fit(history, len(films))

# %%
viewer = 352
_, following = validation.liked(viewer)
suggested = recommend(finished.score, [viewer], validation.seen, k=8)[0]
print("Последние из понравившихся:", *films[history[viewer][-6:]], sep="\n    ")
print("BERT4Rec советует:")
for item in suggested:
    print(f"  {'*' if item in following else ' '} {films[item]}")

# %% [markdown]
# Зрителя мы выбрали за понятную историю. Все шесть фильмов — новинки тех месяцев, когда он пришёл
# на сайт, и список продолжает их же. Это не вкус к жанру, а нечто другое; к концу урока станет
# ясно, что выучила сеть. А вот вся идея на одном рисунке.

# %%
closed = ["Чужой", "[MASK]", "Матрица", "Начало"], "Терминатор", "Обучение"
at_the_end = ["Чужой", "Терминатор", "Матрица", "[MASK]"], "что дальше?", "Предсказание"
fig, axes = plt.subplots(1, 2, figsize=(9.5, 2.8))
for ax, (window, answer, title) in zip(axes, (closed, at_the_end), strict=True):
    place = 1.5 * window.index("[MASK]")
    boxes = {film: (1.5 * n, 0) for n, film in enumerate(window)}
    boxes |= {"кодировщик: [MASK] смотрит на все места окна": (2.25, 1), answer: (place, 2)}
    middle, top = list(boxes)[-2:]
    plots.diagram(ax, boxes, [*((film, middle) for film in window), (middle, top)], ["[MASK]", top])
    ax.set_title(title)
plt.show()

# %% [markdown]
# Слева обучение: из истории закрыли «Терминатора», и сеть угадывает его по фильмам с обеих сторон.
# Справа предсказание: закрытое место стоит после истории, и сеть называет то, чего ещё не было.
#
# <div class="alert alert-block alert-info">
#
# **Что сделаем.** Соберём кодировщик трансформера по частям: внимание, слой, места, выход. Научим
# его угадывать закрытое, сверим с ручным счётом и с PyTorch, напишем три теста, которые ловят
# главные ошибки, подберём гиперпараметры и испытаем на MovieLens-100K рядом с популярным,
# марковской цепью и EASE.
#
# **Чему научимся.** Читать форму каждого тензора; маскировать и дополнять истории; отличать плохую
# модель от недообученной; проверять, пользуется ли модель порядком.
#
# **Что нужно знать.** [Представления](A_handbook.ipynb#cell-id=embeddings),
# [автоматическое дифференцирование](A_handbook.ipynb#cell-id=autograd),
# [Adam](A_handbook.ipynb#cell-id=adam). Метрики и протокол — в [уроке 00b](00b_evaluation.ipynb).
#
# **Время.** 135 минут чтения, две минуты исполнения.
#
# **Статья.** F. Sun и др., «BERT4Rec: Sequential Recommendation with Bidirectional Encoder
# Representations from Transformer», CIKM 2019.
#
# </div>

# %% [markdown]
# ## Идея на пальцах
#
# История — «Матрица», «Начало» и закрытое место, [MASK]. Каждое место держит три вещи. **Запрос**
# (query) говорит, что ему нужно. **Ключ** (key) говорит, чем место полезно другим. **Значение**
# (value) — что оно отдаст. Место сравнивает свой запрос со всеми ключами, получает веса и
# складывает значения с этими весами. Это и есть **самовнимание** (self-attention).
#
# Пусть ключи — числа $0,\ \ln 2,\ 0$: «Начало» заметнее. Значения — пары «боевик, загадка»: у
# «Матрицы» $(4,\,0)$, у «Начала» $(0,\,4)$, у [MASK] $(0,\,0)$: он ничего не знает. Запрос [MASK]
# равен 1. Посчитаем за него.
#
# 1. Произведения запроса и ключей: $0,\ \ln2,\ 0$.
# 2. Softmax — экспоненты, делённые на их сумму: $e^0=1,\ e^{\ln2}=2,\ e^0=1$, сумма 4. Веса:
#    $\tfrac14,\tfrac24,\tfrac14$.
# 3. Смесь значений: $\tfrac14(4,\,0)+\tfrac24(0,\,4)+\tfrac14(0,\,0)=(1,\,2)$.
#
# Закрытое место узнало о соседях: вдвое больше загадки, чем боевика. У двух других мест запросы 0 и
# 2. Их веса считаются так же.

# %%
places = ["Матрица", "Начало", "[MASK]"]
weights_by_hand = np.array([[1 / 3, 1 / 3, 1 / 3], [1 / 6, 4 / 6, 1 / 6], [1 / 4, 2 / 4, 1 / 4]])
V_toy = np.array([[4.0, 0], [0, 4], [0, 0]])

fig, (left, right) = plt.subplots(1, 2, figsize=(7.5, 2.6), width_ratios=[3, 2])
plots.matrix(left, weights_by_hand, places, places, title="Кто (строка) на кого смотрит")
plots.matrix(right, weights_by_hand @ V_toy, places, ["боевик", "загадка"], title="Что узнал")
plt.show()

# %% [markdown]
# Слева в строке — веса одного места, их сумма 1. Место с запросом 0 смотрит на всех поровну, с
# запросом 2 — в основном на «Начало». Справа — смеси значений; нижняя строка та, что мы посчитали.

# %% [markdown]
# ## От идеи к формуле
#
# ### Самовнимание
#
# **Интуиция.** Запросы, ключи и значения всех мест сложим в матрицы с $T$ строками. Все
# произведения запросов и ключей — одно произведение матриц.
#
# **Формула** (Vaswani и др., NeurIPS 2017):
#
# $$
# \operatorname{Attention}(Q,K,V)=\operatorname{softmax}\!\Big(\frac{QK^\top}{\sqrt d}\Big)V .
# $$
#
# Softmax берётся по строкам. Деление на $\sqrt d$ нужно вот почему: произведение двух случайных
# векторов длины $d$ с единичной дисперсией имеет дисперсию $d$. Без деления при большом $d$ один
# вес был бы почти равен 1, остальные — почти 0, и градиент исчезал бы.
#
# Истории разной длины. Чтобы сложить их в одну таблицу, короткие дополняют слева служебным номером:
# это **дополнение** (padding). Смотреть на него нельзя: его произведения заменяем на $-\infty$,
# тогда вес равен нулю точно. **Код:**

# %% [markdown]
# Формы записаны так: $B$ историй в пакете, $T$ мест, $d$ — ширина.

# %% tags=["model"]
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def attention(Q, K, V, real):
    """Самовнимание (Vaswani и др., NeurIPS 2017).

    :param Q: запросы, форма ``(..., T, d)``
    :param K: ключи, форма ``(..., T, d)``
    :param V: значения, форма ``(..., T, d_v)``
    :param real: ``True`` у мест, на которые можно смотреть, ``False`` у дополнения; форма
        ``(..., T)``, или ``(..., T, T)``, если у каждого места они свои
    :return: смесь значений ``(..., T, d_v)`` и веса внимания ``(..., T, T)``
    """
    scores = Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1])
    visible = real if real.ndim == Q.ndim else real[..., None, :]
    weights = scores.masked_fill(~visible, -torch.inf).softmax(dim=-1)
    return weights @ V, weights


# %% [markdown]
# **Проверка.** Ручной счёт, потом PyTorch. В PyTorch та же функция называется
# `scaled_dot_product_attention`; последней историей пакета проверим и дополнение.

# %%
Q_toy, K_toy = torch.tensor([[0.0], [2], [1]]).double(), torch.tensor([[0], [np.log(2)], [0]])
everyone = torch.ones(3, dtype=torch.bool)
mixed, weights = attention(Q_toy, K_toy, torch.from_numpy(V_toy), everyone)
check_close("веса внимания и ручной счёт", weights, weights_by_hand)

Q, K, V = torch.randn(3, 2, 5, 8, generator=torch.Generator().manual_seed(0)).double()
real = torch.tensor([[True] * 5, [False, False, True, True, True]])
theirs = F.scaled_dot_product_attention(Q, K, V, attn_mask=real[:, None])
check_close("внимание и PyTorch", attention(Q, K, V, real)[0], theirs)

# %% [markdown]
# **Цена.** $T^2d$ умножений на произведения и столько же на смесь; $T^2$ чисел памяти на историю.
#
# ### Слой
#
# **Интуиция.** Одно внимание выделяет в истории что-то одно. Возьмём несколько **голов** (heads),
# $m$ штук: каждая — своё внимание на своей части из $d/m$ координат. Смеси всех голов склеивают в
# $d$ чисел и умножают на матрицу: это и есть $\operatorname{MHA}$ (multi-head attention); в каждой
# голове делят на $\sqrt{d/m}$. Затем каждое место само обрабатывает то, что узнало, небольшой
# полносвязной сетью.
#
# **Формула.** $h$ — представления мест, $(B,T,d)$:
#
# $$
# h'=\operatorname{LN}\big(h+\operatorname{Drop}(\operatorname{MHA}(h))\big),\qquad
# h''=\operatorname{LN}\big(h'+\operatorname{Drop}(W_2\operatorname{GELU}(W_1h'+b_1)+b_2)\big) .
# $$
#
# Слагаемое $h$ — остаточная связь (residual connection): слой учит поправку, а не всё заново.
# $\operatorname{LN}$ (layer normalisation) приводит $d$ чисел каждого места к среднему 0 и
# дисперсии 1, потом умножает на выученные множители и прибавляет выученный сдвиг.
# $\operatorname{Drop}$ — прореживание (dropout): при обучении обнуляет случайную долю чисел.
# $\operatorname{GELU}$ — гладкий родственник $\max(0,x)$. Внутри сети ширина $4d$.

# %%
layer = {
    "h\n(B, T, d)": (0, 0), "внимание: места\nузнают друг о друге": (1.4, 1), "+": (2.8, 0),
    "LN": (3.6, 0), "сеть d → 4d → d:\nкаждое место само": (5, 1), " + ": (6.4, 0),
    " LN ": (7.2, 0), "h''\n(B, T, d)": (8.4, 0),
}  # fmt: skip
h_box, attention_box, plus, norm, inner_box, plus_2, norm_2, next_h = layer
arrows = [
    (h_box, attention_box), (attention_box, plus), (h_box, plus, "остаточная связь"),
    (plus, norm), (norm, inner_box), (inner_box, plus_2), (norm, plus_2, "остаточная связь"),
    (plus_2, norm_2), (norm_2, next_h),
]  # fmt: skip
fig, ax = plt.subplots(figsize=(9.5, 2.3))
plots.diagram(ax, layer, arrows, [attention_box, inner_box])
ax.set_title("Один слой кодировщика")
plt.show()

# %% [markdown]
# Внизу — сами представления, вверху — две поправки к ним. Только внимание переносит сведения от
# места к месту: сеть работает с каждым местом отдельно. Вход и выход одной формы, поэтому слои
# ставят друг на друга. Прореживание на рисунке опущено, начнём с него.


# %% tags=["model"]
class SeededDropout(nn.Module):
    """Прореживание, которое берёт случайные числа из своего генератора.

    :param share: доля чисел, которая обнуляется при обучении
    :param generator: ``torch.Generator`` на процессоре; при любом типе чисел и на любом устройстве
        он выберет одни и те же места
    """

    def __init__(self, share, generator):
        super().__init__()
        self.share, self.generator = share, generator

    def forward(self, h):
        """Числа той же формы; вне обучения — те же самые."""
        if not self.training or not self.share:
            return h
        kept = torch.empty(h.shape, dtype=torch.bool, device="cpu")
        kept.bernoulli_(1 - self.share, generator=self.generator)
        return h * kept.to(h).mul_(1 / (1 - self.share))


# %% [markdown]
# Уцелевшие числа делят на долю уцелевших, и сумма в среднем остаётся прежней. В PyTorch есть
# готовый `nn.Dropout`, но он берёт случайные числа из общего генератора, и модель зависела бы от
# того, кто ещё ими пользуется. У нашего генератор свой. Теперь слой.


# %% tags=["model"]
class AttentionBlock(nn.Module):
    """Слой кодировщика: самовнимание и полносвязная сеть, у обоих остаточная связь и нормировка.

    :param hidden: ширина представлений d
    :param n_heads: число голов внимания, делит ``hidden``
    :param dropout: модуль прореживания
    """

    def __init__(self, hidden, n_heads, dropout):
        super().__init__()
        self.n_heads = n_heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.output = nn.Linear(hidden, hidden)
        self.inner = nn.Sequential(
            nn.Linear(hidden, 4 * hidden), nn.GELU(), nn.Linear(4 * hidden, hidden)
        )
        self.norms = nn.ModuleList([nn.LayerNorm(hidden), nn.LayerNorm(hidden)])
        self.dropout = dropout

    def attend(self, h, real):
        """Внимание всех голов: ``(B, T, d)`` и веса ``(B, n_heads, T, T)``."""
        parts = self.qkv(h).unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        mixed, weights = attention(*parts, real[:, None])
        return self.output(mixed.transpose(1, 2).flatten(2)), weights

    def forward(self, h, real):
        """Следующий слой представлений: ``(B, T, d)`` → ``(B, T, d)``."""
        h = self.norms[0](h + self.dropout(self.attend(h, real)[0]))
        return self.norms[1](h + self.dropout(self.inner(h)))


# %% [markdown]
# В `qkv` запросы, ключи и значения считаются одним умножением: из $(B,T,d)$ получается $(B,T,3d)$,
# а `unflatten` и `permute` раскладывают это на три тензора $(B,m,T,d/m)$.
#
# ### Места и связанные веса
#
# **Интуиция.** Внимание не знает порядка: переставьте историю, и [MASK] получит ту же смесь.
# Поэтому к представлению объекта прибавляют представление места. Места считаем **от конца**: у
# [MASK] при предсказании место всегда одно и то же, сколько бы истории ни было.
#
# **Формула.** $E$ — представления объектов, $P$ — мест. На входе $h^0_t=\operatorname{Drop}(
# \operatorname{LN}(E_{v_t}+P_t))$, дальше слои. На выходе балл объекта $i$ для места $t$:
#
# $$
# z_{ti}=\operatorname{LN}\big(\operatorname{GELU}(Wh_t+b)\big)\,E_i^\top+c_i ,
# $$
#
# где $c_i$ — сдвиг объекта. Та же матрица $E$ стоит на входе и на выходе: **связанные веса** (tied weights). Объект, который
# модель научилась читать, она умеет и называть, а параметров у нашей сети на треть меньше.
#
# Номера объектов — от 0 до $I-1$. Служебные номера ставим за ними: $I$ — дополнение, $I+1$ —
# [MASK].


# %% tags=["model"]
class SequenceEncoder(nn.Module):
    """Двунаправленный кодировщик истории со связанными весами выхода (Sun и др., CIKM 2019).

    Номера: ``0…n_items-1`` — объекты, ``n_items`` — дополнение, ``n_items + 1`` — [MASK]. Начальные
    веса и прореживание берут случайные числа из ``generator``, ``torch.Generator`` на процессоре.
    """

    def __init__(self, n_items, max_len, hidden, n_layers, n_heads, dropout, generator):
        super().__init__()
        self.pad, self.mask = n_items, n_items + 1
        self.dropout = SeededDropout(dropout, generator)
        with torch.device("meta"):  # пока без чисел: их даст свой генератор, а не общий
            self.items = nn.Embedding(n_items + 2, hidden)
            self.positions = nn.Embedding(max_len, hidden)
            self.norm = nn.LayerNorm(hidden)
            self.blocks = nn.ModuleList(
                AttentionBlock(hidden, n_heads, self.dropout) for _ in range(n_layers)
            )
            self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden))
            self.bias = nn.Parameter(torch.empty(n_items))
        self.to(torch.float64).to_empty(device="cpu")
        nn.init.zeros_(self.bias)
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.reset_parameters()
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.trunc_normal_(module.weight, 0, 0.02, -0.04, 0.04, generator)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def visible(self, tokens):
        """На какие места можно смотреть: на все настоящие, ``(B, T)``."""
        return tokens != self.pad

    def forward(self, tokens):
        """Представления мест: номера ``(B, T)`` → ``(B, T, d)``. Места считаются от конца."""
        real = self.visible(tokens)
        h = self.items(tokens) + self.positions.weight[-tokens.shape[1] :]
        h = self.dropout(self.norm(h))
        for block in self.blocks:
            h = block(h, real)
        return h

    def logits(self, h):
        """Баллы всех объектов для представлений ``(..., d)`` → ``(..., n_items)``."""
        return self.head(h) @ self.items.weight[: self.pad].T + self.bias


# %% [markdown]
# | что | форма |
# |---|---|
# | `tokens` — номера | $(B,T)$ |
# | `h` — представления мест | $(B,T,d)$ |
# | запросы, ключи, значения | $(B,m,T,d/m)$ |
# | веса внимания | $(B,m,T,T)$ |
# | баллы закрытых мест | (закрытых мест, $I$) |
#
# Начальные веса малы, со стандартным отклонением 0,02, как в коде авторов статьи (CIKM 2019): зачем,
# показано в углублении. Слои создаются на устройстве `meta`, то есть без чисел: иначе PyTorch заполнил бы их
# из общего генератора. Числа даёт потом наш `generator`.

# %% [markdown] tags=["deep"]
# ### Углубление. Начальные веса
#
# Необученная сеть должна давать всем объектам почти равные баллы. Тогда её потеря близка к потере
# угадывания наугад, $\ln I$. Со связанными весами это легко испортить: `nn.Embedding` по умолчанию
# берёт отклонение 1, и баллы — произведения с $E$ — выходят огромными.


# %% tags=["deep"]
def blind_loss(net):
    """Средняя по всем ответам потеря на истории из одного [MASK]."""
    with torch.no_grad():
        scores = net.logits(net(torch.tensor([[net.mask]])))[0, 0]
    return (scores.logsumexp(dim=0) - scores.mean()).item()


generator = torch.Generator().manual_seed(0)
fresh = SequenceEncoder(len(films), 50, 64, 2, 2, 0.1, generator).eval()
small = blind_loss(fresh)
nn.init.normal_(fresh.items.weight, generator=generator)
print(
    f"наугад {np.log(len(films)):.2f}, малые веса {small:.2f}, по умолчанию {blind_loss(fresh):.2f}"
)

# %% [markdown] tags=["deep"]
# С весами по умолчанию сеть до обучения уверена в случайных ответах, и первые эпохи уходят на то,
# чтобы её разубедить.

# %% [markdown]
# ### Закрытые места
#
# **Интуиция.** Задание для сети называется Cloze: вставить пропущенное слово. Закроем в окне
# истории долю $\rho$ мест и спросим только о них.
#
# **Формула.** Сколько закрыть в окне длины $n$: $\max(1,\lfloor \rho n+\tfrac12\rfloor)$. Число
# задано, случайны только места. Если вместо этого бросать монету о каждом месте, то в истории из
# десяти объектов при $\rho=0{,}2$ с вероятностью $0{,}8^{10}$ не закроется ничего:

# %%
print(f"ничего не закрыто: {0.8**10:.1%} историй")

# %% [markdown]
# Мало, но каждая такая история ничему не учит, а пакет из одних таких историй даёт потерю `nan`.
#
# Два условия, о которых легко забыть. Окно берётся **заново каждую эпоху**, из случайного места
# истории; места закрываются тоже заново. И в доле `last_prob` окон закрыт только последний объект:
# именно такой вопрос зададут при предсказании.


# %% tags=["model"]
def n_masked(length, share):
    """Сколько мест закрыть: доля ``share`` с округлением, но не меньше одного."""
    return max(1, int(length * share + 0.5))


def make_example(sequence, rng, mask, max_len, mask_prob, last_prob, windows):
    """Окно истории с закрытыми местами и ответы к ним.

    :param mask: номер, который ставится на закрытое место
    :param windows: ``"random"`` — окно из случайного места истории, ``"last"`` — из её конца
    :return: вход и ответы, форма ``(T,)``, T не больше ``max_len``; ответ ``-1`` — место открыто
    """
    latest = max(0, len(sequence) - max_len)
    start = rng.integers(latest + 1) if windows == "random" else latest
    window = sequence[start : start + max_len]
    if rng.random() < last_prob:
        chosen = np.array([len(window) - 1])
    else:
        chosen = rng.choice(len(window), n_masked(len(window), mask_prob), replace=False)
    inputs, answers = window.copy(), np.full(len(window), -1)
    inputs[chosen], answers[chosen] = mask, window[chosen]
    return inputs, answers


# %%
rng = np.random.default_rng(1)
for _ in range(3):
    window, answer = make_example(np.arange(10, 18), rng, -9, 6, 0.3, 0.1, "random")
    print("вход", window, "ответы", answer)

# %% [markdown]
# История — номера от 10 до 17, окно — шесть мест, [MASK] здесь обозначен $-9$. Окна и места каждый
# раз другие; ответ стоит только там, где закрыто.
#
# ### Таблица и вопрос
#
# Строки пакета прижимаем вправо, как и места. Вопрос при предсказании — последние $T-1$ объектов и
# [MASK]. Заметьте разницу: при обучении у закрытого места есть соседи с обеих сторон, при
# предсказании — только слева. Двунаправленность здесь — способ учиться, а не знание будущего.


# %% tags=["model"]
def pad_left(rows, value):
    """Тензор ``(len(rows), наибольшая длина)``: строки прижаты вправо, слева ``value``."""
    table = np.full((len(rows), max(map(len, rows))), value)
    for line, row in zip(table, rows, strict=True):
        line[len(line) - len(row) :] = row
    return torch.from_numpy(table)


def question(history, max_len, mask):
    """Вопрос сети: последние ``max_len - 1`` объектов истории и [MASK] на месте следующего."""
    return np.append(history[max(0, len(history) - max_len + 1) :], mask)


# %%
print("таблица:", pad_left([np.array([7]), np.array([1, 2, 3])], 9).tolist())
print("вопрос:", question(np.array([4, 5, 6, 7]), max_len=3, mask=9))

# %% [markdown]
# В таблице дополнение — девятки слева от семёрки; в вопросе девятка — [MASK].
#
# ### Потеря только там, где закрыто
#
# **Формула.** Среднее по закрытым местам пакета $M$:
#
# $$
# \mathcal L=-\frac1{|M|}\sum_{(u,t)\in M}\log\frac{e^{z_{t,v_t}}}{\sum_i e^{z_{ti}}} .
# $$
#
# **Цена.** Баллы каталога дороги: $d\cdot I$ умножений на каждое место. Закрыта пятая часть мест,
# остальные баллы не нужны. Поэтому сначала отбираем закрытые места, потом считаем баллы.


# %% tags=["model"]
def cloze_loss(net, inputs, answers):
    """Средняя потеря по закрытым местам; баллы считаются только на них.

    :param inputs: номера с [MASK], форма ``(B, T)``
    :param answers: верные номера на закрытых местах и ``-1`` на прочих, форма ``(B, T)``
    """
    hidden_places = answers >= 0
    logits = net.logits(net(inputs)[hidden_places])
    return F.cross_entropy(logits, answers[hidden_places])


# %% [markdown] tags=["deep"]
# ### Углубление. Проверка: все баллы или только нужные
#
# Посчитаем все баллы, как пишут чаще, и сравним потерю и градиент.

# %% tags=["deep"]
checked = SequenceEncoder(300, 20, 16, 2, 2, 0.0, torch.Generator().manual_seed(0))
masked = torch.randint(300, (8, 20), generator=torch.Generator().manual_seed(1))
answers = torch.where(masked % 5 == 0, masked, -1)
masked = torch.where(answers >= 0, checked.mask, masked)
everywhere = F.cross_entropy(
    checked.logits(checked(masked)).flatten(0, 1), answers.flatten(), ignore_index=-1
)
check_close("потеря", cloze_loss(checked, masked, answers).item(), everywhere.item())
gradients = [
    torch.autograd.grad(loss, checked.items.weight)[0]
    for loss in (everywhere, cloze_loss(checked, masked, answers))
]
check_close("градиент", *gradients)

# %% [markdown] tags=["deep"]
# Ответ тот же. Сколько это сберегает, посчитаем в разделе «Цена».

# %% [markdown]
# ## Алгоритм целиком
#
# Класс складывает написанное. За эпоху каждая история даёт одно окно, порядок историй каждый раз
# новый. Шаг — обычный цикл PyTorch: потеря,
# [градиент](A_handbook.ipynb#cell-id=autograd), шаг оптимизатора. Вопрос к истории
# задаёт метод `_example`: заменив его в подклассе, можно учить на других вопросах.
#
# Эпохи считает `train` из пакета: раз в `validate_every` эпох зовёт `validation`, запоминает лучшую
# эпоху и в конце возвращает её веса. `fitting` следит, чтобы сорванное обучение не оставило модели,
# обученной наполовину. Если прервать ячейку кнопкой ■, урок остановится, а у модели останутся веса
# лучшей из целых эпох; не прошло ни одной — модель останется прежней.
#
# Все случайные числа — из двух генераторов с одним зерном: `rng` выбирает окна и закрытые места,
# `torch.Generator` — начальные веса и прореживание. Общих генераторов модель не трогает.

# %% tags=["model"]
from functools import partial

from sklearn.base import BaseEstimator

from recsys_lessons.inputs import (
    check_choice,
    check_count,
    check_device,
    check_dtype,
    check_fitted,
    check_memory,
    check_number,
    check_seed,
    check_sequences,
    check_users,
)
from recsys_lessons.training import fitting, train


class BERT4Rec(BaseEstimator):
    """Следующий объект по истории: двунаправленный кодировщик и [MASK] (Sun и др., CIKM 2019).

    :param max_len: сколько мест видит сеть, считая [MASK]
    :param hidden: ширина представлений d
    :param n_layers: число слоёв
    :param n_heads: число голов внимания
    :param dropout: доля прореживания
    :param mask_prob: доля закрытых мест ($\\rho$)
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

    encoder = SequenceEncoder

    def __init__(
        self, max_len=50, hidden=64, n_layers=2, n_heads=2, dropout=0.1, mask_prob=0.2,
        epochs=100, batch_size=64, lr=1e-3, seed=0, device="cpu", last_prob=0.1,
        windows="random", validate_every=5, patience=30, dtype=np.float64,
    ):  # fmt: skip
        self.max_len, self.hidden, self.n_layers, self.n_heads = max_len, hidden, n_layers, n_heads
        self.dropout, self.mask_prob, self.last_prob = dropout, mask_prob, last_prob
        self.epochs, self.batch_size, self.lr, self.windows = epochs, batch_size, lr, windows
        self.validate_every, self.patience, self.seed = validate_every, patience, seed
        self.device, self.dtype = device, dtype

    def fit(self, sequences, n_items, validation=None):
        """Обучить сеть ``net_``; истории остаются в ``sequences_``.

        :param sequences: список массивов номеров объектов, старые первыми; пустые пропускаются
        :param n_items: размер каталога
        :param validation: функция модели; чем больше её число, тем лучше
        :raises TypeError: ``sequences`` — не список
        :raises ValueError: гиперпараметр или история плохи, все истории пусты
        :raises MemoryError: для сети не хватит памяти
        :raises FloatingPointError: потеря или веса перестали быть числами
        """
        self._check()
        n_items = check_count("n_items", n_items)
        histories = [row.copy() for row in check_sequences(sequences, n_items)]
        known = [row for row in histories if len(row)]
        if not known:
            raise ValueError("Все истории пусты: учиться не на чем.")
        with fitting(self):
            self.sequences_, self.net_ = histories, self._network(n_items)
            optimizer = torch.optim.AdamW(self.net_.parameters(), lr=float(self.lr))
            rng = np.random.default_rng(self.seed)
            train(self, self.net_, partial(self.train_epoch, known, optimizer, rng), validation)
        return self

    def train_epoch(self, histories, optimizer, rng):
        """Эпоха: из каждой истории одно окно. Возвращает среднюю потерю по пакетам."""
        losses, order, size = [], rng.permutation(len(histories)), int(self.batch_size)
        for start in range(0, len(order), size):
            loss = self.batch_loss([histories[i] for i in order[start : start + size]], rng)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    def batch_loss(self, histories, rng):
        """Потеря на новых вопросах к этим историям."""
        questions, answers = zip(*(self._example(row, rng) for row in histories), strict=True)
        net, device = self.net_, self.net_.bias.device
        table, targets = pad_left(questions, net.pad), pad_left(answers, -1)
        return cloze_loss(net, table.to(device), targets.to(device))

    def _example(self, sequence, rng):
        """Вопрос к одной истории: вход и ответы."""
        shape = (int(self.max_len), self.mask_prob, self.last_prob, self.windows)
        return make_example(sequence, rng, self.net_.mask, *shape)

    def _question(self, history, max_len):
        """Вопрос о следующем объекте истории."""
        return question(history, max_len, self.net_.mask)

    def score(self, users):
        """Баллы следующего объекта для пользователей, на чьих историях модель училась.

        :param users: номера историй в списке, поданном в ``fit``
        :return: массив формы ``(len(users), n_items)``
        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises ValueError: такого пользователя нет
        """
        check_fitted(self, "net_")
        users = check_users(users, len(self.sequences_))
        return self.score_history([self.sequences_[user] for user in users])

    def score_history(self, sequences):
        """Баллы следующего объекта для любых историй; история может быть пуста.

        :return: массив формы ``(len(sequences), n_items)``
        :raises sklearn.exceptions.NotFittedError: модель не обучена
        :raises TypeError: ``sequences`` — не список
        :raises ValueError: в истории не целые номера из каталога
        """
        check_fitted(self, "net_")
        net, max_len = self.net_.eval(), self.net_.positions.num_embeddings
        rows = [self._question(row, max_len) for row in check_sequences(sequences, net.pad)]
        blocks = [torch.empty(0, net.pad, dtype=net.bias.dtype, device="cpu")]
        with torch.no_grad():
            for start in range(0, len(rows), 256):
                h = net(pad_left(rows[start : start + 256], net.pad).to(net.bias.device))
                blocks.append(net.logits(h[:, -1]).cpu())
        return torch.cat(blocks).numpy()

    def _network(self, n_items):
        """Новая сеть: размеры проверены, генератор свой."""
        max_len = check_count("max_len", self.max_len, 2)
        hidden = check_count("hidden", self.hidden)
        n_layers = check_count("n_layers", self.n_layers)
        n_heads = check_count("n_heads", self.n_heads)
        if hidden % n_heads:
            raise ValueError(f"hidden={hidden} не делится на n_heads={n_heads}.")
        n_numbers = (n_items + max_len) * hidden + 12 * n_layers * hidden**2
        n_bytes = 8 * 5 * n_numbers  # веса, градиент, два средних Adam, лучшая эпоха
        what = f"Сеть на {n_items} объектов и {max_len} мест"
        check_memory(n_bytes, what, "Уменьшите hidden, n_layers или max_len.")
        dropout = check_number("dropout", self.dropout, 0, 0.99)
        generator = torch.Generator().manual_seed(check_seed(self.seed))
        net = self.encoder(n_items, max_len, hidden, n_layers, n_heads, dropout, generator)
        kind = getattr(torch, check_dtype(self.dtype).name)
        return net.to(check_device(self.device, self.dtype), kind)

    def _check(self):
        """Гиперпараметры обучения в своих границах."""
        for name in ("epochs", "batch_size", "validate_every", "patience"):
            check_count(name, getattr(self, name))
        check_number("lr", self.lr, 0, above=True)
        check_number("mask_prob", self.mask_prob, 0, 1, above=True)
        check_number("last_prob", self.last_prob, 0, 1)
        check_choice("windows", self.windows, ("random", "last"))


# %% [markdown]
# ## Сверка
#
# **PyTorch.** Скопируем наши веса в `nn.TransformerEncoder`. Он должен дать те же представления на
# настоящих местах. Параметр `batch_first=True` здесь обязателен: почему, увидим в разделе об
# ошибках. У слоя PyTorch двенадцать тензоров, в том же порядке, что у нас: запросы, ключи и
# значения; выход; две части внутренней сети; две нормировки. У каждого модуля — множители и сдвиг.


# %%
def torch_encoder(net, hidden, n_heads):
    """``nn.TransformerEncoder`` с весами наших слоёв."""
    layer = nn.TransformerEncoderLayer(hidden, n_heads, 4 * hidden, 0.0, "gelu", batch_first=True)
    encoder = nn.TransformerEncoder(layer.double(), len(net.blocks), enable_nested_tensor=False)
    for ours, theirs in zip(net.blocks, encoder.layers, strict=True):
        modules = (ours.qkv, ours.output, ours.inner[0], ours.inner[2], *ours.norms)
        values = [tensor for module in modules for tensor in (module.weight, module.bias)]
        theirs.load_state_dict(dict(zip(theirs.state_dict(), values, strict=True)))
    return encoder.eval()


# %%
net = finished.net_.eval()
rows = [question(history[user], finished.max_len, net.mask) for user in range(32)]
tokens = pad_left(rows, net.pad)
real = tokens != net.pad
with torch.no_grad():
    h0 = net.norm(net.items(tokens) + net.positions.weight[-tokens.shape[1] :])
    their_encoder = torch_encoder(net, finished.hidden, finished.n_heads)
    theirs = their_encoder(h0, src_key_padding_mask=~real)
    check_close("кодировщик и PyTorch", net(tokens)[real], theirs[real])

# %% [markdown]
# **Три теста, которые обязан пройти любой кодировщик историй.** Ответ одного зрителя не зависит от
# остальных зрителей пакета. Ответ зависит от порядка истории. Дополнение ничего не меняет. Тесты
# принимают любую функцию «номера → представления».


# %%
def batch_gap(encode, tokens):
    """На сколько изменится ответ первой истории, если заменить остальные."""
    changed = torch.cat([tokens[:1], tokens[1:].flip(1)])
    return (encode(changed)[0] - encode(tokens)[0]).abs().max().item()


def order_gap(encode, tokens):
    """На сколько изменится последнее место, если перевернуть всё, что до него."""
    turned = torch.cat([tokens[:, :-1].flip(1), tokens[:, -1:]], dim=1)
    return (encode(turned)[:, -1] - encode(tokens)[:, -1]).abs().max().item()


def padding_gap(encode, tokens, pad=net.pad):
    """На сколько изменятся ответы, если дополнить истории слева двумя местами."""
    return (encode(F.pad(tokens, (2, 0), value=pad))[:, 2:] - encode(tokens)).abs().max().item()


# %%
size = 6, min(10, finished.max_len - 2)  # ещё два места займёт дополнение
short = torch.randint(len(films), size, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    check_close("чужие истории не влияют", batch_gap(net, short), 0)
    check_close("дополнение не влияет", padding_gap(net, short), 0)
    check_true("порядок влияет", order_gap(net, short) > 0.01)

# %% [markdown]
# **Данные с известным ответом.** В марковской цепи следующий объект зависит только от последнего, и
# наилучшая возможная доля угаданных известна заранее. Обучим модель и посмотрим, дойдёт ли она до
# границы. Эпоху выбираем на пятистах цепях, которых сеть не видела; итог — последний объект тысячи
# обучающих. **Предскажите, затем запустите**: хватит ли десяти эпох?

# %%
chains, _, bound = make_chain(n_users=1500, length=12)
known, target = [row[:-1] for row in chains], np.array([row[-1] for row in chains])


def share_right(model, part):
    """Доля историй, где самый высокий балл — у настоящего продолжения (HR@1)."""
    return (model.score_history(known[part]).argmax(axis=1) == target[part]).mean()


learnt, others = slice(1000), slice(1000, None)
on_chain = BERT4Rec(max_len=12, hidden=32, n_layers=1, mask_prob=0.3, lr=3e-3, epochs=60)
on_chain.fit(known[learnt], 20, validation=lambda model: share_right(model, others))
print(f"лучшее возможное {bound:.3f}, BERT4Rec {share_right(on_chain, learnt):.3f}")
check_true("до границы не больше 0,03", abs(share_right(on_chain, learnt) - bound) < 0.03)

fig, ax = plt.subplots()
plots.curve(ax, *zip(*on_chain.curve_, strict=True), label="BERT4Rec, новые цепи")
ax.axhline(bound, color="0.3", linestyle=":", label="лучшее возможное")
ax.axhline(1 / 20, color="0.3", linestyle="--", label="наугад")
ax.set(xlabel="эпоха", ylabel="HR@1", title="Марковская цепь: модель учится не сразу")
ax.legend()
plt.show()

# %% [markdown]
# Десяти эпох мало. После пяти модель угадывает чуть больше трети возможного, после десяти — две
# трети, и легко решить, что она не работает. Она **недообучена**: ещё несколько десятков эпох, и
# кривая подходит к границе. Местами она даже чуть выше: граница — среднее по всем возможным цепям,
# а новых цепей всего пятьсот. Сперва сеть узнаёт, какие объекты часты, и лишь потом — что важно
# последнее место: пока представления мест случайны, внимание не знает, куда смотреть. Заметим, что
# марковской цепи для той же задачи нужен один проход по данным.

# %% [markdown]
# ## Настоящие данные
#
# Протокол B: последний понравившийся фильм зрителя — тест, предпоследний — валидация. Ранжируется
# весь каталог, всё оценённое раньше убрано. Кроме популярного и EASE нужна базовая модель, которая
# знает порядок: **марковская цепь** по последнему фильму. Она считает, какой фильм чаще шёл сразу
# за последним. К числу переходов прибавляется популярность фильма, приведённая к отрезку от 0 до 1, с
# весом `weight`. При весе до единицы она лишь решает при равенстве, ведь число переходов целое.


# %%
class LastItemMarkov:
    """Базовая модель: что чаще шло сразу за последним объектом, плюс вес популярного."""

    def __init__(self, weight=1.0):
        self.weight = weight

    def fit(self, sequences, n_items):
        self.sequences_ = sequences
        self.popularity_ = np.bincount(np.concatenate(sequences), minlength=n_items)
        self.counts_ = np.zeros((n_items, n_items))
        for row in sequences:
            np.add.at(self.counts_, (row[:-1], row[1:]), 1)
        self.counts_ += self.weight * self.popularity_ / (1 + self.popularity_.max())
        return self

    def score(self, users):
        return self.score_history([self.sequences_[user] for user in users])

    def score_history(self, sequences):
        return np.array([self.counts_[s[-1]] if len(s) else self.popularity_ for s in sequences])


# %% [markdown]
# Сначала честное предупреждение о данных. **Предскажите, затем запустите**: за какое время зритель
# MovieLens ставит все свои оценки?

# %%
hours = ratings.groupby("user")["timestamp"].agg(np.ptp) / 3600
print(f"от первой до последней оценки: медиана {hours.median():.1f} ч")
print(f"уложились в час: {(hours < 1).mean():.0%} зрителей")

# %% [markdown]
# Оценки ставили почти подряд, по списку, который показывал сайт. Порядок истории здесь — во многом
# порядок показа, а не просмотра (Fan и др., TOIS 2024). Запомним это к опыту с перемешиванием.

# %% [markdown]
# ### Сколько учить и на чём
#
# На валидации подбираем число эпох и сравниваем два способа брать окна: из случайного места истории
# или только из её конца, «последние 50 объектов». Вся кривая — минуты счёта, поэтому она хранится
# рядом с уроком. В этих запусках числа одинарной точности: так вдвое быстрее.


# %%
METRICS = ("HR@10", "NDCG@10")


def learning_curve(split, windows, epochs, step):
    """Валидация раз в ``step`` эпох: строки [эпоха, HR@10, NDCG@10, ошибка, потеря]."""
    rows = []

    def watch(model):
        found = evaluate(model.score, split.test, split.seen, METRICS)
        values = [found["HR@10"], found["NDCG@10"], found.stats("NDCG@10")["se"]]
        rows.append(np.round(values, 4).tolist())
        return found["NDCG@10"]

    how = {"epochs": epochs, "validate_every": step, "patience": epochs, "windows": windows}
    model = BERT4Rec(**how, dtype=np.float32)
    model.fit(liked_in_order(split), split.train.shape[1], watch)
    pairs = zip(model.curve_, rows, strict=True)
    return [[epoch, *row, round(model.losses_[epoch - 1], 3)] for (epoch, _), row in pairs]


def learning_curves(split, epochs, step):
    """Кривые обучения на случайных окнах и на конце истории."""
    return {windows: learning_curve(split, windows, epochs, step) for windows in ("random", "last")}


# %%
curves = stored_result(
    "08_bert4rec.curves",
    learning_curves,
    data={"split": validation},
    params={"epochs": 100, "step": 10},
    tolerance=0.02,
)

# %%
popular = Popularity().fit(validation.train).score
level = evaluate(popular, validation.test, validation.seen, METRICS)["NDCG@10"]
fig, ax = plt.subplots()
for line, (windows, label) in enumerate({"random": "случайные окна", "last": "конец"}.items()):
    epoch, _, mean, se, _ = np.array(curves[windows]).T
    plots.curve(ax, epoch, mean, se, label=f"BERT4Rec, {label}", line=line)
ax.axhline(level, color="0.4", linestyle=":", label="популярное")
ax.set(xlabel="эпоха", ylabel="NDCG@10, валидация", title="Сколько учить")
ax.legend(loc="lower right")
table = pd.DataFrame({w: {row[0]: row[2] for row in rows} for w, rows in curves.items()})
best_epochs = {windows: max(rows, key=lambda row: row[2])[0] for windows, rows in curves.items()}
print(table.round(3).T.to_string())
print("лучшие эпохи:", best_epochs)
plt.show()

# %% [markdown]
# Полоса — одна стандартная ошибка. После десяти эпох сеть даёт то же, что популярное: выучены только
# частоты. К тридцатой качество удвоилось, а потом кривая выходит на полку и дрожит в пределах
# ошибки: «лучшая эпоха» на ней — наполовину случайность.
#
# Так недообученную модель принимают за плохую. Petrov и Macdonald (RecSys 2022) повторили статью:
# настройки авторского кода по умолчанию её чисел не дают, а обучение до тридцати раз дольше — даёт.
#
# Сверим с этой кривой модель, которую мы обучили в начале урока: те же тридцать эпох, но числа
# двойной точности.

# %%
live = evaluate(finished.score, validation.test, validation.seen, METRICS)
stored = dict(zip(("эпоха", "HR@10", "NDCG@10"), curves["random"][2], strict=False))
print(f"обучено сейчас: HR@10 {live['HR@10']:.3f}, NDCG@10 {live['NDCG@10']:.3f}")
print(f"в сохранённой кривой: {stored}")

# %% [markdown]
# Значения почти совпадают. Начальные веса, вопросы и прореживание у обоих запусков одни и те же;
# остаётся округление чисел одинарной точности, накопленное за тридцать эпох.

# %% [markdown]
# ### Подбор с одним бюджетом
#
# Кривые показывают, сколько учить сеть с настройками по умолчанию. Для сравнения этого мало: ширину,
# прореживание, темп и доли закрытых мест никто не выбирал. По правилу курса каждая модель получает
# одно и то же число попыток на валидационной части, базовые тоже; здесь двадцать. Чего
# подбор не трогал: слоёв два, голов две, окно из 50 мест, пакет из 64 окон, окна случайные. Числа при
# подборе одинарной точности, эпох не больше 150, терпение 25. SASRec, родственник BERT4Rec, разобран в
# конце урока.


# %%
def fit_sequences(model, split, validation):
    """Обучить модель на том, что она читает: историях или матрице."""
    if isinstance(model, EASE | Popularity):
        model.fit(split.train)
    else:
        rest = () if validation is None else (validation,)
        model.fit(liked_in_order(split), split.train.shape[1], *rest)


def make_bert4rec(**settings):
    """Сеть для подбора."""
    return models.BERT4Rec(epochs=150, patience=25, dtype=np.float32, **settings)


def make_sasrec(**settings):
    """То же для SASRec."""
    return models.SASRec(epochs=150, patience=25, dtype=np.float32, **settings)


def search(part, budget, seed):
    """Подбор каждой модели урока с одним бюджетом на валидационной части."""
    network = {
        "hidden": [16, 32, 64], "dropout": uniform(0, 0.6), "lr": loguniform(2e-4, 5e-3),
    }  # fmt: skip
    cloze = {**network, "mask_prob": uniform(0.05, 0.75), "last_prob": uniform(0, 0.5)}
    spaces = {
        "Популярное": (Popularity, {}, {}),
        "Марков": (LastItemMarkov, {"weight": loguniform(0.1, 100)}, {}),
        "EASE": (EASE, EASE_SPACE, {}),
        "BERT4Rec": (make_bert4rec, cloze, {"dropout": [0.0], "last_prob": [0.0]}),
        "SASRec": (make_sasrec, network, {"dropout": [0.0]}),
    }
    found = {
        name: tune(
            name, make, space, part, "NDCG@10", budget, seed, natural=natural, fit=fit_sequences
        )
        for name, (make, space, natural) in spaces.items()
    }
    return {name: one.record() for name, one in found.items()}


stored = stored_result(
    "08_bert4rec.search",
    search,
    data={"part": validation},
    params={"budget": 20, "seed": 0},
    tolerance=0.02,
)
searches = {name: Search(**record) for name, record in stored.items()}
chosen = {name: found.params for name, found in searches.items()}
print(*searches.values(), sep="\n")
print(searches["BERT4Rec"].table().round(4).to_string(index=False))

# %% [markdown]
# В таблице — все двадцать попыток BERT4Rec, лучшие сверху. Шесть последних остались там же, где
# популярное: кто попробовал бы только их, решил бы, что модель не работает. Пять верхних лежат в
# пределах одной ошибки, выбирать между ними почти не из чего. Две попытки (`cut`), одна из них в верхней
# пятёрке, кончились пределом эпох и могли бы дойти выше. Лучшая ширина — 64, наибольшая из
# разрешённых, у SASRec тоже. Возьмём эти точки, удвоим ширину и посмотрим, что за краем.


# %%
def beyond_edges(searches):
    """Оговорка «край» → лучшая точка, вынесенная за этот край."""
    shares = dict.fromkeys(("dropout", "mask_prob", "last_prob"), 1)
    return {
        f"{name}, {flag}": past_edge(found, flag, shares)
        for name, found in searches.items()
        for flag in found.flags
        if "край" in flag
    }


def beyond(part, points):
    """Метрика валидации за краем; у сети — наибольшая по эпохам."""

    def quality(model):
        return evaluate(model.score, part.test, part.seen)["NDCG@10"]

    makers = {"BERT4Rec": make_bert4rec, "SASRec": make_sasrec, "Марков": LastItemMarkov}
    found = {}
    for title, point in points.items():
        model = makers[title.partition(",")[0]](**point)
        fit_sequences(model, part, None if title.startswith("Марков") else quality)
        curve = getattr(model, "curve_", None) or [(0, quality(model))]
        found[title] = round(max(value for _, value in curve), 4)
    return found


outside = stored_result(
    "08_bert4rec.beyond",
    beyond,
    data={"part": validation},
    params={"points": beyond_edges(searches)},
    tolerance=0.02,
)
answers = edge_answers(searches, outside)

# %% [markdown]
# ### Тест
#
# Берём выбранные точки, учим в двойной точности на обучающей и валидационной частях вместе, тестируем
# один раз. Всё повторяем с пятью зёрнами: зерно меняет и порядок внутри совпадений времени, и обучение.
# Подбор и тест посчитаны с разными версиями torch, они записаны в файлах результатов. С тем же зерном
# другая версия может дать другое число.
#
# Заодно зададим вопрос о порядке. Опытов два. Первый: обученной модели перед предсказанием перемешают
# последние 49 фильмов зрителя. Какие фильмы сеть видит, не меняется, только их порядок; такие строки
# отмечены звёздочкой. Второй строже: порядка нет и при обучении, фильмы каждого окна перемешаны. Первый
# показывает, пользуется ли модель порядком, и только второй — чего порядок стоит: сеть, которую учили
# без него, могла бы возместить потерю.


# %%
class ShuffledBERT4Rec(BERT4Rec):
    """BERT4Rec, который учится на перемешанных окнах: фильмы те же, порядка нет."""

    def _example(self, sequence, rng):
        start = rng.integers(max(0, len(sequence) - self.max_len) + 1)
        return super()._example(rng.permutation(sequence[start : start + self.max_len]), rng)


def by_history(model, sequences):
    """Функция баллов для ``evaluate``: пользователь → его история в ``sequences`` → баллы."""
    return lambda users: model.score_history([sequences[user] for user in users])


def rules_on_test(split, chosen, seed):
    """Название → функция баллов; у звёздочки перед предсказанием перемешано то, что видит сеть."""
    how = {"seed": seed}
    trained = {
        "Популярное": Popularity(**chosen["Популярное"]),
        "Марков": LastItemMarkov(**chosen["Марков"]),
        "EASE": EASE(**chosen["EASE"]),
        "BERT4Rec": models.BERT4Rec(**chosen["BERT4Rec"], **how),
        "BERT4Rec без порядка": ShuffledBERT4Rec(**chosen["BERT4Rec"], **how),
        "SASRec": models.SASRec(**chosen["SASRec"], **how),
    }
    for model in trained.values():
        fit_sequences(model, split, None)
    rng, n_visible = np.random.default_rng(seed), models.BERT4Rec().max_len - 1
    mixed = [rng.permutation(row[-n_visible:]) for row in liked_in_order(split)]
    rules = {name: model.score for name, model in trained.items()}
    rules |= {f"{name}*": by_history(trained[name], mixed) for name in ("Марков", "BERT4Rec")}
    return rules | {"BERT4Rec без порядка": by_history(trained["BERT4Rec без порядка"], mixed)}


# %% [markdown]
# Каждую модель усредняем по зёрнам для каждого зрителя, разности считаем парные.


# %%
def table_over_seeds(contest, n_seeds):
    """Каждой модели — среднее, ошибка, разброс по зёрнам; каждой паре — парная разность."""
    contests = Parallel(n_jobs=2)(delayed(contest)(seed) for seed in range(n_seeds))
    pooled = over_seeds(contests.__getitem__, n_seeds)
    means = {
        name: {m: np.round([e[m], e.stats(m)["se"], e.seed_sd[m]], 4).tolist() for m in METRICS}
        for name, e in pooled.items()
    }
    differences = []
    for a, b in permutations(pooled, 2):
        for metric in METRICS:
            gap = compare(pooled[a], pooled[b], metric)
            differences.append([a, b, metric, *np.round([gap.mean, gap.se], 4).tolist()])
    return {"means": means, "differences": differences}


def test_over_seeds(ratings, chosen, n_seeds):
    """Выбранные точки на тестовой части."""

    def contest(seed):
        split = board_b(ratings, seed)[1]
        rules = rules_on_test(split, chosen, seed)
        return {n: evaluate(rule, split.test, split.seen, METRICS) for n, rule in rules.items()}

    return table_over_seeds(contest, n_seeds)


# %%
tested = stored_result(
    "08_bert4rec.test",
    test_over_seeds,
    data={"ratings": ratings},
    params={"chosen": chosen, "n_seeds": 5},
    tolerance=0.02,
)


# %%
def difference(a, b, metric="NDCG@10", found=tested):
    """Сохранённая парная разность ``a − b``: среднее и ошибка."""
    return next(tuple(row[3:]) for row in found["differences"] if row[:3] == [a, b, metric])


def gap(a, b, metric="NDCG@10", found=tested):
    """То же, напечатанное."""
    mean, se = difference(a, b, metric, found)
    print(f"{a} − {b}, {metric}: {mean:+.4f} ± {se:.4f}")
    return mean, se


def fair(first, second, searches=searches, answers=answers, found=tested):
    """Проверка пары с ответами на оговорки этих двух моделей."""
    own = {flag: text for flag, text in answers.items() if flag.split(",")[0] in (first, second)}
    check_fair(first, second, searches, difference(first, second, found=found), own)


# %%
form = "{:.3f} ± {:.3f}, разброс {:.3f}"
means = tested["means"]
table = {m: {name: form.format(*row[m]) for name, row in means.items()} for m in METRICS}
print(pd.DataFrame(table).to_string())

fig, ax = plt.subplots(figsize=(7.5, 3))
for place, (name, row) in enumerate(reversed(means.items())):
    mean, se, _ = row["NDCG@10"]
    style = {"fmt": "D", "mfc": "white"} if name.endswith("*") else {"fmt": "o"}
    ax.errorbar(mean, place, xerr=1.96 * se, color="#1b4f8a", capsize=4, **style)
ax.set_yticks(range(len(means)), reversed(means))
ax.set(xlim=(0, None), xlabel="NDCG@10: среднее и 95 % интервал")
ax.set_title("Тест; звёздочка — порядок истории перемешан")
plt.show()

# %% [markdown]
# В таблице — среднее ± стандартная ошибка по 942 зрителям, рядом разброс среднего по пяти зёрнам.
# На рисунке то же с 95 % интервалами; пустые ромбы — предсказание по перемешанной истории. Модели
# стоят на одних и тех же зрителях, поэтому судить надо по парным разностям.

# %%
fair("BERT4Rec", "Популярное")
fair("BERT4Rec", "Марков")
fair("BERT4Rec", "EASE")
mean, se = gap("BERT4Rec", "EASE", "HR@10")

# %% [markdown]
# При двадцати попытках у каждой модели BERT4Rec вдвое лучше популярного и лучше марковской цепи:
# разности больше двух ошибок. От EASE сеть не отличить ни по NDCG@10, −0,0110 при ошибке 0,0071, ни по
# HR@10. В первой версии этого урока сеть с настройками по умолчанию стояла рядом с EASE, и вывод гласил:
# победы нейронной сети здесь нет. Разность и теперь не в пользу сети, но меньше двух ошибок, и сказано
# это о двадцати попытках на этих данных, а не о нейронных сетях вообще. С другими двадцатью точками
# выводы те же: см. конец «Углубления».
#
# А теперь порядок. EASE и популярное его не видят. Упали ли остальные?

# %%
shuffled_loss = {name: gap(name, f"{name}*") for name in ("Марков", "BERT4Rec")}
mean, se = gap("BERT4Rec", "BERT4Rec без порядка")

# %% [markdown]
# Без порядка цепь теряет 0,0240 при ошибке 0,0051, BERT4Rec — 0,0344 при ошибке 0,0044: обученная сеть
# порядком пользуется. И он чего-то стоит: сеть, которую учили на перемешанных окнах, отстаёт от
# обычной на 0,0278 при ошибке 0,0057, то есть возместить потерю ей не удалось. Но вспомним, откуда этот
# порядок: оценки ставили подряд, по страницам сайта. Сеть угадывает в том числе, что покажут следующим.

# %% [markdown]
# ### Куда смотрит [MASK]
#
# Веса внимания можно увидеть. Возьмём обученную на цепи сеть и нашу сеть MovieLens и усредним по
# историям веса места [MASK] в последнем слое.


# %%
def mask_attention(model, sequences):
    """Средние веса места [MASK] в последнем слое, ``(n_heads, T)``; короткие истории пропущены."""
    net, enough = model.net_.eval(), min(model.max_len, 50) - 1
    kept = [question(row, model.max_len, net.mask) for row in sequences if len(row) >= enough]
    tokens = pad_left(kept, net.pad)
    h = net.norm(net.items(tokens) + net.positions.weight[-tokens.shape[1] :])
    for block in net.blocks[:-1]:
        h = block(h, tokens != net.pad)
    weights = net.blocks[-1].attend(h, tokens != net.pad)[1]
    return weights[:, :, -1].mean(dim=0).detach().numpy()


fig, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True)
sources = [("Цепь", on_chain, known), ("MovieLens", finished, history)]
looks = {"color": "#1b4f8a"}, {"color": "w", "ec": "#c4561a", "hatch": "//"}
for ax, (title, model, rows) in zip(axes, sources, strict=True):
    heads = mask_attention(model, rows)[:, -12:]
    width = 0.8 / len(heads)
    for number, head in enumerate(heads):
        places = np.arange(1 - len(head), 1) + (number - (len(heads) - 1) / 2) * width
        ax.bar(places, head, width, label=f"голова {number + 1}", **looks[number % 2])
    ax.set(title=title, xlabel="место: 0 — [MASK], −1 — последний объект")
axes[0].legend()
axes[0].set_ylabel("средний вес внимания")
plt.show()

# %% [markdown]
# На цепи сеть нашла правило сама: одна голова смотрит только на последний объект, другая — на сам
# [MASK], то есть никуда. На рисунке последние двенадцать мест; у MovieLens их пятьдесят. Там обе
# головы похожи: вес растёт к концу истории, около половины его приходится на последние четыре
# фильма. Но ни одному фильму не достаётся и пятой части: ни один не решает всего.
#
# ### Почему именно эти фильмы
#
# У сети нет слагаемых, как у EASE, но есть представления объектов: те самые $E$ на входе и выходе.
# Посмотрим, какие фильмы каталога ближе всего к совету (косинус после вычитания среднего). И
# проверим прямо: на сколько изменится логарифм вероятности совета, если убрать из истории один
# фильм.

# %%
E_centred = (net.items.weight[: net.pad] - net.items.weight[: net.pad].mean(dim=0)).detach()
unit = F.normalize(E_centred, dim=1).numpy()
liked = history[viewer]
for item in suggested[:2]:
    nearest = np.argsort(-(unit @ unit[item]).round(10), kind="stable")[1:4]
    print(films[item], *(f"{unit[i] @ unit[item]:.2f}  {films[i]}" for i in nearest), sep="\n   ")
without = [np.delete(liked, place) for place in range(len(liked))]
scores = finished.score_history([liked, *without])
logits = torch.from_numpy(scores).log_softmax(dim=1)[:, suggested]
print(f"наибольшее изменение: {(logits[1:] - logits[0]).abs().max():.2f}")

# %% [markdown]
# Ближайшие по всему каталогу — фильмы того же времени, а не того же жанра: у «Английского
# пациента», драмы, это детектив, комедия и фантастика. Убрать любой один фильм истории —
# почти ничего не изменить. Похоже, после тридцати эпох сеть узнаёт главное: из какой поры история.
# Это и есть «нечто другое» из начала урока.

# %% [markdown]
# ## Рычаги
#
# | рычаг | что делает | в коде авторов |
# |---|---|---|
# | `max_len` | сколько истории видно; цена растёт как квадрат | 200 на MovieLens, 50 на товарах |
# | `mask_prob` $\rho$ | больше — больше ответов за проход, но меньше контекста | 0,2 на MovieLens, 0,6 на Beauty (код статьи CIKM 2019) |
# | `hidden`, `n_layers`, `n_heads` | ёмкость сети | 64–256, 2 слоя, 2–8 голов |
# | `dropout` | больше — медленнее учится и меньше запоминает | 0,2–0,5 на MovieLens-1M |
# | `epochs`, `lr` | сколько шагов и каких | 400 000 шагов по 256 окон, темп 1e-4 |
#
# Справа — значения из хранилища FeiSun/BERT4Rec, а не из текста статьи. Один рычаг можно подвигать
# без обучения: сколько последних фильмов показать готовой модели.

# %%
shown = [1, 2, 5, 10, 20, 49]
by_length = [
    evaluate(by_history(finished, [row[-n:] for row in history]), validation.test, validation.seen)
    for n in shown
]
fig, ax = plt.subplots()
stats = [e.stats("NDCG@10") for e in by_length]
plots.curve(ax, shown, [s["mean"] for s in stats], [s["se"] for s in stats])
ax.set(xscale="log", xlabel="сколько последних фильмов видит модель", ylabel="NDCG@10, валидация")
ax.set_xticks(shown, shown)
ax.set_title("Длина истории")
check_better("десять фильмов лучше одного", by_length[3], by_length[0], "NDCG@10")
plt.show()


# %%
def show_list(n=10):
    """Список нашего зрителя, если модель видит только ``n`` его последних фильмов."""
    rows = [row[-n:] for row in history]
    print(
        *films[recommend(by_history(finished, rows), [viewer], validation.seen, k=6)[0]], sep="\n"
    )


plots.live(show_list, {"n": "последних фильмов"}, n=(1, 49))

# %% [markdown]
# Одного последнего фильма мало, но пять дают почти всё. Дальше кривая плоская в пределах полосы. В
# JupyterLab под ячейкой есть ползунок. Подвиньте его к одному фильму и посмотрите, сколько советов
# уцелеет.

# %% [markdown]
# ## Типичные ошибки
#
# ### Ошибка 1. Забыть `batch_first`
#
# `nn.TransformerEncoderLayer` по умолчанию читает вход как (место, пакет, $d$). Мы подаём (пакет,
# место, $d$), формы совпадают, ошибки нет. **Предскажите, затем запустите**: вдоль чего теперь идёт
# внимание и что скажут три теста?

# %%
torch.manual_seed(0)
sizes = finished.hidden, finished.n_heads
mistaken = nn.TransformerEncoderLayer(*sizes, dropout=0.0).double().eval()  # ОШИБКА: ось пакета


def encode_mistaken(tokens):
    """Та же вставка мест и объектов, но слой с осями по умолчанию."""
    return mistaken(net.norm(net.items(tokens) + net.positions.weight[-tokens.shape[1] :]))


with torch.no_grad():
    gaps = [gap_of(encode_mistaken, short) for gap_of in (batch_gap, order_gap, padding_gap)]
print("меняют ответ: чужие истории {:.2f}, порядок {:.2f}, дополнение {:.2f}".format(*gaps))

# %% [markdown]
# Внимание идёт поперёк пакета: каждое место смотрит на то же место чужих историй, а своей истории
# не видит. Ответ зависит от соседей по пакету и не зависит от порядка. Третий тест модель проходит,
# но впустую: каждое место и так ничего не видит, кроме своего столбца. Потеря при этом падает,
# список печатается, и без тестов такую модель легко принять за последовательную. При пакете из
# одного зрителя она видит только последний номер — [MASK], всегда один и тот же: совет у всех
# одинаков.
#
# ### Ошибка 2. Учить только на конце истории
#
# «Сеть видит последние 50 объектов, значит, на них и учим». Так обрезают истории многие примеры. Но
# у активных зрителей пропадает почти всё. Посчитаем, сколько, и испытаем оба способа на тесте: настройки
# по умолчанию, пять зёрен, у каждого способа своё число эпох с кривых выше.


# %%
def windows_over_seeds(ratings, epochs, n_seeds):
    """Тест двух способов брать окна: настройки по умолчанию, эпохи у каждого свои."""

    def contest(seed):
        split, found = board_b(ratings, seed)[1], {}
        for windows in ("random", "last"):
            how = {"epochs": epochs[windows], "windows": windows, "seed": seed}
            model = models.BERT4Rec(**how, dtype=np.float32)
            fit_sequences(model, split, None)
            found[windows] = evaluate(model.score, split.test, split.seen, METRICS)
        return found

    return table_over_seeds(contest, n_seeds)


by_windows = stored_result(
    "08_bert4rec.windows",
    windows_over_seeds,
    data={"ratings": ratings},
    params={"epochs": best_epochs, "n_seeds": 5},
    tolerance=0.02,
)

# %%
lengths = np.array([len(row) for row in history])
lost = np.maximum(lengths - 50, 0).sum() / lengths.sum()
print(f"взаимодействий вне последних 50: {lost:.0%}")
mean, se = gap("random", "last", found=by_windows)
check_true("случайные окна лучше", mean > 2 * se)

# %% [markdown]
# Вне окна остаются две пятых данных. Случайные окна показывают сети всю историю, и на тесте это
# больше двух ошибок разницы. Обучение при этом не дороже: за эпоху в обоих случаях берётся одно
# окно на историю.

# %% [markdown] tags=["deep"]
# ### Углубление. Ошибка 3: ни одного закрытого места
#
# Бросая монету о каждом месте, можно не закрыть ничего. Если так вышло со всем пакетом, средняя
# потеря — ноль, делённый на ноль. Веса от этого не портятся: градиент пуст. Но средняя потеря эпохи
# станет `nan`, и обучение остановится с советом уменьшить темп, который здесь ни при чём.

# %% tags=["deep"]
nothing = torch.full_like(masked, -1)
print(f"потеря пакета без закрытых мест: {cloze_loss(checked, masked, nothing).item()}")
counts = [n_masked(length, 0.2) for length in range(1, 200)]
check_true("у нас закрыто хотя бы одно место", min(counts) == 1)

# %% [markdown] tags=["deep"]
# ### Углубление. Ошибка 4: вопросы, выбранные один раз
#
# Ошибка потише: окно и закрытые места выбирают до обучения, и сеть сто эпох видит одни и те же
# вопросы. **Предскажите, затем запустите**: какая из двух моделей кончит с меньшей потерей при
# обучении и какая — с большей NDCG@10?


# %% tags=["deep"]
class FrozenBERT4Rec(BERT4Rec):
    """ОШИБКА: зерном служит сама история, и второй раз выходит тот же вопрос."""

    def _example(self, sequence, rng):
        return super()._example(sequence, np.random.default_rng(sequence))


def frozen_curve(split, epochs, step):
    """Как :func:`learning_curve`, но вопросы одни на все эпохи: строки [эпоха, NDCG@10, потеря]."""

    def watch(model):
        return evaluate(model.score, split.test, split.seen)["NDCG@10"]

    model = FrozenBERT4Rec(epochs=epochs, validate_every=step, patience=epochs, dtype=np.float32)
    model.fit(liked_in_order(split), split.train.shape[1], watch)
    return [[e, round(value, 4), round(model.losses_[e - 1], 3)] for e, value in model.curve_]


frozen_rows = stored_result(
    "08_bert4rec.frozen",
    frozen_curve,
    data={"split": validation},
    params={"epochs": 100, "step": 10},
    tolerance=0.02,
)

# %% tags=["deep"]
fig, axes = plt.subplots(1, 2, figsize=(8, 3))
fresh_rows = [[epoch, mean, loss] for epoch, _, mean, _, loss in curves["random"]]
for line, (title, rows) in enumerate(
    {"новые каждую эпоху": fresh_rows, "одни и те же": frozen_rows}.items()
):
    epoch, mean, loss = np.array(rows).T
    plots.curve(axes[0], epoch, loss, line=line, label=title)
    plots.curve(axes[1], epoch, mean, line=line, label=title)
    print(f"вопросы {title}: потеря {loss[-1]:.2f}, NDCG@10 {mean[-1]:.3f},", end=" ")
    print(f"наибольшая {mean.max():.3f}")
axes[0].set(xlabel="эпоха", ylabel="потеря при обучении", title="Вопросы: что видно при обучении")
axes[1].set(xlabel="эпоха", ylabel="NDCG@10, валидация", title="и что на самом деле")
axes[0].legend()
plt.show()

# %% [markdown] tags=["deep"]
# Потеря вчетверо меньше, а NDCG@10 после тридцати эпох пошла вниз: сеть заучила ответы. По одной
# потере при обучении худшая модель выглядит намного лучше. Наш `_example` спрашивает заново каждую эпоху.
#
# ### Углубление. Ошибка 5: дополнить объектом 0
#
# Соблазн велик: `np.zeros` уже заполнена нулями. Но 0 — настоящий объект, и сеть его читает.

# %% tags=["deep"]
with torch.no_grad():
    for title, pad in (("своим номером", net.pad), ("объектом 0", 0)):
        print(f"дополнение {title} меняет ответ на {padding_gap(net, short, pad):.2f}")

# %% [markdown] tags=["deep"]
# Ответ зрителя теперь зависит от того, чья история в пакете длиннее. Ловит тот же третий тест.
#
# ### Углубление. Ошибка 6: читать каждое место
#
# Вместо одного места с [MASK] собирают по три лучших объекта с каждого места и берут те, что
# встретились чаще. Открытые места ничего не спрашивают, сеть на них не училась.


# %% tags=["deep"]
def votes(users, top=3):
    """ОШИБКА: сколько мест вопроса назвали объект среди ``top`` лучших."""
    counts = np.zeros((len(users), len(films)))
    for row, user in zip(counts, users, strict=True):
        asked = torch.from_numpy(question(history[user], finished.max_len, net.mask))[None]
        with torch.no_grad():
            best = net.logits(net(asked))[0].topk(top).indices
        np.add.at(row, best.flatten().numpy(), 1)
    return counts


# %% tags=["deep"]
asked = evaluate(finished.score, validation.test, validation.seen)
voted = evaluate(votes, validation.test, validation.seen)
print(f"одно место [MASK]: {asked['NDCG@10']:.3f}, голосование мест: {voted['NDCG@10']:.3f}")
check_better("одно место лучше голосования", asked, voted, "NDCG@10")

# %% [markdown] tags=["deep"]
# Почти половина качества пропала. Открытые места отвечать не учили, а голосов у них в десятки раз
# больше, чем у [MASK].
#
# ### Углубление. Ошибка 7: поделить потерю не на то
#
# Сумму средних по пакетам делят на число историй вместо числа пакетов. Напечатанное число красиво
# мало, но с $\ln I$ его уже не сравнить.

# %% tags=["deep"]
per_batch, n_batches, n_histories = 3.9, 3, 80
print(f"наугад из 50 объектов: {np.log(50):.2f}")
print(f"верно: {per_batch:.2f}, с ошибкой: {per_batch * n_batches / n_histories:.3f}")

# %% [markdown] tags=["deep"]
# Потеря 3,9 — это «не знает ничего», а напечатано 0,146. Ловит проверка, которую мы уже сделали:
# **до обучения потеря близка к $\ln I$**.
#
# ### Углубление. Ошибка 8: метрика на подвыборке
#
# Во многих статьях верный объект ранжируют среди ста случайных, а не среди всего каталога. Сравним
# популярное и марковскую цепь без поправки на популярность. **Предскажите, затем запустите**:
# сохранится ли порядок моделей?

# %% tags=["deep"]
markov = LastItemMarkov().fit(history, len(films))
sharp = np.floor(markov.counts_)  # без дробной поправки на популярность


def bare(users):
    """Баллы марковской цепи: только числа переходов."""
    return np.array([sharp[history[u][-1]] if len(history[u]) else 0 * sharp[0] for u in users])


def sampled_hit(score, split, n_negatives=100, k=10, seed=0):
    """HR@k каждого зрителя среди случайных не виденных фильмов; совпадения баллов — пополам."""
    users, rng, hits = np.flatnonzero(np.diff(split.test.indptr)), np.random.default_rng(seed), []
    for user, scores in zip(users, score(users), strict=True):
        target = split.test[[user]].indices[0]
        taken = np.append(split.seen[[user]].indices, target)
        free = np.setdiff1d(np.arange(scores.size), taken)
        rivals = scores[rng.choice(free, n_negatives, replace=False)]
        place = (rivals > scores[target]).sum() + (rivals == scores[target]).sum() / 2
        hits.append(place < k)
    return np.array(hits)


# %% tags=["deep"]
for title, measure in (
    (
        "весь каталог",
        lambda rule: (
            evaluate(rule, validation.test, validation.seen, METRICS).values["HR@10"].to_numpy()
        ),
    ),
    ("сто случайных", lambda rule: sampled_hit(rule, validation)),
):
    popular_hits, markov_hits = measure(popular), measure(bare)
    advantage = markov_hits.astype(float) - popular_hits
    se = advantage.std(ddof=1) / np.sqrt(len(advantage))
    print(
        f"{title}: популярное {popular_hits.mean():.3f}, Марков {markov_hits.mean():.3f},", end=" "
    )
    print(f"разность {advantage.mean():+.3f} ± {se:.3f}")

# %% [markdown] tags=["deep"]
# Порядок перевернулся, и обе разности далеко за пределами ошибки. Когда ранжируют весь каталог,
# марковская цепь угадывает чаще: у неё много уверенных попаданий. Но там, где перехода в данных не
# было, она не отличает хороший фильм от случайного, а популярное отличает. Сто случайных соперников
# измеряют именно это. О несогласованности таких метрик — Krichene и Rendle (KDD 2020).

# %% [markdown]
# ## Цена
#
# | что | умножений на окно | память |
# |---|---|---|
# | внимание | $2T^2d$ на слой | $mT^2$ весов на окно |
# | запросы, ключи, значения, выход | $4Td^2$ на слой | $4d^2$ параметров |
# | сеть внутри слоя | $8Td^2$ на слой | $8d^2$ параметров |
# | баллы закрытых мест | $\rho T\,d\,I$ | $\rho T\,I$ баллов, $I\,d$ параметров |

# %%
T, d, n_layers = finished.max_len, finished.hidden, finished.n_layers
print(f"слоёв {n_layers}: {n_layers * (2 * T**2 * d + 12 * T * d**2):.1e} умножений")
for title, places in (("закрытых мест", 0.2 * T), ("всех мест", T)):
    print(f"баллы {title}: {places * d * len(films):.1e} умножений")
n_numbers = sum(tensor.numel() for tensor in net.parameters())
print(f"чисел в сети: {n_numbers}, из них представления объектов: {net.items.weight.numel()}")

# %% [markdown]
# При каталоге в полторы тысячи баллы всех мест стоили бы столько же, сколько оба слоя; отбор
# закрытых мест делает их впятеро дешевле. При каталоге в сто тысяч баллы дороже слоёв раз в десять
# даже с отбором, и в знаменатель softmax берут выборку объектов. Длинная история дорога из-за
# внимания: $T^2$. Половина чисел сети — представления объектов. Во сколько раз отбор ускоряет
# эпоху, измеряет команда из папки `benchmarks`. На видеокарте тот же код учится с `device="cuda"`.

# %% [markdown] tags=["deep"]
# ### Углубление. Что было потом
#
# Ближайший родственник BERT4Rec старше его на год: **SASRec** (Kang, McAuley, ICDM 2018). Кодировщик
# тот же, отличий два. Место смотрит только на себя и влево: **причинная маска** (causal mask). И
# спрашивают не о закрытых местах, а о каждом: место $t$ предсказывает объект $v_{t+1}$, то есть ответы —
# та же история, сдвинутая на один. [MASK] не нужен, отвечает последнее место.
#
# В исходной статье (ICDM 2018) верный объект сравнивали с одним случайным. Klenitskiy и Vasilev (RecSys
# 2023) заменили эту потерю той, на которой учится BERT4Rec, — softmax по всему каталогу:
#
# $$
# \mathcal L=-\frac1{|M|}\sum_{(u,t)\in M}\log\frac{e^{z_{t,v_{t+1}}}}{\sum_i e^{z_{ti}}},
# $$
#
# где $M$ — все места пакета, кроме дополнения. С ней SASRec в их опытах впереди BERT4Rec (RecSys 2023).
# Отсюда вопрос: что важнее, двунаправленность или потеря?
#
# Соберём модель из частей урока. У первого объекта истории слева ничего нет, поэтому перед окном
# ставим служебный номер, тот же, что был у [MASK]: он значит «начало».


# %% tags=["model", "deep"]
class CausalEncoder(SequenceEncoder):
    """Кодировщик, где место видит себя и то, что левее (Kang, McAuley, ICDM 2018)."""

    def visible(self, tokens):
        """На какие места можно смотреть каждому, форма ``(B, T, T)``; дополнение видит себя."""
        left = torch.ones(tokens.shape[1], tokens.shape[1], device=tokens.device).tril().bool()
        itself = torch.eye(tokens.shape[1], dtype=torch.bool, device=tokens.device)
        return (tokens != self.pad)[:, None] & left | itself


class SASRec(BERT4Rec):
    """Следующий объект по истории: кодировщик с причинной маской, softmax по каталогу.

    Kang, McAuley, ICDM 2018; полная потеря — Klenitskiy, Vasilev, RecSys 2023. Гиперпараметры те
    же, что у ``BERT4Rec``, кроме закрытых мест: их здесь нет.
    """

    encoder = CausalEncoder

    def __init__(
        self, max_len=50, hidden=64, n_layers=2, n_heads=2, dropout=0.1, epochs=100, batch_size=64,
        lr=1e-3, seed=0, device="cpu", windows="random", validate_every=5, patience=30,
        dtype=np.float64,
    ):  # fmt: skip
        super().__init__(
            max_len, hidden, n_layers, n_heads, dropout, epochs=epochs, batch_size=batch_size,
            lr=lr, seed=seed, device=device, windows=windows, validate_every=validate_every,
            patience=patience, dtype=dtype,
        )  # fmt: skip

    def _example(self, sequence, rng):
        """Окно истории: вход — начало и всё, кроме последнего; ответы — само окно."""
        max_len = int(self.max_len)
        latest = max(0, len(sequence) - max_len)
        start = rng.integers(latest + 1) if self.windows == "random" else latest
        window = sequence[start : start + max_len]
        return np.append(self.net_.mask, window[:-1]), window

    def _question(self, history, max_len):
        """Начало и последние объекты; о следующем отвечает последнее место."""
        return np.append(self.net_.mask, history[max(0, len(history) - max_len + 1) :])


# %% [markdown] tags=["deep"]
# Класс меняет три вещи: маску, вопрос при обучении и вопрос при предсказании. Всё остальное — код
# BERT4Rec. **Проверка.** Наши слои с причинной маской сверим с `nn.TransformerEncoder` и его маской;
# потом заменим последний объект и убедимся, что места левее об этом не узнали.

# %% tags=["deep"]
generator = torch.Generator().manual_seed(0)
causal = models.SASRec.encoder(len(films), 50, 16, 2, 2, 0.0, generator).eval()
replaced = torch.cat([short[:, :-1], (short[:, -1:] + 1) % len(films)], dim=1)
with torch.no_grad():
    h0 = causal.norm(causal.items(short) + causal.positions.weight[-short.shape[1] :])
    mask = nn.Transformer.generate_square_subsequent_mask(short.shape[1], dtype=torch.float64)
    check_close("причинная маска и PyTorch", causal(short), torch_encoder(causal, 16, 2)(h0, mask))
    check_close("места слева не видят правых", causal(replaced)[:, :-1], causal(short)[:, :-1])

# %% [markdown] tags=["deep"]
# SASRec подобрана вместе с остальными, с тем же бюджетом; закрытых мест у неё нет, гиперпараметров на
# два меньше.

# %% tags=["deep"]
fair("SASRec", "BERT4Rec")
fair("SASRec", "EASE")
fair("SASRec", "Марков")
mean, se = gap("SASRec", "BERT4Rec", "HR@10")
print("эпох:", {name: chosen[name]["epochs"] for name in ("BERT4Rec", "SASRec")})

# %% [markdown] tags=["deep"]
# SASRec и BERT4Rec неразличимы: разность 0,0063 при ошибке 0,0047. От EASE SASRec не отличить тоже:
# −0,0047 при ошибке 0,0074. Марковская цепь отстаёт от SASRec на 0,0269 при ошибке 0,0053. На вопрос
# «двунаправленность или потеря?» опыт отвечает лишь отчасти: потеря у обеих сетей одна, softmax по всему
# каталогу, и заметного преимущества двунаправленности не видно. Но маска и вопросы меняются вместе,
# порознь их никто не менял.

# %% [markdown] tags=["deep"]
# ### Углубление. Другое зерно подбора
#
# Двадцать точек — случайная выборка. Выберем их другим зерном и повторим всё, до теста.

# %% tags=["deep"]
stored_again = stored_result(
    "08_bert4rec.search_again",
    search,
    data={"part": validation},
    params={"budget": 20, "seed": 1},
    tolerance=0.02,
)
again = {name: Search(**record) for name, record in stored_again.items()}
outside_again = stored_result(
    "08_bert4rec.beyond_again",
    beyond,
    data={"part": validation},
    params={"points": beyond_edges(again)},
    tolerance=0.02,
)
answers_again = edge_answers(again, outside_again)
tested_again = stored_result(
    "08_bert4rec.test_again",
    test_over_seeds,
    data={"ratings": ratings},
    params={"chosen": {name: found.params for name, found in again.items()}, "n_seeds": 5},
    tolerance=0.02,
)

# %% tags=["deep"]
fair("BERT4Rec", "Популярное", again, answers_again, tested_again)
fair("BERT4Rec", "Марков", again, answers_again, tested_again)
fair("BERT4Rec", "EASE", again, answers_again, tested_again)
fair("SASRec", "BERT4Rec", again, answers_again, tested_again)
fair("SASRec", "EASE", again, answers_again, tested_again)
fair("SASRec", "Марков", again, answers_again, tested_again)

# %% [markdown] tags=["deep"]
# Обе выборки точек рядом: разность по NDCG@10 и её ошибка.

# %% tags=["deep"]
pairs = [("BERT4Rec", name) for name in ("Популярное", "Марков", "EASE", "BERT4Rec без порядка")]
pairs += [("SASRec", name) for name in ("BERT4Rec", "EASE", "Марков")]
both = {
    f"{a} − {b}": {
        f"зерно {seed}": "{:+.4f} ± {:.4f}".format(*difference(a, b, found=found))
        for seed, found in enumerate((tested, tested_again))
    }
    for a, b in pairs
}
print(pd.DataFrame(both).T.to_string())
mean, se = gap("BERT4Rec", "EASE", "HR@10", tested_again)
for seed, found in enumerate((searches, again)):
    best, longer = found["BERT4Rec"].best, found["BERT4Rec"].longer
    print(
        f"зерно {seed}, BERT4Rec на валидации: {best['mean']:.4f}, эпоха {best['epoch']}; ", end=""
    )
    print(f"с удвоенным терпением {longer['mean']:.4f}, эпоха {longer['epoch']}")

# %% [markdown] tags=["deep"]
# Ни одна из этих разностей не перешла границы двух ошибок. Ближе всех к ней BERT4Rec − EASE: −0,0140 при
# ошибке 0,0073. Порядок и здесь чего-то стоит: 0,0225 при ошибке 0,0056. Оговорка: с удвоенным терпением
# лучшая точка BERT4Rec поднялась на валидации с 0,1072 до 0,1141, почти на ошибку, а на тест пошла
# прежняя, в 90 эпох. Удвоенное терпение при обоих зёрнах оборвал предел в 150 эпох: обучи мы BERT4Rec
# дольше, разности с нею могли бы измениться.


# %% [markdown]
# ## Проверьте себя
#
# **1.** Зачем при обучении закрывать места, если при предсказании закрыто только последнее?
#
# <details><summary>Ответ</summary>
#
# Один проход даёт столько ответов, сколько мест закрыто, и каждый раз разные. Если закрывать только
# последнее, из окна получается один ответ, и всегда один и тот же. Плата — разница между обучением
# и предсказанием; её уменьшает `last_prob`.
#
# </details>
#
# **2.** Почему дополнению нельзя отдать номер 0?
#
# <details><summary>Ответ</summary>
#
# Номер 0 — настоящий объект. Тогда его либо нельзя рекомендовать, либо внимание смотрит на
# дополнение как на просмотр этого объекта, и ответ зависит от длины самой длинной истории пакета.
#
# </details>
#
# **3.** Модель прошла обучение, потеря вдвое меньше $\ln I$, а на тесте она не лучше популярного.
# Что проверить прежде всего?
#
# <details><summary>Ответ</summary>
#
# Три теста: пакет, порядок, дополнение. Потом — что вопрос кончается [MASK] и читается именно это
# место. Потом — берутся ли вопросы заново каждую эпоху: на одних и тех же сеть заучивает ответы.
# Недообученная модель выглядит иначе: у неё и потеря велика.
#
# </details>
#
# **4.** Перемешали истории — метрика не изменилась. Что это говорит о модели и что о данных?
#
# <details><summary>Ответ</summary>
#
# Либо модель порядка не видит (нет мест, спутаны оси), либо в данных порядка нет. Различить
# помогает марковская цепь: если она от перемешивания падает, порядок в данных есть, а модель его не
# видит.
#
# </details>
#
# ### Попробуйте сами 1. Вопрос постоянной длины
#
# Верните строку из ровно `max_len` номеров: слева дополнение `pad`, затем последние объекты
# истории, в конце `mask`. Пустая история допустима.

# %%
row_cases = [
    (([3, 1, 4], 5, 90, 91), [90, 3, 1, 4, 91], "дополнение — слева, [MASK] — последним"),
    (([5, 6, 7, 8, 9], 4, 90, 91), [7, 8, 9, 91], "мест всего max_len, и одно занимает [MASK]"),
    (([0, 2, 0], 5, 90, 91), [90, 0, 2, 0, 91], "объект 0 — настоящий, и он может повториться"),
    (([0, 2], 3, 7, 8), [0, 2, 8], "дополнение нужно, только если история коротка"),
    (([], 3, 90, 91), [90, 90, 91], "пустая история — только дополнение и [MASK]"),
]


# %% tags=["task"]
def question_row(history, max_len, pad, mask):
    """Вопрос модели строкой длины max_len."""
    return None  # ваш код


check_task("Задание 1", question_row, row_cases)


# %% tags=["answer"]
def question_row_answer(history, max_len, pad, mask):
    known = list(history)[max(0, len(history) - max_len + 1) :]
    return np.array([pad] * (max_len - 1 - len(known)) + known + [mask])


check_task("Ответ к заданию 1", question_row_answer, row_cases)

# %% [markdown]
# После первой попытки вывод ячейки скажет, что не так. Верный ответ свёрнут в следующей ячейке.
#
# ### Попробуйте сами 2. Внимание одного места
#
# Посчитайте на numpy смесь значений для одного места. Вход: запрос $q$ длины $d$, ключи $K$
# $(T,d)$, значения $V$ $(T,d_v)$ и `real` — какие места настоящие. Выход: вектор длины $d_v$.

# %%
keys = np.array([[0.0], [np.log(2)], [0]])
yes, part = np.array([True, True, True]), np.array([False, True, True])
one, four, huge = np.array([1.0]), np.ones(4), np.array([2e3])
attention_cases = [
    ((one, keys, V_toy, yes), [1, 2], "softmax произведений, затем сумма значений"),
    ((four, np.tile(keys, 4), V_toy, yes), [4 / 6, 16 / 6], "поделите на корень из d"),
    ((one, keys, V_toy, part), [0, 8 / 3], "вес дополнения — ноль, сумма весов — 1"),
    ((huge, keys, V_toy, yes), [0, 4], "вычтите из произведений наибольшее: экспонента огромна"),
    ((huge, keys, V_toy, part[[1, 0, 2]]), [2, 0], "наибольшее ищут среди настоящих мест"),
]


# %% tags=["task"]
def attend_one(q, K, V, real):
    """Смесь значений для одного запроса."""
    return None  # ваш код


check_task("Задание 2", attend_one, attention_cases)


# %% tags=["answer"]
def attend_one_answer(q, K, V, real):
    products = np.where(real, K @ q / np.sqrt(len(q)), -np.inf)
    exponents = np.exp(products - products.max())
    return exponents / exponents.sum() @ V


check_task("Ответ к заданию 2", attend_one_answer, attention_cases)

# %% [markdown]
# ## Итоги
#
# - BERT4Rec закрывает случайные места окна и учится их угадывать; вопрос при предсказании — история
#   и [MASK] в конце.
# - Три теста — пакет, порядок, дополнение — отделяют последовательную модель от той, что только так
#   называется. До обучения потеря близка к $\ln I$.
# - Недообученная модель выглядит как плохая. Смотрите на кривую, а не на одну эпоху.
# - Перед тем как хвалить порядок, перемешайте его внутри окна, и при обучении тоже. Здесь без порядка
#   теряется около четверти качества.
# - Прежде чем сравнивать модели, дайте им одно и то же число попыток. При двадцати BERT4Rec, SASRec и EASE
#   на этих данных неразличимы.
#
# **Что в статьях.** На MovieLens-1M Petrov и Macdonald (RecSys 2022) получили Recall@10 = 0,2821
# при ранжировании всего каталога, а при ста отрицательных примерах, взятых по популярности, —
# 0,6975, как в исходной статье. Разница между этими числами — только способ измерения. Наши данные
# в десять раз меньше, и протокол другой: сравнивать с ними нашу таблицу нельзя. Мы отступили и от
# авторского кода: темп обучения постоянный, прореживания весов внимания нет, служебные номера в
# softmax не входят.
#
# **Где метод проигрывает.** Klenitskiy и Vasilev (RecSys 2023) показали: SASRec, который смотрит
# только влево и учится предсказывать следующий объект, с той же потерей заметно лучше BERT4Rec и
# учится быстрее. Наш опыт — в углублении «Что было потом».
#
# **Дальше.** [02_tifu_knn](02_tifu_knn.ipynb) — порядок покупок без нейронной сети.
#
# **Источники.** F. Sun, J. Liu, J. Wu, C. Pei, X. Lin, W. Ou, P. Jiang. BERT4Rec: Sequential
# Recommendation with Bidirectional Encoder Representations from Transformer. CIKM 2019. A. Vaswani
# и др. Attention Is All You Need. NeurIPS 2017. A. Petrov, C. Macdonald. A Systematic Review and
# Replicability Study of BERT4Rec for Sequential Recommendation. RecSys 2022. A. Klenitskiy, A.
# Vasilev. Turning Dross Into Gold Loss: Is BERT4Rec Really Better than SASRec? RecSys 2023. Y. Fan
# и др. Our Model Achieves Excellent Performance on MovieLens: What Does It Mean? TOIS 42(6), 2024.
# W. Krichene, S. Rendle. On Sampled Metrics for Item Recommendation. KDD 2020.
