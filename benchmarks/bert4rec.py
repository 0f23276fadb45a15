"""Эпоха BERT4Rec: баллы только закрытых мест рядом с баллами всех мест той же сети.

Запуск: python -m benchmarks.bert4rec [--items 3420]. Размер каталога по умолчанию — как в статье на
MovieLens-1M. Обе эпохи идут в одном процессе, вперемежку, на одинаковых окнах; смысл имеет только
отношение.
"""

import argparse
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import recsys_lessons.models.bert4rec as lesson
import torch
import torch.nn.functional as F

from benchmarks.common import Action, compare_times

N_HISTORIES = 128
MAX_LEN = 50


def loss_everywhere(
    net: lesson.SequenceEncoder, inputs: torch.Tensor, answers: torch.Tensor
) -> torch.Tensor:
    """Та же потеря, но баллы посчитаны на всех местах, а лишние отброшены после."""
    logits = net.logits(net(inputs)).flatten(0, 1)
    return F.cross_entropy(logits, answers.flatten(), ignore_index=-1)


def epoch(loss: Callable[..., torch.Tensor], n_items: int, dtype: type) -> Action:
    """Одна эпоха с потерей ``loss``; сеть и истории у всех одни и те же."""
    rng = np.random.default_rng(0)
    histories = [rng.integers(0, n_items, MAX_LEN) for _ in range(N_HISTORIES)]
    model = lesson.BERT4Rec(max_len=MAX_LEN, dtype=dtype)
    model.net_ = model._network(n_items)
    optimizer = torch.optim.AdamW(model.net_.parameters())

    def run() -> None:
        with patch.object(lesson, "cloze_loss", loss):
            model.train_epoch(histories, optimizer, np.random.default_rng(1))

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=3420, help="размер каталога")
    options = parser.parse_args()
    torch.set_num_threads(2)
    for dtype in (np.float32, np.float64):
        print(f"{dtype.__name__}: каталог {options.items}, окон {N_HISTORIES} по {MAX_LEN} мест")
        compare_times(
            {
                "закрытые места": epoch(lesson.cloze_loss, options.items, dtype),
                "все места": epoch(loss_everywhere, options.items, dtype),
            },
            base="закрытые места",
        )


if __name__ == "__main__":
    main()
