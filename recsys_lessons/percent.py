"""Формат percent: файл Python, в котором ячейки начинаются строкой ``# %%``.

Читает так же, как jupytext, который строит из файла тетрадь; совпадение проверяет
``tests/test_models.py``. Сам jupytext здесь не нужен: он втрое дольше загружается, чем исполняется
любая модель. Не поддержаны только ячейки на других языках (``language="bash"``).
"""

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# Те же правила, что в jupytext: cell_reader.py, cell_metadata.py и magics.py.
_MARKER = re.compile(r"^\s*#\s*%%(?P<depth>%*)\s(?P<options>.*)$")
_BARE_MARKER = re.compile(r"^\s*#\s*(%%|<codecell>|In\[[0-9 ]*\]:?)\s*$")
_FENCE = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_ENCODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*[-_.a-zA-Z0-9]+")
_ESCAPED_START = re.compile(r"^(# |#)*(#|# )\+")
_MAGIC = re.compile(
    r"""^\s*(\#[ ]|\#)*%{1,3}[a-zA-Z]                                    # %time, %%time
    |^\s*(?:(?:\#[ ]|\#)+\s*)?(\?|!)\s*[A-Za-z.~$\\/{}]                   # ?help, !command
    |^(\#[ ]|\#)*\s*([a-zA-Z_][a-zA-Z_$0-9]*)\s*=\s*(%{1,3}|!)[a-zA-Z]    # files = !ls
    |^\s*(\#[ ])*[^\s]*\?\s*$                                             # help?
    |^(\#[ ]|\#)*(cat|cd|cp|mv|rm|rmdir|mkdir|copy|ddir|echo|ls|ldir|ren)($|\s$|\s[^=,])""",
    re.VERBOSE,
)
_VERBATIM = "verbatim"


@dataclass(frozen=True)
class Cell:
    """Ячейка урока.

    :param kind: ``"code"``, ``"markdown"`` или ``"raw"``
    :param tags: метки
    :param first: номер первой строки содержимого в файле, от единицы
    :param source: содержимое; у текста знаки комментария сняты
    :param metadata: всё, что написано в заголовке ячейки, кроме вида: ``tags``, ``id``, ``title``
    """

    kind: str
    tags: tuple[str, ...]
    first: int
    source: str
    metadata: dict[str, Any] = field(default_factory=dict, compare=False)


def cells(text: str) -> list[Cell]:
    """Ячейки файла в формате percent, по порядку. Заголовок файла не входит."""
    lines = text.splitlines()
    header, first, start = _header(lines)
    result = [Cell("raw", (), first + 1, "\n".join(header))] if header else []
    while start < len(lines):
        kind, metadata = _options(lines[start])
        stop = _next_marker(lines, start, kind)
        first = start + (1 if _is_marker(lines[start]) else 0)
        body = lines[first : max(first, stop - _blank_lines(lines[start:stop]))]
        source = _quoted(body) if not _active("py", metadata, kind == "code") else None
        if source is not None:
            opening = next(i for i, line in enumerate(body) if line.strip())
            first += opening + (body[opening].strip().lower().lstrip("r") in ('"""', "'''"))
        else:
            source = _content(body, kind, metadata)
        tags = metadata.get("tags", ())
        tags = tuple(tags) if isinstance(tags, list) else ()
        kind = "raw" if kind == _VERBATIM else kind
        result.append(Cell(kind, tags, first + 1, "\n".join(source), metadata))
        start = stop
    return result


def _is_marker(line: str) -> bool:
    return bool(_MARKER.match(line) or _BARE_MARKER.match(line))


def _header(lines: Sequence[str]) -> tuple[list[str], int, int]:
    """Чужие строки заголовка YAML, если они есть, и где начинаются заголовок и ячейки."""
    start = 0
    foreign: list[str] = []
    opened = inside_jupyter = False
    opening = 0
    for number, line in enumerate(lines):
        coding = number == 0 or (number == 1 and not _ENCODING.match(lines[0]))
        if (number == 0 and line.startswith("#!")) or (coding and _ENCODING.match(line)):
            start = number + 1
            continue
        if not line.startswith("#"):
            break
        line = _uncommented(line)
        if re.match(r"^---\s*$", line):
            if opened:
                blank = number + 1 < len(lines) and not _uncommented(lines[number + 1]).strip()
                header = ["---", *foreign, "---"] if foreign else []
                return header, opening, number + 1 + blank
            opened, opening = True, number
            continue
        if not opened and line.strip():
            break
        if re.match(r"^jupyter\s*:\s*$", line):
            inside_jupyter = True
        elif line and not re.match(r"^\s", line):
            inside_jupyter = False
        if not inside_jupyter:
            foreign.append(line)
    return [], start, start


def _options(line: str) -> tuple[str, dict[str, Any]]:
    """Вид ячейки и её метаданные по строке заголовка."""
    if not _MARKER.match(line):
        return "code", {}
    options = line[line.find("%%") + 2 :].strip()
    brace, equal = options.find("{"), options.find("=")
    if brace >= 0 and not 0 <= equal < brace:
        title = options[:brace].strip()
        try:
            metadata = _value(options[brace:])
        except (ValueError, SyntaxError):
            metadata = {}
    else:
        words = (options[:equal] if equal >= 0 else options).split(" ")
        if equal >= 0:
            while words and not words[-1]:
                words.pop()
            words = words[:-1]
        while words and (not words[-1].strip() or words[-1].startswith(".")):
            words.pop()
        title = " ".join(words)
        metadata = _pairs(options[len(title) :])
    kind = metadata.pop("cell_type", None)
    for name in ("markdown", "raw", "md"):
        if f"[{name}]" in title:
            title = title.replace(f"[{name}]", "").strip()
            kind = "markdown" if name == "md" else name
            break
    if title := title.lstrip("%").strip():
        metadata["title"] = title
    if kind:
        return kind, metadata
    if _active("ipynb", metadata, True):
        return "code", metadata
    if metadata.get("active") == "":
        del metadata["active"]
    # Ячейка файла, а не тетради: в тетради её код остаётся как есть, без исполнения.
    return _VERBATIM if _active("py", metadata, True) else "raw", metadata


def _pairs(text: str) -> dict[str, Any]:
    """Разбор ``ключ=значение ключ=значение``; справа налево, как в jupytext."""
    text = text.strip()
    if not text:
        return {}
    space = text.rfind(" ")
    if not text.startswith("--") and re.match(r"^[a-zA-Z_.]+[a-zA-Z0-9_.]*$", text[space + 1 :]):
        return {text[space + 1 :]: None, **(_pairs(text[:space]) if space > 0 else {})}
    equal = len(text)
    while (equal := text.rfind("=", 0, equal)) >= 0:
        space = text[:equal].rstrip().rfind(" ")
        key = text[space + 1 : equal].strip()
        if re.match(r"^[a-zA-Z0-9_.@/-]+$", key):
            try:
                value = _value(text[equal + 1 :])
            except (ValueError, SyntaxError):
                continue
            return {**(_pairs(text[:space]) if space > 0 else {}), key: value}
    return {}


def _value(text: str) -> Any:
    text = text.strip()
    try:
        return json.loads(text)
    except ValueError:
        return ast.literal_eval(text)


def _active(extension: str, metadata: dict[str, Any], default: bool) -> bool:
    """Действует ли ячейка в файле с таким расширением (метки ``active-py``, ``active-ipynb``)."""
    if (metadata.get("run_control") or {}).get("frozen") is True:
        return extension == "ipynb"
    for tag in metadata.get("tags") or ():
        if tag.startswith("active-"):
            return extension in tag.split("-")
    if "active" not in metadata:
        return default
    return extension in re.split(r"\.|,", metadata["active"])


def _next_marker(lines: Sequence[str], start: int, kind: str) -> int:
    """Номер строки, с которой начинается следующая ячейка."""
    plain = lines if kind == _VERBATIM else [_uncommented(line) for line in lines]
    quotes = _Quotes()
    fence: re.Match[str] | None = None
    for number in range(start, len(lines)):
        line, inside = lines[number], quotes.triple
        quotes.read(line)
        if inside:
            continue
        if fence:
            fence = None if _closes(plain[number], fence) else fence
            continue
        if kind != "code" and (fence := _opening(plain[number])):
            if any(_closes(line, fence) for line in plain[number + 1 :]):
                continue
            fence = None
        if number > start and _is_marker(line):
            return number
    return len(lines)


def _opening(text: str) -> re.Match[str] | None:
    """Строка, открывающая блок кода в тексте."""
    match = _FENCE.match(text)
    return None if match and match["fence"][0] == "`" and "`" in match["info"] else match


def _closes(text: str, fence: re.Match[str]) -> bool:
    match = _FENCE.match(text)
    return bool(match and match["fence"].startswith(fence["fence"]) and not match["info"].strip())


class _Quotes:
    """Начинается ли следующая строка внутри строки в тройных кавычках."""

    def __init__(self) -> None:
        self.triple = ""

    def read(self, line: str) -> None:
        if not self.triple and line.lstrip().startswith("#"):
            return
        single, last = "", -1
        for i, char in enumerate(line):
            if char == "#" and not single and not self.triple:
                return
            if char not in "\"'" or line[i - 1 : i] == "\\":
                continue
            if single:
                single = "" if single == char else single
            elif line[i - 2 : i + 1] == 3 * char and i >= last + 3:
                if self.triple in ("", char):
                    self.triple, last = "" if self.triple else char, i
            elif not self.triple:
                single = char


def _blank_lines(lines: Sequence[str]) -> int:
    """Сколько пустых строк в конце отделяют ячейку от следующей."""
    if len(lines) > 2 and lines[-3].strip() and not lines[-2].strip() and not lines[-1].strip():
        return 2
    return int(bool(lines) and lines[-1] == "")


def _uncommented(line: str) -> str:
    return line[2:] if line.startswith("# ") else line.removeprefix("#")


def _quoted(body: Sequence[str]) -> list[str] | None:
    """Текст ячейки, записанной одной строкой в тройных кавычках."""
    content = "\n".join(body).strip()
    for left in ('"""', "'''", 'r"""', "r'''", 'R"""', "R'''"):
        right = left[-3:]
        if content.startswith(left) and content.endswith(right) and len(content) >= len(left) + 3:
            content = content[len(left) : -3]
            return content.removeprefix("\n").removesuffix("\n").splitlines()
    return None


def _content(body: Sequence[str], kind: str, metadata: dict[str, Any]) -> list[str]:
    """Содержимое без знаков комментария: у текста — у всех строк, у кода — у команд IPython."""
    if not _active("py", metadata, True):
        return [_uncommented(line) for line in body]
    lines = _without_escapes(body)
    if kind == "code":
        return _without_escaped_starts(lines)
    return lines if kind == _VERBATIM else [_uncommented(line) for line in lines]


def _without_escapes(body: Sequence[str]) -> list[str]:
    """Команды IPython, закомментированные в файле, такие же, как в тетради."""
    result, quotes, continued = [], _Quotes(), False
    for line in body:
        escaped = not quotes.triple and (continued or _is_magic(line))
        if escaped:
            continued = bool(re.match(r".*\\\s*$", line))
        quotes.read(line)
        result.append(_unescaped(line) if escaped else line)
    return result


def _without_escaped_starts(body: Sequence[str]) -> list[str]:
    """Строки ``# # +``: так в файле записан комментарий, похожий на начало ячейки формата light."""
    result, quotes = [], _Quotes()
    for line in body:
        escaped = not quotes.triple and _ESCAPED_START.match(line)
        quotes.read(line)
        shorter = _unescaped(line)
        result.append(shorter if escaped and _ESCAPED_START.match(shorter) else line)
    return result


def _unescaped(line: str) -> str:
    text = line.lstrip()
    return line[: len(line) - len(text)] + _uncommented(text)


def _is_magic(line: str) -> bool:
    if re.match(r"^\s*(# |#)*%{1,3}[a-zA-Z](.*)#\s*noescape", line):
        return False
    return bool(_MAGIC.match(line))
