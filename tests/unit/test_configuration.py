"""Configuration files of processes: examples that pass, faults that are named, secrets that stay out."""

import io
import json
import logging
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from api.cli import heliograph
from api.configuration.gateway import EXAMPLE as GATEWAY
from api.configuration.gateway import GatewayConfig
from api.configuration.logs import JsonLines
from api.configuration.node import EXAMPLE as NODE
from api.configuration.node import NodeConfig
from api.configuration.rules import load_rules
from api.processes.health import health_app
from api.processes.node_process import last_boundary
from api.server import serve
from api.settling.clear_sky import clear_sky_ceiling
from devices.device_key import SigningKey
from oracle.errors import ConfigError
from oracle.keyring.files import create_keyring
from oracle.reporting.factors import EmissionFactor, FactorKind, Margins
from oracle.reporting.rules import MeterLimits, Rules, rules_from_document
from oracle.reporting.terms import AssetTerms, Tariff

RULES = """
ledger_interval = "1h"

[[tariff]]
id = "feed-in"
minor_per_mwh = 3000000
source = "contract 17 of 2025"

[[factor]]
id = "south"
g_per_mwh = 570000
kind = "combined_margin"
year = 2023
source = "published table"
licence = "public domain"
boundary = "southern grid, CO2"
operating_weight_ppm = 750000

[[factor]]
id = "average"
g_per_mwh = 500000
kind = "average_consumption"
year = 2023
source = "published table"
licence = "public domain"
boundary = "southern grid, CO2"

[[asset]]
id = "roof-1"
tariff = "feed-in"
factor = "south"

[[asset]]
id = "roof-2"
tariff = "feed-in"

[[meter]]
id = "met-2"
resolution_wh = 10
"""


def run(*arguments):
    return CliRunner().invoke(heliograph, [str(argument) for argument in arguments])


@pytest.mark.parametrize(("command", "example"), [("node", NODE), ("gateway", GATEWAY)])
def test_the_example_passes_the_check(command, example, tmp_path):
    printed = run(command, "--example")
    assert (printed.exit_code, printed.stdout) == (0, example)
    (tmp_path / "F.toml").write_text(printed.stdout)
    checked = run(command, "--config", tmp_path / "F.toml", "--check")
    assert (checked.exit_code, checked.stdout) == (0, f"{tmp_path / 'F.toml'}: ok\n")
    assert "is not there yet" in checked.stderr


@pytest.mark.parametrize(("command", "example"), [("node", NODE), ("gateway", GATEWAY)])
def test_what_is_not_there_keeps_a_process_from_starting(command, example, tmp_path):
    (tmp_path / "F.toml").write_text(example)
    refused = run(command, "--config", tmp_path / "F.toml")
    assert refused.exit_code == 2
    assert "is not there" in refused.stderr
    assert (refused.stdout, refused.stderr.count("\n")) == ("", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["F.toml"]


@pytest.mark.parametrize(
    ("command", "example", "old", "new", "complaint"),
    [
        ("node", NODE, 'name = "node-1"', 'name = "node 1"', "node.name: name 'node 1' is not an identifier"),
        ("node", NODE, 'name = "node-1" ', 'nome = "node-1" ', "node.name: Field required"),
        ("node", NODE, '"1h"', '"soon"', "node.settlement_interval: 'soon' is not a duration"),
        ("node", NODE, "mqtts://", "https://", "broker.url: a broker URL has the form"),
        ("node", NODE, "mqtts://", "mqtt://", "broker: certificates go with mqtts://"),
        ("node", NODE, 'key = "tls/node-1.key"', "", "broker: a client certificate and its key go together"),
        ("node", NODE, "mqtts://", "mqtts://me:secret@", "no password belongs in this file"),
        ("node", NODE, '"finalized"', '"soon"', "chain.finality: Input should be 'finalized' or 'latest'"),
        ("node", NODE, "port = 8081", "port = 99999", "health.port: Input should be less than or equal to 65535"),
        ("node", NODE, "[log]", "[log", "is not TOML"),
        ("gateway", GATEWAY, "copies = 1", "copies = 2", "copies is 2, but only 1 nodes are named"),
        ("gateway", GATEWAY, 'ack_key = "d7', 'ack_key = "', "node.0: 31 bytes are not a public key of eddsa"),
        ("gateway", GATEWAY, 'kind = "file"', 'kind = "modbus"', "source.kind: Input should be 'file'"),
        ("gateway", GATEWAY, "batch = 60", "batch = 10001", "gateway.batch: Input should be less than"),
        (
            "gateway",
            GATEWAY,
            "[health]",
            '[[meter]]\nid="a"\ndevice="inv-7"\nkey="b"\n[health]',
            "'inv-7' has two keys",
        ),
        ("gateway", GATEWAY, "[health]", '[[meter]]\nid="roof-1"\ndevice="b"\nkey="b"\n[health]', "more than once"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path, command, example, old, new, complaint):
    assert old in example
    (tmp_path / "F.toml").write_text(example.replace(old, new, 1))
    refused = run(command, "--config", tmp_path / "F.toml", "--check")
    assert refused.exit_code == 2
    assert complaint in refused.stderr
    assert str(tmp_path / "F.toml") in refused.stderr
    assert "secret" not in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize("command", ["node", "gateway"])
def test_without_a_file_the_example_is_pointed_to(command):
    refused = run(command)
    assert refused.exit_code == 2
    assert "--example" in refused.stderr


def test_paths_start_at_the_file_that_names_them(tmp_path):
    (tmp_path / "F.toml").write_text(NODE.replace('"rules.toml"', '"/etc/rules.toml"'))
    config = NodeConfig.load(tmp_path / "F.toml")
    assert config.node.journal == tmp_path / "state" / "journal.sqlite"
    assert config.node.rules == Path("/etc/rules.toml")
    assert config.broker.ca == tmp_path / "tls" / "ca.pem"


def test_what_is_there_is_read_by_the_check(tmp_path):
    config = tmp_path / "F.toml"
    config.write_text(NODE.replace("# account_key", "account_key"))
    create_keyring(tmp_path / "keys")
    (tmp_path / "rules.toml").write_text(RULES)
    assert str(tmp_path / "rules.toml") not in run("node", "--config", config, "--check").stderr
    for name, content, complaint in (
        ("keys/account.hex", "12ab", "account.hex: is readable by others"),
        ("address-book.json", "{}", "not an address book"),
        ("rules.toml", "[[tariff]]", "tariff.0.id: Field required"),
    ):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o644)
        refused = run("node", "--config", config, "--check")
        assert refused.exit_code == 2
        assert complaint in refused.stderr
        (tmp_path / name).unlink()
    (tmp_path / "keys" / "account.hex").write_text("12ab")
    (tmp_path / "keys" / "account.hex").chmod(0o600)
    refused = run("node", "--config", config, "--check")
    assert "holds no private key" in refused.stderr
    assert "12ab" not in refused.stderr


def test_secrets_come_from_the_environment(tmp_path, monkeypatch):
    (tmp_path / "F.toml").write_text(
        NODE.replace("mqtts://", "mqtt://")
        .replace("ca =", "# ca =", 1)
        .replace('certificate = "tls', '# certificate = "tls')
        .replace('key = "tls', '# key = "tls')
    )
    config = NodeConfig.load(tmp_path / "F.toml")
    assert config.broker.full_url() == "mqtt://broker.example:8883"
    monkeypatch.setenv("HELIOGRAPH_BROKER_URL", "mqtt://me:secret@other")
    monkeypatch.setenv("HELIOGRAPH_RPC_URL", "https://chain.example/secret")
    assert config.broker.full_url() == "mqtt://me:secret@other"
    assert config.chain.url() == "https://chain.example/secret"
    monkeypatch.setenv("HELIOGRAPH_BROKER_URL", "http://me:secret@other")
    with pytest.raises(ConfigError) as refused:
        config.broker.full_url()
    assert "secret" not in str(refused.value)


def test_a_device_key_that_others_can_read_is_refused(tmp_path):
    (tmp_path / "F.toml").write_text(GATEWAY)
    key = tmp_path / "keys" / "inv-7.pem"
    key.parent.mkdir()
    key.write_text(SigningKey.from_seed("es256", b"7" * 32).to_pem())
    key.chmod(0o640)
    config = GatewayConfig.load(tmp_path / "F.toml")
    with pytest.raises(ConfigError, match="readable by others"):
        config.check()
    key.chmod(0o600)
    assert str(key) not in config.check()
    key.write_text("no key")
    with pytest.raises(ConfigError, match="PKCS #8"):
        config.check()


def test_a_rules_file_states_rules(tmp_path):
    (tmp_path / "rules.toml").write_text(RULES)
    tariff = Tariff("feed-in", 3_000_000, "contract 17 of 2025")
    described = ("published table", "public domain", "southern grid, CO2")
    factor = EmissionFactor("south", 570_000, FactorKind.COMBINED_MARGIN, 2023, *described, Margins(750_000))
    stated = Rules(
        terms={"roof-1": AssetTerms("roof-1", tariff, factor), "roof-2": AssetTerms("roof-2", tariff, None)},
        limits={"met-2": MeterLimits("met-2", 1_100_000, 10, None)},
    )
    assert load_rules(tmp_path / "rules.toml").digest == stated.digest


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('factor = "south"', 'factor = "average"', "credits need a combined_margin factor"),
        ('factor = "south"', 'factor = "north"', "names factor 'north', which is not in the file"),
        ('tariff = "feed-in"', 'tariff = "none"', "names tariff 'none', which is not in the file"),
        ('id = "roof-2"', 'id = "roof-1"', "asset 'roof-1' is there more than once"),
        ("570000", '"570000"', "factor.0.g_per_mwh: Input should be a valid integer"),
        ("570000", "570000.5", "factor.0.g_per_mwh: Input should be a valid integer"),
        ("3000000", "-1", "tariff.0.minor_per_mwh"),
        ('"combined_margin"', '"guess"', "factor.0.kind"),
        ('"1h"', '"soon"', "ledger_interval: 'soon' is not a duration"),
        ("resolution_wh", "resolution", "meter.0.resolution: Extra inputs"),
    ],
)
def test_a_rules_file_that_states_none_is_refused_with_the_place(tmp_path, old, new, complaint):
    assert old in RULES
    (tmp_path / "rules.toml").write_text(RULES.replace(old, new, 1))
    with pytest.raises(ConfigError) as refused:
        load_rules(tmp_path / "rules.toml")
    assert complaint in str(refused.value)
    assert "rules.toml" in str(refused.value)


def test_the_rules_of_the_handbook_are_rules(repository, tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", (repository / "api" / "README.md").read_text(), re.DOTALL)
    (tmp_path / "rules.toml").write_text(block)
    assert load_rules(tmp_path / "rules.toml").terms_of("roof-1").factor.g_per_mwh == 570_000


@pytest.fixture(name="node_file")
def node_file_fixture(tmp_path):
    (tmp_path / "node.toml").write_text(NODE)
    return tmp_path / "node.toml"


def test_a_historian_is_configured_or_not(node_file, monkeypatch):
    """Its token comes by a private file or the environment."""
    text, path = node_file.read_text(), node_file.with_name("with-historian.toml")
    monkeypatch.delenv("INFLUX_TOKEN", raising=False)
    assert NodeConfig.load(node_file).historian is None
    section = '[historian]\nurl = "http://127.0.0.1:8086"\nbucket = "sun"\n'
    path.write_text(text + section)
    assert NodeConfig.load(path).historian.load_token() is None
    monkeypatch.setenv("INFLUX_TOKEN", "of the environment")
    assert NodeConfig.load(path).historian.load_token() == "of the environment"
    path.write_text(text + section + 'token_file = "influx.token"\n')
    token = path.with_name("influx.token")
    assert str(token) in NodeConfig.load(path).check()
    token.write_text("of the file\n")
    token.chmod(0o644)
    with pytest.raises(ConfigError, match=r"influx\.token: is readable by others"):
        NodeConfig.load(path).check()
    token.chmod(0o600)
    assert str(token) not in NodeConfig.load(path).check()
    assert NodeConfig.load(path).historian.load_token() == "of the file"
    for wrong, place in (
        (section.replace("http://", ""), "historian.url"),
        ('[historian]\nurl = "http://a"\n', "historian.bucket"),
        (section + 'password = "x"\n', "historian.password"),
    ):
        path.write_text(text + wrong)
        with pytest.raises(ConfigError, match=place):
            NodeConfig.load(path)


def test_the_commented_historian_of_the_example_is_one(node_file):
    uncommented = re.sub(
        r"^# (\[historian|url|bucket|token_file|org|archives)", r"\1", node_file.read_text(), flags=re.MULTILINE
    )
    path = node_file.with_name("uncommented.toml")
    path.write_text(uncommented)
    config = NodeConfig.load(path)
    assert (config.historian.bucket, config.historian.org) == ("heliograph", "-")
    assert config.node.archives_folder == NodeConfig.load(node_file).node.archives_folder


def test_intervals_are_aligned_to_the_epoch():
    assert [last_boundary(now, 900) for now in (0, 899.9, 900, 1799, 1_750_000_000.5)] == [
        0,
        0,
        900,
        900,
        1_749_999_600,
    ]


def test_readiness_says_what_is_in_the_way():
    found = []
    with (
        serve(health_app(lambda: {"envelopes": 7}, lambda: found), 0) as address,
        httpx.Client(base_url=address) as client,
    ):
        assert client.get("/healthz").json() == {"envelopes": 7}
        assert (client.get("/readyz").status_code, client.get("/readyz").json()["ready"]) == (200, True)
        found.append("no connection to the broker")
        assert client.get("/readyz").status_code == 503
        told = {"ready": False, "hindrances": ["no connection to the broker"], "degradations": []}
        assert client.get("/readyz").json() == told
        assert client.get("/healthz").status_code == 200
        port = int(address.rpartition(":")[2])
        with pytest.raises(OSError, match=f"port {port} cannot be used"), serve(health_app(dict, list), port):
            pass


def test_a_log_line_is_one_json_object():
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("test-json-lines")
    log.propagate = False
    log.addHandler(handler)
    log.warning('two\nlines "quoted" %s', "ü")
    try:
        raise ValueError("no")  # noqa: TRY301
    except ValueError:
        log.exception("broke")
    first, second = (json.loads(line) for line in written.getvalue().splitlines())
    assert first["message"] == 'two\nlines "quoted" ü'
    assert (first["level"], first["logger"], first["time"][-6:]) == ("warning", "test-json-lines", "+00:00")
    assert "ValueError: no" in second["error"]


HANGING = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from api.configuration import command
from api.configuration.settings import LogSettings

def hang(config, stop):
    print("up", flush=True)
    time.sleep(60)

command.STOP_S = 0.5
config = SimpleNamespace(log=LogSettings(), check=lambda: [])
command.carry_out(Path("x"), lambda path: config, hang, check=False)
"""


@pytest.mark.parametrize("signals", [1, 2])
def test_a_process_that_hangs_ends_all_the_same(signals):
    process = subprocess.Popen([sys.executable, "-c", HANGING], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"up\n"
    began = time.monotonic()
    for _ in range(signals):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
    process.communicate(timeout=10)
    assert process.returncode == (130 if signals == 1 else -signal.SIGTERM)
    assert time.monotonic() - began < 5


def test_a_ceiling_as_the_command_prints_it_is_part_of_the_rules(tmp_path):
    place = ["--asset", "roof-1", "--latitude", "22.38", "--longitude", "114.19"]
    printed = CliRunner().invoke(heliograph, ["ceiling", *place])
    assert printed.exit_code == 0, printed.output
    path = tmp_path / "rules.toml"
    path.write_text(RULES + printed.stdout)
    rules = load_rules(path)
    assert rules.ceilings == {"roof-1": clear_sky_ceiling(22.38, 114.19)}
    assert rules_from_document(rules.document()) == rules
    for wrong, complaint in (
        (RULES + printed.stdout * 2, "ceiling of asset 'roof-1' is there more than once"),
        (RULES + printed.stdout.replace("roof-1", "roof-9"), "a ceiling names asset 'roof-9'"),
        (RULES + '[[ceiling]]\nasset = "roof-1"\nppm = [[1]]\n', "a row has not 48 entries"),
        (RULES + '[[ceiling]]\nasset = "roof-1"\nppm = []\n', "a row has not 48 entries"),
    ):
        path.write_text(wrong)
        with pytest.raises(ConfigError, match=complaint):
            load_rules(path)


def test_confirmations_and_calibration_are_rules(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text(
        "confirmations = 6\n"
        + RULES.replace(
            "resolution_wh = 10",
            "resolution_wh = 10\ncalibration_due = 2027-01-01T00:00:00+08:00\npermissible_error_ppm = 15000",
        )
    )
    rules = load_rules(path)
    assert rules.confirmations == 6
    assert rules.limits["met-2"] == MeterLimits("met-2", 1_100_000, 10, None, 1_798_732_800_000, 15_000)
    assert rules_from_document(rules.document()) == rules
    path.write_text("confirmations = 0\n" + RULES)
    with pytest.raises(ConfigError, match="confirmations"):
        load_rules(path)
