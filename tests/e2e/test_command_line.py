"""Help, results on stdout, one clear line for what is wrong, and the exit code that says which kind."""

import csv
import json
import random
import subprocess
import sys

import pytest
from click.testing import CliRunner

from api.cli import COMMANDS, heliograph

HEAVY = ("web3", "fastapi", "numpy", "pandas", "pvlib", "eth_tester", "paho", "amqtt", "cryptography", "pydantic")


def run(*arguments):
    return CliRunner().invoke(heliograph, [str(argument) for argument in arguments])


@pytest.fixture
def readings(tmp_path):
    """A day of two meters with a false zero, a duplicate, a drop and a row without a register."""
    rows = []
    for meter_id, start in (("east", 1_000_000), ("west", 5_000)):
        for step in range(288):
            register = start + max(0, min(step - 72, 144)) * 40
            rows.append([f"2026-05-01T{step // 12:02}:{step % 12 * 5:02}:00+08:00", meter_id, register])
    rows[80][2] = 0
    rows[300][2] -= 600
    rows[310][2] = ""
    rows.append(rows[50])
    path = tmp_path / "readings.csv"
    write(path, rows)
    (tmp_path / "M.toml").write_text('[[meter]]\nid="east"\nnameplate_w=8000\n[[meter]]\nid="west"\nnameplate_w=8000\n')
    return path, tmp_path / "M.toml", rows


def write(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["measured_at", "meter_id", "export_wh"], *rows])


def ledger_of(path, meters, *more):
    result = run("settle", path, "--meters", meters, "--json", "-", *more)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_settling_twice_gives_the_same_bytes(readings):
    path, meters, _ = readings
    assert ledger_of(path, meters) == ledger_of(path, meters)


def test_order_and_repetition_do_not_change_the_ledger(readings):
    path, meters, rows = readings
    first = json.loads(ledger_of(path, meters))
    assert first["totals"] == {"attested_wh": 2 * 144 * 40, "withheld_wh": 0, "disputed_wh": 0}
    mixed = rows * 2
    random.Random(5).shuffle(mixed)
    write(path, mixed)
    second = json.loads(ledger_of(path, meters))
    for key in ("totals", "intervals", "evidence"):
        assert second[key] == first[key]
    rejected = [meter["rejected"] for meter in first["meters"]]
    assert rejected == [{"duplicate": 1, "zero": 1}, {"absent": 1, "decrease": 1}]


def test_real_readings_settle_to_the_wh_in_any_order(recorded_data, tmp_path):
    (recording,) = (recorded_data / "sma").glob("*.csv")
    first = run("settle", recording, "--json", "-")
    assert json.loads(first.stdout)["totals"] == {"attested_wh": 600_502, "withheld_wh": 0, "disputed_wh": 0}
    lines = [line + "\n" for line in recording.read_text(encoding="utf-8-sig").splitlines()]
    body = [line for line in lines if line[:2].isdigit()]
    head = lines[: lines.index(next(line for line in lines if line[:2].isdigit()))]
    body += body
    random.Random(7).shuffle(body)
    mixed = tmp_path / "mixed.csv"
    mixed.write_text("\ufeff" + "".join(head) + "".join(body), encoding="utf-8")
    again = json.loads(run("settle", mixed, "--json", "-").stdout)
    assert again["totals"]["attested_wh"] == 600_502
    assert again["evidence"] == json.loads(first.stdout)["evidence"]


def test_every_interval_adds_up_to_its_meter(readings):
    path, meters, _ = readings
    for interval in ("15m", "1h", "1d"):
        ledger = json.loads(ledger_of(path, meters, "--interval", interval))
        for meter in ledger["meters"]:
            rows = [row for row in ledger["intervals"] if row["meter_id"] == meter["meter_id"]]
            assert sum(row["attested_wh"] for row in rows) == meter["attested_wh"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("settle", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("settle",), "Missing argument"),
        (("settle", "{broken}", "--meters", "{meters}"), "line 3"),
        (("settle", "{readings}"), "nameplate of meter east is not known"),
        (("settle", "{readings}", "--meters", "{strange}"), "meter.0.nameplate_w"),
        (("settle", "{readings}", "--meters", "{readings}"), "is not TOML"),
        (("settle", "{readings}", "--meters", "{meters}", "--interval", "soon"), "'soon' is not a duration"),
        (("demo", "--meters", "{meters}"), "--meters goes with --replay"),
        (("demo", "{readings}"), "recorded files are given with --replay"),
        (("demo", "--once", "--replay", "{broken}", "--meters", "{meters}"), "line 3"),
        (("demo", "--once", "--broker", "carrier-pigeon"), "--broker carrier-pigeon"),
        (("verify", "nowhere.json"), "nowhere.json: cannot be read"),
        (("verify", "{readings}", "--trust", "{readings}"), "is not JSON"),
        (("demo", "--days", "0"), "0 is not in the range"),
        (("elsewhere",), "No such command"),
    ],
)
def test_bad_input_is_named_in_one_line(readings, tmp_path, arguments, complaint):
    path, meters, _ = readings
    (tmp_path / "broken.csv").write_text(
        "measured_at,meter_id,export_wh\n2026-05-01T00:00:00Z,east,5\n2026-05-01T00:05:00Z,east,x\n"
    )
    (tmp_path / "strange.toml").write_text('[[meter]]\nid = "east"\nnameplate_w = -3\n')
    places = {
        "readings": path,
        "meters": meters,
        "broken": tmp_path / "broken.csv",
        "strange": tmp_path / "strange.toml",
    }
    result = run(*(argument.format(**places) for argument in arguments))
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_missing_chain_is_a_missing_dependency():
    result = run("demo", "--once", "--chain", "http://127.0.0.1:9", "--broker", "amqtt", "--plants", "1")
    assert result.exit_code == 3
    assert "no node answers there" in result.stderr


def test_a_file_that_is_no_proof_is_refused(readings):
    result = run("verify", readings[0])
    assert result.exit_code == 1
    assert "refused at step document" in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_is_there_for_every_command(arguments):
    result = run(*arguments)
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


def test_help_loads_nothing_heavy():
    """It answers in half a second because nothing is imported that it does not need."""
    probe = f"import sys, api.cli\nprint([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_verify_needs_no_network(readings, monkeypatch):
    """A verifier may sit in a safe: not even opening a socket is tried."""

    def no_network(*_arguments, **_options):
        raise AssertionError("verify opened a socket")

    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.setattr("socket.getaddrinfo", no_network)
    assert run("verify", readings[0]).exit_code == 1
