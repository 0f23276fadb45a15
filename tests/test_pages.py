"""Начальная страница и таблицы README говорят то же, что уроки и сохранённые результаты."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tools import pages

ROOT = pages.ROOT
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_tables_are_current():
    assert pages.refreshed(README, pages.NOTEBOOKS) == README, "запустите python -m tools.pages"


def test_changed_result_or_title_changes_the_readme(tmp_path):
    folder = tmp_path / "notebooks"
    shutil.copytree(pages.NOTEBOOKS, folder)
    path = folder / "results" / "09_compare.movies.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["value"]["table"]["EASE"]["NDCG@10"][0] = 0.9999
    path.write_text(json.dumps(stored), encoding="utf-8")
    lesson = folder / "04_ease.ipynb"
    text = lesson.read_text(encoding="utf-8")
    lesson.write_text(
        text.replace("вся модель — одна обратная матрица", "другое название"), "utf-8"
    )
    changed = pages.refreshed(README, folder)
    assert "| [EASE](notebooks/04_ease.ipynb) | 0,9999 ± " in changed
    assert "[EASE: другое название](notebooks/04_ease.ipynb)" in changed
    # Лучшая модель стоит первой.
    rows = re.findall(r"^\| \[(.+?)\]\(.+\) \| 0,", changed, re.MULTILINE)
    assert rows[:2] == ["EASE", "iALS"]


def test_readme_without_marks_is_refused():
    with pytest.raises(ValueError, match="<!-- результаты -->"):
        pages.refreshed(README.replace("<!-- результаты -->", ""), pages.NOTEBOOKS)


def test_every_lesson_has_a_title_and_a_time():
    found = pages.lessons(pages.NOTEBOOKS)
    assert [lesson.name for lesson in found] == sorted(p.stem for p in ROOT.glob("notebooks/*.py"))
    for lesson in found:
        assert lesson.title != lesson.name
        assert not re.match(r"\d", lesson.title)
        assert bool(re.search(r"минут|час", lesson.time)) == (lesson.name != pages.HANDBOOK)


def test_links_lead_to_files():
    start = pages.start_page(pages.NOTEBOOKS)
    for text, folder in ((start, pages.NOTEBOOKS), (README, ROOT)):
        links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
        local = [link for link in links if not link.startswith("#")]
        assert len(set(local)) > 10
        assert [link for link in local if not (folder / link).exists()] == []
    assert all(f"({lesson.name}.ipynb)" in start for lesson in pages.lessons(pages.NOTEBOOKS))


def test_routes_link_every_lesson_and_name_no_unknown_one():
    linked = set(re.findall(r"\[(\w+)\]", pages.routes(pages.NOTEBOOKS)))
    assert linked == {lesson.number for lesson in pages.lessons(pages.NOTEBOOKS)} - {"A"}
    assert set(re.findall(r"\w+", " ".join(pages.ROUTES.values()))) == linked


def test_broken_notebook_does_not_close_the_door(tmp_path):
    """Урок без названия и карточки остаётся на начальной странице под именем файла."""
    (tmp_path / "09_new.ipynb").write_text('{"cells": []}', encoding="utf-8")
    assert "| 09 | [09_new](09_new.ipynb) |  |" in pages.start_page(Path(tmp_path))


@pytest.mark.browser
def test_jupyterlab_opens_on_the_start_page(lab, page):
    """Страница показана готовой, а не исходным текстом, и её ссылка открывает урок."""
    address, _my = lab
    page.goto(address)
    shown = page.locator(".jp-MarkdownViewer")
    shown.locator("table").wait_for()
    assert shown.locator("tbody tr").count() == len(pages.lessons(pages.NOTEBOOKS))
    shown.locator("a", has_text="EASE").click()
    page.locator(".jp-Notebook h1", has_text="EASE").wait_for()
