"""Обмен с Moodle: ведомость задания и архив отзывов.

Устройство проверено по исходникам Moodle (``mod/assign/feedback/offline`` и ``…/file``). Ведомость
(«Скачать ведомость оценивания») Moodle узнаёт по трём столбцам на языке преподавателя:
«Идентификатор», «Оценка», «Последнее изменение (оценка)»; в первом стоит «Участник» и номер,
который **у каждого задания свой** — поэтому номера берут из ведомости или из имён скачанных папок,
а не из списка группы. Строки с пустой оценкой и с оценкой больше наибольшей Moodle пропускает;
строки, изменённые в Moodle позже ведомости, — тоже, если не отметить обратного при загрузке.
Разделитель — запятая. Папка отзыва в архиве называется «Имя_НОМЕР_assignsubmission_file_»:
подчёркиваний в имени быть не должно.
"""

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from course.submission import Student, same_name

ID = ("Идентификатор", "Identifier")
NAME = ("Полное имя", "Full name")
EMAIL = ("Адрес электронной почты", "Email address")
GRADE = ("Оценка", "Grade")
MAXIMUM = ("Максимальная оценка", "Maximum grade", "Максимальный балл")
MODIFIED = ("Последнее изменение (оценка)", "Last modified (grade)")


def neutral(value: object) -> str:
    """Ячейка CSV, которую табличный редактор не примет за формулу."""
    text = "" if value is None else str(value)
    return "'" + text if len(text) > 1 and text[0] in "=+-@\t\r" else text


def to_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """CSV с запятыми; формулы обезврежены."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([neutral(one) for one in row] for row in rows)
    return stream.getvalue()


@dataclass(frozen=True)
class Worksheet:
    """Ведомость, скачанная из Moodle."""

    header: list[str]
    rows: list[list[str]]

    def column(self, names: Sequence[str]) -> int | None:
        """Номер столбца с одним из названий."""
        return next((i for i, one in enumerate(self.header) if one.strip() in names), None)

    def number(self, row: Sequence[str]) -> str:
        """Номер участника в этом задании."""
        at = self.column(ID)
        found = re.search(r"(\d+)\s*$", row[at]) if at is not None else None
        return found[1] if found else ""

    def owner(self, row: Sequence[str], students: Sequence[Student]) -> Student | None:
        """Чья это строка: по почте, иначе по имени, если такое в группе одно."""
        at = self.column(EMAIL)
        if at is not None and row[at]:
            for one in students:
                if one.email and one.email.casefold() == row[at].strip().casefold():
                    return one
        at = self.column(NAME)
        namesakes = [one for one in students if at is not None and same_name(one.name, row[at])]
        return namesakes[0] if len(namesakes) == 1 else None


def read_worksheet(path: Path) -> Worksheet:
    """Ведомость из файла.

    :raises ValueError: нет нужных Moodle столбцов
    """
    text = io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")
    try:
        rows = list(csv.reader(text, strict=True))
    except csv.Error:
        raise ValueError(f"Ведомость {path} испорчена: скачайте её из Moodle ещё раз.") from None
    sheet = Worksheet(rows[0] if rows else [], [])
    for names in (ID, GRADE, MODIFIED):
        if sheet.column(names) is None:
            raise ValueError(
                f"{path}: нет столбца «{names[0]}» («{names[1]}»). Нужна ведомость, скачанная на "
                f"странице задания Moodle по-русски или по-английски."
            )
    width = len(sheet.header)
    sheet.rows.extend(row + [""] * (width - len(row)) for row in rows[1:] if any(row))
    return sheet


def participants(sheet: Worksheet, students: Sequence[Student]) -> dict[str, str]:
    """Номер участника → логин."""
    owners = [(sheet.number(row), sheet.owner(row, students)) for row in sheet.rows]
    return {number: one.login for number, one in owners if one and number}


def fill_worksheet(
    sheet: Worksheet, students: Sequence[Student], marks: Mapping[str, float], maximum: float
) -> tuple[str, list[str]]:
    """Ведомость с оценками и строки, которые не узнаны.

    Если наибольшая оценка в Moodle другая, баллы пересчитываются в её долях. У того, кто не сдал,
    оценка не меняется.
    """
    grade, top = sheet.column(GRADE), sheet.column(MAXIMUM)
    assert grade is not None
    rows, unknown = [], []
    for row in sheet.rows:
        student = sheet.owner(row, students)
        new = list(row)
        if student is None:
            unknown.append(" ".join(row[:2]))
        elif student.login in marks:
            scale = _float(row[top]) if top is not None else 0.0
            value = marks[student.login] * (scale / maximum if scale and maximum else 1.0)
            new[grade] = f"{round(value, 2):.10g}"
        rows.append(new)
    return to_csv(sheet.header, rows), unknown


def _float(text: str) -> float:
    try:
        return float(text.replace(",", ".").replace("\xa0", "").replace(" ", ""))
    except ValueError:
        return 0.0


def blank_worksheet(
    students: Sequence[Student],
    numbers: Mapping[str, str],
    marks: Mapping[str, float],
    maximum: float,
) -> str:
    """Ведомость с нуля для тех, чей номер участника известен из имён скачанных папок.

    Времени последнего изменения в ней нет: при загрузке отметьте обновление записей, изменённых
    позже, чем в ведомости.
    """
    header = [ID[0], NAME[0], EMAIL[0], GRADE[0], MAXIMUM[0], MODIFIED[0]]
    rows = [
        [f"Участник{numbers[s.login]}", s.name, s.email, f"{marks[s.login]:.10g}", maximum, "-"]
        for s in students
        if s.login in numbers and s.login in marks
    ]
    return to_csv(header, rows)


def gradebook(students: Sequence[Student], marks: Mapping[str, float], title: str) -> str:
    """CSV для «Оценки → Импорт → CSV»: столбцы сопоставляет преподаватель, студент — по почте."""
    rows = [
        [s.email, s.login, s.name, f"{marks[s.login]:.10g}"] for s in students if s.login in marks
    ]
    return to_csv([EMAIL[0], "Логин", NAME[0], title], rows)


def feedback_archive(
    path: Path,
    students: Sequence[Student],
    numbers: Mapping[str, str],
    pages: Mapping[str, str],
    name: str,
) -> list[str]:
    """Архив отзывов для загрузки в задание Moodle; в ответе — логины без номера участника."""
    missing = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for student in students:
            if student.login not in pages:
                continue
            if student.login not in numbers:
                missing.append(student.login)
                continue
            person = re.sub(r"[_/\\:*?\"<>|\s]+", " ", student.name or student.login).strip()
            folder = f"{person.lstrip('.~')}_{numbers[student.login]}_assignsubmission_file_"
            entry = zipfile.ZipInfo(f"{folder}/{name}_отзыв.html", (2000, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, pages[student.login])
    return missing
