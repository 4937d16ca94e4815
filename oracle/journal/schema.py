"""Tables of the journal, and the way from one version of them to the next."""

import sqlite3

from oracle.errors import JournalError

SCHEMA_VERSION = 1

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
_MIGRATIONS = (_VERSION_1,)
"""Script i brings version i to version i + 1."""


def prepare(connection: sqlite3.Connection) -> None:
    """Bring a journal to the current schema, from nothing or from an older version.

    Raises:
        JournalError: a newer version of the program wrote it.

    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"journal has schema {version}, this program knows up to {SCHEMA_VERSION}: use a newer release"
        )
    for number in range(version, SCHEMA_VERSION):
        connection.executescript(f"BEGIN;{_MIGRATIONS[number]}PRAGMA user_version = {number + 1};COMMIT;")
