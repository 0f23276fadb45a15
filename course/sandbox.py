"""Песочница: чужой код на чужой машине, у которой нет ничего лишнего.

Каждый запуск — новый процесс Python внутри bubblewrap (``bwrap``): видны только интерпретатор,
пакет курса и входные данные, и всё это только для чтения; дом и ``/tmp`` — память с пределом; сети
нет; чужих процессов не видно; пользователь — непривилегированный; родитель умер — умирает и она.
Пределы памяти и числа процессов — на всю задачу: группа cgroup, если её можно завести, иначе
наблюдение за суммой памяти дерева процессов. Время — процессора, а кто его не занимает — по часам.
Ответы приходят байтами через канал; верные ответы и проверки сюда не передаются.

От чего не защищает: от ошибок ядра Linux; от чтения того, что передано внутрь (ячейки, аргументы
вызовов, сломанные реализации); от догадки, что решение проверяют именно этими вызовами.
"""

import contextlib
import itertools
import json
import math
import os
import platform
import re
import selectors
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from course.assignment import Call, Code

MB = 2**20
PROCESSES = 64  # процессов и потоков на задачу
UIDS = 64  # разных пользователей на одну проверку
DISK = 64  # МБ в каждой из папок, куда можно писать
ANSWER = 64 * MB  # один ответ
ANSWERS = 256 * MB  # все ответы одного запуска
HEAD = 1 * MB  # заголовок кадра
START_SECONDS = 120  # до кода студента: интерпретатор и данные ячейки, даже на занятой машине
WATCH_SECONDS = 0.03
SLOW = 5  # во сколько раз предел по часам больше предела по времени процессора
WORKER = Path(__file__).with_name("worker.py")
INSIDE = "/course"
HOME = "/home/student"


_NUMBERS = itertools.count()  # номера запусков: по ним названы группы cgroup


class SandboxError(Exception):
    """Песочницы нет, или сломалась не работа студента, а сама проверка."""


@dataclass(frozen=True)
class Result:
    """Чем кончился один вызов.

    :param status: ``answer``, ``missing``, ``unfit``, ``error``, ``time``, ``memory``, ``exit``
    :param reason: почему ответа нет
    """

    status: str
    value: Any = None
    reason: str = ""


@dataclass
class Outcome:
    """Чем кончился один запуск: ответы по номерам вызовов и причина обрыва, если он был."""

    results: dict[int, Result] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    death: Result | None = None
    cells_done: bool = False
    seconds: float = 0.0


# --- cgroup ----------------------------------------------------------------------------------


def _mounts() -> list[tuple[str, str, str]]:
    """Точка монтирования, вид и свойства каждой файловой системы cgroup."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            found.append((left.split()[4], kind, options))
    return found


def _own_groups() -> dict[str, str]:
    """Контроллер → путь своей группы; у cgroup2 имя пустое."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return {}
    own = {}
    for line in lines:
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            own[name] = path
    return own


@dataclass(frozen=True)
class Groups:
    """Где заводить группы cgroup.

    :param version: 2 или 1
    :param parents: папки, в которых создаётся группа: одна у версии 2, две (память и процессы) у 1
    """

    version: int
    parents: tuple[Path, ...]

    @contextlib.contextmanager
    def group(self, name: str, megabytes: int, processes: int) -> Iterator[tuple[Path, ...]]:
        """Группа с пределами; по выходе все её процессы убиты, а она удалена."""
        folders = tuple(parent / name for parent in self.parents)
        try:
            for folder in folders:
                folder.mkdir(exist_ok=True)
            _write_limits(folders, megabytes, processes)
            yield folders
        finally:
            for folder in folders:
                _remove_group(folder)

    @staticmethod
    def out_of_memory(folders: Sequence[Path]) -> bool:
        """Убивало ли ядро процессы группы за нехватку памяти."""
        for folder in folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    found = re.search(r"^oom_kill (\d+)", (folder / name).read_text(), re.MULTILINE)
                    if found and int(found[1]):
                        return True
        return False


def _write_limits(folders: Sequence[Path], megabytes: int, processes: int) -> None:
    limit = str(megabytes * MB)
    written = 0
    for folder in folders:
        for name, value in (
            ("memory.max", limit),
            ("memory.limit_in_bytes", limit),
            ("pids.max", str(processes)),
        ):
            if (folder / name).exists():
                (folder / name).write_text(value)
                written += 1
        for name, value in (("memory.swap.max", "0"), ("memory.memsw.limit_in_bytes", limit)):
            if (folder / name).exists():
                with contextlib.suppress(OSError):  # подкачки может не быть
                    (folder / name).write_text(value)
    if written != 2:
        raise OSError("у группы нет пределов памяти и числа процессов")


def _remove_group(folder: Path) -> None:
    for attempt in range(200):
        if not folder.exists():
            return
        with contextlib.suppress(OSError):
            (folder / "cgroup.kill").write_text("1")
        with contextlib.suppress(OSError, ValueError):
            for pid in (folder / "cgroup.procs").read_text().split():
                with contextlib.suppress(OSError):
                    os.kill(int(pid), signal.SIGKILL)
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        time.sleep(min(0.05, 0.001 * 2**attempt))


def find_groups() -> Groups | None:
    """Где можно завести группу с пределами памяти и процессов; ``None``, если нигде."""
    if not sys.platform.startswith("linux"):
        return None
    mounts, own = _mounts(), _own_groups()
    candidates: list[Groups] = []
    for point, kind, _ in mounts:
        if kind == "cgroup2":
            here = Path(point + own.get("", "/"))
            for parent in (here, here.parent, Path(point)):
                if parent.is_relative_to(point):
                    candidates.append(Groups(2, (parent,)))
    controllers = {
        name: Path(point)
        for name in ("memory", "pids")
        for point, kind, options in mounts
        if kind == "cgroup" and name in options.split(",")
    }
    if len(controllers) == 2:
        inner = tuple(Path(f"{controllers[n]}{own.get(n, '/')}") for n in ("memory", "pids"))
        candidates += [Groups(1, inner), Groups(1, tuple(controllers.values()))]
    name = f"recsys-probe-{os.getpid()}"
    for groups in candidates:
        with contextlib.suppress(OSError):
            if groups.version == 2:
                _enable(groups.parents[0])
            with groups.group(name, 100, 10):
                return groups
    return None


def _enable(parent: Path) -> None:
    control = parent / "cgroup.subtree_control"
    if not {"memory", "pids"} <= set(control.read_text().split()):
        control.write_text("+memory +pids")


def sweep_groups(groups: Groups) -> None:
    """Убрать группы, оставшиеся от проверки, которую убили."""
    for parent in groups.parents:
        for folder in parent.glob("recsys-*-*"):
            pid = folder.name.split("-")[1]
            if pid.isdecimal() and not psutil.pid_exists(int(pid)):
                _remove_group(folder)


# --- Аргументы и ответы ----------------------------------------------------------------------


def describe_argument(value: Any, folder: Path, names: Iterator[int]) -> dict[str, Any]:
    """Описание аргумента для :mod:`course.worker`; массивы ложатся в папку файлами ``.npy``."""
    if isinstance(value, Code):
        return {"kind": "code", "name": value.name, "value": value.source}
    if value is None or type(value) in (bool, int, float, str):
        return {"kind": "plain", "value": value}
    if hasattr(value, "tocsr") and hasattr(value, "indptr"):
        parts = [value.data, value.indices, value.indptr]
        return {
            "kind": "csr",
            "type": type(value).__name__,
            "shape": list(value.shape),
            "value": [describe_argument(one, folder, names) for one in parts],
        }
    if isinstance(value, np.generic) and type(value.item()) in (bool, int, float, str):
        return {"kind": "plain", "value": value.item()}
    if isinstance(value, np.ndarray | np.generic):
        name = f"{next(names)}.npy"
        np.save(folder / name, value, allow_pickle=False)
        return {"kind": "array", "value": name}
    if isinstance(value, list | tuple):
        items = [describe_argument(one, folder, names) for one in value]
        return {"kind": "tuple" if isinstance(value, tuple) else "list", "value": items}
    if isinstance(value, Mapping):
        pairs = [
            [describe_argument(key, folder, names), describe_argument(item, folder, names)]
            for key, item in value.items()
        ]
        return {"kind": "dict", "value": pairs}
    raise TypeError(f"Аргумент вызова вида {type(value).__name__} в песочницу не передаётся.")


class _Broken(Exception):
    """Кадр не такой, какие пишет worker: канал испортил студент."""


# Ровно то, что пишет numpy; полей и объектов Python здесь быть не может.
_HEADER = re.compile(
    rb"\{'descr': '([<>|][biufcUS]\d{1,6})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,10},? ?){0,8})\), \} *\n"
)


def read_array(data: bytes) -> np.ndarray:
    """Массив из байтов ``.npy``: вид и размер проверены раньше, чем что-либо построено.

    :raises ValueError: не ``.npy``, объекты Python, поля, длина не та
    """
    start = 10 + int.from_bytes(data[8:10], "little")
    header = _HEADER.fullmatch(data[10:start])
    if data[:8] != b"\x93NUMPY\x01\x00" or header is None:
        raise ValueError("заголовок массива")
    dtype = np.dtype(header[1].decode())
    shape = tuple(int(one) for one in header[3].replace(b",", b" ").split())
    size = math.prod(shape)
    if size > ANSWER or size * dtype.itemsize != len(data) - start:
        raise ValueError("длина массива")
    if dtype.itemsize == 0:
        return np.full(shape, "")
    flat = np.frombuffer(data, dtype, offset=start)
    return flat.reshape(shape, order="F" if header[2] == b"True" else "C").copy()


def build_answer(tree: Any, blobs: Sequence[bytes], depth: int = 0) -> Any:
    """Ответ из описания, которому нельзя верить.

    :raises ValueError: описание не такое, какие составляет worker
    """
    if not isinstance(tree, dict) or depth > 6:
        raise ValueError("описание ответа")
    kind, value = tree.get("kind"), tree.get("value")
    if kind == "none":
        return None
    if kind == "plain" and type(value) in (bool, int, float, str):
        return value
    if kind == "array" and type(value) is int and 0 <= value < len(blobs):
        array = read_array(blobs[value])
        if array.dtype.kind == "U":
            # Кодовые точки вне Юникода роняют сам numpy при чтении строки.
            codes = np.ascontiguousarray(array).reshape(-1).view(np.uint32)
            if codes.size and codes.max() > 0x10FFFF:
                raise ValueError("знаки вне Юникода")
        return array[()]
    if kind in ("tuple", "list") and isinstance(value, list):
        items = [build_answer(one, blobs, depth + 1) for one in value]
        return tuple(items) if kind == "tuple" else items
    if kind == "dict" and isinstance(value, list):
        built = [
            (build_answer(pair[0], blobs, depth + 1), build_answer(pair[1], blobs, depth + 1))
            for pair in value
            if isinstance(pair, list) and len(pair) == 2
        ]
        try:
            return dict(built)
        except TypeError:
            raise ValueError("ключи словаря") from None
    raise ValueError("описание ответа")


_EXCEPTIONS = {
    "SyntaxError": "синтаксическая ошибка",
    "IndentationError": "ошибка в отступах",
    "NameError": "нет такого имени",
    "UnboundLocalError": "переменной ещё не присвоено значение",
    "TypeError": "операция или вызов с аргументами не того типа",
    "ValueError": "недопустимое значение",
    "IndexError": "индекс вне границ",
    "KeyError": "нет такого ключа",
    "AttributeError": "у объекта нет такого атрибута",
    "ZeroDivisionError": "деление на ноль",
    "AssertionError": "не выполнено утверждение assert",
    "ModuleNotFoundError": "нет такого модуля",
    "ImportError": "импорт не удался",
    "FileNotFoundError": "нет такого файла",
    "RecursionError": "бесконечная рекурсия",
    "MemoryError": "не хватило памяти",
    "NotImplementedError": "не написано",
    "SystemExit": "вызван выход из программы",
    "KeyboardInterrupt": "выполнение прервано",
    "EOFError": "ввода с клавиатуры при проверке нет",
    "OSError": "отказано системой",
    "PermissionError": "запрещено",
    "BlockingIOError": "слишком много процессов",
    "UFuncTypeError": "операция с массивами не того типа",
    "LinAlgError": "ошибка линейной алгебры",
}


def clean(text: Any, limit: int = 300) -> str:
    """Чужая строка, годная для показа: без управляющих знаков, не длиннее предела."""
    kept = "".join(one if one.isprintable() else " " for one in str(text)[: 4 * limit])
    kept = re.sub(r"\s+", " ", kept).strip()
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def explain(error: Any) -> str:
    """Исключение словами: что случилось, сообщение Python, строка кода студента."""
    error = error if isinstance(error, dict) else {}
    name = clean(error.get("type", "Exception"), 80)
    text = f"{_EXCEPTIONS[name]} ({name})" if name in _EXCEPTIONS else f"исключение {name}"
    if error.get("message"):
        text += f": {clean(error['message'])}"
    if isinstance(error.get("line"), int):
        where = f"; {clean(error['cell'], 80)}" if error.get("cell") else ""
        text += f"{where}, строка {error['line']}"
        if error.get("code"):
            text += f": {clean(error['code'], 120)}"
    return text


# --- Песочница -------------------------------------------------------------------------------


@dataclass
class Sandbox:
    """Чем ограничены запуски на этой машине.

    :param bwrap: путь к bubblewrap; ``None`` — защиты файлов и сети нет
    :param groups: где заводить cgroup; ``None`` — память дерева процессов наблюдается
    :param uid: первый из настоящих пользователей внутри, когда снаружи root; у соседних запусков
        они разные, и предел числа процессов у каждого свой
    """

    bwrap: str | None
    groups: Groups | None
    uid: int | None
    hardening: tuple[str, ...] = ()
    running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: bool = False

    def describe(self) -> str:
        """Какая защита есть, одной строкой."""
        if self.bwrap is None:
            return (
                "Песочницы нет: код студентов видит файлы и сеть этой машины. Остались пределы "
                "времени и памяти и то, что верных ответов внутри процесса нет; отцепившийся "
                "процесс переживёт проверку."
            )
        how = (
            f"память и процессы задачи ограничивает cgroup v{self.groups.version}"
            if self.groups
            else "память и процессы задачи наблюдаются (cgroup нет)"
        )
        return f"Песочница bubblewrap: файлы, сеть и процессы закрыты; {how}."

    def stop(self) -> None:
        """Убить всё, что исполняется, и ничего больше не запускать."""
        with self.lock:
            self.stopped = True
            for process in list(self.running):
                _kill(process)

    def run(
        self,
        given: Sequence[tuple[str, str]],
        cells: Sequence[tuple[str, str]],
        calls: Sequence[tuple[int, Call]],
        seconds: float,
        megabytes: int,
        call_seconds: float | None = None,
    ) -> Outcome:
        """Исполнить ячейки и вызовы в новом процессе.

        :param given: подпись и текст ячеек, данных студенту
        :param cells: подпись и текст ячеек студента
        :param seconds: предел времени процессора от первой ячейки студента
        :param call_seconds: предел одного вызова; без него — остаток времени
        :raises SandboxError: не запустилась сама песочница или упала данная ячейка
        """
        number = next(_NUMBERS)
        with contextlib.ExitStack() as stack:
            private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recsys-grade-")))
            folder = private / "in"
            folder.mkdir()
            names = iter(range(10**6))
            job = {
                "uid": None if self.uid is None else self.uid + number % UIDS,
                "paths": [f"{INSIDE}/site"] if self.bwrap else [str(WORKER.parent.parent)],
                "given": [{"label": label, "source": source} for label, source in given],
                "cells": [{"label": label, "source": source} for label, source in cells],
                "calls": [
                    {
                        "index": index,
                        "function": call.function,
                        "arguments": [describe_argument(x, folder, names) for x in call.arguments],
                    }
                    for index, call in calls
                ],
                "seconds": seconds,
                "megabytes": megabytes,
                "disk": DISK,
                "processes": PROCESSES if self._counts_alone() else _threads() + PROCESSES,
            }
            (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
            folder.chmod(0o755)
            for path in folder.iterdir():
                path.chmod(0o644)
            groups: tuple[Path, ...] = ()
            command = self.command(folder)
            if self.groups:
                # Предел ставится и на сам bwrap, и на остаток интерпретатора: это единицы МБ.
                groups = stack.enter_context(
                    self.groups.group(f"recsys-{os.getpid()}-{number}", megabytes, PROCESSES)
                )
                places = [str(one / "cgroup.procs") for one in (*groups, *groups)[:2]]
                enter = 'echo $$ >"$1" && echo $$ >"$2" && shift 2 && exec "$@"'
                command = ["/bin/sh", "-c", enter, "sh", *places, *command]
            errors = stack.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                env={"PATH": "/usr/bin:/bin"} if self.bwrap else _environment(str(private)),
                cwd=None if self.bwrap else private,
            )
            with self.lock:
                self.running.add(process)
                stopped = self.stopped
            try:
                if stopped:
                    raise SandboxError("Проверка остановлена.")
                watch = _Watch(self, process, groups, seconds, megabytes, call_seconds)
                outcome = watch.follow([index for index, _ in calls], errors)
                if self.stopped:  # это мы убили процесс, а не студент виноват
                    raise SandboxError("Проверка остановлена.")
                return outcome
            finally:
                _kill(process)
                assert process.stdout is not None
                process.stdout.close()
                process.wait()
                with self.lock:
                    self.running.discard(process)

    def _counts_alone(self) -> bool:
        """Считает ли ядро процессы песочницы отдельно от процессов преподавателя: у них свой
        пользователь или — с Linux 5.14 — своё пространство имён.
        """
        if self.bwrap is None:
            return False
        version = re.match(r"(\d+)\.(\d+)", platform.release())
        new = version is not None and (int(version[1]), int(version[2])) >= (5, 14)
        return self.uid is not None or new

    def command(self, folder: Path) -> list[str]:
        """Командная строка запуска."""
        python = [sys.executable, "-s", "-P", "-B", "-X", "utf8"]
        if self.bwrap is None:
            return [*python, str(WORKER), str(folder)]
        size = str(DISK * MB)
        arguments = [self.bwrap, "--die-with-parent", "--new-session", "--clearenv"]
        arguments += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        arguments += ["--unshare-cgroup-try", "--hostname", "course", *self.hardening]
        if self.uid is None:
            arguments += ["--unshare-user", "--uid", "65534", "--gid", "65534"]
        else:
            arguments += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        readable, links = _readable()
        for target, link in links:
            arguments += ["--symlink", target, link]
        readable[f"{INSIDE}/worker.py"] = str(WORKER)
        readable[f"{INSIDE}/in"] = str(folder)
        # Раньше остального: Python проверки может жить и в /tmp.
        arguments += ["--proc", "/proc", "--dev", "/dev"]
        for place in ("/dev/shm", "/tmp", HOME):
            arguments += ["--perms", "1777", "--size", size, "--tmpfs", place]
        parents = {parent for path in readable for parent in Path(path).parents}
        # Без этого bwrap создал бы папки, закрытые для пользователя внутри.
        for parent in sorted(parents - {Path("/")}):
            arguments += ["--perms", "0755", "--dir", str(parent)]
        # В папке данных загрузчик заводит файл-замок.
        arguments += ["--perms", "1777", "--size", str(MB), "--tmpfs", f"{INSIDE}/data"]
        for inside, outside in sorted(readable.items()):
            arguments += ["--ro-bind", outside, inside]
        arguments += ["--remount-ro", "/dev", "--remount-ro", "/"]
        for name, value in _environment(HOME).items():
            arguments += ["--setenv", name, value]
        arguments += ["--setenv", "RECSYS_LESSONS_DATA", f"{INSIDE}/data"]
        return [*arguments, "--chdir", HOME, *python, f"{INSIDE}/worker.py", f"{INSIDE}/in"]


def _environment(home: str) -> dict[str, str]:
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    temporary = "/tmp" if home == HOME else home
    return (
        one
        | {
            "HOME": home,
            "LANG": "C.UTF-8",
            "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": temporary,
            "NUMBA_CACHE_DIR": temporary,
            "PATH": "/usr/bin:/bin",
            "PYTHONHASHSEED": "0",
            "RECSYS_LESSONS_BUILD": "1",
            "TMPDIR": temporary,
        }
        | {key: os.environ[key] for key in ("SYSTEMROOT",) if key in os.environ}
    )


def _data_folder() -> Path | None:
    """Папка скачанных данных: её содержимое можно читать внутри."""
    from recsys_lessons._fetch import data_folder

    folder = data_folder()
    return folder if folder.is_dir() else None


def _readable() -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Что видно внутри: путь внутри → путь снаружи, и ссылки верхнего уровня."""
    links, readable = [], {"/usr": "/usr"}
    for top in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"):
        if os.path.islink(top):
            links.append((os.readlink(top), top))
        elif os.path.isdir(top):
            readable[top] = top
    executable = Path(sys.executable)
    prefixes = {Path(sys.prefix), Path(sys.base_prefix), executable.resolve().parent.parent}
    extra = ["/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts"]
    for path in [*map(str, prefixes), *extra]:
        inner = any(Path(path).is_relative_to(one) for one in readable)
        if os.path.exists(path) and path != "/" and not inner:
            readable[path] = path
    package = Path(__file__).parent.parent / "recsys_lessons"
    lessons = package.parent / "notebooks"
    if package.is_dir():
        readable[f"{INSIDE}/site/recsys_lessons"] = str(package)
        if lessons.is_dir():
            readable[f"{INSIDE}/site/notebooks"] = str(lessons)
    data = _data_folder()
    if data is not None:
        for one in data.iterdir():
            if one.is_dir() and not one.is_symlink():
                readable[f"{INSIDE}/data/{one.name}"] = str(one)
    return readable, links


def _threads() -> int:
    """Сколько потоков у пользователя, который запустил проверку."""
    total = 0
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, AttributeError):
            if one.uids().real == os.getuid():
                total += one.num_threads()
    return total


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Убить процесс со всем его деревом."""
    if process.poll() is None:
        with contextlib.suppress(psutil.Error):
            for one in _family(process.pid):
                with contextlib.suppress(psutil.Error):
                    one.kill()
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()


def _family(pid: int) -> list[psutil.Process]:
    """Процесс и все его потомки."""
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def _seconds(value: Any) -> float:
    """Число секунд из чужого заголовка."""
    return float(value) if type(value) in (int, float) and 0 <= value < 1e6 else 0.0


class _Watch:
    """Следит за одним запуском: читает кадры, считает время и, если надо, память."""

    def __init__(
        self,
        sandbox: Sandbox,
        process: subprocess.Popen[bytes],
        groups: tuple[Path, ...],
        seconds: float,
        megabytes: int,
        call_seconds: float | None,
    ) -> None:
        self.sandbox = sandbox
        self.process = process
        self.groups = groups
        self.seconds = seconds
        self.megabytes = megabytes
        self.call_seconds = call_seconds
        self.outcome = Outcome()
        self.buffer = bytearray()
        self.received = 0
        # Часы и время процессора: когда исполнены данные ячейки и когда кончился прошлый вызов.
        self.ready = self.mark = 0.0
        self.cpu_ready = self.cpu_mark = self.cpu = 0.0
        self.next_check = 0.0
        self.end = False

    def follow(self, indices: Sequence[int], errors: Any) -> Outcome:
        """Дождаться конца запуска; в итоге ответ или причина у каждого вызова либо обрыв."""
        assert self.process.stdout is not None
        outcome = self.outcome
        started = time.monotonic()
        descriptor = self.process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not self.end and outcome.death is None:
                now = time.monotonic()
                if not self.ready:
                    pause = started + START_SECONDS - now
                    if pause <= 0:
                        raise SandboxError("Данные ячейки задания не исполнились вовремя.")
                else:
                    outcome.death = self._time(now)
                    pause = self.next_check - now
                if not self.groups and outcome.death is None:
                    outcome.death = self._memory()
                    pause = min(pause, WATCH_SECONDS)
                if outcome.death is None and selector.select(max(0.0, pause)):
                    chunk = os.read(descriptor, MB)
                    if not chunk:
                        outcome.death = self._exit(errors)
                    else:
                        self._take(chunk)
        waited = 0.0
        if outcome.death is not None and outcome.death.status != "time":
            waited = (
                time.monotonic() - self.ready
            ) / SLOW  # сколько занял упавший вызов, неизвестно
        outcome.seconds = max(self.cpu, self.cpu_mark, self.cpu_ready + waited) - self.cpu_ready
        return outcome

    def _time(self, now: float) -> Result | None:
        """Вышло ли время; назначает, когда смотреть снова.

        Считается время процессора, чтобы балл не зависел от того, чем ещё занята машина; тот, кто
        процессор не занимает, а ждёт, ограничен часами.
        """
        call = self.call_seconds if self.outcome.cells_done else None
        limits = [("задача не закончилась", self.seconds, self.ready, self.cpu_ready)]
        if call is not None:
            limits.insert(0, ("вызов не закончился", call, self.mark, self.cpu_mark))
        # Раньше этого один процесс предела исчерпать не может: смотреть незачем.
        first = min(start + limit for _, limit, start, _ in limits)
        self.next_check = max(self.next_check, first)
        if now < self.next_check:
            return None
        self.cpu = max(self.cpu, self._processor_time())
        for what, limit, start, processor in limits:
            if self.cpu - processor >= limit:
                # Заметили поздно — лишнее не вычитается из времени других вызовов.
                self.cpu = processor + limit
                return Result("time", reason=f"предел времени: {what} за {limit:.3g} с процессора")
            if now - start >= SLOW * limit:
                self.cpu = max(self.cpu, processor + limit)
                return Result("time", reason=f"предел времени: {what} за {SLOW * limit:.3g} с")
        left = min(limit - (self.cpu - processor) for _, limit, _, processor in limits)
        wall = min(start + SLOW * limit - now for _, limit, start, _ in limits)
        self.next_check = now + min(max(0.05, left), max(0.0, wall))
        return None

    def _processor_time(self) -> float:
        """Время процессора всего дерева, вместе с теми, кто уже кончился."""
        total = 0.0
        with contextlib.suppress(psutil.Error):
            for one in _family(self.process.pid):
                with contextlib.suppress(psutil.Error):
                    times = one.cpu_times()
                    total += times.user + times.system
                    total += times.children_user + times.children_system
        return total

    def _too_long(self) -> str:
        return f"предел времени: задача не закончилась за {self.seconds:.3g} с процессора"

    def _memory(self) -> Result | None:
        """Память и число процессов дерева, когда cgroup нет."""
        total = count = 0
        try:
            family = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.Error:
            return None
        for one in family:
            with contextlib.suppress(psutil.Error):
                total += one.memory_info().rss
                count += 1
        if self.sandbox.bwrap is None:
            with contextlib.suppress(psutil.Error):
                total += psutil.Process(self.process.pid).memory_info().rss
        if total > self.megabytes * MB:
            return Result("memory", reason=self._too_much())
        if count > PROCESSES:
            return Result("exit", reason=f"запущено больше {PROCESSES} процессов")
        return None

    def _too_much(self) -> str:
        return f"предел памяти: задаче нужно больше {self.megabytes} МБ"

    def _exit(self, errors: Any) -> Result:
        """Процесс кончился сам или его убило ядро."""
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return Result("exit", reason="процесс закрыл канал ответов")
        if not self.ready:
            errors.seek(0, os.SEEK_END)
            errors.seek(max(0, errors.tell() - 3000))
            tail = errors.read().decode("utf-8", "replace").strip()
            raise SandboxError(f"Проверка не запустилась (код {code}). {tail}")
        if Groups.out_of_memory(self.groups):
            return Result("memory", reason=self._too_much())
        number = code - 128 if code > 128 else -code
        if number == getattr(signal, "SIGXCPU", -1):
            return Result("time", reason=self._too_long())
        if code > 128 or code < 0:
            try:
                name = signal.Signals(number).name
            except ValueError:
                name = str(code)
            return Result("exit", reason=f"процесс упал ({name})")
        return Result("exit", reason=f"процесс завершился сам (код {code})")

    def _take(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self.received > ANSWERS:
            self.outcome.death = Result("unfit", reason=f"ответы больше {ANSWERS // MB} МБ")
            return
        self.buffer += chunk
        try:
            while self._frame():
                pass
        except _Broken:
            self.outcome.death = Result("exit", reason="канал ответов испорчен")

    def _frame(self) -> bool:
        """Разобрать один кадр, если он пришёл целиком."""
        if self.end or len(self.buffer) < 4:
            return False
        (length,) = struct.unpack_from("<I", self.buffer)
        if length > HEAD:
            raise _Broken
        if len(self.buffer) < 4 + length:
            return False
        try:
            head = json.loads(self.buffer[4 : 4 + length])
            sizes = head.get("sizes", [])
            total = sum(sizes)
            bad = any(type(one) is not int or one < 0 for one in sizes)
        except (ValueError, AttributeError, TypeError, RecursionError):
            raise _Broken from None
        if bad:
            raise _Broken
        if total > ANSWER:
            self.outcome.death = Result("unfit", reason=f"ответ больше {ANSWER // MB} МБ")
            return False
        if len(self.buffer) < 4 + length + total:
            return False
        blobs, at = [], 4 + length
        for size in sizes:
            blobs.append(bytes(self.buffer[at : at + size]))
            at += size
        del self.buffer[:at]
        self._accept(head, blobs)
        return True

    def _accept(self, head: dict[str, Any], blobs: list[bytes]) -> None:
        kind, now = head.get("kind"), time.monotonic()
        if kind == "ready" and not self.ready:
            self.ready = self.mark = now
            self.cpu_ready = self.cpu_mark = _seconds(head.get("cpu"))
        elif not self.ready:
            raise _Broken
        elif kind == "note" and len(self.outcome.notes) < 20:
            self.outcome.notes.append(
                f"{clean(head.get('in', ''), 80)}: {explain(head.get('error'))}"
            )
        elif kind == "cells":
            self.outcome.cells_done = True
            self._next_call(head, now)
        elif kind == "end":
            self.end = True
        elif kind in ("answer", "missing", "unfit", "error"):
            index = head.get("call")
            if type(index) is not int or index in self.outcome.results:
                raise _Broken
            self.outcome.results[index] = self._result(kind, head, blobs)
            self._next_call(head, now)

    def _next_call(self, head: dict[str, Any], now: float) -> None:
        """Начался следующий вызов. Время процессора называет worker: солгав, студент продлит себе
        вызов, но не задачу.
        """
        self.mark = now
        self.cpu_mark = max(self.cpu_mark, _seconds(head.get("cpu")))

    def _result(self, kind: str, head: dict[str, Any], blobs: list[bytes]) -> Result:
        if kind == "answer":
            try:
                return Result("answer", build_answer(head.get("answer"), blobs))
            except Exception:  # что угодно, лишь бы байты студента не остановили проверку
                return Result("unfit", reason="ответ не читается как массив, число или строка")
        if kind == "unfit":
            return Result("unfit", reason=clean(head.get("reason", "")))
        if kind == "error":
            error = head.get("error")
            memory = isinstance(error, dict) and error.get("type") == "MemoryError"
            if memory:  # строка, на которой память кончилась, от раза к разу разная
                return Result("memory", reason=self._too_much())
            return Result("error", reason=explain(error))
        return Result("missing")


def run_calls(
    sandbox: Sandbox,
    given: Sequence[tuple[str, str]],
    cells: Sequence[tuple[str, str]],
    calls: Sequence[Call],
    seconds: float,
    megabytes: int,
) -> tuple[list[Result], list[str]]:
    """Все вызовы задачи: обрыв стоит только того вызова, на котором случился.

    После обрыва оставшиеся вызовы исполняются в новом процессе на оставшееся время; один вызов,
    если он не единственный, занимает не больше половины времени задачи. Время — процессора, чтобы
    балл не зависел от занятости машины; по часам можно ждать в ``SLOW`` раз дольше. Вызов с данной
    функцией (:class:`~course.assignment.Code`) идёт в процессе сам по себе.
    """
    plain = [i for i, call in enumerate(calls) if not _has_code(call.arguments)]
    queues = [plain] if plain else []
    queues += [[i] for i, call in enumerate(calls) if _has_code(call.arguments)]
    results: dict[int, Result] = {}
    notes: list[str] = []
    left = seconds
    cap = seconds / 2 if len(calls) > 1 else None
    while queues:
        queue = queues.pop(0)
        if left <= 0.02 * seconds:
            for i in queue:
                results[i] = Result("time", reason="время задачи вышло на предыдущих вызовах")
            continue
        outcome = sandbox.run(given, cells, [(i, calls[i]) for i in queue], left, megabytes, cap)
        left -= outcome.seconds
        notes = notes or outcome.notes
        done = [i for i in queue if i in outcome.results]
        results |= {i: outcome.results[i] for i in done}
        rest = [i for i in queue if i not in outcome.results]
        if not rest:
            continue
        death = outcome.death or Result("exit", reason="процесс не ответил на вызов")
        if not outcome.cells_done:
            # До вызовов дело не дошло: тот же конец ждёт каждый из них.
            for i in [*rest, *(i for other in queues for i in other)]:
                results[i] = death
            break
        results[rest[0]] = death
        if rest[1:]:
            queues.insert(0, rest[1:])
    return [results[i] for i in range(len(calls))], notes


def _has_code(value: Any) -> bool:
    if isinstance(value, Code):
        return True
    if isinstance(value, Mapping):
        return any(map(_has_code, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_code, value))


# --- Есть ли песочница -----------------------------------------------------------------------

_PROBE = """
import os
import socket
import numpy as np

def probe(secret):
    seen = os.path.exists(secret)
    try:
        open("/usr/probe", "w")
        writes = True
    except OSError:
        writes = False
    interfaces = [name for _, name in socket.if_nameindex()]
    return int(seen), int(writes), int(interfaces != ["lo"]), os.getuid(), float(np.ones(3).sum())
"""


def open_sandbox(unprotected: bool = False) -> Sandbox:
    """Песочница, испытанная пробным запуском.

    :param unprotected: преподаватель согласен и на меньшую защиту
    :raises SandboxError: песочницы нет; в тексте — как её включить
    """
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    bwrap = shutil.which("bwrap") if sys.platform.startswith("linux") else None
    groups = find_groups()
    if groups:
        sweep_groups(groups)
    problem = _no_bwrap() if bwrap is None else ""
    if bwrap is not None:
        sandbox = Sandbox(bwrap, groups, _free_uid() if root else None)
        options = subprocess.run([bwrap, "--help"], capture_output=True, text=True, check=False)
        if not root and "--disable-userns" in options.stdout + options.stderr:
            sandbox.hardening = ("--disable-userns",)
        problem = _try_out(sandbox)
        if not problem and root and groups is None:
            problem = (
                "Проверка запущена от root, а cgroup для пределов памяти и процессов завести "
                "нельзя. Запустите её от обычного пользователя."
            )
            if unprotected:
                return sandbox
        if not problem:
            return sandbox
    if not unprotected:
        raise SandboxError(
            f"{problem}\nБез песочницы работы не проверяются: код студента прочёл бы файлы этой "
            f"машины. Если работам можно верить, добавьте --unprotected: останутся отдельный "
            f"процесс на задачу, предел времени и памяти и проверка ответов снаружи."
        )
    sandbox = Sandbox(None, groups, None)
    problem = _try_out(sandbox)
    if problem:
        raise SandboxError(problem)
    return sandbox


def _free_uid() -> int:
    """Первый из пользователей песочниц; у двух проверок сразу они разные."""
    return 10_000 + os.getpid() % 700 * UIDS


def _no_bwrap() -> str:
    if not sys.platform.startswith("linux"):
        return (
            f"На {platform.system()} песочницы нет: она есть в Linux. Проверяйте работы на Linux, "
            f"в виртуальной машине или в WSL 2."
        )
    return (
        "Нет программы bwrap. Установите её: sudo apt install bubblewrap (dnf install bubblewrap)."
    )


def _try_out(sandbox: Sandbox) -> str:
    """Пробный запуск: пустая строка или что не так и как это исправить."""
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "secret"
        secret.write_text("")
        call = Call("probe", (str(secret),), lambda _: "")
        try:
            outcome = sandbox.run([], [("проба", _PROBE)], [(0, call)], 30, 500)
        except (SandboxError, OSError) as error:
            return _how_to_enable(str(error))
    result = outcome.results.get(0, outcome.death)
    if result is None or result.status != "answer":
        return f"Пробный запуск песочницы не удался: {result.reason if result else outcome.notes}."
    seen, writes, network, uid, total = result.value
    if total != 3:
        return "Пробный запуск песочницы вернул не то число."
    if sandbox.bwrap is not None and (seen or writes or network or uid == 0):
        return "Песочница запускается, но видит лишнее: файлы, сеть или права root."
    return ""


def _how_to_enable(error: str) -> str:
    if "Traceback" in error or "execvp" in error:
        return f"bwrap работает, но внутри не запустился Python ({sys.executable}): {error}"
    advice = (
        "Контейнер должен разрешать пространства имён: docker run --security-opt "
        "seccomp=unconfined --security-opt apparmor=unconfined (--cap-add SYS_ADMIN для root)."
    )
    if Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").exists():
        advice = (
            "В Ubuntu 23.10 и новее bwrap нужно разрешить: создайте файл /etc/apparmor.d/bwrap "
            "со строками «abi <abi/4.0>,», «include <tunables/global>», «profile bwrap "
            "/usr/bin/bwrap flags=(unconfined) { userns, }» и выполните sudo systemctl reload "
            "apparmor."
        )
    return f"bwrap есть, но не запускается: {error}\n{advice}"
