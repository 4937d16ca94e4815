"""A journal whose envelopes were used in reports: hours of two meters, a report an hour."""

from oracle.attestation.proposal import Proposal
from oracle.journal.compilation import compile_proposal, new_entries, report_record
from oracle.reporting.document import canonical_bytes, to_document
from oracle.reporting.report import NO_REPORT

HOUR_S = 3600


def report(journal, fleet, cutoff_s):
    """Settle what is there up to a cutoff, on top of the last report that stands, under a new number, and keep it."""
    last = journal.last_report()
    epoch = max((record.report.epoch for record in journal.reports(disabled=True)), default=0) + 1
    prev = last.report.digest(fleet.domain) if last else NO_REPORT
    registry = fleet.registry()
    manifest = tuple(envelope.digest for envelope in journal.unreported(cutoff_s * 1000))
    proposal = Proposal(epoch, prev, cutoff_s, registry.block, manifest)
    compiled = compile_proposal(journal, proposal, registry, fleet.rules, fleet.signer_set.config_digest(fleet.domain))
    digest = compiled.report.digest(fleet.domain)
    journal.record_signed(epoch, digest, b"\1" * 65, canonical_bytes(to_document(proposal)).decode())
    entries = new_entries(compiled, journal.entries(), fleet.rules.ledger_interval_ms)
    record = report_record(compiled, manifest, fleet.attest(compiled).signatures, registry)
    journal.record_report(record, digest, entries)
    return compiled


def hours(fleet, steady, first, count):
    """Envelopes of both meters, one an hour, four readings each: as the devices would send them."""
    step = 4
    return [
        fleet.envelope(meter, steady(step, from_hour=step * n), first_sequence=step * n)
        for n in range(first, first + count)
        for meter in (0, 1)
    ]


def filled(journal, fleet, steady, reports=3, a_report=2):
    """Fill a journal: after each report's envelopes a stranger's, which no report uses. Return the envelopes reported."""
    sent = []
    for number in range(reports):
        envelopes = hours(fleet, steady, number * a_report, a_report)
        journal.record_envelopes(envelopes, 1000 + number)
        sent += envelopes
        report(journal, fleet, envelopes[-1].last_ms // 1000 + 1)
    return sent
