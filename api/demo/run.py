"""One demo from the first reading to the balanced books, and on until it is stopped."""

import shutil
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from api.books import Books
from api.demo.brokers import choose_broker
from api.demo.cast import Cast, make_cast
from api.demo.chains import RunningChain, start_chain
from api.demo.choices import Choices
from api.demo.clock import DemoClock
from api.demo.faults import with_faults
from api.demo.fleet import Plant, recorded_fleet, simulated_fleet
from api.demo.history import settle_history
from api.demo.live import go_on
from api.demo.off_taker import FIRST_PPM, OffTaker
from api.demo.outputs import print_table, readings_until, write_out, write_summary
from api.demo.serving import introduce, serve_world
from api.demo.timetable import Span, live_timetable, recorded_timetable, simulated_start, simulated_timetable
from api.demo.world import READINGS_PER_ENVELOPE, World, build_world
from api.instants import write_instant
from api.settling.recorded_meters import load_recorded_meters
from oracle.errors import ChainError, ConfigError
from oracle.node import system_clock_ms

STATE = "state"
"""Folder of keys, journals and outboxes under --out; a later demo replaces it."""
READINGS_OF_HALF_A_DAY = 144
"""In one envelope, where there is a month to be sent."""


@dataclass(frozen=True)
class Plan:
    """What a demo is about to do."""

    plants: list[Plant]
    spans: list[Span]
    readings_per_envelope: int = READINGS_PER_ENVELOPE

    @property
    def until_ms(self) -> int:
        """Where the days end that are settled first [ms UTC]."""
        return self.spans[-1].until_ms


def run_demo(choices: Choices, console: Console, stop: threading.Event) -> bool:
    """Run a demo; tell whether its books balance.

    Raises:
        ConfigError, RecordingError: bad input.
        ChainError, BrokerStartError: what the demo needs is not there.

    """
    plan = _plan(choices, console)
    clock = DemoClock(plan.until_ms, choices.speed)
    with ExitStack() as stack:
        folder = _folder(choices.out, stack)
        broker_name, broker_context = choose_broker(choices.broker)
        chain = stack.enter_context(start_chain(choices.chain))
        broker = stack.enter_context(broker_context)
        console.print(f"chain: {chain.name}; broker: {broker_name}")
        cast = None if choices.once else _cast(chain)
        owners = [owner.address for owner in cast.owners] if cast else []
        with console.status("deploying contracts") as status:
            world = build_world(folder, chain, broker.url, plan.plants, status.update, owners=owners)
        stack.callback(world.close)
        address, services = serve_world(world, choices.port, stack, cast, clock.now_ms)
        console.print(f"API: {address}")
        complete = settle_history(world, plan.spans, console, stop, plan.readings_per_envelope)
        off_taker = _off_taker(world, cast) if cast and complete else None
        books = _report(world, choices, plan.until_ms, console)
        if cast is not None:
            introduce(console, services, cast, address)
            _begin(clock, console, choices)
            go_on(world, clock, plan.until_ms, plan.plants[0].utc_offset_s, off_taker, stop)
        return complete and books.balanced


def _plan(choices: Choices, console: Console) -> Plan:
    """Make the plants, and say when they are settled."""
    now_ms = system_clock_ms()
    if choices.files:
        return _recorded_plan(choices, console, now_ms)
    with console.status("modelling plants"):
        if choices.once:
            start_ms = simulated_start(now_ms, choices.days)
            return Plan(simulated_fleet(choices.plants, start_ms), simulated_timetable(start_ms, choices.days))
        table = live_timetable(now_ms, choices.days)
        plants = with_faults(simulated_fleet(choices.plants, table.start_ms), table.noon_ms)
        return Plan(plants, table.spans, READINGS_OF_HALF_A_DAY)


def _recorded_plan(choices: Choices, console: Console, now_ms: int) -> Plan:
    meters, notes = load_recorded_meters(choices.files, choices.meters_path)
    for note in notes:
        console.print(note, highlight=False)
    plants = recorded_fleet(meters)
    first_ms = min(int(known.readings.time_ms.min()) for known in meters.values())
    last_ms = max(int(known.readings.time_ms.max()) for known in meters.values())
    return Plan(plants, recorded_timetable(plants, first_ms, last_ms, now_ms))


def _cast(chain: RunningChain) -> Cast:
    """Owners and an off-taker, who can pay their fees.

    Raises:
        ChainError: the chain has no account that could give them anything.

    """
    web3 = chain.connect()
    if not web3.eth.accounts:
        raise ChainError(f"{chain.name} has no unlocked account to deploy with; the demo needs a development chain")
    return make_cast(web3, web3.eth.accounts[0])


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


def _off_taker(world: World, cast: Cast) -> OffTaker:
    """The off-taker, who has paid a part of every month that is over."""
    off_taker = OffTaker(world.chain, world.book, cast.off_taker, world.chain.connect().eth.accounts[0])
    off_taker.pay(sorted({plant.asset_id for plant in world.plants}), FIRST_PPM)
    return off_taker


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


def _begin(clock: DemoClock, console: Console, choices: Choices) -> None:
    """Let the plants' clock run, and say what time it is for them. After a recording it stands still at its end."""
    if choices.files:
        console.print("there are no more recorded readings; going on until Ctrl-C")
        return
    clock.begin()
    console.print(
        f"it is {write_instant(clock.now_ms())} for the plants, and an hour of theirs takes {3600 / choices.speed:.0f} s "
        "until they have caught up with the clock; going on until Ctrl-C",
        highlight=False,
    )
