"""Nodes of one process: each call goes straight to the other node's service."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from oracle.attestation.proposal import Proposal, Refusal
from oracle.attestation.quorum import Attestation
from oracle.peers.port import PeerService

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Exchange:
    """The place where nodes of one process meet."""

    def __init__(self) -> None:
        self._services: dict[str, PeerService] = {}

    def join(self, node: str, service: PeerService) -> None:
        """Add a node."""
        self._services[node] = service

    def leave(self, node: str) -> None:
        """Remove a node: to the others it is down."""
        self._services.pop(node, None)

    def others(self, node: str) -> list[tuple[str, PeerService]]:
        """All nodes but one, by name."""
        return sorted((name, service) for name, service in self._services.items() if name != node)


class InProcessPeers:
    """One node's view of an exchange. A peer may break in any way: then it does not answer, and the others still count."""

    def __init__(self, exchange: Exchange, node: str) -> None:
        self._exchange = exchange
        self._node = node

    def request_attestations(self, proposal: Proposal) -> list[Attestation | Refusal]:
        """Ask every other node."""
        return self._ask_all("attestation", lambda service: service.attest(proposal))

    def fetch_envelopes(self, digests: Iterable[bytes], sound: Callable[[bytes, bytes], bool]) -> None:
        """Ask one node after the other for what is still missing."""
        missing = set(digests)
        for name, service in self._exchange.others(self._node):
            if not missing:
                break
            try:
                served = service.serve_envelopes(sorted(missing))
                missing -= {digest for digest, wire in served.items() if digest in missing and sound(digest, wire)}
            except Exception as error:  # noqa: BLE001  see the class
                log.warning("%s: no envelopes from %s: %s", self._node, name, error)

    def announce(self, proposal: Proposal, signatures: tuple[bytes, ...]) -> None:
        """Tell every other node; one that does not hear it takes the report in from the chain later."""
        self._ask_all("note taken", lambda service: service.learn(proposal, signatures))

    def unreported(self, cutoff_s: int) -> set[bytes]:
        """Digests that any other node would put into the next report."""
        return {digest for told in self._ask_all("list", lambda one: one.unreported(cutoff_s)) for digest in told}

    def proposals_of(self, epoch: int) -> list[Proposal]:
        """What other nodes know the report of an epoch to be made of."""
        told = self._ask_all("proposal", lambda service: service.proposal_of(epoch))
        return [proposal for proposal in told if proposal is not None]

    def last_signed_epoch(self) -> int:
        """Highest epoch of which any other node signed a report."""
        return max(self._ask_all("epoch", lambda service: service.last_signed_epoch()), default=0)

    def _ask_all(self, what: str, question: Callable[[PeerService], Answer]) -> list[Answer]:
        answers = []
        for name, service in self._exchange.others(self._node):
            try:
                answers.append(question(service))
            except Exception as error:  # noqa: BLE001  see the class
                log.warning("%s: no %s from %s: %s", self._node, what, name, error)
        return answers
