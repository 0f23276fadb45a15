"""Проверка собранного сайта: python -m web.check site

Каждая внутренняя ссылка ведёт к файлу, каждый якорь — к элементу страницы, ни одна страница ничего
не загружает снаружи. Файлу хватает стандартной библиотеки.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Что загружает сама страница; ссылку <a> открывает читатель.
LOADED = {
    "link": "href",
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "image": "href",
    "use": "href",
}
IN_CSS = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s;]+)""")
# Ссылки rel, по которым браузер ничего не загружает.
PASSIVE = {"next", "prev", "search", "index", "author", "canonical", "license"}


class Page(HTMLParser):
    """Якоря страницы, её ссылки и то, что она загружает."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self._style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        self._style = tag == "style"
        self.loaded += IN_CSS.findall(found.get("style", ""))
        self.loaded += [part.split()[0] for part in found.get("srcset", "").split(",") if part]
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in LOADED and LOADED[tag] in found:
            passive = tag == "link" and set(found.get("rel", "").split()) <= PASSIVE
            (self.links if passive else self.loaded).append(found[LOADED[tag]])

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if self._style:
            self.loaded += IN_CSS.findall(data)


def problems(site: Path) -> list[str]:
    """Что на сайте не так, по строке на находку."""
    site = site.resolve()
    found = {p: Page(p.read_text(encoding="utf-8")) for p in sorted(site.rglob("*.html"))}
    wrong = [] if found else [f"{site}: страниц нет, проверять нечего"]
    for path, page in found.items():
        for link in dict.fromkeys(page.links):
            wrong += _link(site, path, link, found)
        for address in dict.fromkeys(page.loaded):
            wrong += _loaded(site, path, address)
    for path in sorted(site.rglob("*.css")):
        for address in dict.fromkeys(IN_CSS.findall(path.read_text(encoding="utf-8"))):
            wrong += _loaded(site, path, address)
    return wrong


def _target(site: Path, path: Path, address: str) -> Path | None:
    """Файл сайта, к которому ведёт относительный адрес; ``None`` — такого нет."""
    target = (path.parent / unquote(urlsplit(address).path)).resolve()
    if target.is_dir():
        target /= "index.html"
    return target if target.is_file() and target.is_relative_to(site) else None


def _link(site: Path, path: Path, link: str, pages: dict[Path, Page]) -> list[str]:
    parts = urlsplit(link)
    if parts.scheme in ("http", "https", "mailto"):
        return []
    target = _target(site, path, link) if parts.path else path
    if parts.scheme or parts.netloc or target is None:
        return [f"{path.relative_to(site)}: {link}: ссылка никуда не ведёт"]
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return [f"{path.relative_to(site)}: {link}: такого якоря нет"]
    return []


def _loaded(site: Path, path: Path, address: str) -> list[str]:
    parts = urlsplit(address)
    if parts.scheme == "data" or not parts.path:
        return []
    if parts.scheme or parts.netloc:
        return [f"{path.relative_to(site)}: {address}: загружается снаружи"]
    if _target(site, path, address) is None:
        return [f"{path.relative_to(site)}: {address}: такого файла нет"]
    return []


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("Укажите папку сайта: python -m web.check site", file=sys.stderr)
        return 2
    wrong = problems(Path(arguments[0]))
    print("\n".join(wrong) or "Все ссылки и якоря на месте, наружу ничего не обращается.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
