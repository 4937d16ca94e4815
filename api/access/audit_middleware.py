"""Every write into the audit log, with its outcome, before the answer leaves the server."""

import logging
import sqlite3
from typing import TYPE_CHECKING

from anyio import to_thread

from api.access.access import Access
from api.access.principal import PUBLIC, Principal
from api.http.problems import ProblemError, response_to

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
TOO_MANY = 429
"""Nothing was done, and whoever sends too much shall not write too much."""
_UNLOGGED = frozenset({"session_nonce"})
"""Anybody may ask for nonces without end, and they change nothing."""


class AuditMiddleware:
    """ASGI middleware. It stands outside of the one that repeats answers, so that a repetition is on record, too.

    A write that nobody in particular sent is no row, so that strangers cannot fill the log: an attempt at signing in is, and is
    limited by address. Where the log cannot be written, the answer is 503 and says so.
    """

    def __init__(self, app: "ASGIApp", access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        unwritten = False

        async def send_once_written(message: "Message") -> None:
            nonlocal unwritten
            if message["type"] == "http.response.start":
                try:
                    await to_thread.run_sync(self._write, state, message["status"])
                except sqlite3.Error:
                    _log.exception("the audit log cannot be written")
                    unwritten = True
                    detail = "what was asked may have been done, but cannot be put on record; look before you try again"
                    await response_to(ProblemError("part-away", detail), scope["path"])(scope, receive, send)
            if not unwritten:
                await send(message)

        await self._app(scope, receive, send_once_written)

    def _write(self, state: dict[str, object], status: int) -> None:
        operation, principal = state.get("operation"), state.get("principal", PUBLIC)
        if not isinstance(operation, str) or not isinstance(principal, Principal) or state.get("is_on_record"):
            return
        if operation in _UNLOGGED or status == TOO_MANY or (not principal.is_signed_in and operation != "session_open"):
            return
        self._access.record(principal, operation, str(state.get("target", "")), status)
