"""Долгие вычисления: значение считают один раз и хранят вместе с ключом того, что его породило.

Ключ складывается из исходного текста модельных ячеек, текста вычисляющей функции, данных и
параметров. Пока ключ прежний, урок берёт сохранённое значение. Изменился ключ — значение устарело,
и это ошибка с командой, которая считает заново.
"""

import hashlib
import inspect
import json
import os
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons import building, lessons

_PARTS = {"models": "код модели", "compute": "код расчёта", "data": "данные", "params": "параметры"}


class StaleResultError(RuntimeError):
    """Сохранённого значения нет, или его ключ устарел."""


def stored_result(
    name: str,
    compute: Callable[..., Any],
    *,
    models: Sequence[str],
    data: Sequence[Any] = (),
    params: Mapping[str, Any] | None = None,
    recompute: bool = False,
) -> Any:
    """Значение ``compute(**params)``: сохранённое, если его ключ не изменился.

    :param name: ``"урок.результат"``, например ``"04_ease.tie_seeds"``
    :param compute: функция, возвращающая то, что можно записать в JSON
    :param models: уроки, от чьих модельных ячеек зависит значение: ``("ease",)``
    :param data: таблицы, матрицы и массивы, от которых оно зависит
    :param params: именованные параметры ``compute``
    :param recompute: посчитать сейчас и ничего не записывать
    :raises StaleResultError: значения нет, файл повреждён или ключ другой; в сообщении — команда
    :raises TypeError: значение или параметры не записываются в JSON
    """
    params = dict(params or {})
    if recompute:
        return json.loads(_json(compute(**params), sort_keys=False))
    lesson, _, short = name.partition(".")
    if not lesson or not short:
        raise ValueError(f"Имя результата — «урок.название», а получено {name!r}.")
    path = results_dir() / f"{name}.json"
    key = {
        "models": _digest(*(_code(lessons.model_source(model)) for model in models)),
        "compute": _digest(_code(textwrap.dedent(inspect.getsource(compute)))),
        "data": data_hash(*data),
        "params": _digest(_json(params)),
    }
    # "1" — посчитать заново всё, "stale" — только то, что устарело.
    mode = os.environ.get("RECSYS_LESSONS_FULL", "0")
    if mode != "1":
        try:
            return _stored(name, path, key)
        except StaleResultError:
            if mode != "stale":
                raise
    value = json.loads(_json(compute(**params), sort_keys=False))
    _write(path, {"key": key, "params": params, "value": value})
    return value


def _stored(name: str, path: Path, key: Mapping[str, str]) -> Any:
    """Значение из файла, если ключ прежний."""
    command = f"make lessons NB={name.partition('.')[0]} FULL=1"
    if not path.exists():
        raise StaleResultError(f"Результат {name} ещё не посчитан. Посчитать: {command}")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        value, old = stored["value"], stored["key"]
        changed = [title for part, title in _PARTS.items() if old.get(part) != key[part]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StaleResultError(
            f"Файл {path.name} повреждён. Посчитать заново: {command}"
        ) from error
    if changed:
        raise StaleResultError(
            f"Результат {name} устарел: изменились {', '.join(changed)}. "
            f"Посчитать и сохранить: {command}. Только посчитать, здесь и сейчас: добавьте "
            "в вызов stored_result аргумент recompute=True."
        )
    if not building():
        print(f"Значение {name} посчитано заранее; пересчитать: {command}")
    return value


def results_dir() -> Path:
    """Папка сохранённых результатов."""
    return lessons.lessons_dir() / "results"


def data_hash(*objects: Any) -> str:
    """Отпечаток таблиц, матриц, массивов и всего, что записывается в JSON."""
    return _digest(*(_digest(*_parts(thing)) for thing in objects))


def _parts(thing: Any) -> Iterator[str | bytes]:
    if isinstance(thing, pd.DataFrame):
        for name in thing:
            yield str(name)
            yield from _parts(thing[name].to_numpy())
    elif isinstance(thing, pd.Series):
        yield from _parts(thing.to_numpy())
    elif isinstance(thing, np.generic):
        yield _json(thing.item())
    elif sp.issparse(thing):
        matrix = sp.csr_array(thing, copy=True)
        matrix.sum_duplicates()
        yield str(matrix.shape)
        for array in (matrix.indptr, matrix.indices):
            yield array.astype("<i8").tobytes()
        yield from _parts(matrix.data)
    elif isinstance(thing, np.ndarray):
        yield f"{thing.dtype.kind}{thing.shape}"
        kinds = {"f": "<f8", "i": "<i8", "u": "<i8", "b": "u1", "M": "<i8"}
        if thing.dtype.kind in kinds:
            yield np.ascontiguousarray(thing).astype(kinds[thing.dtype.kind]).tobytes()
        else:
            yield _json([str(x) for x in thing.ravel()])
    else:
        yield _json(thing)


def _json(value: Any, sort_keys: bool = True) -> str:
    try:
        return json.dumps(value, sort_keys=sort_keys, ensure_ascii=False)
    except TypeError as error:
        raise TypeError(
            f"Это не записать в JSON: {error}. Верните числа, списки, словари."
        ) from None


def _code(source: str) -> str:
    """Текст без пустых строк: правка прозы между модельными ячейками ключа не меняет."""
    return "\n".join(line.rstrip() for line in source.splitlines() if line.strip())


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:16]


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(".part")
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    draft.write_text(text, encoding="utf-8", newline="\n")
    draft.replace(path)
