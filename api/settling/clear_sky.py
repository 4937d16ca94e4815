"""The most a photovoltaic plant can produce at its place, by time of year and day: a ceiling for settlement.

Computed with pvlib when rules are written or recorded files are settled, and from then on whole numbers. It is an upper bound for
any plant there, whichever way its modules look: modules that face the sun, under very clean air, half as many again as
the inverter is built for. What it is for is the night, and the hours next to it.
"""

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context

import numpy as np

from oracle.metering.ceiling import HALF_HOURS, HALF_MONTHS, PPM, Ceiling

SAMPLE_MINUTES = 10
SAMPLE_DAYS = (1, 4, 8, 12, 15, 16, 18, 21, 25)
"""Days of a month, and its last: the sun's path is extreme at the ends of a half-month, or on the 21st of June or December."""
CLEAN_AIR_LINKE = 2.0
"""Turbidity of very clean, dry air (pvlib, `clearsky.ineichen`)."""
OVERSIZE = 1.5
"""Module power over inverter power, and the gain of bright clouds, at most."""
TWILIGHT_DEG = -2.0
"""Below this elevation of the sun it is night: refraction, a clock a few minutes wrong and the sampling are within it."""
TWILIGHT_PPM = 20_000
"""Power that is let pass whenever it is not night [ppm of nameplate]."""
STEP_PPM = 1000
"""Entries are rounded up to it, so that no machine's last digit shows."""

Place = tuple[float, float]
"""Degrees north, degrees east."""


CeilingAt = Callable[[Place], Ceiling]


def ceiling_of(place: Place) -> Ceiling:
    """Ceiling of a place, computed when it is asked for."""
    return clear_sky_ceiling(*place)


@contextmanager
def ceilings_meanwhile(places: Collection[Place]) -> Iterator[CeilingAt]:
    """Hand out the ceilings of known places, computed in a process of its own meanwhile: loading pvlib takes seconds.

    Without places nothing is started. A place that was not announced is computed when it is asked for.
    """
    if not places:
        yield ceiling_of
        return
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        expected = {place: process.submit(clear_sky_ceiling, *place) for place in places}

        def ceiling(place: Place) -> Ceiling:
            try:
                return expected[place].result()
            except (KeyError, BrokenProcessPool):
                return ceiling_of(place)

        yield ceiling


@cache
def clear_sky_ceiling(latitude: float, longitude: float) -> Ceiling:
    """Largest plausible power at a place, in ppm of nameplate, by half-month and half-hour (UTC).

    Source: Ineichen and Perez, "A new airmass independent formulation for the Linke turbidity coefficient", Solar
    Energy 73 (2002), as pvlib computes it, at sea level.

    Args:
        latitude: degrees north.
        longitude: degrees east.

    """
    import pandas as pd  # type: ignore[import-untyped] # noqa: PLC0415 - untyped; slow, and only needed where the place is known
    from pvlib import (  # type: ignore[import-untyped] # noqa: PLC0415 - the same
        atmosphere,
        clearsky,
        solarposition,
    )

    times = pd.date_range("2024-01-01", "2025-01-01", freq=f"{SAMPLE_MINUTES}min", tz="UTC", inclusive="left")
    times = times[times.day.isin(SAMPLE_DAYS) | times.is_month_end]
    sun = solarposition.get_solarposition(times, latitude, longitude)
    airmass = atmosphere.get_absolute_airmass(atmosphere.get_relative_airmass(sun["apparent_zenith"]))
    clear = clearsky.ineichen(sun["apparent_zenith"], airmass, CLEAN_AIR_LINKE)
    facing = np.nan_to_num((clear["dni"] + clear["dhi"]).to_numpy())
    day = (sun["elevation"] > TWILIGHT_DEG).to_numpy()
    ppm = np.where(day, facing / 1000 * OVERSIZE * PPM + TWILIGHT_PPM, 0.0)
    steps = np.ceil(np.minimum(ppm, 2 * PPM) / STEP_PPM).astype(np.int64)
    half_month = (times.month.to_numpy() - 1) * 2 + (times.day.to_numpy() > 15)
    half_hour = times.hour.to_numpy() * 2 + (times.minute.to_numpy() >= 30)
    table = np.zeros((HALF_MONTHS, HALF_HOURS), dtype=np.int64)
    np.maximum.at(table, (half_month, half_hour), steps * STEP_PPM)
    return Ceiling(tuple(table.ravel().tolist()))
