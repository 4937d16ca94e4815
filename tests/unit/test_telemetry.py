import hashlib
import pickle

import cbor2
import numpy as np
import pytest

from devices.cose_sign1 import seal
from devices.device_key import ALGORITHMS, GROUP_ORDER, SigningKey
from devices.telemetry import (
    DOMAIN,
    MAX_ITEMS,
    NO_PREVIOUS,
    Column,
    Reading,
    Readings,
    Reason,
    TelemetryError,
    decode,
    encode,
    split,
    verify_signature,
)

SEED = bytes(range(32))
KEY = SigningKey.from_seed("es256", SEED)
NOON = 1_750_000_000_000
ROWS = [
    Reading(NOON, 1000, power_w=500),
    Reading(NOON + 300_000, None),
    Reading(NOON + 600_000, 7, power_w=-3, event=("replace", 1100, 0)),
]


def sign(rows=ROWS, *, key=KEY, network="demo", **parts):
    named = {"device": "dev-1", "meter": "met-1", "boot": 1, "first_sequence": 0, "previous": NO_PREVIOUS} | parts
    return encode(Readings.of(rows), key=key, network=network, **named)


def payload(**changes):
    """The payload map of one reading, with entries (k5=..., k6=...) replaced or, by None, left out."""
    entries = {
        1: "dev-1",
        2: "met-1",
        3: 1,
        4: 0,
        5: cbor2.CBORTag(79, NOON.to_bytes(8, "little")),
        6: cbor2.CBORTag(71, (1000).to_bytes(8, "little")),
        10: NO_PREVIOUS,
    }
    entries |= {int(key[1:]): entry for key, entry in changes.items()}
    return {key: entry for key, entry in sorted(entries.items()) if entry is not None}


def sealed(body):
    encoded = body if isinstance(body, bytes) else cbor2.dumps(body)
    return seal(encoded, KEY, domain=DOMAIN, network="demo")


def refusal(wire):
    with pytest.raises(TelemetryError) as caught:
        decode(wire, network="demo")
    assert caught.value.detail
    return caught.value.reason


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_was_signed_is_what_is_read(alg):
    sent = sign(key=SigningKey.from_seed(alg, SEED), boot=3, first_sequence=40, previous=b"p" * 32)
    read = decode(sent.wire, network="demo")
    verify_signature(read)
    assert list(read.readings) == ROWS
    assert (read.device, read.meter, read.boot, read.first_sequence, read.last_sequence) == (
        "dev-1",
        "met-1",
        3,
        40,
        42,
    )
    assert (read.previous, read.digest, read.public_key) == (b"p" * 32, sent.digest, sent.public_key)
    assert read.digest == hashlib.sha256(read.signed_bytes).digest()


def test_signed_bytes_are_the_sig_structure_of_rfc_9052():
    envelope = sign()
    protected, unprotected, body, signature = cbor2.loads(envelope.wire).value
    structure = ["Signature1", protected, b"heliograph/envelope/v1\0demo", body]
    assert envelope.signed_bytes == cbor2.dumps(structure, canonical=True)
    assert cbor2.loads(protected) == {1: -7, 4: KEY.public.raw}
    assert unprotected == {}
    assert signature == envelope.signature


def test_an_envelope_of_another_network_does_not_verify():
    with pytest.raises(TelemetryError) as caught:
        verify_signature(decode(sign().wire, network="other"))
    assert caught.value.reason is Reason.BAD_SIGNATURE


def test_a_column_that_says_nothing_is_left_out():
    hole = Column(np.array([5]), np.array([False]))
    readings = Readings(np.array([NOON]), Column.full([9]), import_wh=hole, power_w=hole)
    parts = {"device": "d", "meter": "m", "boot": 0, "first_sequence": 0, "previous": NO_PREVIOUS}
    envelope = encode(readings, key=KEY, network="demo", **parts)
    assert envelope.wire == encode(Readings.of([Reading(NOON, 9)]), key=KEY, network="demo", **parts).wire
    assert envelope.readings.import_wh is None


def test_a_night_without_a_register_is_an_absent_export_column():
    envelope = sign([Reading(NOON, None)])
    assert envelope.readings.export_wh.to_list() == [None]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (payload(k1=None), Reason.MALFORMED),
        (payload(k1="-dev"), Reason.MALFORMED),
        (payload(k1="d" * 29), Reason.MALFORMED),
        (payload(k1="dév"), Reason.MALFORMED),
        (payload(k1=b"dev"), Reason.MALFORMED),
        (payload(k3=-1), Reason.MALFORMED),
        (payload(k3=True), Reason.MALFORMED),
        (payload(k3=1.0), Reason.MALFORMED),
        (payload(k3=1 << 63), Reason.MALFORMED),
        (payload(k3=1 << 64), Reason.MALFORMED),
        (payload(k4=(1 << 63) - 1, k5=cbor2.CBORTag(79, bytes(16)), k6=cbor2.CBORTag(71, bytes(16))), Reason.MALFORMED),
        (payload(k5=None), Reason.MALFORMED),
        (payload(k5=cbor2.CBORTag(79, b"")), Reason.MALFORMED),
        (payload(k5=cbor2.CBORTag(79, bytes(7))), Reason.MALFORMED),
        (payload(k5=cbor2.CBORTag(71, bytes(8))), Reason.MALFORMED),
        (payload(k5=cbor2.CBORTag(86, bytes(8))), Reason.MALFORMED),
        (payload(k5=cbor2.CBORTag(79, b"\xff" * 8)), Reason.MALFORMED),
        (payload(k5=cbor2.CBORTag(79, (1 << 53).to_bytes(8, "little"))), Reason.MALFORMED),
        (payload(k5=cbor2.CBORTag(79, [NOON])), Reason.MALFORMED),
        (payload(k5=[NOON]), Reason.MALFORMED),
        (payload(k6=None), Reason.MALFORMED),
        (payload(k6=cbor2.CBORTag(71, bytes(16))), Reason.MALFORMED),
        (payload(k6=cbor2.CBORTag(71, (1 << 63).to_bytes(8, "little"))), Reason.MALFORMED),
        (payload(k9=cbor2.CBORTag(64, b"\0")), Reason.NON_DETERMINISTIC),
        (payload(k9=cbor2.CBORTag(64, b"\1")), Reason.MALFORMED),  # absent, yet 1000 stands there
        (payload(k9=cbor2.CBORTag(64, b"\2")), Reason.MALFORMED),  # no import column
        (payload(k9=cbor2.CBORTag(64, b"\x08")), Reason.MALFORMED),
        (payload(k8=cbor2.CBORTag(78, bytes(4)), k9=cbor2.CBORTag(64, b"\4")), Reason.NON_DETERMINISTIC),
        (payload(k7=cbor2.CBORTag(71, bytes(8)), k9=cbor2.CBORTag(64, b"\2")), Reason.NON_DETERMINISTIC),
        (
            payload(k6=cbor2.CBORTag(71, bytes(8)), k7=cbor2.CBORTag(71, bytes(8)), k9=cbor2.CBORTag(64, b"\1")),
            Reason.NON_DETERMINISTIC,
        ),
        (payload(k10=None), Reason.MALFORMED),
        (payload(k10=bytes(31)), Reason.MALFORMED),
        (payload(k11=[]), Reason.NON_DETERMINISTIC),
        (payload(k11=[[1, 1, 0, 0]]), Reason.MALFORMED),
        (payload(k11=[[0, 3, 0, 0]]), Reason.MALFORMED),
        (payload(k11=[[0, 1, 0]]), Reason.MALFORMED),
        (payload(k11=[[0, 1, -1, 0]]), Reason.MALFORMED),
        (payload(k11=[[0, 1, 0, 0], [0, 1, 0, 0]]), Reason.MALFORMED),
        (payload(k12=0), Reason.MALFORMED),
        (payload(k0=0), Reason.MALFORMED),
        (payload(k5=cbor2.CBORTag(79, bytes(80_008))), Reason.OVERSIZE),
        (payload(k5=cbor2.CBORTag(79, bytes(600_000))), Reason.OVERSIZE),
        (dict(reversed(payload().items())), Reason.NON_DETERMINISTIC),
        (cbor2.dumps(payload()) + b"\0", Reason.MALFORMED),
        (b"", Reason.MALFORMED),
        (b"\xbf\xff", Reason.NON_DETERMINISTIC),
        (b"\xa2\x01\x61a\x01\x61a", Reason.MALFORMED),
        (cbor2.dumps(payload()).replace(b"\x03\x01\x04", b"\x03\x18\x01\x04", 1), Reason.NON_DETERMINISTIC),
        (b"\x81" * 100_000, Reason.MALFORMED),
        (b"\xbb" + b"\xff" * 8, Reason.MALFORMED),
        (b"\xa1\x01\x7b" + b"\x7f" * 8, Reason.MALFORMED),
    ],
)
def test_each_wrong_payload_has_its_reason(body, reason):
    assert refusal(sealed(body)) is reason


def test_each_wrong_wrapper_has_its_reason():
    wire = sign().wire
    protected, _, body, signature = cbor2.loads(wire).value

    def wrapped(*parts, tag=18):
        return cbor2.dumps(cbor2.CBORTag(tag, list(parts)))

    def header(entries):
        return wrapped(cbor2.dumps(entries), {}, body, signature)

    raw = KEY.public.raw
    assert refusal(b"") is Reason.MALFORMED
    assert refusal(wire[:-1]) is Reason.MALFORMED
    assert refusal(wire + b"\0") is Reason.MALFORMED
    assert refusal(wire[1:]) is Reason.MALFORMED
    assert refusal(wrapped(protected, {}, body, signature, tag=98)) is Reason.MALFORMED
    assert refusal(wrapped(protected, {}, body)) is Reason.MALFORMED
    assert refusal(wrapped(protected, {4: b""}, body, signature)) is Reason.MALFORMED
    assert refusal(wrapped(protected, {}, None, signature)) is Reason.MALFORMED
    assert refusal(wrapped(protected, {}, body, signature[:63])) is Reason.MALFORMED
    assert refusal(header({1: -7})) is Reason.MALFORMED
    assert refusal(header({1: -7, 4: raw, 5: b""})) is Reason.MALFORMED
    assert refusal(header({1: -7, 5: raw})) is Reason.MALFORMED
    assert refusal(header({1: -7, 4: raw[:32]})) is Reason.MALFORMED
    assert refusal(header({1: -7, 4: b"\x02" + b"\xff" * 32})) is Reason.MALFORMED
    assert refusal(header({4: raw, 1: -7})) is Reason.MALFORMED
    assert refusal(header({1: -35, 4: raw})) is Reason.UNSUPPORTED_ALGORITHM
    assert refusal(header({1: "ES256", 4: raw})) is Reason.MALFORMED
    assert refusal(wire[:2] + b"\x59\x00" + wire[3:]) is Reason.NON_DETERMINISTIC


def test_a_signature_outside_its_range_has_its_reason():
    wire = sign().wire
    r, s = wire[-64:-32], int.from_bytes(wire[-32:], "big")
    assert refusal(wire[:-32] + (GROUP_ORDER - s).to_bytes(32, "big")) is Reason.HIGH_S
    for broken in (r + bytes(32), bytes(32) + wire[-32:], r + GROUP_ORDER.to_bytes(32, "big"), b"\xff" * 64):
        assert refusal(wire[:-64] + broken) is Reason.BAD_SIGNATURE


def test_encode_refuses_what_decode_would():
    for rows, parts in [
        ([], {}),
        ([Reading(-1, 1)], {}),
        ([Reading(NOON, -1)], {}),
        ([Reading(NOON, 1, power_w=2**31)], {}),
        (ROWS, {"device": "no slash/"}),
        (ROWS, {"boot": -1}),
        (ROWS, {"previous": b""}),
        ([Reading(NOON, 1)] * 10_001, {}),
    ]:
        with pytest.raises(TelemetryError):
            sign(rows, **parts)
    with pytest.raises(ValueError, match="network"):
        sign(network="no slash/")


def test_split_keeps_what_comes_before_a_broken_item():
    one, two = sign().wire, sign(first_sequence=3).wire
    assert split(b"") == ([], b"", None)
    assert split(one + two) == ([one, two], b"", None)
    items, rest, error = split(one + two[:-5])
    assert (items, rest, error.reason) == ([one], two[:-5], Reason.MALFORMED)
    items, rest, error = split(one + b"\xff" + two)
    assert (items, rest, error.reason) == ([one], b"\xff" + two, Reason.MALFORMED)


def test_split_steps_over_items_that_are_no_envelopes():
    one = sign().wire
    stranger = cbor2.dumps({"a": [1, -2, 3.5, None, "text", b"bytes", cbor2.CBORTag(99, {1: [[]]})]})
    assert split(one + stranger + one) == ([one, stranger, one], b"", None)


def test_split_bounds_the_items_of_a_message():
    items, rest, error = split(b"\0" * (MAX_ITEMS + 5))
    assert (len(items), len(rest), error.reason) == (MAX_ITEMS, 5, Reason.OVERSIZE)


def test_readings_are_cut_into_runs_with_their_events():
    readings = Readings.of(ROWS)
    assert list(readings[1:]) == ROWS[1:]
    assert list(readings[:2]) == ROWS[:2]
    with pytest.raises(ValueError, match="step"):
        readings[::2]


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="import_wh"):
        Readings(np.array([1, 2]), None, import_wh=Column.full([1]))


def test_errors_travel_between_processes():
    error = TelemetryError(Reason.HIGH_S, "here")
    again = pickle.loads(pickle.dumps(error))
    assert (again.reason, again.detail, str(again)) == (Reason.HIGH_S, "here", "high_s: here")


def test_decoded_columns_cannot_be_altered():
    readings = decode(sign().wire, network="demo").readings
    for array in (readings.time_ms, readings.export_wh.numbers, readings.export_wh.present, readings.power_w.numbers):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
