"""Events in memory: what live events and webhooks need of the projection, for tests of what stands on it."""

import threading
from datetime import UTC, datetime

from api.projection.views import EventView

START = datetime(2026, 11, 1, 4, tzinfo=UTC)


class EventsInMemory:
    """Tells what it is told; safe to share between threads."""

    def __init__(self, instance="first", owners=None):
        self._instance = instance
        self._owners = owners or {}
        self._events = []
        self._changed = threading.Condition()

    def tell(self, kind, asset_id=None, at=START, **document):
        with self._changed:
            event = EventView(number=len(self._events) + 1, kind=kind, asset_id=asset_id, at=at, document=document)
            self._events.append(event)
            self._changed.notify_all()
        return event

    def build_anew(self, instance, keep=()):
        """As a projection does: other numbers for what it still knows."""
        with self._changed:
            kept = [self._events[number - 1] for number in keep]
            self._instance = instance
            self._events = [event.model_copy(update={"number": at}) for at, event in enumerate(kept, 1)]
            self._changed.notify_all()

    def instance(self):
        return self._instance

    def version(self):
        return len(self._events)

    def wait_for(self, version, timeout_s):
        with self._changed:
            self._changed.wait_for(lambda: self.version() > version, timeout_s)
            return self.version()

    def last_event(self):
        return len(self._events)

    def events(self, after, limit, asset_ids=None):
        return [e for e in self._events[after : after + limit] if asset_ids is None or e.asset_id in asset_ids]

    def assets_of(self, address):
        return frozenset(self._owners.get(address, ()))
