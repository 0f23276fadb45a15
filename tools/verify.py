"""Исполнить все тетради и сравнить вывод с сохранённым, ячейка за ячейкой (nbval)."""

import subprocess
import sys

from tools.notebooks import ROOT, child_env, source_paths

CELL_TIMEOUT_S = 300


def verify(names: list[str] | None = None, **env: str) -> int:
    """Код завершения pytest: 0 — весь вывод прежний.

    :param names: имена уроков; ``None`` — все
    :param env: переменные окружения для дочерних процессов поверх обычных
    """
    notebooks = [str(path.with_suffix(".ipynb")) for path in source_paths(names)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.nbval_plugin", "--nbval"]
    command += ["--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT_S}"]
    command += ["-n", "2", "--dist", "loadfile", "--no-header", *notebooks]
    return subprocess.run(command, cwd=ROOT, env=child_env(**env), check=False).returncode


if __name__ == "__main__":
    sys.exit(verify(sys.argv[1:]))
