"""Долгие вычисления: ключ, чистота, чтение и запись, отпечаток данных, пересчёт со сравнением."""

import ast
import importlib.util
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import loguniform, uniform

from recsys_lessons import lessons, metrics, reach, results
from recsys_lessons._source import clean, dump, index, module_source, parsed
from recsys_lessons.evaluation import Evaluation
from recsys_lessons.results import StaleResultError, data_hash, stored_result
from recsys_lessons.splits import HeldOut, Split
from recsys_lessons.tuning import EASE_SPACE
from tools import cells
from tools import results as tool

NAME = "77_tiny.tuning"
LESSON = '''
# %% [markdown]
# # Крошечный урок

# %%
import functools

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_lessons import models
from recsys_lessons.evaluation import evaluate
from recsys_lessons.metrics import hit_rate
from recsys_lessons.results import stored_result
from recsys_lessons.splits import Split, chronological, last_share

# %%
L2 = 5.0
METRICS = ("NDCG@2", "Recall@2")
pairs = [(user, item) for user in range(8) for item in range(9) if (user * item + user) % 5]
ratings = pd.DataFrame(
    [(user, item, 4 + item % 2, 7 * item % 5) for user, item in pairs],
    columns=["user", "item", "rating", "timestamp"],
).assign(note=1)


# %%
def doubled(x, by=2):
    """Вдвое больше."""
    return x * by


class Rounded:
    """Округление."""

    digits = 4

    def __init__(self, shift=0.0):
        self.shift = shift

    def value(self, x):
        return round(float(x) + self.shift, self.digits)


def helper(x, scale=doubled):
    # пояснение
    return Rounded().value(scale(x))


def tune(ratings, l2s, share):
    """Подбор."""
    rows = []
    split = last_share(chronological(ratings, seed=0), share)
    for l2 in l2s:
        model = models.EASE(l2=l2 + L2).fit(split.train)
        found = evaluate(model.score, split.test, split.seen, METRICS)
        rows.append([l2, *(helper(found[name]) for name in METRICS)])
    return rows


def second(n):
    return [doubled(n)]


# %%
params = {"l2s": [1.0, 10.0], "share": 0.4}
params["l2s"].append(100.0)
rows = stored_result("77_tiny.tuning", tune, data={"ratings": ratings}, params=params)
again = stored_result("77_tiny.second", second, params={"n": 3})
raise SystemExit("сюда пересчёт не доходит")
'''
COUNTER = itertools.count()
FRAME = pd.DataFrame({"user": [0, 1], "item": [1, 0], "title": ["Сталкер", "Кин-дза-дза"]})


def run_lesson(folder: Path, text: str = LESSON) -> ModuleType:
    """Исполнить урок до вызова ``stored_result``; текст функций находится в файле."""
    path = folder / f"lesson_{next(COUNTER)}.py"
    path.write_text(text, encoding="utf-8")
    module = ModuleType("tiny_lesson")
    module.__file__ = str(path)
    sys.modules["tiny_lesson"] = module
    code = compile(text.partition("rows = stored_result")[0], str(path), "exec")
    exec(code, vars(module))
    return module


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "results_dir", lambda: tmp_path / "results")
    for variable in ("FULL", "BUILD", "CHECK", "CHECK_DIR"):
        monkeypatch.delenv(f"RECSYS_LESSONS_{variable}", raising=False)
    yield tmp_path / "results"
    sys.modules.pop("tiny_lesson", None)


def ask(lesson, **changes):
    arguments = {"data": {"ratings": lesson.ratings}, "params": lesson.params} | changes
    return stored_result(NAME, lesson.tune, **arguments)


@pytest.fixture
def stored(folder, monkeypatch):
    """Посчитанное и записанное значение урока."""
    with monkeypatch.context() as full:
        full.setenv("RECSYS_LESSONS_FULL", "1")
        return ask(run_lesson(folder.parent))


@pytest.fixture
def build(monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")


def files(folder) -> list[str]:
    return sorted(path.name for path in folder.glob("*")) if folder.exists() else []


# ------------------------------------------------------------------------ что меняет ключ

IN_LESSON = "урок"
# Где, что заменить, чем, что назовёт ошибка.
CHANGES = {
    "дисконт метрики": (
        "recsys_lessons.metrics",
        "np.log2(np.arange(2, k + 2))",
        "np.log2(np.arange(3, k + 3))",
        "recsys_lessons.metrics._discounts",
    ),
    "правило разбиения": (
        "recsys_lessons.splits",
        "np.floor(share * n + 1e-9)",
        "np.ceil(share * n + 1e-9)",
        "recsys_lessons.splits._last_share",
    ),
    "константа пакета": ("recsys_lessons.metrics", "EMPTY = -1", "EMPTY = -2", "metrics.EMPTY"),
    "метод модели": ("recsys_lessons.models.ease", "@ self.B_", "@ -self.B_", "ease.EASE"),
    "функция урока": (IN_LESSON, "Rounded().value", "Rounded(0.0).value", "helper"),
    "функция из значения по умолчанию": (IN_LESSON, "x * by", "x + by", "doubled"),
    "значение по умолчанию": (IN_LESSON, "by=2", "by=3", "doubled"),
    "метод класса урока": (IN_LESSON, "+ self.shift", "- self.shift", "Rounded"),
    "атрибут класса урока": (IN_LESSON, "digits = 4", "digits = 3", "Rounded"),
    "константа урока": (IN_LESSON, "L2 = 5.0", "L2 = 6.0", "L2"),
    "другой импорт": (IN_LESSON, "import evaluate\n", "import recommend as evaluate\n", "tune"),
    "вычисление": (IN_LESSON, "l2 + L2", "l2 - L2", "tune"),
    "значение в данных": (IN_LESSON, "7 * item % 5", "7 * item % 6", "данные ratings"),
    "имя столбца": (IN_LESSON, "note=1", "mark=1", "данные ratings"),
    "тип столбца": (IN_LESSON, "note=1", "note=1.0", "данные ratings"),
    "параметр": (IN_LESSON, "[1.0, 10.0]", "[2.0, 10.0]", "параметр l2s"),
}
SAME = {
    "комментарий": (IN_LESSON, "# пояснение", "# другое пояснение"),
    "докстринг модели": ("recsys_lessons.models.ease", '"""Линейная модель', '"""Модель'),
    "докстринг метрики": ("recsys_lessons.metrics", '"""NDCG@k: DCG', '"""NDCG: DCG'),
    "докстринг модуля": ("recsys_lessons.metrics", '"""Метрики', '"""Все метрики'),
    "докстринг урока": (IN_LESSON, '"""Подбор."""', '"""Подбор штрафа."""'),
    "перенос строки": (IN_LESSON, "return x * by", "return (\n        x\n        * by\n    )"),
    "пустые строки": (IN_LESSON, "def helper", "\n\n\ndef helper"),
    "кавычки": (IN_LESSON, '("NDCG@2", "Recall@2")', "('NDCG@2', 'Recall@2')"),
    "порядок импортов": (
        "recsys_lessons.metrics",
        "import numpy as np\nimport scipy.sparse as sp",
        "import scipy.sparse as sp\nimport numpy as np",
    ),
    "текст ошибки": (
        "recsys_lessons.inputs",
        "целое число не меньше {low}",
        "целое, и не меньше {low + 0}",
    ),
    "функция, до которой не дойти": (
        "recsys_lessons.metrics",
        "def hit_count(",
        "def never_called():\n    return 1\n\n\ndef hit_count(",
    ),
    "изменение такой функции": ("recsys_lessons.splits", "(n > 1).astype", "(n > 2).astype"),
    "проза": (IN_LESSON, "# # Крошечный урок", "# # Маленький урок"),
    "аннотация": (IN_LESSON, "def doubled(x, by=2)", "def doubled(x: float, by: int = 2) -> float"),
    "аннотация переменной": (IN_LESSON, "    rows = []", "    rows: list[list[float]] = []"),
    "аннотация константы": (
        "recsys_lessons.evaluation",
        "BLOCK_CELLS = 4",
        "BLOCK_CELLS: int = 4",
    ),
    "порядок определений": (IN_LESSON, "L2 = 5.0\nMETRICS", "B = 1\nL2 = 5.0\nMETRICS"),
}


def changed_lesson(monkeypatch, folder, place, old, new):
    """Урок с одной правкой — в нём самом или в модуле пакета, который он зовёт."""
    text = LESSON if place == IN_LESSON else module_source(place)
    assert old in text, "правка ничего не меняет"
    text = text.replace(old, new, 1)
    if place == IN_LESSON:
        return run_lesson(folder, text)
    monkeypatch.setattr(
        reach, "module_source", lambda name: text if name == place else module_source(name)
    )
    return run_lesson(folder)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_value_makes_it_stale_and_is_named(
    stored, folder, build, monkeypatch, change
):
    *edit, named = CHANGES[change]
    before = (folder / f"{NAME}.json").read_bytes()
    with pytest.raises(StaleResultError) as caught:
        ask(changed_lesson(monkeypatch, folder.parent, *edit))
    message = str(caught.value)
    assert message.startswith(f"Результат {NAME} устарел. Изменилось: ")
    assert named in message.partition("Изменилось: ")[2].partition(". Посчитать")[0]
    assert message.endswith("make lessons NB=77_tiny FULL=stale") and len(message) < 1000
    assert (folder / f"{NAME}.json").read_bytes() == before


@pytest.mark.parametrize("change", SAME)
def test_what_does_not_change_the_value_makes_nothing_stale(
    stored, folder, build, monkeypatch, change
):
    assert ask(changed_lesson(monkeypatch, folder.parent, *SAME[change])) == stored


def test_a_value_edited_by_hand_is_found(stored, folder, build):
    path = folder / f"{NAME}.json"
    content = json.loads(path.read_text("utf-8"))
    content["value"][0][1] += 0.001
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(StaleResultError, match="Изменилось: само значение в файле"):
        ask(run_lesson(folder.parent))


def test_only_a_few_of_the_changes_are_listed(stored, folder, build):
    with pytest.raises(StaleResultError, match=r" и ещё \d+\. Посчитать"):
        stored_result(NAME, lambda ratings: 1, data={"ratings": 1})


def test_the_class_of_the_data_is_part_of_the_key(folder, monkeypatch, build):
    split = Split(*[sp.csr_array((2, 2))] * 3, pd.DataFrame())
    code = reach.reached(run_lesson(folder.parent).doubled, results._classes([[split]]))
    assert "recsys_lessons.splits.Split" in code
    assert "recsys_lessons.splits.last_share" not in code


def test_the_key_reaches_only_what_is_needed(folder):
    code = reach.reached(run_lesson(folder.parent).tune)
    assert {"tune", "helper", "doubled", "Rounded", "L2", "METRICS"} <= code.keys()
    assert "recsys_lessons.models.ease.EASE" in code and "recsys_lessons.metrics.ndcg" in code
    for away in ("splits.leave_last_out", "evaluation.compare", "inputs.shown", "ease.EASE.fit"):
        assert f"recsys_lessons.{away}" not in code


def space():
    return {**EASE_SPACE, "dropout": uniform(0, 0.9)}


def test_a_table_of_the_package_and_a_distribution_may_be_read_by_name(monkeypatch):
    found = reach.reached(space)
    assert "recsys_lessons.tuning.EASE_SPACE" in found
    monkeypatch.setitem(globals(), "uniform", loguniform)
    assert reach.reached(space)["space"] != found["space"]
    monkeypatch.setitem(globals(), "EASE_SPACE", dict(EASE_SPACE))  # своя, не пакета
    with pytest.raises(TypeError, match="читает EASE_SPACE"):
        reach.reached(space)


def test_what_a_package_function_imports_inside_is_reached(folder, monkeypatch):
    text = module_source("recsys_lessons.splits").replace(
        "    rule = _last_share(check_number(",
        "    from .metrics import coverage as c\n    c(1, 2, 3)\n"
        "    rule = _last_share(check_number(",
        1,
    )
    assert "coverage" in text
    monkeypatch.setattr(
        reach, "module_source", lambda n: text if n == "recsys_lessons.splits" else module_source(n)
    )
    assert "recsys_lessons.metrics.coverage" in reach.reached(run_lesson(folder.parent).tune)


def test_one_class_or_a_whole_module(folder):
    text = LESSON + "\n"
    only = run_lesson(folder.parent, text.replace("return x * by", "return models.Popularity"))
    assert "recsys_lessons.models.start.Popularity" in reach.reached(only.doubled)
    text = text.replace("import models", "import metrics, models").replace(
        "return x * by", "return getattr(metrics, x)"
    )
    assert "recsys_lessons.metrics.novelty" in reach.reached(
        run_lesson(folder.parent, text).doubled
    )


def record(text: str) -> list[str]:
    return [dump(clean(node)) for node in parsed(text).body]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x: int = 1", "x = 1"),
        ('f(f"a{x}b" "c")', 'f(f"a{x}" "bc")'),
        ("def f(a: int) -> str:\n 'текст'\n return a", "def f(a):\n  return a"),
        ("def f():\n 'текст'", "def f():\n pass"),
        ("raise ValueError(f'было {x}')", "raise ValueError('стало')"),
        ("warnings.warn('было', UserWarning)", "warnings.warn('стало', UserWarning)"),
        ("assert x, 'было'", "assert x"),
        ("x = u'a'", "x = 'a'"),
        ("x = (1)", "x = 1"),
        ("x = 1_000", "x = 1000"),
    ],
)
def test_spellings_of_the_same(one, other):
    assert [dump(clean(n)) for n in parsed(one).body] == [
        dump(clean(n)) for n in parsed(other).body
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = '1'", "x = b'1'"),
        ("x = None", "x = 0"),
        ("f(a, b)", "f(b, a)"),
        ("f(**a)", "f(*a)"),
        ("{1: 2, **a}", "{**a, 1: 2}"),
        ("raise ValueError(best)", "raise ValueError(worst)"),
        ("raise ValueError('a')", "raise TypeError('a')"),
        ("warnings.warn('a', UserWarning)", "warnings.warn('a', FutureWarning)"),
        ("x[1:]", "x[:1]"),
        ("f'{x!r}'", "f'{x!s}'"),
        ("f'{x:.3f}'", "f'{x:.4f}'"),
        ("class A:\n x: int", "class A:\n y: int"),
        ("class A:\n x: int = 1", "class A:\n x: ClassVar[int] = 1"),
        ("class A:\n x: int = 1", "class A:\n x: dataclasses.InitVar[int] = 1"),
        ("class A:\n _: int", "class A:\n _: KW_ONLY"),
        ("x = a if b else c", "x = c if b else a"),
    ],
)
def test_spellings_of_different_things(one, other):
    assert [dump(clean(n)) for n in parsed(one).body] != [
        dump(clean(n)) for n in parsed(other).body
    ]


def test_the_record_of_a_tree_is_the_same_in_every_python():
    """Записанный отпечаток: ключи сравниваются между версиями Python."""
    assert reach.digest(*record(SYNTAX)) == "92e5042cf160a85e"


SYNTAX = """
@decorated(1, a=b)
class A(B, metaclass=C):
    x: int = 1
    y: str
    async def f(self, /, a, *args: int, b: str = "ё", **kw) -> None:
        async with a as b, c:
            await d
def g(x):
    global z
    try:
        print(f"{x!r:>{w}} {{}} {x=}" "b", *y, -1j, ..., True, None, b"1", 1e300, sep="", **z)
    except (E, F) as error:
        raise ValueError(error) from None
    finally:
        del q[1:2, ::3].r
    while (n := f(x)) and not a or b in c is not d <= e:
        continue
    for i, *j in {1: 2, **k}, {3}, [4]:
        yield lambda u, v=1: u if v else x @ v ** -w
    match x:
        case [1, None, *rest] | {"a": A(b=1), **other} if x > 1:
            return {m: n for m in o if p for n in p}
        case _:
            return [*(q for q in r)], (yield from s)
"""


# ------------------------------------------------------------------- только свои аргументы

DATA = {
    "table": "pd.DataFrame({'a': [1]})",
    "matrix": "sp.csr_array((2, 2))",
    "array": "np.arange(3)",
    "whole": "last_share(chronological(ratings, 0), 0.4)",
    "fitted": "models.EASE().fit(last_share(chronological(ratings, 0), 0.4).train)",
    "score": "models.EASE().fit(last_share(chronological(ratings, 0), 0.4).train).score",
    "names": "['a']",
    "grid": "{'a': 1}",
    "chosen": "{1, 2}",
    "rng": "np.random.default_rng(0)",
    "pair": "(1, [2])",
    "bound": "functools.partial(doubled, by=[1])",
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("reader", ["tune", "helper", "value"])
def test_data_read_as_a_global_are_named(folder, name, reader):
    text = LESSON.replace("# %%\nparams", f"# %%\n{name} = {DATA[name]}\nparams", 1)
    body = {"tune": "    rows = []\n", "helper": "    # пояснение\n"}.get(reader)
    if body:
        text = text.replace(body, f"{body}    [str({name}) for _ in range(1)]\n", 1)
    else:
        text = text.replace("return round(", f"return round(0 * len(str({name})) + ", 1)
    lesson = run_lesson(folder.parent, text)
    with pytest.raises(TypeError) as caught:
        ask(lesson)
    message, known = str(caught.value), {"value": "Rounded"}.get(reader, reader)
    assert f"Функция {known} читает {name} (" in message and len(message) < 1000
    assert f'data={{"{name}": {name}}}' in message and "params" in message
    assert files(folder) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("scale=doubled):", "scale=[1]):", "значение по умолчанию scale (list)"),
        ("scale=doubled):", "scale=doubled, *, part=ratings):", "по умолчанию part (DataFrame)"),
        ("digits = 4", "digits = [4]", "атрибут Rounded.digits (list)"),
        ("# пояснение", "return eval('x')", "helper обращается к eval"),
        ("# пояснение", "return open('x').read()", "helper обращается к open"),
        ("# пояснение", "return globals()['ratings']", "helper обращается к globals"),
        ("# пояснение", "return [locals() for _ in 'a']", "helper обращается к locals"),
        ("# пояснение", "from __main__ import ratings", "helper импортирует из __main__"),
        ("# пояснение", "global L2\n    L2 = 1", "helper меняет внешнюю переменную L2"),
    ],
)
def test_other_ways_to_read_around_the_arguments(folder, old, new, said):
    assert old in LESSON
    with pytest.raises(TypeError) as caught:
        ask(run_lesson(folder.parent, LESSON.replace(old, new, 1)))
    assert said in str(caught.value)


def with_helper(folder, body: str, before: str = "") -> ModuleType:
    """Урок, в котором ``helper`` исполняет ещё и ``body``."""
    text = LESSON.replace("# пояснение", body, 1)
    return run_lesson(folder.parent, text.replace("# %%\nparams", f"# %%\n{before}\nparams", 1))


AROUND = {
    "np.random.seed(0)": "общий генератор: numpy.random.seed",
    "np.random.rand(3)": "общий генератор: numpy.random.rand",
    "np.random.shuffle(x)": "общий генератор: numpy.random.shuffle",
    "g = np.random; g.shuffle(x)": "общий генератор: numpy.random",
    "import random; random.random()": "общий генератор: random.random",
    "from random import shuffle; shuffle(x)": "общий генератор: random.shuffle",
    "from numpy import random as r; r.rand()": "общий генератор: numpy.random.rand",
    "import torch; torch.randn(3)": "общий генератор: torch.randn",
    "import torch; torch.manual_seed(3)": "общий генератор: torch.manual_seed",
    "import torch; torch.nn.Dropout(0.5)": "общий генератор: torch.nn.Dropout",
    "import torch.nn.functional as F; F.dropout(x)": "torch.nn.functional.dropout",
    "import os; os.environ['A']": "helper читает os.environ",
    "import os; os.getenv('A')": "helper читает os.getenv",
    "import sys; sys.modules['__main__'].ratings": "helper читает sys.modules",
    "scale.__globals__['ratings']": "helper обращается к __globals__",
    "scale(x).gi_frame.f_globals['ratings']": "helper обращается к f_globals",
}


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("body", AROUND)
def test_what_the_key_cannot_see_is_refused(folder, body, outside):
    imported, _, rest = body.rpartition("; ")
    outside = outside and "import" in imported
    lesson = with_helper(folder, *((rest, imported) if outside else (body,)))
    with pytest.raises(TypeError) as caught:
        ask(lesson)
    said = AROUND[body].replace("общий генератор: ", "")
    assert said in str(caught.value) and len(str(caught.value)) < 1000
    assert ("np.random.default_rng(seed)" in str(caught.value)) == (
        "random" in said or said[0] == "t"
    )


@pytest.mark.parametrize(
    "body",
    [
        "np.random.default_rng(0).shuffle([x])",
        "isinstance(scale, np.random.Generator)",
        "np.random.Generator(np.random.PCG64(1))",
        "import random; random.Random(0).shuffle([x])",
        "import torch; torch.randn(3, generator=torch.Generator().manual_seed(0)).double()",
        "from torch import randperm; randperm(3, generator=scale)",
        "import torch; torch.softmax(x, 0)",
    ],
)
@pytest.mark.parametrize("outside", [False, True])
def test_own_generators_are_allowed(folder, body, outside):
    imported, _, rest = body.rpartition("; ")
    reach.reached(with_helper(folder, *((rest, imported) if outside else (body,))).tune)


def test_the_package_is_checked_too(folder, monkeypatch):
    """Код пакета и моделей читается текстом: общий генератор виден и там."""
    for module, body, said in [
        ("recsys_lessons.metrics", "np.random.rand()", "metrics.ndcg.*numpy.random.rand"),
        ("recsys_lessons.models.ease", "np.random.rand()", "ease.EASE.*numpy.random.rand"),
        ("recsys_lessons.models.ease", "import os; os.getenv('A')", "ease.EASE читает os.getenv"),
        ("recsys_lessons.models.ease", "eval('ratings')", "ease.EASE обращается к eval"),
    ]:
        old = "    def score(" if "models" in module else "def ndcg("
        text = module_source(module)
        head, _, tail = text.partition(old)
        signature, _, rest = tail.partition(":\n")
        indent = "        " if "models" in module else "    "
        edited = f"{head}{old}{signature}:\n{indent}{body}\n{rest}"
        monkeypatch.setattr(
            reach, "module_source", lambda n, m=module, t=edited: t if n == m else module_source(n)
        )
        with pytest.raises(TypeError, match=said):
            reach.reached(run_lesson(folder.parent).tune)


OPAQUE = {
    "vectorized": ("many = np.vectorize(doubled)", "many(x)", "зовёт many.*класса vectorize"),
    "dispatched": (
        "@functools.singledispatch\ndef kind(x):\n    return 1\n"
        "@kind.register\ndef _(x: int):\n    return 2",
        "kind(x)",
        "зовёт kind.*есть атрибут",
    ),
    "attribute": ("doubled.k = 3", "scale.k", "есть атрибут k"),
    "cached": ("cached = functools.cache(doubled)\ncached.k = 3", "cached.k", "есть атрибут k"),
    "namedtuple": (
        "from collections import namedtuple\nP = namedtuple('P', 'a')\np = P(1)",
        "p.a",
        r"читает p \(P\)",
    ),
    "int": ("class N(int):\n    pass\nn = N(1)", "n + 1", r"читает n \(N\)"),
    "frozen": ("from scipy.stats import uniform\nu = uniform(0, 1)", "u.pdf(x)", "читает u"),
}


@pytest.mark.parametrize("case", OPAQUE)
def test_what_can_change_unseen_is_refused(folder, case):
    before, body, said = OPAQUE[case]
    with pytest.raises(TypeError, match=said):
        reach.reached(with_helper(folder, body, before).tune)


# Что стоит в уроке, что в этом заменить и на что; helper читает имя a.
LIVE = {
    "вторая лямбда строки": ("a = (lambda x: x + 1, lambda x: x - 1)[0]", "[0]", "[1]"),
    "тип числа": ("a = np.float32(1.5)", "np.float32(1.5)", "1.5"),
    "дата": ("a = pd.Timestamp('2020-01-01')", "01-01", "01-02"),
    "элемент перечисления": (
        "import enum\nclass Kind(enum.IntEnum):\n    A = 1\n    B = 1 + 1\na = Kind.A",
        "Kind.A",
        "Kind.B",
    ),
    "значение перечисления": (
        "import enum\nclass Kind(enum.Enum):\n    A = 1\na = Kind.A",
        "A = 1",
        "A = 2",
    ),
    "закрытый атрибут": ("a = 0\nRounded._rate = 5", "_rate = 5", "_rate = 6"),
    "вызов объекта": ("a = 0\nRounded.__call__ = lambda self: 5", "self: 5", "self: 6"),
    "чужой метод": ("a = 0\nRounded.value = lambda self, x: 5", "x: 5", "x: 6"),
    "обёртка метода": (
        "a = 0\ndef twice(f):\n    @functools.wraps(f)\n    def g(self, x):\n"
        "        return 2 * f(self, x)\n    return g\nRounded.value = twice(Rounded.value)",
        "2 * f",
        "3 * f",
    ),
}


@pytest.mark.parametrize("case", LIVE)
def test_living_things_are_told_apart(folder, case):
    before, old, new = LIVE[case]
    one, other, again = (
        reach.reached(with_helper(folder, "[a]", text).tune)
        for text in (before, before.replace(old, new), before)
    )
    assert one == again != other


def test_a_substituted_function_of_the_package_is_refused(folder, monkeypatch):
    lesson = run_lesson(folder.parent)
    before = reach.reached(lesson.tune)
    for place, name in [
        ("recsys_lessons.metrics", "ndcg"),
        ("recsys_lessons.splits", "Split"),
        ("recsys_lessons.models.ease", "EASE.score"),
    ]:
        owner, title = sys.modules[place], name
        if "." in name:
            first, _, title = name.partition(".")
            owner = getattr(owner, first)
        with monkeypatch.context() as patch:
            patch.setattr(owner, title, lesson.doubled)
            with pytest.raises(TypeError, match=rf"{place}\.{name} — подмена: загружено не то"):
                reach.reached(lesson.tune, [HeldOut, Split])
    with monkeypatch.context() as patch:
        patch.setattr("recsys_lessons.metrics.ndcg", metrics.recall)
        with pytest.raises(TypeError, match=r"metrics\.ndcg — подмена"):
            reach.reached(lesson.tune)
    assert reach.reached(lesson.tune) == before


# ------------------------------------------------------- что ключ не видит в самих модулях


PACKAGE_FILES = sorted(Path(results.__file__).parent.rglob("*.py"))
# Вызовы и присваивания верхнего уровня, от которых не зависит ни одно значение.
HARMLESS = {
    "_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60",
    "if not any((isinstance(finder, LessonFinder) for finder in sys.meta_path)):\n"
    "    sys.meta_path.append(LessonFinder())",
    "if __name__ == '__main__':\n    sys.exit(main())",
}
READ_ENVIRONMENT = {
    *("__init__.building", "_fetch.data_folder", "checks._plain", "tuning._attempt"),
    "running._final",
    *("reach._Cone", "reach._check_loaded", "reach._foreign", "reach._package_home"),
    *("results._check", "results.stored_result", "results.versions"),
}


def effects(text: str) -> list[str]:
    """Операторы верхнего уровня, которые не только определяют имена."""
    return [ast.unparse(node) for node in ast.parse(text).body if not defines(node)]


def defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        parts = [getattr(target, "elts", [target]) for target in targets]
        return all(isinstance(name, ast.Name) for name in itertools.chain(*parts))
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING" and not node.orelse
    if isinstance(node, ast.ImportFrom):
        return node.names[0].name != "*"
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Import | ast.FunctionDef | ast.ClassDef)


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=lambda path: path.stem)
def test_modules_of_the_package_only_define(path):
    """Остальное ключ не увидел бы: он составлен по определениям, а не по модулям."""
    assert set(effects(path.read_text("utf-8"))) <= HARMLESS


@pytest.mark.parametrize(
    "lesson", sorted({name for v in lessons.class_lessons().values() for name in v})
)
def test_model_cells_only_define(lesson):
    assert effects(lessons.model_source(lesson)) == []


@pytest.mark.parametrize(
    "text",
    [
        "np.log2 = np.log1p",
        "np.seterr(all='ignore')",
        "m.EMPTY = -7",
        "setattr(m, 'EMPTY', -7)",
        "_setup()",
        "from x import *",
        "a, m.b = 1, 2",
        "x[0]: int = 1",
        "x += 1",
        "if x:\n    y = 1",
        "for x in y: pass",
        "del x",
    ],
)
def test_effects_are_noticed(text):
    assert effects(f"import numpy as np\nx = 1\n{text}\ny: int = 2") == [
        ast.unparse(ast.parse(text))
    ]


def test_few_definitions_of_the_package_read_the_environment():
    """В уроке это запрещено; в пакете — только там, где от чтения не зависит ни одно значение."""
    found = {
        f"{path.stem}.{name}"
        for path in PACKAGE_FILES
        for name, nodes in index(path.read_text("utf-8")).definitions.items()
        if any(re.search(r"os\.environ|os\.getenv|sys\.modules", ast.unparse(n)) for n in nodes)
    }
    assert found == READ_ENVIRONMENT


def test_a_name_imported_and_defined_keeps_both(folder, monkeypatch):
    text = module_source("recsys_lessons.metrics")
    for extra in ("np.log2 = np.log1p", "np = wrap(np)"):
        edited = text + f"\n{extra}\n"
        monkeypatch.setattr(
            reach,
            "module_source",
            lambda n, t=edited: t if n.endswith("metrics") else module_source(n),
        )
        assert "recsys_lessons.metrics.np" in reach.reached(run_lesson(folder.parent).tune)


def test_a_closure_is_no_argument():
    def around(remembered):
        count = 0

        def compute():
            return remembered

        def counts():
            nonlocal count
            count += 1
            return count

        return compute, counts

    table = pd.DataFrame({"a": [1]})
    with pytest.raises(TypeError, match=r"compute читает remembered \(DataFrame\)"):
        reach.reached(around(table)[0])
    with pytest.raises(TypeError, match="counts меняет переменную вокруг себя"):
        reach.reached(around(1)[1])
    one, other = (reach.reached(around(value)[0]) for value in (1, 2))
    assert one.keys() == other.keys() and one != other


def test_an_assignment_to_an_attribute_of_a_class_is_seen(folder):
    lesson = run_lesson(folder.parent)
    before = reach.reached(lesson.tune)
    lesson.Rounded.digits = 2
    assert reach.reached(lesson.tune)["Rounded"] != before["Rounded"]
    lesson.Rounded.digits = 4
    assert reach.reached(lesson.tune) == before
    lesson.Rounded.value = lesson.doubled
    assert reach.reached(lesson.tune)["Rounded"] != before["Rounded"]


def test_what_a_computation_may_read(folder):
    text = (
        LESSON
        + """
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from recsys_lessons.models import EASE

class Own(EASE):
    @property
    def twice(self):
        return doubled(self.l2)

@dataclass(frozen=True)
class Pair:
    left: int
    right: float = 1.0

@cache
def cached(x):
    return doubled(x)

tripled = partial(doubled, by=3)
shift = lambda x: x + 1
KINDS = (EASE, Own, None, ("a", 1.5), frozenset({2, 1}), np.float64(0.5))

def allowed(n):
    def inner(m=n):
        return [shift(tripled(m)) for _ in product(range(m))]
    return inner(), cached(n), Pair(1), KINDS, np.log2(n), sum([n]), __name__
"""
    )
    path = folder.parent / "allowed.py"
    path.write_text(
        text.replace("raise SystemExit", "pass  #").replace(
            "rows = stored", "rows = lambda *a, **b: 0  # "
        ),
        "utf-8",
    )
    spec = importlib.util.spec_from_file_location("tiny_lesson", path)
    lesson = importlib.util.module_from_spec(spec)
    sys.modules["tiny_lesson"] = lesson
    spec.loader.exec_module(lesson)
    code = reach.reached(lesson.allowed)
    assert {"allowed", "cached", "doubled", "Own", "Pair", "<lambda>", "KINDS"} <= code.keys()
    assert "recsys_lessons.models.ease.EASE" in code


@pytest.mark.parametrize("make", [lambda: print, lambda: functools_partial(), lambda: 3])
def test_what_is_not_a_function_of_the_lesson(make):
    thing = make()
    assert reach.reached(thing) == {}


def functools_partial():
    import functools

    return functools.partial(print, 1)


def test_no_source_is_an_error():
    space = {"__name__": "tiny_lesson"}
    exec("def compute():\n    return 1", space)
    with pytest.raises(TypeError, match="Исходный текст функции compute не найден"):
        reach.reached(space["compute"])


# ------------------------------------------------------------------------ аргументы stored_result


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"data": pd.DataFrame({"a": [1]})},
            'data — словарь.*data={"ratings": ratings}.*DataFrame',
        ),
        ({"data": (np.arange(3),)}, "data — словарь.*tuple"),
        ({"data": {1: 2}}, "data — словарь"),
        ({"params": [1]}, "params — словарь.*list"),
        ({"params": {"n": np.eye(2)}}, "JSON.*ndarray"),
        ({"params": {"ratings": 1}}, "и в data, и в params: ratings"),
        ({"data": {"ratings": {1, 2}}}, "Аргумент ratings: у set нет отпечатка"),
        ({"data": {"ratings": object()}}, "Аргумент ratings: у object нет отпечатка"),
        ({"data": {"ratings": [np.array([{1}], dtype=object)]}}, "у set нет отпечатка"),
        ({"data": {"ratings": np.zeros(2, dtype="V4")}}, "Аргумент ratings: у массива"),
        ({"data": {"ratings": Evaluation}}, "Аргумент ratings: у type нет"),
        ({"data": {"ratings": np.ma.array([1], mask=[True])}}, "у MaskedArray нет отпечатка"),
        ({"data": {"ratings": np.longdouble(1)}}, "у longdouble нет отпечатка"),
        ({"params": {"l2s": [{"a": ({1: 2},)}]}}, r"Ключ словаря 1 \(int\) — не строка"),
        ({"params": {"l2s": {None: 2}}}, r"Ключ словаря None \(NoneType\) — не строка"),
        ({"params": {"l2s": {1: 2, "1": 3}}}, r"Ключ словаря 1 \(int\) — не строка"),
    ],
)
def test_arguments_of_another_kind(folder, changes, said):
    with pytest.raises(TypeError, match=said):
        ask(run_lesson(folder.parent), **changes)


@pytest.mark.parametrize("name", ["grid", "grid.", ".grid", ""])
def test_a_name_without_a_lesson(name):
    with pytest.raises(ValueError, match=r"«урок\.название»"):
        stored_result(name, len)


# ------------------------------------------------------------------------ читатель и сборка


def slow(folder, seconds) -> None:
    path = folder / f"{NAME}.json"
    content = json.loads(path.read_text("utf-8")) | {"seconds": seconds}
    path.write_text(json.dumps(content), encoding="utf-8")


def test_a_value_is_read_and_said_so(stored, folder, capsys):
    assert ask(run_lesson(folder.parent)) == stored
    out = capsys.readouterr().out
    command = "make lessons NB=77_tiny FULL=1"
    assert out == f"Значение {NAME} посчитано заранее; пересчитать: {command}\n"


def test_reading_is_silent_while_building(stored, folder, build, capsys):
    assert ask(run_lesson(folder.parent)) == stored
    assert capsys.readouterr().out == ""


def test_reading_does_not_compute(stored, folder, monkeypatch):
    lesson = run_lesson(folder.parent)
    monkeypatch.setattr(lesson, "chronological", lesson.chronological)
    path = folder / f"{NAME}.json"
    content = json.loads(path.read_text("utf-8"))
    content["value"] = "из файла"
    content["digest"] = results._value_digest("из файла")
    path.write_text(json.dumps(content), encoding="utf-8")
    assert ask(lesson) == "из файла"


def test_a_reader_who_changes_a_grid_is_not_stopped(stored, folder, capsys):
    before = (folder / f"{NAME}.json").read_bytes()
    value = ask(run_lesson(folder.parent), params={"l2s": [3.0], "share": 0.4})
    assert [row[0] for row in value] == [3.0]
    out = capsys.readouterr().out
    assert "устарел. Изменилось: параметр l2s. Считаю здесь и сейчас, это около 1 с" in out
    assert out.count("\n") == 1
    assert (folder / f"{NAME}.json").read_bytes() == before


def test_a_long_one_stops_and_says_how_long_and_what_to_do(stored, folder):
    slow(folder, 725.3)
    lesson = run_lesson(folder.parent)
    with pytest.raises(StaleResultError) as caught:
        ask(lesson, params={"l2s": [3.0], "share": 0.4})
    message = str(caught.value)
    for part in ("параметр l2s", "около 12 мин", "recompute=True", "прежние значения"):
        assert part in message
    assert "make lessons NB=77_tiny FULL=stale" in message
    assert ask(lesson) == stored
    assert ask(lesson, params={"l2s": [], "share": 0.4}, recompute=True) == []


@pytest.mark.parametrize(("seconds", "stops"), [(59.9, False), (60.0, True)])
def test_a_minute_is_the_border(stored, folder, seconds, stops):
    slow(folder, seconds)
    lesson = run_lesson(folder.parent)
    try:
        ask(lesson, params={"l2s": [], "share": 0.4})
        stopped = False
    except StaleResultError:
        stopped = True
    assert stopped == stops


def test_a_missing_value(folder, capsys, monkeypatch):
    lesson = run_lesson(folder.parent)
    assert ask(lesson)[0][0] == 1.0
    assert "ещё не посчитан. Считаю здесь и сейчас;" in capsys.readouterr().out
    assert files(folder) == []
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")
    with pytest.raises(StaleResultError, match=r"ещё не посчитан.*NB=77_tiny FULL=stale"):
        ask(lesson)
    assert files(folder) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"key": {}}', "<<<<<<< HEAD"])
@pytest.mark.parametrize("building", ["0", "1"])
def test_a_damaged_file_names_the_command(stored, folder, monkeypatch, text, building):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", building)
    (folder / f"{NAME}.json").write_text(text, encoding="utf-8")
    with pytest.raises(StaleResultError, match=r"повреждён.*make lessons NB=77_tiny FULL=stale"):
        ask(run_lesson(folder.parent))


def test_a_file_of_the_former_kind_is_stale(stored, folder, build):
    old = {"key": {"models": "0"}, "params": {}, "value": 1}
    (folder / f"{NAME}.json").write_text(json.dumps(old), encoding="utf-8")
    with pytest.raises(StaleResultError, match="устройство файла"):
        ask(run_lesson(folder.parent))


# ------------------------------------------------------------------------ запись


def test_the_file(stored, folder):
    text = (folder / f"{NAME}.json").read_bytes()
    content = json.loads(text)
    parts = ["digest", "key", "params", "seconds", "tolerance", "value", "versions"]
    assert sorted(content) == parts
    assert content["value"] == stored and content["params"]["l2s"] == [1.0, 10.0, 100.0]
    assert content["versions"]["numpy"] == np.__version__
    assert list(content["key"]["data"]) == ["ratings"]
    assert text.endswith(b"}\n") and b"\r" not in text


def test_full_returns_what_will_be_read(monkeypatch, folder):
    """Кортежи в JSON становятся списками — и при первом расчёте тоже."""
    monkeypatch.setenv("RECSYS_LESSONS_FULL", "1")
    fresh = stored_result(NAME, by_number)
    monkeypatch.delenv("RECSYS_LESSONS_FULL")
    assert fresh == stored_result(NAME, by_number) == {"10": [1, 2]}
    assert stored_result(NAME, by_number, recompute=True) == fresh


def by_number():
    return {"10": (1, 2)}


def numbered():
    return {"a": [{10: 1}]}


@pytest.mark.parametrize("arguments", [{}, {"recompute": True}])
def test_a_value_with_keys_that_are_not_strings_is_refused(monkeypatch, folder, arguments):
    """Из файла вернулся бы другой словарь."""
    monkeypatch.setenv("RECSYS_LESSONS_FULL", "1")
    with pytest.raises(TypeError, match=r"Ключ словаря 10 \(int\) — не строка.*str"):
        stored_result(NAME, numbered, **arguments)
    assert files(folder) == []


def breaks():
    raise RuntimeError("не вышло")


def no_json():
    return np.eye(2)


@pytest.mark.parametrize(("compute", "error"), [(breaks, RuntimeError), (no_json, TypeError)])
def test_a_failure_leaves_no_half_written_file(folder, monkeypatch, compute, error):
    monkeypatch.setenv("RECSYS_LESSONS_FULL", "1")
    with pytest.raises(error):
        stored_result(NAME, compute)
    assert files(folder) == []
    stored_result(NAME, by_number)
    before = (folder / f"{NAME}.json").read_bytes()
    with pytest.raises(error):
        stored_result(NAME, compute)
    assert files(folder) == [f"{NAME}.json"]
    assert (folder / f"{NAME}.json").read_bytes() == before


def test_a_full_disk_keeps_the_old_value(stored, folder, monkeypatch):
    def full_disk(old, new):
        raise OSError("нет места на диске")

    with monkeypatch.context() as full:
        full.setenv("RECSYS_LESSONS_FULL", "1")
        full.setattr(os, "replace", full_disk)
        with pytest.raises(OSError, match="нет места"):
            ask(run_lesson(folder.parent), params={"l2s": [], "share": 0.4})
    assert files(folder) == [f"{NAME}.json"]
    assert ask(run_lesson(folder.parent)) == stored


def test_two_writers_at_once_leave_a_whole_file(folder):
    """Черновик у каждого свой: одному общему другой писатель дописал бы чужой хвост."""
    folder.mkdir()
    path, seen, stop = folder / "a.b.json", [], threading.Event()

    def write(mark, size):
        for _ in range(60):
            results._write(path, {"mark": mark, "value": [mark] * size})

    def read():
        while not stop.is_set():
            if path.exists():
                seen.append(json.loads(path.read_text("utf-8")))

    sizes = {1: 30_000, 2: 10, 3: 999}
    with ThreadPoolExecutor(4) as pool:
        reader = pool.submit(read)
        writers = [pool.submit(write, *pair) for pair in sizes.items()]
        failed = [writer.exception() for writer in writers if writer.exception()]
        stop.set()
    assert not failed and reader.exception() is None
    assert files(folder) == ["a.b.json"]
    assert seen and all(set(content["value"]) == {content["mark"]} for content in seen)


def test_stale_mode_computes_only_what_is_stale(stored, folder, monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_FULL", "stale")
    lesson = run_lesson(folder.parent)
    path = folder / f"{NAME}.json"
    slow(folder, 12345.0)
    marked = path.read_bytes()
    assert ask(lesson) == stored
    assert path.read_bytes() == marked
    assert ask(lesson, params={"l2s": [2.0], "share": 0.4}) != stored
    assert json.loads(path.read_bytes())["params"]["l2s"] == [2.0]
    path.write_text("{}", encoding="utf-8")
    assert ask(lesson) == stored
    path.unlink()
    assert ask(lesson) == stored and path.exists()


def test_the_folder_stands_beside_the_lessons(monkeypatch):
    monkeypatch.undo()
    assert results.results_dir() == lessons.lessons_dir() / "results"


# ------------------------------------------------------------------------ отпечаток данных

MATRIX = sp.csr_array([[0, 1.0, 2.0], [3.0, 0, 0]])
ARRAY = np.array([[1.0, 2.0], [3.0, 4.0]])
SPLIT = Split(MATRIX, MATRIX * 2, MATRIX * 3, FRAME)
BASKETS = {7: [np.array([1, 2]), np.array([3])], 8: [np.array([1])]}
DAY = pd.DataFrame({"t": pd.to_datetime(["2020-01-01"])})


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (ARRAY, ARRAY.astype(">f8")),
        (ARRAY, np.asfortranarray(ARRAY)),
        (ARRAY, np.hstack([ARRAY, ARRAY])[:, :2]),
        (np.arange(3), np.arange(3, dtype=">i8")),
        (np.array(["a", "b"]), np.array(["a", "b"], dtype="U9")),
        (MATRIX, sp.csc_array(MATRIX)),
        (MATRIX, sp.coo_array(MATRIX)),
        (MATRIX, sp.csr_matrix(MATRIX)),
        (FRAME, FRAME.copy()),
        (DAY, DAY.astype("datetime64[s]")),
        (SPLIT, Split(MATRIX.copy(), MATRIX * 2, MATRIX * 3, FRAME.copy())),
        ([1, 2], (1, 2)),
    ],
)
def test_the_same_data_have_the_same_hash(a, b):
    assert data_hash(a) == data_hash(b)


def test_the_type_of_sparse_indices_does_not_matter():
    wide = MATRIX.copy()
    wide.indices, wide.indptr = wide.indices.astype("i8"), wide.indptr.astype("i8")
    assert wide.indices.dtype == np.int64 and data_hash(wide) == data_hash(MATRIX)


def test_the_order_inside_sparse_rows_does_not_matter_and_is_kept():
    mixed = sp.csr_array((np.array([2.0, 1, 3]), np.array([2, 1, 0]), np.array([0, 2, 3])), (2, 3))
    assert data_hash(mixed) == data_hash(MATRIX)
    assert mixed.indices.tolist() == [2, 1, 0] and mixed.data.tolist() == [2, 1, 3]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (ARRAY, ARRAY + 1e-15),
        (ARRAY, ARRAY.T),
        (ARRAY, ARRAY.ravel()),
        (ARRAY, ARRAY.reshape(4, 1)),
        (ARRAY, ARRAY.astype(int)),
        (ARRAY, ARRAY.astype("f4")),
        (MATRIX, MATRIX.astype("f4")),
        (np.arange(3), np.arange(3, dtype="i2")),
        (np.arange(3), np.arange(3, dtype="u8")),
        (FRAME, FRAME.astype({"user": "int32"})),
        (np.float32(0.5), 0.5),
        (np.int32(5), 5),
        (np.uint64(5), 5),
        (BASKETS, dict(reversed(BASKETS.items()))),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.array([1, pd.Timestamp("2020-01-01")]), np.array([1, DAY["t"][0].to_pydatetime()])),
        (np.array([0, 1]), np.array([False, True])),
        (np.array([0, 1]), np.array(["0", "1"])),
        (np.array(["ab", "c"]), np.array(["a", "bc"])),
        (np.array(["a", "b"]), np.array(["b", "a"])),
        (np.array([2**64 - 1], dtype="u8"), np.array([-1])),
        (MATRIX, MATRIX * 2),
        (MATRIX, MATRIX.astype(int)),
        (MATRIX, sp.csr_array(MATRIX[:, [1, 0, 2]])),
        (MATRIX, sp.csr_array(MATRIX[[1, 0]])),
        (MATRIX, MATRIX.toarray()),
        (sp.csr_array((2, 3)), sp.csr_array((2, 4))),
        (FRAME, FRAME[::-1]),
        (FRAME, FRAME.set_index(pd.Index([1, 0]))),
        (FRAME, FRAME.rename(columns={"item": "thing"})),
        (FRAME, FRAME[["item", "user", "title"]]),
        (FRAME, FRAME.assign(title=["Сталкер", "Солярис"])),
        (FRAME, FRAME.assign(title=["Сталкер", None])),
        (FRAME, FRAME.assign(user=[0, 2])),
        (FRAME["user"], FRAME["user"].rename("item")),
        (DAY, pd.DataFrame({"t": [5]})),
        (DAY, pd.DataFrame({"t": pd.to_datetime(["2020-01-02"])})),
        (SPLIT, Split(MATRIX * 2, MATRIX, MATRIX * 3, FRAME)),
        (SPLIT, HeldOut(MATRIX, MATRIX * 2, MATRIX * 3, FRAME)),
        (BASKETS, {7: [np.array([1, 2, 3])], 8: [np.array([1])]}),
        (BASKETS, {7: [np.array([1, 2]), np.array([3])], 9: [np.array([1])]}),
        ([np.array([1, 2]), np.array([3])], [np.array([1]), np.array([2, 3])]),
        ({1: 2}, {"1": 2}),
        (1, 2),
        (1, "1"),
        (1, 1.0),
        (0, False),
        ([1, 2], [2, 1]),
        ([[1], 2], [1, 2]),
    ],
)
def test_other_data_have_another_hash(a, b):
    assert data_hash(a) != data_hash(b)


def test_order_and_number_of_objects_matter():
    assert data_hash(ARRAY, FRAME) != data_hash(FRAME, ARRAY)
    assert data_hash(ARRAY) != data_hash(ARRAY, ARRAY)
    assert data_hash("ab", "c") != data_hash("a", "bc")
    assert data_hash(FRAME[["user"]], FRAME[["item"]]) != data_hash(FRAME[["user", "item"]])


def test_series_and_numpy_numbers_are_data_too():
    series = FRAME["user"]
    assert data_hash(series) == data_hash(series.copy()) != data_hash(series + 1)
    assert data_hash(np.float64(0.5)) == data_hash(0.5)
    assert data_hash(np.int64(5)) == data_hash(5)


def test_the_hash_is_the_same_in_every_process():
    """Записанный отпечаток: ключи в хранилище сравниваются между машинами."""
    assert data_hash(np.arange(3), FRAME, BASKETS) == "05a1f514f452f6ff"


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(plain, plain)
def test_plain_values_are_told_apart(a, b):
    same = json.dumps(a) == json.dumps(b)
    assert (data_hash(a) == data_hash(b)) == same


# ------------------------------------------------------------------------ make results


@given(plain)
def test_a_value_does_not_differ_from_itself(value):
    assert list(tool.differences(value, json.loads(json.dumps(value)))) == []


@pytest.mark.parametrize(
    ("old", "new", "tolerance", "said"),
    [
        ([0.205, 0.1234], [0.205, 0.1235], 0.0, ""),
        ([0.205, 0.1234], [0.2051, 0.1234], 0.0, ""),
        ([0.205, 0.1234], [0.2052, 0.1234], 0.0, "[0]: 0.205 → 0.2052, разница 0.0002"),
        ([0.205, 0.1234], [0.206, 0.1234], 0.0, "[0]: 0.205 → 0.206, разница 0.001 при границе"),
        ({"EASE": {"mean": 0.2}}, {"EASE": {"mean": 0.4}}, 0.0, "EASE.mean: 0.2 → 0.4"),
        ([0.2], [0.21], 0.01, ""),
        ([0.2], [0.2101], 0.01, "при границе 0.01"),
        ([0.123456789012], [0.123456789013], 0.0, ""),
        ([0.0], [0], 0.0, ""),
        ([float("nan")], [float("nan")], 0.0, ""),
        ([float("nan")], [0.5], 0.5, "[0]: nan → 0.5"),
        ([17], [18], 0.0, "[0]: 17 → 18"),
        ([17], [18], 5.0, "[0]: 17 → 18"),
        ([True], [1], 5.0, "[0]: true → 1"),
        (["a"], ["b"], 5.0, '[0]: "a" → "b"'),
        ([1, 2], [1], 5.0, "значение: длина 2 → 1"),
        ({"a": 1}, {"b": 1}, 5.0, "a: пропало"),
        ([0.5], [[0.5]], 5.0, "[0]: 0.5 → [0.5]"),
        (0.5, None, 5.0, "значение: 0.5 → null"),
    ],
)
def test_differences(old, new, tolerance, said):
    found = list(tool.differences(old, new, tolerance))
    assert (said in found[0]) if said else found == []


def test_a_long_list_of_differences_is_cut():
    stored = {"key": {"code": {}, "data": {}}, "params": {}, "value": list(range(50))}
    stored |= {"digest": results._value_digest(stored["value"]), "tolerance": 0, "versions": {}}
    fresh = stored | {"value": list(range(1, 51)), "versions": {"numpy": "9"}}
    lines = tool.report(stored, fresh)
    assert len(lines) == tool.SHOWN + 2
    assert lines[-2:] == ["и ещё различий: 40", "версии: numpy — → 9"]
    assert tool.report({}, fresh) == ["не посчитан: файла нет"]
    assert tool.report(stored, stored) == []


def test_minutes_take_what_fits_the_oldest_check_first():
    def result(name, seconds):
        return tool.Result(name, Path("a.py"), {"seconds": seconds - tool.START_S})

    found = [result("a", 60), result("b", 60), result("c", 500), result("d", 60)]
    checked = {"a": "2026-03-01", "b": "2026-01-01", "c": "2026-01-02"}
    assert [r.name for r in tool.fitting(found, 3, checked)] == ["d", "b", "a"]
    assert [r.name for r in tool.fitting(found, 2, checked)] == ["d", "b"]
    assert [r.name for r in tool.fitting(found, 10, checked)] == ["d", "b", "a"]
    assert tool.fitting(found, 0.5, checked) == []


def test_only_what_the_call_depends_on_is_executed(tmp_path):
    source = tmp_path / "77_tiny.py"
    extra = "heavy = [0] * int(1e9)\nL2_plot = L2\nprint(heavy)\n"
    source.write_text(LESSON.replace("# %%\nparams", f"# %%\n{extra}\n# %%\nparams", 1), "utf-8")
    (name, call), (other, _) = cells.stored_results(source)
    assert (name, other) == (NAME, "77_tiny.second")
    before = [s for s in cells.statements(source) if s.lineno < call.lineno]
    code = cells.needed(before, cells.reads(call))
    text = "\n".join(map(cells.ast.unparse, code))
    assert "params['l2s'].append" in text and "def doubled" in text and "L2 = 5.0" in text
    assert "heavy" not in text and "L2_plot" not in text and "hit_rate" not in text


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a = 1\na = 2", [2]),
        ("a = [1]\na.append(2)", [1, 2]),
        ("a = [1]\na = a + [2]", [1, 2]),
        ("a = {}\na['k'] = 1\nb = 3", [1, 2]),
        ("a = 1\nfor x in [1]:\n    a += x", [1, 2]),
        ("def f():\n    return g\ng = 1\na = f()\ng = 2", [1, 3, 4, 5]),
        ("import m\nm.seed(0)\na = m.draw()", [1, 2, 3]),
        ("x = 1\ndef a():\n    x = 2\n    return x", [2]),
        ("b = 1\na, b = b, 2", [1, 2]),
    ],
)
def test_a_slice_of_a_lesson(text, lines):
    assert [s.lineno for s in cells.needed(cells.ast.parse(text).body, {"a"})] == lines


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Копия пакета, инструментов и уроков; среди них крошечный."""
    root, here = tmp_path_factory.mktemp("tree"), Path(results.__file__).parents[1]
    for name in ("recsys_lessons", "tools"):
        shutil.copytree(here / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "notebooks").mkdir()
    for path in lessons.lesson_paths().values():  # модели одних уроков опираются на другие
        shutil.copy(path, root / "notebooks")
    (root / "notebooks" / "77_tiny.py").write_text(LESSON, encoding="utf-8")
    run = "import pathlib; from tools.results import run_lesson; "
    run += "path = pathlib.Path('notebooks/77_tiny.py').resolve(); "
    run += "[run_lesson(f'77_tiny.{name}', path) for name in ('second', 'tuning')]"
    full = {"RECSYS_LESSONS_FULL": "1", "RECSYS_LESSONS_BUILD": "1"}
    subprocess.run([sys.executable, "-c", run], cwd=root, env=env(root, **full), check=True)
    return root


def env(root, **extra):
    return {**os.environ, "PYTHONPATH": str(root), "PYTHONUTF8": "1", **extra}


def make_results(root, *arguments):
    command = [sys.executable, "-m", "tools.results", "77_tiny", *arguments]
    done = subprocess.run(
        command, cwd=root, env=env(root), capture_output=True, encoding="utf-8", check=False
    )
    return done.returncode, done.stdout + done.stderr


def snapshot(root):
    skip = {"__pycache__", ".results_checked.json"}
    return {p: p.read_bytes() for p in root.rglob("*") if p.is_file() and not skip & set(p.parts)}


def test_make_results_finds_no_difference_and_writes_nothing(tree):
    before = snapshot(tree)
    code, out = make_results(tree)
    assert code == 0, out
    assert f"{NAME}: совпало, 0 с (было 0 с)" in out and "[2/2]" in out and "Всё совпало" in out
    assert snapshot(tree) == before
    checked = json.loads((tree / ".results_checked.json").read_text("utf-8"))
    assert list(checked) == ["77_tiny.second", NAME]


def test_make_results_names_a_difference_a_stale_key_and_an_error(tree):
    path = tree / "notebooks" / "results" / f"{NAME}.json"
    metrics, lesson = tree / "recsys_lessons" / "metrics.py", tree / "notebooks" / "77_tiny.py"
    content, text = json.loads(path.read_text("utf-8")), metrics.read_text("utf-8")
    content["value"][1][2] = round(content["value"][1][2] + 0.0123, 4)
    content["digest"] = results._value_digest(content["value"])
    content["versions"]["numpy"] = "1.0"
    path.write_text(json.dumps(content), encoding="utf-8")
    metrics.write_text(text.replace("EMPTY = -1", "EMPTY = -1 - 0"), encoding="utf-8")
    lesson.write_text(LESSON.replace("[doubled(n)]", "[doubled(n) / 0]"), encoding="utf-8")
    code, out = make_results(tree)
    assert code == 1 and "Отличаются или не посчитаны: 2" in out
    assert f"{NAME}: ОТЛИЧАЕТСЯ" in out and "[1][2]: " in out and "разница 0.012 при" in out
    assert "ключ устарел, изменилось: recsys_lessons.metrics.EMPTY\n" in out
    assert "версии: numpy 1.0 →" in out
    assert "77_tiny.second: ошибка" in out and "ZeroDivisionError" in out
    assert json.loads(path.read_text("utf-8")) == content


def test_nothing_fits(monkeypatch, capsys):
    monkeypatch.setattr(tool, "find", lambda _: [tool.Result("a.b", Path("a.py"), {"seconds": 99})])
    assert tool.main(["--minutes", "0.1"]) == 0
    assert "Не умещаются в 0.1 мин: a.b" in capsys.readouterr().out


def test_an_unknown_lesson(capsys):
    assert tool.main(["нет_такого"]) == 2
    assert "Нет урока" in capsys.readouterr().err


def test_order_of_parameters_is_part_of_the_key():
    """Сетку перебирают по порядку её ключей: другой порядок — другие значения."""
    same = {"key": {"code": {}, "data": {}}, "value": 1, "digest": results._value_digest(1)}
    stored = same | {"params": {"grid": {"a": [1], "b": [2]}}}
    assert results.changes(stored, stored) == []
    turned = same | {"params": {"grid": {"b": [2], "a": [1]}}}
    assert results.changes(stored, turned) == ["порядок параметров"]
