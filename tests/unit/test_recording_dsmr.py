import pytest

from devices.recordings import RecordingError, read
from devices.recordings.dsmr_p1 import crc16

LINES = [
    "/ISK5\\2M550T-1012",
    "",
    "1-3:0.2.8(50)",
    "0-0:1.0.0(200426223325S)",
    "0-0:96.1.1(4530303434303037333832323436303139)",
    "1-0:1.8.1(002130.115*kWh)",
    "1-0:1.8.2(000245.467*kWh)",
    "1-0:2.8.1(000001.500*kWh)",
    "1-0:2.8.2(000000.250*kWh)",
    "1-0:1.7.0(00.111*kW)",
    "1-0:2.7.0(00.000*kW)",
    "0-1:24.2.1(700101010000W)(00000000)",
]
METER = "E0044007382246019"
SUMMER_MS = 1_587_933_205_000  # 26 April 2020, 22:33:25 at UTC+2


def telegram(*changes):
    text = "\r\n".join(LINES) + "\r\n!"
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return f"{text}{crc16(text.encode()):04X}\r\n"


def write(tmp_path, text):
    path = tmp_path / "p1.txt"
    path.write_bytes(text.encode())
    return path


def one(tmp_path, text, zones=None):
    (meter,) = read(write(tmp_path, text), zones).meters.values()
    (reading,) = meter.readings
    return reading


def test_the_checksum_is_the_standards():
    assert (
        crc16(b"123456789") == 0xBB3D
    )  # the check value of CRC-16/ARC in the catalogue of parametrised CRC algorithms


def test_registers_are_sums_of_tariffs_and_power_is_net(tmp_path):
    recording = read(write(tmp_path, telegram()))
    assert (recording.format, recording.meters[METER].kind) == ("dsmr-p1", "register")
    reading = one(tmp_path, telegram())
    assert (reading.time_ms, reading.export_wh, reading.import_wh, reading.power_w) == (
        SUMMER_MS,
        1750,
        2_375_582,
        -111,
    )


def test_a_total_comes_before_the_tariffs(tmp_path):
    assert one(tmp_path, telegram(("1-0:2.8.1(", "1-0:2.8.0(000001.751*kWh)\r\n1-0:2.8.1("))).export_wh == 1751


def test_what_no_meter_of_export_says_is_absent(tmp_path):
    without = telegram(("1-0:2.8.1(000001.500*kWh)\r\n1-0:2.8.2(000000.250*kWh)\r\n", ""))
    assert one(tmp_path, without).export_wh is None


def test_tariffs_are_summed_before_they_are_rounded_down(tmp_path):
    finer = telegram(("000001.500", "000001.5007"), ("000000.250", "000000.2506"))
    assert one(tmp_path, finer).export_wh == 1751


def test_summer_and_winter_are_told_by_the_telegram(tmp_path):
    assert one(tmp_path, telegram(("25S", "25W"))).time_ms == SUMMER_MS + 3_600_000
    assert one(tmp_path, telegram(), zones="Europe/Dublin").time_ms == SUMMER_MS + 3_600_000
    assert one(tmp_path, telegram(), zones={METER: "+02:00"}).time_ms == SUMMER_MS - 3_600_000


def test_a_file_of_many_telegrams_in_order(tmp_path):
    later = telegram(("223325", "223825"), ("000001.500", "000001.600"))
    recording = read(write(tmp_path, telegram() + "\r\n" + later + telegram(("3139)", "3138)"))))
    assert [reading.export_wh for reading in recording.meters[METER].readings] == [1750, 1850]
    assert len(recording.meters) == 2


def test_line_ends_may_have_been_changed_on_the_way(tmp_path):
    assert one(tmp_path, telegram().replace("\r\n", "\n")) == one(tmp_path, telegram())


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (telegram().replace("1.500", "9.500"), 13, "checksum"),
        (telegram()[:-6] + "10000\r\n", 13, "checksum '10000'"),
        (telegram().partition("!")[0] + "!\r\n", 13, "no checksum"),
        (telegram().partition("!")[0], 13, "no end"),
        (telegram() + "noise\r\n", 14, "outside"),
        (telegram(("0-0:1.0.0(200426223325S)\r\n", "")), 12, "no time"),
        (telegram(("200426223325S", "200426223325")), 4, "time"),
        (telegram(("200426223325S", "201326223325S")), 4, "no instant"),
        (telegram(("*kWh", "*GJ")), 8, "expected a number"),
        (telegram(("000001.500*kWh", "much*kWh")), 8, "not a number"),
        (telegram(("000001.500*kWh", "-00001.500*kWh")), 8, "negative"),
        (telegram(("000001.500*kWh", "9" * 20 + "*kWh")), 8, "larger"),
        (telegram(("1-0:2.8.2", "1-0:2.8.1")), 9, "second time"),
        (telegram(("1-0:2.8.2(000000.250*kWh)", "1-0:2.8.2 000000.250*kWh")), 9, "no object"),
        (telegram(("1-0:1.8", "1-0:3.8"), ("1-0:2.8", "1-0:4.8")), 13, "no register"),
    ],
)
def test_a_file_is_refused_whole_with_the_line_at_fault(tmp_path, text, line, said):
    with pytest.raises(RecordingError, match=said) as caught:
        read(write(tmp_path, text))
    assert caught.value.line == line


def test_two_meters_are_never_taken_for_one(tmp_path):
    """Names that differ only behind what an identifier holds."""
    long = "A" * 30
    both = "".join(telegram(("4530303434303037333832323436303139", long + end)) for end in "GH")
    with pytest.raises(RecordingError, match="both be called"):
        read(write(tmp_path, both))
