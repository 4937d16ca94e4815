"""Do the books balance? Both sides counted anew: attested energy from every journal, minted figures from the chain.

Nothing that was summed before is trusted: each journal's rows are held against their links and signatures, each report
is compiled again from the envelopes it names and held against the digest on chain, and each ledger entry against that
settlement.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from oracle.attestation.proposal import Proposal
from oracle.attestation.quorum import check_quorum
from oracle.errors import OracleError
from oracle.journal.compilation import compile_proposal, new_entries, report_record
from oracle.journal.journal import Journal
from oracle.journal.records import ReportRecord
from oracle.metering.ledger import Entry, taken_back_entries
from oracle.reporting.report import NO_REPORT, Report
from oracle.reporting.rules import Rules
from oracle.transmitter.port import Chain, Minted


@dataclass(frozen=True)
class AssetBooks:
    """Both sides of one asset's books."""

    asset_id: str
    attested_wh: int
    withheld_wh: int
    disputed_wh: int
    minted_wh: int
    credits_g: int
    revenue_minor: int


@dataclass
class Books:
    """The outcome of a check."""

    assets: list[AssetBooks] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    """What does not add up, in plain words; empty if the books balance."""

    @property
    def balanced(self) -> bool:
        """Whether nothing was found, in books that are not empty."""
        return not self.findings and bool(self.assets)

    def total(self, figure: str) -> int:
        """Sum of one figure of `AssetBooks` over all assets."""
        return sum(getattr(asset, figure) for asset in self.assets)


def check_books(journals: Mapping[str, Journal], chain: Chain, rules: Rules) -> Books:
    """Count both sides anew.

    Args:
        journals: every node's journal, by node.
        chain: a client that shares nothing with the nodes.
        rules: factors and tariffs, whose digest the reports must name.

    """
    books = Books()
    for node, journal in journals.items():
        books.findings += [f"{node}: {fault}" for fault in _faults_of(journal, chain, rules)]
    known = [record for node, journal in journals.items() if (record := _last_report(journal, books, node)) is not None]
    if not known:
        books.findings.append("no journal holds a report")
        return books
    books.findings += _signature_faults(journals)
    newest = max(known, key=lambda record: record.report.epoch)
    books.assets = [_asset_books(asset.asset_id, newest, chain, books) for asset in newest.assets]
    return books


def _last_report(journal: Journal, books: Books, node: str) -> ReportRecord | None:
    try:
        return journal.last_report()
    except OracleError as error:
        books.findings.append(f"{node}: its last report cannot be read: {error}")
        return None


def _faults_of(journal: Journal, chain: Chain, rules: Rules) -> list[str]:
    """What is wrong with one journal, by itself and against the chain."""
    faults = journal.faults()
    try:
        faults += _recomputed_faults(journal, chain, rules)
        reports = journal.reports()
        if reports_end(reports, chain) != chain.position().digest:
            last = reports[-1].report.epoch if reports else 0
            faults.append(f"ends at epoch {last}, the chain at {chain.position().epoch}")
    except (OracleError, ValueError) as error:
        faults.append(str(error))
    return faults


def reports_end(reports: list[ReportRecord], chain: Chain) -> bytes:
    """Digest of the last report."""
    return reports[-1].report.digest(chain.domain) if reports else NO_REPORT


def _recomputed_faults(journal: Journal, chain: Chain, rules: Rules) -> list[str]:
    """Compile every report again, those that were disabled too, and hold it and what it booked against the journal."""
    faults: list[str] = []
    entries: list[Entry] = []
    used: dict[bytes, int] = {}
    standing: list[Report] = []
    for record in journal.reports(disabled=True):
        while standing and record.report.prev != standing[-1].digest(chain.domain):
            entries += taken_back_entries(standing.pop().epoch, entries)
        faults += _report_faults(record, journal, chain, rules, entries)
        standing.append(record.report)
    disabled = set(journal.disabled_epochs())
    while standing and standing[-1].epoch in disabled:
        entries += taken_back_entries(standing.pop().epoch, entries)
    for record in journal.reports():
        used |= dict.fromkeys(record.manifest, record.report.epoch)
    if entries != journal.entries():
        faults.append("the ledger entries are not what the reports settled")
    if used != journal.used():
        faults.append("the envelopes marked as used are not those that the reports name")
    if [report.epoch for report in standing] != [record.report.epoch for record in journal.reports()]:
        faults.append("the reports that count are not those that build on each other")
    return faults


def _report_faults(
    record: ReportRecord, journal: Journal, chain: Chain, rules: Rules, entries: list[Entry]
) -> list[str]:
    """Compile one report again; append the ledger entries it should have made."""
    report = record.report
    proposal = Proposal(report.epoch, report.prev, report.cutoff_s, report.registry_block, record.manifest)
    registry = chain.registry_at(report.registry_block)
    compiled = compile_proposal(journal, proposal, registry, rules, report.config_digest)
    entries += new_entries(compiled, entries, rules.ledger_interval_ms)
    faults = []
    on_chain = chain.digest_at(report.epoch)
    if on_chain == NO_REPORT and report.epoch in journal.disabled_epochs():
        on_chain = chain.published(report.epoch).report.digest(chain.domain)
    if compiled.report.digest(chain.domain) != on_chain:
        faults.append(f"epoch {report.epoch}: the envelopes do not give the report that is on chain")
    if record != report_record(compiled, tuple(sorted(set(record.manifest))), record.signatures, registry):
        faults.append(f"epoch {report.epoch}: what is kept of the report is not what the envelopes give")
    signers = chain.signer_set()
    if signers.config_digest(chain.domain) == report.config_digest:
        check_quorum(record.attested, chain.domain, signers)
    return faults


def _signature_faults(journals: Mapping[str, Journal]) -> list[str]:
    """Signatures of a quorum that none of the journals remembers to have given."""
    try:
        records = {record.report.epoch: record for journal in journals.values() for record in journal.reports()}
        given = {
            (epoch, row[1]) for epoch in records for journal in journals.values() if (row := journal.signed(epoch))
        }
    except (OracleError, ValueError):
        return []  # the journal at fault is named already
    return [
        f"epoch {epoch}: no journal remembers a signature of its quorum"
        for epoch, record in sorted(records.items())
        for signature in record.signatures
        if (epoch, signature) not in given
    ]


def _asset_books(asset_id: str, newest: ReportRecord, chain: Chain, books: Books) -> AssetBooks:
    attested = minted_wh = credits_g = revenue_minor = 0
    for statement in newest.statements:
        if statement.asset_id != asset_id:
            continue
        attested += statement.energy_wh.net
        minted = chain.minted(asset_id, statement.vintage)
        stated = Minted(statement.energy_wh.net, statement.credits_g.net, statement.revenue_minor.net)
        if minted != stated:
            books.findings.append(f"{asset_id}, vintage {statement.vintage}: attested {stated}, minted {minted}")
        minted_wh += minted.energy_wh
        credits_g += minted.credits_g
        revenue_minor += minted.revenue_minor
    settlement = json.loads(newest.settlement_of(asset_id) or '{"meters": []}')
    settled = {
        name: sum(meter[name] for meter in settlement["meters"])
        for name in ("attested_wh", "withheld_wh", "disputed_wh")
    }
    return AssetBooks(
        asset_id, attested, settled["withheld_wh"], settled["disputed_wh"], minted_wh, credits_g, revenue_minor
    )
