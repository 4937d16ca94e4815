"""Live events and webhooks, put together: one thread reads events as they come, and hands them to both."""

import logging
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, Self

from api.clocks import system_ms
from api.notices.couriers import Couriers
from api.notices.hub import Hub
from api.notices.sealing import Seal
from api.notices.told import Told, message, position
from api.notices.webhook import KINDS, REREAD_MS, Holds, Progress
from api.notices.webhook_store import WebhookStore
from api.projection.views import EventView

PAGE = 500
"""Events read at a time."""
LOOK_S = 1.0
"""How often is looked for something new at least [s]."""
PRUNE_MS = 3_600_000
_STOP_S = 2.0

log = logging.getLogger(__name__)


class EventSource(Protocol):
    """What is needed of the projection."""

    def instance(self) -> str:
        """Name it: another one after it was built anew, and then its numbers mean other events."""
        ...

    def version(self) -> int:
        """Return a number that rises with whatever is shown."""
        ...

    def wait_for(self, version: int, timeout_s: float) -> int:
        """Wait until the version is above this one, or the time is up [s]; return the version."""
        ...

    def last_event(self) -> int:
        """Return the number of the newest event, 0 if there is none."""
        ...

    def events(self, after: int, limit: int, asset_ids: frozenset[str] | None = None) -> list[EventView]:
        """Return events after a number, in order."""
        ...

    def assets_of(self, address: str) -> frozenset[str]:
        """Return the assets of an address."""
        ...


class Notices:
    """Everything that is told by itself, over one projection. Made by `open`."""

    def __init__(self, source: EventSource, store: WebhookStore, *, allow_private_targets: bool) -> None:
        self.source = source
        self.webhooks = store
        self.hub = Hub()
        self.allow_private_targets = allow_private_targets
        """Whether webhooks may go into private networks, and without TLS: for tests and closed sites."""
        self.couriers = Couriers(store, system_ms, allow_private=allow_private_targets)
        self._instance = source.instance()
        self._told = source.last_event()
        """Number of the event that was handed to listeners last."""
        self._events = 0
        self._read_to: Progress | None = None
        self._pruned_ms = 0
        self._fault: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    @classmethod
    def open(cls, folder: Path, source: EventSource, *, allow_private_targets: bool = False) -> Self:
        """Open `notices.sqlite` and `notices.key` in a folder, or make them there.

        Raises:
            SealError: the key cannot be used.
            NoticesVersionError: the file is of a newer release.
            sqlite3.Error: the file cannot be used.

        """
        store = WebhookStore(folder / "notices.sqlite", Seal.open(folder / "notices.key"))
        try:
            return cls(source, store, allow_private_targets=allow_private_targets)
        except BaseException:
            store.close()
            raise

    def start(self) -> None:
        """Begin to tell, in the background."""
        self._thread.start()
        self.couriers.start()

    def close(self) -> None:
        """End all streams and deliveries, within a few seconds. What is not delivered waits in the file."""
        self._stopping.set()
        self.hub.close()
        self.couriers.close()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        self.webhooks.close()

    def ask_about_subjects(self, holds: Holds) -> None:
        """Tell webhooks nothing more whose maker's credential does not hold any longer."""
        self.couriers.holds = holds

    def figures(self) -> dict[str, int]:
        """Count listeners, events and deliveries, for the metrics."""
        counts = {"event_listeners": self.hub.count(), "events_told": self._events, **self.couriers.figures()}
        return {**counts, **self.webhooks.totals()}

    def _run(self) -> None:
        version = -1
        while not self._stopping.is_set():
            try:
                version = self.source.wait_for(version, LOOK_S)
                if self._stopping.is_set():
                    return
                self._tell()
                self._queue()
                self._note(None)
            except (sqlite3.Error, OSError) as error:
                self._note(f"{type(error).__name__}: {error}")
                self._stopping.wait(LOOK_S)
            except Exception:  # a mistake of the program: what else is told must go on
                log.exception("events cannot be told; trying again every second")
                self._stopping.wait(LOOK_S)

    def _tell(self) -> None:
        """Hand what is new to all who listen."""
        instance = self.source.instance()
        if instance != self._instance:
            self._instance, self._told = instance, self.source.last_event()
            self.hub.publish([Told(0, "resync", None, resync(instance, self._told))])
            return
        while events := self.source.events(self._told, PAGE):
            self.hub.publish([Told.of(event, instance) for event in events])
            self._told = events[-1].number
            self._events += len(events)
            if len(events) < PAGE or self._stopping.is_set():
                return

    def _queue(self) -> None:
        """Queue deliveries of what is new since the file knows."""
        now_ms = system_ms()
        instance = self.source.instance()
        if self._read_to is None or self._read_to.instance != instance:
            self._read_to = self._begin(instance, now_ms)
        while True:
            events = self.source.events(self._read_to.number, PAGE)
            if not events:
                break
            wanted = [event for event in events if event.kind in KINDS]
            reached = replace(self._read_to, number=events[-1].number, at_ms=now_ms)
            worth_noting = wanted or len(events) == PAGE  # readings alone come every second: they can be read again
            if worth_noting and self._enqueue(wanted, reached, now_ms):
                self.couriers.wake()
            self._read_to = reached  # only now: what could not be queued is read again
            if len(events) < PAGE or self._stopping.is_set():
                break
        if now_ms - self._pruned_ms > PRUNE_MS:
            self._pruned_ms = now_ms
            self.webhooks.prune(now_ms)

    def _begin(self, instance: str, now_ms: int) -> Progress:
        """Find out from where on events are news."""
        known = self.webhooks.progress()
        if known is None:
            progress = Progress(instance, self.source.last_event(), now_ms, None)
        elif known.instance == instance:
            return known
        else:
            log.info("the projection was built anew: looking for what webhooks were not told")
            progress = Progress(instance, 0, now_ms, known.at_ms - REREAD_MS)
        self._enqueue((), progress, now_ms)
        return progress

    def _enqueue(self, events: Sequence[EventView], progress: Progress, now_ms: int) -> int:
        return self.webhooks.enqueue(events, progress, self.source.assets_of, now_ms, self.couriers.holds)

    def _note(self, fault: str | None) -> None:
        if fault is not None and fault != self._fault:
            log.error("events cannot be read: %s; trying again every second", fault)
        if fault is None and self._fault is not None:
            log.info("events can be read again")
        self._fault = fault


def resync(instance: str, number: int) -> bytes:
    """Tell a listener that it cannot go on where it was: what it shows is to be read anew, and then goes on from here."""
    at = position(instance, number)
    return message("resync", '{"detail":"events before this one cannot be resumed: read what you show anew"}', at)
