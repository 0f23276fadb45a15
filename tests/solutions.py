"""Решения заданий «Попробуйте сами». Имя функции — как в заготовке урока."""

import numpy as np


# 04_ease
def column_weights(G, j, l2):
    inverse = np.linalg.inv(G + l2 * np.eye(len(G)))
    column = -inverse[:, j] / inverse[j, j]
    column[j] = 0
    return column


def repair(B_mistaken, G, l2):
    column = np.linalg.solve(G + l2 * np.eye(len(G)), np.eye(len(G)))
    return B_mistaken / (l2 * column.diagonal())
