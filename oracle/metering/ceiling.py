"""A ceiling: how much a plant can give at most, by time of year and day.

It is computed once, from clear-sky models, when the rules are written; settlement knows only its whole numbers, so that
every node and every auditor gets the same figure (`metering.reach`).
"""

from dataclasses import dataclass

from oracle.errors import ConfigError

HALF_MONTHS, HALF_HOURS = 24, 48
PPM = 1_000_000


@dataclass(frozen=True)
class Ceiling:
    """Largest plausible power by time of year and day."""

    ppm: tuple[int, ...]
    """24 half-months (1st to 15th, 16th on) of 48 half-hours each, from 00:00 UTC on [ppm of nameplate]."""

    def __post_init__(self) -> None:
        """Refuse a table of another shape."""
        if len(self.ppm) != HALF_MONTHS * HALF_HOURS:
            raise ConfigError(f"a ceiling has {len(self.ppm)} entries, expected {HALF_MONTHS * HALF_HOURS}")
        if not all(type(ppm) is int and 0 <= ppm <= 2 * PPM for ppm in self.ppm):
            raise ConfigError("an entry of a ceiling is no whole number from 0 to 2000000")
