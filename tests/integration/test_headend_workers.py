"""Head-ends in several processes share one subscription and one journal, and together lose and double nothing."""

import os
import signal
import time

import pytest

from api.demo.broker import InProcessBroker, MosquittoBroker
from devices.gateway import Gateway
from devices.outbox import Outbox
from oracle.headend.workers import HeadEndWorkers
from oracle.journal.journal import Journal
from oracle.node import system_clock_ms
from tests.support.listed_devices import ACK_KEY, NETWORK, ListedDevice, registry_of, wait_until

ENVELOPES = 1200


@pytest.fixture
def mosquitto_url(require):
    executable = MosquittoBroker.find()
    require("mosquitto", executable, "apt-get install mosquitto")
    with MosquittoBroker(executable) as broker:
        yield broker.url


@pytest.fixture
def journal(tmp_path):
    with_journal = Journal.open(tmp_path / "journal.sqlite", NETWORK)
    yield with_journal
    with_journal.close()


@pytest.fixture
def head_ends(tmp_path, mosquitto_url):
    running = []

    def start(devices, workers=2):
        running.append(
            HeadEndWorkers(
                node="node-1", network=NETWORK, journal=tmp_path / "journal.sqlite", broker_url=mosquitto_url,
                ack_key=ACK_KEY, registry=registry_of(devices), clock_ms=system_clock_ms, workers=workers,
            )
        )  # fmt: skip
        running[0].start()
        assert running[0].wait_connected(20)
        return running[0]

    yield start
    for each in running:
        each.stop()


def gateway(tmp_path, url):
    outbox = Outbox(tmp_path / "outbox.sqlite")
    return Gateway("gw-1", NETWORK, url, outbox, {"node-1": ACK_KEY.public}, 1, window=64, retry_after_s=1.0)


def test_a_worker_that_is_killed_loses_and_doubles_nothing(tmp_path, journal, mosquitto_url, head_ends):
    device = ListedDevice(0)
    workers = head_ends([device])
    sent = []
    with gateway(tmp_path, mosquitto_url) as sender:
        for burst in range(ENVELOPES // 20):
            envelopes = [device.sign(2) for _ in range(20)]
            sender.send_many(envelopes)
            sent += envelopes
            time.sleep(0.01)
            if burst == 20:
                wait_until(lambda: journal.last_row() > 200)
                victim = workers.pids[0]
                os.kill(victim, signal.SIGKILL)
        assert sender.wait_until_empty(60)
        assert not sender.rejected()
    assert [row.digest for row in journal.envelopes()].count(sent[0].digest) == 1
    stored = {envelope.digest: envelope for envelope in journal.envelopes()}
    assert len(stored) == journal.last_row() == ENVELOPES, "each is there once"
    assert set(stored) == {envelope.digest for envelope in sent}
    assert {e.previous for e in stored.values()} - set(stored) == {bytes(32)}, "the device's hash chain has no gap"
    assert journal.faults() == []
    settled = device.settled(journal)
    assert settled.energy_wh.sum() == device.gained_wh
    wait_until(lambda: len(workers.pids) == 2)
    assert victim not in workers.pids
    wait_until(lambda: workers.tally.envelopes >= ENVELOPES // 2)


def test_both_workers_take_part_in_one_device(tmp_path, journal, mosquitto_url, head_ends):
    device = ListedDevice(1)
    workers = head_ends([device])
    with gateway(tmp_path, mosquitto_url) as sender:
        for _ in range(100):
            sender.send(device.sign())
            time.sleep(0.005)
        assert sender.wait_until_empty(30)
    wait_until(lambda: workers.tally.envelopes == 100)
    assert all(seat.envelopes > 10 for seat in workers.tallies)
    assert journal.faults() == []
    assert device.settled(journal).energy_wh.sum() == device.gained_wh


def test_a_registry_that_changes_reaches_the_workers(tmp_path, journal, mosquitto_url, head_ends):
    known, newcomer = ListedDevice(2), ListedDevice(3)
    workers = head_ends([known])
    with gateway(tmp_path, mosquitto_url) as sender:
        sender.send(newcomer.sign())
        wait_until(lambda: [each.reason for each in sender.rejected()] == ["unknown_device"])
        workers.update_registry(registry_of([known, newcomer]))
        wait_until(lambda: sender.retry_rejected() >= 0 and sender.wait_until_empty(0.5) and journal.last_row() == 1)
    wait_until(lambda: workers.tally.reasons["unknown_device"] >= 1)


def test_stopping_leaves_no_process(head_ends):
    workers = head_ends([ListedDevice(4)])
    pids = workers.pids
    assert len(pids) == 2
    workers.stop()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_workers_that_hang_are_ended_in_time(head_ends):
    workers = head_ends([ListedDevice(5)])
    pids = workers.pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    workers.stop()
    assert time.monotonic() - began < 4.5
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_broker_that_cannot_share_is_a_fault_and_not_silence(tmp_path):
    Journal.open(tmp_path / "journal.sqlite", NETWORK).close()
    with InProcessBroker() as broker:
        workers = HeadEndWorkers(
            node="node-1", network=NETWORK, journal=tmp_path / "journal.sqlite", broker_url=broker.url, ack_key=ACK_KEY,
            registry=registry_of([ListedDevice(6)]), clock_ms=system_clock_ms, workers=1,
        )  # fmt: skip
        workers.start()
        try:
            wait_until(lambda: "does not speak MQTT 5" in (workers.fault or ""))
            assert not workers.wait_connected(0.2)
        finally:
            workers.stop()
