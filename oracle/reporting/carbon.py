"""An asset's energy under its terms: which factors apply to it, or why it gets no credits."""

from collections.abc import Mapping

from oracle.metering.interval import vintage_of
from oracle.reporting.advance import Settled
from oracle.reporting.eligibility import credit_refusal
from oracle.reporting.net_energy import NetEnergy
from oracle.reporting.registry import ListedAsset
from oracle.reporting.terms import AssetTerms


def come_to_terms(
    listed: ListedAsset, terms: AssetTerms, cutoff_s: int, energy_wh: Mapping[int, int], net: NetEnergy
) -> Settled:
    """Say what an asset's energy comes to.

    Args:
        listed: what the registry says of the asset.
        terms: what the rules say of it.
        cutoff_s: instant up to which readings were considered [s UTC].
        energy_wh: attested energy by vintage [Wh].
        net: its net electricity on closed local days.

    """
    carbon_wh = net.claimable_wh
    refusal = credit_refusal(listed, terms)
    crossing_wh: dict[int, int] = {}
    for (vintage, _), crossed_wh in net.crossing_wh.items():
        crossing_wh[vintage] = crossing_wh.get(vintage, 0) + crossed_wh
    factors: dict[int, int] = {}
    lower: dict[int, int] = {}
    if refusal is None:
        current = vintage_of(cutoff_s * 1000 - 1, listed.asset.utc_offset_s)
        factors = {vintage: _g_per_mwh(terms, vintage) for vintage in {current, *energy_wh, *carbon_wh}}
        for vintage, last in net.crossing_wh:
            lowest = min(_g_per_mwh(terms, year) for year in range(vintage, last + 1))
            lower[vintage] = min(lower.get(vintage, lowest), lowest)
    return Settled(
        cutoff_s=cutoff_s,
        energy_wh=energy_wh,
        carbon_wh=carbon_wh,
        crossing_wh=crossing_wh,
        factor_g_per_mwh=factors,
        lower_g_per_mwh=lower,
        deduction_ppm=terms.deduction_ppm,
        credit_refusal=str(refusal or ""),
        tariff_minor_per_mwh=terms.tariff.minor_per_mwh,
    )


def _g_per_mwh(terms: AssetTerms, vintage: int) -> int:
    factor = terms.factor_of(vintage)
    return factor.g_per_mwh if factor else 0
