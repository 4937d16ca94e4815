"""Watt-hours to grams and money. Always of a cumulative figure, always rounded down: no interval length can gain a unit."""

WH_PER_MWH = 1_000_000


def avoided_grams_down(energy_wh: int, factor_g_per_mwh: int) -> int:
    """Avoided emissions [gCO2e] of cumulative net energy [Wh]; nothing with a net deficit.

    Source: CDM methodology AMS-I.D, baseline emissions = net electricity fed in x grid emission factor.
    """
    return max(energy_wh, 0) * factor_g_per_mwh // WH_PER_MWH


def revenue_minor_down(energy_wh: int, tariff_minor_per_mwh: int) -> int:
    """Revenue [minor units] of cumulative fed-in energy [Wh]."""
    return max(energy_wh, 0) * tariff_minor_per_mwh // WH_PER_MWH
