"""Which envelopes are under way, and when each is to be published again. Pure: the time is an argument."""

import heapq
from collections.abc import Iterable

MAX_PARKED = 100_000
LONGEST_WAIT_S = 300.0


class Flights:
    """Envelopes that were published and not yet acknowledged by enough nodes.

    At most `window` are active, waiting for an answer. One whose answer is overdue is parked and becomes due again
    after a pause that doubles each time, so that envelopes which nobody acknowledges leave the way free for new ones.

    Args:
        window: envelopes that may wait for an answer at a time.
        retry_after_s: how long an answer may take before the first repetition [s].

    """

    def __init__(self, window: int, retry_after_s: float) -> None:
        self._window = window
        self._retry_after_s = retry_after_s
        self._active: dict[int, tuple[float, int]] = {}  # id -> (deadline, attempts)
        self._parked: list[tuple[float, int, int]] = []  # heap of (due, id, attempts)

    def capacity(self) -> int:
        """Return how many more envelopes may be published now."""
        return self._window - len(self._active)

    def takes_new(self) -> bool:
        """Tell whether envelopes may be published for the first time: not while too many are parked."""
        return len(self._parked) < MAX_PARKED

    def launch(self, envelope_id: int, now_s: float, attempts: int) -> None:
        """Note that an envelope was published, for the `attempts`-th time."""
        self._active[envelope_id] = (now_s + self._retry_after_s, attempts)

    def land(self, ids: Iterable[int]) -> None:
        """Forget active envelopes; parked ones are skipped by the outbox when they come due."""
        for each in ids:
            self._active.pop(each, None)

    def expire(self, now_s: float) -> None:
        """Park the active envelopes whose answer is overdue."""
        for each in [each for each, (deadline, _) in self._active.items() if deadline <= now_s]:
            _, attempts = self._active.pop(each)
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

    def next_due_s(self) -> float | None:
        """Return when something next comes due or overdue, or None."""
        times = [deadline for deadline, _ in self._active.values()]
        if self._parked:
            times.append(self._parked[0][0])
        return min(times, default=None)
