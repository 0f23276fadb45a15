"""Сайт в браузере: без ошибок и чужих запросов, на телефоне, в темноте, с клавиатуры.

Нужен Chromium. Без него тест пропускается; в CI (RECSYS_LESSONS_BROWSER=required) — падает.
"""

import re
import subprocess
import sys

import pytest

from tests.browser import opened, served
from tools.notebooks import ROOT

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address(site):
    """Адрес сайта на местном веб-сервере."""
    with served(site) as found:
        yield found


# Текст, который видит читатель, кроме кода и выводов: в них знак доллара на своём месте.
PROSE = """() => {
    const copy = document.querySelector('article').cloneNode(true);
    copy.querySelectorAll('pre, code, script, style, mjx-container').forEach(e => e.remove());
    return copy.textContent;
}"""
# Что уже полотна страницы само по себе и при этом не лежит в прокручиваемом.
STICKING = """() => [...document.querySelectorAll('article *')].filter(element => {
    if (element.getBoundingClientRect().right <= innerWidth + 1) return false;
    for (let up = element; up && up.tagName !== 'ARTICLE'; up = up.parentElement)
        if (getComputedStyle(up).overflowX !== 'visible') return false;
    return true;
}).map(element => element.outerHTML.slice(0, 120))"""


def test_every_page_is_clean_on_a_phone(browser, address, site):
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    names = [name for name in names if not name.startswith("_static/")]
    assert len(names) >= 15
    formulas = 0
    with opened(browser, viewport=PHONE) as tab:
        for name in names:
            tab.open(f"{address}/{name}")
            page = tab.page
            assert tab.troubles == [], name
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
            page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
            assert page.evaluate(STICKING) == [], name
            if page.query_selector("article"):
                found = re.search(r".{0,30}(\$|\\\(|\\\[|\]\(|\*\*).{0,30}", page.evaluate(PROSE))
                assert found is None, (name, found and found[0])
            assert page.evaluate("document.querySelectorAll('[data-mjx-error]').length") == 0, name
            # Вместо значка, которого нет в файле, тема рисует мигающий круг.
            assert page.evaluate("document.querySelectorAll('.svg-inline--fa').length") > 5, name
            assert page.evaluate("document.querySelectorAll('.svg-inline--fa circle').length") == 0
            formulas += page.evaluate("document.querySelectorAll('mjx-container').length")
        assert tab.outside(address) == []
        assert len(tab.requests) > 15 * len(names)
    assert formulas > 1000


# Слова таблиц, разорванные на две строки.
TORN = """() => [...document.querySelectorAll('th, td')].flatMap(cell => {
    const torn = [], walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let text; text = walker.nextNode();) {
        if (text.parentElement.closest('code, mjx-container')) continue;
        for (const word of text.data.matchAll(/[а-яё0-9]+/gi)) {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            const tops = [...range.getClientRects()].map(line => Math.round(line.top));
            if (new Set(tops).size > 1) torn.push(word[0]);
        }
    }
    return torn;
})"""


@pytest.mark.parametrize("width", [390, 1280])
def test_words_of_tables_are_not_torn(browser, address, width):
    with opened(browser, viewport={"width": width, "height": 900}) as tab:
        for name in ("index", "passport", "passport_01_item_knn", "00a_start", "06_multivae"):
            tab.open(f"{address}/{name}.html")
            assert tab.page.evaluate(TORN) == [], name


def test_most_code_fits_a_laptop(browser, address):
    cut = """() => [...document.querySelectorAll('div.highlight pre')]
        .filter(code => code.clientWidth).map(code => code.scrollWidth > code.clientWidth + 1)"""
    with opened(browser, viewport={"width": 1280, "height": 900}) as tab:
        tab.open(f"{address}/01_item_knn.html")
        found = tab.page.evaluate(cut)
    assert len(found) > 30
    assert sum(found) < 0.15 * len(found)


def test_summaries_of_search_show_no_tex(browser, address):
    with opened(browser) as tab:
        tab.open(f"{address}/search.html?q=сходства")
        tab.page.locator("#search-results p.context").first.wait_for()
        tab.page.wait_for_timeout(1000)
        found = tab.page.inner_text("#search-results")
    assert "Item-KNN" in found
    assert re.search(r"\\[(\[]", found) is None


def test_the_contents_open_on_a_phone(browser, address):
    with opened(browser, viewport=PHONE) as tab:
        tab.open(f"{address}/04_ease.html")
        tab.page.locator(".primary-toggle").click()
        tab.page.locator('#pst-primary-sidebar-modal a[href="05_slim.html"]').click()
        tab.page.wait_for_url("**/05_slim.html")
        tab.page.locator(".secondary-toggle").click()
        tab.page.locator("#pst-secondary-sidebar-modal a", has_text="Итоги").wait_for()
        assert tab.troubles == []


def test_the_site_works_from_a_folder(browser, site):
    for name in ("index.html", "09_compare.html", "search.html?q=матрицами"):
        with opened(browser) as tab:
            tab.open(f"{site.as_uri()}/{name}")
            if name.startswith("search"):
                tab.page.locator("#search-results .search a").first.wait_for()
                assert tab.page.locator("#search-results .search > li").count() > 5
            assert tab.troubles == [] and tab.outside(site.as_uri()) == []


def test_search_finds_other_forms_of_a_word(browser, address):
    for words, name in (("матрицами", "04_ease"), ("Холецкого", "A_handbook")):
        with opened(browser) as tab:
            tab.open(f"{address}/index.html")
            tab.page.keyboard.press("Control+k")
            tab.page.locator("#pst-search-dialog input").fill(words)
            tab.page.keyboard.press("Enter")
            tab.page.locator(f'#search-results a[href*="{name}"]').first.wait_for()
            assert tab.page.locator("input[type=search]:visible").count() == 1
            assert tab.troubles == []


# Контраст каждого видимого текста с тем, на чём он лежит (WCAG 2): что меньше дозволенного.
CONTRAST = """() => {
    const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => {
        const part = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    };
    const over = ([r, g, b, a = 1], below) =>
        [r, g, b].map((v, i) => a * v + (1 - a) * below[i]);
    const ground = element => {
        const layers = [];
        for (let up = element; up; up = up.parentElement) {
            const colour = parse(getComputedStyle(up).backgroundColor);
            if (colour.length === 3 || colour[3] > 0) layers.push(colour);
            if (colour.length === 3) break;
        }
        return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
    };
    const found = {};
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || !element.checkVisibility({
            opacityProperty: true, visibilityProperty: true })) continue;
        const box = element.getBoundingClientRect();
        if (!box.width || element.closest('svg, mjx-container, script, .skip-link')) continue;
        const style = getComputedStyle(element), below = ground(element);
        const ink = over(parse(style.color), below);
        const [a, b] = [light(ink), light(below)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05), size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
        if (ratio < (large ? 3 : 4.5))
            found[`${element.tagName}.${element.className} ${style.color} ${below.map(Math.round)}`]
                = ratio.toFixed(2);
    }
    return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_and_figures_lie_on_white(browser, address, scheme):
    with opened(browser, color_scheme=scheme) as tab:
        for name in ("index", "04_ease", "A_handbook"):
            tab.open(f"{address}/{name}.html")
            tab.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            tab.page.wait_for_timeout(400)  # решения проявляются
            assert tab.page.evaluate("document.documentElement.dataset.theme") == scheme
            assert tab.page.evaluate(CONTRAST) == {}, name
        tab.open(f"{address}/04_ease.html")
        picture = tab.page.locator("div.cell_output img").first
        look = "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).filter]"
        colour, filters = picture.evaluate(look)
        assert filters == "none"
        if scheme == "dark":
            assert colour == "rgb(255, 255, 255)"
            back = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert max(map(int, re.findall(r"\d+", back)[:3])) < 60


def test_the_first_paint_is_quick(browser, address, capsys):
    """Лучшее из трёх: на занятой машине один раз может не повезти."""
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    for name in ("index", "09_compare"):
        times = []
        for _ in range(3):
            with opened(browser) as tab:
                tab.page.goto(f"{address}/{name}.html")
                tab.page.wait_for_function(f"{paint} > 0")
                times.append(tab.page.evaluate(paint))
        with capsys.disabled():
            print(f"\n{name}: первая отрисовка {min(times):.0f} мс", end="")
        assert min(times) < 1500, (name, times)


def focused(page):
    return page.evaluate("document.activeElement.outerHTML.slice(0, 300)")


def test_the_main_ways_are_open_from_the_keyboard(browser, address):
    with opened(browser) as tab:
        page = tab.page
        tab.open(f"{address}/index.html")
        page.keyboard.press("Tab")
        assert "#main-content" in focused(page)
        seen = []
        for _ in range(60):
            page.keyboard.press("Tab")
            seen.append(focused(page))
        order = [
            next(place for place, text in enumerate(seen) if part in text)
            for part in ("search", "01_item_knn.html", "theme-switch", "00a_start.html", "<a href=")
        ]
        assert order[0] < order[1] < order[2]
        # По ссылке бокового содержания — в урок, там раскрыть углубление, оттуда дальше.
        page.locator('#pst-primary-sidebar a[href="04_ease.html"]').focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/04_ease.html")
        summary = page.locator("details.deep > summary").first
        summary.focus()
        page.keyboard.press("Enter")
        assert page.locator("details.deep").first.get_attribute("open") is not None
        page.locator("a.right-next").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/05_slim.html")
        # Узел карты — тоже ссылка.
        tab.open(f"{address}/index.html")
        page.locator('.wide-map a[href="08_bert4rec.html"]').focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/08_bert4rec.html")


IN_VIEW = """anchor => {
    const box = document.getElementById(anchor).getBoundingClientRect();
    return box.top > -5 && box.top < innerHeight / 3;
}"""


def test_anchors_of_jupyterlab_land_and_unfold(browser, address):
    with opened(browser) as tab:
        page = tab.page
        for anchor in ("cell-id=cholesky", "Разложение-Холецкого"):
            tab.open(f"{address}/A_handbook.html#{anchor}")
            page.wait_for_function(IN_VIEW, arg=anchor)
        tab.open(f"{address}/04_ease.html")
        anchor = page.evaluate("document.querySelector('details.deep').parentElement.id")
        tab.open(f"{address}/04_ease.html#{anchor}")
        assert page.locator("details.deep").first.get_attribute("open") is not None
        assert page.locator("details.deep").nth(1).get_attribute("open") is None
        # Ссылка урока в справочник.
        link = page.locator('article a[href^="A_handbook.html#"]').first
        target = link.get_attribute("href").partition("#")[2]
        link.click()
        page.wait_for_function(IN_VIEW, arg=target)


def test_code_is_copied_without_the_output(browser, address):
    with opened(browser, permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.open(f"{address}/04_ease.html")
        cell = tab.page.locator("div.cell_input").first
        cell.hover()
        cell.locator("button.copybtn").click()
        copied = tab.page.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == cell.locator("pre").inner_text().strip()
        assert "import numpy as np" in copied


def test_a_lesson_is_printed(browser, site, tmp_path):
    command = [sys.executable, "-m", "web.pdf", "A_handbook", "--site", site, "--out", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    data = (tmp_path / "A_handbook.pdf").read_bytes()
    assert data.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", data)) > 8
