"""The rules file: factors, tariffs, and which of them apply to each asset."""

from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from api.configuration.factor_table import shipped_factors
from oracle.config import read_toml
from oracle.errors import ConfigError
from oracle.metering.ceiling import HALF_HOURS, PPM, Ceiling
from oracle.metering.interval import parse_duration_ms
from oracle.metering.meter import CONFIRMATIONS, MAX_CONFIRMATIONS
from oracle.reporting.factor_table import margins_of
from oracle.reporting.factors import EmissionFactor, FactorKind
from oracle.reporting.rules import MeterLimits, Rules
from oracle.reporting.terms import AssetTerms, Tariff


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
    licence: str = Field(min_length=1)
    """Under which terms the figure may be used."""
    boundary: str = Field(min_length=1)
    """Which electricity system it is of, and which gases it counts."""
    operating_weight_ppm: int | None = None
    """Weight of the operating margin in a combined one [ppm]: 750 000 for solar power."""
    operating_g_per_mwh: int | None = None
    build_g_per_mwh: int | None = None

    def to_factor(self) -> EmissionFactor:
        """Return the factor.

        Raises:
            ConfigError: its margins do not give it.

        """
        return EmissionFactor(
            self.id,
            self.g_per_mwh,
            self.kind,
            self.year,
            self.source,
            self.licence,
            self.boundary,
            margins_of(self.model_dump()),
        )


class LaterEntry(BaseModel):
    """One `[[asset.later]]`: another factor from a vintage on."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    vintage: int = Field(ge=1990, le=2200)
    factor: str


class AssetEntry(BaseModel):
    """One `[[asset]]` of a rules file: which tariff and factor apply to it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(min_length=1)
    tariff: str
    factor: str | None = None
    """Of this file or of the shipped table; None where the asset has no right to credits."""
    later: list[LaterEntry] = []
    methodology: str = AssetTerms.methodology
    deduction_ppm: int = Field(default=0, ge=0, le=PPM)
    """Share of the credits that is never claimed, for uncertainty [ppm]."""
    document_sha256: str | None = None
    """Of the document that grants the claim right (hex); without it, whichever the registry names."""

    @property
    def factors(self) -> list[str]:
        """Factors that it names."""
        return [*([] if self.factor is None else [self.factor]), *(one.factor for one in self.later)]


class LimitsEntry(BaseModel):
    """One `[[meter]]` of a rules file: a meter with limits of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(min_length=1)
    rated_overload_ppm: int = Field(default=Rules.rated_overload_ppm, ge=PPM, le=2 * PPM)
    """Largest plausible mean power over nameplate [ppm]."""
    resolution_wh: int = Field(default=1, gt=0)
    modulus_wh: int | None = Field(default=None, gt=0)
    calibration_due: AwareDatetime | None = None
    """From when on the permissible error is withheld; without it, never."""
    permissible_error_ppm: int = Field(default=0, ge=0, le=PPM)
    """Maximum permissible error of the meter's accuracy class [ppm]."""

    def to_limits(self) -> MeterLimits:
        """Return the limits."""
        due_ms = None if self.calibration_due is None else int(self.calibration_due.timestamp()) * 1000
        return MeterLimits(
            self.id, self.rated_overload_ppm, self.resolution_wh, self.modulus_wh, due_ms, self.permissible_error_ppm
        )


class CeilingEntry(BaseModel):
    """One `[[ceiling]]`: the largest power of an asset by time of year and day, as `heliograph ceiling` writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    asset: str
    ppm: list[list[int]]
    """24 half-months of 48 half-hours [ppm of nameplate]."""

    def to_ceiling(self) -> Ceiling:
        """Return the ceiling.

        Raises:
            ConfigError: the table is of another shape.

        """
        if {len(row) for row in self.ppm} != {HALF_HOURS}:
            raise ConfigError(f"ceiling of asset {self.asset}: a row has not {HALF_HOURS} entries")
        return Ceiling(tuple(ppm for row in self.ppm for ppm in row))


class RulesFile(BaseModel):
    """A rules file. Every node of a network has the same: reports carry a digest of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rated_overload_ppm: int = Field(default=Rules.rated_overload_ppm, ge=PPM, le=2 * PPM)
    ledger_interval: str = "1h"
    confirmations: int = Field(default=CONFIRMATIONS, ge=1, le=MAX_CONFIRMATIONS)
    """By how many readings a register must be confirmed more often than contradicted."""
    tariff: list[TariffEntry] = Field(min_length=1)
    factor: list[FactorEntry] = []
    asset: list[AssetEntry] = Field(min_length=1)
    meter: list[LimitsEntry] = []
    ceiling: list[CeilingEntry] = []

    @model_validator(mode="after")
    def _distinct(self) -> "RulesFile":
        for what, entries in (
            ("tariff", self.tariff),
            ("factor", self.factor),
            ("asset", self.asset),
            ("meter", self.meter),
        ):
            _require_once(what, [entry.id for entry in entries])
        _require_once("ceiling of asset", [entry.asset for entry in self.ceiling])
        if stray := {entry.asset for entry in self.ceiling} - {entry.id for entry in self.asset}:
            raise ValueError(f"a ceiling names asset {min(stray)!r}, which is not in the file")
        for asset in self.asset:
            if asset.tariff not in {entry.id for entry in self.tariff}:
                raise ValueError(f"asset {asset.id!r} names tariff {asset.tariff!r}, which is not in the file")
            for named in asset.factors:
                if named not in {entry.id for entry in self.factor} | set(shipped_factors()):
                    raise ValueError(f"asset {asset.id!r} names factor {named!r}, which is not in the file")
            vintages = [one.vintage for one in asset.later]
            if len(set(vintages)) != len(vintages):
                raise ValueError(f"asset {asset.id!r} has two factors from one vintage on")
        if shadowed := {entry.id for entry in self.factor} & set(shipped_factors()):
            raise ValueError(f"factor {min(shadowed)!r} is in the shipped table already: give yours another id")
        return self

    def to_rules(self) -> Rules:
        """Return the rules that the file states.

        Raises:
            ConfigError: an asset's methodology is unknown or does not credit by its factor, or the interval is no duration.

        """
        tariffs = {entry.id: Tariff(entry.id, entry.minor_per_mwh, entry.source) for entry in self.tariff}
        factors = {**shipped_factors(), **{entry.id: entry.to_factor() for entry in self.factor}}
        try:
            interval_ms = parse_duration_ms(self.ledger_interval)
        except ValueError as error:
            raise ConfigError(f"ledger_interval: {error}") from error
        return Rules(
            terms={
                entry.id: AssetTerms(
                    asset_id=entry.id,
                    tariff=tariffs[entry.tariff],
                    factor=factors[entry.factor] if entry.factor else None,
                    later={one.vintage: factors[one.factor] for one in entry.later},
                    methodology=entry.methodology,
                    deduction_ppm=entry.deduction_ppm,
                    document_sha256=entry.document_sha256,
                )
                for entry in self.asset
            },
            rated_overload_ppm=self.rated_overload_ppm,
            ledger_interval_ms=interval_ms,
            limits={entry.id: entry.to_limits() for entry in self.meter},
            confirmations=self.confirmations,
            ceilings={entry.asset: entry.to_ceiling() for entry in self.ceiling},
        )


def _require_once(what: str, names: list[str]) -> None:
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{what} {min(repeated)!r} is there more than once")


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
