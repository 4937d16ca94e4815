"""COSE_Sign1 (RFC 9052) as Heliograph uses it: one key, one accepted encoding, a domain and a network.

    18([ protected bstr {1: alg, 4: kid}, unprotected {}, payload bstr, signature bstr(64) ])

`kid` is the public key itself, so a message is verifiable by itself; whether that key may sign is another question.
Identity is the SHA-256 of the Sig_structure, never of the wrapper.
"""

import hashlib
from dataclasses import dataclass

import cbor2

from devices.deterministic_cbor import MAP, Cursor, malformed
from devices.device_key import (
    GROUP_ORDER,
    SIGNATURE_LENGTH,
    Algorithm,
    DeviceKeyError,
    PublicKey,
    SigningKey,
    es256_in_range,
    public_key,
)
from devices.identifier import is_identifier
from devices.rejection import Reason, TelemetryError

COSE_ALGORITHM: dict[Algorithm, int] = {"es256": -7, "eddsa": -8}
_ALGORITHM_OF: dict[int, Algorithm] = {number: alg for alg, number in COSE_ALGORITHM.items()}
_WRAPPER = b"\xd2\x84"  # tag 18, array of 4
_CONTEXT = b"\x84\x6aSignature1"  # array of 4, its first element


@dataclass(frozen=True)
class Signed:
    """A well-formed COSE_Sign1 whose signature is not yet verified."""

    public_key: PublicKey
    payload: tuple[int, int]
    """Start and end offset of the payload's content in `wire`."""
    signed_bytes: bytes
    """The Sig_structure of RFC 9052 section 4.4: what was signed."""
    signature: bytes
    wire: bytes

    @property
    def digest(self) -> bytes:
        """32 bytes: the identity of the message, SHA-256 of `signed_bytes`."""
        return hashlib.sha256(self.signed_bytes).digest()

    def verify(self) -> None:
        """Verify the signature under the key that the message names.

        Raises:
            TelemetryError: bad_signature.

        """
        if not self.public_key.verify(self.signature, self.signed_bytes):
            raise bad_signature()


def bad_signature() -> TelemetryError:
    """Build the error for a signature that does not verify."""
    return TelemetryError(Reason.BAD_SIGNATURE, "the signature does not verify under the key in the header")


def external_aad(domain: bytes, network: str) -> bytes:
    """Return `domain` || 0x00 || `network`: what keeps messages of one kind and network out of another.

    Raises:
        ValueError: the network's name is not an identifier.

    """
    if not is_identifier(network):
        raise ValueError(f"network {network!r} is not an identifier")
    return domain + b"\0" + network.encode("ascii")


def seal(payload: bytes, key: SigningKey, *, domain: bytes, network: str) -> bytes:
    """Sign `payload` (deterministic CBOR) and return the whole message."""
    header = {1: COSE_ALGORITHM[key.public.alg], 4: key.public.raw}
    protected = cbor2.dumps(cbor2.dumps(header, canonical=True))
    body = cbor2.dumps(payload)
    signature = key.sign(_CONTEXT + protected + cbor2.dumps(external_aad(domain, network)) + body)
    return _WRAPPER + protected + b"\xa0" + body + cbor2.dumps(signature)


def unseal(wire: bytes, *, domain: bytes, network: str, max_bytes: int) -> Signed:
    """Parse a message; every rule except the signature's truth and the payload's content.

    Accepted, in this order: at most `max_bytes`; tag 18 over an array of 4; a protected header of exactly alg and kid;
    a supported algorithm; a kid that is a key of it; an empty unprotected header; a payload; a signature of 64 bytes,
    for ES256 with r in [1, n-1] and s in [1, n/2]; nothing after it; and all of it in its only encoding.

    Raises:
        TelemetryError: with the reason and the place.

    """
    if len(wire) > max_bytes:
        raise TelemetryError(Reason.OVERSIZE, f"{len(wire)} bytes, at most {max_bytes} are accepted")
    if wire[:2] != _WRAPPER:
        raise malformed("wrapper: does not begin with tag 18 over an array of 4")
    cursor = Cursor(wire, 2)
    start = cursor.at
    header = cursor.span("protected header")
    protected = wire[start : cursor.at]
    key = _header(wire, *header)
    _unprotected(cursor)
    start = cursor.at
    payload = cursor.span("payload")
    body = wire[start : cursor.at]
    signature = cursor.octets("signature", SIGNATURE_LENGTH)
    cursor.finish("wrapper")
    if key.alg == "es256" and not es256_in_range(signature):
        raise _es256_error(signature)
    aad = cbor2.dumps(external_aad(domain, network))
    return Signed(key, payload, b"".join((_CONTEXT, protected, aad, body)), signature, wire)


def _header(wire: bytes, start: int, end: int) -> PublicKey:
    cursor = Cursor(wire, start, end)
    place = "protected header"
    entries = cursor.expect(MAP, place)
    if entries != 2 or cursor.key(-1, place) != 1:
        raise malformed(f"{place}: holds other labels than 1 (alg) and 4 (kid)")
    number = cursor.integer(f"{place}, alg")
    if number not in _ALGORITHM_OF:
        raise TelemetryError(Reason.UNSUPPORTED_ALGORITHM, f"{place}: alg {number}, only -7 and -8 are accepted")
    if cursor.key(1, place) != 4:
        raise malformed(f"{place}: holds other labels than 1 (alg) and 4 (kid)")
    raw = cursor.octets(f"{place}, kid")
    cursor.finish(place)
    try:
        return public_key(_ALGORITHM_OF[number], raw)
    except DeviceKeyError as error:
        raise malformed(f"{place}, kid: {error}") from error


def _unprotected(cursor: Cursor) -> None:
    if cursor.expect(MAP, "unprotected header"):
        raise malformed("unprotected header: must be empty")


def _es256_error(signature: bytes) -> TelemetryError:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if 0 < r < GROUP_ORDER and 0 < s < GROUP_ORDER:
        return TelemetryError(Reason.HIGH_S, "signature: s is above n/2")
    return TelemetryError(Reason.BAD_SIGNATURE, "signature: r or s is outside [1, n-1]")
