"""NEM12: Australian interval meter data with quality flags (AEMO, Meter Data File Format Specification NEM12 & NEM13).

    100,NEM12,created,from,to
    200,NMI,configuration,register,suffix,stream,serial,unit,minutes,next read
    300,date,value 1 ... value n,quality,reason,description,updated,loaded      n = 1440 / minutes
    400,first,last,quality,reason,description                                   parts of a day of quality V
    500,...                                                                     not read
    900

Read are streams B (into the grid: export) and E (out of the grid: import); B1 and E1 are one meter, numbered by the
digit. Days and intervals are market time, UTC+10 all year. Quality A is measured. E, F and S are estimates: of export they
count nothing, so that no estimate mints; of import they count in full, so that none saves. N is absent.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from devices.identifier import is_identifier
from devices.recordings.counted import CountedRegister, to_series
from devices.recordings.exact import energy_units, power_of_ten, scaled
from devices.recordings.recording import RecordedMeter, Recording, RecordingError

_MARKET_OFFSET_MS = 10 * 3_600_000
_MINUTES_A_DAY = 1440
_MS_PER_MINUTE = 60_000
_LENGTHS_MIN = (5, 10, 15, 30)
_QUALITY = re.compile(r"A|N|V|[EFS]\d\d", re.ASCII)
_DATE = re.compile(r"\d{8}", re.ASCII)
_SUFFIX = re.compile(r"[A-Z][A-Z0-9]", re.ASCII)
_EXPORT, _IMPORT = "B", "E"


@dataclass(frozen=True)
class _Stream:
    nmi: str
    suffix: str
    minutes: int
    power: int | None
    """The unit as a power of ten of Wh; None if it is no energy that is read."""

    @property
    def key(self) -> tuple[str, str, str]:
        """(NMI, number of the meter, direction)."""
        return self.nmi, self.suffix[1], self.suffix[0]


@dataclass
class _Day:
    stream: _Stream
    line: int
    start_ms: int
    cells: list[str]
    quality: list[str]
    """One an interval; those of a day of quality V are filled in by its 400 records."""

    @property
    def is_complete(self) -> bool:
        return len(self.quality) == len(self.cells)


@dataclass
class _Reader:
    """What has been read so far. Methods raise ValueError for a record that breaks a rule."""

    stream: _Stream | None = None
    days: list[_Day] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)
    _seen: set[tuple[tuple[str, str, str], int]] = field(default_factory=set)

    def take(self, line: int, cells: list[str]) -> None:
        """Read one record between the first and the last."""
        kind = cells[0]
        if self.days and not self.days[-1].is_complete and kind != "400":
            raise ValueError("the day before is of quality V and its 400 records do not cover it")
        if kind == "200":
            self.stream = _stream(cells)
            if self.stream.power is None:
                self.skipped.add(self.stream.suffix)
        elif kind == "300":
            self._day(line, cells)
        elif kind == "400":
            self._part(cells)
        elif kind != "500":
            raise ValueError(f"record {kind[:10]!r} is none of 200, 300, 400, 500 and 900")

    def _day(self, line: int, cells: list[str]) -> None:
        if self.stream is None:
            raise ValueError("a 300 record before any 200 record")
        count = _MINUTES_A_DAY // self.stream.minutes
        if not 3 + count <= len(cells) <= 7 + count:
            raise ValueError(f"{len(cells)} cells: a day of {count} intervals has {3 + count} to {7 + count}")
        start_ms = _day_start_ms(cells[1])
        quality = cells[2 + count]
        if not _QUALITY.fullmatch(quality):
            raise ValueError(f"quality {quality[:10]!r} is none of A, N, V and E, F, S with two digits")
        if (self.stream.key, start_ms) in self._seen:
            raise ValueError(f"day {cells[1]} of {self.stream.nmi} {self.stream.suffix} is there a second time")
        self._seen.add((self.stream.key, start_ms))
        flags = [] if quality == "V" else [quality] * count
        self.days.append(_Day(self.stream, line, start_ms, cells[2 : 2 + count], flags))
        if flags:
            _check_values(self.days[-1])

    def _part(self, cells: list[str]) -> None:
        if not self.days or self.days[-1].is_complete:
            raise ValueError("a 400 record without a day of quality V")
        day = self.days[-1]
        if len(cells) < 4 or not all(re.fullmatch(r"\d{1,3}", cell, re.ASCII) for cell in cells[1:3]):
            raise ValueError("a 400 record needs first interval, last interval and quality")
        first, last, quality = int(cells[1]), int(cells[2]), cells[3]
        if first != len(day.quality) + 1 or not first <= last <= len(day.cells):
            raise ValueError(f"intervals {first} to {last} do not continue after {len(day.quality)}")
        if quality == "V" or not _QUALITY.fullmatch(quality):
            raise ValueError(f"quality {quality[:10]!r} is none of A, N and E, F, S with two digits")
        day.quality += [quality] * (last - first + 1)
        if day.is_complete:
            _check_values(day)


def is_nem12(text: str) -> bool:
    """Tell whether a file begins as NEM12 does, or as NEM13 or NEM12 without its first record, which are refused by name."""
    return text.startswith(("100,NEM12", "100,NEM13", "200,"))


def read_nem12(path: Path, text: str) -> Recording:
    """Read a NEM12 file from `text`, the content of `path`.

    Raises:
        RecordingError: with the line at fault.

    """
    if text.startswith("200,"):
        raise RecordingError(path, 1, "NEM12 without its 100 record: the file was cut, or is a report for reading")
    if text.startswith("100,NEM13"):
        raise RecordingError(path, 1, "NEM13 holds reads of months or years and no intervals: only NEM12 is read")
    reader, records, line = _Reader(), _records(path, text), 1
    next(records)
    ended = False
    for line, cells in records:
        if ended:
            raise RecordingError(path, line, "something follows the 900 record, which ends the file")
        ended = cells[0] == "900"
        try:
            if not ended:
                reader.take(line, cells)
            elif reader.days and not reader.days[-1].is_complete:
                raise ValueError("the day before is of quality V and its 400 records do not cover it")  # noqa: TRY301 - one handler gives the line
        except ValueError as error:
            raise RecordingError(path, line, str(error)) from error
    if not ended:
        raise RecordingError(path, line, "the file ends without its 900 record: it was cut off")
    return _recording(path, reader)


def _records(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise RecordingError(path, reader.line_num, f"not CSV: {error}") from error


def _stream(cells: list[str]) -> _Stream:
    if len(cells) < 9:
        raise ValueError("a 200 record needs nine cells")
    nmi, suffix, unit, minutes = cells[1], cells[4], cells[7], cells[8]
    if len(nmi) != 10 or not is_identifier(nmi):
        raise ValueError(f"NMI {nmi[:40]!r} is not ten letters and digits")
    if not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"suffix {suffix[:10]!r} is not a letter and a letter or digit, such as B1")
    if minutes not in map(str, _LENGTHS_MIN):
        raise ValueError(f"intervals of {minutes[:10]!r} minutes: expected one of {', '.join(map(str, _LENGTHS_MIN))}")
    power = power_of_ten(unit, "Wh") if suffix[0] in (_EXPORT, _IMPORT) else None
    if power is None and suffix[0] in (_EXPORT, _IMPORT):
        raise ValueError(f"stream {suffix} is in {unit[:10]!r}, which is no unit of active energy")
    return _Stream(nmi, suffix, int(minutes), power)


def _day_start_ms(date: str) -> int:
    try:
        if not _DATE.fullmatch(date):
            raise ValueError(date)  # noqa: TRY301 - the same fault as a day that does not exist
        midnight = datetime(int(date[:4]), int(date[4:6]), int(date[6:]), tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"date {date[:20]!r} is not a day written YYYYMMDD") from error
    start_ms = int(midnight.timestamp()) * 1000 - _MARKET_OFFSET_MS
    if start_ms < 0:
        raise ValueError(f"date {date} is before 1970")
    return start_ms


def _check_values(day: _Day) -> None:
    """Refuse a day with a value that is no energy; streams that are not read are held to the same grammar."""
    for place, (cell, quality) in enumerate(zip(day.cells, day.quality, strict=True), 1):
        if cell == "" and quality == "N":
            continue
        try:
            number = scaled(cell, 0)
        except ValueError as error:
            raise ValueError(f"interval {place}: {error}") from error
        if number < 0 and day.stream.power is not None:
            raise ValueError(f"interval {place}: energy {cell} is negative")


def _recording(path: Path, reader: _Reader) -> Recording:
    registers: dict[tuple[str, str, str], CountedRegister] = {}
    estimated: dict[tuple[str, str, str], int] = {}
    for day in sorted(reader.days, key=lambda day: day.start_ms):
        if day.stream.power is None:
            continue
        key = day.stream.key
        register = registers.setdefault(key, CountedRegister())
        for place, (cell, quality) in enumerate(zip(day.cells, day.quality, strict=True)):
            start_ms = day.start_ms + place * day.stream.minutes * _MS_PER_MINUTE
            counts = quality == "A" or (quality != "N" and key[2] == _IMPORT)
            energy = energy_units(scaled(cell, day.stream.power)) if counts else None
            estimated[key] = estimated.get(key, 0) + (quality != "A")
            try:
                register.add(start_ms, start_ms + day.stream.minutes * _MS_PER_MINUTE, energy)
            except ValueError as error:
                raise RecordingError(path, day.line, f"interval {place + 1}: {error}") from error
    if not registers:
        raise RecordingError(path, None, "no stream of energy: neither B (export) nor E (import)")
    return Recording(path, "nem12", _meters(registers), _notes(reader, estimated))


def _meters(registers: dict[tuple[str, str, str], CountedRegister]) -> dict[str, RecordedMeter]:
    """One meter an NMI, or one a number where an NMI has several."""
    numbers: dict[str, set[str]] = {}
    for nmi, number, _ in registers:
        numbers.setdefault(nmi, set()).add(number)
    meters = {}
    for nmi, number in dict.fromkeys((nmi, number) for nmi, number, _ in registers):
        name = nmi if len(numbers[nmi]) == 1 else f"{nmi}-{number}"
        directions = (registers.get((nmi, number, direction)) for direction in (_EXPORT, _IMPORT))
        meters[name] = RecordedMeter(to_series(*directions).to_readings(), nmi, None, "interval")
    return meters


def _notes(reader: _Reader, estimated: dict[tuple[str, str, str], int]) -> list[str]:
    lengths = sorted({day.stream.minutes for day in reader.days})
    notes = [
        f"energy every {' or '.join(map(str, lengths))} minutes, at market time (UTC+10), of connection points (role plant)"
    ]
    notes += [
        f"{nmi} {direction}{number}: {count} intervals estimated or absent: "
        + ("none of them counts" if direction == _EXPORT else "estimates of import count in full")
        for (nmi, number, direction), count in estimated.items()
        if count
    ]
    if reader.skipped:
        notes.append(
            f"streams not read, as they are no energy into or out of the grid: {', '.join(sorted(reader.skipped))}"
        )
    return notes
