"""What a plant would give under a clear sky: the dashed line beside its power. To look at; nothing is settled by it."""

import json
import logging
import queue
import threading
from collections.abc import Mapping

from api.projection.instants import day_start_ms
from api.projection.places import Place
from api.projection.store import Store

log = logging.getLogger(__name__)

STEP_S = 900
POINTS = 86_400 // STEP_S
LINKE_TURBIDITY = 3.0
"""Turbidity of clear air over land, as pvlib's tables have it for most of the year."""
LOSSES = 0.14
"""Soiling, wiring, mismatch and the rest: the default of PVWatts (NREL/TP-6A20-62641)."""
ALBEDO = 0.2


class ClearSkies:
    """Computed once a plant and day, by a thread of its own: pvlib takes seconds to import."""

    def __init__(self, store: Store, places: Mapping[str, Place]) -> None:
        self._store = store
        self._places = places
        self._wanted: queue.Queue[tuple[str, int, int, int] | None] = queue.Queue(maxsize=10_000)
        self._asked: set[tuple[str, int]] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def points(self, asset_id: str, day: int, nameplate_w: int, utc_offset_s: int) -> list[int] | None:
        """Power in steps of `STEP_S` through a local day [W]; None where the place is not known, or it is not computed yet."""
        if asset_id not in self._places:
            return None
        query = "SELECT points FROM clear_sky WHERE asset_id = ? AND day = ?"
        row = self._store.reader().execute(query, (asset_id, day)).fetchone()
        if row is None:
            self._want(asset_id, day, nameplate_w, utc_offset_s)
            return None
        points: list[int] = json.loads(row[0])
        return points

    def stop(self) -> None:
        """End the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._wanted.put(None)
            thread.join(10.0)

    def _want(self, asset_id: str, day: int, nameplate_w: int, utc_offset_s: int) -> None:
        with self._lock:
            if (asset_id, day) in self._asked:
                return
            if self._wanted.full():
                return
            self._asked.add((asset_id, day))
            self._wanted.put_nowait((asset_id, day, nameplate_w, utc_offset_s))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="clear-skies", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            asset_id, day, nameplate_w, utc_offset_s = wanted
            try:
                points = clear_sky_w(self._places[asset_id], nameplate_w, day_start_ms(day, utc_offset_s))
                with self._store.writing() as writing:
                    writing.connection.execute(
                        "INSERT OR REPLACE INTO clear_sky VALUES (?, ?, ?)", (asset_id, day, json.dumps(points))
                    )
                    writing.touch([writing.asset(asset_id)], booked=False)
            except Exception:
                log.exception("no clear sky for %s", asset_id)


def clear_sky_w(place: Place, nameplate_w: int, start_ms: int) -> list[int]:
    """Power of a plant under a clear sky [W], in steps of `STEP_S` through a day from `start_ms` [ms UTC] on.

    Clear sky by Ineichen and Perez, Solar Energy 73 (2002); irradiance on the modules by Hay and Davies (1980), as pvlib
    computes both; less the losses of PVWatts, and never above the nameplate. Temperature is left out.
    """
    import pandas as pd  # type: ignore[import-untyped]  # noqa: PLC0415  untyped; slow, and only needed here
    from pvlib import atmosphere, clearsky, irradiance, solarposition  # type: ignore[import-untyped]  # noqa: PLC0415

    begin = pd.Timestamp(start_ms, unit="ms", tz="UTC") + pd.Timedelta(seconds=STEP_S / 2)
    times = pd.date_range(begin, periods=POINTS, freq=f"{STEP_S}s")
    sun = solarposition.get_solarposition(times, place.latitude, place.longitude)
    airmass = atmosphere.get_absolute_airmass(atmosphere.get_relative_airmass(sun["apparent_zenith"]))
    extra = irradiance.get_extra_radiation(times.day_of_year.to_numpy())
    clear = clearsky.ineichen(sun["apparent_zenith"], airmass, LINKE_TURBIDITY, dni_extra=extra)
    tilt = place.tilt_deg if place.tilt_deg is not None else min(abs(place.latitude), 40.0)
    azimuth = place.azimuth_deg if place.azimuth_deg is not None else (180.0 if place.latitude >= 0 else 0.0)
    plane = irradiance.get_total_irradiance(
        tilt, azimuth, sun["apparent_zenith"], sun["azimuth"], clear["dni"], clear["ghi"], clear["dhi"],
        dni_extra=extra, albedo=ALBEDO, model="haydavies",
    )  # fmt: skip
    share = (plane["poa_global"].fillna(0.0) / 1000 * (1 - LOSSES)).clip(0.0, 1.0)
    return [round(nameplate_w * one) for one in share.tolist()]
