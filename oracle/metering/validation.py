"""Which readings of a register can be true together.

A register of a plant can only rise, and no faster than the plant can produce. Two readings are *consistent* when the
later one is not lower, and not higher than the earlier one plus the largest plausible energy of the time between.
Faulty readings (false zeros, replays, stale caches, wrong clocks, sentinels) are inconsistent with their neighbours,
but no pair says which of the two is wrong. So no reading is trusted alone: the chain with the most mutually consistent
readings is taken, and everything off the chain is rejected with a reason.

With u = register and v = P * time - register (P the largest power), reading i may precede reading j exactly when u_i <=
u_j and v_i <= v_j. That is a partial order, so the largest chain is a longest non-decreasing subsequence of v after
sorting by u: O(n log n) (Fredman 1975). It depends on the set of readings only, not on their order of arrival.
"""

from bisect import bisect_right
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from oracle.metering.meter import MS_PER_HOUR, Meter

SENTINELS_WH = (2**31 - 1, 2**32 - 1)
"""Error values that real meters report for "no value" (data sheets of 32-bit registers; seen as 2147483.647 and 4294967.295 kWh)."""


class Reason(StrEnum):
    """Why a reading was rejected, or energy withheld or disputed."""

    ABSENT = "absent"
    """The reading carries no register: neither zero nor a fault."""
    DUPLICATE = "duplicate"
    """The same instant and register were already read."""
    SENTINEL = "sentinel"
    """The register shows a meter's error value."""
    ZERO = "zero"
    """The register shows zero although it had risen before, or is far above soon after."""
    DECREASE = "decrease"
    """The register is below what it had reached; no signed event explains it."""
    JUMP = "jump"
    """The register is above what the plant could have produced."""
    BEFORE_BASELINE = "before_baseline"
    """The reading is older than the register confirmed at registration."""
    EQUIVOCATION = "equivocation"
    """The device signed two different readings under one sequence number."""
    FUTURE = "future"
    """The reading is dated after the cutoff: it waits for a later report."""
    CONFLICTING_EVENT = "conflicting_event"
    """Two different register events were signed for one instant: neither is applied."""
    REVOKED = "revoked"
    """The key had been revoked from this sequence number on."""
    UNCORROBORATED = "uncorroborated"
    """Withheld: no later reading confirms the register yet."""


def steps_are_consistent(time_ms: NDArray[np.int64], register_wh: NDArray[np.int64], meter: Meter) -> NDArray[np.bool_]:
    """Whether each step of readings in time order (shape (n,)) could have happened: shape (n - 1,).

    A step may exceed what the largest power gives by one `resolution_wh`, because both ends are rounded down.
    """
    rise = np.diff(register_wh)
    seconds = np.diff(time_ms) // 1000 + 1
    return (rise >= 0) & (rise <= seconds * meter.largest_power_w // 3600 + meter.resolution_wh)


def longest_consistent_chain(
    time_ms: NDArray[np.int64], register_wh: NDArray[np.int64], meter: Meter
) -> NDArray[np.bool_]:
    """Mark the readings of the largest mutually consistent set.

    Args:
        time_ms: instants, ascending, shape (n,) [ms UTC].
        register_wh: registers, shape (n,) [Wh].
        meter: gives the largest power and the register's resolution.

    Returns:
        Membership, shape (n,). All True on clean series, which is found without sorting.

    """
    if len(time_ms) < 2 or bool(steps_are_consistent(time_ms, register_wh, meter).all()):
        return np.ones(len(time_ms), dtype=np.bool_)
    u = [int(wh) for wh in register_wh]
    slack = [meter.largest_power_w * int(ms) - wh * MS_PER_HOUR for ms, wh in zip(time_ms, u, strict=True)]
    member = np.zeros(len(u), dtype=np.bool_)
    member[_longest_chain(u, slack)] = True
    return _with_rounded_readings(time_ms, register_wh, member, meter)


def _longest_chain(u: list[int], v: list[int]) -> list[int]:
    """Indices of a longest sequence in which both keys never fall (patience sorting)."""
    tails: list[int] = []
    tail_keys: list[int] = []
    before = [-1] * len(u)
    for i in sorted(range(len(u)), key=lambda index: (u[index], v[index], index)):
        place = bisect_right(tail_keys, v[i])
        before[i] = tails[place - 1] if place else -1
        if place == len(tails):
            tails.append(i)
            tail_keys.append(v[i])
        else:
            tails[place] = i
            tail_keys[place] = v[i]
    chain = []
    i = tails[-1]
    while i >= 0:
        chain.append(i)
        i = before[i]
    return chain[::-1]


def _with_rounded_readings(
    time_ms: NDArray[np.int64], register_wh: NDArray[np.int64], member: NDArray[np.bool_], meter: Meter
) -> NDArray[np.bool_]:
    """Take back readings that only the register's rounding had kept off the chain: consistent with the chain on both sides."""
    on_chain = np.flatnonzero(member)
    taken = member.copy()
    for i in np.flatnonzero(~member):
        place = int(np.searchsorted(on_chain, i))
        around = [int(on_chain[place - 1])] if place else []
        around.append(int(i))
        around += [int(on_chain[place])] if place < len(on_chain) else []
        if bool(steps_are_consistent(time_ms[around], register_wh[around], meter).all()):
            taken[i] = True
            on_chain = np.insert(on_chain, place, i)
    return taken


def reason_off_chain(register_wh: int, chain_floor_wh: int) -> Reason:
    """Name what is wrong with a reading off the chain, given the chain's register [Wh] at or before its instant."""
    if register_wh == 0:
        return Reason.ZERO
    return Reason.DECREASE if register_wh < chain_floor_wh else Reason.JUMP
