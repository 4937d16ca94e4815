"""Put the contracts on a chain, wire their roles, hand them over: as much of it as is missing."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

from hexbytes import HexBytes

from contracts.address_book import AddressBook, bind, connect
from contracts.plan import Plan
from contracts.registration import register
from contracts.roles import Grant, Holder, holders
from contracts.state import Role
from contracts.survey import DeploymentError, Step, Survey, survey
from contracts.transaction import ChainRefusalError, decode_revert, revert_bytes, send, send_raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eth_account.signers.local import LocalAccount
    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.types import TxReceipt

PENDING_TIMEOUT_S: Final = 120.0
POLL_S: Final = 0.5


def carry_out(
    web3: Web3,
    account: ChecksumAddress | LocalAccount,
    plan: Plan,
    found: Survey,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Send what a survey found missing; return the transactions' hashes.

    `account` is the plan's deployer. `on_step` is told the name of each step before it begins; what it raises ends the
    deployment there, and another survey finds the rest. Raises ChainRefusalError naming the step.
    """
    sender = account if isinstance(account, str) else account.address
    if sender != plan.deployer:
        raise DeploymentError(f"the key is that of {sender}, the deployer is {plan.deployer}")
    return [_send(web3, account, step, on_step)["transactionHash"].to_0x_hex() for step in found.steps]


def await_pending(web3: Web3, account: ChecksumAddress, on_wait: Callable[[str], None] = lambda _: None) -> None:
    """Wait until nothing that the account has sent is on its way: a deployment that was broken off may have left something.

    Raises DeploymentError when it takes too long.
    """
    told = False
    for _ in range(round(PENDING_TIMEOUT_S / POLL_S)):
        waiting = web3.eth.get_transaction_count(account, "pending") - web3.eth.get_transaction_count(account)
        if waiting <= 0:
            return
        if not told:
            on_wait(f"wait for {waiting} transactions of {account} that are on their way")
            told = True
        time.sleep(POLL_S)
    raise DeploymentError(f"transactions of {account} have not come into a block; try again when they have")


def first_block_of(web3: Web3, plan: Plan, from_block: int = 0) -> int:
    """Block in which a deployment began: that of its AccessManager's first event, at `from_block` or after it."""
    address = plan.addresses["AccessManager"]
    granted = bind(web3, "AccessManager", address).events.RoleGranted().get_logs(from_block=from_block)
    if not granted:
        raise DeploymentError(
            f"the AccessManager at {address} has no events from block {from_block} on: name an older one"
        )
    return int(granted[0]["blockNumber"])


def deploy(  # noqa: PLR0913, PLR0917  # signers, threshold and delay are the oracle's
    web3: Web3,
    account: ChecksumAddress | LocalAccount,
    signers: Iterable[str],
    threshold: int,
    on_step: Callable[[str], None] = lambda _: None,
    activation_delay_s: int = 0,
) -> AddressBook:
    """Deploy a set of its own for development: `account` has every role, and none waits.

    `signers` are the nodes' addresses in any order, `threshold` how many of them sign a report: at least two thirds.
    `on_step` is told the name of each step before it begins. Raises ChainRefusalError naming the step.
    """
    deployer = account if isinstance(account, str) else account.address
    plan = Plan(
        chain_id=web3.eth.chain_id,
        deployer=deployer,
        signers=tuple(signers),
        threshold=threshold,
        activation_delay_s=activation_delay_s,
        salt=secrets.token_hex(16),
        grants=tuple(Grant(role, deployer) for role in Role if role is not Role.SETTLER),
    )
    start = web3.eth.block_number
    carry_out(web3, account, plan, survey(web3, plan, start), on_step)
    return plan.book(start + 1)


def _send(web3: Web3, account: ChecksumAddress | LocalAccount, step: Step, on_step: Callable[[str], None]) -> TxReceipt:
    on_step(step.name)
    if isinstance(step.call, bytes):
        return send_raw(web3, step.call, step.name)
    try:
        return send(web3, account, step.call, step.name)
    except ChainRefusalError as error:
        if step.creation and not error.revert:
            _ask_constructor(web3, step, error)
        raise


def _ask_constructor(web3: Web3, step: Step, error: ChainRefusalError) -> None:
    """The deployment proxy does not hand on why a constructor refuses: raise what it says when it is called directly."""
    try:
        web3.eth.call({"data": HexBytes(step.creation)})
    except Exception as refused:  # noqa: BLE001  # a node's client raises what it likes
        if revert := revert_bytes(refused):
            raise ChainRefusalError(step.name, decode_revert(revert), revert) from error


__all__ = [
    "AddressBook",
    "ChainRefusalError",
    "DeploymentError",
    "Grant",
    "Holder",
    "Plan",
    "Role",
    "Step",
    "Survey",
    "await_pending",
    "carry_out",
    "connect",
    "deploy",
    "first_block_of",
    "holders",
    "register",
    "survey",
]
