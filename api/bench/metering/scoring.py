"""Verdicts held against the truth. PURE.

**Wrongly attested.** Along the attested steps, by how much the level that settlement has reached rises above what was
truly produced until then: the sum over attested steps of the change of max(0, level - truth). A register that lags and
catches up gains nothing by it; energy that is not attested elsewhere does not make up for it. The level that is reached
last is held against what was produced by the cutoff. It is taken at the end of each local day and at some moments within the
fault, and related to what the unit truly produced on that day.

**Wrongly withheld.** What was truly produced until a day before the end, in times of which the register does tell the
energy, and is not attested at the end; related to all that was produced until then.

**Flagged** is a reading that was rejected, or lies in a step that is disputed or withheld for another reason than that
nothing confirms it yet.
"""

from dataclasses import dataclass

import numpy as np

from api.bench.metering.corpus.cases import Case
from api.bench.metering.corpus.truth import MS_PER_DAY, Flags, Integers, Record, Unit
from api.bench.metering.verdict import Verdict

MS_PER_HOUR = 3_600_000
LARGEST_OVERLOAD = 1.1
"""Mean power over nameplate that no plant exceeds."""


@dataclass(frozen=True)
class Flagged:
    """Counts of readings that carry a register."""

    faulty: int = 0
    faulty_flagged: int = 0
    sound: int = 0
    sound_flagged: int = 0

    def __add__(self, other: "Flagged") -> "Flagged":
        """Add counts."""
        return Flagged(
            self.faulty + other.faulty,
            self.faulty_flagged + other.faulty_flagged,
            self.sound + other.sound,
            self.sound_flagged + other.sound_flagged,
        )

    @property
    def detected_ratio(self) -> float:
        """Share of faulty readings that are flagged; 1 where there is none."""
        return self.faulty_flagged / self.faulty if self.faulty else 1.0

    @property
    def false_alarm_ratio(self) -> float:
        """Share of sound readings that are flagged; 0 where there is none."""
        return self.sound_flagged / self.sound if self.sound else 0.0


def flagged(unit: Unit, record: Record, verdict: Verdict) -> Flagged:
    """Count what was flagged of a record."""
    told = flags(record, verdict)
    faulty = record.faulty & record.present
    missed = faulty & ~told
    sound = record.present & ~record.untrue
    if record.mirror is not None:
        missed = _unresolved(unit, record, told)
        sound &= ~record.mirror
    return Flagged(int(faulty.sum()), int((faulty & ~missed).sum()), int(sound.sum()), int((sound & told).sum()))


def _unresolved(unit: Unit, record: Record, told: Flags) -> Flags:
    """Which faulty readings still contradict one of before the register moved for good, neither being flagged: shape (n,).

    Nobody knows which side is right, so either may be left out, or some of both.
    """
    missed = record.faulty & ~told
    if record.mirror is None:
        return missed
    before, after = np.flatnonzero(record.mirror & ~told), np.flatnonzero(missed)
    rise_wh = record.register_wh[after][:, None] - record.register_wh[before][None, :]
    span_ms = record.time_ms[after][:, None] - record.time_ms[before][None, :]
    reach_wh = LARGEST_OVERLOAD * unit.nameplate_w * span_ms / MS_PER_HOUR + 2 * unit.resolution_wh
    missed[after] = ((rise_wh < 0) | (rise_wh > reach_wh)).any(axis=1)
    return missed


def flags(record: Record, verdict: Verdict) -> Flags:
    """Which readings are flagged, shape (n,)."""
    pairs = zip(record.time_ms.tolist(), record.register_wh.tolist(), strict=True)
    rejected = np.fromiter((pair in verdict.rejected for pair in pairs), dtype=np.bool_, count=len(record))
    if not bool(verdict.doubted.any()):
        return rejected & record.present
    starts, ends = verdict.start_ms[verdict.doubted], verdict.end_ms[verdict.doubted]
    step = np.clip(np.searchsorted(ends, record.time_ms, side="left"), 0, len(ends) - 1)
    doubted = (record.time_ms > starts[step]) & (record.time_ms <= ends[step])
    return (rejected | doubted) & record.present


def excess_wh(unit: Unit, record: Record, verdict: Verdict, cutoff_ms: int) -> int:
    """By how much attested energy exceeds what was produced up to the cutoff [Wh].

    Args:
        unit: knows what was produced.
        record: knows when its readings were truly taken.
        verdict: of settlement at the cutoff.
        cutoff_ms: end of what was known [ms UTC].

    """
    if verdict.first_ms is None or not len(verdict.end_ms):
        return 0
    ends_ms = np.concatenate(([verdict.first_ms], verdict.end_ms))
    starts_wh = _anchor_wh(unit, verdict)
    level_wh = starts_wh + np.concatenate(([0], np.cumsum(verdict.energy_wh)))
    true_wh = unit.true_wh(_taken_ms(record, ends_ms))
    above_wh = np.maximum(level_wh - true_wh, 0)
    above_wh[0] = 0
    rise_wh = np.diff(above_wh)
    whole = verdict.attested_wh == verdict.energy_wh
    over_wh = int(rise_wh[whole].sum())
    believed = np.flatnonzero(verdict.attested_wh > 0)
    if len(believed):  # what is attested too early, by a reading or two, may have been produced by the cutoff
        last = int(believed[-1]) + 1
        made_wh = int(unit.true_wh(np.array([cutoff_ms], dtype=np.int64))[0])
        over_wh += max(int(level_wh[last]) - max(made_wh, int(true_wh[last])), 0) - int(above_wh[last])
    over_wh -= unit.resolution_wh - 1  # a register that moved for good rounds at another place than the truth
    return max(over_wh, 0) + _excess_in_part_wh(verdict, np.diff(true_wh))


def _excess_in_part_wh(verdict: Verdict, made_wh: Integers) -> int:
    """By how much steps of which a share is held back exceed what was made in them [Wh].

    The share is one for a day or for some days together, so such steps less than a day apart are summed up.
    """
    in_part = np.flatnonzero((verdict.attested_wh > 0) & (verdict.attested_wh < verdict.energy_wh))
    if not len(in_part):
        return 0
    apart = verdict.start_ms[in_part[1:]] - verdict.end_ms[in_part[:-1]] > MS_PER_DAY
    run = np.concatenate(([0], np.cumsum(apart)))
    of_run = np.zeros(int(run[-1]) + 1, dtype=np.int64)
    np.add.at(of_run, run, (verdict.attested_wh - made_wh)[in_part])
    return int(np.maximum(of_run, 0).sum())


def _anchor_wh(unit: Unit, verdict: Verdict) -> int:
    """Return where settlement starts counting [Wh]: its first register if that was true, else what a sound meter showed."""
    true_wh = int(unit.true_wh(np.array([verdict.first_ms], dtype=np.int64))[0])
    behind_wh = true_wh - (verdict.first_wh or 0)
    if unit.modulus_wh is not None:
        behind_wh %= unit.modulus_wh
    return true_wh - (behind_wh if 0 <= behind_wh < unit.resolution_wh else true_wh % unit.resolution_wh)


def _taken_ms(record: Record, time_ms: Integers) -> Integers:
    """When the readings of these instants were truly taken, if that was later than they claim [ms UTC], shape (n,)."""
    if bool((record.known_ms <= record.time_ms).all()):
        return time_ms
    claimed = dict(zip(record.time_ms.tolist(), record.known_ms.tolist(), strict=True))
    taken = np.array([claimed.get(instant, instant) for instant in time_ms.tolist()], dtype=np.int64)
    return np.maximum(taken, time_ms)


def day_wh(case: Case, unit: Unit, instant_ms: int) -> int:
    """What a unit truly produced on the local day that holds, or ends at, an instant [Wh]; at least 1."""
    start_ms = case.place.day_start_ms(instant_ms - 1)
    start_wh, end_wh = unit.true_wh(np.array([start_ms, start_ms + MS_PER_DAY], dtype=np.int64)).tolist()
    return max(int(end_wh - start_wh), 1)


def lost_spans(record: Record, verdict: Verdict) -> list[tuple[int, int]]:
    """When the register did not tell the energy [ms UTC]: around each run of faulty readings, from sound to sound one."""
    faulty = record.faulty
    if record.mirror is not None:
        faulty = (record.faulty | record.mirror) & flags(record, verdict)
    times, faulty = record.known_ms[record.present], faulty[record.present]
    edges = np.flatnonzero(np.diff(np.concatenate(([0], faulty.astype(np.int8), [0]))))
    return [
        (int(times[max(begin - 1, 0)]), int(times[min(end, len(times) - 1)]))
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def unattested_wh(unit: Unit, verdict: Verdict, until_ms: int, lost: list[tuple[int, int]]) -> tuple[int, int]:
    """Return (not attested though knowable, produced) of what a unit produced from the first register on [Wh]."""
    if verdict.first_ms is None:
        whole = int(unit.production.wh(np.array([until_ms], dtype=np.int64))[0])
        return whole, whole
    from_ms = max(verdict.first_ms, int(unit.production.time_ms[0]))
    knowable = _knowable(unit, lost, np.array([from_ms, until_ms], dtype=np.int64))
    before = verdict.start_ms < until_ms
    attested_wh = verdict.attested_wh[before]
    if lost:
        in_step = _knowable(unit, lost, verdict.end_ms[before]) - _knowable(unit, lost, verdict.start_ms[before])
        attested_wh = np.minimum(attested_wh, in_step)
    produced = int(np.diff(unit.true_wh(np.array([from_ms, until_ms], dtype=np.int64)))[0])
    short_wh = int(knowable[1] - knowable[0]) - int(attested_wh.sum())
    return max(short_wh - 2 * unit.resolution_wh, 0), produced


def _knowable(unit: Unit, lost: list[tuple[int, int]], time_ms: Integers) -> Integers:
    """Energy up to each instant, without that of lost spans [Wh], shape of `time_ms`."""
    energy = unit.true_wh(time_ms)
    for start_ms, end_ms in lost:
        within = np.clip(time_ms, start_ms, end_ms)
        energy -= unit.true_wh(within) - unit.true_wh(np.full_like(within, start_ms))
    return energy


def attested_of_day_wh(verdict: Verdict, start_ms: int, end_ms: int) -> int:
    """Return what is attested of the steps that begin on a day [Wh]."""
    of_day = (verdict.start_ms >= start_ms) & (verdict.start_ms < end_ms)
    return int(verdict.attested_wh[of_day].sum())


def still_withheld_wh(verdict: Verdict, until_ms: int) -> int:
    """Return what is neither attested nor disputed of the steps that begin before an instant [Wh]."""
    return int(verdict.withheld_wh[verdict.start_ms < until_ms].sum())
