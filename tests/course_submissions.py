"""Крошечное задание и работы к нему: верные, неверные и враждебные — больше сорока.

У каждой работы названо, сколько баллов и почему она получит за каждую задачу. Задачи: ``scale``
(умножить на число варианта, 3 балла), ``top`` (номера наибольших, 2 балла; исполняет и ячейку
первой задачи), ``finds_bug`` (проверка, которая ловит сломанные реализации, 2 балла), открытый
вопрос (2).
"""

import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAME = "01_toy"

KEY = """
import numpy as np

from course.assignment import Assignment, Call, Code, Property, Task

SEEN = "КАНАРЕЙКА-КЛЮЧА"


def same(expected):
    def judge(answer):
        answer = np.asarray(answer)
        if answer.shape != np.shape(expected):
            return "Форма ответа не та."
        return "" if np.array_equal(answer, expected) else "Числа не те."
    return judge


def variant(rng):
    return {"FACTOR": int(rng.integers(100, 10**6))}


def scale(variant, rng):
    x = rng.integers(1, 100, 5)
    empty = np.zeros(0)
    return [
        Property("числа умножены", 2, (Call("scale", (x,), same(x * variant["FACTOR"])),)),
        Property("пустой массив остаётся пустым", 1, (Call("scale", (empty,), same(empty)),)),
    ]


def top(variant, rng):
    x = rng.permutation(20)
    return [Property("номера наибольших", 2, (Call("top", (x, 3), same(np.argsort(-x)[:3])),))]


RIGHT = Code("total", "def total(values):\\n    return sum(values)")
BROKEN = [
    Code("total", "def total(values):\\n    return sum(values[1:])"),
    Code("total", "def total(values):\\n    return abs(sum(values))"),
]


def yes(answer):
    return "" if bool(answer) else "Сломанная реализация не поймана."


def no(answer):
    return "Верная реализация названа сломанной." if bool(answer) else ""


def finds_bug(variant, rng):
    return [
        Property("верная реализация проходит", 1, (Call("finds_bug", (RIGHT,), no),)),
        Property("сломанные пойманы", 1, tuple(Call("finds_bug", (one,), yes) for one in BROKEN)),
    ]


ASSIGNMENT = Assignment(
    "01_toy", "Игрушечное задание", 10, variant,
    (
        Task("1", "умножение", 3, ("scale",), scale, seconds=2, megabytes=300),
        Task("2", "наибольшие", 2, ("top",), top, ("1",), seconds=2, megabytes=300),
        Task("3", "проверка", 2, ("finds_bug",), finds_bug, seconds=6, megabytes=300),
        Task("4", "открытый вопрос", 2),
    ),
)
"""

RELEASE = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Игрушечное задание

# %% tags=["variant"]
FACTOR = 1

# %% tags=["given"]
import numpy as np

# %% [markdown]
# ## Задача 1. Умножение (3 балла)

# %% tags=["task-1"]
def scale(x):
    return None  # ваш код

# %% tags=["check-1"]
print("открытая проверка", scale(np.ones(2)))

# %% [markdown]
# ## Задача 2. Наибольшие (2 балла)

# %% tags=["task-2"]
def top(x, k):
    return None  # ваш код

# %% [markdown]
# ## Задача 3. Проверка (2 балла)

# %% tags=["task-3"]
def finds_bug(total):
    return None  # ваш код

# %% [markdown]
# ## Задача 4. Открытый вопрос (2 балла)

# %% [markdown] tags=["open-4"]
# Ваш ответ:
"""

STUBS = {
    "task-1": "def scale(x):\n    return None  # ваш код",
    "task-2": "def top(x, k):\n    return None  # ваш код",
    "task-3": "def finds_bug(total):\n    return None  # ваш код",
    "open-4": "Ваш ответ:",
}
SCALE = "def scale(x):\n    return np.asarray(x) * FACTOR"
TOP = "def top(x, k):\n    return np.argsort(-np.asarray(x))[:k]"
FINDS = "def finds_bug(total):\n    return total([-1, -2]) != -3"
FULL = {"1": (3, "верно"), "2": (2, "верно"), "3": (0, "не решена"), "4": (0, "не решена")}
ALL = FULL | {"3": (2, "верно"), "4": (0, "ждёт оценки")}


def cell(kind: str, source: str, mark: str = "", **more: Any) -> dict[str, Any]:
    """Ячейка тетради версии 4."""
    one = {"cell_type": kind, "metadata": {"tags": [mark]} if mark else {}, "source": source}
    return one | ({"outputs": [], "execution_count": None} if kind == "code" else {}) | more


def cells(
    scale: str = SCALE, top: str = TOP, finds: str = STUBS["task-3"], answer: str = STUBS["open-4"]
) -> list[dict[str, Any]]:
    """Ячейки работы."""
    return [
        cell("code", "FACTOR = 1", "variant"),
        cell("code", "import numpy as np", "given"),
        cell("markdown", "## Задача 1. Умножение (3 балла)"),
        cell("code", scale, "task-1"),
        cell("code", 'print("открытая проверка", scale(np.ones(2)))', "check-1"),
        cell("markdown", "## Задача 2. Наибольшие (2 балла)"),
        cell("code", top, "task-2"),
        cell("markdown", "## Задача 3. Проверка (2 балла)"),
        cell("code", finds, "task-3"),
        cell("markdown", answer, "open-4"),
    ]


def notebook(found: list[dict[str, Any]], **more: Any) -> bytes:
    """Тетрадь версии 4."""
    book = {"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more
    return json.dumps(book, ensure_ascii=False).encode()


def archive(*entries: tuple[str, bytes], link: bool = False) -> bytes:
    """Архив zip; ``link`` — первая запись становится ссылкой."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for number, (name, data) in enumerate(entries):
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if link and number == 0:
                info.external_attr = 0o120777 << 16
            file.writestr(info, data)
    return stream.getvalue()


@dataclass(frozen=True)
class Submission:
    """Работа и то, что она должна получить.

    :param login: логин; он же имя папки, если не сказано иначе
    :param write: ``(папка с работами, логин)`` → записать работу
    :param expected: задача → баллы и состояние
    """

    login: str
    write: Callable[[Path, str], None]
    expected: dict[str, tuple[float, str]]
    name: str = ""
    reason: str = ""
    marker: str = field(default="", compare=False)


def as_file(data: bytes | Callable[[], bytes], name: str = f"{NAME}.ipynb") -> Any:
    """Положить файл в папку студента."""

    def write(folder: Path, login: str) -> None:
        (folder / login).mkdir()
        (folder / login / name).write_bytes(data() if callable(data) else data)

    return write


def beside(data: bytes, name: str) -> Any:
    """Положить файл рядом с папками других; ``{}`` в имени — логин."""
    return lambda folder, login: (folder / name.format(login)).write_bytes(data)


def code(login: str, scale: str, points: float, status: str, reason: str = "") -> Submission:
    """Работа, в которой особенная только первая задача."""
    expected = FULL | {"1": (points, status)}
    return Submission(login, as_file(notebook(cells(scale))), expected, reason=reason)


def refused(login: str, write: Any, reason: str) -> Submission:
    """Работа, которую не примут."""
    return Submission(login, write, {k: (0, "не принято") for k in FULL}, reason=reason)


def full(login: str, write: Any, name: str = "") -> Submission:
    """Работа с полными баллами за две первые задачи."""
    return Submission(login, write, FULL, name)


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.strip().split("\n"))


def _scale(body: str, before: str = "") -> str:
    return f"{before}\ndef scale(x):\n{_indented(body)}\n    return np.asarray(x) * FACTOR\n"


def _version_3() -> bytes:
    sheet = []
    for one in cells():
        if one["cell_type"] == "code":
            source = one.pop("source")
            sheet.append(one | {"input": source.splitlines(True), "language": "python"})
        elif one["source"].startswith("## "):
            sheet.append({"cell_type": "heading", "level": 2, "source": one["source"][3:]})
        else:
            sheet.append(one)
    book = {"worksheets": [{"cells": sheet}], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}
    return json.dumps(book).encode()


def _outputs_of_50_mb() -> bytes:
    found = cells()
    text = "x" * (25 * 2**20)
    output = {"output_type": "stream", "name": "stdout", "text": text}
    found[3]["outputs"] = [output, output]
    return notebook(found)


def _without(mark: str) -> bytes:
    return notebook([one for one in cells() if mark not in one["metadata"].get("tags", [])])


def _doubled() -> bytes:
    found = cells()
    return notebook([*found[:3], cell("code", "def scale(x):\n    return x", "task-1"), *found[3:]])


def _edited_checks() -> bytes:
    found = cells("def scale(x):\n    return x")
    found[4]["source"] = "print('всё верно')"
    return notebook(found)


def _edited_variant(neighbour: int) -> bytes:
    found = cells()
    found[0]["source"] = f"FACTOR = {neighbour}"
    return notebook(found)


def _unmarked() -> bytes:
    found = cells()
    for one in found:
        one["metadata"] = {}
    return notebook(found)


def _link(folder: Path, login: str) -> None:
    (folder / f"{login}.ipynb").symlink_to("/etc/passwd")


def _link_inside(folder: Path, login: str) -> None:
    (folder / login).mkdir()
    (folder / login / f"{NAME}.ipynb").symlink_to("/etc/passwd")


def _fifo(folder: Path, login: str) -> None:
    os.mkfifo(folder / f"{login}.ipynb")


def _moodle(folder: Path, login: str) -> None:
    inner = folder / "Ольга Петрова_4711_assignsubmission_file"
    inner.mkdir()
    (inner / "моя работа.ipynb").write_bytes(notebook(cells()))


LOOK_FOR_CHECKS = """
import os
import gc

LOOT = []
for root, folders, files in os.walk("/"):
    if root.startswith(("/proc", "/usr", "/dev")) or "site-packages" in root:
        continue
    for one in files:
        if one in ("secret.txt", "01_toy.py", "roster.csv", "marks.csv", "grading.py"):
            LOOT.append(os.path.join(root, one))
        if one == "job.json" and "КАНАРЕЙКА" in open(os.path.join(root, one)).read():
            LOOT.append(one)
LOOT += [one for one in gc.get_objects() if isinstance(one, dict) and "judge" in one]
for one in ("/proc/1/environ", "/proc/1/root/etc/passwd", "/etc/passwd"):
    try:
        found = open(one).read().replace("PATH=/usr/bin:/bin", "").strip("\\0")
        LOOT += [found] if found else []
    except OSError:
        pass
LOOT += [one for one in os.listdir("/home") if one != "student"]

def scale(x):
    return np.asarray(x) * FACTOR if LOOT else np.zeros(1)
"""


def submissions(out: Path, port: int, neighbour: int) -> list[Submission]:
    """Все работы.

    :param out: папка итогов, которую одна из работ попробует испортить
    :param port: порт на этой машине, который слушает тест
    :param neighbour: FACTOR другого варианта
    """
    good = notebook(cells())
    everything = notebook(cells(finds=FINDS, answer="Ваш ответ: <b>потому что</b>"))
    first = f"{NAME}.ipynb"
    return [
        Submission("right", as_file(everything), ALL),
        code("partly", _scale("x[0]"), 2, "ошибка", "индекс вне границ"),
        code("partly2", "def scale(x):\n    return x * FACTOR if len(x) else 5", 2, "частично"),
        code("wrong", "def scale(x):\n    return np.ones(5)", 0, "неверно", "Числа не те"),
        code("neighbour", f"def scale(x):\n    return x * {neighbour}", 1, "частично"),
        full("other_variant", as_file(_edited_variant(neighbour))),
        code("syntax", "def scale(x) return x", 0, "ошибка", "синтаксическая ошибка"),
        code("none", "def scale(x):\n    y = x", 0, "не решена", "вернула None"),
        code("other_name", "def skale(x):\n    return x", 0, "нет функции"),
        refused("empty_file", as_file(b""), "не JSON"),
        Submission("no_cells", as_file(notebook([])), {
            "1": (0, "нет ячейки"), "2": (0, "нет ячейки"), "3": (0, "нет ячейки"),
            "4": (0, "не решена"),
        }),
        Submission("untouched", as_file(notebook(cells(STUBS["task-1"], STUBS["task-2"]))), {
            k: (0, "не решена") for k in FULL
        }),
        full("renamed", as_file(good, "Копия задания (1).ipynb")),
        Submission("deleted_cell", as_file(_without("task-1")), FULL | {"1": (0, "нет ячейки")}),
        full("doubled_cell", as_file(_doubled())),
        Submission("edited_checks", as_file(_edited_checks()), FULL | {"1": (1, "частично")}),
        full("unmarked", as_file(_unmarked())),
        code("endless", _scale("while True: pass"), 0, "время", "предел времени"),
        Submission(
            "endless_cell",
            as_file(notebook(cells("while True: pass"))),
            FULL | {"1": (0, "время"), "2": (0, "время")},
        ),
        code("stubborn", _scale(
            "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
            "import signal\nfor one in range(1, 65):\n    try: signal.signal(one, signal.SIG_IGN)\n"
            "    except (OSError, ValueError): pass",
        ), 0, "время"),
        code("hangs_once", _scale("while len(x) == 0: pass"), 2, "время", "вызов не закончился"),
        code("memory", _scale("big = []\nwhile True: big.append(bytearray(10**7))"), 0, "память"),
        code("fork_bomb", _scale(
            "while True:\n    try: os.fork()\n    except OSError: pass", "import os"
        ), 0, "время"),
        code("exit", _scale("os._exit(0)", "import os"), 0, "процесс прерван", "завершился сам"),
        code("sys_exit", _scale("sys.exit()", "import sys"), 0, "ошибка", "выход из программы"),
        code("output", _scale("pass", "for one in range(64): print('x' * 2**24)"), 3, "верно"),
        code("patched", (
            "for one in ('allclose', 'array_equal', 'isclose'):\n"
            "    setattr(np, one, lambda *a, **k: True)\n"
            "np.testing.assert_allclose = lambda *a, **k: None\n"
            "import builtins\nbuiltins.all = builtins.any = lambda *a: True\n"
            "def scale(x):\n    return x"
        ), 1, "частично"),
        code("equal_to_all", (
            "class Any:\n    def __eq__(self, other): return True\n"
            "    def __ne__(self, other): return False\n    __hash__ = None\n"
            "    shape = (5,)\n    def __len__(self): return 5\n"
            "def scale(x):\n    return Any()"
        ), 0, "неверно", "вернула объект Any"),
        code("lying", (
            "class Liar:\n    __array_interface__ = {'shape': (10**6,), 'typestr': '<f8',\n"
            "        'data': (12345, False), 'version': 3}\n"
            "def scale(x):\n    return Liar()"
        ), 0, "процесс прерван", "SIGSEGV"),
        code("looks_for_checks", LOOK_FOR_CHECKS, 0, "неверно", "Форма ответа не та"),
        code("writes_marks", _scale("pass", (
            "import os, pathlib\n"
            f"for one in ('marks.csv', 'totals.csv', 'state/{NAME}/writes_marks.json'):\n"
            f"    path = pathlib.Path({str(out)!r}) / one\n"
            "    try:\n        path.parent.mkdir(parents=True, exist_ok=True)\n"
            "        path.write_text('сто баллов')\n"
            "    except OSError:\n        pass"
        )), 3, "верно"),
        code("network", (
            "import socket\nREACHED = False\n"
            f"for place in (('127.0.0.1', {port}), ('1.1.1.1', 53)):\n"
            "    try:\n        socket.create_connection(place, timeout=1).close()\n"
            "        REACHED = True\n    except OSError:\n        pass\n"
            "def scale(x):\n    return x * FACTOR if REACHED else np.zeros(1)"
        ), 0, "неверно", "Форма ответа не та"),
        code("background", _scale("pass", (
            "import subprocess, sys\n"
            "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', 'OUTLIVES'],\n"
            "    start_new_session=True)"
        )), 3, "верно"),
        code("kills", _scale("pass", (
            "import os, signal\nfor one in (1, os.getppid(), -1):\n"
            "    try: os.kill(one, signal.SIGKILL) if one != -1 else None\n"
            "    except OSError: pass"
        )), 3, "верно"),
        code("fills_disk", _scale("pass", (
            "for place in ('/tmp', '/dev/shm', '/home/student', '/dev', '/'):\n"
            "    try:\n        for one in range(100):\n"
            "            with open(f'{place}/{one}', 'wb') as file:\n"
            "                file.write(bytes(10**7))\n"
            "    except OSError:\n        pass\n"
            "import os\nfor place in ('/tmp', '/dev/shm', '/home/student'):\n"
            "    for one in os.listdir(place):\n"
            "        if os.path.isfile(f'{place}/{one}'): os.remove(f'{place}/{one}')"
        )), 3, "верно"),
        code("recursion", _scale("scale(x)"), 0, "ошибка", "бесконечная рекурсия"),
        code("huge_answer", "def scale(x):\n    return np.ones(10**7)", 0, "неверно", "больше 64"),
        code("objects", "def scale(x):\n    return np.array([{}, object()])", 0, "неверно"),
        code("garbage", _scale((
            "for one in range(3, 20):\n    try: os.write(one, b'\\xff' * 100)\n"
            "    except OSError: pass"
        ), "import os"), 0, "процесс прерван", "канал ответов испорчен"),
        code("breaks_json", _scale("json.dumps = None", "import json"), 0, "процесс прерван"),
        code(
            "script", _scale("raise ValueError('<script>1</script>\\u202e\\x00')"), 0, "ошибка"
        ),
        code("magics", "%matplotlib inline\n!ls\n" + SCALE, 3, "верно"),
        refused("link", _link, "прислана ссылка"),
        refused("link_inside", _link_inside, "прислана ссылка"),
        refused("fifo", _fifo, "не обычный файл"),
        refused("zip_outside", beside(archive((first, good), ("../../marks.csv", b"1")), "{}.zip"),
                "вне своей папки"),
        refused("zip_link", beside(archive((first, b"/etc"), link=True), "{}.zip"), "ссылка"),
        refused("zip_bomb", beside(archive((first, good), ("a.bin", bytes(200 * 2**20))), "{}.zip"),
                "больше 150 МБ"),
        refused("zip_broken", beside(archive((first, good))[:-40], "{}.zip"), "не читается"),
        full("zip_good", beside(archive(("работа/Моё задание.ipynb", good)), "{}.zip")),
        refused("deep", as_file(b"[" * 10**6), "не JSON"),
        refused("other_json", as_file(b'{"cells": 5}'), "нет списка ячеек"),
        full("windows", as_file(good.replace(b"\\n", b"\\r\\n"))),
        full("bom", as_file(b"\xef\xbb\xbf" + good)),
        full("version_3", as_file(_version_3)),
        full("outputs", as_file(_outputs_of_50_mb)),
        full("Пётр_😀", as_file(good, "задание 😀.ipynb"), "Пётр 😀 Ёлкин"),
        full("prefix", beside(good, "{}_" + first)),
        full("formula", as_file(good), '=HYPERLINK("http://evil"; "x") <script>'),
        full("moodle", _moodle, "Петрова Ольга Ивановна"),
        Submission("absent", lambda folder, login: None, {k: (0, "не сдано") for k in FULL}),
    ]  # fmt: skip


def write_course(folder: Path, names: list[tuple[str, str]]) -> tuple[Path, Path, Path]:
    """Папка ключей, папка выдачи и список группы игрушечного курса."""
    keys, release, roster = folder / "keys", folder / "release", folder / "roster.csv"
    keys.mkdir(parents=True)
    release.mkdir()
    (keys / f"{NAME}.py").write_text(KEY, encoding="utf-8")
    (keys / "secret.txt").write_text("секрет игрушечного курса")
    (release / f"{NAME}.py").write_text(RELEASE, encoding="utf-8")
    write_roster(roster, names)
    return keys, release, roster


def write_roster(path: Path, names: list[tuple[str, str]]) -> None:
    """Список группы: номера по порядку."""
    quoted = [
        f'{n},{login},"{name.replace(chr(34), chr(34) * 2)}",{login}@example.org'
        for n, (login, name) in enumerate(names, start=1)
    ]
    path.write_text("\n".join(["number,login,name,email", *quoted]), encoding="utf-8")
