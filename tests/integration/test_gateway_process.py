"""`heliograph gateway` as an operator runs it: a table grows, the process is killed, and each row arrives once."""

import json
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from api.demo.broker import MosquittoBroker
from api.ports import free_port
from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project
from devices.device_key import SigningKey
from oracle.headend.receiver import HeadEnd
from oracle.journal.journal import Journal
from oracle.keyring.files import load_keyring
from oracle.node import system_clock_ms
from oracle.reporting.registry import RegistrySnapshot, meters_root
from tests.support.secure_site import NETWORK, SecureSite, call

ACCOUNT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
START_MS = 1_780_000_000_000
CONFIG = """
[gateway]
name = "gw-1"
network = "{network}"
folder = "state"
batch = 7
[broker]
url = "{url}"
ca = "gw-1/ca.pem"
certificate = "gw-1/gw-1.pem"
key = "gw-1/gw-1.key"
[source]
kind = "file"
path = "readings.csv"
poll = "1s"
[[node]]
name = "node-1"
ack_alg = "{alg}"
ack_key = "{key}"
[[meter]]
id = "met-1"
device = "dev-1"
key = "devices/dev-1.pem"
[health]
port = {port}
"""


def listed(folder):
    """The registry as the printed entry of the device says."""
    entry = call(
        *("enrol", "device", "dev-1", "--meter", "met-1", "--asset", "roof", "--nameplate-w", 8000),
        *("--baseline-wh", 0, "--baseline-at", "2026-01-01T00:00:00Z", "--out", folder / "devices"),
    )
    role = MeterRole[entry.pop("role").upper()]
    meter = ListedMeter(**entry | {"thumbprint": bytes.fromhex(entry["thumbprint"][2:]), "role": role})
    key = SigningKey.from_pem((folder / "devices" / "dev-1.pem").read_bytes())
    assert meter.thumbprint == key.public.thumbprint
    project = Project(
        "village", ACCOUNT, bytes(32), ClaimRight.NONE, bytes(32), Assurance.DEVICE_SIGNED, meters_root([meter])
    )
    asset = Asset("roof", "village", ACCOUNT, 8000, 0, 0, 0, 0, 0)
    return RegistrySnapshot(1, {"village": project}, {"roof": asset}, {"village": (meter,)})


@pytest.fixture
def system(tmp_path, require):
    executable = MosquittoBroker.find()
    require("mosquitto", executable, "apt-get install mosquitto")
    site = SecureSite(tmp_path, executable)
    told, node_tls = site.enrol("node", "node-1")
    site.enrol("gateway", "gw-1")
    site.configure()
    site.start()
    registry = listed(tmp_path)
    journal = Journal.open(tmp_path / "journal.sqlite", NETWORK)
    hears = HeadEnd(
        node="node-1",
        network=NETWORK,
        journal=journal,
        ack_key=load_keyring(tmp_path / "node-1" / "keys").ack_key,
        registry=lambda: registry,
        clock_ms=system_clock_ms,
    )
    hears.start(node_tls.add_to(site.url))
    assert hears.wait_connected(10)
    port = free_port()
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.format(network=NETWORK, url=site.url, alg=told["ack_alg"], key=told["ack_key"], port=port))
    made = SimpleNamespace(config=config, journal=journal, readings=tmp_path / "readings.csv", port=port, process=None)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()
    hears.stop()
    journal.close()
    site.stop()


def start(system):
    command = [sys.executable, "-m", "api.cli", "gateway", "--config", str(system.config)]
    with system.config.with_suffix(".log").open("ab") as log:
        system.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)


def end(system, number):
    began = time.monotonic()
    system.process.send_signal(number)
    stdout, _ = system.process.communicate(timeout=10)
    return system.process.returncode, time.monotonic() - began, stdout


def ask(system, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{system.port}/{path}", timeout=2) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, {}


def append(system, first, last):
    with system.readings.open("a") as file:
        if first == 0:
            file.write("measured_at,meter_id,export_wh\n")
        for number in range(first, last):
            instant = datetime.fromtimestamp(START_MS / 1000 + number, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            file.write(f"{instant},met-1,{number}\n{instant},met-2,5\n")


def heard(journal):
    """Registers in the journal by (boot, sequence)."""
    pairs = [
        ((envelope.boot, envelope.first_sequence + at), reading.export_wh)
        for envelope in journal.envelopes()
        for at, reading in enumerate(envelope.readings)
    ]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def eventually(condition, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.05)


def test_each_row_arrives_once_whenever_the_process_is_killed(system):
    chance = random.Random(11)
    append(system, 0, 400)
    for kill in range(3):
        start(system)
        reached = len(heard(system.journal))
        eventually(lambda reached=reached: len(heard(system.journal)) > reached)
        append(system, 400 + kill * 200, 600 + kill * 200)
        time.sleep(chance.uniform(0, 0.6))
        assert end(system, signal.SIGKILL)[0] == -signal.SIGKILL
    start(system)
    eventually(lambda: len(heard(system.journal)) >= 1000)
    eventually(lambda: ask(system, "healthz")[1].get("envelopes_pending") == 0)
    assert ask(system, "healthz")[1]["meters_left_out"] in (["met-2"], [])
    assert sorted(heard(system.journal).values()) == list(range(1000))
    assert [register for _, register in sorted(heard(system.journal).items())] == list(range(1000))
    assert system.journal.rejection_counts() == {}

    with system.readings.open("a") as file:
        file.write("no reading\n")
    eventually(lambda: ask(system, "readyz")[0] == 503)
    assert "line 2002" in ask(system, "readyz")[1]["hindrances"][0]
    system.readings.write_text(system.readings.read_text().removesuffix("no reading\n"))
    append(system, 1000, 1001)
    eventually(lambda: len(heard(system.journal)) == 1001)
    eventually(lambda: ask(system, "readyz")[0] == 200)
    code, took_s, stdout = end(system, signal.SIGTERM)
    assert (code, stdout) == (0, b"")
    assert took_s < 5
