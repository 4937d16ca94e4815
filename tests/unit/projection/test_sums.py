"""Sums by interval, day, month and in all are those of the entries, whatever came in which order, and back out again."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.http.problems import NotFoundProblem
from api.projection.booking import Booker
from api.projection.projection import Projection
from api.projection.registration import BY_CHAIN, write_registry
from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project

HOUR_MS = 3_600_000
NEW_YEAR_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC
EAST_S = 28_800


class Booked(NamedTuple):
    asset_id: str
    meter_id: str
    start_ms: int
    standing: int
    reason: str
    energy_wh: int


def register(projection, *, assets=2, offset_s=EAST_S):
    project = Project(
        "p", "0x" + "1" * 40, b"AMS-I.D".ljust(32, b"\0"), ClaimRight.NONE, bytes(32), Assurance.DEVICE_SIGNED
    )
    listed = [Asset(f"a{n}", "p", f"0x{n + 1:040x}", 9000, 0, offset_s, 0, 0, 0) for n in range(assets)]
    meters = [
        ListedMeter(a.asset_id, f"m-{a.asset_id}", "d", bytes(32), MeterRole.INVERTER, 9000, 0, 0) for a in listed
    ]
    with projection.writing() as writing:
        write_registry(writing, [project], listed, meters, BY_CHAIN)


def book(projection, entries):
    with projection.writing() as writing:
        Booker(writing).book(entries)


entries = st.lists(
    st.builds(
        Booked,
        st.sampled_from(["a0", "a1"]),
        st.sampled_from(["m", "d/m"]),
        st.integers(-60, 60).map(lambda hours: NEW_YEAR_MS + hours * HOUR_MS),
        st.just(0),
        st.just(""),
        st.integers(1, 10_000),
    ).flatmap(
        lambda one: st.sampled_from([(0, ""), (1, "calibration"), (1, "sum_check"), (2, "jump"), (2, "sum_check")]).map(
            lambda kind: one._replace(standing=kind[0], reason=kind[1])
        )
    ),
    max_size=40,
)


def local(instant, offset_s, per):
    at = instant.astimezone(UTC) + timedelta(seconds=offset_s)
    return (at.year, at.month) if per == "month" else (at.year, at.month, at.day) if per == "day" else instant


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(booked=entries, data=st.data())
def test_sums_are_those_of_the_entries(tmp_path_factory, booked, data):
    projection = Projection.open(tmp_path_factory.mktemp("sums") / "p.sqlite", network="demo")
    register(projection)
    taken_back = data.draw(st.lists(st.sampled_from(booked), unique=True) if booked else st.just([]))
    cut = data.draw(st.integers(0, len(booked)))
    book(projection, booked[:cut])
    book(projection, booked[cut:])
    book(projection, [one._replace(energy_wh=-one.energy_wh) for one in taken_back])
    left = list(booked)
    for one in taken_back:
        left.remove(one)
    for asset_id in ("a0", "a1"):
        own = [one for one in left if one.asset_id == asset_id]
        for per in ("interval", "day", "month"):
            expected = {}
            for one in own:
                key = local(datetime.fromtimestamp(one.start_ms / 1000, UTC), EAST_S, per)
                expected.setdefault(key, [0, 0, 0])[one.standing] += one.energy_wh
            views = projection.production(asset_id, 0, 2**50, per, None, 1000).items
            shown = {
                local(view.start, EAST_S, per): [view.attested_wh, view.withheld_wh, view.disputed_wh] for view in views
            }
            assert shown == expected
            assert len(shown) == len(views)
        sums = [sum(one.energy_wh for one in own if one.standing == standing) for standing in range(3)]
        view = projection.asset(asset_id)
        assert [view.attested_wh, view.withheld_wh, view.disputed_wh] == sums
        assert sum(held.wh for held in projection.portfolio(frozenset({asset_id})).held_back) == sums[1] + sums[2]
    projection.close()


@pytest.fixture
def year(empty):
    """A year of hours of one asset, with a reason now and then."""
    register(empty)
    rows = [Booked("a0", "m", NEW_YEAR_MS - EAST_S * 1000 + h * HOUR_MS, 0, "", h + 1) for h in range(365 * 24)]
    rows += [row._replace(standing=1, reason="calibration", energy_wh=1) for row in rows[::24]]
    book(empty, rows)
    return empty


@pytest.mark.parametrize("per", ["interval", "hour", "day", "month"])
def test_pages_come_to_the_whole_and_nothing_twice(year, per):
    whole = year.production("a0", 0, 2**50, per, None, 100_000)
    assert whole.next is None
    read, after = [], None
    while True:
        page = year.production("a0", 0, 2**50, per, after, 97 if per in ("interval", "hour") else 5)
        read += page.items
        if (after := page.next) is None:
            break
    assert read == whole.items
    assert len(read) == {"interval": 8760, "hour": 8760, "day": 365, "month": 12}[per]


def test_days_and_months_are_the_assets_own(year):
    first, *_, last = year.production("a0", 0, 2**50, "day", None, 1000).items
    assert first.start == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert first.attested_wh == sum(range(1, 25))
    assert last.end == datetime(2026, 12, 31, 16, tzinfo=UTC)
    january = year.production("a0", 0, 2**50, "month", None, 1).items[0]
    assert (january.start, january.end) == (
        datetime(2025, 12, 31, 16, tzinfo=UTC), datetime(2026, 1, 31, 16, tzinfo=UTC),
    )  # fmt: skip
    assert (january.attested_wh, january.withheld_wh) == (sum(range(1, 31 * 24 + 1)), 31)


def test_a_span_takes_what_starts_within_it(year):
    start_ms, end_ms = NEW_YEAR_MS + HOUR_MS, NEW_YEAR_MS + 5 * HOUR_MS
    hours = year.production("a0", start_ms, end_ms, "interval", None, 100).items
    assert [view.start.timestamp() * 1000 for view in hours] == [start_ms + n * HOUR_MS for n in range(4)]
    assert year.production("a0", end_ms, start_ms, "interval", None, 100).items == []
    assert year.production("a0", -(2**60), 2**62, "month", None, 100).items


def test_accounts_say_what_to_do(year):
    held = year.accounts("a0", 0, 2**50, "withheld", None, 3)
    assert [(view.standing, view.reason, view.wh, view.says) for view in held.items] == [
        ("withheld", "calibration", 1, "reasons.calibration.why")
    ] * 3
    following = year.accounts("a0", 0, 2**50, "withheld", held.next, 1000)
    assert len(held.items) + len(following.items) == 365
    assert following.items[0].start > held.items[-1].start


def test_what_is_not_registered_is_not_found(year):
    for ask in (
        lambda: year.asset("nothing"),
        lambda: year.production("nothing", 0, 1, "day", None, 1),
        lambda: year.accounts("nothing", 0, 1, None, None, 1),
        lambda: year.report(7),
        lambda: year.retirement(7),
        lambda: year.credit("p", 2026),
    ):
        with pytest.raises(NotFoundProblem):
            ask()


def test_assets_come_by_name_and_only_those_asked_for(empty):
    register(empty, assets=12)
    names = sorted(f"a{n}" for n in range(12))
    read, after = [], None
    while True:
        page = empty.assets(None, after, 5)
        read += [view.asset_id for view in page.items]
        if (after := page.next) is None:
            break
    assert read == names
    some = frozenset({"a3", "a1", "a11", "nothing"})
    assert [view.asset_id for view in empty.assets(some, None, 10).items] == ["a1", "a11", "a3"]
    page = empty.assets(some, None, 2)
    assert ([view.asset_id for view in page.items], page.next) == (["a1", "a11"], "a11")
    assert [view.asset_id for view in empty.assets(some, page.next, 2).items] == ["a3"]
    assert empty.assets(frozenset(), None, 10).items == []


def test_a_transaction_that_fails_shows_nothing(empty):
    register(empty)
    version = empty.version()
    with pytest.raises(RuntimeError), empty.writing() as writing:  # noqa: PT012  the transaction is the point
        Booker(writing).book([Booked("a0", "m", NEW_YEAR_MS, 0, "", 5), Booked("new", "m", NEW_YEAR_MS, 0, "", 5)])
        raise RuntimeError
    assert empty.version() == version
    assert empty.asset("a0").attested_wh == 0
    book(empty, [Booked("new", "m", NEW_YEAR_MS, 0, "", 5), Booked("a1", "m", NEW_YEAR_MS, 0, "", 7)])
    assert (empty.asset("a0").attested_wh, empty.asset("a1").attested_wh) == (0, 7)


@pytest.mark.parametrize("place", ["x", "1-2", "-5", "9" * 19, "1.5", "", "m@1"])
def test_a_place_that_no_page_gave_out_is_no_place(year, place):
    for ask in (
        lambda: year.production("a0", 0, 2**50, "hour", place, 10),
        lambda: year.accounts("a0", 0, 2**50, None, place, 10),
        lambda: year.reports(place, 10),
        lambda: year.retirements(place, 10),
        lambda: year.deposits(None, place, 10),
        lambda: year.claims(None, place, 10),
    ):
        with pytest.raises(ValueError, match="no place in this list"):
            ask()
    assert year.production("a0", 0, 2**50, "hour", "9" * 18, 10).items == []
