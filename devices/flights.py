"""Which envelopes are under way, and when each is to be published again. Pure: the time is an argument.

There are two lanes, each with a window of its own, so that neither waits for the other: new envelopes, and old ones,
which are those that an outage left behind and all that is published again.
"""

import heapq
from collections.abc import Iterable
from typing import NamedTuple

MAX_PARKED = 100_000
LONGEST_WAIT_S = 300.0


class _Flight(NamedTuple):
    deadline_s: float
    attempts: int
    old: bool


class Flights:
    """Envelopes that were published and not yet acknowledged by enough nodes.

    At most `window` new ones and half as many old ones are active, waiting for an answer. One whose answer is overdue
    is parked and becomes due again after a pause that doubles each time, so that envelopes which nobody acknowledges
    leave the way free.

    Args:
        window: new envelopes that may wait for an answer at a time.
        retry_after_s: how long an answer may take before the first repetition [s].

    """

    def __init__(self, window: int, retry_after_s: float) -> None:
        self._window = window
        self._old_window = max(window // 2, 1)
        self._old_active = 0
        self._retry_after_s = retry_after_s
        self._active: dict[int, _Flight] = {}
        self._parked: list[tuple[float, int, int]] = []  # heap of (due, id, attempts)

    def capacity(self) -> int:
        """Return how many more new envelopes may be published now: none while too many are parked."""
        return self._window - len(self._active) + self._old_active if len(self._parked) < MAX_PARKED else 0

    def old_capacity(self) -> int:
        """Return how many more old envelopes may be published now."""
        return self._old_window - self._old_active

    def active(self) -> int:
        """Return how many envelopes wait for an answer."""
        return len(self._active)

    def parked(self) -> int:
        """Return how many envelopes wait to be published again."""
        return len(self._parked)

    def launch(self, envelope_id: int, now_s: float, attempts: int, *, old: bool) -> None:
        """Note that an envelope was published, for the `attempts`-th time."""
        self.land((envelope_id,))
        self._active[envelope_id] = _Flight(now_s + self._retry_after_s, attempts, old)
        self._old_active += old

    def land(self, ids: Iterable[int]) -> None:
        """Forget active envelopes; parked ones are skipped by the outbox when they come due."""
        for each in ids:
            flight = self._active.pop(each, None)
            if flight is not None:
                self._old_active -= flight.old

    def expire(self, now_s: float) -> None:
        """Park the active envelopes whose answer is overdue."""
        for each in [each for each, flight in self._active.items() if flight.deadline_s <= now_s]:
            attempts = self._active[each].attempts
            self.land((each,))
            pause = min(self._retry_after_s * 2 ** min(attempts - 1, 16), LONGEST_WAIT_S)
            heapq.heappush(self._parked, (now_s + pause, each, attempts))

    def due(self, now_s: float, limit: int) -> list[tuple[int, int]]:
        """Take up to `limit` parked envelopes that are due: (id, attempts so far)."""
        taken: list[tuple[int, int]] = []
        while self._parked and self._parked[0][0] <= now_s and len(taken) < limit:
            _, each, attempts = heapq.heappop(self._parked)
            taken.append((each, attempts))
        return taken

    def clear(self) -> None:
        """Forget everything: what an earlier connection carried may be lost."""
        self._active.clear()
        self._parked.clear()
        self._old_active = 0

    def next_overdue_s(self) -> float | None:
        """Return when the answer to an active envelope is next overdue, or None."""
        return min((flight.deadline_s for flight in self._active.values()), default=None)

    def next_due_s(self) -> float | None:
        """Return when a parked envelope next comes due, or None."""
        return self._parked[0][0] if self._parked else None
