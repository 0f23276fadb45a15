"""Цикл обучения сетей: эпохи, ранняя остановка, лучшие веса, прерывание, сорванное обучение."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from recsys_lessons.training import fitting, train


@pytest.fixture(autouse=True)
def no_progress_bar(monkeypatch):
    monkeypatch.setenv("RECSYS_LESSONS_BUILD", "1")


class Counter:
    """Модель с одним весом; после n-й эпохи он равен n. ``breaks`` — что случится в эпохе n."""

    def __init__(self, epochs=6, validate_every=1, patience=10, breaks=None):
        self.epochs, self.validate_every, self.patience = epochs, validate_every, patience
        self.breaks = breaks or {}

    def train_epoch(self):
        self.modes_.append(self.net_.training)
        with torch.no_grad():
            self.net_.weight += 1
        number = len(self.losses_) + 1
        if number in self.breaks:
            what = self.breaks[number]
            if isinstance(what, BaseException):
                raise what
            if what == "nan weight":
                with torch.no_grad():
                    self.net_.weight *= np.nan
            return np.nan if what == "nan loss" else 1.0
        return 10.0 / number

    def fit(self, validation=None):
        with fitting(self):
            self.net_, self.modes_ = nn.Linear(1, 1, bias=False), []
            nn.init.zeros_(self.net_.weight)
            train(self, self.net_, partial(self.train_epoch), validation, self.ready)
        return self

    def ready(self):
        self.seen_ = self.net_.weight.item()


def scripted(*values):
    """Значения ``validation`` по порядку; исключение — возбудить."""
    script = iter(values)

    def validation(model):
        model.net_.eval()
        value = next(script)
        if isinstance(value, BaseException):
            raise value
        return value

    return validation


def state(model):
    return {name: value for name, value in vars(model).items() if name.endswith("_")}


def test_without_validation_all_epochs_are_trained():
    model = Counter(epochs=4).fit()
    assert model.net_.weight.item() == model.seen_ == 4
    assert model.losses_ == [10, 5, 10 / 3, 2.5]
    assert (model.curve_, model.best_epoch_) == ([], 4)


def test_best_epoch_is_kept_and_patience_counts_epochs():
    model = Counter(epochs=50, patience=3).fit(scripted(1, 5, 5, 4, 3, 9))
    assert model.curve_ == [(1, 1), (2, 5), (3, 5), (4, 4), (5, 3)]
    assert model.best_epoch_ == model.net_.weight.item() == model.seen_ == 2


def test_validation_is_rare_but_never_misses_the_last_epoch():
    model = Counter(epochs=7, validate_every=3).fit(scripted(1, 2, 3))
    assert model.curve_ == [(3, 1), (6, 2), (7, 3)]
    assert model.best_epoch_ == 7


def test_negative_validation_is_a_number_like_any_other():
    assert Counter(epochs=3).fit(scripted(-3, -2, -4)).best_epoch_ == 2


def test_every_epoch_trains_after_a_validation_that_switched_the_mode():
    assert Counter(epochs=3).fit(scripted(1, 2, 3)).modes_ == [True, True, True]


@pytest.mark.parametrize(
    "fault",
    [
        RuntimeError("сбой"), MemoryError(), "nan loss", "nan weight", np.inf, None, "0.5", True,
        KeyError("в validation"), KeyboardInterrupt(),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("trained_before", [True, False])
def test_failed_fit_leaves_the_old_model_whole(fault, trained_before, capsys):
    model = Counter(epochs=3)
    if trained_before:
        model.fit(scripted(1, 2, 1))
    before, weight = state(model), model.net_.weight.item() if trained_before else None
    in_epoch = isinstance(fault, RuntimeError | MemoryError | KeyboardInterrupt) or fault in (
        "nan loss", "nan weight",
    )  # fmt: skip
    model.breaks = {1: fault} if in_epoch else {}
    with pytest.raises(BaseException) as caught:
        model.fit(scripted(fault, 1, 1))
    if not isinstance(fault, BaseException):
        assert isinstance(caught.value, FloatingPointError | ValueError)
        assert "lr" in str(caught.value) or "validation" in str(caught.value)
    assert state(model) == before
    if trained_before:
        assert model.net_.weight.item() == weight
    assert ("прервано" in capsys.readouterr().out) == isinstance(fault, KeyboardInterrupt)


def test_failure_in_a_later_epoch_is_still_the_old_model():
    model = Counter(epochs=9, breaks={5: "nan loss"})
    with pytest.raises(FloatingPointError, match="эпохе 5"):
        model.fit()
    assert state(model) == {}


def test_interrupt_leaves_the_best_epoch_so_far_and_goes_on(capsys):
    model = Counter(epochs=9, breaks={4: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        model.fit(scripted(1, 5, 2, 9))
    assert model.best_epoch_ == model.net_.weight.item() == model.seen_ == 2
    assert "остались веса эпохи 2" in capsys.readouterr().out


def test_interrupt_in_validation_leaves_the_best_epoch_so_far():
    model = Counter(epochs=9)
    with pytest.raises(KeyboardInterrupt):
        model.fit(scripted(1, 0, KeyboardInterrupt()))
    assert model.best_epoch_ == model.net_.weight.item() == 1


@pytest.mark.parametrize("validation", [None, scripted()], ids=["без валидации", "до первой"])
def test_interrupt_without_a_validated_epoch_leaves_the_last_whole_one(validation):
    model = Counter(epochs=9, validate_every=5, breaks={4: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        model.fit(validation)
    assert model.best_epoch_ == model.net_.weight.item() == model.seen_ == 3


def test_second_interrupt_while_weights_are_put_back_leaves_the_old_model():
    model = Counter(epochs=3).fit(scripted(1, 2, 3))
    before = state(model)
    model.breaks = {3: KeyboardInterrupt()}

    def ready():
        raise KeyboardInterrupt

    model.ready = ready
    with pytest.raises(KeyboardInterrupt):
        model.fit()
    assert state(model) == before


def test_fit_inside_validation_is_refused_and_the_old_model_stays():
    model = Counter().fit(scripted(*range(6)))
    before = dict(vars(model))
    with pytest.raises(RuntimeError, match="fit нельзя звать из validation"):
        model.fit(lambda inner: inner.fit() and 1.0)
    assert vars(model) == before
    assert Counter(epochs=2).fit(lambda _: Counter(epochs=1).fit().seen_).seen_ == 1
