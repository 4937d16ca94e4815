"""Scores of many cases as figures by fault: the worst over seeds. PURE."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from api.bench.metering.case_score import CaseScore
from api.bench.metering.corpus.catalogue import BY_NAME, Fault
from api.bench.metering.scoring import Flagged

MOST_WRONGLY_ATTESTED = 0.001
LEAST_DETECTED = 0.99
MOST_FALSE_ALARMS = 0.001
LEAST_ATTESTED = 0.97
MOST_STILL_WITHHELD = 0.001
LATEST_DRIFT_DAYS = 30.0


@dataclass(frozen=True)
class FaultFigures:
    """One fault over all its cases."""

    fault: Fault
    scores: tuple[CaseScore, ...]

    @property
    def readings(self) -> Flagged:
        """Counts over all cases."""
        return sum((score.readings for score in self.scores), Flagged())

    @property
    def least_detected(self) -> tuple[int, float]:
        """Return the seed in which the least share of faulty readings is flagged, and that share."""
        seeds = sorted({score.seed for score in self.scores})
        of_seed = {
            seed: sum((score.readings for score in self.scores if score.seed == seed), Flagged()).detected_ratio
            for seed in seeds
        }
        least = min(seeds, key=lambda seed: of_seed[seed])
        return least, of_seed[least]

    def worst(self, of: Callable[[CaseScore], float]) -> CaseScore:
        """Return the case in which a figure is largest."""
        return max(self.scores, key=of)

    @property
    def found_after_days(self) -> float | None:
        """Latest finding of all cases; None if one was never found."""
        days = [score.found_after_days for score in self.scores]
        return None if None in days else max(day for day in days if day is not None)

    @property
    def misses(self) -> list[str]:
        """Goals that are not met, in words."""
        if self.fault.is_drift:
            days = self.found_after_days
            if days is not None and days <= LATEST_DRIFT_DAYS:
                return []
            late = self.worst(_lateness)
            return [f"found after {days} days, seed {late.seed} ({late.note})"]
        found = []
        attested, withheld = self.worst(_attested), self.worst(_still_withheld)
        if attested.wrongly_attested_ratio > MOST_WRONGLY_ATTESTED:
            found.append(f"attested {attested.wrongly_attested_ratio:.2%} too much, {_where(attested)}")
        if self.readings.detected_ratio < LEAST_DETECTED:
            found.append(f"flagged {self.readings.detected_ratio:.1%}, least: {_where(self.worst(_missed))}")
        if not self.fault.lasts and withheld.still_withheld_ratio > MOST_STILL_WITHHELD:
            found.append(f"still withheld {withheld.still_withheld_ratio:.2%}, {_where(withheld)}")
        return found

    def to_json(self) -> dict[str, Any]:
        """The keys of the JSON result."""
        readings = self.readings
        attested, withheld = self.worst(_attested), self.worst(_unattested)
        least_seed, least_detected = self.least_detected
        reasons: Counter[str] = Counter()
        for score in self.scores:
            reasons.update(score.reasons)
        return {
            "name": self.fault.name,
            "about": self.fault.about,
            "cases": len(self.scores),
            "faulty_readings": readings.faulty,
            "missed_readings": readings.faulty - readings.faulty_flagged,
            "detected_ratio": round(least_detected, 6),
            "detected_of_all_ratio": round(readings.detected_ratio, 6),
            "wrongly_attested_ratio": round(attested.wrongly_attested_ratio, 6),
            "wrongly_attested_wh": max(score.wrongly_attested_wh for score in self.scores),
            "wrongly_withheld_ratio": round(withheld.wrongly_withheld_ratio, 6),
            "still_withheld_ratio": round(self.worst(_still_withheld).still_withheld_ratio, 6),
            "returned_ratio": round(max(score.returned_ratio for score in self.scores), 6),
            "sound_flagged_ratio": round(readings.false_alarm_ratio, 6),
            "found_after_days": None if self.found_after_days is None else round(self.found_after_days, 1),
            "worst_seeds": {
                "detected": least_seed, "wrongly_attested": attested.seed, "wrongly_withheld": withheld.seed,
            },
            "reasons": dict(sorted(reasons.items())),
            "misses": self.misses,
        }  # fmt: skip


@dataclass(frozen=True)
class MeteringFigures:
    """All that a run has come to."""

    faults: tuple[FaultFigures, ...]
    sound: tuple[CaseScore, ...]

    @property
    def clean_readings(self) -> Flagged:
        """Counts over all sound series."""
        return sum((score.readings for score in self.sound), Flagged())

    @property
    def clean_false_alarm_ratio(self) -> float | None:
        """Share of flagged readings on the sound series on which it is largest."""
        return max((score.readings.false_alarm_ratio for score in self.sound), default=None)

    @property
    def clean_attested_ratio(self) -> float | None:
        """Share attested a day later on the sound series on which it is smallest."""
        return min((score.attested_in_time_ratio for score in self.sound), default=None)

    @property
    def misses(self) -> list[str]:
        """Goals that are not met, in words."""
        missed = [f"{one.fault.name}: {miss}" for one in self.faults for miss in one.misses]
        alarms, attested = self.clean_false_alarm_ratio, self.clean_attested_ratio
        if alarms is not None and alarms >= MOST_FALSE_ALARMS:
            worst = max(self.sound, key=lambda score: score.readings.false_alarm_ratio)
            missed.append(f"sound {worst.name}: {alarms:.2%} flagged, {_where(worst)}")
        if attested is not None and attested < LEAST_ATTESTED:
            least = min(self.sound, key=lambda score: score.attested_in_time_ratio)
            missed.append(f"sound {least.name}: {attested:.1%} attested a day later, {_where(least)}")
        return missed

    def to_json(self) -> dict[str, Any]:
        """The keys of the JSON result."""
        alarms, attested = self.clean_false_alarm_ratio, self.clean_attested_ratio
        return {
            "faults": [one.to_json() for one in self.faults],
            "clean_false_alarm_ratio": None if alarms is None else round(alarms, 6),
            "clean_attested_ratio": None if attested is None else round(attested, 6),
            "clean_false_alarm_of_all_ratio": round(self.clean_readings.false_alarm_ratio, 6),
            "clean_readings": self.clean_readings.sound,
            "misses": self.misses,
        }


def gather(scores: Iterable[CaseScore]) -> MeteringFigures:
    """Sort scores by fault, in the order of the catalogue."""
    listed: Sequence[CaseScore] = list(scores)
    of_fault = {name: tuple(score for score in listed if score.name == name) for name in BY_NAME}
    return MeteringFigures(
        tuple(FaultFigures(BY_NAME[name], some) for name, some in of_fault.items() if some),
        tuple(score for score in listed if score.name not in BY_NAME),
    )


def _attested(score: CaseScore) -> float:
    return score.wrongly_attested_ratio


def _unattested(score: CaseScore) -> float:
    return score.wrongly_withheld_ratio


def _still_withheld(score: CaseScore) -> float:
    return score.still_withheld_ratio


def _missed(score: CaseScore) -> float:
    return 1.0 - score.readings.detected_ratio


def _lateness(score: CaseScore) -> float:
    return math.inf if score.found_after_days is None else score.found_after_days


def _where(score: CaseScore) -> str:
    return f"seed {score.seed} ({score.note})"
