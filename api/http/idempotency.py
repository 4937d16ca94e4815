"""Writes that may be sent twice: the same key and the same request give the same answer, and are done once.

The store is whoever keeps answers (api.access.idempotency); this is the part that reads the request and repeats the answer.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from anyio import to_thread
from starlette.requests import HTTPConnection

from api.http.problems import ProblemError, response_to

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
HEADER = b"idempotency-key"
MAX_KEPT = 1 << 20
"""Longest answer that is kept [bytes]; a longer one is not repeated."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_OPERATION = "heliograph-operation"
_TARGET = "heliograph-target"
_FORGOTTEN = frozenset({401, 403, 429})
"""Statuses that are not kept: the same request may fare better later."""


class KeptAnswer(Protocol):
    """An answer as the store keeps it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class AnswerStore(Protocol):
    """Who remembers. `claim` gives the answer to repeat, or a member of an enumeration: NEW, IN_PROGRESS and others."""

    def claim(self, subject: str, key: str, request: bytes) -> Any: ...  # noqa: ANN401, D102
    def finish(self, subject: str, key: str, answer: Any) -> None: ...  # noqa: ANN401, D102
    def abandon(self, subject: str, key: str) -> None: ...  # noqa: D102


class Idempotency:
    """ASGI middleware for writes with an `Idempotency-Key`."""

    def __init__(
        self,
        app: "ASGIApp",
        *,
        store: AnswerStore,
        subject: Callable[[HTTPConnection], str],
        answer: Callable[[int, tuple[tuple[str, str], ...], bytes], Any],
        secret: Collection[str] = (),
    ) -> None:
        """Put it around an application.

        Args:
            app: what it is put around.
            store: who remembers answers.
            subject: who sends a request; raises ProblemError where its credentials do not hold.
            answer: makes what the store keeps, of status, headers and body.
            secret: operations whose answers must not be kept.

        """
        self._app = app
        self._store = store
        self._subject = subject
        self._answer = answer
        self._secret = frozenset(secret)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            await self._app(scope, receive, send)
            return
        key = next((content.decode("latin-1") for name, content in scope["headers"] if name == HEADER), None)
        if key is None:
            await self._app(scope, receive, send)
            return
        try:
            if not _KEY.fullmatch(key):
                what = "must be 1 to 255 visible ASCII characters"
                members = {"errors": [{"where": "header.Idempotency-Key", "what": what}]}
                raise ProblemError("invalid-parameter", f"header.Idempotency-Key: {what}", members=members)  # noqa: TRY301
            subject = self._subject(HTTPConnection(scope))
        except ProblemError as error:
            await response_to(error, scope["path"])(scope, receive, send)
            return
        body = await _body(receive)
        if body is not None:
            await self._once(_Request(scope, body), subject, key, receive, send)

    async def _once(self, request: "_Request", subject: str, key: str, receive: "Receive", send: "Send") -> None:
        scope = request.scope
        found = await to_thread.run_sync(self._store.claim, subject, key, request.digest)
        claimed = getattr(found, "name", None)
        if claimed != "NEW":
            if claimed is None:
                await _repeat(found, scope, send)
            else:
                await response_to(_refusal(claimed), scope["path"])(scope, receive, send)
            return
        taken = _Taken(send)
        try:
            await self._app(scope, request.receive_again(receive), taken.send)
        except BaseException:
            await to_thread.run_sync(self._store.abandon, subject, key)
            raise
        state = scope.get("state", {})
        if not taken.complete or taken.status >= 500 or taken.status in _FORGOTTEN:
            await to_thread.run_sync(self._store.abandon, subject, key)
            return
        kept = None
        if state.get("operation") not in self._secret and len(taken.body) <= MAX_KEPT:
            told = [(_OPERATION, str(state.get("operation", ""))), (_TARGET, str(state.get("target", "")))]
            kept = self._answer(taken.status, (*taken.headers, *told), bytes(taken.body))
        await to_thread.run_sync(self._store.finish, subject, key, kept)


class _Request:
    """A request whose body was read, to be read again by the application."""

    def __init__(self, scope: "Scope", body: bytes) -> None:
        self.scope = scope
        self.body = body
        content_type = next((content for name, content in scope["headers"] if name == b"content-type"), b"")
        parts = (
            scope["method"].encode(),
            scope["path"].encode("utf-8", "replace"),
            scope["query_string"],
            content_type,
        )
        self.digest = hashlib.sha256(b"\0".join((*parts, hashlib.sha256(body).digest()))).digest()

    def receive_again(self, receive: "Receive") -> "Receive":
        """Give the body once, and then what the client does."""
        given = False

        async def again() -> "Message":
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": self.body, "more_body": False}

        return again


class _Taken:
    """Sends an answer on, and takes it down."""

    def __init__(self, send: "Send") -> None:
        self._send = send
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.complete = False

    async def send(self, message: "Message") -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(name.decode("latin-1"), content.decode("latin-1")) for name, content in message["headers"]]
        elif message["type"] == "http.response.body":
            if len(self.body) <= MAX_KEPT:
                self.body += message.get("body", b"")
            self.complete = not message.get("more_body", False)
        await self._send(message)


async def _body(receive: "Receive") -> bytes | None:
    """Read the whole body; None if the client left before its end."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _repeat(found: KeptAnswer, scope: "Scope", send: "Send") -> None:
    """Send an answer that was kept. The log of writes finds which operation it was of."""
    kept = dict(found.headers)
    state = scope.setdefault("state", {})
    state["operation"], state["target"] = kept.get(_OPERATION, ""), kept.get(_TARGET, "")
    headers: Sequence[tuple[str, str]] = [pair for pair in found.headers if pair[0] not in {_OPERATION, _TARGET}]
    raw = [(name.encode("latin-1"), content.encode("latin-1")) for name, content in headers]
    raw.append((b"idempotency-replayed", b"true"))
    await send({"type": "http.response.start", "status": found.status, "headers": raw})
    await send({"type": "http.response.body", "body": found.body})


def _refusal(claimed: str) -> ProblemError:
    if claimed == "IN_PROGRESS":
        return ProblemError(
            "idempotency-in-progress",
            "the first request with this key is still being worked on; send it again in 2 seconds",
        )
    if claimed == "OTHER_REQUEST":
        return ProblemError(
            "idempotency-key-reused",
            "this Idempotency-Key came with another request; take a new key, or send the same bytes",
        )
    return ProblemError(
        "conflict",
        "this request was done already; its answer is not kept because it carried a secret. Look at the list instead",
    )
