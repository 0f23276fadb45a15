"""Алгоритмы из уроков: ``from recsys_lessons.models import EASE``.

Своего кода здесь нет. Модельные ячейки урока ``04_ease`` становятся модулем
``recsys_lessons.models.ease`` с теми же номерами строк, поэтому работают pickle в новом процессе,
joblib и :func:`inspect.getsource`. Редакторам и mypy о классах рассказывает ``__init__.pyi``.
"""

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
        """Код модуля.

        :raises SyntaxError: в модельной ячейке ошибка; названы файл и строка
        """
        path = lessons.lesson_path(self.lesson)
        try:
            return compile(self.get_source(fullname), str(path), "exec")
        except SyntaxError as error:
            if error.msg.startswith("Урок "):
                raise
            raise SyntaxError(
                f"Урок {path.name}, строка {error.lineno}: модельная ячейка — не код Python "
                f"({error.msg}). Исправьте её; остальные уроки работают.",
                (str(path), error.lineno, error.offset, error.text),
            ) from None

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


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return __dir__()
    owners = [] if name.startswith("_") else lessons.class_lessons().get(name, [])
    if not owners:
        raise AttributeError(f"Среди моделей уроков нет {name!r}.")
    if len(owners) > 1:
        files = " и ".join(lessons.lesson_path(owner).name for owner in owners)
        raise ImportError(f"Класс {name} определяют сразу {files}: переименуйте один из двух.")
    return getattr(importlib.import_module(f"{__name__}.{owners[0]}"), name)


def __dir__() -> list[str]:
    return sorted(lessons.class_lessons())
