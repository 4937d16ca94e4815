"""Everything that is shown, answered from one file, whatever journal, chain or node do meanwhile.

    journal ──▶ JournalFollower ──┐
                                  ├──▶ one SQLite file ──▶ Projection ──▶ routes
    chain ────▶ ChainFollower ────┘

A source that is away makes nothing fail: what is known of it is shown, with since when it is stale.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from api.projection.asset_views import AssetViews
from api.projection.chain_follower import ChainFollower
from api.projection.clear_sky import ClearSkies
from api.projection.instants import day_number, instant, local_day
from api.projection.journal_follower import JournalFollower
from api.projection.ledger_views import LedgerViews
from api.projection.places import Place
from api.projection.power_views import PowerViews
from api.projection.report_views import ReportViews
from api.projection.revenue_views import RevenueViews
from api.projection.source import Sources
from api.projection.status_views import StatusViews
from api.projection.store import Store, Writing
from api.projection.token_views import TokenViews
from api.projection.views import (
    AccountView,
    AssetView,
    ClaimView,
    CreditView,
    DepositView,
    EventView,
    FeedView,
    Freshness,
    MonthView,
    Page,
    Per,
    PortfolioView,
    PowerView,
    ProductionView,
    ReadingView,
    ReportView,
    RetirementView,
    Standing,
    Status,
)
from api.projection.written import WrittenPage
from contracts.address_book import AddressBook
from oracle.reporting.rules import Rules

if TYPE_CHECKING:
    from web3 import Web3

HOUR_MS = 3_600_000


class Projection:
    """The read model. Safe to share between threads of one process; no other process may write its file."""

    def __init__(
        self,
        store: Store,
        network: str,
        rules: Rules | None,
        places: Mapping[str, Place],
        clock_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._network = network
        self._clock_ms = clock_ms
        self._sources = Sources(store)
        self._skies = ClearSkies(store, places)
        self._assets = AssetViews(store, rules, places, clock_ms)
        self._ledger = LedgerViews(store, rules.ledger_interval_ms if rules else HOUR_MS)
        self._power = PowerViews(store, self._assets, self._ledger, self._skies, rules, clock_ms)
        self._reports = ReportViews(store)
        self._revenue = RevenueViews(store)
        self._tokens = TokenViews(store, clock_ms)
        self._status = StatusViews(store, self._reports, self._revenue)
        self._followers: list[JournalFollower | ChainFollower] = []

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        network: str,
        rules: Rules | None = None,
        places: Mapping[str, Place] | None = None,
        clock_ms: Callable[[], int] | None = None,
    ) -> Self:
        """Open a projection, or make it anew where the file is missing or of another version.

        Args:
            path: the file; its folder must be there.
            network: whose envelopes the journal holds.
            rules: the nodes' rules: tariffs, factors, ledger interval.
            places: where plants stand, by asset id.
            clock_ms: what "now" and "today" mean to those who look [ms UTC]; a demo has a clock of its own.

        Raises:
            sqlite3.DatabaseError: something else is at the path, or the disk refuses.

        """
        return cls(Store(path), network, rules, places or {}, clock_ms or _now_ms)

    def close(self) -> None:
        """Stop following, and close the file."""
        for follower in self._followers:
            follower.stop()
        self._skies.stop()
        self._power.close()
        self._store.close()

    def follow_journal(
        self, path: Path, archives: Iterable[Path] = (), *, stale_after_s: int = 3 * 3600, idle_s: float = 0.5
    ) -> JournalFollower:
        """Follow a node's journal; call `start` on what is returned. The journal need not be there yet. See `JournalFollower`."""
        places = tuple(archives)
        self._power.use_journal(path, self._network, places)
        follower = JournalFollower(
            self._store, self._sources, path, self._network, places, stale_after_s=stale_after_s, idle_s=idle_s
        )
        self._followers.append(follower)
        return follower

    def follow_chain(
        self,
        connect: "Callable[[], Web3]",
        book: AddressBook,
        finality: Literal["finalized", "latest"] = "finalized",
        *,
        idle_s: float = 2.0,
    ) -> ChainFollower:
        """Follow a chain; call `start` on what is returned. The chain need not answer yet. See `ChainFollower`."""
        follower = ChainFollower(self._store, self._sources, connect, book, finality, idle_s=idle_s)
        self._followers.append(follower)
        return follower

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Write in one transaction: for `Booker`, `write_registry` and the like, which the followers use too."""
        with self._store.writing() as writing:
            yield writing

    @property
    def sources(self) -> Sources:
        """How fresh each source is; whoever watches the node notes it here."""
        return self._sources

    def version(self, asset_id: str | None = None, *, live: bool = True) -> int:
        """Number that rises whenever anything shown changes; with an asset's id, anything of that asset.

        With `live` false an asset's newest readings do not count: production and accounts change by reports alone.
        """
        if asset_id is None:
            return self._store.version
        try:
            number = self._store.number_of(asset_id)
        except KeyError:
            return self._store.all_at
        changed = self._store.shown_at if live else self._store.booked_at
        return max(changed.get(number, 0), self._store.all_at)

    def instance(self) -> str:
        """Name of this file's life: another after it was thrown away, so that versions and event numbers begin anew."""
        row = self._store.reader().execute("SELECT content FROM meta WHERE name = 'instance'").fetchone()
        return str(row[0])

    def freshness(self) -> Freshness:
        """When journal and chain last answered, and since when they do not."""
        return self._sources.freshness()

    def wait_fresh(self, timeout_s: float = 20.0) -> None:
        """Wait until all that journal and chain have by now is shown.

        Raises:
            TimeoutError: that takes longer; it says what is wrong with the sources.

        """
        moment = time.monotonic()
        for follower in self._followers:
            follower.poke()
        with self._store.changed:
            if not self._store.changed.wait_for(lambda: self._sources.caught_up_since(moment), timeout_s):
                raise TimeoutError(f"journal and chain were not read to their end in {timeout_s} s: {self.freshness()}")

    def wait_for(self, version: int, timeout_s: float) -> int:
        """Wait until the version is above `version`, or the time is over [s]; return the version there is then."""
        with self._store.changed:
            self._store.changed.wait_for(lambda: self._store.version > version, timeout_s)
            return self._store.version

    def status(self, asset_ids: frozenset[str] | None = None) -> Status:
        """The way of a watt-hour, of all assets or of some."""
        freshness = self.freshness()
        return Status.model_construct(
            at=instant(self._clock_ms()),
            network=self._network,
            chain_id=self._status.chain_id(),
            sources=freshness,
            stations=self._status.stations(asset_ids, freshness),
        )

    def assets(self, ids: frozenset[str] | None, after: str | None, limit: int) -> Page[AssetView]:
        """Registered assets by name, after the name `after`; with `ids` those alone."""
        return self._assets.page(ids, after, limit)

    def asset(self, asset_id: str) -> AssetView:
        """One asset. Raises NotFoundProblem."""
        return self._assets.one(asset_id)

    def assets_of(self, address: str) -> frozenset[str]:
        """Assets whose beneficiary an account is."""
        return self._assets.of_beneficiary(address)

    def production(  # noqa: PLR0913, PLR0917  what is asked for
        self, asset_id: str, start_ms: int, end_ms: int, per: Per, after: str | None, limit: int
    ) -> WrittenPage[ProductionView]:
        """Energy of an asset over what starts in [start, end) [ms UTC]. Raises NotFoundProblem, ValueError for no cursor of ours."""
        return self._ledger.production(asset_id, start_ms, end_ms, per, after, limit)

    def accounts(  # noqa: PLR0913, PLR0917  what is asked for
        self, asset_id: str, start_ms: int, end_ms: int, standing: Standing | None, after: str | None, limit: int
    ) -> WrittenPage[AccountView]:
        """Accounts of an asset in intervals that start in [start, end) [ms UTC]. Raises as `production` does."""
        return self._ledger.accounts(asset_id, start_ms, end_ms, standing, after, limit)

    def standings(self) -> dict[Standing, int]:
        """Energy of all assets together, by standing [Wh]."""
        return self._ledger.standings()

    def readings(self, asset_id: str, start_ms: int, end_ms: int, after: str | None, limit: int) -> Page[ReadingView]:
        """Readings of an asset in [start, end) [ms UTC], out of the journal itself. Raises JournalError while that is away."""
        return self._power.readings(asset_id, start_ms, end_ms, after, limit)

    def power(self, asset_id: str, day: date) -> PowerView:
        """One local day of an asset. Raises NotFoundProblem."""
        return self._power.day(asset_id, day_number(day))

    def portfolio(self, asset_ids: frozenset[str] | None, at_ms: int | None = None) -> PortfolioView:
        """What an owner has (or with None all there is) at an instant [ms UTC], now by default."""
        now_ms = self._clock_ms() if at_ms is None else at_ms
        names = [asset_id for asset_id in self._assets.ids() if asset_ids is None or asset_id in asset_ids]
        assets = self._assets.of(names)
        powers = [asset.power_w for asset in assets if asset.power_w is not None]
        offset_s = assets[0].utc_offset_s if assets else 0
        return PortfolioView.model_construct(
            at=instant(now_ms),
            power_w=sum(powers) if powers else None,
            today_wh=sum(asset.today_wh for asset in assets),
            assets=assets,
            credits=self._tokens.of_portfolio(frozenset(names)),
            month=self._revenue.newest_month(None if asset_ids is None else frozenset(names)),
            held_back=self._ledger.held_back(names),
            power=self._power.together(assets, local_day(now_ms, offset_s), offset_s),
        )

    def reports(self, after: str | None, limit: int) -> Page[ReportView]:
        """Reports, the newest first."""
        return self._reports.page(after, limit)

    def report(self, epoch: int) -> ReportView:
        """Report of an epoch. Raises NotFoundProblem."""
        return self._reports.one(epoch)

    def credits(self, asset_ids: frozenset[str] | None = None) -> list[CreditView]:
        """Credits of all projects, or of those that some assets belong to."""
        return self._tokens.credits(asset_ids)

    def credit(self, project_id: str, vintage: int) -> CreditView:
        """Credits of one project's vintage. Raises NotFoundProblem."""
        return self._tokens.credit(project_id, vintage)

    def credit_by_id(self, token: str) -> CreditView:
        """Credits by their token id, in decimal digits. Raises NotFoundProblem."""
        return self._tokens.credit_by_id(token)

    def retirements(self, after: str | None, limit: int, beneficiary: str | None = None) -> Page[RetirementView]:
        """Retirements, the newest first; for one account where `beneficiary` is given."""
        return self._tokens.retirements(after, limit, beneficiary)

    def retirement(self, number: int) -> RetirementView:
        """One retirement. Raises NotFoundProblem."""
        return self._tokens.retirement(number)

    def revenue(self, asset_ids: frozenset[str] | None = None) -> list[MonthView]:
        """Months of assets, the newest first."""
        return self._revenue.months(asset_ids)

    def deposits(self, asset_ids: frozenset[str] | None, after: str | None, limit: int) -> Page[DepositView]:
        """Deposits for assets, the newest first."""
        return self._revenue.deposits(asset_ids, after, limit)

    def claims(
        self, asset_ids: frozenset[str] | None, after: str | None, limit: int, holder: str | None = None
    ) -> Page[ClaimView]:
        """Claims for assets, the newest first; of one holder where one is given."""
        return self._revenue.claims(asset_ids, after, limit, holder)

    def feeds(self) -> list[FeedView]:
        """All feeds that were made, the fleet's first."""
        return self._tokens.feeds()

    def events(self, after: int, limit: int, asset_ids: frozenset[str] | None = None) -> list[EventView]:
        """What happened after the event `after`, in order. With `asset_ids`, what is of those assets or of none."""
        query = "SELECT number, kind, asset, at_ms, document FROM event WHERE number > ? ORDER BY number LIMIT ?"
        found: list[EventView] = []
        while len(found) < limit:
            rows = self._store.reader().execute(query, (after, limit)).fetchall()
            for number, kind, asset, at_ms, document in rows:
                asset_id = None if asset is None else self._store.name_of(asset)
                if asset_ids is None or asset_id is None or asset_id in asset_ids:
                    found.append(
                        EventView.model_construct(
                            number=number,
                            kind=kind,
                            asset_id=asset_id,
                            at=instant(at_ms),
                            document=json.loads(document),
                        )
                    )
            if len(rows) < limit:
                break
            after = rows[-1][0]
        return found[:limit]

    def last_event(self) -> int:
        """Number of the newest event, 0 before the first."""
        row = self._store.reader().execute("SELECT coalesce(max(number), 0) FROM event").fetchone()
        return int(row[0])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
