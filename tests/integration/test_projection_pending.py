"""A report that is pending on the chain is shown as pending, and then as what became of it."""

from contextlib import closing

import pytest

from api.projection.chain_logs import ChainReader
from api.projection.projection import Projection
from contracts.address_book import connect
from contracts.transaction import send
from oracle.errors import ChainError
from oracle.transmitter.web3_chain import report_struct
from tests.support.projected_world import FINALITY, NETWORK, follow

DELAY_S = 3600
MOST_BLOCKS = 3


@pytest.fixture
def projection(pending, tmp_path):
    with closing(Projection.open(tmp_path / "p.sqlite", network=NETWORK, rules=pending.world.rules)) as projection:
        yield projection


def pass_delay(world):
    tester = world.chain.connect().provider.ethereum_tester
    tester.time_travel(tester.get_block_by_number("latest")["timestamp"] + DELAY_S)
    tester.mine_block()


def kinds(projection):
    return [event.kind for event in projection.events(0, 1000) if event.kind.startswith("report")]


def test_a_report_becomes_active_with_the_chains_time(pending, projection):
    world = pending.world
    followers = follow(projection, world)
    assert projection.report(1).status == "pending"
    station = projection.status().stations[3]
    assert (station.state, station.state_on_chain) == ("waits", "pending")
    asset = projection.assets(None, None, 1).items[0]
    assert asset.attested_wh > asset.minted_wh == 0
    hours = projection.production(asset.asset_id, 0, 2**50, "hour", None, 100).items
    assert {hour.minted for hour in hours if hour.attested_wh} == {False}
    pass_delay(world)
    followers.chain.catch_up()
    assert projection.report(1).status == "active"
    assert kinds(projection) == ["report", "report_active"]
    world.nodes[0].settle()
    followers.chain.catch_up()
    assert projection.asset(asset.asset_id).minted_wh == asset.attested_wh
    hours = projection.production(asset.asset_id, 0, 2**50, "hour", None, 100).items
    assert {hour.minted for hour in hours if hour.attested_wh} == {True}


def test_a_guardian_disables_a_report_and_the_journal_takes_it_back(pending, projection):
    world = pending.world
    followers = follow(projection, world)
    web3 = world.chain.connect()
    struct = report_struct(world.fresh_chain().published(1).report)
    send(
        web3, web3.eth.accounts[0], connect(web3, world.book, "ProductionOracle").functions.disable([struct]), "disable"
    )
    followers.chain.catch_up()
    assert projection.report(1).status == "disabled"
    assert kinds(projection) == ["report", "report_disabled"]
    assert projection.status().stations[3].state == "none"
    pass_delay(world)
    followers.chain.catch_up()
    assert projection.report(1).status == "disabled"
    world.nodes[0].journal.record_disabled(1)
    followers.journal.catch_up()
    for asset in projection.assets(None, None, 10).items:
        assert (asset.attested_wh, asset.withheld_wh, asset.disputed_wh) == (0, 0, 0)


def test_a_node_that_bounds_a_range_is_asked_for_less(pending, projection, monkeypatch):
    ask = ChainReader.logs

    asked = []

    def bounded(self, first, last):
        asked.append((first, last))
        if last - first >= MOST_BLOCKS:
            raise ChainError("query returned more than 3 blocks") from ValueError()
        return ask(self, first, last)

    monkeypatch.setattr(ChainReader, "logs", bounded)
    projection.follow_chain(pending.world.chain.connect, pending.world.book, FINALITY).catch_up()
    answered = [span for span in asked if span[1] - span[0] < MOST_BLOCKS]
    assert [first for first, _ in answered[1:]] == [last + 1 for _, last in answered[:-1]]
    assert 0 < len(asked) - len(answered) < 12  # it is not tried again with each range
    assert projection.report(1).status == "pending"
    assert len(projection.assets(None, None, 10).items) == 2
