import itertools
import time
from dataclasses import replace

import numpy as np
import pytest

from devices.identifier import is_identifier
from devices.pv_plant import DEFAULT_SITES, SLOT_MS, PvPlant, ac_power_w, default_sites

HOUR, DAY = 3_600_000, 86_400_000
MIDNIGHT = 1_750_000_000_000 // DAY * DAY + 16 * HOUR  # 00:00 at UTC+8
SITE = DEFAULT_SITES[0]


def wh(plant, *span):
    return plant.readings(*span).export_wh.numbers


def test_a_day_has_a_morning_a_noon_and_a_night():
    power = ac_power_w(SITE, 1, MIDNIGHT // DAY + 1)
    assert power.shape == (288,)
    assert power[:48].max() == 0
    assert power[-36:].max() == 0
    assert 0 < power.max() <= SITE.nameplate_w
    assert power[132:156].sum() > power[72:96].sum()


def test_the_register_only_rises_and_is_the_integral_of_the_power():
    readings = PvPlant(SITE, 1, MIDNIGHT).readings(MIDNIGHT, MIDNIGHT + 2 * DAY, SLOT_MS)
    register, power = readings.export_wh.numbers, readings.power_w.numbers
    assert len(readings) == 576
    assert np.diff(register).min() >= 0
    assert register[0] > 0
    assert register[-1] - register[0] == power[1:].sum() * SLOT_MS // 3_600_000
    assert readings.export_wh.present.all()
    assert readings.import_wh is None


def test_the_same_seed_says_the_same_however_the_span_is_cut():
    whole = wh(PvPlant(SITE, 7, MIDNIGHT), MIDNIGHT, MIDNIGHT + 3 * DAY, 420_000)
    for cuts in ([1], [200], [1, 2, 3, 400], list(range(0, len(whole), 50))):
        plant = PvPlant(SITE, 7, MIDNIGHT)
        edges = [0, *cuts, len(whole)]
        pieces = [
            wh(plant, MIDNIGHT + a * 420_000, MIDNIGHT + b * 420_000, 420_000) for a, b in itertools.pairwise(edges)
        ]
        assert np.array_equal(np.concatenate(pieces), whole)
    later = PvPlant(SITE, 7, MIDNIGHT)
    assert wh(later, MIDNIGHT + 400 * 420_000, MIDNIGHT + 3 * DAY, 420_000).tolist() == whole[400:].tolist()
    finer = wh(PvPlant(SITE, 7, MIDNIGHT), MIDNIGHT, MIDNIGHT + 3 * DAY, 60_000)
    assert np.array_equal(finer[::7], whole)


def test_a_start_within_a_day_begins_at_the_opening_register():
    start = MIDNIGHT + 11 * HOUR + 12_345
    plant = PvPlant(SITE, 7, start, opening_wh=500)
    assert wh(plant, start, start + 1, 1)[0] == 500
    assert wh(plant, start, start + 12 * HOUR, HOUR)[-1] > 500
    with pytest.raises(ValueError, match="earliest"):
        plant.readings(start - 1, start + HOUR, HOUR)
    with pytest.raises(ValueError, match="steps"):
        plant.readings(start, start + HOUR, 0)
    assert len(plant.readings(start, start, HOUR)) == 0


def test_seeds_and_sites_differ():
    day = MIDNIGHT // DAY + 1
    powers = [ac_power_w(site, seed, day).tobytes() for site in DEFAULT_SITES[:2] for seed in (1, 2)]
    assert len(set(powers)) == 4


def test_yields_are_those_of_the_region():
    for site in (DEFAULT_SITES[0], DEFAULT_SITES[1]):
        days = [int(ac_power_w(site, 3, MIDNIGHT // DAY + 12 * step).sum()) / 12 for step in range(30)]
        hours_a_year = np.mean(days) * 365 / site.nameplate_w
        assert 700 < hours_a_year < 1500


def test_default_sites_are_in_hong_kong_and_hunan_with_names_of_their_own():
    sites = default_sites(30)
    assert len({site.name for site in sites}) == 30
    assert all(is_identifier(site.name) and site.utc_offset_minutes == 480 for site in sites)
    assert {round(site.latitude) for site in sites} == {22, 28, 29}
    assert replace(sites[0], name=DEFAULT_SITES[0].name) == DEFAULT_SITES[0]


def test_twelve_plants_of_two_days_take_a_moment():
    ac_power_w(SITE, 0, 0)  # imports pvlib
    began = time.process_time()
    for site in default_sites(12):
        PvPlant(site, 1, MIDNIGHT).readings(MIDNIGHT, MIDNIGHT + 2 * DAY, SLOT_MS)
    assert time.process_time() - began < 3
