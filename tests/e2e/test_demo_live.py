"""The demo as a process that goes on: what a new user finds within a minute, and the demo's wallet over HTTP."""

import re
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

STARTS_WITHIN_S = 240
"""On a machine that is busy with other tests, too."""
SPEED = 600
"""An hour of the plants takes six seconds."""


@pytest.fixture(scope="module", name="demo", params=["in process", "real servers"])
def demo_fixture(request, repository, tmp_path_factory, require):
    servers = ("--broker", "amqtt", "--chain", "eth-tester")
    if request.param == "real servers":
        require("mosquitto", shutil.which("mosquitto"), "apt-get install mosquitto")
        require("anvil", shutil.which("anvil"), "npm ci in contracts/, and its anvil on the PATH")
        servers = ("--broker", "mosquitto", "--chain", "anvil")
    told = tmp_path_factory.mktemp("demo") / "stderr"
    command = [sys.executable, "-m", "api.cli", "demo", "--days", "1", "--speed", str(SPEED), *servers]
    with told.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, cwd=repository)
    try:
        text = wait_for(lambda: (said := told.read_text()) and "going on until Ctrl-C" in said and said, process)
        url = re.search(r"API: (http://127\.0\.0\.1:\d+)", text)[1]
        key = re.search(r"hgk_\w+", text)[0]
        owner = re.search(r"as owner\s+(0x[0-9a-fA-F]{40})", text)[1]
        with httpx.Client(base_url=url, timeout=60) as client:
            yield SimpleNamespace(client=client, url=url, key=key, owner=owner, process=process)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
        assert process.returncode == 0, told.read_text()
        assert b"The books balance" in stdout
        assert b"Traceback" not in told.read_bytes()
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_for(question, process=None, within_s=STARTS_WITHIN_S):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := question():
            return found
        assert process is None or process.poll() is None, "the demo has ended"
        time.sleep(0.25)
    raise AssertionError("it does not happen")


def wallet(demo, method, *params):
    """Ask the demo's wallet as its script does."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = demo.client.post("/demo/wallet", json=body, headers={"X-Heliograph": "1"})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(name="session")
def session_fixture(demo):
    """An owner who has signed in with the demo's wallet."""
    (first, *_) = wallet(demo, "eth_requestAccounts")["result"]
    assert first == demo.owner
    offer = demo.client.post("/v1/sessions/nonce", json={"address": first})
    assert offer.status_code == 200, offer.text
    message = offer.json()["message"]
    signature = wallet(demo, "personal_sign", "0x" + message.encode().hex(), first)["result"]
    opened = demo.client.post("/v1/sessions", json={"message": message, "signature": signature, "keep": "token"})
    assert opened.status_code in {200, 201}, opened.text
    return {"Authorization": f"Bearer {opened.json()['token']}"}


def carry_out(demo, session, path, order):
    """Let the API prepare, and the wallet send, step by step; return what the API says of each transaction."""
    prepared = demo.client.post(path, json=order, headers=session)
    assert prepared.status_code == 200, prepared.text
    told = []
    for step in prepared.json()["steps"]:
        request = {"from": demo.owner, "to": step["to"], "data": step["data"], "value": "0x0"}
        sent = wallet(demo, "eth_sendTransaction", request)
        assert "result" in sent, sent
        found = wait_for(lambda sent=sent: wallet(demo, "eth_getTransactionReceipt", sent["result"])["result"])
        assert found["status"] == "0x1"
        told.append(demo.client.get(f"/v1/transactions/{sent['result']}", headers=session).json())
    return told


def test_power_is_there_and_goes_on(demo, session):
    portfolio = demo.client.get("/v1/portfolio", headers=session).json()
    assert len(portfolio["assets"]) == 2
    assert sum(asset["minted_wh"] for asset in portfolio["assets"]) > 0
    assert [one["project_id"] for one in portfolio["credits"]] == ["hunan"]

    def power():
        return demo.client.get("/v1/portfolio", headers=session).json()["power_w"]

    assert wait_for(lambda: (power() or 0) > 0)
    epoch = station(demo, "report")["epoch"]
    readings = station(demo, "journal")["readings"]
    assert wait_for(lambda: station(demo, "report")["epoch"] > epoch)
    assert station(demo, "journal")["readings"] > readings
    # The clock of the plants is never ahead of the chain's, or no report could be published.
    at = demo.client.get("/v1/status").json()["at"]
    assert at <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def station(demo, name):
    return next(one for one in demo.client.get("/v1/status").json()["stations"] if one["name"] == name)


def test_a_fault_is_withheld_and_explained(demo, session):
    def held_back():
        return demo.client.get("/v1/portfolio", headers=session).json()["held_back"]

    found = wait_for(lambda: [one for one in held_back() if one["reason"] == "calibration"])
    assert found[0]["standing"] == "withheld"
    assert found[0]["wh"] > 0


def test_the_wallet_retires_credits_and_the_certificate_follows(demo, session):
    (item, *_) = demo.client.get("/v1/credits", headers=session).json()["items"]
    assert item["vault_g"] > 2_000
    order = {
        "project_id": item["project_id"],
        "vintage": item["vintage"],
        "grams": 2_000,
        "name": "陽光小學",
        "purpose": "e2e",
    }
    draw, retired = carry_out(demo, session, "/v1/credits/retirements", order)
    assert (draw["state"], retired["state"]) == ("done", "done")
    (told,) = [one for one in retired["effects"] if one["event"] == "Retired"]
    number = told["values"]["retirementId"]
    (certify,) = retired["then"]
    sent = wallet(demo, "eth_sendTransaction", {"from": demo.owner, "to": certify["to"], "data": certify["data"]})
    assert "result" in sent

    def retirement():
        answer = demo.client.get(f"/v1/retirements/{number}")
        return answer.json() if answer.status_code == 200 else None

    shown = wait_for(retirement)
    assert (shown["grams"], shown["beneficiary"], shown["purpose"]) == (2_000, "陽光小學", "e2e")


def test_the_wallet_claims_revenue_and_some_is_awaited(demo, session):
    before = demo.client.get("/v1/revenue", headers=session).json()
    assert before["verified"]
    assert before["claimable_minor"] > 0
    assert before["awaited_minor"] > 0
    told = carry_out(demo, session, "/v1/revenue/claims", {})
    paid = sum(one["values"]["paidMinor"] for each in told for one in each["effects"] if one["event"] == "Claimed")
    assert paid >= before["claimable_minor"]
    after = demo.client.get("/v1/revenue", headers=session).json()
    assert after["claimed_minor"] == paid
    assert wait_for(lambda: demo.client.get("/v1/revenue/claims", headers=session).json()["items"])


def test_what_a_contract_would_refuse_is_a_problem_that_says_why(demo, session):
    order = {"project_id": "hunan", "vintage": 2026, "grams": 2**60}
    refused = demo.client.post("/v1/credits/retirements", json=order, headers=session)
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"] == "/problems/refused-by-contract"
    assert problem["reason"] == "ERC1155InsufficientBalance"
    others = demo.client.post(
        "/v1/credits/draws", json={"asset_id": "yuenlong-farm-1", "vintage": 2026}, headers=session
    )
    assert others.status_code == 404  # another owner's


def test_the_operators_key_sees_all_plants(demo):
    answer = demo.client.get("/v1/assets", headers={"Authorization": f"Bearer {demo.key}"})
    assert len(answer.json()["items"]) == 4


def test_the_wallet_is_for_its_own_page_and_its_own_accounts(demo):
    ask = {"jsonrpc": "2.0", "id": 1, "method": "eth_accounts", "params": []}
    assert demo.client.post("/demo/wallet", json=ask).status_code == 403
    elsewhere = {"X-Heliograph": "1", "Host": "evil.example"}
    assert demo.client.post("/demo/wallet", json=ask, headers=elsewhere).status_code in {400, 403}
    plain = {"X-Heliograph": "1", "Content-Type": "text/plain"}
    assert demo.client.post("/demo/wallet", content='{"method": "eth_accounts"}', headers=plain).status_code in {
        415,
        422,
    }
    stranger = Account.create().address
    assert wallet(demo, "personal_sign", "0x00", stranger)["error"]["code"] == 4100
    assert wallet(demo, "eth_sign", demo.owner, "0x00")["error"]["code"] == 4200
    assert wallet(demo, "personal_sign")["error"]["code"] == -32602
    refused = {"from": demo.owner, "to": demo.owner, "data": "0x", "value": "0x" + "f" * 30}
    assert "error" in wallet(demo, "eth_sendTransaction", refused)
    signature = wallet(demo, "personal_sign", "0x" + b"hello".hex(), demo.owner)["result"]
    assert Account.recover_message(encode_defunct(b"hello"), signature=signature) == demo.owner


def test_the_wallets_script_comes_from_this_server_and_announces_itself(demo):
    answer = demo.client.get("/demo/demo-wallet.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "eip6963:announceProvider" in answer.text
    assert "eip6963:requestProvider" in answer.text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)
