"""Recorded readings from files: Heliograph's CSV and Parquet tables, and SMA CSV3 exports.

A file is read whole or refused whole, with the line at fault. Readings keep the file's order and its doubles: sorting
and judging them is metering's work.
"""

from pathlib import Path

from devices.recordings.recording import RecordedMeter, Recording, RecordingError
from devices.recordings.sma import is_sma_csv3, read_sma
from devices.recordings.table import read_csv, read_parquet, write_csv

__all__ = ["RecordedMeter", "Recording", "RecordingError", "read", "write_csv"]

_PARQUET_MAGIC = b"PAR1"


def read(path: Path | str, utc_offset_minutes: int | dict[str, int] = 0) -> Recording:
    """Read a recorded file, whose format its content tells.

    Args:
        path: the file.
        utc_offset_minutes: local time minus UTC [min] for formats in local time (SMA), one for all meters or by meter
            id. Tables carry a zone in every row and do not use it.

    Raises:
        RecordingError: the file cannot be read, is empty, of no known format, or holds a row that breaks a rule.

    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordingError(path, None, f"cannot be read: {error.strerror or error}") from error
    if content.startswith(_PARQUET_MAGIC):
        return read_parquet(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RecordingError(path, line, "neither Parquet nor text in UTF-8") from error
    if not text.strip():
        raise RecordingError(path, None, "is empty")
    return read_sma(path, text, utc_offset_minutes) if is_sma_csv3(text) else read_csv(path, text)
