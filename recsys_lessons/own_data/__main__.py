"""Все шаги одной командой: прочитать, осмотреть, сравнить, записать.

    python -m recsys_lessons.own_data покупки.csv --user клиент --item товар --time дата

Следующий файл того же вида — с теми же настройками:

    python -m recsys_lessons.own_data новые.csv --settings my/own_data/settings.json

Код возврата: 0 — готово, 1 — с данными что-то не так, 2 — неверные параметры, 130 — прервано.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from recsys_lessons.inputs import check_count, check_number, check_seed, shown
from recsys_lessons.own_data.candidates import CANDIDATES
from recsys_lessons.own_data.protocol import TITLES, examine
from recsys_lessons.own_data.reading import read_own
from recsys_lessons.own_data.running import run, seconds
from recsys_lessons.own_data.writing import (
    allowed_items,
    refit,
    write_model,
    write_recommendations,
    write_report,
)

ROLES = ("user", "item", "time", "grade", "count", "basket", "title")
DEFAULTS: dict[str, Any] = {"budget": "10m", "k": 10, "seed": 0}
OUT = "my/own_data"
# Советы шагов урока → те же параметры команды.
HINTS = {
    "header=False": "--no-header",
    "keep_bots=True": "--keep-bots",
    "min_grade=": "--min-grade ",
}


class WrongOptions(Exception):
    """Параметры команды не годятся."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WrongOptions(
            "параметр без значения, значение не того вида или лишнее слово. Пример:\n"
            "python -m recsys_lessons.own_data ФАЙЛ --user СТОЛБЕЦ --item СТОЛБЕЦ --time СТОЛБЕЦ\n"
            "Все параметры: python -m recsys_lessons.own_data --help"
        )


def parser() -> argparse.ArgumentParser:
    """Параметры команды; у каждого, кроме файла, значение по умолчанию — «не указано»."""
    found = _Parser(
        prog="python -m recsys_lessons.own_data",
        usage="%(prog)s ФАЙЛ --user СТОЛБЕЦ --item СТОЛБЕЦ [параметры]",
        description=(__doc__ or "").partition("\n")[0],
        add_help=False,
        allow_abbrev=False,
    )
    found._positionals.title, found._optionals.title = "что прочитать", "параметры"
    add = found.add_argument
    add("file", nargs="?", metavar="ФАЙЛ", help="CSV, TSV, XLSX или Parquet")
    add("--help", "-h", action="help", help="эта справка")
    names = "пользователь", "объект", "время", "оценка", "количество", "корзина", "название"
    for role, name in zip(ROLES, names, strict=True):
        add(f"--{role}", metavar="СТОЛБЕЦ", help=f"столбец: {name}")
    add("--no-header", action="store_true", default=None, help="заголовка нет: столбцы 1, 2, …")
    add("--keep-bots", action="store_true", default=None, help="не откладывать слишком активных")
    add("--min-grade", metavar="ЧИСЛО", help="с какой оценки взаимодействие положительно")
    add("--protocol", choices=TITLES, metavar="ИМЯ", help=f"одно из {', '.join(TITLES)}")
    add("--budget", metavar="ВРЕМЯ", help="время на сравнение: 1m, 10m, 1h; обычно 10m")
    add("--tries", type=int, metavar="ЧИСЛО", help="вместо времени: попыток каждой модели")
    add("--models", nargs="+", metavar="МОДЕЛЬ", help='только эти, например EASE "Item-KNN"')
    add("--memory", metavar="ГБ", help="сколько памяти можно занять; обычно вся свободная")
    add("--allowed", metavar="ФАЙЛ", help="что можно рекомендовать: идентификатор в строке")
    add("--k", type=int, metavar="ЧИСЛО", help="длина списка; обычно 10")
    add("--seed", type=int, metavar="ЧИСЛО", help="зерно генератора; обычно 0")
    add("--out", metavar="ПАПКА", help=f"куда записать; обычно {OUT}")
    add("--settings", metavar="ФАЙЛ", help="settings.json прежнего запуска: повторить его")
    return found


def as_options(text: str) -> str:
    """Тот же текст, где параметры функций названы параметрами команды."""
    for hint, flag in HINTS.items():
        text = text.replace(hint, flag)
    names = "|".join(vars(parser().parse_args([])))
    return re.sub(
        rf"(^|: |\()({names})(?= — |\))",
        lambda found: f"{found[1]}--{found[2].replace('_', '-')}",
        text,
    )


def _say(*words: object, end: str = "\n", error: bool = False) -> None:
    print(as_options(" ".join(map(str, words))), end=end, file=sys.stderr if error else sys.stdout)


def settings_of(argv: Sequence[str] | None) -> tuple[str, Path, dict[str, Any]]:
    """Файл, папка и настройки: указанное сейчас важнее записанного в прежний раз.

    :raises WrongOptions: файл или столбцы не названы, настройки не прочесть
    """
    words = vars(parser().parse_args(argv))
    given = {key: value for key, value in words.items() if value is not None and value is not False}
    source, before = given.pop("file", None), given.pop("settings", None)
    if source is None:
        raise WrongOptions("не назван файл с данными. Все параметры: --help")
    out = given.pop("out", None)
    stored: dict[str, Any] = {}
    if before is not None:
        try:
            stored = json.loads(Path(before).read_text(encoding="utf-8"))
            unknown = set(stored) - set(vars(parser().parse_args([])))
        except (OSError, ValueError, TypeError) as error:
            raise WrongOptions(f"настройки {shown(before)} не прочесть.") from error
        if unknown:
            raise WrongOptions(f"в настройках {shown(before)} лишнее: {shown(sorted(unknown))}.")
        out = Path(before).parent if out is None else out
    settings = {**DEFAULTS, **stored, **given}
    if "budget" in given and "tries" not in given:
        settings.pop("tries", None)
    missing = [f"--{role}" for role in ("user", "item") if role not in settings]
    if missing:
        raise WrongOptions(f"не назван столбец: {', '.join(missing)}.")
    if "min_grade" in settings and "grade" not in settings:
        raise WrongOptions("--min-grade имеет смысл только вместе с --grade.")
    unknown_models = sorted(set(settings.get("models") or ()) - set(CANDIDATES))
    if unknown_models:
        raise WrongOptions(f"нет модели {shown(unknown_models)}. Есть: {', '.join(CANDIDATES)}.")
    for name in ("min_grade", "memory"):
        try:
            if name in settings:
                settings[name] = float(str(settings[name]).replace(",", "."))
        except ValueError:
            flag = name.replace("_", "-")
            raise WrongOptions(f"--{flag} — число, а не {shown(settings[name])}.") from None
    try:
        seconds(settings["budget"])
    except ValueError as error:
        raise WrongOptions(f"--budget: {error}") from error
    folder = Path(OUT if out is None else out)
    if folder.exists() and not folder.is_dir():
        raise WrongOptions(f"--out {shown(str(folder))} — файл, а нужна папка.")
    return source, folder, settings


def go(source: str, out: Path, settings: dict[str, Any]) -> None:
    """Все шаги с печатью."""
    # Ошибка в числе видна сразу, а не после сравнения.
    check_count("k", settings["k"], high=1000)
    check_seed(settings["seed"])
    memory = None
    if "memory" in settings:
        memory = 1e9 * check_number("memory", settings["memory"], 0, above=True)
    data = read_own(
        source,
        {role: settings[role] for role in ROLES if role in settings},
        header=not settings.get("no_header"),
        keep_bots=bool(settings.get("keep_bots")),
    )
    _say(data.report(), end="\n\n")
    allowed = settings.get("allowed")
    allowed_items(data, allowed)  # ошибка в списке видна сразу, а не после сравнения
    plan = examine(
        data, settings.get("protocol"), settings.get("min_grade"), settings["seed"], memory
    )
    _say(plan, end="\n\n")
    out.mkdir(parents=True, exist_ok=True)
    outcome = run(
        plan, out, settings["budget"],
        tries=settings.get("tries"), names=settings.get("models"), memory=memory,
    )  # fmt: skip
    _say(outcome, end="\n\n")
    fitted = refit(outcome)
    written = write_recommendations(fitted, data, out, settings["k"], allowed)
    _say(written)
    try:
        _say("Модель для новых:", *map(str, write_model(fitted, data, out, allowed).values()))
    except ValueError as error:
        _say(f"Модель для новых пользователей не записана. {error}")
    _say("Отчёт:", write_report(outcome, out, written, Path(source).name))
    text = json.dumps(settings, ensure_ascii=False, indent=2)
    (out / "settings.json").write_text(text + "\n", encoding="utf-8")
    _say(f"Для следующего файла: --settings {out / 'settings.json'}")


def main(argv: Sequence[str] | None = None) -> int:
    """Команда целиком; код возврата."""
    try:
        go(*settings_of(argv))
    except WrongOptions as error:
        _say(f"Параметры не годятся: {error}", error=True)
        return 2
    except KeyboardInterrupt:
        _say("Прервано. Посчитанное сохранено: та же команда продолжит с него.", error=True)
        return 130
    except (FileNotFoundError, ValueError, TypeError, MemoryError) as error:
        _say(f"Не получилось: {error}", error=True)
        return 1
    except OSError as error:
        place = shown(str(error.filename)) if error.filename else "папка"
        _say(f"Не получилось: {place} — нет прав или места на диске.", error=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
