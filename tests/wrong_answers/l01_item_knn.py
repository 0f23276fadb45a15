"""Неверные решения заданий урока 01, каких можно ждать от студента."""

import numpy as np


def _either(G):
    n = np.diag(G)
    return n[:, None] + n - G


def _divided(G, by):
    S = np.divide(G, by, out=np.zeros_like(G), where=by > 0)
    np.fill_diagonal(S, 0)
    return S


def jaccard__naive_division(G):
    with np.errstate(all="ignore"):
        S = G / _either(G)
    np.fill_diagonal(S, 0)
    return S


def jaccard__common_counted_twice(G):
    n = np.diag(G)
    return _divided(G, n[:, None] + n)


def jaccard__dice(G):
    n = np.diag(G)
    return 2 * _divided(G, n[:, None] + n)


def jaccard__cosine(G):
    n = np.diag(G)
    return _divided(G, np.sqrt(np.outer(n, n)))


def jaccard__share_of_the_smaller(G):
    n = np.diag(G)
    return _divided(G, np.minimum(n[:, None], n))


def jaccard__share_of_the_larger(G):
    n = np.diag(G)
    return _divided(G, np.maximum(n[:, None], n))


def jaccard__share_of_the_source(G):
    return _divided(G, np.diag(G)[:, None] + 0 * G)


def jaccard__diagonal_left(G):
    either = _either(G)
    return np.divide(G, either, out=np.zeros_like(G), where=either > 0)


def jaccard__diagonal_cleared_first(G):
    G = G.copy()
    np.fill_diagonal(G, 0)
    return _divided(G, abs(_either(G)))


def jaccard__two_cold_are_the_same(G):
    with np.errstate(all="ignore"):
        S = np.where(_either(G) > 0, G / _either(G), 1)
    np.fill_diagonal(S, 0)
    return S


def jaccard__one_in_the_denominator(G):
    return _divided(G, _either(G) + 1)


def jaccard__upper_triangle_only(G):
    return np.triu(_divided(G, _either(G)))


def jaccard__rounded(G):
    return _divided(G, _either(G)).round(3)


def jaccard__distance(G):
    S = 1 - _divided(G, _either(G))
    np.fill_diagonal(S, 0)
    return S


def nearest_in_history__columns_instead_of_rows(S, history, K):
    return np.sort(S[:, history], axis=1)[:, -K:].sum(axis=1)


def nearest_in_history__smallest(S, history, K):
    return np.sort(S[history], axis=0)[:K].sum(axis=0)


def nearest_in_history__whole_history(S, history, K):
    return S[history].sum(axis=0)


def nearest_in_history__mean(S, history, K):
    return np.sort(S[history], axis=0)[-K:].mean(axis=0)


def nearest_in_history__sum_over_k(S, history, K):
    return np.sort(S[history], axis=0)[-K:].sum(axis=0) / K


def nearest_in_history__largest_only(S, history, K):
    return S[history].max(axis=0)


def nearest_in_history__kth_only(S, history, K):
    return np.sort(S[history], axis=0)[-min(K, len(history))]


def nearest_in_history__last_watched(S, history, K):
    return S[history[-K:]].sum(axis=0)


def nearest_in_history__truncated_by_source(S, history, K):
    kept = np.where(np.sort(S, axis=1)[:, [-min(K, len(S))]] <= S, S, 0)
    return kept[history].sum(axis=0)


def nearest_in_history__truncated_by_target(S, history, K):
    kept = np.where(np.sort(S, axis=0)[[-min(K, len(S))]] <= S, S, 0)
    return kept[history].sum(axis=0)


def nearest_in_history__same_neighbours_for_all(S, history, K):
    history = np.array(history)
    best = history[np.argsort(-S[history].sum(axis=1), kind="stable")[:K]]
    return S[best].sum(axis=0)


def nearest_in_history__short_history_breaks(S, history, K):
    order = np.sort(S[history], axis=0)
    return sum(order[-1 - n] for n in range(K))


def nearest_in_history__start_goes_negative(S, history, K):
    order = np.sort(S[history], axis=0)
    return order[len(history) - K :].sum(axis=0)


def nearest_in_history__equal_once(S, history, K):
    return np.array([sum(sorted(set(column))[-K:]) for column in S[history].T])


def nearest_in_history__history_hidden(S, history, K):
    scores = np.sort(S[history], axis=0)[-K:].sum(axis=0)
    scores[history] = 0
    return scores


def nearest_in_history__weighted_mean(S, history, K):
    best = np.sort(S[history], axis=0)[-K:]
    total = best.sum(axis=0)
    return np.divide((best**2).sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
