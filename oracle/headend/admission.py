"""What of a message is accepted, and why the rest is not.

Checks run from cheap to dear, so that strangers cost no signature verification:
  topic names this network's telemetry -> item is a well-formed, deterministic envelope -> device and meter are listed -> the key is the one
  listed -> the key was not revoked before these readings -> the signature verifies.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from devices.acknowledgement import AcceptedRange, Rejection
from devices.telemetry import Envelope, TelemetryError, decode, split, verify_signature
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

    def accepted_ranges(self) -> tuple[AcceptedRange, ...]:
        """Ranges for the acknowledgement."""
        return tuple(AcceptedRange(e.device, e.boot, e.first_sequence, e.last_sequence) for e in self.accepted)

    def rejections(self) -> tuple[Rejection, ...]:
        """Refusals for the acknowledgement."""
        return tuple(
            Rejection(r.device, r.boot, r.sequence, r.reason, hashlib.sha256(r.item).digest()) for r in self.refused
        )


def admit(topic: str, payload: bytes, *, network: str, registry: RegistrySnapshot, now_ms: int) -> Admission:
    """Judge one MQTT message: a CBOR sequence of envelopes.

    Args:
        topic: where it arrived.
        payload: its bytes.
        network: this node's network.
        registry: who may sign for what.
        now_ms: this node's clock [ms UTC].

    """
    try:
        parsed = parse(topic)
    except TopicError as error:
        return Admission(None, refused=[Refusal(AdmissionReason.WRONG_TOPIC, str(error), payload)])
    if not isinstance(parsed, TelemetryTopic) or parsed.network != network:
        detail = f"{topic!r} is no telemetry topic of network {network}"
        return Admission(None, refused=[Refusal(AdmissionReason.WRONG_TOPIC, detail, payload)])
    admission = Admission(parsed.gateway)
    cut = split(payload)
    for item in cut.items:
        _admit_item(item, admission, network, registry, now_ms)
    if cut.error is not None:
        admission.refused.append(Refusal(cut.error.reason, cut.error.detail, cut.rest))
    return admission


def _admit_item(item: bytes, admission: Admission, network: str, registry: RegistrySnapshot, now_ms: int) -> None:
    try:
        envelope = decode(item, network=network)
    except TelemetryError as error:
        admission.refused.append(Refusal(error.reason, error.detail, item))
        return
    objection = registry.objection(envelope)
    if objection is not None:
        admission.refused.append(_refusal(envelope, *objection))
        return
    try:
        verify_signature(envelope)
    except TelemetryError as error:
        admission.refused.append(_refusal(envelope, error.reason, error.detail))
        return
    admission.accepted.append(envelope)
    ahead_ms = int(envelope.readings.time_ms.max()) - now_ms
    if ahead_ms > CLOCK_TOLERANCE_MS:
        detail = f"readings are dated up to {ahead_ms // 1000} s ahead; kept until their time has come"
        admission.remarks.append(_refusal(envelope, AdmissionReason.FUTURE_TIME, detail))


def _refusal(envelope: Envelope, reason: str, detail: str) -> Refusal:
    return Refusal(reason, detail, envelope.wire, envelope.device, envelope.boot, envelope.first_sequence)
