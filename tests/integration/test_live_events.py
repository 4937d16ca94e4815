"""Live events over real sockets: who hears what, who comes back, who is too slow, and many at once."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from api.access.principal import Role
from api.notices import stream
from api.server import serve
from tests.support.notice_site import ADA, BOB, Listener, NoticeSite, notice_site

MANY = 520
QUEUED = 40


@pytest.fixture
def site(tmp_path):
    with notice_site(tmp_path) as site:
        yield site


def test_an_owner_hears_his_own_and_what_concerns_all(site):
    ada, bob = (site.key(Role.OWNER, address) for address in (ADA, BOB))

    async def listen():
        async with Listener(site.address, ada.headers) as hers, Listener(site.address, bob.headers) as his:
            hers.listen(), his.listen()
            await hers.until(lambda me: me.events())
            await his.until(lambda me: me.events())
            site.tell("mint", "roof", energy_wh=41_870)
            site.tell("report", None, epoch=1)
            site.tell("deposit", "barn", minor=5)
            await his.until(lambda me: me.numbers() == [2, 3])
            await hers.until(lambda me: me.numbers() == [1, 2])
            kind, _, document = hers.events()[1]
            assert (kind, document["asset_id"], document["document"]) == ("mint", "roof", {"energy_wh": 41_870})
            assert "text/event-stream" in hers.head
            assert "no-store" in hers.head

    asyncio.run(listen())


def test_the_answer_to_strangers_and_about_others_assets_is_a_problem(site):
    ada = site.key(Role.OWNER, ADA)
    assert site.client.get("/v1/events").status_code == 401
    refused = site.client.get("/v1/events", params={"asset_id": "barn"}, headers=ada.headers)
    assert refused.status_code == 404
    unknown = site.client.get("/v1/events", params={"asset_id": "nowhere"}, headers=ada.headers)
    assert refused.json()["detail"].replace("barn", "nowhere") == unknown.json()["detail"]
    for_operators = site.client.get("/v1/events", params={"asset_id": "nowhere"}, headers=site.key().headers)
    assert for_operators.status_code == 404
    narrow = site.key(scopes=("webhooks",))
    assert site.client.get("/v1/events", headers=narrow.headers).status_code == 403


def test_an_operator_hears_all_or_what_he_asks_for(site):
    operator = site.key()

    async def listen():
        async with (
            Listener(site.address, operator.headers) as everything,
            Listener(site.address, operator.headers, query="?asset_id=barn") as barn,
        ):
            everything.listen(), barn.listen()
            await barn.until(lambda me: me.events())
            await everything.until(lambda me: me.events())
            for asset_id in ("roof", "barn", None):
                site.tell("reading", asset_id)
            await everything.until(lambda me: me.numbers() == [1, 2, 3])
            await barn.until(lambda me: me.numbers() == [2, 3])

    asyncio.run(listen())


def test_a_listener_that_comes_back_misses_nothing_and_hears_nothing_twice(site):
    operator = site.key()

    async def listen():
        heard, last_id = [], None
        for part in range(5):
            async with Listener(site.address, operator.headers, last_event_id=last_id) as listener:
                listener.listen()
                await listener.until(lambda me: me.events())
                for number in range(20):
                    site.tell("reading", "roof", part=part, n=number)
                await listener.until(lambda me, part=part: len(me.numbers()) >= 20 + (10 if part else 0))
                heard += listener.numbers()
                last_id = [event[1] for event in listener.events() if event[1]][-1]
            for number in range(10):
                site.tell("reading", "roof", away=part, n=number)
        assert heard == list(range(1, len(heard) + 1))
        assert len(heard) == 5 * 20 + 4 * 10

    asyncio.run(listen())


def test_a_position_of_another_life_of_the_projection_is_answered_with_resync(site):
    operator = site.key()
    site.tell("reading", "roof")

    async def listen():
        async with Listener(site.address, operator.headers, last_event_id="0123-1") as listener:
            listener.listen()
            await listener.until(lambda me: me.events())
            kind, at, _ = listener.events()[0]
            assert kind == "resync"
            assert at == f"{site.projection.instance()}-1"

    asyncio.run(listen())


def test_a_slow_listener_is_dropped_and_the_others_do_not_notice(site, monkeypatch):
    operator = site.key()
    monkeypatch.setattr(stream, "SEND_S", 0.5)
    site.notices.hub._queue_events = QUEUED
    padding = "x" * 20_000  # what does not fit into the buffers of both sides any longer

    async def listen():
        async with (
            Listener(site.address, operator.headers, buffer=2**16) as slow,
            Listener(site.address, operator.headers) as quick,
        ):
            quick.listen()
            await quick.until(lambda me: me.events())
            count = 0
            while site.notices.hub.count() == 2:
                assert count < 4000
                for _ in range(10):
                    site.tell("reading", "roof", padding=padding)
                count += 10
                await quick.until(lambda me, count=count: me.text.count("\nevent: reading") == count)
            slow.listen()
            await slow.until(lambda me: me.closed)
            got = slow.numbers()
            assert got == list(range(1, len(got) + 1))
            assert len(got) < count
            last_id = [event[1] for event in slow.events() if event[1]][-1]
            async with Listener(site.address, operator.headers, last_event_id=last_id) as again:
                again.listen()
                await again.until(lambda me: f'"number":{count},' in me.text)
                assert again.numbers() == list(range(len(got) + 1, count + 1))

    asyncio.run(listen())


def test_many_listen_at_once_and_each_hears_everything_soon(site):
    operator = site.key()

    async def listen():
        async with AsyncExitStack() as stack:
            listeners = [
                (await stack.enter_async_context(Listener(site.address, operator.headers))).listen()
                for _ in range(MANY)
            ]
            for listener in listeners:
                await listener.until(lambda me: me.events())
            assert site.notices.hub.count() == MANY
            began = time.monotonic()
            for number in range(10):
                site.tell("mint", "roof", n=number)
                await asyncio.sleep(0.1)
            for listener in listeners:
                await listener.until(lambda me: me.numbers() == list(range(1, 11)))
            assert time.monotonic() - began < 10
        await asyncio.to_thread(_until, lambda: site.notices.hub.count() == 0)

    asyncio.run(listen())


def test_a_revoked_key_hears_no_more_and_changed_ownership_is_noticed(site, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.05)
    ada, operator = site.key(Role.OWNER, ADA), site.key()

    async def listen():
        async with Listener(site.address, ada.headers) as owner, Listener(site.address, operator.headers) as revoked:
            owner.listen(), revoked.listen()
            await owner.until(lambda me: me.events())
            await revoked.until(lambda me: me.events())
            site.access.revoke_key(operator.key_id)
            await revoked.until(lambda me: me.closed)
            assert not owner.closed
            site.tell("mint", "barn")
            await asyncio.to_thread(_until, lambda: site.notices.figures()["events_told"] == 1)
            site.give("barn", ADA)
            await asyncio.sleep(0.3)
            site.tell("mint", "barn")
            await owner.until(lambda me: me.numbers() == [2])

    asyncio.run(listen())


@pytest.mark.parametrize("is_told_first", [True, False])
def test_a_server_that_stops_ends_its_streams_and_nothing_of_it_is_a_fault(tmp_path, caplog, is_told_first):
    site = NoticeSite(tmp_path)
    site.notices.start()
    operator = site.key()

    async def listen():
        running = serve(site.app, 0)
        address = running.__enter__()
        async with Listener(address, operator.headers) as listener:
            listener.listen()
            await listener.until(lambda me: me.events())
            if is_told_first:
                site.notices.hub.close()
            began = time.monotonic()
            await asyncio.to_thread(running.__exit__, None, None, None)
            assert time.monotonic() - began < 2
            await listener.until(lambda me: me.closed)

    asyncio.run(listen())
    site.close()
    assert "Traceback" not in caplog.text
    assert not is_told_first or "ERROR" not in caplog.text


def test_the_same_events_can_be_asked_for_as_a_list(site):
    ada = site.key(Role.OWNER, ADA)
    for number in range(5):
        site.tell("mint", "roof", n=number)
        site.tell("mint", "barn", n=number)
    accepted = ada.headers | {"Accept": "application/json"}
    first = site.client.get("/v1/events", params={"limit": 3}, headers=accepted).json()
    assert [event["number"] for event in first["items"]] == [1, 3, 5]
    rest = site.client.get("/v1/events", params={"after": first["next"]}, headers=accepted).json()
    assert [event["number"] for event in rest["items"]] == [7, 9]
    assert rest["next"] is None
    table = site.client.get("/v1/events", params={"format": "csv"}, headers=ada.headers)
    assert table.headers["content-type"].startswith("text/csv")
    assert len(table.text.splitlines()) == 6


def _until(condition, timeout_s=10):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
