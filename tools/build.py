"""Собрать тетради: исполнить уроки и записать их с выводом.

Один и тот же урок даёт одни и те же байты. Тетрадь, в которой ячейка остановилась с ошибкой или
вывела то, что хранить нельзя, не записывается. Сборка кончается в срок, что бы ни сделала ячейка;
ошибка одного урока не мешает остальным.
"""

import argparse
import asyncio
import os
import re
import sys
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async
from nbformat import NotebookNode

from tools.notebooks import (
    FOLDER,
    SourceError,
    child_env,
    execution_problems,
    read_source,
    source_paths,
    storage_problems,
)

# Сколько секунд исполняется один урок; долгие результаты считаются десятки минут каждый.
TIMEOUT_S = 900
FULL_TIMEOUT_S = 6 * 3600
MAX_OUTPUT_CHARS = 1_000_000  # вывод одной ячейки; сейчас у самой щедрой около 100 000
MAX_MESSAGE_CHARS = 3000


class BuildError(RuntimeError):
    """Урок не собран; прежняя тетрадь не тронута."""


class _Client(NotebookClient):
    """Исполняет тетрадь не дольше срока и не принимает больше вывода, чем можно."""

    def __init__(self, notebook: NotebookNode, seconds: int) -> None:
        self.deadline = time.monotonic() + seconds
        self.where = "до первой ячейки"
        self.refusal = ""  # что сделала ячейка, из-за чего ядро остановлено
        self.n_chars = 0
        super().__init__(
            notebook,
            # Не раньше чем через секунду: ноль значил бы «без срока».
            timeout_func=lambda cell: max(1, int(self.deadline - time.monotonic())),
            iopub_timeout=60,
            raise_on_iopub_timeout=True,  # иначе вывод молча обрезается
            kernel_name="python3",
            record_timing=False,
            on_cell_executed=self._refuse_exit,
            resources={"metadata": {"path": str(FOLDER)}},
        )

    async def async_execute_cell(
        self, cell: NotebookNode, cell_index: int, *args: Any, **kwargs: Any
    ) -> NotebookNode:
        if cell.cell_type == "code":
            before = self.nb.cells[: cell_index + 1]
            number = sum(other.cell_type == "code" for other in before)
            first_line = cell.source.strip().partition("\n")[0][:60]
            self.where = f"ячейка [{number}], начало {first_line!r}"
        self.n_chars = 0
        done = await super().async_execute_cell(cell, cell_index, *args, **kwargs)
        if done.cell_type == "code":
            done.outputs = merge_streams(done.outputs)
        return done

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        if not self.refusal:
            self.n_chars += _n_chars(msg["content"])
        if self.n_chars > MAX_OUTPUT_CHARS:
            if not self.refusal:
                self.refusal = f"вывела больше {MAX_OUTPUT_CHARS:_} знаков".replace("_", " ")
                asyncio.get_running_loop().create_task(self._kill())
            return None
        return super().process_message(msg, cell, cell_index)

    async def _kill(self) -> None:
        if self.km is not None:
            await ensure_async(self.km.shutdown_kernel(now=True))

    def _refuse_exit(
        self, cell: NotebookNode, cell_index: int, execute_reply: dict[str, Any]
    ) -> None:
        payload = execute_reply["content"].get("payload", [])
        if any(part.get("source") == "ask_exit" for part in payload):
            self.refusal = "завершает ядро (exit или quit)"
            raise DeadKernelError(self.refusal)


def merge_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Куски одного потока — в один вывод, на месте первого; ``\\r`` возвращает в начало строки.

    Время растёт как длина вывода; у ``coalesce_streams`` из nbclient — как её квадрат.
    """
    pieces: dict[str, list[str]] = {}
    merged = []
    for output in outputs:
        if output.output_type != "stream":
            merged.append(output)
        elif output.name in pieces:
            pieces[output.name].append(output.text)
        else:
            pieces[output.name] = [output.text]
            merged.append(output)
    for output in merged:
        if output.output_type == "stream":
            lines = "".join(pieces[output.name]).split("\n")
            output.text = "\n".join(line[line.rfind("\r", 0, -1) + 1 :] for line in lines)
    return merged


def _n_chars(content: Any) -> int:
    """Сколько знаков в сообщении ядра."""
    if isinstance(content, Mapping):
        return sum(_n_chars(value) for value in content.values())
    if isinstance(content, list | tuple):
        return sum(_n_chars(value) for value in content)
    return len(str(content))


def execute(notebook: NotebookNode, seconds: int, env: dict[str, str]) -> None:
    """Исполнить тетрадь на месте.

    :raises BuildError: ячейка остановилась с ошибкой, завершила ядро, вывела слишком много или
        урок не уложился в ``seconds``
    """
    client = _Client(notebook, seconds)
    try:
        client.execute(env=env)
    except CellExecutionError as error:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
        if len(plain) > MAX_MESSAGE_CHARS:  # начало — текст ячейки, конец — сама ошибка
            half = MAX_MESSAGE_CHARS // 2
            plain = f"{plain[:half]}\n…\n{plain[-half:]}"
        raise BuildError(f"{client.where}: остановилась с ошибкой.\n{plain}") from error
    except CellTimeoutError as error:
        raise BuildError(f"{client.where}: урок не уложился в {seconds} с") from error
    except (DeadKernelError, RuntimeError) as error:
        what = client.refusal or f"ядро остановилось ({error})"
        raise BuildError(f"{client.where}: {what}") from error


def build(source: Path, target: Path | None = None, full: str = "0") -> Path:
    """Исполнить урок и записать тетрадь.

    :param target: куда записать; по умолчанию — рядом с уроком
    :param full: заново посчитать и записать долгие результаты: ``"1"`` — все, ``"stale"`` —
        устаревшие, ``"0"`` — никакие
    :raises BuildError: урок не прочесть, он остановился или вывел то, что хранить нельзя
    """
    target = target or source.with_suffix(".ipynb")
    try:
        notebook = read_source(source)
    except SourceError as error:
        raise BuildError(str(error)) from error
    seconds = TIMEOUT_S if full == "0" else FULL_TIMEOUT_S
    try:
        execute(notebook, seconds, child_env(RECSYS_LESSONS_FULL=full))
    except BuildError as error:
        raise BuildError(f"{source.name}: {error}") from error
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    problems = execution_problems(notebook) + storage_problems(notebook)
    if problems:
        raise BuildError(f"{source.name}: так хранить нельзя.\n  " + "\n  ".join(problems))
    # Имя черновика своё у каждой сборки: две сразу оставят целую тетрадь.
    draft = target.with_name(f".{target.stem}-{uuid.uuid4().hex}.part")
    try:
        draft.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="имена уроков; без них — все")
    parser.add_argument(
        "--full",
        nargs="?",
        choices=("0", "1", "stale"),
        const="1",
        default="0",
        help="пересчитать долгие результаты: все или, со словом stale, только устаревшие",
    )
    options = parser.parse_args(arguments)
    try:
        sources = source_paths(options.names)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2

    def report(source: Path) -> bool:
        start = time.monotonic()
        try:
            build(source, full=options.full)
        except BuildError as error:
            print(f"ОШИБКА {error}", file=sys.stderr, flush=True)
            return False
        except Exception as error:  # чего бы ни случилось с одним уроком, остальные собираются
            what = f"{type(error).__name__}: {str(error)[:MAX_MESSAGE_CHARS]}"
            print(f"ОШИБКА {source.name}: {what}", file=sys.stderr, flush=True)
            return False
        print(f"{source.stem}: собран, {time.monotonic() - start:.0f} с", flush=True)
        return True

    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        return 0 if all(list(pool.map(report, sources))) else 1


if __name__ == "__main__":
    sys.exit(main())
