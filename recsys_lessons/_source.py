"""Исходный текст как дерево: что определяет модуль, что читает определение, чем оно отличается.

Дерево очищено от того, что не влияет на значение: докстрингов, аннотаций, текстов ошибок. Запись
дерева одна и та же во всех версиях Python.
"""

import ast
import copy
import functools
import importlib.util
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_SKIPPED = {"ctx", "kind", "returns", "simple", "type_comment", "type_params"}
# Через эти атрибуты читают чужие переменные.
HIDDEN = {"__builtins__", "__globals__", "f_builtins", "f_globals", "f_locals"}
GENERATOR = "generator="  # отметка в цепочке: вызову передан генератор

Chains = dict[str, set[tuple[str, ...]]]  # имя → какие атрибуты у него спрашивают
Import = tuple[str, int, str | None]  # модуль, уровень относительного импорта, имя в модуле

# ---------------------------------------------------------------------------- исходный текст


class Index:
    """Что модуль определяет на верхнем уровне и что импортирует."""

    def __init__(self, tree: ast.Module) -> None:
        self.definitions: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, Import] = {}
        for statement in tree.body:
            for node in ast.walk(statement) if not is_scope(statement) else ():
                if isinstance(node, ast.Import | ast.ImportFrom):
                    self.imports |= aliases(node)
            for name in dict.fromkeys(bound(statement)):
                self.definitions.setdefault(name, []).append(statement)


def is_scope(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)


def bound(statement: ast.AST) -> Iterator[str]:
    """Имена, которые оператор задаёт или меняет: ``x = …``, ``x[k] = …``, ``x.append(…)``."""
    if is_scope(statement):
        yield statement.name  # type: ignore[attr-defined]
        return
    if isinstance(statement, ast.Name | ast.Attribute | ast.Subscript):
        target: ast.AST = statement
        stored = isinstance(statement.ctx, ast.Store)
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if stored and isinstance(target, ast.Name):
            yield target.id
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        target = statement.value.func
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if isinstance(target, ast.Name) and target is not statement.value.func:
            yield target.id
    for inner in ast.iter_child_nodes(statement):
        if not isinstance(inner, ast.Lambda):
            yield from bound(inner)


def aliases(node: ast.Import | ast.ImportFrom) -> dict[str, Import]:
    """Имя → ``(модуль, уровень относительного импорта, имя в модуле)``."""
    if isinstance(node, ast.ImportFrom):
        module, level = node.module or "", node.level or 0
        return {alias.asname or alias.name: (module, level, alias.name) for alias in node.names}
    return {
        alias.asname or alias.name.partition(".")[0]: (
            alias.name if alias.asname else alias.name.partition(".")[0],
            0,
            None,
        )
        for alias in node.names
    }


def absolute(target: str, level: int, module: str) -> str:
    if not level:
        return target
    spec = importlib.util.find_spec(module)
    inside = module if spec and spec.submodule_search_locations else module.rpartition(".")[0]
    return importlib.util.resolve_name("." * level + target, inside)


def is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def module_source(module: str) -> str:
    """Исходный текст модуля пакета; у модели это модельные ячейки урока."""
    spec = importlib.util.find_spec(module)
    text = spec and spec.loader and spec.loader.get_source(module)  # type: ignore[attr-defined]
    return str(text or "")


@functools.lru_cache(maxsize=256)
def parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:  # ячейка с магией или неоконченный файл: искать в ней нечего
        return ast.Module([], [])


@dataclass(frozen=True)
class Facts:
    """Определение: запись его дерева, имена извне с атрибутами, импорты внутри."""

    text: str
    chains: Chains
    imports: list[tuple[Import, set[tuple[str, ...]]]]


@functools.lru_cache(maxsize=4096)
def facts(source: str, name: str) -> Facts:
    """Что известно об определении ``name`` из текста модуля."""
    nodes = index(source).definitions[name]
    chains, _, imports = references(nodes, name)
    return Facts("\n".join(dump(clean(node)) for node in nodes), chains, imports)


@functools.lru_cache(maxsize=256)
def index(source: str) -> Index:
    return Index(parsed(source))


# ---------------------------------------------------------------------------- дерево


def free_names(text: str) -> tuple[set[str], set[str]]:
    """Имена, которые текст берёт извне или с верхнего уровня, и объявленные ``global``."""
    free, changed = set(), set()
    tables = [symtable.symtable(text, "<source>", "exec")]
    for table in tables:
        tables += table.get_children()
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                free.add(symbol.get_name())
            if symbol.is_declared_global() and symbol.is_assigned():
                changed.add(symbol.get_name())
    return free, changed


def references(
    nodes: Iterable[ast.AST], label: str
) -> tuple[Chains, set[str], list[tuple[Import, set[tuple[str, ...]]]]]:
    """Имена извне с цепочками атрибутов, изменённые внешние имена, импорты внутри функций."""
    text = "\n".join(ast.unparse(clean(node)) for node in nodes)
    try:
        free, changed = free_names(text)
    except SyntaxError as error:  # nonlocal, для которого нет внешней функции
        raise TypeError(
            f"Функция {label} меняет переменную вокруг себя ({error.msg}). "
            "Верните значение через return."
        ) from None
    tree = ast.parse(text)
    chains: Chains = {}
    _collect(tree, (), chains)
    imports = [
        (found, chains.get(alias, {()}))
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias, found in aliases(node).items()
    ]
    free |= HIDDEN
    return {name: chains[name] for name in free if name in chains}, changed, imports


def _collect(node: ast.AST, chain: tuple[str, ...], found: Chains) -> None:
    if isinstance(node, ast.Attribute):
        if node.attr in HIDDEN:
            found.setdefault(node.attr, set()).add(())
        _collect(node.value, (node.attr, *chain), found)
    elif isinstance(node, ast.Call) and any(word.arg == "generator" for word in node.keywords):
        _collect(node.func, (GENERATOR,), found)
        for inner in (*node.args, *node.keywords):
            _collect(inner, (), found)
    elif isinstance(node, ast.Name):
        found.setdefault(node.id, set()).add(chain)
    else:
        for inner in ast.iter_child_nodes(node):
            _collect(inner, (), found)


def clean(node: ast.AST) -> Any:
    """Дерево без того, что не влияет на значение: докстринги, аннотации, тексты ошибок."""
    node = copy.deepcopy(node)
    return _Cleaner().visit(_plain_assign(node) if isinstance(node, ast.stmt) else node)


class _Cleaner(ast.NodeTransformer):
    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block:
                kept = [s for s in block if not isinstance(s, ast.Pass) and not _is_text(s)]
                setattr(node, field, kept or [ast.Pass()])
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: Any) -> ast.AST:
        node.returns = None
        for number, statement in enumerate(ast.walk(node)):
            if number and isinstance(statement, ast.ClassDef):
                continue
            for field in ("body", "orelse", "finalbody"):
                block = getattr(statement, field, None)
                if isinstance(block, list):
                    setattr(statement, field, [_plain_assign(s) for s in block])
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        words = {getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(node.annotation)}
        roles = sorted(words & {"ClassVar", "InitVar", "KW_ONLY"})  # от них зависит, поле ли это
        node.annotation = ast.Constant(" ".join(roles) or None)
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc.args = [arg for arg in node.exc.args if not _has_text(arg)]
            node.exc.keywords = [word for word in node.exc.keywords if not _has_text(word)]
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.msg = None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if "warn" in (getattr(node.func, "attr", None), getattr(node.func, "id", None)):
            node.args = [arg for arg in node.args if not _has_text(arg)]
            node.keywords = [word for word in node.keywords if word.arg != "message"]
        return self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Соседние куски текста — вместе: версии Python режут их по-разному."""
        self.generic_visit(node)
        joined: list[ast.expr] = []
        for part in node.values:
            if isinstance(part, ast.Constant) and joined and isinstance(joined[-1], ast.Constant):
                joined[-1] = ast.Constant(str(joined[-1].value) + str(part.value))
            elif not (isinstance(part, ast.Constant) and part.value == ""):
                joined.append(part)
        node.values = joined
        return node


def _plain_assign(statement: ast.stmt) -> ast.stmt:
    """``x: int = 1`` внутри функции — то же, что ``x = 1``; в классе аннотация задаёт поле."""
    if not isinstance(statement, ast.AnnAssign):
        return statement
    if statement.value is None:
        return ast.Pass()
    return ast.copy_location(ast.Assign([statement.target], statement.value), statement)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _has_text(node: ast.AST) -> bool:
    return any(
        isinstance(inner, ast.Constant) and isinstance(inner.value, str) for inner in ast.walk(node)
    )


def dump(node: Any) -> str:
    """Запись дерева, одинаковая во всех версиях Python: пустые поля пропущены."""
    if isinstance(node, ast.Constant):
        return f"{type(node.value).__name__} {node.value!a}"
    if isinstance(node, ast.AST):
        fields = [
            f"{name}={dump(value)}"
            for name, value in sorted(ast.iter_fields(node))
            if name not in _SKIPPED and value is not None and value != []
        ]
        return f"{type(node).__name__}({', '.join(fields)})"
    if isinstance(node, list):
        return f"[{', '.join(map(dump, node))}]"
    return ascii(node)
