"""`heliograph ceiling`: the most that a plant can produce at its place, as rules take it."""

import click

from api.commands.interruption import leaving_at_once


@click.command()
@click.option("--asset", required=True, metavar="ID", help="Asset that the ceiling is for.")
@click.option("--latitude", required=True, type=click.FloatRange(-90, 90), help="Degrees north.")
@click.option("--longitude", required=True, type=click.FloatRange(-180, 180), help="Degrees east.")
def ceiling(asset: str, latitude: float, longitude: float) -> None:
    """Print a [[ceiling]] for a rules file, from pvlib's clear sky.

    The table is whole numbers, which all nodes of a network share: compute it once, put it into the rules file, and hand
    that file to every node. Energy that rises faster than the ceiling allows is disputed.
    """
    with leaving_at_once():
        from api.settling.clear_sky import clear_sky_ceiling
        from oracle.metering.ceiling import HALF_HOURS
    ppm = clear_sky_ceiling(latitude, longitude).ppm
    rows = [ppm[start : start + HALF_HOURS] for start in range(0, len(ppm), HALF_HOURS)]
    click.echo("[[ceiling]]                        # half-months of half-hours (UTC) [ppm of nameplate]")
    click.echo(f"asset = {_quoted(asset)}")
    click.echo("ppm = [")
    for row in rows:
        click.echo(f"  [{', '.join(map(str, row))}],")
    click.echo("]")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
