"""Tables of the journal, and the way from one version of them to the next."""

import sqlite3

from oracle.errors import JournalError

SCHEMA_VERSION = 3

_VERSION_1 = """
CREATE TABLE identity (name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE envelope (
  seq INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, device TEXT NOT NULL, meter TEXT NOT NULL,
  boot INTEGER NOT NULL, first_sequence INTEGER NOT NULL, reading_count INTEGER NOT NULL,
  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL,
  wire BLOB NOT NULL, link BLOB NOT NULL
);
CREATE INDEX envelope_by_meter ON envelope (meter, device, first_ms);
CREATE TABLE rejection (
  seq INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, topic TEXT NOT NULL, reason TEXT NOT NULL,
  detail TEXT NOT NULL, payload_hash BLOB NOT NULL, payload BLOB NOT NULL, link BLOB NOT NULL
);
CREATE TABLE signed (
  seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL UNIQUE, digest BLOB NOT NULL, signature BLOB NOT NULL,
  proposal TEXT NOT NULL, link BLOB NOT NULL
);
CREATE TABLE report (
  seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL UNIQUE, digest BLOB NOT NULL, document TEXT NOT NULL,
  link BLOB NOT NULL
);
CREATE TABLE used (digest BLOB PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, asset_id TEXT NOT NULL, meter_id TEXT NOT NULL,
  start_ms INTEGER NOT NULL, standing INTEGER NOT NULL, reason TEXT NOT NULL, energy_wh INTEGER NOT NULL,
  link BLOB NOT NULL
);
CREATE INDEX entry_by_asset ON entry (asset_id, start_ms);
"""
_VERSION_2 = """
CREATE TABLE envelope_2 (
  seq INTEGER PRIMARY KEY, digest BLOB NOT NULL, device TEXT NOT NULL, meter TEXT NOT NULL,
  boot INTEGER NOT NULL, first_sequence INTEGER NOT NULL, reading_count INTEGER NOT NULL,
  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL,
  wire BLOB NOT NULL, link BLOB NOT NULL
);
INSERT INTO envelope_2 SELECT * FROM envelope;
DROP TABLE envelope;
ALTER TABLE envelope_2 RENAME TO envelope;
CREATE INDEX envelope_by_meter ON envelope (meter, device, first_ms);
-- Digests are spread evenly, so that each new one touches a page of its own: the shorter the entries, the fewer the pages.
CREATE INDEX envelope_by_digest ON envelope (substr(digest, 1, 8));
CREATE TABLE archive (
  seq INTEGER PRIMARY KEY, name TEXT NOT NULL, first_row INTEGER NOT NULL, last_row INTEGER NOT NULL,
  envelopes INTEGER NOT NULL, readings INTEGER NOT NULL, content BLOB NOT NULL, link BLOB NOT NULL
);
CREATE TABLE archived (
  seq INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, part INTEGER NOT NULL, link BLOB NOT NULL
);
"""
_VERSION_3 = """
CREATE TABLE disabled (
  seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL UNIQUE, digest BLOB NOT NULL, link BLOB NOT NULL
);
"""
BY_DIGEST = "substr(digest, 1, 8) = substr(?1, 1, 8) AND digest = ?1"
"""Condition that finds the envelope of digest ?1 by the index."""
_MIGRATIONS = (_VERSION_1, _VERSION_2, _VERSION_3)
"""Script i brings version i to version i + 1."""


def prepare(connection: sqlite3.Connection) -> None:
    """Bring a journal to the current schema, from nothing or from an older version.

    Raises:
        JournalError: a newer version of the program wrote it.

    """
    version = _version(connection)
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"journal has schema {version}, this program knows up to {SCHEMA_VERSION}: use a newer release"
        )
    while version < SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _version(connection)  # another process may have done it meanwhile
            if version < SCHEMA_VERSION:
                for statement in _statements(_MIGRATIONS[version]):
                    connection.execute(statement)
                version += 1
                connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _statements(script: str) -> list[str]:
    """Cut a script at its semicolons: none of ours has one within a statement or a comment."""
    return [statement for statement in script.split(";") if statement.strip()]
