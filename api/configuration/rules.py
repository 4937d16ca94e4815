"""The rules file: factors, tariffs, and which of them apply to each asset."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from oracle.config import read_toml
from oracle.errors import ConfigError
from oracle.metering.interval import parse_duration_ms
from oracle.metering.meter import PPM
from oracle.reporting.rules import AssetTerms, EmissionFactor, FactorKind, MeterLimits, Rules, Tariff


class TariffEntry(BaseModel):
    """One `[[tariff]]` of a rules file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(min_length=1)
    minor_per_mwh: int = Field(ge=0)
    """Minor units of the currency per MWh."""
    source: str = Field(min_length=1)
    """Where the figure is published or agreed."""


class FactorEntry(BaseModel):
    """One `[[factor]]` of a rules file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(min_length=1)
    g_per_mwh: int = Field(ge=0)
    """gCO2e per MWh."""
    kind: FactorKind = Field(strict=False)
    year: int = Field(ge=1990, le=2200)
    source: str = Field(min_length=1)


class AssetEntry(BaseModel):
    """One `[[asset]]` of a rules file: which tariff and factor apply to it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(min_length=1)
    tariff: str
    factor: str | None = None
    """None where the asset has no right to credits."""


class LimitsEntry(BaseModel):
    """One `[[meter]]` of a rules file: a meter with limits of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(min_length=1)
    rated_overload_ppm: int = Field(default=Rules.rated_overload_ppm, ge=PPM, le=2 * PPM)
    """Largest plausible mean power over nameplate [ppm]."""
    resolution_wh: int = Field(default=1, gt=0)
    modulus_wh: int | None = Field(default=None, gt=0)


class RulesFile(BaseModel):
    """A rules file. Every node of a network has the same: reports carry a digest of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rated_overload_ppm: int = Field(default=Rules.rated_overload_ppm, ge=PPM, le=2 * PPM)
    ledger_interval: str = "1h"
    tariff: list[TariffEntry] = Field(min_length=1)
    factor: list[FactorEntry] = []
    asset: list[AssetEntry] = Field(min_length=1)
    meter: list[LimitsEntry] = []

    @model_validator(mode="after")
    def _distinct(self) -> "RulesFile":
        for what, entries in (
            ("tariff", self.tariff),
            ("factor", self.factor),
            ("asset", self.asset),
            ("meter", self.meter),
        ):
            ids = [entry.id for entry in entries]
            if repeated := {name for name in ids if ids.count(name) > 1}:
                raise ValueError(f"{what} {min(repeated)!r} is there more than once")
        for asset in self.asset:
            if asset.tariff not in {entry.id for entry in self.tariff}:
                raise ValueError(f"asset {asset.id!r} names tariff {asset.tariff!r}, which is not in the file")
            if asset.factor is not None and asset.factor not in {entry.id for entry in self.factor}:
                raise ValueError(f"asset {asset.id!r} names factor {asset.factor!r}, which is not in the file")
        return self

    def to_rules(self) -> Rules:
        """Return the rules that the file states.

        Raises:
            ConfigError: an asset's factor is of a kind that credits cannot be issued by, or the interval is no duration.

        """
        tariffs = {entry.id: Tariff(entry.id, entry.minor_per_mwh, entry.source) for entry in self.tariff}
        factors = {
            entry.id: EmissionFactor(entry.id, entry.g_per_mwh, entry.kind, entry.year, entry.source)
            for entry in self.factor
        }
        try:
            interval_ms = parse_duration_ms(self.ledger_interval)
        except ValueError as error:
            raise ConfigError(f"ledger_interval: {error}") from error
        return Rules(
            terms={
                entry.id: AssetTerms(entry.id, tariffs[entry.tariff], factors[entry.factor] if entry.factor else None)
                for entry in self.asset
            },
            rated_overload_ppm=self.rated_overload_ppm,
            ledger_interval_ms=interval_ms,
            limits={
                entry.id: MeterLimits(entry.id, entry.rated_overload_ppm, entry.resolution_wh, entry.modulus_wh)
                for entry in self.meter
            },
        )


def load_rules(path: Path) -> Rules:
    """Read a rules file.

    Raises:
        ConfigError: it cannot be read, is no TOML, or states no rules; the message names the place.

    """
    stated = read_toml(path, RulesFile)
    try:
        return stated.to_rules()
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
