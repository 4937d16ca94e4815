"""What is set aside before readings are held against each other: rules that need one reading, or two at one instant."""

from collections import Counter

import numpy as np

from oracle.metering.by_power import reversed_current
from oracle.metering.collation import DatedEvent, Observations
from oracle.metering.meter import LARGEST_REGISTER_WH, Meter
from oracle.metering.observed import Integers, Rejections, Track
from oracle.metering.reasons import Reason
from oracle.metering.validation import is_sentinel


def usable(meter: Meter, observations: Observations, cutoff_ms: int, rejections: Rejections) -> tuple[Track, Integers]:
    """Return the usable readings in time order, each once, and the instants of contested ones."""
    kept = np.ones(len(observations), dtype=np.bool_)
    for reason, unusable in (
        (Reason.REVOKED, observations.revoked),
        (Reason.FUTURE, observations.time_ms > cutoff_ms),
        (Reason.EQUIVOCATION, observations.contested),
        (Reason.ABSENT, ~observations.present),
        (Reason.SENTINEL, is_sentinel(observations.register_wh)),
    ):
        falls = kept & unusable
        rejections.add(observations.time_ms[falls], observations.register_wh[falls], reason)
        kept &= ~unusable
    within = observations.contested & ~observations.revoked & (observations.time_ms <= cutoff_ms)
    track = _distinct(observations, np.flatnonzero(kept), rejections)
    track = rejections.sift(track, reversed_current(track, meter), Reason.REVERSED)
    return track, np.unique(observations.time_ms[within])


def _distinct(observations: Observations, kept: Integers, rejections: Rejections) -> Track:
    """Put readings into time order and keep each (instant, register) once: of those that differ in power, the lowest."""
    track = Track(
        observations.time_ms[kept],
        observations.register_wh[kept],
        np.where(observations.has_power, observations.power_w, 0)[kept],
        observations.has_power[kept],
    )
    track = track[np.lexsort((track.power_w, ~track.has_power, track.register_wh, track.time_ms))]
    again = np.zeros(len(track), dtype=np.bool_)
    again[1:] = (np.diff(track.time_ms) == 0) & (np.diff(track.register_wh) == 0)
    return rejections.sift(track, again, Reason.DUPLICATE)


def signed_moves(
    meter: Meter, events: frozenset[DatedEvent], cutoff_ms: int, rejections: Rejections
) -> list[DatedEvent]:
    """Return the signed baseline moves up to the cutoff, in time order.

    Dropped are those before the register confirmed at registration, which only the registry moves; those with a number
    that no register reaches; and all that contradict each other.
    """
    due = sorted(event for event in events if event.time_ms <= cutoff_ms)
    later = [event for event in due if meter.baseline is None or event.time_ms > meter.baseline.time_ms]
    possible = [event for event in later if max(event.closing_wh, event.opening_wh) <= LARGEST_REGISTER_WH]
    events_at = Counter(event.time_ms for event in possible)
    sound = [event for event in possible if events_at[event.time_ms] == 1]
    for reason, dropped in (
        (Reason.BEFORE_BASELINE, sorted({*due} - {*later})),
        (Reason.SENTINEL, sorted({*later} - {*possible})),
        (Reason.CONFLICTING_EVENT, sorted({*possible} - {*sound})),
    ):
        times = np.array([event.time_ms for event in dropped], dtype=np.int64)
        rejections.add(times, np.array([event.closing_wh for event in dropped], dtype=np.int64), reason)
    return sound
