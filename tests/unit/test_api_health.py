"""What the API's process counts and says of itself, and how it watches its node."""

import asyncio
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from fastapi import FastAPI

from api.http.problems import install_problems
from api.processes.api_health import ApiHealth
from api.processes.metrics import exposition
from api.processes.node_watch import NodeWatch
from api.processes.traffic import Tally, Traffic, is_stream
from api.projection.projection import Projection
from api.routes.health import health_routes
from api.server import serve
from api.services import Services


@pytest.fixture(name="projection")
def opened_projection(tmp_path):
    projection = Projection.open(tmp_path / "projection.sqlite", network="demo")
    yield projection
    projection.close()


def ask(application, count=1):
    async def drive():
        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_):
            pass

        for _ in range(count):
            await application({"type": "http", "path": "/"}, receive, send)

    asyncio.run(drive())


def answering(status, media_type=b"application/json", pause_s=0.0):
    async def application(_scope, _receive, send):
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", media_type)]})
        await asyncio.sleep(pause_s)
        await send({"type": "http.response.body", "body": b""})

    return application


def test_requests_are_counted_by_status_and_time_and_streams_have_no_time():
    tally = Tally()
    ask(Traffic(answering(200), tally), 3)
    ask(Traffic(answering(404, pause_s=0.03), tally))
    ask(Traffic(answering(200, b"text/event-stream; charset=utf-8", 0.15), tally))
    told = tally.figures()
    assert told["requests_by_status"] == {"200": 4, "404": 1}
    buckets = told["request_seconds"]["buckets"]
    assert (buckets["10"], buckets["+Inf"]) == (4, 4)
    assert buckets["0.025"] <= 3
    assert list(buckets.values()) == sorted(buckets.values())
    assert told["request_seconds"]["sum"] >= 0.03
    assert told["requests_in_flight"] == 0
    text = exposition({"api": "api-1", "network": "demo", **told}).decode()
    assert 'heliograph_http_requests_total{status="404"} 1.0' in text
    assert 'heliograph_http_request_duration_seconds_bucket{le="10"} 4.0' in text
    assert "heliograph_http_request_duration_seconds_count 4.0" in text


def test_what_breaks_below_is_counted_and_goes_on():
    async def broken(_scope, _receive, _send):
        raise RuntimeError("a mistake")

    tally = Tally()
    with pytest.raises(RuntimeError):
        ask(Traffic(broken, tally))
    assert (tally.figures()["requests_by_status"], tally.in_flight) == ({"500": 1}, 0)


@pytest.mark.parametrize(
    ("headers", "streams"),
    [([], False), ([(b"Content-Type", b"text/event-stream")], True), ([(b"content-type", b"text/html")], False)],
)
def test_a_stream_is_known_by_its_media_type(headers, streams):
    assert is_stream(headers) is streams


class Node:
    """A node's health endpoint that answers what it is told to."""

    def __init__(self):
        self.status, self.body = 200, b'{"ready": true, "hindrances": []}'
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                assert self.path == "/readyz"
                self.send_response(node.status)
                self.end_headers()
                self.wfile.write(node.body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def test_a_node_is_watched_and_its_own_word_told(projection):
    node = Node()
    assert projection.freshness().node is None  # nobody looks
    watch = NodeWatch(projection.sources, node.address)
    projection.sources.watch_node()
    watch.look()
    assert projection.freshness().node.stale_since is None
    node.status, node.body = 503, b'{"ready": false, "hindrances": ["no connection to the broker"]}'
    watch.look()
    assert watch.hindrances == ["no connection to the broker"]
    assert projection.freshness().node.stale_since is None  # it answers
    node.body = b"<html>"
    watch.look()
    assert projection.freshness().node.stale_since is not None
    node.stop()
    watch.look()
    since = projection.freshness().node
    assert "does not answer" in since.fault
    assert watch.hindrances == []


@contextmanager
def served(services):
    app = FastAPI()
    app.state.services = services
    install_problems(app)
    app.include_router(health_routes(services))
    with serve(app, 0) as address, httpx.Client(base_url=address, trust_env=False) as client:
        yield client


def services_with(projection, health=None):
    return Services(projection=projection, access=None, network="demo", public_url="http://h", health=health)


def test_without_a_process_that_knows_itself_the_routes_say_what_the_projection_knows(projection):
    projection.sources.failed("chain", "the chain does not answer")
    with served(services_with(projection)) as client:
        assert client.get("/healthz").json() == {"network": "demo"}
        told = client.get("/readyz").json()
        assert told["ready"] is True
        (stale,) = told["degradations"]
        assert stale.startswith("chain: ")
        assert client.get("/metrics").status_code == 200


def test_a_process_tells_its_figures_and_is_unready_only_for_its_own_sake(projection, tmp_path, monkeypatch):
    health = ApiHealth("api-1", tmp_path, Tally(), lambda: None)
    assert health.hindrances() == ["is starting"]
    services = services_with(projection, health)
    health.serve(services)
    projection.sources.failed("journal", "the journal is not there")
    with served(services) as client:
        figures = client.get("/healthz").json()
        assert (figures["api"], figures["network"]) == ("api-1", "demo")
        assert figures["source_well"] == {"journal": False, "chain": True}
        assert figures["projection"]["bytes"] > 0
        assert client.get("/readyz").json()["degradations"] == health.degradations()
        assert 'heliograph_source_well{source="journal"} 0.0' in client.get("/metrics").text
        assert "heliograph_ready 1.0" in client.get("/metrics").text
        monkeypatch.setattr("api.processes.api_health.LEAST_FREE_BYTES", 2**63)
        answer = client.get("/readyz")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert int(answer.headers["retry-after"]) > 0
        assert "is full" in answer.json()["detail"]
        assert answer.json()["hindrances"]
        assert "heliograph_ready 0.0" in client.get("/metrics").text
