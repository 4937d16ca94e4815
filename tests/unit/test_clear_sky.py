"""The ceiling of a place: night where the sun is down, room for any plant by day."""

import numpy as np
import pytest

from api.settling.clear_sky import clear_sky_ceiling
from oracle.metering.ceiling import HALF_HOURS, HALF_MONTHS

HONG_KONG = (22.3, 114.2)


def table(latitude, longitude):
    return np.array(clear_sky_ceiling(latitude, longitude).ppm).reshape(HALF_MONTHS, HALF_HOURS)


def test_the_sun_of_hong_kong_rises_and_sets():
    june, january = table(*HONG_KONG)[11], table(*HONG_KONG)[0]
    noon, midnight = 8, 32  # 04:00 and 16:00 UTC
    for half_month in (june, january):
        assert half_month[noon] > 1_400_000
        assert half_month[midnight] == 0
    # Sunrise 05:38 to 18:58 local time in June, 07:03 to 17:51 in January (Hong Kong Observatory), and twilight.
    assert 27 <= np.count_nonzero(june) <= 30
    assert 21 <= np.count_nonzero(january) <= 25


def test_it_never_sets_in_the_northern_summer_and_never_rises_in_winter():
    tromso = table(69.65, 18.96)
    assert np.all(tromso[11] > 0)
    assert np.count_nonzero(tromso[23]) <= 8, "twilight at noon"


def test_the_south_has_its_summer_in_january():
    cape_town = table(-33.9, 18.4)
    assert np.count_nonzero(cape_town[0]) > np.count_nonzero(cape_town[12])


@pytest.mark.parametrize("place", [HONG_KONG, (53.55, 9.99), (0.0, 0.0), (-45.0, -70.0)])
def test_entries_are_whole_thousands_so_that_no_last_digit_shows(place):
    assert np.all(table(*place) % 1000 == 0)
    assert np.all(table(*place) <= 2_000_000)
