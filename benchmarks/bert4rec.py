"""Эпоха BERT4Rec: баллы только закрытых мест рядом с баллами всех мест той же сети.

Запуск: python -m benchmarks.bert4rec [--items 3420]. Размер каталога по умолчанию — как в статье на
MovieLens-1M. Обе эпохи идут в одном процессе, вперемежку, на одинаковых окнах; смысл имеет только
отношение.
"""

import argparse
from collections.abc import Callable

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


def epoch(loss: Callable[..., torch.Tensor], n_items: int, dtype: torch.dtype) -> Action:
    """Одна эпоха с потерей ``loss``; сеть и истории у всех одни и те же."""
    rng = np.random.default_rng(0)
    histories = [rng.integers(0, n_items, MAX_LEN) for _ in range(N_HISTORIES)]
    torch.manual_seed(0)
    net = lesson.SequenceEncoder(n_items, MAX_LEN, 64, 2, 2, 0.1).to(dtype)
    optimizer = torch.optim.AdamW(net.parameters())
    how = {"batch_size": 64, "max_len": MAX_LEN, "mask_prob": 0.2, "last_prob": 0.1}

    def run() -> None:
        lesson.cloze_loss, ours = loss, lesson.cloze_loss
        try:
            lesson.run_epoch(
                net, optimizer, histories, np.random.default_rng(1), windows="random", **how
            )
        finally:
            lesson.cloze_loss = ours

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=3420, help="размер каталога")
    options = parser.parse_args()
    torch.set_num_threads(2)
    for dtype in (torch.float32, torch.float64):
        print(f"{dtype}: каталог {options.items}, окон {N_HISTORIES} по {MAX_LEN} мест")
        compare_times(
            {
                "закрытые места": epoch(lesson.cloze_loss, options.items, dtype),
                "все места": epoch(loss_everywhere, options.items, dtype),
            },
            base="закрытые места",
        )


if __name__ == "__main__":
    main()
