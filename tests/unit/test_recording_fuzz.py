from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.recordings import RecordingError
from devices.recordings.dsmr_p1 import crc16, read_dsmr_p1
from devices.recordings.known_tables import known_table
from devices.recordings.mapped import read_mapped
from devices.recordings.nem12 import read_nem12
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
INTERVALS = f"100,NEM12,1,a,b\n200,NMI1234567,B1,B1,B1,,S,kWh,30,\n300,20230301,{'1.5,' * 48}V,,,,\n400,1,20,A,,\n400,21,48,S14,,\n900\n"
TELEGRAM = "/ISK5\\2M550T\r\n\r\n0-0:1.0.0(200426223325S)\r\n1-0:2.8.0(000001.500*kWh)\r\n1-0:2.7.0(00.10*kW)\r\n!"
HOURS = (
    "Date/Time,Energy Produced (Wh),Energy Consumed (Wh),Exported to Grid (Wh),Imported from Grid (Wh)\n"
    "10/30/2022 01:00,0,1,0,1\n10/30/2022 02:00,5,1,4,0\n10/30/2022 02:00,5,1,4,0\n"
)
_, HOURS_MAPPING = known_table(HOURS)
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


def read_signed(path, text):
    """Read a telegram under the checksum that fits it, so that what is edited is more than refused for that."""
    body = text.rpartition("!")[0] + "!"
    lines = body.encode(errors="replace").decode().replace("\r\n", "\n").replace("\n", "\r\n")
    return read_dsmr_p1(path, f"{body}{crc16(lines.encode()):04X}\n", None)


READERS = [
    (TABLE, read_csv),
    (EXPORT, lambda path, text: read_sma(path, text, 480)),
    (INTERVALS, read_nem12),
    (TELEGRAM, read_signed),
    (HOURS, lambda path, text: read_mapped(path, text, HOURS_MAPPING, "Europe/Paris")),
]


@given(EDITS, st.sampled_from(READERS))
@settings(max_examples=1500, deadline=None)
def test_an_edited_file_is_read_or_refused_with_its_name(edits, kind):
    original, read = kind
    try:
        recording = read(Path("a.csv"), edited(original, edits))
    except RecordingError as error:
        assert "a.csv" in str(error)  # noqa: PT017 - most edits are refused, some are not
    else:
        assert all(len(meter.readings) for meter in recording.meters.values())


def test_what_is_edited_is_read_before_it_is():
    """Else the test above would try nothing."""
    for original, read in READERS:
        assert read(Path("a.csv"), original).meters
