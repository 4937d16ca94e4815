"""Faults of time: rows replayed under another time, clocks that are moved or drift. The registers were once true."""

from dataclasses import replace

import numpy as np

from api.bench.metering.corpus.registers import NOTICEABLE
from api.bench.metering.corpus.span import MS_PER_HOUR, Span, contradicted, falsified, inside, some_of
from api.bench.metering.corpus.truth import MS_PER_DAY, Integers, Record, Unit


def rows_of_later(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """A logger with a wrong clock: for hours the register shows what it will be days later, then it falls back."""
    days = int(chance.integers(1, 9))
    part = _part(span, int(chance.uniform(0.5, 14) * MS_PER_HOUR), chance)
    return falsified(record, inside(record, part), unit.shown_wh(record.time_ms + days * MS_PER_DAY), unit)


def rows_of_before(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """A run of rows of an earlier day is sent again under times of today, instead of today's."""
    days = int(chance.integers(1, 3))
    part = _part(span, int(chance.uniform(0.5, 14) * MS_PER_HOUR), chance)
    return falsified(record, inside(record, part), unit.shown_wh(record.time_ms - days * MS_PER_DAY), unit)


def replayed_rows(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Own old rows, and own rows of later, are sent again under another time, beside the true ones."""
    where = np.flatnonzero(some_of(inside(record, span), float(chance.uniform(0.02, 0.45)), chance))
    shift_ms = chance.integers(-3 * MS_PER_DAY, 2 * MS_PER_DAY, size=len(where))
    time_ms = record.time_ms[where] + chance.integers(1, 60, size=len(where)) * 1000
    said_wh = unit.shown_wh(time_ms + shift_ms)
    false = replace(record.taken(where), time_ms=time_ms, known_ms=time_ms, register_wh=said_wh)
    untrue = said_wh != unit.shown_wh(time_ms)
    return contradicted(record.joined(replace(false, untrue=untrue, faulty=untrue)))


def rows_a_day_late(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Some rows are dated a day late."""
    where = some_of(inside(record, span), float(chance.uniform(0.02, 0.3)), chance)
    time_ms = np.where(where, record.time_ms + MS_PER_DAY, record.time_ms)
    wrong = where & (record.register_wh != unit.shown_wh(time_ms))
    return contradicted(replace(record, time_ms=time_ms, untrue=wrong, faulty=wrong))


def clock_moved(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """Somebody sets the clock three to eight hours forward or back, and right again at the end.

    Faulty are the readings of days on which it thereby produced in the dark, or of which sound ones contradict it. A plant in
    the clouds may produce later or earlier than its neighbour: other days say nothing.
    """
    by_ms = int(chance.uniform(3, 8) * MS_PER_HOUR) * int(chance.choice([-1, 1]))
    moved = _moved(unit, record, span, np.full(len(record), by_ms, dtype=np.int64))
    power_w = np.where(moved.untrue & unit.is_dark(moved.time_ms), unit.production.power_w(record.known_ms), 0)
    day = (moved.time_ms - unit.production.time_ms[0]) // MS_PER_DAY
    by_night = np.isin(day, np.unique(day[power_w > NOTICEABLE * unit.nameplate_w]))
    return replace(moved, faulty=moved.untrue & (by_night | contradicted(moved).faulty))


def clock_drift(unit: Unit, record: Record, span: Span, chance: np.random.Generator) -> Record:
    """The clock gains or loses up to two minutes a day, until it is set right. Too little to be seen from one meter."""
    rate_ms = int(chance.uniform(20_000, 120_000)) * int(chance.choice([-1, 1]))
    moved = _moved(unit, record, span, (record.time_ms - span.start_ms) * rate_ms // MS_PER_DAY)
    return replace(moved, untrue=record.untrue, faulty=record.faulty)


def _moved(unit: Unit, record: Record, span: Span, by_ms: Integers) -> Record:
    where = (record.known_ms >= span.start_ms) & (record.known_ms < span.end_ms)
    time_ms = np.where(where, record.time_ms + by_ms, record.time_ms)
    wrong = where & record.present & (record.register_wh != unit.shown_wh(time_ms))
    return replace(record, time_ms=time_ms, untrue=wrong, faulty=wrong)


def _part(span: Span, length_ms: int, chance: np.random.Generator) -> Span:
    """Pick a part of the span: from its very start if the fault is there from commissioning."""
    latest_ms = max(span.start_ms + 1, span.end_ms - length_ms)
    start_ms = span.start_ms if span.whole else int(chance.integers(span.start_ms, latest_ms))
    return Span(start_ms, min(start_ms + length_ms, span.end_ms))
