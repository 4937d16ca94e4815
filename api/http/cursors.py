"""Pages of results: where the next page begins, in a form that nobody is tempted to read or make up."""

import base64
import binascii

from api.http.problems import ProblemError

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_CURSOR = 512
"""Longest cursor [characters]."""
_MARK = b"\x01"
"""First byte of this release's cursors: another form will have another."""


def write_cursor(place: str | None) -> str | None:
    """Write the place after which the next page begins; None after the last page."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(_MARK + place.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> str | None:
    """Read a cursor that an earlier page gave out.

    Raises:
        ProblemError: it is none.

    """
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = raw[1:].decode()
    except (binascii.Error, ValueError):
        raw, place = b"", ""
    if raw[:1] != _MARK or write_cursor(place) != cursor:
        raise no_cursor()
    return place


def no_cursor() -> ProblemError:
    """Make the problem of a cursor that no page gave out."""
    detail = (
        "`after` is no cursor of this list; take `next` of the page before, unchanged, or leave it out to begin anew"
    )
    return ProblemError("unknown-cursor", detail)
