"""The corroborated readings of a register between two signed moves, or the ends of its series."""

from dataclasses import dataclass

import numpy as np

from oracle.metering.by_power import on_days_of, over_capacity, stuck
from oracle.metering.collation import DatedEvent
from oracle.metering.corroboration import absorbed, before_young_leap, believed
from oracle.metering.interval import MS_PER_DAY
from oracle.metering.meter import Meter
from oracle.metering.observed import Flags, Rejections, Track
from oracle.metering.off_chain import frozen_runs, names
from oracle.metering.reach import reach_wh
from oracle.metering.reasons import Reason
from oracle.metering.rollover import unwrap
from oracle.metering.validation import headroom_wh, longest_consistent_chain


@dataclass(frozen=True, eq=False)
class Trace:
    """Corroborated readings and what is known of the n - 1 steps between them."""

    track: Track
    """Readings of the chain, n of them."""
    believed: int
    """How many of them, from the first, are confirmed clearly more often than contradicted."""
    too_fast: Flags
    """Steps of local days on which the register rose faster than the plant can produce."""
    by_night: Flags
    """Steps of local days on which it rose while the sun was down."""
    over_capacity: Flags
    """Steps that end on local days on which the power was often above the largest."""


def trace(
    meter: Meter, track: Track, *, since: DatedEvent | None, until: DatedEvent | None, rejections: Rejections
) -> Trace:
    """Find the corroborated readings between two signed moves (or the ends of the series)."""
    first = 0 if since is None else int(np.searchsorted(track.time_ms, since.time_ms))
    end = len(track) if until is None else int(np.searchsorted(track.time_ms, until.time_ms))
    span = track[first:end]
    if until is not None:
        span = span.with_reading(len(span), until.time_ms, until.closing_wh)
    if meter.modulus_wh is not None:
        span = rejections.sift(span, span.register_wh >= meter.modulus_wh, Reason.JUMP)
        span = span.with_registers(unwrap(span.time_ms, span.register_wh, meter))
    anchor = _anchor(meter, since)
    if anchor is None:
        on_chain = longest_consistent_chain(span.time_ms, span.register_wh, meter)
    else:
        span = rejections.sift(span, span.time_ms < anchor[0], Reason.BEFORE_BASELINE)
        tolerance_wh = meter.tolerance_wh if since is None else 0  # else every signed move would grant it once more
        possible = _can_follow(meter, span, anchor, tolerance_wh)
        on_chain = possible.copy()
        on_chain[possible] = longest_consistent_chain(span.time_ms[possible], span.register_wh[possible], meter)
        span, on_chain = span.with_reading(0, *anchor), np.insert(on_chain, 0, values=True)
    return _judge(meter, span, on_chain, anchored=anchor is not None, closed=until is not None, rejections=rejections)


def _anchor(meter: Meter, since: DatedEvent | None) -> tuple[int, int] | None:
    """(instant, register) from which a trace must start: a signed opening, or the register confirmed at registration."""
    if since is not None:
        return since.time_ms, since.opening_wh
    return (meter.baseline.time_ms, meter.baseline.register_wh) if meter.baseline else None


def _can_follow(meter: Meter, span: Track, anchor: tuple[int, int], tolerance_wh: int) -> Flags:
    """Mark the readings that could have followed the anchor."""
    anchor_ms, anchor_wh = anchor
    (headroom_then,) = headroom_wh(np.array([anchor_ms]), np.array([anchor_wh]), meter)
    reachable = headroom_wh(span.time_ms, span.register_wh, meter) + tolerance_wh >= headroom_then
    follows: Flags = reachable & (span.register_wh >= anchor_wh)
    return follows


def _judge(  # noqa: PLR0913  a trace may begin at an anchor and end at an event, and rejections are tallied across traces
    meter: Meter, span: Track, on_chain: Flags, *, anchored: bool, closed: bool, rejections: Rejections
) -> Trace:
    stale = frozen_runs(span, on_chain)
    stale[np.flatnonzero(on_chain)[stuck(span[on_chain], meter)]] = True
    on_chain &= ~stale
    off = ~on_chain
    over = over_capacity(span, meter)
    named = names(span, on_chain)
    named[stale[off]] = str(Reason.STALE)
    named[over[off]] = str(Reason.OVER_CAPACITY)
    rejections.add(span.time_ms[off], span.register_wh[off], named)
    rejections.add(span.time_ms[over & on_chain], span.register_wh[over & on_chain], Reason.OVER_CAPACITY)
    chain = span[on_chain]
    rose_by_night = _rose_by_night(meter, span)
    too_fast = absorbed(span, on_chain, meter.confirmations, over | rose_by_night)
    by_night = _spanning(span, chain, rose_by_night) & too_fast
    if not anchored and len(too_fast):
        too_fast[0] |= _rose_into(span, chain) >= meter.confirmations
    sure = min(believed(span, on_chain, meter.confirmations), before_young_leap(chain, meter))
    return Trace(
        track=chain,
        believed=len(chain) if closed else sure,
        too_fast=_whole_days(meter, chain, too_fast),
        over_capacity=on_days_of(chain.time_ms[1:], span.time_ms[over], meter),
        by_night=_whole_days(meter, chain, by_night),
    )


def _rose_by_night(meter: Meter, span: Track) -> Flags:
    """Mark readings (shape (n,)) whose register is above that of the reading before, with no sun in between.

    A register that had stood still since the sun shone may catch up with what was produced since.
    """
    rose = np.zeros(len(span), dtype=np.bool_)
    if meter.ceiling is not None and len(span) > 1:
        reach = reach_wh(span.time_ms, meter.ceiling, meter.nameplate_w, meter.largest_power_w)
        rise_wh = np.diff(span.register_wh)
        moved = np.append(True, rise_wh != 0)
        since = np.maximum.accumulate(np.where(moved, np.arange(len(span)), 0))[:-1]
        caught_up = rise_wh <= reach[1:] - reach[since] + meter.tolerance_wh
        rose[1:] = (np.diff(reach) == 0) & (rise_wh > meter.tolerance_wh) & ~caught_up
    return rose


def _rose_into(span: Track, chain: Track) -> int:
    """How many readings before the first of the chain stand below it, and not at zero: the way into it rose too fast."""
    before = span.time_ms < chain.time_ms[0]
    return int((before & (span.register_wh > 0) & (span.register_wh <= chain.register_wh[0])).sum())


def _spanning(span: Track, chain: Track, marked: Flags) -> Flags:
    """Mark steps of the chain (shape (m - 1,)) at whose end or within which a marked reading stands."""
    before = np.searchsorted(span.time_ms[marked], chain.time_ms, side="right")
    spanning: Flags = np.diff(before) > 0
    return spanning


def _whole_days(meter: Meter, chain: Track, found: Flags) -> Flags:
    """Mark all steps that end on a local day which a marked step touches: what made that one impossible was there before and after."""
    if not found.any():
        return found
    offset_ms = meter.utc_offset_s * 1000
    first, last = (chain.time_ms[:-1] + offset_ms) // MS_PER_DAY, (chain.time_ms[1:] - 1 + offset_ms) // MS_PER_DAY
    begins, ends = np.searchsorted(last, first[found], side="left"), np.searchsorted(last, last[found], side="right")
    covered = np.zeros(len(last) + 1, dtype=np.int64)
    np.add.at(covered, begins, 1)
    np.add.at(covered, ends, -1)
    marked: Flags = np.cumsum(covered)[:-1] > 0
    return marked
