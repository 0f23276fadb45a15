"""Сборка сайта: python -m web.build --out site [--films]

Страницы делаются из собранных тетрадей с их сохранёнными выводами, ничего не исполняется. Сначала
части сайта (:data:`PARTS`) кладут во временную папку исходные страницы, потом Sphinx делает из них
HTML, потом :mod:`web.check` проверяет каждую ссылку.

Как добавить страницы. Часть — это заголовок в боковом содержании и функция ``lay(options)``: она
пишет в ``options.source`` страницы (``имя.md`` или ``имя.ipynb``, все в одной папке) и возвращает
их имена по порядку. Остальные файлы (скрипты, данные) она кладёт в ``options.source / EXTRA``:
оттуда они переходят в корень сайта как есть. Ссылки между страницами — на исходные имена:
``[04](04_ease.ipynb)``, ``A_handbook.ipynb#cell-id=cholesky``, ``04_ease.ipynb#Идея-на-пальцах``.
Сайт открывают и прямо из папки, по ``file://``: там не работают fetch, модули и ``Worker`` из
файла, поэтому данные кладут скриптом, который задаёт переменную. Функцию вписывают в :data:`PARTS`.
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from sphinx.cmd.build import main as sphinx_build

from course.options import Parser
from recsys_lessons._wheels import APACHE, MATHJAX, WheelError, lay
from tools import pages
from web import map as lesson_map
from web import passport, recommender
from web.check import problems
from web.extension import CELL, FILES

HERE = Path(__file__).resolve().parent
EXTRA = "_extra"
NAMED = re.compile(r'^# %% \[markdown\].* id="([^"]+)"', re.MULTILINE)
MARK = ".buildinfo"  # этот файл Sphinx пишет в каждый собранный им сайт
# Значок в файле Font Awesome: имя, размеры, другие имена, код, контур.
ICON = re.compile(r'"?([a-z0-9-]+)"?:\[\d+,\d+,\[([^\]]*)\],"[^"]*",(?:"[^"]*"|\[[^\]]*\])\],?')

# Подсказки темы, которых нет в её русском переводе.
RUSSIAN = {
    "Color mode": "Светлый или тёмный вид",
    "Main": "Содержание сайта",
    "Page": "Содержание страницы",
    "System Settings": "Как в системе",
    "Toggle hidden content": "Показать или скрыть решение",
    "Toggle primary sidebar": "Содержание сайта",
    "Toggle secondary sidebar": "На этой странице",
    "Version warning": "Предупреждение о версии",
}


class SiteError(RuntimeError):
    """Сайт не собрать; текст говорит, что делать."""


@dataclass(frozen=True)
class Options:
    """Куда класть исходные страницы и что на них показывать."""

    source: Path
    films: bool
    notebooks: Path


@dataclass(frozen=True)
class Part:
    """Часть сайта: заголовок в содержании и кто кладёт её страницы."""

    caption: str
    lay: Callable[[Options], list[str]]


def prepared(notebook: nbformat.NotebookNode, named: set[str]) -> nbformat.NotebookNode:
    """Тетрадь для сайта: имена ячеек ``named`` стали якорями, решения свёрнуты."""
    for cell in notebook.cells:
        if cell.id in named:
            cell.source = f"({CELL}{cell.id})=\n{cell.source}"
        if "answer" in cell.metadata.get("tags", []):
            cell.metadata["tags"].append("hide-cell")
    return notebook


def lay_notebooks(options: Options, names: list[str]) -> list[str]:
    """Положить тетради страницами и рядом — файлами для загрузки."""
    files = options.source / EXTRA / FILES
    files.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = options.notebooks / f"{name}.ipynb"
        for original in (path, path.with_suffix(".py")):
            shutil.copyfile(original, files / original.name)
        named = set(
            re.findall('^# %% \\[markdown\\].* id="([^"]+)"', original.read_text("utf-8"), re.M)
        )
        nbformat.write(prepared(nbformat.read(path, 4), named), options.source / path.name)
    return names


def _names(options: Options) -> list[str]:
    return [lesson.name for lesson in pages.lessons(options.notebooks)]


def lay_lessons(options: Options) -> list[str]:
    return lay_notebooks(options, [name for name in _names(options) if name != pages.HANDBOOK])


def lay_handbook(options: Options) -> list[str]:
    return lay_notebooks(options, [pages.HANDBOOK])


PARTS = (
    Part("Уроки", lay_lessons),
    Part("Справочник", lay_handbook),
    Part("Попробовать", recommender.lay),
    Part("Паспорт", passport.lay),
)


def start_page(options: Options) -> str:
    """Начальная страница: :file:`start.md` с картой, порядком чтения, временем и числами."""
    folder = options.notebooks
    text = (HERE / "start.md").read_text(encoding="utf-8")
    for name, part in {
        "карта": lesson_map.html(folder),
        "порядок": pages.routes(folder),
        "уроки": pages.lesson_table(folder),
        "результаты": pages.result_table(folder),
    }.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text


def contents(options: Options, part: Part) -> str:
    """Часть содержания; у урока в нём — номер и название до двоеточия."""
    titles = {passport.INDEX: "Все уроки"}
    for lesson in pages.lessons(options.notebooks):
        short = f"{lesson.number}. {lesson.title.partition(':')[0]}"
        titles |= {lesson.name: short, passport.page_name(lesson.name): short}
    lines = [f"{titles[n]} <{n}>" if n in titles else n for n in part.lay(options)]
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {part.caption}", *lines, "```"])


def _translated(text: str) -> str:
    """Страница, в которой подсказки кнопок переведены."""

    def russian(match: re.Match[str]) -> str:
        return f'{match[1]}="{RUSSIAN.get(match[2], match[2])}"'

    return re.sub(r'\b(aria-label|title)="([A-Z][^"]*)"', russian, text)


def _keep_used_icons(made: Path) -> None:
    """Из двух тысяч значков Font Awesome оставить те, которые названы на страницах."""
    icons = made / "_static" / "scripts" / "fontawesome.js"
    files = [*made.glob("*.html"), *(made / "_static").rglob("*.js")]
    texts = [path.read_text(encoding="utf-8") for path in files if path != icons]
    used = {name for text in texts for name in re.findall(r"\bfa-([a-z0-9-]+)", text)}

    def kept(match: re.Match[str]) -> str:
        names = {match[1], *re.findall(r'"([^"]+)"', match[2])}
        return match[0] if names & used else ""

    icons.write_text(ICON.sub(kept, icons.read_text(encoding="utf-8")), encoding="utf-8")


def build(out: Path, films: bool = False, notebooks: Path = pages.NOTEBOOKS) -> None:
    """Собрать сайт в папку ``out``; прежний сайт заменяется.

    :raises SiteError: Sphinx чего-то не понял, есть битые ссылки или ``out`` занята не сайтом
    :raises WheelError: MathJax не достать
    """
    out = out.resolve()
    beside = _beside(out)
    alone = {p.stem for p in notebooks.glob("*.py")} ^ {p.stem for p in notebooks.glob("*.ipynb")}
    if alone:
        raise SiteError(
            f"У урока должны быть и .py, и .ipynb, а здесь файл один: {', '.join(sorted(alone))}. "
            "Собрать тетради: make lessons; лишнее уберите из папки уроков."
        )
    with tempfile.TemporaryDirectory() as temporary:
        source, made = Path(temporary) / "source", Path(temporary) / "site"
        options = Options(source, films, notebooks)
        source.mkdir()
        try:
            toctrees = [contents(options, part) for part in PARTS]
            index = "\n\n".join([start_page(options), *toctrees])
        except (OSError, ValueError, KeyError, TypeError, SyntaxError, RuntimeError) as error:
            raise SiteError(
                f"Файлы уроков не прочитать: {type(error).__name__}: {error}. Верните испорченный "
                "(git status покажет изменённые) или соберите уроки заново: make lessons."
            ) from error
        (source / "index.md").write_text(index, encoding="utf-8")
        arguments = ["-q", "-W", "--keep-going", "-c", HERE, "-d", f"{temporary}/doctrees"]
        if sphinx_build([str(word) for word in (*arguments, source, made)]):
            raise SiteError("Sphinx собрал сайт с предупреждениями: они выше. Исправьте их.")
        shutil.copytree(source / EXTRA, made, dirs_exist_ok=True)
        for wheel in (MATHJAX, APACHE):
            lay(wheel, made / "_static")
        for path in made.glob("*.html"):
            path.write_text(_translated(path.read_text(encoding="utf-8")), encoding="utf-8")
        _keep_used_icons(made)
        # Шаблоны темы и карты её исходников страницам не нужны.
        for pattern in ("*webpack-macros.html", "*/*.map"):
            for path in (made / "_static").glob(pattern):
                path.unlink()
        found = problems(made)
        if found:
            raise SiteError("\n".join(["На сайте есть ошибки:", *found]))
        # Прежний сайт исчезает, только когда новый уже лежит рядом целиком.
        try:
            shutil.copytree(made, beside)
            if out.exists():
                shutil.rmtree(out)
            beside.replace(out)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _beside(out: Path) -> Path:
    """Где собрать новый сайт рядом с прежним.

    :raises SiteError: ``out`` занята не сайтом, или писать там нельзя
    """
    try:
        if out.exists() and not (out / MARK).exists() and any(out.iterdir()):
            raise SiteError(f"Папка {out} не пуста и это не сайт. Укажите другую в --out.")
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as free:
            return Path(free)
    except OSError as error:
        raise SiteError(
            f"В {out} сайт не положить: {error.strerror}. Укажите другую папку в --out."
        ) from error


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(
        prog="python -m web.build",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="папка для сайта")
    parser.add_argument(
        "--films", action="store_true", help="показать и то, что выведено из MovieLens"
    )
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        build(options.out, options.films)
    except (SiteError, WheelError) as error:
        print(error, file=sys.stderr)
        return 1
    files = [path for path in options.out.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    count = sum(path.suffix == ".html" for path in files)
    print(
        f"Страниц: {count}, {size:.0f} МБ, за {time.monotonic() - started:.0f} с. "
        f"Откройте {options.out / 'index.html'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
