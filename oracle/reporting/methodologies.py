"""Methodologies: which energy a credit may be claimed for, by which factor, and for how large a plant.

A methodology is an entry of `METHODOLOGIES`; a project names its own in the registry, the rules name it for the asset, and
they must agree. All of them claim baseline emissions = net electricity x combined margin, exports less imports, on
closed local days. They differ in what becomes of energy that is used on site:

    sun ──▶ inverters ──┬──▶ plant meter ──▶ grid       AMS-I.D, ACM0002: what is fed in
                        └──▶ own use                     AMS-I.F: what is generated, own use included
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from oracle.errors import ConfigError
from oracle.reporting.factors import SOLAR_OPERATING_WEIGHT_PPM, EmissionFactor, FactorKind

SMALL_SCALE_W = 15_000_000
"""Largest plant of a small-scale methodology [W] (CDM, type I)."""


@dataclass(frozen=True)
class Methodology:
    """What one methodology lets be claimed, for photovoltaic plants."""

    name: str
    """As the registry writes it, left-aligned in 32 bytes."""
    source: str
    counts_own_use: bool
    """Whether energy that is used on site counts."""
    largest_w: int | None
    """Largest plant that it is for [W]; None: any."""
    kinds: frozenset[FactorKind] = frozenset({FactorKind.COMBINED_MARGIN})
    """Kinds of factor that it credits by."""
    operating_weight_ppm: int = SOLAR_OPERATING_WEIGHT_PPM
    """Weight of the operating margin in its combined margin [ppm]."""

    @property
    def on_chain(self) -> bytes:
        """The name as the registry holds it (32 bytes)."""
        return self.name.encode("ascii").ljust(32, b"\0")

    def objection(self, factor: EmissionFactor) -> str | None:
        """Say why it does not credit by a factor; None if it does."""
        if factor.kind not in self.kinds:
            suitable = " or ".join(sorted(self.kinds))
            return f"factor {factor.factor_id} is of kind {factor.kind}; credits need a {suitable} factor"
        if factor.margins is not None and factor.margins.operating_weight_ppm != self.operating_weight_ppm:
            return (
                f"factor {factor.factor_id} weighs the operating margin by {factor.margins.operating_weight_ppm} ppm;"
                f" {self.name} takes {self.operating_weight_ppm} ppm for solar power"
            )
        return None


_ALL = (
    Methodology(
        name="AMS-I.D",
        source="CDM AMS-I.D, Grid connected renewable electricity generation, version 18.0",
        counts_own_use=False,
        largest_w=SMALL_SCALE_W,
    ),
    Methodology(
        name="ACM0002",
        source="CDM ACM0002, Grid-connected electricity generation from renewable sources, version 22.0",
        counts_own_use=False,
        largest_w=None,
    ),
    Methodology(
        name="AMS-I.F",
        source="CDM AMS-I.F, Renewable electricity generation for captive use and mini-grid, version 05.0",
        counts_own_use=True,
        largest_w=SMALL_SCALE_W,
    ),
)
METHODOLOGIES: Mapping[str, Methodology] = MappingProxyType({one.name: one for one in _ALL})
"""By name."""


def methodology_named(name: str) -> Methodology:
    """Return a methodology by its name.

    Raises:
        ConfigError: there is no such one here.

    """
    if name not in METHODOLOGIES:
        raise ConfigError(f"methodology {name!r} is none of {', '.join(METHODOLOGIES)}")
    return METHODOLOGIES[name]
