"""The chain's side: contracts in Solidity, their compiled artifacts, and what Python needs to deploy and read them.

`artifact` and `contracts.state` are pure; `contracts.deployment` and `contracts.transaction` speak to a node by web3.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

CONTRACTS = (
    "AccessManager",
    "AssetRegistry",
    "CarbonCredit",
    "HKDStablecoin",
    "ProductionOracle",
    "RevenueShare",
    "SettlementEngine",
)


@dataclass(frozen=True)
class Artifact:
    """A compiled contract."""

    name: str
    """Contract name, one of `CONTRACTS`."""
    abi: list[dict[str, Any]]
    """Solidity JSON ABI: functions, events, custom errors. Shared between callers: do not change it."""
    bytecode: bytes
    """Creation code, without constructor arguments."""
    compiler: str
    """Compiler that made it, with its version."""
    source_hash: str
    """`sha256:` over the names and hashes of every source it was compiled from."""


@functools.cache
def artifact(name: str) -> Artifact:
    """Load a compiled contract by name.

    Raises KeyError if there is no such contract.
    """
    if name not in CONTRACTS:
        raise KeyError(f"no contract named {name!r}; there are {', '.join(CONTRACTS)}")
    document = json.loads((resources.files(__name__) / "abi" / f"{name}.json").read_text(encoding="utf-8"))
    return Artifact(
        name=document["contract"],
        abi=document["abi"],
        bytecode=bytes.fromhex(document["bytecode"].removeprefix("0x")),
        compiler=document["compiler"],
        source_hash=document["source_hash"],
    )
