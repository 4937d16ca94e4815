"""The demo's clock and the days that it settles."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from api.demo.clock import DemoClock
from api.demo.timetable import DEMO_UTC_OFFSET_S, HEADWAY_MS, live_timetable
from oracle.metering.interval import MS_PER_DAY

NOON_S = 12 * 3600


class Hands:
    """Two clocks that a test turns."""

    def __init__(self, now_ms):
        self.now_ms = now_ms
        self.counted_ms = 17

    def pass_ms(self, passed_ms):
        self.now_ms += passed_ms
        self.counted_ms += passed_ms


def clock_behind(hands, by_ms, speed):
    return DemoClock(hands.now_ms - by_ms, speed, lambda: hands.now_ms, lambda: hands.counted_ms)


def test_it_stands_still_until_it_begins():
    hands = Hands(10**12)
    clock = clock_behind(hands, 3_600_000, 60)
    hands.pass_ms(1000)
    assert clock.now_ms() == 10**12 - 3_600_000
    assert not clock.has_caught_up


def test_it_runs_fast_and_then_with_everybody_else():
    hands = Hands(10**12)
    clock = clock_behind(hands, 59_000, 60)
    clock.begin()
    hands.pass_ms(500)
    assert clock.now_ms() == 10**12 - 59_000 + 30_000
    assert clock.real_s(300_000) == 5
    hands.pass_ms(500)
    assert clock.now_ms() == hands.now_ms
    assert clock.has_caught_up
    hands.pass_ms(86_400_000)
    assert clock.now_ms() == hands.now_ms
    assert clock.real_s(300_000) == 300


@given(st.floats(1, 3600), st.integers(0, 10**9), st.lists(st.integers(0, 10**8), max_size=20))
def test_it_is_never_ahead_and_never_goes_back(speed, behind_ms, steps):
    hands = Hands(2 * 10**12)
    clock = clock_behind(hands, behind_ms, speed)
    clock.begin()
    shown = clock.now_ms()
    for step in steps:
        hands.pass_ms(step)
        assert shown <= clock.now_ms() <= hands.now_ms
        shown = clock.now_ms()


@given(st.datetimes(datetime(1990, 1, 1), datetime(2099, 1, 1)), st.integers(1, 40))  # noqa: DTZ001  made aware below
def test_live_days_end_a_month_and_leave_an_afternoon(naive, days):
    now = naive.replace(tzinfo=UTC)
    table = live_timetable(int(now.timestamp() * 1000), days)
    now_ms = int(now.timestamp() * 1000)
    local = timedelta(seconds=DEMO_UTC_OFFSET_S)
    noon = datetime.fromtimestamp(table.noon_ms / 1000, UTC) + local
    assert (noon.hour, noon.minute) == (12, 0)
    assert HEADWAY_MS <= now_ms - table.noon_ms < HEADWAY_MS + MS_PER_DAY
    assert table.spans[-1].until_ms == table.noon_ms
    ends = [datetime.fromtimestamp(span.until_ms / 1000, UTC) + local for span in table.spans]
    # Some midnight is the first of a month, and days come before it and a settled one after: its month can be paid.
    assert any(end.day == 1 and end.hour == 0 for end in ends[:-1])
    assert all(before.until_ms == after.after_ms for before, after in zip(table.spans, table.spans[1:], strict=False))
    assert table.spans[0].after_ms == table.start_ms - 1
    assert all(span.after_ms < span.until_ms for span in table.spans)
    closed = {span.until_ms for span in table.spans}
    midnight_ms = table.noon_ms - NOON_S * 1000
    assert {midnight_ms - day * MS_PER_DAY for day in range(days)} <= closed
    assert len(table.spans) <= days + 2
