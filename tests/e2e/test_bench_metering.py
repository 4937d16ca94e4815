"""`heliograph bench metering` from start to end: keys, the same figures for the same seed, the corpus as files."""

import csv
import json
import subprocess
import sys

import pytest

from api.bench.metering.corpus.catalogue import BY_NAME
from api.settling.settle import settle_files
from devices import recordings

KEYS = {"faults", "clean_false_alarm_ratio", "clean_attested_ratio"}
FAULT_KEYS = {"name", "detected_ratio", "wrongly_attested_ratio", "wrongly_withheld_ratio"}
SOLVED = (
    "zero_at_wake", "zero_first", "zeros", "sentinel", "alternating", "rows_a_day_late", "decrease", "rows_of_later",
    "jump", "rows_of_before", "replayed_rows", "spoofed_readings", "stale", "stale_with_power",
)  # fmt: skip


def bench(repository, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "api.cli", "bench", "metering", *arguments],
        cwd=repository, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def only(*names):
    return [part for name in names for part in ("--fault", name)]


def truth_of(folder):
    return list(csv.DictReader((folder / "truth.csv").read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def figures(repository):
    run = bench(repository, "--seed", "3", "--json", "-")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_every_fault_is_measured(figures):
    assert figures.keys() >= KEYS
    assert [fault["name"] for fault in figures["faults"]] == list(BY_NAME)
    for fault in figures["faults"]:
        assert fault.keys() >= FAULT_KEYS
        assert 0 <= fault["detected_ratio"] <= 1
        assert 0 <= fault["wrongly_withheld_ratio"] <= 1
        assert fault["wrongly_attested_ratio"] >= 0


def test_clean_series_are_attested_and_not_flagged(figures):
    assert figures["clean_readings"] > 1000
    assert figures["clean_false_alarm_ratio"] < 0.001
    assert figures["clean_attested_ratio"] >= 0.97


def test_faults_of_single_registers_inflate_nothing_are_found_and_cost_nothing(figures):
    by_name = {fault["name"]: fault for fault in figures["faults"]}
    for name in SOLVED:
        fault = by_name[name]
        assert fault["wrongly_attested_ratio"] <= 0.001, name
        assert fault["detected_ratio"] >= 0.99, name
        assert fault["wrongly_withheld_ratio"] <= 0.001, name
        assert fault["misses"] == []


def test_a_seed_gives_the_same_figures_in_one_process_and_in_two(repository, tmp_path):
    texts = []
    for number, workers in enumerate(("1", "2")):
        path = tmp_path / f"{number}.json"
        run = bench(
            repository, "--seed", "7", "--seeds", "2", "--workers", workers, *only("zeros", "gap"), "--json", str(path)
        )
        assert run.returncode == 0, run.stderr
        texts.append(path.read_text(encoding="utf-8"))
        assert "zeros" in run.stdout
    assert texts[0] == texts[1]
    figures = json.loads(texts[0])
    assert [fault["name"] for fault in figures["faults"]] == ["zeros", "gap"]
    assert figures["config"] == {"seed": 7, "seeds": 2, "faults": ["zeros", "gap"], "recordings": False}
    assert figures["clean_attested_ratio"] is None


def test_cases_are_written_with_their_truth_and_settle_reads_them(repository, tmp_path):
    run = bench(repository, "--seed", "2", *only("zeros", "site_fall"), "--write", str(tmp_path / "corpus"))
    assert run.returncode == 0, run.stderr
    folders = sorted((tmp_path / "corpus").iterdir())
    assert [folder.name for folder in folders] == ["site_fall-2-0", "zeros-2-0", "zeros-2-1"]
    for folder in folders:
        about = json.loads((folder / "case.json").read_text(encoding="utf-8"))
        assert about["fault_from_ms"] < about["fault_until_ms"]
        rows = truth_of(folder)
        said = recordings.read(folder / "readings.csv").meters
        assert len(rows) == sum(len(meter.readings) for meter in said.values())
        assert any(row["faulty"] == "1" for row in rows)
    first = folders[1]
    truth = truth_of(first)
    (meter,) = recordings.read(first / "readings.csv").meters.values()
    for row, reading in zip(truth, meter.readings, strict=True):
        if reading.export_wh is not None:
            assert (row["untrue"] == "1") == (reading.export_wh == 0)
    ledger, _ = settle_files([first / "readings.csv"], first / "meters.toml", "1h")
    made = int(truth[-1]["true_wh"]) - int(truth[0]["true_wh"])
    assert ledger["totals"]["attested_wh"] == pytest.approx(made, rel=0.01)


def test_real_recordings_are_taken_in(repository, recorded_data):
    run = bench(
        repository, "--seed", "1", *only("zeros", "battery_at_night"), "--data", str(recorded_data), "--json", "-"
    )
    assert run.returncode == 0, run.stderr
    cases = {fault["name"]: fault["cases"] for fault in json.loads(run.stdout)["faults"]}
    assert cases == {"zeros": 4, "battery_at_night": 2}, "nobody knows when it is dark where the recording is from"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (only("none_such"), "none_such"),
        (("--seeds", "0"), "at least 1"),
        (("--seed", "-1"), "at least 0"),
        (("--data", "/nowhere"), "/nowhere"),
        (("--json", "/nowhere/figures.json"), "/nowhere"),
        (("--write", "/"), "not empty"),
    ],
)
def test_bad_input_is_one_line(repository, arguments, complaint):
    run = bench(repository, *arguments)
    assert run.returncode == 2
    assert complaint in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
