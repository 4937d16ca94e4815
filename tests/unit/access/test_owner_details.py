"""What owners say about themselves: seen by them, and gone when they say so."""

import sqlite3

import pytest

from api.access.principal import Role

NAME, EMAIL = "長沙村小學 Village School", "roof@school.example"


DETAILS = {"name": NAME, "email": EMAIL, "language": "zh-Hant"}


def test_details_are_kept_and_given_back(site, alice):
    owner, path = site.owner(alice), f"/v1/owners/{alice.address}"
    empty = {"address": alice.address, "name": None, "email": None, "language": None, "changed_at": None}
    assert owner.get(path).json() == empty
    assert owner.put(path, json=DETAILS).status_code == 204
    kept = owner.get(path)
    assert kept.headers["cache-control"] == "no-store"
    assert kept.json() | {"changed_at": None} == empty | DETAILS
    assert kept.json()["changed_at"] is not None
    assert owner.put(path.lower(), json={"name": "B"}).status_code == 204
    assert (owner.get(path).json()["name"], owner.get(path).json()["email"]) == ("B", None)


def test_what_is_erased_is_nowhere_in_the_file(site, alice, bob, refused):
    owner, path = site.owner(alice), f"/v1/owners/{alice.address}"
    bobs = site.owner(bob)
    bobs.put(f"/v1/owners/{bob.address}", json={"name": "Bob"})
    owner.put(path, json=DETAILS)
    program = site.client(
        authorization="Bearer " + owner.post("/v1/keys", json={"scopes": ["read"], "label": ""}).json()["key"]
    )
    site.access.idempotency.claim(alice.address, "a", b"r")
    site.access.releases.put("roof", released=True, address=alice.address, now_ms=1)
    assert owner.delete(path).status_code == 204
    for client in (owner, program):
        refused(client.get("/v1/sessions/current"), 401, "unauthenticated")
    kept = b"".join(file.read_bytes() for file in site.path.parent.iterdir())
    for gone in (NAME.encode(), EMAIL.encode(), alice.address.encode()):
        assert gone not in kept
    assert b"Bob" in kept
    assert site.access.releases.said("roof") is None
    assert bobs.get(f"/v1/owners/{bob.address}").json()["name"] == "Bob"


def test_a_reader_that_keeps_the_log_open_does_not_keep_the_person(site, alice):
    owner, path = site.owner(alice), f"/v1/owners/{alice.address}"
    owner.put(path, json=DETAILS)
    reader = sqlite3.connect(site.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM details").fetchall()
    site.access._file._writer.execute("PRAGMA busy_timeout = 50")
    assert owner.delete(path).status_code == 204
    reader.execute("COMMIT")
    reader.close()
    site.access.sweep()
    assert EMAIL.encode() not in b"".join(file.read_bytes() for file in site.path.parent.iterdir())


def test_after_an_erasure_the_audit_log_stands_and_names_nobody(site, alice):
    owner, path = site.owner(alice), f"/v1/owners/{alice.address}"
    owner.put(path, json=DETAILS)
    before = site.access.audit.rows(0, 100)
    assert {row.address for row in before} == {alice.address}
    owner.delete(path)
    after = site.access.audit.rows(0, 100)
    assert [row.operation for row in after] == ["session_open", "owner_put", "owner_erase"]
    assert {row.address for row in after} == {None}
    assert [row.link for row in after[: len(before)]] == [row.link for row in before]
    assert len({row.actor for row in after}) == 1
    assert site.access.audit.broken_at() is None
    again = site.owner(alice)
    assert again.get(path).json()["name"] is None
    assert len(again.get("/v1/audit").json()["items"]) == 1  # a new person, as far as the log knows


def test_the_operator_looks_after_details_and_an_auditor_does_not_see_them(site, alice, refused):
    path = f"/v1/owners/{alice.address}"
    site.owner(alice).put(path, json=DETAILS)
    operator = site.with_key()
    assert operator.get(path).json()["name"] == NAME
    refused(site.with_key(Role.AUDITOR).get(path), 403, "forbidden")
    refused(site.with_key(scopes=frozenset({"read"})).get(path), 403, "forbidden")
    refused(site.client().get(path), 401, "unauthenticated")
    assert operator.delete(path).status_code == 204
    assert operator.get(path).json()["name"] is None
    rows = site.access.audit.rows(0, 100)
    assert rows[-1].actor.startswith("key:")
    assert rows[-1].target == rows[0].actor


@pytest.mark.parametrize(
    "wrong",
    [{"name": "two\nlines"}, {"name": ""}, {"name": "x" * 201}, {"email": "nobody"}, {"language": "fr"}, {"iban": "x"}],
)
def test_what_is_no_detail_is_refused(site, alice, refused, wrong):
    refused(site.owner(alice).put(f"/v1/owners/{alice.address}", json=wrong), 422, "invalid-parameter")
