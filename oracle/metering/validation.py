"""Which readings of a register can be true together.

A register of a plant can only rise, and no faster than the plant can produce. Two readings are *consistent* when the
later one is not lower, and not higher than the earlier one plus the largest plausible energy of the time between.
Faulty readings (false zeros, replays, stale caches, wrong clocks, sentinels) are inconsistent with their neighbours,
but no pair says which of the two is wrong. So no reading is trusted alone: the chain with the most mutually consistent
readings is taken, and everything off the chain is rejected with a reason.

With u = register and v = what the plant could have produced up to then - register (`headroom_wh`), reading i may precede reading j
exactly when u_i <= u_j and v_i <= v_j. That is a partial order, so the largest chain is a longest non-decreasing
subsequence of v after sorting by u: O(n log n) (Fredman 1975). It depends on the set of readings only, not on their
order of arrival.

A register that stands still says one thing, however often it is read: of readings in a row that show the same, only the
first and the last count. Else a stale cache would outvote the truth by patience.
"""

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from oracle.metering.meter import LARGEST_REGISTER_WH, Meter
from oracle.metering.reach import reach_wh

SENTINELS_WH = (2**31 - 1, 2**32 - 1)
"""Error values that real meters report for "no value" (data sheets of 32-bit registers; seen as 2147483.647 and 4294967.295 kWh)."""


def is_sentinel(register_wh: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which registers (shape (n,)) are error values and no measurement."""
    return np.isin(register_wh, SENTINELS_WH) | (register_wh > LARGEST_REGISTER_WH)


def headroom_wh(time_ms: NDArray[np.int64], register_wh: NDArray[np.int64], meter: Meter) -> NDArray[np.int64]:
    """What the plant could have produced from 1970 on, rounded down, less the register [Wh]: shape (n,).

    It falls between two readings by as much as the register rose more than the plant could produce. 64 bits hold it for
    every time below 2^53 ms and every register below 2^53 Wh.
    """
    reach = reach_wh(time_ms, meter.ceiling, meter.nameplate_w, meter.largest_power_w)
    headroom: NDArray[np.int64] = reach - register_wh
    return headroom


def steps_are_consistent(time_ms: NDArray[np.int64], register_wh: NDArray[np.int64], meter: Meter) -> NDArray[np.bool_]:
    """Whether each reading in time order (shape (n,)) could follow all those before it: shape (n - 1,).

    All steps together, not each of them, may exceed what the largest power gives by `tolerance_wh`: else a device that
    reads often enough could rise by its rounding at every step.
    """
    headroom = headroom_wh(time_ms, register_wh, meter)
    possible: NDArray[np.bool_] = headroom[1:] + meter.tolerance_wh >= np.maximum.accumulate(headroom)[:-1]
    return (np.diff(register_wh) >= 0) & possible


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
    headroom = headroom_wh(time_ms, register_wh, meter)
    changes = np.diff(register_wh) != 0
    first, last = np.append(True, changes), np.append(changes, True)
    ends = np.flatnonzero(first | last)
    member = np.zeros(len(register_wh), dtype=np.bool_)
    member[ends[_longest_chain(register_wh[ends].tolist(), headroom[ends].tolist())]] = True
    # What stands still between two readings of the chain stands on it.
    run = np.cumsum(first) - 1
    member |= (member[first] & member[last])[run]
    chain: list[int] = np.flatnonzero(member).tolist()
    member[_rounded_off(register_wh.tolist(), headroom.tolist(), chain, meter.tolerance_wh)] = True
    return member


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


def _rounded_off(u: list[int], v: list[int], chain: list[int], tolerance_wh: int) -> list[int]:
    """Indices that only rounding kept off the chain: within the tolerance of all readings before and after that count."""
    taken: list[int] = []
    place = 0
    last_u, highest_v = 0, min(v)
    for i in range(len(u)):
        if place < len(chain) and i == chain[place]:
            place += 1
        else:
            follows = u[i] >= last_u and v[i] + tolerance_wh >= highest_v
            is_followed = place == len(chain) or (u[i] <= u[chain[place]] and v[i] <= v[chain[place]] + tolerance_wh)
            if not (follows and is_followed):
                continue
            taken.append(i)
        last_u, highest_v = u[i], max(highest_v, v[i])
    return taken
