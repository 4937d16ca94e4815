"""One node's journal: SQLite in WAL mode, synchronous FULL, so that what is committed survives power loss."""

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from devices.telemetry import Envelope, decode
from oracle.errors import JournalError
from oracle.journal.inspection import faults
from oracle.journal.links import last_link, next_link
from oracle.journal.records import Rejected, ReportRecord
from oracle.journal.rejections import PAYLOAD_KEPT, TEXT_KEPT, drop_oldest
from oracle.journal.schema import prepare
from oracle.journal.turns import Turn
from oracle.journal.wires import Wires
from oracle.metering.ledger import AccountKey, Entry, taken_back_entries
from oracle.metering.settlement import Standing
from oracle.reporting.document import canonical_bytes, from_document, parse_json, to_document
from oracle.reporting.report import NO_REPORT

if TYPE_CHECKING:
    from oracle.journal.archives import Archives

COPY = "copy"
"""Entry of table `identity` in a backup, and in a journal restored from one."""
COPY_SIGNS_NOTHING = "this journal is a copy: the original may have signed reports since, so first close their epochs"
STANDING = "epoch NOT IN (SELECT epoch FROM disabled)"
"""Condition of reports that a guardian has not disabled."""
BUSY_S = 30.0
"""How long a commit waits for another process that is writing [s]."""
ROWS_A_STEP = 256
"""Rows that are decoded at a time where all are read."""
RESTART_MS = 20
"""How long beginning it anew waits for writers and readers, each [ms]."""
WAL_PAGES = 1000
"""The write-ahead log is begun anew when it is so long [pages of 4 KiB]."""


class Journal:
    """The durable record of one node. Safe to share between threads; other processes may read and write beside it."""

    def __init__(
        self, connection: sqlite3.Connection, turn: Turn, network: str, archives: "Archives | None" = None
    ) -> None:
        self._connection = connection
        self._turn = turn
        self._lock = threading.RLock()
        self._network = network
        self._archives = archives
        self._wires = Wires(self._all, archives)

    @classmethod
    def open(cls, path: Path, network: str, archives: Iterable[Path] = ()) -> Self:
        """Open or create a journal.

        Args:
            path: the file.
            network: whose envelopes it holds.
            archives: files, and folders of files, to which envelopes were moved: they are read as one with the journal.

        Raises:
            JournalError: it is of another network, of a newer schema, or no journal; or an archive is none.

        """
        try:
            connection = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False, isolation_level=None)
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
        places = list(archives)
        if not places:
            return cls(connection, Turn(path), network)
        from oracle.journal.archives import Archives  # noqa: PLC0415  Parquet takes 0.2 s to import, which only it should pay

        try:
            return cls(connection, Turn(path), network, Archives(places, network))
        except JournalError:
            connection.close()
            raise

    def close(self) -> None:
        """Close the file; what was recorded is already durable."""
        with self._lock:
            self._connection.close()
            self._turn.close()
            if self._archives is not None:
                self._archives.close()

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
            with self._turn:
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

    def leave_checkpoints(self) -> None:
        """Let another connection do `checkpoint`, so that no commit here has to; without it the log is bounded all the same."""
        with self._lock:
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES * 8}")

    def checkpoint(self) -> None:
        """Carry the write-ahead log over into the file, beside those who write; when it is long, begin it anew.

        That needs a moment without writers, and without readers of an older one: where it does not come at once, another
        time will do.

        Raises:
            JournalError: the disk refuses.

        """
        try:
            with self._lock:
                _, pages, carried = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if pages > WAL_PAGES and carried == pages:
                    with self._turn:  # so that writers wait for their turn, and do not ask SQLite again and again
                        self._connection.execute(f"PRAGMA busy_timeout = {RESTART_MS}")
                        try:
                            self._connection.execute("PRAGMA wal_checkpoint(RESTART)")
                        finally:
                            self._connection.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
        except sqlite3.Error as error:
            raise JournalError(f"the journal's log cannot be carried over: {error}") from error

    def record_envelopes(self, envelopes: Iterable[Envelope], received_ms: int) -> int:
        """Append verified envelopes that are not there yet; return how many were new."""
        offered: dict[bytes, Envelope] = {}
        for envelope in envelopes:
            offered.setdefault(envelope.digest, envelope)
        with self.transaction():
            for digest in self._wires.known(list(offered)):
                del offered[digest]
            rows = [
                (
                    e.digest,
                    e.device,
                    e.meter,
                    e.boot,
                    e.first_sequence,
                    e.count,
                    e.first_ms,
                    e.last_ms,
                    received_ms,
                    e.wire,
                )
                for e in offered.values()
            ]
            self._append("envelope", rows)
        return len(rows)

    def record_rejections(self, rejections: Iterable[Rejected]) -> None:
        """Append what was not accepted, with its reason; the oldest beyond `MAX_REJECTIONS` go."""
        rows = [
            (
                r.received_ms,
                r.topic[:TEXT_KEPT],
                r.reason,
                r.detail[:TEXT_KEPT],
                hashlib.sha256(r.payload).digest(),
                r.payload[:PAYLOAD_KEPT],
            )
            for r in rejections
        ]
        if rows:
            with self.transaction():
                self._append("rejection", rows)
                drop_oldest(self._connection)

    def record_signed(self, epoch: int, digest: bytes, signature: bytes, proposal: str) -> None:
        """Remember the one report that this node signs in an epoch, before the signature leaves it.

        Raises:
            JournalError: it signed another report of that epoch, or the journal is a copy (see `is_copy`).

        """
        with self.transaction():
            if self.is_copy():
                raise JournalError(f"epoch {epoch}: {COPY_SIGNS_NOTHING}")
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

    def record_disabled(self, epoch: int) -> None:
        """Append that a guardian disabled a report: it counts no more, once.

        Its ledger entries are taken back, and its envelopes wait for the next report. What was written stays.

        Raises:
            JournalError: some of its envelopes were moved to an archive, where no report finds them as new.

        """
        with self.transaction():
            row = self._one(f"SELECT digest FROM report WHERE epoch = ? AND {STANDING}", epoch)  # noqa: S608  our condition
            if row is None:
                return
            moved = "SELECT count(*) FROM used JOIN archived USING (digest) WHERE epoch = ?"
            if archived := self._all(moved, epoch)[0][0]:
                raise JournalError(
                    f"epoch {epoch} was disabled, and {archived} of its envelopes are in an archive already: this node"
                    " cannot report them again; go on with the journal's last backup"
                )
            taken_back = taken_back_entries(epoch, self.entries())
            self._append("disabled", [(epoch, row[0])])
            self._connection.execute("DELETE FROM used WHERE epoch = ?", (epoch,))
            self._append("entry", [(e.epoch, e.asset_id, *e.account, e.energy_wh) for e in taken_back])

    def has_envelope(self, digest: bytes) -> bool:
        """Whether an envelope is in the journal, or was moved from it to an archive."""
        return bool(self._wires.known([digest]))

    def wire(self, digest: bytes) -> bytes | None:
        """Return an envelope's bytes as the device signed them; None if it was never here.

        Raises:
            JournalError: it was moved to an archive that is not given, or is damaged.

        """
        return self._wires.of(digest)

    def envelopes(self, digests: Iterable[bytes] | None = None) -> Iterator[Envelope]:
        """Decode envelopes: those named, in that order, or all in order of arrival. The signature was verified before recording.

        Raises:
            JournalError: a named envelope is not there, or an archive is not given, or is damaged.

        """
        if digests is not None:
            for wire in self._wires.of_all(digests):
                yield decode(wire, network=self._network)
            return
        last = 0
        while rows := self.envelopes_after(last, ROWS_A_STEP):
            yield from (envelope for _, envelope in rows)
            last = rows[-1][0]

    def envelopes_of_meter(self, meter_id: str, start_ms: int, end_ms: int) -> Iterator[Envelope]:
        """Decode the envelopes of one meter that hold a reading in [start, end) [ms UTC]. Raises JournalError as `wire` does."""
        for wire in self._wires.of_meter(meter_id, start_ms, end_ms):
            yield decode(wire, network=self._network)

    def envelopes_after(self, seq: int, limit: int) -> list[tuple[int, Envelope]]:
        """Decode up to `limit` envelopes in order of arrival, after row `seq`; each with its row number. Raises as `wire` does."""
        return [(row, decode(wire, network=self._network)) for row, wire in self._wires.after(seq, limit)]

    def last_row(self) -> int:
        """Number of the last envelope's row, 0 in an empty journal."""
        row = self._one("SELECT coalesce(max(seq), 0) FROM envelope")
        return 0 if row is None else int(row[0])

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

    def reports(self, *, disabled: bool = False) -> list[ReportRecord]:
        """Return all published reports by epoch: those that stand, or with `disabled` all there ever were."""
        which = "" if disabled else f"WHERE {STANDING}"
        rows = self._all(f"SELECT document FROM report {which} ORDER BY epoch")  # noqa: S608  our condition
        return [_record(document) for (document,) in rows]

    def reports_to(self, digest: bytes) -> list[ReportRecord]:
        """Return the reports from the first to the one with this digest, each built on the one before.

        Raises:
            JournalError: one of them is not here.

        """
        known = dict(self._all("SELECT digest, document FROM report"))
        records: list[ReportRecord] = []
        while digest != NO_REPORT:
            if digest not in known:
                raise JournalError(f"the journal does not hold the report {digest.hex()}")
            records.append(_record(known.pop(digest)))
            digest = records[-1].report.prev
        return records[::-1]

    def report(self, epoch: int) -> ReportRecord | None:
        """Return the published report of one epoch; None also when it was disabled."""
        row = self._one(f"SELECT document FROM report WHERE epoch = ? AND {STANDING}", epoch)  # noqa: S608  our condition
        return _record(row[0]) if row else None

    def last_report(self) -> ReportRecord | None:
        """Return the published report of the highest epoch that stands."""
        row = self._one(f"SELECT document FROM report WHERE {STANDING} ORDER BY epoch DESC LIMIT 1")  # noqa: S608  our condition
        return _record(row[0]) if row else None

    def disabled_epochs(self) -> list[int]:
        """Epochs whose reports were disabled, in the order in which this node took note of it."""
        return [epoch for (epoch,) in self._all("SELECT epoch FROM disabled ORDER BY seq")]

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
        """(envelopes, readings, arrival of the last one [ms UTC]); those that were moved to archives are counted too."""
        here: tuple[int, int, int | None] = self._all(
            "SELECT count(*), coalesce(sum(reading_count), 0), max(received_ms) FROM envelope"
        )[0]
        ((moved, readings),) = self._all("SELECT coalesce(sum(envelopes), 0), coalesce(sum(readings), 0) FROM archive")
        return here[0] + moved, here[1] + readings, here[2]

    def faults(self) -> list[str]:
        """Check every row against its link, and every envelope against its signature and its row. Empty if all is well."""
        with self._lock:
            return list(faults(self._connection, self._network))

    def require_archives(self) -> None:
        """Make sure that every archive to which envelopes were moved is given. Raises JournalError, which names it."""
        self._wires.require_archives()

    def last_epoch(self) -> int:
        """Epoch of the last published report that stands, 0 before the first."""
        row = self._one(f"SELECT coalesce(max(epoch), 0) FROM report WHERE {STANDING}")  # noqa: S608  our condition
        return 0 if row is None else int(row[0])

    def is_copy(self) -> bool:
        """Whether this journal began as a backup and nobody has said yet which epochs the original may have signed since."""
        return self._one("SELECT 1 FROM identity WHERE name = ?", COPY) is not None

    def close_epochs(self, closed: Mapping[int, str]) -> None:
        """Never sign the reports of these epochs, and be no copy any more.

        Args:
            closed: epoch -> a proposal, in canonical JSON, that no report can follow from (see `oracle.journal.backup`).

        """
        with self.transaction():
            fresh = [epoch for epoch in sorted(closed) if self.signed(epoch) is None]
            self._append("signed", [(epoch, bytes(32), b"", closed[epoch]) for epoch in fresh])
            self._connection.execute("DELETE FROM identity WHERE name = ?", (COPY,))

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


def _record(document: str) -> ReportRecord:
    return from_document(ReportRecord, parse_json(document.encode()), "report")
