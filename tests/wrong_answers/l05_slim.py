"""Неверные решения заданий урока 05, каких можно ждать от студента."""

import numpy as np


def to_sklearn__not_divided_by_users(l1, l2, n_users):
    return l1 + l2, l1 / (l1 + l2)


def to_sklearn__only_l1(l1, l2, n_users):
    return l1 / n_users, l1 / (l1 + l2)


def to_sklearn__ratio_of_l1_to_l2(l1, l2, n_users):
    return (l1 + l2) / n_users, l1 / l2


def to_sklearn__share_of_l2(l1, l2, n_users):
    return (l1 + l2) / n_users, l2 / (l1 + l2)


def to_sklearn__swapped(l1, l2, n_users):
    return l1 / (l1 + l2), (l1 + l2) / n_users


def to_sklearn__halved_l2(l1, l2, n_users):
    return (l1 + l2 / 2) / n_users, l1 / (l1 + l2 / 2)


def to_sklearn__double_l2(l1, l2, n_users):
    return (l1 + 2 * l2) / n_users, l1 / (l1 + 2 * l2)


def to_sklearn__multiplied_by_users(l1, l2, n_users):
    return (l1 + l2) * n_users, l1 / (l1 + l2)


def to_sklearn__two_penalties(l1, l2, n_users):
    return l1 / n_users, l2 / n_users


def to_sklearn__share_divided_too(l1, l2, n_users):
    return (l1 + l2) / n_users, l1 / (l1 + l2) / n_users


def to_sklearn__whole_division(l1, l2, n_users):
    return (l1 + l2) // n_users, l1 / (l1 + l2)


def fading_l1__with_the_diagonal(G, j):
    return G[:, j].max()


def fading_l1__diagonal_only(G, j):
    return G[j, j]


def fading_l1__whole_matrix(G, j):
    return (G - np.diag(np.diag(G))).max()


def fading_l1__sum(G, j):
    return np.delete(G[:, j], j).sum()


def fading_l1__smallest(G, j):
    return np.delete(G[:, j], j).min()


def fading_l1__one_more(G, j):
    return np.delete(G[:, j], j).max() + 1


def fading_l1__divided_by_the_diagonal(G, j):
    return (np.delete(G[:, j], j) / np.delete(np.diag(G), j)).max()


def fading_l1__which_one(G, j):
    return int(np.delete(G[:, j], j).argmax())


def fading_l1__next_column(G, j):
    return np.delete(G[:, j - 1], j - 1).max()


def fading_l1__second_largest(G, j):
    return np.sort(G[:, j])[-2]


def fading_l1__first_two(G, j):
    return max(G[0, j], G[1, j]) if j > 1 else G[1 - j, j]


def fading_l1__mean(G, j):
    return np.delete(G[:, j], j).mean()
