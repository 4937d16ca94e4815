"""One node's journal: SQLite in WAL mode, synchronous FULL, so that what is committed survives power loss."""

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from devices.telemetry import Envelope, TelemetryError, decode, verify_signature
from oracle.errors import JournalError
from oracle.journal.links import LINKED_TABLES, broken_links, last_link, next_link
from oracle.journal.records import Rejected, ReportRecord
from oracle.journal.schema import prepare
from oracle.metering.ledger import AccountKey, Entry
from oracle.metering.settlement import Standing
from oracle.reporting.document import canonical_bytes, from_document, parse_json, to_document

PAYLOAD_KEPT = 4096
"""Bytes kept of a rejected message."""


class Journal:
    """The durable record of one node. Safe to share between threads; a second process may read while one writes."""

    def __init__(self, connection: sqlite3.Connection, network: str) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._network = network

    @classmethod
    def open(cls, path: Path, network: str) -> Self:
        """Open or create a journal.

        Raises:
            JournalError: it is of another network, of a newer schema, or no journal.

        """
        try:
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        except sqlite3.DatabaseError as error:
            raise JournalError(f"{path}: not usable as a journal: {error}") from error
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            prepare(connection)
            connection.execute("INSERT OR IGNORE INTO identity VALUES ('network', ?)", (network,))
            (named,) = connection.execute("SELECT content FROM identity WHERE name = 'network'").fetchone()
            if named != network:
                raise JournalError(f"{path}: is the journal of network {named}, not of {network}")  # noqa: TRY301
        except sqlite3.DatabaseError as error:
            connection.close()
            raise JournalError(f"{path}: not usable as a journal: {error}") from error
        except JournalError:
            connection.close()
            raise
        return cls(connection, network)

    def close(self) -> None:
        """Close the file; what was recorded is already durable."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Group records into one commit: durable together, or not at all.

        Raises:
            JournalError: the disk refuses; nothing of the group is recorded.

        """
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise JournalError(f"the journal cannot be written: {error}") from error
                raise

    def record_envelopes(self, envelopes: Iterable[Envelope], received_ms: int) -> int:
        """Append verified envelopes that are not there yet; return how many were new."""
        rows = []
        seen: set[bytes] = set()
        with self.transaction():
            for envelope in envelopes:
                if envelope.digest in seen or self.has_envelope(envelope.digest):
                    continue
                seen.add(envelope.digest)
                time_ms = envelope.readings.time_ms
                rows.append((
                    envelope.digest, envelope.device, envelope.meter, envelope.boot, envelope.first_sequence, len(time_ms),
                    int(time_ms.min()), int(time_ms.max()), received_ms, envelope.wire,
                ))  # fmt: skip
            self._append("envelope", rows)
        return len(rows)

    def record_rejections(self, rejections: Iterable[Rejected]) -> None:
        """Append what was not accepted, with its reason."""
        self._append(
            "rejection",
            [
                (
                    r.received_ms,
                    r.topic,
                    r.reason,
                    r.detail,
                    hashlib.sha256(r.payload).digest(),
                    r.payload[:PAYLOAD_KEPT],
                )
                for r in rejections
            ],
        )

    def record_signed(self, epoch: int, digest: bytes, signature: bytes, proposal: str) -> None:
        """Remember the one report that this node signs in an epoch, before the signature leaves it.

        Raises:
            JournalError: it signed another report of that epoch.

        """
        with self.transaction():
            known = self.signed(epoch)
            if known is not None and known[0] != digest:
                raise JournalError(f"epoch {epoch}: this node has signed another report already")
            if known is None:
                self._append("signed", [(epoch, digest, signature, proposal)])

    def signed(self, epoch: int) -> tuple[bytes, bytes, str] | None:
        """(digest, signature, proposal) that this node signed in an epoch."""
        row: tuple[bytes, bytes, str] | None = self._one(
            "SELECT digest, signature, proposal FROM signed WHERE epoch = ?", epoch
        )
        return row

    def last_signed_epoch(self) -> int:
        """Highest epoch of which this node signed a report, 0 before the first."""
        row = self._one("SELECT coalesce(max(epoch), 0) FROM signed")
        return 0 if row is None else int(row[0])

    def record_report(self, record: ReportRecord, digest: bytes, entries: Sequence[Entry]) -> None:
        """Append a published report with its ledger entries, once."""
        document = canonical_bytes(to_document(record)).decode()
        with self.transaction():
            if self._one("SELECT 1 FROM report WHERE epoch = ?", record.report.epoch):
                return
            self._append("report", [(record.report.epoch, digest, document)])
            self._connection.executemany(
                "INSERT INTO used VALUES (?, ?)", [(digest_, record.report.epoch) for digest_ in record.manifest]
            )
            self._append("entry", [(e.epoch, e.asset_id, *e.account, e.energy_wh) for e in entries])

    def has_envelope(self, digest: bytes) -> bool:
        """Whether an envelope is in the journal."""
        return self._one("SELECT 1 FROM envelope WHERE digest = ?", digest) is not None

    def wire(self, digest: bytes) -> bytes | None:
        """Return an envelope's bytes as the device signed them."""
        row = self._one("SELECT wire FROM envelope WHERE digest = ?", digest)
        return None if row is None else row[0]

    def envelopes(self, digests: Iterable[bytes] | None = None) -> Iterator[Envelope]:
        """Decode envelopes: those named, in that order, or all in order of arrival. The signature was verified before recording.

        Raises:
            JournalError: a named envelope is not there.

        """
        if digests is None:
            for (wire,) in self._all("SELECT wire FROM envelope ORDER BY seq"):
                yield decode(wire, network=self._network)
            return
        for digest in digests:
            wire = self.wire(digest)
            if wire is None:
                raise JournalError(f"envelope {digest.hex()} is not in the journal")
            yield decode(wire, network=self._network)

    def envelopes_of_meter(self, meter_id: str, start_ms: int, end_ms: int) -> Iterator[Envelope]:
        """Decode the envelopes of one meter that hold a reading in [start, end) [ms UTC]."""
        query = "SELECT wire FROM envelope WHERE meter = ? AND first_ms < ? AND last_ms >= ? ORDER BY first_ms, seq"
        for (wire,) in self._all(query, meter_id, end_ms, start_ms):
            yield decode(wire, network=self._network)

    def envelopes_after(self, seq: int, limit: int) -> list[tuple[int, Envelope]]:
        """Decode up to `limit` envelopes in order of arrival, after row `seq`; each with its row number."""
        rows = self._all("SELECT seq, wire FROM envelope WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit)
        return [(row, decode(wire, network=self._network)) for row, wire in rows]

    def unreported(self, before_ms: int, arrived_before_ms: int = 2**63 - 1) -> list[Envelope]:
        """Decode envelopes with a reading at or before an instant [ms UTC] that no report has used, ascending by digest.

        With `arrived_before_ms`, only those that were here by then [ms UTC].
        """
        query = "SELECT wire FROM envelope WHERE first_ms <= ? AND received_ms < ? AND digest NOT IN (SELECT digest FROM used)"
        found = (decode(wire, network=self._network) for (wire,) in self._all(query, before_ms, arrived_before_ms))
        return sorted(found, key=lambda envelope: envelope.digest)

    def used(self) -> dict[bytes, int]:
        """In which epoch each envelope was first used in a report."""
        return dict(self._all("SELECT digest, epoch FROM used"))

    def reports(self) -> list[ReportRecord]:
        """Return all published reports by epoch."""
        rows = self._all("SELECT document FROM report ORDER BY epoch")
        return [from_document(ReportRecord, parse_json(document.encode()), "report") for (document,) in rows]

    def report(self, epoch: int) -> ReportRecord | None:
        """Return the published report of one epoch."""
        row = self._one("SELECT document FROM report WHERE epoch = ?", epoch)
        return from_document(ReportRecord, parse_json(row[0].encode()), "report") if row else None

    def last_report(self) -> ReportRecord | None:
        """Return the published report of the highest epoch."""
        row = self._one("SELECT document FROM report ORDER BY epoch DESC LIMIT 1")
        return from_document(ReportRecord, parse_json(row[0].encode()), "report") if row else None

    def entries(self, asset_id: str | None = None) -> list[Entry]:
        """Ledger entries in the order they were made, of one asset or all."""
        columns = "SELECT epoch, asset_id, meter_id, start_ms, standing, reason, energy_wh FROM entry"
        rows = self._all(f"{columns} WHERE ? IS NULL OR asset_id = ? ORDER BY seq", asset_id, asset_id)
        return [
            Entry(epoch, asset, AccountKey(meter_id, start_ms, Standing(standing), reason), energy_wh)
            for epoch, asset, meter_id, start_ms, standing, reason, energy_wh in rows
        ]

    def rejection_counts(self) -> dict[str, int]:
        """How many rejections were stored, by reason."""
        return dict(self._all("SELECT reason, count(*) FROM rejection GROUP BY reason ORDER BY reason"))

    def tallies(self) -> tuple[int, int, int | None]:
        """(envelopes, readings, arrival of the last one [ms UTC])."""
        row: tuple[int, int, int | None] = self._all(
            "SELECT count(*), coalesce(sum(reading_count), 0), max(received_ms) FROM envelope"
        )[0]
        return row

    def faults(self) -> list[str]:
        """Check every row against its link, and every envelope against its signature and its row. Empty if all is well."""
        found = []
        with self._lock:
            for table in LINKED_TABLES:
                found += [f"{table} {seq}: does not fit its link" for seq in broken_links(self._connection, table)]
        columns = "SELECT seq, digest, device, meter, boot, first_sequence, reading_count, first_ms, last_ms, wire FROM envelope"
        for seq, *said, wire in self._all(columns):
            if not isinstance(wire, bytes):
                found.append(f"envelope {seq}: its wire is not bytes")
                continue
            try:
                envelope = decode(wire, network=self._network)
                verify_signature(envelope)
            except TelemetryError as error:
                found.append(f"envelope {seq}: {error.reason}: {error.detail}")
                continue
            time_ms = envelope.readings.time_ms
            signed = [
                envelope.digest, envelope.device, envelope.meter, envelope.boot, envelope.first_sequence, len(time_ms),
                int(time_ms.min()), int(time_ms.max()),
            ]  # fmt: skip
            if said != signed:
                found.append(f"envelope {seq}: its row does not say what its device signed")
        return found

    def _append(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        with self.transaction():
            seq, link = last_link(self._connection, table)
            linked = []
            for row in rows:
                seq += 1
                link = next_link(link, (seq, *row))
                linked.append((seq, *row, link))
            places = ", ".join("?" * len(linked[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({places})", linked)  # noqa: S608  our names

    def _one(self, statement: str, *arguments: object) -> tuple[Any, ...] | None:
        with self._lock:
            row: tuple[Any, ...] | None = self._connection.execute(statement, arguments).fetchone()
        return row

    def _all(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, arguments).fetchall()
