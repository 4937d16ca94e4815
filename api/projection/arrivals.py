"""What meters last said and when it arrived, and their power of the last days, out of the envelopes as they arrive."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from api.projection.instants import DAY_MS, instant
from api.projection.store import Writing
from devices.telemetry import Envelope
from oracle.journal.following import Arrival

STEP_MS = 300_000
"""Power is kept for steps of five minutes."""
POWER_KEPT_MS = 8 * DAY_MS
"""Older days are read from the journal when they are asked for."""
FUTURE_MS = 120_000
"""A reading dated later than this after its arrival is not what the meter says now."""
LONGEST_SPACING_MS = 3_600_000

_COUNT = (
    "INSERT INTO arrival (device, meter, reading_ms, arrival_ms, readings, envelopes) VALUES (?, ?, 0, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET arrival_ms = max(arrival_ms, excluded.arrival_ms),"
    " readings = readings + excluded.readings, envelopes = envelopes + excluded.envelopes"
)
_NEWEST = (
    "UPDATE arrival SET reading_ms = ?, power_w = ?, export_wh = ?, spacing_ms = coalesce(?, spacing_ms)"
    " WHERE number = ? AND reading_ms <= ?"
)
_POWER = (
    "INSERT INTO power VALUES (?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET time_ms = excluded.time_ms, power_w = excluded.power_w WHERE excluded.time_ms >= time_ms"
)


def count_arrivals(writing: Writing, arrivals: Iterable[Arrival]) -> None:
    """Count envelopes and their readings by meter."""
    counted: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in arrivals:
        tally = counted[one.device, one.meter]
        tally[0] = max(tally[0], one.received_ms)
        tally[1] += one.reading_count
        tally[2] += 1
    rows = [(device, meter, *tally) for (device, meter), tally in counted.items()]
    writing.connection.executemany(_COUNT, rows)
    _touch(writing, counted)


def keep_readings(writing: Writing, decoded: Sequence[tuple[Arrival, Envelope]], *, tell: bool) -> None:
    """Keep the newest reading of each meter and its power by steps; with `tell`, say that readings came."""
    newest: dict[tuple[str, str], int] = {}
    for arrival, envelope in decoded:
        readings = envelope.readings
        known = readings.time_ms <= arrival.received_ms + FUTURE_MS
        if not known.any():
            continue
        time_ms = readings.time_ms[known]
        power = [None] * len(time_ms) if readings.power_w is None else _chosen(readings.power_w.to_list(), known)
        export = [None] * len(time_ms) if readings.export_wh is None else _chosen(readings.export_wh.to_list(), known)
        key = (arrival.device, arrival.meter)
        number, known_ms = _kept(writing, key)
        rows = zip(time_ms.tolist(), power, strict=True)
        writing.connection.executemany(
            _POWER, [(number, (at_ms - 1) // STEP_MS, at_ms, power_w) for at_ms, power_w in rows if power_w is not None]
        )
        last = int(time_ms.argmax())
        last_ms = int(time_ms[last])
        spacing_ms = _usual_gap(time_ms) if len(time_ms) > 1 else last_ms - known_ms
        changed = writing.connection.execute(
            _NEWEST, (last_ms, power[last], export[last], _plausible(spacing_ms), number, last_ms)
        )
        if changed.rowcount:
            newest[key] = last_ms
    assets = _touch(writing, newest)
    if not tell:
        return
    for key, last_ms in newest.items():
        query = "SELECT reading_ms, power_w, export_wh FROM arrival WHERE device = ? AND meter = ?"
        at_ms, power_w, export_wh = writing.connection.execute(query, key).fetchone()
        if key in assets and at_ms == last_ms:
            document = {"meter_id": key[1], "device_id": key[0], "reading_at": _text(at_ms)}
            writing.tell("reading", assets[key], at_ms, {**document, "power_w": power_w, "export_wh": export_wh})


def prune_power(writing: Writing, before_ms: int) -> None:
    """Forget the power of steps that ended before an instant [ms UTC]."""
    writing.connection.execute("DELETE FROM power WHERE step < ?", (before_ms // STEP_MS,))


def look_for_stale_meters(writing: Writing, now_ms: int, stale_after_ms: int) -> None:
    """Tell which listed meters have fallen silent, and which are back.

    Args:
        writing: the transaction.
        now_ms: the clock that arrivals are dated by [ms UTC].
        stale_after_ms: a meter from which nothing has arrived for so long has fallen silent [ms].

    """
    query = (
        "SELECT arrival.device, arrival.meter, arrival_ms, stale, asset.number FROM arrival"
        " JOIN listed_meter ON device_id = arrival.device AND meter_id = arrival.meter"
        " JOIN asset ON asset.asset_id = listed_meter.asset_id"
        " WHERE revoked = 0 AND (stale = 0) = (arrival_ms < ?)"
    )
    turned = writing.connection.execute(query, (now_ms - stale_after_ms,)).fetchall()
    for device, meter, arrival_ms, was_stale, asset in turned:
        writing.connection.execute(
            "UPDATE arrival SET stale = ? WHERE device = ? AND meter = ?", (not was_stale, device, meter)
        )
        document = {"meter_id": meter, "device_id": device, "last_arrival_at": _text(arrival_ms)}
        writing.tell("meter_back" if was_stale else "meter_stale", asset, now_ms, document)
    writing.touch({row[4] for row in turned}, booked=False)


def _touch(writing: Writing, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Say that assets changed whose meters these are; return the asset of each that is listed."""
    query = "SELECT number FROM listed_meter JOIN asset USING (asset_id) WHERE device_id = ? AND meter_id = ?"
    found = {key: writing.connection.execute(query, key).fetchone() for key in keys}
    assets = {key: int(row[0]) for key, row in found.items() if row is not None}
    writing.touch(assets.values(), booked=False)
    writing.is_shown = writing.is_shown or bool(found)  # a station counts them
    return assets


def _kept(writing: Writing, key: tuple[str, str]) -> tuple[int, int]:
    """(number of a meter that was counted, instant of its newest reading [ms UTC])."""
    query = "SELECT number, reading_ms FROM arrival WHERE device = ? AND meter = ?"
    number, reading_ms = writing.connection.execute(query, key).fetchone()
    return int(number), int(reading_ms)


def _usual_gap(time_ms: NDArray[np.int64]) -> int:
    """Lower median of what lies between readings [ms]."""
    gaps = np.sort(np.diff(np.sort(time_ms)))
    return int(gaps[(len(gaps) - 1) // 2])


def _plausible(spacing_ms: int) -> int | None:
    return spacing_ms if 0 < spacing_ms <= LONGEST_SPACING_MS else None


def _chosen(numbers: list[int | None], known: NDArray[np.bool_]) -> list[int | None]:
    return [number for number, chosen in zip(numbers, known.tolist(), strict=True) if chosen]


def _text(time_ms: int) -> str:
    return instant(time_ms).isoformat().replace("+00:00", "Z")
