"""A node with a time-series database beside it: slow, down or wiped, it delays no acknowledgement and ends up complete."""

import signal
import socket
import threading
import time
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from oracle.historian.embedded import EmbeddedHistorian
from oracle.journal.journal import Journal
from tests.support.influx_servers import influx_behind_nginx
from tests.support.node_site import eventually, node_site, send
from tests.support.secure_site import NETWORK

BUCKET = "sun"
ALWAYS = (0, 2**53)
ACK_S = 3.0
"""All that is sent at once is acknowledged within this; a request to a deaf database waits as long for its timeout."""


@pytest.fixture(scope="module", name="influx")
def influx_fixture(tmp_path_factory, require):
    with influx_behind_nginx(tmp_path_factory.mktemp("influx"), require) as server:
        server.query("", f'CREATE DATABASE "{BUCKET}"')
        yield server


@pytest.fixture(scope="module", name="system")
def system_fixture(tmp_path_factory, require, influx):
    section = f'[historian]\nurl = "{influx.url}"\nbucket = "{BUCKET}"\n'
    with node_site(tmp_path_factory.mktemp("system"), require, more=section) as running:
        running.node.start()
        yield running


def send_and_time(system, first, last):
    began = time.monotonic()
    send(system, first, last)
    assert system.sender.wait_until_empty(15)
    return time.monotonic() - began


def historian(system):
    return system.node.ask("healthz")[1].get("historian") or {"well": None, "row": None, "lag_rows": None}


def complete(system):
    figures = historian(system)
    return figures["well"] and figures["row"] == system.node.ask("healthz")[1]["journal"]["rows"]


def assert_same_series(influx, system):
    journal = Journal.open(system.journal, NETWORK)
    totals = EmbeddedHistorian(journal).totals("met-1", *ALWAYS)
    journal.close()
    ((_, *figures),) = influx.query(BUCKET, "SELECT count(export_wh), sum(export_wh) FROM meter_reading")
    assert figures == [totals.exports, totals.export_wh]


def metrics(system):
    with urllib.request.urlopen(f"http://127.0.0.1:{system.node.port}/metrics", timeout=2) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {sample.name: sample.value for family in families for sample in family.samples}


def test_the_node_writes_its_readings_on(system, influx):
    assert send_and_time(system, 0, 50) < ACK_S
    eventually(lambda: complete(system))
    assert_same_series(influx, system)
    shown = metrics(system)
    assert (shown["heliograph_historian_lag_rows"], shown["heliograph_historian_well"]) == (0, 1)
    assert shown["heliograph_historian_row"] == shown["heliograph_journal_rows"] == 50


def test_a_database_that_is_down_makes_the_node_degraded_and_delays_nothing(system, influx):
    influx.database.stop()
    assert send_and_time(system, 50, 100) < ACK_S
    eventually(lambda: not historian(system)["well"])
    code, told = system.node.ask("readyz")
    assert (code, told["ready"], told["hindrances"]) == (200, True, [])
    assert told["degradations"][0].startswith("historian: HistorianError")
    eventually(lambda: historian(system)["lag_rows"] == 50)
    shown = metrics(system)
    assert (shown["heliograph_historian_lag_rows"], shown["heliograph_historian_well"], shown["heliograph_ready"]) == (
        50,
        0,
        1,
    )
    influx.database.start()
    eventually(lambda: complete(system), 60)
    assert system.node.ask("readyz")[1]["degradations"] == []
    assert_same_series(influx, system)


def test_a_database_that_is_wiped_in_mid_run_is_filled_again(system, influx):
    sender = threading.Thread(target=lambda: [send(system, n, n + 2) for n in range(100, 200, 2)])
    sender.start()
    for measurement in ("historian_progress", "meter_reading", "historian_progress"):
        influx.query(BUCKET, f'DROP MEASUREMENT "{measurement}"')
    sender.join()
    assert system.sender.wait_until_empty(15)
    eventually(lambda: complete(system))
    assert_same_series(influx, system)


def test_a_database_that_never_answers_delays_neither_acknowledgement_nor_stop(system, influx):
    influx.proxy.stop()
    port = int(influx.url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)) as deaf:
        assert send_and_time(system, 200, 250) < ACK_S
        with deaf.accept()[0]:  # the projection is in the middle of a request
            code, took_s, _ = system.node.end(signal.SIGTERM)
    assert (code, took_s < 5) == (0, True)
    influx.proxy.start()
    system.node.start()
    eventually(lambda: complete(system))
    assert_same_series(influx, system)
