"""From sunlight to tokens with one command, as a user runs it."""

import json
import shutil
import subprocess
import sys

import pytest

from api.demo.chains import start_chain

NOBODY = "0x" + "00" * 20
HELIOGRAPH = [sys.executable, "-m", "api.cli"]


def heliograph(*arguments, repository, code=0):
    run = subprocess.run(
        [*HELIOGRAPH, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=repository,
        timeout=300,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert run.returncode == code, run.stderr
    return run


@pytest.fixture(params=["in process", "real servers"])
def servers(request, require):
    if request.param == "in process":
        return ("--broker", "amqtt", "--chain", "eth-tester")
    require("mosquitto", shutil.which("mosquitto"), "apt-get install mosquitto")
    require("anvil", shutil.which("anvil"), "npm ci in contracts/, and its anvil on the PATH")
    return ("--broker", "mosquitto", "--chain", "anvil")


def test_two_days_of_twelve_plants_are_minted_to_the_wh(repository, tmp_path, servers):
    figures = tmp_path / "demo.json"
    run = heliograph("demo", "--once", "--days", 2, "--plants", 12, "--json", figures, *servers, repository=repository)
    demo = json.loads(figures.read_text())
    assert demo["minted_wh"] == demo["attested_wh"] > 0
    assert demo["credits_g"] > 0
    assert demo["revenue_minor"] > 0
    assert demo["withheld_wh"] == demo["disputed_wh"] == 0
    assert demo["balanced"] is True
    assert demo["reports"] == 2
    assert len(demo["assets"]) == 12
    assert all(asset["asset_id"] in run.stdout for asset in demo["assets"])
    for heading in ("attested", "credits", "revenue", "withheld", "disputed"):
        assert heading in run.stdout
    assert "The books balance" in run.stdout
    assert "http://127.0.0.1:" in run.stderr


def test_a_real_inverter_is_minted_to_the_wh(repository, recorded_data, tmp_path):
    (recording,) = (recorded_data / "sma").glob("*.csv")
    meters = tmp_path / "M.toml"
    meters.write_text('[[meter]]\nid = "roof"\nnameplate_w = 8000\n')
    for number, limits in enumerate([("--meters", meters), ()]):
        figures = tmp_path / f"sma{number}.json"
        heliograph(
            "demo",
            "--once",
            "--replay",
            recording,
            *limits,
            "--json",
            figures,
            "--broker",
            "amqtt",
            repository=repository,
        )
        demo = json.loads(figures.read_text())
        assert demo["attested_wh"] == demo["minted_wh"] == 600_502
        assert demo["balanced"] is True


def test_what_the_demo_writes_can_be_settled_and_verified_by_others(repository, tmp_path):
    out = tmp_path / "out"
    run = heliograph(
        "demo", "--once", "--days", 1, "--plants", 2, "--out", out, "--broker", "amqtt", "--chain", "eth-tester",
        "--json", tmp_path / "demo.json", repository=repository,
    )  # fmt: skip
    assert "The books balance" in run.stdout
    demo = json.loads((tmp_path / "demo.json").read_text())
    ledger = heliograph(
        "settle", out / "readings.csv", "--meters", out / "meters.toml", "--json", "-", repository=repository
    )
    assert json.loads(ledger.stdout)["totals"]["attested_wh"] == demo["attested_wh"]
    book = json.loads((out / "address-book.json").read_text())
    proofs = sorted((out / "proofs").glob("*.json"))
    assert len(proofs) == 2
    written = [each for each in out.rglob("*") if each.is_file() and "state" not in each.relative_to(out).parts]
    assert len(written) == 2 + 4
    assert max(each.stat().st_mtime_ns for each in written) <= (tmp_path / "demo.json").stat().st_mtime_ns
    for proof in proofs:
        verified = heliograph("verify", proof, "--trust", out / "anchor.json", repository=repository)
        assert verified.stdout.splitlines()[-1] == "VERIFIED"
        assert book["addresses"]["ProductionOracle"] in verified.stdout
        for step in (
            "document",
            "quorum",
            "statements",
            "registry",
            "rules",
            "envelopes",
            "evidence",
            "settlement",
            "anchor",
        ):
            assert f"ok      {step}" in verified.stdout
        open_end = heliograph("verify", proof, repository=repository, code=3)
        assert "UNANCHORED" in open_end.stdout
    other = tmp_path / "other"
    heliograph(
        "demo", "--once", "--days", 1, "--plants", 2, "--out", other, "--broker", "amqtt", "--chain", "eth-tester",
        "--json", other / "demo.json", repository=repository,
    )  # fmt: skip
    assert json.loads((other / "demo.json").read_text())["balanced"] is True
    refused = heliograph("verify", proofs[0], "--trust", other / "anchor.json", repository=repository, code=1)
    assert "refused at step anchor" in refused.stderr


def test_a_proof_is_held_against_the_chain_itself(repository, tmp_path, require):
    """The demo's chain answers while it goes on; a proof of another chain's report is refused."""
    require("anvil", shutil.which("anvil"), "npm ci in contracts/, and its anvil on the PATH")
    with start_chain("anvil") as chain:
        url = chain.name.removeprefix("anvil at ")
        out = tmp_path / "out"
        heliograph(
            "demo", "--once", "--days", 1, "--plants", 1, "--out", out, "--broker", "amqtt", "--chain", url,
            repository=repository,
        )  # fmt: skip
        (proof,) = (out / "proofs").glob("*.json")
        verified = heliograph("verify", proof, "--rpc", url, repository=repository)
        assert "ok      chain" in verified.stdout
        book = json.loads((out / "address-book.json").read_text())
        contract, chain_id = book["addresses"]["ProductionOracle"], book["chain_id"]
        assert verified.stdout.splitlines()[-1] == (
            f"VERIFIED against contract {contract} on chain {chain_id}, which is the proof's own word:"
            " compare it with a published address book"
        )
        for trusted in ("address-book.json", "anchor.json"):
            verified = heliograph("verify", proof, "--rpc", url, "--trust", out / trusted, repository=repository)
            assert "ok      anchor" in verified.stdout
            assert "ok      chain" in verified.stdout
            assert verified.stdout.splitlines()[-1] == "VERIFIED"
        other = tmp_path / "other-book.json"
        for change in ({"chain_id": chain_id + 1}, {"addresses": {**book["addresses"], "ProductionOracle": NOBODY}}):
            other.write_text(json.dumps({**book, **change}))
            refused = heliograph("verify", proof, "--rpc", url, "--trust", other, repository=repository, code=1)
            assert "refused at step anchor" in refused.stderr
            assert "VERIFIED" not in refused.stdout
    with start_chain("anvil") as empty:
        url = empty.name.removeprefix("anvil at ")
        refused = heliograph("verify", proof, "--rpc", url, repository=repository, code=3)
        assert "does not answer for contract" in refused.stderr
