"""The few MQTT 3.1.1 packets that a load generator needs, as bytes. Pure.

A generator has one core to share with all it measures, so it does without a client library: what it publishes is made
before the run, packet by packet, and what it receives is only cut and kept.
"""

from typing import NamedTuple

CONNACK_OK = b"\x20\x02\x00\x00"
PUBACK = 0x40
PUBLISH = 0x30
SUBSCRIPTION = 1
"""Packet identifier of the one SUBSCRIBE, answered before anything else is sent."""
SUBACK_OK = b"\x90\x03\x00\x01\x01"
PACKET_IDENTIFIERS = 65_535


def connect(client: str) -> bytes:
    """CONNECT: clean session, no keep-alive."""
    return _packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x00" + _text(client))


def subscribe(topic_filter: str) -> bytes:
    """SUBSCRIBE to one filter with QoS 1."""
    return _packet(0x82, SUBSCRIPTION.to_bytes(2, "big") + _text(topic_filter) + b"\x01")


def publish(topic: str, number: int, payload: bytes) -> bytes:
    """PUBLISH with QoS 1 of a generator's message `number`, counted from 0."""
    identifier = number % PACKET_IDENTIFIERS + 1
    return _packet(PUBLISH | 0x02, _text(topic) + identifier.to_bytes(2, "big") + payload)


def disconnect() -> bytes:
    """DISCONNECT."""
    return b"\xe0\x00"


class Cut(NamedTuple):
    """What came in, cut into packets."""

    pubacks: int
    """How many of our messages the broker has."""
    payloads: list[bytes]
    """Of the messages it delivers."""
    answers: bytes
    """PUBACKs for those that ask for one."""
    rest: bytes
    """The beginning of a packet that is not whole yet."""


def cut(received: bytes) -> Cut:
    """Cut what a broker sent into packets. Others than PUBACK and PUBLISH are passed over."""
    pubacks, at, payloads, answers = 0, 0, list[bytes](), bytearray()
    while at + 2 <= len(received):
        kind, body = received[at], at + 1
        length = shift = 0
        while body < len(received):
            byte = received[body]
            body += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        else:
            break
        end = body + length
        if end > len(received):
            break
        if kind == PUBACK:
            pubacks += 1
        elif kind & 0xF0 == PUBLISH:
            start = body + 2 + int.from_bytes(received[body : body + 2], "big")
            if kind & 0x06:
                answers += b"\x40\x02" + received[start : start + 2]
                start += 2
            payloads.append(received[start:end])
        at = end
    return Cut(pubacks, payloads, bytes(answers), received[at:])


def _packet(kind: int, body: bytes) -> bytes:
    length, head = len(body), bytearray([kind])
    while True:
        length, low = length >> 7, length & 0x7F
        head.append(low | (0x80 if length else 0))
        if not length:
            return bytes(head) + body


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded
