"""The one file of access: sessions, keys, audit, owners' details, releases, remembered answers. SQLite, WAL."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oracle.errors import ConfigError

SCHEMA_VERSION = 1
BUSY_MS = 5000

_VERSION_1 = """
CREATE TABLE nonce_secret (secret BLOB NOT NULL);
CREATE TABLE used_nonce (nonce TEXT PRIMARY KEY, expires_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE session (
  id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, address TEXT NOT NULL, opened_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE api_key (
  id TEXT PRIMARY KEY, digest BLOB NOT NULL, role TEXT NOT NULL, scopes TEXT NOT NULL, address TEXT,
  label TEXT NOT NULL, parent TEXT REFERENCES api_key (id), made_ms INTEGER NOT NULL, expires_ms INTEGER,
  last_used_ms INTEGER, revoked_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX api_key_by_address ON api_key (address);
-- Rises with whatever makes a verified credential void, so that other processes forget what they remember of it.
CREATE TABLE revision (number INTEGER NOT NULL);
INSERT INTO revision VALUES (0);
CREATE TRIGGER session_closed AFTER DELETE ON session BEGIN UPDATE revision SET number = number + 1; END;
CREATE TRIGGER key_changed AFTER UPDATE OF digest, role, scopes, address, expires_ms, revoked_ms ON api_key
  BEGIN UPDATE revision SET number = number + 1; END;
CREATE TRIGGER key_removed AFTER DELETE ON api_key BEGIN UPDATE revision SET number = number + 1; END;
CREATE TABLE person (person TEXT PRIMARY KEY, address TEXT NOT NULL UNIQUE) WITHOUT ROWID;
CREATE TABLE details (
  address TEXT PRIMARY KEY, name TEXT, email TEXT, language TEXT, changed_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE audit (
  number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, role TEXT NOT NULL, actor TEXT NOT NULL,
  operation TEXT NOT NULL, target TEXT NOT NULL, status INTEGER NOT NULL, link BLOB NOT NULL
);
CREATE INDEX audit_by_actor ON audit (actor, number);
CREATE TRIGGER audit_stands BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TABLE release (
  asset_id TEXT PRIMARY KEY, released INTEGER NOT NULL, address TEXT NOT NULL, at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE answered (
  subject TEXT NOT NULL, key BLOB NOT NULL, request BLOB NOT NULL, at_ms INTEGER NOT NULL, status INTEGER,
  headers TEXT, body BLOB, PRIMARY KEY (subject, key)
) WITHOUT ROWID;
CREATE INDEX answered_by_time ON answered (at_ms);
"""
_MIGRATIONS = (_VERSION_1,)
"""Script i brings version i to version i + 1."""


class AccessFile:
    """The open file: one connection that writes, one that looks, each behind a lock, so that looking never waits for a disk."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it; its mode is 0600.

        Raises:
            ConfigError: a newer version of the program wrote it, or it is no such file.

        """
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
        self._writer = _connect(path)
        self._write_lock = threading.RLock()
        self.is_traced = False
        self._read_lock = threading.Lock()
        try:
            self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute("PRAGMA synchronous = FULL")
            self._writer.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten
            self._writer.execute("PRAGMA foreign_keys = ON")
            _prepare(self._writer)
        except sqlite3.DatabaseError as error:
            self._writer.close()
            raise ConfigError(f"{path} cannot be used for access: {error}") from error
        except ConfigError:
            self._writer.close()
            raise
        self._reader = _connect(path)
        self._reader.execute("PRAGMA query_only = ON")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is kept, or nothing."""
        with self._write_lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    def rows(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401  what SQLite takes
        """Look something up, as of the last commit."""
        with self._read_lock:
            return self._reader.execute(query, arguments).fetchall()

    def forget_traces(self) -> None:
        """Write the log back into the file and cut it off: what was erased is then nowhere in it.

        Another process that reads at this moment keeps the log as it is; `is_traced` says so, and the next call cuts it off.
        """
        with self._write_lock:
            ((busy, _, _),) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self.is_traced = bool(busy)

    def close(self) -> None:
        """Close both connections."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in _MIGRATIONS[_version(connection) :]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise ConfigError(
            f"access file has schema {version}, this program knows up to {SCHEMA_VERSION}: use a newer release"
        )
    return int(version)


def _statements(script: str) -> Iterator[str]:
    """Cut a script where SQLite says that a statement is complete: triggers have semicolons inside."""
    statement = ""
    for part in script.split(";")[:-1]:
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
