"""What a node asks its peers to attest, and how one of them declines."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Proposal:
    """What a report is to be made of. It is no claim: whoever attests computes the report itself."""

    epoch: int
    prev: bytes
    """Digest of the report before."""
    cutoff_s: int
    registry_block: int
    manifest: tuple[bytes, ...]
    """Digests of the envelopes first used in this report, ascending."""


@dataclass(frozen=True)
class Refusal:
    """A node's answer instead of an attestation."""

    node: str
    reason: str
