"""`heliograph settle`: recorded readings in, production ledger out. No network."""

import json
from pathlib import Path
from typing import Any

import click

from api.cli import fail
from api.commands.interruption import leaving_at_once
from api.commands.progress import progress
from api.destinations import require_file_place, write_whole
from oracle.errors import ConfigError


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--meters", "meters_path", type=click.Path(path_type=Path), metavar="M.toml", help="Meters and their nameplates."
)
@click.option("--interval", default="1h", show_default=True, help="Length of a ledger interval: 15m, 1h, 1d.")
@click.option("--json", "json_path", metavar="PATH|-", help="Write the ledger as JSON to a file, or to stdout with -.")
def settle(files: tuple[Path, ...], meters_path: Path | None, interval: str, json_path: str | None) -> None:
    """Settle recorded or signed readings into a production ledger.

    FILE is CSV or Parquet with the columns measured_at, meter_id, export_wh (and optionally power_w, import_wh, event,
    closing_wh, opening_wh), an SMA CSV3 export, DSMR P1 telegrams, NEM12, Enphase's hourly energy, or a mapping (.toml)
    of any other CSV. M.toml has a [[meter]] with id and nameplate_w for each meter, and optionally site, latitude,
    longitude, tz, rated_overload, modulus_wh, resolution_wh, role, confirmations, calibration_due,
    permissible_error_ppm, and class: files of energy by interval or of power settle only where it says so.

    FILE may instead be a node's journal and the archives that envelopes were moved to from it: every signature is
    verified, and the ledger is the same wherever the envelopes are.
    """
    destination = None if json_path in (None, "-") else Path(str(json_path))
    try:
        if destination is not None:
            require_file_place(destination)
        with leaving_at_once():
            from api.settling.settle import settle_files
        with progress() as on_progress:
            ledger, notes = settle_files(files, meters_path, interval, on_progress)
        for note in notes:
            click.echo(note, err=True)
        text = json.dumps(ledger, indent=1, sort_keys=True) + "\n"
        if destination is not None:
            write_whole(destination, text)
    except ConfigError as error:
        return fail(str(error), 2)
    if json_path == "-":
        click.echo(text, nl=False)
    else:
        _print_table(ledger)
    return None


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
