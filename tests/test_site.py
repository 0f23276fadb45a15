"""Сайт: все уроки на месте, ссылки и якоря верны, снаружи не загружается ничего."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from tools import pages
from web import build, check
from web import map as lesson_map
from web.check import Page, problems
from web.pdf import PdfError, print_pages

LESSONS = [lesson.name for lesson in pages.lessons(pages.NOTEBOOKS)]
MB = 1e6


def html(site, name):
    return (site / f"{name}.html").read_text(encoding="utf-8")


def test_every_lesson_is_there_and_can_be_downloaded(site):
    for name in LESSONS:
        notebook = nbformat.read(pages.NOTEBOOKS / f"{name}.ipynb", 4)
        title = notebook.cells[0].source.partition("\n")[0].removeprefix("# ")
        assert f"<h1>{title}<a " in html(site, name)
        for kind in ("ipynb", "py"):
            file = f"files/{name}.{kind}"
            assert f'href="{file}"' in html(site, name)
            original = pages.NOTEBOOKS / f"{name}.{kind}"
            assert (site / file).read_bytes() == original.read_bytes()


def test_every_link_and_anchor_leads_somewhere_and_nothing_is_loaded_from_outside(site):
    assert problems(site) == []
    links = [
        link
        for path in site.glob("*.html")
        for link in Page(path.read_text(encoding="utf-8")).links
        if "://" not in link
    ]
    assert len(links) > 1000


def test_pages_and_the_whole_are_small(site):
    files = [path for path in site.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 40 * MB
    for path in site.glob("*.html"):
        page = Page(path.read_text(encoding="utf-8"))
        pictures = {a for a in page.loaded if a.startswith("_images/")}
        weight = path.stat().st_size + sum((site / p).stat().st_size for p in pictures)
        assert weight < 3 * MB, (path.name, weight)
    # Значков в файле темы две тысячи, на страницах меньше двадцати.
    assert (site / "_static" / "scripts" / "fontawesome.js").stat().st_size < 0.15 * MB


def test_outputs_are_the_stored_ones(site):
    """Выводы не пересчитаны: в странице стоят строки тетради и её рисунки."""
    notebook = nbformat.read(pages.NOTEBOOKS / "04_ease.ipynb", 4)
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    text = re.sub(r"<[^>]+>", "", html(site, "04_ease"))
    for output in outputs:
        if output.output_type == "stream":
            line = output.text.strip().splitlines()[0]
            shown = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            assert shown.replace('"', "&quot;") in text
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    assert 'alt="Рисунок: Подбор штрафа λ₂"' in html(site, "04_ease")
    assert pictures == len(re.findall(r'<img [^>]*src="_images/', html(site, "04_ease"))) > 5


def test_deep_sections_and_solutions_are_folded(site):
    for name in LESSONS:
        notebook = nbformat.read(pages.NOTEBOOKS / f"{name}.ipynb", 4)
        headings = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
        deep = len(re.findall("^#+ Углубление", headings, re.MULTILINE))
        answers = sum("answer" in cell.metadata.get("tags", []) for cell in notebook.cells)
        text = html(site, name)
        assert text.count('<details class="deep">') == deep
        assert text.count("Показать решение") == answers
        assert text.count("<details") == text.count("</details>")
        assert "<details open" not in text


def test_anchors_are_those_of_jupyterlab(site):
    handbook = Page(html(site, "A_handbook"))
    for anchor in ("cell-id=cholesky", "cell-id=glossary", "Разложение-Холецкого"):
        assert anchor in handbook.anchors
    targets = [link for link in Page(html(site, "03_ials")).links if "A_handbook.html#" in link]
    assert len(targets) >= 3
    # Номеров вида id7, которые меняются от правки к правке, среди адресов нет.
    for name in LESSONS:
        assert not [a for a in Page(html(site, name)).links if re.search(r"#id\d+$", a)]


def test_hints_of_the_buttons_are_in_russian(site):
    for path in site.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        hints = re.findall(r'\b(?:aria-label|title|placeholder|alt)="([^"]+)"', text)
        english = {hint for hint in hints if re.match("[A-Za-z]", hint) and len(hint) > 1}
        titles = {f"{lesson.number}" for lesson in pages.lessons(pages.NOTEBOOKS)}
        assert not {hint for hint in english if hint.partition(".")[0] not in titles}, path.name


def test_the_search_index_holds_stems(site):
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    terms = json.loads(text[text.index("{") : text.rindex("}") + 1])["terms"]
    assert {"матриц", "сосед", "холецк"} <= terms.keys()
    assert "матрицами" not in terms


def test_the_start_page_has_the_map_the_routes_the_times_and_the_results(site):
    text = html(site, "index")
    nodes = lesson_map.nodes(pages.NOTEBOOKS)
    assert len(nodes) == 8
    for node in nodes:
        assert text.count(f'<a href="{node.lesson}.html"><rect') == 2  # широкая карта и высокая
        assert text.count(f">{node.value}</text>") == 2
    for purpose in pages.ROUTES:
        assert purpose in text
    for row in pages.result_table(pages.NOTEBOOKS).splitlines()[2:9]:
        assert all(cell.strip() in text for cell in row.split("|")[2:4])
    assert all(lesson.time in text for lesson in pages.lessons(pages.NOTEBOOKS))


def test_the_picture_in_the_readme_is_the_current_map():
    drawn = lesson_map.svg(pages.NOTEBOOKS, links=False)
    assert lesson_map.PICTURE.read_text("utf-8") == drawn, "запустите python -m web.map"
    readme = (pages.ROOT / "README.md").read_text(encoding="utf-8")
    assert f"({lesson_map.PICTURE.relative_to(pages.ROOT).as_posix()})" in readme


def test_a_changed_result_changes_the_map(tmp_path):
    folder = tmp_path / "notebooks"
    shutil.copytree(pages.NOTEBOOKS / "results", folder / "results")
    path = folder / "results" / "09_compare.movies.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["value"]["table"]["EASE"]["NDCG@10"] = [0.4321, 0.0123]
    path.write_text(json.dumps(stored), encoding="utf-8")
    assert ">0,4321 ± 0,0123</text>" in lesson_map.svg(folder)


# --------------------------------------------------------------------- что находит проверка

GOOD = """<html><head><link rel="stylesheet" href="s.css"><link rel="next" href="b.html"></head>
<body id="top"><a href="b.html#part">b</a><a href="#top">up</a><a href="https://example.org">x</a>
<img src="p.png"><script src="s.js?v=1"></script><a href="folder/">f</a></body></html>"""


@pytest.fixture
def small(tmp_path):
    """Сайт из двух страниц, в котором всё верно."""
    (tmp_path / "folder").mkdir()
    for name in ("p.png", "s.js", "folder/index.html"):
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / "s.css").write_text('a { background: url("p.png") }', encoding="utf-8")
    (tmp_path / "a.html").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.html").write_text('<p id="part">б</p>', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("", "", None),
        ('href="b.html#part"', 'href="b.html#other"', "b.html#other: такого якоря нет"),
        ('href="#top"', 'href="#bottom"', "#bottom: такого якоря нет"),
        ('<a href="b.html#part">', '<a href="c.html">', "c.html: ссылка никуда не ведёт"),
        ('"b.html"', '"c.html"', "c.html: ссылка никуда не ведёт"),
        ('href="folder/"', 'href="/folder/"', "/folder/: ссылка никуда не ведёт"),
        ('href="folder/"', 'href="../up.html"', "ссылка никуда не ведёт"),
        ('src="p.png"', 'src="q.png"', "q.png: такого файла нет"),
        ('src="p.png"', 'src="p.png" srcset="q.png 2x"', "q.png: такого файла нет"),
        ('src="s.js', 'src="https://cdn.example.org/s.js', "загружается снаружи"),
        ('src="s.js', 'src="//cdn.example.org/s.js', "загружается снаружи"),
        ('href="s.css"', 'href="https://fonts.example.org/s.css"', "загружается снаружи"),
        ("<p ", '<p style="background: url(https://example.org/p)" ', "загружается снаружи"),
        ("<img", "<style>@import 'https://example.org/s.css';</style><img", "загружается снаружи"),
        ('url("p.png")', "url(https://example.org/f.woff2)", "s.css: .*загружается снаружи"),
    ],
)
def test_a_planted_fault_is_found(small, capsys, old, new, found):
    for path in [small / "a.html", small / "b.html", small / "s.css"]:
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    assert check.main([str(small)]) == (found is not None)
    shown = capsys.readouterr().out
    if found is None:
        assert "наружу ничего не обращается" in shown
    else:
        assert len(shown.splitlines()) == 1 and re.search(found, shown)


def test_a_broken_link_of_the_real_site_is_found(site, tmp_path):
    copy = shutil.copytree(site, tmp_path / "site")
    path = copy / "03_ials.html"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("A_handbook.html#", "A_handbook.html#x", 1), encoding="utf-8")
    (line,) = problems(copy)
    assert line.startswith("03_ials.html: A_handbook.html#x") and "такого якоря нет" in line


# ------------------------------------------------------------------------------ как собирают


@pytest.fixture
def only(monkeypatch):
    """Сайт из одной части вместо настоящих."""

    def plug(part):
        monkeypatch.setattr(build, "PARTS", (part,))
        monkeypatch.setattr(build, "start_page", lambda options: "# Проба")

    return plug


def one_page(text):
    """Часть из страницы с таким текстом и её скрипта."""

    def lay(options):
        (options.source / "trial.md").write_text(text, encoding="utf-8")
        (options.source / build.EXTRA / "trial").mkdir(parents=True)
        (options.source / build.EXTRA / "trial/app.js").write_text("films = 1", encoding="utf-8")
        return ["trial"]

    return build.Part("Другие страницы", lay)


def test_a_part_plugs_in_its_pages_and_files(only, tmp_path):
    only(one_page('# Страница\n\n<script src="trial/app.js"></script>\n\n[назад](index.md)\n'))
    build.build(tmp_path / "site")
    assert "Страница" in html(tmp_path / "site", "trial")
    assert "Другие страницы" in html(tmp_path / "site", "index")
    assert (tmp_path / "site/trial/app.js").read_text(encoding="utf-8") == "films = 1"
    # Прежний сайт заменяется целиком.
    (tmp_path / "site/old.html").write_text("", encoding="utf-8")
    build.build(tmp_path / "site")
    assert not (tmp_path / "site/old.html").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# Страница\n\n[04](04_eas.ipynb)\n", "с предупреждениями"),
        ("# Страница\n\n[назад](index.md#нет)\n", "с предупреждениями"),
        ('# Страница\n\n<script src="trial/ap.js"></script>\n', "trial/ap.js: такого файла нет"),
        ('# Страница\n\n<img src="https://example.org/a.png">\n', "загружается снаружи"),
    ],
    ids=["нет страницы", "нет якоря", "нет файла", "снаружи"],
)
def test_a_fault_of_a_page_stops_the_build(only, tmp_path, text, message):
    only(one_page(text))
    with pytest.raises(build.SiteError, match=message):
        build.build(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_folder_that_is_not_a_site_is_kept(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("мой файл", encoding="utf-8")
    assert build.main(["--out", str(tmp_path)]) == 1
    assert "не пуста и это не сайт" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("place", ["file", "file/site"])
def test_a_place_that_cannot_be_written_is_said_before_the_build(only, tmp_path, capsys, place):
    only(build.Part("Проба", lambda options: pytest.fail("сборка начата")))
    (tmp_path / "file").write_text("мой файл", encoding="utf-8")
    assert build.main(["--out", str(tmp_path / place)]) == 1
    assert "сайт не положить" in capsys.readouterr().err
    assert (tmp_path / "file").read_text(encoding="utf-8") == "мой файл"


def test_an_interrupted_copy_keeps_the_old_site(only, tmp_path, monkeypatch):
    only(one_page("# Страница\n\n[назад](index.md)\n"))
    out = tmp_path / "site"
    build.build(out)
    real = shutil.copytree

    def interrupted(source, target, *given, **options):
        if Path(target).parent == tmp_path:
            Path(target).mkdir()
            raise KeyboardInterrupt
        real(source, target, *given, **options)

    monkeypatch.setattr(build.shutil, "copytree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build.build(out)
    assert (out / "trial.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "04_ease.ipynb").unlink(), "файл один: 04_ease"),
        (lambda folder: (folder / "04_ease.py").unlink(), "файл один: 04_ease"),
        (lambda folder: (folder / "04_ease.ipynb").write_text("{"), "не прочитать: JSON"),
        (lambda folder: shutil.rmtree(folder / "results"), "не прочитать: FileNotFound"),
    ],
    ids=["no notebook", "no source", "half", "no results"],
)
def test_a_spoiled_lesson_is_named(tmp_path, monkeypatch, spoil, said):
    folder = shutil.copytree(pages.NOTEBOOKS, tmp_path / "notebooks")
    spoil(folder)
    monkeypatch.setattr(build, "PARTS", build.PARTS[:1])
    with pytest.raises(build.SiteError, match=said):
        build.build(tmp_path / "site", notebooks=folder)


def test_a_site_without_pages_is_not_called_good(tmp_path, capsys):
    assert check.main([str(tmp_path)]) == 1
    assert "страниц нет" in capsys.readouterr().out
    assert check.main([]) == 2


def test_printing_a_page_that_is_not_there_is_explained(tmp_path, monkeypatch):
    monkeypatch.setattr("web.pdf.shutil.which", lambda name: None)
    with pytest.raises(PdfError, match="apt install chromium"):
        print_pages(tmp_path, ["04_ease"], tmp_path)
    monkeypatch.setattr("web.pdf.shutil.which", lambda name: name)
    with pytest.raises(PdfError, match=r"нет страницы 04_eas\. .*make site"):
        print_pages(Path(tmp_path), ["04_eas"], tmp_path)
