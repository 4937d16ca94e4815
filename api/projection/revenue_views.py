"""Revenue by month, what came in for it, and what holders took."""

from collections.abc import Iterable
from typing import Any

from api.projection.cursors import before
from api.projection.instants import instant
from api.projection.store import Store
from api.projection.views import ClaimView, DepositView, MonthView, Page

_MONTHS = (
    "SELECT asset, receivable.month, attested_minor, deposited_minor, written_down_minor, paid_minor,"
    " receivable.month < (SELECT (vintage + mark.month / 12) * 100 + mark.month % 12 + 1 FROM mark"
    " WHERE mark.asset = receivable.asset AND flags & 1 ORDER BY vintage DESC LIMIT 1)"
    " FROM receivable"
)
_OF_ASSETS = "(?2 IS NULL OR asset IN (SELECT value FROM json_each(?2)))"
_DEPOSITS = (
    f"SELECT number, asset, month, minor, sender, at_s, block, tx FROM deposit WHERE number < ?1 AND {_OF_ASSETS}"  # noqa: S608
    " ORDER BY number DESC LIMIT ?3"
)
_CLAIMS = (
    f"SELECT number, asset, month, minor, holder, at_s, block, tx, receiver FROM claim WHERE number < ?1 AND {_OF_ASSETS}"  # noqa: S608
    " AND (?4 IS NULL OR holder = ?4 COLLATE NOCASE) ORDER BY number DESC LIMIT ?3"
)


class RevenueViews:
    """Reads what is kept of RevenueShare."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def months(self, asset_ids: frozenset[str] | None) -> list[MonthView]:
        """Months of assets, the newest first, then by asset."""
        if asset_ids is None or len(asset_ids) > 500:
            rows = self._store.reader().execute(_MONTHS).fetchall()
        else:
            numbers = self._numbers(asset_ids)
            rows = [
                row
                for number in numbers
                for row in self._store.reader().execute(f"{_MONTHS} WHERE asset = ?", (number,))
            ]
        views = [self._month(row) for row in rows]
        chosen = [view for view in views if asset_ids is None or view.asset_id in asset_ids]
        return sorted(chosen, key=lambda view: (-view.month, view.asset_id or ""))

    def newest_month(self, asset_ids: frozenset[str] | None) -> MonthView | None:
        """Sum over assets of the newest month that any of them has."""
        views = self.months(asset_ids)
        if not views:
            return None
        return together(view for view in views if view.month == views[0].month)

    def totals(self, asset_ids: frozenset[str] | None) -> tuple[int, int]:
        """(deposited and needed, attested and still awaited) of assets, over all months [minor unit]."""
        views = self.months(asset_ids)
        funded = sum(view.funded_minor for view in views)
        return funded, sum(view.attested_minor - view.written_down_minor for view in views) - funded

    def deposits(self, asset_ids: frozenset[str] | None, after: str | None, limit: int) -> Page[DepositView]:
        """Deposits, the newest first, before the number `after`."""
        arguments = (before(after), self._listed(asset_ids), limit + 1)
        rows = self._store.reader().execute(_DEPOSITS, arguments).fetchall()
        items = [DepositView.model_construct(**self._payment(row)) for row in rows[:limit]]
        return Page[DepositView].model_construct(items=items, next=_next(rows, limit))

    def claims(
        self, asset_ids: frozenset[str] | None, after: str | None, limit: int, holder: str | None
    ) -> Page[ClaimView]:
        """Claims, the newest first, before the number `after`; of one holder where one is given."""
        arguments = (before(after), self._listed(asset_ids), limit + 1, holder)
        rows = self._store.reader().execute(_CLAIMS, arguments).fetchall()
        items = [ClaimView.model_construct(**self._payment(row), to=row[8]) for row in rows[:limit]]
        return Page[ClaimView].model_construct(items=items, next=_next(rows, limit))

    def _month(self, row: tuple[Any, ...]) -> MonthView:
        asset, month, attested_minor, deposited_minor, written_down_minor, paid_minor, is_final = row
        funded_minor = min(deposited_minor, attested_minor - written_down_minor)
        return MonthView.model_construct(
            asset_id=self._store.name_of(asset),
            month=month,
            attested_minor=attested_minor,
            funded_minor=funded_minor,
            paid_minor=paid_minor,
            written_down_minor=written_down_minor,
            excess_minor=deposited_minor - funded_minor,
            is_final=bool(is_final),
        )

    def _payment(self, row: tuple[Any, ...]) -> dict[str, Any]:
        _, asset, month, minor, by, at_s, block, tx = row[:8]
        place = {"at": instant(at_s * 1000), "block": block, "transaction": tx}
        return {"asset_id": self._store.name_of(asset), "month": month, "minor": minor, "by": by, **place}

    def _numbers(self, asset_ids: frozenset[str]) -> list[int]:
        numbers = []
        for asset_id in asset_ids:
            try:
                numbers.append(self._store.number_of(asset_id))
            except KeyError:
                continue
        return sorted(numbers)

    def _listed(self, asset_ids: frozenset[str] | None) -> str | None:
        return None if asset_ids is None else "[" + ",".join(map(str, self._numbers(asset_ids))) + "]"


def together(views: Iterable[MonthView]) -> MonthView:
    """Sum of one month of several assets."""
    summed = list(views)
    return MonthView.model_construct(
        asset_id=None,
        month=summed[0].month,
        attested_minor=sum(view.attested_minor for view in summed),
        funded_minor=sum(view.funded_minor for view in summed),
        paid_minor=sum(view.paid_minor for view in summed),
        written_down_minor=sum(view.written_down_minor for view in summed),
        excess_minor=sum(view.excess_minor for view in summed),
        is_final=all(view.is_final for view in summed),
    )


def _next(rows: list[tuple[Any, ...]], limit: int) -> str | None:
    return str(rows[limit - 1][0]) if len(rows) > limit else None
