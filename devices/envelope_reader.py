"""Reads messages of envelopes fast, by the shapes of envelopes that were accepted before.

A device sends one layout again and again; only the numbers in it change. `Shape` keeps, of one envelope that the strict
reader has passed, which bytes were structure and where the numbers stand. An item with the very same structure bytes is
well-formed as that one was, so only its numbers are left to check. Whatever does not fit goes through the strict reader:
a shape speeds a verdict up, it never makes one.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np

from devices.columns import read_payload
from devices.cose_sign1 import external_aad
from devices.deterministic_cbor import MAP, TAG, Cursor, item_end
from devices.device_key import SIGNATURE_LENGTH, es256_in_range
from devices.readings import Readings
from devices.rejection import Reason, TelemetryError
from devices.telemetry import DOMAIN, MAX_ITEMS, Envelope, decode

MAX_KEYS = 65_536
"""Signing keys whose shapes are remembered."""
SHAPES_PER_KEY = 4
MAX_BROKEN = 32
"""Items of one message that may be no envelopes; what follows them is not looked at."""
_KEY = slice(2, 42)
"""Where an envelope names its algorithm and most of its key: enough to look its shapes up."""
_NUMBER = {0x18: ("B", 24), 0x19: ("H", 1 << 8), 0x1A: ("I", 1 << 16), 0x1B: ("Q", 1 << 32)}
"""Head byte of an unsigned integer -> (struct format, the least number that needs it)."""
_SEQUENCE, _COLUMNS, _PREVIOUS = 4, (5, 6, 7, 8), 10
"""Keys of the payload whose numbers change from envelope to envelope."""


class EnvelopeReader:
    """Cuts messages of one network into envelopes and parses them.

    Raises:
        ValueError: the network's name is not an identifier.

    """

    def __init__(self, network: str) -> None:
        external_aad(DOMAIN, network)
        self.network = network
        self.by_shape = False
        """Whether the item read last had a known shape: then there is nothing to learn from it."""
        self._shapes: dict[bytes, list[Shape]] = {}

    def read(self, message: bytes) -> Iterator[tuple[bytes, Envelope | TelemetryError]]:
        """Yield each item of a CBOR sequence with what it says, or with why it is no envelope.

        As with `devices.telemetry.split`, the last item may be the rest that cannot be cut any further, or that follows
        too much that is no envelope. Never raises.
        """
        at = broken = 0
        for _ in range(MAX_ITEMS):
            if at >= len(message):
                return
            if broken == MAX_BROKEN:
                yield message[at:], TelemetryError(Reason.OVERSIZE, f"{MAX_BROKEN} items before are no envelopes")
                return
            envelope = self._by_shape(message, at)
            self.by_shape = envelope is not None
            if envelope is None:
                try:
                    item = message[at : item_end(message, at)]
                except TelemetryError as error:
                    yield message[at:], error
                    return
                try:
                    yield item, decode(item, network=self.network)
                except TelemetryError as error:
                    broken += 1
                    yield item, error
                at += len(item)
            else:
                yield envelope.wire, envelope
                at += len(envelope.wire)
        if at < len(message):
            yield message[at:], TelemetryError(Reason.OVERSIZE, f"more than {MAX_ITEMS} items")

    def learn(self, envelope: Envelope) -> None:
        """Remember the shape of an envelope that was accepted, signature and all: strangers get no memory of ours."""
        wire = envelope.wire
        known = self._shapes.get(wire[_KEY])
        if known is None:
            if len(self._shapes) >= MAX_KEYS:
                return
            known = self._shapes[wire[_KEY]] = []
        if any(shape.like(wire) for shape in known):
            return
        shape = Shape.of(envelope)
        if shape is not None:
            known.insert(0, shape)
            del known[SHAPES_PER_KEY:]

    def _by_shape(self, message: bytes, at: int) -> Envelope | None:
        for shape in self._shapes.get(message[at + _KEY.start : at + _KEY.stop], ()):
            envelope = shape.read(message, at)
            if envelope is not None:
                return envelope
        return None


class Shape:
    """The layout of one device's envelopes of one length. Made by `of`."""

    def __init__(
        self,
        sample: Envelope,
        body: tuple[int, int],
        payload: tuple[int, int],
        spans: list[tuple[int, int, str]],
        least: int,
    ) -> None:
        layout, at = ">", 0
        for start, end, code in spans:
            layout += f"{start - at}s{code}"
            at = end
        self._struct = struct.Struct(layout)
        self._fixed = self._struct.unpack(sample.wire)[::2]
        self._length = len(sample.wire)
        self._body = body
        self._head = sample.signed_bytes[: len(sample.signed_bytes) - (body[1] - body[0])]
        self._least, self._most = least, (1 << 63) - sample.count
        self._registers = tuple(2 + i for i, (_, _, code) in enumerate(spans[2:-2]) if code == f"{8 * sample.count}s")
        # What all of its shape have in common, without the bytes of this one.
        self._sample = replace(sample, wire=b"", signed_bytes=b"", signature=b"", read_readings=_nothing)
        self._payload = payload

    @classmethod
    def of(cls, envelope: Envelope) -> Self | None:
        """Take the shape of an envelope that the strict reader has passed; None of one that seldom comes again.

        Those are envelopes with holes or events, and the first of a boot epoch, whose numbers are part of a head byte.
        """
        wire = envelope.wire
        cursor = Cursor(wire, 2)
        cursor.span("protected header")
        cursor.expect(MAP, "unprotected header")
        body_start = cursor.at
        at, body_end = cursor.span("payload")
        signature = (len(wire) - SIGNATURE_LENGTH, len(wire), f"{SIGNATURE_LENGTH}s")
        cursor = Cursor(wire, at, body_end)
        spans: list[tuple[int, int, str]] = []
        least = 0
        key = -1
        for _ in range(cursor.expect(MAP, "payload")):
            key = cursor.key(key, "payload")
            if key == _SEQUENCE:
                if wire[cursor.at] not in _NUMBER:
                    return None
                code, least = _NUMBER[wire[cursor.at]]
                start = cursor.at + 1
                cursor.uint63("first_sequence")
                spans.append((start, cursor.at, code))
            elif key in _COLUMNS:
                cursor.expect(TAG, "column")
                start, end = cursor.span("column")
                spans.append((start, end, f"{end - start}s"))
            elif key == _PREVIOUS:
                start, end = cursor.span("previous")
                spans.append((start, end, f"{end - start}s"))
            elif key < _SEQUENCE:
                cursor.at = item_end(wire, cursor.at)
            else:
                return None
        return cls(envelope, (body_start, body_end), (at, body_end), [*spans, signature], least)

    def like(self, wire: bytes) -> bool:
        """Tell whether an envelope has this shape, whatever its numbers are."""
        return len(wire) == self._length and self._struct.unpack(wire)[::2] == self._fixed

    def read(self, message: bytes, at: int) -> Envelope | None:
        """Parse the item at an offset; None if the strict reader has to look at it."""
        end = at + self._length
        if end > len(message):
            return None
        parts = self._struct.unpack_from(message, at)
        if parts[::2] != self._fixed:
            return None
        numbers = parts[1::2]
        span = self._span_ms(numbers)
        if span is None:
            return None
        sample = self._sample
        signed_bytes = self._head + message[at + self._body[0] : at + self._body[1]]
        wire = message[at:end]
        return Envelope(
            device=sample.device,
            meter=sample.meter,
            boot=sample.boot,
            first_sequence=numbers[0],
            count=sample.count,
            first_ms=span[0],
            last_ms=span[1],
            previous=numbers[-2],
            public_key=sample.public_key,
            network=sample.network,
            digest=hashlib.sha256(signed_bytes).digest(),
            signature=numbers[-1],
            wire=wire,
            signed_bytes=signed_bytes,
            read_readings=partial(_readings, wire, *self._payload),
        )

    def _span_ms(self, numbers: tuple[Any, ...]) -> tuple[int, int] | None:
        """Check the numbers that change: (earliest, latest) time [ms UTC], None if one is out of range."""
        if not self._least <= numbers[0] <= self._most:
            return None
        if self._sample.public_key.alg == "es256" and not es256_in_range(numbers[-1]):
            return None
        first_ms, last_ms = _extremes(numbers[1])
        if first_ms < 0 or last_ms >> 53:
            return None
        for column in self._registers:
            if _extremes(numbers[column])[0] < 0:
                return None
        return first_ms, last_ms


def _extremes(column: bytes) -> tuple[int, int]:
    """Least and greatest of a column of signed 64-bit numbers."""
    if len(column) == 8:
        number = int.from_bytes(column, "little", signed=True)
        return number, number
    numbers = np.frombuffer(column, "<i8")
    return int(numbers.min()), int(numbers.max())


def _nothing() -> Readings:
    return Readings.of(())


def _readings(wire: bytes, start: int, end: int) -> Readings:
    return read_payload(wire, start, end).readings
