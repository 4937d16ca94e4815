"""SMA CSV3 exports, as Sunny Portal and the inverter's own web page write them.

The first lines name the separator and the version; then one row each of device names, types, serial numbers, channels,
kinds and units; then a row an instant in local time. Read are the lifetime register `Metering.TotWhOut` [Wh] and the
mean power `GridMs.TotW` [W]; several inverters stand side by side. The register is missing while an inverter sleeps
or restarts: such a row is a reading without a register.
"""

import csv
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from io import StringIO
from pathlib import Path

from devices.identifier import MAX_LENGTH, is_identifier
from devices.recordings.local_time import LocalClock, Zones, zone_of
from devices.recordings.recording import RecordedMeter, Recording, RecordingError, Series
from devices.recordings.rows import register_wh

REGISTER, POWER = "Metering.TotWhOut", "GridMs.TotW"
_SEPARATORS = (",", ";", "\t")
_FIRST_CELL = "DD.MM.YYYY hh:mm:ss"
_LOCAL_TIME = re.compile(r"(\d\d)\.(\d\d)\.(\d{4}) (\d\d):(\d\d):(\d\d)", re.ASCII)
_MODEL_POWER = re.compile(r"[A-Z]+ ?(\d+(?:\.\d+)?)", re.ASCII)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times of a fixed offset are counted from a local epoch
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class _Inverter:
    meter_id: str
    source_name: str
    register: int
    """Column of the register."""
    power: int | None


def is_sma_csv3(text: str) -> bool:
    """Tell whether a file begins as an SMA CSV3 export does."""
    return text.startswith(("sep=", "Version CSV3"))


def read_sma(path: Path, text: str, zones: Zones | None) -> Recording:
    """Read an export from `text`, the content of `path`, taking its local times at a fixed offset.

    Args:
        path: where the text is from, for messages.
        text: the whole file.
        zones: zone of the local times, of which standard time counts all year; UTC where none is named.

    Raises:
        RecordingError: with the line at fault.

    """
    separator = text[4:5] if text.startswith("sep=") else ","
    if separator not in _SEPARATORS:
        raise RecordingError(path, 1, f"separator {separator!r} is none of comma, semicolon and tab")
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        head: list[list[str]] = []
        for cells in reader:
            head.append(cells)
            if cells and cells[0].strip() == _FIRST_CELL:
                break
        inverters = _inverters(path, head)
        series = {inverter.meter_id: Series() for inverter in inverters}
        for cells in reader:
            if not cells:
                continue
            try:
                _add(series, inverters, cells, len(head[-1]))
            except ValueError as error:
                raise RecordingError(path, reader.line_num, str(error)) from error
    except csv.Error as error:
        raise RecordingError(path, reader.line_num, f"not CSV: {error}") from error
    if not all(each.time_ms for each in series.values()):
        raise RecordingError(path, None, "holds no readings")
    return _recording(path, inverters, series, zones)


def _inverters(path: Path, head: list[list[str]]) -> list[_Inverter]:
    line = len(head)
    if len(head) < 7 or not head[-1] or head[-1][0].strip() != _FIRST_CELL:
        raise RecordingError(path, line, f"no header of six rows that ends in '{_FIRST_CELL}'")
    names, _types, serials, channels, _kinds, units = head[-6:]
    if not all(len(row) == len(units) for row in (names, serials, channels)):
        raise RecordingError(path, line, "the header's rows differ in length")
    power = {(names[i], serials[i]): i for i in range(1, len(units)) if channels[i].startswith(POWER)}
    found: dict[str, _Inverter] = {}
    for at in range(1, len(units)):
        if channels[at] != REGISTER:
            continue
        if units[at] != "[Wh]":
            raise RecordingError(path, line, f"{REGISTER} of {names[at]!r} is in {units[at]!r}, not in [Wh]")
        meter_id = default_meter_id(names[at])
        if meter_id is None or meter_id in found:
            raise RecordingError(path, line, f"device name {names[at]!r} gives no meter id of its own")
        found[meter_id] = _Inverter(meter_id, names[at], at, power.get((names[at], serials[at])))
    if not found:
        raise RecordingError(path, line, f"no column {REGISTER}")
    return list(found.values())


def _add(series: dict[str, Series], inverters: list[_Inverter], cells: list[str], width: int) -> None:
    if len(cells) != width:
        raise ValueError(f"{len(cells)} cells, the header has {width}")
    time_ms = _local_ms(cells[0])
    for inverter in inverters:
        columns = series[inverter.meter_id]
        columns.time_ms.append(time_ms)
        columns.import_wh.append(None)
        register = cells[inverter.register]
        columns.export_wh.append(None if register in ("NaN", "") else register_wh(register, REGISTER))
        columns.power_w.append(None if inverter.power is None else _power_w(cells[inverter.power]))


def _power_w(text: str) -> int | None:
    """Parse a mean power, which has decimals in some exports, to the nearest watt."""
    if text in ("NaN", ""):
        return None
    try:
        watts = round(float(text.replace(",", ".")))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{POWER} {text!r} is not a number") from error
    if not -(2**31) <= watts < 2**31:
        raise ValueError(f"{POWER} {text!r} does not fit 32 bits")
    return watts


@lru_cache(maxsize=8192)
def _local_ms(text: str) -> int:
    parts = _LOCAL_TIME.fullmatch(text)
    if parts is None:
        raise ValueError(f"time {text!r} is not {_FIRST_CELL}")
    day, month, year, hour, minute, second = map(int, parts.groups())
    try:
        return (datetime(year, month, day, hour, minute, second) - _EPOCH) // _MILLISECOND  # noqa: DTZ001 - see _EPOCH
    except ValueError as error:
        raise ValueError(f"time {text!r} is no instant: {error}") from error


def default_meter_id(source_name: str) -> str | None:
    """Return the device's name as an identifier: other characters become '-', 28 are kept; None if none is left."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", source_name.strip()).lstrip("._-")[:MAX_LENGTH]
    return name if is_identifier(name) else None


def nameplate_w(source_name: str) -> int | None:
    """Read the nameplate [W] out of an SMA model name: STP8.0-3AV-40 is 8 kW, STP 5000TL-20 is 5000 W."""
    parts = _MODEL_POWER.match(source_name)
    if parts is None:
        return None
    number = float(parts.group(1))
    return round(number if number >= 1000 else number * 1000) or None


def _recording(path: Path, inverters: list[_Inverter], series: dict[str, Series], zones: Zones | None) -> Recording:
    meters: dict[str, RecordedMeter] = {}
    notes: list[str] = []
    for each in inverters:
        offset = LocalClock(zone_of(zones, each.meter_id, each.source_name) or 0).standard_offset_minutes
        columns = series[each.meter_id]
        columns.time_ms = [time_ms - offset * 60_000 for time_ms in columns.time_ms]
        if min(columns.time_ms) < 0:
            raise RecordingError(path, None, "holds times before 1970")
        power = nameplate_w(each.source_name)
        meters[each.meter_id] = RecordedMeter(columns.to_readings(), each.source_name, power)
        absent = sum(wh is None for wh in columns.export_wh)
        notes.append(
            f"{each.meter_id}: {len(columns.time_ms)} readings, {absent} without a register, "
            f"local time taken as UTC{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
        )
    return Recording(path, "sma-csv3", meters, notes)
