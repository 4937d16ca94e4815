"""Figures of a process as Prometheus reads them."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.processes.health import health_app
from api.processes.metrics import FAMILIES, exposition
from api.server import serve

NODE = {
    "node": "node-1", "network": "demo", "broker_connected": True, "envelopes": 12, "readings": 1200, "duplicates": 3,
    "refused": 5, "refused_by_reason": {"bad_signature": 4, 'odd "one"\n': 1}, "chain_fault": "no answer",
    "chain_well": False, "journal": {"rows": 12, "bytes": 4096, "fault": None, "writable": True},
    "historian": {"row": 10, "lag_rows": 2, "well": False, "last_error": "HistorianError: down"}, "leads": False,
    "last_epoch": 7, "last_cutoff": 1_782_864_000,
}  # fmt: skip


def samples(text):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_figure_has_a_name_with_its_unit_and_text_has_none():
    found = samples(exposition(NODE).decode())
    assert found == {
        ("heliograph_process_info", "node-1", "demo", "node"): 1,
        ("heliograph_broker_connected",): 1,
        ("heliograph_envelopes_total",): 12,
        ("heliograph_readings_total",): 1200,
        ("heliograph_duplicates_total",): 3,
        ("heliograph_refused_total", "bad_signature"): 4,
        ("heliograph_refused_total", 'odd "one"\n'): 1,
        ("heliograph_chain_well",): 0,
        ("heliograph_journal_rows",): 12,
        ("heliograph_journal_bytes",): 4096,
        ("heliograph_journal_writable",): 1,
        ("heliograph_historian_row",): 10,
        ("heliograph_historian_lag_rows",): 2,
        ("heliograph_historian_well",): 0,
        ("heliograph_leads_reports",): 0,
        ("heliograph_report_epoch",): 7,
        ("heliograph_report_cutoff_timestamp_seconds",): 1_782_864_000,
    }


def test_a_process_without_a_historian_shows_none():
    found = samples(exposition({**NODE, "historian": None}).decode())
    assert not [name for name, *_ in found if "historian" in name]
    assert ("heliograph_envelopes_total",) in found


def test_types_and_help_are_given_once_for_each_family():
    text = exposition(NODE).decode()
    kinds = {family.name: (family.type, family.documentation) for family in text_string_to_metric_families(text)}
    assert kinds["heliograph_envelopes"] == ("counter", "New envelopes journaled since the start")
    assert kinds["heliograph_historian_lag_rows"][0] == "gauge"
    assert text.count("# TYPE heliograph_refused_total counter") == 1
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("found", "ready"), [([], 1), (["no connection to the broker"], 0)])
def test_metrics_are_served_beside_health(found, ready):
    app = health_app(lambda: NODE, lambda: found, lambda: ["historian: down"])
    with serve(app, 0) as address, httpx.Client(base_url=address) as client:
        answer = client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        read = samples(answer.text)
        assert (read["heliograph_ready",], read["heliograph_degradations",]) == (ready, 1)
        told = client.get("/readyz")
        assert (told.status_code, told.json()["degradations"]) == (200 if ready else 503, ["historian: down"])
