"""Readings as a set of points: what samples and totals are computed from where there is no database to ask."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from devices.telemetry import Envelope
from oracle.historian.port import END_MS, Sample, Totals


class Point(NamedTuple):
    """A reading without its sequence number: signed again, or under another number, it is the same point."""

    device: str
    time_ms: int
    export_wh: int | None
    import_wh: int | None
    power_w: int | None


def points_of(envelope: Envelope, start_ms: int, end_ms: int) -> Iterator[Point]:
    """Yield the points of an envelope in [start, end) [ms UTC]."""
    last_ms = min(end_ms, END_MS)
    for reading in envelope.readings:
        if start_ms <= reading.time_ms < last_ms:
            yield Point(envelope.device, reading.time_ms, reading.export_wh, reading.import_wh, reading.power_w)


def samples_of(points: Iterable[Point]) -> list[Sample]:
    """Return the distinct samples of one meter's points, by time."""
    return ordered({Sample(point.time_ms, point.export_wh, point.power_w) for point in points})


def ordered(samples: set[Sample]) -> list[Sample]:
    """Sort samples by time, then register, then power; absent before any number."""

    def key(sample: Sample) -> tuple[int, bool, int, bool, int]:
        export_wh, power_w = sample.export_wh, sample.power_w
        return sample.time_ms, export_wh is not None, export_wh or 0, power_w is not None, power_w or 0

    return sorted(samples, key=key)


def totals_of(points: Iterable[Point]) -> Totals:
    """Return the checksum of one meter's points."""
    distinct = set(points)
    columns = [
        [number for number in column if number is not None]
        for column in (
            (point.export_wh for point in distinct),
            (point.import_wh for point in distinct),
            (point.power_w for point in distinct),
        )
    ]
    return Totals(*(figure for column in columns for figure in (len(column), _wrapped(sum(column)))))


def _wrapped(total: int) -> int:
    return (total + 2**63) % 2**64 - 2**63
