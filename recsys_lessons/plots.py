"""Рисунки в одном стиле: русские подписи, читаются в чёрно-белой печати."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from recsys_lessons import building
from recsys_lessons.evaluation import Evaluation

# Линии различаются и цветом, и штрихом, и меткой.
LINES: tuple[dict[str, str], ...] = (
    {"color": "#1b4f8a", "linestyle": "-", "marker": "o"},
    {"color": "#c4561a", "linestyle": "--", "marker": "s"},
    {"color": "#3f7d4f", "linestyle": ":", "marker": "^"},
    {"color": "#7a3e8c", "linestyle": "-.", "marker": "D"},
)


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


def live(function: Callable[..., Any], **controls: Any) -> None:
    """Живой регулятор в JupyterLab. При сборке урока не показывается: его вывод не сравнить.

    :param controls: имя аргумента → виджет или диапазон, как у ``ipywidgets.interact``
    """
    if building():
        return
    from ipywidgets import interact

    interact(function, **controls)
