"""Паспорт: всё найдено в уроках, а испорченное видно как испорченное."""

import json
import re
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import differences, theirs
from benchmarks.differences import DIFFERENCES
from recsys_lessons.lessons import cells
from tools import portability
from tools.notebooks import FOLDER, source_paths
from web import passport
from web.passport import records
from web.passport.facts import Lesson, cited, figures

SOURCES = source_paths()


@pytest.fixture
def ease(tmp_path) -> Path:
    """Копия урока 04 вместе с тетрадью и сохранёнными результатами."""
    (tmp_path / "results").mkdir()
    for file in (*FOLDER.glob("04_ease.*"), *FOLDER.glob("results/04_ease.*")):
        shutil.copy(file, tmp_path / file.relative_to(FOLDER))
    return tmp_path / "04_ease.py"


def page(source: Path) -> str:
    return "".join(passport.page(Lesson(source)))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, text.count(old)
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_everything_of_the_lesson_is_found(source):
    lesson = Lesson(source)
    assert not lesson.problem
    assert [check.name for check in lesson.checks if check.problem] == []
    kept = [c for c in cells(source.read_text("utf-8")) if not {"task", "answer"} & set(c.tags)]
    text, code = ("\n".join(c.source for c in kept if c.kind == k) for k in ("markdown", "code"))
    assert len(lesson.formulas) == text.count("$$") / 2
    called = re.findall(r"^ *check_(?:close|true|better)\(", code, re.M)
    assert len({check.line for check in lesson.checks}) == len(called)
    assert [stored.problem for stored in lesson.stored if stored.problem] == []
    assert all(comparison.difference for comparison in lesson.comparisons)
    fair = re.findall(r"^ *check_(?:all_)?fair\(", code, re.M)
    assert bool(fair) == bool(lesson.comparisons or lesson.fair_groups)


def test_facts_of_ease(ease):
    lesson = Lesson(ease)
    formula = next(f for f in lesson.formulas if r"\dfrac{H_{ij}}{H_{jj}}" in f.tex)
    assert formula.heading == "Ответ в явном виде"
    (code,) = formula.code
    assert code.source == ("Steck, 2019, ф. 8",)
    assert (
        ease.read_text(encoding="utf-8").splitlines()[code.line - 1].startswith("def ease_weights(")
    )
    assert "веса: код и ручной счёт" in [check.name for check in formula.checks]
    by_name = {check.name: check for check in lesson.checks}
    assert by_name["EASE и 30 регрессий Ridge"].libraries == ("sklearn",)
    assert by_name["перестановка фильмов"].libraries == ()
    assert ("EASE", "EDLAE", (20, 20)) in [
        (one.first, one.second, one.trials) for one in lesson.comparisons
    ]


def test_library_used_inside_a_function_is_named():
    lesson = Lesson(FOLDER / "01_item_knn.py")
    found = {check.name: check.libraries for check in lesson.checks}
    assert "implicit" in found["implicit, cosine"]


@pytest.mark.parametrize(
    ("lesson", "check", "libraries"),
    [
        ("01_item_knn", "implicit, cosine", ("implicit",)),
        ("01_item_knn", "BM25 и TF-IDF без сжатия", ()),
        ("05_slim", "SignedSLIM и ElasticNet", ("sklearn",)),
        ("06_multivae", "правдоподобие и Multinomial", ("torch.distributions",)),
        ("08_bert4rec", "места слева не видят правых", ()),
        ("08_bert4rec", "причинная маска и PyTorch", ("torch",)),
    ],
)
def test_only_libraries_that_took_part_are_named(lesson, check, libraries):
    found = {one.name: one.libraries for one in Lesson(FOLDER / f"{lesson}.py").checks}
    assert found[check] == libraries


@pytest.mark.parametrize(
    ("lesson", "tex", "source"),
    [
        # Дальше в разделе сказано, что у Koren (KDD 2008) сжатие другое.
        ("01_item_knn", r"\rVert+h} .", ("Ferrari Dacrema и др., TOIS 2021",)),
        # Названные в разделе работы пользовались метрикой, а формула не их.
        ("00b_evaluation", r"\mathrm{Hyp}", ()),
        ("07_lightgcn", r"Z=\frac{1}{L+1}", (
            "He и др., 2020, ф. 3 и 4; в статье слои нумерует буква K, а наши $Z$ обозначены E",
        )),
    ],
)  # fmt: skip
def test_source_of_a_formula_is_its_own(lesson, tex, source):
    (formula,) = [f for f in Lesson(FOLDER / f"{lesson}.py").formulas if tex in f.tex]
    assert formula.source == source


def test_foreign_checks_do_not_vouch_for_a_formula():
    """Сравнение моделей формулу не сверяет, сверка следующей формулы — тоже."""
    error = next(f for f in Lesson(FOLDER / "00b_evaluation.py").formulas if "SE" in f.tex)
    assert error.checks == []
    penalty = next(f for f in Lesson(FOLDER / "03_ials.py").formulas if r"w_u^\nu" in f.tex)
    assert penalty.checks == []
    assert [code.name for code in penalty.code] == ["penalties"]


def test_formulas_with_common_proof_stand_together(ease):
    text = page(ease)
    assert text.count("веса: код и ручной счёт") == 2  # у четырёх формул вместе и в таблице
    assert "### 3–6. Ответ в явном виде" in text


def test_papers_beside_ours():
    found, _ = figures(FOLDER / "results", {"EASE"})
    assert [f["model"] for f in found] == ["EASE", "EASE"]
    assert {f["model"] for f in figures(FOLDER / "results", {"TIFUKNN"})[0]} == {
        "TIFU-KNN, код авторов", "TIFU-KNN, статья",
    }  # fmt: skip
    assert figures(FOLDER / "results", {"LightGCN"}) == ([], "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("веса (Steck, 2019, ф. 8) и (см. рисунок 2019 года)", ("Steck, 2019, ф. 8",)),
        ("по (Hu и др.,\nICDM 2008; Koren, 2008)", ("Hu и др., ICDM 2008; Koren, 2008",)),
        ("формы (n_items, 2000) нет", ()),
        ("так у Ferrari Dacrema и др.\n(TOIS 2021)", ("Ferrari Dacrema и др., TOIS 2021",)),
        ("у Deshpande и Karypis (TOIS 2004)", ("Deshpande и Karypis, TOIS 2004",)),
        ("в исходной статье (ICDM 2018)", ()),
    ],
)
def test_citations(text, found):
    assert cited(text) == found


# --------------------------------------------------------------------------- испорченное видно


def test_broken_bound_shows(ease):
    notebook = ease.with_suffix(".ipynb")
    old = "веса: код и ручной счёт: совпадает, расхождение не больше 1e-12"
    replace(notebook, old, old.replace("1e-12", "1e-2"))
    assert "сверка «веса: код и ручной счёт»: в исходнике граница" in page(ease)


def test_missing_output_shows(ease):
    replace(ease.with_suffix(".ipynb"), "перестановка фильмов: совпадает", "перестановка: иначе")
    assert "«перестановка фильмов»: в тетради нет вывода" in page(ease)


def test_notebook_of_another_source_shows(ease):
    replace(ease, "n_films = len(films)\n", "n_films = len(films) + 1\n")
    assert "тетрадь: " in page(ease)


def test_changed_stored_value_shows(ease):
    path = ease.parent / "results" / "04_ease.tie_seeds.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["value"] = [record["value"]]
    path.write_text(json.dumps(record), encoding="utf-8")
    assert ">значение в файле изменено<" in page(ease)
    path.unlink()
    assert ">файла нет<" in page(ease)


def test_comparison_without_difference_shows(ease):
    notebook = ease.with_suffix(".ipynb")
    text = notebook.read_text(encoding="utf-8")
    assert "EASE − EDLAE: +0.0007 ± 0.0013" in text
    notebook.write_text(
        text.replace("EASE − EDLAE: +0.0007 ± 0.0013", "EASE − EDLAE: мало"), "utf-8"
    )
    assert "сравнение EASE и EDLAE: разности в выводе нет" in page(ease)


@pytest.fixture
def record(tmp_path, monkeypatch) -> Path:
    """Папка записей с одной годной записью о порче кода урока 04."""
    folder = tmp_path / "records"
    folder.mkdir()
    monkeypatch.setattr(records, "FOLDER", folder)
    monkeypatch.setattr(
        records, "survival", lambda mutant: "" if "np.diag(H)" in mutant["old"] else "не замечено"
    )
    return folder


def test_surviving_mutant_shows(record, ease):
    assert "намеренные ошибки: записи нет" in page(ease)
    found = records.write("mutants", "04_ease")
    survived = [m for m in found["mutants"] if m["problem"]]
    assert 0 < len(survived) < len(found["mutants"])
    text = page(ease)
    assert text.count("не замечено") == len(survived)
    assert text.count("намеренные ошибки: не замечена") == len(survived)
    assert text.count(">замечено<") == len(found["mutants"]) - len(survived)


def test_record_of_other_code_is_stale(record, ease):
    records.write("mutants", "04_ease")
    assert "намеренные ошибки: устарела" not in page(ease)
    path = record / "mutants.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"key": "', '"key": "0'), "utf-8")
    assert "намеренные ошибки: устарела" in page(ease)
    path.write_text("{", encoding="utf-8")
    assert "намеренные ошибки: файл записей испорчен" in page(ease)


def test_key_follows_models_and_tests(monkeypatch):
    before = records.mutants_key("04_ease"), records.tests_key("04_ease")
    source = records.lessons.model_source("ease")
    monkeypatch.setattr(records.lessons, "model_source", lambda name: source + "\nx = 1\n")
    assert records.mutants_key("04_ease") != before[0]
    assert records.tests_key("04_ease") != before[1]


def test_different_digits_show(record, ease):
    record.joinpath("portability.json").write_text(
        json.dumps({
            "04_ease": {
                "key": records.portability_key("04_ease"), "date": "2026-01-01", "versions": {},
                "machine": "Linux", "settings": {"два потока": "отличается"},
            }
        }),
        encoding="utf-8",
    )  # fmt: skip
    assert "другие процессоры: два потока — вывод отличается" in page(ease)


LATE, OTHER = "Timeout of 9 seconds exceeded executing cell", "Cell outputs differ"


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([], portability.SAME),
        ([("one", LATE), ("one", OTHER)], portability.LATE),
        ([("one", OTHER), ("one", LATE)], portability.OTHER),
        ([("one", LATE), ("two", LATE)], portability.LATE),
        ([("one", LATE), ("two", OTHER)], portability.OTHER),
        ([("one", "Cell execution caused an exception")], portability.OTHER),
    ],
)
def test_a_cell_cut_by_time_is_not_another_digit(monkeypatch, texts, found):
    def verify(names, at_once, env, report, cell_timeout_s):
        assert cell_timeout_s == portability.PATIENCE_S
        cases = "".join(
            f'<testcase file="{file}"><failure message="{text}"/></testcase>'
            for file, text in texts
        )
        report.write_text(f"<testsuite><testcase/>{cases}</testsuite>", encoding="utf-8")
        return int(bool(texts))

    monkeypatch.setattr(portability, "verify", verify)
    monkeypatch.setattr(portability, "cpu_flags", lambda: set())
    settings = records.run_portability("04_ease")["settings"]
    assert settings["два потока"] == found
    assert settings["OpenBLAS для Haswell"] == "процессор этого не умеет"


def test_stored_error_shows(ease):
    path = ease.with_suffix(".ipynb")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = next(c for c in notebook["cells"] if c["cell_type"] == "code")
    error = {"output_type": "error", "ename": "ValueError", "evalue": "нет", "traceback": []}
    cell["outputs"].append(error)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert re.search(r"тетрадь: .*ошибк", page(ease))


@pytest.mark.parametrize(
    ("file", "old", "new", "shown"),
    [
        ("libraries", "holds", "holdz", "библиотеки: libraries.json испорчен"),
        ("libraries", '"holds": true', '"holds": false', "больше не так: "),
        ("mutants", '"mutants":', '"mutantz":', "намеренные ошибки: файл записей испорчен"),
        ("mutants", '"problem":', '"problems":', "намеренные ошибки: файл записей испорчен"),
        ("tests", '"passed":', '"pased":', "тесты урока: файл записей испорчен"),
        ("tests", '"failed": 0', '"failed": "0"', "тесты урока: файл записей испорчен"),
        ("papers", "published", "publishd", "числа статей: papers.json испорчен"),
        ("papers", "{", "", "числа статей: papers.json испорчен"),
    ],
)
def test_spoiled_file_shows(ease, monkeypatch, tmp_path, file, old, new, shown):
    folder = shutil.copytree(records.FOLDER, tmp_path / "kept")
    monkeypatch.setattr(records, "FOLDER", folder)
    path = folder / f"{file}.json"
    if file == "papers":
        path = Path(shutil.copy(FOLDER / "results/papers.json", ease.parent / "results"))
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert shown in "\n".join(passport.problems(Lesson(ease)))
    page(ease)


def test_stored_of_another_form_shows(ease):
    path = ease.parent / "results" / "04_ease.tie_seeds.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for spoiled in ({"seconds": "долго"}, {"versions": None}):
        path.write_text(json.dumps({**record, **spoiled}), encoding="utf-8")
        assert ">файл испорчен<" in page(ease)


def test_spoiled_records_stop_the_run_before_it(record, monkeypatch):
    (record / "mutants.json").write_text("{", encoding="utf-8")
    monkeypatch.setattr(records, "survival", lambda mutant: pytest.fail("прогон начат"))
    with pytest.raises(records.RecordsError, match="испорчен"):
        records.write("mutants", "04_ease")


def test_two_runs_at_once_keep_both_records(record, monkeypatch):
    """Записать чужое, пока первый пишет, нельзя: он держит замок, и ничья запись не теряется."""
    real = records._kept

    def slow(path):
        found = real(path)
        time.sleep(0.3)
        return found

    monkeypatch.setattr(records, "_kept", slow)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: records.write("mutants", name), ("04_ease", "05_slim")))
    kept = json.loads((record / "mutants.json").read_text(encoding="utf-8"))
    assert set(kept) == {"04_ease", "05_slim"}


# -------------------------------------------------------------------------------- библиотеки


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.name)
def test_difference_that_is_gone_is_seen(difference):
    """Если библиотека станет считать как мы, запись скажет «больше не так»."""
    ours = difference.ours()
    assert not difference.differs(ours, ours)
    assert (FOLDER / f"{difference.lesson}.py").exists()
    assert callable(getattr(theirs, difference.name))


def test_theirs_runs_where_the_library_is(monkeypatch, record):
    """implicit стоит рядом с проверками, поэтому его записи обновляются по-настоящему."""
    monkeypatch.setattr(differences, "RECORDS", record / "libraries.json")
    assert differences.main(["implicit"]) == 0
    text = "".join(passport.page(Lesson(FOLDER / "01_item_knn.py")))
    assert "Объект остаётся соседом самому себе" in text
    known = json.loads((record / "libraries.json").read_text(encoding="utf-8"))
    gone = [{**one, "holds": False} for one in known]
    (record / "libraries.json").write_text(json.dumps(gone), encoding="utf-8")
    assert "больше не так" in "".join(passport.page(Lesson(FOLDER / "01_item_knn.py")))


def test_spoiled_records_of_libraries_are_not_lost(monkeypatch, record, capsys):
    path = record / "libraries.json"
    path.write_text("[{", encoding="utf-8")
    monkeypatch.setattr(differences, "RECORDS", path)
    assert differences.main(["implicit"]) == 2
    assert "libraries.json испорчен. Исправьте" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "[{"


def test_library_that_is_absent_is_said(monkeypatch, record, capsys):
    monkeypatch.setattr(differences, "RECORDS", record / "libraries.json")
    assert differences.main(["cornac", "--python", sys.executable]) == 2
    assert "не исполняется: ModuleNotFoundError" in capsys.readouterr().err
    assert not (record / "libraries.json").exists()


# ------------------------------------------------------------------------------------- страницы


def test_pages_are_laid(tmp_path):
    options = SimpleNamespace(source=tmp_path, notebooks=FOLDER)
    names = passport.lay(options)
    assert names == ["passport", *(f"passport_{source.stem}" for source in SOURCES)]
    index = (tmp_path / "passport.md").read_text(encoding="utf-8")
    for source in SOURCES:
        text = (tmp_path / f"passport_{source.stem}.md").read_text(encoding="utf-8")
        assert text.startswith("# Паспорт урока ")
        assert f"(passport_{source.stem}.md)" in index
        for line in text.splitlines():
            if line.startswith("| "):
                assert len(re.findall(r"(?<!\\)\|", line)) >= 3


def test_cell_of_a_table_keeps_its_text():
    assert passport.cell("a|b * `c`\n[d] $x|y$ <e>") == r"a\|b \* \`c\` \[d\] $x\vert y$ &lt;e&gt;"
    assert passport.cell(r"$\|x\|$") == r"$\Vert x\Vert $"
