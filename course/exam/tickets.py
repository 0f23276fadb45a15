"""Вытянуть билет из банка и напечатать его: лист студенту, лист с ответами преподавателю."""

import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from course.exam import evaluation, linear, networks
from course.exam.base import BANK, Drawn
from course.markdown import render

__all__ = ["Ticket", "draw", "lessons", "pages"]
MODULES = (evaluation, linear, networks)  # при импорте вопросы вносят себя в банк
SIZE = 3  # вопросов в билете


@dataclass(frozen=True)
class Ticket:
    """Билет: номер и вопросы с названиями уроков."""

    seed: int
    number: int
    questions: tuple[tuple[str, Drawn], ...]


def lessons() -> list[str]:
    """Уроки, по которым есть вопросы."""
    return sorted(BANK)


def draw(seed: int, number: int = 1, among: Sequence[str] | None = None) -> Ticket:
    """Билет ``number`` потока ``seed``: три вопроса из трёх разных уроков.

    :param among: из каких уроков; по умолчанию из всех
    :raises ValueError: урока нет в банке или уроков меньше трёх
    """
    chosen = sorted(set(among or BANK))
    unknown = [name for name in chosen if name not in BANK]
    if unknown:
        raise ValueError(
            f"Нет вопросов по уроку {', '.join(unknown)}. Есть: {', '.join(lessons())}."
        )
    if len(chosen) < SIZE:
        raise ValueError(f"В билете вопросы из {SIZE} разных уроков, а названо {len(chosen)}.")
    text = f"{seed}\x1f{number}\x1f{','.join(chosen)}"
    rng = np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))
    drawn = []
    for index in sorted(rng.choice(len(chosen), SIZE, replace=False)):
        bank = BANK[chosen[index]]
        drawn.append((chosen[index], bank[int(rng.integers(len(bank)))](rng)))
    return Ticket(seed, number, tuple(drawn))


# ------------------------------------------------------------------------------------- печать

STYLE = """
@page { size: A4; margin: 16mm 18mm; }
body { font: 12pt/1.55 "PT Serif", "Liberation Serif", "Times New Roman", serif; color: #111;
  max-width: 174mm; margin: 0 auto; padding: 8mm 4mm; background: #fff; }
section { break-after: page; margin-bottom: 14mm; }
section:last-of-type { break-after: auto; }
h1 { font-size: 17pt; margin: 0 0 1mm; }
h2 { font-size: 12pt; margin: 6mm 0 1mm; }
p { margin: 1.5mm 0; text-align: left; }
.about { color: #444; font-size: 10.5pt; display: flex; gap: 8mm; }
.about span { flex: 1; border-bottom: 0.3mm solid #999; }
table { border-collapse: collapse; margin: 2mm 0; font-size: 11pt; }
td, th { border: 0.25mm solid #888; padding: 0.7mm 2.6mm; text-align: center; }
.question { break-inside: avoid; }
.answer { border-left: 0.8mm solid #888; padding-left: 4mm; }
.answers { font-size: 11pt; line-height: 1.5; }
.points { font-size: 10pt; margin: 1mm 0; }
ol.points { padding-left: 6mm; }
svg { vertical-align: baseline; overflow: visible; }
.wide { display: block; margin: 2mm auto; }
"""
_INK = "fill:currentColor"


@cache
def formula(source: str) -> str:
    """Формула рисунком SVG: ни скриптов, ни шрифтов, ни запросов наружу.

    Рисует mathtext из matplotlib; он знает не весь TeX, и незнакомая команда — ошибка.
    """
    size = 14.0 if r"\frac" in source else 12.0  # мелкие дроби на бумаге не прочесть
    known = {r"\\(le|ge)(?![a-z])": r"\\\1q", r"\^\\top": r"^{\\mathrm{T}}"}
    tidy = source
    for ours, theirs in known.items():
        tidy = re.sub(ours, theirs, tidy)
    with rc_context({"mathtext.fontset": "stix"}):
        font, paths = FontProperties(size=size), TextToPath()
        width, height, descent = paths.get_text_width_height_descent(f"${tidy}$", font, True)
        points, codes = paths.get_text_path(font, f"${tidy}$", ismath=True)
    step, parts, at = size / paths.FONT_SCALE, [], 0
    letters = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}
    lengths = {1: 1, 2: 1, 3: 2, 4: 3, 79: 1}
    while at < len(codes):
        code = int(codes[at])
        chunk = points[at : at + lengths[code]]
        at += lengths[code]
        numbers = [] if code == 79 else [f"{x * step:.2f} {-y * step:.2f}" for x, y in chunk]
        parts.append(letters[code] + " ".join(numbers))
    return (
        f'<svg role="img" aria-label="{html.escape(source)}" width="{width:.2f}pt" '
        f'height="{height:.2f}pt" style="vertical-align:{-descent:.2f}pt" '
        f'viewBox="0 {descent - height:.2f} {width:.2f} {height:.2f}">'
        f'<path style="{_INK}" d="{"".join(parts)}"/></svg>'
    )


def to_html(text: str) -> str:
    """Markdown с формулами — в HTML."""
    return render(text, lambda source, _: formula(source))


def _page(title: str, sections: list[str]) -> str:
    return (
        f'<!doctype html>\n<html lang="ru">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n" + "\n".join(sections) + "\n</body>\n</html>\n"
    )


def _task_html(ticket: Ticket) -> str:
    blocks = "".join(
        f'<div class="question"><h2>Вопрос {n}</h2>{to_html(drawn.text)}</div>'
        for n, (_, drawn) in enumerate(ticket.questions, start=1)
    )
    about = '<p class="about">Фамилия, имя <span></span> Группа <span></span></p>'
    return f"<section><h1>Билет {ticket.number}</h1>{about}{blocks}</section>"


def _answer_html(ticket: Ticket) -> str:
    blocks = ""
    for n, (lesson, drawn) in enumerate(ticket.questions, start=1):
        points = "".join(f"<li>{to_html(line)[3:-5]}</li>" for line in drawn.criterion)
        blocks += (
            f"<h2>Вопрос {n} (урок {lesson})</h2>{to_html(drawn.text)}"
            f'<div class="answer">{to_html(drawn.answer)}</div>'
            f'<p class="points">По баллу за каждое:</p><ol class="points">{points}</ol>'
        )
    head = f"<h1>Билет {ticket.number}: ответы и критерии</h1><p>Зерно потока {ticket.seed}.</p>"
    return f'<section class="answers">{head}{blocks}</section>'


def _task_text(ticket: Ticket) -> str:
    parts = [f"# Билет {ticket.number}"]
    for n, (_, drawn) in enumerate(ticket.questions, start=1):
        parts += [f"## Вопрос {n}", drawn.text]
    return "\n\n".join(parts)


def _answer_text(ticket: Ticket) -> str:
    parts = [f"# Билет {ticket.number}: ответы и критерии", f"Зерно потока {ticket.seed}."]
    for n, (lesson, drawn) in enumerate(ticket.questions, start=1):
        points = "\n".join(f"{i}. {line}" for i, line in enumerate(drawn.criterion, start=1))
        parts += [f"## Вопрос {n} (урок {lesson})", drawn.text, f"**Ответ.** {drawn.answer}"]
        parts += ["По баллу за каждое:", points]
    return "\n\n".join(parts)


def pages(tickets: Sequence[Ticket], markdown: bool = False) -> tuple[str, str]:
    """Листы студентам и листы с ответами; каждый билет — со своей страницы."""
    if markdown:
        rule = "\n\n---\n\n"
        return (
            rule.join(map(_task_text, tickets)) + "\n",
            rule.join(map(_answer_text, tickets)) + "\n",
        )
    return (
        _page("Билеты", [_task_html(ticket) for ticket in tickets]),
        _page("Билеты: ответы", [_answer_html(ticket) for ticket in tickets]),
    )


def answers_path(path: Path) -> Path:
    """Где лежат ответы к билетам из ``path``."""
    return path.with_name(f"{path.stem}_ответы{path.suffix}")
