"""Фразы, сравнивающие модели: найдены те, что стоят без проверки, и только они."""

import nbformat
import pytest

from tools import comparisons
from tools.notebooks import FOLDER

FAIR = "Бюджет поровну: EASE — 20, Популярное — 1\nEASE: попыток 20\n"


@pytest.fixture
def notebook(tmp_path):
    """Тетрадь урока 05 из ячеек: текст или вывод проверки."""

    def write(*cells):
        made = []
        for text in cells:
            if text.startswith("Бюджет"):
                output = nbformat.v4.new_output("stream", text=text)
                made.append(nbformat.v4.new_code_cell("check_fair(...)", outputs=[output]))
            else:
                made.append(nbformat.v4.new_markdown_cell(text))
        path = tmp_path / "05_slim.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=made), path)
        return path

    return write


@pytest.mark.parametrize(
    "sentence",
    [
        "EASE вдвое лучше популярного.",
        "- По NDCG@10 популярное отстаёт от EASE на 0,1.",
        "Популярному до EASE далеко, EASE впереди на десять ошибок.",
    ],
)
def test_a_comparison_needs_its_check_above(notebook, sentence):
    assert comparisons.problems(notebook(FAIR, sentence), []) == []
    for cells in ([sentence], [sentence, FAIR], [FAIR.replace("Популярное", "SLIM"), sentence]):
        (problem,) = comparisons.problems(notebook(*cells), [])
        assert sentence.strip("- ")[:20] in problem and "Популярное" in problem


def test_a_check_of_all_pairs_covers_each(notebook):
    every = "Бюджет поровну у всех, попыток 20: EASE, SLIM, Популярное\n"
    assert comparisons.problems(notebook(every, "SLIM и EASE лучше популярного."), []) == []
    (problem,) = comparisons.problems(notebook(every, "EASE лучше, чем iALS."), [])
    assert "iALS" in problem


def test_one_model_is_compared_with_the_model_of_the_lesson(notebook):
    (problem,) = comparisons.problems(notebook(FAIR, "EASE впереди на 0,0025."), [])
    assert "нет проверки: EASE, SLIM" in problem
    both = FAIR.replace("Популярное", "SLIM")
    assert comparisons.problems(notebook(both, "EASE впереди на 0,0025."), []) == []
    assert comparisons.problems(notebook("SLIM без штрафа хуже."), []) == []


def test_every_named_model_needs_a_check(notebook):
    text = "SLIM и EASE лучше популярного."
    (problem,) = comparisons.problems(notebook(FAIR, text), [])
    assert "нет проверки: SLIM:" in problem
    assert not comparisons.problems(notebook(FAIR, FAIR.replace("EASE —", "SLIM —"), text), [])


def test_other_sentences_are_not_comparisons(notebook):
    for text in (
        "EASE и SLIM решают похожие задачи.",
        "EASE лучше популярного (Steck, WWW 2019).",
        "Чем выше балл популярного фильма, тем лучше.",
    ):
        assert comparisons.problems(notebook(text), []) == []


def test_exceptions_are_used_and_named(notebook):
    allowed = [{"lesson": "05_slim", "text": "EASE лучше", "reason": "пример"}]
    assert comparisons.problems(notebook("EASE лучше популярного."), allowed) == []
    (problem,) = comparisons.problems(notebook("Ничего."), allowed)
    assert "исключение ничего не исключает" in problem


def test_planted_in_a_real_lesson_is_found(tmp_path):
    path = FOLDER / "04_ease.ipynb"
    before = comparisons.problems(path, [])
    real = nbformat.read(path, as_version=4)
    real.cells.append(nbformat.v4.new_markdown_cell("LightGCN лучше EASE."))
    nbformat.write(real, tmp_path / path.name)
    added = set(comparisons.problems(tmp_path / path.name, [])) - set(before)
    assert len(added) == 1 and "LightGCN лучше EASE" in added.pop()
