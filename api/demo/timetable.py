"""When a demo settles: the spans of time whose readings are sent and then settled together."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from api.demo.fleet import Plant
from oracle.errors import ConfigError
from oracle.metering.interval import MS_PER_DAY, last_closed_day_end

DEMO_UTC_OFFSET_S = 8 * 3600
"""Hong Kong and Hunan keep the same time."""
MOST_REPORTS = 31
"""A long recording is settled in at most so many reports."""


NOON_MS = 12 * 3_600_000
"""From local midnight."""
HEADWAY_MS = 6 * 3_600_000
"""The plants' clock begins at least so far behind the real one: a sunny afternoon."""
DAYS_OF_LAST_MONTH = 2
"""Days before the turn of a month, whose revenue can be paid out."""


class Span(NamedTuple):
    """Readings of (after, until] are sent, then settled with `until` as cutoff."""

    after_ms: int
    until_ms: int

    @property
    def cutoff_s(self) -> int:
        """Cutoff of the report [s UTC]."""
        return self.until_ms // 1000


def simulated_start(now_ms: int, days: int) -> int:
    """First local midnight [ms UTC] of the last `days` closed days."""
    return last_closed_day_end(now_ms, DEMO_UTC_OFFSET_S) - days * MS_PER_DAY


def simulated_timetable(start_ms: int, days: int) -> list[Span]:
    """One span a local day; the first includes the opening reading."""
    ends = [start_ms + day * MS_PER_DAY for day in range(days + 1)]
    return [Span(after - (after == start_ms), until) for after, until in pairwise(ends)]


class LiveTimetable(NamedTuple):
    """What is sent and settled before a live demo goes on by its clock, and from when on it does."""

    start_ms: int
    """Commissioning, a local midnight [ms UTC]."""
    spans: list[Span]
    """The last one ends at `noon_ms`."""
    noon_ms: int
    """Local noon from which on the demo goes on [ms UTC]."""


def live_timetable(now_ms: int, days: int) -> LiveTimetable:
    """Closed days, among them the end of a month, so that there is one that can be paid; then the morning of a day in the past.

    Noon lies a while back, so that the plants' clock has time to run faster than the world's before it catches up.
    """
    midnight_ms = last_closed_day_end(now_ms - NOON_MS - HEADWAY_MS, DEMO_UTC_OFFSET_S)
    month_ms = _month_start(midnight_ms)
    start_ms = min(month_ms - DAYS_OF_LAST_MONTH * MS_PER_DAY, midnight_ms - days * MS_PER_DAY)
    daily = [midnight_ms - day * MS_PER_DAY for day in range(days)]
    noon_ms = midnight_ms + NOON_MS
    ends = sorted({end for end in (month_ms, *daily, noon_ms) if end > start_ms})
    return LiveTimetable(start_ms, [Span(a, b) for a, b in zip([start_ms - 1, *ends], ends, strict=False)], noon_ms)


def _month_start(instant_ms: int) -> int:
    """Local midnight that began the month of an instant [ms UTC]."""
    local = datetime.fromtimestamp(instant_ms // 1000 + DEMO_UTC_OFFSET_S, UTC)
    first = local.replace(day=1, hour=0, minute=0, second=0)
    return (int(first.timestamp()) - DEMO_UTC_OFFSET_S) * 1000


def recorded_timetable(plants: Sequence[Plant], first_ms: int, last_ms: int, now_ms: int) -> list[Span]:
    """Spans that end at local midnights and cover a recording; the last one ends the day of the last reading.

    Raises:
        ConfigError: the recording lies in the future.

    """
    offset_s = plants[0].utc_offset_s
    if first_ms >= now_ms:
        raise ConfigError("the recorded readings lie in the future: nothing can be settled yet")
    first_midnight = last_closed_day_end(first_ms, offset_s) + MS_PER_DAY
    midnights = list(range(first_midnight, last_ms + MS_PER_DAY, MS_PER_DAY)) or [first_midnight]
    stride = -(-len(midnights) // MOST_REPORTS)
    ends = sorted({*midnights[stride - 1 :: stride], midnights[-1]})
    ends = [end for end in ends if end <= now_ms] or [now_ms // 1000 * 1000]
    return [Span(after, until) for after, until in zip([first_ms - 1, *ends], ends, strict=False)]
