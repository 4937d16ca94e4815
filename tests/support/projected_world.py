"""A settled system whose credits were drawn and retired and whose revenue was partly paid: what a projection has to show."""

import threading
from contextlib import contextmanager
from types import SimpleNamespace

from eth_utils.crypto import keccak

from api.demo.broker import InProcessBroker
from api.demo.chains import start_chain
from api.demo.fleet import simulated_fleet
from api.demo.timetable import simulated_start, simulated_timetable
from api.demo.world import FINALITY, NETWORK, build_world
from contracts.address_book import connect
from contracts.state import credit_id, revenue_id, to_bytes32
from contracts.transaction import send

PLANTS, DAYS = 3, 2
TURN_OF_MONTH_MS = 1_751_356_800_000  # 1 July 2025, 08:00 UTC: its last closed days are 29 and 30 June
JUNE, JULY = 202506, 202507
NOBODY = "0x00000000000000000000000000000000000000AA"


@contextmanager
def projected_world(folder, choice):
    """Two plants in Hong Kong, one in Hunan; a day in June and one in July are settled, one a report."""
    start_ms = simulated_start(TURN_OF_MONTH_MS, 1)
    with InProcessBroker() as broker, start_chain(choice) as chain:
        world = build_world(folder, chain, broker.url, simulated_fleet(PLANTS, start_ms))
        try:
            for span in simulated_timetable(start_ms, DAYS):
                for plant in world.plants:
                    world.send(plant, span.after_ms, span.until_ms)
                assert world.wait_delivered(threading.Event())
                assert world.settle(span.cutoff_s) is not None
            yield world
        finally:
            world.close()


class Owners:
    """What owners and the off-taker do on the chain."""

    def __init__(self, world):
        self.world = world
        self.web3 = world.chain.connect()
        self.admin = self.web3.eth.accounts[0]
        record = world.nodes[0].journal.last_report()
        self.assets = record.registry.assets
        self.vintage = max(statement.vintage for statement in record.statements)
        self.with_credits = next(name for name in self.assets if world.rules.terms_of(name).factor is not None)
        self.with_revenue = next(name for name in self.assets if world.rules.terms_of(name).factor is None)

    def contract(self, name):
        return connect(self.web3, self.world.book, name)

    def do(self, account, contract, function, *arguments):
        call = self.contract(contract).functions[function](*arguments)
        return send(self.web3, account, call, function)

    def draw(self, grams):
        owner = self.assets[self.with_credits].beneficiary
        self.do(owner, "CarbonCredit", "draw", to_bytes32(self.with_credits), self.vintage, grams, owner)

    def retire(self, grams, name="", purpose="", salt=None, *, certify=False):
        asset = self.assets[self.with_credits]
        note = (NOBODY, keccak(salt) if salt else bytes(32), name, purpose)
        self.do(asset.beneficiary, "CarbonCredit", "retire", credit_id(asset.project_id, self.vintage), grams, note)
        if certify:
            number = self.contract("CarbonCredit").functions.retirementCount().call()
            self.do(self.admin, "RetirementCertificate", "certify", number)

    def deposit(self, month, minor):
        currency = self.world.book.addresses["HKDStablecoin"]
        assert currency
        self.do(self.admin, "HKDStablecoin", "mint", self.admin, minor)
        self.do(self.admin, "HKDStablecoin", "approve", self.world.book.addresses["RevenueShare"], minor)
        self.do(self.admin, "RevenueShare", "deposit", to_bytes32(self.with_revenue), month, minor)

    def claim(self, month):
        owner = self.assets[self.with_revenue].beneficiary
        self.do(owner, "RevenueShare", "collect", to_bytes32(self.with_revenue), [month], owner)
        self.do(owner, "RevenueShare", "claim", [revenue_id(self.with_revenue, month)], owner)

    def make_feeds(self):
        for asset in (bytes(32), to_bytes32(self.with_credits)):
            for metric in range(3):
                self.do(self.admin, "FeedFactory", "create", asset, metric)


def follow(projection, world):
    """Both followers of a projection, read to their end."""
    followers = SimpleNamespace(
        journal=projection.follow_journal(world.folder / "node-1" / "journal.sqlite"),
        chain=projection.follow_chain(world.chain.connect, world.book, FINALITY),
    )
    followers.journal.catch_up()
    followers.chain.catch_up()
    return followers


__all__ = ["FINALITY", "JULY", "JUNE", "NETWORK", "NOBODY", "Owners", "follow", "projected_world"]
