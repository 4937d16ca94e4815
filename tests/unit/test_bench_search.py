"""The search for the highest rate, against machines that hold up to a known one."""

import pytest

from api.bench.search import CLOSE, RUNS, RateSearch


def found(first, capacity, most=1e9):
    search, tried = RateSearch(first, most), []
    while (rate := search.next_rate()) is not None:
        tried.append(rate)
        search.tell(rate, held=rate <= capacity)
    return search.held, tried


@pytest.mark.parametrize("capacity", [110, 150, 199, 390, 750, 1500])
def test_it_comes_close_from_below(capacity):
    held, tried = found(100, capacity)
    assert held <= capacity
    assert held * 1.5 > capacity
    assert len(tried) <= RUNS


@pytest.mark.parametrize("capacity", [90, 60, 30, 7])
def test_it_comes_down_to_a_rate_that_is_held(capacity):
    held, tried = found(100, capacity)
    assert held <= capacity < held * 2
    assert len(tried) <= RUNS


def test_it_goes_no_higher_than_it_may():
    held, tried = found(100, 1e9, most=250)
    assert held == 250
    assert tried == [100, 200, 250]


def test_it_ends_early_when_it_is_close():
    _, tried = found(100, 100 * CLOSE)
    assert tried[-1] / 100 <= 2
    assert len(tried) <= RUNS


def test_nothing_is_held_when_no_rate_is():
    held, tried = found(100, 0)
    assert held is None
    assert len(tried) == RUNS
