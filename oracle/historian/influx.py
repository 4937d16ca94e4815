"""InfluxDB as historian: line protocol out through /api/v2/write, InfluxQL back through /query.

InfluxQL because it runs on InfluxDB 1, 2 and 3; Flux runs on 2 alone. InfluxDB 1.8 has /api/v2/write; before it a
reverse proxy rewrites that to /write.
"""

import secrets
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS

from devices.identifier import require_identifier
from devices.telemetry import Envelope
from oracle.historian.influxql import FAILURES, ask, identifier, literal, reason
from oracle.historian.line_protocol import ABSENT, MEASUREMENT, NS_PER_MS, lines
from oracle.historian.points import ordered
from oracle.historian.port import END_MS, HistorianError, Progress, Sample, Totals

LINES_A_WRITE = 5000
"""What InfluxDB advises; with the longest names still under the 1 MB that nginx accepts by default."""
PROGRESS = "historian_progress"
"""Measurement that holds a point for each beginning of each writer."""
PROGRESS_NS = 7_258_118_400_000_000_000
"""Its time, the year 2200: no retention policy ever drops it."""


class InfluxHistorian:
    """Series of one bucket, which is a database in InfluxDB 1. Safe to share between threads.

    Several writers may share a bucket: equal readings are one point, and each writer has a progress of its own.
    """

    def __init__(  # noqa: PLR0913 - keyword-only but for the place
        self,
        url: str,
        bucket: str,
        *,
        writer: str,
        token: str | None = None,
        org: str = "-",
        timeout_ms: int = 10_000,
    ) -> None:
        """Name the database; nothing is sent yet.

        Args:
            url: of the server: "http://127.0.0.1:8086"
            bucket: bucket, or database in InfluxDB 1
            writer: identifier of the journal that is written from here, distinct among the writers of the bucket
            token: API token; `user:password` in InfluxDB 1
            org: organization, in InfluxDB 2 only
            timeout_ms: how long one request may take [ms]

        Raises:
            ValueError: `writer` is not an identifier, or `url` not one of HTTP.

        """
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is not the URL of an InfluxDB: http://127.0.0.1:8086")
        self._writer = require_identifier(writer, "writer")
        self._url = url
        self._bucket = bucket
        self._client = InfluxDBClient(url=url, token=token, org=org, timeout=timeout_ms)  # type: ignore[arg-type]  # None is no token
        self._write_api = self._client.write_api(write_options=SYNCHRONOUS)

    def close(self) -> None:
        """Close the connections."""
        self._write_api.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]

    def ping(self) -> bool:
        """Whether the server answers."""
        return bool(self._client.ping())

    def write(self, envelopes: Iterable[Envelope]) -> None:
        """Add the readings of envelopes; return when the database has them. Writing again changes nothing.

        Raises:
            HistorianError: the server is not there, or refuses. Some of the readings may be written.

        """
        remaining: Iterator[str] = chain.from_iterable(map(lines, envelopes))
        while batch := list(islice(remaining, LINES_A_WRITE)):
            self._send(batch)

    def wipe(self) -> None:
        """Drop both measurements; make the database if InfluxDB 1 has none.

        Progress goes first and last: a projection that runs meanwhile must not keep one over readings that are gone.

        Raises:
            HistorianError: the server is not there, or has no DROP MEASUREMENT (InfluxDB 3).

        """
        for measurement in (PROGRESS, MEASUREMENT, PROGRESS):
            try:
                self._ask(f'DROP MEASUREMENT "{measurement}"')
            except HistorianError as error:
                if "database not found" in str(error):
                    # Long shards: readings may be of any age, and a shard a week would be many files.
                    self._ask(f"CREATE DATABASE {identifier(self._bucket)} WITH DURATION INF SHARD DURATION 52w")
                elif "measurement not found" not in str(error):
                    raise

    def progress(self) -> Progress | None:
        """How far this writer's journal has been written, None if the database was wiped since or is new."""
        where = f'WHERE "writer" = {literal(self._writer)} AND time = {PROGRESS_NS}'
        columns = ("begun", "row", "generation")
        rows = self._ask(f'SELECT "begun", "row", "generation" FROM "{PROGRESS}" {where}', *columns)  # noqa: S608  our names
        begun = [Progress(row["generation"], row["row"]) for row in rows if row["begun"] and row["row"] is not None]
        return max(begun, key=lambda progress: progress.row, default=None)

    def begin(self) -> Progress:
        """Begin at the journal's first row. The mark `begun` is written here only, so it is gone after a wipe."""
        progress = Progress(secrets.token_hex(8), 0)
        self._send([f"{self._progress_head(progress)} begun=true,row=0i {PROGRESS_NS}"])
        return progress

    def advance(self, progress: Progress) -> None:
        """Record how far the journal has been written. Without `begun` beside it, it does not count."""
        self._send([f"{self._progress_head(progress)} row={progress.row}i {PROGRESS_NS}"])

    def samples(self, meter_id: str, start_ms: int, end_ms: int) -> list[Sample]:
        """Samples of one meter in [start, end) [ms UTC], by time, each once. Raises HistorianError."""
        fields = '"export_wh", "import_wh", "power_w", "' + ABSENT + '"'
        rows = self._ask(f'SELECT {fields} {_series(meter_id, start_ms, end_ms)} GROUP BY "device"', "export_wh")
        return ordered({Sample(row["time"] // NS_PER_MS, row["export_wh"], row["power_w"]) for row in rows})

    def totals(self, meter_id: str, start_ms: int, end_ms: int) -> Totals:
        """Checksum of one meter's series in [start, end) [ms UTC], computed by the database. Raises HistorianError."""
        figures = ", ".join(
            f'count("{field}") AS "{count}", sum("{field}") AS "{field}"'
            for field, count in (("export_wh", "exports"), ("import_wh", "imports"), ("power_w", "powers"))
        )
        rows = self._ask(f"SELECT {figures} {_series(meter_id, start_ms, end_ms)}", "exports")
        return Totals(**{name: figure or 0 for name, figure in rows[0].items() if name != "time"}) if rows else Totals()

    def _progress_head(self, progress: Progress) -> str:
        return f"{PROGRESS},generation={progress.generation},writer={self._writer}"

    def _send(self, batch: list[str]) -> None:
        try:
            self._write_api.write(bucket=self._bucket, record="\n".join(batch), write_precision="ns")  # type: ignore[arg-type]
        except FAILURES as error:
            # What a retention policy no longer wants is not missed; everything else of the batch was written.
            if "beyond retention policy" not in (text := reason(error)):
                raise HistorianError(f"{self._url}: {text}") from error

    def _ask(self, statement: str, *columns: str) -> list[dict[str, Any]]:
        return ask(self._client, self._bucket, statement, *columns)


def _series(meter_id: str, start_ms: int, end_ms: int) -> str:
    """Where the points of a meter in [start, end) are, in InfluxQL."""
    start_ns, end_ns = (min(max(instant, 0), END_MS) * NS_PER_MS for instant in (start_ms, end_ms))
    meter = literal(meter_id)
    return f'FROM "{MEASUREMENT}" WHERE "meter" = {meter} AND time >= {start_ns} AND time < {end_ns}'
