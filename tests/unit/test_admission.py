"""What the head-end refuses, and with which reason; every refusal leaves its neighbours accepted."""

import hashlib

import cbor2
import pytest

from devices.device_key import GROUP_ORDER, SigningKey
from devices.envelope_reader import EnvelopeReader
from devices.telemetry import Reason as TelemetryReason
from devices.topics import format_telemetry
from oracle.headend.admission import CLOCK_TOLERANCE_MS, accepted_ranges, admit
from oracle.reporting.registry import Objection

NETWORK = "demo"
TOPIC = format_telemetry(NETWORK, "gate-1")


@pytest.fixture(name="hear")
def hear_fixture(fleet, steady):
    registry = fleet.registry()
    now_ms = steady(9)[-1].time_ms

    def hear(payload, topic=TOPIC, registry=registry, now_ms=now_ms):
        return admit(topic, payload, reader=EnvelopeReader(NETWORK), registry=registry, now_ms=now_ms)

    return hear


@pytest.fixture(name="good")
def good_fixture(fleet, steady):
    return fleet.envelope(1, steady(3))


def reasons(admission):
    return [str(refusal.reason) for refusal in admission.refused]


def test_listed_meters_are_heard(hear, fleet, steady, good):
    other = fleet.envelope(0, steady(2))
    heard = hear(other.wire + good.wire)
    assert [e.digest for e in heard.accepted] == [other.digest, good.digest]
    assert (heard.gateway, heard.refused, heard.remarks) == ("gate-1", [], [])
    assert [(r.device, r.boot, r.first, r.last) for r in accepted_ranges(heard.accepted)] == [
        ("dev-0", 1, 0, 1),
        ("dev-1", 1, 0, 2),
    ]


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "x",
        "heliograph/v1/other/telemetry/gate-1",
        "heliograph/v1/demo/status/gate-1",
        "heliograph/v1/demo/ack/gate-1/node-1",
        TOPIC + "/x",
    ],
)
def test_a_message_on_another_topic_is_refused_whole(hear, good, topic):
    heard = hear(good.wire, topic=topic)
    assert (heard.accepted, heard.gateway, reasons(heard)) == ([], None, ["wrong_topic"])


def changed_payload(wire, **changes):
    tag = cbor2.loads(wire)
    protected, _, payload, signature = tag.value
    return cbor2.dumps(
        cbor2.CBORTag(18, [protected, changes.get("unprotected", {}), payload, changes.get("signature", signature)]),
        canonical=True,
    )


def high_s(wire):
    signature = cbor2.loads(wire).value[3]
    s = GROUP_ORDER - int.from_bytes(signature[32:])
    return changed_payload(wire, signature=signature[:32] + s.to_bytes(32))


def test_each_wrong_item_has_its_reason_and_spares_its_neighbours(hear, fleet, steady, good):
    fine = fleet.envelope(0, steady(2))
    stranger = SigningKey.from_seed("es256", bytes([99]) * 32)
    cases = [
        (fleet.envelope(0, steady(2), device="dev-9").wire, Objection.UNKNOWN_DEVICE),
        (fleet.envelope(0, steady(2), meter="met-1").wire, Objection.UNKNOWN_DEVICE),
        (fleet.envelope(0, steady(2), key=stranger).wire, Objection.UNLISTED_KEY),
        (fleet.envelope(0, steady(2), key=fleet.keys[1]).wire, Objection.UNLISTED_KEY),
        (fleet.envelope(0, steady(2), network="other").wire, TelemetryReason.BAD_SIGNATURE),
        (changed_payload(fine.wire, signature=bytes(63) + b"\1"), TelemetryReason.BAD_SIGNATURE),
        (high_s(fine.wire), TelemetryReason.HIGH_S),
        (changed_payload(fine.wire, unprotected={1: 2}), TelemetryReason.NON_DETERMINISTIC),
        (cbor2.dumps({"hello": "world"}), TelemetryReason.MALFORMED),
        (cbor2.dumps(5), TelemetryReason.MALFORMED),
    ]
    for wrong, reason in cases:
        heard = hear(good.wire + wrong + fine.wire)
        assert [e.digest for e in heard.accepted] == [good.digest, fine.digest], reason
        (refusal,) = heard.refused
        assert (
            refusal.reason in (reason, TelemetryReason.MALFORMED)
            if reason is TelemetryReason.NON_DETERMINISTIC
            else refusal.reason == reason
        )
        (answer,) = heard.rejections()
        assert answer.item_sha256 == hashlib.sha256(wrong).digest()


@pytest.mark.parametrize("rest", [b"\xff", b"\x5f", b"\xd2\x84\x43"])
def test_what_cannot_be_cut_is_refused_and_what_came_before_is_kept(hear, good, rest):
    heard = hear(good.wire + rest)
    assert [e.digest for e in heard.accepted] == [good.digest]
    assert len(heard.refused) == 1
    assert heard.refused[0].item == rest


def test_a_revoked_key_is_refused_from_its_sequence_on(hear, fleet, steady):
    registry = fleet.registry(fleet.meter(0, revoked_boot=2, revoked_sequence=5))
    for boot, first, accepted in ((1, 99, 1), (2, 4, 1), (2, 5, 0), (2, 6, 0), (3, 0, 0)):
        heard = hear(fleet.envelope(0, steady(2), boot=boot, first_sequence=first).wire, registry=registry)
        assert len(heard.accepted) == accepted
        assert reasons(heard) == [] if accepted else ["revoked_key"]


def test_readings_dated_ahead_are_kept_with_a_remark(hear, fleet, steady):
    envelope = fleet.envelope(0, steady(3))
    last_ms = steady(3)[-1].time_ms
    for now_ms, remarks in ((last_ms - CLOCK_TOLERANCE_MS, []), (last_ms - CLOCK_TOLERANCE_MS - 1, ["future_time"])):
        heard = hear(envelope.wire, now_ms=now_ms)
        assert [e.digest for e in heard.accepted] == [envelope.digest]
        assert [str(remark.reason) for remark in heard.remarks] == remarks
        assert heard.refused == []


def test_no_bytes_whatever_raise(hear, good):
    for place in range(len(good.wire)):
        changed = bytearray(good.wire)
        changed[place] ^= 0x55
        heard = hear(bytes(changed))
        assert heard.accepted == []
        assert heard.refused
    assert hear(b"").accepted == hear(b"").refused == []
