"""Hourly emission factors from a file: what the grid emitted in each hour, for certificates to show beside their energy.

They inform. No credit is issued by them: an average says nothing about what a plant avoids, a marginal rate nothing about
what is not built because of it (see `factors`).

    # kind = average_consumption
    # source = who publishes the series, and where
    # licence = under which terms it may be used
    # boundary = which electricity system, which gases
    start,g_per_mwh
    2026-05-01T00:00:00Z,512000
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from oracle.errors import ConfigError
from oracle.metering.interval import MS_PER_HOUR
from oracle.reporting.emissions import WH_PER_MWH
from oracle.reporting.factors import FactorKind, require_text

_HEAD = ("kind", "source", "licence", "boundary")


@dataclass(frozen=True)
class HourlyFactors:
    """A series of hourly factors."""

    kind: FactorKind
    source: str
    licence: str
    boundary: str
    g_per_mwh: Mapping[int, int]
    """gCO2e per MWh by start of the hour [ms UTC]."""

    def __post_init__(self) -> None:
        """Refuse a series that nobody can trace."""
        for member in ("source", "licence", "boundary"):
            require_text(f"hourly factors: {member}", getattr(self, member))

    def grams_down(self, energy_wh: Mapping[int, int]) -> tuple[int, int]:
        """Emissions [gCO2e] of energy [Wh] by start of an interval [ms UTC], rounded down once; and the energy that they are of.

        Intervals of hours that the series lacks are left out.
        """
        by_hour = {start: start // MS_PER_HOUR * MS_PER_HOUR for start in energy_wh}
        known = [start for start, hour in by_hour.items() if hour in self.g_per_mwh]
        products = sum(max(energy_wh[start], 0) * self.g_per_mwh[by_hour[start]] for start in known)
        return products // WH_PER_MWH, sum(energy_wh[start] for start in known)


def read_hourly_factors(text: str) -> HourlyFactors:
    """Read a file of hourly factors.

    Raises:
        ConfigError: it is not one; the message names the line.

    """
    head: dict[str, str] = {}
    series: dict[int, int] = {}
    titled = False
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if line.startswith("#"):
            name, _, said = line[1:].partition("=")
            if name.strip() not in _HEAD or name.strip() in head:
                raise ConfigError(f"line {number}: {name.strip()!r} is none of {', '.join(_HEAD)}, or is there twice")
            head[name.strip()] = said.strip()
        elif not titled:
            if line.strip() != "start,g_per_mwh":
                raise ConfigError(f"line {number}: expected the header start,g_per_mwh")
            titled = True
        elif line.strip():
            start_ms, g_per_mwh = _row(line, number)
            if start_ms in series:
                raise ConfigError(f"line {number}: this hour is there already")
            series[start_ms] = g_per_mwh
    if missing := [name for name in _HEAD if not head.get(name)]:
        raise ConfigError(f"the head lacks {missing[0]}: write a line '# {missing[0]} = ...'")
    if head["kind"] not in set(FactorKind):
        raise ConfigError(f"kind {head['kind']!r} is none of {', '.join(FactorKind)}")
    return HourlyFactors(FactorKind(head["kind"]), head["source"], head["licence"], head["boundary"], series)


def _row(line: str, number: int) -> tuple[int, int]:
    cells = next(csv.reader([line]))
    if len(cells) != len(("start", "g_per_mwh")):
        raise ConfigError(f"line {number}: expected two columns")
    written, figure = (cell.strip() for cell in cells)
    try:
        start = datetime.fromisoformat(written)
    except ValueError as error:
        raise ConfigError(f"line {number}: {written[:40]!r} is no time (RFC 3339)") from error
    if start.tzinfo is None:
        raise ConfigError(f"line {number}: {written!r} does not say its distance from UTC")
    since = start - datetime.fromtimestamp(0, UTC)
    if since % timedelta(hours=1):
        raise ConfigError(f"line {number}: {written!r} is not the start of an hour of UTC")
    if not (figure.isascii() and figure.isdigit() and len(figure) <= 9):
        raise ConfigError(f"line {number}: {figure[:40]!r} is no whole number of gCO2e per MWh")
    return since // timedelta(milliseconds=1), int(figure)
