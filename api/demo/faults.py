"""Honest faults of a live demo: what they hold back is withheld, explained, and in the books."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from api.demo.fleet import Plant, Source
from devices.readings import Column, Readings

HOUR_MS = 3_600_000
FROZEN_MS = 2 * HOUR_MS
"""How long the logger stands still."""
PERMISSIBLE_ERROR_PPM = 15_000
"""Of a class 1.5 meter."""


@dataclass(frozen=True)
class FrozenLogger:
    """A logger that goes on sending the register that it read at `from_ms`, until `until_ms`."""

    source: Source
    from_ms: int
    until_ms: int

    def between(self, after_ms: int, until_ms: int) -> Readings:
        """Readings of the source, those of the frozen time with the register as it stood."""
        readings = self.source.between(after_ms, until_ms)
        frozen = (readings.time_ms > self.from_ms) & (readings.time_ms <= self.until_ms)
        if readings.export_wh is None or not frozen.any():
            return readings
        (stood,) = self.source.between(self.from_ms - 1, self.from_ms)
        numbers = np.where(frozen, stood.export_wh or 0, readings.export_wh.numbers)
        return replace(readings, export_wh=Column(numbers, readings.export_wh.present))


def with_faults(plants: Sequence[Plant], live_ms: int) -> list[Plant]:
    """Give two of the plants a fault from the beginning of the live part on [ms UTC]; a lone plant has the first only.

    - One meter's calibration falls due: from then on its permissible error is counted against its owner.
    - One logger freezes for two hours: what the plant produces meanwhile waits until later readings bear it out.
    """
    faulty = list(plants)
    roofs = [number for number, plant in enumerate(faulty) if plant.project_id == "hongkong"]
    due = datetime.fromtimestamp(live_ms // 1000, UTC)
    overdue = roofs[0]
    meter = faulty[overdue].meter.model_copy(
        update={"calibration_due": due, "permissible_error_ppm": PERMISSIBLE_ERROR_PPM}
    )
    faulty[overdue] = replace(faulty[overdue], meter=meter)
    if len(roofs) > 1:
        plant = faulty[roofs[1]]
        frozen = FrozenLogger(plant.source, live_ms, live_ms + FROZEN_MS)
        faulty[roofs[1]] = replace(plant, source=frozen)
    return faulty
