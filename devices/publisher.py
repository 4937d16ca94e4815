"""What of an outbox is published next, in messages of a bounded size. The time is an argument.

Two lanes: what was added while the connection stands goes out at once; what the outbox held when the connection came
up, and all that is published again, goes beside it, at a limited rate if one is given.
"""

from collections.abc import Callable, Iterable, Sequence

from devices.flights import MAX_PARKED, Flights
from devices.outbox import Outbox
from devices.telemetry import MAX_ITEMS
from devices.token_bucket import TokenBucket

MAX_MESSAGE_BYTES = 128 * 1024
"""A message carries envelopes up to this size together; a larger envelope travels alone."""


class Publisher:
    """Publishes the envelopes of an outbox, each again until it is told that it arrived.

    Args:
        outbox: where they are.
        publish: hands a message to the connection; False if there is none, and `start_over` follows once there is one.
        window: new envelopes that may wait for acknowledgements at a time, and half as many old ones beside them.
        retry_after_s: publish again when an acknowledgement takes longer [s].
        backfill_per_s: old envelopes published a second at most; None means as fast as they are acknowledged.

    Raises:
        ValueError: the rate is not positive.

    """

    def __init__(
        self,
        outbox: Outbox,
        publish: Callable[[bytes], bool],
        *,
        window: int,
        retry_after_s: float,
        backfill_per_s: float | None = None,
    ) -> None:
        self._outbox = outbox
        self._hand_over = publish
        self._flights = Flights(window, retry_after_s)
        self._bucket = None if backfill_per_s is None else TokenBucket(backfill_per_s)
        self._mark = 0  # the newest envelope when the connection came up: up to here they are old
        self._last_old = self._last_new = 0  # up to where each lane was published
        self.published = 0
        """Envelopes handed over, each time counted."""
        self.repeated = 0
        """Those of them that had been handed over before, over the same connection."""

    def start_over(self) -> None:
        """Forget what an earlier connection carried: it may be lost. What is in the outbox now is old."""
        self._flights.clear()
        self._mark = self._last_new = self._outbox.last_id()
        self._last_old = 0

    def land(self, ids: Iterable[int]) -> None:
        """Note what arrived."""
        self._flights.land(ids)

    def in_flight(self) -> int:
        """Return how many envelopes wait for acknowledgements."""
        return self._flights.active()

    def step(self, now_s: float) -> float | None:
        """Publish what is to be published now; return when to come again, None if only for something new."""
        self._flights.expire(now_s)
        if self._publish_new(now_s) | self._publish_old(now_s):
            return now_s
        waits = [self._flights.next_overdue_s(), self._next_old_s(now_s)]
        return min((each for each in waits if each is not None), default=None)

    def _publish_new(self, now_s: float) -> bool:
        """Publish what was added since the connection stands; tell whether there may be more to publish now."""
        room = self._flights.capacity()
        rows = self._outbox.after(self._last_new, room) if room > 0 else []
        sent = self._publish(rows, now_s, {}, old=False)
        self._last_new = max([self._last_new, *sent])
        return room > 0 and len(sent) == room and self._flights.capacity() > 0

    def _publish_old(self, now_s: float) -> bool:
        """Publish again what is due, and fill in the backlog; tell whether there may be more to publish now."""
        room = self._flights.old_capacity()
        if self._bucket is not None:
            room = min(room, self._bucket.available(now_s))
        if room <= 0:
            return False
        attempts = dict(self._flights.due(now_s, room))
        again = self._outbox.wires(list(attempts))
        backlog = self._backlog(room - len(again))
        sent = self._publish(again + backlog, now_s, attempts, old=True)
        self.repeated += sum(each in attempts for each in sent)
        self._last_old = max([self._last_old, *(each for each in sent if each not in attempts)])
        if self._bucket is not None:
            self._bucket.take(len(sent))
        skipped = len(attempts) - len(again)  # delivered meanwhile: others may be due in their place
        return skipped > 0 and len(sent) == len(again) + len(backlog)

    def _backlog(self, room: int) -> list[tuple[int, bytes]]:
        """Return the next old envelopes that were not published over this connection, oldest first."""
        if room <= 0 or self._last_old >= self._mark or self._flights.parked() >= MAX_PARKED:
            return []
        rows = self._outbox.after(self._last_old, room, self._mark)
        if len(rows) < room:
            self._mark = rows[-1][0] if rows else self._last_old  # there is no more
        return rows

    def _next_old_s(self, now_s: float) -> float | None:
        """Return when the next old envelope may go out, None if there is none or the lane is full."""
        if self._flights.old_capacity() <= 0:
            return None
        due_s = self._flights.next_due_s()
        if self._last_old < self._mark and self._flights.parked() < MAX_PARKED:
            due_s = now_s
        return due_s if due_s is None or self._bucket is None else max(due_s, self._bucket.ready_s(now_s))

    def _publish(
        self, rows: Sequence[tuple[int, bytes]], now_s: float, attempts: dict[int, int], *, old: bool
    ) -> list[int]:
        """Hand envelopes to the connection; return the ids of those that it took."""
        sent: list[int] = []
        for ids, message in _messages(rows):
            if not self._hand_over(message):
                break
            for each in ids:
                self._flights.launch(each, now_s, attempts.get(each, 0) + 1, old=old)
            sent += ids
        self.published += len(sent)
        return sent


def _messages(rows: Iterable[tuple[int, bytes]]) -> Iterable[tuple[list[int], bytes]]:
    """Pack envelopes into messages: (their ids, the CBOR sequence)."""
    ids: list[int] = []
    wires: list[bytes] = []
    size = 0
    for each, wire in rows:
        if ids and (size + len(wire) > MAX_MESSAGE_BYTES or len(ids) == MAX_ITEMS):
            yield ids, b"".join(wires)
            ids, wires, size = [], [], 0
        ids.append(each)
        wires.append(wire)
        size += len(wire)
    if ids:
        yield ids, b"".join(wires)
