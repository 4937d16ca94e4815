"""Allowances: by a transaction of the account, or by a permit that it signs (EIP-2612) and anybody brings on chain."""

from datetime import UTC, datetime
from typing import Any

from api.transactions.orders import AllowOrder, DepositOrder
from api.transactions.prepared import PermitView
from api.transactions.preparing import Wanted
from api.transactions.reader import Block, ChainReader, Question
from api.transactions.refusals import refusal
from contracts.state import to_bytes32
from oracle.errors import ChainError

PERMIT_LASTS_S = 3_600
"""How long a permit is good where the order does not say."""
NOWHERE = "0x0000000000000000000000000000000000000000"
DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]
PERMIT_TYPE = [
    {"name": "owner", "type": "address"},
    {"name": "spender", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "nonce", "type": "uint256"},
    {"name": "deadline", "type": "uint256"},
]


def deposit(chain: ChainReader, order: DepositOrder, sender: str, block: Block) -> list[Wanted]:
    """Allow the sum where less is allowed, then pay it in for the month.

    Raises:
        ProblemError: the account does not have so much, or there is no such asset.

    """
    currency = _currency(chain, order.asset_id, block)
    payee = chain.book.addresses["RevenueShare"]
    balance, allowed = chain.ask(
        block,
        [
            Question("HKDStablecoin", "balanceOf", (sender,), currency),
            Question("HKDStablecoin", "allowance", (sender, payee), currency),
        ],
    )
    if balance < order.minor:
        raise refusal("ERC20InsufficientBalance", {"sender": sender, "balance": balance, "needed": order.minor})
    values: dict[str, str | int | None] = {"minor": order.minor, "asset_id": order.asset_id, "month": order.month}
    paying = Wanted(
        "RevenueShare", "deposit", (to_bytes32(order.asset_id), order.month, order.minor), "deposit", values
    )
    if allowed >= order.minor:
        return [paying]
    allowing = Allowance("HKDStablecoin", currency, payee, order.minor, "approve", "permit", {"minor": order.minor})
    return [allowing.wanted(chain, order, sender, block), paying]


def allow_shares(chain: ChainReader, order: AllowOrder, sender: str, block: Block) -> list[Wanted]:
    """Let an account move shares of an asset.

    Raises:
        ProblemError: the asset has no share.

    """
    (share,) = chain.ask(block, [Question("ShareOffice", "shareOf", (to_bytes32(order.asset_id),))])
    if share == NOWHERE:
        raise refusal("NoShare", {"assetId": to_bytes32(order.asset_id)})
    spender = chain.checksummed(order.spender)
    values: dict[str, str | int | None] = {"units": order.units, "asset_id": order.asset_id, "spender": spender}
    allowing = Allowance("AssetShare", share, spender, order.units, "allow_shares", "permit_shares", values)
    return [allowing.wanted(chain, order, sender, block)]


class Allowance:
    """One allowance of an ERC-20 with permit."""

    def __init__(  # noqa: PLR0913, PLR0917  what is allowed, to whom, and its words
        self,
        contract: str,
        address: str,
        spender: str,
        units: int,
        by_transaction: str,
        by_permit: str,
        values: dict[str, str | int | None],
    ) -> None:
        self._contract = contract
        self._address = address
        self._spender = spender
        self._units = units
        self._by_transaction = by_transaction
        self._by_permit = by_permit
        self._values = values

    def wanted(self, chain: ChainReader, order: DepositOrder | AllowOrder, owner: str, block: Block) -> Wanted:
        """The step that allows: the permit, where its signature is given, else an approval with the permit to sign beside it."""
        if order.signature is not None and order.deadline is not None:
            deadline_s = int(order.deadline.timestamp())
            r, s, v = _split(order.signature)
            arguments: tuple[Any, ...] = (owner, self._spender, self._units, deadline_s, v, r, s)
            return Wanted(self._contract, "permit", arguments, self._by_permit, self._values, self._address)
        permit = self._permit(chain, order.deadline, owner, block)
        arguments = (self._spender, self._units)
        return Wanted(self._contract, "approve", arguments, self._by_transaction, self._values, self._address, permit)

    def _permit(self, chain: ChainReader, deadline: datetime | None, owner: str, block: Block) -> PermitView | None:
        """What to sign; None where the token does not say what its signatures are over (ERC-5267), as a token without permit."""
        try:
            domain, nonce = chain.ask(
                block,
                [
                    Question(self._contract, "eip712Domain", (), self._address),
                    Question(self._contract, "nonces", (owner,), self._address),
                ],
            )
        except ChainError:
            return None
        _, name, version, chain_id, verifying, _, _ = domain
        deadline_s = int(deadline.timestamp()) if deadline else block.time_s + PERMIT_LASTS_S
        typed_data = {
            "types": {"EIP712Domain": DOMAIN_TYPE, "Permit": PERMIT_TYPE},
            "primaryType": "Permit",
            "domain": {
                "name": name,
                "version": version,
                "chainId": chain_id,
                "verifyingContract": chain.checksummed(verifying),
            },
            "message": {
                "owner": owner,
                "spender": self._spender,
                "value": str(self._units),
                "nonce": str(nonce),
                "deadline": str(deadline_s),
            },
        }
        return PermitView(typed_data=typed_data, deadline=datetime.fromtimestamp(deadline_s, UTC))


def _currency(chain: ChainReader, asset_id: str, block: Block) -> str:
    """ERC-20 that an asset's revenue is paid in."""
    (asset,) = chain.ask(block, [Question("AssetRegistry", "asset", (to_bytes32(asset_id),))])
    (project,) = chain.ask(block, [Question("AssetRegistry", "project", (asset[0],))])
    currency = str(project[0])
    if currency == NOWHERE:
        raise refusal("UnknownMonth", {"assetId": to_bytes32(asset_id), "month": 0})
    return currency


def _split(signature: str) -> tuple[bytes, bytes, int]:
    raw = bytes.fromhex(signature[2:])
    v = raw[64]
    return raw[:32], raw[32:64], v + 27 if v < 27 else v
