"""The head-end survives its journal's troubles and this program's own."""

import threading
import time

import pytest

from oracle.errors import JournalError
from oracle.headend import receiver


def send_more(settled):
    """Three hours of readings after those that are settled, whatever the time of day is."""
    world, plant = settled.world, settled.world.plants[0]
    until_ms = settled.span.until_ms + 3 * 3_600_000
    return world.send(plant, settled.span.until_ms, until_ms), until_ms


def test_a_full_disk_stops_acknowledgements_and_loses_nothing(settled, monkeypatch):
    world = settled.world
    monkeypatch.setattr(receiver, "RETRY_S", 0.1)
    full = threading.Event()
    full.set()
    for node in world.nodes:
        record = node.journal.record_envelopes

        def refuse(envelopes, received_ms, record=record):
            if full.is_set():
                raise JournalError("the journal cannot be written: disk full")
            return record(envelopes, received_ms)

        monkeypatch.setattr(node.journal, "record_envelopes", refuse)
    before = [node.journal.tallies()[1] for node in world.nodes]
    sent, _ = send_more(settled)
    stop = threading.Event()
    stop.set()
    assert not world.wait_delivered(stop), "nothing is acknowledged while nothing can be written"
    assert [node.journal.tallies()[1] for node in world.nodes] == before
    full.clear()
    assert world.wait_delivered(threading.Event())
    deadline = time.monotonic() + 10
    while [node.journal.tallies()[1] for node in world.nodes] != [count + sent for count in before]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_message_that_breaks_the_program_is_set_apart(settled, monkeypatch):
    judge = receiver.admit

    def break_on_purpose(topic, payload, **more):
        if payload == b"poison":
            raise ZeroDivisionError
        return judge(topic, payload, **more)

    monkeypatch.setattr(receiver, "admit", break_on_purpose)
    world = settled.world
    connection = world.nodes[0].headend._connection
    assert connection.publish("heliograph/v1/demo/telemetry/gw-x", b"poison")
    sent, _ = send_more(settled)
    assert sent
    assert world.wait_delivered(threading.Event())
    assert all(node.journal.rejection_counts()["unprocessable"] == 1 for node in world.nodes)
