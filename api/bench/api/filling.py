"""A projection filled with a year of a fleet, by the projection's own way of writing."""

from collections.abc import Callable
from itertools import chain
from pathlib import Path

from api.bench.api import fleet
from api.projection.booking import Booker
from api.projection.registration import BY_CHAIN, write_registry
from api.projection.store import Store

ASSETS_A_STEP = 10
"""Assets that are booked in one transaction."""


def fill(path: Path, assets: int, days: int, on_progress: Callable[[float], None]) -> int:
    """Make a projection and book every hour; return how many rows its ledger then has."""
    store = Store(path)
    try:
        with store.writing() as writing:
            write_registry(writing, *fleet.registry(assets), BY_CHAIN)
        for first in range(0, assets, ASSETS_A_STEP):
            numbers = range(first, min(first + ASSETS_A_STEP, assets))
            with store.writing() as writing:
                Booker(writing).book(list(chain.from_iterable(fleet.hours(number, days) for number in numbers)))
            on_progress((first + len(numbers)) / assets)
        (rows,) = store.reader().execute("SELECT count(*) FROM energy").fetchone()
        return int(rows)
    finally:
        store.close()
