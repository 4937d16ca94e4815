"""devices/PUBLISHING.md: its program runs as it stands there, and its tables say what the code says."""

import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from api.demo.broker import MosquittoBroker
from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project
from devices.telemetry import Reason as TelemetryReason
from oracle.headend.admission import AdmissionReason
from oracle.headend.receiver import HeadEnd
from oracle.journal.journal import Journal
from oracle.keyring.files import load_keyring
from oracle.node import system_clock_ms
from oracle.reporting.registry import Objection, RegistrySnapshot, meters_root
from tests.support.acknowledging_node import eventually
from tests.support.secure_site import NETWORK, SecureSite, call

ACCOUNT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.fixture(scope="module", name="page")
def page_fixture(repository):
    return (repository / "devices" / "PUBLISHING.md").read_text(encoding="utf-8")


@pytest.fixture(name="program")
def program_fixture(page):
    (program,) = re.findall(r"<!-- program: begin -->\n```python\n(.*?)```\n<!-- program: end -->", page, re.DOTALL)
    return program


def settled(program, **settings):
    """The program with a site's own settings in the place of the page's."""
    for said, meant in settings.values():
        assert program.count(said) == 1, said
        program = program.replace(said, meant)
    return program


@pytest.fixture
def site(tmp_path, require):
    """Enrolled with the commands of the page; a mosquitto with TLS, a head-end, its journal."""
    executable = MosquittoBroker.find()
    require("mosquitto", executable, "apt-get install mosquitto")
    made = SecureSite(tmp_path, executable)
    told, node_tls = made.enrol("node", "node-1")
    made.enrol("gateway", "gw-1")
    entry = call(
        *("enrol", "device", "inv-7", "--meter", "roof-1", "--asset", "roof", "--nameplate-w", 8000),
        *("--baseline-wh", 41919016, "--baseline-at", "2026-07-01T00:00:00Z", "--out", tmp_path / "devices"),
    )
    made.configure()
    made.start()
    role = MeterRole[entry.pop("role").upper()]
    meter = ListedMeter(**entry | {"thumbprint": bytes.fromhex(entry["thumbprint"][2:]), "role": role})
    root = meters_root([meter])
    project = Project("village", ACCOUNT, bytes(32), ClaimRight.NONE, bytes(32), Assurance.DEVICE_SIGNED, root)
    asset = Asset("roof", "village", ACCOUNT, 8000, 0, 0, 0, 0, 0)
    registry = RegistrySnapshot(1, {"village": project}, {"roof": asset}, {"village": (meter,)})
    journal = Journal.open(tmp_path / "journal.sqlite", NETWORK)
    hears = HeadEnd(
        node="node-1",
        network=NETWORK,
        journal=journal,
        ack_key=load_keyring(tmp_path / "node-1" / "keys").ack_key,
        registry=lambda: registry,
        clock_ms=system_clock_ms,
    )
    hears.start(node_tls.add_to(made.url))
    assert hears.wait_connected(10)
    yield SimpleNamespace(folder=tmp_path, url=made.url, told=told, journal=journal)
    hears.stop()
    journal.close()
    made.stop()


def test_the_program_has_twenty_lines(program):
    assert len(program.splitlines()) <= 20


def test_the_program_publishes_each_reading_once_whatever_ends_it(program, site, repository):
    program = settled(
        program,
        broker=("mqtts://broker.example:8883", site.url),
        alg=('"eddsa"', f'"{site.told["ack_alg"]}"'),
        key=(re.search(r"[0-9a-f]{64}", program)[0], site.told["ack_key"]),
        network=('Path("signing.sqlite"), "demo"', f'Path("signing.sqlite"), "{NETWORK}"'),
        gateway=('Gateway("gw-1", "demo"', f'Gateway("gw-1", "{NETWORK}"'),
        pause=("time.sleep(60)", "time.sleep(0.1)"),
    )
    (site.folder / "publish.py").write_text(program)
    register = 41919016

    def read():
        """Registers in the journal by (boot, sequence), and no number twice."""
        pairs = [
            ((envelope.boot, envelope.first_sequence + at), (reading.export_wh, reading.time_ms))
            for envelope in site.journal.envelopes()
            for at, reading in enumerate(envelope.readings)
        ]
        assert len(dict(pairs)) == len(pairs)
        return [reading for _, reading in sorted(pairs)]

    for run in range(2):
        (site.folder / "register").write_text(f"{register}\n")
        with (site.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "publish.py"],
                cwd=site.folder,
                env=os.environ | {"PYTHONPATH": str(repository)},
                stdout=log,
                stderr=log,
            )
        try:
            before = len(read())
            eventually(lambda before=before: len(read()) >= before + 5, 30)
            register += 7
            (site.folder / "new").write_text(f"{register}\n")
            (site.folder / "new").replace(site.folder / "register")
            eventually(lambda expected=register: read()[-1][0] == expected, 30)
            process.send_signal(signal.SIGKILL if run == 0 else signal.SIGINT)
        finally:
            process.kill()
            process.wait()
    registers = [each for each, _ in read()]
    assert registers == sorted(registers)
    assert set(registers) == {41919016, 41919023, 41919030}
    assert all(abs(time_ms - time.time() * 1000) < 120_000 for _, time_ms in read())
    assert len({envelope.boot for envelope in site.journal.envelopes()}) == 1
    assert site.journal.rejection_counts() == {}


def test_every_reason_of_a_refusal_is_there_with_what_to_do(page):
    table = page.split("| reason of a refusal |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z0-9_]+)` \|", table, re.MULTILINE)) == {
        *TelemetryReason,
        *AdmissionReason,
        *Objection,
    }
