"""Carries each event to all who listen. A thread publishes; each listener takes from a queue of its own on its event loop.

A queue is bounded. Who lets it run full is dropped, and told where to go on: the others never wait for the slowest.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence

from api.notices.told import Told

MOST_LISTENERS = 4000
QUEUE_EVENTS = 1024
"""Events that may wait for one listener."""

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

    def put(self, events: Sequence[Told]) -> None:
        """Queue what is for this listener."""
        for event in events:
            if not self.visible(event.asset_id):
                continue
            if len(self._queue) >= self._queue_events:
                self._queue.clear()
                self.overflowed = True
            self._queue.append(event)
        if self._queue:
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


class Hub:
    """All who listen, on any number of event loops."""

    def __init__(self, most: int = MOST_LISTENERS, queue_events: int = QUEUE_EVENTS) -> None:
        self._most = most
        self._queue_events = queue_events
        self._lock = threading.Lock()
        self._listeners: dict[asyncio.AbstractEventLoop, set[Listener]] = {}
        self._closed = False

    def join(self, visible: Visible) -> Listener:
        """Listen from now on, on the event loop that runs.

        Raises:
            HubFullError: too many listen, or the server stops.

        """
        loop = asyncio.get_running_loop()
        listener = Listener(visible, loop, self._queue_events)
        with self._lock:
            if self._closed or sum(map(len, self._listeners.values())) >= self._most:
                raise HubFullError("as many listen as this server carries")
            self._listeners.setdefault(loop, set()).add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no longer. Does nothing the second time."""
        with self._lock:
            on_loop = self._listeners.get(listener.loop, set())
            on_loop.discard(listener)
            if not on_loop:
                self._listeners.pop(listener.loop, None)

    def count(self) -> int:
        """Return how many listen."""
        with self._lock:
            return sum(map(len, self._listeners.values()))

    def publish(self, events: Sequence[Told]) -> None:
        """Hand events to everybody, from any thread."""
        self._on_each_loop(lambda listener: listener.put(events))

    def close(self) -> None:
        """Let everybody go, and let nobody in any longer."""
        with self._lock:
            self._closed = True
        self._on_each_loop(Listener.end)

    def _on_each_loop(self, act: Callable[[Listener], None]) -> None:
        with self._lock:
            listening = [(loop, list(listeners)) for loop, listeners in self._listeners.items()]

        def on_loop(listeners: list[Listener]) -> None:
            for listener in listeners:
                act(listener)

        for loop, listeners in listening:
            if loop.is_closed():  # its listeners went with it
                with self._lock:
                    self._listeners.pop(loop, None)
            else:
                loop.call_soon_threadsafe(on_loop, listeners)
