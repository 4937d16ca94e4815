"""What a webhook is, what it wants to be told, and what is sent to it. Pure.

A delivery's id follows from the webhook and from what the event says, not from its number, so that a projection which
was built anew sends nothing twice.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from api.notices.told import fingerprint
from api.projection.views import EventView

KINDS = ("withheld", "meter_stale", "deposit", "mint")
"""What webhooks can be about."""
TEST = "test"
MOST_PER_OWNER = 20
MOST_PENDING = 10_000
"""Deliveries of one webhook that may wait; what comes then is dead at once, and counted."""
BACKOFF_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200)
"""Waits after each try that failed [s]; after the last one there is one more, and then the delivery is dead."""
KEPT_MS = 30 * 86_400_000
"""How long what came to its end is kept [ms]."""
REREAD_MS = 7 * 86_400_000
"""How far back events are looked at again after the projection was built anew [ms]."""

Theirs = Callable[[str], frozenset[str]]
"""Assets of an address."""
Holds = Callable[[str], bool]
"""Whether a subject's credential still holds: a key may be revoked, and then its webhooks are told nothing more."""


class TooManyWebhooksError(Exception):
    """The owner has as many as anybody may have."""


@dataclass(frozen=True)
class Webhook:
    """Where somebody wants to be told, and of what. Its secret is not part of it."""

    webhook_id: str
    subject: str
    """Who made it."""
    address: str | None
    """Whose assets it is about; None of those who see all."""
    url: str
    kinds: tuple[str, ...]
    asset_ids: tuple[str, ...] | None
    """Only these; None for all that are theirs."""
    created_ms: int


@dataclass(frozen=True)
class Record:
    """How a webhook fares."""

    pending: int
    delivered: int
    dead: int
    last_ms: int | None
    """When something was last tried [ms UTC]."""
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True)
class Progress:
    """How far events were read for webhooks."""

    instance: str
    """Of the projection whose numbers these are."""
    number: int
    at_ms: int
    """When [ms UTC]."""
    not_before_ms: int | None
    """Set where the projection was built anew: what happened before this is no news [ms UTC]."""

    def is_old(self, hook: Webhook, event: EventView) -> bool:
        """Tell whether an event is one that was there before, read again."""
        if self.not_before_ms is None:
            return False
        rebuilt_ms = self.not_before_ms + REREAD_MS
        return int(event.at.timestamp() * 1000) < max(self.not_before_ms, min(hook.created_ms, rebuilt_ms))


@dataclass(frozen=True)
class Delivery:
    """One thing to be sent to one webhook."""

    delivery_id: str
    webhook_id: str
    subject: str
    """Who made the webhook."""
    url: str
    sealed: bytes
    body: bytes
    attempts: int
    """Tries so far."""


def delivery_id_of(hook: Webhook, event: EventView) -> str:
    """Name the delivery of an event to a webhook."""
    return f"msg_{hook.webhook_id.removeprefix('wh_')}_{fingerprint(event)}"


def wants(hook: Webhook, event: EventView, assets: Mapping[str, frozenset[str]]) -> bool:
    """Tell whether a webhook is to be told an event; `assets` are those of each address."""
    if event.kind not in hook.kinds:
        return False
    if hook.address is not None and event.asset_id not in assets[hook.address]:
        return False
    return hook.asset_ids is None or event.asset_id in hook.asset_ids


def body_of(delivery_id: str, event: EventView) -> bytes:
    """Write what is sent: JSON, the same each time."""
    said = event.model_dump(mode="json", exclude={"number"})
    return json.dumps({"id": delivery_id, **said}, separators=(",", ":"), ensure_ascii=False).encode()


def read_row(row: tuple[Any, ...]) -> Webhook:
    """Read a webhook as its file keeps it."""
    webhook_id, subject, address, url, kinds, asset_ids, created_ms = row
    only = None if asset_ids is None else tuple(json.loads(asset_ids))
    return Webhook(webhook_id, subject, address, url, tuple(json.loads(kinds)), only, created_ms)
