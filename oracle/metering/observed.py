"""Usable readings of one register in time order, and the list of those that are not used."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from oracle.metering.reasons import CODE, Reason

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Track:
    """Readings of one register in time order. Columns have shape (n,)."""

    time_ms: Integers
    """Instants, ascending [ms UTC]."""
    register_wh: Integers
    """Registers [Wh]."""
    power_w: Integers
    """Power at the instant [W]; without meaning where `has_power` is False."""
    has_power: Flags
    """Whether the reading carries its power."""

    def __len__(self) -> int:
        """Return the number of readings."""
        return len(self.time_ms)

    def __getitem__(self, chosen: "slice | Flags | Integers") -> "Track":
        """Take some of the readings."""
        return Track(self.time_ms[chosen], self.register_wh[chosen], self.power_w[chosen], self.has_power[chosen])

    def with_registers(self, register_wh: Integers) -> "Track":
        """Put other registers in their place."""
        return Track(self.time_ms, register_wh, self.power_w, self.has_power)

    def with_reading(self, place: int, time_ms: int, register_wh: int) -> "Track":
        """Insert a register that is known without power."""
        return Track(
            np.insert(self.time_ms, place, time_ms),
            np.insert(self.register_wh, place, register_wh),
            np.insert(self.power_w, place, 0),
            np.insert(self.has_power, place, values=False),
        )


@dataclass(frozen=True, eq=False)
class Judged:
    """Readings and events that are not used, each with the reason. Columns have shape (n,), in time order."""

    time_ms: Integers
    """Instants [ms UTC]."""
    register_wh: Integers
    """What the register showed [Wh]; without meaning for `absent`."""
    reason: NDArray[np.str_]
    """`Reason` of each."""

    def counts(self) -> dict[Reason, int]:
        """How many there are of each reason, by ascending reason."""
        reasons, how_many = np.unique(self.reason, return_counts=True)
        return {Reason(str(reason)): int(n) for reason, n in zip(reasons, how_many, strict=True)}


@dataclass(eq=False)
class Rejections:
    """Collects what is not used while a register is settled."""

    _parts: list[tuple[Integers, Integers, NDArray[np.str_]]] = field(default_factory=list)

    def add(self, time_ms: Integers, register_wh: Integers, reason: "Reason | NDArray[np.str_]") -> None:
        """Add readings, shape (n,), with one reason for all or one each."""
        if len(time_ms):
            reasons = np.full(len(time_ms), str(reason)) if isinstance(reason, Reason) else reason
            self._parts.append((time_ms, register_wh, reasons.astype(CODE)))

    def sift(self, track: Track, unusable: Flags, reason: Reason) -> Track:
        """Reject some readings of a track and return the others."""
        if not unusable.any():
            return track
        self.add(track.time_ms[unusable], track.register_wh[unusable], reason)
        return track[~unusable]

    def judged(self) -> Judged:
        """Everything rejected so far, in time order."""
        if not self._parts:
            none = np.zeros(0, dtype=np.int64)
            return Judged(none, none, np.zeros(0, dtype=CODE))
        time_ms, register_wh, reason = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        order = np.lexsort((reason, register_wh, time_ms))
        return Judged(time_ms[order], register_wh[order], reason[order])
