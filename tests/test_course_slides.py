"""Слайды: всё на них взято из урока, ничего не загружается снаружи, каждый слайд помещается."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course import slides
from course.slides import CODE, MORE, START, SlidesError
from recsys_lessons._wheels import WheelError
from recsys_lessons.lessons import lessons_dir
from tests.browser import opened

MARKED = sorted(
    path.stem for path in lessons_dir().glob("*.ipynb") if f'"{START}"' in path.read_text("utf-8")
)


def marked(cell, *tags):
    cell.metadata["tags"] = list(tags)
    return cell


def code(source, text="вывод"):
    return new_code_cell(source, outputs=[new_output("stream", text=text)])


def texts(notebook):
    return ["".join(slide.parts) for slide in slides.slides(notebook)]


def test_marks_make_slides_from_text_and_outputs():
    cells = [
        marked(new_markdown_cell("# 04. Урок\n\nМысль. " + "Подробность. " * 20), START),
        marked(code("x = 1", "0.25"), MORE),
        new_markdown_cell("## Дальше"),
        marked(code("y = 2", "<b>"), START, CODE),
    ]
    first, second = texts(new_notebook(cells=cells))
    assert "<h2>04. Урок</h2>" in first and "0.25" in first and "x = 1" not in first
    assert "Дальше" in second and "&lt;b&gt;" in second and "<b>" not in second
    assert ">2</span>" in second  # код показан, потому что отмечен


def test_the_start_of_a_paragraph_is_shown_and_the_whole_is_in_the_notes():
    text = (
        "Первое. Второе длиннее первого, и вместе их хватает на абзац слайда, больше не нужно. Нет."
    )
    slide = slides.slides(new_notebook(cells=[marked(new_markdown_cell(text), START)]))[0]
    assert "хватает" in slide.parts[-1] and "Нет." not in slide.parts[-1]
    assert "Нет." in slide.notes[0]


def test_formulas_lists_tables_and_the_phrase_before_a_formula_stay():
    long = "Столько слов, сколько нужно, чтобы первого предложения хватило с запасом на слайд."
    text = f"{long} Лишнее. Отсюда\n$$\na<b\n$$\n- пункт\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    (shown,) = texts(new_notebook(cells=[marked(new_markdown_cell(text), START)]))
    assert "Лишнее" not in shown and "Отсюда" in shown
    assert "\\[\na&lt;b\n\\]" in shown and "<li>пункт</li>" in shown and "<td>2</td>" in shown


def test_words_before_a_heading_finish_the_previous_slide():
    cells = [
        marked(new_markdown_cell("# Урок"), START),
        marked(new_markdown_cell("Разница велика.\n\n## Раздел\n\n### Тема\n\nТекст."), START),
    ]
    first, second = texts(new_notebook(cells=cells))
    assert "Разница велика" in first and "Разница велика" not in second
    assert '<p class="running">Раздел</p><h2>Тема</h2>' in second


def test_sentences_know_abbreviations_and_initials():
    text = "По статье (Steck, 2019, ф. 8) и H. Steck. В табл. 3 иначе. Балл $a. B$ мал."
    assert slides.sentences(text) == [
        "По статье (Steck, 2019, ф. 8) и H. Steck.",
        "В табл. 3 иначе.",
        "Балл $a. B$ мал.",
    ]


def test_code_loses_docstrings_only():
    source = 'def f(x):\n    """Что это.\n\n    Длинно."""\n    return "x"  # зачем\n'
    assert slides.without_docstrings(source) == 'def f(x):\n    return "x"  # зачем'


def test_links_to_other_notebooks_become_words():
    made = slides.to_html("[урок](01_item_knn.ipynb#cell-id=a) и [сайт](https://example.org)")
    assert ".ipynb" not in made and 'href="https://example.org"' in made


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([new_markdown_cell("# Урок")], "нет ячеек, отмеченных для слайдов"),
        ([marked(new_markdown_cell("# Урок"), MORE)], "раньше первого"),
        ([marked(code("x"), CODE)], "без slide или slide-more"),
        ([marked(new_code_cell("x = 1"), START)], "вывода у неё нет"),
    ],
)
def test_wrong_marks_are_explained(cells, message):
    with pytest.raises(SlidesError, match=message):
        slides.slides(new_notebook(cells=cells))


def test_an_unknown_lesson_is_named(tmp_path, capsys):
    assert slides.main(["04_eas", "--out", str(tmp_path)]) == 1
    assert "Нет тетради 04_eas.ipynb. Есть: " in capsys.readouterr().err


def test_without_a_network_the_files_to_lay_by_hand_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RECSYS_LESSONS_DATA", str(tmp_path / "cache"))
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert slides.main(["04_ease", "--out", str(tmp_path / "deck")]) == 1
    message = capsys.readouterr().err
    assert slides.WHEELS[0].file in message and str(tmp_path / "cache") in message
    assert "pip download" in message


def squeezed(text):
    return re.sub(r"\s+", " ", text)


def test_the_teacher_is_told_which_lessons_are_marked():
    page = Path(slides.__file__).with_name("TEACHER.md").read_text(encoding="utf-8")
    numbers = " и ".join(name.partition("_")[0] for name in MARKED)
    assert f"Размечены уроки {numbers};" in page


@pytest.mark.parametrize("name", MARKED)
def test_everything_on_the_slides_stands_in_the_lesson(name):
    notebook = nbformat.read(lessons_dir() / f"{name}.ipynb", as_version=4)
    assert len(slides.slides(notebook)) > 15
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and set(cell.metadata.get("tags", [])) & {START, MORE}:
            for block in slides.blocks(slides.shortened(list(slides.blocks(cell.source)))):
                for phrase in slides.sentences(block):
                    assert squeezed(phrase) in squeezed(cell.source)


# ------------------------------------------------------------------------------ в браузере


@pytest.fixture(scope="module", params=MARKED)
def deck(request, tmp_path_factory):
    """Папка со слайдами размеченного урока."""
    folder = tmp_path_factory.mktemp(request.param)
    try:
        slides.build(request.param, folder)
    except WheelError as error:
        if os.environ.get("RECSYS_LESSONS_BROWSER") == "required":
            raise
        pytest.skip(str(error))
    return folder


@pytest.fixture
def shown(deck, browser):
    """Открытые слайды без сети и всё, что страница запросила."""
    with opened(browser, offline=True, viewport={"width": 1280, "height": 720}) as tab:
        tab.page.goto((deck / "index.html").as_uri())
        tab.page.wait_for_function("window.deck !== undefined", timeout=60_000)
        yield tab


@pytest.mark.browser
def test_no_request_leaves_the_folder(shown, deck):
    page = shown.page
    for number in range(page.evaluate("deck.getTotalSlides()")):
        page.evaluate(f"deck.slide({number})")
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    # Оба слайда окна докладчика — те же файлы ещё раз.
    popup.value.wait_for_selector("#speaker-controls .speaker-controls-notes .value p")
    assert len(shown.outside()) >= 5
    assert shown.outside(deck.as_uri()) == []
    assert shown.troubles == []


@pytest.mark.browser
def test_every_slide_fits_and_every_formula_is_drawn(shown):
    page = shown.page
    total = page.evaluate("deck.getTotalSlides()")
    assert total == len(page.query_selector_all("section"))
    for number in range(total):
        page.evaluate(f"deck.slide({number})")
        size, high, wide, room = page.evaluate(
            "(() => { const b = document.querySelector('section.present .fit');"
            " return [+b.dataset.size, b.scrollHeight, b.scrollWidth, b.clientWidth]; })()"
        )
        assert high <= 710 and wide <= room and size >= 70, (number, size, high, wide)
    assert page.evaluate("document.querySelectorAll('mjx-container').length") > 40
    assert page.evaluate("document.querySelectorAll('[data-mjx-error]').length") == 0
    assert "\\(" not in page.evaluate("document.querySelector('.slides').innerText")


def test_the_library_comes_with_its_licences(deck: Path):
    names = {path.name for path in (deck / "lib").iterdir()}
    assert names == {name for wheel in slides.WHEELS for name in wheel.members.values()}
    assert "Permission is hereby granted" in (deck / "lib/LICENSE-reveal.js.txt").read_text()
    assert "Apache License" in (deck / "lib/LICENSE-MathJax.txt").read_text()
