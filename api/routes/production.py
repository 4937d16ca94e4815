"""What an asset produced: energy by time, and every watt-hour's account with its reason."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, NamedTuple, get_args

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api.access.permissions import allowed
from api.http.answers import Ready
from api.http.lists import answer_page, first_page
from api.http.openapi import csv_too
from api.http.parameters import EARLIEST_MS, LATEST_MS, After, AssetId, FormAsked, Limit, Since, Until, span_of
from api.http.quick import Lane, QuickRoute, plain_instant_ms, plain_limit, plain_name, plain_query, quick
from api.projection.views import AccountView, Page, Per, ProductionView, Standing
from api.projection.written import WrittenPage
from api.services import Services

_PRODUCTION = csv_too(
    "start,end,attested_wh,withheld_wh,disputed_wh,minted\r\n2026-11-01T04:00:00Z,…,7890,0,0,true\r\n"
)
_ACCOUNTS = csv_too(
    "meter_id,start,end,standing,reason,wh,says,do\r\nmet-1,2026-11-01T04:00:00Z,…,attested,,7890,…\r\n"
)
PerAsked = Annotated[Per, Query(description="interval: that of the ledger; hour (UTC); day, month: local to the asset")]
StandingAsked = Annotated[Standing | None, Query(description="of this standing only")]
DEFAULT_LIMIT = 100
_ONE_OF: dict[str, tuple[str, ...]] = {"per": get_args(Per), "standing": get_args(Standing)}


class _Asked(NamedTuple):
    """What a list of an asset's energy is asked by."""

    asset_id: str
    since: int
    until: int
    by: Per | Standing | None
    limit: int


def production_routes(services: Services) -> APIRouter:
    """Production and accounts of one asset."""
    router = APIRouter(prefix="/v1/assets/{asset_id}", tags=["plants"], route_class=QuickRoute)
    projection, kept = services.projection, services.kept

    def production_after(asked: _Asked, place: str | None) -> WrittenPage[ProductionView]:
        return projection.production(asked.asset_id, asked.since, asked.until, asked.by, place, asked.limit)  # type: ignore[arg-type]

    def accounts_after(asked: _Asked, place: str | None) -> WrittenPage[AccountView]:
        return projection.accounts(asked.asset_id, asked.since, asked.until, asked.by, place, asked.limit)  # type: ignore[arg-type]

    def first_production(asked: _Asked, _: object) -> Ready:
        more, version = partial(production_after, asked), projection.version(asked.asset_id, live=False)
        return first_page(kept, asked, ProductionView, more, version)

    def first_accounts(asked: _Asked, _: object) -> Ready:
        more, version = partial(accounts_after, asked), projection.version(asked.asset_id, live=False)
        return first_page(kept, ("accounts", asked), AccountView, more, version)

    @router.get(
        "/production",
        operation_id="production",
        response_model=Page[ProductionView],
        responses=_PRODUCTION,
        dependencies=[Depends(allowed("production"))],
    )
    @quick(Lane(allowed("production"), _reader("per", "interval"), first_production))
    async def production(  # noqa: PLR0913, PLR0917  one argument a parameter of the query
        request: Request,
        asset_id: AssetId,
        since: Since = None,
        until: Until = None,
        per: PerAsked = "interval",
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
        form: FormAsked = None,
    ) -> Response:
        """Energy of intervals that begin in [from, to): attested, withheld, disputed, and whether it was minted."""
        asked = _Asked(asset_id, *span_of(since, until), per, limit)
        more, version = partial(production_after, asked), projection.version(asset_id, live=False)
        return answer_page(request, ProductionView, form, after, more, kept=kept, key=asked, version=version)

    @router.get(
        "/accounts",
        operation_id="accounts",
        response_model=Page[AccountView],
        responses=_ACCOUNTS,
        dependencies=[Depends(allowed("accounts"))],
    )
    @quick(Lane(allowed("accounts"), _reader("standing", None), first_accounts))
    async def accounts(  # noqa: PLR0913, PLR0917  one argument a parameter of the query
        request: Request,
        asset_id: AssetId,
        since: Since = None,
        until: Until = None,
        standing: StandingAsked = None,
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
        form: FormAsked = None,
    ) -> Response:
        """Every watt-hour by meter, interval, standing and reason. `says` and `do` are keys of sentences in plain words."""
        asked = _Asked(asset_id, *span_of(since, until), standing, limit)
        more, version = partial(accounts_after, asked), projection.version(asset_id, live=False)
        return answer_page(request, AccountView, form, after, more, kept=kept, key=("accounts", asked), version=version)

    return router


def _reader(by: str, default: Per | None) -> Callable[[Request], _Asked | None]:
    """Read the plain form of a list's question: of asset, time and limit, and of `by`."""
    known, choices = frozenset({"from", "to", "limit", by}), _ONE_OF[by]

    def read(request: Request) -> _Asked | None:
        asset_id, query = plain_name(request, "asset_id"), plain_query(request, known)
        if asset_id is None or query is None:
            return None
        since = plain_instant_ms(query.get("from"), EARLIEST_MS)
        until = plain_instant_ms(query.get("to"), LATEST_MS)
        limit = plain_limit(query.get("limit"), DEFAULT_LIMIT)
        chosen = query.get(by, default)
        if since is None or until is None or limit is None or (chosen is not None and chosen not in choices):
            return None
        return _Asked(asset_id, since, until, chosen, limit)  # type: ignore[arg-type]

    return read
