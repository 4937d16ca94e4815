"""What nodes say to each other."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from oracle.attestation.proposal import Proposal, Refusal
from oracle.attestation.quorum import Attestation


class PeerService(Protocol):
    """What a node does for its peers."""

    def attest(self, proposal: Proposal) -> Attestation | Refusal:
        """Compute the proposed report, and sign it if nothing speaks against it."""

    def serve_envelopes(self, digests: Iterable[bytes]) -> Mapping[bytes, bytes]:
        """Return the named envelopes as signed, those that this node has."""

    def learn(self, proposal: Proposal, signatures: tuple[bytes, ...]) -> None:
        """Take note of a report that was published."""

    def unreported(self, cutoff_s: int) -> tuple[bytes, ...]:
        """Digests of envelopes up to a cutoff [s UTC] that this node would put into the next report."""

    def proposal_of(self, epoch: int) -> Proposal | None:
        """What this node knows the report of an epoch to be made of: published, or signed and still open."""

    def last_signed_epoch(self) -> int:
        """Highest epoch of which this node signed a report, 0 before the first."""


class Peers(Protocol):
    """One node's way to the others."""

    def request_attestations(self, proposal: Proposal) -> list[Attestation | Refusal]:
        """Ask every other node; nodes that do not answer are left out."""

    def fetch_envelopes(self, digests: Iterable[bytes], sound: Callable[[bytes, bytes], bool]) -> None:
        """Collect envelopes from whoever has them: `sound(digest, bytes)` takes each, or refuses it and the next node is asked."""

    def announce(self, proposal: Proposal, signatures: tuple[bytes, ...]) -> None:
        """Tell every other node of a published report."""

    def unreported(self, cutoff_s: int) -> set[bytes]:
        """Digests that any other node would put into the next report."""

    def proposals_of(self, epoch: int) -> list[Proposal]:
        """What other nodes know the report of an epoch to be made of; one answer a node, the claims may differ."""

    def last_signed_epoch(self) -> int:
        """Highest epoch of which any other node signed a report."""
