"""Отзыв: одна страница HTML на студента, без единого внешнего адреса.

Всё, что пришло от студента, шаблон экранирует; страница запрещает себе сценарии и загрузки.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, StrictUndefined

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 54rem; margin: 2rem auto; padding: 0 1rem;
  color: #1c1c1c; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.total { font-size: 1.2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #bbb; padding: .35rem .6rem; text-align: left; vertical-align: top; }
td.points { white-space: nowrap; text-align: right; }
.status { border: 1px solid #777; border-radius: .3rem; padding: 0 .4rem; font-size: .9rem;
  white-space: nowrap; font-weight: normal; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f4f4; padding: .6rem; }
td, p, li { overflow-wrap: anywhere; }
"""

HEAD = """<!doctype html>
<html lang="ru">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style }}</style>
</head>
<body>
<h1>{{ title }}</h1>
"""

_PAGE = (
    HEAD
    + """<p>{{ student.name or student.login }}, вариант {{ student.number }}.
{% if file %}Проверена тетрадь «{{ file }}».{% endif %}</p>
<p class="total"><strong>{{ total.final | points }}</strong> из {{ total.max | points }}
{% if total.penalty %} — с вычетом {{ total.penalty | points }} за опоздание: {{ total.days }}
{{ total.days | days }}{% endif %}</p>
{% if waiting %}<p>Открытые вопросы ещё не оценены, балл предварительный.</p>{% endif %}
{% if refused %}<p><strong>Работа не принята.</strong> {{ refused }}</p>{% endif %}
{% for task in tasks %}
<h2>Задача {{ task.id }}. {{ task.title }} — {{ task.points | points }} из {{ task.max | points }}
<span class="status">{{ task.status }}</span></h2>
{% if task.manual %}<p>Оценено преподавателем: {{ task.manual }}</p>{% endif %}
{% for reason in task.reasons %}<p>{{ reason }}</p>{% endfor %}
{% if task.properties %}
<table>
<tr><th>Что проверено</th><th>Баллы</th><th>Итог</th></tr>
{% for one in task.properties %}
<tr><td>{{ one.title }}</td><td class="points">{{ one.points | points }} из {{ one.max | points }}
</td><td>{{ "✓ верно" if one.status == "верно" else "✗ " + (one.reason or one.status) }}</td></tr>
{% endfor %}
</table>
{% endif %}
{% if task.notes %}
<p>При исполнении ваших ячеек:</p>
<ul>{% for note in task.notes %}<li>{{ note }}</li>{% endfor %}</ul>
{% endif %}
{% if task.answer %}<p>Ваш ответ:</p><pre>{{ task.answer }}</pre>{% endif %}
{% endfor %}
</body>
</html>
"""
)

_OPEN = (
    HEAD
    + """<p>Ответы на открытые вопросы. Баллы с причинами впишите в таблицу оценок, поставленных
вручную (столбцы login, task, points, reason), и повторите проверку с --manual.</p>
{% for one in answers %}
<h2>{{ one.login }}, {{ one.name }} — задача {{ one.task }}
<span class="status">{{ one.status }}</span></h2>
<pre>{{ one.text or "(пусто)" }}</pre>
{% endfor %}
</body>
</html>
"""
)


def show_points(value: float) -> str:
    """Баллы по-русски: ``2`` и ``1,5``."""
    return f"{round(value, 2):.10g}".replace(".", ",")


def show_days(count: int) -> str:
    """Слово «день» в нужной форме."""
    if count % 10 == 1 and count % 100 != 11:
        return "день"
    return "дня" if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else "дней"


def _environment() -> Environment:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"points": show_points, "days": show_days}
    return environment


def page(title: str, **content: Any) -> str:
    """Страница отзыва."""
    return _environment().from_string(_PAGE).render(title=title, style=_STYLE, **content)


def open_page(title: str, answers: Sequence[Mapping[str, str]]) -> str:
    """Страница с ответами на открытые вопросы — для преподавателя."""
    return _environment().from_string(_OPEN).render(title=title, style=_STYLE, answers=answers)
