"""Watt-hours to grams and money. Always of a cumulative figure, always rounded down: no interval length can gain a unit."""

from oracle.reporting.rules import EmissionFactor, Tariff

WH_PER_MWH = 1_000_000


def avoided_grams_down(energy_wh: int, factor: EmissionFactor | None) -> int:
    """Avoided emissions [gCO2e] of cumulative net energy [Wh]; nothing without a factor or with a net deficit.

    Source: CDM methodology AMS-I.D, baseline emissions = net electricity fed in x grid emission factor.
    """
    if factor is None or energy_wh <= 0:
        return 0
    return energy_wh * factor.g_per_mwh // WH_PER_MWH


def revenue_minor_down(energy_wh: int, tariff: Tariff) -> int:
    """Revenue [minor units] of cumulative fed-in energy [Wh]."""
    return max(energy_wh, 0) * tariff.minor_per_mwh // WH_PER_MWH
