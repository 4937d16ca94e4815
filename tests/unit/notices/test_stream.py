"""Streams at the level of ASGI, where a client can be as slow as a test likes."""

import asyncio
import json

import pytest

from api.http.problems import ProblemError
from api.notices import stream
from api.notices.hub import Hub
from api.notices.notices import Notices
from api.notices.sealing import Seal
from api.notices.stream import EventStream
from api.notices.webhook_store import WebhookStore
from tests.support.event_source import EventsInMemory


@pytest.fixture
def source():
    return EventsInMemory()


@pytest.fixture
def notices(source, tmp_path, monkeypatch):
    monkeypatch.setattr("api.notices.notices.LOOK_S", 0.05)
    monkeypatch.setattr("api.notices.couriers.LOOK_S", 0.05)
    store = WebhookStore(tmp_path / "notices.sqlite", Seal(b"k" * 32))
    notices = Notices(source, store, allow_private_targets=False)
    notices.start()
    yield notices
    notices.close()


class Client:
    """Listens, as fast as it is let."""

    def __init__(self, notices, *, last_event_id=None, visible=lambda _: True, still=lambda: True):
        self.stream = EventStream(notices, visible, last_event_id, still)
        self.text = ""
        self.started = self.ended = False
        self.may_read, self._gone = asyncio.Event(), asyncio.Event()
        self.may_read.set()
        self.task = asyncio.create_task(self.stream({}, self._receive, self._send))

    async def _receive(self):
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, sent):
        await self.may_read.wait()
        if sent["type"] == "http.response.start":
            self.started = True
        else:
            self.text += sent["body"].decode()
            self.ended = not sent["more_body"]

    def go(self):
        self._gone.set()

    def heard(self):
        """(event, id, document) of each event."""
        found = []
        for block in self.text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and line[0] != ":")
            if "event" in fields:
                found.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
        return found

    async def until(self, condition, timeout_s=5):
        async with asyncio.timeout(timeout_s):
            while not condition(self):  # noqa: ASYNC110  what is waited for is not ours to set
                await asyncio.sleep(0.01)

    async def until_heard(self, *numbers):
        await self.until(lambda me: [e[2]["number"] for e in me.heard() if "number" in e[2]] == list(numbers))


def test_a_new_listener_hears_what_comes_and_where_it_stands(notices, source):
    async def listen():
        source.tell("report", None)
        client = Client(notices)
        await client.until(lambda me: me.heard())
        assert client.heard() == [("ready", "first-1", {})]
        source.tell("mint", "roof", energy_wh=5)
        await client.until_heard(2)
        assert client.heard()[-1][:2] == ("mint", "first-2")
        client.go()
        await client.task
        assert notices.hub.count() == 0

    asyncio.run(listen())


def test_who_comes_back_gets_what_was_missed_and_nothing_twice(notices, source, monkeypatch):
    monkeypatch.setattr(stream, "PAGE", 4)

    async def listen():
        for number in range(10):
            source.tell("reading", "roof", n=number)
        client = Client(notices, last_event_id="first-3")
        for number in range(10, 13):
            source.tell("reading", "roof", n=number)
        await client.until_heard(*range(4, 14))
        client.go()
        await client.task

    asyncio.run(listen())


@pytest.mark.parametrize("last_event_id", ["other-3", "first-99", "nonsense", ""])
def test_who_cannot_go_on_is_told_to_read_anew(notices, source, last_event_id):
    async def listen():
        source.tell("reading", "roof")
        client = Client(notices, last_event_id=last_event_id)
        await client.until(lambda me: me.heard())
        assert [event[:2] for event in client.heard()] == [("resync", "first-1")]
        client.go()
        await client.task

    asyncio.run(listen())


def test_others_assets_are_not_heard_live_or_after_the_fact(notices, source):
    async def listen():
        source.tell("mint", "mine")
        source.tell("mint", "yours")
        client = Client(notices, last_event_id="first-0", visible=lambda asset_id: asset_id in {None, "mine"})
        await client.until_heard(1)
        source.tell("mint", "yours")
        source.tell("report", None)
        source.tell("mint", "mine")
        await client.until_heard(1, 4, 5)
        client.go()
        await client.task

    asyncio.run(listen())


def test_a_slow_listener_is_dropped_with_a_hint_and_can_resume_where_it_was(notices, source):
    notices.hub = Hub(queue_events=5)

    async def listen():
        slow = Client(notices)
        await slow.until(lambda me: me.heard())
        slow.may_read.clear()
        for number in range(30):
            source.tell("reading", "roof", n=number)
            await asyncio.sleep(0.01)
        slow.may_read.set()
        await slow.task
        assert slow.ended
        assert slow.heard()[-1][0] == "dropped"
        got = [event[2]["number"] for event in slow.heard() if "number" in event[2]]
        last_id = [event[1] for event in slow.heard() if event[1]][-1]
        again = Client(notices, last_event_id=last_id)
        await again.until_heard(*range(len(got) + 1, 31))
        assert got == list(range(1, len(got) + 1))
        again.go()
        await again.task

    asyncio.run(listen())


def test_a_listener_that_takes_nothing_is_cut_off_and_leaves(notices, source, monkeypatch):
    monkeypatch.setattr(stream, "SEND_S", 0.05)

    async def listen():
        stuck = Client(notices)
        await stuck.until(lambda me: me.heard())
        stuck.may_read.clear()
        source.tell("reading", "roof")
        await asyncio.wait_for(stuck.task, 5)
        assert not stuck.ended
        assert notices.hub.count() == 0

    asyncio.run(listen())


def test_an_idle_stream_has_a_heartbeat_until_the_credential_is_over(notices, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.02)

    async def listen():
        holds = iter([True, True, False])
        client = Client(notices, still=lambda: next(holds))
        await asyncio.wait_for(client.task, 5)
        assert client.ended
        assert client.text.count(": beat\n\n") == 2

    asyncio.run(listen())


def test_a_credential_is_looked_at_again_however_much_is_heard(notices, source, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.1)

    async def listen():
        holds = iter([True, False])
        client = Client(notices, still=lambda: next(holds))
        while not client.task.done():
            source.tell("reading", "roof")
            await asyncio.sleep(0.005)
        assert client.ended

    asyncio.run(asyncio.wait_for(listen(), 5))


def test_a_stream_ends_after_its_time_and_when_the_server_stops(notices, monkeypatch):
    async def listen():
        client = Client(notices)
        await client.until(lambda me: me.heard())
        notices.hub.close()
        await asyncio.wait_for(client.task, 5)
        assert client.ended
        with pytest.raises(ProblemError):
            await Client(notices).task

    asyncio.run(listen())
    notices.hub = Hub()
    monkeypatch.setattr(stream, "LONGEST_S", 0.1)

    async def listen_long():
        client = Client(notices)
        await asyncio.wait_for(client.task, 5)
        assert client.ended

    asyncio.run(listen_long())


def test_listeners_are_told_when_the_projection_was_built_anew(notices, source):
    async def listen():
        source.tell("reading", "roof")
        source.tell("reading", "roof")
        client = Client(notices)
        await client.until(lambda me: me.heard())
        source.build_anew("second", keep=(2,))
        await client.until(lambda me: len(me.heard()) == 2)
        assert client.heard()[-1][:2] == ("resync", "second-1")
        source.tell("mint", "roof")
        await client.until_heard(2)
        client.go()
        await client.task

    asyncio.run(listen())
