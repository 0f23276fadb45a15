"""Неверные решения заданий урока 07, каких можно ждать от студента."""

import numpy as np


def _degrees(X):
    return X.sum(axis=1).clip(1), X.sum(axis=0).clip(1)


def one_step__mean_of_films(X, Q):
    return X @ Q / _degrees(X)[0][:, None]


def one_step__plain_sum(X, Q):
    return X @ Q


def one_step__only_the_viewers_degree(X, Q):
    return X @ Q / np.sqrt(_degrees(X)[0])[:, None]


def one_step__only_the_films_degree(X, Q):
    return X @ (Q / np.sqrt(_degrees(X)[1])[:, None])


def one_step__no_root(X, Q):
    users, items = _degrees(X)
    return X @ (Q / items[:, None]) / users[:, None]


def one_step__cold_viewer_divided_by_zero(X, Q):
    with np.errstate(all="ignore"):
        return X @ (Q / np.sqrt(_degrees(X)[1])[:, None]) / np.sqrt(X.sum(axis=1))[:, None]


def one_step__cold_film_divided_by_zero(X, Q):
    with np.errstate(all="ignore"):
        items = np.sqrt(X.sum(axis=0))
        return X @ (Q / items[:, None]) / np.sqrt(_degrees(X)[0])[:, None]


def one_step__degrees_swapped(X, Q):
    users, items = _degrees(X)
    return (X / np.sqrt(users[:, None] * items)).T @ (X @ Q)


def one_step__self_loops(X, Q):
    users, items = X.sum(axis=1) + 1, X.sum(axis=0) + 1
    return X / np.sqrt(np.outer(users, items)) @ Q


def one_step__multiplied_by_the_roots(X, Q):
    users, items = _degrees(X)
    return X * np.sqrt(np.outer(users, items)) @ Q


def one_step__unit_length(X, Q):
    users, items = _degrees(X)
    P = X / np.sqrt(np.outer(users, items)) @ Q
    return P / np.linalg.norm(P, axis=1, keepdims=True).clip(1e-12)


def one_step__averaged_with_zero_layer(X, Q):
    users, items = _degrees(X)
    return X / np.sqrt(np.outer(users, items)) @ Q / 2


def one_step__cold_viewer_left_out(X, Q):
    users, items = _degrees(X)
    P = X / np.sqrt(np.outer(users, items)) @ Q
    return P[X.any(axis=1)]


def one_step__rounded(X, Q):
    users, items = _degrees(X)
    return (X / np.sqrt(np.outer(users, items)) @ Q).round(2)


def negative_at__number_itself(liked, r):
    return np.asarray(r)


def negative_at__liked_at_or_before_the_number(liked, r):
    return r + np.searchsorted(liked, r, side="right")


def negative_at__liked_before_the_number(liked, r):
    return r + np.searchsorted(liked, r)


def negative_at__left_side(liked, r):
    return r + np.searchsorted(liked - np.arange(len(liked)), r, side="left")


def negative_at__places_from_one(liked, r):
    return r + np.searchsorted(liked - np.arange(1, len(liked) + 1), r, side="right")


def negative_at__all_liked_skipped(liked, r):
    return r + len(liked)


def negative_at__count_alone(liked, r):
    return np.searchsorted(liked - np.arange(len(liked)), r, side="right")


def negative_at__catalogue_of_ten(liked, r):
    return np.delete(np.arange(10), liked)[r]


def negative_at__catalogue_up_to_the_last_liked(liked, r):
    others = np.setdiff1d(np.arange(liked.max() + len(r) + 1), liked)
    return others[np.minimum(r, len(others) - 1)]


def negative_at__one_step_over(liked, r):
    return np.where(np.isin(r, liked), r + 1, r)


def negative_at__sorted_without_repeats(liked, r):
    r = np.unique(r)
    return r + np.searchsorted(liked - np.arange(len(liked)), r, side="right")


def negative_at__empty_history_forgotten(liked, r):
    first = liked[0]
    count = np.searchsorted(liked - np.arange(len(liked)), r, side="right")
    return np.where(r < first, r, r + count)
