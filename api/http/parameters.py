"""Parameters that many routes take. Each is read in its one strict form: what the description does not allow is refused."""

import re
from datetime import date
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import PlainValidator, WithJsonSchema

from api.http.cursors import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT
from api.instants import read_instant_ms
from oracle.errors import ConfigError

EARLIEST_MS = 0
LATEST_MS = 253_402_300_799_999
"""End of the year 9999 [ms UTC]: later instants have no date."""
MAX_NUMBER = 2**53 - 1
"""Largest number that all readers of JSON know exactly."""
IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,27}$"
"""What the registry takes for a name."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,16}", re.ASCII)
_NOT_AN_INSTANT = (
    "must be an instant with its offset from UTC, such as 2026-11-01T10:00:00Z (a plus sign is written %2B)"
)


def _read_instant(text: object) -> int:
    """Read an instant [ms UTC]; one before 1970 is the beginning of 1970, because nothing is older."""
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        raise ValueError(_NOT_AN_INSTANT)
    whole, fraction, zone = re.fullmatch(r"(.{19})(\.\d+)?(.+)", text.upper()).groups()  # type: ignore[union-attr]
    if whole.endswith("60"):  # a leap second, which no clock here counts
        whole = whole[:-2] + "59"
    try:
        instant_ms = read_instant_ms(f"{whole}{(fraction or '')[:7]}{zone}")
    except ConfigError as error:
        if "before 1970" in str(error):
            return EARLIEST_MS
        raise ValueError(_NOT_AN_INSTANT) from error
    except OverflowError:
        return EARLIEST_MS if whole < "1970" else LATEST_MS
    return min(instant_ms, LATEST_MS)


def span_of(since: int | None, until: int | None) -> tuple[int, int]:
    """Return [from, to) [ms UTC]; what is left out is the earliest and the latest instant there is."""
    return EARLIEST_MS if since is None else since, LATEST_MS if until is None else until


def _read_day(text: object) -> date:
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise ValueError("must be a date such as 2026-11-01")
    return date.fromisoformat(text)


def _whole_number(lowest: int, highest: int) -> PlainValidator:
    def read(text: object) -> int:
        written = str(text) if isinstance(text, int) else text  # a default comes as it is
        if not isinstance(written, str) or not _NUMBER.fullmatch(written) or not lowest <= int(written) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(written)

    return PlainValidator(read)


def _number_schema(lowest: int, highest: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": lowest, "maximum": highest})


_INSTANT_SCHEMA = WithJsonSchema({"type": "string", "format": "date-time"})

AssetId = Annotated[str, Path(description="name of the asset", pattern=IDENTIFIER, examples=["yuenlong-farm"])]
Number = Annotated[
    int,
    _whole_number(1, MAX_NUMBER),
    _number_schema(1, MAX_NUMBER),
    Path(description="its number, from 1", examples=[1]),
]
_FROM = Query(alias="from", description="first instant, RFC 3339", examples=["2026-11-01T00:00:00Z"])
_TO = Query(alias="to", description="instant after the last, RFC 3339", examples=["2026-11-02T00:00:00Z"])
Since = Annotated[int | None, PlainValidator(_read_instant), _INSTANT_SCHEMA, _FROM]
"""`from`, as ms UTC; where it may be left out, give it None."""
Until = Annotated[int | None, PlainValidator(_read_instant), _INSTANT_SCHEMA, _TO]
"""`to`, as ms UTC; where it may be left out, give it None."""
SinceNamed = Annotated[int, PlainValidator(_read_instant), _INSTANT_SCHEMA, _FROM]
"""`from`, which may not be left out."""
Start = Annotated[
    int,
    PlainValidator(_read_instant),
    _INSTANT_SCHEMA,
    Path(description="start of the interval, RFC 3339", examples=["2026-11-01T04:00:00Z"]),
]
Day = Annotated[
    date,
    PlainValidator(_read_day),
    WithJsonSchema({"type": "string", "format": "date"}),
    Query(description="local day of the asset", examples=["2026-11-01"]),
]
Limit = Annotated[
    int,
    _whole_number(1, MAX_LIMIT),
    _number_schema(1, MAX_LIMIT),
    Query(description="items on a page", examples=[DEFAULT_LIMIT]),
]
After = Annotated[
    str | None,
    Query(description="cursor: `next` of the page before", max_length=MAX_CURSOR, pattern=r"^[A-Za-z0-9_-]*$"),
]
FormAsked = Annotated[
    Literal["json", "csv"] | None,
    Query(alias="format", description="form of the answer, whatever `Accept` says"),
]
