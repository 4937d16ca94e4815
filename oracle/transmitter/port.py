"""What a node needs of a chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from oracle.attestation.quorum import AttestedReport
from oracle.attestation.signer_set import SignerSet
from oracle.reporting.registry import RegistrySnapshot
from oracle.reporting.report import Domain
from oracle.reporting.statement import Statement


@dataclass(frozen=True)
class ChainPosition:
    """Where the oracle contract stands."""

    epoch: int
    """Number of the last report, 0 before the first."""
    digest: bytes
    """Its digest, 32 zero bytes before the first."""
    cutoff_s: int


@dataclass(frozen=True)
class Minted:
    """What the token contracts hold to the credit of one asset in one vintage."""

    energy_wh: int
    """Energy behind revenue shares [Wh]."""
    carbon_energy_wh: int
    """Energy behind carbon credits [Wh]."""
    credits_g: int
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
        """Digest of a published report; 32 zero bytes if there is none."""

    def published(self, epoch: int) -> AttestedReport:
        """Read a published report back, with the signatures it was published with."""

    def registry_at(self, block: int) -> RegistrySnapshot:
        """Read the whole registry at one block, each meter list held against its root."""

    def publish(self, attested: AttestedReport) -> str:
        """Send a report to the oracle contract; return the transaction hash."""

    def settle(self, epoch: int, statements: Sequence[tuple[Statement, tuple[bytes, ...]]]) -> list[str]:
        """Mint what statements (with their Merkle paths) add to what was settled; return the transaction hashes."""

    def minted(self, asset_id: str, vintage: int) -> Minted:
        """Read back what was minted for an asset in a vintage."""
