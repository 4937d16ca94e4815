"""What a node needs of a chain."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from oracle.attestation.quorum import AttestedReport
from oracle.attestation.signer_set import SignerSet
from oracle.reporting.merkle import StandardMerkleTree
from oracle.reporting.registry import RegistrySnapshot
from oracle.reporting.report import Domain
from oracle.reporting.statement import Statement


@dataclass(frozen=True)
class ChainPosition:
    """Where the oracle contract stands."""

    epoch: int
    """Highest number of a report ever published, 0 before the first. Never falls."""
    digest: bytes
    """Digest of the last report that stands, the next one's `prev`; 32 zero bytes before the first."""
    cutoff_s: int
    """Highest cutoff ever published [s UTC]. Never falls."""


@dataclass(frozen=True)
class Minted:
    """What the ledger has settled for one asset in one vintage: issued minus reversed."""

    energy_wh: int
    credits_g: int
    """Zero where the vintage's claim is no credit."""
    revenue_minor: int


class Chain(Protocol):
    """The oracle's contracts on one chain."""

    @property
    def domain(self) -> Domain:
        """Chain and oracle contract that reports are signed for."""

    def finalized_block(self) -> int:
        """Number of the newest block that cannot be undone."""

    def signer_set(self) -> SignerSet:
        """Who may attest now."""

    def position(self) -> ChainPosition:
        """Where the oracle contract stands."""

    def digest_at(self, epoch: int) -> bytes:
        """Digest of a published report; 32 zero bytes if there is none, or if it was disabled."""

    def was_disabled(self, epoch: int) -> bool:
        """Whether a guardian has disabled an epoch's report, for good: in a block that cannot be undone."""

    def active_epoch(self) -> int:
        """Number of the newest report that can be settled, 0 if there is none."""

    def published(self, epoch: int) -> AttestedReport:
        """Read a published report back, with the signatures it was published with."""

    def registry_at(self, block: int) -> RegistrySnapshot:
        """Read the whole registry at one block, each meter list held against its root."""

    def publish(self, attested: AttestedReport) -> str:
        """Send a report to the oracle contract; return the transaction hash."""

    def unsettled(self, statements: Iterable[Statement]) -> list[Statement]:
        """Those of the statements that say more than what was settled."""

    def settle(self, epoch: int, statements: Sequence[Statement], tree: StandardMerkleTree) -> list[str]:
        """Mint what statements add to what was settled; return the transaction hashes.

        `epoch` is an active report's, `tree` the one over all its statements.
        """

    def minted(self, asset_id: str, vintage: int) -> Minted:
        """Read back what was settled for an asset in a vintage."""
