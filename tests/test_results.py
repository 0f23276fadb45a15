"""Долгие вычисления: запись, чтение, устаревший ключ, сбои; отпечаток данных."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys_lessons import lessons, results
from recsys_lessons.results import StaleResultError, data_hash, stored_result

NAME = "04_ease.grid"
VALUE = {"l2": [1, 2.5], "ndcg": {"10": 0.1234567890123456}, "имя": "EASE", "нет": None}


def grid(n=2):
    return VALUE | {"n": n}


def other_grid(n=2):
    return {**VALUE, "n": n}


def breaks(n=2):
    raise RuntimeError("не вышло")


def no_json(n=2):
    return {"matrix": np.eye(n)}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "results_dir", lambda: tmp_path / "results")
    sources = {"ease": "class EASE:\n    pass\n", "slim": "class SLIM:\n    pass\n"}
    monkeypatch.setattr(lessons, "model_source", sources.__getitem__)
    monkeypatch.delenv("RECSYS_LESSONS_FULL", raising=False)
    monkeypatch.delenv("RECSYS_LESSONS_BUILD", raising=False)
    return tmp_path / "results"


def ask(compute=grid, **changes):
    arguments = {"models": ("ease",), "data": (np.arange(3),), "params": {"n": 2}} | changes
    return stored_result(NAME, compute, **arguments)


@pytest.fixture
def stored(monkeypatch):
    with monkeypatch.context() as full:
        full.setenv("RECSYS_LESSONS_FULL", "1")
        return ask()


def files(folder) -> list[str]:
    return sorted(path.name for path in folder.glob("*")) if folder.exists() else []


def test_a_value_is_stored_and_read_back(stored, folder, capsys):
    assert stored == grid()
    assert list(stored) == list(ask()) == list(grid())
    assert files(folder) == [f"{NAME}.json"]
    capsys.readouterr()
    assert ask() == stored
    out = capsys.readouterr().out
    assert out == (
        f"Значение {NAME} посчитано заранее; пересчитать: make lessons NB=04_ease FULL=1\n"
    )


def test_reading_is_silent_while_building(stored, monkeypatch, capsys):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    assert ask() == stored
    assert capsys.readouterr().out == ""


def test_reading_does_not_compute(stored, monkeypatch):
    calls = []
    monkeypatch.setitem(VALUE, "вызван", calls)
    assert "вызван" not in ask()


def test_the_file_is_readable_and_the_same_on_every_machine(stored, folder, monkeypatch):
    path = folder / f"{NAME}.json"
    first = path.read_bytes()
    content = json.loads(first)
    assert sorted(content) == ["key", "params", "value"]
    assert content["params"] == {"n": 2} and content["value"] == grid()
    assert sorted(content["key"]) == ["compute", "data", "models", "params"]
    assert "имя".encode() in first and first.endswith(b"}\n") and b"\r" not in first
    monkeypatch.setenv("RECSYS_LESSONS_FULL", "1")
    ask()
    assert path.read_bytes() == first


def test_full_returns_what_will_be_read(monkeypatch):
    """Ключи-числа и кортежи в JSON становятся строками и списками — и при первом расчёте тоже."""
    monkeypatch.setenv("RECSYS_LESSONS_FULL", "1")
    fresh = ask(by_number, params={})
    monkeypatch.delenv("RECSYS_LESSONS_FULL")
    assert fresh == ask(by_number, params={}) == {"10": [1, 2]}
    assert ask(by_number, params={}, recompute=True) == fresh


def by_number():
    return {10: (1, 2)}


# ------------------------------------------------------------------------ устаревший ключ


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"models": ("slim",)}, "код модели"),
        ({"models": ("ease", "slim")}, "код модели"),
        ({"models": ()}, "код модели"),
        ({"compute": other_grid}, "код расчёта"),
        ({"data": (np.arange(4),)}, "данные"),
        ({"data": ()}, "данные"),
        ({"params": {"n": 3}}, "параметры"),
        ({"params": None}, "параметры"),
    ],
)
def test_each_part_of_the_key_makes_the_value_stale(stored, folder, changes, part):
    before = (folder / f"{NAME}.json").read_bytes()
    with pytest.raises(StaleResultError) as caught:
        ask(**changes)
    message = str(caught.value)
    assert f"Результат {NAME} устарел: изменились {part}. " in message
    assert "make lessons NB=04_ease FULL=1" in message and "recompute=True" in message
    assert (folder / f"{NAME}.json").read_bytes() == before
    assert ask() == stored


def test_changed_model_cells_make_the_value_stale(stored, monkeypatch):
    monkeypatch.setattr(lessons, "model_source", lambda name: "class EASE:\n    l2 = 1\n")
    with pytest.raises(StaleResultError, match="изменились код модели"):
        ask()


def test_empty_lines_in_the_model_do_not(stored, monkeypatch):
    """Правка текста между модельными ячейками сдвигает строки, но код модели тот же."""
    monkeypatch.setattr(lessons, "model_source", lambda name: "\n\nclass EASE:\n\n \n    pass\n\n")
    assert ask() == stored


def test_all_the_changed_parts_are_named(stored):
    with pytest.raises(StaleResultError, match="код модели, код расчёта, данные, параметры"):
        ask(other_grid, models=("slim",), data=(), params={"n": 5})


def test_indentation_of_the_computation_does_not_matter(monkeypatch):
    def inner():
        return 1

    monkeypatch.setenv("RECSYS_LESSONS_FULL", "1")
    stored_result(NAME, inner, models=())
    monkeypatch.delenv("RECSYS_LESSONS_FULL")
    if True:

        def inner():
            return 1

    assert stored_result(NAME, inner, models=()) == 1


def test_order_of_the_parameters_does_not_matter(monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_FULL", "1")
    stored_result(NAME, total, models=(), params={"a": 1, "b": 2})
    monkeypatch.delenv("RECSYS_LESSONS_FULL")
    assert stored_result(NAME, total, models=(), params={"b": 2, "a": 1}) == 3


def total(a, b):
    return a + b


# ------------------------------------------------------------------------ нет значения, сбои


def test_a_missing_value_names_the_command(folder):
    with pytest.raises(StaleResultError, match=r"ещё не посчитан.*make lessons NB=04_ease FULL=1"):
        ask()
    assert files(folder) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"key": {}}', "<<<<<<< HEAD"])
def test_a_damaged_file_names_the_command(stored, folder, text):
    (folder / f"{NAME}.json").write_text(text, encoding="utf-8")
    with pytest.raises(StaleResultError, match="make lessons NB=04_ease FULL=1"):
        ask()


def test_recompute_writes_nothing(folder, stored):
    before = (folder / f"{NAME}.json").read_bytes()
    assert ask(other_grid, params={"n": 7}, recompute=True) == VALUE | {"n": 7}
    assert files(folder) == [f"{NAME}.json"]
    assert (folder / f"{NAME}.json").read_bytes() == before


def test_recompute_needs_no_stored_value(folder):
    assert ask(recompute=True) == grid()
    assert files(folder) == []


@pytest.mark.parametrize(
    ("compute", "error"), [(breaks, RuntimeError), (no_json, TypeError)], ids=["raises", "no json"]
)
def test_a_failure_leaves_no_half_written_file(folder, monkeypatch, compute, error):
    monkeypatch.setenv("RECSYS_LESSONS_FULL", "1")
    with pytest.raises(error):
        ask(compute)
    assert files(folder) == []
    ask()
    before = (folder / f"{NAME}.json").read_bytes()
    with pytest.raises(error):
        ask(compute)
    assert files(folder) == [f"{NAME}.json"]
    assert (folder / f"{NAME}.json").read_bytes() == before


def test_a_full_disk_keeps_the_old_value(stored, folder, monkeypatch):
    def half(path, text, **options):
        path.write_bytes(text.encode()[: len(text) // 2])
        raise OSError("нет места на диске")

    with monkeypatch.context() as full:
        full.setenv("RECSYS_LESSONS_FULL", "1")
        full.setattr(Path, "write_text", half)
        with pytest.raises(OSError, match="нет места"):
            ask(params={"n": 3})
    assert ask() == stored


@pytest.mark.parametrize("name", ["grid", "grid.", ".grid", ""])
def test_a_name_without_a_lesson(name):
    with pytest.raises(ValueError, match=r"«урок\.название»"):
        stored_result(name, grid, models=("ease",))


@pytest.mark.parametrize(
    "call",
    [
        lambda: ask(params={"n": np.eye(2)}),
        lambda: ask(data=({1, 2},)),
    ],
    ids=["params", "data"],
)
def test_what_json_cannot_hold_gets_a_russian_error(call):
    with pytest.raises(TypeError, match="JSON"):
        call()


def test_a_value_json_cannot_hold_gets_a_russian_error(monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_FULL", "1")
    with pytest.raises(TypeError, match=r"JSON.*ndarray"):
        ask(no_json)


def test_the_folder_stands_beside_the_lessons(monkeypatch, tmp_path):
    monkeypatch.undo()
    assert results.results_dir() == lessons.lessons_dir() / "results"


# ------------------------------------------------------------------------ отпечаток данных

FRAME = pd.DataFrame({"user": [0, 1], "item": [1, 0], "title": ["Сталкер", "Кин-дза-дза"]})
MATRIX = sp.csr_array([[0, 1.0, 2.0], [3.0, 0, 0]])
ARRAY = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (ARRAY, ARRAY.astype(">f8")),
        (ARRAY, ARRAY.astype("f4")),
        (ARRAY, np.asfortranarray(ARRAY)),
        (ARRAY, np.hstack([ARRAY, ARRAY])[:, :2]),
        (np.arange(3), np.arange(3, dtype="i2")),
        (np.arange(3), np.arange(3, dtype=">i4")),
        (MATRIX, sp.csc_array(MATRIX)),
        (MATRIX, sp.coo_array(MATRIX)),
        (MATRIX, sp.csr_matrix(MATRIX)),
        (FRAME, FRAME.copy()),
        (FRAME, FRAME.astype({"user": "int32"})),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_the_same_data_have_the_same_hash(a, b):
    assert data_hash(a) == data_hash(b)


def test_the_type_of_sparse_indices_does_not_matter():
    wide = MATRIX.copy()
    wide.indices, wide.indptr = wide.indices.astype("i8"), wide.indptr.astype("i8")
    assert wide.indices.dtype == np.int64 and data_hash(wide) == data_hash(MATRIX)


def test_the_order_inside_sparse_rows_does_not_matter_and_is_kept():
    mixed = sp.csr_array((np.array([2.0, 1, 3]), np.array([2, 1, 0]), np.array([0, 2, 3])), (2, 3))
    assert data_hash(mixed) == data_hash(MATRIX)
    assert mixed.indices.tolist() == [2, 1, 0] and mixed.data.tolist() == [2, 1, 3]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (ARRAY, ARRAY + 1e-15),
        (ARRAY, ARRAY.T),
        (ARRAY, ARRAY.ravel()),
        (ARRAY, ARRAY.reshape(4, 1)),
        (ARRAY, ARRAY.astype(int)),
        (np.array([0, 1]), np.array([False, True])),
        (np.array([0, 1]), np.array(["0", "1"])),
        (np.array(["ab", "c"]), np.array(["a", "bc"])),
        (np.array(["a", "b"]), np.array(["b", "a"])),
        (MATRIX, MATRIX * 2),
        (MATRIX, MATRIX.astype(int)),
        (MATRIX, sp.csr_array(MATRIX[:, [1, 0, 2]])),
        (MATRIX, sp.csr_array(MATRIX[[1, 0]])),
        (sp.csr_array((2, 3)), sp.csr_array((2, 4))),
        (FRAME, FRAME[::-1]),
        (FRAME, FRAME.rename(columns={"item": "thing"})),
        (FRAME, FRAME[["item", "user", "title"]]),
        (FRAME, FRAME.assign(title=["Сталкер", "Солярис"])),
        (FRAME, FRAME.assign(user=[0, 2])),
        (pd.DataFrame({"t": pd.to_datetime(["2020-01-01"])}), pd.DataFrame({"t": [5]})),
        (
            pd.DataFrame({"t": pd.to_datetime(["2020-01-01"])}),
            pd.DataFrame({"t": pd.to_datetime(["2020-01-02"])}),
        ),
        (1, 2),
        (1, "1"),
        ([1, 2], [2, 1]),
    ],
)
def test_other_data_have_another_hash(a, b):
    assert data_hash(a) != data_hash(b)


def test_order_and_number_of_objects_matter():
    assert data_hash(ARRAY, FRAME) != data_hash(FRAME, ARRAY)
    assert data_hash(ARRAY) != data_hash(ARRAY, ARRAY)
    assert data_hash("ab", "c") != data_hash("a", "bc")
    assert data_hash(FRAME[["user"]], FRAME[["item"]]) != data_hash(FRAME[["user", "item"]])


def test_series_and_numpy_numbers_are_data_too():
    series = FRAME["user"]
    assert data_hash(series) == data_hash(series.copy()) != data_hash(series + 1)
    assert data_hash(np.float64(0.5)) == data_hash(0.5)
    assert data_hash(np.int64(5)) == data_hash(5)


def test_the_hash_is_the_same_in_every_process():
    """Записанный отпечаток: ключи в хранилище сравниваются между машинами."""
    assert data_hash(np.arange(3)) == "f48137035ad9a3a8"


def test_stale_mode_computes_only_what_is_stale(stored, folder, monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_FULL", "stale")
    path = folder / f"{NAME}.json"
    before = path.read_bytes()
    assert ask() == stored
    assert path.read_bytes() == before
    path.write_text("{}", encoding="utf-8")
    assert ask() == stored
    assert path.read_bytes() == before
    changed = ask(params={"n": 3})
    assert changed != stored
    path.unlink()
    assert ask() == stored
    monkeypatch.delenv("RECSYS_LESSONS_FULL")
    assert ask() == stored


def test_stale_mode_does_not_touch_a_fresh_value(stored, folder, monkeypatch):
    path = folder / f"{NAME}.json"
    path.write_text(path.read_text("utf-8").replace('"value": ', '"value":  '), encoding="utf-8")
    marked = path.read_bytes()
    monkeypatch.setenv("RECSYS_LESSONS_FULL", "stale")
    ask()
    assert path.read_bytes() == marked
