"""Who has an envelope: signed acknowledgements, checked and counted."""

from collections.abc import Iterable, Mapping

from devices import acknowledgement, topics
from devices.acknowledgement import AcceptedRange, Acknowledgement
from devices.device_key import PublicKey
from devices.outbox import Outbox
from devices.telemetry import TelemetryError


class ReceiptError(Exception):
    """An acknowledgement that does not count."""


class Receipts:
    """Counts, for one gateway, how many distinct nodes have each envelope of its outbox.

    Args:
        gateway: its name.
        network: its network.
        node_keys: public key of each node by its name.
        copies_required: how many distinct nodes must have an envelope.
        outbox: where the envelopes are.

    """

    def __init__(
        self, gateway: str, network: str, node_keys: dict[str, PublicKey], copies_required: int, outbox: Outbox
    ) -> None:
        self._gateway = gateway
        self._network = network
        self._node_keys = dict(node_keys)
        self._copies_required = copies_required
        self._outbox = outbox
        self._copies: dict[int, set[str]] = {}

    @property
    def tolerated(self) -> int:
        """How many nodes may refuse an envelope while the others are still enough."""
        return len(self._node_keys) - self._copies_required

    def verified(self, topic: str, payload: bytes) -> Acknowledgement:
        """Return an acknowledgement by a known node to this gateway.

        Raises:
            ReceiptError: it is none, of somebody else, for somebody else, or its signature does not verify.

        """
        return verified(topic, payload, gateway=self._gateway, network=self._network, node_keys=self._node_keys)

    def count(self, ack: Acknowledgement) -> list[int]:
        """Count a node's copies; return the ids of the envelopes that now have enough."""
        done = []
        for each in joined(ack.accepted):
            for envelope_id in self._outbox.covered(each.device, each.boot, each.first, each.last):
                nodes = self._copies.setdefault(envelope_id, set())
                nodes.add(ack.node)
                if len(nodes) >= self._copies_required:
                    done.append(envelope_id)
                    del self._copies[envelope_id]
        return done


def verified(
    topic: str, payload: bytes, *, gateway: str, network: str, node_keys: Mapping[str, PublicKey]
) -> Acknowledgement:
    """Return an acknowledgement by one of the known nodes to one gateway.

    Raises:
        ReceiptError: it is none, of somebody else, for somebody else, or its signature does not verify.

    """
    try:
        named = topics.parse(topic)
        ack = acknowledgement.decode(payload, network=network)
        if named != topics.AckTopic(network, gateway, ack.node) or ack.gateway != gateway:
            raise ReceiptError(f"{topic!r} carries one of {ack.node!r} to {ack.gateway!r}")
        if node_keys.get(ack.node) != ack.public_key:
            raise ReceiptError(f"node {ack.node!r} is unknown or has another key")
        acknowledgement.verify_signature(ack)
    except (TelemetryError, topics.TopicError) as error:
        raise ReceiptError(str(error)) from error
    return ack


def joined(ranges: Iterable[AcceptedRange]) -> list[AcceptedRange]:
    """Join ranges that touch or overlap, so that an envelope which several cover together counts as covered."""
    merged: list[AcceptedRange] = []
    for each in sorted(ranges, key=lambda each: (each.device, each.boot, each.first)):
        last = merged[-1] if merged else None
        if last and (last.device, last.boot) == (each.device, each.boot) and each.first <= last.last + 1:
            merged[-1] = AcceptedRange(each.device, each.boot, last.first, max(last.last, each.last))
        else:
            merged.append(each)
    return merged
