"""`heliograph explain`: what an owner reads when asking why."""

import json
import re

import pytest
from click.testing import CliRunner

from api.cli import heliograph
from api.configuration.rules import load_rules
from api.explaining.sources import explain, parse_interval
from api.explaining.words import WORDS, words_of
from api.settling.settle import settle_files
from oracle.errors import ConfigError
from oracle.journal.journal import Journal
from oracle.metering.reasons import Reason
from tests.support.reported_journal import filled

METERS = '[[meter]]\nid = "roof"\nnameplate_w = 8000\n'
NOON_MS = 1_777_636_800_000  # 1 May 2026, 12:00 UTC


def run(*arguments):
    return CliRunner().invoke(heliograph, ["explain", *map(str, arguments)])


@pytest.fixture(name="told")
def told_fixture(tmp_path):
    """Write readings of meter roof as minutes after midnight and register, and explain an interval of 1 May 2026."""

    def tell(readings, interval="2026-05-01T12:00:00Z", *more, meters=METERS):
        lines = [f"2026-05-01T{minute // 60:02}:{minute % 60:02}:00Z,roof,{wh}" for minute, wh in readings]
        (tmp_path / "r.csv").write_text("\n".join(["measured_at,meter_id,export_wh", *lines, ""]))
        (tmp_path / "M.toml").write_text(meters)
        done = run("roof", interval, tmp_path / "r.csv", "--meters", tmp_path / "M.toml", *more)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    return tell


def steady(first_hour=10, hours=6, step=5, start_wh=100_000, wh=100):
    minutes = range(first_hour * 60, (first_hour + hours) * 60, step)
    return [(minute, start_wh + i * wh) for i, minute in enumerate(minutes)]


def test_every_reason_has_words_of_its_own():
    assert set(WORDS) == set(Reason)
    assert len({words.because for words in WORDS.values()}) == len(Reason)
    for words in WORDS.values():
        assert words.because[0].islower()
        assert not words.because.endswith(".")
        assert re.fullmatch(r"[A-Z].*\.", words.remedy)
        assert not {code for code in Reason if "_" in code and code in words.because + words.remedy}


def test_a_reason_of_another_release_is_told_by_its_code():
    assert "'moonlight'" in words_of("moonlight").because


def test_an_attested_hour(told):
    said = told(steady())
    assert "roof, 2026-05-01T12:00:00Z to 2026-05-01T13:00:00Z" in said
    assert "1200 Wh attested, because the register rose so far" in said
    assert "All 12 readings of the interval were used." in said
    assert "What to do" not in said


def test_an_hour_that_waits(told):
    said = told(steady(hours=3))
    assert "300 Wh withheld, because not enough later readings confirm the register yet." in said
    assert "What to do: Wait" in said


def test_a_false_zero_is_named_with_its_time(told):
    readings = [(minute, 0 if minute == 12 * 60 + 30 else wh) for minute, wh in steady()]
    said = told(readings)
    assert "1200 Wh attested" in said
    assert "1 reading was not used, because the register showed zero" in said
    assert "(first at 2026-05-01T12:30:00Z, showing 0 Wh)" in said


def test_several_false_readings_are_counted(told):
    readings = [(minute, wh - 50_000 if 720 < minute <= 735 else wh) for minute, wh in steady()]
    assert "3 readings were not used, because the register stood below" in told(readings)


def test_a_gap_is_told_from_both_sides(told):
    readings = [(minute, wh) for minute, wh in steady() if not 11 * 60 + 30 < minute < 12 * 60 + 30]
    said = told(readings)
    assert "1200 Wh of it were produced since 2026-05-01T11:30:00Z" in said
    readings = [(minute, wh) for minute, wh in steady() if not 11 * 60 + 30 < minute < 13 * 60 + 30]
    said = told(readings)
    assert "No usable reading lies between 2026-05-01T11:30:00Z and 2026-05-01T13:30:00Z: the 2400 Wh" in said
    assert "attested" not in said


def test_times_before_after_and_without_production(told):
    assert "accounts begin at 2026-05-01T10:00:00Z with 100000 Wh" in told(steady(), "2026-05-01T08:00:00Z")
    assert "last usable reading is of 2026-05-01T15:55:00Z" in told(steady(), "2026-05-01T18:00:00Z")
    assert "nothing was produced, and nothing is held back" in told(steady(wh=0))
    assert "no export register" in told([(minute, "") for minute, _ in steady()])
    assert "None of the meter's readings can be used" in told([(minute, 2**32 - 1) for minute, _ in steady()])


def test_a_rise_that_no_plant_makes_is_disputed_with_its_remedy(told):
    readings = [(minute, wh + 50_000 * (minute > 720)) for minute, wh in steady()]
    said = told(readings, "2026-05-01T00:00:00Z/1d")
    assert "the register rose by more than the plant can produce" in said
    assert "nameplate" in said


def test_a_load_is_no_producer(told):
    assert "measures consumption" in told(steady(), meters=METERS + 'role = "load"\n')


def test_what_is_explained_is_what_is_booked(tmp_path):
    """Hour by hour the shares are those of the ledger, for a day with false zeros, a drop, a rise too fast and a gap."""
    lines = ["measured_at,meter_id,export_wh"]
    for minute, wh in steady(first_hour=0, hours=24, wh=40):
        shown = 0 if minute in {300, 700} else wh - 9000 if 400 < minute < 430 else wh + 80_000 * (minute > 900)
        if not 1000 < minute < 1130:
            lines.append(f"2026-05-01T{minute // 60:02}:{minute % 60:02}:00Z,roof,{shown}")
    (tmp_path / "r.csv").write_text("\n".join([*lines, ""]))
    (tmp_path / "M.toml").write_text(METERS)
    ledger, _ = settle_files([tmp_path / "r.csv"], tmp_path / "M.toml", "1h")
    booked = {row["start"]: row for row in ledger["intervals"]}
    assert {held["reason"] for row in booked.values() for held in row["withheld"] + row["disputed"]} >= {
        "uncorroborated"
    }
    for hour in range(24):
        start = f"2026-05-01T{hour:02}:00:00Z"
        (meter,) = explain("roof", start, [tmp_path / "r.csv"], tmp_path / "M.toml").meters
        row = booked.get(start, {"attested_wh": 0, "withheld": [], "disputed": []})
        for standing in ("withheld", "disputed"):
            told = [{"reason": one.reason, "wh": one.wh} for one in meter.shares if one.standing == standing]
            assert told == row[standing], start
        assert sum(one.wh for one in meter.shares if one.standing == "attested") == row["attested_wh"], start


def test_a_date_is_a_day_where_the_meter_stands(told):
    readings = [(0, 90_000), *steady()]
    for tz, offset, since in (("+08:00", "+08:00", ""), ("America/New_York", "-05:00", "2026-04-30T19:00:00-05:00")):
        said = told(readings, "2026-05-01", meters=f'{METERS}tz = "{tz}"\n')
        assert f"roof, 2026-05-01T00:00:00{offset} to 2026-05-02T00:00:00{offset}" in said
        assert ("were produced since" in said) == bool(since)
        assert since in said


def test_the_same_as_json(told):
    answer = json.loads(told(steady(hours=3), "2026-05-01T12:00:00Z", "--json", "-"))
    assert (answer["start"], answer["end"]) == ("2026-05-01T12:00:00Z", "2026-05-01T13:00:00Z")
    (meter,) = answer["meters"]
    assert [(share["standing"], share["reason"], share["wh"]) for share in meter["shares"]] == [
        ("attested", "", 900 - 100),
        ("withheld", "uncorroborated", 300),
    ]


def test_a_site_tells_of_all_its_meters_and_of_their_contradiction(tmp_path):
    meters = "".join(
        f'[[meter]]\nid = "{name}"\nnameplate_w = {power}\nsite = "farm"\nrole = "{role}"\n'
        for name, power, role in (("inv", 5000, "inverter"), ("gate", 20_000, "plant"))
    )
    lines = ["measured_at,meter_id,export_wh"]
    for day in range(1, 4):
        for step in range(288):
            produced = (day - 1) * 14_400 + max(0, min(step - 72, 144)) * 100
            time = f"2026-05-{day:02}T{step // 12:02}:{step % 12 * 5:02}:00Z"
            lines += [f"{time},inv,{10_000 + produced}", f"{time},gate,{50_000 + produced * (1 + (day == 2))}"]
    (tmp_path / "r.csv").write_text("\n".join([*lines, ""]))
    (tmp_path / "M.toml").write_text(meters)
    done = run("farm", "2026-05-01T00:00:00Z/3d", tmp_path / "r.csv", "--meters", tmp_path / "M.toml")
    assert done.exit_code == 0, done.stderr
    assert "gate (plant)" in done.stdout
    assert "inv (inverter)" in done.stdout
    assert "disputed, because the meters of the site contradict each other" in done.stdout
    alone = run("gate", "2026-05-01T00:00:00Z/3d", tmp_path / "r.csv", "--meters", tmp_path / "M.toml")
    assert "contradict each other" in alone.stdout
    assert "inv (inverter)" not in alone.stdout


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2026-05-01T12:00:00Z", (0, 3_600_000)),
        ("2026-05-01T20:00:00+08:00", (0, 3_600_000)),
        ("2026-05-01T12:00:00Z/15m", (0, 900_000)),
        ("2026-05-01T12:00:00Z/2026-05-01T12:00:01Z", (0, 1000)),
        ("2026-05-01", (-43_200_000, 43_200_000)),
    ],
)
def test_intervals_as_people_write_them(text, milliseconds):
    interval = parse_interval(text)
    assert (interval.start_ms - NOON_MS, interval.end_ms - NOON_MS) == milliseconds


@pytest.mark.parametrize(
    "text",
    ["", "noon", "2026-05-01T12:00:00", "2026-05-01T12:00:00Z/", "2026-05-01T12:00:00Z/0h", "2026-05-01T12:00:00Z/2026-05-01T12:00:00Z",
     "1969-05-01", "2026-02-30", "9999-12-31T23:00:00Z/366d", "2026-05-01T12:00:00Z/-1h"],
)  # fmt: skip
def test_what_is_no_interval_is_refused_with_a_hint(text):
    with pytest.raises(ConfigError, match="write a start such as"):
        parse_interval(text)


def test_what_is_not_known_is_refused_in_one_line(tmp_path):
    (tmp_path / "r.csv").write_text("measured_at,meter_id,export_wh\n2026-05-01T12:00:00Z,roof,1\n")
    (tmp_path / "M.toml").write_text(METERS)
    for said, arguments in (
        (
            "'x' is neither a meter nor a site nor an asset",
            ("x", "2026-05-01", tmp_path / "r.csv", "--meters", tmp_path / "M.toml"),
        ),
        ("nameplate of meter roof is not known", ("roof", "2026-05-01", tmp_path / "r.csv")),
        ("write a start", ("roof", "today", tmp_path / "r.csv", "--meters", tmp_path / "M.toml")),
        ("cannot be read", ("roof", "2026-05-01", tmp_path / "absent.csv", "--meters", tmp_path / "M.toml")),
    ):
        done = run(*arguments)
        assert (done.exit_code, done.stdout, said in done.stderr, done.stderr.count("\n")) == (2, "", True, 1), (
            done.stderr
        )


def test_a_journal_tells_what_its_reports_booked(tmp_path, make_fleet, steady):
    journal = Journal.open(tmp_path / "journal.sqlite", "demo")
    fleet = make_fleet()
    filled(journal, fleet, steady)
    entries = journal.entries()
    journal.close()
    moved = next(entry for entry in entries if entry.epoch > 1 and entry.energy_wh < 0)
    start = moved.account.start_ms
    asked = f"2025-06-15T{start // 3_600_000 % 24:02}:00:00Z"
    done = run(moved.asset_id, asked, tmp_path / "journal.sqlite", "--json", "-")
    assert done.exit_code == 0, done.stderr
    history = json.loads(done.stdout)["history"]
    assert sum(one["wh"] for one in history) == sum(e.energy_wh for e in entries if e.account.start_ms == start)
    assert [one["epoch"] for one in history] == sorted(one["epoch"] for one in history)
    meter = moved.account.meter_id
    (tmp_path / "M.toml").write_text("".join(f'[[meter]]\nid = "met-{n}"\nnameplate_w = 8000\n' for n in (0, 1)))
    both = run(meter, asked, tmp_path / "journal.sqlite", "--meters", tmp_path / "M.toml")
    assert both.exit_code == 0, both.stderr
    assert "What the reports booked" in both.stdout
    assert f"Report {moved.epoch} booked {moved.energy_wh:+} Wh as withheld (uncorroborated) for {meter}" in both.stdout
    assert "1000 Wh attested, because" in both.stdout
    assert {"met-0": "met-1", "met-1": "met-0"}[meter] not in both.stdout
    quiet = run(moved.asset_id, "2025-01-01", tmp_path / "journal.sqlite")
    assert "No report has booked anything in this interval yet." in quiet.stdout


RULES = """[[tariff]]
id = "feed-in"
minor_per_mwh = 3_000_000
source = "a contract"

[[asset]]
id = "rooftop-1"
tariff = "feed-in"
"""


def test_with_the_nodes_rules_a_journal_is_explained_as_the_node_settles(tmp_path, make_fleet, steady):
    """By the registry's meters, keys and confirmed registers: what is below the baseline is told from a false reading."""
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    fleet = type("Ruled", (make_fleet,), {"rules": load_rules(path)})()
    journal = Journal.open(tmp_path / "journal.sqlite", "demo")
    filled(journal, fleet, steady)
    low = fleet.envelope(0, steady(1, from_hour=40, register_wh=-39_500), first_sequence=90)
    journal.record_envelopes([low], 9000)
    journal.close()
    done = run("rooftop-1", "2025-06-15T00:00:00Z/2d", tmp_path / "journal.sqlite", "--rules", path)
    assert done.exit_code == 0, done.stderr
    assert "by the registry of report 3 and the rules that it was made by" in done.stderr
    assert "met-0 (inverter)" in done.stdout
    assert "met-1 (inverter)" in done.stdout
    assert "1 reading was not used, because the register stood below what it had reached" in done.stdout
    assert "(first at 2025-06-16T16:00:00Z, showing 500 Wh)" in done.stdout
    path.write_text("rated_overload_ppm = 1_200_000\n" + RULES)
    other = run("dev-1/met-1", "2025-06-15", tmp_path / "journal.sqlite", "--rules", path)
    assert "OTHER rules than it was made by" in other.stderr
    assert "met-0" not in other.stdout


def test_rules_go_with_a_journal_that_has_a_report(tmp_path, make_fleet, steady):
    (tmp_path / "rules.toml").write_text(RULES)
    (tmp_path / "M.toml").write_text(METERS)
    (tmp_path / "r.csv").write_text("measured_at,meter_id,export_wh\n2026-05-01T12:00:00Z,roof,1\n")
    journal = Journal.open(tmp_path / "journal.sqlite", "demo")
    journal.record_envelopes([make_fleet().envelope(0, steady(4))], 1)
    journal.close()
    for said, file, more in (
        ("--rules is for a journal", "r.csv", ()),
        ("in place of --meters", "journal.sqlite", ("--meters", tmp_path / "M.toml")),
        ("holds no report yet", "journal.sqlite", ()),
    ):
        done = run("roof", "2026-05-01", tmp_path / file, "--rules", tmp_path / "rules.toml", *more)
        assert (done.exit_code, done.stdout, said in done.stderr) == (2, "", True), done.stderr
