"""No interval length gains a unit: grams, revenue and certificates are floors of what has accumulated, however time is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.telemetry import Reading, Readings
from oracle.metering.collation import observe
from oracle.metering.ledger import accounts
from oracle.metering.meter import Meter
from oracle.metering.settlement import Standing, settle_register
from oracle.reporting.advance import Settled, advance
from oracle.reporting.certificates import certifiable, newly_issued

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400
YEAR_S = 365 * DAY_S
START_S = 1_735_689_600  # 2025-01-01T00:00:00Z: all of it is one vintage
LENGTHS_S = [
    MINUTE_S, 5 * MINUTE_S, 15 * MINUTE_S, 30 * MINUTE_S, HOUR_S, 6 * HOUR_S, DAY_S, 7 * DAY_S, 30 * DAY_S, YEAR_S,
]  # fmt: skip
FACTOR_G_PER_MWH = 715_375
TARIFF_MINOR_PER_MWH = 490_000_001
DEDUCTION_PPM = 33_333


def settled_at(cutoff_s, energy_wh):
    return Settled(
        cutoff_s, {2025: energy_wh}, {2025: energy_wh}, {}, {2025: FACTOR_G_PER_MWH}, {}, DEDUCTION_PPM, "", TARIFF_MINOR_PER_MWH
    )  # fmt: skip


def energy_until(seconds, wh_a_day):
    """A day's energy comes between six and eighteen o'clock; a register shows whole Wh."""
    days, rest = divmod(seconds, DAY_S)
    sunny = min(max(rest - 6 * HOUR_S, 0), 12 * HOUR_S)
    return (days * 12 * HOUR_S + sunny) * wh_a_day // (12 * HOUR_S)


@pytest.mark.parametrize("wh_a_day", [1, 999, 33_333])
@pytest.mark.parametrize("length_s", LENGTHS_S)
def test_reports_of_any_length_state_the_floor_of_what_has_accumulated(length_s, wh_a_day):
    """A year of reports; of short ones its last twenty thousand, on top of one report over what was before."""
    ends = list(range(length_s, YEAR_S + 1, length_s))[-20_000:]
    ends = ends if ends[-1] == YEAR_S else [*ends, YEAR_S]
    stated, issued_g, issued_minor = {}, 0, 0
    for end_s in ends:
        before = stated
        stated = advance("roof", 0, before, settled_at(START_S + end_s, energy_until(end_s, wh_a_day)), bytes(32))
        was = before.get(2025)
        issued_g += stated[2025].credits_g.issued - (was.credits_g.issued if was else 0)
        issued_minor += stated[2025].revenue_minor.issued - (was.revenue_minor.issued if was else 0)
        energy_wh = energy_until(end_s, wh_a_day)
        assert stated[2025].credits_g.net == energy_wh * FACTOR_G_PER_MWH * (10**6 - DEDUCTION_PPM) // 10**12
        assert stated[2025].revenue_minor.net == energy_wh * TARIFF_MINOR_PER_MWH // 10**6
    whole_wh = 365 * wh_a_day
    assert issued_g == whole_wh * FACTOR_G_PER_MWH * (10**6 - DEDUCTION_PPM) // 10**12
    assert issued_minor == whole_wh * TARIFF_MINOR_PER_MWH // 10**6


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.lists(st.booleans(), min_size=40, max_size=40))
def test_cutting_between_any_steps_changes_nothing(steps_wh, cuts):
    once = advance("roof", 0, {}, settled_at(START_S + 1, sum(steps_wh)), bytes(32))[2025]
    stated, total_wh = {}, 0
    for number, step_wh in enumerate(steps_wh):
        total_wh += step_wh
        if cuts[number] or number == len(steps_wh) - 1:
            stated = advance("roof", 0, stated, settled_at(START_S + 1, total_wh), bytes(32))
    assert stated[2025] == once


def recorded(registers, step_s):
    readings = [Reading((START_S + n * step_s) * 1000, wh) for n, wh in enumerate(registers)]
    return settle_register(Meter("met", 1_000_000), observe(Readings.of(readings)), readings[-1].time_ms)


REGISTERS = st.lists(st.integers(0, 400), min_size=12, max_size=120).map(lambda steps: np.cumsum(steps).tolist())


@settings(max_examples=60, deadline=None)
@given(REGISTERS, st.sampled_from([60, 300, 700, 900, 3600, 5400]))
def test_the_books_of_any_interval_length_add_up_to_the_register(registers, step_s):
    settled = recorded(registers, step_s)
    net_wh = (settled.last_register_wh or 0) - (settled.first_register_wh or 0)
    totals = {standing: settled.total_wh(standing) for standing in Standing}
    assert sum(totals.values()) == net_wh
    for length_s in LENGTHS_S:
        booked = accounts(settled, length_s * 1000)
        for standing in Standing:
            assert sum(wh for key, wh in booked.items() if key.standing is standing) == totals[standing]


@settings(max_examples=60, deadline=None)
@given(REGISTERS, st.sampled_from([60, 300, 700, 900, 3600, 5400]), st.sampled_from([60, 300, 900, 1800, 3600]))
def test_certificates_of_any_interval_are_attested_energy_and_never_more(registers, step_s, length_s):
    settled = recorded(registers, step_s)
    attested_wh = settled.total_wh(Standing.ATTESTED)
    last_ms = settled.last_time_ms or 0
    found = certifiable({"met": settled}, length_s * 1000, last_ms)
    assert sum(found.energy_wh.values()) + found.crossing_wh + found.open_wh == attested_wh
    bundles = newly_issued({}, found.energy_wh)
    assert {bundle.key: bundle.energy_wh for bundle in bundles} == found.energy_wh
    if length_s % step_s == 0:
        assert found.crossing_wh == 0  # a reading at every end: nothing is lost


KEYS = st.tuples(st.integers(0, 3).map(lambda hour: hour * 3_600_000), st.sampled_from("ab"))


@given(st.lists(st.dictionaries(KEYS, st.integers(0, 1000), max_size=6), max_size=10))
def test_certificates_issued_one_after_the_other_never_pass_the_highest_total(levels):
    """Whatever later readings move from hour to hour, or take back."""
    issued, highest = {}, 0
    for found in levels:
        for bundle in newly_issued(issued, found):
            assert bundle.energy_wh > 0
            assert bundle.first == issued.get(bundle.key, 0)
            issued[bundle.key] = bundle.first + bundle.energy_wh
        highest = max(highest, sum(found.values()))
        assert sum(issued.values()) == highest
