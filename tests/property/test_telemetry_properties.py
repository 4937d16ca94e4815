import contextlib

import cbor2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import acknowledgement
from devices.cose_sign1 import seal
from devices.device_key import ALGORITHMS, SigningKey
from devices.telemetry import (
    DOMAIN,
    NO_PREVIOUS,
    Reading,
    Readings,
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
