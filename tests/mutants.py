"""Ошибки на одну строку из mutants.toml: каждую должен заметить названный тест.

Запуск: ``python -m tests.mutants ease metrics``. Ошибки одной модели (или одного модуля пакета)
вносятся по очереди в одном процессе: torch и другие тяжёлые библиотеки загружаются один раз, а
пакет и тесты перед каждой ошибкой забываются и импортируются заново.
"""

import contextlib
import faulthandler
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recsys_lessons import lessons

TOML = Path(__file__).with_name("mutants.toml")
ROOT = TOML.parent.parent
STDERR = os.fdopen(os.dup(2), "w")
TIMEOUT = 180  # секунд на один тест; зависший обрывает весь процесс

Mutant = dict[str, str]


def read_mutants() -> dict[str, list[Mutant]]:
    """Имя урока или модуля пакета → его ошибки."""
    result: dict[str, list[Mutant]] = {}
    for mutant in tomllib.loads(TOML.read_text(encoding="utf-8"))["mutant"]:
        result.setdefault(target(mutant), []).append(mutant)
    return result


def target(mutant: Mutant) -> str:
    """Что портят: ``model = "ease"`` — урок, ``module = "metrics"`` — модуль пакета."""
    return mutant["model"] if "model" in mutant else mutant["module"]


def mutated_source(mutant: Mutant) -> str:
    """Исходник с ошибкой.

    :raises ValueError: строки ``old`` в нём нет, или она не одна, или с ошибкой это не Python
    """
    place = f"{'уроке' if 'model' in mutant else 'модуле'} {target(mutant)!r}"
    if "model" in mutant:
        source = lessons.model_source(mutant["model"])
    else:
        source = _origin(mutant).read_text(encoding="utf-8")
    count = source.count(mutant["old"])
    if count != 1:
        raise ValueError(
            f"Строка {mutant['old']!r} встречается в {place} {count} раз, а нужна ровно одна. "
            f"Поправьте old в {TOML.name}."
        )
    source = source.replace(mutant["old"], mutant["new"])
    try:
        compile(source, place, "exec")
    except SyntaxError as error:
        raise ValueError(
            f"С {mutant['new']!r} вместо {mutant['old']!r} в {place} не код Python: {error}."
        ) from None
    return source


def _origin(mutant: Mutant) -> Path:
    if "model" in mutant:
        return lessons.lesson_path(mutant["model"])
    return ROOT.joinpath("recsys_lessons", *mutant["module"].split(".")).with_suffix(".py")


class Saboteur(importlib.machinery.SourceFileLoader):
    """Находит один модуль и отдаёт вместо него испорченный исходник."""

    def __init__(self, mutant: Mutant) -> None:
        middle = "models." if "model" in mutant else ""
        super().__init__(f"recsys_lessons.{middle}{target(mutant)}", str(_origin(mutant)))
        self.source = mutated_source(mutant)
        self.used = False

    def find_spec(self, fullname: str, path: Any = None, module: Any = None) -> Any:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_source(self, fullname: str) -> str:
        return self.source

    def get_code(self, fullname: str) -> Any:
        self.used = True
        return compile(self.source, self.path, "exec")


class Calls:
    """Плагин pytest: упал ли сам тест, а не его подготовка."""

    def __init__(self) -> None:
        self.failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or (report.when == "call" and report.failed)


@contextlib.contextmanager
def fresh(finder: Saboteur | None) -> Iterator[None]:
    """Внутри ``with`` пакет и тесты импортируются заново, один модуль — с ошибкой."""
    names = [name for name in sys.modules if name.split(".")[0] in ("recsys_lessons", "tests")]
    kept = {name: sys.modules.pop(name) for name in names}
    path = list(sys.meta_path)
    sys.meta_path[:] = [x for x in path if not type(x).__module__.startswith("recsys_lessons")]
    if finder:
        sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        for name in [n for n in sys.modules if n.split(".")[0] in ("recsys_lessons", "tests")]:
            del sys.modules[name]
        sys.modules.update(kept)
        sys.meta_path[:] = path


def run(tests: list[str], finder: Saboteur | None = None) -> tuple[int, bool, str]:
    """Код завершения pytest, упал ли сам тест, и что напечатано."""
    calls, output = Calls(), io.StringIO()
    options = ["-q", "-x", "--tb=short", f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml")]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    options += [f"-pno:{name}" for name in ("cacheprovider", "faulthandler", "xdist")]
    # Своя копия stderr: ту, что под номером 2, на время теста забирает pytest.
    faulthandler.dump_traceback_later(TIMEOUT, exit=True, file=STDERR)
    with fresh(finder), contextlib.redirect_stdout(output):
        code = pytest.main([*options, *tests], plugins=[calls])
    faulthandler.cancel_dump_traceback_later()
    return int(code), calls.failed, output.getvalue()


def survival(mutant: Mutant) -> str:
    """Почему ошибка не поймана; пусто, если поймана."""
    what = f"«{mutant['new']}» вместо «{mutant['old']}»"
    try:
        finder = Saboteur(mutant)
    except ValueError as error:
        return str(error)
    code, failed, output = run([mutant["test"]], finder)
    if failed and finder.used:
        return ""
    if code != pytest.ExitCode.OK and not failed:
        return f"{what}: тест {mutant['test']} не исполнен (код {code}).\n{output[-1500:]}"
    if not finder.used:
        return f"{what}: тест {mutant['test']} не импортирует {finder.name}."
    return f"{what}: тест {mutant['test']} этого не заметил."


def main(targets: list[str]) -> int:
    """Внести все ошибки каждой цели; число непойманных."""
    survived = 0
    everything = read_mutants()
    with tempfile.TemporaryDirectory() as folder:
        _keep_examples_in(folder)
        for name in targets:
            mutants = everything[name]
            for number, mutant in enumerate(mutants):
                print(f"{name}, ошибка {number}: «{mutant['new']}»", file=sys.stderr, flush=True)
                problem = survival(mutant)
                if problem:
                    survived += 1
                    print(f"{name}, ошибка {number}. {problem}", flush=True)
            tests = list(dict.fromkeys(mutant["test"] for mutant in mutants))
            code, _, output = run(tests)
            if code != pytest.ExitCode.OK:
                survived += 1
                print(f"{name}: тесты не проходят и без ошибок.\n{output[-1500:]}", flush=True)
    return survived


def _keep_examples_in(folder: str) -> None:
    """Найденное hypothesis на испорченном коде не должно попасть в общую папку примеров."""
    from hypothesis import settings
    from hypothesis.database import DirectoryBasedExampleDatabase

    settings.register_profile("mutants", database=DirectoryBasedExampleDatabase(folder))
    settings.load_profile("mutants")


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 100))
