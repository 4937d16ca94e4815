"""The way of a watt-hour: six stations, each with its counts, its freshness and its state."""

import json
from typing import Any

from api.projection.instants import instant
from api.projection.report_views import ReportViews
from api.projection.revenue_views import RevenueViews
from api.projection.store import Store
from api.projection.views import Freshness, Station, StationState

SETS_KEPT = 512
_METERS = (
    "SELECT count(*), coalesce(sum(arrival_ms IS NOT NULL AND NOT stale), 0), coalesce(sum(arrival_ms IS NOT NULL), 0),"
    " coalesce(sum(readings), 0), coalesce(sum(envelopes), 0), max(arrival_ms) FROM listed_meter"
    " LEFT JOIN arrival ON device = device_id AND arrival.meter = meter_id WHERE revoked = 0"
)
_MARKS = (
    "SELECT coalesce(sum(energy_wh - energy_reversed_wh), 0), coalesce(sum(credits_g - credits_reversed_g), 0),"
    " max(cutoff_s) FROM mark"
)
_HELD = "SELECT coalesce(sum(CASE standing WHEN 2 THEN wh ELSE 0 END), 0) FROM energy_total JOIN code ON number = code"
_LAST_MINT = "SELECT max(at_ms) FROM event WHERE kind = 'mint'"
_LAST_DEPOSIT = "SELECT max(at_s) FROM deposit"


class StatusViews:
    """Counts are kept until something changes; how fresh they are is looked up each time."""

    def __init__(self, store: Store, reports: ReportViews, revenue: RevenueViews) -> None:
        self._store = store
        self._reports = reports
        self._revenue = revenue
        self._kept: dict[frozenset[str] | None, tuple[int, list[Station]]] = {}

    def stations(self, asset_ids: frozenset[str] | None, freshness: Freshness) -> list[Station]:
        """Stations of all assets or of some, in the order of the way."""
        version, kept = self._store.version, self._kept.get(asset_ids)
        if kept is None or kept[0] != version:
            if len(self._kept) >= SETS_KEPT:
                self._kept.clear()
            kept = self._kept[asset_ids] = (version, self._count(asset_ids))
        journal_away = freshness.journal.stale_since is not None
        chain_away = freshness.chain.stale_since is not None
        away = {"meters": journal_away, "journal": journal_away, "minted": chain_away, "paid": chain_away}
        both = journal_away and chain_away
        return [
            station.model_copy(update={"state": "stale"})
            if away.get(station.name, both) and station.state != "none"
            else station
            for station in kept[1]
        ]

    def chain_id(self) -> int | None:
        """Id of the chain that was followed, None before."""
        row = self._store.reader().execute("SELECT content FROM meta WHERE name = 'chain'").fetchone()
        return None if row is None else int(json.loads(row[0])["chain_id"])

    def _count(self, asset_ids: frozenset[str] | None) -> list[Station]:
        listed = None if asset_ids is None else json.dumps(sorted(asset_ids))
        of_names = "asset_id IN (SELECT value FROM json_each(?))"
        of_numbers = f"asset IN (SELECT number FROM asset WHERE {of_names})"  # noqa: S608  our words
        meters = self._sum(_METERS, " AND " + of_names, listed)
        minted = self._sum(_MARKS, " WHERE " + of_numbers, listed)
        (disputed_wh,) = self._sum(_HELD, " WHERE " + of_numbers, listed)
        return [
            *self._of_journal(meters, asset_ids, disputed_wh),
            *self._of_reports(),
            *self._of_chain(minted, asset_ids),
        ]

    def _of_journal(self, meters: tuple[Any, ...], asset_ids: frozenset[str] | None, disputed_wh: int) -> list[Station]:
        of, reporting, heard, readings, envelopes, arrival_ms = meters
        if asset_ids is None:
            row = self._store.reader().execute("SELECT content FROM meta WHERE name = 'journal'").fetchone()
            envelopes, readings = json.loads(row[0])["tallies"] if row else (0, 0)
        at = None if arrival_ms is None else instant(arrival_ms)
        meters_state: StationState = (
            "none" if not heard else "good" if reporting == of else "waits" if reporting else "stale"
        )
        journal_state: StationState = "none" if not envelopes else "disputed" if disputed_wh else "good"
        return [
            Station(name="meters", state=meters_state, at=at, reporting=reporting, of=of),
            Station(name="journal", state=journal_state, at=at, readings=readings, envelopes=envelopes),
        ]

    def _of_reports(self) -> list[Station]:
        last = self._reports.last_standing()
        if last is None:
            return [Station(name="nodes", state="none"), Station(name="report", state="none")]
        signed, of, needed = sum(signer.signed for signer in last.signers), len(last.signers), last.threshold
        on_chain = last.status if last.transaction is not None else None
        at = last.published_at or last.cutoff
        return [
            Station(
                name="nodes", state="good" if signed >= needed else "waits", at=at, agreed=signed, of=of, needed=needed
            ),
            Station(
                name="report",
                state="good" if on_chain == "active" else "waits",
                at=at,
                epoch=last.epoch,
                signed=signed,
                needed=needed,
                of=of,
                state_on_chain=on_chain,
            ),
        ]

    def _of_chain(self, minted: tuple[Any, ...], asset_ids: frozenset[str] | None) -> list[Station]:
        energy_wh, credits_g, cutoff_s = minted
        paid_minor, awaited_minor = self._revenue.totals(asset_ids)
        reader = self._store.reader()
        (mint_ms,) = reader.execute(_LAST_MINT).fetchone()
        (deposit_s,) = reader.execute(_LAST_DEPOSIT).fetchone()
        paid_state: StationState = "none" if not (paid_minor or awaited_minor) else "waits" if awaited_minor else "good"
        return [
            Station(
                name="minted",
                state="good" if cutoff_s else "none",
                at=instant(mint_ms) if mint_ms and cutoff_s else None,
                energy_wh=energy_wh,
                credits_g=credits_g,
            ),
            Station(
                name="paid",
                state=paid_state,
                at=instant(deposit_s * 1000) if deposit_s and paid_minor else None,
                paid_minor=paid_minor,
                awaited_minor=awaited_minor,
            ),
        ]

    def _sum(self, query: str, narrowed: str, listed: str | None) -> tuple[Any, ...]:
        reader = self._store.reader()
        asked = reader.execute(query) if listed is None else reader.execute(query + narrowed, (listed,))
        row: tuple[Any, ...] = asked.fetchone()
        return row
