"""The accounts: every settled watt-hour by meter, interval, standing and reason.

Accounts state totals. The journal keeps entries, and an entry is the difference between what a report states and what
earlier entries add up to: a withheld watt-hour that is corroborated later moves by two entries (out of withheld, into
attested), and nothing is ever edited.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from oracle.metering.interval import closing_interval_start
from oracle.metering.settlement import Settlement, Standing


class AccountKey(NamedTuple):
    """Which account a watt-hour is booked in."""

    meter_id: str
    start_ms: int
    """Start of the interval [ms UTC]."""
    standing: Standing
    reason: str
    """Reason code; empty where attested."""


@dataclass(frozen=True)
class Entry:
    """One booking, as the journal keeps it: signed watt-hours into one account by one report."""

    epoch: int
    asset_id: str
    account: AccountKey
    energy_wh: int
    """Change of the account [Wh], may be negative."""


def accounts(settlement: Settlement, interval_ms: int, offset_ms: int = 0) -> dict[AccountKey, int]:
    """Sum a settlement into accounts [Wh]; intervals without energy have none."""
    start_ms = closing_interval_start(settlement.end_ms, interval_ms, offset_ms)
    chosen = settlement.energy_wh > 0
    energy_wh = settlement.energy_wh[chosen]
    named = np.char.add(settlement.standing[chosen].astype("U1"), settlement.reason[chosen])
    kinds, kind = np.unique(named, return_inverse=True)
    starts, start = np.unique(start_ms[chosen], return_inverse=True)
    sums = np.zeros((len(starts), len(kinds)), dtype=np.int64)
    np.add.at(sums, (start, kind), energy_wh)
    booked: dict[AccountKey, int] = {}
    for row, column in np.argwhere(sums):
        standing, reason = Standing(int(kinds[column][0])), str(kinds[column][1:])
        key = AccountKey(settlement.meter_id, int(starts[row]), standing, reason)
        booked[key] = int(sums[row, column])
    return booked


def entries_between(
    epoch: int, asset_id: str, before: Mapping[AccountKey, int], after: Mapping[AccountKey, int]
) -> list[Entry]:
    """Return the bookings that bring the accounts from `before` to `after`, in the order of their keys."""
    changes = ((key, after.get(key, 0) - before.get(key, 0)) for key in sorted({*before, *after}))
    return [Entry(epoch, asset_id, key, change_wh) for key, change_wh in changes if change_wh]


def taken_back_entries(epoch: int, entries: Iterable[Entry]) -> list[Entry]:
    """Return the bookings that take back what the report of an epoch booked, in the same order."""
    return [replace(entry, energy_wh=-entry.energy_wh) for entry in entries if entry.epoch == epoch]


def balances(entries: Iterable[Entry]) -> dict[AccountKey, int]:
    """Add entries up to accounts [Wh]."""
    booked: dict[AccountKey, int] = {}
    for entry in entries:
        booked[entry.account] = booked.get(entry.account, 0) + entry.energy_wh
    return {key: energy_wh for key, energy_wh in booked.items() if energy_wh}
