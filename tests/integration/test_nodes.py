"""Four nodes, of which three must agree."""

import threading
import time
from dataclasses import replace

import pytest

from api.demo.fleet import meters_of
from api.demo.world import World
from contracts.registration import register
from devices.device_key import SigningKey
from devices.device_signer import DeviceSigner
from devices.readings import Reading, Readings
from oracle.attestation.proposal import Proposal, Refusal
from oracle.errors import ChainError, JournalError
from oracle.reporting.compilation import statements_tree
from oracle.reporting.registry import meters_root
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
        ({"epoch": 1}, "signed another report already"),
        ({"epoch": 18}, "this node goes up to 17"),
        ({"prev": bytes(32)}, "does not follow the chain's last report"),
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
    missing = [e.digest for e in world.nodes[0].journal.unreported(now_ms) if not deaf.journal.has_envelope(e.digest)]
    assert missing
    assert world.nodes[0].lead(now_ms // 1000) is not None
    assert all(deaf.journal.has_envelope(digest) for digest in missing)
    assert deaf.journal.last_report().report == world.nodes[0].journal.last_report().report


def test_a_crash_after_publishing_stops_nobody(settled, monkeypatch):
    """The report is on chain, and no journal holds it yet: every node takes it in, and the next report follows."""
    world, node = settled.world, settled.world.nodes[0]
    publish = node._chain.publish

    def publish_and_crash(attested):
        publish(attested)
        raise ChainError("the connection broke after the transaction was mined")

    with monkeypatch.context() as patch:
        patch.setattr(node._chain, "publish", publish_and_crash)
        with pytest.raises(ChainError):
            node.lead(next_cutoff(settled))
    assert world.fresh_chain().position().epoch == 2
    assert node.journal.last_report().report.epoch == 1
    assert world.settle(next_cutoff(settled) + 60) is not None
    assert [one.journal.last_report().report.epoch for one in world.nodes] == [3, 3, 3, 3]
    assert world.check_books().findings == []


def test_a_node_that_was_away_catches_up(settled):
    world = settled.world
    exchange = exchange_of(world)
    exchange.leave("node-4")
    assert world.settle(next_cutoff(settled)) is not None
    assert any("ends at epoch 1" in finding for finding in world.check_books().findings)
    exchange.join("node-4", world.nodes[3])
    exchange.leave("node-1")
    assert world.nodes[1].lead(next_cutoff(settled) + 60) is not None
    assert world.nodes[3].journal.last_report().report.epoch == 3


def test_leaders_that_split_an_epoch_abandon_it(settled):
    """Two nodes sign one report, two another: neither finds its quorum, and the next number does."""
    world = settled.world
    exchange = exchange_of(world)
    for down, leader, wait_s in ((("node-3", "node-4"), 0, 0), (("node-1", "node-2"), 2, 30)):
        for name in down:
            exchange.leave(name)
        assert world.nodes[leader].lead(next_cutoff(settled) + wait_s) is None
        for name in down:
            exchange.join(name, world.nodes[int(name[-1]) - 1])
    first, second = (world.nodes[n].journal.signed(2)[0] for n in (0, 2))
    assert first != second
    published = world.settle(next_cutoff(settled) + 60)
    assert published.attested.report.epoch == 3
    assert world.fresh_chain().digest_at(2) == bytes(32)
    assert world.check_books().findings == []


def test_what_half_the_nodes_signed_is_finished_first(settled):
    world = settled.world
    exchange = exchange_of(world)
    exchange.leave("node-3")
    exchange.leave("node-4")
    assert world.nodes[0].lead(next_cutoff(settled)) is None
    exchange.join("node-3", world.nodes[2])
    exchange.join("node-4", world.nodes[3])
    published = world.nodes[3].lead(next_cutoff(settled) + 60)
    assert (published.attested.report.epoch, published.attested.report.cutoff_s) == (2, next_cutoff(settled))


def test_a_leader_cannot_undo_a_revocation_by_an_old_registry_block(settled):
    world = settled.world
    plant, web3 = world.plants[0], world.chain.connect()
    old_block = world.nodes[0]._chain.finalized_block()
    registry = world.nodes[0]._chain.registry_at(old_block)
    revoked = [
        replace(m, revoked_boot=0, revoked_sequence=0) for m in meters_of(world.plants) if m.asset_id == plant.asset_id
    ]
    assets = [registry.assets[plant.asset_id]]
    root = {plant.project_id: meters_root(revoked)}
    register(web3, web3.eth.accounts[0], world.book, [], assets, revoked, root)
    position = world.nodes[0]._chain.position()
    refusal = world.nodes[2].attest(Proposal(2, position.digest, next_cutoff(settled), old_block, ()))
    assert "the registry has changed" in refusal.reason
    energy_wh = world.check_books().total("minted_wh")
    assert world.settle(next_cutoff(settled)) is not None
    assert world.check_books().total("minted_wh") == energy_wh, "what was minted stays, and nothing more comes"


def test_a_leader_cannot_leave_an_envelope_out(settled, monkeypatch):
    world, plant = settled.world, settled.world.plants[0]
    now_ms = int(time.time() * 1000)
    world.send(plant, settled.span.until_ms, now_ms)
    assert world.wait_delivered(threading.Event())
    node = world.nodes[2]
    position, block = node._chain.position(), node._chain.finalized_block()
    monkeypatch.setattr("oracle.reporter.GRACE_MS", -1)
    refusal = node.attest(Proposal(2, position.digest, now_ms // 1000, block, ()))
    assert "leaves out envelope" in refusal.reason


def test_a_peers_forged_envelope_reaches_no_journal(settled, monkeypatch):
    """It names a listed meter and carries a valid signature: of a key that is not listed."""
    world, plant = settled.world, settled.world.plants[0]
    readings = Readings.of([Reading(settled.span.until_ms - 1, plant.baseline_wh + 1)])
    forged = DeviceSigner(plant.device_id, plant.meter.id, SigningKey.generate(), "demo").sign(readings)
    liar = world.nodes[3]
    monkeypatch.setattr(liar, "serve_envelopes", lambda _digests: {forged.digest: forged.wire})
    position, block = liar._chain.position(), liar._chain.finalized_block()
    refusal = world.nodes[0].attest(Proposal(2, position.digest, next_cutoff(settled), block, (forged.digest,)))
    assert "no peer serves envelope" in refusal.reason
    assert not world.nodes[0].journal.has_envelope(forged.digest)
    assert world.settle(next_cutoff(settled)) is not None


def test_settling_again_mints_nothing(settled):
    world = settled.world
    record = world.nodes[0].journal.last_report()
    before = world.check_books()
    chain = world.nodes[0]._chain
    tree = statements_tree(record.statements)
    chain.settle(1, record.statements, tree)
    assert chain.unsettled(record.statements) == []
    assert world.check_books().assets == before.assets


def test_the_chain_refuses_a_second_report_of_an_epoch(settled):
    attested = settled.world.nodes[0].journal.last_report().attested
    with pytest.raises(ChainError, match="EpochNotBeyond"):
        settled.world.nodes[0]._chain.publish(attested)


def test_another_chain_is_refused(settled):
    book = settled.world.book
    elsewhere = type(book)(chain_id=book.chain_id + 1, block=book.block, addresses=book.addresses)
    with pytest.raises(ChainError, match="wrong chain"):
        Web3Chain(settled.world.chain.connect(), elsewhere)
