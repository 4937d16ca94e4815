"""What is in operations/ fits the programs: names exist, files are read by those they are for, commands are commands."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from api.access.database import AccessFile
from api.access.keys import KeyStore
from api.access.principal import Role
from api.cli import heliograph
from api.configuration.api import EXAMPLE as API
from api.configuration.gateway import EXAMPLE as GATEWAY
from api.configuration.node import EXAMPLE as NODE
from api.processes.metrics import FAMILIES, PREFIX
from contracts import artifact
from oracle.historian.influx import PROGRESS
from oracle.historian.line_protocol import ABSENT, MEASUREMENT
from oracle.journal.journal import Journal
from tests.support.influx_servers import find
from tests.support.meter_envelopes import NETWORK, day

SCHEMA = {
    MEASUREMENT: {"export_wh", "import_wh", "power_w", ABSENT, "device", "meter"},
    PROGRESS: {"row", "writer", "generation"},
}
"""Fields and tags that the historian writes, by measurement."""


@pytest.fixture(scope="module", name="operations")
def operations_folder(repository):
    return repository / "operations"


def queries(operations):
    dashboard = json.loads((operations / "grafana/dashboard.json").read_text())
    (group,) = yaml.safe_load((operations / "grafana/alerts.yaml").read_text())["groups"]
    return [
        *[target["query"] for panel in dashboard["panels"] for target in panel["targets"]],
        *[each["model"]["query"] for rule in group["rules"] for each in rule["data"] if "query" in each["model"]],
    ]


def test_every_query_asks_for_what_the_historian_writes(operations):
    asked = queries(operations)
    assert len(asked) > 15
    for query in asked:
        (measurement,) = set(re.findall(r'FROM "(\w+)"', query))
        aliases = set(re.findall(r'AS "([^"]+)"', query))
        named = set(re.findall(r'"([^"]+)"', query)) - {measurement} - aliases
        assert named, query
        assert named <= SCHEMA[measurement], query


def test_grafana_files_name_one_data_source(operations):
    sources = yaml.safe_load((operations / "grafana/datasource.yaml").read_text())["datasources"]
    text = (operations / "grafana/dashboard.json").read_text() + (operations / "grafana/alerts.yaml").read_text()
    used = set(re.findall(r'(?:"uid": ?|datasourceUid: )"?(heliograph-historian|heliograph-\w*influx\w*)', text))
    assert used == {"heliograph-historian"}
    assert used < {source["uid"] for source in sources}


def metric_names():
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    return {PREFIX + family.name + suffix for family in FAMILIES for suffix in suffixes[family.kind]}


def alert_rules(operations):
    groups = yaml.safe_load((operations / "prometheus/alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_metric_of_an_alert_is_one_of_ours(operations):
    asked = {name for rule in alert_rules(operations) for name in re.findall(r"heliograph_\w+", rule["expr"])}
    assert len(asked) > 15
    assert asked <= metric_names()


def test_every_label_that_an_alert_selects_is_one_of_that_metric(operations):
    labels = {PREFIX + family.name: family.label for family in FAMILIES}
    for rule in alert_rules(operations):
        for name, selected in re.findall(r"(heliograph_\w+)\{([^}]*)\}", rule["expr"]):
            known = labels.get(name.removesuffix("_total"))
            assert set(re.findall(r"(\w+)(?:=~|!=|!~|=)", selected)) <= {known}, rule["alert"]


def test_every_alert_leads_to_a_part_of_the_runbook(operations):
    headings = re.findall(r"^#+ (.+)$", (operations / "RUNBOOK.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    (group,) = yaml.safe_load((operations / "grafana/alerts.yaml").read_text())["groups"]
    named = {rule["labels"]["runbook"] for rule in [*alert_rules(operations), *group["rules"]]}
    assert named <= anchors
    assert {rule["labels"]["severity"] for rule in alert_rules(operations)} == {"page", "ticket"}


def test_prometheus_rules_are_read_by_a_program_that_evaluates_them(operations, require):
    vmalert = find("vmalert")
    require("vmalert", vmalert, "apt-get install victoria-metrics")
    done = subprocess.run(
        [vmalert, "-dryRun", f"-rule={operations / 'prometheus/alerts.yaml'}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr


def test_prometheus_reads_the_rules_and_the_health_ports_of_the_examples(operations):
    settings = yaml.safe_load((operations / "prometheus/prometheus.yaml").read_text())
    assert all((operations / "prometheus" / name).is_file() for name in settings["rule_files"])
    (job,) = settings["scrape_configs"]
    scraped = {each["labels"]["process"]: each["targets"] for each in job["static_configs"]}
    for process, example in (("node", NODE), ("gateway", GATEWAY), ("api", API)):
        (port,) = re.findall(r"^\[health\]\nport = (\d+)", example, re.MULTILINE)
        assert scraped[process] == [f"127.0.0.1:{port}"]


def test_systemd_finds_nothing_wrong_with_the_units(operations, tmp_path, require):
    analyze = shutil.which("systemd-analyze")
    require("systemd-analyze", analyze, "apt-get install systemd")
    units = sorted((operations / "systemd").glob("heliograph-*"))
    assert len(units) == 5
    for unit in units:
        text = unit.read_text()
        commands = set(re.findall(r"^ExecStart(?:Pre)?=(\S+)", text, re.MULTILINE))
        assert commands <= {"/opt/heliograph/bin/heliograph", "/opt/heliograph/operations/backup"}
        for command in commands:
            text = text.replace(command, "/bin/true")  # nothing is installed there
        (tmp_path / unit.name).write_text(text)
    for unit in units:
        done = subprocess.run(
            [analyze, "verify", "--man=no", tmp_path / unit.name],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert (done.returncode, done.stderr) == (0, ""), unit.name


def test_what_units_and_containers_call_are_commands(operations):
    compose = yaml.safe_load((operations / "compose.yaml").read_text())
    ours = [service for service in compose["services"].values() if "heliograph" in service["image"]]
    called = {service["command"][0] for service in ours}
    for unit in (operations / "systemd").glob("heliograph-*.service"):
        called |= set(re.findall(r"^ExecStart=/opt/heliograph/bin/heliograph (\w+)", unit.read_text(), re.MULTILINE))
    assert called == {"node", "gateway", "api"}
    for command in called:
        assert CliRunner().invoke(heliograph, [command, "--help"]).exit_code == 0


def test_containers_use_volumes_and_files_that_are_there(operations):
    compose = yaml.safe_load((operations / "compose.yaml").read_text())
    for name, service in compose["services"].items():
        for mounted in service.get("volumes", []):
            source = mounted.split(":")[0]
            if not source.startswith("."):
                assert source in compose["volumes"], name
            elif not source.startswith("./site"):  # those are the operator's
                assert (operations / source).exists(), source
        assert service["network_mode"] == "host", name
    dockerfile = (operations / "Dockerfile").read_text()
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE):
        for source in copied.split():
            assert (operations.parent / source).exists(), source


def test_nginx_reads_the_proxy_configuration(operations, tmp_path, require):
    nginx, openssl = find("nginx"), shutil.which("openssl")
    require("nginx", nginx, "apt-get install nginx")
    require("openssl", openssl, "apt-get install openssl")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=sun.example",
         "-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    text = (operations / "nginx/heliograph.conf").read_text().replace("/etc/ssl/sun.example", str(tmp_path))
    text = re.sub(r"listen (?:\[::\]:)?(80|443)", r"listen 127.0.0.1:\g<1>80", text)
    whole = f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{_without_doubles(text)}\n}}\n"
    (tmp_path / "nginx.conf").write_text(whole)
    done = subprocess.run(
        [nginx, "-t", "-p", tmp_path, "-e", "stderr", "-c", tmp_path / "nginx.conf"],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def _without_doubles(text):
    """The lines for IPv6 became those for IPv4: keep one of each in a row."""
    lines = text.split("\n")
    return "\n".join(
        line for before, line in zip(["", *lines], lines, strict=False) if not (line == before and "listen" in line)
    )


def test_every_contract_function_in_the_runbook_is_one(operations):
    named = re.findall(r"`([A-Z]\w+)\.(\w+)`", (operations / "RUNBOOK.md").read_text())
    assert len(set(named)) >= 3
    for contract, function in named:
        assert function in {each.get("name") for each in artifact(contract).abi}, (contract, function)


@pytest.mark.parametrize("name", ["RUNBOOK.md", "README.md", "../SECURITY.md"])
def test_every_command_in_the_documents_is_one_with_these_options(operations, name):
    text = re.sub(r"\s+", " ", (operations / name).read_text().replace("\n    ", "\n\n"))
    found = 0
    for words, rest in re.findall(r"[` ](?:\$H|heliograph)((?: [a-z][a-z-]+)+)([^`]*?)(?=`| \$H |$)", text):
        command, path = heliograph, []
        for word in words.split():
            known = command.get_command(None, word) if hasattr(command, "get_command") else None
            if known is None:
                break
            command, path = known, [*path, word]
        if not path:
            continue
        found += 1
        options = {option for parameter in command.params for option in parameter.opts}
        asked = re.findall(r"(?<=\s)--[a-z-]+", rest.split("  ")[0].split("|")[0])
        assert set(asked) <= options | {"--help"}, (path, rest)
    assert found >= (1 if "SECURITY" in name else 5)


def test_the_backup_copies_what_cannot_be_made_again_and_keeps_the_newest(operations, tmp_path):
    journal = Journal.open(tmp_path / "journal.sqlite", NETWORK)
    journal.record_envelopes(day(hours=2), 0)
    state = tmp_path / "api"
    access = AccessFile(state / "access.sqlite")
    (state / "projection.sqlite").write_bytes(b"rebuilt")
    (state / "notices.key").write_bytes(b"kept")
    KeyStore(access).make(role=Role.AUDITOR, scopes=frozenset({"read"}), label="", now_ms=1)
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives/old.parquet").write_bytes(b"never changes")
    target = tmp_path / "backup"
    target.mkdir()
    for month in range(1, 10):
        (target / f"journal-2020-0{month}-01.sqlite").touch()
    command = tmp_path / "bin/heliograph"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m api.cli "$@"\n')
    command.chmod(0o755)
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(operations.parent), "HELIOGRAPH": str(command),
        "PYTHON": sys.executable, "NETWORK": NETWORK, "JOURNAL": str(tmp_path / "journal.sqlite"),
        "STATE": str(state), "TO": str(target), "KEEP": "3",
    }  # fmt: skip
    done = subprocess.run(
        [operations / "backup"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    journal.close()
    access.close()
    assert done.returncode == 0, done.stderr
    (kept_access,) = target.glob("api-*.sqlite")
    kept = sorted(target.glob("journal-*.sqlite"))
    assert [path.name for path in kept[:2]] == ["journal-2020-08-01.sqlite", "journal-2020-09-01.sqlite"]
    assert len(kept) == 3
    assert CliRunner().invoke(heliograph, ["journal", "check", str(kept[2])]).exit_code == 0
    copied = AccessFile(kept_access)
    assert [key.role for key in KeyStore(copied).all()] == [Role.AUDITOR]
    copied.close()
    assert (target / "notices.key").read_bytes() == b"kept"
    assert (target / "archives/old.parquet").read_bytes() == b"never changes"
    assert {Path(path).stat().st_mode & 0o077 for path in (kept_access, kept[2])} == {0}
