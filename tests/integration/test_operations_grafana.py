"""Every query of the Grafana dashboard and every alert rule, asked of a real InfluxDB that the historian has filled."""

import json
import operator
import re
import time
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from devices.telemetry import NO_PREVIOUS, Reading, Readings, encode
from oracle.historian.influx import InfluxHistorian
from tests.support.influx_servers import influx_behind_nginx
from tests.support.meter_envelopes import KEY, MINUTE_MS, NETWORK

BUCKET = "grafana"
HOURS = 100
METERS = ("sound", "fell", "stuck", "silent", "figureless")
FIRES = {
    "A meter is silent": {"silent"},
    "A register fell": {"fell"},
    "Power without energy": {"stuck"},
    "Readings without figures": {"figureless"},
    "No readings at all": set(),
}


def readings(meter, now_ms):
    """A reading every ten minutes for four days, up to now; each meter but one has a fault."""
    rows = []
    for n in range(HOURS * 6):
        at, age_h = now_ms - n * 10 * MINUTE_MS, n / 6
        register = 1_000_000 - n * 100
        if meter == "silent" and age_h < 30:
            continue
        if meter == "fell" and age_h < 1:
            register -= 5000
        if meter == "stuck" and age_h < 4:
            register = 1_000_000 - 24 * 100
        if meter == "figureless" and n % 3 and age_h < 10:
            rows.append(Reading(at, None))
        else:
            rows.append(Reading(at, register, power_w=600))
    return sorted(rows, key=lambda row: row.time_ms)


@pytest.fixture(scope="module", name="database")
def filled_database(tmp_path_factory, require):
    now_ms = int(time.time() * 1000)
    with influx_behind_nginx(tmp_path_factory.mktemp("influx"), require) as server:
        historian = InfluxHistorian(server.url, BUCKET, writer="node-1")
        historian.wipe()
        for meter in METERS:
            rows = Readings.of(readings(meter, now_ms))
            envelope = encode(
                rows, device=f"inv-{meter}", meter=meter, boot=1, first_sequence=0, previous=NO_PREVIOUS, key=KEY,
                network=NETWORK,
            )  # fmt: skip
            historian.write([envelope])
        historian.advance(historian.begin())
        yield server
        historian.close()


@pytest.fixture(name="ask")
def ask_fixture(database):
    """Ask as Grafana does: its macros are replaced, and the answer is series with tags."""

    def ask(query, from_s=86_400):
        query = (
            query.replace("$timeFilter", f"time >= now() - {from_s}s AND time <= now()")
            .replace("$__interval", "5m")
            .replace("${meter:regex}", f"({'|'.join(METERS)})")
        )
        assert "$" not in query.replace("$/", "/"), query
        asked = urlencode({"db": BUCKET, "q": query}).encode()
        with urlopen(f"{database.url}/query", asked) as answer:
            (result,) = json.load(answer)["results"]
        assert "error" not in result, (query, result)
        return result.get("series", [])

    return ask


def test_every_query_of_the_dashboard_finds_something(repository, ask):
    dashboard = json.loads((repository / "operations/grafana/dashboard.json").read_text())
    queries = [target["query"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) > 10
    nothing = [query for query in queries if not ask(query)]
    # Only this one may be empty: none of these meters has an import register.
    assert [query for query in nothing if "import_wh" not in query] == []
    (variable,) = dashboard["templating"]["list"]
    assert {row[1] for series in ask(variable["query"]) for row in series["values"]} == set(METERS)


def test_figures_of_the_dashboard_are_those_of_the_meters(repository, ask):
    dashboard = json.loads((repository / "operations/grafana/dashboard.json").read_text())
    shown = {
        panel["title"]: ask(panel["targets"][0]["query"])[0]["values"][-1][1]
        for panel in dashboard["panels"]
        if panel["type"] == "stat" and "journal" not in panel["title"]
    }
    assert shown["Power now"] == 600 * 4  # one is silent
    assert shown["Meters that reported"] == 4  # in the last day
    assert shown["Readings without any figure"] == 40
    day_wh = 6 * 24 * 100
    assert 3 * day_wh < shown["Registers rose by"] <= 4 * day_wh + 6000


def reduced(data, ask):
    """The values of a rule's condition by meter, worked out as Grafana's expressions say."""
    found = {}
    for query in data:
        ref, model = query["refId"], query["model"]
        kind = model.get("type")
        if query["datasourceUid"] != "__expr__":
            found[ref] = {
                series.get("tags", {}).get("meter", ""): [row[1] for row in series["values"]]
                for series in ask(model["query"], query["relativeTimeRange"]["from"])
            }
        elif kind == "reduce":
            assert model["reducer"] == "last"
            found[ref] = {meter: rows[-1] for meter, rows in found[model["expression"]].items()}
        elif kind == "math":
            names = re.findall(r"\$(\w+)", model["expression"])
            text = re.sub(r"\$(\w+)", r"\1", model["expression"]).replace("&&", "and")
            meters = set.intersection(*(set(found[name]) for name in names))
            found[ref] = {meter: int(eval(text, {}, {name: found[name][meter] for name in names})) for meter in meters}
        else:
            (condition,) = model["conditions"]
            holds = {"lt": operator.lt, "gt": operator.gt}[condition["evaluator"]["type"]]
            (limit,) = condition["evaluator"]["params"]
            found[ref] = {meter for meter, value in found[model["expression"]].items() if holds(value, limit)}
    return found


def test_each_alert_fires_for_the_meter_that_has_its_fault_and_no_other(repository, ask):
    (group,) = yaml.safe_load((repository / "operations/grafana/alerts.yaml").read_text())["groups"]
    fired = {rule["title"]: reduced(rule["data"], ask)[rule["condition"]] for rule in group["rules"]}
    assert fired == FIRES
