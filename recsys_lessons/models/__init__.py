"""Алгоритмы из уроков: ``from recsys_lessons.models import EASE``.

Своего кода здесь нет. Модельные ячейки урока ``04_ease`` становятся модулем
``recsys_lessons.models.ease`` с теми же номерами строк, поэтому работают pickle в новом процессе,
joblib и :func:`inspect.getsource`.
"""

import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import CodeType, ModuleType
from typing import Any

from recsys_lessons import lessons


class LessonLoader(importlib.abc.InspectLoader):
    """Исполняет модельные ячейки одного урока."""

    def __init__(self, lesson: str) -> None:
        self.lesson = lesson

    def get_source(self, fullname: str) -> str:
        return lessons.model_source(self.lesson)

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.get_source(fullname), str(lessons.lesson_path(self.lesson)), "exec")

    def exec_module(self, module: ModuleType) -> None:
        exec(self.get_code(module.__name__), module.__dict__)


class LessonFinder(importlib.abc.MetaPathFinder):
    """Находит ``recsys_lessons.models.<имя урока>``."""

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        if package != __name__ or name not in lessons.lesson_paths():
            return None
        spec = importlib.machinery.ModuleSpec(
            fullname, LessonLoader(name), origin=str(lessons.lesson_path(name))
        )
        spec.has_location = True
        return spec


if not any(isinstance(finder, LessonFinder) for finder in sys.meta_path):
    sys.meta_path.append(LessonFinder())


def _class_lessons() -> dict[str, str]:
    """Имя открытого класса → имя урока, чьи модельные ячейки его определяют."""
    found = {}
    for name, path in lessons.lesson_paths().items():
        if 'tags=["model"' not in path.read_text(encoding="utf-8"):
            continue
        for node in ast.parse(lessons.model_source(name)).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name] = name
    return found


def __getattr__(name: str) -> Any:
    owner = None if name.startswith("_") else _class_lessons().get(name)
    if owner is None:
        raise AttributeError(f"Среди моделей уроков нет {name!r}.")
    return getattr(importlib.import_module(f"{__name__}.{owner}"), name)


def __dir__() -> list[str]:
    return sorted(_class_lessons())
