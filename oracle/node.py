"""One oracle node: hears telemetry, compiles reports, attests what it computed itself, and leads when it is its turn.

This is the only place in the oracle that reads the clock.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from devices.telemetry import TelemetryError, decode, verify_signature
from oracle.attestation.proposal import Proposal, Refusal
from oracle.attestation.quorum import Attestation, AttestedReport, assemble, check_quorum
from oracle.errors import OracleError, ReportError
from oracle.headend.receiver import HeadEnd
from oracle.journal.compilation import compile_proposal, new_entries, report_record
from oracle.journal.journal import Journal
from oracle.keyring.port import Keyring
from oracle.peers.port import Peers
from oracle.reporting.compilation import Compiled
from oracle.reporting.document import canonical_bytes, from_document, parse_json, to_document
from oracle.reporting.registry import RegistrySnapshot
from oracle.reporting.report import NO_REPORT
from oracle.reporting.rules import Rules
from oracle.transmitter.port import Chain

log = logging.getLogger(__name__)


def system_clock_ms() -> int:
    """Now [ms UTC]."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Published:
    """A report that this node brought on chain."""

    attested: AttestedReport
    transaction: str
    settlements: tuple[str, ...]
    """Hashes of the transactions that minted from it."""
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
        self._rules = rules
        self._clock_ms = clock_ms
        self._attesting = threading.Lock()
        self._registry = chain.registry_at(chain.finalized_block())
        self.headend = HeadEnd(
            node=name,
            network=network,
            journal=journal,
            ack_key=keyring.ack_key,
            registry=lambda: self._registry,
            clock_ms=clock_ms,
        )

    def refresh_registry(self) -> RegistrySnapshot:
        """Read the registry again: what the head-end holds telemetry against."""
        self._registry = self._chain.registry_at(self._chain.finalized_block())
        return self._registry

    def lead(self, cutoff_s: int) -> Published | None:
        """Propose, gather attestations, publish and settle one report.

        Args:
            cutoff_s: readings up to this instant are considered [s UTC].

        Returns:
            What was published, or None if too few nodes attested (each refusal is logged).

        Raises:
            ChainError: the chain refused or cannot be reached; nothing is lost, the same proposal is made again.

        """
        proposal = self._proposal(cutoff_s)
        own = self.attest(proposal)
        answers = [own, *self._peers.request_attestations(proposal)]
        refusals = tuple(answer for answer in answers if isinstance(answer, Refusal))
        for refusal in refusals:
            log.warning("%s: %s refuses epoch %d: %s", self.name, refusal.node, proposal.epoch, refusal.reason)
        if isinstance(own, Refusal):
            return None
        compiled = self._compile(proposal)
        attestations = [answer for answer in answers if isinstance(answer, Attestation)]
        try:
            attested = assemble(compiled.report, self._chain.domain, self._chain.signer_set(), attestations)
        except ReportError as error:
            log.warning("%s: no quorum: %s", self.name, error)
            return None
        transaction = self._chain.publish(attested)
        self._record(proposal, compiled, attested.signatures)
        self._peers.announce(proposal, attested.signatures)
        paths = [
            (statement, compiled.tree.proof(statement.leaf)) for _, statement in sorted(compiled.statements.items())
        ]
        settled = self._chain.settle(compiled.report.epoch, paths)
        return Published(attested, transaction, tuple(settled), refusals)

    def attest(self, proposal: Proposal) -> Attestation | Refusal:
        """Sign the proposed report, if it follows from what this node has.

        Signs only if
          - the epoch is the chain's next, and `prev` the chain's last report and this node's own;
          - the cutoff is past and beyond the last one, the registry block is final;
          - the manifest is ascending and every envelope in it is verified, listed and not used before;
          - this node has signed no other report of that epoch.
        """
        with self._attesting:
            try:
                self._check_position(proposal)
                self._fetch_missing(proposal)
                report = self._compile(proposal).report
                digest = report.digest(self._chain.domain)
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

    def learn(self, proposal: Proposal, signatures: tuple[bytes, ...]) -> None:
        """Take note of a report that was published, after computing it here too.

        Raises:
            ReportError: it is not what this node computes, or its quorum does not hold.

        """
        with self._attesting:
            self._fetch_missing(proposal)
            compiled = self._compile(proposal)
            check_quorum(AttestedReport(compiled.report, signatures), self._chain.domain, self._chain.signer_set())
            if self._chain.digest_at(proposal.epoch) != compiled.report.digest(self._chain.domain):
                raise ReportError(f"epoch {proposal.epoch}: the chain holds another report than this node computes")
            self._record(proposal, compiled, signatures)

    def _proposal(self, cutoff_s: int) -> Proposal:
        """Propose what is new; if this node has signed that epoch already, propose the same again."""
        position = self._chain.position()
        signed = self.journal.signed(position.epoch + 1)
        if signed is not None:
            return from_document(Proposal, parse_json(signed[2].encode()), "proposal")
        registry = self.refresh_registry()
        manifest = tuple(
            digest
            for digest, device, meter in self.journal.unreported(cutoff_s * 1000)
            if (device, meter) in registry.meters_by_device
        )
        return Proposal(position.epoch + 1, position.digest, cutoff_s, registry.block, manifest)

    def _check_position(self, proposal: Proposal) -> None:
        position = self._chain.position()
        if (proposal.epoch, proposal.prev) != (position.epoch + 1, position.digest):
            raise ReportError(f"epoch {proposal.epoch}: the chain's next is {position.epoch + 1}")
        last = self.journal.last_report()
        own = last.report.digest(self._chain.domain) if last else NO_REPORT
        if proposal.prev != own:
            raise ReportError(f"epoch {proposal.epoch}: this node does not hold the report before it")
        if not position.cutoff_s < proposal.cutoff_s <= self._clock_ms() // 1000:
            raise ReportError(
                f"epoch {proposal.epoch}: cutoff {proposal.cutoff_s} is not past, or not beyond {position.cutoff_s}"
            )
        if proposal.registry_block > self._chain.finalized_block():
            raise ReportError(f"epoch {proposal.epoch}: registry block {proposal.registry_block} is not final")
        if list(proposal.manifest) != sorted(set(proposal.manifest)):
            raise ReportError(f"epoch {proposal.epoch}: the manifest is not ascending")

    def _fetch_missing(self, proposal: Proposal) -> None:
        missing = [digest for digest in proposal.manifest if not self.journal.has_envelope(digest)]
        if not missing:
            return
        fetched = self._peers.fetch_envelopes(missing)
        envelopes = []
        for digest in missing:
            try:
                envelope = decode(fetched.get(digest, b""), network=self.network)
                verify_signature(envelope)
            except TelemetryError as error:
                raise ReportError(
                    f"epoch {proposal.epoch}: no peer serves envelope {digest.hex()} ({error.reason})"
                ) from error
            if envelope.digest != digest:
                raise ReportError(f"epoch {proposal.epoch}: a peer served another envelope than {digest.hex()}")
            envelopes.append(envelope)
        self.journal.record_envelopes(envelopes, self._clock_ms())

    def _compile(self, proposal: Proposal) -> Compiled:
        registry = self._chain.registry_at(proposal.registry_block)
        config_digest = self._chain.signer_set().config_digest(self._chain.domain)
        return compile_proposal(self.journal, proposal, registry, self._rules, config_digest)

    def _record(self, proposal: Proposal, compiled: Compiled, signatures: tuple[bytes, ...]) -> None:
        registry = self._chain.registry_at(proposal.registry_block)
        record = report_record(compiled, proposal.manifest, signatures, registry)
        entries = new_entries(compiled, self.journal.entries(), self._rules.ledger_interval_ms)
        self.journal.record_report(record, compiled.report.digest(self._chain.domain), entries)
