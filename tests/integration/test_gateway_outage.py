"""A gateway when something is in its way: no broker, no room, no disk, no time. It says so, loses nothing, and goes on."""

import json
import os
import queue
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from api.configuration.gateway import GatewayConfig
from api.demo.broker import MosquittoBroker
from api.ports import free_port
from api.processes.gateway_process import GatewayProcess
from devices import topics
from devices.device_key import SigningKey
from devices.gateway import OFFLINE, ONLINE, DeviceSigner, Gateway, Outbox
from devices.meter_source import TailedTable
from devices.mqtt import MqttConnection
from devices.polled_meters import PolledMeters, Registers
from devices.readings import Reading, Readings
from devices.signing_log import SigningLog
from devices.trusted_time import RELEASE_MS, TrustedTime
from tests.support.acknowledging_node import NETWORK, PUBLIC_KEYS, FakeNode, eventually
from tests.support.node_site import ask

KEY = SigningKey.from_seed("eddsa", b"d" * 32)
START_S = 1_780_000_000
CONFIG = """
[gateway]
name = "gw-1"
network = "test"
folder = "state"
batch = 1
[broker]
url = "{url}"
[source]
kind = "file"
path = "readings.csv"
poll = "1s"
[[node]]
name = "node-0"
ack_alg = "es256"
ack_key = "{key}"
[[meter]]
id = "met-1"
device = "dev-1"
key = "dev-1.pem"
[health]
port = {port}
"""


@pytest.fixture
def mosquitto(require):
    executable = MosquittoBroker.find()
    require("mosquitto", executable, "apt-get install mosquitto")
    with MosquittoBroker(executable) as broker:
        yield broker.url


class Site:
    """A gateway's folder: its configuration, its device's key and a table of readings."""

    def __init__(self, folder, url):
        self.folder, self.port = folder, free_port()
        key = PUBLIC_KEYS["node-0"].raw.hex()
        (folder / "gateway.toml").write_text(CONFIG.format(url=url, key=key, port=self.port))
        (folder / "dev-1.pem").write_text(KEY.to_pem())
        (folder / "dev-1.pem").chmod(0o600)
        self.table = folder / "readings.csv"
        self.table.write_text("measured_at,meter_id,export_wh\n")
        self.rows = 0

    def append(self, count):
        """A reading a second; the register is its number."""
        with self.table.open("a") as file:
            for number in range(self.rows, self.rows + count):
                instant = datetime.fromtimestamp(START_S + number, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                file.write(f"{instant},met-1,{number}\n")
        self.rows += count

    def config(self):
        return GatewayConfig.load(self.folder / "gateway.toml")

    def ask(self, path):
        return ask(self.port, path)

    @contextmanager
    def process(self):
        """`heliograph gateway` as a process of its own."""
        command = [sys.executable, "-m", "api.cli", "gateway", "--config", str(self.folder / "gateway.toml")]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            eventually(lambda: self.ask("healthz")[0] == 200, 20)
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    @contextmanager
    def inside(self, outbox, source, now):
        """The same inside this process, with an outbox, a source and clocks of the test's own."""
        config = self.config()
        gateway = Gateway(
            "gw-1", NETWORK, config.broker.url, outbox, {"node-0": PUBLIC_KEYS["node-0"]}, 1, retry_after_s=0.5
        )
        log = SigningLog(self.folder / "signing.sqlite", NETWORK)
        made = GatewayProcess(config, gateway, log, source, now)
        stop = threading.Event()
        thread = threading.Thread(target=made.run, args=(stop,))
        thread.start()
        try:
            yield made
        finally:
            stop.set()
            thread.join(10)
            log.close()
            outbox.close()


@pytest.fixture
def site(tmp_path, mosquitto):
    return Site(tmp_path, mosquitto)


def numbered(node):
    """Register by (boot, sequence) of all that a node heard, and nothing else under the same number."""
    found = {}
    for envelope in node.received:
        for at, reading in enumerate(envelope.readings):
            number = (envelope.boot, envelope.first_sequence + at)
            assert found.setdefault(number, reading) == reading
    return found


def registers(node):
    return [reading.export_wh for _, reading in sorted(numbered(node).items())]


def system_time():
    return TrustedTime(lambda: time.time_ns() // 10**6, lambda: time.monotonic_ns() // 10**6, lambda: False)


def test_new_envelopes_overtake_a_backlog_that_fills_in_at_its_rate(mosquitto, tmp_path):
    outbox = Outbox(tmp_path / "outbox.sqlite")
    signer = DeviceSigner("dev-1", "met-1", KEY, NETWORK)
    outbox.add(signer.sign(Readings.of([Reading(n, n)])) for n in range(80))
    arrived = {}
    with FakeNode(mosquitto, "node-0") as node:
        deliver = node.connection._on_delivery

        def note(delivery):
            deliver(delivery)
            for envelope in node.received:
                arrived.setdefault(envelope.first_sequence, time.monotonic())

        node.connection._on_delivery = note
        began = time.monotonic()
        with Gateway("gw-1", NETWORK, mosquitto, outbox, PUBLIC_KEYS, 1, backfill_per_s=20) as gateway:
            eventually(lambda: arrived)
            gateway.send_many([signer.sign(Readings.of([Reading(n, n)])) for n in range(80, 90)])
            sent = time.monotonic()
            eventually(lambda: set(arrived) >= set(range(80, 90)), 2)
            assert len(arrived) < 60
            assert gateway.wait_until_empty(20)
            assert gateway.tally().delivered == 90
    assert max(arrived[number] for number in range(80, 90)) - sent < 1
    assert max(arrived.values()) - began > (80 - 20 * 0.25 - 1) / 20
    assert [number for number in arrived if number < 80] == list(range(80))
    outbox.close()


def test_birth_and_death_are_announced_whatever_ends_the_gateway(site, mosquitto):
    def status():
        """What the broker keeps for whoever comes now."""
        seen = queue.SimpleQueue()
        watcher = MqttConnection(
            mosquitto,
            "watcher",
            subscriptions=(topics.format_status(NETWORK, "gw-1"),),
            on_delivery=lambda delivery: seen.put(delivery.payload),
        )
        watcher.start()
        try:
            return seen.get(timeout=5)
        except queue.Empty:
            return None
        finally:
            watcher.stop()

    with site.process() as process:
        eventually(lambda: status() == ONLINE)
        process.send_signal(signal.SIGKILL)
        process.wait()
        eventually(lambda: status() == OFFLINE)
    with site.process() as process:
        eventually(lambda: status() == ONLINE)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        eventually(lambda: status() == OFFLINE)


def test_a_full_outbox_stops_the_reading_until_there_is_room_and_nothing_is_lost(site, mosquitto, caplog):
    caplog.set_level("INFO")
    outbox = Outbox(site.folder / "outbox.sqlite", quota_bytes=100_000)
    site.append(150)
    with site.inside(outbox, TailedTable(site.table, 0.1), system_time()) as process:
        eventually(lambda: process.figures()["readings_signed"] == 150)
        assert process.hindrances() == []
        site.append(150)
        eventually(process.hindrances)
        assert "outbox.sqlite is full (outbox_quota = 100000 bytes)" in process.hindrances()[0]
        site.append(700)
        time.sleep(1)
        figures = process.figures()
        assert figures["outbox_full"]
        assert figures["outbox_bytes"] <= 100_000
        assert 150 <= figures["envelopes_pending"] < 300
        with FakeNode(mosquitto, "node-0") as node:
            eventually(lambda: len(numbered(node)) == 1000, 30)
            eventually(lambda: process.figures()["envelopes_pending"] == 0)
        assert registers(node) == list(range(1000))
        assert len({envelope.digest for envelope in node.received}) == 1000
        assert process.hindrances() == []
    said = [record.message for record in caplog.records if "is full (" in record.message]
    assert 2 <= len(said) <= 40  # when it comes and when it goes, not each time it is looked at


def test_a_full_disk_is_said_and_nothing_is_lost(site, mosquitto):
    with site.process() as process, FakeNode(mosquitto, "node-0") as node:
        site.append(10)
        eventually(lambda: len(numbered(node)) == 10)
        before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        # files may not grow: every write fails as on a full disk
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (200_000, before[1]))
        site.append(2000)
        eventually(lambda: site.ask("readyz")[0] == 503)
        hindrances = site.ask("readyz")[1]["hindrances"]
        assert any("cannot be written" in each or "cannot be used" in each for each in hindrances), hindrances
        site.append(10)
        time.sleep(2.5)
        assert site.ask("readyz")[0] == 503
        complaints = (site.folder / "log").read_text().count("cannot be written")
        assert complaints <= 2  # said when it comes, not at each attempt
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)
        eventually(lambda: len(numbered(node)) == 2020, 30)
        eventually(lambda: site.ask("healthz")[1].get("envelopes_pending") == 0, 40)
        eventually(lambda: site.ask("readyz")[0] == 200)
        assert registers(node) == list(range(2020))


def test_nothing_is_signed_before_the_time_is_known_and_then_everything_with_its_right_time(site, mosquitto):
    """A gateway boots in 1970, reads its meter for two seconds, and is told the time."""
    boot_s = time.monotonic()
    noon_ms = RELEASE_MS + 200 * 86_400_000
    offset_ms = 0  # what a time server will tell

    def counter_ms():
        return round((time.monotonic() - boot_s) * 1000)

    looks = []

    def look():
        looks.append(counter_ms())
        return {"met-1": Registers(len(looks))}

    now = TrustedTime(lambda: offset_ms + counter_ms(), counter_ms, lambda: False)
    outbox = Outbox(site.folder / "outbox.sqlite")
    with (
        FakeNode(mosquitto, "node-0") as node,
        site.inside(outbox, PolledMeters("meter", look, 0.2, now), now) as process,
    ):
        eventually(lambda: len(looks) >= 10)
        assert process.hindrances() == ["the time is not known: the clock stands before this release was made"]
        assert (process.figures()["readings_signed"], process.figures()["time_known"]) == (0, False)
        assert process.figures()["readings_waiting_for_time"] >= 9
        assert node.received == []
        offset_ms = noon_ms
        eventually(lambda: len(numbered(node)) >= 15)
        assert process.hindrances() == []
        heard = [reading for _, reading in sorted(numbered(node).items())]
    assert [reading.export_wh for reading in heard] == list(range(1, len(heard) + 1))
    for reading, look_ms in zip(heard, looks, strict=False):
        assert abs(reading.time_ms - noon_ms - look_ms) < 50
    (boot,) = {boot for boot, _ in numbered(node)}
    assert 0 <= boot - noon_ms // 1000 < 60


def test_a_program_that_asks_the_meters_is_a_source(site, mosquitto):
    program = site.folder / "read-meters"
    program.write_text(f"#!{sys.executable}\nprint('meter_id,export_wh,power_w\\nmet-1,1234,-5')\n")
    program.chmod(0o700)
    config = (site.folder / "gateway.toml").read_text()
    config = config.replace('kind = "file"', 'kind = "command"')
    config = config.replace('path = "readings.csv"', f"command = [{json.dumps(os.fspath(program))}]")
    (site.folder / "gateway.toml").write_text(config)
    with FakeNode(mosquitto, "node-0") as node, site.process():
        eventually(lambda: len(numbered(node)) >= 2, 20)
        now_ms = time.time() * 1000
    for reading in numbered(node).values():
        assert (reading.export_wh, reading.power_w) == (1234, -5)
        assert abs(reading.time_ms - now_ms) < 20_000
