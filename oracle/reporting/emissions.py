"""Watt-hours to grams and money. Always of a cumulative figure, always rounded down: no interval length can gain a unit."""

from oracle.metering.ceiling import PPM

WH_PER_MWH = 1_000_000


def avoided_grams_down(energy_wh: int, factor_g_per_mwh: int) -> int:
    """Avoided emissions [gCO2e] of cumulative net energy [Wh]; nothing with a net deficit.

    Source: CDM methodology AMS-I.D, baseline emissions = net electricity fed in x grid emission factor.
    """
    return max(energy_wh, 0) * factor_g_per_mwh // WH_PER_MWH


def credited_grams_down(
    energy_wh: int, factor_g_per_mwh: int, *, crossing_wh: int = 0, lower_g_per_mwh: int = 0, deduction_ppm: int = 0
) -> int:
    """Credits [gCO2e] of a vintage's cumulative net energy [Wh], rounded down once.

    Of the energy, up to `crossing_wh` comes from register differences that end in a later vintage; it counts at the lower
    of the factors that it may belong to. `deduction_ppm` of all of it is not claimed.
    """
    whole_wh = max(energy_wh, 0)
    lower_wh = min(crossing_wh, whole_wh)
    grams = (whole_wh - lower_wh) * factor_g_per_mwh + lower_wh * min(lower_g_per_mwh, factor_g_per_mwh)
    return grams * (PPM - deduction_ppm) // (WH_PER_MWH * PPM)


def revenue_minor_down(energy_wh: int, tariff_minor_per_mwh: int) -> int:
    """Revenue [minor units] of cumulative fed-in energy [Wh]."""
    return max(energy_wh, 0) * tariff_minor_per_mwh // WH_PER_MWH
