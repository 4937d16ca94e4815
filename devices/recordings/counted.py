"""A register counted up from energy by interval, for files that hold no register.

    intervals       [ 10:00  e1  [ 10:30  e2  [ 11:00   none   [ 12:00  e3  [ 12:30
    register        0          e1         e1+e2                e1+e2      e1+e2+e3

It begins at zero, and stands where the sum of all intervals so far stands, rounded down once. An interval without a
usable figure has no reading at its end and adds nothing. What is counted so is no meter's own register, and says so: its
kind is `interval` or `power`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from devices.readings import Column, Readings
from devices.recordings.exact import UNITS_PER_WH
from devices.recordings.recording import Series


@dataclass
class CountedRegister:
    """One direction of one meter; intervals are added in time order."""

    points: list[tuple[int, int | None]] = field(default_factory=list)
    """(instant [ms UTC], register [Wh] or None where there is none)."""
    _total: int = 0
    """Sum so far [10^-18 W ms]."""

    def add(self, start_ms: int, end_ms: int, energy: int | None) -> None:
        """Count one interval's energy [10^-18 W ms], or that it has none that is usable.

        Raises:
            ValueError: energy is negative, or the interval begins before the one before it ends.

        """
        last_ms = self.points[-1][0] if self.points else None
        if last_ms is not None and start_ms < last_ms:
            raise ValueError("the interval begins before the one before it ends: nothing may be counted twice")
        if energy is not None and energy < 0:
            raise ValueError("energy is negative")
        if start_ms != last_ms:
            self.points.append((start_ms, self._register_wh()))
        self._total += energy or 0
        self.points.append((end_ms, None if energy is None else self._register_wh()))

    def _register_wh(self) -> int:
        register_wh = self._total // UNITS_PER_WH
        if register_wh >> 63:
            raise ValueError("the sum of all intervals is not below 2^63 Wh")
        return register_wh


def to_series(exported: CountedRegister | None, imported: CountedRegister | None) -> Series:
    """Put both directions of a meter on one time axis."""
    exports, imports = (dict(register.points) if register else {} for register in (exported, imported))
    series = Series()
    series.time_ms = sorted({*exports, *imports})
    series.export_wh = [exports.get(time_ms) for time_ms in series.time_ms]
    series.import_wh = [imports.get(time_ms) for time_ms in series.time_ms]
    series.power_w = [None] * len(series.time_ms)
    return series


def continue_counting(pieces: Sequence[Readings]) -> list[Readings]:
    """Let the counted registers of several files of one meter go on from each other, in time order.

    Raises:
        ValueError: two files hold intervals of the same time, which would count twice.

    """
    in_order = sorted(pieces, key=lambda piece: int(piece.time_ms[0]))
    continued: list[Readings] = []
    base_wh = [0, 0]
    for piece in in_order:
        rows = piece
        if continued:
            end_ms = int(continued[-1].time_ms[-1])
            if int(piece.time_ms[0]) < end_ms:
                raise ValueError("two files hold intervals of the same time: nothing may be counted twice")
            rows = piece[int(int(piece.time_ms[0]) == end_ms) :]
        exported, imported = _raised(rows.export_wh, base_wh[0]), _raised(rows.import_wh, base_wh[1])
        continued.append(replace(rows, export_wh=exported, import_wh=imported))
        base_wh = [_reached_wh(exported, base_wh[0]), _reached_wh(imported, base_wh[1])]
    return continued


def _raised(column: Column | None, base_wh: int) -> Column | None:
    return None if column is None else Column((column.numbers + base_wh) * column.present, column.present)


def _reached_wh(column: Column | None, base_wh: int) -> int:
    if column is None or not column.present.any():
        return base_wh
    return int(column.numbers[column.present].max())
