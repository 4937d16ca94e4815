"""Faults of registers, at times that are right: zeros, error values, falls, jumps, frozen and lost readings.

Each takes a unit, its sound record, when the fault is in force and chance, and returns the faulty record.
"""

from dataclasses import replace

import numpy as np

from api.bench.metering.corpus.span import MS_PER_HOUR, Span, as_shown, by_day, falsified, inside, run_of, some_of
from api.bench.metering.corpus.truth import MS_PER_DAY, Flags, Integers, Record, Unit

ERROR_VALUES_WH = (4_294_967_295, 2_147_483_647)
LARGEST_OVERLOAD = 1.1
"""Mean power over nameplate that no plant exceeds."""
NOTICEABLE = 0.02
"""Power over nameplate that is more than what electronics draw and transformers err by."""
MOST_DENSE = 0.32
"""Share of readings within the span that a scattered fault takes at most: under a third."""


def _density(chance: np.random.Generator) -> float:
    return float(chance.uniform(0.01, MOST_DENSE))


def zero_at_wake(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """A single zero just after the inverter wakes; one reading later the register is back."""
    awake = record.present & (unit.production.power_w(record.time_ms) > 0)
    woke = awake & np.concatenate(([True], ~awake[:-1])) & inside(record, span)
    later = int(chance.integers(0, 3))
    where = np.concatenate((np.zeros(later, dtype=np.bool_), woke[: len(woke) - later])) & record.present
    return falsified(record, where, np.zeros(len(record), dtype=np.int64), unit, plain=True)


def zero_first(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """A zero as the very first reading of a series; sometimes the first few."""
    del span
    where = np.zeros(len(record), dtype=np.bool_)
    where[np.flatnonzero(record.present)[: int(chance.integers(1, 4))]] = True
    return falsified(record, where, np.zeros(len(record), dtype=np.int64), unit, plain=True)


def zeros(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Zeros scattered among the readings."""
    where = some_of(inside(record, span), _density(chance), chance)
    return falsified(record, where, np.zeros(len(record), dtype=np.int64), unit, plain=True)


def sentinel(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Error values of other meters, 4294967.295 and 2147483.647 kWh, scattered among the readings."""
    where = some_of(inside(record, span), _density(chance), chance)
    return falsified(
        record, where, chance.choice(np.array(ERROR_VALUES_WH, dtype=np.int64), size=len(record)), unit, plain=True
    )


def decrease(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Readings scattered below the truth, by a few watt-hours to some days of production; never the very first."""
    where = some_of(inside(record, span), _density(chance), chance)
    where[np.flatnonzero(record.present)[:1]] = False  # nothing falls before anything stood
    below_wh = np.exp(chance.uniform(np.log(50), np.log(20 * unit.nameplate_w), len(record))).astype(np.int64)
    return falsified(record, where, as_shown(unit, np.maximum(record.register_wh - below_wh, 0)), unit)


def jump(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Readings scattered above the truth by more than the plant makes in an hour, up to months of it."""
    where = some_of(inside(record, span), _density(chance), chance)
    hours = np.exp(chance.uniform(np.log(2), np.log(1000), len(record)))
    return falsified(
        record, where, as_shown(unit, record.register_wh + (hours * unit.nameplate_w).astype(np.int64)), unit
    )


def jump_within_reach(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Readings by day scattered above the truth by no more than the plant could have made since the one before."""
    where = some_of(by_day(record, unit, span), _density(chance), chance)
    since_ms = np.diff(record.time_ms, prepend=record.time_ms[0])
    room_wh = unit.nameplate_w * np.minimum(since_ms, MS_PER_HOUR) // MS_PER_HOUR
    above_wh = (chance.uniform(0.1, 0.9, len(record)) * room_wh).astype(np.int64)
    return falsified(record, where, as_shown(unit, record.register_wh + above_wh), unit)


def jump_that_stays(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """The register jumps by hours to days of production at once, and goes on from there for good.

    Faulty are the readings that no plant of its nameplate could have reached by then, or those that it could not have
    come from.
    """
    first = _first_inside(record, span)
    raised = as_shown(unit, record.register_wh + int(chance.uniform(3, 40) * unit.nameplate_w))
    after = (np.arange(len(record)) >= first) & record.present
    before_ms, before_wh = record.time_ms[first - 1], record.register_wh[first - 1]
    reach_wh = LARGEST_OVERLOAD * unit.nameplate_w * (record.time_ms - before_ms) / MS_PER_HOUR
    back_wh = LARGEST_OVERLOAD * unit.nameplate_w * (record.time_ms[first] - record.time_ms) / MS_PER_HOUR
    return _moved_for_good(
        record,
        np.where(after, raised, record.register_wh),
        after & (raised - before_wh > reach_wh),
        record.present & ~after & (raised[first] - record.register_wh > back_wh),
    )


def fall_that_stays(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """The register falls by tens of kWh (hours of production) and goes on from there for good.

    Faulty are the readings until it is back at where it stood, or those of before that stand above where it fell to.
    """
    first = _first_inside(record, span)
    below_wh = int(chance.uniform(0.5, 10) * unit.nameplate_w)
    after = (np.arange(len(record)) >= first) & record.present
    shown = np.where(after, as_shown(unit, np.maximum(record.register_wh - below_wh, 0)), record.register_wh)
    return _moved_for_good(
        record,
        shown,
        after & (shown < record.register_wh[first - 1]),
        record.present & ~after & (shown > shown[first]),
    )


def unsigned_restart(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """The register begins again at zero, without a signed event, and counts on from there for good."""
    del chance
    first = _first_inside(record, span)
    after = (np.arange(len(record)) >= first) & record.present
    again = as_shown(unit, unit.true_wh(record.time_ms) - int(unit.true_wh(record.time_ms[first : first + 1])[0]))
    return _moved_for_good(record, np.where(after, again, record.register_wh), after, record.present & ~after)


def _first_inside(record: Record, span: Span) -> int:
    """Place of the first reading within the span; readings without a register before it are passed over."""
    return int(np.flatnonzero(inside(record, span))[0])


def _moved_for_good(record: Record, shown: Integers, faulty: Flags, mirror: Flags) -> Record:
    return replace(record, register_wh=shown, untrue=faulty, faulty=faulty, mirror=mirror)


def stale(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """The register freezes for hours while the plant produces, then shows the truth again.

    Faulty are the readings from which the plant could not have come to the first one after, and those that tell a
    noticeable power. A shorter freeze, without power, looks like a cloud.
    """
    hours = chance.uniform(1, 30)
    start_ms = int(chance.integers(span.start_ms, max(span.start_ms + 1, span.end_ms - int(hours * MS_PER_HOUR))))
    end_ms = min(start_ms + int(hours * MS_PER_HOUR), span.end_ms)
    where = inside(record, Span(start_ms, end_ms))
    frozen = falsified(record, where, _frozen_at(unit, record, start_ms), unit, plain=True)
    after = np.flatnonzero(record.present & (record.time_ms >= end_ms))
    if not len(after):
        return frozen
    lit_ms = np.cumsum(~unit.is_dark(record.time_ms) * np.diff(record.time_ms, prepend=record.time_ms[0]))
    leap_wh = record.register_wh[after[0]] - frozen.register_wh
    too_far = leap_wh > LARGEST_OVERLOAD * unit.nameplate_w * (lit_ms[after[0]] - lit_ms) / MS_PER_HOUR
    if record.power_w is not None:
        again = np.concatenate(([False], where[:-1]))  # the first frozen reading may still have risen
        too_far |= again & (record.power_w > NOTICEABLE * unit.nameplate_w)
    return replace(frozen, faulty=frozen.untrue & too_far)


def alternating(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Two devices, or a stale cache, answer in turn: the truth and an old frozen value, for days."""
    old_ms = span.start_ms - int(chance.uniform(0.1, 3) * MS_PER_DAY)
    touched = inside(record, span)
    turn = int(chance.integers(2, 4))
    lengths = chance.integers(1, turn, size=len(record))
    answers = np.repeat(np.arange(len(record)) % turn == 0, lengths)[: len(record)]
    return falsified(record, touched & answers, _frozen_at(unit, record, old_ms), unit)


def _frozen_at(unit: Unit, record: Record, instant_ms: int) -> Integers:
    return np.full(len(record), unit.shown_wh(np.array([instant_ms], dtype=np.int64))[0], dtype=np.int64)


def factor_ten(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """For days the register is given ten times, or a tenth, of what it is."""
    times_ten = record.register_wh * 10
    tenth = record.register_wh // 10
    shown = as_shown(unit, times_ten if chance.random() < 0.5 else tenth)
    return falsified(record, inside(record, span), shown, unit, plain=True)


def rounding_steps(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Now and then the register steps back by 0.01 kWh. Too little to be a fault: nothing is to be found."""
    where = some_of(inside(record, span), 0.02, chance)
    stepped = np.where(where, np.maximum(record.register_wh - max(10, unit.resolution_wh), 0), record.register_wh)
    return replace(record, register_wh=stepped)


def gap(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Nothing for days, up to nine, while the register goes on: no reading is wrong."""
    del unit, chance
    return record.taken(~_within(record, span))


def loss(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """A third of the readings never arrives."""
    del unit
    return record.taken(~(_within(record, span) & (chance.random(len(record)) < 1 / 3)))


def disorder(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Readings arrive in any order, a tenth of them twice."""
    del unit, span
    again = np.flatnonzero(chance.random(len(record)) < 0.1)
    return record.taken(chance.permutation(np.concatenate((np.arange(len(record)), again))))


def missing_register(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Readings without a register, by day: neither zero nor a fault."""
    del unit
    return replace(record, present=record.present & ~some_of(_within(record, span), _density(chance), chance))


def burst(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Now and then another reading five seconds after one; for some hours, one every minute."""
    picked = np.flatnonzero(some_of(_within(record, span), 0.05, chance))
    hours = np.flatnonzero(run_of(_within(record, span), 12, chance))
    later_ms = np.concatenate(
        (record.time_ms[picked] + 5_000, *(record.time_ms[hours] + i * 60_000 for i in (1, 2, 3)))
    )
    source = np.concatenate((picked, np.tile(hours, 3)))
    more = replace(record.taken(source), time_ms=later_ms, known_ms=later_ms, register_wh=unit.shown_wh(later_ms))
    return record.joined(more)


def sampling_change(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Until then only every third reading was taken."""
    del unit, chance
    return record.taken((record.known_ms >= span.start_ms) | (np.arange(len(record)) % 3 == 0))


def _within(record: Record, span: Span) -> Flags:
    within: Flags = (record.known_ms >= span.start_ms) & (record.known_ms < span.end_ms)
    return within
