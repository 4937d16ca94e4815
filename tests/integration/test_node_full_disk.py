"""A node whose disk is full acknowledges nothing and says so, corrupts nothing, and goes on when there is room."""

import os
import subprocess
from contextlib import contextmanager

import pytest

from oracle.journal.backup import check
from oracle.journal.journal import Journal
from tests.support.node_site import eventually, minted_wh, node_site, send
from tests.support.secure_site import NETWORK

DISK_BYTES = 3 << 20
FILLER_BYTES = 2 << 20


@contextmanager
def small_disk(folder):
    """Mount a real file system of its own size."""
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("a small file system is mounted by root only")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "heliograph-test", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(name="system")
def system_fixture(tmp_path, require):
    with small_disk(tmp_path / "disk") as disk, node_site(tmp_path, require, journal="disk/journal.sqlite") as running:
        running.disk = disk
        running.node.start()
        yield running


def in_journal(system):
    journal = Journal.open(system.journal, NETWORK)
    numbers = sorted(envelope.first_sequence for envelope in journal.envelopes())
    journal.close()
    return numbers


def test_a_full_disk_stops_acknowledgements_corrupts_nothing_and_is_survived(system):
    filler = system.disk / "filler"
    send(system, 0, 20)
    assert system.sender.wait_until_empty(15)
    filler.write_bytes(bytes(FILLER_BYTES))
    sent = 20
    while system.node.ask("readyz")[0] != 503:
        send(system, sent, sent + 500)
        sent += 500
        assert sent < 20_000
        system.sender.wait_until_empty(2)
    code, told = system.node.ask("readyz")
    assert (code, told["ready"]) == (503, False)
    assert any("the journal cannot be written" in hindrance for hindrance in told["hindrances"]), told
    assert system.node.ask("healthz")[1]["journal"]["writable"] is False
    assert "the journal cannot be written" in system.node.log.read_text()

    waiting = system.sender.pending()
    assert waiting > 0
    assert check(system.journal)[0] == []
    assert system.sender.pending() == waiting, "nothing is acknowledged meanwhile"

    filler.unlink()
    assert system.sender.wait_until_empty(60)
    eventually(lambda: system.node.ask("readyz")[0] == 200)
    assert in_journal(system) == list(range(sent)), "each once"
    assert check(system.journal)[0] == []
    eventually(lambda: minted_wh(system) >= 1000, 60)  # what is dated later waits for its time
