"""So many a second, and no more at once than a burst. Pure: the time is an argument."""

BURST_S = 0.25
"""What may have gathered is what comes in so long [s]: short against an outage, long against one step of a sender."""


class TokenBucket:
    """Permission to do something at a limited rate. It begins with a whole burst.

    In any span of `t` seconds at most `per_s * (t + BURST_S) + 1` are taken.

    Args:
        per_s: how many a second.

    Raises:
        ValueError: the rate is not positive.

    """

    def __init__(self, per_s: float) -> None:
        if not per_s > 0:
            raise ValueError(f"a rate of {per_s} a second lets nothing through")
        self._per_s = per_s
        self._burst = max(per_s * BURST_S, 1.0)
        self._level = self._burst
        self._at_s: float | None = None

    def available(self, now_s: float) -> int:
        """Return how many may be taken now."""
        if self._at_s is not None:
            self._level = min(self._level + max(now_s - self._at_s, 0.0) * self._per_s, self._burst)
        self._at_s = now_s
        return int(self._level)

    def take(self, count: int) -> None:
        """Take as many, of those that were available."""
        self._level -= count

    def ready_s(self, now_s: float) -> float:
        """Return when half a burst, but at least one, will have gathered; `now_s` if it has."""
        self.available(now_s)
        return now_s + max(max(self._burst / 2, 1.0) - self._level, 0.0) / self._per_s
