"""The stream of one listener: what was missed, then what comes, as server-sent events until one side has enough."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from api.http.problems import ProblemError
from api.notices.hub import HubFullError, Listener, Visible
from api.notices.notices import PAGE, Notices, resync
from api.notices.told import Told, message, parse_position, position

if TYPE_CHECKING:
    from collections.abc import Iterable

HEARTBEAT_S = 15.0
"""A comment is sent when nothing else was for so long, and the credential is looked at again [s]."""
LONGEST_S = 3600.0
"""Then the stream ends, and the client opens another with a fresh look at who it is [s]."""
SEND_S = 20.0
"""A client that takes nothing for so long is cut off [s]."""
RETRY_MS = 3000
MOST_MISSED = 50_000
"""Events that are sent after the fact; who missed more reads what it shows anew."""
BEAT = b": beat\n\n"
_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events back
}


class _ClientTooSlowError(Exception):
    """The client does not take what is sent."""


class EventStream(Response):
    """One listener's stream.

    Args:
        notices: where events come from.
        visible: whether events of an asset, or without one, are for this listener.
        last_event_id: where the listener was, as it says; None to begin now.
        still: whether the credential still holds; asked at each heartbeat.

    """

    def __init__(
        self, notices: Notices, visible: Visible, last_event_id: str | None, still: Callable[[], bool]
    ) -> None:
        self.background = None
        self.status_code = 200
        self.init_headers(_HEADERS)
        self._notices = notices
        self._source = notices.source
        self._visible = visible
        self._last_event_id = last_event_id
        self._still = still

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client goes, the server stops, or the stream has lasted long enough.

        Raises:
            ProblemError: too many listen; nothing was sent.

        """
        try:
            listener = self._notices.hub.join(self._visible)
        except HubFullError as error:
            raise ProblemError("part-away", f"{error}; try again later") from error
        watch = asyncio.create_task(_until_gone(receive, listener))
        writer = _Writer(send)
        try:
            await writer.begin(self)
            await self._run(listener, writer)
            await writer.end()
        except _ClientTooSlowError:
            return  # the server closes the connection: an answer is open on it
        except asyncio.CancelledError:
            await writer.end()  # the server stops and waits no longer: the answer ends here, which is no fault
        finally:
            self._notices.hub.leave(listener)
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    async def _run(self, listener: Listener, writer: "_Writer") -> None:
        cursor = await self._catch_up(listener, writer)
        clock = asyncio.get_running_loop().time
        end_s, look_s = clock() + LONGEST_S, clock() + HEARTBEAT_S
        while not listener.ended:
            came = await listener.wait(max(0.0, min(look_s, end_s) - clock()))
            if listener.overflowed:
                await writer.write(message("dropped", '{"detail":"too slow: go on with the id of the last event"}'))
                return
            events = listener.take()
            if any(not event.number for event in events):
                cursor = 0  # numbers begin anew
            await writer.write(*(event.wire for event in events if event.number > cursor or not event.number))
            if clock() >= end_s:
                return
            if clock() >= look_s:
                if not self._still():
                    return
                look_s = clock() + HEARTBEAT_S
            if not came:
                await writer.write(BEAT)

    async def _catch_up(self, listener: Listener, writer: "_Writer") -> int:
        """Send what was missed; return the number up to which all was sent."""
        instance, newest = await asyncio.to_thread(lambda: (self._source.instance(), self._source.last_event()))
        asked = None if self._last_event_id is None else parse_position(self._last_event_id)
        start = message("ready", "{}", position(instance, newest))
        if asked is None and self._last_event_id is None:
            await writer.write(f"retry: {RETRY_MS}\n\n".encode(), start)
            return newest
        if asked is None or asked[0] != instance or not newest - MOST_MISSED <= asked[1] <= newest:
            await writer.write(f"retry: {RETRY_MS}\n\n".encode(), resync(instance, newest))
            return newest
        cursor = asked[1]
        await writer.write(f"retry: {RETRY_MS}\n\n".encode(), message("ready", "{}"))
        while not listener.ended:
            listener.overflowed = False  # what was queued is in what is read now
            events = await asyncio.to_thread(self._source.events, cursor, PAGE)
            await writer.write(*(told.wire for told in self._seen(Told.of(event, instance) for event in events)))
            cursor = events[-1].number if events else cursor
            if len(events) < PAGE and not listener.overflowed:
                break
        return cursor

    def _seen(self, events: "Iterable[Told]") -> "Iterable[Told]":
        return (event for event in events if self._visible(event.asset_id))


class _Writer:
    """Sends, and gives up on a client that takes nothing."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def begin(self, response: Response) -> None:
        start = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
        await self._sent(start)

    async def write(self, *parts: bytes) -> None:
        if parts:
            await self._sent({"type": "http.response.body", "body": b"".join(parts), "more_body": True})

    async def end(self) -> None:
        await self._sent({"type": "http.response.body", "body": b"", "more_body": False})

    async def _sent(self, sent: Message) -> None:
        try:
            async with asyncio.timeout(SEND_S):
                await self._send(sent)
        except TimeoutError as error:
            raise _ClientTooSlowError from error


async def _until_gone(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.end()
