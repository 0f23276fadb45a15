"""Сверка с числами статей: правило разбиения TOIS 2021 и суд над опубликованным числом."""

import json

import numpy as np
import scipy.sparse as sp

from benchmarks import papers
from benchmarks.five_star import split
from benchmarks.papers import Figure
from recsys_lessons.models import SLIM


def test_split_keeps_the_rule_of_the_paper_code():
    """В обучение — 0,8·n до ближайшего целого; при n > 1 в тестовой хотя бы один объект."""
    lengths = [1, 2, 3, 4, 5, 7, 8, 10]
    X = sp.csr_array((np.arange(12) < np.array(lengths)[:, None]).astype(float))
    train, test = split(X, seed=0)
    assert np.diff(test.indptr).tolist() == [0, 1, 1, 1, 1, 1, 2, 2]
    assert (train + test != X).nnz == 0
    assert train.multiply(test).nnz == 0


def test_split_is_random_and_repeatable():
    X = sp.csr_array(np.ones((5, 40)))
    first, again, other = (split(X, seed)[1] for seed in (1, 1, 2))
    assert (first != again).nnz == 0
    assert (first != other).nnz > 0


def test_a_published_number_is_judged_as_one_more_split():
    """Разброс 0,01 по четырём разбиениям: двум разбросам разности отвечает 0,0224."""
    ours = 0.3 + 0.01 * np.array([1, -1, 1, -1]) * np.sqrt(3) / 2
    near, far = (Figure("", "", "", published, ours) for published in (0.3223, 0.2776))
    assert near.agrees and not far.agrees
    assert abs(near.distance - 0.0223 / 0.01 / np.sqrt(1.25)) < 1e-9
    assert "ВНЕ разброса" in str(far) and "в пределах разброса" in str(near)


def test_every_published_number_of_a_file_is_compared(tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    pairs = np.argwhere(rng.random((60, 30)) < 0.3)
    path = tmp_path / "five_star.csv"
    path.write_text("user,item\n" + "\n".join(f"{u},{i}" for u, i in pairs), encoding="utf-8")
    baskets = {
        str(u): [rng.choice(40, 4, replace=False).tolist() for _ in range(4)] for u in range(40)
    }
    (tmp_path / "tafeng.json").write_text(json.dumps(baskets), encoding="utf-8")
    files = ["--five-star", str(path), "--tafeng", str(tmp_path / "tafeng.json")]
    monkeypatch.setattr(papers, "PATH", tmp_path / "papers.json")
    assert papers.main([*files, "--splits", "2", "--causes", "1", "--write"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == papers.TOIS and papers.SIGIR in lines
    assert len([line for line in lines if "в статье" in line]) == 5 + 4 + 6
    written = json.loads(papers.PATH.read_text(encoding="utf-8"))
    assert len(written["figures"]) == 15 and len(written["slim_causes"]) == 5
    assert [len(figure["ours"]) for figure in written["figures"]] == [2] * 9 + [5] * 6
    assert papers.main(["--tafeng", str(tmp_path / "nothing.json")]) == 2


def test_the_solver_of_the_paper_minimizes_the_same_function():
    """scikit-learn и урок 05 при точной сходимости дают одни веса; отсечение оставляет большие."""
    X = sp.csr_array((np.random.default_rng(0).random((60, 12)) < 0.4).astype(float))
    alpha, share = 0.05, 0.2
    theirs, failed = papers.by_sklearn(X, alpha, share)
    ours = SLIM(l1=60 * alpha * share, l2=60 * alpha * (1 - share), tol=1e-9, max_iter=1000)
    weights = ours.fit(X).B_
    assert failed == 0
    assert abs(theirs - weights).max() < 1e-3
    kept = papers.largest(weights, 3).toarray()
    dense = weights.toarray()
    assert ((kept > 0).sum(axis=0) == np.minimum((dense > 0).sum(axis=0), 3)).all()
    assert np.array_equal(np.sort(dense, axis=0)[-3:], np.sort(kept, axis=0)[-3:])
