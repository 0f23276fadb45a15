"""Часть урока, от которой зависит нужное: операторы, связанные именами."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from recsys_lessons import lessons
from recsys_lessons._source import aliases, bound, free_names


def statements(source: Path) -> list[ast.stmt]:
    """Операторы урока по порядку, строки на своих местах; задания и ответы не входят."""
    found = []
    for cell in lessons.cells(source.read_text(encoding="utf-8")):
        if cell.kind == "code" and not {"task", "answer"} & set(cell.tags):
            found += ast.parse("\n" * (cell.first - 1) + cell.source, str(source)).body
    return found


def reads(node: ast.AST) -> set[str]:
    """Имена, которые оператор берёт извне: локальные переменные функций не в счёт."""
    return free_names(ast.unparse(node))[0]


def sets(node: ast.AST) -> set[str]:
    """Имена, которые оператор задаёт, меняет или импортирует."""
    found = set(bound(node))
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            found |= aliases(inner).keys()
    return found


def needed(code: Iterable[ast.stmt], names: Iterable[str]) -> list[ast.stmt]:
    """Операторы, без которых у ``names`` не будет значений, по порядку."""
    code, names = list(code), set(names)
    late: set[str] = set()  # что читают функции: когда их позовут, неизвестно
    while True:
        wanted, chosen = names | late, []
        for statement in reversed(code):
            if sets(statement) & wanted:
                chosen.append(statement)
                wanted -= _replaced(statement) - late
                wanted |= reads(statement)
        more = {name for s in chosen if _has_function(s) for name in reads(s)} - late
        if not more:
            return chosen[::-1]
        late |= more


def _replaced(statement: ast.stmt) -> set[str]:
    """Имена, чьё прежнее значение после оператора уже не нужно: ``x = …``, ``x, y = …``."""
    found: set[str] = set()
    for target in statement.targets if isinstance(statement, ast.Assign) else []:
        parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        found |= {part.id for part in parts if isinstance(part, ast.Name)}
    return found


def _has_function(statement: ast.stmt) -> bool:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    return any(isinstance(node, kinds) for node in ast.walk(statement))


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
