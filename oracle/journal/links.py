"""Tamper evidence: each row of a table carries a hash over its content and the hash of the row before.

    link_n = SHA-256(link_(n-1) || deterministic CBOR of the row's other columns)

Whoever alters, reorders or removes a row breaks the link of that row or of the one after it. (Rewriting all links, or
cutting off the last rows of a table, would pass here, and fail against the reports on chain, which bind every envelope
that was ever settled.)
"""

import hashlib
import heapq
import sqlite3
from collections.abc import Callable, Iterable
from operator import itemgetter

import cbor2

FIRST_LINK = bytes(32)
LINKED_TABLES = ("envelope", "rejection", "signed", "report", "entry", "archive", "disabled")


def next_link(previous: bytes, row: tuple[object, ...]) -> bytes:
    """Link of a row (all columns but `link`, the row's number first)."""
    return hashlib.sha256(previous + cbor2.dumps(row, canonical=True)).digest()


def last_link(connection: sqlite3.Connection, table: str) -> tuple[int, bytes]:
    """(number, link) of a table's last row; (0, FIRST_LINK) of an empty one."""
    row = connection.execute(f"SELECT seq, link FROM {table} ORDER BY seq DESC LIMIT 1").fetchone()  # noqa: S608  our names
    return (row[0], row[1]) if row else (0, FIRST_LINK)


def broken_links(
    connection: sqlite3.Connection,
    table: str,
    moved: Iterable[tuple[int, bytes]] = (),
    on_row: Callable[[], object] = lambda: None,
    begins: tuple[int, bytes] = (0, FIRST_LINK),
) -> list[int]:
    """Row numbers of a table whose content or place does not fit their link.

    Args:
        connection: the journal.
        table: one of LINKED_TABLES.
        moved: (number, link) of rows that left the table, ascending: the chain goes on from their links.
        on_row: called for each row of the table.
        begins: (number, link) of the row before the first that is expected.

    """
    broken = []
    expected, link = begins[0] + 1, begins[1]
    rows = connection.execute(f"SELECT * FROM {table} ORDER BY seq")  # noqa: S608  our names
    for row in heapq.merge(rows, moved, key=itemgetter(0)):
        is_moved = len(row) == 2
        if row[0] != expected or not (is_moved or row[-1] == next_link(link, tuple(row[:-1]))):
            broken.append(row[0])
        if not is_moved:
            on_row()
        expected, link = row[0] + 1, row[-1] if isinstance(row[-1], bytes) else FIRST_LINK
    return broken
