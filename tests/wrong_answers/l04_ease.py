"""Неверные решения заданий урока 04, каких можно ждать от студента."""

import numpy as np


def column_weights__no_penalty(G, j, l2):
    others = np.delete(np.arange(len(G)), j)
    column = np.zeros(len(G))
    column[others] = np.linalg.lstsq(G[np.ix_(others, others)], G[others, j], rcond=None)[0]
    return column


def column_weights__penalty_everywhere(G, j, l2):
    others = np.delete(np.arange(len(G)), j)
    column = np.zeros(len(G))
    column[others] = np.linalg.lstsq(G[np.ix_(others, others)] + l2, G[others, j], rcond=None)[0]
    return column


def column_weights__place_j_left_out(G, j, l2):
    others = np.delete(np.arange(len(G)), j)
    left = G[np.ix_(others, others)] + l2 * np.eye(len(others))
    return np.linalg.solve(left, G[others, j])


def column_weights__zero_at_the_end(G, j, l2):
    return np.append(column_weights__place_j_left_out(G, j, l2), 0)


def column_weights__zeroed_after_solving(G, j, l2):
    column = np.linalg.solve(G + l2 * np.eye(len(G)), G[:, j])
    column[j] = 0
    return column


def column_weights__sign(G, j, l2):
    column = np.linalg.inv(G + l2 * np.eye(len(G)))[:, j]
    column = column / column[j]
    column[j] = 0
    return column


def column_weights__row_of_ease(G, j, l2):
    H = np.linalg.inv(G + l2 * np.eye(len(G)))
    row = -H[j] / np.diag(H)
    row[j] = 0
    return row


def column_weights__one_on_the_diagonal(G, j, l2):
    H = np.linalg.inv(G + l2 * np.eye(len(G)))
    return -H[:, j] / H[j, j]


def column_weights__double_penalty(G, j, l2):
    H = np.linalg.inv(G + 2 * l2 * np.eye(len(G)))
    column = -H[:, j] / H[j, j]
    column[j] = 0
    return column


def column_weights__rounded(G, j, l2):
    H = np.linalg.inv(G + l2 * np.eye(len(G)))
    column = -H[:, j] / H[j, j]
    column[j] = 0
    return column.round(3)


def _inverse(G, l2):
    return np.linalg.inv(G + l2 * np.eye(len(G)))


def repair__nothing_done(B_mistaken, G, l2):
    return B_mistaken


def repair__rows(B_mistaken, G, l2):
    return B_mistaken / (l2 * np.diag(_inverse(G, l2)))[:, None]


def repair__no_penalty(B_mistaken, G, l2):
    return B_mistaken / np.diag(_inverse(G, l2))


def repair__multiplied(B_mistaken, G, l2):
    return B_mistaken * (l2 * np.diag(_inverse(G, l2)))


def repair__diagonal_of_the_sum(B_mistaken, G, l2):
    return B_mistaken / (l2 / np.diag(G + l2 * np.eye(len(G))))


def repair__inverse_without_penalty(B_mistaken, G, l2):
    return B_mistaken / (l2 * np.diag(np.linalg.pinv(G)))


def repair__only_zeroes(B_mistaken, G, l2):
    B = B_mistaken.copy()
    np.fill_diagonal(B, 0)
    return B


def repair__transposed(B_mistaken, G, l2):
    return (B_mistaken / (l2 * np.diag(_inverse(G, l2)))).T


def repair__unpenalised_diagonal_left(B_mistaken, G, l2):
    B = B_mistaken / (l2 * np.diag(_inverse(G, l2)))
    np.fill_diagonal(B, 1)
    return B
