"""Signed envelopes of readings: encode, decode, verify, and cut a message into envelopes.

`devices/README.md` defines every byte. An envelope is one COSE_Sign1 over a CBOR map of columns; there is exactly one
accepted encoding of it, and its identity is the SHA-256 of the bytes that were signed. Pure: no clock, no I/O.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import NamedTuple

import cbor2

from devices.columns import read_payload, write_payload
from devices.cose_sign1 import bad_signature, seal, unseal
from devices.deterministic_cbor import item_end
from devices.device_key import PublicKey, SigningKey
from devices.readings import Column, EventKind, Reading, Readings, RegisterEvent
from devices.rejection import Reason, TelemetryError

__all__ = [
    "DOMAIN",
    "MAX_ENVELOPE_BYTES",
    "MAX_ITEMS",
    "NO_PREVIOUS",
    "Column",
    "Envelope",
    "EventKind",
    "Reading",
    "Readings",
    "Reason",
    "RegisterEvent",
    "Split",
    "TelemetryError",
    "decode",
    "encode",
    "split",
    "verify_signature",
]

DOMAIN = b"heliograph/envelope/v1"
MAX_ENVELOPE_BYTES = 512 * 1024
"""A longer envelope is oversize."""
MAX_ITEMS = 1024
"""Items of one message that `split` looks at."""
NO_PREVIOUS = bytes(32)
"""`previous` of a device's first envelope."""


@dataclass(frozen=True, eq=False)
class Envelope:
    """Readings of one meter as one device signed them. The signature is true only after `verify_signature`."""

    device: str
    meter: str
    boot: int
    """Boot epoch: rises each time the device starts anew, below 2^63."""
    first_sequence: int
    """Number of the first reading within the boot epoch; reading i has number first_sequence + i, below 2^63."""
    count: int
    """How many readings: 1 or more."""
    first_ms: int
    """Earliest time of a reading [ms UTC]."""
    last_ms: int
    """Latest time of a reading [ms UTC]."""
    previous: bytes
    """32 bytes: digest of the device's previous envelope, or NO_PREVIOUS."""
    public_key: PublicKey
    network: str
    digest: bytes
    """32 bytes: SHA-256 of the signed bytes; the identity of the envelope."""
    signature: bytes
    wire: bytes
    """The message as it travels, wrapper and signature included."""
    signed_bytes: bytes
    """The Sig_structure that the signature is over."""
    read_readings: Callable[[], Readings] = field(repr=False)
    """Makes `readings`, when they are asked for: whoever only carries an envelope on needs none."""

    @cached_property
    def readings(self) -> Readings:
        """The readings, in columns: read-only, mostly views of `wire`."""
        return self.read_readings()

    @property
    def last_sequence(self) -> int:
        """Number of the last reading."""
        return self.first_sequence + self.count - 1


class Split(NamedTuple):
    """A message cut into items: what came before the first ill-formed byte, and what is left from there on."""

    items: list[bytes]
    """Well-formed CBOR items in order, each to be given to `decode`."""
    rest: bytes
    """Bytes that cannot be cut any further; empty when `error` is None."""
    error: TelemetryError | None
    """Why `rest` was refused: malformed, or oversize after MAX_ITEMS items."""


def encode(  # noqa: PLR0913 - keyword-only: every part of the signed payload is named at the call
    readings: Readings,
    *,
    device: str,
    meter: str,
    boot: int,
    first_sequence: int,
    previous: bytes,
    key: SigningKey,
    network: str,
) -> Envelope:
    """Sign `readings` as one envelope.

    Columns in which nothing is present are left out, so that one set of readings has one encoding.

    Raises:
        TelemetryError: the arguments break a rule that `decode` checks.
        ValueError: `network` is not an identifier.

    """
    identity = {1: device, 2: meter, 3: int(boot), 4: int(first_sequence), 10: previous}
    payload = cbor2.dumps(identity | write_payload(readings), canonical=True)
    return decode(seal(payload, key, domain=DOMAIN, network=network), network=network)


def decode(wire: bytes, *, network: str) -> Envelope:
    """Parse one envelope: every rule of the specification except whether the signature verifies.

    Arrays of the result are read-only and mostly views of `wire`.

    Raises:
        TelemetryError: with the reason and the place; nothing else, whatever the bytes.
        ValueError: `network` is not an identifier.

    """
    signed = unseal(wire, domain=DOMAIN, network=network, max_bytes=MAX_ENVELOPE_BYTES)
    payload = read_payload(wire, *signed.payload)
    readings = payload.readings
    return Envelope(
        device=payload.device,
        meter=payload.meter,
        boot=payload.boot,
        first_sequence=payload.first_sequence,
        count=len(readings),
        first_ms=int(readings.time_ms.min()),
        last_ms=int(readings.time_ms.max()),
        previous=payload.previous,
        public_key=signed.public_key,
        network=network,
        digest=signed.digest,
        signature=signed.signature,
        wire=wire,
        signed_bytes=signed.signed_bytes,
        read_readings=partial(_same, readings),
    )


def verify_signature(envelope: Envelope) -> None:
    """Verify the signature under the key that the envelope itself names.

    Whether that key may speak for the meter is the registry's answer, not this one's.

    Raises:
        TelemetryError: bad_signature.

    """
    if not envelope.public_key.verify(envelope.signature, envelope.signed_bytes):
        raise bad_signature()


def _same(readings: Readings) -> Readings:
    return readings


def split(message: bytes) -> Split:
    """Cut a CBOR sequence (RFC 8742) into its items, without looking into them.

    An item that is well-formed CBOR but no envelope is cut out like any other and refused by `decode` alone: its
    neighbours are kept. From the first byte that is not well-formed CBOR of definite length, the rest is one remainder
    with a reason, because no later boundary can be trusted; the items before it are kept. Never raises.
    """
    items: list[bytes] = []
    at = 0
    while at < len(message):
        if len(items) == MAX_ITEMS:
            return Split(items, message[at:], TelemetryError(Reason.OVERSIZE, f"more than {MAX_ITEMS} items"))
        try:
            end = item_end(message, at)
        except TelemetryError as error:
            return Split(items, message[at:], error)
        items.append(message[at:end])
        at = end
    return Split(items, b"", None)
