"""Answers of reads: bytes with an entity tag, 304 where the asker has them already, ready ones kept for the next asker."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import NamedTuple

from fastapi import Request
from starlette.responses import Response

JSON = "application/json"
PUBLIC = "public, no-cache"
"""May be kept by anyone, and is asked for again each time: the tag tells whether it changed."""
PRIVATE = "private, no-cache"
"""The same, for one person's browser only."""
LASTING = "public, max-age=86400, immutable"
"""Will not change under its address."""
VARY = "Accept, Authorization, Cookie"
"""What besides the address an answer depends on."""
TAG_BYTES = 16


class Ready(NamedTuple):
    """One representation, ready to be sent."""

    body: bytes
    tag: str
    """Strong entity tag, quoted."""
    following: str | None = None
    """Of a page: the cursor of the next one."""


def ready(body: bytes, following: str | None = None) -> Ready:
    """Give bytes their tag."""
    return Ready(body, f'"{blake2b(body, digest_size=TAG_BYTES).hexdigest()}"', following)


def has_already(if_none_match: str | None, tag: str) -> bool:
    """Tell whether an `If-None-Match` header names the tag; weak comparison, as RFC 9110 has it for reads."""
    if if_none_match is None:
        return False
    if tag in if_none_match:
        return any(each.strip().removeprefix("W/") == tag for each in if_none_match.split(","))
    return if_none_match.strip() == "*"


def send(
    request: Request,
    found: Ready,
    cache: str = PRIVATE,
    media_type: str = JSON,
    headers: dict[str, str] | None = None,
) -> Response:
    """Answer with a representation, or with 304 if the asker has it."""
    told = {"ETag": found.tag, "Cache-Control": cache, "Vary": VARY, **(headers or {})}
    if has_already(request.headers.get("if-none-match"), found.tag):
        return Response(None, 304, told)
    return Response(found.body, 200, told, media_type)


class Kept:
    """Representations that were made since what they show last changed. Not for use by several threads."""

    def __init__(self, version: Callable[[], Hashable], limit_bytes: int = 64 * 2**20) -> None:
        """Keep up to `limit_bytes`, the least recently asked go first.

        Args:
            version: what changes whenever anything shown may have changed.
            limit_bytes: how much is kept [bytes].

        """
        self._version = version
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[Hashable, tuple[Hashable, Ready]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, make: Callable[[], Ready], version: Hashable = None) -> Ready:
        """Return the representation of `key`, made now if it is not there or of another version.

        Args:
            key: what it is of.
            make: makes it.
            version: version of what it shows; where that is not known, of everything.

        """
        version = self._version() if version is None else version
        kept = self._kept.get(key)
        if kept is not None:
            if kept[0] == version:
                self._kept.move_to_end(key)
                return kept[1]
            del self._kept[key]
            self._bytes -= len(kept[1].body)
        made = make()  # a change while it is made is seen at the next look: it is newer than its version, never older
        self._kept[key] = version, made
        self._bytes += len(made.body)
        while self._bytes > self._limit_bytes:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= len(dropped.body)
        return made
