"""Похожие работы: пары, у которых код задачи одинаков после переименования и переформатирования.

Из кода убирают комментарии, строки документации, пробелы и всё, что было в выдаче; имена заменяют
номерами по порядку появления; остальное сравнивают по знакам. Совпадение — повод поговорить, а не
доказательство: короткие верные решения совпадают сами, поэтому короче ``MIN_TOKENS`` знаков не
сравнивают. Не ловит перестановку строк, лишнюю строку, другую запись того же выражения и списанное
из третьего источника с правкой.
"""

import io
import keyword
import tokenize
from collections.abc import Iterable, Mapping, Sequence

MIN_TOKENS = 30
_SKIPPED = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
Line = tuple[str, ...]


def logical_lines(source: str) -> list[Line]:
    """Логические строки кода списками знаков; то, что не разбирается, отброшено."""
    lines: list[Line] = []
    current: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.NEWLINE:
                lines.append(tuple(current))
                current = []
            elif token.type not in _SKIPPED:
                current.append(token.string)
    except (tokenize.TokenError, SyntaxError, ValueError):
        pass
    lines.append(tuple(current))
    return [line for line in lines if line and not _is_string(line)]


def _is_string(line: Line) -> bool:
    """Строка документации или строка сама по себе."""
    return all(one.lstrip("rbfuRBFU")[:1] in ("'", '"') for one in line)


def fingerprint(sources: Iterable[str], release: Iterable[str]) -> Line:
    """Знаки кода без того, что было в выдаче; имена — номера по порядку появления."""
    given = {line for source in release for line in logical_lines(source)}
    numbers: dict[str, str] = {}
    tokens: list[str] = []
    for source in sources:
        for line in logical_lines(source):
            if line in given:
                continue
            for token in line:
                if token.isidentifier() and not keyword.iskeyword(token):
                    token = numbers.setdefault(token, f"имя{len(numbers)}")
                tokens.append(token)
            tokens.append("\n")
    return tuple(tokens)


def alike(
    works: Mapping[str, Mapping[str, Sequence[str]]], release: Sequence[str]
) -> list[tuple[str, str, str, int]]:
    """Пары логинов с одинаковым кодом задачи: логин, логин, задача, число знаков.

    :param works: логин → задача → ячейки студента
    """
    groups: dict[tuple[str, Line], list[str]] = {}
    for login, tasks in works.items():
        for task, sources in tasks.items():
            tokens = fingerprint(sources, release)
            if len(tokens) >= MIN_TOKENS:
                groups.setdefault((task, tokens), []).append(login)
    return sorted(
        (one, other, task, len(tokens))
        for (task, tokens), logins in groups.items()
        for i, one in enumerate(sorted(logins))
        for other in sorted(logins)[i + 1 :]
    )
