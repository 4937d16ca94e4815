"""`heliograph demo`: the whole system on this machine."""

import logging
import signal
import threading
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.logging import RichHandler

from api.cli import fail
from api.demo.broker import BrokerStartError
from api.demo.run import Choices, run_demo
from devices.recordings import RecordingError
from oracle.errors import ChainError, ConfigError

EXIT_INTERRUPTED = 130


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
    port: int,
    json_path: Path | None,
    broker: str,
    chain: str,
    verbose: bool,
    more_files: tuple[Path, ...],
) -> None:
    """Run the whole system on this machine: plants, broker, 4 oracle nodes (3 of 4 sign), chain, API.

    Simulated plants produce the last DAYS closed days, each settled in one report. With --replay FILE... no plant is
    simulated: recorded readings go the same way. Runs on mosquitto and anvil where they are on the PATH, else on amqtt
    and eth-tester in this process.
    """
    if more_files and not replay:
        fail(f"unexpected argument {more_files[0]}: recorded files are given with --replay", 2)
    if meters_path and not replay:
        fail("--meters goes with --replay", 2)
    console = Console(stderr=True)
    _configure_logging(console, verbose=verbose)
    stop = threading.Event()
    _stop_on_signals(stop)
    choices = Choices(once, days, plants, (*replay, *more_files), meters_path, out, port, json_path, broker, chain)
    try:
        finished = run_demo(choices, console, stop)
    except (ConfigError, RecordingError) as error:
        fail(str(error), 2)
    except OSError as error:
        fail(f"{error.filename or 'a file'}: {error.strerror or error}", 2)
    except (ChainError, BrokerStartError) as error:
        fail(str(error), 3)
    except KeyboardInterrupt:
        console.print("stopped")
        raise SystemExit(EXIT_INTERRUPTED if once else 0) from None
    else:
        raise SystemExit(0 if finished else 1)


def _configure_logging(console: Console, *, verbose: bool) -> None:
    handler = RichHandler(console=console, show_path=False, log_time_format="[%H:%M:%S]")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    for ours in ("api", "devices", "oracle"):
        logging.getLogger(ours).setLevel(logging.INFO if verbose else logging.WARNING)


def _stop_on_signals(stop: threading.Event) -> None:
    """End cleanly at the first signal, wherever the demo is; what is durable stays so. The second ends the clean-up too."""

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise SystemExit(128 + number)
        stop.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
