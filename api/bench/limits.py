"""What this machine can do at most: raw verification on two processes, raw commits into a journal on one.

Both use the product's own functions on the run's own envelopes, with nothing else to do. They are measured before the
load and after it: a machine shared with others changes its speed within minutes, by half and more.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from api.bench import fleet
from api.bench.children import child, spawned
from api.bench.pool import Pool
from devices.device_key import SigningKey
from devices.telemetry import Envelope, decode
from oracle.headend.receiver import GROUP_BYTES, GROUP_ITEMS
from oracle.journal.journal import Journal

SECONDS = 2.0
"""How long each is measured, before the load and again after it."""
SAMPLE_BYTES = 160_000_000
SAMPLE_LENGTH = 60_000
VERIFIED_LENGTH = 200
PROCESSES = 2
SHORT_MESSAGE = bytes(100)


@dataclass(frozen=True)
class Limits:
    """What nothing built on these functions can exceed here."""

    verify_per_s: float
    """Signatures of the run's algorithm over envelopes of the run's size, two processes together."""
    p256_per_core_per_s: float
    """P-256 signatures over 100 bytes, one process alone: how fast the machine is."""
    commit_readings_per_s: float
    """Readings committed to a journal, one process, in groups as a busy head-end makes them."""


def mean(before: Limits, after: Limits) -> Limits:
    """What the machine could do on average of both measurements."""
    return Limits(
        verify_per_s=(before.verify_per_s + after.verify_per_s) / 2,
        p256_per_core_per_s=(before.p256_per_core_per_s + after.p256_per_core_per_s) / 2,
        commit_readings_per_s=(before.commit_readings_per_s + after.commit_readings_per_s) / 2,
    )


def measure_limits(pool: Pool, folder: Path, batch: int) -> Limits:
    """Measure all three, one after the other.

    Args:
        pool: the run's envelopes.
        folder: where the journal is made; the same disk as the run's.
        batch: readings an envelope.

    """
    group = max(1, min(GROUP_ITEMS, GROUP_BYTES // int(pool.length[0])))
    wires = [pool.wire(number) for number in range(min(len(pool), VERIFIED_LENGTH))]
    return Limits(
        verify_per_s=_together(PROCESSES, _verify, wires),
        p256_per_core_per_s=_together(1, _verify_short),
        commit_readings_per_s=batch * _together(1, _commit, folder / "limit.journal", _sample(pool), group),
    )


def _together(processes: int, work: Callable[..., None], *arguments: object) -> float:
    """Sum of what several processes do per second, begun at the same time."""
    with spawned() as children:
        connections = [children.start(f"limit-{number}", work, *arguments) for number in range(processes)]
        for connection in connections:
            connection.recv()
        for connection in connections:
            connection.send("begin")
        total = sum(float(connection.recv()) for connection in connections)
        children.join()
    return total


@child
def _verify(connection: Connection, wires: list[bytes]) -> None:
    signed = [(e.public_key, e.signature, e.signed_bytes) for e in (decode(w, network=fleet.NETWORK) for w in wires)]

    def verify_all() -> int:
        return sum(key.verify(signature, signed_bytes) for key, signature, signed_bytes in signed)

    _repeat(connection, verify_all)


@child
def _verify_short(connection: Connection) -> None:
    key = SigningKey.generate("es256")
    signature = key.sign(SHORT_MESSAGE)
    _repeat(connection, lambda: sum(key.public.verify(signature, SHORT_MESSAGE) for _ in range(500)))


def _repeat(connection: Connection, work: Callable[[], int]) -> None:
    work()  # keys are loaded, memory is warm
    connection.send("ready")
    connection.recv()
    done, began = 0, time.monotonic()
    while (took := time.monotonic() - began) < SECONDS:
        done += work()
    connection.send(done / took)


@child
def _commit(connection: Connection, path: Path, wires: list[bytes], group: int) -> None:
    envelopes = [decode(wire, network=fleet.NETWORK) for wire in wires]
    groups: list[list[Envelope]] = [envelopes[at : at + group] for at in range(0, len(envelopes), group)]
    journal = Journal.open(path, fleet.NETWORK)
    connection.send("ready")
    connection.recv()
    done, began = 0, time.monotonic()
    for received_ms, some in enumerate(groups):
        done += journal.record_envelopes(some, received_ms)
        if time.monotonic() - began > SECONDS:
            break
    connection.send(done / (time.monotonic() - began))
    journal.close()
    path.unlink()


def _sample(pool: Pool) -> list[bytes]:
    """As many envelopes as fit the memory of a measurement."""
    length = min(len(pool), SAMPLE_LENGTH, max(1, SAMPLE_BYTES // int(pool.length[0])))
    return [pool.wire(number) for number in range(length)]
