"""Where in time a register difference belongs.

    readings      a         b    c                   d
                  |---------|----|-------------------|
    intervals  [ 10:00       [ 11:00       [ 12:00       [ 13:00

Intervals are half-open and aligned to the epoch (shifted by a fixed offset for local days). The difference b - a was
produced in (a, b], so it belongs to the interval that holds the instant just before b; a reading exactly on the hour
closes the hour before. A difference that spans several intervals (c to d) is one known number and no known shape: it is
booked whole in the interval that closes it, never spread.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

MS_PER_SECOND = 1000
MS_PER_HOUR = 3_600_000
MS_PER_DAY = 86_400_000
MAX_DURATION_DAYS = 366
"""A leap year: no interval of a ledger is longer."""
MAX_DURATION_DIGITS = 8
"""Of a year in seconds. Longer numbers are not even read, as Python refuses those of thousands of digits."""


def closing_interval_start(end_ms: NDArray[np.int64], interval_ms: int, offset_ms: int = 0) -> NDArray[np.int64]:
    """Start [ms UTC] of the interval that each difference ending at `end_ms` (shape (n,)) closes; `offset_ms` shifts the alignment."""
    return (end_ms - 1 + offset_ms) // interval_ms * interval_ms - offset_ms


def last_closed_day_end(cutoff_ms: int, utc_offset_s: int) -> int:
    """Return the last local midnight [ms UTC] at or before `cutoff_ms`, at a fixed offset from UTC [s]."""
    offset_ms = utc_offset_s * MS_PER_SECOND
    return (cutoff_ms + offset_ms) // MS_PER_DAY * MS_PER_DAY - offset_ms


def vintage_of(instant_ms: int, utc_offset_s: int) -> int:
    """Calendar year of an instant [ms UTC] at a fixed offset from UTC [s].

    Raises:
        OverflowError: the year is beyond 9999.

    """
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=instant_ms, seconds=utc_offset_s)).year


def month_of(instant_ms: int, utc_offset_s: int) -> int:
    """Calendar month (yyyy * 100 + mm) of an instant [ms UTC] at a fixed offset from UTC [s].

    Raises:
        OverflowError: the year is beyond 9999.

    """
    local = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=instant_ms, seconds=utc_offset_s)
    return local.year * 100 + local.month


def year_start_ms(year: int, utc_offset_s: int) -> int:
    """First instant [ms UTC] of a calendar year at a fixed offset from UTC [s]."""
    return (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) - utc_offset_s) * MS_PER_SECOND


def parse_duration_ms(text: str) -> int:
    """Read `15m`, `1h`, `1d` or `30s` as milliseconds, up to `MAX_DURATION_DAYS`.

    Raises:
        ValueError: the text is not a positive whole number followed by s, m, h or d, or is longer than that.

    """
    units = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": MS_PER_DAY}
    digits, unit = text[:-1].lstrip("0"), text[-1:]
    if unit not in units or not digits.isascii() or not digits.isdigit():
        raise ValueError(f"{text[:40]!r} is not a duration: write a whole number and a unit, such as 15m, 1h or 1d")
    if len(digits) > MAX_DURATION_DIGITS or int(digits) * units[unit] > MAX_DURATION_DAYS * MS_PER_DAY:
        raise ValueError(f"{text[:40]!r} is too long a duration: at most {MAX_DURATION_DAYS}d")
    return int(digits) * units[unit]
