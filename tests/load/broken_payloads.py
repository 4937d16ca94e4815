"""Items that are no acceptable envelope: what was never one, what breaks its rules although it is signed, and valid ones altered."""

from random import Random

import cbor2

from devices import acknowledgement
from devices.cose_sign1 import seal
from devices.telemetry import DOMAIN, MAX_ENVELOPE_BYTES, MAX_ITEMS
from tests.load import altered_envelopes as altered
from tests.load.altered_envelopes import Maker, Material

_LARGEST = 0.002
"""Share of nested items that are as large as a message may be."""


def noise(random: Random, _: Material) -> bytes:
    return random.randbytes(random.choice((1, 8, 64, 300, 4000)))


def nested(random: Random, _: Material) -> bytes:
    size = MAX_ENVELOPE_BYTES - 1 if random.random() < _LARGEST else random.choice((10, 100, 1000, 10_000))
    head = random.choice((b"\x81", b"\xd2", b"\xa1\x00", b"\x82\x00", b"\xd8\x18"))
    end = b"\x00" if random.random() < 0.7 else b""
    return head * (size // len(head)) + end


def too_many_readings(random: Random, material: Material) -> bytes:
    count = 10_001 + random.randrange(3)
    columns = {key: cbor2.CBORTag(tag, bytes(8 * count)) for key, tag in ((5, 79), (6, 71))}
    return _sealed({1: "dev", 2: "met", 3: 1, 4: 1, 10: bytes(32)} | columns, material)


def too_many_items(random: Random, _: Material) -> bytes:
    return random.choice((b"\x00", b"\xf6", b"\x80", b"\x61a")) * (MAX_ITEMS + random.randint(1, 900))


def of_another_network(random: Random, material: Material) -> bytes:
    domain, network = random.choice(((DOMAIN, "other"), (acknowledgement.DOMAIN, material.network), (b"", "demo")))
    return seal(material.parts(random).payload, material.key, domain=domain, network=network)


def signed_nonsense(random: Random, material: Material) -> bytes:
    """A listed key under a payload that breaks a rule."""
    payload = cbor2.loads(material.parts(random).payload)
    count = len(payload[5].value) // 8
    broken: dict[object, object] = random.choice(
        (
            {12: 0},
            {-1: 0},
            {1: "no identifier/"},
            {2: "ü"},
            {3: 2**63},
            {4: 2**63 - count + 1},
            {3: -1},
            {5: cbor2.CBORTag(79, b"")},
            {5: cbor2.CBORTag(79, b"\xff" * 8 * count)},
            {6: cbor2.CBORTag(71, bytes(8 * count + 8))},
            {6: cbor2.CBORTag(71, b"\xff" * 8 * count)},
            {6: cbor2.CBORTag(71, bytes(7))},
            {8: cbor2.CBORTag(78, b"")},
            {9: cbor2.CBORTag(64, bytes(count))},
            {9: cbor2.CBORTag(64, b"\x80" * count)},
            {10: bytes(31)},
            {11: []},
            {11: [[0, 3, 0, 0]]},
            {11: [[count, 1, 0, 0]]},
            {11: [[0, 1, 0, 0], [0, 1, 0, 0]]},
            {11: [[0, 1, 2**63, 0]]},
        )
    )
    return _sealed(payload | broken, material)


def many_events(random: Random, material: Material) -> bytes:
    """As much as an envelope can hold that is dear to read."""
    moves = [[index, 1, random.getrandbits(4), 0] for index in range(10_000)]
    columns = {key: cbor2.CBORTag(tag, bytes(8 * len(moves))) for key, tag in ((5, 79), (6, 71))}
    return _sealed({1: "dev", 2: "met", 3: 1, 4: 1, 10: bytes(32), 11: moves} | columns, material)


def signed_anything(random: Random, material: Material) -> bytes:
    """A listed key under anything that is CBOR."""
    anything: object = random.choice((None, [], {}, {1: 2}, "text", -5, 1.5, [[[[]]]], {"a": {"b": []}}, 2**70))
    return _sealed(anything, material)


def _sealed(payload: object, material: Material) -> bytes:
    return seal(cbor2.dumps(payload, canonical=True), material.key, domain=DOMAIN, network=material.network)


MAKERS: dict[Maker, int] = {
    noise: 40,
    altered.flipped_bits: 100,
    altered.flipped_signature: 100,
    altered.truncated: 50,
    altered.doubled_piece: 50,
    altered.spliced: 50,
    altered.signature_of_another: 50,
    altered.longer_head: 50,
    altered.indefinite_inside: 30,
    altered.indefinite_outside: 30,
    nested: 30,
    many_events: 1,
    altered.claims_much: 40,
    altered.wrong_tag: 30,
    altered.wrong_algorithm: 40,
    altered.wrong_header: 30,
    altered.wrong_key: 80,
    altered.high_s: 50,
    altered.out_of_range: 40,
    too_many_readings: 10,
    too_many_items: 10,
    of_another_network: 40,
    signed_nonsense: 80,
    signed_anything: 20,
}
"""How often each is made, against the others."""


def broken_item(random: Random, material: Material) -> bytes:
    """Something that must not be accepted, unless it happens to be what was there before."""
    (maker,) = random.choices(list(MAKERS), list(MAKERS.values()))
    return maker(random, material)
