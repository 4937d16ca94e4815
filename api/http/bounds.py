"""What no request may exceed or repeat, checked before anything else reads it."""

from typing import TYPE_CHECKING

from fastapi import HTTPException
from starlette.responses import Response

from api.http.depth import MAX_DEPTH, Depth
from api.http.problem_types import problem_type
from api.http.problems import problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 1 << 16
"""Longest body of a request where its path has no limit of its own [bytes]."""
MAX_ADDRESS = 8192
"""Longest path and query [bytes]."""
SINGLE = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"last-event-id",
        b"x-heliograph",
    }
)
"""Headers that, given twice, could mean one thing to this server and another to one before it."""


class BodyError(HTTPException):
    """The body has turned out too long or too deep while it was read."""

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(problem_type(slug).status, detail)
        self.slug = slug


class Bounds:
    """ASGI middleware that turns away what is too long or ambiguous."""

    def __init__(self, app: "ASGIApp", *, max_body: int = MAX_BODY, larger: "dict[str, int] | None" = None) -> None:
        """Set the limits.

        Args:
            app: what is protected.
            max_body: longest body [bytes].
            larger: other limits [bytes] for paths that contain a text.

        """
        self._app = app
        self._max_body = max_body
        self._larger = dict(larger or {})

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal, declared = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if scope["method"] in {"GET", "HEAD"} and not declared:
            await self._app(scope, receive, send)
            return
        started = False

        async def send_noting(message: "Message") -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, self._bounded(scope["path"], receive), send_noting)
        except BodyError as error:  # read by a middleware; where a route reads, it is told there
            if not started:
                await _refused(error, scope["path"])(scope, receive, send)

    def _bounded(self, path: str, receive: "Receive") -> "Receive":
        """Look at each piece of a body before it is handed on."""
        limit, taken = self._limit(path), 0
        depth = Depth() if limit == self._max_body else None  # what may be larger is no JSON, or is not parsed

        async def receive_bounded() -> "Message":
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                piece = message.get("body", b"")
                taken += len(piece)
                if taken > limit:
                    raise _too_large(limit)
                if depth is not None and depth.is_too_deep(piece):
                    raise BodyError(
                        "malformed-request", f"the body is nested more than {MAX_DEPTH} levels deep; make it flatter"
                    )
            return message

        return receive_bounded

    def _limit(self, path: str) -> int:
        return next((limit for part, limit in self._larger.items() if part in path), self._max_body)

    def _refusal(self, scope: "Scope") -> tuple[Response | None, int]:
        """Return the answer to a request that is turned away at once, and the length that it declares."""
        path, declared, seen = scope["path"], 0, set()
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_ADDRESS:
            detail = f"path and query have more than {MAX_ADDRESS} bytes; use fewer or shorter parameters"
            return problem_response(problem_type("address-too-long"), detail, path[:200]), 0
        for name, content in scope["headers"]:
            if name in SINGLE:
                if name in seen:
                    detail = f"the header {name.decode()} is given twice; give it once"
                    return problem_response(problem_type("malformed-request"), detail, path), 0
                seen.add(name)
                if name == b"content-length" and content.isdigit():
                    declared = int(content[:20])
            elif name == b"transfer-encoding":
                declared = declared or 1
        limit = self._limit(path)
        return (_refused(_too_large(limit), path) if declared > limit else None), declared


def _too_large(limit: int) -> BodyError:
    return BodyError("too-large", f"the body has more than {limit} bytes; send less at once")


def _refused(error: BodyError, path: str) -> Response:
    return problem_response(problem_type(error.slug), error.detail, path, headers={"Connection": "close"})
