"""Что можно узнать об уроке, не исполняя его: из исходника, собранной тетради и сохранённого.

Ничего не написано руками: формула, её источник, строка кода и сверка найдены по строению урока.
Ячейка текста с формулой открывает блок; блок длится до следующей такой ячейки или заголовка. Код и
сверки блока относятся к его формулам; сравнение моделей формулу не сверяет. Источник формулы назван
в абзаце перед ней; если там его нет — тот же, что у предыдущей формулы ячейки.
"""

import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat

from recsys_lessons import lessons
from recsys_lessons.checks import _bound_text
from recsys_lessons.lessons import Cell
from recsys_lessons.results import _value_digest
from tools import cells, notebooks
from web.passport.records import rows

CHECKS = ("check_close", "check_true", "check_better")
SKIPPED = {"task", "answer"}
DEFAULT_BOUND = 1e-10
# Свои средства урока: независимой сверкой они не считаются.
OURS = {
    *("recsys_lessons", "numpy", "pandas", "matplotlib", "scipy.sparse", "tqdm"),
    *("joblib", "threadpoolctl", "scipy.stats.loguniform", "scipy.stats.uniform"),
}
# На ней написаны сети: слева в сверке она — проверяемое, справа — чем проверяют.
CHECKED = {"torch"}

_FORMULA = re.compile(r"\$\$\s*(.+?)\s*\$\$", re.S)
_HEADING = re.compile(r"^(#{2,4}) +(.+?)\s*$", re.M)
_CITED = re.compile(r"[A-ZА-ЯЁ][\w-]+(?:[^()\n]|\n)*?\b(?:19|20)\d{2}(?:[^()]|\n)*")
_VENUE = re.compile(r"[A-Za-z]+ (?:19|20)\d{2}\b[^;]*")
_AUTHORS = re.compile(r"(?:[A-Z][\w’-]+(?:, | и | )?)+(?:и др\. )?$")
_BRACKETS = re.compile(r"\(((?:[^()]|\n)+)\)")
_FENCE = re.compile(r"^```.*?^```", re.M | re.S)
_FAIR = re.compile(r"^Бюджет поровну: (?P<a>.+) — (?P<na>\d+), (?P<b>.+) — (?P<nb>\d+)$")
_ALL_FAIR = re.compile(r"^Бюджет поровну у всех, попыток (\d+): (.+)$", re.M)
_SIGNED = re.compile(r"[+-]\d[\d.e+-]* ± \d[\d.e+-]*")


@dataclass(frozen=True)
class Check:
    """Сверка урока.

    :param name: название, как в выводе
    :param verdict: что напечатано после названия; пусто — вывода нет
    :param line: строка вызова в исходнике
    :param heading: раздел
    :param libraries: независимые библиотеки, от которых зависит правая часть
    :param problem: чем вывод не сходится с исходником; пусто — сходится
    :param compares: сравнение двух моделей, а не сверка счёта
    """

    name: str
    verdict: str
    line: int
    heading: str
    libraries: tuple[str, ...]
    problem: str = ""
    compares: bool = False


@dataclass(frozen=True)
class Definition:
    """Функция или класс урока: имя и строка в исходнике."""

    name: str
    line: int
    source: tuple[str, ...]


@dataclass
class Formula:
    """Выключная формула: текст TeX, раздел, строка, источники, код и сверки её блока."""

    tex: str
    heading: str
    line: int
    source: tuple[str, ...]
    code: list[Definition] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """Честное сравнение: пара моделей, попыток у каждой, парная разность с ошибкой."""

    first: str
    second: str
    trials: tuple[int, int]
    difference: str


@dataclass(frozen=True)
class Stored:
    """Сохранённый результат: имя, секунды, версии; ``problem`` — чем негоден."""

    name: str
    seconds: float
    versions: dict[str, str]
    problem: str


class Lesson:
    """Урок, прочитанный вместе с его тетрадью.

    :param source: файл ``.py``; тетрадь лежит рядом
    """

    def __init__(self, source: Path) -> None:
        self.path = source
        self.name = source.stem
        text = source.read_text(encoding="utf-8")
        self.cells = [c for c in lessons.cells(text) if c.kind != "raw"]
        target = source.with_suffix(".ipynb")
        self.problem = f"тетради {target.name} нет"
        self.outputs = [""] * len(self.cells)
        if target.exists():
            notebook = nbformat.read(target, 4)
            found = notebooks.pair_problems(source) + notebooks.storage_problems(notebook)
            self.problem = "; ".join(found)
            built = notebook.cells
            if len(built) == len(self.cells):
                self.outputs = [_printed(cell) for cell in built]

    @property
    def title(self) -> str:
        """Заголовок урока."""
        return next(iter(re.findall(r"^# (.+)$", self.cells[0].source, re.M)), self.name)

    @cached_property
    def _headings(self) -> list[str]:
        """Раздел, в котором кончается ячейка."""
        found, last = [], ""
        for cell in self.cells:
            if cell.kind == "markdown":
                last = [last, *(title for _, title in _HEADING.findall(cell.source))][-1]
            found.append(last)
        return found

    @cached_property
    def _imports(self) -> dict[str, str]:
        """Имя в уроке → модуль, из которого оно взято."""
        found = {}
        for cell in self.cells:
            for node in ast.walk(_tree(cell)):
                if isinstance(node, ast.Import):
                    for alias in node.names:
                        found[alias.asname or alias.name.partition(".")[0]] = alias.name
                elif isinstance(node, ast.ImportFrom) and node.module:
                    for alias in node.names:
                        found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return found

    @cached_property
    def checks(self) -> list[Check]:
        """Все сверки по порядку; задания и ответы не входят."""
        return [check for found in self._checks for check in found]

    @cached_property
    def _checks(self) -> list[list[Check]]:
        return [list(self._checks_of(number)) for number in range(len(self.cells))]

    def _checks_of(self, number: int) -> Iterator[Check]:
        cell = self.cells[number]
        if cell.kind != "code" or SKIPPED & set(cell.tags):
            return
        lines = self.outputs[number].splitlines()
        for call in _calls(cell):
            compares = _name(call) == "check_better"
            pattern = re.compile(f"{_pattern(call.args[0])}: (.+)")
            found = [match for match in map(pattern.fullmatch, lines) if match]
            libraries = self._libraries(call, number)
            heading = self._headings[number]
            if not found:
                title, problem = _title(call.args[0]), "в тетради нет вывода этой сверки"
                yield Check(title, "", call.lineno, heading, libraries, problem, compares)
            for match in found:
                verdict = match[match.lastindex or 0]
                name = match[0].removesuffix(f": {verdict}")
                problem = _contradiction(call, verdict)
                yield Check(name, verdict, call.lineno, heading, libraries, problem, compares)

    def _libraries(self, call: ast.Call, number: int) -> tuple[str, ...]:
        """Библиотеки, которые участвуют в сверке: в её разделе и без модели урока.

        Библиотека, которая посчитала общее для обеих сторон, ничего не сверяет.
        """
        if _name(call) != "check_close":
            return ()
        section = max((n for n in range(number + 1) if _opens_section(self.cells[n])), default=0)
        first = self.cells[section].first
        before = [
            s
            for s in self._own
            if first <= s.lineno < call.lineno
            or (s.lineno < first and isinstance(s, ast.FunctionDef))
        ]
        around = [s for s in self._own if s.lineno <= call.lineno <= (s.end_lineno or 0)]
        inside = [s for s in around if isinstance(s, ast.FunctionDef)]
        sides = [
            [argument, *cells.needed(before, cells.reads(argument))] for argument in call.args[1:3]
        ]
        ours, theirs = [*sides, []][:2]  # обе стороны бывают одним *аргументом
        left = self._used(part for part in ours if part not in theirs) - CHECKED
        right = self._used(part for part in theirs if part not in ours)
        return tuple(sorted((left | right | self._used(inside)) - {""}))

    def _used(self, parts: Iterable[ast.AST]) -> set[str]:
        """Библиотеки, имена которых есть в этих кусках кода."""
        names = {node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)}
        return {_library(self._imports[name]) for name in names & set(self._imports)}

    @cached_property
    def _own(self) -> list[ast.stmt]:
        """Операторы урока, кроме ячеек модели."""
        model = {
            line
            for cell in self.cells
            if cell.kind == "code" and "model" in cell.tags
            for line in range(cell.first, cell.first + cell.source.count("\n") + 1)
        }
        return [s for s in cells.statements(self.path) if s.lineno not in model]

    @cached_property
    def formulas(self) -> list[Formula]:
        """Все выключные формулы разделов урока со своим кодом и сверками."""
        found = []
        for formulas, code, checks in self._blocks():
            for formula in formulas:
                formula.code, formula.checks = code, checks
            found += formulas
        return found

    def _blocks(self) -> Iterator[tuple[list[Formula], list[Definition], list[Check]]]:
        block: tuple[list[Formula], list[Definition], list[Check]] = ([], [], [])
        heading = ""
        for number, cell in enumerate(self.cells):
            if SKIPPED & set(cell.tags):
                continue
            if cell.kind == "code":
                block[1].extend(definitions(cell))
                block[2].extend(check for check in self._checks[number] if not check.compares)
                continue
            formulas = self._formulas(cell, heading)
            if block[0] and (formulas or self._headings[number] != heading):
                yield block
            if formulas or self._headings[number] != heading:
                block = (formulas, [], [])
            heading = self._headings[number]
        if block[0]:
            yield block

    def _formulas(self, cell: Cell, heading: str) -> list[Formula]:
        text = _FENCE.sub("", cell.source)
        starts = [(match.start(), match[2]) for match in _HEADING.finditer(text)]
        found: list[Formula] = []
        source: tuple[str, ...] = ()
        for match in _FORMULA.finditer(text):
            paragraph = text[: match.start()].rstrip().rpartition("\n\n")[2]
            source = cited(paragraph) or source
            above = [title for start, title in starts if start < match.start()]
            line = cell.first + text.count("\n", 0, match.start())
            section = [heading, *above][-1]
            found.append(Formula(match[1], section, line, source))
        return found

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Сравнения ``check_fair``: кто с кем, с каким бюджетом и с какой разностью."""
        found = []
        for output in self.outputs:
            fair: re.Match[str] | None = None
            for line in output.splitlines():
                match = _FAIR.match(line)
                if match:
                    fair = match
                elif fair and line.startswith(f"{fair['a']} − {fair['b']}: "):
                    signed = _SIGNED.search(line)
                    difference = signed[0] if signed else ""
                    trials = (int(fair["na"]), int(fair["nb"]))
                    found.append(Comparison(fair["a"], fair["b"], trials, difference))
                    fair = None
        return list(dict.fromkeys(found))

    @cached_property
    def fair_groups(self) -> list[tuple[int, str]]:
        """Группы ``check_all_fair``: сколько попыток у каждой модели и какие это модели."""
        found = [match for output in self.outputs for match in _ALL_FAIR.findall(output)]
        return [(int(trials), names) for trials, names in dict.fromkeys(found)]

    @cached_property
    def stored(self) -> list[Stored]:
        """Сохранённые результаты, которые урок спрашивает."""
        return [
            _stored(self.path.parent / "results" / f"{name}.json")
            for name in dict.fromkeys(name for name, _ in cells.stored_results(self.path))
        ]


def definitions(cell: Cell) -> list[Definition]:
    """Функции и классы ячейки с источниками из их докстрингов."""
    return [
        Definition(node.name, node.lineno + cell.first - 1, cited(ast.get_docstring(node) or ""))
        for node in _tree(cell).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]


def cited(text: str) -> tuple[str, ...]:
    """Ссылки на работы в скобках: фамилия и год; фамилия бывает и перед скобкой."""
    text, found = re.sub(r"\s+", " ", text), []
    for match in _BRACKETS.finditer(text):
        if _VENUE.fullmatch(match[1]):
            authors = _AUTHORS.search(text[: match.start()])
            found += [f"{authors[0].strip()}, {match[1]}"] if authors else []
        elif _CITED.fullmatch(match[1]):
            found.append(match[1])
    return tuple(dict.fromkeys(found))


def figures(folder: Path, classes: set[str]) -> tuple[list[dict[str, Any]], str]:
    """Числа статей рядом с нашими для моделей с такими именами классов; чем негоден файл."""
    fields = ("source", "model", "metric", "published", "mean", "spread", "agrees")
    found, problem = rows(folder / "papers.json", fields, "figures")
    names = {name.lower() for name in classes}
    own = [f for f in found if f["model"].partition(",")[0].replace("-", "").lower() in names]
    return own, problem


def _printed(cell: nbformat.NotebookNode) -> str:
    return "\n".join(map(notebooks.output_text, cell.get("outputs", [])))


def _tree(cell: Cell) -> ast.Module:
    return ast.parse(cell.source if cell.kind == "code" else "")


def _opens_section(cell: Cell) -> bool:
    return cell.kind == "markdown" and any(m == "##" for m, _ in _HEADING.findall(cell.source))


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _calls(cell: Cell) -> Iterator[ast.Call]:
    tree = ast.parse("\n" * (cell.first - 1) + cell.source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    yield from sorted((c for c in calls if _name(c) in CHECKS), key=lambda call: call.lineno)


def _pattern(name: ast.expr) -> str:
    """Выражение, которому соответствует название: подстановки f-строки — любой текст."""
    if isinstance(name, ast.Constant):
        return re.escape(str(name.value))
    if isinstance(name, ast.JoinedStr):
        return "".join(_pattern(v) if isinstance(v, ast.Constant) else ".+?" for v in name.values)
    return ".+?"


def _title(name: ast.expr) -> str:
    return str(name.value) if isinstance(name, ast.Constant) else ast.unparse(name)


def _contradiction(call: ast.Call, verdict: str) -> str:
    """Граница, названная в исходнике, — та же, что напечатана в тетради."""
    if _name(call) == "check_true":
        return "" if verdict == "верно" else f"в тетради «{verdict}»"
    if _name(call) == "check_better":
        return "" if _SIGNED.search(verdict) else f"в тетради «{verdict}»"
    given = [*call.args[3:4], *(k.value for k in call.keywords if k.arg == "bound")]
    try:
        bound = ast.literal_eval(given[0]) if given else DEFAULT_BOUND
    except ValueError:  # граница вычислена: сравнить её с выводом нечем
        return "" if verdict.startswith("совпадает, ") else f"в тетради «{verdict}»"
    expected = f"совпадает, {_bound_text(bound)}"
    return "" if verdict == expected else f"в исходнике граница «{_bound_text(bound)}»"


def _library(module: str) -> str:
    """Название независимой библиотеки; пусто — своё средство урока или стандартная библиотека."""
    top, *rest = module.split(".")
    if top in sys.stdlib_module_names or any(f"{module}.".startswith(f"{own}.") for own in OURS):
        return ""
    parts = top == "scipy" or module.startswith("torch.distributions")
    return f"{top}.{rest[0]}" if parts and rest else top


def _stored(path: Path) -> Stored:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        same = record["digest"] == _value_digest(record["value"])
        problem = "" if same else "значение в файле изменено"
        return Stored(path.stem, float(record["seconds"]), {**record["versions"]}, problem)
    except FileNotFoundError:
        return Stored(path.stem, 0, {}, "файла нет")
    except (ValueError, KeyError, TypeError):
        return Stored(path.stem, 0, {}, "файл испорчен")
