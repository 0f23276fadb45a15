"""Конкурс: лучший список для каждого на данных, зерно которых знает только преподаватель.

Запуск: ``python -m course.contest make --keys ПАПКА --out ПАПКА`` пишет то, что получают студенты;
``python -m course.contest score РАБОТЫ --keys ПАПКА --roster roster.csv --out ПАПКА`` проверяет
присланное и пишет таблицу: ``board.csv`` и ``board.html``.

Тестовая часть нигде не лежит: её восстанавливает секрет из папки ключей. Устройство данных видно
здесь и всем известно, а секрет решает, сколько разделов и групп, кто в какой и что будет дальше.
"""

import csv
import io
import math
import os
import re
import runpy
import stat
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import scipy.sparse as sp
from jinja2 import Environment, StrictUndefined
from scipy.stats import norm

from course.assignment import KEYS, generator
from course.feedback import HEAD
from course.moodle import to_csv
from course.options import Parser
from course.submission import (
    MAX_NOTEBOOK,
    MB,
    Refused,
    Student,
    _walk,
    find_submissions,
    parse_notebook,
    read_roster,
    read_submission,
)
from recsys_lessons.evaluation import Evaluation, compare, evaluate, holm, recommend
from recsys_lessons.metrics import ndcg, top_k
from recsys_lessons.models import EASE, IALS, ItemKNN, Popularity
from recsys_lessons.percent import cells
from recsys_lessons.synthetic import make_chain, make_clusters

NAME = "contest"
SOURCE = Path(__file__).resolve().parent.parent / "notebooks" / "assignments" / f"{NAME}.py"
N_USERS, N_ITEMS = 1500, 600
SHORTEST, LONGEST = 15, 40  # книг в истории читателя
N_TEST, DEPTH = 4, 10  # столько следующих книг угадывают и столько книг в списке
LEVEL = 0.05
METRIC = f"NDCG@{DEPTH}"
COLUMNS = ("user", "rank", "item")
MAX_PREDICTIONS = 2 * MB
SECTIONS = (
    *("архитектура", "биология", "география", "детективы", "драматургия", "живопись", "история"),
    *("кино", "кулинария", "лингвистика", "математика", "медицина", "музыка", "поэзия"),
    *("приключения", "психология", "путешествия", "садоводство", "спорт", "техника"),
    *("фантастика", "философия"),
)


# --- Данные ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ContestData:
    """Данные конкурса. Студенты получают ``train`` и ``books``.

    :param train: строки user, item, date; у каждого читателя — от старых к новым
    :param books: строки item, section
    :param seen: что прочитано до среза, пользователи × объекты
    :param test: что прочитано после него, той же формы
    :param chances: ожидаемое число чтений книги после среза по истинным вероятностям, той же формы
    """

    train: pd.DataFrame
    books: pd.DataFrame
    seen: sp.csr_array
    test: sp.csr_array
    chances: np.ndarray


def make_data(keys: Path) -> ContestData:
    """Данные, свои для секрета папки ключей.

    Читатель идёт по разделам библиотеки марковской цепью, общей для всех (изредка заглядывает в
    случайный), и в разделе берёт ещё не прочитанную книгу: чаще книги своей группы вкусов, чаще
    известные. Группы находит любая модель соседства, а переходы видны, только если посмотреть на
    разделы и на порядок чтения.
    """
    rng = generator(keys, NAME)
    n_sections, n_groups = int(rng.integers(18, 23)), int(rng.integers(5, 8))
    loyalty, slip = rng.uniform(0.75, 0.85), 0.1
    _, reader_group, book_group = make_clusters(N_USERS, N_ITEMS, n_groups, 1, seed=_seed(rng))
    # Из восьми цепей — самая ровная: если почти все ходят в один раздел, искать было бы нечего.
    chains = [make_chain(N_USERS, n_sections, LONGEST, 2, seed=_seed(rng)) for _ in range(8)]
    walks, transition, _ = min(chains, key=lambda one: np.bincount(np.concatenate(one[0])).max())
    section = rng.permutation(N_ITEMS) % n_sections
    popularity = 1 / np.sqrt(1 + rng.integers(0, 60, N_ITEMS))
    own = reader_group[:, None] == book_group
    taste = np.where(own, loyalty, (1 - loyalty) / (n_groups - 1)) * popularity

    # Продолжение пути — от своего генератора: зерно цепи можно было бы подобрать по её началу.
    path = np.stack(walks)
    for _ in range(N_TEST):
        level = transition.cumsum(axis=1)[path[:, -1]] > rng.random((N_USERS, 1))
        path = np.column_stack([path, level.argmax(axis=1)])
    lost = rng.random(path.shape) < slip
    visited = np.where(lost, rng.integers(0, n_sections, path.shape), path)
    first = LONGEST - rng.integers(SHORTEST, LONGEST + 1, N_USERS)

    free = np.ones((N_USERS, N_ITEMS), dtype=bool)
    rows = []
    for step in range(path.shape[1]):
        if step == LONGEST:
            unread = free.copy()
        users = np.flatnonzero(step >= first)
        shelf = free[users] & (section == visited[users, step, None])
        shelf |= free[users] & ~shelf.any(axis=1, keepdims=True)  # раздел прочитан весь
        noise = np.log(taste[users]) + rng.gumbel(size=shelf.shape)
        items = np.where(shelf, noise, -np.inf).argmax(axis=1)
        free[users, items] = False
        rows.append(pd.DataFrame({"user": users, "step": step, "item": items}))
    readings = pd.concat(rows).sort_values(["user", "step"], ignore_index=True)

    days = rng.integers(2, 12, (N_USERS, LONGEST)).cumsum(axis=1)[:, ::-1]
    train = readings[readings["step"] < LONGEST].reset_index(drop=True)
    ago = days[train["user"], train["step"]].astype("timedelta64[D]")
    train["date"] = (np.datetime64("2026-01-01") - ago).astype(str)
    names = rng.permutation(SECTIONS)[:n_sections]
    books = pd.DataFrame({"item": np.arange(N_ITEMS), "section": names[section]})

    # Ближайшие шаги цепи → ожидаемое число посещений раздела; в нём книгу берут по вкусу.
    state = np.eye(n_sections)[path[:, LONGEST - 1]]
    visits = np.zeros_like(state)
    for _ in range(N_TEST):
        state = state @ transition
        visits = visits + (1 - slip) * state + slip / n_sections
    left = np.where(unread, taste, 0)
    on_shelf = left @ np.eye(n_sections)[section]
    chances = visits[:, section] * left / np.maximum(on_shelf, 1e-12)[:, section]
    return ContestData(
        train[["user", "item", "date"]],
        books,
        matrix(train),
        matrix(readings[readings["step"] >= LONGEST]),
        chances,
    )


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**63 - 1))


def matrix(readings: pd.DataFrame) -> sp.csr_array:
    """Матрица единиц, пользователи × объекты."""
    ones = np.ones(len(readings))
    return sp.csr_array((ones, (readings["user"], readings["item"])), (N_USERS, N_ITEMS))


# --- Что получают студенты -------------------------------------------------------------------


def starter() -> nbformat.NotebookNode:
    """Тетрадь студента из ``notebooks/assignments/contest.py``."""
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    found = [one for one in cells(SOURCE.read_text(encoding="utf-8")) if one.kind != "raw"]
    for number, cell in enumerate(found):
        make = nbformat.v4.new_code_cell if cell.kind == "code" else nbformat.v4.new_markdown_cell
        new = make(cell.source)
        new["id"] = f"{NAME}-{number}"
        notebook.cells.append(new)
    return notebook


def release(keys: Path, out: Path) -> list[Path]:
    """Записать данные и тетрадь, по отдельности и одним архивом; те же байты при том же секрете."""
    data = make_data(keys)
    files = {
        "train.csv": data.train.to_csv(index=False, lineterminator="\n"),
        "books.csv": data.books.to_csv(index=False, lineterminator="\n"),
        f"{NAME}.ipynb": nbformat.writes(starter()) + "\n",
    }
    out.mkdir(parents=True, exist_ok=True)
    packed = out / f"{NAME}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            (out / name).write_bytes(text.encode())
            archive.writestr(zipfile.ZipInfo(f"{NAME}/{name}", (2020, 1, 1, 0, 0, 0)), text, 8)
    return [*(out / name for name in files), packed]


# --- Что прислали ----------------------------------------------------------------------------


def read_predictions_file(path: Path) -> bytes:
    """Содержимое ``predictions.csv`` из папки или архива работы.

    :raises Refused: файла нет, он не один, это ссылка, он больше предела
    """
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise Refused("Вместо файла прислана ссылка. Пришлите сам файл.")
    if stat.S_ISDIR(mode):
        inside = _walk(path)
        archives = [one for one in inside if one.suffix.lower() == ".zip"]
        tables = [one for one in inside if one.suffix.lower() == ".csv"]
        if not tables and archives:
            return read_predictions_file(max(archives, key=lambda one: one.lstat().st_mtime))
        table = _the_table(tables)
        if not stat.S_ISREG(table.lstat().st_mode):
            raise Refused("Вместо predictions.csv прислан не обычный файл. Пришлите сам файл.")
        with os.fdopen(os.open(table, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
            return _limited(file.read(MAX_PREDICTIONS + 1))
    if not stat.S_ISREG(mode) or path.suffix.lower() != ".zip":
        raise Refused("Нет predictions.csv. Пришлите тетрадь и predictions.csv одним архивом .zip.")
    if path.stat().st_size > MAX_NOTEBOOK:
        raise Refused(f"Архив больше {MAX_NOTEBOOK // MB} МБ.")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {Path(one.filename): one for one in archive.infolist()}
            tables = [
                one
                for one in entries
                if one.suffix.lower() == ".csv" and not one.parts[0].startswith("__MACOSX")
            ]
            with archive.open(entries[_the_table(tables)]) as packed:
                return _limited(packed.read(MAX_PREDICTIONS + 1))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        raise Refused("Архив не читается. Соберите его заново.") from None
    except (ValueError, OverflowError, UnicodeError, zipfile.zlib.error):  # type: ignore[attr-defined]
        raise Refused("Архив испорчен. Соберите его заново.") from None


def _the_table(paths: Sequence[Path]) -> Path:
    """``predictions.csv``; данные конкурса рядом с ним не мешают."""
    named = [one for one in paths if one.name.casefold() == "predictions.csv"]
    if len(named) > 1:
        raise Refused("Файлов predictions.csv несколько. Пришлите один.")
    if not named:
        raise Refused("Нет файла predictions.csv. Его пишет последняя часть тетради.")
    return named[0]


def _limited(data: bytes) -> bytes:
    if len(data) > MAX_PREDICTIONS:
        raise Refused(
            f"predictions.csv больше {MAX_PREDICTIONS // MB} МБ, а нужны три столбца целых и "
            f"{N_USERS * DEPTH} строк: это меньше четверти мегабайта."
        )
    return data


def read_predictions(data: bytes, seen: sp.csr_array) -> np.ndarray:
    """Списки из ``predictions.csv``: форма ``(N_USERS, DEPTH)``.

    :raises Refused: формат не тот; названы все найденные беды, у каждой — первая строка с нею
    """
    table = _integers(*_rows(data))
    line, user, rank, item = table.T
    problems: list[str] = []

    def report(bad: np.ndarray, what: str) -> np.ndarray:
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            example = f"строка {line[at]}: user {user[at]}, rank {rank[at]}, item {item[at]}"
            problems.append(f"{what} Таких строк {bad.sum()}, первая — {example}.")
        return bad

    def again(*columns: np.ndarray) -> np.ndarray:
        return np.asarray(pd.DataFrame(np.stack(columns, axis=1)).duplicated())

    wrong = report(
        user >= N_USERS, f"Неизвестный читатель: номера user — от 0 до {N_USERS - 1}."
    ) | report(item >= N_ITEMS, f"Неизвестная книга: номера item — от 0 до {N_ITEMS - 1}.")
    report((rank < 1) | (rank > DEPTH), f"Место rank — от 1 до {DEPTH}.")
    report(again(user, rank), "Место в списке читателя занято дважды.")
    report(again(user, item), "Книга стоит в списке читателя дважды.")
    known = np.flatnonzero(~wrong)
    old = np.zeros(len(table), dtype=bool)
    old[known] = np.asarray(seen[user[known], item[known]]).ravel() > 0
    report(old, "Книга уже прочитана: она есть у этого читателя в train.csv.")
    count = np.bincount(user[user < N_USERS], minlength=N_USERS)
    for bad, what in (
        (count == 0, "Нет ни одной строки у читателей"),
        ((count > 0) & (count < DEPTH), f"Меньше {DEPTH} книг у читателей"),
        (count > DEPTH, f"Больше {DEPTH} книг у читателей"),
    ):
        if bad.any():
            few = ", ".join(str(one) for one in np.flatnonzero(bad)[:3])
            problems.append(f"{what}: всего их {bad.sum()}, например {few}.")
    if problems:
        raise Refused(" ".join(problems))
    lists = np.empty((N_USERS, DEPTH), dtype=np.int64)
    lists[user, rank - 1] = item
    return lists


def _rows(data: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Заголовок и строки с их номерами в файле."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data:
        raise Refused("predictions.csv не в UTF-8, а похоже, в UTF-16. Сохраните его в UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(
            f"predictions.csv не в UTF-8 (байт {error.start}). Сохраните его в UTF-8."
        ) from None
    if not text.strip():
        raise Refused("predictions.csv пуст.")
    head = re.split(r"[\r\n]", text.lstrip(), maxsplit=1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error:
        raise Refused(
            "predictions.csv не читается как CSV: в нём незакрытая кавычка или слишком длинная "
            "ячейка."
        ) from None
    return [cell.strip().lower() for cell in rows[0][1]], rows[1:]


def _integers(header: list[str], rows: list[tuple[int, list[str]]]) -> np.ndarray:
    """Таблица из столбцов: номер строки файла, user, rank, item."""
    needed = ",".join(COLUMNS)
    if sorted(header) != sorted(COLUMNS):
        extra = [one for one in header if one not in COLUMNS]
        advice = " Лишний безымянный столбец пишет pandas: нужно to_csv(…, index=False)."
        raise Refused(
            f"Столбцы predictions.csv — {needed}, а в первой строке стоит "
            f"{_cut(','.join(header))}.{advice if '' in extra or 'unnamed: 0' in extra else ''}"
        )
    if not rows:
        raise Refused("В predictions.csv нет ни одной строки, кроме заголовка.")
    order = [header.index(one) for one in COLUMNS]
    table = []
    for line, row in rows:
        if len(row) != len(COLUMNS):
            raise Refused(f"Строка {line}: ячеек {len(row)}, а столбцов {len(COLUMNS)}.")
        values = [row[at].strip() for at in order]
        for name, value in zip(COLUMNS, values, strict=True):
            if not re.fullmatch(r"[0-9]{1,9}", value):
                raise Refused(
                    f"Строка {line}, столбец {name}: {_cut(value)} — не целое число от нуля."
                )
        table.append([line, *map(int, values)])
    return np.array(table, dtype=np.int64)


def _cut(text: str) -> str:
    """Чужой текст в причине: короткий и без управляющих знаков."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def read_work(path: Path, seen: sp.csr_array) -> np.ndarray:
    """Списки работы, если на месте и тетрадь.

    :raises Refused: все причины, по которым работа не принята
    """
    reasons, lists = [], None
    try:
        lists = read_predictions(read_predictions_file(path), seen)
    except Refused as refused:
        reasons.append(str(refused))
    try:
        code = [one for one in parse_notebook(read_submission(path, NAME)[0]) if one.kind == "code"]
        if not any(one.source.strip() for one in code):
            reasons.append("В тетради нет кода: пришлите ту, которая написала predictions.csv.")
    except Refused as refused:
        reasons.append(str(refused))
    if reasons or lists is None:
        raise Refused(" ".join(dict.fromkeys(reasons)))
    return lists


# --- Таблица ---------------------------------------------------------------------------------


def judged(lists: np.ndarray, test: sp.csr_array) -> Evaluation:
    """NDCG@10 каждого читателя."""
    values = pd.DataFrame({METRIC: ndcg(lists, test, DEPTH)})
    return Evaluation(values, lists.astype(np.int64), 0)


def references(data: ContestData, keys: Path) -> dict[str, np.ndarray]:
    """Списки, которые стоят в таблице с самого начала.

    Гиперпараметры моделей уроков выбраны на последних книгах обучающей части. Известное лучшее —
    ``contest_solution.py`` из папки ключей.

    :raises FileNotFoundError: его там нет
    """
    solution = keys / f"{NAME}_solution.py"
    if not solution.is_file():
        raise FileNotFoundError(
            f"В папке ключей {keys} нет {solution.name} с функцией lists(train, books). Возьмите "
            f"этот файл из {KEYS.name} репозитория."
        )
    late = data.train.groupby("user").tail(N_TEST)
    early = matrix(data.train.drop(late.index))
    tuned: dict[str, list[Any]] = {
        "EASE (урок 04)": [EASE(l2=l2) for l2 in (100, 300, 1000, 3000)],
        "ItemKNN (урок 01)": [ItemKNN(k=100, shrinkage=h) for h in (0, 10, 30, 100)],
        "iALS (урок 03)": [
            IALS(n_factors=f, regularization=r) for f in (8, 16) for r in (0.01, 0.03)
        ],
    }
    found = {"Популярность (урок 00a)": _lists(Popularity(), data.seen)}
    for name, models in tuned.items():
        values = [
            evaluate(model.fit(early).score, matrix(late), early, [METRIC])[METRIC]
            for model in models
        ]
        found[name] = _lists(models[int(np.argmax(values))], data.seen)
    best = runpy.run_path(str(solution))["lists"](data.train.copy(), data.books.copy())
    return found | {"Известное лучшее": np.asarray(best)}


def _lists(model: Any, seen: sp.csr_array) -> np.ndarray:
    return recommend(model.fit(seen).score, np.arange(N_USERS), seen, DEPTH)


@dataclass(frozen=True)
class Row:
    """Строка таблицы.

    :param login: логин студента; пусто у образцов
    :param behind: насколько отстаёт от первого, у первого — 0
    :param p: вероятность такой разности при равенстве, с поправкой Холма; у первого — 1
    :param same: у кого до последней книги те же списки: логины студентов, имена образцов
    """

    name: str
    login: str
    mean: float
    se: float
    behind: float
    behind_se: float
    p: float
    same: tuple[str, ...]

    @property
    def apart(self) -> bool:
        """Отличается ли от первого."""
        return self.p < LEVEL


def rank(entries: Mapping[tuple[str, str], Evaluation]) -> tuple[list[Row], int]:
    """Строки по убыванию среднего и сколько их над чертой.

    Над чертой все вплоть до последнего, кого данные не отличают от первого: парные разности,
    поправка Холма на их число.

    :param entries: (имя, логин) → оценка
    """
    order = sorted(entries, key=lambda key: (-entries[key][METRIC], key))
    best = entries[order[0]]
    gaps = [compare(best, entries[key], METRIC) for key in order[1:]]
    plain = [2 * norm.sf(abs(gap.mean) / gap.se) if gap.se > 0 else 1.0 for gap in gaps]
    twins: dict[bytes, list[str]] = {}
    for name, login in order:
        lists = entries[name, login].recommended.tobytes()
        twins.setdefault(lists, []).append(login or name)
    rows = []
    for key, gap, p in zip(order, [None, *gaps], [1.0, *holm(plain)], strict=True):
        stats = entries[key].stats(METRIC)
        behind, behind_se = (abs(gap.mean), gap.se) if gap else (0.0, 0.0)
        own = key[1] or key[0]
        same = tuple(one for one in twins[entries[key].recommended.tobytes()] if one != own)
        rows.append(Row(*key, stats["mean"], stats["se"], behind, behind_se, float(p), same))
    return rows, 1 + max(place for place, row in enumerate(rows) if not row.apart)


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #1c1c1c; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { border-bottom: 1px solid #777; } td { border-bottom: 1px solid #ddd; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.sample td { font-style: italic; } .login { color: #555; white-space: nowrap; }
tr.line td { border-top: 3px solid #1c1c1c; color: #555; font-size: .9rem; }
svg { width: 14rem; height: 1.2rem; display: block; }
.interval { stroke: #1f5fa8; stroke-width: 2; } .mean { fill: #1f5fa8; }
.bound { stroke: #555; stroke-dasharray: 3 2; }
"""

_PAGE = (
    HEAD
    + """<p>NDCG@{{ depth }} на следующих книгах, среднее по {{ n_users }} читателям ± его
стандартная ошибка. На рисунке — отрезок в 1,96 ошибки в обе стороны. Курсивом — образцы.</p>
<table>
<tr><th class="number">Место</th><th>Участник</th><th class="number">NDCG@{{ depth }}</th>
<th>от 0 до {{ scale | number(2) }}</th><th class="number">Отстаёт от первого</th>
<th class="number">p</th></tr>
{% for row in rows %}
<tr{% if not row.login %} class="sample"{% endif %}><td class="number">{{ loop.index }}</td>
<td>{{ row.name }}{% if row.login %} <span class="login">{{ row.login }}</span>
{% if row.same %}<br>те же списки: {{ row.same | join(", ") }}{% endif %}{% endif %}</td>
<td class="number">{{ row.mean | number }} ± {{ row.se | number }}</td>
<td><svg viewBox="0 0 200 16" role="img" aria-label="{{ row.mean | number }}">
<line class="bound" x1="{{ bound.mean | x }}" x2="{{ bound.mean | x }}" y1="0" y2="16"/>
<line class="interval" x1="{{ (row.mean - 1.96 * row.se) | x }}"
 x2="{{ (row.mean + 1.96 * row.se) | x }}" y1="8" y2="8"/>
<circle class="mean" cx="{{ row.mean | x }}" cy="8" r="3"/></svg></td>
{% if loop.first %}<td></td><td></td>{% else %}
<td class="number">{{ row.behind | number }} ± {{ row.behind_se | number }}</td>
<td class="number">{{ row.p | chance }}</td>{% endif %}</tr>
{% if loop.index == above %}
<tr class="line"><td colspan="6">Последний, кого данные не отличают от первого, — над чертой.
Порядок мест над нею может быть случайным.</td></tr>
{% endif %}
{% endfor %}
</table>
<p>Отставание парное: разность с первым у каждого читателя, потом среднее. Столбец p — вероятность
такого или большего отставания при равных участниках, с поправкой Холма на число сравнений.
Отличием считается p меньше {{ level | number(2) }}. Такой участник может стоять и над чертой — если
ниже него есть неотличимый от первого.</p>
<p>Пунктир — {{ bound.mean | number }} ± {{ bound.se | number }}: список, составленный по истинным
вероятностям, с которыми созданы данные. В конкурсе он не участвует; превзойти его можно разве что
случайно.</p>
{% if rows | selectattr("login") | selectattr("same") | first %}
<p>«Те же списки» совпадают до последней книги. Одна модель с одними числами даёт их и двоим, кто не
знаком, поэтому совпадение — повод сравнить тетради, а не доказательство.</p>
{% endif %}
{% if refused %}
<h2>Не вошли в таблицу</h2>
<table>
<tr><th>Участник</th><th>Почему</th></tr>
{% for student, reason in refused %}
<tr><td>{{ student.name }} <span class="login">{{ student.login }}</span></td>
<td>{{ reason }}</td></tr>
{% endfor %}
</table>
{% endif %}
</body>
</html>
"""
)


def _decimal(value: float, digits: int = 4) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def page(
    rows: Sequence[Row], above: int, bound: Evaluation, refused: Sequence[tuple[Student, str]]
) -> str:
    """Страница таблицы: без сценариев и внешних адресов, чужой текст экранирован."""
    limit = bound.stats(METRIC)
    scale = math.ceil(20 * max(limit["high"], *(row.mean + 2 * row.se for row in rows))) / 20
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {
        "number": _decimal,
        "chance": lambda p: "< 0,001" if p < 0.001 else _decimal(p, 3),
        "x": lambda value: f"{5 + 190 * max(value, 0) / scale:.1f}",
    }
    return environment.from_string(_PAGE).render(
        title="Конкурс",
        style=_STYLE,
        rows=rows,
        above=above,
        bound=limit,
        refused=refused,
        scale=scale,
        depth=DEPTH,
        n_users=N_USERS,
        level=LEVEL,
    )


def table(rows: Sequence[Row], above: int, refused: Iterable[tuple[Student, str]]) -> str:
    """То же для табличного редактора; формулы обезврежены."""
    header = ["place", "login", "name", METRIC, "se", "behind", "behind_se", "p", "above"]
    header += ["same", "reason"]
    lines: list[list[object]] = []
    for place, row in enumerate(rows, start=1):
        numbers = [row.mean, row.se, row.behind, row.behind_se, row.p]
        shown = [f"{value:.4f}" for value in numbers]
        marks = ["да" if place <= above else "нет", ", ".join(row.same), ""]
        lines.append([place, row.login, row.name, *shown, *marks])
    lines += [["", one.login, one.name, *[""] * 7, reason] for one, reason in refused]
    return "\ufeff" + to_csv(header, lines)


def score(submissions: Path, keys: Path, roster: Path, out: Path) -> str:
    """Проверить работы и записать ``board.csv`` и ``board.html``; в ответе — итог строкой.

    :raises ValueError: список группы негоден, нет папки с работами
    """
    students = read_roster(roster)
    found, unknown = find_submissions(submissions, students)
    data = make_data(keys)
    entries = {
        (name, ""): judged(lists, data.test) for name, lists in references(data, keys).items()
    }
    best = top_k(np.where(data.seen.toarray() > 0, -np.inf, data.chances), DEPTH)
    refused = []
    for one in students:
        if one.login not in found:
            refused.append((one, "Работы нет."))
            continue
        try:
            lists = read_work(found[one.login].path, data.seen)
        except Refused as reason:
            refused.append((one, str(reason)))
        except OSError as error:
            refused.append((one, f"Файлы работы не читаются ({type(error).__name__})."))
        else:
            entries[one.name, one.login] = judged(lists, data.test)
    rows, above = rank(entries)
    out.mkdir(parents=True, exist_ok=True)
    (out / "board.csv").write_text(table(rows, above, refused), encoding="utf-8", newline="")
    html = page(rows, above, judged(best, data.test), refused)
    (out / "board.html").write_text(html, encoding="utf-8")
    strange = f" Не узнано, чьё: {', '.join(map(_cut, unknown))}." if unknown else ""
    return (
        f"В таблице студентов {sum(bool(row.login) for row in rows)}, не вошли {len(refused)}, "
        f"над чертой строк {above}: {out / 'board.html'}.{strange}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m course.contest",
        description="Конкурс: данные и тетрадь для студентов, потом таблица результатов.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="КОМАНДА")
    make = commands.add_parser("make", help="записать то, что получают студенты")
    count = commands.add_parser("score", help="проверить работы и записать таблицу")
    count.add_argument(
        "submissions",
        type=Path,
        metavar="РАБОТЫ",
        help=f"папка: у каждого ЛОГИН/ или ЛОГИН.zip с predictions.csv и {NAME}.ipynb",
    )
    count.add_argument(
        "--roster", type=Path, required=True, help="список группы: number,login,name"
    )
    for one in (make, count):
        one.add_argument("--keys", type=Path, default=KEYS, help="папка ключей с secret.txt")
        one.add_argument("--out", type=Path, default=Path("contest_out"), help="куда писать")
    given = parser.parse_args(arguments)
    try:
        if given.command == "make":
            written = release(given.keys, given.out)
            print("Записано: " + ", ".join(str(path) for path in written))
        else:
            print(score(given.submissions, given.keys, given.roster, given.out))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if given.keys.resolve() == KEYS.resolve():
        print(
            "Ключи открытые: тестовую часть восстановит каждый. Для конкурса с оценками создайте "
            "частную папку: python -m course.course secret ПАПКА."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
