"""Copies of a journal: taken while a node writes, checked, and put back where one was lost.

A copy says that it is one. Its original may have signed reports that the copy knows nothing of, and a node signs one
report an epoch, ever. So a journal that is a copy signs nothing, until `close_copied_epochs` has closed the epochs that the
original may have signed: those that the chain has not reached yet. (Reports on chain are taken in from there.)
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from oracle.attestation.proposal import Proposal
from oracle.errors import JournalError
from oracle.journal.archive import Archive
from oracle.journal.archives import Archives
from oracle.journal.files import new_file
from oracle.journal.inspection import faults, gaps, open_to_read, rows_to_pass
from oracle.journal.journal import COPY, Journal
from oracle.journal.schema import prepare
from oracle.metering.continuity import Gap
from oracle.reporting.document import canonical_bytes, to_document

PAGES_A_STEP = 1024
"""Pages copied between two looks at what is left; 4 MB."""
NOBODYS = b"\xff" * 32
"""Digest of no report and of no envelope."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many are done and of how many."""


def backup(
    source: Path, network: str, target: Path, *, replace: bool = False, on_progress: Progress = lambda *_: None
) -> None:
    """Copy a journal as it is at one moment, while others write to it; check the copy; then give it its name.

    The write-ahead log of the journal grows until the pages are copied: plan room for what is written meanwhile.

    Args:
        source: the journal.
        network: its network.
        target: the copy to be, one file in a folder that is there.
        replace: whether a file of that name may be replaced, which happens at the end and at once.
        on_progress: see `Progress`.

    Raises:
        JournalError: `source` is no journal of the network, the copy has faults, or `target` cannot be written or is a
            journal that may be in use.

    """
    if replace and target.exists():
        _require_no_journal_in_use(source, target)
    with new_file(target, replace=replace) as fresh:
        _copy(source, network, fresh, on_progress)


def _require_no_journal_in_use(source: Path, target: Path) -> None:
    """Refuse to take the place of a journal: whoever has it open would write on into what is there no more."""
    if source.exists() and target.samefile(source):
        raise JournalError(f"{target}: is the journal itself")
    for left in (target.with_name(f"{target.name}{tail}") for tail in ("-wal", "-shm", "-journal", "-turn")):
        if left.exists():
            raise JournalError(
                f"{target}: is a journal that was written to, as {left.name} beside it shows; not replaced"
            )


def restore(source: Path, target: Path, *, on_progress: Progress = lambda *_: None) -> None:
    """Put a checked copy where a node will look for its journal.

    Raises:
        JournalError: a journal, or what a lost one left behind, is there already; or as `backup`.

    """
    for leftover in (target.with_name(f"{target.name}{tail}") for tail in ("-wal", "-shm", "-journal")):
        if leftover.exists():  # SQLite would take it for a part of the restored journal
            raise JournalError(f"{leftover}: is left from another journal; move it away")
    with new_file(target) as fresh:
        _copy(source, None, fresh, on_progress)


def check(path: Path, on_progress: Progress = lambda *_: None) -> tuple[list[str], int]:
    """Find the faults of a journal, without changing it, while a node may write.

    Returns:
        What is wrong, and how many rows were looked at.

    Raises:
        JournalError: it is no journal, or of another schema.

    """
    connection, network = open_to_read(path)
    with closing(connection):
        return _faults(path, connection, network, on_progress)


def missing_envelopes(path: Path) -> list[Gap]:
    """Find the gaps in what devices signed. Raises as `check` does; the journal has no faults."""
    connection, network = open_to_read(path)
    with closing(connection):
        return gaps(connection, network)


def check_archives(path: Path, archives: Sequence[Path], on_progress: Progress = lambda *_: None) -> list[str]:
    """Find the faults of a journal's archives: rows that do not hold together, or rows that were moved and are in none.

    Raises:
        JournalError: an archive is none, or of another network.

    """
    connection, network = open_to_read(path)
    given = Archives(archives, network)
    with closing(connection), closing(given):
        found: list[str] = []
        for archive in given:
            done = 0

            def on_row(archive: Archive = archive) -> None:
                nonlocal done
                done += 1
                on_progress(f"checking {archive.path.name}", done, len(archive))

            found += archive.faults(on_row)
        if found:
            return found
        moved = "SELECT archived.seq, archived.link, name FROM archived JOIN archive ON archive.seq = part"
        return [
            f"archive {name}: row {seq} is in none of the archives that are given"
            for seq, link, name in connection.execute(f"{moved} ORDER BY archived.seq")
            if given.find(seq, link) is None
        ]


def close_copied_epochs(journal: Journal, first_epoch: int, count: int) -> None:
    """Let a journal that is a copy sign again, but none of the epochs that its original may have signed.

    They are recorded as signed with a proposal that can be no report's: it follows a report that does not exist.

    Args:
        journal: the copy; without effect on one that is none.
        first_epoch: the one after the chain's last report.
        count: how many epochs are closed.

    """
    if not journal.is_copy():
        return
    closed = {
        epoch: canonical_bytes(to_document(Proposal(epoch, NOBODYS, 0, 0, (NOBODYS,)))).decode()
        for epoch in range(first_epoch, first_epoch + count)
    }
    journal.close_epochs(closed)


def _copy(source: Path, network: str | None, fresh: Path, on_progress: Progress) -> None:
    reading, named = open_to_read(source, of_older_schema=True)
    try:
        with closing(reading), closing(sqlite3.connect(fresh, isolation_level=None)) as writing:
            if network is not None and named != network:
                raise JournalError(f"{source}: is the journal of network {named}, not of {network}")

            def copied(_status: int, remaining: int, total: int) -> None:
                on_progress("copying pages", total - remaining, total)

            reading.backup(writing, pages=PAGES_A_STEP, progress=copied)
            writing.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
            prepare(writing)
            writing.execute("INSERT OR REPLACE INTO identity VALUES (?, 'of a journal')", (COPY,))
            found, _ = _faults(source, writing, named, on_progress)
    except sqlite3.Error as error:
        raise JournalError(f"{source}: cannot be copied: {error}") from error
    if found:
        raise JournalError(f"{source}: {found[0]}" + (f", and {len(found) - 1} more faults" if len(found) > 1 else ""))


def _faults(path: Path, connection: sqlite3.Connection, network: str, on_progress: Progress) -> tuple[list[str], int]:
    done = 0

    def on_row() -> None:
        nonlocal done
        done += 1
        on_progress("checking rows", done, total)

    try:
        (torn,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if torn != "ok":
            return [f"the file is damaged: {torn}"], 0
        total = rows_to_pass(connection)
        return list(faults(connection, network, on_row)), total
    except sqlite3.Error as error:
        raise JournalError(f"{path}: cannot be read: {error}") from error
