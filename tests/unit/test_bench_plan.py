"""A plan keeps to its shares, its order and its times."""

import numpy as np
import pytest

from api.bench.options import Shares
from api.bench.plan import draw

FAULTS = Shares(bad=0.01, duplicates=0.05, reorder=0.05)


def plan(good=6400, shares=FAULTS, **parts):
    return draw(good, shares, **({"devices": 64, "per_message": 3, "seconds": 4.0, "seed": 7} | parts))


def test_without_faults_every_envelope_is_sent_once_in_order():
    drawn = plan(shares=Shares())
    assert drawn.envelopes.tolist() == list(range(6400))
    assert (drawn.bad, drawn.duplicates) == (0, 0)


def test_the_shares_are_of_good_envelopes_and_come_on_top():
    drawn = plan()
    good = drawn.envelopes[drawn.envelopes >= 0]
    numbers, times = np.unique(good, return_counts=True)
    assert numbers.tolist() == list(range(6400))
    assert (times == 2).sum() == drawn.duplicates == 320
    assert sorted(~drawn.envelopes[drawn.envelopes < 0]) == list(range(64))


def test_a_displaced_envelope_is_overtaken_by_a_later_one_of_its_device():
    drawn = plan(shares=Shares(reorder=0.05))
    overtaken = []
    for device in range(64):
        of_device = drawn.envelopes[drawn.envelopes % 64 == device]
        passed_by = [int((of_device[:place] > number).sum()) for place, number in enumerate(of_device)]
        overtaken += [count for count in passed_by if count]
    assert 305 <= len(overtaken) <= 320, "5 % of 6400; nothing is left to overtake the very last ones"
    assert max(overtaken) <= 4
    assert sorted(drawn.envelopes) == list(range(6400))


def test_a_duplicate_follows_its_original_after_a_while():
    drawn = plan(shares=Shares(duplicates=0.2), per_message=1)
    due_ns = drawn.due_ns()
    distances = []
    for number in np.unique(drawn.envelopes):
        places = np.flatnonzero(drawn.envelopes == number)
        if len(places) == 2:
            distances.append((due_ns[places[1]] - due_ns[places[0]]) / 1e9)
    assert len(distances) == 1280
    assert np.median(distances) == pytest.approx(0.6, abs=0.1)
    assert max(distances) < 1.1


def test_messages_are_due_evenly_over_the_whole_run_whatever_the_faults():
    for shares in (Shares(), FAULTS):
        drawn = plan(shares=shares)
        due_ns = drawn.due_ns()
        assert len(due_ns) == drawn.messages == -(-len(drawn.envelopes) // 3)
        assert due_ns[0] == 0
        assert np.ptp(np.diff(due_ns)) <= 1
        assert due_ns[-1] < 4e9 <= due_ns[-1] + np.diff(due_ns).max() + 1


def test_messages_together_hold_all_sendings():
    drawn = plan(good=100)
    assert np.concatenate([drawn.of_message(n) for n in range(drawn.messages)]).tolist() == drawn.envelopes.tolist()


def test_the_same_seed_gives_the_same_plan_and_another_one_another():
    assert plan().envelopes.tolist() == plan().envelopes.tolist()
    assert plan().envelopes.tolist() != plan(seed=8).envelopes.tolist()
