import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from devices.readings import Reading, Readings
from devices.recordings import RecordingError, read, write_csv

HEADER = "measured_at,meter_id,export_wh"


def refused(path, content=None):
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(RecordingError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    return caught.value.line


def test_rows_come_back_in_file_order_with_doubles_and_events(tmp_path):
    rows = {
        "m-2": [
            Reading(1_750_000_300_000, 70, 5, -4, ("replace", 1100, 60)),
            Reading(1_750_000_000_123, None),
            Reading(1_750_000_300_000, 70, 5, -4, ("replace", 1100, 60)),
        ],
        "m-1": [Reading(0, 2**63 - 1)],
    }
    path = tmp_path / "readings.csv"
    write_csv(path, {meter: Readings.of(each) for meter, each in rows.items()})
    recording = read(path)
    assert recording.format == "csv"
    assert {meter: list(each.readings) for meter, each in recording.meters.items()} == rows
    again = tmp_path / "again.csv"
    write_csv(again, {meter: each.readings for meter, each in recording.meters.items()})
    assert again.read_bytes() == path.read_bytes()


def test_any_zone_any_column_order_and_meters_between_each_other(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text(
        "\ufeffexport_wh,meter_id,measured_at\r\n"
        "5,a,2025-06-30T08:00:00+08:00\r\n"
        "6,b,2025-06-30T00:00:00.5Z\r\n"
        "\r\n"
        '7,"a",2025-06-29t19:05:00-05:00\r\n',
        encoding="utf-8",
    )
    meters = read(path).meters
    assert [each.export_wh for each in meters["a"].readings] == [5, 7]
    assert [each.time_ms for each in meters["a"].readings] == [1751241600000, 1751241900000]
    assert [each.time_ms for each in meters["b"].readings] == [1751241600500]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", None),
        (" \n\n", None),
        (f"{HEADER}\n", None),
        ("measured_at,export_wh\n2025-06-30T08:00:00Z,5\n", 1),
        (f"{HEADER},export_wh\n2025-06-30T08:00:00Z,a,5,5\n", 1),
        (f"{HEADER},colour\n2025-06-30T08:00:00Z,a,5,red\n", 1),
        (f"{HEADER}\n2025-06-30T08:00:00Z,a,5\n2025-06-30T08:00:00,a,5\n", 3),
        (f"{HEADER}\n\n\n2025-06-30,a,5\n", 4),
        (f"{HEADER}\n2025-06-31T08:00:00Z,a,5\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:60Z,a,5\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00.0001Z,a,5\n", 2),
        (f"{HEADER}\n1969-06-30T08:00:00Z,a,5\n", 2),
        (f"{HEADER}\n,a,5\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00Z,,5\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00Z,a/b,5\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00Z,a,-5\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00Z,a,5.0\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00Z,a,NaN\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00Z,a,\u0665\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00Z,a, 5\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00Z,a,9223372036854775808\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00Z,a,{'9' * 5000}\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00Z,a,5,6\n", 2),
        (f"{HEADER}\n2025-06-30T08:00:00Z,a\n", 2),
        (f'{HEADER}\n2025-06-30T08:00:00Z,a,"5\n', 2),
        (f"{HEADER},power_w\n2025-06-30T08:00:00Z,a,5,2147483648\n", 2),
        (f"{HEADER},event,closing_wh,opening_wh\n2025-06-30T08:00:00Z,a,5,swap,1,0\n", 2),
        (f"{HEADER},event,closing_wh,opening_wh\n2025-06-30T08:00:00Z,a,5,reset,1,\n", 2),
        (f"{HEADER},event,closing_wh,opening_wh\n2025-06-30T08:00:00Z,a,5,,1,0\n", 2),
        (f"{HEADER},event\n2025-06-30T08:00:00Z,a,5,reset\n", 2),
        ("sep=,\n", 1),
        ("sep=\n", 1),
    ],
)
def test_a_file_is_refused_whole_with_the_line_at_fault(tmp_path, content, line):
    assert refused(tmp_path / "bad.csv", content) == line


def test_files_that_cannot_be_read_say_so(tmp_path):
    assert refused(tmp_path / "absent.csv") is None
    assert refused(tmp_path) is None
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"measured_at\n\xff\xfe\0")
    assert refused(binary) == 2
    parquet = tmp_path / "broken.parquet"
    parquet.write_bytes(b"PAR1 and nothing more")
    assert refused(parquet) is None


def write_parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_reads_as_csv_does(tmp_path):
    times = [1_750_000_000_000, 1_750_000_300_000, 1_750_000_000_000]
    path = write_parquet(
        tmp_path / "r.parquet",
        measured_at=pa.array(times, pa.timestamp("ms", tz="Asia/Hong_Kong")),
        meter_id=pa.array(["a", "b", "a"]).dictionary_encode(),
        export_wh=pa.array([5, None, 6], pa.uint64()),
        event=pa.array([None, None, "reset"]),
        closing_wh=pa.array([None, None, 9]),
        opening_wh=pa.array([None, None, 0]),
    )
    recording = read(path)
    assert recording.format == "parquet"
    assert list(recording.meters["a"].readings) == [Reading(times[0], 5), Reading(times[2], 6, event=("reset", 9, 0))]
    assert list(recording.meters["b"].readings) == [Reading(times[1], None)]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"measured_at": pa.array([0, 0], pa.timestamp("ms"))}, None),
        ({"measured_at": pa.array([0, 1], pa.timestamp("ns", tz="UTC"))}, None),
        ({"measured_at": pa.array([0, None], pa.timestamp("ms", tz="UTC"))}, 2),
        ({"measured_at": pa.array([0, -1], pa.timestamp("ms", tz="UTC"))}, 2),
        ({"measured_at": pa.array([0, 1])}, None),
        ({"measured_at": pa.array(["2025-06-30T08:00:00Z", "2025-06-30"])}, 2),
        ({"export_wh": pa.array([1.0, 2.0])}, None),
        ({"export_wh": pa.array(["1", "2"])}, None),
        ({"export_wh": pa.array([1, -2])}, 2),
        ({"colour": pa.array(["red", "red"])}, 1),
    ],
)
def test_parquet_is_refused_whole_with_the_row_at_fault(tmp_path, change, line):
    columns = {
        "measured_at": pa.array([0, 1], pa.timestamp("ms", tz="UTC")),
        "meter_id": pa.array(["a", "a"]),
        "export_wh": pa.array([1, 2]),
    }
    assert refused(write_parquet(tmp_path / "bad.parquet", **(columns | change))) == line
