"""Takes telemetry from the broker, commits it to the journal in groups, and only then acknowledges.

The broker's client thread only queues; one worker admits, commits and acknowledges. The queue is bounded: when the
journal is slower than the broker, the client thread waits, and the broker with it.
"""

import logging
import queue
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from devices.mqtt import MqttConnection, Received

from devices import acknowledgement
from devices.topics import format_ack, format_telemetry_filter
from oracle.headend.admission import Admission, Refusal, admit
from oracle.journal.journal import Journal
from oracle.journal.records import Rejected
from oracle.keyring.port import Keyring
from oracle.reporting.registry import RegistrySnapshot

log = logging.getLogger(__name__)

QUEUE_LENGTH = 2048
GROUP_LENGTH = 256
"""Messages that share one commit."""


@dataclass
class Tally:
    """What passed since the start."""

    envelopes: int = 0
    """New envelopes journaled."""
    duplicates: int = 0
    """Envelopes that were journaled before."""
    refused: int = 0


class HeadEnd:
    """One node's ear on the broker."""

    def __init__(  # noqa: PLR0913  the composition names each part
        self,
        *,
        node: str,
        network: str,
        journal: Journal,
        keyring: Keyring,
        registry: Callable[[], RegistrySnapshot],
        clock_ms: Callable[[], int],
    ) -> None:
        self._node = node
        self._network = network
        self._journal = journal
        self._keyring = keyring
        self._registry = registry
        self._clock_ms = clock_ms
        self._inbox: queue.Queue[Received | None] = queue.Queue(QUEUE_LENGTH)
        self._connection: MqttConnection | None = None
        self._worker: threading.Thread | None = None
        self.tally = Tally()

    def start(self, broker_url: str) -> None:
        """Subscribe and begin to work.

        Raises:
            OSError: the broker cannot be reached.

        """
        self._worker = threading.Thread(target=self._work, name=f"{self._node}-headend", daemon=True)
        self._worker.start()
        self._connection = MqttConnection(
            broker_url, client_id=f"{self._network}-{self._node}", on_message=self._inbox.put
        )
        self._connection.subscribe(format_telemetry_filter(self._network))
        self._connection.start()

    def stop(self) -> None:
        """Take no more messages, finish those at hand, and leave. What was not committed was not acknowledged: it comes again."""
        if self._connection is not None:
            self._connection.pause()
        self._inbox.put(None)
        if self._worker is not None:
            self._worker.join(timeout=4)
        if self._connection is not None:
            self._connection.stop()

    def _work(self) -> None:
        stopping = False
        while not stopping:
            group, stopping = self._next_group()
            try:
                self._commit(group)
            except Exception:
                log.exception("%s: %d messages could not be journaled and stay unacknowledged", self._node, len(group))

    def _next_group(self) -> tuple[list[Received], bool]:
        group: list[Received] = []
        message = self._inbox.get()
        while message is not None:
            group.append(message)
            if len(group) == GROUP_LENGTH:
                return group, False
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _commit(self, group: list[Received]) -> None:
        """Admit a group, make it durable, then acknowledge it."""
        if not group:
            return
        registry, now_ms = self._registry(), self._clock_ms()
        admissions = [
            admit(message.topic, message.payload, network=self._network, registry=registry, now_ms=now_ms)
            for message in group
        ]
        accepted = [envelope for admission in admissions for envelope in admission.accepted]
        rejected = [
            _rejected(message, refusal, now_ms)
            for message, admission in zip(group, admissions, strict=True)
            for refusal in (*admission.refused, *admission.remarks)
        ]
        with self._journal.transaction():
            new = self._journal.record_envelopes(accepted, now_ms)
            self._journal.record_rejections(rejected)
        for row in rejected:
            log.info("%s: %s on %s: %s", self._node, row.reason, row.topic, row.detail)
        self.tally.envelopes += new
        self.tally.duplicates += len(accepted) - new
        self.tally.refused += sum(len(admission.refused) for admission in admissions)
        self._acknowledge(group, admissions)

    def _acknowledge(self, group: list[Received], admissions: list[Admission]) -> None:
        connection = self._connection
        if connection is None:
            return
        for message in group:
            connection.acknowledge(message)
        by_gateway: dict[str, list[Admission]] = defaultdict(list)
        for admission in admissions:
            if admission.gateway is not None:
                by_gateway[admission.gateway].append(admission)
        for gateway, answered in by_gateway.items():
            receipt = acknowledgement.encode(
                node=self._node,
                gateway=gateway,
                accepted=tuple(piece for admission in answered for piece in admission.accepted_ranges()),
                rejected=tuple(piece for admission in answered for piece in admission.rejections()),
                key=self._keyring.ack_key,
                network=self._network,
            )
            connection.publish(format_ack(self._network, gateway, self._node), receipt.wire)


def _rejected(message: Received, refusal: Refusal, now_ms: int) -> Rejected:
    return Rejected(now_ms, message.topic, refusal.reason, refusal.detail, refusal.item)
