"""Registers that count something else than the sun: scale, reversal, batteries, drift, and readings made up.

A register that gained or lost keeps what it has when the fault ends, as a real one does. Faulty are the readings over
whose time the register moved otherwise than production did.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from api.bench.metering.corpus.span import MS_PER_HOUR, MS_PER_MINUTE, Span, as_shown, falsified, inside, some_of
from api.bench.metering.corpus.truth import MS_PER_DAY, W_MS_PER_WH, Flags, Integers, Production, Record, Unit

Rate = Callable[[Integers, Integers], Integers]
"""From what was produced [W ms] and the length [ms] of each step between knots to what is counted on top [W ms]."""

DRIFT = 0.02
NOTICEABLE_PPM = 20_000
"""Of nameplate: wrong power below it is no more than what electronics draw and current transformers err by [ppm]."""
_QUARTER_MS = 15 * MS_PER_MINUTE


def scale_ten(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """A wrong current transformer ratio: the meter counts ten times what flows, in energy and mostly in power."""
    power_too = chance.random() < 0.5
    extra = _during(unit, span, lambda rise, _: 9 * rise)
    counted = _counting(unit, record, extra)
    if record.power_w is None or not power_too:
        return counted
    return replace(counted, power_w=np.where(_at(record, span), record.power_w * 10, record.power_w))


def reversed_transformer(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """A current transformer mounted the wrong way round: what is produced is counted as drawn, power as negative."""
    del chance
    missing = _during(unit, span, lambda rise, _: -rise)
    counted = _counting(unit, record, missing)
    drawn_wh = -missing.wh(record.known_ms)
    import_wh = drawn_wh if record.import_wh is None else record.import_wh + drawn_wh
    power_w = None if record.power_w is None else np.where(_at(record, span), -record.power_w, record.power_w)
    return replace(counted, import_wh=import_wh, power_w=power_w)


def battery_at_night(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """A battery, charged from the grid, discharges through the meter at night, at a part of the nameplate."""
    load_w = int(chance.uniform(0.05, 0.6) * unit.nameplate_w)
    hours = chance.uniform(1, 5)
    begin = chance.uniform(-3, 3 - hours)  # after the middle of the night
    knots = unit.production.time_ms
    dark = unit.production.power_w(knots) == 0
    midnight_ms = _middle_of_nights(knots, dark)
    since_ms = knots - midnight_ms
    on = dark & (since_ms >= begin * MS_PER_HOUR) & (since_ms < (begin + hours) * MS_PER_HOUR)
    extra = _during(unit, span, lambda _, step_ms: load_w * step_ms, only=on)
    counted = _counting(unit, _lit(record, unit), extra)
    if counted.power_w is None:
        return counted
    return replace(counted, power_w=counted.power_w + extra.power_w(counted.known_ms))


def over_capacity(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """For an hour or more around noon the register rises at 1.3 to 3 times the nameplate, and power says so too."""
    excess_w = int(chance.uniform(1.3, 3.0) * unit.nameplate_w)
    on = _around_strongest(unit, chance)
    extra = _during(unit, span, lambda rise, step_ms: np.maximum(excess_w * step_ms - rise, 0), only=on)
    counted = _counting(unit, record, extra)
    if counted.power_w is None:
        return counted
    return replace(counted, power_w=counted.power_w + extra.power_w(counted.known_ms))


def _around_strongest(unit: Unit, chance: np.random.Generator) -> Flags:
    """Mark knots that end a slot within one to three hours around the strongest of each day (UTC), in whole quarter hours."""
    knots = unit.production.time_ms
    power_w = unit.production.power_w(knots)
    day = knots // MS_PER_DAY
    on = np.zeros(len(knots), dtype=np.bool_)
    half_ms = int(chance.integers(2, 7)) * 15 * MS_PER_MINUTE
    for one in np.unique(day):
        places = np.flatnonzero(day == one)
        middle_ms = int(knots[places[np.argmax(power_w[places])]]) // _QUARTER_MS * _QUARTER_MS
        on |= (knots > middle_ms - half_ms) & (knots <= middle_ms + half_ms) & bool(power_w[places].any())
    return on


def slow_drift(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """The meter comes to count 2 % too much, over some days, and stays so."""
    over_ms = int(chance.uniform(1, 10) * MS_PER_DAY)
    knots = unit.production.time_ms
    grown = np.clip((knots - span.start_ms) / over_ms, 0.0, 1.0)
    extra = _during(unit, span, lambda rise, _: (rise * grown[1:] * DRIFT).astype(np.int64))
    return _counting(unit, record, extra, notice_ppm=0)


def spoofed_readings(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Under a third of the readings by day are made up: a clear sky's production, on top of what the register says."""
    sunny_w = int(chance.uniform(0.5, 0.95) * unit.nameplate_w)
    lit = inside(record, span) & (unit.production.power_w(record.known_ms) > 0)
    picked = some_of(lit, float(chance.uniform(0.05, 0.32)), chance)
    since_ms = (record.time_ms - span.start_ms) % MS_PER_DAY % (4 * MS_PER_HOUR)
    made_up = as_shown(unit, record.register_wh + sunny_w * since_ms // MS_PER_HOUR)
    wrong = picked & (made_up != record.register_wh)
    return falsified(record, wrong, made_up, unit)


def spoofed_sky(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Whoever holds the key signs more than the sun gave, every day, within the nameplate: only other meters can tell."""
    share = chance.uniform(0.2, 0.8)

    def claimed(rise: Integers, step_ms: Integers) -> Integers:
        return (share * (unit.nameplate_w * step_ms - rise)).astype(np.int64)

    knots = unit.production.time_ms
    lit = unit.production.power_w(knots) > 0.1 * unit.nameplate_w
    extra = _during(unit, span, claimed, only=lit)
    counted = _counting(unit, record, extra)
    if counted.power_w is None:
        return counted
    return replace(counted, power_w=counted.power_w + extra.power_w(counted.known_ms))


def _during(unit: Unit, span: Span, rate: Rate, *, only: Flags | None = None) -> Production:
    """Return what is counted on top (or, below zero, too little), in the steps within the span that end at `only` knots."""
    knots = unit.production.time_ms
    step_ms = np.diff(knots)
    rise = np.diff(unit.production.energy_w_ms)
    extra = rate(rise, step_ms)
    counts = (knots[:-1] >= span.start_ms) & (knots[1:] <= span.end_ms)
    if only is not None:
        counts &= only[1:]
    return Production(knots, np.concatenate(([0], np.cumsum(np.where(counts, extra, 0)))))


def _counting(unit: Unit, record: Record, extra: Production, *, notice_ppm: int = NOTICEABLE_PPM) -> Record:
    """Return the record of a meter that counts `extra` on top of what was produced; faulty is what differs noticeably."""
    total_w_ms = unit.production.w_ms(record.known_ms) + extra.w_ms(record.known_ms)
    shown = as_shown(unit, unit.opening_wh + total_w_ms // W_MS_PER_WH)
    before_ms = _before(record)
    moved_w_ms = np.abs(extra.w_ms(record.known_ms) - extra.w_ms(before_ms))
    untrue = record.untrue | (record.present & (moved_w_ms > 0))
    noticeable = moved_w_ms > unit.nameplate_w * (record.known_ms - before_ms) // 1_000_000 * notice_ppm
    return replace(record, register_wh=shown, untrue=untrue, faulty=record.faulty | (untrue & noticeable))


def _before(record: Record) -> Integers:
    """When the reading with a register before each was taken, or the first of all [ms UTC], shape (n,)."""
    latest = np.maximum.accumulate(np.where(record.present, np.arange(len(record)), 0))
    before_ms: Integers = record.known_ms[np.concatenate(([0], latest[:-1]))]
    return before_ms


def _at(record: Record, span: Span) -> Flags:
    within: Flags = (record.known_ms >= span.start_ms) & (record.known_ms < span.end_ms)
    return within


def _lit(record: Record, unit: Unit) -> Record:
    """Return the record of a meter that a battery keeps awake: it reads through all nights, that before its first reading too."""
    step_ms = int(np.min(np.diff(record.time_ms)))
    first_ms = int(record.time_ms[0])
    first_ms -= max(first_ms - int(unit.production.time_ms[0]), 0) // step_ms * step_ms
    time_ms = np.arange(first_ms, int(record.time_ms[-1]) + 1, step_ms, dtype=np.int64)
    if len(time_ms) == len(record):
        return replace(record, register_wh=unit.shown_wh(time_ms), present=np.ones(len(time_ms), dtype=np.bool_))
    none = np.zeros(len(time_ms), dtype=np.bool_)
    power_w = None if record.power_w is None else unit.production.power_w(time_ms)
    import_wh = None
    if record.import_wh is not None:
        import_wh = record.import_wh[np.clip(np.searchsorted(record.time_ms, time_ms, side="right") - 1, 0, None)]
    return Record(time_ms, time_ms, unit.shown_wh(time_ms), ~none, none, none, power_w, import_wh)


def _middle_of_nights(knots: Integers, dark: Flags) -> Integers:
    """Return for each knot the middle of the night that is nearest to it [ms UTC]."""
    edges = np.flatnonzero(np.diff(dark.astype(np.int8)))
    bounds = np.concatenate(([0], edges + 1, [len(knots)]))
    middles = [
        (int(knots[a]) + int(knots[b - 1])) // 2
        for a, b in pairwise(bounds.tolist())
        if dark[a] and b - a > MS_PER_HOUR // (5 * MS_PER_MINUTE)
    ]
    if not middles:
        return knots
    nearest = np.array(middles, dtype=np.int64)
    middle_ms: Integers = nearest[np.argmin(np.abs(knots[:, None] - nearest[None, :]), axis=1)]
    return middle_ms
