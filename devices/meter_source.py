"""Where a gateway's readings come from: the port, and one source, a table that grows.

A source says after each read up to where it has read, in words of its own; whoever signs keeps them with the signature.
Sources that ask a meter are `devices.polled_meters`, whatever the meter speaks: SunSpec, Shelly, Tasmota, OpenDTU and
Sparkplug B take their place there, each as a function that returns registers.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from devices.readings import Readings
from devices.recordings.recording import Recording, RecordingError
from devices.recordings.table import read_csv

CHUNK_BYTES = 1 << 20
"""A file is read in pieces of this size; no line is longer."""
_REMEMBERED_BYTES = 4096


class SourceError(Exception):
    """A source cannot be read now, or says something that is no reading. Nothing is skipped: it is read again."""


@dataclass(frozen=True)
class Taken:
    """New readings of a source."""

    readings: dict[str, Readings]
    """By meter, in the order in which the source gave them."""
    place: str
    """Where the source goes on after these."""


class MeterSource(Protocol):
    """Where readings come from."""

    @property
    def name(self) -> str:
        """What it is, the same after a restart."""

    @property
    def pause_s(self) -> float:
        """When to look again if there was nothing [s]."""

    @property
    def waiting(self) -> int:
        """Readings that it has and that cannot be dated yet, because the time is not known."""

    def take(self, place: str | None) -> Taken | None:
        """Return the readings after a place, None if there are none yet; a new source begins with None.

        Raises:
            SourceError: it cannot be read, or what comes next is no reading.

        """


@dataclass(frozen=True)
class _Place:
    offset: int
    """Bytes read."""
    line: int
    """Lines read, the header included."""
    before: str
    """SHA-256 of the last bytes read: whether it is still the same file."""


class TailedTable:
    """A CSV table of readings (see `devices.recordings.rows`) to which rows are added at the end.

    A file that no longer has at its place what was read there before is a new one, and is read from its start: rows
    that were sent before are sent again, and count once. A row that is none stops the reading there until it is mended.
    A line without its end is not there yet. The rows carry their time, so they wait for no clock.

    Args:
        path: the table.
        pause_s: when to look again if there was nothing [s].

    """

    def __init__(self, path: Path, pause_s: float = 5.0) -> None:
        self._path = path
        self.pause_s = pause_s
        self.waiting = 0

    @property
    def name(self) -> str:
        """The absolute path."""
        return f"file:{self._path.absolute()}"

    def take(self, place: str | None) -> Taken | None:
        """Return the next rows, at most about a mebibyte of them. Raises SourceError."""
        try:
            with self._path.open("rb") as file:
                header = file.readline(CHUNK_BYTES)
                if not _whole(self._path, 1, header):
                    return None
                start = _Place(len(header), 1, _digest(header))
                if place is not None:
                    known = _Place(**json.loads(place))
                    file.seek(max(known.offset - _REMEMBERED_BYTES, 0))
                    before = file.read(min(known.offset, _REMEMBERED_BYTES))
                    start = known if _digest(before) == known.before else start
                file.seek(start.offset)
                rows = _whole(self._path, start.line + 1, file.read(CHUNK_BYTES))
                if not rows:
                    return None
                taken = self._parse(header, rows, start.line)
                file.seek(max(start.offset + len(taken[1]) - _REMEMBERED_BYTES, 0))
                end = start.offset + len(taken[1])
                before = file.read(min(end, _REMEMBERED_BYTES))
        except OSError as error:
            raise SourceError(f"{self._path}: cannot be read: {error.strerror or error}") from error
        reached = _Place(end, start.line + taken[1].count(b"\n"), _digest(before))
        return Taken(taken[0], json.dumps(reached.__dict__))

    def _parse(self, header: bytes, rows: bytes, line: int) -> tuple[dict[str, Readings], bytes]:
        """Return the readings of the rows before the first that is none, and those rows. `line` lines precede them."""
        if not rows.strip():
            return {}, rows
        try:
            found = self._table(header + rows)
        except RecordingError as error:
            good = b"".join(rows.splitlines(keepends=True)[: (error.line or 2) - 2])
            if not good:
                where = line + 1 if error.line is None or error.line > 1 else 1
                raise SourceError(f"{self._path}, line {where}: {error.what}") from error
            return self._parse(header, good, line)
        return {meter: recorded.readings for meter, recorded in found.meters.items()}, rows

    def _table(self, content: bytes) -> Recording:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise RecordingError(self._path, line, "not text in UTF-8") from error
        return read_csv(self._path, text)


def _whole(path: Path, line: int, content: bytes) -> bytes:
    """Cut content after its last whole line; `line` is the number of its first. Raises SourceError."""
    if len(content) >= CHUNK_BYTES and b"\n" not in content:
        raise SourceError(f"{path}, line {line}: is longer than {CHUNK_BYTES} bytes")
    return content[: content.rfind(b"\n") + 1]


def _digest(before: bytes) -> str:
    return hashlib.sha256(before[-_REMEMBERED_BYTES:]).hexdigest()
