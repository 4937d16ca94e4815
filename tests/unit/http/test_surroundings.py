"""Headers, bounds and the log: what stands around every route."""

import json
import logging

import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import HTMLResponse, Response

from api.http.bounds import MAX_ADDRESS, Bounds
from api.http.depth import MAX_DEPTH, Depth
from api.http.headers import CONTENT_SECURITY_POLICY, DATA_HEADERS, DATA_POLICY, SECURITY_HEADERS, SecurityHeaders
from api.http.problems import install_problems
from api.http.request_log import RequestLog

LIMIT = 1000


@pytest.fixture
def client(ask):
    app = FastAPI(openapi_url=None)
    install_problems(app)

    @app.get("/page")
    async def page():
        return HTMLResponse("page")

    @app.get("/data")
    async def data():
        return {}

    @app.get("/csv")
    async def csv():
        return Response("a,b", media_type="text/csv; header=present")

    @app.get("/nameless")
    async def nameless():
        return Response(b"<script>")

    @app.get("/framed")
    async def framed():
        return Response("x", headers={"Content-Security-Policy": "sandbox"})

    @app.post("/body")
    async def body(request: Request):
        return len(await request.body())

    @app.post("/json")
    async def take(body: dict[str, str]):
        return len(body)

    @app.get("/wrong")
    async def wrong():
        raise RuntimeError("the inner secret")

    app.add_middleware(Bounds, max_body=LIMIT, larger={"/body": 2 * LIMIT})
    app.add_middleware(RequestLog)
    app.add_middleware(SecurityHeaders, https=True)
    return ask(app)


@pytest.mark.parametrize("path", ["/page", "/nameless"])
def test_every_page_is_protected(client, path):
    headers = client("GET", path).headers
    assert headers.items() >= SECURITY_HEADERS.items()
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-frame-options"] == "DENY"
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["x-request-id"]


@pytest.mark.parametrize("path", ["/data", "/csv", "/nothing", "/wrong", "/data?" + "a" * MAX_ADDRESS])
def test_data_may_load_nothing_and_is_neither_framed_nor_guessed_at(client, path):
    headers = client("GET", path).headers
    assert headers.items() >= DATA_HEADERS.items()
    assert headers["content-security-policy"] == DATA_POLICY == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["x-request-id"]


def test_nothing_may_come_from_elsewhere_and_nothing_inline():
    assert "script-src 'self'" in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY


def test_an_answer_may_protect_itself_more(client):
    assert client("GET", "/framed").headers.get_list("content-security-policy") == ["sandbox"]


@pytest.mark.parametrize("path", ["/body", "/json"])
def test_a_body_that_is_too_long_is_refused_declared_or_not(client, path):
    limit = LIMIT * (2 if path == "/body" else 1)

    async def pieces():
        for _ in range(limit // 100 + 1):
            yield b" " * 100

    for content in (b" " * (limit + 1), pieces()):
        answer = client("POST", path, content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
        assert str(limit) in answer.json()["detail"]
    assert client("POST", "/body", content=b" " * LIMIT).json() == LIMIT


@pytest.mark.parametrize("body", [b"[" * 900, b'{"a":' * 150, b'["]",' * 150, b'["\\\\", "\\"]",' + b"[" * 40])
def test_a_body_that_is_nested_deep_is_refused_before_it_is_parsed(client, body):
    answer = client("POST", "/json", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-request")


@given(
    st.recursive(
        st.none() | st.text(alphabet='[]{}"\\ax', max_size=8), lambda inner: st.lists(inner, max_size=3), max_leaves=12
    ),
    st.integers(1, 7),
)
def test_depth_is_that_of_the_structure_and_not_of_what_strings_say(document, size):
    def deep(part):
        return 1 + max(map(deep, part), default=0) if isinstance(part, list) else 0

    for extra in (MAX_DEPTH - deep(document), MAX_DEPTH + 1 - deep(document)):
        text = b"[" * extra + json.dumps(document).encode() + b"]" * extra
        depth = Depth()
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert any(depth.is_too_deep(piece) for piece in pieces) == (extra + deep(document) > MAX_DEPTH)


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "Content-Type", "X-Heliograph"])
def test_a_header_that_is_given_twice_is_refused(client, name):
    answer = client("GET", "/page", headers=[(name, "a"), (name, "b")])
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-request")
    assert name.lower() in answer.json()["detail"]


def test_an_address_that_is_too_long_is_refused(client):
    assert client("GET", "/page?" + "a" * (MAX_ADDRESS - 5)).status_code == 200
    answer = client("GET", "/page?" + "a" * MAX_ADDRESS)
    assert (answer.status_code, answer.json()["type"]) == (414, "/problems/address-too-long")


def test_a_mistake_of_the_program_is_in_the_log_and_not_in_the_answer(client, caplog):
    answer = client("GET", "/wrong")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal-error")
    assert "secret" not in answer.text
    number = answer.headers["x-request-id"]
    assert number in answer.json()["detail"]
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert number in record.getMessage()
    assert "the inner secret" in record.exc_text


def test_the_log_has_one_line_a_request_and_no_secret(client, caplog):
    caplog.set_level(logging.INFO, "api.requests")
    client(
        "GET",
        "/page%0Aforged?token=secret",
        headers={"Authorization": "Bearer hgk_1_secret", "Cookie": "heliograph_session=secret"},
    )
    client("POST", "/body", content=b"secret")
    lines = [each.getMessage() for each in caplog.records if each.name == "api.requests"]
    assert len(lines) == 2
    assert "secret" not in "".join(lines)
    assert "\n" not in lines[0]
    assert "GET /page\\nforged 404" in lines[0]
    assert "POST /body 200" in lines[1]
