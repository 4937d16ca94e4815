"""`heliograph bench ingest` from start to end, on the real servers: nothing lost, nothing doubled, every fault refused."""

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest

KEYS = {
    "offered_per_s", "readings_per_s", "p50_ms", "p99_ms", "lost", "doubled", "verify_limit_per_s", "commit_limit_per_s",
    "ratio_to_limit", "highest_rate_p99_50ms", "peer_readings_per_s", "ratio_to_peer", "machine", "config",
}  # fmt: skip
FAULTS = ("--bad", "0.01", "--duplicates", "0.05", "--reorder", "0.05")


def installed(command):
    return shutil.which(command) or shutil.which(command, path="/usr/sbin:/usr/local/sbin")


def bench(repository, *arguments, **parts):
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli", "bench", "ingest", *arguments],
        cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **parts,
    )  # fmt: skip


def processes_with(text):
    listed = subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if text in line]


def group_of(group):
    listed = subprocess.run(["ps", "-eo", "pgid,pid"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if line.split()[0] == str(group)]


@pytest.fixture(autouse=True)
def servers(require):
    require("mosquitto", installed("mosquitto"), "apt-get install mosquitto")


def test_a_small_run_with_every_fault_loses_and_doubles_nothing(repository, require):
    for command, package in (("influxd", "influxdb"), ("nginx", "nginx")):
        require(command, installed(command), f"apt-get install {package}")
    run = bench(
        repository, "--rate", "20000", "--batch", "100", "--seconds", "3", *FAULTS, "--no-search",
        "--peer-seconds", "1", "--json", "-",
    )  # fmt: skip
    out, said = run.communicate(timeout=180)
    figures = json.loads(out)
    behind = [failure for failure in figures["failures"] if "fell behind" in failure]
    assert figures["failures"] == behind, "a busy machine may delay the generator; nothing else may go wrong"
    assert run.returncode == (1 if behind else 0), said
    assert figures.keys() >= KEYS
    sendings = figures["config"]["sendings"]
    assert (sendings["good"], sendings["bad"], sendings["duplicates"]) == (600, 6, 30)
    assert (figures["lost"], figures["doubled"]) == (0, 0)
    assert (figures["acked_envelopes"], figures["refused"], figures["duplicates"]) == (600, 6, 30)
    assert figures["offered_per_s"] == 20_000
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert figures["verify_limit_per_s"] > 0 < figures["commit_limit_per_s"]
    assert figures["peer_readings_per_s"] == max(figures["config"]["peer"]["readings_per_s"].values())
    assert figures["ratio_to_peer"] == pytest.approx(
        figures["readings_per_s"] / figures["peer_readings_per_s"], rel=0.01
    )
    assert figures["highest_rate_p99_50ms"] is None
    assert 0 < figures["config"]["scale"] <= 1


def test_many_envelopes_a_message_and_several_generators(repository):
    run = bench(
        repository, "--rate", "500", "--batch", "1", "--per-message", "20", "--seconds", "2", *FAULTS,
        "--signature", "eddsa", "--generators", "2", "--workers", "1", "--no-search", "--no-peer", "--json", "-",
    )  # fmt: skip
    out, said = run.communicate(timeout=120)
    figures = json.loads(out)
    assert all("fell behind" in failure for failure in figures["failures"]), said
    assert (figures["lost"], figures["doubled"], figures["acked_envelopes"]) == (0, 0, 1000)
    assert figures["refused"] == 10
    assert figures["peer_readings_per_s"] is figures["ratio_to_peer"] is None


def test_ctrl_c_ends_everything_that_was_started(repository, tmp_path):
    keep = tmp_path / "kept"
    run = bench(
        repository, "--rate", "2000", "--batch", "100", "--seconds", "60", "--no-search", "--no-peer", "--keep", str(keep),
        start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not (keep / "run" / "journal.sqlite").exists():
            assert run.poll() is None, run.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(2)
        assert any("mosquitto" in line for line in processes_with(str(keep)))
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    finally:
        run.kill()
        run.wait()
    assert run.returncode == 130, said
    assert "Traceback" not in said
    assert not processes_with(str(keep))
    deadline = time.monotonic() + 5  # what Python itself keeps beside its processes notices their end a moment later
    while group_of(run.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--batch", "0"), "1 to 10000 readings"),
        (("--batch", "1000", "--per-message", "100"), "exceed the 128 KiB of a message"),
        (("--rate", "10", "--batch", "1000", "--seconds", "1"), "less than one message"),
        (("--bad", "2"), "not in the range"),
    ],
)
def test_what_makes_no_run_is_said_in_one_line(repository, arguments, complaint):
    run = bench(repository, *arguments)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 2
    assert complaint in said
    assert "Traceback" not in said


def test_without_mosquitto_it_says_so(repository, tmp_path):
    probe = (
        "import api.bench.servers as servers\n"
        "servers.shutil.which = lambda *arguments, **more: None\n"
        "from api.cli import main\n"
        "main(['bench', 'ingest', '--rate', '1000', '--seconds', '1', '--no-peer'])\n"
    )
    script = tmp_path / "without.py"
    script.write_text(probe)
    ran = subprocess.run(
        [sys.executable, str(script)], cwd=repository, env={"PYTHONPATH": str(repository)}, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 3
    assert "mosquitto is missing" in ran.stderr
