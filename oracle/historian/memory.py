"""A time-series database in memory: the twin of `influx`, for tests and for looking at a journal without a server."""

import threading
from collections import defaultdict
from collections.abc import Iterable

from devices.telemetry import Envelope
from oracle.historian.points import Point, points_of, samples_of, totals_of
from oracle.historian.port import END_MS, Progress, Sample, Totals


class MemoryHistorian:
    """Points by meter. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: dict[str, set[Point]] = defaultdict(set)
        self._progress: Progress | None = None
        self._beginnings = 0

    def ping(self) -> bool:
        """Whether the database answers: always."""
        return True

    def write(self, envelopes: Iterable[Envelope]) -> None:
        """Add the readings of envelopes."""
        with self._lock:
            for envelope in envelopes:
                self._points[envelope.meter].update(points_of(envelope, 0, END_MS))

    def wipe(self) -> None:
        """Forget everything."""
        with self._lock:
            self._points.clear()
            self._progress = None

    def progress(self) -> Progress | None:
        """How far the journal has been written, None after a wipe."""
        with self._lock:
            return self._progress

    def begin(self) -> Progress:
        """Begin at the journal's first row."""
        with self._lock:
            self._beginnings += 1
            self._progress = Progress(str(self._beginnings), 0)
            return self._progress

    def advance(self, progress: Progress) -> None:
        """Record how far the journal has been written, unless the database was wiped after that beginning."""
        with self._lock:
            if self._progress is not None and self._progress.generation == progress.generation:
                self._progress = progress

    def samples(self, meter_id: str, start_ms: int, end_ms: int) -> list[Sample]:
        """Samples of one meter in [start, end) [ms UTC], by time, each once."""
        return samples_of(self._between(meter_id, start_ms, end_ms))

    def totals(self, meter_id: str, start_ms: int, end_ms: int) -> Totals:
        """Checksum of one meter's series in [start, end) [ms UTC]."""
        return totals_of(self._between(meter_id, start_ms, end_ms))

    def _between(self, meter_id: str, start_ms: int, end_ms: int) -> list[Point]:
        with self._lock:
            return [point for point in self._points.get(meter_id, ()) if start_ms <= point.time_ms < end_ms]
