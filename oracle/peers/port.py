"""What nodes say to each other."""

from collections.abc import Iterable, Mapping
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


class Peers(Protocol):
    """One node's way to the others."""

    def request_attestations(self, proposal: Proposal) -> list[Attestation | Refusal]:
        """Ask every other node; nodes that do not answer are left out."""

    def fetch_envelopes(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        """Collect envelopes from whoever has them. They prove themselves: the caller verifies each."""

    def announce(self, proposal: Proposal, signatures: tuple[bytes, ...]) -> None:
        """Tell every other node of a published report."""
