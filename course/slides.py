"""Слайды лекции из ячеек самого урока.

Что показать, отмечено в уроке метками ячеек; ничего не пишется второй раз. Текст, формулы и выводы
берутся из собранной тетради. Рядом со слайдами кладутся reveal.js и MathJax, поэтому им не нужна
сеть: ни одного запроса наружу. Клавиша S открывает окно докладчика с полным текстом ячеек.
"""

import argparse
import ast
import html
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course.markdown import render
from course.options import Parser
from recsys_lessons._wheels import APACHE, MATHJAX, WheelError, lay
from recsys_lessons.lessons import lessons_dir

START, MORE, CODE = "slide", "slide-more", "slide-code"
MARKS = f"""Метки слайдов:
  {START}       ячейка начинает слайд
  {MORE}  ячейка продолжает слайд
  {CODE}  вместе с одной из них: показать и код ячейки, а не только вывод
Из текста на слайд идут заголовки, формулы, списки, таблицы и первое предложение каждого абзаца;
весь текст — в заметки докладчика."""


class SlidesError(RuntimeError):
    """Слайды не собрать; текст говорит, что делать."""


# ------------------------------------------------------------------- reveal.js и MathJax


_REVEAL = "sphinx_revealjs/_static/revealjs"
WHEELS = (
    replace(  # reveal.js 5.2.0, лицензия MIT; её несёт то же колесо, что и Apache 2.0
        APACHE,
        members={
            f"{_REVEAL}/dist/reveal.js": "reveal.js",
            f"{_REVEAL}/dist/reveal.css": "reveal.css",
            f"{_REVEAL}/plugin/notes/notes.js": "notes.js",
            f"{_REVEAL}/LICENSE": "LICENSE-reveal.js.txt",
        },
    ),
    MATHJAX,
    APACHE,
)


def lay_library(folder: Path) -> None:
    """Положить reveal.js и MathJax в ``folder``.

    :raises WheelError: файлов нет и загрузить их не удалось
    """
    for wheel in WHEELS:
        lay(wheel, folder)


# ------------------------------------------------------------------------- из ячеек — слайды


@dataclass
class Slide:
    """Один слайд: куски HTML и полный текст его ячеек."""

    parts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


_BOUNDARY = re.compile(r"(?<=[.?!…])\s+(?=[А-ЯЁA-Z«$*\d(`])")
_SHORT = re.compile(r"(?:^|[\s(])(?:ф|табл|рис|др|т|е|см|с|гл|[A-ZА-ЯЁ])\.$")
ENOUGH = 70  # знаков: короткие предложения начала абзаца берём по нескольку


def sentences(paragraph: str) -> list[str]:
    """Предложения абзаца; точка сокращения и инициала предложения не кончает."""
    found: list[str] = []
    for piece in _BOUNDARY.split(paragraph.strip()):
        if found and (_SHORT.search(found[-1]) or found[-1].count("$") % 2):
            found[-1] += " " + piece
        else:
            found.append(piece)
    return found


def blocks(text: str) -> Iterator[str]:
    """Абзацы, заголовки, формулы, списки и таблицы по одному."""
    for chunk in re.split(r"(\$\$.+?\$\$)", text, flags=re.DOTALL):
        if chunk.startswith("$$"):
            yield chunk
        else:
            yield from (part.strip() for part in re.split(r"\n\s*\n", chunk) if part.strip())


def _is_heading(block: str) -> bool:
    return block.startswith("#")


def shortened(parts: list[str]) -> str:
    """То, что из абзацев ячейки идёт на слайд."""
    kept: list[str] = []
    for block, following in zip(parts, [*parts[1:], ""], strict=True):
        if re.match(r"#|\$\$|[-*] |\d+\. |\|", block):
            kept.append(block)
        elif not block.startswith("<"):
            phrases = sentences(block)
            count = 1
            while count < len(phrases) and len(" ".join(phrases[:count])) < ENOUGH:
                count += 1
            if following.startswith("$$") and count < len(phrases):
                phrases[count:] = phrases[-1:]  # последнее вводит формулу
                count += 1
            kept.append(" ".join(phrases[:count]))
    return "\n\n".join(kept)


def _formula(source: str, display: bool) -> str:
    left, right = (r"\[", r"\]") if display else (r"\(", r"\)")
    return html.escape(f"{left}{source}{right}", quote=False)


def to_html(text: str) -> str:
    """Текст ячейки — в HTML; ссылка на другую тетрадь остаётся словами."""
    text = re.sub(r"\[([^\]]+)\]\((?!https?://)[^)]*\)", r"\1", text)
    made = re.sub(r"<(/?)h[1-6]>", r"<\1h2>", render(text, _formula))
    # Из двух заголовков подряд первый — раздел урока, второй — название слайда.
    return re.sub(r"<h2>(.*?)</h2>\s*(?=<h2>)", r'<p class="running">\1</p>', made)


def without_docstrings(source: str) -> str:
    """Код без докстрингов: на слайде их место занимает речь лектора."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            first, last = node.body[0].lineno, node.body[0].end_lineno or node.body[0].lineno
            for number in range(first - 1, last):
                lines[number] = "\0"
    text = "\n".join(line for line in lines if line != "\0").strip()
    return re.sub(r"\n{3,}", "\n\n", text)


_CODE_STYLE: HtmlFormatter[str] = HtmlFormatter(noclasses=True, nowrap=True)


def _code_html(source: str) -> str:
    painted = highlight(without_docstrings(source), PythonLexer(), _CODE_STYLE)
    return f'<pre class="code"><code>{painted}</code></pre>'


def _output_html(output: NotebookNode, title: str) -> str:
    if output.output_type == "stream":
        return f"<pre>{html.escape(output.text.rstrip())}</pre>"
    data = output.get("data", {})
    if "image/png" in data:
        picture = re.sub(r"\s", "", data["image/png"])
        alt = html.escape(title)
        return f'<img alt="Рисунок: {alt}" src="data:image/png;base64,{picture}">'
    return f"<pre>{html.escape(data.get('text/plain', '').rstrip())}</pre>"


def slides(notebook: NotebookNode) -> list[Slide]:
    """Слайды тетради по меткам её ячеек.

    Текст, который в ячейке стоит до заголовка, договаривает предыдущий слайд.

    :raises SlidesError: меток нет, продолжение стоит раньше начала или у ячейки нет вывода
    """
    found: list[Slide] = []
    title = ""
    for number, cell in enumerate(notebook.cells, start=1):
        prose = list(blocks(cell.source)) if cell.cell_type == "markdown" else []
        headings = [place for place, block in enumerate(prose) if _is_heading(block)]
        tags = set(cell.metadata.get("tags", []))
        if tags & {START, MORE}:
            if START in tags:
                if headings and headings[0] and found:
                    found[-1].parts.append(to_html(shortened(prose[: headings[0]])))
                    prose = prose[headings[0] :]
                found.append(Slide())
                if not headings:
                    found[-1].parts.append(f'<p class="running">{html.escape(title)}</p>')
            elif not found:
                raise SlidesError(f"Ячейка {number}: {MORE} раньше первого {START}.\n{MARKS}")
        elif CODE in tags:
            raise SlidesError(f"Ячейка {number}: метка {CODE} без {START} или {MORE}.\n{MARKS}")
        if headings:
            last = list(blocks(cell.source))[headings[-1]]
            title = last.lstrip("# ").partition("\n")[0]
        if not tags & {START, MORE}:
            continue
        if cell.cell_type == "markdown":
            found[-1].parts.append(to_html(shortened(prose)))
            found[-1].notes.append(to_html(cell.source))
            continue
        shown = [_output_html(output, title) for output in cell.outputs]
        if CODE in tags:
            shown.insert(0, _code_html(cell.source))
        if not shown:
            raise SlidesError(
                f"Ячейка {number} отмечена для слайда, а вывода у неё нет: соберите урок "
                f"(make lessons) или добавьте метку {CODE}."
            )
        found[-1].parts += shown
    if not found:
        raise SlidesError(f"В тетради нет ячеек, отмеченных для слайдов.\n{MARKS}")
    return found


# ------------------------------------------------------------------------------------ страница

STYLE = """
:root { --ink: #1b1b1b; --line: #b9c2cf; --accent: #1f4e8c; }
body { margin: 0; background: #fff; }
.reveal { font: 27px/1.4 "PT Sans", "Segoe UI", "Noto Sans", "DejaVu Sans", Arial, sans-serif;
  color: var(--ink); }
.reveal .slides { text-align: left; }
.reveal .slides section { padding: 0; height: 720px; }
.fit { box-sizing: border-box; padding: 26px 44px; }
.reveal h2 { font-size: 1.32em; line-height: 1.2; margin: 0 0 .5em; color: var(--accent);
  font-weight: 600; }
.reveal .title h2 { font-size: 1.75em; margin-top: 1.1em; }
.reveal p { margin: .42em 0; }
.reveal ul, .reveal ol { margin: .4em 0; padding-left: 1.2em; }
.reveal li { margin: .3em 0; }
.reveal a { color: var(--accent); }
.reveal table { border-collapse: collapse; margin: .5em 0; }
.reveal th, .reveal td { border-bottom: 1px solid var(--line); padding: .2em .8em; }
.reveal pre { margin: .5em 0; padding: .5em .8em; background: #f3f5f8; border-radius: 6px;
  font: .66em/1.42 "PT Mono", "DejaVu Sans Mono", Consolas, monospace; white-space: pre-wrap; }
.reveal pre.code { background: #fbfaf5; border-left: 5px solid var(--line); }
.reveal :not(pre) > code { font-family: "PT Mono", "DejaVu Sans Mono", Consolas, monospace;
  font-size: .86em; background: #f3f5f8; padding: 0 .2em; border-radius: 3px; }
.reveal .running { font-size: .72em; color: #555; margin: 0 0 .4em; }
.measuring .slides section { display: block !important; width: 1280px; }
.reveal img { display: block; margin: .4em auto; max-width: 100%; max-height: 16em;
  object-fit: contain; }
.reveal mjx-container[display="true"] { margin: .45em 0 !important; }
.reveal .slide-number { color: #555; background: none; font-size: 15px; right: auto; left: 14px; }
.reveal .controls { color: var(--line); font-size: 7px; }
"""

# Сначала формулы, потом reveal.js: в спрятанных слайдах MathJax не узнал бы размера шрифта.
SCRIPT = """
const ready = () => {
  const deck = new Reveal({width: 1280, height: 720, margin: 0.02, center: false, hash: true,
    transition: 'none', slideNumber: 'c/t', plugins: [RevealNotes]});
  deck.initialize().then(() => { window.deck = deck; });
};
const fit = async () => {
  const root = document.querySelector('.reveal');
  for (const picture of document.querySelectorAll('.slides img')) {
    await picture.decode();
    picture.style.height = picture.naturalHeight * 1.35 / 27 + 'em';
  }
  for (const body of document.querySelectorAll('.fit')) {
    let size = 100;
    const spills = () => body.scrollHeight > 700 || body.scrollWidth > body.clientWidth;
    while (spills() && size > 50) body.style.fontSize = (size -= 2) + '%';
    body.dataset.size = size;
  }
  // В окне докладчика нет стилей, которые прячут эту копию формул.
  document.querySelectorAll('.notes mjx-assistive-mml').forEach(copy => copy.remove());
  root.classList.remove('measuring');
};
window.MathJax = {
  tex: {inlineMath: [['\\\\(', '\\\\)']], displayMath: [['\\\\[', '\\\\]']]},
  options: {enableMenu: false},
  startup: {pageReady: () => MathJax.startup.defaultPageReady().then(fit).then(ready)},
};
"""


def page(title: str, found: list[Slide]) -> str:
    """Страница со слайдами; файлы библиотек лежат рядом, в папке ``lib``."""
    sections = "\n".join(
        f'<section><div class="fit{"" if number else " title"}">{"".join(slide.parts)}</div>'
        + (f'<aside class="notes">{"".join(slide.notes)}</aside>' if slide.notes else "")
        + "</section>"
        for number, slide in enumerate(found)
    )
    return f"""<!doctype html>
<html lang="ru">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="lib/reveal.css">
<style>{STYLE}</style>
</head>
<body>
<div class="reveal measuring"><div class="slides">
{sections}
</div></div>
<script src="lib/reveal.js"></script>
<script src="lib/notes.js"></script>
<script>{SCRIPT}</script>
<script src="lib/mathjax.js"></script>
</body>
</html>
"""


def build(name: str, out: Path) -> int:
    """Записать слайды урока ``name`` в папку ``out``; ответ — число слайдов.

    :raises SlidesError: урока нет или он не размечен
    :raises WheelError: библиотек не достать
    """
    path = lessons_dir() / f"{name}.ipynb"
    if not path.is_file():
        there = ", ".join(sorted(found.stem for found in path.parent.glob("*.ipynb")))
        raise SlidesError(f"Нет тетради {path.name}. Есть: {there}.")
    notebook = nbformat.read(path, as_version=4)
    found = slides(notebook)
    heading = re.search(r"^# (.+)$", notebook.cells[0].source, re.MULTILINE)
    lay_library(out / "lib")
    (out / "index.html").write_text(page(heading[1] if heading else name, found), encoding="utf-8")
    return len(found)


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(
        prog="python -m course.slides",
        description=f"{__doc__}\n{MARKS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", help="имя урока, например 04_ease")
    parser.add_argument("--out", type=Path, required=True, help="папка для слайдов")
    options = parser.parse_args(arguments)
    try:
        count = build(options.name, options.out)
    except (SlidesError, WheelError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Слайдов: {count}. Откройте {options.out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
