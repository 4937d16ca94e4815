"""A node's signed receipt to a gateway: which readings are in its journal, which were refused and why.

The broker's PUBACK says that the broker has a message; only this says that a node has it. Same encoding rules as an
envelope, another domain. Pure.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import cbor2

from devices.cose_sign1 import Signed, seal, unseal
from devices.deterministic_cbor import ARRAY, MAP, Cursor, malformed
from devices.device_key import PublicKey, SigningKey
from devices.rejection import Reason, TelemetryError

DOMAIN = b"heliograph/ack/v1"
MAX_ACKNOWLEDGEMENT_BYTES = 256 * 1024
MAX_ENTRIES = 2048
"""Entries of each of the two lists: twice what one message can call for."""

_Entry = TypeVar("_Entry")
_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}")


class AcceptedRange(NamedTuple):
    """Readings `first` to `last` (both included) of a device's boot epoch are durably journaled."""

    device: str
    boot: int
    first: int
    last: int


class Rejection(NamedTuple):
    """One item of a message was refused. Device, boot and sequence are None where the bytes do not say."""

    device: str | None
    boot: int | None
    sequence: int | None
    reason: str
    """Lower-case reason code, `[a-z][a-z0-9_]{0,63}`."""
    item_sha256: bytes
    """32 bytes: SHA-256 of the refused item as it travelled."""


@dataclass(frozen=True)
class Acknowledgement:
    """What one node answers to one gateway. True only after `verify_signature`."""

    node: str
    gateway: str
    accepted: tuple[AcceptedRange, ...]
    rejected: tuple[Rejection, ...]
    public_key: PublicKey
    network: str
    signature: bytes
    signed_bytes: bytes
    wire: bytes


def encode(  # noqa: PLR0913 - keyword-only: the six parts of a receipt
    *,
    node: str,
    gateway: str,
    accepted: tuple[AcceptedRange, ...],
    rejected: tuple[Rejection, ...],
    key: SigningKey,
    network: str,
) -> Acknowledgement:
    """Sign an acknowledgement.

    Raises:
        TelemetryError: the arguments break a rule that `decode` checks.
        ValueError: `network` is not an identifier.

    """
    wire = write(node=node, gateway=gateway, accepted=accepted, rejected=rejected, key=key, network=network)
    return decode(wire, network=network)


def write(  # noqa: PLR0913 - keyword-only: the six parts of a receipt
    *,
    node: str,
    gateway: str,
    accepted: Sequence[AcceptedRange],
    rejected: Sequence[Rejection],
    key: SigningKey,
    network: str,
) -> bytes:
    """Sign an acknowledgement and return its bytes. What is in it is taken as it is: `encode` checks it.

    Raises:
        ValueError: `network` is not an identifier.

    """
    payload = {
        1: node,
        2: gateway,
        3: [tuple(each) for each in accepted],
        4: [tuple(each) for each in rejected],
    }
    return seal(cbor2.dumps(payload, canonical=True), key, domain=DOMAIN, network=network)


def decode(wire: bytes, *, network: str) -> Acknowledgement:
    """Parse an acknowledgement: every rule except whether the signature verifies.

    Raises:
        TelemetryError: with the reason and the place; nothing else, whatever the bytes.
        ValueError: `network` is not an identifier.

    """
    signed = unseal(wire, domain=DOMAIN, network=network, max_bytes=MAX_ACKNOWLEDGEMENT_BYTES)
    cursor = Cursor(wire, *signed.payload)
    if cursor.expect(MAP, "payload") != 4:
        raise malformed("payload: must hold the keys 1 to 4")
    _key(cursor, 1)
    node = cursor.identifier("node")
    _key(cursor, 2)
    gateway = cursor.identifier("gateway")
    _key(cursor, 3)
    accepted = _entries(cursor, "accepted", _accepted)
    _key(cursor, 4)
    rejected = _entries(cursor, "rejected", _rejected)
    cursor.finish("payload")
    return Acknowledgement(
        node=node,
        gateway=gateway,
        accepted=accepted,
        rejected=rejected,
        public_key=signed.public_key,
        network=network,
        signature=signed.signature,
        signed_bytes=signed.signed_bytes,
        wire=wire,
    )


def verify_signature(ack: Acknowledgement) -> None:
    """Verify the signature under the key that the acknowledgement itself names; compare that key with the node's.

    Raises:
        TelemetryError: bad_signature.

    """
    Signed(ack.public_key, (0, 0), ack.signed_bytes, ack.signature, ack.wire).verify()


def _key(cursor: Cursor, expected: int) -> None:
    if cursor.key(expected - 1, "payload") != expected:
        raise malformed("payload: must hold the keys 1 to 4")


def _entries(cursor: Cursor, place: str, read: Callable[[Cursor, str], _Entry]) -> tuple[_Entry, ...]:
    count = cursor.expect(ARRAY, place)
    if count > MAX_ENTRIES:
        raise TelemetryError(Reason.OVERSIZE, f"{place}: {count} entries, at most {MAX_ENTRIES} are accepted")
    return tuple(read(cursor, f"{place} {number}") for number in range(count))


def _accepted(cursor: Cursor, place: str) -> AcceptedRange:
    cursor.array(place, 4)
    device, boot = cursor.identifier(place), cursor.uint63(place)
    first, last = cursor.uint63(place), cursor.uint63(place)
    if first > last:
        raise malformed(f"{place}: range {first} to {last} is empty")
    return AcceptedRange(device, boot, first, last)


def _rejected(cursor: Cursor, place: str) -> Rejection:
    cursor.array(place, 5)
    device = None if cursor.null() else cursor.identifier(place)
    boot = None if cursor.null() else cursor.uint63(place)
    sequence = None if cursor.null() else cursor.uint63(place)
    reason = cursor.ascii(place)
    if not _REASON.fullmatch(reason):
        raise malformed(f"{place}: {reason[:40]!r} is not a reason code")
    return Rejection(device, boot, sequence, reason, cursor.octets(place, 32))
