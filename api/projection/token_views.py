"""Credits, retirements and feeds, as the chain has them."""

import json
from collections.abc import Callable
from typing import Any, Literal

from api.http.problems import NotFoundProblem
from api.projection.cursors import before
from api.projection.instants import instant
from api.projection.store import Store
from api.projection.views import CreditView, FeedState, FeedView, Metric, Page, PortfolioCredits, RetirementView
from contracts.state import AssetStatus, ClaimRight, credit_id

FEED_STALE_AFTER_S = 2 * 86_400
"""A feed whose figure is older is stale, for `contracts.read_feed` too."""
CLAIM_KINDS: tuple[Literal["none", "credit", "certificate"], ...] = ("none", "credit", "certificate")
"""By the number that the ledger has for each."""
METRICS: tuple[Metric, ...] = ("energy", "credits", "revenue")
_REVENUE = METRICS.index("revenue")
_REVENUE_DECIMALS = 6

_CREDITS = (
    "SELECT project_id, vintage, issued_g, reversed_g, offset_g, retired_g, cancelled_g,"
    " EXISTS (SELECT 1 FROM sealed WHERE sealed.project_id = credit.project_id AND sealed.vintage = credit.vintage)"
    " FROM credit"
)
_BALANCES = "SELECT holder, grams FROM credit_balance WHERE project_id = ? AND vintage = ? AND grams > 0"
_ASSETS = "SELECT DISTINCT asset FROM portion WHERE project_id = ? AND vintage = ?"
_RETIREMENTS = (
    "SELECT * FROM retirement WHERE number < ?1 AND (?2 IS NULL OR beneficiary = ?2) ORDER BY number DESC LIMIT ?3"
)
_PORTIONS = (
    "SELECT DISTINCT asset FROM portion WHERE project_id = ? AND vintage = ? AND last_serial >= ? AND first_serial <= ?"
)
_OWN_CREDITS = (
    "SELECT asset.project_id, vintage, asset.number, asset.beneficiary, credits_g - credits_reversed_g FROM mark"
    " JOIN asset ON asset.number = mark.asset WHERE claim_kind = 1"
)


class TokenViews:
    """Reads what is kept of the token contracts."""

    def __init__(self, store: Store, clock_ms: Callable[[], int]) -> None:
        self._store = store
        self._clock_ms = clock_ms

    def credits(self, asset_ids: frozenset[str] | None) -> list[CreditView]:
        """Credits of all projects, or of those that the assets belong to."""
        rows = self._store.reader().execute(f"{_CREDITS} ORDER BY project_id, vintage").fetchall()
        wanted = None if asset_ids is None else self._projects_of(asset_ids)
        return [self._credit(row) for row in rows if wanted is None or row[0] in wanted]

    def credit(self, project_id: str, vintage: int) -> CreditView:
        """Credits of one project's vintage. Raises NotFoundProblem."""
        row = self._one(f"{_CREDITS} WHERE project_id = ? AND vintage = ?", project_id, vintage)
        if row is None:
            raise NotFoundProblem(
                f"no credits of {project_id[:40]!r}, vintage {vintage}; GET /v1/tokens lists those there are"
            )
        return self._credit(row)

    def credit_by_id(self, token: str) -> CreditView:
        """Credits by their token id, in decimal digits. Raises NotFoundProblem."""
        found = next((view for view in self.credits(None) if view.credit_id == token), None)
        if found is None:
            raise NotFoundProblem(f"no credits have the token id {token[:80]}; GET /v1/tokens lists those there are")
        return found

    def of_portfolio(self, asset_ids: frozenset[str]) -> list[PortfolioCredits]:
        """Credits issued for assets, and those that their beneficiaries have retired, by project and vintage."""
        reader = self._store.reader()
        issued: dict[tuple[str, int], int] = {}
        owners: set[str] = set()
        for project_id, vintage, number, beneficiary, grams in reader.execute(_OWN_CREDITS):
            if self._store.name_of(number) in asset_ids and grams:
                issued[project_id, vintage] = issued.get((project_id, vintage), 0) + grams
                owners.add(beneficiary)
        retired: dict[tuple[str, int], int] = {}
        for project_id, vintage, holder, grams in reader.execute(
            "SELECT project_id, vintage, holder, sum(grams) FROM retirement GROUP BY project_id, vintage, holder"
        ):
            if holder in owners:
                retired[project_id, vintage] = retired.get((project_id, vintage), 0) + grams
        return [
            PortfolioCredits.model_construct(
                project_id=key[0], vintage=key[1], credits_g=grams, retired_g=retired.get(key, 0)
            )
            for key, grams in sorted(issued.items())
        ]

    def retirements(self, after: str | None, limit: int, beneficiary: str | None) -> Page[RetirementView]:
        """Retirements, the newest first, before the number `after`; for one account where `beneficiary` is given."""
        rows = self._store.reader().execute(_RETIREMENTS, (before(after), beneficiary, limit + 1)).fetchall()
        items = [self._retirement(row) for row in rows[:limit]]
        more = len(rows) > limit
        return Page[RetirementView].model_construct(items=items, next=str(items[-1].number) if more else None)

    def retirement(self, number: int) -> RetirementView:
        """One retirement. Raises NotFoundProblem."""
        row = self._one("SELECT * FROM retirement WHERE number = ?", number) if 0 < number < 2**62 else None
        if row is None:
            raise NotFoundProblem(f"there is no retirement {number}; GET /v1/retirements lists those there are")
        return self._retirement(row)

    def feeds(self) -> list[FeedView]:
        """All feeds that were made, the fleet's first."""
        rows = self._store.reader().execute("SELECT address, asset, metric FROM feed").fetchall()
        views = [self._fleet_feed(address, metric) for address, asset, metric in rows if asset is None]
        views += [self._feed(address, asset, metric) for address, asset, metric in rows if asset is not None]
        return sorted(views, key=lambda view: (view.asset_id or "", METRICS.index(view.metric)))

    def _credit(self, row: tuple[Any, ...]) -> CreditView:
        project_id, vintage, issued_g, reversed_g, offset_g, retired_g, cancelled_g, is_sealed = row
        reader = self._store.reader()
        vault = json.loads(self._meta("credit_places") or "{}")
        balances = dict(reader.execute(_BALANCES, (project_id, vintage)).fetchall())
        vault_g, buffer_g = balances.pop(vault.get("vault"), 0), balances.pop(vault.get("buffer"), 0)
        kind = self._one(
            "SELECT claim_kind FROM mark JOIN asset ON asset.number = asset WHERE project_id = ? AND vintage = ? LIMIT 1",
            project_id, vintage,
        )  # fmt: skip
        return CreditView.model_construct(
            credit_id=str(credit_id(project_id, vintage)),
            project_id=project_id,
            vintage=vintage,
            claim_kind=CLAIM_KINDS[kind[0] if kind else ClaimRight.CREDIT],
            sealed=bool(is_sealed),
            issued_g=issued_g,
            reversed_g=reversed_g,
            offset_g=offset_g,
            buffer_g=buffer_g,
            vault_g=vault_g,
            held_g=sum(balances.values()),
            retired_g=retired_g,
            cancelled_g=cancelled_g,
            assets=sorted(self._store.name_of(number) for (number,) in reader.execute(_ASSETS, (project_id, vintage))),
        )

    def _retirement(self, row: tuple[Any, ...]) -> RetirementView:
        (
            number,
            project_id,
            vintage,
            grams,
            first,
            holder,
            beneficiary,
            name,
            name_hash,
            purpose,
            at_s,
            block,
            tx,
            made,
        ) = row
        last = first + grams - 1
        assets = self._store.reader().execute(_PORTIONS, (project_id, vintage, first, last)).fetchall()
        return RetirementView.model_construct(
            number=number,
            credit_id=str(credit_id(project_id, vintage)),
            project_id=project_id,
            vintage=vintage,
            grams=grams,
            first_serial=first,
            last_serial=last,
            retired_by=holder,
            beneficiary_address=beneficiary,
            beneficiary=name or None,
            beneficiary_hash=f"0x{name_hash.hex()}" if any(name_hash) else None,
            purpose=purpose,
            at=instant(at_s * 1000),
            block=block,
            transaction=tx,
            certified=bool(made),
            assets=sorted(self._store.name_of(asset) for (asset,) in assets),
        )

    def _feed(self, address: str, asset: int, metric: int) -> FeedView:
        """An asset's feed says what was settled of it: see `contracts/src/feeds/AssetFeed.sol`."""
        columns = (
            "energy_wh - energy_reversed_wh",
            "credits_g - credits_reversed_g",
            "revenue_minor - revenue_reversed_minor",
        )
        row = self._one(f"SELECT coalesce(sum({columns[metric]}), 0) FROM mark WHERE asset = ?", asset)  # noqa: S608
        newest = self._one(
            "SELECT vintage, cutoff_s, project_id, status FROM mark JOIN asset ON asset.number = asset"
            " WHERE asset = ? AND flags & 1 ORDER BY vintage DESC LIMIT 1",
            asset,
        )
        is_sealed = newest is not None and (
            newest[3] == AssetStatus.RETIRED
            or self._one("SELECT 1 FROM sealed WHERE project_id = ? AND vintage = ?", newest[2], newest[0]) is not None
        )
        answer, cutoff_s = (max(row[0], 0), newest[1]) if row and newest else (None, None)
        return self._feed_view(self._store.name_of(asset), address, metric, answer, cutoff_s, is_sealed=is_sealed)

    def _fleet_feed(self, address: str, metric: int) -> FeedView:
        """The fleet's feed says the totals of the newest active report."""
        row = self._one(
            "SELECT energy_wh, credits_g, revenue_minor, cutoff_s FROM chain_report WHERE status = 'active' ORDER BY epoch DESC LIMIT 1"
        )
        answer, cutoff_s = (int(row[metric]), row[3]) if row else (None, None)
        return self._feed_view(None, address, metric, answer, cutoff_s, is_sealed=False)

    def _feed_view(  # noqa: PLR0913  what a feed shows
        self,
        asset_id: str | None,
        address: str,
        metric: int,
        answer: int | None,
        cutoff_s: int | None,
        *,
        is_sealed: bool,
    ) -> FeedView:
        state: FeedState = "never_started"
        if cutoff_s is not None:
            is_old = self._clock_ms() // 1000 - cutoff_s > FEED_STALE_AFTER_S
            state = "sealed" if is_sealed else "stale" if is_old else "fresh"
        return FeedView.model_construct(
            asset_id=asset_id,
            metric=METRICS[metric],
            address=address,
            answer=None if answer is None else str(answer),
            decimals=_REVENUE_DECIMALS if metric == _REVENUE else 0,
            state=state,
            updated_at=None if cutoff_s is None else instant(cutoff_s * 1000),
        )

    def _projects_of(self, asset_ids: frozenset[str]) -> set[str]:
        rows = self._store.reader().execute("SELECT asset_id, project_id FROM asset WHERE project_id IS NOT NULL")
        return {project_id for asset_id, project_id in rows if asset_id in asset_ids}

    def _meta(self, name: str) -> str | None:
        row = self._one("SELECT content FROM meta WHERE name = ?", name)
        return None if row is None else row[0]

    def _one(self, query: str, *arguments: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._store.reader().execute(query, arguments).fetchone()
        return row
