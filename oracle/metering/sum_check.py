"""Whether the meters of one site tell the same story: a plant meter beside inverters, and loads between them.

What the plant meter delivers, the inverters have generated, or the plant meter itself has drawn, and no load has taken:

    delivered <= generated + drawn - consumed

A little less is the loss on the way; more is a meter that is wrong. Sums are compared over stretches between two local midnights
at which no meter has a register difference under way, so a meter that was silent for days is compared over those days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from oracle.metering.ceiling import PPM
from oracle.metering.interval import MS_PER_DAY, MS_PER_HOUR, MS_PER_SECOND
from oracle.metering.meter import Meter
from oracle.metering.observed import Flags, Integers
from oracle.metering.settlement import Settlement

TOLERANCE_PPM = 10_000
"""By how much the plant meter may exceed its inverters [ppm]: it is of class 0.5, they are of class 1."""
TOLERANCE_MS = 10_000
"""And by so much of its largest power, and a step of its register: midnights find all meters at rest."""
RUNNING_TOLERANCE_MS = 360_000
"""In a stretch that still runs, by so much: meters are not read in the same second."""
UNDER_WAY_PPM = 1000
"""A difference across midnight of less than this share of a day at nameplate belongs to the night [ppm]."""
FIRST_DAYS = 7
"""The share that usually arrives at the plant meter is that of so many first days without contradiction."""
DRIFT_PPM = 7_000
"""A share that is larger than the usual one by this much has drifted [ppm]."""
DRIFT_DAYS = 3
"""A drift is looked for in the sums of so many days."""
UNKNOWN_SHARE = (95, 100)
"""Of what is supplied, so much arrives at least, where no sound day has shown it yet."""
MOST_LOSS_PERCENT = 10
"""Where less than 90 % arrives, somebody consumes on the way, and the share is no constant."""


@dataclass(frozen=True)
class Stretch:
    """Sums of one stretch of days."""

    start_ms: int
    """First local midnight, exclusive for steps that end there [ms UTC]."""
    end_ms: int
    """Last local midnight, or the cutoff [ms UTC]."""
    delivered_wh: int
    supplied_wh: int
    """Generated + drawn - consumed; not below zero [Wh]."""
    complete: bool
    """Whether every meter was heard to the end of it."""


@dataclass(frozen=True)
class Excess:
    """Energy that one side claims and the other does not confirm."""

    stretch: Stretch
    wh: int
    """Of the delivered or of the supplied energy [Wh], more than 0."""
    of_plant: bool
    """Whether the plant meter shows too much, or else the inverters."""


def stretches(
    plant: Meter, delivered: Settlement, supply: Sequence[tuple[int, Settlement]], cutoff_ms: int
) -> list[Stretch]:
    """Cut a site's time into stretches over which its meters can be compared.

    Args:
        plant: the plant meter; gives local time and nameplate.
        delivered: its export register.
        supply: (+1 or -1, register) of everything that supplies or takes.
        cutoff_ms: end of the last stretch [ms UTC].

    """
    registers = [delivered, *(settled for _, settled in supply)]
    heard = [settled for settled in registers if len(settled.end_ms)]
    if len(heard) < 2 or not len(delivered.end_ms):
        return []
    offset_ms = plant.utc_offset_s * MS_PER_SECOND
    first = min(int(settled.start_ms[0]) for settled in heard)
    first_day = (first + offset_ms) // MS_PER_DAY
    last = max(int(settled.end_ms[-1]) for settled in heard)
    last_day = min(
        (last + offset_ms) // MS_PER_DAY + 1, (cutoff_ms + offset_ms) // MS_PER_DAY
    )  # later days hold nothing
    midnights = np.arange(first_day + 1, last_day + 1) * MS_PER_DAY - offset_ms
    little_wh = plant.nameplate_w * 24 * UNDER_WAY_PPM // PPM + plant.resolution_wh
    still = np.ones(len(midnights), dtype=np.bool_)
    for settled in heard:
        still &= _under_way(settled, midnights) <= little_wh
    edges = [first_day * MS_PER_DAY - offset_ms, *midnights[still].tolist()]
    if edges[-1] < cutoff_ms:
        edges.append(cutoff_ms)
    heard_until = min(settled.last_time_ms or 0 for settled in registers)
    sums = [_sums(delivered, edges), np.zeros(len(edges) - 1, dtype=np.int64)]
    for sign, settled in supply:
        sums[1] = sums[1] + sign * _sums(settled, edges)
    return [
        Stretch(start, end, int(sums[0][i]), max(int(sums[1][i]), 0), _closed(heard_until, start, end))
        for i, (start, end) in enumerate(pairwise(edges))
    ]


def _closed(heard_until_ms: int, start_ms: int, end_ms: int) -> bool:
    """Whether all meters were heard in the last half of a stretch's last day: an inverter sleeps by night."""
    return heard_until_ms >= max(end_ms - MS_PER_DAY // 2, start_ms)


def _under_way(settled: Settlement, midnights: Integers) -> Integers:
    """Energy of the step across each midnight [Wh]."""
    step = np.searchsorted(settled.end_ms, midnights, side="right")
    inside = step < len(settled.end_ms)
    at = np.minimum(step, len(settled.end_ms) - 1)
    crossing = inside & (settled.start_ms[at] < midnights)
    return np.where(crossing, settled.energy_wh[at], 0)


def _sums(settled: Settlement, edges: Sequence[int]) -> Integers:
    """Energy of the steps that end within (edge, next edge] [Wh], whatever their standing."""
    place = np.searchsorted(np.array(edges), settled.end_ms, side="left") - 1
    sums = np.zeros(len(edges) - 1, dtype=np.int64)
    within = (place >= 0) & (place < len(sums))
    np.add.at(sums, place[within], settled.energy_wh[within])
    return sums


def excesses(plant: Meter, compared: Sequence[Stretch]) -> list[Excess]:
    """Find what the meters of a site do not confirm of each other, in the order of time."""
    usual: list[Stretch] = []
    recent: list[Stretch] = []
    found = []
    for one in compared:
        supplied_wh, delivered_wh = sum(e.supplied_wh for e in usual), sum(e.delivered_wh for e in usual)
        share = (delivered_wh, supplied_wh) if supplied_wh else UNKNOWN_SHARE
        drifted = 0
        slack_ms = TOLERANCE_MS if one.complete else RUNNING_TOLERANCE_MS
        slack_wh = plant.largest_power_w * slack_ms // MS_PER_HOUR + 2 * plant.resolution_wh
        if one.complete:
            recent = [*recent, one][-DRIFT_DAYS:]
            if len(usual) == FIRST_DAYS and delivered_wh * 100 >= supplied_wh * (100 - MOST_LOSS_PERCENT):
                drifted = _drifted(recent, share)
        if drifted > 0 or one.delivered_wh > one.supplied_wh * (PPM + TOLERANCE_PPM) // PPM + slack_wh:
            # Once contradicted, it counts for no more than usually arrives of what the others have seen.
            fair_wh = min(one.supplied_wh * share[0] // share[1], one.supplied_wh)
            if one.delivered_wh > fair_wh:
                found.append(Excess(one, one.delivered_wh - fair_wh, of_plant=True))
        elif drifted < 0 and one.delivered_wh * share[1] < one.supplied_wh * share[0]:
            fair_wh = one.delivered_wh * share[1] // share[0]
            found.append(Excess(one, one.supplied_wh - fair_wh, of_plant=False))
        elif one.complete and one.supplied_wh and len(usual) < FIRST_DAYS:
            usual.append(one)
    return found


def _drifted(recent: Sequence[Stretch], share: tuple[int, int]) -> int:
    """1 if more of what is supplied arrives than usual, -1 if less, else 0."""
    now = sum(one.delivered_wh for one in recent) * share[1]
    then = sum(one.supplied_wh for one in recent) * share[0]
    if now * PPM > then * (PPM + DRIFT_PPM):
        return 1
    return -1 if now * PPM < then * (PPM - DRIFT_PPM) else 0


def share_up(settled: Settlement, chosen: Flags, wh: int, of_wh: int) -> Integers:
    """Spread a part of a sum over chosen steps, by their energy, rounded up: shape (n,) [Wh].

    Args:
        settled: the register.
        chosen: which of its steps (shape (n,)) carry the sum.
        wh: the part [Wh].
        of_wh: the sum [Wh]; all of each step is taken where the part is not less.

    """
    energy_wh = np.where(chosen, settled.energy_wh, 0)
    if wh >= of_wh:
        return energy_wh
    up_to = np.array([-(-total * wh // of_wh) for total in np.cumsum(energy_wh).tolist()], dtype=np.int64)
    up_to[1:] -= up_to[:-1].copy()
    return up_to
