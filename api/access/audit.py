"""The audit log: every write, by whom, when, and how it came out. Rows are only added, and each is linked to the one before.

    link = SHA-256( "heliograph-audit/1" LF, link of the row before (32 zeros before the first), canonical JSON of the row )

The JSON (RFC 8785) has number, at_ms, role, actor, operation, target and status, so that whoever has the rows can compute every
link anew, and whoever wrote the last link down elsewhere notices a log that was rewritten or cut off.

No row names a person: an owner stands in it as `person:<chance>`. Which address that is says another table, and where the owner
has the details erased, that line goes too: the row stays, its link still holds, and nobody is in it any more.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import rfc8785

from api.access.database import AccessFile
from api.access.principal import Principal, Role

DOMAIN = b"heliograph-audit/1\n"
BEGINNING = bytes(32)
"""Link before the first row."""
COMMAND = "command"
"""Actor of what was done at the server's own command line."""
MOST_TARGET = 200


@dataclass(frozen=True)
class AuditRow:
    """One write."""

    number: int
    """From 1, without a gap."""
    at_ms: int
    role: str
    actor: str
    """`person:…` of an owner, `key:…` of an operator or auditor, `public`, or `command`."""
    operation: str
    """operation_id, or the name of a command."""
    target: str
    """Asset, key or whatever else it was about; never a person, never a secret."""
    status: int
    """HTTP status that was answered; 0 for commands."""
    link: bytes
    address: str | None = None
    """Whose row it is, while the owner has not had it erased; not part of what is linked."""

    def compute_link(self, previous: bytes) -> bytes:
        """Compute what the link must be after another."""
        content: dict[str, str | int] = {
            "number": self.number,
            "at_ms": self.at_ms,
            "role": self.role,
            "actor": self.actor,
            "operation": self.operation,
            "target": self.target,
            "status": self.status,
        }
        return hashlib.sha256(DOMAIN + previous + rfc8785.dumps({**content})).digest()


class AuditLog:
    """The log of one access file."""

    def __init__(self, file: AccessFile) -> None:
        self._file = file

    def append(self, principal: Principal, operation: str, target: str, status: int, at_ms: int) -> AuditRow:
        """Add a row for what somebody did by HTTP."""
        with self._file.writing() as connection:
            actor = principal.subject
            if principal.role is Role.OWNER and principal.address is not None:
                actor = person_of(connection, principal.address)
            return _append(connection, principal.role, actor, operation, target, status, at_ms)

    def append_erasure(self, principal: Principal, address: str, status: int, at_ms: int) -> AuditRow:
        """Add the row of an owner's erasure, before it: it names whoever is erased as all rows before it do."""
        with self._file.writing() as connection:
            person = person_of(connection, address)
            actor = person if principal.address == address else principal.subject
            return _append(connection, principal.role, actor, "owner_erase", person, status, at_ms)

    def append_command(self, operation: str, target: str, at_ms: int) -> AuditRow:
        """Add a row for what was done at the command line."""
        with self._file.writing() as connection:
            return _append(connection, Role.OPERATOR, COMMAND, operation, target, 0, at_ms)

    def rows(self, after: int, limit: int, address: str | None = None) -> list[AuditRow]:
        """Rows after a number, in order; an owner's alone, or all."""
        found = self._file.rows(
            "SELECT number, at_ms, role, actor, operation, target, status, link, address FROM audit"
            " LEFT JOIN person ON person = actor WHERE number > ?1 AND (?2 IS NULL OR address = ?2) ORDER BY number LIMIT ?3",
            after,
            address,
            limit,
        )
        return [AuditRow(*row) for row in found]

    def head(self) -> tuple[int, bytes]:
        """Number and link of the last row: write it down elsewhere, and a log that was cut off or rewritten shows."""
        found = self._file.rows("SELECT number, link FROM audit ORDER BY number DESC LIMIT 1")
        return (found[0][0], bytes(found[0][1])) if found else (0, BEGINNING)

    def broken_at(self) -> int | None:
        """Compute every link anew; number of the first row that does not follow from the one before, None if all do."""
        previous, expected = BEGINNING, 1
        for row in self._all():
            if row.number != expected or row.compute_link(previous) != row.link:
                return expected
            previous, expected = row.link, expected + 1
        return None

    def _all(self) -> Iterator[AuditRow]:
        after = 0
        while rows := self.rows(after, 1000):
            yield from rows
            after = rows[-1].number


def person_of(connection: sqlite3.Connection, address: str) -> str:
    """Look up what stands for an owner in the log; made by chance for an address without one."""
    found = connection.execute("SELECT person FROM person WHERE address = ?", (address,)).fetchone()
    if found:
        return str(found[0])
    person = f"person:{secrets.token_hex(8)}"
    connection.execute("INSERT INTO person VALUES (?, ?)", (person, address))
    return person


def _append(  # noqa: PLR0913, PLR0917  what a row is made of
    connection: sqlite3.Connection, role: str, actor: str, operation: str, target: str, status: int, at_ms: int
) -> AuditRow:
    last = connection.execute("SELECT number, link FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    number, previous = (last[0] + 1, bytes(last[1])) if last else (1, BEGINNING)
    told = target.encode("ascii", "replace").decode()[:MOST_TARGET]
    unlinked = AuditRow(number, at_ms, str(role), actor, operation, told, status, b"")
    link = unlinked.compute_link(previous)
    connection.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (number, at_ms, str(role), actor, operation, told, status, link),
    )
    return AuditRow(number, at_ms, str(role), actor, operation, told, status, link)
