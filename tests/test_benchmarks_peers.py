"""python -m benchmarks: одинаковые ли задачи у участников и верно ли сведены времена."""

import numpy as np
import pytest

from benchmarks import __main__ as program
from benchmarks import peers
from benchmarks.common import planted
from benchmarks.peers import OURS, Entry


@pytest.fixture(scope="module")
def data():
    return planted(300, 120, 4_000)


def scores_of(name, train):
    """Баллы участников с чужими библиотеками и урока той же точности и оговорки."""
    users = np.arange(train.shape[0])
    entries = peers.CONTESTS[name]
    for peer in entries:
        if peer.library == OURS or not peer.installed:
            continue
        own = [e for e in entries if e.library == OURS and e.note in (peer.note, "")]
        own += [e for e in entries if e.library == OURS and e.note.startswith("один поток")]
        (ours,) = [e for e in own if e.precision == peer.precision][:1]
        yield peer, ours.run(train)(users), peer.run(train)(users)


@pytest.mark.parametrize("name", ["EASE", "SLIM"])
def test_peers_solve_the_same_problem(data, name):
    train, _ = data
    found = list(scores_of(name, train))
    assert "irspack" in [peer.library for peer, *_ in found]
    for peer, ours, theirs in found:
        assert np.abs(ours - theirs).max() < 5e-3 * np.abs(ours).max(), peer.title


def test_neighbours_are_cut_by_source_or_by_target_as_in_the_lesson(data):
    """Кроме равных сходств на границе: из них библиотеки берут любые."""
    train, _ = data
    found = list(scores_of("Item-KNN", train))
    assert {"implicit", "irspack"} <= {peer.library for peer, *_ in found}
    for peer, ours, theirs in found:
        assert np.median(np.abs(ours - theirs)) < 1e-6, peer.title


@pytest.mark.parametrize("name", ["iALS, точно", "iALS, сопряжённые градиенты"])
def test_penalties_of_ials_are_translated(data, name):
    """Старт у библиотек свой, но после 15 проходов баллы близки, а с чужим штрафом — нет."""
    train, _ = data
    pytest.importorskip("numba")
    for peer, ours, theirs in scores_of(name, train):
        scale = 1 + peers.ALPHA0 if peer.library == "implicit" else 1
        together = np.corrcoef(ours.ravel() * scale, theirs.ravel())[0, 1]
        ratio = np.abs(theirs).mean() / (scale * np.abs(ours).mean())
        assert together > 0.99 and abs(ratio - 1) < 0.02, peer.title


def test_ratio_is_to_the_fastest_peer_and_to_its_precision():
    rows = [
        {"library": library, "precision": precision, "seconds": seconds}
        for library, precision, seconds in (
            (OURS, "float32", 3.0),
            (OURS, "float64", 6.0),
            ("a", "float64", 4.0),
            ("b", "float64", 2.0),
            ("c", "float32", 6.0),
        )
    ]
    program.against_peers(rows)
    assert [(row["same"], row["any"]) for row in rows[:2]] == [(0.5, 1.5), (3.0, 3.0)]
    assert "any" not in rows[2]


def test_rounds_go_in_turn_and_slow_ones_are_few(data, monkeypatch):
    now, calls = [0.0], []
    monkeypatch.setattr(program, "clock", lambda: now[0])

    def entry(name, took):
        def fit(X):
            calls.append(name)
            now[0] += took
            return None

        return Entry(OURS, "float64", fit, name)

    rows = program.contest([entry("a", 0.25), entry("b", 0.5)], *data)
    assert calls == ["a", "b"] * 5
    assert [(row["seconds"], row["rounds"]) for row in rows] == [(0.25, 5), (0.5, 5)]
    assert program.contest([entry("c", 100.0)], *data)[0]["rounds"] == 1


def test_only_first_users_are_judged(data, monkeypatch):
    monkeypatch.setattr(program, "JUDGED", 100)
    kept = program.judged(data[1])
    assert kept[:100].nnz == data[1][:100].nnz == kept.nnz


def test_table_shows_the_ratio_of_the_previous_run():
    row = {"contest": "EASE", "size": "как MovieLens-100K", "library": OURS, "note": ""}
    row |= {"precision": "float32", "seconds": 1.0, "same": 0.5, "any": 2.0, "memory": None}
    row[program.METRIC] = 0.25
    text = program.markdown([row], [{**row, "any": 1.5}], "машина")
    assert "| EASE | урок, float32 | 1 | 0.50 (0.50) | 2.00 (1.50) |  | 0.2500 |" in text
    assert program.repeated([row], [{**row, "any": 1.6}]) == [1.25]
    assert program.repeated([row], []) == []
