"""Загрузка модулей из модельных ячеек уроков."""

import importlib.abc
import importlib.machinery
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
        if package != __package__ or name not in lessons.lesson_paths():
            return None
        spec = importlib.machinery.ModuleSpec(
            fullname, LessonLoader(name), origin=str(lessons.lesson_path(name))
        )
        spec.has_location = True
        return spec
