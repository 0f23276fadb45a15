"""Из чего состоит вопрос билета и как в нём пишутся числа.

Вопрос — функция от генератора. Она вытягивает исходные числа, считает по ним ответ и возвращает
:class:`Drawn`. Чисел, набранных руками, в ответах нет.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Drawn:
    """Вопрос с вытянутыми числами; тексты — Markdown с формулами в долларах.

    :param answer: верный ответ с объяснением
    :param criterion: за что ставят балл: по строке на балл
    :param given: исходные числа
    :param result: числа ответа; каждое стоит в ``answer``
    """

    text: str
    answer: str
    criterion: tuple[str, ...]
    given: dict[str, Any]
    result: dict[str, Any]


Question = Callable[[np.random.Generator], Drawn]
BANK: dict[str, list[Question]] = {}


def question(lesson: str) -> Callable[[Question], Question]:
    """Внести вопрос в банк урока ``lesson`` (``"00a"``, ``"04"``)."""

    def register(function: Question) -> Question:
        BANK.setdefault(lesson, []).append(function)
        return function

    return register


def pick(rng: np.random.Generator, values: Sequence[Any]) -> Any:
    """Одно из значений, тем же типом, каким оно записано."""
    return values[int(rng.integers(len(values)))]


def whole(rng: np.random.Generator, low: int, high: int, step: int = 1) -> int:
    """Целое от ``low`` до ``high`` включительно с шагом ``step``."""
    return low + step * int(rng.integers((high - low) // step + 1))


def _plain(value: float | Fraction, digits: int) -> str:
    text = f"{float(value):.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _exact(value: float | Fraction, digits: int) -> bool:
    return abs(float(value) - float(_plain(value, digits))) < 1e-12 * max(1, abs(float(value)))


def num(value: float | Fraction, digits: int = 3) -> str:
    """Число в тексте: десятичная запятая, знак минуса, тысячи через неразрывный пробел."""
    integer, point, rest = _plain(value, digits).partition(".")
    sign, integer = ("−", integer[1:]) if integer.startswith("-") else ("", integer)
    if len(integer) > 4:
        integer = f"{int(integer):,}".replace(",", "\u00a0")
    return sign + integer + ("," + rest if point else "")


def eq(value: float | Fraction, digits: int = 3) -> str:
    """Число со знаком: «= 0,25», если оно точно, и «≈ 0,364», если округлено."""
    return ("= " if _exact(value, digits) else "≈ ") + num(value, digits)


def tex(value: float | Fraction, digits: int = 3) -> str:
    """Число внутри формулы; дробь остаётся дробью."""
    if isinstance(value, Fraction) and value.denominator > 1:
        sign = "-" if value < 0 else ""
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    return num(value, digits).replace(",", "{,}").replace("−", "-").replace("\u00a0", r"\,")


def series(values: Sequence[float | Fraction], digits: int = 3) -> str:
    """Числа через точку с запятой: запятая занята десятичными знаками."""
    return "; ".join(num(value, digits) for value in values)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Таблица Markdown; первый столбец — подписи строк."""
    lines = [header, ["---"] + [":-:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def square(
    matrix: Sequence[Sequence[Any]], names: Sequence[str], corner: str, digits: int = 3
) -> str:
    """Квадратная таблица с одинаковыми подписями строк и столбцов; дроби — формулами."""

    def cell(value: Any) -> str:
        return f"${tex(value)}$" if isinstance(value, Fraction) else num(value, digits)

    rows = [[f"**{name}**", *map(cell, row)] for name, row in zip(names, matrix, strict=True)]
    return table([corner, *names], rows)


def plural(count: int, one: str, few: str, many: str) -> str:
    """Число со словом: 1 зритель, 2 зрителя, 5 зрителей."""
    if count % 10 == 1 and count % 100 != 11:
        word = one
    elif 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14:
        word = few
    else:
        word = many
    return f"{num(count)} {word}"


def times(value: float, digits: int = 2) -> str:
    """«в столько-то раз»: 1 раз, 2 раза, 5 раз, 2,5 раза."""
    shown = float(_plain(value, digits))
    return (
        plural(int(shown), "раз", "раза", "раз")
        if shown == int(shown)
        else num(shown, digits) + " раза"
    )
