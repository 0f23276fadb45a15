"""Неверные решения заданий урока 00a, каких можно ждать от студента."""

import numpy as np


def _order(scores):
    return np.argsort(-scores, kind="stable")


def best_unseen__seen_left(scores, seen, k):
    return _order(scores)[:k]


def best_unseen__ascending(scores, seen, k):
    order = np.argsort(scores, kind="stable")
    return order[~np.isin(order, seen)][:k]


def best_unseen__cut_before_removing(scores, seen, k):
    order = _order(scores)[:k]
    return order[~np.isin(order, seen)]


def best_unseen__reversed_ties(scores, seen, k):
    order = np.argsort(scores, kind="stable")[::-1]
    return order[~np.isin(order, seen)][:k]


def best_unseen__scores_instead_of_numbers(scores, seen, k):
    order = _order(scores)
    return scores[order[~np.isin(order, seen)][:k]]


def best_unseen__seen_becomes_zero(scores, seen, k):
    hidden = scores.copy()
    hidden[seen] = 0
    return _order(hidden)[:k]


def best_unseen__seen_goes_to_the_end(scores, seen, k):
    hidden = scores.copy()
    hidden[np.array(seen, dtype=int)] = -np.inf
    return _order(hidden)[:k]


def best_unseen__positive_only(scores, seen, k):
    order = _order(scores)
    return [i for i in order if i not in seen and scores[i] > 0][:k]


def best_unseen__only_k_minus_seen(scores, seen, k):
    order = _order(scores)
    return order[~np.isin(order, seen)][: k - len(seen)]


def best_unseen__numbers_from_one(scores, seen, k):
    order = _order(scores)
    return order[~np.isin(order, seen)][:k] + 1


def best_unseen__renumbered_after_deleting(scores, seen, k):
    return _order(np.delete(scores, np.array(seen, dtype=int)))[:k]


def shrunk_mean__mean_of_means(sums, counts, m):
    with np.errstate(all="ignore"):
        overall = np.nanmean(sums / counts)
    return (sums + m * overall) / (counts + m)


def shrunk_mean__plain(sums, counts, m):
    with np.errstate(all="ignore"):
        return sums / counts


def shrunk_mean__to_zero(sums, counts, m):
    with np.errstate(all="ignore"):
        return sums / (counts + m)


def shrunk_mean__m_only_above(sums, counts, m):
    with np.errstate(all="ignore"):
        return (sums + m * sums.sum() / counts.sum()) / counts


def shrunk_mean__not_multiplied(sums, counts, m):
    with np.errstate(all="ignore"):
        return (sums + sums.sum() / counts.sum()) / (counts + m)


def shrunk_mean__middle_of_the_scale(sums, counts, m):
    with np.errstate(all="ignore"):
        return (sums + m * 3) / (counts + m)


def shrunk_mean__one_more_rating(sums, counts, m):
    return (sums + (m + 1) * sums.sum() / counts.sum()) / (counts + m + 1)


def shrunk_mean__mean_of_sums(sums, counts, m):
    with np.errstate(all="ignore"):
        return (sums + m * sums.mean()) / (counts + m)


def shrunk_mean__average_of_two(sums, counts, m):
    overall = sums.sum() / counts.sum()
    with np.errstate(all="ignore"):
        return (np.nan_to_num(sums / counts) + m * overall) / (1 + m)


def shrunk_mean__rounded_down(sums, counts, m):
    overall = sums.sum() // counts.sum()
    with np.errstate(all="ignore"):
        return (sums + m * overall) // (counts + m)
