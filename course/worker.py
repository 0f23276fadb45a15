"""Единственный код курса, который исполняется внутри песочницы.

Читает задание из папки (``job.json`` и массивы ``.npy``), исполняет ячейки, данные студенту, затем
ячейки студента, затем вызовы по порядку и пишет ответы в стандартный вывод. Проверок и верных
ответов здесь нет: ответы сравнивает родитель. Код студента живёт в этом же процессе и может
испортить здесь что угодно — поэтому родитель не верит ничему, кроме байтов ответа, и те проверяет.

Кадр: четыре байта длины заголовка, заголовок JSON, за ним массивы ``.npy``, длины которых названы в
заголовке.
"""

import contextlib
import io
import json
import linecache
import os
import re
import struct
import sys
import types

MAX_TEXT = 300
MAX_PARTS = 10_000
KINDS = "biufcUS"


def main(folder: str) -> None:
    """Исполнить задание из папки."""
    with open(os.path.join(folder, "job.json"), encoding="utf-8") as file:
        job = json.load(file)
    _drop_root(job["uid"])
    channel = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    sys.path[:0] = job["paths"]

    import numpy as np

    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    module.__dict__["display"] = lambda *_, **__: None
    worker = Worker(folder, np, module.__dict__, channel)
    for cell in job["given"]:
        worker.execute(cell["source"], cell["label"])
    _limit(job)
    worker.send({"kind": "ready"})
    os.dup2(null, 2)
    for cell in job["cells"]:
        try:
            worker.execute(cell["source"], cell["label"])
        except BaseException as error:
            worker.send({"kind": "note", "error": worker.describe(error), "in": cell["label"]})
    worker.send({"kind": "cells"})
    for call in job["calls"]:
        worker.call(call)
    worker.send({"kind": "end"})
    os._exit(0)


def _drop_root(uid: int | None) -> None:
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def _limit(job: dict) -> None:
    """Пределы одного процесса; вся задача ограничена снаружи."""
    try:
        import resource
    except ImportError:  # Windows
        return
    data = job["megabytes"] * 2**20
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + job["seconds"]) + 2
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_DATA": data,
        "RLIMIT_FSIZE": job["disk"] * 2**20,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CPU": seconds,
        "RLIMIT_NPROC": job["processes"],
    }
    for name, value in limits.items():
        if value is not None and hasattr(resource, name):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (value, value))


class Worker:
    """Исполняет ячейки и вызовы."""

    def __init__(self, folder: str, np: types.ModuleType, names: dict, channel: int) -> None:
        self.folder = folder
        self.np = np
        self.names = names
        self.channel = channel
        self.pid = os.getpid()
        # Студент может подменить функции numpy и свои же имена; эти ссылки сделаны раньше.
        self.asarray = np.asarray
        self.write_array = np.lib.format.write_array
        self.labels: set[str] = set()

    def execute(self, source: str, label: str) -> None:
        """Исполнить ячейку; команды IPython (``%time``, ``!pip``) пропускаются."""
        try:
            code = compile(source, label, "exec")
        except SyntaxError as error:
            source = without_magics(source)
            try:
                code = compile(source, label, "exec")
            except SyntaxError:
                raise error from None
        self.labels.add(label)
        linecache.cache[label] = (len(source), None, source.splitlines(True), label)
        exec(code, self.names)

    def call(self, call: dict) -> None:
        """Вызвать функцию студента и отправить её ответ или причину, почему ответа нет."""
        head: dict = {"call": call["index"]}
        blobs: list[bytes] = []
        try:
            function = self.names.get(call["function"])
            if function is None:
                self.send({"kind": "missing", **head})
                return
            answer = function(*[self.argument(one) for one in call["arguments"]])
            head["answer"] = self.encode(answer, blobs, 0)
            kind = "answer"
        except Unfit as unfit:
            head["reason"] = str(unfit)[:MAX_TEXT]
            kind = "unfit"
        except BaseException as error:
            head["error"] = self.describe(error)
            kind = "error"
        self.send({"kind": kind, **head, "sizes": [len(one) for one in blobs]}, blobs)

    def argument(self, tree: dict) -> object:
        """Аргумент из описания, которое составила песочница."""
        kind, value = tree["kind"], tree["value"]
        if kind == "plain":
            return value
        if kind == "array":
            return self.np.load(os.path.join(self.folder, value), allow_pickle=False)
        if kind == "csr":
            import scipy.sparse as sp

            data, indices, indptr = (self.argument(one) for one in value)
            return getattr(sp, tree["type"])((data, indices, indptr), shape=tuple(tree["shape"]))
        if kind == "code":
            names: dict = {"__name__": "given"}
            exec(compile(value, "<данная функция>", "exec"), names)
            return names[tree["name"]]
        if kind == "dict":
            return {self.argument(key): self.argument(item) for key, item in value}
        items = [self.argument(one) for one in value]
        return tuple(items) if kind == "tuple" else items

    def encode(self, answer: object, blobs: list[bytes], depth: int) -> dict:
        """Описание ответа; массивы складываются в ``blobs``."""
        if len(blobs) > MAX_PARTS or depth > 4:
            raise Unfit("Ответ устроен слишком сложно: нужен массив, число, строка или кортеж.")
        if answer is None:
            return {"kind": "none"}
        if type(answer) in (bool, int, float):
            return {"kind": "plain", "value": answer}
        if type(answer) is str:
            if len(answer) > 100_000:
                raise Unfit("Строка в ответе длиннее 100 000 знаков.")
            return {"kind": "plain", "value": answer.encode("utf-8", "replace").decode()}
        if isinstance(answer, tuple):
            return {"kind": "tuple", "value": [self.encode(x, blobs, depth + 1) for x in answer]}
        if isinstance(answer, dict):
            pairs = [
                [self.encode(key, blobs, depth + 1), self.encode(item, blobs, depth + 1)]
                for key, item in answer.items()
            ]
            return {"kind": "dict", "value": pairs}
        if hasattr(type(answer), "tocsr") and hasattr(answer, "toarray"):
            answer = answer.toarray()
        try:
            array = self.asarray(answer)
            kind = array.dtype.kind
        except ValueError:
            if not isinstance(answer, list):
                raise
            kind = "O"
        if kind in "US" and isinstance(answer, list) and not all_text(answer):
            kind = "O"  # числа рядом со строками numpy превратил бы в строки
        if kind in KINDS:
            stream = io.BytesIO()
            self.write_array(stream, array, allow_pickle=False)
            blobs.append(stream.getvalue())
            return {"kind": "array", "value": len(blobs) - 1}
        if isinstance(answer, list):
            return {"kind": "list", "value": [self.encode(x, blobs, depth + 1) for x in answer]}
        raise Unfit(
            f"Функция вернула объект {type(answer).__name__[:60]}: нужен массив numpy из чисел, "
            f"число, строка или кортеж из них."
        )

    def describe(self, error: BaseException) -> dict:
        """Исключение: его имя, сообщение и строка ячейки студента."""
        answer: dict = {"type": type(error).__name__[:80], "message": "", "line": None, "code": ""}
        with contextlib.suppress(BaseException):
            answer["message"] = str(error)[:MAX_TEXT]
        if isinstance(error, SyntaxError):
            answer.update(line=error.lineno, code=str(error.text or "").strip()[:120])
            answer["message"] = str(error.msg)[:MAX_TEXT]
            return answer
        trace = error.__traceback__
        while trace is not None:
            label = trace.tb_frame.f_code.co_filename
            if label in self.labels:
                line = linecache.getline(label, trace.tb_lineno).strip()[:120]
                answer.update(line=trace.tb_lineno, code=line, cell=label)
            trace = trace.tb_next
        return answer

    def send(self, head: dict, blobs: list[bytes] | None = None) -> None:
        """Отправить кадр."""
        if os.getpid() != self.pid:  # копия процесса, которую завёл студент
            os._exit(0)
        text = json.dumps(head | {"cpu": sum(os.times()[:4])}).encode()
        for data in [struct.pack("<I", len(text)), text, *(blobs or [])]:
            view = memoryview(data)
            while view:
                view = view[os.write(self.channel, view) :]


def all_text(items: list) -> bool:
    """Только строки, на любой глубине."""
    return all(all_text(one) if isinstance(one, list) else isinstance(one, str) for one in items)


class Unfit(Exception):
    """Ответ такого вида не принимается."""


def without_magics(source: str) -> str:
    """Код ячейки без команд IPython; ячейка с ``%%bash`` и подобными пуста."""
    lines = source.split("\n")
    first = next((one.strip() for one in lines if one.strip()), "")
    if first.startswith("%%"):
        if first.split()[0] not in ("%%time", "%%timeit", "%%capture", "%%prun"):
            return ""
        lines[next(i for i, one in enumerate(lines) if one.strip())] = ""
    return "\n".join(re.sub(r"^(\s*)([%!?].*|[\w.]+\?+\s*)$", r"\1pass", one) for one in lines)


if __name__ == "__main__":
    main(sys.argv[1])
