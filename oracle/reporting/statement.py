"""A statement: what an asset has produced in one vintage since it was commissioned, as counters that only rise."""

from dataclasses import astuple, dataclass

from contracts.state import to_bytes32
from oracle.reporting.merkle import leaf_hash

LEAF_TYPES = (
    "bytes32", "uint16", "uint128", "uint128", "uint128", "uint128", "uint128", "uint128", "uint64", "bytes32",
)  # fmt: skip
"""ABI types of a leaf, in the order of the fields of `Statement`."""

NO_EVIDENCE = bytes(32)


@dataclass(frozen=True)
class Counter:
    """A quantity that is only ever added to: issued, and taken back."""

    issued: int = 0
    reversed: int = 0

    @property
    def net(self) -> int:
        """What stands."""
        return self.issued - self.reversed


@dataclass(frozen=True)
class Statement:
    """One leaf of a report: the cumulative figures of one asset in one vintage."""

    asset_id: str
    vintage: int
    """Calendar year at the asset's fixed UTC offset."""
    energy_wh: Counter
    credits_g: Counter
    revenue_minor: Counter
    cutoff_s: int
    """Instant up to which readings were considered [s UTC]."""
    evidence_root: bytes
    """Hash chain of the envelopes and settlements behind the figures (32 bytes)."""

    def fields(self) -> tuple[object, ...]:
        """Return the fields as the contract's struct has them: `LEAF_TYPES`."""
        return (
            to_bytes32(self.asset_id),
            self.vintage,
            *astuple(self.energy_wh),
            *astuple(self.credits_g),
            *astuple(self.revenue_minor),
            self.cutoff_s,
            self.evidence_root,
        )

    @property
    def leaf(self) -> bytes:
        """Leaf hash (32 bytes)."""
        return leaf_hash(LEAF_TYPES, self.fields())


def first_statement(asset_id: str, vintage: int) -> Statement:
    """Return the statement before the first report: nothing produced, nothing shown."""
    return Statement(asset_id, vintage, Counter(), Counter(), Counter(), 0, NO_EVIDENCE)
