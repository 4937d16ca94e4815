"""Tables of the projection. There is no way from one version to the next: an older file is thrown away and filled anew."""

import secrets
import sqlite3
from pathlib import Path

SCHEMA_VERSION = 1
APPLICATION_ID = 0x48454C50
"""Marks the file as ours ("HELP": heliograph projection), so that no other file is ever thrown away by mistake."""

ATTESTED_CODE = 0
"""Number of the code (attested, no reason). The remainder by 3 of any code's number is its standing."""

# What the journal says
_JOURNAL = """
CREATE TABLE account_meter (number INTEGER PRIMARY KEY, asset INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (asset, name));
CREATE TABLE code (number INTEGER PRIMARY KEY, standing INTEGER NOT NULL, reason TEXT NOT NULL, UNIQUE (standing, reason));
CREATE TABLE energy (
  asset INTEGER NOT NULL, start_ms INTEGER NOT NULL, meter INTEGER NOT NULL, code INTEGER NOT NULL, wh INTEGER NOT NULL,
  PRIMARY KEY (asset, start_ms, meter, code)
) WITHOUT ROWID;
CREATE TABLE energy_day (
  asset INTEGER NOT NULL, day INTEGER NOT NULL, code INTEGER NOT NULL, wh INTEGER NOT NULL, PRIMARY KEY (asset, day, code)
) WITHOUT ROWID;
CREATE TABLE energy_month (
  asset INTEGER NOT NULL, month INTEGER NOT NULL, code INTEGER NOT NULL, wh INTEGER NOT NULL, PRIMARY KEY (asset, month, code)
) WITHOUT ROWID;
CREATE TABLE energy_total (
  asset INTEGER NOT NULL, code INTEGER NOT NULL, wh INTEGER NOT NULL, PRIMARY KEY (asset, code)
) WITHOUT ROWID;
CREATE TABLE arrival (
  number INTEGER PRIMARY KEY, device TEXT NOT NULL, meter TEXT NOT NULL, reading_ms INTEGER NOT NULL,
  arrival_ms INTEGER NOT NULL, readings INTEGER NOT NULL, envelopes INTEGER NOT NULL, power_w INTEGER, export_wh INTEGER,
  spacing_ms INTEGER, stale INTEGER NOT NULL DEFAULT 0, UNIQUE (device, meter)
);
CREATE TABLE power (
  meter INTEGER NOT NULL, step INTEGER NOT NULL, time_ms INTEGER NOT NULL, power_w INTEGER, PRIMARY KEY (meter, step)
) WITHOUT ROWID;
CREATE INDEX power_by_step ON power (step, meter, power_w);
CREATE TABLE journal_report (
  epoch INTEGER PRIMARY KEY, digest BLOB NOT NULL, prev BLOB NOT NULL, cutoff_s INTEGER NOT NULL, config_digest BLOB NOT NULL,
  root BLOB NOT NULL, leaf_count INTEGER NOT NULL, energy_wh TEXT NOT NULL, credits_g TEXT NOT NULL, revenue_minor TEXT NOT NULL,
  signatures BLOB NOT NULL, disabled INTEGER NOT NULL DEFAULT 0
);
"""
# What either says: the chain's word counts, the journal's reports carry it too
_REGISTRY = """
CREATE TABLE asset (
  number INTEGER PRIMARY KEY, asset_id TEXT NOT NULL UNIQUE, project_id TEXT, beneficiary TEXT COLLATE NOCASE, nameplate_w INTEGER,
  commissioned_s INTEGER, utc_offset_s INTEGER, status INTEGER, registered_by TEXT
);
CREATE INDEX asset_by_beneficiary ON asset (beneficiary);
CREATE TABLE project (project_id TEXT PRIMARY KEY, document TEXT NOT NULL, registered_by TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE listed_meter (
  project_id TEXT NOT NULL, place INTEGER NOT NULL, asset_id TEXT NOT NULL, meter_id TEXT NOT NULL, device_id TEXT NOT NULL,
  role INTEGER NOT NULL, thumbprint BLOB NOT NULL, nameplate_w INTEGER NOT NULL, revoked INTEGER NOT NULL,
  PRIMARY KEY (project_id, place)
) WITHOUT ROWID;
CREATE INDEX listed_meter_by_asset ON listed_meter (asset_id);
CREATE INDEX listed_meter_by_device ON listed_meter (device_id, meter_id);
"""
# What the chain says
_CHAIN = """
CREATE TABLE chain_report (
  epoch INTEGER PRIMARY KEY, digest BLOB NOT NULL, prev BLOB NOT NULL, cutoff_s INTEGER NOT NULL, config_digest BLOB NOT NULL,
  root BLOB NOT NULL, leaf_count INTEGER NOT NULL, energy_wh TEXT NOT NULL, credits_g TEXT NOT NULL, revenue_minor TEXT NOT NULL,
  signatures BLOB, block INTEGER NOT NULL, tx TEXT NOT NULL, published_s INTEGER NOT NULL, status TEXT NOT NULL
);
CREATE TABLE signer_set (config_digest BLOB PRIMARY KEY, signers TEXT NOT NULL, threshold INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE mark (
  asset INTEGER NOT NULL, vintage INTEGER NOT NULL, energy_wh INTEGER NOT NULL, credits_g INTEGER NOT NULL,
  revenue_minor INTEGER NOT NULL, energy_reversed_wh INTEGER NOT NULL, credits_reversed_g INTEGER NOT NULL,
  revenue_reversed_minor INTEGER NOT NULL, revenue_offset_minor INTEGER NOT NULL, cutoff_s INTEGER NOT NULL,
  epoch INTEGER NOT NULL, month INTEGER NOT NULL, flags INTEGER NOT NULL, claim_kind INTEGER NOT NULL, drawn_g INTEGER NOT NULL,
  PRIMARY KEY (asset, vintage)
) WITHOUT ROWID;
CREATE TABLE credit (
  project_id TEXT NOT NULL, vintage INTEGER NOT NULL, issued_g INTEGER NOT NULL, reversed_g INTEGER NOT NULL,
  offset_g INTEGER NOT NULL, retired_g INTEGER NOT NULL, cancelled_g INTEGER NOT NULL, PRIMARY KEY (project_id, vintage)
) WITHOUT ROWID;
CREATE TABLE portion (
  number INTEGER PRIMARY KEY, project_id TEXT NOT NULL, vintage INTEGER NOT NULL, first_serial INTEGER NOT NULL,
  last_serial INTEGER NOT NULL, asset INTEGER NOT NULL, epoch INTEGER NOT NULL, block INTEGER NOT NULL, tx TEXT NOT NULL
);
CREATE INDEX portion_by_serial ON portion (project_id, vintage, last_serial);
CREATE TABLE credit_balance (
  project_id TEXT NOT NULL, vintage INTEGER NOT NULL, holder TEXT COLLATE NOCASE NOT NULL, grams INTEGER NOT NULL,
  PRIMARY KEY (project_id, vintage, holder)
) WITHOUT ROWID;
CREATE INDEX credit_balance_by_holder ON credit_balance (holder);
CREATE TABLE sealed (project_id TEXT NOT NULL, vintage INTEGER NOT NULL, PRIMARY KEY (project_id, vintage)) WITHOUT ROWID;
CREATE TABLE retirement (
  number INTEGER PRIMARY KEY, project_id TEXT NOT NULL, vintage INTEGER NOT NULL, grams INTEGER NOT NULL,
  first_serial INTEGER NOT NULL, holder TEXT COLLATE NOCASE NOT NULL,
  beneficiary TEXT COLLATE NOCASE NOT NULL, name TEXT NOT NULL, name_hash BLOB NOT NULL,
  purpose TEXT NOT NULL, at_s INTEGER NOT NULL, block INTEGER NOT NULL, tx TEXT NOT NULL, certified INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX retirement_by_beneficiary ON retirement (beneficiary);
CREATE TABLE receivable (
  asset INTEGER NOT NULL, month INTEGER NOT NULL, attested_minor INTEGER NOT NULL, deposited_minor INTEGER NOT NULL,
  written_down_minor INTEGER NOT NULL, paid_minor INTEGER NOT NULL, PRIMARY KEY (asset, month)
) WITHOUT ROWID;
CREATE TABLE deposit (
  number INTEGER PRIMARY KEY, asset INTEGER NOT NULL, month INTEGER NOT NULL, minor INTEGER NOT NULL, sender TEXT NOT NULL,
  at_s INTEGER NOT NULL, block INTEGER NOT NULL, tx TEXT NOT NULL
);
CREATE TABLE claim (
  number INTEGER PRIMARY KEY, asset INTEGER NOT NULL, month INTEGER NOT NULL, minor INTEGER NOT NULL, holder TEXT COLLATE NOCASE NOT NULL,
  receiver TEXT NOT NULL, at_s INTEGER NOT NULL, block INTEGER NOT NULL, tx TEXT NOT NULL
);
CREATE TABLE feed (address TEXT PRIMARY KEY, asset INTEGER, metric INTEGER NOT NULL) WITHOUT ROWID;
"""
_OWN = """
CREATE TABLE meta (name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE source (name TEXT PRIMARY KEY, fresh_ms INTEGER, stale_ms INTEGER, fault TEXT, remark TEXT) WITHOUT ROWID;
CREATE TABLE event (
  number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, asset INTEGER, at_ms INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE TABLE clear_sky (asset_id TEXT NOT NULL, day INTEGER NOT NULL, points TEXT NOT NULL, PRIMARY KEY (asset_id, day)) WITHOUT ROWID;
"""
_CODES = f"INSERT INTO code VALUES ({ATTESTED_CODE}, 0, '');"  # noqa: S608  our number
_SCRIPT = _OWN + _REGISTRY + _JOURNAL + _CHAIN + _CODES

JOURNAL_TABLES = (
    "account_meter", "energy", "energy_day", "energy_month", "energy_total", "arrival", "power", "journal_report",
)  # fmt: skip
"""Emptied where the journal is another than the one that they were filled from."""
CHAIN_TABLES = (
    "project", "listed_meter", "chain_report", "signer_set", "mark", "credit", "portion", "credit_balance", "sealed", "retirement",
    "receivable", "deposit", "claim", "feed",
)  # fmt: skip
"""Emptied where the chain is another than the one that they were filled from."""


def prepare(path: Path) -> bool:
    """Make the file where it is missing, or of another version; tell whether it was made.

    Raises:
        sqlite3.DatabaseError: something else is at the path, or the disk refuses.

    """
    if path.exists() and path.stat().st_size and not _throw_away_other_version(path):
        return False
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    connection = connect(fresh)
    try:
        connection.executescript(_SCRIPT)
        connection.execute("INSERT INTO meta VALUES ('instance', ?)", (secrets.token_hex(8),))
        connection.execute("INSERT INTO meta VALUES ('version', '1')")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    fresh.replace(path)
    return True


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection. Rows are durable against a crash of this program; after a loss of power some may be read again."""
    connection = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA mmap_size = 2147483648")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _throw_away_other_version(path: Path) -> bool:
    """Remove a projection of another version; tell whether one was."""
    connection = connect(path)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
    finally:
        connection.close()
    if (application, version) == (APPLICATION_ID, SCHEMA_VERSION):
        return False
    if application != APPLICATION_ID:
        raise sqlite3.DatabaseError(f"{path}: is no projection of ours; name another file, or remove it")
    for file in (path, *(path.with_name(path.name + tail) for tail in ("-wal", "-shm"))):
        file.unlink(missing_ok=True)
    return True
