"""Markdown с формулами — в HTML; как нарисовать формулу, решает вызывающий."""

import re
from collections.abc import Callable

import mistune

_MATH = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$", re.DOTALL)
_CODE = re.compile(r"`[^`]*`")
_RENDER = mistune.create_markdown(plugins=["table"], escape=True)


def render(text: str, math: Callable[[str, bool], str]) -> str:
    """HTML текста; теги в самом тексте обезврежены.

    :param math: формула и «отдельной строкой ли она» → HTML
    """
    found: list[str] = []

    def keep(match: re.Match[str]) -> str:
        found.append(math(match[1] or match[2], match[1] is not None))
        return f"\ue000{len(found) - 1}\ue001"

    # Доллар внутри кода — не формула.
    hidden: list[str] = []

    def hide(match: re.Match[str]) -> str:
        hidden.append(match[0])
        return f"\ue002{len(hidden) - 1}\ue003"

    text = _MATH.sub(keep, _CODE.sub(hide, text))
    text = re.sub("\ue002(\\d+)\ue003", lambda m: hidden[int(m[1])], text)
    return re.sub("\ue000(\\d+)\ue001", lambda m: found[int(m[1])], str(_RENDER(text)))
