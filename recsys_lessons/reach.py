"""До чего дотягивается вычисление: все определения, от которых зависит его значение.

Обход начинается с функции урока. Имена, которые она читает, ищутся там, где их найдёт Python: в
замыкании, в пространстве имён урока, среди встроенных. Функции и классы урока обходятся дальше,
неизменяемые значения входят в ключ сами, а таблица, матрица, список и всё, что может стать другим
без правки кода, — ошибка: данные передают аргументами. Код пакета и модельные ячейки других уроков
читаются из исходников, и входит из них не модуль целиком, а только нужное.

Определение представлено разобранным деревом без положения в файле, докстрингов, аннотаций и текстов
ошибок, поэтому комментарий или перенос строки ничего не меняет, а другой знак меняет.
"""

import ast
import copy
import functools
import hashlib
import importlib
import importlib.util
import linecache
import re
import symtable
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NoReturn

import numpy as np

PACKAGE = "recsys_lessons"
_MODELS = f"{PACKAGE}.models"
_CONSTANTS = (bool, int, float, complex, str, bytes, range, np.dtype, Fraction, re.Pattern)
_FORBIDDEN = {"__import__", "eval", "exec", "globals", "input", "locals", "open"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SKIPPED = {"annotation", "ctx", "kind", "returns", "simple", "type_comment", "type_params"}

Chains = dict[str, set[tuple[str, ...]]]
Import = tuple[str, int, str | None]  # модуль, уровень относительного импорта, имя в модуле


def reached(compute: Callable[..., Any], classes: Iterable[type] = ()) -> dict[str, str]:
    """Название определения → его отпечаток, для всего, что участвует в вычислении.

    :param compute: вычисление: функция урока или пакета
    :param classes: классы пакета, чьи объекты вычисление получит: ``Split``
    :raises TypeError: вычисление читает данные не из своих аргументов
    """
    cone = _Cone()
    cone.value(compute, "вычисление", "stored_result")
    for cls in classes:
        cone.value(cls, cls.__name__, "stored_result")
    return {label: digest(*sorted(cone.found[label])) for label in sorted(cone.found)}


def digest(*parts: str | bytes) -> str:
    """Отпечаток последовательности строк: 16 знаков, одинаковых на всех машинах."""
    result = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        result.update(len(data).to_bytes(8, "little"))
        result.update(data)
    return result.hexdigest()[:16]


def in_package(module: object) -> bool:
    """Модуль принадлежит пакету; модельные ячейки уроков — тоже."""
    return isinstance(module, str) and f"{module}.".startswith(f"{PACKAGE}.")


class _Cone:
    """Обход; ``found`` — что уже найдено: название → отпечатки (у двух лямбд название одно)."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = {}
        self._seen: dict[object, object] = {}

    # ------------------------------------------------------------------ урок: живые объекты

    def value(self, value: Any, name: str, reader: str) -> str:
        """Слово о значении, которое функция ``reader`` читает под именем ``name``."""
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or value is Ellipsis or isinstance(value, _CONSTANTS):
            return f"{type(value).__name__} {value!a}"
        if isinstance(value, tuple | frozenset):
            words = [self.value(item, name, reader) for item in value]
            return f"{type(value).__name__} {words if isinstance(value, tuple) else sorted(words)}"
        if isinstance(value, functools.partial):
            bound = (value.func, value.args, tuple(sorted(value.keywords.items())))
            return f"partial {self.value(bound, name, reader)}"
        if isinstance(value, ModuleType):
            return self._module(value, {()}, reader)
        owner = getattr(value, "__self__", None)
        if isinstance(value, MethodType) and isinstance(owner, type):
            return f"{value.__name__} {self.value(owner, name, reader)}"
        if isinstance(value, MethodType) or not isinstance(
            getattr(value, "__name__", None) if callable(value) else None, str
        ):
            _refuse(name, value, reader)
        if isinstance(value, BuiltinFunctionType) and not isinstance(owner, type | ModuleType):
            _refuse(name, value, reader)  # random.random: за именем спрятан общий генератор
        return self._code(value, name, reader)

    def _code(self, value: Any, name: str, reader: str) -> str:
        """Функция или класс."""
        space = getattr(value, "__globals__", {})
        home = space.get("__name__") or getattr(value, "__module__", None) or type(value).__module__
        title = getattr(value, "__qualname__", value.__name__)
        inner = getattr(value, "__wrapped__", None)
        if in_package(home):
            for variable, item in _closure(value).items():
                self.value(item, variable, title)
            return self.member(home, (title.partition(".")[0],))
        if _foreign(home):
            if inner is not None and inner is not value:
                return f"{home} {self.value(inner, name, reader)}"
            for variable, item in _closure(value).items():
                self.value(item, variable, title)
            return f"{home.partition('.')[0]}.{title}"
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._class(value)
        if inner is not None:  # functools.cache
            return self.value(inner, name, reader)
        _refuse(name, value, reader)

    def _function(self, function: FunctionType) -> str:
        code = function.__code__
        label = code.co_qualname
        if self._first_time(function):
            nodes = [
                node
                for node in ast.walk(_parsed("".join(linecache.getlines(code.co_filename))))
                if isinstance(node, _FUNCTIONS)
                and getattr(node, "name", "<lambda>") == code.co_name
                and _first_line(node) == code.co_firstlineno
            ]
            if not nodes:
                _no_source("функции", label)
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            positional = names[: code.co_argcount]
            values = function.__defaults__ or ()
            defaults = dict(zip(positional[len(positional) - len(values) :], values, strict=True))
            defaults |= function.__kwdefaults__ or {}
            words = [f"{n}={self.value(v, n, label)}" for n, v in defaults.items()]
            # Значения по умолчанию взяты уже готовыми: имена, из которых они сделаны, не нужны.
            bodies = [_without_defaults(node) for node in nodes]
            words += self._names(bodies, _closure(function), function.__globals__, label)
            self._add(label, nodes, words)
        return label

    def _class(self, cls: type) -> str:
        label = cls.__qualname__
        if self._first_time(cls):
            functions = [f for f in map(_plain, vars(cls).values()) if isinstance(f, FunctionType)]
            own = [f for f in functions if f.__module__ == cls.__module__]
            module = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
            space = own[0].__globals__ if own else module
            texts = ["".join(linecache.getlines(f.__code__.co_filename)) for f in own]
            if isinstance(space.get("__file__"), str):
                texts.append("".join(linecache.getlines(space["__file__"])))
            texts += reversed([text for text in space.get("In", []) if isinstance(text, str)])
            node = next(filter(None, (_find_class(text, label) for text in texts)), None)
            if node is None:
                _no_source("класса", label)
            closure = {name: item for f in own for name, item in _closure(f).items()}
            words = self._names([node], closure, space, label)
            words += self._attributes(cls, node, label)
            self._add(label, [node], words)
        return label

    def _attributes(self, cls: type, node: ast.ClassDef, label: str) -> Iterator[str]:
        """Атрибуты класса, кроме методов: постоянные входят, изменяемые — ошибка."""
        written = {name for statement in node.body for name in _bound(statement)}
        for name, item in vars(cls).items():
            if name.startswith("__") or (name.startswith("_") and name not in written):
                continue
            item = _plain(item)
            if isinstance(item, FunctionType) and item.__qualname__.startswith(f"{label}."):
                continue
            if hasattr(item, "__get__") and not isinstance(item, FunctionType | type):
                continue  # дескриптор: его код — в тексте класса
            yield f"{name}={self.value(item, f'{label}.{name}', label)}"

    def _names(
        self, nodes: list[ast.AST], closure: Mapping[str, Any], space: Mapping[str, Any], label: str
    ) -> list[str]:
        """Слова обо всех именах, которые узлы читают извне."""
        chains, changed, imports = _references(nodes, label)
        words = []
        for name in sorted(changed):
            raise TypeError(
                f"Функция {label} меняет внешнюю переменную {name}. Вычисление не должно ничего "
                "менять вокруг себя: верните значение через return."
            )
        for name in sorted(chains):
            if name in _FORBIDDEN:
                raise TypeError(
                    f"Функция {label} вызывает {name}: по такому вызову не видно, что она читает. "
                    "Передайте данные через data, а числа, строки и списки через params."
                )
            if name in closure or name in space:
                value = closure[name] if name in closure else space[name]
                if isinstance(value, ModuleType):
                    words.append(f"{name}: {self._module(value, chains[name], label)}")
                else:
                    words.append(f"{name}: {self.value(value, name, label)}")
        for (module, _, attribute), used in imports:
            if module == "__main__":
                raise TypeError(
                    f"Функция {label} импортирует из __main__, то есть читает урок в обход имён. "
                    "Обратитесь к функции по имени, а данные передайте через data."
                )
            words.append(self._imported(module, attribute, used))
        return words

    def _module(self, module: ModuleType, chains: set[tuple[str, ...]], reader: str) -> str:
        name = module.__name__
        if in_package(name):
            return " ".join(self.member(name, chain) for chain in sorted(chains))
        if not _foreign(name):  # файл читателя рядом с тетрадью
            for attribute in sorted({chain[0] for chain in chains if chain}):
                self.value(getattr(module, attribute, None), f"{name}.{attribute}", reader)
        return f"модуль {name}"

    def _first_time(self, thing: object) -> bool:
        first = id(thing) not in self._seen
        self._seen[id(thing)] = thing  # ссылка не даёт номеру достаться другому объекту
        return first

    def _add(self, label: str, nodes: Iterable[ast.AST], words: Iterable[str]) -> None:
        texts = [_dump(_clean(node)) for node in nodes]
        self.found.setdefault(label, set()).add(digest(*texts, *sorted(set(words))))

    # ------------------------------------------------------------------ пакет: исходный текст

    def member(self, module: str, chain: tuple[str, ...]) -> str:
        """Название того, на что указывает ``модуль.имя.имя``; пустая цепочка — модуль целиком."""
        index = _index(_module_source(module))
        if not chain:
            for name in index.definitions:
                self.member(module, (name,))
            return f"{module}.*"
        name, rest = chain[0], chain[1:]
        if name in index.definitions:
            self._definition(module, name, index.definitions[name])
            return f"{module}.{name}"
        if name in index.imports:
            target, level, attribute = index.imports[name]
            return self._imported(_absolute(target, level, module), attribute, {rest})
        if _is_module(f"{module}.{name}"):
            return self.member(f"{module}.{name}", rest)
        if module == _MODELS and not name.startswith("_"):
            owner = getattr(importlib.import_module(module), name, None)
            if owner is not None and owner.__module__ != module:
                return self.member(owner.__module__, (name,))
        return f"{module}.{name}"

    def _imported(self, module: str, attribute: str | None, used: set[tuple[str, ...]]) -> str:
        if not in_package(module):
            return f"{module}.{attribute}" if attribute else f"модуль {module}"
        first = (attribute,) if attribute else ()
        return " ".join(self.member(module, (*first, *chain)) for chain in sorted(used))

    def _definition(self, module: str, name: str, nodes: list[ast.stmt]) -> None:
        label = f"{module}.{name}"
        if label in self._seen:
            return
        self._seen[label] = label
        index = _index(_module_source(module))
        chains, _, imports = _references(nodes, label)
        words = [
            f"{read}: {self.member(module, (read, *chain))}"
            for read in sorted(chains)
            if read in index.definitions or read in index.imports
            for chain in sorted(chains[read])
        ]
        words += [
            self._imported(_absolute(target, level, module), attribute, used)
            for (target, level, attribute), used in imports
        ]
        self._add(label, nodes, words)


def _refuse(name: str, value: Any, reader: str) -> NoReturn:
    kind = type(value).__name__
    short = name.rpartition(".")[2]
    raise TypeError(
        f"Функция {reader} читает {name} ({kind}) не из своих аргументов. Вычисление видит только "
        f"аргументы: добавьте в неё параметр {short} и передайте его — таблицу, матрицу, разбиение "
        f'через data={{"{short}": {short}}}, числа, строки и списки через params. Модель обучите '
        "внутри."
    )


def _no_source(what: str, label: str) -> NoReturn:
    raise TypeError(
        f"Исходный текст {what} {label} не найден, и ключ результата не составить. "
        "Определите её в ячейке тетради или в файле."
    )


# ---------------------------------------------------------------------------- живые объекты


def _closure(function: Any) -> dict[str, Any]:
    """Переменные, которые функция помнит из места, где её определили."""
    cells = getattr(function, "__closure__", None) or ()
    found = {}
    for name, cell in zip(function.__code__.co_freevars if cells else (), cells, strict=True):
        if name != "__class__":
            try:
                found[name] = cell.cell_contents
            except ValueError:  # ещё не задана
                continue
    return found


def _plain(item: Any) -> Any:
    """Функция внутри property, classmethod, staticmethod и подобных обёрток."""
    for attribute in ("fget", "__func__", "func", "__wrapped__"):
        inner = getattr(item, attribute, None)
        if isinstance(inner, FunctionType):
            return inner
    return item


def _foreign(module: str) -> bool:
    """Модуль из стандартной библиотеки или установленного пакета."""
    top = module.partition(".")[0]
    if top == "__main__":
        return False
    if top in sys.stdlib_module_names:
        return True
    loaded = sys.modules.get(top)
    places = [getattr(loaded, "__file__", None) or "", *getattr(loaded, "__path__", [])]
    return any({"site-packages", "dist-packages"} & set(Path(place).parts) for place in places)


def _first_line(node: Any) -> int:
    decorators = getattr(node, "decorator_list", [])
    return int(min([node.lineno, *(d.lineno for d in decorators)]))


def _without_defaults(node: Any) -> Any:
    node = copy.copy(node)
    node.args = copy.copy(node.args)
    node.args.defaults = [ast.Constant(None) for _ in node.args.defaults]
    node.args.kw_defaults = [d and ast.Constant(None) for d in node.args.kw_defaults]
    return node


def _find_class(text: str, label: str) -> ast.ClassDef | None:
    """Последнее определение класса ``label`` (``функция.<locals>.Класс``) в тексте."""
    nodes: list[ast.AST] = [_parsed(text)]
    for name in label.replace(".<locals>", "").split("."):
        nodes = [
            inner
            for node in nodes
            for inner in ast.walk(node)
            if inner is not node and getattr(inner, "name", None) == name
        ]
    found = [node for node in nodes if isinstance(node, ast.ClassDef)]
    return found[-1] if found else None


# ---------------------------------------------------------------------------- исходный текст


class _Index:
    """Что модуль определяет на верхнем уровне и что импортирует."""

    def __init__(self, tree: ast.Module) -> None:
        self.definitions: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, Import] = {}
        for statement in tree.body:
            for node in ast.walk(statement) if not _is_scope(statement) else ():
                if isinstance(node, ast.Import | ast.ImportFrom):
                    self.imports |= _aliases(node)
            for name in dict.fromkeys(_bound(statement)):
                self.definitions.setdefault(name, []).append(statement)
        for name in self.imports.keys() & self.definitions.keys():
            del self.definitions[name]


def _is_scope(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)


def _bound(statement: ast.AST) -> Iterator[str]:
    """Имена, которые оператор задаёт или меняет: ``x = …``, ``x[k] = …``, ``x.append(…)``."""
    if _is_scope(statement):
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
            yield from _bound(inner)


def _aliases(node: ast.Import | ast.ImportFrom) -> dict[str, Import]:
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


def _absolute(target: str, level: int, module: str) -> str:
    if not level:
        return target
    spec = importlib.util.find_spec(module)
    inside = module if spec and spec.submodule_search_locations else module.rpartition(".")[0]
    return importlib.util.resolve_name("." * level + target, inside)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _module_source(module: str) -> str:
    """Исходный текст модуля пакета; у модели это модельные ячейки урока."""
    spec = importlib.util.find_spec(module)
    text = spec and spec.loader and spec.loader.get_source(module)  # type: ignore[attr-defined]
    return str(text or "")


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:  # ячейка с магией или неоконченный файл: искать в ней нечего
        return ast.Module([], [])


@functools.lru_cache(maxsize=256)
def _index(source: str) -> _Index:
    return _Index(_parsed(source))


# ---------------------------------------------------------------------------- дерево


def _references(
    nodes: Iterable[ast.AST], label: str
) -> tuple[Chains, set[str], list[tuple[Import, set[tuple[str, ...]]]]]:
    """Имена извне с цепочками атрибутов, изменённые внешние имена, импорты внутри функций."""
    text = "\n".join(ast.unparse(_clean(node)) for node in nodes)
    try:
        tables = [symtable.symtable(text, label, "exec")]
    except SyntaxError as error:  # nonlocal, для которого нет внешней функции
        raise TypeError(
            f"Функция {label} меняет переменную вокруг себя ({error.msg}). "
            "Верните значение через return."
        ) from None
    tree = ast.parse(text)
    free, changed = set(), set()
    for table in tables:
        tables += table.get_children()
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                free.add(symbol.get_name())
            if symbol.is_declared_global() and symbol.is_assigned():
                changed.add(symbol.get_name())
    chains: Chains = {}
    _collect(tree, (), chains)
    imports = [
        (found, chains.get(alias, {()}))
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias, found in _aliases(node).items()
    ]
    return {name: chains[name] for name in free if name in chains}, changed, imports


def _collect(node: ast.AST, chain: tuple[str, ...], found: Chains) -> None:
    if isinstance(node, ast.Attribute):
        _collect(node.value, (node.attr, *chain), found)
    elif isinstance(node, ast.Name):
        found.setdefault(node.id, set()).add(chain)
    else:
        for inner in ast.iter_child_nodes(node):
            _collect(inner, (), found)


def _clean(node: ast.AST) -> Any:
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
        node.annotation = ast.Constant(None)
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


def _dump(node: Any) -> str:
    """Запись дерева, одинаковая во всех версиях Python: пустые поля пропущены."""
    if isinstance(node, ast.Constant):
        return f"{type(node.value).__name__} {node.value!a}"
    if isinstance(node, ast.AST):
        fields = [
            f"{name}={_dump(value)}"
            for name, value in sorted(ast.iter_fields(node))
            if name not in _SKIPPED and value is not None and value != []
        ]
        return f"{type(node).__name__}({', '.join(fields)})"
    if isinstance(node, list):
        return f"[{', '.join(map(_dump, node))}]"
    return ascii(node)
