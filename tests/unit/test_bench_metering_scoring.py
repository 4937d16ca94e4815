"""What counts as attested too much, withheld and flagged: verdicts written by hand against a plant of 100 Wh an hour."""

from dataclasses import replace

import numpy as np
import pytest

from api.bench.metering.case_score import CaseScore, score_case
from api.bench.metering.corpus.cases import Case
from api.bench.metering.corpus.catalogue import BY_NAME
from api.bench.metering.corpus.span import Span
from api.bench.metering.corpus.truth import MS_PER_DAY, W_MS_PER_WH, Place, Production, Record, Unit
from api.bench.metering.figures import gather
from api.bench.metering.scoring import (
    Flagged,
    attested_of_day_wh,
    day_wh,
    excess_wh,
    flagged,
    lost_spans,
    still_withheld_wh,
    unattested_wh,
)
from api.bench.metering.verdict import Verdict

HOUR_MS = 3_600_000
UNIT = Unit("m", "inverter", 1000, 5000, Production(np.arange(101) * HOUR_MS, np.arange(101) * 100 * W_MS_PER_WH))


def record_of(registers, *, untrue=(), faulty=None, mirror=None, first_hour=0):
    hours = np.arange(first_hour, first_hour + len(registers))
    false = np.isin(np.arange(len(registers)), untrue)
    told = false if faulty is None else np.isin(np.arange(len(registers)), faulty)
    other = None if mirror is None else np.isin(np.arange(len(registers)), mirror)
    times = hours * HOUR_MS
    return Record(times, times, np.array(registers), np.ones(len(registers), dtype=np.bool_), false, told, mirror=other)


def verdict_of(levels, *, attested=None, withheld=None, doubted=(), hours=None, rejected=(), first_wh=None):
    """A verdict whose chain stands at `levels` at full hours; attested is all of it unless said."""
    times = np.array(range(len(levels)) if hours is None else hours) * HOUR_MS
    energy_wh = np.diff(np.array(levels))
    return Verdict(
        times[:-1],
        times[1:],
        energy_wh,
        energy_wh if attested is None else np.array(attested),
        np.zeros(len(energy_wh), dtype=np.int64) if withheld is None else np.array(withheld),
        np.isin(np.arange(len(energy_wh)), doubted),
        int(times[0]),
        levels[0] if first_wh is None else first_wh,
        frozenset(rejected),
        {},
    )


TRUE = [5000, 5100, 5200, 5300, 5400]


# Wrongly attested -------------------------------------------------------------------------------------------------------


def over(verdict, unit=UNIT, *, record=None, cutoff=4):
    return excess_wh(unit, record or record_of(TRUE), verdict, cutoff * HOUR_MS)


def test_the_truth_is_no_excess():
    assert over(verdict_of(TRUE)) == 0
    assert over(verdict_of([5000])) == 0
    assert over(replace(verdict_of([5000]), first_ms=None, first_wh=None)) == 0


def test_what_rose_above_the_truth_and_is_attested_is_excess():
    assert over(verdict_of([5000, 5100, 5250, 5350, 5450])) == 50


def test_what_is_not_attested_is_no_excess_and_makes_up_for_none():
    disputed = verdict_of([5000, 5100, 5250, 5350, 5450], attested=[100, 0, 100, 100], doubted=[1])
    assert over(disputed) == 0
    masked = verdict_of([5000, 5100, 5250, 5350, 5450], attested=[0, 150, 100, 100], doubted=[0])
    assert over(masked) == 50, "the disputed first hour does not make up for the second"


def test_a_register_that_lags_and_catches_up_gains_nothing():
    assert over(verdict_of([5000, 5000, 5000, 5300, 5400])) == 0
    assert over(verdict_of([5000, 5000, 5000, 5350, 5450])) == 50


def test_what_is_attested_minutes_too_early_is_held_against_the_cutoff():
    early = verdict_of([5000, 5100, 5250], hours=[0, 1, 2])
    assert over(early, cutoff=2) == 50
    assert over(early, cutoff=4) == 0


def test_a_false_first_register_is_not_counted_from():
    assert over(verdict_of([0, 5100, 5200]), cutoff=2) == 5000
    assert over(verdict_of([9000, 9100, 9200]), cutoff=2) == 0
    assert over(verdict_of([9000, 9100, 9300]), cutoff=2) == 100


def test_a_meter_is_counted_from_what_it_shows():
    coarse = replace(UNIT, resolution_wh=1000)
    assert over(verdict_of([5000, 6000], hours=[5, 14]), coarse, cutoff=14) == 0
    assert over(verdict_of([5000, 8000], hours=[5, 15]), coarse, cutoff=15) == 8000 - 6500 - 999
    wraps = replace(UNIT, modulus_wh=1000)
    assert over(verdict_of([0, 100, 200]), wraps) == 0


def test_a_share_is_held_against_its_days():
    fair = verdict_of([5000, 5200, 5400], attested=[90, 110])
    assert over(fair, cutoff=2) == 0
    assert over(replace(fair, attested_wh=np.array([100, 130])), cutoff=2) == 30
    apart = verdict_of([5000, 5200, 5400], attested=[0, 0], hours=[0, 1, 2])
    assert over(apart) == 0


def test_a_clock_that_is_behind_shows_what_was_made_when_it_was_read():
    record = record_of([5000, 5100, 5500, 5600])
    record = replace(record, known_ms=np.array([0, 1, 5, 6]) * HOUR_MS)
    assert over(verdict_of([5000, 5100, 5500, 5600]), record=record, cutoff=6) == 0
    assert over(verdict_of([5000, 5100, 5500, 5600]), cutoff=3) == 300


def test_the_true_energy_is_that_of_the_local_day():
    case = Case("", 0, "", Place("", None, None, -60), 0, 4 * MS_PER_DAY, None, (UNIT,), (record_of(TRUE),))
    assert day_wh(case, UNIT, 26 * HOUR_MS) == 2400
    assert day_wh(case, UNIT, 98 * HOUR_MS) == 300, "the plant ends at hour 100, the day began at 97"


# Withheld ---------------------------------------------------------------------------------------------------------------


def test_what_was_made_and_is_not_attested_is_withheld():
    assert unattested_wh(UNIT, verdict_of(TRUE), 4 * HOUR_MS, []) == (0, 400)
    held = verdict_of(TRUE, attested=[100, 0, 100, 100], withheld=[0, 100, 0, 0])
    assert unattested_wh(UNIT, held, 4 * HOUR_MS, []) == (98, 400), "two of the register's steps are let pass"
    assert still_withheld_wh(held, 4 * HOUR_MS) == 100
    assert still_withheld_wh(held, HOUR_MS) == 0


def test_nothing_corroborated_is_all_withheld():
    nothing = replace(verdict_of([5000]), first_ms=None, first_wh=None)
    assert unattested_wh(UNIT, nothing, 4 * HOUR_MS, []) == (400, 400)


def test_energy_that_the_register_did_not_tell_is_not_missed():
    lost = lost_spans(record_of([5000, 5100, 9200, 9300, 5400], untrue=[2, 3]), verdict_of(TRUE))
    assert lost == [(HOUR_MS, 4 * HOUR_MS)]
    assert unattested_wh(
        UNIT, verdict_of([5000, 5100, 5400], hours=[0, 1, 4], attested=[100, 0]), 4 * HOUR_MS, lost
    ) == (0, 400)
    short = verdict_of([5000, 5100, 5400], hours=[0, 1, 4], attested=[0, 300])
    assert unattested_wh(UNIT, short, 4 * HOUR_MS, lost) == (98, 400), (
        "what is attested of the lost time makes up for nothing"
    )


def test_energy_of_a_day_is_that_of_the_steps_that_begin_on_it():
    assert attested_of_day_wh(verdict_of(TRUE), HOUR_MS, 3 * HOUR_MS) == 200


# Flagged ----------------------------------------------------------------------------------------------------------------


def test_rejected_readings_and_those_of_doubted_steps_are_flagged():
    record = record_of([5000, 5100, 9000, 5300, 5400, 5500], untrue=[2])
    chain = verdict_of([5000, 5100, 5300, 5400, 5500], hours=[0, 1, 3, 4, 5], rejected=[(2 * HOUR_MS, 9000)])
    assert flagged(UNIT, record, chain) == Flagged(1, 1, 5, 0)
    assert flagged(UNIT, record, replace(chain, rejected=frozenset())) == Flagged(1, 0, 5, 0)
    doubted = replace(chain, rejected=frozenset(), doubted=np.array([False, True, False, False]))
    assert flagged(UNIT, record, doubted) == Flagged(1, 1, 5, 1)


def test_a_register_without_a_reading_is_neither_faulty_nor_sound():
    record = record_of([5000, 0, 5200], untrue=[1])
    absent = replace(record, present=np.array([True, False, True]))
    assert flagged(UNIT, absent, verdict_of([5000, 5200], hours=[0, 2])) == Flagged(0, 0, 2, 0)


def test_a_false_reading_that_nothing_tells_is_neither_to_be_found_nor_a_false_alarm():
    record = record_of([5000, 5050, 5200], untrue=[1], faulty=[])
    chain = verdict_of([5000, 5200], hours=[0, 2], rejected=[(HOUR_MS, 5050)])
    assert flagged(UNIT, record, chain) == Flagged(0, 0, 2, 0)


def test_either_side_of_a_move_may_be_left_out_or_some_of_both():
    fallen = record_of([5000, 5100, 5200, 4900, 5000, 5100, 5600], untrue=[3, 4, 5], mirror=[0, 1, 2])

    def missed(rejected):
        told = verdict_of([5000], rejected=[(at * HOUR_MS, int(fallen.register_wh[at])) for at in rejected])
        found = flagged(UNIT, fallen, told)
        assert (found.faulty, found.sound) == (3, 1)
        return found.faulty - found.faulty_flagged

    assert missed([3, 4, 5]) == 0
    assert missed([0, 1, 2]) == 0
    assert missed([1, 2, 3]) == 0, "what is left rises"
    assert missed([2, 3]) == 1, "5000 after 5100"
    assert missed([]) == 3


def test_ratios_of_nothing():
    assert Flagged().detected_ratio == 1.0
    assert Flagged().false_alarm_ratio == 0.0


# Cases and figures ------------------------------------------------------------------------------------------------------


def day_case(*, span=None, untrue=()):
    """Four days of hourly readings of a plant that never sleeps."""
    registers = 5000 + np.arange(97) * 100
    registers[list(untrue)] += 5000
    record = record_of(registers.tolist(), untrue=untrue)
    return Case("zeros", 1, "by hand", Place("", None, None, 0), 0, 4 * MS_PER_DAY, span, (UNIT,), (record,))


def trusting(case, cutoff_ms):
    """Add every positive step, as naive programs do."""
    (record,) = case.records
    known = record.time_ms <= cutoff_ms
    times, registers = record.time_ms[known], record.register_wh[known]
    rises = np.maximum(np.diff(registers), 0)
    levels = int(registers[0]) + np.concatenate(([0], np.cumsum(rises)))
    return {"m": verdict_of(levels.tolist(), hours=(times // HOUR_MS).tolist())}


def test_a_sound_case_is_attested_in_time():
    score = score_case(day_case(), trusting, keeps_energy=True)
    assert score.wrongly_attested_wh == 0
    assert score.attested_in_time_ratio == 1.0
    assert score.readings == Flagged(0, 0, 97, 0)
    assert score.found_after_days is None


def test_adding_every_positive_step_is_found_out():
    case = day_case(span=Span(30 * HOUR_MS, 40 * HOUR_MS), untrue=[33])
    score = score_case(case, trusting, keeps_energy=True)
    assert score.wrongly_attested_wh == 5100 - 200
    assert score.wrongly_attested_ratio == score.wrongly_attested_wh / 2400
    assert score.readings.detected_ratio == 0


def test_finding_is_dated_from_the_begin_of_the_fault():
    case = day_case(span=Span(30 * HOUR_MS, 40 * HOUR_MS), untrue=[33])

    def at_last(case, cutoff_ms):
        (verdict,) = trusting(case, cutoff_ms).values()
        if cutoff_ms < 3 * MS_PER_DAY:
            return {"m": verdict}
        return {"m": replace(verdict, rejected=frozenset([(33 * HOUR_MS, 5000 + 3300 + 5000)]))}

    assert score_case(case, at_last, keeps_energy=True).found_after_days == (72 - 30) / 24


def score_of(name, **parts):
    named = {
        "name": name, "seed": 1, "note": "n", "readings": Flagged(), "wrongly_attested_ratio": 0.0, "wrongly_attested_wh": 0,
        "wrongly_withheld_ratio": 0.0, "still_withheld_ratio": 0.0, "unattested_at_worst_ratio": 0.0,
        "attested_in_time_wh": 100, "produced_wh": 100, "found_after_days": 1.0,
    }  # fmt: skip
    return CaseScore(**(named | parts))


def test_figures_are_the_worst_over_seeds():
    figures = gather([
        score_of("zeros", readings=Flagged(100, 100, 900, 1), wrongly_withheld_ratio=0.2),
        score_of("zeros", seed=2, readings=Flagged(10, 9, 90, 0), wrongly_attested_ratio=0.0005),
        score_of("zeros", seed=2, readings=Flagged(10, 10, 90, 0)),
        score_of("meter", readings=Flagged(0, 0, 1000, 2)),
        score_of("meter", seed=2, readings=Flagged(0, 0, 1000, 0), attested_in_time_wh=98),
    ])  # fmt: skip
    told = figures.to_json()
    (zeros,) = told["faults"]
    assert zeros["name"] == "zeros"
    assert zeros["detected_ratio"] == 0.95
    assert zeros["detected_of_all_ratio"] == round(119 / 120, 6)
    assert zeros["wrongly_attested_ratio"] == 0.0005
    assert zeros["wrongly_withheld_ratio"] == 0.2
    assert zeros["worst_seeds"] == {"detected": 2, "wrongly_attested": 2, "wrongly_withheld": 1}
    assert told["clean_false_alarm_ratio"] == 0.002
    assert told["clean_attested_ratio"] == 0.98
    assert [goal.split(":")[0] for goal in told["misses"]] == ["sound meter"]


@pytest.mark.parametrize(
    ("name", "parts", "word"),
    [
        ("zeros", {"wrongly_attested_ratio": 0.0011}, "too much"),
        ("zeros", {"readings": Flagged(1000, 989, 0, 0)}, "flagged"),
        ("zeros", {"still_withheld_ratio": 0.002}, "still withheld"),
        ("drift_of_inverter", {"found_after_days": None}, "found after None"),
        ("drift_of_inverter", {"found_after_days": 30.5}, "found after 30.5"),
        ("meter", {"attested_in_time_wh": 96}, "attested a day later"),
        ("meter", {"readings": Flagged(0, 0, 1000, 1)}, "flagged"),
    ],
)
def test_a_goal_that_is_missed_is_said(name, parts, word):
    (said,) = gather([score_of(name, **parts)]).misses
    assert word in said
    assert "seed 1" in said


def test_a_goal_that_is_just_met_is_not_called_missed():
    scores = [
        score_of("zeros", wrongly_attested_ratio=0.001, readings=Flagged(1000, 990, 0, 0), still_withheld_ratio=0.001),
        score_of("drift_of_inverter", found_after_days=30.0, wrongly_attested_ratio=1.2),
        score_of("unsigned_restart", still_withheld_ratio=0.4),
        score_of("meter", attested_in_time_wh=97),
    ]
    assert gather(scores).misses == []
    assert {one.fault for one in gather(scores).faults} == {BY_NAME[s.name] for s in scores[:3]}
