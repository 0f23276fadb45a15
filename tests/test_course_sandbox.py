"""Песочница: что внутри видно и можно, где предел и что приходит наружу."""

import io
import os
import shutil
import socket
import struct
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from course import sandbox as module
from course.assignment import Call, Code
from course.sandbox import (
    Result,
    Sandbox,
    SandboxError,
    build_answer,
    clean,
    open_sandbox,
    read_array,
    run_calls,
)
from course.worker import without_magics


@pytest.fixture(scope="session", params=["как есть", "без cgroup"])
def each(request, sandbox):
    """Песочница с cgroup, если она есть, и без неё: память дерева наблюдается."""
    if request.param == "как есть":
        return sandbox
    return Sandbox(sandbox.bwrap, None, sandbox.uid, sandbox.hardening)


def run(sandbox, source, *arguments, seconds=5.0, megabytes=300, name="f"):
    """Ответы ``f`` на каждый из аргументов."""
    calls = [Call(name, one if isinstance(one, tuple) else (one,), str) for one in arguments]
    given = [("дано", "import numpy as np")]
    return run_calls(sandbox, given, [("ячейка", source)], calls, seconds, megabytes)[0]


def value(sandbox, source, *arguments, **limits):
    """Ответ на один вызов, который обязан быть."""
    (result,) = run(sandbox, source, arguments, **limits)
    assert result.status == "answer", result
    return result.value


# --- Что видно изнутри -----------------------------------------------------------------------


def test_inside_there_is_nothing_of_this_machine(sandbox, monkeypatch):
    monkeypatch.setenv("TEACHERS_SECRET", "42")
    source = """
import os, socket
def f(x):
    def exists(path):
        return os.path.exists(path)
    return (
        int("TEACHERS_SECRET" in os.environ),
        int(any(exists(one) for one in x)),
        len([one for one in os.listdir("/proc") if one.isdigit()]),
        os.getuid(),
        ",".join(name for _, name in socket.if_nameindex()),
        ",".join(os.listdir("/home/student") + os.listdir("/tmp")),
        socket.gethostname(),
    )
"""
    here = [__file__, str(Path.home() / ".bashrc"), "/etc/passwd", "/etc/shadow", "/sys/fs/cgroup"]
    secret, seen, processes, uid, network, files, host = value(sandbox, source, here)
    assert (secret, seen, network, host) == (0, 0, "lo", "course")
    # В /tmp видно только окружение, если оно лежит там.
    seen_paths = [Path(path).parts for path in module._readable()[0]]
    python = {parts[2] for parts in seen_paths if parts[1] == "tmp"}
    assert set(filter(None, files.split(","))) == python
    assert processes <= 3 and uid != 0


def test_nothing_can_be_written_but_home_and_tmp(sandbox):
    source = """
import os
def f(places):
    written = []
    for place in places:
        try:
            with open(place + "/probe", "w") as file:
                file.write("x")
            written.append(place)
        except OSError:
            pass
    return tuple(written)
"""
    places = ["/", "/usr", "/dev", "/course", "/course/in", os.path.dirname(module.__file__)]
    writable = ["/tmp", "/home/student", "/dev/shm"]
    assert list(value(sandbox, source, [*places, *writable])) == writable


def test_a_folder_in_memory_has_a_size(each):
    source = """
def f(place):
    written = 0
    try:
        for number in range(10):
            with open(f"{place}/{number}", "wb") as file:
                for _ in range(50):
                    written += file.write(bytes(2**20))
    except OSError:
        pass
    return written // 2**20
"""
    for place in ("/tmp", "/dev/shm"):
        assert 30 <= value(each, source, place) <= 64


def test_a_listener_of_this_machine_is_out_of_reach(sandbox):
    with socket.create_server(("127.0.0.1", 0)) as server:
        (result,) = run(
            sandbox,
            "import socket\ndef f(x):\n    socket.create_connection(('127.0.0.1', x)).close()",
            server.getsockname()[1],
        )
    assert result.status == "error"
    assert "OSError" in result.reason or "Refused" in result.reason


def test_the_package_and_its_lessons_are_inside(sandbox):
    source = """
from recsys_lessons import lessons, metrics
def f(x):
    return (lessons.lesson_path("ease").name, metrics.__name__)
"""
    found = value(sandbox, source, 1, seconds=60, megabytes=2000)
    assert found == ("04_ease.py", "recsys_lessons.metrics")


@pytest.mark.parametrize("place", ["/tmp", "/home"])
def test_python_may_live_beside_the_places_in_memory(sandbox, place, monkeypatch):
    """Окружение в папке, поверх которой внутри лежит временная, видно и там."""
    if not os.access(place, os.W_OK):
        pytest.skip(f"в {place} нельзя создать папку")
    with tempfile.TemporaryDirectory(dir=place) as folder:
        os.chmod(folder, 0o755)
        Path(folder, "one").touch()
        monkeypatch.setattr("sys.base_prefix", folder)
        source = "import os\ndef f(x):\n    return ','.join(os.listdir(x))"
        assert value(sandbox, source, folder) == "one"


def test_python_that_does_not_start_is_not_a_ban_on_sandboxes():
    assert "seccomp" in module._how_to_enable("bwrap: No permissions to create new namespace")
    for error in ("bwrap: execvp python: No such file", "Traceback … No module named 'numpy'"):
        assert "не запустился Python" in module._how_to_enable(error)


# --- Пределы на всю задачу -------------------------------------------------------------------


def test_memory_of_all_processes_together_is_limited(each):
    """Шесть детей по 100 МБ при пределе 300: все сразу жить не могут."""
    source = """
import os, time
def f(x):
    children = []
    for number in range(6):
        pid = os.fork()
        if pid == 0:
            block = np.ones(100 * 2**17)
            open(os.path.join("/tmp", str(number)), "w").close()
            time.sleep(60)
            os._exit(0)
        children.append(pid)
    alive = dict(enumerate(children))
    rounds = 0
    while rounds < 20:  # столько раз подряд написали все, кто жив: убитый ядром умирает не сразу
        rounds += 1
        if any(not os.path.exists(os.path.join("/tmp", str(number))) for number in alive):
            rounds = 0
        time.sleep(0.05)
        alive = {n: pid for n, pid in alive.items() if os.waitpid(pid, os.WNOHANG) == (0, 0)}
    return len(alive)
"""
    (result,) = run(each, source, 1, seconds=20)
    if each.groups:  # ядро убило лишних; сам вызов мог и выжить
        assert result.status == "memory" or (result.status == "answer" and result.value <= 2)
    else:
        assert result.status == "memory" and "300 МБ" in result.reason


def test_the_number_of_processes_is_limited(each):
    source = """
import os, time
def f(x):
    for number in range(500):
        try:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
        except OSError:
            break
    return number
"""
    (result,) = run(each, source, 1)
    # Без cgroup наблюдатель может успеть раньше, чем упрёмся в предел пользователя.
    assert (result.status == "answer" and result.value < 70) or (
        not each.groups and result.status in ("exit", "memory")
    )


def test_one_fork_bomb_does_not_touch_another_task(each):
    bomb = (
        "import os\ndef f(x):\n    while 1:\n        try: os.fork()\n        except OSError: pass"
    )
    thread = threading.Thread(target=run, args=(each, bomb, 1), kwargs={"seconds": 3})
    thread.start()
    time.sleep(0.7)
    source = "import threading\ndef f(x):\n    t = threading.Thread(target=print)\n    t.start()\n"
    assert value(each, source + "    return x", 7, seconds=30) == 7
    thread.join()


def test_a_call_that_waits_is_limited_by_the_clock(each):
    one, other = run(each, "import time\ndef f(x): time.sleep(600 * x)\n", 1, 0, seconds=1)
    assert (one.status, other.status) == ("time", "answer")
    assert "вызов не закончился за 2.5 с" in one.reason


def test_time_of_the_processor_counts_not_the_clock(each):
    """Занятая машина баллов не отнимает: ожидание дольше предела — не нарушение."""
    source = "import time\ndef f(x):\n    time.sleep(x)\n    return x"
    assert [one.value for one in run(each, source, 1.2, 1.2, seconds=1)] == [1.2, 1.2]
    busy = "import time\ndef f(x):\n    while time.process_time() < x: pass\n    return x"
    one, other = run(each, busy, 60, 0.0, seconds=1)
    assert "за 0.5 с процессора" in one.reason and other.value == 0


def test_processor_time_of_children_counts(each):
    source = """
import os, time
def f(x):
    while x:
        if os.fork() == 0:
            while x == 2 or time.process_time() < 0.2: pass
            os._exit(0)
        os.wait()
"""
    for endless in (2, 1):  # ребёнок жив; дети кончаются, но их всё больше
        (result,) = run(each, source, endless, seconds=1)
        assert result.status == "time" and "за 1 с процессора" in result.reason


def test_a_task_that_hangs_everywhere_takes_its_time_and_no_more(each):
    results = run(each, "def f(x):\n    while True: pass", *range(20), seconds=1)
    assert {one.status for one in results} == {"time"}
    assert ["на предыдущих вызовах" in one.reason for one in results[3:]] == [True] * 17


def test_a_flood_of_answers_is_cut(sandbox, monkeypatch):
    monkeypatch.setattr(module, "ANSWERS", 20 * 2**20)
    results = run(sandbox, "def f(x): return np.ones(10**6)", *range(5))
    assert [one.status for one in results][:2] == ["answer", "answer"]
    assert "ответы больше" in results[2].reason


def test_everything_dies_with_the_task(each):
    source = """
import os, subprocess, sys
def f(x):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", x])
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            import time
            time.sleep(600)
    return 1
"""
    name = f"OUTLIVES-{os.getpid()}-{time.monotonic()}"
    value(each, source, name)
    time.sleep(0.2)
    lines = [Path(f"/proc/{one}/cmdline") for one in os.listdir("/proc") if one.isdigit()]
    assert not any(name.encode() in one.read_bytes() for one in lines if one.exists())


def test_nothing_is_left_on_disk_and_in_cgroup(each, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # в общей папке бывают и чужие
    made = []
    make = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", lambda *a, **k: made.append(make(*a, **k)) or made[-1])
    run(each, "def f(x): return x", 1)
    assert made and not list(tmp_path.iterdir())
    for parent in each.groups.parents if each.groups else ():
        assert not list(parent.glob(f"recsys-{os.getpid()}-*"))


def test_a_stopped_sandbox_gives_no_answers_at_all(sandbox):
    own = Sandbox(sandbox.bwrap, sandbox.groups, sandbox.uid, sandbox.hardening)
    raised = []

    def work():
        try:
            run(own, "import time\ndef f(x): time.sleep(60)", 1, seconds=100)
        except SandboxError as error:
            raised.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(1)
    own.stop()
    thread.join(timeout=60)
    assert raised == ["Проверка остановлена."]
    with pytest.raises(SandboxError, match="остановлена"):
        run(own, "def f(x): return x", 1)


def test_groups_left_by_a_killed_grader_are_swept(sandbox):
    if sandbox.groups is None:
        pytest.skip("cgroup нет")
    name = f"recsys-{2**22 + 1}-0"  # такого процесса не бывает
    for parent in sandbox.groups.parents:
        (parent / name).mkdir(exist_ok=True)
    open_sandbox()
    assert not any((parent / name).exists() for parent in sandbox.groups.parents)


# --- Обрыв стоит одного вызова ---------------------------------------------------------------


@pytest.mark.parametrize(
    "line, status",
    [
        ("import os; os._exit(3)", "exit"),
        ("import os; os.kill(os.getpid(), 11)", "exit"),
        ("x = x / 0", "error"),
        ("raise SystemExit", "error"),
        ("raise KeyboardInterrupt", "error"),
        ("raise type('Ошибка', (BaseException,), {'__str__': lambda s: 1 / 0})", "error"),
        ("x = bytearray(10**10)", "memory"),
        ("x = object()", "unfit"),
    ],
)
def test_a_dead_call_costs_itself_only(sandbox, line, status):
    body = f"def f(x):\n    if x == 2: {line}\n    return x"
    first, second, third = run(sandbox, body, 1, 2, 3)
    assert second.status == status, second
    assert (first.value, third.value) == (1, 3)


def test_none_is_an_answer(sandbox):
    assert run(sandbox, "def f(x): pass", 1)[0] == Result("answer")


def test_a_death_before_the_calls_is_the_end_of_all(sandbox):
    results = run(sandbox, "import os\nos._exit(0)\ndef f(x): return x", 1, 2)
    assert [one.status for one in results] == ["exit", "exit"]


def test_a_cell_that_fails_leaves_what_it_defined(sandbox):
    given, cells = [("дано", "")], [("первая", "def f(x): return x\n1 / 0"), ("вторая", "y = (")]
    results, notes = run_calls(sandbox, given, cells, [Call("f", (1,), str)], 5, 300)
    assert results[0].value == 1
    assert "деление на ноль" in notes[0] and "первая, строка 2: 1 / 0" in notes[0]
    assert "синтаксическая ошибка" in notes[1]


def test_a_given_cell_that_fails_is_not_the_students_fault(sandbox):
    with pytest.raises(SandboxError, match="нет_такого"):
        run_calls(sandbox, [("дано", "import нет_такого")], [], [Call("f", (), str)], 5, 300)


def test_a_given_function_runs_in_a_process_of_its_own(sandbox):
    source = "SEEN = []\ndef f(g):\n    SEEN.append(1)\n    return (g(2), len(SEEN))"
    good = Code("g", "def g(x): return x")
    bad = Code("g", "import os\ndef g(x): os._exit(0)")
    one, two, dead, three = run(sandbox, source, good, good, bad, good)
    assert [one.value, two.value, three.value] == [(2, 1)] * 3 and dead.status == "exit"


# --- Аргументы и ответы ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "argument",
    [
        5,
        -0.5,
        float("inf"),
        True,
        "строка 😀",
        [1, 2],
        ["a", 2],
        (1, (2, 3)),
        {"ключ": ["a", 2], 3: (4,)},
        np.arange(6.0).reshape(2, 3),
        np.array(["а", "бв"]),
        np.array(7),
        np.zeros((0, 3), dtype=np.int8),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
    ],
    ids=repr,
)
def test_arguments_and_answers_come_through(sandbox, argument):
    answer = value(sandbox, "def f(x): return x", argument)
    if isinstance(argument, np.ndarray):
        assert np.array_equal(answer, argument) and answer.dtype == argument.dtype
    elif isinstance(argument, list) and all(isinstance(one, int) for one in argument):
        assert list(answer) == argument
    else:
        assert answer == argument and type(answer) is type(argument)


def test_a_sparse_matrix_comes_in_as_it_is_and_goes_out_dense(sandbox):
    matrix = sp.csr_array(np.array([[0, 1.5], [2, 0]]))
    kind, answer = value(sandbox, "def f(x): return (type(x).__name__, x)", matrix)
    assert kind == "csr_array" and np.array_equal(answer, matrix.toarray())


def npy(array):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=True)
    return stream.getvalue()


def test_objects_and_lying_headers_are_refused():
    good = npy(np.arange(4.0))
    assert np.array_equal(read_array(good), np.arange(4.0))
    fields = npy(np.zeros(2, dtype=[("a", "<i4")]))
    for data in (
        npy(np.array([{}, 1], dtype=object)),
        fields,
        good[:-1],
        good + b"x",
        good.replace(b"(4,)", b"(9,)"),
        good.replace(b"(4,)", b"(-4,)"),
        b"",
        b"\x93NUMPY",
        b"PK\x03\x04" + bytes(100),
    ):
        with pytest.raises(ValueError):
            read_array(data)


def test_a_huge_shape_is_refused_before_it_is_built():
    header = b"{'descr': '|S0', 'fortran_order': False, 'shape': (1000000000000,), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    with pytest.raises(ValueError):
        read_array(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)


def test_letters_outside_unicode_are_refused():
    bad = npy(np.array(["абв"])).replace("а".encode("utf-32-le"), b"\xff\xff\xff\x7f")
    with pytest.raises(ValueError, match="Юникода"):
        build_answer({"kind": "array", "value": 0}, [bad])


_WATCH = module._Watch.__new__(module._Watch)


def test_spoiled_bytes_only_ever_raise_value_error():
    rng = np.random.default_rng(1)
    good = npy(np.arange(12).reshape(3, 4))
    for _ in range(2000):
        data = bytearray(good)
        for at in rng.integers(0, len(good) - 90, 3):
            data[at] = rng.integers(0, 256)
        head = {"answer": {"kind": "array", "value": 0}}
        outcome = _WATCH._result("answer", head, [bytes(data)])
        assert outcome.status in ("answer", "unfit")


@pytest.mark.parametrize(
    "tree",
    [
        None,
        5,
        {},
        {"kind": "array", "value": 1},
        {"kind": "array", "value": -1},
        {"kind": "array", "value": True},
        {"kind": "tuple", "value": None},
        {"kind": "plain", "value": [1]},
        {"kind": "dict", "value": [[{"kind": "list", "value": []}, {"kind": "none"}]]},
        {"kind": ["array"]},
    ],
    ids=repr,
)
def test_a_spoiled_description_is_refused(tree):
    with pytest.raises(ValueError):
        build_answer(tree, [npy(np.zeros(1))])


FRAMES = {
    "не JSON": b"\x04\x00\x00\x00abcd",
    "огромный заголовок": b"\xff\xff\xff\xff",
    "не словарь": b"\x02\x00\x00\x00[]",
    "второй ответ": None,
    "чужие длины": struct.pack("<I", 30) + b'{"kind":"answer","sizes":[-1]}',
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_student_who_writes_to_the_channel_only_hurts_himself(sandbox, name):
    data = FRAMES[name]
    if data is None:
        head = b'{"kind":"missing","call":0}'
        data = (struct.pack("<I", len(head)) + head) * 2
    source = f"""
import os
def f(x):
    for one in range(3, 20):
        try:
            os.write(one, {data!r})
        except OSError:
            pass
    return x
"""
    (result,) = run(sandbox, source, 1)
    assert result.status in ("exit", "missing") and result.value is None


def test_a_forged_answer_is_an_answer_and_no_more(sandbox):
    """Подделать можно только ответ: верно ли он, решает родитель."""
    head = b'{"kind":"answer","call":0,"answer":{"kind":"plain","value":9},"sizes":[]}'
    frame = struct.pack("<I", len(head)) + head
    end = b'{"kind":"end"}'
    frame += struct.pack("<I", len(end)) + end
    source = (
        f"import os\ndef f(x):\n    for n in range(3, 20):\n        try: os.write(n, {frame!r})\n"
    )
    (result,) = run(sandbox, source + "        except OSError: pass", 1)
    assert (result.status, result.value) == ("answer", 9)


def test_foreign_text_is_cleaned():
    assert clean("а\x00б\u202eв\n\tг" + "x" * 1000, 12) == "а б в гxxxx…"


@pytest.mark.parametrize(
    "source, left",
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("  !pip install x\n", "  pass\n"),
        ("%%time\nx = 1", "\nx = 1"),
        ("%%bash\nrm -rf /", ""),
        ("x?\nnp.sum??", "pass\npass"),
        ("x = 5 % 3", "x = 5 % 3"),
    ],
)
def test_commands_of_ipython_are_skipped(source, left):
    assert without_magics(source) == left


# --- Есть ли песочница -----------------------------------------------------------------------


def test_without_bwrap_nothing_runs_unless_the_teacher_says_so(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SandboxError, match=r"(?s)apt install bubblewrap.*--unprotected"):
        open_sandbox()
    bare = open_sandbox(unprotected=True)
    assert bare.bwrap is None and "Песочницы нет" in bare.describe()
    assert value(bare, "def f(x): return x + 1", 1) == 2
    assert run(bare, "def f(x):\n    while True: pass", 1, seconds=1)[0].status == "time"
    assert run(bare, "def f(x): return bytearray(10**10)", 1)[0].status == "memory"
    grow = "def f(x):\n    x = []\n    while True: x.append(np.ones(10**6))"
    assert run(bare, grow, 1)[0].status == "memory"


def test_a_bwrap_that_does_not_work_is_explained(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text(
        "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(broken))
    with pytest.raises(SandboxError, match=r"(?s)Permission denied.*разреш"):
        open_sandbox()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="тест о запуске от root"
)
def test_root_without_cgroup_is_refused(monkeypatch, sandbox):
    monkeypatch.setattr(module, "find_groups", lambda: None)
    with pytest.raises(SandboxError, match=r"(?s)от root.*--unprotected"):
        open_sandbox()
    watched = open_sandbox(unprotected=True)
    assert watched.bwrap and watched.groups is None and "наблюда" in watched.describe()


def test_a_sandbox_that_sees_too_much_is_refused(monkeypatch, sandbox):
    readable, links = module._readable()
    monkeypatch.setattr(
        module, "_readable", lambda: (readable | {os.path.join("/tmp", "x"): "/tmp"}, links)
    )
    command = Sandbox.command

    def leaky(self, folder):
        return [one for one in command(self, folder) if one != "--unshare-net"]

    monkeypatch.setattr(Sandbox, "command", leaky)
    with pytest.raises(SandboxError, match="видит лишнее"):
        open_sandbox()
