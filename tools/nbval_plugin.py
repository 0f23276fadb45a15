"""Сравнение сохранённого вывода с новым: nbval с допуском в единицу последнего знака.

Десятичные числа могут отличаться на единицу последнего напечатанного знака; целые числа, текст и
всё остальное — точно.
"""

import re
from decimal import Decimal
from typing import Any

from nbval.plugin import IPyNbCell

_DECIMAL = re.compile(r"[-+−]?\d+\.\d+(?:e[-+]?\d+)?")


class TolerantText(str):
    """Текст, который равен другому, если десятичные числа отличаются не больше чем на единицу."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str):
            return NotImplemented
        if str.__eq__(self, other):
            return True
        if _DECIMAL.sub("#", self) != _DECIMAL.sub("#", other):
            return False
        pairs = zip(_DECIMAL.findall(self), _DECIMAL.findall(other), strict=True)
        return all(_near(a, b) for a, b in pairs)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def _near(a: str, b: str) -> bool:
    x, y = (Decimal(text.replace("−", "-")) for text in (a, b))
    exponents = {x.as_tuple().exponent, y.as_tuple().exponent}
    if len(exponents) != 1:  # разное число знаков
        return False
    return abs(x - y) <= Decimal(1).scaleb(int(exponents.pop()))


_plain_sanitize = IPyNbCell.sanitize


def _sanitize(self: Any, text: str) -> str:
    return TolerantText(_plain_sanitize(self, text))


IPyNbCell.sanitize = _sanitize
