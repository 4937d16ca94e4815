"""Webhooks over real sockets: what arrives, signed how, again when it failed, and after the process was killed."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from api.access.principal import Role
from api.notices import webhook_store
from api.notices.signature import parse_secret, verify
from tests.support.notice_site import ADA, BOB, notice_site
from tests.support.webhook_receiver import Receiver, nothing

PROCESS = """
import sys, time
from pathlib import Path
from api.notices.notices import Notices
from tests.support.event_source import EventsInMemory

folder, url, address, step = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
source = EventsInMemory("first", {address: ["roof"]})
source.tell("report", None)
notices = Notices.open(folder, source, allow_private_targets=True)
if step == "first":
    notices.webhooks.add(subject=address, address=address, url=url, kinds=["mint"], asset_ids=None, now_ms=0)
notices.start()
while notices.webhooks.progress() is None:
    time.sleep(0.01)
source.tell("mint", "roof", energy_wh=41870)
print("told", flush=True)
time.sleep(60)
"""


@pytest.fixture
def site(tmp_path):
    with notice_site(tmp_path) as site:
        yield site


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


def eventually(condition, timeout_s=15):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def create(site, who, url, kinds=("withheld", "meter_stale", "deposit", "mint"), **more):
    answer = site.client.post("/v1/webhooks", json={"url": url, "kinds": list(kinds), **more}, headers=who.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def listed(site, who):
    return site.client.get("/v1/webhooks", headers=who.headers).json()["items"]


def begun(site):
    """Events are news from here on: what happened before is none."""
    eventually(lambda: site.notices.webhooks.progress() is not None)


def test_an_owner_is_told_what_is_his_and_can_check_who_says_so(site, receiver):
    ada = site.key(Role.OWNER, ADA)
    begun(site)
    made = create(site, ada, receiver.url, ["withheld", "mint"])
    site.tell("withheld", "roof", reason="clock_ahead", wh=120)
    site.tell("mint", "barn", energy_wh=1)
    site.tell("deposit", "roof", minor=1)
    site.tell("mint", "roof", energy_wh=41_870)
    eventually(lambda: len(receiver.received) == 2)
    assert sorted(body["kind"] for body in receiver.bodies()) == ["mint", "withheld"]
    secret = parse_secret(made["secret"])
    for path, headers, body in receiver.received:
        assert path == "/hook"
        assert headers["content-type"] == "application/json"
        assert verify(secret, headers, body, now_s=int(time.time()))
        assert not verify(secret, headers, body + b" ", now_s=int(time.time()))
        assert json.loads(body)["id"] == headers["webhook-id"]
        assert json.loads(body)["asset_id"] == "roof"
    eventually(lambda: listed(site, ada)[0]["delivered"] == 2)


def test_the_secret_is_told_once_and_is_neither_listed_nor_logged_nor_audited(site, receiver, caplog):
    ada, operator = site.key(Role.OWNER, ADA), site.key()
    caplog.set_level("DEBUG")
    receiver.answer = 500
    made = create(site, ada, receiver.url)
    site.client.post(f"/v1/webhooks/{made['webhook_id']}/test", headers=ada.headers)
    eventually(lambda: receiver.received)
    eventually(lambda: listed(site, ada)[0]["last_error"] == "answered 500")
    seen = json.dumps(listed(site, ada)) + site.client.get("/v1/audit", headers=operator.headers).text + caplog.text
    secret = made["secret"].removeprefix("whsec_")
    assert secret not in seen
    assert made["webhook_id"] in site.client.get("/v1/audit", headers=operator.headers).text
    kept = b"".join(path.read_bytes() for path in site.folder.iterdir() if path.is_file())
    assert parse_secret(made["secret"]) not in kept
    assert secret.encode() not in kept


def test_what_fails_is_sent_again_with_the_same_id_and_a_new_signature(site, receiver, monkeypatch):
    monkeypatch.setattr(webhook_store, "BACKOFF_S", (1, 1, 1))
    ada = site.key(Role.OWNER, ADA)
    begun(site)
    made = create(site, ada, receiver.url)
    receiver.answer = 503
    site.tell("mint", "roof", energy_wh=1)
    eventually(lambda: len(receiver.received) == 2)
    receiver.answer = 204
    eventually(lambda: listed(site, ada)[0]["delivered"] == 1)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.received}) == 1
    assert len({headers["webhook-timestamp"] for _, headers, _ in receiver.received}) == 3
    assert len({body for _, _, body in receiver.received}) == 1
    secret = parse_secret(made["secret"])
    assert all(verify(secret, headers, body, now_s=int(time.time())) for _, headers, body in receiver.received)


def test_after_the_last_try_it_is_dead_and_the_owner_sees_why(site, monkeypatch):
    monkeypatch.setattr(webhook_store, "BACKOFF_S", (0, 0))
    ada = site.key(Role.OWNER, ADA)
    begun(site)
    create(site, ada, nothing().url)
    site.tell("meter_stale", "roof", meter_id="met-1")
    eventually(lambda: listed(site, ada)[0]["dead"] == 1)
    (hook,) = listed(site, ada)
    assert hook["pending"] == 0
    assert hook["last_status"] is None
    assert hook["last_error"] == "cannot be reached: Connection refused"


def test_redirects_are_not_followed(site, receiver):
    ada = site.key(Role.OWNER, ADA)
    with Receiver() as elsewhere:
        receiver.answer, receiver.headers = 307, {"Location": elsewhere.url}
        made = create(site, ada, receiver.url)
        site.client.post(f"/v1/webhooks/{made['webhook_id']}/test", headers=ada.headers)
        eventually(lambda: listed(site, ada)[0]["last_status"] == 307)
        assert "redirects are not followed" in listed(site, ada)[0]["last_error"]
        assert elsewhere.received == []


def test_private_networks_are_not_called_unless_the_configuration_allows(site, receiver):
    ada = site.key(Role.OWNER, ADA)
    made = create(site, ada, receiver.url)
    site.notices.allow_private_targets = site.notices.couriers._allow_private = False
    for url in (receiver.url, "https://127.0.0.1/", "https://localhost:8443/", "https://[::1]/", "https://10.0.0.1/x"):
        refused = site.client.post("/v1/webhooks", json={"url": url, "kinds": ["mint"]}, headers=ada.headers)
        assert refused.status_code == 422, url
        assert refused.headers["content-type"] == "application/problem+json"
    site.client.post(f"/v1/webhooks/{made['webhook_id']}/test", headers=ada.headers)
    eventually(lambda: listed(site, ada)[0]["last_error"] is not None)
    assert receiver.received == []


def test_a_receiver_that_hangs_does_not_keep_the_others_waiting(site, receiver):
    ada, bob = site.key(Role.OWNER, ADA), site.key(Role.OWNER, BOB)
    receiver.hold.clear()
    with Receiver() as quick:
        hung = [create(site, ada, receiver.url) for _ in range(3)]
        create(site, bob, quick.url)
        begun(site)
        for number in range(5):
            site.tell("mint", "roof", n=number)
            site.tell("mint", "barn", n=number)
        eventually(lambda: len(quick.received) == 5)
        assert len(receiver.received) == len(hung)


def test_others_webhooks_are_as_if_they_were_not_there(site, receiver):
    ada, bob, operator = site.key(Role.OWNER, ADA), site.key(Role.OWNER, BOB), site.key()
    made = create(site, ada, receiver.url)
    assert listed(site, bob) == []
    for method, path in (("DELETE", ""), ("POST", "/test")):
        his = site.client.request(method, f"/v1/webhooks/{made['webhook_id']}{path}", headers=bob.headers)
        none = site.client.request(method, f"/v1/webhooks/wh_{'0' * 20}{path}", headers=bob.headers)
        assert his.status_code == none.status_code == 404
        assert his.json()["detail"] == none.json()["detail"].replace("wh_" + "0" * 20, made["webhook_id"])
    assert [hook["webhook_id"] for hook in listed(site, operator)] == [made["webhook_id"]]
    refused = {"url": receiver.url, "kinds": ["mint"], "asset_ids": ["barn"]}
    assert site.client.post("/v1/webhooks", json=refused, headers=ada.headers).status_code == 404
    assert site.client.get("/v1/webhooks").status_code == 401
    gone = site.client.delete(f"/v1/webhooks/{made['webhook_id']}", headers=ada.headers)
    assert (gone.status_code, listed(site, ada)) == (204, [])


def test_the_list_has_an_entity_tag_and_is_given_as_csv_too(site, receiver):
    ada = site.key(Role.OWNER, ADA)
    made = create(site, ada, receiver.url)
    first = site.client.get("/v1/webhooks", headers=ada.headers)
    again = site.client.get("/v1/webhooks", headers=ada.headers | {"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    table = site.client.get("/v1/webhooks", params={"format": "csv"}, headers=ada.headers)
    assert table.headers["content-type"].startswith("text/csv")
    head, row = table.text.splitlines()
    assert head.startswith("webhook_id,url,")
    assert row.startswith(made["webhook_id"])


def test_a_revoked_key_is_told_nothing_more(site, receiver):
    operator, other = site.key(), site.key()
    begun(site)
    receiver.answer = 500
    create(site, operator, receiver.url)
    site.tell("mint", "roof")
    eventually(lambda: receiver.received)
    site.access.revoke_key(operator.key_id)
    receiver.answer = 200
    site.tell("mint", "barn")
    eventually(lambda: listed(site, other)[0]["dead"] == 1)
    assert len(receiver.received) == 1
    assert listed(site, other)[0]["delivered"] == 0


def start(repository, folder, url, step):
    command = [sys.executable, "-c", PROCESS, str(folder), url, ADA, step]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=repository)
    assert process.stdout.readline() == b"told\n"
    return process


def test_a_process_that_is_killed_while_it_delivers_delivers_after_its_restart(tmp_path, receiver, repository):
    receiver.hold.clear()
    process = start(repository, tmp_path, receiver.url, "first")
    eventually(lambda: len(receiver.received) == 1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    receiver.hold.set()
    process = start(repository, tmp_path, receiver.url, "again")
    try:
        eventually(lambda: len(receiver.received) == 2)
        eventually(lambda: states(tmp_path) == ["delivered"])  # the same event, read again, is no second delivery
    finally:
        process.kill()
        process.communicate()
    first, second = receiver.received
    assert first[1]["webhook-id"] == second[1]["webhook-id"]
    assert first[2] == second[2]


def states(folder):
    database = sqlite3.connect(f"file:{folder / 'notices.sqlite'}?mode=ro", uri=True)
    with closing(database):
        return [state for (state,) in database.execute("SELECT state FROM delivery")]
