"""What each recorded set of real plants must settle to, and why: written down before anything was settled.

The figures were taken from the files by hand (spreadsheet sums of their columns), not by this program. Files of
`../shared/data` that this table does not name make a test fail.
"""

from dataclasses import dataclass

import pytest

from api.settling.settle import settle_files
from oracle.errors import ConfigError

AMSTERDAM = 'tz = "Europe/Amsterdam"'
INTERVALS = 'class = "interval"'
POWER = 'class = "power"'
AT_THE_GRID = 'role = "plant"'


def meter(name, nameplate_w, *more):
    return "\n".join(["[[meter]]", f'id = "{name}"', f"nameplate_w = {nameplate_w}", *more, ""])


@dataclass(frozen=True)
class Settles:
    file: str
    meters: str
    wh: dict[str, tuple[int, int, int]]
    """By meter: attested, withheld, disputed [Wh]."""
    why: str
    mapping: str | None = None
    """Mapping file for tables of no known format."""
    power_integral_wh: int | None = None
    """Integral of the power column, where the file has one beside the register [Wh]."""


@dataclass(frozen=True)
class Refuses:
    file: str
    message: str
    why: str
    meters: str | None = None
    mapping: str | None = None


ENPHASE = meter("production", 5000, AMSTERDAM, INTERVALS) + meter("grid", 5000, AMSTERDAM, INTERVALS, AT_THE_GRID)
ENPHASE += meter("consumption", 10_000, AMSTERDAM, INTERVALS, 'role = "load"')
ENPHASE_SITE = ENPHASE.replace("nameplate_w", 'site = "house"\nnameplate_w')
TELEGRAM = "one telegram is one reading, and energy is a difference of two: the register is read, nothing is attested"
NO_CHECKSUM = "P1 before version 4 has neither checksum nor time: what cannot be checked or dated is no evidence"
NO_UNIT = "normalised power has no unit, so no mapping can say what it is, and it is no register"
POWER_ONLY = "power is not energy: integrating it is an estimate of the file's reader, which no meter made"

SERF_EAST = """table = "serf_east_15min_ac_power.csv"
[time]
column = "measured_on"
label = "start"
interval = "15m"
[[meter]]
id = "serf-east"
kind = "power"
export = { column = "ac_power", unit = "W" }
"""
SERF_WEST = """table = "serf_west_15min.csv"
[time]
column = ""
zone = "-07:00"
label = "start"
interval = "15m"
[[meter]]
id = "serf-west"
kind = "power"
export = { column = "ac_power__773", unit = "W" }
"""
RSF = """table = "nrel_RSF_II.csv"
[time]
column = ""
format = "%m/%d/%Y %H:%M"
zone = "-07:00"
label = "start"
interval = "15m"
[[meter]]
id = "rsf-plant"
kind = "power"
export = { column = "ac_power_kw_1137", unit = "kW" }
[[meter]]
id = "rsf-inverter-2"
kind = "power"
export = { column = "inv2_ac_power_w__1047", unit = "W" }
"""
NORMALISED = """table = "ac_power_inv_2173_stale_data.csv"
[time]
column = "timestamp"
label = "start"
interval = "15m"
[[meter]]
id = "inv-2173"
kind = "power"
export = { column = "value_normalized", unit = "1" }
"""

SETTLED = [
    Settles(
        "sma/sma_stp8_5min_2025-06-30_07-13.csv",
        "",
        {"STP8.0-3AV-40-622": (600_502, 0, 0)},
        "42 519 518 - 41 919 016 Wh; one missing register is neither zero nor a fault; the end is night, so nothing waits",
        power_integral_wh=600_502,
    ),
    Settles(
        "hourly_wh/enphase_9999998_hourly.csv",
        ENPHASE,
        {"production": (10_254_891, 0, 0), "grid": (6_011_457, 0, 0), "consumption": (0, 0, 0)},
        "sums of the columns; each October night one hour comes twice by the clock and counts twice; a load exports nothing",
    ),
    Settles(
        "hourly_wh/enphase_9999998_hourly.csv",
        ENPHASE_SITE,
        {"production": (10_254_891, 0, 0), "grid": (6_011_457, 0, 0), "consumption": (0, 0, 0)},
        "as one site: produced + imported = consumed + exported on every row, so the sum check has nothing to say",
    ),
    Settles(
        "hourly_wh/pv11_hourly_register_kwh.csv",
        meter("pv11", 8000, AMSTERDAM, "resolution_wh = 1000"),
        {"pv11": (622_000, 12_000, 0)},
        "634 kWh in whole kWh without drift; the file ends at noon, where the last three steps wait for confirmation",
    ),
    Settles(
        "nem12/Example_NEM12_month_solar.csv",
        meter("NMI1234567", 5000, INTERVALS, AT_THE_GRID),
        {"NMI1234567": (589_172, 0, 0)},
        "sum of the 8 928 export intervals (B1), all of quality A; E1 is import",
    ),
    Settles(
        "nem12/Example_NEM12_actual_interval.csv",
        meter("VABD000163", 5000, INTERVALS),
        {"VABD000163": (0, 0, 0)},
        "E1 is import and Q1 is reactive: there is no export to attest",
    ),
    Settles(
        "nem12/Example_NEM12_multiple_quality.csv",
        meter("CCCC123456", 60_000, INTERVALS),
        {"CCCC123456": (0, 0, 0)},
        "import only",
    ),
    Settles(
        "nem12/Example_NEM12_substituted_interval.csv",
        meter("VBCD000022", 5000, INTERVALS),
        {"VBCD000022": (0, 0, 0)},
        "import only, and all of it substituted",
    ),
    *(
        Settles(
            f"dsmr/telegram_{name}.txt", meter(meter_id, 10_000, AT_THE_GRID, *zone), {meter_id: (0, 0, 0)}, TELEGRAM
        )
        for name, meter_id, *zone in (
            ("fluvius_v171", "1SAG3101021605"),
            ("fluvius_v171_alt", "1SAG3100721326"),
            ("iskra_ie", "09610", 'tz = "Europe/Dublin"'),
            ("sagemcom_t210_d_r", "EST5-253710000_A"),
            ("v4_2", "3960221976967177082151037881"),
            ("v5", "K8EG004046395507"),
            ("v5_eon_hu", "890082200002160"),
            ("v5_two_mbus", "E0044007382246019"),
        )
    ),
    Settles(
        "pvanalytics/serf_east_15min_ac_power.csv",
        meter("serf-east", 6000, POWER),
        {"serf-east": (2_941_907, 0, 0)},
        "declared: sum of positive mean power x 15 min; 3 551 Wh drawn at night are no production",
        mapping=SERF_EAST,
        power_integral_wh=2_941_907,
    ),
    Settles(
        "pvanalytics/serf_west_15min.csv",
        meter("serf-west", 6000, POWER),
        {"serf-west": (101_624, 2, 0)},
        "declared: the same; noise of 10 W at the end is 2 Wh that wait",
        mapping=SERF_WEST,
        power_integral_wh=101_626,
    ),
    Settles(
        "pvanalytics/nrel_RSF_II.csv",
        meter("rsf-plant", 210_000, POWER) + meter("rsf-inverter-2", 90_000, POWER),
        {"rsf-plant": (3_696_637, 0, 0), "rsf-inverter-2": (1_455_886, 0, 0)},
        "declared: two columns, one in kW and one in W",
        mapping=RSF,
        power_integral_wh=3_696_637 + 1_455_886,
    ),
]

REFUSED = [
    Refuses(
        "hourly_wh/enphase_9999998_hourly.csv",
        'class = "interval"',
        "energy an hour is not a register: nobody can check a sum that a portal made",
        ENPHASE.replace(INTERVALS, ""),
    ),
    Refuses(
        "hourly_wh/enphase_9999998_hourly.csv",
        "line 437: ",
        "its dates are written as in America, its clock changes on European dates: on New York's clock this hour comes once",
        ENPHASE.replace("Europe/Amsterdam", "America/New_York"),
    ),
    Refuses(
        "nem12/Example_NEM12_month_solar.csv",
        'class = "interval"',
        "interval data, whoever validated it, is not a register",
        meter("NMI1234567", 5000),
    ),
    Refuses(
        "nem12/invalid_incomplete_interval.csv",
        "line 3: ",
        "the day's values are missing: half a file is no evidence, so the sound day after it is not read either",
        meter("VABD000163", 5000, INTERVALS),
    ),
    Refuses("dsmr/telegram_esy5q3da1004_v304.txt", "line 11: ", NO_CHECKSUM),
    Refuses("dsmr/telegram_esy5q3db1024_v304.txt", "line 12: ", NO_CHECKSUM),
    Refuses("dsmr/telegram_v2_2.txt", "line 20: ", NO_CHECKSUM),
    Refuses("dsmr/telegram_v3.txt", "line 20: ", NO_CHECKSUM),
    Refuses(
        "dsmr/telegram_unpadded_crc.txt",
        "line 11: no register of electricity",
        "a heat meter: its checksum of three digits is right, but it measures gigajoules of heat",
    ),
    Refuses("pvanalytics/ac_power_inv_2173_stale_data.csv", "line 1: columns", NO_UNIT),
    Refuses("pvanalytics/ac_power_inv_2173_stale_data.csv", "unit", NO_UNIT, mapping=NORMALISED),
    Refuses("pvanalytics/ac_power_inv_7539_outliers.csv", "line 1: columns", NO_UNIT),
    Refuses("pvanalytics/system_50_ac_power_2_full_DST.parquet", "columns", POWER_ONLY),
    Refuses("pvanalytics/serf_east_15min_ac_power.csv", "line 1: columns", POWER_ONLY),
    Refuses("pvanalytics/serf_west_15min.csv", "line 1: columns", POWER_ONLY),
    Refuses("pvanalytics/nrel_RSF_II.csv", "line 1: columns", POWER_ONLY),
    Refuses(
        "pvanalytics/serf_east_15min_ac_power.csv",
        'class = "power"',
        POWER_ONLY,
        meter("serf-east", 6000, INTERVALS),
        SERF_EAST,
    ),
    Refuses("grid/cn_mee_2022_average_factors_found.csv", "line 1: columns", "emission factors are no readings"),
]


def settle(row, recorded_data, tmp_path):
    file = recorded_data / row.file
    meters = None
    if row.meters:
        meters = tmp_path / "meters.toml"
        meters.write_text(row.meters)
    if row.mapping:
        (tmp_path / file.name).symlink_to(file)
        file = tmp_path / "mapping.toml"
        file.write_text(row.mapping)
    ledger, _ = settle_files([file], meters, "1h")
    return ledger


@pytest.mark.parametrize("row", SETTLED, ids=lambda row: row.file)
def test_a_recorded_set_settles_to_the_watt_hour(row, recorded_data, tmp_path):
    ledger = settle(row, recorded_data, tmp_path)
    assert {
        one["meter_id"]: (one["attested_wh"], one["withheld_wh"], one["disputed_wh"]) for one in ledger["meters"]
    } == row.wh, row.why
    if row.power_integral_wh is not None:
        attested_wh = ledger["totals"]["attested_wh"]
        assert 95 * row.power_integral_wh <= 100 * attested_wh <= 100 * row.power_integral_wh, row.why


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row.file} {row.message}")
def test_a_recorded_set_is_refused_whole(row, recorded_data, tmp_path):
    with pytest.raises(ConfigError) as caught:
        settle(row, recorded_data, tmp_path)
    assert row.message in str(caught.value), row.why


def test_every_recorded_set_is_in_the_table(recorded_data):
    there = {str(path.relative_to(recorded_data)) for path in recorded_data.rglob("*") if path.is_file()}
    sets = {name for name in there if name.rpartition("/")[2] not in {"LICENSE", "README.md"}}
    assert {row.file for row in (*SETTLED, *REFUSED)} == sets


def test_a_table_of_power_alone_attests_nothing(tmp_path):
    (tmp_path / "r.csv").write_text(
        "measured_at,meter_id,export_wh,power_w\n" + "".join(f"2026-05-01T12:0{i}:00Z,roof,,5000\n" for i in range(9))
    )
    (tmp_path / "meters.toml").write_text(meter("roof", 5000))
    ledger, _ = settle_files([tmp_path / "r.csv"], tmp_path / "meters.toml", "1h")
    assert (ledger["totals"]["attested_wh"], ledger["meters"][0]["rejected"]) == (0, {"absent": 9})


def test_a_register_and_a_counted_register_are_never_mixed(tmp_path):
    """The one is a lifetime's, the other begins at zero."""
    (tmp_path / "r.csv").write_text("measured_at,meter_id,export_wh\n2023-02-28T12:00:00Z,NMI1234567,5000000\n")
    (tmp_path / "n.csv").write_text(
        "100,NEM12,1,a,b\n200,NMI1234567,B1,B1,B1,,S,kWh,30,\n300,20230301," + "1," * 48 + "A,,,,\n900\n"
    )
    (tmp_path / "meters.toml").write_text(meter("NMI1234567", 5000, INTERVALS))
    with pytest.raises(ConfigError, match="is recorded as interval, in another file as register"):
        settle_files([tmp_path / "r.csv", tmp_path / "n.csv"], tmp_path / "meters.toml", "1h")
