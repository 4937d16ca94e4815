"""What a historian answers, and what one that is kept beside the journal must be able to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from devices.telemetry import Envelope
from oracle.errors import OracleError

END_MS = 9_223_372_036_854
"""A historian holds readings before this instant [ms UTC], in the year 2262: the last that InfluxDB can name."""


class HistorianError(OracleError):
    """The time-series database cannot be reached, or refuses. Nothing is lost: the journal has it all."""


@dataclass(frozen=True)
class Sample:
    """One reading as its meter sent it: raw, whether or not it was ever settled."""

    time_ms: int
    """Instant [ms UTC]."""
    export_wh: int | None
    """Export register [Wh], None if the reading had none."""
    power_w: int | None
    """Power [W], None if the reading had none."""


@dataclass(frozen=True)
class Totals:
    """Checksum of a series: of each column how many numbers there are, and their sum modulo 2^64, from -2^63 on.

    Readings count once for each device that sent them. The sum of a register means nothing by itself; two series with
    the same counts and sums are the same series.
    """

    exports: int = 0
    export_wh: int = 0
    """[Wh]."""
    imports: int = 0
    import_wh: int = 0
    """[Wh]."""
    powers: int = 0
    power_w: int = 0
    """[W]."""


@dataclass(frozen=True)
class Progress:
    """How far a journal has been written since the database was last empty."""

    generation: str
    """Names the beginning that `row` counts from."""
    row: int
    """Every journal row up to this one is in the database; 0 is none."""


class Historian(Protocol):
    """Raw time series of meters: sets of readings, so order and repetition of what came in cannot show."""

    def samples(self, meter_id: str, start_ms: int, end_ms: int) -> list[Sample]:
        """Samples of one meter in [start, end) [ms UTC], by time, each instant, register and power once."""

    def totals(self, meter_id: str, start_ms: int, end_ms: int) -> Totals:
        """Checksum of one meter's series in [start, end) [ms UTC]."""


class WritableHistorian(Historian, Protocol):
    """A time-series database that a `Projection` fills. Every call may raise HistorianError, but for `ping`."""

    def ping(self) -> bool:
        """Whether the database answers."""

    def write(self, envelopes: Iterable[Envelope]) -> None:
        """Add the readings of envelopes. Writing again changes nothing."""

    def wipe(self) -> None:
        """Forget all readings and every progress."""

    def progress(self) -> Progress | None:
        """How far this writer's journal has been written, None if the database has been wiped since, or is new."""

    def begin(self) -> Progress:
        """Begin at the journal's first row."""

    def advance(self, progress: Progress) -> None:
        """Record how far the journal has been written. Without effect if the database was wiped after that beginning."""
