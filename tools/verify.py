"""Исполнить все тетради и сравнить вывод с сохранённым, ячейка за ячейкой (nbval)."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from tools.notebooks import ROOT, child_env, source_paths

CELL_TIMEOUT_S = 300


def verify(
    names: list[str] | None = None,
    at_once: int = 2,
    env: Mapping[str, str] | None = None,
    report: Path | None = None,
    cell_timeout_s: int = CELL_TIMEOUT_S,
) -> int:
    """Код завершения pytest: 0 — весь вывод прежний.

    :param names: имена уроков; ``None`` — все
    :param at_once: сколько тетрадей исполнять одновременно
    :param env: переменные окружения для дочерних процессов поверх обычных
    :param report: куда записать исход каждой ячейки (JUnit XML)
    :param cell_timeout_s: сколько секунд ждать одну ячейку
    """
    notebooks = [str(path.with_suffix(".ipynb")) for path in source_paths(names)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.nbval_plugin", "--nbval"]
    command += ["--nbval-current-env", f"--nbval-cell-timeout={cell_timeout_s}"]
    command += ["-n", str(at_once), "--dist", "loadfile", "--no-header", *notebooks]
    if report is not None:
        command += ["-o", "junit_family=xunit1", f"--junitxml={report}"]
    return subprocess.run(command, cwd=ROOT, env=child_env(**(env or {})), check=False).returncode


def failed_cases(report: Path) -> list[tuple[str, str, str, str]]:
    """Файл, имя теста, сообщение и полный текст каждого упавшего теста."""
    if not report.exists():
        return []
    found = []
    for case in ET.parse(report).iter("testcase"):
        for kind in ("failure", "error"):
            problem = case.find(kind)
            if problem is not None:
                file = case.get("file") or case.get("classname", "").replace(".", "/") + ".py"
                texts = (problem.get("message", ""), problem.text or "")
                found.append((file, case.get("name", ""), *texts))
                break
    return found


def ran_out_of_time(report: Path) -> bool:
    """Кончилось ли время у каждой упавшей тетради раньше, чем её вывод стал другим."""
    first: dict[str, str] = {}
    for file, _, message, text in failed_cases(report):
        first.setdefault(file, f"{message} {text}")
    return bool(first) and all("Timeout of" in text for text in first.values())


if __name__ == "__main__":
    sys.exit(verify(sys.argv[1:]))
