"""What is wrong with readings that the longest consistent chain leaves out: a name for each, for people. No energy follows from it."""

import numpy as np
from numpy.typing import NDArray

from oracle.metering.observed import Flags, Track
from oracle.metering.reasons import CODE, Reason

RETURNS = 3
"""A false register seen so often, with true ones in between, is a source that answers in turn."""


def frozen_runs(track: Track, on_chain: Flags) -> Flags:
    """Mark readings of the chain that repeat a register from which others, left out, leapt: they were stale as well.

    A register that freezes and then catches up leaps by more than the plant can produce. The chain keeps the first of
    the frozen readings that the leap could still follow; which of them it keeps says nothing.
    """
    stale = np.zeros(len(track), dtype=np.bool_)
    off = np.flatnonzero(~on_chain)
    if not len(off):
        return stale
    registers = track.register_wh
    chain = np.flatnonzero(on_chain)
    before = np.searchsorted(chain, off) - 1
    frozen = off[(before >= 0) & (registers[chain[np.maximum(before, 0)]] == registers[off])]
    on = registers[chain]
    repeats = np.isin(on[1:], registers[frozen]) & (np.diff(on) == 0)  # equal registers stand together on a chain
    stale[chain[1:][repeats]] = True
    return stale


def names(track: Track, on_chain: Flags) -> NDArray[np.str_]:
    """Name what is wrong with each reading off the chain, in time order.

    Args:
        track: all usable readings, shape (n,).
        on_chain: which of them are on the chain, shape (n,).

    Returns:
        `Reason` of each reading off the chain, shape (number of those,).

    """
    off = ~on_chain
    registers = track.register_wh[off]
    if not len(registers):
        return np.zeros(0, dtype=CODE)
    reached_wh = np.maximum.accumulate(np.where(on_chain, track.register_wh, 0))[off]
    chain_registers = track.register_wh[on_chain]
    return np.select(
        [
            registers == 0,
            registers == reached_wh,
            _alternating(track, on_chain),
            np.isin(registers, chain_registers),
            registers < reached_wh,
        ],
        [str(Reason.ZERO), str(Reason.STALE), str(Reason.ALTERNATING), str(Reason.REPLAY), str(Reason.DECREASE)],
        default=str(Reason.JUMP),
    ).astype(CODE)


def _alternating(track: Track, on_chain: Flags) -> Flags:
    """Mark readings off the chain whose register was seen at least `RETURNS` times, apart by readings of the chain."""
    off = np.flatnonzero(~on_chain)
    chain_before = np.cumsum(on_chain)[off]
    registers, place = np.unique(track.register_wh[off], return_inverse=True)
    visits = np.zeros(len(registers), dtype=np.int64)
    pairs = np.unique(np.stack((place, chain_before)), axis=1)
    np.add.at(visits, pairs[0], 1)
    alternating: Flags = visits[place] >= RETURNS
    return alternating
