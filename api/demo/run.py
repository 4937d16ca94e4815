"""One demo from the first reading to the balanced books, and on until it is stopped."""

import shutil
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api.app import create_app
from api.books import Books
from api.demo.brokers import choose_broker
from api.demo.chains import start_chain
from api.demo.choices import Choices
from api.demo.fleet import STEP_MS, Plant, recorded_fleet, simulated_fleet
from api.demo.outputs import print_table, readings_until, write_out, write_summary
from api.demo.timetable import Span, recorded_timetable, simulated_start, simulated_timetable
from api.demo.world import World, build_world
from api.server import serve
from api.settling.recorded_meters import load_recorded_meters
from oracle.errors import ChainError, ConfigError
from oracle.node import system_clock_ms

STATE = "state"
"""Folder of keys, journals and outboxes under --out; a later demo replaces it."""
LIVE_STEP_S = 5.0
HOUR_MS = 3_600_000


def run_demo(choices: Choices, console: Console, stop: threading.Event) -> bool:
    """Run a demo; tell whether its books balance.

    Raises:
        ConfigError, RecordingError: bad input.
        ChainError, BrokerStartError: what the demo needs is not there.

    """
    plants, spans = _plan(choices, console)
    with ExitStack() as stack:
        folder = _folder(choices.out, stack)
        broker_name, broker_context = choose_broker(choices.broker)
        chain = stack.enter_context(start_chain(choices.chain))
        broker = stack.enter_context(broker_context)
        console.print(f"chain: {chain.name}; broker: {broker_name}")
        with console.status("deploying contracts") as status:
            world = build_world(folder, chain, broker.url, plants, status.update)
        stack.callback(world.close)
        address = stack.enter_context(serve(create_app(world.views()), choices.port))
        console.print(f"API: {address}")
        complete = _settle_history(world, spans, console, stop)
        books = _report(world, choices, spans[-1].until_ms, console)
        if not choices.once:
            console.print(f"going on until Ctrl-C; the API stays at {address}")
            _live(world, spans[-1].until_ms, stop)
        return complete and books.balanced


def _plan(choices: Choices, console: Console) -> tuple[list[Plant], list[Span]]:
    """Make the plants, and say when they are settled."""
    now_ms = system_clock_ms()
    if not choices.files:
        start_ms = simulated_start(now_ms, choices.days)
        with console.status("modelling plants"):
            return simulated_fleet(choices.plants, start_ms), simulated_timetable(start_ms, choices.days)
    meters, notes = load_recorded_meters(choices.files, choices.meters_path)
    for note in notes:
        console.print(note, highlight=False)
    plants = recorded_fleet(meters)
    first_ms = min(int(known.readings.time_ms.min()) for known in meters.values())
    last_ms = max(int(known.readings.time_ms.max()) for known in meters.values())
    return plants, recorded_timetable(plants, first_ms, last_ms, now_ms)


def _folder(out: Path | None, stack: ExitStack) -> Path:
    """Where journals and keys go: under --out to stay, else somewhere temporary."""
    if out is None:
        temporary = Path(tempfile.mkdtemp(prefix="heliograph-demo-"))
        stack.callback(shutil.rmtree, temporary, ignore_errors=True)
        return temporary
    state = out / STATE
    if (state / "node-1").is_dir():
        shutil.rmtree(state)
    elif state.exists():
        raise ConfigError(f"{state}: is there already and not from an earlier demo; choose another --out")
    state.mkdir(parents=True)
    return state


def _settle_history(world: World, spans: list[Span], console: Console, stop: threading.Event) -> bool:
    """Send and settle span after span; tell whether all of them were."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("settling", total=len(spans))
        for span in spans:
            progress.update(task, description="sending readings")
            for plant in world.plants:
                world.send(plant, span.after_ms, span.until_ms)
            if not world.wait_delivered(
                stop, lambda left: progress.update(task, description=f"{left} envelopes on their way")
            ):
                raise ChainError("the nodes do not acknowledge: telemetry was not delivered in time")
            progress.update(task, description="attesting and minting")
            if world.settle(span.cutoff_s) is None:
                progress.console.print("[red]too few nodes attest: nothing is published; run with -v to see why[/red]")
                return False
            progress.advance(task)
    return True


def _report(world: World, choices: Choices, until_ms: int, console: Console) -> Books:
    """Count both sides, print the table, write the files; the figures last, so that whoever waits for them finds the rest."""
    with console.status("checking the books against the chain"):
        books = world.check_books()
    print_table(books)
    if choices.out is not None:
        with console.status(f"writing proofs to {choices.out}"):
            write_out(choices.out, world, readings_until(world.plants, until_ms))
    if choices.json_path is not None:
        write_summary(choices.json_path, books, world)
    return books


def _live(world: World, settled_until_ms: int, stop: threading.Event) -> None:
    """Go on with the real clock: a reading every five minutes, a report every full hour."""
    sent_until_ms = settled_until_ms
    while not stop.is_set():
        now_ms = system_clock_ms()
        if now_ms - sent_until_ms >= STEP_MS:
            for plant in world.plants:
                world.send(plant, sent_until_ms, now_ms)
            sent_until_ms = now_ms
        hour_ms = now_ms // HOUR_MS * HOUR_MS
        if hour_ms > settled_until_ms and world.wait_delivered(stop):
            world.settle(hour_ms // 1000)
            settled_until_ms = hour_ms
        stop.wait(LIVE_STEP_S)
