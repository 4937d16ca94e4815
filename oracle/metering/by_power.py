"""What the power of the same readings says about the register. Power is signed, but informative: it can only take away.

The energy between two readings that carry power is the mean of both powers times the time between, where they are no more than
half an hour apart.
"""

import numpy as np

from oracle.metering.ceiling import PPM
from oracle.metering.interval import MS_PER_DAY, MS_PER_HOUR
from oracle.metering.meter import Meter
from oracle.metering.observed import Flags, Integers, Track

LONGEST_PAIR_MS = 1_800_000
"""Readings further apart say nothing of the power between them."""
NOTICEABLE_PPM = 20_000
"""Power below this share of nameplate may be rounding, tare or standby [ppm]."""
TOO_MUCH_TIMES_HALVES = 3
"""A day's register may rise to 3/2 of what the power says: the next wrong factor anyone has seen is 2."""
DAY_TOLERANCE_MS = 10_000
"""And by ten seconds of nameplate, so that what a register rounds makes no case."""


def over_capacity(track: Track, meter: Meter) -> Flags:
    """Mark readings whose power is above the largest power."""
    return track.has_power & (track.power_w > meter.largest_power_w)


def reversed_current(track: Track, meter: Meter) -> Flags:
    """Mark readings at which something that only generates draws power, on days on which it often draws noticeable power."""
    if not meter.generates_only:
        return np.zeros(len(track), dtype=np.bool_)
    drawing = track.has_power & (track.power_w < 0)
    much = drawing & (track.power_w * -PPM > meter.nameplate_w * NOTICEABLE_PPM)
    return drawing & on_days_of(track.time_ms, track.time_ms[much], meter)


def draws(meter: Meter, start_ms: Integers, end_ms: Integers, drawn_wh: Integers) -> Flags:
    """Mark steps of the import register of something that only generates, on days on which it often drew noticeable energy: shape (n,)."""
    if not meter.generates_only:
        return np.zeros(len(drawn_wh), dtype=np.bool_)
    hours, rest_ms = np.divmod(end_ms - start_ms, MS_PER_HOUR)  # years times a gigawatt would leave 64 bits
    power_w = _noticeable_w(meter)
    much = drawn_wh > hours * power_w + rest_ms * power_w // MS_PER_HOUR + 3 * meter.resolution_wh
    return (drawn_wh > 0) & on_days_of(end_ms, end_ms[much], meter)


def on_days_of(time_ms: Integers, marked_ms: Integers, meter: Meter) -> Flags:
    """Mark what is dated (shape (n,)) on local days on which as many marked instants fall as confirm a register."""
    offset_ms = meter.utc_offset_s * 1000
    days, how_many = np.unique((marked_ms - 1 + offset_ms) // MS_PER_DAY, return_counts=True)
    found: Flags = np.isin((time_ms - 1 + offset_ms) // MS_PER_DAY, days[how_many >= meter.confirmations])
    return found


def _noticeable_w(meter: Meter) -> int:
    return meter.nameplate_w * NOTICEABLE_PPM // PPM


def stuck(track: Track, meter: Meter) -> Flags:
    """Mark readings whose register is that of the reading before although power was noticeable at both. Shape (n,)."""
    marked = np.zeros(len(track), dtype=np.bool_)
    if len(track) < 2:
        return marked
    span_ms, energy_w_ms, known = _pairs(track)
    both = np.minimum(track.power_w[:-1], track.power_w[1:]) > 0
    noticeable_w_ms = (
        np.minimum(span_ms, LONGEST_PAIR_MS) * _noticeable_w(meter) + 3 * meter.resolution_wh * MS_PER_HOUR
    )
    marked[1:] = known & both & (np.diff(track.register_wh) == 0) & (energy_w_ms > noticeable_w_ms)
    return marked


def overstated_days(track: Track, meter: Meter) -> Flags:
    """Mark steps of corroborated readings (shape (n - 1,)) that end on a local day whose register rose far more than the power says."""
    if len(track) < 2:
        return np.zeros(0, dtype=np.bool_)
    _, energy_w_ms, known = _pairs(track)
    if not known.any():
        return np.zeros(len(track) - 1, dtype=np.bool_)
    day = (track.time_ms[1:] - 1 + meter.utc_offset_s * 1000) // MS_PER_DAY
    days, place = np.unique(day, return_inverse=True)
    rose_wh, by_power_w_ms = np.zeros((2, len(days)), dtype=np.int64)
    np.add.at(rose_wh, place[known], np.diff(track.register_wh)[known])
    np.add.at(by_power_w_ms, place[known], energy_w_ms[known])
    by_power_wh = by_power_w_ms // MS_PER_HOUR
    tolerance_wh = meter.nameplate_w * DAY_TOLERANCE_MS // MS_PER_HOUR + 2 * meter.resolution_wh
    too_much: Flags = 2 * rose_wh > TOO_MUCH_TIMES_HALVES * by_power_wh + 2 * tolerance_wh
    marked: Flags = too_much[place]
    return marked


def _pairs(track: Track) -> tuple[Integers, Integers, Flags]:
    """Of each two neighbours: time between [ms], energy by their power [W x ms], and whether both are known and near."""
    span_ms = np.diff(track.time_ms)
    delivered_w = np.maximum(track.power_w, 0)
    near_ms = np.minimum(span_ms, LONGEST_PAIR_MS)
    energy_w_ms: Integers = (delivered_w[:-1] + delivered_w[1:]) * near_ms // 2
    known: Flags = track.has_power[:-1] & track.has_power[1:] & (span_ms <= LONGEST_PAIR_MS)
    return span_ms, energy_w_ms, known
