"""Расширение Sphinx: якоря как в JupyterLab, свёрнутые «Углубления», кнопки загрузки."""

import re
from typing import Any

from docutils import nodes
from docutils.transforms import Transform
from sphinx.application import Sphinx

CELL = "cell-id="
DEEP = "Углубление"
FILES = "files"  # папка сайта, где лежат тетради и исходники уроков


def slug(title: str) -> str:
    """Якорь заголовка, как его пишет JupyterLab: пробелы заменены дефисами."""
    return title.replace(" ", "-")


class Anchors(Transform):
    """Первым якорем раздела становится его заголовок, последним — ``cell-id=`` ячейки.

    Номера вида ``id7``, которые русским заголовкам даёт docutils, меняются от правки к правке.
    """

    default_priority = 690  # своих имён больше никто не даст; ссылки ещё не разрешены

    def apply(self, **kwargs: Any) -> None:
        slugs = getattr(self.document, "myst_slugs", {})
        for section in self.document.findall(nodes.section):
            anchor = section.get("slug")
            if anchor in slugs:
                line, _, title = slugs[anchor]
                slugs[anchor] = (line, anchor, title)
                section["ids"].insert(0, anchor)
                self.document.ids[anchor] = section
        for element in self.document.findall(nodes.Element):
            names = element.get("names", [])
            element["ids"] += [name for name in names if name.startswith(CELL)]


def fold(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Свернуть разделы «Углубление»: заголовок остаётся, остальное открывает щелчок."""
    for section in list(doctree.findall(nodes.section)):
        title, *rest = section.children
        if title.astext().startswith(DEEP):
            opening = '<details class="deep"><summary>Читать углубление</summary>'
            section[:] = [
                title,
                nodes.raw("", opening, format="html"),
                *rest,
                nodes.raw("", "</details>", format="html"),
            ]


def describe(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Подпись рисунка для тех, кто его не видит: раздел, в котором он стоит."""
    for section in doctree.findall(nodes.section):
        for image in section.findall(nodes.image):
            image["alt"] = f"Рисунок: {section[0].astext()}"  # внутренний раздел скажет точнее


def keep_marks(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Не отрывать от формулы в строке знак препинания: браузер переносит её как картинку."""
    for formula in list(doctree.findall(nodes.math)):
        text = formula.next_node(descend=False, siblings=True)
        found = re.match(r"[,.;:?!…»)]+", text) if isinstance(text, nodes.Text) else None
        if found:
            together = nodes.inline("", "", classes=["nobr"])
            formula.replace_self(together)
            together += [formula, nodes.Text(found[0])]
            text.parent.replace(text, nodes.Text(text[found.end() :]))


def add_downloads(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Кнопка загрузки урока: тетрадь, исходник, печать."""
    if not str(context.get("page_source_suffix", "")).endswith(".ipynb"):
        return
    links = [
        {
            "type": "link",
            "url": context["pathto"](f"{FILES}/{pagename}.{kind}", 1),
            "text": text,
            "icon": icon,
            "label": f"download-{kind}",
        }
        for kind, text, icon in (
            ("ipynb", "Тетрадь .ipynb", "fas fa-book"),
            ("py", "Исходник .py", "fas fa-file-code"),
        )
    ]
    printing = {
        "type": "javascript",
        "javascript": "window.print()",
        "text": "Печать или PDF",
        "icon": "fas fa-print",
        "label": "print",
    }
    context["header_buttons"].append(
        {
            "type": "group",
            "tooltip": "Скачать урок",
            "icon": "fas fa-download",
            "buttons": [*links, printing],
            "label": "download-buttons",
        }
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_transform(Anchors)
    for change in (describe, fold, keep_marks):
        app.connect("doctree-resolved", change)
    # Тема заводит список кнопок с приоритетом 500.
    app.connect("html-page-context", add_downloads, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
