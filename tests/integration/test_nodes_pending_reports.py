"""With an activation delay a report is settled when it is active, and a guardian may disable it before: nodes cope with both."""

import pytest

from contracts.address_book import connect
from contracts.transaction import send
from oracle.errors import ReportError
from oracle.reporting.report import NO_REPORT
from oracle.transmitter.web3_chain import report_struct

DELAY_S = 3600


def the_tester(world):
    return world.chain.connect().provider.ethereum_tester


def pass_delay(world):
    """Let the newest block be so late that what is pending is active."""
    tester = the_tester(world)
    tester.time_travel(tester.get_block_by_number("latest")["timestamp"] + DELAY_S)
    tester.mine_block()


def minted_wh(world):
    return world.check_books().total("minted_wh")


def attested_wh(world):
    return sum(statement.energy_wh.net for statement in world.nodes[0].journal.last_report().statements)


def settlements(world):
    """How many batches the ledger has taken."""
    return len(connect(world.chain.connect(), world.book, "MarkLedger").events.BatchSettled().get_logs(from_block=1))


def disable(world, *epochs):
    """What a guardian does: the newest first."""
    web3 = world.chain.connect()
    chain = world.fresh_chain()
    reports = [report_struct(chain.published(epoch).report) for epoch in epochs]
    call = connect(web3, world.book, "ProductionOracle").functions.disable(reports)
    send(web3, web3.eth.accounts[0], call, "disable")


def report(world, cutoff_s, leader=0):
    """Publish up to a cutoff."""
    published = world.nodes[leader].lead(cutoff_s)
    assert published is not None
    world.published.append(published)
    return published


def test_a_pending_report_is_settled_once_it_is_active(pending):
    world = pending.world
    node = world.nodes[0]
    assert (world.published[0].settlements, minted_wh(world)) == ((), 0)
    assert node.settle() == ()
    pass_delay(world)
    assert len(node.settle()) == 1
    assert minted_wh(world) == attested_wh(world) > 0
    assert node.settle() == ()


def test_what_one_node_settled_no_other_settles_again(pending):
    world = pending.world
    pass_delay(world)
    assert [len(node.settle()) for node in world.nodes] == [1, 0, 0, 0]
    assert settlements(world) == 1


def test_leading_settles_the_newest_active_report_while_its_own_is_pending(pending):
    world = pending.world
    pass_delay(world)
    published = report(world, pending.span.cutoff_s + 60, leader=2)
    assert published.attested.report.epoch == 2
    assert len(published.settlements) == 1
    assert world.fresh_chain().active_epoch() == 1
    assert minted_wh(world) == attested_wh(world) > 0


def test_a_restarted_node_settles_what_was_left(pending):
    """What is settled is read from the chain, not remembered."""
    world = pending.world
    pass_delay(world)
    node = world.nodes[1]
    again = type(node._settler)(node.journal, node._chain)
    assert len(again.settle()) == 1
    assert type(node._settler)(node.journal, node._chain).settle() == []
    assert minted_wh(world) == attested_wh(world)


def test_a_disabled_report_is_let_go_and_the_next_one_has_its_envelopes(pending):
    world = pending.world
    before = world.nodes[0].journal.last_report()
    disable(world, 1)
    assert world.fresh_chain().position().digest == NO_REPORT
    assert world.fresh_chain().digest_at(1) == NO_REPORT
    published = report(world, pending.span.cutoff_s + 60, leader=1)
    assert published.attested.report.epoch == 2
    assert published.attested.report.prev == NO_REPORT
    for node in world.nodes:
        record = node.journal.last_report()
        assert (record.report.epoch, record.manifest) == (2, before.manifest)
        assert node.journal.disabled_epochs() == [1]
        assert node.journal.faults() == []
    pass_delay(world)
    world.nodes[0].settle()
    books = world.check_books()
    assert books.findings == []
    assert books.total("minted_wh") == attested_wh(world) > 0


def test_between_a_disabled_report_and_the_next_the_ledger_books_nothing(pending):
    world = pending.world
    node = world.nodes[0]
    assert sum(entry.energy_wh for entry in node.journal.entries()) > 0
    disable(world, 1)
    node._reporter.let_go_of_disabled()
    assert sum(entry.energy_wh for entry in node.journal.entries()) == 0
    assert node.journal.last_report() is None
    assert node.journal.faults() == []


def test_a_report_falls_with_its_successors(pending):
    world = pending.world
    report(world, pending.span.cutoff_s + 60)
    report(world, pending.span.cutoff_s + 120, leader=1)
    disable(world, 3, 2)
    report(world, pending.span.cutoff_s + 180, leader=2)
    last = world.nodes[3].journal.last_report().report
    assert (last.epoch, last.prev) == (4, world.nodes[3].journal.report(1).report.digest(world.fresh_chain().domain))
    assert [node.journal.disabled_epochs() for node in world.nodes] == [[3, 2]] * 4
    pass_delay(world)
    world.nodes[0].settle()
    assert world.check_books().findings == []


def test_a_node_that_was_away_takes_no_disabled_report_in(pending):
    world = pending.world
    exchange = world.nodes[0]._peers._exchange
    exchange.leave("node-4")
    report(world, pending.span.cutoff_s + 60)
    disable(world, 2)
    exchange.join("node-4", world.nodes[3])
    report(world, pending.span.cutoff_s + 120, leader=3)
    assert [node.journal.last_epoch() for node in world.nodes] == [3, 3, 3, 3]
    assert world.nodes[3].journal.disabled_epochs() == []
    pass_delay(world)
    world.nodes[0].settle()
    assert world.check_books().findings == []


def test_a_disabled_report_cannot_come_back_into_a_journal(pending):
    """Somebody who still has it announces it again."""
    world = pending.world
    disable(world, 1)
    node = world.nodes[2]
    proposal, signatures = node.proposal_of(1), world.published[0].attested.signatures
    node._reporter.let_go_of_disabled()
    with pytest.raises(ReportError, match="the chain holds another report"):
        node.learn(proposal, signatures)
    assert node.journal.last_report() is None
