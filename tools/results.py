"""Пересчитать сохранённые результаты уроков и сравнить с тем, что лежит в notebooks/results.

Ничего не записывает, кроме времени последней проверки (.results_checked.json, в git не входит).
Дробное число совпало, если отличается не больше чем на tolerance результата, а при tolerance=0 —
на единицу последнего знака, до которого округлены его числа. Целые, строки и длины сравниваются
точно при любом tolerance: номер эпохи — это решение, и его сдвиг надо увидеть.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

from recsys_lessons.results import changes
from tools import cells
from tools.notebooks import FOLDER, ROOT, child_env, source_paths

CHECKED = ROOT / ".results_checked.json"
AT_ONCE = 2
LIMIT_S = 4 * 3600
START_S = 15  # запуск процесса, импорт, загрузка данных
UNKNOWN_S = 600
SHOWN = 10


@dataclass(frozen=True)
class Result:
    """Сохранённый результат: имя, урок, что лежит в файле (пусто — файла нет)."""

    name: str
    source: Path
    stored: dict[str, Any]

    @property
    def seconds(self) -> float:
        """Сколько займёт пересчёт."""
        return START_S + float(self.stored.get("seconds", UNKNOWN_S))


def find(sources: list[Path]) -> list[Result]:
    """Все результаты, которые спрашивают уроки."""
    found = []
    for source in sources:
        for name, _ in cells.stored_results(source):
            path = FOLDER / "results" / f"{name}.json"
            text = path.read_text(encoding="utf-8") if path.exists() else "{}"
            found.append(Result(name, source, json.loads(text)))
    return found


def fitting(found: list[Result], minutes: float, checked: dict[str, str]) -> list[Result]:
    """Те, что умещаются в ``minutes``, начиная с давно не проверенных."""
    chosen, left = [], minutes * 60
    for result in sorted(found, key=lambda result: checked.get(result.name, "")):
        if result.seconds <= left:
            chosen.append(result)
            left -= result.seconds
    return chosen


def run_lesson(name: str, source: Path) -> None:
    """В дочернем процессе: исполнить то, от чего зависит вызов ``stored_result``, и сам вызов."""
    # Урок исполняется как __main__, как в ядре: на это имя опираются pickle и unittest.mock.
    module = ModuleType("__main__")
    module.__file__ = str(source)
    sys.modules["__main__"] = module
    call = next(statement for found, statement in cells.stored_results(source) if found == name)
    before = [s for s in cells.statements(source) if s.lineno < call.lineno]
    code = [*cells.needed(before, cells.reads(call)), call]
    cells.execute(code, source, vars(module))


def recompute(result: Result, folder: Path) -> tuple[dict[str, Any], str]:
    """Новое содержимое файла результата и конец сообщения об ошибке, если она была."""
    code = "import sys, pathlib; from tools.results import run_lesson; "
    code += "run_lesson(sys.argv[1], pathlib.Path(sys.argv[2]))"
    done = subprocess.run(
        [sys.executable, "-c", code, result.name, str(result.source)],
        cwd=FOLDER,
        env=child_env(
            RECSYS_LESSONS_FULL="check",
            RECSYS_LESSONS_CHECK=result.name,
            RECSYS_LESSONS_CHECK_DIR=str(folder),
            MPLBACKEND="Agg",
        ),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=LIMIT_S,
        check=False,
    )
    path = folder / f"{result.name}.json"
    if done.returncode or not path.exists():
        last = "\n".join(done.stderr.strip().splitlines()[-4:])
        return {}, last[-1500:] or f"код завершения {done.returncode}"
    return json.loads(path.read_text(encoding="utf-8")), ""


def report(stored: dict[str, Any], fresh: dict[str, Any]) -> list[str]:
    """Чем пересчитанное отличается от сохранённого; пусто — ничем."""
    if not stored:
        return ["не посчитан: файла нет"]
    stale = changes(stored, fresh)
    lines = [f"ключ устарел, изменилось: {', '.join(stale[:SHOWN])}"] if stale else []
    found = list(differences(stored.get("value"), fresh["value"], fresh["tolerance"]))
    lines += found[:SHOWN]
    if len(found) > SHOWN:
        lines.append(f"и ещё различий: {len(found) - SHOWN}")
    if lines:
        old, new = stored.get("versions", {}), fresh["versions"]
        other = [f"{n} {old.get(n, '—')} → {new[n]}" for n in new if old.get(n) != new[n]]
        if other:
            lines.append(f"версии: {', '.join(other)}")
    return lines


def differences(old: Any, new: Any, tolerance: float = 0.0) -> Iterator[str]:
    """Различия двух значений: место, старое, новое, на сколько."""
    bound = tolerance or max(10.0 ** -_decimals(old), 1e-9)
    yield from _differences("", old, new, bound)


def _differences(place: str, old: Any, new: Any, bound: float) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            inner = f"{place}.{key}" if place else key
            if key not in new or key not in old:
                yield f"{inner}: {'пропало' if key in old else 'появилось'}"
            else:
                yield from _differences(inner, old[key], new[key], bound)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{place or 'значение'}: длина {len(old)} → {len(new)}"
        for number, (a, b) in enumerate(zip(old, new, strict=False)):
            yield from _differences(f"{place}[{number}]", a, b, bound)
    elif _is_number(old) and _is_number(new) and float in (type(old), type(new)):
        same = old == new or (math.isnan(old) and math.isnan(new))
        # Единица последнего знака в двоичной записи бывает чуть больше себя самой.
        if not same and not abs(old - new) <= bound * (1 + 1e-6):
            yield (
                f"{place or 'значение'}: {old} → {new}, разница {abs(old - new):.2g} "
                f"при границе {bound:.2g}"
            )
    elif type(old) is not type(new) or old != new:
        yield f"{place or 'значение'}: {_short(old)} → {_short(new)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _decimals(value: Any) -> int:
    """До какого знака после запятой округлены числа значения."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return max(map(_decimals, inner), default=0)
    if isinstance(value, float) and math.isfinite(value):
        exponent = Decimal(repr(value)).normalize().as_tuple().exponent
        return max(0, -int(exponent))
    return 0


def _last_checks() -> dict[str, str]:
    try:
        return dict(json.loads(CHECKED.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def check(found: list[Result]) -> int:
    """Пересчитать по два сразу; сколько не совпало."""
    bad, start, spent = 0, time.monotonic(), 0.0
    total = sum(result.seconds for result in found)
    checked = _last_checks()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {pool.submit(recompute, result, Path(folder)): result for result in found}
        for number, job in enumerate(as_completed(jobs), start=1):
            result, (fresh, error) = jobs[job], job.result()
            lines = [error] if error else report(result.stored, fresh)
            verdict = "ошибка" if error else "ОТЛИЧАЕТСЯ" if lines else "совпало"
            bad += bool(lines)
            spent += result.seconds
            left = (time.monotonic() - start) * (total - spent) / spent
            took = f", {fresh['seconds']:.0f} с" if fresh else ""
            if result.stored and "seconds" in result.stored:
                took += f" (было {result.stored['seconds']:.0f} с)"
            print(f"[{number}/{len(found)}] {result.name}: {verdict}{took}", flush=True)
            for line in lines:
                print("    " + line.replace("\n", "\n    "), flush=True)
            if number < len(found):
                print(f"    осталось около {max(1, round(left / 60))} мин", flush=True)
            if not error:
                checked[result.name] = datetime.now(UTC).isoformat(timespec="seconds")
                text = json.dumps(checked, ensure_ascii=False, indent=1, sort_keys=True)
                CHECKED.write_text(text + "\n", encoding="utf-8")
    return bad


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="имена уроков; без них — все")
    parser.add_argument(
        "--minutes", type=float, help="взять только то, что уместится, давно не проверенное сначала"
    )
    options = parser.parse_args(arguments)
    try:
        found = find(source_paths(options.names))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    chosen = found
    if options.minutes is not None:
        chosen = fitting(found, options.minutes, _last_checks())
        longest = [r.name for r in found if r.seconds > options.minutes * 60]
        if longest:
            print(f"Не умещаются в {options.minutes:g} мин: {', '.join(longest)}", flush=True)
    if not chosen:
        print("Пересчитывать нечего")
        return 0
    minutes = sum(result.seconds for result in chosen) / 60 / min(AT_ONCE, len(chosen))
    print(f"Пересчитываю: {len(chosen)} из {len(found)}, около {minutes:.0f} мин", flush=True)
    bad = check(chosen)
    print(f"Отличаются или не посчитаны: {bad}" if bad else "Всё совпало")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
