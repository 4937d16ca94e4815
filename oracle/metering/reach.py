"""How much a plant can have produced up to an instant: its largest power, or less where the sun says so."""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from oracle.metering.ceiling import HALF_HOURS, HALF_MONTHS, PPM, Ceiling
from oracle.metering.interval import MS_PER_DAY, MS_PER_HOUR

Integers = NDArray[np.int64]

HALF_HOUR_MS = 1_800_000
DAYS_OF_CYCLE = 146_097
"""Days after which the Gregorian calendar repeats (400 years)."""
LAST_TIME_MS = 253_402_300_800_000
"""End of the year 9999: no sun is foreseen for later."""


@dataclass(frozen=True, eq=False)
class _Sun:
    """A ceiling for one plant, ready to be summed."""

    power_w: Integers
    """By half-month and half-hour, shape (24, 48) [W]."""
    before_slot: Integers
    """Sum of the day's half-hours before each, shape (24, 49) [W x half-hour]."""
    before_day: Integers
    """Sum of all days of the cycle before each, shape (146098,) [W x half-hour]."""


@cache
def _half_months() -> Integers:
    """Half-month of each day of the calendar's cycle, from 1970-01-01 on: shape (146097,)."""
    days = np.datetime64("1970-01-01") + np.arange(DAYS_OF_CYCLE)
    months = days.astype("datetime64[M]")
    day_of_month = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    half_months: Integers = (months.astype(np.int64) % 12) * 2 + (day_of_month > 15)
    return half_months


@lru_cache(maxsize=64)
def _sun(ceiling: Ceiling, nameplate_w: int, largest_power_w: int) -> _Sun:
    ppm = np.array(ceiling.ppm, dtype=np.int64).reshape(HALF_MONTHS, HALF_HOURS)
    power_w = np.minimum(ppm * nameplate_w // PPM, largest_power_w)
    before_slot = np.zeros((HALF_MONTHS, HALF_HOURS + 1), dtype=np.int64)
    np.cumsum(power_w, axis=1, out=before_slot[:, 1:])
    before_day = np.zeros(DAYS_OF_CYCLE + 1, dtype=np.int64)
    np.cumsum(before_slot[_half_months(), -1], out=before_day[1:])
    return _Sun(power_w, before_slot, before_day)


def reach_wh(time_ms: Integers, ceiling: Ceiling | None, nameplate_w: int, largest_power_w: int) -> Integers:
    """Energy of the ceiling from 1970 up to each instant, rounded down [Wh].

    Args:
        time_ms: instants, shape (n,) [ms UTC].
        ceiling: table, or None where only the largest power is known.
        nameplate_w: rated power [W].
        largest_power_w: largest plausible power [W].

    Returns:
        Shape (n,). 64 bits hold it for every time below 2^53 ms and every power up to 2 GW.

    """
    if ceiling is None:
        hours, rest_ms = np.divmod(time_ms, MS_PER_HOUR)
        constant: Integers = hours * largest_power_w + rest_ms * largest_power_w // MS_PER_HOUR
        return constant
    sun = _sun(ceiling, nameplate_w, largest_power_w)
    days, rest_ms = np.divmod(np.clip(time_ms, 0, LAST_TIME_MS), MS_PER_DAY)
    cycles, day = np.divmod(days, DAYS_OF_CYCLE)
    slot, rest_ms = np.divmod(rest_ms, HALF_HOUR_MS)
    half_month = _half_months()[day]
    whole = cycles * sun.before_day[-1] + sun.before_day[day] + sun.before_slot[half_month, slot]
    part_w_ms = (whole % 2) * HALF_HOUR_MS + sun.power_w[half_month, slot] * rest_ms
    reach: Integers = whole // 2 + part_w_ms // MS_PER_HOUR
    return reach
