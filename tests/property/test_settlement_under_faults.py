"""However readings are spoiled, no prefix of them attests more than was produced, and in the end nothing is lost.

The faults are those that real registers show: drops, zeros, stale values, rows replayed from the past and from the future, two
sources in turn, sentinels, doubles, losses, in any order of arrival. Of any nine consecutive readings that arrive, up to
three are false: that is what `metering.corroboration` is made for. More than that in a row, in agreement with each
other and within the power of the plant, cannot be told from the truth by anyone who has nothing else.
"""

import os
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.telemetry import Reading, Readings
from oracle.metering.collation import observe
from oracle.metering.meter import Baseline, Meter
from oracle.metering.settlement import Standing, settle_register

EXAMPLES = int(os.environ.get("HELIOGRAPH_EXAMPLES", "2000"))
NAMEPLATE_W = 8000
T0 = 1_750_000_000_000
FIRST_WH = 5000
METER = Meter("met-1", NAMEPLATE_W, baseline=Baseline(FIRST_WH, T0))
A_DAY_MS = 86_400_000
"""A leap across a gap is believed a day later."""
WINDOW, FALSE_OF_WINDOW = 9, 3
SENTINELS = (2**31 - 1, 2**32 - 1, 2**63 - 1)


@st.composite
def true_registers(draw):
    """(time, register) of a plant that keeps to its nameplate; some steps, as by night, are without energy."""
    steps = draw(
        st.lists(
            st.tuples(st.sampled_from([60, 300, 300, 300, 900, 3600, 43_200]), st.just(0) | st.integers(0, 1000)),
            min_size=6,
            max_size=45,
        )
    )
    time_ms, register_wh = T0, draw(st.sampled_from([FIRST_WH, FIRST_WH + 1]))
    truth = []
    for seconds, load_permille in steps:
        time_ms += seconds * 1000
        register_wh += NAMEPLATE_W * seconds * load_permille // 1000 // 3600
        truth.append((time_ms, register_wh))
    return truth


@st.composite
def spoiled(draw):
    """A true series, and what arrives of it: [(reading, whether it is false)] in the order of time."""
    truth = draw(true_registers())
    lost = draw(st.sets(st.integers(0, len(truth) - 1), max_size=len(truth) // 3))
    places = [place for place in range(len(truth)) if place not in lost]
    wanted = draw(st.lists(st.booleans() | st.just(value=True), min_size=len(places), max_size=len(places)))
    frozen = draw(st.sampled_from(truth))[1]
    ahead = draw(st.integers(1, 12))
    arrived: list[tuple[Reading, bool]] = []
    for place, spoil in zip(places, wanted, strict=True):
        time_ms, true_wh = truth[place]
        recent = [false for _, false in arrived[-WINDOW + 1 :]]
        if not spoil or sum(recent) >= FALSE_OF_WINDOW:
            arrived.append((Reading(time_ms, true_wh), False))
            continue
        false_wh = draw(
            st.sampled_from(
                [
                    0,
                    max(true_wh - draw(st.integers(1, 4000)), 0),
                    truth[max(place - 1, 0)][1],
                    truth[draw(st.integers(0, place))][1],
                    truth[draw(st.integers(place, len(truth) - 1))][1],
                    truth[min(place + ahead, len(truth) - 1)][1],
                    true_wh + draw(st.integers(1, 700)),
                    frozen,
                    draw(st.sampled_from(SENTINELS)),
                    None,
                ]
            )
        )
        arrived.append((Reading(time_ms, false_wh), true_wh != false_wh))
    return truth, arrived


def settle(rows, cutoff_ms):
    return settle_register(METER, observe(Readings.of(rows)), cutoff_ms)


def true_at(truth, instant_ms):
    return max((wh for time_ms, wh in truth if time_ms <= instant_ms), default=FIRST_WH)


@settings(max_examples=EXAMPLES, deadline=None)
@given(spoiled(), st.data())
def test_no_prefix_attests_more_than_was_produced_and_all_of_it_in_the_end(case, draw):
    truth, arrived = case
    rows = [reading for reading, _ in arrived]
    rows += draw.draw(st.lists(st.sampled_from(rows), max_size=4)) if rows else []
    rows = draw.draw(st.permutations(rows))
    for cutoff_ms, true_wh in truth:
        attested_wh = settle(rows, cutoff_ms).total_wh(Standing.ATTESTED)
        assert attested_wh <= true_wh - FIRST_WH, f"at {cutoff_ms - T0} ms"
    last_ms, last_wh = truth[-1]
    # Faults end, and what is true is read until it outnumbers every false reading.
    after = [Reading(last_ms + 300_000 * (n + 1), last_wh + 100 * (n + 1)) for n in range(len(arrived) + 8)]
    still = [Reading(after[-1].time_ms + A_DAY_MS + 300_000 * n, after[-1].export_wh) for n in range(4)]
    settled = settle([*rows, *after, *still], still[-1].time_ms)
    assert settled.total_wh(Standing.ATTESTED) == after[-1].export_wh - FIRST_WH
    assert settled.total_wh(Standing.WITHHELD) == settled.total_wh(Standing.DISPUTED) == 0


@settings(deadline=None)
@given(spoiled())
def test_what_arrives_is_false_in_no_more_than_three_of_nine_readings(case):
    """The generator keeps the assumption that the first test states."""
    _, arrived = case
    false = [spoilt for _, spoilt in arrived]
    assert all(sum(false[place : place + WINDOW]) <= FALSE_OF_WINDOW for place in range(len(false)))
    assert all(one[0].time_ms < other[0].time_ms for one, other in pairwise(arrived))
