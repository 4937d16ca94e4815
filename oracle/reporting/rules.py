"""What turns energy into carbon and money: factors and tariffs with their source, pinned in every report by one digest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

import rfc8785

from oracle.errors import ConfigError
from oracle.metering.validation import Reason
from oracle.reporting.keccak import keccak256

METHOD = "heliograph-settlement/1"
"""Name of the settlement and validation method; it changes with any change that could change a figure."""


class FactorKind(StrEnum):
    """What an emission factor measures; only a combined margin may be used to issue credits."""

    COMBINED_MARGIN = "combined_margin"
    OPERATING_MARGIN = "operating_margin"
    BUILD_MARGIN = "build_margin"
    AVERAGE_CONSUMPTION = "average_consumption"
    MARGINAL = "marginal"


def _require_whole(what: str, number: int, least: int = 0) -> None:
    if type(number) is not int or number < least:
        raise ConfigError(f"{what} is {number!r}, expected a whole number from {least} on")


@dataclass(frozen=True)
class EmissionFactor:
    """Emissions avoided by a megawatt-hour fed into a grid."""

    factor_id: str
    g_per_mwh: int
    """gCO2e per MWh."""
    kind: FactorKind
    year: int
    """Year the factor describes or was published for."""
    source: str

    def __post_init__(self) -> None:
        """Refuse what no carbon can be computed with."""
        _require_whole(f"factor {self.factor_id}: g_per_mwh", self.g_per_mwh)
        _require_whole(f"factor {self.factor_id}: year", self.year)


@dataclass(frozen=True)
class Tariff:
    """What the off-taker owes for a megawatt-hour."""

    tariff_id: str
    minor_per_mwh: int
    """Minor units of the currency per MWh (1 HKD = 1 000 000 minor units)."""
    source: str

    def __post_init__(self) -> None:
        """Refuse what no money can be computed with."""
        _require_whole(f"tariff {self.tariff_id}: minor_per_mwh", self.minor_per_mwh)


@dataclass(frozen=True)
class AssetTerms:
    """Which tariff and which factor apply to one asset."""

    asset_id: str
    tariff: Tariff
    factor: EmissionFactor | None
    """None where the asset has no right to credits."""

    def __post_init__(self) -> None:
        """Refuse to credit with anything but a combined margin."""
        if self.factor is not None and self.factor.kind is not FactorKind.COMBINED_MARGIN:
            raise ConfigError(
                f"asset {self.asset_id}: factor {self.factor.factor_id} is of kind {self.factor.kind}; credits need a"
                f" {FactorKind.COMBINED_MARGIN} factor"
            )


@dataclass(frozen=True)
class MeterLimits:
    """Limits of one meter where they differ from the rules' own."""

    meter_id: str
    rated_overload_ppm: int
    resolution_wh: int
    modulus_wh: int | None

    def __post_init__(self) -> None:
        """Refuse what is no whole number; `metering.meter.Meter` says which of them make sense."""
        _require_whole(f"meter {self.meter_id}: rated_overload_ppm", self.rated_overload_ppm)
        _require_whole(f"meter {self.meter_id}: resolution_wh", self.resolution_wh)
        if self.modulus_wh is not None:
            _require_whole(f"meter {self.meter_id}: modulus_wh", self.modulus_wh)


@dataclass(frozen=True)
class Rules:
    """Everything besides the readings and the registry that decides a figure."""

    terms: Mapping[str, AssetTerms]
    """By asset id."""
    rated_overload_ppm: int = 1_100_000
    """Largest plausible mean power over nameplate [ppm]."""
    ledger_interval_ms: int = 3_600_000
    """Length of a ledger interval [ms]."""
    limits: Mapping[str, MeterLimits] = field(default_factory=dict)
    """By meter id: meters with limits of their own."""

    def __post_init__(self) -> None:
        """Refuse limits that are no whole numbers."""
        _require_whole("rated_overload_ppm", self.rated_overload_ppm)
        _require_whole("ledger_interval_ms", self.ledger_interval_ms, 1)

    def document(self) -> dict[str, object]:
        """Return the rules as a JSON object; its RFC 8785 form is what `digest` hashes."""
        return {
            "method": METHOD,
            "reasons": sorted(str(reason) for reason in Reason),
            "rated_overload_ppm": self.rated_overload_ppm,
            "ledger_interval_ms": self.ledger_interval_ms,
            "limits": [asdict(self.limits[meter_id]) for meter_id in sorted(self.limits)],
            "terms": [asdict(self.terms[asset_id]) for asset_id in sorted(self.terms)],
        }

    @property
    def digest(self) -> bytes:
        """keccak256 of the canonical JSON of the rules (32 bytes)."""
        return keccak256(rfc8785.dumps(self.document()))  # type: ignore[arg-type]  # its type admits no nested object type

    def terms_of(self, asset_id: str) -> AssetTerms:
        """Terms of one asset.

        Raises:
            ConfigError: the rules have none for it.

        """
        if asset_id not in self.terms:
            raise ConfigError(f"asset {asset_id}: the rules name no tariff for it")
        return self.terms[asset_id]


def rules_from_document(document: Mapping[str, object]) -> Rules:
    """Rebuild rules from their JSON object, as a proof carries it. Whoever calls compares the digest.

    Raises:
        ConfigError: the object is not one that `Rules.document` writes.

    """
    try:
        terms = {}
        for entry in document["terms"]:  # type: ignore[attr-defined]  # wrong shapes end in the except below
            factor = entry["factor"]
            terms[entry["asset_id"]] = AssetTerms(
                asset_id=entry["asset_id"],
                tariff=Tariff(**entry["tariff"]),
                factor=None if factor is None else EmissionFactor(**{**factor, "kind": FactorKind(factor["kind"])}),
            )
        rules = Rules(
            terms=terms,
            rated_overload_ppm=document["rated_overload_ppm"],  # type: ignore[arg-type]
            ledger_interval_ms=document["ledger_interval_ms"],  # type: ignore[arg-type]
            limits={entry["meter_id"]: MeterLimits(**entry) for entry in document["limits"]},  # type: ignore[attr-defined]
        )
        same = rules.document() == document
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"rules are not readable: {error}") from error
    if not same:
        raise ConfigError(f"rules are of another method than {METHOD}, or carry unknown members")
    return rules
