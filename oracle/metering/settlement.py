"""Register differences and their standing: the heart of the oracle, as a pure function of the set of readings.

For every meter, `attested + withheld + disputed` equals the last minus the first corroborated register, adjusted by
signed baseline moves. Nothing is estimated, nothing is spread, and a register that falls mints nothing until it has
climbed back.

In this order:
  - readings that say nothing, wait, are contested or revoked, or are error values, are set aside, as are those whose own power
    is impossible (`screening`);
  - between two signed moves of the register, the largest set of readings that can be true together is taken, from the
    register confirmed at registration on (`trace`);
  - each difference between two of them is a step, attested, withheld or disputed, with a reason.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from oracle.metering.by_power import overstated_days
from oracle.metering.calibration import reduction_up
from oracle.metering.collation import Observations
from oracle.metering.meter import Meter
from oracle.metering.observed import Integers, Judged, Rejections
from oracle.metering.reasons import CODE, Reason
from oracle.metering.screening import signed_moves, usable
from oracle.metering.trace import Trace, trace


class Standing(IntEnum):
    """What a settled watt-hour may be used for."""

    ATTESTED = 0
    """It may mint."""
    WITHHELD = 1
    """It may be attested later."""
    DISPUTED = 2
    """The meter, its neighbours or the sun contradict it."""


@dataclass(frozen=True, eq=False)
class Settlement:
    """What one register produced up to the cutoff, step by step. Columns have shape (n,), ordered by time.

    A step of which a part is withheld stands here twice, with the same ends.
    """

    meter_id: str
    start_ms: Integers
    """Start of each step, exclusive [ms UTC]."""
    end_ms: Integers
    """End of each step, inclusive [ms UTC]."""
    energy_wh: Integers
    """Register difference of each step [Wh]."""
    standing: NDArray[np.int8]
    """`Standing` of each step."""
    reason: NDArray[np.str_]
    """`Reason` of each step that is not attested, else empty."""
    judged: Judged
    """Readings and events that were not used."""
    first_register_wh: int | None
    """First corroborated register [Wh], None if nothing was corroborated."""
    first_time_ms: int | None
    """Instant of that register [ms UTC]."""
    last_register_wh: int | None
    """Register at the end of the last step [Wh], None if nothing was corroborated."""
    last_time_ms: int | None
    """Instant of that register [ms UTC]."""

    @property
    def rejected(self) -> dict[Reason, int]:
        """How many readings were not used, by reason."""
        return self.judged.counts()

    def total_wh(self, standing: Standing) -> int:
        """Sum of the steps of one standing [Wh]."""
        return int(self.energy_wh[self.standing == standing].sum())


def settle_register(
    meter: Meter, observations: Observations, cutoff_ms: int, drawing_ms: Integers | None = None
) -> Settlement:
    """Settle one register up to and including the cutoff.

    Args:
        meter: limits of the meter.
        observations: everything it reported, in any order and multiplicity.
        cutoff_ms: readings dated later wait for a later report [ms UTC].
        drawing_ms: instants at which the import register shows that it stands the wrong way round [ms UTC].

    Returns:
        The same energy for any order and any multiplicity of the same readings; only tallies of rejected readings count repeats.

    """
    rejections = Rejections()
    track, contested_ms = usable(meter, observations, cutoff_ms, rejections)
    if drawing_ms is not None:
        track = rejections.sift(track, np.isin(track.time_ms, drawing_ms), Reason.REVERSED)
    moves = signed_moves(meter, observations.events, cutoff_ms, rejections)
    traces = [
        trace(meter, track, since=since, until=until, rejections=rejections)
        for since, until in zip([None, *moves], [*moves, None], strict=True)
    ]
    return _account(meter, traces, contested_ms, rejections.judged())


def _account(meter: Meter, traces: list[Trace], contested_ms: Integers, judged: Judged) -> Settlement:
    """Turn corroborated readings into steps, and give each its standing."""
    start_ms = np.concatenate([one.track.time_ms[:-1] for one in traces])
    end_ms = np.concatenate([one.track.time_ms[1:] for one in traces])
    energy_wh = np.concatenate([np.diff(one.track.register_wh) for one in traces])
    impossible = np.concatenate([one.too_fast for one in traces])
    beyond = np.concatenate([one.over_capacity for one in traces])
    by_night = np.concatenate([one.by_night for one in traces])
    overstated = np.concatenate([overstated_days(one.track, meter) for one in traces])
    unbelieved = np.concatenate([np.arange(1, max(len(one.track), 1)) >= one.believed for one in traces])
    spans_contested = np.searchsorted(contested_ms, end_ms, side="right") > np.searchsorted(
        contested_ms, start_ms, side="right"
    )
    standing = np.full(len(energy_wh), Standing.ATTESTED, dtype=np.int8)
    reason = np.full(len(energy_wh), "", dtype=CODE)
    rises = energy_wh > 0
    for flags, held, why in (  # the later one counts
        (unbelieved, Standing.WITHHELD, Reason.UNCORROBORATED),
        (overstated, Standing.DISPUTED, Reason.SCALE),
        (beyond, Standing.DISPUTED, Reason.OVER_CAPACITY),
        (impossible, Standing.DISPUTED, Reason.JUMP),
        (by_night, Standing.DISPUTED, Reason.NIGHT),
        (spans_contested, Standing.DISPUTED, Reason.EQUIVOCATION),
    ):
        standing[flags & rises] = held
        reason[flags & rises] = str(why)
    last = traces[-1].track
    first = next((one.track for one in traces if len(one.track)), last)
    settled = Settlement(
        meter_id=meter.meter_id,
        start_ms=start_ms,
        end_ms=end_ms,
        energy_wh=energy_wh,
        standing=standing,
        reason=reason,
        judged=judged,
        first_register_wh=int(first.register_wh[0]) if len(first) else None,
        first_time_ms=int(first.time_ms[0]) if len(first) else None,
        last_register_wh=int(last.register_wh[-1]) if len(last) else None,
        last_time_ms=int(last.time_ms[-1]) if len(last) else None,
    )
    if meter.calibration is None:
        return settled
    attested_wh = np.where(standing == Standing.ATTESTED, energy_wh, 0)
    return hold_back(settled, reduction_up(meter, start_ms, attested_wh), Standing.WITHHELD, Reason.CALIBRATION)


def hold_back(settled: Settlement, held_wh: Integers, standing: Standing, reason: Reason) -> Settlement:
    """Take a part of each attested step [Wh, shape (n,)] out of what is attested; the part becomes a step of its own."""
    taken = np.flatnonzero((held_wh > 0) & (settled.standing == Standing.ATTESTED))
    left_wh = settled.energy_wh.copy()
    left_wh[taken] -= held_wh[taken]
    order = np.argsort(np.append(np.arange(len(left_wh)), taken), kind="stable")
    parts = len(taken)
    return replace(
        settled,
        start_ms=np.append(settled.start_ms, settled.start_ms[taken])[order],
        end_ms=np.append(settled.end_ms, settled.end_ms[taken])[order],
        energy_wh=np.append(left_wh, held_wh[taken])[order],
        standing=np.append(settled.standing, np.full(parts, standing, dtype=np.int8))[order],
        reason=np.append(settled.reason, np.full(parts, str(reason), dtype=CODE))[order],
    )
