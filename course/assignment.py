"""Из чего состоит задание курса и где лежит его ключ.

Задание — пара. ``notebooks/assignments/NN_имя.py`` видит студент: условия, заготовки, открытые
проверки. Ключ ``NN_имя.py`` лежит в папке ключей (``course/keys`` или частной) и говорит, какой у
студента вариант, сколько стоит каждое свойство решения и чем его проверить. Рядом с ключом —
``NN_имя_solution.py``: те же ячейки, но с решением, — и ``secret.txt``, от которого зависят числа
вариантов и скрытые данные.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Variant = Mapping[str, Any]
Judge = Callable[[Any], str]


@dataclass(frozen=True)
class Code:
    """Аргумент-функция: исходник, из которого её сделают внутри песочницы.

    Так в задачи «напишите проверку» попадают верные и сломанные реализации. Студент может их
    прочесть.
    """

    name: str
    source: str


@dataclass(frozen=True)
class Call:
    """Один скрытый вызов функции студента.

    :param function: имя функции
    :param arguments: числа, строки, массивы numpy, матрицы CSR, :class:`Code`, списки из них
    :param judge: ответ → пустая строка, если верно, иначе причина по-русски без верного ответа.
        Ответ — число, строка, массив numpy или кортеж из них
    """

    function: str
    arguments: tuple[Any, ...]
    judge: Judge


@dataclass(frozen=True)
class Property:
    """Свойство решения: баллы за него дают, если верны все вызовы.

    :param title: что проверено, без верных ответов: эту строку прочтёт студент
    """

    title: str
    points: float
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Task:
    """Одна задача задания.

    :param id: метка ячейки студента: ``task-1`` у задачи ``"1"``
    :param functions: имена, которые обязан определить студент
    :param properties: ``(вариант, генератор) → свойства``; ``None`` — открытый вопрос, его
        оценивает человек
    :param points: сколько стоит задача; равно сумме баллов свойств
    :param needs: задачи, чьи ячейки студента исполняют раньше этой
    :param seconds: предел времени задачи целиком
    :param megabytes: предел памяти задачи целиком
    """

    id: str
    title: str
    points: float
    functions: tuple[str, ...] = ()
    properties: Callable[[Variant, np.random.Generator], Sequence[Property]] | None = None
    needs: tuple[str, ...] = ()
    seconds: float = 20
    megabytes: int = 1000


@dataclass(frozen=True)
class Assignment:
    """Задание целиком.

    :param name: ``NN_имя``, как у урока
    :param minutes: сколько времени нужно студенту
    :param variant: генератор → простые значения (числа, строки, списки), которые впишут в ячейку с
        меткой ``variant``: по строке ``имя = значение`` на ключ
    """

    name: str
    title: str
    minutes: int
    variant: Callable[[np.random.Generator], Variant]
    tasks: tuple[Task, ...]

    @property
    def points(self) -> float:
        """Сколько стоит всё задание."""
        return sum(task.points for task in self.tasks)


KEYS = Path(__file__).parent / "keys"


def generator(keys: Path, *names: object) -> np.random.Generator:
    """Генератор, свой для секрета папки ключей и для названных вещей.

    :raises FileNotFoundError: в папке ключей нет ``secret.txt``
    """
    secret = keys / "secret.txt"
    if not secret.is_file():
        raise FileNotFoundError(
            f"В папке ключей {keys} нет secret.txt. Частную папку создаёт python -m "
            f"course.course secret ПАПКА."
        )
    text = "\x1f".join([secret.read_text(encoding="utf-8").strip(), *map(str, names)])
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))


def variant_of(keys: Path, assignment: Assignment, number: int) -> Variant:
    """Вариант студента с номером ``number`` в списке группы; 0 — тот, что лежит в репозитории."""
    return assignment.variant(generator(keys, assignment.name, number, "variant"))


def properties_of(keys: Path, assignment: Assignment, task: Task, number: int) -> list[Property]:
    """Свойства задачи для варианта; скрытые данные те же при каждой проверке.

    :raises ValueError: баллы свойств не складываются в баллы задачи
    """
    if task.properties is None:
        return []
    rng = generator(keys, assignment.name, number, "hidden", task.id)
    found = list(task.properties(variant_of(keys, assignment, number), rng))
    if abs(sum(one.points for one in found) - task.points) > 1e-9:
        raise ValueError(
            f"{assignment.name}, задача {task.id}: баллы свойств не складываются в {task.points:g}."
        )
    return found


def names_of(keys: Path) -> list[str]:
    """Имена заданий, для которых в папке есть ключ."""
    return sorted(
        path.stem for path in keys.glob("[0-9]*_*.py") if not path.stem.endswith("_solution")
    )


def load_assignment(keys: Path, name: str) -> Assignment:
    """Ключ задания ``name`` из папки ключей: объект ``ASSIGNMENT`` модуля.

    :raises FileNotFoundError: ключа нет
    """
    path = keys / f"{name}.py"
    if not path.is_file():
        raise FileNotFoundError(
            f"В {keys} нет ключа задания {name!r}. Есть: {', '.join(names_of(keys)) or 'ничего'}."
        )
    title = f"_key_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(title, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[title] = module
    spec.loader.exec_module(module)
    return module.ASSIGNMENT
