"""What `settle` and `verify` say of a journal does not change by a byte when its envelopes move to archives."""

import json
import shutil
import sqlite3
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from api.cli import heliograph
from oracle.journal.archiving import archive_sealed
from oracle.journal.journal import Journal
from tests.support.reported_journal import filled

NETWORK = "demo"
METERS = '[[meter]]\nid = "met-0"\nnameplate_w = 8000\n[[meter]]\nid = "met-1"\nnameplate_w = 8000\n'


@pytest.fixture(name="site")
def site_fixture(tmp_path, make_fleet, steady):
    """A folder with a journal of three reports, its meters file, and an untouched copy of the journal."""
    journal = Journal.open(tmp_path / "journal.sqlite", NETWORK)
    fleet = make_fleet()
    sent = filled(journal, fleet, steady)
    journal.record_envelopes([fleet.envelope(0, steady(4, from_hour=24), first_sequence=24)], 5000)
    journal.close()
    shutil.copy(tmp_path / "journal.sqlite", tmp_path / "whole.sqlite")
    (tmp_path / "M.toml").write_text(METERS)
    for name, before_ms in (("a", sent[5].last_ms), ("b", 2**53)):
        assert archive_sealed(tmp_path / "journal.sqlite", NETWORK, before_ms, tmp_path / f"{name}.parquet")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(heliograph, list(map(str, arguments)))


def settled(site, *names):
    done = run("settle", *(site / name for name in names), "--meters", site / "M.toml", "--json", "-")
    assert done.exit_code == 0, done.stderr
    return done


def test_settle_gives_the_same_bytes_wherever_the_envelopes_are(site):
    whole = settled(site, "whole.sqlite")
    ledger = json.loads(whole.stdout)
    assert ledger["totals"] == {"attested_wh": 24_000 + 20_000, "withheld_wh": 6000, "disputed_wh": 0}
    assert "13 envelopes of 2 meters: each signature holds" in whole.stderr
    for names in (
        ("journal.sqlite", "a.parquet", "b.parquet"),
        ("b.parquet", "journal.sqlite", "a.parquet"),
        ("whole.sqlite", "a.parquet", "b.parquet"),  # all of it, and most of it twice
    ):
        assert settled(site, *names).stdout_bytes == whole.stdout_bytes
    assert (site / "journal.sqlite").exists()


def test_archives_alone_settle_what_they_hold(site):
    ledger = json.loads(settled(site, "a.parquet", "b.parquet").stdout)
    assert ledger["totals"] == {"attested_wh": 20_000 + 20_000, "withheld_wh": 6000, "disputed_wh": 0}


def altered(path, change):
    table = pq.read_table(path)
    pq.write_table(pa.table(change(table.to_pydict()), schema=table.schema), path, compression="zstd")


def test_settle_refuses_what_is_missing_altered_or_mixed(site, tmp_path):
    (tmp_path / "readings.csv").write_text("measured_at,meter_id,export_wh\n2026-05-01T00:00:00Z,met-0,5\n")
    (tmp_path / "one.toml").write_text('[[meter]]\nid = "met-0"\nnameplate_w = 8000\n')
    meters = site / "M.toml"
    for said, files, meters_path in (
        ("moved to archive b.parquet, which is not given", ("journal.sqlite", "a.parquet"), meters),
        ("not both at once", ("journal.sqlite", "readings.csv"), meters),
        ("name them in a file given by --meters", ("whole.sqlite",), None),
        ("meter dev-1/met-1 is not in", ("whole.sqlite",), site / "one.toml"),
        ("cannot be read", ("absent.sqlite",), meters),
    ):
        done = run("settle", *(site / name for name in files), *(("--meters", meters_path) if meters_path else ()))
        assert (done.exit_code, done.stdout, said in done.stderr) == (2, "", True), done.stderr
    for said, wire in (("malformed", "CAST(wire || x'00' AS BLOB)"), ("not bytes", "'text'")):
        with closing(sqlite3.connect(site / "whole.sqlite")) as connection, connection:
            connection.execute(f"UPDATE envelope SET wire = {wire} WHERE seq = 4")
        done = run("settle", site / "whole.sqlite", "--meters", meters)
        assert (done.exit_code, "whole.sqlite: row 4: " in done.stderr, said in done.stderr) == (2, True, True)

    def change(columns):
        columns["received_ms"][2] += 1
        return columns

    altered(site / "b.parquet", change)
    row = pq.read_table(site / "b.parquet")["seq"][2]
    done = run("settle", site / "journal.sqlite", site / "a.parquet", site / "b.parquet", "--meters", meters)
    assert (done.exit_code, f"b.parquet: row {row}: does not fit its link" in done.stderr) == (2, True)


def test_meters_of_one_name_on_two_devices_are_kept_apart(tmp_path, make_fleet, steady):
    fleet = make_fleet()
    journal = Journal.open(tmp_path / "journal.sqlite", NETWORK)
    journal.record_envelopes([fleet.envelope(n, steady(4), meter="roof") for n in (0, 1)], 1)
    journal.close()
    (tmp_path / "M.toml").write_text('[[meter]]\nid = "roof"\nnameplate_w = 8000\n')
    ledger = json.loads(settled(tmp_path, "journal.sqlite").stdout)
    assert [meter["meter_id"] for meter in ledger["meters"]] == ["dev-0/roof", "dev-1/roof"]


def test_verify_accepts_an_archive_and_anchors_it_in_its_journal(site):
    alone = run("verify", site / "a.parquet")
    assert (alone.exit_code, "UNANCHORED" in alone.stdout.splitlines()[-1]) == (3, True)
    done = run("verify", site / "a.parquet", "--journal", site / "journal.sqlite")
    assert done.exit_code == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("VERIFIED: these rows left ")
    assert "4 envelopes of 2 meters, 16 readings" in done.stdout


def test_verify_refuses_an_altered_or_foreign_archive(site, tmp_path, make_fleet, steady):
    other = Journal.open(tmp_path / "other.sqlite", NETWORK)
    filled(other, make_fleet(), steady, a_report=3)
    other.close()
    done = run("verify", site / "b.parquet", "--journal", tmp_path / "other.sqlite")
    assert (done.exit_code, "is none of" in done.stdout) == (1, True)
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as connection, connection:
        connection.execute("UPDATE envelope SET meter = 'met-7' WHERE seq = 1")
    done = run("verify", site / "b.parquet", "--journal", tmp_path / "other.sqlite")
    assert (done.exit_code, "envelope 1: does not fit its link" in done.stdout) == (1, True)

    def forge(columns):
        columns["wire"][0] = columns["wire"][0][:-1] + bytes([columns["wire"][0][-1] ^ 1])
        return columns

    altered(site / "a.parquet", forge)
    done = run("verify", site / "a.parquet", "--journal", site / "journal.sqlite")
    assert done.exit_code == 1
    assert "FAILED  rows" in done.stdout
    assert "a.parquet: row 1: does not fit its link" in done.stdout
    (site / "a.parquet").write_bytes(b"PAR1 and nothing more")
    assert run("verify", site / "a.parquet").exit_code == 1


def test_options_of_proofs_and_of_archives_are_not_mixed(site):
    (site / "proof.json").write_text("{}")
    for said, arguments in (
        ("--trust and --rpc are for proofs", (site / "a.parquet", "--rpc", "http://127.0.0.1:9")),
        ("--journal is for archives", (site / "proof.json", "--journal", site / "journal.sqlite")),
        ("there is no such journal", (site / "a.parquet", "--journal", site / "absent")),
    ):
        done = run("verify", *arguments)
        assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
