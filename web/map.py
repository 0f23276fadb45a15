"""Карта алгоритмов: python -m web.map обновляет картинку, которую показывает README.

Сайт рисует ту же карту прямо на странице: там узлы — ссылки, а на узком экране её место занимает
высокая карта. Числа берутся из сохранённых результатов. Файлу хватает стандартной библиотеки.
"""

import html as escaping
from dataclasses import dataclass
from pathlib import Path

from tools import pages

PICTURE = Path(__file__).resolve().parent / "static" / "map.svg"
FAMILIES = {
    "Соседи": "похожее голосует",
    "Линейные": "веса подобраны",
    "Факторы": "вектор на каждого",
    "Глубокие": "нейронная сеть",
}
KINDS = {"Оценки": "#1b4f8a", "Корзины": "#b04a12", "Порядок": "#3a7549"}
WIDTH, HEIGHT, GAP = 164, 62, 12  # узел и промежуток
# На сайте цвета даёт тема, светлая или тёмная; в README, где её нет, — вторые значения.
STYLE = """
.map-text text { fill: var(--pst-color-text-base, #1b1b1b);
  font-family: 'PT Sans', 'Segoe UI', 'Noto Sans', 'DejaVu Sans', Arial, sans-serif }
.map-text .dim { fill: var(--pst-color-text-muted, #4d4d4d) }
.map-text .back { fill: var(--pst-color-background, #ffffff) }
.map-text .box { fill: var(--pst-color-surface, #f5f6f8);
  stroke: var(--pst-color-border, #b9c2cf) }
.map-text .line { fill: none; stroke: var(--pst-color-text-muted, #4d4d4d); stroke-width: 1.6 }
.map-text .thin { stroke: var(--pst-color-border, #b9c2cf); stroke-width: 1 }
"""


@dataclass(frozen=True)
class Node:
    """Алгоритм на карте: урок, семейство, данные и две строки результата."""

    name: str
    lesson: str
    family: str
    kind: str
    metric: str
    value: str


def nodes(folder: Path) -> list[Node]:
    """Восемь алгоритмов с числами из сохранённых результатов."""
    table = pages.board(folder)
    families = {
        "Item-KNN": "Соседи",
        "EASE": "Линейные",
        "SLIM": "Линейные",
        "iALS": "Факторы",
        "MultiVAE": "Глубокие",
        "LightGCN": "Глубокие",
    }
    found = [
        Node(
            name, pages.BOARD_A[name], family, "Оценки", "NDCG@10",
            pages.shown(table[name]["NDCG@10"]),
        )
        for name, family in families.items()
    ]  # fmt: skip
    gain = "+" + pages.basket_gain(folder)
    bert = pages.next_film(folder, "BERT4Rec")
    return [
        *found,
        Node("TIFU-KNN", "02_tifu_knn", "Соседи", "Корзины", "Recall@10 к частотам", gain),
        Node("BERT4Rec", "08_bert4rec", "Глубокие", "Порядок", "NDCG@10", bert),
    ]


def _text(x: float, y: float, text: str, size: int, rest: str = "") -> str:
    shown = escaping.escape(text)
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" {rest}>{shown}</text>'


def _colour(kind: str) -> str:
    return f'class="kind-{list(KINDS).index(kind)}" fill="{KINDS[kind]}"'


def _node(node: Node, x: float, y: float, links: bool) -> str:
    colour = _colour(node.kind)
    drawn = "".join(
        [
            f'<rect class="box" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="7"/>',
            f'<rect x="{x}" y="{y}" width="6" height="{HEIGHT}" rx="3" {colour}/>',
            _text(x + 16, y + 22, node.name, 16, 'font-weight="700"'),
            _text(x + 16, y + 39, node.metric, 11, 'class="dim"'),
            _text(x + 16, y + 54, node.value, 12),
        ]
    )
    return f'<a href="{node.lesson}.html">{drawn}</a>' if links else f"<g>{drawn}</g>"


@dataclass
class Drawing:
    """Начерченное и его размер."""

    parts: list[str]
    width: float
    height: float


def _wide(found: list[Node], links: bool) -> Drawing:
    """Семейства слева направо, данные сверху вниз."""
    parts: list[str] = []
    left, step = 96, WIDTH + 2 * GAP
    for column, (family, about) in enumerate(FAMILIES.items()):
        x = left + column * step
        parts.append(_text(x, 26, family, 17, 'font-weight="700"'))
        parts.append(_text(x, 44, about, 12, 'class="dim"'))
        if column:
            parts.append(f'<path class="line" d="M{x - 74} 21h50m-8 -6l8 6l-8 6"/>')
    y, width = 62.0, left + 4 * step - GAP
    for kind in KINDS:
        columns = [[n for n in found if (n.kind, n.family) == (kind, f)] for f in FAMILIES]
        high = max(map(len, columns)) * (HEIGHT + GAP) - GAP
        parts.append(f'<path class="line thin" d="M4 {y - 9:g}H{width - 8}"/>')
        parts.append(_text(4, y + high / 2 + 5, kind, 15, 'font-weight="700"'))
        for column, own in enumerate(columns):
            for row, node in enumerate(own):
                parts.append(_node(node, left + column * step, y + row * (HEIGHT + GAP), links))
        y += high + 20
    return Drawing(parts, width, y - 6)


def _tall(found: list[Node], links: bool) -> Drawing:
    """Семейства сверху вниз, узлы по два в строке; данные различает цвет."""
    parts: list[str] = []
    y = 30.0
    for family, about in FAMILIES.items():
        arrow = "↓ " if parts else ""
        parts.append(_text(4, y, f"{arrow}{family}", 16, 'font-weight="700"'))
        parts.append(_text(130, y, about, 12, 'class="dim"'))
        own = [node for node in found if node.family == family]
        for place, node in enumerate(own):
            row, column = divmod(place, 2)
            x = 4 + column * (WIDTH + GAP)
            parts.append(_node(node, x, y + 12 + row * (HEIGHT + GAP), links))
        y += 12 + (len(own) + 1) // 2 * (HEIGHT + GAP) + 30
    for place, kind in enumerate(KINDS):
        x = 12 + place * 112
        parts.append(f'<circle cx="{x}" cy="{y - 12:g}" r="6" {_colour(kind)}/>')
        parts.append(_text(x + 12, y - 8, kind.lower(), 13))
    return Drawing(parts, 2 * WIDTH + GAP + 8, y + 4)


def svg(folder: Path, tall: bool = False, links: bool = True) -> str:
    """Карта: широкая или высокая; без ссылок — картинка, у которой есть размер."""
    drawing = (_tall if tall else _wide)(nodes(folder), links)
    size = f"{drawing.width:g} {drawing.height:g}"
    fixed = "" if links else f' width="{drawing.width:g}" height="{drawing.height:g}"'
    name = 'role="group" aria-label="Карта уроков"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}"{fixed} {name}>
<style>{STYLE}</style>
<g class="map-text"><rect class="back" width="100%" height="100%"/>
{chr(10).join(drawing.parts)}
</g></svg>
"""


def html(folder: Path) -> str:
    """Обе карты для страницы сайта; видна та, что помещается."""
    wide, tall = svg(folder), svg(folder, tall=True)
    return f'<div class="map wide-map">{wide}</div>\n<div class="map tall-map">{tall}</div>'


if __name__ == "__main__":
    PICTURE.write_text(svg(pages.NOTEBOOKS, links=False), encoding="utf-8", newline="\n")
