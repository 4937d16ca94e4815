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
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from devices import topics
from devices.acknowledgement import Acknowledgement
from devices.device_key import PublicKey
from devices.device_signer import DeviceSigner
from devices.identifier import require_identifier
from devices.mqtt import Delivery, MqttConnection, Will
from devices.outbox import Outbox, OutboxFullError, RejectedEnvelope
from devices.publisher import MAX_MESSAGE_BYTES, Publisher
from devices.receipts import ReceiptError, Receipts
from devices.telemetry import Envelope

__all__ = ["MAX_MESSAGE_BYTES", "OFFLINE", "ONLINE", "DeviceSigner", "Gateway", "Outbox", "OutboxFullError", "Tally"]

ONLINE, OFFLINE = b"online", b"offline"
"""Retained payloads of the status topic."""
_LONGEST_SLEEP_S = 1.0
_SHORTEST_SLEEP_S = 0.01

_log = logging.getLogger(__name__)


@dataclass
class Tally:
    """What passed since the start."""

    connects: int = 0
    published: int = 0
    """Envelopes handed to the connection, each time counted."""
    repeated: int = 0
    """Those of them that had been published before over the same connection."""
    delivered: int = 0
    """Envelopes that enough nodes have, deleted."""
    acknowledgements: int = 0
    ignored: int = 0
    """Acknowledgements that do not count."""
    refusals: int = 0
    """Times that a node refused an envelope anew."""


class Gateway:
    """Delivers envelopes to at least `copies_required` nodes, whatever fails in between.

    Args:
        name: identifier of the gateway; one connection of this name at a time.
        network: identifier of the network.
        broker_url: mqtt://[user:password@]host[:port], or mqtts://… for TLS.
        outbox: where undelivered envelopes are kept; the caller closes it after the gateway.
        node_keys: public key of each node by its name; acknowledgements of others are ignored.
        copies_required: k, how many distinct nodes must have an envelope.
        window: new envelopes that may wait for acknowledgements at a time, and half as many old ones beside them.
        retry_after_s: publish again when an acknowledgement takes longer [s].
        backfill_per_s: old envelopes published a second at most; None means as fast as they are acknowledged.

    Raises:
        ValueError: a name is not an identifier, the URL has another form, k is not between 1 and the number of nodes,
            or the rate is not positive.

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
        backfill_per_s: float | None = None,
    ) -> None:
        self.name = require_identifier(name, "gateway")
        self.network = require_identifier(network, "network")
        if not 1 <= copies_required <= len(node_keys):
            raise ValueError(f"copies_required {copies_required} is not between 1 and {len(node_keys)} nodes")
        self.outbox = outbox
        self.fault: str | None = None
        """Why nothing can be delivered just now, although the broker may be there: the outbox cannot be used."""
        self._receipts = Receipts(name, network, node_keys, copies_required, outbox)
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
        self._publisher = Publisher(
            outbox,
            lambda message: self._mqtt.publish(self._topic, message),
            window=window,
            retry_after_s=retry_after_s,
            backfill_per_s=backfill_per_s,
        )
        self._done: list[int] = []
        """Delivered, and not yet deleted."""
        self._tally = Tally()
        self._inbox: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._work = False
        self._start_over = False
        self._stopping = False
        self._sender = threading.Thread(target=self._run, name=f"gateway-{name}", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether the connection to the broker stands."""
        return self._mqtt.connected

    def start(self) -> None:
        """Connect and begin to deliver, in the background, with what the outbox holds."""
        self._mqtt.start()
        self._sender.start()

    def send(self, envelope: Envelope) -> None:
        """Commit one envelope to the outbox; it is delivered in the background, after this call or after a crash.

        Raises:
            OutboxFullError: it was not stored, because the quota is used up. Offer the same envelope again later: a
                device that signs another in its place has used its sequence numbers twice.
            sqlite3.Error: it was not stored, for instance because the disk is full. The same holds.

        """
        self.send_many((envelope,))

    def send_many(self, envelopes: Iterable[Envelope]) -> None:
        """Commit envelopes in one transaction, which costs about as much as one. Raises as `send` does."""
        self.outbox.add(envelopes)
        self._wake()

    def pending(self) -> int:
        """Return how many envelopes are not yet with k nodes, without those that were set aside."""
        return self.outbox.pending()

    def tally(self) -> Tally:
        """Return what passed since the start."""
        return replace(self._tally, published=self._publisher.published, repeated=self._publisher.repeated)

    def in_flight(self) -> int:
        """Return how many envelopes were published and wait for acknowledgements."""
        return self._publisher.in_flight()

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
        self._tally.connects += 1
        with self._changed:
            self._start_over = True
        self._wake()

    def _delivered(self, delivery: Delivery) -> None:
        self._inbox.put(delivery)
        self._wake()

    def _run(self) -> None:
        sleep_s = _LONGEST_SLEEP_S
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._work or self._stopping, sleep_s)
                if self._stopping:
                    return
                self._work = False
                start_over, self._start_over = self._start_over, False
            try:
                sleep_s = self._step(start_over=start_over)
                self._note(None)
            except (sqlite3.Error, OSError) as error:
                if self._stopping:
                    return
                self._note(f"{self.outbox.path} cannot be used: {error}")
                with self._changed:
                    self._start_over |= start_over
                    self._changed.wait_for(lambda: self._stopping, _LONGEST_SLEEP_S)

    def _note(self, fault: str | None) -> None:
        if fault is not None and fault != self.fault:
            _log.error("gateway %s: %s; trying again every second", self.name, fault)
        if fault is None and self.fault is not None:
            _log.info("gateway %s: the outbox can be used again", self.name)
        self.fault = fault

    def _step(self, *, start_over: bool) -> float:
        """Do what there is to do; return how long there is nothing else [s]."""
        if start_over:
            self._publisher.start_over()
        self._take_acknowledgements()
        if not self._mqtt.connected:
            return _LONGEST_SLEEP_S
        now_s = time.monotonic()
        again_s = self._publisher.step(now_s)
        if again_s is None:
            return _LONGEST_SLEEP_S
        return min(max(again_s - now_s, _SHORTEST_SLEEP_S if again_s > now_s else 0.0), _LONGEST_SLEEP_S)

    def _take_acknowledgements(self) -> None:
        while not self._inbox.empty():
            delivery = self._inbox.get()
            try:
                ack = self._receipts.verified(delivery.topic, delivery.payload)
            except ReceiptError as error:
                self._tally.ignored += 1
                _log.warning("gateway %s ignores an acknowledgement: %s", self.name, error)
                continue
            self._tally.acknowledgements += 1
            self._done += self._receipts.count(ack)
            self._note_rejections(ack)
        if self._done:
            self.outbox.remove(self._done)
            self._publisher.land(self._done)
            self._tally.delivered += len(self._done)
            self._done = []
            with self._changed:
                self._changed.notify_all()  # whoever waits for the end of it

    def _note_rejections(self, ack: Acknowledgement) -> None:
        new = self.outbox.reject(ack.node, ack.rejected, tolerated=self._receipts.tolerated)
        self._tally.refusals += len(new)
        for each in new:
            where = f"device {each.device}, boot {each.boot}, sequence {each.sequence}"
            _log.warning("gateway %s: node %s refuses %s: %s", self.name, ack.node, where, each.reason)
