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


def ran_out_of_time(report: Path) -> bool:
    """Прервал ли первую из упавших ячеек предел времени, а не другой вывод."""
    if not report.exists():
        return False
    cases = ET.parse(report).iter("testcase")
    problems = (problem for case in cases for problem in case.iter("failure"))
    first = next(problems, None)
    return first is not None and "Timeout of" in f"{first.get('message')} {first.text}"


if __name__ == "__main__":
    sys.exit(verify(sys.argv[1:]))
