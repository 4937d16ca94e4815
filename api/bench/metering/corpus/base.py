"""Clean series: plants simulated with pvlib, clear and cloudy, small and large, and a recorded inverter."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from api.bench.metering.corpus.truth import (
    MS_PER_DAY,
    W_MS_PER_WH,
    Integers,
    Place,
    Production,
    Record,
    Series,
    Unit,
)
from devices.plant_sites import DEFAULT_SITES, PlantSite
from devices.pv_plant import SLOT_MS, ac_power_w
from devices.readings import Readings

PLACES = (
    *DEFAULT_SITES,
    PlantSite("atacama", -22.91, -68.20, 20, 0, 250_000, -180, altitude_m=2400, linke_turbidity=2.2, sunshine=0.9),
    PlantSite("hamburg", 53.55, 9.99, 35, 180, 8_000, 60, linke_turbidity=3.5, sunshine=0.38, mean_temperature_c=10),
    PlantSite("alice-springs", -23.70, 133.88, 22, 0, 12_000, 570, altitude_m=545, linke_turbidity=3.0, sunshine=0.8),
    PlantSite("nairobi", -1.29, 36.82, 5, 0, 3_600, 180, altitude_m=1680, linke_turbidity=3.6, sunshine=0.55),
)
"""From the tropics to 54 degrees, both hemispheres, clear and cloudy."""
FIRST_DAY = (datetime(2024, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
DAYS_TO_CHOOSE_FROM = 700
NIGHTS = ("present", "missing", "blank")
"""A meter at night: reads on; says nothing; says that it has no register."""
_DAYS_AFTER = 8
"""The plant lives on for so long after the series: a wrong clock shows registers of later."""
_CABLE_LOSS_PPM = 5_000
_NIGHT_LOAD_W = 15
_MINUTE_MS = 60_000
_SLOTS = MS_PER_DAY // SLOT_MS


@dataclass(frozen=True)
class Manner:
    """How a meter reports."""

    step_ms: int
    nights: str
    has_power: bool
    has_baseline: bool
    resolution_wh: int


def draw_manner(chance: np.random.Generator, *, power: bool | None = None) -> Manner:
    """Draw how a meter reports; with `power` given, whether it tells its power is fixed."""
    step_ms = int(chance.choice([5, 15])) * _MINUTE_MS
    nights = str(chance.choice(NIGHTS, p=[0.5, 0.25, 0.25]))
    has_power = bool(chance.random() < 0.6)
    return Manner(
        step_ms,
        nights,
        has_power if power is None else power,
        has_baseline=bool(chance.random() < 0.5),
        resolution_wh=int(chance.choice([1, 1, 10, 100])),
    )


def simulated(chance: np.random.Generator, days: int, *, inverters: int = 1, power: bool | None = None) -> Series:
    """Draw a place, a season, its weather and how its meters report.

    Args:
        chance: decides everything.
        days: whole local days.
        inverters: with more than one, a plant meter stands behind them; it is the last unit.
        power: whether the meters tell their power; None to draw it.

    """
    site = PLACES[int(chance.integers(len(PLACES)))]
    first_day = FIRST_DAY + int(chance.integers(DAYS_TO_CHOOSE_FROM))
    weather_seed = int(chance.integers(2**31))
    manner = draw_manner(chance, power=power)
    place = Place(site.name, site.latitude, site.longitude, site.utc_offset_minutes, site.altitude_m)
    start_ms = first_day * MS_PER_DAY - site.utc_offset_minutes * _MINUTE_MS
    knots = start_ms + np.arange((days + _DAYS_AFTER) * _SLOTS + 1, dtype=np.int64) * SLOT_MS
    each_w = [
        np.concatenate([ac_power_w(part, weather_seed, first_day + day) for day in range(days + _DAYS_AFTER)])
        for part in _parts(site, inverters)
    ]
    productions = [Production(knots, np.concatenate(([0], np.cumsum(power_w * SLOT_MS)))) for power_w in each_w]
    units = [
        _unit(chance, f"inverter-{number + 1}", "inverter", part.nameplate_w, production, manner)
        for number, (part, production) in enumerate(zip(_parts(site, inverters), productions, strict=True))
    ]
    if inverters > 1:
        units.append(_plant_meter(chance, site.nameplate_w, productions, manner))
    end_ms = start_ms + days * MS_PER_DAY
    time_ms = np.arange(start_ms, end_ms + 1, manner.step_ms, dtype=np.int64)
    records = tuple(_record(unit, time_ms, manner) for unit in units)
    sky = float(np.mean([w.mean() for w in each_w]) * 24 / np.mean([unit.nameplate_w for unit in units[:inverters]]))
    note = (
        f"{site.name}, {site.nameplate_w} W, {manner.step_ms // _MINUTE_MS} min, night {manner.nights}, {sky:.1f} h a day"
        f"{', power' if manner.has_power else ''}{', baseline' if manner.has_baseline else ''}"
    )
    return Series(place, start_ms, end_ms, tuple(units), records, note)


def _parts(site: PlantSite, inverters: int) -> list[PlantSite]:
    """Split a site over inverters that look a little to the east and to the west, under the same clouds."""
    if inverters == 1:
        return [site]
    return [
        replace(site, nameplate_w=site.nameplate_w // inverters, azimuth_deg=site.azimuth_deg + 30.0 * (number - 0.5))
        for number in range(inverters)
    ]


def _plant_meter(chance: np.random.Generator, nameplate_w: int, productions: list[Production], manner: Manner) -> Unit:
    """Return the meter behind all inverters: what they produced, less what the cables take."""
    total = np.sum([production.energy_w_ms for production in productions], axis=0)
    delivered = Production(productions[0].time_ms, total - total * _CABLE_LOSS_PPM // 1_000_000)
    return _unit(chance, "plant", "plant", nameplate_w, delivered, manner)


def _unit(  # noqa: PLR0913, PLR0917  a unit has these parts
    chance: np.random.Generator, meter_id: str, role: str, nameplate_w: int, production: Production, manner: Manner
) -> Unit:
    opening_wh = int(chance.integers(10, 4000)) * nameplate_w
    start_ms = int(production.time_ms[0])
    shown_wh = opening_wh // manner.resolution_wh * manner.resolution_wh
    baseline = (start_ms, shown_wh) if manner.has_baseline else None
    return Unit(meter_id, role, nameplate_w, opening_wh, production, manner.resolution_wh, None, baseline)


def _record(unit: Unit, time_ms: Integers, manner: Manner) -> Record:
    power_w = unit.production.power_w(time_ms)
    is_night = (power_w == 0) & (unit.production.power_w(time_ms + 1) == 0)
    import_wh = None
    if unit.role == "plant":
        import_wh = np.cumsum(np.where(is_night, _NIGHT_LOAD_W * manner.step_ms, 0)) // W_MS_PER_WH
    nothing = np.zeros(len(time_ms), dtype=np.bool_)
    everything = Record(
        time_ms,
        time_ms,
        unit.shown_wh(time_ms),
        np.ones(len(time_ms), dtype=np.bool_),
        nothing,
        nothing,
        power_w if manner.has_power else None,
        import_wh,
    )
    if manner.nights == "missing":
        return everything.taken(~is_night)
    return replace(everything, present=~is_night) if manner.nights == "blank" else everything


def recorded(readings: Readings, meter_id: str, nameplate_w: int, utc_offset_minutes: int, note: str) -> Series:
    """Take a recorded register as clean, and as the truth: straight between its readings.

    Raises:
        ValueError: the recording has no register that only rises, over at least two whole local days.

    """
    column = readings.export_wh
    if column is None or int(column.present.sum()) < 2 or bool((np.diff(column.numbers[column.present]) < 0).any()):
        raise ValueError("the recording holds no register that only rises")
    time_ms, register_wh = readings.time_ms[column.present], column.numbers[column.present]
    production = Production(time_ms, (register_wh - register_wh[0]) * W_MS_PER_WH)
    unit = Unit(meter_id, "inverter", nameplate_w, int(register_wh[0]), production, place_known=False)
    place = Place(meter_id, None, None, utc_offset_minutes)
    start_ms, end_ms = place.day_start_ms(int(time_ms[0]) + MS_PER_DAY - 1), place.day_start_ms(int(time_ms[-1]) + 1)
    if end_ms < start_ms + 2 * MS_PER_DAY:
        raise ValueError("the recording does not span two whole days")
    power = readings.power_w
    nothing = np.zeros(len(readings), dtype=np.bool_)
    record = Record(
        readings.time_ms,
        readings.time_ms,
        column.numbers,
        column.present,
        nothing,
        nothing,
        None if power is None else np.where(power.present, power.numbers, 0),
    )
    return Series(place, start_ms, end_ms, (unit,), (record.taken(np.argsort(record.time_ms, kind="stable")),), note)
