"""Whoever alters a row, in any table and any column, is found; whoever would sign twice is refused."""

import hashlib
import sqlite3
import time
from contextlib import closing

import pytest

from oracle.attestation.proposal import Proposal
from oracle.errors import JournalError, ReportError
from oracle.headend.admission import AdmissionReason
from oracle.journal import rejections
from oracle.journal.compilation import compile_proposal, new_entries, report_record
from oracle.journal.journal import Journal
from oracle.journal.links import LINKED_TABLES
from oracle.journal.records import Rejected
from oracle.journal.rejections import PAYLOAD_KEPT
from oracle.journal.schema import _MIGRATIONS, BY_DIGEST, SCHEMA_VERSION
from oracle.reporting.document import canonical_bytes, to_document
from oracle.reporting.registry import Objection
from oracle.reporting.report import NO_REPORT

DAY_S = 86_400


@pytest.fixture(name="path")
def path_fixture(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture(name="journal")
def journal_fixture(path):
    journal = Journal.open(path, "demo")
    yield journal
    journal.close()


@pytest.fixture(name="full")
def full_fixture(journal, fleet, steady):
    """A journal with rows in every table: two reports, rejections, a signature an epoch."""
    journal.record_rejections([
        Rejected(5, "some/topic", AdmissionReason.WRONG_TOPIC, "no telemetry", b"x" * (PAYLOAD_KEPT + 1)),
        Rejected(6, "some/topic", Objection.UNKNOWN_DEVICE, "who?", b""),
    ])  # fmt: skip
    registry = fleet.registry()
    batches = [
        [fleet.envelope(0, steady(3)), fleet.envelope(1, steady(3))],
        [fleet.envelope(0, steady(3, from_hour=3), first_sequence=3)],
    ]
    prev = NO_REPORT
    for number, envelopes in enumerate(batches):
        journal.record_envelopes(envelopes, 1000 + number)
        cutoff_s = steady(1)[0].time_ms // 1000 + (number + 1) * DAY_S
        manifest = tuple(envelope.digest for envelope in journal.unreported(cutoff_s * 1000))
        proposal = Proposal(number + 1, prev, cutoff_s, 7, manifest)
        compiled = compile_proposal(
            journal, proposal, registry, fleet.rules, fleet.signer_set.config_digest(fleet.domain)
        )
        digest = compiled.report.digest(fleet.domain)
        journal.record_signed(number + 1, digest, b"\1" * 65, canonical_bytes(to_document(proposal)).decode())
        entries = new_entries(compiled, journal.entries(), fleet.rules.ledger_interval_ms)
        signatures = fleet.attest(compiled).signatures
        journal.record_report(report_record(compiled, manifest, signatures, registry), digest, entries)
        prev = digest
    nothing = hashlib.sha256().digest()
    journal._append("archive", [(f"{name}.parquet", 1, 0, 0, 0, nothing) for name in "ab"])  # two that nothing went to
    journal._append("disabled", [(epoch, nothing) for epoch in (98, 99)])  # two that never were
    return journal


def columns():
    connection = sqlite3.connect(":memory:")
    from oracle.journal.schema import prepare  # noqa: PLC0415  only to learn the columns at collection

    prepare(connection)
    found = [
        (table, row[1])
        for table in LINKED_TABLES
        for row in connection.execute(f"PRAGMA table_info({table})").fetchall()
    ]
    connection.close()
    return found


def alter(path, statement, *arguments):
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, arguments).rowcount


def test_an_untouched_journal_has_no_faults(full, path):
    assert full.faults() == []
    again = Journal.open(path, "demo")
    assert again.faults() == []
    assert [again.tallies()[:2], len(again.reports()), len(again.entries()) > 0] == [(3, 9), 2, True]
    again.close()


@pytest.mark.parametrize(("table", "column"), columns())
@pytest.mark.parametrize("other", [b"\2" * 32, "text", 123_456_789, 1.5])
def test_a_row_altered_in_any_column_is_found(full, path, table, column, other):
    for row in ("min", "max"):
        (seq, was), *_ = full._all(f"SELECT seq, {column} FROM {table} WHERE seq = (SELECT {row}(seq) FROM {table})")
        try:
            alter(path, f"UPDATE {table} SET {column} = ? WHERE seq = ?", other, seq)
        except sqlite3.IntegrityError:
            continue  # the table itself refuses it
        assert any(fault.startswith(table) for fault in full.faults()), (table, column, row)
        alter(path, f"UPDATE {table} SET {column} = ? WHERE {column} = ?", was, other)
    assert full.faults() == []


@pytest.mark.parametrize("table", LINKED_TABLES)
def test_a_row_removed_or_added_in_the_middle_is_found(full, path, table):
    (before,) = full._one(f"SELECT count(*) FROM {table}")
    assert alter(path, f"DELETE FROM {table} WHERE seq = 1") == 1
    assert full.faults()
    assert full._one(f"SELECT count(*) FROM {table}") == (before - 1,)


def test_rows_that_change_places_are_found(full, path):
    for a, b in ((1, -1), (2, 1), (-1, 2)):
        alter(path, "UPDATE rejection SET seq = ? WHERE seq = ?", b, a)
    assert full.faults()


def test_an_envelope_with_links_written_anew_is_still_found_by_its_signature(full, path):
    wire = bytearray(next(full.envelopes()).wire)
    wire[-1] ^= 1
    alter(path, "UPDATE envelope SET wire = ? WHERE seq = 1", bytes(wire))
    assert any("bad_signature" in fault or "high_s" in fault for fault in full.faults())


def test_a_second_report_of_an_epoch_is_never_signed(full):
    digest, signature, proposal = full.signed(1)
    full.record_signed(1, digest, b"\5" * 65, "again")
    assert full.signed(1) == (digest, signature, proposal)
    with pytest.raises(JournalError, match="signed another report"):
        full.record_signed(1, bytes(32), b"\1" * 65, "other")
    assert full.signed(1) == (digest, signature, proposal)
    assert full.faults() == []


@pytest.mark.usefixtures("full")
def test_what_was_signed_outlives_the_process(path):
    again = Journal.open(path, "demo")
    with pytest.raises(JournalError):
        again.record_signed(2, bytes(32), b"\1" * 65, "other")
    again.close()


def test_an_envelope_is_recorded_once(journal, fleet, steady):
    envelope = fleet.envelope(0, steady(3))
    assert journal.record_envelopes([envelope, envelope], 1) == 1
    assert journal.record_envelopes([envelope], 2) == 0
    assert [e.digest for e in journal.envelopes()] == [envelope.digest]
    assert journal.tallies() == (1, 3, 1)


def test_a_group_that_fails_leaves_nothing_behind(journal, fleet, steady):
    def fail():
        with journal.transaction():
            journal.record_envelopes([fleet.envelope(0, steady(3))], 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert journal.tallies() == (0, 0, None)
    assert journal.record_envelopes([fleet.envelope(0, steady(3))], 1) == 1
    assert journal.faults() == []


def test_unreported_are_those_with_a_reading_at_or_before_the_cutoff(journal, fleet, steady):
    early, late = fleet.envelope(0, steady(2)), fleet.envelope(0, steady(2, from_hour=2), first_sequence=2)
    journal.record_envelopes([late, early], 1)
    first_ms = steady(3)[-1].time_ms
    assert [envelope.digest for envelope in journal.unreported(first_ms)] == sorted([early.digest, late.digest])
    assert [envelope.digest for envelope in journal.unreported(first_ms - 1)] == [early.digest]


def test_a_report_is_recorded_once(full):
    count = len(full.entries())
    (record, _) = full.reports()
    full.record_report(record, bytes(32), full.entries())
    assert (len(full.entries()), len(full.reports())) == (count, 2)
    assert full.faults() == []


def test_a_manifest_that_names_an_unknown_envelope_or_key_is_refused(journal, fleet, steady, make_fleet):
    digest = fleet.signer_set.config_digest(fleet.domain)
    proposal = Proposal(1, NO_REPORT, 5, 7, (bytes(32),))
    with pytest.raises(ReportError, match="not in the journal"):
        compile_proposal(journal, proposal, fleet.registry(), fleet.rules, digest)
    stranger = make_fleet(keys=fleet.keys[::-1]).envelope(0, steady(2))
    journal.record_envelopes([stranger], 1)
    with pytest.raises(ReportError, match="does not count"):
        compile_proposal(
            journal, Proposal(1, NO_REPORT, 5, 7, (stranger.digest,)), fleet.registry(), fleet.rules, digest
        )


def test_a_journal_of_another_network_of_a_newer_program_or_of_nothing_is_refused(full, path, tmp_path):
    with pytest.raises(JournalError, match="network demo"):
        Journal.open(path, "other")
    newer = tmp_path / "newer.sqlite"
    alter(newer, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(JournalError, match="newer"):
        Journal.open(newer, "demo")
    text = tmp_path / "text"
    text.write_text("no database at all, but long enough to look at " * 20)
    with pytest.raises(JournalError, match="not usable"):
        Journal.open(text, "demo")
    with pytest.raises(JournalError):
        Journal.open(tmp_path / "no" / "folder", "demo")
    assert full.faults() == []


def test_the_oldest_refusals_go_and_the_chain_stays_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(rejections, "MAX_REJECTIONS", 10)
    monkeypatch.setattr(rejections, "SLACK", 3)
    with closing(Journal.open(tmp_path / "journal.sqlite", "demo")) as journal:
        for number in range(40):
            journal.record_rejections([Rejected(number, "t" * 70_000, "malformed", "d" * 5000, b"x" * 5000)])
            assert journal.faults() == []
        (rows,) = journal._one("SELECT count(*) FROM rejection")
        assert 10 <= rows <= 13
        assert journal._one("SELECT min(received_ms), max(received_ms) FROM rejection") == (40 - rows, 39)
        longest = journal._one("SELECT max(length(topic)), max(length(detail)), max(length(payload)) FROM rejection")
        assert longest == (rejections.TEXT_KEPT, rejections.TEXT_KEPT, PAYLOAD_KEPT)
        journal._connection.execute("UPDATE rejection SET reason = 'fine' WHERE received_ms = 35")
        assert len(journal.faults()) == 1


def test_a_journal_of_the_first_schema_is_brought_forward_with_all_it_holds(full, path, tmp_path):
    full.close()
    old = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(_MIGRATIONS[0])
        connection.execute("ATTACH ? AS filled", (str(path),))
        tables = [name for (name,) in connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
        assert {"envelope", "rejection", "used", "entry"} <= set(tables)
        for table in tables:
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM filled.{table}")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    with closing(Journal.open(path, "demo")) as before, closing(Journal.open(old, "demo")) as after:
        assert after.faults() == []
        assert after.tallies() == before.tallies()
        assert after.reports() == before.reports()
        for digest in (envelope.digest for envelope in before.envelopes()):
            assert after.wire(digest) == before.wire(digest)
        assert after._one("PRAGMA user_version") == (SCHEMA_VERSION,)
        (plan,) = after._all(f"EXPLAIN QUERY PLAN SELECT 1 FROM envelope WHERE {BY_DIGEST}", digest)
        assert "envelope_by_digest" in plan[-1]


def test_a_checkpoint_never_makes_writers_wait_for_readers(journal, path, fleet, steady):
    """A backup or a check reads one moment for minutes."""
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM rejection").fetchone() == (0,)
    journal.leave_checkpoints()
    wide = [Rejected(n, "t" * 200, "malformed", "d" * 200, b"x" * 1000) for n in range(4000)]
    journal.record_rejections(wide)
    with closing(Journal.open(path, "demo")) as caretaker:
        began = time.monotonic()
        caretaker.checkpoint()
        journal.record_envelopes([fleet.envelope(0, steady(3))], 1)
        assert time.monotonic() - began < 5, "the journal's own patience is 30 s"
        (_, pages, _) = caretaker._one("PRAGMA wal_checkpoint(PASSIVE)")
        assert pages > 1000
        reader.close()
        caretaker.checkpoint()
        journal.record_envelopes([fleet.envelope(1, steady(3))], 1)
        (_, pages, _) = caretaker._one("PRAGMA wal_checkpoint(PASSIVE)")
        assert pages < 100, "begun anew"
