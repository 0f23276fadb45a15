"""«Паспорт»: для каждого урока страница, на которой видно, чем подтверждено написанное.

Всё берётся из уроков, собранных тетрадей, сохранённых результатов и записей о прогонах
(:mod:`web.passport.records`); ничего не напечатано руками. Чего нет, то так и показано.
"""

import html
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from recsys_lessons import lessons
from web.passport import records
from web.passport.facts import Check, Definition, Formula, Lesson, figures

OK, BAD, NONE = "подтверждено", "не сходится", "нет"
MARKS = {OK: "pass-ok", BAD: "pass-bad", NONE: "pass-none"}
INDEX = "passport"
NO_SOURCE = "в уроке не названо"
ABSENT = "—"
NO_FIGURE = "числа, которое можно повторить на доступных данных, нет"
NO_CHECK = "сверки в разделе нет"


class Options(Protocol):
    """Что нужно от сборки сайта: куда класть страницы и где уроки."""

    @property
    def source(self) -> Path: ...
    @property
    def notebooks(self) -> Path: ...


def lay(options: Options) -> list[str]:
    """Написать страницы паспорта; их имена по порядку."""
    read = [Lesson(path) for path in sorted(options.notebooks.glob("*.py"))]
    pages = {INDEX: "".join(index(read))}
    pages |= {page_name(lesson.name): "".join(page(lesson)) for lesson in read}
    for name, text in pages.items():
        (options.source / f"{name}.md").write_text(text, encoding="utf-8")
    return list(pages)


def page_name(lesson: str) -> str:
    return f"{INDEX}_{lesson}"


# ------------------------------------------------------------------------------------ оглавление


@dataclass(frozen=True)
class Line:
    """Строка оглавления: сколько подтверждено из скольких и что не сходится."""

    shares: list[str]
    comparisons: int
    problems: list[str]


def summary(lesson: Lesson) -> Line:
    """Итоги урока."""
    found = [
        share([bool(formula.checks) for formula in lesson.formulas]),
        share([not check.problem for check in lesson.checks]),
    ]
    for kind in ("mutants", "portability"):
        record, problem = records.read(kind, lesson.name)
        if record is None:
            found.append(problem or ABSENT)
        elif kind == "mutants":
            found.append(share([not mutant["problem"] for mutant in record["mutants"]]))
        else:
            found.append(share([v == records.SAME for v in record["settings"].values()]))
    found.append(share([not stored.problem for stored in lesson.stored]))
    pairs = len(lesson.comparisons) + sum(map(n_pairs, lesson.fair_groups))
    return Line(found, pairs, list(problems(lesson)))


def libraries(lesson: Lesson) -> tuple[list[dict[str, Any]], str]:
    """Отличия библиотек, относящиеся к уроку, и чем негоден их файл."""
    fields = ("lesson", "library", "version", "claim", "ours", "theirs", "date", "holds")
    known, problem = records.rows(records.FOLDER / "libraries.json", fields)
    return [one for one in known if one["lesson"] == lesson.name], problem


def share(found: list[bool]) -> str:
    return f"{sum(found)} из {len(found)}" if found else ABSENT


def n_pairs(group: tuple[int, str]) -> int:
    """Сколько пар в группе моделей с одним бюджетом."""
    return math.comb(group[1].count(", ") + 1, 2)


def problems(lesson: Lesson) -> Iterator[str]:
    """Что в уроке не сходится или устарело, по фразе на каждое."""
    if lesson.problem:
        yield f"тетрадь: {lesson.problem}"
    for check in lesson.checks:
        if check.problem:
            yield f"сверка «{check.name}»: {check.problem}"
    for stored in lesson.stored:
        if stored.problem:
            yield f"результат {stored.name}: {stored.problem}"
    for comparison in lesson.comparisons:
        if not comparison.difference:
            yield f"сравнение {comparison.first} и {comparison.second}: разности в выводе нет"
    for kind, title in (("mutants", "порча кода"), ("tests", "тесты"), ("portability", "цифры")):
        record, problem = records.read(kind, lesson.name)
        if problem:
            yield f"{title}: {problem}"
        if record and kind == "mutants":
            for mutant in record["mutants"]:
                if mutant["problem"]:
                    yield f"порча кода: не замечена «{mutant['new']}»"
        if record and kind == "tests" and record["failed"]:
            yield f"тесты: не прошли {record['failed']}"
        if record and kind == "portability":
            for setting, found in record["settings"].items():
                if found == records.OTHER:
                    yield f"цифры: {setting} — отличаются"

    found, problem = libraries(lesson)
    if problem:
        yield f"библиотеки: {problem}"
    for one in found:
        if not one["holds"]:
            yield f"{one['library']} {one['version']}: больше не так: {one['claim']}"
    _, problem = papers(lesson)
    if problem:
        yield f"числа статей: {problem}"


def index(read: list[Lesson]) -> Iterator[str]:
    """Первая страница паспорта."""
    yield (
        "# Паспорт: чем подтверждён каждый урок\n\n"
        "Страницы паспорта собраны из самих уроков, из их сохранённых выводов и из датированных "
        "записей о прогонах. Руками здесь не написано ничего. Чего нет, о том так и сказано; "
        "прочерк значит, что такого в уроке не бывает.\n\n"
        "- **Формулы** — сколько из выключных формул урока сверено в том же разделе.\n"
        "- **Сверки** — сколько из них напечатали в тетради то, что обещает исходник.\n"
        "- **Порча** — сколько намеренных ошибок в коде замечено тестами.\n"
        "- **Процессоры** — при скольких других настройках вывод тот же до последней цифры.\n"
        "- **Хранится** — сколько сохранённых результатов целы.\n\n"
        '<div class="wide">\n\n'
        "| Урок | Формулы | Сверки | Порча | Процессоры | Хранится | Сравнения | Вопросы |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    found = {lesson.name: summary(lesson) for lesson in read}
    for lesson in read:
        line = found[lesson.name]
        shares = " | ".join(line.shares)
        asked = mark(BAD, str(len(line.problems))) if line.problems else mark(OK, "0")
        title = cell(lesson.title.partition(":")[0])
        yield f"| [{title}]({page_name(lesson.name)}.md) | {shares} | {line.comparisons} | "
        yield f"{asked} |\n"
    yield "\n</div>\n"
    asked_of = [lesson for lesson in read if found[lesson.name].problems]
    if asked_of:
        yield "\n## Что не сходится или устарело\n\n"
    for lesson in asked_of:
        for problem in found[lesson.name].problems:
            yield f"- [{lesson.name}]({page_name(lesson.name)}.md): {cell(problem)}\n"


# ------------------------------------------------------------------------------- страница урока


def page(lesson: Lesson) -> Iterator[str]:
    """Паспорт урока."""
    yield f"# Паспорт урока {lesson.title}\n\n"
    yield f"Урок: [{lesson.name}]({lesson.name}.ipynb). Все паспорта: [список]({INDEX}.md).\n\n"
    asked = list(problems(lesson))
    yield f"Не сходится или устарело: {len(asked) or mark(OK, 'ничего')}.\n\n"
    yield "".join(f"- {mark(BAD, problem)}\n" for problem in asked) + "\n"
    yield from _formulas(lesson)
    yield from _checks(lesson)
    yield from _tests(lesson)
    yield from _mutants(lesson)
    yield from _portability(lesson)
    yield from _stored(lesson)
    yield from _comparisons(lesson)
    yield from _papers(lesson)
    yield from _libraries(lesson)


def _formulas(lesson: Lesson) -> Iterator[str]:
    yield "## Формулы\n\n"
    if not lesson.formulas:
        yield f"{NONE}\n\n"
    for number, formula in enumerate(lesson.formulas, start=1):
        yield f"### {number}. {formula.heading or 'Начало урока'}\n\n$$\n{formula.tex}\n$$\n\n"
        yield f"- Где в статье: {'; '.join(sources(formula)) or mark(NONE, NO_SOURCE)}\n"
        yield f"- Код: {'; '.join(map(place, formula.code)) or mark(NONE, NONE)}\n"
        if not formula.checks:
            yield f"- Сверка: {mark(NONE, NO_CHECK)}\n"
        for check in formula.checks:
            yield f"- Сверка: {described(check)}\n"
        yield "\n"


def sources(formula: Formula) -> list[str]:
    """Источники: из текста раздела и из докстрингов кода, без повторов."""
    found = [*formula.source, *(s for d in formula.code for s in d.source)]
    return [cell(source) for source in dict.fromkeys(found)]


def place(definition: Definition) -> str:
    return f"`{definition.name}`, строка {definition.line}"


def described(check: Check) -> str:
    """Сверка одной строкой: что, с чем, чем кончилась."""
    libraries = f"; рядом {', '.join(check.libraries)}" if check.libraries else ""
    verdict = mark(BAD, check.problem) if check.problem else mark(OK, check.verdict)
    return f"{cell(check.name)} (строка {check.line}{libraries}): {verdict}"


def _checks(lesson: Lesson) -> Iterator[str]:
    yield "## Сверки\n\n"
    if not lesson.checks:
        yield f"{NONE}\n\n"
        return
    yield "Строка — место вызова в исходнике урока. Граница взята из вывода и сверена с кодом.\n\n"
    rows = (
        f"{cell(c.heading)} | {cell(c.name)} | {c.line} | {', '.join(c.libraries) or 'свой счёт'} "
        f"| {mark(BAD, c.problem) if c.problem else cell(c.verdict)}"
        for c in lesson.checks
    )
    yield from table("Раздел | Сверка | Строка | Чем проверено | Итог", rows)


def _tests(lesson: Lesson) -> Iterator[str]:
    record, problem = records.read("tests", lesson.name)
    if record is None and not problem:
        return
    yield "## Тесты урока\n\n"
    path = records.tests_of(lesson.name)
    libraries = ", ".join(independent(path)) or "нет"
    yield f"Файл `tests/{path.name}`; независимые библиотеки в нём: {libraries}.\n\n"
    if record is None:
        yield f"Прогон: {mark(NONE, problem)}.\n\n"
        return
    words = f"прошло {record['passed']}, не прошло {record['failed']}"
    words += f", пропущено {record['skipped']}" if record["skipped"] else ""
    yield f"Прогон {dated(record)}: {mark(BAD if record['failed'] else OK, words)}"
    yield f" ({mark(BAD, problem)}).\n\n" if problem else ".\n\n"


def independent(path: Path) -> list[str]:
    """Библиотеки, которые импортирует файл тестов, кроме своих средств."""
    known = set(records.PACKAGES) | {"sklearn", "torch_geometric", "ranx", "statsmodels"}
    text = path.read_text(encoding="utf-8")
    found = set(re.findall(r"^\s*(?:from|import) (\w+)", text, re.M))
    return sorted((found & known) - {"numpy"})


def _mutants(lesson: Lesson) -> Iterator[str]:
    record, problem = records.read("mutants", lesson.name)
    if record is None and not problem:
        return
    yield "## Порча кода\n\n"
    if record is None:
        yield f"{mark(NONE, problem)}\n\n"
        return
    yield "Каждая строка кода ниже заменялась ошибочной. Названный тест обязан был упасть. "
    yield f"Прогон {dated(record)}"
    yield f" ({mark(BAD, problem)}).\n\n" if problem else ".\n\n"
    rows = (
        f"{code(m['old'])} | {code(m['new'])} | {code(m['test'].partition('::')[2])} | "
        f"{mark(BAD, 'не замечено') if m['problem'] else mark(OK, 'замечено')}"
        for m in record["mutants"]
    )
    yield from table("Было | Стало | Тест | Итог", rows)


def _portability(lesson: Lesson) -> Iterator[str]:
    record, problem = records.read("portability", lesson.name)
    yield "## Другие процессоры\n\n"
    if record is None:
        yield f"{mark(NONE, problem)}\n\n"
        return
    yield "Тетрадь исполнена заново с другими настройками, вывод сравнен с сохранённым. "
    yield f"Прогон {dated(record)}, {cell(record['machine'])}"
    yield f" ({mark(BAD, problem)}).\n\n" if problem else ".\n\n"
    marks = {records.SAME: OK, records.OTHER: BAD}
    rows = (
        f"{cell(title)} | {mark(marks.get(found, NONE), found)}"
        for title, found in record["settings"].items()
    )
    yield from table("Настройка | Итог", rows)


def _stored(lesson: Lesson) -> Iterator[str]:
    yield "## Сохранённые результаты\n\n"
    if not lesson.stored:
        yield "Урок всё считает при исполнении.\n\n"
        return
    yield "Ключ результата — весь код и данные, от которых он зависит; урок с устаревшим ключом "
    yield "останавливается. Пересчитать и сравнить: `make results`.\n\n"
    rows = (
        f"{code(s.name)} | {s.seconds:.0f} | {cell(versions(s.versions)) or NONE} | "
        f"{mark(BAD, s.problem) if s.problem else mark(OK, 'цел')}"
        for s in lesson.stored
    )
    yield from table("Результат | Секунд | Версии | Файл", rows)


def _comparisons(lesson: Lesson) -> Iterator[str]:
    yield "## Сравнения\n\n"
    for trials, names in lesson.fair_groups:
        yield f"Любая пара из этих моделей: по {trials} попыток подбора у каждой. {cell(names)}. "
        yield "Парные разности с поправкой на число пар — в самом уроке.\n\n"
    if not lesson.comparisons:
        yield "" if lesson.fair_groups else f"{NONE}\n\n"
        return
    yield "Бюджет — число попыток подбора; «первая − вторая» — парная разность на тестовой части "
    yield "и её стандартная ошибка.\n\n"
    rows = (
        f"{cell(c.first)} | {cell(c.second)} | {c.trials[0]} и {c.trials[1]} | "
        f"{c.difference.replace('.', ',') or mark(BAD, NONE)}"
        for c in lesson.comparisons
    )
    yield from table("Первая | Вторая | Попыток | Первая − вторая", rows)


def papers(lesson: Lesson) -> tuple[list[dict[str, Any]], str]:
    """Числа статей для моделей урока и чем негоден их файл."""
    return figures(lesson.path.parent / "results", _classes(lesson))


def _classes(lesson: Lesson) -> set[str]:
    classes = {name for name, owners in lessons.class_lessons().items()
               if records.model_of(lesson.name) in owners}  # fmt: skip
    classes |= {"Popularity"} if lesson.name.startswith("00a") else set()
    return classes


def _papers(lesson: Lesson) -> Iterator[str]:
    if not _classes(lesson):
        return
    found, problem = papers(lesson)
    yield "## Число статьи рядом с нашим\n\n"
    if not found:
        yield f"{mark(NONE, problem or NO_FIGURE)}\n\n"
        return
    yield "Наше — среднее по разбиениям и его разброс.\n\n"
    rows = (
        f"{cell(f['source'])} | {cell(f['model'])} | {cell(f['metric'])} | "
        f"{decimal(f['published'])} | {decimal(f['mean'])} ± {decimal(f['spread'])} | "
        f"{mark(OK, 'в пределах разброса') if f['agrees'] else mark(BAD, 'вне разброса')}"
        for f in found
    )
    yield from table("Статья | Модель | Метрика | В статье | У нас | Итог", rows)


def _libraries(lesson: Lesson) -> Iterator[str]:
    found, problem = libraries(lesson)
    if not found and not records.model_of(lesson.name):
        return
    yield "## Что другие библиотеки считают иначе\n\n"
    if not found:
        yield f"{mark(NONE, problem or 'записи нет')}\n\n"
        return
    yield "Каждое отличие проверено запуском; указаны версия и день.\n\n"
    rows = (
        f"{cell(one['library'])} {one['version']} | {cell(one['claim'])} | {cell(one['ours'])} | "
        f"{cell(one['theirs'])} | {one['date']} | "
        f"{mark(OK, OK) if one['holds'] else mark(BAD, 'больше не так')}"
        for one in found
    )
    yield from table("Библиотека | Что иначе | У нас | У неё | Проверено | Итог", rows)


# -------------------------------------------------------------------------------------- запись


def mark(kind: str, text: str) -> str:
    """Слово с цветом; смысл несёт само слово."""
    return f'<span class="{MARKS[kind]}">{cell(text)}</span>'


def cell(text: str) -> str:
    """Текст, который не сломает таблицу и разметку; формулы в долларах остаются."""
    parts = re.split(r"(\$[^$]+\$)", " ".join(text.split()))
    plain = (html.escape(part, quote=False) for part in parts[::2])
    safe = [re.sub(r"([|*_`\[\]\\])", r"\\\1", part) for part in plain]
    kept = [part.replace(r"\|", r"\Vert ").replace("|", r"\vert ") for part in parts[1::2]]
    mixed = [part for pair in zip(safe, [*kept, ""], strict=True) for part in pair]
    return "".join(mixed)


def code(text: str) -> str:
    """Код в ячейке таблицы: черту таблица понимает и внутри кода, если она экранирована."""
    shown = " ".join(text.split()).replace("|", r"\|")
    ticks = "``" if "`" in shown else "`"
    space = " " if ticks == "``" else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def table(head: str, rows: Iterator[str]) -> Iterator[str]:
    columns = head.count("|") + 1
    yield f'<div class="wide">\n\n| {head} |\n|{"---|" * columns}\n'
    for row in rows:
        yield f"| {row} |\n"
    yield "\n</div>\n\n"


def dated(record: dict[str, Any]) -> str:
    return f"{record['date']}, {cell(versions(record['versions']))}"


def versions(found: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())


def decimal(value: float) -> str:
    return f"{value:.4f}".replace(".", ",")
