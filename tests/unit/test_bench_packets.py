"""MQTT packets of the load generator, byte by byte and in pieces."""

import pytest

from api.bench import packets


def test_packets_are_those_of_the_specification():
    assert packets.connect("gw") == bytes.fromhex("100e 0004 4d515454 04 02 0000 0002 6777")
    assert packets.subscribe("a/+") == bytes.fromhex("8208 0001 0003 612f2b 01")
    assert packets.publish("t", 0, b"xy") == bytes.fromhex("3207 0001 74 0001 7879")


@pytest.mark.parametrize("length", [0, 1, 120, 121, 122, 16_000, 16_400, 300_000])
def test_a_published_message_is_cut_out_again(length):
    payload = bytes(range(256)) * (length // 256 + 1)
    found = packets.cut(packets.publish("heliograph", 41, payload[:length]))
    assert found == (0, [payload[:length]], bytes.fromhex("4002 002a"), b"")


def test_packet_identifiers_begin_again_and_are_never_zero():
    identifiers = [packets.publish("t", number, b"")[-2:] for number in (0, 65_534, 65_535, 65_536)]
    assert identifiers == [b"\x00\x01", b"\xff\xff", b"\x00\x01", b"\x00\x02"]


def test_a_stream_is_cut_the_same_wherever_it_is_broken():
    stream = b"".join(
        (
            bytes.fromhex("4002 0001"),
            packets.publish("t", 4, b"first"),
            bytes.fromhex("d000"),
            bytes.fromhex("300401")[:0] + bytes.fromhex("3006 0001 74 717171"),
            bytes.fromhex("4002 0002"),
            packets.publish("t", 5, bytes(200)),
        )
    )
    whole = packets.cut(stream)
    assert whole == (2, [b"first", b"qqq", bytes(200)], bytes.fromhex("4002 0005 4002 0006"), b"")
    for at in range(len(stream) + 1):
        one = packets.cut(stream[:at])
        two = packets.cut(one.rest + stream[at:])
        assert one.pubacks + two.pubacks == 2
        assert one.payloads + two.payloads == whole.payloads
        assert one.answers + two.answers == whole.answers
        assert two.rest == b""
