"""Reports as one node sees them: draft one, compute it, hold a proposal against the own journal, keep what was published."""

import logging

from devices.telemetry import Envelope, TelemetryError, decode, verify_signature
from oracle.attestation.proposal import Proposal
from oracle.attestation.quorum import check_quorum
from oracle.errors import ReportError
from oracle.journal.compilation import compile_proposal, new_entries, report_record
from oracle.journal.journal import Journal
from oracle.peers.port import Peers
from oracle.reporting.compilation import Compiled, countable
from oracle.reporting.document import from_document, parse_json
from oracle.reporting.registry import RegistrySnapshot
from oracle.reporting.report import NO_REPORT
from oracle.reporting.rules import Rules
from oracle.transmitter.port import Chain

log = logging.getLogger(__name__)

GRACE_MS = 60_000
"""An envelope that has been here for longer must be in a manifest [ms]; peers may not have had a younger one in time."""
MOST_SKIPPED_EPOCHS = 16
"""A proposal may skip so many epochs that were signed and never published."""


class Reporter:
    """Reports as one node computes them. Time is an argument throughout."""

    def __init__(self, network: str, journal: Journal, chain: Chain, peers: Peers, rules: Rules) -> None:
        self._network = network
        self._journal = journal
        self._chain = chain
        self._peers = peers
        self._rules = rules
        self._compiled: tuple[tuple[Proposal, bytes], Compiled] | None = None

    def draft(self, cutoff_s: int, now_ms: int) -> Proposal:
        """Propose everything that is new, here or with a peer, under an epoch that nobody has signed for."""
        position = self._chain.position()
        registry = self._chain.registry_at(self._chain.finalized_block())
        self._fetch(self._peers.unreported(cutoff_s), registry, now_ms)
        manifest = self.unreported(cutoff_s, registry)
        signed = max(position.epoch, self._journal.last_signed_epoch(), self._peers.last_signed_epoch())
        return Proposal(signed + 1, position.digest, cutoff_s, registry.block, manifest)

    def unfinished(self) -> list[Proposal]:
        """Proposals that somebody has signed beyond the last published report, newest first: they may still find their quorum."""
        position = self._chain.position()
        newest = max(self._journal.last_signed_epoch(), self._peers.last_signed_epoch())
        open_epochs = range(max(position.epoch, newest - MOST_SKIPPED_EPOCHS) + 1, newest + 1)
        known: dict[Proposal, None] = {}
        for epoch in reversed(open_epochs):
            own = self.proposal_of(epoch)
            known |= dict.fromkeys([*([own] if own else []), *self._peers.proposals_of(epoch)])
        return [proposal for proposal in known if proposal.prev == position.digest and proposal.epoch in open_epochs]

    def unreported(
        self, cutoff_s: int, registry: RegistrySnapshot, arrived_before_ms: int = 2**63 - 1
    ) -> tuple[bytes, ...]:
        """Digests, ascending, of envelopes here that belong into the next report."""
        found = self._journal.unreported(cutoff_s * 1000, arrived_before_ms)
        return tuple(envelope.digest for envelope in found if countable(envelope, registry, self._rules))

    def proposal_of(self, epoch: int) -> Proposal | None:
        """What this node knows a report to be made of: published, or signed here and still open."""
        record = self._journal.report(epoch)
        if record is not None:
            report = record.report
            return Proposal(epoch, report.prev, report.cutoff_s, report.registry_block, record.manifest)
        signed = self._journal.signed(epoch)
        return from_document(Proposal, parse_json(signed[2].encode()), "proposal") if signed else None

    def check(self, proposal: Proposal, now_ms: int) -> None:
        """Hold a proposal against the chain and this node's journal.

        Raises:
            ReportError: it does not follow; the message says which rule of `Node.attest` is broken.

        """
        position = self._chain.position()
        epoch = f"epoch {proposal.epoch}"
        furthest = max(position.epoch, self._journal.last_signed_epoch()) + MOST_SKIPPED_EPOCHS
        if not position.epoch < proposal.epoch <= furthest:
            raise ReportError(f"{epoch}: the chain is at {position.epoch}, this node goes up to {furthest}")
        if proposal.prev != position.digest:
            raise ReportError(f"{epoch}: it does not follow the chain's last report")
        last = self._journal.last_report()
        if proposal.prev != (last.report.digest(self._chain.domain) if last else NO_REPORT):
            raise ReportError(f"{epoch}: this node does not hold the report before it")
        if not position.cutoff_s < proposal.cutoff_s <= now_ms // 1000:
            raise ReportError(f"{epoch}: cutoff {proposal.cutoff_s} is not past, or not beyond {position.cutoff_s}")
        self._check_registry(proposal)
        self._check_manifest(proposal, now_ms)

    def _check_registry(self, proposal: Proposal) -> None:
        newest = self._chain.finalized_block()
        if proposal.registry_block > newest:
            raise ReportError(f"epoch {proposal.epoch}: registry block {proposal.registry_block} is not final")
        named, now = (self._chain.registry_at(block) for block in (proposal.registry_block, newest))
        if named.tree.root != now.tree.root:
            raise ReportError(f"epoch {proposal.epoch}: the registry has changed since block {proposal.registry_block}")

    def _check_manifest(self, proposal: Proposal, now_ms: int) -> None:
        if list(proposal.manifest) != sorted(set(proposal.manifest)):
            raise ReportError(f"epoch {proposal.epoch}: the manifest is not ascending")
        registry = self._chain.registry_at(proposal.registry_block)
        settled_here = self.unreported(proposal.cutoff_s, registry, now_ms - GRACE_MS)
        left_out = set(settled_here) - set(proposal.manifest)
        if left_out:
            raise ReportError(
                f"epoch {proposal.epoch}: leaves out envelope {min(left_out).hex()} and {len(left_out) - 1} more"
            )

    def fetch_missing(self, proposal: Proposal, now_ms: int) -> None:
        """Get envelopes of a manifest that are not here yet from peers.

        Raises:
            ReportError: nobody serves one of them, or it does not count.

        """
        registry = self._chain.registry_at(proposal.registry_block)
        self._fetch(set(proposal.manifest), registry, now_ms)
        for digest in proposal.manifest:
            if not self._journal.has_envelope(digest):
                raise ReportError(f"epoch {proposal.epoch}: no peer serves envelope {digest.hex()}")

    def _fetch(self, digests: set[bytes], registry: RegistrySnapshot, now_ms: int) -> None:
        """Journal what peers serve of the named envelopes, as strictly as what a gateway sends."""
        missing = [digest for digest in sorted(digests) if not self._journal.has_envelope(digest)]
        if not missing:
            return
        found: dict[bytes, Envelope] = {}

        def sound(digest: bytes, wire: bytes) -> bool:
            try:
                envelope = decode(wire, network=self._network)
                verify_signature(envelope)
            except TelemetryError:
                return False
            if envelope.digest != digest or not countable(envelope, registry, self._rules):
                return False
            found[digest] = envelope
            return True

        self._peers.fetch_envelopes(missing, sound)
        self._journal.record_envelopes(found.values(), now_ms)

    def compile(self, proposal: Proposal, config_digest: bytes | None = None) -> Compiled:
        """Compute a report, under the chain's present signer set or a named configuration."""
        if config_digest is None:
            config_digest = self._chain.signer_set().config_digest(self._chain.domain)
        key = (proposal, config_digest)
        if self._compiled is None or self._compiled[0] != key:
            registry = self._chain.registry_at(proposal.registry_block)
            self._compiled = key, compile_proposal(self._journal, proposal, registry, self._rules, config_digest)
        return self._compiled[1]

    def record(self, proposal: Proposal, compiled: Compiled, signatures: tuple[bytes, ...]) -> None:
        """Keep a published report with the ledger entries it makes."""
        registry = self._chain.registry_at(proposal.registry_block)
        record = report_record(compiled, proposal.manifest, signatures, registry)
        entries = new_entries(compiled, self._journal.entries(), self._rules.ledger_interval_ms)
        self._journal.record_report(record, compiled.report.digest(self._chain.domain), entries)

    def catch_up(self, now_ms: int) -> None:
        """Take in every report that is on chain and not here: after a crash, or after being away. Let go of disabled ones.

        Raises:
            ReportError: nobody knows what a report is made of, or it does not give the digest on chain.

        """
        self.let_go_of_disabled()
        last = self._journal.last_report()
        known = last.report.epoch if last else 0
        for epoch in range(known + 1, self._chain.position().epoch + 1):
            digest = self._chain.digest_at(epoch)
            if digest != NO_REPORT:
                self._take_in(epoch, digest, now_ms)

    def let_go_of_disabled(self) -> None:
        """Go back to the last report that stands, where a guardian has disabled what this node holds beyond it."""
        standing = self._chain.position().digest
        while (last := self._journal.last_report()) is not None and last.report.digest(self._chain.domain) != standing:
            if not self._chain.was_disabled(last.report.epoch):
                return  # the chain has gone on from it, or this view of the chain is behind
            log.warning(
                "epoch %d was disabled by a guardian: its %d envelopes go into the next report",
                last.report.epoch,
                len(last.manifest),
            )
            self._journal.record_disabled(last.report.epoch)

    def _take_in(self, epoch: int, digest: bytes, now_ms: int) -> None:
        attested = self._chain.published(epoch)
        own = self.proposal_of(epoch)
        reasons = []
        for proposal in dict.fromkeys([*([own] if own else []), *self._peers.proposals_of(epoch)]):
            try:
                self.fetch_missing(proposal, now_ms)
                compiled = self.compile(proposal, attested.report.config_digest)
            except ReportError as error:
                reasons.append(str(error))
                continue
            if compiled.report.digest(self._chain.domain) == digest:
                signers = self._chain.signer_set()
                if signers.config_digest(self._chain.domain) == attested.report.config_digest:
                    check_quorum(attested, self._chain.domain, signers)
                self.record(proposal, compiled, attested.signatures)
                log.info("took in epoch %d from the chain", epoch)
                return
        raise ReportError(
            f"epoch {epoch} is on chain, and nothing known here gives it ({'; '.join(reasons) or 'no proposal'})"
        )
