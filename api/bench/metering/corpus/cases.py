"""A case: one series with one fault, or none, and when that fault is in force. The same seed gives the same case."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from api.bench.metering.corpus.base import simulated
from api.bench.metering.corpus.catalogue import Fault
from api.bench.metering.corpus.span import Span
from api.bench.metering.corpus.truth import MS_PER_DAY, Place, Record, Series, Unit

_SOUND_DAYS_BEFORE = (1.2, 3.0)
_INVERTERS = 2


@dataclass(frozen=True, eq=False)
class Case:
    """What a settlement is given, and the truth about it."""

    name: str
    """Of the fault, or of the kind of sound series."""
    seed: int
    note: str
    """What kind of series, and when the fault begins."""
    place: Place
    start_ms: int
    end_ms: int
    """Local midnights [ms UTC]."""
    span: Span | None
    """When the fault is in force; None of a sound series."""
    units: tuple[Unit, ...]
    records: tuple[Record, ...]
    """One for each unit."""


def fault_cases(fault: Fault, seed: int, recordings: Sequence[Series] = ()) -> Iterator[Case]:
    """Put one fault on a simulated series, and on each recording that can take it."""
    usable = [series for series in recordings if _can_take(fault, series)]
    for begins in ("later", "commissioning"):
        if fault.begins in ("both", begins):
            chance = _chance(seed, fault.name, begins)
            inverters = 1 if fault.scope == "meter" else _INVERTERS
            series = simulated(chance, fault.days, inverters=inverters, power=fault.power)
            yield _case(fault, seed, begins, series, chance)
            for number, recorded in enumerate(usable):
                yield _case(fault, seed, begins, recorded, _chance(seed, fault.name, begins, number))


def _can_take(fault: Fault, series: Series) -> bool:
    alone = fault.scope == "meter" and len(series.units) == 1
    has_power = series.records[0].power_w is not None
    has_place = series.place.latitude is not None or not fault.needs_place
    return alone and has_place and fault.power in (None, has_power)


def _case(fault: Fault, seed: int, begins: str, series: Series, chance: np.random.Generator) -> Case:
    span = _span(fault, begins, series, chance)
    touched = _touched(fault, series.units, chance)
    same_for_all = int(chance.integers(2**31))
    records = tuple(
        fault.apply(unit, record, span, np.random.default_rng(same_for_all)) if place in touched else record
        for place, (unit, record) in enumerate(zip(series.units, series.records, strict=True))
    )
    note = f"{series.note}; {'from commissioning' if begins == 'commissioning' else 'sets in later'}"
    return Case(fault.name, seed, note, series.place, series.start_ms, series.end_ms, span, series.units, records)


def _span(fault: Fault, begins: str, series: Series, chance: np.random.Generator) -> Span:
    start_ms = series.start_ms
    if begins == "later":
        before = 8.0 if fault.is_drift else float(chance.uniform(*_SOUND_DAYS_BEFORE))
        start_ms += int(before * MS_PER_DAY)
    if fault.lasts:
        return Span(start_ms, series.end_ms + 1, whole=begins == "commissioning")
    length_ms = int(chance.uniform(*fault.span_days) * MS_PER_DAY)
    return Span(start_ms, min(start_ms + length_ms, series.end_ms - 2 * MS_PER_DAY), whole=begins == "commissioning")


def _touched(fault: Fault, units: Sequence[Unit], chance: np.random.Generator) -> set[int]:
    if fault.scope == "site":
        return set(range(len(units)))
    role = "plant" if fault.scope == "plant" else "inverter"
    of_role = [place for place, unit in enumerate(units) if unit.role == role]
    return {int(chance.choice(of_role))}


def sound_cases(seed: int, recordings: Sequence[Series] = ()) -> Iterator[Case]:
    """Series without faults: a meter alone, a site, a register that rolls over, a meter that is replaced."""
    chance = _chance(seed, "sound")
    yield _sound("meter", seed, simulated(chance, 8))
    yield _sound("site", seed, simulated(chance, 8, inverters=_INVERTERS))
    yield _sound("roll_over", seed, _rolling_over(simulated(chance, 8), chance))
    yield _sound("replacement", seed, _replaced(simulated(chance, 8), chance))
    if seed % 10 == 0:
        yield _sound("six_weeks_of_a_site", seed, simulated(chance, 42, inverters=_INVERTERS))
    for series in recordings:
        yield _sound("recording", seed, series)


def _sound(name: str, seed: int, series: Series) -> Case:
    return Case(
        name, seed, series.note, series.place, series.start_ms, series.end_ms, None, series.units, series.records
    )


def _rolling_over(series: Series, chance: np.random.Generator) -> Series:
    """Give the meter a modulus that its register reaches within the series."""
    (unit,), (record,) = series.units, series.records
    whole = int(unit.true_wh(np.array([series.end_ms]))[0])
    reached = int(chance.integers(unit.opening_wh + 1, max(whole, unit.opening_wh + 2)))
    modulus_wh = max(reached // unit.resolution_wh * unit.resolution_wh, unit.resolution_wh)
    rolling = replace(
        unit, modulus_wh=modulus_wh, baseline=None if unit.baseline is None else _within(unit, modulus_wh)
    )
    shown = replace(record, register_wh=rolling.shown_wh(record.time_ms))
    return replace(series, units=(rolling,), records=(shown,), note=f"{series.note}, modulus {modulus_wh} Wh")


def _within(unit: Unit, modulus_wh: int) -> tuple[int, int] | None:
    if unit.baseline is None:
        return None
    return unit.baseline[0], unit.baseline[1] % modulus_wh


def _replaced(series: Series, chance: np.random.Generator) -> Series:
    """Replace the meter at noon or so of some day: the new one is signed to begin elsewhere."""
    (unit,), (record,) = series.units, series.records
    middle_ms = series.start_ms + int(chance.uniform(2, 6) * MS_PER_DAY)
    (place, *_) = np.flatnonzero(record.present & (record.time_ms >= middle_ms))
    closing_wh = int(unit.shown_wh(record.time_ms[place : place + 1])[0])
    opening_wh = int(chance.integers(0, 100)) * unit.resolution_wh
    after = np.arange(len(record)) >= place
    shown = np.where(after, record.register_wh - closing_wh + opening_wh, record.register_wh)
    moved = replace(record, register_wh=shown, events=((int(place), "replace", closing_wh, opening_wh),))
    return replace(series, records=(moved,), note=f"{series.note}, replaced")


def _chance(seed: int, *names: object) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, names)).encode())])
