"""Heliograph's own table of readings, as CSV and as Parquet: the columns of `devices.recordings.rows`."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from io import StringIO
from itertools import repeat
from pathlib import Path
from typing import Any

from devices.readings import Readings
from devices.recordings.recording import RecordedMeter, Recording, RecordingError, Series
from devices.recordings.rows import COLUMNS, MANDATORY, OPTIONAL, Row, RowError, collect


def read_csv(path: Path, text: str) -> Recording:
    """Read the table from `text`, the content of `path`.

    Raises:
        RecordingError: with the line at fault.

    """
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    lines: list[int] = []
    try:
        header = next(reader, [])
        order = _order(path, header)
        meters = collect(_csv_rows(path, reader, order, lines, len(header)))
    except csv.Error as error:
        raise RecordingError(path, reader.line_num, f"not CSV: {error}") from error
    except RowError as error:
        raise RecordingError(path, lines[error.index], str(error)) from error
    return _recording(path, "csv", meters)


def _csv_rows(
    path: Path, reader: Iterator[list[str]], order: list[int | None], lines: list[int], width: int
) -> Iterator[Row]:
    for cells in reader:
        if not cells:
            continue
        line: int = reader.line_num  # type: ignore[attr-defined] # an attribute of csv.reader, which has no public type
        if len(cells) != width:
            raise RecordingError(path, line, f"{len(cells)} cells, the header has {width}")
        lines.append(line)
        yield tuple(["" if at is None else cells[at] for at in order])


def read_parquet(path: Path) -> Recording:
    """Read the table from a Parquet file: integers, strings, and a timestamp with a zone or an RFC 3339 string.

    Raises:
        RecordingError: with the row at fault.

    """
    import pyarrow as pa  # type: ignore[import-untyped] # noqa: PLC0415 - untyped; 0.2 s that only Parquet should pay
    import pyarrow.parquet as pq  # type: ignore[import-untyped] # noqa: PLC0415 - the same

    try:
        table = pq.ParquetFile(path).read()
        order = _order(path, table.column_names)
        columns = [repeat("") if at is None else _cells(path, table.field(at), table.column(at)) for at in order]
    except (pa.ArrowException, OSError) as error:
        raise RecordingError(path, None, f"not a readable Parquet file: {error}") from error
    try:
        meters = collect(zip(*columns, strict=False))
    except RowError as error:
        raise RecordingError(path, error.index + 1, str(error)) from error
    return _recording(path, "parquet", meters)


def _cells(path: Path, field: Any, column: Any) -> Iterable[str | int]:  # noqa: ANN401 - pyarrow is untyped
    """Return a Parquet column as the texts that a CSV would hold, and timestamps as milliseconds."""
    import pyarrow as pa  # noqa: PLC0415 - see read_parquet

    kind = field.type
    wants_number = field.name.endswith(("_wh", "_w"))
    if pa.types.is_timestamp(kind) and not wants_number:
        if kind.tz is None:
            raise RecordingError(path, None, f"column {field.name} has no time zone")
        whole = column.cast(pa.timestamp("ms", tz=kind.tz)).cast(pa.int64())
        return ["" if time_ms is None else time_ms for time_ms in whole.to_pylist()]
    if pa.types.is_null(kind) or (pa.types.is_integer(kind) if wants_number else _is_text(kind)):
        return ["" if cell is None else str(cell) for cell in column.to_pylist()]
    raise RecordingError(path, None, f"column {field.name} is of type {kind}")


def _is_text(kind: Any) -> bool:  # noqa: ANN401 - pyarrow is untyped
    import pyarrow as pa  # noqa: PLC0415 - see read_parquet

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any((pa.types.is_string(kind), pa.types.is_large_string(kind), pa.types.is_string_view(kind)))


def _order(path: Path, header: list[str]) -> list[int | None]:
    """Return where each of COLUMNS stands in the header."""
    named = [name.strip() for name in header]
    unknown = [name for name in named if name not in COLUMNS]
    missing = [name for name in MANDATORY if name not in named]
    if unknown or missing or len(set(named)) != len(named):
        fault = f"unknown {unknown}" if unknown else f"missing {missing}" if missing else "one occurs twice"
        wanted = f"{', '.join(MANDATORY)} and optionally {', '.join(OPTIONAL)}"
        raise RecordingError(path, 1, f"columns: {fault}; a table of readings has {wanted}")
    return [named.index(name) if name in named else None for name in COLUMNS]


def _recording(path: Path, form: str, meters: dict[str, Series]) -> Recording:
    if not meters:
        raise RecordingError(path, None, "holds no readings")
    recorded = {name: RecordedMeter(series.to_readings(), name, None) for name, series in meters.items()}
    return Recording(path, form, recorded, [])


def write_csv(path: Path, meters: Mapping[str, Readings]) -> None:
    """Write the table: meters in the given order, readings in theirs, the same bytes for the same readings."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for meter_id, readings in meters.items():
            for each in readings:
                row = [format_instant(each.time_ms), meter_id, each.export_wh, each.power_w, each.import_wh]
                writer.writerow([*row, *(each.event or (None, None, None))])


def format_instant(time_ms: int) -> str:
    """Return an instant as RFC 3339 in UTC, with milliseconds only where there are any."""
    seconds, rest = divmod(time_ms, 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:03d}Z" if rest else f"{text}Z"
