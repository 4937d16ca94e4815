"""One message of envelopes on its way to the nodes: what of it each node has signed for, and what is still missing."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from devices.acknowledgement import AcceptedRange, Acknowledgement
from devices.envelope_reader import EnvelopeReader
from devices.telemetry import Envelope

Series = tuple[str, int]
"""Device and boot epoch."""


@dataclass(frozen=True)
class Verdict:
    """What one item of a message came to so far."""

    sha256: bytes
    """32 bytes: SHA-256 of the item as it travelled."""
    device: str | None
    """None where the item is no envelope."""
    boot: int | None
    first_sequence: int | None
    last_sequence: int | None
    accepted_by: tuple[str, ...]
    """Nodes that have it in their journal."""
    rejected_by: tuple[tuple[str, str], ...]
    """Nodes that refuse it, each with its reason code."""
    settled: bool
    """Enough nodes have it, or too many refuse it: nothing more is waited for."""


@dataclass
class _Item:
    sha256: bytes
    series: Series | None = None
    first: int = 0
    last: int = 0
    accepted: set[str] = field(default_factory=set)
    rejected: dict[str, str] = field(default_factory=dict)


class Carriage:
    """Counts nodes' acknowledgements for the items of one message. The items are cut as a node cuts them.

    Args:
        message: a CBOR sequence of envelopes.
        network: their network.
        copies_required: how many distinct nodes must have an item.
        nodes: how many nodes there are.

    Raises:
        ValueError: `network` is not an identifier.

    """

    def __init__(self, message: bytes, *, network: str, copies_required: int, nodes: int) -> None:
        self.message = message
        self._copies_required = copies_required
        self._tolerated = nodes - copies_required
        self._items = list(_items(message, network))
        self._receipts: dict[bytes, Acknowledgement] = {}

    def note(self, ack: Acknowledgement) -> bool:
        """Take in a verified acknowledgement; tell whether it is about anything in this message.

        A refusal names the very bytes, an accepted range only their numbers: of one node, the refusal counts.
        """
        ranges: dict[Series, list[AcceptedRange]] = {}
        for each in ack.accepted:
            ranges.setdefault((each.device, each.boot), []).append(each)
        refusals = {each.item_sha256: each.reason for each in ack.rejected}
        concerned = False
        for item in self._items:
            if item.sha256 in refusals:
                item.rejected[ack.node] = refusals[item.sha256]
                item.accepted.discard(ack.node)
            elif _covered(item, ranges):
                item.rejected.pop(ack.node, None)  # it was refused once, and its meter is listed by now
                item.accepted.add(ack.node)
            else:
                continue
            concerned = True
        if concerned:
            self._receipts[ack.wire] = ack
        return concerned

    @property
    def complete(self) -> bool:
        """Whether nothing more is waited for."""
        return all(self._settled(item) for item in self._items)

    @property
    def receipts(self) -> tuple[Acknowledgement, ...]:
        """The acknowledgements about this message, as they came."""
        return tuple(self._receipts.values())

    def verdicts(self) -> tuple[Verdict, ...]:
        """What each item came to so far, in the order of the message."""
        return tuple(
            Verdict(
                item.sha256,
                item.series[0] if item.series else None,
                item.series[1] if item.series else None,
                item.first if item.series else None,
                item.last if item.series else None,
                tuple(sorted(item.accepted)),
                tuple(sorted(item.rejected.items())),
                self._settled(item),
            )
            for item in self._items
        )

    def _settled(self, item: _Item) -> bool:
        return len(item.accepted) >= self._copies_required or len(item.rejected) > self._tolerated


def _items(message: bytes, network: str) -> Iterator[_Item]:
    for item, said in EnvelopeReader(network).read(message):
        digest = hashlib.sha256(item).digest()
        if isinstance(said, Envelope):
            yield _Item(digest, (said.device, said.boot), said.first_sequence, said.last_sequence)
        else:
            yield _Item(digest)


def _covered(item: _Item, ranges: dict[Series, list[AcceptedRange]]) -> bool:
    if item.series is None:
        return False
    return any(each.first <= item.first and item.last <= each.last for each in ranges.get(item.series, ()))
