"""A short way for the reads that are asked most: plain requests skip the general reading of parameters, which costs more than they do.

A route of `QuickRoute` whose endpoint carries a `Lane` looks whether a request is plain: no parameter but those that the lane knows,
each in its most usual form. Then the lane answers. Any other request goes the way of all others, which reads every form, and says
what is wrong with one that is none. Both ways ask the same question of the same function, so the answers are the same bytes.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fastapi import Request
from fastapi.routing import APIRoute

from api.http.answers import PRIVATE, VARY, Ready, has_already
from api.http.cursors import MAX_LIMIT
from api.http.lists import next_link

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

Asked = TypeVar("Asked")
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_LANE = "__lane__"
_PLAIN_ACCEPT = frozenset({b"*/*", b"application/json"})
_PLAIN_INSTANT = re.compile(r"(?:19[7-9]|2\d\d|[3-8]\d\d)\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_PLAIN_NUMBER = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,27}", re.ASCII)
_JSON = (b"content-type", b"application/json")
_VARY = (b"vary", VARY.encode())


@dataclass(frozen=True)
class Lane(Generic[Asked]):
    """The short way of one route."""

    gate: Callable[[Request], Awaitable[Any]]
    """Who may ask: the route's own dependency; raises ProblemError."""
    read: Callable[[Request], Asked | None]
    """What is asked; None where the request is not plain."""
    make: Callable[[Asked, Any], Ready]
    """The answer, by what is asked and who asks; may raise ProblemError."""
    cache_control: str = PRIVATE


def quick(lane: Lane[Any]) -> Callable[[Endpoint], Endpoint]:
    """Give an endpoint its short way. Stands between the route's decorator and the function."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _LANE, lane)
        return endpoint

    return mark


class QuickRoute(APIRoute):
    """A route that takes the lane of its endpoint where a request is plain."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401  FastAPI's own
        super().__init__(path, endpoint, **options)
        lane: Lane[Any] | None = getattr(endpoint, _LANE, None)
        if lane is None:
            return
        ordinary = self.app

        async def app(scope: "Scope", receive: "Receive", send: "Send") -> None:
            if_none_match = _plain(scope)
            request = Request(scope, receive)
            asked = lane.read(request) if if_none_match is not _NOT_PLAIN else None
            if asked is None:
                await ordinary(scope, receive, send)
                return
            who = await lane.gate(request)
            found = lane.make(asked, who)
            headers = [(b"etag", found.tag.encode()), (b"cache-control", lane.cache_control.encode()), _VARY]
            if found.following is not None:
                headers.append((b"link", next_link(request, found.following).encode()))
            await _send(found, headers, if_none_match, send)

        self.app = app


_NOT_PLAIN = "\0"


def _plain(scope: "Scope") -> str | None:
    """Return the header If-None-Match, or `_NOT_PLAIN` where another form than JSON may be wanted."""
    if_none_match = None
    for name, content in scope["headers"]:
        if name == b"accept" and content not in _PLAIN_ACCEPT:
            return _NOT_PLAIN
        if name == b"if-none-match":
            if if_none_match is not None:
                return _NOT_PLAIN
            if_none_match = content.decode("latin-1")
    return if_none_match


async def _send(found: Ready, headers: list[tuple[bytes, bytes]], if_none_match: str | None, send: "Send") -> None:
    if has_already(if_none_match, found.tag):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    headers += [(b"content-length", str(len(found.body)).encode()), _JSON]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": found.body})


def plain_query(request: Request, known: frozenset[str]) -> dict[str, str] | None:
    """Return the parameters of a plain query: each known, given once, written without escapes but that of the colon."""
    raw: bytes = request.scope["query_string"]
    if not raw:
        return {}
    text = raw.decode("latin-1").replace("%3A", ":")
    if "%" in text or "+" in text:
        return None
    found: dict[str, str] = {}
    for pair in text.split("&"):
        name, equals, content = pair.partition("=")
        if not equals or name not in known or name in found:
            return None
        found[name] = content
    return found


def plain_name(request: Request, parameter: str) -> str | None:
    """Return a path parameter that is a name of the registry, None if it is none."""
    name: str = request.scope["path_params"][parameter]
    return name if _PLAIN_NAME.fullmatch(name) else None


def plain_asset(request: Request) -> str | None:
    """Return the asset that a request without a query names."""
    return None if request.scope["query_string"] else plain_name(request, "asset_id")


def plain_nothing(request: Request) -> bool | None:
    """Tell that a request has no query."""
    return None if request.scope["query_string"] else True


def plain_limit(text: str | None, default: int) -> int | None:
    """Return how many items a plain query asks for, None if it does not say it plainly."""
    if text is None:
        return default
    if not _PLAIN_NUMBER.fullmatch(text):
        return None
    return number if (number := int(text)) <= MAX_LIMIT else None


@lru_cache(maxsize=8192)
def plain_instant_ms(text: str | None, default_ms: int) -> int | None:
    """Return an instant [ms UTC] of the form 2026-11-01T10:00:00Z, None if it has another one."""
    if text is None:
        return default_ms
    if not _PLAIN_INSTANT.fullmatch(text):
        return None
    try:
        return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 1000
    except ValueError:
        return None
