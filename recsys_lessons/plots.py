"""Рисунки в одном стиле: русские подписи, читаются в чёрно-белой печати."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from recsys_lessons import building
from recsys_lessons.evaluation import Evaluation
from recsys_lessons.inputs import shown

# Линии различаются и цветом, и штрихом, и меткой.
LINES: tuple[dict[str, str], ...] = (
    {"color": "#1b4f8a", "linestyle": "-", "marker": "o"},
    {"color": "#c4561a", "linestyle": "--", "marker": "s"},
    {"color": "#3f7d4f", "linestyle": ":", "marker": "^"},
    {"color": "#7a3e8c", "linestyle": "-.", "marker": "D"},
)

LISTED = 12  # столько найденных названий видно сразу


def use_style() -> None:
    """Включить общий стиль рисунков."""
    plt.rcParams.update(
        {
            "figure.figsize": (7.5, 3.6),
            "figure.dpi": 90,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.alpha": 0.3,
            "font.size": 10,
            "lines.markersize": 5,
        }
    )


def matrix(
    ax: Axes,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    digits: int = 2,
    title: str = "",
) -> None:
    """Таблица чисел с цветом: фиолетовое — больше нуля, рыжее — меньше, белое — ноль.

    :param values: форма ``(len(rows), len(columns))``
    :param digits: знаков после запятой; отрицательное — чисел не писать
    :raises ValueError: подписей не столько, сколько строк и столбцов; матрица пуста, в ней есть nan
    """
    values = np.asarray(values, dtype=float)
    if values.shape != (len(rows), len(columns)):
        raise ValueError(
            f"Матрица {values.shape}, а подписей {len(rows)} строк и {len(columns)} столбцов."
        )
    if not values.size:
        raise ValueError("Матрица пуста: рисовать нечего.")
    if not np.isfinite(values).all():
        raise ValueError("В матрице есть nan или бесконечность: закрасить их нечем.")
    limit = float(np.abs(values).max()) or 1.0
    ax.imshow(values, cmap="PuOr", vmin=-1.6 * limit, vmax=1.6 * limit, aspect="auto")
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.grid(False)
    ax.set_title(title)
    if digits < 0:
        return
    for (i, j), value in np.ndenumerate(values):
        text = f"{value:.{digits}f}" if float(f"{value:.{digits}f}") else "0"
        ax.text(j, i, text, ha="center", va="center", fontsize=9)


def models(ax: Axes, evaluations: Mapping[str, Evaluation], metric: str) -> None:
    """Модели рядом: среднее точкой, 95 % доверительный интервал отрезком."""
    names = list(evaluations)
    stats = [evaluations[name].stats(metric) for name in names]
    means = np.array([s["mean"] for s in stats])
    widths = np.array([s["high"] - s["mean"] for s in stats])
    places = np.arange(len(names))[::-1]
    ax.errorbar(means, places, xerr=widths, fmt="o", color="#1b4f8a", capsize=4)
    ax.set_yticks(places, names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_xlim(left=0)
    ax.set_xlabel(f"{metric}: среднее и 95 % доверительный интервал")


def curve(
    ax: Axes,
    x: Sequence[float],
    mean: Sequence[float],
    se: Sequence[float] | None = None,
    label: str = "",
    line: int = 0,
) -> None:
    """Кривая с полосой в одну стандартную ошибку.

    :param line: номер сочетания цвета, штриха и метки, от 0 до 3
    """
    style = LINES[line % len(LINES)]
    ax.plot(x, mean, label=label or None, **style)  # type: ignore[arg-type]
    if se is not None:
        low, high = np.subtract(mean, se), np.add(mean, se)
        ax.fill_between(x, low, high, color=style["color"], alpha=0.15, linewidth=0)


def diagram(
    ax: Axes,
    boxes: Mapping[str, tuple[float, float]],
    arrows: Sequence[tuple[str, str] | tuple[str, str, str]] = (),
    marked: Sequence[str] = (),
) -> None:
    """Схема: прямоугольники с текстом и стрелки между ними.

    Размер прямоугольника следует за текстом. Стрелка идёт от края до края.

    :param boxes: текст прямоугольника (можно в несколько строк, с формой: ``"история x\\n(I,)"``)
        → место его середины ``(x, y)``; ось ``y`` вверх
    :param arrows: ``(откуда, куда)`` или ``(откуда, куда, подпись)`` — тексты из ``boxes``
    :param marked: какие прямоугольники выделить: толстая рамка и фон
    :raises ValueError: прямоугольников нет; стрелка или выделение называет то, чего нет на схеме
    """
    if not boxes:
        raise ValueError("На схеме нет ни одного прямоугольника.")
    named = [name for arrow in arrows for name in arrow[:2]] + list(marked)
    missing = [name for name in named if name not in boxes]
    if missing:
        raise ValueError(f"На схеме нет прямоугольника {shown(missing[0])}.")
    drawn = {}
    for name, place in boxes.items():
        strong = name in marked
        look = {"facecolor": "#dfe8f3" if strong else "w", "edgecolor": "#1b4f8a"}
        drawn[name] = ax.annotate(
            name, place, ha="center", va="center", multialignment="center", fontsize=9,
            bbox={"boxstyle": "round,pad=0.4", "linewidth": 2 if strong else 1, **look},
        )  # fmt: skip
    for start, end, *label in arrows:
        (x0, y0), (x1, y1) = boxes[start], boxes[end]
        ax.annotate(
            "", (x1, y1), (x0, y0), zorder=1,
            arrowprops={
                "arrowstyle": "->", "color": "0.3", "shrinkA": 2, "shrinkB": 2,
                "patchA": drawn[start].get_bbox_patch(), "patchB": drawn[end].get_bbox_patch(),
            },
        )  # fmt: skip
        if label:
            middle = ((x0 + x1) / 2, (y0 + y1) / 2)
            ax.annotate(
                label[0], middle, (0, 3), textcoords="offset points", ha="center", va="bottom",
                fontsize=8, color="0.3",
            )  # fmt: skip
    x, y = np.array(list(boxes.values())).T
    ax.set_xlim(x.min() - 0.6, x.max() + 0.6)
    ax.set_ylim(y.min() - 0.6, y.max() + 0.6)
    ax.axis("off")


def named_points(ax: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Точки с подписями, которые не накрывают друг друга. Масштаб осей задают до вызова.

    Подпись ищет свободное место вокруг точки: рядом, потом всё дальше; к дальней ведёт линия.

    :param points: название → (x, y)
    """
    size = 8
    x, y = np.array(list(points.values()), dtype=float).T
    ax.plot(x, y, "o", color=LINES[0]["color"])
    ax.margins(0.12, 0.15)
    ax.autoscale_view()
    places = ax.transData.transform(np.column_stack([x, y])) * 72 / ax.figure.dpi
    taken = [(a - 4, b - 4, a + 4, b + 4) for a, b in places]
    for name, point, (a, b) in zip(points, points.values(), places, strict=True):
        width, best = 0.62 * size * len(name), None
        for far in range(0, 60, 3):
            for right, up in product((True, False), (1, -1)):
                left = a + 6 if right else a - 6 - width
                bottom = b - size / 2 + up * far
                box = (left, bottom, left + width, bottom + size)
                if best is None and not any(_overlap(box, other) for other in taken):
                    best = (box, right, up * far)
        box, right, shift = best or ((a, b, a, b), True, 0)
        taken.append(box)
        ax.annotate(
            name,
            point,
            (6 if right else -6, shift),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            fontsize=size,
            arrowprops={"arrowstyle": "-", "lw": 0.5, "color": "0.6"} if abs(shift) > 6 else None,
        )


def _overlap(first: Sequence[float], second: Sequence[float]) -> bool:
    """Пересекаются ли два прямоугольника (левый, нижний, правый, верхний)."""
    return (
        first[0] < second[2]
        and second[0] < first[2]
        and first[1] < second[3]
        and second[1] < first[3]
    )


def live(
    function: Callable[..., Any], labels: Mapping[str, str] | None = None, **controls: Any
) -> None:
    """Живой регулятор в JupyterLab. При сборке урока не показывается: его вывод не сравнить.

    Вывод обновляется, когда ручку отпустили; пока он считается, рядом написано «считаю…».

    :param labels: имя аргумента → символ, которым он назван в тексте: ``{"l2": "λ₂"}``
    :param controls: имя аргумента → виджет или диапазон, как у ``ipywidgets.interact``
    :raises ValueError: регулятора без аргумента или подписи без регулятора, начальное значение
        вне диапазона, диапазон не понять
    """
    _check_controls(function, labels or {}, controls)
    if building():
        return
    from IPython.display import display

    display(_panel(function, labels or {}, controls))


def pick(
    function: Callable[[list[int]], Any], titles: Sequence[str], start: Sequence[int] = ()
) -> None:
    """Список названий с поиском: ``function`` получает номера отмеченных и показывает ответ.

    Отмеченные стоят сверху, под ними — названия, в которых есть набранный текст. При сборке урока
    список не показывается, как и :func:`live`.

    :param function: функция номеров; зовётся сразу и после каждой отметки
    :param start: номера, отмеченные вначале
    :raises ValueError: названий нет, или номер вне списка
    """
    wrong = [number for number in start if not 0 <= number < len(titles)]
    if not len(titles) or wrong:
        raise ValueError(f"Названий {len(titles)}, а отмечены номера {shown(list(start))}.")
    if building():
        return
    from IPython.display import display

    display(_picker(function, [str(title) for title in titles], start))


def _plain(text: str) -> str:
    """Текст для поиска: без заглавных и без «ё»."""
    return text.casefold().replace("ё", "е")


def _picker(function: Callable[[list[int]], Any], titles: list[str], start: Sequence[int]) -> Any:
    """Строка поиска, галочки и место для ответа."""
    from ipywidgets import Checkbox, HBox, Label, Layout, Output, Text, VBox

    chosen = list(dict.fromkeys(start))
    search = Text(placeholder="часть названия", continuous_update=True)
    status, boxes, out = Label(), VBox(layout=Layout(width="45%")), Output()

    def box(number: int) -> Any:
        ticked = Checkbox(number in chosen, description=titles[number], indent=False)

        def changed(change: Any) -> None:
            if change["new"]:
                chosen.append(number)
            else:
                chosen.remove(number)
            show_titles()
            show_answer()

        ticked.observe(changed, "value")
        return ticked

    def show_titles(change: Any = None) -> None:
        words = _plain(search.value).split()
        found = [
            number
            for number, title in enumerate(titles)
            if number not in chosen and all(word in _plain(title) for word in words)
        ]
        boxes.children = [box(number) for number in [*chosen, *found[:LISTED]]]
        status.value = f"отмечено {len(chosen)}, найдено {len(found)}"

    def show_answer() -> None:
        out.clear_output(wait=True)
        with out:
            function(list(chosen))

    search.observe(show_titles, "value")
    show_titles()
    show_answer()
    return VBox([HBox([search, status]), HBox([boxes, out])])


def _panel(
    function: Callable[..., Any], labels: Mapping[str, str], controls: Mapping[str, Any]
) -> Any:
    """Регуляторы, строка состояния и место для вывода."""
    from ipywidgets import Label, interactive
    from traitlets import TraitError

    status = Label()

    @wraps(function)
    def show(**arguments: Any) -> None:
        status.value = "считаю…"
        try:
            function(**arguments)
        finally:
            status.value = ""

    try:
        panel = interactive(show, **controls)
    except (ValueError, TypeError, TraitError) as error:
        raise ValueError(
            "Регулятор задают диапазоном (от, до), (от, до, шаг), списком значений или виджетом "
            f"ipywidgets, а здесь {shown(dict(controls))}."
        ) from error
    for widget in panel.kwargs_widgets:
        if widget.has_trait("continuous_update"):
            widget.continuous_update = False
        if widget.has_trait("style"):
            widget.style.description_width = "initial"
        widget.description = labels.get(widget._kwarg, widget.description)
    panel.children = (*panel.children[:-1], status, panel.out)
    return panel


def _check_controls(
    function: Callable[..., Any], labels: Mapping[str, str], controls: Mapping[str, Any]
) -> None:
    """Ошибка в вызове видна сразу, и при сборке тоже."""
    parameters = inspect.signature(function).parameters
    unknown = [name for name in controls if name not in parameters]
    if unknown:
        raise ValueError(
            f"У функции нет аргумента {', '.join(unknown)[:60]}. Есть: {', '.join(parameters)}."
        )
    extra = [name for name in labels if name not in controls]
    if extra:
        raise ValueError(
            f"Подпись дана, а регулятора нет: {', '.join(extra)[:60]}. "
            f"Регуляторы: {', '.join(controls)}."
        )
    for name, parameter in parameters.items():
        control, default = controls.get(name), parameter.default
        if control is None:
            if default is parameter.empty:
                raise ValueError(f"Для аргумента {name} нет ни регулятора, ни начального значения.")
            continue
        inside = True
        if isinstance(control, list | range | dict) and default is not parameter.empty:
            inside = default in (control.values() if isinstance(control, dict) else control)
        elif isinstance(control, tuple) and isinstance(default, int | float):
            inside = len(control) >= 2 and control[0] <= default <= control[1]
        if not inside:
            raise ValueError(
                f"Начальное значение {name} = {shown(default)} — вне регулятора {shown(control)}."
            )
