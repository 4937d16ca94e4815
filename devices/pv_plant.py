"""A photovoltaic plant, from the sun's place in the sky to the whole-Wh register of its meter.

    sun's place -> clear sky -> clouds -> plane of the modules -> cell temperature -> DC -> AC -> register

Power is a whole number of watts that holds for a slot of five minutes; slots are counted from local midnight, and the
clouds of a day come from (seed, site, day) alone. The register is the exact sum of watts x milliseconds, cut to whole
Wh when it is read. So a plant says the same however its life is cut into calls. Pure: no clock.

A meter with faults is a function from the true `Readings` to faulty ones; it needs nothing from in here.
"""

import zlib
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from devices.plant_sites import DEFAULT_SITES, PlantSite, default_sites
from devices.readings import Column, Readings

__all__ = ["DEFAULT_SITES", "SLOT_MS", "PlantSite", "PvPlant", "ac_power_w", "default_sites"]

SLOT_MS = 300_000
"""Power is constant within a slot [ms]."""
_DAY_MS = 86_400_000
_SLOTS = _DAY_MS // SLOT_MS
_W_MS_PER_WH = 3_600_000

_LOWEST_SUN_DEG = 89.0  # zenith; a lower sun gives no power and would divide by its sine
_ALBEDO = 0.2
_LOSSES = 0.14  # soiling, wiring, mismatch and the rest: the default of PVWatts (NREL/TP-6A20-62641)
_INVERTER_EFFICIENCY = 0.96
_TEMPERATURE_COEFFICIENT = -0.0037  # of DC power [1/K]
_WARMEST_DAY, _WARMEST_HOUR, _DAILY_SWING_K = 200, 14, 4.0


class PvPlant:
    """A plant whose register stands at `opening_wh` at `start_ms` and only rises from there.

    Args:
        site: where it stands and how large it is.
        seed: any number >= 0; the same seed and site give the same bytes.
        start_ms: instant of commissioning [ms UTC]; nothing can be read before it.
        opening_wh: register at that instant [Wh]; by default a seeded one, since a real register seldom starts at 0.

    """

    def __init__(self, site: PlantSite, seed: int, start_ms: int, opening_wh: int | None = None) -> None:
        self.site = site
        self.seed = seed
        self.start_ms = start_ms
        if opening_wh is None:
            full_load_hours = _generator(site, seed, 0).integers(200_000, 4_000_000)
            opening_wh = int(full_load_hours) * site.nameplate_w // 1000
        self.opening_wh = opening_wh
        self._first_day = (start_ms + site.utc_offset_minutes * 60_000) // _DAY_MS
        self._origin_ms = self._first_day * _DAY_MS - site.utc_offset_minutes * 60_000
        self._power_w = np.zeros(0, dtype=np.int64)
        self._energy_w_ms = np.zeros(1, dtype=np.int64)
        self._start_w_ms = int(self._since_origin_w_ms(np.array([start_ms], dtype=np.int64))[0])

    def readings(self, start_ms: int, end_ms: int, step_ms: int) -> Readings:
        """Read the meter at start_ms, start_ms + step_ms, ... before end_ms.

        Export register [Wh] and power [W], on every row: at night the register stands still and the power is 0. Power
        is that of the slot which ends at, or holds, the instant.

        Raises:
            ValueError: the span begins before the plant does, or the step is not positive.

        """
        if start_ms < self.start_ms or step_ms <= 0:
            raise ValueError(f"readings begin at {self.start_ms} at the earliest, in steps above 0")
        time_ms = np.arange(start_ms, end_ms, step_ms, dtype=np.int64)
        since_start = self._since_origin_w_ms(time_ms) - self._start_w_ms
        ended = np.maximum(time_ms - 1 - self._origin_ms, 0) // SLOT_MS
        register_wh = self.opening_wh + since_start // _W_MS_PER_WH
        return Readings(time_ms, Column.full(register_wh), power_w=Column.full(self._power_w[ended]))

    def _since_origin_w_ms(self, time_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the energy since the local midnight before commissioning [W ms], shape (n,)."""
        since_ms = time_ms - self._origin_ms
        last_day = int(since_ms.max(initial=0)) // _DAY_MS
        known = len(self._power_w) // _SLOTS
        if last_day >= known:
            days = [ac_power_w(self.site, self.seed, self._first_day + day) for day in range(known, last_day + 1)]
            self._power_w = np.concatenate([self._power_w, *days])
            self._energy_w_ms = np.concatenate([[0], np.cumsum(self._power_w * SLOT_MS)])
        slot, within_ms = np.divmod(since_ms, SLOT_MS)
        energy: NDArray[np.int64] = self._energy_w_ms[slot] + self._power_w[slot] * within_ms
        return energy


def ac_power_w(site: PlantSite, seed: int, local_day: int) -> NDArray[np.int64]:
    """Return the AC power of each five-minute slot of a local day [W], shape (288,), whole watts, never negative.

    Args:
        site: the plant.
        seed: decides the clouds and the air temperature of the day.
        local_day: days since 1970-01-01 in the site's local time.

    Models: Spencer (1971) sun; Ineichen and Perez (2002) clear sky; clouds by Kasten and Czeplak (1980); Erbs (1982)
    decomposition; isotropic sky on the tilted plane; Faiman (2008) cell temperature; PVWatts version 5 DC and inverter.

    """
    from pvlib import (  # type: ignore[import-untyped] # noqa: PLC0415 - untyped; takes two seconds to import
        atmosphere,
        clearsky,
        inverter,
        irradiance,
        pvsystem,
        temperature,
    )

    day_of_year = _day_of_year(local_day)
    sun_zenith, azimuth = _sun(site, day_of_year)
    zenith = np.minimum(sun_zenith, _LOWEST_SUN_DEG)
    extra = irradiance.get_extra_radiation(day_of_year)
    pressure = atmosphere.alt2pres(site.altitude_m)
    airmass = atmosphere.get_absolute_airmass(atmosphere.get_relative_airmass(zenith), pressure)
    clear = clearsky.ineichen(zenith, airmass, site.linke_turbidity, site.altitude_m, extra)

    clear_sky_index, air_c = _weather(site, seed, local_day)
    ghi = clear["ghi"] * clear_sky_index
    parts = irradiance.erbs(ghi, zenith, day_of_year)
    plane = irradiance.get_total_irradiance(
        site.tilt_deg,
        site.azimuth_deg,
        zenith,
        azimuth,
        parts["dni"],
        ghi,
        parts["dhi"],
        albedo=_ALBEDO,
    )
    poa = np.where(sun_zenith < _LOWEST_SUN_DEG, plane["poa_global"], 0.0)
    cell_c = temperature.faiman(poa, air_c)
    modules_w = site.nameplate_w * site.dc_ac_ratio
    dc_w = pvsystem.pvwatts_dc(poa, cell_c, modules_w, _TEMPERATURE_COEFFICIENT) * (1.0 - _LOSSES)
    ac_w = inverter.pvwatts(dc_w, site.nameplate_w / _INVERTER_EFFICIENCY, _INVERTER_EFFICIENCY)
    power: NDArray[np.int64] = np.clip(np.rint(ac_w), 0, site.nameplate_w).astype(np.int64)
    return power


def _day_of_year(local_day: int) -> int:
    """Return the day of the year, 1 to 366, of a number of days since 1970-01-01."""
    return (date(1970, 1, 1) + timedelta(days=local_day)).timetuple().tm_yday


def _sun(site: PlantSite, day_of_year: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return zenith and azimuth of the sun at the middle of each slot [deg], each of shape (288,).

    Spencer (1971) declination and equation of time; the analytical formulas of Duffie and Beckman (2013) from there.
    """
    from pvlib import solarposition  # noqa: PLC0415 - see ac_power_w

    utc_hour = (np.arange(_SLOTS) + 0.5) * 24 / _SLOTS - site.utc_offset_minutes / 60
    declination = solarposition.declination_spencer71(day_of_year)
    solar_minutes = 4 * site.longitude + solarposition.equation_of_time_spencer71(day_of_year)
    hour_angle = np.radians((15 * (utc_hour - 12) + solar_minutes / 4 + 180) % 360 - 180)
    zenith = solarposition.solar_zenith_analytical(np.radians(site.latitude), hour_angle, declination)
    azimuth = solarposition.solar_azimuth_analytical(np.radians(site.latitude), hour_angle, declination, zenith)
    return np.degrees(zenith), np.degrees(azimuth)


def _weather(site: PlantSite, seed: int, local_day: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the clear-sky index [-] and the air temperature [deg C] of a day's slots, each of shape (288,).

    Cloud cover N is a day's mean, beta distributed around 1 - sunshine, with smooth noise that is strongest on broken
    skies; the index is 1 - 0.75 N^3.4 (Kasten and Czeplak 1980).
    """
    chance = _generator(site, seed, local_day)
    mean_cover = chance.beta(1.6, 1.6 * site.sunshine / (1.0 - site.sunshine))
    window = np.hanning(13)
    noise = np.convolve(chance.standard_normal(_SLOTS + 12), window / np.sqrt((window**2).sum()), mode="valid")
    cover = np.clip(mean_cover + 0.8 * mean_cover * (1.0 - mean_cover) * noise, 0.0, 1.0)
    hour = (np.arange(_SLOTS) + 0.5) * 24 / _SLOTS
    season_k = site.summer_rise_k * np.cos(2 * np.pi * (local_day % 365.2425 - _WARMEST_DAY) / 365.2425)
    daily_k = _DAILY_SWING_K * np.cos(2 * np.pi * (hour - _WARMEST_HOUR) / 24)
    air_c = site.mean_temperature_c + season_k + daily_k + 1.5 * chance.standard_normal()
    return 1.0 - 0.75 * cover**3.4, air_c


def _generator(site: PlantSite, seed: int, local_day: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(site.name.encode()), local_day])
