"""Where a deployment is: the address book, and how its contracts are bound."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts import CONTRACTS, artifact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.contract import Contract

TEST_CURRENCY = "HKDStablecoin"
MADE_BY_OTHERS = ("AssetFeed", "AssetShare")
"""Contracts that contracts of the book make, one an asset: `FeedFactory.addressOf` and `ShareOffice.shareOf` say where."""
IN_EVERY_BOOK = tuple(name for name in CONTRACTS if name not in (TEST_CURRENCY, *MADE_BY_OTHERS))


@dataclass(frozen=True)
class AddressBook:
    """Where a deployment is."""

    chain_id: int
    block: int
    """No event of these contracts is in an older block."""
    addresses: Mapping[str, ChecksumAddress]
    """Contract name -> checksummed address. `HKDStablecoin` is in it where the test currency was deployed."""
    currency: ChecksumAddress | None = None
    """ERC-20 that the deployment was made for; None where the book does not say."""

    def to_json(self) -> str:
        """Write the book: the same book, the same text."""
        book: dict[str, object] = {"chain_id": self.chain_id, "block": self.block, "addresses": dict(self.addresses)}
        if self.currency is not None:
            book["currency"] = self.currency
        return json.dumps(book, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> AddressBook:
        """Read what `to_json` wrote. Raises ValueError, saying what is wrong."""
        from eth_utils.address import is_checksum_address  # noqa: PLC0415  # slow to import, and only needed here

        try:
            book = json.loads(text)
            found = cls(book["chain_id"], book["block"], dict(book["addresses"]), book.get("currency"))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not an address book: {error!r}") from error
        if not isinstance(found.chain_id, int) or not isinstance(found.block, int):
            raise ValueError("not an address book: chain_id and block are integers")  # noqa: TRY004  # one error type for one file
        if missing := set(IN_EVERY_BOOK) - found.addresses.keys():
            raise ValueError(f"the address book lacks {', '.join(sorted(missing))}")
        named = {**found.addresses, **({"the currency": found.currency} if found.currency is not None else {})}
        for name, address in named.items():
            if not is_checksum_address(address):
                raise ValueError(f"the address of {name} in the address book is not checksummed: {address!r}")
        return found


def connect(web3: Web3, book: AddressBook, name: str) -> Contract:
    """Bind a contract of the book, ready to call."""
    return bind(web3, name, book.addresses[name])


def bind(web3: Web3, name: str, address: ChecksumAddress) -> Contract:
    """Bind a contract that is elsewhere: a share, a feed."""
    return web3.eth.contract(address=address, abi=artifact(name).abi)


__all__ = ["IN_EVERY_BOOK", "MADE_BY_OTHERS", "TEST_CURRENCY", "AddressBook", "bind", "connect"]
