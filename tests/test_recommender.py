"""Рекомендатель в браузере: списки и веса как у Python, страница живёт и с диска, и с сервера.

Нужен Chromium. Без него тесты пропускаются; в CI (RECSYS_LESSONS_BROWSER=required) — падают.
"""

import base64
import contextlib
import functools
import re
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from playwright.sync_api import expect
from recsys_lessons.models.item_knn import gram

from recsys_lessons.evaluation import recommend
from recsys_lessons.models import EASE, ItemKNN
from tests.browser import LOCAL, opened, served
from web.recommender import lay, pack, write_folder
from web.recommender.__main__ import main
from web.recommender.catalogue import films, goods

pytestmark = pytest.mark.browser

CATALOGUES = {"goods": goods, "films": films}
READY = '#rec[data-state="ready"]'
BYTES = """bytes => {
    let text = '';
    for (let at = 0; at < bytes.length; at += 8192)
        text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return btoa(text);
}"""
WEIGHTS = f"""async l2 => {{
    const base64 = {BYTES};
    const packed = Uint8Array.from(atob(RECOMMENDER_DATA.counts), letter => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const models = makeModels();
    const n = RECOMMENDER_DATA.labels.length;
    const G = models.unpack(bytes, n, RECOMMENDER_DATA.users);
    const {{B}} = models.easeWeights(G, n, l2, () => {{}});
    return [G, B].map(matrix => base64(new Uint8Array(matrix.buffer)));
}}"""
UNPACK = f"""([packed, n, users]) => {{
    const base64 = {BYTES};
    const bytes = Uint8Array.from(atob(packed), letter => letter.charCodeAt(0));
    return base64(new Uint8Array(makeModels().unpack(bytes, n, users).buffer));
}}"""
# Каждую историю странице даёт её собственный адрес; читаются номера советов на самой странице.
LISTS = """async addresses => {
    const shown = name => [...document.querySelectorAll(`#rec-${name} li`)].map(
        line => Number(line.dataset.item));
    const lists = [];
    for (const address of addresses) {
        const heard = new Promise(done => addEventListener('hashchange', done, {once: true}));
        location.hash = address;
        await heard;
        lists.push([shown('knn'), shown('ease')]);
    }
    return lists;
}"""
# Самый слабый контраст текста с тем, что под ним (WCAG 2), и где он.
CONTRAST = """() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = color => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return canvas.getImageData(0, 0, 1, 1).data;
    };
    const light = color => {
        const [r, g, b] = [...rgba(color)].map(value => value / 255).map(
            value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    let worst = [99, ''];
    for (const box of document.querySelectorAll('body *')) {
        const own = [...box.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!(own || box.matches('input[type=text]')) || !box.checkVisibility()) continue;
        if (box.matches(':disabled')) continue;
        let under = box;
        while (under && !rgba(getComputedStyle(under).backgroundColor)[3])
            under = under.parentElement;
        const back = light(under ? getComputedStyle(under).backgroundColor : 'white');
        const front = light(getComputedStyle(box).color);
        const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
        if (ratio < worst[0]) worst = [ratio, box.outerHTML.slice(0, 100)];
    }
    return worst;
}"""


@pytest.fixture
def open_page(browser):
    """Новые вкладки. В конце: ни ошибок в консоли, ни неудачных или внешних запросов."""
    tabs = []
    with contextlib.ExitStack() as stack:

        def new_page(address, wait=READY, script=None, **options):
            tab = stack.enter_context(opened(browser, **options))
            tabs.append(tab)
            tab.page.set_default_timeout(15_000)
            if script:
                tab.page.add_init_script(script)
            tab.page.goto(address)
            tab.page.wait_for_selector(wait)
            return tab.page

        yield new_page
    problems = [trouble for tab in tabs for trouble in tab.troubles]
    problems += [f"наружу: {url}" for tab in tabs for url in tab.outside("file:", LOCAL)]
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Собрать страницу один раз: имя набора → его данные и адрес на диске."""

    @functools.cache
    def build(name):
        catalogue = CATALOGUES[name]()
        folder = tmp_path_factory.mktemp(name)
        write_folder(folder, catalogue)
        return catalogue, (folder / "index.html").as_uri()

    return build


@pytest.fixture(scope="module")
def address(built):
    """Адрес той же страницы на веб-сервере."""
    folder = built("goods")[1].removeprefix("file://").removesuffix("/index.html")
    with served(folder) as found:
        yield f"{found}/index.html"


def test_a_wrong_folder_is_told_in_russian(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["--out", str(tmp_path / "file")]) == 1
    assert "файл, а нужна папка" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([])
    assert "не указано: --out" in capsys.readouterr().err


def small(catalogue, X, **changes):
    """Тот же набор с другой, маленькой матрицей."""
    n = X.shape[1]
    return replace(
        catalogue,
        X=sp.csr_array(X.astype(float)),
        labels=[f"товар {j}" for j in range(n)],
        originals=[""] * n,
        details=[""] * n,
        example=[0],
        **changes,
    )


def histories_of(X, count, seed):
    """Случайные истории: половина — любые объекты, половина — части настоящих историй."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        pool = np.arange(X.shape[1])
        if number % 2:
            user = rng.integers(X.shape[0])
            pool = X.indices[X.indptr[user] : X.indptr[user + 1]]
        size = min(len(pool), rng.integers(1, 31))
        rows.append(np.sort(rng.choice(pool, size, replace=False)))
    lengths = [len(row) for row in rows]
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    ones = np.ones(indptr[-1])
    return sp.csr_array((ones, np.concatenate(rows), indptr), shape=(count, X.shape[1]))


def python_lists(model, histories, depth=10, positive=False):
    """Списки Python; ``positive`` — только с баллом больше нуля, как показывает страница."""
    scores = model.score_history(histories)
    users = np.arange(histories.shape[0])
    lists = recommend(lambda block: scores[block], users, histories, depth)
    if not positive:
        return [row[row >= 0].tolist() for row in lists]
    return [
        [j for j in row if j >= 0 and scores[user, j] > 0]
        for user, row in enumerate(lists.tolist())
    ]


def page_lists(page, key, histories, k, h, l2):
    """Списки страницы по адресам с этими историями; первым делом ждёт модель с этим λ₂."""
    rows = np.split(histories.indices, histories.indptr[1:-1])
    tail = f"&k={k}&h={h}&l2={l2}"
    page.evaluate("hash => { location.hash = hash }", f"{key}=0{tail}")
    state = page.locator("#rec-ease-state")
    expect(state).to_have_text(re.compile(f"^λ₂ = {str(l2).replace('.', ',')};"), timeout=30_000)
    # Порядок в адресе — порядок, в котором отмечали: на списки он не влияет.
    addresses = [f"{key}={','.join(map(str, row[::-1]))}{tail}" for row in rows]
    shown = page.evaluate(LISTS, addresses)
    return [both[0] for both in shown], [both[1] for both in shown]


def from_base64(text):
    return np.frombuffer(base64.b64decode(text))


# ------------------------------------------------------------------------------ равенство с Python


@pytest.mark.parametrize("name", CATALOGUES)
def test_lists_are_those_of_python(built, open_page, name):
    catalogue, address = built(name)
    page = open_page(address)
    for count, k, h, l2 in ((200, 100, 0, 150), (20, 7, 100, 2000.5), (20, 3000, 0.5, 3)):
        histories = histories_of(catalogue.X, count, seed=k)
        k = min(k, catalogue.X.shape[1])
        knn, ease = page_lists(page, catalogue.key, histories, k, h, l2)
        model = ItemKNN(k=k, shrinkage=h).fit(catalogue.X)
        assert knn == python_lists(model, histories, positive=True)
        assert ease == python_lists(EASE(l2=l2).fit(catalogue.X), histories)


def twins():
    """Каждый столбец — трижды: равных сходств и равных баллов много."""
    return np.tile(np.random.default_rng(0).random((30, 7)) < 0.4, 3)


def wheel():
    """Сдвиги двух строк по кругу: балл складывается из тех же сходств в другом порядке."""
    first = [np.isin(np.arange(17), own) for own in ([0, 1, 3, 7, 12], [0, 2, 3, 9])]
    return np.array([np.roll(row, by) for row in first for by in range(17)])


@pytest.mark.parametrize("make", [twins, wheel])
def test_equal_scores_go_by_number(built, open_page, tmp_path, make):
    catalogue = small(built("goods")[0], make())
    write_folder(tmp_path, catalogue)
    page = open_page((tmp_path / "index.html").as_uri())
    histories = histories_of(catalogue.X, 60, seed=1)
    for k in (1, 2, 5, catalogue.X.shape[1]):
        knn, _ = page_lists(page, catalogue.key, histories, k, 2, 10)
        model = ItemKNN(k=k, shrinkage=2).fit(catalogue.X)
        assert knn == python_lists(model, histories, positive=True)


def test_counts_and_weights_are_those_of_python(built, open_page):
    catalogue, address = built("goods")
    n = catalogue.X.shape[1]
    page = open_page(address)
    for l2 in (catalogue.l2, 1.0):
        G, B = (from_base64(part).reshape(n, n) for part in page.evaluate(WEIGHTS, l2))
        assert (gram(catalogue.X) == G).all()
        assert np.abs(B - EASE(l2=l2).fit(catalogue.X).B_).max() <= 1e-12
    assert np.abs(B).max() > 0.1


@pytest.mark.parametrize("largest", [1, 127, 128, 16_384, 3_000_000])
def test_packed_counts_come_back(built, open_page, largest):
    page = open_page(built("goods")[1])
    rng = np.random.default_rng(largest)
    n = rng.integers(0, largest + 1, 40)
    n[0], n[1] = largest, 0
    pairs = np.triu(rng.random((40, 40)) * (np.minimum.outer(n, n) + 1), 1).astype(int)
    G = pairs + pairs.T + np.diag(n)
    packed = pack(G.astype(float), largest + 3)
    given = [base64.b64encode(packed).decode(), 40, largest + 3]
    assert (from_base64(page.evaluate(UNPACK, given)).reshape(40, 40) == G).all()
    for spoiled, message in ((packed[:-1], "оборван"), (packed + b"\0", "лишнее")):
        given[0] = base64.b64encode(spoiled).decode()
        with pytest.raises(Exception, match=message):
            page.evaluate(UNPACK, given)


# -------------------------------------------------------------------------------------- посетитель


def tick(page, query, name):
    """Найти и отметить мышью."""
    page.locator("#rec-query").fill(query)
    page.get_by_role("option", name=re.compile(f"^{name}")).first.click()


def lists(page):
    """Оба списка, как их видно."""
    return page.locator("#rec-knn").inner_text(), page.locator("#rec-ease").inner_text()


@pytest.mark.parametrize("kind", ["file", "http"])
def test_visitor_finds_ticks_reads_moves_and_sends(built, address, open_page, kind):
    start = built("goods")[1] if kind == "file" else address
    page = open_page(start)
    assert "ни одного товара" in page.locator("#rec-ticked-title").inner_text()
    assert "Отметьте хотя бы один товар" in page.locator("#rec-knn-state").inner_text()
    for query, name in (("МОЛОКО", "молоко"), ("сыр терт", "тёртый сыр"), ("bananas", "бананы")):
        tick(page, query, name)
    page.locator("#rec-ease li").nth(9).wait_for()
    assert page.locator("#rec-ticked li").count() == page.locator("#rec-knn li").count() - 7 == 3
    knn, ease = lists(page)
    ours = ("молоко", "тёртый сыр", "бананы")
    for text in (knn, ease):
        assert len(re.findall(r"балл \d,\d{3}", text)) == 10
        reasons = re.findall(r"(?:за|против): ([^·\n]+)", text)
        named = [part.rsplit(" ", 1)[0] for why in reasons for part in why.split("; ")]
        assert {name.removesuffix(" меньше") for name in named} <= {*ours}
    assert "против" not in knn
    # Ползунок меняет список; Item-KNN отвечает, не дожидаясь EASE.
    page.locator("#rec-k-range").focus()
    page.keyboard.press("Home")
    expect(page.locator("#rec-k")).to_have_value("1")
    assert lists(page)[0] != knn
    assert page.locator("#rec-k-range").get_attribute("aria-valuetext") == "1"
    page.locator("#rec-k").fill("30")
    page.locator("#rec-l2-range").focus()
    page.keyboard.press("End")
    expect(page.locator("#rec-l2")).to_have_value("100000")
    expect(page.locator("#rec-ease-state")).to_have_text(re.compile("^λ₂ = 100000;"))
    sent = lists(page)
    assert sent[1] != ease
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#rec-copy").click()
    page.get_by_text("Ссылка скопирована.").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"#goods=403,998,83&k=30&h=0&l2=100000$", link)
    friend = open_page(link)
    friend.locator("#rec-ease li").nth(9).wait_for()
    assert lists(friend) == sent
    assert friend.locator("#rec-k").input_value() == "30"


def test_reasons_are_the_weights(built, open_page):
    catalogue, address = built("goods")
    B = EASE(l2=catalogue.l2).fit(catalogue.X).B_
    page = open_page(f"{address}#goods=61,300,573,403")
    page.locator("#rec-ease li").first.wait_for()
    own = [61, 300, 403, 573]
    negative = 0
    for line in page.locator("#rec-ease li").all():
        item = int(line.get_attribute("data-item"))
        weights = B[own, item]
        text = line.locator(".rec-why").inner_text().replace("\xa0", " ")
        assert f"балл {weights.sum():.3f}".replace(".", ",") in text
        against = text.partition("против: ")[2]
        for i, weight in zip(own, weights, strict=True):
            share = abs(weight) / np.abs(weights).sum()
            shown = "меньше 1" if round(share * 100) < 1 else f"{share * 100:.0f}"
            said = f"{catalogue.labels[i]} {shown} %"
            assert (said in against) == (weight < 0), (text, weights)
            assert said in text or "остальное" in text
            negative += weight < 0
    assert negative


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("тертый", "тёртый сыр"),
        ("СЫР тЁрТ", "тёртый сыр"),
        ("fluid", "молоко"),
        ("infant care", "feeding accessories bottles"),
        ("бананов", "бананы"),
        ("подгузниками", "подгузники"),
        ("wipes", "baby wipes"),
    ],
)
def test_search_finds_any_word_and_other_forms(built, open_page, query, name):
    page = open_page(built("goods")[1])
    page.locator("#rec-query").fill(query)
    assert page.get_by_role("option").first.inner_text().startswith(name)


def test_search_says_when_nothing_is_found(built, open_page):
    page = open_page(built("goods")[1])
    page.locator("#rec-query").fill("ъъъъ")
    assert "Ничего не найдено" in page.locator("#rec-count").inner_text()
    assert page.locator("#rec-query").get_attribute("aria-expanded") == "false"


def test_keyboard_alone(built, open_page):
    page = open_page(built("goods")[1])
    query = page.locator("#rec-query")
    page.keyboard.press("Tab")
    expect(query).to_be_focused()
    assert query.evaluate("box => getComputedStyle(box).outlineStyle") == "solid"
    page.keyboard.type("молоко")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    active = page.locator(f"#{query.get_attribute('aria-activedescendant')}")
    assert active.get_attribute("role") == "option"
    assert active.get_attribute("aria-selected") == "false"
    page.keyboard.press("Enter")
    assert active.get_attribute("aria-selected") == "true"
    assert "Отмечено: молоко" in page.locator("#rec-live").inner_text()
    page.keyboard.press("Escape")
    assert query.get_attribute("aria-expanded") == "false"
    assert not page.locator("#rec-drop").is_visible()
    page.keyboard.press("Escape")
    assert query.input_value() == ""
    page.locator("#rec-ease li").first.wait_for()
    # Tab обходит всё, что нажимается, и фокус везде виден.
    seen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => [document.activeElement.ariaLabel || document.activeElement.id,"
            " getComputedStyle(document.activeElement).outlineStyle]"
        )
        if not focused[0]:
            break
        seen.append(focused[0])
        assert focused[1] == "solid", focused
        assert not page.locator("#rec-drop").is_visible()
    assert seen[:3] == ["Снять: молоко", "rec-clear", "rec-copy"]
    assert len(seen) == 3 + 6 + 20
    # Совет отмечается клавишей, фокус остаётся в списке.
    page.locator("#rec-knn button").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.locator("#rec-ticked li").count() == 2
    expect(page.locator("#rec-knn button").nth(1)).to_be_focused()
    page.locator("#rec-ticked button").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.locator("#rec-ticked li").count() == 0
    expect(page.locator("#rec-ticked-title")).to_be_focused()


@pytest.mark.parametrize(("name", "query"), [("goods", "frozen"), ("films", "the")])
def test_phone_has_no_sideways_scroll(built, open_page, name, query):
    page = open_page(
        built(name)[1],
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    page.locator("#rec-example").tap()
    page.locator("#rec-ease li").nth(9).wait_for()
    page.locator("#rec-query").tap()
    page.locator("#rec-query").fill(query)
    page.get_by_role("option").nth(2).tap()
    assert page.locator("#rec-ticked li").count() == 4
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.keyboard.press("Escape")
    page.locator("#rec-k").fill("много")
    page.locator("#rec-h").focus()
    assert "целое число" in page.locator("#rec-k-error").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize(
    ("system", "site", "dark"),
    [("light", "", False), ("dark", "", True), ("dark", "light", False), ("light", "dark", True)],
)
def test_colours_follow_system_and_site_and_can_be_read(built, open_page, system, site, dark):
    script = f"localStorage.setItem('mode', '{site}')" if site else None
    address = f"{built('goods')[1]}#goods=61,573,99999&l2=-1"
    page = open_page(address, script=script, color_scheme=system)
    page.locator("#rec-ease li").first.wait_for()
    page.locator("#rec-query").fill("молоко")
    page.keyboard.press("ArrowDown")
    page.locator("#rec-k").evaluate(
        "box => { box.value = 'x'; box.dispatchEvent(new Event('change')) }"
    )
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", back)[:3])) < 150) == dark, back
    ratio, where = page.evaluate(CONTRAST)
    assert ratio >= 4.5, where


# ----------------------------------------------------------------------------------- плохой случай


def test_unknown_parts_of_the_address_are_named_and_skipped(built, open_page):
    address = built("goods")[1]
    page = open_page(f"{address}#goods=403,99999,abc,403&l2=-1&k=1.5&h=много")
    said = page.locator("#rec-address").inner_text()
    for part in ("99999, abc", "λ₂ — число больше 0", "K — целое число", "h — число"):
        assert part in said
    assert page.locator("#rec-ticked li").count() == 1
    assert page.locator("#rec-l2").input_value() == "915"
    page.evaluate("location.hash = 'films=1,2'")
    expect(page.locator("#rec-address")).to_contain_text("нет товаров этой страницы: films")
    assert page.locator("#rec-ticked li").count() == 0
    page.evaluate("location.hash = 'goods=83'")
    expect(page.locator("#rec-address")).to_be_hidden()
    expect(page.locator("#rec-ticked li")).to_have_text(re.compile("бананы"))


def test_wrong_number_is_said_and_the_old_one_stays(built, open_page):
    page = open_page(f"{built('goods')[1]}#goods=403")
    page.locator("#rec-ease li").first.wait_for()
    before = lists(page)
    for name, text in (("k", "0"), ("k", "2,5"), ("h", "-1"), ("l2", "0"), ("l2", "")):
        page.locator(f"#rec-{name}").fill(text)
        page.locator("#rec-query").focus()
        assert "Пока считаем с" in page.locator(f"#rec-{name}-error").inner_text()
        assert page.locator(f"#rec-{name}").get_attribute("aria-invalid") == "true"
        page.wait_for_timeout(300)
        assert lists(page) == before
    page.locator("#rec-h").fill("12,5")
    page.locator("#rec-query").focus()
    expect(page.locator("#rec-knn-state")).to_have_text(re.compile("h = 12,5;"))
    assert not page.locator("#rec-h-error").is_visible()


@pytest.mark.parametrize(
    "script",
    [
        "window.Worker = class { constructor() { throw new Error('запрещено') } }",
        "window.Blob = class extends Blob { constructor(parts, options) {"
        " super(options ? ['throw new Error(\"сломан\")'] : parts, options) } }",
    ],
    ids=["forbidden", "stopped"],
)
def test_without_a_worker_item_knn_still_answers(built, open_page, script):
    page = open_page(f"{built('goods')[1]}#goods=403,83", script=script)
    expect(page.locator("#rec-ease-alert")).to_contain_text("Item-KNN работает")
    assert page.locator("#rec-knn li").count() == 10
    assert page.locator("#rec-ease li").count() == 0
    assert page.locator("#rec-again").is_visible()
    assert not page.locator("#rec-progress").is_visible()


def test_too_small_l2_is_explained(built, open_page, tmp_path):
    X = np.tile(np.random.default_rng(0).random((5, 8)) < 0.5, 2)
    write_folder(tmp_path, small(built("goods")[0], X))
    page = open_page(f"{(tmp_path / 'index.html').as_uri()}#goods=1&k=5&l2=10")
    page.locator("#rec-ease li").first.wait_for()
    page.locator("#rec-l2").fill("1e-300")
    page.keyboard.press("Tab")
    expect(page.locator("#rec-ease-alert")).to_contain_text("слишком мал")
    assert page.locator("#rec-ease li").count() == 0
    assert page.locator("#rec-knn li").count()
    page.locator("#rec-l2").fill("1e-11")
    page.keyboard.press("Tab")
    expect(page.locator("#rec-ease-alert")).to_contain_text("последние цифры")
    page.locator("#rec-l2").fill("1e9")
    page.keyboard.press("Tab")
    expect(page.locator("#rec-ease-alert")).to_be_hidden()
    page.locator("#rec-ease li").first.wait_for()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("delete window.DecompressionStream", "слишком старый"),
        ("window.DecompressionStream = class extends DecompressionStream {"
         " constructor() { super('deflate') } }", "не прочитаны"),
    ],
    ids=["old browser", "spoiled"],
)  # fmt: skip
def test_unread_counts_are_said(built, open_page, script, said):
    page = open_page(built("goods")[1], wait='#rec[data-state="broken"]', script=script)
    assert said in page.locator("#rec-broken").inner_text()
    assert page.locator("#rec-query").is_disabled()


def test_cut_counts_are_said(built, open_page, tmp_path, monkeypatch):
    monkeypatch.setattr("web.recommender.pack", lambda *given: pack(*given)[:-1])
    write_folder(tmp_path, small(built("goods")[0], np.eye(4)))
    page = open_page((tmp_path / "index.html").as_uri(), wait='#rec[data-state="broken"]')
    assert "оборван" in page.locator("#rec-broken").inner_text()


@pytest.mark.parametrize("name", ["data.js", "models.js"])
def test_a_file_that_is_empty_is_said(built, open_page, tmp_path, name):
    write_folder(tmp_path, small(built("goods")[0], np.eye(4)))
    (tmp_path / "recommender" / name).write_text("", encoding="utf-8")
    page = open_page((tmp_path / "index.html").as_uri(), wait='#rec[data-state="broken"]')
    assert "загрузились не все" in page.locator("#rec-broken").inner_text()


def test_closed_storage_and_clipboard_do_not_matter(built, open_page):
    script = """
        Object.defineProperty(window, 'localStorage', {get() { throw new Error('закрыто') }});
        Object.defineProperty(navigator, 'clipboard', {value: undefined});
    """
    page = open_page(f"{built('goods')[1]}#goods=83", script=script)
    page.locator("#rec-copy").click()
    assert page.locator("#rec-url").input_value() == page.url
    assert page.evaluate("getSelection().toString()") == page.url


# ------------------------------------------------------------------------------------------ сборка


def test_page_says_what_it_was_computed_from(built, open_page):
    for name, words in (("goods", "MIT"), ("films", "не публикуйте")):
        catalogue, address = built(name)
        text = open_page(address).locator("#rec").inner_text().replace("\xa0", " ")
        n_users, n_items = catalogue.X.shape
        for count in (n_users, n_items, catalogue.X.nnz):
            assert re.search(rf"{count:,}".replace(",", " ") + " [а-я]+[,.]", text), count
        assert catalogue.source in text
        assert words in text


def test_catalogue_is_small_and_named_once(built):
    for name in CATALOGUES:
        catalogue, _ = built(name)
        n_items = catalogue.X.shape[1]
        assert n_items <= 1500
        assert len(set(catalogue.labels)) == len(catalogue.labels) == n_items
        assert len(catalogue.details) == n_items
        assert set(catalogue.X.data) == {1}
        assert catalogue.X.sum(axis=0).min() >= (50 if name == "goods" else 5)


def test_site_gets_a_page_and_its_files(tmp_path):
    class Options:
        source = tmp_path
        films = False

    assert lay(Options) == ["recommender"]
    text = (tmp_path / "recommender.md").read_text(encoding="utf-8")
    assert text.startswith("# ") and 'href="01_item_knn.html"' in text
    for name in re.findall(r'(?:src|href)="(recommender/[^"]+)"', text):
        assert (tmp_path / "_extra" / name).is_file(), name
