"""Listeners to events, as a process of their own: many connections that note what arrives when."""

import asyncio
import gc
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

from api.bench.api.answers import AnswerError
from api.bench.api.streams import EventStream
from api.bench.children import child

AT_ONCE = 50
"""Connections that are opened at the same time."""
OPEN_S = 60.0
"""All of them must be open after this [s]."""


@dataclass(frozen=True)
class Listening:
    """Who listens, and to what."""

    port: int
    requests: Sequence[bytes]
    """One a connection."""


@dataclass(frozen=True)
class Heard:
    """What arrived."""

    arrivals: tuple[tuple[int, int, int], ...]
    """(connection, number of the event, instant [ns, monotonic clock of this machine])."""
    lost: int
    """Connections that ended before they were closed here."""
    cpu_s: float
    faults: tuple[str, ...]


class _Listener(asyncio.Protocol):
    def __init__(self, number: int, request: bytes, arrivals: list[tuple[int, int, int]], faults: Counter[str]) -> None:
        self._number = number
        self._request = request
        self._arrivals = arrivals
        self._faults = faults
        self._stream = EventStream()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closing = False
        self.lost = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  TCP connections have no other
        self.transport = transport
        transport.write(self._request)

    def data_received(self, received: bytes) -> None:
        now_ns = time.perf_counter_ns()
        try:
            numbers = self._stream.feed(received)
        except AnswerError as error:
            self._fail(str(error))
            return
        if self._stream.status is not None and not self.opened.done():
            self.opened.set_result(None)
        self._arrivals += [(self._number, number, now_ns) for number in numbers]

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closing:
            self._fail(f"a listener's connection was lost: {error}")

    def _fail(self, fault: str) -> None:
        self._faults[fault] += 1
        self.lost = True
        if not self.opened.done():
            self.opened.set_result(None)
        self.close()

    def close(self) -> None:
        self.closing = True
        if self.transport is not None:
            self.transport.close()


async def _listen(listening: Listening, opened: threading.Event, over: threading.Event) -> Heard:
    loop = asyncio.get_running_loop()
    arrivals: list[tuple[int, int, int]] = []
    faults: Counter[str] = Counter()
    gate = asyncio.Semaphore(AT_ONCE)

    async def open_one(number: int, request: bytes) -> _Listener:
        async with gate:
            _, listener = await loop.create_connection(
                lambda: _Listener(number, request, arrivals, faults), "127.0.0.1", listening.port
            )
            try:
                await asyncio.wait_for(asyncio.shield(listener.opened), OPEN_S)
            except TimeoutError:
                listener._fail("a listener was not let in")  # noqa: SLF001  of this module
            return listener

    listeners = await asyncio.gather(*(open_one(*each) for each in enumerate(listening.requests)))
    cpu = time.process_time()
    opened.set()
    await asyncio.to_thread(over.wait)
    cpu_s = time.process_time() - cpu
    lost = sum(each.lost for each in listeners)
    for listener in listeners:
        listener.close()
    return Heard(tuple(arrivals), lost, cpu_s, tuple(text for text, _ in faults.most_common(3)))


@child
def listeners(pipe: Pipe, listening: Listening) -> None:
    """Open all connections and say so through the pipe; at its next message say what was heard."""
    gc.disable()  # a pause here would be taken for one of the server's; the process ends with the run
    opened, over = threading.Event(), threading.Event()
    heard: list[Heard] = []
    running = threading.Thread(target=lambda: heard.append(asyncio.run(_listen(listening, opened, over))), daemon=True)
    running.start()
    while not opened.wait(0.1):
        if not running.is_alive():
            raise RuntimeError("the listeners could not be opened")
    pipe.send("listening")
    pipe.recv()
    over.set()
    running.join()
    pipe.send(heard[0])
