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
from oracle.metering.ledger import Entry
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
        entries: list[Entry] = []
        used: dict[bytes, int] = {}
        reports = journal.reports()
        for record in reports:
            faults += _report_faults(record, journal, chain, rules, entries)
            used |= dict.fromkeys(record.manifest, record.report.epoch)
        if entries != journal.entries():
            faults.append("the ledger entries are not what the reports settled")
        if used != journal.used():
            faults.append("the envelopes marked as used are not those that the reports name")
        last, on_chain = reports[-1].report.epoch if reports else 0, chain.position().epoch
        if last != on_chain:
            faults.append(f"ends at epoch {last}, the chain at {on_chain}")
    except (OracleError, ValueError) as error:
        faults.append(str(error))
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
    if compiled.report.digest(chain.domain) != chain.digest_at(report.epoch):
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
        stated = Minted(
            statement.energy_wh.net, minted.carbon_energy_wh, statement.credits_g.net, statement.revenue_minor.net
        )
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
