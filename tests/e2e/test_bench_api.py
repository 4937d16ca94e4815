"""`heliograph bench api` from start to end, small: every answer right, every event heard by every listener."""

import json
import subprocess
import sys

KEYS = {
    "reads_per_s", "empty_per_s", "ratio", "p50_ms", "p99_ms", "listeners", "event_lag_p99_ms", "machine", "config",
}  # fmt: skip


def bench(repository, *arguments):
    command = [sys.executable, "-m", "api.cli", "bench", "api", *arguments]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=180)


def test_a_small_run_counts(repository, tmp_path):
    run = bench(
        repository, "--assets", "20", "--days", "10", "--seconds", "2", "--clients", "8", "--listeners", "60",
        "--json", str(tmp_path / "figures.json"),
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures.keys() >= KEYS
    assert figures["failures"] == []
    assert (figures["rows"], figures["listeners"], figures["events"]) == (20 * 240, 60, 1 + 40)
    assert figures["reads_per_s"] > 0
    assert figures["event_lag_p99_ms"] > 0
    assert "ratio" in run.stdout


def test_what_makes_no_run_is_said_in_one_line(repository):
    run = bench(repository, "--assets", "0")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "heliograph: --assets must be 1 or more\n"
