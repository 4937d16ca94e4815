from devices.flights import LONGEST_WAIT_S, Flights


def test_overdue_envelopes_leave_the_way_free_and_come_again_ever_later():
    flights = Flights(window=2, retry_after_s=10)
    flights.launch(1, 0, 1, old=False)
    flights.launch(2, 0, 1, old=False)
    assert flights.capacity() == 0
    flights.expire(9)
    assert flights.capacity() == 0
    assert flights.next_overdue_s() == 10
    flights.expire(10)
    assert flights.capacity() == 2
    assert flights.due(19, 9) == []
    assert flights.due(20, 1) == [(1, 1)]
    assert flights.due(20, 9) == [(2, 1)]
    flights.launch(1, 20, 2, old=False)
    flights.expire(30)
    assert flights.next_due_s() == 30 + 20
    flights.launch(3, 30, 60, old=False)
    flights.expire(40)
    assert flights.due(40 + LONGEST_WAIT_S, 9) == [(1, 2), (3, 60)]


def test_landed_envelopes_are_forgotten():
    flights = Flights(window=2, retry_after_s=10)
    flights.launch(1, 0, 1, old=False)
    flights.land([1, 7])
    assert flights.capacity() == 2
    assert flights.next_overdue_s() is None
    flights.launch(1, 0, 1, old=False)
    flights.clear()
    assert flights.next_due_s() is None
    assert flights.next_overdue_s() is None


def test_old_and_new_envelopes_do_not_take_each_others_room():
    flights = Flights(window=4, retry_after_s=10)
    for each in range(2):
        flights.launch(each, 0, 1, old=True)
    assert (flights.capacity(), flights.old_capacity()) == (4, 0)
    for each in range(2, 6):
        flights.launch(each, 0, 1, old=False)
    assert (flights.capacity(), flights.old_capacity(), flights.active()) == (0, 0, 6)
    flights.launch(1, 0, 2, old=True)  # the same again
    flights.land([0, 5])
    assert (flights.capacity(), flights.old_capacity(), flights.active()) == (1, 1, 4)
    flights.expire(10)
    assert (flights.capacity(), flights.old_capacity(), flights.parked()) == (4, 2, 4)
