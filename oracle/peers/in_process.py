"""Nodes of one process: each call goes straight to the other node's service."""

import logging
from collections.abc import Iterable

from oracle.attestation.proposal import Proposal, Refusal
from oracle.attestation.quorum import Attestation
from oracle.peers.port import PeerService

log = logging.getLogger(__name__)


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
    """One node's view of an exchange."""

    def __init__(self, exchange: Exchange, node: str) -> None:
        self._exchange = exchange
        self._node = node

    def request_attestations(self, proposal: Proposal) -> list[Attestation | Refusal]:
        """Ask every other node; one that breaks counts as one that does not answer."""
        answers: list[Attestation | Refusal] = []
        for name, service in self._exchange.others(self._node):
            try:
                answers.append(service.attest(proposal))
            except Exception as error:  # noqa: BLE001  a peer may break in any way, and the others still count
                log.warning("%s: no attestation of epoch %d from %s: %s", self._node, proposal.epoch, name, error)
        return answers

    def fetch_envelopes(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        """Ask one node after the other for what is still missing."""
        missing = set(digests)
        found: dict[bytes, bytes] = {}
        for name, service in self._exchange.others(self._node):
            if not missing:
                break
            try:
                served = service.serve_envelopes(sorted(missing))
            except Exception as error:  # noqa: BLE001  a peer may break in any way, and the next one is asked
                log.warning("%s: no envelopes from %s: %s", self._node, name, error)
                continue
            found |= {digest: wire for digest, wire in served.items() if digest in missing}
            missing -= served.keys()
        return found

    def announce(self, proposal: Proposal, signatures: tuple[bytes, ...]) -> None:
        """Tell every other node; one that breaks will learn from the chain later."""
        for name, service in self._exchange.others(self._node):
            try:
                service.learn(proposal, signatures)
            except Exception as error:  # noqa: BLE001  a peer may break in any way, and the others still learn
                log.warning("%s: %s could not take note of epoch %d: %s", self._node, name, proposal.epoch, error)
