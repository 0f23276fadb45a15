"""Напечатать экзаменационные билеты.

В билете три вопроса из трёх разных уроков; числа в них и в ответах считает программа. Рядом с
листами студентов пишется второй файл, с ответами и критериями. Одно зерно — одни и те же билеты.
"""

import sys
from pathlib import Path

from course.exam.tickets import answers_path, draw, lessons, pages
from course.options import Parser


def main(arguments: list[str] | None = None) -> int:
    parser = Parser(prog="python -m course.exam", description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="зерно; студентам его не называют")
    parser.add_argument("--out", type=Path, required=True, help="файл .html или .md")
    parser.add_argument("--count", type=int, default=1, help="сколько билетов; по умолчанию один")
    parser.add_argument(
        "--lessons", nargs="+", metavar="УРОК", help=f"из каких уроков: {' '.join(lessons())}"
    )
    options = parser.parse_args(arguments)
    if options.out.suffix not in (".html", ".md"):
        parser.error(f"--out: нужен файл .html или .md, а дано {options.out.name!r}.")
    if options.count < 1:
        parser.error("--count: нужен хотя бы один билет.")
    try:
        drawn = [draw(options.seed, n + 1, options.lessons) for n in range(options.count)]
    except ValueError as error:
        parser.error(str(error))
    tasks, answers = pages(drawn, markdown=options.out.suffix == ".md")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(tasks, encoding="utf-8")
    answers_path(options.out).write_text(answers, encoding="utf-8")
    print(f"Студентам: {options.out}")
    print(f"Преподавателю: {answers_path(options.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
