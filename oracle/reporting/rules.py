"""Everything besides the readings and the registry that decides a figure, pinned in every report by one digest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import rfc8785

from oracle.errors import ConfigError
from oracle.metering.ceiling import Ceiling
from oracle.metering.meter import CONFIRMATIONS
from oracle.metering.reasons import Reason
from oracle.reporting.factors import require_whole
from oracle.reporting.keccak import keccak256
from oracle.reporting.terms import AssetTerms, carbon_members, terms_from_members

METHOD = "heliograph-settlement/2"
"""Name of the settlement and validation method; it changes with any change that could change a figure."""


@dataclass(frozen=True)
class MeterLimits:
    """Limits of one meter where they differ from the rules' own."""

    meter_id: str
    rated_overload_ppm: int
    resolution_wh: int
    modulus_wh: int | None
    calibration_due_ms: int | None = None
    """From when on the permissible error is taken off [ms UTC]; None if never."""
    permissible_error_ppm: int = 0
    """Maximum permissible error of the meter's accuracy class [ppm]."""

    def __post_init__(self) -> None:
        """Refuse a name that is no text, and what is no whole number; `metering.meter.Meter` says which of them make sense."""
        if not isinstance(self.meter_id, str):
            raise ConfigError(f"meter {self.meter_id!r}: meter_id must be text")
        for name in ("rated_overload_ppm", "resolution_wh", "permissible_error_ppm"):
            require_whole(f"meter {self.meter_id}: {name}", getattr(self, name))
        for name in ("modulus_wh", "calibration_due_ms"):
            if getattr(self, name) is not None:
                require_whole(f"meter {self.meter_id}: {name}", getattr(self, name))


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
    confirmations: int = CONFIRMATIONS
    """By how many readings a register must be confirmed more often than contradicted."""
    ceilings: Mapping[str, Ceiling] = field(default_factory=dict)
    """By asset id: largest power by time of year and day, where the site is known."""

    def __post_init__(self) -> None:
        """Refuse limits that are no whole numbers."""
        require_whole("confirmations", self.confirmations, 1)
        require_whole("rated_overload_ppm", self.rated_overload_ppm)
        require_whole("ledger_interval_ms", self.ledger_interval_ms, 1)

    def document(self) -> dict[str, object]:
        """Return the rules as a JSON object; its RFC 8785 form is what `digest` hashes."""
        return {
            "method": METHOD,
            "reasons": sorted(str(reason) for reason in Reason),
            "rated_overload_ppm": self.rated_overload_ppm,
            "ledger_interval_ms": self.ledger_interval_ms,
            "confirmations": self.confirmations,
            "ceilings": {asset_id: list(ceiling.ppm) for asset_id, ceiling in sorted(self.ceilings.items())},
            "limits": [asdict(self.limits[meter_id]) for meter_id in sorted(self.limits)],
            **carbon_members(self.terms),
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
        rules = Rules(
            terms=terms_from_members(document),
            rated_overload_ppm=document["rated_overload_ppm"],  # type: ignore[arg-type]
            ledger_interval_ms=document["ledger_interval_ms"],  # type: ignore[arg-type]
            confirmations=document["confirmations"],  # type: ignore[arg-type]
            ceilings={name: Ceiling(tuple(ppm)) for name, ppm in document["ceilings"].items()},  # type: ignore[attr-defined]
            limits={entry["meter_id"]: MeterLimits(**entry) for entry in document["limits"]},  # type: ignore[attr-defined]
        )
        same = rules.document() == document
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"rules are not readable: {error}") from error
    if not same:
        raise ConfigError(f"rules are of another method than {METHOD}, or carry unknown members")
    return rules
