"""Неверные решения заданий урока 00b, каких можно ждать от студента."""

import numpy as np


def _weights(k):
    return 1 / np.log2(np.arange(k) + 2)


def ndcg_one__ideal_from_k(hits, n):
    return (_weights(len(hits)) * hits).sum() / _weights(len(hits)).sum() if n else np.nan


def ndcg_one__ideal_from_n(hits, n):
    return (_weights(len(hits)) * hits).sum() / _weights(n).sum() if n else np.nan


def ndcg_one__ideal_from_hits(hits, n):
    found = int(sum(hits))
    return (_weights(len(hits)) * hits).sum() / _weights(found).sum() if n and found else 0.0


def ndcg_one__not_normalised(hits, n):
    return (_weights(len(hits)) * hits).sum() if n else np.nan


def ndcg_one__natural_logarithm(hits, n):
    w = 1 / np.log(np.arange(len(hits)) + 2)
    return (w * hits).sum() / min(len(hits), n) if n else np.nan


def ndcg_one__places_from_zero(hits, n):
    w = 1 / np.log2(np.arange(len(hits)) + 1.0000001)
    return (w * hits).sum() / w[: min(len(hits), n)].sum() if n else np.nan


def ndcg_one__weights_of_places(hits, n):
    w = 1 / np.arange(1, len(hits) + 1)
    return (w * hits).sum() / w[: min(len(hits), n)].sum() if n else np.nan


def ndcg_one__zero_without_test(hits, n):
    return (_weights(len(hits)) * hits).sum() / max(_weights(min(len(hits), n)).sum(), 1e-12)


def ndcg_one__recall(hits, n):
    return sum(hits) / n if n else np.nan


def ndcg_one__shifted_weights(hits, n):
    w = 1 / np.log2(np.arange(len(hits)) + 3)
    return (w * hits).sum() / w[: min(len(hits), n)].sum() if n else np.nan


def ndcg_one__nan_without_hits(hits, n):
    if not n or not sum(hits):
        return np.nan
    return (_weights(len(hits)) * hits).sum() / _weights(min(len(hits), n)).sum()


def _list(events, date, user, k, *, past=True, strict=True, likes=True, all_seen=True, stable=True):
    before = events[events["timestamp"] < date] if strict else events[events["timestamp"] <= date]
    counted = before if past else events
    counted = counted[counted["rating"] >= 4] if likes else counted
    counts = counted["item"].value_counts()
    shown = before if all_seen else before[before["rating"] >= 4]
    left = counts.drop(shown.loc[shown["user"] == user, "item"], errors="ignore")
    if stable:
        left = left.sort_index().sort_values(ascending=False, kind="stable")
    return left.index[:k].to_numpy()


def honest_list__all_events_counted(events, date, user, k):
    return _list(events, date, user, k, past=False)


def honest_list__the_moment_itself_included(events, date, user, k):
    return _list(events, date, user, k, strict=False)


def honest_list__every_rating_counted(events, date, user, k):
    return _list(events, date, user, k, likes=False)


def honest_list__only_liked_removed(events, date, user, k):
    return _list(events, date, user, k, all_seen=False)


def honest_list__order_of_appearance(events, date, user, k):
    return _list(events, date, user, k, stable=False)


def honest_list__future_removed_too(events, date, user, k):
    past = events[events["timestamp"] < date]
    counts = past.loc[past["rating"] >= 4, "item"].value_counts().sort_index()
    left = counts.drop(events.loc[events["user"] == user, "item"], errors="ignore")
    return left.sort_values(ascending=False, kind="stable").index[:k].to_numpy()


def honest_list__nothing_removed(events, date, user, k):
    past = events[(events["timestamp"] < date) & (events["rating"] >= 4)]
    counts = past["item"].value_counts().sort_index()
    return counts.sort_values(ascending=False, kind="stable").index[:k].to_numpy()


def honest_list__larger_number_first(events, date, user, k):
    past = events[events["timestamp"] < date]
    counts = past.loc[past["rating"] >= 4, "item"].value_counts().sort_index(ascending=False)
    left = counts.drop(past.loc[past["user"] == user, "item"], errors="ignore")
    return left.sort_values(ascending=False, kind="stable").index[:k].to_numpy()


def honest_list__cut_before_removing(events, date, user, k):
    past = events[events["timestamp"] < date]
    counts = past.loc[past["rating"] >= 4, "item"].value_counts().sort_index()
    top = counts.sort_values(ascending=False, kind="stable").index[:k]
    return np.array([i for i in top if i not in set(past.loc[past["user"] == user, "item"])])


def honest_list__counts_returned(events, date, user, k):
    past = events[(events["timestamp"] < date) & (events["rating"] >= 4)]
    return past["item"].value_counts().to_numpy()[:k]
