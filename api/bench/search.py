"""Looks for the highest rate that is held with a bounded latency, in few runs. Pure."""

import math
from dataclasses import dataclass, field

RUNS = 6
CLOSE = 1.08
"""The search ends when the rate that failed is within this factor of the one that was held."""


@dataclass
class RateSearch:
    """Doubles or halves until one rate is held and one is not, then goes between them."""

    first: float
    most: float
    """No rate above this one is tried."""
    held: float | None = None
    """Highest rate that was held."""
    failed: float | None = None
    """Lowest rate that was not."""
    tried: int = field(default=0)

    def next_rate(self) -> float | None:
        """Rate to try; None when the search is over."""
        if self.tried >= RUNS:
            return None
        if self.held is None:
            return self.first if self.failed is None else self.failed / 2
        if self.failed is None:
            rate = min(self.held * 2, self.most)
            return rate if rate > self.held * 1.01 else None
        return math.sqrt(self.held * self.failed) if self.failed > self.held * CLOSE else None

    def tell(self, rate: float, *, held: bool) -> None:
        """Take in how a rate went."""
        self.tried += 1
        if held:
            self.held = max(rate, self.held or 0)
        else:
            self.failed = min(rate, self.failed or math.inf)
