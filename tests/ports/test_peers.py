"""What a node may expect of its way to the others. One suite for every adapter; for now there is one, in process."""

import pytest

from oracle.attestation.proposal import Proposal, Refusal
from oracle.attestation.quorum import Attestation
from oracle.errors import JournalError
from oracle.peers.in_process import Exchange, InProcessPeers

PROPOSAL = Proposal(1, bytes(32), 5, 7, ())


class Other:
    """A node as its peers see it."""

    def __init__(self, name, envelopes=(), breaks=None):
        self.name = name
        self.envelopes = dict(envelopes)
        self.breaks = breaks
        self.learned = []
        self.asked = []

    def _maybe_break(self):
        if self.breaks is not None:
            raise self.breaks

    def attest(self, proposal):
        self._maybe_break()
        return (
            Refusal(self.name, "no")
            if self.name == "refuses"
            else Attestation(proposal.epoch, bytes(32), self.name, b"")
        )

    def serve_envelopes(self, digests):
        self.asked.append(list(digests))
        self._maybe_break()
        return {digest: self.envelopes[digest] for digest in digests if digest in self.envelopes}

    def unreported(self, _cutoff_s):
        self._maybe_break()
        return tuple(self.envelopes)

    def proposal_of(self, epoch):
        self._maybe_break()
        return PROPOSAL if epoch == PROPOSAL.epoch else None

    def last_signed_epoch(self):
        self._maybe_break()
        return len(self.envelopes)

    def learn(self, proposal, signatures):
        self._maybe_break()
        self.learned.append((proposal, signatures))


def fetch(peers, digests, sound=lambda _digest, _wire: True):
    """What a caller that finds everything sound, or as told, ends up with."""
    taken = {}

    def take(digest, wire):
        if sound(digest, wire):
            taken[digest] = wire
            return True
        return False

    peers.fetch_envelopes(digests, take)
    return taken


@pytest.fixture(name="join", params=["in process"])
def join_fixture():
    """Puts nodes together; returns what the first of them sees, and a way to take one down."""
    exchange = Exchange()

    def join(*others):
        exchange.join("self", Other("self", breaks=AssertionError("a node asked itself")))
        for other in others:
            exchange.join(other.name, other)
        return InProcessPeers(exchange, "self"), exchange.leave

    return join


def test_every_other_node_is_asked_and_a_refusal_is_an_answer(join):
    peers, _ = join(Other("a"), Other("refuses"))
    answers = peers.request_attestations(PROPOSAL)
    assert [type(answer) for answer in answers] == [Attestation, Refusal]


@pytest.mark.parametrize("breaks", [JournalError("disk full"), OSError("no route"), RuntimeError("bug")])
def test_a_node_that_breaks_counts_as_one_that_does_not_answer(join, breaks):
    fine = Other("z", {b"1": b"one"})
    peers, _ = join(Other("a", breaks=breaks), fine)
    assert [answer.signer for answer in peers.request_attestations(PROPOSAL)] == ["z"]
    assert fetch(peers, [b"1"]) == {b"1": b"one"}
    peers.announce(PROPOSAL, (b"s",))
    assert fine.learned == [(PROPOSAL, (b"s",))]


def test_envelopes_come_from_whoever_has_them_and_nothing_else_comes(join):
    first, second, third = (
        Other("a", {b"1": b"one", b"9": b"nine"}),
        Other("b", {b"2": b"two"}),
        Other("c", {b"1": b"1"}),
    )
    peers, _ = join(first, second, third)
    assert fetch(peers, [b"1", b"2"]) == {b"1": b"one", b"2": b"two"}
    assert (second.asked, third.asked) == ([[b"2"]], [])
    assert fetch(peers, [b"3"]) == {}
    assert fetch(peers, []) == {}


def test_what_one_peer_serves_wrongly_is_asked_of_the_next(join):
    peers, _ = join(Other("a", {b"1": b"forged"}), Other("b", {b"1": b"one"}))
    assert fetch(peers, [b"1"], lambda _digest, wire: wire == b"one") == {b"1": b"one"}


def test_what_nodes_know_is_put_together(join):
    peers, _ = join(Other("a", {b"1": b"one"}), Other("b", {b"1": b"one", b"2": b"two"}), Other("c", breaks=OSError()))
    assert peers.unreported(5) == {b"1", b"2"}
    assert peers.proposals_of(1) == [PROPOSAL, PROPOSAL]
    assert peers.proposals_of(2) == []
    assert peers.last_signed_epoch() == 2


def test_nobody_knows_anything_alone(join):
    peers, _ = join()
    assert (peers.unreported(5), peers.proposals_of(1), peers.last_signed_epoch()) == (set(), [], 0)


def test_a_node_that_left_is_down(join):
    gone = Other("a", {b"1": b"one"})
    peers, leave = join(gone)
    leave("a")
    assert (peers.request_attestations(PROPOSAL), fetch(peers, [b"1"])) == ([], {})
    peers.announce(PROPOSAL, ())
    assert gone.learned == []
