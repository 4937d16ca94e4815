"""One transaction: send it, wait for it, and say clearly why the chain refused it."""

from __future__ import annotations

import ast
import functools
import re
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from eth_abi.abi import decode as decode_abi
from eth_utils.crypto import keccak

from contracts import CONTRACTS, artifact

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.types import TxParams, TxReceipt

GAS_CEILING: Final = 2**24
"""The most gas one transaction may ask for (EIP-7825)."""
RECEIPT_TIMEOUT_S: Final = 120.0
SELECTOR_BYTES: Final = 4
HEX: Final = re.compile(r"0x([0-9a-fA-F]{2})*")
# Solidity's own two errors, https://docs.soliditylang.org/en/latest/control-structures.html#revert
BUILT_IN: Final = {"Error": ("string",), "Panic": ("uint256",)}


class ChainRefusalError(Exception):
    """The chain, or the node in front of it, did not carry out a transaction."""

    def __init__(self, step: str, reason: str, revert: bytes = b"") -> None:
        super().__init__(f"{step}: {reason}")
        self.step = step
        """What was being done."""
        self.reason = reason
        """The contract's error, decoded, or what the node said."""
        self.revert = revert
        """Raw revert bytes, as far as the node gave them."""


class Call(Protocol):
    """A bound contract function or constructor of web3."""

    def build_transaction(self, transaction: TxParams | None = None) -> TxParams:
        """Fill in the transaction that makes the call."""


def send(web3: Web3, account: ChecksumAddress | LocalAccount, call: Call, step: str) -> TxReceipt:
    """Send a call as a transaction and wait until it is in a block.

    `account` is an account that the node has unlocked (its address), or a local key that signs here. `step` says what
    is being done, in errors. A call that would revert is found out before anything is sent (on eth-tester, where sending
    costs nothing, afterwards). Raises ChainRefusalError.
    """
    sender = account if isinstance(account, str) else account.address
    try:
        request = call.build_transaction({"from": sender, "gas": GAS_CEILING})
        request["gas"] = _gas(web3, request)
        if isinstance(account, str):
            transaction_hash = web3.eth.send_transaction(request)
        else:
            request["nonce"] = web3.eth.get_transaction_count(sender)
            signed = account.sign_transaction(cast("dict[str, Any]", request))
            transaction_hash = web3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = web3.eth.wait_for_transaction_receipt(transaction_hash, RECEIPT_TIMEOUT_S)
    except Exception as error:  # a node's client raises what it likes; all of it means that the step did not happen
        raise _refusal(step, error) from error
    if receipt["status"] != 1:
        raise ChainRefusalError(step, *_why(web3, request, receipt))
    return receipt


def send_raw(web3: Web3, signed: bytes, step: str) -> TxReceipt:
    """Send a transaction that is signed already, and wait until it is in a block. Raises ChainRefusalError."""
    try:
        receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(signed), RECEIPT_TIMEOUT_S)
    except Exception as error:  # see `send`
        raise _refusal(step, error) from error
    if receipt["status"] != 1:
        raise ChainRefusalError(step, f"transaction {receipt['transactionHash'].to_0x_hex()} failed in its block")
    return receipt


def _refusal(step: str, error: Exception) -> ChainRefusalError:
    revert = revert_bytes(error)
    if revert:
        return ChainRefusalError(step, decode_revert(revert), revert)
    if isinstance(error, OSError):  # its text may hold the URL, and that a key
        return ChainRefusalError(step, f"the node does not answer: {type(error).__name__}")
    return ChainRefusalError(step, str(error))


def revert_bytes(error: BaseException) -> bytes:
    """Find what the contract reverted with in an exception of web3 or eth-tester; empty when it says nothing."""
    given = getattr(error, "data", None)
    if isinstance(given, dict):
        given = given.get("data")
    if isinstance(given, str) and HEX.fullmatch(given):
        return bytes.fromhex(given[2:])
    # eth-tester gives the bytes as Python would print them, behind a prefix.
    _, _, printed = str(error).partition("execution reverted: ")
    if printed[:2] in ("b'", 'b"'):
        literal = ast.literal_eval(printed)
        return literal if isinstance(literal, bytes) else b""
    return b""


def decode_revert(revert: bytes) -> str:
    """Put a revert in words: the custom error's name and arguments, as in `EpochNotBeyond(last=1, given=1)`.

    Knows every error of every contract in `contracts.CONTRACTS`; an unknown one is given as hex.
    """
    name, _ = _errors().get(revert[:SELECTOR_BYTES], ("", ()))
    if not name:
        return f"unknown error 0x{revert.hex()}" if revert else "reverted without a reason"
    found = read_revert(revert)
    if found is None:
        return f"{name}: undecodable 0x{revert.hex()}"
    return f"{name}({', '.join(f'{label}={_show(argument)}' for label, argument in found[1])})"


def read_revert(revert: bytes) -> tuple[str, tuple[tuple[str, Any], ...]] | None:
    """Take a revert apart: the custom error's name, and its arguments in order with their names.

    None where no contract in `contracts.CONTRACTS` has such an error, or its arguments cannot be decoded.
    """
    name, inputs = _errors().get(revert[:SELECTOR_BYTES], ("", ()))
    if not name:
        return None
    try:
        arguments = decode_abi([kind for kind, _ in inputs], revert[SELECTOR_BYTES:])
    except Exception:  # noqa: BLE001  # whatever is wrong with the bytes, they are no such error
        return None
    return name, tuple((label, argument) for (_, label), argument in zip(inputs, arguments, strict=True))


def _gas(web3: Web3, request: TxParams) -> int:
    """Gas to ask for. Where it is estimated, it fails as the call would."""
    if web3.client_version.startswith("EthereumTester"):
        # Its estimate runs the call some 25 times, a second or more for a batch, and gas costs nothing there.
        return GAS_CEILING
    question = cast("TxParams", {key: request[key] for key in ("from", "to", "data") if request.get(key)})
    return min(web3.eth.estimate_gas(question) * 5 // 4, GAS_CEILING)


def _why(web3: Web3, request: TxParams, receipt: TxReceipt) -> tuple[str, bytes]:
    """Ask again, as a call, why a transaction was reverted: (reason, revert bytes)."""
    question = cast("TxParams", {key: request[key] for key in ("from", "to", "data", "gas") if request.get(key)})
    try:
        web3.eth.call(question)
    except Exception as error:  # noqa: BLE001  # the answer is the error, of whatever type the client makes it
        revert = revert_bytes(error)
        if revert:
            return decode_revert(revert), revert
    return f"transaction {receipt['transactionHash'].to_0x_hex()} was reverted in its block", b""


@functools.cache
def _errors() -> dict[bytes, tuple[str, tuple[tuple[str, str], ...]]]:
    """Selector -> (name, ((type, argument name), ...))."""
    known: dict[bytes, tuple[str, tuple[tuple[str, str], ...]]] = {}
    declared = [(name, tuple((kind, "reason") for kind in kinds)) for name, kinds in BUILT_IN.items()]
    for contract in CONTRACTS:
        errors = (entry for entry in artifact(contract).abi if entry["type"] == "error")
        declared += [(one["name"], tuple((item["type"], item["name"]) for item in one["inputs"])) for one in errors]
    for name, inputs in declared:
        signature = f"{name}({','.join(kind for kind, _ in inputs)})"
        known[keccak(text=signature)[:SELECTOR_BYTES]] = (name, inputs)
    return known


def _show(argument: object) -> str:
    return f"0x{argument.hex()}" if isinstance(argument, bytes) else str(argument)


__all__ = [
    "GAS_CEILING",
    "Call",
    "ChainRefusalError",
    "decode_revert",
    "read_revert",
    "revert_bytes",
    "send",
    "send_raw",
]
