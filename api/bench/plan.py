"""Which envelope is sent when. Pure: shares of faults and a seed in, one order of sendings out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from api.bench.options import Shares

SECOND_NS = 1_000_000_000
OVERTAKEN = (1, 4)
"""A displaced envelope is passed by this many later ones of its own device, at least and at most."""
AGAIN_AFTER_S = (0.25, 1.0)
"""A duplicate follows its original after this time, or at the end of the run."""


@dataclass(frozen=True)
class Plan:
    """The sendings of one run in order, cut into messages of `per_message`."""

    envelopes: NDArray[np.int64]
    """Shape (sendings,). What is sent: e >= 0 is good envelope e, ~b is bad envelope b."""
    good: int
    """Good envelopes, each counted once."""
    per_message: int
    seconds: float

    @property
    def messages(self) -> int:
        """How many messages there are; the last may be shorter."""
        return -(-len(self.envelopes) // self.per_message)

    @property
    def bad(self) -> int:
        """How many sendings are to be refused."""
        return int((self.envelopes < 0).sum())

    @property
    def duplicates(self) -> int:
        """How many sendings repeat one before."""
        return len(self.envelopes) - self.bad - self.good

    def due_ns(self) -> NDArray[np.int64]:
        """Shape (messages,). When each message is due after the start [ns]: evenly, over the whole run."""
        step = self.per_message * self.seconds * SECOND_NS / len(self.envelopes)
        due_ns: NDArray[np.int64] = np.rint(np.arange(self.messages) * step).astype(np.int64)
        return due_ns

    def of_message(self, message: int) -> NDArray[np.int64]:
        """What one message holds."""
        return self.envelopes[message * self.per_message : (message + 1) * self.per_message]


def draw(  # noqa: PLR0913 - keyword-only: what a run is made of
    good: int, shares: Shares, *, devices: int, per_message: int, seconds: float, seed: int
) -> Plan:
    """Lay out a run.

    The good envelopes take turns by device. A displaced one moves behind later ones of its own device. Duplicates and
    bad envelopes come on top: `good` envelopes are offered within `seconds` however many of those there are.

    Args:
        good: good envelopes, numbered from 0; envelope e is the next one of device e mod `devices`.
        shares: how many faults.
        devices: how many devices take turns.
        per_message: envelopes a message.
        seconds: length of the run.
        seed: the same seed gives the same plan.

    """
    random = np.random.default_rng(seed)
    place = np.arange(good, dtype=np.float64)
    displaced = random.choice(good, round(good * shares.reorder), replace=False)
    turns = random.integers(OVERTAKEN[0], OVERTAKEN[1] + 1, len(displaced))
    place[displaced] += turns * devices + 0.5
    again = random.choice(good, round(good * shares.duplicates), replace=False)
    later = random.uniform(*AGAIN_AFTER_S, len(again)) * good / seconds
    bad = random.uniform(0, good, round(good * shares.bad))
    sendings = np.concatenate([np.arange(good), again, ~np.arange(len(bad))])
    places = np.concatenate([place, place[again] + np.maximum(later, per_message), bad])
    return Plan(sendings[np.argsort(places, kind="stable")], good, per_message, seconds)
