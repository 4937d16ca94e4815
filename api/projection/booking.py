"""Ledger entries written into sums: by interval, local day, local month and in all, by standing and reason.

An entry is a change, so each sum is kept by adding it up; what a disabled report takes back comes as entries, too. One way
in, whether it is a node's journal that is followed or a year of a fleet that is filled in at once.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Protocol

from api.projection.store import Writing

DAY_MS = 86_400_000
STANDINGS = 3
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

_ADD = "ON CONFLICT DO UPDATE SET wh = wh + excluded.wh"
_INTERVAL = f"INSERT INTO energy VALUES (?, ?, ?, ?, ?) {_ADD}"  # noqa: S608  our words
_SUMS = {
    table: f"INSERT INTO {table} VALUES ({', '.join('?' * columns)}) {_ADD}"  # noqa: S608  our words
    for table, columns in (("energy_day", 4), ("energy_month", 4), ("energy_total", 3))
}
_EMPTY = {
    "energy": "DELETE FROM energy WHERE asset = ? AND start_ms = ? AND meter = ? AND code = ? AND wh = 0",
    "energy_day": "DELETE FROM energy_day WHERE asset = ? AND day = ? AND code = ? AND wh = 0",
    "energy_month": "DELETE FROM energy_month WHERE asset = ? AND month = ? AND code = ? AND wh = 0",
    "energy_total": "DELETE FROM energy_total WHERE asset = ? AND code = ? AND wh = 0",
}


class Booked(Protocol):
    """A change of one account."""

    @property
    def asset_id(self) -> str:
        """Whose."""

    @property
    def meter_id(self) -> str:
        """Of which meter, as the ledger calls it."""

    @property
    def start_ms(self) -> int:
        """Start of the interval [ms UTC]."""

    @property
    def standing(self) -> int:
        """0 attested, 1 withheld, 2 disputed."""

    @property
    def reason(self) -> str:
        """Reason code; empty where attested."""

    @property
    def energy_wh(self) -> int:
        """Change [Wh]."""


class Booker:
    """Adds entries up within one transaction."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._connection = writing.connection
        self._meters: dict[tuple[int, str], int] = {}
        self._codes: dict[tuple[int, str], int] = {
            (standing, reason): number
            for number, standing, reason in self._connection.execute("SELECT number, standing, reason FROM code")
        }
        self._offsets: dict[int, int] = {}

    def book(self, entries: Sequence[Booked]) -> None:
        """Add entries; the assets' offsets from UTC must be known, else their days are those of UTC."""
        rows = []
        sums: dict[str, dict[tuple[int, ...], int]] = {table: defaultdict(int) for table in _SUMS}
        days, months, totals = sums["energy_day"], sums["energy_month"], sums["energy_total"]
        for entry in entries:
            asset = self._writing.asset(entry.asset_id)
            meter = self._meter(asset, entry.meter_id)
            code = self._code(int(entry.standing), str(entry.reason))
            day = (entry.start_ms + self._offset_ms(asset)) // DAY_MS
            rows.append((asset, entry.start_ms, meter, code, entry.energy_wh))
            days[asset, day, code] += entry.energy_wh
            months[asset, month_of_day(day), code] += entry.energy_wh
            totals[asset, code] += entry.energy_wh
        self._connection.executemany(_INTERVAL, rows)
        self._connection.executemany(_EMPTY["energy"], [row[:4] for row in rows if row[4] <= 0])
        for table, changes in sums.items():
            self._connection.executemany(_SUMS[table], [(*key, wh) for key, wh in changes.items()])
            self._connection.executemany(_EMPTY[table], [key for key, wh in changes.items() if wh <= 0])
        self._writing.touch({key[0] for key in totals})

    def _meter(self, asset: int, name: str) -> int:
        number = self._meters.get((asset, name))
        if number is None:
            self._connection.execute("INSERT OR IGNORE INTO account_meter (asset, name) VALUES (?, ?)", (asset, name))
            query = "SELECT number FROM account_meter WHERE asset = ? AND name = ?"
            number = int(self._connection.execute(query, (asset, name)).fetchone()[0])
            self._meters[asset, name] = number
        return number

    def _code(self, standing: int, reason: str) -> int:
        number = self._codes.get((standing, reason))
        if number is None:
            number = (
                STANDINGS * (max(self._codes.values()) // STANDINGS + 1) + standing
            )  # its remainder is its standing
            self._connection.execute("INSERT INTO code VALUES (?, ?, ?)", (number, standing, reason))
            self._codes[standing, reason] = number
        return number

    def _offset_ms(self, asset: int) -> int:
        offset_ms = self._offsets.get(asset)
        if offset_ms is None:
            query = "SELECT coalesce(utc_offset_s, 0) FROM asset WHERE number = ?"
            offset_ms = self._offsets[asset] = 1000 * int(self._connection.execute(query, (asset,)).fetchone()[0])
        return offset_ms


@lru_cache(maxsize=8192)
def month_of_day(day: int) -> int:
    """Month (yyyy * 100 + mm) of a day that is counted from 1970-01-01."""
    local = date.fromordinal(day + _EPOCH_ORDINAL)
    return local.year * 100 + local.month
