"""How often somebody may ask: a bucket of tokens for each credential or network address."""

import math
import time
from collections import OrderedDict
from dataclasses import dataclass

from api.access.refusals import too_many

MOST_BUCKETS = 20_000
"""Buckets kept; the one used longest ago goes first, which is as good as full by then."""


@dataclass(frozen=True)
class Rate:
    """A bucket's size, and how fast it fills again."""

    per_s: float
    """Requests a second that go on for ever; 0 for no limit."""
    burst: int
    """Requests at once."""


UNLIMITED = Rate(0, 0)


@dataclass(frozen=True)
class Limits:
    """Rates of one server."""

    public: Rate = Rate(50, 400)
    """Requests without credentials, by network address."""
    signed_in: Rate = Rate(100, 1000)
    """Requests of one session or key."""
    sign_in: Rate = Rate(0.5, 30)
    """Sign-ins, and nonces for them, by network address: each costs a signature check, maybe a call to the chain."""
    refused: Rate = Rate(1, 30)
    """Credentials that do not hold, by network address."""


NO_LIMITS = Limits(UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED)
"""For measurements."""


class Buckets:
    """Buckets of one rate, by name. Used from one thread, or from several that may lose a token to each other."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, now_s: float | None = None) -> None:
        """Take one token.

        Raises:
            ProblemError: there is none; says when there will be.

        """
        if not self._rate.per_s:
            return
        now = time.monotonic() if now_s is None else now_s
        left, then = self._buckets.pop(name, (float(self._rate.burst), now))
        left = min(self._rate.burst, left + (now - then) * self._rate.per_s)
        enough = left >= 1
        self._buckets[name] = (left - enough, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        if not enough:
            raise too_many(math.ceil((1 - left) / self._rate.per_s))
