"""Requests sent twice are done once: what the store remembers, and for how long."""

import threading

import pytest

from api.access.database import AccessFile
from api.access.idempotency import ABANDONED_MS, KEPT_MS, Answer, Claim, Idempotency

ANSWER = Answer(201, (("content-type", "application/json"),), b'{"number": 1}')


@pytest.fixture(name="store")
def store_fixture(tmp_path):
    class Store(Idempotency):
        now_ms = 1_000_000

    file = AccessFile(tmp_path / "access.sqlite")
    store = Store(file, lambda: Store.now_ms)
    store.set_clock = lambda now_ms: setattr(Store, "now_ms", now_ms)
    yield store
    file.close()


def test_the_same_request_gets_the_same_answer(store):
    assert store.claim("a", "key", b"request") is Claim.NEW
    assert store.claim("a", "key", b"request") is Claim.IN_PROGRESS
    store.finish("a", "key", ANSWER)
    assert store.claim("a", "key", b"request") == ANSWER
    assert store.claim("a", "key", b"another") is Claim.OTHER_REQUEST


def test_keys_belong_to_who_sent_them(store):
    store.claim("a", "key", b"request")
    store.finish("a", "key", ANSWER)
    assert store.claim("b", "key", b"request") is Claim.NEW


def test_an_answer_with_a_secret_is_not_kept(store):
    store.claim("a", "key", b"request")
    store.finish("a", "key", None)
    assert store.claim("a", "key", b"request") is Claim.DONE


def test_what_came_to_nothing_may_be_sent_again(store):
    store.claim("a", "key", b"request")
    store.abandon("a", "key")
    assert store.claim("a", "key", b"another") is Claim.NEW
    store.finish("a", "key", ANSWER)
    store.abandon("a", "key")
    assert store.claim("a", "key", b"another") == ANSWER


def test_after_a_day_it_is_forgotten(store):
    store.claim("a", "key", b"request")
    store.finish("a", "key", ANSWER)
    store.set_clock(1_000_000 + KEPT_MS - 1)
    assert store.claim("a", "key", b"request") == ANSWER
    store.set_clock(1_000_000 + KEPT_MS)
    assert store.claim("a", "key", b"request") is Claim.NEW


def test_a_request_whose_server_was_stopped_is_open_again_after_minutes(store):
    store.claim("a", "key", b"request")
    store.set_clock(1_000_000 + ABANDONED_MS - 1)
    assert store.claim("a", "key", b"request") is Claim.IN_PROGRESS
    store.set_clock(1_000_000 + ABANDONED_MS)
    assert store.claim("a", "key", b"request") is Claim.NEW


def test_of_many_at_once_one_is_new(store):
    begin, claims = threading.Barrier(8), []

    def claim():
        begin.wait()
        claims.append(store.claim("a", "key", b"request"))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claim.name for claim in claims) == ["IN_PROGRESS"] * 7 + ["NEW"]
