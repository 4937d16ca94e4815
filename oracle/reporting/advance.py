"""From one report's statements to the next: what was stated only ever rises, for the asset as a whole.

A later reading can show that energy belongs to another vintage, or that it never was. What a vintage has once stated may already be in
somebody's wallet, so it stays; the asset issues nothing more, in any vintage, until its total has climbed past what is stated.

    stated      2025: 60   2026:  0        sum 60
    settled     2025:  0   2026: 75        sum 75      a late reading moved 60 into 2026, and 15 were produced since
    stated      2025: 60   2026: 15        sum 75

So the sum over vintages is the highest total ever settled, and no watt-hour is stated twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from oracle.errors import ReportError
from oracle.metering.interval import vintage_of
from oracle.reporting.emissions import avoided_grams_down, revenue_minor_down
from oracle.reporting.statement import Counter, Statement, first_statement

ByVintage = Mapping[int, int]


@dataclass(frozen=True)
class Settled:
    """What one asset's readings come to at a cutoff, and the terms that turn it into carbon and money."""

    cutoff_s: int
    energy_wh: ByVintage
    """Attested energy since commissioning by vintage [Wh]."""
    carbon_wh: ByVintage
    """Net energy that may claim carbon by vintage [Wh]."""
    factor_g_per_mwh: int
    """gCO2e per MWh; 0 without a right to credits."""
    tariff_minor_per_mwh: int
    """Minor units per MWh."""

    def members(self) -> dict[str, Any]:
        """JSON members, as the settlement document carries them."""
        return {
            "cutoff": self.cutoff_s,
            "energy_wh": {str(vintage): wh for vintage, wh in sorted(self.energy_wh.items())},
            "carbon_wh": {str(vintage): wh for vintage, wh in sorted(self.carbon_wh.items())},
            "factor_g_per_mwh": self.factor_g_per_mwh,
            "tariff_minor_per_mwh": self.tariff_minor_per_mwh,
        }

    @classmethod
    def from_members(cls, members: Mapping[str, Any]) -> "Settled":
        """Read what `members` wrote.

        Raises:
            ReportError: a member is missing, or not what it should be.

        """
        try:
            settled = cls(
                cutoff_s=members["cutoff"],
                energy_wh={int(vintage): wh for vintage, wh in members["energy_wh"].items()},
                carbon_wh={int(vintage): wh for vintage, wh in members["carbon_wh"].items()},
                factor_g_per_mwh=members["factor_g_per_mwh"],
                tariff_minor_per_mwh=members["tariff_minor_per_mwh"],
            )
            figures = [settled.cutoff_s, settled.factor_g_per_mwh, settled.tariff_minor_per_mwh]
            figures += [*settled.energy_wh.values(), *settled.carbon_wh.values()]
            sound = all(type(figure) is int and figure >= 0 for figure in figures)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ReportError(f"a settlement is not readable: {error!r}") from error
        if not sound or settled.members() != {name: members[name] for name in settled.members()}:
            raise ReportError("a settlement holds something that is no whole number")
        return settled


def advance(
    asset_id: str, utc_offset_s: int, before: Mapping[int, Statement], settled: Settled, evidence_root: bytes
) -> dict[int, Statement]:
    """Move one asset's statements on to what is settled now.

    Args:
        asset_id: the asset.
        utc_offset_s: its local time minus UTC [s].
        before: its statements in the previous report, by vintage.
        settled: what its readings come to.
        evidence_root: hash chain of what stands behind them, up to now.

    Returns:
        Its statements by vintage. No counter falls; energy summed over vintages is the highest total so far, and in no
        vintage do grams exceed energy x factor.

    """
    current = vintage_of(settled.cutoff_s * 1000 - 1, utc_offset_s)
    vintages = sorted({current, *before, *settled.energy_wh, *settled.carbon_wh})
    statements = {vintage: before.get(vintage) or first_statement(asset_id, vintage) for vintage in vintages}
    energy_wh = raised({v: s.energy_wh.net for v, s in statements.items()}, settled.energy_wh)
    claimed_g = {v: avoided_grams_down(wh, settled.factor_g_per_mwh) for v, wh in settled.carbon_wh.items()}
    credits_g = raised({v: s.credits_g.net for v, s in statements.items()}, claimed_g)
    return {
        vintage: replace(
            statement,
            energy_wh=_issued(statement.energy_wh, energy_wh[vintage]),
            credits_g=_issued(
                statement.credits_g,
                min(credits_g[vintage], avoided_grams_down(energy_wh[vintage], settled.factor_g_per_mwh)),
            ),
            revenue_minor=_issued(
                statement.revenue_minor, revenue_minor_down(energy_wh[vintage], settled.tariff_minor_per_mwh)
            ),
            cutoff_s=settled.cutoff_s,
            evidence_root=evidence_root,
        )
        for vintage, statement in statements.items()
    }


def raised(stated: ByVintage, settled: ByVintage) -> dict[int, int]:
    """Raise stated figures towards settled ones by no more than the sum has grown; the oldest vintage first, none falls."""
    growth = sum(settled.values()) - sum(stated.values())
    figures = dict(stated)
    for vintage in sorted({*stated, *settled}):
        rise = min(max(settled.get(vintage, 0) - figures.get(vintage, 0), 0), max(growth, 0))
        figures[vintage] = figures.get(vintage, 0) + rise
        growth -= rise
    return figures


def _issued(counter: Counter, target: int) -> Counter:
    """Issue what is missing to a target; a counter that stands higher stays."""
    return replace(counter, issued=counter.issued + max(target - counter.net, 0))
