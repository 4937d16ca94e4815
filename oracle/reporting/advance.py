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
from typing import Any, TypeVar

from oracle.errors import ReportError
from oracle.metering.ceiling import PPM
from oracle.metering.interval import vintage_of
from oracle.reporting.emissions import avoided_grams_down, credited_grams_down, revenue_minor_down
from oracle.reporting.statement import Counter, Statement, first_statement

ByVintage = Mapping[int, int]
Period = TypeVar("Period", bound=int | tuple[int, str])
"""A vintage, or the start of an interval with what it is of: in the order of time."""
_BY_VINTAGE = ("energy_wh", "carbon_wh", "crossing_wh", "factor_g_per_mwh", "lower_g_per_mwh")
"""Members of a settlement that are by vintage."""


@dataclass(frozen=True)
class Settled:
    """What one asset's readings come to at a cutoff, and the terms that turn it into carbon and money."""

    cutoff_s: int
    energy_wh: ByVintage
    """Attested energy since commissioning by vintage [Wh]."""
    carbon_wh: ByVintage
    """Net energy that may claim carbon by vintage [Wh]."""
    crossing_wh: ByVintage
    """Of it, at most so much [Wh] comes from register differences that end in a later vintage."""
    factor_g_per_mwh: ByVintage
    """gCO2e per MWh by vintage; none without a right to credits."""
    lower_g_per_mwh: ByVintage
    """gCO2e per MWh of what crosses the end of a vintage: the lowest of the vintages that it may belong to."""
    deduction_ppm: int
    """Share of the credits that is not claimed [ppm]."""
    credit_refusal: str
    """Why there are no credits; empty where there are."""
    tariff_minor_per_mwh: int
    """Minor units per MWh."""

    def credits_g_down(self, vintage: int) -> int:
        """Credits of a vintage [gCO2e]."""
        return credited_grams_down(
            self.carbon_wh.get(vintage, 0),
            self.factor_g_per_mwh.get(vintage, 0),
            crossing_wh=self.crossing_wh.get(vintage, 0),
            lower_g_per_mwh=self.lower_g_per_mwh.get(vintage, 0),
            deduction_ppm=self.deduction_ppm,
        )

    def members(self) -> dict[str, Any]:
        """JSON members, as the settlement document carries them."""
        by_vintage = {
            name: {str(vintage): figure for vintage, figure in sorted(getattr(self, name).items())}
            for name in _BY_VINTAGE
        }
        return {
            "cutoff": self.cutoff_s,
            **by_vintage,
            "deduction_ppm": self.deduction_ppm,
            "credit_refusal": self.credit_refusal,
            "tariff_minor_per_mwh": self.tariff_minor_per_mwh,
        }

    @classmethod
    def from_members(cls, members: Mapping[str, Any]) -> "Settled":
        """Read what `members` wrote.

        Raises:
            ReportError: a member is missing, or not what it should be.

        """
        try:
            by_vintage = {
                name: {int(vintage): figure for vintage, figure in members[name].items()} for name in _BY_VINTAGE
            }
            settled = cls(
                cutoff_s=members["cutoff"],
                deduction_ppm=members["deduction_ppm"],
                credit_refusal=members["credit_refusal"],
                tariff_minor_per_mwh=members["tariff_minor_per_mwh"],
                **by_vintage,
            )
            figures = [settled.cutoff_s, settled.deduction_ppm, settled.tariff_minor_per_mwh]
            figures += [figure for named in by_vintage.values() for figure in named.values()]
            sound = all(type(figure) is int and figure >= 0 for figure in figures)
            sound = sound and settled.deduction_ppm <= PPM and isinstance(settled.credit_refusal, str)
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
    claimed_g = {v: settled.credits_g_down(v) for v in settled.carbon_wh}
    credits_g = raised({v: s.credits_g.net for v, s in statements.items()}, claimed_g)
    return {
        vintage: replace(
            statement,
            energy_wh=_issued(statement.energy_wh, energy_wh[vintage]),
            credits_g=_issued(
                statement.credits_g,
                min(
                    credits_g[vintage], avoided_grams_down(energy_wh[vintage], settled.factor_g_per_mwh.get(vintage, 0))
                ),
            ),
            revenue_minor=_issued(
                statement.revenue_minor, revenue_minor_down(energy_wh[vintage], settled.tariff_minor_per_mwh)
            ),
            cutoff_s=settled.cutoff_s,
            evidence_root=evidence_root,
        )
        for vintage, statement in statements.items()
    }


def raised(stated: Mapping[Period, int], settled: Mapping[Period, int]) -> dict[Period, int]:
    """Raise stated figures towards settled ones by no more than the sum has grown; the oldest period first, none falls."""
    growth = sum(settled.values()) - sum(stated.values())
    figures = dict(stated)
    for period in sorted({*stated, *settled}):
        rise = min(max(settled.get(period, 0) - figures.get(period, 0), 0), max(growth, 0))
        figures[period] = figures.get(period, 0) + rise
        growth -= rise
    return figures


def _issued(counter: Counter, target: int) -> Counter:
    """Issue what is missing to a target; a counter that stands higher stays."""
    return replace(counter, issued=counter.issued + max(target - counter.net, 0))
