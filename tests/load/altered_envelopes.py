"""Valid envelopes that somebody altered on the way.

Each maker takes a source of randomness and true envelopes, and gives one item, or bytes that are none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import cbor2

from devices.device_key import GROUP_ORDER, SigningKey

_HALF = 32
_INDEFINITE_MAP, _BREAK = b"\xbf", b"\xff"


@dataclass(frozen=True)
class Parts:
    """An envelope taken apart."""

    protected: bytes
    payload: bytes
    signature: bytes

    @classmethod
    def of(cls, wire: bytes) -> "Parts":
        """Take a valid envelope apart."""
        protected, _, payload, signature = cbor2.loads(wire).value
        return cls(protected, payload, signature)

    def wire(self, **changed: bytes) -> bytes:
        """Put it together again, with some of the parts changed."""
        parts = [changed.get(name, getattr(self, name)) for name in ("protected", "payload", "signature")]
        return changed.get("wrapper", b"\xd2\x84") + b"".join(
            (cbor2.dumps(parts[0]), changed.get("unprotected", b"\xa0"), cbor2.dumps(parts[1]), cbor2.dumps(parts[2]))
        )


@dataclass(frozen=True)
class Material:
    """What makers work with."""

    es256: Sequence[bytes]
    """True envelopes under P-256 keys."""
    eddsa: Sequence[bytes]
    """True envelopes under Ed25519 keys."""
    key: SigningKey
    """Of a listed device."""
    network: str

    def any(self, random: Random) -> bytes:
        """One true envelope."""
        return random.choice(random.choice((self.es256, self.eddsa)))

    def parts(self, random: Random) -> Parts:
        """One true envelope, taken apart."""
        return Parts.of(self.any(random))


Maker = Callable[[Random, Material], bytes]


def flipped_bits(random: Random, material: Material) -> bytes:
    wire = bytearray(material.any(random))
    for _ in range(random.choice((1, 1, 1, 2, 8))):
        wire[random.randrange(len(wire))] ^= 1 << random.randrange(8)
    return bytes(wire)


def flipped_signature(random: Random, material: Material) -> bytes:
    wire = bytearray(material.any(random))
    wire[-random.randint(1, 24)] ^= 1 << random.randrange(8)
    return bytes(wire)


def truncated(random: Random, material: Material) -> bytes:
    wire = material.any(random)
    return wire[: random.randrange(len(wire))]


def doubled_piece(random: Random, material: Material) -> bytes:
    wire = material.any(random)
    start, end = sorted(random.sample(range(len(wire) + 1), 2))
    return wire[:end] + wire[start:]


def spliced(random: Random, material: Material) -> bytes:
    one, other = material.any(random), material.any(random)
    cut = random.randrange(len(one))
    return one[:cut] + other[min(cut, len(other)) :]


def signature_of_another(random: Random, material: Material) -> bytes:
    return material.parts(random).wire(signature=material.parts(random).signature[::-1])


def longer_head(random: Random, material: Material) -> bytes:
    parts = material.parts(random)
    place = random.choice(("payload", "protected", "unprotected"))
    if place == "unprotected":
        return parts.wire(unprotected=b"\xb8\x00")
    whole = getattr(parts, place)
    longer = random.choice((b"\xb8", b"\xb9\x00", b"\xba\x00\x00\x00")) + bytes([whole[0] & 0x1F]) + whole[1:]
    return parts.wire(**{place: longer})


def indefinite_inside(random: Random, material: Material) -> bytes:
    parts = material.parts(random)
    return parts.wire(payload=_INDEFINITE_MAP + parts.payload[1:] + _BREAK)


def indefinite_outside(random: Random, material: Material) -> bytes:
    wire = material.any(random)
    return b"\xd2\x9f" + wire[2:] + _BREAK if random.random() < 0.5 else b"\x5f" + wire + _BREAK


def claims_much(random: Random, material: Material) -> bytes:
    head = random.choice((0x5B, 0x7B, 0x9B, 0xBB, 0xDB)).to_bytes(1, "big")
    claim = head + random.choice((b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\0\0\0\x7f\xff\xff\xff\xff"))
    parts = material.parts(random)
    place = random.randrange(3)
    if place == 0:
        return claim + random.randbytes(20)
    if place == 1:
        return parts.wire(payload=parts.payload[:1] + b"\x05\xd8\x4f" + claim)
    return parts.wire(wrapper=b"\xd2\x84" + claim)


def wrong_tag(random: Random, material: Material) -> bytes:
    if random.random() < 0.5:
        return material.parts(random).wire(
            wrapper=random.choice((b"\xd1\x84", b"\xd2\x83", b"\xd2\x85", b"\x84", b"\xd8\x62\x84"))
        )
    parts = material.parts(random)
    return parts.wire(
        payload=parts.payload.replace(b"\xd8\x4f", random.choice((b"\xd8\x47", b"\xd8\x50", b"\xc1\x4f")), 1)
    )


def wrong_algorithm(random: Random, material: Material) -> bytes:
    header = cbor2.loads(material.parts(random).protected)
    header[1] = random.choice((-35, -36, -37, -47, -65535, 5, 0))
    return material.parts(random).wire(protected=cbor2.dumps(header, canonical=True))


def wrong_header(random: Random, material: Material) -> bytes:
    header = cbor2.loads(material.parts(random).protected)
    header[random.choice((3, 5, 33, -1))] = random.choice((0, b"x", "x", None))
    parts = material.parts(random)
    extra = cbor2.dumps(header, canonical=True)
    return parts.wire(protected=extra) if random.random() < 0.5 else parts.wire(unprotected=b"\xa1\x04\x41\x00")


def wrong_key(random: Random, material: Material) -> bytes:
    """A key of the wrong length, off the curve, of small order, or just anybody's."""
    alg, lengths = random.choice(((-7, (0, 32, 33, 33, 33, 65)), (-8, (0, 31, 32, 32, 32, 33))))
    raw = random.choice((random.randbytes, bytes))(random.choice(lengths))
    if alg == -7 and len(raw) == 33:
        raw = random.choice((b"\2", b"\3", b"\4", b"\0")) + raw[1:]
    return material.parts(random).wire(protected=cbor2.dumps({1: alg, 4: raw}, canonical=True))


def high_s(random: Random, material: Material) -> bytes:
    wire = random.choice(material.es256)
    return wire[:-_HALF] + (GROUP_ORDER - int.from_bytes(wire[-_HALF:], "big")).to_bytes(_HALF, "big")


def out_of_range(random: Random, material: Material) -> bytes:
    wire = random.choice(material.es256)
    bound = random.choice((0, GROUP_ORDER, GROUP_ORDER + 1, 2**256 - 1)).to_bytes(_HALF, "big")
    return wire[:-_HALF] + bound if random.random() < 0.5 else wire[: -2 * _HALF] + bound + wire[-_HALF:]
