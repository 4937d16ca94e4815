"""What an asset's energy is worth: tariff, factors and methodology, and what is deducted from its credits."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from oracle.errors import ConfigError
from oracle.metering.ceiling import PPM
from oracle.reporting.factors import EmissionFactor, FactorKind, Margins, require_whole
from oracle.reporting.methodologies import Methodology, methodology_named

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Tariff:
    """What the off-taker owes for a megawatt-hour."""

    tariff_id: str
    minor_per_mwh: int
    """Minor units of the currency per MWh (1 HKD = 1 000 000 minor units)."""
    source: str

    def __post_init__(self) -> None:
        """Refuse what no money can be computed with, and names that are no text."""
        if not isinstance(self.tariff_id, str) or not isinstance(self.source, str):
            raise ConfigError(f"tariff {self.tariff_id}: tariff_id and source must be texts")
        require_whole(f"tariff {self.tariff_id}: minor_per_mwh", self.minor_per_mwh)


@dataclass(frozen=True)
class AssetTerms:
    """Which tariff and which factors apply to one asset, and how its credits are counted."""

    asset_id: str
    tariff: Tariff
    factor: EmissionFactor | None
    """Factor of all vintages before the first of `later`; None where the asset gets no credits."""
    later: Mapping[int, EmissionFactor] = field(default_factory=dict)
    """Factors that apply instead, by the vintage from which they do."""
    methodology: str = "AMS-I.D"
    """Name of the methodology; the registry's must be the same."""
    deduction_ppm: int = 0
    """Share of the credits that is never claimed, for uncertainty [ppm]."""
    document_sha256: str | None = None
    """SHA-256 (hex) of the document that grants the claim right; None: whichever the registry names."""

    def __post_init__(self) -> None:
        """Refuse to credit with a factor that the methodology does not take."""
        if not isinstance(self.asset_id, str):
            raise ConfigError(f"asset {self.asset_id!r}: asset_id must be text")
        method = methodology_named(self.methodology)
        require_whole(f"asset {self.asset_id}: deduction_ppm", self.deduction_ppm, most=PPM)
        if self.later and self.factor is None:
            raise ConfigError(f"asset {self.asset_id}: has later factors and no first one")
        for vintage in self.later:
            require_whole(f"asset {self.asset_id}: vintage", vintage)
        for factor in self.factors:
            if objection := method.objection(factor):
                raise ConfigError(f"asset {self.asset_id}: {objection}")
        if self.document_sha256 is not None and not _SHA256.fullmatch(str(self.document_sha256)):
            raise ConfigError(f"asset {self.asset_id}: document_sha256 is not 64 lower-case hexadecimal digits")

    @property
    def factors(self) -> tuple[EmissionFactor, ...]:
        """All factors, in the order of their vintages."""
        first = () if self.factor is None else (self.factor,)
        return (*first, *(self.later[vintage] for vintage in sorted(self.later)))

    @property
    def method(self) -> Methodology:
        """The methodology."""
        return methodology_named(self.methodology)

    def factor_of(self, vintage: int) -> EmissionFactor | None:
        """Return the factor of a vintage; None where the asset gets no credits."""
        since = max((first for first in self.later if first <= vintage), default=None)
        return self.factor if since is None else self.later[since]


def carbon_members(terms: Mapping[str, AssetTerms]) -> dict[str, object]:
    """Return the members of the rules' document that terms make up."""
    return {"terms": [_to_members(terms[asset_id]) for asset_id in sorted(terms)]}


def _to_members(terms: AssetTerms) -> dict[str, object]:
    later = [{"from": vintage, "factor": asdict(terms.later[vintage])} for vintage in sorted(terms.later)]
    # Not asdict of the whole: JSON has no whole numbers as names.
    return {
        "asset_id": terms.asset_id,
        "tariff": asdict(terms.tariff),
        "factor": None if terms.factor is None else asdict(terms.factor),
        "later": later,
        "methodology": terms.methodology,
        "deduction_ppm": terms.deduction_ppm,
        "document_sha256": terms.document_sha256,
    }


def terms_from_members(document: Mapping[str, object]) -> dict[str, AssetTerms]:
    """Read what `carbon_members` wrote; whoever calls makes sure that it is written the same again.

    Raises:
        KeyError, TypeError, ValueError, ConfigError: a member is missing, or not what it should be.

    """
    terms = {}
    for entry in document["terms"]:  # type: ignore[attr-defined]  # wrong shapes end in the errors named
        terms[entry["asset_id"]] = AssetTerms(
            asset_id=entry["asset_id"],
            tariff=Tariff(**entry["tariff"]),
            factor=None if entry["factor"] is None else _factor(entry["factor"]),
            later={one["from"]: _factor(one["factor"]) for one in entry["later"]},
            methodology=entry["methodology"],
            deduction_ppm=entry["deduction_ppm"],
            document_sha256=entry["document_sha256"],
        )
    return terms


def _factor(members: Mapping[str, Any]) -> EmissionFactor:
    margins = members["margins"]
    read = {"kind": FactorKind(members["kind"]), "margins": None if margins is None else Margins(**margins)}
    return EmissionFactor(**{**members, **read})
