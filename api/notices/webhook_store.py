"""Webhooks and their deliveries, kept in one file: what is to be sent survives every restart.

event -> a delivery for each webhook that wants it (one transaction with how far events were read)
      -> tried, again after a while, until it is delivered or dead
"""

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.notices.schema import open_database
from api.notices.sealing import Seal
from api.notices.signature import SECRET_BYTES
from api.notices.webhook import (
    BACKOFF_S,
    KEPT_MS,
    MOST_PENDING,
    MOST_PER_OWNER,
    TEST,
    Delivery,
    Holds,
    Progress,
    Record,
    Theirs,
    TooManyWebhooksError,
    Webhook,
    body_of,
    delivery_id_of,
    read_row,
    wants,
)
from api.projection.views import EventView

if TYPE_CHECKING:
    from collections.abc import Iterator


class WebhookStore:
    """All webhooks, from any thread. Times are arguments [ms UTC].

    Raises:
        sqlite3.Error: the file cannot be used; the same from every method.

    """

    def __init__(self, path: Path, seal: Seal) -> None:
        self._seal = seal
        self._lock = threading.Lock()
        self._database = open_database(path)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def add(  # noqa: PLR0913  what a webhook is made of
        self,
        *,
        subject: str,
        address: str | None,
        url: str,
        kinds: Iterable[str],
        asset_ids: Iterable[str] | None,
        now_ms: int,
    ) -> tuple[Webhook, bytes]:
        """Make a webhook; return it with its secret, which cannot be asked for again.

        Raises:
            TooManyWebhooksError: whoever it is has enough.

        """
        webhook = Webhook(
            f"wh_{secrets.token_hex(10)}",
            subject,
            address,
            url,
            tuple(sorted(set(kinds))),
            None if asset_ids is None else tuple(sorted(set(asset_ids))),
            now_ms,
        )
        secret = secrets.token_bytes(SECRET_BYTES)
        row = (
            *(webhook.webhook_id, subject, address, url, json.dumps(webhook.kinds)),
            *(None if webhook.asset_ids is None else json.dumps(webhook.asset_ids), now_ms),
            self._seal.seal(secret, webhook.webhook_id),
        )
        with self._transaction() as database:
            mine = "SELECT count(*) FROM webhook WHERE address IS ? AND (address IS NOT NULL OR subject = ?)"
            (count,) = database.execute(mine, (address, subject)).fetchone()
            if count >= MOST_PER_OWNER:
                raise TooManyWebhooksError(f"there are {count} already: delete one first")
            database.execute("INSERT INTO webhook VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return webhook, secret

    def all(self, address: str | None = None) -> list[Webhook]:
        """Return webhooks in the order of their making: everybody's, or those of one address."""
        where, of = ("", ()) if address is None else (" WHERE address = ?", (address,))
        query = "SELECT webhook_id, subject, address, url, kinds, asset_ids, created_ms FROM webhook"
        with self._transaction() as database:
            rows = database.execute(query + where + " ORDER BY created_ms, webhook_id", of).fetchall()
        return [read_row(row) for row in rows]

    def remove(self, webhook_id: str) -> None:
        """Forget a webhook with all that was to be sent to it."""
        with self._transaction() as database:
            database.execute("DELETE FROM webhook WHERE webhook_id = ?", (webhook_id,))

    def forget(self, address: str) -> None:
        """Forget all webhooks of an address, with all that was to be sent to them; what they were is overwritten."""
        with self._transaction() as database:
            database.execute("DELETE FROM webhook WHERE address = ?", (address,))
        with self._lock:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def record(self, webhook_id: str) -> Record:
        """Tell how a webhook fares."""
        with self._transaction() as database:
            counts = dict(
                database.execute(
                    "SELECT state, count(*) FROM delivery WHERE webhook_id = ? GROUP BY state", (webhook_id,)
                ).fetchall()
            )
            last = database.execute(
                "SELECT tried_ms, status, error FROM delivery WHERE webhook_id = ? AND tried_ms IS NOT NULL"
                " ORDER BY tried_ms DESC LIMIT 1",
                (webhook_id,),
            ).fetchone()
        tried_ms, status, error = last or (None, None, None)
        return Record(
            counts.get("pending", 0), counts.get("delivered", 0), counts.get("dead", 0), tried_ms, status, error
        )

    def totals(self) -> dict[str, int]:
        """Count everything, for the metrics."""
        with self._transaction() as database:
            (webhooks,) = database.execute("SELECT count(*) FROM webhook").fetchone()
            states = dict(database.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall())
        return {"webhooks": webhooks, **{f"deliveries_{state}": states.get(state, 0) for state in ("pending", "dead")}}

    def progress(self) -> Progress | None:
        """How far events were read; None before the first time."""
        with self._transaction() as database:
            row = database.execute("SELECT instance, number, at_ms, not_before_ms FROM progress").fetchone()
        return None if row is None else Progress(*row)

    def enqueue(
        self, events: Sequence[EventView], progress: Progress, theirs: Theirs, now_ms: int, holds: Holds = bool
    ) -> int:
        """Queue what webhooks want of these events, and note how far events were read; return how many are new.

        Args:
            events: in order.
            progress: how far they reach.
            theirs: assets of an address, by the chain.
            now_ms: now [ms UTC].
            holds: whether the credential that made a webhook still holds.

        """
        webhooks = [hook for hook in self.all() if holds(hook.subject)] if events else []
        assets = {hook.address: theirs(hook.address) for hook in webhooks if hook.address is not None}
        rows = []
        for event in events:
            for hook in webhooks:
                if wants(hook, event, assets) and not progress.is_old(hook, event):
                    delivery_id = delivery_id_of(hook, event)
                    rows.append((delivery_id, hook.webhook_id, body_of(delivery_id, event)))
        with self._transaction() as database:
            new = _insert(database, rows, now_ms)
            kept = (progress.instance, progress.number, progress.at_ms, progress.not_before_ms)
            database.execute("INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?, 1)", kept)
        return new

    def enqueue_test(self, webhook_id: str, now_ms: int) -> str:
        """Queue a delivery that says nothing but that it came; return its id."""
        delivery_id = f"msg_{webhook_id.removeprefix('wh_')}_{secrets.token_hex(16)}"
        body = json.dumps({"id": delivery_id, "kind": TEST, "webhook_id": webhook_id}).encode()
        with self._transaction() as database:
            _insert(database, [(delivery_id, webhook_id, body)], now_ms)
        return delivery_id

    def due(self, now_ms: int, busy: Iterable[str]) -> Delivery | None:
        """Return what is to be tried next, of a webhook that is not busy; None if nothing is."""
        query = (
            "SELECT delivery_id, webhook_id, subject, url, sealed, body, attempts FROM delivery JOIN webhook USING (webhook_id)"
            " WHERE state = 'pending' AND next_ms <= ? AND webhook_id NOT IN (SELECT value FROM json_each(?))"
            " ORDER BY next_ms LIMIT 1"
        )
        with self._transaction() as database:
            row = database.execute(query, (now_ms, json.dumps(list(busy)))).fetchone()
        return None if row is None else Delivery(*row)

    def secret_of(self, delivery: Delivery) -> bytes:
        """Give a webhook's secret for signing.

        Raises:
            SealError: it was sealed under another key.

        """
        return self._seal.unseal(delivery.sealed, delivery.webhook_id)

    def settle(  # noqa: PLR0913  what a try came to
        self, delivery: Delivery, *, delivered: bool, final: bool, status: int | None, error: str | None, now_ms: int
    ) -> None:
        """Note a try. What failed is tried again later, unless that is final or was the last time."""
        attempts = delivery.attempts + 1
        dead = not delivered and (final or attempts > len(BACKOFF_S))
        state = "delivered" if delivered else "dead" if dead else "pending"
        next_ms = now_ms if state != "pending" else now_ms + 1000 * BACKOFF_S[attempts - 1]
        with self._transaction() as database:
            database.execute(
                "UPDATE delivery SET state = ?, attempts = ?, next_ms = ?, tried_ms = ?, status = ?, error = ?"
                " WHERE delivery_id = ?",
                (state, attempts, next_ms, now_ms, status, error, delivery.delivery_id),
            )

    def prune(self, now_ms: int) -> None:
        """Forget what came to its end long ago."""
        with self._transaction() as database:
            database.execute("DELETE FROM delivery WHERE state <> 'pending' AND created_ms < ?", (now_ms - KEPT_MS,))

    @contextmanager
    def _transaction(self) -> "Iterator[sqlite3.Connection]":
        with self._lock, self._database:
            yield self._database


def _insert(database: sqlite3.Connection, rows: Sequence[tuple[str, str, bytes]], now_ms: int) -> int:
    """Insert deliveries (id, webhook, body) that are not there yet; return how many. A queue that is full takes no more."""
    count = "SELECT count(*) FROM delivery WHERE webhook_id = ? AND state = 'pending'"
    waiting = {
        webhook_id: database.execute(count, (webhook_id,)).fetchone()[0] for webhook_id in {row[1] for row in rows}
    }
    new = 0
    for delivery_id, webhook_id, body in rows:
        full = waiting[webhook_id] >= MOST_PENDING
        state, error = ("dead", "too many others wait") if full else ("pending", None)
        done = database.execute(
            "INSERT OR IGNORE INTO delivery (delivery_id, webhook_id, body, state, next_ms, created_ms, error)"
            " SELECT ?, webhook_id, ?, ?, ?, ?, ? FROM webhook WHERE webhook_id = ?",
            (delivery_id, body, state, now_ms, now_ms, error, webhook_id),
        )
        new += done.rowcount
        waiting[webhook_id] += done.rowcount * (not full)
    return new
