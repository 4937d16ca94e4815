"""What a historian answers."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Sample:
    """One reading as its meter sent it: raw, whether or not it was ever settled."""

    time_ms: int
    """Instant [ms UTC]."""
    export_wh: int | None
    """Export register [Wh], None if the reading had none."""
    power_w: int | None
    """Power [W], None if the reading had none."""


class Historian(Protocol):
    """Raw time series of meters."""

    def samples(self, meter_id: str, start_ms: int, end_ms: int) -> list[Sample]:
        """Samples of one meter in [start, end), by time, each instant and register once."""
