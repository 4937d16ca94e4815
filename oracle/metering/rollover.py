"""Registers that start again from zero at their modulus."""

import numpy as np
from numpy.typing import NDArray

from oracle.metering.meter import LARGEST_REGISTER_WH, Meter
from oracle.metering.validation import steps_are_consistent

Integers = NDArray[np.int64]


def unwrap(time_ms: Integers, register_wh: Integers, meter: Meter) -> Integers:
    """Continue a register past its modulus.

    A fall is a roll-over only if the plant could have produced what is left to the modulus plus the new register, and
    the next reading continues from there; a single false zero near the modulus is therefore not taken for one.

    Args:
        time_ms: instants, ascending, shape (n,) [ms UTC].
        register_wh: registers as shown, below the modulus, shape (n,) [Wh].
        meter: its `modulus_wh` says where the register starts again.

    Returns:
        Registers without the roll-overs, shape (n,) [Wh].

    """
    modulus_wh = meter.modulus_wh
    if modulus_wh is None:
        return register_wh
    turns = np.zeros(len(register_wh), dtype=np.int64)
    for i in np.flatnonzero(np.diff(register_wh) < 0):
        following = slice(i, i + 3)
        continued = register_wh[following].copy()
        continued[1:] += modulus_wh
        if len(continued) == 3 and bool(steps_are_consistent(time_ms[following], continued, meter).all()):
            turns[i + 1 :] += 1
    most_turns = (LARGEST_REGISTER_WH + 1) // modulus_wh - 1
    unwrapped: Integers = register_wh + np.minimum(turns, most_turns) * modulus_wh
    return unwrapped
