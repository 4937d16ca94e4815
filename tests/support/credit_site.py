"""A system on anvil with credits that were drawn and retired, and the file of a node on it."""

import json
import threading
from contextlib import contextmanager
from types import SimpleNamespace

from eth_utils.crypto import keccak

from api.configuration.rules import load_rules
from api.demo.broker import InProcessBroker
from api.demo.chains import start_chain
from api.demo.fleet import simulated_fleet
from api.demo.timetable import simulated_start, simulated_timetable
from api.demo.world import NETWORK, build_world
from api.proofs.prove import Exporter
from contracts.address_book import connect
from contracts.state import credit_id, to_bytes32
from contracts.transaction import send

PLANTS, DAYS = 6, 2
SUMMER_MS = 1_749_556_800_000  # 10 June 2025, 12:00 UTC: the same sun whenever the tests run, and one vintage
HALF_HOURS = 48
LONG_PURPOSE = "scope 2 of 2026, " * 20
NOBODY = "0x00000000000000000000000000000000000000AA"


@contextmanager
def credit_site(folder):
    """Plants whose days are settled, one a report; of what one asset was minted, all is retired."""
    start_ms = simulated_start(SUMMER_MS, DAYS)
    with InProcessBroker() as broker, start_chain("anvil") as chain:
        world = build_world(folder, chain, broker.url, simulated_fleet(PLANTS, start_ms))
        try:
            for span in simulated_timetable(start_ms, DAYS):
                for plant in world.plants:
                    world.send(plant, span.after_ms, span.until_ms)
                assert world.wait_delivered(threading.Event())
                assert world.settle(span.cutoff_s) is not None
            yield retired_on(world, chain)
        finally:
            world.close()


def retired_on(world, chain):
    """Draw all that one asset can and retire it in three parts, with texts short and long."""
    web3 = chain.connect()
    exporter = Exporter(world.nodes[0].journal, NETWORK, (world.rules,), web3, world.book, "latest")
    last = world.nodes[0].journal.last_report()
    plant = next(plant for plant in world.plants if world.rules.terms_of(plant.asset_id).factor is not None)
    asset = last.registry.assets[plant.asset_id]
    vintage = max(s.vintage for s in last.statements if s.asset_id == plant.asset_id)
    credit, owner = connect(web3, world.book, "CarbonCredit"), asset.beneficiary
    grams = credit.functions.inVault(to_bytes32(plant.asset_id), vintage).call()
    send(web3, owner, credit.functions.draw(to_bytes32(plant.asset_id), vintage, grams, owner), "draw")
    notes = [
        (NOBODY, bytes(32), "A Village School", "our roof"),
        (NOBODY, keccak(b"a name and salt"), "", LONG_PURPOSE),
        (NOBODY, bytes(32), "N" * 31, "P" * 32),
    ]
    parts = [100, grams - 150, 50]
    certificates = connect(web3, world.book, "RetirementCertificate")
    for number, (part, note) in enumerate(zip(parts, notes, strict=True), 1):
        send(web3, owner, credit.functions.retire(credit_id(asset.project_id, vintage), part, note), "retire")
        send(web3, owner, certificates.functions.certify(number), "certify")
    return SimpleNamespace(
        world=world, exporter=exporter, url=chain.name.removeprefix("anvil at "), project=asset.project_id,
        vintage=vintage, token=credit_id(asset.project_id, vintage), parts=parts, credit=credit,
        certificates=certificates,
    )  # fmt: skip


def node_file(site, folder):
    """The configuration of a node whose journal and chain are the site's."""
    world = site.world
    rules = f"confirmations = {world.rules.confirmations}\n"
    for one in {terms.tariff.tariff_id: terms.tariff for terms in world.rules.terms.values()}.values():
        rules += f"[[tariff]]\nid = {json.dumps(one.tariff_id)}\nminor_per_mwh = {one.minor_per_mwh}\n"
        rules += f"source = {json.dumps(one.source)}\n"
    for asset_id, terms in world.rules.terms.items():
        rules += f'[[asset]]\nid = "{asset_id}"\ntariff = "{terms.tariff.tariff_id}"\n'
        rules += f'factor = "{terms.factor.factor_id}"\n' if terms.factor else ""
    for asset_id, ceiling in world.rules.ceilings.items():
        rows = [list(ceiling.ppm[at : at + HALF_HOURS]) for at in range(0, len(ceiling.ppm), HALF_HOURS)]
        rules += f'[[ceiling]]\nasset = "{asset_id}"\nppm = {rows}\n'
    (folder / "rules.toml").write_text(rules)
    assert load_rules(folder / "rules.toml").digest == world.rules.digest
    (folder / "address-book.json").write_text(world.book.to_json())
    config = folder / "node.toml"
    config.write_text(
        f"""
[node]
name = "node-1"
network = "{NETWORK}"
journal = "{world.folder / "node-1" / "journal.sqlite"}"
keyring = "keys"
rules = "rules.toml"
[broker]
url = "mqtt://127.0.0.1:1883"
[chain]
rpc_url = "{site.url}"
address_book = "address-book.json"
finality = "latest"
"""
    )
    return config
