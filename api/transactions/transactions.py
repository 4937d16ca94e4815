"""Everything that the API prepares for wallets and reads back for accounts. It never signs, and it never sends."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from eth_utils.address import to_checksum_address

from api.transactions import owner_calls, permits, registry_changes
from api.transactions.entitlement import RevenueReader
from api.transactions.holdings import read_holdings
from api.transactions.orders import (
    AllowOrder,
    ClaimOrder,
    CommissionOrder,
    DepositOrder,
    DrawOrder,
    MeterOrder,
    RegisterOrder,
    RetireOrder,
    RotateOrder,
)
from api.transactions.prepared import StepsView
from api.transactions.preparing import Wanted, prepare
from api.transactions.reader import Block, ChainReader
from api.transactions.receipts import read_transaction
from api.transactions.views import EntitlementView, HoldingsView, TransactionView
from contracts.address_book import AddressBook
from oracle.reporting.registry import RegistrySnapshot

if TYPE_CHECKING:
    from web3 import Web3

Read = TypeVar("Read")
KEPT = 256
"""Answers kept for the newest block."""


class Transactions:
    """Prepared transactions and read-backs over the contracts of one address book.

    Nothing is asked of the chain before the first request. Every method raises ChainError while the chain is away, and
    ProblemError where a contract would refuse. Safe to share between threads.
    """

    def __init__(
        self,
        connect: "Callable[[], Web3]",
        book: AddressBook,
        *,
        finality: Literal["finalized", "latest"] = "finalized",
    ) -> None:
        """Take a way to the chain; `connect` is called at the first request, and again where that fails."""
        self._chain = ChainReader(connect, book, finality)
        self._revenue = RevenueReader(self._chain)
        self._lock = threading.Lock()
        self._kept_of = b""
        self._kept: dict[tuple[str, str], Any] = {}

    def holdings(self, address: str) -> HoldingsView:
        """Credits that an account holds, and those that it can draw from the vault."""
        account = to_checksum_address(address)
        return self._at_newest("holdings", account, lambda block: read_holdings(self._chain, account, block))

    def entitlement(self, address: str) -> EntitlementView:
        """Revenue that an account has earned, was paid, can claim and waits for, by asset and month."""
        account = to_checksum_address(address)
        return self._at_newest("entitlement", account, lambda block: self._revenue.read(account, block))

    def retire(self, order: RetireOrder, sender: str) -> StepsView:
        """Draw what is missing in the sender's account, then retire."""
        account = to_checksum_address(sender)
        of_others = order.holder is not None and order.holder.lower() != account.lower()
        draws = [] if of_others else owner_calls.draws_before(order, self.holdings(account), account)
        return prepare(self._chain, [*draws, owner_calls.retire(order, account)], account)

    def certify(self, number: int, sender: str | None = None) -> StepsView:
        """Make the certificate of a retirement; anyone may."""
        return prepare(self._chain, [owner_calls.certify(number)], sender)

    def draw(self, order: DrawOrder, sender: str) -> StepsView:
        """Take credits out of the vault."""
        grams = owner_calls.grams_to_draw(self._chain, order, self._chain.newest())
        to = to_checksum_address(order.to or sender)
        return prepare(self._chain, [owner_calls.draw(order.asset_id, order.vintage, grams, to)], sender)

    def claim(self, order: ClaimOrder, sender: str) -> StepsView:
        """Collect what was earned, then be paid. No step where nothing is claimable."""
        account = to_checksum_address(sender)
        return prepare(self._chain, owner_calls.claims(order, self.entitlement(account), account), account)

    def deposit(self, order: DepositOrder, sender: str) -> StepsView:
        """Allow the sum (by transaction, or by permit), then deposit it."""
        account = to_checksum_address(sender)
        return prepare(self._chain, permits.deposit(self._chain, order, account, self._chain.newest()), account)

    def allow_shares(self, order: AllowOrder, sender: str) -> StepsView:
        """Let an account move shares of an asset, by transaction or by permit."""
        account = to_checksum_address(sender)
        return prepare(self._chain, permits.allow_shares(self._chain, order, account, self._chain.newest()), account)

    def register_asset(self, order: RegisterOrder) -> StepsView:
        """Register an asset, after its project where that is given."""
        block = self._chain.newest()
        return self._by_role(registry_changes.register_asset(self._chain, order, block), order.sender, block)

    def commission(self, asset_id: str, order: CommissionOrder) -> StepsView:
        """Let an asset produce from an instant on."""
        block = self._chain.newest()
        return self._by_role(registry_changes.commission(self._chain, asset_id, order, block), order.sender, block)

    def add_meter(self, asset_id: str, order: MeterOrder) -> StepsView:
        """List a meter."""
        return self._change(
            lambda registry: registry_changes.add_meter(registry, asset_id, order), order.sender, asset_id
        )

    def rotate_key(self, asset_id: str, meter_id: str, order: RotateOrder) -> StepsView:
        """Cut a meter's key off and list another."""
        return self._change(
            lambda registry: registry_changes.rotate_key(registry, asset_id, meter_id, order), order.sender, asset_id
        )

    def revoke_key(  # noqa: PLR0913, PLR0917  which key, and where its word ends
        self, asset_id: str, meter_id: str, device_id: str | None, boot: int, sequence: int, sender: str | None = None
    ) -> StepsView:
        """Cut a meter's key off."""
        return self._change(
            lambda registry: registry_changes.revoke_key(registry, asset_id, meter_id, device_id, boot, sequence),
            sender,
            asset_id,
        )

    def status(self, transaction_hash: str) -> TransactionView:
        """What became of a transaction."""
        return read_transaction(self._chain, transaction_hash)

    def _change(
        self, wanted: Callable[[RegistrySnapshot], list[Wanted]], sender: str | None, asset_id: str
    ) -> StepsView:
        """Prepare a change of the meter list that an asset's meters stand in."""
        registry = self._chain.registry()
        calls = wanted(registry)
        block = self._chain.newest()
        registry_changes.hold_against_chain(self._chain, registry, registry.assets[asset_id].project_id, block)
        return self._by_role(calls, sender, block)

    def _by_role(self, calls: list[Wanted], sender: str | None, block: Block) -> StepsView:
        account = None if sender is None else to_checksum_address(sender)
        return prepare(self._chain, registry_changes.by_role(self._chain, calls, account, block), account)

    def _at_newest(self, what: str, account: str, read: Callable[[Block], Read]) -> Read:
        """Read at the newest block, once a block and account."""
        block = self._chain.newest()
        with self._lock:
            if block.hash != self._kept_of or len(self._kept) >= KEPT:
                self._kept, self._kept_of = {}, block.hash
            kept = self._kept.get((what, account))
        if kept is None:
            kept = read(block)
            with self._lock:
                if self._kept_of == block.hash:
                    self._kept[what, account] = kept
        found: Read = kept
        return found
