"""Threads that deliver webhooks: what is due, one at a time for each receiver, signed anew for each try."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from api.notices.sealing import SealError
from api.notices.sending import Attempt, send
from api.notices.signature import headers
from api.notices.webhook import Delivery, Holds
from api.notices.webhook_store import WebhookStore

THREADS = 4
LOOK_S = 1.0
"""How often what is due is looked for at least [s]."""
_STOP_S = 2.0

_REVOKED = Attempt(delivered=False, status=None, error="the key that made the webhook does not hold any longer")

log = logging.getLogger(__name__)


class Couriers:
    """Delivers what the store holds, until closed.

    Args:
        store: of deliveries.
        clock_ms: now [ms UTC].
        allow_private: whether receivers may be in a private network, and be reached without TLS.
        threads: how many deliveries are under way at a time.

    """

    def __init__(
        self, store: WebhookStore, clock_ms: Callable[[], int], *, allow_private: bool = False, threads: int = THREADS
    ) -> None:
        self._store = store
        self._clock_ms = clock_ms
        self._allow_private = allow_private
        self.holds: Holds = bool
        """Whether the credential that made a webhook still holds; every subject's does until somebody says otherwise."""
        self._changed = threading.Condition()
        self._busy: set[str] = set()
        self._stopping = False
        self._faulty = False
        self._delivered = self._failed = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"webhooks-{number}", daemon=True) for number in range(threads)
        ]

    def start(self) -> None:
        """Begin to deliver, with what was left over when the process ended last."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Something new is to be delivered."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Begin nothing more. What is under way may end after this, or be tried again after the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_STOP_S / len(self._threads))

    def figures(self) -> dict[str, int]:
        """Count tries since the start."""
        return {"webhooks_delivered": self._delivered, "webhooks_failed": self._failed}

    def _work(self) -> None:
        while True:
            delivery = self._next()
            if self._stopping:
                return
            if delivery is None:
                continue
            try:
                self._deliver(delivery)
            except sqlite3.Error as error:
                self._note(error)
            except Exception:  # a mistake of the program: the others' deliveries must go on
                log.exception("webhook %s: a delivery cannot be worked on", delivery.webhook_id)
                time.sleep(LOOK_S)
            finally:
                with self._changed:
                    self._busy.discard(delivery.webhook_id)

    def _next(self) -> Delivery | None:
        """Take what is due and of no receiver that is being served; wait a while if there is nothing."""
        with self._changed:
            if self._stopping:
                return None
            try:
                delivery = self._store.due(self._clock_ms(), self._busy)
                self._note(None)
            except sqlite3.Error as error:
                self._note(error)
                delivery = None
            if delivery is None:
                self._changed.wait(LOOK_S)
            else:
                self._busy.add(delivery.webhook_id)
            return delivery

    def _deliver(self, delivery: Delivery) -> None:
        revoked = not self.holds(delivery.subject)
        attempt = _REVOKED if revoked else self._attempt(delivery)
        self._delivered += attempt.delivered
        self._failed += not attempt.delivered
        if not attempt.delivered:
            log.info("webhook %s, try %d: %s", delivery.webhook_id, delivery.attempts + 1, attempt.error)
        self._store.settle(
            delivery,
            delivered=attempt.delivered,
            final=attempt.gone or revoked,
            status=attempt.status,
            error=attempt.error,
            now_ms=self._clock_ms(),
        )

    def _attempt(self, delivery: Delivery) -> Attempt:
        try:
            secret = self._store.secret_of(delivery)
        except SealError:
            return Attempt(delivered=False, status=None, error="its secret cannot be read: make the webhook anew")
        signed = headers(secret, delivery.delivery_id, self._clock_ms() // 1000, delivery.body)
        return send(delivery.url, delivery.body, signed, allow_private=self._allow_private)

    def _note(self, error: sqlite3.Error | None) -> None:
        if error is not None and not self._faulty:
            log.error("webhooks wait: their file cannot be used: %s", error)
        self._faulty = error is not None
