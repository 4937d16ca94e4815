"""The file `notices.sqlite`: webhooks, what is to be sent to them, and how far events were read."""

import sqlite3
from pathlib import Path

VERSION = 1
_TABLES = """
CREATE TABLE webhook (
    webhook_id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    address TEXT,
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    asset_ids TEXT,
    created_ms INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX webhook_of_address ON webhook (address);
CREATE TABLE delivery (
    delivery_id TEXT PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhook ON DELETE CASCADE,
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    tried_ms INTEGER,
    status INTEGER,
    error TEXT
) STRICT;
CREATE INDEX delivery_due ON delivery (next_ms) WHERE state = 'pending';
CREATE INDEX delivery_of_webhook ON delivery (webhook_id, state);
CREATE TABLE progress (
    instance TEXT NOT NULL,
    number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    not_before_ms INTEGER,
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1)
) STRICT;
"""


class NoticesVersionError(Exception):
    """The file was written by a newer release."""


def open_database(path: Path) -> sqlite3.Connection:
    """Open the file, or make it. The connection may be used from any thread, one at a time.

    Raises:
        NoticesVersionError: it is of a version that this release does not know.
        sqlite3.Error: it cannot be used.

    """
    database = sqlite3.connect(path, timeout=10, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            database.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        path.chmod(0o600)
    except BaseException:
        database.close()
        raise
    if version not in (0, VERSION):
        database.close()
        raise NoticesVersionError(f"{path} has version {version}, this release knows {VERSION}")
    return database
