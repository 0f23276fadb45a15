"""Неверные решения заданий урока 02, каких можно ждать от студента."""

import numpy as np


def _normalised(weights):
    return weights / weights.sum()


def _age(days):
    return days[-1] - np.asarray(days)


def day_weights__whole_periods(days, half_life):
    return _normalised(0.5 ** (_age(days) // half_life))


def day_weights__not_normalised(days, half_life):
    return 0.5 ** (_age(days) / half_life)


def day_weights__divided_by_the_largest(days, half_life):
    weights = 0.5 ** (_age(days) / half_life)
    return weights / weights.max()


def day_weights__divided_by_the_number(days, half_life):
    weights = 0.5 ** (_age(days) / half_life)
    return weights / len(weights)


def day_weights__oldest_heaviest(days, half_life):
    return _normalised(0.5 ** ((np.asarray(days) - days[0]) / half_life))


def day_weights__reversed(days, half_life):
    return _normalised(0.5 ** (_age(days) / half_life))[::-1]


def day_weights__age_from_day_zero(days, half_life):
    return _normalised(0.5 ** (np.asarray(days) / half_life))


def day_weights__growth_from_day_zero(days, half_life):
    with np.errstate(over="ignore", invalid="ignore"):
        return _normalised(2.0 ** (np.asarray(days, dtype=np.float64) / half_life))


def day_weights__exponent_of_e(days, half_life):
    return _normalised(np.exp(-_age(days) / half_life))


def day_weights__half_a_day(days, half_life):
    return _normalised(0.5 ** _age(days))


def day_weights__by_place(days, half_life):
    return _normalised(0.5 ** np.arange(len(days))[::-1])


def day_weights__gaps_between_visits(days, half_life):
    gaps = np.append(np.diff(days), 0)
    return _normalised(0.5 ** (gaps / half_life))


def day_weights__hyperbola(days, half_life):
    return _normalised(1 / (1 + _age(days) / half_life))


def day_weights__inverted_ratio(days, half_life):
    age = np.maximum(_age(days), 1)
    return _normalised(0.5 ** (half_life / age))


def _parts(recommended, wanted, bought):
    repeats, hit = np.isin(wanted, bought), np.isin(wanted, recommended)
    return repeats, hit


def two_recalls__of_all_wanted(recommended, wanted, bought):
    repeats, hit = _parts(recommended, wanted, bought)
    return [
        (hit & part).sum() / len(wanted) if part.any() else np.nan for part in (repeats, ~repeats)
    ]


def two_recalls__of_all_bought(recommended, wanted, bought):
    """Повторные — к числу всего купленного когда-либо."""
    repeats, hit = _parts(recommended, wanted, bought)
    first = (hit & repeats).sum() / len(bought) if repeats.any() else np.nan
    return [first, hit[~repeats].mean() if (~repeats).any() else np.nan]


def two_recalls__precision(recommended, wanted, bought):
    known = np.isin(recommended, bought)
    hit = np.isin(recommended, wanted)
    return [hit[part].mean() if part.any() else np.nan for part in (known, ~known)]


def two_recalls__of_the_list(recommended, wanted, bought):
    repeats, hit = _parts(recommended, wanted, bought)
    return [
        (hit & part).sum() / len(recommended) if part.any() else np.nan
        for part in (repeats, ~repeats)
    ]


def two_recalls__zero_for_nothing(recommended, wanted, bought):
    repeats, hit = _parts(recommended, wanted, bought)
    return [hit[part].mean() if part.any() else 0.0 for part in (repeats, ~repeats)]


def two_recalls__one_for_nothing(recommended, wanted, bought):
    repeats, hit = _parts(recommended, wanted, bought)
    return [hit[part].mean() if part.any() else 1.0 for part in (repeats, ~repeats)]


def two_recalls__swapped(recommended, wanted, bought):
    repeats, hit = _parts(recommended, wanted, bought)
    return [hit[part].mean() if part.any() else np.nan for part in (~repeats, repeats)]


def two_recalls__nan_without_hits(recommended, wanted, bought):
    repeats, hit = _parts(recommended, wanted, bought)
    return [hit[part].mean() if (hit & part).any() else np.nan for part in (repeats, ~repeats)]


def two_recalls__counts(recommended, wanted, bought):
    repeats, hit = _parts(recommended, wanted, bought)
    return [(hit & part).sum() if part.any() else np.nan for part in (repeats, ~repeats)]


def two_recalls__shares_of_hits(recommended, wanted, bought):
    repeats, hit = _parts(recommended, wanted, bought)
    return [
        (hit & part).sum() / hit.sum()
        if part.any() and hit.any()
        else np.nan
        if not part.any()
        else 0.0
        for part in (repeats, ~repeats)
    ]


def two_recalls__list_split_by_bought(recommended, wanted, bought):
    """Новое — то, чего нет в списке рекомендаций."""
    repeats = np.isin(wanted, recommended)
    hit = np.isin(wanted, bought)
    return [hit[part].mean() if part.any() else np.nan for part in (repeats, ~repeats)]


def two_recalls__of_new_goods_of_the_list(recommended, wanted, bought):
    """Новые — к числу новых в списке."""
    repeats, hit = _parts(recommended, wanted, bought)
    new = (~np.isin(recommended, bought)).sum()
    second = (hit & ~repeats).sum() / new if (~repeats).any() and new else np.nan
    return [hit[repeats].mean() if repeats.any() else np.nan, second]
