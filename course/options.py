"""Ключи командной строки: ошибки и справка по-русски."""

import argparse
import re
import sys
from typing import Any, NoReturn

# Сообщения argparse, до которых доходит пользователь.
RUSSIAN = {
    r"the following arguments are required: (.+)": r"не указано: \1",
    r"argument ([^:]+): invalid \S+ value: (.+)": r"\1: значение \2 не того вида",
    r"argument ([^:]+): expected .+": r"\1: нет значения",
    r"argument ([^:]+): invalid choice: (\S+) \(choose from (.+)\)": r"\1: нет \2; есть \3",
    r"unrecognized arguments: (.+)": r"непонятно: \1",
    r"ambiguous option: (\S+) could match (.+)": r"\1 — это \2? Напишите целиком",
}


class Parser(argparse.ArgumentParser):
    """Разбор ключей; об ошибке говорит одной строкой и кодом 2."""

    def __init__(self, **options: Any):
        super().__init__(add_help=False, **options)
        self._positionals.title, self._optionals.title = "что указать", "ключи"
        self.add_argument("-h", "--help", action="help", help="показать это и выйти")

    def error(self, message: str) -> NoReturn:
        for english, russian in RUSSIAN.items():
            found = re.fullmatch(english, message, re.DOTALL)
            if found:
                message = found.expand(russian)
                break
        print(f"{self.prog}: {message.rstrip('.')}. Все ключи: {self.prog} --help", file=sys.stderr)
        sys.exit(2)
