"""A mapping file: what the columns of somebody's CSV mean. The file that it describes stands beside it.

table = "inverters.csv"
[time]
column = "Date/Time"
format = "%m/%d/%Y %H:%M"      # strptime; "iso" by default
zone = "Europe/Amsterdam"      # where rows carry none; else the meters file's tz
label = "start"                # of kind interval and power: which end of the interval the time names
interval = "1h"
[[meter]]
id = "roof-1"
kind = "register"              # register, interval (energy by interval) or power (mean power by interval)
export = { column = "Total yield", unit = "kWh" }
import = { column = "Total drawn", unit = "kWh" }
power = { column = "AC power", unit = "W" }
"""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from devices.identifier import require_identifier
from devices.recordings.exact import power_of_ten
from devices.recordings.local_time import LocalClock
from devices.recordings.recording import Kind, RecordingError

_DURATION = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_LONGEST_INTERVAL_MS = 86_400_000
_EXAMPLE_TIME = datetime(2025, 6, 30, 23, 45, 59, tzinfo=UTC)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ColumnEntry(_Entry):
    """A column and its unit."""

    column: str
    """As the header names it."""
    unit: str = Field(max_length=10)
    """Wh or W, with k, M or G before it."""


class TimeEntry(_Entry):
    """When a row was measured."""

    column: str | Annotated[tuple[str, ...], Field(min_length=1)]
    """Column, or columns (a date and a time) that are read with a space between them."""
    format: str = "iso"
    """`iso` (2025-06-30 12:00:00, with or without a zone), `unix` (seconds since 1970, UTC) or a format of strptime."""
    zone: str | None = None
    label: Literal["start", "end"] | None = None
    interval: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that together tell the time."""
        return (self.column,) if isinstance(self.column, str) else self.column

    @property
    def interval_ms(self) -> int:
        """Length of an interval [ms], 0 where none is said."""
        parts = _DURATION.fullmatch(self.interval or "")
        return int(parts[1]) * _UNIT_MS[parts[2]] if parts else 0

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.interval is not None and not 0 < self.interval_ms <= _LONGEST_INTERVAL_MS:
            raise ValueError(f"interval {self.interval[:20]!r} is not a duration such as 15m or 1h, of at most a day")
        if self.zone is not None:
            LocalClock(self.zone)
        if self.format not in {"iso", "unix"}:
            datetime.strptime(_EXAMPLE_TIME.strftime(self.format), self.format)  # noqa: DTZ007 - only tries the format
        return self


class MappedMeter(_Entry):
    """One meter of a table."""

    id: str
    named: str | None = None
    """What the table's meter column says for it; its id by default."""
    kind: Kind
    export: ColumnEntry | None = None
    imported: ColumnEntry | None = Field(default=None, alias="import")
    power: ColumnEntry | None = None
    """Power beside a register [W]: told to validation, settles nothing."""

    @field_validator("id")
    @classmethod
    def _identifier(cls, name: str) -> str:
        return require_identifier(name, "meter")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        base = "W" if self.kind == "power" else "Wh"
        columns = [(self.export, base), (self.imported, base), (self.power, "W")]
        if self.export is None and self.imported is None:
            raise ValueError(f"meter {self.id} has neither an export nor an import column")
        if self.power is not None and self.kind != "register":
            raise ValueError(f"meter {self.id}: a power column stands beside a register only")
        for column, expected in columns:
            if column is not None and power_of_ten(column.unit, expected) is None:
                raise ValueError(
                    f"meter {self.id}, column {column.column!r}: unit {column.unit!r} is not {expected}, k{expected}, "
                    f"M{expected} or G{expected}"
                )
        return self


class TableMapping(_Entry):
    """What a table's columns mean."""

    table: str = ""
    """The CSV file, beside the mapping."""
    encoding: Literal["utf-8", "utf-16", "latin-1", "cp1252"] = "utf-8"
    separator: str = Field(default=",", min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    skip_lines: int = Field(default=0, ge=0)
    """Lines before the header."""
    absent: tuple[str, ...] = ("", "NaN")
    """Cells that say there is no figure."""
    meter_column: str | None = None
    """Column that says which meter a row is of, where each row is of one."""
    time: TimeEntry
    meter: tuple[MappedMeter, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = [meter.id for meter in self.meter]
        if len(set(names)) != len(names):
            raise ValueError("a meter is there more than once")
        if any(meter.kind != "register" for meter in self.meter) and not (self.time.label and self.time.interval):
            raise ValueError("energy or power by interval needs time.label and time.interval")
        return self


def load_mapping(path: Path, text: str) -> TableMapping:
    """Read a mapping from `text`, the content of `path`. Raises RecordingError with the key at fault."""
    try:
        mapping = TableMapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RecordingError(path, None, f"is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise RecordingError(path, None, f"{place}: {first['msg'].removeprefix('Value error, ')}") from error
    if not mapping.table:
        raise RecordingError(path, None, "table: names no file")
    return mapping
