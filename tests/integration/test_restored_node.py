"""One of four nodes loses its journal and comes back with an older copy."""

import pytest

from oracle.attestation.proposal import Proposal, Refusal
from oracle.errors import ReportError
from oracle.journal.backup import backup, close_copied_epochs, restore
from oracle.journal.journal import Journal
from oracle.node import Node
from oracle.peers.in_process import InProcessPeers
from oracle.reporter import MOST_SKIPPED_EPOCHS

LOST = 3


def proposal(node, cutoff_s):
    return Proposal(2, node._chain.position().digest, cutoff_s, node._chain.finalized_block(), ())


@pytest.fixture(name="copy")
def copy_fixture(settled, tmp_path):  # noqa: ARG001  there must be one
    """A copy of the last node's journal, taken after report 1."""
    backup(tmp_path / "node-4" / "journal.sqlite", "demo", tmp_path / "copy")
    return tmp_path / "copy"


def come_back(settled, copy, folder, *, closed):
    """Start the node that was lost anew, on its copy."""
    world = settled.world
    exchange, lost = world.nodes[0]._peers._exchange, world.nodes[LOST]
    exchange.leave(lost.name)
    lost.headend.stop()
    lost.journal.close()
    restore(copy, folder / "restored.sqlite")
    journal = Journal.open(folder / "restored.sqlite", "demo")
    if closed:
        close_copied_epochs(journal, lost._chain.position().epoch + 1, MOST_SKIPPED_EPOCHS - 1)
    node = Node(
        name=lost.name, network="demo", keyring=lost.keyring, journal=journal, chain=lost._chain,
        peers=InProcessPeers(exchange, lost.name), rules=world.rules,
    )  # fmt: skip
    exchange.join(lost.name, node)
    node.headend.start(settled.broker_url)
    assert node.headend.wait_connected(15)
    world.nodes[LOST] = node
    return node


@pytest.mark.parametrize("closed", [True, False])
def test_it_does_not_sign_another_report_of_an_epoch(settled, copy, tmp_path, closed):
    lost = settled.world.nodes[LOST]
    first, other = (proposal(lost, settled.span.cutoff_s + after_s) for after_s in (60, 120))
    assert not isinstance(lost.attest(first), Refusal)
    node = come_back(settled, copy, tmp_path, closed=closed)
    for each in (other, first):
        refusal = node.attest(each)
        assert isinstance(refusal, Refusal)
        assert ("has signed another report" if closed else "this journal is a copy") in refusal.reason


def test_the_fleet_goes_on_with_it(settled, copy, tmp_path):
    world = settled.world
    assert world.settle(settled.span.cutoff_s + 60) is not None, "a report that the copy does not know"
    node = come_back(settled, copy, tmp_path, closed=True)
    published = world.settle(settled.span.cutoff_s + 120)
    assert published.attested.report.epoch == 2 + MOST_SKIPPED_EPOCHS
    assert [one.journal.last_report().report.epoch for one in world.nodes] == [published.attested.report.epoch] * 4
    exchange = world.nodes[0]._peers._exchange
    exchange.leave("node-1")
    published = world.nodes[1].lead(settled.span.cutoff_s + 180)
    assert published is not None, "with three nodes left, its signature is needed, and it gives it"
    assert not published.refusals
    exchange.join("node-1", world.nodes[0])
    world.nodes[0]._reporter.catch_up(0)
    assert node.journal.faults() == []
    assert [finding for finding in world.check_books().findings if "remembers" not in finding] == []


def test_it_takes_in_a_report_of_an_epoch_that_it_closed(settled, copy, tmp_path):
    """Epoch 2 was signed by the others before, and is published after it came back."""
    world = settled.world
    exchange = world.nodes[0]._peers._exchange
    exchange.leave("node-3")
    exchange.leave("node-4")
    assert world.nodes[0].lead(settled.span.cutoff_s + 60) is None
    exchange.join("node-3", world.nodes[2])
    exchange.join("node-4", world.nodes[3])
    node = come_back(settled, copy, tmp_path, closed=True)
    published = world.nodes[2].lead(settled.span.cutoff_s + 120)
    assert published.attested.report.epoch == 2
    assert node.journal.last_report().report.epoch == 2


def test_alone_it_does_not_go_on_from_a_report_that_nobody_knows(settled, copy, tmp_path):
    world = settled.world
    assert world.settle(settled.span.cutoff_s + 60) is not None
    node = come_back(settled, copy, tmp_path, closed=True)
    for name in ("node-1", "node-2", "node-3"):
        world.nodes[0]._peers._exchange.leave(name)
    with pytest.raises(ReportError, match="epoch 2 is on chain, and nothing known here gives it"):
        node.lead(settled.span.cutoff_s + 120)
