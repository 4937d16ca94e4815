"""Production and accounts: what the ledger's sums say of an asset."""

from typing import Any

from api.http.problems import NotFoundProblem
from api.projection.booking import month_of_day
from api.projection.cursors import numbers_of
from api.projection.instants import DAY_MS, HOUR_MS, day_start_ms, instant, local_day, month_end_ms, month_start_ms
from api.projection.store import Store
from api.projection.views import AccountView, HeldBack, HourView, Per, ProductionView, Standing
from api.projection.written import WrittenPage, account_text, production_text

STANDINGS: tuple[Standing, ...] = ("attested", "withheld", "disputed")
"""By the number that the ledger has for each."""

LAST_MS = 253_370_764_800_000
"""Year 9999, at which calendars end [ms UTC]."""

_SUMS = (
    " sum(CASE code % 3 WHEN 0 THEN wh ELSE 0 END), sum(CASE code % 3 WHEN 1 THEN wh ELSE 0 END),"
    " sum(CASE code % 3 WHEN 2 THEN wh ELSE 0 END)"
)
_WITHIN = "asset = ? AND {0} >= ? AND {0} < ?"
_GROUPED = "GROUP BY 1 ORDER BY 1 LIMIT ?"
_BY_INTERVAL = f"SELECT start_ms,{_SUMS} FROM energy WHERE {_WITHIN.format('start_ms')} {_GROUPED}"  # noqa: S608  our words
_BY_HOUR = _BY_INTERVAL.replace("SELECT start_ms", f"SELECT start_ms / {HOUR_MS} * {HOUR_MS}")
_BY_DAY = f"SELECT day,{_SUMS} FROM energy_day WHERE {_WITHIN.format('day')} {_GROUPED}"  # noqa: S608
_BY_MONTH = f"SELECT month,{_SUMS} FROM energy_month WHERE {_WITHIN.format('month')} {_GROUPED}"  # noqa: S608
_ACCOUNTS = (
    "SELECT start_ms, meter, name, code, standing, reason, wh FROM energy JOIN code ON code.number = code"
    " JOIN account_meter ON account_meter.number = meter"
    " WHERE energy.asset = ?1 AND (start_ms, meter, code) > (?2, ?3, ?4) AND start_ms < ?5 AND (?6 IS NULL OR standing = ?6)"
    " ORDER BY start_ms, meter, code LIMIT ?7"
)
_HOURS = (
    f"SELECT start_ms / {HOUR_MS}, standing, reason, sum(wh) FROM energy JOIN code ON number = code"  # noqa: S608
    " WHERE asset = ? AND start_ms >= ? AND start_ms < ? GROUP BY 1, standing, reason"
)
_HELD = (
    "SELECT standing, reason, wh FROM energy_total JOIN code ON number = code WHERE asset = ? AND standing > 0"
    " ORDER BY wh DESC"
)
_STANDINGS = "SELECT standing, sum(wh) FROM energy_total JOIN code ON number = code GROUP BY standing"
_SETTLED = (
    "SELECT (SELECT max(cutoff_s) FROM mark WHERE asset = ? AND flags & 1),"
    " (SELECT max(cutoff_s) FROM journal_report WHERE disabled = 0)"
)


class LedgerViews:
    """Reads sums that are kept ready; nothing is added up over more than what is asked for."""

    def __init__(self, store: Store, interval_ms: int) -> None:
        self._store = store
        self._interval_ms = interval_ms

    def standings(self) -> dict[Standing, int]:
        """Energy of all assets together, by standing [Wh]."""
        found: dict[int, int] = dict(self._store.reader().execute(_STANDINGS).fetchall())
        return {name: found.get(number, 0) for number, name in enumerate(STANDINGS)}

    def production(  # noqa: PLR0913, PLR0917  what is asked for
        self, asset_id: str, start_ms: int, end_ms: int, per: Per, after: str | None, limit: int
    ) -> WrittenPage[ProductionView]:
        """Sums of an asset over what starts in [start, end) [ms UTC]. `after` is a start [ms UTC]. Raises NotFoundProblem."""
        number, offset_s = self._asset(asset_id)
        start_ms, end_ms = max(start_ms, 0), min(end_ms, LAST_MS)
        if after is not None:
            start_ms = max(start_ms, numbers_of(after, 1)[0] + 1)
        if start_ms >= end_ms:
            return WrittenPage([], None, list)
        reader = self._store.reader()
        if per in ("interval", "hour"):
            query, length_ms = (_BY_INTERVAL, self._interval_ms) if per == "interval" else (_BY_HOUR, HOUR_MS)
            if per == "hour":
                start_ms, end_ms = -(-start_ms // HOUR_MS) * HOUR_MS, -(-end_ms // HOUR_MS) * HOUR_MS
            rows = reader.execute(query, (number, start_ms, end_ms, limit + 1)).fetchall()
            spans = [(row[0], row[0] + length_ms) for row in rows]
        elif per == "day":
            first, last = _first_day_from(start_ms, offset_s), _first_day_from(end_ms, offset_s)
            rows = reader.execute(_BY_DAY, (number, first, last, limit + 1)).fetchall()
            spans = [(day_start_ms(row[0], offset_s), day_start_ms(row[0] + 1, offset_s)) for row in rows]
        else:
            first, last = _first_month_from(start_ms, offset_s), _first_month_from(end_ms, offset_s)
            rows = reader.execute(_BY_MONTH, (number, first, last, limit + 1)).fetchall()
            spans = [(month_start_ms(row[0], offset_s), month_end_ms(row[0], offset_s)) for row in rows]
        unsettled_ms = self._unsettled_ms(number)
        following = str(spans[limit - 1][0]) if len(rows) > limit else None
        found = [(*span, row[1], row[2], row[3]) for row, span in zip(rows[:limit], spans, strict=False)]
        texts = [production_text(*one, unsettled_ms) for one in found]
        return WrittenPage(texts, following, lambda: [_production_view(one, unsettled_ms) for one in found])

    def accounts(  # noqa: PLR0913, PLR0917  what is asked for
        self, asset_id: str, start_ms: int, end_ms: int, standing: Standing | None, after: str | None, limit: int
    ) -> WrittenPage[AccountView]:
        """Accounts of an asset in intervals that start in [start, end) [ms UTC]. Raises NotFoundProblem."""
        number, _ = self._asset(asset_id)
        place = numbers_of(after, 3) if after is not None else (start_ms, -1, -1)
        wanted = None if standing is None else STANDINGS.index(standing)
        query = self._store.reader().execute(_ACCOUNTS, (number, *place, end_ms, wanted, limit + 1))
        rows: list[tuple[Any, ...]] = query.fetchall()
        last = rows[limit - 1] if len(rows) > limit else None
        length_ms = self._interval_ms
        found = [
            (name, begin_ms, begin_ms + length_ms, STANDINGS[kind], reason, wh)
            for begin_ms, _, name, _, kind, reason, wh in rows[:limit]
        ]
        texts = [account_text(*one) for one in found]
        following = f"{last[0]}-{last[1]}-{last[3]}" if last else None
        return WrittenPage(texts, following, lambda: [_account_view(*one) for one in found])

    def hours(
        self, asset_ids: list[str], start_ms: int, end_ms: int, reached_ms: int, measured: set[int]
    ) -> list[HourView]:
        """Hours of a day, of assets together: those that a report has reached, and those that hold anything.

        Args:
            asset_ids: the assets.
            start_ms: first instant of the day [ms UTC].
            end_ms: first instant after it [ms UTC].
            reached_ms: up to when the last report goes [ms UTC].
            measured: hours, counted from 1970, of which there are readings.

        """
        first = start_ms // HOUR_MS
        sums: dict[int, list[int]] = {}
        reasons: dict[int, set[str]] = {}
        reader = self._store.reader()
        for asset_id in asset_ids:
            number, _ = self._asset(asset_id)
            for hour, kind, reason, wh in reader.execute(_HOURS, (number, start_ms, end_ms)):
                sums.setdefault(hour, [0, 0, 0])[kind] += wh
                if reason:
                    reasons.setdefault(hour, set()).add(reason)
        views = []
        for hour in range(first, -(-end_ms // HOUR_MS)):
            if hour not in sums and (hour + 1) * HOUR_MS > reached_ms:
                continue
            held = sums.get(hour, [0, 0, 0])
            views.append(
                HourView.model_construct(
                    start=instant(hour * HOUR_MS),
                    end=instant((hour + 1) * HOUR_MS),
                    attested_wh=held[0] if hour in sums or hour in measured else None,
                    withheld_wh=held[1],
                    disputed_wh=held[2],
                    reasons=sorted(reasons.get(hour, ())),
                )
            )
        return views

    def held_back(self, asset_ids: list[str]) -> list[HeldBack]:
        """What is withheld and disputed of assets, by reason, most first within an asset."""
        reader = self._store.reader()
        return [
            HeldBack.model_construct(asset_id=asset_id, standing=STANDINGS[kind], reason=reason, wh=wh)
            for asset_id in asset_ids
            for kind, reason, wh in reader.execute(_HELD, (self._asset(asset_id)[0],))
        ]

    def _asset(self, asset_id: str) -> tuple[int, int]:
        try:
            number = self._store.number_of(asset_id)
        except KeyError:
            number = 0
        query = "SELECT utc_offset_s FROM asset WHERE number = ? AND project_id IS NOT NULL"
        row = self._store.reader().execute(query, (number,)).fetchone()
        if row is None:
            raise NotFoundProblem(f"no asset {asset_id[:40]!r} is registered; GET /v1/assets lists those that are")
        return number, row[0]

    def _unsettled_ms(self, number: int) -> int:
        """End of the first interval of which something may be attested and not settled yet [ms UTC]."""
        settled_s, reached_s = self._store.reader().execute(_SETTLED, (number,)).fetchone()
        return LAST_MS if (settled_s or 0) >= (reached_s or 1) else (settled_s or 0) * 1000


def _first_day_from(time_ms: int, offset_s: int) -> int:
    """First local day that starts at or after an instant."""
    return -(-(time_ms + offset_s * 1000) // DAY_MS)


def _first_month_from(time_ms: int, offset_s: int) -> int:
    """First local month that starts at or after an instant."""
    month = month_of_day(local_day(time_ms, offset_s))
    if month_start_ms(month, offset_s) >= time_ms:
        return month
    return month + 1 if month % 100 < 12 else month + 89


__all__ = ["STANDINGS", "LedgerViews"]


def _production_view(found: tuple[int, int, int, int, int], unsettled_ms: int) -> ProductionView:
    begin_ms, end_ms, attested_wh, withheld_wh, disputed_wh = found
    return ProductionView.model_construct(
        start=instant(begin_ms),
        end=instant(end_ms),
        attested_wh=attested_wh,
        withheld_wh=withheld_wh,
        disputed_wh=disputed_wh,
        minted=end_ms <= unsettled_ms if attested_wh else None,
    )


def _account_view(  # noqa: PLR0913, PLR0917  the members in their order
    meter: str, begin_ms: int, end_ms: int, standing: Standing, reason: str, wh: int
) -> AccountView:
    return AccountView.model_construct(
        meter_id=meter,
        start=instant(begin_ms),
        end=instant(end_ms),
        standing=standing,
        reason=reason,
        wh=wh,
        says=f"reasons.{reason or 'attested'}.why",
        do=f"reasons.{reason or 'attested'}.do",
    )
