"""Answers remembered for a day, so that a request sent twice is done once.

A key belongs to who sent it. What is remembered is a digest of key and request, and the answer; an answer that carries a secret
is not kept (`finish` with None): sending that request again is then a conflict, and nothing is done.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from api.access.database import AccessFile

KEPT_MS = 86_400_000
ABANDONED_MS = 120_000
"""A request that has no answer after so long will not have one: its server was stopped meanwhile [ms]."""


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Claim(Enum):
    """What to do about a request with an idempotency key, where there is no answer to repeat."""

    NEW = "do it, then call finish or abandon"
    IN_PROGRESS = "the first of its kind is still worked on"
    OTHER_REQUEST = "the key was used for another request"
    DONE = "it was done, and its answer is not kept"


class Idempotency:
    """The remembered answers of one access file."""

    def __init__(self, file: AccessFile, now_ms: Callable[[], int]) -> None:
        self._file = file
        self._now_ms = now_ms

    def claim(self, subject: str, key: str, request: bytes) -> Answer | Claim:
        """Begin a request, or learn what became of it.

        Args:
            subject: who sends it (`Principal.subject`).
            key: the header `Idempotency-Key`.
            request: digest of method, path, query and body.

        """
        now_ms = self._now_ms()
        name = hashlib.sha256(key.encode()).digest()
        with self._file.writing() as connection:
            connection.execute(
                "DELETE FROM answered WHERE at_ms <= ? OR (status IS NULL AND at_ms <= ?)",
                (now_ms - KEPT_MS, now_ms - ABANDONED_MS),
            )
            found = connection.execute(
                "SELECT request, status, headers, body FROM answered WHERE subject = ? AND key = ?", (subject, name)
            ).fetchone()
            if found is None:
                connection.execute(
                    "INSERT INTO answered VALUES (?, ?, ?, ?, NULL, NULL, NULL)", (subject, name, request, now_ms)
                )
                return Claim.NEW
        first, status, headers, body = found
        if bytes(first) != request:
            return Claim.OTHER_REQUEST
        if status is None:
            return Claim.IN_PROGRESS
        if body is None:
            return Claim.DONE
        return Answer(status, tuple((name, content) for name, content in json.loads(headers)), bytes(body))

    def finish(self, subject: str, key: str, answer: Answer | None) -> None:
        """Remember an answer, or with None only that there was one."""
        status, headers, body = (0, None, None) if answer is None else (answer.status, answer.headers, answer.body)
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE answered SET status = ?, headers = ?, body = ? WHERE subject = ? AND key = ?",
                (status, json.dumps(headers), body, subject, hashlib.sha256(key.encode()).digest()),
            )

    def abandon(self, subject: str, key: str) -> None:
        """Forget a request that came to nothing (a fault of the server): it may be sent again with the same key."""
        with self._file.writing() as connection:
            connection.execute(
                "DELETE FROM answered WHERE subject = ? AND key = ? AND status IS NULL",
                (subject, hashlib.sha256(key.encode()).digest()),
            )
