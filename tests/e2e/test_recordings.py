"""Files of other people's meters, from the command line: read whole, refused whole, settled, explained."""

import json
import subprocess
import sys

import pytest

METERS = '[[meter]]\nid = "NMI1234567"\nnameplate_w = 5000\nrole = "plant"\n'
INTERVALS = METERS + 'class = "interval"\n'


def heliograph(*arguments):
    command = [sys.executable, "-m", "api.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(name="month")
def month_fixture(recorded_data, tmp_path):
    """March 2023 of a house with modules, and the same figures dated a month of 31 days later."""
    march = tmp_path / "march.csv"
    march.write_bytes((recorded_data / "nem12" / "Example_NEM12_month_solar.csv").read_bytes())
    may = tmp_path / "may.csv"
    may.write_text(march.read_text().replace(",202303", ",202305"))
    for name, text in (("register.toml", METERS), ("interval.toml", INTERVALS)):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_interval_data_settles_only_where_that_is_declared(month):
    refused = heliograph("settle", month / "march.csv", "--meters", month / "register.toml")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1), refused.stderr
    assert 'class = "interval"' in refused.stderr
    assert heliograph("settle", month / "march.csv").returncode == 2
    minted = heliograph("demo", "--once", "--replay", month / "march.csv", "--meters", month / "register.toml")
    assert (minted.returncode, minted.stdout) == (2, "")
    assert 'class = "interval"' in minted.stderr
    done = heliograph("settle", month / "march.csv", "--meters", month / "interval.toml", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["totals"] == {"attested_wh": 589_172, "withheld_wh": 0, "disputed_wh": 0}


def test_months_go_on_from_each_other_and_never_count_twice(month):
    files = (month / "may.csv", month / "march.csv")
    done = heliograph("settle", *files, "--meters", month / "interval.toml", "--json", "-")
    assert done.returncode == 0, done.stderr
    ledger = json.loads(done.stdout)
    assert ledger["totals"]["attested_wh"] == 2 * 589_172
    assert ledger["meters"][0]["rejected"] == {}
    twice = heliograph("settle", files[0], files[0], "--meters", month / "interval.toml")
    assert (twice.returncode, twice.stdout) == (2, "")
    assert "counted twice" in twice.stderr


def test_a_file_that_is_cut_off_is_refused_with_its_last_line(month):
    text = (month / "march.csv").read_text()
    (month / "march.csv").write_text(text[: text.rindex("900")])
    refused = heliograph("settle", month / "march.csv", "--meters", month / "interval.toml")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "march.csv, line 65: the file ends without its 900 record" in refused.stderr


def test_an_hour_of_it_is_explained(month):
    arguments = ("--meters", month / "interval.toml")
    noon = heliograph("explain", "NMI1234567", "2023-03-04T12:00:00+10:00", month / "march.csv", *arguments)
    assert noon.returncode == 0, noon.stderr
    assert "Wh attested, because the register rose so far between readings that later readings confirm." in noon.stdout
    night = heliograph("explain", "NMI1234567", "2023-03-04T00:00:00+10:00", month / "march.csv", *arguments)
    assert "The register did not rise" in night.stdout
    unknown = heliograph("explain", "roof", "2023-03-04", month / "march.csv", *arguments)
    assert (unknown.returncode, unknown.stdout, unknown.stderr.count("\n")) == (2, "", 1)


def test_somebody_s_own_table_is_settled_by_a_mapping(tmp_path):
    rows = [
        f"{step // 12:02}:{step % 12 * 5:02};{1000 + max(0, step - 100) * 0.04:.2f}".replace(".", ",")
        for step in range(200)
    ]
    (tmp_path / "logger.csv").write_text("\n".join(["Zeit;Ertrag", *(f"01.05.2026 {row}" for row in rows), ""]))
    (tmp_path / "logger.toml").write_text(
        'table = "logger.csv"\nseparator = ";"\ndecimal = ","\n[time]\ncolumn = "Zeit"\nformat = "%d.%m.%Y %H:%M"\n'
        '[[meter]]\nid = "dach"\nkind = "register"\nexport = { column = "Ertrag", unit = "kWh" }\n'
    )
    (tmp_path / "M.toml").write_text('[[meter]]\nid = "dach"\nnameplate_w = 8000\ntz = "Europe/Berlin"\n')
    done = heliograph("settle", tmp_path / "logger.toml", "--meters", tmp_path / "M.toml", "--json", "-")
    assert done.returncode == 0, done.stderr
    totals = json.loads(done.stdout)["totals"]
    assert totals["attested_wh"] + totals["withheld_wh"] == 99 * 40
    assert totals["withheld_wh"] == 3 * 40  # the last three readings are not confirmed by four
    assert "Europe/Berlin" in done.stderr
