"""Whether a journal is what it was when it was written: links, signatures, and what was moved to archives."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import cbor2

from devices.telemetry import TelemetryError, decode, verify_signature
from oracle.errors import JournalError
from oracle.journal.links import FIRST_LINK, LINKED_TABLES, broken_links
from oracle.journal.rejections import chain_begins
from oracle.journal.schema import SCHEMA_VERSION
from oracle.metering.continuity import Gap, chain_gaps


class EnvelopeRow(NamedTuple):
    """A row of the table `envelope`, in the order of its columns."""

    seq: int
    digest: bytes
    device: str
    meter: str
    boot: int
    first_sequence: int
    reading_count: int
    first_ms: int
    last_ms: int
    received_ms: int
    wire: bytes
    link: bytes


def envelope_fault(row: EnvelopeRow, network: str) -> str | None:
    """Hold a row against what its device signed; None if nothing is wrong."""
    if not isinstance(row.wire, bytes):
        return "its wire is not bytes"
    try:
        envelope = decode(row.wire, network=network)
        verify_signature(envelope)
    except TelemetryError as error:
        return f"{error.reason}: {error.detail}"
    signed = (
        envelope.digest, envelope.device, envelope.meter, envelope.boot, envelope.first_sequence, envelope.count,
        envelope.first_ms, envelope.last_ms,
    )  # fmt: skip
    return None if row[1:9] == signed else "its row does not say what its device signed"


def faults(connection: sqlite3.Connection, network: str, on_row: Callable[[], object] = lambda: None) -> Iterator[str]:
    """Check every row against its link, and every envelope against its signature and its row. Nothing if all is well.

    Each row of every linked table is passed once, each envelope once more; `on_row` is told of each.
    """
    yield from chain_faults(connection, on_row)
    for row in map(EnvelopeRow._make, connection.execute("SELECT * FROM envelope ORDER BY seq")):
        on_row()
        if fault := envelope_fault(row, network):
            yield f"envelope {row.seq}: {fault}"


def chain_faults(connection: sqlite3.Connection, on_row: Callable[[], object] = lambda: None) -> Iterator[str]:
    """Check every row against its link, and what is kept of moved rows against the record of their moving."""
    for table in LINKED_TABLES:
        moved = connection.execute("SELECT seq, link FROM archived ORDER BY seq") if table == "envelope" else ()
        begins = chain_begins(connection) if table == "rejection" else (0, FIRST_LINK)
        for seq in broken_links(connection, table, moved, on_row, begins):
            yield f"{table} {seq}: does not fit its link"
    yield from _faults_of_moved(connection)


def rows_to_pass(connection: sqlite3.Connection) -> int:
    """How often `faults` will call `on_row`."""
    counted = (*LINKED_TABLES, "envelope")
    return sum(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in counted)  # noqa: S608  our names


def part_content(rows: Iterable[tuple[int, bytes, bytes]]) -> bytes:
    """Hash (seq, digest, link) of the rows that left the journal together, ascending by seq (32 bytes)."""
    content = hashlib.sha256()
    for row in rows:
        content.update(cbor2.dumps(row, canonical=True))
    return content.digest()


def gaps(connection: sqlite3.Connection, network: str) -> list[Gap]:
    """Find what devices signed, by what they signed after it, and that is neither in the journal nor was moved from it.

    A gap is no fault of the journal: an envelope may be late, or lost for good.
    """
    rows = connection.execute("SELECT wire FROM envelope ORDER BY seq")
    return [
        gap
        for gap in chain_gaps(decode(wire, network=network) for (wire,) in rows)
        if connection.execute("SELECT 1 FROM archived WHERE digest = ?", (gap.missing,)).fetchone() is None
    ]


def open_to_read(path: Path, *, of_older_schema: bool = False) -> tuple[sqlite3.Connection, str]:
    """Open a journal of this schema (or an older one too) without changing it; return the connection and its network.

    The connection reads one moment of the journal until it is closed, whatever others write meanwhile.

    Raises:
        JournalError: it is no journal, or of another schema.

    """
    if not path.is_file():
        raise JournalError(f"{path}: there is no such journal")
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("BEGIN")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        row = connection.execute("SELECT content FROM identity WHERE name = 'network'").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        raise JournalError(f"{path}: not usable as a journal: {error}") from error
    if row is None or version > SCHEMA_VERSION:
        connection.close()
        raise JournalError(f"{path}: is no journal, or of a newer release (schema {version})")
    if version < SCHEMA_VERSION and not of_older_schema:
        connection.close()
        raise JournalError(
            f"{path}: has schema {version} of an older release; a copy (heliograph journal backup) is brought to this one"
        )
    return connection, str(row[0])


def _faults_of_moved(connection: sqlite3.Connection) -> Iterator[str]:
    """Hold what is kept of moved rows against the linked record of their moving."""
    parts = {
        seq: (count, content)
        for seq, count, content in connection.execute("SELECT seq, envelopes, content FROM archive")
    }
    rows = connection.execute("SELECT part, seq, digest, link FROM archived ORDER BY part, seq")
    for part, group in groupby(rows, key=itemgetter(0)):
        kept = [(seq, digest, link) for _, seq, digest, link in group]
        if parts.pop(part, None) != (len(kept), part_content(kept)):
            yield f"archive {part}: what is kept of its rows is not what was moved"
    for part, (count, content) in sorted(parts.items()):
        if (count, content) != (0, part_content(())):
            yield f"archive {part}: nothing is kept of its rows"
