"""What the reports of a journal booked in an interval, and what stands of it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.explaining.explain import Interval, Share, share_of
from oracle.errors import ConfigError, JournalError
from oracle.journal.inspection import open_to_read
from oracle.metering.settlement import Standing


@dataclass(frozen=True)
class Booking:
    """One ledger entry."""

    epoch: int
    """Number of the report that booked it."""
    meter_id: str
    start_ms: int
    """Start of the ledger's interval [ms UTC]."""
    share: Share
    """What was booked; its energy is negative where it left that account."""

    def to_json(self, asked: Interval) -> dict[str, Any]:
        """Return the booking as JSON members, its time told as in the interval asked for."""
        return {
            "epoch": self.epoch,
            "meter_id": self.meter_id,
            "start": asked.told(self.start_ms),
            "standing": self.share.standing,
            "reason": self.share.reason,
            "wh": self.share.wh,
        }


@dataclass(frozen=True)
class History:
    """The bookings of the meters asked for, in the order they were made."""

    meters: frozenset[str]
    """Meters that the ledger books, in any interval."""
    bookings: tuple[Booking, ...] = ()

    def balances(self) -> list[tuple[str, Share]]:
        """What stands of the bookings, by meter, standing and reason, in the order first booked."""
        sums: dict[tuple[str, Share], int] = {}
        for one in self.bookings:
            key = one.meter_id, replace(one.share, wh=0)
            sums[key] = sums.get(key, 0) + one.share.wh
        return [(meter_id, replace(share, wh=wh)) for (meter_id, share), wh in sums.items() if wh]


def read_history(journals: Sequence[Path], asset: str, named: Sequence[str], interval: Interval) -> History:
    """Read the ledger of the first journal that books an asset or meter.

    Args:
        journals: journals; nodes of one network book alike.
        asset: an asset's or a meter's id.
        named: further meters that are meant.
        interval: which intervals of the ledger: those that begin in it.

    Raises:
        ConfigError: a journal cannot be read.

    """
    for path in journals:
        try:
            connection, _ = open_to_read(path)
            with closing(connection):
                pairs = connection.execute("SELECT DISTINCT asset_id, meter_id FROM entry").fetchall()
                concerned = {pair for pair in pairs if asset in pair or pair[1] in named}
                rows = [
                    row
                    for asset_id in sorted({asset_id for asset_id, _ in concerned})
                    for row in connection.execute(
                        "SELECT epoch, meter_id, start_ms, standing, reason, energy_wh FROM entry "
                        "WHERE asset_id = ? AND start_ms >= ? AND start_ms < ? ORDER BY seq",
                        (asset_id, interval.start_ms, interval.end_ms),
                    )
                    if (asset_id, row[1]) in concerned
                ]
        except (JournalError, sqlite3.Error) as error:
            raise ConfigError(str(error)) from error
        if concerned:
            return History(
                frozenset(meter_id for _, meter_id in concerned),
                tuple(
                    Booking(epoch, meter_id, start_ms, share_of(Standing(standing), reason, wh))
                    for epoch, meter_id, start_ms, standing, reason, wh in rows
                ),
            )
    return History(frozenset())
