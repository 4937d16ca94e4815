"""What a register settles to. The fault corpus is the list of faults that real PV registers show."""

import numpy as np
import pytest

from devices.telemetry import Column, Reading, Readings
from oracle.errors import ConfigError
from oracle.metering.collation import collate, observe
from oracle.metering.meter import Baseline, Meter
from oracle.metering.reasons import Reason
from oracle.metering.settlement import Standing, settle_register

T0 = 1_750_000_000_000
STEP = 300_000
END = T0 + 10**10
METER = Meter("met-1", 8000, confirmations=2)
ANCHORED = Meter("met-1", 8000, baseline=Baseline(1000, T0), confirmations=2)


def series(*registers, step=STEP):
    return [Reading(T0 + i * step, register) for i, register in enumerate(registers)]


def settle(rows, meter=METER, cutoff_ms=END):
    return settle_register(meter, observe(rows if isinstance(rows, Readings) else Readings.of(rows)), cutoff_ms)


def totals(settled):
    return tuple(settled.total_wh(standing) for standing in Standing)


def test_energy_is_the_register_difference_and_the_tail_waits_for_a_second_reading():
    assert totals(settle(series(1000, 1100, 1250, 1300))) == (250, 50, 0)
    assert totals(settle(series(1000, 1100, 1250, 1300, 1300))) == (300, 0, 0)


@pytest.mark.parametrize("meter", [METER, ANCHORED])
@pytest.mark.parametrize(
    ("registers", "reason"),
    [
        ((1000, 1100, 0, 1200, 1300, 1300), Reason.ZERO),
        ((1000, 1100, 1040, 1200, 1300, 1300), Reason.DECREASE),
        ((1000, 1100, 90_000, 1200, 1300, 1300), Reason.JUMP),
        ((1000, 1100, 4294967295, 1200, 1300, 1300), Reason.SENTINEL),
        ((1000, 1100, 2147483647, 1200, 1300, 1300), Reason.SENTINEL),
        ((1000, 1100, 2**63 - 1, 1200, 1300, 1300), Reason.SENTINEL),
        ((1000, 1100, None, 1200, 1300, 1300), Reason.ABSENT),
    ],
)
def test_a_single_fault_costs_one_reading_and_no_energy(meter, registers, reason):
    settled = settle(series(*registers), meter)
    assert totals(settled) == (300, 0, 0)
    assert settled.rejected == {reason: 1}


def test_a_register_that_alternates_with_a_stale_cache_counts_once():
    rows = series(*(register for i in range(20) for register in (1000 + 50 * i, 1000)), 1950, 1950)
    assert totals(settle(rows)) == (950, 0, 0)


def test_a_fall_of_all_that_follows_mints_nothing_until_it_has_climbed_back():
    fallen = series(*range(1000, 1600, 100), *range(1000, 1500, 100))
    assert sum(totals(settle(fallen, ANCHORED))) <= 500
    climbed = series(*range(1000, 1600, 100), *range(1000, 2600, 100), 2500)
    assert sum(totals(settle(climbed, ANCHORED))) == 1500


def test_a_gap_is_booked_whole_in_its_closing_step():
    rows = [Reading(T0, 1000), Reading(T0 + 9 * 86_400_000, 400_000), Reading(T0 + 9 * 86_400_000 + STEP, 400_000)]
    settled = settle(rows)
    assert settled.energy_wh.tolist() == [399_000, 0]


def test_a_reading_at_the_cutoff_counts_and_one_a_millisecond_later_waits():
    rows = series(1000, 1100, 1200, 1200)
    cutoff = T0 + 2 * STEP
    at = settle(rows, cutoff_ms=cutoff)
    assert at.last_time_ms == cutoff
    assert at.rejected == {Reason.FUTURE: 1}
    assert settle(rows, cutoff_ms=cutoff - 1).last_time_ms == T0 + STEP


@pytest.mark.parametrize("step_ms", [1, 2, 10, 1000])
def test_reading_often_does_not_let_a_register_rise_by_its_rounding_at_every_step(step_ms):
    rows = series(*range(1000, 3000, 3), step=step_ms)
    span_ms = rows[-1].time_ms - T0
    assert sum(totals(settle(rows))) <= METER.largest_power_w * span_ms // 3_600_000 + 2 * METER.tolerance_wh
    later = [Reading(T0 + 10**9 + row.time_ms - T0, row.export_wh) for row in rows]
    spent = settle(later, ANCHORED)
    steps = spent.energy_wh[spent.start_ms >= T0 + 10**9].sum()
    assert steps <= METER.largest_power_w * span_ms // 3_600_000 + 2 * METER.tolerance_wh


def test_an_honest_plant_at_its_limit_loses_no_reading_to_rounding():
    power_w = METER.largest_power_w
    times = T0 + np.cumsum(np.resize([1000, 5000, 60_000, 7, 900], 500))
    registers = 1000 + (times - T0) * power_w // 3_600_000
    settled = settle(Readings(times, Column.full(registers)))
    assert settled.rejected == {}
    assert sum(totals(settled)) == registers[-1] - registers[0]


@pytest.mark.parametrize(
    "meter", [Meter("m", 10**9, 2_000_000), Meter("m", 1), Meter("m", 10**9, baseline=Baseline(5, 0))]
)
def test_no_register_and_no_time_overflows(meter):
    largest = 2**63 - 1
    registers = [0, largest, 5, 2**53 - 1, 2**53, 2**62, 5, 6, 7, largest, 7]
    times = [0, 1, 2, 2**53 - 1, 2**53 - 2, 5, 2**52, 2**52 + 1, 2**53 - 3, 2**53 - 4, 2**53 - 1]
    rows = [Reading(t, r) for t, r in zip(times, registers, strict=True)]
    settled = settle(rows, meter, cutoff_ms=2**53)
    assert (settled.energy_wh >= 0).all()
    exact = 2**53 * meter.largest_power_w // 3_600_000 + 2 * meter.tolerance_wh
    assert sum(totals(settled)) <= exact
    assert settled.last_register_wh is None or settled.last_register_wh < 2**53


def test_a_signed_replacement_moves_the_baseline_and_the_move_mints_nothing():
    rows = [
        *series(1000, 1100, 1200),
        Reading(T0 + 3 * STEP, 5, event=("replace", 1250, 0)),
        Reading(T0 + 4 * STEP, 105),
        Reading(T0 + 5 * STEP, 105),
    ]
    for meter in (METER, ANCHORED):
        settled = settle(rows, meter)
        assert totals(settled) == (250 + 105, 0, 0)


@pytest.mark.parametrize("closing_wh", [0, 5, 900_000, 2**62, 2**63 - 1])
def test_a_signed_closing_register_is_held_against_the_baseline_like_any_reading(closing_wh):
    settled = settle([Reading(T0 + STEP, 0, event=("reset", closing_wh, 0))], ANCHORED)
    assert totals(settled) == (0, 0, 0)
    assert (settled.energy_wh >= 0).all()


@pytest.mark.parametrize("time_ms", [0, T0 - 1, T0])
def test_no_event_moves_the_baseline_that_was_confirmed_at_registration(time_ms):
    rows = [Reading(time_ms, 0, event=("reset", 0, 0)), Reading(T0 + STEP, 500), Reading(T0 + 2 * STEP, 500)]
    settled = settle(rows, ANCHORED)
    assert totals(settled) == (0, 0, 0)
    assert settled.last_register_wh == 1000
    assert settled.rejected[Reason.BEFORE_BASELINE] >= 1


@pytest.mark.parametrize("opening_wh", [2**53, 2**63 - 1])
def test_an_opening_register_that_no_meter_shows_moves_nothing(opening_wh):
    rows = [Reading(T0 + STEP, 1100, event=("reset", 1050, opening_wh)), Reading(T0 + 2 * STEP, 1100)]
    settled = settle(rows, ANCHORED)
    assert (totals(settled), settled.last_register_wh) == ((100, 0, 0), 1100)
    assert settled.rejected == {Reason.SENTINEL: 1}


def test_two_events_of_one_instant_are_both_dropped():
    rows = [
        Reading(T0 + STEP, 1100, event=("reset", 1100, 0)),
        Reading(T0 + STEP, 1100, event=("reset", 1100, 7)),
        Reading(T0 + 2 * STEP, 1200),
        Reading(T0 + 3 * STEP, 1200),
    ]
    settled = settle(rows, ANCHORED)
    assert settled.rejected == {Reason.CONFLICTING_EVENT: 2, Reason.DUPLICATE: 1}
    assert totals(settled) == (200, 0, 0)


@pytest.mark.parametrize("meter", [METER, ANCHORED])
def test_signed_moves_do_not_grant_the_tolerance_again_and_again(meter):
    rows = [Reading(T0 + 1 + i, 1000, event=("reset", 1003, 1000)) for i in range(2000)]
    assert sum(totals(settle(rows, meter))) <= METER.largest_power_w * 2000 // 3_600_000 + 2 * METER.tolerance_wh


def test_ten_thousand_events_settle_in_no_time():
    rows = [Reading(T0 + 1 + i, 7, event=("reset", 7, 7)) for i in range(10_000)]
    assert sum(totals(settle(rows))) == 0


def test_a_register_rolls_over_at_its_modulus():
    rows = series(99_800, 99_900, 0, 100, 200, 200)
    assert totals(settle(rows, Meter("m", 8000, modulus_wh=100_000, confirmations=2))) == (400, 0, 0)
    assert sum(totals(settle(rows))) <= 200


def test_a_false_zero_near_the_modulus_is_no_roll_over():
    rows = series(99_800, 99_900, 0, 99_950, 99_990, 99_990)
    assert totals(settle(rows, Meter("m", 8000, modulus_wh=100_000, confirmations=2))) == (190, 0, 0)


def test_a_register_at_or_above_its_modulus_is_refused_and_turns_do_not_overflow():
    rows = series(*[2**52 - 1, 0, 0] * 50, 2**62)
    settled = settle(rows, Meter("m", 8000, modulus_wh=2**52))
    assert settled.last_register_wh < 2**53
    assert (
        settle(series(5, 150_000, 5), Meter("m", 8000, modulus_wh=100_000, confirmations=2)).rejected[Reason.JUMP] == 1
    )


@pytest.mark.parametrize(
    "limits",
    [
        {"nameplate_w": 0}, {"nameplate_w": 10**9 + 1}, {"rated_overload_ppm": 999_999}, {"rated_overload_ppm": 2_000_001},
        {"resolution_wh": 0}, {"resolution_wh": 2**62}, {"modulus_wh": 0}, {"modulus_wh": 2**53},
    ],
)  # fmt: skip
def test_limits_that_mean_nothing_are_refused(limits):
    with pytest.raises(ConfigError):
        Meter(**({"meter_id": "m", "nameplate_w": 8000} | limits))


@pytest.mark.parametrize(("register_wh", "time_ms"), [(-1, 0), (0, -1), (2**53, 0), (0, 2**64 - 1)])
def test_a_baseline_that_no_reading_could_confirm_is_refused(register_wh, time_ms):
    with pytest.raises(ConfigError):
        Baseline(register_wh, time_ms)


def test_a_meter_that_said_nothing_settles_to_nothing():
    for meter in (METER, ANCHORED):
        settled = settle_register(meter, collate([]), END)
        assert (totals(settled), settled.rejected) == ((0, 0, 0), {})


def test_a_known_limit_one_false_reading_that_is_repeated_is_believed_until_it_is_contradicted():
    """Corroboration is one later reading: two equal false ones pass, and are taken back when the true ones outnumber them."""
    false = series(1000, 1100, 1300, 1300)
    assert totals(settle(false, ANCHORED)) == (300, 0, 0)
    assert totals(settle([*false, *series(0, 0, 0, 0, 1150, 1150, 1160, 1160)[4:]], ANCHORED)) == (160, 0, 0)
