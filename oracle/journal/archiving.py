"""Move sealed envelopes out of a journal: first into a file that is durable and checked, then out of the table.

An envelope is sealed when a published report has used it: nothing about it changes any more. Of a moved row the journal
keeps number, digest and link, so that it is refused when it comes again and the chain of links goes on. What is kept is
bound by a linked row of table `archive`, one for each step of the move.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

from oracle.errors import JournalError
from oracle.journal.archive import Archive, LinkedRow, write_archive
from oracle.journal.files import new_file
from oracle.journal.inspection import EnvelopeRow, part_content
from oracle.journal.journal import Journal
from oracle.journal.links import FIRST_LINK, last_link, next_link
from oracle.journal.turns import Turn

ROWS_A_STEP = 512
"""Rows that leave the journal in one commit: a node that writes meanwhile waits for one such step."""
BUSY_S = 30.0
_SEALED = """
FROM envelope AS e
WHERE e.last_ms < ? AND EXISTS (SELECT 1 FROM used WHERE used.digest = e.digest)
  AND e.seq < (SELECT max(seq) FROM envelope)
"""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many are done and of how many."""


def archive_sealed(
    journal_path: Path, network: str, before_ms: int, target: Path, on_progress: Progress = lambda *_: None
) -> int:
    """Move the sealed envelopes whose readings are all before an instant into a new archive; return how many.

    A node may go on with the journal meanwhile. Broken off at any moment, each row is in the journal or in an archive
    that is complete, or in both. The journal's last row stays: the next one is linked to it.

    Args:
        journal_path: the journal.
        network: its network.
        before_ms: an instant [ms UTC].
        target: the archive to be written; none is written where there is nothing to move.
        on_progress: see `Progress`.

    Raises:
        JournalError: `target` is there already, cannot be written, or does not read back as what is in the journal; or a
            row to be moved is damaged. Nothing has left the journal then.

    """
    Journal.open(journal_path, network).close()  # of this network, and brought to this schema
    with closing(sqlite3.connect(journal_path, timeout=BUSY_S, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        try:
            (count,) = connection.execute(f"SELECT count(*) {_SEALED}", (before_ms,)).fetchone()
            if not count:
                return 0
            with new_file(target) as fresh:
                with _one_moment(connection):
                    rows = _told(_sealed(connection, before_ms), "writing the archive", count, on_progress)
                    written = write_archive(fresh, network, rows)
                _check(fresh, target, written, on_progress)
            with closing(Turn(journal_path)) as turn:
                return _move(connection, turn, target, written, on_progress)
        except sqlite3.Error as error:
            raise JournalError(f"{journal_path}: {error}") from error


@contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """See the journal as it is now, whatever is written meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _sealed(connection: sqlite3.Connection, before_ms: int) -> Iterator[LinkedRow]:
    before = "coalesce((SELECT link FROM {} WHERE seq = e.seq - 1), {})"
    previous = before.format("envelope", before.format("archived", "?"))
    query = f"SELECT e.*, {previous} {_SEALED} ORDER BY e.seq"
    for *cells, link_before in connection.execute(query, (FIRST_LINK, before_ms)):
        row = EnvelopeRow._make(cells)
        if row.link != next_link(link_before, tuple(row[:-1])):
            raise JournalError(f"envelope {row.seq}: does not fit its link; nothing was moved")
        yield row, link_before


def _check(fresh: Path, target: Path, count: int, on_progress: Progress) -> None:
    """Read the archive back: each link is over the whole row as it is in the journal, so a row that fits it is that row."""
    with closing(Archive(fresh)) as archive:
        done = 0

        def on_row() -> None:
            nonlocal done
            done += 1
            on_progress("checking the archive", done, count)

        fault = next(archive.faults(on_row), None)
        if fault is not None or len(archive) != count:
            said = (fault or f"{len(archive)} rows instead of {count}").replace(str(fresh), str(target))
            raise JournalError(f"{said}; nothing was moved")


def _move(connection: sqlite3.Connection, turn: Turn, target: Path, count: int, on_progress: Progress) -> int:
    moved = 0
    with closing(Archive(target)) as archive:
        rows = (row for row, _ in archive.rows())
        while step := list(islice(rows, ROWS_A_STEP)):
            with turn:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    _move_step(connection, target.name, step)
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            moved += len(step)
            on_progress("leaving the journal", moved, count)
    return moved


def _move_step(connection: sqlite3.Connection, name: str, step: list[EnvelopeRow]) -> None:
    first, last = step[0].seq, step[-1].seq
    here = dict(connection.execute("SELECT seq, link FROM envelope WHERE seq BETWEEN ? AND ?", (first, last)))
    for row in step:
        if here.get(row.seq) != row.link:
            raise JournalError(f"envelope {row.seq}: has left the journal meanwhile, or was altered")
    part, link = last_link(connection, "archive")
    part += 1
    content = part_content((row.seq, row.digest, row.link) for row in step)
    record = (part, name, first, last, len(step), sum(row.reading_count for row in step), content)
    connection.execute("INSERT INTO archive VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*record, next_link(link, record)))
    connection.executemany(
        "INSERT INTO archived VALUES (?, ?, ?, ?)", [(row.seq, row.digest, part, row.link) for row in step]
    )
    connection.executemany("DELETE FROM envelope WHERE seq = ?", [(row.seq,) for row in step])


def _told(rows: Iterator[LinkedRow], what: str, count: int, on_progress: Progress) -> Iterator[LinkedRow]:
    for done, row in enumerate(rows, 1):
        yield row
        on_progress(what, done, count)
