"""Sealed envelopes move to an archive, and nothing that is said of them changes by a byte."""

import shutil
import sqlite3
from contextlib import closing
from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from api.cli import heliograph
from oracle.attestation.proof import encode_proof
from oracle.errors import JournalError, ReportError
from oracle.historian.embedded import EmbeddedHistorian
from oracle.journal import archive as archive_file
from oracle.journal.archive import Archive
from oracle.journal.archiving import archive_sealed
from oracle.journal.backup import check, check_archives
from oracle.journal.journal import Journal
from oracle.journal.proving import prove_asset
from tests.support.reported_journal import filled, hours, report

NETWORK = "demo"
ALL_MS = 2**53


@pytest.fixture(name="folder")
def folder_fixture(tmp_path):
    (tmp_path / "archives").mkdir()
    return tmp_path


@pytest.fixture(name="path")
def path_fixture(folder, fleet, steady):
    """A journal of three reports."""
    path = folder / "journal.sqlite"
    journal = Journal.open(path, NETWORK)
    filled(journal, fleet, steady)
    journal.close()
    return path


@pytest.fixture(name="opened")
def opened_fixture(folder):
    """`opened(path)`: a journal together with the folder of archives."""
    journals = []

    def opened(path, archives=(folder / "archives",)):
        journals.append(Journal.open(path, NETWORK, archives=archives))
        return journals[-1]

    yield opened
    for journal in journals:
        journal.close()


def rows(path, table="envelope"):
    with closing(sqlite3.connect(path)) as connection:
        return [seq for (seq,) in connection.execute(f"SELECT seq FROM {table} ORDER BY seq")]


def proof(journal, fleet):
    proven = prove_asset(
        journal, "rooftop-1", network=NETWORK, domain=fleet.domain, signer_set=fleet.signer_set, rules=fleet.rules
    )
    return encode_proof(proven)


def everything(journal, fleet):
    """All that a journal answers about its envelopes."""
    digests = [envelope.digest for envelope in journal.envelopes()]
    historian = EmbeddedHistorian(journal)
    return {
        "in order of arrival": [envelope.wire for envelope in journal.envelopes()],
        "by row": [(row, envelope.wire) for row, envelope in journal.envelopes_after(1, 5)],
        "by name": [envelope.wire for envelope in journal.envelopes(reversed(digests))],
        "one": [journal.wire(digest) for digest in digests],
        "known": all(journal.has_envelope(digest) for digest in digests),
        "of a meter": [envelope.digest for envelope in journal.envelopes_of_meter("met-0", 0, ALL_MS)],
        "series": [historian.totals(meter, 0, ALL_MS) for meter in ("met-0", "met-1")],
        "tallies": journal.tallies(),
        "unreported": [envelope.digest for envelope in journal.unreported(ALL_MS)],
        "proof": proof(journal, fleet),
        "last row": journal.last_row(),
    }


@pytest.fixture(name="groups_of_three")
def groups_of_three_fixture(monkeypatch):
    monkeypatch.setattr(archive_file, "ROWS_A_GROUP", 3)
    monkeypatch.setattr(archive_file, "GROUPS_KEPT", 1)
    monkeypatch.setattr("oracle.journal.archiving.ROWS_A_STEP", 2)


@pytest.mark.usefixtures("groups_of_three")
def test_journal_and_archives_say_the_same_bytes_as_the_journal_did(path, folder, opened, fleet):
    before = everything(opened(path, ()), fleet)
    instants = sorted({envelope.last_ms for envelope in opened(path, ()).envelopes()})
    moved = [
        archive_sealed(path, NETWORK, instant + 1, folder / "archives" / f"{name}.parquet")
        for name, instant in zip("abc", instants[1::2], strict=True)
    ]
    assert moved == [4, 4, 3]
    assert rows(path) == [12], "the row that the next one is linked to stays"
    assert everything(opened(path), fleet) == before
    named = opened(path, [folder / "archives" / f"{name}.parquet" for name in "cab"])
    assert everything(named, fleet) == before
    assert named.faults() == []
    assert check_archives(path, [folder / "archives"]) == []
    assert check(path)[0] == []


def test_only_what_is_sealed_and_old_enough_is_moved(path, folder, opened, fleet, steady):
    journal = opened(path)
    late = hours(fleet, steady, 6, 1)
    journal.record_envelopes(late, 5000)  # used in no report
    by_row = dict(enumerate(journal.envelopes(), 1))
    instant = by_row[5].last_ms
    assert archive_sealed(path, NETWORK, instant, folder / "archives" / "a.parquet") == 4
    assert archive_sealed(path, NETWORK, instant, folder / "archives" / "b.parquet") == 0
    assert not (folder / "archives" / "b.parquet").exists()
    assert archive_sealed(path, NETWORK, ALL_MS, folder / "archives" / "b.parquet") == 8
    assert rows(path) == [13, 14]
    assert [envelope.digest for envelope in journal.unreported(ALL_MS)] == sorted(e.digest for e in late)


def test_a_journal_goes_on_after_its_envelopes_have_moved(path, folder, opened, fleet, steady):
    """It is open while they move, knows them when they come again, links new rows, and makes the next report."""
    journal = opened(path)
    old = list(journal.envelopes())
    untouched = folder / "untouched.sqlite"
    shutil.copy(path, untouched)
    archive_sealed(path, NETWORK, ALL_MS, folder / "archives" / "a.parquet")
    assert journal.record_envelopes(old, 9000) == 0
    fresh = hours(fleet, steady, 6, 2)
    assert journal.record_envelopes([*old, *fresh], 9000) == len(fresh)
    assert journal.last_row() == len(old) + len(fresh)
    compiled = report(journal, fleet, fresh[-1].last_ms // 1000 + 1)
    twin = opened(untouched, ())
    twin.record_envelopes(fresh, 9000)
    assert report(twin, fleet, fresh[-1].last_ms // 1000 + 1).report == compiled.report
    assert proof(journal, fleet) == proof(twin, fleet)
    assert archive_sealed(path, NETWORK, ALL_MS, folder / "archives" / "b.parquet") == 4
    assert journal.faults() == []
    assert everything(journal, fleet) == everything(twin, fleet)


def test_without_its_archive_a_journal_says_which_one_is_missing(path, folder, opened, fleet, steady):
    target = folder / "elsewhere.parquet"
    archive_sealed(path, NETWORK, ALL_MS, target)
    journal = opened(path)
    digest = Archive(target).row(1).digest
    for ask in (
        lambda: journal.wire(digest),
        lambda: list(journal.envelopes()),
        lambda: list(journal.envelopes([digest])),
        lambda: list(journal.envelopes_of_meter("met-0", 0, ALL_MS)),
        journal.require_archives,
    ):
        with pytest.raises(JournalError, match=r"moved to archive elsewhere\.parquet, which is not given"):
            ask()
    assert journal.has_envelope(digest)
    assert journal.faults() == [], "what is left holds together"
    journal.record_envelopes(hours(fleet, steady, 6, 1), 9000)
    with pytest.raises(ReportError, match=r"elsewhere\.parquet"):
        report(journal, fleet, 2**31)
    shutil.move(target, folder / "archives" / "renamed.parquet")
    journal.require_archives()
    assert journal.wire(digest) is not None


def altered(target, change):
    """Write an archive anew with its table changed, checksums and all."""
    table = pq.read_table(target)
    changed = change(table.to_pydict())
    pq.write_table(pa.table(changed, schema=table.schema), target, compression="zstd", write_page_checksum=True)


def flip(cells, row):
    cells[row] = bytes([cells[row][0] ^ 1]) + cells[row][1:]


@pytest.mark.parametrize(
    ("column", "said"),
    [("wire", "row 3: does not fit its link"), ("digest", "row 3: does not fit"), ("link", "row 3: does not fit"),
     ("previous", "row 3: does not fit"), ("meter", "row 3: does not fit")],
)  # fmt: skip
def test_an_altered_row_of_an_archive_is_refused_with_file_and_row(path, folder, opened, column, said):
    target = folder / "archives" / "a.parquet"
    archive_sealed(path, NETWORK, ALL_MS, target)

    def change(columns):
        if column == "meter":
            columns["meter"][2] = "met-9"
        else:
            flip(columns[column], 2)
        return columns

    digest = Archive(target).row(3).digest
    altered(target, change)
    (fault,) = check_archives(path, [target])
    assert (str(target) in fault, said in fault) == (True, True)
    journal = opened(path)
    for ask in (lambda: journal.wire(digest), lambda: list(journal.envelopes())):
        with pytest.raises(JournalError, match=r"a\.parquet: row 3: does not fit its link"):
            ask()
    assert journal.wire(Archive(target).row(2).digest) is not None, "sound rows can still be read"


@pytest.mark.usefixtures("groups_of_three")
def test_a_torn_archive_is_refused_with_file_and_rows(path, folder, opened):
    target = folder / "archives" / "a.parquet"
    archive_sealed(path, NETWORK, ALL_MS, target)
    sound = target.read_bytes()
    column = pq.ParquetFile(target).metadata.row_group(1).column(archive_file.SCHEMA.names.index("wire"))
    torn = bytearray(sound)
    torn[column.data_page_offset + column.total_compressed_size - 9] ^= 0xFF  # within the last page
    target.write_bytes(torn)
    (fault,) = check_archives(path, [target])
    assert f"{target}: rows 4 to 6: cannot be read" in fault
    with pytest.raises(JournalError, match=r"a\.parquet: rows 4 to 6"):
        list(opened(path).envelopes())
    target.write_bytes(sound[:-40])
    with pytest.raises(JournalError, match=r"a\.parquet: the file: cannot be read"):
        opened(path)


def test_a_row_that_was_never_moved_is_not_taken_from_an_archive(path, folder, opened, fleet, steady):
    """An archive of another journal of the same network has other rows under the same numbers."""
    other = folder / "other.sqlite"
    journal = Journal.open(other, NETWORK)
    journal.record_envelopes(hours(fleet, steady, 3, 1), 1)
    filled(journal, fleet, steady, reports=1)
    journal.close()
    archive_sealed(other, NETWORK, ALL_MS, folder / "archives" / "other.parquet")
    before = everything(opened(path, ()), fleet)
    assert everything(opened(path), fleet) == before
    archive_sealed(path, NETWORK, ALL_MS, folder / "archives" / "own.parquet")
    assert everything(opened(path), fleet) == before


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE archived SET digest = zeroblob(32) WHERE seq = 2", "archive 1: what is kept"),
        ("UPDATE archived SET link = zeroblob(32) WHERE seq = 2", "envelope 12: does not|archive 1: what is kept"),
        ("DELETE FROM archived WHERE seq = 2", "archive 1: what is kept|envelope"),
        ("DELETE FROM archived", "archive 1: nothing is kept"),
        ("UPDATE archived SET part = 2", "archive 1: nothing is kept|archive 2: what is kept"),
        ("INSERT INTO archived VALUES (99, zeroblob(32), 1, zeroblob(32))", "archive 1: what is kept"),
        ("DELETE FROM archive", "archive 1: what is kept"),
        ("UPDATE archive SET envelopes = 10", "archive 1: does not fit its link"),
        ("UPDATE archive SET content = zeroblob(32)", "archive 1: does not fit its link"),
    ],
)
def test_what_is_kept_of_moved_rows_cannot_be_altered_unnoticed(path, folder, opened, statement, fault):
    archive_sealed(path, NETWORK, ALL_MS, folder / "archives" / "a.parquet")
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount
    found = opened(path).faults()
    assert any(said.startswith(one) for said in found for one in fault.split("|")), found
    assert check(path)[0] == found


def test_a_damaged_row_is_not_moved(path, folder):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE envelope SET received_ms = 7 WHERE seq = 5")
    before = rows(path)
    with pytest.raises(JournalError, match="envelope 5: does not fit its link; nothing was moved"):
        archive_sealed(path, NETWORK, ALL_MS, folder / "archives" / "a.parquet")
    assert rows(path) == before
    assert list((folder / "archives").iterdir()) == []


def test_an_archive_that_does_not_read_back_moves_nothing(path, folder, monkeypatch):
    write = archive_file.write_archive

    def torn(fresh, network, linked):
        count = write(fresh, network, linked)
        altered(fresh, lambda columns: {name: cells[:-1] for name, cells in columns.items()})
        return count

    monkeypatch.setattr("oracle.journal.archiving.write_archive", torn)
    with pytest.raises(JournalError, match=r"10 rows instead of 11; nothing was moved"):
        archive_sealed(path, NETWORK, ALL_MS, folder / "archives" / "a.parquet")
    assert rows(path) == list(range(1, 13))
    assert list((folder / "archives").iterdir()) == []


@pytest.mark.usefixtures("groups_of_three")
def test_broken_off_between_two_steps_nothing_is_lost_and_the_rest_moves_later(
    path, folder, opened, fleet, monkeypatch
):
    before = everything(opened(path, ()), fleet)
    from oracle.journal import archiving  # noqa: PLC0415  only to break it

    step, calls = archiving._move_step, []

    def break_off(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(archiving, "_move_step", break_off)
        with pytest.raises(KeyboardInterrupt):
            archive_sealed(path, NETWORK, ALL_MS, folder / "archives" / "a.parquet")
    assert len(rows(path)) == 8
    assert everything(opened(path), fleet) == before
    assert archive_sealed(path, NETWORK, ALL_MS, folder / "archives" / "b.parquet") == 7
    journal = opened(path)
    assert everything(journal, fleet) == before
    assert journal.faults() == []


def test_an_older_journal_is_brought_to_this_schema(path, opened):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "DROP TABLE archive; DROP TABLE archived; DROP TABLE disabled; PRAGMA user_version = 1;"
        )
    with pytest.raises(JournalError, match="schema 1 of an older release"):
        check(path)
    assert opened(path).faults() == []
    assert check(path)[0] == []


def run(*arguments):
    return CliRunner().invoke(heliograph, ["journal", *map(str, arguments)])


def test_the_command_moves_and_checks(path, folder):
    target = folder / "archives" / "a.parquet"
    done = run("archive", "--journal", path, "--network", NETWORK, "--before", "2100-01-01", target)
    assert (done.exit_code, done.stdout) == (0, f"{target}: 11 envelopes\n")
    done = run("check", path, "--archive", folder / "archives")
    assert (done.exit_code, done.stdout.startswith(f"{path}: nothing is wrong with ")) == (0, True)
    again = run("archive", "--journal", path, "--network", NETWORK, "--before", "2100-01-01T00:00:00+08:00", target)
    assert (again.exit_code, again.stdout) == (0, "there is nothing to move\n")
    done = run("check", path, "--archive", folder / "none.parquet")
    assert done.exit_code == 2
    altered(target, lambda columns: flip(columns["wire"], 0) or columns)
    done = run("check", path, "--archive", target)
    assert (done.exit_code, done.stdout) == (1, f"{target}: row 1: does not fit its link\n")


def test_what_the_archive_command_is_told_wrong_is_one_line(path, folder):
    good = ("--journal", path, "--network", NETWORK, "--before", "2100-01-01", folder / "a.parquet")
    (folder / "there.parquet").write_text("")
    for said, changes in (
        ("there is no such journal", {1: folder / "absent"}),
        ("is the journal of network demo", {3: "other"}),
        ("is neither a date", {5: "soon"}),
        ("is neither a date", {5: "2100-01-01T00:00:00"}),
        ("ends in .parquet", {6: folder / "a"}),
        ("is there already", {6: folder / "there.parquet"}),
        ("cannot be written", {6: folder / "no" / "a.parquet"}),
    ):
        done = run("archive", *(changes.get(place, part) for place, part in enumerate(good)))
        assert (done.exit_code, done.stdout, said in done.stderr) == (2, "", True), done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert rows(path) == list(range(1, 13))


def test_rows_are_distinct_over_all_archives(path, folder, opened, fleet, steady):
    """Bulk: many row groups, found by name in any order."""
    journal = opened(path)
    sent = hours(fleet, steady, 6, 60)
    journal.record_envelopes(sent, 9000)
    report(journal, fleet, sent[-1].last_ms // 1000 + 1)
    instants = sorted(envelope.last_ms for envelope in sent)
    for name, instant in (("a", instants[40]), ("b", instants[80]), ("c", ALL_MS)):
        archive_sealed(path, NETWORK, instant, folder / "archives" / f"{name}.parquet")
    moved = [Archive(folder / "archives" / f"{name}.parquet") for name in "abc"]
    numbers = [row.seq for row, _ in chain.from_iterable(one.rows() for one in moved)]
    assert len(numbers) == len(set(numbers)) == 131
    by_digest = sorted(sent, key=lambda envelope: envelope.digest)
    assert [e.wire for e in journal.envelopes(e.digest for e in by_digest)] == [e.wire for e in by_digest]
