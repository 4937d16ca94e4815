"""What a gateway remembers of what it signed, so that no sequence number ever stands for two different readings.

A crash may come between signing and storing. So the next numbers, the source's place and the signed envelopes are
committed here in one transaction first; then the envelopes go to the outbox; then they are forgotten here. What is still
here goes to the outbox again before anything else is signed, now or after a restart; an envelope that the outbox knows
already changes nothing there. So an outbox that is full leaves no hole, and no second envelope under the same numbers.
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.device_key import SigningKey
from devices.device_signer import DeviceSigner
from devices.durable_file import DurableFileError, FileKind, open_durable
from devices.outbox import OVERHEAD_BYTES, Outbox
from devices.readings import Readings
from devices.telemetry import NO_PREVIOUS, Envelope, decode

MAX_PART_BYTES = 4_000_000
"""Envelopes go to the outbox in transactions of about this size, or of a twentieth of its quota if that is less [B]."""
SCHEMA_VERSION = 1
_APPLICATION_ID = 0x48454C53  # "HELS"
_SCHEMA = """
CREATE TABLE device (
    name          TEXT PRIMARY KEY,
    thumbprint    BLOB NOT NULL,
    boot          INTEGER NOT NULL,
    next_sequence INTEGER NOT NULL,
    previous      BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE place (source TEXT PRIMARY KEY, place TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE signed (id INTEGER PRIMARY KEY, wire BLOB NOT NULL) STRICT;
"""
_NEWEST = """
CREATE TABLE IF NOT EXISTS newest (
    id     INTEGER PRIMARY KEY CHECK (id = 0),
    time_s INTEGER NOT NULL
) STRICT
"""
"""Came later, and is made where it is missing: a release that does not know it loses nothing by it."""


class SigningLogError(DurableFileError):
    """The log does not fit the keys, or cannot be read or written."""


class TimeUnknownError(SigningLogError):
    """A device begins, and its boot epoch is the time, which is not known."""


@dataclass(frozen=True)
class DeviceIdentity:
    """A device whose key this gateway holds."""

    device: str
    meter: str
    key: SigningKey


class SigningLog:
    """The durable state of the devices that one gateway signs for. Safe to use from several threads, of one process.

    Raises:
        DurableFileError: the file is something else, or from a newer version.

    """

    def __init__(self, path: Path, network: str) -> None:
        self._network = network
        self._path = path
        self._lock = threading.RLock()
        self._db = open_durable(path, FileKind("signing log", _APPLICATION_ID, SCHEMA_VERSION, _SCHEMA))
        try:
            self._db.execute(_NEWEST)
        except sqlite3.Error as error:
            raise SigningLogError(f"{path} cannot be written: {error}") from error

    def place(self, source: str) -> str | None:
        """Return up to where a source was signed, in the source's own words; None if it is new."""
        with self._lock:
            row = self._db.execute("SELECT place FROM place WHERE source = ?", (source,)).fetchone()
        return None if row is None else str(row[0])

    def newest_s(self) -> int:
        """Return the latest time at which something was signed, by a clock that was right [s since 1970]; 0 if never."""
        with self._lock:
            row = self._db.execute("SELECT time_s FROM newest").fetchone()
        return 0 if row is None else int(row[0])

    def sign(  # noqa: PLR0913 - keyword-only: what is signed, from where to where, and where it goes
        self,
        taken: Sequence[tuple[DeviceIdentity, Readings]],
        outbox: Outbox,
        *,
        batch: int,
        first_boot: int | None,
        source: str,
        place: str | None,
        next_place: str,
    ) -> int:
        """Sign readings in the order given, make that durable with all that follows from it, and hand it over.

        Args:
            taken: readings, each with the device that signs them.
            outbox: where the envelopes go.
            batch: readings in one envelope at most.
            first_boot: the present time [s since 1970], None while it is not known. It becomes the boot epoch of a
                device that is not known here, or that has a new key: that must be above any it ever used, even where
                an earlier log was lost.
            source: where the readings come from.
            place: up to where the source had been signed.
            next_place: up to where it is now.

        Returns:
            How many envelopes there are.

        Raises:
            TimeUnknownError: a device begins and the time is not known; nothing was done.
            SigningLogError: the source has been signed further meanwhile, by another process; nothing was done.
            TelemetryError: readings do not fit an envelope; nothing was done.
            sqlite3.Error: not durable here, then nothing was done; or not in the outbox, then `recover` goes on.
            OutboxFullError: what was signed last, these or those before, waits here for room; `recover` goes on.

        """

        def advance() -> None:
            if self.place(source) != place:
                raise SigningLogError(f"{self._path}: another process signs what comes from {source}")
            self._db.execute("INSERT OR REPLACE INTO place VALUES (?, ?)", (source, next_place))

        return self._sign(taken, outbox, batch, first_boot, advance)

    def sign_now(self, identity: DeviceIdentity, readings: Readings, outbox: Outbox, *, now_s: int) -> int:
        """Sign readings that were just taken, and that no source keeps, as one envelope for each 1000 of them.

        Args:
            identity: the device that signs them.
            readings: what it read.
            outbox: where the envelopes go.
            now_s: the present time, by a clock that is right [s since 1970].

        Returns and raises as `sign` does.

        """
        return self._sign([(identity, readings)], outbox, 1000, now_s, lambda: None)

    def _sign(
        self,
        taken: Sequence[tuple[DeviceIdentity, Readings]],
        outbox: Outbox,
        batch: int,
        now_s: int | None,
        advance: Callable[[], None],
    ) -> int:
        envelopes: list[Envelope] = []
        with self._lock:
            self.recover(outbox)
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                advance()
                for identity, readings in taken:
                    signer = self._signer(identity, now_s)
                    envelopes += signer.sign_in_batches(readings, batch)
                    thumbprint = identity.key.public.thumbprint
                    state = (signer.device, thumbprint, signer.boot, signer.next_sequence, signer.previous)
                    self._db.execute("INSERT OR REPLACE INTO device VALUES (?, ?, ?, ?, ?)", state)
                waiting = [(number, one.wire) for number, one in enumerate(envelopes, 1)]
                self._db.executemany("INSERT INTO signed VALUES (?, ?)", waiting)
                if now_s is not None:
                    newest = max(now_s, self.newest_s())
                    self._db.execute("INSERT OR REPLACE INTO newest VALUES (0, ?)", (newest,))
            self._hand_over(list(enumerate(envelopes, 1)), outbox)
        return len(envelopes)

    def _signer(self, identity: DeviceIdentity, first_boot: int | None) -> DeviceSigner:
        """Return a signer that goes on where the device stopped."""
        known = self._db.execute(
            "SELECT boot, next_sequence, previous FROM device WHERE name = ? AND thumbprint = ?",
            (identity.device, identity.key.public.thumbprint),
        ).fetchone()
        if known is None:
            if first_boot is None:
                raise TimeUnknownError(f"device {identity.device} begins, and waits until the time is known")
            known = (first_boot, 0, NO_PREVIOUS)
        boot, sequence, previous = known
        return DeviceSigner(
            identity.device,
            identity.meter,
            identity.key,
            self._network,
            boot=boot,
            first_sequence=sequence,
            previous=previous,
        )

    def recover(self, outbox: Outbox) -> int:
        """Hand over what a crash left behind, before anything new is signed. Return how many envelopes that were.

        Raises:
            OutboxFullError, sqlite3.Error: the outbox does not take them; they stay here.

        """
        with self._lock:
            rows = self._db.execute("SELECT id, wire FROM signed ORDER BY id").fetchall()
            self._hand_over([(number, decode(wire, network=self._network)) for number, wire in rows], outbox)
            return len(rows)

    def _hand_over(self, numbered: Sequence[tuple[int, Envelope]], outbox: Outbox) -> None:
        """Store envelopes in the outbox and forget them here, in parts: one that is nearly full takes the first ones."""
        part_bytes = min(outbox.quota_bytes // 20, MAX_PART_BYTES)
        part: list[Envelope] = []
        size = 0
        for at, (number, envelope) in enumerate(numbered, 1):
            part.append(envelope)
            size += len(envelope.wire) + OVERHEAD_BYTES
            if size >= part_bytes or at == len(numbered):
                outbox.add(part)
                with self._db:
                    self._db.execute("BEGIN IMMEDIATE")
                    self._db.execute("DELETE FROM signed WHERE id <= ?", (number,))
                part, size = [], 0

    def close(self) -> None:
        """Close the file. Does nothing the second time."""
        with self._lock:
            self._db.close()
