# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Конкурс. Что прочтут дальше
#
# У вас истории чтения полутора тысяч человек и каталог из шестисот книг. Составьте каждому читателю
# список из десяти книг, которые он скорее всего возьмёт в ближайшее время. Готового ответа нет: нужно
# рассмотреть данные, высказать догадку, проверить её и сделать список лучше.
#
# | | |
# |---|---|
# | **Что сдать** | `predictions.csv` и эту тетрадь, в которой он получен |
# | **Как судят** | NDCG@10 на книгах, которые читатели взяли потом |
# | **Время** | от двух часов; тетрадь исполняется меньше минуты |
# | **Что нужно знать** | уроки 00a, 00b и 04; пригодится любой другой |

# %% [markdown]
# ## Данные
#
# Рядом с тетрадью лежат два файла.
#
# | Файл | Столбцы | Что в нём |
# |---|---|---|
# | `train.csv` | `user, item, date` | кто, какую книгу и когда взял; у каждого читателя от 15 до 40 книг, повторов нет |
# | `books.csv` | `item, section` | в каком разделе библиотеки стоит книга |
#
# Номера читателей и книг идут подряд от нуля. После последней даты каждый взял ещё по четыре новых для
# себя книги: их знает только преподаватель, их и нужно угадать.
#
# Данные не собраны, а созданы программой, поэтому людей за ними нет и лицензия их ничем не
# ограничивает. Программа открыта, но зерно случайных чисел в ней секретное: ни тестовую часть, ни
# число групп, ни их состав по программе не восстановить. Зато у таких данных есть устройство, которое
# можно найти. Известно о нём вот что: у читателей есть общие вкусы, и это видит любая модель
# соседства. **Кроме вкусов, есть ещё одна закономерность. Модели уроков 01, 03 и 04 её не видят:
# им доступна только матрица.**

# %% [markdown]
# ## Что сдать и как судят
#
# Архив `.zip` или папку с двумя файлами:
#
# - `predictions.csv` — UTF-8, столбцы `user,rank,item`, по десять строк на каждого из 1500 читателей:
#   `rank` — место от 1 до 10, лучшая книга на первом. Книги, которые читатель уже брал, и повторы не
#   допускаются;
# - `contest.ipynb` — эта тетрадь с вашим решением: исполненная сверху донизу, она должна записать тот же
#   `predictions.csv`.
#
# Мера — NDCG@10. Пусть $h_{ur}=1$, если книга на месте $r$ действительно взята, иначе 0. Взято четыре
# книги, поэтому
#
# $$\mathrm{NDCG@10}(u)=\frac{\sum_{r=1}^{10} h_{ur}/\log_2(r+1)}{\sum_{r=1}^{4} 1/\log_2(r+1)}.$$
#
# В таблице стоит среднее по читателям и его стандартная ошибка. Затем каждого сравнивают с первым:
# берут парную разность и поправку Холма на число сравнений, как в уроке 09. Под последним, кого так не
# отличить от первого, проводят черту. Все над чертой считаются победителями, поэтому гнаться за
# четвёртым знаком незачем.
#
# С самого начала в таблице стоят популярность, модели уроков 01, 03 и 04 и решение преподавателя, а
# пунктиром показана граница: список по истинным вероятностям, которых не знает никто.

# %%
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons.evaluation import evaluate, recommend
from recsys_lessons.models import Popularity

train = pd.read_csv("train.csv", parse_dates=["date"])
books = pd.read_csv("books.csv")
n_users, n_items = train["user"].max() + 1, len(books)
print(f"читателей {n_users}, книг {n_items}, разделов {books['section'].nunique()}")
train.merge(books, on="item").sort_values(["user", "date"]).head(10)

# %% [markdown]
# Перед вами начало одной истории. Посмотрите на несколько других, прежде чем строить модель.

# %% [markdown]
# ## Проверка на своих данных
#
# Тестовой части у вас нет, но её можно изобразить: спрячьте последние четыре книги каждого читателя и
# угадывайте их. Всё, что вы подбираете, подбирайте здесь.


# %%
def matrix(readings):
    """Матрица единиц, читатели × книги."""
    ones = np.ones(len(readings))
    return sp.csr_array((ones, (readings["user"], readings["item"])), (n_users, n_items))


train = train.sort_values(["user", "date"], kind="stable", ignore_index=True)
late = train.groupby("user").tail(4)
early = train.drop(late.index)
print(f"для обучения {len(early)} строк, для проверки {len(late)}")

# %% [markdown]
# ## Самое простое решение
#
# Функция `predict` получает таблицу чтения и возвращает списки: строка на читателя, лучшая книга первой.
# Здесь всем советуют самое популярное из непрочитанного. **Её и нужно заменить.**


# %%
def predict(readings, books):
    """Списки из десяти книг, форма (n_users, 10)."""
    X = matrix(readings)
    model = Popularity().fit(X)
    return recommend(model.score, np.arange(n_users), seen=X, k=10)


# %% [markdown]
# `evaluate` ждёт баллы, а не списки, поэтому первому месту списка дадим наибольший балл. Запомните
# ошибку среднего: прибавка меньше двух ошибок парной разности (`compare` из
# `recsys_lessons.evaluation`) может оказаться случайной.


# %%
def validate(predict):
    """NDCG@10 на спрятанных книгах; predict видит только ранние."""
    scores = np.zeros((n_users, n_items))
    np.put_along_axis(scores, predict(early, books), np.arange(10, 0, -1.0), axis=1)
    return evaluate(lambda users: scores[users], matrix(late), matrix(early), ["NDCG@10"])


print(validate(predict))

# %% [markdown]
# Теперь ваша очередь. С чего начать:
#
# 1. Возьмите модель урока 04 или 01: `from recsys_lessons.models import EASE, ItemKNN`. Она находит
#    вкусы.
# 2. Рассмотрите то, чего в матрице нет. Что связывает книгу с той, которую взяли сразу перед нею?
# 3. Если закономерность нашлась, решите, как соединить её со вкусами: сложить баллы, перемножить,
#    отобрать лучшее в два шага. Каждый вариант проверяйте на спрятанных книгах.
#
# Свои ячейки добавляйте здесь.

# %% [markdown]
# ## Запись и проверка формата
#
# Окончательные списки строятся по всем данным: спрятанные книги тоже известны.


# %%
def save(lists, path="predictions.csv"):
    """Записать списки в том виде, в каком их сдают."""
    user, place = np.indices(lists.shape)
    columns = {"user": user.ravel(), "rank": place.ravel() + 1, "item": lists.ravel()}
    pd.DataFrame(columns).to_csv(path, index=False)


save(predict(train, books))

# %% [markdown]
# Эта проверка отвечает только за формат: правильный файл может быть и плохим прогнозом.


# %%
def format_problems(path="predictions.csv"):
    """Что не так с файлом; пустой список — его примут."""
    raw = Path(path).read_bytes()
    try:
        found = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError) as error:
        return [f"файл не читается как CSV в UTF-8: {type(error).__name__}"]
    if len(raw) > 2 * 2**20:
        return ["файл больше 2 МБ"]
    if sorted(found) != ["item", "rank", "user"]:
        return [f"столбцы — user,rank,item, а в файле {list(found)}; пишите с index=False"]
    if not found.stack().str.fullmatch("[0-9]{1,9}").all():
        return ["в ячейках должны стоять только целые числа"]
    found = found.astype(int)
    read = set(zip(train["user"], train["item"], strict=True))
    pairs = zip(found["user"], found["item"], strict=True)
    count = found["user"].value_counts().reindex(range(n_users), fill_value=0)
    checks = {
        f"номера user — от 0 до {n_users - 1}": (found["user"] < n_users).all(),
        f"номера item — от 0 до {n_items - 1}": (found["item"] < n_items).all(),
        "места rank — от 1 до 10": found["rank"].between(1, 10).all(),
        "место занято дважды": not found.duplicated(["user", "rank"]).any(),
        "книга стоит в списке дважды": not found.duplicated(["user", "item"]).any(),
        "книга уже прочитана этим читателем": read.isdisjoint(pairs),
        "у каждого читателя ровно десять книг": (count == 10).all(),
    }
    return [name for name, passed in checks.items() if not passed]


for problem in format_problems():
    print("Не так:", problem)
if not format_problems():
    print("predictions.csv в порядке. Сдайте его вместе с этой тетрадью.")

# %% [markdown]
# ## Что сделано
#
# *Напишите здесь пять-семь предложений: какую закономерность вы нашли, чем это подтверждается, как она
# вошла в решение, сколько прибавила на спрятанных книгах и с какой ошибкой, что пробовали зря.*
