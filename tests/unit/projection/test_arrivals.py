"""What meters said last, their power of the day, and who has fallen silent."""

import time
from datetime import date, timedelta

import pytest

from api.projection.arrivals import look_for_stale_meters
from api.projection.instants import day_start_ms, instant, local_day
from api.projection.registration import BY_CHAIN, write_registry
from devices.readings import Column, Reading, Readings
from oracle.journal.journal import Journal

ASSET = "rooftop-1"
MINUTES_MS = 60_000


def now_ms():
    """Now: by this clock meters fall silent, so the time at which tests are collected would not do."""
    return time.time_ns() // 1_000_000


MIDNIGHT_MS = day_start_ms(local_day(now_ms(), 0), 0) - 86_400_000
"""Yesterday's."""
YESTERDAY = date(1970, 1, 1) + timedelta(days=local_day(MIDNIGHT_MS, 0))


@pytest.fixture
def journal(path):
    journal = Journal.open(path, "demo")
    yield journal
    journal.close()


@pytest.fixture
def site(journal, path, open_projection, fleet):
    """A projection with the fleet's registry, a journal that is empty yet, and a clock that shows now."""
    projection = open_projection()
    registry = fleet.registry()
    with projection.writing() as writing:
        write_registry(
            writing,
            list(registry.projects.values()),
            list(registry.assets.values()),
            registry.meters_of(ASSET),
            BY_CHAIN,
        )
    return Site(projection, projection.follow_journal(path, stale_after_s=600), journal, fleet)


class Site:
    def __init__(self, projection, follower, journal, fleet):
        self.projection, self.follower, self.journal, self.fleet = projection, follower, journal, fleet
        self.sequence = [0, 0]

    def arrives(self, meter, rows, received_ms=None):
        """An envelope of (minutes after midnight, power) arrives."""
        readings = Readings.of(
            [Reading(MIDNIGHT_MS + int(m * MINUTES_MS), 10_000 + int(m), None, power) for m, power in rows]
        )
        envelope = self.fleet.envelope(meter, readings, first_sequence=self.sequence[meter])
        self.sequence[meter] += len(rows)
        self.journal.record_envelopes([envelope], now_ms() if received_ms is None else received_ms)
        self.follower.catch_up()

    def meter(self, number):
        return self.projection.asset(ASSET).meters[number]

    def powers(self):
        return [point.power_w for point in self.projection.power(ASSET, YESTERDAY).points]


def test_the_newest_reading_is_shown_whatever_came_last(site):
    site.arrives(0, [(60, 100), (65, 200)])
    site.arrives(0, [(50, 50)])
    view = site.meter(0)
    assert view.last_reading_at == instant(MIDNIGHT_MS + 65 * MINUTES_MS)
    assert (view.power_w, view.readings, view.stale) == (200, 3, False)
    assert site.projection.asset(ASSET).power_w == 200
    assert site.meter(1).last_reading_at is None
    assert site.meter(1).stale


def test_a_clock_that_runs_ahead_is_not_believed(site):
    ahead_min = (now_ms() - MIDNIGHT_MS) / MINUTES_MS + 60
    site.arrives(0, [(60, 100)])
    site.arrives(0, [(ahead_min, 999)])
    assert (site.meter(0).power_w, site.meter(0).readings) == (100, 2)
    site.arrives(0, [(65, 120), (ahead_min, 999)])
    assert site.meter(0).power_w == 120


def test_power_is_the_sum_of_the_meters_that_count_and_null_where_nobody_spoke(site):
    site.arrives(0, [(5, 100), (10, 200), (20, 0)])
    site.arrives(1, [(5, 11), (10, 22)])
    assert site.powers()[:5] == [111, 222, None, 0, None]
    hours = site.projection.power(ASSET, YESTERDAY).hours
    assert hours == []  # no report has come so far


def test_slower_meters_make_longer_steps(site):
    site.arrives(0, [(n * 5, 100 + n) for n in range(1, 13)])
    site.arrives(1, [(n * 15, 1000 * n) for n in range(1, 5)])
    view = site.projection.power(ASSET, YESTERDAY)
    assert view.step_s == 900
    assert [point.power_w for point in view.points[:5]] == [1102, 2105, 3108, 4111, None]


def test_a_reading_that_came_again_counts_once_in_power(site):
    site.arrives(0, [(5, 100), (10, 200)])
    site.arrives(0, [(5, 100)])
    site.arrives(0, [(10, 200), (15, 300)])
    assert site.powers()[:3] == [100, 200, 300]


def test_absent_power_is_no_zero(site):
    readings = Readings(
        site.fleet.envelope(0, [Reading(MIDNIGHT_MS + 300_000, 5)]).readings.time_ms, Column.full([5]), None, None
    )
    site.journal.record_envelopes([site.fleet.envelope(0, readings)], now_ms())
    site.follower.catch_up()
    assert site.powers()[0] is None
    assert site.projection.asset(ASSET).power_w is None
    assert site.meter(0).last_reading_at is not None


def test_the_running_day_ends_now(site, fleet, open_projection):
    clock = [MIDNIGHT_MS + 62 * MINUTES_MS]
    site.arrives(0, [(n * 5, n) for n in range(1, 13)])
    site.projection.close()
    projection = open_projection(rules=fleet.rules, clock_ms=lambda: clock[0])
    view = projection.power(ASSET, YESTERDAY)
    assert [point.power_w for point in view.points] == list(range(1, 13))
    clock[0] += 60 * MINUTES_MS  # an hour of silence is no data, not nothing
    assert [point.power_w for point in projection.power(ASSET, YESTERDAY).points] == [*range(1, 13), *[None] * 10]
    assert projection.power(ASSET, YESTERDAY + timedelta(days=1)).points == []


def test_a_meter_falls_silent_and_comes_back(site):
    begun_ms = now_ms()
    site.arrives(0, [(5, 100)], begun_ms - 500_000)
    site.arrives(1, [(5, 100)], begun_ms)

    def look(at_ms):
        with site.projection.writing() as writing:
            look_for_stale_meters(writing, at_ms, 600_000)

    look(begun_ms)
    assert (site.meter(0).stale, site.meter(1).stale) == (False, False)
    look(begun_ms + 200_000)
    assert (site.meter(0).stale, site.meter(1).stale) == (True, False)
    assert site.projection.asset(ASSET).power_w == 100
    station = site.projection.status().stations[0]
    assert (station.reporting, station.of, station.state) == (1, 2, "waits")
    look(begun_ms + 200_000)
    site.arrives(0, [(10, 100)], begun_ms + 100_000)
    look(begun_ms + 200_000)
    assert not site.meter(0).stale
    told = [event for event in site.projection.events(0, 100) if event.kind.startswith("meter")]
    assert [(event.kind, event.asset_id, event.document["meter_id"]) for event in told] == [
        ("meter_stale", ASSET, "met-0"), ("meter_back", ASSET, "met-0"),
    ]  # fmt: skip


def test_readings_are_told_as_they_come(site):
    site.arrives(0, [(5, 100), (10, 120)])
    (event,) = [event for event in site.projection.events(0, 100) if event.kind == "reading"]
    assert (event.asset_id, event.document["meter_id"], event.document["power_w"]) == (ASSET, "met-0", 120)
    site.arrives(0, [(7, 1)])  # older than the newest: nothing new to look at
    assert len([event for event in site.projection.events(0, 100) if event.kind == "reading"]) == 1


def test_a_strangers_envelope_is_counted_and_shown_nowhere(site, fleet):
    readings = [Reading(MIDNIGHT_MS + 300_000, 5, None, 77)]
    site.journal.record_envelopes([fleet.envelope(0, readings, device="dev-9", meter="met-9")], now_ms())
    site.follower.catch_up()
    assert site.projection.status().stations[1].envelopes == 1
    assert site.projection.status(frozenset({ASSET})).stations[1].envelopes == 0
    assert site.projection.asset(ASSET).power_w is None
    assert [event for event in site.projection.events(0, 100) if event.kind == "reading"] == []


def test_the_portfolio_sums_power(site):
    site.arrives(0, [(5, 100), (10, 200)])
    view = site.projection.portfolio(None, MIDNIGHT_MS + 3_600_000)
    assert [point.power_w for point in view.power.points[:3]] == [100, 200, None]
    assert (view.power_w, view.power.asset_id, view.power.day) == (200, None, YESTERDAY)


@pytest.mark.parametrize("day", [date.min, date(1969, 12, 31), date.max])
def test_a_day_that_no_meter_knows_is_empty(site, day):
    view = site.projection.power(ASSET, day)
    assert (view.day, view.points, view.hours, view.clear_sky) == (day, [], [], None)


def test_readings_go_on_where_the_page_ended(site):
    site.arrives(0, [(5, 100), (10, 200), (15, 300)])
    site.arrives(1, [(5, 1), (10, 2)])
    whole = site.projection.readings(ASSET, 0, 2**50, None, 100)
    assert [(view.meter_id, view.power_w) for view in whole.items] == [
        ("met-0", 100), ("met-0", 200), ("met-0", 300), ("met-1", 1), ("met-1", 2),
    ]  # fmt: skip
    read, after = [], None
    while True:
        page = site.projection.readings(ASSET, 0, 2**50, after, 2)
        read += page.items
        if (after := page.next) is None:
            break
    assert read == whole.items
    for place in ("met-0", "met-0@x", "met-0@1", "7", ""):
        with pytest.raises(ValueError, match="no place in this list"):
            site.projection.readings(ASSET, 0, 2**50, place, 2)
