"""From the journal to a report and back: compile what a proposal names, and keep what was published."""

from collections.abc import Iterable

from oracle.attestation.proposal import Proposal
from oracle.errors import JournalError, ReportError
from oracle.journal.journal import Journal
from oracle.journal.records import ReportRecord
from oracle.metering.ledger import AccountKey, Entry, accounts, balances, entries_between
from oracle.reporting.compilation import Basis, Compiled, compile_report
from oracle.reporting.document import canonical_bytes
from oracle.reporting.registry import RegistrySnapshot
from oracle.reporting.rules import Rules


def compile_proposal(
    journal: Journal, proposal: Proposal, registry: RegistrySnapshot, rules: Rules, config_digest: bytes
) -> Compiled:
    """Compile a proposed report from a journal's envelopes, on top of the report that it follows and those before.

    Raises:
        ReportError: a report before it or an envelope is missing, or an envelope is used twice or does not count by the
            registry or the rules.

    """
    try:
        earlier = journal.reports_to(proposal.prev)
    except JournalError as error:
        raise ReportError(f"epoch {proposal.epoch}: {error}") from error
    basis = Basis(
        epoch=proposal.epoch,
        prev=proposal.prev,
        cutoff_s=proposal.cutoff_s,
        config_digest=config_digest,
        registry=registry,
        rules=rules,
        statements=earlier[-1].statements_by_key if earlier else {},
    )
    try:
        used_before = list(journal.envelopes(digest for record in earlier for digest in record.manifest))
        new = list(journal.envelopes(proposal.manifest))
    except JournalError as error:
        raise ReportError(f"epoch {proposal.epoch}: {error}") from error
    return compile_report(basis, used_before, new)


def report_record(
    compiled: Compiled, manifest: tuple[bytes, ...], signatures: tuple[bytes, ...], registry: RegistrySnapshot
) -> ReportRecord:
    """Put together what a journal keeps of a published report."""
    return ReportRecord(
        report=compiled.report,
        signatures=signatures,
        manifest=manifest,
        statements=tuple(statement for _, statement in sorted(compiled.statements.items())),
        settlements=tuple(
            (asset_id, canonical_bytes(settled.document).decode())
            for asset_id, settled in sorted(compiled.settlements.items())
        ),
        projects=tuple(project for _, project in sorted(registry.projects.items())),
        assets=tuple(asset for _, asset in sorted(registry.assets.items())),
        meters=tuple(meter for _, listed in sorted(registry.meters.items()) for meter in listed),
    )


def new_entries(compiled: Compiled, entries: Iterable[Entry], interval_ms: int) -> list[Entry]:
    """Return the ledger entries that bring the accounts from what `entries` add up to, to what a report settled."""
    by_asset: dict[str, list[Entry]] = {}
    for entry in entries:
        by_asset.setdefault(entry.asset_id, []).append(entry)
    made = []
    for asset_id, settled in sorted(compiled.settlements.items()):
        booked: dict[AccountKey, int] = {}
        for settlement in settled.meters.values():
            booked |= accounts(settlement, interval_ms)
        made += entries_between(compiled.report.epoch, asset_id, balances(by_asset.get(asset_id, [])), booked)
    return made
