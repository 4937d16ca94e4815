"""The projection: a database that is slow, down, killed or wiped delays no writer of the journal, and ends up complete."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from api.cli import heliograph
from oracle.historian.embedded import EmbeddedHistorian
from oracle.historian.influx import InfluxHistorian
from oracle.historian.memory import MemoryHistorian
from oracle.historian.port import HistorianError
from oracle.historian.projection import Projection
from oracle.journal.archiving import archive_sealed
from oracle.journal.journal import Journal
from tests.support.influx_servers import influx_behind_nginx
from tests.support.meter_envelopes import NETWORK, START_MS, day, envelope, minutes

METERS = ("roof-1", "roof-2")
ALWAYS = (0, 2**53)
PATIENCE_S = 30


@pytest.fixture(scope="module", name="influx")
def influx_fixture(tmp_path_factory, require):
    with influx_behind_nginx(tmp_path_factory.mktemp("influx"), require) as server:
        yield server


@pytest.fixture(name="bucket")
def bucket_fixture(influx, request):
    influx.query("", f'CREATE DATABASE "{request.node.name}"')
    return request.node.name


@pytest.fixture(name="journal")
def journal_fixture(tmp_path):
    journal = Journal.open(tmp_path / "node.journal", NETWORK)
    yield journal
    journal.close()


@contextmanager
def projecting(tmp_path, url, bucket):
    """Run a projection over a journal of its own, as a node does."""
    journal = Journal.open(tmp_path / "node.journal", NETWORK)
    database = InfluxHistorian(url, bucket, writer="node-1", timeout_ms=2000)
    projection = Projection(journal, database, envelopes_a_step=5, longest_retry_s=0.5, idle_s=0.02)
    projection.start()
    try:
        yield projection
    finally:
        assert projection.stop()
        database.close()
        journal.close()


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def complete(projection):
    return projection.last_error is None and projection.row and not projection.lag()


def both_meters(hours=24):
    return [one for pair in zip(*(day(meter, hours=hours, batch=30) for meter in METERS), strict=True) for one in pair]


def assert_same_series(influx, bucket, journal):
    """Counts and sums by InfluxQL, asked of the database directly, are those of the journal."""
    embedded = EmbeddedHistorian(journal)
    for meter in METERS:
        totals = embedded.totals(meter, *ALWAYS)
        statement = "SELECT count(export_wh), sum(export_wh), count(power_w), sum(power_w) FROM meter_reading"
        ((_, *figures),) = influx.query(bucket, f"{statement} WHERE meter = '{meter}'")
        assert figures == [totals.exports, totals.export_wh, totals.powers, totals.power_w]


def test_everything_arrives_with_duplicates_late_and_out_of_order(influx, bucket, journal, tmp_path):
    envelopes = both_meters()
    late = [envelope(minutes(600, 45), device="inv-roof-1", first_sequence=600), *envelopes[:10]]
    with projecting(tmp_path, influx.url, bucket) as projection:
        journal.record_envelopes(reversed(envelopes[10:]), 0)
        until(lambda: projection.row >= 5)
        journal.record_envelopes(late, 0)
        until(lambda: complete(projection))
    assert_same_series(influx, bucket, journal)


def test_database_down_while_projecting_stops_nobody_and_is_caught_up_with(influx, bucket, journal, tmp_path):
    envelopes = both_meters()
    with projecting(tmp_path, influx.url, bucket) as projection:
        journal.record_envelopes(envelopes[:10], 0)
        until(lambda: complete(projection))
        influx.database.stop()
        for one in envelopes[10:40]:
            assert journal.record_envelopes([one], 0) == 1
        until(lambda: projection.last_error is not None)
        assert "HistorianError" in projection.last_error
        assert projection.lag() == 30
        influx.proxy.stop()
        journal.record_envelopes(envelopes[40:], 0)
        influx.proxy.start()
        influx.database.start()
        until(lambda: complete(projection))
    assert_same_series(influx, bucket, journal)


def test_database_killed_at_any_moment_loses_nothing(influx, bucket, journal, tmp_path):
    with projecting(tmp_path, influx.url, bucket) as projection:
        for count, one in enumerate(both_meters()):
            journal.record_envelopes([one], 0)
            if count % 30 == 20:
                influx.database.kill()
                influx.database.start()
        until(lambda: complete(projection))
    assert_same_series(influx, bucket, journal)


def test_a_projection_goes_on_where_the_last_one_stopped(influx, bucket, journal, tmp_path):
    envelopes = both_meters(hours=4)
    journal.record_envelopes(envelopes[:10], 0)
    with projecting(tmp_path, influx.url, bucket) as projection:
        until(lambda: complete(projection))
    influx.query(bucket, "DELETE FROM meter_reading")
    journal.record_envelopes(envelopes[10:], 0)
    with projecting(tmp_path, influx.url, bucket) as projection:
        until(lambda: complete(projection))
    ((_, count),) = influx.query(bucket, "SELECT count(export_wh) FROM meter_reading")
    assert count == sum(len(one.readings) for one in envelopes[10:])


def rebuild(journal_path, url, bucket, *more, network=NETWORK):
    arguments = ["historian", "rebuild", "--journal", journal_path, "--network", network, "--influx-url", url]
    return CliRunner().invoke(heliograph, [*map(str, arguments), "--bucket", bucket, *map(str, more)])


@pytest.mark.parametrize("how", ["DROP DATABASE", "rebuild", "wipe"])
def test_wiped_in_mid_run_and_rebuilt_it_is_the_same_series(influx, journal, tmp_path, how):
    bucket = f"wiped by {how}"
    influx.query("", f'CREATE DATABASE "{bucket}"')
    envelopes = both_meters()
    with projecting(tmp_path, influx.url, bucket) as projection:
        writer = threading.Thread(target=lambda: [journal.record_envelopes([one], 0) for one in envelopes])
        writer.start()
        until(lambda: projection.row > 10)
        if how == "wipe":  # the projection notices by itself
            other = InfluxHistorian(influx.url, bucket, writer="node-2")
            other.wipe()
            other.close()
        else:
            if how == "DROP DATABASE":
                influx.query("", f'DROP DATABASE "{bucket}"')
            result = rebuild(tmp_path / "node.journal", influx.url, bucket, "--writer", "node-1")
            assert result.exit_code == 0, result.stderr
            assert result.stdout.startswith(f"rebuilt {bucket} at {influx.url} from {tmp_path / 'node.journal'}: ")
        writer.join()
        until(lambda: projection.row == len(envelopes) and complete(projection))
    assert_same_series(influx, bucket, journal)


def test_rebuilding_a_finished_journal_drops_what_is_not_in_it(influx, bucket, journal, tmp_path):
    journal.record_envelopes(both_meters(hours=2), 0)
    stray = InfluxHistorian(influx.url, bucket, writer="node-1")
    stray.write([envelope(minutes(5, 9, register_wh=5))])
    stray.close()
    for _ in range(2):
        result = rebuild(tmp_path / "node.journal", influx.url, bucket)
        assert (result.exit_code, result.stdout.split()[-2:]) == (0, ["8", "rows"])
        assert_same_series(influx, bucket, journal)


def test_a_database_that_never_answers_delays_no_writer(journal, tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as deaf,
        projecting(tmp_path, f"http://127.0.0.1:{deaf.getsockname()[1]}", "sun") as projection,
        deaf.accept()[0],
    ):
        before = time.monotonic()
        for one in both_meters(hours=4):
            journal.record_envelopes([one], 0)
        assert time.monotonic() - before < 1.5  # less than the request that waits for its timeout
        until(lambda: projection.last_error is not None)
        assert projection.row == 0
        assert projection.lag() == 16


@pytest.mark.parametrize("by", ["file", "environment"])
@pytest.mark.usefixtures("journal")
def test_the_token_is_read_from_a_file_or_the_environment_and_sent(tmp_path, monkeypatch, by):
    (tmp_path / "token").write_text("a-secret\n")
    if by == "environment":
        monkeypatch.setenv("INFLUX_TOKEN", "a-secret")
    asked = []

    def answer(listening):
        connection, _ = listening.accept()
        with connection:
            asked.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=answer, args=(listening,))
        server.start()
        more = ("--token-file", tmp_path / "token") if by == "file" else ()
        result = rebuild(tmp_path / "node.journal", f"http://127.0.0.1:{listening.getsockname()[1]}", "sun", *more)
        server.join()
    assert (result.exit_code, result.stdout) == (3, "")
    assert "HTTP 401 Unauthorized" in result.stderr
    assert "a-secret" not in result.stderr
    assert b"\r\nAuthorization: Token a-secret\r\n" in asked[0]


def test_another_journal_than_the_one_written_is_noticed(tmp_path):
    database = MemoryHistorian()
    for name, hours in (("long", 6), ("short", 2)):
        journal = Journal.open(tmp_path / name, NETWORK)
        journal.record_envelopes(day(hours=hours), 0)
        projection = Projection(journal, database)
        if name == "long":
            rows = []
            projection.catch_up(rows.append)
            assert rows == [6]
        else:
            with pytest.raises(HistorianError, match="row 6 is written, the journal ends before"):
                projection.step()
        journal.close()


def test_a_journal_is_rebuilt_together_with_its_archives_or_not_at_all(influx, bucket, journal, tmp_path):
    envelopes = both_meters(hours=2)
    journal.record_envelopes(envelopes, 0)
    assert rebuild(tmp_path / "node.journal", influx.url, bucket).exit_code == 0
    assert_same_series(influx, bucket, journal)
    with journal.transaction():  # as if a report had used them
        journal._connection.executemany("INSERT INTO used VALUES (?, 1)", [(one.digest,) for one in envelopes])
    (tmp_path / "archives").mkdir()
    assert archive_sealed(tmp_path / "node.journal", NETWORK, 2**53, tmp_path / "archives" / "a.parquet") == 7
    result = rebuild(tmp_path / "node.journal", influx.url, bucket)
    assert (result.exit_code, "moved to archive a.parquet, which is not given" in result.stderr) == (2, True)
    ((_, count),) = influx.query(bucket, "SELECT count(export_wh) FROM meter_reading")
    assert count == 240, "nothing was wiped"
    result = rebuild(tmp_path / "node.journal", influx.url, bucket, "--archive", tmp_path / "archives")
    assert (result.exit_code, result.stdout.split()[-2:]) == (0, ["8", "rows"])
    together = Journal.open(tmp_path / "node.journal", NETWORK, [tmp_path / "archives"])
    assert_same_series(influx, bucket, together)
    together.close()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 64, 100])
def test_lag_is_the_number_of_rows_to_come(journal, count):
    projection = Projection(journal, MemoryHistorian(), envelopes_a_step=3)
    journal.record_envelopes([envelope(minutes(n, 1), first_sequence=n) for n in range(count)], 0)
    while True:
        assert projection.lag() == count - projection.row
        if not projection.step():
            break
    assert projection.lag() == 0


def test_what_the_command_is_told_wrong_is_one_line_and_an_exit_code(journal, tmp_path):
    journal.record_envelopes([envelope(minutes(0, 1))], START_MS)
    path = tmp_path / "node.journal"
    nobody = "http://127.0.0.1:9"
    (tmp_path / "text").write_text("no journal")
    for code, said, arguments in (
        (2, "there is no such journal", (tmp_path / "absent", nobody, "sun")),
        (2, "not usable as a journal", (tmp_path / "text", nobody, "sun")),
        (2, "is not the URL of an InfluxDB", (path, "127.0.0.1:8086", "sun")),
        (2, "is not an identifier", (path, nobody, "sun", "--writer", "a b")),
        (2, "cannot be read", (path, nobody, "sun", "--token-file", tmp_path / "absent")),
        (3, "refused", (path, nobody, "sun")),
    ):
        result = rebuild(*arguments)
        assert (result.exit_code, result.stdout) == (code, "")
        assert said in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "absent").exists()
    result = rebuild(path, nobody, "sun", network="other")
    assert (result.exit_code, "is the journal of network demo" in result.stderr) == (2, True)
