"""The file behind the projection: one connection a thread to read, one to write, and what has changed."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api.projection.schema import connect, prepare
from api.projection.views import EventKind

EVENTS_KEPT = 100_000
"""Older ones go."""
_PRUNED_EVERY = 1000


class Writing:
    """One transaction on the projection, and what it changes of what is shown."""

    def __init__(self, store: "Store", connection: sqlite3.Connection) -> None:
        self._store = store
        self.connection = connection
        self.touched: set[int] = set()
        """Assets whose figures change."""
        self.booked: set[int] = set()
        """Assets of which ledger, marks or registration change: all but what is live."""
        self.all_touched = False
        self.is_shown = False
        """Whether anything that is shown changes."""

    def touch(self, assets: Iterable[int], *, booked: bool = True) -> None:
        """Say that what is shown of assets changes; with `booked` more than their live figures."""
        numbers = set(assets)
        self.touched |= numbers
        if booked:
            self.booked |= numbers
        self.is_shown = self.is_shown or bool(numbers)

    def touch_all(self) -> None:
        """Say that everything may have changed."""
        self.all_touched = self.is_shown = True

    def tell(self, kind: EventKind, asset: int | None, at_ms: int, document: dict[str, Any]) -> None:
        """Append an event."""
        self.is_shown = True
        row = self.connection.execute(
            "INSERT INTO event (kind, asset, at_ms, document) VALUES (?, ?, ?, ?)",
            (kind, asset, at_ms, json.dumps(document, separators=(",", ":"))),
        )
        number = row.lastrowid or 0
        if number % _PRUNED_EVERY == 0:
            self.connection.execute("DELETE FROM event WHERE number <= ?", (number - EVENTS_KEPT,))

    def asset(self, asset_id: str) -> int:
        """Number of an asset; it is given one where it has none."""
        return self._store.number_of(asset_id, self.connection)

    def get(self, name: str) -> str | None:
        """Read an entry of the table `meta`."""
        row = self.connection.execute("SELECT content FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def put(self, name: str, content: str) -> None:
        """Write an entry of the table `meta`."""
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, content))


class Store:
    """Safe to share between threads of one process; no other process may write the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.was_made = prepare(path)
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.RLock()
        self._writer = self._connect()
        self._numbers: dict[str, int] = dict(self._writer.execute("SELECT asset_id, number FROM asset"))
        self._names = {number: asset_id for asset_id, number in self._numbers.items()}
        self.version = int(self._writer.execute("SELECT content FROM meta WHERE name = 'version'").fetchone()[0])
        self.shown_at: dict[int, int] = {}
        """Version at which what is shown of an asset changed last, by its number."""
        self.booked_at: dict[int, int] = {}
        """The same, but for its live figures."""
        self.all_at = self.version
        """Version at which everything changed last."""
        self.changed = threading.Condition()
        """Notified whenever `version` rises, or a source answers."""

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()

    def reader(self) -> sqlite3.Connection:
        """Return this thread's connection to read with."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._connect()
            found.execute("PRAGMA query_only = ON")
            self._local.connection = found
        return found

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Write in one transaction: all of it is shown at once, or nothing."""
        with self._lock:
            writing = Writing(self, self._writer)
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield writing
                version = self.version + 1 if writing.is_shown else self.version
                if writing.is_shown:
                    writing.put("version", str(version))
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                self._numbers = dict(self._writer.execute("SELECT asset_id, number FROM asset"))
                raise
            if writing.is_shown:
                self._publish(writing, version)

    def number_of(self, asset_id: str, connection: sqlite3.Connection | None = None) -> int:
        """Number of an asset. One without is given one where `connection` is in a transaction; else KeyError."""
        number = self._numbers.get(asset_id)
        if number is None:
            if connection is None:
                raise KeyError(asset_id)
            row = connection.execute("INSERT INTO asset (asset_id) VALUES (?)", (asset_id,))
            number = int(row.lastrowid or 0)
            self._numbers[asset_id] = number
            self._names[number] = asset_id
        return number

    def name_of(self, number: int) -> str:
        """Id of an asset by its number."""
        return self._names[number]

    def _publish(self, writing: Writing, version: int) -> None:
        if writing.all_touched:
            self.all_at = version
        for number in writing.touched:
            self.shown_at[number] = version
        for number in writing.booked:
            self.booked_at[number] = version
        with self.changed:
            self.version = version
            self.changed.notify_all()

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self.path)
        with self._lock:
            self._opened.append(connection)
        return connection
