"""Documents of assets in a file of their own: content once by SHA-256, and which asset it belongs to."""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from oracle.errors import ConfigError

ERASED = "erased"
"""Stands in place of whoever handed a document in and was erased since."""
SCHEMA_VERSION = 1
MAX_DOCUMENT = 8 << 20
"""Largest document [bytes]."""
MAX_DOCUMENTS = 50
"""Most documents of one asset."""
_SCHEMA = """
CREATE TABLE content (sha256 BLOB PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE document (
  asset_id TEXT NOT NULL,
  sha256 BLOB NOT NULL REFERENCES content,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  put_by TEXT NOT NULL,
  put_ms INTEGER NOT NULL,
  PRIMARY KEY (asset_id, sha256)
);
"""
_COLUMNS = "SELECT asset_id, sha256, media_type, size, put_by, put_ms FROM document"


@dataclass(frozen=True)
class Document:
    """One document of an asset; its content is asked for by its hash."""

    asset_id: str
    sha256: bytes
    media_type: str
    size: int
    """Length [bytes]."""
    put_by: str
    """Who handed it in: an address or the id of a key."""
    put_ms: int
    """When [ms UTC]."""


class DepotFullError(Exception):
    """The asset has as many documents as it may have."""


class Depot:
    """The documents. Safe to share between threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, or make it.

        Raises:
            ConfigError: it is no such file, or of a newer release.

        """
        try:
            connection = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        except sqlite3.DatabaseError as error:
            raise ConfigError(f"{path}: not usable for documents: {error}") from error
        if version > SCHEMA_VERSION:
            connection.close()
            raise ConfigError(f"{path}: was written by a newer release (schema {version})")
        return cls(connection)

    def close(self) -> None:
        """Close the file; what was handed in is durable."""
        with self._lock:
            self._connection.close()

    def put(self, document: Document, content: bytes) -> bool:
        """Keep a document; tell whether it was not there yet.

        Raises:
            ValueError: the content is not what the hash names.
            DepotFullError: the asset may have no more.

        """
        if hashlib.sha256(content).digest() != document.sha256:
            raise ValueError("the content has another SHA-256")
        with self._transaction():
            named = (document.asset_id, document.sha256)
            if self._connection.execute("SELECT 1 FROM document WHERE asset_id = ? AND sha256 = ?", named).fetchone():
                return False
            counted = self._connection.execute("SELECT count(*) FROM document WHERE asset_id = ?", named[:1])
            if counted.fetchone()[0] >= MAX_DOCUMENTS:
                raise DepotFullError
            self._connection.execute("INSERT OR IGNORE INTO content VALUES (?, ?)", (document.sha256, content))
            row = (*named, document.media_type, document.size, document.put_by, document.put_ms)
            self._connection.execute("INSERT INTO document VALUES (?, ?, ?, ?, ?, ?)", row)
        return True

    def documents(self, asset_id: str) -> list[Document]:
        """Return an asset's documents in the order they were handed in."""
        with self._lock:
            rows = self._connection.execute(f"{_COLUMNS} WHERE asset_id = ? ORDER BY rowid", (asset_id,)).fetchall()
        return [Document(*row) for row in rows]

    def document(self, asset_id: str, sha256: bytes) -> tuple[Document, bytes] | None:
        """Return a document of an asset with its content; None if it has none of that hash."""
        with self._lock:
            row = self._connection.execute(
                f"{_COLUMNS} WHERE asset_id = ? AND sha256 = ?", (asset_id, sha256)
            ).fetchone()
            if row is None:
                return None
            (content,) = self._connection.execute("SELECT content FROM content WHERE sha256 = ?", (sha256,)).fetchone()
        return Document(*row), content

    def forget(self, address: str) -> None:
        """Forget who handed documents in. The documents stay: they are the asset's."""
        with self._transaction():
            self._connection.execute("UPDATE document SET put_by = ? WHERE put_by = ?", (ERASED, address))
        with self._lock:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
