"""`heliograph api` as an operator runs it: beside a node that ingests, restarted, and with chain, node and journal away."""

import json
import signal
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from api.assembly import ACCESS, PROJECTION
from api.cli import heliograph
from api.configuration.api import ApiConfig
from tests.support.api_site import ApiUnderTest, Relay
from tests.support.node_site import eventually, minted_wh, node_site, send
from tests.support.secure_site import NETWORK

STOP_S = 5.0
REVOKING = "/v1/assets/roof/meters/met-1/key?boot=1&sequence=0"
"""A write that has to ask the chain: it prepares a transaction of the registry."""


@pytest.fixture(scope="module")
def system(tmp_path_factory, require):
    with node_site(tmp_path_factory.mktemp("system"), require) as running:
        rpc = json.loads(running.node.config.read_text().split("rpc_url = ")[1].splitlines()[0])
        running.relay = Relay(urlsplit(rpc).port)
        running.api = ApiUnderTest(running, running.relay.port)
        yield running
        running.api.close()


def asset_of(system):
    return system.api.json("/v1/assets/roof")


def booked(system):
    """What is shown of the asset's energy, apart from what changes with time alone."""
    asset = asset_of(system)
    return {name: asset[name] for name in ("attested_wh", "withheld_wh", "disputed_wh", "minted_wh")}


def test_it_starts_before_everything_it_shows_and_says_what_is_missing(system):
    api = system.api
    assert not system.journal.exists()
    made = api.command("key", "make", "--role", "operator", "--scope", "read", "--scope", "registry", "--label", "test")
    api.key = made["key"]
    api.start()
    eventually(lambda: set(api.stale()) == {"journal", "chain", "node"})
    assert api.json("/v1/assets")["items"] == []
    status, _, told = api.get("/readyz")
    assert (status, told["ready"]) == (200, True)
    assert {line.split(":")[0] for line in told["degradations"]} == {"journal", "chain", "node"}
    assert all("stale since" in line for line in told["degradations"])
    status, headers, problem = api.get(REVOKING, method="DELETE")
    assert (status, problem["type"]) == (503, "/problems/chain-away")
    assert int(headers["Retry-After"]) > 0


def test_what_comes_is_shown_while_the_node_ingests(system):
    api = system.api
    system.relay.open()
    system.node.start()
    eventually(lambda: api.stale() == {}, 30)
    send(system, 0, 31)
    assert system.sender.wait_until_empty(15)
    eventually(lambda: booked(system)["minted_wh"] == 270, 30)  # the last three rises await confirmation
    assert booked(system) == {"attested_wh": 270, "withheld_wh": 30, "disputed_wh": 0, "minted_wh": 270}
    assert asset_of(system)["last_reading_at"] == _instant(system.start_ms + 30 * 60_000)
    figures = api.json("/healthz")
    assert (figures["api"], figures["network"]) == ("api-1", NETWORK)
    assert figures["energy_wh"] == {"attested": 270, "withheld": 30, "disputed": 0}
    assert api.get("/healthz", port=api.health_port)[2]["energy_wh"] == figures["energy_wh"]


def test_it_is_restarted_and_shows_the_same_at_once(system):
    api = system.api
    before = booked(system)
    code, took_s, stdout = api.end(signal.SIGTERM)
    assert (code, stdout) == (0, b"")
    assert took_s < STOP_S
    send(system, 31, 61)  # nobody looks
    assert system.sender.wait_until_empty(15)
    api.start()
    assert booked(system)["attested_wh"] >= before["attested_wh"]
    eventually(lambda: booked(system)["minted_wh"] == 570, 30)
    assert api.end(signal.SIGKILL)[0] == -signal.SIGKILL
    api.start()
    assert booked(system)["minted_wh"] == 570  # out of its own file, before journal and chain were read again
    assert api.get(REVOKING, method="DELETE")[0] == 200


def test_a_restart_with_nothing_there_shows_what_was_known(system):
    api = system.api
    known = booked(system)
    assert api.end(signal.SIGTERM)[0] == 0
    system.relay.cut()
    elsewhere = _move_journal(system, away=True)
    api.start()
    assert booked(system) == known
    eventually(lambda: set(api.stale()) == {"journal", "chain"})
    _move_journal(system, away=False)
    assert not elsewhere.exists()
    system.relay.open()
    eventually(lambda: api.stale() == {}, 30)


def test_without_the_chain_reads_go_on_and_writes_say_when_to_come_again(system):
    api, known = system.api, booked(system)
    cut_at = datetime.now(UTC)
    system.relay.cut()
    eventually(lambda: set(api.stale()) == {"chain"}, 30)
    since = datetime.fromisoformat(api.stale()["chain"])
    assert abs(since - cut_at) < timedelta(seconds=15)
    assert booked(system) == known
    status, headers, problem = api.get(REVOKING, method="DELETE")
    assert (status, problem["type"]) == (503, "/problems/chain-away")
    assert int(headers["Retry-After"]) > 0
    send(system, 61, 91)  # the node goes on by its own way to the chain
    assert system.sender.wait_until_empty(15)
    eventually(lambda: booked(system)["attested_wh"] == 870, 30)  # of the journal; the chain's word is missing
    assert booked(system)["minted_wh"] == known["minted_wh"]
    assert datetime.fromisoformat(api.stale()["chain"]) == since
    system.relay.open()
    eventually(lambda: booked(system)["minted_wh"] == 870, 30)
    assert api.stale() == {}


def test_without_the_node_it_says_since_when_nothing_new_comes(system):
    api, known = system.api, booked(system)
    system.node.end(signal.SIGKILL)
    eventually(lambda: set(api.stale()) == {"node"}, 30)
    assert booked(system) == known
    assert any(line.startswith("node: stale since") for line in api.json("/readyz")["degradations"])
    assert 'heliograph_source_well{source="node"} 0.0' in _metrics(api)
    system.node.start()
    eventually(lambda: api.stale() == {}, 30)
    assert 'heliograph_source_well{source="node"} 1.0' in _metrics(api)


def test_without_the_journal_reads_go_on_and_it_is_found_again(system):
    api, known = system.api, booked(system)
    assert system.node.end(signal.SIGTERM)[0] == 0
    _move_journal(system, away=True)
    eventually(lambda: set(api.stale()) == {"journal", "node"}, 30)
    assert booked(system) == known
    hours = api.json("/v1/assets/roof/production?per=hour")["items"]
    assert sum(hour["attested_wh"] for hour in hours) == known["attested_wh"]
    status, headers, problem = api.get("/v1/assets/roof/readings")
    assert (status, problem["type"]) == (503, "/problems/journal-away")  # they are in no other file
    assert int(headers["Retry-After"]) > 0
    _move_journal(system, away=False)
    system.node.start()
    send(system, 91, 121)
    assert system.sender.wait_until_empty(15)
    eventually(lambda: minted_wh(system) == 1170)
    eventually(lambda: booked(system)["minted_wh"] == 1170, 30)
    assert api.stale() == {}


def test_nothing_of_it_went_wrong_in_the_log_and_no_secret_is_there(system):
    assert system.api.end(signal.SIGTERM)[0] == 0
    text = system.api.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert not [line for line in lines if line["level"] == "error"]
    assert lines[-1]["message"] == "stopped"
    assert system.api.key.split("_")[2] not in text


def test_keys_are_revoked_while_it_runs(system):
    api = system.api
    api.start()
    assert api.get("/v1/assets")[0] == 200
    (key,) = api.command("key", "list")
    assert (key["role"], key["scopes"], key["label"]) == ("operator", ["read", "registry"], "test")
    done = CliRunner().invoke(heliograph, ["api", "key", "revoke", key["key_id"], "--config", str(api.config)])
    assert (done.exit_code, done.stdout) == (0, f"{key['key_id']}: 1 revoked\n")
    assert api.get("/v1/assets")[0] == 401
    assert api.command("audit")["rows"] >= 2
    assert api.end(signal.SIGINT)[0] == 0


def test_a_port_that_is_taken_is_said(system):
    api = system.api
    api.start()
    done = CliRunner().invoke(heliograph, ["api", "--config", str(api.config)])
    assert done.exit_code == 3
    assert f"port {api.port} cannot be used" in done.stderr
    assert api.end()[0] == 0


def test_files_have_the_names_that_commands_look_for(system):
    settings = ApiConfig.load(system.api.config).api
    assert settings.access_file == settings.state / ACCESS
    assert settings.access_file.exists()
    assert (settings.state / PROJECTION).exists()
    assert settings.state.stat().st_mode & 0o077 == 0


def _instant(time_ms):
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat().replace("+00:00", "Z")


def _metrics(api):
    with urlopen(f"http://127.0.0.1:{api.port}/metrics", timeout=10) as answer:
        return answer.read().decode()


def _move_journal(system, *, away):
    """Move the journal with its log away, or back."""
    elsewhere = system.journal.parent.with_name("moved")
    if away:
        system.journal.parent.rename(elsewhere)
    else:
        elsewhere.rename(system.journal.parent)
    return elsewhere
