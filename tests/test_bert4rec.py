"""BERT4Rec из урока: внимание вручную и в PyTorch, маскирование, обучение, плохой ввод."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from recsys_lessons.models.bert4rec import (
    AttentionBlock,
    SequenceEncoder,
    attention,
    cloze_loss,
    make_example,
    n_masked,
    pad_left,
    question,
)
from torch import nn

from recsys_lessons.models import BERT4Rec
from recsys_lessons.synthetic import make_chain

SMALL = {"max_len": 6, "hidden": 8, "epochs": 2, "batch_size": 4}
HISTORIES = [np.array(row) for row in ([0, 1, 2, 3, 4, 5, 6, 7], [3, 4], [5], [], [7, 0, 7])]


def encoder(n_items=30, max_len=12, hidden=16, seed=0):
    """Необученный кодировщик с крупными весами: у него всякое место что-нибудь да значит."""
    generator = torch.Generator().manual_seed(seed)
    net = SequenceEncoder(n_items, max_len, hidden, 2, 4, 0.5).double().eval()
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
    for ours, copy in zip(net.blocks, theirs.layers, strict=True):
        modules = (ours.qkv, ours.output, ours.inner[0], ours.inner[2], *ours.norms)
        values = [tensor for module in modules for tensor in (module.weight, module.bias)]
        copy.load_state_dict(dict(zip(copy.state_dict(), values, strict=True)))
    tokens[1, :4] = tokens[3, :9] = net.pad
    with torch.no_grad():
        h = net.norm(net.items(tokens) + net.positions.weight[-10:])
        reference = theirs(h, src_key_padding_mask=tokens == net.pad)
        real = tokens != net.pad
        torch.testing.assert_close(net(tokens)[real], reference[real], atol=1e-10, rtol=0)


def test_heads_attend_separately():
    """Две головы — два внимания на своих половинах координат."""
    block = AttentionBlock(6, 2, 0.0).double()
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
    torch.manual_seed(0)
    net = SequenceEncoder(500, 10, 32, 2, 2, 0.0).double()
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


# --- Обучение и баллы -----------------------------------------------------------------------------


def test_score_reads_the_mask_after_the_last_items():
    model = BERT4Rec(**SMALL).fit(HISTORIES, 8)
    net = model.net_.eval()
    with torch.no_grad():
        row = torch.tensor([[3, 4, 5, 6, 7, net.mask]])
        by_hand = net.logits(net(row))[0, -1].numpy()
    np.testing.assert_allclose(model.score([HISTORIES[0]])[0], by_hand, atol=1e-12)


def test_scores_do_not_depend_on_company_and_only_recent_items_count():
    model = BERT4Rec(**SMALL).fit(HISTORIES, 8)
    together = model.score(HISTORIES)
    assert together.shape == (5, 8)
    assert np.isfinite(together).all()
    for row, history in zip(together, HISTORIES, strict=True):
        np.testing.assert_allclose(model.score([history])[0], row, atol=1e-12)
    longer = np.concatenate([[1, 1, 1], HISTORIES[0]])
    np.testing.assert_allclose(model.score([longer]), together[:1], atol=1e-12)
    many = model.score(HISTORIES * 60)
    np.testing.assert_allclose(many[-5:], together, atol=1e-12)
    assert model.score([]).shape == (0, 8)


def test_item_zero_is_an_ordinary_item():
    model = BERT4Rec(**SMALL).fit(HISTORIES, 8)
    with_zero, without = model.score([np.array([0, 3]), np.array([3])])
    assert abs(with_zero - without).max() > 1e-6


def test_seed_repeats_the_run_and_leaves_the_global_generators_alone():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = BERT4Rec(**SMALL, seed=1).fit(HISTORIES, 8).score(HISTORIES)
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
    torch.rand(3)
    np.testing.assert_array_equal(
        BERT4Rec(**SMALL, seed=1).fit(HISTORIES, 8).score(HISTORIES), first
    )
    assert abs(BERT4Rec(**SMALL, seed=2).fit(HISTORIES, 8).score(HISTORIES) - first).max() > 1e-6


def test_dropout_is_off_when_scoring():
    model = BERT4Rec(**SMALL, dropout=0.9).fit(HISTORIES, 8)
    np.testing.assert_array_equal(model.score(HISTORIES), model.score(HISTORIES))


def test_single_precision():
    how = {**SMALL, "epochs": 3}
    double = BERT4Rec(**how, dropout=0).fit(HISTORIES, 8).score(HISTORIES)
    single = BERT4Rec(**how, dropout=0, dtype=np.float32).fit(HISTORIES, 8).score(HISTORIES)
    assert single.dtype == np.float32
    assert abs(single - double).max() < 1e-3


def test_fit_does_not_change_its_input():
    before = [row.copy() for row in HISTORIES]
    BERT4Rec(**SMALL).fit(HISTORIES, 8)
    for row, copy in zip(HISTORIES, before, strict=True):
        np.testing.assert_array_equal(row, copy)


def test_markov_chain_reaches_the_best_possible_accuracy():
    sequences, _, bound = make_chain(n_users=800, n_items=10, length=12, branching=2)
    known, target = [row[:-1] for row in sequences], np.array([row[-1] for row in sequences])
    model = BERT4Rec(max_len=12, hidden=32, n_layers=1, mask_prob=0.3, lr=3e-3, epochs=30)
    guesses = model.fit(known, 10).score(known).argmax(axis=1)
    assert abs((guesses == target).mean() - bound) < 0.03


@pytest.mark.skipif(not torch.cuda.is_available(), reason="нет видеокарты")
def test_device_gives_the_same_kind_of_model():
    model = BERT4Rec(**SMALL, device="cuda").fit(HISTORIES, 8)
    assert model.net_.bias.device.type == "cuda"
    assert np.isfinite(model.score(HISTORIES)).all()


# --- Ранняя остановка и прерывание ----------------------------------------------------------------


class Script:
    """Валидация, которая возвращает заданные числа и запоминает баллы модели."""

    def __init__(self, *values):
        self.values, self.scores = list(values), []

    def __call__(self, model):
        self.scores.append(model.score(HISTORIES))
        value = self.values[len(self.scores) - 1]
        if isinstance(value, BaseException):
            raise value
        return value


def test_best_epoch_is_restored_and_training_stops_in_time():
    script = Script(0.1, 0.5, 0.3, 0.2, 0.1, 0.0)
    how = {**SMALL, "epochs": 12, "validate_every": 2, "patience": 6}
    model = BERT4Rec(**how).fit(HISTORIES, 8, validation=script)
    assert model.validation_ == [(2, 0.1), (4, 0.5), (6, 0.3), (8, 0.2), (10, 0.1)]
    assert (model.epoch_, len(model.losses_)) == (4, 10)
    np.testing.assert_array_equal(model.score(HISTORIES), script.scores[1])


def test_last_epoch_is_validated_and_ties_keep_the_earlier():
    model = BERT4Rec(**{**SMALL, "epochs": 5}, validate_every=3)
    model.fit(HISTORIES, 8, validation=Script(0.5, 0.5))
    assert model.validation_ == [(3, 0.5), (5, 0.5)]
    assert model.epoch_ == 3


def test_interrupted_fit_keeps_the_best_epoch(capsys):
    script = Script(0.5, 0.2, KeyboardInterrupt())
    model = BERT4Rec(**{**SMALL, "epochs": 9}, validate_every=1)
    model.fit(HISTORIES, 8, validation=script)
    assert "Обучение прервано" in capsys.readouterr().out
    assert (model.epoch_, len(model.losses_)) == (1, 3)
    np.testing.assert_array_equal(model.score(HISTORIES), script.scores[0])


def test_interrupted_fit_without_validation_keeps_what_was_learnt(monkeypatch, capsys):
    import recsys_lessons.models.bert4rec as lesson

    whole, calls = lesson.run_epoch, []

    def stop_at_third(*args, **how):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(*args, **how)

    monkeypatch.setattr(lesson, "run_epoch", stop_at_third)
    model = BERT4Rec(**{**SMALL, "epochs": 9}).fit(HISTORIES, 8)
    assert "прервано, полных эпох: 2" in capsys.readouterr().out
    monkeypatch.undo()
    np.testing.assert_array_equal(
        model.score(HISTORIES), BERT4Rec(**SMALL).fit(HISTORIES, 8).score(HISTORIES)
    )


def test_validation_with_nan_is_refused():
    with pytest.raises(ValueError, match="validation"):
        BERT4Rec(**SMALL, validate_every=1).fit(HISTORIES, 8, validation=Script(np.nan))


# --- Плохой ввод ----------------------------------------------------------------------------------


def test_catalogue_of_one_item():
    model = BERT4Rec(**SMALL).fit([[0], [], [0, 0, 0]], 1)
    assert model.score([[], [0]]).shape == (2, 1)
    assert np.isfinite(model.score([[], [0]])).all()


def test_item_without_interactions_gets_a_finite_score():
    assert np.isfinite(BERT4Rec(**SMALL).fit([[0, 1], [1, 0]], 50).score([[0], []])).all()


@pytest.mark.parametrize(
    ("sequences", "n_items", "error", "message"),
    [
        ([[], []], 5, ValueError, "пусты"),
        ([], 5, ValueError, "пусты"),
        ([[0, 5]], 5, ValueError, "История|истории 0"),
        ([[0], [-1]], 5, ValueError, "истории 1"),
        ([[0.0, np.nan]], 5, ValueError, "целых"),
        ([[[0, 1]]], 5, ValueError, "массив"),
        ([[[0, 1], [2]]], 5, ValueError, "массив"),
        ([["a"]], 5, ValueError, "целых"),
        (sp.csr_array([[1.0, 0]]), 2, TypeError, "список"),
        ({0: [1]}, 2, TypeError, "список"),
        ([[0]], 0, ValueError, "n_items"),
        ([[0]], 2.5, ValueError, "n_items"),
    ],
)
def test_bad_histories_get_a_russian_error(sequences, n_items, error, message):
    with pytest.raises(error, match=message):
        BERT4Rec(**SMALL).fit(sequences, n_items)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("max_len", 1), ("max_len", 5.5), ("hidden", 0), ("n_layers", 0), ("n_heads", "2")],
        *[("n_heads", 3), ("dropout", 1), ("dropout", -0.1), ("mask_prob", 0), ("mask_prob", 1.5)],
        *[("epochs", 0), ("epochs", True), ("batch_size", -1), ("lr", 0), ("lr", np.nan)],
        *[("seed", -1), ("seed", None), ("last_prob", 2), ("windows", "все"), ("patience", 0)],
        *[("validate_every", 0), ("dtype", np.int64), ("max_len", 5.0), ("n_heads", 2.0)],
    ],
)
def test_bad_settings_get_a_russian_error(name, value):
    with pytest.raises(ValueError, match=name):
        BERT4Rec(**{**SMALL, name: value}).fit(HISTORIES, 8)


@pytest.mark.parametrize("epochs", [1, 5])
def test_diverged_training_is_named(epochs):
    with pytest.raises(ValueError, match="уменьшите lr"):
        BERT4Rec(**{**SMALL, "epochs": epochs}, lr=1e308).fit(HISTORIES, 8)


def test_scoring_needs_a_fitted_model_and_known_items():
    with pytest.raises(RuntimeError, match="не обучена"):
        BERT4Rec().score([[0]])
    model = BERT4Rec(**SMALL).fit(HISTORIES, 8)
    with pytest.raises(ValueError, match="от 0 до 7"):
        model.score([[0], [8]])
    with pytest.raises(TypeError, match="список"):
        model.score(np.array([0, 1]))
