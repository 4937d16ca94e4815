"""A store-and-forward gateway: signed envelopes in, acknowledged by k nodes or still on disk.

    send -> outbox (committed) -> publish -> broker -> nodes -> signed acknowledgements -> delete

The broker's PUBACK ends nothing: an envelope stays until k distinct nodes have said, each with its own signature, that
it is in their journal. The gateway is untrusted transport and holds no key of its own.
"""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from devices import acknowledgement, topics
from devices.acknowledgement import AcceptedRange, Acknowledgement
from devices.device_key import PublicKey
from devices.device_signer import DeviceSigner
from devices.flights import Flights
from devices.identifier import require_identifier
from devices.mqtt import Delivery, MqttConnection, Will
from devices.outbox import Outbox, RejectedEnvelope
from devices.telemetry import MAX_ITEMS, Envelope, TelemetryError

__all__ = ["MAX_MESSAGE_BYTES", "OFFLINE", "ONLINE", "DeviceSigner", "Gateway", "Outbox"]

MAX_MESSAGE_BYTES = 128 * 1024
"""A message carries envelopes up to this size together; a larger envelope travels alone."""
ONLINE, OFFLINE = b"online", b"offline"
"""Retained payloads of the status topic."""
_LONGEST_SLEEP_S = 1.0

_log = logging.getLogger(__name__)


class Gateway:
    """Delivers envelopes to at least `copies_required` nodes, whatever fails in between.

    Args:
        name: identifier of the gateway; one connection of this name at a time.
        network: identifier of the network.
        broker_url: mqtt://[user:password@]host[:port].
        outbox: where undelivered envelopes are kept; the caller closes it after the gateway.
        node_keys: public key of each node by its name; acknowledgements of others are ignored.
        copies_required: k, how many distinct nodes must have an envelope.
        window: envelopes that may wait for acknowledgements at a time.
        retry_after_s: publish again when an acknowledgement takes longer [s].

    Raises:
        ValueError: a name is not an identifier, the URL has another form, or k is not between 1 and the number of nodes.

    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a gateway is made of; tuning is keyword-only
        self,
        name: str,
        network: str,
        broker_url: str,
        outbox: Outbox,
        node_keys: dict[str, PublicKey],
        copies_required: int,
        *,
        window: int = 512,
        retry_after_s: float = 10.0,
    ) -> None:
        self.name = require_identifier(name, "gateway")
        self.network = require_identifier(network, "network")
        if not 1 <= copies_required <= len(node_keys):
            raise ValueError(f"copies_required {copies_required} is not between 1 and {len(node_keys)} nodes")
        self.outbox = outbox
        self._node_keys = dict(node_keys)
        self._copies_required = copies_required
        self._topic = topics.format_telemetry(network, name)
        self._status_topic = topics.format_status(network, name)
        self._mqtt = MqttConnection(
            broker_url,
            f"heliograph-{network}-gateway-{name}",
            subscriptions=(topics.format_ack_filter(network, name),),
            on_delivery=self._delivered,
            on_connected=self._wake_after_connect,
            will=Will(self._status_topic, OFFLINE),
        )
        self._flights = Flights(window, retry_after_s)
        self._last_id = 0
        self._copies: dict[int, set[str]] = {}
        self._inbox: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._work = False
        self._start_over = False
        self._stopping = False
        self._sender = threading.Thread(target=self._run, name=f"gateway-{name}", daemon=True)

    def start(self) -> None:
        """Connect and begin to deliver, in the background. What the outbox holds goes out first."""
        self._mqtt.start()
        self._sender.start()

    def send(self, envelope: Envelope) -> None:
        """Commit one envelope to the outbox; it is delivered in the background, after this call or after a crash.

        Raises:
            sqlite3.Error: it was not stored.

        """
        self.send_many((envelope,))

    def send_many(self, envelopes: Iterable[Envelope]) -> None:
        """Commit envelopes in one transaction, which costs about as much as one. Raises as `send` does."""
        self.outbox.add(envelopes)
        self._wake()

    def pending(self) -> int:
        """Return how many envelopes are not yet with k nodes, without those that were set aside."""
        return self.outbox.pending()

    def rejected(self) -> list[RejectedEnvelope]:
        """Return what nodes refused and why, as far as the envelope is still kept."""
        return self.outbox.rejected()

    def retry_rejected(self) -> int:
        """Publish again what was set aside, for instance after a meter was registered. Return how many envelopes."""
        again = self.outbox.retry_rejected()
        with self._changed:
            self._start_over = True
        self._wake()
        return again

    def wait_until_empty(self, timeout_s: float, on_progress: Callable[[int], None] | None = None) -> bool:
        """Wait until nothing is pending, and tell whether that came true within the timeout.

        `on_progress` is called with the number pending, at first and whenever it has changed.
        """
        deadline = time.monotonic() + timeout_s
        reported: int | None = None
        while True:
            pending = self.pending()
            if on_progress is not None and pending != reported:
                on_progress(pending)
                reported = pending
            left_s = deadline - time.monotonic()
            if not pending or left_s <= 0:
                return not pending
            with self._changed:
                self._changed.wait(min(left_s, _LONGEST_SLEEP_S))

    def close(self) -> None:
        """Say goodbye and stop, within about two seconds; undelivered envelopes stay in the outbox."""
        with self._changed:
            if self._stopping:
                return
            self._stopping = True
            self._changed.notify_all()
        self._mqtt.publish_last(self._status_topic, OFFLINE, timeout_s=0.3)
        self._mqtt.stop()
        if self._sender.is_alive():
            self._sender.join(0.5)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _wake(self) -> None:
        with self._changed:
            self._work = True
            self._changed.notify_all()

    def _wake_after_connect(self) -> None:
        self._mqtt.publish(self._status_topic, ONLINE, retain=True)
        with self._changed:
            self._start_over = True
        self._wake()

    def _delivered(self, delivery: Delivery) -> None:
        self._inbox.put(delivery)
        self._wake()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._work or self._stopping, self._sleep_s())
                if self._stopping:
                    return
                self._work = False
                start_over, self._start_over = self._start_over, False
            try:
                self._step(start_over=start_over)
            except (sqlite3.Error, OSError):
                if self._stopping:
                    return
                _log.exception("gateway %s: trying again in a second", self.name)
                time.sleep(_LONGEST_SLEEP_S)

    def _sleep_s(self) -> float:
        due = self._flights.next_due_s()
        return _LONGEST_SLEEP_S if due is None else min(max(due - time.monotonic(), 0.01), _LONGEST_SLEEP_S)

    def _step(self, *, start_over: bool) -> None:
        now_s = time.monotonic()
        if start_over:
            self._flights.clear()
            self._last_id = 0
        self._take_acknowledgements()
        self._flights.expire(now_s)
        if self._mqtt.connected:
            self._publish_due(now_s)

    def _publish_due(self, now_s: float) -> None:
        capacity = self._flights.capacity()
        fresh = self.outbox.after(self._last_id, capacity) if capacity > 0 and self._flights.takes_new() else []
        attempts = dict(self._flights.due(now_s, max(capacity // 2, capacity - len(fresh))))
        rows = self.outbox.wires(list(attempts)) + fresh[: capacity - len(attempts)]
        for ids, message in _messages(rows):
            if not self._mqtt.publish(self._topic, message):
                return  # the connection is gone; the next one starts over
            for each in ids:
                self._flights.launch(each, now_s, attempts.get(each, 0) + 1)
            self._last_id = max(self._last_id, *ids)
        if len(fresh) == capacity and self._flights.capacity() > 0:
            self._wake()

    def _take_acknowledgements(self) -> None:
        done: list[int] = []
        while not self._inbox.empty():
            delivery = self._inbox.get()
            try:
                ack = self._verified(delivery)
            except (TelemetryError, topics.TopicError) as error:
                _log.warning("gateway %s ignores an acknowledgement: %s", self.name, error)
                continue
            for accepted in joined(ack.accepted):
                done += self._count(ack.node, accepted)
            self._note_rejections(ack)
        self.outbox.remove(done)
        self._flights.land(done)
        if done:
            self._wake()

    def _verified(self, delivery: Delivery) -> Acknowledgement:
        """Return an acknowledgement by a known node to this gateway, or raise TelemetryError or TopicError."""
        topic = topics.parse(delivery.topic)
        ack = acknowledgement.decode(delivery.payload, network=self.network)
        if topic != topics.AckTopic(self.network, self.name, ack.node) or ack.gateway != self.name:
            raise topics.TopicError(f"{delivery.topic!r} carries one of {ack.node!r} to {ack.gateway!r}")
        if self._node_keys.get(ack.node) != ack.public_key:
            raise topics.TopicError(f"node {ack.node!r} is unknown or has another key")
        acknowledgement.verify_signature(ack)
        return ack

    def _count(self, node: str, accepted: AcceptedRange) -> list[int]:
        """Count a node's copy of every envelope in a range; return those that now have enough."""
        done = []
        for each in self.outbox.covered(accepted.device, accepted.boot, accepted.first, accepted.last):
            nodes = self._copies.setdefault(each, set())
            nodes.add(node)
            if len(nodes) >= self._copies_required:
                done.append(each)
                del self._copies[each]
        return done

    def _note_rejections(self, ack: Acknowledgement) -> None:
        tolerated = len(self._node_keys) - self._copies_required
        for each in ack.rejected:
            envelope_id = self.outbox.reject(each.item_sha256, ack.node, each.reason, tolerated=tolerated)
            if envelope_id is not None:
                where = f"device {each.device}, boot {each.boot}, sequence {each.sequence}"
                _log.warning("gateway %s: node %s refuses %s: %s", self.name, ack.node, where, each.reason)
                self._wake()


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


def _messages(rows: Iterable[tuple[int, bytes]]) -> Iterable[tuple[list[int], bytes]]:
    """Pack envelopes into messages: (their ids, the CBOR sequence)."""
    ids: list[int] = []
    wires: list[bytes] = []
    size = 0
    for each, wire in rows:
        if ids and (size + len(wire) > MAX_MESSAGE_BYTES or len(ids) == MAX_ITEMS):
            yield ids, b"".join(wires)
            ids, wires, size = [], [], 0
        ids.append(each)
        wires.append(wire)
        size += len(wire)
    if ids:
        yield ids, b"".join(wires)
