from pathlib import Path

import pytest

from devices.recordings import RecordingError, read
from devices.recordings.sma import default_meter_id, nameplate_w

SHARED = Path(__file__).parents[3] / "shared" / "data" / "sma"

TWO_INVERTERS = """sep=;
Version CSV3|Tool SP|Linebreaks CR/LF|Delimiter semicolon

;STP8.0-3AV-40 622;STP8.0-3AV-40 622;SB 5000TL;SB 5000TL
;SUNNY TRIPOWER;SUNNY TRIPOWER;SUNNY BOY;SUNNY BOY
;1;1;2;2
;Metering.TotWhOut;GridMs.TotW (Avg);GridMs.TotW (Avg);Metering.TotWhOut
;Analog;Analog;Analog;Analog
DD.MM.YYYY hh:mm:ss;[Wh];[W];[W];[Wh]
30.06.2025 00:00:00;100;NaN;12,6;900
30.06.2025 00:05:00;NaN;7.4;NaN;901
"""


def write(tmp_path, content):
    path = tmp_path / "export.csv"
    path.write_text(content, encoding="utf-8-sig")
    return path


def test_inverters_side_by_side(tmp_path):
    recording = read(write(tmp_path, TWO_INVERTERS))
    assert recording.format == "sma-csv3"
    first, second = recording.meters.values()
    assert list(recording.meters) == ["STP8.0-3AV-40-622", "SB-5000TL"]
    assert (first.source_name, first.nameplate_w, second.nameplate_w) == ("STP8.0-3AV-40 622", 8000, 5000)
    assert [(r.time_ms, r.export_wh, r.power_w) for r in first.readings] == [
        (1751241600000, 100, None),
        (1751241900000, None, 7),
    ]
    assert [(r.export_wh, r.power_w) for r in second.readings] == [(900, 13), (901, None)]
    assert "1 without a register" in recording.notes[0]


def test_local_time_is_taken_at_a_fixed_offset(tmp_path):
    path = write(tmp_path, TWO_INVERTERS)
    for offset in (480, {"SB-5000TL": 480}):
        meters = read(path, zones=offset).meters
        assert meters["SB-5000TL"].readings.time_ms[0] == 1751241600000 - 480 * 60_000
    assert meters["STP8.0-3AV-40-622"].readings.time_ms[0] == 1751241600000


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("30.06.2025 00:05:00", "2025-06-30 00:05:00", 11),
        ("30.06.2025 00:05:00", "31.06.2025 00:05:00", 11),
        ("30.06.2025 00:05:00", "30.06.1969 00:05:00", None),
        (";901", ";-1", 11),
        (";901", ";90.1", 11),
        (";901", "", 11),
        (";901", ";90x", 11),
        ("7.4", "much", 11),
        ("7.4", "inf", 11),
        ("Metering.TotWhOut", "Metering.Other", 9),
        ("[Wh];[W]", "[kWh];[W]", 9),
        ("SB 5000TL", "STP8.0-3AV-40 622", 9),
        ("DD.MM.YYYY", "MM/DD/YYYY", 11),
        (";1;1;2;2", ";1", 9),
    ],
)
def test_an_export_is_refused_whole_with_the_line_at_fault(tmp_path, old, new, line):
    with pytest.raises(RecordingError) as caught:
        read(write(tmp_path, TWO_INVERTERS.replace(old, new)))
    assert caught.value.line == line


def test_an_export_without_rows_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="no readings"):
        read(write(tmp_path, TWO_INVERTERS[: TWO_INVERTERS.index("30.06")]))


def test_meter_ids_follow_the_grammar_of_identifiers():
    assert default_meter_id("STP8.0-3AV-40 622") == "STP8.0-3AV-40-622"
    assert default_meter_id("  -Dach (Süd)") == "Dach--S-d-"
    assert default_meter_id("x" * 40) == "x" * 28
    assert default_meter_id("--") is None


@pytest.mark.parametrize(
    ("model", "watts"),
    [
        ("STP8.0-3AV-40 622", 8000),
        ("STP 5000TL-20", 5000),
        ("SB3.6-1AV-41", 3600),
        ("SHP 125-US-21", 125_000),
        ("?", None),
    ],
)
def test_nameplate_is_read_from_the_model_name(model, watts):
    assert nameplate_w(model) == watts


def test_real_export_yields_600502_wh():
    files = sorted(SHARED.glob("*.csv"))
    if not files:
        pytest.skip(f"the recorded SMA export is not at {SHARED}")
    recording = read(files[0])
    (meter,) = recording.meters.values()
    register = meter.readings.export_wh
    known = register.numbers[register.present]
    assert (list(recording.meters), meter.nameplate_w) == (["STP8.0-3AV-40-622"], 8000)
    assert (len(register), len(known), int(known[-1] - known[0])) == (4032, 4031, 600_502)
