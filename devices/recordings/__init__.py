"""Recorded readings from files, whose format their content tells.

| format | holds |
|---|---|
| Heliograph's CSV and Parquet tables | registers |
| SMA CSV3 | registers |
| DSMR P1 telegrams | registers |
| NEM12 | energy by interval, with quality flags |
| Enphase hourly | energy by interval |
| hourly register in kWh | registers |
| any CSV that a mapping file (.toml) describes | what the mapping says |

A file is read whole or refused whole, with the line at fault. Readings keep the file's order and its doubles: sorting
and judging them is metering's work.
"""

from pathlib import Path

from devices.recordings.dsmr_p1 import is_dsmr_p1, read_dsmr_p1
from devices.recordings.known_tables import known_table
from devices.recordings.local_time import Zones
from devices.recordings.mapped import read_mapped
from devices.recordings.mapping import load_mapping
from devices.recordings.nem12 import is_nem12, read_nem12
from devices.recordings.recording import Kind, RecordedMeter, Recording, RecordingError
from devices.recordings.sma import is_sma_csv3, read_sma
from devices.recordings.table import read_csv, read_parquet, write_csv

__all__ = ["Kind", "RecordedMeter", "Recording", "RecordingError", "Zones", "read", "write_csv"]

_PARQUET_MAGIC = b"PAR1"
_MAPPING = ".toml"


def read(path: Path | str, zones: Zones | None = None) -> Recording:
    """Read a recorded file, whose format its content tells; of a mapping file, the table that it describes.

    Args:
        path: the file.
        zones: zone of formats in local time, one for all meters or by meter id: IANA name, offset written +08:00, or
            local time minus UTC [min]. Without one each format takes its own: UTC, or for P1 Central European time.
            SMA inverters keep standard time all year. Formats that carry a zone do not use it.

    Raises:
        RecordingError: the file cannot be read, is empty, of no known format, or holds a row that breaks a rule.

    """
    path = Path(path)
    content = _content(path)
    if content.startswith(_PARQUET_MAGIC):
        return read_parquet(path)
    text = _text(path, content)
    try:
        if path.suffix == _MAPPING:
            mapping = load_mapping(path, text)
            table = path.parent / mapping.table
            return read_mapped(table, _text(table, _content(table), mapping.encoding), mapping, zones)
        return _read_text(path, text, zones)
    except RecordingError:
        raise
    except ValueError as error:  # a zone that is none
        raise RecordingError(path, None, str(error)) from error


def _read_text(path: Path, text: str, zones: Zones | None) -> Recording:
    if is_sma_csv3(text):
        return read_sma(path, text, zones)
    if is_nem12(text):
        return read_nem12(path, text)
    if is_dsmr_p1(text):
        return read_dsmr_p1(path, text, zones)
    if known := known_table(text):
        form, mapping = known
        return read_mapped(path, text, mapping, zones, form)
    return read_csv(path, text)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordingError(path, None, f"cannot be read: {error.strerror or error}") from error


def _text(path: Path, content: bytes, encoding: str = "utf-8") -> str:
    try:
        text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        wanted = "neither Parquet nor text in UTF-8" if encoding == "utf-8" else f"not text in {encoding}"
        raise RecordingError(path, line, wanted) from error
    if not text.strip():
        raise RecordingError(path, None, "is empty")
    return text
