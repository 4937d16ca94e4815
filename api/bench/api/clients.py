"""Clients under load, as a process of their own: raw connections that stay open, and as little else as possible.

An HTTP library costs more per request than the server that is to be measured, and on two cores that would be the figure.
"""

import asyncio
import gc
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe

import numpy as np
from numpy.typing import NDArray

from api.bench.api.answers import AnswerError, read_head
from api.bench.children import child

TICK_S = 0.001
"""How often an open-loop run looks for requests that are due [s]."""
QUIET_S = 5.0
"""After the last request, answers are waited for no longer than this [s]."""


@dataclass(frozen=True)
class Closed:
    """Every connection asks again as soon as it is answered: what the server can do at most."""

    port: int
    requests: Sequence[bytes]
    seconds: float
    connections: int


@dataclass(frozen=True)
class Open:
    """Requests come at a fixed rate, whatever is answered; latency runs from the time they were due."""

    port: int
    requests: Sequence[bytes]
    seconds: float
    connections: int
    rate: float
    """Requests per second, all connections together."""


@dataclass(frozen=True)
class Answered:
    """What came back."""

    latency_ns: NDArray[np.int64]
    """Of each request, in the order of the answers."""
    statuses: dict[int, int]
    octets: int
    """Of all bodies."""
    seconds: float
    unanswered: int
    cpu_s: float
    """Processor time of these clients."""
    faults: tuple[str, ...]

    @property
    def per_s(self) -> float:
        """Answers per second."""
        return len(self.latency_ns) / self.seconds


@dataclass
class _Tally:
    latency_ns: list[int] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    octets: int = 0
    faults: Counter[str] = field(default_factory=Counter)


class _Asking(asyncio.Protocol):
    """One connection: at most one request on its way, further ones that are due wait here."""

    def __init__(self, tally: _Tally, answered: Callable[["_Asking"], None]) -> None:
        self._tally = tally
        self._answered = answered
        self._received = bytearray()
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._due_ns = 0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  TCP connections have no other
        self.transport = transport

    def ask(self, due_ns: int, request: bytes) -> None:
        """Send a request, or let it wait for the answer to the one before."""
        if self._due_ns or self.transport is None:
            self._waiting.append((due_ns, request))
        else:
            self._due_ns = due_ns
            self.transport.write(request)

    def data_received(self, received: bytes) -> None:
        """Take an answer in, and go on."""
        self._received += received
        try:
            head = read_head(self._received)
        except AnswerError as error:
            self._tally.faults[str(error)] += 1
            self.close()
            return
        if head is None:
            return
        if head.length is None:
            self._tally.faults["a stream where an answer with a length was expected"] += 1
            self.close()
            return
        if len(self._received) < head.end + head.length:
            return
        self._tally.latency_ns.append(time.perf_counter_ns() - self._due_ns)
        self._tally.statuses[head.status] += 1
        self._tally.octets += head.length
        del self._received[: head.end + head.length]
        self._due_ns = 0
        if self._waiting:
            self.ask(*self._waiting.popleft())
        else:
            self._answered(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Note a request that will never be answered."""
        self.transport = None
        if self._due_ns:
            self._tally.faults[f"a connection was lost while it waited for an answer: {error}"] += 1

    @property
    def unanswered(self) -> int:
        """How many requests it still waits for, or has not sent."""
        return len(self._waiting) + (self._due_ns > 0)

    def close(self) -> None:
        """Close the connection."""
        if self.transport is not None:
            self.transport.close()


async def _connect(
    port: int, connections: int, tally: _Tally, answered: Callable[[_Asking], None]
) -> Sequence[_Asking]:
    loop = asyncio.get_running_loop()
    made = []
    for _ in range(connections):
        _, asking = await loop.create_connection(lambda: _Asking(tally, answered), "127.0.0.1", port)
        made.append(asking)
    return made


async def ask_closed(load: Closed) -> Answered:
    """Keep every connection busy for a time."""
    tally, asked, over = _Tally(), 0, False

    def go_on(connection: _Asking) -> None:
        nonlocal asked
        if not over:
            asked += 1
            connection.ask(time.perf_counter_ns(), load.requests[asked % len(load.requests)])

    connections = await _connect(load.port, load.connections, tally, go_on)
    began, cpu = time.perf_counter(), time.process_time()
    for connection in connections:
        go_on(connection)
    await asyncio.sleep(load.seconds)
    over = True
    seconds, counted = time.perf_counter() - began, len(tally.latency_ns)
    cpu_s = time.process_time() - cpu
    await _settle(connections)
    return _answered(tally, connections, seconds, cpu_s, counted)


async def ask_open(load: Open) -> Answered:
    """Ask at a fixed rate for a time; request i is due at i / rate, on connection i modulo their number."""
    tally = _Tally()
    connections = await _connect(load.port, load.connections, tally, lambda _: None)
    count, gap_ns = int(load.rate * load.seconds), round(1e9 / load.rate)
    began, cpu, began_ns = time.perf_counter(), time.process_time(), time.perf_counter_ns()
    asked = 0
    while asked < count:
        now_ns = time.perf_counter_ns()
        while asked < count and began_ns + asked * gap_ns <= now_ns:
            due_ns = began_ns + asked * gap_ns
            connections[asked % len(connections)].ask(due_ns, load.requests[asked % len(load.requests)])
            asked += 1
        await asyncio.sleep(TICK_S)
    await _settle(connections)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return _answered(tally, connections, seconds, cpu_s, len(tally.latency_ns))


async def _settle(connections: Sequence[_Asking]) -> None:
    """Wait for what is still to be answered."""
    deadline = time.perf_counter() + QUIET_S
    while any(each.unanswered for each in connections) and time.perf_counter() < deadline:  # noqa: ASYNC110  many things
        await asyncio.sleep(TICK_S)


def _answered(tally: _Tally, connections: Sequence[_Asking], seconds: float, cpu_s: float, counted: int) -> Answered:
    unanswered = sum(each.unanswered for each in connections)
    for connection in connections:
        connection.close()
    return Answered(
        latency_ns=np.array(tally.latency_ns[:counted], dtype=np.int64),
        statuses=dict(tally.statuses),
        octets=tally.octets,
        seconds=seconds,
        unanswered=unanswered,
        cpu_s=cpu_s,
        faults=tuple(f"{count} times: {fault}" for fault, count in tally.faults.most_common(3)),
    )


@child
def clients(pipe: Pipe) -> None:
    """Answer each load that comes through the pipe with what came of it, until the pipe closes."""
    gc.disable()  # a pause here would be taken for one of the server's; the process ends with the run
    while True:
        load = pipe.recv()
        pipe.send(asyncio.run(ask_closed(load) if isinstance(load, Closed) else ask_open(load)))
