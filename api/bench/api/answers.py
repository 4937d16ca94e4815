"""HTTP/1.1 answers out of the bytes of a connection, no more of it than a client under load needs. Pure."""

from dataclasses import dataclass

HEAD_END = b"\r\n\r\n"
LENGTH = b"\r\ncontent-length:"
CHUNKED = b"\r\ntransfer-encoding: chunked"


class AnswerError(ValueError):
    """What came is no answer of a known length."""


@dataclass(frozen=True)
class Head:
    """Status line and headers of an answer."""

    status: int
    end: int
    """Where the body begins [bytes]."""
    length: int | None
    """How long the body is [bytes]; None of a stream."""


def read_head(received: bytes | bytearray) -> Head | None:
    """Return the head of the answer that a buffer begins with; None while it is not complete.

    Raises:
        AnswerError: it is no HTTP/1.1, or tells neither a length nor that it is chunked.

    """
    end = received.find(HEAD_END)
    if end < 0:
        return None
    if not received.startswith(b"HTTP/1.1 "):
        raise AnswerError(f"not an HTTP/1.1 answer: {bytes(received[:40])!r}")
    status = int(received[9:12])
    names = bytes(received[:end]).lower()
    at = names.find(LENGTH)
    if at >= 0:
        line_end = names.find(b"\r\n", at + 2)
        length: int | None = int(names[at + len(LENGTH) : line_end if line_end >= 0 else end])
    elif status == 304 or status == 204:  # noqa: PLR1714  two statuses without a body
        length = 0
    elif CHUNKED in names:
        length = None
    else:
        raise AnswerError(f"an answer without a length: {names[:200]!r}")
    return Head(status, end + len(HEAD_END), length)


def request(path: str, *headers: str, host: str = "127.0.0.1") -> bytes:
    """Write a GET request for a connection that stays open."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Accept: application/json", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
