"""Telemetry over HTTP: the same envelopes, the same broker and nodes, the same signed acknowledgements."""

import base64
import hashlib
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import cbor2
import pytest

from api.access.principal import Role
from api.notices.telemetry import MAX_BODY_BYTES, TelemetryBridge
from devices import acknowledgement
from devices.device_key import SigningKey
from devices.device_signer import DeviceSigner
from devices.readings import Reading, Readings
from devices.telemetry import split
from oracle.journal.journal import Journal
from tests.support import acknowledging_node
from tests.support.acknowledging_node import PUBLIC_KEYS, FakeNode
from tests.support.meter_envelopes import envelope, minutes
from tests.support.node_site import node_site
from tests.support.notice_site import ADA, notice_site
from tests.support.secure_site import NETWORK

SEQUENCE = "application/cbor-seq"
PATIENCE_S = 2.0


class Sender:
    """A gateway that speaks HTTP."""

    def __init__(self, site):
        self._site = site
        self.who = site.key()

    def post(self, message, accept="application/json", media_type=SEQUENCE, who=None):
        headers = (who or self.who).headers | {"Accept": accept, "Content-Type": media_type}
        return self._site.client.post("/v1/telemetry", content=message, headers=headers, timeout=30)


@contextmanager
def bridged_site(folder, require):
    """A node that hears from a mosquitto with certificates, and the api beside it, enrolled as a gateway."""
    with node_site(folder, require) as system:
        _, tls = system.site.enrol("gateway", "http-1")
        system.site.configure()
        system.node.start()
        bridge = TelemetryBridge(
            "http-1", NETWORK, tls.add_to(system.site.url), {"node-1": system.node_key}, 1, timeout_s=PATIENCE_S
        )
        bridge.start()
        (folder / "api").mkdir()
        with closing(bridge), notice_site(folder / "api", telemetry=bridge) as site:
            assert bridge.wait_connected(30)
            system.sender_by_http = Sender(site)
            system.bridge = bridge
            yield system


@pytest.fixture(scope="module")
def system(tmp_path_factory, require):
    """One for all tests that leave it as it was."""
    with bridged_site(tmp_path_factory.mktemp("bridged"), require) as system:
        yield system


@pytest.fixture
def doomed(tmp_path, require):
    """One to be broken."""
    with bridged_site(tmp_path, require) as system:
        yield system


def signed(system, first, last, signer=None):
    rows = [Reading(system.start_ms + n * 60_000, n * 10) for n in range(first, last)]
    return [(signer or system.signer).sign(Readings.of([row])) for row in rows]


def message_of(envelopes):
    return b"".join(each.wire for each in envelopes)


def journaled(system):
    journal = Journal.open(system.journal, NETWORK)
    try:
        return journal.tallies()[0]
    finally:
        journal.close()


def verified(system, wire):
    """An acknowledgement as a sender checks it: by the node's key, trusting nothing in between."""
    ack = acknowledgement.decode(wire, network=NETWORK)
    acknowledgement.verify_signature(ack)
    assert ack.public_key == system.node_key
    return ack


def test_a_real_node_signs_for_what_came_over_http(system):
    before = journaled(system)
    envelopes = signed(system, 0, 40)
    answer = system.sender_by_http.post(message_of(envelopes))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["complete"]
    assert told["copies_required"] == 1
    assert [item["sha256"] for item in told["items"]] == [hashlib.sha256(each.wire).hexdigest() for each in envelopes]
    assert all(item["accepted_by"] == ["node-1"] and item["settled"] for item in told["items"])
    acks = [verified(system, base64.b64decode(each["cbor"])) for each in told["acknowledgements"]]
    assert {ack.gateway for ack in acks} == {"http-1"}
    covered = {n for ack in acks for each in ack.accepted for n in range(each.first, each.last + 1)}
    assert covered >= {each.first_sequence for each in envelopes}
    assert journaled(system) == before + 40


def test_the_answer_in_cbor_is_the_acknowledgements_themselves_and_sending_again_costs_nothing(system):
    before = journaled(system)
    message = message_of(signed(system, 40, 45))
    for _ in range(2):
        answer = system.sender_by_http.post(message, accept=SEQUENCE)
        assert (answer.status_code, answer.headers["content-type"]) == (200, SEQUENCE)
        acks = [verified(system, wire) for wire in split(answer.content).items]
        assert sum(each.last - each.first + 1 for ack in acks for each in ack.accepted) == 5
    assert journaled(system) == before + 5


def test_what_the_node_refuses_is_told_with_its_reason(system):
    before = journaled(system)
    (good,) = signed(system, 45, 46)
    (stranger,) = signed(
        system, 0, 1, DeviceSigner("dev-9", "met-9", SigningKey.from_seed("eddsa", b"x" * 32), NETWORK)
    )
    rubbish = cbor2.dumps({"what": "is this"})
    answer = system.sender_by_http.post(good.wire + stranger.wire + rubbish)
    assert answer.status_code == 200, answer.text
    fine, unknown, no_envelope = answer.json()["items"]
    assert fine["accepted_by"] == ["node-1"]
    assert unknown["rejected_by"] == [{"node": "node-1", "reason": "unknown_device"}]
    assert no_envelope["device_id"] is None
    assert no_envelope["rejected_by"][0]["node"] == "node-1"
    assert journaled(system) == before + 1


def test_what_is_away_is_told_and_nothing_is_lost(doomed):
    sender = doomed.sender_by_http
    assert sender.post(message_of(signed(doomed, 0, 1))).status_code == 200
    doomed.node.end(signal.SIGKILL)
    message = message_of(signed(doomed, 1, 4))
    began = time.monotonic()
    answer = sender.post(message)
    assert PATIENCE_S <= time.monotonic() - began < PATIENCE_S + 2
    assert answer.status_code == 202
    assert int(answer.headers["retry-after"]) > 0
    assert not answer.json()["complete"]
    assert [item["settled"] for item in answer.json()["items"]] == [False] * 3
    assert answer.json()["acknowledgements"] == []
    assert sender.post(message, accept=SEQUENCE).content == b""
    doomed.node.start()
    deadline = time.monotonic() + 20
    while (answer := sender.post(message)).status_code == 202:
        assert time.monotonic() < deadline
    assert answer.json()["complete"]
    assert journaled(doomed) == 4

    doomed.site.stop()
    deadline = time.monotonic() + 10
    while doomed.bridge.connected:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    answer = sender.post(message_of(signed(doomed, 4, 5)))
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/broker-away"
    assert int(answer.headers["retry-after"]) > 0
    assert "keep the envelopes" in answer.json()["detail"]
    assert journaled(doomed) == 4


@pytest.fixture
def crowd(tmp_path, broker_url):
    """Four nodes of which three must have an envelope, on either broker."""
    bridge = TelemetryBridge("http-1", acknowledging_node.NETWORK, broker_url, PUBLIC_KEYS, 3, timeout_s=PATIENCE_S)
    bridge.start()
    assert bridge.wait_connected(10)
    time.sleep(0.2)  # let the subscription reach the broker
    with notice_site(tmp_path, telemetry=bridge) as site:
        yield Sender(site), broker_url
    bridge.close()


def crowd_envelope(number):
    key = SigningKey.from_seed("eddsa", b"d" * 32)
    signer = DeviceSigner(f"dev-{number}", f"met-{number}", key, acknowledging_node.NETWORK)
    return signer.sign(Readings.of([Reading(1_780_000_000_000, number)])).wire


def test_so_many_nodes_as_are_required_must_sign(crowd):
    sender, url = crowd
    with FakeNode(url, "node-0"), FakeNode(url, "node-1"), FakeNode(url, "node-2", silent=True):
        answer = sender.post(crowd_envelope(1))
        assert answer.status_code == 202
        assert answer.json()["items"][0]["accepted_by"] == ["node-0", "node-1"]
        with FakeNode(url, "node-3"):
            answer = sender.post(crowd_envelope(1))
    assert answer.status_code == 200
    assert answer.json()["items"][0]["accepted_by"] == ["node-0", "node-1", "node-3"]


def test_acknowledgements_by_others_keys_do_not_count(crowd):
    sender, url = crowd
    forger = SigningKey.from_seed("es256", b"f" * 32)
    with FakeNode(url, "node-0"), FakeNode(url, "node-1"), FakeNode(url, "node-2", key=forger):
        answer = sender.post(crowd_envelope(1))
    assert answer.status_code == 202
    assert answer.json()["items"][0]["accepted_by"] == ["node-0", "node-1"]


def test_what_cannot_reach_enough_nodes_any_more_is_answered_at_once(crowd):
    sender, url = crowd
    with FakeNode(url, "node-0", refuse={"dev-1"}), FakeNode(url, "node-1", refuse={"dev-1"}), FakeNode(url, "node-2"):
        began = time.monotonic()
        answer = sender.post(crowd_envelope(1))
    assert answer.status_code == 200
    assert time.monotonic() - began < PATIENCE_S
    assert [each["node"] for each in answer.json()["items"][0]["rejected_by"]] == ["node-0", "node-1"]


def test_many_senders_at_once_each_get_their_own(crowd):
    sender, url = crowd
    with FakeNode(url, "node-0"), FakeNode(url, "node-1"), FakeNode(url, "node-2"), ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: sender.post(crowd_envelope(number)), range(32)))
    assert [answer.status_code for answer in answers] == [200] * 32
    for number, answer in enumerate(answers):
        (item,) = answer.json()["items"]
        assert item["device_id"] == f"dev-{number}"
        assert len(item["accepted_by"]) == 3


def test_mistakes_are_problems_and_reach_no_broker(tmp_path):
    bridge = TelemetryBridge("http-1", "test", "mqtt://127.0.0.1:9", PUBLIC_KEYS, 3)
    message = envelope(minutes(0, 1)).wire
    with notice_site(tmp_path, telemetry=bridge) as site:
        sender = Sender(site)
        wrong = {
            415: sender.post(message, media_type="application/json"),
            413: sender.post(b"\0" * (MAX_BODY_BYTES + 1)),
            400: sender.post(b""),
            403: sender.post(message, who=site.key(Role.OWNER, ADA)),
            503: sender.post(message),
            401: site.client.post("/v1/telemetry", content=message, headers={"Content-Type": SEQUENCE}),
        }
        assert sender.post(message, who=site.key(scopes=("read",))).status_code == 403
        for status, answer in wrong.items():
            assert (answer.status_code, answer.json()["status"]) == (status, status)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]


def test_a_server_without_a_broker_says_so(tmp_path):
    with notice_site(tmp_path) as site:
        answer = Sender(site).post(envelope(minutes(0, 1)).wire)
        assert answer.status_code == 404
        assert "broker" in answer.json()["detail"]
