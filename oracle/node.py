"""One oracle node: hears telemetry, compiles reports, attests what it computed itself, and leads when it is its turn.

This is the only place in the oracle that reads the clock.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from oracle.attestation.proposal import Proposal, Refusal
from oracle.attestation.quorum import Attestation, AttestedReport, assemble, check_quorum
from oracle.errors import OracleError, ReportError
from oracle.headend.receiver import HeadEnd
from oracle.journal.journal import Journal
from oracle.keyring.port import Keyring
from oracle.peers.port import Peers
from oracle.reporter import Reporter
from oracle.reporting.document import canonical_bytes, to_document
from oracle.reporting.registry import RegistrySnapshot
from oracle.reporting.rules import Rules
from oracle.transmitter.port import Chain
from oracle.transmitter.settling import Settler

log = logging.getLogger(__name__)

REGISTRY_AGE_MS = 30_000
"""The head-end's view of the registry is read again after so long [ms]."""


def system_clock_ms() -> int:
    """Now [ms UTC]."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Published:
    """A report that this node brought on chain."""

    attested: AttestedReport
    transaction: str
    settlements: tuple[str, ...]
    """Hashes of the transactions that settled what is active: this report, or while it is pending the one before."""
    refusals: tuple[Refusal, ...]
    """Which nodes would not attest, and why."""


class Node:
    """One of the independent nodes. Every figure it signs is one it computed from envelopes in its own journal."""

    def __init__(  # noqa: PLR0913  the composition names each part
        self,
        *,
        name: str,
        network: str,
        keyring: Keyring,
        journal: Journal,
        chain: Chain,
        peers: Peers,
        rules: Rules,
        clock_ms: Callable[[], int] = system_clock_ms,
    ) -> None:
        self.name = name
        self.journal = journal
        self.keyring = keyring
        self.network = network
        self._chain = chain
        self._peers = peers
        self._clock_ms = clock_ms
        self._attesting = threading.RLock()
        self._reporter = Reporter(network, journal, chain, peers, rules)
        self._settler = Settler(journal, chain)
        self.refresh_registry()
        self.headend = HeadEnd(
            node=name,
            network=network,
            journal=journal,
            ack_key=keyring.ack_key,
            registry=self.current_registry,
            clock_ms=clock_ms,
        )

    def current_registry(self) -> RegistrySnapshot:
        """The registry that telemetry is held against, read again when it is older than `REGISTRY_AGE_MS`."""
        if self._clock_ms() - self._registry_read_ms > REGISTRY_AGE_MS:
            try:
                self.refresh_registry()
            except OracleError as error:
                log.warning("%s: goes on with the registry as it was: %s", self.name, error)
        return self._registry

    def refresh_registry(self) -> RegistrySnapshot:
        """Read the registry again."""
        self._registry_read_ms = self._clock_ms()
        self._registry = self._chain.registry_at(self._chain.finalized_block())
        return self._registry

    def lead(self, cutoff_s: int) -> Published | None:
        """Publish one report, first what was begun and not finished, else a new one; then settle what is active.

        Args:
            cutoff_s: readings up to this instant are considered [s UTC].

        Returns:
            What was published, or None if too few nodes attest (each refusal is logged). What was begun may have an
            earlier cutoff: lead again for the rest.

        Raises:
            ChainError: the chain refuses or cannot be reached. Nothing is lost: leading again goes on from where the chain stands.
            ReportError: a report on chain cannot be computed here.

        """
        with self._attesting:
            self._reporter.catch_up(self._clock_ms())
        for proposal in self._reporter.unfinished():
            published = self._try(proposal)
            if published is not None:
                return published
        return self._try(self._reporter.draft(cutoff_s, self._clock_ms()))

    def _try(self, proposal: Proposal) -> Published | None:
        """Gather attestations for a proposal; with a quorum, publish, and settle what is active."""
        own = self.attest(proposal)
        answers = [own, *self._peers.request_attestations(proposal)]
        refusals = tuple(answer for answer in answers if isinstance(answer, Refusal))
        for refusal in refusals:
            log.warning("%s: %s refuses epoch %d: %s", self.name, refusal.node, proposal.epoch, refusal.reason)
        attestations = [answer for answer in answers if isinstance(answer, Attestation)]
        try:
            compiled = self._reporter.compile(proposal)
            attested = assemble(compiled.report, self._chain.domain, self._chain.signer_set(), attestations)
        except ReportError as error:
            log.warning("%s: no quorum: %s", self.name, error)
            return None
        transaction = self._chain.publish(attested)
        with self._attesting:
            self._reporter.record(proposal, compiled, attested.signatures)
        self._peers.announce(proposal, attested.signatures)
        return Published(attested, transaction, self.settle(), refusals)

    def settle(self) -> tuple[str, ...]:
        """Settle what has become active and was not settled, here or by another node; return the transactions' hashes.

        With an activation delay that is later than the publishing: call it again and again.

        Raises:
            ChainError: the chain refuses or cannot be reached. Nothing is lost: another call goes on.

        """
        return tuple(self._settler.settle())

    def attest(self, proposal: Proposal) -> Attestation | Refusal:
        """Sign the proposed report, if it follows from what this node has.

        Signs only if
          - the epoch is beyond the chain's, and `prev` is the chain's last report and this node's own;
          - the cutoff is past and beyond the last one;
          - the registry is the newest final one;
          - the manifest is ascending, leaves out nothing that this node has had for a while, and every envelope in it is verified, listed,
            signed by the listed key and not used before;
          - this node has signed no other report of that epoch, ever.
        """
        with self._attesting:
            try:
                self._reporter.catch_up(self._clock_ms())
                signed = self.journal.signed(proposal.epoch)
                if signed is not None and self._chain.position().digest == proposal.prev:
                    if self._reporter.proposal_of(proposal.epoch) != proposal:
                        return Refusal(
                            self.name, f"epoch {proposal.epoch}: this node has signed another report already"
                        )
                    return Attestation(proposal.epoch, signed[0], self.keyring.address, signed[1])
                self.refresh_registry()
                self._reporter.check(proposal, self._clock_ms())
                self._reporter.fetch_missing(proposal, self._clock_ms())
                digest = self._reporter.compile(proposal).report.digest(self._chain.domain)
                signature = self.keyring.sign_report(digest)
                document = canonical_bytes(to_document(proposal)).decode()
                self.journal.record_signed(proposal.epoch, digest, signature, document)
            except OracleError as error:
                return Refusal(self.name, str(error))
        return Attestation(proposal.epoch, digest, self.keyring.address, signature)

    def serve_envelopes(self, digests: Iterable[bytes]) -> Mapping[bytes, bytes]:
        """Return the named envelopes as signed, those that this node has."""
        found = {digest: self.journal.wire(digest) for digest in digests}
        return {digest: wire for digest, wire in found.items() if wire is not None}

    def unreported(self, cutoff_s: int) -> tuple[bytes, ...]:
        """Digests of envelopes up to a cutoff [s UTC] that this node would put into the next report."""
        return self._reporter.unreported(cutoff_s, self._registry)

    def proposal_of(self, epoch: int) -> Proposal | None:
        """What this node knows the report of an epoch to be made of."""
        return self._reporter.proposal_of(epoch)

    def last_signed_epoch(self) -> int:
        """Highest epoch of which this node signed a report."""
        return self.journal.last_signed_epoch()

    def learn(self, proposal: Proposal, signatures: tuple[bytes, ...]) -> None:
        """Take note of a report that was published, after computing it here too.

        Raises:
            ReportError: it is not what this node computes, or its quorum does not hold.

        """
        with self._attesting:
            now_ms = self._clock_ms()
            self._reporter.let_go_of_disabled()
            self._reporter.fetch_missing(proposal, now_ms)
            compiled = self._reporter.compile(proposal)
            if self._chain.digest_at(proposal.epoch) != compiled.report.digest(self._chain.domain):
                raise ReportError(f"epoch {proposal.epoch}: the chain holds another report than this node computes")
            check_quorum(AttestedReport(compiled.report, signatures), self._chain.domain, self._chain.signer_set())
            self._reporter.record(proposal, compiled, signatures)
