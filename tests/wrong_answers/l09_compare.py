"""Неверные решения заданий урока 09, каких можно ждать от студента."""

import numpy as np


def _gains(first, second):
    return (first - second)[~np.isnan(first)]


def paired__second_minus_first(first, second):
    gains = _gains(second, first)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


def paired__nan_is_left(first, second):
    gains = first - second
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


def paired__nan_is_zero(first, second):
    gains = np.nan_to_num(first - second)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


def paired__counts_everyone(first, second):
    gains = _gains(first, second)
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(first))


def paired__deviation_with_n(first, second):
    gains = _gains(first, second)
    return gains.mean(), gains.std() / np.sqrt(len(gains))


def paired__deviation_not_error(first, second):
    gains = _gains(first, second)
    return gains.mean(), gains.std(ddof=1)


def paired__divided_by_n(first, second):
    gains = _gains(first, second)
    return gains.mean(), gains.std(ddof=1) / len(gains)


def paired__variance(first, second):
    gains = _gains(first, second)
    return gains.mean(), gains.var(ddof=1) / len(gains)


def paired__as_if_independent(first, second):
    a, b = first[~np.isnan(first)], second[~np.isnan(second)]
    return (a - b).mean(), np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))


def paired__absolute(first, second):
    gains = np.abs(_gains(first, second))
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


def _front(rivals, beats):
    return [n for n, mine in rivals.items() if not any(beats(r, mine) for r in rivals.values())]


def front__strictly_in_both(rivals):
    return _front(rivals, lambda r, m: r[0] > m[0] and r[1] > m[1])


def front__not_less_in_both(rivals):
    return [
        name
        for name, mine in rivals.items()
        if not any(
            r[0] >= mine[0] and r[1] >= mine[1] for other, r in rivals.items() if other != name
        )
    ]


def front__more_in_one(rivals):
    return _front(rivals, lambda r, m: r[0] > m[0] or r[1] > m[1])


def front__by_accuracy(rivals):
    return _front(rivals, lambda r, m: r[0] > m[0])


def front__by_novelty(rivals):
    return _front(rivals, lambda r, m: r[1] > m[1])


def front__by_sum(rivals):
    return _front(rivals, lambda r, m: sum(r) > sum(m))


def front__sorted_by_name(rivals):
    return sorted(
        _front(rivals, lambda r, m: r[0] >= m[0] and r[1] >= m[1] and tuple(r) != tuple(m))
    )


def front__only_two_best(rivals):
    best = {max(rivals, key=lambda name: rivals[name][place]) for place in (0, 1)}
    return [name for name in rivals if name in best]


def front__the_beaten(rivals):
    return [
        n
        for n, m in rivals.items()
        if any(r[0] >= m[0] and r[1] >= m[1] and tuple(r) != tuple(m) for r in rivals.values())
    ]
