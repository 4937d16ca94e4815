"""Carries each event to all who listen. A thread publishes; each listener takes from a queue of its own on its event loop.

A queue is bounded. Who lets it run full is dropped, and told where to go on: the others never wait for the slowest.
Listeners are woken a few at a time: whoever asks something else of the same event loop gets his turn in between.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from api.notices.told import Told

MOST_LISTENERS = 4000
QUEUE_EVENTS = 1024
"""Events that may wait for one listener."""
WOKEN_AT_ONCE = 8
"""Listeners that are woken before everything else on the event loop has its turn: writing to one takes about 0.1 ms."""

Visible = Callable[[str | None], bool]
"""Whether events of an asset, or without one, are for a listener."""


class HubFullError(Exception):
    """As many listen as the server carries."""


class Listener:
    """One who listens. Made by `Hub.join`; used on one event loop."""

    def __init__(self, visible: Visible, loop: asyncio.AbstractEventLoop, queue_events: int) -> None:
        self.visible = visible
        self.loop = loop
        self.ended = False
        """Nothing more comes: the server stops, or the client has gone."""
        self.overflowed = False
        """More came than the queue holds: it was emptied, and what follows has a gap."""
        self._queue_events = queue_events
        self._queue: deque[Told] = deque()
        self._changed = asyncio.Event()

    def put(self, events: Sequence[Told]) -> bool:
        """Queue what is for this listener; tell whether something waits, so that it is to be woken."""
        for event in events:
            if not self.visible(event.asset_id):
                continue
            if len(self._queue) >= self._queue_events:
                self._queue.clear()
                self.overflowed = True
            self._queue.append(event)
        return bool(self._queue)

    def wake(self) -> None:
        """Let `wait` return."""
        self._changed.set()

    def take(self) -> list[Told]:
        """Take all that waits, in order."""
        waiting = list(self._queue)
        self._queue.clear()
        self._changed.clear()
        return waiting

    def end(self) -> None:
        """Let `wait` return: there is nothing more to wait for."""
        self.ended = True
        self._changed.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for something to take or for the end; False if the time passed without [s]."""
        if self._queue or self.ended:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True


class _Audience:
    """All who listen on one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.listeners: set[Listener] = set()
        """Changed under the lock of the hub."""
        self._asleep: dict[Listener, None] = {}
        """Who is to be woken, in order; used on the event loop."""

    def hand_out(self, listeners: Sequence[Listener], events: Sequence[Told]) -> None:
        """Queue events for listeners, and wake them, unless that goes on already."""
        if not self._asleep:
            self.loop.call_soon(self._wake_some)
        self._asleep.update((listener, None) for listener in listeners if listener.put(events))

    def _wake_some(self) -> None:
        for listener in list(islice(self._asleep, WOKEN_AT_ONCE)):
            del self._asleep[listener]
            listener.wake()
        if self._asleep:
            self.loop.call_soon(self._wake_some)


class Hub:
    """All who listen, on any number of event loops."""

    def __init__(self, most: int = MOST_LISTENERS, queue_events: int = QUEUE_EVENTS) -> None:
        self._most = most
        self._queue_events = queue_events
        self._lock = threading.Lock()
        self._audiences: dict[asyncio.AbstractEventLoop, _Audience] = {}
        self._closed = False

    def join(self, visible: Visible) -> Listener:
        """Listen from now on, on the event loop that runs.

        Raises:
            HubFullError: too many listen, or the server stops.

        """
        loop = asyncio.get_running_loop()
        listener = Listener(visible, loop, self._queue_events)
        with self._lock:
            if self._closed or self._counted() >= self._most:
                raise HubFullError("as many listen as this server carries")
            self._audiences.setdefault(loop, _Audience(loop)).listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no longer. Does nothing the second time."""
        with self._lock:
            audience = self._audiences.get(listener.loop)
            if audience is None:
                return
            audience.listeners.discard(listener)
            if not audience.listeners:
                del self._audiences[listener.loop]

    def count(self) -> int:
        """Return how many listen."""
        with self._lock:
            return self._counted()

    def publish(self, events: Sequence[Told]) -> None:
        """Hand events to everybody, from any thread."""
        for audience, listeners in self._listening():
            audience.loop.call_soon_threadsafe(audience.hand_out, listeners, events)

    def close(self) -> None:
        """Let everybody go, and let nobody in any longer."""
        with self._lock:
            self._closed = True
        for audience, listeners in self._listening():
            audience.loop.call_soon_threadsafe(_end, listeners)

    def _counted(self) -> int:
        return sum(len(audience.listeners) for audience in self._audiences.values())

    def _listening(self) -> list[tuple[_Audience, list[Listener]]]:
        """Audiences and who is there; those whose loop is closed are forgotten, with their listeners."""
        with self._lock:
            self._audiences = {loop: audience for loop, audience in self._audiences.items() if not loop.is_closed()}
            return [(audience, list(audience.listeners)) for audience in self._audiences.values()]


def _end(listeners: Sequence[Listener]) -> None:
    for listener in listeners:
        listener.end()
