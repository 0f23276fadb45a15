"""Рисунки: что на них стоит, ошибки, живые регуляторы."""

import warnings

import matplotlib

matplotlib.use("Agg")

import IPython.display
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from recsys_lessons import plots
from recsys_lessons.evaluation import Evaluation


@pytest.fixture
def ax():
    with matplotlib.rc_context():
        plots.use_style()
        figure, ax = plt.subplots()
        yield ax
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure.canvas.draw()
        plt.close(figure)


def labels(axis) -> list[str]:
    return [tick.get_text() for tick in axis.get_ticklabels()]


def made(**metrics) -> Evaluation:
    frame = pd.DataFrame({name.replace("_", "@"): values for name, values in metrics.items()})
    return Evaluation(frame, np.zeros((len(frame), 1), dtype=int), 0)


def test_style_changes_the_common_settings_only():
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # стиль мог включить другой тест того же процесса
        before = dict(plt.rcParams)
        plots.use_style()
        changed = {name for name in before if plt.rcParams[name] != before[name]}
        assert {"figure.figsize", "axes.spines.top", "axes.grid"} <= changed
        assert not [name for name in changed if name.startswith("backend")]


# ------------------------------------------------------------------------ матрица


def test_matrix(ax):
    values = np.array([[1, -0.5, 0.004], [0, 0.005, 12.345]])
    plots.matrix(ax, values, ["Аня", "Боря"], ["x", "y", "z"], title="Матрица $X$")
    assert labels(ax.yaxis) == ["Аня", "Боря"] and labels(ax.xaxis) == ["x", "y", "z"]
    assert ax.get_title() == "Матрица $X$"
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts[0, 0] == "1.00" and texts[1, 0] == "-0.50" and texts[2, 0] == "0"
    assert texts[0, 1] == "0" and texts[1, 1] == "0.01" and texts[2, 1] == "12.35"
    image = ax.images[0]
    np.testing.assert_array_equal(image.get_array(), values)
    low, high = image.get_clim()
    assert low == -high < -12.345


def test_matrix_colours_the_sign_and_leaves_zero_white(ax):
    plots.matrix(ax, [[1.0, -1.0, 0.0]], ["r"], list("abc"))
    image = ax.images[0]
    plus, minus, zero = (np.array(image.to_rgba(v)[:3]) for v in (1.0, -1.0, 0.0))
    assert zero.min() > 0.95
    assert plus[2] > plus[1] and minus[0] > minus[2]  # фиолетовое и рыжее
    # Чёрные числа читаются и на самой тёмной ячейке, и в чёрно-белой печати.
    assert min((c @ [0.299, 0.587, 0.114]) for c in (plus, minus)) > 0.4


@pytest.mark.parametrize(
    ("digits", "expected"),
    [(0, ["2", "0", "0"]), (1, ["1.5", "0.5", "-0.4"]), (-1, [])],
)
def test_digits(ax, digits, expected):
    plots.matrix(ax, [[1.5, 0.49, -0.44]], ["r"], list("abc"), digits=digits)
    assert [text.get_text() for text in ax.texts] == expected


@pytest.mark.parametrize("value", [-0.5, -0.4, 0.0, -0.0, 0.5])
def test_no_minus_zero(ax, value):
    plots.matrix(ax, [[value]], ["r"], ["c"], digits=0)
    assert ax.texts[0].get_text() == "0"


def test_zero_matrix(ax):
    plots.matrix(ax, np.zeros((2, 2)), "ab", "cd")
    low, high = ax.images[0].get_clim()
    assert low < 0 < high and {text.get_text() for text in ax.texts} == {"0"}


@pytest.mark.parametrize(
    ("values", "rows", "columns", "message"),
    [
        (np.ones((2, 3)), ["a"], ["b", "c", "d"], r"\(2, 3\), а подписей 1 строк и 3 столбцов"),
        (np.ones((2, 3)), ["a", "b"], ["c", "d"], "подписей 2 строк и 2 столбцов"),
        (np.ones((2, 3)), list("abc"), list("de"), "подписей"),
        (np.ones(3), ["a"], list("bcd"), "подписей"),
        (np.zeros((0, 0)), [], [], "пуста"),
        ([[np.nan, 1.0]], ["a"], ["b", "c"], "nan"),
    ],
)
def test_bad_matrices(ax, values, rows, columns, message):
    with pytest.raises(ValueError, match=message):
        plots.matrix(ax, values, rows, columns)


# ------------------------------------------------------------------------ модели


def test_models(ax):
    evaluations = {
        "EASE": made(NDCG_10=[0.2, 0.4, 0.6], HR_10=[1, 1, 1]),
        "популярное": made(NDCG_10=[0.1, 0.1, 0.4], HR_10=[0, 0, 0]),
    }
    plots.models(ax, evaluations, "NDCG@10")
    container = ax.containers[0]
    points, _, bars = container.lines
    np.testing.assert_allclose(points.get_xdata(), [0.4, 0.2])
    assert points.get_ydata().tolist() == [1, 0]
    assert labels(ax.yaxis) == ["EASE", "популярное"]
    assert [tick.get_loc() for tick in ax.yaxis.get_major_ticks()] == [1, 0]
    for name, segment in zip(evaluations, bars[0].get_segments(), strict=True):
        row = evaluations[name].summary().loc["NDCG@10"]
        np.testing.assert_allclose(segment[:, 0], [row["low"], row["high"]])
    assert ax.get_xlabel() == "NDCG@10: среднее и 95 % доверительный интервал"
    assert ax.get_xlim()[0] == 0


def test_unknown_metric_gets_a_russian_error(ax):
    with pytest.raises(ValueError, match="Метрики 'HR@10' здесь нет: посчитаны NDCG@10"):
        plots.models(ax, {"EASE": made(NDCG_10=[0.2, 0.4])}, "HR@10")


# ------------------------------------------------------------------------ кривая


def test_curve(ax):
    plots.curve(ax, [1, 2, 4], [0.1, 0.3, 0.2], [0.01, 0.02, 0.03], label="EASE", line=1)
    drawn = ax.lines[0]
    assert drawn.get_xdata().tolist() == [1, 2, 4] and drawn.get_ydata().tolist() == [0.1, 0.3, 0.2]
    assert drawn.get_label() == "EASE" and drawn.get_linestyle() == "--"
    corners = {(round(x, 9), round(y, 9)) for x, y in ax.collections[0].get_paths()[0].vertices}
    assert {(1, 0.09), (1, 0.11), (2, 0.28), (2, 0.32), (4, 0.17), (4, 0.23)} <= corners


def test_curve_without_uncertainty_and_label(ax):
    plots.curve(ax, [1, 2], [0.1, 0.3])
    assert not ax.collections and ax.get_legend_handles_labels() == ([], [])


def test_lines_differ_without_colour(ax):
    for number in range(5):
        plots.curve(ax, [1, 2], [0.1, 0.3], line=number)
    styles = [(line.get_linestyle(), line.get_marker()) for line in ax.lines]
    assert len({style for style, _ in styles[:4]}) == len({mark for _, mark in styles[:4]}) == 4
    assert styles[4] == styles[0]


# ------------------------------------------------------------------------ регуляторы


@pytest.fixture
def shown(monkeypatch):
    """Что показал регулятор в работе: список панелей."""
    monkeypatch.delenv("RECSYS_LESSONS_BUILD", raising=False)
    panels = []
    monkeypatch.setattr(IPython.display, "display", panels.append)
    return panels


def test_live_is_silent_while_building(monkeypatch, shown):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    plots.live(lambda l2=1: pytest.fail("вызвана"), l2=(1, 10))
    assert shown == []


def test_live_redraws_when_the_handle_is_let_go(shown):
    calls = []
    plain = ipywidgets.FloatSlider(value=0.5, min=0, max=1, description="доля")
    plots.live(
        lambda l2=10, k=5, power=1.0, share=0.1, name="x": calls.append(
            (l2, k, power, share, name)
        ),
        {"l2": "λ₂", "power": "lg λ₂"},
        l2=(1, 100),
        k={"пять": 5, "десять": 10},
        power=(0.0, 4.5, 0.5),
        share=plain,
    )
    (panel,) = shown
    l2, k, power, share, name = panel.kwargs_widgets
    sliders = (l2, power, share, name)
    assert [widget.continuous_update for widget in sliders] == [False] * 4
    assert [w.description for w in (l2, k, power, share)] == ["λ₂", "k", "lg λ₂", "доля"]
    assert (l2.min, l2.max, power.step, tuple(k.options)) == (1, 100, 0.5, ("пять", "десять"))
    l2.value = 20
    k.value = 10
    assert calls == [(10, 5, 1.0, 0.5, "x"), (20, 5, 1.0, 0.5, "x"), (20, 10, 1.0, 0.5, "x")]


def test_live_says_that_it_computes(shown):
    seen = []
    status = []

    def slow(l2=1):
        seen.append(status[0].value if status else None)
        if l2 == 3:
            raise RuntimeError("сорвалось")

    plots.live(slow, l2=(1, 10))
    (panel,) = shown
    *_, label, out = panel.children
    assert isinstance(label, ipywidgets.Label) and out is panel.out
    status.append(label)
    for value in (2, 3, 4):
        panel.kwargs_widgets[0].value = value
        assert label.value == ""
    assert seen == [None, "считаю…", "считаю…", "считаю…"]


@pytest.mark.parametrize("building", ["1", "0"])
@pytest.mark.parametrize(
    ("labels", "controls", "message"),
    [
        ({}, {"l3": (1, 10)}, "нет аргумента l3. Есть: l2, k"),
        ({"l3": "λ₃"}, {"l2": (1, 10)}, "Подпись дана, а регулятора нет: l3. Регуляторы: l2"),
        ({}, {"k": (1, 10)}, "Для аргумента l2 нет ни регулятора, ни начального значения"),
        ({}, {"l2": (1, 10), "k": (1, 10)}, r"k = 100 — вне регулятора \(1, 10\)"),
        ({}, {"l2": 1, "k": [1, 10]}, r"k = 100 — вне регулятора \[1, 10\]"),
        ({}, {"l2": 1, "k": {"сто": 1}}, "k = 100 — вне регулятора {'сто': 1}"),
        ({}, {"l2": 1, "k": (1,)}, "k = 100 — вне регулятора"),
    ],
)
def test_wrong_controls_are_refused_at_once(
    monkeypatch, shown, building, labels, controls, message
):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", building)
    with pytest.raises(ValueError, match=message):
        plots.live(lambda l2, k=100: None, labels, **controls)
    assert shown == []


@pytest.mark.parametrize(
    "control", [(10, 1), (1, 10, 0), ("a", "b"), (1, 2, 3, 4), object(), ipywidgets.HBox()]
)
def test_controls_that_ipywidgets_does_not_know(shown, control):
    with pytest.raises(ValueError, match="Регулятор задают диапазоном"):
        plots.live(lambda l2: None, l2=control)
    assert shown == []


def test_pick_is_silent_while_building(monkeypatch, shown):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    plots.pick(lambda chosen: pytest.fail("вызвана"), ["Психо"])
    assert shown == []


def test_ticked_titles_reach_the_function(shown):
    calls = []
    titles = [f"Фильм {n}" for n in range(30)] + ["Психо, 1960", "Птицы, 1963"]
    plots.pick(calls.append, titles, [31])
    (panel,) = shown
    (search, status), (boxes, _) = (row.children for row in panel.children)
    assert calls == [[31]] and len(boxes.children) == 1 + plots.LISTED
    search.value = "псих 1960"
    assert [box.description for box in boxes.children] == ["Птицы, 1963", "Психо, 1960"]
    assert status.value == "отмечено 1, найдено 1"
    boxes.children[1].value = True
    assert calls[-1] == [31, 30]
    boxes.children[0].value = False
    assert calls[-1] == [30] and [box.value for box in boxes.children] == [True]
    for start in ([32], [-1]):
        with pytest.raises(ValueError, match="Названий 32"):
            plots.pick(calls.append, titles, start)


def test_names_of_points_do_not_cover_each_other():
    fig, ax = plt.subplots()
    points = {f"модель {n}": (n % 3 * 0.01, n // 3 * 0.01) for n in range(9)} | {"даль": (9, 9)}
    plots.named_points(ax, points)
    fig.canvas.draw()
    boxes = [Text.get_window_extent(text) for text in ax.texts]  # без линий
    assert [text.get_text() for text in ax.texts] == list(points)
    for number, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[:number])
    plt.close(fig)


def test_diagram_draws_boxes_with_text_and_arrows_between_their_edges():
    fig, ax = plt.subplots()
    places = {"x\n(I,)": (0, 0), "h": (2, 0), "z": (2, 1)}
    plots.diagram(ax, places, [("x\n(I,)", "h", "W"), ("h", "z")], marked=["z"])
    fig.canvas.draw()
    texts = [text for text in ax.texts if text.get_text()]
    assert [text.get_text() for text in texts] == [*places, "W"]
    arrows = [text.arrow_patch for text in ax.texts if text.arrow_patch]
    assert len(arrows) == 2
    width = {text.get_text(): text.get_bbox_patch().get_linewidth() for text in texts[:3]}
    assert width == {"x\n(I,)": 1, "h": 1, "z": 2}
    boxes = [text.get_bbox_patch().get_window_extent() for text in texts[:3]]
    path = arrows[0].get_path().transformed(arrows[0].get_transform())
    low, high = path.vertices[:, 0].min(), path.vertices[:, 0].max()
    assert boxes[0].x1 - 2 <= low and high <= boxes[1].x0 + 2
    plt.close(fig)


def test_diagram_refuses_unknown_boxes():
    ax = plt.figure().gca()
    with pytest.raises(ValueError, match="ни одного прямоугольника"):
        plots.diagram(ax, {})
    for options in ({"arrows": [("а", "б")]}, {"marked": ["б"]}):
        with pytest.raises(ValueError, match="нет прямоугольника 'б'"):
            plots.diagram(ax, {"а": (0, 0)}, **options)
    plt.close("all")
