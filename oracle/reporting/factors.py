"""Emission factors: what a megawatt-hour fed into a grid avoids, with where the figure comes from.

Kinds are not interchangeable. An average says what consumers emit, not what a new plant avoids; an operating or build
margin is half of the answer; a marginal rate tells about one hour. Credits take the combined margin of the two:

    combined = floor((operating x weight + build x (1 000 000 - weight)) / 1 000 000)

Source: CDM TOOL07 "Tool to calculate the emission factor for an electricity system", version 07.0, step 6.
"""

from dataclasses import dataclass
from enum import StrEnum

from oracle.errors import ConfigError
from oracle.metering.ceiling import PPM

SOLAR_OPERATING_WEIGHT_PPM = 750_000
"""Weight of the operating margin for wind and solar power, in all crediting periods (TOOL07)."""


class FactorKind(StrEnum):
    """What an emission factor measures; only a combined margin may be used to issue credits."""

    COMBINED_MARGIN = "combined_margin"
    OPERATING_MARGIN = "operating_margin"
    BUILD_MARGIN = "build_margin"
    AVERAGE_CONSUMPTION = "average_consumption"
    MARGINAL = "marginal"


def require_whole(what: str, number: object, least: int = 0, most: int | None = None) -> None:
    """Refuse what is no whole number from `least` on, or above `most`.

    Raises:
        ConfigError: it names what, and the number.

    """
    if type(number) is not int or number < least:
        raise ConfigError(f"{what} is {number!r}, expected a whole number from {least} on")
    if most is not None and number > most:
        raise ConfigError(f"{what} is {number!r}, expected at most {most}")


def require_text(what: str, text: object) -> None:
    """Refuse what is no text, or says nothing.

    Raises:
        ConfigError: it names what.

    """
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f"{what} is missing")


def combined_margin_down(operating_g_per_mwh: int, build_g_per_mwh: int, operating_weight_ppm: int) -> int:
    """Weigh operating and build margin into a combined one [gCO2e/MWh], rounded down."""
    weighed = operating_g_per_mwh * operating_weight_ppm + build_g_per_mwh * (PPM - operating_weight_ppm)
    return weighed // PPM


@dataclass(frozen=True)
class Margins:
    """What a combined margin was weighed from."""

    operating_weight_ppm: int
    """Weight of the operating margin [ppm]; the build margin has the rest."""
    operating_g_per_mwh: int | None = None
    """gCO2e per MWh; None where the source publishes the combined figure only."""
    build_g_per_mwh: int | None = None
    """gCO2e per MWh; None where the source publishes the combined figure only."""

    def __post_init__(self) -> None:
        """Refuse one margin without the other, and weights beyond the whole."""
        require_whole("operating_weight_ppm", self.operating_weight_ppm, most=PPM)
        if (self.operating_g_per_mwh is None) != (self.build_g_per_mwh is None):
            raise ConfigError("operating and build margin are given together, or neither")
        if self.operating_g_per_mwh is not None:
            require_whole("operating_g_per_mwh", self.operating_g_per_mwh)
            require_whole("build_g_per_mwh", self.build_g_per_mwh)

    @property
    def combined_g_per_mwh(self) -> int | None:
        """Combined margin that they give [gCO2e/MWh]; None where they are not known."""
        if self.operating_g_per_mwh is None or self.build_g_per_mwh is None:
            return None
        return combined_margin_down(self.operating_g_per_mwh, self.build_g_per_mwh, self.operating_weight_ppm)


@dataclass(frozen=True)
class EmissionFactor:
    """Emissions per megawatt-hour of one electricity system."""

    factor_id: str
    g_per_mwh: int
    """gCO2e per MWh."""
    kind: FactorKind
    year: int
    """Year the factor describes or was published for."""
    source: str
    """Who publishes it, and where."""
    licence: str
    """Under which terms the figure may be used."""
    boundary: str
    """Which electricity system it is of, and which gases it counts."""
    margins: Margins | None = None
    """What a combined margin was weighed from; None for any other kind."""
    table_sha256: str | None = None
    """SHA-256 of the factor table that it stands in (hex); None where the rules state it themselves."""

    def __post_init__(self) -> None:
        """Refuse what no carbon can be computed with, and what nobody can trace."""
        name = f"factor {self.factor_id}"
        require_text("factor_id", self.factor_id)
        require_whole(f"{name}: g_per_mwh", self.g_per_mwh)
        require_whole(f"{name}: year", self.year)
        for member in ("source", "licence", "boundary"):
            require_text(f"{name}: {member}", getattr(self, member))
        if self.table_sha256 is not None:
            require_text(f"{name}: table_sha256", self.table_sha256)
        if (self.kind is FactorKind.COMBINED_MARGIN) != (self.margins is not None):
            raise ConfigError(f"{name}: a combined margin says how it was weighed, and no other kind does")
        given = self.margins.combined_g_per_mwh if self.margins else None
        if given is not None and given != self.g_per_mwh:
            raise ConfigError(f"{name}: g_per_mwh is {self.g_per_mwh}, its margins give {given}")
