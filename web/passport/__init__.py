"""«Паспорт»: для каждого урока страница, на которой видно, чем подтверждено написанное.

Всё берётся из уроков, собранных тетрадей, сохранённых результатов и записей о прогонах
(:mod:`web.passport.records`); ничего не напечатано руками. Чего нет, то так и показано.
"""

import html
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from recsys_lessons import lessons
from tools import portability
from web.passport import records
from web.passport.facts import Check, Definition, Formula, Lesson, figures

OK, BAD, NONE = "подтверждено", "не сходится", "нет"
MARKS = {OK: "pass-ok", BAD: "pass-bad", NONE: "pass-none"}
INDEX = "passport"
NO_SOURCE = "в уроке не назван"
AT_CODE = "назван у кода"
ABSENT = "—"
KINDS = {
    "mutants": "Намеренные ошибки",
    "tests": "Тесты урока",
    "portability": "Другие процессоры",
}
NO_CHECK = "сразу за формулой её нет"
NO_FIGURE = "числа, которое можно повторить на доступных данных, нет"


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
            found.append(share([v == portability.SAME for v in record["settings"].values()]))
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
    for kind, title in KINDS.items():
        record, problem = records.read(kind, lesson.name)
        if problem:
            yield f"{title.lower()}: {problem}"
        if record and kind == "mutants":
            for mutant in record["mutants"]:
                if mutant["problem"]:
                    yield f"{title.lower()}: не замечена «{mutant['new']}»"
        if record and kind == "tests" and record["failed"]:
            yield f"{title.lower()}: не прошли {record['failed']}"
        if record and kind == "portability":
            for setting, found in record["settings"].items():
                if found == portability.OTHER:
                    yield f"{title.lower()}: {setting} — вывод отличается"

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
        "---\nhtml_theme.sidebar_secondary.remove: true\n---\n\n"
        "# Паспорт: чем подтверждён каждый урок\n\n"
        "Страницы паспорта собраны из самих уроков, из их сохранённых выводов и из датированных "
        "записей о прогонах. Руками здесь не написано ничего. Чего нет, о том так и сказано; "
        "прочерк значит, что такого в уроке не бывает.\n\n"
        "- **Формулы** — у скольких формул, стоящих отдельной строкой, сразу за ними есть сверка.\n"
        "- **Сверки** — сколько из них напечатали в тетради то, что обещает исходник.\n"
        f"- **{KINDS['mutants']}** — сколько ошибок, внесённых в код, заметили тесты.\n"
        f"- **{KINDS['portability']}** — при скольких других настройках вывод тот же до последней "
        "цифры.\n"
        "- **Результаты** — сколько сохранённых файлов целы.\n"
        "- **Сравнения** — сколько пар моделей сравнено, каждая с указанным бюджетом подбора.\n"
        "- **Замечания** — что не сходится, устарело или не записано; они перечислены ниже.\n\n"
        '<div class="wide">\n\n'
        f"| Урок | Формулы | Сверки | {KINDS['mutants']} | {KINDS['portability']} | Результаты "
        "| Сравнения | Замечания |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    found = {lesson.name: summary(lesson) for lesson in read}
    for lesson in read:
        line = found[lesson.name]
        shares = " | ".join(line.shares)
        asked = mark(BAD, str(len(line.problems))) if line.problems else mark(OK, "0")
        yield f"| {link(lesson)} | {shares} | {line.comparisons} | "
        yield f"{asked} |\n"
    yield "\n</div>\n"
    asked_of = [lesson for lesson in read if found[lesson.name].problems]
    if asked_of:
        yield "\n## Замечания\n\n"
    for lesson in asked_of:
        for problem in found[lesson.name].problems:
            yield f"- {link(lesson)}: {cell(problem)}\n"


def link(lesson: Lesson) -> str:
    """Ссылка на паспорт урока: номер и название до двоеточия."""
    return f"[{cell(lesson.title.partition(':')[0])}]({page_name(lesson.name)}.md)"


# ------------------------------------------------------------------------------- страница урока


def page(lesson: Lesson) -> Iterator[str]:
    """Паспорт урока."""
    yield f"# Паспорт урока {lesson.title}\n\n"
    yield f"[Сам урок]({lesson.name}.ipynb) · [Паспорта всех уроков]({INDEX}.md)\n\n"
    asked = list(problems(lesson))
    yield f"Не сходится, устарело или не записано: {len(asked) or mark(OK, 'ничего')}.\n\n"
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
        return
    yield "Источник назван в уроке перед формулой. Код и сверки отнесены к ней по месту: они стоят "
    yield "в уроке следом, до новой формулы или нового раздела.\n\n"
    number = 0
    for group in groups(lesson.formulas):
        first = group[0]
        numbers = f"{number + 1}" if len(group) == 1 else f"{number + 1}–{number + len(group)}"
        number += len(group)
        yield f"### {numbers}. {first.heading or 'Начало урока'}\n\n"
        for formula in group:
            yield f"$$\n{formula.tex}\n$$\n\n"
        absent = AT_CODE if any(d.source for d in first.code) else NO_SOURCE
        yield f"- Источник: {cell('; '.join(first.source)) or mark(NONE, absent)}\n"
        yield f"- Код: {'; '.join(map(place, first.code)) or mark(NONE, NONE)}\n"
        if not first.checks:
            yield f"- Сверка: {mark(NONE, NO_CHECK)}\n"
        for check in first.checks:
            yield f"- Сверка: {described(check)}\n"
        yield "\n"


def groups(formulas: list[Formula]) -> Iterator[list[Formula]]:
    """Формулы подряд, у которых общие источник, код и сверки."""
    for _, same in groupby(formulas, lambda f: (id(f.code), f.heading, f.source)):
        yield list(same)


def place(definition: Definition) -> str:
    source = f" ({cell('; '.join(definition.source))})" if definition.source else ""
    return f"`{definition.name}`, строка {definition.line}{source}"


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
    yield f"## {KINDS['tests']}\n\n"
    path = records.tests_of(lesson.name)
    libraries = ", ".join(independent(path)) or "нет"
    yield f"Файл `tests/{path.name}`; независимые библиотеки в нём: {libraries}.\n\n"
    if record is None:
        yield f"Прогон: {mark(NONE, problem)}.\n\n"
        return
    words = f"прошло {record['passed']}, не прошло {record['failed']}"
    words += f", пропущено {record['skipped']}" if record["skipped"] else ""
    yield f"Прогон {dated(record)}: {mark(BAD if record['failed'] else OK, words)}"
    yield _doubt(problem)


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
    yield f"## {KINDS['mutants']}\n\n"
    if record is None:
        yield f"{mark(NONE, problem)}\n\n"
        return
    yield "Каждая строка кода ниже заменялась ошибочной. Названный тест обязан был упасть. "
    yield f"Прогон {dated(record)}"
    yield _doubt(problem)
    rows = (
        f"{code(m['old'])}<br>→ {code(m['new'])} | {code(m['test'].partition('::')[2])}<br>"
        f"{mark(BAD, 'не замечено') if m['problem'] else mark(OK, 'замечено')}"
        for m in record["mutants"]
    )
    yield from table("Было → стало | Тест и итог", rows)


def _portability(lesson: Lesson) -> Iterator[str]:
    record, problem = records.read("portability", lesson.name)
    yield f"## {KINDS['portability']}\n\n"
    if record is None:
        yield f"{mark(NONE, problem)}\n\n"
        return
    yield "Тетрадь исполнена заново с другими настройками, вывод сравнен с сохранённым. "
    yield f"Прогон {dated(record)}, {cell(record['machine'])}"
    yield _doubt(problem)
    marks = {portability.SAME: OK, portability.OTHER: BAD}
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
    yield "и её стандартная ошибка. Мера — та, которую урок называет у этого сравнения.\n\n"
    rows = (
        f"{cell(c.first)} | {cell(c.second)} | {c.trials[0]} и {c.trials[1]} | "
        f"{c.difference.replace('.', ',').replace('-', '−') or mark(BAD, NONE)}"
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
        f"{cell(one['theirs'])} | {day(one['date'])} | "
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


def _doubt(problem: str) -> str:
    """Конец предложения о прогоне: чем его запись не годится, если не годится."""
    return f" ({mark(BAD, problem)}).\n\n" if problem else ".\n\n"


def dated(record: dict[str, Any]) -> str:
    return f"{day(record['date'])}, {cell(versions(record['versions']))}"


def day(date: str) -> str:
    """День по-русски: ``2026-01-31`` → ``31.01.2026``."""
    return ".".join(reversed(date.split("-")))


def versions(found: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())


def decimal(value: float) -> str:
    return f"{value:.4f}".replace(".", ",")
