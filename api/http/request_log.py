"""One line a request: who asked for what, how it ended, how long it took. Neither queries nor headers nor bodies are logged."""

import logging
import secrets
import time
from typing import TYPE_CHECKING

from starlette.responses import Response

from api.http.problem_types import problem_type
from api.http.problems import problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "heliograph.request_id"
"""Key of the request's number in its scope."""
_log = logging.getLogger("api.requests")


class RequestLog:
    """ASGI middleware around all that may fail: numbers requests, logs them, and answers what the program was not written for."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app
        self._run = secrets.token_hex(4)
        self._count = 0

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._count += 1
        number = f"{self._run}-{self._count:x}"
        scope[REQUEST_ID] = number
        header = (b"x-request-id", number.encode())
        status, began = 0, time.perf_counter()

        async def send_numbered(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        try:
            await self._app(scope, receive, send_numbered)
        except Exception:  # noqa: BLE001  whatever it is, the asker gets an answer and the log the whole of it
            _log.exception("%s %s %s: a mistake of the program", number, scope["method"], _safe(scope["path"]))
            if not status:
                await _own_mistake(number, scope["path"])(scope, receive, send_numbered)
        if _log.isEnabledFor(logging.INFO):
            spent_ms = (time.perf_counter() - began) * 1000
            _log.info("%s %s %s %d %.1f ms", number, scope["method"], _safe(scope["path"]), status, spent_ms)


def _own_mistake(number: str, path: str) -> Response:
    """Answer a request that met a mistake of the program."""
    detail = f"the server made a mistake; it is in its log under {number}. Try again later"
    return problem_response(problem_type("internal-error"), detail, path)


def _safe(path: str) -> str:
    """Write a path on one line: whoever asks must not write lines of their own into the log."""
    return path[:200].encode("unicode_escape").decode("ascii")
