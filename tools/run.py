# -*- coding: utf-8 -*-
"""Запускает задачу проекта: python3 tools/run.py ЗАДАЧА [ИМЯ=значение ...].

Этот файл должен разбираться и Python 2.7: он только проверяет версию, а работает tools/tasks.py.
"""

from __future__ import unicode_literals

import os
import sys

MINIMUM = (3, 11)


def python_problem(version):
    """Сообщение о слишком старом Python или None."""
    if tuple(version[:2]) >= MINIMUM:
        return None
    found, needed = (".".join(str(part) for part in numbers[:2]) for numbers in (version, MINIMUM))
    return (
        "— Нужен Python {needed} или новее, а это Python {found}. Установите новый "
        "(https://www.python.org/downloads/) и укажите его: make lab PYTHON=python{needed}, "
        "на Windows py -{needed} tools/run.py lab."
    ).format(needed=needed, found=found)


def main(arguments):
    problem = python_problem(sys.version_info)
    if problem:
        # Старый Python не везде умеет печатать кириллицу сам, поэтому байты готовит этот файл.
        encoding = (os.name == "nt" and sys.stdout.encoding) or "utf-8"
        output = getattr(sys.stdout, "buffer", sys.stdout)
        output.write((problem + "\n").encode(encoding, "replace"))
        return 1
    from tools import tasks

    return tasks.main(arguments)


if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.exit(main(sys.argv[1:]))
