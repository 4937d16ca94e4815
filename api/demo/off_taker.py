"""Who buys the energy: pays for each month that is over, a part at first and the rest later, in test money."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from api.demo.chains import RunningChain
from contracts.address_book import AddressBook, connect
from contracts.state import to_bytes32
from contracts.transaction import ChainRefusalError, send

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from eth_typing import ChecksumAddress

log = logging.getLogger(__name__)

FIRST_PPM = 600_000
"""Share of a month that is paid at once."""
WHOLE_PPM = 1_000_000
PURSE_MINOR = 10_000_000 * 1_000_000
"""Test money that it is given."""


class OffTaker:
    """Deposits for the months of assets."""

    def __init__(
        self, chain: RunningChain, book: AddressBook, account: "LocalAccount", issuer: "ChecksumAddress"
    ) -> None:
        """Take an account.

        Args:
            chain: where it pays.
            book: the contracts.
            account: pays.
            issuer: makes the test money.

        """
        self._web3 = chain.connect()
        self._book = book
        self._account = account
        self._issuer = issuer
        self._has_purse = False

    def pay(self, asset_ids: Iterable[str], share_ppm: int) -> int:
        """Bring what was deposited for every month that is over up to a share of what was attested for it [ppm].

        Returns what was paid in [minor unit]. A chain that refuses is told in the log: the next call tries again.
        """
        paid = 0
        try:
            self._fill_purse()
            for asset_id in asset_ids:
                for month, due in self._due(asset_id, share_ppm):
                    deposit = connect(self._web3, self._book, "RevenueShare").functions.deposit
                    call = deposit(to_bytes32(asset_id), month, due)
                    send(self._web3, self._account, call, f"pay for {month} of {asset_id}")
                    paid += due
        except ChainRefusalError as error:
            log.warning("the off-taker cannot pay: %s", error)
        return paid

    def _due(self, asset_id: str, share_ppm: int) -> list[tuple[int, int]]:
        """(month, what is missing) of the months of an asset that are over [minor unit]."""
        ledger = connect(self._web3, self._book, "MarkLedger").functions
        revenue = connect(self._web3, self._book, "RevenueShare").functions
        raw = to_bytes32(asset_id)
        found = []
        month = ledger.firstMonth(raw).call()
        while month:
            attested, written_down, deposited, *_ = revenue.receivable(raw, month).call()
            _, _, following = ledger.monthSpan(raw, month).call()
            missing = (attested - written_down) * share_ppm // WHOLE_PPM - deposited
            if following and missing > 0:
                found.append((month, missing))
            month = following
        return found

    def _fill_purse(self) -> None:
        if self._has_purse:
            return
        money = connect(self._web3, self._book, "HKDStablecoin").functions
        payee = self._book.addresses["RevenueShare"]
        send(self._web3, self._issuer, money.mint(self._account.address, PURSE_MINOR), "make test money")
        send(self._web3, self._account, money.approve(payee, PURSE_MINOR), "allow the deposits")
        self._has_purse = True
