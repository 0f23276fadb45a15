"""Алгоритмы из уроков: ``from recsys_lessons.models import EASE``.

Своего кода здесь нет. Модельные ячейки урока ``04_ease`` становятся модулем
``recsys_lessons.models.ease`` с теми же номерами строк, поэтому работают pickle в новом процессе,
joblib и :func:`inspect.getsource`. Редакторам и mypy о классах рассказывает ``__init__.pyi``.
"""

import importlib
import sys
from typing import Any

from recsys_lessons import lessons
from recsys_lessons.models._finder import LessonFinder

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
