import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.readings import Reading, Readings
from devices.recordings import RecordingError, read
from devices.recordings.counted import CountedRegister, continue_counting
from devices.recordings.exact import energy_units, scaled

HOUR_MS = 3_600_000
OCTOBER_MS = 1_761_436_800_000  # 26 October 2025, 00:00 UTC
REGISTERS = """table = "t.csv"
separator = ";"
decimal = ","
skip_lines = 1
[time]
column = "when"
format = "%d.%m.%Y %H:%M"
zone = "Europe/Berlin"
[[meter]]
id = "roof"
kind = "register"
export = { column = "yield", unit = "kWh" }
import = { column = "drawn", unit = "Wh" }
power = { column = "p", unit = "kW" }
"""
TABLE = """made by a logger
when;yield;drawn;p
25.10.2025 23:00;1000,5;7;0,0125
26.10.2025 00:00;1000,5009;;-0,5
26.10.2025 01:00;NaN;8;
"""
INTERVALS = """table = "t.csv"
meter_column = "m"
[time]
column = "t"
label = "start"
interval = "1h"
[[meter]]
id = "a"
kind = "interval"
export = { column = "e", unit = "Wh" }
[[meter]]
id = "b"
named = "the other"
kind = "interval"
export = { column = "e", unit = "kWh" }
"""
ROWS = "t,m,e\n2025-10-26T00:00:00Z,a,5\n2025-10-26T00:00:00Z,the other,5\n2025-10-26T01:00:00Z,a,0.7\n"


def write(tmp_path, mapping, table):
    (tmp_path / "t.csv").write_text(table)
    path = tmp_path / "mapping.toml"
    path.write_text(mapping)
    return path


def recorded(tmp_path, mapping, table, zones=None):
    meters = read(write(tmp_path, mapping, table), zones).meters
    return {
        name: [
            ((row.time_ms - OCTOBER_MS) / HOUR_MS, row.export_wh, row.import_wh, row.power_w) for row in meter.readings
        ]
        for name, meter in meters.items()
    }


def test_registers_in_the_logger_s_own_units_and_zone(tmp_path):
    assert recorded(tmp_path, REGISTERS, TABLE) == {
        "roof": [(-3, 1_000_500, 7, 12), (-2, 1_000_500, None, -500), (-1, None, 8, None)]
    }


@pytest.mark.parametrize(
    ("time", "row"),
    [
        ('column = ["day", "hour"]\nformat = "%Y-%m-%d %H.%M"', "day,hour,e\n2025-10-26,00.00,5\n"),
        ('column = ["day", "hour"]', "day,hour,e\n2025-10-26,02:00+02:00,5\n"),
        ('column = "t"\nformat = "unix"', "t,e\n1761436800,5\n"),
        ('column = "t"\nformat = "unix"', "t,e\n1.7614368e9,5\n"),
        ('column = "t"\nformat = "%Y%m%d%H%M%z"', "t,e\n202510260800+0800,5\n"),
    ],
)
def test_times_as_loggers_write_them(tmp_path, time, row):
    mapping = f'table = "t.csv"\n[time]\n{time}\n[[meter]]\nid = "a"\nkind = "register"\nexport = {{ column = "e", unit = "Wh" }}\n'
    assert recorded(tmp_path, mapping, row) == {"a": [(0, 5, None, None)]}


@given(st.lists(st.integers(0, 99_999), min_size=12, max_size=48), st.sampled_from([2, 3, 4, 6, 12]))
def test_no_length_of_intervals_gains_by_rounding(energy_mwh, together):
    """Energy in thousandths of Wh, by intervals and by sums of several of them: the register is the same wherever both have one."""
    fine, coarse = CountedRegister(), CountedRegister()
    for place, energy in enumerate(energy_mwh):
        fine.add(place, place + 1, energy_units(scaled(str(energy), -3)))
    for place in range(0, len(energy_mwh) - together + 1, together):
        energy = sum(energy_mwh[place : place + together])
        coarse.add(place, place + together, energy_units(scaled(str(energy), -3)))
    assert set(coarse.points) <= set(fine.points)
    assert coarse.points[-1][1] == sum(energy_mwh[: coarse.points[-1][0]]) // 1000


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "utf-16"])
def test_a_table_may_be_in_another_encoding(tmp_path, encoding):
    mapping = f'encoding = "{encoding}"\n' + REGISTERS.replace("yield", "Zählerstand")
    path = write(tmp_path, mapping, "")
    (tmp_path / "t.csv").write_bytes(TABLE.replace("yield", "Zählerstand").encode(encoding))
    assert len(read(path).meters["roof"].readings) == 3
    (tmp_path / "t.csv").write_bytes(b"a\n\xff\x81\x00")
    with pytest.raises(RecordingError):
        read(path)


def test_each_row_may_be_of_one_meter(tmp_path):
    assert recorded(tmp_path, INTERVALS, ROWS) == {
        "a": [(0, 0, None, None), (1, 5, None, None), (2, 5, None, None)],
        "b": [(0, 0, None, None), (1, 5000, None, None)],
    }
    meters = read(write(tmp_path, INTERVALS, ROWS)).meters
    assert [(meter.kind, meter.source_name) for meter in meters.values()] == [
        ("interval", "a"),
        ("interval", "the other"),
    ]


def test_an_interval_may_be_named_by_its_end(tmp_path):
    at_end = INTERVALS.replace('"start"', '"end"')
    assert [row[:2] for row in recorded(tmp_path, at_end, ROWS)["a"]] == [(-1, 0), (0, 5), (1, 5)]


def test_mean_power_counts_up_by_direction(tmp_path):
    power = INTERVALS.replace('"interval"', '"power"').replace('"Wh"', '"W"').replace('"kWh"', '"kW"')
    power = power.replace('"1h"', '"15m"').replace('"T"', '"t"')
    table = ROWS.replace("a,0.7", "a,-4000").replace("01:00:00Z", "00:15:00Z")
    assert recorded(tmp_path, power, table)["a"] == [(0, 0, 0, None), (0.25, 1, 0, None), (0.5, 1, 1000, None)]


def test_an_empty_cell_is_absent_and_not_zero(tmp_path):
    rows = recorded(tmp_path, INTERVALS, ROWS.replace("a,5", "a,") + "2025-10-26T02:00:00Z,a,3\n")
    assert [row[:2] for row in rows["a"]] == [(0, 0), (1, None), (2, 0), (3, 3)]


def test_the_hour_that_comes_twice_counts_twice_and_the_skipped_one_is_refused(tmp_path):
    hours = "when;yield;drawn;p\n" + "".join(f"26.10.2025 {h:02}:00;1;;\n" for h in (1, 2, 2, 3))
    mapping = REGISTERS.replace("skip_lines = 1\n", "")
    assert [row[0] for row in recorded(tmp_path, mapping, hours)["roof"]] == [-1, 0, 1, 2]
    with pytest.raises(RecordingError, match="comes twice") as caught:
        recorded(tmp_path, mapping, hours.replace(" 03:", " 02:"))
    assert caught.value.line == 5
    with pytest.raises(RecordingError, match="does not exist") as caught:
        recorded(tmp_path, mapping, hours.replace("26.10.2025 02", "30.03.2025 02"))
    assert caught.value.line == 3


def test_the_meters_file_gives_the_zone_where_the_mapping_names_none(tmp_path):
    bare = REGISTERS.replace('zone = "Europe/Berlin"\n', "")
    for zones, hour in (
        (None, -1),
        ("Asia/Hong_Kong", -9),
        (480, -9),
        ("+08:00", -9),
        ({"roof": "+08:00"}, -9),
        ({"x": "+08:00"}, -1),
    ):
        assert recorded(tmp_path, bare, TABLE, zones)["roof"][0][0] == hour
    with pytest.raises(RecordingError, match="neither an IANA"):
        recorded(tmp_path, bare, TABLE, "Mars")


@pytest.mark.parametrize(
    ("mapping", "table", "line", "said"),
    [
        (REGISTERS, TABLE.replace("1000,5;", "1000.5;"), 3, "point"),
        (REGISTERS, TABLE.replace("1000,5;", "1,000,5;"), 3, "not a number"),
        (REGISTERS, TABLE.replace("1000,5;", "-1000,5;"), 3, "negative"),
        (REGISTERS, TABLE.replace("1000,5;", "1" * 20 + ";"), 3, "2\\^63"),
        (REGISTERS, TABLE.replace("1000,5;", "1e99;"), 3, "2\\^63"),
        (REGISTERS, TABLE.replace("1000,5;", "1e-30;"), 3, "more decimals"),
        (REGISTERS, TABLE.replace("0,0125", "9999999"), 3, "32 bits"),
        (REGISTERS, TABLE.replace(";7;", ";"), 3, "3 cells, the header has 4"),
        (REGISTERS, TABLE.replace("25.10.2025", "32.10.2025"), 3, "time"),
        (REGISTERS, TABLE.replace("25.10.2025", "25.10.1969"), 3, "before 1970"),
        (REGISTERS, TABLE.replace("yield;", "other;"), 2, "'yield' is missing"),
        (REGISTERS, TABLE.replace("drawn;p", "drawn;yield"), 2, "'yield' occurs more than once"),
        (REGISTERS, "made by a logger\nwhen;yield;drawn;p\n", None, "no readings of meter roof"),
        (INTERVALS, ROWS.replace("01:00:00Z,a", "00:30:00Z,a"), 4, "counted twice"),
        (INTERVALS, ROWS.replace("0.7", "-0.7"), 4, "negative"),
        (INTERVALS, ROWS.replace("the other", "who"), 3, "not in the mapping"),
        (INTERVALS, ROWS.replace("0.7", '"0.7'), 4, "not CSV"),
        (INTERVALS.replace('"t.csv"', '"absent.csv"'), ROWS, None, "cannot be read"),
        (INTERVALS.replace('"t.csv"', '""'), ROWS, None, "names no file"),
        (INTERVALS.replace('"Wh"', '"W"'), ROWS, None, "unit 'W'"),
        (INTERVALS.replace('"Wh"', '"kVArh"'), ROWS, None, "unit 'kVArh'"),
        (INTERVALS.replace('"1h"', '"1 hour"'), ROWS, None, "interval"),
        (INTERVALS.replace('"1h"', '"2d"'), ROWS, None, "interval"),
        (INTERVALS.replace('interval = "1h"\n', ""), ROWS, None, "needs time.label and time.interval"),
        (INTERVALS.replace('"b"', '"a"'), ROWS, None, "more than once"),
        (INTERVALS.replace('"b"', '"b b"'), ROWS, None, "identifier"),
        (INTERVALS.replace("export", "exports"), ROWS, None, "exports"),
        (INTERVALS.replace("label", "zone"), ROWS, None, "neither an IANA"),
        ("table = ", ROWS, None, "not TOML"),
    ],
)
def test_a_mapped_file_is_refused_whole_with_the_line_or_key_at_fault(tmp_path, mapping, table, line, said):
    with pytest.raises(RecordingError, match=said) as caught:
        read(write(tmp_path, mapping, table))
    assert caught.value.line == line


def readings(start, *register_wh):
    return Readings.of([Reading((start + i) * HOUR_MS, wh) for i, wh in enumerate(register_wh)])


def test_the_readme_s_mapping_is_one(repository, tmp_path):
    readme = (repository / "devices" / "README.md").read_text(encoding="utf-8")
    block = readme.split("<!-- mapping: begin -->\n```toml\n")[1].split("```\n<!-- mapping: end -->")[0]
    (tmp_path / "logger.csv").write_text(
        "made by a logger\nTime;Device;Total yield;Total drawn;AC power\n25.10.2025 23:00;Inverter 1;1,5;;12\n"
    )
    (tmp_path / "logger.toml").write_text(block)
    (reading,) = read(tmp_path / "logger.toml").meters["roof-1"].readings
    assert (reading.time_ms - OCTOBER_MS, reading.export_wh, reading.import_wh, reading.power_w) == (
        -3 * HOUR_MS,
        1500,
        None,
        12,
    )


def test_files_of_one_meter_go_on_from_each_other():
    joined = continue_counting([readings(5, 0, 7, None), readings(0, 0, 2, 3), readings(2, 0, 1)])
    assert [piece.time_ms.tolist() for piece in joined] == [
        [0, HOUR_MS, 2 * HOUR_MS],
        [3 * HOUR_MS],
        [5 * HOUR_MS, 6 * HOUR_MS, 7 * HOUR_MS],
    ]
    assert [piece.export_wh.to_list() for piece in joined] == [[0, 2, 3], [4], [4, 11, None]]


def test_both_directions_go_on():
    pieces = [
        Readings.of([Reading(start, wh, 10 * wh) for start, wh in rows])
        for rows in (((0, 0), (1, 3)), ((1, 0), (2, 4)))
    ]
    assert [(row.export_wh, row.import_wh) for piece in continue_counting(pieces) for row in piece] == [
        (0, 0),
        (3, 30),
        (7, 70),
    ]


def test_files_that_overlap_are_refused():
    with pytest.raises(ValueError, match="counted twice"):
        continue_counting([readings(0, 0, 2, 3), readings(1, 0, 1)])
