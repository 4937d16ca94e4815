"""The report that nodes sign: one EIP-712 struct over all statements.

One function gives the signed bytes (`Report.digest`); the contract's `reportDigest` and eth-account's typed-data
encoder give the same (tests/vectors/report_digest.json).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from oracle.reporting.abi import abi_bytes
from oracle.reporting.keccak import keccak256
from oracle.reporting.statement import Statement

TOTALS_TYPE = "Totals(uint128 energyWh,uint128 creditsG,uint128 revenueMinor)"
REPORT_TYPE = (
    "Report(uint64 epoch,bytes32 prev,uint64 cutoff,bytes32 configDigest,bytes32 rulesDigest,uint64 registryBlock,"
    "bytes32 registryHash,bytes32 root,Totals totals,uint32 leafCount,bytes32 dataHash)"
)
DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
DOMAIN_NAME = "Heliograph"
DOMAIN_VERSION = "1"
NO_REPORT = bytes(32)
"""`prev` of the first report."""


@dataclass(frozen=True)
class Domain:
    """Where a report is valid: one contract on one chain."""

    chain_id: int
    oracle: str
    """Address of the ProductionOracle, 0x and 40 hexadecimal digits."""

    @property
    def separator(self) -> bytes:
        """EIP-712 domain separator (32 bytes)."""
        return keccak256(
            abi_bytes(
                ("bytes32", "bytes32", "bytes32", "uint256", "address"),
                (
                    keccak256(DOMAIN_TYPE.encode()),
                    keccak256(DOMAIN_NAME.encode()),
                    keccak256(DOMAIN_VERSION.encode()),
                    self.chain_id,
                    self.oracle,
                ),
            )
        )


@dataclass(frozen=True)
class Totals:
    """Fleet totals: what stands (issued minus reversed) over all statements."""

    energy_wh: int
    credits_g: int
    revenue_minor: int


@dataclass(frozen=True)
class Report:
    """One epoch's figures of all assets, as one root."""

    epoch: int
    """Number of the report, from 1; never a time."""
    prev: bytes
    """Digest of the previous report that was not disabled; 32 zero bytes for the first."""
    cutoff_s: int
    """Instant up to which readings were considered [s UTC]."""
    config_digest: bytes
    """Binds the report to a signer set, a contract and a chain."""
    rules_digest: bytes
    registry_block: int
    """Block at which the registry was read."""
    registry_hash: bytes
    """Merkle root over the registry's assets at that block."""
    root: bytes
    """Merkle root over the statements."""
    totals: Totals
    leaf_count: int
    data_hash: bytes
    """keccak256 of the published manifest (see `compilation.manifest_hash`)."""

    def digest(self, domain: Domain) -> bytes:
        """Bytes that nodes sign: the EIP-712 digest (32 bytes)."""
        return keccak256(b"\x19\x01" + domain.separator + self._struct_hash())

    def _struct_hash(self) -> bytes:
        totals = keccak256(
            abi_bytes(
                ("bytes32", "uint128", "uint128", "uint128"),
                (
                    keccak256(TOTALS_TYPE.encode()),
                    self.totals.energy_wh,
                    self.totals.credits_g,
                    self.totals.revenue_minor,
                ),
            )
        )
        return keccak256(
            abi_bytes(
                (
                    "bytes32", "uint64", "bytes32", "uint64", "bytes32", "bytes32", "uint64", "bytes32", "bytes32",
                    "bytes32", "uint32", "bytes32",
                ),
                (
                    keccak256((REPORT_TYPE + TOTALS_TYPE).encode()),
                    self.epoch,
                    self.prev,
                    self.cutoff_s,
                    self.config_digest,
                    self.rules_digest,
                    self.registry_block,
                    self.registry_hash,
                    self.root,
                    totals,
                    self.leaf_count,
                    self.data_hash,
                ),
            )
        )  # fmt: skip


def totals_of(statements: Iterable[Statement]) -> Totals:
    """Add up what stands over all statements."""
    energy_wh = credits_g = revenue_minor = 0
    for statement in statements:
        energy_wh += statement.energy_wh.net
        credits_g += statement.credits_g.net
        revenue_minor += statement.revenue_minor.net
    return Totals(energy_wh, credits_g, revenue_minor)
