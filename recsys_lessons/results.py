"""Долгие вычисления: значение считают один раз и хранят вместе с ключом всего, что его породило.

Вычисление видит только свои аргументы. В ключ входят код, до которого оно дотягивается (в уроке, в
моделях и в пакете, см. :mod:`recsys_lessons.reach`), данные и параметры. Пока ключ прежний, урок
берёт сохранённое значение; изменился — значение устарело.
"""

import dataclasses
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons import building, lessons
from recsys_lessons.reach import digest, in_package, reached

QUICK_S = 60.0
# Файл, куда долгое вычисление складывает готовые части: прерванное продолжится с них.
KEPT: ContextVar[Path | None] = ContextVar("kept", default=None)
_LIBRARIES = ("numpy", "scipy", "pandas", "sklearn", "torch")
_NARROW = {"int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64", "float16", "float32"}
_SHOWN = 5


class StaleResultError(RuntimeError):
    """Сохранённого значения нет, или его ключ устарел."""


def stored_result(
    name: str,
    compute: Callable[..., Any],
    *,
    data: Mapping[str, Any] = {},
    params: Mapping[str, Any] = {},
    tolerance: float = 0.0,
    recompute: bool = False,
) -> Any:
    """Значение ``compute(**data, **params)``: сохранённое, если его ключ не изменился.

    :param name: ``"урок.результат"``, например ``"04_ease.tie_seeds"``
    :param compute: функция, возвращающая то, что можно записать в JSON
    :param data: таблицы, матрицы, массивы, разбиения, корзины и последовательности по именам
    :param params: числа, строки, списки и словари по именам
    :param tolerance: на сколько дробное число может отличаться при пересчёте ``make results``;
        0 — не больше единицы последнего сохранённого знака
    :param recompute: посчитать сейчас и ничего не записывать
    :raises StaleResultError: значения нет, файл повреждён или ключ другой; в сообщении — команда
    :raises TypeError: вычисление читает не только аргументы, данные не того вида, или параметры
        либо значение не записываются в JSON
    """
    lesson, _, short = name.partition(".")
    if not lesson or not short:
        raise ValueError(f"Имя результата — «урок.название», а получено {name!r}.")
    _check_arguments(data, params)
    if recompute:
        return _plain(compute(**data, **params))
    path = results_dir() / f"{name}.json"
    key = {
        "code": reached(compute, _classes(data.values())),
        "data": {argument: _argument_hash(argument, data[argument]) for argument in sorted(data)},
    }
    record = {"key": key, "params": _plain(params), "tolerance": tolerance}
    mode = os.environ.get("RECSYS_LESSONS_FULL", "0")
    if mode == "check":
        return _check(name, path, record, compute, {**data, **params})
    stored = _read(path)
    changed = changes(stored, record) if stored else []
    if stored and not changed and mode != "1":
        if not building():
            print(
                f"Значение {name} посчитано заранее; пересчитать: make lessons NB={lesson} FULL=1"
            )
        return stored["value"]
    if mode not in ("1", "stale"):
        _stop_or_say(name, path, stored, changed)
        return _in_parts(path, record, compute, {**data, **params})
    return _computed(path, record, compute, {**data, **params})["value"]


def stored_value(name: str) -> Any:
    """Значение, которое сохранил другой урок. Годен ли его ключ, проверяет тот урок сам.

    :param name: ``"урок.результат"``, например ``"04_ease.search"``
    :raises StaleResultError: такого значения нет, или файл повреждён
    """
    path = results_dir() / f"{name}.json"
    stored = _read(path)
    if not stored or stored.get("digest") != _value_digest(stored.get("value")):
        raise StaleResultError(
            f"Сохранённого значения {name} нет, или файл повреждён. Посчитать: "
            f"make lessons NB={name.partition('.')[0]} FULL=stale"
        )
    return stored["value"]


def changes(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Чем ключ сохранённого значения отличается от нынешнего; пусто — значение годно."""
    try:
        parts = [(stored["key"][part], now["key"][part]) for part in ("code", "data")]
        names = [_differ(old, new) for old, new in parts]
        changed = [*names[0], *(f"данные {name}" for name in names[1])]
        changed += [f"параметр {name}" for name in _differ(stored["params"], now["params"])]
        ordered = [_json(record["params"], sort_keys=False) for record in (stored, now)]
        if not changed and ordered[0] != ordered[1]:  # сетку перебирают по порядку ключей
            changed.append("порядок параметров")
        if stored["digest"] != _value_digest(stored["value"]):
            changed.append("само значение в файле")
    except (KeyError, TypeError, AttributeError):
        return ["устройство файла"]
    return changed


def results_dir() -> Path:
    """Папка сохранённых результатов."""
    return lessons.lessons_dir() / "results"


def versions() -> dict[str, str]:
    """Версии Python и загруженных библиотек, от которых зависят числа."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        if library in sys.modules:
            found[library] = str(sys.modules[library].__version__).partition("+")[0]
    return found


def _differ(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Имена, под которыми в словарях разное; сначала изменившееся, потом исчезнувшее и новое."""
    common = [name for name in new if name in old and _json(old[name]) != _json(new[name])]
    return [*sorted(common), *sorted(old.keys() ^ new.keys())]


def _read(path: Path) -> dict[str, Any]:
    """Содержимое файла; пустой словарь — файла нет или он повреждён."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    whole = isinstance(stored, dict) and {"key", "params", "value"} <= stored.keys()
    return stored if whole else {}


def _stop_or_say(name: str, path: Path, stored: Mapping[str, Any], changed: list[str]) -> None:
    """Ошибка, если считать долго или урок собирают; читателю быстрое — с объяснением."""
    shown = ", ".join(changed[:_SHOWN])
    if len(changed) > _SHOWN:
        shown += f" и ещё {len(changed) - _SHOWN}"
    save = f"make lessons NB={name.partition('.')[0]} FULL=stale"
    if stored:
        what = f"Результат {name} устарел. Изменилось: {shown}."
    elif path.exists():
        what = f"Файл {path.name} повреждён."
    else:
        what = f"Результат {name} ещё не посчитан."
    if building():
        raise StaleResultError(f"{what} Посчитать и сохранить: {save}")
    seconds = stored.get("seconds") if stored else None
    if not isinstance(seconds, int | float):
        seconds = None
    if not path.exists() or (seconds is not None and seconds < QUICK_S):
        length = "" if seconds is None else f", это около {max(1, round(seconds))} с"
        print(f"{what} Считаю здесь и сейчас{length}; сохранённое значение не меняется.")
        return
    length = "" if seconds is None else f" Расчёт занимает около {_minutes(seconds)}."
    raise StaleResultError(
        f"{what}{length} Верните прежние значения, если меняли их вы. Посчитать здесь и сейчас, не "
        f"сохраняя: добавьте в вызов stored_result аргумент recompute=True. Посчитать и сохранить: "
        f"{save}"
    )


def _minutes(seconds: float) -> str:
    return f"{max(1, round(seconds / 60))} мин"


def _computed(
    path: Path, record: dict[str, Any], compute: Callable[..., Any], arguments: dict[str, Any]
) -> dict[str, Any]:
    """Посчитать и записать в ``path``."""
    start = time.perf_counter()
    value = _in_parts(path, record, compute, arguments)
    seconds = round(time.perf_counter() - start, 1)
    content = record | {
        "seconds": seconds,
        "versions": versions(),
        "digest": _value_digest(value),
        "value": value,
    }
    _write(path, content)
    return content


def _in_parts(
    path: Path, record: dict[str, Any], compute: Callable[..., Any], arguments: dict[str, Any]
) -> Any:
    """Посчитать; готовые части лежат в файле с ключом в имени, пока не готово целое."""
    parts = path.with_name(f"{path.stem}.{digest(_json(record))}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    token = KEPT.set(parts)
    try:
        value = _plain(compute(**arguments))
    finally:
        KEPT.reset(token)
    parts.unlink(missing_ok=True)
    return value


def _check(
    name: str,
    path: Path,
    record: dict[str, Any],
    compute: Callable[..., Any],
    arguments: dict[str, Any],
) -> Any:
    """Для ``make results``: названное считается заново в отдельную папку, урок видит прежнее."""
    stored = _read(path)
    if name in os.environ["RECSYS_LESSONS_CHECK"].split() or not stored:
        folder = Path(os.environ["RECSYS_LESSONS_CHECK_DIR"])
        fresh = _computed(folder / path.name, record, compute, arguments)
        stored = stored or fresh
    return stored["value"]


def _check_arguments(data: Any, params: Any) -> None:
    for title, given, example in (
        ("data", data, 'data={"ratings": ratings}'),
        ("params", params, 'params={"l2": 150}'),
    ):
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            raise TypeError(
                f"{title} — словарь «имя аргумента → значение», например {example}, "
                f"а получено {type(given).__name__}."
            )
    both = sorted(data.keys() & params.keys())
    if both:
        raise TypeError(f"Аргументы названы и в data, и в params: {', '.join(both)}.")
    _plain(params)


# ------------------------------------------------------------------------ отпечаток данных


def data_hash(*objects: Any) -> str:
    """Отпечаток таблиц, матриц, массивов, разбиений, корзин и всего, что записывается в JSON.

    :raises TypeError: у чего-то из этого отпечатка нет
    """
    return digest(*(digest(*_parts(thing)) for thing in objects))


def _argument_hash(name: str, value: Any) -> str:
    try:
        return data_hash(value)
    except TypeError as error:
        raise TypeError(f"Аргумент {name}: {error}") from None


def _classes(things: Any) -> set[type]:
    """Классы пакета, чьи объекты переданы как данные: их код тоже участвует в вычислении."""
    found = set()
    for thing in things:
        if isinstance(thing, Mapping | list | tuple):
            found |= _classes(thing.values() if isinstance(thing, Mapping) else thing)
        elif dataclasses.is_dataclass(thing) and in_package(type(thing).__module__):
            found.add(type(thing))
    return found


def _parts(thing: Any) -> Iterator[str | bytes]:
    if isinstance(thing, pd.DataFrame):
        yield f"table {thing.shape}"
        for position, name in enumerate(thing):
            yield f"{type(name).__name__} {name}"
            yield from _parts(thing.iloc[:, position].to_numpy())
        yield from _index_parts(thing.index)
    elif isinstance(thing, pd.Series):
        yield f"series {thing.name}"
        yield from _parts(thing.to_numpy())
        yield from _index_parts(thing.index)
    elif isinstance(thing, pd.Index):
        yield from _parts(thing.to_numpy())
    elif sp.issparse(thing):
        matrix = sp.csr_array(thing, copy=True)
        matrix.sum_duplicates()
        yield f"sparse {tuple(int(n) for n in matrix.shape)}"
        for array in (matrix.indptr, matrix.indices):
            yield array.astype("<i8").tobytes()
        yield from _parts(matrix.data)
    elif isinstance(thing, np.ndarray):
        yield from _array_parts(thing)
    elif dataclasses.is_dataclass(thing) and in_package(type(thing).__module__):
        yield f"object {type(thing).__name__}"
        for field in dataclasses.fields(thing):
            yield field.name
            yield digest(*_parts(getattr(thing, field.name)))
    elif isinstance(thing, Mapping):
        yield f"mapping {len(thing)}"
        for key, item in thing.items():  # пользователей обходят по порядку
            yield digest(*_parts(key)) + digest(*_parts(item))
    elif isinstance(thing, list | tuple):
        yield f"list {len(thing)}"
        for item in thing:
            yield digest(*_parts(item))
    elif isinstance(thing, np.generic) and thing.dtype.name in _NARROW:
        yield thing.dtype.name
        yield from _parts(thing.item())
    elif isinstance(thing, np.bool_ | np.int64):
        yield from _parts(thing.item())
    elif thing is None or isinstance(thing, bool | int | float | str):
        yield _json(thing)
    else:
        raise TypeError(
            f"у {type(thing).__name__} нет отпечатка. Данные — таблица, матрица, массив, Split, "
            "HeldOut, корзины, последовательности, числа и строки. Модель обучите внутри "
            "вычисления."
        )


def _index_parts(index: Any) -> Iterator[str | bytes]:
    """Строки, пронумерованные по порядку, ничего не добавляют."""
    if not index.equals(pd.RangeIndex(len(index))):
        yield "index"
        yield from _parts(index.to_numpy())


def _array_parts(array: np.ndarray) -> Iterator[str | bytes]:
    kind = array.dtype.kind
    if type(array) not in (
        np.ndarray,
        np.memmap,
    ):  # у MaskedArray и matrix те же числа значат другое
        raise TypeError(
            f"у {type(array).__name__} нет отпечатка: передайте обычный массив, а маску — отдельно."
        )
    if kind in "mM":  # единица времени зависит от версии pandas, момент — нет
        array = array.astype(f"{kind}8[ns]").astype("<i8")
    # 32 и 64 разряда округляют по-разному; длина строк и порядок байтов ничего не значат.
    yield f"array {kind}{'' if kind in 'US' else array.dtype.itemsize} {array.shape}"
    if kind in "fiubcmM":
        yield np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
    elif kind in "US":
        yield _json([str(x) for x in array.ravel()])
    elif kind == "O":
        items = array.ravel().tolist()
        if all(isinstance(item, str) for item in items):
            yield _json(items)
        else:
            for item in items:
                word = f"object {type(item).__name__} {item}"
                yield digest(*_parts(item) if _is_data(item) else (word,))
    else:
        raise TypeError(f"у массива типа {array.dtype} нет отпечатка.")


def _is_data(item: Any) -> bool:
    """Пропуски, даты и подобное внутри таблицы различаются записью, остальное — содержимым."""
    return not pd.api.types.is_scalar(item) or isinstance(item, bool | int | float | str)


# ------------------------------------------------------------------------ JSON и файл


def _json(value: Any, sort_keys: bool = True) -> str:
    try:
        return json.dumps(value, sort_keys=sort_keys, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Это не записать в JSON: {str(error)[:200]}. Подойдут числа, строки, списки, словари."
        ) from None


def _plain(value: Any) -> Any:
    """Значение, каким его потом прочтут из файла."""
    text = _json(dict(value) if isinstance(value, Mapping) else value, sort_keys=False)
    _check_keys(value)
    return json.loads(text)


def _check_keys(value: Any) -> None:
    """JSON делает из ключа 1 строку "1": из файла вернулось бы не то, что посчитано."""
    for key in value if isinstance(value, Mapping) else ():
        if not isinstance(key, str):
            raise TypeError(
                f"Ключ словаря {str(key)[:60]} ({type(key).__name__}) — не строка, и в JSON он "
                "стал бы строкой. Сделайте ключи строками, str(…), или замените словарь списком "
                "пар."
            )
    if isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            _check_keys(item)


def _value_digest(value: Any) -> str:
    return digest(_json(value, sort_keys=False))


def _write(path: Path, content: Any) -> None:
    """Записать целиком или никак: черновик со своим именем у каждого, затем замена."""
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    handle, draft = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
