"""One run: fill, serve, ask in turns, listen."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from api.bench.api.answers import request
from api.bench.api.asking import empties, reads
from api.bench.api.clients import Answered, Closed, Open, clients
from api.bench.api.figures import Figures, Measured, Spent
from api.bench.api.filling import fill
from api.bench.api.listeners import Heard, Listening, listeners
from api.bench.api.options import ApiOptions
from api.bench.api.parts import PROJECTION
from api.bench.api.served import empty, heliograph
from api.bench.children import Children, spawned
from api.bench.machine import busy_seconds, cpu_seconds, disk_wait_seconds, processor

WARM_UP_S = 1.0
EVENT_PAUSE_S = 0.05
"""Between two events when nothing else is asked: twenty a second, each to all listeners."""
READING_EVERY_S = 300.0
"""How often a meter reports: so often each asset has an event while reads come at half the highest rate."""
REQUESTS_A_SECOND = 6000
"""So many different reads are made up for each second of asking; when they are used up, they come again."""
QUIET_S = 2.0
"""After the last event, its arrivals are waited for [s]."""

OnProgress = Callable[[str, float], None]


def bench_api(options: ApiOptions, folder: Path, on_progress: OnProgress) -> Figures:
    """Measure, in a folder for the run's files.

    Raises:
        ChildError: a process of the run failed.

    """
    began = time.perf_counter()
    rows = fill(
        folder / PROJECTION,
        options.assets,
        options.days,
        lambda share: on_progress("filling the projection", share * 0.5),
    )
    fill_s = time.perf_counter() - began
    with spawned() as children:
        return Figures(_Run(options, children, folder, on_progress).measure(rows, fill_s))


class _Run:
    """The measuring part, with all processes up."""

    def __init__(self, options: ApiOptions, children: Children, folder: Path, on_progress: OnProgress) -> None:
        self._options = options
        self._children = children
        self._on_progress = on_progress
        on_progress("starting the servers", 0.5)
        self._api = children.start("heliograph", heliograph, folder)
        self._empty = children.start("empty", empty)
        self._clients = children.start("clients", clients)
        self._api_port, key = self._api.recv()
        self._empty_port = self._empty.recv()
        self._key = f"Authorization: Bearer {key}"
        count = int(options.seconds * REQUESTS_A_SECOND)
        self._reads = reads(count, options.assets, options.days, [self._key])
        self._empties = empties()
        self._cpu: dict[str, Spent] = {}
        self._disk_wait_s: float | None = None

    def measure(self, rows: int, fill_s: float) -> Measured:
        """Ask in turns, then at half the rate, then listen."""
        whole, busy, own = time.perf_counter(), busy_seconds(), self._own_cpu()
        took: list[Answered] = []
        empty_took: list[Answered] = []
        for port, asked in ((self._empty_port, self._empties), (self._api_port, self._reads)):
            self._ask(Closed(port, asked, WARM_UP_S, self._options.clients))
        part_s = self._options.seconds / self._options.rounds
        for number in range(self._options.rounds):
            self._on_progress("asking", 0.55 + 0.25 * number / self._options.rounds)
            closed = Closed(self._empty_port, self._empties, part_s, self._options.clients)
            empty_took.append(self._watched("empty", "empty", closed))
            closed = Closed(self._api_port, self._turned(number), part_s, self._options.clients)
            took.append(self._watched("heliograph", "reads", closed))
        rate = sum(len(each.latency_ns) for each in took) / sum(each.seconds for each in took) / 2
        steady_load = Open(self._api_port, self._turned(0), self._options.seconds, self._options.clients, rate)
        steady, told, heard = self._steady_while_listening(steady_load)
        spent_s, wall_s = busy_seconds() - busy, time.perf_counter() - whole
        others = max(spent_s - (self._own_cpu() - own), 0.0) / (wall_s * (os.cpu_count() or 1))
        return Measured(
            options=self._options, rows=rows, fill_s=fill_s, reads=took, empties=empty_took, steady=steady,
            offered_per_s=rate, told=told, heard=heard, server_cpu=self._cpu, others_cpu=others,
            disk_wait_s=self._disk_wait_s, machine=processor(),
        )  # fmt: skip

    def _steady_while_listening(self, load: Open) -> tuple[Answered, list[tuple[int, int]], Heard | None]:
        """Open all listeners, ask while events happen as they do, then let them come faster; collect what arrived."""
        if not self._options.listeners:
            self._on_progress("asking at half the rate", 0.8)
            return self._steady(load), [], None
        self._on_progress("opening listeners", 0.8)
        asked = request("/v1/events", "Accept: text/event-stream", self._key).replace(
            b"Accept: application/json\r\n", b""
        )
        listening = self._children.start(
            "listeners", listeners, Listening(self._api_port, [asked] * self._options.listeners)
        )
        listening.recv()
        self._on_progress("asking at half the rate", 0.85)
        pause_s = min(READING_EVERY_S / self._options.assets, self._options.seconds)
        self._api.send((max(int(self._options.seconds / pause_s), 1), pause_s))
        steady = self._steady(load)
        told: list[tuple[int, int]] = self._api.recv()
        self._on_progress("listening", 0.92)
        pid, began = self._children.pids()["heliograph"], time.perf_counter()
        cpu = cpu_seconds(pid)
        self._api.send((max(int(self._options.seconds / EVENT_PAUSE_S), 1), EVENT_PAUSE_S))
        faster: list[tuple[int, int]] = self._api.recv()
        time.sleep(QUIET_S)
        self._cpu["events"] = Spent(cpu_seconds(pid) - cpu, time.perf_counter() - began, len(faster))
        listening.send("enough")
        heard: Heard = listening.recv()
        return steady, told + faster, heard

    def _steady(self, load: Open) -> Answered:
        waited_s = disk_wait_seconds()
        answered = self._watched("heliograph", "reads_at_half_rate", load)
        self._disk_wait_s = None if waited_s is None else (disk_wait_seconds() or waited_s) - waited_s
        return answered

    def _ask(self, load: Closed | Open) -> Answered:
        self._clients.send(load)
        answered: Answered = self._clients.recv()
        return answered

    def _watched(self, server: str, what: str, load: Closed | Open) -> Answered:
        """Ask, and note the processor time that the server takes."""
        pid = self._children.pids()[server]
        cpu, began = cpu_seconds(pid), time.perf_counter()
        answered = self._ask(load)
        spent = Spent(cpu_seconds(pid) - cpu, time.perf_counter() - began, sum(answered.statuses.values()))
        self._cpu[what] = self._cpu[what] + spent if what in self._cpu else spent
        return answered

    def _turned(self, number: int) -> list[bytes]:
        """The same requests from another place on, so that no round asks what the one before has asked."""
        at = len(self._reads) * number // self._options.rounds
        return self._reads[at:] + self._reads[:at]

    def _own_cpu(self) -> float:
        return cpu_seconds(os.getpid())
