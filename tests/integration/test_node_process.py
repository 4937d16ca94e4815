"""`heliograph node` as an operator runs it: over mutual TLS, with a chain, stopped and killed and started again."""

import json
import signal
import threading
from contextlib import closing

import pytest
from click.testing import CliRunner

from api.cli import heliograph
from api.ports import free_port
from devices.telemetry import decode
from oracle.journal.archive import Archive
from oracle.journal.journal import Journal
from tests.support.node_site import eventually, minted_wh, node_site, send
from tests.support.secure_site import NETWORK

STOP_S = 5.0


@pytest.fixture(scope="module")
def system(tmp_path_factory, require):
    with node_site(tmp_path_factory.mktemp("system"), require) as running:
        yield running


def test_a_lone_node_settles_stops_and_goes_on_without_loss(system):
    node = system.node
    node.start()
    send(system, 0, 31)
    assert system.sender.wait_until_empty(15)
    eventually(lambda: minted_wh(system) == 270)  # the last three rises await confirmation
    _, figures = node.ask("healthz")
    assert (figures["envelopes"], figures["leads"], figures["broker_connected"]) == (31, True, True)
    assert figures["last_epoch"] >= 1

    code, took_s, stdout = node.end(signal.SIGTERM)
    assert (code, stdout) == (0, b"")
    assert took_s < STOP_S

    send(system, 31, 61)  # nobody is there
    node.start()
    assert system.sender.wait_until_empty(15)
    send(system, 61, 91)
    code, _, _ = node.end(signal.SIGKILL)
    assert code == -signal.SIGKILL
    node.start()
    assert system.sender.wait_until_empty(15)
    eventually(lambda: minted_wh(system) == 870)
    code, took_s, _ = node.end(signal.SIGINT)
    assert code == 0
    assert took_s < STOP_S

    journal = Journal.open(system.journal, NETWORK)
    assert journal.tallies()[0] == 91
    assert journal.faults() == []
    journal.close()
    lines = [json.loads(line) for line in node.log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= lines[0].keys()
    assert lines[-1]["message"] == "stopped"
    assert not [line for line in lines if line["level"] == "error"]


def journal_command(*arguments):
    done = CliRunner().invoke(heliograph, ["journal", *map(str, arguments)])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_a_node_goes_on_while_and_after_its_envelopes_move_to_an_archive(system):
    node, archive = system.node, system.journal.parent / "archives" / "first.parquet"
    node.start()
    archive.parent.mkdir()
    moved = journal_command(
        "archive", "--journal", system.journal, "--network", NETWORK, "--before", "2100-01-01", archive
    )
    assert moved == f"{archive}: 90 envelopes\n"
    send(system, 91, 121)
    with closing(Archive(archive)) as archived:
        system.sender.send_many([decode(row.wire, network=NETWORK) for row, _ in archived.rows()])
    assert system.sender.wait_until_empty(15)
    eventually(lambda: minted_wh(system) == 1170)
    _, figures = node.ask("healthz")
    assert (figures["envelopes"], figures["duplicates"]) == (30, 90)
    assert (figures["journal"]["rows"], figures["chain_fault"]) == (121, None)
    assert journal_command("check", system.journal, "--archive", archive).startswith(
        f"{system.journal}: nothing is wrong"
    )
    assert node.end(signal.SIGTERM)[0] == 0


def test_a_node_does_not_start_without_an_archive_of_its_journal(system, in_process):
    archives = system.journal.parent / "archives"
    archives.rename(archives.with_name("elsewhere"))
    done = in_process(system.node.config)
    archives.with_name("elsewhere").rename(archives)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "row 1 was moved to archive first.parquet, which is not given here" in done.stderr


def test_a_node_whose_journal_was_restored_goes_on_and_signs_no_epoch_twice(system):
    node, journal, copy = system.node, system.journal, system.folder / "copy"
    journal_command("backup", "--journal", journal, "--network", NETWORK, copy)
    before = Journal.open(journal, NETWORK)
    last_signed = before.last_signed_epoch()
    before.close()
    for left in journal.parent.glob("journal.sqlite*"):
        left.unlink()
    journal_command("restore", copy, journal)
    node.start()
    send(system, 121, 151)
    assert system.sender.wait_until_empty(15)
    eventually(lambda: minted_wh(system) == 1470)
    assert node.end(signal.SIGTERM)[0] == 0
    assert (
        f"restored from a copy; no report of epochs {last_signed + 1} to {last_signed + 15} is signed"
        in node.log.read_text()
    )
    after = Journal.open(journal, NETWORK, archives=[journal.parent / "archives"])
    published = [record.report.epoch for record in after.reports()]
    assert set(published).isdisjoint(range(last_signed + 1, last_signed + 16))
    assert last_signed + 16 in published
    assert (after.tallies()[0], after.faults()) == (151, [])
    after.close()


@pytest.fixture
def in_process(monkeypatch):
    """Run the command in this process, whose log and signals stay as they are."""
    monkeypatch.setattr("api.configuration.command.start_log", lambda _settings: None)
    monkeypatch.setattr("api.configuration.command._stop_on_signals", threading.Event)
    return lambda config: CliRunner().invoke(heliograph, ["node", "--config", str(config)])


def test_without_a_chain_the_node_says_so_and_does_not_start(system, in_process, monkeypatch):
    monkeypatch.setenv("HELIOGRAPH_RPC_URL", f"http://127.0.0.1:{free_port()}")
    done = in_process(system.node.config)
    assert done.exit_code == 3
    assert "the chain does not answer" in done.stderr
    assert done.stdout == ""


def test_a_journal_of_another_network_is_refused(system, in_process, tmp_path):
    journal = tmp_path / "journal.sqlite"
    Journal.open(journal, "elsewhere").close()
    config = system.folder / "other.toml"
    config.write_text(system.node.config.read_text().replace("state/journal.sqlite", str(journal)))
    done = in_process(config)
    assert done.exit_code == 2
    assert "is the journal of network elsewhere" in done.stderr
