"""Each rule of metering that needs more than the register of one meter: sun, power, time, calibration, neighbours."""

from dataclasses import replace

import numpy as np
import pytest

from devices.telemetry import Column, Reading, Readings
from oracle.errors import ConfigError
from oracle.metering.ceiling import HALF_HOURS, HALF_MONTHS, PPM, Ceiling
from oracle.metering.collation import observe
from oracle.metering.meter import Baseline, Calibration, Meter
from oracle.metering.reach import DAYS_OF_CYCLE, LAST_TIME_MS, reach_wh
from oracle.metering.reasons import Reason
from oracle.metering.settlement import Standing, settle_register
from oracle.metering.site import SiteMeter, SiteRole, settle_site

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = 1_751_328_000_000  # 2025-07-01 00:00 UTC
FROM_SIX_TO_EIGHTEEN = Ceiling(
    tuple(PPM if 12 <= slot < 36 else 0 for _ in range(HALF_MONTHS) for slot in range(HALF_HOURS))
)
METER = Meter("met", 8000, baseline=Baseline(0, T0))
IN_THE_SUN = replace(METER, ceiling=FROM_SIX_TO_EIGHTEEN)


def days(count, power_w=4000, step=15 * MINUTE, *, with_power=True, factor=1):
    """Readings of a plant that gives `power_w` from 6 to 18 o'clock, every quarter of an hour, night and day."""
    time_ms = T0 + np.arange(0, count * DAY + 1, step)
    into_day = (time_ms - T0) % DAY
    sunny_ms = (time_ms - T0) // DAY * 12 * HOUR + np.clip(into_day - 6 * HOUR, 0, 12 * HOUR)
    shining = (into_day >= 6 * HOUR) & (into_day <= 18 * HOUR)
    power = Column.full(np.where(shining, power_w, 0)) if with_power else None
    return Readings(time_ms, Column.full(sunny_ms * power_w * factor // HOUR), power_w=power)


def changed(readings, change):
    """The same readings with registers that `change(time_ms, register_wh)` gives."""
    return replace(readings, export_wh=Column.full(change(readings.time_ms, readings.export_wh.numbers)))


def settle(readings, meter=METER, cutoff_ms=2**53):
    return settle_register(meter, observe(readings), cutoff_ms)


def totals(settled):
    return tuple(settled.total_wh(standing) for standing in Standing)


def reasons(settled):
    return {str(reason) for reason in settled.reason if reason}


# The ceiling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [0, 5, 6, 6.25, 12, 18, 23.999, 24, 24 * 400 + 7.3])
def test_reach_is_the_sum_of_the_ceiling(hours):
    now = np.array([T0, T0 + int(hours * HOUR)])
    day, rest = divmod(int(hours * HOUR), DAY)
    expected = day * 12 * 8000 + min(max(rest - 6 * HOUR, 0), 12 * HOUR) * 8000 // HOUR
    begin, end = reach_wh(now, FROM_SIX_TO_EIGHTEEN, 8000, 8800)
    assert end - begin == expected


def test_reach_repeats_with_the_calendar_and_ends_with_it():
    cycle = DAYS_OF_CYCLE * DAY
    table = Ceiling(tuple(1000 * (slot % 97) for slot in range(HALF_MONTHS * HALF_HOURS)))
    times = np.array([0, DAY * 59, DAY * 60, T0, cycle - 1])
    once = reach_wh(times, table, 10**9, 10**9)
    again = reach_wh(times + cycle, table, 10**9, 10**9)
    assert np.array_equal(again - once, np.full(len(times), again[0] - once[0]))
    assert np.all(np.diff(once) > 0)
    late = reach_wh(np.array([LAST_TIME_MS, LAST_TIME_MS + 1, 2**53]), table, 2 * 10**9, 2 * 10**9)
    assert late[0] == late[1] == late[2] > 0


@pytest.mark.parametrize("ppm", [(), (0,) * 1151, (0,) * 1151 + (-1,), (0,) * 1151 + (2_000_001,), (0.5,) * 1152])
def test_a_table_of_another_shape_is_no_ceiling(ppm):
    with pytest.raises(ConfigError):
        Ceiling(ppm)


def test_the_ceiling_changes_nothing_of_a_plant_that_keeps_to_it():
    assert totals(settle(days(3), IN_THE_SUN)) == totals(settle(days(3))) == (3 * 48_000, 0, 0)


def test_a_battery_by_night_disputes_its_days():
    def charged(time_ms, register_wh):
        return register_wh + np.clip((time_ms - T0 - DAY - 20 * HOUR) * 2000 // HOUR, 0, 4000)

    settled = settle(changed(days(4), charged), IN_THE_SUN)
    assert "night" in reasons(settled)
    assert settled.total_wh(Standing.ATTESTED) <= 3 * 48_000
    assert sum(totals(settled)) == 4 * 48_000 + 4000
    without_sun = settle(changed(days(4), charged))
    assert without_sun.total_wh(Standing.ATTESTED) == 4 * 48_000 + 4000, "else the rule is not what finds it"


# Rises that stay -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how_many", "disputed"), [(3, False), (4, True)])
def test_a_rise_that_stays_is_disputed_when_enough_readings_show_it(how_many, disputed):
    rows = [Reading(T0 + i * HOUR, 1000 * i) for i in range(1, 9)]
    rows += [Reading(T0 + 8 * HOUR + i * MINUTE, 60_000) for i in range(1, how_many + 1)]
    rows += [Reading(T0 + 20 * HOUR + i * HOUR, 70_000 + i) for i in range(12)]
    settled = settle(Readings.of(rows))
    assert (settled.total_wh(Standing.DISPUTED) > 0) == disputed
    assert settled.rejected == {Reason.JUMP: how_many}


def test_a_register_that_froze_and_caught_up_loses_nothing():
    def frozen(time_ms, register_wh):
        held = (time_ms > T0 + 8 * HOUR) & (time_ms < T0 + 16 * HOUR)
        return np.where(held, 8000, register_wh)

    settled = settle(changed(days(3, with_power=False), frozen))
    assert totals(settled) == (3 * 48_000, 0, 0)
    assert settled.rejected == {Reason.STALE: 31}


# Belief --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "attested"), [(0, 0), (2, 0), (3, 1000), (4, 1000)])
def test_a_register_needs_four_confirmations_itself_included(later, attested):
    rows = [Reading(T0 + HOUR, 1000), *(Reading(T0 + (2 + i) * HOUR, 1000 + 10 * (i + 1)) for i in range(later))]
    settled = settle(Readings.of(rows))
    assert settled.total_wh(Standing.ATTESTED) - max(later - 3, 0) * 10 == attested


def test_contradiction_delays_belief_and_zeros_do_not_contradict():
    rising = [Reading(T0 + i * HOUR, 1000 * i) for i in range(1, 7)]
    assert settle(Readings.of(rising)).total_wh(Standing.ATTESTED) == 3000
    lower = [*rising, Reading(T0 + 3 * HOUR + MINUTE, 1500), Reading(T0 + 4 * HOUR + MINUTE, 1600)]
    assert settle(Readings.of(lower)).total_wh(Standing.ATTESTED) == 1000
    zeros = [*rising, Reading(T0 + 3 * HOUR + MINUTE, 0), Reading(T0 + 4 * HOUR + MINUTE, 0)]
    from_five = [replace(row, export_wh=row.export_wh + 5 if row.export_wh else 0) for row in zeros]
    meter = replace(METER, baseline=Baseline(5, T0))
    assert settle(Readings.of(from_five), meter).total_wh(Standing.ATTESTED) == 3000


def test_a_leap_across_a_gap_is_believed_a_day_later():
    before = [Reading(T0 + i * 5 * MINUTE, 10 * i) for i in range(1, 13)]
    leapt = [Reading(T0 + 10 * HOUR + i * 5 * MINUTE, 30_000 + 10 * i) for i in range(20)]
    rows = [*before, *leapt]
    assert totals(settle(Readings.of(rows))) == (120, 30_190 - 120, 0)
    rows += [Reading(T0 + 34 * HOUR + i * 5 * MINUTE, 30_200) for i in range(4)]
    assert totals(settle(Readings.of(rows))) == (30_200, 0, 0)


# Power ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("factor", "disputed"), [(1, False), (2, True), (10, True)])
def test_a_register_that_rises_by_another_factor_than_power_is_disputed(factor, disputed):
    settled = settle(days(2, power_w=800, factor=factor))
    assert totals(settled) == ((0, 0, 19_200 * factor) if disputed else (19_200 * factor, 0, 0))
    assert reasons(settled) == ({"scale"} if disputed else set())
    assert totals(settle(days(2, power_w=800, factor=factor, with_power=False)))[2] == 0


def test_power_beyond_the_plant_is_flagged_and_a_rise_by_it_disputed():
    sound = days(2)
    spike = replace(sound, power_w=Column.full(np.where(sound.time_ms == T0 + 9 * HOUR, 9000, sound.power_w.numbers)))
    settled = settle(spike)
    assert settled.rejected == {Reason.OVER_CAPACITY: 1}
    assert totals(settled) == (96_000, 0, 0)

    def faster(time_ms, register_wh):
        return register_wh + np.clip((time_ms - T0 - 11 * HOUR) * 16_000 // HOUR, 0, 16_000)

    over = (sound.time_ms > T0 + 11 * HOUR) & (sound.time_ms <= T0 + 12 * HOUR)
    fast = replace(changed(sound, faster), power_w=Column.full(np.where(over, 20_000, sound.power_w.numbers)))
    settled = settle(fast)
    assert settled.rejected[Reason.OVER_CAPACITY] == 4
    assert totals(settled) == (48_000, 0, 48_000 + 16_000)


def test_a_register_that_stands_still_under_power_is_stale():
    def frozen(time_ms, register_wh):
        return np.where((time_ms > T0 + 9 * HOUR) & (time_ms < T0 + 10 * HOUR), 12_000, register_wh)

    settled = settle(changed(days(3), frozen))
    assert settled.rejected == {Reason.STALE: 3}
    assert totals(settled) == (3 * 48_000, 0, 0)


# Calibration ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [MINUTE, 15 * MINUTE, HOUR, 12 * HOUR])
def test_an_overdue_calibration_takes_the_error_off_the_sum_whatever_the_step(step):
    meter = replace(METER, calibration=Calibration(T0 + DAY, 7_001))
    withheld = -(-2 * 48_000 * 7_001 // PPM)
    readings = days(3, power_w=4000, step=step)
    settled = settle(readings, meter, cutoff_ms=T0 + 3 * DAY)
    confirmed = settle(readings, METER, cutoff_ms=T0 + 3 * DAY).total_wh(Standing.ATTESTED)
    short = 3 * 48_000 - confirmed
    assert settled.total_wh(Standing.ATTESTED) == confirmed - -(-(2 * 48_000 - short) * 7_001 // PPM)
    assert sum(totals(settled)) == 3 * 48_000
    if not short:
        assert totals(settled) == (3 * 48_000 - withheld, withheld, 0)
        assert reasons(settled) == {"calibration"}


def test_calibration_of_the_largest_meter_overflows_nothing():
    meter = Meter("m", 10**9, 2_000_000, confirmations=1, calibration=Calibration(0, 1_000_000))
    rows = [Reading(0, 0), Reading(2**52, 2**52), Reading(2**53 - 2, 2**53 - 2)]
    assert totals(settle(Readings.of(rows), meter)) == (0, 2**53 - 2, 0)


# Site ----------------------------------------------------------------------------------------------------------------


def site(plant, *inverters, load=None):
    meters = [
        SiteMeter(
            Meter("plant", 8000, baseline=Baseline(0, T0)), SiteRole.PLANT, observe(plant), observe(plant, "import")
        )
    ]
    for i, readings in enumerate(inverters):
        own = Meter(f"inverter-{i}", 4000, baseline=Baseline(0, T0))
        meters.append(SiteMeter(own, SiteRole.INVERTER, observe(readings), observe(readings, "import")))
    if load is not None:
        meters.append(SiteMeter(Meter("load", 8000), SiteRole.LOAD, observe(load), observe(load, "import")))
    return settle_site(meters, int(plant.time_ms.max()))


def scaled(readings, numerator, denominator, since_ms=T0):
    def grown(time_ms, register_wh):
        then = register_wh[np.searchsorted(time_ms, since_ms)]
        return np.where(time_ms < since_ms, register_wh, then + (register_wh - then) * numerator // denominator)

    return changed(readings, grown)


def test_meters_of_a_site_that_agree_lose_nothing():
    half = days(10, power_w=2000, with_power=False)
    settled = site(scaled(days(10, with_power=False), 985, 1000), half, half)
    assert totals(settled["plant"]) == (480_000 * 985 // 1000, 0, 0)
    assert totals(settled["inverter-0"]) == (240_000, 0, 0)


def test_a_plant_meter_above_its_inverters_counts_for_what_they_have_seen():
    half = days(10, power_w=2000, with_power=False)
    wrong = scaled(scaled(days(10, with_power=False), 985, 1000), 3, 2, since_ms=T0 + 8 * DAY)
    settled = site(wrong, half, half)["plant"]
    assert abs(settled.total_wh(Standing.ATTESTED) - 480_000 * 985 // 1000) <= 4
    assert reasons(settled) == {"sum_check"}
    assert settled.total_wh(Standing.WITHHELD) == 0


@pytest.mark.parametrize(("percent", "found"), [(1002, set()), (1020, {"plant"}), (980, {"inverter-0", "inverter-1"})])
def test_a_drift_is_found_on_the_side_that_shows_more(percent, found):
    half = days(20, power_w=2000, with_power=False)
    plant = scaled(scaled(days(20, with_power=False), 985, 1000), percent, 1000, since_ms=T0 + 8 * DAY)
    settled = site(plant, half, half)
    assert {meter_id for meter_id, one in settled.items() if "sum_check" in reasons(one)} == found


def test_energy_is_withheld_while_an_inverter_is_silent_and_returns_when_it_is_heard():
    half, plant = days(6, power_w=2000, with_power=False), days(6, with_power=False)

    def some(chosen):
        return Readings(half.time_ms[chosen], Column.full(half.export_wh.numbers[chosen]))

    silent = some(half.time_ms < T0 + 2 * DAY)
    waiting = site(plant, half, silent)["plant"]
    assert waiting.total_wh(Standing.DISPUTED) == 0
    assert waiting.total_wh(Standing.WITHHELD) >= 4 * 24_000 - 4000
    heard = site(plant, half, some((half.time_ms < T0 + 2 * DAY) | (half.time_ms > T0 + 5 * DAY)))["plant"]
    assert totals(heard) == (6 * 48_000, 0, 0)


def test_what_a_load_takes_cannot_arrive_at_the_plant_meter():
    half = days(4, power_w=2000, with_power=False)
    drawn = days(4, power_w=1000, with_power=False)
    load = Readings(drawn.time_ms, None, drawn.export_wh)
    honest = days(4, power_w=3000, with_power=False)
    assert totals(site(honest, half, half, load=load)["plant"]) == (4 * 36_000, 0, 0)
    assert reasons(site(days(4, with_power=False), half, half, load=load)["plant"]) == {"sum_check"}


def test_an_inverter_that_draws_by_day_is_read_backwards():
    sound = days(2, power_w=2000, with_power=False)
    backwards = Readings(sound.time_ms, Column.full(np.zeros(len(sound), dtype=np.int64)), sound.export_wh)
    settled = site(days(2, with_power=False), sound, backwards)
    assert settled["inverter-1"].rejected[Reason.REVERSED] == 2 * 48
    with_power = replace(days(2, power_w=2000), power_w=Column.full(-days(2, power_w=2000).power_w.numbers))
    flat = changed(with_power, lambda time_ms, _: np.zeros(len(time_ms), dtype=np.int64))
    assert site(days(2, with_power=False), sound, flat)["inverter-1"].rejected == {Reason.REVERSED: 2 * 49}
