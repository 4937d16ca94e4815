"""What a recorded file holds, and the error that refuses one."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from devices.readings import Column, EventKind, Readings, RegisterEvent

Kind = Literal["register", "interval", "power"]
"""What a file holds of a meter: its own register, energy by interval, or power. Only the first is what a meter counted."""


class RecordingError(ValueError):
    """A recorded file was refused, whole.

    `line` counts from 1 (in Parquet it is a row) and is None where the fault is the file's as a whole.
    """

    def __init__(self, path: Path, line: int | None, what: str) -> None:
        super().__init__(f"{path}: {what}" if line is None else f"{path}, line {line}: {what}")
        self.path = path
        self.line = line
        self.what = what


@dataclass(frozen=True)
class RecordedMeter:
    """One meter's readings, in file order, doubles included."""

    readings: Readings
    source_name: str
    """What the file calls the meter."""
    nameplate_w: int | None
    """Nameplate power if the file tells it [W]."""
    kind: Kind = "register"
    """Where `interval` or `power`, the register was counted up by the reader: it backs nothing unless that class is declared."""


@dataclass(frozen=True)
class Recording:
    """A recorded file, read."""

    path: Path
    format: str
    """`csv`, `parquet`, `sma-csv3`, `nem12`, `dsmr-p1` or `mapped`."""
    meters: dict[str, RecordedMeter]
    """By meter id, in order of first appearance."""
    notes: list[str]
    """What a reader should know: assumptions made, readings without a register."""


@dataclass
class Series:
    """One meter's columns while they are being read, as Python numbers; None is absent."""

    time_ms: list[int] = field(default_factory=list)
    export_wh: list[int | None] = field(default_factory=list)
    import_wh: list[int | None] = field(default_factory=list)
    power_w: list[int | None] = field(default_factory=list)
    events: dict[int, tuple[EventKind, int, int]] = field(default_factory=dict)

    def to_readings(self) -> Readings:
        """Return the rows as columns of int64; a column that is absent on every row is left out."""
        return Readings(
            np.array(self.time_ms, dtype=np.int64),
            _column(self.export_wh),
            _column(self.import_wh),
            _column(self.power_w),
            tuple(RegisterEvent(index, *event) for index, event in self.events.items()),
        )


def _column(numbers: list[int | None]) -> Column | None:
    return None if all(number is None for number in numbers) else Column.of(numbers)
