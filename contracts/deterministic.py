"""Addresses that are known before anything is deployed: CREATE2 through the deployment proxy that most chains have.

The proxy takes a salt and creation code, and puts the contract at an address that is a hash of both
(https://github.com/Arachnid/deterministic-deployment-proxy). So whoever knows salt, code and constructor arguments finds
a deployment again, and code that is at that address came from this creation code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from contracts import artifact

if TYPE_CHECKING:
    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.types import TxParams, Wei

PROXY: Final = to_checksum_address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
PROXY_CODE: Final = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b80"
    "82525050506014600cf3"
)
PROXY_SIGNER: Final = to_checksum_address("0x3fab184622dc19b6109349b94811493bf2a45362")
"""Nobody has its key: the transaction below was made up around its signature."""
PROXY_TRANSACTION: Final = bytes.fromhex(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe"
    + PROXY_CODE.hex()
    + "1ba02222222222222222222222222222222222222222222222222222222222222222"
    + "a02222222222222222222222222222222222222222222222222222222222222222"
)
"""Deploys the proxy, at the same address on every chain that takes transactions without a chain id."""
PROXY_GAS_PRICE: Final = 100 * 10**9
PROXY_COST: Final = 100_000 * PROXY_GAS_PRICE
"""What `PROXY_SIGNER` needs for it [wei]."""


@dataclass(frozen=True)
class RawCall:
    """A transaction to an address, with data of our own making."""

    web3: Web3
    to: ChecksumAddress
    payload: bytes = b""
    wei: int = 0

    def build_transaction(self, transaction: TxParams | None = None) -> TxParams:
        """Fill in fees and chain, as web3 does for a contract's functions."""
        own: TxParams = {"to": self.to, "data": HexBytes(self.payload), "value": cast("Wei", self.wei)}
        return {**(transaction or {}), **own, **fees(self.web3), "chainId": self.web3.eth.chain_id}


def fees(web3: Web3) -> TxParams:
    """Fees that get a transaction into one of the next blocks: room for the base fee to double."""
    base = web3.eth.get_block("latest").get("baseFeePerGas")
    if base is None:
        return {"gasPrice": web3.eth.gas_price}
    tip = web3.eth.max_priority_fee
    return {"maxFeePerGas": cast("Wei", 2 * base + tip), "maxPriorityFeePerGas": tip}


def creation_code(name: str, *arguments: object) -> bytes:
    """Creation code of a contract with its constructor arguments."""
    built = artifact(name)
    constructor: dict[str, Any] = next((entry for entry in built.abi if entry["type"] == "constructor"), {"inputs": []})
    return built.bytecode + encode([item["type"] for item in constructor["inputs"]], arguments)


def salt_of(text: str) -> bytes:
    """Salt that a name stands for (32 bytes)."""
    return keccak(text=f"heliograph {text}")


def create2_address(salt: bytes, creation: bytes) -> ChecksumAddress:
    """Where the proxy puts a contract (EIP-1014)."""
    return to_checksum_address(keccak(b"\xff" + bytes.fromhex(PROXY[2:]) + salt + keccak(creation))[12:])


def is_code_of(name: str, code: bytes) -> bool:
    """Whether code on chain is the contract's: the same bytes, but for immutables, which the constructor filled in."""
    built = artifact(name)
    if len(code) != len(built.runtime):
        return False
    found = bytearray(code)
    for start, length in built.immutables:
        found[start : start + length] = bytes(length)
    return bytes(found) == built.runtime
