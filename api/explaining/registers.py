"""Registers that can be explained, site by site: of recorded files, of journals by a meters file, or by registry and rules."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from api.configuration.rules import load_rules
from api.settling.journaled_meters import holds_envelopes, load_signed_meters, signed_envelopes
from api.settling.recorded_meters import load_recorded_meters
from api.settling.settle import ObservedMeter, Progress, settle_together
from oracle.errors import ConfigError, JournalError, ReportError
from oracle.journal.archive import is_archive
from oracle.journal.inspection import open_to_read
from oracle.journal.records import ReportRecord
from oracle.metering.collation import Observations
from oracle.metering.settlement import Settlement
from oracle.metering.site import SiteMeter, settle_site
from oracle.reporting.asset_settlement import site_meters
from oracle.reporting.document import from_document, parse_json
from oracle.reporting.rules import Rules


@dataclass(frozen=True, eq=False)
class KnownRegister:
    """One meter's export register and what it is called."""

    meter_id: str
    groups: frozenset[str]
    """What else it may be asked for by: its site or asset, device/meter."""
    role: str
    utc_offset_s: int
    """Standard time where it stands, minus UTC [s]."""
    observations: Observations


@dataclass(frozen=True, eq=False)
class Site:
    """Registers that are settled together, because neighbours judge each other."""

    registers: tuple[KnownRegister, ...]
    settle: Callable[[], Mapping[str, Settlement]]


def load_sites(
    files: Sequence[Path], meters_path: Path | None, rules_path: Path | None, on_progress: Progress = lambda *_: None
) -> tuple[list[Site], list[str]]:
    """Read recorded files, or journals with their archives, and find what each meter's limits are.

    Limits are those of the meters file; of a journal with a rules file, those of the registry in the last report that
    stands and of the rules, as a node settles. Of a journal with neither, nothing can be settled.

    Returns:
        Sites, and notes for the reader.

    Raises:
        ConfigError: a file is refused, or limits are not known.

    """
    signed = [path for path in files if holds_envelopes(path)]
    if signed and len(signed) != len(files):
        raise ConfigError("explain takes recorded files, or journals and archives, not both at once")
    if rules_path is not None and (meters_path is not None or not signed):
        raise ConfigError(
            "--rules is for a journal, in place of --meters: the registry in it says which meters there are"
        )
    try:
        if rules_path is not None:
            return _by_registry(files, rules_path, on_progress)
        if not signed:
            recorded, notes = load_recorded_meters(
                files, meters_path, lambda done: on_progress("reading files", done, len(files))
            )
            return _by_entries(recorded), notes
        if meters_path is None:
            return [], [
                "without --rules or --meters only the journal's ledger is told: a limit is needed to judge readings"
            ]
        known, notes = load_signed_meters(files, meters_path, on_progress)
        return _by_entries(known), notes
    except (ValueError, JournalError, ReportError, sqlite3.Error) as error:  # RecordingError is a ValueError
        raise ConfigError(str(error)) from error


def _by_entries(meters: Mapping[str, ObservedMeter]) -> list[Site]:
    sites: dict[tuple[bool, str], list[ObservedMeter]] = {}
    for meter_id, known in sorted(meters.items()):
        site = known.entry.site
        sites.setdefault((site is None, site or meter_id), []).append(known)
    return [
        Site(
            tuple(
                KnownRegister(
                    known.entry.id,
                    frozenset({known.entry.site} if known.entry.site else ()),
                    known.entry.role,
                    known.entry.utc_offset_minutes * 60,
                    known.observations,
                )
                for known in together
            ),
            lambda together=together: settle_together(together),  # type: ignore[misc]
        )
        for together in sites.values()
    ]


def _by_registry(files: Sequence[Path], rules_path: Path, on_progress: Progress) -> tuple[list[Site], list[str]]:
    rules = load_rules(rules_path)
    records = [record for path in files if not is_archive(path) if (record := _last_report(path)) is not None]
    if not records:
        raise ConfigError(
            f"{files[0]}: holds no report yet, so no registry: name its meters in a file given by --meters"
        )
    record = max(records, key=lambda one: one.report.epoch)
    envelopes = list({each.digest: each for each in signed_envelopes(files, on_progress)}.values())
    sites = []
    for asset_id in sorted(record.registry.assets):
        listed = record.registry.listed(asset_id)
        meters = site_meters(listed, envelopes, rules)
        registers = tuple(
            KnownRegister(
                one.meter.meter_id,
                frozenset({asset_id, f"{device}/{meter}"}),
                one.role.value,
                listed.asset.utc_offset_s,
                one.export,
            )
            for (device, meter), one in meters.items()
        )
        together = list(meters.values())
        sites.append(Site(registers, lambda together=together: _settle_to_the_last(together)))  # type: ignore[misc]
    return sites, [_ground(record, rules, len(envelopes))]


def _settle_to_the_last(meters: Sequence[SiteMeter]) -> Mapping[str, Settlement]:
    last = [int(one.export.time_ms.max()) for one in meters if len(one.export)]
    return settle_site(meters, max(last, default=0))


def _last_report(path: Path) -> ReportRecord | None:
    connection, _ = open_to_read(path)
    with closing(connection):
        row = connection.execute(
            "SELECT document FROM report WHERE epoch NOT IN (SELECT epoch FROM disabled) ORDER BY epoch DESC LIMIT 1"
        ).fetchone()
    return None if row is None else from_document(ReportRecord, parse_json(row[0].encode()), "report")


def _ground(record: ReportRecord, rules: Rules, count: int) -> str:
    same = (
        "the rules that it was made by"
        if rules.digest == record.report.rules_digest
        else "OTHER rules than it was made by"
    )
    return f"{count} envelopes, their signatures verified, by the registry of report {record.report.epoch} and {same}"
