"""Who gets past a real mosquitto that the program configured, and whose readings get past the node behind it."""

import queue
import ssl
import threading
import time
from dataclasses import replace

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from api.demo.broker import MosquittoBroker
from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project
from devices import topics
from devices.device_key import SigningKey
from devices.gateway import Gateway
from devices.mqtt import BrokerUrlError, MqttConnection, Tls
from devices.outbox import Outbox
from devices.readings import Reading, Readings
from devices.telemetry import encode
from oracle.headend.receiver import HeadEnd
from oracle.journal.journal import Journal
from oracle.keyring.files import load_keyring
from oracle.node import system_clock_ms
from oracle.reporting.registry import RegistrySnapshot, meters_root
from tests.support.secure_site import NETWORK, SecureSite, call

ACCOUNT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
DEVICE_KEY = SigningKey.from_seed("es256", b"d" * 32)
METER = ListedMeter("roof", "met-1", "dev-1", DEVICE_KEY.public.thumbprint, MeterRole.INVERTER, 8000, 0, 0)


def registry(meter=METER):
    project = Project(
        "village", ACCOUNT, bytes(32), ClaimRight.NONE, bytes(32), Assurance.DEVICE_SIGNED, meters_root([meter])
    )
    asset = Asset("roof", "village", ACCOUNT, 8000, 0, 0, 0, 0, 0)
    return RegistrySnapshot(1, {"village": project}, {"roof": asset}, {"village": (meter,)})


@pytest.fixture(scope="module")
def site(tmp_path_factory, require):
    executable = MosquittoBroker.find()
    require("mosquitto", executable, "apt-get install mosquitto")
    made = SecureSite(tmp_path_factory.mktemp("site"), executable)
    made.certificates = {name: made.enrol("gateway", name)[1] for name in ("gw-1", "gw-2", "gw-old")}
    _, made.certificates["node-1"] = made.enrol("node", "node-1")
    made.keyring = load_keyring(made.folder / "node-1" / "keys")
    made.configure()
    made.start()
    yield made
    made.stop()


def connect(site, name, **options):
    connection = MqttConnection(site.certificates[name].add_to(site.url), f"test-{name}", **options)
    connection.start()
    return connection


def raw_client(site, name):
    """An MQTT 5 client that shows the reason code of each PUBACK: (client, their queue)."""
    answers = queue.SimpleQueue()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"raw-{name}", protocol=paho.MQTTv5)
    client.tls_set_context(site.certificates[name].context())
    client.on_publish = lambda _c, _u, _m, reason, _p: answers.put(str(reason))
    client.connect("127.0.0.1", site.port)
    client.loop_start()
    return client, answers


@pytest.fixture
def head_end(site, tmp_path):
    """A node's head-end behind the broker; `listed` is what the registry says."""
    journal = Journal.open(tmp_path / "journal.sqlite", NETWORK)
    listed = {"registry": registry()}
    hears = HeadEnd(
        node="node-1",
        network=NETWORK,
        journal=journal,
        ack_key=site.keyring.ack_key,
        registry=lambda: listed["registry"],
        clock_ms=system_clock_ms,
    )
    hears.start(site.certificates["node-1"].add_to(site.url))
    assert hears.wait_connected(10)
    time.sleep(0.2)  # let the subscription reach the broker
    yield journal, listed
    hears.stop()
    journal.close()


def gateway(site, name, outbox):
    url = site.certificates[name].add_to(site.url)
    return Gateway(name, NETWORK, url, outbox, {"node-1": site.keyring.ack_key.public}, 1, retry_after_s=0.5)


def envelope(sequence, key=DEVICE_KEY):
    rows = Readings.of([Reading(1_750_000_000_000 + sequence * 1000, sequence)])
    return encode(
        rows,
        device="dev-1", meter="met-1", boot=1, first_sequence=sequence, previous=bytes(32), key=key, network=NETWORK,
    )  # fmt: skip


def test_readings_reach_the_node_and_acknowledgements_the_gateway_over_mutual_tls(site, head_end, tmp_path):
    journal, _ = head_end
    outbox = Outbox(tmp_path / "outbox.sqlite")
    with gateway(site, "gw-1", outbox) as sender:
        sender.send_many([envelope(n) for n in range(50)])
        assert sender.wait_until_empty(15)
    outbox.close()
    assert journal.tallies()[0] == 50


@pytest.mark.parametrize("certificate", ["none", "of another authority"])
def test_a_client_without_a_certificate_of_the_site_cannot_connect(site, tmp_path, caplog, certificate):
    ca = site.certificates["gw-1"].ca
    tls = Tls(ca)
    if certificate != "none":
        other = SecureSite(tmp_path, site.executable)
        tls = replace(other.enrol("gateway", "gw-1")[1], ca=ca)
    connection = MqttConnection(site.url, "stranger", tls=tls)
    caplog.set_level("INFO", logger="devices")
    connection.start()
    assert not connection.wait_connected(1.2)
    connection.stop()
    assert "waiting for the broker" in caplog.text


def test_a_client_in_the_clear_cannot_connect(site):
    connection = MqttConnection(site.url.replace("mqtts", "mqtt"), "clear")
    connection.start()
    assert not connection.wait_connected(1.2)
    connection.stop()


def test_a_broker_of_another_authority_or_name_is_not_trusted(site, tmp_path, caplog):
    caplog.set_level("INFO", logger="devices")
    other = SecureSite(tmp_path, site.executable)
    for host, ca in (("127.0.0.1", other.ca / "ca.pem"), ("127.1", site.ca / "ca.pem")):
        caplog.clear()
        url = site.url.replace("127.0.0.1", host)
        connection = MqttConnection(url, "careful", tls=replace(site.certificates["gw-1"], ca=ca))
        connection.start()
        assert not connection.wait_connected(1)
        connection.stop()
        assert "certificate verify failed" in caplog.text


@pytest.mark.parametrize(
    ("who", "topic", "allowed"),
    [
        ("gw-1", topics.format_telemetry(NETWORK, "gw-1"), True),
        ("gw-1", topics.format_status(NETWORK, "gw-1"), True),
        ("gw-1", topics.format_telemetry(NETWORK, "gw-2"), False),
        ("gw-1", topics.format_telemetry("other", "gw-1"), False),
        ("gw-1", topics.format_status(NETWORK, "gw-2"), False),
        ("gw-1", topics.format_ack(NETWORK, "gw-1", "node-1"), False),
        ("node-1", topics.format_ack(NETWORK, "gw-1", "node-1"), True),
        ("node-1", topics.format_ack(NETWORK, "gw-1", "node-2"), False),
        ("node-1", topics.format_telemetry(NETWORK, "gw-1"), False),
    ],
)
def test_a_certificate_publishes_on_its_own_topics_only(site, who, topic, allowed):
    client, answers = raw_client(site, who)
    client.publish(topic, b"", qos=1)
    answer = answers.get(timeout=5)
    client.disconnect()
    client.loop_stop()
    if allowed:
        assert answer in {"Success", "No matching subscribers"}
    else:
        assert answer == "Not authorized"


def test_what_a_gateway_publishes_on_anothers_topic_reaches_no_node(site, head_end, caplog):
    journal, _ = head_end
    intruder = connect(site, "gw-2")
    assert intruder.wait_connected(10)
    assert intruder.publish(topics.format_telemetry(NETWORK, "gw-1"), envelope(900).wire)
    assert intruder.publish(topics.format_telemetry(NETWORK, "gw-2"), envelope(901).wire)
    wait_for(lambda: journal.has_envelope(envelope(901).digest))
    intruder.stop()
    assert not journal.has_envelope(envelope(900).digest)
    assert "refuses a message: Not authorized" in caplog.text


def test_a_gateway_does_not_hear_the_acknowledgements_of_others(site):
    heard = queue.SimpleQueue()
    options = {"subscriptions": (topics.format_ack_filter(NETWORK, "gw-1"), "#"), "on_delivery": heard.put}
    listener, node = connect(site, "gw-2", **options), connect(site, "node-1")
    assert listener.wait_connected(10)
    assert node.wait_connected(10)
    time.sleep(0.2)
    node.publish(topics.format_ack(NETWORK, "gw-1", "node-1"), b"for gw-1")
    node.publish(topics.format_ack(NETWORK, "gw-2", "node-1"), b"for gw-2")
    assert heard.get(timeout=5).payload == b"for gw-2"
    time.sleep(0.2)
    listener.stop()
    node.stop()
    assert heard.empty()


def test_a_revoked_certificate_cannot_connect_and_its_successor_can(site):
    old = connect(site, "gw-old")
    assert old.wait_connected(10)
    old.stop()
    _, renewed = site.enrol("gateway", "gw-old", "--rotate")
    call_revoke(site, "gw-old", "--older")
    refused = connect(site, "gw-old")
    assert not refused.wait_connected(1.2)
    refused.stop()
    successor = MqttConnection(site.url, "test-gw-old", tls=renewed)
    successor.start()
    assert successor.wait_connected(10)
    successor.stop()


def test_a_certificate_that_was_renewed_on_disk_serves_at_the_next_connect(site, tmp_path):
    """The process goes on; only the files change."""
    _, first = site.enrol("gateway", "gw-3")
    site.configure()
    certificate, key = tmp_path / "here.pem", tmp_path / "here.key"

    def install(tls):
        certificate.write_bytes(tls.certificate.read_bytes())
        key.write_bytes(tls.key.read_bytes())

    install(first)
    connection = MqttConnection(site.url, "renewing", tls=Tls(first.ca, certificate, key))
    connection.start()
    assert connection.wait_connected(10)
    install(site.enrol("gateway", "gw-3", "--rotate")[1])
    call_revoke(site, "gw-3", "--older")
    site.stop()
    wait_for(lambda: not connection.connected)
    site.start()
    assert connection.wait_connected(10)
    connection.stop()


def test_a_revoked_device_key_counts_up_to_the_cut(site, head_end, tmp_path):
    journal, listed = head_end
    listed["registry"] = registry(replace(METER, revoked_boot=1, revoked_sequence=2005))
    outbox = Outbox(tmp_path / "outbox.sqlite")
    with gateway(site, "gw-1", outbox) as sender:
        sender.send_many([envelope(2000 + n) for n in range(10)])
        wait_for(lambda: len(sender.rejected()) == 5)
        wait_for(lambda: sender.pending() == 0)
        refused = {(each.first_sequence, each.reason) for each in sender.rejected()}
    outbox.close()
    assert refused == {(2000 + n, "revoked_key") for n in range(5, 10)}
    assert [journal.has_envelope(envelope(2000 + n).digest) for n in range(10)] == [True] * 5 + [False] * 5


def test_certificates_that_cannot_be_used_are_named_before_anything_starts(site, tmp_path):
    good = site.certificates["gw-1"]
    other = site.certificates["gw-2"]
    (tmp_path / "empty.pem").write_text("")
    for tls, named in (
        (replace(good, ca=tmp_path / "absent.pem"), "absent.pem"),
        (replace(good, ca=tmp_path / "empty.pem"), "empty.pem"),
        (replace(good, key=other.key), "gw-2.key"),
        (replace(good, certificate=tmp_path / "absent.pem"), "absent.pem"),
    ):
        with pytest.raises(BrokerUrlError, match=named):
            MqttConnection(site.url, "never", tls=tls)
    assert threading.active_count() < 20


def test_tls_is_1_2_or_newer(site):
    context = site.certificates["gw-1"].context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def call_revoke(site, name, *more):
    call("enrol", "revoke", name, "--ca", site.ca, *more)
    site.configure()


def wait_for(condition, timeout_s=10):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)
