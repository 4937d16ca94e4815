import pytest

from devices.recordings import RecordingError, read

DAY_MS = 86_400_000
HALF_HOUR_MS = 1_800_000
MIDNIGHT_MS = 1_677_592_800_000  # 1 March 2023, 00:00 UTC+10
HEAD = "100,NEM12,202303020000,MDP,RET\n"


def stream(suffix="B1", unit="kWh", minutes=30, nmi="NMI1234567"):
    return f"200,{nmi},B1E1,{suffix},{suffix},{suffix},SERNO1,{unit},{minutes},\n"


def day(cells, quality="A", date="20230301"):
    return f"300,{date},{','.join(cells)},{quality},,,20230302000000,\n"


FULL = ["1.5"] * 48
SOUND = f"{HEAD}{stream()}{day(FULL)}900\n"


def write(tmp_path, text):
    path = tmp_path / "n.csv"
    path.write_text(text, newline="")
    return path


def rows(tmp_path, text, meter="NMI1234567"):
    return list(read(write(tmp_path, text)).meters[meter].readings)


def test_a_register_is_counted_up_from_midnight_of_market_time(tmp_path):
    recording = read(write(tmp_path, SOUND), zones="Europe/Amsterdam")
    meter = recording.meters["NMI1234567"]
    assert (recording.format, meter.kind, meter.source_name) == ("nem12", "interval", "NMI1234567")
    assert meter.readings.time_ms.tolist() == [MIDNIGHT_MS + i * HALF_HOUR_MS for i in range(49)]
    assert meter.readings.export_wh.to_list() == [1500 * i for i in range(49)]
    assert meter.readings.import_wh is None
    assert recording.notes == ["energy every 30 minutes, at market time (UTC+10), of connection points (role plant)"]


def test_export_and_import_of_one_number_are_one_meter(tmp_path):
    text = f"{HEAD}{stream()}{day(FULL)}{stream('E1', 'Wh')}{day(['7'] * 48)}900\n"
    last = rows(tmp_path, text)[-1]
    assert (last.export_wh, last.import_wh) == (72_000, 336)


def test_each_number_of_one_nmi_is_a_meter(tmp_path):
    text = f"{HEAD}{stream()}{day(FULL)}{stream('B2')}{day(['2'] * 48)}900\n"
    meters = read(write(tmp_path, text)).meters
    assert {name: list(meter.readings)[-1].export_wh for name, meter in meters.items()} == {
        "NMI1234567-1": 72_000,
        "NMI1234567-2": 96_000,
    }
    assert {meter.source_name for meter in meters.values()} == {"NMI1234567"}


def test_parts_of_a_watt_hour_are_summed_before_they_are_rounded_down(tmp_path):
    last = rows(tmp_path, f"{HEAD}{stream(unit='Wh')}{day(['.4', '.4', '.4'] * 16)}900\n")[-1]
    assert last.export_wh == 19  # 48 x 0.4 = 19.2


@pytest.mark.parametrize("quality", ["E52", "F14", "S14"])
def test_an_estimate_never_mints_and_never_saves(tmp_path, quality):
    """Of export it counts nothing and leaves no reading; of import it counts in full."""
    text = f"{HEAD}{stream()}{day(FULL, quality)}{day(FULL, date='20230302')}{stream('E1')}{day(FULL, quality)}900\n"
    read_rows = rows(tmp_path, text)
    by_time = {row.time_ms: row for row in read_rows}
    assert by_time[MIDNIGHT_MS].export_wh == 0
    assert {row.export_wh for row in read_rows if MIDNIGHT_MS < row.time_ms <= MIDNIGHT_MS + DAY_MS} == {None}
    assert by_time[MIDNIGHT_MS + DAY_MS].import_wh == 72_000
    assert by_time[MIDNIGHT_MS + DAY_MS + HALF_HOUR_MS].export_wh == 1500
    assert read_rows[-1].export_wh == 72_000
    assert "48 intervals estimated" in read(write(tmp_path, text)).notes[1]


def test_parts_of_a_day_of_mixed_quality_stand_by_themselves(tmp_path):
    parts = "400,1,20,F14,76,\n400,21,24,A,,\n400,25,47,S14,1,\n400,48,48,N,,\n"
    cells = [*FULL[:47], ""]
    read_rows = rows(tmp_path, f"{HEAD}{stream()}{day(cells, 'V')}{parts}900\n")
    assert read_rows[-1].export_wh is None
    assert [row.export_wh for row in read_rows if row.export_wh is not None] == [0, 1500, 3000, 4500, 6000]


def test_days_may_come_in_any_order_and_with_gaps(tmp_path):
    days = {date: day(FULL, date=date) for date in ("20230301", "20230302", "20230305")}
    text = f"{HEAD}{stream()}{days['20230305']}{days['20230301']}{days['20230302']}900\n"
    read_rows = rows(tmp_path, text)
    assert [row.time_ms for row in read_rows] == sorted(row.time_ms for row in read_rows)
    gap = [row.export_wh for row in read_rows if MIDNIGHT_MS + 2 * DAY_MS <= row.time_ms <= MIDNIGHT_MS + 4 * DAY_MS]
    assert gap == [144_000, 144_000]
    assert read_rows[-1].export_wh == 216_000


def test_reactive_energy_is_not_read(tmp_path):
    recording = read(write(tmp_path, f"{HEAD}{stream()}{day(FULL)}{stream('Q1', 'kVArh')}{day(FULL)}900\n"))
    assert list(recording.meters) == ["NMI1234567"]
    assert "Q1" in recording.notes[-1]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (SOUND.replace("NEM12", "NEM13"), 1, "NEM13"),
        (SOUND.removeprefix(HEAD), 1, "without its 100 record"),
        (SOUND.replace("900\n", ""), 3, "cut off"),
        (SOUND + "200\n", 5, "follows the 900"),
        (SOUND.replace("900\n", "800\n900\n"), 4, "'800'"),
        (f"{HEAD}{day(FULL)}900\n", 2, "before any 200"),
        (SOUND.replace("1.5,A", "A"), 3, "quality"),
        (SOUND.replace(",1.5,1.5,1.5,", ",1.5,", 1), 3, "quality ''"),
        (SOUND.replace(",1.5" * 9, "", 1), 3, "46 cells"),
        (SOUND.replace(",1.5" * 3, ",1.5" * 9, 1), 3, "61 cells"),
        (SOUND.replace("1.5,A", "1.5,B"), 3, "quality 'B'"),
        (SOUND.replace("1.5,A", "1.5,S"), 3, "quality 'S'"),
        (SOUND.replace("1.5,A", "-1.5,A"), 3, "interval 48: energy -1.5 is negative"),
        (SOUND.replace("1.5,A", "x,A"), 3, "interval 48: 'x'"),
        (SOUND.replace("1.5,A", "NaN,A"), 3, "interval 48"),
        (SOUND.replace("1.5,A", ",A"), 3, "interval 48"),
        (SOUND.replace("1.5,A", "1.5,V"), 4, "400 records do not cover"),
        (SOUND.replace("1.5,A", "1.5,V").replace("900", "400,1,47,A,,\n900"), 5, "400 records do not cover"),
        (SOUND.replace("1.5,A", "1.5,V").replace("900", "400,2,48,A,,\n900"), 4, "do not continue"),
        (SOUND.replace("1.5,A", "1.5,V").replace("900", "400,1,49,A,,\n900"), 4, "do not continue"),
        (SOUND.replace("1.5,A", "1.5,V").replace("900", "400,1,48,V,,\n900"), 4, "quality 'V'"),
        (SOUND.replace("900", "400,1,48,A,,\n900"), 4, "without a day"),
        (SOUND.replace("900", day(FULL) + "900"), 4, "second time"),
        (SOUND.replace("20230301", "20230230"), 3, "YYYYMMDD"),
        (SOUND.replace("20230301", "2023-03-01"), 3, "YYYYMMDD"),
        (SOUND.replace(",30,", ",7,"), 2, "minutes"),
        (SOUND.replace("kWh", "kVArh"), 2, "unit of active energy"),
        (SOUND.replace("NMI1234567", "NMI"), 2, "NMI"),
        (SOUND.replace("B1,B1,B1", "B1,1,1"), 2, "suffix"),
        (f"{HEAD}{stream('Q1', 'kVArh')}{day(FULL)}900\n", None, "neither B"),
        (f"{HEAD}900\n", None, "neither B"),
        (SOUND.replace("1.5,A", '1.5,"A'), 4, "not CSV"),
    ],
)
def test_a_file_is_refused_whole_with_the_line_at_fault(tmp_path, text, line, said):
    with pytest.raises(RecordingError, match=said) as caught:
        read(write(tmp_path, text))
    assert caught.value.line == line
