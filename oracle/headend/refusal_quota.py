"""How many refusals of one sender are stored: enough to find out what is wrong, too few to fill a disk.

A token bucket a topic, on the caller's clock. What is beyond it is answered and counted like any other refusal.
"""

BURST = 500
"""Refusals of one topic that are stored at once."""
INTERVAL_MS = 1000
"""After this long, one more may be stored [ms]."""
MAX_TOPICS = 10_000


class RefusalQuota:
    """Buckets by topic. Beyond `MAX_TOPICS` at a time, all further topics share one: their number is the sender's choice."""

    def __init__(self, burst: int = BURST, interval_ms: int = INTERVAL_MS) -> None:
        self._burst = burst
        self._interval_ms = interval_ms
        self._spent_until: dict[str, int] = {}
        self._forgot_ms = -interval_ms

    def admits(self, topic: str, now_ms: int) -> bool:
        """Tell whether one more refusal of a topic is stored now [ms UTC], and count it if so."""
        if topic not in self._spent_until and len(self._spent_until) >= MAX_TOPICS:
            if abs(now_ms - self._forgot_ms) >= self._interval_ms:
                self._forget(now_ms)
            if len(self._spent_until) >= MAX_TOPICS:
                topic = ""
        # The upper bound is for a clock that was set back.
        spent_until = min(max(self._spent_until.get(topic, 0), now_ms), now_ms + self._burst * self._interval_ms)
        if spent_until - now_ms > (self._burst - 1) * self._interval_ms:
            return False
        self._spent_until[topic] = spent_until + self._interval_ms
        return True

    def _forget(self, now_ms: int) -> None:
        """Drop the buckets that are full again."""
        self._forgot_ms = now_ms
        self._spent_until = {topic: until for topic, until in self._spent_until.items() if until > now_ms}
