"""A journal is copied while it is written, checked before it counts, and put back without signing anything twice."""

import sqlite3
import threading
import time
from contextlib import closing

import pytest
from click.testing import CliRunner

from api.cli import heliograph
from oracle.attestation.proof import encode_proof
from oracle.attestation.verification import verify_proof
from oracle.errors import JournalError
from oracle.journal import backup as copies
from oracle.journal.backup import backup, check, close_copied_epochs, restore
from oracle.journal.journal import Journal
from oracle.journal.proving import prove_asset
from tests.support.listed_devices import NETWORK as DEVICE_NETWORK
from tests.support.listed_devices import ListedDevice
from tests.support.reported_journal import filled, hours, report

NETWORK = "demo"


@pytest.fixture(name="path")
def path_fixture(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture(name="journal")
def journal_fixture(path, fleet, steady):
    journal = Journal.open(path, NETWORK)
    filled(journal, fleet, steady)
    yield journal
    journal.close()


@pytest.fixture(name="restored")
def restored_fixture(journal, path, tmp_path):  # noqa: ARG001  there must be one
    """The journal as it comes back from a copy."""
    backup(path, NETWORK, tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "restored.sqlite")
    again = Journal.open(tmp_path / "restored.sqlite", NETWORK)
    yield again
    again.close()


def alter(path, statement):
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount


def proof(journal, fleet):
    return prove_asset(
        journal, "rooftop-1", network=NETWORK, domain=fleet.domain, signer_set=fleet.signer_set, rules=fleet.rules
    )


def test_a_copy_taken_while_others_write_is_one_moment_of_the_journal(
    journal, path, tmp_path, fleet, steady, monkeypatch
):
    monkeypatch.setattr(copies, "PAGES_A_STEP", 2)
    before = journal.last_row()
    sent = hours(fleet, steady, 6, 400)
    steps, written, enough = [], [], threading.Event()

    def write():
        other = Journal.open(path, NETWORK)  # as another process would
        for envelope in sent:
            if enough.is_set():
                break
            other.record_envelopes([envelope], 9000)
            written.append(envelope.digest)
        other.close()

    def on_progress(what, done, _):
        if what == "copying pages":
            steps.append((done, len(written)))
            time.sleep(0.002)  # a copy that began anew with every write would never end

    writer = threading.Thread(target=write)
    writer.start()
    while not written:
        time.sleep(0.001)
    backup(path, NETWORK, tmp_path / "copy", on_progress=on_progress)
    enough.set()
    writer.join()
    assert steps[0][1] < steps[-1][1], "somebody wrote meanwhile"
    assert [done for done, _ in steps] == sorted(done for done, _ in steps), "it never began anew"
    found, rows = check(tmp_path / "copy")
    assert (found, rows > 0) == ([], True)
    copy = Journal.open(tmp_path / "copy", NETWORK)
    digests = [envelope.digest for envelope in copy.envelopes()]
    assert digests == [envelope.digest for envelope in journal.envelopes()][: len(digests)]
    assert before < len(digests) < journal.last_row()
    copy.close()
    assert journal.faults() == []


def test_a_restored_journal_answers_as_the_lost_one_did(journal, restored, fleet, steady):
    assert restored.faults() == []
    assert encode_proof(proof(restored, fleet)) == encode_proof(proof(journal, fleet))
    verify_proof(proof(restored, fleet), fleet.anchor(), lambda _: None)
    assert [e.wire for e in restored.envelopes()] == [e.wire for e in journal.envelopes()]
    assert restored.reports() == journal.reports()
    assert restored.entries() == journal.entries()
    fresh = hours(fleet, steady, 6, 2)
    cutoff_s = fresh[-1].last_ms // 1000 + 1
    close_copied_epochs(restored, 100, 1)
    for each in (journal, restored):
        assert each.record_envelopes([*journal.envelopes(), *fresh], 9000) in {len(fresh), 0}
    assert report(restored, fleet, cutoff_s).report == report(journal, fleet, cutoff_s).report


def test_a_copy_signs_nothing_until_the_epochs_of_its_original_are_closed(journal, restored):
    journal.record_signed(4, b"\1" * 32, b"\1" * 65, "{}")  # after the copy was taken
    assert (journal.is_copy(), restored.is_copy()) == (False, True)
    with pytest.raises(JournalError, match="this journal is a copy"):
        restored.record_signed(4, b"\2" * 32, b"\2" * 65, "{}")
    close_copied_epochs(restored, 4, 15)
    assert not restored.is_copy()
    for epoch in (4, 18):
        with pytest.raises(JournalError, match="has signed another report"):
            restored.record_signed(epoch, b"\2" * 32, b"\2" * 65, "{}")
    assert restored.last_signed_epoch() == 18
    restored.record_signed(19, b"\2" * 32, b"\2" * 65, "{}")
    assert restored.faults() == []
    close_copied_epochs(restored, 19, 15)
    close_copied_epochs(journal, 5, 15)
    assert (restored.last_signed_epoch(), journal.last_signed_epoch()) == (19, 4), "without effect on what is no copy"


def test_a_copy_of_any_way_of_copying_back_is_still_one(journal, path, tmp_path):  # noqa: ARG001  there must be one
    """Also one that was moved into place by hand, or copied again."""
    backup(path, NETWORK, tmp_path / "copy")
    backup(tmp_path / "copy", NETWORK, tmp_path / "copy of the copy")
    for name in ("copy", "copy of the copy"):
        again = Journal.open(tmp_path / name, NETWORK)
        assert again.is_copy()
        again.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE envelope SET received_ms = 1 WHERE seq = 3", "envelope 3: does not fit its link"),
        ("UPDATE entry SET energy_wh = energy_wh + 1 WHERE seq = 1", "entry 1: does not fit its link"),
        ("DELETE FROM rejection WHERE seq = 1", "rejection 2: does not fit its link"),
    ],
)
def test_a_damaged_journal_is_neither_copied_nor_put_back(journal, path, tmp_path, statement, said):
    from oracle.journal.records import Rejected  # noqa: PLC0415

    journal.record_rejections([Rejected(5, "a/topic", "malformed", "no", b"x")] * 2)
    backup(path, NETWORK, tmp_path / "sound")
    alter(tmp_path / "sound", statement)
    alter(path, statement)
    with pytest.raises(JournalError, match=said):
        backup(path, NETWORK, tmp_path / "copy")
    with pytest.raises(JournalError, match=said):
        restore(tmp_path / "sound", tmp_path / "restored.sqlite")
    assert {one.name for one in tmp_path.iterdir()} <= {
        "sound",
        "journal.sqlite",
        "journal.sqlite-wal",
        "journal.sqlite-shm",
        "journal.sqlite-turn",
    }


def test_a_torn_copy_is_refused(journal, path, tmp_path):  # noqa: ARG001  there must be one
    backup(path, NETWORK, tmp_path / "copy")
    whole = (tmp_path / "copy").read_bytes()
    for torn in (whole[: len(whole) // 2], whole[:5000] + bytes(8000) + whole[13000:], b"not a journal at all" * 99):
        (tmp_path / "copy").write_bytes(torn)
        with pytest.raises(JournalError, match="copy"):
            restore(tmp_path / "copy", tmp_path / "restored.sqlite")
        assert not (tmp_path / "restored.sqlite").exists()


def test_an_older_journal_is_copied_into_this_schema(journal, path, tmp_path):
    journal.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "DROP TABLE archive; DROP TABLE archived; DROP TABLE disabled; PRAGMA user_version = 1;"
        )
    backup(path, NETWORK, tmp_path / "copy")
    assert check(tmp_path / "copy")[0] == []
    with pytest.raises(JournalError, match="older release"):
        check(path)


def run(*arguments):
    return CliRunner().invoke(heliograph, ["journal", *map(str, arguments)])


def test_the_commands_back_up_check_and_restore(journal, path, tmp_path, fleet):
    copy, again = tmp_path / "copy", tmp_path / "again.sqlite"
    done = run("backup", "--journal", path, "--network", NETWORK, copy)
    assert (done.exit_code, done.stdout) == (0, f"{copy}: a copy of {path}, checked\n")
    done = run("backup", "--journal", path, "--network", NETWORK, copy)
    assert (done.exit_code, f"{copy}: is there already" in done.stderr) == (2, True)
    assert run("backup", "--journal", path, "--network", NETWORK, copy, "--force").exit_code == 0
    done = run("check", copy)
    assert (done.exit_code, done.stdout.startswith(f"{copy}: nothing is wrong with ")) == (0, True)
    assert run("check", path).exit_code == 0, "while it is open"
    assert run("restore", copy, again).exit_code == 0
    restored = Journal.open(again, NETWORK)
    assert encode_proof(proof(restored, fleet)) == encode_proof(proof(journal, fleet))
    restored.close()
    done = run("restore", copy, again)
    assert (done.exit_code, f"{again}: is there already" in done.stderr) == (2, True)
    alter(again, "UPDATE envelope SET device = 'dev-9' WHERE seq = 2")
    done = run("check", again)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (1, "envelope 2: does not fit its link")
    assert "2 faults" in done.stderr


def test_what_the_commands_are_told_wrong_is_one_line(journal, path, tmp_path):  # noqa: ARG001  there must be one
    (tmp_path / "text").write_text("no journal " * 500)
    (tmp_path / "lost.sqlite-wal").write_text("left behind")
    backup(path, NETWORK, tmp_path / "copy")
    for said, *arguments in (
        ("is the journal of network demo", "backup", "--journal", path, "--network", "other", tmp_path / "x"),
        ("there is no such journal", "backup", "--journal", tmp_path / "no", "--network", NETWORK, tmp_path / "x"),
        ("not usable as a journal", "backup", "--journal", tmp_path / "text", "--network", NETWORK, tmp_path / "x"),
        ("cannot be written", "backup", "--journal", path, "--network", NETWORK, tmp_path / "no" / "x"),
        ("there is no such journal", "check", tmp_path / "no"),
        ("not usable as a journal", "check", tmp_path / "text"),
        ("not usable as a journal", "restore", tmp_path / "text", tmp_path / "x"),
        ("is left from another journal", "restore", tmp_path / "copy", tmp_path / "lost.sqlite"),
    ):
        done = run(*arguments)
        assert (done.exit_code, done.stdout, said in done.stderr) == (2, "", True), (said, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "lost.sqlite").exists()


def test_a_check_tells_what_devices_signed_and_is_not_here(tmp_path):
    device = ListedDevice(0)
    first, missing, after = (device.sign(2) for _ in range(3))
    path = tmp_path / "gap.sqlite"
    with closing(Journal.open(path, DEVICE_NETWORK)) as journal:
        journal.record_envelopes([first, after], 5)
        done = run("check", path)
        assert done.exit_code == 0
        assert f"missing before boot epoch 1, sequence 4 of dev-0: {missing.digest.hex()}\n" in done.stdout
        journal.record_envelopes([missing], 6)
    assert "missing" not in run("check", path).stdout


def test_a_copy_never_takes_the_place_of_a_journal(journal, path, tmp_path):
    with pytest.raises(JournalError, match="is the journal itself"):
        backup(path, NETWORK, path, replace=True)
    (tmp_path / "alias").symlink_to(path)
    with pytest.raises(JournalError, match="is the journal itself"):
        backup(path, NETWORK, tmp_path / "alias", replace=True)
    other = tmp_path / "other.sqlite"
    with closing(Journal.open(other, NETWORK)), pytest.raises(JournalError, match="not replaced"):
        backup(path, NETWORK, other, replace=True)
    assert journal.faults() == []
