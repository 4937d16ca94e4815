"""Tables that a mapping describes: registers, energy by interval or mean power by interval, at local times."""

import csv
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import StringIO
from pathlib import Path

from devices.recordings.counted import CountedRegister, to_series
from devices.recordings.exact import energy_units, power_of_ten, scaled, whole_down
from devices.recordings.local_time import LocalClock, Zones, zone_of
from devices.recordings.mapping import ColumnEntry, MappedMeter, TableMapping
from devices.recordings.recording import RecordedMeter, Recording, RecordingError, Series

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MAX_TIME_MS = 1 << 53


def read_mapped(path: Path, text: str, mapping: TableMapping, zones: Zones | None, form: str = "mapped") -> Recording:
    """Read a table from `text`, the content of `path`.

    Args:
        path: where the text is from, for messages.
        text: the whole file.
        mapping: what its columns mean.
        zones: zone of local times where the mapping names none; UTC by default.
        form: what the recording calls its format.

    Raises:
        RecordingError: with the line at fault.

    """
    reader = csv.reader(StringIO(text, newline=""), delimiter=mapping.separator, strict=True)
    try:
        for _ in range(mapping.skip_lines):
            next(reader, None)
        header = [name.strip() for name in next(reader, [])]
        line = reader.line_num
        time_at = [_place(path, line, header, column) for column in mapping.time.columns]
        which_at = None if mapping.meter_column is None else _place(path, line, header, mapping.meter_column)
        meters = [_MeterRows(path, line, header, meter, mapping, zones) for meter in mapping.meter]
        by_name = {meter.cell_name: [meter] for meter in meters}
        for cells in reader:
            if not cells:
                continue
            try:
                if len(cells) != len(header):
                    raise ValueError(f"{len(cells)} cells, the header has {len(header)}")  # noqa: TRY301 - one handler gives the line
                time = _parse_time(" ".join([cells[at].strip() for at in time_at]), mapping.time.format)
                concerned = meters if which_at is None else by_name.get(cells[which_at].strip())
                if concerned is None:
                    raise ValueError(f"meter {cells[which_at or 0][:40]!r} is not in the mapping")  # noqa: TRY301 - the same
                for meter in concerned:
                    meter.add(time, cells)
            except ValueError as error:
                raise RecordingError(path, reader.line_num, str(error)) from error
    except csv.Error as error:
        raise RecordingError(path, reader.line_num, f"not CSV: {error}") from error
    if empty := [meter.meter.id for meter in meters if meter.last_ms is None]:
        raise RecordingError(path, None, f"holds no readings of meter {empty[0]}")
    return Recording(path, form, {meter.meter.id: meter.recorded() for meter in meters}, [m.note() for m in meters])


def _place(path: Path, line: int, header: Sequence[str], column: str) -> int:
    if header.count(column) != 1:
        how = "occurs more than once" if column in header else "is missing"
        raise RecordingError(path, line, f"columns: {column!r} {how}")
    return header.index(column)


@lru_cache(maxsize=8192)  # rows of several meters share their times
def _parse_time(text: str, form: str) -> datetime:
    try:
        if form == "unix":
            return _EPOCH + timedelta(milliseconds=whole_down(scaled(text, 3)))
        return datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007 - local times are placed by the meter's clock
    except (ValueError, OverflowError) as error:
        raise ValueError(f"time {text[:40]!r} is not written as {form}") from error


class _MeterRows:
    """One meter's rows while they are being read."""

    def __init__(  # noqa: PLR0913, PLR0917  what a meter's rows need to be read and to be refused with a place
        self,
        path: Path,
        line: int,
        header: Sequence[str],
        meter: MappedMeter,
        mapping: TableMapping,
        zones: Zones | None,
    ) -> None:
        self.meter = meter
        self.cell_name = meter.named or meter.id
        self.last_ms: int | None = None
        self._mapping = mapping
        zone = mapping.time.zone if mapping.time.zone is not None else zone_of(zones, meter.id, self.cell_name)
        self._clock = LocalClock("UTC" if zone is None else zone)
        self._local = False
        base = "W" if meter.kind == "power" else "Wh"
        columns = ((meter.export, base), (meter.imported, base), (meter.power, "W"))
        self._export, self._import, self._power = (
            None if column is None else self._reader_of(_place(path, line, header, column.column), column, unit)
            for column, unit in columns
        )
        self._series = Series()
        self._exported, self._imported = CountedRegister(), CountedRegister()

    def _reader_of(self, at: int, column: ColumnEntry, base: str) -> Callable[[Sequence[str]], int | None]:
        """Return what reads a column's cell [10^-18 Wh or W], None where it is absent."""
        power = power_of_ten(column.unit, base) or 0
        absent, comma = frozenset(self._mapping.absent), self._mapping.decimal == ","

        def read(cells: Sequence[str]) -> int | None:
            text = cells[at].strip()
            if text in absent:
                return None
            if comma and "." in text:
                raise ValueError(f"{column.column}: {text[:40]!r} has a point where decimals are told by a comma")
            try:
                return scaled(text.replace(",", ".") if comma else text, power)
            except ValueError as error:
                raise ValueError(f"{column.column}: {error}") from error

        return read

    def add(self, time: datetime, cells: Sequence[str]) -> None:
        """Take one row. Raises ValueError."""
        if time.tzinfo is None:
            self._local = True
            time_ms = self._clock.instant_ms(time, self.last_ms)
        else:
            time_ms = (time - _EPOCH) // _MILLISECOND
        if not 0 <= time_ms < _MAX_TIME_MS:
            raise ValueError(f"time {time} is before 1970 or too far away")
        exported = self._export(cells) if self._export else None
        imported = self._import(cells) if self._import else None
        if self.meter.kind == "register":
            power = self._power(cells) if self._power else None
            self._append(time_ms, exported, imported, power)
        else:
            self._count(time_ms, exported, imported)
        self.last_ms = time_ms

    def _append(self, time_ms: int, exported: int | None, imported: int | None, power: int | None) -> None:
        self._series.time_ms.append(time_ms)
        self._series.export_wh.append(_register_wh(exported, "export"))
        self._series.import_wh.append(_register_wh(imported, "import"))
        watts = None if power is None else whole_down(power)
        if watts is not None and not -(2**31) <= watts < 2**31:
            raise ValueError(f"power of {watts} W does not fit 32 bits")
        self._series.power_w.append(watts)

    def _count(self, time_ms: int, exported: int | None, imported: int | None) -> None:
        """Count an interval. Power that is negative in the export column is drawn, unless a column says what is drawn."""
        length_ms = self._mapping.time.interval_ms
        start_ms = time_ms if self._mapping.time.label == "start" else time_ms - length_ms
        if start_ms < 0:
            raise ValueError("the interval begins before 1970")
        if self.meter.kind == "power":
            if self._import is None and exported is not None:
                imported = max(-exported, 0)
            exported = None if exported is None else max(exported, 0) * length_ms
            imported = None if imported is None else imported * length_ms
        else:
            exported = None if exported is None else energy_units(exported)
            imported = None if imported is None else energy_units(imported)
        if self._export is not None:
            self._exported.add(start_ms, start_ms + length_ms, exported)
        if self._import is not None or self.meter.kind == "power":
            self._imported.add(start_ms, start_ms + length_ms, imported)

    def recorded(self) -> RecordedMeter:
        """Return the rows as a recorded meter."""
        kind = self.meter.kind
        series = self._series if kind == "register" else to_series(self._exported, self._imported)
        return RecordedMeter(series.to_readings(), self.cell_name, None, kind)

    def note(self) -> str:
        """Say what was assumed."""
        time = self._mapping.time
        what = {
            "register": "registers",
            "interval": f"energy every {time.interval}",
            "power": f"mean power over {time.interval}",
        }
        zone = f", local time taken as {self._clock.name}" if self._local else ""
        return f"{self.meter.id}: {what[self.meter.kind]}{zone}"


def _register_wh(energy: int | None, column: str) -> int | None:
    if energy is None:
        return None
    if energy < 0:
        raise ValueError(f"{column}: the register is negative")
    if (register_wh := whole_down(energy)) >> 63:
        raise ValueError(f"{column}: the register is not below 2^63 Wh")
    return register_wh
