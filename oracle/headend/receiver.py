"""Takes telemetry from the broker, commits it to the journal in groups, and only then acknowledges.

The broker's client thread only queues; one worker admits, commits and acknowledges. The queue is bounded: when the
journal is slower than the broker, the client thread waits, and the broker with it.
"""

import contextlib
import logging
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from devices import acknowledgement
from devices.acknowledgement import AcceptedRange, Rejection
from devices.device_key import SigningKey
from devices.mqtt import Delivery, MqttConnection
from devices.topics import format_ack, format_telemetry_filter
from oracle.errors import JournalError
from oracle.headend.admission import Admission, AdmissionReason, Refusal, admit
from oracle.journal.journal import Journal
from oracle.journal.records import Rejected
from oracle.reporting.registry import RegistrySnapshot

log = logging.getLogger(__name__)

QUEUE_LENGTH = 2048
GROUP_LENGTH = 256
"""Messages that share one commit."""
ENTRIES_PER_ACK = acknowledgement.MAX_ENTRIES // 2
"""Accepted ranges, and rejections, that one acknowledgement carries at most."""
IDLE_S = 0.2
RETRY_S = 1.0
STOP_TIMEOUT_S = 3.0


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
        ack_key: SigningKey,
        registry: Callable[[], RegistrySnapshot],
        clock_ms: Callable[[], int],
    ) -> None:
        self._node = node
        self._network = network
        self._journal = journal
        self._ack_key = ack_key
        self._registry = registry
        self._clock_ms = clock_ms
        self._inbox: queue.Queue[Delivery] = queue.Queue(QUEUE_LENGTH)
        self._stopping = threading.Event()
        self._connection: MqttConnection | None = None
        self._worker: threading.Thread | None = None
        self.tally = Tally()

    def start(self, broker_url: str) -> None:
        """Begin to hear and to work. A broker that is not there yet is tried again and again.

        Raises:
            BrokerUrlError: the URL is not one of a broker.

        """
        self._connection = MqttConnection(
            broker_url,
            f"{self._network}-{self._node}",
            subscriptions=(format_telemetry_filter(self._network),),
            on_delivery=self._inbox.put,
            manual_ack=True,
        )
        self._worker = threading.Thread(target=self._work, name=f"{self._node}-headend", daemon=True)
        self._worker.start()
        self._connection.start()

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait for the broker, and tell whether it is there."""
        return self._connection is not None and self._connection.wait_connected(timeout_s)

    def stop(self) -> None:
        """Finish what is at hand and leave. What was not committed was not acknowledged: the broker delivers it again."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.join(STOP_TIMEOUT_S)
        if self._connection is not None:
            self._connection.stop()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._commit_or_retry(self._next_group())

    def _commit_or_retry(self, group: list[Delivery]) -> None:
        """Commit a group, however often it takes.

        A journal that cannot be written is tried again: nothing is acknowledged meanwhile, so nothing is lost. A message
        that breaks this program is set apart, so that the others go on.
        """
        while not self._stopping.is_set():
            try:
                self._commit(group)
            except JournalError as error:
                log.error("%s: %d messages stay unacknowledged: %s", self._node, len(group), error)  # noqa: TRY400  no fault of ours
                self._stopping.wait(RETRY_S)
                continue
            except Exception:
                log.exception("%s: %d messages cannot be worked on", self._node, len(group))
                if len(group) > 1:
                    for message in group:
                        self._commit_or_retry([message])
                else:
                    self._set_apart(group[0])
            return

    def _set_apart(self, message: Delivery) -> None:
        """Store a message that breaks this program, and go on without it."""
        detail = "this release cannot work on the message; please report it"
        refusal = Refusal(AdmissionReason.UNPROCESSABLE, detail, message.payload)
        with contextlib.suppress(JournalError):
            self._journal.record_rejections([_rejected(message, refusal, self._clock_ms())])
            message.acknowledge()

    def _next_group(self) -> list[Delivery]:
        """Wait for a message, and take what else is there; empty if none came for a while."""
        group: list[Delivery] = []
        try:
            group.append(self._inbox.get(timeout=IDLE_S))
            while len(group) < GROUP_LENGTH:
                group.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        return group

    def _commit(self, group: list[Delivery]) -> None:
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

    def _acknowledge(self, group: list[Delivery], admissions: list[Admission]) -> None:
        connection = self._connection
        if connection is None:
            return
        for message in group:
            message.acknowledge()
        by_gateway: dict[str, list[Admission]] = defaultdict(list)
        for admission in admissions:
            if admission.gateway is not None:
                by_gateway[admission.gateway].append(admission)
        for gateway, answered in by_gateway.items():
            for accepted, rejected in _receipts(answered):
                receipt = acknowledgement.encode(
                    node=self._node,
                    gateway=gateway,
                    accepted=accepted,
                    rejected=rejected,
                    key=self._ack_key,
                    network=self._network,
                )
                connection.publish(format_ack(self._network, gateway, self._node), receipt.wire)


def _receipts(admissions: list[Admission]) -> Iterator[tuple[tuple[AcceptedRange, ...], tuple[Rejection, ...]]]:
    """Cut the verdicts on one gateway's messages into acknowledgements that are not oversize."""
    accepted = [piece for admission in admissions for piece in admission.accepted_ranges()]
    rejected = [piece for admission in admissions for piece in admission.rejections()]
    for first in range(0, max(len(accepted), len(rejected)), ENTRIES_PER_ACK):
        part = slice(first, first + ENTRIES_PER_ACK)
        yield tuple(accepted[part]), tuple(rejected[part])


def _rejected(message: Delivery, refusal: Refusal, now_ms: int) -> Rejected:
    return Rejected(now_ms, message.topic, refusal.reason, refusal.detail, refusal.item)
