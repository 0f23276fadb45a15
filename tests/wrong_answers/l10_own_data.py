"""Неверные решения заданий урока 10, каких можно ждать от студента."""

import math

import numpy as np


def kept_pairs__positive_rows(table):
    rows = table[table["count"] > 0]
    return set(zip(rows["user"], rows["item"], strict=True))


def kept_pairs__returns_are_purchases(table):
    rows = table[table["count"] != 0]
    return set(zip(rows["user"], rows["item"], strict=True))


def kept_pairs__every_pair(table):
    return set(zip(table["user"], table["item"], strict=True))


def kept_pairs__zero_is_kept(table):
    total = table.groupby(["user", "item"])["count"].sum()
    return set(total[total >= 0].index)


def kept_pairs__last_row_decides(table):
    last = table.groupby(["user", "item"])["count"].last()
    return set(last[last > 0].index)


def kept_pairs__any_return_cancels(table):
    least = table.groupby(["user", "item"])["count"].min()
    return set(least[least > 0].index)


def kept_pairs__by_item(table):
    total = table.groupby("item")["count"].transform("sum")
    rows = table[total > 0]
    return set(zip(rows["user"], rows["item"], strict=True))


def kept_pairs__swapped(table):
    total = table.groupby(["item", "user"])["count"].sum()
    return set(total[total > 0].index)


def kept_pairs__items_only(table):
    total = table.groupby(["user", "item"])["count"].sum()
    return {item for _, item in total[total > 0].index}


def people_needed__one_model(sd, delta):
    return math.ceil((1.96 * sd / delta) ** 2)


def people_needed__no_square(sd, delta):
    return math.ceil(2 * 1.96 * sd / delta)


def people_needed__root_of_two_squared_twice(sd, delta):
    return math.ceil(4 * (1.96 * sd / delta) ** 2)


def people_needed__rounded_down(sd, delta):
    return int(2 * (1.96 * sd / delta) ** 2)


def people_needed__not_rounded(sd, delta):
    return 2 * (1.96 * sd / delta) ** 2


def people_needed__one_sigma(sd, delta):
    return math.ceil(2 * (sd / delta) ** 2)


def people_needed__upside_down(sd, delta):
    return math.ceil(2 * (1.96 * delta / sd) ** 2)


def people_needed__one_sided(sd, delta):
    return math.ceil(2 * (1.645 * sd / delta) ** 2)


def people_needed__variance(sd, delta):
    return math.ceil(2 * 1.96**2 * sd / delta**2)


def people_needed__root(sd, delta):
    return math.ceil(np.sqrt(2) * 1.96 * sd / delta)
