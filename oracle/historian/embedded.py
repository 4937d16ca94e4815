"""The journal as a historian: an envelope is a signed chunk of a time series, and the journal finds it by meter and time."""

from collections.abc import Iterator

from oracle.historian.points import Point, points_of, samples_of, totals_of
from oracle.historian.port import Sample, Totals
from oracle.journal.journal import Journal


class EmbeddedHistorian:
    """Raw series out of one node's journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def samples(self, meter_id: str, start_ms: int, end_ms: int) -> list[Sample]:
        """Samples of one meter in [start, end) [ms UTC], by time, each once."""
        return samples_of(self._points(meter_id, start_ms, end_ms))

    def totals(self, meter_id: str, start_ms: int, end_ms: int) -> Totals:
        """Checksum of one meter's series in [start, end) [ms UTC]."""
        return totals_of(self._points(meter_id, start_ms, end_ms))

    def _points(self, meter_id: str, start_ms: int, end_ms: int) -> Iterator[Point]:
        for envelope in self._journal.envelopes_of_meter(meter_id, start_ms, end_ms):
            yield from points_of(envelope, start_ms, end_ms)
