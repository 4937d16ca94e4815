"""Recorded or signed readings in, production ledger out. A pure function of its files, so that anyone can repeat it."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from api.settling.clear_sky import CeilingAt, Place, ceiling_of, ceilings_meanwhile
from api.settling.journaled_meters import holds_envelopes, load_signed_meters
from api.settling.recorded_meters import load_recorded_meters
from oracle.config import MeterEntry, load_meters
from oracle.errors import ConfigError
from oracle.metering.collation import NO_POWER, Observations
from oracle.metering.interval import parse_duration_ms
from oracle.metering.ledger import AccountKey, accounts
from oracle.metering.settlement import Settlement, Standing
from oracle.metering.site import SiteMeter, SiteRole, settle_site

STANDINGS = {Standing.ATTESTED: "attested_wh", Standing.WITHHELD: "withheld_wh", Standing.DISPUTED: "disputed_wh"}

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many are done and of how many."""


class ObservedMeter(Protocol):
    """A meter with its limits, and what was observed of it."""

    @property
    def entry(self) -> MeterEntry:
        """Name and limits."""

    @property
    def observations(self) -> Observations:
        """Its readings of the export register."""

    @property
    def imported(self) -> Observations:
        """Its readings of the import register."""


def settle_files(
    files: Sequence[Path], meters_path: Path | None, interval: str, on_progress: Progress = lambda *_: None
) -> tuple[dict[str, Any], list[str]]:
    """Settle recorded files, or journals with their archives, into a ledger of intervals such as `1h`.

    Returns:
        The ledger (see `production_ledger`), and notes for the reader.

    Raises:
        ConfigError: the interval is no duration, a file is refused, a meter's limits are not known, or a reading is
            later than a date can say.

    """
    with ceilings_meanwhile(_places(meters_path)) as ceiling_at:
        try:
            interval_ms = parse_duration_ms(interval)
            meters, notes = _load(files, meters_path, on_progress)
        except ValueError as error:  # RecordingError is one
            raise ConfigError(str(error)) from error
        return production_ledger(meters, interval_ms, on_progress, ceiling_at), notes


def _load(
    files: Sequence[Path], meters_path: Path | None, on_progress: Progress
) -> tuple[Mapping[str, ObservedMeter], list[str]]:
    signed = {path: holds_envelopes(path) for path in files}
    if all(signed.values()):
        return load_signed_meters(files, meters_path, on_progress)
    if any(signed.values()):
        odd = next(path for path in files if signed[path] != signed[files[0]])
        raise ConfigError(f"{odd}: settle takes recorded files, or journals and archives, not both at once")
    return load_recorded_meters(files, meters_path, lambda done: on_progress("reading files", done, len(files)))


def _places(meters_path: Path | None) -> frozenset[Place]:
    """Where the meters of a file are, as far as it says."""
    entries = load_meters(meters_path) if meters_path else []
    return frozenset(entry.place for entry in entries if entry.place is not None)


def production_ledger(
    meters: Mapping[str, ObservedMeter],
    interval_ms: int,
    on_progress: Progress = lambda *_: None,
    ceiling_at: CeilingAt = ceiling_of,
) -> dict[str, Any]:
    """Settle each meter up to its last reading.

    Returns:
        The ledger as JSON members: `evidence`, `meters`, `intervals`, `totals`. The same for any order and multiplicity
        of the readings, but for the count of duplicates.

    """
    settled: list[Settlement] = []
    for done, site in enumerate(sites := _sites(meters)):
        on_progress("settling sites", done, len(sites))
        settled += settle_together([meters[meter_id] for meter_id in site], ceiling_at).values()
    settled.sort(key=lambda one: one.meter_id)
    evidence = hashlib.sha256()
    for meter_id in sorted(meters):
        evidence.update(_evidence(meters[meter_id]))
    counting = _counting(meters)
    return {
        "evidence": evidence.hexdigest(),
        "meters": [
            {
                "meter_id": one.meter_id,
                **{name: one.total_wh(standing) for standing, name in STANDINGS.items()},
                "rejected": {str(reason): how_many for reason, how_many in one.rejected.items()},
            }
            for one in settled
        ],
        "intervals": [row for one in settled for row in _intervals(one, interval_ms)],
        "totals": {
            name: sum(one.total_wh(standing) for one in settled if one.meter_id in counting)
            for standing, name in STANDINGS.items()
        },
    }


def settle_together(site: Sequence[ObservedMeter], ceiling_at: CeilingAt = ceiling_of) -> Mapping[str, Settlement]:
    """Settle the meters of one site up to their last reading; by meter id."""
    times = [known.observations.time_ms for known in site]
    cutoff_ms = max((int(time_ms.max()) for time_ms in times if len(time_ms)), default=0)
    return settle_site(
        [
            SiteMeter(
                known.entry.to_meter(ceiling_at(known.entry.place) if known.entry.place else None),
                SiteRole(known.entry.role),
                known.observations,
                known.imported,
            )
            for known in site
        ],
        cutoff_ms,
    )


def _sites(meters: Mapping[str, ObservedMeter]) -> list[list[str]]:
    """Ids of the meters of each site, in order; a meter without one is a site of its own."""
    sites: dict[tuple[bool, str], list[str]] = {}
    for meter_id in sorted(meters):
        named = meters[meter_id].entry.site
        sites.setdefault((named is None, named or meter_id), []).append(meter_id)
    return list(sites.values())


def _evidence(known: ObservedMeter) -> bytes:
    """Hash what a settlement rests on: the meter's limits, its distinct readings in time order, its events."""
    export, imported = known.observations, known.imported
    columns = np.stack(
        (
            export.time_ms,
            np.where(export.present, export.register_wh, -1),
            np.where(imported.present, imported.register_wh, -1),
            np.where(export.has_power, export.power_w, NO_POWER),
        )
    )
    limits = json.dumps(known.entry.model_dump(mode="json", by_alias=True), sort_keys=True)
    events = json.dumps(sorted(export.events | imported.events))
    readings = np.ascontiguousarray(np.unique(columns, axis=1)).astype("<i8").tobytes()
    return hashlib.sha256(b"\0".join((limits.encode(), events.encode(), readings))).digest()


def _counting(meters: Mapping[str, ObservedMeter]) -> set[str]:
    """Meters that make up the totals: a site's plant meter where there is one, else its inverters; never a load."""
    with_plant_meter = {m.entry.site or m.entry.id for m in meters.values() if m.entry.role == "plant"}
    return {
        meter_id
        for meter_id, known in meters.items()
        if known.entry.role == "plant"
        or (known.entry.role == "inverter" and (known.entry.site or known.entry.id) not in with_plant_meter)
    }


def _intervals(settled: Settlement, interval_ms: int) -> list[dict[str, Any]]:
    rows: dict[int, dict[str, Any]] = {}
    for account, energy_wh in sorted(accounts(settled, interval_ms).items()):
        row = rows.setdefault(account.start_ms, _empty_row(account, interval_ms))
        if account.standing is Standing.ATTESTED:
            row["attested_wh"] = energy_wh
        else:
            row[account.standing.name.lower()].append({"reason": account.reason, "wh": energy_wh})
    return [rows[start] for start in sorted(rows)]


def _empty_row(account: AccountKey, interval_ms: int) -> dict[str, Any]:
    return {
        "meter_id": account.meter_id,
        "start": rfc3339(account.start_ms),
        "end": rfc3339(account.start_ms + interval_ms),
        "attested_wh": 0,
        "withheld": [],
        "disputed": [],
    }


def rfc3339(instant_ms: int) -> str:
    """Write an instant [ms UTC] as RFC 3339. Raises ConfigError beyond the year 9999."""
    try:
        return datetime.fromtimestamp(instant_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{instant_ms} ms since 1970 is beyond the year 9999, which no date can say") from error
