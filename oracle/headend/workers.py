"""Head-ends of one node in processes of their own: one shared subscription, one journal, as many cores as there are.

The broker gives each message to one of them ($share, MQTT 5). They need not know of each other: the journal's
transactions queue up, and order does not matter to what is settled. One that dies is started again under its old name,
so that the broker delivers to it what it had not acknowledged. When the node itself dies, its workers see their pipe
end and leave.
"""

import logging
import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from devices.device_key import SigningKey
from oracle.errors import JournalError
from oracle.headend.receiver import Tally
from oracle.headend.worker import WorkerReport, WorkerTask, run_worker, set_up_nothing
from oracle.journal.journal import Journal
from oracle.reporting.registry import RegistrySnapshot

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

log = logging.getLogger(__name__)

CHECKPOINT_S = 0.5
"""How often the journal's write-ahead log is carried over and begun anew [s].

Under full load the log of a second reaches the length at which SQLite has a worker do it, within a commit.
"""
FIRST_RESTART_S = 0.1
LONGEST_RESTART_S = 10.0
STOP_TIMEOUT_S = 3.0
"""Workers that have not come to an end by then are killed, which loses nothing either [s]."""
STEP_S = 0.05


class HeadEndWorkers:
    """The head-ends of one node.

    Args:
        node: the node's name.
        network: identifier of the network.
        journal: file that all workers commit to; it exists.
        broker_url: a broker that speaks MQTT 5.
        ack_key: signs acknowledgements.
        registry: who may sign for what, until `update_registry`.
        clock_ms: now [ms UTC]; a function of a module, since it travels to other processes.
        workers: how many.
        set_up: called first in each worker, for instance to set up its log; a function of a module, or a partial of one.

    """

    def __init__(  # noqa: PLR0913  the composition names each part
        self,
        *,
        node: str,
        network: str,
        journal: Path,
        broker_url: str,
        ack_key: SigningKey,
        registry: RegistrySnapshot,
        clock_ms: Callable[[], int],
        workers: int = 2,
        set_up: Callable[[], None] = set_up_nothing,
    ) -> None:
        task = WorkerTask(node, network, journal, broker_url, ack_key.to_pem(), clock_ms, set_up)
        self._seats = [_Seat(number, task, registry) for number in range(workers)]
        self._journal = (journal, network)
        self._stopping = threading.Event()
        self._caretaker = threading.Thread(target=self._care, name=f"{node}-journal-care", daemon=True)

    def start(self) -> None:
        """Start the workers, in the background."""
        for seat in self._seats:
            seat.start()
        self._caretaker.start()

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait until every worker has the broker, and tell whether that is so."""
        return all(seat.wait_connected(timeout_s) for seat in self._seats)

    def update_registry(self, registry: RegistrySnapshot) -> None:
        """Tell every worker who may sign for what from now on."""
        for seat in self._seats:
            seat.update_registry(registry)

    @property
    def tally(self) -> Tally:
        """What passed since the start, restarts included, up to a fraction of a second ago."""
        total = Tally()
        for each in self.tallies:
            total.add(each)
        return total

    @property
    def tallies(self) -> list[Tally]:
        """The same by worker."""
        return [seat.tally() for seat in self._seats]

    @property
    def fault(self) -> str | None:
        """Why a worker can commit nothing at present; None if all is well."""
        return next((seat.fault for seat in self._seats if seat.fault), None)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return [pid for seat in self._seats if (pid := seat.pid) is not None]

    def stop(self) -> None:
        """Let every worker finish what it has at hand, and end it; within STOP_TIMEOUT_S and a moment."""
        self._stopping.set()
        for seat in self._seats:
            seat.ask_to_stop()
        waited = threading.Event()
        for _ in range(round(STOP_TIMEOUT_S / STEP_S)):
            if all(seat.is_empty for seat in self._seats):
                break
            waited.wait(STEP_S)
        for seat in self._seats:
            seat.clear()

    def _care(self) -> None:
        """Carry the journal's write-ahead log over, so that no worker has to while messages wait for it."""
        journal: Journal | None = None
        while not self._stopping.wait(CHECKPOINT_S):
            try:
                journal = journal or Journal.open(*self._journal)
                journal.checkpoint()
            except JournalError as error:
                log.warning("%s", error)  # those who write say what is wrong with the disk
        if journal is not None:
            journal.close()


class _Seat:
    """The place of one worker: keeps it filled."""

    def __init__(self, number: int, task: WorkerTask, registry: RegistrySnapshot) -> None:
        self._number = number
        self._task = task
        self._registry = registry
        self._lock = threading.Lock()
        self._process: SpawnProcess | None = None
        self._before = Tally()
        self._report = WorkerReport(connected=False, fault=None, tally=Tally())
        self._connected = threading.Event()
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"headend-{number}", daemon=True)

    @property
    def fault(self) -> str | None:
        """What keeps this worker from its work."""
        return self._report.fault

    @property
    def pid(self) -> int | None:
        """Process id of the worker, None if there is none at the moment."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def start(self) -> None:
        """Fill the seat."""
        self._keeper.start()

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait until the worker has the broker."""
        return self._connected.wait(timeout_s)

    def update_registry(self, registry: RegistrySnapshot) -> None:
        """Have another registry handed to the worker."""
        self._registry = registry

    def tally(self) -> Tally:
        """This seat's work, that of former workers included."""
        total = Tally()
        with self._lock:
            total.add(self._before)
            total.add(self._report.tally)
        return total

    @property
    def is_empty(self) -> bool:
        """Whether nobody sits here, and nobody will."""
        return not self._keeper.is_alive()

    def ask_to_stop(self) -> None:
        """Have the worker told to finish."""
        self._stopping.set()

    def clear(self) -> None:
        """End a worker that has not come to an end."""
        process = self._process
        if process is not None and process.is_alive():
            log.warning("%s: head-end %d does not stop; killing it", self._task.node, self._number)
            process.kill()
            process.join(0.5)

    def _keep(self) -> None:
        pause_s = FIRST_RESTART_S
        while not self._stopping.is_set():
            try:
                lived = self._run_one()
            except OSError:
                log.exception("%s: head-end %d cannot be started", self._task.node, self._number)
                lived = False
            if self._stopping.is_set():
                return
            pause_s = FIRST_RESTART_S if lived else min(pause_s * 2, LONGEST_RESTART_S)
            code = None if self._process is None else self._process.exitcode
            log.error("%s: head-end %d ended (exit code %s); starting another", self._task.node, self._number, code)
            self._stopping.wait(pause_s)

    def _run_one(self) -> bool:
        """Start a worker and listen to it until it ends. Return whether it ever had the broker."""
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        registry = self._registry
        process = spawn.Process(
            target=run_worker,
            args=(self._task, self._number, registry, theirs),
            name=f"{self._task.node}-headend-{self._number}",
            daemon=True,
        )
        with ours:
            with theirs:
                process.start()
            self._process = process
            lived = self._attend(ours, registry)
        process.join()
        with self._lock:
            self._before.add(self._report.tally)
            fault = None if self._stopping.is_set() else self._report.fault or f"head-end {self._number} ended"
            self._report = WorkerReport(connected=False, fault=fault, tally=Tally())
        self._connected.clear()
        return lived

    def _attend(self, pipe: "Connection", registry: RegistrySnapshot) -> bool:
        """Listen to a worker and tell it what is new, until it ends. Only this thread writes into the pipe."""
        lived = told = False
        try:
            while True:
                if pipe.poll(STEP_S):
                    report: WorkerReport = pipe.recv()
                    with self._lock:
                        self._report = report
                    lived = lived or report.connected
                    (self._connected.set if report.connected else self._connected.clear)()
                if registry is not self._registry:
                    registry = self._registry
                    pipe.send(registry)
                if self._stopping.is_set() and not told:
                    told = True
                    pipe.send(None)
        except (EOFError, OSError):
            return lived  # it is gone
