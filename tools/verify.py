"""Исполнить все тетради и сравнить вывод с сохранённым, ячейка за ячейкой (nbval)."""

import subprocess
import sys

from tools.notebooks import ROOT, child_env, source_paths

CELL_TIMEOUT_S = 300


def verify(names: list[str] | None = None, at_once: int = 2, **env: str) -> int:
    """Код завершения pytest: 0 — весь вывод прежний.

    :param names: имена уроков; ``None`` — все
    :param at_once: сколько тетрадей исполнять одновременно
    :param env: переменные окружения для дочерних процессов поверх обычных
    """
    notebooks = [str(path.with_suffix(".ipynb")) for path in source_paths(names)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.nbval_plugin", "--nbval"]
    command += ["--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT_S}"]
    command += ["-n", str(at_once), "--dist", "loadfile", "--no-header", *notebooks]
    return subprocess.run(command, cwd=ROOT, env=child_env(**env), check=False).returncode


if __name__ == "__main__":
    sys.exit(verify(sys.argv[1:]))
