"""When a demo settles: the spans of time whose readings are sent and then settled together."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from api.demo.fleet import Plant
from oracle.errors import ConfigError
from oracle.metering.interval import MS_PER_DAY, last_closed_day_end

DEMO_UTC_OFFSET_S = 8 * 3600
"""Hong Kong and Hunan keep the same time."""
MOST_REPORTS = 31
"""A long recording is settled in at most so many reports."""


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
