"""What a gateway has not yet delivered: a SQLite file that outlives crashes and power cuts.

An envelope is committed here (write-ahead log, synchronous FULL) before it is published, and deleted when enough nodes
have it. Nothing else is kept: who has acknowledged so far is asked again after a restart.
"""

import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.durable_file import FileKind, open_durable
from devices.telemetry import Envelope

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x48454C31  # "HEL1"
_SCHEMA = """
CREATE TABLE envelope (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    device         TEXT NOT NULL,
    boot           INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL,
    last_sequence  INTEGER NOT NULL,
    digest         BLOB NOT NULL UNIQUE,
    item_sha256    BLOB NOT NULL,
    wire           BLOB NOT NULL,
    set_aside      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX envelope_by_sequence ON envelope (device, boot, first_sequence);
CREATE INDEX envelope_by_item ON envelope (item_sha256);
CREATE TABLE rejection (
    envelope_id INTEGER NOT NULL REFERENCES envelope (id) ON DELETE CASCADE,
    node        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (envelope_id, node)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True)
class RejectedEnvelope:
    """A node's refusal of an envelope that is still kept."""

    device: str
    boot: int
    first_sequence: int
    node: str
    reason: str
    set_aside: bool
    """So many nodes refuse that it is not published any more."""


class Outbox:
    """Undelivered envelopes, in the order they came. Safe to use from several threads, of one process.

    Raises:
        DurableFileError: the file is something else, or from a newer version.

    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        self._db = open_durable(self.path, FileKind("outbox", _APPLICATION_ID, SCHEMA_VERSION, _SCHEMA))
        self._pending: int = self._db.execute("SELECT count(*) FROM envelope WHERE NOT set_aside").fetchone()[0]

    def add(self, envelopes: Iterable[Envelope]) -> int:
        """Commit envelopes, in one transaction; one that is here already is left as it is. Return how many are new.

        Raises:
            sqlite3.Error: nothing was committed, for instance because the disk is full.

        """
        rows = [
            (e.device, e.boot, e.first_sequence, e.last_sequence, e.digest, hashlib.sha256(e.wire).digest(), e.wire)
            for e in envelopes
        ]
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            before = self._db.total_changes
            self._db.executemany(
                "INSERT INTO envelope (device, boot, first_sequence, last_sequence, digest, item_sha256, wire)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
                rows,
            )
            new = self._db.total_changes - before
            self._pending += new
            return new

    def pending(self) -> int:
        """Return how many envelopes still have to be delivered."""
        with self._lock:
            return self._pending

    def after(self, last_id: int, limit: int) -> list[tuple[int, bytes]]:
        """Return (id, wire) of the next envelopes after `last_id`, oldest first."""
        return self._rows(
            "SELECT id, wire FROM envelope WHERE id > ? AND NOT set_aside ORDER BY id LIMIT ?", last_id, limit
        )

    def wires(self, ids: Sequence[int]) -> list[tuple[int, bytes]]:
        """Return (id, wire) of those of `ids` that still have to be delivered."""
        found = [self._rows("SELECT id, wire FROM envelope WHERE id = ? AND NOT set_aside", each) for each in ids]
        return [row for rows in found for row in rows]

    def covered(self, device: str, boot: int, first: int, last: int) -> list[int]:
        """Return the ids of envelopes whose readings all lie within a range of sequence numbers."""
        rows = self._rows(
            "SELECT id, device FROM envelope WHERE device = ? AND boot = ? AND first_sequence BETWEEN ? AND ?"
            " AND last_sequence <= ?",
            *(device, boot, first, last, last),
        )
        return [each for each, _ in rows]

    def remove(self, ids: Sequence[int]) -> None:
        """Delete delivered envelopes, in one transaction."""
        if not ids:
            return
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for each in ids:
                row = self._db.execute("DELETE FROM envelope WHERE id = ? RETURNING set_aside", (each,)).fetchall()
                self._pending -= sum(not set_aside for (set_aside,) in row)

    def reject(self, item_sha256: bytes, node: str, reason: str, *, tolerated: int) -> int | None:
        """Note that a node refuses an item; set it aside once more than `tolerated` nodes do.

        Return the envelope's id if this refusal is new, else None.
        """
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._db.execute("SELECT id FROM envelope WHERE item_sha256 = ?", (item_sha256,)).fetchone()
            if row is None:
                return None
            known = self._db.execute("SELECT reason FROM rejection WHERE envelope_id = ? AND node = ?", (row[0], node))
            if known.fetchone() == (reason,):
                return None
            self._db.execute("INSERT OR REPLACE INTO rejection VALUES (?, ?, ?)", (row[0], node, reason))
            (nodes,) = self._db.execute("SELECT count(*) FROM rejection WHERE envelope_id = ?", row).fetchone()
            if nodes > tolerated:
                aside = self._db.execute("UPDATE envelope SET set_aside = 1 WHERE id = ? AND NOT set_aside", row)
                self._pending -= aside.rowcount
            envelope_id: int = row[0]
            return envelope_id

    def rejected(self) -> list[RejectedEnvelope]:
        """Return every refusal of an envelope that is still kept."""
        rows = self._rows(
            "SELECT device, boot, first_sequence, node, reason, set_aside FROM rejection"
            " JOIN envelope ON envelope.id = envelope_id ORDER BY envelope_id, node"
        )
        return [
            RejectedEnvelope(device, boot, first_sequence, node, reason, bool(set_aside))
            for device, boot, first_sequence, node, reason, set_aside in rows
        ]

    def retry_rejected(self) -> int:
        """Forget refusals, so that what was set aside is published again. Return how many envelopes that are."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            back = self._db.execute("UPDATE envelope SET set_aside = 0 WHERE set_aside").rowcount
            self._db.execute("DELETE FROM rejection")
            self._pending += back
            return back

    def close(self) -> None:
        """Close the file. Does nothing the second time."""
        with self._lock:
            self._db.close()

    def _rows(self, sql: str, *arguments: object) -> list[Any]:
        with self._lock:
            return self._db.execute(sql, arguments).fetchall()
