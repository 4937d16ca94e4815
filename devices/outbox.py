"""What a gateway has not yet delivered: a SQLite file that outlives crashes and power cuts.

An envelope is committed here (write-ahead log, synchronous FULL) before it is published, and deleted when enough nodes
have it. Nothing else is kept: who has acknowledged so far is asked again after a restart.

The file has a quota. What does not fit is refused as a whole, and whoever offers it keeps it: nothing makes room by
itself but an envelope that enough nodes have.
"""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devices.acknowledgement import Rejection
from devices.durable_file import FileKind, open_durable
from devices.telemetry import Envelope

SCHEMA_VERSION = 1
DEFAULT_QUOTA_BYTES = 1_000_000_000
OVERHEAD_BYTES = 300
"""What an envelope takes beside its own bytes: its digests, numbers and indices [B]."""
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


class OutboxFullError(RuntimeError):
    """Envelopes do not fit the quota; none of them was stored."""

    def __init__(self, path: Path, held_bytes: int, quota_bytes: int, offered_bytes: int) -> None:
        super().__init__(
            f"{path} is full: it holds {held_bytes} of {quota_bytes} bytes, {offered_bytes} more do not fit"
        )
        self.path = path
        self.held_bytes = held_bytes
        self.quota_bytes = quota_bytes
        self.offered_bytes = offered_bytes


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


@dataclass
class Stock:
    """What an outbox holds."""

    pending: int
    """Envelopes that still have to be delivered."""
    set_aside: int
    """Envelopes that too many nodes refuse: kept, not published."""
    held_bytes: int
    """Room that all of them take [B]."""


class Outbox:
    """Undelivered envelopes, in the order they came. Safe to use from several threads, of one process.

    Args:
        path: the file, made if it is not there.
        quota_bytes: room for envelopes [B]. The file may be larger by a write-ahead log of some megabytes.

    Raises:
        DurableFileError: the file is something else, or from a newer version.

    """

    def __init__(self, path: Path | str, quota_bytes: int = DEFAULT_QUOTA_BYTES) -> None:
        self.path = Path(path)
        self.quota_bytes = quota_bytes
        self._lock = threading.RLock()
        self._db = open_durable(self.path, FileKind("outbox", _APPLICATION_ID, SCHEMA_VERSION, _SCHEMA))
        pending, aside, size = self._db.execute(
            "SELECT count(*) FILTER (WHERE NOT set_aside), count(*) FILTER (WHERE set_aside),"
            " coalesce(sum(length(wire) + ?), 0) FROM envelope",
            (OVERHEAD_BYTES,),
        ).fetchone()
        self._stock = Stock(pending, aside, size)
        self._resume_bytes: int | None = self._mark(0) if size >= quota_bytes else None

    def add(self, envelopes: Iterable[Envelope]) -> int:
        """Commit envelopes, in one transaction; one that is here already is left as it is. Return how many are new.

        Raises:
            OutboxFullError: they do not fit the quota; none was stored.
            sqlite3.Error: none was stored, for instance because the disk is full.

        """
        rows = [
            (e.device, e.boot, e.first_sequence, e.last_sequence, e.digest, hashlib.sha256(e.wire).digest(), e.wire)
            for e in envelopes
        ]
        if not rows:
            return 0
        with self._change() as stock:
            new = size = 0
            for row in rows:
                stored = self._db.execute(
                    "INSERT INTO envelope (device, boot, first_sequence, last_sequence, digest, item_sha256, wire)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
                    row,
                ).rowcount
                new += stored
                size += stored * (len(row[-1]) + OVERHEAD_BYTES)
            if size and stock.held_bytes + size > self.quota_bytes:
                self._resume_bytes = self._mark(size)
                raise OutboxFullError(self.path, stock.held_bytes, self.quota_bytes, size)
            stock.pending += new
            stock.held_bytes += size
        return new

    def is_full(self) -> bool:
        """Tell whether to wait with new envelopes.

        True from a refusal on, or once the quota is used up, until a tenth of the quota is free again and what was
        refused last would fit: so a full outbox does not take one envelope for each that leaves.
        """
        with self._lock:
            if self._stock.held_bytes >= self.quota_bytes and self._resume_bytes is None:
                self._resume_bytes = self._mark(0)
            if self._resume_bytes is not None and self._stock.held_bytes <= self._resume_bytes:
                self._resume_bytes = None
            return self._resume_bytes is not None

    def stock(self) -> Stock:
        """Return what is held now."""
        with self._lock:
            return replace(self._stock)

    def pending(self) -> int:
        """Return how many envelopes still have to be delivered."""
        return self._stock.pending

    def last_id(self) -> int:
        """Return the id of the newest envelope, 0 if there is none."""
        rows = self._rows("SELECT coalesce(max(id), 0) FROM envelope")
        newest: int = rows[0][0]
        return newest

    def after(self, last_id: int, limit: int, until_id: int | None = None) -> list[tuple[int, bytes]]:
        """Return (id, wire) of the next envelopes after `last_id`, up to `until_id` if given, oldest first."""
        return self._rows(
            "SELECT id, wire FROM envelope WHERE id > ? AND id <= ? AND NOT set_aside ORDER BY id LIMIT ?",
            *(last_id, (1 << 63) - 1 if until_id is None else until_id, limit),
        )

    def wires(self, ids: Sequence[int]) -> list[tuple[int, bytes]]:
        """Return (id, wire) of those of `ids` that still have to be delivered."""
        found = [self._rows("SELECT id, wire FROM envelope WHERE id = ? AND NOT set_aside", each) for each in ids]
        return [row for rows in found for row in rows]

    def covered(self, device: str, boot: int, first: int, last: int) -> list[int]:
        """Return the ids of envelopes whose readings all lie within a range of sequence numbers."""
        rows = self._rows(
            "SELECT id FROM envelope WHERE device = ? AND boot = ? AND first_sequence BETWEEN ? AND ?"
            " AND last_sequence <= ?",
            *(device, boot, first, last, last),
        )
        return [each for (each,) in rows]

    def remove(self, ids: Sequence[int]) -> None:
        """Delete delivered envelopes, in one transaction. Raises sqlite3.Error: all of them are still there."""
        if not ids:
            return
        with self._change() as stock:
            for each in ids:
                gone = self._db.execute(
                    "DELETE FROM envelope WHERE id = ? RETURNING set_aside, length(wire)", (each,)
                ).fetchall()
                for set_aside, length in gone:
                    stock.held_bytes -= length + OVERHEAD_BYTES
                    stock.set_aside -= set_aside
                    stock.pending -= not set_aside

    def reject(self, node: str, rejections: Iterable[Rejection], *, tolerated: int) -> list[Rejection]:
        """Note, in one transaction, what a node refuses; set aside each envelope that more than `tolerated` nodes refuse.

        Return the refusals that are new and concern an envelope that is here.
        """
        listed = list(rejections)
        if not listed:
            return []
        with self._change() as stock:
            return [each for each in listed if self._reject(stock, node, each, tolerated)]

    def _reject(self, stock: Stock, node: str, rejection: Rejection, tolerated: int) -> bool:
        row = self._db.execute("SELECT id FROM envelope WHERE item_sha256 = ?", (rejection.item_sha256,)).fetchone()
        if row is None:
            return False
        known = self._db.execute("SELECT reason FROM rejection WHERE envelope_id = ? AND node = ?", (row[0], node))
        if known.fetchone() == (rejection.reason,):
            return False
        self._db.execute("INSERT OR REPLACE INTO rejection VALUES (?, ?, ?)", (row[0], node, rejection.reason))
        (nodes,) = self._db.execute("SELECT count(*) FROM rejection WHERE envelope_id = ?", row).fetchone()
        if nodes > tolerated:
            aside = self._db.execute("UPDATE envelope SET set_aside = 1 WHERE id = ? AND NOT set_aside", row).rowcount
            stock.pending -= aside
            stock.set_aside += aside
        return True

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

    def rejections(self) -> dict[str, int]:
        """Count the refusals of envelopes that are still kept, by reason."""
        return dict(self._rows("SELECT reason, count(*) FROM rejection GROUP BY reason ORDER BY reason"))

    def retry_rejected(self) -> int:
        """Forget refusals, so that what was set aside is published again. Return how many envelopes that are."""
        with self._change() as stock:
            back = self._db.execute("UPDATE envelope SET set_aside = 0 WHERE set_aside").rowcount
            self._db.execute("DELETE FROM rejection")
            stock.pending += back
            stock.set_aside -= back
            return back

    def close(self) -> None:
        """Close the file. Does nothing the second time."""
        with self._lock:
            self._db.close()

    def _mark(self, offered_bytes: int) -> int:
        """Return how little must be held before it goes on, once `offered_bytes` did not fit [B]."""
        return max(min(self.quota_bytes * 9 // 10, self.quota_bytes - offered_bytes), 0)

    @contextmanager
    def _change(self) -> Iterator[Stock]:
        """Run the block in a transaction. The stock that it gets counts once that is committed, and not before."""
        with self._lock:
            stock = replace(self._stock)
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                yield stock
            self._stock = stock

    def _rows(self, sql: str, *arguments: object) -> list[Any]:
        with self._lock:
            return self._db.execute(sql, arguments).fetchall()
