"""Конкурс: что раздаётся, чьи файлы принимаются, где проводится черта."""

import csv
import io
import os
import re
import runpy
import shutil
import zipfile
from itertools import pairwise
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from course import contest
from course.assignment import KEYS
from course.contest import DEPTH, METRIC, N_ITEMS, N_TEST, N_USERS
from course.submission import Refused
from recsys_lessons.evaluation import Evaluation, compare, recommend
from recsys_lessons.metrics import top_k
from recsys_lessons.models import EASE
from tools.notebooks import child_env


def private_keys(folder, secret):
    folder.mkdir()
    shutil.copy(KEYS / "contest_solution.py", folder)
    (folder / "secret.txt").write_text(secret, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return private_keys(tmp_path_factory.mktemp("contest") / "keys", "только преподавателю")


@pytest.fixture(scope="module")
def data(keys):
    return contest.make_data(keys)


@pytest.fixture(scope="module")
def references(data, keys):
    return contest.references(data, keys)


@pytest.fixture(scope="module")
def lists(references):
    return references["EASE (урок 04)"]


@pytest.fixture(scope="module")
def handed_out(keys, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    contest.release(keys, out)
    return out


@pytest.fixture(scope="module")
def worked(handed_out, tmp_path_factory):
    """Папка студента, который исполнил тетрадь и ничего в ней не менял."""
    folder = tmp_path_factory.mktemp("student")
    with zipfile.ZipFile(handed_out / "contest.zip") as archive:
        archive.extractall(folder)
    folder = folder / "contest"
    notebook = nbformat.read(folder / "contest.ipynb", 4)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in child_env().items():
            patch.setenv(name, value)
        NotebookClient(notebook, resources={"metadata": {"path": folder}}, timeout=60).execute()
    nbformat.write(notebook, folder / "contest.ipynb")
    return folder


def to_csv(lists):
    user, place = np.indices(lists.shape)
    columns = {"user": user.ravel(), "rank": place.ravel() + 1, "item": lists.ravel()}
    return pd.DataFrame(columns).to_csv(index=False, lineterminator="\n").encode()


def notebook_bytes(*sources):
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in sources])
    return nbformat.writes(made).encode()


# --- Данные


def test_students_get_no_test_part(data, handed_out, keys, tmp_path):
    train = pd.read_csv(handed_out / "train.csv")
    assert contest.matrix(train).multiply(data.test).nnz == 0
    assert (np.diff(data.test.indptr) == N_TEST).all()
    assert train.groupby("user")["item"].nunique().between(15, 40).all()
    assert not train.duplicated(["user", "item"]).any()
    assert list(train) == ["user", "item", "date"]
    assert train["date"].max() < "2026-01-01"
    assert train.groupby("user")["date"].is_monotonic_increasing.all()
    assert not train.duplicated(["user", "date"]).any()
    with zipfile.ZipFile(handed_out / "contest.zip") as archive:
        assert sorted(archive.namelist()) == [
            f"contest/{name}" for name in ("books.csv", "contest.ipynb", "train.csv")
        ]
        for name in archive.namelist():
            assert archive.read(name) == (handed_out / Path(name).name).read_bytes()
    contest.release(keys, tmp_path)
    assert (tmp_path / "contest.zip").read_bytes() == (handed_out / "contest.zip").read_bytes()


def test_the_bound_knows_true_probabilities(data):
    assert data.chances.sum(axis=1) == pytest.approx(N_TEST, abs=0.05)
    assert (data.chances[data.seen.toarray() > 0] == 0).all()
    taken = data.test.toarray() > 0
    for low, high in ((0.001, 0.01), (0.01, 0.1), (0.1, 0.3), (0.3, 1)):
        part = (data.chances >= low) & (data.chances < high)
        promised, happened = data.chances[part].sum(), taken[part].sum()
        assert happened == pytest.approx(promised, abs=4 * promised**0.5)


@pytest.mark.parametrize("secret", ["первый", "второй", "третий"])
def test_whoever_sees_the_order_of_sections_beats_ease(secret, tmp_path):
    keys = private_keys(tmp_path / "keys", secret)
    data = contest.make_data(keys)
    found = contest.references(data, keys)
    marks = {name: contest.judged(one, data.test) for name, one in found.items()}
    bound = top_k(np.where(data.seen.toarray() > 0, -np.inf, data.chances), DEPTH)
    marks["граница"] = contest.judged(bound, data.test)
    order = ["Популярность (урок 00a)", "EASE (урок 04)", "Известное лучшее", "граница"]
    for worse, better in pairwise(order):
        gain = compare(marks[better], marks[worse], METRIC)
        assert gain.mean > 5 * gain.se, (worse, better, gain)


def test_the_secret_decides_everything(data, tmp_path):
    other = contest.make_data(private_keys(tmp_path / "keys", "другой"))
    assert abs(other.test.multiply(data.test).sum() / data.test.sum() - N_TEST / N_ITEMS) < 0.01


# --- Тетрадь студента


def test_the_starter_runs_and_is_accepted(worked, data, references):
    lists = contest.read_work(worked, data.seen)
    assert np.array_equal(lists, references["Популярность (урок 00a)"])
    outputs = nbformat.read(worked / "contest.ipynb", 4).cells
    printed = "".join(str(o.get("text", "")) for c in outputs for o in c.get("outputs", []))
    assert "predictions.csv в порядке" in printed and "Не так" not in printed


@pytest.fixture(scope="module")
def format_problems(worked):
    """Проверка формата из тетради."""
    notebook = nbformat.read(worked / "contest.ipynb", 4)
    source = next(c.source for c in notebook.cells if "def format_problems" in c.source)
    train = pd.read_csv(worked / "train.csv")
    scope = {"Path": Path, "pd": pd, "train": train, "n_users": N_USERS, "n_items": N_ITEMS}
    exec(source.partition("\n\n\nfor problem")[0], scope)
    return scope["format_problems"]


def test_a_participant_can_tune_without_the_secret(worked, data, references):
    """Подбор на своих последних книгах выбирает то же, что выбрала бы тестовая часть."""
    notebook = nbformat.read(worked / "contest.ipynb", 4)
    sources = [c.source for c in notebook.cells if c.cell_type == "code"]
    scope: dict = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(worked)
        for source in sources[: 1 + next(i for i, s in enumerate(sources) if "validate(" in s)]:
            exec(source, scope)
    own, hidden = scope["matrix"](scope["late"]), data.test
    assert own.multiply(hidden).nnz == 0 and (np.diff(own.indptr) == N_TEST).all()

    def ease(l2):
        def predict(readings, books):
            X = scope["matrix"](readings)
            assert (X.multiply(own).nnz > 0) == (len(readings) == len(data.train))
            return recommend(EASE(l2=l2).fit(X).score, np.arange(N_USERS), seen=X, k=DEPTH)

        return predict

    best = runpy.run_path(str(KEYS / "contest_solution.py"))["lists"]
    tried = {"популярность": scope["predict"], "преподаватель": best}
    tried |= {f"EASE {l2}": ease(l2) for l2 in (1, 30, 1000, 30000)}
    here = {name: scope["validate"](predict)[METRIC] for name, predict in tried.items()}
    there = {
        name: contest.judged(predict(scope["train"], scope["books"]), hidden)
        for name, predict in tried.items()
    }
    order = sorted(here, key=here.__getitem__)
    for worse, better in pairwise(order):
        gain = compare(there[better], there[worse], METRIC)
        assert gain.mean > -2 * gain.se, (worse, better, here, gain)
    assert order[0] == "популярность" and order[-1] == "преподаватель"
    for name, value in here.items():
        assert value == pytest.approx(there[name][METRIC], abs=0.03), name


# --- Чужие файлы

FIRST = b"0,1,"  # начало первой строки с ответом


def line(data, number):
    return data.split(b"\n")[number - 1]


def replace_item(data, item):
    """Другая книга на первом месте читателя 0."""
    return data.replace(line(data, 2), FIRST + str(item).encode(), 1)


BROKEN = {
    "empty": (lambda d, s: b"", "пуст"),
    "only header": (lambda d, s: b"user,rank,item\n", "ни одной строки"),
    "utf-16": (lambda d, s: d.decode().encode("utf-16"), "UTF-16"),
    "cp1251": (lambda d, s: "номер".encode("cp1251") + d, "не в UTF-8"),
    "no header": (lambda d, s: d.partition(b"\n")[2], "Столбцы predictions.csv"),
    "index column": (
        lambda d, s: pd.read_csv(io.BytesIO(d)).to_csv().encode(),
        "index=False",
    ),
    "missing column": (lambda d, s: re.sub(rb",\w+\n", b"\n", d), "Столбцы predictions.csv"),
    "doubled column": (lambda d, s: d.replace(b"rank", b"user", 1), "Столбцы predictions.csv"),
    "short row": (lambda d, s: d.replace(line(d, 2), b"0,1", 1), "Строка 2: ячеек 2"),
    "float": (lambda d, s: replace_item(d, "7.0"), "Строка 2, столбец item: '7.0'"),
    "negative": (lambda d, s: replace_item(d, -1), "'-1' — не целое"),
    "huge": (lambda d, s: replace_item(d, 10**30), "не целое число"),
    "formula": (lambda d, s: replace_item(d, "=1+1"), "'=1+1' — не целое"),
    "arabic digits": (lambda d, s: replace_item(d, "٣"), "не целое"),
    "quote": (lambda d, s: d.replace(line(d, 2), b'0,1,"7', 1), "не читается как CSV"),
    "unknown user": (lambda d, s: d + b"1500,1,3\n", "Неизвестный читатель"),
    "unknown item": (lambda d, s: replace_item(d, N_ITEMS), "Неизвестная книга"),
    "rank zero": (lambda d, s: d.replace(line(d, 2), b"0,0,599", 1), "rank — от 1 до 10"),
    "rank twice": (
        lambda d, s: d.replace(line(d, 3), line(d, 3).replace(b"0,2,", b"0,1,"), 1),
        "занято дважды",
    ),
    "item twice": (
        lambda d, s: replace_item(d, line(d, 3).split(b",")[2].decode()),
        "стоит в списке читателя дважды",
    ),
    "seen": (lambda d, s: replace_item(d, s.indices[0]), "уже прочитана"),
    "user missing": (
        lambda d, s: b"".join(x for x in d.splitlines(True) if not x.startswith(b"17,")),
        "Нет ни одной строки у читателей: всего их 1, например 17.",
    ),
    "short list": (lambda d, s: d.replace(line(d, 2) + b"\n", b"", 1), "Меньше 10 книг"),
    "long list": (lambda d, s: d + d.splitlines(True)[-1], "Больше 10 книг"),
    "too big": (lambda d, s: d + b" " * 2**21, "больше 2 МБ"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_gets_its_reason(name, data, lists, format_problems, tmp_path):
    csv.field_size_limit(10**7)  # предел общий на процесс, его поднимает и проверка работ
    spoil, reason = BROKEN[name]
    path = tmp_path / "predictions.csv"
    path.write_bytes(spoil(to_csv(lists), data.seen))
    (tmp_path / "contest.ipynb").write_bytes(notebook_bytes("1"))
    with pytest.raises(Refused, match=re.escape(reason)) as refused:
        contest.read_work(tmp_path, data.seen)
    assert len(str(refused.value)) < 700
    assert format_problems(path)


def test_all_problems_are_named_at_once(data, lists):
    spoiled = replace_item(to_csv(lists), N_ITEMS) + b"1500,11,3\n"
    with pytest.raises(Refused) as refused:
        contest.read_predictions(spoiled, data.seen)
    for part in ("Неизвестный читатель", "Неизвестная книга", "Место rank", "строка 2:"):
        assert part in str(refused.value)


def shuffled(data):
    head, *rows = data.splitlines(True)
    return head + b"".join(np.random.default_rng(0).permutation(rows))


HARMLESS = {
    "as it is": lambda d: d,
    "BOM": lambda d: b"\xef\xbb\xbf" + d,
    "Windows line ends": lambda d: d.replace(b"\n", b"\r\n"),
    "old Mac line ends": lambda d: d.replace(b"\n", b"\r"),
    "no last line end": lambda d: d.rstrip(),
    "blank lines": lambda d: d.replace(b"\n", b"\n\n"),
    "semicolons": lambda d: d.replace(b",", b";"),
    "tabs and spaces": lambda d: d.replace(b",", b" \t "),
    "quotes": lambda d: re.sub(rb"\w+", rb'"\g<0>"', d),
    "capitals": lambda d: d.replace(b"user", b" User "),
    "any order of rows": shuffled,
    "any order of columns": lambda d: (
        pd.read_csv(io.BytesIO(d))[["item", "user", "rank"]].to_csv(index=False).encode()
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_another_program_s_csv_is_the_same_lists(name, data, lists):
    found = contest.read_predictions(HARMLESS[name](to_csv(lists)), data.seen)
    assert np.array_equal(found, lists)


def zipped(path, **files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv"), content)


def refusal(path, data):
    with pytest.raises(Refused) as refused:
        contest.read_work(path, data.seen)
    return str(refused.value)


def test_folders_and_archives(data, lists, tmp_path):
    good, code = to_csv(lists), notebook_bytes("predict()")
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "Нет файла predictions.csv" in refusal(folder, data)
    assert "Тетради .ipynb в работе нет" in refusal(folder, data)
    (folder / "predictions.csv").write_bytes(good)
    assert "predictions.csv" not in refusal(folder, data)
    (folder / "contest.ipynb").write_bytes(notebook_bytes("", " "))
    assert "нет кода" in refusal(folder, data)
    (folder / "contest.ipynb").write_bytes(b"{")
    assert "не JSON" in refusal(folder, data)
    (folder / "contest.ipynb").write_bytes(code)
    (folder / "train.csv").write_bytes(b"anything")
    assert np.array_equal(contest.read_work(folder, data.seen), lists)

    archive = tmp_path / "one.zip"
    zipped(archive, **{"work__predictions_csv": good, "work__contest.ipynb": code})
    assert np.array_equal(contest.read_work(archive, data.seen), lists)
    inner = tmp_path / "inner"
    inner.mkdir()
    shutil.copy(archive, inner)
    assert np.array_equal(contest.read_work(inner, data.seen), lists)
    zipped(archive, **{"a__predictions_csv": good, "b__predictions_csv": good, "n.ipynb": code})
    assert "несколько" in refusal(archive, data)
    zipped(archive, **{"..__predictions_csv": good, "n.ipynb": code})
    assert "вне своей папки" in refusal(archive, data)
    zipped(archive, **{"predictions_csv": bytes(2**27), "n.ipynb": code})
    assert "больше 2 МБ" in refusal(archive, data)
    archive.write_bytes(b"PK\x03\x04" + bytes(100))
    assert "не читается" in refusal(archive, data)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="на этой системе нет именованных каналов")
def test_links_and_pipes_are_not_opened(data, lists, tmp_path):
    real, folder = tmp_path / "real", tmp_path / "folder"
    for one in (real, folder):
        one.mkdir()
        (one / "contest.ipynb").write_bytes(notebook_bytes("1"))
    (real / "predictions.csv").write_bytes(to_csv(lists))
    (folder / "predictions.csv").symlink_to(real / "predictions.csv")
    assert "не обычный файл" in refusal(folder, data)
    (folder / "predictions.csv").unlink()
    os.mkfifo(folder / "predictions.csv")
    assert "не обычный файл" in refusal(folder, data)
    (tmp_path / "link").symlink_to(real)
    assert "ссылка" in refusal(tmp_path / "link", data)


# --- Таблица


def entry(values):
    return Evaluation(pd.DataFrame({METRIC: values}), np.empty((len(values), 0)), 0)


def test_the_line_is_under_the_last_one_not_apart():
    rng = np.random.default_rng(0)
    base = rng.uniform(0.2, 0.8, 1000)
    noise = rng.normal(0, 1, 1000)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    shift = 0.02 * noise  # ошибка среднего разности 0,02/√1000
    se = 0.02 / 1000**0.5

    def below(z):
        return entry(base + shift - z * se)

    best = entry(base)
    rows, above = contest.rank({("a", "a"): best, ("b", "b"): below(2.1), ("c", "c"): below(9)})
    assert [row.login for row in rows] == ["a", "b", "c"]
    assert above == 1 and rows[1].behind == pytest.approx(2.1 * se)
    assert rows[1].behind_se == pytest.approx(se) and rows[1].p == pytest.approx(0.0357, abs=1e-4)
    # Ещё один неотличимый: p того же участника умножают на 2, и черта опускается.
    rows, above = contest.rank({("a", "a"): best, ("b", "b"): below(2.1), ("d", "d"): below(1.5)})
    assert [row.login for row in rows] == ["a", "d", "b"] and above == 3
    # У неровного участника ошибка больше: он ниже, но неотличим, и черта одна — под ним.
    uneven = entry(base + 20 * shift - 5 * se)
    rows, above = contest.rank({("a", "a"): best, ("b", "b"): below(4), ("u", "u"): uneven})
    assert [(row.login, row.apart) for row in rows] == [("a", False), ("b", True), ("u", False)]
    assert above == 3
    rows, above = contest.rank({("a", "a"): best, ("b", "b"): best})
    assert above == 2 and rows[1].p == 1


def test_the_same_lists_are_named(data, references):
    lists = references["EASE (урок 04)"]
    other = lists.copy()
    other[-1, -2:] = other[-1, :-3:-1]  # две последние книги последнего читателя переставлены
    sent = {("А", "a"): lists, ("Б", "b"): lists.astype(np.int32), ("В", "c"): other}
    sent |= {("EASE", ""): lists, ("Популярность", ""): references["Популярность (урок 00a)"]}
    rows, _ = contest.rank({key: contest.judged(one, data.test) for key, one in sent.items()})
    same = {row.login or row.name: set(row.same) for row in rows}
    assert same == {
        "a": {"b", "EASE"}, "b": {"a", "EASE"}, "EASE": {"a", "b"}, "c": set(),
        "Популярность": set(),
    }  # fmt: skip


def test_the_score_is_ndcg(data):
    ideal = np.full((N_USERS, DEPTH), -1)
    ideal[:, :N_TEST] = data.test.indices.reshape(N_USERS, N_TEST)
    assert contest.judged(ideal, data.test)[METRIC] == pytest.approx(1)
    late = np.roll(ideal, DEPTH - N_TEST, axis=1)
    wanted = sum(1 / np.log2(np.arange(8, 12))) / sum(1 / np.log2(np.arange(2, 6)))
    assert contest.judged(late, data.test)[METRIC] == pytest.approx(wanted)


def test_from_submissions_to_the_board(keys, data, lists, references, worked, tmp_path, capsys):
    works = tmp_path / "works"
    works.mkdir()
    shutil.copytree(worked, works / "petrov")
    zipped(works / "ivanova.zip", **{"predictions_csv": to_csv(lists), "n.ipynb": b"\xff"})
    best = to_csv(references["Известное лучшее"])
    folder = works / "Анна Ким_77_assignsubmission_file_"
    folder.mkdir()
    (folder / "predictions.csv").write_bytes(best)
    (folder / "contest.ipynb").write_bytes(notebook_bytes("1"))
    shutil.copytree(folder, works / "lee")
    (works / "=stranger").mkdir()
    roster = tmp_path / "roster.csv"
    roster.write_text(
        'number,login,name\n1,petrov,"=HYPERLINK(""http://example.org"")"\n'
        "2,ivanova,<script>alert(1)</script>\n3,kim,Анна Ким\n4,absent,Олег Ли\n5,lee,Ли Анна\n",
        encoding="utf-8",
    )
    arguments = ["score", str(works), "--keys", str(keys), "--roster", str(roster), "--out"]
    assert contest.main([*arguments, str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "студентов 3, не вошли 2" in said and "'=stranger'" in said
    assert "Ключи открытые" not in said

    text = (tmp_path / "out" / "board.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    by_login = {row["login"]: row for row in rows if row["login"]}
    samples = {row["name"]: row for row in rows if not row["login"]}
    assert set(samples) == set(references)
    assert by_login["kim"][METRIC] == samples["Известное лучшее"][METRIC]
    assert by_login["petrov"][METRIC] == samples["Популярность (урок 00a)"][METRIC]
    assert [row["above"] for row in rows if row["place"]] == ["да"] * 3 + ["нет"] * 5
    same = {login: row["same"] for login, row in by_login.items() if row["same"]}
    assert same == {
        "petrov": "Популярность (урок 00a)",
        "kim": "Известное лучшее, lee",
        "lee": "kim, Известное лучшее",
    }
    means = [float(row[METRIC]) for row in rows if row["place"]]
    assert means == sorted(means, reverse=True) and all(
        0 < float(row["se"]) < 0.01 for row in rows if row["place"]
    )
    assert by_login["absent"]["reason"] == "Работы нет."
    assert "не JSON" in by_login["ivanova"]["reason"] and not by_login["ivanova"][METRIC]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert by_login["petrov"]["name"].startswith("'=")

    html = (tmp_path / "out" / "board.html").read_text(encoding="utf-8")
    assert html.count('class="line"') == 1
    before, _, after = html.partition('class="line"')
    assert "те же списки: Известное лучшее, lee" in before and "совпадают до последней" in html
    assert "Анна Ким" in before and "Популярность" not in before and "Популярность" in after
    assert "<script" not in html and "&lt;script&gt;" in html
    assert not re.search(r"(?:src|href)=|url\(|@import", html)

    assert contest.main([*arguments, str(tmp_path / "again")]) == 0
    for name in ("board.csv", "board.html"):
        again = (tmp_path / "again" / name).read_bytes()
        assert again == (tmp_path / "out" / name).read_bytes()


def test_what_is_missing_is_named(tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert contest.main(["make", "--keys", str(tmp_path), *out]) == 1
    assert "нет secret.txt" in capsys.readouterr().err
    keys = private_keys(tmp_path / "keys", "x")
    (keys / "contest_solution.py").unlink()
    roster = tmp_path / "roster.csv"
    roster.write_text("number,login,name\n1,a,А\n", encoding="utf-8")
    given = ["--keys", str(keys), "--roster", str(roster), *out]
    assert contest.main(["score", str(tmp_path / "nowhere"), *given]) == 1
    assert "Нет папки с работами" in capsys.readouterr().err
    assert contest.main(["score", str(tmp_path), *given]) == 1
    assert "нет contest_solution.py" in capsys.readouterr().err
    assert contest.main(["make", *out]) == 0
    assert "Ключи открытые" in capsys.readouterr().out
