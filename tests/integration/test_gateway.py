import queue
import sqlite3
import threading
import time

import pytest

from api.demo.broker import InProcessBroker, MosquittoBroker
from devices import topics
from devices.acknowledgement import AcceptedRange
from devices.device_key import SigningKey
from devices.durable_file import DurableFileError
from devices.gateway import MAX_MESSAGE_BYTES, OFFLINE, ONLINE, DeviceSigner, Gateway, Outbox
from devices.mqtt import BrokerAddress, BrokerUrlError, MqttConnection
from devices.readings import Column, Reading, Readings
from devices.receipts import joined
from tests.support.acknowledging_node import NETWORK, PUBLIC_KEYS, FakeNode, eventually


def device(number=0):
    return DeviceSigner(f"dev-{number}", f"met-{number}", SigningKey.from_seed("es256", bytes([99]) * 32), NETWORK)


def envelopes(count, number=0, rows=1):
    signer = device(number)
    return [signer.sign(Readings.of([Reading(1000 * i + r, 10 * i) for r in range(rows)])) for i in range(count)]


@pytest.fixture
def outbox(tmp_path):
    box = Outbox(tmp_path / "outbox.sqlite")
    yield box
    box.close()


def gateway(url, outbox, copies=3, **options):
    return Gateway("gw-1", NETWORK, url, outbox, PUBLIC_KEYS, copies, **({"retry_after_s": 0.5} | options))


def test_envelopes_arrive_and_leave_the_outbox_after_k_acknowledgements(broker_url, outbox):
    sent = envelopes(50, 0) + envelopes(50, 1)
    seen = []
    with (
        FakeNode(broker_url, "node-0") as first,
        FakeNode(broker_url, "node-1"),
        FakeNode(broker_url, "node-2"),
        gateway(broker_url, outbox) as gw,
    ):
        gw.send_many(sent)
        assert gw.wait_until_empty(20, seen.append)
    assert seen[-1] == 0
    assert {e.digest for e in first.received} == {e.digest for e in sent}
    assert [e.first_sequence for e in first.received if e.device == "dev-0"][:50] == list(range(50))


def test_k_minus_one_acknowledgements_are_not_enough(broker_url, outbox):
    with FakeNode(broker_url, "node-0"), FakeNode(broker_url, "node-1"), gateway(broker_url, outbox) as gw:
        gw.send_many(envelopes(3))
        assert not gw.wait_until_empty(1.5)
        assert gw.pending() == 3
        with FakeNode(broker_url, "node-2"):
            assert gw.wait_until_empty(15)


def test_acknowledgements_of_strangers_and_impostors_do_not_count(broker_url, outbox, caplog):
    stranger = SigningKey.from_seed("es256", b"s" * 32)
    with (
        FakeNode(broker_url, "node-0"),
        FakeNode(broker_url, "node-1", key=stranger),
        FakeNode(broker_url, "stranger", key=stranger),
        gateway(broker_url, outbox, copies=2) as gw,
    ):
        gw.send_many(envelopes(2))
        assert not gw.wait_until_empty(1.5)
    assert "ignores an acknowledgement" in caplog.text


def test_what_is_sent_without_a_broker_is_delivered_once_there_is_one(tmp_path):
    sent = envelopes(5)
    broker = InProcessBroker()
    box = Outbox(tmp_path / "o.sqlite")
    box.add(sent)
    box.close()
    again = Outbox(tmp_path / "o.sqlite")
    assert again.pending() == 5
    with broker, FakeNode(broker.url, "node-0") as node, gateway(broker.url, again, copies=1) as gw:
        assert gw.wait_until_empty(15)
    assert [e.digest for e in node.received[:5]] == [e.digest for e in sent]
    again.close()


def test_delivery_goes_on_after_the_broker_was_gone(outbox):
    executable = MosquittoBroker.find()
    if executable is None:
        pytest.skip("mosquitto is not installed")
    with MosquittoBroker(executable) as first:
        url = first.url
        port = BrokerAddress.parse(url).port
        node = FakeNode(url, "node-0", silent=True)
        with node, gateway(url, outbox, copies=1) as gw:
            gw.send_many(envelopes(20))
            eventually(lambda: len(node.received) >= 20)
            first.stop()
            gw.send_many(envelopes(20, 1))
            node.silent = False
            with MosquittoBroker(executable, port):
                assert gw.wait_until_empty(30)
    assert {e.device for e in node.received} == {"dev-0", "dev-1"}


def test_refused_envelopes_are_set_aside_and_kept(broker_url, outbox):
    with (
        FakeNode(broker_url, "node-0", refuse=("dev-1",)) as first,
        FakeNode(broker_url, "node-1", refuse=("dev-1",)) as second,
        FakeNode(broker_url, "node-2"),
        gateway(broker_url, outbox, copies=3) as gw,
    ):
        gw.send_many(envelopes(2, 1))
        eventually(lambda: len(gw.rejected()) == 4)
        assert gw.wait_until_empty(5)
        assert {(r.device, r.node, r.reason, r.set_aside) for r in gw.rejected()} == {
            ("dev-1", "node-0", "unknown_meter", True),
            ("dev-1", "node-1", "unknown_meter", True),
        }
        first.refuse = second.refuse = ()
        assert gw.retry_rejected() == 2
        assert gw.wait_until_empty(15)
        assert gw.rejected() == []


def test_status_is_retained_and_says_when_the_gateway_leaves(broker_url, outbox):
    seen = queue.SimpleQueue()
    with gateway(broker_url, outbox):
        watcher = MqttConnection(
            broker_url,
            "watcher",
            subscriptions=(topics.format_status(NETWORK, "gw-1"),),
            on_delivery=lambda delivery: seen.put(delivery.payload),
        )
        watcher.start()
        assert seen.get(timeout=10) == ONLINE
    while seen.get(timeout=10) != OFFLINE:
        pass
    watcher.stop()


def test_large_envelopes_travel_in_messages_of_a_bounded_size(broker_url, outbox):
    signer = device()
    numbers = range(1000)
    big = [signer.sign(Readings.of([Reading(i, i) for i in numbers])) for _ in range(20)]
    with FakeNode(broker_url, "node-0") as node, gateway(broker_url, outbox, copies=1) as gw:
        sizes = []
        deliver = node.connection._on_delivery
        node.connection._on_delivery = lambda delivery: (sizes.append(len(delivery.payload)), deliver(delivery))
        gw.send_many(big)
        assert gw.wait_until_empty(20)
    assert max(sizes) <= MAX_MESSAGE_BYTES
    assert len(sizes) >= 3


def test_close_returns_within_two_seconds_whatever_the_broker_does(outbox):
    for url in ("mqtt://127.0.0.1:1", "mqtt://192.0.2.1:1883"):
        gw = Gateway("gw-1", NETWORK, url, outbox, PUBLIC_KEYS, 1)
        gw.start()
        gw.send_many(envelopes(1))
        began = time.monotonic()
        gw.close()
        gw.close()
        assert time.monotonic() - began < 2.5
    assert gw.pending() == 1


def test_an_envelope_sent_twice_is_stored_once(outbox):
    sent = envelopes(3)
    assert outbox.add(sent) == 3
    assert outbox.add(sent) == 0
    assert outbox.pending() == 3


def test_an_outbox_refuses_other_files_and_newer_versions(tmp_path):
    text = tmp_path / "text"
    text.write_text("not a database, only a text that is long enough to be read as one" * 20)
    other = tmp_path / "other.sqlite"
    newer = tmp_path / "newer.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    Outbox(newer).close()
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    for path in (text, other, newer, tmp_path / "no" / "folder"):
        with pytest.raises(DurableFileError):
            Outbox(path)


def test_ranges_that_touch_are_joined():
    ranges = [AcceptedRange("a", 0, 5, 9), AcceptedRange("a", 0, 0, 4), AcceptedRange("a", 0, 11, 12)]
    ranges += [AcceptedRange("b", 0, 13, 14), AcceptedRange("a", 1, 10, 10), AcceptedRange("a", 0, 2, 3)]
    assert joined(ranges) == [
        AcceptedRange("a", 0, 0, 9),
        AcceptedRange("a", 0, 11, 12),
        AcceptedRange("a", 1, 10, 10),
        AcceptedRange("b", 0, 13, 14),
    ]


def test_a_signer_chains_its_envelopes():
    signer = device()
    readings = Readings.of([Reading(i, i) for i in range(10)])
    parts = list(signer.sign_in_batches(readings, 4))
    assert [(p.first_sequence, p.last_sequence) for p in parts] == [(0, 3), (4, 7), (8, 9)]
    assert [p.previous for p in parts] == [bytes(32), parts[0].digest, parts[1].digest]
    assert [r.time_ms for p in parts for r in p.readings] == list(range(10))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://broker", BrokerAddress("broker", 1883)),
        ("mqtt://broker:2000/", BrokerAddress("broker", 2000)),
        ("mqtt://user:p%40ss@[::1]:99", BrokerAddress("::1", 99, "user", "p@ss")),
    ],
)
def test_broker_urls(url, address):
    assert BrokerAddress.parse(url) == address
    assert "p@ss" not in repr(address)


@pytest.mark.parametrize(
    "url", ["", "broker:1883", "http://b", "mqtt://", "mqtt://b:0", "mqtt://b:x", "mqtt://b/topic"]
)
def test_other_urls_are_refused(url):
    with pytest.raises(BrokerUrlError):
        BrokerAddress.parse(url)


def test_unacknowledged_messages_come_again_with_manual_ack():
    executable = MosquittoBroker.find()
    if executable is None:
        pytest.skip("mosquitto is not installed")
    with MosquittoBroker(executable) as broker:
        got = queue.SimpleQueue()
        options = {"subscriptions": ("t",), "on_delivery": got.put, "manual_ack": True}
        first = MqttConnection(broker.url, "reader", **options)
        writer = MqttConnection(broker.url, "writer")
        first.start()
        writer.start()
        assert first.wait_connected(10)
        assert writer.wait_connected(10)
        time.sleep(0.2)
        writer.publish("t", b"one")
        delivery = got.get(timeout=5)
        first.stop()
        delivery.acknowledge()  # of a connection that is gone: without effect
        second = MqttConnection(broker.url, "reader", **options)
        second.start()
        delivery = got.get(timeout=10)
        assert delivery.payload == b"one"
        delivery.acknowledge()
        time.sleep(0.2)
        second.stop()
        writer.stop()
        assert got.empty()


def test_no_thread_stays_behind(broker_url, outbox):
    before = {thread.name for thread in threading.enumerate()}
    with gateway(broker_url, outbox):
        pass
    eventually(lambda: {thread.name for thread in threading.enumerate()} <= before)


def test_columns_of_a_simulated_meter_fit_an_envelope():
    readings = Readings(Readings.of([Reading(0, 0)] * 288).time_ms, Column.full(list(range(288))))
    assert device().sign(readings).last_sequence == 287
