"""SQLite files of a gateway that outlive crashes and power cuts: write-ahead log, synchronous FULL, marked as what they are."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path


class DurableFileError(RuntimeError):
    """The file is not of a kind and version that this program understands, or cannot be opened."""


@dataclass(frozen=True)
class FileKind:
    """What kind of file is expected."""

    name: str
    """For people: "outbox"."""
    application_id: int
    """SQLite's mark of the kind."""
    version: int
    schema: str
    """Statements that make an empty one."""


def open_durable(path: Path, kind: FileKind) -> sqlite3.Connection:
    """Open a file of a kind, made if it is not there; usable from any thread, one at a time.

    Raises:
        DurableFileError: it is something else, of another version, or cannot be opened.

    """
    try:
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        application: int = connection.execute("PRAGMA application_id").fetchone()[0]
        if version == 0 and not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            marks = f"PRAGMA application_id = {kind.application_id}; PRAGMA user_version = {kind.version};"
            connection.executescript(f"BEGIN IMMEDIATE; {kind.schema} {marks} COMMIT;")
            return connection
    except sqlite3.Error as error:
        raise DurableFileError(f"{path} cannot be opened as {kind.name}: {error}") from error
    if application != kind.application_id:
        connection.close()
        raise DurableFileError(f"{path} is no {kind.name}")
    if version != kind.version:
        connection.close()
        raise DurableFileError(f"{path} is {kind.name} of version {version}, this program understands {kind.version}")
    return connection
