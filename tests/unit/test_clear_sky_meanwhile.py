import os

from api.settling import clear_sky
from api.settling.clear_sky import ceiling_of, ceilings_meanwhile, clear_sky_ceiling

HONG_KONG = (22.38, 114.19)
CHANGSHA = (28.2, 112.9)


def test_a_ceiling_from_the_other_process_is_the_one_computed_here(monkeypatch):
    computed = []
    with ceilings_meanwhile([HONG_KONG, CHANGSHA]) as ceiling_at:
        monkeypatch.setattr(clear_sky, "ceiling_of", computed.append)
        beside = [ceiling_at(HONG_KONG), ceiling_at(CHANGSHA), ceiling_at(HONG_KONG)]
    here = [clear_sky_ceiling(*HONG_KONG), clear_sky_ceiling(*CHANGSHA), clear_sky_ceiling(*HONG_KONG)]
    assert beside == here
    assert beside[0] != beside[1]
    assert not computed


def test_a_place_that_was_not_announced_is_computed_when_it_is_asked_for():
    with ceilings_meanwhile([HONG_KONG]) as ceiling_at:
        assert ceiling_at(CHANGSHA) == clear_sky_ceiling(*CHANGSHA)


def die(*_place):
    os._exit(9)


def test_a_process_that_dies_costs_time_only(monkeypatch):
    monkeypatch.setattr(clear_sky, "clear_sky_ceiling", die)
    with ceilings_meanwhile([HONG_KONG]) as ceiling_at:
        monkeypatch.undo()
        assert ceiling_at(HONG_KONG) == clear_sky_ceiling(*HONG_KONG)


def test_without_places_nothing_is_started():
    with ceilings_meanwhile([]) as ceiling_at:
        assert ceiling_at is ceiling_of
