"""The access list and the mosquitto configuration that are written from what a site has enrolled."""

import pytest
from click.testing import CliRunner

from api.cli import heliograph
from api.configuration.mosquitto import access_list
from devices.topics import TopicError


def run(*arguments):
    return CliRunner().invoke(heliograph, [str(argument) for argument in arguments])


@pytest.fixture
def ca(tmp_path):
    folder = tmp_path / "ca"
    assert run("enrol", "ca", "--site", "roofs", "--out", folder).exit_code == 0
    for role, name in (("gateway", "gw-1"), ("gateway", "gw-2"), ("node", "node-1")):
        assert run("enrol", role, name, "--ca", folder, "--out", tmp_path / name).exit_code == 0
    return folder


def test_each_name_is_given_its_own_topics_and_nothing_else():
    written = access_list("net", ["gw-2", "gw-1"], ["node-1"])
    assert [line for line in written.splitlines() if line and not line.startswith("#")] == [
        "user gw-1",
        "topic write heliograph/v1/net/telemetry/gw-1",
        "topic write heliograph/v1/net/status/gw-1",
        "topic read heliograph/v1/net/ack/gw-1/#",
        "user gw-2",
        "topic write heliograph/v1/net/telemetry/gw-2",
        "topic write heliograph/v1/net/status/gw-2",
        "topic read heliograph/v1/net/ack/gw-2/#",
        "user node-1",
        "topic read heliograph/v1/net/telemetry/#",
        "topic read heliograph/v1/net/status/#",
        "topic write heliograph/v1/net/ack/+/node-1",
    ]


def test_a_name_or_network_called_like_a_part_of_a_topic_changes_nothing():
    written = access_list("telemetry", ["status"], ["gateway"])
    assert "topic read heliograph/v1/telemetry/telemetry/#" in written
    assert "topic read heliograph/v1/telemetry/status/#" in written
    assert "topic write heliograph/v1/telemetry/ack/+/gateway" in written
    assert "topic read heliograph/v1/telemetry/ack/status/#" in written


@pytest.mark.parametrize("name", ["#", "+", "a/b", "", "a b", "a\nuser x"])
def test_no_name_widens_the_list(name):
    with pytest.raises(TopicError):
        access_list("net", [name], [])
    with pytest.raises(TopicError):
        access_list("net", [], [name])


def test_whoever_is_revoked_leaves_the_list(ca, tmp_path):
    configure = ("broker-config", "--network", "net", "--ca", ca, "--out", tmp_path / "broker")
    assert run(*configure).exit_code == 0
    assert "user gw-1\n" in (tmp_path / "broker" / "acl").read_text()
    assert run("enrol", "revoke", "gw-1", "--ca", ca).exit_code == 0
    assert run(*configure).exit_code == 0
    acl = (tmp_path / "broker" / "acl").read_text()
    assert "gw-1" not in acl
    assert "user gw-2\n" in acl
    assert (tmp_path / "broker" / "crl.pem").read_bytes() == (ca / "crl.pem").read_bytes()


def test_the_configuration_admits_certificates_only(ca, tmp_path):
    options = ("--installed-at", "/etc/mosquitto/heliograph", "--port", 9000, "--bind", "192.0.2.1")
    assert run("broker-config", "--network", "net", "--ca", ca, "--out", tmp_path / "b", *options).exit_code == 0
    conf = (tmp_path / "b" / "mosquitto.conf").read_text().splitlines()
    for line in (
        "listener 9000 192.0.2.1",
        "require_certificate true",
        "use_identity_as_username true",
        "allow_anonymous false",
        "crlfile /etc/mosquitto/heliograph/crl.pem",
        "acl_file /etc/mosquitto/heliograph/acl",
    ):
        assert line in conf
    assert sum(line.startswith("listener") for line in conf) == 1


def test_a_file_of_somebody_elses_is_left_alone(ca, tmp_path):
    (tmp_path / "mosquitto.conf").write_text("listener 1883\n")
    refused = run("broker-config", "--network", "net", "--ca", ca, "--out", tmp_path)
    assert refused.exit_code == 2
    assert "was not written by this command" in refused.stderr
    assert (tmp_path / "mosquitto.conf").read_text() == "listener 1883\n"
