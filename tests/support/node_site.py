"""A node as a process, with all that it stands on: broker with certificates, chain, registry, and a gateway that sends."""

import json
import shutil
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from types import SimpleNamespace

from api.demo.broker import MosquittoBroker
from api.demo.chains import start_chain
from api.ports import free_port
from contracts.deployment import deploy, register
from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project
from devices.device_key import PublicKey, SigningKey
from devices.device_signer import DeviceSigner
from devices.gateway import Gateway
from devices.outbox import Outbox
from devices.readings import Reading, Readings
from oracle.reporting.registry import meters_root
from oracle.transmitter.web3_chain import Web3Chain
from tests.support.heliograph_process import HeliographProcess
from tests.support.secure_site import NETWORK, SecureSite

DEVICE_KEY = SigningKey.from_seed("eddsa", b"d" * 32)
CONFIG = """
[node]
name = "node-1"
network = "{network}"
journal = "{journal}"
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


class NodeUnderTest(HeliographProcess):
    def __init__(self, folder):
        super().__init__("node", folder / "node.toml", folder / "node.log")
        self.port = free_port()

    def is_ready(self):
        return self.ask("readyz")[0] == 200

    def ask(self, path):
        return ask(self.port, path)


@contextmanager
def node_site(folder, require, *, journal="state/journal.sqlite", more=""):
    """Broker, chain, a registered meter, a gateway that has its certificate, and a node that is not started yet.

    Args:
        folder: where all of it is.
        require: the fixture of that name.
        journal: path of the node's journal, as its configuration says it.
        more: further sections of the node's configuration.

    """
    executable = MosquittoBroker.find()
    require("mosquitto", executable, "apt-get install mosquitto")
    require(
        "anvil",
        shutil.which("anvil"),
        "npm ci in contracts/, then contracts/node_modules/@foundry-rs/anvil-*/bin on the PATH",
    )
    site = SecureSite(folder, executable)
    enrolled, _ = site.enrol("node", "node-1")
    _, gateway_tls = site.enrol("gateway", "gw-1")
    site.configure()
    site.start()
    with _ended(site.stop), start_chain("anvil") as chain:
        web3 = chain.connect()
        admin = web3.eth.accounts[0]
        payer = web3.eth.account.create()
        web3.eth.send_transaction({"from": admin, "to": payer.address, "value": 10**18})
        book = deploy(web3, admin, [enrolled["report_address"]], 1)
        start_ms = int(time.time() * 1000) - 14_400_000
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
        names = {"network": NETWORK, "url": site.url, "rpc": rpc, "port": node.port, "journal": journal}
        node.config.write_text(CONFIG.format(**names) + more)
        outbox = Outbox(folder / "outbox.sqlite")
        key = PublicKey(enrolled["ack_alg"], bytes.fromhex(enrolled["ack_key"]))
        sender = Gateway("gw-1", NETWORK, gateway_tls.add_to(site.url), outbox, {"node-1": key}, 1, retry_after_s=0.5)
        sender.start()
        with _ended(sender.close, outbox.close, node.close):
            yield SimpleNamespace(
                node=node,
                sender=sender,
                start_ms=start_ms,
                signer=DeviceSigner("dev-1", "met-1", DEVICE_KEY, NETWORK),
                chain=Web3Chain(chain.connect(), book, finality="latest"),
                journal=folder / journal,
                folder=folder,
                site=site,
                node_key=key,
            )


@contextmanager
def _ended(*ends):
    """End what a failing test would leave behind, too."""
    try:
        yield
    finally:
        for end in ends:
            end()


def send(system, first, last):
    """A reading a minute, 10 Wh each, one an envelope."""
    rows = [Reading(system.start_ms + n * 60_000, n * 10) for n in range(first, last)]
    system.sender.send_many([system.signer.sign(Readings.of([row])) for row in rows])


def minted_wh(system):
    return sum(
        system.chain.minted("roof", year).energy_wh for year in (time.gmtime().tm_year, time.gmtime().tm_year - 1)
    )


def ask(port, path):
    """(status, JSON) of a process's health endpoint; (0, {}) if it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=2) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, {}


def eventually(condition, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.1)
