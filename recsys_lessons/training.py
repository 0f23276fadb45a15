"""Один цикл обучения для всех сетей: эпохи, ранняя остановка, лучшие веса, прерывание.

Как учат на одном пакете, говорит урок: он передаёт функцию одной эпохи. Здесь то, что у всех сетей
одинаково. У обученной модели после ``fit`` есть

- ``losses_`` — средняя потеря каждой эпохи;
- ``curve_`` — пары «эпоха, значение ``validation``»;
- ``best_epoch_`` — эпоха, чьи веса остались; без ``validation`` — последняя.

Гиперпараметр ``validate_every`` — раз во сколько эпох звать ``validation``, ``patience`` — сколько
эпох ждать улучшения.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from recsys_lessons import building
from recsys_lessons.inputs import check_validation, shown


@contextmanager
def fitting(model: Any) -> Iterator[None]:
    """Внутри ``with`` модель учится. Если обучение сорвалось, она остаётся прежней целиком.

    Прежняя — значит обученная раньше или не обученная. Исключение — прерывание после хотя бы одной
    целой эпохи: тогда остаются лучшие из выученных весов, а ``KeyboardInterrupt`` идёт дальше.

    :raises RuntimeError: эта же модель уже учится: её ``fit`` позвали из ``validation``
    """
    before = dict(vars(model))
    if "_fitting" in before:
        raise RuntimeError(
            "Модель уже учится: fit нельзя звать из validation. "
            "Для проверки создайте другую модель или её копию: sklearn.base.clone(model)."
        )
    model._fitting = True
    for name in [name for name in before if name.endswith("_")]:
        delattr(model, name)
    try:
        yield
    except BaseException as error:
        learned = isinstance(error, KeyboardInterrupt) and hasattr(model, "best_epoch_")
        if not learned:
            vars(model).clear()
            vars(model).update(before)
        if isinstance(error, KeyboardInterrupt):
            left = (
                f"остались веса эпохи {model.best_epoch_}" if learned else "модель осталась прежней"
            )
            print(f"Обучение прервано: {left}.")
        raise
    finally:
        vars(model).pop("_fitting", None)


def train(
    model: Any,
    net: Any,
    train_epoch: Callable[[], float],
    validation: Callable[[Any], float] | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Эпохи с ранней остановкой; в сети остаются веса лучшей эпохи. Зовут внутри :func:`fitting`.

    :param model: у неё есть ``epochs``, ``validate_every``, ``patience``; получает ``losses_``,
        ``curve_``, ``best_epoch_``
    :param net: сеть, ``torch.nn.Module``
    :param train_epoch: функция без аргументов: одна эпоха, возвращает среднюю потерю
    :param validation: функция от модели; чем больше её число, тем лучше
    :param ready: что сделать, когда веса сети сменились и модели пора считать баллы
    :raises FloatingPointError: потеря или веса перестали быть числами
    :raises ValueError: ``validation`` вернула не конечное число
    """
    if validation is not None and not callable(validation):
        raise TypeError(f"validation — функция от модели, а получено {shown(validation)}.")
    model.losses_, model.curve_ = [], []
    best: tuple[int, float, dict[str, Any]] | None = None  # эпоха, значение, веса

    def finish() -> None:
        """Вернуть в сеть лучшие веса; ``best_epoch_`` появляется последней."""
        if best is not None:
            net.load_state_dict(best[2])
            if ready:
                ready()
            model.best_epoch_ = best[0]

    try:
        for epoch in tqdm(range(1, model.epochs + 1), "эпоха", disable=building()):
            net.train()
            loss = train_epoch()
            if not np.isfinite(loss) or not all(p.isfinite().all() for p in net.parameters()):
                raise FloatingPointError(
                    f"На эпохе {epoch} потеря или веса перестали быть числами: "
                    "уменьшите темп обучения lr."
                )
            model.losses_.append(float(loss))
            value = -np.inf
            if validation is not None:
                if epoch % model.validate_every and epoch < model.epochs:
                    if not model.curve_:
                        best = (epoch, value, deepcopy(net.state_dict()))
                    continue
                if ready:
                    ready()
                value = check_validation(validation(model))
                model.curve_.append((epoch, value))
            if validation is None or best is None or value > best[1]:
                best = (epoch, value, deepcopy(net.state_dict()))
            elif epoch - best[0] >= model.patience:
                break
    except KeyboardInterrupt:
        finish()
        raise
    finish()
