"""Writes that are sent twice, over the store that access keeps."""

import asyncio
from contextlib import closing

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from api.access.database import AccessFile
from api.access.idempotency import KEPT_MS, Answer
from api.access.idempotency import Idempotency as Store
from api.http.idempotency import Idempotency
from api.http.problems import ProblemError, install_problems


class Site:
    """An application that counts what it does, and the store beside it."""

    def __init__(self, file, ask):
        self.now_ms = 1_000_000_000
        self.done = []
        self.store = Store(file, lambda: self.now_ms)
        app = FastAPI(openapi_url=None)
        install_problems(app)

        @app.post("/orders")
        async def orders(request: Request, fails: int = 0, operation: str = "order"):
            request.state.operation = operation
            request.state.target = "yuenlong-farm"
            body = await request.body()
            if body == b"wait":
                await self.gate.wait()
            self.done.append(body)
            if fails == 500:
                raise RuntimeError
            if fails:
                raise ProblemError({409: "conflict", 429: "too-many-requests"}[fails], "no")
            return JSONResponse({"number": len(self.done)}, 201, {"Location": f"/orders/{len(self.done)}"})

        @app.get("/orders")
        async def listed():
            self.done.append(b"read")
            return len(self.done)

        def subject(connection):
            name = connection.headers.get("authorization", "public")
            if name == "bad":
                raise ProblemError("unauthenticated", "the credential does not hold")
            return name

        self.gate = asyncio.Event()
        self.log = []
        app.add_middleware(Idempotency, store=self.store, subject=subject, answer=Answer, secret={"secret"})

        async def noting(scope, receive, send):
            await app(scope, receive, send)
            self.log.append(scope.get("state", {}))

        self.app = noting
        self.ask = ask(noting)

    def order(self, key="k1", body=b"ten", who="anna", **query):
        headers = {"authorization": who, **({"idempotency-key": key} if key else {})}
        return self.ask("POST", "/orders", content=body, headers=headers, params=query)


@pytest.fixture
def site(tmp_path, ask):
    with closing(AccessFile(tmp_path / "access.sqlite")) as file:
        yield Site(file, ask)


def test_the_same_request_is_done_once_and_answered_alike(site):
    first, second = site.order(), site.order()
    assert (first.status_code, first.json(), first.headers["location"]) == (201, {"number": 1}, "/orders/1")
    assert (second.status_code, second.content, second.headers["location"]) == (201, first.content, "/orders/1")
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert site.done == [b"ten"]


def test_a_repetition_tells_the_log_what_it_repeats_and_nobody_else(site):
    first, second = site.order(), site.order()
    assert site.log[1]["operation"] == site.log[0]["operation"] == "order"
    assert site.log[1]["target"] == site.log[0]["target"] == "yuenlong-farm"
    assert not [name for name in (*first.headers, *second.headers) if name.startswith("heliograph")]


@pytest.mark.parametrize("other", [{"body": b"eleven"}, {"operation": "another"}])
def test_the_key_is_for_one_request(site, other):
    site.order()
    answer = site.order(**other)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert site.done == [b"ten"]


def test_keys_are_their_senders_own(site):
    assert site.order(who="anna").json() == {"number": 1}
    assert site.order(who="bert").json() == {"number": 2}


def test_without_a_key_and_for_reads_nothing_is_kept(site):
    assert [site.order(key=None).json()["number"] for _ in range(2)] == [1, 2]
    headers = {"idempotency-key": "k"}
    assert [site.ask("GET", "/orders", headers=headers).json() for _ in range(2)] == [3, 4]


def test_after_a_day_the_key_is_free(site):
    site.order()
    site.now_ms += KEPT_MS - 1
    assert site.order().json() == {"number": 1}
    site.now_ms += 1
    assert site.order().json() == {"number": 2}


@pytest.mark.parametrize(("fails", "times"), [(409, 1), (429, 2), (500, 2)])
def test_a_refusal_is_kept_and_a_fault_of_the_moment_is_not(site, fails, times):
    answers = [site.order(fails=fails) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [fails, fails]
    assert len(site.done) == times


def test_an_answer_with_a_secret_is_not_kept(site):
    assert site.order(operation="secret").json() == {"number": 1}
    again = site.order(operation="secret")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/conflict")
    assert site.done == [b"ten"]


@pytest.mark.parametrize("key", ["", "with space", "a" * 256, "\x7f", "é".encode()])
def test_a_key_that_is_none_is_refused(site, key):
    answer = site.ask("POST", "/orders", headers=[("idempotency-key", key)])
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")
    assert site.done == []


def test_a_credential_that_does_not_hold_is_refused_first(site):
    assert site.order(who="bad").status_code == 401
    assert site.done == []


def test_two_at_once_are_done_once(site):
    async def both():
        site.gate = asyncio.Event()
        headers = {"authorization": "anna", "idempotency-key": "k1"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(site.app), base_url="http://h.test") as client:
            first = asyncio.create_task(client.post("/orders", content=b"wait", headers=headers))
            await asyncio.sleep(0.2)
            second = await client.post("/orders", content=b"wait", headers=headers)
            site.gate.set()
            return await first, second

    first, second = asyncio.run(both())
    assert first.status_code == 201
    assert (second.status_code, second.json()["type"]) == (409, "/problems/idempotency-in-progress")
    assert second.headers["retry-after"] == "2"
    assert site.done == [b"wait"]


def test_who_leaves_before_the_end_of_the_body_orders_nothing(site):
    async def leave():
        messages = iter([{"type": "http.request", "body": b"te", "more_body": True}, {"type": "http.disconnect"}])

        async def receive():
            return next(messages)

        async def send(message):
            raise AssertionError(message)

        headers = [(b"idempotency-key", b"k1"), (b"authorization", b"anna")]
        scope = {
            "type": "http", "method": "POST", "path": "/orders", "raw_path": b"/orders", "query_string": b"", "headers": headers,
            "http_version": "1.1", "scheme": "http", "server": ("h", 80), "client": ("c", 1), "root_path": "",
        }  # fmt: skip
        await site.app(scope, receive, send)

    asyncio.run(leave())
    assert site.done == []
    assert site.order().status_code == 201
