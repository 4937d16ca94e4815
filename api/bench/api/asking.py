"""What the clients ask for: a mix of reads over the whole fleet and year, so that hardly one is asked twice. Pure."""

import random
from collections.abc import Sequence

from api.bench.api import fleet
from api.bench.api.answers import request
from api.instants import write_instant

MIX = {
    "asset": 0.30,
    "production_day": 0.35,
    "production_month": 0.10,
    "accounts_day": 0.10,
    "status": 0.15,
}
"""Share of each kind of read: a plant's figures, its hours of one day, its days of one month, a day's accounts, the strip."""
EMPTY_PATH = "/empty"


def reads(count: int, assets: int, days: int, headers: Sequence[str], seed: int = 1) -> list[bytes]:
    """Make that many requests, each for an asset and a day drawn by chance."""
    chance = random.Random(seed)  # noqa: S311  repeatable, not secret
    kinds = chance.choices(list(MIX), list(MIX.values()), k=count)
    return [request(_path(kind, chance.randrange(assets), chance.randrange(days)), *headers) for kind in kinds]


def empties() -> list[bytes]:
    """The same request again and again."""
    return [request(EMPTY_PATH)]


def _path(kind: str, number: int, day: int) -> str:
    asset = f"/v1/assets/{fleet.asset_id(number)}"
    start_ms = fleet.FIRST_MS + day * fleet.DAY_MS
    match kind:
        case "asset":
            return asset
        case "production_day":
            return f"{asset}/production?{_span(start_ms, 1)}&per=hour"
        case "production_month":
            return f"{asset}/production?{_span(start_ms, 31)}&per=day"
        case "accounts_day":
            return f"{asset}/accounts?{_span(start_ms, 1)}"
        case _:
            return "/v1/status"


def _span(start_ms: int, days: int) -> str:
    return f"from={write_instant(start_ms)}&to={write_instant(start_ms + days * fleet.DAY_MS)}"
