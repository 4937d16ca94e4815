"""Who plays in a live demo: owners and an off-taker with keys of their own, made anew each time and worth nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from eth_account import Account
from web3.types import Wei

from contracts.transaction import ChainRefusalError
from oracle.errors import ChainError

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from eth_typing import ChecksumAddress
    from web3 import Web3

OWNERS: Final = 2
"""Plants belong to them in turn, so each has some in Hong Kong and some in Hunan."""
FEES_WEI: Final = 5 * 10**18
"""What each is given to pay fees with, if whoever gives has so much; else a thousandth of it."""


@dataclass(frozen=True)
class Cast:
    """Accounts of a live demo."""

    owners: "tuple[LocalAccount, ...]"
    off_taker: "LocalAccount"
    """Buys the energy, and pays for it month by month."""


def make_cast(web3: "Web3", giver: "ChecksumAddress") -> Cast:
    """Make keys, and give each account enough for its fees.

    Raises:
        ChainError: the chain refuses it.

    """
    accounts = [cast("LocalAccount", Account.create()) for _ in range(OWNERS + 1)]
    given_wei = Wei(min(FEES_WEI, web3.eth.get_balance(giver) // 1000))
    for account in accounts:
        try:
            sent = web3.eth.send_transaction({"from": giver, "to": account.address, "value": given_wei})
            web3.eth.wait_for_transaction_receipt(sent)
        except (ChainRefusalError, ValueError) as error:
            raise ChainError(f"the demo's owners cannot be given anything for fees: {error}") from error
    return Cast(tuple(accounts[:OWNERS]), accounts[OWNERS])
