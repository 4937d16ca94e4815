"""How many requests an application answers, with which status, and how long that takes. Adds a few microseconds."""

import time
from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of the histogram of answering times [s]."""
STREAM = b"text/event-stream"
SHORTEST_STREAM_S = 0.1
NO_HEADERS: tuple[tuple[bytes, bytes], ...] = ()


class Tally:
    """What was answered. Written in the server's thread, read from any."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._statuses: Counter[int] = Counter()
        self._buckets = [0] * (len(BOUNDS_S) + 1)
        self._sum_s = 0.0

    def count(self, status: int, took_s: float | None) -> None:
        """Count one answer, and the time it took [s]; None of a stream."""
        self._statuses[status] += 1
        if took_s is not None:
            self._buckets[bisect_left(BOUNDS_S, took_s)] += 1
            self._sum_s += took_s

    def figures(self) -> dict[str, Any]:
        """Counts since the start; the histogram's buckets are cumulative, as Prometheus wants them."""
        names = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]
        return {
            "requests_by_status": {str(status): count for status, count in sorted(self._statuses.copy().items())},
            "request_seconds": {
                "buckets": dict(zip(names, accumulate(self._buckets), strict=True)),
                "sum": round(self._sum_s, 6),
            },
            "requests_in_flight": self.in_flight,
        }


class Traffic:
    """ASGI middleware that counts, around all others."""

    def __init__(self, app: "ASGIApp", tally: Tally) -> None:
        self._app = app
        self._tally = tally

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass a request on, and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status, headers = 500, NO_HEADERS

        async def counting(message: "Message") -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
            await send(message)

        self._tally.in_flight += 1
        try:
            await self._app(scope, receive, counting)
        finally:
            self._tally.in_flight -= 1
            took_s = time.perf_counter() - began
            streams = took_s > SHORTEST_STREAM_S and is_stream(
                headers
            )  # looked for only where it can be one: it takes time
            self._tally.count(status, None if streams else took_s)


def is_stream(headers: "Iterable[tuple[bytes, bytes]]") -> bool:
    """Tell whether an answer's headers are those of an event stream."""
    return any(name.lower() == b"content-type" and kind.startswith(STREAM) for name, kind in headers)
