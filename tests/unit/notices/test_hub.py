import asyncio
import threading

import pytest

from api.notices.hub import WOKEN_AT_ONCE, Hub, HubFullError
from api.notices.told import Told
from tests.support.event_source import EventsInMemory


def told(*assets):
    source = EventsInMemory()
    return [Told.of(source.tell("reading", asset), "x") for asset in assets]


def everything(_asset_id):
    return True


async def heard(listener):
    assert await listener.wait(5)
    return [event.number for event in listener.take()]


def test_everybody_hears_what_a_thread_publishes():
    async def listen():
        hub = Hub()
        listeners = [hub.join(everything) for _ in range(3)]
        thread = threading.Thread(target=hub.publish, args=(told("a", "b"),))
        thread.start()
        assert [await heard(listener) for listener in listeners] == [[1, 2]] * 3
        thread.join()

    asyncio.run(listen())


def test_a_listener_hears_only_what_is_visible():
    async def listen():
        hub = Hub()
        mine = hub.join(lambda asset_id: asset_id in {None, "mine"})
        hub.publish(told("mine", "yours", None))
        assert await heard(mine) == [1, 3]

    asyncio.run(listen())


def test_a_queue_that_is_full_is_emptied_and_says_so_and_others_do_not_notice():
    async def listen():
        hub = Hub(queue_events=3)
        slow, quick = hub.join(everything), hub.join(everything)
        for event in told("a", "b", "c", "d", "e"):
            hub.publish([event])
            await asyncio.sleep(0)
            assert [one.number for one in quick.take()] == [event.number]
        assert slow.overflowed
        assert not quick.overflowed
        assert len(slow.take()) <= 3

    asyncio.run(listen())


def test_who_has_left_hears_nothing_and_makes_room():
    async def listen():
        hub = Hub(most=1)
        first = hub.join(everything)
        with pytest.raises(HubFullError):
            hub.join(everything)
        hub.leave(first)
        hub.leave(first)
        assert hub.count() == 0
        second = hub.join(everything)
        hub.publish(told("a"))
        assert await heard(second) == [1]
        assert first.take() == []

    asyncio.run(listen())


def test_closing_lets_everybody_go_and_nobody_in():
    async def listen():
        hub = Hub()
        listener = hub.join(everything)
        hub.close()
        assert await listener.wait(5)
        assert listener.ended
        with pytest.raises(HubFullError):
            hub.join(everything)

    asyncio.run(listen())


def test_waiting_without_anything_says_so():
    async def listen():
        assert not await Hub().join(everything).wait(0.01)

    asyncio.run(listen())


def test_listeners_of_a_loop_that_is_closed_are_forgotten():
    hub = Hub()

    async def join():
        hub.join(everything)

    asyncio.run(join())
    hub.publish(told("a"))
    assert hub.count() == 0


def test_others_have_their_turn_while_many_are_woken():
    async def listen():
        hub = Hub()
        woken = []

        async def hear(listener):
            await listener.wait(5)
            woken.append(listener.take())

        listeners = [hub.join(everything) for _ in range(5 * WOKEN_AT_ONCE)]
        hearing = [asyncio.create_task(hear(listener)) for listener in listeners]
        await asyncio.sleep(0)
        hub.publish(told("a"))
        between = set()
        while len(woken) < len(listeners):
            await asyncio.sleep(0)
            between.add(len(woken))
        assert len(between) >= 5
        assert max(b - a for a, b in zip(sorted(between), sorted(between)[1:], strict=False)) <= 2 * WOKEN_AT_ONCE
        await asyncio.gather(*hearing)
        assert all(len(events) == 1 for events in woken)

    asyncio.run(listen())


def test_events_that_come_while_listeners_are_woken_reach_each_once_and_in_order():
    async def listen():
        hub = Hub()
        listeners = [hub.join(everything) for _ in range(5 * WOKEN_AT_ONCE)]
        events = told("a", "b", "c")
        taken = [[] for _ in listeners]

        async def hear(listener, own):
            while len(own) < len(events):
                assert await listener.wait(5)
                own += [event.number for event in listener.take()]

        hearing = [asyncio.create_task(hear(*each)) for each in zip(listeners, taken, strict=True)]
        for event in events:
            hub.publish([event])
            await asyncio.sleep(0)
        await asyncio.gather(*hearing)
        assert taken == [[1, 2, 3]] * len(listeners)

    asyncio.run(listen())
