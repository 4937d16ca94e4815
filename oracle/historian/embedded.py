"""The journal as a historian: an envelope is a signed chunk of a time series, and the journal finds it by meter and time."""

from oracle.historian.port import Sample
from oracle.journal.journal import Journal


class EmbeddedHistorian:
    """Raw series out of one node's journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def samples(self, meter_id: str, start_ms: int, end_ms: int) -> list[Sample]:
        """Samples of one meter in [start, end), by time, each once."""
        found = {
            Sample(reading.time_ms, reading.export_wh, reading.power_w)
            for envelope in self._journal.envelopes_of_meter(meter_id, start_ms, end_ms)
            for reading in envelope.readings
            if start_ms <= reading.time_ms < end_ms
        }
        return sorted(found, key=lambda sample: (sample.time_ms, sample.export_wh or 0, sample.power_w or 0))
