"""Whether all that a device signed is here: each envelope names the digest of the one before it.

A gap is told and never blocks: what is missing may come late, or be lost for good. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from devices.telemetry import NO_PREVIOUS, Envelope


@dataclass(frozen=True, order=True)
class Gap:
    """An envelope that another names as its predecessor, and that is not here."""

    device: str
    boot: int
    sequence: int
    """Boot epoch and first sequence of the envelope after the gap."""
    missing: bytes
    """32 bytes: digest of the envelope that is not here."""


def chain_gaps(envelopes: Iterable[Envelope]) -> list[Gap]:
    """Find what is missing among envelopes of any devices, in any order; ordered by device, boot epoch and sequence."""
    here: set[bytes] = set()
    named: list[Gap] = []
    for envelope in envelopes:
        here.add(envelope.digest)
        if envelope.previous != NO_PREVIOUS:
            named.append(Gap(envelope.device, envelope.boot, envelope.first_sequence, envelope.previous))
    return sorted({gap for gap in named if gap.missing not in here})


def last_sequence_before(gap: Gap, envelopes: Iterable[Envelope]) -> int | None:
    """Return the last sequence number that is here of the same device and boot epoch before a gap; None if there is none."""
    return max(
        (
            envelope.last_sequence
            for envelope in envelopes
            if (envelope.device, envelope.boot) == (gap.device, gap.boot) and envelope.last_sequence < gap.sequence
        ),
        default=None,
    )
