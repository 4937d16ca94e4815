"""A node's journal, read row by row beside the node that writes it.

The connection can write nothing, and each reading transaction is over before the next begins, so that neither a commit
nor a checkpoint of the node ever waits for long.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from devices.telemetry import Envelope, decode
from oracle.errors import JournalError
from oracle.journal.inspection import open_to_read
from oracle.journal.records import ReportRecord
from oracle.journal.wires import Wires
from oracle.reporting.document import from_document, parse_json

FOLLOWED_TABLES = ("envelope", "report", "disabled", "entry")
"""Tables whose rows only ever come after one another."""


class Arrival(NamedTuple):
    """One envelope as the journal has it, but for what it says."""

    seq: int
    device: str
    meter: str
    reading_count: int
    first_ms: int
    """[ms UTC]."""
    last_ms: int
    """[ms UTC]."""
    received_ms: int
    """[ms UTC]."""


class Booking(NamedTuple):
    """One ledger entry, as a row."""

    seq: int
    epoch: int
    asset_id: str
    meter_id: str
    start_ms: int
    """Start of its interval [ms UTC]."""
    standing: int
    reason: str
    energy_wh: int
    """Change of the account [Wh], may be negative."""


class FollowedJournal:
    """A journal that another process may be writing. Safe to share between threads."""

    def __init__(self, path: Path, connection: sqlite3.Connection, network: str, archives: Iterable[Path]) -> None:
        self._path = path
        self._connection = connection
        self._network = network
        self._lock = threading.RLock()
        self._file = _identity(path)
        places = list(archives)
        if places:
            from oracle.journal.archives import Archives  # noqa: PLC0415  Parquet takes 0.2 s to import

            self._archives: Archives | None = Archives(places, network)
        else:
            self._archives = None
        self._wires = Wires(self._all, self._archives)

    @classmethod
    def open(cls, path: Path, network: str, archives: Iterable[Path] = ()) -> Self:
        """Open a journal of this schema to read.

        Raises:
            JournalError: it is not there, is no journal, or is of another network or schema.

        """
        connection, named = open_to_read(path)
        try:
            connection.execute("COMMIT")  # what opened it looks at one moment only
            if named != network:
                raise JournalError(f"{path}: is the journal of network {named}, not of {network}")  # noqa: TRY301
            return cls(path, connection, network, archives)
        except (JournalError, sqlite3.Error):
            connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
            if self._archives is not None:
                self._archives.close()

    def is_in_place(self) -> bool:
        """Whether the path still leads to the file that was opened."""
        return _identity(self._path) == self._file

    @contextmanager
    def moment(self) -> Iterator[None]:
        """See one moment of the journal for as long as the context lasts: keep it short.

        Raises:
            JournalError: the file cannot be read.

        """
        with self._lock:
            try:
                self._connection.execute("BEGIN")
                yield
            except sqlite3.Error as error:
                raise JournalError(f"{self._path}: cannot be read: {error}") from error
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")  # nothing was written

    def last_row(self, table: str) -> int:
        """Number of the last row of one of the followed tables, 0 in an empty one."""
        _require(table)
        moved = "(SELECT coalesce(max(seq), 0) FROM archived)" if table == "envelope" else "0"
        ((last,),) = self._all(f"SELECT max(coalesce(max(seq), 0), {moved}) FROM {table}")  # noqa: S608  our words
        return int(last)

    def link_at(self, table: str, seq: int) -> bytes | None:
        """Link of one row of the followed tables, also of an envelope that was moved to an archive; None if it is not there."""
        _require(table)
        rows = self._all(f"SELECT link FROM {table} WHERE seq = ?", seq)  # noqa: S608  our words
        if not rows and table == "envelope":
            rows = self._all("SELECT link FROM archived WHERE seq = ?", seq)
        return bytes(rows[0][0]) if rows else None

    def tallies_to(self, seq: int) -> tuple[int, int]:
        """(envelopes, readings) that came up to a row, those that were moved to archives included."""
        ((envelopes, readings),) = self._all(
            "SELECT count(*), coalesce(sum(reading_count), 0) FROM envelope WHERE seq <= ?", seq
        )
        moved = "SELECT coalesce(sum(envelopes), 0), coalesce(sum(readings), 0) FROM archive"
        ((moved_envelopes, moved_readings),) = self._all(moved)
        return envelopes + moved_envelopes, readings + moved_readings

    def arrivals_after(self, seq: int, limit: int) -> list[Arrival]:
        """Up to `limit` envelopes after row `seq`, in order of arrival, those that were moved to archives left out."""
        columns = "seq, device, meter, reading_count, first_ms, last_ms, received_ms"
        rows = self._all(f"SELECT {columns} FROM envelope WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)  # noqa: S608
        return [Arrival._make(row) for row in rows]

    def envelope_at(self, seq: int) -> Envelope | None:
        """Decode the envelope of one row; None if it is not here. Its signature was verified before it was recorded."""
        rows = self._all("SELECT wire FROM envelope WHERE seq = ?", seq)
        return decode(rows[0][0], network=self._network) if rows else None

    def reports_after(self, seq: int, limit: int) -> list[tuple[int, bytes, ReportRecord]]:
        """Up to `limit` published reports after row `seq`: row, digest, record. Disabled ones are among them."""
        rows = self._all("SELECT seq, digest, document FROM report WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)
        return [
            (row, bytes(digest), from_document(ReportRecord, parse_json(document.encode()), "report"))
            for row, digest, document in rows
        ]

    def disabled_after(self, seq: int, limit: int) -> list[tuple[int, int]]:
        """Up to `limit` (row, epoch) of reports that this node noted as disabled, after row `seq`."""
        return self._all("SELECT seq, epoch FROM disabled WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)

    def bookings_after(self, seq: int, limit: int) -> list[Booking]:
        """Up to `limit` ledger entries after row `seq`, in the order in which they were made."""
        columns = "seq, epoch, asset_id, meter_id, start_ms, standing, reason, energy_wh"
        rows = self._all(f"SELECT {columns} FROM entry WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)  # noqa: S608
        return [Booking._make(row) for row in rows]

    def envelopes_of_meter(self, meter_id: str, start_ms: int, end_ms: int) -> Iterator[Envelope]:
        """Decode the envelopes of one meter that hold a reading in [start, end) [ms UTC].

        Raises:
            JournalError: the file cannot be read, or an archive that is needed is not given.

        """
        for wire in self._wires.of_meter(meter_id, start_ms, end_ms):
            yield decode(wire, network=self._network)

    def _all(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(statement, arguments).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"{self._path}: cannot be read: {error}") from error


def _require(table: str) -> None:
    if table not in FOLLOWED_TABLES:
        raise ValueError(f"table {table!r} is not one that is followed")


def _identity(path: Path) -> tuple[int, int] | None:
    """What the path leads to; None if nothing is there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
