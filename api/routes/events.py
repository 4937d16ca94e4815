"""What happens, as it happens: server-sent events, or the same as a list for those who rather ask."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.requests import HTTPConnection
from starlette.responses import Response

from api.access.access import Access
from api.access.permissions import allowed
from api.access.principal import Principal
from api.http.cursors import DEFAULT_LIMIT
from api.http.lists import answer_page
from api.http.parameters import IDENTIFIER, After, FormAsked, Limit
from api.http.problems import ProblemError
from api.notices.stream import EventStream
from api.projection.projection import Projection
from api.projection.views import EventView, Page
from api.services import Services

STREAM = "text/event-stream"
_EXAMPLE = """\
retry: 3000

event: ready
id: 7f3a-41
data: {}

id: 7f3a-42
event: mint
data: {"number":42,"kind":"mint","asset_id":"yuenlong-farm","at":"2026-11-01T16:05:00Z","document":{"energy_wh":41870}}

"""
_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {
        "description": "events without end, or a page of them where JSON or CSV is asked for",
        "content": {
            STREAM: {"schema": {"type": "string"}, "example": _EXAMPLE},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}
AssetFilter = Annotated[
    list[Annotated[str, Query(pattern=IDENTIFIER)]] | None,
    Query(alias="asset_id", max_length=100, description="only events of these assets, and those that concern all"),
]


class Hearing:
    """What one listener may hear. Looked at anew for as long as he listens: keys are revoked, assets change hands."""

    def __init__(self, access: Access, principal: Principal, request: Request, only: frozenset[str] | None) -> None:
        self._access = access
        self._principal = principal
        self._only = only
        # Without what was found out about this request before: it is to be found out again.
        self._credentials = {name: request.scope.get(name) for name in ("type", "method", "headers", "client")}

    def visible(self, asset_id: str | None) -> bool:
        """Tell whether events of an asset are for this listener; None is for all."""
        if asset_id is None:
            return True
        return self._principal.may_see(asset_id) and (self._only is None or asset_id in self._only)

    def still(self) -> bool:
        """Look the credential up again, and tell whether it holds."""
        try:
            found = self._access.authenticate(HTTPConnection(dict(self._credentials)))
        except ProblemError:
            return False
        if found.subject != self._principal.subject or found.role != self._principal.role:
            return False
        self._principal = found
        return True


def events_routes(services: Services) -> APIRouter:
    """Live events."""
    router = APIRouter(prefix="/v1", tags=["notices"])

    @router.get(
        "/events",
        operation_id="events",
        summary="What happens, as it happens",
        response_model=Page[EventView],
        responses=_RESPONSES,
    )
    async def events(  # noqa: PLR0913, PLR0917  parameters of the query
        request: Request,
        principal: Annotated[Principal, Depends(allowed("events"))],
        asset_id: AssetFilter = None,
        after: After = None,
        limit: Limit = DEFAULT_LIMIT,
        asked: FormAsked = None,
        last_event_id: Annotated[
            str | None, Header(max_length=200, description="id of the last event that was heard: go on after it")
        ] = None,
    ) -> Response:
        """Production, reports, mints, money and what is held back, one server-sent event each.

        Each event has an `id`; whoever sends the last one back as `Last-Event-ID` gets what was missed in between. A
        comment comes every 15 seconds. `resync` says that what is shown is to be read anew; `dropped`, that the listener
        was too slow and should connect again. Asked for as JSON or CSV (`Accept`, `format`), this is a list of the
        same events, oldest first.
        """
        only = None if asset_id is None else frozenset(services.projection.asset(each).asset_id for each in asset_id)
        hearing = Hearing(services.access, principal, request, only)
        if asked is not None or not _wants_stream(request.headers.get("accept")):
            return answer_page(
                request, EventView, asked, after, lambda place: _page(services.projection, hearing, place, limit)
            )
        if services.notices is None:
            raise ProblemError("part-away", "this server tells no live events; ask for them as a list (?format=json)")
        return EventStream(services.notices, hearing.visible, last_event_id, hearing.still)

    return router


def _wants_stream(accept: str | None) -> bool:
    """Tell whether a stream is what an `Accept` header means: also where it leaves that open."""
    named = {each.partition(";")[0].strip().lower() for each in (accept or "*/*").split(",")}
    return STREAM in named or not named & {"application/json", "text/csv", "application/*"}


def _page(projection: Projection, hearing: Hearing, place: str | None, limit: int) -> Page[EventView]:
    """Collect a page of what is visible: events of others are passed over."""
    after = 0 if place is None else int(place)
    found: list[EventView] = []
    while len(found) <= limit:
        events = projection.events(after, 1000)
        if not events:
            break
        found += [event for event in events if hearing.visible(event.asset_id)]
        after = events[-1].number
    more = len(found) > limit
    return Page[EventView](items=found[:limit], next=str(found[limit - 1].number) if more else None)
