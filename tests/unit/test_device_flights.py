from devices.flights import LONGEST_WAIT_S, Flights


def test_overdue_envelopes_leave_the_way_free_and_come_again_ever_later():
    flights = Flights(window=2, retry_after_s=10)
    flights.launch(1, 0, 1)
    flights.launch(2, 0, 1)
    assert flights.capacity() == 0
    flights.expire(9)
    assert flights.capacity() == 0
    assert flights.next_due_s() == 10
    flights.expire(10)
    assert flights.capacity() == 2
    assert flights.due(19, 9) == []
    assert flights.due(20, 1) == [(1, 1)]
    assert flights.due(20, 9) == [(2, 1)]
    flights.launch(1, 20, 2)
    flights.expire(30)
    assert flights.next_due_s() == 30 + 20
    flights.launch(3, 30, 60)
    flights.expire(40)
    assert flights.due(40 + LONGEST_WAIT_S, 9) == [(1, 2), (3, 60)]


def test_landed_envelopes_are_forgotten():
    flights = Flights(window=2, retry_after_s=10)
    flights.launch(1, 0, 1)
    flights.land([1, 7])
    assert flights.capacity() == 2
    assert flights.next_due_s() is None
    flights.launch(1, 0, 1)
    flights.clear()
    assert flights.next_due_s() is None
