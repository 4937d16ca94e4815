"""`heliograph explain`: why the energy of an hour was attested, withheld or disputed, and what to do."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli import fail
from api.commands.interruption import leaving_at_once
from api.commands.progress import progress
from api.destinations import require_file_place, write_whole
from oracle.errors import ConfigError

if TYPE_CHECKING:
    from api.explaining.sources import Explanation


@click.command()
@click.argument("asset", metavar="ASSET")
@click.argument("interval", metavar="INTERVAL")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--meters", "meters_path", type=click.Path(path_type=Path), metavar="M.toml", help="Meters and their nameplates."
)
@click.option(
    "--rules",
    "rules_path",
    type=click.Path(path_type=Path),
    metavar="R.toml",
    help="Of a journal: the rules of its node.",
)
@click.option(
    "--json", "json_path", metavar="PATH|-", help="Write the explanation as JSON to a file, or to stdout with -."
)
def explain(  # noqa: PLR0913, PLR0917  one parameter an option
    asset: str,
    interval: str,
    files: tuple[Path, ...],
    meters_path: Path | None,
    rules_path: Path | None,
    json_path: str | None,
) -> None:
    """Say in plain words why an hour was attested, withheld or disputed, and what to do.

    ASSET is a meter's id, a site of M.toml, or an asset of a journal. INTERVAL is a start such as 2026-05-01T12:00:00Z
    (one hour from there), start/end, start/1d, or a date. FILE is what `heliograph settle` takes: recorded files, or a
    node's journal with its archives.

    Of a journal the bookings of its reports are told too. With the node's rules its readings are judged as the node
    judges them, by the registry of its last report; without --rules and --meters its bookings alone are told.
    """
    destination = None if json_path in (None, "-") else Path(str(json_path))
    try:
        if destination is not None:
            require_file_place(destination)
        with leaving_at_once():
            from api.explaining.sources import explain as explain_files
        with progress() as on_progress:
            explanation = explain_files(asset, interval, files, meters_path, rules_path, on_progress)
        for note in explanation.notes:
            click.echo(note, err=True)
        text = json.dumps(explanation.to_json(), indent=1, sort_keys=True) + "\n"
        if destination is not None:
            write_whole(destination, text)
    except ConfigError as error:
        return fail(str(error), 2)
    if json_path == "-":
        click.echo(text, nl=False)
    else:
        _print(explanation)
    return None


def _print(explanation: "Explanation") -> None:
    from api.explaining.explain import sentences

    click.echo(f"{explanation.asset}, {explanation.interval}")
    for meter in explanation.meters:
        click.echo(f"\n{meter.meter_id} ({meter.role})")
        for sentence in sentences(meter):
            click.echo(f"  {sentence}")
    if explanation.history.meters:
        click.echo("\nWhat the reports booked")
        for sentence in explanation.history_sentences():
            click.echo(f"  {sentence}")
        if not explanation.history.bookings:
            click.echo("  No report has booked anything in this interval yet.")
