"""Инструменты тетрадей ловят то, для чего написаны: каждый пример здесь — намеренная поломка."""

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import pytest
import yaml

from tools import build, check, lint, notebooks, portability
from tools.nbval_plugin import TolerantText

HEADER = (
    "# ---\n# jupyter:\n#   kernelspec:\n#     display_name: Python 3\n"
    "#     language: python\n#     name: python3\n# ---\n\n"
)
LESSON = HEADER + (
    "# %% [markdown]\n# # Урок\n#\n# Число 0,25 ниже.\n\n"
    "# %%\nprint(1 / 4)\n\n"
    '# %% tags=["answer"]\nprint("ответ")\n'
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "FOLDER", tmp_path)
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "04_lesson") -> Path:
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def built(folder):
    source = write(folder, LESSON)
    build.build(source)
    return source


def edit(source: Path, change) -> nbformat.NotebookNode:
    """Испортить тетрадь и записать её обратно."""
    target = source.with_suffix(".ipynb")
    notebook = nbformat.read(target, as_version=4)
    change(notebook)
    nbformat.write(notebook, target)
    return notebook


# --- сборка ---------------------------------------------------------------------------------------


def test_build_twice_gives_the_same_bytes(built):
    target = built.with_suffix(".ipynb")
    first = target.read_bytes()
    build.build(built)
    assert target.read_bytes() == first
    notebook = json.loads(first)
    assert [c["execution_count"] for c in notebook["cells"] if c["cell_type"] == "code"] == [1, 2]
    assert "execution" not in notebook["cells"][1]["metadata"]
    assert notebook["cells"][2]["metadata"]["jupyter"] == {"source_hidden": True}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; sys.stderr.write('warning')", "stderr"),
        ("import warnings; warnings.warn('x')", "stderr"),
        ("object()", "адрес объекта"),
        ("print('за 3.2 с и 5 секунд')", "длительность"),
        ("print(2.6e-16)", "ошибки округления"),
        ("print('/' + 'home/user/x')", "путь"),
        ("import ipywidgets; ipywidgets.IntSlider()", "виджет"),
    ],
)
def test_bad_lesson_is_not_written(built, line, message):
    target = built.with_suffix(".ipynb")
    before = target.read_bytes()
    write(built.parent, LESSON + f"\n# %%\n{line}\n")
    with pytest.raises(build.BuildError, match=message):
        build.build(built)
    assert target.read_bytes() == before
    assert not list(built.parent.glob("*.part"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("print('x' * 30_000_000)", "больше 1 000 000 знаков"),
        ("for i in range(10**6): print(i)", "больше 1 000 000 знаков"),
        ("while True: print('x')", "больше 1 000 000 знаков"),
        ("'x' * 5_000_000", "больше 1 000 000 знаков"),
        ("exit()", "завершает ядро"),
        ("quit()", "завершает ядро"),
        ("import os; os._exit(0)", "ядро остановилось"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "ядро остановилось"),
    ],
)
def test_no_cell_holds_the_builder(folder, line, message):
    source = write(folder, LESSON + f"\n# %%\n{line}\n")
    start = time.monotonic()
    with pytest.raises(build.BuildError, match=message) as error:
        build.build(source)
    assert time.monotonic() - start < 60
    assert str(error.value).startswith("04_lesson.py: ячейка [3], начало")
    assert not source.with_suffix(".ipynb").exists()


def test_time_limit_is_for_the_whole_lesson(folder, monkeypatch):
    monkeypatch.setattr(build, "TIMEOUT_S", 6)
    naps = "\n# %%\nimport time; time.sleep(3)\n" * 4
    with pytest.raises(build.BuildError, match=r"ячейка \[[3-6]\].*не уложился в 6 с"):
        build.build(write(folder, LESSON + naps))


def test_long_error_is_shown_by_its_ends(folder):
    with pytest.raises(build.BuildError, match="ValueError") as error:
        build.build(write(folder, LESSON + "\n# %%\nraise ValueError('q' * 100_000)\n"))
    assert len(str(error.value)) < 2 * build.MAX_MESSAGE_CHARS


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_streams_are_merged_in_linear_time(size):
    pieces = ["раз", " два\rтри", "\n", "x" * size, "\r\nконец\r"]
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=piece) for piece in pieces]
    picture = nbformat.v4.new_output("display_data", {"text/plain": "рисунок"})
    many = [nbformat.v4.new_output("stream", name="stdout", text=".") for _ in range(size // 10)]
    start = time.monotonic()
    stream, shown = build.merge_streams([outputs[0], picture, *outputs[1:], *many])
    assert time.monotonic() - start < 20
    assert stream.text == "три\n" + "x" * size + "\r\n" + "." * (size // 10)
    assert shown is picture


BAD_SOURCES = {
    "01_no_header": (b"# %%\n1\n", "нет kernelspec"),
    "02_yaml": (LESSON.replace("name: python3", "name: [python3").encode(), "нет kernelspec"),
    "03_kernel": (LESSON.replace("name: python3", "name: julia").encode(), "ядро 'julia'"),
    "05_light": ((HEADER + "x = 1\n").encode(), "формат не percent"),
    "06_code_before": (LESSON.replace("# %% [m", "x = 1\n# %% [m").encode(), "формат не percent"),
    "07_cp1251": (LESSON.encode("cp1251"), "не в UTF-8"),
}


def test_bad_source_is_an_error_of_that_lesson_only(folder, capsys, monkeypatch):
    for name, (content, _) in BAD_SOURCES.items():
        (folder / f"{name}.py").write_bytes(content)
    write(folder, LESSON, "08_good")
    broken = write(folder, LESSON, "09_broken")
    real = build.read_source
    monkeypatch.setattr(
        build, "read_source", lambda path: real(path) if path != broken else {}["непредвиденное"]
    )
    assert build.main([]) == 1
    errors = capsys.readouterr().err
    for name, (_, message) in BAD_SOURCES.items():
        (line,) = [line for line in errors.splitlines() if f"ОШИБКА {name}.py" in line]
        assert message in line
    assert "ОШИБКА 09_broken.py: KeyError" in errors
    assert [path.name for path in folder.glob("*.ipynb")] == ["08_good.ipynb"]
    (folder / "07_cp1251.ipynb").write_text("{}")
    assert "не в UTF-8" in notebooks.pair_problems(folder / "07_cp1251.py")[0]


def test_each_build_writes_its_own_draft(built, monkeypatch):
    drafts = []
    replace = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda self, target: (drafts.append(self.name), replace(self, target))[1]
    )
    for _ in range(2):
        build.build(built)
    assert len(set(drafts)) == 2


def test_unknown_lesson_is_named():
    assert build.main(["no_such_lesson"]) == 2


def test_cell_ids_follow_content_not_position(folder):
    first = notebooks.read_source(write(folder, LESSON))
    shifted = notebooks.read_source(
        write(folder, LESSON.replace("# %%\n", "# %%\nx = 1\n\n# %%\n"))
    )
    assert first.cells[1].id == shifted.cells[2].id


# --- пары и исполнение ----------------------------------------------------------------------------


def test_pair_in_step_has_no_problems(built):
    assert notebooks.pair_problems(built) == []


def test_stale_pair_names_the_command(built):
    write(built.parent, LESSON.replace("1 / 4", "1 / 5"))
    (problem,) = notebooks.pair_problems(built)
    assert "make lessons NB=04_lesson" in problem


def test_changed_tag_and_removed_cell_are_noticed(built):
    write(built.parent, LESSON.replace('tags=["answer"]', 'tags=["task"]'))
    assert notebooks.pair_problems(built)
    write(built.parent, LESSON.split('# %% tags=["answer"]')[0])
    assert notebooks.pair_problems(built)


def test_hand_edited_notebook_is_noticed(built):
    edit(built, lambda nb: nb.cells[1].update(source="print(1 / 8)"))
    assert notebooks.pair_problems(built)


def test_pair_check_runs_as_a_command(built, capsys):
    assert notebooks.main() == 0
    write(built.parent, LESSON.replace("1 / 4", "1 / 5"))
    assert notebooks.main() == 1
    assert "make lessons NB=04_lesson" in capsys.readouterr().out


def test_hooks_before_a_commit_are_ruff_and_the_pair_check():
    config = yaml.safe_load((notebooks.ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    entries = [hook["entry"].split() for hook in config["repos"][0]["hooks"]]
    assert all(entry[:2] == [".venv/bin/python", "-m"] for entry in entries)
    modules = [entry[2] for entry in entries]
    assert modules == ["ruff", "ruff", "tools.notebooks"]
    assert all(importlib.util.find_spec(module) for module in modules)


def test_missing_notebook_is_noticed(built):
    built.with_suffix(".ipynb").unlink()
    assert "тетради нет" in notebooks.pair_problems(built)[0]


def test_cell_that_was_never_executed_is_noticed(built):
    notebook = edit(built, lambda nb: nb.cells[1].update(execution_count=None, outputs=[]))
    assert notebooks.execution_problems(notebook)


def test_order_of_execution_is_noticed(built):
    def swap(nb):
        nb.cells[1].execution_count, nb.cells[2].execution_count = 2, 1

    assert notebooks.execution_problems(edit(built, swap))


@pytest.mark.parametrize(
    ("data", "stored"),
    [
        ({"text/plain": "EASE(l2=500)"}, True),
        ({"text/plain": "Ridge()", "text/html": '<div id="sk-container-id-1">'}, True),
        ({"text/plain": "Fraction(1, 2)"}, False),
        ({"text/plain": "'EASE(l2=500)'"}, False),
    ],
)
def test_model_as_an_output_is_refused(data, stored):
    output = nbformat.v4.new_output("execute_result", data)
    text = nbformat.v4.new_markdown_cell("# Урок")
    cell = nbformat.v4.new_code_cell("model", outputs=[output])
    problems = notebooks.storage_problems(nbformat.v4.new_notebook(cells=[text, cell]))
    assert problems == (
        ["ячейка [1]: выведена сама модель; кончите ячейку другой строкой"] if stored else []
    )


# --- сравнение вывода -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "now", "same"),
    [
        ("NDCG 0.1234", "NDCG 0.1235", True),
        ("NDCG 0.1234", "NDCG 0.1236", False),
        ("0.999", "1.000", True),
        ("[3, 17, 5]", "[3, 17, 6]", False),
        ("938 пользователей", "939 пользователей", False),
        ("0.12", "0.120", False),
        ("+0.001", "-0.000", True),
        ("балл 0.5", "балл 0.5 ", False),
        ("1.0e-10", "1.0e-9", False),
        ("a 0.1 b", "a 0.1 c", False),
        ("0.1", "x", False),
    ],
)
def test_tolerance_is_one_unit_of_the_last_digit(stored, now, same):
    assert (TolerantText(stored) == TolerantText(now)) is same
    assert (TolerantText(stored) != TolerantText(now)) is not same


def nbval(target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.nbval_plugin", "--nbval"]
    command += ["--nbval-current-env", "-p", "no:cacheprovider", str(target)]
    env = notebooks.child_env()
    return subprocess.run(
        command, cwd=notebooks.ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_nbval_accepts_the_notebook_and_refuses_a_changed_number(built):
    target = built.with_suffix(".ipynb")
    assert nbval(target).returncode == 0
    edit(built, lambda nb: nb.cells[1].outputs[0].update(text="0.27\n"))
    assert nbval(target).returncode == 1
    edit(built, lambda nb: nb.cells[1].outputs[0].update(text="0.26\n"))
    assert nbval(target).returncode == 0


# --- числа, слова, обозначения --------------------------------------------------------------------


def prose(built: Path, sentence: str) -> list[str]:
    write(built.parent, LESSON.replace("Число 0,25 ниже.", sentence))
    notebook = notebooks.read_source(built)
    stored = nbformat.read(built.with_suffix(".ipynb"), as_version=4)
    for new, old in zip(notebook.cells, stored.cells, strict=True):
        if new.cell_type == "code":
            new.outputs = old.outputs
    nbformat.write(notebook, built.with_suffix(".ipynb"))
    return lint.prose_problems(built)


@pytest.mark.parametrize(
    ("sentence", "n_problems"),
    [
        ("Число 0,25 ниже.", 0),
        ("Число 0.25 ниже, 25 % и 4 зрителя.", 0),
        ("Число 0,26 ниже.", 1),
        ("Формула $x=0{,}37$.", 1),
        ("В статье 0,395 (Liang и др., WWW 2018).", 0),
        ("В статье 0,395 (WWW 2018). А у нас 0,396.", 1),
        ("| модель | 0,11 |\n# |---|---|\n# | EASE | 0,12 |", 2),
        ("Код `x = 0.77` не считается.", 0),
    ],
)
def test_numbers_in_prose(built, sentence, n_problems):
    assert len(prose(built, sentence)) == n_problems


@pytest.mark.parametrize(
    ("text", "n_problems"),
    [
        ("Объекты каталога и баллы модели.", 0),
        ("Айтемы каталога.", 1),
        ("Скор модели и скоры моделей.", 2),
        ("Скоро мы увидим, как скорость растёт скорее.", 0),
        ("Рейтингом фильма.", 1),
        ("Элемент матрицы и элементы диагонали.", 0),
        ("Элементы каталога.", 1),
        ("Решение в закрытой форме.", 1),
        ("Ранг матрицы.", 0),
    ],
)
def test_words_outside_the_glossary(folder, monkeypatch, text, n_problems):
    monkeypatch.setattr(lint, "ROOT", folder)
    terms = {
        "объект": ["айтем", "элемент"],
        "балл": ["скор"],
        "оценка": ["рейтинг"],
        "решение в явном виде": ["закрытая форма"],
    }
    assert len(lint.word_problems(write(folder, text), terms)) == n_problems


@pytest.mark.parametrize(
    ("name", "formula", "n_problems"),
    [
        ("04_ease", r"$\lambda_2$", 0),
        ("04_ease", r"$\lambda$", 1),
        ("04_ease", r"$\alpha x$", 1),
        ("02_tifu_knn", r"$\alpha x$", 0),
        ("03_ials", r"$\alpha_0$", 0),
        ("06_multivae", r"$$\beta$$", 0),
        ("08_bert4rec", r"$\beta$", 1),
    ],
)
def test_one_symbol_for_one_thing(folder, name, formula, n_problems):
    source = write(folder, f"# %% [markdown]\n# {formula}\n", name)
    assert len(lint.symbol_problems(source)) == n_problems


# --- строение -------------------------------------------------------------------------------------

REAL = notebooks.ROOT / "notebooks" / "04_ease.py"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# ## Сверка", "# ## Проверка", "разделы"),
        ("# **Статья.**", "# Статья.", "карточке нет: Статья"),
        ('# %% tags=["model"]\nimport warnings', "# %%\nimport warnings",
         "нет модельной ячейки с классом"),
        ("def reasons(", "def objective(", "уже определено"),
        ('# %% tags=["task"]\ndef repair(', "# %%\ndef repair(", "заданий"),
        ('# %% tags=["answer"]\ndef repair_answer', "# %%\ndef repair_answer", "answer"),
        ("# ### Углубление. Ошибка 3", "# ### Ошибка 3", "Углубление"),
        ("def ease_weights(G, l2):", "limit = 3\n\n\ndef ease_weights(G, l2):",
         "не только определения"),
        ("ax.legend()\nplt.show()", "ax.legend()", "plt.show"),
    ],
)  # fmt: skip
def test_broken_anatomy_is_noticed(tmp_path, old, new, message):
    text = REAL.read_text(encoding="utf-8")
    assert old in text
    assert lint.anatomy_problems(REAL) == []
    problems = lint.anatomy_problems(write(tmp_path, text.replace(old, new), "04_ease"))
    assert any(message in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# # 04. EASE: мысль\n#\n# ## Подбор λ₂\n#\n# Здесь $x$ можно.", ""),
        ("# # 04. EASE: мысль\n#\n# ### Подбор $x$", "заголовок «Подбор $x$»"),
        ("# # EASE: мысль", "название «# EASE: мысль»"),
        ("# # 05. EASE: мысль", "нужно «# 04. Название: мысль»"),
        ("# # 04. EASE", "название"),
        ("# Без заголовка", "название"),
    ],
)
def test_headings(folder, text, problem):
    problems = lint.heading_problems(write(folder, HEADER + f"# %% [markdown]\n{text}\n"))
    assert len(problems) == bool(problem)
    assert problem in "".join(problems)


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("def f(): return 1", "print(f())", "f"),
        ("import math", "print(math.pi)", "math"),
        ("a = b = 1", "def g():\n    return [a for i in range(b)]", "a b"),
        ("a = 1", "a = 2\nprint(a)", ""),
        ("a = 1", "print([a for a in range(3)])", ""),
        ("a = 1", "def g(a):\n    return a", ""),
        ("first = 1", "print(first)", ""),
        ("late = 1", "def g():\n    return late", ""),
        ("late = 1", "print(late)", "late"),
        ("print(1)", "print(2)", ""),
    ],
)
@pytest.mark.parametrize("tag", ["deep", "task", "answer"])
def test_core_that_needs_a_skippable_cell_is_noticed(folder, tag, before, after, lost):
    text = f'# %%\nfirst = 0\n\n# %% tags=["{tag}"]\n{before}\n\n# %%\n{after}\n'
    source = write(folder, HEADER + text + "\n# %%\nlate = 2\n")
    problems = lint.skipped_name_problems(source)
    assert len(problems) == bool(lost)
    assert all(f"{name} ({tag}, строка 13)" in problems[0] for name in lost.split())


def test_unexplained_output_is_noticed(folder):
    source = write(folder, HEADER + "# %%\nx = 1\n\n# %%\nprint(x)\n\n# %%\ny = 2\n")
    build.build(source)
    assert "не объяснён" in lint.output_problems(source)[0]


def test_portability_skips_kernels_the_cpu_lacks(monkeypatch, capsys):
    calls = []

    def verify(names, at_once, env, report, cell_timeout_s):
        calls.append((at_once, env))
        return 0

    monkeypatch.setattr(portability, "cpu_flags", lambda: {"avx2", "sse4_2"})
    monkeypatch.setattr(portability, "verify", verify)
    assert portability.main([]) == 0
    assert "SkylakeX: пропущено" in capsys.readouterr().out
    assert (2, {"OPENBLAS_CORETYPE": "Haswell"}) in calls
    assert len(calls) == len(portability.SETTINGS) - 1
    assert [at_once for at_once, env in calls if "OMP_NUM_THREADS" in env] == [1]


# --- общая проверка -------------------------------------------------------------------------------


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """Папка тестов, где каждый тест падает."""
    monkeypatch.setattr(check, "AT_ONCE", 0)
    monkeypatch.setattr(check, "TESTS", tmp_path)
    body = "import pytest\n"
    every = "@pytest.mark.parametrize('p', [0, 1, 2], ids={})\ndef test_one(p): assert not 'p'\n"
    (tmp_path / "test_ease.py").write_text(body + "def test_own(): assert not 'own'\n")
    (tmp_path / "test_slim.py").write_text(body + "def test_other(): assert 0\n")
    shared = {
        "test_notebooks.py": ["04_ease", "05_slim", "no lesson"],
        "test_contract_x.py": ["EASE-bad", "SLIM-bad", "release"],
        "test_mutants.py": ["ease", "slim", "ease2"],
    }
    for name, ids in shared.items():
        (tmp_path / name).write_text(body + every.format(ids) + "def test_all(): assert 0\n")
    return tmp_path


# Во временной папке у клона и у tmp_path общий корень, и pytest называет тесты от него.
in_temp = pytest.mark.skipif(
    notebooks.ROOT.is_relative_to(Path(tempfile.gettempdir()).resolve()),
    reason="клон лежит в папке временных файлов",
)


@in_temp
def test_check_of_one_lesson_takes_its_tests_and_cuts_no_list(suite):
    problems = [f"строка {n}: {'x' * 400}" for n in range(50)]
    (suite / "test_ease.py").write_text(
        "import pytest\n"
        f"def test_list(): pytest.fail({chr(10).join(problems)!r}, pytrace=False)\n"
        "def test_pair(): pytest.fail('Собрать: make lessons NB=04_ease', pytrace=False)\n"
        "def test_table(): assert list(range(1000)) == []\n",
        encoding="utf-8",
    )
    failed = check.tests([check.Lesson(REAL)])
    found = {f.what.splitlines()[0].removeprefix("04_ease: "): f for f in failed}
    assert set(found) == {
        "test_contract_x.py::test_one[EASE-bad]",
        "test_ease.py::test_list",
        "test_ease.py::test_pair",
        "test_ease.py::test_table",
        "test_mutants.py::test_one[ease]",
        "test_notebooks.py::test_one[04_ease]",
    }
    assert all(failure.what.startswith("04_ease: ") for failure in failed)
    listed, pair, table = (found[f"test_ease.py::test_{n}"] for n in ("list", "pair", "table"))
    assert listed.what.splitlines()[1:] == problems
    assert listed.command.endswith('test_ease.py::test_list"')
    assert pair.command == "make lessons NB=04_ease"
    assert len(table.what) < 1000


@in_temp
def test_broken_test_file_is_reported(suite):
    (suite / "test_ease.py").write_text("import no_such_module\n")
    (failure,) = check.tests([check.Lesson(REAL)])
    assert failure.what.startswith("04_ease: test_ease.py\n")
    assert "No module named 'no_such_module'" in failure.what
    assert failure.command.endswith('-m pytest "test_ease.py"')


def test_check_names_the_cell_whose_output_changed(built, monkeypatch):
    monkeypatch.setattr(check, "AT_ONCE", 0)
    assert check.outputs([check.Lesson(built)]) == []

    def spoil(nb):
        nb.cells[2].outputs[0].update(text="другое\n")

    edit(built, spoil)
    (failure,) = check.outputs([check.Lesson(built)])
    assert str(failure) == ("04_lesson: ячейка [2] выводит другое\n    → make lessons NB=04_lesson")
    edit(built, lambda nb: nb.cells[1].update(source="1 / 0"))
    (failure,) = check.outputs([check.Lesson(built)])
    assert "исполнение остановилось: ячейка [1]" in failure.what


def test_summary_comes_last_and_is_whole(monkeypatch, capsys):
    failure = check.Failure("04_ease: раз\nдва", "make format")
    monkeypatch.setattr(check, "steps", lambda _: {"ruff": list, "pytest": lambda: [failure]})
    assert check.main([]) == 1
    *_, seconds, verdict, step, first, second, command = capsys.readouterr().out.splitlines()
    assert seconds == "— Время: ruff 0 с, pytest 0 с"
    assert verdict == "— Не прошли: pytest"
    assert [step, first, second, command] == [
        "pytest:", "  04_ease: раз", "    два", "    → make format",
    ]  # fmt: skip
    monkeypatch.setattr(check, "steps", lambda _: {"ruff": list})
    assert check.main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "— Все проверки прошли"


def test_tool_reports_every_line_and_silence_is_success(tmp_path):
    (tmp_path / "bad.py").write_text("import os\nimport sys\n")
    (failure,) = check.tool("ruff", "check", "--quiet", str(tmp_path), command="make format")
    assert "os" in failure.what and "sys" in failure.what
    (tmp_path / "bad.py").write_text("")
    assert check.tool("ruff", "check", str(tmp_path), command="make format") == []


def test_check_of_an_unknown_lesson_lists_the_lessons(capsys):
    assert check.main(["04"]) == 2
    error = capsys.readouterr().err
    assert "Нет урока 04. Есть: 00a_start" in error
