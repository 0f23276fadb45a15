"""Модели уроков рядом с библиотеками: время обучения, память и NDCG@20, от малых данных к большим.

Запуск: python -m benchmarks [--quick] [--only EASE …]. Нужно дополнение bench
(pip install .[bench]); чего не установлено, то пропущено и названо.

Данные порождены: половина выборов — внутри группы вкусов, пятая часть взаимодействий скрыта, по ней
и считается NDCG@20. Участники одной задачи учатся в одном процессе, вперемежку, в два потока; время
— медиана, и смысл имеет только отношение. Память — наибольший прирост, каждый участник в своём
процессе. Кто на меньших данных показал, что на больших не уложится в ``LIMIT`` секунд, дальше не
участвует.

На занятой машине два потока BLAS ждут друг друга, и время по часам ничего не значит. Тогда
BENCHMARKS_THREADS=1 python -m benchmarks: один поток, секунды процессора.

Без --quick и --only таблица попадает в benchmarks/README.md, рисунок — в benchmarks/growth.svg,
числа — в benchmarks/peers.json; рядом с каждым отношением стоит то, что было в прошлом файле. У
одного потока и у двух таблицы свои.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import scipy.sparse as sp
import torch
from matplotlib import ticker

from benchmarks.common import THREADS, clock, peak_memory, planted
from benchmarks.peers import CONTESTS, NETWORKS, OURS, Entry
from recsys_lessons import plots
from recsys_lessons.evaluation import evaluate
from recsys_lessons.models import Popularity

HERE = Path(__file__).parent
README, JSON, PICTURE = HERE / "README.md", HERE / "peers.json", HERE / "growth.svg"
# Название → пользователи, объекты, взаимодействия; последний — вчетверо больше MovieLens-1M.
SIZES = {
    "как MovieLens-100K": (943, 1_682, 55_000),
    "четверть MovieLens-1M": (3_020, 1_853, 144_000),
    "как MovieLens-1M": (6_040, 3_706, 575_000),
    "четыре MovieLens-1M": (12_080, 7_412, 2_300_000),
}
FOR_MEMORY, FOR_NETWORKS = "как MovieLens-1M", "как MovieLens-1M"
LIMIT = 30.0
REPEATS = ((2.0, 5), (20.0, 3))  # до стольких секунд на круг — столько кругов; дальше один
METRIC, JUDGED = "NDCG@20", 2_000
PACKAGES = [
    "numpy",
    "scipy",
    "torch",
    "numba",
    "implicit",
    "irspack",
    "fastslim",
    "skrecsys",
    "torch-geometric",
]
MARKS = tuple(f"<!-- потоков {THREADS}: {end} -->\n" for end in ("начало", "конец"))
Row = dict[str, Any]


def judged(test: sp.csr_array) -> sp.csr_array:
    """Тестовая часть первых ``JUDGED`` пользователей: оценка не должна быть дольше обучения."""
    kept = test.copy()
    kept.data[kept.indptr[min(JUDGED, kept.shape[0])] :] = 0
    kept.eliminate_zeros()
    return kept


def rounds(first: float) -> int:
    """Сколько всего кругов, если первый занял столько секунд."""
    return next((count for limit, count in REPEATS if first <= limit), 1)


def contest(entries: list[Entry], train: sp.csr_array, test: sp.csr_array) -> list[Row]:
    """Время и качество участников: круги вперемежку, по модели первого круга — качество."""
    times: list[list[float]] = [[] for _ in entries]
    quality: list[float | None] = []
    for entry, values in zip(entries, times, strict=True):
        start = clock()
        score = entry.run(train)
        values.append(clock() - start)
        found = None if score is None else evaluate(score, test, train, [METRIC])[METRIC]
        quality.append(None if found is None else round(found, 4))
    for _ in range(rounds(sum(values[0] for values in times)) - 1):
        for entry, values in zip(entries, times, strict=True):
            start = clock()
            entry.run(train)
            values.append(clock() - start)
    return [
        {
            "library": entry.library,
            "precision": entry.precision,
            "note": entry.note,
            "seconds": round(statistics.median(values), 4),
            "rounds": len(values),
            METRIC: found,
        }
        for entry, values, found in zip(entries, times, quality, strict=True)
    ]


def against_peers(rows: list[Row]) -> None:
    """Добавить урокам отношения к быстрейшему чужому: той же точности и любой."""
    peers = [row for row in rows if row["library"] != OURS]
    for row in rows:
        if row["library"] == OURS:
            same = [p["seconds"] for p in peers if p["precision"] == row["precision"]]
            every = [p["seconds"] for p in peers]
            for name, found in (("same", same), ("any", every)):
                row[name] = round(row["seconds"] / min(found), 2) if found else None


def memory(name: str, size: str, entries: list[Entry], train: sp.csr_array) -> dict[str, int]:
    """Наибольший прирост памяти каждого участника в своём процессе, байт."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.npz"
        sp.save_npz(path, train)
        for entry in entries:
            command = [sys.executable, "-m", "benchmarks", "--memory", name, entry.title, str(path)]
            done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
            if done.returncode == 0:
                found[entry.title] = int(done.stdout.split()[-1])
    return found


def one_memory(name: str, title: str, path: str) -> int:
    """Прирост памяти одного участника; печатает байты."""
    (entry,) = [entry for entry in CONTESTS[name] if entry.title == title]
    train = sp.csr_array(sp.load_npz(path))
    small, _ = planted(300, 120, 2_000)
    entry.run(small)  # библиотеки загружены, машинный код готов
    _, peak = peak_memory(lambda: entry.run(train))
    print(peak)
    return 0


def measure(names: list[str], sizes: list[str], with_memory: bool) -> list[Row]:
    """Все задачи на всех размерах."""
    table: list[Row] = []
    small = planted(300, 120, 2_000)
    for name in names:
        for entry in CONTESTS[name]:
            if entry.installed:
                entry.run(small[0])
    slow: dict[tuple[str, str], float] = {}
    for size in sizes:
        train, test = planted(*SIZES[size])
        test = judged(test)
        popular = evaluate(Popularity().fit(train).score, test, train, [METRIC])[METRIC]
        print(
            f"\n{size}: {train.shape[0]} × {train.shape[1]}, взаимодействий {train.nnz}; ", end=""
        )
        print(f"популярное: {METRIC} {popular:.4f}", flush=True)
        for name in names:
            if name in NETWORKS and train.nnz > SIZES[FOR_NETWORKS][2]:
                continue
            entries = [entry for entry in CONTESTS[name] if entry.installed]
            entries = [e for e in entries if slow.get((name, e.title), 0) <= LIMIT]
            rows = contest(entries, train, test)
            against_peers(rows)
            peaks = {}
            if with_memory and size == FOR_MEMORY:
                peaks = memory(name, size, entries, train)
            for entry, row in zip(entries, rows, strict=True):
                # Взаимодействий следом вчетверо больше, каталог вдвое: растёт до восьми раз.
                slow[name, entry.title] = row["seconds"] * 6
                row |= {"contest": name, "size": size, "interactions": train.nnz}
                row["memory"] = peaks.get(entry.title)
                print(f"  {name:<28} {shown(row)}", flush=True)
            table += rows
    return table


def shown(row: Row) -> str:
    """Строка журнала."""
    ratio = f", отношение {row['same']} / {row['any']}" if row["library"] == OURS else ""
    quality = "" if row[METRIC] is None else f", {METRIC} {row[METRIC]:.4f}"
    peak = "" if row["memory"] is None else f", память {row['memory'] / 1e6:.0f} МБ"
    return f"{label(row):<48} {row['seconds']:8.3f} с{ratio}{quality}{peak}"


def label(row: Row) -> str:
    return f"{row['library']}, {row['precision']}" + (f", {row['note']}" if row["note"] else "")


# ------------------------------------------------------------------------------------- отчёт


def key(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in ("contest", "size", "library", "precision", "note"))


def markdown(table: list[Row], before: list[Row], machine: str) -> str:
    """Таблица: отношение, в скобках — прошлого прогона."""
    earlier = {key(row): row for row in before}
    lines = [machine, ""]
    for size, (n_users, n_items, n) in SIZES.items():
        rows = [row for row in table if row["size"] == size]
        if not rows:
            continue
        lines += [f"### {size[0].upper()}{size[1:]}: {n_users} × {n_items}, {n} взаимодействий", ""]
        lines += [
            f"| задача | кто | с | к той же точности | к быстрейшему | МБ | {METRIC} |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in rows:
            cells = [row["contest"], label(row), f"{row['seconds']:.3g}"]
            old = earlier.get(key(row), {})
            for name in ("same", "any"):
                now, was = row.get(name), old.get(name)
                cells.append("" if now is None else f"{now:.2f}" + (f" ({was:.2f})" if was else ""))
            cells.append("" if row["memory"] is None else f"{row['memory'] / 1e6:.0f}")
            cells.append("" if row[METRIC] is None else f"{row[METRIC]:.4f}")
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def growth(table: list[Row]) -> None:
    """Секунды против числа взаимодействий, обе оси логарифмические."""
    plots.use_style()
    names = [name for name in CONTESTS if any(row["contest"] == name for row in table)]
    fig, axes = plt.subplots(-(-len(names) // 2), 2, figsize=(9, 3.6 * -(-len(names) // 2)))
    for ax, name in zip(axes.ravel(), names, strict=False):
        rows = [row for row in table if row["contest"] == name]
        for number, title in enumerate(dict.fromkeys(map(label, rows))):
            own = [row for row in rows if label(row) == title]
            style = "-" if own[0]["library"] == OURS else "--"
            x, y = ([row[axis] for row in own] for axis in ("interactions", "seconds"))
            ax.plot(x, y, style, marker="osD^v<>P"[number % 8], label=title)
        ax.set(xscale="log", yscale="log", xlabel="взаимодействий", ylabel="секунд", title=name)
        ax.xaxis.set_minor_formatter(ticker.NullFormatter())
        ax.legend(fontsize=6, ncols=2, loc="upper left", bbox_to_anchor=(-0.1, -0.25))
    for ax in axes.ravel()[len(names) :]:
        ax.remove()
    fig.savefig(PICTURE, metadata={"Date": None})
    plt.close(fig)


def processor() -> str:
    """Название процессора."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    lines = [line for line in text.splitlines() if line.startswith("model name")]
    return lines[0].partition(":")[2].strip() if lines else platform.machine()


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package).partition("+")[0]
        except metadata.PackageNotFoundError:
            found[package] = "нет"
    return found


def write(table: list[Row]) -> None:
    """Таблица, рисунок и числа; насколько отношения разошлись с прошлым прогоном."""
    stored = json.loads(JSON.read_text(encoding="utf-8")) if JSON.exists() else {}
    before = stored.get(str(THREADS), {}).get("rows", [])
    found = versions()
    kind = "секунды процессора" if THREADS == 1 else "секунды по часам"
    machine = f"{processor()}, потоков {THREADS}, {kind}, {platform.system()}; "
    machine += ", ".join(f"{name} {version}" for name, version in found.items()) + "."
    head, _, rest = README.read_text(encoding="utf-8").partition(MARKS[0])
    tail = rest.partition(MARKS[1])[2]
    text = head + MARKS[0] + "\n" + markdown(table, before, machine) + "\n" + MARKS[1] + tail
    README.write_text(text, encoding="utf-8", newline="\n")
    stored[str(THREADS)] = {"versions": found, "processor": processor(), "rows": table}
    text = json.dumps(stored, ensure_ascii=False, indent=1) + "\n"
    JSON.write_text(text, encoding="utf-8", newline="\n")
    growth(table)
    changes = repeated(table, before)
    if changes:
        close = sum(abs(change - 1) <= 0.25 for change in changes)
        print(f"\nОтношений, как в прошлый раз с точностью до 25 %: {close} из {len(changes)}")


def repeated(table: list[Row], before: list[Row]) -> list[float]:
    """Во сколько раз изменилось каждое отношение к быстрейшему."""
    earlier = {key(row): row.get("any") for row in before}
    pairs = ((row.get("any"), earlier.get(key(row))) for row in table)
    return [now / was for now, was in pairs if now and was]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="два малых размера, без памяти")
    parser.add_argument("--only", nargs="+", choices=CONTESTS, help="только эти задачи")
    parser.add_argument("--memory", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.memory:
        return one_memory(*options.memory)
    missing = {e.library for entries in CONTESTS.values() for e in entries if not e.installed}
    if missing:
        print(f"Не установлены и пропущены: {', '.join(sorted(missing))}. pip install .[bench]")
    torch.set_num_threads(THREADS)
    start, sizes = time.perf_counter(), list(SIZES)[: 2 if options.quick else None]
    table = measure(options.only or list(CONTESTS), sizes, not options.quick)
    if not options.quick and not options.only:
        write(table)
    print(f"\nвсего {(time.perf_counter() - start) / 60:.1f} мин")
    return 0


if __name__ == "__main__":
    sys.exit(main())
