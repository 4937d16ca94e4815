"""Help, results on stdout, one clear line for what is wrong, and the exit code that says which kind."""

import csv
import json
import os
import pty
import random
import subprocess
import sys

import pytest
from click.testing import CliRunner

from api.cli import COMMANDS, heliograph
from contracts import CONTRACTS

# cryptography is none of them: the part of it that enrolment needs takes a tenth of a second.
HEAVY = ("web3", "fastapi", "numpy", "pandas", "pvlib", "eth_tester", "paho", "amqtt", "pydantic", "uvicorn", "pyarrow")


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
        (("settle", "{readings}", "--meters", "{meters}", "--interval", "999999999d"), "at most 366d"),
        (("settle", "{readings}", "--meters", "{meters}", "--interval", "367d"), "at most 366d"),
        (("settle", "{readings}", "--meters", "{meters}", "--interval", "9" * 5000 + "s"), "at most 366d"),
        (("settle", "{readings}", "--meters", "{meters}", "--interval", "0h"), "'0h' is not a duration"),
        (("settle", "{late}", "--meters", "{meters}"), "beyond the year 9999"),
        (("settle", "{broken}", "--meters", "{meters}", "--json", "{folder}/none/l.json"), "there is no folder"),
        (("settle", "{broken}", "--meters", "{meters}", "--json", "{readings}/l.json"), "cannot be written"),
        (("settle", "{broken}", "--meters", "{meters}", "--json", "{folder}"), "is a folder"),
        (("demo", "--once", "--json", "{folder}/none/demo.json"), "none/demo.json: cannot be written: there is no"),
        (("demo", "--once", "--json", "{readings}/demo.json"), "cannot be written"),
        (("demo", "--once", "--out", "{folder}/none/out"), "none/out: cannot be written: there is no folder"),
        (("demo", "--once", "--out", "{readings}/out"), "cannot be written"),
        (("verify", "{readings}", "--trust", "{book}"), "an address book names no signers"),
        (("verify", "{readings}", "--trust", "{halfbook}", "--rpc", "http://127.0.0.1:9"), "lacks AccessManager"),
    ],
    ids=lambda part: part[-1][-30:] if isinstance(part, tuple) else "",
)
def test_bad_input_is_named_in_one_line(readings, tmp_path, arguments, complaint):
    path, meters, _ = readings
    (tmp_path / "broken.csv").write_text(
        "measured_at,meter_id,export_wh\n2026-05-01T00:00:00Z,east,5\n2026-05-01T00:05:00Z,east,x\n"
    )
    (tmp_path / "strange.toml").write_text('[[meter]]\nid = "east"\nnameplate_w = -3\n')
    (tmp_path / "late.csv").write_text(
        "measured_at,meter_id,export_wh\n9999-12-31T23:05:00Z,east,5\n9999-12-31T23:10:00Z,east,6\n"
    )
    somewhere = "0x" + "00" * 20
    addresses = dict.fromkeys(CONTRACTS, somewhere)
    (tmp_path / "book.json").write_text(json.dumps({"chain_id": 1, "block": 1, "addresses": addresses}))
    del addresses["AccessManager"]
    (tmp_path / "halfbook.json").write_text(json.dumps({"chain_id": 1, "block": 1, "addresses": addresses}))
    places = {
        "folder": tmp_path,
        "late": tmp_path / "late.csv",
        "book": tmp_path / "book.json",
        "halfbook": tmp_path / "halfbook.json",
        "readings": path,
        "meters": meters,
        "broken": tmp_path / "broken.csv",
        "strange": tmp_path / "strange.toml",
    }
    before = sorted(tmp_path.iterdir())
    result = run(*(argument.format(**places) for argument in arguments))
    assert result.exit_code == 2
    assert sorted(tmp_path.iterdir()) == before
    if "Usage:" not in result.stderr:
        assert result.stderr.count("\n") == 1
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


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_loads_nothing_heavy(arguments):
    """It answers in half a second because nothing is imported that it does not need."""
    probe = f"""
import sys
from api.cli import main
try:
    main({arguments!r})
except SystemExit as leaving:
    print(leaving.code, [name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stderr.strip() == "0 []"
    assert "Usage: " in found.stdout


@pytest.mark.parametrize(
    ("arguments", "slow_module", "code"),
    [
        (("demo", "--once"), "web3", 130),
        (("demo",), "web3", 0),
        (("demo", "--once"), "pvlib", 130),
        (("settle", "r.csv"), "numpy", 130),
        (("verify", "p.json"), "oracle.attestation.proof", 130),
        (("demo",), "api.commands.demo", 130),
    ],
)
def test_ctrl_c_during_the_imports_is_no_false_book(arguments, slow_module, code):
    """Somebody changes their mind while modules are still being read."""
    probe = f"""
import os, signal, sys
class Interruption:
    def find_spec(self, name, path=None, target=None):
        if name == {slow_module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interruption())
from api.cli import main
main({list(arguments)!r})
"""
    left = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=False)
    assert (left.returncode, left.stdout, left.stderr) == (code, "", "stopped\n")


def test_settling_shows_its_progress_on_the_terminal_only(readings):
    path, meters, _ = readings
    command = [sys.executable, "-m", "api.cli", "settle", path, "--meters", meters, "--json", "-"]
    terminal, its_end = pty.openpty()
    try:
        on_terminal = subprocess.run(command, stdout=subprocess.PIPE, stderr=its_end, check=True)
        shown = os.read(terminal, 1 << 20).decode()
    finally:
        os.close(its_end)
        os.close(terminal)
    assert "settling sites" in shown
    elsewhere = subprocess.run(command, capture_output=True, check=True)
    assert elsewhere.stderr == b""
    assert on_terminal.stdout == elsewhere.stdout
    assert json.loads(elsewhere.stdout)["meters"]


def test_a_ledger_replaces_an_older_one_whole(readings, tmp_path):
    path, meters, _ = readings
    folder = tmp_path / "ledgers"
    folder.mkdir()
    (folder / "ledger.json").write_text("an older and much longer one" * 10_000)
    assert run("settle", path, "--meters", meters, "--json", folder / "ledger.json").exit_code == 0
    assert (folder / "ledger.json").read_text() == ledger_of(path, meters)
    assert [each.name for each in folder.iterdir()] == ["ledger.json"]


def test_verify_needs_no_network(readings, monkeypatch):
    """A verifier may sit in a safe: not even opening a socket is tried."""

    def no_network(*_arguments, **_options):
        raise AssertionError("verify opened a socket")

    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.setattr("socket.getaddrinfo", no_network)
    assert run("verify", readings[0]).exit_code == 1
