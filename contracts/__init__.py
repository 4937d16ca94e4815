"""The chain's side: contracts in Solidity, their compiled artifacts, and what Python needs to deploy and read them.

`artifact`, `published_addresses` and `contracts.state` are pure; `contracts.deployment`, `contracts.registration` and
`contracts.transaction` speak to a node by web3.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

CONTRACTS = (
    "AccessManager",
    "AssetFeed",
    "AssetRegistry",
    "AssetShare",
    "CarbonCredit",
    "FeedFactory",
    "HKDStablecoin",
    "IdentityRegistry",
    "MarkLedger",
    "ProductionOracle",
    "RetirementCertificate",
    "RevenueShare",
    "SettlementEngine",
    "ShareOffice",
)

PEER = "NaiveEnergyToken"
"""The contract that gas is compared with: no part of a deployment."""


@dataclass(frozen=True)
class Artifact:
    """A compiled contract."""

    name: str
    """Contract name, one of `CONTRACTS` or `PEER`."""
    abi: list[dict[str, Any]]
    """Solidity JSON ABI: functions, events, custom errors. Shared between callers: do not change it."""
    bytecode: bytes
    """Creation code, without constructor arguments."""
    runtime: bytes
    """Code on chain, zeros where the constructor puts immutables."""
    immutables: tuple[tuple[int, int], ...]
    """(offset, length) of each immutable in it."""
    compiler: str
    """Compiler that made it, with its version."""
    source_hash: str
    """`sha256:` over the names and hashes of every source it was compiled from."""


@functools.cache
def artifact(name: str) -> Artifact:
    """Load a compiled contract by name.

    Raises KeyError if there is no such contract.
    """
    if name not in (*CONTRACTS, PEER):
        raise KeyError(f"no contract named {name!r}; there are {', '.join(CONTRACTS)}")
    folder = "peer" if name == PEER else "abi"
    document = json.loads((resources.files(__name__) / folder / f"{name}.json").read_text(encoding="utf-8"))
    return Artifact(
        name=document["contract"],
        abi=document["abi"],
        bytecode=bytes.fromhex(document["bytecode"].removeprefix("0x")),
        runtime=bytes.fromhex(document["runtime"].removeprefix("0x")),
        immutables=tuple((start, length) for start, length in document["immutables"]),
        compiler=document["compiler"],
        source_hash=document["source_hash"],
    )


def published_addresses(chain_id: int) -> str | None:
    """Address book (JSON) of the deployment on a chain that this release knows; None where it knows none."""
    book = resources.files(__name__) / "addresses" / f"{chain_id}.json"
    return book.read_text(encoding="utf-8") if book.is_file() else None
