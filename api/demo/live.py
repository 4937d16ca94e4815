"""A demo that goes on: readings every five minutes, a report every hour, by the plants' own clock; the off-taker pays."""

import logging
import threading

from api.demo.clock import DemoClock
from api.demo.fleet import STEP_MS
from api.demo.off_taker import WHOLE_PPM, OffTaker
from api.demo.world import World
from oracle.errors import OracleError
from oracle.metering.interval import last_closed_day_end

log = logging.getLogger(__name__)

HOUR_MS = 3_600_000
SHORTEST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
MOST_READINGS = 1000
"""Of one envelope: after a pause of the machine there may be many at once."""


def go_on(  # noqa: PLR0913, PLR0917  what goes on, by which clock, from when
    world: World,
    clock: DemoClock,
    sent_until_ms: int,
    utc_offset_s: int,
    off_taker: OffTaker | None,
    stop: threading.Event,
) -> None:
    """Go on until `stop`: send what the plants have read, settle each hour that is over, pay for months when a day is.

    Args:
        world: what is running.
        clock: the plants' clock. One that stands still makes nothing happen.
        sent_until_ms: up to when all was sent and settled [ms UTC].
        utc_offset_s: local time minus UTC [s].
        off_taker: pays for months that are over; None where nobody does.
        stop: ends it.

    """
    settled_until_ms = sent_until_ms
    paid_day_ms = last_closed_day_end(sent_until_ms, utc_offset_s)
    while not stop.is_set():
        now_ms = clock.now_ms()
        if now_ms - sent_until_ms >= STEP_MS:
            until_ms = now_ms // STEP_MS * STEP_MS
            for plant in world.plants:
                world.send(plant, sent_until_ms, until_ms, MOST_READINGS)
            sent_until_ms = until_ms
        hour_ms = sent_until_ms // HOUR_MS * HOUR_MS
        if hour_ms > settled_until_ms and world.wait_delivered(stop) and _settled(world, hour_ms // 1000):
            settled_until_ms = hour_ms
            day_ms = last_closed_day_end(settled_until_ms, utc_offset_s)
            if off_taker is not None and day_ms > paid_day_ms:
                off_taker.pay(sorted({plant.asset_id for plant in world.plants}), WHOLE_PPM)
                paid_day_ms = day_ms
        stop.wait(min(max(clock.real_s(STEP_MS) / 4, SHORTEST_PAUSE_S), LONGEST_PAUSE_S))


def _settled(world: World, cutoff_s: int) -> bool:
    """Publish and settle; a chain that is away or too few nodes are told, and tried again."""
    try:
        return world.settle(cutoff_s) is not None
    except OracleError as error:
        log.warning("nothing is settled up to now: %s", error)
        return False
