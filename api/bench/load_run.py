"""One run under load: broker, node and generators started, the load offered, everything ended, the samples read."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from api.bench import fleet, node_side
from api.bench.children import Children, spawned
from api.bench.generator import LAST_S, Script, generate, write_script
from api.bench.machine import busy_seconds, cpu_seconds
from api.bench.measured import Measured, measure
from api.bench.plan import Plan
from api.bench.pool import Pool
from api.bench.servers import mosquitto
from devices.device_key import Algorithm, public_key

HEAD_START_S = 0.5
"""From the word to the first message: all generators have heard it by then."""
ANSWER_S = 60.0


class RunError(RuntimeError):
    """A part of the run did not do what it should have; says which."""


@dataclass(frozen=True)
class LoadRun:
    """What a run came to."""

    measured: Measured
    envelopes: int
    """New envelopes, by the node's own count."""
    duplicates: int
    refused: int
    shed: int
    """Messages that the node turned away unanswered."""
    cpu_s: dict[str, float]
    """Processor seconds by role while the load was offered; `others` is all else on the machine, the kernel's own included."""
    journal: Path


@dataclass(frozen=True)
class Load:
    """What is offered and to whom."""

    folder: Path
    """Folder of this run alone."""
    plan: Plan
    good: Pool
    bad: Pool
    batch: int
    algorithm: Algorithm
    start_ms: int
    workers: int
    generators: int


def run_load(load: Load, on_progress: Callable[[float], None]) -> LoadRun:
    """Offer a load to a fresh broker and a fresh node.

    Args:
        load: what, how much.
        on_progress: told the share of the time that has passed.

    Raises:
        RunError: a process failed or does not answer.
        ServerError: mosquitto is missing or does not start.

    """
    load.folder.mkdir(parents=True)
    scripts = [
        write_script(load.folder, load.plan, load.good, load.bad, number, load.generators)
        for number in range(load.generators)
    ]
    journal = load.folder / "journal.sqlite"
    with mosquitto(load.folder / "mosquitto") as broker, spawned() as nodes, spawned() as generators:
        registry = fleet.registry(load.algorithm, load.start_ms)
        node = nodes.start("node", node_side.serve, journal, broker.port, registry, load.workers)
        key = public_key(*_receive(node, "the node"))
        pipes = _start_generators(generators, scripts, broker.port)
        roles = {"broker": [broker.pid], "node": [*nodes.pids().values()], "generators": [*generators.pids().values()]}
        before = _cpu(roles)
        start_ns = time.monotonic_ns() + int(HEAD_START_S * 1e9)
        for pipe in pipes:
            pipe.send(start_ns)
        with _watched(load.plan.seconds, start_ns, pipes, on_progress):
            after = _cpu(roles)
        for number, pipe in enumerate(pipes):
            _receive(pipe, f"generator {number}")
        generators.join()
        node.send("stop")
        envelopes, duplicates, refused, shed = _receive(node, "the node")
        nodes.join()
    measured = measure(load.plan, scripts, start_ns=start_ns, key=key, batch=load.batch, bad=load.bad)
    cpu_s = {role: round(after[role] - before[role], 2) for role in after}
    return LoadRun(measured, envelopes, duplicates, refused, shed, cpu_s, journal)


def _start_generators(generators: Children, scripts: Sequence[Script], port: int) -> list[Connection]:
    pipes = [
        generators.start(f"generator-{number}", generate, script, port, number) for number, script in enumerate(scripts)
    ]
    for number, pipe in enumerate(pipes):
        _receive(pipe, f"generator {number}")
    return pipes


@contextmanager
def _watched(
    seconds: float, start_ns: int, pipes: Sequence[Connection], on_progress: Callable[[float], None]
) -> Iterator[None]:
    """Tell how far the load is, until it has been offered; the block is then run."""
    while (passed_s := (time.monotonic_ns() - start_ns) / 1e9) < seconds:
        on_progress(max(0.0, passed_s / seconds))
        time.sleep(min(0.5, max(0.01, seconds - passed_s)))
        if any(pipe.poll() for pipe in pipes):
            break
    on_progress(1.0)
    yield


def _cpu(roles: dict[str, list[int]]) -> dict[str, float]:
    spent = {role: sum(cpu_seconds(pid) for pid in pids) for role, pids in roles.items()}
    return spent | {"others": busy_seconds() - sum(spent.values())}


def _receive(connection: Connection, who: str) -> Any:  # noqa: ANN401 - each process sends its own
    """What a process of the run says next."""
    try:
        if not connection.poll(LAST_S + ANSWER_S):
            raise RunError(f"{who} does not answer")
        return connection.recv()
    except EOFError as error:
        raise RunError(f"{who} ended too early; what it said is above") from error
