"""`heliograph journal`: care of a node's journal."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from api.cli import fail
from api.commands.interruption import leaving_at_once
from api.commands.progress import progress
from oracle.errors import JournalError

SHOWN_FAULTS = 20

_journal = click.option(
    "--journal", "journal_path", required=True, type=click.Path(path_type=Path), metavar="J", help="The node's journal."
)
_network = click.option("--network", required=True, metavar="N", help="Network that the journal belongs to.")


@click.group()
def journal() -> None:
    """Look after a node's journal: back up, check, restore, move sealed envelopes to archives.

    A node may go on with its journal meanwhile.
    """


@journal.command()
@_journal
@_network
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace TARGET if it is there: at once, when the new copy is checked.")
def backup(journal_path: Path, network: str, target: Path, *, force: bool) -> None:
    """Copy a journal as it is now into one file, and check the copy.

    Archives are files of their own, and change no more once they are there: copy them by other means.
    """
    with leaving_at_once():
        from oracle.journal.backup import backup as copy
    with _one_line(), progress() as on_progress:
        copy(journal_path, network, target, replace=force, on_progress=on_progress)
    click.echo(f"{target}: a copy of {journal_path}, checked")


@journal.command()
@click.argument("journal_path", type=click.Path(path_type=Path), metavar="J")
@click.option("--archive", "archives", multiple=True, type=click.Path(path_type=Path), help="Check these too.")
def check(journal_path: Path, archives: tuple[Path, ...]) -> None:
    """Check every row of a journal or of a copy, and say what is wrong. Exit codes: 0 nothing, 1 something, 2 bad input.

    Also tells which envelopes are missing from the chains that devices sign. That is no fault of the journal.
    """
    with leaving_at_once():
        from oracle.journal.backup import check as check_rows
        from oracle.journal.backup import check_archives, missing_envelopes
    with _one_line(), progress() as on_progress:
        found, rows = check_rows(journal_path, on_progress)
        found += check_archives(journal_path, archives, on_progress) if archives else []
    for fault in found[:SHOWN_FAULTS]:
        click.echo(fault)
    if found:
        return fail(f"{journal_path}: {len(found)} faults", 1)
    missing = missing_envelopes(journal_path)
    for gap in missing[:SHOWN_FAULTS]:
        click.echo(
            f"missing before boot epoch {gap.boot}, sequence {gap.sequence} of {gap.device}: {gap.missing.hex()}"
        )
    if missing:
        click.echo(f"{len(missing)} envelopes that devices signed are not here: late, or lost; nothing waits for them")
    click.echo(f"{journal_path}: nothing is wrong with {rows} rows")
    return None


@journal.command()
@click.argument("copy_path", type=click.Path(path_type=Path), metavar="COPY")
@click.argument("target", type=click.Path(path_type=Path), metavar="J")
def restore(copy_path: Path, target: Path) -> None:
    """Check a copy and put it where a node will look for its journal. Never replaces a journal.

    What was acknowledged after the copy was taken is not in it; gateways have it no more once enough nodes had it. The
    node takes reports from the chain first, and signs no epoch that it may have signed before.
    """
    with leaving_at_once():
        from oracle.journal.backup import restore as put_back
    with _one_line(), progress() as on_progress:
        put_back(copy_path, target, on_progress=on_progress)
    click.echo(f"{target}: restored from {copy_path}")


@journal.command()
@_journal
@_network
@click.option("--before", required=True, metavar="DATE", help="2026-05-01 (0:00 UTC), or an instant in RFC 3339.")
@click.argument("target", type=click.Path(path_type=Path), metavar="TARGET.parquet")
def archive(journal_path: Path, network: str, before: str, target: Path) -> None:
    """Move envelopes that a published report has used, and whose readings are all before DATE, to a Parquet archive.

    They leave the journal when the archive is on disk and has been read back. The node needs the archive to make its
    reports: write it into the node's folder of archives. The file of the journal does not shrink; its room is used again.
    """
    with leaving_at_once():
        from oracle.journal.archiving import archive_sealed
    if target.suffix != ".parquet":
        return fail(f"{target}: the name of an archive ends in .parquet", 2)
    try:
        before_ms = _instant_ms(before)
    except ValueError:
        return fail(f"--before {before}: is neither a date (2026-05-01) nor an instant with its offset from UTC", 2)
    if not journal_path.is_file():  # opening would make one
        return fail(f"{journal_path}: there is no such journal", 2)
    with _one_line(), progress() as on_progress:
        moved = archive_sealed(journal_path, network, before_ms, target, on_progress)
    click.echo(f"{target}: {moved} envelopes" if moved else "there is nothing to move")
    return None


@contextmanager
def _one_line() -> Iterator[None]:
    """Say what was wrong in one line, and leave with exit code 2."""
    try:
        yield
    except (JournalError, sqlite3.Error) as error:
        fail(str(error), 2)


def _instant_ms(text: str) -> int:
    """Read a date or an instant [ms UTC]. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        if len(text) != len("2026-05-01"):
            raise ValueError(text)
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
