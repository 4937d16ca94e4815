"""`heliograph demo`: the whole system on this machine."""

import threading
from pathlib import Path

import click

from api.cli import fail
from api.commands.interruption import EXIT_INTERRUPTED, leaving_at_once, stop_on_signals
from api.demo.choices import Choices
from api.destinations import require_file_place, require_folder_place
from oracle.errors import ConfigError


@click.command()
@click.option(
    "--once", is_flag=True, help="End when the days are settled; without it the demo goes on live until Ctrl-C."
)
@click.option("--days", default=2, show_default=True, type=click.IntRange(1, 366), help="Closed days to simulate.")
@click.option("--plants", default=4, show_default=True, type=click.IntRange(1, 200), help="Plants to simulate.")
@click.option(
    "--replay", multiple=True, type=click.Path(path_type=Path), metavar="FILE...", help="Replay recorded files instead."
)
@click.option(
    "--meters", "meters_path", type=click.Path(path_type=Path), metavar="M.toml", help="Meters of the recorded files."
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write proofs and readings here."
)
@click.option(
    "--speed",
    default=60.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    help="Simulated seconds a second in the live part.",
)
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Port of the HTTP API; by default a free one.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="Write figures as JSON.",
)
@click.option(
    "--broker",
    default="auto",
    show_default=True,
    envvar="HELIOGRAPH_BROKER",
    help="amqtt, mosquitto or mqtt://HOST:PORT.",
)
@click.option(
    "--chain", default="auto", show_default=True, envvar="HELIOGRAPH_CHAIN", help="eth-tester, anvil or a URL."
)
@click.option("-v", "--verbose", is_flag=True, help="Log what each part does.")
@click.argument("more_files", nargs=-1, type=click.Path(path_type=Path), metavar="")
def demo(  # noqa: PLR0913  one argument an option
    *,
    once: bool,
    days: int,
    plants: int,
    replay: tuple[Path, ...],
    meters_path: Path | None,
    out: Path | None,
    speed: float,
    port: int,
    json_path: Path | None,
    broker: str,
    chain: str,
    verbose: bool,
    more_files: tuple[Path, ...],
) -> None:
    """Run the whole system on this machine: plants, broker, 4 oracle nodes (3 of 4 sign), chain, API.

    Simulated plants produce the last DAYS closed days, each settled in one report. Without --once they begin before the
    last turn of a month, so that there is revenue to claim, and go on from a noon of the last two days, --speed times as
    fast as the clock until they have caught up with it: open the printed address. With --replay FILE... no plant is
    simulated: recorded readings go the same way. Runs on mosquitto and anvil where they are on the PATH, else on amqtt and
    eth-tester in this process.
    """
    if more_files and not replay:
        fail(f"unexpected argument {more_files[0]}: recorded files are given with --replay", 2)
    if meters_path and not replay:
        fail("--meters goes with --replay", 2)
    files = (*replay, *more_files)
    choices = Choices(once, days, plants, files, meters_path, out, port, json_path, broker, chain, verbose, speed)
    exit_code = EXIT_INTERRUPTED if once else 0
    stop = threading.Event()
    stop_on_signals(stop)
    try:
        _try_destinations(out, json_path)
        with leaving_at_once(exit_code):
            from api.demo.command import carry_out

        exit_code = carry_out(choices, stop)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    raise SystemExit(exit_code)


def _try_destinations(out: Path | None, json_path: Path | None) -> None:
    """Refuse what could not be written to in the end."""
    try:
        if out is not None:
            require_folder_place(out)
        # The folder of --out is made by the demo, and may hold the figures too.
        if json_path is not None and (out is None or json_path.absolute().parent != out.absolute()):
            require_file_place(json_path)
    except ConfigError as error:
        fail(str(error), 2)
