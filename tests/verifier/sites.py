"""Two weeks of a site made up from a seed: inverters, a plant meter that sees them all, a load; now and then one of them drifts."""

import random
from dataclasses import dataclass, replace

from contracts.state import MeterRole
from devices.telemetry import Reading
from tests.verifier.plants import DAY_MS, HOUR_MS, Plant

DAYS = 14
DRIFTS = (1000, 1000, 1008, 1012, 1030, 992, 985, 960)
"""What the plant meter shows of what arrives, after the first days [per mille]."""


@dataclass
class SiteMeter(Plant):
    """A meter whose rows are given by the site."""

    given: tuple[Reading, ...] = ()

    def _true(self) -> list[Reading]:
        return list(self.given)


def site_plants(rng: random.Random, asset_id: str, network: str, start_ms: int) -> tuple[Plant, ...]:
    """The meters of one site, each with what it would say."""
    instants = range(start_ms + rng.choice((0, 1_500_000)), start_ms + DAYS * DAY_MS, 2 * HOUR_MS)
    dull = rng.choice((1, 1, 50))
    generated = [[wh // dull for wh in _generated(rng, instants)] for _ in range(rng.randint(1, 2))]
    consumed = _consumed(rng, instants) if rng.random() < 0.4 else [0] * len(instants)
    arriving, drift, from_day = rng.randint(930, 1060 if dull > 1 else 1014), rng.choice(DRIFTS), rng.randint(8, 11)
    arriving_on = [arriving + rng.randint(-4, 4) for _ in range(DAYS + 1)]
    delivered, drawn = [], []
    for place, at_ms in enumerate(instants):
        balance_wh = sum(steps[place] for steps in generated) * arriving_on[place // 12] // 1000 - consumed[place]
        shown = drift if at_ms >= start_ms + from_day * DAY_MS else 1000
        delivered.append(max(balance_wh, 0) * shown // 1000)
        drawn.append(max(-balance_wh, 0))
    if rng.random() < 0.4:  # for one day a meter that counts what it should not
        day, much = rng.randrange(DAYS), rng.choice((1500, 1060, 1020, 1010, 1005))
        for place, at_ms in enumerate(instants):
            if (at_ms - start_ms) // DAY_MS == day:
                delivered[place] = delivered[place] * much // 1000
    named = {"hours": DAYS * 24, "nameplate_w": 8000, "with_faults": rng.random() < 0.3}
    plants: list[Plant] = [
        SiteMeter(rng, asset_id, f"i{n}", network, start_ms, **named, given=_rows(instants, steps), register_wh=0)
        for n, steps in enumerate(generated)
    ]
    plants.append(
        SiteMeter(
            rng, asset_id, "p", network, start_ms, **(named | {"nameplate_w": 16_000}), role=MeterRole.PLANT,
            given=_rows(instants, delivered, drawn),
        )
    )  # fmt: skip
    if any(consumed):
        plants.append(
            SiteMeter(
                rng, asset_id, "l", network, start_ms, **named, role=MeterRole.LOAD,
                given=_rows(instants, [0] * len(instants), consumed),
            )
        )  # fmt: skip
    if rng.random() < 0.5:  # one of them is silent for hours or days
        _silence(rng, rng.choice(plants), start_ms)
    return tuple(plants)


def _generated(rng: random.Random, instants: range) -> list[int]:
    return [rng.randint(4000, 15_000) if 5 <= at_ms % DAY_MS // HOUR_MS < 19 else 0 for at_ms in instants]


def _consumed(rng: random.Random, instants: range) -> list[int]:
    return [rng.randint(100, 900) for _ in instants]


def _rows(instants: range, exported: list[int], imported: list[int] | None = None) -> tuple[Reading, ...]:
    """Registers that have risen by the given steps at each instant."""
    rows, export_wh, import_wh = [], 0, 0
    for place, at_ms in enumerate(instants):
        export_wh += exported[place]
        import_wh += imported[place] if imported else 0
        rows.append(Reading(at_ms, export_wh, import_wh if imported else None))
    return tuple(rows)


def _silence(rng: random.Random, plant: Plant, start_ms: int) -> None:
    first = start_ms + rng.randint(24, DAYS * 24) * HOUR_MS
    last = first + rng.choice((4, 7, 10, 14, 30, 90)) * HOUR_MS
    plant.rows = [replace(row) for row in plant.rows if not first <= row.time_ms < last] or plant.rows
