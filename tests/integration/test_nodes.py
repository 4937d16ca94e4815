"""Four nodes, of which three must agree."""

import threading
import time

import pytest

from api.demo.world import World
from oracle.attestation.proposal import Proposal, Refusal
from oracle.errors import ChainError, JournalError
from oracle.reporting.compilation import statements_tree
from oracle.transmitter.web3_chain import Web3Chain


def exchange_of(world: World):
    return world.nodes[0]._peers._exchange


def next_cutoff(settled):
    return settled.span.cutoff_s + 60


def test_one_node_down_changes_nothing(settled):
    exchange_of(settled.world).leave("node-4")
    assert settled.world.settle(next_cutoff(settled)) is not None


def test_two_nodes_down_delay_and_do_not_lose(settled):
    world = settled.world
    exchange = exchange_of(world)
    exchange.leave("node-3")
    exchange.leave("node-4")
    assert world.nodes[0].lead(next_cutoff(settled)) is None
    assert world.fresh_chain().position().epoch == 1
    exchange.join("node-3", world.nodes[2])
    published = world.nodes[0].lead(next_cutoff(settled))
    assert published is not None
    assert world.fresh_chain().position().epoch == 2


def test_a_node_signs_one_report_an_epoch(settled):
    node = settled.world.nodes[1]
    position = node._chain.position()
    block = node._chain.finalized_block()
    first = Proposal(2, position.digest, next_cutoff(settled), block, ())
    other = Proposal(2, position.digest, next_cutoff(settled) + 60, block, ())
    assert not isinstance(node.attest(first), Refusal)
    assert not isinstance(node.attest(first), Refusal), "the same report may be signed again"
    refusal = node.attest(other)
    assert isinstance(refusal, Refusal)
    assert "has signed another report" in refusal.reason
    with pytest.raises(JournalError):
        node.journal.record_signed(2, bytes(32), bytes(65), "{}")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"epoch": 1}, "the chain's next is 2"),
        ({"epoch": 3}, "the chain's next is 2"),
        ({"prev": bytes(32)}, "the chain's next is 2"),
        ({"cutoff_s": 10**10}, "is not past"),
        ({"cutoff_s": 1}, "is not past, or not beyond"),
        ({"registry_block": 10**6}, "is not final"),
        ({"manifest": (b"\2" * 32, b"\1" * 32)}, "not ascending"),
        ({"manifest": (b"\1" * 32,)}, "no peer serves envelope"),
    ],
)
def test_a_node_refuses_what_does_not_follow(settled, change, reason):
    node = settled.world.nodes[2]
    position = node._chain.position()
    sound = {
        "epoch": 2,
        "prev": position.digest,
        "cutoff_s": next_cutoff(settled),
        "registry_block": node._chain.finalized_block(),
        "manifest": (),
    }
    refusal = node.attest(Proposal(**(sound | change)))
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


def test_an_envelope_is_used_once(settled):
    node = settled.world.nodes[0]
    used = node.journal.last_report().manifest[:1]
    position = node._chain.position()
    refusal = node.attest(
        Proposal(2, position.digest, next_cutoff(settled), node._chain.finalized_block(), tuple(used))
    )
    assert isinstance(refusal, Refusal)
    assert "used twice" in refusal.reason


def test_a_node_without_an_envelope_fetches_it_from_a_peer(settled):
    """Node 4 hears nothing for a while; what it lacks proves itself."""
    world, plant = settled.world, settled.world.plants[0]
    deaf = world.nodes[3]
    deaf.headend.stop()
    now_ms = int(time.time() * 1000)
    world.send(plant, settled.span.until_ms, now_ms)
    assert world.wait_delivered(threading.Event())
    missing = [d for d, _, _ in world.nodes[0].journal.unreported(now_ms) if not deaf.journal.has_envelope(d)]
    assert missing
    assert world.nodes[0].lead(now_ms // 1000) is not None
    assert all(deaf.journal.has_envelope(digest) for digest in missing)
    assert deaf.journal.last_report().report == world.nodes[0].journal.last_report().report


def test_settling_again_mints_nothing(settled):
    world = settled.world
    record = world.nodes[0].journal.last_report()
    before = world.check_books()
    chain = world.nodes[0]._chain
    tree = statements_tree(record.statements)
    chain.settle(1, [(statement, tree.proof(statement.leaf)) for statement in record.statements])
    assert world.check_books().assets == before.assets


def test_the_chain_refuses_a_second_report_of_an_epoch(settled):
    attested = settled.world.nodes[0].journal.last_report().attested
    with pytest.raises(ChainError, match="WrongEpoch"):
        settled.world.nodes[0]._chain.publish(attested)


def test_another_chain_is_refused(settled):
    book = settled.world.book
    elsewhere = type(book)(chain_id=book.chain_id + 1, block=book.block, addresses=book.addresses)
    with pytest.raises(ChainError, match="wrong chain"):
        Web3Chain(settled.world.chain.connect(), elsewhere)
