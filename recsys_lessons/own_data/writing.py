"""Что остаётся после сравнения: рекомендации, модель без историй, отчёт на одну страницу.

Модель заново учат на всех данных. Рекомендации пишутся блоками пользователей: таблицы «все
пользователи × все объекты» в памяти не бывает.
"""

import base64
import copy
import html
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp
from matplotlib import rc_context
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from recsys_lessons import building, models
from recsys_lessons.evaluation import recommend
from recsys_lessons.inputs import check_count, check_fitted, shown
from recsys_lessons.metrics import EMPTY, top_k
from recsys_lessons.own_data.candidates import CANDIDATES
from recsys_lessons.own_data.protocol import TITLES, Part, Plan, basket_table, pair_table
from recsys_lessons.own_data.reading import Note, OwnData
from recsys_lessons.own_data.running import Outcome

USERS = 10_000  # строк в одном блоке записи

COLD_RULE = (
    "Пользователю без истории — популярное среди разрешённого: объекты, с которыми "
    "взаимодействовало больше всего пользователей."
)


@dataclass(frozen=True)
class Everything:
    """Модель, обученная на всём, и то, что нужно, чтобы рекомендовать.

    :param name: название модели
    :param model: обученная на всех положительных взаимодействиях
    :param part: на чём она училась; ``seen`` — чего не рекомендуют, в корзинах — ``None``
    :param popularity: сколько пользователей взаимодействовало с объектом
    """

    name: str
    model: Any
    part: Part
    popularity: np.ndarray


@dataclass(frozen=True)
class Written:
    """Что записано.

    :param files: имя → путь
    :param n_cold: сколько пользователей файла получили популярное, потому что истории у них нет
    :param n_short: у скольких список короче, чем просили
    :param notes: замечания: неизвестные разрешённые объекты и прочее
    """

    files: dict[str, Path]
    n_cold: int
    n_short: int
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"Записано: {', '.join(str(path) for path in self.files.values())}.", COLD_RULE]
        if self.n_cold:
            lines.append(f"Таких в файле — {self.n_cold}.")
        if self.n_short:
            lines.append(f"Список короче, чем просили: рекомендовать нечего, — у {self.n_short}.")
        return "\n".join([*lines, *self.notes])


def refit(outcome: Outcome, name: str | None = None) -> Everything:
    """Обучить модель на всех данных, тестовая часть тоже.

    :param name: название модели из таблицы; ``None`` — та, которую советуют
    :raises ValueError: такой модели в таблице нет
    """
    name = outcome.recommended if name is None else name
    part = everything(outcome.plan)
    point = outcome.params(name)
    model = part.fit(CANDIDATES[name].build(point, part.train, outcome.plan.dtype))
    return Everything(name, model, part, np.diff(part.train.tocsc().indptr))


def everything(plan: Plan) -> Part:
    """Все данные обучающей частью: тестовая пуста."""
    data = plan.data
    shape = len(data.users), len(data.items)
    nothing = sp.csr_array(shape)
    if plan.protocol == "C":
        rows = basket_table(data, plan.min_grade)
        order = ["user", "time", "basket", "item"]
        rows = rows[order].drop_duplicates().sort_values(order)
        train = _ones(rows["user"], rows["item"], shape)
        return Part(train, nothing, baskets=_histories(rows))
    pairs = pair_table(data, plan.min_grade)
    liked = pairs[pairs["rating"] > 0]
    seen = _ones(pairs["user"], pairs["item"], shape)
    return Part(_ones(liked["user"], liked["item"], shape), nothing, seen)


def allowed_items(data: OwnData, allowed: Sequence[Any] | str | Path | None) -> tuple[Any, str]:
    """Какие объекты можно рекомендовать: маска по номерам и замечание о неизвестных.

    :param allowed: идентификаторы или файл, по одному в строке; ``None`` — все
    :raises FileNotFoundError: файла нет
    :raises ValueError: ни одного объекта из списка в данных нет
    """
    if allowed is None:
        return np.ones(len(data.items), dtype=bool), ""
    if isinstance(allowed, str | Path):
        path = Path(allowed)
        if not path.is_file():
            raise FileNotFoundError(f"Списка разрешённых объектов {shown(str(path))} нет.")
        data_bytes = path.read_bytes()
        try:
            text = data_bytes.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data_bytes.decode("cp1251", errors="replace")
        allowed = text.splitlines()
    wanted = pd.Index([str(one).strip() for one in allowed if str(one).strip()]).unique()
    known = pd.Index(data.items.astype(str))
    mask = np.asarray(known.isin(wanted))
    unknown = wanted.difference(known)
    if not mask.any():
        raise ValueError(
            f"Ни одного из {len(wanted)} разрешённых объектов в данных нет, например "
            f"{shown(wanted[0]) if len(wanted) else 'список пуст'}. Нужны те же идентификаторы, "
            f"что в файле, например {shown(str(known[0]))}."
        )
    if not len(unknown):
        return mask, ""
    return mask, (
        f"Разрешённых объектов, которых нет в данных, — {len(unknown)}, например "
        f"{', '.join(map(shown, unknown[:3]))}: рекомендовать их модель не может."
    )


def write_recommendations(
    fitted: Everything,
    data: OwnData,
    out: str | Path,
    k: int = 10,
    allowed: Sequence[Any] | str | Path | None = None,
) -> Written:
    """Списки всех пользователей с исходными идентификаторами: CSV для Excel и Parquet.

    Столбцы ``user, place, item`` и, если есть названия, ``title``. В CSV разделитель — точка с
    запятой, кодировка UTF-8 с меткой: так его открывает русский Excel. Отдельный файл —
    список для пользователя, которого в данных нет вовсе.

    :param k: сколько объектов в списке
    :param allowed: что можно рекомендовать, см. :func:`allowed_items`
    """
    k, out = check_count("k", k, high=1000), Path(out)
    mask, said = allowed_items(data, allowed)
    out.mkdir(parents=True, exist_ok=True)
    files = {
        "csv": out / "recommendations.csv",
        "parquet": out / "recommendations.parquet",
        "cold": out / "without_history.csv",
    }
    n_cold = n_short = 0
    with _Table(files["csv"], files["parquet"]) as table:
        for users, lists, cold in _blocks(fitted, mask, k):
            n_cold += int(cold.sum())
            n_short += int((lists == EMPTY).any(axis=1).sum())
            place = np.tile(np.arange(1, k + 1), len(users))
            rows = pd.DataFrame(
                {"user": np.repeat(users, k), "place": place, "item": lists.ravel()}
            )
            table.add(_named(rows[rows["item"] != EMPTY], data))
    cold_list = top_k(np.where(mask, fitted.popularity, -np.inf)[None], k)[0]
    rows = pd.DataFrame({"place": np.arange(1, k + 1), "item": cold_list})
    _save_csv(_named(rows[rows["item"] != EMPTY], data), files["cold"])
    return Written(files, n_cold, n_short, (said,) if said else ())


# ------------------------------------------------------------------------------- модель без историй


class NoHistories:
    """Вместо ``score``: баллов известных пользователей эта копия дать не может."""

    def __call__(self, users: Any) -> np.ndarray:
        raise ValueError(
            "В этой модели нет историй пользователей, по номеру она не отвечает. Подайте историю: "
            "score_history."
        )


class SameForAll:
    """``score_history`` популярного: всем одни и те же баллы."""

    def __init__(self, counts: np.ndarray) -> None:
        self.counts = counts

    def __call__(self, X_new: Any) -> np.ndarray:
        return np.tile(self.counts, (X_new.shape[0], 1))


def without_histories(model: Any) -> Any:
    """Копия модели, в которой нет ни историй, ни чего-либо длиной в число пользователей.

    ``score_history`` отвечает так же, ``score`` отказывает по-русски.

    :raises ValueError: модель без историй не работает; сказано, почему и что взять
    """
    kind = type(model).__name__
    new = copy.copy(model)
    new.score = NoHistories()
    if isinstance(model, models.Popularity):
        check_fitted(model, "counts_")
        new.score_history = SameForAll(model.counts_)
    elif not hasattr(model, "score_history"):
        raise ValueError(
            f"{kind} знает только тех, на ком училась: новой истории она не отвечает (нет "
            "score_history), и без векторов пользователей от неё ничего не остаётся. Возьмите "
            "EASE, Item-KNN, iALS, SLIM или MultiVAE."
        )
    elif isinstance(model, models.FrequencyMix):
        check_fitted(model, "vectors_")
        new.vectors_ = sp.csr_array(model.vectors_.mean(axis=0)[None])  # нужно только среднее
        new.row_ = {}
    elif hasattr(model, "vectors_"):
        raise ValueError(
            f"{kind} ищет соседей среди пользователей, и их векторы — сами истории: без них модели "
            "нет. Отдавайте готовые рекомендации или возьмите «Личную частоту»."
        )
    elif hasattr(model, "P_"):
        new.P_ = np.empty((0, model.P_.shape[1]), model.P_.dtype)
    else:
        check_fitted(model, "X_")
        new.X_ = sp.csr_array((0, model.X_.shape[1]), dtype=model.X_.dtype)
    return new


def write_model(
    fitted: Everything,
    data: OwnData,
    out: str | Path,
    allowed: Sequence[Any] | str | Path | None = None,
) -> dict[str, Path]:
    """Модель без историй, каталог к ней и короткий сценарий, который даёт ею рекомендации.

    :return: имя → путь
    :raises ValueError: такую модель без историй не отдать, см. :func:`without_histories`
    """
    out = Path(out)
    mask, _ = allowed_items(data, allowed)
    model = without_histories(fitted.model)
    out.mkdir(parents=True, exist_ok=True)
    files = {
        name: out / file
        for name, file in (
            ("model", "model.joblib"), ("items", "items.parquet"), ("script", "score_new.py"),
        )
    }  # fmt: skip
    catalogue = _named(pd.DataFrame({"item": np.arange(len(data.items))}), data)
    catalogue = catalogue.assign(allowed=mask, popularity=fitted.popularity)
    for path, write in (
        (files["model"], lambda partly: joblib.dump(model, partly)),
        (files["items"], lambda partly: catalogue.to_parquet(partly, index=False)),
        (files["script"], lambda partly: partly.write_text(_script(fitted), encoding="utf-8")),
    ):
        partly = path.with_name(path.name + ".part")
        write(partly)
        os.replace(partly, path)
    return files


SCRIPT = """\
\"""Рекомендации новому пользователю: python score_new.py [--k ЧИСЛО] ОБЪЕКТ ОБЪЕКТ …

Объекты — его история, ЧИСЛО — длина списка, обычно 10.
Осторожно: загрузка model.joblib выполняет код, который в нём записан. Открывайте только свой файл.
Историй пользователей в нём нет. Нужен установленный пакет recsys_lessons.
\"""

import sys
from getopt import GetoptError, gnu_getopt
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import scipy.sparse as sp

try:
    options, history = gnu_getopt(sys.argv[1:], "", ["k="])
    k = int(dict(options).get("--k", 10))
except (GetoptError, ValueError):
    k = 0
if k < 1:
    sys.exit("Длина списка — целое число больше нуля: python score_new.py --k 5 ОБЪЕКТ … "
             "Объекты, которые начинаются с дефиса, пишут после --.")
here = Path(__file__).resolve().parent
model, items = joblib.load(here / "model.joblib"), pd.read_parquet(here / "items.parquet")
own = np.flatnonzero(items["item"].astype(str).isin(history))
print("Нет в каталоге:", set(history) - set(items["item"].astype(str)[own]) or "—")
{vector}
scores = np.array(model.score_history(vector)[0] if own.size else items["popularity"], float)
{seen}scores[~items["allowed"]] = -np.inf
best = [i for i in np.argsort(-scores, kind="stable")[:k] if scores[i] > -np.inf]
print(items.drop(columns=["allowed", "popularity"]).loc[best].to_string(index=False))
"""


def _script(fitted: Everything) -> str:
    if fitted.part.baskets is not None:
        return SCRIPT.format(vector="vector = {0: [own]}", seen="")
    cells = "np.ones(own.size), (np.zeros(own.size, int), own)"
    vector = f"vector = sp.csr_array(({cells}), shape=(1, len(items)))"
    return SCRIPT.format(vector=vector, seen="scores[own] = -np.inf\n")


# ------------------------------------------------------------------------------- отчёт


def write_report(
    outcome: Outcome, out: str | Path, written: Written | None = None, source: str = ""
) -> Path:
    """Отчёт на одну страницу, HTML: только сводные числа, ни одного номера пользователя.

    Открывается без сети: рисунок внутри.

    :param source: как назвать данные в заголовке
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    data, plan = outcome.plan.data, outcome.plan
    table = outcome.table().round(4)
    pairs = outcome.differences()
    real = pairs[pairs["значимая"]]
    notes = [_anonymous(note) for note in data.notes]
    parts = [
        ("Совет", _paragraphs([f"{outcome.recommended}. {outcome.reason}", outcome.verdict])),
        ("Данные", _paragraphs([
            f"Строк прочитано {data.rows_read}, осталось {len(data.table)}; пользователей "
            f"{len(data.users)}, объектов {len(data.items)}.",
        ]) + _list(notes)),
        ("Проверка", _paragraphs([
            f"Протокол {plan.protocol} ({TITLES[plan.protocol]}): {plan.why}",
            str(plan.resolution),
        ])),
        ("Модели", _picture(outcome) + table.to_html(border=0)
         + _list([*outcome.notes, *(f"Не вошла {n}: {w}" for n, w in outcome.left_out.items())])),
        ("Значимые разности", _paragraphs([
            f"После поправки Холма значимых — {len(real)} из {len(pairs)}."
        ]) + _list([
            f"{row['первая']} − {row['вторая']}: {row['разность']:+.4f} ± {row['ошибка']:.4f}"
            for _, row in real.iterrows()
        ])),
    ]  # fmt: skip
    if written is not None:
        said = [COLD_RULE]
        if written.n_cold:
            said.append(f"Таких в файле — {written.n_cold}.")
        parts.append(("Рекомендации", _paragraphs([*said, *written.notes])))
    title = f"Рекомендации: сравнение моделей{f', {source}' if source else ''}"
    body = "".join(f"<h2>{html.escape(name)}</h2>{text}" for name, text in parts)
    page = PAGE.format(title=html.escape(title), body=body)
    path = out / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


PAGE = """<!DOCTYPE html>
<html lang="ru"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }}
table {{ border-collapse: collapse; }} td, th {{ padding: .2em .7em; text-align: right; }}
tr:nth-child(even) {{ background: #f4f4f4; }} img {{ max-width: 100%; }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""


def _paragraphs(texts: Iterable[str]) -> str:
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts)


def _list(texts: Iterable[str]) -> str:
    rows = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
    return f"<ul>{rows}</ul>" if rows else ""


def _anonymous(note: Note) -> str:
    """Текст замечания; в замечаниях о пользователях — без скобок, в которых стоят примеры."""
    if note.kind not in ("bots", "case_user", "second_header"):
        return note.text
    return re.sub(r"\s*\(.*\)", "", note.text, flags=re.DOTALL)


def _picture(outcome: Outcome) -> str:
    """Главная метрика с двумя ошибками, рисунок SVG внутри страницы."""
    order = list(outcome.table().index)[::-1]
    stats = [outcome.evaluations[name].stats(outcome.metric) for name in order]
    figure = Figure(figsize=(7, 0.6 + 0.4 * len(order)), layout="constrained")
    axes = figure.add_subplot()
    means, errors = [one["mean"] for one in stats], [2 * one["se"] for one in stats]
    axes.errorbar(means, range(len(order)), xerr=errors, fmt="o", capsize=3)
    axes.set_yticks(range(len(order)), order)
    axes.set_xlabel(f"{outcome.metric}, среднее ± две ошибки")
    axes.grid(axis="x", alpha=0.3)
    picture = io.BytesIO()
    with rc_context({"svg.hashsalt": "report"}):
        figure.savefig(picture, format="svg", metadata={"Date": None})
    coded = base64.b64encode(picture.getvalue()).decode()
    return f'<p><img alt="Модели" src="data:image/svg+xml;base64,{coded}"></p>'


# ------------------------------------------------------------------------------- списки и файлы


def _blocks(
    fitted: Everything, mask: np.ndarray, k: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Номера пользователей, их списки и кто из них без истории — блоками по ``USERS``."""
    part = fitted.part
    n_users = part.train.shape[0]
    popular = np.where(mask, fitted.popularity, -np.inf)
    has_history = np.diff(part.train.indptr) > 0

    def score(users: np.ndarray) -> np.ndarray:
        scores = fitted.model.score(users)
        scores[:, ~mask] = -np.inf
        return scores

    starts = range(0, n_users, USERS)
    for start in tqdm(starts, desc="рекомендации", disable=building()):
        users = np.arange(start, min(start + USERS, n_users))
        cold = ~has_history[users]
        lists = np.full((len(users), k), EMPTY, dtype=np.int64)
        for chosen, rule in ((~cold, score), (cold, lambda u: np.tile(popular, (len(u), 1)))):
            rows = users[chosen]
            if rows.size:
                seen = None if part.seen is None else sp.csr_array(part.seen[rows])
                own = _by_place(rule, rows)
                lists[chosen] = recommend(own, np.arange(rows.size), seen, k)
        yield users, lists, cold


def _by_place(score: Any, rows: np.ndarray) -> Any:
    """Та же функция баллов, но пользователи — места в ``rows``."""
    return lambda places: score(rows[places])


def _named(rows: pd.DataFrame, data: OwnData) -> pd.DataFrame:
    """Исходные идентификаторы вместо номеров и названия, если они есть."""
    items = rows["item"].to_numpy()
    named = rows.assign(item=data.items[items])
    if "user" in rows:
        named["user"] = data.users[rows["user"].to_numpy()]
    if data.titles is not None:
        named["title"] = pd.array(data.titles.reindex(items).to_numpy(), dtype="string")
    return named


class _Table:
    """Один и тот же поток строк в CSV и в Parquet; готовые файлы появляются только целыми."""

    def __init__(self, csv: Path, parquet: Path) -> None:
        self.paths = csv, parquet
        self.partly = [path.with_name(path.name + ".part") for path in self.paths]
        self.writer: Any = None

    def __enter__(self) -> "_Table":
        self.text = self.partly[0].open("w", encoding="utf-8-sig", newline="")
        return self

    def add(self, rows: pd.DataFrame) -> None:
        """Дописать строки."""
        table = pa.Table.from_pandas(rows, preserve_index=False)
        rows.to_csv(self.text, sep=";", index=False, header=self.writer is None)
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.partly[1], table.schema)
        self.writer.write_table(table)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.text.close()
        if self.writer is not None:
            self.writer.close()
        for partly, path in zip(self.partly, self.paths, strict=True):
            if kind is None:
                os.replace(partly, path)
            else:
                partly.unlink(missing_ok=True)


def _save_csv(rows: pd.DataFrame, path: Path) -> None:
    partly = path.with_name(path.name + ".part")
    rows.to_csv(partly, sep=";", index=False, encoding="utf-8-sig")
    os.replace(partly, path)


def _ones(users: Any, items: Any, shape: tuple[int, int]) -> sp.csr_array:
    """Матрица из единиц; повторы — тоже единица."""
    X = sp.csr_array((np.ones(len(users)), (users.to_numpy(), items.to_numpy())), shape=shape)
    X.sum_duplicates()
    X.data[:] = 1
    return X


def _histories(rows: pd.DataFrame) -> dict[int, list[np.ndarray]]:
    """Корзины по пользователям; строки упорядочены по пользователю и времени."""
    first = np.flatnonzero(~rows.duplicated(["user", "basket"]).to_numpy())
    contents = np.split(rows["item"].to_numpy(), first[1:])
    histories: dict[int, list[np.ndarray]] = {}
    for user, items in zip(rows["user"].to_numpy()[first], contents, strict=True):
        histories.setdefault(int(user), []).append(items)
    return histories
