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

    def learn(self, proposal, signatures):
        self._maybe_break()
        self.learned.append((proposal, signatures))


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
    assert peers.fetch_envelopes([b"1"]) == {b"1": b"one"}
    peers.announce(PROPOSAL, (b"s",))
    assert fine.learned == [(PROPOSAL, (b"s",))]


def test_envelopes_come_from_whoever_has_them_and_nothing_else_comes(join):
    first, second, third = (
        Other("a", {b"1": b"one", b"9": b"nine"}),
        Other("b", {b"2": b"two"}),
        Other("c", {b"1": b"1"}),
    )
    peers, _ = join(first, second, third)
    assert peers.fetch_envelopes([b"1", b"2"]) == {b"1": b"one", b"2": b"two"}
    assert (second.asked, third.asked) == ([[b"2"]], [])
    assert peers.fetch_envelopes([b"3"]) == {}
    assert peers.fetch_envelopes([]) == {}


def test_a_node_that_left_is_down(join):
    gone = Other("a", {b"1": b"one"})
    peers, leave = join(gone)
    leave("a")
    assert (peers.request_attestations(PROPOSAL), peers.fetch_envelopes([b"1"])) == ([], {})
    peers.announce(PROPOSAL, ())
    assert gone.learned == []
