"""The audit log: every write, linked, and nobody can take a row back."""

import hashlib
import json
import sqlite3

import pytest

from api.access.audit import BEGINNING, DOMAIN
from api.access.limits import Limits, Rate
from api.access.principal import Role


def _rows(client):
    rows, after = [], None
    while True:
        page = client.get("/v1/audit", params={"limit": 3} | ({"after": after} if after else {})).json()
        rows += page["items"]
        after = page["next"]
        if after is None:
            return rows, page


def test_every_write_is_on_record_with_who_what_and_how_it_came_out(site, alice):
    owner = site.owner(alice)
    made = owner.post("/v1/keys", json={"scopes": ["read"], "label": "x"}).json()
    owner.post("/v1/keys", json={"scopes": ["registry"], "label": "x"})
    owner.put(f"/v1/owners/{alice.address}", json={"name": "A Village School"})
    owner.delete(f"/v1/keys/{made['key_id']}")
    owner.get("/v1/keys")
    owner.delete("/v1/sessions/current")
    operator_id, token = site.key()
    operator = site.client(authorization=f"Bearer {token}")
    operator.post("/v1/keys", json={"scopes": ["read"], "label": "y"})
    rows, _ = _rows(operator)
    assert [(row["operation"], row["status"]) for row in rows] == [
        ("session_open", 201), ("keys_create", 201), ("keys_create", 403), ("owner_put", 204), ("keys_revoke", 204),
        ("session_close", 204), ("keys_create", 201),
    ]  # fmt: skip
    assert {row["address"] for row in rows[:-1]} == {alice.address}
    assert rows[-1]["actor"] == f"key:{operator_id}"
    assert rows[1]["target"] == rows[4]["target"] == made["key_id"]
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))


def test_whoever_has_the_rows_can_compute_every_link(site, alice):
    owner = site.owner(alice)
    for name in ("A", "B", "C", "D"):
        owner.put(f"/v1/owners/{alice.address}", json={"name": name})
    rows, page = _rows(site.with_key(Role.AUDITOR))
    link = BEGINNING
    for row in rows:
        linked = {key: row[key] for key in ("number", "at_ms", "role", "actor", "operation", "target", "status")}
        canonical = json.dumps(linked, sort_keys=True, separators=(",", ":")).encode()
        link = hashlib.sha256(DOMAIN + link + canonical).digest()
        assert link.hex() == row["link"]
    assert (page["head_number"], page["head_link"]) == (len(rows), link.hex())
    assert site.access.audit.broken_at() is None


def test_an_owner_sees_their_own_rows_only(site, alice, bob):
    owner = site.owner(alice)
    site.owner(bob)
    site.with_key().post("/v1/keys", json={"scopes": ["read"], "label": ""})
    rows, _ = _rows(owner)
    assert [(row["operation"], row["address"]) for row in rows] == [("session_open", alice.address)]


@pytest.mark.parametrize("tamper", ["UPDATE audit SET status = 200", "DELETE FROM audit WHERE number = 1"])
def test_rows_are_neither_changed_nor_removed(site, alice, tamper):
    site.sign_in(alice)
    with sqlite3.connect(site.path) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(tamper)
    connection.close()


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE audit SET status = 200 WHERE number = 2",
        "UPDATE audit SET actor = 'key:000000000000' WHERE number = 2",
        "DELETE FROM audit WHERE number = 2",
        "UPDATE audit SET number = 9 WHERE number = 2",
    ],
)
def test_a_log_that_was_altered_with_the_triggers_gone_shows_it(site, alice, tamper):
    for _ in range(3):
        site.sign_in(alice)
    connection = sqlite3.connect(site.path)
    connection.execute("DROP TRIGGER audit_stands")
    connection.execute("DROP TRIGGER audit_stays")
    connection.execute(tamper)
    connection.commit()
    connection.close()
    assert site.access.audit.broken_at() == 2


def test_strangers_cannot_fill_the_log(site, refused):
    stranger = site.client()
    for _ in range(5):
        stranger.post("/v1/sessions/nonce")
        refused(stranger.post("/v1/keys", json={"scopes": ["read"], "label": ""}), 401, "unauthenticated")
        refused(stranger.delete("/v1/keys/000000000000"), 401, "unauthenticated")
    assert site.access.audit.head()[0] == 0


def test_nor_can_whoever_sends_too_much(make_site, alice):
    site = make_site(Limits(signed_in=Rate(0.01, 2)))
    owner = site.owner(alice)
    statuses = [owner.delete("/v1/keys/000000000000").status_code for _ in range(6)]
    assert statuses == [404] * 2 + [429] * 4
    assert [row.status for row in site.access.audit.rows(0, 100)] == [201, 404, 404]


def test_a_write_that_cannot_be_put_on_record_is_not_answered_as_done(site, alice):
    owner = site.owner(alice)
    connection = sqlite3.connect(site.path)
    connection.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    connection.commit()
    connection.close()
    answer = owner.post("/v1/keys", json={"scopes": ["read"], "label": ""})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/part-away")
    assert "hgk_" not in answer.text
