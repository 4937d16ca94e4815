"""Faults of the live demo: held back honestly, and nothing else changed."""

import numpy as np

from api.demo.faults import FROZEN_MS, PERMISSIBLE_ERROR_PPM, FrozenLogger, with_faults
from api.demo.fleet import SimulatedSource, places_of, rules_of, simulated_fleet
from api.demo.timetable import live_timetable
from devices.pv_plant import PvPlant, default_sites

JULY_MS = 1_783_900_800_000
TABLE = live_timetable(JULY_MS, 1)
HOUR_MS = 3_600_000


def test_a_frozen_logger_repeats_one_register_and_tells_the_true_power():
    (site,) = default_sites(1)
    true = SimulatedSource(PvPlant(site, seed=0, start_ms=TABLE.start_ms))
    noon_ms = TABLE.noon_ms
    frozen = FrozenLogger(true, noon_ms, noon_ms + FROZEN_MS)
    for after, until in ((noon_ms - HOUR_MS, noon_ms), (noon_ms + FROZEN_MS, noon_ms + 3 * HOUR_MS)):
        assert list(frozen.between(after, until)) == list(true.between(after, until))
    stood, told = true.between(noon_ms - 1, noon_ms), frozen.between(noon_ms, noon_ms + FROZEN_MS)
    assert set(told.export_wh.numbers) == set(stood.export_wh.numbers)
    assert np.array_equal(told.power_w.numbers, true.between(noon_ms, noon_ms + FROZEN_MS).power_w.numbers)
    assert len(told) == FROZEN_MS // 300_000
    # However the time is cut into calls, it says the same.
    middle = noon_ms + HOUR_MS
    parts = [*frozen.between(noon_ms - HOUR_MS, middle), *frozen.between(middle, noon_ms + 3 * HOUR_MS)]
    assert parts == list(frozen.between(noon_ms - HOUR_MS, noon_ms + 3 * HOUR_MS))


def test_two_plants_have_a_fault_and_the_others_none():
    fleet = simulated_fleet(4, TABLE.start_ms)
    faulty = with_faults(fleet, TABLE.noon_ms)
    changed = {one.asset_id for one, other in zip(fleet, faulty, strict=True) if one != other}
    assert changed == {"shamshuipo-rooftop-1", "yuenlong-farm-1"}
    assert places_of(faulty) == places_of(fleet)
    (limits,) = rules_of(faulty).limits.values()
    assert (limits.calibration_due_ms, limits.permissible_error_ppm) == (TABLE.noon_ms, PERMISSIBLE_ERROR_PPM)
    assert rules_of(fleet).limits == {}


def test_a_lone_plant_has_one_fault():
    (plant,) = with_faults(simulated_fleet(1, TABLE.start_ms), TABLE.noon_ms)
    assert plant.meter.permissible_error_ppm == PERMISSIBLE_ERROR_PPM
    assert isinstance(plant.source, SimulatedSource)
