"""An account's revenue, by asset and month: earned, collected, paid, claimable, awaited.

Figures follow RevenueShare and AssetShare to the unit. What units have been due so far is a sum of products, units x what was
distributable while they were held, and is divided once, by what was attested for the month (rounded down):

    claimable = (product + units x newly distributable + uncollected x distributable) / attested - claimed
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from api.transactions.reader import Block, ChainReader, Question
from api.transactions.views import EntitledMonth, EntitlementView
from contracts.state import from_bytes32, revenue_id, to_bytes32

NOWHERE = "0x0000000000000000000000000000000000000000"
IDS_AT_ONCE = 400
"""Balances that one view is asked for."""


@dataclass(frozen=True)
class Due:
    """What units of a month have been due to one account, as the contracts keep it [minor unit]."""

    earned: int
    taken: int
    units: int
    product: int
    seen: int
    claimed: int
    attested: int
    written_down: int
    distributable: int

    @property
    def uncollected(self) -> int:
        """Earned, and not yet a receivable."""
        return self.earned - self.taken

    @property
    def claimable_down(self) -> int:
        """What collecting and claiming pays now."""
        return self._up_to_down(self.distributable) - self.claimed if self.distributable else 0

    @property
    def awaited_down(self) -> int:
        """What further deposits would pay."""
        full = self.attested - self.written_down
        return max(0, self._up_to_down(max(full, self.distributable)) - self.claimed - self.claimable_down)

    def _up_to_down(self, distributable: int) -> int:
        """What is due in all once so much is distributable."""
        if not self.attested:
            return 0
        product = self.product + self.units * (distributable - self.seen) + self.uncollected * distributable
        return product // self.attested


class RevenueReader:
    """Shares and months of all assets, kept as far as they cannot change any more."""

    def __init__(self, chain: ChainReader) -> None:
        self._chain = chain
        self._lock = threading.Lock()
        self._shares: dict[str, str] = {}
        """Asset -> contract of its share; there is one for good."""
        self._over: dict[tuple[str, int], int] = {}
        """(asset, month) -> the month that followed: settled, for good."""
        self._first: dict[str, int] = {}

    def read(self, address: str, block: Block) -> EntitlementView:
        """Read an account's revenue at a block: every month in which it has earned or holds anything."""
        with self._lock:
            shares = self._shares_at(block)
            months = self._months_at(block, shares)
        verified, *accounts = self._chain.ask(
            block,
            [
                Question("IdentityRegistry", "isVerified", (address,)),
                *(Question("AssetShare", "accountOf", (address,), share) for share in shares.values()),
            ],
        )
        ever_held = {name for name, account in zip(shares, accounts, strict=True) if any(account)}
        places = [(name, month) for name in shares for month in months.get(name, ())]
        bought = self._units(address, block, places)
        places = [place for place in places if place[0] in ever_held or bought[place]]
        items = self._items(address, block, shares, places, bought)
        return EntitlementView(
            address=address,
            block=block.number,
            at=block.at,
            verified=verified,
            earned_minor=sum(item.earned_minor for item in items),
            claimed_minor=sum(item.claimed_minor for item in items),
            claimable_minor=sum(item.claimable_minor for item in items),
            awaited_minor=sum(item.awaited_minor for item in items),
            items=items,
        )

    def _shares_at(self, block: Block) -> dict[str, str]:
        """Contract of the share of every asset that has one, by asset."""
        (raw_ids,) = self._chain.ask(block, [Question("AssetRegistry", "assetIds", ())])
        unknown = [from_bytes32(raw) for raw in raw_ids if from_bytes32(raw) not in self._shares]
        found = self._chain.ask(block, [Question("ShareOffice", "shareOf", (to_bytes32(name),)) for name in unknown])
        for name, share in zip(unknown, found, strict=True):
            if share != NOWHERE:
                self._shares[name] = self._chain.checksummed(share)
        return dict(sorted(self._shares.items()))

    def _months_at(self, block: Block, names: Iterable[str]) -> dict[str, list[int]]:
        """Months of each asset in which revenue was settled, in order."""
        unknown = [name for name in names if name not in self._first]
        found = self._chain.ask(block, [Question("MarkLedger", "firstMonth", (to_bytes32(name),)) for name in unknown])
        self._first |= {name: month for name, month in zip(unknown, found, strict=True) if month}
        months = {name: [self._first[name]] for name in names if name in self._first}
        growing = list(months)
        while growing:
            for name in growing:
                while (follows := self._over.get((name, months[name][-1]))) is not None:
                    months[name].append(follows)
            spans = self._chain.ask(
                block, [Question("MarkLedger", "monthSpan", (to_bytes32(name), months[name][-1])) for name in growing]
            )
            ended = {name: span[2] for name, span in zip(growing, spans, strict=True) if span[2]}
            self._over |= {(name, months[name][-1]): follows for name, follows in ended.items()}
            growing = list(ended)
        return months

    def _units(self, address: str, block: Block, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Receivables that an account holds."""
        chunks = [places[first : first + IDS_AT_ONCE] for first in range(0, len(places), IDS_AT_ONCE)]
        answers = self._chain.ask(
            block,
            [
                Question(
                    "RevenueShare", "balanceOfBatch", ([address] * len(chunk), [revenue_id(*one) for one in chunk])
                )
                for chunk in chunks
            ],
        )
        return dict(zip(places, (units for answer in answers for units in answer), strict=True))

    def _items(
        self,
        address: str,
        block: Block,
        shares: dict[str, str],
        places: Sequence[tuple[str, int]],
        bought: dict[tuple[str, int], int],
    ) -> list[EntitledMonth]:
        names = sorted({name for name, _ in places})
        of_assets = self._chain.ask(
            block,
            [
                Question("AssetShare", function, arguments, shares[name])
                for name in names
                for function, arguments in (("balanceOf", (address,)), ("totalSupply", ()), ("mayClaim", (address,)))
            ],
        )
        asset_of = {name: tuple(of_assets[3 * at : 3 * at + 3]) for at, name in enumerate(names)}
        of_months = self._chain.ask(
            block,
            [
                question
                for name, month in places
                for question in (
                    Question("AssetShare", "entitlementOf", (month, address), shares[name]),
                    Question("RevenueShare", "accountOf", (address, revenue_id(name, month))),
                    Question("RevenueShare", "receivable", (to_bytes32(name), month)),
                )
            ],
        )
        return [
            _item(name, month, asset_of[name], bought[name, month], *of_months[3 * at : 3 * at + 3])
            for at, (name, month) in enumerate(places)
        ]


def _item(  # noqa: PLR0913, PLR0917  what each contract says of the month
    asset_id: str,
    month: int,
    asset: tuple[Any, ...],
    units: int,
    entitlement: tuple[int, int],
    account: tuple[int, int, int],
    receivable: tuple[Any, ...],
) -> EntitledMonth:
    shares, supply, may_claim = asset
    attested, written_down, deposited, distributable, _, is_final = receivable
    due = Due(*entitlement, units, *account, attested, written_down, distributable)
    return EntitledMonth(
        asset_id=asset_id,
        month=month,
        revenue_id=str(revenue_id(asset_id, month)),
        final=is_final,
        shares=shares,
        share_supply=supply,
        attested_minor=attested,
        written_down_minor=written_down,
        deposited_minor=deposited,
        earned_minor=due.earned,
        collected_minor=due.taken,
        units=units,
        claimed_minor=due.claimed,
        claimable_minor=due.claimable_down,
        awaited_minor=due.awaited_down,
        may_claim=may_claim,
    )
