"""Net electricity by vintage and closed local day, and how much of it may be claimed.

day         1     2     3     4
net       +900  -200  +100  +300
level      900   700   800  1100
claimable  900   900   900  1100      the highest level so far: a deficit is repaid before more is claimed
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from oracle.metering.interval import MS_PER_DAY, closing_interval_start, vintage_of, year_start_ms
from oracle.metering.settlement import Settlement

Chosen = NDArray[np.bool_]


@dataclass
class NetEnergy:
    """Net electricity of an asset, added up step by step."""

    utc_offset_s: int
    """Local time minus UTC [s]."""
    wh_of_day: dict[tuple[int, int], int] = field(default_factory=dict)
    """Net energy [Wh] by (vintage, start of the local day [ms UTC])."""
    crossing_wh: dict[tuple[int, int], int] = field(default_factory=dict)
    """Energy fed in [Wh] by differences that end in a later vintage, by (vintage, last vintage)."""

    def add_exports(self, settled: Settlement, chosen: Chosen) -> None:
        """Add steps that count for the asset."""
        self._add(settled, chosen, 1)
        for vintage, of_vintage in steps_by_vintage(settled, chosen, self.utc_offset_s):
            late = of_vintage & (settled.end_ms > year_start_ms(vintage + 1, self.utc_offset_s))
            for step in np.flatnonzero(late & (settled.energy_wh > 0)):
                last = vintage_of(int(settled.end_ms[step]) - 1, self.utc_offset_s)
                energy_wh = int(settled.energy_wh[step])
                self.crossing_wh[vintage, last] = self.crossing_wh.get((vintage, last), 0) + energy_wh

    def add_imports(self, settled: Settlement, chosen: Chosen) -> None:
        """Add steps that count against the asset."""
        self._add(settled, chosen, -1)

    def _add(self, settled: Settlement, chosen: Chosen, sign: int) -> None:
        day_ms = closing_interval_start(settled.end_ms, MS_PER_DAY, self.utc_offset_s * 1000)
        for vintage, of_vintage in steps_by_vintage(settled, chosen, self.utc_offset_s):
            days, place = np.unique(day_ms[of_vintage], return_inverse=True)
            sums = np.zeros(len(days), dtype=np.int64)
            np.add.at(sums, place, settled.energy_wh[of_vintage])
            for day, energy_wh in zip(days, sums, strict=True):
                key = vintage, int(day)
                self.wh_of_day[key] = self.wh_of_day.get(key, 0) + sign * int(energy_wh)

    @property
    def claimable_wh(self) -> dict[int, int]:
        """Highest level that the cumulative net energy of each vintage has reached [Wh]."""
        return claimable_wh(self.wh_of_day)


def claimable_wh(wh_of_day: Mapping[tuple[int, int], int]) -> dict[int, int]:
    """Highest level of the cumulative net energy [Wh] of each vintage, from what each (vintage, day) netted.

    Every vintage starts at zero: a deficit on its last day is not carried over.
    """
    level: dict[int, int] = {}
    highest: dict[int, int] = {}
    for vintage, day in sorted(wh_of_day):
        level[vintage] = level.get(vintage, 0) + wh_of_day[vintage, day]
        highest[vintage] = max(highest.get(vintage, 0), level[vintage])
    return highest


def steps_by_vintage(settled: Settlement, chosen: Chosen, utc_offset_s: int) -> list[tuple[int, Chosen]]:
    """Split chosen steps by the year they start in: a difference across New Year belongs to the older vintage."""
    start_ms = settled.start_ms
    if not chosen.any():
        return []
    first, last = (
        vintage_of(int(instant), utc_offset_s) for instant in (start_ms[chosen].min(), start_ms[chosen].max())
    )
    return [
        (
            year,
            chosen
            & (start_ms >= year_start_ms(year, utc_offset_s))
            & (start_ms < year_start_ms(year + 1, utc_offset_s)),
        )
        for year in range(first, last + 1)
    ]
