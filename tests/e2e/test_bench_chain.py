"""`heliograph bench chain` from start to end, on anvil: goals met, figures that add up, nothing left running."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

KEYS = {
    "publish_3_of_4", "publish_21_of_31", "settle_per_asset_50", "settle_per_asset_100", "settle_first_per_asset_100",
    "naive_per_asset", "day_ratio_to_naive", "share_transfer", "machine", "config",
}  # fmt: skip
NAIVE_ALONE = 21_000
"""What a transaction takes that does nothing."""


def anvil_folder(repository):
    folders = sorted((repository / "contracts" / "node_modules" / "@foundry-rs").glob("anvil-*/bin"))
    return str(folders[0]) if folders else ""


@pytest.fixture(scope="module")
def search_path(repository, require):
    folder = anvil_folder(repository)
    require("anvil", folder, "npm ci --ignore-scripts in contracts/")
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def bench(repository, path, *arguments, **parts):
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli", "bench", "chain", *arguments],
        cwd=repository, env=os.environ | {"PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **parts,
    )  # fmt: skip


def children_of(parent):
    listed = subprocess.run(["ps", "-eo", "ppid,pid,args"], capture_output=True, text=True, check=True).stdout
    return [line.split(None, 2)[1:] for line in listed.splitlines() if line.split()[0] == str(parent)]


@pytest.fixture(scope="module")
def figures(repository, search_path):
    run = bench(repository, search_path, "--json", "-")
    out, said = run.communicate(timeout=600)
    assert run.returncode == 0, said
    return json.loads(out)


def test_every_goal_is_met(figures):
    assert figures.keys() >= KEYS
    assert figures["missed"] == []
    for key, goal in figures["goals"].items():
        assert goal.get("at_least", 0) <= figures[key] <= goal.get("at_most", figures[key])


def test_what_is_first_costs_more(figures):
    assert figures["settle_first_per_asset_100"] > figures["settle_new_month_per_asset_100"]
    assert figures["settle_new_month_per_asset_100"] > figures["settle_per_asset_100"]
    assert figures["publish_first_lap_3_of_4"] > figures["publish_3_of_4"]
    assert figures["share_transfer_to_new"] > figures["share_transfer"]
    assert figures["naive_first_per_asset"] > figures["naive_per_asset"]


def test_the_day_is_the_sum_of_its_transactions(figures):
    assets = figures["config"]["assets"]
    assert figures["config"]["naive_transactions"] == assets * 24
    assert figures["naive_day_gas"] == pytest.approx(figures["naive_per_asset"] * assets * 24, rel=1e-4)
    settled = figures["settle_per_asset_100"] * assets
    assert figures["day_gas"] == pytest.approx(figures["publish_3_of_4"] * 24 + settled, rel=1e-3)
    assert figures["day_ratio_to_naive"] == pytest.approx(figures["naive_day_gas"] / figures["day_gas"], abs=0.01)
    assert figures["day_ratio_to_naive"] > figures["day_ratio_daylight_only"] > 1
    assert figures["naive_per_asset"] > NAIVE_ALONE


def test_features_add_up_to_what_was_charged(figures):
    for key, parts in figures["features"].items():
        assert sum(parts.values()) == pytest.approx(figures[key], rel=0.1 if key == "naive_per_asset" else 0.005)
    settled = figures["features"]["settle_per_asset_100"]
    assert settled["storage: marks"] == 5000, "a mark is one slot: read cold, written once"
    assert settled["storage: terms (ceilings, status)"] > 2100, "caps are checked in steady state"
    assert settled["storage: rate limit"] > 0
    assert "storage: other accounts" not in settled


def test_ctrl_c_leaves_no_chain_behind(repository, search_path):
    run = bench(repository, search_path, start_new_session=True)
    servers = []
    try:
        deadline = time.monotonic() + 60
        while not (servers := [pid for pid, args in children_of(run.pid) if "anvil" in args]):
            assert run.poll() is None, run.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    finally:
        run.kill()
        run.wait()
    assert run.returncode == 130, said
    assert "Traceback" not in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in servers)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--assets", "150"), "a multiple of 100"),
        (("--assets", "0"), "a multiple of 100"),
        (("--projects", "0"), "1 to 100"),
        (("--json", "/nowhere/figures.json"), "/nowhere"),
    ],
)
def test_what_makes_no_run_is_said_in_one_line(repository, search_path, arguments, complaint):
    run = bench(repository, search_path, *arguments)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 2
    assert complaint in said
    assert "Traceback" not in said


def test_without_anvil_it_says_so(repository, tmp_path):
    run = bench(repository, str(tmp_path))
    _, said = run.communicate(timeout=60)
    assert run.returncode == 3
    assert "anvil is not on the PATH" in said
    assert "Traceback" not in said
