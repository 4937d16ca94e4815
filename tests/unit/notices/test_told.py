import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.notices.told import Told, fingerprint, message, parse_position, position
from tests.support.event_source import EventsInMemory


def test_an_event_is_one_server_sent_event_with_its_id():
    event = EventsInMemory().tell("mint", "roof", energy_wh=41_870)
    lines = Told.of(event, "7f").wire.decode().split("\n")
    assert lines[:2] == ["id: 7f-1", "event: mint"]
    assert lines[3:] == ["", ""]
    said = json.loads(lines[2].removeprefix("data: "))
    assert said["document"] == {"energy_wh": 41_870}
    assert said["at"] == "2026-11-01T04:00:00Z"


def test_text_with_line_breaks_cannot_make_another_event():
    event = EventsInMemory().tell("retirement", None, purpose="a\n\nevent: mint\ndata: {}\r\n\r\n\u2028")
    wire = Told.of(event, "x").wire
    assert wire.count(b"\n") == 4
    assert b"\r" not in wire
    assert wire.endswith(b"\n\n")


@given(st.text(alphabet="0123456789abcdef-", min_size=1, max_size=20), st.integers(0, 10**17))
def test_a_position_is_read_as_it_was_written(instance, number):
    assert parse_position(position(instance, number)) == (instance, number)


@pytest.mark.parametrize("text", ["", "-", "12", "a-", "a-x", "a-²", "a-1e3", "a-" + "9" * 19, "a--"])
def test_what_is_no_position_is_none(text):
    assert parse_position(text) is None


def test_a_message_without_position_does_not_move_the_listener():
    assert message("dropped", "{}") == b"event: dropped\ndata: {}\n\n"


def test_the_fingerprint_is_of_what_is_said_and_not_of_the_number():
    first, second = EventsInMemory(), EventsInMemory()
    first.tell("report", None, epoch=1)
    assert fingerprint(first.tell("mint", "roof", wh=1)) == fingerprint(second.tell("mint", "roof", wh=1))
    assert fingerprint(first.tell("mint", "roof", wh=1)) != fingerprint(second.tell("mint", "roof", wh=2))
    assert fingerprint(first.tell("mint", "roof", wh=1)) != fingerprint(second.tell("mint", "barn", wh=1))
