"""Неверные решения заданий урока 06, каких можно ждать от студента."""

import numpy as np


def _softmax(logits):
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def _right(logits, x):
    return x.sum(axis=1, keepdims=True) * _softmax(logits) - x


def nll_gradient__number_of_choices_forgotten(logits, x):
    return _softmax(logits) - x


def nll_gradient__sigmoid(logits, x):
    return 1 / (1 + np.exp(-np.clip(logits, -500, 500))) - x


def nll_gradient__softmax_over_the_batch(logits, x):
    shares = np.exp(logits - logits.max(axis=0))
    return x.sum(axis=1, keepdims=True) * shares / shares.sum(axis=0) - x


def nll_gradient__sign(logits, x):
    return -_right(logits, x)


def nll_gradient__number_of_items(logits, x):
    return x.shape[1] * _softmax(logits) - x


def nll_gradient__choices_of_the_whole_batch(logits, x):
    return x.sum() * _softmax(logits) - x


def nll_gradient__mean_over_the_batch(logits, x):
    return _right(logits, x) / len(x)


def nll_gradient__maximum_of_the_whole_table(logits, x):
    with np.errstate(all="ignore"):
        shares = np.exp(logits - logits.max())
        return x.sum(axis=1, keepdims=True) * shares / shares.sum(axis=1, keepdims=True) - x


def nll_gradient__overflow(logits, x):
    with np.errstate(all="ignore"):
        shares = np.exp(logits)
        return x.sum(axis=1, keepdims=True) * shares / shares.sum(axis=1, keepdims=True) - x


def nll_gradient__overflow_hidden(logits, x):
    return np.nan_to_num(nll_gradient__overflow(logits, x))


def nll_gradient__logits_clipped(logits, x):
    return _right(np.clip(logits, -50, 50), x)


def nll_gradient__history_not_subtracted(logits, x):
    return x.sum(axis=1, keepdims=True) * _softmax(logits)


def nll_gradient__only_films_of_the_history(logits, x):
    return _right(logits, x) * x


def nll_gradient__zero_row_skipped(logits, x):
    return _right(logits, x)[np.abs(logits).sum(axis=1) > 0]


def _epoch(update, n_users, batch_size, epochs):
    epoch = int(update // -(-n_users // batch_size)) + 1
    return epoch if epoch <= epochs else 0


def _update(anneal_steps, beta_cap):
    return int(np.ceil(round(beta_cap * anneal_steps, 6)))


def cap_epoch__weight_grows_once_an_epoch(n_users, batch_size, anneal_steps, beta_cap, epochs):
    epoch = _update(anneal_steps, beta_cap) + 1
    return epoch if epoch <= epochs else 0


def cap_epoch__incomplete_batch_lost(n_users, batch_size, anneal_steps, beta_cap, epochs):
    epoch = _update(anneal_steps, beta_cap) // (n_users // batch_size) + 1
    return epoch if epoch <= epochs else 0


def cap_epoch__batch_always_added(n_users, batch_size, anneal_steps, beta_cap, epochs):
    epoch = _update(anneal_steps, beta_cap) // (n_users // batch_size + 1) + 1
    return epoch if epoch <= epochs else 0


def cap_epoch__epochs_from_zero(n_users, batch_size, anneal_steps, beta_cap, epochs):
    return _epoch(_update(anneal_steps, beta_cap), n_users, batch_size, epochs) - 1


def cap_epoch__updates_from_one(n_users, batch_size, anneal_steps, beta_cap, epochs):
    update = max(_update(anneal_steps, beta_cap) - 1, 0)
    return _epoch(update, n_users, batch_size, epochs)


def cap_epoch__one_update_late(n_users, batch_size, anneal_steps, beta_cap, epochs):
    return _epoch(_update(anneal_steps, beta_cap) + 1, n_users, batch_size, epochs)


def cap_epoch__limit_of_epochs_forgotten(n_users, batch_size, anneal_steps, beta_cap, epochs):
    return _epoch(_update(anneal_steps, beta_cap), n_users, batch_size, 10**9)


def cap_epoch__last_epoch_instead_of_zero(n_users, batch_size, anneal_steps, beta_cap, epochs):
    return _epoch(_update(anneal_steps, beta_cap), n_users, batch_size, epochs) or epochs


def cap_epoch__last_epoch_left_out(n_users, batch_size, anneal_steps, beta_cap, epochs):
    return _epoch(_update(anneal_steps, beta_cap), n_users, batch_size, epochs - 1)


def cap_epoch__until_one(n_users, batch_size, anneal_steps, beta_cap, epochs):
    return _epoch(anneal_steps, n_users, batch_size, epochs)


def cap_epoch__update_instead_of_epoch(n_users, batch_size, anneal_steps, beta_cap, epochs):
    return _update(anneal_steps, beta_cap)


def cap_epoch__no_growth_means_never(n_users, batch_size, anneal_steps, beta_cap, epochs):
    if not anneal_steps:
        return 0
    return _epoch(_update(anneal_steps, beta_cap), n_users, batch_size, epochs)


def cap_epoch__rounded_up_without_one(n_users, batch_size, anneal_steps, beta_cap, epochs):
    n_batches = -(-n_users // batch_size)
    epoch = -(-_update(anneal_steps, beta_cap) // n_batches)
    return max(epoch, 1) if epoch <= epochs else 0
