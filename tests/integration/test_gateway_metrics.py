"""What Prometheus reads of a gateway as a process: every figure of its outbox, under the names of the table."""

import subprocess
import sys
import time
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.ports import free_port
from api.processes.metrics import FAMILIES
from devices.device_key import SigningKey
from tests.support.secure_site import call

CONFIG = """
[gateway]
name = "gw-1"
network = "demo"
folder = "state"
[broker]
url = "mqtt://127.0.0.1:{nobody}"
[source]
kind = "file"
path = "readings.csv"
[[node]]
name = "node-1"
ack_alg = "eddsa"
ack_key = "{key}"
[[meter]]
id = "met-1"
device = "dev-1"
key = "devices/dev-1.pem"
[health]
port = {port}
"""


@pytest.fixture(name="ask")
def ask_fixture(tmp_path):
    """A gateway without a broker that has two readings to deliver; `ask()` reads its metrics."""
    call(
        *("enrol", "device", "dev-1", "--meter", "met-1", "--asset", "roof", "--nameplate-w", 8000),
        *("--baseline-wh", 0, "--baseline-at", "2026-01-01T00:00:00Z", "--out", tmp_path / "devices"),
    )
    (tmp_path / "readings.csv").write_text(
        "measured_at,meter_id,export_wh\n2026-05-01T00:00:00Z,met-1,5\n2026-05-01T00:05:00Z,met-1,6\n"
    )
    port, key = free_port(), SigningKey.from_seed("eddsa", bytes(32)).public.raw.hex()
    (tmp_path / "gateway.toml").write_text(CONFIG.format(nobody=free_port(), key=key, port=port))

    def ask():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
                families = list(text_string_to_metric_families(answer.read().decode()))
        except OSError:
            return {}
        return {sample.name: sample.value for family in families for sample in family.samples}

    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "api.cli", "gateway", "--config", str(tmp_path / "gateway.toml")]
        process = subprocess.Popen(command, stderr=log)
    yield ask
    process.terminate()
    process.wait(10)


def test_a_gateways_figures_are_metrics(ask):
    deadline = time.monotonic() + 20
    while (found := ask()).get("heliograph_outbox_envelopes") != 1:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    assert found["heliograph_readings_signed_total"] == 2
    assert found["heliograph_envelopes_signed_total"] == 1
    assert found["heliograph_broker_connected"] == 0
    assert (found["heliograph_ready"], found["heliograph_outbox_full"], found["heliograph_time_known"]) == (1, 0, 1)
    assert found["heliograph_outbox_bytes"] > 100
    assert "heliograph_journal_rows" not in found
    figures = [family.figure for family in FAMILIES]
    of_gateway = FAMILIES[figures.index("readings_signed") : figures.index("source_well")]
    shown = {f"heliograph_{family.name}" for family in of_gateway if family.label is None}
    assert shown <= {name.removesuffix("_total") for name in found}, "the table names nothing that is not there"
