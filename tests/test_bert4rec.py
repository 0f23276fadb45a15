"""BERT4Rec из урока: внимание вручную и в PyTorch, маскирование, обучение, плохой ввод.

Договорённости, которые ``test_contract.py`` проверяет у матричных моделей, у BERT4Rec — в конце.
"""

import copy
import inspect
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from recsys_lessons.models.bert4rec import (
    AttentionBlock,
    CausalEncoder,
    SeededDropout,
    SequenceEncoder,
    attention,
    cloze_loss,
    make_example,
    n_masked,
    pad_left,
    question,
)
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import nn

from recsys_lessons.models import BERT4Rec, SASRec
from recsys_lessons.synthetic import make_chain

SMALL = {"max_len": 6, "hidden": 8, "epochs": 2, "batch_size": 4}
HISTORIES = [np.array(row) for row in ([0, 1, 2, 3, 4, 5, 6, 7], [3, 4], [5], [], [7, 0, 7])]


def encoder(n_items=30, max_len=12, hidden=16, seed=0):
    """Необученный кодировщик с крупными весами: у него всякое место что-нибудь да значит."""
    generator = torch.Generator().manual_seed(seed)
    net = SequenceEncoder(n_items, max_len, hidden, 2, 4, 0.5, generator).eval()
    for tensor in net.parameters():
        nn.init.normal_(tensor, std=0.3, generator=generator)
    return net


@pytest.fixture
def tokens():
    return torch.randint(30, (6, 10), generator=torch.Generator().manual_seed(1))


# --- Внимание и слои ------------------------------------------------------------------------------


def test_attention_by_hand():
    Q, K = torch.tensor([[0.0], [2], [1]]).double(), torch.tensor([[0.0], [math.log(2)], [0]])
    V = torch.tensor([[4.0, 0], [0, 4], [0, 0]]).double()
    mixed, weights = attention(Q, K.double(), V, torch.ones(3, dtype=torch.bool))
    by_hand = [[1 / 3] * 3, [1 / 6, 4 / 6, 1 / 6], [1 / 4, 2 / 4, 1 / 4]]
    np.testing.assert_allclose(weights, by_hand, atol=1e-7)
    np.testing.assert_allclose(mixed[2], [1, 2], atol=1e-6)


@pytest.mark.parametrize("width", [1, 3, 16])
def test_attention_equals_pytorch(width):
    generator = torch.Generator().manual_seed(0)
    Q, K, V = torch.randn(3, 4, 7, width, generator=generator).double()
    real = torch.rand(4, 7, generator=generator) < 0.6
    real[:, -1] = True
    mixed, weights = attention(Q, K, V, real)
    theirs = F.scaled_dot_product_attention(Q, K, V, attn_mask=real[:, None])
    torch.testing.assert_close(mixed, theirs, atol=1e-12, rtol=0)
    assert not weights.permute(0, 2, 1)[~real].any()
    torch.testing.assert_close(weights.sum(-1), torch.ones(4, 7).double())


def test_encoder_equals_pytorch(tokens):
    net = encoder()
    layer = nn.TransformerEncoderLayer(16, 4, 64, 0.0, "gelu", batch_first=True).double()
    theirs = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    for ours, layer in zip(net.blocks, theirs.layers, strict=True):
        modules = (ours.qkv, ours.output, ours.inner[0], ours.inner[2], *ours.norms)
        values = [tensor for module in modules for tensor in (module.weight, module.bias)]
        layer.load_state_dict(dict(zip(layer.state_dict(), values, strict=True)))
    tokens[1, :4] = tokens[3, :9] = net.pad
    with torch.no_grad():
        h = net.norm(net.items(tokens) + net.positions.weight[-10:])
        reference = theirs(h, src_key_padding_mask=tokens == net.pad)
        real = tokens != net.pad
        torch.testing.assert_close(net(tokens)[real], reference[real], atol=1e-10, rtol=0)


def test_heads_attend_separately():
    """Две головы — два внимания на своих половинах координат."""
    block = AttentionBlock(6, 2, nn.Identity()).double()
    h = torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(2)).double()
    real = torch.ones(1, 4, dtype=torch.bool)
    Q, K, V = block.qkv(h).chunk(3, dim=-1)
    halves = [
        attention(Q[..., part], K[..., part], V[..., part], real)
        for part in (slice(3), slice(3, 6))
    ]
    mixed, weights = block.attend(h, real)
    by_hand = block.output(torch.cat([half[0] for half in halves], dim=-1))
    torch.testing.assert_close(mixed, by_hand)
    torch.testing.assert_close(weights, torch.stack([half[1] for half in halves], dim=1))


def test_scores_use_the_same_embeddings_as_the_input():
    net = encoder()
    h = torch.randn(3, 16, generator=torch.Generator().manual_seed(0)).double()
    by_hand = net.head(h) @ net.items.weight[:30].T + net.bias
    torch.testing.assert_close(net.logits(h), by_hand)
    assert net.logits(h).shape == (3, 30)
    names = [name for name, tensor in net.named_parameters() if 30 in tensor.shape]
    assert names == ["bias"], "второй матрицы объектов быть не должно: веса связаны"


def test_untrained_loss_is_that_of_guessing():
    net = SequenceEncoder(500, 10, 32, 2, 2, 0.0, torch.Generator().manual_seed(0))
    scores = net.logits(net(torch.full((1, 1), net.mask)))[0, 0]
    assert abs((scores.logsumexp(0) - scores.mean()).item() - math.log(500)) < 0.1


# --- Три обязательных свойства --------------------------------------------------------------------


def test_row_does_not_depend_on_the_rest_of_the_batch(tokens):
    net = encoder()
    changed = torch.cat([tokens[:1], tokens[1:].flip(1)])
    with torch.no_grad():
        torch.testing.assert_close(net(tokens)[0], net(changed)[0], atol=1e-12, rtol=0)
        torch.testing.assert_close(net(tokens)[0], net(tokens[:1])[0], atol=1e-12, rtol=0)


def test_order_matters(tokens):
    net = encoder()
    turned = torch.cat([tokens[:, :-1].flip(1), tokens[:, -1:]], dim=1)
    with torch.no_grad():
        assert (net(tokens)[:, -1] - net(turned)[:, -1]).abs().max() > 1e-3


@pytest.mark.parametrize("n_pads", [1, 2])
def test_padding_changes_nothing(tokens, n_pads):
    net = encoder()
    padded = F.pad(tokens, (n_pads, 0), value=net.pad)
    with torch.no_grad():
        torch.testing.assert_close(net(padded)[:, n_pads:], net(tokens), atol=1e-12, rtol=0)
        net.items.weight[net.pad] += 100
        torch.testing.assert_close(net(padded)[:, n_pads:], net(tokens), atol=1e-12, rtol=0)


# --- Закрытые места -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "share", "count"),
    [
        *[(1, 0.2, 1), (2, 0.2, 1), (7, 0.2, 1), (8, 0.2, 2), (12, 0.2, 2), (13, 0.2, 3)],
        *[(50, 0.2, 10), (5, 0.3, 2), (10, 1.0, 10), (1, 1.0, 1), (3, 0.01, 1)],
    ],
)
def test_number_of_masked_places(length, share, count):
    assert n_masked(length, share) == count


@pytest.mark.parametrize("windows", ["random", "last"])
@pytest.mark.parametrize("length", [1, 2, 5, 6, 7, 40])
def test_example_is_a_masked_window(windows, length):
    sequence = np.arange(100, 100 + length)
    rng = np.random.default_rng(0)
    for _ in range(50):
        inputs, answers = make_example(sequence, rng, -9, 6, 0.3, 0.0, windows)
        hidden = inputs == -9
        assert len(inputs) == len(answers) == min(length, 6)
        assert hidden.sum() == n_masked(min(length, 6), 0.3)
        np.testing.assert_array_equal(hidden, answers >= 0)
        window = np.where(hidden, answers, inputs)
        np.testing.assert_array_equal(np.diff(window), 1)
        if windows == "last":
            assert window[-1] == sequence[-1]
    np.testing.assert_array_equal(sequence, np.arange(100, 100 + length))


def test_random_windows_reach_both_ends_and_every_place_gets_masked():
    rng = np.random.default_rng(0)
    first, masked = set(), np.zeros(6, dtype=bool)
    for _ in range(300):
        inputs, answers = make_example(np.arange(9), rng, -9, 6, 0.2, 0.0, "random")
        first.add(int(np.where(inputs == -9, answers, inputs)[0]))
        masked |= answers >= 0
    assert first == {0, 1, 2, 3}
    assert masked.all()


def test_share_of_windows_with_only_the_last_place_masked():
    rng = np.random.default_rng(0)
    how = (-9, 10, 0.5, 0.25, "random")
    answers = [make_example(np.arange(10), rng, *how)[1] for _ in range(2000)]
    only_last = [row[-1] == 9 and (row >= 0).sum() == 1 for row in answers]
    assert abs(np.mean(only_last) - 0.25) < 0.03
    everything = [make_example(np.arange(10), rng, -9, 10, 0.5, 1.0, "last") for _ in range(20)]
    assert all(inputs[-1] == -9 and (inputs == -9).sum() == 1 for inputs, _ in everything)


def test_table_and_question():
    table = pad_left([np.array([7]), np.array([0, 1, 2])], 9)
    assert table.tolist() == [[9, 9, 7], [0, 1, 2]]
    assert question(np.array([4, 5, 6, 7]), 3, 9).tolist() == [6, 7, 9]
    assert question(np.array([0, 4]), 3, 9).tolist() == [0, 4, 9]
    assert question(np.array([4]), 3, 9).tolist() == [4, 9]
    assert question(np.empty(0, dtype=int), 3, 9).tolist() == [9]


def test_loss_is_the_mean_over_masked_places_only(tokens):
    net = encoder()
    tokens[0, 3] = 0
    answers = torch.where(tokens % 4 == 0, tokens, -1)
    inputs = torch.where(answers >= 0, net.mask, tokens)
    everywhere = F.cross_entropy(
        net.logits(net(inputs)).flatten(0, 1), answers.flatten(), ignore_index=-1
    )
    loss = cloze_loss(net, inputs, answers)
    torch.testing.assert_close(loss, everywhere, atol=1e-12, rtol=0)
    for mine, theirs in zip(
        torch.autograd.grad(loss, list(net.parameters())),
        torch.autograd.grad(everywhere, list(net.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, atol=1e-12, rtol=0)


# --- Свой генератор -------------------------------------------------------------------------------


def dropped(dtype=torch.float64, share=0.3, seed=0):
    module = SeededDropout(share, torch.Generator().manual_seed(seed))
    return module(torch.ones(200, 50, dtype=dtype))


def test_dropout_keeps_the_mean_and_draws_anew():
    once = dropped()
    assert set(once.unique().tolist()) == {0.0, 1 / 0.7}
    assert abs((once == 0).double().mean().item() - 0.3) < 0.02
    assert abs(once.mean().item() - 1) < 0.02
    module = SeededDropout(0.3, torch.Generator().manual_seed(0))
    assert not torch.equal(module(torch.ones(200, 50)), module(torch.ones(200, 50)))


def test_dropout_masks_depend_on_the_seed_alone():
    torch.manual_seed(5)
    expected = dropped() == 0
    torch.manual_seed(6)
    assert torch.equal(dropped(torch.float32) == 0, expected)
    assert not torch.equal(dropped(seed=1) == 0, expected)


def test_dropout_off():
    h = torch.ones(3, 2)
    assert SeededDropout(0.5, torch.Generator()).eval()(h) is h
    state = torch.Generator().get_state()
    module = SeededDropout(0.0, torch.Generator())
    assert module(h) is h
    assert torch.equal(module.generator.get_state(), state)


def test_initial_weights_are_small_and_come_from_the_generator_alone():
    def weights(seed):
        return SequenceEncoder(40, 10, 32, 2, 2, 0.1, torch.Generator().manual_seed(seed))

    first, same, other = weights(0), weights(0), weights(1)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, same.state_dict()[name])
        assert tensor.dtype == torch.float64
        if name.endswith("bias"):
            assert not tensor.any()
        elif tensor.ndim == 2:
            assert 0.015 < tensor.std() < 0.02
            assert tensor.abs().max() <= 0.04
            assert not torch.equal(tensor, other.state_dict()[name])
        else:
            assert (tensor == 1).all()


# --- Обучение и баллы -----------------------------------------------------------------------------


def fitted(**how):
    return BERT4Rec(**{**SMALL, **how}).fit(HISTORIES, 8)


def scores(**how):
    return fitted(**how).score(range(5))


def test_score_reads_the_mask_after_the_last_items():
    model = fitted()
    net = model.net_.eval()
    with torch.no_grad():
        row = torch.tensor([[3, 4, 5, 6, 7, net.mask]])
        by_hand = net.logits(net(row))[0, -1].numpy()
    np.testing.assert_allclose(model.score([0])[0], by_hand, atol=1e-12)


def test_known_users_and_their_histories_get_the_same_scores():
    model = fitted()
    expected = model.score_history([HISTORIES[4], HISTORIES[0], HISTORIES[3]])
    np.testing.assert_array_equal(model.score(np.array([4, 0, 3])), expected)
    np.testing.assert_array_equal(model.score([]), np.empty((0, 8)))


def test_scores_do_not_depend_on_company_and_only_recent_items_count():
    model = fitted()
    together = model.score_history(HISTORIES)
    assert together.shape == (5, 8)
    assert np.isfinite(together).all()
    for row, history in zip(together, HISTORIES, strict=True):
        np.testing.assert_allclose(model.score_history([history])[0], row, atol=1e-12)
    longer = np.concatenate([[1, 1, 1], HISTORIES[0]])
    np.testing.assert_allclose(model.score_history([longer]), together[:1], atol=1e-12)
    many = model.score_history(HISTORIES * 60)
    np.testing.assert_allclose(many[-5:], together, atol=1e-12)
    assert model.score_history([]).shape == (0, 8)


def test_item_zero_is_an_ordinary_item():
    with_zero, without = fitted().score_history([np.array([0, 3]), np.array([3])])
    assert abs(with_zero - without).max() > 1e-6


def test_every_epoch_reads_every_history_once_in_a_new_order():
    class Watched(BERT4Rec):
        def _example(self, sequence, rng):
            seen.append(int(sequence[0]))
            return super()._example(sequence, rng)

    seen = []
    Watched(**{**SMALL, "epochs": 6}).fit([[item] for item in range(20)], 20)
    orders = np.array(seen).reshape(6, 20)
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(20), (6, 1)))
    assert len({tuple(order) for order in orders}) == 6
    assert tuple(range(20)) not in {tuple(order) for order in orders}


def test_loss_of_an_epoch_is_the_mean_over_batches():
    class Counted(BERT4Rec):
        def batch_loss(self, histories, rng):
            loss = super().batch_loss(histories, rng)
            batches.append((len(histories), loss.item()))
            return loss

    batches = []
    model = Counted(**{**SMALL, "epochs": 1, "batch_size": 3}).fit(HISTORIES, 8)
    assert [size for size, _ in batches] == [3, 1]
    np.testing.assert_allclose(model.losses_, [np.mean([loss for _, loss in batches])])


def test_padding_asks_nothing():
    """Потеря пакета — по закрытым местам, как если бы каждую историю подали отдельно."""
    model = fitted(dropout=0, mask_prob=1.0, last_prob=0, windows="last")
    model.net_.eval()
    rows, rng = [HISTORIES[0], HISTORIES[2]], np.random.default_rng(0)
    with torch.no_grad():
        together = model.batch_loss(rows, rng).item()
        alone = [model.batch_loss([row], rng).item() for row in rows]
    np.testing.assert_allclose(together, np.average(alone, weights=[6, 1]))


def test_history_of_one_item_teaches_and_an_empty_one_does_not():
    expected = BERT4Rec(**SMALL).fit([[5], [3, 4]], 8).net_.state_dict()
    with_empty = BERT4Rec(**SMALL).fit([[], [5], [], [3, 4]], 8).net_.state_dict()
    without = BERT4Rec(**SMALL).fit([[3, 4]], 8).net_.state_dict()
    assert all(torch.equal(tensor, with_empty[name]) for name, tensor in expected.items())
    assert not torch.equal(expected["items.weight"], without["items.weight"])


def test_dropout_is_off_when_scoring_and_on_again_after_validation():
    np.testing.assert_array_equal(scores(dropout=0.9), scores(dropout=0.9))
    model = fitted(dropout=0.9)
    np.testing.assert_array_equal(model.score(range(5)), model.score(range(5)))
    watched = BERT4Rec(**SMALL, dropout=0.9, validate_every=1)
    watched.fit(HISTORIES, 8, validation=lambda model: len(model.score([0])) + len(model.losses_))
    np.testing.assert_array_equal(watched.score(range(5)), model.score(range(5)))


def test_markov_chain_reaches_the_best_possible_accuracy():
    sequences, _, bound = make_chain(n_users=800, n_items=10, length=12, branching=2)
    known, target = [row[:-1] for row in sequences], np.array([row[-1] for row in sequences])
    model = BERT4Rec(max_len=12, hidden=32, n_layers=1, mask_prob=0.3, lr=3e-3, epochs=60)
    guesses = model.fit(known, 10).score(range(800)).argmax(axis=1)
    assert abs((guesses == target).mean() - bound) < 0.03


@pytest.mark.skipif(not torch.cuda.is_available(), reason="нет видеокарты")
def test_device_gives_the_same_model():
    model = fitted(device="cuda")
    assert model.net_.bias.device.type == "cuda"
    np.testing.assert_allclose(model.score(range(5)), scores(), atol=1e-8)


# --- От чего модель не зависит --------------------------------------------------------------------


def test_seed_repeats_the_run_and_leaves_the_global_generators_alone():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = scores(seed=1)
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
    torch.rand(3)
    np.testing.assert_array_equal(scores(seed=np.int32(1)), first)
    assert abs(scores(seed=2) - first).max() > 1e-6


def test_fits_in_two_threads_are_the_fits_in_sequence():
    together = Barrier(2)

    def watched(seed):
        def validation(model):
            together.wait(timeout=60)
            return -len(model.losses_)

        model = BERT4Rec(**{**SMALL, "epochs": 4}, dropout=0.5, validate_every=1, seed=seed)
        return model.fit(HISTORIES, 8, validation)

    with ThreadPoolExecutor(2) as pool:
        pair = list(pool.map(watched, (0, 1)))
    for seed, model in enumerate(pair):
        alone = fitted(epochs=4, dropout=0.5, seed=seed)
        assert model.losses_ == alone.losses_


def test_validation_that_draws_does_not_change_the_model():
    def drawing(model):
        torch.manual_seed(len(model.losses_))
        np.random.seed(len(model.losses_))
        return len(model.losses_) + float(torch.rand(1)) / 2 + np.random.rand() / 4

    model = BERT4Rec(**{**SMALL, "epochs": 4}, dropout=0.5, validate_every=1)
    model.fit(HISTORIES, 8, validation=drawing)
    np.testing.assert_array_equal(model.score(range(5)), scores(epochs=4, dropout=0.5))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_default_dtype_of_torch_does_not_matter(dtype):
    expected, before = scores(dtype=dtype), torch.get_default_dtype()
    try:
        for default in (torch.float32, torch.float64):
            torch.set_default_dtype(default)
            np.testing.assert_array_equal(scores(dtype=dtype), expected)
    finally:
        torch.set_default_dtype(before)


def test_single_and_double_precision_learn_the_same():
    double, single = (scores(epochs=3, dropout=0.5, dtype=kind) for kind in ("float64", np.float32))
    assert (double.dtype, single.dtype) == (np.float64, np.float32)
    assert abs(single - double).max() < 1e-4


# --- Ранняя остановка, прерывание, сорванное обучение ---------------------------------------------


class Script:
    """Валидация, которая возвращает заданные числа и запоминает баллы модели."""

    def __init__(self, *values):
        self.values, self.scores = list(values), []

    def __call__(self, model):
        self.scores.append(model.score(range(5)))
        value = self.values[len(self.scores) - 1]
        if isinstance(value, BaseException):
            raise value
        return value


class StopsAtBatch(BERT4Rec):
    """На пакете номер ``stop`` (с нуля) обучение прерывают."""

    def stop_at(self, stop, error):
        self.left, self.error = stop, error
        return self

    def batch_loss(self, histories, rng):
        self.left -= 1
        if self.left < 0:
            raise self.error
        return super().batch_loss(histories, rng)


def test_best_epoch_is_restored_and_training_stops_in_time():
    script = Script(0.1, 0.5, 0.3, 0.2, 0.1, 0.0)
    how = {**SMALL, "epochs": 12, "validate_every": 2, "patience": 6}
    model = BERT4Rec(**how).fit(HISTORIES, 8, validation=script)
    assert model.curve_ == [(2, 0.1), (4, 0.5), (6, 0.3), (8, 0.2), (10, 0.1)]
    assert (model.best_epoch_, len(model.losses_)) == (4, 10)
    np.testing.assert_array_equal(model.score(range(5)), script.scores[1])


def test_last_epoch_is_validated_and_ties_keep_the_earlier():
    model = BERT4Rec(**{**SMALL, "epochs": 5}, validate_every=3)
    model.fit(HISTORIES, 8, validation=Script(0.5, 0.5))
    assert model.curve_ == [(3, 0.5), (5, 0.5)]
    assert model.best_epoch_ == 3


def test_interrupted_validation_keeps_the_best_epoch():
    script = Script(0.5, 0.2, KeyboardInterrupt())
    model = BERT4Rec(**{**SMALL, "epochs": 9}, validate_every=1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(HISTORIES, 8, validation=script)
    assert (model.best_epoch_, len(model.losses_)) == (1, 3)
    np.testing.assert_array_equal(model.score(range(5)), script.scores[0])


def test_interrupted_epoch_keeps_what_was_learnt():
    model = StopsAtBatch(**{**SMALL, "epochs": 9}).stop_at(2, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        model.fit(HISTORIES, 8)
    assert model.best_epoch_ == 2
    np.testing.assert_array_equal(model.score(range(5)), scores(epochs=2))


def test_interrupt_in_the_first_epoch_leaves_the_old_model_or_none():
    model = StopsAtBatch(**SMALL).stop_at(0, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        model.fit(HISTORIES, 8)
    with pytest.raises(NotFittedError, match="не обучена"):
        model.score([0])
    assert not [name for name in vars(model) if name.endswith("_")]


@pytest.mark.parametrize(
    ("settings", "validation", "error"),
    [
        ({"lr": 1e308}, None, FloatingPointError),
        ({"lr": 1e6}, lambda model: np.nan, ValueError),
        ({}, lambda model: 1 / 0, ZeroDivisionError),
        ({"hidden": 7}, None, ValueError),
        ({"seed": -1}, None, ValueError),
        ({"device": "cuda:99"}, None, ValueError),
    ],
    ids=["diverged", "nan", "validation raises", "sizes", "seed", "device"],
)
def test_failed_refit_leaves_the_old_model_whole(settings, validation, error):
    model = fitted()
    before, expected = dict(vars(model)), model.score(range(5))
    with pytest.raises(error):
        model.set_params(**settings).fit([[0, 1], [1]], 3, validation=validation)
    for name in ("net_", "sequences_", "losses_", "curve_", "best_epoch_"):
        assert vars(model)[name] is before[name]
    np.testing.assert_array_equal(model.score(range(5)), expected)


def test_interrupted_refit_leaves_the_old_model_whole():
    model = StopsAtBatch(**SMALL).stop_at(99, None).fit(HISTORIES, 8)
    expected = model.score(range(5))
    with pytest.raises(KeyboardInterrupt):
        model.stop_at(0, KeyboardInterrupt()).fit([[0, 1]], 2)
    np.testing.assert_array_equal(model.score(range(5)), expected)


# --- Плохой ввод ----------------------------------------------------------------------------------


def test_catalogue_of_one_item():
    model = BERT4Rec(**SMALL).fit([[0], [], [0, 0, 0]], 1)
    assert model.score_history([[], [0]]).shape == (2, 1)
    assert np.isfinite(model.score_history([[], [0]])).all()


def test_item_without_interactions_gets_a_finite_score():
    model = BERT4Rec(**SMALL).fit([[0, 1], [1, 0]], 50)
    assert np.isfinite(model.score_history([[0], [], [49]])).all()


def test_catalogue_that_does_not_fit_says_what_it_needs():
    with pytest.raises(MemoryError, match=r"нужно .* ГБ, свободно .*Уменьшите hidden"):
        BERT4Rec().fit([[0]], 2**31 - 1)


@pytest.mark.parametrize(
    ("sequences", "n_items", "error", "message"),
    [
        ([[], []], 5, ValueError, "пусты"),
        ([], 5, ValueError, "пусты"),
        ([[0, 5]], 5, ValueError, "Объекта 5 нет"),
        ([[0], [-1]], 5, ValueError, "Объекта -1 нет"),
        ([[0.0, np.nan]], 5, ValueError, "целых"),
        ([[[0, 1]]], 5, ValueError, "целых"),
        ([[[0, 1], [2]]], 5, ValueError, "целых"),
        ([["a"]], 5, ValueError, "целых"),
        (sp.csr_array([[1.0, 0]]), 2, TypeError, "список"),
        ({0: [1]}, 2, TypeError, "список"),
        ([[0]], 0, ValueError, "n_items"),
        ([[0]], 2.5, ValueError, "n_items"),
        ([[0]], 2**64, ValueError, "n_items"),
    ],
)
def test_bad_histories_get_a_russian_error(sequences, n_items, error, message):
    with pytest.raises(error, match=message) as caught:
        BERT4Rec(**SMALL).fit(sequences, n_items)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("max_len", 1), ("max_len", 5.5), ("hidden", 0), ("n_layers", 0), ("n_heads", "2")],
        *[("n_heads", 3), ("dropout", 1), ("dropout", -0.1), ("mask_prob", 0), ("mask_prob", 1.5)],
        *[("epochs", 0), ("epochs", True), ("batch_size", -1), ("lr", 0), ("lr", np.nan)],
        *[("seed", -1), ("seed", None), ("last_prob", 2), ("windows", "все"), ("patience", 0)],
        *[("validate_every", 0), ("dtype", np.int64), ("max_len", 5.0), ("n_heads", 2.0)],
        *[("seed", 2**64), ("seed", 1.5), ("seed", True), ("dtype", None), ("dtype", np.float16)],
        *[("device", "cuda:99"), ("device", 0), ("epochs", np.timedelta64(3)), ("lr", 10**400)],
        *[("windows", None), ("windows", ["random"]), ("batch_size", 2**64)],
    ],
)
def test_bad_settings_get_a_russian_error(name, value):
    message = "На устройстве" if name == "device" else name
    with pytest.raises(ValueError, match=message) as caught:
        BERT4Rec(**{**SMALL, name: value}).fit(HISTORIES, 8)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("epochs", [1, 5])
def test_diverged_training_is_named(epochs):
    with pytest.raises(FloatingPointError, match="уменьшите"):
        fitted(epochs=epochs, lr=1e308)


@pytest.mark.parametrize("value", [None, "0.2", np.nan, np.inf], ids=str)
def test_validation_that_is_no_number_gets_a_russian_error(value):
    model = BERT4Rec(**SMALL, validate_every=1)
    with pytest.raises(ValueError, match=r"validation вернула .*, а нужно конечное число"):
        model.fit(HISTORIES, 8, validation=lambda _: value)


# --- Договорённости моделей -----------------------------------------------------------------------


def test_scoring_before_fit_gets_a_russian_error():
    with pytest.raises(NotFittedError, match="не обучена"):
        BERT4Rec().score([0])
    with pytest.raises(NotFittedError, match="не обучена"):
        BERT4Rec().score_history([[0]])


@pytest.mark.parametrize("users", [[0, 5], [-1], [0.0]], ids=str)
def test_unknown_users_get_a_russian_error(users):
    with pytest.raises(ValueError, match=r"Пользователя .* нет|массив целых номеров"):
        fitted().score(users)


@pytest.mark.parametrize("histories", [HISTORIES, [[0, 1], [2, 3]], [[0, 1], [2]]], ids=len)
def test_histories_given_to_score_are_sent_to_score_history(histories):
    with pytest.raises(ValueError, match="score_history"):
        fitted().score(histories)


def test_unknown_items_in_a_history_get_a_russian_error():
    model = fitted()
    with pytest.raises(ValueError, match="от 0 до 7"):
        model.score_history([[0], [8]])
    with pytest.raises(TypeError, match="список"):
        model.score_history(np.array([0, 1]))


def test_sklearn_reads_copies_and_shows_the_settings():
    model = fitted(dropout=0.3, dtype=np.float32)
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert again.get_params().keys() == inspect.signature(BERT4Rec).parameters.keys()
    assert "dropout=0.3" in repr(model)
    with pytest.raises(NotFittedError):
        again.score([0])
    np.testing.assert_array_equal(again.fit(HISTORIES, 8).score([0]), model.score([0]))


def test_numpy_numbers_are_numbers():
    whole = {"max_len": np.int8(6), "hidden": np.int8(8), "batch_size": np.int8(100)}
    kinds = {"lr": np.float32(1e-3), "epochs": np.int64(2), "patience": np.int32(30)}
    rows = [np.arange(200, dtype=np.uint8) % 8] * 150
    plain = BERT4Rec(**{**SMALL, "batch_size": 100}, lr=float(np.float32(1e-3))).fit(rows, 8)
    model = BERT4Rec(**whole, **kinds, seed=np.int64(0)).fit(rows, np.int64(8))
    np.testing.assert_array_equal(model.score([0]), plain.score([0]))


def test_refit_forgets_the_first_fit():
    model = fitted().fit([[0, 1, 2], [2, 1]], 3)
    fresh = BERT4Rec(**SMALL).fit([[0, 1, 2], [2, 1]], 3)
    assert model.score([0, 1]).shape == (2, 3)
    np.testing.assert_array_equal(model.score([0, 1]), fresh.score([0, 1]))
    assert len(model.losses_) == 2


def test_settings_changed_after_fit_do_not_spoil_the_scores():
    model = fitted()
    expected = model.score(range(5))
    model.set_params(max_len=50, device="cuda:99", dtype=np.float32)
    np.testing.assert_array_equal(model.score(range(5)), expected)


def test_pickled_and_copied_models_score_the_same():
    model = fitted(dropout=0.5)
    for copied in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(copied.score(range(5)), model.score(range(5)))
        np.testing.assert_array_equal(
            copied.fit(HISTORIES, 8).score(range(5)), model.score(range(5))
        )


def test_the_input_is_neither_changed_nor_shared():
    mine = [row.copy() for row in HISTORIES]
    model = BERT4Rec(**SMALL).fit(mine, 8)
    model.score_history(mine)
    for row, before in zip(mine, HISTORIES, strict=True):
        np.testing.assert_array_equal(row, before)
    expected = model.score([0])
    mine[0][:] = 1
    np.testing.assert_array_equal(model.score([0]), expected)


# --- SASRec ---------------------------------------------------------------------------------------


def causal(n_items=30, max_len=12, hidden=16):
    """То же, что ``encoder``, но с причинной маской."""
    net = encoder(n_items, max_len, hidden)
    net.__class__ = CausalEncoder
    return net


def test_a_place_sees_itself_and_the_left(tokens):
    net = causal()
    for place in range(tokens.shape[1]):
        changed = tokens.clone()
        changed[:, place] = (changed[:, place] + 1) % 30
        gap = (net(changed) - net(tokens)).abs().amax(dim=(0, 2))
        assert not gap[:place].any() and (gap[place:] > 1e-6).all()


def test_causal_encoder_equals_pytorch(tokens):
    net = causal()
    layer = nn.TransformerEncoderLayer(16, 4, 64, 0.0, "gelu", batch_first=True).double()
    theirs = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    for ours, copied in zip(net.blocks, theirs.layers, strict=True):
        modules = (ours.qkv, ours.output, ours.inner[0], ours.inner[2], *ours.norms)
        values = [tensor for module in modules for tensor in (module.weight, module.bias)]
        copied.load_state_dict(dict(zip(copied.state_dict(), values, strict=True)))
    with torch.no_grad():
        h0 = net.norm(net.items(tokens) + net.positions.weight[-10:])
        mask = nn.Transformer.generate_square_subsequent_mask(10, dtype=torch.float64)
        torch.testing.assert_close(net(tokens), theirs(h0, mask=mask), atol=1e-10, rtol=0)


def test_padding_changes_nothing_in_the_causal_encoder(tokens):
    net = causal()
    with torch.no_grad():
        padded = net(F.pad(tokens, (2, 0), value=net.pad))
        assert torch.isfinite(padded).all()
        torch.testing.assert_close(padded[:, 2:], net(tokens), atol=1e-12, rtol=0)


def test_every_place_is_asked_about_the_next_item():
    model = SASRec(**SMALL).fit(HISTORIES, 8)
    net = model.net_
    inputs, answers = model._example(np.array([3, 4, 5]), np.random.default_rng(0))
    assert inputs.tolist() == [net.mask, 3, 4] and answers.tolist() == [3, 4, 5]
    inputs, answers = model._example(np.array([3]), np.random.default_rng(0))
    assert inputs.tolist() == [net.mask] and answers.tolist() == [3]
    rng = np.random.default_rng(0)
    seen = {tuple(model._example(np.arange(8), rng)[1]) for _ in range(50)}
    assert seen == {tuple(range(start, start + 6)) for start in (0, 1, 2)}
    model.windows = "last"
    assert model._example(np.arange(8), rng)[1].tolist() == [2, 3, 4, 5, 6, 7]


def test_the_last_place_answers_about_the_next_item():
    model = SASRec(**SMALL).fit(HISTORIES, 8)
    net = model.net_.eval()
    row = torch.tensor([[net.mask, 3, 4, 5, 6, 7]])
    with torch.no_grad():
        expected = net.logits(net(row))[:, -1].numpy()
    for history in ([3, 4, 5, 6, 7], [0, 1, 2, 3, 4, 5, 6, 7]):
        np.testing.assert_allclose(model.score_history([history]), expected, atol=1e-12)
    assert np.isfinite(model.score_history([[]])).all()


def test_sasrec_reaches_the_bound_of_the_chain():
    chains, _, bound = make_chain(n_users=1000, length=12)
    known, target = [row[:-1] for row in chains], np.array([row[-1] for row in chains])
    model = SASRec(max_len=12, hidden=32, n_layers=1, lr=3e-3, epochs=40, dtype=np.float32)
    model.fit(known, 20)
    assert abs((model.score_history(known).argmax(axis=1) == target).mean() - bound) < 0.04


def test_sasrec_has_no_settings_of_masked_places():
    settings = clone(SASRec(hidden=8)).get_params()
    assert settings["hidden"] == 8 and not {"mask_prob", "last_prob"} & settings.keys()
