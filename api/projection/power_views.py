"""Power of a local day: of one asset, and of several together; raw readings."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock

from pydantic import TypeAdapter

from api.projection.arrivals import STEP_MS
from api.projection.asset_views import AssetViews, counting_roles
from api.projection.clear_sky import STEP_S as SKY_STEP_S
from api.projection.clear_sky import ClearSkies
from api.projection.cursors import numbers_of
from api.projection.instants import DAY_MS, HOUR_MS, day_of, day_start_ms, instant
from api.projection.ledger_views import LedgerViews
from api.projection.store import Store
from api.projection.views import AssetView, Page, PowerPoint, PowerView, ReadingView
from contracts.state import MeterRole
from oracle.errors import JournalError
from oracle.historian.points import Point, points_of, samples_of
from oracle.journal.following import FollowedJournal
from oracle.reporting.rules import Rules

STEPS_MS = (STEP_MS, 900_000, 1_800_000, HOUR_MS)
"""Steps that a day may be shown in: the shortest that is no shorter than what lies between two readings."""
LAST_DAY = 106_000
"""In the year 2260: no historian has readings of later days."""
SUMMED_AT_ONCE = 64
"""Meters that are looked up one by one; of more, the whole day is read."""
DAYS_KEPT = 2048
SUM_SHARE = 50
"""A sum over many meters is kept for so many times as long as it took."""

Steps = dict[int, float]
"""Power of each step of a day from which something was said, counted from the day's first [W]: a sum of each meter's mean."""

_POINTS = TypeAdapter(list[PowerPoint])
_METERS = (
    "SELECT role, arrival.number, device_id, meter_id, spacing_ms FROM listed_meter"
    " LEFT JOIN arrival ON arrival.device = device_id AND arrival.meter = meter_id WHERE asset_id = ? AND revoked = 0"
)
_OF_METER = "SELECT (step - ?2) / ?4, avg(power_w) FROM power WHERE meter = ?1 AND step >= ?2 AND step < ?3 GROUP BY 1"
_OF_ALL = (
    "SELECT place, sum(power_w) FROM (SELECT (step - ?1) / ?3 AS place, avg(power_w) AS power_w FROM power"
    " INDEXED BY power_by_step WHERE step >= ?1 AND step < ?2 AND meter IN (SELECT value FROM json_each(?4))"
    " GROUP BY place, meter) GROUP BY place"
)


class PowerViews:
    """Power out of the projection for the last days, out of the journal for older ones."""

    def __init__(  # noqa: PLR0913, PLR0917  what it looks into
        self, store: Store, assets: AssetViews, ledger: LedgerViews, skies: ClearSkies, rules: Rules | None,
        clock_ms: Callable[[], int],
    ) -> None:  # fmt: skip
        self._store = store
        self._assets = assets
        self._ledger = ledger
        self._skies = skies
        self._rules = rules
        self._clock_ms = clock_ms
        self._place: tuple[Path, str, tuple[Path, ...]] | None = None
        self._journal: FollowedJournal | None = None
        self._lock = Lock()
        self._days: dict[tuple[str, int], tuple[int, int, PowerView]] = {}
        self._sums: dict[tuple[frozenset[str], int], tuple[float, PowerView]] = {}

    def use_journal(self, path: Path, network: str, archives: Iterable[Path]) -> None:
        """Say where readings are read from."""
        self.close()
        self._place = (path, network, tuple(archives))

    def close(self) -> None:
        """Close the journal."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def readings(self, asset_id: str, start_ms: int, end_ms: int, after: str | None, limit: int) -> Page[ReadingView]:
        """Readings of an asset's meters in [start, end) [ms UTC], by meter and time.

        Raises:
            NotFoundProblem: no such asset.
            JournalError: the journal is away.

        """
        meters = sorted({meter.meter_id for meter in self._assets.one(asset_id).meters})
        past, _, since = (after or "").partition("@")
        from_ms, to_skip = (start_ms, 0) if after is None else numbers_of(since, 2)
        items: list[ReadingView] = []
        for meter_id in (meter_id for meter_id in meters if meter_id >= past):
            begin_ms, skipped = (max(from_ms, start_ms), to_skip) if meter_id == past else (start_ms, 0)
            at_ms, nth = -1, 0
            for sample_ms, export_wh, power_w in self._samples(
                meter_id, begin_ms, end_ms, limit + 1 - len(items) + skipped
            ):
                nth = nth + 1 if sample_ms == at_ms else 0
                at_ms = sample_ms
                if meter_id == past and at_ms == begin_ms and nth < skipped:
                    continue
                if len(items) == limit:
                    return Page[ReadingView].model_construct(items=items, next=f"{meter_id}@{at_ms}-{nth}")
                items.append(
                    ReadingView.model_construct(
                        meter_id=meter_id, at=instant(at_ms), export_wh=export_wh, power_w=power_w
                    )
                )
        return Page[ReadingView].model_construct(items=items, next=None)

    def day(self, asset_id: str, day: int) -> PowerView:
        """One local day of an asset. Raises NotFoundProblem, and JournalError where an old day is asked for and the journal is away."""
        asset = self._assets.one(asset_id)
        now_ms = self._clock_ms()
        number = self._store.number_of(asset_id)
        changed = max(self._store.shown_at.get(number, 0), self._store.all_at)
        kept = self._days.get((asset_id, day))
        if kept is not None and kept[0] >= changed and kept[1] == now_ms // STEP_MS:
            return kept[2]
        version = self._store.version
        view = self._make([asset], day, asset.utc_offset_s, asset_id)
        if len(self._days) >= DAYS_KEPT:
            self._days.clear()
        self._days[asset_id, day] = (version, now_ms // STEP_MS, view)
        return view

    def together(self, assets: list[AssetView], day: int, utc_offset_s: int) -> PowerView:
        """One local day of several assets."""
        key = (frozenset(asset.asset_id for asset in assets), day)
        kept = self._sums.get(key)
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        began = time.monotonic()
        view = self._make(assets, day, utc_offset_s, None)
        took_s = time.monotonic() - began
        if len(self._sums) >= DAYS_KEPT:
            self._sums.clear()
        if took_s * SUM_SHARE > 1.0:
            self._sums[key] = (time.monotonic() + took_s * SUM_SHARE, view)
        return view

    def _make(self, assets: list[AssetView], day: int, utc_offset_s: int, asset_id: str | None) -> PowerView:
        if not 0 <= day < LAST_DAY:
            return PowerView.model_construct(
                asset_id=asset_id, day=day_of(day), step_s=STEP_MS // 1000, points=[], clear_sky=None, hours=[]
            )
        start_ms = day_start_ms(day, utc_offset_s)
        end_ms, now_ms = start_ms + DAY_MS, self._clock_ms()
        meters = [meter for asset in assets for meter in self._meters(asset.asset_id)]
        spacing_ms = max((meter[3] or STEP_MS for meter in meters), default=STEP_MS)
        step_ms = next((step for step in STEPS_MS if step >= spacing_ms), STEPS_MS[-1])
        steps = self._steps(meters, start_ms, end_ms, step_ms // STEP_MS)
        points = _points(steps, start_ms, min(end_ms, now_ms), step_ms, trim=end_ms > now_ms)
        measured = {(start_ms + place * step_ms) // HOUR_MS for place in steps}
        reached_ms = self._reached_ms()
        hours = self._ledger.hours([asset.asset_id for asset in assets], start_ms, end_ms, reached_ms, measured)
        return PowerView.model_construct(
            asset_id=asset_id,
            day=day_of(day),
            step_s=step_ms // 1000,
            points=points,
            clear_sky=self._sky(assets, day, start_ms, utc_offset_s),
            hours=hours,
        )

    def _meters(self, asset_id: str) -> list[tuple[int | None, str, str, int | None]]:
        """(number, device, meter, spacing) of the meters that count."""
        rows = self._store.reader().execute(_METERS, (asset_id,)).fetchall()
        terms = self._rules.terms.get(asset_id) if self._rules else None
        counting = counting_roles((row[0] for row in rows), terms)
        return [row[1:] for row in rows if row[0] in counting and row[0] != MeterRole.LOAD]

    def _steps(
        self, meters: list[tuple[int | None, str, str, int | None]], start_ms: int, end_ms: int, within: int
    ) -> Steps:
        reader = self._store.reader()
        kept = reader.execute("SELECT content FROM meta WHERE name = 'power_from_ms'").fetchone()
        first, last = start_ms // STEP_MS, end_ms // STEP_MS
        if kept is None or int(kept[0]) > start_ms:
            return self._from_journal([meter[2] for meter in meters], start_ms, end_ms, within)
        numbers = [meter[0] for meter in meters if meter[0] is not None]
        if len(numbers) > SUMMED_AT_ONCE:
            listed = "[" + ",".join(map(str, numbers)) + "]"
            return dict(reader.execute(_OF_ALL, (first, last, within, listed)).fetchall())
        steps: Steps = {}
        for number in numbers:
            _add(steps, dict(reader.execute(_OF_METER, (number, first, last, within)).fetchall()))
        return steps

    def _from_journal(self, meter_ids: list[str], start_ms: int, end_ms: int, within: int) -> Steps:
        steps: Steps = {}
        try:
            for meter_id in meter_ids if len(meter_ids) <= SUMMED_AT_ONCE else ():
                own: dict[int, list[int]] = {}
                for time_ms, _, power_w in self._samples(meter_id, start_ms + 1, end_ms + 1, None):
                    if power_w is not None:
                        own.setdefault((time_ms - 1 - start_ms) // STEP_MS // within, []).append(power_w)
                _add(steps, {place: sum(powers) / len(powers) for place, powers in own.items()})
        except JournalError:
            return steps  # no data rather than no page: the strip says that the journal is away
        return steps

    def _samples(
        self, meter_id: str, start_ms: int, end_ms: int, limit: int | None
    ) -> list[tuple[int, int | None, int | None]]:
        """(time, register, power) of one meter's readings, each once, by time."""
        journal = self._followed()
        points: list[Point] = []
        for envelope in journal.envelopes_of_meter(meter_id, start_ms, end_ms):
            if limit is not None and len(points) > limit and envelope.first_ms > points[limit].time_ms:
                break  # envelopes come by their first reading
            points += list(points_of(envelope, start_ms, end_ms))
            if limit is not None:
                points.sort(key=lambda point: point.time_ms)
        return [(sample.time_ms, sample.export_wh, sample.power_w) for sample in samples_of(points)]

    def _followed(self) -> FollowedJournal:
        with self._lock:
            if self._place is None:
                raise JournalError("no journal is followed here, so there are no readings")
            if self._journal is not None and not self._journal.is_in_place():
                self._journal.close()
                self._journal = None
            if self._journal is None:
                self._journal = FollowedJournal.open(*self._place)
            return self._journal

    def _reached_ms(self) -> int:
        query = "SELECT max(cutoff_s) FROM journal_report WHERE disabled = 0"
        row = self._store.reader().execute(query).fetchone()
        return (row[0] or 0) * 1000

    def _sky(self, assets: list[AssetView], day: int, start_ms: int, utc_offset_s: int) -> list[PowerPoint] | None:
        """Sum of the clear skies of all assets; None unless all are known."""
        known = [
            self._skies.points(asset.asset_id, day, asset.nameplate_w, utc_offset_s)
            for asset in assets[:SUMMED_AT_ONCE]
        ]
        if not known or len(assets) > SUMMED_AT_ONCE or any(points is None for points in known):
            return None
        sums = [sum(column) for column in zip(*(points for points in known if points is not None), strict=True)]
        return [
            PowerPoint.model_construct(at=instant(start_ms + place * SKY_STEP_S * 1000), power_w=power_w)
            for place, power_w in enumerate(sums)
        ]


def _add(steps: Steps, own: Steps) -> None:
    for place, power_w in own.items():
        steps[place] = steps.get(place, 0.0) + power_w


def _points(steps: Steps, start_ms: int, until_ms: int, step_ms: int, *, trim: bool) -> list[PowerPoint]:
    """Mean power of each step up to an instant; None where nothing was said. With `trim`, what may still come is left out."""
    places = range(-(-max(until_ms - start_ms, 0) // step_ms))
    powers = [round(steps[place]) if place in steps else None for place in places]
    for _ in range(3):
        if trim and powers and powers[-1] is None:
            powers.pop()
    rows = [{"at": instant(start_ms + place * step_ms), "power_w": power_w} for place, power_w in enumerate(powers)]
    return _POINTS.validate_python(rows)
