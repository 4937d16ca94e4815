"""Takes telemetry from the broker, commits it to the journal in groups, and only then acknowledges.

The broker's client thread only queues (`inbox`); one worker admits, commits and acknowledges. Several head-ends, each in
a process of its own, may share one subscription and one journal (`workers`).
"""

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from devices import acknowledgement
from devices.acknowledgement import AcceptedRange, Rejection
from devices.device_key import SigningKey
from devices.envelope_reader import EnvelopeReader
from devices.mqtt import SESSION_EXPIRY_SECONDS, Delivery, MqttConnection
from devices.telemetry import Envelope
from devices.topics import format_ack, format_telemetry_filter
from oracle.errors import JournalError
from oracle.headend.admission import Admission, AdmissionReason, Refusal, accepted_ranges, admit
from oracle.headend.inbox import Inbox
from oracle.headend.refusal_quota import RefusalQuota
from oracle.journal.journal import Journal
from oracle.journal.records import Rejected
from oracle.reporting.registry import RegistrySnapshot

log = logging.getLogger(__name__)

GROUP_ITEMS = 400
GROUP_BYTES = 2 * 1024 * 1024
"""A group that shares one commit ends with the message that reaches either: about 40 ms of work."""
LINGER_S = 0.004
"""How long a group waits, once, for company [s]."""
ENTRIES_PER_ACK = acknowledgement.MAX_ENTRIES // 2
"""Accepted ranges, and rejections, that one acknowledgement carries at most."""
SHARED_EXPIRY_S = 60
"""How long the broker keeps the session of one among several: to whoever is away it goes on giving its share [s]."""
IDLE_S = 0.2
RETRY_S = 1.0
STOP_TIMEOUT_S = 2.0


@dataclass
class Tally:
    """What passed since the start."""

    envelopes: int = 0
    """New envelopes journaled."""
    readings: int = 0
    """Readings in all envelopes accepted, those journaled before included."""
    duplicates: int = 0
    """Envelopes that were journaled before."""
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Refusals and remarks by reason code."""
    unstored: int = 0
    """Refusals beyond their sender's quota: answered and counted, not stored."""
    shed: int = 0
    """Messages turned away because their gateway sends more than can be worked on."""

    def add(self, other: "Tally") -> None:
        """Count another head-end's work as well."""
        self.envelopes += other.envelopes
        self.readings += other.readings
        self.duplicates += other.duplicates
        self.refused += other.refused
        self.reasons.update(other.reasons)
        self.unstored += other.unstored
        self.shed += other.shed


_Group = list[tuple[Delivery, Admission]]


class HeadEnd:
    """One node's ear on the broker.

    Args:
        node: the node's name, which acknowledgements carry.
        network: identifier of the network.
        journal: where accepted envelopes go.
        ack_key: signs acknowledgements.
        registry: who may sign for what, asked for each group.
        clock_ms: now [ms UTC].
        worker: number of this head-end among those that share the node's subscription; None if it is the only one.

    """

    def __init__(  # noqa: PLR0913  the composition names each part
        self,
        *,
        node: str,
        network: str,
        journal: Journal,
        ack_key: SigningKey,
        registry: Callable[[], RegistrySnapshot],
        clock_ms: Callable[[], int],
        worker: int | None = None,
    ) -> None:
        self._node = node
        self._network = network
        self._journal = journal
        self._ack_key = ack_key
        self._registry = registry
        self._clock_ms = clock_ms
        self._worker_number = worker
        self._inbox = Inbox()
        self._reader = EnvelopeReader(network)
        self._quota = RefusalQuota()
        self._stopping = threading.Event()
        self._connection: MqttConnection | None = None
        self._worker: threading.Thread | None = None
        self._tally = Tally()
        self._fault: str | None = None

    @property
    def tally(self) -> Tally:
        """What passed since the start."""
        self._tally.shed = self._inbox.shed
        return self._tally

    @property
    def fault(self) -> str | None:
        """Why nothing can be heard or committed at present, beside a broker that is not there; None if all is well."""
        return self._fault or (self._connection.refused if self._connection is not None else None)

    @property
    def stopped(self) -> bool:
        """Whether the work has come to its end."""
        return self._worker is None or not self._worker.is_alive()

    def start(self, broker_url: str) -> None:
        """Begin to hear and to work. A broker that is not there yet is tried again and again.

        Raises:
            BrokerUrlError: the URL is not one of a broker.

        """
        shared = self._worker_number is not None
        self._connection = MqttConnection(
            broker_url,
            f"{self._network}-{self._node}" + (f"-{self._worker_number}" if shared else ""),
            subscriptions=(format_telemetry_filter(self._network, self._node if shared else None),),
            on_delivery=self._inbox.put,
            manual_ack=True,
            session_expiry_s=SHARED_EXPIRY_S if shared else SESSION_EXPIRY_SECONDS,
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
        self._inbox.close()
        if self._worker is not None:
            self._worker.join(STOP_TIMEOUT_S)
        if self._connection is not None:
            self._connection.stop()

    def _work(self) -> None:
        while not self._stopping.is_set():
            group = self._next_group()
            if group:
                self._commit_or_retry(group)

    def _next_group(self) -> _Group:
        """Admit the next message, and what else is there or comes within a moment; empty if none came for a while."""
        group: _Group = []
        items = size = 0
        lingered = False
        message = self._inbox.next(IDLE_S)
        while message is not None:
            admission = self._admit(message)
            group.append((message, admission))
            items += len(admission.accepted) + len(admission.refused)
            size += len(message.payload)
            if items >= GROUP_ITEMS or size >= GROUP_BYTES:
                break
            message = self._inbox.next(0)
            if message is None and not lingered:
                # A commit costs more than the envelope in it: what comes in the next moment shares it.
                lingered = True
                self._stopping.wait(LINGER_S)
                message = self._inbox.next(0)
        return group

    def _admit(self, message: Delivery) -> Admission:
        """Judge a message. One that breaks this program is set apart, so that the others go on."""
        now_ms = self._clock_ms()
        try:
            return admit(message.topic, message.payload, reader=self._reader, registry=self._registry(), now_ms=now_ms)
        except Exception:
            log.exception("%s: a message on %s cannot be worked on", self._node, message.topic)
            detail = "this release cannot work on the message; please report it"
            return Admission(None, refused=[Refusal(AdmissionReason.UNPROCESSABLE, detail, message.payload)])

    def _commit_or_retry(self, group: _Group) -> None:
        """Make a group durable, however often it takes, then acknowledge it. Nothing is acknowledged before, so nothing is lost."""
        now_ms = self._clock_ms()
        accepted = [envelope for _, admission in group for envelope in admission.accepted]
        rejected, unstored = self._within_quota(group, now_ms)
        while (new := self._commit(accepted, rejected, now_ms)) is None:
            if self._stopping.wait(RETRY_S):
                return
        for row in rejected:
            log.info("%s: %s on %s: %s", self._node, row.reason, row.topic, row.detail)
        self._count(group, new, unstored)
        try:
            self._acknowledge(group)
        except Exception:
            log.exception("%s: %d messages could not be acknowledged; they will come again", self._node, len(group))

    def _commit(self, accepted: list[Envelope], rejected: list[Rejected], now_ms: int) -> int | None:
        """Make verdicts durable; return how many envelopes are new, None if it cannot be done at present."""
        try:
            with self._journal.transaction():
                new = self._journal.record_envelopes(accepted, now_ms)
                self._journal.record_rejections(rejected)
        except JournalError as error:
            if self._fault is None:
                log.error("%s: nothing is acknowledged until this is mended: %s", self._node, error)  # noqa: TRY400  no fault of ours
            self._fault = str(error)
            return None
        except Exception as error:
            if self._fault is None:
                log.exception("%s: nothing is acknowledged until this is mended", self._node)
            self._fault = f"{type(error).__name__}: {error}"
            return None
        if self._fault is not None:
            log.info("%s: the journal takes envelopes again", self._node)
        self._fault = None
        return new

    def _count(self, group: _Group, new: int, unstored: int) -> None:
        tally = self._tally
        accepted = [envelope for _, admission in group for envelope in admission.accepted]
        tally.envelopes += new
        tally.readings += sum(envelope.count for envelope in accepted)
        tally.duplicates += len(accepted) - new
        tally.unstored += unstored
        for _, admission in group:
            tally.refused += len(admission.refused)
            tally.reasons.update(refusal.reason for refusal in (*admission.refused, *admission.remarks))

    def _within_quota(self, group: _Group, now_ms: int) -> tuple[list[Rejected], int]:
        """Refusals and remarks to be stored, and how many are beyond their sender's quota."""
        stored, unstored = [], 0
        for message, admission in group:
            for refusal in (*admission.refused, *admission.remarks):
                if self._quota.admits(message.topic, now_ms):
                    stored.append(Rejected(now_ms, message.topic, refusal.reason, refusal.detail, refusal.item))
                else:
                    unstored += 1
        return stored, unstored

    def _acknowledge(self, group: _Group) -> None:
        connection = self._connection
        if connection is None:
            return
        by_gateway: dict[str, list[Admission]] = defaultdict(list)
        for message, admission in group:
            message.acknowledge()
            if admission.gateway is not None:
                by_gateway[admission.gateway].append(admission)
        for gateway, answered in by_gateway.items():
            for accepted, rejected in _receipts(answered):
                receipt = acknowledgement.write(
                    node=self._node,
                    gateway=gateway,
                    accepted=accepted,
                    rejected=rejected,
                    key=self._ack_key,
                    network=self._network,
                )
                connection.publish(format_ack(self._network, gateway, self._node), receipt)


def _receipts(admissions: list[Admission]) -> Iterator[tuple[list[AcceptedRange], list[Rejection]]]:
    """Cut the verdicts on one gateway's messages into acknowledgements that are not oversize."""
    accepted = accepted_ranges(envelope for admission in admissions for envelope in admission.accepted)
    rejected = [piece for admission in admissions for piece in admission.rejections()]
    for first in range(0, max(len(accepted), len(rejected)), ENTRIES_PER_ACK):
        part = slice(first, first + ENTRIES_PER_ACK)
        yield accepted[part], rejected[part]
