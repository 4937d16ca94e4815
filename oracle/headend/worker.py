"""One head-end in a process of its own: what runs there, and what travels between it and the node's process."""

import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from devices.device_key import SigningKey
from oracle.errors import JournalError
from oracle.headend.receiver import HeadEnd, Tally
from oracle.journal.journal import Journal
from oracle.pauses import keep_pauses_short
from oracle.reporting.registry import RegistrySnapshot

REPORT_S = 0.25
"""How often a worker tells how it is doing [s]."""


def set_up_nothing() -> None:
    """Leave a worker's process as it is."""


@dataclass(frozen=True)
class WorkerTask:
    """All that a worker needs to know, in a form that travels to another process."""

    node: str
    network: str
    journal: Path
    broker_url: str
    ack_key_pem: str
    clock_ms: Callable[[], int]
    set_up: Callable[[], None]


@dataclass(frozen=True)
class WorkerReport:
    """How a worker is doing."""

    connected: bool
    fault: str | None
    tally: Tally


def run_worker(task: WorkerTask, number: int, registry: RegistrySnapshot, pipe: Connection) -> None:
    """Be one head-end, until the pipe says None or ends."""
    # The node's process stops its workers: a signal to the whole group is not for them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    task.set_up()
    try:
        journal = Journal.open(task.journal, task.network)
    except JournalError as error:
        pipe.send(WorkerReport(connected=False, fault=str(error), tally=Tally()))
        raise
    journal.leave_checkpoints()
    known = [registry]
    headend = HeadEnd(
        node=task.node,
        network=task.network,
        journal=journal,
        ack_key=SigningKey.from_pem(task.ack_key_pem),
        registry=partial(known.__getitem__, 0),
        clock_ms=task.clock_ms,
        worker=number,
    )
    keep_pauses_short()
    headend.start(task.broker_url)
    try:
        while True:
            if pipe.poll(REPORT_S):
                said: RegistrySnapshot | None = pipe.recv()
                if said is None:
                    break
                known[0] = said
            pipe.send(WorkerReport(headend.wait_connected(0), headend.fault, headend.tally))
    except (EOFError, OSError):
        pass  # the node is gone
    headend.stop()
    with contextlib.suppress(OSError):
        pipe.send(WorkerReport(connected=False, fault=None, tally=headend.tally))
    if not headend.stopped:
        os._exit(0)  # it waits for the disk or for another writer: nothing of that was acknowledged
    journal.close()
