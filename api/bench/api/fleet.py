"""The fleet that the bench shows: assets, meters, and a year of hours. Pure; the same call gives the same fleet."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project

PROJECT = "bench"
OWNERS = 100
"""Accounts that the assets are spread over."""
FIRST_MS = 1_735_660_800_000
"""31 December 2024, 16:00 UTC: midnight at UTC+8, where the fleet stands."""
UTC_OFFSET_S = 8 * 3600
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NAMEPLATE_W = 8000
HELD_REASON = "uncorroborated"
WITHHELD_EVERY = 97
"""One hour in so many is withheld."""


class Hour(NamedTuple):
    """One hour of one meter, as the ledger books it."""

    asset_id: str
    meter_id: str
    start_ms: int
    standing: int
    reason: str
    energy_wh: int


def asset_id(number: int) -> str:
    """Name of an asset."""
    return f"plant-{number:04d}"


def owner(number: int) -> str:
    """Account of an asset's owner."""
    return f"0x{1 + number % OWNERS:040x}"


def registry(assets: int) -> tuple[list[Project], list[Asset], list[ListedMeter]]:
    """Project, assets and meters, as the chain would list them."""
    project = Project(
        PROJECT, f"0x{9:040x}", b"AMS-I.D".ljust(32, b"\0"), ClaimRight.NONE, bytes(32), Assurance.DEVICE_SIGNED
    )
    listed = [
        Asset(asset_id(n), PROJECT, owner(n), NAMEPLATE_W, FIRST_MS // 1000, UTC_OFFSET_S, 0, 3_000_000, 1_000_000)
        for n in range(assets)
    ]
    meters = [
        ListedMeter(
            asset_id(n), f"met-{n}", f"inv-{n}", n.to_bytes(32, "big"), MeterRole.INVERTER, NAMEPLATE_W, 0, FIRST_MS
        )
        for n in range(assets)
    ]
    return [project], listed, meters


def hours(number: int, days: int) -> Iterator[Hour]:
    """Each hour of one asset: a bell over the day, higher in summer. By night 1 Wh: of zeros the ledger keeps no row."""
    name, meter = asset_id(number), f"met-{number}"
    for day in range(days):
        season = 0.75 + 0.25 * math.cos((day - 172) / 365 * math.tau)
        for hour in range(24):
            share = max(0.0, math.sin((hour - 6) / 12 * math.pi)) * season
            wh = max(1, int(NAMEPLATE_W * share) * (800 + (number * 31 + day * 17) % 200) // 1000)
            held = (number + day * 24 + hour) % WITHHELD_EVERY == 0
            start_ms = FIRST_MS + day * DAY_MS + hour * HOUR_MS
            yield Hour(name, meter, start_ms, 1 if held else 0, HELD_REASON if held else "", wh)
