"""From what the generators noted to latencies: which acknowledgement answered which sending. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from api.bench import fleet
from devices import acknowledgement
from devices.acknowledgement import Acknowledgement
from devices.device_key import PublicKey
from devices.rejection import TelemetryError

UNANSWERED = -1
_NS_BITS = 40
"""Instants of a run fit 40 bits of nanoseconds (18 minutes), envelope numbers the 23 bits above."""


@dataclass
class Answers:
    """What one generator was answered, decoded and verified."""

    envelopes: list[NDArray[np.int64]] = field(default_factory=list)
    """Good envelopes that each accepted range covers whole."""
    arrivals_ns: list[int] = field(default_factory=list)
    """When each range arrived."""
    rejected: dict[bytes, str] = field(default_factory=dict)
    """Reason, by SHA-256 of the refused item."""
    faults: list[str] = field(default_factory=list)
    """Acknowledgements that do not count, and why."""

    def take(self, payload: bytes, arrived_ns: int, *, gateway: str, key: PublicKey, batch: int) -> None:
        """Decode and verify one acknowledgement as a gateway does, and note what it answers."""
        try:
            ack = acknowledgement.decode(payload, network=fleet.NETWORK)
            acknowledgement.verify_signature(ack)
        except TelemetryError as error:
            self.faults.append(f"an acknowledgement is {error.reason}: {error.detail}")
            return
        if (ack.node, ack.gateway, ack.public_key) != (fleet.NODE, gateway, key):
            self.faults.append(f"an acknowledgement to {gateway} is from another node, key or for another gateway")
            return
        for covered in _covered(ack, batch):
            self.envelopes.append(covered)
            self.arrivals_ns.append(arrived_ns)
        self.rejected.update((refused.item_sha256, refused.reason) for refused in ack.rejected)

    def answered_ns(self, sendings: NDArray[np.int64], sent_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Find when each sending was answered.

        The k-th sending of an envelope is answered by the k-th acknowledgement of it; by a later one if that one was there
        before the sending; by the last one if a node answered several sendings in one.

        Args:
            sendings: shape (n,), number of the envelope that each one sent.
            sent_ns: shape (n,), when.

        Returns:
            Shape (n,): arrival of its answer, UNANSWERED without one.

        """
        answered = np.full(len(sendings), UNANSWERED, dtype=np.int64)
        if not self.envelopes or not len(sendings):
            return answered
        base = int(min(sent_ns.min(), *self.arrivals_ns))
        arrivals = np.repeat(np.array(self.arrivals_ns) - base, [len(each) for each in self.envelopes])
        covers = np.sort(_keys(np.concatenate(self.envelopes), arrivals))
        order = np.argsort(_keys(sendings, sent_ns - base), kind="stable")
        envelope, keys = sendings[order], _keys(sendings, sent_ns - base)[order]
        first = np.searchsorted(covers, envelope << _NS_BITS)
        end = np.searchsorted(covers, (envelope + 1) << _NS_BITS)
        rank = np.arange(len(envelope)) - np.searchsorted(envelope, envelope)
        at_or_after = np.searchsorted(covers, keys)
        chosen = np.maximum(np.minimum(first + rank, end - 1), at_or_after)
        found = chosen < end
        answered[order[found]] = (covers[chosen[found]] & ((1 << _NS_BITS) - 1)) + base
        return answered


def latencies_ms(due_ns: NDArray[np.int64], answered_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """From the scheduled sending to the answer [ms], of those that were answered."""
    found = answered_ns != UNANSWERED
    late: NDArray[np.float64] = (answered_ns[found] - due_ns[found]) / 1e6
    return late


def percentile(numbers: NDArray[np.float64], percent: float) -> float | None:
    """Smallest number that `percent` of all do not exceed; None of no numbers."""
    return float(np.percentile(numbers, percent, method="inverted_cdf")) if len(numbers) else None


def _keys(envelopes: NDArray[np.int64], instants_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order by envelope, then by instant."""
    return (envelopes << _NS_BITS) | instants_ns


def _covered(ack: Acknowledgement, batch: int) -> list[NDArray[np.int64]]:
    covered = []
    for accepted in ack.accepted:
        device = _DEVICE_NUMBERS.get(accepted.device)
        if device is None or accepted.boot != fleet.BOOT:
            continue
        numbers = np.arange(-(-accepted.first // batch), (accepted.last + 1) // batch, dtype=np.int64)
        covered.append(device + numbers * fleet.DEVICES)
    return covered


_DEVICE_NUMBERS: Mapping[str, int] = {fleet.device_name(device): device for device in range(fleet.DEVICES)}
