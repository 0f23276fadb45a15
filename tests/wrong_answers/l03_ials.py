"""Неверные решения заданий урока 03, каких можно ждать от студента."""

import numpy as np


def _solved(Q, history, extra, right=None):
    """Система с матрицей «история плюс ``extra``»."""
    V = Q[history]
    return np.linalg.solve(V.T @ V + extra, V.sum(axis=0) if right is None else right)


def user_vector__no_penalty(Q, history, penalty, alpha0):
    return _solved(Q, history, alpha0 * Q.T @ Q)


def user_vector__empty_cells_forgotten(Q, history, penalty, alpha0):
    return _solved(Q, history, penalty * np.eye(Q.shape[1]))


def user_vector__history_weighs_only_alpha0(Q, history, penalty, alpha0):
    left = alpha0 * Q.T @ Q + penalty * np.eye(Q.shape[1])
    return np.linalg.solve(left, Q[history].sum(axis=0))


def user_vector__alpha0_of_the_empty_only(Q, history, penalty, alpha0):
    rest = np.delete(Q, history, axis=0)
    return _solved(Q, history, alpha0 * rest.T @ rest + penalty * np.eye(Q.shape[1]))


def user_vector__alpha0_of_the_history_only(Q, history, penalty, alpha0):
    V = Q[history]
    return _solved(Q, history, alpha0 * V.T @ V + penalty * np.eye(Q.shape[1]))


def user_vector__alpha0_is_one(Q, history, penalty, alpha0):
    return _solved(Q, history, Q.T @ Q + penalty * np.eye(Q.shape[1]))


def user_vector__mean_on_the_right(Q, history, penalty, alpha0):
    extra = alpha0 * Q.T @ Q + penalty * np.eye(Q.shape[1])
    right = Q[history].mean(axis=0) if len(history) else np.zeros(Q.shape[1])
    return _solved(Q, history, extra, right)


def user_vector__mean_of_nothing(Q, history, penalty, alpha0):
    extra = alpha0 * Q.T @ Q + penalty * np.eye(Q.shape[1])
    p = _solved(Q, history, extra)
    return p if len(history) else p * np.nan


def user_vector__right_times_confidence(Q, history, penalty, alpha0):
    extra = alpha0 * Q.T @ Q + penalty * np.eye(Q.shape[1])
    return _solved(Q, history, extra, (1 + alpha0) * Q[history].sum(axis=0))


def user_vector__right_over_all_films(Q, history, penalty, alpha0):
    extra = alpha0 * Q.T @ Q + penalty * np.eye(Q.shape[1])
    return _solved(Q, history, extra, Q.sum(axis=0))


def user_vector__penalty_everywhere(Q, history, penalty, alpha0):
    return _solved(Q, history, alpha0 * Q.T @ Q + penalty)


def user_vector__penalty_by_activity(Q, history, penalty, alpha0):
    weight = len(history) + alpha0 * len(Q)
    return _solved(Q, history, alpha0 * Q.T @ Q + penalty * weight * np.eye(Q.shape[1]))


def user_vector__penalty_per_film(Q, history, penalty, alpha0):
    return _solved(Q, history, alpha0 * Q.T @ Q + len(history) * penalty * np.eye(Q.shape[1]))


def user_vector__confidence_of_hu(Q, history, penalty, alpha0):
    V = Q[history]
    left = Q.T @ Q + alpha0 * V.T @ V + penalty * np.eye(Q.shape[1])
    return np.linalg.solve(left, (1 + alpha0) * V.sum(axis=0))


def user_vector__scores_instead(Q, history, penalty, alpha0):
    return Q @ _solved(Q, history, alpha0 * Q.T @ Q + penalty * np.eye(Q.shape[1]))


def user_vector__sum_of_films(Q, history, penalty, alpha0):
    return Q[history].sum(axis=0)


def user_vector__length_one(Q, history, penalty, alpha0):
    p = _solved(Q, history, alpha0 * Q.T @ Q + penalty * np.eye(Q.shape[1]))
    return p / (np.linalg.norm(p) or 1)


def user_vector__rounded(Q, history, penalty, alpha0):
    return _solved(Q, history, alpha0 * Q.T @ Q + penalty * np.eye(Q.shape[1])).round(3)


def from_implicit__nothing_translated(alpha, regularization):
    return alpha, regularization


def from_implicit__inverse_of_alpha(alpha, regularization):
    alpha0 = 1 / alpha
    return alpha0, regularization * alpha0 / (1 + alpha0)


def from_implicit__alpha_of_hu(alpha, regularization):
    alpha0 = 1 / (alpha + 1)
    return alpha0, regularization * alpha0 / (1 + alpha0)


def from_implicit__unit_taken_off(alpha, regularization):
    alpha0 = alpha - 1
    return alpha0, regularization * alpha0 / (1 + alpha0)


def from_implicit__penalty_as_it_was(alpha, regularization):
    return 1 / (alpha - 1), regularization


def from_implicit__penalty_the_other_way(alpha, regularization):
    alpha0 = 1 / (alpha - 1)
    return alpha0, regularization * (1 + alpha0) / alpha0


def from_implicit__penalty_times_alpha0(alpha, regularization):
    alpha0 = 1 / (alpha - 1)
    return alpha0, regularization * alpha0


def from_implicit__penalty_by_one_plus_alpha0(alpha, regularization):
    alpha0 = 1 / (alpha - 1)
    return alpha0, regularization / (1 + alpha0)


def from_implicit__penalty_with_alpha_itself(alpha, regularization):
    return 1 / (alpha - 1), regularization * alpha / (1 + alpha)


def from_implicit__penalty_by_the_root(alpha, regularization):
    alpha0 = 1 / (alpha - 1)
    return alpha0, regularization * np.sqrt(alpha0 / (1 + alpha0))


def from_implicit__whole_division(alpha, regularization):
    alpha0 = 1 // (alpha - 1)
    return alpha0, regularization / alpha


def from_implicit__pair_swapped(alpha, regularization):
    return regularization / alpha, 1 / (alpha - 1)


def from_implicit__rounded(alpha, regularization):
    return round(1 / (alpha - 1), 2), round(regularization / alpha, 2)
