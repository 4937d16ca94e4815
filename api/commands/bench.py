"""`heliograph bench`: figures beside the limit and a peer, measured in one run."""

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli import fail
from api.commands.interruption import leaving_at_once, stop_on_signals
from api.destinations import require_file_place, require_folder_place, write_whole
from oracle.errors import ChainError, ConfigError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from api.bench.options import IngestOptions
    from api.bench.report import Figures

EXIT_FALSE, EXIT_INPUT, EXIT_MISSING = 1, 2, 3
SHARE = click.FloatRange(0, 1)


@click.group()
def bench() -> None:
    """Measure, beside the limit and a peer, what this machine can do."""


@bench.command()
@click.option("--rate", default=100_000, show_default=True, help="Good readings offered per second.")
@click.option("--batch", default=100, show_default=True, help="Readings an envelope.")
@click.option("--per-message", default=1, show_default=True, help="Envelopes a message.")
@click.option("--seconds", default=10.0, show_default=True, help="How long the load is offered.")
@click.option(
    "--signature", "algorithm", type=click.Choice(["es256", "eddsa"]), default="es256", show_default=True,
    help="How the devices sign.",
)  # fmt: skip
@click.option("--bad", type=SHARE, default=0.0, help="Further envelopes with a bad signature, as a share of the good.")
@click.option("--duplicates", type=SHARE, default=0.0, help="Share of envelopes sent again later.")
@click.option("--reorder", type=SHARE, default=0.0, help="Share of envelopes that later ones overtake.")
@click.option("--workers", default=2, show_default=True, help="Head-end processes of the node.")
@click.option("--generators", default=1, show_default=True, help="Load generator processes, one gateway each.")
@click.option("--peer-seconds", default=5.0, show_default=True, help="How long each variant of the peer is measured.")
@click.option("--no-peer", is_flag=True, help="Leave the peer out.")
@click.option("--no-search", is_flag=True, help="Do not look for the highest rate with a p99 of 50 ms.")
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Leave inputs, journal and samples there.")
@click.option("--json", "json_path", metavar="PATH|-", help="Write the figures as JSON to a file, or to stdout with -.")
def ingest(json_path: str | None, keep: Path | None, *, no_peer: bool, no_search: bool, **asked: object) -> None:
    """Offer signed telemetry to a node behind a real mosquitto, at a fixed rate whatever is answered.

    Envelopes are signed beforehand; latency runs from the scheduled sending to the signed acknowledgement. Afterwards the
    journal is held against what was sent. Exit codes: 0 the run counts; 1 readings were lost or doubled, an envelope was
    not answered as it should be, or the generator fell behind; 2 bad input; 3 mosquitto is missing.
    """
    destination = None if json_path in (None, "-") else Path(str(json_path))
    stop_on_signals(threading.Event())
    try:
        with leaving_at_once():
            from api.bench.children import ChildError
            from api.bench.load_run import RunError
            from api.bench.servers import ServerError
        if destination is not None:
            require_file_place(destination)
        options = _options(asked, keep, peer=not no_peer, search=not no_search)
        with _folder(keep) as folder:
            figures = _measure(options, folder)
        text = json.dumps(figures.to_json(), indent=1) + "\n"
        if destination is not None:
            write_whole(destination, text)
    except ConfigError as error:
        return fail(str(error), EXIT_INPUT)
    except ServerError as error:
        return fail(str(error), EXIT_MISSING)
    except (RunError, ChildError) as error:
        return fail(str(error), EXIT_FALSE)
    _print(figures.to_table(), text if json_path == "-" else None)
    for note in figures.notes:
        click.echo(f"note: {note}", err=True)
    if os.environ.get("CI") == "true" and not no_peer and figures.peer.best is None:
        return fail(f"the peer could not be measured: {figures.peer.reason}", EXIT_MISSING)
    if figures.failures:
        return fail("the run does not count: " + "; ".join(figures.failures), EXIT_FALSE)
    return None


@bench.command()
@click.option("--assets", default=200, show_default=True, help="Assets of the fleet, a multiple of 100.")
@click.option("--projects", default=4, show_default=True, help="Projects that the assets are spread over.")
@click.option("--no-traces", is_flag=True, help="Leave out what each transaction's gas was spent on.")
@click.option("--json", "json_path", metavar="PATH|-", help="Write the figures as JSON to a file, or to stdout with -.")
def chain(json_path: str | None, assets: int, projects: int, *, no_traces: bool) -> None:
    """Measure gas on anvil, beside a contract as such things are usually written.

    A fleet is published every hour until every place of the ring of roots was written, then measured for two days; the
    same day is posted to the naive contract, a transaction per asset and interval. Marks and supply are held against
    what was produced. Exit codes: 0 the run counts, whether goals are met or not; 1 a contract refused or did something
    else than it should; 2 bad input; 3 anvil is missing.
    """
    destination = None if json_path in (None, "-") else Path(str(json_path))
    stop_on_signals(threading.Event())
    try:
        with leaving_at_once():
            from api.bench.chain.anvil import MeasureError
            from api.bench.chain.measure import bench_chain
            from api.bench.chain.options import ChainOptions
            from api.bench.chain.report import to_tables
            from contracts.transaction import ChainRefusalError
        if destination is not None:
            require_file_place(destination)
        with _progress() as on_progress:
            figures = bench_chain(ChainOptions(assets, projects, traces=not no_traces), on_progress)
        text = json.dumps(figures.to_json(), indent=1) + "\n"
        if destination is not None:
            write_whole(destination, text)
    except ConfigError as error:
        return fail(str(error), EXIT_INPUT)
    except ChainError as error:
        return fail(str(error), EXIT_MISSING)
    except (MeasureError, ChainRefusalError) as error:
        return fail(str(error), EXIT_FALSE)
    _print(to_tables(figures), text if json_path == "-" else None)
    for goal in figures.missed:
        click.echo(f"missed: {goal}", err=True)
    return None


@bench.command()
@click.option("--seed", default=1, show_default=True, help="First seed of the corpus.")
@click.option("--seeds", default=1, show_default=True, help="How many seeds, one after the other.")
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Only this fault; may be given more than once.")
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="DIR", help="Put faults on the recordings in DIR/sma too."
)
@click.option("--workers", default=1, show_default=True, help="Processes that settle.")
@click.option(
    "--write", type=click.Path(path_type=Path), metavar="DIR", help="Write the cases there too, with their truth."
)
@click.option("--json", "json_path", metavar="PATH|-", help="Write the figures as JSON to a file, or to stdout with -.")
def metering(
    json_path: str | None, data: Path | None, write: Path | None, faults: tuple[str, ...], **asked: int
) -> None:
    """Settle a corpus of meter faults and attacks, each with its truth, and say what came of it.

    The same seed gives the same corpus. Exit codes: 0 measured, whether goals are met or not; 2 bad input.
    """
    destination = None if json_path in (None, "-") else Path(str(json_path))
    stop_on_signals(threading.Event())
    try:
        with leaving_at_once():
            from api.bench.metering.figures import gather
            from api.bench.metering.measure import MeteringOptions, bench_metering
            from api.bench.metering.report import to_table
        if destination is not None:
            require_file_place(destination)
        if write is not None:
            require_folder_place(write)
        with _progress() as on_progress:
            options = MeteringOptions(faults=faults, data=data, write=write, **asked)
            figures = gather(bench_metering(options, on_progress))
        text = json.dumps(figures.to_json() | {"config": options.to_json()}, indent=1) + "\n"
        if destination is not None:
            write_whole(destination, text)
    except ConfigError as error:
        return fail(str(error), EXIT_INPUT)
    _print(to_table(figures), text if json_path == "-" else None)
    for goal in figures.misses:
        click.echo(f"missed: {goal}", err=True)
    return None


@bench.command()
@click.option("--assets", default=1000, show_default=True, help="Assets that are shown.")
@click.option("--days", default=365, show_default=True, help="Days of hourly production of each.")
@click.option("--seconds", default=10.0, show_default=True, help="How long each figure is measured.")
@click.option("--clients", default=32, show_default=True, help="Connections that ask at the same time.")
@click.option("--listeners", default=500, show_default=True, help="Connections that listen to events at the same time.")
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Leave the filled projection there.")
@click.option("--json", "json_path", metavar="PATH|-", help="Write the figures as JSON to a file, or to stdout with -.")
def api(json_path: str | None, keep: Path | None, **asked: float) -> None:
    """Measure the HTTP API over a filled projection, beside an empty FastAPI route in the same run.

    Reads of plants, hours, days, accounts and status, drawn by chance over all assets and days, are asked by raw connections
    from a process of their own: as fast as they are answered, in turns with the empty route, and then at half that rate.
    Then events happen while all listeners are connected. Exit codes: 0 the run counts, whether goals are met or not; 1
    an answer was wrong or missing, or an event did not arrive; 2 bad input.
    """
    destination = None if json_path in (None, "-") else Path(str(json_path))
    stop_on_signals(threading.Event())
    try:
        with leaving_at_once():
            from api.bench.api.measure import bench_api
            from api.bench.api.options import ApiOptions
            from api.bench.children import ChildError
        if destination is not None:
            require_file_place(destination)
        options = ApiOptions(**asked)  # type: ignore[arg-type]
        with _folder(keep) as folder, _progress() as on_progress:
            figures = bench_api(options, folder, on_progress)
        text = json.dumps(figures.to_json(), indent=1) + "\n"
        if destination is not None:
            write_whole(destination, text)
    except ConfigError as error:
        return fail(str(error), EXIT_INPUT)
    except ChildError as error:
        return fail(str(error), EXIT_FALSE)
    _print(figures.to_table(), text if json_path == "-" else None)
    for note in figures.notes:
        click.echo(f"note: {note}", err=True)
    for goal in figures.missed:
        click.echo(f"missed: {goal}", err=True)
    if figures.failures:
        return fail("the run does not count: " + "; ".join(figures.failures), EXIT_FALSE)
    return None


def _options(asked: dict[str, object], keep: Path | None, *, peer: bool, search: bool) -> "IngestOptions":
    from api.bench.options import IngestOptions, Shares

    shares = Shares(**{name: asked.pop(name) for name in ("bad", "duplicates", "reorder")})  # type: ignore[arg-type]
    if not peer:
        asked["peer_seconds"] = 0.0
    return IngestOptions(shares=shares, keep=keep, search=search, **asked)  # type: ignore[arg-type]


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """A folder for the run: one to be kept, which must be empty, or a temporary one."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="heliograph-bench-") as name:
            yield Path(name)
        return
    require_folder_place(keep)
    if keep.is_dir() and any(keep.iterdir()):
        raise ConfigError(f"--keep {keep}: the folder is not empty")
    keep.mkdir(exist_ok=True)
    yield keep.resolve()


def _measure(options: "IngestOptions", folder: Path) -> "Figures":
    from api.bench.ingest import bench_ingest

    with _progress() as on_progress:
        figures = bench_ingest(options, folder, on_progress)
    used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    click.echo(f"{used / 1e6:,.0f} MB on disk in {folder}", err=True)
    return figures


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Show on stderr what is being done; on a terminal also how far it is."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    said = ""
    with Progress(console=console, transient=True, disable=not console.is_terminal, refresh_per_second=2) as bar:
        task = bar.add_task("starting", total=1.0)

        def on_progress(what: str, share: float) -> None:
            nonlocal said
            if what != said and not console.is_terminal:
                click.echo(f"{what} …", err=True)
            said = what
            bar.update(task, description=what, completed=share)

        yield on_progress


def _print(tables: "RenderableType", text: str | None) -> None:
    from rich.console import Console

    if text is None:
        Console().print(tables)
    else:
        click.echo(text, nl=False)
        Console(stderr=True).print(tables)
