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
import datetime
import enum
import functools
import hashlib
import importlib
import importlib.util
import linecache
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from recsys_lessons._source import (
    HIDDEN,
    Index,
    absolute,
    clean,
    dump,
    facts,
    index,
    is_module,
    is_scope,
    module_source,
    parsed,
    references,
)

PACKAGE = "recsys_lessons"
_MODELS = f"{PACKAGE}.models"
# Наследники этих типов могут быть изменяемыми и значить другое, поэтому тип — ровно такой.
_CONSTANTS = {
    *(bool, int, float, complex, str, bytes, range, Fraction, re.Pattern),
    *(datetime.date, datetime.datetime, datetime.timedelta, pd.Timestamp, pd.Timedelta),
}
_FORBIDDEN = {"__import__", "eval", "exec", "globals", "input", "locals", "open", *HIDDEN}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_RANDOM = re.compile(  # общий генератор: его состояние задаёт код вне вычисления
    r"(numpy\.)?random(\._\w+)?(\.(?!(default_rng|Random|RandomState|Generator|BitGenerator|"
    r"SeedSequence|PCG64|PCG64DXSM|Philox|SFC64|MT19937)\b).*)?$"
    r"|torch\.(rand\w*|normal|bernoulli|multinomial|poisson)$|torch\.random\."
    r"|torch\.(cuda\.)?(manual_seed|seed|initial_seed|get_rng_state|set_rng_state)\b"
    r"|torch\.nn\.((modules\.\w+\.)?\w*Dropout|functional\.\w*dropout)"
)
_AROUND = re.compile(r"os\.(environ|getenv)|sys\.(modules|_getframe)|importlib\.import_module")


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
        self._sources: dict[str, str] = {}

    # ------------------------------------------------------------------ урок: живые объекты

    def value(self, value: Any, name: str, reader: str) -> str:
        """Слово о значении, которое функция ``reader`` читает под именем ``name``."""
        if isinstance(value, np.generic) and value.dtype.kind != "V":
            return f"{value.dtype.str} {value.item()!a}"
        if value is None or value is Ellipsis or type(value) in _CONSTANTS:
            return f"{type(value).__name__} {value!a}"
        if isinstance(value, np.dtype):
            return f"dtype {value!a}"
        if isinstance(value, enum.Enum):
            return f"{self.value(type(value), name, reader)}.{value.name}"
        if type(value).__module__ == "torch" and type(value).__name__ in ("dtype", "device"):
            return str(value)
        if type(value).__module__.startswith("scipy.stats.") and hasattr(value, "name"):
            return f"scipy.stats.{value.name}"  # распределение: uniform, loguniform
        if type(value) in (tuple, frozenset):
            words = [self.value(item, name, reader) for item in value]
            return f"{type(value).__name__} {words if type(value) is tuple else sorted(words)}"
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
        if isinstance(value, BuiltinFunctionType) and not isinstance(
            owner, type | ModuleType | None
        ):
            _refuse(name, value, reader)  # random.random: за именем спрятан общий генератор
        return self._code(value, name, reader)

    def _code(self, value: Any, name: str, reader: str) -> str:
        """Функция или класс."""
        space = getattr(value, "__globals__", {})
        home = space.get("__name__") or getattr(value, "__module__", None) or type(value).__module__
        title = getattr(value, "__qualname__", value.__name__)
        inner = getattr(value, "__wrapped__", None)
        if not isinstance(value, type):
            if isinstance(type(value).__call__, FunctionType):
                _opaque(name, reader, f"это объект класса {type(value).__name__}")
            kept = getattr(value, "__dict__", {}).keys() - {"cache_parameters"}
            kept = {key for key in kept if not key.startswith("__")}
            if kept and not _foreign(getattr(value, "__module__", None) or "builtins"):
                _opaque(name, reader, f"у неё есть атрибут {min(kept)}")
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
                for node in ast.walk(parsed("".join(linecache.getlines(code.co_filename))))
                if isinstance(node, _FUNCTIONS)
                and getattr(node, "name", "<lambda>") == code.co_name
                and _first_line(node) == code.co_firstlineno
            ]
            if not nodes:
                _no_source("функции", label)
            nodes = _exactly(nodes, code) or nodes
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            positional = names[: code.co_argcount]
            values = function.__defaults__ or ()
            defaults = dict(zip(positional[len(positional) - len(values) :], values, strict=True))
            defaults |= function.__kwdefaults__ or {}
            words = [
                f"{n}={self.value(v, f'значение по умолчанию {n}', label)}"
                for n, v in defaults.items()
            ]
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
        for name, item in vars(cls).items() if not issubclass(cls, enum.Enum) else ():
            item, hidden = _plain(item), name.startswith("__")
            if isinstance(item, FunctionType):
                written = item.__code__.co_qualname == f"{label}.{name}"
                if written or (hidden and _generated(item)):
                    continue
            elif hidden or name == "_abc_impl":
                continue
            elif hasattr(item, "__get__") and not isinstance(item, type):
                continue  # дескриптор: его код — в тексте класса
            yield f"{name}={self.value(item, f'атрибут {label}.{name}', label)}"

    def _names(
        self, nodes: list[ast.AST], closure: Mapping[str, Any], space: Mapping[str, Any], label: str
    ) -> list[str]:
        """Слова обо всех именах, которые узлы читают извне."""
        chains, changed, imports = references(nodes, label)
        words = []
        for name in sorted(changed):
            raise TypeError(
                f"Функция {label} меняет внешнюю переменную {name}. Вычисление не должно ничего "
                "менять вокруг себя: верните значение через return."
            )
        _check_forbidden(chains, label)
        for name in sorted(chains):
            if name in closure or name in space:
                value = closure[name] if name in closure else space[name]
                if isinstance(value, ModuleType):
                    words.append(f"{name}: {self._module(value, chains[name], label)}")
                    continue
                for chain in chains[name] if callable(value) else ():
                    _check_world(".".join((_origin(value), *chain)), label)
                if isinstance(value, dict) and (home := _package_home(value)):
                    words.append(f"{name}: {self.member(*home)}")
                    continue
                word = self.value(value, name, label)
                words.append(f"{name}: {word}")
                if not callable(value):  # константа: пусть в сообщении будет и её имя
                    self.found.setdefault(name, set()).add(digest(word))
        for (module, _, attribute), used in imports:
            if module == "__main__":
                raise TypeError(
                    f"Функция {label} импортирует из __main__, то есть читает урок в обход имён. "
                    "Обратитесь к функции по имени, а данные передайте через data."
                )
            words.append(self._imported(module, attribute, used, label))
        return words

    def _module(self, module: ModuleType, chains: set[tuple[str, ...]], reader: str) -> str:
        name = module.__name__
        if in_package(name):
            return " ".join(self.member(name, chain) for chain in sorted(chains))
        for chain in chains:
            _check_world(".".join((name, *chain)), reader)
        if not _foreign(name):  # файл читателя рядом с тетрадью
            for attribute in sorted({chain[0] for chain in chains if chain}):
                self.value(getattr(module, attribute, None), f"{name}.{attribute}", reader)
        return f"модуль {name}"

    def _first_time(self, thing: object) -> bool:
        first = id(thing) not in self._seen
        self._seen[id(thing)] = thing  # ссылка не даёт номеру достаться другому объекту
        return first

    def _add(self, label: str, nodes: Iterable[ast.AST], words: Iterable[str]) -> None:
        texts = [dump(clean(node)) for node in nodes]
        self.found.setdefault(label, set()).add(digest(*texts, *sorted(set(words))))

    # ------------------------------------------------------------------ пакет: исходный текст

    def member(self, module: str, chain: tuple[str, ...], reader: str = "") -> str:
        """Название того, на что указывает ``модуль.имя.имя``; пустая цепочка — модуль целиком."""
        found = self._index(module)
        if not chain:
            for name in found.definitions:
                self.member(module, (name,))
            return f"{module}.*"
        name, rest = chain[0], chain[1:]
        if name in found.definitions:
            if is_scope(found.definitions[name][-1]):
                _check_loaded(module, name)
            self._definition(module, name)
        if name in found.imports:
            target, level, attribute = found.imports[name]
            place = absolute(target, level, module)
            return self._imported(place, attribute, {rest}, reader or module)
        if name in found.definitions:
            return f"{module}.{name}"
        if is_module(f"{module}.{name}"):
            return self.member(f"{module}.{name}", rest)
        if module == _MODELS and not name.startswith("_"):
            owner = getattr(importlib.import_module(module), name, None)
            if owner is not None and owner.__module__ != module:
                return self.member(owner.__module__, (name,))
        return f"{module}.{name}"

    def _index(self, module: str) -> Index:
        if module not in self._sources:
            self._sources[module] = module_source(module)
        return index(self._sources[module])

    def _imported(
        self, module: str, attribute: str | None, used: set[tuple[str, ...]], reader: str
    ) -> str:
        first = (attribute,) if attribute else ()
        if not in_package(module):
            for chain in used:
                _check_world(".".join((module, *first, *chain)), reader)
            return f"{module}.{attribute}" if attribute else f"модуль {module}"
        return " ".join(self.member(module, (*first, *chain)) for chain in sorted(used))

    def _definition(self, module: str, name: str) -> None:
        label = f"{module}.{name}"
        if label in self._seen:
            return
        self._seen[label] = label
        known, found = self._index(module), facts(self._sources[module], name)
        if module.startswith(_MODELS):
            _check_forbidden(found.chains, label)
        words = {
            f"{read}: {self.member(module, (read, *chain), label)}"
            for read, chains in found.chains.items()
            if read in known.definitions or read in known.imports
            for chain in chains
        }
        words |= {
            self._imported(absolute(target, level, module), attribute, used, label)
            for (target, level, attribute), used in found.imports
        }
        self.found.setdefault(label, set()).add(digest(found.text, *sorted(words)))


def _refuse(name: str, value: Any, reader: str) -> NoReturn:
    kind = type(value).__name__
    short = name.split()[-1].rpartition(".")[2]
    raise TypeError(
        f"Функция {reader} читает {name} ({kind}) не из своих аргументов. Вычисление видит только "
        f"аргументы: добавьте в неё параметр {short} и передайте его — таблицу, матрицу, разбиение "
        f'через data={{"{short}": {short}}}, числа, строки и списки через params. Модель обучите '
        "внутри."
    )


def _opaque(name: str, reader: str, why: str) -> NoReturn:
    raise TypeError(
        f"Функция {reader} зовёт {name}, но {why}: ключ результата не увидел бы изменений. "
        "Замените обычной функцией, которая получает всё нужное аргументами."
    )


def _check_forbidden(names: Iterable[str], reader: str) -> None:
    for name in sorted(_FORBIDDEN.intersection(names)):
        raise TypeError(
            f"Функция {reader} обращается к {name}: не видно, что она через это читает. "
            "Передайте данные через data, а числа, строки и списки через params."
        )


def _check_world(origin: str, reader: str) -> None:
    """Ошибка, если ``origin`` — общий генератор случайных чисел или обстановка вокруг программы."""
    if _RANDOM.match(origin):
        raise TypeError(
            f"В {reader} случайные числа берёт общий генератор: {origin}. Его состояние зависит от "
            "всего, что исполнилось раньше. Создайте свой: rng = np.random.default_rng(seed), в "
            "torch — torch.Generator().manual_seed(seed) и аргумент generator."
        )
    ours = in_package(reader) and not reader.startswith(_MODELS)
    if _AROUND.match(origin) and not ours:
        raise TypeError(
            f"{reader} читает {origin}, то есть обстановку вокруг программы: в ключ результата она "
            "не входит. Передайте нужное через params."
        )


def _check_loaded(module: str, name: str) -> None:
    """Ошибка, если загружено не то определение, что написано в исходнике."""
    live = vars(sys.modules[module]).get(name) if module in sys.modules else None
    if live is None:
        return
    parts = {name: live}
    if isinstance(live, type):
        methods = [(key, _plain(item)) for key, item in vars(live).items()]
        parts |= {
            f"{name}.{key}": item
            for key, item in methods
            if isinstance(item, FunctionType) and not _foreign(item.__module__)
        }
    for title, part in parts.items():
        home = getattr(part, "__module__", None)
        if home != module or (part is live and getattr(part, "__qualname__", name) != name):
            raise TypeError(
                f"Функция или класс {module}.{title} — подмена: загружено не то, что написано в "
                "пакете. Уберите присваивание, перезапустите ядро, а своё определение назовите "
                "своим именем."
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
    if isinstance(item, FunctionType):
        return item
    for attribute in ("fget", "__func__", "func", "__wrapped__"):
        inner = getattr(item, attribute, None)
        if isinstance(inner, FunctionType):
            return inner
    return item


def _generated(method: FunctionType) -> bool:
    """Метод дописал dataclass, Protocol или total_ordering, а не урок."""
    code, home = method.__code__, method.__globals__.get("__name__", "")
    generated = code.co_filename == "<string>" or code.co_name == "__annotate__"
    return generated or home in sys.stdlib_module_names


def _package_home(value: Any) -> tuple[str, tuple[str]] | None:
    """Модуль пакета и имя в нём, если это таблица пакета, взятая уроком по имени: EASE_SPACE."""
    for module, loaded in list(sys.modules.items()):
        if in_package(module) and not module.startswith(_MODELS):
            for name, item in vars(loaded).items():
                if item is value and name in index(module_source(module)).definitions:
                    return module, (name,)
    return None


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


def _origin(value: Any) -> str:
    """``модуль.имя`` того, что зовут."""
    module = getattr(value, "__module__", None) or type(getattr(value, "__self__", None)).__module__
    return f"{module}.{getattr(value, '__name__', '')}"


def _exactly(nodes: list[Any], code: CodeType) -> list[Any]:
    """Из нескольких лямбд одной строки — та, чьё тело исполняет ``code``."""
    places = [place for place in code.co_positions() if place[3]]  # у служебных команд столбца нет
    if len(nodes) == 1 or not places:
        return nodes
    start = min((line or 0, column or 0) for line, _, column, _ in places)
    end = max((line or 0, column or 0) for _, line, _, column in places)
    return [
        node
        for node in nodes
        if isinstance(node, ast.Lambda)
        and start == (node.body.lineno, node.body.col_offset)
        and end == (node.body.end_lineno, node.body.end_col_offset)
    ]


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
    nodes: list[ast.AST] = [parsed(text)]
    for name in label.replace(".<locals>", "").split("."):
        nodes = [
            inner
            for node in nodes
            for inner in ast.walk(node)
            if inner is not node and getattr(inner, "name", None) == name
        ]
    found = [node for node in nodes if isinstance(node, ast.ClassDef)]
    return found[-1] if found else None
