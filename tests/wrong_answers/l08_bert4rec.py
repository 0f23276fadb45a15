"""Неверные решения заданий урока 08, каких можно ждать от студента."""

import numpy as np


def question_row__padding_on_the_right(history, max_len, pad, mask):
    known = [*list(history)[max(0, len(history) - max_len + 1) :], mask]
    return known + [pad] * (max_len - len(known))


def question_row__padding_before_the_mask(history, max_len, pad, mask):
    known = list(history)[max(0, len(history) - max_len + 1) :]
    return known + [pad] * (max_len - 1 - len(known)) + [mask]


def question_row__mask_first(history, max_len, pad, mask):
    known = list(history)[max(0, len(history) - max_len + 1) :]
    return [pad] * (max_len - 1 - len(known)) + [mask] + known


def question_row__no_mask(history, max_len, pad, mask):
    known = list(history)[max(0, len(history) - max_len) :]
    return [pad] * (max_len - len(known)) + known


def question_row__mask_over_the_last_item(history, max_len, pad, mask):
    row = question_row__no_mask(history, max_len, pad, mask)
    row[-1] = mask
    return row


def question_row__one_place_too_many(history, max_len, pad, mask):
    return [*question_row__no_mask(history, max_len, pad, mask), mask]


def question_row__not_cut(history, max_len, pad, mask):
    return [pad] * (max_len - 1 - len(history)) + list(history) + [mask]


def question_row__not_padded(history, max_len, pad, mask):
    return [*list(history)[max(0, len(history) - max_len + 1) :], mask]


def question_row__oldest_items(history, max_len, pad, mask):
    known = list(history)[: max_len - 1]
    return [pad] * (max_len - 1 - len(known)) + known + [mask]


def question_row__newest_first(history, max_len, pad, mask):
    known = list(history)[max(0, len(history) - max_len + 1) :][::-1]
    return [pad] * (max_len - 1 - len(known)) + known + [mask]


def question_row__zero_is_padding(history, max_len, pad, mask):
    known = [item for item in history if item][-(max_len - 1) :]
    return [pad] * (max_len - 1 - len(known)) + known + [mask]


def question_row__padded_with_zeros(history, max_len, pad, mask):
    row = np.zeros(max_len, dtype=int)
    known = [*list(history)[max(0, len(history) - max_len + 1) :], mask]
    row[max_len - len(known) :] = known
    return row


def question_row__repeats_removed(history, max_len, pad, mask):
    known = list(dict.fromkeys(history))[-(max_len - 1) :]
    return [pad] * (max_len - 1 - len(known)) + known + [mask]


def softmax(products):
    exponents = np.exp(products - products.max())
    return exponents / exponents.sum()


def scaled(q, K):
    return K @ q / np.sqrt(len(q))


def attend_one__no_root(q, K, V, real):
    return softmax(np.where(real, K @ q, -np.inf)) @ V


def attend_one__divided_by_d(q, K, V, real):
    return softmax(np.where(real, K @ q / len(q), -np.inf)) @ V


def attend_one__root_of_places(q, K, V, real):
    return softmax(np.where(real, K @ q / np.sqrt(len(K)), -np.inf)) @ V


def attend_one__root_of_values(q, K, V, real):
    return softmax(np.where(real, K @ q / np.sqrt(V.shape[1]), -np.inf)) @ V


def attend_one__padding_not_masked(q, K, V, real):
    return softmax(scaled(q, K)) @ V


def attend_one__zero_product_of_padding(q, K, V, real):
    return softmax(scaled(q, K) * real) @ V


def attend_one__weights_masked_afterwards(q, K, V, real):
    return (softmax(scaled(q, K)) * real) @ V


def attend_one__masked_after_the_largest(q, K, V, real):
    weights = softmax(scaled(q, K)) * real
    return weights / weights.sum() @ V


def attend_one__plain_exponents(q, K, V, real):
    exponents = np.exp(scaled(q, K)) * real
    return exponents / exponents.sum() @ V


def attend_one__no_softmax(q, K, V, real):
    return np.where(real, scaled(q, K), 0) @ V


def attend_one__products_divided_by_their_sum(q, K, V, real):
    products = np.where(real, scaled(q, K), 0)
    return products / products.sum() @ V


def attend_one__largest_only(q, K, V, real):
    return V[np.where(real, scaled(q, K), -np.inf).argmax()]


def attend_one__mean_of_real_places(q, K, V, real):
    return V[real].mean(axis=0)


def attend_one__weights_returned(q, K, V, real):
    return softmax(np.where(real, scaled(q, K), -np.inf))


def attend_one__keys_mixed(q, K, V, real):
    return softmax(np.where(real, scaled(q, K), -np.inf)) @ K


def attend_one__sum_without_weights_one(q, K, V, real):
    products = np.where(real, scaled(q, K), -np.inf)
    return np.exp(products - products.max()) @ V
