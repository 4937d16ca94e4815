import sqlite3
from datetime import timedelta

import pytest

from api.notices.schema import NoticesVersionError
from api.notices.sealing import Seal
from api.notices.webhook import (
    BACKOFF_S,
    KEPT_MS,
    MOST_PER_OWNER,
    REREAD_MS,
    Progress,
    TooManyWebhooksError,
)
from api.notices.webhook_store import WebhookStore
from tests.support.event_source import START, EventsInMemory

ADA, BOB = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
NOW_MS = int(START.timestamp() * 1000)


@pytest.fixture
def source():
    return EventsInMemory(owners={ADA: ["roof"], BOB: ["barn"]})


@pytest.fixture
def store(tmp_path):
    store = WebhookStore(tmp_path / "notices.sqlite", Seal(b"k" * 32))
    yield store
    store.close()


def add(store, address=ADA, kinds=("mint",), asset_ids=None, now_ms=NOW_MS):
    hook, _ = store.add(
        subject=address or "key:1", address=address, url="https://owner.example/", kinds=kinds, asset_ids=asset_ids,
        now_ms=now_ms,
    )  # fmt: skip
    return hook


def enqueue(store, source, progress=None):
    events = source.events(0, 1000)
    return store.enqueue(events, progress or Progress("first", len(events), NOW_MS, None), source.assets_of, NOW_MS)


def pending(store, hook):
    return store.record(hook.webhook_id).pending


def test_each_webhook_gets_what_is_its_owners_and_what_it_asked_for(store, source):
    adas, bobs = add(store), add(store, BOB)
    operators, narrowed = add(store, None, ("mint", "deposit")), add(store, None, asset_ids=["barn"])
    source.tell("mint", "roof")
    source.tell("mint", "barn")
    source.tell("deposit", "roof")
    source.tell("report", None)
    assert enqueue(store, source) == 6
    assert [pending(store, hook) for hook in (adas, bobs, operators, narrowed)] == [1, 1, 3, 1]


def test_the_same_event_is_queued_once_however_often_it_is_read(store, source):
    add(store)
    source.tell("mint", "roof", energy_wh=1)
    assert enqueue(store, source) == 1
    assert enqueue(store, source) == 0
    source.build_anew("second", keep=(1,))
    assert enqueue(store, source, Progress("second", 1, NOW_MS, NOW_MS - REREAD_MS)) == 0


def test_a_projection_that_was_built_anew_brings_no_old_news(store, source):
    hook = add(store, now_ms=NOW_MS)
    source.tell("mint", "roof", START - timedelta(days=30), n=1)
    source.tell("mint", "roof", START - timedelta(days=3), n=2)
    source.tell("mint", "roof", START + timedelta(seconds=1), n=3)
    assert enqueue(store, source, Progress("second", 3, NOW_MS, NOW_MS - REREAD_MS)) == 1
    assert pending(store, hook) == 1


def test_what_was_read_is_kept_with_what_was_queued(store, source, tmp_path):
    assert store.progress() is None
    progress = Progress("first", 7, NOW_MS, None)
    store.enqueue((), progress, source.assets_of, NOW_MS)
    again = WebhookStore(tmp_path / "notices.sqlite", Seal(b"k" * 32))
    assert again.progress() == progress
    again.close()


def test_a_failed_delivery_waits_longer_each_time_and_then_is_dead(store, source):
    hook = add(store)
    source.tell("mint", "roof")
    enqueue(store, source)
    now_ms, tries = NOW_MS, []
    while (delivery := store.due(now_ms, ())) is not None:
        tries.append(delivery.attempts)
        store.settle(delivery, delivered=False, final=False, status=500, error="answered 500", now_ms=now_ms)
        assert store.due(now_ms, ()) is None
        if len(tries) <= len(BACKOFF_S):
            assert store.due(now_ms + BACKOFF_S[len(tries) - 1] * 1000 - 1, ()) is None
            now_ms += BACKOFF_S[len(tries) - 1] * 1000
    assert tries == list(range(len(BACKOFF_S) + 1))
    record = store.record(hook.webhook_id)
    assert (record.pending, record.dead, record.last_status, record.last_error) == (0, 1, 500, "answered 500")


def test_a_receiver_that_is_gone_gets_no_more_tries(store, source):
    hook = add(store)
    source.tell("mint", "roof")
    enqueue(store, source)
    store.settle(store.due(NOW_MS, ()), delivered=False, final=True, status=410, error="answered 410", now_ms=NOW_MS)
    assert store.record(hook.webhook_id).dead == 1


def test_a_busy_receiver_is_passed_over(store, source):
    first, second = add(store), add(store)
    source.tell("mint", "roof")
    enqueue(store, source)
    assert store.due(NOW_MS, {first.webhook_id}).webhook_id == second.webhook_id
    assert store.due(NOW_MS, {first.webhook_id, second.webhook_id}) is None


def test_the_secret_is_told_once_and_lies_sealed_in_the_file(store, source, tmp_path):
    hook, secret = store.add(
        subject=ADA, address=ADA, url="https://owner.example/", kinds=["mint"], asset_ids=None, now_ms=NOW_MS
    )
    source.tell("mint", "roof")
    enqueue(store, source)
    delivery = store.due(NOW_MS, ())
    assert store.secret_of(delivery) == secret
    assert secret.hex() not in repr(delivery)
    assert secret not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not hasattr(hook, "secret")


def test_an_owner_has_a_limited_number(store):
    for _ in range(MOST_PER_OWNER):
        add(store)
    with pytest.raises(TooManyWebhooksError):
        add(store)
    add(store, BOB)
    assert len(store.all(ADA)) == MOST_PER_OWNER
    assert len(store.all()) == MOST_PER_OWNER + 1


def test_a_queue_that_is_full_takes_no_more_and_says_so(store, source, monkeypatch):
    monkeypatch.setattr("api.notices.webhook_store.MOST_PENDING", 3)
    hook = add(store)
    for number in range(5):
        source.tell("mint", "roof", n=number)
    assert enqueue(store, source) == 5
    record = store.record(hook.webhook_id)
    assert (record.pending, record.dead) == (3, 2)


def test_deleting_forgets_what_was_to_be_sent(store, source):
    hook = add(store)
    source.tell("mint", "roof")
    enqueue(store, source)
    store.remove(hook.webhook_id)
    assert store.due(NOW_MS, ()) is None
    assert store.totals() == {"webhooks": 0, "deliveries_pending": 0, "deliveries_dead": 0}


def test_what_came_to_its_end_is_forgotten_after_a_while_and_what_waits_is_not(store, source):
    add(store)
    source.tell("mint", "roof", n=1)
    source.tell("mint", "roof", n=2)
    enqueue(store, source)
    store.settle(store.due(NOW_MS, ()), delivered=True, final=False, status=200, error=None, now_ms=NOW_MS)
    store.prune(NOW_MS + KEPT_MS)
    (hook,) = store.all()
    assert store.record(hook.webhook_id).delivered == 1
    store.prune(NOW_MS + KEPT_MS + 1)
    assert store.record(hook.webhook_id).delivered == 0
    assert pending(store, hook) == 1


def test_a_file_of_a_newer_release_is_refused_and_its_mode_is_private(tmp_path):
    path = tmp_path / "notices.sqlite"
    WebhookStore(path, Seal(b"k" * 32)).close()
    assert path.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(NoticesVersionError, match="99"):
        WebhookStore(path, Seal(b"k" * 32))


def test_webhooks_of_an_address_are_forgotten_with_what_waited(store, source, tmp_path):
    adas, bobs = add(store), add(store, BOB)
    source.tell("mint", "roof")
    source.tell("mint", "barn")
    enqueue(store, source)
    assert (pending(store, adas), pending(store, bobs)) == (1, 1)
    store.forget(ADA)
    assert [hook.webhook_id for hook in store.all()] == [bobs.webhook_id]
    assert (pending(store, adas), pending(store, bobs)) == (0, 1)
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert (ADA.encode() in kept, BOB.encode() in kept) == (False, True)
