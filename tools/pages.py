"""Начальная страница читателя и таблицы README: python -m tools.pages обновляет README.

Названия и время берутся из самих уроков, числа — из сохранённых результатов, поэтому нигде не
набраны дважды. Файлу хватает стандартной библиотеки.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
README = ROOT / "README.md"
START = "Начало.md"
HANDBOOK = "A_handbook"
# Для чего читать → в каком порядке.
ROUTES = {
    "Понять рекомендации по оценкам и просмотрам, от простого к сложному": (
        "00a → 00b → 01 → 04 → 05 → 03 → 06 → 07"
    ),
    "Предсказать следующую корзину": "00a → 00b → 02",
    "Предсказать следующий шаг по порядку событий": "00a → 00b → 08",
    "Выбрать модель и применить её к своим данным": "00a → 00b → 09 → 10",
}
# Модели протокола A, чьи числа показывает README, и их уроки; числа — из урока 09.
BOARD_A = {
    "Популярное": "00a_start",
    "Item-KNN": "01_item_knn",
    "iALS": "03_ials",
    "EASE": "04_ease",
    "SLIM": "05_slim",
    "MultiVAE": "06_multivae",
    "LightGCN": "07_lightgcn",
}


@dataclass(frozen=True)
class Lesson:
    """Урок, каким его видно снаружи: имя файла, название и время из карточки."""

    name: str
    title: str
    time: str

    @property
    def number(self) -> str:
        return self.name.partition("_")[0]


def lessons(folder: Path) -> list[Lesson]:
    """Уроки папки по порядку; справочник последний."""
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        title = re.search(r"^# (?:\d*[a-zA-Z]?\. )?(.+)$", text, re.MULTILINE)
        time = re.search(r"\*\*Время\.?\*\*[ |]*([^\n|]+)", text)
        found.append(
            Lesson(
                path.stem,
                title[1].strip() if title else path.stem,
                time[1].strip(" .") if time else "",
            )
        )
    return found


def lesson_table(folder: Path, prefix: str = "") -> str:
    """Таблица уроков; ссылки ведут на тетради в папке ``prefix``."""
    rows = ["| | Урок | Время |", "|---|---|---|"]
    for lesson in lessons(folder):
        number = "" if lesson.name == HANDBOOK else lesson.number
        time = lesson.time or ("приходите по ссылке из урока" if lesson.name == HANDBOOK else "")
        rows.append(f"| {number} | [{lesson.title}]({prefix}{lesson.name}.ipynb) | {time} |")
    return "\n".join(rows)


def routes(folder: Path, prefix: str = "") -> str:
    """Порядки чтения: для чего и какой; каждый номер — ссылка."""
    names = {lesson.number: lesson.name for lesson in lessons(folder)}

    def link(match: re.Match[str]) -> str:
        name = names.get(match[0])
        return f"[{match[0]}]({prefix}{name}.ipynb)" if name else match[0]

    linked = {purpose: re.sub(r"\w+", link, route) for purpose, route in ROUTES.items()}
    return "\n".join(f"- {purpose}: {route}" for purpose, route in linked.items())


def stored(folder: Path, name: str) -> Any:
    """Сохранённый результат: содержимое ``value``."""
    text = (folder / "results" / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text)["value"]


def shown(value: Sequence[float]) -> str:
    """Среднее и его ошибка."""
    return f"{value[0]:.4f} ± {value[1]:.4f}".replace(".", ",")


def board(folder: Path) -> dict[str, Any]:
    """Числа протокола A: модель → показатели, по уроку 09."""
    table: dict[str, Any] = stored(folder, "09_compare.movies")["table"]
    return table


def next_film(folder: Path, model: str) -> str:
    """NDCG@10 модели на следующем фильме, по уроку 08."""
    return shown(stored(folder, "08_bert4rec.test")["means"][model]["NDCG@10"])


def basket_gain(folder: Path) -> str:
    """На сколько Recall@10 у TIFU-KNN выше, чем у смеси частот."""
    return shown(stored(folder, "02_tifu_knn.dates")["TIFU-KNN"]["смесь"]["Recall@10"])


def result_table(folder: Path, prefix: str = "") -> str:
    """Модели протокола A, лучшая первой, и две строки о протоколах B и C."""
    table = board(folder)
    rows = ["| Модель | NDCG@10 | Recall@20 | Охват |", "|---|---|---|---|"]
    for model in sorted(BOARD_A, key=lambda name: -table[name]["NDCG@10"][0]):
        values = [shown(table[model][metric]) for metric in ("NDCG@10", "Recall@20")]
        values.append(f"{table[model]['coverage']:.3f}".replace(".", ","))
        rows.append(f"| [{model}]({prefix}{BOARD_A[model]}.ipynb) | {' | '.join(values)} |")
    gain = basket_gain(folder)
    bert, ease, popular = (next_film(folder, name) for name in ("BERT4Rec", "EASE", "Популярное"))
    return "\n".join(
        [
            *rows,
            "",
            f"Следующий фильм предсказывает [BERT4Rec]({prefix}08_bert4rec.ipynb): NDCG@10 {bert}; "
            f"на тех же данных EASE {ease}, популярное {popular}. Следующую корзину — "
            f"[TIFU-KNN]({prefix}02_tifu_knn.ipynb): Recall@10 на {gain} выше, чем у смеси личных "
            "и общих частот.",
        ]
    )


def start_page(folder: Path) -> str:
    """Страница, которой открывается JupyterLab читателя."""
    return f"""# Рекомендательные системы: с чего начать

Это уроки, в которых всё выполняется. Любую ячейку можно изменить, запустить (Shift+Enter) и сразу
увидеть, что получилось. Начните с урока [00a](00a_start.ipynb).

## Уроки

{lesson_table(folder)}

## Порядок чтения

{routes(folder)}

Разделы «Углубление» можно пропускать: основная часть ничего из них не берёт.

## Что где

- **Ваши копии.** Тетради лежат в папке `my/`. Меняйте их как угодно: повторный запуск `make lab` их
  не трогает, обновляется только эта страница.
- **Свежая копия.** `make lab FRESH=04_ease` положит рядом новую тетрадь `04_ease_2.ipynb`.
- **Запустить урок целиком.** Меню «Выполнить» → «Выполнить все ячейки».
- **Ответы.** В конце каждого урока, в разделе «Проверьте себя»: ответы на вопросы под словом
  «Ответ», решения заданий — в свёрнутых ячейках сразу за ними.
- **Математика.** [Справочник]({HANDBOOK}.ipynb), там же обозначения и словарь терминов.
- **Остановить.** Ячейку — кнопка ■ над тетрадью; JupyterLab — Ctrl+C в окне, где запущена команда
  `make lab`.
"""


def refreshed(readme: str, folder: Path) -> str:
    """Текст README, в котором части между метками заменены нынешними."""
    parts = {
        "уроки": f"{lesson_table(folder, 'notebooks/')}\n\nПорядок чтения:\n\n"
        + routes(folder, "notebooks/"),
        "результаты": result_table(folder, "notebooks/"),
    }
    for name, part in parts.items():
        start, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        before, opened, rest = readme.partition(start)
        _, closed, after = rest.partition(end)
        if not opened or not closed:
            raise ValueError(f"В README нет пары меток «{start.strip()}» и «{end.strip()}».")
        readme = before + start + part + end + after
    return readme


if __name__ == "__main__":
    README.write_text(
        refreshed(README.read_text(encoding="utf-8"), NOTEBOOKS), encoding="utf-8", newline="\n"
    )
