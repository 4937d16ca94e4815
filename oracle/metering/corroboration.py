"""When a register is believed: it must be confirmed clearly more often than it is contradicted.

The longest consistent chain is what most readings agree on. Its newest part rests on few readings, and a few false ones can agree
with each other: a clock that runs ahead, or rows replayed from the future. So a register of the chain is believed only when the
readings on the chain, from it on, outnumber those dated later that stand below it by `Meter.confirmations`. A zero
contradicts nobody, unless the register began at zero.

Why four: let faults be at most three of any nine consecutive readings, and let f be the first reading of the chain
above the true register at the cutoff. From f on no true reading is on the chain, and every one contradicts f. Of n
readings from f on, at most 3 of 8, and 6 of 17, are false, so false minus true stays below 4 for every n.
"""

import numpy as np

from oracle.metering.interval import MS_PER_DAY, MS_PER_HOUR
from oracle.metering.meter import Meter
from oracle.metering.observed import Flags, Integers, Track

LEAP_MS = 900_000
"""A rise across a gap by more than so much of nameplate is a leap."""


def believed(track: Track, on_chain: Flags, confirmations: int) -> int:
    """How many readings of the chain, from its start, are believed.

    Args:
        track: all usable readings, shape (n,).
        on_chain: which of them are on the chain, shape (n,).
        confirmations: how many more readings must confirm a register than contradict it, itself included.

    """
    chain = np.flatnonzero(on_chain)
    if not len(chain):
        return 0
    registers = track.register_wh[chain]
    confirming = len(chain) - np.arange(len(chain))
    contradicting = _contradicting(track, on_chain, chain, registers)
    enough = np.flatnonzero(confirming - contradicting >= confirmations)
    return int(enough[-1]) + 1 if len(enough) else 0


def _contradicting(track: Track, on_chain: Flags, chain: Integers, registers: Integers) -> Integers:
    """For each reading of the chain, how many readings off it are dated at or after it and stand below it: shape (m,)."""
    off = ~on_chain
    if registers[0] > 0:
        off &= track.register_wh != 0
    opposed = np.zeros(len(chain) + 1, dtype=np.int64)
    # A reading off the chain contradicts those of the chain dated no later than it and registered above it: as both
    # time and register ascend along the chain, that is one stretch of it.
    dated_by = np.searchsorted(track.time_ms[chain], track.time_ms[off], side="right")
    above = np.searchsorted(registers, track.register_wh[off], side="right")
    stretch = above < dated_by
    np.add.at(opposed, above[stretch], 1)
    np.add.at(opposed, dated_by[stretch], -1)
    counts: Integers = np.cumsum(opposed)[:-1]
    return counts


def before_young_leap(chain: Track, meter: Meter) -> int:
    """How many readings of the chain, from its start, come before a leap across a gap that is younger than a day.

    After a gap a register may have risen by much, or its clock may be wrong, and so may all of the site. Whoever waits a day sees
    which: a wrong clock is put right, and the register falls back. A gap is a step of more than twice the usual length.

    Args:
        chain: readings of the chain, shape (m,).
        meter: says what is much.

    """
    if len(chain) < 2:
        return len(chain)
    span_ms = np.diff(chain.time_ms)
    usual_ms = int(np.sort(span_ms)[len(span_ms) // 2])
    much_wh = meter.nameplate_w * LEAP_MS // MS_PER_HOUR + meter.resolution_wh
    leap = (span_ms > 2 * usual_ms) & (np.diff(chain.register_wh) > much_wh)
    young = np.flatnonzero(leap & (chain.time_ms[1:] > chain.time_ms[-1] - MS_PER_DAY))
    return int(young[0]) + 1 if len(young) else len(chain)


def absorbed(track: Track, on_chain: Flags, least: int, sure: Flags) -> Flags:
    """Mark steps of the chain over which the register rose faster than the plant can produce, and stayed.

    Readings that lie between the two ends of a step, in time and in register, can be off the chain only because the way through them
    rises too fast. A reading that shows the register where the step began is stale, and says nothing of a rise.

    Args:
        track: all usable readings, shape (n,).
        on_chain: which of them are on the chain, m of them.
        least: how many such readings make a case; fewer may be faults of their own.
        sure: readings of which one is enough, because their power says so too, shape (n,).

    Returns:
        Shape (m - 1,) for the steps between readings of the chain (empty if there are none).

    """
    chain = np.flatnonzero(on_chain)
    steps = max(len(chain) - 1, 0)
    witnesses = np.zeros(steps, dtype=np.int64)
    off = np.flatnonzero(~on_chain)
    if not steps or not len(off):
        return witnesses > 0
    step = np.searchsorted(track.time_ms[chain], track.time_ms[off], side="right") - 1
    inside = (step >= 0) & (step < steps)
    off, step = off[inside], step[inside]
    registers = track.register_wh
    between = (registers[off] > registers[chain[step]]) & (registers[off] <= registers[chain[step + 1]])
    np.add.at(witnesses, step[between], np.where(sure[off[between]], least, 1))
    return witnesses >= least
