"""One case, settled at the end of each day and at moments within the fault, and what came of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from api.bench.metering.corpus.cases import Case
from api.bench.metering.corpus.truth import MS_PER_DAY
from api.bench.metering.scoring import (
    Flagged,
    attested_of_day_wh,
    day_wh,
    excess_wh,
    flagged,
    flags,
    lost_spans,
    still_withheld_wh,
    unattested_wh,
)
from api.bench.metering.verdict import Verdict

Settle = Callable[[Case, int], Mapping[str, Verdict]]
"""From a case and a cutoff [ms UTC] to verdicts by meter id."""
_MOMENTS_WITHIN = 4


@dataclass(frozen=True)
class CaseScore:
    """What settlement made of one case."""

    name: str
    seed: int
    note: str
    readings: Flagged
    wrongly_attested_ratio: float
    """Worst of all cutoffs and meters: attested above the truth, over the day's true energy."""
    wrongly_attested_wh: int
    """The same, not as a ratio [Wh]."""
    wrongly_withheld_ratio: float
    """Worst of all meters: not attested though knowable, over what was produced."""
    still_withheld_ratio: float
    """Worst of all meters: withheld at the end, a day after it was produced, over what was produced."""
    unattested_at_worst_ratio: float
    """Worst of all day ends: not attested of what was produced a day before, over the same; some of it returns."""
    attested_in_time_wh: int
    """Of each day, what was attested a day after its end; summed over days and meters [Wh]."""
    produced_wh: int
    """What these meters produced on these days [Wh]."""
    found_after_days: float | None
    """From the begin of the fault to the first day end at which readings since then are flagged."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Rejected readings and doubted steps by reason, of all meters, at the end."""

    @property
    def attested_in_time_ratio(self) -> float:
        """Share of what was produced that was attested a day later."""
        return self.attested_in_time_wh / max(self.produced_wh, 1)

    @property
    def returned_ratio(self) -> float:
        """What was not attested a day later at its worst, and is in the end, over what was produced until then."""
        return max(self.unattested_at_worst_ratio - self.wrongly_withheld_ratio, 0.0)


def score_case(case: Case, settle: Settle, *, keeps_energy: bool) -> CaseScore:
    """Settle a case at all its cutoffs and compare with the truth.

    Args:
        case: the series and its fault.
        settle: the settlement to be measured.
        keeps_energy: whether all energy is knowable once the fault is over.

    """
    day_ends = list(range(case.start_ms + MS_PER_DAY, case.end_ms + 1, MS_PER_DAY))
    worst, worst_wh, behind, in_time, produced = 0.0, 0, 0.0, 0, 0
    found: int | None = None
    at: Mapping[str, Verdict] = {}
    for cutoff_ms in sorted({*day_ends, *_moments(case)}):
        at = settle(case, cutoff_ms)
        for unit, record in zip(case.units, case.records, strict=True):
            over_wh = excess_wh(unit, record, at[unit.meter_id], cutoff_ms)
            ratio = over_wh / day_wh(case, unit, cutoff_ms)
            worst, worst_wh = max(worst, ratio), max(worst_wh, over_wh)
            day_ms = cutoff_ms - 2 * MS_PER_DAY
            if cutoff_ms in day_ends and day_ms >= case.start_ms:
                verdict = at[unit.meter_id]
                in_time += attested_of_day_wh(verdict, day_ms, day_ms + MS_PER_DAY)
                produced += day_wh(case, unit, day_ms + MS_PER_DAY)
                short_wh, of_wh = unattested_wh(unit, verdict, day_ms + MS_PER_DAY, [])
                behind = max(behind, short_wh / max(of_wh, 1))
        if found is None and cutoff_ms in day_ends and _is_found(case, at):
            found = cutoff_ms
    readings, reasons, unattested, withheld = _at_the_end(case, at, keeps_energy=keeps_energy)
    since = None if found is None or case.span is None else (found - case.span.start_ms) / MS_PER_DAY
    return CaseScore(
        name=case.name,
        seed=case.seed,
        note=case.note,
        readings=readings,
        wrongly_attested_ratio=worst,
        wrongly_attested_wh=worst_wh,
        wrongly_withheld_ratio=unattested,
        still_withheld_ratio=withheld,
        unattested_at_worst_ratio=behind,
        attested_in_time_wh=in_time,
        produced_wh=produced,
        found_after_days=since,
        reasons=reasons,
    )


def _moments(case: Case) -> list[int]:
    """Some instants within the fault, the same for the same case [ms UTC]."""
    if case.span is None or case.span.end_ms - case.span.start_ms > (case.end_ms - case.start_ms) // 2:
        return []
    chance = np.random.default_rng([case.seed, case.span.start_ms])
    return [int(moment) for moment in chance.integers(case.span.start_ms, case.span.end_ms, size=_MOMENTS_WITHIN)]


def _is_found(case: Case, at: Mapping[str, Verdict]) -> bool:
    """Whether a reading of a faulty meter, taken since the fault began, is flagged."""
    span = case.span
    return span is not None and any(
        bool((flags(record, at[unit.meter_id]) & (record.known_ms >= span.start_ms)).any())
        for unit, record in zip(case.units, case.records, strict=True)
        if bool(record.faulty.any())
    )


def _at_the_end(
    case: Case, at: Mapping[str, Verdict], *, keeps_energy: bool
) -> tuple[Flagged, Mapping[str, int], float, float]:
    """Return the flags, their reasons, and the worst shares of energy that is not attested and that is still withheld."""
    readings = Flagged()
    unattested, withheld = 0.0, 0.0
    reasons: Counter[str] = Counter()
    until_ms = case.end_ms - MS_PER_DAY
    for unit, record in zip(case.units, case.records, strict=True):
        verdict = at[unit.meter_id]
        readings += flagged(unit, record, verdict)
        lost = [] if keeps_energy else lost_spans(record, verdict)
        short_wh, of_wh = unattested_wh(unit, verdict, until_ms, lost)
        unattested = max(unattested, short_wh / max(of_wh, 1))
        withheld = max(withheld, still_withheld_wh(verdict, until_ms) / max(of_wh, 1))
        reasons.update(verdict.reasons)
    return readings, dict(reasons), unattested, withheld
