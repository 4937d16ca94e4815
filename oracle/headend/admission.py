"""What of a message is accepted, and why the rest is not.

Checks run from cheap to dear, so that strangers cost no signature verification:
  topic names this network's telemetry -> item is a well-formed, deterministic envelope -> device and meter are listed -> the key is the one
  listed -> the key was not revoked before these readings -> the signature verifies.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from devices.acknowledgement import AcceptedRange, Rejection
from devices.envelope_reader import EnvelopeReader
from devices.telemetry import Envelope, TelemetryError, verify_signature
from devices.topics import TelemetryTopic, TopicError, parse
from oracle.reporting.registry import RegistrySnapshot

CLOCK_TOLERANCE_MS = 120_000
"""Readings dated further ahead of this node's clock are remarked on [ms]."""


class AdmissionReason(StrEnum):
    """Why the head-end refuses an envelope, beyond `devices.telemetry.Reason` and `oracle.reporting.registry.Objection`."""

    WRONG_TOPIC = "wrong_topic"
    """The topic is not one of telemetry in this network."""
    UNPROCESSABLE = "unprocessable"
    """A fault of this program kept it from judging the message."""
    FUTURE_TIME = "future_time"
    """A remark, not a refusal: readings are dated ahead. They are kept, and settle once their time has come."""


@dataclass(frozen=True)
class Refusal:
    """An item that was not accepted (or, for `future_time`, accepted with a remark)."""

    reason: str
    detail: str
    item: bytes
    device: str | None = None
    boot: int | None = None
    sequence: int | None = None


@dataclass
class Admission:
    """The verdict on one message."""

    gateway: str | None
    """Who sent it; None if the topic does not say."""
    accepted: list[Envelope] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    remarks: list[Refusal] = field(default_factory=list)

    def rejections(self) -> tuple[Rejection, ...]:
        """Refusals for the acknowledgement."""
        return tuple(
            Rejection(r.device, r.boot, r.sequence, r.reason, hashlib.sha256(r.item).digest()) for r in self.refused
        )


def accepted_ranges(envelopes: Iterable[Envelope]) -> list[AcceptedRange]:
    """Ranges for the acknowledgement; a device's envelopes that follow one another are one range."""
    open_ranges: dict[tuple[str, int], tuple[int, int]] = {}
    ranges: list[AcceptedRange] = []
    for envelope in envelopes:
        key, first = (envelope.device, envelope.boot), envelope.first_sequence
        last = first + envelope.count - 1
        known = open_ranges.get(key)
        if known is not None:
            if known[1] + 1 == first:
                first = known[0]
            else:
                ranges.append(AcceptedRange(*key, *known))
        open_ranges[key] = (first, last)
    return ranges + [AcceptedRange(*key, *span) for key, span in open_ranges.items()]


def admit(topic: str, payload: bytes, *, reader: EnvelopeReader, registry: RegistrySnapshot, now_ms: int) -> Admission:
    """Judge one MQTT message: a CBOR sequence of envelopes.

    Args:
        topic: where it arrived.
        payload: its bytes.
        reader: of this node's network; it learns the shapes of what is accepted.
        registry: who may sign for what.
        now_ms: this node's clock [ms UTC].

    """
    try:
        parsed = parse(topic)
    except TopicError as error:
        return Admission(None, refused=[Refusal(AdmissionReason.WRONG_TOPIC, str(error), payload)])
    if not isinstance(parsed, TelemetryTopic) or parsed.network != reader.network:
        detail = f"{topic!r} is no telemetry topic of network {reader.network}"
        return Admission(None, refused=[Refusal(AdmissionReason.WRONG_TOPIC, detail, payload)])
    admission = Admission(parsed.gateway)
    for item, said in reader.read(payload):
        if isinstance(said, TelemetryError):
            admission.refused.append(Refusal(said.reason, said.detail, item))
        else:
            accepted = _admit_envelope(said, admission, registry, now_ms)
            if accepted and not reader.by_shape:
                reader.learn(said)
    return admission


def _admit_envelope(envelope: Envelope, admission: Admission, registry: RegistrySnapshot, now_ms: int) -> bool:
    """Judge one envelope, and tell whether it is accepted."""
    objection = registry.objection(envelope)
    if objection is not None:
        admission.refused.append(_refusal(envelope, *objection))
        return False
    try:
        verify_signature(envelope)
    except TelemetryError as error:
        admission.refused.append(_refusal(envelope, error.reason, error.detail))
        return False
    admission.accepted.append(envelope)
    ahead_ms = envelope.last_ms - now_ms
    if ahead_ms > CLOCK_TOLERANCE_MS:
        detail = f"readings are dated up to {ahead_ms // 1000} s ahead; kept until their time has come"
        admission.remarks.append(_refusal(envelope, AdmissionReason.FUTURE_TIME, detail))
    return True


def _refusal(envelope: Envelope, reason: str, detail: str) -> Refusal:
    return Refusal(reason, detail, envelope.wire, envelope.device, envelope.boot, envelope.first_sequence)
