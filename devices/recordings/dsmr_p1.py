r"""Telegrams of smart meters' P1 port: DSMR from version 4 on, and its relatives in Belgium, Luxembourg, Hungary, Ireland.

    /ISK5\2M550T-1012                      header
    (blank)
    0-0:1.0.0(200426223325S)               time, S summer or W winter
    0-0:96.1.1(4530...)                    the meter's name, hexadecimal
    1-0:1.8.1(002130.115*kWh)              drawn from the grid in tariff 1: import (or 1-0:1.8.0, all tariffs)
    1-0:2.8.1(000000.000*kWh)              fed into the grid in tariff 1: export (or 1-0:2.8.0)
    1-0:2.7.0(00.000*kW)                   power fed in (1-0:1.7.0 drawn)
    !56DD                                  CRC-16 from / to !, of lines that end in CR LF

A file holds one telegram or many. One without checksum or without time (before version 4) is refused: what cannot be
checked or dated is no evidence. The rules are those of the P1 Companion Standard 5.0.2 (Netbeheer Nederland).
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from devices.identifier import MAX_LENGTH, is_identifier
from devices.recordings.exact import power_of_ten, scaled, whole_down
from devices.recordings.local_time import LocalClock, Zones, zone_of
from devices.recordings.recording import RecordedMeter, Recording, RecordingError, Series

DEFAULT_ZONE = "Europe/Amsterdam"
_LINE = re.compile(r"(\d+-\d+:\d+\.\d+\.\d+)(?:\*\d+)?((?:\([^()]*\))+)", re.ASCII)
_CONTINUED = re.compile(r"(?:\([^()]*\))+", re.ASCII)
_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([SW])", re.ASCII)
_CHECKSUM = re.compile(r"[0-9A-Fa-f]{1,4}", re.ASCII)
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})+", re.ASCII)
_MEASURED = re.compile(r"([^()*]+)\*([^()*]+)")
_NAMES = ("0-0:96.1.1", "0-0:96.1.0", "1-0:0.0.0")
_HOUR_MINUTES = 60


@dataclass
class _Telegram:
    lines: list[str]
    first_line: int
    objects: dict[str, tuple[int, str]] = field(default_factory=dict)
    """OBIS code -> (line, content of its first parentheses)."""


def is_dsmr_p1(text: str) -> bool:
    """Tell whether a file begins as a telegram does: a slash, five characters of make and speed, a name, a blank line."""
    first, _, rest = text.lstrip("\r\n").partition("\n")
    return first.startswith("/") and len(first) > 5 and rest.partition("\n")[0].strip("\r") == ""


def read_dsmr_p1(path: Path, text: str, zones: Zones | None) -> Recording:
    """Read telegrams from `text`, the content of `path`.

    Args:
        path: where the text is from, for messages.
        text: the whole file.
        zones: zone of the meters' clocks, Central European by default.

    Raises:
        RecordingError: with the line at fault.

    """
    names: dict[str, str] = {}
    series: dict[str, Series] = {}
    clocks: dict[str, LocalClock] = {}
    for telegram, end in _telegrams(path, text):
        try:
            source = _source_name(telegram)
            meter_id = _meter_id(source)
            if names.setdefault(meter_id, source) != source:
                raise ValueError(f"meters {source!r} and {names[meter_id]!r} would both be called {meter_id}")  # noqa: TRY301 - one handler gives the line
            if meter_id not in clocks:
                clocks[meter_id] = LocalClock(_zone(zones, meter_id, source))
            _add(series.setdefault(meter_id, Series()), telegram, clocks[meter_id])
        except _LineError as error:
            raise RecordingError(path, error.line, str(error)) from error
        except ValueError as error:
            raise RecordingError(path, end, str(error)) from error
    meters = {name: RecordedMeter(columns.to_readings(), names[name], None) for name, columns in series.items()}
    notes = [
        f"{name}: {len(meter.readings)} telegrams, the clock taken as {clocks[name].name}, at a connection point (role plant)"
        for name, meter in meters.items()
    ]
    return Recording(path, "dsmr-p1", meters, notes)


class _LineError(ValueError):
    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def _zone(zones: Zones | None, *names: str) -> str | int:
    zone = zone_of(zones, *names)
    return DEFAULT_ZONE if zone is None else zone


def _telegrams(path: Path, text: str) -> list[tuple[_Telegram, int]]:
    """Cut a file into telegrams whose checksum holds, each with the line of its end."""
    found: list[tuple[_Telegram, int]] = []
    telegram: _Telegram | None = None
    number = 0
    for number, ended in enumerate(text.split("\n"), 1):
        line = ended.removesuffix("\r")
        if telegram is None:
            if line.startswith("/"):
                telegram = _Telegram([line], number)
            elif line:
                raise RecordingError(path, number, f"{line[:20]!r} stands outside a telegram")
        elif line.startswith("!"):
            try:
                _check(telegram, line)
            except _LineError as error:
                raise RecordingError(path, error.line, str(error)) from error
            except ValueError as error:
                raise RecordingError(path, number, str(error)) from error
            found.append((telegram, number))
            telegram = None
        else:
            telegram.lines.append(line)
    if telegram is not None:
        raise RecordingError(path, number, f"the telegram of line {telegram.first_line} has no end")
    return found


def _check(telegram: _Telegram, end: str) -> None:
    """Hold a telegram against its checksum, and read its objects. Raises ValueError."""
    stated = end[1:].strip()
    if not stated:
        raise ValueError("the telegram has no checksum (before version 4): it cannot be checked")
    computed = crc16(("\r\n".join(telegram.lines) + "\r\n!").encode())
    if not _CHECKSUM.fullmatch(stated) or int(stated, 16) != computed:
        raise ValueError(f"checksum {stated[:10]!r}, the telegram gives {computed:04X}")
    for number, line in enumerate(telegram.lines[1:], telegram.first_line + 1):
        if not line or _CONTINUED.fullmatch(line):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise _LineError(number, f"{line[:30]!r} is no object with values in parentheses")
        code, content = parts.groups()
        first = content[1 : content.index(")")]
        if telegram.objects.setdefault(code, (number, first))[1] != first:
            raise _LineError(number, f"object {code} is there a second time and says something else")


def _crc_of_byte(crc: int) -> int:
    for _ in range(8):
        crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


_CRC_OF_BYTE = [_crc_of_byte(byte) for byte in range(256)]


def crc16(content: bytes) -> int:
    """CRC-16 as P1 takes it: polynomial x^16 + x^15 + x^2 + 1, reflected, from 0."""
    crc = 0
    for byte in content:
        crc = (crc >> 8) ^ _CRC_OF_BYTE[(crc ^ byte) & 0xFF]
    return crc


def _source_name(telegram: _Telegram) -> str:
    """Name of the meter: of the first object that names it, else of the header."""
    for code in _NAMES:
        content = telegram.objects.get(code, (0, ""))[1]
        if content.strip("0"):
            return _plain(content)
    return telegram.lines[0][1:].strip()


def _plain(content: str) -> str:
    if _HEXADECIMAL.fullmatch(content):
        decoded = bytes.fromhex(content)
        if all(0x21 <= byte < 0x7F for byte in decoded) and is_identifier(decoded.decode("ascii")[:MAX_LENGTH]):
            return decoded.decode("ascii")
    return content


def _meter_id(source_name: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]", "-", source_name).lstrip("._-")[:MAX_LENGTH]
    if not is_identifier(name):
        raise ValueError(f"the meter's name {source_name[:40]!r} gives no meter id")
    return name


def _add(series: Series, telegram: _Telegram, clock: LocalClock) -> None:
    exported, imported = _register_wh(telegram, "2"), _register_wh(telegram, "1")
    if exported is None and imported is None:
        raise ValueError("no register of electricity (1-0:1.8 or 1-0:2.8): the telegram is of another kind of meter")
    given, drawn = _power_w(telegram, "2"), _power_w(telegram, "1")
    series.time_ms.append(_instant_ms(telegram, clock))
    series.export_wh.append(exported)
    series.import_wh.append(imported)
    series.power_w.append(None if given is None and drawn is None else (given or 0) - (drawn or 0))


def _instant_ms(telegram: _Telegram, clock: LocalClock) -> int:
    if "0-0:1.0.0" not in telegram.objects:
        raise ValueError("the telegram has no time (0-0:1.0.0)")
    line, content = telegram.objects["0-0:1.0.0"]
    parts = _TIME.fullmatch(content)
    if parts is None:
        raise _LineError(line, f"time {content[:20]!r} is not YYMMDDhhmmss and S or W")
    year, month, day, hour, minute, second = map(int, parts.groups()[:6])
    try:
        local = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise _LineError(line, f"time {content} is no instant: {error}") from error
    offset_minutes = clock.standard_offset_minutes + (_HOUR_MINUTES if parts[7] == "S" else 0)
    return (int(local.timestamp()) - offset_minutes * 60) * 1000


def _register_wh(telegram: _Telegram, direction: str) -> int | None:
    """Sum of all tariffs of a direction [Wh], rounded down, or None if the telegram has no such register."""
    if (total := f"1-0:{direction}.8.0") in telegram.objects:
        codes = [total]
    else:
        codes = [code for code in telegram.objects if re.fullmatch(rf"1-0:{direction}\.8\.[1-9]\d*", code)]
    return whole_down(sum(_measured(telegram, code, "Wh") for code in codes)) if codes else None


def _power_w(telegram: _Telegram, direction: str) -> int | None:
    code = f"1-0:{direction}.7.0"
    return whole_down(_measured(telegram, code, "W")) if code in telegram.objects else None


def _measured(telegram: _Telegram, code: str, base: str) -> int:
    """Read an object's number [10^-18 Wh or W]. Raises ValueError."""
    line, content = telegram.objects[code]
    parts = _MEASURED.fullmatch(content)
    power = power_of_ten(parts[2], base) if parts else None
    if parts is None or power is None:
        raise _LineError(line, f"{code} is {content[:30]!r}, expected a number, * and a unit of {base}")
    try:
        number = scaled(parts[1], power)
    except ValueError as error:
        raise _LineError(line, f"{code}: {error}") from error
    if not 0 <= whole_down(number) < (1 << 63 if base == "Wh" else 1 << 31):
        raise _LineError(line, f"{code} of {content[:30]!r} is negative or larger than any meter shows")
    return number
