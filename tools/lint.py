"""Проверки текста уроков: строение, имена, слова и обозначения, числа в тексте.

Здесь только то, что бывает верно или неверно; о вкусе сказано в CONTRIBUTING.md.

Каждая функция возвращает список замечаний; пустой список — замечаний нет.
"""

import ast
import io
import re
import symtable
import tokenize
from pathlib import Path

import nbformat

from recsys_lessons.lessons import Cell, cells
from tools.notebooks import FOLDER, ROOT, output_text

SECTIONS = [
    "Идея на пальцах",
    "От идеи к формуле",
    "Алгоритм целиком",
    "Сверка",
    "Настоящие данные",
    "Рычаги",
    "Типичные ошибки",
    "Цена",
    "Проверьте себя",
    "Итоги",
]
CLOSING = ["Проверьте себя", "Итоги"]
SUCCESSOR = "Углубление. Что было потом"
CARD = ["Что сделаем", "Чему научимся", "Что нужно знать", "Время", "Статья"]

_SKIPPED = {"deep", "task", "answer"}  # метки того, что можно пропустить
MIN_QUESTIONS = 3
N_TASKS = 2


def is_handbook(source: Path) -> bool:
    """Справочник: блоки без строения урока."""
    return source.stem.startswith("A_")


def is_introduction(source: Path) -> bool:
    """Урок без своего алгоритма (00…, 09, 10): разделы свои, карточка и концовка общие."""
    return source.stem[:2] in ("00", "09", "10")


def anatomy_problems(source: Path) -> list[str]:
    """Строение урока: карточка, разделы, модельные ячейки, задания."""
    lesson = cells(source.read_text(encoding="utf-8"))
    problems = _cell_problems(lesson)
    if not is_handbook(source):
        problems += _card_problems(lesson)
        problems += _section_problems(lesson, CLOSING if is_introduction(source) else SECTIONS)
        problems += _task_problems(lesson)
    if not is_handbook(source) and not is_introduction(source):
        problems += _model_section_problems(lesson)
    return [f"{source.name}: {problem}" for problem in problems]


def _cell_problems(lesson: list[Cell]) -> list[str]:
    problems = []
    code = [cell for cell in lesson if cell.kind == "code"]
    defined: dict[str, int] = {}
    for cell in code:
        where = f"строка {cell.first}"
        if cell.source.rstrip().endswith(";"):
            problems.append(f"{where}: точка с запятой в конце ячейки")
        if re.search(r"\bplt\.subplots\(|\bplt\.figure\(", cell.source) and not (
            cell.source.rstrip().endswith("plt.show()") or _only_defines(cell)
        ):
            problems.append(f"{where}: ячейка с рисунком кончается plt.show()")
        for name, line in _definitions(cell):
            if name in defined:
                problems.append(f"строка {line}: {name} уже определено в строке {defined[name]}")
            defined[name] = line
        if "model" in cell.tags:
            problems += [
                f"строка {cell.first + node.lineno - 1}: в модельной ячейке не только определения"
                for node in ast.parse(cell.source).body
                if not isinstance(
                    node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
                )
            ]
    for before, cell in zip([None, *lesson], lesson, strict=False):
        starts = "deep" in cell.tags and (before is None or "deep" not in before.tags)
        if starts and not re.match(r"#+ Углубление", cell.source):
            problems.append(
                f"строка {cell.first}: раздел с меткой deep начинается заголовком «Углубление»"
            )
    return problems


def reading_minutes(lesson: list[Cell]) -> int:
    """Минут чтения, до пяти: 120 слов в минуту, формула строкой — 30 с, строка кода — 6 с."""
    minutes = 0.0
    for cell in lesson:
        if cell.kind == "code":
            minutes += 0.1 * sum(bool(line.strip()) for line in cell.source.splitlines())
            continue
        formulas = re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", cell.source, flags=re.DOTALL)
        text = re.sub(r"\$\$.+?\$\$|\$[^$\n]+\$", " слово слово ", cell.source, flags=re.DOTALL)
        minutes += 0.5 * sum(formula.startswith("$$") for formula in formulas)
        minutes += len(re.findall(r"[^\W\d_]+", text)) / 120
    return 5 * round(minutes / 5)


def time_problems(source: Path) -> list[str]:
    """Время чтения в карточке — по одному правилу для всех уроков."""
    lesson = cells(source.read_text(encoding="utf-8"))
    minutes, text = reading_minutes(lesson), "\n".join(cell.source for cell in lesson)
    stated = re.search(r"\*\*Время\.?\*\*[ |]*(\d+) минут", text)
    if stated and int(stated[1]) == minutes:
        return []
    return [f"{source.name}: время чтения в карточке — {minutes} минут по правилу, а не как сейчас"]


def _card_problems(lesson: list[Cell]) -> list[str]:
    first_section = next(
        (n for n, cell in enumerate(lesson) if cell.source.startswith("## ")), len(lesson)
    )
    opening = lesson[:first_section]
    text = "\n".join(cell.source for cell in opening if cell.kind == "markdown")
    problems = []
    missing = [item for item in CARD if f"**{item}" not in text]
    if missing:
        problems.append(f"в карточке нет: {', '.join(missing)}")
    if not any(cell.kind == "code" and "print" in cell.source for cell in opening):
        problems.append("до первого раздела нет результата: урок начинается со списка рекомендаций")
    return problems


def _headings(lesson: list[Cell], level: int = 2) -> list[str]:
    return [
        match
        for cell in lesson
        if cell.kind == "markdown"
        for match in re.findall(rf"^{'#' * level} (.+)$", cell.source, flags=re.MULTILINE)
    ]


def _section_problems(lesson: list[Cell], expected: list[str]) -> list[str]:
    headings = _headings(lesson)
    if expected == CLOSING:
        headings = headings[-len(CLOSING) :]
    return [] if headings == expected else [f"разделы {headings}, а должны быть {expected}"]


def _section(lesson: list[Cell], title: str) -> list[Cell]:
    """Ячейки раздела второго уровня."""
    inside = False
    found = []
    for cell in lesson:
        if cell.kind == "markdown" and re.search(r"^## ", cell.source, flags=re.MULTILINE):
            inside = title in _headings([cell])
        if inside:
            found.append(cell)
    return found


def _model_section_problems(lesson: list[Cell]) -> list[str]:
    problems = []
    whole = _section(lesson, "Алгоритм целиком")
    allowed = [*_section(lesson, "От идеи к формуле"), *whole]
    # Преемник алгоритма — тоже модель: его класс проверяют тесты и мутанты.
    allowed += [cell for cell in _section(lesson, "Цена") if "deep" in cell.tags]
    model = [cell for cell in lesson if "model" in cell.tags]
    for cell in model:
        if cell not in allowed:
            problems.append(f"строка {cell.first}: модельная ячейка вне раздела об алгоритме")
    classes = [
        (cell, node.name)
        for cell in model
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    if not any(cell in whole for cell, _ in classes):
        problems.append("в разделе «Алгоритм целиком» нет модельной ячейки с классом")
    return problems


def _task_problems(lesson: list[Cell]) -> list[str]:
    problems = []
    kinds = [("task" in cell.tags, "answer" in cell.tags) for cell in lesson if cell.kind == "code"]
    tasks = sum(task for task, _ in kinds)
    if tasks != N_TASKS:
        problems.append(f"заданий «Попробуйте сами» {tasks}, а нужно {N_TASKS}")
    for (task, _), (_, answer) in zip(kinds, [*kinds[1:], (False, False)], strict=True):
        if task and not answer:
            problems.append("за ячейкой задания нет ячейки с меткой answer")
    questions = sum(cell.source.count("<details>") for cell in _section(lesson, "Проверьте себя"))
    if questions < MIN_QUESTIONS:
        problems.append(f"вопросов с ответом под <details> {questions}, нужно {MIN_QUESTIONS}")
    return problems


def heading_problems(source: Path) -> list[str]:
    """Названия устроены одинаково; в заголовках нет формул: оглавление JupyterLab их не рисует."""
    lesson = cells(source.read_text(encoding="utf-8"))
    problems = [
        f"заголовок «{heading}»: вместо формулы пишите знак («λ₂», «β»), в оглавлении её не видно"
        for cell in lesson
        if cell.kind == "markdown"
        for heading in re.findall(r"^#+ (.*\$.*)$", cell.source, flags=re.MULTILINE)
    ]
    title = lesson[0].source.partition("\n")[0] if lesson else ""
    number = source.stem.split("_")[0]
    if not re.match(rf"# {number}\. [^:]+: \S", title):
        problems.append(f"название «{title}», а нужно «# {number}. Название: мысль»")
    return [f"{source.name}: {problem}" for problem in problems]


def skipped_name_problems(source: Path) -> list[str]:
    """Имена, без которых основной части не обойтись, а определены они там, что можно пропустить."""
    code = [cell for cell in cells(source.read_text(encoding="utf-8")) if cell.kind == "code"]
    core = [cell for cell in code if not _SKIPPED & set(cell.tags)]
    skipped: dict[str, str] = {}
    for cell in code:
        for tag in _SKIPPED & set(cell.tags):
            skipped |= dict.fromkeys(_assigned(cell), f"{tag}, строка {cell.first}")
    anywhere = {name for cell in core for name in _assigned(cell)}
    so_far: set[str] = set()
    problems = []
    for cell in core:
        so_far |= _assigned(cell)
        at_once, later = _globals_read(cell)
        lost = sorted((at_once - so_far | later - anywhere) & skipped.keys())
        if lost:
            names = ", ".join(f"{name} ({skipped[name]})" for name in lost)
            problems.append(
                f"{source.name}: строка {cell.first}: основная часть берёт из того, что можно "
                f"пропустить: {names}"
            )
    return problems


def _assigned(cell: Cell) -> set[str]:
    """Имена, которые ячейка задаёт."""
    table = symtable.symtable(cell.source, "ячейка", "exec")
    return {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}


def _globals_read(cell: Cell) -> tuple[set[str], set[str]]:
    """Глобальные имена, которые ячейка читает: сразу и при вызове её функций."""
    table = symtable.symtable(cell.source, "ячейка", "exec")
    at_once = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    later: set[str] = set()
    queue = table.get_children()
    while queue:
        inner = queue.pop()
        queue += inner.get_children()
        later |= {s.get_name() for s in inner.get_symbols() if s.is_global() and s.is_referenced()}
    return at_once, later


def output_problems(source: Path) -> list[str]:
    """Рядом с каждым выводом есть текст, который его объясняет."""
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    padded = [None, *notebook.cells, None]
    return [
        f"{source.name}: вывод ячейки {number} не объяснён: рядом нет текста"
        for number, (before, cell, after) in enumerate(
            zip(padded, padded[1:], padded[2:], strict=False), start=1
        )
        if cell is not None
        and cell.get("outputs")
        and not {"task", "answer"} & set(cell.metadata.get("tags", []))
        and not any(near and near.cell_type == "markdown" for near in (before, after))
    ]


# --- Числа в тексте -------------------------------------------------------------------------------

_NUMBER = re.compile(r"(?<![\w.,])\d+[.,]\d+(?![\w]|[.,]\d)")
SOURCE = re.compile(
    r"\]\(https?://|arXiv|doi\.org|"
    r"\b(?:WWW|RecSys|KDD|SIGIR|WSDM|ICDM|CIKM|UMAP|UAI|ICLR|NeurIPS|TOIS|TORS|TiiS)\b"
)


def prose_problems(source: Path) -> list[str]:
    """Десятичные числа в тексте: есть в выводе или в коде той же тетради, либо назван источник."""
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    known = set()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            known |= _literals(cell.source)
            for output in cell.get("outputs", []):
                text = output_text(output) + _html(output)
                known |= {number.replace(",", ".") for number in _NUMBER.findall(text)}
    return [
        f"{source.name}: число {number} в тексте не встречается в выводе и источник не назван: "
        f"«{_clip(sentence, number)}»"
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for sentence in sentences(cell.source)
        if not SOURCE.search(sentence)
        for number in _NUMBER.findall(sentence)
        if number.replace(",", ".") not in known
    ]


def _html(output: nbformat.NotebookNode) -> str:
    html = output.get("data", {}).get("text/html", "")
    return " " + re.sub(r"<[^>]+>", " ", html)


def _literals(code: str) -> set[str]:
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {token.string for token in tokens if token.type == tokenize.NUMBER}


def sentences(markdown: str) -> list[str]:
    """Предложения; строка таблицы и пункт списка — сами по себе. Код не входит."""
    text = re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)
    text = re.sub(r"`[^`]*`", "", text).replace("{,}", ",")
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*|]|\d+\. ))", text)
    return [
        sentence
        for block in blocks
        for sentence in re.split(r"(?<=[.!?…:;])\s+(?=[А-ЯЁA-Z«*$])", block.replace("\n", " "))
        if sentence.strip()
    ]


def _clip(sentence: str, number: str) -> str:
    place = sentence.find(number)
    return sentence[max(0, place - 40) : place + 40].strip()


# --- Слова и обозначения --------------------------------------------------------------------------

_ENDINGS = "(?:а|у|ом|ем|е|ы|и|ов|ев|ей|ам|ами|ах|ь|ью|ям|ями|ях)?"
# Слово, запрещённое в одном значении и уместное в другом: что должно стоять рядом.
EXCEPTIONS = {
    "элемент": r"элемент\w* (?:\w+ )?(?:матриц|вектор|диагонал|строк|столбц|таблиц|массив)",
    "ранг": r"ранг\w* (?:\w+ )?матриц|матриц\w*[^.]*ранг",
    "рейтинг": r"$^",
}
# Обозначение → уроки, где оно разрешено. Проверяются только формулы.
SYMBOLS = {
    r"\\alpha(?!_0)": ("02",),
    r"\\beta\b": ("06",),
    r"\\rho\b": ("08",),
    r"\\lambda(?!_[12u])": (),
}


def glossary() -> dict[str, list[str]]:
    """Термин → слова, которые вместо него не употребляют: таблица словаря из A_handbook.

    :raises ValueError: таблица не найдена
    """
    text = (FOLDER / "A_handbook.py").read_text(encoding="utf-8")
    found = re.search(r"^# \| Термин \|.*\n# \|[-| ]+\|\n((?:# \|.*\n)+)", text, re.MULTILINE)
    if not found:
        raise ValueError("В A_handbook.py нет таблицы «| Термин | … |»: словарь берётся оттуда.")
    terms = {}
    for row in found[1].splitlines():
        columns = [column.strip() for column in row.strip("# |").split("|")]
        words = re.findall(r"[а-яё]+(?: [а-яё]+)?", columns[2]) if len(columns) > 2 else []
        terms[columns[0]] = words
    return terms


def word_problems(path: Path, terms: dict[str, list[str]]) -> list[str]:
    """Слова вне словаря в уроке, пакете или документе."""
    problems = []
    text = path.read_text(encoding="utf-8")
    # Сама таблица словаря называет эти слова.
    text = re.sub(r"^# \|.*$", "", text, flags=re.MULTILINE)
    for term, words in terms.items():
        for word in words:
            for match in re.finditer(_word_pattern(word), text, flags=re.IGNORECASE):
                around = text[max(0, match.start() - 60) : match.end() + 60]
                exception = EXCEPTIONS.get(word)
                if exception and re.search(exception, around, flags=re.IGNORECASE):
                    continue
                line = text.count("\n", 0, match.start()) + 1
                problems.append(
                    f"{path.relative_to(ROOT)}:{line}: «{match.group()}» — пишем «{term}»"
                )
    return problems


def _word_pattern(word: str) -> str:
    stems = [re.sub(r"[аьй]$", "", part) for part in word.split()]
    if len(stems) == 1:
        return rf"\b{stems[0]}{_ENDINGS}\b"
    return r"\b" + r"\s+".join(rf"{re.sub('ая|ый', '', stem)[:-1]}\w+" for stem in stems) + r"\b"


def symbol_problems(source: Path) -> list[str]:
    """Обозначения в формулах: одна буква — одно понятие."""
    problems = []
    number = source.stem[:2]
    for cell in cells(source.read_text(encoding="utf-8")):
        if cell.kind != "markdown" or "| Обозначение |" in cell.source:
            continue
        formulas = re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", cell.source, flags=re.DOTALL)
        for pattern, allowed in SYMBOLS.items():
            if number in allowed:
                continue
            for formula in formulas:
                if re.search(pattern, formula):
                    problems.append(
                        f"{source.name}: в формуле {formula!r} обозначение {pattern!r} "
                        "занято другим понятием"
                    )
    return problems


def _definitions(cell: Cell) -> list[tuple[str, int]]:
    return [
        (node.name, cell.first + node.lineno - 1)
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]


def _only_defines(cell: Cell) -> bool:
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
    return all(isinstance(node, kinds) for node in ast.parse(cell.source).body)
