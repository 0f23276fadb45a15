"""Собрать тетради: исполнить уроки и записать их с выводом.

Один и тот же урок даёт одни и те же байты. Тетрадь, в которой ячейка остановилась с ошибкой или
вывела то, что хранить нельзя, не записывается.
"""

import argparse
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.notebooks import (
    FOLDER,
    child_env,
    execution_problems,
    read_source,
    source_paths,
    storage_problems,
)

TIMEOUT_S = 900
FULL_TIMEOUT_S = 7200  # долгие результаты считаются десятки минут


class BuildError(RuntimeError):
    """Урок не собран; прежняя тетрадь не тронута."""


def build(source: Path, target: Path | None = None, full: str = "0") -> Path:
    """Исполнить урок и записать тетрадь.

    :param target: куда записать; по умолчанию — рядом с уроком
    :param full: заново посчитать и записать долгие результаты: ``"1"`` — все, ``"stale"`` —
        устаревшие, ``"0"`` — никакие
    :raises BuildError: ячейка остановилась с ошибкой или вывела то, что хранить нельзя
    """
    target = target or source.with_suffix(".ipynb")
    notebook = read_source(source)
    timeout = TIMEOUT_S if full == "0" else FULL_TIMEOUT_S
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(FOLDER)}},
    )
    try:
        client.execute(env=child_env(RECSYS_LESSONS_FULL=full))
    except CellExecutionError as error:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
        raise BuildError(f"{source.name}: ячейка остановилась с ошибкой.\n{plain}") from error
    except (CellTimeoutError, DeadKernelError) as error:
        raise BuildError(
            f"{source.name}: ядро не ответило ({timeout} с на ячейку): {error}"
        ) from error
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    problems = execution_problems(notebook) + storage_problems(notebook)
    if problems:
        raise BuildError(f"{source.name}: так хранить нельзя.\n  " + "\n  ".join(problems))
    draft = target.with_suffix(".part")
    draft.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    draft.replace(target)
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
        print(f"{source.stem}: собран, {time.monotonic() - start:.0f} с", flush=True)
        return True

    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        return 0 if all(list(pool.map(report, sources))) else 1


if __name__ == "__main__":
    sys.exit(main())
