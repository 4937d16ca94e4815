"""Signed envelopes out of journals and archives together with what is known of their meters."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from devices.telemetry import Envelope, TelemetryError, decode, verify_signature
from oracle.config import MeterEntry, load_meters
from oracle.errors import ConfigError, JournalError
from oracle.journal.archive import Archive, is_archive
from oracle.journal.archives import Archives
from oracle.journal.inspection import open_to_read
from oracle.journal.wires import Wires
from oracle.metering.collation import Observations, collate

_SQLITE = b"SQLite format 3\0"
OnRow = Callable[[str, int, int], None]
"""Told what is being done, how many are done and of how many."""


@dataclass(frozen=True, eq=False)
class SignedMeter:
    """A meter that a device signed for, and its limits."""

    entry: MeterEntry
    observations: Observations
    """Of the export register."""
    imported: Observations
    """Of the import register."""


def holds_envelopes(path: Path) -> bool:
    """Whether a file is a journal or an archive, by its content. Raises ConfigError if it cannot be read."""
    if path.exists() and not path.is_file():
        return False  # a pipe can be read once only
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE or is_archive(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def load_signed_meters(
    files: Sequence[Path], meters_path: Path | None, on_row: OnRow = lambda *_: None
) -> tuple[dict[str, SignedMeter], list[str]]:
    """Read journals and archives and find each meter's limits. The same for the same envelopes, wherever they are.

    Every signature is verified under the key that its envelope names; whether that key may sign is the registry's to
    say. A meter is found in the meters file as `device/meter` or by its own name. Where several devices sign for meters
    of one name, each is accounted for as `device/meter`.

    Returns:
        Meters by name, and notes for the reader.

    Raises:
        ConfigError: a file is refused, an archive of a journal is not given, or a meter's limits are not known.

    """
    if meters_path is None:
        raise ConfigError(
            f"{files[0]}: the nameplates of its meters are not known; name them in a file given by --meters"
        )
    entries = {entry.id: entry for entry in load_meters(meters_path)}
    by_meter: dict[tuple[str, str], dict[bytes, Envelope]] = {}
    try:
        for envelope in signed_envelopes(files, on_row):
            by_meter.setdefault((envelope.device, envelope.meter), {})[envelope.digest] = envelope
    except (JournalError, sqlite3.Error) as error:
        raise ConfigError(str(error)) from error
    found: dict[str, SignedMeter] = {}
    named = [meter for _, meter in by_meter]
    for (device, meter), envelopes in sorted(by_meter.items()):
        full = f"{device}/{meter}"
        entry = entries.get(full) or entries.get(meter)
        if entry is None:
            raise ConfigError(f"meter {full} is not in {meters_path}, which names {', '.join(entries)}")
        name = full if named.count(meter) > 1 else meter
        in_order = [envelopes[digest] for digest in sorted(envelopes)]
        found[name] = SignedMeter(entry.model_copy(update={"id": name}), collate(in_order), collate(in_order, "import"))
    count = sum(map(len, by_meter.values()))
    note = f"{count} envelopes of {len(by_meter)} meters: each signature holds, under the key that the envelope names"
    return found, [note]


def signed_envelopes(files: Sequence[Path], on_row: OnRow) -> Iterator[Envelope]:
    """Yield every envelope of journals and archives, some perhaps twice. Raises JournalError."""
    archives = [path for path in files if is_archive(path)]
    journals = [path for path in files if path not in archives]
    with_networks = [(path, *open_to_read(path)) for path in journals]
    networks = {network for _, _, network in with_networks}
    try:
        for path in archives:
            with closing(Archive(path)) as archive:
                networks.add(archive.network)
                for done, (row, _) in enumerate(archive.rows(), 1):
                    on_row(f"reading {path.name}", done, len(archive))
                    yield _verified(path, row.seq, row.wire, archive.network)
        for path, connection, network in with_networks:
            with closing(Archives(archives, network)) as beside:
                Wires(
                    lambda query, *parts, at=connection: at.execute(query, parts).fetchall(), beside
                ).require_archives()
            (total,) = connection.execute("SELECT count(*) FROM envelope").fetchone()
            rows = connection.execute("SELECT seq, wire FROM envelope ORDER BY seq")
            for done, (seq, wire) in enumerate(rows, 1):
                on_row(f"reading {path.name}", done, total)
                yield _verified(path, seq, wire, network)
    finally:
        for _, connection, _ in with_networks:
            connection.close()
    if len(networks) > 1:
        raise JournalError(f"the files are of different networks: {', '.join(sorted(networks))}")


def _verified(path: Path, seq: int, wire: object, network: str) -> Envelope:
    if not isinstance(wire, bytes):
        raise JournalError(f"{path}: row {seq}: its wire is not bytes")
    try:
        envelope = decode(wire, network=network)
        verify_signature(envelope)
    except TelemetryError as error:
        raise JournalError(f"{path}: row {seq}: {error.reason}: {error.detail}") from error
    return envelope
