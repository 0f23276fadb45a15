"""Заглушка ``recsys_lessons/models/__init__.pyi``: по ней редакторы и mypy видят классы уроков.

Запуск: ``python -m tools.stubs``; ``--check`` только сверяет. Классы, параметры и описания взяты из
модельных ячеек, типы гиперпараметров — из того, как урок их проверяет: ``check_count("k", …)`` —
целое число, ``check_number`` — любое.
"""

import ast
import builtins
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

from recsys_lessons import lessons

TARGET = Path(__file__).resolve().parent.parent / "recsys_lessons" / "models" / "__init__.pyi"
COMMAND = "python -m tools.stubs"

HEADER = f'''\
"""Классы из уроков. Файл написан командой {COMMAND}; руками его не правят."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import DTypeLike
'''
ALIASES = """\
_Int: TypeAlias = int | np.integer[Any]
_Float: TypeAlias = float | np.floating[Any] | np.integer[Any]
_Items: TypeAlias = Sequence[int] | np.ndarray
_Interactions: TypeAlias = sp.sparray | sp.spmatrix
"""
CHECKS = {
    "check_count": "_Int",
    "check_seed": "_Int",
    "check_number": "_Float",
    "check_dtype": "DTypeLike",
    "check_device": "str | torch.device",
}
# У всех моделей одно имя значит одно и то же.
PARAMETERS = {
    "X": "_Interactions",
    "X_new": "_Interactions",
    "baskets": "Mapping[int, Sequence[_Items]]",
    "baskets_new": "Mapping[int, Sequence[_Items]]",
    "device": "str | torch.device",
    "dtype": "DTypeLike",
    "n_items": "_Int",
    "seed": "_Int",
    "sequences": "Sequence[_Items]",
    "sequences_new": "Sequence[_Items]",
    "users": "_Items",
    "validation": "Callable[[Self], float] | None",
}
RETURNS = {"__init__": "None", "fit": "Self", "score": "np.ndarray", "score_history": "np.ndarray"}
LEARNED = {
    "X_": "sp.csr_array",
    "losses_": "list[float]",
    "curve_": "list[tuple[int, float]]",
    "best_epoch_": "int",
}
TRAINED = ("losses_", "curve_", "best_epoch_")


def main(arguments: list[str]) -> int:
    """Написать заглушку или, с ``--check``, сверить её; 1, если она устарела."""
    text = stub()
    if "--check" in arguments:
        current = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
        if current != text:
            print(f"Заглушка {TARGET.name} отстала от уроков. Обновите: {COMMAND}")
        return int(current != text)
    TARGET.write_text(text, encoding="utf-8")
    return 0


def stub() -> str:
    """Текст заглушки для нынешних уроков."""
    owners = lessons.class_lessons()
    imports, classes = set(), []
    for lesson in dict.fromkeys(owner for names in owners.values() for owner in names):
        tree = ast.parse(lessons.model_source(lesson))
        types = dict(_checked(tree))
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                imports |= set(_imports_of_bases(tree, node, set(owners)))
                classes.append(_class(node, types))
    listed = f"__all__ = {sorted(owners)!r}"
    text = "\n\n".join([HEADER + "\n".join(sorted(imports)), listed, ALIASES, *classes]) + "\n"
    command = [sys.executable, "-m", "ruff"]
    sort = [*command, "check", "--select", "I,F401,RUF022", "--fix-only", "-q"]
    for step in (sort, [*command, "format", "-q"]):
        text = subprocess.run(
            [*step, "--stdin-filename", str(TARGET), "-"],
            input=text, capture_output=True, text=True, encoding="utf-8", check=True,
        ).stdout  # fmt: skip
    return text


def _checked(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Пары «параметр, тип» по вызовам ``check_*``, в том числе в цикле по именам."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For):
            names = [x.value for x in ast.walk(node.iter) if isinstance(x, ast.Constant)]
            calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
            for call in calls:
                kind = CHECKS.get(_called(call))
                if kind and call.args and isinstance(call.args[0], ast.Name):
                    yield from ((name, kind) for name in names if isinstance(name, str))
        elif isinstance(node, ast.Call) and node.args:
            first = node.args[0]
            if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
                continue
            if _called(node) in CHECKS:
                yield first.value, CHECKS[_called(node)]
            elif _called(node) == "check_choice" and isinstance(node.args[2], ast.Tuple):
                yield first.value, f"Literal[{ast.unparse(node.args[2])[1:-1]}]"


def _called(call: ast.Call) -> str:
    """Имя вызванной функции без модуля."""
    return ast.unparse(call.func).rpartition(".")[2]


def _imports_of_bases(tree: ast.Module, node: ast.ClassDef, known: set[str]) -> Iterator[str]:
    """Строки импорта, без которых не определены базовые классы."""
    for base in node.bases:
        root = ast.unparse(base).partition(".")[0]
        for line in tree.body:
            if not isinstance(line, ast.Import | ast.ImportFrom) or root in known:
                continue
            for name in line.names:
                if (name.asname or name.name) == root:
                    yield ast.unparse(
                        ast.Import([name])
                        if isinstance(line, ast.Import)
                        else ast.ImportFrom(line.module, [name], line.level)
                    )


def _class(node: ast.ClassDef, types: dict[str, str]) -> str:
    methods = [x for x in node.body if isinstance(x, ast.FunctionDef)]
    result = [ast.unparse(ast.ClassDef(node.name, node.bases, node.keywords, [], [])).rstrip()]
    result += _docstring(node, "    ")
    result += [f"    {name}: {kind}" for name, kind in _attributes(methods, types).items()]
    for method in methods:
        if method.name.startswith("_") and method.name != "__init__":
            continue
        decorators = [f"    @{ast.unparse(x)}" for x in method.decorator_list]
        returned = RETURNS.get(method.name, "Any")
        head = f"    def {method.name}({_parameters(method, types)}) -> {returned}:"
        body = _docstring(method, "        ") or ["        ..."]
        result += [*decorators, head, *body]
    return "\n".join(result if len(result) > 1 else [*result, "    ..."])


def _attributes(methods: list[ast.FunctionDef], types: dict[str, str]) -> dict[str, str]:
    """Гиперпараметры и выученное: то, что методы присваивают ``self``."""
    result: dict[str, str] = {}
    for method in methods:
        given = dict(_with_defaults(method)) if method.name == "__init__" else {}
        stored = [
            x.attr
            for x in ast.walk(method)
            if isinstance(x, ast.Attribute)
            and isinstance(x.ctx, ast.Store)
            and ast.unparse(x.value) == "self"
        ]
        result |= {name: _type(name, given[name], types) for name in given if name in stored}
        result |= {name: LEARNED.get(name, "Any") for name in stored if name.endswith("_")}
        for x in ast.walk(method):
            if isinstance(x, ast.Call) and ast.unparse(x.func) in ("train", "training.train"):
                result |= {name: LEARNED[name] for name in TRAINED}
    return result


def _with_defaults(method: ast.FunctionDef) -> list[tuple[str, ast.expr | None]]:
    names = [*method.args.posonlyargs, *method.args.args][1:]
    defaults = method.args.defaults
    padded = [*[None] * (len(names) - len(defaults)), *defaults]
    keywords = zip(method.args.kwonlyargs, method.args.kw_defaults, strict=True)
    return [(x.arg, value) for x, value in [*zip(names, padded, strict=True), *keywords]]


def _known(default: ast.expr) -> ast.expr:
    """Значение по умолчанию; вместо имени, которого в заглушке нет, — многоточие."""
    unknown = isinstance(default, ast.Name) and not hasattr(builtins, default.id)
    return ast.Constant(...) if unknown else default


def _parameters(method: ast.FunctionDef, types: dict[str, str]) -> str:
    own = types if method.name == "__init__" else {}
    kinds = {name: _type(name, default, own) for name, default in _with_defaults(method)}
    arguments = deepcopy(method.args)
    arguments.defaults = [_known(x) for x in arguments.defaults]
    arguments.kw_defaults = [x and _known(x) for x in arguments.kw_defaults]
    for x in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if x.arg in kinds:
            x.annotation = ast.parse(kinds[x.arg], mode="eval").body
    if arguments.vararg:
        arguments.vararg.annotation = ast.Name("Any")
    return ast.unparse(arguments)


def _type(name: str, default: ast.expr | None, types: dict[str, str]) -> str:
    """Тип параметра: по проверке, по договорённости об именах, по значению по умолчанию."""
    kind = types.get(name) or PARAMETERS.get(name)
    if kind is None and isinstance(default, ast.Constant):
        of = {bool: "bool", int: "_Int", float: "_Float", str: "str"}
        kind = of.get(type(default.value))
    return kind or "Any"


def _docstring(node: ast.ClassDef | ast.FunctionDef, indent: str) -> list[str]:
    text = ast.get_docstring(node)
    if not text:
        return []
    raw = "r" if "\\" in text else ""
    lines = f'{raw}"""{text}{chr(10) if chr(10) in text else ""}"""'.splitlines()
    return [indent + line if line else "" for line in lines]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
