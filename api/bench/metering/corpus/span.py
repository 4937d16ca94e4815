"""When a fault is in force, and which readings fall into that time."""

from dataclasses import dataclass, replace

import numpy as np

from api.bench.metering.corpus.truth import Flags, Integers, Record, Unit

MS_PER_HOUR = 3_600_000
MS_PER_MINUTE = 60_000


@dataclass(frozen=True)
class Span:
    """Half-open, [start, end)."""

    start_ms: int
    """The first reading at or after it is the first that the fault may touch [ms UTC]."""
    end_ms: int
    """From here on everything is sound again [ms UTC]."""
    whole: bool = False
    """Whether the fault is there from the first reading to the last."""


def inside(record: Record, span: Span) -> Flags:
    """Which readings with a register were taken within the span, shape (n,)."""
    within: Flags = record.present & (record.known_ms >= span.start_ms) & (record.known_ms < span.end_ms)
    return within


def by_day(record: Record, unit: Unit, span: Span) -> Flags:
    """Which readings within the span were taken while the unit produced, shape (n,)."""
    within: Flags = inside(record, span) & (unit.production.power_w(record.known_ms) > 0)
    return within


def some_of(chosen: Flags, share: float, chance: np.random.Generator) -> Flags:
    """Pick a share of the chosen readings, at least one of them if there is any, shape (n,)."""
    places = np.flatnonzero(chosen)
    picked = np.zeros(len(chosen), dtype=np.bool_)
    if len(places):
        picked[chance.choice(places, size=max(1, int(len(places) * share)), replace=False)] = True
    return picked


def run_of(chosen: Flags, longest: int, chance: np.random.Generator) -> Flags:
    """Pick consecutive ones of the chosen readings, 1 to `longest` of them, shape (n,)."""
    places = np.flatnonzero(chosen)
    picked = np.zeros(len(chosen), dtype=np.bool_)
    if len(places):
        how_many = int(chance.integers(1, min(longest, len(places)) + 1))
        first = int(chance.integers(0, len(places) - how_many + 1))
        picked[places[first : first + how_many]] = True
    return picked


def falsified(record: Record, where: Flags, register_wh: Integers, unit: Unit, *, plain: bool = False) -> Record:
    """Put `register_wh` (shape (n,)) in place of the register `where` it says so.

    What thereby became wrong is faulty; without `plain` only where sound readings contradict it.
    """
    shown = np.where(where, register_wh, record.register_wh)
    wrong = where & record.present & (shown != unit.shown_wh(record.known_ms))
    false = replace(record, register_wh=shown, untrue=record.untrue | wrong, faulty=record.faulty | wrong)
    return false if plain else contradicted(false)


def contradicted(record: Record) -> Record:
    """Call faulty only what sound readings contradict, more of them than there are false ones that agree with it.

    Sound readings contradict a false one by being earlier and above it, or later and below it. A false reading that fits
    between its neighbours, or that is one of many that say the same, is as believable as they are.
    """
    order = np.argsort(record.time_ms[record.present], kind="stable")
    places = np.flatnonzero(record.present)[order]
    times, registers, untrue = record.time_ms[places], record.register_wh[places], record.untrue[places]
    sound = np.flatnonzero(~untrue)
    faulty = record.faulty.copy()
    for at in np.flatnonzero(record.faulty[places]).tolist():
        wh, before = registers[at], times < times[at]
        against = np.flatnonzero(((~before & (registers < wh)) | (before & (registers > wh))) & ~untrue)
        faulty[places[at]] = len(against) > _agreeing(at, registers, untrue, sound, against)
    return replace(record, faulty=faulty)


def _agreeing(at: int, registers: Integers, untrue: Flags, sound: Integers, against: Integers) -> int:
    """How many false readings, itself included, can be true together with one of them, where sound ones contradict it."""
    if not len(against):
        return 1
    begin = max((int(place) + 1 for place in sound[sound < at][-1:]), default=0)
    end = min((int(place) for place in sound[sound > at][:1]), default=len(registers))
    stretch = np.arange(min(begin, int(against[0])), max(end, int(against[-1]) + 1))
    in_order = np.where(stretch < at, registers[stretch] <= registers[at], registers[stretch] >= registers[at])
    return int((untrue[stretch] & in_order).sum())


def as_shown(unit: Unit, register_wh: Integers) -> Integers:
    """Cut exact registers to what the meter can show [Wh], shape (n,)."""
    cut = register_wh // unit.resolution_wh * unit.resolution_wh
    return cut if unit.modulus_wh is None else cut % unit.modulus_wh
