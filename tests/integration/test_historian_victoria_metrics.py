"""VictoriaMetrics takes what is written for InfluxDB, and answers no InfluxQL: written and pinged here, read by its own export."""

import json
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from devices.telemetry import Reading
from oracle.historian.influx import InfluxHistorian
from oracle.historian.port import HistorianError
from tests.support.influx_servers import find, victoria_metrics
from tests.support.meter_envelopes import START_MS, envelope, minutes


@pytest.fixture(scope="module", name="url")
def url_fixture(tmp_path_factory, require):
    executable = find("victoria-metrics")
    require("victoria-metrics", executable, "apt-get install victoria-metrics")
    server, url = victoria_metrics(tmp_path_factory.mktemp("victoria") / "metrics", executable)
    with server:
        yield url


@pytest.fixture(name="historian")
def historian_fixture(url):
    historian = InfluxHistorian(url, "sun", writer="node-1")
    yield historian
    historian.close()


def exported(url, name, meter):
    """{time [ms UTC]: number} of one series."""
    with urlopen(f"{url}/internal/force_flush"):
        pass
    asked = urlencode({"match[]": f'{{__name__="meter_reading_{name}", meter="{meter}"}}', "start": 0})
    with urlopen(f"{url}/api/v1/export?{asked}") as answer:
        series = [json.loads(line) for line in answer]
    return {time_ms: number for one in series for time_ms, number in zip(one["timestamps"], one["values"], strict=True)}


def test_it_answers_a_ping(historian):
    assert historian.ping()


def test_what_is_written_is_there_to_the_millisecond(url, historian):
    historian.write([envelope(minutes(0, 6000)), envelope([Reading(START_MS - 1, None, 17)], boot=2)])
    assert exported(url, "export_wh", "roof-1") == {row.time_ms: row.export_wh for row in minutes(0, 6000)}
    assert exported(url, "import_wh", "roof-1") == {START_MS - 1: 17}
    assert set(exported(url, "power_w", "roof-1").values()) == {600}


def test_writing_again_adds_nothing_to_see(url, historian):
    for _ in range(3):
        historian.write([envelope(minutes(0, 60), meter="roof-3")])
    assert exported(url, "export_wh", "roof-3") == {row.time_ms: row.export_wh for row in minutes(0, 60)}


def test_it_says_that_it_does_not_answer_influxql(historian):
    for call in (historian.progress, lambda: historian.samples("roof-1", 0, START_MS)):
        with pytest.raises(HistorianError, match="does not answer InfluxQL"):
            call()
