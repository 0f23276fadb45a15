"""Часть урока, от которой зависит нужное: операторы, связанные именами."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from recsys_lessons import lessons
from recsys_lessons._source import aliases, bound


def statements(source: Path) -> list[ast.stmt]:
    """Операторы урока по порядку, строки на своих местах; задания и ответы не входят."""
    found = []
    for cell in lessons.cells(source.read_text(encoding="utf-8")):
        if cell.kind == "code" and not {"task", "answer"} & set(cell.tags):
            found += ast.parse("\n" * (cell.first - 1) + cell.source, str(source)).body
    return found


def reads(node: ast.AST) -> set[str]:
    """Имена, которые оператор читает."""
    return {
        inner.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load)
    }


def sets(node: ast.AST) -> set[str]:
    """Имена, которые оператор задаёт, меняет или импортирует."""
    found = set(bound(node))
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            found |= aliases(inner).keys()
    return found


def needed(code: Iterable[ast.stmt], names: Iterable[str]) -> list[ast.stmt]:
    """Операторы, без которых у ``names`` не будет значений, по порядку."""
    code, wanted, chosen = list(code), set(names), set[int]()
    while True:
        more = {n for n, s in enumerate(code) if n not in chosen and sets(s) & wanted}
        if not more:
            return [code[n] for n in sorted(chosen)]
        chosen |= more
        wanted |= {name for n in more for name in reads(code[n])}


def execute(code: list[ast.stmt], source: Path, namespace: dict[str, Any]) -> None:
    """Исполнить операторы; :func:`inspect.getsource` находит текст функций в файле урока."""
    exec(compile(ast.Module(code, []), str(source), "exec"), namespace)


def stored_results(source: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Имя сохраняемого результата и оператор с вызовом ``stored_result``, по порядку."""
    for statement in statements(source):
        for node in ast.walk(statement):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "stored_result"
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                yield str(node.args[0].value), statement
