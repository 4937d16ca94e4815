"""Webhooks: who is told of what, and how that goes."""

from datetime import datetime
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.access.access import Access
from api.access.permissions import allowed, own_asset
from api.access.principal import Principal
from api.clocks import system_ms
from api.http.lists import answer_all
from api.http.openapi import csv_too
from api.http.parameters import IDENTIFIER, FormAsked
from api.http.problems import NotFoundProblem, ProblemError
from api.notices.notices import Notices
from api.notices.signature import format_secret
from api.notices.targets import MAX_URL_CHARACTERS, Target, TargetError, UnresolvedError
from api.notices.webhook import Record, TooManyWebhooksError, Webhook
from api.projection.instants import instant
from api.services import Services

Kind = Literal["withheld", "meter_stale", "deposit", "mint"]
WebhookId = Annotated[str, Path(description="as its making told", pattern=r"^wh_[0-9a-f]{20}$")]
NO_STORE = {"Cache-Control": "no-store"}
_CSV = csv_too("webhook_id,url,kinds,…\r\nwh_0c1d2e3f4a5b6c7d8e9f,https://owner.example/heliograph,…\r\n")


class WebhookWish(BaseModel):
    """What a webhook is to be."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"url": "https://owner.example/heliograph", "kinds": ["withheld", "mint"]}]},
    )

    url: str = Field(min_length=1, max_length=MAX_URL_CHARACTERS, description="https://host[:port]/path")
    kinds: list[Kind] = Field(min_length=1, max_length=8, description="what to tell")
    asset_ids: list[Annotated[str, Field(pattern=IDENTIFIER)]] | None = Field(
        default=None, min_length=1, max_length=1000, description="only of these assets; null for all that are yours"
    )


class WebhookView(BaseModel):
    """A webhook, and how it fares."""

    webhook_id: str
    url: str
    kinds: list[Kind]
    asset_ids: list[str] | None
    made_by: str = Field(description="who made it: an address, or `key:` and the number of a key")
    created_at: datetime
    pending: int = Field(description="deliveries that are still to be made")
    delivered: int = Field(description="deliveries of the last 30 days that arrived")
    dead: int = Field(description="deliveries of the last 30 days that were given up")
    last_attempt_at: datetime | None
    last_status: int | None = Field(description="what the receiver answered last; null if it did not")
    last_error: str | None = Field(description="why the last attempt failed; null if it did not")


class WebhookMade(WebhookView):
    """A new webhook with its secret."""

    secret: str = Field(description="signs what is sent, as Standard Webhooks has it; it is told this once only")


class WebhookList(BaseModel):
    """All webhooks; there are few."""

    items: list[WebhookView]
    next: None = None


class TestQueued(BaseModel):
    """A delivery that only says that it came."""

    delivery_id: str = Field(description="it comes as the header webhook-id")


def webhooks_routes(services: Services) -> APIRouter:
    """Webhooks of owners and operators."""
    if services.notices is not None:
        services.notices.ask_about_subjects(lambda subject: _holds(services.access, subject))
    router = APIRouter(prefix="/v1", tags=["notices"])

    @router.get(
        "/webhooks",
        operation_id="webhooks_list",
        summary="Your webhooks, and how they fare",
        response_model=WebhookList,
        responses=_CSV,
    )
    def webhooks_list(
        request: Request, principal: Annotated[Principal, Depends(allowed("webhooks_list"))], form: FormAsked = None
    ) -> Response:
        """All that are yours, for operators all there are; never their secrets."""
        store = _notices(services).webhooks
        views = [_view(hook, store.record(hook.webhook_id)) for hook in store.all(principal.address)]
        return answer_all(request, lambda: WebhookList(items=views), WebhookView, form)

    @router.post("/webhooks", operation_id="webhook_create", summary="Be told by a webhook", status_code=201)
    async def webhook_create(
        wish: WebhookWish,
        request: Request,
        response: Response,
        principal: Annotated[Principal, Depends(allowed("webhook_create"))],
    ) -> WebhookMade:
        """Withheld energy, stale meters, deposits and mints are posted to the url as JSON, signed with the secret.

        What is not answered with 2xx is sent again for about a day, each time with the same `webhook-id`. A delivery may
        come twice, and not in order. Redirects are not followed, and private networks not called.
        """
        notices = _notices(services)
        for asset_id in wish.asset_ids or ():
            own_asset(principal, asset_id)
        await to_thread.run_sync(_check_target, wish.url, notices.allow_private_targets)
        try:
            hook, secret = await to_thread.run_sync(lambda: _add(notices, principal, wish))
        except TooManyWebhooksError as error:
            raise ProblemError("conflict", str(error)) from error
        request.state.target = hook.webhook_id
        response.headers.update({**NO_STORE, "Location": f"/v1/webhooks/{hook.webhook_id}"})
        view = _view(hook, Record(0, 0, 0, None, None, None))
        return WebhookMade(**view.model_dump(), secret=format_secret(secret))

    @router.delete(
        "/webhooks/{webhook_id}", operation_id="webhook_delete", summary="Be told no longer", status_code=204
    )
    def webhook_delete(
        webhook_id: WebhookId, request: Request, principal: Annotated[Principal, Depends(allowed("webhook_delete"))]
    ) -> None:
        """Forget a webhook, and what was still to be sent to it."""
        notices = _notices(services)
        request.state.target = _theirs(notices, principal, webhook_id).webhook_id
        notices.webhooks.remove(webhook_id)

    @router.post("/webhooks/{webhook_id}/test", operation_id="webhook_test", summary="Try a webhook", status_code=202)
    def webhook_test(
        webhook_id: WebhookId, request: Request, principal: Annotated[Principal, Depends(allowed("webhook_test"))]
    ) -> TestQueued:
        """Send a delivery of kind `test`; how it went is in the list of webhooks a moment later."""
        notices = _notices(services)
        request.state.target = _theirs(notices, principal, webhook_id).webhook_id
        delivery_id = notices.webhooks.enqueue_test(webhook_id, system_ms())
        notices.couriers.wake()
        return TestQueued(delivery_id=delivery_id)

    return router


def _notices(services: Services) -> Notices:
    if services.notices is None:
        raise NotFoundProblem("this server has no webhooks; it was started without them")
    return services.notices


def _holds(access: Access, subject: str) -> bool:
    """Tell whether the key that a subject names is still good; an address is who it is."""
    kind, _, number = subject.partition(":")
    if kind != "key":
        return True
    key = access.keys.find(number)
    if key is None or key.revoked_ms is not None:
        return False
    return key.expires_ms is None or key.expires_ms > access.now_ms()


def _check_target(url: str, allow_private: bool) -> None:  # noqa: FBT001  it is called in a thread, by place
    """Refuse an address that would not be called; one that cannot be looked up now may be there later."""
    try:
        Target.parse(url, allow_private=allow_private).resolve(allow_private=allow_private)
    except UnresolvedError:
        return
    except TargetError as error:
        raise ProblemError("invalid-parameter", f"url: {error}") from error


def _add(notices: Notices, principal: Principal, wish: WebhookWish) -> tuple[Webhook, bytes]:
    return notices.webhooks.add(
        subject=principal.subject,
        address=principal.address,
        url=wish.url,
        kinds=wish.kinds,
        asset_ids=wish.asset_ids,
        now_ms=system_ms(),
    )


def _theirs(notices: Notices, principal: Principal, webhook_id: str) -> Webhook:
    for hook in notices.webhooks.all(principal.address):
        if hook.webhook_id == webhook_id:
            return hook
    raise NotFoundProblem(f"there is no webhook {webhook_id}: GET /v1/webhooks lists yours")


def _view(hook: Webhook, record: Record) -> WebhookView:
    return WebhookView.model_validate(
        {
            "webhook_id": hook.webhook_id,
            "url": hook.url,
            "kinds": hook.kinds,
            "asset_ids": hook.asset_ids,
            "made_by": hook.subject,
            "created_at": instant(hook.created_ms),
            "pending": record.pending,
            "delivered": record.delivered,
            "dead": record.dead,
            "last_attempt_at": None if record.last_ms is None else instant(record.last_ms),
            "last_status": record.last_status,
            "last_error": record.last_error,
        }
    )
