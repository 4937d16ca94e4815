"""What a gateway remembers of what it signed, so that no sequence number ever stands for two different readings.

A crash may come between signing and storing. So the next numbers, the source's place and the signed envelopes are
committed here in one transaction first; then the envelopes go to the outbox; then they are forgotten here. At the next
start what is still here goes to the outbox again, where an envelope that it knows already changes nothing.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.device_key import SigningKey
from devices.device_signer import DeviceSigner
from devices.durable_file import DurableFileError, FileKind, open_durable
from devices.outbox import Outbox
from devices.readings import Readings
from devices.telemetry import NO_PREVIOUS, Envelope, decode

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


class SigningLogError(DurableFileError):
    """The log does not fit the keys, or cannot be read or written."""


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

    def place(self, source: str) -> str | None:
        """Return up to where a source was signed, in the source's own words; None if it is new."""
        row = self._db.execute("SELECT place FROM place WHERE source = ?", (source,)).fetchone()
        return None if row is None else str(row[0])

    def sign(  # noqa: PLR0913 - keyword-only: what is signed, from where to where, and where it goes
        self,
        taken: Sequence[tuple[DeviceIdentity, Readings]],
        outbox: Outbox,
        *,
        batch: int,
        first_boot: int,
        source: str,
        place: str | None,
        next_place: str,
    ) -> int:
        """Sign readings in the order given, make that durable with all that follows from it, and hand it over.

        Args:
            taken: readings, each with the device that signs them.
            outbox: where the envelopes go.
            batch: readings in one envelope at most.
            first_boot: boot epoch of a device that is not known here, or that has a new key. It must be above any it
                ever used: the present time [s] is, even where an earlier log was lost.
            source: where the readings come from.
            place: up to where the source had been signed.
            next_place: up to where it is now.

        Returns:
            How many envelopes there are.

        Raises:
            SigningLogError: the source has been signed further meanwhile, by another process; nothing was done.
            TelemetryError: readings do not fit an envelope; nothing was done.
            sqlite3.Error: not durable here, then nothing was done; or not in the outbox, then `recover` goes on.

        """
        envelopes: list[Envelope] = []
        with self._lock:
            self.recover(outbox)
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                if self.place(source) != place:
                    raise SigningLogError(f"{self._path}: another process signs what comes from {source}")
                for identity, readings in taken:
                    signer = self._signer(identity, first_boot)
                    envelopes += signer.sign_in_batches(readings, batch)
                    thumbprint = identity.key.public.thumbprint
                    state = (signer.device, thumbprint, signer.boot, signer.next_sequence, signer.previous)
                    self._db.execute("INSERT OR REPLACE INTO device VALUES (?, ?, ?, ?, ?)", state)
                self._db.executemany("INSERT INTO signed (wire) VALUES (?)", [(one.wire,) for one in envelopes])
                self._db.execute("INSERT OR REPLACE INTO place VALUES (?, ?)", (source, next_place))
            self._hand_over(envelopes, outbox)
        return len(envelopes)

    def _signer(self, identity: DeviceIdentity, first_boot: int) -> DeviceSigner:
        """Return a signer that goes on where the device stopped."""
        known = self._db.execute(
            "SELECT boot, next_sequence, previous FROM device WHERE name = ? AND thumbprint = ?",
            (identity.device, identity.key.public.thumbprint),
        ).fetchone()
        boot, sequence, previous = known or (first_boot, 0, NO_PREVIOUS)
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
            sqlite3.Error: the outbox does not take them; they stay here.

        """
        with self._lock:
            wires = self._db.execute("SELECT wire FROM signed ORDER BY id").fetchall()
            if wires:
                self._hand_over([decode(wire, network=self._network) for (wire,) in wires], outbox)
            return len(wires)

    def _hand_over(self, envelopes: Sequence[Envelope], outbox: Outbox) -> None:
        outbox.add(envelopes)
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM signed")

    def close(self) -> None:
        """Close the file. Does nothing the second time."""
        with self._lock:
            self._db.close()
