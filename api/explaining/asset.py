"""An asset's interval explained out of one journal, by the registry of its last report and the rules it was made by."""

from pathlib import Path

from api.explaining.explain import Interval, explain_meter
from api.explaining.history import read_history
from api.explaining.sources import Explanation
from oracle.journal.journal import Journal
from oracle.journal.records import ReportRecord
from oracle.metering.site import settle_site
from oracle.reporting.asset_settlement import site_meters
from oracle.reporting.rules import Rules

ALWAYS_MS = 2**62
"""Later than any reading [ms UTC]."""


def explain_asset(  # noqa: PLR0913, PLR0917  where it is read, and what is asked
    journal: Journal, path: Path, record: ReportRecord, rules: Rules, asset_id: str, start_ms: int, end_ms: int
) -> Explanation:
    """Explain why an asset's energy was attested, withheld or disputed.

    The signatures were verified before the envelopes were journaled; they are not verified again here.

    Args:
        journal: where the envelopes are.
        path: its file, from which the ledger is read.
        record: the last report, whose registry says which meters there are.
        rules: limits by which the meters are judged.
        asset_id: which asset; the registry has it.
        start_ms: from when [ms UTC].
        end_ms: until when [ms UTC], later.

    Raises:
        JournalError: an archive is missing or damaged.
        ConfigError: the journal cannot be read.

    """
    listed = record.registry.listed(asset_id)
    envelopes = [
        envelope for meter in listed.meters for envelope in journal.envelopes_of_meter(meter.meter_id, 0, ALWAYS_MS)
    ]
    site = site_meters(listed, envelopes, rules)
    last = [int(one.export.time_ms.max()) for one in site.values() if len(one.export)]
    settled = settle_site(list(site.values()), max(last, default=0))
    asked = Interval(start_ms, end_ms, listed.asset.utc_offset_s)
    named = [one.meter.meter_id for one in site.values()]
    meters = tuple(
        explain_meter(one.role.value, one.export, settled[one.meter.meter_id], asked) for one in site.values()
    )
    same = (
        "the rules that it was made by"
        if rules.digest == record.report.rules_digest
        else "OTHER rules than it was made by"
    )
    ground = f"{len(envelopes)} envelopes, by the registry of report {record.report.epoch} and {same}"
    return Explanation(asset_id, asked, meters, read_history([path], asset_id, named, asked), (ground,))
