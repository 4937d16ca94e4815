"""What is to be deployed and for whom, and so where everything will be. No chain is asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from contracts.address_book import TEST_CURRENCY, AddressBook
from contracts.deterministic import create2_address, creation_code, salt_of
from contracts.state import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eth_typing import ChecksumAddress

    from contracts.roles import Grant

    Addresses = Mapping[str, ChecksumAddress]
    Arguments = Callable[["Plan", Addresses], tuple[object, ...]]

CONSTRUCTORS: Mapping[str, Arguments] = {
    "AccessManager": lambda plan, _: (plan.deployer,),
    TEST_CURRENCY: lambda _, at: (at["AccessManager"],),
    "AssetRegistry": lambda _, at: (at["AccessManager"],),
    "ProductionOracle": lambda plan, at: (
        at["AccessManager"],
        sorted(plan.signers, key=str.lower),
        plan.threshold,
        plan.activation_delay_s,
    ),
    "MarkLedger": lambda _, at: (at["AccessManager"], at["AssetRegistry"]),
    "CarbonCredit": lambda _, at: (at["AccessManager"], at["AssetRegistry"], at["MarkLedger"]),
    "SettlementEngine": lambda _, at: (at["ProductionOracle"], at["MarkLedger"]),
    "IdentityRegistry": lambda _, at: (at["AccessManager"],),
    "ShareOffice": lambda _, at: (
        at["AccessManager"],
        at["AssetRegistry"],
        at["IdentityRegistry"],
        at["MarkLedger"],
    ),
    "RevenueShare": lambda _, at: (
        at["AccessManager"],
        at["AssetRegistry"],
        at["MarkLedger"],
        at["ShareOffice"],
        at["IdentityRegistry"],
    ),
    "RetirementCertificate": lambda _, at: (at["CarbonCredit"],),
    "FeedFactory": lambda _, at: (at["ProductionOracle"], at["MarkLedger"], at["AssetRegistry"]),
}
"""Contract -> its constructor's arguments, in the order of deployment: each needs only those before it."""


@dataclass(frozen=True)
class Plan:
    """A deployment: the same plan, the same addresses."""

    chain_id: int
    deployer: ChecksumAddress
    """Sends everything, and is administrator until the roles are handed over."""
    signers: tuple[str, ...]
    """The nodes' addresses, in any order."""
    threshold: int
    """How many of them sign a report: at least two thirds."""
    activation_delay_s: int
    """How long a report is pending before it can be settled [s]."""
    salt: str
    """Tells deployments of one deployer apart."""
    grants: tuple[Grant, ...]
    """Who gets which role. Those of ADMIN come last, and the deployer is administrator afterwards only if it is one of them."""
    currency: ChecksumAddress | None = None
    """ERC-20 that revenue is counted and paid in; None deploys the test currency."""

    @cached_property
    def creation(self) -> Mapping[str, bytes]:
        """Contract -> creation code with its arguments, in the order of deployment."""
        code: dict[str, bytes] = {}
        at: dict[str, ChecksumAddress] = {}
        for name, arguments in CONSTRUCTORS.items():
            if name == TEST_CURRENCY and self.currency is not None:
                continue
            code[name] = creation_code(name, *arguments(self, at))
            at[name] = create2_address(self.salt_word, code[name])
        return code

    @cached_property
    def addresses(self) -> Mapping[str, ChecksumAddress]:
        """Contract -> where it is, or will be."""
        return {name: create2_address(self.salt_word, code) for name, code in self.creation.items()}

    @property
    def salt_word(self) -> bytes:
        """The salt as the deployment proxy takes it (32 bytes)."""
        return salt_of(self.salt)

    @property
    def administrators(self) -> tuple[Grant, ...]:
        """Who is administrator in the end."""
        return tuple(grant for grant in self.grants if grant.role is Role.ADMIN)

    def book(self, block: int) -> AddressBook:
        """Address book of the deployment; no event of it is in a block before `block`."""
        return AddressBook(self.chain_id, block, self.addresses, self.currency or self.addresses[TEST_CURRENCY])
