"""Страница, которая советует товары (или фильмы) прямо в браузере.

Страница получает целые числа «сколько пользователей выбрали и i, и j», из них её собственный код
считает Item-KNN и EASE. Отдельная папка: ``python -m web.recommender --out ПАПКА``.
"""

import base64
import gzip
import json
import shutil
from pathlib import Path
from string import Template
from typing import Protocol

import numpy as np
from recsys_lessons.models.item_knn import ItemKNN, gram

from web.recommender.catalogue import Catalogue, films, goods

HERE = Path(__file__).parent
TITLE = "Рекомендации в браузере"
SHIPPED = ("models.js", "page.js", "page.css")
LESSONS = {"knn": ("01_item_knn", "урок 01"), "ease": ("04_ease", "урок 04")}
SHELL = """<!DOCTYPE html>
<html lang="ru">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="icon" href="data:,">
</head>
<body class="rec-alone">
<h1>$title</h1>
$body
</body>
</html>
"""


class Options(Protocol):
    """Что страница берёт из настроек сборки сайта."""

    @property
    def source(self) -> Path: ...
    @property
    def films(self) -> bool: ...


def lay(options: Options) -> list[str]:
    """Положить страницу среди исходников сайта; вернуть её имя."""
    catalogue = films() if options.films else goods()
    write_files(options.source / "_extra" / "recommender", catalogue)
    body = page(catalogue, linked=True)
    text = f"# {TITLE}\n\n```{{raw}} html\n{body}\n```\n"
    (options.source / "recommender.md").write_text(text, encoding="utf-8")
    return ["recommender"]


def write_folder(folder: Path, catalogue: Catalogue) -> None:
    """Самостоятельная папка: ``index.html`` и ``recommender/`` с остальным."""
    write_files(folder / "recommender", catalogue)
    html = Template(SHELL).substitute(title=TITLE, body=page(catalogue, linked=False))
    (folder / "index.html").write_text(html, encoding="utf-8")


def write_files(folder: Path, catalogue: Catalogue) -> None:
    """Скрипты, стиль и данные."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHIPPED:
        shutil.copyfile(HERE / name, folder / name)
    text = json.dumps(data(catalogue), ensure_ascii=False, separators=(",", ":"))
    script = f"const RECOMMENDER_DATA = {text};\n"
    (folder / "data.js").write_text(script, encoding="utf-8")


def page(catalogue: Catalogue, linked: bool) -> str:
    """Тело страницы.

    :param linked: ставить ли ссылки на уроки
    """
    n_users, n_items = catalogue.X.shape
    lessons = {
        f"lesson_{name}": f'<a href="{file}.html">{text}</a>' if linked else text
        for name, (file, text) in LESSONS.items()
    }
    return Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        lessons,
        item_one=catalogue.item[0],
        item_many=catalogue.item[2],
        user_many=catalogue.user[2],
        l2=f"{catalogue.l2:g}".replace(".", ","),
        l2_reason=catalogue.l2_reason,
        n_users=counted(n_users, catalogue.user),
        n_items=counted(n_items, catalogue.item),
        n_pairs=spaced(catalogue.X.nnz),
        source=catalogue.source,
        rule=catalogue.rule,
        licence=catalogue.licence,
    )


def data(catalogue: Catalogue) -> dict[str, object]:
    """Что страница читает: числа, названия, начальные гиперпараметры."""
    counts = gzip.compress(pack(gram(catalogue.X), catalogue.X.shape[0]), mtime=0)
    knn = ItemKNN()
    return {
        "key": catalogue.key,
        "users": catalogue.X.shape[0],
        "counts": base64.b64encode(counts).decode(),
        "labels": catalogue.labels,
        "originals": catalogue.originals,
        "details": catalogue.details,
        "item": catalogue.item,
        "example": catalogue.example,
        "start": {"k": knn.k, "h": knn.shrinkage, "l2": catalogue.l2},
    }


def pack(G: np.ndarray, n_users: int) -> bytes:
    """Матрица Грама байтами: диагональ, затем строки верхнего треугольника.

    Записано отличие от числа, которое вышло бы у независимых покупок, ``n_i·n_j // U``: оно короче
    самого числа. Отличие ``d`` — это ``2d`` или, если оно меньше нуля, ``-2d - 1``, по семь битов в
    байте, младшие раньше; старший бит байта говорит, что число продолжается. Читает это
    ``unpack`` из ``models.js``.

    :param G: целые неотрицательные числа, форма ``(n_items, n_items)``
    """
    whole = G.astype(np.int64)
    n = np.diag(whole)
    i, j = np.triu_indices(len(G), 1)
    rest = whole[i, j] - n[i] * n[j] // n_users
    numbers = np.concatenate([n, np.where(rest < 0, -2 * rest - 1, 2 * rest)])
    n_bytes = max(1, -(-int(numbers.max()).bit_length() // 7))
    parts = numbers[:, None] >> 7 * np.arange(n_bytes)
    needed = (parts > 0) | (np.arange(n_bytes) == 0)
    parts = (parts & 127) | np.where(parts > 127, 128, 0)
    return parts[needed].astype(np.uint8).tobytes()


def counted(count: int, forms: tuple[str, str, str]) -> str:
    """«21 товар», «22 товара», «25 товаров»."""
    if count % 10 == 1 and count % 100 != 11:
        form = forms[0]
    elif count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14):
        form = forms[1]
    else:
        form = forms[2]
    return f"{spaced(count)} {form}"


def spaced(count: int) -> str:
    """«414 316» с неразрывным пробелом."""
    return f"{count:,}".replace(",", "\N{NO-BREAK SPACE}")
