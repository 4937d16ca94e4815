"""The parts of `heliograph bench api` that need no server."""

import asyncio
import contextlib

import numpy as np
import pytest

from api.bench.api import fleet
from api.bench.api.answers import AnswerError, Head, read_head, request
from api.bench.api.asking import MIX, reads
from api.bench.api.clients import Answered, Closed, Open, ask_closed, ask_open
from api.bench.api.figures import Figures, Measured, Spent
from api.bench.api.filling import fill
from api.bench.api.listeners import Heard
from api.bench.api.options import ApiOptions
from api.bench.api.streams import EventStream
from api.projection.projection import Projection
from oracle.errors import ConfigError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(text):
    return b"%x\r\n%s\r\n" % (len(text), text)


@pytest.mark.parametrize(
    ("received", "head"),
    [
        (b"HTTP/1.1 200 OK\r\nConte", None),
        (OK, Head(200, 38, 2)),
        (b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n", Head(304, 38, 0)),
        (STREAM, Head(200, len(STREAM), None)),
    ],
)
def test_an_answers_head_is_read_when_it_is_complete(received, head):
    assert read_head(received) == head


@pytest.mark.parametrize("received", [b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n", b"SSH-2.0-x\r\n\r\n"])
def test_what_is_no_answer_of_a_known_length_is_refused(received):
    with pytest.raises(AnswerError):
        read_head(received)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_told_apart_however_their_bytes_are_cut(size):
    whole = STREAM + chunk(b"retry: 3000\n\nevent: ready\nid: 7f3a-41\ndata: {}\n\n") + chunk(b": still here\n\n")
    whole += chunk(b"event: mint\nid: 7f3a-42\nda") + chunk(b'ta: {"id": 7}\n\nid: 7f3a-43\n') + chunk(b"data: {}\n\n")
    stream, numbers = EventStream(), []
    for at in range(0, len(whole), size):
        numbers += stream.feed(whole[at : at + size])
    assert numbers == [41, 42, 43]


def test_a_stream_that_is_refused_or_ended_is_no_silence():
    with pytest.raises(AnswerError, match="429"):
        EventStream().feed(b"HTTP/1.1 429 No\r\ncontent-length: 2\r\n\r\n{}")
    with pytest.raises(AnswerError, match="ended"):
        EventStream().feed(STREAM + b"0\r\n\r\n")


def test_a_fleet_is_the_same_each_time_and_never_without_a_row():
    hours = list(fleet.hours(3, 2))
    assert hours == list(fleet.hours(3, 2))
    assert len(hours) == 48
    assert all(0 < hour.energy_wh <= fleet.NAMEPLATE_W for hour in hours)
    assert {hour.standing for hour in fleet.hours(3, 30)} == {0, 1}


def test_reads_are_a_mix_over_all_assets_and_days():
    asked = [each.split(b" ")[1].decode() for each in reads(4000, 50, 30, [])]
    assert asked == [each.split(b" ")[1].decode() for each in reads(4000, 50, 30, [])]
    assert len({path.split("/")[3].split("?")[0] for path in asked if path.startswith("/v1/assets/")}) == 50
    assert abs(sum(path == "/v1/status" for path in asked) / 4000 - MIX["status"]) < 0.03
    assert sum(MIX.values()) == pytest.approx(1)


def test_a_filled_projection_has_every_hour(tmp_path):
    assert fill(tmp_path / "p.sqlite", 3, 2, lambda _: None) == 3 * 48
    projection = Projection.open(tmp_path / "p.sqlite", network="bench")
    page = projection.production(fleet.asset_id(1), 0, 2**45, "hour", None, 1000)
    shown = sum(item.attested_wh + item.withheld_wh for item in page.items)
    projection.close()
    assert len(page.items) == 48
    assert shown == sum(hour.energy_wh for hour in fleet.hours(1, 2))


@pytest.mark.parametrize(
    "wrong", [{"assets": 0}, {"seconds": 0.1}, {"seconds": float("inf")}, {"listeners": -1}, {"listeners": 10**9}]
)
def test_what_makes_no_run_is_refused(wrong):
    with pytest.raises(ConfigError):
        ApiOptions(**wrong)


async def _with_server(answer, ask):
    """Ask a server that answers each request with what `answer` gives."""

    async def serve(reader, writer):
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(0.002)
            writer.write(answer())
            await writer.drain()

    async def quiet(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(quiet, "127.0.0.1", 0)
    async with server:
        asked = await ask(server.sockets[0].getsockname()[1])
        await asyncio.sleep(0.1)  # for the server to notice that all have gone
        return asked


def test_clients_that_go_on_as_they_are_answered_count_every_answer():
    served = []

    def answer():
        served.append(1)
        return OK

    took = asyncio.run(_with_server(answer, lambda port: ask_closed(Closed(port, [request("/")], 0.3, 4))))
    assert took.statuses == {200: len(served)}
    assert (took.unanswered, took.faults) == (0, ())
    assert len(served) - 4 <= len(took.latency_ns) <= len(served)
    assert took.octets == 2 * len(served)
    assert took.latency_ns.min() >= 2e6


def test_at_a_fixed_rate_waiting_for_a_slow_server_counts():
    took = asyncio.run(_with_server(lambda: OK, lambda port: ask_open(Open(port, [request("/")], 0.3, 1, 1000))))
    assert len(took.latency_ns) == 300
    assert took.latency_ns.max() > 200e6  # it answers 500 a second at most, so the last ones wait


def test_a_connection_that_is_cut_is_a_fault():
    took = asyncio.run(
        _with_server(
            lambda: b"nonsense\r\n\r\n", lambda port: ask_closed(Closed(port, [b"GET / HTTP/1.1\r\n\r\n"], 0.2, 2))
        )
    )
    assert any("not an HTTP/1.1 answer" in fault for fault in took.faults)


def answered(per_s, ms=1.0, **changes):
    parts = {
        "latency_ns": np.full(per_s, ms * 1e6, dtype=np.int64), "statuses": {200: per_s}, "octets": per_s * 100,
        "seconds": 1.0, "unanswered": 0, "cpu_s": 0.3, "faults": (),
    }  # fmt: skip
    return Answered(**(parts | changes))


def figures(**changes):
    parts = {
        "options": ApiOptions(assets=1, days=1, listeners=2), "rows": 24, "fill_s": 1.0, "reads": [answered(600), answered(800)],
        "empties": [answered(1000)], "steady": answered(350, 4.0), "offered_per_s": 350.0,
        "told": [(1, 1_000_000), (2, 2_000_000)],
        "heard": Heard(((0, 1, 3_000_000), (0, 2, 4_000_000), (1, 1, 3_000_000), (1, 2, 12_000_000)), 0, 0.1, ()),
        "server_cpu": {"reads": Spent(1, 2, 1400), "empty": Spent(0.5, 1, 1000)}, "others_cpu": 0.0, "disk_wait_s": None, "machine": {},
    }  # fmt: skip
    return Figures(Measured(**(parts | changes)))


def test_figures_are_worked_out_of_all_rounds():
    told = figures().to_json()
    assert (told["reads_per_s"], told["empty_per_s"], told["ratio"]) == (700, 1000, 0.7)
    assert told["ratio_by_cpu"] == pytest.approx(0.7)
    assert (told["p99_ms"], told["listeners"], told["events"]) == (4.0, 2, 2)
    assert told["event_lag_p50_ms"] == 2.0
    assert 9 < told["event_lag_p99_ms"] <= 10
    assert (told["failures"], told["missed"], told["notes"]) == ([], [], [])


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"reads": [answered(600, statuses={200: 599, 500: 1})]}, "1 answers had status 500"),
        ({"steady": answered(350, unanswered=3)}, "3 requests were not answered"),
        ({"rows": 23}, "the projection has 23 rows, 24 were booked"),
        ({"heard": Heard(((0, 1, 3), (0, 2, 4), (1, 1, 3)), 0, 0.1, ())}, "1 events did not reach a listener"),
        (
            {"heard": Heard(((0, 1, 3), (0, 2, 4), (1, 1, 3), (1, 2, 4), (1, 2, 5)), 0, 0.1, ())},
            "1 events reached a listener more than once",
        ),
        ({"heard": Heard((), 2, 0.1, ("cut",))}, "2 of 2 listeners were cut off"),
    ],
)
def test_what_went_wrong_keeps_a_run_from_counting(changes, failure):
    assert failure in figures(**changes).failures


def test_goals_that_are_missed_are_said():
    missed = figures(reads=[answered(400)], steady=answered(200, 60.0)).missed
    assert [text.split()[0] for text in missed] == ["reads", "p99"]
    assert figures(others_cpu=0.5).notes == ["the machine was not quiet: other programs took 50% of its processors"]


def test_waits_for_the_disk_are_told_where_they_can_be_seen_in_the_latencies():
    assert figures(disk_wait_s=0.01).notes == []
    slow = figures(disk_wait_s=0.25)
    assert slow.notes == ["the disk kept programs waiting for 250 ms while p99 was measured"]
    assert slow.to_json()["disk_wait_ms"] == 250.0
    assert figures().to_json()["disk_wait_ms"] is None
