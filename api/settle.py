"""`heliograph settle`: recorded readings in, production ledger out. A pure function of its files, so that anyone can repeat it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np

from api.cli import fail
from api.recorded_meters import KnownMeter, load_recorded_meters
from devices.recordings import RecordingError
from oracle.errors import ConfigError
from oracle.metering.collation import Observations, observe
from oracle.metering.interval import parse_duration_ms
from oracle.metering.ledger import AccountKey, accounts
from oracle.metering.settlement import Settlement, Standing, settle_register

STANDINGS = {Standing.ATTESTED: "attested_wh", Standing.WITHHELD: "withheld_wh", Standing.DISPUTED: "disputed_wh"}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--meters", "meters_path", type=click.Path(path_type=Path), metavar="M.toml", help="Meters and their nameplates."
)
@click.option("--interval", default="1h", show_default=True, help="Length of a ledger interval: 15m, 1h, 1d.")
@click.option("--json", "json_path", metavar="PATH|-", help="Write the ledger as JSON to a file, or to stdout with -.")
def settle(files: tuple[Path, ...], meters_path: Path | None, interval: str, json_path: str | None) -> None:
    """Settle recorded readings into a production ledger.

    FILE is CSV or Parquet with the columns measured_at, meter_id, export_wh (and optionally power_w, import_wh, event,
    closing_wh, opening_wh), or an SMA CSV3 export. M.toml has a [[meter]] with id and nameplate_w for each meter, and
    optionally site, latitude, longitude, tz, rated_overload, modulus_wh, resolution_wh, role.
    """
    try:
        interval_ms = parse_duration_ms(interval)
        meters, notes = load_recorded_meters(files, meters_path)
    except (RecordingError, ConfigError, ValueError) as error:
        return fail(str(error), 2)
    for note in notes:
        click.echo(note, err=True)
    ledger = production_ledger(meters, interval_ms)
    if json_path is not None:
        text = json.dumps(ledger, indent=1, sort_keys=True) + "\n"
        try:
            click.echo(text, nl=False) if json_path == "-" else Path(json_path).write_text(text, encoding="utf-8")
        except OSError as error:
            return fail(f"{json_path}: cannot be written: {error.strerror}", 2)
    if json_path != "-":
        _print_table(ledger)
    return None


def production_ledger(meters: Mapping[str, KnownMeter], interval_ms: int) -> dict[str, Any]:
    """Settle each meter up to its last reading.

    Returns:
        The ledger as JSON members: `evidence`, `meters`, `intervals`, `totals`. The same for any order and multiplicity
        of the readings, but for the count of duplicates.

    """
    settled: list[Settlement] = []
    evidence = hashlib.sha256()
    for meter_id in sorted(meters):
        known = meters[meter_id]
        observations = observe(known.readings)
        cutoff_ms = int(observations.time_ms.max()) if len(observations) else 0
        settled.append(settle_register(known.entry.to_meter(), observations, cutoff_ms))
        evidence.update(_evidence(known, observations))
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


def _evidence(known: KnownMeter, observations: Observations) -> bytes:
    """Hash what a settlement rests on: the meter's limits, its distinct readings in time order, its events."""
    columns = np.stack((observations.time_ms, np.where(observations.present, observations.register_wh, -1)))
    limits = json.dumps(known.entry.model_dump(), sort_keys=True)
    events = json.dumps(sorted(observations.events))
    readings = np.ascontiguousarray(np.unique(columns, axis=1)).astype("<i8").tobytes()
    return hashlib.sha256(b"\0".join((limits.encode(), events.encode(), readings))).digest()


def _counting(meters: Mapping[str, KnownMeter]) -> set[str]:
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
    """Write an instant [ms UTC] as RFC 3339."""
    return datetime.fromtimestamp(instant_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _print_table(ledger: dict[str, Any]) -> None:
    click.echo(f"{'meter':<30}{'attested Wh':>16}{'withheld Wh':>14}{'disputed Wh':>14}  rejected readings")
    for row in ledger["meters"]:
        rejected = ", ".join(f"{reason} {how_many}" for reason, how_many in row["rejected"].items()) or "none"
        click.echo(
            f"{row['meter_id']:<30}{row['attested_wh']:>16}{row['withheld_wh']:>14}{row['disputed_wh']:>14}  {rejected}"
        )
    totals = ledger["totals"]
    click.echo(f"{'total':<30}{totals['attested_wh']:>16}{totals['withheld_wh']:>14}{totals['disputed_wh']:>14}")
    click.echo(f"evidence {ledger['evidence']}")
