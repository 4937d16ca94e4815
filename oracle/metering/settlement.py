"""Register differences and their standing: the heart of the oracle, as a pure function of the set of readings.

For every meter, `attested + withheld + disputed` equals the last minus the first corroborated register, adjusted by
signed baseline moves. Nothing is estimated, nothing is spread, and a register that falls mints nothing until it has
climbed back.
"""

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from oracle.metering.collation import DatedEvent, Observations, count
from oracle.metering.meter import LARGEST_REGISTER_WH, Meter
from oracle.metering.rollover import unwrap
from oracle.metering.validation import Reason, headroom_wh, is_sentinel, longest_consistent_chain, reason_off_chain

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Standing(IntEnum):
    """What a settled watt-hour may be used for."""

    ATTESTED = 0
    """It may mint."""
    WITHHELD = 1
    """It may be attested later."""
    DISPUTED = 2
    """The device contradicts itself about it."""


@dataclass(frozen=True, eq=False)
class Settlement:
    """What one register produced up to the cutoff, step by step. Columns have shape (n,), ordered by time."""

    meter_id: str
    start_ms: Integers
    """Start of each step, exclusive [ms UTC]."""
    end_ms: Integers
    """End of each step, inclusive [ms UTC]."""
    energy_wh: Integers
    """Register difference of each step [Wh]."""
    standing: NDArray[np.int8]
    """`Standing` of each step."""
    rejected: dict[Reason, int]
    """How many readings were not used, by reason."""
    first_register_wh: int | None
    """First corroborated register [Wh], None if nothing was corroborated."""
    first_time_ms: int | None
    """Instant of that register [ms UTC]."""
    last_register_wh: int | None
    """Register at the end of the last step [Wh], None if nothing was corroborated."""
    last_time_ms: int | None
    """Instant of that register [ms UTC]."""

    def total_wh(self, standing: Standing) -> int:
        """Sum of the steps of one standing [Wh]."""
        return int(self.energy_wh[self.standing == standing].sum())


@dataclass(frozen=True, eq=False)
class _Trace:
    """The corroborated readings between two baseline moves."""

    time_ms: Integers
    register_wh: Integers


def settle_register(meter: Meter, observations: Observations, cutoff_ms: int) -> Settlement:
    """Settle one register up to and including the cutoff.

    Args:
        meter: limits of the meter.
        observations: everything it reported, in any order and multiplicity.
        cutoff_ms: readings dated later wait for a later report [ms UTC].

    Returns:
        The same energy for any order and any multiplicity of the same readings; only tallies of rejected readings count repeats.

    """
    rejected: dict[Reason, int] = {}
    time_ms, register_wh, contested_ms = _usable(observations, cutoff_ms, rejected)
    moves = _moves(meter, observations.events, cutoff_ms, rejected)
    traces = [
        _trace(meter, time_ms, register_wh, since=since, until=until, rejected=rejected)
        for since, until in zip([None, *moves], [*moves, None], strict=True)
    ]
    return _account(meter, traces, contested_ms, rejected)


def _usable(
    observations: Observations, cutoff_ms: int, rejected: dict[Reason, int]
) -> tuple[Integers, Integers, Integers]:
    """Return (time, register) of usable readings in time order, each once, and the instants of contested ones."""
    kept = np.ones(len(observations), dtype=np.bool_)
    for reason, unusable in (
        (Reason.REVOKED, observations.revoked),
        (Reason.FUTURE, observations.time_ms > cutoff_ms),
        (Reason.EQUIVOCATION, observations.contested),
        (Reason.ABSENT, ~observations.present),
        (Reason.SENTINEL, is_sentinel(observations.register_wh)),
    ):
        count(rejected, reason, int((kept & unusable).sum()))
        kept &= ~unusable
    within = observations.contested & ~observations.revoked & (observations.time_ms <= cutoff_ms)
    pairs = np.stack((observations.time_ms[kept], observations.register_wh[kept]))
    unique = np.unique(pairs, axis=1)
    count(rejected, Reason.DUPLICATE, pairs.shape[1] - unique.shape[1])
    return unique[0], unique[1], np.unique(observations.time_ms[within])


def _moves(
    meter: Meter, events: frozenset[DatedEvent], cutoff_ms: int, rejected: dict[Reason, int]
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
    count(rejected, Reason.BEFORE_BASELINE, len(due) - len(later))
    count(rejected, Reason.SENTINEL, len(later) - len(possible))
    count(rejected, Reason.CONFLICTING_EVENT, len(possible) - len(sound))
    return sound


def _trace(  # noqa: PLR0913  the span of a trace has two ends, and rejections are tallied across traces
    meter: Meter,
    time_ms: Integers,
    register_wh: Integers,
    *,
    since: DatedEvent | None,
    until: DatedEvent | None,
    rejected: dict[Reason, int],
) -> _Trace:
    """Find the corroborated readings between two signed moves (or the ends of the series)."""
    first = 0 if since is None else int(np.searchsorted(time_ms, since.time_ms))
    end = len(time_ms) if until is None else int(np.searchsorted(time_ms, until.time_ms))
    times, registers = time_ms[first:end], register_wh[first:end]
    if until is not None:
        times, registers = np.append(times, until.time_ms), np.append(registers, until.closing_wh)
    if meter.modulus_wh is not None:
        shown = registers < meter.modulus_wh
        count(rejected, Reason.JUMP, int((~shown).sum()))
        times, registers = times[shown], registers[shown]
        registers = unwrap(times, registers, meter)
    anchor = _anchor(meter, since)
    if anchor is not None:
        tolerance_wh = meter.tolerance_wh if since is None else 0  # else every signed move would grant it once more
        times, registers = _after_anchor(meter, times, registers, anchor, tolerance_wh, rejected)
    on_chain = longest_consistent_chain(times, registers, meter)
    _tally_off_chain(registers, on_chain, anchor[1] if anchor else 0, rejected)
    times, registers = times[on_chain], registers[on_chain]
    if anchor is not None:
        times, registers = np.insert(times, 0, anchor[0]), np.insert(registers, 0, anchor[1])
    return _Trace(times, registers)


def _anchor(meter: Meter, since: DatedEvent | None) -> tuple[int, int] | None:
    """(instant, register) from which a trace must start: a signed opening, or the register confirmed at registration."""
    if since is not None:
        return since.time_ms, since.opening_wh
    return (meter.baseline.time_ms, meter.baseline.register_wh) if meter.baseline else None


def _after_anchor(  # noqa: PLR0913, PLR0917  readings come as two columns, and rejections are tallied across traces
    meter: Meter,
    time_ms: Integers,
    register_wh: Integers,
    anchor: tuple[int, int],
    tolerance_wh: int,
    rejected: dict[Reason, int],
) -> tuple[Integers, Integers]:
    """Keep the readings that could have followed the anchor."""
    anchor_ms, anchor_wh = anchor
    early = time_ms < anchor_ms
    (headroom_then,) = headroom_wh(np.array([anchor_ms]), np.array([anchor_wh]), meter)
    jump = ~early & (headroom_wh(time_ms, register_wh, meter) + tolerance_wh < headroom_then)
    zero = ~early & (register_wh == 0) & (anchor_wh > 0)
    decrease = ~early & ~zero & (register_wh < anchor_wh)
    for reason, flags in (
        (Reason.BEFORE_BASELINE, early),
        (Reason.JUMP, jump),
        (Reason.ZERO, zero),
        (Reason.DECREASE, decrease),
    ):
        count(rejected, reason, int(flags.sum()))
    kept = ~(early | jump | zero | decrease)
    return time_ms[kept], register_wh[kept]


def _tally_off_chain(register_wh: Integers, on_chain: Flags, anchor_wh: int, rejected: dict[Reason, int]) -> None:
    if bool(on_chain.all()):
        return
    floor_wh = np.maximum.accumulate(np.where(on_chain, register_wh, anchor_wh))
    for i in np.flatnonzero(~on_chain):
        count(rejected, reason_off_chain(int(register_wh[i]), int(floor_wh[i])), 1)


def _account(meter: Meter, traces: list[_Trace], contested_ms: Integers, rejected: dict[Reason, int]) -> Settlement:
    """Turn corroborated readings into steps, and give each its standing."""
    start_ms = np.concatenate([trace.time_ms[:-1] for trace in traces])
    end_ms = np.concatenate([trace.time_ms[1:] for trace in traces])
    energy_wh = np.concatenate([np.diff(trace.register_wh) for trace in traces])
    standing = np.full(len(energy_wh), Standing.ATTESTED, dtype=np.int8)
    last = traces[-1]
    if len(last.time_ms) > 1 and energy_wh[-1] > 0:
        standing[-1] = Standing.WITHHELD
    spans_contested = np.searchsorted(contested_ms, end_ms, side="right") > np.searchsorted(
        contested_ms, start_ms, side="right"
    )
    standing[spans_contested & (energy_wh > 0)] = Standing.DISPUTED
    known = len(last.time_ms) > 0
    first = next((trace for trace in traces if len(trace.time_ms)), last)
    return Settlement(
        meter_id=meter.meter_id,
        start_ms=start_ms,
        end_ms=end_ms,
        energy_wh=energy_wh,
        standing=standing,
        rejected=dict(sorted(rejected.items())),
        first_register_wh=int(first.register_wh[0]) if len(first.time_ms) else None,
        first_time_ms=int(first.time_ms[0]) if len(first.time_ms) else None,
        last_register_wh=int(last.register_wh[-1]) if known else None,
        last_time_ms=int(last.time_ms[-1]) if known else None,
    )
