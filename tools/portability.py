"""Сохранённый вывод при других настройках процессора: те же цифры или нет.

Переменные задаются только дочерним процессам. Наборы команд, которых у процессора нет,
пропускаются.
"""

import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.verify import ran_out_of_time, verify

SETTINGS: dict[str, dict[str, str]] = {
    "два потока": {
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
        "MKL_NUM_THREADS": "2",
    },
    "torch без AVX": {"ATEN_CPU_CAPABILITY": "default"},
    "OpenBLAS для Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "OpenBLAS для SkylakeX": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "OpenBLAS для Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
}
# С двумя потоками 03 исполняется 26 минут вместо одной; долго — ещё не другие цифры.
PATIENCE_S = 1200
SAME, OTHER, LATE = "те же цифры", "отличается", "не дождались"
NEEDS = {"Haswell": "avx2", "SkylakeX": "avx512f", "Nehalem": "sse4_2"}


def cpu_flags() -> set[str] | None:
    """Наборы команд процессора; ``None`` — узнать не удалось."""
    info = Path("/proc/cpuinfo")
    if platform.machine() not in ("x86_64", "AMD64") or not info.exists():
        return None
    for line in info.read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split())
    return None


def rerun(names: list[str], at_once: int, env: Mapping[str, str]) -> str:
    """Исполнить тетради с такими переменными; прерванная по времени не названа другой."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        if not verify(names, at_once, env, report, cell_timeout_s=PATIENCE_S):
            return SAME
        return LATE if ran_out_of_time(report) else OTHER


def main(names: list[str]) -> int:
    flags = cpu_flags()
    failed = []
    for title, env in SETTINGS.items():
        kind = env.get("OPENBLAS_CORETYPE")
        if kind and NEEDS[kind] not in (flags or set()):
            print(f"{title}: пропущено, процессор этого не умеет или неизвестен", flush=True)
            continue
        print(f"{title}: {env}", flush=True)
        # По два потока у двух тетрадей на двух ядрах: уроки с torch шли бы в несколько раз дольше.
        at_once = 1 if "OMP_NUM_THREADS" in env else 2
        found = rerun(names, at_once, env)
        if found != SAME:
            failed.append(f"{title} — {found}")
    print("Вывод тот же при всех настройках" if not failed else "; ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
