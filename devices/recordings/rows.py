"""The rules of a recorded row, whatever file it came from.

| column | rule |
|---|---|
| measured_at | RFC 3339 with a zone, whole milliseconds |
| meter_id | identifier |
| export_wh, import_wh | integer from 0 to 2^63 - 1, empty = absent |
| power_w | integer of 32 bits, empty = absent |
| event | empty, `reset` or `replace`; with it closing_wh and opening_wh, without it neither |
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from devices.identifier import is_identifier
from devices.readings import EventKind
from devices.recordings.recording import Series

MANDATORY = ("measured_at", "meter_id", "export_wh")
OPTIONAL = ("power_w", "import_wh", "event", "closing_wh", "opening_wh")
COLUMNS = (*MANDATORY, *OPTIONAL)

MAX_TIME_MS = 1 << 53

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,3})0*)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_KINDS: dict[str, EventKind] = {"reset": "reset", "replace": "replace"}

Row = Sequence[Any]
"""Texts in the order of COLUMNS, empty where the file has nothing; measured_at may also be a whole number of ms UTC."""


class RowError(ValueError):
    """A row breaks a rule; `index` counts from 0."""

    def __init__(self, index: int, what: str) -> None:
        super().__init__(what)
        self.index = index


def collect(rows: Iterable[Row]) -> dict[str, Series]:
    """Sort rows by meter, keeping their order.

    Raises:
        RowError: the first row that breaks a rule.

    """
    meters: dict[str, Series] = {}
    for index, row in enumerate(rows):
        try:
            _add(meters, row)
        except ValueError as error:
            raise RowError(index, str(error)) from error
    return meters


def _add(meters: dict[str, Series], row: Row) -> None:
    measured_at, meter_id, export_wh, power_w, import_wh, event, closing_wh, opening_wh = row
    series = meters.get(meter_id)
    if series is None:
        if not is_identifier(meter_id):
            raise ValueError(f"meter_id {meter_id!r} is not an identifier (1 to 28 of A-Z a-z 0-9 . _ -)")
        series = meters[meter_id] = Series()
    time_ms = measured_at if isinstance(measured_at, int) else instant_ms(measured_at)
    if not 0 <= time_ms < MAX_TIME_MS:
        raise ValueError(f"measured_at {measured_at!r} is before 1970 or too far away")
    if event or closing_wh or opening_wh:
        series.events[len(series.time_ms)] = _event(event, closing_wh, opening_wh)
    series.export_wh.append(register_wh(export_wh, "export_wh") if export_wh else None)
    series.import_wh.append(register_wh(import_wh, "import_wh") if import_wh else None)
    series.power_w.append(power(power_w) if power_w else None)
    series.time_ms.append(time_ms)


@lru_cache(maxsize=8192)
def instant_ms(text: str) -> int:
    """Parse an RFC 3339 instant into milliseconds since 1970-01-01 UTC. Raises ValueError."""
    parts = _RFC3339.fullmatch(text)
    if parts is None:
        raise ValueError(f"measured_at {text!r} is not RFC 3339 with a zone and at most milliseconds")
    seconds, fraction, zone = parts.groups()
    try:
        instant = datetime.fromisoformat(seconds.upper() + ("+00:00" if zone in "Zz" else zone))
    except ValueError as error:
        raise ValueError(f"measured_at {text!r} is no instant: {error}") from error
    return (instant - _EPOCH) // _MILLISECOND + int((fraction or "0").ljust(3, "0"))


def register_wh(text: str, column: str) -> int:
    """Parse a register [Wh], 0 to 2^63 - 1. Raises ValueError."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{column} {text!r} is not a whole number of Wh")
    number = int(text)
    if number < 0:
        raise ValueError(f"{column} {text!r} is negative")
    if number >> 63:
        raise ValueError(f"{column} {text!r} is not below 2^63")
    return number


def power(text: str) -> int:
    """Parse a power [W] of 32 bits with sign. Raises ValueError."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"power_w {text!r} is not a whole number of W")
    number = int(text)
    if not -(2**31) <= number < 2**31:
        raise ValueError(f"power_w {text!r} does not fit 32 bits")
    return number


def _event(event: str, closing_wh: str, opening_wh: str) -> tuple[EventKind, int, int]:
    if not event:
        raise ValueError("closing_wh or opening_wh without event")
    if event not in _KINDS:
        raise ValueError(f"event {event!r} is neither reset nor replace")
    if not (closing_wh and opening_wh):
        raise ValueError(f"event {event} needs closing_wh and opening_wh")
    return _KINDS[event], register_wh(closing_wh, "closing_wh"), register_wh(opening_wh, "opening_wh")
