"""What the chain's events come to, event by event: marks, serial numbers, months, holders."""

import json

import pytest

from api.projection.chain_logs import ChainLog
from api.projection.chain_settling import MarkWord, Settling
from api.projection.chain_tokens import NOBODY, Tokens
from api.projection.registration import BY_CHAIN, write_registry
from contracts.state import Asset, Assurance, ClaimRight, Project, credit_id, revenue_id, to_bytes32

VAULT, BUFFER, OWNER = (f"0x{n}{'0' * 39}" for n in (1, 2, 3))
STARTED, CORRECTED, SUPERSEDED = 1, 2, 4


class Retirements:
    """The one thing that is read from a contract, and not from an event."""

    def __init__(self):
        self.kept = {}

    def call(self, contract, function, number):
        assert (contract, function) == ("CarbonCredit", "retirement")
        return self.kept[number]


class Chain:
    """Writes events of two assets of one project, each in a transaction of its own unless told otherwise."""

    def __init__(self, projection):
        self.projection = projection
        self.retirements = Retirements()
        self.tx = 0
        project = Project(
            "p", OWNER, b"AMS-I.D".ljust(32, b"\0"), ClaimRight.CREDIT, b"\1" * 32, Assurance.DEVICE_SIGNED
        )
        assets = [Asset(name, "p", OWNER, 9000, 0, 28_800, 0, 0, 0) for name in ("a", "b")]
        with projection.writing() as writing:
            write_registry(writing, [project], assets, [], BY_CHAIN)
            writing.put("credit_places", json.dumps({"vault": VAULT, "buffer": BUFFER}))

    def tell(self, *events):
        self.tx += 1
        with self.projection.writing() as writing:
            settling, tokens = Settling(writing), Tokens(writing, self.retirements)
            for name, args in events:
                log = ChainLog("", "", args, self.tx, 1_790_000_000 + self.tx, f"0x{self.tx:064x}")
                getattr(settling if hasattr(settling, name) else tokens, name)(log)


def settled(asset, vintage, *, energy=0, credits_g=0, revenue=0, month=0, flags=STARTED, epoch=1):
    word = 0
    for bits, number in zip(
        (48, 56, 64, 32, 32, 8, 8, 8), (energy, credits_g, revenue, 9, epoch, month, flags, 1), strict=True
    ):
        assert number < 1 << bits
        word |= number << {48: 0, 56: 48, 64: 104}.get(bits, 0) if bits > 32 else 0
    word |= 9 << 168 | epoch << 200 | month << 232 | flags << 240 | 1 << 248
    return "settled", {"assetVintage": int.from_bytes(to_bytes32(asset)) | vintage, "mark": word}


def taken_back(asset, vintage, energy=0, credits_g=0, revenue=0):
    key = int.from_bytes(to_bytes32(asset)) | vintage
    return "reversed", {"assetVintage": key, "energyWh": energy, "creditsG": credits_g, "revenueMinor": revenue}


def issued(vintage, issued_g, reversed_g=0, offset_g=0):
    return "issued", {"id": credit_id("p", vintage), "issuedG": issued_g, "reversedG": reversed_g, "offsetG": offset_g}


def transferred(sender, receiver, grams, vintage=2026):
    return "transferred", {"from": sender, "to": receiver, "id": credit_id("p", vintage), "value": grams}


DONE = ("batch_settled", {})


@pytest.fixture
def chain(empty):
    return Chain(empty)


def portions(chain):
    query = "SELECT asset_id, first_serial, last_serial, epoch FROM portion JOIN asset ON asset.number = asset ORDER BY portion.number"
    return chain.projection._store.reader().execute(query).fetchall()


def test_a_mark_is_read_as_the_ledger_packs_it():
    word = MarkWord.read(settled("a", 2026, energy=5, credits_g=6, revenue=7, month=10, flags=5, epoch=3)[1]["mark"])
    assert word == MarkWord(5, 6, 7, 9, 3, 10, 5, 1)


def test_serial_numbers_go_to_assets_in_the_order_of_their_marks(chain):
    chain.tell(settled("a", 2026, credits_g=900), settled("b", 2026, credits_g=100), issued(2026, 1000), DONE)
    chain.tell(
        settled("b", 2026, credits_g=150, epoch=2), settled("a", 2026, credits_g=900, epoch=2), issued(2026, 50), DONE
    )
    assert portions(chain) == [("a", 1, 900, 1), ("b", 901, 1000, 1), ("b", 1001, 1050, 2)]
    view = chain.projection.credit("p", 2026)
    assert (view.issued_g, view.assets, view.credit_id) == (1050, ["a", "b"], str(credit_id("p", 2026)))


def test_what_makes_up_for_a_reversal_has_no_number(chain):
    chain.tell(settled("a", 2026, credits_g=500), issued(2026, 500), DONE)
    chain.tell(
        taken_back("a", 2026, credits_g=200), settled("a", 2026, credits_g=500, flags=3), issued(2026, 0, 200), DONE
    )
    raised = (settled("b", 2026, credits_g=250, epoch=2), settled("a", 2026, credits_g=530, epoch=2, flags=3))
    chain.tell(*raised, issued(2026, 280, 0, 200), DONE)
    assert portions(chain) == [("a", 1, 500, 1), ("b", 501, 550, 2), ("a", 551, 580, 2)]
    view = chain.projection.credit("p", 2026)
    assert (view.issued_g, view.reversed_g, view.offset_g) == (780, 200, 200)
    assert chain.projection.asset("a").credits_g == 330


def test_another_vintage_in_the_batch_gets_none_of_the_numbers(chain):
    marks = (settled("a", 2025, credits_g=10), settled("a", 2026, credits_g=20))
    chain.tell(*marks, issued(2025, 10), issued(2026, 20), DONE)
    assert portions(chain) == [("a", 1, 10, 1), ("a", 1, 20, 1)]


def test_a_retirement_leads_to_the_assets_of_its_serial_numbers(chain):
    chain.tell(settled("a", 2026, credits_g=100), settled("b", 2026, credits_g=100), issued(2026, 200), DONE)
    kept = {1: (60, 1, "", ""), 2: (80, 61, "陳大文", "flight"), 3: (60, 141, "", "")}
    for number, (grams, first, name, purpose) in kept.items():
        chain.retirements.kept[number] = (
            credit_id("p", 2026), grams, first, 1_790_000_000, OWNER, BUFFER, b"\7" * 32 if number == 3 else bytes(32), name, purpose,
        )  # fmt: skip
        chain.tell(("retired", {"retirementId": number}))
    views = chain.projection.retirements(None, 10).items
    assert [(view.number, view.assets) for view in views] == [(3, ["b"]), (2, ["a", "b"]), (1, ["a"])]
    assert (views[1].beneficiary, views[1].beneficiary_hash, views[1].last_serial) == ("陳大文", None, 140)
    assert (views[0].beneficiary, views[0].beneficiary_hash) == (None, "0x" + "07" * 32)
    assert chain.projection.credit("p", 2026).retired_g == 200
    assert chain.projection.retirements("3", 1).items == [views[1]]
    assert chain.projection.retirements(None, 10, BUFFER.upper().replace("0X", "0x")).items == views
    assert chain.projection.retirements(None, 10, OWNER).items == []
    chain.tell(("certified", {"tokenId": 2}))
    assert [chain.projection.retirement(number).certified for number in (1, 2)] == [False, True]


def test_credits_are_where_they_were_moved_to(chain):
    chain.tell(
        settled("a", 2026, credits_g=1000),
        issued(2026, 1000),
        transferred(NOBODY, VAULT, 900),
        transferred(NOBODY, BUFFER, 100),
    )
    chain.tell(transferred(VAULT, OWNER, 300))
    token = credit_id("p", 2026)
    chain.tell(("transferred", {"from": OWNER, "to": NOBODY, "ids": [token, token], "values": [50, 25]}))
    chain.tell(("cancelled", {"id": token, "grams": 5}), transferred(BUFFER, NOBODY, 5))
    view = chain.projection.credit("p", 2026)
    assert (view.vault_g, view.buffer_g, view.held_g, view.cancelled_g) == (600, 95, 225, 5)
    chain.tell(("sealed", {"projectId": to_bytes32("p"), "vintage": 2026}))
    assert chain.projection.credit("p", 2026).sealed


def months(chain):
    return {(view.asset_id, view.month): (view.attested_minor, view.is_final) for view in chain.projection.revenue()}


def test_revenue_belongs_to_the_running_month(chain):
    chain.tell(settled("a", 2026, revenue=100, month=9))
    chain.tell(settled("a", 2026, revenue=150, month=9))
    chain.tell(settled("a", 2026, revenue=160, month=10))
    assert months(chain) == {("a", 202610): (150, True), ("a", 202611): (10, False)}


def test_revenue_of_an_older_vintage_belongs_to_the_running_month_too(chain):
    chain.tell(settled("a", 2025, revenue=100, month=11))
    chain.tell(settled("a", 2025, revenue=110, month=11, flags=STARTED | SUPERSEDED), settled("a", 2026, revenue=5))
    chain.tell(settled("a", 2025, revenue=140, month=11, flags=STARTED | SUPERSEDED))
    assert months(chain) == {("a", 202512): (110, True), ("a", 202601): (35, False)}


def test_revenue_that_makes_up_for_a_reversal_entitles_nobody(chain):
    chain.tell(settled("a", 2026, revenue=100))
    chain.tell(taken_back("a", 2026, revenue=30), settled("a", 2026, revenue=110, flags=3))
    chain.tell(settled("a", 2026, revenue=125, flags=3))
    chain.tell(settled("a", 2026, revenue=140, flags=3))
    assert months(chain) == {("a", 202601): (110, False)}
    assert chain.projection.asset("a").revenue_minor == 110


def test_money_is_counted_where_it_came_and_went(chain):
    chain.tell(settled("a", 2026, revenue=100), settled("b", 2026, revenue=50))
    chain.tell(settled("a", 2026, revenue=101, month=1))
    january = {"assetId": to_bytes32("a"), "month": 202601}
    chain.tell(("deposited", january | {"from": OWNER, "arrivedMinor": 130, "depositedMinor": 130}))
    chain.tell(("claimed", {"holder": OWNER, "id": revenue_id("a", 202601), "to": VAULT, "paidMinor": 60}))
    view = next(one for one in chain.projection.revenue(frozenset({"a"})) if one.month == 202601)
    assert (view.attested_minor, view.funded_minor, view.excess_minor, view.paid_minor) == (100, 100, 30, 60)
    carried = {"assetId": to_bytes32("a"), "fromMonth": 202601, "toMonth": 202602, "minor": 30}
    chain.tell(
        ("excess_carried", carried), ("written_down", {"assetId": to_bytes32("b"), "month": 202601, "minor": 10})
    )
    shown = {(one.asset_id, one.month): one for one in chain.projection.revenue()}
    assert (shown["a", 202601].excess_minor, shown["a", 202602].funded_minor, shown["a", 202602].excess_minor) == (
        0,
        1,
        29,
    )
    assert shown["b", 202601].written_down_minor == 10
    paid = chain.projection.status().stations[5]
    assert (paid.paid_minor, paid.awaited_minor) == (101, 40)
    of_b = chain.projection.status(frozenset({"b"})).stations[5]
    assert (of_b.paid_minor, of_b.awaited_minor) == (0, 40)
    (deposit,) = chain.projection.deposits(None, None, 10).items
    assert (deposit.asset_id, deposit.minor, deposit.by) == ("a", 130, OWNER)
    (claim,) = chain.projection.claims(None, None, 10, OWNER).items
    assert (claim.minor, claim.to, claim.month) == (60, VAULT, 202601)
    assert chain.projection.claims(None, None, 10, VAULT).items == []
    assert chain.projection.deposits(frozenset({"b"}), None, 10).items == []


def test_feeds_say_what_was_settled(chain):
    chain.tell(
        ("feed_created", {"assetId": to_bytes32("a"), "metric": 0, "feed": VAULT}),
        ("feed_created", {"assetId": to_bytes32("b"), "metric": 2, "feed": BUFFER}),
        ("feed_created", {"assetId": bytes(32), "metric": 1, "feed": OWNER}),
    )
    assert [view.state for view in chain.projection.feeds()] == ["never_started"] * 3
    chain.tell(settled("a", 2025, energy=40), settled("a", 2026, energy=2))
    fleet, of_a, of_b = chain.projection.feeds()
    assert (fleet.asset_id, fleet.answer, of_b.answer, of_b.decimals) == (None, None, None, 6)
    assert (of_a.asset_id, of_a.metric, of_a.answer, of_a.address, of_a.state) == ("a", "energy", "42", VAULT, "stale")
    chain.tell(("sealed", {"projectId": to_bytes32("p"), "vintage": 2026}))
    assert chain.projection.feeds()[1].state == "sealed"


def test_events_are_numbered_and_told_to_whom_they_concern(chain):
    chain.tell(settled("a", 2026, energy=10), settled("b", 2026, energy=20), taken_back("b", 2026, energy=1))
    chain.retirements.kept[1] = (credit_id("p", 2026), 1, 1, 1_790_000_000, OWNER, OWNER, bytes(32), "", "")
    chain.tell(("retired", {"retirementId": 1}))
    events = chain.projection.events(0, 100)
    assert [event.number for event in events] == [1, 2, 3, 4]
    assert [(event.kind, event.asset_id) for event in events] == [
        ("mint", "a"), ("mint", "b"), ("reversal", "b"), ("retirement", None),
    ]  # fmt: skip
    assert chain.projection.events(1, 2) == events[1:3]
    assert [event.number for event in chain.projection.events(0, 2, frozenset({"b"}))] == [2, 3]
    assert [event.number for event in chain.projection.events(2, 100, frozenset({"a"}))] == [4]
    assert chain.projection.last_event() == 4
