"""What every historian answers. One suite for the journal itself, its twin in memory, and InfluxDB behind nginx."""

import itertools
import random
from types import SimpleNamespace

import pytest

from devices.telemetry import Reading
from oracle.historian.embedded import EmbeddedHistorian
from oracle.historian.influx import InfluxHistorian
from oracle.historian.line_protocol import digits, escaped, lines
from oracle.historian.memory import MemoryHistorian
from oracle.historian.port import END_MS, HistorianError, Progress, Sample, Totals
from oracle.journal.journal import Journal
from tests.support.influx_servers import influx_behind_nginx
from tests.support.meter_envelopes import MINUTE_MS, NETWORK, START_MS, envelope, minutes

METER = "roof-1"
ALWAYS = (0, 2**53)
buckets = (f"series {number}" for number in itertools.count())


@pytest.fixture(scope="module", name="influx_server")
def influx_server_fixture(tmp_path_factory, require):
    with influx_behind_nginx(tmp_path_factory.mktemp("influx"), require) as server:
        yield server


@pytest.fixture(name="make")
def make_fixture(request, tmp_path):
    """`make(kind)`: an empty historian, and `feed` to give it envelopes."""
    opened = []

    def make(kind):
        if kind == "embedded":
            journal = Journal.open(tmp_path / f"{len(opened)}.journal", NETWORK)
            opened.append(journal)
            return SimpleNamespace(
                feed=lambda envelopes: journal.record_envelopes(envelopes, 0), historian=EmbeddedHistorian(journal)
            )
        if kind == "memory":
            historian = MemoryHistorian()
        else:
            server = request.getfixturevalue("influx_server")
            historian = InfluxHistorian(server.url, next(buckets), writer="node-1")
            opened.append(historian)
            historian.wipe()
        return SimpleNamespace(feed=historian.write, historian=historian)

    yield make
    for each in opened:
        each.close()


@pytest.fixture(name="store", params=["embedded", "memory", "influx"])
def store_fixture(request, make):
    return make(request.param)


@pytest.fixture(name="writable", params=["memory", "influx"])
def writable_fixture(request, make):
    return make(request.param).historian


def test_samples_come_back_by_time_in_a_half_open_span(store):
    store.feed([envelope(minutes(0, 10))])
    found = store.historian.samples(METER, START_MS + 2 * MINUTE_MS, START_MS + 5 * MINUTE_MS)
    assert found == [Sample(START_MS + n * MINUTE_MS, 1_000_000 + 10 * n, 600 if n % 2 else None) for n in range(2, 5)]
    assert store.historian.totals(METER, START_MS + 2 * MINUTE_MS, START_MS + 5 * MINUTE_MS) == Totals(
        exports=3, export_wh=3_000_090, powers=1, power_w=600
    )


def test_what_is_not_there_is_empty(store):
    store.feed([envelope(minutes(0, 2))])
    for meter, start_ms, end_ms in (
        ("roof-2", *ALWAYS), ("roof-1' OR 'a'='a", *ALWAYS), (METER, 0, START_MS), (METER, END_MS, 2**53), (METER, -5, -1)
    ):  # fmt: skip
        assert store.historian.samples(meter, start_ms, end_ms) == []
        assert store.historian.totals(meter, start_ms, end_ms) == Totals()


def test_absent_is_neither_zero_nor_left_out(store):
    store.feed([envelope([Reading(START_MS, 0), Reading(START_MS + 1, None), Reading(START_MS + 2, None, None, 5)])])
    assert store.historian.samples(METER, *ALWAYS) == [
        Sample(START_MS, 0, None), Sample(START_MS + 1, None, None), Sample(START_MS + 2, None, 5)
    ]  # fmt: skip
    assert store.historian.totals(METER, *ALWAYS) == Totals(exports=1, powers=1, power_w=5)


def test_export_and_import_of_one_instant_in_envelopes_of_their_own_are_two_readings(store):
    store.feed([envelope([Reading(START_MS, 7)]), envelope([Reading(START_MS, None, 9)], first_sequence=1)])
    assert store.historian.samples(METER, *ALWAYS) == [Sample(START_MS, None, None), Sample(START_MS, 7, None)]
    assert store.historian.totals(METER, *ALWAYS) == Totals(exports=1, export_wh=7, imports=1, import_wh=9)


def test_late_out_of_order_and_repeated_envelopes_give_the_same_series(make, store):
    batches = [envelope(minutes(first, 10), first_sequence=first) for first in range(0, 60, 10)]
    rebatched = [envelope(minutes(first, 25), first_sequence=first) for first in (0, 5, 35)]
    plain = make("memory")
    plain.feed(batches)
    mixed = (batches + rebatched) * 2
    random.Random(3).shuffle(mixed)
    for start in range(0, len(mixed), 4):
        store.feed(mixed[start : start + 4])
    assert store.historian.samples(METER, *ALWAYS) == plain.historian.samples(METER, *ALWAYS)
    assert store.historian.totals(METER, *ALWAYS) == plain.historian.totals(METER, *ALWAYS)


@pytest.mark.parametrize("backwards", [False, True])
def test_different_readings_of_one_instant_are_all_kept_in_any_order(store, backwards):
    told = [
        envelope([Reading(START_MS, 100)]),
        envelope([Reading(START_MS, 90, None, 3)], boot=2),
        envelope([Reading(START_MS, 90, None, 4), Reading(START_MS, 80)], first_sequence=8),
        envelope([Reading(START_MS, 100)], boot=3, first_sequence=5),  # the same as the first, signed again
    ]
    for one in reversed(told) if backwards else told:
        store.feed([one])
    assert store.historian.samples(METER, *ALWAYS) == [
        Sample(START_MS, 80, None), Sample(START_MS, 90, 3), Sample(START_MS, 90, 4), Sample(START_MS, 100, None)
    ]  # fmt: skip
    assert store.historian.totals(METER, *ALWAYS) == Totals(exports=4, export_wh=360, powers=2, power_w=7)


def test_two_devices_on_one_meter_are_one_series_and_count_each(store):
    store.feed([envelope([Reading(START_MS, 5)]), envelope([Reading(START_MS, 5)], device="inv-2")])
    assert store.historian.samples(METER, *ALWAYS) == [Sample(START_MS, 5, None)]
    assert store.historian.totals(METER, *ALWAYS) == Totals(exports=2, export_wh=10)


def test_numbers_and_times_up_to_their_limits(store):
    top = 2**63 - 1
    rows = [Reading(0, top, None, -(2**31)), Reading(END_MS - 1, top, None, 2**31 - 1), Reading(END_MS, 1)]
    store.feed([envelope([*rows, Reading(2**53 - 1, 1)])])
    assert store.historian.samples(METER, *ALWAYS) == [Sample(0, top, -(2**31)), Sample(END_MS - 1, top, 2**31 - 1)]
    assert store.historian.totals(METER, *ALWAYS) == Totals(exports=2, export_wh=-2, powers=2, power_w=-1)


def test_all_historians_answer_alike(make, store):
    chance = random.Random(11)
    told = [
        envelope(
            [
                Reading(START_MS + chance.randrange(40), *(chance.choice([None, 0, chance.randrange(9)]) for _ in range(3)))
                for _ in range(chance.randrange(1, 200))
            ],
            device=chance.choice(["inv-1", "inv-2"]), boot=n,
        )
        for n in range(30)
    ]  # fmt: skip
    embedded = make("embedded")
    embedded.feed(told)
    store.feed(told)
    for span in ((0, 2**53), (START_MS + 10, START_MS + 20), (START_MS + 39, START_MS + 40)):
        assert store.historian.samples(METER, *span) == embedded.historian.samples(METER, *span)
        assert store.historian.totals(METER, *span) == embedded.historian.totals(METER, *span)


def test_a_new_database_has_no_progress_and_a_wiped_one_has_none_again(writable):
    assert writable.ping()
    assert writable.progress() is None
    begun = writable.begin()
    assert begun.row == 0
    assert writable.progress() == begun
    writable.advance(Progress(begun.generation, 17))
    writable.write([envelope(minutes(0, 5))])
    assert writable.progress() == Progress(begun.generation, 17)
    writable.wipe()
    writable.wipe()
    assert writable.progress() is None
    assert writable.samples(METER, *ALWAYS) == []


def test_progress_from_before_a_wipe_does_not_count_after_it(writable):
    before = writable.begin()
    writable.wipe()
    writable.advance(Progress(before.generation, 17))
    assert writable.progress() is None
    after = writable.begin()
    writable.advance(Progress(before.generation, 18))
    assert writable.progress() == after


def test_writers_of_one_bucket_have_each_their_own_progress(influx_server):
    bucket = next(buckets)
    one, other = (InfluxHistorian(influx_server.url, bucket, writer=name) for name in ("node-1", "node-2"))
    one.wipe()
    begun = one.begin()
    assert other.progress() is None
    other.begin()
    assert one.progress() == begun
    one.close()
    other.close()


def test_more_lines_than_one_request_holds_arrive(influx_server):
    historian = InfluxHistorian(influx_server.url, next(buckets), writer="node-1")
    historian.wipe()
    historian.write(envelope(minutes(first, 6000), first_sequence=first) for first in (0, 6000))
    assert historian.totals(METER, *ALWAYS).exports == 12_000
    historian.close()


def test_what_retention_no_longer_wants_is_no_failure(influx_server):
    bucket = next(buckets)
    influx_server.query("", f'CREATE DATABASE "{bucket}" WITH DURATION 1h')
    historian = InfluxHistorian(influx_server.url, bucket, writer="node-1")
    historian.begin()
    historian.write([envelope([Reading(5, 7), Reading(END_MS - 1, 7)])])
    assert historian.totals(METER, *ALWAYS) == Totals(exports=1, export_wh=7)
    assert historian.progress() is not None
    historian.close()


def test_a_database_that_is_not_there_is_named(influx_server):
    historian = InfluxHistorian(influx_server.url, next(buckets), writer="node-1")
    for call in (historian.progress, historian.begin, lambda: historian.write([envelope(minutes(0, 1))])):
        with pytest.raises(HistorianError, match="database not found"):
            call()
    historian.close()


def test_only_names_that_fit_are_taken():
    with pytest.raises(ValueError, match="writer"):
        InfluxHistorian("http://127.0.0.1:1", "sun", writer="a writer")
    with pytest.raises(ValueError, match="URL"):
        InfluxHistorian("127.0.0.1:8086", "sun", writer="node-1")


def test_line_protocol_is_as_written_down():
    told = envelope([Reading(START_MS, 41_919_016, None, 1204), Reading(START_MS + 1, None)])
    first, second = digits(told.readings)
    assert list(lines(told)) == [
        f"meter_reading,device=inv-1,meter=roof-1 export_wh=41919016i,power_w=1204i {START_MS * 1_000_000 + first}",
        f"meter_reading,device=inv-1,meter=roof-1 absent=true {(START_MS + 1) * 1_000_000 + second}",
    ]
    assert escaped("a b,c=d") == r"a\ b\,c\=d"


def test_digits_depend_on_the_registers_alone_and_tell_absent_from_zero():
    rows = [Reading(0, 0), Reading(0, None), Reading(0, None, 0), Reading(0, None, None, 0), Reading(9, 0)]
    alone = [int(digits(envelope([row]).readings)[0]) for row in rows]
    together = digits(envelope(rows).readings).tolist()
    assert alone == together
    assert len(set(together)) == 4
    assert together[0] == together[4]
