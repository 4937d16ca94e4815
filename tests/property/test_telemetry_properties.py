import contextlib

import cbor2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import acknowledgement
from devices.cose_sign1 import seal
from devices.device_key import ALGORITHMS, SigningKey
from devices.envelope_reader import MAX_BROKEN, EnvelopeReader
from devices.telemetry import (
    DOMAIN,
    NO_PREVIOUS,
    Envelope,
    Reading,
    Readings,
    Reason,
    TelemetryError,
    decode,
    encode,
    split,
    verify_signature,
)

KEYS = {alg: SigningKey.from_seed(alg, bytes(range(32))) for alg in ALGORITHMS}
WH = st.integers(0, 2**63 - 1)
READING = st.builds(
    Reading,
    st.integers(0, 2**53 - 1),
    st.none() | WH,
    st.none() | WH,
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.tuples(st.sampled_from(["reset", "replace"]), WH, WH),
)
IDENTIFIER = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,27}", fullmatch=True)


def sign(rows, alg="es256", device="dev", meter="met", boot=0, first=0):
    parts = {"device": device, "meter": meter, "boot": boot, "first_sequence": first, "previous": NO_PREVIOUS}
    return encode(Readings.of(rows), key=KEYS[alg], network="demo", **parts)


SMALL = {alg: sign([Reading(5, 1000, 3, -1, ("reset", 7, 0)), Reading(6, None)], alg).wire for alg in ALGORITHMS}


@given(
    st.lists(READING, min_size=1, max_size=12),
    st.sampled_from(ALGORITHMS),
    IDENTIFIER,
    IDENTIFIER,
    WH,
    st.integers(0, 2**62),
)
@settings(max_examples=200, deadline=None)
def test_any_readings_come_back_as_they_were_signed(rows, alg, device, meter, boot, first):
    sent = sign(rows, alg, device, meter, boot, first)
    read = decode(sent.wire, network="demo")
    verify_signature(read)
    assert list(read.readings) == rows
    assert (read.device, read.meter, read.boot, read.first_sequence) == (device, meter, boot, first)
    again = encode(
        read.readings,
        device=device,
        meter=meter,
        boot=boot,
        first_sequence=first,
        previous=read.previous,
        key=KEYS[alg],
        network="demo",
    )
    assert again.signed_bytes == sent.signed_bytes


def test_every_single_byte_change_is_refused():
    rng = np.random.default_rng(1)
    for wire in SMALL.values():
        for at in range(len(wire)):
            for flip in {1, 0x80, 0xFF, int(rng.integers(1, 256))}:
                altered = wire[:at] + bytes([wire[at] ^ flip]) + wire[at + 1 :]
                try:
                    verify_signature(decode(altered, network="demo"))
                except TelemetryError:
                    continue
                raise AssertionError(f"byte {at} xor {flip:#x} was accepted")


def refused_or_deterministic(wire):
    """Nothing but TelemetryError, and whatever is accepted is what cbor2 would have written."""
    try:
        envelope = decode(wire, network="demo")
    except TelemetryError:
        return
    protected, unprotected, body, signature = cbor2.loads(wire).value
    rebuilt = [cbor2.dumps(cbor2.loads(part), canonical=True) for part in (protected, body)]
    assert [protected, body] == rebuilt
    assert cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, body, signature]), canonical=True) == wire
    assert list(envelope.readings)


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_refused_with_a_reason(junk):
    refused_or_deterministic(junk)
    refused_or_deterministic(b"\xd2\x84" + junk)
    refused_or_deterministic(seal(junk, KEYS["es256"], domain=DOMAIN, network="demo"))
    with contextlib.suppress(TelemetryError):
        acknowledgement.decode(b"\xd2\x84" + junk, network="demo")


@given(st.sampled_from(ALGORITHMS), st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=9)), max_size=4))
@settings(max_examples=400, deadline=None)
def test_mutated_envelopes_are_refused_with_a_reason(alg, edits):
    wire = bytearray(SMALL[alg])
    for at, patch in edits:
        wire[at : at + max(len(patch) - 1, 0)] = patch
    refused_or_deterministic(bytes(wire))


CBOR = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.binary(max_size=24) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(0, 12), inner, max_size=6)
        | st.builds(cbor2.CBORTag, st.sampled_from([64, 71, 78, 79, 99]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.integers(0, 12), CBOR, max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_signed_map_is_read_or_refused_with_a_reason(body):
    base = {1: "d", 2: "m", 3: 0, 4: 0, 5: cbor2.CBORTag(79, bytes(8)), 6: cbor2.CBORTag(71, bytes(8)), 10: NO_PREVIOUS}
    encoded = cbor2.dumps(base | body, canonical=True)
    refused_or_deterministic(seal(encoded, KEYS["es256"], domain=DOMAIN, network="demo"))


@given(st.lists(st.binary(max_size=60) | st.sampled_from(sorted(SMALL.values())), max_size=6))
@settings(max_examples=300, deadline=None)
def test_split_loses_no_byte_and_never_raises(parts):
    message = b"".join(parts)
    items, rest, error = split(message)
    assert b"".join(items) + rest == message
    assert (error is None) == (rest == b"")


@given(st.lists(CBOR, max_size=6))
@settings(max_examples=200, deadline=None)
def test_split_cuts_any_sequence_at_its_boundaries(sequence):
    encoded = [cbor2.dumps(item) for item in sequence]
    assert split(b"".join(encoded)) == (encoded, b"", None)


def comparable(said):
    return (
        (said.reason, said.detail)
        if isinstance(said, TelemetryError)
        else {name: each for name, each in vars(said).items() if not name.startswith("read")}
    )


def strictly(message):
    """What `split` and `decode` say of a message, item by item."""
    cut, said, broken = split(message), [], 0
    for number, item in enumerate(cut.items):
        if broken == MAX_BROKEN:
            rest = b"".join(cut.items[number:]) + cut.rest
            return [*said, (rest, (Reason.OVERSIZE, f"{MAX_BROKEN} items before are no envelopes"))]
        try:
            said.append((item, comparable(decode(item, network="demo"))))
        except TelemetryError as error:
            broken += 1
            said.append((item, comparable(error)))
    return said if cut.error is None else [*said, (cut.rest, comparable(cut.error))]


def with_shapes(reader, message):
    return [(item, comparable(said)) for item, said in reader.read(message)]


PLAIN = st.builds(Reading, st.integers(0, 2**53 - 1), WH, st.none(), st.none())
FULL = st.builds(Reading, st.integers(0, 2**53 - 1), WH, WH, st.integers(-(2**31), 2**31 - 1))
SEQUENCE = st.one_of(*(st.integers(2**bits - 3, 2**bits + 3) for bits in (5, 8, 16, 32, 62)))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(ALGORITHMS),
            st.one_of(*(st.lists(kind, min_size=n, max_size=n) for kind in (PLAIN, FULL, READING) for n in (1, 3))),
            st.sampled_from(["dev", "dev-2"]),
            SEQUENCE,
        ),
        min_size=2,
        max_size=8,
    ),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_shapes_change_no_verdict(drawn, data):
    reader = EnvelopeReader("demo")
    envelopes = [sign(rows, alg, device, first=first) for alg, rows, device, first in drawn]
    for envelope in envelopes:
        reader.learn(envelope)
    message = b"".join(envelope.wire for envelope in envelopes)
    assert with_shapes(reader, message) == strictly(message)
    for (_, read), envelope in zip(reader.read(message), envelopes, strict=True):
        assert list(read.readings) == list(envelope.readings)
    for _ in range(4):  # anything in it altered, anywhere cut
        at = data.draw(st.integers(0, len(message) - 1))
        altered = message[:at] + bytes([data.draw(st.integers(0, 255))]) + message[at + 1 :]
        assert with_shapes(reader, altered) == strictly(altered)
        assert with_shapes(reader, message[:at]) == strictly(message[:at])


NUMBERS = {
    "times": lambda wire: [i + 5 for i in range(len(wire)) if wire[i : i + 3] == b"\x05\xd8\x4f"],
    "registers": lambda wire: [
        i + 5 for i in range(len(wire)) if wire[i : i + 3] in (b"\x06\xd8\x47", b"\x07\xd8\x47")
    ],
    "signature": lambda wire: [len(wire) - 64, len(wire) - 32],
    "sequence": lambda wire: [i + 2 for i in range(len(wire) - 2) if wire[i] == 4 and 0x18 <= wire[i + 1] <= 0x1B],
}


@given(st.sampled_from(ALGORITHMS), st.sampled_from(sorted(NUMBERS)), st.sampled_from([0, 1, 127, 128, 255]), st.data())
@settings(max_examples=400, deadline=None)
def test_shapes_check_the_numbers_that_change(alg, what, byte, data):
    """Times of 2^53 and more, registers of 2^63 and more, high s, a sequence number in a longer head than it needs."""
    reader = EnvelopeReader("demo")
    rows = [Reading(5, 1000, 3, -1)] * data.draw(st.sampled_from([1, 2, 40]))
    envelope = sign(rows, alg, first=data.draw(SEQUENCE))
    reader.learn(envelope)
    ((_, read),) = reader.read(envelope.wire)
    assert reader.by_shape
    assert comparable(read) == comparable(envelope)
    wire = bytearray(envelope.wire)
    spots = NUMBERS[what](wire)
    assert spots
    for spot in spots:
        start = min(spot + data.draw(st.integers(0, 7)), len(wire) - 1)
        for i in range(start, min(start + data.draw(st.integers(1, 8)), len(wire))):
            wire[i] = byte
    assert with_shapes(reader, bytes(wire)) == strictly(bytes(wire))


def test_after_much_that_is_no_envelope_the_rest_is_one_item():
    good = sign([Reading(5, 1000)])
    message = b"\x01" * MAX_BROKEN + good.wire * 2
    *broken, (rest, error) = EnvelopeReader("demo").read(message)
    assert [item for item, _ in broken] == [b"\x01"] * MAX_BROKEN
    assert (rest, error.reason) == (good.wire * 2, Reason.OVERSIZE)
    kept = list(EnvelopeReader("demo").read(b"\x01" * (MAX_BROKEN - 1) + good.wire))
    assert isinstance(kept[-1][1], Envelope)
