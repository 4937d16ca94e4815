"""A whole site for load tests: chain, broker, database, node and gateways with many devices, all of them real."""

import shutil
import threading
import time
from contextlib import ExitStack, contextmanager
from random import Random
from types import SimpleNamespace

from api.demo.broker import MosquittoBroker
from api.demo.chains import start_chain
from contracts.deployment import deploy, register
from contracts.state import Asset, Assurance, ClaimRight, Project
from devices.device_key import PublicKey
from devices.device_signer import DeviceSigner
from devices.gateway import Gateway
from devices.outbox import Outbox
from oracle.reporting.registry import meters_root
from oracle.transmitter.web3_chain import Web3Chain
from tests.load.victims import BrokerVictim, DatabaseVictim, NodeVictim
from tests.load.witness import Witness
from tests.support.influx_servers import influx_behind_nginx
from tests.support.listed_devices import START_MS, ListedDevice
from tests.support.secure_site import NETWORK, SecureSite

GATEWAYS = 4
DEVICES_A_GATEWAY = 12
BUCKET = "telemetry"
TICK_S = 0.1
ENVELOPES_A_TICK = 3
LONGEST_ENVELOPE = 60
"""Readings: with all of the above up to 3600 readings a second, in 120 envelopes."""
CONFIG = """
[node]
name = "node-1"
network = "{network}"
journal = "state/journal.sqlite"
keyring = "node-1/keys"
rules = "rules.toml"
registry_refresh = "5s"
settlement_interval = "10s"
settlement_delay = "1s"
[broker]
url = "{broker}"
ca = "node-1/ca.pem"
certificate = "node-1/node-1.pem"
key = "node-1/node-1.key"
[chain]
rpc_url = "{rpc}"
address_book = "address-book.json"
finality = "latest"
account_key = "account.hex"
[historian]
url = "{database}"
bucket = "{bucket}"
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
id = "asset"
tariff = "fit"
"""


class Sender:
    """A gateway and its devices, which send until they are told to stop."""

    def __init__(self, gateway, devices, random) -> None:
        self.gateway = gateway
        self.devices = devices
        self._random = random
        self._stop = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._run, name=f"load-{gateway.name}", daemon=True)

    def start(self):
        self.gateway.start()
        self._thread.start()

    def stop_sending(self):
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)
        assert self._failure is None, f"{self.gateway.name} stopped sending: {self._failure!r}"

    def close(self):
        self._stop.set()
        self.gateway.close()
        self.gateway.outbox.close()

    def _run(self):
        try:
            while not self._stop.wait(TICK_S):
                chosen = self._random.sample(self.devices, ENVELOPES_A_TICK)
                sizes = (self._random.randint(1, LONGEST_ENVELOPE) for _ in chosen)
                self.gateway.send_many([device.sign(size) for device, size in zip(chosen, sizes, strict=True)])
        except Exception as error:  # noqa: BLE001  told when sending stops
            self._failure = error


def device_of(number):
    """A listed device that signs for this site's network."""
    device = ListedDevice(number)
    device.signer = DeviceSigner(device.device, device.meter, device.key, NETWORK, boot=1)
    return device


@contextmanager
def loaded_site(folder, require, random):
    """Set everything up and start it; nothing sends yet."""
    executable = MosquittoBroker.find()
    require("mosquitto", executable, "apt-get install mosquitto")
    require(
        "anvil",
        shutil.which("anvil"),
        "npm ci in contracts/, then contracts/node_modules/@foundry-rs/anvil-*/bin on the PATH",
    )
    devices = [device_of(number) for number in range(1, GATEWAYS * DEVICES_A_GATEWAY + 1)]
    with ExitStack() as stack:
        influx = stack.enter_context(influx_behind_nginx(folder / "influx", require))
        influx.query("", f'CREATE DATABASE "{BUCKET}"')
        site = SecureSite(folder, executable)
        enrolled, _ = site.enrol("node", "node-1")
        certificates = [site.enrol("gateway", f"gw-{number}")[1] for number in range(GATEWAYS)]
        site.configure()
        stack.callback(site.stop)
        site.start()
        chain = stack.enter_context(start_chain("anvil"))
        book, rpc = set_up_chain(chain, enrolled["report_address"], devices, folder)
        node = NodeVictim(folder / "node.toml", folder)
        (folder / "node.toml").write_text(
            CONFIG.format(network=NETWORK, broker=site.url, rpc=rpc, database=influx.url, bucket=BUCKET, port=node.port)
        )
        (folder / "rules.toml").write_text(RULES)
        stack.callback(node.close)
        node.start()
        journal = folder / "state" / "journal.sqlite"
        witness = Witness(journal)
        key = PublicKey(enrolled["ack_alg"], bytes.fromhex(enrolled["ack_key"]))
        senders = []
        for number, tls in enumerate(certificates):
            outbox = Outbox(folder / f"outbox-{number}.sqlite")
            gateway = Gateway(
                f"gw-{number}", NETWORK, tls.add_to(site.url), outbox, {"node-1": key}, 1, retry_after_s=1.0
            )
            witness.watch(gateway)
            senders.append(Sender(gateway, devices[number::GATEWAYS], Random(random.random())))
            stack.callback(senders[-1].close)
        yield SimpleNamespace(
            devices=devices,
            senders=senders,
            witness=witness,
            journal=journal,
            node=node,
            broker=BrokerVictim(site),
            database=DatabaseVictim(influx.database),
            influx=influx,
            chain=Web3Chain(chain.connect(), book, finality="latest"),
        )


def set_up_chain(chain, report_address, devices, folder):
    """Deploy the contracts, list the devices, give the node an account; return the address book and the chain's URL."""
    web3 = chain.connect()
    admin = web3.eth.accounts[0]
    payer = web3.eth.account.create()
    web3.eth.send_transaction({"from": admin, "to": payer.address, "value": 10**18})
    book = deploy(web3, admin, [report_address], 1)
    listed = [device.listed for device in devices]
    currency = book.addresses["HKDStablecoin"]
    project = Project(
        "project", currency, b"AMS-I.D".ljust(32, b"\0"), ClaimRight.NONE, bytes(32), Assurance.DEVICE_SIGNED
    )
    nameplate_w = sum(meter.nameplate_w for meter in listed)
    asset = Asset("asset", "project", admin, nameplate_w, START_MS // 1000, 0, 0, 3_000_000, 1_000_000)
    register(web3, admin, book, [project], [asset], listed, {"project": meters_root(listed)})
    (folder / "address-book.json").write_text(book.to_json())
    (folder / "account.hex").write_text(payer.key.hex())
    (folder / "account.hex").chmod(0o600)
    web3.provider.make_request("evm_setIntervalMining", [1])  # its time stands still between blocks
    return book, web3.provider.endpoint_uri


def wait_until(true, timeout_s, otherwise):
    """Wait for something to come true; `otherwise` says what did not."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)
