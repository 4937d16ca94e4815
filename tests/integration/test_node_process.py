"""`heliograph node` as an operator runs it: over mutual TLS, with a chain, stopped and killed and started again."""

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from api.cli import heliograph
from api.demo.broker import MosquittoBroker
from api.demo.chains import free_port, start_chain
from contracts.deployment import deploy, register
from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project
from devices.device_key import PublicKey, SigningKey
from devices.device_signer import DeviceSigner
from devices.gateway import Gateway
from devices.outbox import Outbox
from devices.readings import Reading, Readings
from oracle.journal.journal import Journal
from oracle.reporting.registry import meters_root
from oracle.transmitter.web3_chain import Web3Chain
from tests.secure_site import NETWORK, SecureSite

STOP_S = 5.0
DEVICE_KEY = SigningKey.from_seed("eddsa", b"d" * 32)
CONFIG = """
[node]
name = "node-1"
network = "{network}"
journal = "state/journal.sqlite"
keyring = "node-1/keys"
rules = "rules.toml"
registry_refresh = "1s"
settlement_interval = "2s"
settlement_delay = "1s"
[broker]
url = "{url}"
ca = "node-1/ca.pem"
certificate = "node-1/node-1.pem"
key = "node-1/node-1.key"
[chain]
rpc_url = "{rpc}"
address_book = "address-book.json"
finality = "latest"
account_key = "account.hex"
[health]
port = {port}
[log]
format = "json"
"""
RULES = """
[[tariff]]
id = "fit"
minor_per_mwh = 3000000
source = "a contract"
[[asset]]
id = "roof"
tariff = "fit"
"""


class NodeUnderTest:
    def __init__(self, folder):
        self.config = folder / "node.toml"
        self.port = free_port()
        self.log = folder / "node.log"
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "api.cli", "node", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        deadline = time.monotonic() + 30
        while self.ask("readyz")[0] != 200:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def ask(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=2) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return 0, {}

    def end(self, number):
        began = time.monotonic()
        self.process.send_signal(number)
        stdout, _ = self.process.communicate(timeout=10)
        return self.process.returncode, time.monotonic() - began, stdout

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture(scope="module")
def system(tmp_path_factory, require):
    """Broker, chain, a registered meter, a gateway that has its certificate, and a node that is not started yet."""
    executable = MosquittoBroker.find()
    require("mosquitto", executable, "apt-get install mosquitto")
    require(
        "anvil",
        shutil.which("anvil"),
        "npm ci in contracts/, then contracts/node_modules/@foundry-rs/anvil-*/bin on the PATH",
    )
    folder = tmp_path_factory.mktemp("system")
    site = SecureSite(folder, executable)
    enrolled, _ = site.enrol("node", "node-1")
    _, gateway_tls = site.enrol("gateway", "gw-1")
    site.configure()
    site.start()
    with start_chain("anvil") as chain:
        web3 = chain.connect()
        admin = web3.eth.accounts[0]
        payer = web3.eth.account.create()
        web3.eth.send_transaction({"from": admin, "to": payer.address, "value": 10**18})
        book = deploy(web3, admin, [enrolled["report_address"]], 1)
        start_ms = int(time.time() * 1000) - 7_200_000
        meter = ListedMeter(
            "roof", "met-1", "dev-1", DEVICE_KEY.public.thumbprint, MeterRole.INVERTER, 8000, 0, start_ms
        )
        project = Project(
            "village", book.addresses["HKDStablecoin"], b"AMS-I.D".ljust(32, b"\0"), ClaimRight.NONE, bytes(32),
            Assurance.DEVICE_SIGNED,
        )  # fmt: skip
        asset = Asset("roof", "village", admin, 8000, start_ms // 1000, 0, 0, 3_000_000, 1_000_000)
        register(web3, admin, book, [project], [asset], [meter], {"village": meters_root([meter])})
        node = NodeUnderTest(folder)
        (folder / "rules.toml").write_text(RULES)
        (folder / "address-book.json").write_text(book.to_json())
        (folder / "account.hex").write_text(payer.key.hex())
        (folder / "account.hex").chmod(0o600)
        web3.provider.make_request("evm_setIntervalMining", [1])  # its time stands still between blocks
        rpc = web3.provider.endpoint_uri
        node.config.write_text(CONFIG.format(network=NETWORK, url=site.url, rpc=rpc, port=node.port))
        outbox = Outbox(folder / "outbox.sqlite")
        key = PublicKey(enrolled["ack_alg"], bytes.fromhex(enrolled["ack_key"]))
        sender = Gateway("gw-1", NETWORK, gateway_tls.add_to(site.url), outbox, {"node-1": key}, 1, retry_after_s=0.5)
        sender.start()
        yield SimpleNamespace(
            node=node,
            sender=sender,
            start_ms=start_ms,
            signer=DeviceSigner("dev-1", "met-1", DEVICE_KEY, NETWORK),
            chain=Web3Chain(chain.connect(), book, finality="latest"),
            journal=folder / "state" / "journal.sqlite",
            folder=folder,
        )
        sender.close()
        outbox.close()
        node.close()
    site.stop()


def send(system, first, last):
    """A reading a minute, 10 Wh each, one an envelope."""
    rows = [Reading(system.start_ms + n * 60_000, n * 10) for n in range(first, last)]
    system.sender.send_many([system.signer.sign(Readings.of([row])) for row in rows])


def minted_wh(system):
    return sum(
        system.chain.minted("roof", year).energy_wh for year in (time.gmtime().tm_year, time.gmtime().tm_year - 1)
    )


def eventually(condition, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.1)


def test_a_lone_node_settles_stops_and_goes_on_without_loss(system):
    node = system.node
    node.start()
    send(system, 0, 31)
    assert system.sender.wait_until_empty(15)
    eventually(lambda: minted_wh(system) == 290)  # the last rise awaits another reading
    _, figures = node.ask("healthz")
    assert (figures["envelopes"], figures["leads"], figures["broker_connected"]) == (31, True, True)
    assert figures["last_epoch"] >= 1

    code, took_s, stdout = node.end(signal.SIGTERM)
    assert (code, stdout) == (0, b"")
    assert took_s < STOP_S

    send(system, 31, 61)  # nobody is there
    node.start()
    assert system.sender.wait_until_empty(15)
    send(system, 61, 91)
    code, _, _ = node.end(signal.SIGKILL)
    assert code == -signal.SIGKILL
    node.start()
    assert system.sender.wait_until_empty(15)
    eventually(lambda: minted_wh(system) == 890)
    code, took_s, _ = node.end(signal.SIGINT)
    assert code == 0
    assert took_s < STOP_S

    journal = Journal.open(system.journal, NETWORK)
    assert journal.tallies()[0] == 91
    assert journal.faults() == []
    journal.close()
    lines = [json.loads(line) for line in node.log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= lines[0].keys()
    assert lines[-1]["message"] == "stopped"
    assert not [line for line in lines if line["level"] == "error"]


@pytest.fixture
def in_process(monkeypatch):
    """Run the command in this process, whose log and signals stay as they are."""
    monkeypatch.setattr("api.configuration.command.start_log", lambda _settings: None)
    monkeypatch.setattr("api.configuration.command._stop_on_signals", threading.Event)
    return lambda config: CliRunner().invoke(heliograph, ["node", "--config", str(config)])


def test_without_a_chain_the_node_says_so_and_does_not_start(system, in_process, monkeypatch):
    monkeypatch.setenv("HELIOGRAPH_RPC_URL", f"http://127.0.0.1:{free_port()}")
    done = in_process(system.node.config)
    assert done.exit_code == 3
    assert "the chain does not answer" in done.stderr
    assert done.stdout == ""


def test_a_journal_of_another_network_is_refused(system, in_process, tmp_path):
    journal = tmp_path / "journal.sqlite"
    Journal.open(journal, "elsewhere").close()
    config = system.folder / "other.toml"
    config.write_text(system.node.config.read_text().replace("state/journal.sqlite", str(journal)))
    done = in_process(config)
    assert done.exit_code == 2
    assert "is the journal of network elsewhere" in done.stderr
