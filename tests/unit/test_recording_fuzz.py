from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.recordings import RecordingError
from devices.recordings.sma import read_sma
from devices.recordings.table import read_csv

TABLE = (
    "measured_at,meter_id,export_wh,power_w,event,closing_wh,opening_wh\n"
    "2025-06-30T08:00:00+08:00,a,5,-3,reset,9,0\n2025-06-30T08:05:00.250Z,b,,,,,\n"
)
EXPORT = (
    "sep=,\nVersion CSV3\n\n,STP8.0,STP8.0\n,T,T\n,1,1\n,Metering.TotWhOut,GridMs.TotW (Avg)\n,Analog,Analog\n"
    "DD.MM.YYYY hh:mm:ss,[Wh],[W]\n30.06.2025 00:00:00,100,1.5\n30.06.2025 00:05:00,NaN,NaN\n"
)
SCRAPS = st.sampled_from(
    [
        "",
        ",",
        "\n",
        '"',
        "\0",
        "\r",
        "-",
        "9" * 30,
        "NaN",
        "1e400",
        "0000",
        "9999-12-31T23:59:59-23:59",
        "٣",
        "\ud800",
        ";",
    ]
) | st.text(max_size=6)
EDITS = st.lists(st.tuples(st.integers(0, 260), st.integers(0, 12), SCRAPS), max_size=4)


def edited(text, edits):
    for at, length, scrap in edits:
        text = text[:at] + scrap + text[at + length :]
    return text


@given(EDITS, st.sampled_from([(TABLE, read_csv), (EXPORT, lambda path, text: read_sma(path, text, 480))]))
@settings(max_examples=600, deadline=None)
def test_an_edited_file_is_read_or_refused_with_its_name(edits, kind):
    original, read = kind
    try:
        recording = read(Path("a.csv"), edited(original, edits))
    except RecordingError as error:
        assert "a.csv" in str(error)  # noqa: PT017 - most edits are refused, some are not
    else:
        assert all(len(meter.readings) for meter in recording.meters.values())
